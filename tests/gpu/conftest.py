"""What only a GPU shows; skipped where there is none. `bash run_tests.sh --gpu` runs these tests alone."""

import os

import pytest

from tests.conftest import GPUS, VISIBLE
from tests.contract.conftest import (  # noqa: F401 - fixtures
    alone,
    download,
    prepared,
    prepared_lmdb,
    trained,
    trained_detector,
)


def pytest_collection_modifyitems(items):
    here = [item for item in items if "tests/gpu/" in item.path.as_posix()]
    for item in here:
        needs = item.get_closest_marker("gpus")
        count = needs.args[0] if needs else 1
        if count > GPUS:
            found = "no GPU" if GPUS == 0 else f"{GPUS} GPU{'s' * (GPUS > 1)}"
            item.add_marker(pytest.mark.skip(reason=f"needs {count} GPU{'s' * (count > 1)}; torch finds {found}"))


@pytest.fixture(scope="package")
def environment():
    """Environment variables of a process that sees the GPUs."""
    seen = {key: value for key, value in os.environ.items() if key != "CUDA_VISIBLE_DEVICES"}
    return seen | ({} if VISIBLE is None else {"CUDA_VISIBLE_DEVICES": VISIBLE}) | {"OMP_NUM_THREADS": "1"}

"""Every benchmark finds what it measures: the rest of what they do takes minutes, and nobody runs it every day."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from benchmarks.studies.int8_reading import row_of

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.parametrize(
    "name", sorted(".".join(path.relative_to(FOLDER).with_suffix("").parts) for path in FOLDER.rglob("*.py"))
)
def test_a_benchmark_can_be_imported(name):
    assert importlib.import_module(f"benchmarks.{name}").__doc__


def test_int8_is_held_against_float32_and_against_the_first_export():
    in_float = np.array([1, 1, 1, 1, 1, 0, 0, 0], bool)
    in_int8 = np.array([1, 1, 1, 0, 0, 1, 0, 0], bool)
    first = np.array([1, 1, 1, 1, 1, 1, 1, 0], bool)
    # Three words are lost against the first one and none are won: a fair coin does that, to either side, once in four.
    assert row_of(in_float, in_int8, first) == [8, "62.50", "50.00", 2, 1, 3, 0, "0.25"]
    assert row_of(in_float, first, first)[-3:] == [0, 0, ""]

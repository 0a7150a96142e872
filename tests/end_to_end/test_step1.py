"""Step 1: one clear line for each thing that can go wrong, and folders with spaces and Hangul."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path):
    """A copy of what step 1 needs, in a folder with a space and Hangul, without any requirement."""
    folder = tmp_path / "한글 폴더"
    folder.mkdir()
    shutil.copy(ROOT / "step1_set_environment.sh", folder)
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name in (
        "requirements.txt",
        "requirements-serve.txt",
        "requirements-dev.txt",
        "constraints.txt",
        "prepare_dataset.py",
        "evaluate.py",
    ):
        (folder / name).write_text("")
    return folder


def run(project, command, **environment):
    return subprocess.run(
        ["bash", "-c", command],
        cwd=project,
        env={"PATH": os.environ["PATH"], "HOME": str(project), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def fake_python(project, version):
    """A python3 that only tells its version, and the few programs beside it that the script itself needs."""
    folder = project / "bin"
    folder.mkdir()
    for name in ("bash", "dirname", "grep", "cat", "sha256sum"):
        (folder / name).symlink_to(shutil.which(name))
    (folder / "python3").write_text(
        f'#!/bin/bash\n[[ "$2" == *version_info\\[* ]] && echo {version} && exit 0\nexit 1\n', encoding="utf-8"
    )
    (folder / "python3").chmod(0o755)
    return str(folder)


def test_a_python_that_is_too_old(project):
    result = run(project, "source step1_set_environment.sh", PATH=fake_python(project, "3.8.10"))
    assert result.returncode != 0
    assert len(result.stderr.splitlines()) == 1
    assert "Python 3.11 or newer is needed; python3 is 3.8.10;" in result.stderr


def test_no_network(project):
    (project / "requirements.txt").write_text("a-package-that-is-not-there==1.0\n")
    result = run(
        project,
        "bash step1_set_environment.sh",
        PIP_INDEX_URL="http://127.0.0.1:9/simple",
        PIP_CONFIG_FILE=os.devnull,
        PIP_RETRIES="0",
    )
    assert result.returncode != 0
    assert len(result.stderr.splitlines()) == 1
    assert "the package index can't be reached" in result.stderr
    assert not list(project.glob(".venv/*.sha256")), "a failed installation is not taken for a finished one"


def test_a_full_disk_is_named(project):
    (project / "pip.log").write_text(
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n"
    )
    source = (project / "step1_set_environment.sh").read_text(encoding="utf-8")
    functions = source[: source.index('_step1 "${BASH_SOURCE')]
    (project / "functions.sh").write_text(functions, encoding="utf-8")
    result = run(project, "source functions.sh; _step1_explain_failure pip.log")
    assert result.stderr.startswith("step 1: the disk is full; free about 9 GB")


def test_sourcing_activates_and_sets_the_path_once():
    command = (
        "source step1_set_environment.sh && source step1_set_environment.sh"
        ' && python -c "import sys, torch, torchvision, train_easyocr; print(sys.prefix)" && echo "$PYTHONPATH"'
    )
    if (
        not (ROOT / ".venv" / "requirements.sha256").is_file()
        and not (ROOT / ".venv" / "requirements-dev.sha256").is_file()
    ):
        pytest.skip("step 1 has not been run in this folder")
    result = run(ROOT, command, HOME=os.environ["HOME"])
    assert result.returncode == 0, result.stderr
    prefix, path = result.stdout.splitlines()[-2:]
    assert Path(prefix) == ROOT / ".venv"
    assert path == str(ROOT)

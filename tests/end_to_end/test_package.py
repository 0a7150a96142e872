"""The package as pip installs it: every module and every file that modules read, and commands that start anywhere."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder that `pip install .` fills, without the requirements."""
    folder = tmp_path_factory.mktemp("설 치")
    source = folder / "source"
    shutil.copytree(ROOT / "train_easyocr", source / "train_easyocr", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (*ROOT.glob("*.py"), *ROOT.glob("*.toml"), *ROOT.glob("requirements*.txt")):
        shutil.copy(path, source)
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--target", folder / "packages")
    subprocess.run([sys.executable, "-m", "pip", "install", *options, source], check=True)
    return folder / "packages"


def test_nothing_of_the_package_is_left_out(installed):
    source = installed.with_name("source")
    there = [path.relative_to(source) for path in (source / "train_easyocr").rglob("*") if path.is_file()]
    assert len(there) > 100
    assert [name for name in there if not (installed / name).is_file()] == []


@pytest.mark.parametrize("command", ["prepare_dataset", "evaluate", "train_easyocr.train", "train_easyocr.synthesis"])
def test_commands_start_in_any_folder(installed, tmp_path, command):
    done = subprocess.run(
        [sys.executable, "-m", command, "--help"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout[:6]) == (0, "usage:"), done.stderr


def test_documents_are_rendered_by_it(installed, tmp_path):
    subprocess.run(
        [
            sys.executable,
            "-m",
            "train_easyocr.synthesis",
            "--output",
            tmp_path / "쪽",
            "--pages",
            "4",
            "--workers",
            "1",
        ],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"},
        check=True,
    )
    assert list((tmp_path / "쪽").rglob("*.zip"))

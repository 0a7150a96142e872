"""Step 2 killed at any moment and started again ends in the same tree, byte for byte."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.documents.samples import make_download, tree

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def download(tmp_path_factory):
    """Pages that take long enough to be interrupted."""
    folder = tmp_path_factory.mktemp("큰") / "공공행정문서 OCR"
    return make_download(folder, training=16, validation=2, width=1500, height=1200)


@pytest.mark.parametrize("form", ["png", "lmdb"])
def test_a_kill_at_any_kind_of_file_operation_changes_nothing(tmp_path, form):
    small = make_download(tmp_path / "공공행정문서 OCR", 3, 3)
    command = [sys.executable, "-m", "tests.end_to_end.kill_points", str(small), str(tmp_path / "시험"), form]
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    assert result["different"] == []
    assert result["killed"] >= 30 and result["operations"] > 100 and result["files"] > 20


def start(download, output, *arguments):
    command = [sys.executable, str(ROOT / "prepare_dataset.py"), "--dataset", str(download), "--output", str(output)]
    command += ["--training", "--workers", "2", *arguments]
    return subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def wait_for_pages(output, count):
    """Wait until `count` pages are done; the set itself must not be there yet."""
    folder = output / "training_and_validation_set/training"
    deadline = time.monotonic() + 60
    while len(list((folder / ".select_data.work/batches").glob("*.json"))) < count:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    assert not (folder / "select_data").exists()


@pytest.mark.parametrize("form", ["png", "lmdb"])
def test_a_run_with_workers_that_is_killed_goes_on(download, tmp_path, form):
    whole, output = tmp_path / "전체", tmp_path / "중단"
    assert start(download, whole, "--unzip", "--format", form).wait() == 0
    first = start(download, output, "--unzip", "--format", form)
    wait_for_pages(output, 1)
    workers = psutil.Process(first.pid).children(recursive=True)
    first.kill()
    first.wait()
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive
    second = start(download, output, "--format", form)
    out, _ = second.communicate()
    assert second.returncode == 0 and "pages are done already" in out
    assert tree(output) == tree(whole)


def test_ctrl_c_says_that_running_again_goes_on(download, tmp_path):
    first = start(download, tmp_path, "--unzip")
    wait_for_pages(tmp_path, 1)
    os.killpg(first.pid, signal.SIGINT)  # as a terminal does: parent and workers get it
    _, err = first.communicate(timeout=30)
    assert first.returncode == 130
    assert "the same command goes on from here" in err and "Traceback" not in err
    second = start(download, tmp_path)
    assert "pages are done already" in second.communicate()[0]
    assert second.returncode == 0

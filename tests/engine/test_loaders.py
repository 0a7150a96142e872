"""Loading in other processes: what fits in shared memory, and what happens to those that are lost or hang."""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch.utils.data import Dataset

from tests.detection.page_files import write_page
from tests.recognition.word_sets import WORDS, tiny_config, write_set
from train_easyocr.common.errors import UsageError, UserError
from train_easyocr.detection import task as detection
from train_easyocr.detection.config import DetectionConfig
from train_easyocr.engine import loaders
from train_easyocr.engine.loaders import Loaders, choose_loaders, load, noticing_lost_workers
from train_easyocr.recognition.task import train

pytestmark = pytest.mark.slow

MIB = 2**20
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _afresh():
    choose_loaders.cache_clear()
    yield
    choose_loaders.cache_clear()


def has(monkeypatch, mebibytes, processes=1):
    monkeypatch.setattr(loaders, "free_shared_memory", lambda: None if mebibytes is None else mebibytes * MIB)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(processes))


@pytest.mark.parametrize(
    ("free", "setting", "at_once", "expected"),
    [
        (None, 8, 1, (8, 4)),  # a system without /dev/shm
        (10_000, 8, 1, (8, 4)),
        (66, 8, 1, (8, 4)),  # 8 x 4 + 1 batches of 2 MiB
        (65, 8, 1, (8, 3)),
        (66, 8, 2, (8, 1)),
        (64, 31, 1, (31, 1)),
        (0, 0, 1, (0, 4)),  # the trainer itself needs none
    ],
)
def test_processes_have_as_many_batches_ready_as_fit(monkeypatch, free, setting, at_once, expected):
    has(monkeypatch, free)
    assert choose_loaders(setting, 2 * MIB, at_once, gpu=True) == expected


def test_the_trainings_of_a_machine_share_its_memory(monkeypatch):
    has(monkeypatch, 66, processes=2)
    assert choose_loaders(8, 2 * MIB, gpu=True) == (8, 1)


def test_more_than_fit_are_refused_with_what_mends_it(monkeypatch):
    has(monkeypatch, 64)
    with pytest.raises(UsageError) as error:
        choose_loaders(16, 7 * MIB, 2, gpu=True)
    assert str(error.value) == (
        "workers: 16: 16 processes that load need 238 MiB of shared memory for their batches, and /dev/shm has 64 MiB "
        "free. In a container, docker run --shm-size=952m (or --ipc=host) gives more; workers=3 fits, and so do "
        "smaller batches"
    )
    assert choose_loaders(3, 7 * MIB, 2, gpu=True) == (3, 1)


@pytest.mark.parametrize(("free", "fit", "said"), [(64, 3, "3 will load"), (20, 0, "none but the trainer itself")])
def test_auto_takes_as_many_as_fit_and_says_so_once(monkeypatch, capsys, free, fit, said):
    has(monkeypatch, free)
    monkeypatch.setattr(loaders, "loading_workers", lambda setting, gpu: 8)
    for _ in range(2):
        assert choose_loaders("auto", 7 * MIB, 2, gpu=True) == (fit, 1)
        has(monkeypatch, 0)  # what is in use later does not count
    output = capsys.readouterr().out
    assert output.count("Warning: 8 processes that load need 126 MiB") == 1
    assert said in output
    assert "--shm-size=504m" in output


def test_the_trainings_ask_before_they_begin(monkeypatch, tmp_path):
    for split in ("training", "validation"):
        write_set(tmp_path / split / "select_data", WORDS)
        write_page(tmp_path / "쪽" / split, "하나")
    has(monkeypatch, 0)
    config = tiny_config(tmp_path, n_iter=1, workers=2)
    with pytest.raises(UsageError, match="workers: 2: 2 processes that load need 1 MiB"):
        train(config)
    assert not (config.experiment / "config.yaml").exists()
    pages = {
        f"{key}_data": str(tmp_path / "쪽" / split) for key, split in (("train", "training"), ("val", "validation"))
    }
    detector = DetectionConfig(
        **pages, saved_models=str(tmp_path), long_side=256, n_iter=1, workers=2, precision="fp32"
    )
    # 16 pieces of 640 x 640 pixels and as many bytes of targets make 12.5 MiB.
    with pytest.raises(UsageError, match="workers: 2: 2 processes that load need 38 MiB"):
        detection.train(detector)
    assert not (detector.experiment / "best_f1.pth").exists()


@dataclass
class Numbers:
    images: torch.Tensor


class Misbehaving(Dataset):
    """Gives numbers, and does something at the fourth."""

    def __init__(self, deed=lambda: None):
        self.deed = deed

    def __getitem__(self, number):
        if number == 3:
            self.deed()
        return Numbers(torch.full((1000,), number))


def numbers(deed=lambda: None, workers=2):
    with noticing_lost_workers():
        found = load(Misbehaving(deed), list(range(8)), Loaders(workers, 1), pin_memory=False)
        return [int(batch.images[7]) for batch in found]


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_batches_come_in_order(workers):
    assert numbers(workers=workers) == list(range(8))


def test_a_process_that_is_killed_is_told_at_once():
    started = time.monotonic()
    with pytest.raises(UserError, match=r"is gone, most likely for want of memory .*workers=N"):
        numbers(lambda: os.kill(os.getpid(), signal.SIGKILL))
    assert time.monotonic() - started < 30


def stopped():
    os.kill(os.getpid(), signal.SIGSTOP)


@pytest.mark.parametrize("deed", [stopped, lambda: time.sleep(1000)])
def test_a_process_that_hangs_is_told_and_then_ended(monkeypatch, capfd, deed):
    monkeypatch.setattr(loaders, "SILENCE", 1)
    monkeypatch.setattr(loaders, "MOST_SILENCES", 3)
    with pytest.raises(UserError, match="have given no batch for 3 seconds; they are ended"):
        numbers(deed)
    assert capfd.readouterr().err.count("have given no batch for 1 seconds: a slow disk, or they hang") == 1


def test_a_minute_of_silence_is_never_unsaid():
    assert loaders.SILENCE < 60
    assert loaders.SILENCE * loaders.MOST_SILENCES <= 600


def test_slow_ones_are_waited_for(monkeypatch, capfd):
    monkeypatch.setattr(loaders, "SILENCE", 1)
    assert numbers(lambda: time.sleep(2.5)) == list(range(8))
    assert "have given no batch for 1 seconds" in capfd.readouterr().err


def test_other_errors_stay_what_they_are():
    with pytest.raises(RuntimeError, match="of its own") as error, noticing_lost_workers():
        raise RuntimeError("of its own")
    assert not isinstance(error.value, UserError)


SCRIPT = """
import sys
from pathlib import Path
from tests.recognition.word_sets import tiny_config
from train_easyocr.common.command_line import command
from train_easyocr.engine import loaders
from train_easyocr.recognition.task import train
if sys.argv[2] == "unseen":
    loaders.free_shared_memory = lambda: None
config = tiny_config(Path(sys.argv[1]), n_iter=2, batch_size=256, img_width=400, batch_width="fixed", workers=4)
sys.exit(command("train.py")(train)(config))
"""
PRIVATE = 'mount -t tmpfs -o size=4m tmpfs /dev/shm && exec "$@"'


def in_small_memory(*command):
    """Run a command where /dev/shm has 4 MiB."""
    return subprocess.run(
        ["unshare", "-m", "bash", "-c", PRIVATE, "bash", *map(str, command)],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.skipif(
    shutil.which("unshare") is None or in_small_memory("true").returncode != 0, reason="no file system can be mounted"
)
@pytest.mark.parametrize(
    ("check", "status", "said"),
    [("seen", 2, "/dev/shm has 4 MiB free"), ("unseen", 1, "/dev/shm: has no room for a batch: unable to allocate")],
)
def test_memory_that_is_too_small_ends_a_training(tmp_path, check, status, said):
    write_set(tmp_path / "training" / "select_data", WORDS * 30)
    write_set(tmp_path / "validation" / "select_data", WORDS)
    result = in_small_memory(sys.executable, "-c", SCRIPT, tmp_path, check)
    assert result.returncode == status, result.stderr
    assert said in result.stderr
    assert "--shm-size=" in result.stderr
    assert "workers=" in result.stderr
    assert "Traceback" not in result.stderr

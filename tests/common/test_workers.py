"""Worker processes: results, errors, and no orphans."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from train_easyocr.common import workers as processes
from train_easyocr.common.errors import UserError
from train_easyocr.common.workers import available_cores, loading_workers, spread

pytestmark = pytest.mark.slow


def square(number):
    return number * number


def fail_at_three(number):
    if number == 3:
        raise ValueError("셋")
    return number


def die(_):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_container_s_limit_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "CONTAINER_LIMIT", tmp_path / "cpu.max")
    all_of_them = available_cores()
    for text, cores in (
        ("100000 100000\n", 1),
        ("50000 100000\n", 1),
        ("max 100000\n", all_of_them),
        ("?", all_of_them),
    ):
        (tmp_path / "cpu.max").write_text(text)
        assert available_cores() == cores
    (tmp_path / "cpu.max").write_text("9900000 100000\n")
    assert available_cores() == all_of_them


@pytest.mark.parametrize("workers", [1, 2])
def test_every_task_gives_its_result(workers):
    assert sorted(spread(square, range(30), workers)) == [number**2 for number in range(30)]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_a_task_reaches_the_caller(workers):
    with pytest.raises(ValueError, match="셋"):
        list(spread(fail_at_three, range(20), workers))


def test_a_killed_worker_is_an_error_that_says_what_to_do():
    with pytest.raises(UserError, match="--workers"):
        list(spread(die, range(3), 2))


def test_processes_that_load_are_as_many_as_pay(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    assert [loading_workers("auto", gpu=gpu) for gpu in (True, False)] == [16, 16]
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "8")
    assert [loading_workers("auto", gpu=gpu) for gpu in (True, False)] == [8, 2]
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    assert [loading_workers("auto", gpu=True), loading_workers(0, gpu=True), loading_workers(5, gpu=False)] == [2, 0, 5]


def test_workers_end_when_their_parent_is_killed():
    code = "import time\nfrom train_easyocr.common.workers import spread\nlist(spread(time.sleep, [60] * 4, 2))"
    guarded = f"if __name__ == '__main__':\n    exec({code!r})"
    parent = subprocess.Popen([sys.executable, "-c", guarded])
    try:
        deadline = time.monotonic() + 30
        while len(workers := _workers(parent.pid)) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(workers) == 2
        time.sleep(0.5)  # let them begin
    finally:
        parent.kill()
        parent.wait()
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive


def _workers(pid):
    return [child for child in psutil.Process(pid).children() if "spawn_main" in " ".join(child.cmdline())]


def test_there_is_at_least_one_core():
    assert available_cores() >= 1


def hang_at(number, first):
    if number == first:
        time.sleep(1.2)
    return number


def test_silence_is_said_once_and_names_what_is_waited_for(monkeypatch, capfd):
    monkeypatch.setattr(processes, "SILENCE", 0.3)
    assert sorted(spread(hang_at, range(2, 4), 2, (2,), name="쪽 {}".format)) == [2, 3]
    said = capfd.readouterr().err
    assert said.count("have given no result for 0.3 seconds: a slow disk, or they hang; waiting for '쪽 2'") >= 1

"""A service over tiny networks: within the test, or as a process of its own."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time

import httpx
import psutil
import pytest

from tests.serving.tiny import write_export


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    return write_export(tmp_path_factory.mktemp("모델 꾸러미") / "내보낸 것")


@contextlib.contextmanager
def running(package, folder, *arguments):
    """Run the command on a free port, with an empty folder for what is spooled; yield a client."""
    spool, log = folder / "임시", folder / "log.txt"
    spool.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "train_easyocr.serve", "--package", package, "--port", "0", *arguments]
    with log.open("w") as err:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=err, text=True, env=os.environ | {"TMPDIR": str(spool)}
        )
    try:
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, log.read_text()
        with httpx.Client(base_url=found[0], timeout=30) as client:
            client.process, client.spool, client.log = psutil.Process(process.pid), spool, log
            client.popen = process
            yield client
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, log.read_text()
        process.stdout.close()


@pytest.fixture(scope="session")
def client(exported, tmp_path_factory):
    """A service of two threads for anybody, with short limits."""
    limits = ("body_mb=2", "uploads_mb=16", "jobs_mb=16", "stall_seconds=1", "pages=20", "--threads", "2")
    with running(exported, tmp_path_factory.mktemp("서비스"), *limits) as client:
        yield client


def until(true, seconds=10):
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)

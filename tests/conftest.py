"""Fixtures of several folders. Tests compute on the CPU, where results are exact; those of tests/gpu see the GPUs."""

import os
import signal

import pytest
import torch

from tests.recognition.word_sets import WORDS, write_set

GPUS, VISIBLE = torch.cuda.device_count(), os.environ.get("CUDA_VISIBLE_DEVICES")
os.environ["CUDA_VISIBLE_DEVICES"] = ""  # before torch looks for them, here and in the processes that tests start


@pytest.fixture(autouse=True, scope="session")
def ctrl_c_is_heard():
    """A shell lets what it starts in the background ignore Ctrl-C, and the programs that tests start inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def one_thread():
    """As many threads as the processes that tests start: the last bits of sums depend on their number."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def data(tmp_path):
    """A folder with a training and a validation set of rendered words."""
    write_set(tmp_path / "training" / "select_data", WORDS * 2)
    write_set(tmp_path / "validation" / "select_data", WORDS)
    return tmp_path

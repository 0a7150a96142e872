"""Fixtures of several folders."""

import signal

import pytest
import torch


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

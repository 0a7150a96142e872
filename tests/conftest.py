"""Fixtures of several folders."""

import pytest
import torch


@pytest.fixture
def one_thread():
    """As many threads as the processes that tests start: the last bits of sums depend on their number."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)

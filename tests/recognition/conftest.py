"""Fixtures of this folder."""

import pytest

from tests.recognition.word_sets import WORDS, write_set


@pytest.fixture
def data(tmp_path):
    """A folder with a training and a validation set of rendered words."""
    write_set(tmp_path / "training" / "select_data", WORDS * 2)
    write_set(tmp_path / "validation" / "select_data", WORDS)
    return tmp_path

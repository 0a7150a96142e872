"""Words and pages that the starter's networks know, in folders with Hangul and spaces in their names."""

import pytest

from tests.recognition.word_sets import WORDS, write_set


@pytest.fixture(scope="session")
def words(tmp_path_factory):
    """The settings that name a training and a validation set."""
    folder = tmp_path_factory.mktemp("낱말 모음")
    write_set(folder / "training" / "select_data", WORDS * 2)
    write_set(folder / "validation" / "select_data", WORDS * 2)
    return [f"output={folder}", "train_data=training", "val_data=validation", "workers=0"]

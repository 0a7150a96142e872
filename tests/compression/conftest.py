"""Words and pages that the starter's networks know, in folders with Hangul and spaces in their names."""

import pytest

from tests.recognition.word_sets import WORDS, write_set
from train_easyocr.compress import main
from train_easyocr.compression import sensitivity


@pytest.fixture(scope="session")
def words(tmp_path_factory):
    """The settings that name a training and a validation set."""
    folder = tmp_path_factory.mktemp("낱말 모음")
    write_set(folder / "training" / "select_data", WORDS * 2)
    write_set(folder / "validation" / "select_data", WORDS * 2)
    return [f"output={folder}", "train_data=training", "val_data=validation", "workers=0"]


SHORT = ["n_iter=2", "val_period=2", "batch_size=4", "precision=fp32", "new_characters_first=0"]


@pytest.fixture(scope="session")
def pruned(tmp_path_factory, words):
    """A recognizer at three quarters of its multiplications, two steps on; and how it is made."""
    folder = tmp_path_factory.mktemp("작은 모델")
    command = ["prune", "--network", "recognizer", "--target_macs", "0.75", "--words", "20", "--name", "작은 것"]
    command += [*words, f"saved_models={folder}", *SHORT]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sensitivity, "RATIOS", (0.3, 0.6))
        assert main(command) == 0
    return folder / "작은 것", command

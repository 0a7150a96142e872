"""A small model that reads its words, and an empty folder to install it in."""

import json
import shutil

import pytest

from tests.detection.untrained import save_untrained
from tests.recognition.word_sets import WORDS, tiny_config, write_set
from train_easyocr.recognition.task import train


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """An experiment whose weights read its validation words without a mistake."""
    folder = tmp_path_factory.mktemp("실험")
    write_set(folder / "training" / "select_data", WORDS * 8)
    write_set(folder / "validation" / "select_data", WORDS)
    settings = {"n_iter": 400, "val_period": 400, "save_period": 400, "batch_size": 12, "lr": 0.005}
    settings |= {"output_channel": 32, "hidden_size": 32}
    config = tiny_config(folder, **settings)
    train(config)
    card = json.loads((config.experiment / "best_accuracy.json").read_text(encoding="utf-8"))
    assert card["validation"]["accuracy"] == 100
    return config


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty folder where EasyOCR looks for models."""
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path / "이지"))
    return tmp_path / "이지"


@pytest.fixture
def weights(trained, tmp_path):
    """A copy of the trained weights and their card, to do something to."""
    for name in ("best_accuracy.pth", "best_accuracy.json"):
        shutil.copy(trained.experiment / name, tmp_path)
    return tmp_path / "best_accuracy.pth"


@pytest.fixture
def detector(tmp_path):
    return save_untrained(tmp_path / "검출.pth")

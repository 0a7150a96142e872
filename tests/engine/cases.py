"""The trainings that the engine's tests run: toy, recognizer, detector, direction classifier; and what they leave."""

import json
import re
from typing import NamedTuple

import pytest
import torch

from tests.detection.page_files import write_page
from tests.engine.toy_task import ToySettings, ToyTask
from tests.recognition.word_sets import WORDS, tiny_config, write_set
from train_easyocr.detection.config import DetectionConfig
from train_easyocr.detection.task import DetectorTask
from train_easyocr.documents.page import Box
from train_easyocr.engine import trainer
from train_easyocr.engine.state import load_state
from train_easyocr.orientation.config import OrientationConfig
from train_easyocr.orientation.task import OrientationTask
from train_easyocr.recognition.task import RecognizerTask

COMMON = {"n_iter": 8, "val_period": 3, "save_period": 5}
SECOND = (Box(30, 100, 120, 126), Box(130, 100, 170, 126), Box(20, 140, 44, 186), Box(60, 140, 200, 164))


def toy_settings(folder, **settings):
    return ToySettings(saved_models=str(folder / "saved_models"), **(COMMON | settings))


def recognizer_settings(folder, **settings):
    if not (folder / "training").is_dir():
        write_set(folder / "training" / "select_data", WORDS * 2)
        write_set(folder / "validation" / "select_data", WORDS)
    return tiny_config(folder, **(COMMON | {"lr": 0.01} | settings))


def detector_settings(folder, **settings):
    places = {"train_data": folder / "쪽/training", "val_data": folder / "쪽/validation"}
    for place in places.values():
        if not place.is_dir():
            write_page(place, "first")
            write_page(place, "second", boxes=SECOND)
    values = {"saved_models": str(folder / "saved_models")} | {key: str(place) for key, place in places.items()}
    small = {"long_side": 256, "crop_size": 96, "batch_size": 2, "workers": 0, "precision": "fp32", "lr": 0.003}
    return DetectionConfig(**(values | small | COMMON | settings))


def orientation_settings(folder, **settings):
    places = {key: folder / "낱말" / key for key in ("train_data", "val_data")}
    for place in places.values():
        if not place.is_dir():
            write_set(place, WORDS * 2)
    values = {"saved_models": str(folder / "saved_models")} | {key: str(place) for key, place in places.items()}
    return OrientationConfig(**(values | {"batch_size": 6, "workers": 0} | COMMON | settings))


class Case(NamedTuple):
    """A training: its task, and what makes its settings, with its data, in a folder."""

    kind: type
    settings: object

    def train(self, config, minutes=None):
        trainer.train(self.kind, config, minutes)


TOY, RECOGNIZER, DETECTOR, ORIENTATION = (
    Case(ToyTask, toy_settings),
    Case(RecognizerTask, recognizer_settings),
    Case(DetectorTask, detector_settings),
    Case(OrientationTask, orientation_settings),
)
every_case = pytest.mark.parametrize(
    "case", [TOY, RECOGNIZER, DETECTOR, ORIENTATION], ids=["toy", "recognizer", "detector", "orientation"]
)


def figures(config):
    """What log_train.jsonl says, but for the time it took."""
    lines = [json.loads(line) for line in (config.experiment / "log_train.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "elapsed"} for line in lines]


def state_of(config):
    return load_state(config.experiment)


def assert_equal(ours, theirs, place="state"):
    """Two values of a state are the same to the last bit."""
    if isinstance(ours, torch.Tensor):
        assert torch.equal(ours, theirs), place
    elif isinstance(ours, dict):
        assert ours.keys() == theirs.keys(), place
        for key, value in ours.items():
            assert_equal(value, theirs[key], f"{place}.{key}")
    elif isinstance(ours, list | tuple):
        assert len(ours) == len(theirs), place
        for number, pair in enumerate(zip(ours, theirs, strict=True)):
            assert_equal(*pair, f"{place}.{number}")
    else:
        assert ours == theirs, place


def assert_equal_runs(config, other):
    """Two runs ended in the same state, with the same weights and cards, and say the same of their way."""
    states = [
        {key: value for key, value in state_of(each).items() if key not in ("config", "elapsed", "log_sizes")}
        for each in (config, other)
    ]
    assert_equal(*states)
    names = {path.name for path in config.experiment.glob("*.pth")} - {"last_state.pth"}
    assert names == {path.name for path in other.experiment.glob("*.pth")} - {"last_state.pth"}
    for name in names:
        assert (config.experiment / name).read_bytes() == (other.experiment / name).read_bytes(), name
        cards = [json.loads((each.experiment / name).with_suffix(".json").read_text()) for each in (config, other)]
        for card in cards:
            card.pop("config", None), card.pop("experiment_name", None)
        assert cards[0] == cards[1]
    assert figures(config) == figures(other)
    blocks = [
        re.sub(r"Total .* elapsed", "", (each.experiment / "log_train.txt").read_text(encoding="utf-8"))
        for each in (config, other)
    ]
    assert blocks[0] == blocks[1]


class Killed(BaseException):
    """Ends a run in the middle, as a signal that can't be caught does."""


def killed_at(monkeypatch, train, config, kill):
    """Train until a call of a function, counted from 1, and through that call if `after` is set."""
    owner, name, call, after = kill
    original, calls = getattr(owner, name), []

    def dying(*arguments, **keywords):
        calls.append(1)
        if len(calls) == call and not after:
            raise Killed
        result = original(*arguments, **keywords)
        if len(calls) == call:
            raise Killed
        return result

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, dying)
        with pytest.raises(Killed):
            train(config)

"""Weights, cards, marks and installed models of before the rebuilding go on being read.

assets/easyocr is what steps 3 and 4 made then: a tiny network (output_channel=16, hidden_size=6, n_iter=1000, lr=0.02,
batch_size=16, otherwise as conftest.py has it, without augmentation) that reads all words of these pages.
"""

import json
import shutil

import pytest

from tests.contract import pages
from tests.contract.conftest import DETECTOR, RECOGNIZER, as_arguments
from tests.contract.entry_points import EVALUATE, INSTALL, TRAIN, TRAIN_DETECTOR, succeed
from tests.contract.golden import ASSETS

pytestmark = pytest.mark.slow

MARK = "첫모델"


@pytest.fixture
def weights(tmp_path):
    """The recognizer's weights with their card, alone."""
    for suffix in (".pth", ".json"):
        shutil.copy(ASSETS / "easyocr" / "model" / f"finetuned{suffix}", tmp_path / f"recognizer{suffix}")
    return tmp_path / "recognizer.pth"


@pytest.fixture
def marks(tmp_path, weights):
    """A folder of experiments with a mark."""
    folder = tmp_path / "saved_models" / "marked" / MARK
    folder.mkdir(parents=True)
    for suffix in (".pth", ".json"):
        shutil.copy(weights.with_suffix(suffix), folder)
    return f"saved_models={tmp_path / 'saved_models'}"


@pytest.fixture
def easyocr(tmp_path, monkeypatch):
    """EasyOCR's folder with the installed model."""
    shutil.copytree(ASSETS / "easyocr", tmp_path / "easyocr")
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path / "easyocr"))
    return tmp_path / "easyocr"


def score(folder, *arguments):
    """Read pages that the network never saw at their labelled boxes; return the one model's name and mean F1."""
    eval_set = pages.write_folder(folder / "eval_set", range(20, 23))
    options = ["--boxes", "labels", "--no-cuda", "--report_images", "none", "--output", folder / "out"]
    succeed(EVALUATE, "--eval_set", eval_set, *options, *arguments)
    result = json.loads((folder / "out" / "evaluation_result.json").read_text(encoding="utf-8"))
    [(name, model)] = result["models"].items()
    return name, model["mean"]["end_to_end_f1"]


def test_the_files_are_small():
    files = [ASSETS / "easyocr" / "model" / f"finetuned{suffix}" for suffix in (".pth", ".json")]
    assert sum(path.stat().st_size for path in files) < 50 * 1024


def test_weights_with_a_card_are_evaluated(weights, tmp_path):
    assert score(tmp_path, "--weights", weights)[1] > 0.98


def test_a_mark_is_evaluated(marks, tmp_path):
    assert score(tmp_path, "--weights", MARK, marks)[1] > 0.98


def test_an_installed_model_is_evaluated(easyocr, tmp_path):
    name, f1 = score(tmp_path, "--finetuned")
    assert name == "finetuned" and f1 > 0.98


@pytest.mark.parametrize("start", ["file", "mark"])
def test_training_begins_from_them(weights, marks, prepared, start):
    """One step of a learning rate near zero: what is validated is the start."""
    settings = RECOGNIZER | {"hidden_size": 6, "n_iter": 1, "lr": 1e-9, "augmentation": "off"}
    settings |= {"continue_from": weights if start == "file" else MARK, "experiment_name": "다음", "output": prepared}
    succeed(TRAIN, *as_arguments(settings), marks)
    folder = weights.parent / "saved_models" / "다음"
    card = json.loads((folder / "best_accuracy.json").read_text(encoding="utf-8"))
    assert card["validation"]["accuracy"] == 100


@pytest.mark.parametrize("given", ["file", "mark"])
def test_step_4_installs_them(weights, marks, prepared, monkeypatch, given):
    other = weights.parent / "other"
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(other))
    succeed(INSTALL, weights if given == "file" else MARK, marks, f"output={prepared}", "detection=", "--words", 5)
    assert (other / "model" / "finetuned.pth").read_bytes() == weights.read_bytes()


def test_an_archived_model_is_listed_and_put_back(easyocr):
    archived = easyocr / "previous_models" / "계약-00000000"
    archived.mkdir(parents=True)
    for path in [*(easyocr / "model").iterdir(), *(easyocr / "user_network").iterdir()]:
        path.rename(archived / path.name)
    assert archived.name in succeed(INSTALL, "--list")
    succeed(INSTALL, "--restore", archived.name)
    assert (easyocr / "model" / "finetuned.pth").is_file()
    assert (easyocr / "user_network" / "finetuned.yaml").is_file()


def test_the_starter_is_a_name_wherever_it_is_one_today(trained_detector):
    """Both trainings know it (here the detector's began with it); step 4 and --weights will, by DESIGN.md's Bundle."""
    assert DETECTOR["continue_from"] == "starter"
    log = (trained_detector.folder / "log_train.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(log[0])["f1"] > 0


def test_a_detectors_weights_are_a_start_too(trained_detector, tmp_path):
    settings = [*trained_detector.settings, f"continue_from={trained_detector.folder / 'best_f1.pth'}", "n_iter=1"]
    succeed(TRAIN_DETECTOR, *settings, f"saved_models={tmp_path}", "lr=1e-9")
    assert (tmp_path / "검출기" / "best_f1.pth").is_file()

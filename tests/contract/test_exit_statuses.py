"""The exit statuses that scripts rely on.

2 for a command or settings that are wrong; 1 for data, files or the machine, data that is not there among them: where
settings name a folder of data, it is the folder that lacks. Nothing used is never success, it ends with 1. After Ctrl-C
the shell sees 130.
"""

import json
import shutil

import pytest

from tests.contract import pages
from tests.contract.conftest import DETECTOR, RECOGNIZER, as_arguments
from tests.contract.entry_points import (
    COMMANDS,
    COMPRESS,
    DETECTOR_RECIPE,
    EASYOCR_WEIGHTS,
    EVALUATE,
    EXPORT,
    INSTALL,
    PACKAGE,
    PREPARE,
    READ_FILES,
    RECOGNIZER_RECIPE,
    RENDER_PAGES,
    RENDER_WORDS,
    SEMI_SUPERVISED,
    SERVE,
    TRAIN,
    TRAIN_DETECTOR,
    TRAIN_ORIENTATION,
    TUNE_DETECTOR,
    run,
)

pytestmark = pytest.mark.slow

TRAINING = as_arguments(RECOGNIZER, output="{prepared}", saved_models="saved", n_iter=3)
DETECTION = as_arguments(DETECTOR, train_data="{pages}", val_data="{others}", saved_models="saved", n_iter=3)
POOL = [PREPARE, "--from", "{pages}", "--output", "set", "--workers", "1", "--training", "train_images=1"]
READ = [EVALUATE, "--eval_set", "{pages}", "--report_images", "none"]
PREDICTED = [*READ, "--predictions", "{predictions}"]
UNLABELLED = ["output={prepared}", "unlabeled_data=training_and_validation_set/training", "saved_models=saved"]
TUNE = [TUNE_DETECTOR, "--detector", "starter", "--trials", "1", "--output", "tuned", "--pages"]

WRONG_COMMAND_OR_SETTING = [
    (2, [*POOL, "leraning_rate=1"]),
    (2, [TRAIN, *TRAINING, "leraning_rate=1"]),
    (2, [TRAIN, *TRAINING, "--minutes", "0"]),
    (2, [TRAIN, *TRAINING, "continue_from=lost.pth"]),
    (2, [TRAIN, *TRAINING, "batch_size=500"]),
    (2, [INSTALL, *TRAINING, "leraning_rate=1"]),
    (2, [INSTALL, "one.pth", "two.pth"]),
    (2, [INSTALL, "--restore", "없음"]),
    (2, [*PREDICTED, "leraning_rate=1"]),
    (2, [*PREDICTED, "--mark", "이름"]),
    (2, [*READ, "--weights", "none.pth", "--boxes", "labels"]),
    (2, [TRAIN_DETECTOR, *DETECTION, "leraning_rate=1"]),
    (2, [*TUNE, "{pages}", "--limit", "0"]),
    (2, [RENDER_PAGES, "--output", "pages", "--pages", "0"]),
    (2, [RENDER_WORDS, "--output", "words", "--count", "4", "--validation_share", "0.01"]),
    (2, [EASYOCR_WEIGHTS, "korean_g9"]),
    (2, [READ_FILES, "{pages}", "--output", "out", "leraning_rate=1"]),
    (2, [READ_FILES, "{pages}", "--output", "out", "--bundle", "none.pth"]),
    (2, [READ_FILES, "{pages}", "--output", "out", "--pages", "0"]),
    (2, [READ_FILES, "{pages}"]),
    (2, [TRAIN_ORIENTATION, "train_data={prepared}", "val_data={prepared}", "leraning_rate=1"]),
    (2, [EXPORT, "--output", "out", "leraning_rate=1"]),
    (2, [EXPORT, "--output", "out", "--bundle", "none.pth"]),
    (2, [EXPORT, "--output", "out", "--form", "rapidocr", "--precision", "int8"]),
    (2, [PACKAGE, "--output", "out", "leraning_rate=1"]),
    (2, [PACKAGE, "--output", "out", "--bundle", "none.pth"]),
    (2, [PACKAGE, "--output", "out", "--wheels", "none"]),
    (2, [SERVE, "--package", "none", "leraning_rate=1"]),
    (2, [SERVE, "--package", "none", "--host", "0.0.0.0"]),
    (2, [COMPRESS, "prune", "--network", "recognizer", "--target_macs", "0.5", "leraning_rate=1"]),
    (2, [COMPRESS, "prune", "--network", "recognizer"]),
    (2, [SEMI_SUPERVISED, "--mode", "both", "large.leraning_rate=1"]),
    (2, [SEMI_SUPERVISED, "--mode", "small"]),
    (2, [RECOGNIZER_RECIPE, "--work", "work", "leraning_rate=1"]),
    (2, [DETECTOR_RECIPE, "--work", "work", "leraning_rate=1"]),
]
BROKEN_FILE = [
    (1, [PREPARE, "--from", "{broken}", "--output", "set", "--workers", "1", "--evaluation", "eval_images=1"]),
    (1, [TRAIN, *TRAINING, "continue_from={damaged}"]),
    (1, [INSTALL, "{damaged}", *TRAINING]),
    (1, [*READ, "--weights", "{damaged}", "--boxes", "labels"]),
    (1, [*READ, "--predictions", "{damaged}.json"]),
    (1, [TRAIN_DETECTOR, *DETECTION, "continue_from={damaged}"]),
    (1, [TUNE_DETECTOR, "--detector", "{damaged}", "--output", "tuned", "--pages", "{pages}"]),
    (1, [RENDER_PAGES, "--output", "{damaged}", "--pages", "2", "--workers", "1"]),
    (1, [RENDER_WORDS, "--output", "words", "--count", "4", "--from_report", "{damaged}.json"]),
    (1, [EASYOCR_WEIGHTS, "craft"]),
    (1, [READ_FILES, "{damaged}", "--output", "out"]),
    (1, [READ_FILES, "{pages}", "--output", "out", "--bundle", "{damaged}"]),
    (1, [TRAIN_ORIENTATION, "train_data={damaged}", "val_data={damaged}"]),
    (1, [EXPORT, "--output", "out", "--bundle", "{damaged}"]),
    (1, [PACKAGE, "--output", "out", "--bundle", "{damaged}"]),
    (1, [SERVE, "--package", "{damaged}", "--port", "0"]),
    (1, [COMPRESS, "prune", "--network", "recognizer", "--target_macs", "0.5", "--bundle", "{damaged}"]),
    (1, [SEMI_SUPERVISED, "--mode", "small", "--teacher", "{damaged}", *UNLABELLED]),
    (1, [RECOGNIZER_RECIPE, "--work", "{damaged}"]),
    (1, [DETECTOR_RECIPE, "--work", "{damaged}"]),
]
MISSING_DATA = [
    (1, [PREPARE, "--dataset", "none", "--training"]),
    (1, [TRAIN, *TRAINING, "output=none"]),
    (1, [INSTALL, *TRAINING]),
    (1, [INSTALL, "none.pth", *TRAINING]),
    (1, [EVALUATE, "--eval_set", "none", "--predictions", "{predictions}"]),
    (1, [*READ, "--predictions", "none.json"]),
    (1, [*READ, "--finetuned", "--boxes", "labels"]),
    (1, [TRAIN_DETECTOR, *DETECTION, "train_data=none"]),
    (1, [*TUNE, "none"]),
    (1, [TRAIN_ORIENTATION, "train_data=none", "val_data=none"]),
    (1, [SEMI_SUPERVISED, "--mode", "both", "--data", "none"]),
    (1, [SEMI_SUPERVISED, "--mode", "both", "output=none"]),
    (1, [RENDER_WORDS, "--output", "words", "--count", "4", "--corpus", "none.txt"]),
    (1, [RENDER_PAGES, "--output", "pages", "--pages", "2", "--fonts", "none"]),
    (1, [READ_FILES, "none.pdf", "--output", "out"]),
]
NOTHING_USABLE = [
    (1, [PREPARE, "--from", "{empty}", "--output", "set", "--workers", "1", "--training", "train_images=1"]),
    (1, [PREPARE, "--from", "{broken}", "--output", "set", "--workers", "1", "--training", "train_images=1"]),
    (1, [PREPARE, "--from", "{broken}", "--check", "--workers", "1"]),
    (1, [TRAIN, *TRAINING, "character=하"]),
    (1, [TRAIN_DETECTOR, *DETECTION, "train_data={empty}", "val_data={empty_too}"]),
    (1, [TRAIN_DETECTOR, *DETECTION, "train_data={broken}"]),
    (1, [EVALUATE, "--eval_set", "{broken}", "--predictions", "{predictions}", "--report_images", "none"]),
    (1, [*TUNE, "{empty}", "--limit", "1"]),
    (1, [READ_FILES, "{pages}/labels", "--output", "out"]),
]
CTRL_C = [
    (130, [*POOL, "--validation", "--evaluation", "val_images=1", "eval_images=1"]),
    (130, [TRAIN, *TRAINING]),
    (130, PREDICTED),
    (130, [TRAIN_DETECTOR, *DETECTION]),
    (130, [RENDER_PAGES, "--output", "pages", "--pages", "4", "--workers", "1"]),
    (130, [INSTALL, "--list"]),
    (130, [READ_FILES, "{pages}", "--output", "out"]),
]


@pytest.fixture(scope="package")
def places(prepared, tmp_path_factory):
    """What stands for the names in braces."""
    folder = tmp_path_factory.mktemp("자료")
    found = {"prepared": prepared, "predictions": folder / "predictions.json"}
    numbers = {"pages": range(3), "others": [3], "empty": range(3), "empty_too": range(3, 5), "broken": range(3)}
    for name, those in numbers.items():
        found[name] = pages.write_folder(folder / name, those)
        for path in (found[name] / "labels").rglob("*.json"):
            if name in ("empty", "empty_too"):
                path.write_bytes(pages.label([]))
            elif name == "broken":
                path.write_bytes(b"kaputt")
    found["damaged"] = folder / "파손.pth"
    (folder / "model").mkdir()
    for path in (found["damaged"], folder / "파손.pth.json", folder / "model" / "craft_mlt_25k.pth"):
        path.write_bytes(b"[1]")
    found["predictions"].write_text(json.dumps({"pages": {pages.name_of(0): []}}), encoding="utf-8")
    return found


@pytest.fixture
def ended(places, tmp_path, monkeypatch):
    """Run a command in an empty folder; return its exit status and what it wrote to the standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(places["damaged"].parent))

    def run_it(command, **options):
        done = run(*(part.format(**places) for part in command), **options)
        return done.status, done.out + done.err

    return run_it


def named(rows):
    return [pytest.param(status, command, id=f"{command[0]} {command[-1]}") for status, command in rows]


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_option(ended, command):
    assert ended([command, "--no-such-option"])[0] == 2


@pytest.mark.parametrize(
    ("status", "command"), named(WRONG_COMMAND_OR_SETTING + BROKEN_FILE + MISSING_DATA + NOTHING_USABLE)
)
def test_what_is_wrong_is_said_without_a_traceback(ended, status, command):
    found, said = ended(command)
    assert (found, "Traceback" in said) == (status, False), said[-2000:]
    assert said.strip()


def test_an_experiment_that_was_begun_otherwise(ended, trained, prepared, tmp_path):
    status, said = ended([TRAIN, *trained.settings, "lr=0.5"])
    assert (status, "lr: 0.003 before, 0.5 now" in said) == (2, True), said
    labels = (
        shutil.copytree(prepared, tmp_path / "다른 자료")
        / "training_and_validation_set/training/select_data/labels.csv"
    )
    labels.write_bytes(labels.read_bytes()[:-2].rpartition(b"\n")[0] + b"\n")
    status, said = ended([TRAIN, *trained.settings, f"output={tmp_path / '다른 자료'}"])
    assert (status, "was trained for 20 iterations on other data" in said) == (1, True), said


@pytest.mark.parametrize("rows", [WRONG_COMMAND_OR_SETTING, BROKEN_FILE])
def test_every_command_is_tried(rows):
    assert {command[0] for _, command in rows} == {*COMMANDS, EASYOCR_WEIGHTS, RECOGNIZER_RECIPE, DETECTOR_RECIPE}


@pytest.mark.parametrize(("status", "command"), named(CTRL_C))
def test_ctrl_c(ended, status, command):
    assert ended(command, ctrl_c=True)[0] == status

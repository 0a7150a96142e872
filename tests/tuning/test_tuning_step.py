"""Step 3's search for the detector's settings, and step 4's taking them up."""

import json
import shutil
from types import SimpleNamespace

import pytest

from tests.detection.page_files import write_page
from train_easyocr import train as step3
from train_easyocr.common.errors import MissingWeightsError, UsageError, UserError
from train_easyocr.common.files import sha256
from train_easyocr.delivery import __main__ as step4
from train_easyocr.detection.config import detection_of
from train_easyocr.detection.pages import validation_pages
from train_easyocr.detection.settings import read_settings
from train_easyocr.engine.state import check_same_settings
from train_easyocr.recognition.task import RecognizerTask
from train_easyocr.settings.config import DEFAULT_CONFIG, Config, load_config
from train_easyocr.synthesis.__main__ import main as render
from train_easyocr.synthesis.archive import TOP
from train_easyocr.synthesis.fonts import packaged_folder
from train_easyocr.tuning.tuning_step import pages_to_search, tune_trained
from train_easyocr.weights import starter as starter_weights
from train_easyocr.weights.bundle import SETTINGS, tuning_folder
from train_easyocr.weights.checkpoints import card_path

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def download(tmp_path_factory):
    """Five pages of validation in archives."""
    folder = tmp_path_factory.mktemp("표본")
    options = ["--pages", "6", "--validation_share", "5/6", "--page_width", "700", "--workers", "1"]
    assert render(["--output", str(folder), *options, "--fonts", str(packaged_folder())]) == 0
    return folder / TOP


@pytest.fixture
def config(download, tmp_path):
    """Settings of a training whose outcome is the starter's weights."""
    (tmp_path / "검출.yaml").write_text("experiment_name: 검출기\nval_images: 9\n", encoding="utf-8")
    places = [f"dataset={download}", f"saved_models={tmp_path}", f"detection={tmp_path / '검출.yaml'}"]
    found = load_config(DEFAULT_CONFIG, [*places, "val_images=2", "eval_images=3", "detection_tuning=3"])
    for source, target in (
        (starter_weights.RECOGNIZER, found.experiment / "best_accuracy.pth"),
        (starter_weights.DETECTOR, detection_of(found).experiment / "best_f1.pth"),
    ):
        target.parent.mkdir()
        shutil.copyfile(source, target)
        shutil.copyfile(card_path(source), card_path(target))
    return found


def test_settings_are_found_and_written_for_step_4(config, tmp_path, capsys, monkeypatch):
    detection = detection_of(config)
    assert detection.val_images == 2, "not 9: step 2's third page is the evaluation's"
    tuned = tune_trained(config, detection)
    folder = tuning_folder(config.experiment)
    report = json.loads((folder / "tuning.json").read_text(encoding="utf-8"))
    assert (report["goal"], report["trials"], report["pages"]) == ("end_to_end_f1", 3, 2)
    before, found = (report["figures"][f"validation, {name}"]["end_to_end_f1"] for name in ("before", "found"))
    assert 0.3 < before <= found
    assert f"end_to_end_f1 on 2 validation pages {before:.4f} before, {found:.4f} now" in capsys.readouterr().out
    settings = read_settings(folder / SETTINGS)
    assert settings.detector_parameters == tuned.best
    assert settings.weights_sha256 == sha256(detection.experiment / "best_f1.pth")

    monkeypatch.setattr("train_easyocr.tuning.search.Search._try", None)  # nothing is tried again
    assert tune_trained(config, detection).best == tuned.best

    asked = {}
    monkeypatch.setattr(step4, "install", lambda weights, config, **options: asked.update(options))
    monkeypatch.setattr(step4, "describe_place", str)
    settings = [f"{key}={getattr(config, key)}" for key in ("dataset", "saved_models", "detection", "detection_tuning")]
    assert step4.main(settings) == 0
    assert asked["detection_settings"] == folder / SETTINGS
    assert asked["detector"].detector == detection.experiment / "best_f1.pth"
    step4.main([*settings, "--detector", "easyocr"])
    assert asked["detection_settings"] is None, "they are for the detector that step 3 trained"
    (folder / SETTINGS).unlink()
    assert step4.main(settings) == 1
    assert "step 3 writes it" in capsys.readouterr().err


def test_pages_of_the_evaluation_are_never_looked_at(config, download, tmp_path):
    pages = pages_to_search(config, detection_of(config))
    assert len(pages) == 2
    drawn = validation_pages(detection_of(config))[0]
    assert [page.name for page in pages] == [page.name for page in drawn]
    everything = pages_to_search(config.model_copy(update={"val_images": 4, "eval_images": 1}), None)
    assert len(everything) == 4

    # Pages that are named by hand, two of which step 2 has put aside.
    named = tmp_path / "이름 붙인 쪽"
    for name in ("가", "나", "다"):
        write_page(named, name)
    for name in ("가", "나"):
        write_page(tmp_path / "준비" / "evaluation_set", name)
    config = config.model_copy(update={"output": str(tmp_path / "준비"), "val_images": 3})
    detection = detection_of(config).model_copy(update={"val_data": str(named)})
    assert [page.name for page in pages_to_search(config, detection)] == ["다"]
    write_page(tmp_path / "준비" / "evaluation_set", "다")
    with pytest.raises(UserError, match="none is left"):
        pages_to_search(config, detection)


def test_nothing_is_tuned_unless_it_is_asked_for():
    assert Config().detection_tuning == Config(detection="detection.yaml").detection_tuning == 0
    assert load_config(DEFAULT_CONFIG, ["detection_tuning=50"]).detection_tuning == 50
    assert load_config(DEFAULT_CONFIG, ["detection_tuning=auto"]).detection_tuning == 0  # of an earlier version
    for wrong, expected in (("-1", "greater than or equal to 0"), ("0.5", "integer"), ("some", "integer")):
        with pytest.raises(UsageError, match=f"detection_tuning: .*{expected}"):
            load_config(DEFAULT_CONFIG, [f"detection_tuning={wrong}"])


def test_a_training_that_is_done_can_be_tuned_afterwards(tmp_path):
    before = Config().model_dump()
    del before["detection_tuning"]  # of a version without it
    check_same_settings(tmp_path, {"config": before, "iteration": 1}, Config(detection_tuning=5), RecognizerTask.free)
    with pytest.raises(UsageError, match="lr"):
        check_same_settings(tmp_path, {"config": before, "iteration": 1}, Config(lr=0.5), RecognizerTask.free)


def test_step_3_tunes_after_training_and_says_first_that_easyocrs_detector_is_missing(tmp_path, monkeypatch, capsys):
    def missing(name):
        raise MissingWeightsError(f"{name} is nowhere")

    done = []
    monkeypatch.setattr("train_easyocr.recognition.task.train", lambda config, *_: done.append("recognizer"))
    monkeypatch.setattr("train_easyocr.detection.task.train", lambda config, minutes: done.append("detector"))
    monkeypatch.setattr("train_easyocr.tuning.tuning_step.tune_trained", lambda *_: done.append("settings"))
    (tmp_path / "검출.yaml").write_text("", encoding="utf-8")
    arguments = [f"dataset={tmp_path}", f"detection={tmp_path / '검출.yaml'}", "detection_tuning=5"]
    assert step3.main(arguments) == 0
    assert done == ["recognizer", "detector", "settings"]
    step3.main([*arguments, "detection_tuning=0"])
    assert done[3:] == ["recognizer", "detector"]
    del done[:]
    clock = iter([0.0, 30.0, 30.0, 61.0])
    with monkeypatch.context() as late:
        late.setattr(step3, "time", SimpleNamespace(monotonic=lambda: next(clock)))
        assert step3.main([*arguments, "--minutes", "1"]) == 0
    assert done == ["recognizer", "detector"], "a minute is over"
    assert "The search for the detector's settings has its turn" in capsys.readouterr().out
    del done[:]
    monkeypatch.setenv("RANK", "1")
    step3.main(arguments)
    assert done == ["recognizer", "detector"], "one of torchrun's processes is enough"
    monkeypatch.delenv("RANK")

    del done[:]
    monkeypatch.setattr("train_easyocr.weights.easyocr_weights.find_weights", missing)
    assert step3.main(["detection_tuning=5"]) == 1
    assert not done
    assert "detection_tuning=0 trains without tuning it" in capsys.readouterr().err

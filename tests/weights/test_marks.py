"""Names of weights, wherever weights are asked for: step 4, `continue_from`, `evaluate.py --weights`."""

from pathlib import Path

import pytest

from tests.detection.untrained import save_untrained
from tests.evaluation.installed import write_set
from train_easyocr.common.errors import UsageError
from train_easyocr.delivery import __main__ as step4
from train_easyocr.detection.config import load_detection_config
from train_easyocr.detection.parameters import WORDS
from train_easyocr.detection.settings import EASYOCR, save_settings, settings_for
from train_easyocr.detection.task import start_of
from train_easyocr.recognition.start import find_start
from train_easyocr.weights.marks import keep, marked_detector, marked_recognizer, marked_settings


@pytest.fixture
def saved(tmp_path):
    """Marks of three kinds: with a detector of its own, with tuned settings for EasyOCR's, and without either."""
    weights = tmp_path / "finetuned.pth"
    weights.write_bytes(b"recognizer")
    settings = tmp_path / "설정.yaml"
    save_settings(settings, settings_for("craft", EASYOCR, WORDS))
    keep("첫모델", tmp_path / "saved", weights, save_untrained(tmp_path / "detector.pth"), None)
    keep("tuned", tmp_path / "saved", weights, tmp_path / "none.pth", settings)
    keep("alone", tmp_path / "saved", weights, None, None)
    return tmp_path / "saved"


def test_what_is_kept(saved):
    assert marked_recognizer("첫모델", saved).read_bytes() == b"recognizer"
    assert marked_detector("첫모델", saved).with_suffix(".json").is_file()
    assert [marked_detector(name, saved) for name in ("tuned", "alone", "none")] == [None] * 3
    assert marked_settings("tuned", saved).is_file()
    assert marked_recognizer("../saved/marked/alone", saved) is None
    keep("첫모델", saved, marked_recognizer("alone", saved), None, None)
    assert sorted(path.name for path in (saved / "marked" / "첫모델").iterdir()) == ["recognizer.pth"]


def test_training_starts_from_a_mark(saved, tmp_path, monkeypatch):
    assert find_start("alone", saved) == (saved / "marked" / "alone" / "recognizer.pth", "")
    assert start_of("첫모델", saved) == saved / "marked" / "첫모델" / "detector.pth"
    monkeypatch.chdir(tmp_path)
    Path("alone").write_bytes(b"a file of that name comes first")
    assert find_start("alone", saved)[0] == Path("alone")
    folder = write_set(tmp_path / "pages", 1)
    settings = [f"train_data={folder}", f"val_data={folder}", f"saved_models={saved}"]
    assert load_detection_config(overrides=[*settings, "continue_from=첫모델"]).continue_from == "첫모델"
    with pytest.raises(UsageError, match=r"continue_from: tuned.*--mark"):
        load_detection_config(overrides=[*settings, "continue_from=tuned"])


@pytest.mark.parametrize(
    ("name", "detector", "settings"),
    [("첫모델", "marked/첫모델/detector.pth", None), ("tuned", EASYOCR, "marked/tuned/detection_settings.yaml")],
)
def test_step_4_installs_a_mark(saved, monkeypatch, name, detector, settings):
    asked = {}
    monkeypatch.setattr(step4, "install", lambda weights, _, **options: asked.update(options, weights=weights))
    monkeypatch.setattr(step4, "describe_place", lambda _: "")
    assert step4.main([name, "--detector", name, f"saved_models={saved}"]) == 0
    assert asked["weights"] == saved / "marked" / name / "recognizer.pth"
    assert asked["detector"] == (detector if detector == EASYOCR else str(saved / detector))
    assert asked["detection_settings"] == (settings and saved / settings)
    assert step4.main(["none", f"saved_models={saved}"]) == 0
    assert asked["weights"] == Path("none"), "which step 4 says is no file"

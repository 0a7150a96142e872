"""Models of bundles: what reads, and what finds the words, is what the name stands for."""

import shutil

import pytest

from tests.contract.golden import ASSETS
from tests.detection.untrained import save_untrained
from train_easyocr.common.errors import UsageError
from train_easyocr.common.files import sha256
from train_easyocr.detection.parameters import WORDS
from train_easyocr.detection.settings import save_settings, settings_for
from train_easyocr.evaluation.detectors import Detectors
from train_easyocr.evaluation.models import model_of_bundle
from train_easyocr.weights import starter
from train_easyocr.weights.bundle import CRAFT, EASYOCR, Bundle, keep, open_bundle

RECOGNIZER = ASSETS / "easyocr" / "model" / "finetuned.pth"


@pytest.fixture
def detectors(tmp_path, monkeypatch):
    """With a detector that is installed, the starter's with other settings; EasyOCR's is there."""
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path / "easyocr"))
    shutil.copytree(ASSETS / "easyocr", tmp_path / "easyocr")
    for module in ("evaluation.detectors", "evaluation.models", "weights.bundle"):
        monkeypatch.setattr(f"train_easyocr.{module}.find_weights", lambda _: RECOGNIZER)
    return Detectors(cuda=False)


def detector_of(bundle, detectors, name="이름"):
    """Return name and SHA-256 of what finds the words of a bundle."""
    source = model_of_bundle(bundle, name, False, detectors).detector
    return source and (source.name, source.identity["weights_sha256"])


def test_words_are_found_by_the_detector_of_the_bundle(detectors, tmp_path):
    starters, alone = open_bundle("starter"), open_bundle(RECOGNIZER)
    assert detector_of(starters, detectors) == ("starter", sha256(starter.DETECTOR))
    assert detector_of(alone, detectors) is None, "EasyOCR's, as for all others: no detector is installed"
    assert model_of_bundle(starters, "이름", False, None).detector is None, "at labelled boxes"

    own = save_untrained(tmp_path / "own.pth")
    keep(Bundle("", RECOGNIZER, own), "첫모델", tmp_path)
    assert detector_of(open_bundle("첫모델", tmp_path), detectors, "첫모델") == ("첫모델", sha256(own))
    tuned = tmp_path / "detection_settings.yaml"
    save_settings(tuned, settings_for("craft", EASYOCR, WORDS))
    assert detector_of(Bundle("둘째", RECOGNIZER, CRAFT, tuned), detectors, "둘째")[0] == "둘째"
    assert detector_of(open_bundle("easyocr"), detectors)[0] == "easyocr"

    shutil.copy(own, tmp_path / "easyocr" / "model" / "finetuned_detector.pth")
    shutil.copy(own.with_suffix(".json"), tmp_path / "easyocr" / "model" / "finetuned_detector.json")
    shutil.copy(tuned, tmp_path / "easyocr" / "model" / "finetuned_detection.yaml")
    assert detector_of(alone, detectors)[0] == "easyocr_tuned", "the installed one"


def test_easyocrs_own_recognizer_is_a_bundle_too(detectors):
    model = model_of_bundle(open_bundle("easyocr"), "easyocr", False, detectors)
    assert (model.name, model.identity["network"], model.identity["languages"]) == ("easyocr", "korean_g2", "ko,en")
    with pytest.raises(UsageError, match="korean_g2 alone can be evaluated"):
        model_of_bundle(open_bundle("latin_g2"), "latin_g2", False, detectors)
    with pytest.raises(UsageError, match="craft holds no recognizer"):
        model_of_bundle(open_bundle("craft"), "craft", False, detectors)

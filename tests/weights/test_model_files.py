"""The files of a model say what EasyOCR needs to know."""

from pathlib import Path

import yaml

from train_easyocr.recognition import network
from train_easyocr.recognition.model import NETWORK_SETTINGS
from train_easyocr.weights import easyocr_weights


def test_the_repository_holds_what_easyocr_loads_for_korean_g2():
    folder = Path(easyocr_weights.__file__).parents[2] / "finetuned"
    source = Path(network.__file__).read_text(encoding="utf-8")
    assert (folder / "finetuned.py").read_text(encoding="utf-8") == source
    settings = yaml.safe_load((folder / "finetuned.yaml").read_text(encoding="utf-8"))
    assert settings["imgH"] == 64
    assert settings["character_list"] == easyocr_weights.recognition_entries()["korean_g2"]["characters"]
    assert set(settings["network_params"]) == set(NETWORK_SETTINGS)

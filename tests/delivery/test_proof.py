"""What EasyOCR would read or find otherwise than training does is caught before it is installed."""

import json

import pytest
import torch
import yaml

from tests.delivery.weights import change_card, refused
from tests.recognition.word_sets import SYLLABLES
from train_easyocr.common.errors import UserError
from train_easyocr.delivery.install import install
from train_easyocr.delivery.proof import read_both_ways
from train_easyocr.detection.installed import InstalledDetector
from train_easyocr.recognition import easyocr_form
from train_easyocr.recognition.model import build_model, network_arguments
from train_easyocr.recognition.validation import validation_patches
from train_easyocr.weights.bundle import open_bundle
from train_easyocr.weights.checkpoints import WeightsCard, save_weights

pytestmark = pytest.mark.slow


def test_swapped_characters_are_caught(trained, weights, home):
    change_card(weights, character=SYLLABLES[::-1])
    refused(weights, trained, home, "characters, image height or network are not those of the training")


def test_another_image_height_is_caught(trained, weights, home):
    change_card(weights, img_height=96, network={"img_height": 96}, config={"img_height": 96})
    refused(weights, trained, home, "characters, image height or network are not those of the training")


@pytest.mark.parametrize("change", [{"imgH": 64}, {"character_list": SYLLABLES[::-1]}])
def test_what_easyocr_would_read_otherwise_is_caught(trained, home, monkeypatch, change):
    right = easyocr_form.easyocr_settings

    def wrong(card):
        return yaml.safe_dump({**yaml.safe_load(right(card)), **change}, allow_unicode=True)

    monkeypatch.setattr(easyocr_form, "easyocr_settings", wrong)
    refused(trained.experiment / "best_accuracy.pth", trained, home, "validation patches otherwise than training")


def test_missing_prefixes_are_caught(trained, weights, home):
    state = torch.load(weights, weights_only=True)
    torch.save({key.removeprefix("module."): value for key, value in state.items()}, weights)
    change_card(weights)
    refused(weights, trained, home, r"`module\.`")


def test_weights_of_another_shape_are_caught(trained, weights, home):
    change_card(weights, network={"hidden_size": 16}, config={"hidden_size": 16})
    refused(weights, trained, home, "does not fit")


@pytest.mark.parametrize(
    "parts",
    [
        {"FeatureExtraction": "RCNN", "SequenceModeling": "None"},
        {"FeatureExtraction": "ResNet"},
        {"Transformation": "TPS", "batch_width": "fixed"},
    ],
)
def test_other_networks_read_the_same_in_easyocr(trained, home, tmp_path, parts):
    config = trained.model_copy(update=parts)
    torch.manual_seed(0)
    model = build_model(config, len(SYLLABLES) + 1).eval()
    with torch.no_grad():
        model.Prediction.weight *= 50  # random weights that decide for characters, not for blanks alone
    card = WeightsCard.model_validate(
        json.loads((trained.experiment / "best_accuracy.json").read_text(encoding="utf-8"))
        | {"network": network_arguments(config, len(SYLLABLES) + 1) | {"Prediction": "CTC"}}
        | {"config": config.model_dump(), "validation": {"accuracy": 0, "norm_ed": 0, "words": 12}}
    )
    save_weights(tmp_path / "weights.pth", model, card)
    place = install(tmp_path / "weights.pth", config)
    patches = validation_patches(config.validation_sets, card, config, 12)
    texts = [reading.easyocr for reading in read_both_ways(place, patches)]
    assert any(texts), "something is read"


def test_another_answer_through_easyocr_is_caught(trained, detector, home, monkeypatch):
    monkeypatch.setattr(InstalledDetector, "boxes", lambda self, image: [])
    refused_by = pytest.raises(UserError, match="through EasyOCR 0 that are not the same; nothing was installed")
    with refused_by:
        install(trained.experiment / "best_accuracy.pth", trained, detector=open_bundle(detector))

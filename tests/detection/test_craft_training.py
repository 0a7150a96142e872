"""CRAFT in the detector's trainer."""

import numpy as np
import pytest
import torch

from tests.detection.page_files import WORDS, draw_page, write_page
from train_easyocr.detection import training
from train_easyocr.detection.config import DetectionConfig
from train_easyocr.detection.craft_training import CraftTraining, craft_loss
from train_easyocr.detection.crops import Crop
from train_easyocr.detection.opening import open_word_detector

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def crop():
    boxes = np.array(WORDS, float)
    ignored = np.array([[20.4, 120.0, 80.2, 150.0]])
    return Crop(draw_page(WORDS)[:192, :192], boxes[[0, 1, 3]], ("단어", "가", "나라"), ignored)


def test_targets_are_regions_affinities_and_weights(crop):
    region, affinity, weight = CraftTraining(DetectionConfig()).targets(crop)
    assert region.shape == (96, 96) and region.dtype == np.uint8
    assert region[10:22, 10:45].max() > 240 and affinity[16, 27] > 200  # a syllable, and between two of a word
    assert affinity[16, 47] < 26  # between two words
    assert not weight[60:75, 11:40].any() and weight[80, 80] == 255


def test_the_loss_is_nothing_where_all_is_learnt_or_unknown(crop):
    targets = torch.from_numpy(CraftTraining(DetectionConfig()).targets(crop))[None]
    perfect = (targets[:, :2].permute(0, 2, 3, 1).float() / 255).requires_grad_()
    assert craft_loss(perfect, targets).item() == 0
    wrong = torch.rand_like(perfect).requires_grad_()
    craft_loss(wrong, targets).backward()
    unknown = targets[:, 2] == 0
    assert unknown.any() and not wrong.grad[unknown].any() and wrong.grad[~unknown].any()


def test_a_page_without_words_teaches_the_worst_of_its_background():
    targets = torch.zeros(1, 3, 20, 20, dtype=torch.uint8)
    targets[:, 2] = 255
    found = torch.zeros(1, 20, 20, 2)
    found[0, 0, :4, 0] = 0.5  # 1 of 100 pixels
    assert craft_loss(found, targets).item() == pytest.approx(0.25)


def test_it_trains_and_can_be_used(tmp_path):
    for split in ("training", "validation"):
        write_page(tmp_path / split, "page")
    settings = {"train_data": tmp_path / "training", "val_data": tmp_path / "validation", "saved_models": tmp_path}
    places = {key: str(value) for key, value in settings.items()}
    config = DetectionConfig(
        **places, network="craft", continue_from="", long_side=64, crop_size=64, batch_size=1, workers=0, n_iter=1,
        val_period=1, precision="fp32",
    )  # fmt: skip
    training.train(config)
    opened = open_word_detector(config.experiment / "best_f1.pth")
    assert opened.network == "craft"
    page = np.repeat(draw_page(WORDS)[..., None], 3, 2)
    assert opened.detector.score_maps(page).maps.shape[0] == 2

"""The network of db_light."""

import numpy as np
import pytest
import torch

from train_easyocr.detection.db_boxes import DbParameters
from train_easyocr.detection.db_detector import DbCard, load_db_light, open_db_light
from train_easyocr.detection.db_network import CHANNELS, ConvBlock, DbLight, for_reading
from train_easyocr.detection.scaling import STRIDE
from train_easyocr.weights.cards import DetectionScores
from train_easyocr.weights.checkpoints import save_weights


def used_once(seed=0, channels=()):
    """A network whose normalizations have seen something."""
    torch.manual_seed(seed)
    model = DbLight(channels)
    model(torch.randn(2, 1, 64, 96))
    return model


def test_it_has_at_most_two_million_parameters():
    assert sum(parameter.numel() for parameter in DbLight().parameters()) <= 2_000_000


def test_maps_have_half_of_the_inputs_resolution():
    model = used_once()
    assert model(torch.randn(2, 1, 64, 96)).shape == (2, 2, 64 // STRIDE, 96 // STRIDE)
    found = model.eval()(torch.randn(1, 1, 64, 96))
    assert found.shape == (1, 1, 64 // STRIDE, 96 // STRIDE)
    assert found.min() >= 0 and found.max() <= 1


def test_a_network_for_reading_says_the_same_in_fewer_layers():
    model, images = used_once(), torch.randn(1, 1, 64, 64)
    reading = for_reading(model)
    assert model.training
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in reading.modules())
    assert sum(p.numel() for p in reading.parameters()) < sum(p.numel() for p in model.parameters())
    torch.testing.assert_close(reading(images), model.eval()(images), atol=1e-5, rtol=1e-4)
    assert any(isinstance(block[1], torch.nn.BatchNorm2d) for block in model.modules() if isinstance(block, ConvBlock))


PRUNED = (16, 16, 48, 32, 96, 64, 144, 128, 160, 128, 112, 176, 256, 320)[: len(CHANNELS)]


def test_each_layer_of_the_encoder_may_have_channels_of_its_own():
    model = used_once(channels=PRUNED)
    assert [block[-1][0].out_channels for stage in model.stages for block in stage] == list(PRUNED[2:])
    assert model.eval()(torch.zeros(1, 1, 64, 96)).shape == (1, 1, 32, 48)
    usual, named = (DbLight(channels).state_dict() for channels in ((), CHANNELS))
    assert {key: value.shape for key, value in usual.items()} == {key: value.shape for key, value in named.items()}
    with pytest.raises(ValueError, match=f"has {len(CHANNELS)} layers, not the 2"):
        DbLight((16, 32))


def test_the_card_says_which_channels_weights_have(tmp_path):
    path = tmp_path / "검출.pth"
    model = used_once(channels=PRUNED)
    card = DbCard(
        long_side=640, parameters=DbParameters(), iteration=0, experiment_name="검출", config={}, channels=PRUNED,
        validation=DetectionScores(precision=0, recall=0, f1=0, pages=0, words=0),
    )  # fmt: skip
    save_weights(path, model, card)
    opened, card = load_db_light(path)
    assert card.channels == PRUNED
    assert all(value.equal(model.state_dict()[key]) for key, value in opened.state_dict().items())
    assert open_db_light(path).score_maps(np.full((64, 64), 255, np.uint8)).maps.shape[-2:] == (32, 32)


def test_at_the_start_most_of_a_page_is_background():
    torch.manual_seed(1)
    assert DbLight().eval()(torch.randn(1, 1, 64, 64)).mean() < 0.3

"""The network of db_light."""

import torch

from train_easyocr.detection.db_network import ConvBlock, DbLight, for_reading
from train_easyocr.detection.scaling import STRIDE


def used_once(seed=0):
    """A network whose normalizations have seen something."""
    torch.manual_seed(seed)
    model = DbLight()
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


def test_at_the_start_most_of_a_page_is_background():
    torch.manual_seed(1)
    assert DbLight().eval()(torch.randn(1, 1, 64, 64)).mean() < 0.3

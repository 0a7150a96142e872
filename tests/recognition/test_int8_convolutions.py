"""Convolutions in int8 against the same in float."""

import copy

import pytest
import torch
from torch import nn

from train_easyocr.recognition import int8_convolutions
from train_easyocr.recognition.fast_network import _MaxPool
from train_easyocr.recognition.int8_convolutions import (
    Int8Convolution,
    Int8Layers,
    blocks_of,
    cpu_has_int8,
    drawn_images,
    greatest_values,
)

needs_int8 = pytest.mark.skipif(not cpu_has_int8(), reason="the processor has no int8 dot products")


@pytest.fixture
def layers():
    torch.manual_seed(0)
    found = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        _MaxPool((2, 2)),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3, padding=1),
        _MaxPool((2, 1)),
        nn.ReLU(True),
        nn.Conv2d(16, 24, 2),
        nn.ReLU(),
    )
    for layer in found:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
            nn.init.uniform_(layer.bias, -0.3, 0.3)
    return found.requires_grad_(False)


class Network(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.layers = layers

    def forward(self, images, text):
        return self.layers(images)


@needs_int8
@pytest.mark.parametrize("output_step", [0.05, None])
def test_convolution(output_step):
    generator = torch.Generator().manual_seed(0)
    conv = nn.Conv2d(32, 16, 3, padding=1, stride=(2, 1)).requires_grad_(False)
    before = copy.deepcopy(conv.state_dict())
    maps = torch.randint(0, 256, (2, 32, 9, 12), dtype=torch.uint8, generator=generator)
    maps = maps.contiguous(memory_format=torch.channels_last)
    expected = torch.relu(conv(maps * 0.02))
    found = Int8Convolution(conv, 0.02, output_step)(maps)
    assert found.shape == expected.shape
    if output_step is None:
        assert found.dtype == torch.float32
    else:
        assert found.dtype == torch.uint8
        found = found * output_step
    # A weight is off by at most half a step of 1 / 127 of the greatest, an output by half a step of its own.
    assert (found - expected).abs().max() < 0.02 * expected.max() + (output_step or 0) / 2
    assert expected.std() > 0.2
    assert all(value.equal(before[key]) for key, value in conv.state_dict().items())


@needs_int8
def test_layers(layers):
    images = drawn_images(32, 96)
    expected = layers(images)
    greatest = greatest_values(Network(layers), layers, images)
    before = copy.deepcopy(layers.state_dict())
    found = Int8Layers(layers, greatest)(images)
    assert found.dtype == torch.float32
    assert (found - expected).abs().max() < 0.1 * expected.max()
    assert (found - expected).abs().mean() < 0.02 * expected.std()
    assert (found >= 0).all()
    assert all(value.equal(before[key]) for key, value in layers.state_dict().items())


@needs_int8
def test_answer_for_an_image_does_not_depend_on_the_others(layers):
    images = drawn_images(32, 96)
    fixed = Int8Layers(layers, greatest_values(Network(layers), layers, images))
    together = fixed(images)
    for number in (0, 5, 23):
        alone = images[number : number + 1].contiguous(memory_format=torch.channels_last)
        assert fixed(alone)[0].equal(together[number])


def test_greatest_values(layers):
    images = drawn_images(32, 96)
    maps, expected = images, []
    for number, layer in enumerate(layers):
        maps = layer(maps)
        if number in (0, 3, 5, 8):
            expected.append(float(maps.max()))
    assert greatest_values(Network(layers), layers, images) == pytest.approx(expected)
    layers[3].weight.zero_()
    layers[3].bias.fill_(-1)
    assert greatest_values(Network(layers), layers, images)[1] == 0


def test_blocks(layers):
    assert [[type(part) for part in block] for block in blocks_of(layers)] == [
        [nn.Conv2d, _MaxPool],
        [nn.Conv2d],
        [nn.Conv2d, _MaxPool],
        [nn.Conv2d],
    ]


@pytest.mark.parametrize(
    "others",
    [
        [nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 3), nn.ReLU()],  # not cut at zero
        [nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 3)],
        [nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 3, bias=False), nn.ReLU()],
        [nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect"), nn.ReLU()],
        [nn.Conv2d(1, 2, 3), nn.ReLU(), nn.BatchNorm2d(2), nn.Conv2d(2, 2, 3), nn.ReLU()],
        [_MaxPool((2, 2)), nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 3), nn.ReLU()],
        [nn.Conv2d(1, 2, 3), nn.ReLU()],
    ],
)
def test_layers_that_stay_in_float(others):
    assert blocks_of(nn.Sequential(*others)) == []


def test_drawn_images_are_always_the_same():
    first, second = drawn_images(32, 100), drawn_images(32, 100)
    assert first.equal(second)
    assert first.shape[1:] == (1, 32, 100)
    assert first.min() < -0.9
    assert first.max() > 0.9
    assert len({image.numpy().tobytes() for image in first}) == len(first)


@pytest.mark.parametrize("capabilities", [{}, {"avx512_bf16": True}, {"avx_vnni": True}])
def test_processors_without_int8(monkeypatch, capabilities):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert not cpu_has_int8.__wrapped__()


def test_torch_without_the_operators(monkeypatch):
    class Gone:
        def __getattr__(self, name):
            raise AttributeError(name)

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_vnni": True})
    monkeypatch.setattr(int8_convolutions.torch.ops, "onednn", Gone())
    assert not cpu_has_int8.__wrapped__()


@needs_int8
def test_wrong_answers_are_noticed(monkeypatch):
    monkeypatch.setattr(Int8Convolution, "forward", lambda self, maps: torch.zeros(2, 3, 1, 1))
    assert not cpu_has_int8.__wrapped__()

"""Convolutions in int8, for reading on processors that multiply bytes faster than floats (AVX-512 VNNI, AMX).

Everything is fixed once, when a network is prepared: weights have a step width each output channel, activations one
each layer, so that a word's answer does not depend on what is read with it. The activations' step widths come from the
greatest values that drawn letters and strokes cause in the float network.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import nn

from train_easyocr.engine.device import normalize

_HEADROOM = 1.1
"""What words may cause beyond what the drawn images do; what is above is cut off."""
_DRAWN = 24
_FACES = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX)


class Int8Convolution(nn.Module):
    """A convolution of bytes and the cut at zero that follows it.

    Args:
        conv: One with a bias and zeros around the image; it stays as it is.
        input_step: What a difference of 1 in the uint8 input stands for.
        output_step: Likewise in the output; None for an output in float32.
    """

    def __init__(self, conv: nn.Conv2d, input_step: float, output_step: float | None) -> None:
        super().__init__()
        assert conv.bias is not None
        weight = conv.weight.detach()
        self.steps = weight.abs().amax(dim=(1, 2, 3)).clamp(min=1e-12) / 127
        rounded = (weight / self.steps[:, None, None, None]).round().to(torch.int8)
        self.zeros = torch.zeros(len(weight), dtype=torch.int64)
        self.bias = conv.bias.detach()
        self.input_step, self.output_step = input_step, output_step
        self.places = (conv.stride, conv.padding, conv.dilation, conv.groups)
        self.packed = torch.ops.onednn.qconv_prepack(rounded, self.steps, input_step, 0, *self.places, None)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """[B, C, H, W], uint8, to [B, C', H', W'], uint8 or float32, never negative; channels last."""
        output = (1.0, 0, torch.float32) if self.output_step is None else (self.output_step, 0, torch.uint8)
        weights = (self.packed, self.steps, self.zeros, self.bias)
        answer: torch.Tensor = torch.ops.onednn.qconv2d_pointwise(
            maps, self.input_step, 0, *weights, *self.places, *output, "relu", [], ""
        )
        return answer


class Int8Layers(nn.Module):
    """Convolutions, each cut at zero, and poolings between them: float32 at both ends, int8 inside.

    The first convolution stays in float32: with one channel of input it costs next to nothing.

    Args:
        layers: What `blocks_of` can divide; they stay as they are.
        greatest: The greatest value behind each convolution's cut, in the order of the layers.
    """

    def __init__(self, layers: nn.Sequential, greatest: Sequence[float]) -> None:
        super().__init__()
        (first, *poolings), *others = blocks_of(layers)
        steps = [max(value * _HEADROOM, 1e-12) / 255 for value in greatest]
        assert isinstance(first, nn.Conv2d)
        first = copy.deepcopy(first)
        assert first.bias is not None
        first.weight.data /= steps[0]
        first.bias.data /= steps[0]
        first.bias.data += 0.5  # the conversion to bytes cuts fractions off
        self.first = nn.Sequential(first, *poolings)
        rest: list[nn.Module] = []
        for number, (conv, *poolings) in enumerate(others, 1):
            assert isinstance(conv, nn.Conv2d)
            rest += [Int8Convolution(conv, steps[number - 1], steps[number] if conv is not others[-1][0] else None)]
            rest += poolings
        self.rest = nn.Sequential(*rest)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[B, C, H, W] to [B, C', H', W'], float32."""
        answer: torch.Tensor = self.rest(self.first(images).clamp_(0, 255).to(torch.uint8))
        return answer


def blocks_of(layers: nn.Sequential) -> list[list[nn.Module]]:
    """Divide layers into convolutions with the poolings that follow each; cuts at zero (ReLU) are left out.

    Args:
        layers: Convolutions, each with a ReLU before the next one, and poolings that take the greatest value, on
            which it makes no difference whether they come before or after a ReLU.

    Returns:
        The blocks; none where there are other layers, or less than two convolutions.
    """
    blocks: list[list[nn.Module]] = []
    cut = True
    for layer in layers:
        if isinstance(layer, nn.ReLU):
            cut = True
        elif type(layer) is nn.Conv2d and layer.bias is not None and layer.padding_mode == "zeros" and cut:
            blocks.append([layer])
            cut = False
        elif blocks and getattr(layer, "takes_greatest", False):
            blocks[-1].append(layer)
        else:
            return []
    return blocks if cut and len(blocks) > 1 else []


@torch.inference_mode()
def greatest_values(network: nn.Module, layers: nn.Sequential, images: torch.Tensor) -> list[float]:
    """Return the greatest value that each convolution of `layers` gives on images, 0 where none is positive.

    Args:
        network: What `layers` are part of; float32.
        layers: As in `Int8Layers`.
        images: The network's input.
    """
    found: list[float] = []
    hooks = [
        block[0].register_forward_hook(lambda _, __, maps: found.append(max(0.0, float(maps.max()))))
        for block in blocks_of(layers)
    ]
    network(images, None)
    for hook in hooks:
        hook.remove()
    return found


def drawn_images(height: int, width: int) -> torch.Tensor:
    """Draw letters, strokes and circles, strong and faint, sharp and blurred, dark on light and the other way round.

    Returns:
        A network's input, [B, 1, height, width], the same at each call.
    """
    random = np.random.default_rng(0)
    images = np.stack([_drawing(random, height, width) for _ in range(_DRAWN)])
    return normalize(torch.from_numpy(images).unsqueeze(1)).contiguous(memory_format=torch.channels_last)


def _drawing(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    paper = int(random.integers(170, 256))
    image: np.ndarray = np.full((height, width), paper, np.uint8)
    ink, thick = int(random.integers(0, 120)), max(1, round(height / random.uniform(10, 32)))
    x = int(random.integers(0, height // 4))
    while x < width * random.uniform(0.5, 1.0):
        side = int(height * random.uniform(0.4, 0.9))
        if random.random() < 0.3:
            letter = chr(int(random.integers(33, 127)))
            cv2.putText(
                image, letter, (x, int(height * 0.8)), int(random.choice(_FACES)), height / 32, ink, thick, cv2.LINE_AA
            )
        else:  # some of what syllables are made of
            top = int(random.integers(0, height - side + 1))
            for _ in range(int(random.integers(2, 7))):
                ends = [(x + int(a), top + int(b)) for a, b in random.integers(0, side + 1, (2, 2))]
                if random.random() < 0.7:  # along one of the axes
                    ends[1] = (ends[0][0], ends[1][1]) if random.random() < 0.5 else (ends[1][0], ends[0][1])
                cv2.line(image, ends[0], ends[1], ink, thick, cv2.LINE_AA)
            if random.random() < 0.4:
                cv2.circle(image, (x + side // 2, top + side // 2), side // 4, ink, thick, cv2.LINE_AA)
        x += int(side * random.uniform(1.0, 1.3))
    if random.random() < 0.4:
        image = cv2.GaussianBlur(image, (0, 0), height / random.uniform(25, 60))
    noise = random.normal(0, random.uniform(0, 12), image.shape)
    image = np.clip(image + noise, 0, 255).astype(np.uint8)
    return 255 - image if random.random() < 0.2 else image


@functools.cache
def cpu_has_int8() -> bool:
    """Tell whether the processor multiplies bytes in hardware, and torch with it as is needed here.

    Without such instructions torch falls back on ones that overflow.
    """
    found = torch.cpu.get_capabilities()
    if not (found.get("avx512_vnni") or found.get("amx_int8")):
        return False
    conv = nn.Conv2d(2, 3, 1)
    conv.weight.data = torch.tensor([[127.0, -127.0], [64.0, 127.0], [-127.0, 0.0]]).view(3, 2, 1, 1)
    conv.bias = nn.Parameter(torch.tensor([5.0, -3.0, 7.0]))
    maps = torch.tensor([255.0, 250.0, 0.0, 0.0]).view(2, 2, 1, 1).to(memory_format=torch.channels_last)
    try:
        answer = Int8Convolution(conv, 1.0, None)(maps.to(torch.uint8))
    except (AttributeError, NotImplementedError, RuntimeError):  # the operators are not part of torch's documented API
        return False
    return bool(torch.allclose(answer, torch.relu(conv(maps)), rtol=0.01))

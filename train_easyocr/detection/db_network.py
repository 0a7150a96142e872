"""`db_light`: differentiable binarization on a network that is light on CPUs.

The encoder is PP-LCNet's (Cui et al., "PP-LCNet: A Lightweight CPU Convolutional Neural Network", arXiv 2109.15099):
depthwise separable blocks with h-swish, kernels of 5 in the deep stages, squeeze and excitation in the last one. A
small pyramid brings its four resolutions together. The heads are those of DBNet (Liao et al., "Real-time Scene Text
Detection with Differentiable Binarization", arXiv 1911.08947), but for their last layers: these write four values for
each place at a quarter of the input's resolution, which are laid out as 2 x 2 pixels (Shi et al., arXiv 1609.05158).
The maps have half of the input's resolution at the cost of a quarter's.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - as everywhere in torch's world
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from train_easyocr.detection.scaling import STRIDE

STEEPNESS = 50.0
"""DBNet's k: how steep the differentiable binarization is."""

STAGES = (
    ((3, 64, 2, False), (3, 64, 1, False)),
    ((3, 128, 2, False), (3, 128, 1, False)),
    ((5, 256, 2, False), *((5, 256, 1, False),) * 5),
    ((5, 512, 2, True), (5, 512, 1, True)),
)
"""The encoder from a quarter to a 32nd of the resolution: kernel, channels (see `CHANNELS`), step and whether with SE,
per block."""
CHANNELS = (16, 32, *(outputs for blocks in STAGES for _, outputs, _, _ in blocks))
"""Of the first two layers and of each block; other numbers make another network, such as a pruned one."""
PYRAMID, SMOOTHED = 64, 24
"""Channels of the pyramid's levels, before and after smoothing."""
RARE = -2.0
"""Where the probability's logit starts: most of a page is background."""


class Convolution(nn.Conv2d):
    """A convolution that trains fast on CPUs, too."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Convolve [B, C, H, W]."""
        if not self.training or input.device.type != "cpu" or self.groups == 1:
            return super().forward(input)
        # The gradient of a depthwise kernel of 5 takes four times as long in bfloat16 as in float32.
        with torch.autocast("cpu", enabled=False):
            return super().forward(input.float())


class ConvBlock(nn.Sequential):
    """Convolution, batch normalization, h-swish."""

    def __init__(self, inputs: int, outputs: int, kernel: int, step: int = 1, groups: int = 1) -> None:
        convolution = Convolution(inputs, outputs, kernel, step, kernel // 2, groups=groups, bias=False)
        super().__init__(convolution, nn.BatchNorm2d(outputs), nn.Hardswish())

    def fuse(self) -> None:
        """Bring the normalization into the convolution; for reading, in evaluation mode."""
        convolution, normalization = self[0], self[1]
        assert isinstance(convolution, nn.Conv2d) and isinstance(normalization, nn.BatchNorm2d)
        self[0] = fuse_conv_bn_eval(convolution, normalization)
        self[1] = nn.Identity()


class SqueezeExcitation(nn.Module):
    """Weighs channels by what the whole image holds (Hu et al., arXiv 1709.01507)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, channels // 4, 1)
        self.excite = nn.Conv2d(channels // 4, channels, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Weigh [B, C, H, W]."""
        weights = F.relu(self.squeeze(features.mean((2, 3), keepdim=True)))
        return features * F.hardsigmoid(self.excite(weights))


def separable(inputs: int, outputs: int, kernel: int, step: int = 1, excite: bool = False) -> nn.Sequential:
    """Return a depthwise separable block: each channel on its own, then all channels at each place."""
    between = [SqueezeExcitation(inputs)] if excite else []
    depthwise = ConvBlock(inputs, inputs, kernel, step, groups=inputs)
    return nn.Sequential(depthwise, *between, ConvBlock(inputs, outputs, 1))


class Head(nn.Sequential):
    """One map at twice the features' resolution, as logits."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(ConvBlock(inputs, hidden, 3), nn.Conv2d(hidden, STRIDE * STRIDE, 1), nn.PixelShuffle(STRIDE))


class DbLight(nn.Module):
    """The network.

    In training, `forward` returns logits [B, 2, H / 2, W / 2]: probability (of a word's shrunken box) and threshold. In
    evaluation it returns the probability alone, [B, 1, H / 2, W / 2].

    Args:
        channels: Of the encoder's layers, in the order of `CHANNELS`, where they are others.

    Raises:
        ValueError: There are more or fewer of them than layers.
    """

    def __init__(self, channels: Sequence[int] = ()) -> None:
        super().__init__()
        channels = channels or CHANNELS
        if len(channels) != len(CHANNELS):
            raise ValueError(
                f"the encoder has {len(CHANNELS)} layers, not the {len(channels)} that channels are given for"
            )
        first, inputs, *rest = channels
        self.stem = nn.Sequential(ConvBlock(1, first, 3, 2), separable(first, inputs, 3))
        widths, stages, ends = iter(rest), [], []
        for blocks in STAGES:
            layers = []
            for kernel, _, step, excite in blocks:
                layers.append(separable(inputs, outputs := next(widths), kernel, step, excite))
                inputs = outputs
            stages.append(nn.Sequential(*layers))
            ends.append(inputs)
        self.stages = nn.ModuleList(stages)
        self.lateral = nn.ModuleList(nn.Conv2d(end, PYRAMID, 1) for end in ends)
        self.smooth = nn.ModuleList(separable(PYRAMID, SMOOTHED, 3) for _ in STAGES)
        self.probability = Head(len(STAGES) * SMOOTHED, SMOOTHED)
        self.threshold = Head(len(STAGES) * SMOOTHED, SMOOTHED)
        nn.init.constant_(self.probability[1].bias, RARE)  # type: ignore[arg-type]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Compute the maps of images, [B, 1, H, W] from -1 to 1; H and W are multiples of 32."""
        features = self._pyramid(images)
        probability = self.probability(features)
        if not self.training:
            return torch.sigmoid(probability)
        return torch.cat([probability, self.threshold(features)], 1)

    def _pyramid(self, images: torch.Tensor) -> torch.Tensor:
        """Return features of all resolutions together, at a quarter of the input's."""
        features, levels = self.stem(images), []
        for stage, lateral in zip(self.stages, self.lateral, strict=True):
            features = stage(features)
            levels.append(lateral(features))
        for finer in reversed(range(len(levels) - 1)):
            levels[finer] = levels[finer] + F.interpolate(levels[finer + 1], scale_factor=2.0)
        smooth = [layer(level) for layer, level in zip(self.smooth, levels, strict=True)]
        return torch.cat(
            [F.interpolate(level, scale_factor=2.0**n) if n else level for n, level in enumerate(smooth)], 1
        )


def for_reading(model: DbLight) -> DbLight:
    """Return a copy for reading: without what only training needs, normalizations brought into the convolutions."""
    model = copy.deepcopy(model).eval()
    for module in list(model.modules()):
        if isinstance(module, ConvBlock):
            module.fuse()
    model.threshold = nn.Identity()  # type: ignore[assignment]
    return model

"""The direction classifier: PP-LCNet at a quarter of its width (Cui et al., arXiv 2109.15099), for grey words."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

CLASSES = 2
"""Upright, and upside down."""
FIRST, EXPANDED = 8, 1280
"""Channels after the first convolution, and before the classes."""
LAYERS: tuple[tuple[int, int, tuple[int, int], bool], ...] = (
    (3, 8, (1, 1), False),
    (3, 16, (2, 2), False),
    (3, 16, (1, 1), False),
    (3, 32, (2, 2), False),
    (3, 32, (1, 1), False),
    (3, 64, (2, 1), False),
    *[(5, 64, (1, 1), False)] * 5,
    (5, 128, (2, 1), True),
    (5, 128, (1, 1), True),
)
"""Kernel, channels, stride and attention; from a sixth of the height on, letters keep what room they have across."""


class DirectionNetwork(nn.Module):
    """float32 [B, 1, 48, 192], from -1 (black) to 1, to logits [B, 2]: upright, upside down."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(*_layers())
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(LAYERS[-1][1], EXPANDED, 1),
            nn.Hardswish(),
            nn.Dropout(0.2),
            nn.Flatten(),
            nn.Linear(EXPANDED, CLASSES),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Compute the logits."""
        logits: torch.Tensor = self.head(self.features(images))
        return logits


def _layers() -> Iterator[nn.Module]:
    yield from _convolution(1, FIRST, 3, (2, 2))
    channels = FIRST
    for kernel, wanted, stride, attention in LAYERS:
        yield from _convolution(channels, channels, kernel, stride, groups=channels)
        if attention:
            yield _SqueezeExcitation(channels)
        yield from _convolution(channels, wanted, 1, (1, 1))
        channels = wanted


def _convolution(
    channels: int, wanted: int, kernel: int, stride: tuple[int, int], groups: int = 1
) -> Iterator[nn.Module]:
    yield nn.Conv2d(channels, wanted, kernel, stride, kernel // 2, groups=groups, bias=False)
    yield nn.BatchNorm2d(wanted)
    yield nn.Hardswish()


class _SqueezeExcitation(nn.Module):
    """Weighs channels by what all of the word shows (Hu et al., arXiv 1709.01507)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weigh = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, channels // 4, 1),
            nn.ReLU(),
            nn.Conv2d(channels // 4, channels, 1),
            nn.Hardsigmoid(),
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        weighted: torch.Tensor = features * self.weigh(features)
        return weighted

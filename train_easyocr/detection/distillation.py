"""Collaborative mutual learning of detectors: a frozen teacher's map, and what two students think of each other.

PP-OCRv2 (Du et al., arXiv 2109.03144): beside DBNet's own loss, each student learns the teacher's words, dilated, as if
they were labels, and both draw their probability maps together (`engine/distillation.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from train_easyocr.detection.db_loss import (
    BINARY_WEIGHT,
    PROBABILITY_WEIGHT,
    balanced_cross_entropy,
    dice_loss,
)
from train_easyocr.detection.db_network import STEEPNESS
from train_easyocr.detection.db_targets import COUNTS
from train_easyocr.engine.device import Device
from train_easyocr.engine.distillation import Peers

CONFIDENT = 0.3
"""From this probability on a place is a word's, for the teacher."""

Part = tuple[torch.Tensor, torch.Tensor]


class CollaborativeLoss:
    """The loss between two detectors that also learn from a third one.

    Args:
        teacher: Weights that are trained already; they stay as they are.
        device: Where to compute.
    """

    def __init__(self, teacher: nn.Module, device: Device) -> None:
        self._teacher = teacher.to(device.torch_device).eval().requires_grad_(False)
        self._device = device

    def __call__(self, peers: Peers, answers: Sequence[torch.Tensor], part: Part) -> torch.Tensor:
        """Return the loss, a mean over the part.

        Args:
            peers: The students.
            answers: Of both, logits [B, 2, h, w].
            part: Images, and targets uint8 [B, 4, h, w].
        """
        images, targets = part
        with torch.no_grad(), self._device.autocast():
            probability = self._teacher(self._device.input(images))[:, 0].float()
        counts = targets[:, COUNTS].to(probability.device).float()
        words = dilated(probability > CONFIDENT)
        first, second = (answer.float() for answer in answers)
        taught = taught_loss(first, words, counts) + taught_loss(second, words, counts)
        return taught + map_divergence(first[:, 0], second[:, 0], counts)


def dilated(words: torch.Tensor) -> torch.Tensor:
    """Return a mask, bool [B, h, w], grown by a square of 2 x 2 (to the right and down), as float32."""
    padded = functional.pad(words.float(), (1, 0, 1, 0))
    return functional.max_pool2d(padded[:, None], 2, 1)[:, 0]


def taught_loss(logits: torch.Tensor, words: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """Return a student's loss on the teacher's words: its probability and its binary map, as DBNet learns labels.

    Args:
        logits: [B, 2, h, w], probability and threshold.
        words: 1 where the teacher sees a word, [B, h, w].
        counts: How much each place counts.
    """
    probability, threshold = logits[:, 0].sigmoid(), logits[:, 1].sigmoid()
    binary = torch.sigmoid(STEEPNESS * (probability - threshold))
    return PROBABILITY_WEIGHT * balanced_cross_entropy(logits[:, 0], words, counts) + BINARY_WEIGHT * dice_loss(
        binary, words, counts
    )


def map_divergence(first: torch.Tensor, second: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """Return half of KL(first || second) + KL(second || first), each place a chance of being a word's; their mean.

    Args:
        first: Logits [B, h, w].
        second: Likewise.
        counts: How much each place counts.
    """
    difference = (first.sigmoid() - second.sigmoid()) * (first - second)  # both divergences together
    return (difference * counts).sum() / 2 / counts.sum().clamp(min=1)

"""Losses of detectors that learn from a frozen one, alone or beside each other (`engine/distillation.py`).

- `FrozenMapTeacher`: a student learns the teacher's probability map, place by place.
- `CollaborativeLoss`: collaborative mutual learning, PP-OCRv2 (Du et al., arXiv 2109.03144). Each of two students
  learns the teacher's words, dilated, as if they were labels, and both draw their probability maps together.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from train_easyocr.detection.config import DetectionConfig
from train_easyocr.detection.db_detector import load_db_light
from train_easyocr.detection.db_loss import (
    BINARY_WEIGHT,
    NEGATIVES,
    PROBABILITY_WEIGHT,
    balanced_cross_entropy,
    dice_loss,
)
from train_easyocr.detection.db_network import STEEPNESS
from train_easyocr.detection.db_targets import COUNTS
from train_easyocr.detection.loading import PieceBatch
from train_easyocr.detection.task import DetectorTask, Part
from train_easyocr.engine.device import Device
from train_easyocr.engine.distillation import FrozenNetwork, MutualTask, Peers
from train_easyocr.engine.distributed import Processes
from train_easyocr.weights.cards import DetectionScores

TEACHER_WEIGHT = 10 * PROBABILITY_WEIGHT
"""Of what a frozen teacher says, beside labels: where both differ, as in how loose boxes are, the teacher counts."""
CONFIDENT = 0.3
"""From this probability on a place is a word's, for the teacher."""


class FrozenMapTeacher:
    """Kullback and Leibler's divergence from the map of a detector that is trained already, a word's or not per place.

    Hinton et al., "Distilling the Knowledge in a Neural Network", arXiv 1503.02531, for DBNet's probability map; it
    alone says where words are, the threshold map only shapes it in training. All places count, those too that labels
    say nothing about.

    Args:
        weights: A `db_light`'s.
        device: Where to compute.

    Raises:
        WeightsError: They can't be used.
    """

    def __init__(self, weights: Path, device: Device) -> None:
        self._teacher = FrozenNetwork(load_db_light(weights)[0], device)

    def __call__(self, peers: Peers, answers: Sequence[torch.Tensor], part: Part) -> torch.Tensor:
        """Return the loss of the one student."""
        (answer,) = answers
        return TEACHER_WEIGHT * divergence_from(self._teacher(part[0])[:, 0], answer[:, 0].float())


def divergence_from(teacher: torch.Tensor, student: torch.Tensor) -> torch.Tensor:
    """Return KL(teacher || student) of maps, for each place of a word and those of the background that count with it.

    Args:
        teacher: Probabilities [B, h, w].
        student: Logits [B, h, w].
    """
    divergence = functional.binary_cross_entropy_with_logits(student, teacher, reduction="sum")
    own = functional.binary_cross_entropy(teacher, teacher, reduction="sum")
    return (divergence - own) / ((1 + NEGATIVES) * teacher.sum()).clamp(min=1)


def taught_detector(
    teacher: Path, config: DetectionConfig, processes: Processes
) -> MutualTask[PieceBatch, Part, DetectionScores]:
    """Return the training of a detector on labels and on a frozen teacher's map; see `FrozenMapTeacher`."""
    task = DetectorTask(config, processes)
    return MutualTask([task], FrozenMapTeacher(teacher, task.device))


class CollaborativeLoss:
    """The loss between two detectors that also learn from a third one.

    Args:
        teacher: Weights that are trained already; they stay as they are.
        device: Where to compute.
    """

    def __init__(self, teacher: nn.Module, device: Device) -> None:
        self._teacher = FrozenNetwork(teacher, device)

    def __call__(self, peers: Peers, answers: Sequence[torch.Tensor], part: Part) -> torch.Tensor:
        """Return the loss, a mean over the part.

        Args:
            peers: The students.
            answers: Of both, logits [B, 2, h, w].
            part: Images, and targets uint8 [B, 4, h, w].
        """
        images, targets = part
        probability = self._teacher(images)[:, 0]
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

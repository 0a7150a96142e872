"""DBNet's loss (Liao et al., arXiv 1911.08947): probability with hard negatives, binary map, threshold."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - as everywhere in torch's world

from train_easyocr.detection.db_network import STEEPNESS
from train_easyocr.detection.db_targets import COUNTS, PROBABILITY, THRESHOLD, THRESHOLD_COUNTS

NEGATIVES = 3
"""Places of the background that count, for each of a word (by what it counts): the worst."""
BACKGROUND_SHARE = 0.01
"""At least this share of the background counts, so that a batch without words teaches, too."""
PROBABILITY_WEIGHT, BINARY_WEIGHT, THRESHOLD_WEIGHT = 5.0, 1.0, 10.0
"""The weights of the authors' own code."""
SMALL = 1e-6


def db_loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the loss of a batch.

    Args:
        logits: [B, 2, h, w]: probability and threshold, before the sigmoid.
        targets: uint8 [B, 4, h, w], as `db_targets` draws them.
    """
    logits, targets = logits.float(), targets.float()
    word, counts = targets[:, PROBABILITY], targets[:, COUNTS]
    probability, threshold = logits[:, 0].sigmoid(), logits[:, 1].sigmoid()
    binary = torch.sigmoid(STEEPNESS * (probability - threshold))
    return (
        PROBABILITY_WEIGHT * balanced_cross_entropy(logits[:, 0], word, counts)
        + BINARY_WEIGHT * dice_loss(binary, word, counts)
        + THRESHOLD_WEIGHT * masked_l1(threshold, targets[:, THRESHOLD] / 255, targets[:, THRESHOLD_COUNTS])
    )


def balanced_cross_entropy(logits: torch.Tensor, word: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """Return the mean cross entropy over all places of words and the worst places of the background.

    Args:
        logits: [...].
        word: 1 where a word is, else 0.
        counts: How much each place counts; 0 where nothing is known, 1 in the background far from small words.
    """
    losses = F.binary_cross_entropy_with_logits(logits, word, reduction="none")
    positive, negative = word * counts, (1 - word) * counts
    words, background = int(positive.sum()), int((negative > 0).sum())
    hard = min(background, max(NEGATIVES * words, int(BACKGROUND_SHARE * background)))
    worst = (losses * negative).flatten().topk(hard, sorted=False).values
    return ((losses * positive).sum() + worst.sum()) / max(1, words + hard)


def dice_loss(values: torch.Tensor, word: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """Return 1 minus twice the overlap of the map and the words over the sum of both (Milletari et al., 2016)."""
    overlap = (values * word * counts).sum()
    return 1 - 2 * overlap / ((values * counts).sum() + (word * counts).sum() + SMALL)


def masked_l1(values: torch.Tensor, target: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """Return the mean absolute difference where it counts."""
    return ((values - target).abs() * counts).sum() / (counts.sum() + SMALL)

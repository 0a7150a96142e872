"""CRAFT, EasyOCR's own detection network, as the trainer sees it: fine-tuning with word labels.

The loss is that of the paper (Baek et al., "Character Region Awareness for Text Detection", arXiv 1904.01941): squared
differences to region and affinity, each pixel weighed by how far its word's label can be trusted, of the background
the pixels that are worst.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import easyocr.craft
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from train_easyocr.detection.config import DetectionConfig
from train_easyocr.detection.craft import STRIDE, CraftDetector
from train_easyocr.detection.craft_targets import make_targets
from train_easyocr.detection.crops import Crop
from train_easyocr.detection.parameters import WORDS, CraftParameters
from train_easyocr.documents.page import Box, Word
from train_easyocr.engine.device import Computing
from train_easyocr.weights.cards import DetectionScores, DetectorCard

CRAFT: Final = "craft"
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's red, green and blue, from 0 to 1, as EasyOCR normalizes pages."""
TEXT = 0.1
"""Where a target is above this, a pixel is no background."""
NEGATIVES = 3
"""Pixels of the background that count, for each of the text: the worst."""
BACKGROUND_SHARE = 0.01
"""At least this share of the background counts, so that a batch without words teaches, too."""


class CraftCard(DetectorCard):
    """The card of CRAFT's weights."""

    network: Literal["craft"] = CRAFT
    parameters: CraftParameters


class CraftTraining:
    """`craft`, as the trainer sees it (`networks.TrainableNetwork`)."""

    def __init__(self, config: DetectionConfig) -> None:
        self._config = config
        self._parameters = WORDS.model_copy(update={"canvas_size": config.long_side})

    def build(self) -> nn.Module:
        """Return the network with fresh weights."""
        return easyocr.craft.CRAFT(pretrained=False)

    def targets(self, crop: Crop) -> NDArray[np.uint8]:
        """Draw region, affinity and weights, 0 to 255 for 0 to 1."""
        words = [
            Word(Box(*box), text)
            for box, text in zip(np.rint(crop.boxes).astype(int).tolist(), crop.texts, strict=True)
        ]
        unknown = [
            Box(*box)
            for box in np.hstack([np.floor(crop.ignored[:, :2]), np.ceil(crop.ignored[:, 2:])]).astype(int).tolist()
        ]
        side = crop.image.shape[0] // STRIDE
        found = make_targets(words, (side, side), STRIDE, unknown)
        return np.rint(255 * np.concatenate([found.maps, found.weights[None]])).astype(np.uint8)

    def input(self, images: torch.Tensor, computing: Computing) -> torch.Tensor:
        """Return grey pieces as normalized RGB."""
        values = images.to(computing.device, non_blocking=True).float() / 255
        mean, deviation = (torch.tensor(each, device=computing.device)[:, None, None] for each in (MEAN, DEVIATION))
        return ((values - mean) / deviation).contiguous(memory_format=torch.channels_last)

    def loss(self, output: Any, targets: torch.Tensor) -> torch.Tensor:
        """Return the loss: the network's output in training is maps [B, h, w, 2] and features."""
        return craft_loss(output[0], targets)

    def detector(self, model: nn.Module, computing: Computing) -> CraftDetector:
        """Return a detector that makes a box a word."""
        return CraftDetector(model, self._parameters, computing.device)

    def card(self, iteration: int, scores: DetectionScores) -> CraftCard:
        """Return the card."""
        return CraftCard(
            long_side=self._config.long_side,
            parameters=self._parameters,
            iteration=iteration,
            validation=scores,
            experiment_name=self._config.experiment_name,
            config=self._config.model_dump(),
        )


def craft_loss(maps: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the loss of a batch.

    Args:
        maps: [B, h, w, 2]: region and affinity.
        targets: uint8 [B, 3, h, w]: region, affinity and weight, 0 to 255 for 0 to 1.
    """
    wanted = targets.float() / 255
    weight = wanted[:, 2]
    losses = [_balanced(maps[..., plane].float(), wanted[:, plane], weight) for plane in (0, 1)]
    return losses[0] + losses[1]


def _balanced(found: torch.Tensor, wanted: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return the mean squared difference over the text, plus that over the worst of the background."""
    losses = (found - wanted).square() * weight
    text = wanted > TEXT
    background = losses[~text & (weight > 0)]
    words = int(text.sum())
    hard = min(background.numel(), max(NEGATIVES * words, int(BACKGROUND_SHARE * background.numel())))
    worst = background.topk(hard, sorted=False).values
    return losses[text].sum() / max(1, words) + worst.sum() / max(1, hard)

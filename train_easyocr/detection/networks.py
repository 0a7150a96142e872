"""What the trainer needs to know of a network: its input, its targets, its loss, and how it is used afterwards."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from train_easyocr.detection.config import DetectionConfig
from train_easyocr.detection.crops import Crop
from train_easyocr.detection.db_detector import DbCard, DbDetector
from train_easyocr.detection.db_loss import db_loss
from train_easyocr.detection.db_network import STRIDE, DbLight
from train_easyocr.detection.db_targets import db_targets
from train_easyocr.engine.device import Computing
from train_easyocr.weights.cards import DetectionScores


class DbLightTraining:
    """`db_light`, as the trainer sees it."""

    def __init__(self, config: DetectionConfig) -> None:
        self._config = config

    def build(self) -> DbLight:
        """Return the network with fresh weights."""
        return DbLight()

    def targets(self, crop: Crop) -> NDArray[np.uint8]:
        """Draw shrink and threshold maps."""
        side = crop.image.shape[0] // STRIDE
        return db_targets(crop.boxes / STRIDE, crop.ignored / STRIDE, (side, side))

    def input(self, images: torch.Tensor, computing: Computing) -> torch.Tensor:
        """Return grey pieces from -1 to 1."""
        return computing.input(images)

    def loss(self, output: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return DBNet's loss."""
        return db_loss(output, targets)

    def detector(self, model: Any, computing: Computing) -> DbDetector:
        """Return a detector with the settings' parameters."""
        return DbDetector.of(model, self._config.long_side, self._config.db_parameters, computing)

    def card(self, iteration: int, scores: DetectionScores) -> DbCard:
        """Return the card."""
        return DbCard(
            long_side=self._config.long_side,
            parameters=self._config.db_parameters,
            iteration=iteration,
            validation=scores,
            experiment_name=self._config.experiment_name,
            config=self._config.model_dump(),
        )

"""What the trainer needs to know of a network: its input, its targets, its loss, and how it is used afterwards."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from train_easyocr.detection.config import DetectionConfig
from train_easyocr.detection.craft_training import CRAFT, CraftTraining
from train_easyocr.detection.crops import Crop
from train_easyocr.detection.db_detector import DB_LIGHT, DbCard, DbDetector
from train_easyocr.detection.db_loss import db_loss
from train_easyocr.detection.db_network import STRIDE, DbLight
from train_easyocr.detection.db_targets import db_targets
from train_easyocr.detection.interface import WordDetector
from train_easyocr.engine.device import Computing
from train_easyocr.weights.cards import DetectionScores, DetectorCard


class TrainableNetwork(Protocol):
    """A network as the trainer sees it; built from the settings, and pickled on the way to the processes that load."""

    def build(self) -> nn.Module:
        """Return the network with fresh weights."""

    def targets(self, crop: Crop) -> NDArray[np.uint8]:
        """Draw what the network is taught on a piece of a page, [C, h, w]."""

    def input(self, images: torch.Tensor, computing: Computing) -> torch.Tensor:
        """Bring pieces, grey, uint8 [B, 1, H, W], to the device as the network's input."""

    def loss(self, output: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the loss of a batch: the network's output in training, and targets [B, C, h, w]."""

    def detector(self, model: Any, computing: Computing) -> WordDetector:
        """Return a detector that uses the weights as they are now."""

    def card(self, iteration: int, scores: DetectionScores) -> DetectorCard:
        """Return the card to be saved with the weights."""


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

    def detector(self, model: DbLight, computing: Computing) -> DbDetector:
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


NETWORKS: dict[str, type[DbLightTraining] | type[CraftTraining]] = {DB_LIGHT: DbLightTraining, CRAFT: CraftTraining}
"""By the setting `network`."""

"""The trained direction classifier in use, and the card of its weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from train_easyocr.engine.device import normalize
from train_easyocr.orientation.network import DirectionNetwork
from train_easyocr.orientation.words import Pixels, input_of, upside_down
from train_easyocr.weights.checkpoints import Card, load_pretrained, read_card_of

SHIPPED = Path(__file__).parent / "weights" / "orientation.pth"
"""The weights that come with the package; MODEL_CARD.md beside them says how they were made."""
BATCH = 64


class DirectionScores(BaseModel):
    """What the weights reached in validation, where each word is seen upright and upside down.

    Attributes:
        accuracy: Per cent of both whose direction is found.
        wrongly_turned: Per cent of the upright ones that are taken to be upside down at `THRESHOLD`.
        found: Per cent of those upside down that are taken to be so.
        words: How many words there are.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    accuracy: float = Field(ge=0, le=100)
    wrongly_turned: float = Field(ge=0, le=100)
    found: float = Field(ge=0, le=100)
    words: int = Field(ge=0)


class DirectionCard(Card):
    """What lies beside a direction classifier's weights.

    Attributes:
        iteration: Of the training.
        validation: The scores at that iteration.
        experiment_name: The training's name.
        config: All settings of the training.
        averaged: Whether the weights are a running average.
    """

    iteration: int
    validation: DirectionScores
    experiment_name: str
    config: dict[str, Any]
    averaged: bool = False


class DirectionClassifier:
    """Tells words that lie upside down, on the CPU: it is too small for a GPU to pay.

    Each word is looked at as it is and turned, and half the difference of the two answers counts: what the network says
    of a word and of the same word turned then never agrees.

    Args:
        weights: A `.pth` with its card beside it.

    Raises:
        WeightsError: They can't be used.
    """

    def __init__(self, weights: Path = SHIPPED) -> None:
        self.card = read_card_of(DirectionCard, weights)
        network = DirectionNetwork()
        load_pretrained(network, weights)
        self._network = network.eval().to(memory_format=torch.channels_last)

    def turned(self, words: Sequence[Pixels]) -> NDArray[np.float64]:
        """Return the probability of each word, uint8 [h, w], to lie upside down: float64 [n]."""
        found = [self._batch(words[first : first + BATCH]) for first in range(0, len(words), BATCH)]
        return np.concatenate([np.zeros(0), *found])

    @torch.inference_mode()
    def _batch(self, words: Sequence[Pixels]) -> NDArray[np.float64]:
        pairs = [image for word in words for image in (input_of(word), upside_down(input_of(word)))]
        images = torch.from_numpy(np.stack(pairs)[:, None])
        logits = self._network(normalize(images).contiguous(memory_format=torch.channels_last))
        return turned_of_pairs(logits)[::2].numpy()


def turned_of_pairs(logits: torch.Tensor) -> torch.Tensor:
    """Return how likely words lie upside down: float64 [2n] from 0 to 1.

    Args:
        logits: [2n, 2], each word as it is and then turned, or the other way round.
    """
    lead = (logits[:, 1] - logits[:, 0]).double().reshape(-1, 2)
    half = (lead[:, 0] - lead[:, 1]) / 2
    return torch.stack([half, -half], dim=1).reshape(-1).sigmoid()

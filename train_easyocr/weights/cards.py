"""What lies beside a detector's weights, whichever network they are for."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from train_easyocr.weights.checkpoints import Card


class DetectionScores(BaseModel):
    """What a detector reached in validation: at an intersection over union of 0.5, over all words of all pages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    precision: float = Field(ge=0, le=1)
    recall: float = Field(ge=0, le=1)
    f1: float = Field(ge=0, le=1)
    pages: int = Field(ge=0)
    words: int = Field(ge=0)


class DetectorCard(Card):
    """What is needed to find words with a `.pth`, and where it comes from.

    Each network's card adds `network`, its name, and `parameters`: how boxes are made of the maps.

    Attributes:
        long_side: Pixels; a page with a longer side is scaled down to this.
        iteration: Of the training.
        validation: The scores at that iteration.
        experiment_name: The training's name.
        config: All settings of the training.
        averaged: Whether the weights are a running average.
    """

    long_side: int = Field(ge=1)
    iteration: int
    validation: DetectionScores
    experiment_name: str
    config: dict[str, Any]
    averaged: bool = False

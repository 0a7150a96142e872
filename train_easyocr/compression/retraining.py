"""Training recognizers further, with the settings that they are built by."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from train_easyocr.settings.config import Config, check_config
from train_easyocr.settings.parts import NetworkSettings
from train_easyocr.weights.checkpoints import read_card


def further(weights: Path, config: Config, settings: Mapping[str, Any]) -> Config:
    """Return the settings of a training that goes on from weights as they are.

    Args:
        weights: With their card, which says what the network is and which characters it writes: the set that a name
            stands for may have grown since.
        config: Data, length and recipe.
        settings: What else the training is given.
    """
    card = read_card(weights)
    network = {key: card.config[key] for key in NetworkSettings.model_fields if key in card.config}
    return check_config(config.model_dump() | network | {"character": card.character, **settings})

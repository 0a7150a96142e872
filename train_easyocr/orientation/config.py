"""The settings of the direction classifier's training, checked as the recognizer's are.

Every key is described in `config_files/orientation.yaml`, which lists them all with their default values.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import Field

from train_easyocr.common.errors import UserError
from train_easyocr.settings.checking import CONFIG_FILES, check_settings, load_settings
from train_easyocr.settings.parts import AdamWSettings, Name, Text

DEFAULT_CONFIG = CONFIG_FILES / "orientation.yaml"


class OrientationConfig(AdamWSettings):
    """All settings of the direction classifier's training, checked and frozen."""

    experiment_name: Name = "korean_orientation"
    train_data: Text = ""
    val_data: Text = ""
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "fp32"
    batch_size: int = Field(128, ge=1)
    val_period: int = Field(500, ge=1)
    augmentation_probability: float = Field(0.8, ge=0, le=1)
    continue_from: Text = ""
    lr_scheduler: Literal["constant", "cosine", "one_cycle"] = "cosine"


def load_orientation_config(path: Path = DEFAULT_CONFIG, overrides: Iterable[str] = ()) -> OrientationConfig:
    """Read the settings; see `train_easyocr.settings.checking.load_settings`, whose errors it raises.

    Raises:
        UserError: The settings are in order, but a set of words that they name is not there.
    """
    check = partial(check_settings, OrientationConfig, contradictions)
    config = load_settings(OrientationConfig, check, path, overrides)
    missing = [key for key in ("train_data", "val_data") if not Path(getattr(config, key)).exists()]
    if missing:
        raise UserError("\n".join(f"{key}: {getattr(config, key)}: there is no such folder" for key in missing))
    return config


def contradictions(config: OrientationConfig) -> list[str]:
    """Return what is wrong among values that are right each for itself."""
    found = [
        f"{key} is empty; name the folder of a set of words, as step 2 or train_easyocr.synthesis.words writes it"
        for key in ("train_data", "val_data")
        if not getattr(config, key)
    ]
    if config.continue_from and not Path(config.continue_from).is_file():
        found.append(f"continue_from: {config.continue_from}: there is no such file of weights")
    if config.accumulation > config.batch_size:
        found.append(
            f"accumulation: {config.accumulation} with batch_size: {config.batch_size}; "
            "a batch can't be computed in more parts than it has words"
        )
    return found

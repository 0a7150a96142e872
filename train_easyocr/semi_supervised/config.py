"""The settings of training with unlabelled words, checked as the recognizer's are, and those of each single training.

Every key is described in `config_files/semi_supervised.yaml`, which lists them all with their default values. `large`
and `small` are settings of config.yaml; what this room decides itself (`OURS`) is not theirs.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, field_validator

from train_easyocr.common.errors import UsageError
from train_easyocr.settings.checking import CONFIG_FILES, check_settings, load_settings
from train_easyocr.settings.config import Config, check_config
from train_easyocr.settings.parts import (
    STRENGTHS,
    DatasetSettings,
    ExperimentSettings,
    Name,
    Strength,
    WorkerCount,
)

DEFAULT_CONFIG = CONFIG_FILES / "semi_supervised.yaml"
Size = Literal["large", "small"]
SIZES: tuple[Size, ...] = ("large", "small")
OURS = frozenset({
    "seed", "workers", "precision", "saved_models", "experiment_name", "dataset", "output", "train_data", "val_data",
    "select_data", "batch_ratio", "data_usage_ratio", "augmentation_of_sets", "unify_variants", "Prediction",
    "detection", "detection_tuning", "train_images", "val_images", "eval_images",
})  # fmt: skip
"""Settings of config.yaml that `large` and `small` can't have."""
SETS = "sets"
"""The folder of an experiment that holds all sets of words of its trainings."""
TRAINING, VALIDATION = f"{SETS}/training", f"{SETS}/validation"
SET_PLACES = {"output": SETS, "train_data": TRAINING, "val_data": VALIDATION}
"""Where a training's settings say that its data are, below the experiment's folder."""
LABELS = "labels"
"""What the set of labelled words is called there."""
TEXTS = frozenset(key for key, field in Config.model_fields.items() if field.annotation not in (bool, int, float))
"""Settings of config.yaml that a command line gives as they stand."""


class SemiSupervisedConfig(DatasetSettings, ExperimentSettings):
    """All settings of training with unlabelled words, checked and frozen."""

    experiment_name: Name = "semi_supervised"
    workers: WorkerCount = "auto"
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    unlabeled_data: str = "training_and_validation_set/unlabeled"
    unify_variants: bool = True

    rounds: int = Field(3, ge=1)
    least_gain: float = Field(0.1, ge=0)
    least_precision: float = Field(0.98, gt=0.5, lt=1)
    least_accuracy: float = Field(60, ge=0, le=100)
    least_kept: float = Field(0.1, gt=0, le=1)
    views: Strength = "light"
    most_per_text: int = Field(50, ge=0)
    most_of_length: float = Field(1.5, ge=0)
    least_per_character: int = Field(5, ge=0)

    labelled_share: float = Field(0.5, ge=0.5, lt=1)
    augmentation_of_pseudo: Strength = "strong"

    large: dict[str, Any] = Field(default_factory=lambda: {"ema": 0.999})
    small: dict[str, Any] = Field(default_factory=dict)

    @field_validator("large", "small", mode="before")
    @classmethod
    def _section(cls, value: Any) -> Any:
        return {} if value is None else value

    def folder_of(self, stage: str) -> Path:
        """Return the folder of a stage's training."""
        return Path(self.saved_models) / name_of(self, stage)

    def values_of(self, size: Size) -> dict[str, Any]:
        """Return the settings of config.yaml that a network is trained with, but for its data."""
        common = {"seed": self.seed, "workers": self.workers, "precision": self.precision, "detection": ""}
        return common | {"saved_models": self.saved_models} | getattr(self, size)


def name_of(config: ExperimentSettings, stage: str) -> str:
    """Return what the training of a stage is called among the experiments."""
    return f"{config.experiment_name}_{stage}"


def training_config(
    config: SemiSupervisedConfig, size: Size, stage: str, *, character: str, pseudo: str = "", start: str = ""
) -> Config:
    """Return the settings of a stage's training, which step 3 could run as well.

    Args:
        config: The settings.
        size: Which network.
        stage: What the training is called.
        character: The characters, or the setting that stands for them; empty: the network's own setting.
        pseudo: The name of the set with pseudo labels; without one, labelled words alone are trained on.
        start: The weights to begin with; empty: those of the network's settings.

    Raises:
        UsageError: The settings contradict each other.
    """
    sets = {key: str((config.experiment / place).resolve()) for key, place in SET_PLACES.items()}
    values = config.values_of(size) | sets | {"experiment_name": name_of(config, stage), "select_data": LABELS}
    values |= {"character": character} if character else {}
    values |= {"continue_from": start} if start else {}
    if pseudo:
        share, own = config.labelled_share, values.get("augmentation", Config.model_fields["augmentation"].default)
        values |= {"select_data": f"{LABELS}-{pseudo}", "batch_ratio": f"{share:.4f}-{1 - share:.4f}"}
        values |= {"augmentation_of_sets": [own, config.augmentation_of_pseudo]}
    return check_config(values)


def load_semi_supervised_config(path: Path = DEFAULT_CONFIG, overrides: Iterable[str] = ()) -> SemiSupervisedConfig:
    """Read the settings; see `train_easyocr.settings.checking.load_settings`, whose errors it raises.

    Args:
        path: The YAML file.
        overrides: As on a command line; `large.KEY=VALUE` and `small.KEY=VALUE` change one setting of a network.
    """
    overrides = list(overrides)
    own = [one for one in overrides if one.partition("=")[0].partition(".")[0] not in SIZES]
    sections = {size: _section_of(size, overrides) for size in SIZES}

    def check(values: dict[str, Any], faults: Iterable[str]) -> SemiSupervisedConfig:
        for size in SIZES:
            given = values.get(size, SemiSupervisedConfig.model_fields[size].get_default(call_default_factory=True))
            values[size] = (given or {}) | sections[size] if isinstance(given, dict | None) else given
        return check_settings(SemiSupervisedConfig, contradictions, values, faults)

    return load_settings(SemiSupervisedConfig, check, path, own)


def _section_of(size: Size, overrides: Iterable[str]) -> dict[str, Any]:
    pairs = (one.removeprefix(f"{size}.").partition("=") for one in overrides if one.startswith(f"{size}."))
    return {key: yaml.safe_load(value) if key not in TEXTS else value for key, _, value in pairs}


def contradictions(config: SemiSupervisedConfig) -> list[str]:
    """Return what is wrong among values that are right each for itself."""
    found = []
    if len(config.data_names) > 1:
        found.append(f"select_data: {config.select_data}; one set alone can be trained on with pseudo labels")
    for size in SIZES:
        section = getattr(config, size)
        theirs = sorted(OURS.intersection(section))
        found += [f"{size}.{key}: is the same for all trainings here; it can't be set for one" for key in theirs]
        found += _faults_of(size, {key: value for key, value in section.items() if key not in theirs})
    return found


def _faults_of(size: Size, section: dict[str, Any]) -> list[str]:
    """Return what config.yaml's own check says of a section, each line named after it."""
    try:
        check_config(section)
    except UsageError as error:
        return [f"{size}.{line.removeprefix('  - ')}" for line in str(error).splitlines()[1:]]
    return []


def strength_of(value: str | float) -> float:
    """Return how strong an augmentation is, 0 to 1."""
    return STRENGTHS[value] if isinstance(value, str) else value

"""The settings by rooms: each key once, with its default and what it may be; a room is given its part, never the whole.

`config.Config` and the detector's `DetectionConfig` are all of their parts in one, so they pass for any of them. A part
that has no keys of its own is what one room needs of several others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BeforeValidator, Field, field_serializer, field_validator

from train_easyocr.settings.checking import CheckedSettings

WORD_FILES = ("labels.csv", "gt.txt", "rec_gt.txt", "data.mdb")
"""Any of them makes a folder a set of words: see `datasets.foreign_sets`."""
STRENGTHS = {"off": 0.0, "light": 0.25, "medium": 0.5, "strong": 1.0}
"""What the names of `augmentation` stand for."""
AUGMENTATION_KINDS = (
    *("invert", "swell", "starve", "crumble", "rule", "cut_out", "distort", "stretch", "perspective", "rotate"),
    *("light", "fade", "blur", "streak", "coarsen", "grain", "harden", "bilevel", "speckle", "compress"),
)
"""What `augmentation` does to words, in the order in which it is done; `recognition/augmentation.py` has the code."""
AUTO_ITERATIONS = 0
"""What `n_iter: auto` is until a training has looked at its data (`engine/length.py`)."""


def _as_text(value: Any) -> Any:
    # YAML reads `batch_ratio: 1` as a number; users mean the text. An exponent's minus would part it in two.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return format(Decimal(repr(value)), "f") if is_number and math.isfinite(value) else value


def _joined(value: Any) -> Any:
    """Return a list as text with "-" between its parts, as which it is saved and compared."""
    if isinstance(value, str) and value.startswith("["):  # as on a command line
        try:
            value = yaml.safe_load(value)
        except yaml.YAMLError:
            raise ValueError("is no list that YAML can read") from None
    if not isinstance(value, list):
        return _as_text(value)
    parts = [_as_text(_number_of(part)) for part in value]
    if not parts or not all(isinstance(part, str) and part and "-" not in part for part in parts):
        raise ValueError("should be a list of names or numbers without '-', which stands between them when it is saved")
    return "-".join(parts)


def _number_of(part: Any) -> Any:
    """Return a number that YAML takes for a text, such as 1e-5."""
    try:
        return float(part) if isinstance(part, str) and "-" in part else part
    except ValueError:
        return part


def _numbers(text: str) -> list[float]:
    """Read numbers with "-" between them; raises ValueError."""
    return [float(part) for part in text.split("-")]


def nothing_as_empty(value: Any) -> Any:
    """Return a setting of which YAML reads an empty value or `null` as nothing at all."""
    return "" if value is None else value


def _none(value: Any) -> Any:
    return "None" if value is None else value


def _compiling(value: Any) -> Any:
    # YAML reads a bare `off` or `on` as a truth value; files of earlier versions say `auto`.
    return {"True": "on", "False": "off", "auto": "off"}.get(str(value), value)


def _strength(value: Any) -> Any:
    # YAML reads `off` as False.
    return _name_or_number("off" if value is False else value, STRENGTHS, "from 0 to 1", lambda x: 0 <= x <= 1)


def _name_or_number(value: Any, names: Collection[str], expected: str, fits: Callable[[float], bool]) -> Any:
    """Return a setting that is a name or a number; raises ValueError where it is neither."""
    if isinstance(value, str) and value in names:
        return value
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number) or not fits(number):
        raise ValueError(f"should be {', '.join(names)} or a number {expected}")
    return number


def _auto_or(expected: str, fits: Callable[[float], bool]) -> BeforeValidator:
    return BeforeValidator(lambda value: _name_or_number(value, ["auto"], expected, fits))


Name = Annotated[str, Field(pattern=r"^[^/\\\x00]+$"), BeforeValidator(_as_text)]
Listed = Annotated[str, BeforeValidator(_joined)]
"""A list: of YAML, or as text with "-" between its parts."""
Text = Annotated[str, BeforeValidator(nothing_as_empty)]
"""A text that may be empty."""
WorkerCount = Annotated[Literal["auto"] | int, _auto_or("of processes", lambda x: x >= 0 and x.is_integer())]
Compile = Annotated[Literal["on", "off"], BeforeValidator(_compiling)]
Strength = Annotated[Literal["off", "light", "medium", "strong"] | float, BeforeValidator(_strength)]
Rate = Annotated[Literal["auto"] | float, _auto_or("above 0", lambda x: 0 < x < math.inf)]
Warmup = Annotated[
    Literal["auto"] | float,
    _auto_or("of iterations, or below 1 for a part of n_iter", lambda x: 0 <= x < 1 or x.is_integer()),
]


class SeedSettings(CheckedSettings):
    """Where everything that is random comes from."""

    seed: int = Field(1111, ge=0)


class ExperimentSettings(SeedSettings):
    """What a training is called, and where it is kept."""

    experiment_name: Name = "korean_documents"
    saved_models: str = "saved_models"

    @property
    def experiment(self) -> Path:
        """The folder of this experiment's weights and logs."""
        return Path(self.saved_models) / self.experiment_name


class LoaderSettings(SeedSettings):
    """How large batches are, and how many processes load them."""

    workers: WorkerCount = "auto"
    batch_size: int = Field(64, ge=1)


class TrainingSettings(ExperimentSettings, LoaderSettings):
    """What the one training loop goes by, whatever it trains."""

    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    compile: Compile = "off"
    n_iter: int = AUTO_ITERATIONS
    val_period: int = Field(2_000, ge=1)
    early_stopping: int = Field(0, ge=0)
    save_period: int = Field(10_000, ge=1)
    grad_clip: float = Field(5.0, gt=0)
    accumulation: int = Field(1, ge=1)
    ema: float = Field(0.0, ge=0, lt=1)

    @field_validator("n_iter", mode="before")
    @classmethod
    def _iterations(cls, value: Any) -> Any:
        found = _name_or_number(value, ["auto"], "from 1 upwards", lambda x: x >= 1 and x.is_integer())
        return AUTO_ITERATIONS if found == "auto" else found

    @field_serializer("n_iter")
    def _stated_iterations(self, value: int) -> int | str:
        return value or "auto"


class AdamWSettings(TrainingSettings):
    """A training by AdamW with a rate that follows from the step alone."""

    lr: float = Field(0.001, gt=0)
    lr_scheduler: Literal["constant", "cosine", "one_cycle"] = "one_cycle"
    weight_decay: float = Field(1e-4, ge=0)


class DrawSettings(SeedSettings):
    """How many pages are drawn for what."""

    train_images: int = Field(40_000, ge=1)
    val_images: int = Field(2_000, ge=1)
    eval_images: int = Field(500, ge=1)


class DatasetSettings(CheckedSettings):
    """Where the download is, and the sets that step 2 makes of it."""

    dataset: Text = ""
    output: Text = ""
    train_data: str = "training_and_validation_set/training"
    val_data: str = "training_and_validation_set/validation"
    select_data: Listed = "select_data"

    @property
    def data_names(self) -> list[str]:
        """The data sets that `select_data` ("A-B") names."""
        return self.select_data.split("-")

    @property
    def prepared(self) -> Path:
        """The folder that step 2 writes to and step 3 reads from: `output`, or the download itself."""
        # Here, not at the top: settings are checked before anything that takes time is loaded (OpenCV, Pillow).
        from train_easyocr.documents.download import find_download  # noqa: PLC0415

        return Path(self.output) if self.output else find_download(Path(self.dataset))

    @property
    def training_sets(self) -> list[Path]:
        """The folder of each selected training set; a relative `train_data` is taken from `prepared`.

        Where none of them is there, and `train_data` is a set itself, or a list of words, that is the only one.
        """
        return self._sets(self.train_data)

    @property
    def validation_sets(self) -> list[Path]:
        """The validation set of each selected set that has one; a relative `val_data` is taken from `prepared`.

        Rendered words and bad cases are for training alone. Where no set has one, all folders are returned: whoever
        opens them says what is missing.
        """
        folders = self._sets(self.val_data)
        return [folder for folder in folders if folder.is_dir()] or folders

    def _sets(self, data: str) -> list[Path]:
        place = self.prepared / data
        folders = [place / name for name in self.data_names]
        itself = place.is_file() or any((place / name).is_file() for name in WORD_FILES)
        return [place] if len(folders) == 1 and itself and not folders[0].is_dir() else folders


class MixtureSettings(CheckedSettings):
    """What the data sets share of batches or epochs."""

    batch_ratio: Listed = "1"
    data_usage_ratio: Annotated[Listed, BeforeValidator(nothing_as_empty)] = ""
    total_data_usage_ratio: float = Field(1.0, gt=0, le=1)

    @property
    def batch_shares(self) -> list[float]:
        """Each data set's share of a batch, as `batch_ratio` ("0.5-0.5") states them."""
        return _numbers(self.batch_ratio)

    @property
    def usage_shares(self) -> list[float]:
        """The part of each data set that an epoch draws, as `data_usage_ratio` ("1.0-0.1") states; empty: unset."""
        return _numbers(self.data_usage_ratio) if self.data_usage_ratio else []


class InputSettings(CheckedSettings):
    """How patches become the network's input."""

    img_height: int = Field(64, ge=32, multiple_of=16)
    img_width: int = Field(600, ge=32)
    PAD: bool = True
    batch_width: Literal["bucket", "fixed"] = "bucket"
    rgb: bool = False
    contrast_adjust: float = Field(0.0, ge=0, le=1)


class LabelSettings(CheckedSettings):
    """What is to be read: the characters, and how the network writes them."""

    character: Annotated[str, Field(min_length=1), BeforeValidator(_as_text)] = "korean_documents"
    sensitive: bool = True
    batch_max_length: int = Field(34, ge=1)
    data_filtering_off: bool = False
    unify_variants: bool = True
    Prediction: Literal["CTC", "Attn"] = "CTC"


class WordSettings(LabelSettings, InputSettings, SeedSettings):
    """Which words of a set can be used."""


class PreparationSettings(DrawSettings, DatasetSettings, WordSettings):
    """What step 2 goes by."""


class BatchSettings(InputSettings, LoaderSettings):
    """How words become batches."""


class SamplingSettings(MixtureSettings, BatchSettings):
    """Which words make which batch."""


class StrengthSettings(SeedSettings):
    """How strongly images are spoilt in training."""

    augmentation: Strength = "light"

    @property
    def augmentation_strength(self) -> float:
        """How strongly `augmentation` changes images, 0 (not at all) to 1."""
        return STRENGTHS[self.augmentation] if isinstance(self.augmentation, str) else self.augmentation


class AugmentationSettings(StrengthSettings):
    """What is done to words in training."""

    augmentation_probability: float = Field(0.6, ge=0, le=1)
    augmentation_of_sets: Annotated[Listed, BeforeValidator(nothing_as_empty)] = ""
    augmentation_kinds: Listed = "all"

    @field_validator("augmentation_of_sets")
    @classmethod
    def _strengths(cls, value: str) -> str:
        for part in value.split("-") if value else []:
            _strength(part)
        return value

    @property
    def strengths_of_sets(self) -> tuple[float, ...]:
        """How strongly the words of each data set are changed; nothing where `augmentation` is for all of them."""
        parts = self.augmentation_of_sets.split("-") if self.augmentation_of_sets else []
        return tuple(STRENGTHS[part] if part in STRENGTHS else float(part) for part in parts)

    @field_validator("augmentation_kinds")
    @classmethod
    def _kinds(cls, value: str) -> str:
        named = value.split("-")
        unknown = sorted(set(named) - set(AUGMENTATION_KINDS))
        if value != "all" and (unknown or len(set(named)) < len(named)):
            wrong = f"there is no {unknown[0]!r}" if unknown else "one is named twice"
            raise ValueError(f"{wrong}; all, or some of these with - between them: {', '.join(AUGMENTATION_KINDS)}")
        return value

    @property
    def kinds_of_augmentation(self) -> frozenset[str]:
        """Those of `AUGMENTATION_KINDS` that are used."""
        return frozenset(AUGMENTATION_KINDS if self.augmentation_kinds == "all" else self.augmentation_kinds.split("-"))


class WordTrainingSettings(BatchSettings, AugmentationSettings):
    """How words become a training's batches."""


class ValidationSettings(BatchSettings):
    """How a recognizer is validated."""

    show_number: int = Field(8, ge=0)
    decode: Literal["greedy", "beamsearch"] = "greedy"


class LayerSettings(CheckedSettings):
    """The channels of a network, layer by layer; pruned ones have channels of their own."""

    channels: Annotated[Listed, BeforeValidator(nothing_as_empty)] = ""

    @field_validator("channels")
    @classmethod
    def _numbers_of_channels(cls, value: str) -> str:
        if value and not all(part.isdecimal() and int(part) for part in value.split("-")):
            raise ValueError("should be whole numbers from 1 upwards with '-' between them, one a layer")
        return value

    @property
    def layer_channels(self) -> list[int]:
        """The channels of each layer, as `channels` ("16-32-64") names them; empty: unset."""
        return [int(part) for part in self.channels.split("-")] if self.channels else []


class NetworkSettings(LabelSettings, InputSettings, LayerSettings):
    """What the recognizer is built from."""

    Transformation: Annotated[Literal["None", "TPS"], BeforeValidator(_none)] = "None"
    num_fiducial: int = Field(20, ge=4, multiple_of=2)
    FeatureExtraction: Literal["VGG", "RCNN", "ResNet", "LCNet"] = "VGG"
    SequenceModeling: Annotated[Literal["None", "BiLSTM"], BeforeValidator(_none)] = "BiLSTM"
    input_channel: int = Field(1, ge=1)
    output_channel: int = Field(256, ge=16)
    hidden_size: int = Field(256, ge=1)


class StartSettings(CheckedSettings):
    """What a recognizer starts from, and which layers of it stay."""

    continue_from: Text = "korean_g2"
    strict: bool = True
    new_prediction: bool = False
    new_characters_first: int = Field(100, ge=0)
    freeze_FeatureExtraction: bool = False
    freeze_SequenceModeling: bool = False


class BeginSettings(StartSettings, ExperimentSettings, LabelSettings, WordTrainingSettings):
    """How a recognizer gets its first weights."""


class OptimizerSettings(StartSettings, TrainingSettings):
    """The recognizer's optimizer and learning rate, and the further losses."""

    optimizer: Literal["adam", "adamw", "adadelta"] = "adam"
    lr: Rate = 3e-4
    lr_scheduler: Literal["constant", "piecewise", "cosine", "one_cycle"] = "one_cycle"
    warmup: Warmup = "auto"
    lr_decay_points: Listed = "0.8"
    lr_decay_values: Listed = "0.2"
    weight_decay: float = Field(0.0, ge=0)
    l1: float = Field(0.0, ge=0)
    rho: float = Field(0.95, ge=0, le=1)
    eps: float = Field(1e-8, gt=0)
    center_loss: float = Field(0.0, ge=0)

    @property
    def decay_points(self) -> list[float]:
        """Where `lr_decay_points` ("0.6-0.9") lowers the learning rate."""
        return _numbers(self.lr_decay_points)

    @property
    def decay_values(self) -> list[float]:
        """The multiples of `lr` that `lr_decay_values` ("0.2-0.04") lowers it to."""
        return _numbers(self.lr_decay_values)


class DetectorChoice(DrawSettings, DatasetSettings, ExperimentSettings):
    """Which detector goes with a recognizer, and whether its settings are searched."""

    detection: str = "auto"
    detection_tuning: int = Field(0, ge=0)

    @field_validator("detection_tuning", mode="before")
    @classmethod
    def _trials(cls, value: Any) -> Any:
        # Cards and runs of earlier versions say `auto`.
        return 0 if value == "auto" else value


class InstallationSettings(DatasetSettings, WordSettings):
    """What weights are proved on before they are installed."""


class EvaluationSettings(DatasetSettings, ExperimentSettings, WordSettings):
    """What step 5 goes by."""

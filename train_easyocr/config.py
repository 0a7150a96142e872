"""The settings of all steps: read from YAML, overridden by `key=value`, checked as a whole before anything loads.

Every key is described in `config_files/config.yaml`, which lists them all with their default values. A file may name
only the keys that it changes. `config_files/published.yaml` is the published run to the letter.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from train_easyocr.files import write_text

CONFIG_FILES = Path(__file__).parent / "config_files"
DEFAULT_CONFIG = CONFIG_FILES / "config.yaml"
SPELLINGS = {"freeze_FeatureFxtraction": "freeze_FeatureExtraction"}
"""Keys as the published configuration misspells them, and what they mean."""

STRENGTHS = {"off": 0.0, "light": 0.25, "medium": 0.5, "strong": 1.0}
"""What the names of `augmentation` stand for."""


class ConfigError(ValueError):
    """A configuration can't be used; the message lists everything that is wrong with it, a line each."""


class Config(BaseModel):
    """All settings, checked. Frozen: a setting has one value from the start of a step to its end."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    # Environment
    seed: int = Field(1111, ge=0)
    experiment_name: str = Field("korean_documents", pattern=r"^[^/\\\x00]+$")
    saved_models: str = "saved_models"
    workers: int = Field(2, ge=0)
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"

    # Data
    dataset: str = ""
    output: str = ""
    train_data: str = "training_and_validation_set/training"
    val_data: str = "training_and_validation_set/validation"
    select_data: str = "select_data"
    batch_ratio: str = "1"
    total_data_usage_ratio: float = Field(1.0, gt=0, le=1)
    train_images: int = Field(40_000, ge=1)
    val_images: int = Field(2_000, ge=1)
    eval_images: int = Field(500, ge=1)

    # Input
    img_height: int = Field(64, ge=32, multiple_of=16)
    img_width: int = Field(600, ge=32)
    PAD: bool = True
    batch_width: Literal["bucket", "fixed"] = "bucket"
    rgb: bool = False
    contrast_adjust: float = Field(0.0, ge=0, le=1)

    # Augmentation
    augmentation: Literal["off", "light", "medium", "strong"] | float = "medium"
    augmentation_probability: float = Field(0.6, ge=0, le=1)

    # Characters
    character: str = Field("korean_g2", min_length=1)
    sensitive: bool = True
    batch_max_length: int = Field(34, ge=1)
    data_filtering_off: bool = False

    # Training
    batch_size: int = Field(64, ge=1)
    n_iter: int = Field(75_000, ge=1)
    val_period: int = Field(2_000, ge=1)
    save_period: int = Field(10_000, ge=1)
    show_number: int = Field(8, ge=0)
    continue_from: str = "korean_g2"
    strict: bool = True
    new_prediction: bool = False
    freeze_FeatureExtraction: bool = False
    freeze_SequenceModeling: bool = False

    # Optimizer
    adam: bool = True
    lr: float = Field(3e-4, gt=0)
    lr_scheduler: Literal["constant", "one_cycle"] = "one_cycle"
    rho: float = Field(0.95, ge=0, le=1)
    eps: float = Field(1e-8, gt=0)
    grad_clip: float = Field(5.0, gt=0)

    # Network
    Transformation: Literal["None", "TPS"] = "None"
    num_fiducial: int = Field(20, ge=4, multiple_of=2)
    FeatureExtraction: Literal["VGG", "RCNN", "ResNet"] = "VGG"
    SequenceModeling: Literal["None", "BiLSTM"] = "BiLSTM"
    Prediction: Literal["CTC", "Attn"] = "CTC"
    input_channel: int = Field(1, ge=1)
    output_channel: int = Field(256, ge=16)
    hidden_size: int = Field(256, ge=1)
    decode: Literal["greedy", "beamsearch"] = "greedy"

    @field_validator("select_data", "batch_ratio", "character", "experiment_name", mode="before")
    @classmethod
    def _number_as_text(cls, value: Any) -> Any:
        # YAML reads `batch_ratio: 1` as a number; users mean the text.
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value

    @field_validator("continue_from", "dataset", "output", "Transformation", "SequenceModeling", mode="before")
    @classmethod
    def _nothing(cls, value: Any, info: Any) -> Any:
        # YAML reads an empty value and `null` as nothing at all.
        if value is None:
            return "None" if info.field_name in ("Transformation", "SequenceModeling") else ""
        return value

    @field_validator("augmentation", mode="before")
    @classmethod
    def _strength(cls, value: Any) -> Any:
        if value is False:  # YAML's `off`
            return "off"
        number = _number(value)
        if value not in STRENGTHS and (number is None or not 0 <= number <= 1):
            raise ValueError(f"should be {', '.join(STRENGTHS)} or a number from 0 to 1")
        return value if number is None else number

    @property
    def augmentation_strength(self) -> float:
        """How strongly `augmentation` changes patches, 0 (not at all) to 1."""
        return STRENGTHS[self.augmentation] if isinstance(self.augmentation, str) else self.augmentation

    @property
    def data_names(self) -> list[str]:
        """The data sets that `select_data` ("A-B") names."""
        return self.select_data.split("-")

    @property
    def batch_shares(self) -> list[float]:
        """Each data set's share of a batch, as `batch_ratio` ("0.5-0.5") states them."""
        return [float(share) for share in self.batch_ratio.split("-")]

    @property
    def prepared(self) -> Path:
        """The folder that step 2 writes to and step 3 reads from: `output`, or the download itself."""
        # Here, not at the top: settings are checked before anything that takes time is loaded (OpenCV, Pillow).
        from train_easyocr.documents.archives import find_download  # noqa: PLC0415

        return Path(self.output) if self.output else find_download(Path(self.dataset))

    @property
    def training_sets(self) -> list[Path]:
        """The folder of each selected training set; a relative `train_data` is taken from `prepared`."""
        return [self.prepared / self.train_data / name for name in self.data_names]

    @property
    def validation_sets(self) -> list[Path]:
        """The folder of each selected validation set; a relative `val_data` is taken from `prepared`."""
        return [self.prepared / self.val_data / name for name in self.data_names]

    @property
    def experiment(self) -> Path:
        """The folder of this experiment's weights and logs."""
        return Path(self.saved_models) / self.experiment_name


def _number(value: Any) -> float | None:
    """Return a setting that is a number, or spells one, as one; None where it does not."""
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def load_config(path: Path = DEFAULT_CONFIG, overrides: Iterable[str] = ()) -> Config:
    """Read a YAML file, apply `key=value` overrides, and check the whole.

    Args:
        path: The YAML file. Keys that it does not name have their default values.
        overrides: Settings as given on a command line, such as `lr=0.5` or `select_data=A-B`; values are read as YAML.

    Raises:
        ConfigError: The file can't be read, or anything in it or in the overrides is wrong; all of it is reported.
    """
    faults: list[str] = []
    values = _read_yaml(path)
    for override in overrides:
        key, separator, value = override.partition("=")
        if not separator:
            faults.append(f"{override!r}: a setting is given as key=value")
            continue
        key = SPELLINGS.get(key, key)
        values[key] = value if _is_text(key) else yaml.safe_load(value)
    return check_config(values, faults)


def _is_text(key: str) -> bool:
    # Texts are taken as they stand, since paths and characters may hold what YAML gives a meaning to.
    field = Config.model_fields.get(key)
    return field is None or field.annotation not in (bool, int, float)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: can't be read as YAML: {error}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: holds {type(content).__name__} where `key: value` lines are expected")
    return {SPELLINGS.get(str(key), str(key)): value for key, value in content.items()}


class _UniqueKeyLoader(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys in silence; a setting given twice is a mistake."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        repeated = sorted({key for key in keys if keys.count(key) > 1})
        if repeated:
            raise yaml.constructor.ConstructorError(None, None, f"{', '.join(repeated)}: given twice", node.start_mark)
        return super().construct_mapping(node, deep)


def check_config(values: dict[str, Any], faults: Iterable[str] = ()) -> Config:
    """Build a `Config`, or report unknown keys, wrong types and contradictions together.

    Args:
        values: Settings by key; those not named have their default values.
        faults: What is already known to be wrong, to be reported with the rest.

    Raises:
        ConfigError: Anything is wrong.
    """
    found = list(faults)
    config: Config | None = None
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        found += [_describe(fault) for fault in error.errors()]
        sound = {
            key: value for key, value in values.items() if key not in {fault["loc"][0] for fault in error.errors()}
        }
        # Contradictions among the sound keys are worth knowing in the same run.
        config = Config.model_validate(sound)
    found += _contradictions(config)
    if found:
        raise ConfigError("the configuration can't be used:\n" + "\n".join(f"  - {fault}" for fault in found))
    return config


def _describe(fault: Any) -> str:
    key = str(fault["loc"][0])
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, Config.model_fields, n=1, cutoff=0.5)
        return f"{key}: there is no such setting" + (f"; did you mean {near[0]}?" if near else "")
    message = fault["msg"].removeprefix("Value error, ")
    return f"{key}: {message[0].lower()}{message[1:]}, not {fault['input']!r}"


def _contradictions(config: Config) -> list[str]:
    found = _data_contradictions(config)
    if config.rgb != (config.input_channel == 3):
        found.append(
            f"rgb: {config.rgb} with input_channel: {config.input_channel}; RGB input has 3 channels, grey input 1"
        )
    if config.input_channel not in (1, 3):
        found.append(f"input_channel: {config.input_channel}; images are grey (1) or RGB (3)")
    if config.Prediction == "Attn" and config.decode == "beamsearch":
        found.append("decode: beamsearch with Prediction: Attn; the prefix beam search is for CTC")
    steps = config.img_width // 4 - 1
    if config.Prediction == "CTC" and config.batch_max_length > steps:
        found.append(
            f"batch_max_length: {config.batch_max_length} with img_width: {config.img_width}; "
            f"CTC has {steps} time steps there and can't write more characters than that"
        )
    if config.freeze_SequenceModeling and config.SequenceModeling == "None":
        found.append("freeze_SequenceModeling: True with SequenceModeling: None; there is nothing to freeze")
    for key in ("freeze_FeatureExtraction", "freeze_SequenceModeling", "new_prediction"):
        if getattr(config, key) and not config.continue_from:
            found.append(f"{key}: True without continue_from; there are no trained layers to keep")
    if config.batch_width == "bucket" and not config.PAD:
        found.append("batch_width: bucket with PAD: False; words stretched to one width have no width of their own")
    if config.batch_width == "bucket" and config.Transformation == "TPS":
        found.append("batch_width: bucket with Transformation: TPS; its grid has one size, set batch_width: fixed")
    return found


def _data_contradictions(config: Config) -> list[str]:
    try:
        shares = config.batch_shares
    except ValueError:
        return [f"batch_ratio: {config.batch_ratio!r} is not a list of shares such as 0.5-0.5"]
    found = []
    if len(shares) != len(config.data_names):
        found.append(f"select_data names {len(config.data_names)} data sets, batch_ratio gives {len(shares)} shares")
    elif not math.isclose(sum(shares), 1, abs_tol=1e-6):
        found.append(f"batch_ratio: {config.batch_ratio}; the shares of a batch add up to {sum(shares):g}, not to 1")
    if any(share <= 0 for share in shares):
        found.append(f"batch_ratio: {config.batch_ratio}; every share is above 0")
    if "" in config.data_names:
        found.append(f"select_data: {config.select_data!r} holds an empty name; '-' stands between names")
    return found


def save_config(config: Config, path: Path) -> None:
    """Write all settings as YAML, in the order of `Config`."""
    write_text(path, yaml.safe_dump(config.model_dump(), allow_unicode=True, sort_keys=False, width=1_000_000))

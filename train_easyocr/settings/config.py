"""The settings of all steps: read from YAML, overridden by `key=value`, checked as a whole before anything loads.

Every key is described in `config_files/config.yaml`, which lists them all with their default values. A file may name
only the keys that it changes. `config_files/published.yaml` is the published run to the letter.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_serializer, field_validator

from train_easyocr.common.errors import UsageError
from train_easyocr.common.files import write_text

CONFIG_FILES = Path(__file__).parents[1] / "config_files"
DEFAULT_CONFIG = CONFIG_FILES / "config.yaml"
WORD_FILES = ("labels.csv", "gt.txt", "rec_gt.txt", "data.mdb")
"""Any of them makes a folder a set of words: see `datasets.foreign_sets`."""
SPELLINGS = {"freeze_FeatureFxtraction": "freeze_FeatureExtraction"}
"""Keys as the published configuration misspells them, and what they mean."""
OPTIMIZERS = {True: "adam", False: "adadelta"}
"""What the published configuration's key `adam` says in today's words: which `optimizer`."""

STRENGTHS = {"off": 0.0, "light": 0.25, "medium": 0.5, "strong": 1.0}
"""What the names of `augmentation` stand for."""
AUGMENTATION_KINDS = (
    *("invert", "swell", "starve", "crumble", "rule", "cut_out", "distort", "stretch", "perspective", "rotate"),
    *("light", "fade", "blur", "streak", "coarsen", "grain", "harden", "bilevel", "speckle", "compress"),
)
"""What `augmentation` does to words, in the order in which it is done; `recognition/augmentation.py` has the code."""

AUTO_ITERATIONS = 0
"""What `n_iter: auto` is until a training has looked at its data (`engine/length.py`)."""
MOST_ITERATIONS = 75_000
"""The most that `n_iter: auto` becomes for the recognizer: about one pass over the words of 40,000 pages."""

Settings = TypeVar("Settings", bound="CheckedSettings")


class Gone(NamedTuple):
    """A setting that there was.

    Attributes:
        today: The value by which today's version goes: files that hold it go on being read.
        fate: What became of all others.
    """

    today: Any
    fate: str


class CheckedSettings(BaseModel):
    """Settings by key: unknown keys, infinite numbers, and switches in the place of numbers are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    gone: ClassVar[Mapping[str, Gone]] = {}

    @classmethod
    def without_gone(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return settings that a training ran by without those that are gone: its weights are what they are."""
        return {key: value for key, value in values.items() if key not in cls.gone}

    @classmethod
    def missed(cls, values: Mapping[str, Any]) -> dict[str, str]:
        """Return which settings ask for something that is gone, and what became of it."""
        return {
            key: f"this setting is gone: {gone.fate}"
            for key, gone in cls.gone.items()
            if key in values and yaml.safe_load(str(values[key])) != gone.today
        }

    @field_validator("*", mode="before")
    @classmethod
    def _no_switch_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        # YAML reads `on` and `yes` as True, which is the number 1: a single trial, a loss twenty times too heavy.
        # `off` is 0, and means it.
        if value is True and cls.model_fields[info.field_name or ""].annotation in (int, float):
            raise ValueError("should be a number; on, yes and true say not how much")
        return value


class TrainingSettings(CheckedSettings):
    """What the settings of every training have; where each stands in a file, and its default, are each training's."""

    if TYPE_CHECKING:
        seed: int
        experiment_name: str
        saved_models: str
        precision: Literal["auto", "fp32", "bf16", "fp16"]
        compile: Literal["on", "off"]
        batch_size: int
        n_iter: int
        val_period: int
        save_period: int
        early_stopping: int
        accumulation: int
        grad_clip: float
        ema: float

    @field_validator("workers", mode="before", check_fields=False)
    @classmethod
    def _processes(cls, value: Any) -> Any:
        return _name_or_number(value, ["auto"], "of processes", lambda x: x >= 0 and x.is_integer())

    @field_validator("compile", mode="before", check_fields=False)
    @classmethod
    def _compiling(cls, value: Any) -> Any:
        # YAML reads a bare `off` or `on` as a truth value; files of earlier versions say `auto`.
        return {"True": "on", "False": "off", "auto": "off"}.get(str(value), value)

    @field_validator("n_iter", mode="before", check_fields=False)
    @classmethod
    def _iterations(cls, value: Any) -> Any:
        found = _name_or_number(value, ["auto"], "from 1 upwards", lambda x: x >= 1 and x.is_integer())
        return AUTO_ITERATIONS if found == "auto" else found

    @field_serializer("n_iter", check_fields=False)
    def _stated_iterations(self, value: int) -> int | str:
        return value or "auto"

    @property
    def experiment(self) -> Path:
        """The folder of this experiment's weights and logs."""
        return Path(self.saved_models) / self.experiment_name


class Config(TrainingSettings):
    """All settings, checked. Frozen: a setting has one value from the start of a step to its end."""

    gone: ClassVar[Mapping[str, Gone]] = {
        "box_context": Gone(0, "patches show their boxes alone now"),
        "box_jitter": Gone(0, "moving boxes made nothing better (docs/experiments.md)"),
        "cache": Gone(False, "keeping decoded patches in memory saved next to nothing (docs/experiments.md)"),
        "batch_pixels": Gone(False, "all batches have batch_size words now"),
    }

    # Environment
    seed: int = Field(1111, ge=0)
    experiment_name: str = Field("korean_documents", pattern=r"^[^/\\\x00]+$")
    saved_models: str = "saved_models"
    workers: Literal["auto"] | int = "auto"
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    compile: Literal["on", "off"] = "off"

    # Data
    dataset: str = ""
    output: str = ""
    train_data: str = "training_and_validation_set/training"
    val_data: str = "training_and_validation_set/validation"
    select_data: str = "select_data"
    batch_ratio: str = "1"
    data_usage_ratio: str = ""
    total_data_usage_ratio: float = Field(1.0, gt=0, le=1)
    train_images: int = Field(40_000, ge=1)
    val_images: int = Field(2_000, ge=1)
    eval_images: int = Field(500, ge=1)
    unify_variants: bool = True

    # Input
    img_height: int = Field(64, ge=32, multiple_of=16)
    img_width: int = Field(600, ge=32)
    PAD: bool = True
    batch_width: Literal["bucket", "fixed"] = "bucket"
    rgb: bool = False
    contrast_adjust: float = Field(0.0, ge=0, le=1)

    # Augmentation
    augmentation: Literal["off", "light", "medium", "strong"] | float = "light"
    augmentation_probability: float = Field(0.6, ge=0, le=1)
    augmentation_kinds: str = "all"

    # Characters
    character: str = Field("korean_documents", min_length=1)
    sensitive: bool = True
    batch_max_length: int = Field(34, ge=1)
    data_filtering_off: bool = False

    # Training
    batch_size: int = Field(64, ge=1)
    n_iter: int = AUTO_ITERATIONS
    val_period: int = Field(2_000, ge=1)
    early_stopping: int = Field(0, ge=0)
    save_period: int = Field(10_000, ge=1)
    show_number: int = Field(8, ge=0)
    continue_from: str = "korean_g2"
    detection: str = "auto"
    detection_tuning: int = Field(0, ge=0)
    strict: bool = True
    new_prediction: bool = False
    new_characters_first: int = Field(100, ge=0)
    freeze_FeatureExtraction: bool = False
    freeze_SequenceModeling: bool = False

    # Optimizer
    optimizer: Literal["adam", "adamw", "adadelta"] = "adam"
    lr: Literal["auto"] | float = 3e-4
    lr_scheduler: Literal["constant", "piecewise", "cosine", "one_cycle"] = "one_cycle"
    warmup: Literal["auto"] | float = "auto"
    lr_decay_points: str = "0.8"
    lr_decay_values: str = "0.2"
    weight_decay: float = Field(0.0, ge=0)
    l1: float = Field(0.0, ge=0)
    rho: float = Field(0.95, ge=0, le=1)
    eps: float = Field(1e-8, gt=0)
    grad_clip: float = Field(5.0, gt=0)
    accumulation: int = Field(1, ge=1)
    ema: float = Field(0.0, ge=0, lt=1)
    center_loss: float = Field(0.0, ge=0)

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

    @field_validator(
        *("select_data", "batch_ratio", "data_usage_ratio", "character", "experiment_name"),
        *("lr_decay_points", "lr_decay_values"),
        mode="before",
    )
    @classmethod
    def _number_as_text(cls, value: Any) -> Any:
        # YAML reads `batch_ratio: 1` as a number; users mean the text.
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value

    @field_validator(
        "continue_from", "dataset", "output", "data_usage_ratio", "Transformation", "SequenceModeling", mode="before"
    )
    @classmethod
    def _nothing(cls, value: Any, info: Any) -> Any:
        # YAML reads an empty value and `null` as nothing at all.
        if value is None:
            return "None" if info.field_name in ("Transformation", "SequenceModeling") else ""
        return value

    @field_validator("augmentation", mode="before")
    @classmethod
    def _strength(cls, value: Any) -> Any:
        # YAML reads `off` as False.
        return _name_or_number("off" if value is False else value, STRENGTHS, "from 0 to 1", lambda x: 0 <= x <= 1)

    @field_validator("augmentation_kinds")
    @classmethod
    def _kinds(cls, value: str) -> str:
        named = value.split("-")
        unknown = sorted(set(named) - set(AUGMENTATION_KINDS))
        if value != "all" and (unknown or len(set(named)) < len(named)):
            wrong = f"there is no {unknown[0]!r}" if unknown else "one is named twice"
            raise ValueError(f"{wrong}; all, or some of these with - between them: {', '.join(AUGMENTATION_KINDS)}")
        return value

    @field_validator("lr", mode="before")
    @classmethod
    def _rate(cls, value: Any) -> Any:
        return _name_or_number(value, ["auto"], "above 0", lambda x: 0 < x < math.inf)

    @field_validator("detection_tuning", mode="before")
    @classmethod
    def _trials(cls, value: Any) -> Any:
        # Cards and runs of earlier versions say `auto`.
        return 0 if value == "auto" else value

    @field_validator("warmup", mode="before")
    @classmethod
    def _rise(cls, value: Any) -> Any:
        expected = "of iterations, or below 1 for a part of n_iter"
        return _name_or_number(value, ["auto"], expected, lambda x: 0 <= x < 1 or x.is_integer())

    @property
    def augmentation_strength(self) -> float:
        """How strongly `augmentation` changes patches, 0 (not at all) to 1."""
        return STRENGTHS[self.augmentation] if isinstance(self.augmentation, str) else self.augmentation

    @property
    def kinds_of_augmentation(self) -> frozenset[str]:
        """Those of `AUGMENTATION_KINDS` that are used."""
        return frozenset(AUGMENTATION_KINDS if self.augmentation_kinds == "all" else self.augmentation_kinds.split("-"))

    @property
    def decay_points(self) -> list[float]:
        """Where `lr_decay_points` ("0.6-0.9") lowers the learning rate."""
        return _numbers(self.lr_decay_points)

    @property
    def decay_values(self) -> list[float]:
        """The multiples of `lr` that `lr_decay_values` ("0.2-0.04") lowers it to."""
        return _numbers(self.lr_decay_values)

    @property
    def data_names(self) -> list[str]:
        """The data sets that `select_data` ("A-B") names."""
        return self.select_data.split("-")

    @property
    def batch_shares(self) -> list[float]:
        """Each data set's share of a batch, as `batch_ratio` ("0.5-0.5") states them."""
        return _numbers(self.batch_ratio)

    @property
    def usage_shares(self) -> list[float]:
        """The part of each data set that an epoch draws, as `data_usage_ratio` ("1.0-0.1") states; empty: unset."""
        return _numbers(self.data_usage_ratio) if self.data_usage_ratio else []

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


def _numbers(text: str) -> list[float]:
    """Read numbers with "-" between them; raises ValueError."""
    return [float(part) for part in text.split("-")]


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


def load_config(path: Path = DEFAULT_CONFIG, overrides: Iterable[str] = ()) -> Config:
    """Read a YAML file, apply `key=value` overrides, and check the whole; see `load_settings`."""
    return load_settings(Config, check_config, path, overrides)


def load_settings(
    kind: type[Settings],
    check: Callable[[dict[str, Any], Iterable[str]], Settings],
    path: Path,
    overrides: Iterable[str] = (),
) -> Settings:
    """Read settings of any kind from a YAML file, apply `key=value` overrides, and check the whole.

    Args:
        kind: A frozen model whose settings all have defaults.
        check: Makes settings of values by key, and reports what is wrong with them beside what is known to be.
        path: The YAML file. Keys that it does not name have their default values.
        overrides: Settings as given on a command line, such as `lr=0.5` or `select_data=A-B`; values are read as YAML.

    Raises:
        UsageError: The file can't be read, or anything in it or in the overrides is wrong; all of it is reported.
    """
    faults: list[str] = []
    values = _read_yaml(path)
    for override in overrides:
        key, separator, value = override.partition("=")
        if not separator:
            faults.append(f"{override!r}: a setting is given as key=value")
            continue
        key = SPELLINGS.get(key, key)
        if key in ("adam", "optimizer"):  # the same setting in two words; the later one counts
            values.pop("adam", None)
            values.pop("optimizer", None)
        values[key] = value if _is_text(kind, key) else yaml.safe_load(value)
    return check(values, faults)


def _is_text(kind: type[BaseModel], key: str) -> bool:
    # Texts are taken as they stand, since paths and characters may hold what YAML gives a meaning to.
    if key == "adam":
        return False
    field = kind.model_fields.get(key)
    return field is None or field.annotation not in (bool, int, float)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path}: can't be read as YAML: {error}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(f"{path}: holds {type(content).__name__} where `key: value` lines are expected")
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
    """Build a `Config`, or report unknown keys, wrong types and contradictions together; see `check_settings`."""
    found = list(faults)
    if "adam" in values:
        adam, values = values["adam"], {key: value for key, value in values.items() if key != "adam"}
        if "optimizer" in values:
            found.append(f"adam: {adam} beside optimizer: {values['optimizer']}; the latter alone says it all")
        else:
            values["optimizer"] = OPTIMIZERS[adam] if isinstance(adam, bool) else adam
    return check_settings(Config, contradictions, values, found)


def check_settings(
    kind: type[Settings],
    contradictions: Callable[[Settings], list[str]],
    values: dict[str, Any],
    faults: Iterable[str] = (),
) -> Settings:
    """Build settings, or report unknown keys, wrong types and contradictions together.

    A setting that is gone may be there with the value by which today's version goes, as files of before list them all.

    Args:
        kind: As for `load_settings`.
        contradictions: Says what is wrong among values that are right each for itself.
        values: Settings by key; those not named have their default values.
        faults: What is already known to be wrong, to be reported with the rest.

    Raises:
        UsageError: Anything is wrong.
    """
    missed = kind.missed(values).items()
    found = [*faults, *(f"{key}: {values[key]}: {fate}; take the line out" for key, fate in missed)]
    values = kind.without_gone(values)
    try:
        config = kind.model_validate(values)
    except ValidationError as error:
        found += [_describe(kind, fault) for fault in error.errors()]
        sound = {
            key: value for key, value in values.items() if key not in {fault["loc"][0] for fault in error.errors()}
        }
        # Contradictions among the sound keys are worth knowing in the same run.
        config = kind.model_validate(sound)
    found += contradictions(config)
    if found:
        raise UsageError("the configuration can't be used:\n" + "\n".join(f"  - {fault}" for fault in found))
    return config


def _describe(kind: type[BaseModel], fault: Any) -> str:
    key = str(fault["loc"][0])
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, kind.model_fields, n=1, cutoff=0.5)
        return f"{key}: there is no such setting" + (f"; did you mean {near[0]}?" if near else "")
    message = fault["msg"].removeprefix("Value error, ")
    return f"{key}: {message[0].lower()}{message[1:]}, not {fault['input']!r}"


def contradictions(config: Config) -> list[str]:
    """Return what is wrong among values that are right each for itself."""
    found = _data_contradictions(config)
    found += _recipe_contradictions(config)
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
    found = _share_faults(config)
    if "" in config.data_names:
        found.append(f"select_data: {config.select_data!r} holds an empty name; '-' stands between names")
    return found


def _recipe_contradictions(config: Config) -> list[str]:
    found, n_iter = [], config.n_iter or MOST_ITERATIONS
    if config.optimizer == "adadelta" and config.lr == "auto":
        found.append("lr: auto with optimizer: adadelta, which finds its own step; set lr: 1.0")
    if config.warmup != "auto" and config.warmup >= n_iter:
        found.append(f"warmup: {config.warmup:g} iterations with n_iter: {n_iter}; lr would not be reached")
    if config.lr_scheduler == "piecewise":
        found += _decay_contradictions(config)
    if config.accumulation > config.batch_size:
        found.append(
            f"accumulation: {config.accumulation} with batch_size: {config.batch_size}; "
            "a batch can't be computed in more parts than it has words"
        )
    if config.center_loss and config.Prediction == "Attn":
        found.append("center_loss with Prediction: Attn; the centre loss is for CTC")
    return found


def _decay_contradictions(config: Config) -> list[str]:
    try:
        points, values = config.decay_points, config.decay_values
    except ValueError:
        return [
            f"lr_decay_points: {config.lr_decay_points!r} and lr_decay_values: {config.lr_decay_values!r} should be "
            "lists of numbers such as 0.6-0.9"
        ]
    found, n_iter = [], config.n_iter or MOST_ITERATIONS
    if len(points) != len(values):
        found.append(f"lr_decay_points names {len(points)} points, lr_decay_values gives {len(values)} values")
    steps = [point * n_iter if point < 1 else point for point in points]
    if steps != sorted(set(steps)) or not 0 < steps[0] <= steps[-1] < n_iter:
        found.append(
            f"lr_decay_points: {config.lr_decay_points} should ascend between 0 and n_iter ({n_iter}): "
            "iterations, or below 1 parts of n_iter"
        )
    if any(value <= 0 for value in values):
        found.append(f"lr_decay_values: {config.lr_decay_values}; every value is above 0, a multiple of lr")
    return found


def _share_faults(config: Config) -> list[str]:
    """Say what is wrong with the setting that mixes the data sets: batch_ratio, or data_usage_ratio in its place."""
    key = "data_usage_ratio" if config.data_usage_ratio else "batch_ratio"
    try:
        shares = config.usage_shares or config.batch_shares
    except ValueError:
        return [f"{key}: {getattr(config, key)!r} is not a list of shares such as 0.5-0.5"]
    found = []
    if len(shares) != len(config.data_names):
        found.append(f"select_data names {len(config.data_names)} data sets, {key} gives {len(shares)} shares")
    if any(share <= 0 for share in shares):
        found.append(f"{key}: {getattr(config, key)}; every share is above 0")
    if key == "batch_ratio":
        if len(shares) == len(config.data_names) and not math.isclose(sum(shares), 1, abs_tol=1e-6):
            found.append(
                f"batch_ratio: {config.batch_ratio}; the shares of a batch add up to {sum(shares):g}, not to 1"
            )
        return found
    if any(share > 1 for share in shares):
        found.append(f"data_usage_ratio: {config.data_usage_ratio}; an epoch draws all of a data set (1) at most")
    if config.batch_ratio != Config.model_fields["batch_ratio"].default:
        found.append(
            f"batch_ratio: {config.batch_ratio} with data_usage_ratio: {config.data_usage_ratio}; the words that an "
            "epoch draws decide how data sets share a batch, set one of the two"
        )
    return found


def save_config(config: BaseModel, path: Path) -> None:
    """Write all settings as YAML, in the order of their kind."""
    write_text(path, yaml.safe_dump(config.model_dump(), allow_unicode=True, sort_keys=False, width=1_000_000))

"""The settings of the detector's training, checked as the recognizer's are.

Every key is described in `config_files/detection.yaml`, which lists them all with their default values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from train_easyocr.common.errors import UsageError, UserError
from train_easyocr.datasets.own_pages import find_own_pages
from train_easyocr.detection.db_boxes import DbParameters
from train_easyocr.documents.download import find_download, holds_pages
from train_easyocr.documents.label_formats import LabelForm
from train_easyocr.settings.checking import CONFIG_FILES, Gone, check_settings, load_settings
from train_easyocr.settings.parts import (
    AdamWSettings,
    DetectorChoice,
    DrawSettings,
    ExperimentSettings,
    LayerSettings,
    LoaderSettings,
    Name,
    Strength,
    StrengthSettings,
    Text,
    nothing_as_empty,
)
from train_easyocr.weights.bundle import open_bundle
from train_easyocr.weights.starter import STARTER

DEFAULT_CONFIG = CONFIG_FILES / "detection.yaml"
LAYERS = 14
"""Of db_light's encoder, which `channels` can be given for."""
AUTO = "auto"
"""Of the setting `detection`: the default file, where there are pages."""


class PageSettings(DrawSettings):
    """Which pages a detector is trained and validated on."""

    dataset: Text = ""
    train_data: Text = ""
    val_data: Text = ""
    label_format: Annotated[LabelForm | Literal[""], BeforeValidator(nothing_as_empty)] = ""
    train_list: Text = ""
    val_list: Text = ""
    val_images: int = Field(200, ge=1)

    @property
    def download(self) -> Path:
        """The download's folder, which holds Training/ and Validation/."""
        return find_download(Path(self.dataset))


class PieceSettings(LoaderSettings, StrengthSettings):
    """What is cut out of pages, and how many of it make a batch."""

    batch_size: int = Field(16, ge=1)
    long_side: int = Field(2240, ge=64)
    crop_size: int = Field(640, ge=64, multiple_of=32)
    augmentation: Strength = "strong"


class DetectionConfig(PageSettings, AdamWSettings, PieceSettings, LayerSettings):
    """All settings of the detector's training, checked and frozen."""

    gone: ClassVar[Mapping[str, Gone]] = {
        "network": Gone("db_light", "db_light alone is trained; EasyOCR's CRAFT is used as it is"),
    }

    experiment_name: Name = "korean_detector"
    val_period: int = Field(1_000, ge=1)
    batch_size: int = Field(16, ge=1)
    continue_from: Text = STARTER

    # Boxes of db_light's probability map, in validation
    det_db_thresh: float = Field(0.3, gt=0, lt=1)
    det_db_box_thresh: float = Field(0.6, ge=0, lt=1)
    det_db_unclip_ratio: float = Field(1.5, ge=0, le=5)
    use_dilation: bool = False
    det_db_score_mode: Literal["fast", "slow"] = "fast"
    max_batch_size: int = Field(10, ge=1)

    @property
    def db_parameters(self) -> DbParameters:
        """How db_light's boxes are made."""
        return DbParameters.model_validate({key: getattr(self, key) for key in DbParameters.model_fields})


def load_detection_config(path: Path = DEFAULT_CONFIG, overrides: Iterable[str] = ()) -> DetectionConfig:
    """Read the settings; see `train_easyocr.settings.checking.load_settings`, whose errors it raises.

    Raises:
        UserError: The settings are in order, but data that they name is not there; all of it is reported.
    """
    config = load_settings(DetectionConfig, partial(check_settings, DetectionConfig, contradictions), path, overrides)
    if missing := _missing_data(config):
        raise UserError("\n".join(missing))
    return config


def detection_of(config: DetectorChoice) -> DetectionConfig | None:
    """Return the settings of the detector that is trained and installed with a recognizer; None where none is.

    The file that `detection` names, here or among the presets, with the recognizer's data set, draw and places. It
    draws no more validation pages than step 2, whose next pages are the evaluation's. `auto` stands for what step 2
    wrote where it took one's own pages, else for the default file where `dataset` holds the pages that a detector is
    trained on; prepared words alone are not enough.

    Raises:
        UsageError: The file can't be used.
    """
    if not config.detection:
        return None
    if config.detection == AUTO and (own := own_settings(config)):
        return own
    if config.detection == AUTO and not holds_pages(config.dataset):
        return None
    file = DEFAULT_CONFIG if config.detection == AUTO else Path(config.detection)
    found = load_detection_config(file if file.is_file() else CONFIG_FILES / file, _shared(config))
    return found.model_copy(update={"val_images": min(found.val_images, config.val_images)})


def own_settings(config: DetectorChoice) -> DetectionConfig | None:
    """Return the settings of a detector on one's own pages, as step 2 wrote them; None where it took none.

    Raises:
        UsageError: The file can't be used.
    """
    file = find_own_pages(config.prepared, config.data_names)
    if file is None:
        return None
    return load_detection_config(file, [*_shared(config), f"experiment_name={own_detector(config).name}"])


def _shared(config: DetectorChoice) -> list[str]:
    """Return what the detector's training has from the recognizer's settings, as overrides."""
    keys = ("dataset", "saved_models", "train_images", "eval_images", "seed")
    return [f"{key}={getattr(config, key)}" for key in keys]


def own_detector(config: ExperimentSettings) -> Path:
    """Return the folder of the detector that is trained on one's own pages with a recognizer."""
    return Path(config.saved_models) / f"{config.experiment_name}_detector"


def _missing_data(config: PageSettings) -> list[str]:
    found = [
        f"{key}: {folder}: there is no such folder"
        for key in ("dataset", "train_data", "val_data")
        if (folder := getattr(config, key)) and not Path(folder).is_dir()
    ]
    return found + [
        f"{key}: {file}: there is no such file"
        for key in ("train_list", "val_list")
        if (file := getattr(config, key)) and not Path(file).is_file()
    ]


def start_of(config: DetectionConfig) -> Path | None:
    """Return the weights that `continue_from` names, None where it names none.

    Raises:
        UsageError: It names nothing that there is, or nothing with a detector that can be trained.
    """
    if not config.continue_from:
        return None
    bundle = open_bundle(config.continue_from, Path(config.saved_models), "continue_from")
    weights = bundle.part("detector", "continue_from")
    if isinstance(weights, str):
        raise UsageError(f"continue_from: {config.continue_from}: EasyOCR's {weights} is used as it is, never trained")
    return weights


def contradictions(config: DetectionConfig) -> list[str]:
    """Return what is wrong among values that are right each for itself."""
    found: list[str] = []
    try:
        start_of(config)
    except UsageError as error:
        found.append(str(error))
    missing = [key for key in ("train_data", "val_data") if not getattr(config, key)]
    if missing and not config.dataset:
        found.append(f"dataset and {' and '.join(missing)} are empty; set dataset, or a folder for each")
    if config.accumulation > config.batch_size:
        found.append(
            f"accumulation: {config.accumulation} with batch_size: {config.batch_size}; "
            "a batch can't be computed in more parts than it has pieces"
        )
    if config.layer_channels and len(config.layer_channels) != LAYERS:
        found.append(
            f"channels: {config.channels} are {len(config.layer_channels)}; db_light's encoder has {LAYERS} layers"
        )
    if config.crop_size > 2 * config.long_side:
        found.append(f"crop_size: {config.crop_size} with long_side: {config.long_side}; a piece is larger than a page")
    return found

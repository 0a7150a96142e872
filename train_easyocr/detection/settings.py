"""The small YAML beside an installed model: which detector finds its words, and with what parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from train_easyocr.common.errors import WeightsError
from train_easyocr.common.files import write_text
from train_easyocr.detection.db_boxes import DbParameters
from train_easyocr.detection.interface import DetectorParameters
from train_easyocr.detection.parameters import CraftParameters
from train_easyocr.weights.bundle import EASYOCR

Network = Literal["craft", "db_light"]
PARAMETERS: dict[Network, type[DetectorParameters]] = {"craft": CraftParameters, "db_light": DbParameters}


class DetectionSettings(BaseModel):
    """Which detector, and how it makes boxes.

    Attributes:
        network: `craft` or `db_light`.
        weights_sha256: Of the weights that the parameters were found for, or `easyocr` for EasyOCR's own.
        parameters: The detector's parameters; those that are not named have their defaults.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    network: Network
    weights_sha256: str
    parameters: dict[str, Any]

    @property
    def detector_parameters(self) -> DetectorParameters:
        """The parameters, checked.

        Raises:
            ValidationError: One is unknown or out of range.
        """
        return PARAMETERS[self.network].model_validate(self.parameters)


def plain_usage(settings: DetectionSettings | None) -> str | None:
    """Return the lines of Python that read a page with the installed model and EasyOCR's own detector.

    Args:
        settings: The detector's; None for EasyOCR's own.

    Returns:
        The lines; None where EasyOCR by itself can't find the same words.
    """
    arguments: dict[str, Any] | None = {}
    if settings is not None:
        parameters, own = settings.detector_parameters, settings.weights_sha256 == EASYOCR
        arguments = parameters.easyocr_arguments() if own and isinstance(parameters, CraftParameters) else None
    if arguments is None:
        return None
    shown = "".join(f", {key}={value!r}" for key, value in arguments.items())
    return (
        "import easyocr\n"
        "reader = easyocr.Reader(['ko', 'en'], recog_network='finetuned')\n"
        f"print(reader.readtext('page.jpg'{shown}))"
    )


def settings_for(network: Network, weights_sha256: str, parameters: DetectorParameters) -> DetectionSettings:
    """Return settings that name every parameter."""
    return DetectionSettings(network=network, weights_sha256=weights_sha256, parameters=parameters.model_dump())


def save_settings(path: Path, settings: DetectionSettings, comment: str = "") -> None:
    """Write settings, a comment of one line above them."""
    text = yaml.safe_dump(settings.model_dump(), sort_keys=False, allow_unicode=True)
    write_text(path, (f"# {comment}\n" if comment else "") + text)


def read_settings(path: Path) -> DetectionSettings:
    """Read and check settings.

    Raises:
        WeightsError: The file can't be read, or something in it is unknown or out of range.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise WeightsError(f"{path}: can't be read as YAML: {' '.join(str(error).split())}") from None
    try:
        settings = DetectionSettings.model_validate(content)
        settings.detector_parameters  # noqa: B018 - checks them
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc'])) or 'the file'}: {fault['msg']}" for fault in error.errors()]
        raise WeightsError(f"{path}: holds no detection settings:\n" + "\n".join(f"  - {f}" for f in faults)) from None
    return settings

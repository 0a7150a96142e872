"""Detectors by their bundle or their weights, and all that their score maps depend on."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from train_easyocr.common.errors import WeightsError
from train_easyocr.common.files import sha256
from train_easyocr.detection.craft import CraftCard, CraftDetector, load_craft
from train_easyocr.detection.db_detector import DB_LIGHT, open_db_light
from train_easyocr.detection.interface import WordDetector
from train_easyocr.detection.parameters import CraftParameters
from train_easyocr.detection.settings import DetectionSettings, Network, read_settings
from train_easyocr.weights.bundle import CRAFT, EASYOCR, Bundle, Weights, file_of
from train_easyocr.weights.checkpoints import card_path, read_card_of


@dataclass(frozen=True)
class OpenedDetector:
    """A detector and where it comes from.

    Attributes:
        detector: With the parameters that its weights came with.
        network: Which network.
        weights: The file.
        weights_sha256: Of the file; `easyocr` for EasyOCR's own weights, whose sum is checked already.
    """

    detector: WordDetector
    network: Network
    weights: Path
    weights_sha256: str


def open_word_detector(weights: Weights, cuda: bool = False) -> OpenedDetector:
    """Open a detector with the parameters that its weights came with.

    Args:
        weights: `craft` for EasyOCR's own, or a `.pth` with its card beside it, which says what it is for; one without
            a card is CRAFT's and has EasyOCR's parameters.
        cuda: Use the GPU.

    Raises:
        WeightsError: The file can't be used, or is EasyOCR's and can't be had.
    """
    path = file_of(weights)
    if isinstance(weights, str):
        return OpenedDetector(_craft(path, cuda), "craft", path, EASYOCR)
    if not path.is_file():
        raise WeightsError(f"{path}: there is no such file; name `craft`, or the weights of a trained detector")
    if network_of(path) == DB_LIGHT:
        return OpenedDetector(open_db_light(path, cuda=cuda), "db_light", path, sha256(path))
    parameters = read_card_of(CraftCard, path).parameters if card_path(path).is_file() else None
    return OpenedDetector(_craft(path, cuda, parameters), "craft", path, sha256(path))


def open_detector_of(bundle: Bundle, cuda: bool = False, asked_by: str = "detector") -> OpenedDetector:
    """Open a bundle's detector with the settings that it has there.

    Raises:
        UsageError: The bundle holds none.
        WeightsError: Its settings are broken or for other weights; and as `open_word_detector`.
    """
    weights, settings = bundle.part("detector", asked_by), settings_of(bundle)
    opened = open_word_detector(weights, cuda)
    if settings is None:
        return opened
    if opened.network != settings.network:
        raise WeightsError(f"{bundle.settings}: is for {settings.network}, but {opened.weights} is {opened.network}")
    return replace(opened, detector=opened.detector.with_parameters(settings.detector_parameters))


def settings_of(bundle: Bundle) -> DetectionSettings | None:
    """Return the settings of a bundle's detector, None where it has the ones that its weights came with.

    Raises:
        WeightsError: They are broken, or for other weights.
    """
    if bundle.settings is None:
        return None
    settings, weights = read_settings(bundle.settings), bundle.detector
    if isinstance(weights, Path):
        if not weights.is_file():
            raise WeightsError(f"{weights}: is missing; install the detector again with step 4")
        found = sha256(weights)
        if found != settings.weights_sha256:
            raise WeightsError(
                f"{bundle.settings}: is for weights of SHA-256 {settings.weights_sha256}, {weights.name} has {found}"
            )
    return settings


def network_of(path: Path) -> Network:
    """Return which network weights are for, by their card; weights without one are CRAFT's."""
    try:
        card = json.loads(card_path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return "craft"
    except (OSError, ValueError) as error:
        raise WeightsError(f"{card_path(path)}: can't be read as a card of weights: {error}") from None
    network = card.get("network") if isinstance(card, dict) else None
    if network == DB_LIGHT:
        return "db_light"
    if network == CRAFT:
        return "craft"
    raise WeightsError(f"{card_path(path)}: is the card of something else than a detector")


def _craft(path: Path, cuda: bool, parameters: CraftParameters | None = None) -> CraftDetector:
    return CraftDetector(load_craft(path), parameters, torch.device("cuda" if cuda else "cpu"))

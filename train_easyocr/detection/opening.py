"""Detectors by name or by their weights, and all that their score maps depend on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch

from train_easyocr.common.files import sha256
from train_easyocr.detection.craft import CRAFT, CraftCard, CraftDetector, load_craft
from train_easyocr.detection.db_detector import DB_LIGHT, open_db_light
from train_easyocr.detection.interface import WordDetector
from train_easyocr.detection.parameters import CraftParameters
from train_easyocr.detection.settings import EASYOCR, Network
from train_easyocr.weights import starter as starter_weights
from train_easyocr.weights.checkpoints import CheckpointError, card_path, read_card_of
from train_easyocr.weights.easyocr_weights import find_weights


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


def open_word_detector(source: str | Path, cuda: bool = False) -> OpenedDetector:
    """Open a detector.

    Args:
        source: `craft` for EasyOCR's own weights, `starter` for the detector of this package, or a `.pth` with its
            card beside it, which says what it is for; one without a card is CRAFT's and has EasyOCR's parameters.
        cuda: Use the GPU.

    Raises:
        MissingWeights, DamagedWeights: EasyOCR's weights can't be had.
        CheckpointError: The file can't be used.
    """
    if str(source) == CRAFT:
        path = find_weights(CRAFT)
        return OpenedDetector(_craft(path, cuda), "craft", path, EASYOCR)
    path = starter_weights.DETECTOR if str(source) == starter_weights.STARTER else Path(source)
    if not path.is_file():
        raise CheckpointError(f"{path}: there is no such file; name `craft`, or the weights of a trained detector")
    if network_of(path) == DB_LIGHT:
        return OpenedDetector(open_db_light(path, cuda=cuda), "db_light", path, sha256(path))
    parameters = read_card_of(CraftCard, path).parameters if card_path(path).is_file() else None
    return OpenedDetector(_craft(path, cuda, parameters), "craft", path, sha256(path))


def network_of(path: Path) -> Network:
    """Return which network weights are for, by their card; weights without one are CRAFT's."""
    try:
        card = json.loads(card_path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return "craft"
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{card_path(path)}: can't be read as a card of weights: {error}") from None
    network = card.get("network") if isinstance(card, dict) else None
    if network == DB_LIGHT:
        return "db_light"
    if network == CRAFT:
        return "craft"
    raise CheckpointError(f"{card_path(path)}: is the card of something else than a detector")


def _craft(path: Path, cuda: bool, parameters: CraftParameters | None = None) -> CraftDetector:
    return CraftDetector(load_craft(path), parameters, torch.device("cuda" if cuda else "cpu"))

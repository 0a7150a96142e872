"""The detectors that step 5 reads with, by name: those with the same network run it once a page.

| name | |
|---|---|
| `easyocr` | EasyOCR's own, with EasyOCR's own settings |
| `starter` | the one that comes with this package |
| `finetuned` | the weights that step 4 installed, with the settings that they came with |
| `easyocr_tuned`, `starter_tuned`, `finetuned_tuned` | the same weights with the settings that step 4 installed |
| `labels` | no detector: words are read at the labelled boxes |
"""

from __future__ import annotations

import functools
import json
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import torch
from torch import nn

from train_easyocr.common.files import sha256
from train_easyocr.detection.craft import CraftCard, CraftDetector
from train_easyocr.detection.db_detector import DB_LIGHT, DbCard, DbDetector
from train_easyocr.detection.installed import check_weights, installed_detection
from train_easyocr.detection.interface import DetectorParameters, WordDetector
from train_easyocr.detection.opening import network_of, open_word_detector
from train_easyocr.detection.parameters import WORDS
from train_easyocr.detection.settings import EASYOCR, DetectionSettings, SettingsError, read_settings, settings_for
from train_easyocr.evaluation.runner import DetectorSource
from train_easyocr.reading.reader import DETECTOR, PageReader, ReaderError, WordFinder, open_easyocr_detector
from train_easyocr.weights import starter as starter_weights
from train_easyocr.weights.checkpoints import CheckpointError, card_path, read_card_of
from train_easyocr.weights.easyocr_weights import DamagedWeights, MissingWeights, find_weights
from train_easyocr.weights.model_files import FINETUNED

TUNED = "_tuned"


class Detectors:
    """Finds detectors, and opens each network at most once.

    Args:
        cuda: Use the GPU.
    """

    def __init__(self, cuda: bool) -> None:
        self.cuda = cuda
        self._networks: dict[Path, WordDetector] = {}

    def usual(self) -> DetectorSource:
        """Return EasyOCR's detector or, where it can't be had, the starter's.

        Raises:
            MissingWeights, DamagedWeights: EasyOCR's file is not there and can't be downloaded, or is something else.
        """
        if stands_in(DETECTOR, starter_weights.DETECTOR):
            return self.as_it_comes(starter_weights.STARTER, starter_weights.DETECTOR)
        weights = find_weights(DETECTOR)
        settings = {"settings": "EasyOCR's own", "tilted regions": "scored by their corners"}
        identity = {"network": DETECTOR, "weights_sha256": sha256(weights), **settings, **machine(self.cuda)}
        return DetectorSource(EASYOCR, identity, lambda: self._easyocr)

    def installed(self) -> DetectorSource | None:
        """Return the detector that step 4 installed, with the settings that it installed; None where it did not.

        Raises:
            MissingWeights, DamagedWeights: It uses EasyOCR's weights, and they can't be had.
            ReaderError: Its files can't be used.
        """
        files = installed_detection()
        if files is None:
            return None
        try:
            settings = read_settings(files.settings)
            check_weights(settings, files)
            return self.with_settings(settings)
        except (SettingsError, CheckpointError) as error:
            raise ReaderError(str(error)) from error

    def as_it_comes(self, name: str, weights: Path) -> DetectorSource:
        """Return a detector with the settings that its weights come with."""
        settings = settings_for(network_of(weights), sha256(weights), _parameters_of(weights))
        return replace(self._of(settings, weights), name=name)

    def with_settings(self, settings: DetectionSettings) -> DetectorSource:
        """Return the detector that settings are for.

        Raises:
            SettingsError: Its weights are neither EasyOCR's, nor the starter's, nor installed.
            MissingWeights, DamagedWeights: They are EasyOCR's, and can't be had.
        """
        return self._of(settings, self._weights_of(settings))

    def _weights_of(self, settings: DetectionSettings) -> Path:
        """Return the weights that settings are for: EasyOCR's, the starter's or the installed ones."""
        if settings.weights_sha256 == EASYOCR:
            return find_weights(DETECTOR)
        files = installed_detection()
        candidates = [starter_weights.DETECTOR, *([files.weights] if files else [])]
        for weights in candidates:
            if weights.is_file() and sha256(weights) == settings.weights_sha256:
                return weights
        raise SettingsError(
            f"these settings are for weights of SHA-256 {settings.weights_sha256}, which are neither EasyOCR's, nor "
            "the starter's, nor installed; install the detector with step 4 first"
        )

    def _of(self, settings: DetectionSettings, weights: Path) -> DetectorSource:
        """Return a detector with given settings, named after its weights."""
        parameters = settings.detector_parameters
        tuned = TUNED
        if settings.weights_sha256 == EASYOCR:
            name = EASYOCR
        else:
            name = starter_weights.STARTER if _is_starter(weights) else FINETUNED
            tuned = "" if parameters == _parameters_of(weights) else TUNED
        identity = {
            "network": settings.network,
            "weights_sha256": sha256(weights),
            "settings": json.dumps(parameters.model_dump(), sort_keys=True),
            **machine(self.cuda),
        }
        return DetectorSource(f"{name}{tuned}", identity, functools.partial(self._open, settings, weights))

    def _open(self, settings: DetectionSettings, weights: Path) -> WordFinder:
        detector = self._networks.get(weights)
        if detector is None:
            detector = self._networks[weights] = self._network(settings, weights)
        try:
            return WordFinder(detector.with_parameters(settings.detector_parameters))
        except TypeError as error:
            raise ReaderError(f"{weights}: its settings are for {settings.network}: {error}") from error

    def _network(self, settings: DetectionSettings, weights: Path) -> WordDetector:
        if settings.weights_sha256 == EASYOCR:
            reader = self._easyocr.reader
            return CraftDetector(reader.detector, device=reader.device)
        try:
            opened = open_word_detector(weights, self.cuda).detector
        except CheckpointError as error:
            raise ReaderError(str(error)) from error
        if isinstance(opened, DbDetector):
            return replace(opened, network=_Latest(opened.network))
        assert isinstance(opened, CraftDetector)
        return CraftDetector(_Latest(opened.network), opened.parameters, opened.device)

    @functools.cached_property
    def _easyocr(self) -> PageReader:
        reader = open_easyocr_detector(self.cuda)
        reader.reader.detector = _Latest(reader.reader.detector)
        return reader


class _Latest(nn.Module):
    """A network that keeps its latest answer, and gives it again for an equal input.

    It is looked for at the input, not at the page: detectors that scale a page alike share what the network says.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self._images: torch.Tensor | None = None
        self._answer: object = None

    def forward(self, images: torch.Tensor) -> object:
        """Return what the network answers."""
        known = self._images
        if known is None or known.shape != images.shape or not torch.equal(known, images):
            self._images, self._answer = images, self.network(images)
        return self._answer


def _parameters_of(weights: Path) -> DetectorParameters:
    """Return the parameters that weights come with; of CRAFT without a card, those that give a box a word."""
    if network_of(weights) == DB_LIGHT:
        return read_card_of(DbCard, weights).parameters
    return read_card_of(CraftCard, weights).parameters if card_path(weights).is_file() else WORDS


def _is_starter(weights: Path) -> bool:
    starter = starter_weights.DETECTOR
    return starter.is_file() and sha256(starter) == sha256(weights)


def stands_in(name: str, starter: Path) -> bool:
    """Tell whether starter weights are to be used for EasyOCR's of that name, and say so."""
    try:
        find_weights(name)
    except MissingWeights as error:
        if starter.is_file():
            print(f"{error}\nThe starter's {starter.stem} is used instead of EasyOCR's {name}.", file=sys.stderr)
            return True
    except DamagedWeights:
        pass  # it is for the user to decide what that file is
    return False


def machine(cuda: bool) -> dict[str, str]:
    """Return what changes the last digits of a network's output, and with them a letter now and then."""
    return {"device": "cuda" if cuda else "cpu", "easyocr": version("easyocr"), "torch": version("torch")}

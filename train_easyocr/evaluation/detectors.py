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

from train_easyocr.common.errors import MissingWeightsError, WeightsError
from train_easyocr.common.files import sha256
from train_easyocr.detection.craft import CraftCard, CraftDetector
from train_easyocr.detection.db_detector import DB_LIGHT, DbCard, DbDetector
from train_easyocr.detection.interface import DetectorParameters, WordDetector
from train_easyocr.detection.opening import network_of, open_word_detector, settings_of
from train_easyocr.detection.parameters import WORDS
from train_easyocr.detection.settings import DetectionSettings, settings_for
from train_easyocr.evaluation.runner import DetectorSource
from train_easyocr.reading.reader import PageReader, WordFinder, open_easyocr_detector
from train_easyocr.weights import starter as starter_weights
from train_easyocr.weights.bundle import CRAFT, EASYOCR, Bundle, file_of, installed_bundle
from train_easyocr.weights.checkpoints import card_path, read_card_of
from train_easyocr.weights.easyocr_weights import find_weights
from train_easyocr.weights.model_files import FINETUNED
from train_easyocr.weights.starter import STARTER

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
            WeightsError: EasyOCR's file is not there and can't be downloaded, or is something else.
        """
        if stands_in(CRAFT, starter_weights.DETECTOR):
            return self.as_it_comes(STARTER, starter_weights.DETECTOR)
        return self._published()

    def _published(self) -> DetectorSource:
        settings = {"settings": "EasyOCR's own", "tilted regions": "scored by their corners"}
        identity = {"network": CRAFT, "weights_sha256": sha256(find_weights(CRAFT)), **settings, **machine(self.cuda)}
        return DetectorSource(EASYOCR, identity, lambda: self._easyocr)

    def installed(self) -> DetectorSource | None:
        """Return the detector that step 4 installed, with the settings that it installed; None where it did not.

        Raises:
            WeightsError: Its files can't be used, or are EasyOCR's and can't be had.
        """
        return self.of(installed_bundle(), FINETUNED)

    def of(self, bundle: Bundle, name: str) -> DetectorSource | None:
        """Return the detector of a bundle, None where it has none.

        Args:
            bundle: The bundle; EasyOCR's own has EasyOCR's settings.
            name: What it is called, unless it is EasyOCR's or the starter's as it comes.

        Raises:
            WeightsError: As `installed`.
        """
        if bundle.detector is None:
            return None
        if bundle.name == EASYOCR:
            return self._published()
        weights = file_of(bundle.detector)
        settings = settings_of(bundle) or _own_settings(weights, easyocrs=weights is not bundle.detector)
        return self._of(settings, weights, name)

    def as_it_comes(self, name: str, weights: Path) -> DetectorSource:
        """Return a detector with the settings that its weights come with."""
        return replace(self._of(_own_settings(weights), weights), name=name)

    def with_settings(self, settings: DetectionSettings) -> DetectorSource:
        """Return the detector that settings are for.

        Raises:
            WeightsError: Its weights are neither the starter's nor installed, or EasyOCR's and can't be had.
        """
        if settings.weights_sha256 == EASYOCR:
            return self._of(settings, find_weights(CRAFT))
        for weights in (starter_weights.DETECTOR, installed_bundle().detector):
            if isinstance(weights, Path) and weights.is_file() and sha256(weights) == settings.weights_sha256:
                return self._of(settings, weights)
        raise WeightsError(
            f"these settings are for weights of SHA-256 {settings.weights_sha256}, which are neither EasyOCR's, nor "
            "the starter's, nor installed; install the detector with step 4 first"
        )

    def _of(self, settings: DetectionSettings, weights: Path, called: str = FINETUNED) -> DetectorSource:
        """Return a detector with given settings, named after its weights; tuned, by what it was asked for as."""
        parameters = settings.detector_parameters
        tuned = settings.weights_sha256 == EASYOCR or parameters != _parameters_of(weights)
        name = EASYOCR if settings.weights_sha256 == EASYOCR else STARTER if _is_starter(weights) else called
        if tuned:
            name = f"{name}{TUNED}" if called == FINETUNED else called
        identity = {
            "network": settings.network,
            "weights_sha256": sha256(weights),
            "settings": json.dumps(parameters.model_dump(), sort_keys=True),
            **machine(self.cuda),
        }
        return DetectorSource(name, identity, functools.partial(self._open, settings, weights))

    def _open(self, settings: DetectionSettings, weights: Path) -> WordFinder:
        detector = self._networks.get(weights)
        if detector is None:
            detector = self._networks[weights] = self._network(settings, weights)
        try:
            return WordFinder(detector.with_parameters(settings.detector_parameters))
        except TypeError as error:
            raise WeightsError(f"{weights}: its settings are for {settings.network}: {error}") from error

    def _network(self, settings: DetectionSettings, weights: Path) -> WordDetector:
        if settings.weights_sha256 == EASYOCR:
            reader = self._easyocr.reader
            return CraftDetector(reader.detector, device=reader.device)
        opened = open_word_detector(weights, self.cuda).detector
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


def _own_settings(weights: Path, *, easyocrs: bool = False) -> DetectionSettings:
    """Return settings that say what weights come with."""
    return settings_for(network_of(weights), EASYOCR if easyocrs else sha256(weights), _parameters_of(weights))


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
    except MissingWeightsError as error:
        if starter.is_file():
            print(f"{error}\nThe starter's {starter.stem} is used instead of EasyOCR's {name}.", file=sys.stderr)
            return True
    except WeightsError:
        pass  # it is for the user to decide what that file is
    return False


def machine(cuda: bool) -> dict[str, str]:
    """Return what changes the last digits of a network's output, and with them a letter now and then."""
    return {"device": "cuda" if cuda else "cpu", "easyocr": version("easyocr"), "torch": version("torch")}

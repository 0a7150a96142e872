"""The engine of the page pipeline that torch computes: the fast word reader and this project's word detectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from train_easyocr.common.errors import UsageError
from train_easyocr.common.files import sha256
from train_easyocr.detection.opening import open_detector_of
from train_easyocr.documents.page import Shape
from train_easyocr.reading.pipeline import Identity
from train_easyocr.reading.reader import (
    WordFinder,
    WordReader,
    open_baseline,
    open_fast,
    open_weights,
    read_model_settings,
)
from train_easyocr.reading.words import Pixels, Reading
from train_easyocr.recognition.fast_network import ReadingPrecision
from train_easyocr.weights.bundle import INSTALLED, KOREAN, Bundle, file_of, installed_bundle, open_bundle
from train_easyocr.weights.checkpoints import read_card
from train_easyocr.weights.easyocr_weights import recognition_entries
from train_easyocr.weights.model_files import FINETUNED, FINETUNED_LANGUAGES, Place
from train_easyocr.weights.starter import STARTER


class TorchEngine:
    """An `Engine`.

    Args:
        reader: Reads words.
        finder: Finds them.
        identity: What the two are.
    """

    def __init__(self, reader: WordReader, finder: WordFinder, identity: Identity) -> None:
        self._reader, self._finder, self._identity = reader, finder, identity

    @property
    def identity(self) -> Identity:
        """What reads."""
        return self._identity

    def detect(self, image: Pixels) -> list[Shape]:
        """Find words; see `Engine`."""
        return self._finder.detect(image)

    def read(self, grey: Pixels, shapes: Sequence[Shape]) -> list[Reading]:
        """Read words; see `Engine`."""
        return self._reader.recognize(grey, shapes)


def choose_bundle(name: str | None, saved_models: Path) -> Bundle:
    """Return what a name stands for, with a detector: its own, the installed one where it has none, or the starter's.

    Args:
        name: The name; None for the installed model or, where none is installed, the starter.
        saved_models: The folder of experiments and marks.

    Raises:
        UsageError: Nothing is called that.
    """
    installed, starter = installed_bundle(), open_bundle(STARTER)
    bundle = open_bundle(name or (INSTALLED if installed.recognizer else STARTER), saved_models, "--bundle")
    finder = next(one for one in (bundle, installed, starter) if one.detector not in (None, bundle.recognizer))
    return replace(bundle, detector=finder.detector, settings=finder.settings)


def open_engine(
    name: str | None = None,
    saved_models: Path = Path("saved_models"),
    cuda: bool = False,
    precision: ReadingPrecision | None = None,
) -> TorchEngine:
    """Open what a name stands for; see `choose_bundle`.

    Args:
        name: Of the weights.
        saved_models: The folder of experiments and marks.
        cuda: Use the GPU.
        precision: As for `WordReader`.

    Raises:
        UsageError: Nothing is called that, or nothing with a recognizer.
        WeightsError: They can't be used, or are EasyOCR's and can't be had.
    """
    bundle = choose_bundle(name, saved_models)
    reader, weights, characters = _open_recognizer(bundle, cuda, precision)
    opened = open_detector_of(bundle, cuda)
    called = FINETUNED if bundle.name == INSTALLED else bundle.name
    identity = Identity(called, sha256(weights), sha256(opened.weights), characters)
    return TorchEngine(reader, WordFinder(opened.detector), identity)


def _open_recognizer(bundle: Bundle, cuda: bool, precision: ReadingPrecision | None) -> tuple[WordReader, Path, str]:
    """Return what reads words, its weights, and the characters that it can write."""
    weights = bundle.part("recognizer", "--bundle")
    if bundle.name == INSTALLED:  # be it without a card
        place = Place.installed()
        return open_fast(cuda, precision), place.weights, read_model_settings(place.settings)["character_list"]
    if isinstance(weights, Path):
        return open_weights(weights, cuda, precision), weights, read_card(weights).character
    if weights != KOREAN:
        raise UsageError(f"--bundle {bundle.name}: of EasyOCR's recognizers, {KOREAN} alone is read with")
    reader = open_baseline(FINETUNED_LANGUAGES, cuda, quantize=False)
    return WordReader(reader, precision), file_of(weights), recognition_entries()[weights]["characters"]

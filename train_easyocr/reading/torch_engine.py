"""The engine of the page pipeline that torch computes: the fast word reader and this project's word detectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from train_easyocr.common.errors import UsageError
from train_easyocr.common.files import sha256
from train_easyocr.detection.installed import DetectionFiles, InstalledDetector, installed_detection, open_installed
from train_easyocr.detection.opening import CRAFT, open_word_detector
from train_easyocr.detection.settings import EASYOCR, SettingsError, read_settings
from train_easyocr.documents.page import Shape
from train_easyocr.reading.pipeline import Identity, Pixels, Reading
from train_easyocr.reading.reader import ReaderError, WordFinder, WordReader, open_fast, open_weights
from train_easyocr.reading.reader import read_settings as read_recognizer_settings
from train_easyocr.recognition.fast_network import Precision
from train_easyocr.weights import starter as starter_weights
from train_easyocr.weights.checkpoints import CheckpointError, best_weights, read_card
from train_easyocr.weights.easyocr_weights import find_weights
from train_easyocr.weights.marks import marked_detector, marked_recognizer, marked_settings
from train_easyocr.weights.model_files import FINETUNED, Place

INSTALLED = "installed"


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


@dataclass(frozen=True)
class ChosenWeights:
    """What a name stands for.

    Attributes:
        name: The name.
        recognizer: Weights with their card beside them; None for the installed model.
        detector: A file, or a name that `open_word_detector` knows; None for the installed detector.
        settings: The detector's settings, where they are not those that its weights came with.
    """

    name: str
    recognizer: Path | None
    detector: str | Path | None
    settings: Path | None = None


def choose_weights(name: str | None, saved_models: Path) -> ChosenWeights:
    """Find what a name stands for. The one place that knows names.

    Args:
        name: `installed`, `starter`, a mark, an experiment, or a recognizer's `.pth` with its card beside it. None for
            the installed model or, where none is installed, the starter. Words are found by the detector that belongs
            to the recognizer: the installed one, the marked one; the starter's where there is none.
        saved_models: The folder of experiments and marks.

    Raises:
        UsageError: Nothing is called that.
    """
    detector = None if installed_detection() else starter_weights.STARTER
    if name is None:
        name = INSTALLED if Place.installed().weights.is_file() else starter_weights.STARTER
    if name == INSTALLED:
        return ChosenWeights(FINETUNED, None, detector)
    if name == starter_weights.STARTER:
        return ChosenWeights(name, starter_weights.RECOGNIZER, starter_weights.STARTER)
    if marked := marked_recognizer(name, saved_models):
        kept, settings = marked_detector(name, saved_models), marked_settings(name, saved_models)
        found = kept or (CRAFT if settings else starter_weights.STARTER)
        return ChosenWeights(name, marked, found, settings)
    trained = best_weights(saved_models / name)
    for path in (Path(name), trained):
        if path.is_file():
            return ChosenWeights(name, path, detector)
    raise UsageError(
        f"{name}: no weights are called that; there are installed, starter, marks and experiments in {saved_models}, "
        "and files (.pth) of weights"
    )


def open_engine(
    name: str | None = None,
    saved_models: Path = Path("saved_models"),
    cuda: bool = False,
    precision: Precision | None = None,
) -> TorchEngine:
    """Open what a name stands for; see `choose_weights`.

    Args:
        name: Of the weights.
        saved_models: The folder of experiments and marks.
        cuda: Use the GPU.
        precision: As for `WordReader`.

    Raises:
        UsageError: Nothing is called that.
        ReaderError: They can't be used.
        MissingWeights, DamagedWeights: EasyOCR's detector is wanted, and can't be had.
    """
    chosen = choose_weights(name, saved_models)
    try:
        finder, detector = _open_detector(chosen, cuda)
        if chosen.recognizer is None:
            reader, place = open_fast(cuda, precision), Place.installed()
            weights, characters = place.weights, read_recognizer_settings(place.settings)["character_list"]
        else:
            reader, weights = open_weights(chosen.recognizer, cuda, precision), chosen.recognizer
            characters = read_card(weights).character
    except (CheckpointError, SettingsError) as error:
        raise ReaderError(str(error)) from error
    return TorchEngine(reader, finder, Identity(chosen.name, sha256(weights), detector, characters))


def _open_detector(chosen: ChosenWeights, cuda: bool) -> tuple[WordFinder, str]:
    """Open a detector; return it and the SHA-256 of its weights."""
    if chosen.detector is None:
        files = installed_detection()
        assert isinstance(files, DetectionFiles)
        installed: InstalledDetector = open_installed(cuda, files)
        own = read_settings(files.settings).weights_sha256
        return WordFinder(installed.detector), sha256(find_weights(CRAFT)) if own == EASYOCR else own
    opened = open_word_detector(chosen.detector, cuda)
    detector = opened.detector
    if chosen.settings is not None:
        detector = detector.with_parameters(read_settings(chosen.settings).detector_parameters)
    return WordFinder(detector), sha256(opened.weights)

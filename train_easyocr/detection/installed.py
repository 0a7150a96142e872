"""The detector that step 4 installed: its files, and the detector in the place of EasyOCR's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import easyocr.easyocr
import numpy as np
from easyocr.utils import reformat_input
from numpy.typing import NDArray

from train_easyocr.common.files import sha256
from train_easyocr.detection.craft import CRAFT
from train_easyocr.detection.interface import WordDetector
from train_easyocr.detection.opening import open_word_detector
from train_easyocr.detection.settings import EASYOCR, DetectionSettings, SettingsError, read_settings
from train_easyocr.documents.page import Box
from train_easyocr.weights.easyocr_weights import model_directory

SETTINGS_NAME = "finetuned_detection.yaml"
WEIGHTS_NAME = "finetuned_detector.pth"


@dataclass(frozen=True)
class DetectionFiles:
    """The files of an installed detector, beside the recognizer's weights.

    Attributes:
        folder: EasyOCR's folder of weights, or one that stands in for it.
    """

    folder: Path

    @property
    def settings(self) -> Path:
        """Which detector, and its parameters."""
        return self.folder / SETTINGS_NAME

    @property
    def weights(self) -> Path:
        """Its weights; not there where EasyOCR's own are used."""
        return self.folder / WEIGHTS_NAME

    @property
    def card(self) -> Path:
        """The card of the weights, where they have one."""
        return self.weights.with_suffix(".json")

    @property
    def files(self) -> list[Path]:
        """All of them, the one that makes the others count last."""
        return [self.weights, self.card, self.settings]


def installed_detection() -> DetectionFiles | None:
    """Return the files of the installed detector; None where step 4 installed none."""
    files = DetectionFiles(model_directory())
    return files if files.settings.is_file() else None


class InstalledDetector:
    """A word detector, to be used where a reader of EasyOCR would find text.

    Args:
        detector: The detector with its parameters.
    """

    def __init__(self, detector: WordDetector) -> None:
        self.detector = detector

    def boxes(self, image: NDArray[np.uint8]) -> list[Box]:
        """Find the words of a page, uint8 [h, w, 3], RGB."""
        return self.detector.boxes(self.detector.score_maps(image))

    def detect(
        self, img: Any, *_: Any, reformat: bool = True, **__: Any
    ) -> tuple[list[list[list[int]]], list[list[Any]]]:
        """Find words as `easyocr.Reader.detect` does, in its form; its other arguments are for its own detector.

        Args:
            img: A page as `Reader.detect` takes it.
            reformat: Read `img` first; otherwise it is an image [h, w, 3], or several.

        Returns:
            For each image its upright boxes (xmin, xmax, ymin, ymax), and an empty list: none is tilted.
        """
        if reformat:
            img, _grey = reformat_input(img)
        several: Sequence[Any] = [img] if isinstance(img, np.ndarray) and img.ndim == 3 else list(img)
        level = [[[b.xmin, b.xmax, b.ymin, b.ymax] for b in self.boxes(image)] for image in several]
        return level, [[] for _ in several]


def open_installed(cuda: bool = False, files: DetectionFiles | None = None) -> InstalledDetector:
    """Open an installed detector.

    Args:
        cuda: Use the GPU.
        files: Its files; default: those that step 4 installed.

    Raises:
        SettingsError: None is installed, or its settings are broken or for other weights.
        CheckpointError: Its weights can't be used.
        MissingWeights, DamagedWeights: It uses EasyOCR's weights, and they can't be had.
    """
    files = files or installed_detection()
    if files is None:
        raise SettingsError(
            f"{model_directory() / SETTINGS_NAME}: no detector is installed; "
            "`bash step4_set_finetuned_model.sh --detector WEIGHTS` or `--detection_settings FILE` installs one"
        )
    settings = read_settings(files.settings)
    check_weights(settings, files)
    opened = open_word_detector(CRAFT if settings.weights_sha256 == EASYOCR else files.weights, cuda)
    if opened.network != settings.network:
        raise SettingsError(f"{files.settings}: is for {settings.network}, but {files.weights} is {opened.network}")
    return InstalledDetector(opened.detector.with_parameters(settings.detector_parameters))


def check_weights(settings: DetectionSettings, files: DetectionFiles) -> None:
    """Check that an installed detector's settings are for the weights beside them.

    Raises:
        SettingsError: They are not.
    """
    if settings.weights_sha256 == EASYOCR:
        return
    if not files.weights.is_file():
        raise SettingsError(f"{files.weights}: is missing; install the detector again with step 4")
    found = sha256(files.weights)
    if found != settings.weights_sha256:
        raise SettingsError(
            f"{files.settings}: is for weights of SHA-256 {settings.weights_sha256}, {files.weights.name} has {found}"
        )


def use_installed_detector(reader: easyocr.easyocr.Reader) -> easyocr.easyocr.Reader:
    """Make a reader of EasyOCR find words with the installed detector; `Reader(..., detector=False)` will do.

        reader = use_installed_detector(easyocr.Reader(['ko', 'en'], recog_network='finetuned', detector=False))
        print(reader.readtext('page.jpg'))

    Returns:
        The same reader.

    Raises:
        SettingsError, CheckpointError, MissingWeights, DamagedWeights: As `open_installed`.
    """
    reader.detect = open_installed(cuda=reader.device not in ("cpu", "mps")).detect
    return reader

"""The detector that step 4 installed, in the place of EasyOCR's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import easyocr.easyocr
import numpy as np
from easyocr.utils import reformat_input
from numpy.typing import NDArray

from train_easyocr.common.errors import WeightsError
from train_easyocr.detection.interface import WordDetector
from train_easyocr.detection.opening import open_detector_of
from train_easyocr.documents.page import Box
from train_easyocr.weights.bundle import installed_bundle
from train_easyocr.weights.model_files import Place


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


def open_installed(cuda: bool = False) -> InstalledDetector:
    """Open the detector that step 4 installed.

    Args:
        cuda: Use the GPU.

    Raises:
        WeightsError: None is installed, its files can't be used or don't belong together, or are EasyOCR's and can't be
            had.
    """
    bundle = installed_bundle()
    if bundle.detector is None:
        raise WeightsError(
            f"{Place.installed().detection_settings}: no detector is installed; "
            "`bash step4_set_finetuned_model.sh --detector WEIGHTS` or `--detection_settings FILE` installs one"
        )
    return InstalledDetector(open_detector_of(bundle, cuda).detector)


def use_installed_detector(reader: easyocr.easyocr.Reader) -> easyocr.easyocr.Reader:
    """Make a reader of EasyOCR find words with the installed detector; `Reader(..., detector=False)` will do.

        reader = use_installed_detector(easyocr.Reader(['ko', 'en'], recog_network='finetuned', detector=False))
        print(reader.readtext('page.jpg'))

    Returns:
        The same reader.

    Raises:
        WeightsError: As `open_installed`.
    """
    reader.detect = open_installed(cuda=reader.device not in ("cpu", "mps")).detect
    return reader

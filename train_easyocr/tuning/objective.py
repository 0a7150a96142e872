"""How good a detector's parameters are on labelled pages: detection F1, or end-to-end F1 with a recognizer.

The network runs once a page: its maps are kept on disk, and boxes are made of them again for other parameters.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from train_easyocr.common.files import replacing
from train_easyocr.detection.craft import input_ratio
from train_easyocr.detection.interface import DetectorParameters, ScoreMaps, WordDetector
from train_easyocr.detection.parameters import CraftParameters
from train_easyocr.documents import Box, Word
from train_easyocr.documents.aihub import MAX_LABEL_BYTES, LabelError, Problem, read_label_file, unusable, words_of
from train_easyocr.documents.images import MAX_IMAGE_BYTES, ImageError, PageImage
from train_easyocr.documents.sources import PageSource, SourceError
from train_easyocr.evaluation.runner import Recognizer
from train_easyocr.metrics.matching import Counted, check_labels, counted
from train_easyocr.metrics.metrics import Metric
from train_easyocr.reading.sources import colour_and_grey

ALIKE = 25
"""While a search goes on, words are read at boxes in steps of a 25th of their height, two pixels of a word of 50:
otherwise it would read all words anew for boxes wider by half a pixel."""
KEPT_PAGES = 120
"""Pages that stay in memory to be read from; a gigabyte at 2,500 x 3,500 pixels."""


@dataclass(frozen=True, eq=False)
class MappedPage:
    """A labelled page and a detector's maps of it.

    Attributes:
        source: Its files.
        digest: SHA-256 of its image file.
        words: The labelled words, don't-care ones, too.
        size: Width and height in pixels.
        maps: By `map_key` of the parameters that the maps were made with: uint8, 0 to 255 for 0 to 1, and page pixels
            a map pixel.
    """

    source: PageSource
    digest: str
    words: tuple[Word, ...]
    size: tuple[int, int]
    maps: dict[str, tuple[NDArray[np.uint8], float]] = field(default_factory=dict)

    def score_maps(self, parameters: DetectorParameters) -> ScoreMaps:
        """Return the maps for some parameters in the detector's own type."""
        maps, scale = self.maps[map_key(parameters, *self.size)]
        return ScoreMaps(maps * np.float32(1 / 255), scale, self.size)


def map_key(parameters: DetectorParameters, width: int, height: int) -> str:
    """Return what of the parameters the maps of a page depend on: for CRAFT, how far the page is scaled."""
    return f"{input_ratio(parameters, width, height):.6f}" if isinstance(parameters, CraftParameters) else ""


def map_pages(
    pages: Sequence[PageSource],
    detector: WordDetector,
    identity: str,
    *,
    variants: Sequence[DetectorParameters],
    cache: Path,
    title: str,
) -> tuple[list[MappedPage], list[Problem]]:
    """Read pages and get their maps, out of the cache where it has them.

    Args:
        pages: Labelled pages.
        detector: Computes what is missing.
        identity: All that the detector's maps depend on, beside the page and the parameters.
        variants: Parameters whose maps are wanted; those that scale a page alike share its maps.
        cache: The folder of the cache.
        title: Stands beside the progress.

    Returns:
        The pages, and what kept others from being used.
    """
    mapped, problems = [], []
    for page in tqdm(pages, desc=title, unit="page"):
        try:
            mapped.append(_map_page(page, detector, identity, variants, cache))
        except (LabelError, ImageError, SourceError, OSError) as error:
            problems.append(unusable(page.name, error))
    return mapped, problems


def _map_page(
    page: PageSource, detector: WordDetector, identity: str, variants: Sequence[DetectorParameters], cache: Path
) -> MappedPage:
    label = read_label_file(page.label.read(MAX_LABEL_BYTES), page.name)
    content = page.image.read(MAX_IMAGE_BYTES)
    try:
        image = PageImage(content, label.layout)
    except ImageError as error:
        raise ImageError(f"{page.name}{page.image.suffix}: {error}") from error
    words = tuple(words_of(label, *image.upright_size))
    check_labels(page.label, words)
    mapped = MappedPage(page, hashlib.sha256(content).hexdigest(), words, image.upright_size)
    for parameters in variants:
        key = map_key(parameters, *mapped.size)
        if key not in mapped.maps:
            name = hashlib.sha256(f"{mapped.digest} {identity} {key}".encode()).hexdigest()
            mapped.maps[key] = _cached(cache / f"{name}.npz", detector.with_parameters(parameters), image)
    return mapped


def _cached(path: Path, detector: WordDetector, image: PageImage) -> tuple[NDArray[np.uint8], float]:
    """Return a page's maps and their scale: those that are kept, or, where none are or they are broken, new ones."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return stored["maps"], float(stored["scale"])
    except Exception:  # whatever a broken file makes of zip and numpy
        found = detector.score_maps(colour_and_grey(image)[0])
        maps = np.rint(found.maps.clip(0, 1) * 255).astype(np.uint8)
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, maps=maps, scale=found.scale)
        return maps, found.scale


@lru_cache(KEPT_PAGES)
def _grey(page: PageSource) -> NDArray[np.uint8]:
    label = read_label_file(page.label.read(MAX_LABEL_BYTES), page.name)
    return colour_and_grey(PageImage(page.image.read(MAX_IMAGE_BYTES), label.layout))[1]


class Objective:
    """Scores parameters over pages.

    Args:
        detector: Makes boxes of maps.
        pages: The pages with their maps.
        recognizer: For end-to-end F1; None scores detection alone.
    """

    def __init__(
        self, detector: WordDetector, pages: Sequence[MappedPage], recognizer: Recognizer | None = None
    ) -> None:
        self.detector = detector
        self.pages = list(pages)
        self.recognizer = recognizer
        self._texts: dict[tuple[str, Box], str] = {}
        self._pool = ThreadPoolExecutor(len(os.sched_getaffinity(0)))

    def detection_f1(self, parameters: DetectorParameters) -> float:
        """Return the mean over pages of detection F1."""
        return fmean(_f1(found) for _, found in self._found(parameters))

    def score(self, parameters: DetectorParameters, above: float = -1.0) -> tuple[float, bool]:
        """Return the mean over pages of end-to-end F1 with a recognizer, of detection F1 without; and True.

        What is read is worth at most what is found, so that most parameters that lead nowhere are known without
        reading. Texts are those of boxes that are `ALIKE`; `summary` reads each box as it is.

        Args:
            parameters: The detector's parameters.
            above: Only a score above this is of interest; where it can't be reached, returned are the detection F1
                and False.
        """
        found = self._found(parameters)
        bound = fmean(_f1(one) for _, one in found)
        if self.recognizer is None:
            return bound, True
        if bound <= above:
            return bound, False
        return self._scored(found, ALIKE).summary().mean["end_to_end_f1"] or 0.0, True

    def summary(self, parameters: DetectorParameters) -> dict[str, float | None]:
        """Return the mean over pages of all figures of `metrics`; texts count where there is a recognizer."""
        figures = self._scored(self._found(parameters), 0).summary().mean
        return {key: value for key, value in figures.items() if self.recognizer or "detection" in key}

    def boxes(self, parameters: DetectorParameters) -> list[list[Box]]:
        """Return the boxes on each page."""
        return [boxes for boxes, _ in self._found(parameters)]

    def _found(self, parameters: DetectorParameters) -> list[tuple[list[Box], Counted]]:
        """Return each page's boxes and what of them counts and is matched."""
        return list(self._pool.map(partial(_matched, self.detector.with_parameters(parameters)), self.pages))

    def _scored(self, found: Sequence[tuple[list[Box], Counted]], alike: int) -> Metric:
        """Score the words at boxes; only those that match a label are read, since the others' texts earn nothing."""
        metric = Metric()
        for page, (boxes, matches) in zip(self.pages, found, strict=True):
            matched = [boxes[matches.predictions[number]] for _, number in matches.pairs]
            texts = self.texts(page, matched, alike)
            metric.update(page.words, [Word(box, texts.get(box, "")) for box in boxes])
        return metric

    def texts(self, page: MappedPage, boxes: Sequence[Box], alike: int = 0) -> dict[Box, str]:
        """Return the texts in boxes of a page, each place read once; with `ALIKE`, alike boxes are one place."""
        if self.recognizer is None:
            return {}
        places = {box: _rounded(box, alike).clipped(*page.size) for box in boxes}
        new = [place for place in dict.fromkeys(places.values()) if (page.digest, place) not in self._texts]
        if new:
            for place, (text, _) in zip(new, self.recognizer.recognize(_grey(page.source), new), strict=True):
                self._texts[page.digest, place] = text
        return {box: self._texts[page.digest, place] for box, place in places.items()}


def _matched(detector: WordDetector, page: MappedPage) -> tuple[list[Box], Counted]:
    boxes = detector.boxes(page.score_maps(detector.parameters))
    return boxes, counted(page.words, [Word(box, "") for box in boxes])


def _f1(found: Counted) -> float:
    both = len(found.labels) + len(found.predictions)
    return 2 * len(found.pairs) / both if both else 1.0


def _rounded(box: Box, alike: int) -> Box:
    """Return a box whose sides lie on a grid, wide as a share of its height; 0 leaves it as it is."""
    step = max(1, round(box.height / alike)) if alike else 1
    low, high = (side // step * step for side in box[:2]), (-(-side // step) * step for side in box[2:])
    return Box(*low, *high)

"""How good a detector's parameters are on labelled pages: detection F1, or end-to-end F1 with a recognizer."""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from statistics import fmean
from typing import Any

from train_easyocr.detection.craft_boxes import Candidates, find_candidates, word_boxes
from train_easyocr.detection.interface import DetectorParameters, WordDetector
from train_easyocr.detection.map_cache import MappedPage, map_key
from train_easyocr.detection.parameters import CraftParameters
from train_easyocr.documents import Box, Word
from train_easyocr.evaluation.matching import match
from train_easyocr.evaluation.metrics import Metric, score_page
from train_easyocr.evaluation.runner import Recognizer
from train_easyocr.files import write_text
from train_easyocr.reader import load_page

REMEMBERED = 64
"""Candidates of CRAFT's maps that are kept a page: searches try the same two thresholds again and again."""


class BelowBound(Exception):  # noqa: N818 - no error: the search need not know more
    """Parameters can't reach a score, whatever is read.

    Attributes:
        bound: The score is below or at this.
    """

    def __init__(self, bound: float) -> None:
        super().__init__(bound)
        self.bound = bound


class Readings:
    """What a recognizer reads in boxes of pages, each box once; kept in a file between runs.

    Args:
        recognizer: Reads words.
        path: The file. One that is there is used; its name has to say which recognizer it belongs to.
    """

    def __init__(self, recognizer: Recognizer, path: Path) -> None:
        self._recognizer = recognizer
        self._path = path
        self._texts: dict[str, dict[Box, str]] = {}
        self.count = 0
        if path.is_file():
            stored = json.loads(path.read_text(encoding="utf-8"))
            self._texts = {page: {Box(*row[:4]): row[4] for row in rows} for page, rows in stored.items()}

    def texts(self, page: MappedPage, boxes: Sequence[Box]) -> dict[Box, str]:
        """Return the texts in some boxes of a page by box, reading those that are new."""
        known = self._texts.setdefault(page.image_sha256, {})
        new = [box for box in dict.fromkeys(boxes) if box not in known]
        if new:
            read = self._recognizer.recognize(_grey(page.page.image), new)
            known.update((box, text) for box, (text, _) in zip(new, read, strict=True))
            self.count += len(new)
        return known

    def unread(self, page: MappedPage, boxes: Sequence[Box]) -> int:
        """Return how many of some boxes are still to be read."""
        known = self._texts.get(page.image_sha256, {})
        return sum(box not in known for box in boxes)

    def save(self) -> None:
        """Write all readings to the file."""
        rows = {page: [[*box, text] for box, text in texts.items()] for page, texts in self._texts.items()}
        write_text(self._path, json.dumps(rows, ensure_ascii=False))


@lru_cache(maxsize=16)
def _grey(image: Path) -> Any:
    return load_page(image)[1]


class Objective:
    """Scores parameters over pages.

    Args:
        detector: Makes boxes of maps.
        pages: The pages with their maps.
        readings: For end-to-end F1; None scores detection alone.
        threads: Pages that are looked at at once; default: a core each.
    """

    def __init__(
        self,
        detector: WordDetector,
        pages: Sequence[MappedPage],
        readings: Readings | None = None,
        threads: int | None = None,
    ) -> None:
        self.detector = detector
        self.pages = list(pages)
        self.readings = readings
        self._labels = [[word.box for word in page.page.words] for page in self.pages]
        self._candidates: list[OrderedDict[tuple[str, float, float], Candidates]] = [OrderedDict() for _ in self.pages]
        self._pool = ThreadPoolExecutor(threads or len(os.sched_getaffinity(0)))

    def boxes(self, parameters: DetectorParameters) -> list[list[Box]]:
        """Return the boxes on each page."""
        return list(self._pool.map(lambda number: self._boxes(number, parameters), range(len(self.pages))))

    def detection_f1(self, parameters: DetectorParameters) -> float:
        """Return the mean over pages of detection F1."""
        return fmean(self._pool.map(lambda number: self._page_f1(number, parameters)[0], range(len(self.pages))))

    def score(self, parameters: DetectorParameters, above: float = -1.0) -> float:
        """Return the mean over pages of end-to-end F1 with a recognizer, of detection F1 without.

        Args:
            parameters: The detector's parameters.
            above: Only a score above this is of interest.

        Raises:
            BelowBound: It can't be reached. What is read is worth at most what is found, so that most parameters
                that lead nowhere are known without reading; this happens with a recognizer only.
        """
        if self.readings is None:
            return self.detection_f1(parameters)
        found = list(self._pool.map(lambda number: self._page_f1(number, parameters), range(len(self.pages))))
        bounds = [f1 for f1, _, _ in found]
        effort = [
            self.readings.unread(page, [boxes[j] for _, j in pairs])
            for page, (_, boxes, pairs) in zip(self.pages, found, strict=True)
        ]
        for number in sorted(range(len(found)), key=effort.__getitem__):
            if fmean(bounds) <= above:
                raise BelowBound(fmean(bounds))
            _, boxes, pairs = found[number]
            bounds[number] = self._end_to_end(number, boxes, pairs)
        return fmean(bounds)

    def summary(self, parameters: DetectorParameters) -> dict[str, float | None]:
        """Return the mean over pages of all figures of `metrics`; texts count where there is a recognizer."""
        metric = Metric()
        for number, page in enumerate(self.pages):
            _, boxes, pairs = self._page_f1(number, parameters)
            metric.update(page.page.words, self._predictions(number, boxes, pairs))
        figures = metric.summary().mean
        wanted = figures if self.readings else {key: value for key, value in figures.items() if "detection" in key}
        return dict(wanted)

    def _page_f1(self, number: int, parameters: DetectorParameters) -> tuple[float, list[Box], list[tuple[int, int]]]:
        boxes, labels = self._boxes(number, parameters), self._labels[number]
        pairs = match(labels, boxes)
        both = len(labels) + len(boxes)
        return (2 * len(pairs) / both if both else 1.0), boxes, pairs

    def _end_to_end(self, number: int, boxes: list[Box], pairs: list[tuple[int, int]]) -> float:
        words = self.pages[number].page.words
        return score_page(words, self._predictions(number, boxes, pairs)).end_to_end_f1

    def _predictions(self, number: int, boxes: list[Box], pairs: list[tuple[int, int]]) -> list[Word]:
        """Return words at the boxes; only those that match a label are read, since the others' texts earn nothing."""
        texts: dict[Box, str] = {}
        if self.readings:
            texts = self.readings.texts(self.pages[number], [boxes[j] for _, j in pairs])
        return [Word(box, texts.get(box, "")) for box in boxes]

    def _boxes(self, number: int, parameters: DetectorParameters) -> list[Box]:
        page = self.pages[number]
        key = map_key(parameters, *page.size)
        if not isinstance(parameters, CraftParameters):
            return self.detector.with_parameters(parameters).boxes(page.score_maps(key))
        known = self._candidates[number]
        thresholds = key, parameters.low_text, parameters.link_threshold
        candidates = known.get(thresholds)
        if candidates is None:
            region, affinity = page.maps[key]
            candidates = known[thresholds] = find_candidates(region, affinity, *thresholds[1:])
            if len(known) > REMEMBERED:
                known.popitem(last=False)
        return word_boxes(candidates, parameters, page.scales[key], page.size)

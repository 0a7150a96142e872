"""How good a detector's parameters are on labelled pages: detection F1, or end-to-end F1 with a recognizer."""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from train_easyocr.detection.craft_boxes import Candidates, find_candidates, word_boxes
from train_easyocr.detection.interface import DetectorParameters, WordDetector
from train_easyocr.detection.parameters import CraftParameters
from train_easyocr.documents import Box, Word
from train_easyocr.evaluation.runner import Recognizer
from train_easyocr.metrics.matching import counted, match
from train_easyocr.metrics.metrics import Metric, score_page
from train_easyocr.reading.reader import load_page
from train_easyocr.tuning.map_cache import MappedPage, map_key

REMEMBERED = 64
"""Candidates of CRAFT's maps that are kept a page: curves of other parameters ask for the same ones."""
ALIKE = 0.04
"""Boxes whose sides differ by at most this share of their height are taken to be read alike, while a search goes on:
two pixels of a word of 50. Otherwise it would read all words anew for a box wider by half a pixel."""
KEPT_PIXELS = 2**30
"""Pixels of pages, a byte each, that stay in memory to be read from: those of 120 pages of 2,500 x 3,500."""


class BelowBound(Exception):  # noqa: N818 - no error: the search need not know more
    """Parameters can't reach a score, whatever is read.

    Attributes:
        bound: The score is below or at this.
    """

    def __init__(self, bound: float) -> None:
        super().__init__(bound)
        self.bound = bound


class Readings:
    """What a recognizer reads in boxes of pages, each box once; kept in a file, a line as soon as it is read.

    Args:
        recognizer: Reads words.
        path: The file. One that is there is used; its name has to say which recognizer it belongs to.
    """

    def __init__(self, recognizer: Recognizer, path: Path) -> None:
        self._recognizer = recognizer
        self._path = path
        self._texts: dict[str, dict[Box, str]] = {}
        self._greys: OrderedDict[str, NDArray[np.uint8]] = OrderedDict()
        self.count = 0
        self._load()

    def _load(self) -> None:
        """Take what an earlier run read; a line that was being written when it was killed is dropped."""
        content = self._path.read_bytes() if self._path.is_file() else b""
        whole = content[: content.rfind(b"\n") + 1]
        for line in whole.decode("utf-8").split("\n")[:-1]:
            page, rows = json.loads(line)
            self._texts.setdefault(page, {}).update((Box(*row[:4]), row[4]) for row in rows)
        if len(whole) < len(content):
            os.truncate(self._path, len(whole))

    def texts(self, page: MappedPage, boxes: Sequence[Box], alike: float = 0.0) -> dict[Box, str]:
        """Return the texts in some boxes of a page by box, reading those that are new.

        Args:
            page: The page.
            boxes: Where words are.
            alike: Instead of reading, take the text of a box whose sides differ by at most this share of the height.
        """
        known = self._texts.setdefault(page.image_sha256, {})
        stand_ins = self._stand_ins(page, boxes, alike)
        new = [box for box in dict.fromkeys(boxes) if box not in stand_ins]
        if new:
            read = self._recognizer.recognize(self._grey(page), new)
            texts = [text for text, _ in read]
            known.update(zip(new, texts, strict=True))
            self.count += len(new)
            rows = [[*box, text] for box, text in zip(new, texts, strict=True)]
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([page.image_sha256, rows], ensure_ascii=False) + "\n")
        return {box: known[stand_ins.get(box, box)] for box in boxes}

    def unread(self, page: MappedPage, boxes: Sequence[Box], alike: float = 0.0) -> int:
        """Return how many of some boxes are still to be read; arguments as in `texts`."""
        return len(set(boxes)) - len(self._stand_ins(page, boxes, alike))

    def _stand_ins(self, page: MappedPage, boxes: Sequence[Box], alike: float) -> dict[Box, Box]:
        """Return for each box that need not be read the one whose text it has: itself, or the first one alike."""
        known = self._texts.get(page.image_sha256, {})
        found = {box: box for box in boxes if box in known}
        others = [box for box in boxes if box not in known] if alike and known else []
        if others:
            read, wanted = np.array(list(known)), np.array(others)
            apart = np.abs(wanted[:, None] - read).max(axis=2)
            near = apart <= alike * (wanted[:, 3] - wanted[:, 1])[:, None]
            first = near.argmax(axis=1)
            found |= {
                box: Box(*read[place].tolist())
                for box, place, is_near in zip(others, first.tolist(), near.any(axis=1).tolist(), strict=True)
                if is_near
            }
        return found

    def _grey(self, page: MappedPage) -> NDArray[np.uint8]:
        """Return a page's image; as many as the memory allows are decoded once."""
        if page.image_sha256 not in self._greys:
            self._greys[page.image_sha256] = load_page(page.page.image, page.page.layout)[1]
            while sum(grey.size for grey in self._greys.values()) > KEPT_PIXELS and len(self._greys) > 1:
                self._greys.popitem(last=False)
        return self._greys[page.image_sha256]


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
        self._labels = [[word.shape for word in page.page.words] for page in self.pages]
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

        Texts are those of boxes that are `ALIKE`, where there are some; `summary` reads every box.

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
            self.readings.unread(page, [boxes[j] for _, j in pairs], ALIKE)
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
        boxes, labels, page = self._boxes(number, parameters), self._labels[number], self.pages[number].page
        if page.with_dont_care:
            found = counted(page.labels, [Word(box, "") for box in boxes])
            boxes, pairs = [boxes[index] for index in found.predictions], found.pairs
        else:
            pairs = match(labels, boxes)
        both = len(labels) + len(boxes)
        return (2 * len(pairs) / both if both else 1.0), boxes, pairs

    def _end_to_end(self, number: int, boxes: list[Box], pairs: list[tuple[int, int]]) -> float:
        words = self.pages[number].page.words
        return score_page(words, self._predictions(number, boxes, pairs, ALIKE)).end_to_end_f1

    def _predictions(
        self, number: int, boxes: list[Box], pairs: list[tuple[int, int]], alike: float = 0.0
    ) -> list[Word]:
        """Return words at the boxes; only those that match a label are read, since the others' texts earn nothing."""
        texts: dict[Box, str] = {}
        if self.readings:
            texts = self.readings.texts(self.pages[number], [boxes[j] for _, j in pairs], alike)
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
        known.move_to_end(thresholds)
        return word_boxes(candidates, parameters, page.scales[key], page.size)

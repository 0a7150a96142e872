"""A page from pixels to words in reading order, with whatever engine finds and reads them.

engine = open_engine()                       # reading.torch_engine, or another `Engine`
for page in pages: read_page(engine, page)
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from train_easyocr.documents.page import Box, Quad, Shape, bounds
from train_easyocr.reading.lines import Line, lines_of, typical_height
from train_easyocr.reading.rules import find_rules
from train_easyocr.reading.skew import Straightening, quad_of, skew_of
from train_easyocr.reading.sources import SourcePage
from train_easyocr.reading.words import Pixels, Reading


@dataclass(frozen=True)
class Identity:
    """What reads.

    Attributes:
        name: What the weights are called.
        recognizer_sha256: Of the recognizer's weights.
        detector_sha256: Of the detector's.
        characters: All that it can write.
    """

    name: str
    recognizer_sha256: str
    detector_sha256: str
    characters: str


class Networks(Protocol):
    """A detector and a recognizer."""

    def detect(self, image: Pixels) -> list[Shape]:
        """Find the words of a page, uint8 [h, w, 3], RGB."""

    def read(self, grey: Pixels, shapes: Sequence[Shape]) -> list[Reading]:
        """Read words.

        Args:
            grey: The page, uint8 [h, w].
            shapes: Where the words are.

        Returns:
            Text and confidence of each, in their order; "" where there is nothing to be read.
        """


class Engine(Networks, Protocol):
    """Networks that say what they are; torch's is in `torch_engine`."""

    @property
    def identity(self) -> Identity:
        """What reads."""


@dataclass(frozen=True)
class ReadWord:
    """A word as it was read.

    Attributes:
        text: Empty only where no words were to be read.
        confidence: 0 to 1.
        box: The upright box around it.
        polygon: Its four corners, clockwise from the top left.
    """

    text: str
    confidence: float
    box: Box
    polygon: Quad


@dataclass(frozen=True)
class ReadLine:
    """A line of a page.

    Attributes:
        words: The first of its words among the page's, and the one after its last.
        box: The upright box around them.
        block: Number of the block of text that it belongs to, from 0.
        beside: Whether it goes on to the right of the line before, as the next cell of a table's row does.
    """

    words: range
    box: Box
    block: int
    beside: bool


@dataclass(frozen=True)
class ReadPage:
    """What was read on a page.

    Attributes:
        number: Within its document, from 1.
        width: In pixels, of the upright page; all coordinates are its pixels.
        height: As `width`.
        dpi: Pixels to an inch of paper.
        orientation: By how many degrees it was turned clockwise to be upright, beyond what the file says itself.
        words: In reading order.
        lines: In reading order; each word is in one of them.
        warnings: What was not as it should be.
        milliseconds: What it took, by step.
        margin: How sure the orientation is, 0 to 1; None where nobody asked.
        skew: By how many degrees its lines descend to the right, where it was read straightened, else 0.
    """

    number: int
    width: int
    height: int
    dpi: float
    orientation: int
    words: tuple[ReadWord, ...]
    lines: tuple[ReadLine, ...]
    warnings: tuple[str, ...]
    milliseconds: dict[str, float]
    margin: float | None = None
    skew: float = 0.0


STRAIGHT = 1.0
"""Degrees of skew below which a page is read as it is: reading loses nothing there (docs/experiments.md)."""


@dataclass(frozen=True, eq=False)
class FoundWords:
    """What was found on a page and what it reads as, be it nothing.

    Attributes:
        grey: The pixels read, uint8 [h, w]: the page's, or those of the straightened page.
        shapes: Where on these the words are.
        readings: Text and confidence of each.
        level: How the page was straightened; None where it was not.
        skew: By how many degrees its lines descend to the right, where it was.
        milliseconds: What finding (`detect`) and reading (`recognize`) took.
    """

    grey: Pixels
    shapes: Sequence[Shape]
    readings: Sequence[Reading]
    level: Straightening | None
    skew: float
    milliseconds: dict[str, float]


def find_words(
    networks: Networks,
    page: SourcePage,
    *,
    straighten: bool = False,
    shapes: Sequence[Shape] | None = None,
    recognize: bool = True,
) -> FoundWords:
    """Find and read the words of a page; as `read_page`."""
    start = time.perf_counter()
    shapes, grey = networks.detect(page.colour) if shapes is None else shapes, page.grey
    skew = skew_of(shapes) if straighten else 0.0
    level = Straightening((grey.shape[1], grey.shape[0]), skew) if abs(skew) >= STRAIGHT else None
    if level:
        shapes, grey = networks.detect(level.straight(page.colour)), level.straight(grey)
    detected = time.perf_counter()
    readings = networks.read(grey, shapes) if recognize else [("", 0.0)] * len(shapes)
    took = {"detect": 1000 * (detected - start), "recognize": 1000 * (time.perf_counter() - detected)}
    return FoundWords(grey, shapes, readings, level, round(skew, 2) if level else 0.0, took)


def read_page(
    networks: Networks,
    page: SourcePage,
    *,
    straighten: bool = False,
    shapes: Sequence[Shape] | None = None,
    recognize: bool = True,
) -> ReadPage:
    """Find and read the words of a page, and order them; words that read as nothing are left out.

    Args:
        networks: What finds and reads words.
        page: The page; all coordinates are its pixels.
        straighten: Measure by the words found how far its lines are skewed and, where that is `STRAIGHT` and more,
            find and read the words on the straightened page; their polygons are tilted then.
        shapes: Where the page's words are, if they have been found already.
        recognize: Whether words are read, too; else all that is found is returned, with empty texts of confidence 0.
    """
    read = find_words(networks, page, straighten=straighten, shapes=shapes, recognize=recognize)
    start = time.perf_counter()
    height, width = page.grey.shape
    found = [
        _word(*word) for word in zip(read.shapes, read.readings, strict=True) if not recognize or word[1][0].strip()
    ]
    lines = _lines(read.grey, [word.box for word in found])
    if read.level:
        found = [_put_back(word, read.level, width, height) for word in found]
    return ReadPage(
        number=page.number,
        width=width,
        height=height,
        dpi=page.dpi,
        orientation=page.turned,
        words=tuple(found[word] for line in lines for word in line.words),
        lines=tuple(_numbered(lines, found)),
        warnings=page.warnings,
        milliseconds=read.milliseconds | {"order": 1000 * (time.perf_counter() - start)},
        margin=page.margin,
        skew=read.skew,
    )


def _word(shape: Shape, reading: Reading) -> ReadWord:
    return ReadWord(reading[0].strip(), float(reading[1]), bounds(shape), quad_of(shape))


def _put_back(word: ReadWord, level: Straightening, width: int, height: int) -> ReadWord:
    """Return a word of the straightened page where it is on the page."""
    polygon = level.back(word.polygon)
    return replace(word, box=polygon.bounds.clipped(width, height), polygon=polygon)


def _lines(grey: Pixels, boxes: Sequence[Box]) -> list[Line]:
    if not boxes:
        return []
    return lines_of(boxes, find_rules(grey, typical_height(np.array(boxes, np.float64))))


def _numbered(lines: Sequence[Line], words: Sequence[ReadWord]) -> list[ReadLine]:
    numbered, first = [], 0
    for line in lines:
        boxes = np.array([words[word].box for word in line.words])
        box = Box(*(int(value) for value in (*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0))))
        numbered.append(ReadLine(range(first, first + len(line.words)), box, line.block, line.beside))
        first += len(line.words)
    return numbered

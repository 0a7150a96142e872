"""Which way up a page lies: a few of its words are read in all four directions, and the surest readings decide.

Detectors are trained on level words, and take pieces of several lines for words where these stand on end. So the words
found on the page as it lies say whether it is upright or upside down, those found on it turned by a quarter whether it
lies on one side or the other; that page is looked at only where the first words have not decided.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np

from train_easyocr.documents.page import Box, Quad, Shape, bounds
from train_easyocr.orientation.alike import reads_alike
from train_easyocr.reading.pipeline import Networks, ReadPage, read_page
from train_easyocr.reading.sources import SourcePage
from train_easyocr.reading.turned_words import read_turned
from train_easyocr.reading.words import Pixels

Setting = Literal["off", "auto"]

LEAST_RATIO, PLENTY = 1.5, 5.0
"""A word's longer side to its shorter one: a single letter says little, and beyond four nothing more is gained, so
longer words are asked where there are no others alone."""
ROUND, ROUNDS = 5, 3
"""Words of each kind that are read at once, the longest first, and how often: of 2,000 draws of five words none was
wrong (docs/experiments.md); only pages that can hardly be read ask more."""
LETTERS = 10
"""Single letters that are asked last, the largest ones: a widely spaced title can be all that is legible."""
LONG = 4
"""Letters beyond which a word counts no more."""
SURE = 2.0
"""Score of a direction, mean over its words, that can end the vote early: of `LONG` at most; noise reads as 0.2."""
DECISIVE = 0.6
"""Lead over the opposite direction, as a share of the score, that ends the vote early."""
LEAST_SCORE = 1.0
"""Score that a direction needs to be believed wholly: what little noise reads as is no lead over nothing."""
LEAST_MARGIN = 0.14
"""Lead below which a page stays as it lies."""
SIDE = 1024
"""Pixels; a page turned by a quarter is scaled down to a longer side of this before its words are looked for."""


@dataclass(frozen=True)
class Orientation:
    """How a page lies.

    Attributes:
        angle: By how many degrees it has to be turned clockwise to be upright: 0, 90, 180 or 270.
        margin: Lead of this direction over the second, as a share of its own score: 0 (none) to 1.
        words: How many words said something.
    """

    angle: int
    margin: float
    words: int

    @property
    def known(self) -> bool:
        """Whether the lead is large enough to turn a page by it."""
        return self.margin >= LEAST_MARGIN


def read_upright(networks: Networks, page: SourcePage, setting: Setting) -> tuple[ReadPage, SourcePage]:
    """Read a page as it lies, or upright and straightened.

    Args:
        networks: What finds and reads words.
        page: The page, upright as far as its file says so.
        setting: `off` reads it as it lies; `auto` turns it by the quarter turns that its words ask for, and reads it
            straightened where it is skewed.

    Returns:
        What was read, and the picture that it is about: the page turned by quarter turns, whose pixels all coordinates
        are, but never straightened: on a skewed page words have tilted polygons.
    """
    if setting == "off":
        return read_page(networks, page), page
    start = time.perf_counter()
    picture, shapes = turn_upright(networks, page)
    took = {"orientation": 1000 * (time.perf_counter() - start)}
    read = read_page(networks, picture, straighten=True, shapes=shapes)
    return replace(read, milliseconds=took | read.milliseconds), picture


def turn_upright(networks: Networks, page: SourcePage) -> tuple[SourcePage, Sequence[Shape] | None]:
    """Turn a page by the quarter turns that its words ask for.

    Returns:
        The page, and the words found on it where it was not turned: they are what would be found again.
    """
    shapes = networks.detect(page.colour)
    boxes = [bounds(shape) for shape in shapes]
    found = vote(networks, page.grey, boxes, lambda: standing_words(networks, page.colour))
    picture = upright(page, found)
    return picture, shapes if picture.grey is page.grey else None


def upright(page: SourcePage, found: Orientation) -> SourcePage:
    """Turn a page by quarter turns so that its words can be read; one that does not say how stays, with a warning."""
    if not found.known:
        unsure = f"which way up it lies is unsure (margin {found.margin:.2f}); it is read as it lies"
        return replace(page, margin=found.margin, warnings=(*page.warnings, *[unsure] * bool(found.words)))
    page = replace(page, turned=found.angle, margin=found.margin)
    if not found.angle:
        return page
    colour, grey = turned(page.colour, found.angle), turned(page.grey, found.angle)
    return replace(page, colour=colour, grey=grey, jpeg=None)


def turned(image: Pixels, angle: int) -> Pixels:
    """Turn an image, [h, w] or [h, w, 3], clockwise by 0, 90, 180 or 270 degrees."""
    return np.ascontiguousarray(np.rot90(image, -(angle // 90)))


def turned_shape(shape: Shape, angle: int, size: tuple[int, int]) -> Shape:
    """Return where a shape lies once its image, of a width and height in pixels, is turned (see `turned`)."""
    width, height = size
    for _ in range(angle // 90):
        if isinstance(shape, Quad):
            shape = Quad(*((height - y, x) for x, y in shape))
        else:
            shape = Box(height - shape.ymax, shape.xmin, height - shape.ymin, shape.xmax)
        width, height = height, width
    return shape


def standing_words(networks: Networks, colour: Pixels) -> list[Box]:
    """Find the words of a page that stand on end: those that are level once it is turned by a quarter."""
    height, width = colour.shape[:2]
    scale = min(1.0, SIDE / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(colour, size, interpolation=cv2.INTER_AREA) if scale < 1 else colour
    across, down = width / size[0], height / size[1]
    found = [bounds(shape) for shape in networks.detect(turned(np.asarray(small, np.uint8), 90))]
    return [
        Box(
            round(box.ymin * across),
            round((size[1] - box.xmax) * down),
            round(box.ymax * across),
            round((size[1] - box.xmin) * down),
        )
        for box in found
    ]


def vote(networks: Networks, grey: Pixels, level: Sequence[Box], standing: Callable[[], Sequence[Box]]) -> Orientation:
    """Ask the longest of some words which way up their page lies.

    Each word is read along its longer side in both directions, and gives each the square of its confidence times its
    length, `LONG` at most. Nothing read counts nothing, whatever its confidence, and so does what reads the same upside
    down.

    Args:
        networks: What reads words.
        grey: The page, uint8 [h, w].
        level: Words that are wider than high, among others, as they lie on the page.
        standing: Returns words that are higher than wide; called where the others have not decided.
    """
    scores, words, said = np.zeros(4), np.zeros(4), 0
    for quarters, some in _rounds(grey, level, standing):
        for given in _given(networks, some, quarters):
            scores[quarters] += given
            words[quarters] += 1
            said += any(given)
        mean = scores / np.maximum(ROUND, words)
        first, second = sorted(mean[quarters], reverse=True)
        if len(some) == ROUND and first >= SURE and first - second >= DECISIVE * first and first == mean.max():
            break
    mean = scores / np.maximum(ROUND, words)  # one word that happens to read well is no direction
    second, first = np.sort(mean)[-2:]
    margin = (first - second) / max(first, LEAST_SCORE)
    return Orientation(90 * int(mean.argmax()), round(float(margin), 4), said)


def angle_by_labels(networks: Networks, grey: Pixels, boxes: Sequence[Box]) -> int:
    """Return by how many degrees a labelled page has to be turned clockwise; 0 also where its words don't say.

    Args:
        networks: What reads words.
        grey: The page, uint8 [h, w].
        boxes: The labels'.
    """
    found = vote(networks, grey, boxes, lambda: boxes)
    return found.angle if found.known else 0


def _rounds(
    grey: Pixels, level: Sequence[Box], standing: Callable[[], Sequence[Box]]
) -> Iterator[tuple[list[int], list[Pixels]]]:
    """Yield some words' pixels and the quarter turns that lay them level, of both kinds of words in turn."""
    wide = _longest(grey, level, standing=False)
    yield [0, 2], wide[:ROUND]
    high = _longest(grey, standing(), standing=True)
    yield [1, 3], high[:ROUND]
    for first in range(ROUND, ROUNDS * ROUND + LETTERS, ROUND):
        yield [0, 2], wide[first : first + ROUND]
        yield [1, 3], high[first : first + ROUND]


def _longest(grey: Pixels, boxes: Sequence[Box], *, standing: bool) -> list[Pixels]:
    """Return the pixels of words that lie level, or stand, in the order in which they are asked: letters last."""
    clipped = [box for box in (box.clipped(*grey.shape[::-1]) for box in boxes) if box.area]
    sides = [(box.height, box.width, box) if standing else (box.width, box.height, box) for box in clipped]
    words = [(long > PLENTY * short, -long, box) for long, short, box in sides if long >= LEAST_RATIO * short]
    letters = [(-long, box) for long, short, box in sides if short / LEAST_RATIO < long < LEAST_RATIO * short]
    chosen = [box for *_, box in sorted(words)[: ROUND * ROUNDS]] + [box for _, box in sorted(letters)[:LETTERS]]
    return [grey[box.ymin : box.ymax, box.xmin : box.xmax] for box in chosen]


def _given(networks: Networks, words: Sequence[Pixels], quarters: Sequence[int]) -> list[list[float]]:
    """Return what each word gives each of some directions."""
    # Squared: on a page that can hardly be read, one sure word says more than many that are noise.
    given = [_weight(text) * confidence**2 for text, confidence in read_turned(networks, words, quarters)]
    return [given[first : first + len(quarters)] for first in range(0, len(given), len(quarters))]


def _weight(text: str) -> int:
    text = text.strip()
    return 0 if reads_alike(text) else min(len(text), LONG)

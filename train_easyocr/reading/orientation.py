"""Which way up a page lies: a few of its words are read in both directions, and the surest readings decide.

Detectors are trained on level words, and take pieces of several lines for words where these stand on end. So the words
found on the page as it lies say whether it is upright or upside down, those found on it turned by a quarter whether it
lies on one side or the other. How its ink lies tells which of the two to ask first; the others are looked for only
where those have not decided.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Iterable, Iterator, Sequence
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
ROUND, ROUNDS = 3, 5
"""Words that are read at once, the longest first, and how often: two words that are read for certain end the vote."""
LETTERS = 10
"""Single letters that are asked last, the largest ones: a widely spaced title can be all that is legible."""
LONG = 4
"""Letters beyond which a word counts no more."""
NOTHING = 0.05
"""Confidence that is as good as none: what little noise reads as must not become a large ratio."""
SURE = 20.0
"""Lead, in nats, that ends the vote: not quite two words of four letters that can be read one way alone."""
DECISIVE = 0.6
"""Lead over the two other directions, as a share of the greater one, that a decision needs as well."""
DOUBTED = 0.5
"""By what a lead is multiplied that contradicts `stands`, which was right about 260 pages of 260."""
LEAST_MARGIN = 0.25
"""Margin below which a page stays as it lies: 5 nats, less than half of what one sure word of four letters says."""
SIDE = 1024
"""Pixels; a page turned by a quarter is scaled down to a longer side of this before its words are looked for."""
TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
"""What OpenCV calls turns by degrees; it does them in a sixth of NumPy's time."""
REACH, BLACK = 15, 60
"""Of `stands`: pixels on either side that a row is compared with, and mean ink of a row, of 255, that counts in full: a
rule is no more than a line of text."""


@dataclass(frozen=True)
class Orientation:
    """How a page lies.

    Attributes:
        angle: By how many degrees it has to be turned clockwise to be upright: 0, 90, 180 or 270.
        margin: Lead of this direction over its opposite, beyond that of the two others, as a share of itself or, where
            it is small, of `SURE`: 0 (none) to 1.
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
    shapes = functools.cache(lambda: networks.detect(page.colour))

    def level() -> Iterator[list[Box]]:
        yield [bounds(shape) for shape in shapes()]

    picture = upright(page, vote(networks, page.grey, level(), standing_words(networks, page.grey)))
    return picture, shapes() if picture.grey is page.grey else None


def upright(page: SourcePage, found: Orientation) -> SourcePage:
    """Turn a page by quarter turns so that its words can be read; one that does not say how stays, with a warning."""
    if not found.known:
        unsure = f"which way up it lies is unsure (margin {found.margin:.2f}); it is read as it lies"
        return replace(page, margin=found.margin, warnings=(*page.warnings, *[unsure] * bool(found.words)))
    return replace(turned_page(page, found.angle), margin=found.margin)


def turned_page(page: SourcePage, angle: int) -> SourcePage:
    """Turn a page clockwise by 0, 90, 180 or 270 degrees."""
    if not angle:
        return page
    colour, grey = turned(page.colour, angle), turned(page.grey, angle)
    return replace(page, colour=colour, grey=grey, jpeg=None, turned=angle)


def turned(image: Pixels, angle: int) -> Pixels:
    """Turn an image, [h, w] or [h, w, 3], clockwise by 0, 90, 180 or 270 degrees."""
    return np.asarray(cv2.rotate(image, TURNS[angle]), np.uint8) if angle else image


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


def stands(grey: Pixels) -> bool:
    """Tell whether the lines of a page, uint8 [h, w], seem to run down it rather than across.

    Across text, ink is uneven: rows of a page that lies level change between lines and what is between them. It is a
    guess, which surer words overrule.
    """
    uneven = []
    for dimension in (1, 0):
        white = cv2.reduce(grey, dimension, cv2.REDUCE_AVG, dtype=cv2.CV_32F).reshape(-1, 1)
        size = (1, max(1, round(_scale(grey) * len(white))))
        ink = np.minimum(255 - cv2.resize(white, size, interpolation=cv2.INTER_AREA), BLACK)
        uneven.append(float(np.abs(ink - cv2.blur(ink, (1, 2 * REACH + 1))).mean()))
    return uneven[1] > uneven[0]


def _scale(page: Pixels) -> float:
    """Return by what a page is scaled down to `SIDE`; of its shorter side a pixel is left."""
    return min(1.0, max(SIDE / max(page.shape), 1 / min(page.shape)))


def standing_words(networks: Networks, grey: Pixels) -> Iterator[list[Box]]:
    """Find the words of a page, uint8 [h, w], that stand on end: those that are level once it is turned by a quarter.

    Yields:
        Words of one half of the page, the one with more ink, and then of the other.
    """
    scale = _scale(grey)
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else grey
    level = np.asarray(cv2.cvtColor(turned(np.asarray(small, np.uint8), 90), cv2.COLOR_GRAY2RGB), np.uint8)
    height, middle = len(level), len(level) // 2
    halves = [(0, level[:middle]), (middle, level[middle:])]
    for top, half in sorted(halves, key=lambda part: float(part[1].sum(dtype=np.int64)) / max(1, part[1].size)):
        boxes = [bounds(shape) for shape in networks.detect(half)] if half.size else []
        moved = [Box(box.xmin, top + box.ymin, box.xmax, top + box.ymax) for box in boxes]
        back = [turned_shape(box, 270, (level.shape[1], height)) for box in moved]
        yield [Box(*(round(side / scale) for side in box)) for box in map(bounds, back)]


def vote(
    networks: Networks, grey: Pixels, level: Iterable[Sequence[Box]], standing: Iterable[Sequence[Box]]
) -> Orientation:
    """Ask the longest of some words which way up their page lies.

    Each word is read along its longer side in both directions, and says for each the logarithm of its confidence, times
    its length, `LONG` at most. Nothing read says nothing, whatever its confidence, and neither does what reads the same
    upside down.

    Args:
        networks: What reads words.
        grey: The page, uint8 [h, w].
        level: Words that are wider than high, among others, as they lie on the page: some, and further ones where they
            have not decided. Looked for only when they are asked.
        standing: Likewise, words that are higher than wide.
    """
    order = (1, 0) if stands(grey) else (0, 1)
    leads, said = [0.0, 0.0], 0
    for side, words in _rounds(grey, (level, standing), order):
        scores = [_score(*reading) for reading in read_turned(networks, words, [side, side + 2])]
        upright, over = scores[::2], scores[1::2]
        leads[side] += (sum(upright) - sum(over)) * (1.0 if side == order[0] else DOUBTED)
        said += sum(map(any, zip(upright, over, strict=True)))
        second, first = sorted(map(abs, leads))
        if first >= SURE and first - second >= DECISIVE * first:
            break
    second, first = sorted(map(abs, leads))
    side = abs(leads[1]) > abs(leads[0])
    angle = 90 * side + 180 * (leads[side] < 0)
    return Orientation(angle, round((first - second) / max(first, SURE), 4), said)


def angle_by_labels(networks: Networks, grey: Pixels, boxes: Sequence[Box]) -> int:
    """Return by how many degrees a labelled page has to be turned clockwise; 0 also where its words don't say.

    Args:
        networks: What reads words.
        grey: The page, uint8 [h, w].
        boxes: The labels'.
    """
    found = vote(networks, grey, [boxes], [boxes])
    return found.angle if found.known else 0


def _rounds(
    grey: Pixels, found: Sequence[Iterable[Sequence[Box]]], order: Sequence[int]
) -> Iterator[tuple[int, list[Pixels]]]:
    """Yield some words' pixels and by how many quarter turns, 0 or 1, they lie level or upside down."""
    letters = []
    for side in order:
        for boxes in found[side]:
            words, single = _longest(grey, boxes, standing=side == 1)
            letters.append((side, single))
            for first in range(0, len(words), ROUND):
                yield side, words[first : first + ROUND]
    yield from letters


def _longest(grey: Pixels, boxes: Sequence[Box], *, standing: bool) -> tuple[list[Pixels], list[Pixels]]:
    """Return the pixels of words that lie level, or stand, and of single letters, in the order in which to ask them."""
    clipped = [box for box in (box.clipped(*grey.shape[::-1]) for box in boxes) if box.area]
    sides = [(box.height, box.width, box) if standing else (box.width, box.height, box) for box in clipped]
    words = [(long > PLENTY * short, -long, box) for long, short, box in sides if long >= LEAST_RATIO * short]
    letters = [(-long, box) for long, short, box in sides if short / LEAST_RATIO < long < LEAST_RATIO * short]
    chosen = ([box for *_, box in sorted(words)[: ROUND * ROUNDS]], [box for _, box in sorted(letters)[:LETTERS]])
    first, second = ([grey[box.ymin : box.ymax, box.xmin : box.xmax] for box in some] for some in chosen)
    return first, second


def _score(text: str, confidence: float) -> float:
    """Return what a reading says for its direction, in nats."""
    text = text.strip()
    return 0.0 if reads_alike(text) else min(len(text), LONG) * math.log1p(confidence / NOTHING)

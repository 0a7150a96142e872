"""The types that carry everything: a word with its box or corners, and a page with its words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

Point = tuple[float, float]


class Box(NamedTuple):
    """An upright box in integer pixels; `xmax` and `ymax` are exclusive: `image[ymin:ymax, xmin:xmax]` is its crop.

    Other conventions (AI-Hub's x, y, width, height; EasyOCR's xmin, xmax, ymin, ymax) exist only at the border that
    reads or writes them.
    """

    xmin: int
    ymin: int
    xmax: int
    ymax: int

    @property
    def width(self) -> int:
        """Width in pixels; not positive for a box without area."""
        return self.xmax - self.xmin

    @property
    def height(self) -> int:
        """Height in pixels; not positive for a box without area."""
        return self.ymax - self.ymin

    @property
    def area(self) -> int:
        """Area in pixels, 0 for a box that is empty or turned inside out."""
        width, height = self.xmax - self.xmin, self.ymax - self.ymin
        return width * height if width > 0 and height > 0 else 0

    def clipped(self, width: int, height: int) -> Box:
        """Return the part of the box that lies on an image of `width` x `height` pixels (area 0 when none does)."""
        return Box(max(0, self.xmin), max(0, self.ymin), min(width, self.xmax), min(height, self.ymax))


class Quad(NamedTuple):
    """A tilted region: four corners (x, y) in pixels, clockwise from the top left, as EasyOCR's detector finds it.

    Those of a label are as they were labelled, which can be in any order; `ordered` puts them right.
    """

    top_left: Point
    top_right: Point
    bottom_right: Point
    bottom_left: Point

    @property
    def bounds(self) -> Box:
        """The smallest upright box of whole pixels that holds the region."""
        return enclosing_box(self)

    @property
    def ordered(self) -> Quad:
        """The corners as EasyOCR's detector orders them: clockwise, the one with the least x + y first."""
        x, y = (sum(values) / 4 for values in zip(*self, strict=True))
        clockwise = sorted(self, key=lambda corner: math.atan2(corner[1] - y, corner[0] - x))
        first = min(range(4), key=lambda number: (sum(clockwise[number]), clockwise[number][1]))
        return Quad(*clockwise[first:], *clockwise[:first])

    @property
    def is_upright(self) -> bool:
        """Whether the corners are those of an upright box, clockwise from its top left."""
        (left, top), (right, top_right), (right_below, bottom), (left_below, bottom_left) = self
        level = top == top_right and bottom == bottom_left and left == left_below and right == right_below
        return level and left <= right and top <= bottom

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels that EasyOCR's `four_point_transform` gives the region; 0 where it gives none.

        It counts in single precision, which can take a side of a pixel for none.
        """
        top, right, bottom, left = (math.dist(a, b) for a, b in pairwise((*self, self[0])))
        width, height = max(top, bottom), max(left, right)
        return (int(width), int(height)) if width >= 1.001 and height >= 1.001 else (0, 0)

    @property
    def area(self) -> float:
        """Area in pixels of the region that the corners bound, whatever their order."""
        corners = self.ordered
        return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise((*corners, corners[0])))) / 2

    def on_page(self, width: int, height: int) -> Shape:
        """Return what can be cut of the region on a page of `width` x `height` pixels.

        That is the region itself, with black beyond the page's edges, or what is there of its enclosing box where most
        of that lies elsewhere: a corner that was mistyped would make an image as wide as it is far away.
        """
        box = self.bounds.clipped(width, height)
        return self if 2 * box.area >= self.bounds.area else box


Shape = Box | Quad
"""Where a word is: an upright box, or a tilted region that is straightened before it is read."""


def bounds(shape: Shape) -> Box:
    """Return the smallest upright box of whole pixels that holds a shape."""
    return shape.bounds if isinstance(shape, Quad) else shape


def enclosing_box(corners: Sequence[Point]) -> Box:
    """Return the smallest box of whole pixels that holds the corners: at least one, all finite."""
    xs, ys = zip(*corners, strict=True)
    return Box(math.floor(min(xs)), math.floor(min(ys)), math.ceil(max(xs)), math.ceil(max(ys)))


def corners_of(points: Sequence[Point]) -> Quad | None:
    """Return the four corners of a labelled outline, or None where its enclosing box says the same.

    Args:
        points: Four corners, kept in their order; two opposite ones of an upright box; or a polygon, of which the
            smallest rectangle around it is taken.
    """
    if len(points) > 4 and points[0] == points[-1]:
        points = points[:-1]  # a ring that comes back to its start
    if len(points) < 3:
        return None
    if len(points) == 4:
        quad = Quad(*((x, y) for x, y in points))
        return None if quad.is_upright else quad
    rectangle = cv2.boxPoints(cv2.minAreaRect(np.array(points, np.float32)))
    quad = Quad(*((x, y) for x, y in np.round(rectangle.astype(float), 2).tolist())).ordered
    return None if quad.is_upright else quad


def shape_of(box: Box, corners: Quad | None) -> Shape:
    """Return where a word with these corners is cut, read and matched: corners that bound an upright box are that box.

    The corners come back in the order of EasyOCR's detector, so that a word beyond 45 degrees lies on its side, as
    EasyOCR's reader sees it.
    """
    if corners is None:
        return box
    quad = corners.ordered
    return box if quad.is_upright else quad


class Layout(NamedTuple):
    """What labels say about their image: its size in pixels, 0 where they state none, and where words are."""

    width: int = 0
    height: int = 0
    boxes: tuple[Box, ...] = ()


NOTHING_LABELLED = Layout()


@dataclass(frozen=True, slots=True, repr=False)
class Word:
    """A printed word.

    Attributes:
        box: Its box, the enclosing one where it lies tilted.
        text: Its text (NFC).
        corners: Its corners as labelled or found, where it lies tilted.
        dont_care: Whether it is to be neither read nor missed.
    """

    box: Box
    text: str
    corners: Quad | None = None
    dont_care: bool = False

    def __repr__(self) -> str:
        # Without what most words don't have: digests of pages are taken of this.
        corners = f", corners={self.corners!r}" if self.corners else ""
        return f"Word(box={self.box!r}, text={self.text!r}{corners}{', dont_care=True' if self.dont_care else ''})"

    @property
    def shape(self) -> Shape:
        """Where the word is: see `shape_of`."""
        return shape_of(self.box, self.corners)


@dataclass(frozen=True, slots=True)
class Page:
    """A labelled page.

    Attributes:
        name: The page's name within its split, folders included, without suffix:
            `인.허가/5350109/2001/5350109-2001-0001-0344`.
        image: The image file.
        words: The words in the label file's order, boxes as labelled (they can leave the image).
        category: One of the data set's categories, such as `인.허가`.
        width: Width in pixels that the label file states.
        height: Height in pixels that the label file states.
        with_dont_care: The words and the don't-care words, in the label file's order; empty where there are none of
            the latter.
    """

    name: str
    image: Path
    words: tuple[Word, ...]
    category: str
    width: int
    height: int
    with_dont_care: tuple[Word, ...] = ()

    @property
    def labels(self) -> tuple[Word, ...]:
        """All that is scored against: the words and the don't-care words, in the label file's order."""
        return self.with_dont_care or self.words

    @property
    def stem(self) -> str:
        """The last part of the name: `5350109-2001-0001-0344`."""
        return self.name.rsplit("/", 1)[-1]

    @property
    def layout(self) -> Layout:
        """What tells which way up the image belongs."""
        return Layout(self.width, self.height, tuple(word.box for word in self.words))

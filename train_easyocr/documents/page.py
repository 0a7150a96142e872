"""The two types that carry everything: a word with its box, and a page with its words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


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


@dataclass(frozen=True, slots=True)
class Word:
    """A printed word: its box and its text (NFC)."""

    box: Box
    text: str


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
    """

    name: str
    image: Path
    words: tuple[Word, ...]
    category: str
    width: int
    height: int

    @property
    def stem(self) -> str:
        """The last part of the name: `5350109-2001-0001-0344`."""
        return self.name.rsplit("/", 1)[-1]

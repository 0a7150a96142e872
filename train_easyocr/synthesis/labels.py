"""Label files in AI-Hub's shape, the real set's oddities included.

Boxes are drawn as the real set's are, by hand and loosely: 53 to 62 pixels high for 45 of ink, with 8 to 10 pixels to
spare at the left and the right. How its annotators drew a hyphen or a colon that stands alone is not known: as high as
the line, or around the sign. Here boxes are drawn around it, as in labels of other real documents, with half the
margins of words: about half of such a box is what a detector finds that learnt tight boxes. In small shares of pages,
as in the real set, two neighbouring words share a label, a printed word is split over two, ids have gaps or repeat.
Boxes of words cut off by the edge of the scan reach outside.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from train_easyocr.documents import Box
from train_easyocr.documents.ink import is_blank
from train_easyocr.synthesis.defects import Placement
from train_easyocr.synthesis.layout import DrawnLabel, Placed, Sheet
from train_easyocr.synthesis.render import Points
from train_easyocr.synthesis.sentences import LONGEST

SHARED = 0.036
"""Share of words labelled together with the next one, where that gives no text longer than `LONGEST`."""
SPLIT = 0.003
"""Share of words labelled in two parts."""
MARGINS = (7.5, 4.0), (10.5, 8.5)
"""Least and most pixels between a box and its ink, at its sides and above or below it."""
AROUND_SIGNS = 0.5
"""The margins around lone signs smaller than a syllable, in relation to those around words."""
SMALL_SIGN = 22
"""Pixels across the narrower side of such a sign's ink, at most."""
MIDDLE_DOT = 0.914
"""Share of pages whose middle dots are labelled · (128 of 140 labels of the real set); ㆍ on the others."""
UNSTEADY = 0.7
"""Standard deviation of the margins on one page."""


@dataclass(frozen=True)
class PageName:
    """Where a page stands in the data set.

    Attributes:
        category: One of `vocabulary.TOPICS`.
        code: "Make code" of the office, seven digits.
        year: Year of the document.
        volume: Number of the file it was filed in.
        number: Number within the file.
    """

    category: str
    code: str
    year: int
    volume: int
    number: int

    @property
    def stem(self) -> str:
        """File name without suffix: `5350109-2001-0001-0344`."""
        return f"{self.code}-{self.year}-{self.volume:04d}-{self.number:04d}"

    @property
    def path(self) -> str:
        """Path within an archive's top folder, without suffix: `인.허가/5350109/2001/5350109-2001-0001-0344`."""
        return f"{self.category}/{self.code}/{self.year}/{self.stem}"


def labels_of(sheet: Sheet, random: np.random.Generator) -> list[DrawnLabel]:
    """The sheet's words as annotators would mark them: now and then two in one label, or one in two."""
    labels: list[DrawnLabel] = []
    placed = [one for one in sheet.placed if len(one.printed.outline)]
    draws = random.random((len(placed), 2))
    skip = False
    for number, one in enumerate(placed):
        if skip:
            skip = False
            continue
        following = placed[number + 1] if number + 1 < len(placed) else None
        if following is not None and draws[number, 0] < SHARED and may_share_a_label(one, following):
            points = np.concatenate([one.outline(), following.outline()])
            labels.append(DrawnLabel(f"{one.printed.text} {following.printed.text}", points, one.line))
            skip = True
        elif draws[number, 1] < SPLIT and can_be_split(one):
            cut = int(random.integers(1, len(one.printed.text)))
            for first, last in ((0, cut), (cut, len(one.printed.text))):
                labels.append(DrawnLabel(one.printed.text[first:last], one.outline(first, last), one.line))
        else:
            labels.append(DrawnLabel(one.printed.text, one.outline(), one.line))
    dots = str.maketrans("·ㆍ", ("·" if random.random() < MIDDLE_DOT else "ㆍ") * 2)
    return [replace(label, text=label.text.translate(dots)) for label in labels if len(label.points)]


def may_share_a_label(one: Placed, other: Placed) -> bool:
    """Whether two prints stand on one line with no more than an ordinary space between them, and are not too long."""
    gap = other.x - (one.x + one.printed.advance)
    length = len(one.printed.text) + 1 + len(other.printed.text)
    return one.line == other.line and 0 <= gap < 0.7 * one.printed.mask.shape[0] and length <= LONGEST


def can_be_split(one: Placed) -> bool:
    """Whether a print is a horizontal word of three characters or more."""
    height, width = one.printed.mask.shape
    return len(one.printed.text) >= 3 and width > 1.5 * height


def box_around(points: Points, margins: tuple[int, int, int, int]) -> Box:
    """The box around an outline of pixel centres, with margins at its left, top, right and bottom."""
    (xmin, ymin), (xmax, ymax) = points.min(axis=0), points.max(axis=0)
    left, top, right, bottom = margins
    # A pixel reaches half a pixel to each side of its centre.
    return Box(
        math.floor(xmin + 0.5) - left,
        math.floor(ymin + 0.5) - top,
        math.ceil(xmax - 0.5) + 1 + right,
        math.ceil(ymax - 0.5) + 1 + bottom,
    )


def is_small_sign(label: DrawnLabel, unit: float) -> bool:
    """Whether a label holds signs alone that are much smaller than a syllable, or narrower: `-`, `:`, `〃`, not `○`."""
    extent = np.ptp(label.points, axis=0) + 1
    return not any(one.isalnum() for one in label.text) and bool(extent.min() <= SMALL_SIGN * unit)


def boxes_of(labels: list[DrawnLabel], placement: Placement, random: np.random.Generator, unit: float) -> list[Box]:
    """The labels' boxes on the scan.

    Args:
        labels: Words with their outlines on the sheet.
        placement: How the sheet was laid onto the glass.
        random: Draws the page's margins and how they change from box to box.
        unit: Pixels for one at 2,480 across.
    """
    page = random.uniform(*MARGINS)
    drawn = page[[0, 1, 0, 1]] + random.normal(0, UNSTEADY, (len(labels), 4))
    drawn = np.clip(drawn, *np.tile(MARGINS, 2)) * unit
    drawn[[is_small_sign(label, unit) for label in labels]] *= AROUND_SIGNS
    # Boxes of neighbours meet in the middle of a narrow gap.
    for number, (one, following) in enumerate(pairwise(labels)):
        if one.line == following.line != 0:
            half = (following.points[:, 0].min() - one.points[:, 0].max() - 1) / 2
            drawn[number, 2], drawn[number + 1, 0] = min(drawn[number, 2], half), min(drawn[number + 1, 0], half)
    margins = np.maximum(1, np.rint(drawn)).astype(int)
    return [
        box_around(placement.points(label.points), tuple(four))
        for label, four in zip(labels, margins.tolist(), strict=True)
    ]


def ids_for(count: int, random: np.random.Generator) -> list[int]:
    """Ids from 1; on some pages a few are missing, on some a few repeat."""
    ids = list(range(1, count + 1))
    if count > 3 and random.random() < 0.3:
        gaps = random.random(count) < 0.03
        ids = (np.arange(1, count + 1) + np.cumsum(gaps)).tolist()
    if count > 3 and random.random() < 0.08:
        number = int(random.integers(1, count))
        ids[number] = ids[number - 1]
    return ids


def label_file(
    name: PageName, scan: np.ndarray, labels: list[DrawnLabel], boxes: list[Box], random: np.random.Generator
) -> dict[str, Any]:
    """The content of a page's label file, without what nobody could mark.

    That is what lies outside the scan (uint8 [height, width], or [height, width, 3]), and thin hyphens and points that
    it lost on the way to black and white.
    """
    height, width = scan.shape[:2]
    seen = [
        (label.text, box)
        for label, box in zip(labels, boxes, strict=True)
        if (shown := box.clipped(width, height)).area > 0 and not is_blank(scan, shown)
    ]
    moment = random.integers((9, 0, 0), (19, 60, 60))
    return {
        "images": [
            {
                "image.make.code": name.code,
                "image.make.year": str(name.year),
                "image.category": name.category,
                "image.width": width,
                "image.height": height,
                "image.file.name": f"{name.stem}.jpg",
                "image.create.time": f"2020-{random.integers(9, 13):02d}-{random.integers(1, 29):02d} "
                f"{moment[0]:02d}:{moment[1]:02d}:{moment[2]:02d}",
            }
        ],
        "annotations": [
            {
                "id": number,
                "annotation.type": "rectangle",
                "annotation.text": text,
                "annotation.ttype": "textType1",
                "annotation.bbox": [box.xmin, box.ymin, box.width, box.height],
            }
            for number, (text, box) in zip(ids_for(len(seen), random), seen, strict=True)
        ],
    }

"""Rendered pages that know where each character stands, and what a perfect CRAFT (arXiv 1904.01941) would say of them.

Every character is a Gaussian of the region map, every pair of neighbours within a word one of the affinity map.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train_easyocr.detection.interface import ScoreMaps
from train_easyocr.documents.page import Word
from train_easyocr.synthesis.defects import Placement, scan
from train_easyocr.synthesis.fonts import FontLibrary
from train_easyocr.synthesis.labels import boxes_of, labels_of
from train_easyocr.synthesis.layout import NOMINAL_WIDTH, Placed
from train_easyocr.synthesis.pages import compose_page
from train_easyocr.synthesis.vocabulary import TOPICS

Map = NDArray[np.float32]
Cells = NDArray[np.float64]
"""Characters' cells, [n, 4]: xmin, ymin, xmax, ymax in page pixels."""

SPREAD = 0.3
"""Standard deviation of a Gaussian in sides of its box: 0.25 at the box's edge."""
REACH = 0.75
"""A Gaussian ends this many sides from its middle."""


@dataclass(frozen=True, eq=False)
class RenderedPage:
    """A page with its labels and, apart from them, its printed words character by character.

    Attributes:
        image: uint8 [h, w, 3], RGB.
        words: The labels; now and then one holds two printed words, or half of one.
        prints: Text and characters' cells of each printed word, as wide as the character's advance and as high as the
            word's ink; of vertical words, equal parts of the height. Spaces have no cell.
    """

    image: NDArray[np.uint8]
    words: list[Word]
    prints: list[tuple[str, Cells]]


def render(number: int, library: FontLibrary, width: int = NOMINAL_WIDTH, seed: int = 1111) -> RenderedPage:
    """Render a page as synthesis does it, `width` pixels wide; the same arguments give the same page."""
    random = np.random.default_rng([seed, number])
    sheet = compose_page(random, list(TOPICS)[number % len(TOPICS)], 2005, width, library)
    labels = labels_of(sheet, random)
    scanned = scan(sheet.planes, random, sheet.unit, black_and_white=sheet.bilevel)
    boxes = boxes_of(labels, scanned.placement, random, sheet.unit)
    image = scanned.image if scanned.image.ndim == 3 else np.stack([scanned.image] * 3, axis=-1)
    prints = [_characters(placed, scanned.placement) for placed in sheet.placed if len(placed.printed.outline)]
    words = [Word(box, label.text) for box, label in zip(boxes, labels, strict=True)]
    return RenderedPage(np.ascontiguousarray(image[..., ::-1]), words, prints)


def _characters(placed: Placed, placement: Placement) -> tuple[str, Cells]:
    printed = placed.printed
    height, width = printed.mask.shape
    left, top = placed.x + printed.left, placed.y + printed.top
    edges = np.array(printed.edges)
    if len(printed.text) > 1 and not edges[:-1].any():  # one character below another: no pen positions are kept
        rows = top + np.linspace(0, height, len(printed.text) + 1)
        cells = np.stack([np.full(len(rows) - 1, left), rows[:-1], np.full(len(rows) - 1, left + width), rows[1:]], 1)
    else:
        columns = placed.x + edges
        low, high = np.full(len(edges) - 1, top), np.full(len(edges) - 1, top + height)
        cells = np.stack([columns[:-1], low, columns[1:], high], 1)
    cells = cells[[not character.isspace() for character in printed.text]]
    corners = np.stack([cells[:, [0, 1]], cells[:, [2, 1]], cells[:, [2, 3]], cells[:, [0, 3]]], 1)
    moved = placement.points(corners.reshape(-1, 2)).reshape(-1, 4, 2)
    upright = np.concatenate([moved[:, :2].mean(1), moved[:, 2:].mean(1)], 1)
    # The middles of opposite sides: a small turn of the page neither widens nor heightens a character.
    upright[:, 0], upright[:, 2] = moved[:, [0, 3], 0].mean(1), moved[:, [1, 2], 0].mean(1)
    return printed.text, upright


def true_maps(page: RenderedPage, scale: float) -> ScoreMaps:
    """Return what a perfect CRAFT would say of a page: Gaussians on its true characters.

    Args:
        page: A rendered page.
        scale: Page pixels per map pixel.
    """
    height, width = page.image.shape[:2]
    maps = np.zeros((2, round(height / scale), round(width / scale)), np.float32)
    for text, cells in page.prints:
        draw_gaussians(maps[0], cells / scale)
        draw_gaussians(maps[1], pairs(text, cells) / scale)
    return ScoreMaps(maps, scale, (width, height))


def pairs(text: str, cells: Cells) -> Cells:
    """Return the affinity boxes between neighbouring characters: half of both cells, two thirds of them across.

    Args:
        text: The word; characters on both sides of a space are no neighbours.
        cells: Of the characters that are no spaces.
    """
    neighbours = [not gap for gap in _gaps_before(text)[1:]]
    first, second = cells[:-1][neighbours], cells[1:][neighbours]
    middle_1, middle_2 = (first[:, :2] + first[:, 2:]) / 2, (second[:, :2] + second[:, 2:]) / 2
    third = np.minimum(first[:, 2:] - first[:, :2], second[:, 2:] - second[:, :2]) / 3
    apart = np.abs(middle_2 - middle_1)
    stacked = apart[:, 1] > apart[:, 0]
    low, high = np.minimum(middle_1, middle_2), np.maximum(middle_1, middle_2)
    across = np.stack([~stacked, stacked], axis=1)  # the axis along which the two stand side by side: y, x
    grow = np.where(across[:, ::-1], third, 0.0)
    return np.concatenate([low - grow, high + grow], axis=1)


def _gaps_before(text: str) -> list[bool]:
    """For each character that is no space, whether a space stands before it."""
    return [text[number - 1].isspace() if number else False for number, c in enumerate(text) if not c.isspace()]


def draw_gaussians(target: Map, boxes: Cells) -> None:
    """Draw a Gaussian for each box; where several meet, the highest counts.

    Args:
        target: [h, w]; written to.
        boxes: [n, 4] in the map's pixels: xmin, ymin, xmax, ymax, with fractions.
    """
    height, width = target.shape
    for xmin, ymin, xmax, ymax in boxes.tolist():
        columns, across = _bell(xmin, xmax, width)
        rows, down = _bell(ymin, ymax, height)
        if across.size and down.size:
            part = target[rows, columns]
            np.maximum(part, np.outer(down, across), out=part)


def _bell(low: float, high: float, end: int) -> tuple[slice, Map]:
    """Return the pixels that a side's bell curve covers, and its values there."""
    middle, side = (low + high) / 2, max(high - low, 1.0)
    first = max(0, math.ceil(middle - REACH * side - 0.5))
    last = min(end, math.floor(middle + REACH * side - 0.5) + 1)
    # A map pixel's middle lies half a pixel from its corner.
    distance = (np.arange(first, max(first, last), dtype=np.float32) + np.float32(0.5 - middle)) / (SPREAD * side)
    return slice(first, max(first, last)), np.exp(-0.5 * distance**2).astype(np.float32)

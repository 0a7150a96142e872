"""What CRAFT is to learn (arXiv 1904.01941) from pages whose words are labelled, but not their characters.

A word's box is divided into cells of characters by the advance widths of printed ones. Every cell is a Gaussian of the
region map, every pair of neighbours within a word one of the affinity map; between words there is none. A label whose
box does not fit its text weighs less, one that is no box at all is left out of the loss.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train_easyocr.detection.character_widths import Metrics, metrics_of
from train_easyocr.documents.page import Box, Word

Map = NDArray[np.float32]
Cells = NDArray[np.float64]
"""Characters' cells, [n, 4]: xmin, ymin, xmax, ymax in page pixels."""

SLACK = 0.17, 0.1
"""What is free between a word's ink and its box, at each side and above or below, in shorter sides of the box, as the
data set's boxes are drawn: 9 and 6 pixels for 45 of ink."""
SPREAD = 0.3
"""Standard deviation of a Gaussian in sides of its box: 0.25 at the box's edge."""
REACH = 0.75
"""A Gaussian ends this many sides from its middle."""
PITCH = 1.1
"""Distance of the characters of a vertical word, in their own heights, where it is not known."""


@dataclass(frozen=True, eq=False)
class CraftTargets:
    """The targets of one page.

    Attributes:
        maps: float32 [2, h, w]: region and affinity, 0 to 1.
        weights: float32 [h, w]: what a pixel counts in the loss; 1 on plain background.
        left_out: Labels that are no boxes of words; their places weigh nothing.
    """

    maps: Map
    weights: Map
    left_out: int


def divide(box: Box, text: str) -> Cells:
    """Divide a word's box into the cells of its characters, in the order of the text; spaces get none.

    Args:
        box: The labelled box, a little larger than the ink.
        text: What it holds; not empty.

    Returns:
        Cells as high as the box, side by side; as wide as the box, one below another, where that fits better.
    """
    if is_vertical(box, text):
        return _rows(box, text)
    metrics = [metrics_of(character) for character in text]
    slack, free = _slack(box)
    first = metrics[0].left
    ink = sum(one.advance for one in metrics) - first - metrics[-1].right
    room = max(box.width - 2 * slack, 1.0)
    em, spacing = _em_and_spacing(metrics, ink, room, box.height - 2 * free)
    pen = box.xmin + slack - first * em
    cells = []
    for character, one in zip(text, metrics, strict=True):
        if not character.isspace():
            cells.append((pen, box.ymin, pen + one.advance * em, box.ymax))
        pen += one.advance * em + spacing
    return np.array(cells, np.float64).reshape(-1, 4)


def _em_and_spacing(metrics: Sequence[Metrics], ink: float, room: float, height: float) -> tuple[float, float]:
    """Return pixels per em across, and between characters beyond their widths.

    Text that is much wider than its height lets expect is spread out: characters keep their width.
    """
    em = room / ink
    expected = height / max(0.2, _ink_height(metrics))
    if len(metrics) < 2 or em < 1.25 * expected:
        return em, 0.0
    return expected, (room - ink * expected) / (len(metrics) - 1)


def _ink_height(metrics: Sequence[Metrics]) -> float:
    return max(one.top for one in metrics) - min(one.bottom for one in metrics)


def _slack(box: Box) -> tuple[float, float]:
    shorter = min(box.width, box.height)
    return SLACK[0] * shorter, SLACK[1] * shorter


def is_vertical(box: Box, text: str) -> bool:
    """Whether a word's characters stand below one another, judged by the shape of its box."""
    if len(text) < 2 or box.height <= box.width:
        return False
    level, upright = _shapes(text)
    shape = math.log(box.width / box.height)
    return abs(shape - upright) < abs(shape - level)


def _shapes(text: str) -> tuple[float, float]:
    """Return the logarithm of width by height that a text has on one line, and one character below another."""
    metrics = [metrics_of(character) for character in text]
    level = sum(one.advance for one in metrics) - metrics[0].left - metrics[-1].right
    widest = max(one.advance - one.left - one.right for one in metrics)
    level_shape = max(level, 0.1) / max(_ink_height(metrics), 0.1)
    return math.log(level_shape), math.log(max(widest, 0.1) / (PITCH * len(text)))


def _rows(box: Box, text: str) -> Cells:
    """Cells of a vertical word: characters stand at equal distances, and are as high as they are wide."""
    slack, free = _slack(box)
    side = min(box.width - 2 * slack, (box.height - 2 * free) / len(text))
    pitch = (box.height - 2 * free - side) / (len(text) - 1)
    half = min(pitch, 1.1 * side) / 2
    middles = [box.ymin + free + side / 2 + pitch * number for number, c in enumerate(text) if not c.isspace()]
    return np.array([(box.xmin, middle - half, box.xmax, middle + half) for middle in middles]).reshape(-1, 4)


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


def trust(box: Box, text: str) -> float:
    """Return how far a box can be trusted to hold its text and nothing else, 0.1 to 1, by its shape.

    Full trust up to half as wide again, or narrower, than the text as printed; a box three times as wide has lost most.
    """
    level, upright = _shapes(text)
    slack, free = _slack(box)
    shape = math.log(max(box.width - 2 * slack, 1.0) / max(box.height - 2 * free, 1.0))
    off = abs(shape - (upright if is_vertical(box, text) else level))
    return float(np.clip(1 - (off - math.log(1.5)) / math.log(2), 0.1, 1.0))


def make_targets(words: Sequence[Word], shape: tuple[int, int], scale: float, bad: Sequence[Box] = ()) -> CraftTargets:
    """Draw the targets of a page.

    Args:
        words: The labelled words; those with an empty text or no area on the map are left out.
        shape: Height and width of the maps.
        scale: Page pixels per map pixel.
        bad: Places of other labels that can't be used.
    """
    maps = np.zeros((2, *shape), np.float32)
    weights = np.ones(shape, np.float32)
    left_out = list(bad)
    for word in words:
        window = _window(word.box, scale, shape)
        if not word.text.strip() or not weights[window].size or not word.box.area:
            left_out.append(word.box)
            continue
        cells = divide(word.box, word.text)
        draw_gaussians(maps[0], cells / scale)
        draw_gaussians(maps[1], pairs(word.text, cells) / scale)
        weights[window] = trust(word.box, word.text)
    for box in left_out:
        weights[_window(box, scale, shape)] = 0
    return CraftTargets(maps, weights, len(left_out))


def _window(box: Box, scale: float, shape: tuple[int, int]) -> tuple[slice, slice]:
    """The map pixels that a box touches; empty where it lies outside."""
    limits = [max(0, math.floor(value / scale)) for value in (box.ymin, box.xmin)]
    ends = [math.ceil(value / scale) for value in (box.ymax, box.xmax)]
    rows, columns = (
        slice(first, max(first, min(end, side))) for first, end, side in zip(limits, ends, shape, strict=True)
    )
    return rows, columns


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

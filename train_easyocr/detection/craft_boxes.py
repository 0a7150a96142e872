"""Word boxes out of CRAFT's region and affinity maps (arXiv 1904.01941), with EasyOCR's parameters and more.

    boxes = craft_boxes(maps, parameters)

EasyOCR looks for each component's pixels on the whole page (`craft_utils.getDetBoxes`: 0.8 s of CPU a page); here it is
looked at where it lies, which gives the same rectangles in a thirtieth of the time. They become lines by EasyOCR's own
`group_text_box`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from easyocr.utils import group_text_box
from numpy.typing import NDArray

from train_easyocr.detection.interface import ScoreMaps
from train_easyocr.detection.parameters import CraftParameters
from train_easyocr.documents.page import Box

Integers = NDArray[Any]  # OpenCV's stubs return arrays of any number
Corners = Sequence[Sequence[float]]
"""Four corners (x, y) in page pixels, clockwise from the top left."""

SMALLEST_AREA = 10
"""Map pixels; EasyOCR drops smaller components."""
SPECK = 3
"""Map pixels; what is smaller is not even punctuation."""
SMALL = 0.6
"""A component of at most this share of another one's height, such as punctuation, can be attached to it."""


def craft_boxes(maps: ScoreMaps, parameters: CraftParameters) -> list[Box]:
    """Make word boxes of CRAFT's maps.

    Args:
        maps: [2, h, w]: region and affinity.
        parameters: With their defaults the boxes are EasyOCR's, cut to the page; tilted ones as upright boxes.

    Returns:
        Boxes with area, from the top down, then from the left.
    """
    level, tilted = group(maps, parameters)
    upright = [
        Box(*(math.floor(min(axis)) for axis in zip(*corners, strict=True)),
            *(math.ceil(max(axis)) for axis in zip(*corners, strict=True)))
        for corners in tilted
    ]  # fmt: skip
    cut = (box.clipped(*maps.page_size) for box in [*level, *upright])
    return sorted((box for box in cut if box.area), key=lambda box: (box.ymin, box.xmin))


def group(maps: ScoreMaps, parameters: CraftParameters) -> tuple[list[Box], list[Corners]]:
    """Find connected text, join it to words or lines and widen these by the margins, as EasyOCR does.

    Returns:
        Level boxes and the corners of tilted ones, in page pixels; they can leave the page.
    """
    words, specks = _components(maps, parameters)
    corners = (np.reshape(words, (-1, 4, 2)) * np.float32(maps.scale)).astype(np.int32)  # EasyOCR has whole pixels
    flat = _slopes(corners) < parameters.slope_ths
    level = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)[flat]
    if parameters.attach_ths:
        page_specks = (np.reshape(specks, (-1, 4)) * np.float32(maps.scale)).astype(np.int32)
        level = attach_small(level, page_specks, parameters.attach_ths)
    p, margins = parameters, parameters.margins
    quads = level[:, [0, 1, 2, 1, 2, 3, 0, 3]].tolist()
    joined, _ = group_text_box(quads, 1, p.ycenter_ths, p.height_ths, p.width_ths, 0)
    _, tilted = group_text_box(corners[~flat].reshape(-1, 8).tolist(), -1, add_margin=margins[0])
    widened = (_with_margins(Box(xmin, ymin, xmax, ymax), margins) for xmin, xmax, ymin, ymax in joined)
    return (
        [box for box in widened if not p.min_size or max(box.width, box.height) > p.min_size],
        [quad for quad in tilted if not p.min_size or np.ptp(quad, axis=0).max() > p.min_size],
    )


def _components(maps: ScoreMaps, parameters: CraftParameters) -> tuple[list[Integers], list[list[int]]]:
    """Find connected text, each widened as EasyOCR widens it.

    Returns:
        In map pixels: the corners of the smallest rectangles around what counts as text, [4, 2] each, clockwise from
        the top left; and the bounds of what is too small or too faint for that: first and last column and row as xmin,
        ymin, xmax, ymax.
    """
    region, affinity = maps.maps
    text = region > np.float32(parameters.low_text)
    linked = text | (affinity > np.float32(parameters.link_threshold))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(linked.view(np.uint8), connectivity=4)
    words, specks = [], []
    for number, (x, y, width, height, area) in enumerate(stats[1:].tolist(), 1):
        if area < (SPECK if parameters.attach_ths else SMALLEST_AREA):
            continue
        grown = int(math.sqrt(area * min(width, height) / (width * height)) * 2)
        left, top = max(x - grown, 0), max(y - grown, 0)
        window = np.s_[top : y + height + grown + 1, left : x + width + grown + 1]
        own = (labels[window] == number) & text[window]
        if not own.any():
            continue  # links alone
        wide = cv2.dilate(own.view(np.uint8), np.ones((1 + grown, 1 + grown), np.uint8))
        if area >= SMALLEST_AREA and region[window][own].max() >= np.float32(parameters.text_threshold):
            points = np.asarray(cv2.findNonZero(wide)).reshape(-1, 2)
            words.append(_rectangle(points + np.array([left, top])))
        else:
            x, y, width, height = cv2.boundingRect(wide)  # noqa: PLW2901
            specks.append([left + x, top + y, left + x + width - 1, top + y + height - 1])
    return words, specks


def _rectangle(points: Integers) -> Integers:
    """Return the corners of the smallest rectangle around points, upright where it is nearly a square."""
    corners = np.asarray(cv2.boxPoints(cv2.minAreaRect(points.astype(np.int32))), np.float32)
    sides = np.linalg.norm(corners[:2] - corners[1:3], axis=1)
    if abs(1 - sides.max() / (sides.min() + 1e-5)) <= 0.1:
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    return np.roll(corners, -int(corners.sum(axis=1).argmin()), 0)


def _slopes(corners: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the steeper slope of each rectangle's upper and lower side, as EasyOCR measures it."""
    x, y = corners[..., 0], corners[..., 1]
    up = (y[:, 1] - y[:, 0]) / np.maximum(10, x[:, 1] - x[:, 0])
    down = (y[:, 2] - y[:, 3]) / np.maximum(10, x[:, 2] - x[:, 3])
    return np.maximum(np.abs(up), np.abs(down))


def attach_small(boxes: NDArray[np.int32], specks: NDArray[np.int32], attach_ths: float) -> NDArray[np.int32]:
    """Join punctuation to the words it stands with.

    Args:
        boxes: [n, 4]: what counts as text: xmin, ymin, xmax, ymax.
        specks: [m, 4]: what is too small or too faint for that; it can only be joined to something.
        attach_ths: Largest gap, as a share of the height of the larger one.

    Returns:
        [k, 4]: the boxes, those that were small and found a word joined to it.
    """
    everything = np.concatenate([boxes, specks])
    if not len(boxes):
        return boxes
    height = (everything[:, 3] - everything[:, 1]).astype(float)
    middle = (everything[:, 1] + everything[:, 3]) / 2
    large = boxes.astype(float)
    large_height = height[: len(boxes)]
    gaps = np.maximum(everything[:, None, 0] - large[:, 2], large[:, 0] - everything[:, None, 2]) / (large_height + 1)
    in_line = (middle[:, None] > large[:, 1]) & (middle[:, None] < large[:, 3] + 0.2 * large_height)
    narrow = (everything[:, 2] - everything[:, 0])[:, None] <= SMALL * large_height
    can = in_line & narrow & (height[:, None] <= SMALL * large_height) & (gaps < attach_ths)
    gaps[~can] = np.inf
    nearest = gaps.argmin(axis=1)
    attached = np.isfinite(gaps[np.arange(len(everything)), nearest])
    result = boxes.copy()
    for small in np.flatnonzero(attached).tolist():
        target = nearest[small]
        while attached[target]:  # a point at a comma goes to the comma's word; each is lower than the next
            target = nearest[target]
        result[target, :2] = np.minimum(result[target, :2], everything[small, :2])
        result[target, 2:] = np.maximum(result[target, 2:], everything[small, 2:])
    return result[~attached[: len(boxes)]]


def _with_margins(box: Box, margins: tuple[float, float]) -> Box:
    shorter = min(box.width, box.height)
    across, down = int(margins[0] * shorter), int(margins[1] * shorter)
    return Box(box.xmin - across, box.ymin - down, box.xmax + across, box.ymax + down)

"""Word boxes out of CRAFT's region and affinity maps (arXiv 1904.01941), with EasyOCR's parameters and more.

    candidates = find_candidates(region, affinity, parameters.low_text, parameters.link_threshold)
    boxes = word_boxes(candidates, parameters, scale, page_size)

EasyOCR draws each component on a map of its own, widens it there and looks for its pixels: a pass over the page for
each word. Here all components are looked at in one pass: text pixels fall into horizontal runs, and a component's
widened outline follows from the ends of its runs. The boxes are the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from train_easyocr.detection.interface import ScoreMaps
from train_easyocr.detection.parameters import CraftParameters
from train_easyocr.documents.page import Box

Map = NDArray[Any]
"""float32, 0 to 1; or uint8, 0 to 255 for the same, which a search looks through faster."""
Floats = NDArray[np.float32]
Integers = NDArray[Any]  # OpenCV's stubs return arrays of any number
Corners = tuple[tuple[float, float], ...]
"""Four corners (x, y) in page pixels, clockwise from the top left."""

SMALLEST_AREA = 10
"""Map pixels; EasyOCR drops smaller components."""
SPECK = 3
"""Map pixels; what is smaller is not even punctuation."""
SMALL = 0.6
"""A component of at most this share of another one's height, such as punctuation, can be attached to it."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Connected text of a page's maps, before it is decided what counts as text.

    Attributes:
        areas: int32 [n]: map pixels, links included.
        peaks: float32 [n]: the highest region score, 0 to 1.
        bounds: int32 [n, 4]: upright bounds after widening, in map pixels: first and last column and row as xmin,
            ymin, xmax, ymax.
    """

    areas: Integers
    peaks: Floats
    bounds: Integers
    _points: Sequence[NDArray[np.int32]]
    _corners: dict[int, Floats] = field(default_factory=dict)

    def corners(self, numbers: Integers) -> Floats:
        """Return the smallest rectangles around some candidates, [m, 4, 2]: (x, y) clockwise from the top left.

        Each is computed once: there can be thousands of specks that nobody asks for.
        """
        for number in numbers.tolist():
            if number not in self._corners:
                self._corners[number] = _rectangle(self._points[number])
        found = [self._corners[number] for number in numbers.tolist()]
        return np.array(found, np.float32).reshape(-1, 4, 2)


def find_candidates(
    region: Map, affinity: Map, low_text: float, link_threshold: float, smallest: int = SPECK
) -> Candidates:
    """Find connected text and the smallest rectangle around each piece, widened as EasyOCR widens it.

    Args:
        region: [h, w]: how sure a pixel is to be in the middle of a character.
        affinity: [h, w]: how sure it is to be between two characters of a word.
        low_text: Region score above which a pixel is text.
        link_threshold: Affinity above which a pixel links text.
        smallest: Components of fewer pixels are left out.
    """
    text = _above(region, low_text)
    linked = text | _above(affinity, link_threshold)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(linked.view(np.uint8), connectivity=4)
    runs, names, tops = _runs(text, labels, region)
    peaks = np.full(count, -np.inf, np.float32)
    np.maximum.at(peaks, names, tops if region.dtype != np.uint8 else tops / np.float32(255))
    order = np.argsort(names, kind="stable")
    corners = _widened(runs, _iterations(stats)[names], region.shape)[order]
    places = np.searchsorted(names[order], np.arange(count + 1))
    wanted = (stats[:, cv2.CC_STAT_AREA] >= smallest) & np.isfinite(peaks)
    wanted[0] = False  # the background
    kept = np.flatnonzero(wanted)
    points = [corners[places[name] : places[name + 1]].reshape(-1, 2) for name in kept.tolist()]
    bounds = np.zeros((count, 4), np.int32)
    if len(runs):
        with_text = np.flatnonzero(np.diff(places))
        bounds[with_text, :2] = np.minimum.reduceat(corners.min(axis=1), places[with_text])
        bounds[with_text, 2:] = np.maximum.reduceat(corners.max(axis=1), places[with_text])
    return Candidates(stats[kept, cv2.CC_STAT_AREA], peaks[kept], bounds[kept], points)


def _above(scores: Map, threshold: float) -> NDArray[np.bool_]:
    above: NDArray[np.bool_] = scores > (int(threshold * 255) if scores.dtype == np.uint8 else np.float32(threshold))
    return above


def _runs(text: NDArray[np.bool_], labels: Integers, region: Map) -> tuple[Integers, Integers, Floats]:
    """Return the horizontal runs of text: [r, 3] row, first and last column; component; highest score."""
    width = text.shape[1]
    places = np.flatnonzero(text)
    begins = np.flatnonzero((np.diff(places, prepend=-2) != 1) | (places % width == 0))
    if not len(begins):
        return np.empty((0, 3), np.int64), np.empty(0, np.int64), np.empty(0, np.float32)
    first = places[begins]
    last = places[np.append(begins[1:], len(places)) - 1]
    tops: Floats = np.maximum.reduceat(region.ravel()[places], begins)
    return np.stack([first // width, first % width, last % width], axis=1), labels.ravel()[first], tops


def _iterations(stats: Integers) -> Integers:
    """Return by how many pixels EasyOCR widens each component in all."""
    width, height = stats[:, cv2.CC_STAT_WIDTH].astype(float), stats[:, cv2.CC_STAT_HEIGHT].astype(float)
    filled = stats[:, cv2.CC_STAT_AREA] * np.minimum(width, height) / np.maximum(width * height, 1)
    return (np.sqrt(filled) * 2).astype(np.int64)


def _widened(runs: Integers, iterations: Integers, shape: tuple[int, ...]) -> NDArray[np.int32]:
    """Return the corners of the runs, each dilated by a square of 1 + iterations pixels; [r, 4, 2], (x, y)."""
    after = (1 + iterations) // 2
    before = iterations - after
    top = np.maximum(runs[:, 0] - before, 0)
    bottom = np.minimum(runs[:, 0] + after, shape[0] - 1)
    left = np.maximum(runs[:, 1] - before, 0)
    right = np.minimum(runs[:, 2] + after, shape[1] - 1)
    corners = np.stack([left, top, right, top, right, bottom, left, bottom], axis=1)
    return corners.reshape(-1, 4, 2).astype(np.int32)


def _rectangle(points: NDArray[np.int32]) -> Floats:
    """Return the corners of the smallest rectangle around points, upright where it is nearly a square."""
    corners = np.asarray(cv2.boxPoints(cv2.minAreaRect(points)), np.float32)
    (x0, y0), (x1, y1), (x2, y2) = corners[:3].tolist()
    sides = math.hypot(x1 - x0, y1 - y0), math.hypot(x2 - x1, y2 - y1)
    if abs(1 - max(sides) / (min(sides) + 1e-5)) <= 0.1:
        left, top = points.min(axis=0).tolist()
        right, bottom = points.max(axis=0).tolist()
        return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    return np.roll(corners, -int(corners.sum(axis=1).argmin()), 0)


def craft_boxes(maps: ScoreMaps, parameters: CraftParameters) -> list[Box]:
    """Make word boxes of CRAFT's maps.

    Args:
        maps: [2, h, w]: region and affinity.
        parameters: With their defaults the boxes are EasyOCR's, cut to the page; tilted ones as upright boxes.

    Returns:
        Boxes with area, from the top down, then from the left.
    """
    region, affinity = maps.maps
    smallest = SPECK if parameters.attach_ths else SMALLEST_AREA
    candidates = find_candidates(region, affinity, parameters.low_text, parameters.link_threshold, smallest)
    return word_boxes(candidates, parameters, maps.scale, maps.page_size)


def word_boxes(
    candidates: Candidates, parameters: CraftParameters, scale: float, page_size: tuple[int, int]
) -> list[Box]:
    """Choose among candidates and make boxes of them, as `craft_boxes`.

    Args:
        candidates: Found with the parameters' `low_text` and `link_threshold`.
        parameters: The settings.
        scale: Page pixels per map pixel.
        page_size: Width and height of the page.
    """
    level, tilted = group(candidates, parameters, scale)
    upright = [
        Box(*(math.floor(min(axis)) for axis in zip(*corners, strict=True)),
            *(math.ceil(max(axis)) for axis in zip(*corners, strict=True)))
        for corners in tilted
    ]  # fmt: skip
    cut = (box.clipped(*page_size) for box in [*level, *upright])
    return sorted((box for box in cut if box.area), key=lambda box: (box.ymin, box.xmin))


def group(candidates: Candidates, parameters: CraftParameters, scale: float) -> tuple[list[Box], list[Corners]]:
    """Join candidates to words or lines, as EasyOCR's `group_text_box` does, and widen them by the margins.

    Returns:
        Level boxes and the corners of tilted ones, in page pixels; they can leave the page.
    """
    whole = (candidates.areas >= SMALLEST_AREA) & (candidates.peaks >= np.float32(parameters.text_threshold))
    # EasyOCR counts in whole pixels from here on.
    corners = (candidates.corners(np.flatnonzero(whole)) * np.float32(scale)).astype(np.int32)
    flat = _slopes(corners) < parameters.slope_ths
    level = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)[flat]
    if parameters.attach_ths:
        specks = (candidates.bounds[~whole] * np.float32(scale)).astype(np.int32)
        level = attach_small(level, specks, parameters.attach_ths)
    margins = parameters.margins
    joined = [_union(group) for line in _lines(level, parameters) for group in _neighbours(line, parameters)]
    widened = [box for box in (_with_margins(box, margins) for box in joined) if _is_large(box, parameters.min_size)]
    tilted = [_tilted_with_margins(quad, margins[0]) for quad in corners[~flat].tolist()]
    if parameters.min_size:
        tilted = [quad for quad in tilted if _extent(quad) > parameters.min_size]
    return widened, tilted


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


def _lines(boxes: NDArray[np.int32], parameters: CraftParameters) -> list[list[Box]]:
    """Split boxes into lines: from the top down, as long as a box's middle is near the mean of the line so far."""
    lines: list[list[Box]] = []
    middles = heights = 0.0
    for box in sorted((Box(*row) for row in boxes.tolist()), key=lambda box: box.ymin + box.ymax):
        middle = 0.5 * (box.ymin + box.ymax)
        if lines:
            count = len(lines[-1])
            if abs(middles / count - middle) < parameters.ycenter_ths * (heights / count):
                lines[-1].append(box)
                middles, heights = middles + middle, heights + box.height
                continue
        lines.append([box])
        middles, heights = middle, float(box.height)
    return lines


def _neighbours(line: Sequence[Box], parameters: CraftParameters) -> list[list[Box]]:
    """Split a line's boxes into groups to be joined: neighbours of about one height with a small gap."""
    groups: list[list[Box]] = []
    heights, right = 0.0, 0
    for box in sorted(line, key=lambda box: box.xmin):
        if groups:
            mean = heights / len(groups[-1])
            alike = abs(mean - box.height) < parameters.height_ths * mean
            if alike and box.xmin - right < parameters.width_ths * box.height:
                groups[-1].append(box)
                heights, right = heights + box.height, box.xmax
                continue
        groups.append([box])
        heights, right = float(box.height), box.xmax
    return groups


def _union(boxes: Sequence[Box]) -> Box:
    if len(boxes) == 1:
        return boxes[0]
    xmins, ymins, xmaxs, ymaxs = zip(*boxes, strict=True)
    return Box(min(xmins), min(ymins), max(xmaxs), max(ymaxs))


def _with_margins(box: Box, margins: tuple[float, float]) -> Box:
    shorter = min(box.width, box.height)
    across, down = int(margins[0] * shorter), int(margins[1] * shorter)
    return Box(box.xmin - across, box.ymin - down, box.xmax + across, box.ymax + down)


def _is_large(box: Box, min_size: int) -> bool:
    return not min_size or max(box.width, box.height) > min_size


def _tilted_with_margins(quad: list[list[int]], add_margin: float) -> Corners:
    """Widen a tilted rectangle along its diagonals, as EasyOCR does."""
    (x1, y1), (x2, y2), (x3, y3), (x4, y4) = quad
    shorter = min(math.hypot(x2 - x1, y2 - y1), math.hypot(x4 - x1, y4 - y1))
    margin = int(1.44 * add_margin * shorter)
    falling = abs(math.atan((y1 - y3) / max(10, x1 - x3)))
    rising = abs(math.atan((y2 - y4) / max(10, x2 - x4)))
    along, down = math.cos(falling) * margin, math.sin(falling) * margin
    along2, down2 = math.cos(rising) * margin, math.sin(rising) * margin
    return (x1 - along, y1 - down), (x2 + along2, y2 - down2), (x3 + along, y3 + down), (x4 - along2, y4 + down2)


def _extent(quad: Corners) -> float:
    xs, ys = zip(*quad, strict=True)
    return max(max(xs) - min(xs), max(ys) - min(ys))

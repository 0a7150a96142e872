"""What `db_light` is taught: a probability map of shrunken word boxes, and a threshold map around their edges.

DBNet shrinks by a share of the box's area over its perimeter (Vatti clipping) and grows what it finds by a share of the
found area over its perimeter. The two don't undo each other: with the paper's 0.4 and 1.5, a long word's box keeps
a sixth of its height when it is shrunken and comes back too small. Here a box is shrunken by just the distance by which
`unclip_distance`, with the default ratio, makes it grow again: what is found is as tight as the label, and a word of
any length keeps at least two fifths of its height.

All boxes are upright, so that all this has closed forms. Coordinates are those of edges: a map's pixel i reaches from i
to i + 1, its centre lies at i + 0.5.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

UNCLIP_RATIO = 1.5
"""det_db_unclip_ratio's default, for which boxes are shrunken."""
THRESHOLD_LOW, THRESHOLD_HIGH = 0.3, 0.7
"""The threshold map's values away from a word's edge and at it, as in DBNet."""
SMALLEST = 1.0
"""In map pixels: a word with a shorter side is neither taught nor held against the network. A hyphen of a page of 300
dots per inch that is read at 1,600 pixels is 1.4 high."""
TYPICAL_KERNEL, MOST = 72.0, 5
"""Map pixels of a usual word's shrunken box, and how much more a pixel of a smaller word can count than one of such a
word. The loss sums pixels, the score counts words: a lone hyphen has four pixels, and is a word like any other."""
AROUND = 3.0
"""Map pixels around a small word's box whose background counts as its pixels do. Else a network that does not know
whether a pixel is the word's would say so, and marks would grow fat and run into their neighbours."""
PROBABILITY, COUNTS, THRESHOLD, THRESHOLD_COUNTS = range(4)
"""The planes of the targets."""

Boxes = NDArray[np.floating[Any]]
Number = TypeVar("Number", float, NDArray[Any])


def unclip_distance(width: Number, height: Number, ratio: float) -> Number:
    """Return by how much DBNet lets a found box grow on every side: its area times `ratio` over its perimeter."""
    return width * height * ratio / (2 * (width + height))


def shrink_distance(width: Number, height: Number, ratio: float = UNCLIP_RATIO) -> Number:
    """Return by how much a box is shrunken on every side so that `unclip_distance` gives it back.

    It is the smaller root of (4r + 8) d^2 - 2 (r + 1) (w + h) d + r w h = 0. Never more than 0.3 of the shorter side
    for a ratio of 1.5 and a long box, 0.22 for a square.
    """
    half_b = (ratio + 1) * (width + height)
    a, c = 4 * ratio + 8, ratio * width * height
    # This form of the root loses no digits.
    return c / (half_b + (half_b * half_b - a * c) ** 0.5)


def db_targets(boxes: Boxes, ignored: Boxes, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Draw the targets of an image.

    Args:
        boxes: [n, 4] word boxes in map pixels, xmin, ymin, xmax, ymax. They can leave the map.
        ignored: [m, 4] areas in map pixels of which nothing is known. They stay out of the loss.
        shape: The map's height and width.

    Returns:
        uint8 [4, h, w]: the probability (0 or 1), how much a pixel counts for it (0: not at all; 1, or up to `MOST` in
        small words and around them), the threshold (0 to 255 for 0 to 1), whether a pixel counts for it (0 or 1).
    """
    targets = np.zeros((4, *shape), np.uint8)
    targets[COUNTS] = 1
    targets[THRESHOLD] = round(255 * THRESHOLD_LOW)
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    small = np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) < SMALLEST
    taught = boxes[~small]
    distances = shrink_distance(taught[:, 2] - taught[:, 0], taught[:, 3] - taught[:, 1])
    weights = _weights(taught, distances)
    for box, weight in zip(taught[weights > 1], weights[weights > 1].tolist(), strict=True):
        around = targets[COUNTS][_pixels(np.floor(box[:2] - AROUND), np.ceil(box[2:] + AROUND))]
        np.maximum(around, weight, out=around)
    for box, distance, weight in zip(taught, distances.tolist(), weights.tolist(), strict=True):
        kernel = _kernel(box, distance)
        targets[PROBABILITY][kernel] = 1
        targets[COUNTS][kernel] = weight
        _draw_edge(targets[THRESHOLD], targets[THRESHOLD_COUNTS], box, distance)
    for box in (*boxes[small], *np.asarray(ignored, np.float64).reshape(-1, 4)):
        area = _pixels(np.floor(box[:2]), np.ceil(box[2:]))
        targets[COUNTS][area] = 0
        targets[THRESHOLD_COUNTS][area] = 0
    return targets


def _pixels(low: NDArray[Any], high: NDArray[Any]) -> tuple[slice, slice]:
    """Return rows and columns from (x, y) `low` to `high`, that one not included; below 0 is nothing."""
    (left, top), (right, bottom) = np.maximum(low, 0).astype(int).tolist(), np.maximum(high, 0).astype(int).tolist()
    return slice(top, bottom), slice(left, right)


def _kernel(box: NDArray[Any], distance: float) -> tuple[slice, slice]:
    """Return the pixels whose centres lie in the shrunken box; at least one across and one down."""
    low, high = box[:2] + distance, box[2:] - distance
    first, end = np.ceil(low - 0.5), np.ceil(high - 0.5)
    middle = np.floor((low + high) / 2)
    none = end <= first
    return _pixels(np.where(none, middle, first), np.where(none, middle + 1, end))


def _weights(boxes: NDArray[Any], distances: NDArray[Any]) -> NDArray[np.uint8]:
    """Return how much a pixel of each word counts: between words alike (by area) and pixels alike, the root of that."""
    kernels = np.maximum(boxes[:, 2:] - boxes[:, :2] - 2 * distances[:, None], 1.0).prod(axis=1)
    return np.clip(np.rint((TYPICAL_KERNEL / kernels) ** 0.5), 1, MOST).astype(np.uint8)


def _draw_edge(threshold: NDArray[np.uint8], counts: NDArray[np.uint8], box: NDArray[Any], distance: float) -> None:
    """Draw the threshold around a box: highest at its edge, falling to the lowest at `distance` within and without."""
    area = _pixels(np.floor(box[:2] - distance), np.ceil(box[2:] + distance))
    part = threshold[area]
    if not part.size:
        return
    y = np.arange(area[0].start, area[0].start + part.shape[0]) + 0.5
    x = np.arange(area[1].start, area[1].start + part.shape[1]) + 0.5
    # Distances beyond each pair of edges, negative within.
    across, down = np.maximum(box[0] - x, x - box[2])[None, :], np.maximum(box[1] - y, y - box[3])[:, None]
    outside = np.hypot(np.maximum(across, 0), np.maximum(down, 0))
    apart = np.where(outside > 0, outside, -np.maximum(across, down))
    height = THRESHOLD_LOW + (THRESHOLD_HIGH - THRESHOLD_LOW) * np.clip(1 - apart / distance, 0, 1)
    np.maximum(part, np.rint(255 * height).astype(np.uint8), out=part)
    counts[area] = 1

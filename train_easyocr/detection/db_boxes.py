"""Word boxes out of `db_light`'s probability map, as DBNet makes them, for upright boxes.

Places above a threshold that touch are a word; its upright bounds grow by a distance that follows from their area and
perimeter. The parameters have the names and defaults that users of PaddleOCR know.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from train_easyocr.detection.db_targets import UNCLIP_RATIO, unclip_distance
from train_easyocr.detection.interface import DetectorParameters, ScoreMaps
from train_easyocr.documents.page import Box

Places: TypeAlias = NDArray[np.signedinteger[Any]]

THIN = 3
"""Map pixels: what is no wider in one direction is a mark (hyphen, colon, point): all edge, without an inside."""
SHORT = 6
"""Map pixels: a mark that is no longer than this has no inside in its length, either."""


class DbParameters(DetectorParameters):
    """How boxes are made of the probability map.

    Attributes:
        det_db_thresh: A place belongs to a word when its probability is above this.
        det_db_box_thresh: A word whose mean probability is below this is dropped; of marks, whose greatest is.
        det_db_unclip_ratio: A box grows on every side by its area times this over its perimeter. Labels are shrunken
            for 1.5; more gives wider boxes.
        use_dilation: Let the places above the threshold grow by a pixel first; joins what is broken.
        det_db_score_mode: A word's mean probability is that of its upright bounds (`fast`) or of its own places
            (`slow`).
        max_batch_size: Pages that the network takes at once.
    """

    det_db_thresh: float = Field(0.3, gt=0, lt=1)
    det_db_box_thresh: float = Field(0.6, ge=0, lt=1)
    det_db_unclip_ratio: float = Field(UNCLIP_RATIO, ge=0, le=5)
    use_dilation: bool = False
    det_db_score_mode: Literal["fast", "slow"] = "fast"
    max_batch_size: int = Field(10, ge=1)


def db_boxes(maps: ScoreMaps, parameters: DbParameters) -> list[Box]:
    """Make boxes of a probability map.

    Args:
        maps: With one map, float32 from 0 to 1.
        parameters: How.

    Returns:
        As `WordDetector.boxes`.
    """
    rows, columns = (int(np.ceil(side / maps.scale)) for side in maps.page_size[::-1])
    probability = np.ascontiguousarray(maps.maps[0, :rows, :columns])
    if not probability.size:
        return []
    above: NDArray[Any] = (probability > parameters.det_db_thresh).view(np.uint8)
    if parameters.use_dilation:
        above = cv2.dilate(above, np.ones((2, 2), np.uint8))
    _, places, found, _ = cv2.connectedComponentsWithStats(above, connectivity=8, ltype=cv2.CV_32S)
    bounds: NDArray[Any] = found[1:, :4]  # the first is what is not above the threshold
    sums = cv2.integral(probability, sdepth=cv2.CV_64F)
    if parameters.det_db_score_mode == "fast":
        scores = _mean_of_bounds(sums, bounds)
    else:
        scores = np.bincount(places.ravel(), probability.ravel())[1:] / found[1:, cv2.CC_STAT_AREA]
    # Half of a mark's places are at its edge, where the network can't know: their mean says little of the mark.
    peaks = cv2.integral((probability >= parameters.det_db_box_thresh).view(np.uint8))
    marks = bounds[:, 2:].min(axis=1) <= THIN
    sure = np.where(marks, _mean_of_bounds(peaks, bounds) > 0, scores >= parameters.det_db_box_thresh)
    edges = _edges(sums, bounds[sure])
    for place in np.flatnonzero(marks[sure]):
        edges[place] = _edges_of_mark(probability, bounds[sure][place], edges[place])
    return _grown(edges, maps, parameters.det_db_unclip_ratio)


def _sums_of(sums: NDArray[Any], left: Places, top: Places, right: Places, bottom: Places) -> NDArray[np.float64]:
    """Return a map's sums over rectangles, out of its integral."""
    total: NDArray[np.float64] = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return total


def _mean_of_bounds(sums: NDArray[Any], bounds: NDArray[Any]) -> NDArray[np.float64]:
    """Return the mean of a map in each of the bounds, [n, 4]: x, y, width, height."""
    x, y, width, height = bounds.T
    mean: NDArray[np.float64] = _sums_of(sums, x, y, x + width, y + height) / (width * height)
    return mean


def _edges(sums: NDArray[Any], bounds: NDArray[Any]) -> NDArray[np.float64]:
    """Find words' edges within map pixels.

    The network says of each pixel how likely its middle is in the word. So the sum across an edge is how many pixels
    of the word are to be expected there.

    Args:
        sums: The map's integral.
        bounds: [n, 4]: x, y, width, height, in map pixels.

    Returns:
        [n, 4]: left, top, right, bottom.
    """
    x, y, width, height = bounds.T
    rows, columns = (side - 1 for side in sums.shape)

    def column(number: Places) -> NDArray[np.float64]:
        inside = (number >= 0) & (number < columns)
        place = np.clip(number, 0, columns - 1)
        return np.where(inside, _sums_of(sums, place, y, place + 1, y + height), 0)

    def row(number: Places) -> NDArray[np.float64]:
        inside = (number >= 0) & (number < rows)
        place = np.clip(number, 0, rows - 1)
        return np.where(inside, _sums_of(sums, x, place, x + width, place + 1), 0)

    return np.stack(
        [
            x + _outer(column, x, 1),
            y + _outer(row, y, 1),
            x + width - _outer(column, x + width - 1, -1),
            y + height - _outer(row, y + height - 1, -1),
        ],
        axis=1,
    )


def _outer(line: Callable[[Places], NDArray[np.float64]], first: Places, inwards: int) -> NDArray[Any]:
    """Return how far inside its bounds a word begins, in map pixels; negative when it is outside.

    Args:
        line: The sum over a word's row or column.
        first: The outermost row or column of each word.
        inwards: 1 or -1: where the next one is.
    """
    lines = np.stack([line(first + inwards * place) for place in (-1, 0, 1)])
    # Measured against the inside. A mark has none: `_edges_of_mark` has the say there.
    whole = np.maximum(lines[1:].max(axis=0), 1e-6)
    expected: NDArray[np.float64] = np.minimum(1, lines / whole).sum(axis=0)
    return 2 - expected


def _edges_of_mark(
    probability: NDArray[np.float32], bounds: NDArray[Any], edges: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Find a mark's edges within map pixels.

    Where a mark is a row of pixels high and may be in either of two, both have half of the probability. So it is as
    high as the probabilities of a column in its middle sum up to, and as long as there are columns that it is in,
    whichever the row; but at least a pixel, as it is taught.

    Args:
        probability: The map.
        bounds: Of the mark: x, y, width, height, in map pixels.
        edges: What `_edges` says, left, top, right, bottom; kept along a mark that is long enough for it.
    """
    x, y, width, height = bounds.tolist()
    if height > width:
        return _edges_of_mark(probability.T, bounds[[1, 0, 3, 2]], edges[[1, 0, 3, 2]])[[1, 0, 3, 2]]
    left, top = max(0, x - 1), max(0, y - 1)
    part = probability[top : y + height + 1, left : x + width + 1]
    third = width // 3
    low, high = _extent(part[:, x - left + third : x - left + width - third].mean(axis=1))
    start, end = edges[[0, 2]]
    if width <= SHORT:
        start, end = left + np.array(_extent(np.minimum(1, part.sum(axis=0))))
    return np.array([start, top + low, end, top + high])


def _extent(expected: NDArray[Any]) -> tuple[float, float]:
    """Return from where to where something reaches that is in each pixel of a line with some probability."""
    total = float(expected.sum())
    middle = float((np.arange(len(expected)) + 0.5) @ expected) / total
    return middle - max(1.0, total) / 2, middle + max(1.0, total) / 2


def _grown(edges: NDArray[np.float64], maps: ScoreMaps, ratio: float) -> list[Box]:
    """Return boxes on the page that have grown out of edges on the map, in reading order."""
    size = edges[:, 2:] - edges[:, :2]
    distance = unclip_distance(size[:, 0], size[:, 1], ratio)[:, None]
    edges = np.hstack([edges[:, :2] - distance, edges[:, 2:] + distance]) * maps.scale
    edges = np.rint(np.clip(edges, 0, np.tile(maps.page_size, 2))).astype(int)
    edges = edges[(edges[:, 2:] > edges[:, :2]).all(axis=1)]
    return [Box(*edge) for edge in edges[np.lexsort((edges[:, 0], edges[:, 1]))].tolist()]

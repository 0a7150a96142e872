"""Word boxes out of `db_light`'s probability map, as DBNet makes them, for upright boxes.

Places above a threshold that touch are a word; its upright bounds grow by a distance that follows from their area and
perimeter. The parameters have the names and defaults that users of PaddleOCR know.
"""

from __future__ import annotations

from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from train_easyocr.detection.db_targets import UNCLIP_RATIO, unclip_distance
from train_easyocr.detection.interface import DetectorParameters, ScoreMaps
from train_easyocr.documents.page import Box


class DbParameters(DetectorParameters):
    """How boxes are made of the probability map.

    Attributes:
        det_db_thresh: A place belongs to a word when its probability is above this.
        det_db_box_thresh: A word whose mean probability is below this is dropped.
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
    if parameters.det_db_score_mode == "fast":
        scores = _mean_of_bounds(probability, bounds)
    else:
        scores = np.bincount(places.ravel(), probability.ravel())[1:] / found[1:, cv2.CC_STAT_AREA]
    return _grown(bounds[scores >= parameters.det_db_box_thresh], maps, parameters.det_db_unclip_ratio)


def _mean_of_bounds(probability: NDArray[np.float32], bounds: NDArray[Any]) -> NDArray[np.float64]:
    """Return the mean of a map in each of the bounds, [n, 4]: x, y, width, height."""
    sums = cv2.integral(probability, sdepth=cv2.CV_64F)
    x, y, width, height = bounds.T
    total = sums[y + height, x + width] - sums[y, x + width] - sums[y + height, x] + sums[y, x]
    mean: NDArray[np.float64] = total / (width * height)
    return mean


def _grown(bounds: NDArray[Any], maps: ScoreMaps, ratio: float) -> list[Box]:
    """Return boxes on the page that have grown out of bounds on the map, in reading order."""
    corner, size = bounds[:, :2].astype(np.float64), bounds[:, 2:].astype(np.float64)
    distance = unclip_distance(size[:, 0], size[:, 1], ratio)[:, None]
    edges = np.hstack([corner - distance, corner + size + distance]) * maps.scale
    edges = np.rint(np.clip(edges, 0, np.tile(maps.page_size, 2))).astype(int)
    edges = edges[(edges[:, 2:] > edges[:, :2]).all(axis=1)]
    return [Box(*edge) for edge in edges[np.lexsort((edges[:, 0], edges[:, 1]))].tolist()]

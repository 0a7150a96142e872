"""Words that a detector finds in two views of a page: as it is, and a little smaller and turned.

What it finds at the same place in both may be taken for a word without anybody's label. Where the two differ, nobody
knows. Coordinates are those of edges: pixel i reaches from i to i + 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from train_easyocr.datasets.coverage import without_label
from train_easyocr.detection.db_detector import DbDetector
from train_easyocr.detection.scaling import reading_scale
from train_easyocr.documents.page import Box

TURN, SCALE = 1.5, 0.9
"""Degrees, and the scale in relation to that of reading, of the second view: within what training shows."""
AGREEING = 0.7
"""Intersection over union, at least, of a word's boxes in both views."""
DOUBTFUL = 0.3
"""Mean probability (`det_db_box_thresh`) from which on a place may be a word."""


@dataclass(frozen=True)
class FoundTwice:
    """What two views of a page show.

    Attributes:
        agreed: The boxes of words that both show, as the page itself does.
        doubtful: Where one view alone shows a word, or either is not sure.
    """

    agreed: list[Box]
    doubtful: list[Box]


def find_twice(detector: DbDetector, page: NDArray[np.uint8], labelled: Iterable[Box] = ()) -> FoundTwice:
    """Find the words of a page that no label covers by half.

    Args:
        detector: Its parameters say how sure it must be of a word.
        page: uint8 [H, W], grey.
        labelled: Where labels are.
    """
    height, width = page.shape
    view, matrix = second_view(page, SCALE * reading_scale(width, height, detector.long_side))
    first, second = detector.score_maps_of([page, view])
    unsure = detector.with_parameters(detector.parameters.model_copy(update={"det_db_box_thresh": DOUBTFUL}))
    here = detector.boxes(first)
    there, perhaps = (mapped_back(one.boxes(second), matrix, width, height) for one in (detector, unsure))
    both = [box for box, alike in zip(here, _agree(here, there), strict=True) if alike]
    taken = set(both)
    others = [box for box in unsure.boxes(first) if box not in taken]
    others += [box for box, alike in zip(perhaps, _agree(perhaps, both), strict=True) if box.area and not alike]
    labels = list(labelled)
    agreed = without_label(both, labels, width, height)
    return FoundTwice(agreed, without_label(others, [*labels, *agreed], width, height))


def second_view(page: NDArray[np.uint8], scale: float) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Scale a page and turn it around its middle by `TURN`.

    Args:
        page: uint8 [H, W], grey.
        scale: By what, at most 1.

    Returns:
        The view, which holds all of the page, and the affine map [2, 3] of the page onto it.
    """
    small = cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    cosine, sine = math.cos(math.radians(TURN)), math.sin(math.radians(TURN))
    turn = np.array([[cosine, sine], [-sine, cosine]])
    sides = np.array(small.shape[::-1], float)
    size = np.ceil(np.abs(turn) @ sides)
    shift = size / 2 - turn @ (sides / 2)
    # OpenCV counts from the middle of the first pixel, half a pixel further in.
    affine = np.column_stack([turn, shift + turn @ np.array([0.5, 0.5]) - 0.5])
    target = size.astype(int).tolist()
    view = cv2.warpAffine(small, affine, target, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return view, np.column_stack([scale * turn, shift])  # type: ignore[return-value]


def mapped_back(boxes: Sequence[Box], matrix: NDArray[np.float64], width: int, height: int) -> list[Box]:
    """Return the upright boxes on a page whose upright bounds in a view of it are these.

    Args:
        boxes: In the view.
        matrix: The affine map [2, 3] of the page onto the view.
        width: Of the page; what leaves it is cut off, and can have no area then.
        height: Likewise.
    """
    found = np.array(boxes, float).reshape(-1, 4)
    linear, shift = matrix[:, :2], matrix[:, 2]
    middles = ((found[:, :2] + found[:, 2:]) / 2 - shift) @ np.linalg.inv(linear).T
    # Of an upright box, the bounds' sides are a linear map of its own; of lines too flat for that a pixel is left.
    sides = np.maximum((found[:, 2:] - found[:, :2]) @ np.linalg.inv(np.abs(linear)).T, 1)
    edges = np.rint(np.clip(np.hstack([middles - sides / 2, middles + sides / 2]), 0, [width, height] * 2))
    return [Box(*edge) for edge in edges.astype(int).tolist()]


def _agree(boxes: Sequence[Box], others: Sequence[Box]) -> NDArray[np.bool_]:
    """Tell for each box whether one of the others is nearly the same."""
    one, other = (np.array(each, np.int64).reshape(-1, 4) for each in (boxes, others))
    inner = np.minimum(one[:, None, 2:], other[None, :, 2:]) - np.maximum(one[:, None, :2], other[None, :, :2])
    common = np.maximum(inner, 0).prod(2)
    union = _areas(one)[:, None] + _areas(other) - common
    agreeing: NDArray[np.bool_] = ((common >= AGREEING * union) & (common > 0)).any(1)
    return agreeing


def _areas(boxes: NDArray[np.int64]) -> NDArray[Any]:
    areas: NDArray[Any] = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    return areas

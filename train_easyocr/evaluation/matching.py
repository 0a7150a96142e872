"""Which prediction belongs to which label: one to one, by the overlap of their boxes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from train_easyocr.documents import Box

LARGEST_COORDINATE = 2**29
"""In pixels. Up to here the sum of two areas fits into 64 bits, so that the comparison with the threshold is exact."""

_ROWS_AT_ONCE = 1024
"""Labels compared with all predictions at once; bounds the memory on pages of many thousand words."""

Integers = NDArray[np.int64]


def box_array(boxes: Sequence[Box]) -> Integers:
    """Return boxes as one array.

    Args:
        boxes: Boxes in pixels; they can leave the page, be empty or turned inside out.

    Returns:
        [n, 4]: xmin, ymin, xmax, ymax.

    Raises:
        ValueError: A coordinate is not within -2**29 .. 2**29.
    """
    try:
        array = np.array(boxes, dtype=np.int64).reshape(-1, 4)
    except OverflowError:
        array = np.full((1, 4), LARGEST_COORDINATE + 1)
    if array.size and (array.max() > LARGEST_COORDINATE or array.min() < -LARGEST_COORDINATE):
        raise ValueError(f"a box has a coordinate beyond {LARGEST_COORDINATE} pixels")
    return array


def match(labels: Sequence[Box], predictions: Sequence[Box]) -> list[tuple[int, int]]:
    """Match predictions to labels one to one, highest intersection over union (IoU) first, where it is at least 0.5.

    Of equal IoUs the earlier label goes first, then the earlier prediction. The threshold is exact: areas are integers,
    and a pair counts where twice its intersection reaches its union. A box without area matches nothing.

    Args:
        labels: The labelled boxes.
        predictions: The predicted boxes.

    Returns:
        (label index, prediction index) of each pair, by label index.

    Raises:
        ValueError: A coordinate is not within -2**29 .. 2**29.
    """
    rows, columns, overlap = _candidates(box_array(labels), box_array(predictions))
    order = np.lexsort((columns, rows, -overlap))
    taken_labels: set[int] = set()
    taken_predictions: set[int] = set()
    pairs = []
    for label, prediction in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if label not in taken_labels and prediction not in taken_predictions:
            taken_labels.add(label)
            taken_predictions.add(prediction)
            pairs.append((label, prediction))
    return sorted(pairs)


def _candidates(labels: Integers, predictions: Integers) -> tuple[Integers, Integers, NDArray[np.float64]]:
    """Return the label indices, prediction indices and IoUs of all pairs with an IoU of at least 0.5."""
    blocks = [
        _block(labels[start : start + _ROWS_AT_ONCE], predictions, start)
        for start in range(0, max(1, len(labels)), _ROWS_AT_ONCE)
    ]
    rows, columns, overlap = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    return rows, columns, overlap


def _block(labels: Integers, predictions: Integers, start: int) -> tuple[Integers, Integers, NDArray[np.float64]]:
    upper = np.minimum(labels[:, None, 2:], predictions[None, :, 2:])
    lower = np.maximum(labels[:, None, :2], predictions[None, :, :2])
    sides = np.maximum(upper - lower, 0)
    intersection = sides[..., 0] * sides[..., 1]
    union = _areas(labels)[:, None] + _areas(predictions)[None, :] - intersection
    rows, columns = np.nonzero((intersection > 0) & (2 * intersection >= union))
    overlap = intersection[rows, columns] / union[rows, columns]
    return rows + start, columns, overlap


def _areas(boxes: Integers) -> Integers:
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    areas: Integers = sides[:, 0] * sides[:, 1]
    return areas

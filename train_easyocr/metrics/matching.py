"""Which prediction belongs to which label: one to one, by the overlap of their boxes; and what does not count at all.

Upright boxes are compared in whole numbers, exactly. Where one of a pair lies tilted their polygons are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from train_easyocr.documents import Box, Quad, Shape, Word
from train_easyocr.documents.aihub import LabelError
from train_easyocr.documents.page import bounds
from train_easyocr.documents.sources import Source

LARGEST_COORDINATE = 2**29
"""In pixels. Up to here the sum of two areas fits into 64 bits, so that the comparison with the threshold is exact."""

_ROWS_AT_ONCE = 1024
"""Labels compared with all predictions at once; bounds the memory on pages of many thousand words."""
_DIGITS = 9
"""To which shares of polygons are rounded: the last bits of their areas must not decide about a half."""
_NOWHERE = Box(0, 0, 0, 0)

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


def check_labels(file: Path | Source | str, words: Iterable[Word]) -> None:
    """Refuse labels that can't be matched; raises LabelError naming their file."""
    try:
        box_array([word.box for word in words])
    except ValueError as error:
        raise LabelError(file, str(error)) from error


@dataclass(frozen=True, slots=True)
class Counted:
    """What of a page counts.

    Attributes:
        labels: Indices of the labels that are to be read: those that are not don't care.
        predictions: Indices of the predictions that count.
        pairs: The matched ones, as places in these two lists, by label.
    """

    labels: list[int]
    predictions: list[int]
    pairs: list[tuple[int, int]]


def counted(labels: Sequence[Word], predictions: Sequence[Word]) -> Counted:
    """Match a page's predictions to its labels, and leave out what lies in don't-care regions.

    A don't-care label is not to be found. A prediction that matches no label does not count where more than half of
    its area lies in don't-care regions, in all of them together. (The ICDAR competitions' script asks each region by
    itself, and before it matches.)

    Args:
        labels: The labelled words, don't-care ones, too.
        predictions: The words read.

    Raises:
        ValueError: A coordinate is not within -2**29 .. 2**29.
    """
    wanted = [number for number, word in enumerate(labels) if not word.dont_care]
    shapes = [word.shape for word in predictions]
    pairs = match([labels[number].shape for number in wanted], shapes)
    kept = list(range(len(shapes)))
    if len(wanted) < len(labels):
        inside = in_dont_care(shapes, [word.shape for word in labels if word.dont_care])
        matched = {prediction for _, prediction in pairs}
        kept = [number for number in kept if number in matched or not inside[number]]
        places = {number: place for place, number in enumerate(kept)}
        pairs = [(label, places[prediction]) for label, prediction in pairs]
    return Counted(wanted, kept, pairs)


def in_dont_care(predictions: Sequence[Shape], regions: Sequence[Shape]) -> NDArray[np.bool_]:
    """Tell for each prediction whether more than half of its area lies in some regions."""
    shapes = polygons(predictions)
    areas = shapely.area(shapes)
    covered = shapely.area(shapely.intersection(shapes, shapely.union_all(polygons(regions))))
    inside: NDArray[np.bool_] = np.round(covered / np.maximum(areas, 1e-9), _DIGITS) > 0.5
    return inside


def polygons(shapes: Sequence[Shape]) -> NDArray[np.object_]:
    """Return shapes as polygons; what has no area has none as a polygon."""
    rings = np.array([shape.ordered if isinstance(shape, Quad) else _corners(shape) for shape in shapes], float)
    shaped = shapely.polygons(rings.reshape(-1, 4, 2))
    found: NDArray[np.object_] = shapely.make_valid(shaped, method="structure", keep_collapsed=False)
    return found


def _corners(box: Box) -> Quad:
    box = box if box.area else _NOWHERE
    return Quad((box.xmin, box.ymin), (box.xmax, box.ymin), (box.xmax, box.ymax), (box.xmin, box.ymax))


def match(labels: Sequence[Shape], predictions: Sequence[Shape]) -> list[tuple[int, int]]:
    """Match predictions to labels one to one, highest intersection over union (IoU) first, where it is at least 0.5.

    Of equal IoUs the earlier label goes first, then the earlier prediction. The threshold is exact for upright boxes:
    areas are integers, and a pair counts where twice its intersection reaches its union. A box without area matches
    nothing.

    Args:
        labels: The labelled boxes or tilted regions.
        predictions: The predicted ones.

    Returns:
        (label index, prediction index) of each pair, by label index.

    Raises:
        ValueError: A coordinate is not within -2**29 .. 2**29.
    """
    found = [_candidates(_upright(labels), _upright(predictions))]
    if any(isinstance(shape, Quad) for shape in (*labels, *predictions)):
        found.append(_tilted_candidates(labels, predictions))
    rows, columns, overlap = (np.concatenate(parts) for parts in zip(*found, strict=True))
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


def _upright(shapes: Sequence[Shape]) -> Integers:
    """Return the upright boxes in their places, as `box_array`; in those of tilted regions is nothing."""
    return box_array([_NOWHERE if isinstance(shape, Quad) else shape for shape in shapes])


def _tilted_candidates(
    labels: Sequence[Shape], predictions: Sequence[Shape]
) -> tuple[Integers, Integers, NDArray[np.float64]]:
    """Return what `_candidates` returns, of the pairs that are not both upright."""
    box_array([bounds(shape) for shape in (*labels, *predictions)])
    tilted, others = (np.array([isinstance(s, Quad) for s in shapes], bool) for shapes in (labels, predictions))
    left, right = polygons(labels), polygons(predictions)
    rows, columns = shapely.STRtree(right).query(left)
    mixed = tilted[rows] | others[columns]
    rows, columns = rows[mixed], columns[mixed]
    common = shapely.area(shapely.intersection(left[rows], right[columns]))
    union = shapely.area(left[rows]) + shapely.area(right[columns]) - common
    overlap = np.round(common / np.maximum(union, 1e-9), _DIGITS)
    near = overlap >= 0.5
    return rows[near], columns[near], overlap[near]


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

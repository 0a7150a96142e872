"""From a page to what a network is trained on: a square piece at a random scale, a little turned, with its words.

Coordinates are those of edges: pixel i reaches from i to i + 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from train_easyocr.detection.page_augmentation import spoil
from train_easyocr.detection.pages import PageLabels
from train_easyocr.detection.scaling import reading_scale

ON_A_WORD = 0.8
"""The share of pieces whose middle lies on a word; the others lie anywhere on the page."""
SCALES = (0.65, 1.5)
"""How far the scale differs from that of reading, at a strength of 1."""
TURNED, TURN = 0.5, 1.0
"""The share of pieces that are turned, and by how much: standard deviation in degrees, at a strength of 1."""


@dataclass(frozen=True)
class Crop:
    """A piece of a page.

    Attributes:
        image: uint8 [size, size], grey.
        boxes: float [n, 4], words that are wholly on it, in its pixels.
        ignored: float [m, 4], where something is that is not known: bad labels, and words that the edge cuts.
    """

    image: NDArray[np.uint8]
    boxes: NDArray[np.float64]
    ignored: NDArray[np.float64]


def random_crop(
    page: NDArray[np.uint8],
    labels: PageLabels,
    *,
    size: int,
    long_side: int,
    strength: float,
    random: np.random.Generator,
) -> Crop:
    """Cut a piece out of a page.

    Args:
        page: uint8 [H, W], grey.
        labels: The page's labels.
        size: Side of the piece in pixels.
        long_side: The page's longer side in pixels when it is read.
        strength: How much pieces differ in scale, turn and print; 0: as they are read.
        random: The sample's random numbers.
    """
    height, width = page.shape
    low, high = (strength * math.log(factor) for factor in SCALES)
    scale = reading_scale(width, height, long_side) * math.exp(random.uniform(low, high))
    turned, degrees = random.random() < TURNED, float(np.clip(random.normal(0, TURN), -2.5, 2.5)) * strength
    middle = _middle(labels.boxes, width, height, size / scale, random)
    image, matrix = _cut(page, _placement(middle, scale, degrees if turned else 0.0, size), scale, size)
    crop = _with_words(image, labels, matrix, (width, height), size)
    if strength:
        spoilt = spoil(crop.image, crop.boxes, crop.ignored, strength, random)
        crop = Crop(spoilt.image, np.vstack([crop.boxes, spoilt.boxes]), crop.ignored)
    return crop


def _middle(
    boxes: NDArray[Any], width: int, height: int, side: float, random: np.random.Generator
) -> NDArray[np.float64]:
    """Draw where on the page (x, y) a piece has its middle; it leaves the page no further than it must."""
    on_word, place, which = random.random(), random.uniform(0, 1, 2), random.random()
    page = np.array([width, height], float)
    middle = place * page
    if len(boxes) and on_word < ON_A_WORD:
        box = boxes[int(which * len(boxes))]
        middle = (box[:2] + box[2:]) / 2 + (place - 0.5) * side * 0.8
    half = np.minimum(side / 2, page / 2)
    return np.clip(middle, half, page - half)


def _placement(middle: NDArray[Any], scale: float, degrees: float, size: int) -> NDArray[np.float64]:
    """Return the affine map [2, 3] of the page onto the piece."""
    angle = math.radians(degrees)
    linear = scale * np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    return np.column_stack([linear, size / 2 - linear @ middle])


def _cut(
    page: NDArray[np.uint8], matrix: NDArray[np.float64], scale: float, size: int
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Bring a part of the page onto the piece: scaled as reading scales, then turned.

    Returns:
        The piece, and the map that was used: a piece that is not turned is moved by a part of a pixel, so that its
        pixels are as sharp as those of a page that is read.
    """
    corners = np.array([[0, 0], [size, 0], [0, size], [size, size]], float)
    linear = matrix[:, :2]
    on_page = (corners - matrix[:, 2]) @ np.linalg.inv(linear).T
    (left, top), (right, bottom) = np.floor(on_page.min(0)) - 4, np.ceil(on_page.max(0)) + 4
    x, y = (int(np.clip(value, 0, side - 1)) for value, side in ((left, page.shape[1]), (top, page.shape[0])))
    part = page[y : max(y + 1, int(bottom)), x : max(x + 1, int(right))]
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(part, None, fx=scale, fy=scale, interpolation=method)
    turn, shift = linear / scale, linear @ np.array([x, y]) + matrix[:, 2]
    if not turn[0, 1]:
        matrix = matrix + np.column_stack([np.zeros((2, 2)), np.rint(shift) - shift])
        shift = np.rint(shift)
    # OpenCV counts from the middle of the first pixel, half a pixel further in.
    affine = np.column_stack([turn, shift + turn @ np.array([0.5, 0.5]) - 0.5])
    piece = cv2.warpAffine(small, affine, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return piece, matrix  # type: ignore[return-value]


def _with_words(
    image: NDArray[np.uint8], labels: PageLabels, matrix: NDArray[Any], page: tuple[int, int], size: int
) -> Crop:
    """Find the words of a piece; those that its edge cuts are left out of the loss."""
    on_page = np.clip(labels.boxes, 0, np.tile(page, 2))
    boxes = _moved(on_page, matrix)
    whole = (boxes[:, :2] > -1).all(1) & (boxes[:, 2:] < size + 1).all(1)
    cut = ~whole & (boxes[:, :2] < size).all(1) & (boxes[:, 2:] > 0).all(1)
    unusable = _moved(labels.unusable, matrix)
    return Crop(image, boxes[whole], np.vstack([boxes[cut], unusable]))


def _moved(boxes: NDArray[Any], matrix: NDArray[Any]) -> NDArray[np.float64]:
    """Return the upright bounds of boxes on the piece."""
    corners = np.stack([boxes[:, [x, y]] for x, y in ((0, 1), (2, 1), (2, 3), (0, 3))], 1)
    moved = corners @ matrix[:, :2].T + matrix[:, 2]
    return np.concatenate([moved.min(1), moved.max(1)], 1)

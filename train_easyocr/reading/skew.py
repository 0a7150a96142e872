"""By how many degrees the lines of a page are skewed, and the page straightened."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from train_easyocr.documents.page import Quad, Shape, bounds
from train_easyocr.reading.words import Pixels

MOST = 7.0
"""Degrees; what is skewed further is no scan of a page that was laid in badly."""
LEAST_PAIRS = 30
"""Pairs of neighbours below which a page says nothing about its skew."""
ALIKE = 1.25
"""How many times as high one of two neighbours is, at most: a point's middle lies lower than a syllable's."""
REACH = 12.0
"""Letter heights from a word to those of the same line that it is compared with."""
AGREEING = 1.0
"""Degrees around the middle within which one half of the pairs has to lie."""


def skew_of(shapes: Sequence[Shape]) -> float:
    """Return how far the lines of a page descend to the right, in degrees; 0 where its words don't say.

    Words are compared with those to the right of them that are about as high: what lies within a slope of `MOST` is
    taken for the same line, and the median of the slopes, the long ones counting more, for the skew.
    """
    boxes = np.array([bounds(shape) for shape in shapes], np.float64).reshape(-1, 4)
    boxes = boxes[boxes[:, 2] - boxes[:, 0] >= boxes[:, 3] - boxes[:, 1]]
    if len(boxes) < 2:
        return 0.0
    # A skewed word's upright box is as much higher as it is wide; the letters' height is what is left.
    x, y = (boxes[:, :2] + boxes[:, 2:]).T / 2
    height = boxes[:, 3] - boxes[:, 1]
    across, down = x[None] - x[:, None], y[None] - y[:, None]
    lower = np.minimum(height[None], height[:, None])
    higher = np.maximum(height[None], height[:, None])
    near = (across > lower) & (across < REACH * lower) & (higher <= ALIKE * lower)
    near &= np.abs(down) <= across * math.tan(math.radians(MOST)) + 1
    near &= np.abs(down) < 0.9 * lower
    slopes = np.degrees(np.arctan2(down[near], across[near]))
    if len(slopes) < LEAST_PAIRS:
        return 0.0
    middle = _median(slopes, across[near])
    agreeing = np.abs(slopes - middle) <= AGREEING
    if agreeing.mean() < 0.5 or abs(middle) > MOST:
        return 0.0
    return _median(slopes[agreeing], across[near][agreeing])


def _median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, reached[-1] / 2)])


class Straightening:
    """Turns a page so that its lines are level, and what was found there back.

    Args:
        size: Width and height of the page in pixels.
        skew: As `skew_of` returns it.
    """

    def __init__(self, size: tuple[int, int], skew: float) -> None:
        width, height = size
        turn = math.radians(skew)
        cosine, sine = math.cos(turn), math.sin(turn)
        self.size = (
            math.ceil(width * cosine + height * abs(sine)),
            math.ceil(height * cosine + width * abs(sine)),
        )
        linear = np.array([[cosine, sine], [-sine, cosine]])
        offset = np.array(self.size) / 2 - linear @ (np.array(size) / 2)
        self._matrix = np.column_stack([linear, offset])
        self._page = size

    def straight(self, image: Pixels) -> Pixels:
        """Return the page, [h, w] or [h, w, 3], straightened; nothing of it is lost, its edges go on beyond it."""
        # OpenCV counts from the middle of the first pixel, boxes from its corner.
        matrix = self._matrix.copy()
        matrix[:, 2] += self._matrix[:, :2].sum(axis=1) / 2 - 0.5
        return cv2.warpAffine(image, matrix, self.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(
            np.uint8, copy=False
        )

    def back(self, shape: Shape) -> Quad:
        """Return where on the page a shape of the straightened one lies, its corners clockwise from the top left."""
        linear, offset = self._matrix[:, :2], self._matrix[:, 2]
        corners = (np.array(quad_of(shape)) - offset) @ linear  # the inverse of a rotation is its transpose
        corners = np.clip(corners, 0, self._page).round(2)
        return Quad(*((x, y) for x, y in corners.tolist()))


def quad_of(shape: Shape) -> Quad:
    """Return the corners of a shape, clockwise from the top left of an upright box."""
    if isinstance(shape, Quad):
        return shape
    xmin, ymin, xmax, ymax = map(float, shape)
    return Quad((xmin, ymin), (xmax, ymin), (xmax, ymax), (xmin, ymax))

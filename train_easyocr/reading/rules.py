"""Ruling lines of a page: what tells a table from columns of text.

Found by morphological opening: what stays of the ink after only runs longer than any stroke of print are kept.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

SHORTEST = 2.2
"""Least length of a rule, in heights of a word's box; a dash is as long as one or two syllables."""
THICKEST = 0.5
"""Greatest thickness, in the same unit; what is thicker is a picture or a shaded cell."""
DARKER = 0.07
"""Contrast of a rule: how much darker it is than what is around it, in white."""

Lines = NDArray[np.float64]


class Rules(NamedTuple):
    """Ruling lines, in pixels.

    Attributes:
        horizontal: [n, 3]: y, the first x, the last x.
        vertical: [n, 3]: x, the first y, the last y.
    """

    horizontal: Lines
    vertical: Lines


NO_RULES = Rules(np.zeros((0, 3)), np.zeros((0, 3)))


def find_rules(grey: NDArray[np.uint8], height: float) -> Rules:
    """Find the ruling lines of a page.

    Args:
        grey: The page, [h, w].
        height: Typical height of a word's box in pixels.
    """
    shortest = SHORTEST * height
    half = 2 if shortest >= 60 else 1  # at half size nothing is lost where print is large
    if half > 1:
        grey = np.ascontiguousarray(cv2.erode(grey, np.ones((half, half), np.uint8))[::half, ::half])
    around = 2 * round(height / half) + 1
    white, below = 255, round(DARKER * 255)
    ink = cv2.adaptiveThreshold(grey, white, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, around, below)
    length = max(3, round(shortest / half))
    level = _runs(ink, length)
    upright = _runs(np.ascontiguousarray(ink.T), length)
    return Rules(*(_as_lines(mask, THICKEST * height / half) * half for mask in (level, upright)))


def _runs(ink: Any, length: int) -> NDArray[np.uint8]:
    """Keep horizontal runs of some length; those of a rule that is a little skewed or broken are joined."""
    thick = cv2.dilate(ink, np.ones((3, 1), np.uint8))
    kept = cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    return np.asarray(cv2.morphologyEx(kept, cv2.MORPH_CLOSE, np.ones((3, max(3, length // 2)), np.uint8)), np.uint8)


def _as_lines(mask: NDArray[np.uint8], thickest: float) -> Lines:
    """Return the middle, begin and end of each run."""
    _, _, found, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    x, y, width, height = (found[1:, column].astype(float) for column in range(4))
    thin = height <= np.maximum(thickest, 0.03 * width)  # skewed ones are as high as they rise
    edge = (x <= 1) | (x + width >= mask.shape[1] - 1)  # a fold, or a streak of the scanner
    return np.stack([y + height / 2, x, x + width], axis=1)[thin & ~edge]

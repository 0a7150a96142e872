"""At which size `db_light` reads a page, and how its maps lie on it."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

STRIDE = 2
"""Input pixels per map pixel."""
MULTIPLE = 32
"""Height and width of the input are multiples of this."""


def reading_scale(width: int, height: int, long_side: int) -> float:
    """Return by what a page is scaled before it is read; it is never enlarged."""
    return min(1.0, long_side / max(width, height, 1))


def whole_page(page: NDArray[np.uint8], long_side: int, multiple: int) -> tuple[NDArray[np.uint8], float]:
    """Scale a page for reading.

    Args:
        page: uint8 [H, W], grey.
        long_side: The longer side in pixels that a larger page is scaled to.
        multiple: Height and width become multiples of this, filled up with the last row and column.

    Returns:
        The scaled page, and by what it was scaled.
    """
    height, width = page.shape
    scale = reading_scale(width, height, long_side)
    least = math.ceil(1 / scale)
    if min(height, width) < least:  # nothing would be left of a strip
        page = np.pad(page, ((0, max(0, least - height)), (0, max(0, least - width))), mode="edge")
    # With dsize given, OpenCV would stretch each side to whole pixels by a scale of its own.
    small = cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else page
    bottom, right = (-side % multiple for side in small.shape)
    return cv2.copyMakeBorder(small, 0, bottom, 0, right, cv2.BORDER_REPLICATE), scale  # type: ignore[return-value]

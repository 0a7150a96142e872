"""Whether a box shows any print: what tells labels that lie beside it, whatever put them there.

Swapped or foreign coordinates, an orientation that was followed by one program and not by another, the wrong image of
two: the boxes are sound in themselves, but many of them lie on bare paper.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from train_easyocr.documents.page import Box

BESIDE_PRINT = "labels that lie beside the print"
SURE_CONTRAST = 64
"""Grey levels between the darkest and the lightest pixel that are print for sure; 12,500 words of 40 documents have 79
at least, in scans with grain, and bare paper there has up to 50."""
LEAST_CONTRAST = 24
"""Grey levels that faint print keeps when the grain is smoothed away, which then is below 20."""
EDGE = 2
"""Pixels around a box that are looked at with it: a hyphen or ■ can fill its box, which then is of one grey."""
WIDEST_MEAN = 5
"""Pixels to a side over which grain is smoothed."""
SIDE_PER_MEAN = 6
"""A box's shorter side in units of that width: smoothing may not wipe out the points and hyphens of small print."""
MOST_BLANK = 0.05
"""Share of a page's boxes that may show no ink. Of 104 good pages (20 real documents in three looks, 44 rendered ones),
one with broken strokes had most: 0.016, hyphens that are gone. With x and y of its labels swapped 101 of them had more,
with the image turned or mirrored 708 of 728."""
FEW_BLANK = 2
"""So many may be blank on a page of few words, if others are not."""


def is_blank(image: np.ndarray, box: Box) -> bool:
    """Tell whether a box shows no print, light or dark, but paper and its grain.

    Args:
        image: uint8 [height, width], or [height, width, 3].
        box: A box on the image, with area.
    """
    xmin, ymin, xmax, ymax = box
    pixels = image[max(0, ymin - EDGE) : ymax + EDGE, max(0, xmin - EDGE) : xmax + EDGE]
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    # Every fourth row shows most words; this is done for each word of each page.
    if _contrast(pixels[::4]) >= SURE_CONTRAST or _contrast(pixels) >= SURE_CONTRAST:
        return False
    side = max(1, min(WIDEST_MEAN, min(box.width, box.height) // SIDE_PER_MEAN))
    # A copy: OpenCV would smooth across the edge of a view, with what is around the box.
    return _contrast(cv2.blur(pixels.copy(), (side, side))) < LEAST_CONTRAST


def _contrast(pixels: np.ndarray) -> float:
    least, most, _, _ = cv2.minMaxLoc(pixels)
    return float(most - least)


def count_blank(image: np.ndarray, boxes: Iterable[Box]) -> int:
    """Return how many boxes show no print; those that lie outside the image don't either."""
    height, width = image.shape[:2]
    visible = (box.clipped(width, height) for box in boxes)
    return sum(not box.area or is_blank(image, box) for box in visible)


def are_beside_print(blank: int, boxes: int) -> bool:
    """Tell whether so many of a page's boxes are blank that its labels can't be those of its image."""
    return blank > 0 and (blank == boxes or blank > max(FEW_BLANK, MOST_BLANK * boxes))

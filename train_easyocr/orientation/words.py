"""Words as the direction classifier sees them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

HEIGHT, WIDTH = 48, 192
"""Of the network's input in pixels."""
THRESHOLD = 0.9
"""Probability from which a word is taken to be upside down."""
LEAST_RATIO = 1.5
"""Width to height from which a word counts: below are single letters, and words written downwards."""


def input_of(word: Pixels) -> Pixels:
    """Bring a word to the network's size, uint8 [48, 192], with the proportions it has.

    A short word is filled up on both sides with its first and last column, a long one shows its middle: so a word that
    is turned first looks as the word that is turned afterwards.

    Args:
        word: uint8 [h, w], any size from 1 x 1.
    """
    height, width = word.shape
    scaled = max(1, round(width * HEIGHT / height))
    if scaled > WIDTH:  # no more is scaled than is seen
        seen = max(1, round(width * WIDTH / scaled))
        start = (width - seen) // 2
        word, scaled = word[:, start : start + seen], WIDTH
    shrinking = height > HEIGHT
    resized = cv2.resize(word, (scaled, HEIGHT), interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR)
    left = (WIDTH - scaled) // 2
    return np.pad(resized, ((0, 0), (left, WIDTH - scaled - left)), mode="edge")


def upside_down(word: Pixels) -> Pixels:
    """Turn a word by 180 degrees."""
    return np.ascontiguousarray(word[::-1, ::-1])

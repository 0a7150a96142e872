"""Words out of the most probable class of each step, as EasyOCR reads and trusts them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Classes = NDArray[np.intp]

BLANK = 0


class BestPath(NamedTuple):
    """A word as classes of characters, repeats merged and blanks removed.

    Attributes:
        indices: The classes.
        confidence: The network's, as EasyOCR works it out, 0 to 1.
        certainty: The probability of the class read at the step where it is least, 0 to 1, blank steps included: the
            nearer to a half or below, the less it takes to change the word.
    """

    indices: list[int]
    confidence: float
    certainty: float


def greatest(values: Floats) -> tuple[Floats, Classes]:
    """Return the greatest value of each step, [B, T, C], and its class; the first where several are equal."""
    classes = values.argmax(axis=2)
    return np.take_along_axis(values, classes[..., None], axis=2)[..., 0], classes


def greatest_probabilities(logits: Floats) -> tuple[Floats, Classes]:
    """Return the probability of each step's most probable class, logits [B, T, C], and the class."""
    best, classes = greatest(logits)
    return 1 / np.exp(logits - best[..., None]).sum(axis=2), classes


def read_paths(best: Floats, classes: Classes) -> list[BestPath]:
    """Read words.

    Args:
        best: The probability of the most probable class of each step, [B, T].
        classes: These classes, [B, T].

    Returns:
        As `decoding.greedy`.
    """
    written = classes != BLANK
    starts = written.copy()
    starts[:, 1:] &= classes[:, 1:] != classes[:, :-1]
    return [
        BestPath(word[start].tolist(), _confidence(share[mask]), float(share.min()))
        for word, start, share, mask in zip(classes, starts, best, written, strict=True)
    ]


def _confidence(shares: np.ndarray) -> float:
    # Multiplied in float32 like EasyOCR's: it may come to 0 for a long word, and its second try depends on that.
    return float(shares.prod() ** (2.0 / np.sqrt(len(shares)))) if len(shares) else 0.0

"""How far a model's confidence can be trusted: its calibration error, and the temperature that mends it.

Only words that are matched to a label count; one is right when it is read as labelled. The expected calibration error
(Naeini et al., 2015) is the mean gap between confidence and share of right words over equally wide bins of confidence,
weighted by their words. Temperature scaling (Guo et al., "On Calibration of Modern Neural Networks", arXiv 1706.04599)
divides the logit of the confidence by one number; it changes no reading and no order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 10
_EDGE = 1e-6
"""Confidences are kept this far from 0 and 1, where the logit has no value."""
_TEMPERATURES = (0.05, 20.0)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bin:
    """Words of similar confidence: from `low` on, below `high` (the last bin holds 1 too)."""

    low: float
    high: float
    words: int
    confidence: float | None
    right: float | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """The reliability of a model's confidence.

    Attributes:
        words: Words with a confidence.
        confidence: Its mean; None without words.
        right: Share of right words; None without words.
        error: Expected calibration error (0 to 1); None without words.
        temperature: What the logits are best divided by: above 1, the model is too sure of itself. None where it can't
            be told: all words are right, or none is.
        mended_error: Expected calibration error after that.
        bins: The curve for a plot.
    """

    words: int
    confidence: float | None
    right: float | None
    error: float | None
    temperature: float | None
    mended_error: float | None
    bins: list[Bin]


def calibrate(confidence: Floats, right: NDArray[np.bool_]) -> Calibration:
    """Measure the reliability of confidences.

    Args:
        confidence: [n], 0 to 1; those that are not a number are left out.
        right: [n], whether the word was right.
    """
    known = np.isfinite(confidence)
    confidence, right = np.clip(confidence[known], 0, 1), right[known]
    if not len(confidence):
        return Calibration(0, None, None, None, None, None, [])
    temperature = fit_temperature(confidence, right)
    mended = None if temperature is None else calibration_error(tempered(confidence, temperature), right)
    return Calibration(
        words=len(confidence),
        confidence=float(confidence.mean()),
        right=float(right.mean()),
        error=calibration_error(confidence, right),
        temperature=temperature,
        mended_error=mended,
        bins=_bins(confidence, right),
    )


def calibration_error(confidence: Floats, right: NDArray[np.bool_]) -> float:
    """Return the expected calibration error (0 to 1) of at least one word."""
    places = _places(confidence)
    gaps = np.bincount(places, weights=confidence - right, minlength=BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def tempered(confidence: Floats, temperature: float) -> Floats:
    """Return confidences whose logits are divided by a temperature."""
    found: Floats = 1 / (1 + np.exp(-_logit(confidence) / temperature))
    return found


def fit_temperature(confidence: Floats, right: NDArray[np.bool_]) -> float | None:
    """Return the temperature under which the words that were right are most likely; None where it can't be told.

    The likelihood is concave in 1 / temperature, so that halving the interval by the sign of its slope finds it.
    """
    if right.all() or not right.any():
        return None
    logit = _logit(confidence)
    low, high = 1 / _TEMPERATURES[1], 1 / _TEMPERATURES[0]
    for _ in range(60):
        middle = (low + high) / 2
        slope = float((logit * (right - 1 / (1 + np.exp(-middle * logit)))).sum())
        low, high = (middle, high) if slope > 0 else (low, middle)
    return 2 / (low + high)


def _logit(confidence: Floats) -> Floats:
    inside = np.clip(confidence, _EDGE, 1 - _EDGE)
    found: Floats = np.log(inside) - np.log1p(-inside)
    return found


def _places(confidence: Floats) -> NDArray[np.int64]:
    return np.minimum((confidence * BINS).astype(np.int64), BINS - 1)


def _bins(confidence: Floats, right: NDArray[np.bool_]) -> list[Bin]:
    places = _places(confidence)
    counts = np.bincount(places, minlength=BINS)
    sums = (np.bincount(places, weights=values, minlength=BINS) for values in (confidence, right.astype(np.float64)))
    confidences, rights = (np.where(counts > 0, total / np.maximum(1, counts), np.nan) for total in sums)
    return [
        Bin(
            low=index / BINS,
            high=(index + 1) / BINS,
            words=int(count),
            confidence=float(confidences[index]) if count else None,
            right=float(rights[index]) if count else None,
        )
        for index, count in enumerate(counts)
    ]

"""Whether a difference between two models is more than chance: a paired bootstrap over pages.

Pages are drawn with replacement, as many as there are, again and again; both models are scored on the same draw (Efron
and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13). Words of a page are not independent of each
other, pages are taken to be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 5000
LEVEL = 0.95
BETTER, WORSE, UNCLEAR, TOO_FEW = "better", "worse", "no clear difference", "too few pages to tell"
FEWEST_PAGES = 5
"""Draws of fewer pages are too much alike: their interval is narrower than the truth."""
_WEIGHTS_AT_ONCE = 4_000_000
"""Bounds the memory for sets of many pages: 32 MB."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Difference:
    """How a model's figure differs from another's.

    Attributes:
        value: The difference on the pages as they are.
        low: Lower end of the 95 % interval.
        high: Its upper end.
        pages: Pages that it rests on.
        verdict: `BETTER` (the higher figure) or `WORSE` where the interval leaves out 0, else `UNCLEAR`; `TOO_FEW` for
            fewer than `FEWEST_PAGES` pages.
    """

    value: float
    low: float
    high: float
    pages: int
    verdict: str


def _judged(value: float, low: float, high: float, pages: int) -> Difference:
    verdict = UNCLEAR if low <= 0 <= high else BETTER if value > 0 else WORSE
    if pages < FEWEST_PAGES:
        verdict = TOO_FEW
    return Difference(value, low, high, pages, verdict)


def mean_differences(after: Floats, before: Floats, seed: int, draws: int = DRAWS) -> list[Difference | None]:
    """Compare means over pages.

    Args:
        after: [pages, figures] of the one model; nan where a page has none.
        before: [pages, figures] of the other.
        seed: For the draws.
        draws: How often pages are drawn.

    Returns:
        A difference a figure; None where no page has it for both.
    """
    known = np.isfinite(after) & np.isfinite(before)
    difference = np.where(known, after - before, 0.0)
    return ratio_differences(difference, np.zeros_like(difference), known.astype(np.float64), seed, draws)


def ratio_differences(
    after: Floats, before: Floats, sizes: Floats, seed: int, draws: int = DRAWS
) -> list[Difference | None]:
    """Compare figures of all words together, where pages count by what they hold.

    Args:
        after: [pages, figures], the one model's sums on each page, as of the credit of its words.
        before: [pages, figures], the other's.
        sizes: [pages, figures], what both are divided by: the number of words.
        seed: For the draws.
        draws: How often pages are drawn.

    Returns:
        A difference a figure; None where there are no words.
    """
    difference = after - before
    values = _shares(difference.sum(axis=0), sizes.sum(axis=0))
    samples = np.concatenate(
        [_shares(weights @ difference, weights @ sizes) for weights in _draws(len(sizes), seed, draws)]
    )
    edges = (1 - LEVEL) / 2
    found: list[Difference | None] = []
    for figure, value in enumerate(values):
        # A draw that missed all pages with such words says nothing.
        drawn = samples[np.isfinite(samples[:, figure]), figure]
        if not np.isfinite(value) or not len(drawn):
            found.append(None)
            continue
        low, high = np.quantile(drawn, (edges, 1 - edges)).tolist()
        found.append(_judged(float(value), low, high, int((sizes[:, figure] > 0).sum())))
    return found


def _shares(parts: Floats, sizes: Floats) -> Floats:
    shares: Floats = np.divide(parts, sizes, out=np.full(parts.shape, np.nan), where=sizes > 0)
    return shares


def _draws(pages: int, seed: int, draws: int) -> Iterator[Floats]:
    """Yield [draws, pages]: how often each page is in each draw; some draws at a time."""
    random = np.random.default_rng([seed, pages])
    if not pages:
        yield np.zeros((1, 0))
        return
    at_once = max(1, _WEIGHTS_AT_ONCE // pages)
    for start in range(0, draws, at_once):
        rows = min(at_once, draws - start)
        chosen = random.integers(0, pages, size=(rows, pages))
        chosen += pages * np.arange(rows)[:, None]
        counts = np.bincount(chosen.ravel(), minlength=rows * pages)
        yield counts.reshape(rows, pages).astype(np.float64)

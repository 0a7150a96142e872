"""Which pages are drawn: seeded, without replacement, the same whatever the file system's order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")

PURPOSES = {"training": 0, "validation": 1, "pool": 2}
"""What is drawn for has its own random numbers, so that no draw depends on another having been made."""
LEAST_SHARE = 0.1
"""Of a pool that is too small for all: a score of one or two pages out of a hundred would say nothing."""


def draw_training(names: Sequence[str], count: int, seed: int) -> list[str]:
    """Draw pages for training.

    Args:
        names: All pages of the split.
        count: Pages asked for; all are taken when there are fewer.
        seed: Same seed and same names, same pages; asking for more with the same seed adds pages to the same ones.

    Returns:
        The drawn names, sorted.
    """
    return sorted(_permuted(names, seed, "training")[:count])


def draw_validation(names: Sequence[str], val_count: int, eval_count: int, seed: int) -> tuple[list[str], list[str]]:
    """Draw pages for the validation patches and for the evaluation, disjoint, from one permutation.

    Both come out of the same permutation, so that each can be drawn alone and never meets the other. When there are
    fewer pages than asked for, both shrink in proportion, and neither becomes empty.

    Args:
        names: All pages of the split.
        val_count: Pages asked for the validation patches, 1 or more.
        eval_count: Pages asked for the evaluation, 1 or more.
        seed: Same seed and same names, same pages.

    Returns:
        The names for the validation patches and those for the evaluation, each sorted.

    Raises:
        ValueError: There are fewer than two pages.
    """
    total = len(names)
    if total < 2:
        raise ValueError(f"{total} pages can't be shared between validation and evaluation; both need at least one")
    if total < val_count + eval_count:
        val_count = min(max(1, round(total * val_count / (val_count + eval_count))), total - 1)
        eval_count = total - val_count
    permuted = _permuted(names, seed, "validation")
    return sorted(permuted[:val_count]), sorted(permuted[val_count : val_count + eval_count])


def draw_pool(names: Sequence[str], counts: Mapping[str, int], seed: int) -> dict[str, list[str]]:
    """Draw pages for several purposes out of one pool, disjoint, from one permutation.

    Each purpose can be drawn alone and never meets another. When there are fewer pages than asked for, all shrink in
    proportion, but none becomes empty, and none but the last less than `LEAST_SHARE` of the pages, or what was asked.

    Args:
        names: All pages.
        counts: Pages asked for by purpose, 1 or more each. The last one takes what the others leave; asking for more of
            it with the same seed changes nothing about the others as long as there are enough pages.
        seed: Same seed and same names, same pages.

    Returns:
        The names by purpose, each sorted.

    Raises:
        ValueError: There are fewer pages than purposes.
    """
    if len(names) < len(counts):
        raise ValueError(f"{len(names)} pages can't be shared between {', '.join(counts)}; each needs at least one")
    total, asked = len(names), sum(counts.values())
    permuted, start, drawn = _permuted(names, seed, "pool"), 0, {}
    for number, (purpose, count) in enumerate(counts.items(), 1):
        left = total - start - (len(counts) - number)  # the purposes that follow need one each
        last = number == len(counts)
        fewer = min(count, max(1, round(total * count / asked), int(total * LEAST_SHARE)))
        share = count if total >= asked else left if last else min(fewer, left)
        drawn[purpose] = sorted(permuted[start : start + share])
        start += share
    return drawn


def _permuted(names: Sequence[str], seed: int, purpose: str) -> list[str]:
    ordered = sorted(names)
    generator = np.random.default_rng([seed, PURPOSES[purpose]])
    return [ordered[i] for i in generator.permutation(len(ordered))]


def evenly_spread(items: Sequence[T], limit: int | None) -> list[T]:
    """Return at most `limit` items, evenly spread: pages are sorted by category, and each should have its part."""
    if limit is None or limit >= len(items):
        return list(items)
    return [items[number * len(items) // limit] for number in range(limit)]

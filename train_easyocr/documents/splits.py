"""Which pages are drawn: seeded, without replacement, the same whatever the file system's order."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from itertools import accumulate
from types import MappingProxyType
from typing import TypeVar

import numpy as np

T = TypeVar("T")

PURPOSES = {"training": 0, "validation": 1}
"""What is drawn for has its own random numbers, so that no draw depends on another having been made."""
HELD_OUT, LEAST_SHARE = 1 / 8, 0.1
"""Of one's own pages, for validation and for evaluation: what falls to each, and the least, which few pages may miss by
chance. A score of one or two pages out of a hundred would say nothing."""
NOTHING: Mapping[str, Collection[str]] = MappingProxyType({})


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


def draw_pool(
    sums: Mapping[str, str], counts: Mapping[str, int], seed: int, before: Mapping[str, Collection[str]] = NOTHING
) -> dict[str, list[str]]:
    """Divide pages of one's own among training, validation and evaluation, so that more pages move none of them.

    Which set a page falls to follows from its image and the seed alone. That puts it somewhere from 0 to 1: below an
    eighth, it is for the evaluation, from seven eighths on for validation, between them for training. (Where the counts
    ask for larger shares of validation or evaluation, these are larger.) Equal images are always in the same set.

    Only where chance would leave validation or evaluation less than a tenth of the pages, or any set empty, the pages
    nearest to it make up for that; and what a set has drawn before stays there. What is more than validation's or the
    evaluation's count goes to training, what is more than that of training to none.

    Args:
        sums: What tells each page's image from others (`page_sums.page_sum`), by the page's name.
        counts: Pages asked for by purpose, 1 or more each: `training`, `validation` and `evaluation`.
        seed: Same seed, same images, same sets.
        before: The sums of the pages that were drawn for a purpose before; of those drawn for two, training counts.

    Returns:
        The names by purpose, each sorted.

    Raises:
        ValueError: There are fewer different images than purposes, or none is left for one of them.
    """
    places = {content: _place(content, seed) for content in sums.values()}
    if len(places) < len(counts):
        different = "" if len(places) == len(sums) else f", {len(places)} of them different,"
        raise ValueError(f"{len(sums)} pages{different} can't be shared between {', '.join(counts)}; each needs one")
    parts = _kept(places, before)
    new = places.keys() - {content for part in parts.values() for content in part}
    free = sorted(new, key=places.__getitem__)
    missing = {purpose: not part for purpose, part in parts.items()}
    if len(free) < sum(missing.values()):
        empty = ", ".join(purpose for purpose in counts if missing[purpose])
        raise ValueError(f"all pages are in other sets already, and none is left for {empty}; add pages")
    low, high = _borders(counts)
    first, last = sum(places[content] < low for content in free), sum(places[content] >= high for content in free)
    least = int(len(places) * LEAST_SHARE)
    last = max(last, least - len(parts["validation"]), missing["validation"])
    last = min(last, len(free) - missing["training"] - missing["evaluation"])
    first = max(first, least - len(parts["evaluation"]), missing["evaluation"])
    first = min(first, len(free) - missing["training"] - last)
    # Each begins with the pages that stay with it whatever the counts are.
    parts["evaluation"] += free[:first]
    parts["validation"] += free[len(free) - last :][::-1]
    parts["training"] += sorted(free[first : len(free) - last], key=lambda content: abs(places[content] - 0.5))
    names: dict[str, list[str]] = {}
    for name in sorted(sums):
        names.setdefault(sums[name], []).append(name)
    for purpose in ("evaluation", "validation"):
        ends = list(accumulate(len(names[content]) for content in parts[purpose]))
        held = bisect_left(ends, counts[purpose]) + 1
        parts[purpose], others = parts[purpose][:held], parts[purpose][held:]
        parts["training"] += [content for content in others if content in new]
    return {
        purpose: sorted([name for content in parts[purpose] for name in names[content]][:count])
        for purpose, count in counts.items()
    }


def _place(content: str, seed: int) -> float:
    """Return where an image lies, from 0 to 1."""
    return int(hashlib.sha256(f"{seed} {content}".encode()).hexdigest()[:13], 16) / 16**13


def _kept(places: Mapping[str, float], before: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    """Return what stays in the set it was drawn for, the rest of each set's pages to follow."""
    parts: dict[str, list[str]] = {}
    taken: set[str] = set()
    for purpose in ("training", "validation", "evaluation"):  # what weights may have seen comes first
        kept = (set(before.get(purpose, ())) & places.keys()) - taken
        parts[purpose] = sorted(kept, key=places.__getitem__)
        taken |= kept
    return parts


def _borders(counts: Mapping[str, int]) -> tuple[float, float]:
    """Return below which place the evaluation's pages lie, and from which one on those of validation."""
    total = sum(counts.values())
    shares = [max(HELD_OUT, counts[purpose] / total) for purpose in ("evaluation", "validation")]
    scale = min(1, (1 - HELD_OUT) / sum(shares))
    return shares[0] * scale, 1 - shares[1] * scale


def _permuted(names: Sequence[str], seed: int, purpose: str) -> list[str]:
    ordered = sorted(names)
    generator = np.random.default_rng([seed, PURPOSES[purpose]])
    return [ordered[i] for i in generator.permutation(len(ordered))]


def evenly_spread(items: Sequence[T], limit: int | None) -> list[T]:
    """Return at most `limit` items, evenly spread: pages are sorted by category, and each should have its part."""
    if limit is None or limit >= len(items):
        return list(items)
    return [items[number * len(items) // limit] for number in range(limit)]

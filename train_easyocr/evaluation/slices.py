"""Slices of an evaluation set: the words of one kind, and how they were read.

Slices overlap: a long word of small print with a digit is in three of them. Groups (category, word length, box height,
direction) do not: each word is in exactly one of each.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from train_easyocr.evaluation.observations import Words
from train_easyocr.metrics.error_classes import CLASSES

RARE_SHARE = 1 / 10_000
"""A syllable is rare when it makes up at most this share of the labels' syllables ..."""
RARE_COUNT = 2
"""... or stands in them at most this often."""
LONG_WORD = 8
"""Characters."""
SMALL_PRINT = 24
"""Pixels of height, below: on a page of 3,500 pixels print of about 5 point."""
LENGTHS = (1, 2, 3, 5, 8)
"""Word lengths at which groups start."""
HEIGHTS = (0, 24, 32, 40, 60)
"""Box heights in pixels at which groups start."""

_DIGIT = re.compile(r"\d")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
_SYMBOL = re.compile(r"[^\w\s]|_")
_SYLLABLE = re.compile(r"[가-힣]")

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Group:
    """Some of the words.

    Attributes:
        name: What they have in common.
        labels: Number of labels.
        credit: What a label earned on average (0 to 1), that is end-to-end recall; None without labels.
        exact: Share of the labels that were found and read without fault; None without labels.
        lost_f1: What these words, and predictions like them that no label is matched to, take from the headline.
        classes: Rows of each error class: labels, and predictions that no label is matched to.
    """

    name: str
    labels: int
    credit: float | None
    exact: float | None
    lost_f1: float
    classes: dict[str, int]


def rare_syllables(texts: Iterable[str]) -> frozenset[str]:
    """Return the Hangul syllables that are rare in these texts."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(_SYLLABLE.findall(text))
    most = max(RARE_COUNT, RARE_SHARE * counts.total())
    return frozenset(syllable for syllable, count in counts.items() if count <= most)


def slice_masks(words: Words) -> dict[str, Mask]:
    """Return which rows are in each slice, by its name."""
    rare = rare_syllables(text for text, labelled in zip(words.text, words.labelled, strict=True) if labelled)
    tests: dict[str, Callable[[str], bool]] = {
        "digits": lambda text: bool(_DIGIT.search(text)),
        "latin": lambda text: bool(_LATIN.search(text)),
        "symbols": lambda text: bool(_SYMBOL.search(text)),
        "spaces": lambda text: any(map(str.isspace, text)),
        "rare syllables": lambda text: not rare.isdisjoint(text),
    }
    distinct = dict.fromkeys(words.text)
    masks = {}
    for name, test in tests.items():
        found = {text: test(text) for text in distinct}
        masks[name] = np.array([found[text] for text in words.text], dtype=bool)
    return masks | {
        "long words": words.length >= LONG_WORD,
        "small print": words.height < SMALL_PRINT,
        "vertical": words.vertical,
    }


def slices_of(words: Words, masks: Mapping[str, Mask], pages: int) -> list[Group]:
    """Sum up the words of each slice; `masks` is what `slice_masks` returns for them."""
    return [_group(name, words, mask, pages) for name, mask in masks.items()]


def groups_of(words: Words, categories: Sequence[str]) -> dict[str, list[Group]]:
    """Sum up the words by category, length, height and direction; empty groups are left out.

    Args:
        words: The rows.
        categories: Each page's category.
    """
    of_page = np.array(categories, dtype=object)
    names: dict[str, NDArray[np.object_]] = {
        "category": of_page[words.page] if len(words.text) else of_page[:0],
        "length": _bins(words.length, LENGTHS, "characters"),
        "height": _bins(words.height, HEIGHTS, "pixels"),
        "direction": np.where(words.vertical, "vertical", "horizontal").astype(object),
    }
    orders = {
        "category": sorted(set(categories)),
        "length": bin_names(LENGTHS, "characters"),
        "height": bin_names(HEIGHTS, "pixels"),
        "direction": ["horizontal", "vertical"],
    }
    groups = {
        kind: [_group(name, words, names[kind] == name, len(categories)) for name in order]
        for kind, order in orders.items()
    }
    return {kind: [group for group in found if sum(group.classes.values())] for kind, found in groups.items()}


def _group(name: str, words: Words, mask: Mask, pages: int) -> Group:
    labelled = mask & words.labelled
    count = int(labelled.sum())
    classes = np.bincount(words.error_class[mask], minlength=len(CLASSES)).tolist()
    return Group(
        name=name,
        labels=count,
        credit=float(words.credit[labelled].mean()) if count else None,
        exact=float((words.credit[labelled] == 1).mean()) if count else None,
        lost_f1=float(words.loss[mask].sum()) / max(1, pages),
        classes=dict(zip(CLASSES, classes, strict=True)),
    )


def _bins(values: NDArray[np.int32], starts: Sequence[int], unit: str) -> NDArray[np.object_]:
    names = np.array(bin_names(starts, unit), dtype=object)
    # A text without characters is counted with the shortest.
    places = np.maximum(0, np.searchsorted(np.array(starts), values, side="right") - 1)
    found: NDArray[np.object_] = names[places]
    return found


def bin_names(starts: Sequence[int], unit: str) -> list[str]:
    """Return what the groups that start at these values are called."""
    names = [
        f"{first}" if following == first + 1 else f"{first} to {following - 1}" for first, following in pairwise(starts)
    ]
    return [f"{name} {unit if name != '1' else unit[:-1]}" for name in [*names, f"{starts[-1]} or more"]]

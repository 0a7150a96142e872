"""Whether labels cover the words of their pages: what share of those that the starter's detector finds has no label.

Pages of which only a part of the words is labelled teach a detector that the others are background. Their archives'
names mostly tell; this tells where names don't, on a few pages of each archive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from train_easyocr.common.text import format_table
from train_easyocr.datasets.turned_pages import read_pages
from train_easyocr.documents.archives import LooseFile, Member
from train_easyocr.documents.page import Box
from train_easyocr.documents.sources import PageSource, Source
from train_easyocr.documents.splits import evenly_spread

Finder = Callable[[np.ndarray], list[Box]]
"""Returns the boxes of the words on a page, uint8 [height, width, 3]."""
PAGES, GROUPS = 6, 8
"""Pages of a group that are looked at, and groups at most, the largest ones: 2 s a page on a CPU."""
COVERED = 0.5
"""Of a found word's area: what lies on labels makes it a labelled one."""
MANY = 0.15
"""Whole labels miss 2 of 6,279 words found on 20 real documents; 0.6 % of those on the same in black and white, and
0.5 % with broken strokes; 0.9 % on the worst group of `PAGES` of them, and 14 % on the worst single page."""
FEW = 0.05
"""Labels that miss less than this are no partial ones."""


@dataclass
class Coverage:
    """How well labels cover what is found on some pages.

    Attributes:
        origin: Where the labels are from: an archive, or a folder.
        partly: Whether these pages are taken for partly labelled ones.
        pages: Pages looked at.
        found: Words found on them.
        bare: Those of them that no label covers.
        worst: The page with most of these, and their number.
    """

    origin: str
    partly: bool
    pages: int = 0
    found: int = 0
    bare: int = 0
    worst: tuple[int, str] = (0, "")

    @property
    def share(self) -> float:
        """The share of words found that have no label, 0 to 1."""
        return self.bare / self.found if self.found else 0.0


def without_label(found: Sequence[Box], labelled: Iterable[Box], width: int, height: int) -> list[Box]:
    """Return the boxes found on a page of `width` x `height` pixels that labels cover less than `COVERED` of."""
    labels = np.zeros((height, width), np.uint8)
    for box in labelled:
        xmin, ymin, xmax, ymax = box.clipped(width, height)
        labels[ymin : max(ymin, ymax), xmin : max(xmin, xmax)] = 1
    return [box for box in found if labels[box.ymin : box.ymax, box.xmin : box.xmax].mean() < COVERED]


def measure_coverage(pages: Iterable[PageSource], open_finder: Callable[[], Finder]) -> list[Coverage]:
    """Look at a few pages of each archive, or folder, that labels are from.

    Args:
        pages: Pages that have both files. What can't be read is passed over; others name it.
        open_finder: Opens what finds the words, once there are pages to look at.
    """
    groups: dict[tuple[str, bool], list[PageSource]] = {}
    for page in pages:
        groups.setdefault((_origin(page.label), page.partly), []).append(page)
    if not groups:
        return []
    find = open_finder()
    largest = sorted(groups.items(), key=lambda group: -len(group[1]))[:GROUPS]
    return [_measured(Coverage(*key), of_group, find) for key, of_group in largest]


def _origin(label: Source) -> str:
    if isinstance(label, LooseFile):
        return "/".join([label.archive.name, *label.name.split("/")[:-1][:1]])
    return label.archive.name if isinstance(label, Member) else ""


def _measured(coverage: Coverage, pages: Sequence[PageSource], find: Finder) -> Coverage:
    for page, image, labelled in read_pages(evenly_spread(pages, PAGES)):
        found = find(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB))
        height, width = image.shape
        bare = len(without_label(found, labelled, width, height))
        coverage.pages += 1
        coverage.found += len(found)
        coverage.bare += bare
        coverage.worst = max(coverage.worst, (bare, page.name))
    return coverage


def describe_coverage(measured: Sequence[Coverage]) -> str:
    """Return a table of what was found and has no label."""
    rows = [
        (
            f"{one.origin or 'all'}{' (partly labelled)' * one.partly}",
            f"{one.pages:,}",
            f"{one.found:,}",
            f"{one.bare:,} ({one.share:.1%})",
        )
        for one in measured
    ]
    return format_table(("labels of", "pages looked at", "words found there", "without a label"), rows)


def warnings_of(measured: Iterable[Coverage], *, own: bool) -> list[str]:
    """Return what is to be done about labels that miss many words, or fewer than their name says.

    Args:
        measured: What `measure_coverage` returned.
        own: Whether these are pages of one's own, not those of a download.
    """
    return [line for one in measured if one.found and (line := _warning(one, own))]


def _warning(one: Coverage, own: bool) -> str:
    what = f"{one.origin or 'labels'}: no label covers {one.share:.0%} of the words found on {one.pages} pages"
    if one.partly and one.share < FEW:
        return f"{what}, though its name says that it is labelled in part; give it another one if it is labelled whole"
    if one.partly or one.share < MANY:
        return ""
    advice = (
        "label the others, too, or train the recognizer alone on them (step 3 with detection=)"
        if own
        else "name their archive or folder ..._partly_labeling, or list them in partly_labelled_pages.txt in "
        "Training/; then their words train the recognizer, and the detector never sees them"
    )
    return (
        f"{what} ({one.worst[1]!r} most of all); if only a part of the words is labelled, a detector learns the others "
        f"as background, and scores count what is read there as wrong: {advice}"
    )

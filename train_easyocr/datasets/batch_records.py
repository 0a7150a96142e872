"""What a batch of pages has given, as the worker that did it leaves it behind for the set to be put together from.

What goes into the set's files is laid out by the worker already, so that the one process that writes these files has
little more to do than to copy. A record is written last and whole: one that is there says that its pages are done.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from train_easyocr.common.files import write_bytes
from train_easyocr.datasets.cropping import CutPage, patch_name
from train_easyocr.datasets.labels_csv import format_row
from train_easyocr.datasets.statistics import Measure, WordStatistics, of_which_partly


@dataclass(slots=True)
class PreparedPage:
    """What became of a page.

    Attributes:
        name: The page's name.
        prefix: What the names of its patches start with.
        cut: Its words.
        reason: Why the whole page is not used, or nothing.
        detail: More about that.
        partly: Whether only a part of its words is labelled.
        image_sum: What tells its image from others (`page_sums`), where it is used.
    """

    name: str
    prefix: str = ""
    cut: CutPage = field(default_factory=CutPage)
    reason: str = ""
    detail: str = ""
    partly: bool = False
    image_sum: str = ""


@dataclass
class Totals:
    """Sums over pages.

    Attributes:
        pages: How many pages are not used, by reason.
        words: How many words of the pages that are used are not, by reason.
        warnings: How often something was used that is not as it should be.
        rows: Words used.
        used: Pages used.
        partly_rows: Of the words used, those on partly labelled pages.
        partly_used: Of the pages used, those that are partly labelled.
    """

    pages: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    used: int = 0
    partly_rows: int = 0
    partly_used: int = 0

    def count(self, page: PreparedPage) -> None:
        """Take in a page."""
        if page.reason:
            self.pages[page.reason] += 1
        else:
            self.used += 1
        self.words.update(word.reason for word in page.cut.skipped)
        self.warnings.update(+page.cut.warnings)
        self.rows += len(page.cut.boxes)
        if page.partly and not page.reason:
            self.partly_rows += len(page.cut.boxes)
            self.partly_used += 1

    def add(self, other: Totals) -> None:
        """Take in the sums over other pages."""
        self.pages += other.pages
        self.words += other.words
        self.warnings += other.warnings
        self.rows += other.rows
        self.used += other.used
        self.partly_rows += other.partly_rows
        self.partly_used += other.partly_used

    def summary(self, pages: Mapping[str, int], used: str) -> dict[str, Any]:
        """Return the sums as statistics.json and tables have them.

        Args:
            pages: What is to be said of pages before those that are used, by key.
            used: What used pages and words are called there.
        """
        return {
            "pages": {
                **pages,
                **of_which_partly(used, self.used, self.partly_used),
                "skipped": dict(sorted(self.pages.items())),
            },
            "words": {
                "labelled": self.rows + self.words.total(),
                **of_which_partly(used, self.rows, self.partly_rows),
                "skipped": dict(sorted(self.words.items())),
            },
            "warnings": dict(sorted(self.warnings.items())),
        }


@dataclass
class BatchRecord:
    """What some pages have given.

    Attributes:
        totals: Sums over the pages.
        measured: The digest of what the words were measured against.
        words: What `WordStatistics.part` returns.
        labels: Lines of labels.csv.
        skipped: Lines of skipped.csv.
        sizes: Bytes of each patch in the batch's file of patches; empty where patches are files of their own.
        pages: Lines of pages.csv.
    """

    totals: Totals
    measured: str
    words: dict[str, Any]
    labels: str
    skipped: str
    sizes: list[int]
    pages: str

    def write(self, path: Path) -> None:
        """Write the record as JSON, whole or not at all; raises OSError."""
        write_bytes(path, json.dumps(vars(self) | {"totals": vars(self.totals)}).encode())

    @classmethod
    def read(cls, path: Path) -> BatchRecord:
        """Read what `write` wrote."""
        found = json.loads(path.read_bytes())
        totals = found["totals"].items()
        sums: dict[str, Any] = {key: Counter(value) if isinstance(value, dict) else value for key, value in totals}
        return cls(**found | {"totals": Totals(**sums)})


def record_of(pages: Sequence[PreparedPage], measure: Measure, sizes: Sequence[int] = ()) -> BatchRecord:
    """Lay out what some pages have given.

    Args:
        pages: The pages, in their order.
        measure: What the words are measured against.
        sizes: Bytes of each patch in the batch's file of patches, of all pages together.
    """
    totals, words = Totals(), WordStatistics(measure)
    labels: list[tuple[str, ...]] = []
    skipped: list[tuple[str, ...]] = []
    for page in pages:
        totals.count(page)
        names = [patch_name(page.prefix, box) for box in page.cut.boxes]
        labels += zip(names, page.cut.texts, strict=True)
        skipped += skipped_rows(page)
        for box, text in zip(page.cut.boxes, page.cut.texts, strict=True):
            words.update(box.width, box.height, text)
    return BatchRecord(
        totals,
        measure.digest,
        words.part(),
        labels=_lines(labels),
        skipped=_lines(skipped),
        sizes=list(sizes),
        pages=_lines([(page.name, page.image_sum) for page in pages if page.image_sum]),
    )


def skipped_rows(page: PreparedPage) -> Iterator[tuple[str, ...]]:
    """Yield what a page leaves out, as rows of skipped.csv (`left_out.HEADER`)."""
    if page.reason:
        yield page.name, "", "", "", page.reason, page.detail
    for word in page.cut.skipped:
        yield page.name, word.id, " ".join(map(str, word.box)), word.text, word.reason, word.detail


def _lines(rows: Sequence[tuple[str, ...]]) -> str:
    # An unusable text can hold half a surrogate pair.
    return "".join(map(format_row, rows)).encode(errors="backslashreplace").decode()

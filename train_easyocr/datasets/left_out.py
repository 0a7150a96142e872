"""Why a set leaves out pages and words: each reason with its commonest detail and an example, for people to act on."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from train_easyocr.documents.aihub import IGNORED, NO_AREA, NO_TEXT, OUTSIDE

HEADER = ("page", "id", "box", "text", "reason", "detail")
"""The columns of skipped.csv."""
MOST_DETAILS = 1000
"""Details that are counted for a reason; only broken data has more."""
SHOWN_REASONS = 5
SHOWN_TEXT = 30
EXPECTED = {
    NO_TEXT: "a text",
    NO_AREA: "a width and a height above 0",
    OUTSIDE: "a box on the page: are the labels this image's, in its size?",
    IGNORED: "words without that mark",
}
"""What is expected instead, where the detail does not say it."""


class LeftOut:
    """Counts what is left out, reason by reason; memory does not grow with the data.

    Attributes:
        counts: Pages and words by reason.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._details: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._first: dict[str, Sequence[str]] = {}

    @classmethod
    def read(cls, path: Path) -> LeftOut:
        """Read a skipped.csv.

        Raises:
            OSError: It can't be read.
        """
        found = cls()
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            next(rows, None)
            for row in rows:
                found.add(row)
        return found

    def add(self, row: Sequence[str]) -> None:
        """Take in a row of skipped.csv; the first of each reason is its example."""
        reason, detail = row[4], row[5]
        self.counts[reason] += 1
        self._first.setdefault(reason, row)
        details = self._details[reason]
        if detail and (detail in details or len(details) < MOST_DETAILS):
            details[detail] += 1

    def lines(self) -> list[str]:
        """Return a line for each of the commonest reasons: how often, what was found and expected, and where first."""
        commonest = sorted(self.counts, key=lambda reason: (-self.counts[reason], reason))
        lines = [self._line(reason) for reason in commonest[:SHOWN_REASONS]]
        return lines + [f"... and {len(commonest) - SHOWN_REASONS} other reasons"] * (len(commonest) > SHOWN_REASONS)

    def _line(self, reason: str) -> str:
        count = self.counts[reason]
        [(detail, times)] = self._details[reason].most_common(1) or [("", 0)]
        said = f" (expected: {EXPECTED[reason]})" if reason in EXPECTED else ""
        said = f", {detail}, in {times:,} of {count:,}" if detail else said
        return f"{count:,} x {reason}{said}; first: {_shown(self._first[reason])}"


def _shown(row: Sequence[str]) -> str:
    page, identity, box, text = row[:4]
    place = f" at [{box}]" if box and box != "0 0 0 0" else ""
    word = f", annotation {identity!r}" * bool(identity) + f" {text[:SHOWN_TEXT]!r}" * bool(text)
    return f"page {page!r}{word}{place}"

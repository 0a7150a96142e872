"""Which pages something was made of, by sums of their image files: they tell a page whatever its name and place are."""

from __future__ import annotations

import base64
import csv
import hashlib
from collections.abc import Iterable
from pathlib import Path

FILE = "pages.csv"
"""In a set that step 2 made: its pages, by name, and their sums."""
HEADER = ("page", "image_sum")
DIGITS = 16
"""Hexadecimal digits of a sum: of 40,000 pages and 500 others, two have the same one in 10^12 cases."""


def page_sum(image: bytes) -> str:
    """Return the sum of an image file: the first digits of its SHA-256."""
    return hashlib.sha256(image).hexdigest()[:DIGITS]


def read_page_sums(folder: Path) -> dict[str, str]:
    """Return the sums of a set's pages by name; none where the set does not say, as rendered words and older sets.

    Raises:
        OSError: The file can't be read.
    """
    path = folder / FILE
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        return {row[0]: row[1] for row in csv.reader(file) if len(row) == len(HEADER) and _is_sum(row[1])}


def _is_sum(text: str) -> bool:
    return len(text) == DIGITS and set(text) <= set("0123456789abcdef")


def pack_sums(sums: Iterable[str]) -> str:
    """Return sums as one short text, for a card: 11 characters a page."""
    return base64.b64encode(bytes.fromhex("".join(sorted(set(sums))))).decode()


def unpack_sums(packed: str) -> frozenset[str]:
    """Return the sums that `pack` was given.

    Raises:
        ValueError: It is no such text.
    """
    digits = base64.b64decode(packed, validate=True).hex()
    if len(digits) % DIGITS:
        raise ValueError("is no list of page sums")
    return frozenset(digits[start : start + DIGITS] for start in range(0, len(digits), DIGITS))

"""Text as labels and terminals need it: one Unicode form, and tables whose columns line up for Hangul."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from wcwidth import wcswidth


def normalize_label(text: str) -> str:
    """Return `text` in NFC, without white space at its ends.

    Decomposed Hangul (as macOS writes it) would otherwise be outside every character set. White space inside is kept:
    labels such as "경남 김해시" hold one.
    """
    return unicodedata.normalize("NFC", text).strip()


def display_width(text: str) -> int:
    """Return the number of terminal columns that `text` takes; a Hangul syllable takes two."""
    width = wcswidth(text)
    return width if width >= 0 else len(text)  # -1: the text holds a control character


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Fill `text` with spaces up to `width` terminal columns, at its left where `right` alignment is asked for."""
    filling = " " * max(0, width - display_width(text))
    return filling + text if right else text + filling


def format_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Lay out a table for a terminal, columns lined up by display width, numbers to the right.

    Args:
        header: One title a column.
        rows: Cells, turned to text by `str`; a column whose cells are all int or float is aligned right.

    Returns:
        The lines, joined with newlines, without one at the end.

    Raises:
        ValueError: A row has another number of cells than the header.
    """
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"{len(row)} cells in a row of a table of {len(header)} columns: {row!r}")
    numeric = [bool(rows) and all(isinstance(row[i], int | float) for row in rows) for i in range(len(header))]
    lines = [list(header), *[[str(cell) for cell in row] for row in rows]]
    widths = [max(display_width(line[i]) for line in lines) for i in range(len(header))]
    rendered = [
        " | ".join(
            pad(cell, width, right=right) for cell, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in lines
    ]
    rule = "-+-".join("-" * width for width in widths)
    return "\n".join([rendered[0], rule, *rendered[1:]])

"""Text as labels and terminals need it: one Unicode form, and tables whose columns line up for Hangul."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Sequence
from types import MappingProxyType

from wcwidth import wcswidth

VARIANTS = {
    "·": "ㆍ․‧∙・･⋅ᆞ",
    "~": "∼〜",
    "-": "‐‑‒–−",
    "―": "—─━",
    "|": "│∣",
    "…": "⋯",
    "‘": "‛",
    "’": "´ʼ",
    "“": "‟",
    "”": "„",
    "○": "◯〇◦⚪❍",
    "●": "⚫",
    "■": "▪◾◼",
    "□": "▫◽◻☐",
    "⊙": "◉☉",
    "△": "Δ∆",
    "∑": "Σ",
    "「": "｢",
    "」": "｣",
    "《": "≪«",
    "》": "≫»",
    "→": "➔➜",
    "✓": "✔",
    "°": "˚º",
    "μ": "µ",
    "¦": "￤",
    "₩": "￦",
    "£": "￡",
    "¥": "￥",
}
"""Signs that labels write in several ways though print does not tell them apart: the target, and what becomes it.

The target is what AI-Hub's labels hold most often: of their 140 middle dots 128 are ·, 12 ㆍ; ○ stands there 241 times;
₩ and ¦ are met, ￦ and ￤ are not. Full-width forms of ASCII (！ to ～) become ASCII as well.
"""


def normalize_label(text: str) -> str:
    """Return `text` in NFC, without white space at its ends.

    Decomposed Hangul (as macOS writes it) would otherwise be outside every character set. White space inside is kept:
    labels such as "경남 김해시" hold one.
    """
    return unicodedata.normalize("NFC", text).strip()


def _variant_table() -> dict[int, str]:
    table = {ord(variant): target for target, variants in VARIANTS.items() for variant in variants}
    return table | {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}


_VARIANT_TABLE = MappingProxyType(_variant_table())
_BULLET = re.compile(r"(?<!\S)[ㅇο](?=$|[\s0-9A-Za-z가-힣(\[{<「『《〈【〔‘“])")
"""A round letter that stands for a bullet: alone, or where a token starts and goes on with other than letters of its
kind. ㅇㅇㅇ masks a name and ㄱ.ㄴ.ㅇ. counts, so these stay."""
VARIANTS_SUM = f"{zlib.crc32(repr((sorted(_VARIANT_TABLE.items()), _BULLET.pattern)).encode()):08x}"
"""Tells sets whose labels were written under other rules of `unify_variants` from those of today."""


def unify_signs(text: str) -> str:
    """Write each sign of `VARIANTS`, and each full-width form of ASCII, in one way, whatever stands beside it."""
    return text.translate(_VARIANT_TABLE)


def unify_variants(text: str) -> str:
    """Write signs in one way (`unify_signs`), and round letters that serve as bullets (ㅇ, ο) as ○.

    A recognizer can't tell apart what looks the same: taught both, it learns the frequencies and no more. The length
    stays the same.
    """
    return _BULLET.sub("○", unify_signs(text))


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

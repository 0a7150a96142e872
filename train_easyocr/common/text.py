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


INVISIBLE = "text without its invisible characters"
OTHER_SPACE = "text with one space for other white space"
"""Kinds of what `normalize_label` changes, as step 2 counts them."""
_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Unicode's Default_Ignorable_Code_Point (joiners, directions, variation selectors, tags, soft hyphen, fillers of jamo)
and the marks of annotations, U+FFF9 to U+FFFB; but for the two fillers that are as wide as a letter."""
_CONTROL = "\0-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"
"""Controls (Cc) that are no white space; U+001C to U+001F separate, as str.split has it."""
_BLANK = "\u3164\uffa0\u2800"
"""Wide without ink, though Unicode counts them as letters and signs: Hangul fillers and Braille's blank."""
_DROPPED = re.compile(f"[{_IGNORABLE}{_CONTROL}]+")
_SPACES = re.compile(f"[\\s{_BLANK}]+")
_UNUSUAL = re.compile(f"[{_IGNORABLE}{_CONTROL}{_BLANK}]")


def normalize_label(text: str) -> str:
    """Return `text` as people see it: in NFC, without what has no picture, white space as single spaces.

    Decomposed Hangul (as macOS writes it) would otherwise be outside every character set, and so would a word with a
    zero-width space. What Unicode makes ignorable and controls are dropped; every other space, line end or blank
    filler, or a row of them, becomes one space, and none stays at the ends. Private characters stay: they do have a
    picture, if one that only their font knows.
    """
    if _is_unusual(text):
        text = _SPACES.sub(" ", _DROPPED.sub("", text))
    return unicodedata.normalize("NFC", text).strip()


def is_normal(text: str) -> bool:
    """Whether `normalize_label` leaves a text as it is, but for white space at its ends."""
    return not _is_unusual(text) and unicodedata.is_normalized("NFC", text)


def _is_unusual(text: str) -> bool:
    # Only a space is white and printable; but not all that is printable has a picture. Texts of ASCII are quick.
    return not text.isprintable() or "  " in text or (not text.isascii() and _UNUSUAL.search(text) is not None)


def unseen_kinds(text: str) -> tuple[str, ...]:
    """Return what `normalize_label` does to a text: `INVISIBLE`, `OTHER_SPACE`; white space at its ends is neither."""
    spaces = any(space != " " for space in _SPACES.findall(text.strip()))
    kinds = (INVISIBLE, _DROPPED.search(text)), (OTHER_SPACE, spaces)
    return tuple(kind for kind, found in kinds if found)


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

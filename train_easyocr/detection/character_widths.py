"""How wide characters are: advance widths and ink of printed characters, in Hangul syllables' widths.

    python3 -m train_easyocr.detection.character_widths > train_easyocr/detection/character_widths.csv

measures them over the document faces on the machine (a family counts once, then the median over families) and writes
the table that `metrics_of` reads.
"""

from __future__ import annotations

import csv
import functools
import statistics
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, TextIO

from train_easyocr.synthesis.fonts import Face, FontLibrary

TABLE = Path(__file__).with_suffix(".csv")
SYLLABLES = "가나다행정민했를"
"""Their mean advance width is the unit."""
MEASURED = (
    "".join(map(chr, range(33, 127))) + "행·ㆍ•「」『』〈〉《》【】“”‘’※○◎●□■△▲▽▼→←①②㈜㎡㎥㎏℃‰∼～–—…，．：％（）甲乙ⅠⅡ"
)
SIZE = 200
"""Pixels per em at which faces are measured."""


class Metrics(NamedTuple):
    """A character's measures, in widths of a Hangul syllable.

    Attributes:
        advance: From one pen position to the next.
        left: From the pen position to the ink.
        right: From the ink to the next pen position.
        top: From the base line up to the ink's top.
        bottom: From the base line up to the ink's bottom; negative below it.
    """

    advance: float
    left: float
    right: float
    top: float
    bottom: float


def measure(character: str, faces: Iterable[Face]) -> Metrics | None:
    """Return a character's measures, each the median over the families that draw it; None where none does."""
    families: dict[str, list[Metrics]] = {}
    for face in faces:
        if face.draws(character):
            families.setdefault(face.family, []).append(_measure_in(character, face))
    if not families:
        return None
    means = [[statistics.fmean(values) for values in zip(*metrics, strict=True)] for metrics in families.values()]
    return Metrics(*(round(statistics.median(values), 3) for values in zip(*means, strict=True)))


def _measure_in(character: str, face: Face) -> Metrics:
    font = face.font(SIZE)
    unit = statistics.fmean(font.getlength(syllable) for syllable in SYLLABLES)
    mask, (x, y) = font.getmask2(character, mode="L", anchor="ls")
    xmin, ymin, xmax, ymax = mask.getbbox()
    advance = font.getlength(character)
    values = advance, x + xmin, advance - x - xmax, -(y + ymin), -(y + ymax)
    return Metrics(*(value / unit for value in values))


def write_table(file: TextIO) -> None:
    """Measure `MEASURED` over the faces on this machine and write the table."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["character", *Metrics._fields])
    faces = FontLibrary.find().faces
    for character in MEASURED:
        metrics = measure(character, faces)
        if metrics is not None:
            writer.writerow([character, *metrics])


@functools.cache
def _table() -> dict[str, Metrics]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return {row[0]: Metrics(*map(float, row[1:])) for row in rows}


@functools.lru_cache(maxsize=16384)
def metrics_of(character: str) -> Metrics:
    """Return a character's measures; of one that was not measured, those of a character of the same kind."""
    table = _table()
    if character in table:
        return table[character]
    if unicodedata.east_asian_width(character) in "WF":
        return table["행"]
    if character.isalnum():
        return table["0"]
    # Symbols of ambiguous width, such as ◇, are full in Korean faces.
    return table["○" if unicodedata.east_asian_width(character) == "A" else "."]


if __name__ == "__main__":
    write_table(sys.stdout)

"""labels.csv as columns: millions of words in a few arrays, read in seconds.

A Python object a word would take gigabytes at this data's size, in every worker process again. Here all names are one
UTF-8 buffer with offsets, all labels another, and what the filter and the batches need of a word (the size of its
patch, the length of its label) stands in integer arrays, worked out for many thousand words at a time. Worker
processes share the arrays with their parent, since nothing writes to them.
"""

from __future__ import annotations

import csv
import gc
import itertools
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

HEADER = ["filename", "words"]
CHUNK_ROWS = 30_000
"""Rows that are worked on at once: enough for numpy to pay, few enough for the processor's caches."""

Integers = npt.NDArray[np.int64]


class LabelsError(ValueError):
    """A labels.csv can't be read; the message names the file and the line."""


@dataclass(frozen=True)
class Strings:
    """A column of texts in one buffer.

    Attributes:
        buffer: UTF-8 of all texts, one after the other.
        offsets: int64 [n + 1]; text i is `buffer[offsets[i]:offsets[i + 1]]`.
    """

    buffer: npt.NDArray[np.uint8]
    offsets: Integers

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> str:
        return self.buffer[self.offsets[index] : self.offsets[index + 1]].tobytes().decode("utf-8")


@dataclass(frozen=True)
class WordTable:
    """The words of one data set, a row each, in the order of labels.csv.

    Attributes:
        names: The patches' file names.
        labels: What they say, in NFC; in lower case where that was asked for.
        width: int32 [n], pixels, as the name's coordinates tell; 0 where the name has none.
        height: int32 [n], likewise.
        length: int32 [n], characters of the target, which is the label, or what the character set holds of it.
        steps: int32 [n], time steps that CTC needs to write the target (see `ctc_steps`).
        unknown: bool [n], whether the label holds a character outside the character set.
        unknown_characters: How often each character outside the character set stands in the labels.
        malformed: How many rows do not hold a name and a label; they are left out.
        first_malformed: The first of these rows, the header being row 1; 0 when there is none.
    """

    names: Strings
    labels: Strings
    width: npt.NDArray[np.int32]
    height: npt.NDArray[np.int32]
    length: npt.NDArray[np.int32]
    steps: npt.NDArray[np.int32]
    unknown: npt.NDArray[np.bool_]
    unknown_characters: Counter[str]
    malformed: int
    first_malformed: int

    def __len__(self) -> int:
        return len(self.labels)


def ctc_steps(text: str) -> int:
    """Return how many time steps CTC needs for `text`: one a character, and a blank between equal neighbours."""
    return len(text) + sum(a == b for a, b in itertools.pairwise(text))


def read_table(path: Path, characters: str, *, sensitive: bool = True, only_known: bool = False) -> WordTable:
    """Read a labels.csv (real CSV, UTF-8, header `filename,words`).

    Args:
        path: The file.
        characters: All characters that the model can write.
        sensitive: False turns labels into lower case.
        only_known: True takes as targets what `characters` holds of a label; `length` and `steps` are of that.

    Raises:
        LabelsError: The file isn't there, isn't UTF-8, isn't CSV or has another header.
    """
    columns = _Columns(characters, sensitive, only_known)
    # Collecting reference cycles walks over all rows of a chunk again and again: half of the whole time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        for first_row, rows in _chunks(path):
            columns.add(first_row, rows)
    finally:
        if collecting:
            gc.enable()
    return columns.build()


class _Columns:
    """The columns of a table while they grow."""

    def __init__(self, characters: str, sensitive: bool, only_known: bool) -> None:
        self._known = np.zeros(0x110000, dtype=bool)
        self._known[[ord(character) for character in characters]] = True
        self._sensitive, self._only_known = sensitive, only_known
        self._names, self._labels = _Builder(), _Builder()
        self._numbers: list[tuple[npt.NDArray[np.int32], ...]] = []
        self._counts: Counter[str] = Counter()
        self._malformed, self._first_malformed = 0, 0

    def add(self, first_row: int, rows: list[list[str]]) -> None:
        """Add rows as the CSV reader gives them; an empty line is none, a row of other than two fields is malformed."""
        if set(map(len, rows)) != {2}:
            malformed = [number for number, row in enumerate(rows, first_row) if len(row) not in (0, 2)]
            self._malformed += len(malformed)
            self._first_malformed = self._first_malformed or next(iter(malformed), 0)
            rows = [row for row in rows if len(row) == 2]
        if not rows:
            return
        names, labels = (list(column) for column in zip(*rows, strict=True))
        self._names.add(names)
        points, lengths = self._labels.add(_normalized(labels, self._sensitive))
        measured, unknown = _measure_labels(points, lengths, self._known, self._only_known)
        self._counts.update(unknown)
        self._numbers.append((*_sizes(names), *measured))

    def build(self) -> WordTable:
        """Return the table; nothing can be added after that."""
        empty = (np.zeros(0, np.int32),) * 5
        width, height, length, steps, unknown = (
            np.concatenate(column) for column in zip(empty, *self._numbers, strict=True)
        )
        return WordTable(
            names=self._names.build(),
            labels=self._labels.build(),
            width=width,
            height=height,
            length=length,
            steps=steps,
            unknown=unknown > 0,
            unknown_characters=self._counts,
            malformed=self._malformed,
            first_malformed=self._first_malformed,
        )


def _chunks(path: Path) -> Iterator[tuple[int, list[list[str]]]]:
    """Yield the rows below the header, many at a time, each with the number of its first row (the header is row 1)."""
    try:
        # utf-8-sig: spreadsheets put a byte order mark in front.
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, None)
            if header != HEADER:
                raise LabelsError(f"{path}: the first line is {header!r}, not {','.join(HEADER)}")
            first_row = 2
            while rows := list(itertools.islice(reader, CHUNK_ROWS)):
                yield first_row, rows
                first_row += len(rows)
    except FileNotFoundError:
        raise LabelsError(f"{path}: there is no such file; step 2 (prepare_dataset.py) writes it") from None
    except UnicodeDecodeError as error:
        raise LabelsError(f"{path}: is not UTF-8 ({error.reason})") from None
    except csv.Error as error:
        raise LabelsError(f"{path}: is not CSV: {error} (line {reader.line_num})") from None
    except OSError as error:
        raise LabelsError(f"{path}: can't be read: {error.strerror}") from None


def _normalized(labels: list[str], sensitive: bool) -> list[str]:
    # Step 2 writes NFC; sets from elsewhere may hold the decomposed Hangul of macOS, which no character set has.
    if not unicodedata.is_normalized("NFC", "\n".join(labels)):
        labels = [unicodedata.normalize("NFC", label) for label in labels]
    return labels if sensitive else [label.lower() for label in labels]


class _Builder:
    """Puts texts behind each other as UTF-8."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._lengths: list[npt.NDArray[np.int32]] = []

    def add(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.uint32], Integers]:
        """Append texts; return their code points, one after the other, and the number of code points of each."""
        joined = "".join(texts)
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        points = np.frombuffer(joined.encode("utf-32-le"), np.uint32)
        encoded = joined.encode("utf-8")
        self._buffer += encoded
        if len(encoded) == len(joined):
            sizes = lengths
        else:
            per_point = 1 + (points >= 0x80).astype(np.int8) + (points >= 0x800) + (points >= 0x10000)
            sizes = _sums(per_point, lengths)
        self._lengths.append(sizes.astype(np.int32))
        return points, lengths

    def build(self) -> Strings:
        sizes = np.concatenate([np.zeros(1, np.int32), *self._lengths])
        return Strings(np.frombuffer(self._buffer, np.uint8), np.cumsum(sizes, dtype=np.int64))


def _sums(values: npt.NDArray[np.generic], lengths: Integers) -> Integers:
    """Add up `values` over consecutive stretches of the given lengths, which can be 0."""
    totals = np.concatenate([np.zeros(1, np.int64), np.cumsum(values, dtype=np.int64)])
    ends = np.cumsum(lengths)
    return totals[ends] - totals[ends - lengths]


def _measure_labels(
    points: npt.NDArray[np.uint32], lengths: Integers, known: npt.NDArray[np.bool_], only_known: bool
) -> tuple[tuple[npt.NDArray[np.int32], ...], dict[str, int]]:
    """Return length, steps and unknown of each label, and the unknown characters with counts."""
    unknown_points = ~known[points]
    unknown = _sums(unknown_points, lengths)
    rows = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    characters = {}
    if unknown_points.any():
        found, times = np.unique(points[unknown_points], return_counts=True)
        characters = {chr(point): int(count) for point, count in zip(found, times, strict=True)}
        if only_known:
            points, rows, lengths = points[~unknown_points], rows[~unknown_points], lengths - unknown
    repeats = np.bincount(rows[1:][(points[1:] == points[:-1]) & (rows[1:] == rows[:-1])], minlength=len(lengths))
    columns = (lengths.astype(np.int32), (lengths + repeats).astype(np.int32), (unknown > 0).astype(np.int32))
    return columns, characters


def _sizes(names: Sequence[str]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Read patch sizes out of names such as `5350109_100-200-300-264.png`: width 200, height 64; 0 where not possible.

    The four numbers are found from each name's end by the places of the characters that are no digits, for all names
    at once.
    """
    text = np.frombuffer(("\n".join(["", *names]) + "\n").encode("utf-8"), np.uint8)
    digits = text - np.uint8(ord("0"))
    others = np.flatnonzero(digits > 9)
    ends = np.flatnonzero(text[others] == ord("\n"))[1:]
    if len(ends) != len(names):  # a name with a line break in it; the images tell their sizes themselves
        return (np.zeros(len(names), np.int32),) * 2
    # The last nine characters of each name, its line end included, that are no digits.
    places = others[np.maximum(ends[:, None] + np.arange(-8, 1), 0)]
    expected = np.frombuffer(b"_---.png\n", np.uint8)
    lengths = places[:, 1:5] - places[:, :4] - 1
    sound = (text[places] == expected).all(1) & (np.diff(places[:, 4:]) == 1).all(1)
    sound &= ((lengths >= 1) & (lengths <= 6)).all(1)
    numbers = np.zeros((len(names), 4), np.int32)
    for digit in range(6):
        at = places[:, 1:5] - 1 - digit
        numbers += np.where(digit < lengths, digits[np.maximum(at, 0)].astype(np.int32) * 10**digit, 0)
    width, height = numbers[:, 2] - numbers[:, 0], numbers[:, 3] - numbers[:, 1]
    sound &= (width > 0) & (height > 0)
    return np.where(sound, width, 0).astype(np.int32), np.where(sound, height, 0).astype(np.int32)

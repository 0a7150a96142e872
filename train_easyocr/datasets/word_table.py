"""labels.csv as columns: millions of words in seconds, in a few bytes a word.

A Python object a word would take gigabytes at this data's size, in every worker process again. Here the file itself
keeps the names and labels; the table knows where each row starts in it, and in integer arrays what the filter and the
batches need of a word: the size of its patch and the length of its label. They are worked out for some ten thousand
rows at a time by array operations on the file's bytes. Worker processes share the arrays with their parent.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from train_easyocr.common.errors import UserError
from train_easyocr.common.files import replacing, sha256
from train_easyocr.common.text import is_normal, normalize_label

HEADER = ["filename", "words"]
BLOCK_BYTES = 1 << 20
"""Bytes that are worked on at once: enough for numpy to pay, few enough for the processor's caches."""
LONGEST_ROW = 1 << 20
"""Bytes; a longer row is taken for a quote that nobody closed."""
DIGITS = 5
"""Of a coordinate in a patch's name, at most."""
INDEX = "labels.index.npz"
"""The file beside labels.csv that keeps its table for the next start."""
INDEX_FORMAT = 2
INDEXED_ROWS = 100_000
"""Smaller files are read faster than it is worth to keep another one."""
COLUMNS = ("starts", "width", "height", "length", "steps", "unknown")
QUOTE, COMMA, NEW_LINE, RETURN, SPACE = (np.uint8(ord(character)) for character in '",\n\r ')

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]
Column = npt.NDArray[np.int32]
Lengths = npt.NDArray[np.uint16]


class NotUtf8Error(UserError):
    """A labels.csv is not UTF-8; spreadsheets save it in other encodings."""


@dataclass(frozen=True)
class WordTable:
    """The words of one data set, a row each, in the order of labels.csv.

    Attributes:
        path: The labels.csv. It must stay as it is while the table is used; replacing it by another file is harmless.
        sensitive: False: labels are in lower case.
        starts: int64 [n + 1], where in the file each row starts, and the end of the last one.
        width: int32 [n], pixels, as the patch's name tells by its coordinates; 0 where it does not.
        height: int32 [n], likewise.
        length: uint16 [n], characters of the target, which is the label, or what the character set holds of it.
        steps: uint16 [n], time steps that CTC needs to write the target (see `ctc_steps`).
        unknown: bool [n], whether the label holds a character outside the character set.
        unknown_characters: How often each character outside the character set stands in the labels.
        malformed: How many rows do not hold a name and a label; they are left out.
        first_malformed: The first of these rows, the header being row 1; 0 when there is none.
    """

    path: Path
    sensitive: bool
    starts: Places
    width: Column
    height: Column
    length: Lengths
    steps: Lengths
    unknown: Mask
    unknown_characters: Counter[str]
    malformed: int
    first_malformed: int
    _file: list[BinaryIO] = field(default_factory=list, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.length)

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_file": []}  # a process that was not forked opens the file itself

    def row(self, index: int) -> tuple[str, str]:
        """Return a row's file name and label, the label in NFC and, where that was asked for, in lower case.

        Raises:
            UserError: The file has changed since the table was made.
        """
        start, end = int(self.starts[index]), int(self.starts[index + 1])
        try:
            if not self._file:
                self._file.append(self.path.open("rb"))
            # Unlike seek and read, pread is safe among processes that share an open file.
            text = os.pread(self._file[0].fileno(), end - start, start).decode("utf-8")
            [name, label], *_ = csv.reader(io.StringIO(text, newline=""))
        except (OSError, ValueError, csv.Error):
            raise UserError(f"{self.path}: has changed since it was read; run again") from None
        return name, _normalized(label, self.sensitive)


def ctc_steps(text: str) -> int:
    """Return how many time steps CTC needs for `text`: one a character, and a blank between equal neighbours."""
    return len(text) + sum(a == b for a, b in itertools.pairwise(text))


def read_table(path: Path, characters: str, *, sensitive: bool = True, only_known: bool = False) -> WordTable:
    """Read a labels.csv (real CSV, UTF-8, header `filename,words`, rows ended by a line feed).

    Args:
        path: The file.
        characters: All characters that the model can write.
        sensitive: False turns labels into lower case.
        only_known: True takes as targets what `characters` holds of a label; `length` and `steps` are of that.

    Raises:
        NotUtf8Error: The file isn't UTF-8.
        UserError: The file isn't there, isn't CSV or has another header.
    """
    known = np.zeros(0x110000, dtype=bool)
    known[[ord(character) for character in characters]] = True
    types: list[Any] = [np.int64, np.int32, np.int32, np.uint16, np.uint16, np.bool_]
    columns: list[list[npt.NDArray[Any]]] = [[np.zeros(0, kind)] for kind in types]
    counts: Counter[str] = Counter()
    malformed, first_malformed, end = 0, 0, 0
    try:
        with path.open("rb") as file:
            for block in _blocks(path, file):
                rows = block.rows()
                if len(rows.malformed):
                    malformed += len(rows.malformed)
                    first_malformed = first_malformed or block.first_row + int(rows.malformed[0])
                points, lengths = block.labels(rows, sensitive)
                measured, unknown = _measure(points, lengths, known, only_known)
                counts.update(unknown)
                parts: tuple[npt.NDArray[Any], ...] = (rows.starts + block.offset, *block.patch_sizes(rows), *measured)
                for column, part in zip(columns, parts, strict=True):
                    column.append(part)
                end = block.offset + len(block.data)
    except FileNotFoundError:
        raise UserError(
            f"{path}: there is no such file; step 2 (prepare_dataset.py) writes it. A list of words of "
            "another name (image<tab>text) can be named itself, as train_data and val_data"
        ) from None
    except OSError as error:
        raise UserError(f"{path}: can't be read: {error.strerror}") from None
    columns[0].append(np.array([end]))
    starts, width, height, length, steps, unknown_rows = map(_joined, columns)
    return WordTable(
        path=path,
        sensitive=sensitive,
        starts=starts,
        width=width,
        height=height,
        length=length,
        steps=steps,
        unknown=unknown_rows,
        unknown_characters=counts,
        malformed=malformed,
        first_malformed=first_malformed,
    )


def indexed_table(
    path: Path, characters: str, *, sensitive: bool = True, only_known: bool = False
) -> tuple[WordTable, str]:
    """Return `read_table`, and the SHA-256 of the file; from the index beside it if it is there and of this file.

    A large file's index is written when there is none, or one of another file or other characters; a folder that
    can't be written does without.

    Args:
        path: The file.
        characters: See `read_table`, as for the others.
        sensitive: Likewise.
        only_known: Likewise.

    Raises:
        UserError: See `read_table`.
    """
    try:
        digest = sha256(path)
    except OSError:
        return read_table(path, characters, sensitive=sensitive, only_known=only_known), ""  # says what is wrong
    facts = json.dumps([INDEX_FORMAT, digest, characters, sensitive, only_known])
    index = path.with_name(INDEX)
    table = _read_index(index, path, facts)
    if table is None:
        table = read_table(path, characters, sensitive=sensitive, only_known=only_known)
        if len(table) >= INDEXED_ROWS:
            with suppress(OSError):
                _write_index(index, table, facts)
    return table, digest


def _write_index(index: Path, table: WordTable, facts: str) -> None:
    found, times = list(table.unknown_characters), list(table.unknown_characters.values())
    with replacing(index) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            facts=np.array(facts),
            sensitive=np.array(table.sensitive),
            malformed=np.array([table.malformed, table.first_malformed]),
            found=np.array([ord(character) for character in found], np.int64),
            times=np.array(times, np.int64),
            **{name: getattr(table, name) for name in COLUMNS},
        )


def _read_index(index: Path, path: Path, facts: str) -> WordTable | None:
    """Return the table that an index holds; None when it is damaged or was made for other facts."""
    try:
        with np.load(index, allow_pickle=False) as content:
            if str(content["facts"]) != facts:
                return None
            counts = zip(content["found"].tolist(), content["times"].tolist(), strict=True)
            malformed, first_malformed = content["malformed"].tolist()
            return WordTable(
                path=path,
                sensitive=bool(content["sensitive"]),
                unknown_characters=Counter({chr(point): times for point, times in counts}),
                malformed=malformed,
                first_malformed=first_malformed,
                **{name: content[name] for name in COLUMNS},
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None


def _joined(parts: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Join a column's parts and let go of them, since all columns together are large."""
    column = np.concatenate(parts)
    parts.clear()
    return column


def _blocks(path: Path, file: BinaryIO) -> Iterator[_Block]:
    """Yield the rows below the header, many at a time."""
    header = file.readline(LONGEST_ROW)
    try:
        # utf-8-sig: spreadsheets put a byte order mark in front.
        titles = next(csv.reader([header.decode("utf-8-sig")]), None)
    except (UnicodeDecodeError, csv.Error):
        titles = None
    if titles != HEADER:
        error = NotUtf8Error if b"\0" in header or titles is None else UserError
        raise error(f"{path}: the first line is {header.decode(errors='replace')[:80]!r}, not {','.join(HEADER)}")
    offset, first_row, rest = len(header), 2, b""
    while content := file.read(BLOCK_BYTES):
        block = _Block(path, rest + content, offset, first_row)
        rest = block.cut()
        if len(rest) > LONGEST_ROW:
            raise UserError(f"{path}: row {first_row + len(block.ends)}: is too long; is a quote not closed?")
        if len(block.data):
            yield block
        offset, first_row = offset + len(block.data), first_row + len(block.ends)
    if rest:
        block = _Block(path, rest + b"\n", offset, first_row)
        if block.cut():
            raise UserError(f"{path}: row {first_row}: a quote is not closed")
        yield block


@dataclass(frozen=True)
class _Rows:
    """Where the rows of a block are that hold a name and a label; all are places in the block.

    Attributes:
        starts: Where each row starts.
        commas: Its comma.
        ends: Its line end.
        malformed: Numbers of the rows with other than two fields, counted from the block's first.
    """

    starts: Places
    commas: Places
    ends: Places
    malformed: Places


class _Block:
    """A stretch of the file, cut at the end of its last whole row."""

    def __init__(self, path: Path, content: bytes, offset: int, first_row: int) -> None:
        self._path, self.offset, self.first_row = path, offset, first_row
        self.data: Bytes = np.frombuffer(content, np.uint8)
        self._quotes: Places = np.flatnonzero(self.data == QUOTE)
        self.ends: Places = self._structural(NEW_LINE)

    def _structural(self, byte: np.uint8) -> Places:
        """Return where a byte stands that is not part of a quoted field: after an even number of quotes."""
        places = np.flatnonzero(self.data == byte)
        return places[np.searchsorted(self._quotes, places) % 2 == 0] if len(self._quotes) else places

    def cut(self) -> bytes:
        """Keep the whole rows, check their quotes, and return what is left."""
        size = int(self.ends[-1]) + 1 if len(self.ends) else 0
        rest = self.data[size:].tobytes()
        self.data, self._quotes = self.data[:size], self._quotes[self._quotes < size]
        self._check_quotes()
        try:
            self.data.tobytes().decode("utf-8")
        except UnicodeDecodeError as error:
            row = self.first_row + int(np.searchsorted(self.ends, error.start))
            raise NotUtf8Error(f"{self._path}: row {row}: is not UTF-8 ({error.reason})") from None
        if (self.data[self._structural(RETURN) + 1] != NEW_LINE).any():
            raise UserError(f"{self._path}: rows end in carriage returns; save the file with line feeds")
        return rest

    def _check_quotes(self) -> None:
        """Refuse quotes at which a field neither starts nor ends, since what they mean is anybody's guess."""
        before, after = self._around_quotes()
        sound = np.isin(before, (COMMA, NEW_LINE, QUOTE))
        sound[1::2] = np.isin(after[1::2], (COMMA, NEW_LINE, RETURN, QUOTE))  # every second quote closes
        if not sound.all():
            row = self.first_row + int(np.searchsorted(self.ends, self._quotes[~sound][0]))
            raise UserError(
                f"{self._path}: row {row}: is not CSV: a field that holds a quote stands in quotes, its own doubled"
            )

    def _around_quotes(self) -> tuple[Bytes, Bytes]:
        """Return the byte before each quote (a line end at the start) and the one after it."""
        before = np.where(self._quotes > 0, self.data[self._quotes - 1], NEW_LINE)
        return before, self.data[self._quotes + 1]  # a line end comes after the last of them

    def rows(self) -> _Rows:
        """Find the rows that hold a name and a label; empty lines are none, and not malformed."""
        starts = np.concatenate([np.zeros(1, np.int64), self.ends[:-1] + 1])
        commas = self._structural(COMMA)
        first = np.searchsorted(commas, starts)
        count = np.diff(np.append(first, len(commas)))
        sound = count == 1
        if sound.all():
            return _Rows(starts, commas, self.ends, np.zeros(0, np.int64))
        empty = (self.ends == starts) | ((self.ends == starts + 1) & (self.data[starts] == RETURN))
        return _Rows(starts[sound], commas[first[sound]], self.ends[sound], np.flatnonzero(~sound & ~empty))

    def labels(self, rows: _Rows, sensitive: bool) -> tuple[npt.NDArray[np.uint32], Places]:
        """Return the code points of all labels behind each other, and the number of code points of each."""
        # Alternately what is outside and what is inside of a label.
        borders = np.stack([rows.commas + 1, rows.ends], 1).reshape(-1)
        stretches = np.diff(borders, prepend=0, append=len(self.data))
        wanted = np.repeat(np.arange(len(stretches)) % 2 == 1, stretches)
        wanted[self._unwritten(rows)] = False
        content = self.data[wanted]
        text = content.tobytes().decode("utf-8")
        # Bytes 10xxxxxx go on with a code point, all others start one.
        first_bytes = np.flatnonzero(wanted)[(content & 0xC0) != 0x80]
        lengths = np.diff(np.searchsorted(first_bytes, np.append(rows.starts, len(self.data))))
        points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        borders = np.cumsum(lengths[lengths > 0])
        spaced = (points[borders - 1] == SPACE).any() or (points[borders[:-1]] == SPACE).any() or text[:1] == " "
        if not sensitive or spaced or not is_normal(text):
            ends = np.cumsum(lengths).tolist()
            labels = [_normalized(text[a:b], sensitive) for a, b in zip([0, *ends[:-1]], ends, strict=True)]
            points = np.frombuffer("".join(labels).encode("utf-32-le"), np.uint32)
            lengths = np.fromiter(map(len, labels), np.int64, len(labels))
        return points, lengths

    def _unwritten(self, rows: _Rows) -> Places:
        """Return where bytes stand that are no part of a label's text: quotes around it, and carriage returns.

        Of the quotes in a quoted field those stand for themselves that open it again right behind a closing one.
        """
        returns = rows.ends[self.data[rows.ends - 1] == RETURN] - 1
        written = self._around_quotes()[0] == QUOTE
        written[1::2] = False
        return np.concatenate([returns, self._quotes[~written]])

    def patch_sizes(self, rows: _Rows) -> tuple[Column, Column]:
        """Read patch sizes out of names such as `5350109_100-200-300-264.png`: width 200, height 64; 0 where not so.

        The four numbers are found by the places of the characters before a row's comma that are no digits.
        """
        digits = self.data - np.uint8(ord("0"))
        others = np.flatnonzero(digits > 9)
        last = np.searchsorted(others, rows.commas)
        places = others[np.maximum(last[:, None] + np.arange(-8, 1), 0)]
        lengths = places[:, 1:5] - places[:, :4] - 1
        sound = (self.data[places] == np.frombuffer(b"_---.png,", np.uint8)).all(1)
        sound &= (np.diff(places[:, 4:]) == 1).all(1) & ((lengths >= 1) & (lengths <= DIGITS)).all(1)
        numbers = np.zeros((len(rows.commas), 4), np.int32)
        for digit in range(DIGITS):
            at = np.maximum(places[:, 1:5] - 1 - digit, 0)
            numbers += np.where(digit < lengths, digits[at].astype(np.int32) * 10**digit, 0)
        width, height = numbers[:, 2] - numbers[:, 0], numbers[:, 3] - numbers[:, 1]
        sound &= (width > 0) & (height > 0)
        return np.where(sound, width, 0).astype(np.int32), np.where(sound, height, 0).astype(np.int32)


def _normalized(label: str, sensitive: bool) -> str:
    label = normalize_label(label)  # as step 2 has written it; sets from elsewhere need not be so
    return label if sensitive else label.lower()


def _measure(
    points: npt.NDArray[np.uint32], lengths: Places, known: Mask, only_known: bool
) -> tuple[tuple[Lengths, Lengths, Mask], dict[str, int]]:
    """Return length, steps and unknown of each label, and the unknown characters with counts."""
    rows = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    outside = ~known[points]
    unknown = np.bincount(rows[outside], minlength=len(lengths))
    characters: dict[str, int] = {}
    if outside.any():
        found, times = np.unique(points[outside], return_counts=True)
        characters = {chr(point): int(count) for point, count in zip(found, times, strict=True)}
        if only_known:
            points, rows, lengths = points[~outside], rows[~outside], lengths - unknown
    repeats = np.bincount(rows[1:][(points[1:] == points[:-1]) & (rows[1:] == rows[:-1])], minlength=len(lengths))
    length, steps = (np.minimum(column, 0xFFFF).astype(np.uint16) for column in (lengths, lengths + repeats))
    return (length, steps, unknown > 0), characters

"""labels.csv: a row a patch, `filename,words`, as real CSV (UTF-8, quoted where a text needs it, lines end in LF)."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from train_easyocr.common.errors import UserError

HEADER = ("filename", "words")
NEEDS_QUOTES = frozenset(',"\r\n')


def format_row(fields: Iterable[str]) -> str:
    """Return one line of CSV with its line end.

    Python's writer leaves a carriage return without quotes when rows end in LF (up to 3.12), and no reader gets it
    back; so quoting is done here: a field is quoted when it holds a comma, a quote or either line end.
    """
    return ",".join(_quoted(field) for field in fields) + "\n"


def _quoted(field: str) -> str:
    return field if NEEDS_QUOTES.isdisjoint(field) else '"' + field.replace('"', '""') + '"'


def read_rows(path: Path) -> Iterator[tuple[str, str]]:
    """Yield file name and text of each patch, in the file's order; memory does not grow with the file.

    Raises:
        UserError: The file is no labels.csv.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:  # spreadsheets put a byte order mark in front
        reader = csv.reader(file, strict=True)
        try:
            if tuple(next(reader, ())) != HEADER:
                raise UserError(f"{path}: the first row is not {','.join(HEADER)}")
            for row in reader:
                if len(row) != len(HEADER):
                    raise UserError(f"{path}: line {reader.line_num} has {len(row)} fields instead of 2")
                yield row[0], row[1]
        except (csv.Error, UnicodeDecodeError) as error:
            raise UserError(f"{path}: line {reader.line_num}: {error}") from None


def read_labels_csv(path: Path) -> tuple[list[str], list[str]]:
    """Read a whole labels.csv into memory: the file names and the texts.

    Raises:
        UserError: The file is no labels.csv.
    """
    rows = list(read_rows(path))
    return [name for name, _ in rows], [text for _, text in rows]

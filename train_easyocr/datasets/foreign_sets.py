"""Sets of words as others have them, brought into the form of step 2's labels.csv when a training opens them.

- EasyOCR's trainer: labels.csv (`filename,words`) with the images beside it; texts need not be quoted.
- deep-text-recognition-benchmark: an LMDB (data.mdb), or the gt.txt that it is made of.
- PaddleOCR: rec_gt.txt, as PPOCRLabel exports it, or a list of any name: `image<tab>text`.

Step 2's own labels.csv is among them where a spreadsheet has saved it in another encoding (`in_utf8`).
"""

from __future__ import annotations

import csv
import io
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from unicodedata import normalize

from train_easyocr.common.encodings import EncodingError, decode_text
from train_easyocr.common.errors import UserError
from train_easyocr.common.text import normalize_label, unify_variants
from train_easyocr.datasets.labels_csv import HEADER, format_row
from train_easyocr.settings.parts import WORD_FILES

DATABASE = "data.mdb"
MOST_BYTES = 2**30
"""Of a list: ten million words have less."""
_QUOTED = re.compile('"((?:[^"]|"")*)"')
_folders: list[tempfile.TemporaryDirectory[str]] = []
"""What was converted; removed when the process ends."""


@dataclass(frozen=True)
class ForeignSet:
    """A set of words in a form of others.

    Attributes:
        labels: Its words as step 2 writes them, in a temporary file.
        place: The LMDB's folder, or the one below which the images of a list are.
        absent: How many words have no image.
        first_absent: The first image that is not there.
    """

    labels: Path
    place: Path
    absent: int = 0
    first_absent: str = ""


def foreign_file(place: Path) -> Path | None:
    """Return the file that holds a set's words in a form of others; None where there is none.

    Args:
        place: A list itself, or a folder.
    """
    if place.is_file():
        return place
    return next((place / name for name in WORD_FILES if (place / name).is_file()), None)


def from_database(place: Path, labels: Iterable[str], unify: bool) -> ForeignSet:
    """Bring the labels of an LMDB in the folder `place` into step 2's form, in their order."""
    named = ((f"image-{number:09d}", text) for number, text in enumerate(labels, 1))
    return ForeignSet(_written(named, unify), place)


def from_list(file: Path, unify: bool) -> ForeignSet:
    """Bring a list and its images into step 2's form.

    Args:
        file: The list, .csv or text.
        unify: Write signs that print does not tell apart in one way, as step 2 does.

    Raises:
        UserError: It can't be read, or none of its images is there.
    """
    return _in_place(
        file,
        list(_words_of(file)),
        unify,
        ", where there is neither images/ nor lmdb/ as step 2 writes them; "
        "expected: image<tab>text a line (in labels.csv filename,words), the image's path from that folder",
    )


def from_paths(file: Path) -> ForeignSet:
    """Bring a list of images that nobody labelled, a path a line, into step 2's form, with empty texts.

    Raises:
        UserError: It can't be read, or none of its images is there.
    """
    named = [(line.partition("\t")[0], "") for line in _lines(file)]
    return _in_place(file, named, unify=False, advice="; expected: the path of an image a line")


def _in_place(file: Path, named: list[tuple[str, str]], unify: bool, advice: str) -> ForeignSet:
    """Bring the words of a list whose images are there into step 2's form.

    Raises:
        UserError: None is there; `advice` ends what is said.
    """
    words, absent = _with_images(file, named)
    if not words:
        example = f", such as {absent[0]!r}," if absent else ""
        raise UserError(
            f"{file}: none of the {len(named):,} images that it names{example} lies in or below {file.parent}{advice}"
        )
    return ForeignSet(_written(words, unify), file.parent, len(absent), next(iter(absent), ""))


def _with_images(file: Path, named: Iterable[tuple[str, str]]) -> tuple[list[tuple[str, str]], list[str]]:
    """Return those words of a list whose image is there, under its name as it is spelt, and the names of the others."""
    images = _images_below(file.parent)
    words, absent = [], []
    for name, text in named:
        image = _image_of(name, images)
        if image is None:
            absent.append(name)
        else:
            words.append((image, text))
    return words, absent


def in_utf8(file: Path) -> tuple[Path, str]:
    """Return step 2's labels.csv in UTF-8, as its trainer reads it, and the encoding that the file was in.

    Args:
        file: As a spreadsheet has saved it: in CP949 or UTF-16, fields divided by commas or tabs.

    Raises:
        UserError: It is in none of these, or no labels.csv.
    """
    text, encoding = _decoded(file)
    delimiter = "\t" if "\t" in text.partition("\n")[0] else ","
    try:
        header, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except (csv.Error, ValueError) as error:
        raise UserError(f"{file}: is not CSV: {error}") from None
    if tuple(header) != HEADER:
        raise UserError(f"{file}: the first row is {','.join(header)[:80]!r}, not {','.join(HEADER)}")
    path = _temporary()
    with path.open("w", encoding="utf-8", newline="") as written:
        written.writelines(map(format_row, [header, *rows]))
    return path, encoding


def texts_of(file: Path) -> Iterator[str]:
    """Yield the texts of a list of others, in its order, whether or not their images are there.

    Raises:
        UserError: It can't be read.
    """
    return (text for _, text in _words_of(file))


def _temporary() -> Path:
    """Return where a labels.csv can be written that goes when the process ends."""
    _folders.append(tempfile.TemporaryDirectory(prefix="words-"))
    return Path(_folders[-1].name) / "labels.csv"


def _written(words: Iterable[tuple[str, str]], unify: bool) -> Path:
    """Write words as step 2 does, to a folder that goes when the process ends."""
    path = _temporary()
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(format_row(HEADER))
        for name, text in words:
            shown = normalize_label(text)
            file.write(format_row((name, unify_variants(shown) if unify else shown)))
    return path


def _images_below(folder: Path) -> dict[str, str]:
    """Return the files below a folder: relative path in NFC, with `/`, and as the file system spells it."""
    found = {}
    for parent, _, names in os.walk(folder):
        above = os.path.relpath(parent, folder).replace(os.sep, "/")
        for name in names:
            path = name if above == "." else f"{above}/{name}"
            found[normalize("NFC", path)] = path
    return found


def _image_of(name: str, images: dict[str, str]) -> str | None:
    """Find an image by its path, which may start at a folder above the list's; None where it is not there."""
    parts = PurePosixPath(normalize("NFC", name.strip().replace("\\", "/"))).parts
    tails = ("/".join(parts[start:]) for start in range(len(parts)))
    return next((images[tail] for tail in tails if tail in images), None)


def _words_of(file: Path) -> Iterator[tuple[str, str]]:
    return _words_of_csv(file) if file.suffix.lower() == ".csv" else _words_of_list(file)


def _decoded(file: Path) -> tuple[str, str]:
    """Return a file's text, and the encoding that it is in."""
    try:
        if file.stat().st_size > MOST_BYTES:
            raise UserError(f"{file}: holds more than {MOST_BYTES:,} bytes; divide it")
        return decode_text(file.read_bytes())[:2]
    except OSError as error:
        raise UserError(f"{file}: can't be read: {error.strerror}") from None
    except EncodingError as error:
        raise UserError(f"{file}: {error}") from None


def _lines(file: Path) -> list[str]:
    text, _ = _decoded(file)
    return [line.removesuffix("\r") for line in text.split("\n") if line.strip()]


def _words_of_csv(file: Path) -> Iterator[tuple[str, str]]:
    """Yield name and text of each row; the text is all that follows the first comma, unless it is quoted as CSV."""
    header, *lines = _lines(file) or [""]
    if header.replace('"', "").strip() != ",".join(HEADER):
        raise UserError(f"{file}: the first line is {header[:80]!r}, not {','.join(HEADER)}")
    for line in lines:
        name, _, text = line.partition(",")
        yield name.strip('"'), _unquoted(text)


def _unquoted(text: str) -> str:
    """Take CSV's quotes off a text that only they let hold a comma or a quote; others are part of the text."""
    quoted = _QUOTED.fullmatch(text)
    return quoted[1].replace('""', '"') if quoted and ("," in quoted[1] or '""' in quoted[1]) else text


def _words_of_list(file: Path) -> Iterator[tuple[str, str]]:
    """Yield name and text of each line; a line without a tab is divided at its first white space."""
    for line in _lines(file):
        name, _, text = line.partition("\t") if "\t" in line else line.partition(" ")
        yield name, text

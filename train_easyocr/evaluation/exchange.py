"""Words read, in files: those of another system to be scored, and ours for others.

JSON:   {"pages": {"<page>": [{"box": [xmin, ymin, xmax, ymax], "text": "도로", "confidence": 0.98}, ...], ...}}
        A word may have "points" ([[x, y], ...]) for "box", and is tilted where they are; "transcription" for "text",
        "score" for "confidence"; a confidence (0 to 1) is not needed. Or what a page's call returned, with "pages"
        around it or without: EasyOCR's tuples [corners, text, confidence] and dicts, PaddleOCR's
        [corners, [text, score]] and its rec_texts, rec_polys and rec_scores.
CSV:    page,xmin,ymin,xmax,ymax,text[,confidence] in the first row
ZIP:    as the ICDAR competitions have it and the official CLEval command takes it: a file `<page>.txt` a page, a line
        x1,y1,x2,y2,x3,y3,x4,y4,text a word

A page is named as in the evaluation set, folders included (`인.허가/5350109/2001/5350109-2001-0001-0344`); its file
name alone, with or without suffix, will do where that is unambiguous.
"""

from __future__ import annotations

import csv
import io
import json
import lzma
import math
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from unicodedata import normalize

from train_easyocr.common.encodings import EncodingError, decode_text
from train_easyocr.common.errors import UsageError, UserError
from train_easyocr.common.files import replacing, write_text
from train_easyocr.datasets.labels_csv import format_row
from train_easyocr.documents import Box, Word
from train_easyocr.documents.aihub import UNWRITABLE
from train_easyocr.documents.archives import MemberError, decode_name
from train_easyocr.documents.json_forms import DONT_CARE, Corners
from train_easyocr.documents.label_formats import icdar_lines, parse_icdar_line, quoted_for_icdar
from train_easyocr.documents.page import corners_of, enclosing_box
from train_easyocr.evaluation.observations import Row, word_of
from train_easyocr.metrics.matching import LARGEST_COORDINATE

FORMAT = 1
COLUMNS = ("page", "xmin", "ymin", "xmax", "ymax", "text", "confidence")
SUFFIXES = (".json", ".csv", ".zip")
CONFIDENCES = ("confidence", "score", "confident")
"""Our name, PaddleOCR's and EasyOCR's."""
PAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".json", ".txt"})
ICDAR_PREFIXES = ("res_", "gt_")
"""What the competitions put before the names of files."""
MOST_BYTES = 2**30
"""Of all text in a ZIP: half a million pages have less; a bomb has more."""

Rows = dict[str, list[Row]]


@dataclass(frozen=True, slots=True)
class ForeignPredictions:
    """What a file holds for the pages of an evaluation set.

    Attributes:
        rows: Words by page.
        missing: Pages of the set that the file does not name; nothing was read there.
        foreign: Names in the file that are no page of the set.
    """

    rows: Rows
    missing: list[str]
    foreign: list[str]


def read_predictions(path: Path, pages: Sequence[str]) -> ForeignPredictions:
    """Read a file of predictions for the pages of an evaluation set.

    Args:
        path: JSON, CSV or ZIP, by its suffix.
        pages: The names of the set's pages.

    Raises:
        UserError: The file can't be read or holds no page of the set.
    """
    readers: dict[str, Callable[[Path], Rows]] = {".json": _read_json, ".csv": _read_csv, ".zip": _read_zip}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise UsageError(f"{path}: predictions are read from {', '.join(SUFFIXES)} files")
    try:
        found = reader(path)
    except (OSError, csv.Error, zipfile.BadZipFile, ValueError, RecursionError) as error:
        raise UserError(f"{path}: can't be read: {error}") from error
    return _assigned(path, found, pages)


def _assigned(path: Path, found: Rows, pages: Sequence[str]) -> ForeignPredictions:
    """Bring the file's names and the set's pages together."""
    by_name = set(pages)
    by_stem: dict[str, list[str]] = defaultdict(list)
    for page in pages:
        by_stem[PurePosixPath(page).name].append(page)
    rows: Rows = {}
    foreign = []
    for name, words in found.items():
        composed = normalize("NFC", name)  # as macOS does not write it
        bare = _without_suffix(composed)
        spellings = (composed, bare, *(bare.removeprefix(prefix) for prefix in ICDAR_PREFIXES))
        candidates = [spelling for spelling in spellings if spelling in by_name][:1]
        candidates = candidates or next((by_stem[spelling] for spelling in spellings if by_stem[spelling]), [])
        if len(candidates) != 1:
            foreign.append(name)
            continue
        if candidates[0] in rows:
            raise UserError(f"{path}: page {candidates[0]} is there twice, the second time as {name!r}")
        rows[candidates[0]] = words
    if not rows:
        shown = f"; it names {foreign[0]!r}, the set {pages[0]!r}" if foreign and pages else ""
        raise UserError(f"{path}: holds no page of the evaluation set{shown}")
    return ForeignPredictions(rows, [page for page in pages if page not in rows], foreign)


def _without_suffix(name: str) -> str:
    path = PurePosixPath(name)
    return str(path.with_suffix("")) if path.suffix.lower() in PAGE_SUFFIXES else name


def _read_json(path: Path) -> Rows:
    content = json.loads(decode_text(path.read_bytes()).text)
    pages = content.get("pages", content) if isinstance(content, dict) else None
    if not isinstance(pages, dict):
        raise UserError(f'{path}: has no object "pages" with a list of words for each page')
    rows: Rows = {}
    for page, found in pages.items():
        _check_writable(page, f"{path}: page")
        words = _words_of(found)
        if not isinstance(words, list):
            raise UserError(f"{path}: page {page!r} is no list of words")
        rows[page] = [_row(word, f"{path}: page {page!r}, word {number}") for number, word in enumerate(words, 1)]
    return rows


def _words_of(page: Any) -> Any:
    """Return a page's words as a list, from whatever a call of EasyOCR or PaddleOCR returned for it."""
    if isinstance(page, dict):
        result = page.get("res", page)
        columns = [result.get(key) for key in ("rec_polys", "rec_texts", "rec_scores")]
        if all(isinstance(column, list) for column in columns) and len(set(map(len, columns))) == 1:
            return [list(word) for word in zip(*columns, strict=True)]
    # PaddleOCR returns a list of pages, where None stands for one without words.
    if isinstance(page, list) and len(page) == 1 and not _is_tuple(page[0]) and isinstance(page[0], list | None):
        return page[0] or []
    return page


def _is_tuple(word: Any) -> bool:
    """Whether a word is [corners, text], [corners, text, confidence] or [corners, [text, confidence]]."""
    if not isinstance(word, list) or len(word) not in (2, 3):
        return False
    said = word[1]
    return isinstance(said, str) or (isinstance(said, list) and len(said) == 2 and isinstance(said[0], str))


def _as_object(word: Any) -> Any:
    if isinstance(word, str):  # EasyOCR's output_format="json"
        with suppress(ValueError):
            return json.loads(word)
    if _is_tuple(word):
        text, confidence = word[1] if isinstance(word[1], list) else (word[1], word[2] if len(word) == 3 else None)
        return {"points": word[0], "text": text, "confidence": confidence}
    return word


def _row(word: Any, place: str) -> Row:
    word = _as_object(word)
    if not isinstance(word, dict):
        raise UserError(f"{place}: is neither an object with box and text nor [corners, text, confidence]")
    text = word.get("text", word.get("transcription"))
    if not isinstance(text, str):
        raise UserError(f"{place}: has no text")
    _check_writable(text, place)
    corners = _corners(word.get("points", word.get("boxes"))) or _corners_of_box(word.get("box"))
    if not corners:
        raise UserError(f"{place}: has neither a box of four numbers nor points")
    return _row_at(corners, text, _confidence(word, place), place)


def _row_at(corners: Corners, text: str, confidence: float, place: str) -> Row:
    """Return a word's row: its box and, where it lies tilted, its corners."""
    return [*_whole(corners, place), text, confidence, *([quad] if (quad := corners_of(corners)) else [])]


def _check_writable(text: str, place: str) -> None:
    if found := UNWRITABLE.search(text):
        raise UserError(
            f"{place}: {text!r} holds {found[0]!r}, which no text file can hold; take it out, or write the character"
        )


def _corners(points: Any) -> Corners:
    """Return the points of a polygon; none where they are no points."""
    try:
        return [(float(x), float(y)) for x, y in points]
    except (TypeError, ValueError, OverflowError):
        return []


def _corners_of_box(box: Any) -> Corners:
    try:
        xmin, ymin, xmax, ymax = map(float, box)
    except (TypeError, ValueError, OverflowError):
        return []
    return [(xmin, ymin), (xmax, ymax)]


def _confidence(word: Mapping[str, Any], place: str) -> float:
    value = next((word[key] for key in CONFIDENCES if key in word), None)
    if value is None or value == "":
        return math.nan
    try:
        confidence = float(value)
    except (TypeError, ValueError, OverflowError):
        confidence = math.inf
    if not (math.isnan(confidence) or 0 <= confidence <= 1):
        raise UserError(f"{place}: {str(value)[:40]!r} is no confidence from 0 to 1; percentages are to be divided")
    return confidence


def _whole(corners: Corners, place: str) -> Box:
    """Return the smallest box of whole pixels that holds the corners."""
    if not all(abs(number) <= LARGEST_COORDINATE for corner in corners for number in corner):  # NaN compares as False
        raise UserError(f"{place}: a coordinate is not within {LARGEST_COORDINATE} pixels")
    return enclosing_box(corners)


def _read_csv(path: Path) -> Rows:
    rows: Rows = defaultdict(list)
    with io.StringIO(decode_text(path.read_bytes()).text, newline="") as file:
        reader = csv.DictReader(file, strict=True)
        lacking = set(COLUMNS[:-1]) - set(reader.fieldnames or ())
        if lacking:
            raise UserError(f"{path}: the first row names no column {', '.join(sorted(lacking))}")
        for line in reader:
            place = f"{path}: line {reader.line_num}"
            if any(line[name] is None for name in COLUMNS[:-1]):
                raise UserError(f"{place}: has too few fields")
            if None in line:
                raise UserError(f"{place}: has too many fields; a text that holds a comma stands in quotes")
            word = {"box": [line[name] for name in COLUMNS[1:5]], "text": line["text"]}
            rows[line["page"]].append(_row(word | {"confidence": line.get("confidence")}, place))
    return dict(rows)


def _read_zip(path: Path) -> Rows:
    rows: Rows = {}
    with zipfile.ZipFile(path) as archive:
        # macOS puts ._X.txt and .DS_Store into its archives; they are no pages.
        members = [
            m for m in archive.infolist() if not m.is_dir() and not PurePosixPath(m.filename).name.startswith(".")
        ]
        if sum(member.file_size for member in members) > MOST_BYTES:
            raise UserError(f"{path}: holds more than {MOST_BYTES:,} bytes, which no file of predictions has")
        for member in members:
            name, text = _member(path, archive, member)
            page, place = _without_suffix(name), f"{path}: {name}, line"
            if page in rows:
                raise UserError(f"{path}: page {page} is there twice, the second time as {name!r}")
            rows[page] = [_icdar_row(line, f"{place} {number}") for number, line in icdar_lines(text)]
    return rows


def _member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> tuple[str, str]:
    """Return a file's name and text; Korean Windows packs names as CP949."""
    try:
        return decode_name(member), decode_text(archive.read(member)).text
    except EncodingError as error:
        raise UserError(f"{path}: {member.filename}: {error}") from None
    except (MemberError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError) as error:
        raise UserError(f"{path}: {member.filename}: can't be read: {error}") from None  # RuntimeError: encrypted


def _icdar_row(line: str, place: str) -> Row:
    word = parse_icdar_line(line)
    if word is None:
        raise UserError(f"{place}: is not x1,y1,x2,y2,x3,y3,x4,y4,text")
    corners, text = word
    return _row_at(corners, text, math.nan, place)


def write_predictions(path: Path, pages: Mapping[str, Sequence[Row]], model: str) -> None:
    """Write words read to a file that `read_predictions` takes, whole or not at all.

    Args:
        path: JSON, CSV or ZIP, by its suffix.
        pages: The rows of each page.
        model: Who read them; the JSON file says so.

    Raises:
        UserError: The suffix is another.
        OSError: It can't be written.
    """
    suffix = path.suffix.lower()
    if suffix == ".json":
        write_text(path, _as_json(pages, model))
    elif suffix == ".csv":
        write_text(path, _as_csv(pages))
    elif suffix == ".zip":
        write_icdar(path, {page: list(map(word_of, rows)) for page, rows in pages.items()})
    else:
        raise UserError(f"{path}: predictions are written to {', '.join(SUFFIXES)} files")


def write_icdar(path: Path, pages: Mapping[str, Iterable[Word]]) -> None:
    """Write words as a ZIP in the ICDAR form, labels or predictions; the same words give the same bytes."""
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for page, words in pages.items():
            member = zipfile.ZipInfo(f"{page}.txt")
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, "".join(f"{_icdar_line(word)}\n" for word in words))


def _icdar_line(word: Word) -> str:
    xmin, ymin, xmax, ymax = word.box
    corners = word.corners or ((xmin, ymin), (xmax, ymin), (xmax, ymax), (xmin, ymax))
    numbers = ",".join(str(round(number)) for corner in corners for number in corner)  # the competitions have integers
    return f"{numbers},{DONT_CARE if word.dont_care else quoted_for_icdar(word.text)}"


def _box(row: Row) -> Box:
    return Box(*row[:4])


def _as_json(pages: Mapping[str, Sequence[Row]], model: str) -> str:
    listed = {page: [_word_of(row) for row in rows] for page, rows in pages.items()}
    return json.dumps({"format": FORMAT, "model": model, "pages": listed}, ensure_ascii=False, indent=1) + "\n"


def _word_of(row: Row) -> dict[str, Any]:
    word: dict[str, Any] = {"box": list(_box(row)), "text": row[4]}
    if len(row) > 6:
        word["points"] = row[6]
    return word if math.isnan(row[5]) else word | {"confidence": row[5]}


def _as_csv(pages: Mapping[str, Sequence[Row]]) -> str:
    lines = [format_row(COLUMNS)]
    for page, rows in pages.items():
        for row in rows:
            confidence = "" if math.isnan(row[5]) else str(row[5])
            lines.append(format_row((page, *map(str, _box(row)), row[4], confidence)))
    return "".join(lines)

"""AI-Hub's labelled pages: reading a label file with all its faults, and pairing images with labels.

A label file is JSON: `{"images": [{"image.category", "image.width", "image.height", ...}], "annotations": [{"id",
"annotation.text", "annotation.bbox": [x, y, width, height]}, ...]}`. Its boxes become `Box` here and nowhere else.
Other structures are turned into this one first (`json_forms`).
"""

from __future__ import annotations

import json
import math
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from train_easyocr.common.encodings import UTF_8, EncodingError, decode_text
from train_easyocr.common.errors import UserError
from train_easyocr.common.text import normalize_label, unseen_kinds
from train_easyocr.documents.json_forms import (
    DETAIL,
    MAX_COORDINATE,
    MISSING,
    NUMBERS,
    as_aihub,
    describe,
    mismatch,
    numbers_of,
    polygon_of,
    shown_keys,
)
from train_easyocr.documents.page import Box, Layout, Page, Quad, Shape, Word, corners_of, enclosing_box, shape_of
from train_easyocr.documents.sources import PageFile, Source, SourceError

T = TypeVar("T")
U = TypeVar("U")

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp"})
LABEL_SUFFIX = ".json"
MAX_LABEL_BYTES = 64 * 2**20
"""A real label file has about 0.1 MiB; one above this is not read."""
MAX_TEXT_LENGTH = 10_000
"""Characters; a longer "word" is a fault, and the field size limit of CSV readers (131,072) stays far away."""
MAX_ID_LENGTH = 40
MAX_DETAIL_LENGTH = 400
ENCODING = "label.encoding"
"""The key of what a label file's text was encoded in, where it was turned into AI-Hub's structure."""

UNWRITABLE = re.compile("[\0\ud800-\udfff]")
"""JSON can state half a surrogate pair, which is no character and which UTF-8 can't hold."""

NO_LABEL = "page without label file"
NO_IMAGE = "page without image"
SECOND_IMAGE = "second image of a page"
SECOND_LABEL = "second label file of a page"
PARTLY = "page that is only partly labelled"
PARTLY_LIST = "partly_labelled_pages.txt"
"""In a split's folder, or one's own: names of pages of which only a part of the words is labelled, a line each."""
BAD_NAME = "file name that is not UTF-8"
MALFORMED_LABEL = "malformed label file"
UNREADABLE_IMAGE = "unreadable image"
MALFORMED_ANNOTATION = "malformed annotation"
BAD_TEXT = "text that can't be written"
NO_TEXT = "empty text"
NO_AREA = "box without area"
OUTSIDE = "box outside the page"
IGNORED = "marked as don't care"
"""Annotations with `"annotation.ignore": true`, which AI-Hub's files don't have, as they don't have the corners of
`"annotation.corners": [[x, y], [x, y], [x, y], [x, y]]`: see `label_formats`."""
FOUND = "annotation.found"
"""The key of what a detector found and no person labelled, where it is true. Such a word has no text and is marked as
don't care: the training of a detector alone takes its box."""


class LabelError(UserError, ValueError):
    """A label file can't be used.

    Attributes:
        detail: What is wrong, without the file's name (which the message holds).
    """

    def __init__(self, file: Path | Source | str, detail: str) -> None:
        super().__init__(f"{file}: {detail}")
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that keeps a page from being used.

    Attributes:
        name: The page's name, or the file's.
        reason: A kind, by which problems are counted; it holds no name.
        detail: More about this one.
    """

    name: str
    reason: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


def unusable(page: str, error: LabelError | OSError | ValueError) -> Problem:
    """Return the problem of a page that has both files of which one can't be used; the error names the file.

    Args:
        page: The page's name.
        error: From reading its labels, or its image.
    """
    return Problem(page, MALFORMED_LABEL if isinstance(error, LabelError) else UNREADABLE_IMAGE, str(error))


@dataclass(frozen=True, slots=True)
class Annotation:
    """One entry of a label file.

    Attributes:
        id: The entry's id as text; ids have gaps and can repeat.
        box: The box as labelled; it can leave the page and have no area.
        text: The text, NFC, without white space at its ends; it can be empty.
        fault: Why the entry can't be used at all, or nothing.
        corners: As labelled, where the word lies tilted; `box` encloses them.
        detail: Where the entry is not as expected: the field, what was found, and what was expected; no content.
        notes: What the text held that has no picture, by kind.
        found: Whether a detector's training takes the box though it is marked as don't care: see `FOUND`.
    """

    id: str
    box: Box
    text: str
    fault: str = ""
    corners: Quad | None = None
    detail: str = ""
    notes: tuple[str, ...] = ()
    found: bool = False

    @property
    def shape(self) -> Shape:
        """Where the word is: see `shape_of`."""
        return shape_of(self.box, self.corners)


@dataclass(frozen=True, slots=True)
class LabelFile:
    """A label file's content; `width` and `height` (pixels) are 0 where the file does not state them.

    `encoding` is what its text was encoded in.
    """

    annotations: tuple[Annotation, ...]
    category: str
    width: int
    height: int
    encoding: str = UTF_8

    @property
    def layout(self) -> Layout:
        """What tells which way up the image belongs."""
        usable = (a.box for a in self.annotations if a.text and a.box.area and not a.fault)
        return Layout(self.width, self.height, tuple(usable))


def read_label_file(source: Path | bytes, name: str = "label file") -> LabelFile:
    """Read and check one label file.

    Args:
        source: The file, or its bytes.
        name: How messages call the bytes.

    Returns:
        All its annotations in the file's order; those that can't be used name their `fault`.

    Raises:
        LabelError: The file can't be read, is no JSON, or has not AI-Hub's structure.
    """
    file = source if isinstance(source, Path) else name
    content, encoding = _parse(_read_bounded(source) if isinstance(source, Path) else source, file)
    images, annotations = content.get("images"), content.get("annotations")
    if not isinstance(images, list) or not images or not isinstance(images[0], dict):
        raise LabelError(file, f"'images' {_unlike(content, 'images')} that describes an image")
    if not isinstance(annotations, list):
        raise LabelError(file, f"'annotations' {_unlike(content, 'annotations')}")
    category = images[0].get("image.category")
    return LabelFile(
        tuple(_read_annotation(entry) for entry in annotations),
        normalize_label(category) if isinstance(category, str) and _is_writable(category) else "",
        _pixels(images[0].get("image.width")),
        _pixels(images[0].get("image.height")),
        encoding,
    )


def _unlike(content: dict[str, Any], key: str) -> str:
    """Say what stands in the place of a list."""
    found = describe(content.get(key, MISSING))
    beside = f" (the file's keys are {shown_keys(content)})" if key not in content and content else ""
    return f"is {found}{beside}; expected a list"


def _read_bounded(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_LABEL_BYTES:
            raise LabelError(path, f"has more than {MAX_LABEL_BYTES // 2**20} MiB")
        return path.read_bytes()
    except OSError as error:
        raise LabelError(path, f"can't be read: {error.strerror}") from None


def _parse(content: bytes, file: Path | str) -> tuple[dict[str, Any], str]:
    """Return a label file's content in AI-Hub's structure, and the encoding of its text."""
    try:
        text, encoding, _ = decode_text(content)
        value = json.loads(text)
    except EncodingError as error:
        raise LabelError(file, str(error)) from None
    except (ValueError, RecursionError) as error:
        raise LabelError(file, f"is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise LabelError(file, f"is {describe(value)}; expected an object with 'images' and 'annotations'")
    try:
        return as_aihub(value), str(value.get(ENCODING, encoding))[:MAX_ID_LENGTH]
    except ValueError as error:
        raise LabelError(file, str(error)) from None


def _pixels(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _read_annotation(entry: Any) -> Annotation:
    if not isinstance(entry, dict):
        detail = f"annotation: {describe(entry)}; expected an object"
        return Annotation("", Box(0, 0, 0, 0), "", MALFORMED_ANNOTATION, detail=detail)
    identity = str(entry.get("id", ""))[:MAX_ID_LENGTH]
    bbox, text = entry.get("annotation.bbox"), entry.get("annotation.text")
    box, corners = _read_box(bbox), None
    if box is None and (polygon := polygon_of(bbox)):
        box, corners = enclosing_box(polygon), corners_of(polygon)
    if box is None or not isinstance(text, str | None):
        kept = text[:MAX_TEXT_LENGTH] if isinstance(text, str) else ""
        detail = str(entry.get(DETAIL, ""))[:MAX_DETAIL_LENGTH] or _mismatch(entry, box)
        return Annotation(identity, box or Box(0, 0, 0, 0), kept, MALFORMED_ANNOTATION, detail=detail)
    if text is None:
        return Annotation(identity, box, "", detail=_mismatch(entry, box))
    if not _is_writable(text):
        return Annotation(identity, box, text[:MAX_TEXT_LENGTH], BAD_TEXT)
    fault = IGNORED if entry.get("annotation.ignore") is True else ""
    if "annotation.corners" in entry:
        corners = _read_corners(entry["annotation.corners"])
    shown = normalize_label(text)
    notes, found = () if shown == text else unseen_kinds(text), bool(fault) and entry.get(FOUND) is True
    return Annotation(identity, box, shown, fault, corners, notes=notes, found=found)


def _mismatch(entry: dict[str, Any], box: Box | None) -> str:
    if box is None:
        return mismatch("annotation.bbox", entry, "annotation.bbox", "four numbers: x, y, width, height")
    return mismatch("annotation.text", entry, "annotation.text", "a string")


def _is_writable(text: str) -> bool:
    return len(text) <= MAX_TEXT_LENGTH and not UNWRITABLE.search(text)


def _read_box(value: Any) -> Box | None:
    """Turn x, y, width, height into a Box that holds all of it, or None when they are not four sane numbers.

    Numbers may be written as strings.
    """
    if not isinstance(value, list) or len(value) != 4 or not NUMBERS.issuperset(map(type, value)):
        numbers = numbers_of(value)
        if numbers is None or len(numbers) != 4:
            return None
        value = numbers
    x, y, width, height = value
    # Spelt out, not in a loop: it is done for every word, and takes a quarter off the time of reading labels.
    sane = abs(x) <= MAX_COORDINATE and abs(y) <= MAX_COORDINATE  # NaN compares as False
    if not (sane and abs(width) <= MAX_COORDINATE and abs(height) <= MAX_COORDINATE):
        return None
    return Box(math.floor(x), math.floor(y), math.ceil(x + width), math.ceil(y + height))


def _read_corners(value: Any) -> Quad | None:
    """Return the four corners that `label_formats` writes; None where they are something else: the box is left then."""
    try:
        quad = Quad(*((x, y) for x, y in value))
    except (TypeError, ValueError):
        return None
    numbers = [number for corner in quad for number in corner]
    sane = NUMBERS.issuperset(map(type, numbers)) and all(abs(number) <= MAX_COORDINATE for number in numbers)
    return quad if sane else None


def fault_of(annotation: Annotation, width: int, height: int) -> str:
    """Return why a page of `width` x `height` pixels can't use the annotation, or nothing when it can.

    A size of 0 stands for an unknown one: no box is outside then.
    """
    if annotation.fault:
        return annotation.fault
    if not annotation.text:
        return NO_TEXT
    if not _has_area(annotation.shape):
        return NO_AREA
    if width and height and not annotation.box.clipped(width, height).area:
        return OUTSIDE
    return ""


def fault_of_box(annotation: Annotation, width: int, height: int) -> str:
    """Return why the training of a detector can't use the annotation: as `fault_of`, but for boxes that were found."""
    if annotation.found:
        annotation = replace(annotation, fault="", text=FOUND)
    return fault_of(annotation, width, height)


def _has_area(shape: Shape) -> bool:
    return bool(shape.area) and (isinstance(shape, Box) or all(shape.size))


def read_labels(page_file: PageFile) -> LabelFile:
    """Read a page's label file, or what reads like one.

    Raises:
        LabelError: It can't be used.
    """
    if isinstance(page_file.label, Path):
        return read_label_file(page_file.label)
    try:
        content = page_file.label.read(MAX_LABEL_BYTES)
    except SourceError as error:
        raise LabelError(page_file.label, str(error)) from None
    return read_label_file(content, str(page_file.label))


def read_labelled_page(page_file: PageFile) -> Page:
    """Read a page's label file; the image is not opened.

    Returns:
        The page with its usable words: those with a text, and a box with area that lies on the page as far as the
        label file states its size. Those that are marked as don't care, with any text or none, are among its `labels`.
        The category is the page's top folder where the label file names none.

    Raises:
        LabelError: The label file can't be used.
    """
    label = read_labels(page_file)
    return page_of(page_file, label, label.width, label.height)


def page_of(page_file: PageFile, label: LabelFile, width: int, height: int) -> Page:
    """Return the page whose labels are those of `label`, as `read_labelled_page` does.

    Args:
        page_file: The page's files.
        label: What its label file holds.
        width: Of the image that the boxes are to lie on, in pixels; 0 where it is not known.
        height: Likewise.
    """
    labels = tuple(words_of(label, width, height))
    words = tuple(word for word in labels if not word.dont_care)
    category = label.category or (page_file.name.split("/")[0] if "/" in page_file.name else "")
    marked = labels if len(labels) > len(words) else ()
    return Page(page_file.name, page_file.image, words, category, label.width, label.height, marked)


def words_of(label: LabelFile, width: int, height: int) -> Iterator[Word]:
    """Yield the usable words of a page of `width` x `height` pixels (0: unknown) and its don't-care words, in order."""
    for a in label.annotations:
        fault = fault_of(a, width, height)
        if not fault:
            yield Word(a.box, a.text, a.corners)
        elif fault == IGNORED and _has_area(a.shape):
            yield Word(a.box, a.text, a.corners, dont_care=True)


def find_pages(folder: Path) -> tuple[list[PageFile], list[Problem]]:
    """Pair `images/**/X.jpg` with `labels/**/X.json` below a folder, by relative path.

    Args:
        folder: A split of unzipped/, or an evaluation set.

    Returns:
        The pages that have both files, and what keeps others from being pages; both sorted by name, whatever the
        file system's order.
    """
    pairs, problems = pair(
        files_below(folder / "images", IMAGE_SUFFIXES), files_below(folder / "labels", frozenset({LABEL_SUFFIX}))
    )
    return [PageFile(name, image, label) for name, image, label in pairs], problems


def read_partly(folder: Path) -> frozenset[str]:
    """Return the names of the pages that a folder's list calls partly labelled; none where it has no such list."""
    try:
        text = (folder / PARTLY_LIST).read_text(encoding="utf-8-sig", errors="replace")
    except FileNotFoundError:
        return frozenset()
    return frozenset(unicodedata.normalize("NFC", line) for line in text.split("\n") if line)


def pair(
    image_files: Iterable[tuple[str, T]], label_files: Iterable[tuple[str, U]]
) -> tuple[list[tuple[str, T, U]], list[Problem]]:
    """Bring images and label files together.

    Args:
        image_files: Paths relative to the folder of images, with `/`, and what stands for each file.
        label_files: Likewise for label files.

    Returns:
        Name, image and label file of each page, and what keeps other files from being pages; both sorted by name.
    """
    image_files = list(image_files)
    images, labels = pages_by_name(image_files), labels_by_name(label_files, image_files)
    unnameable = {name for name in images.keys() | labels.keys() if not is_nameable(name)}
    for name in unnameable:
        images.pop(name, None)
        labels.pop(name, None)
    pages = [(name, images[name][0], labels[name][0]) for name in sorted(images.keys() & labels.keys())]
    problems = [bad_name(name) for name in unnameable]
    return pages, sorted(problems + pairing_problems(images, labels), key=lambda problem: problem.name)


def is_nameable(name: str) -> bool:
    """Whether a page can have this name: one with bytes that are not UTF-8 can go into no labels.csv."""
    return name.isascii() or _is_writable(name)


def bad_name(name: str) -> Problem:
    """Return the problem of a file whose name is not UTF-8, with the bytes spelt out."""
    return Problem(name.encode(errors="backslashreplace").decode(), BAD_NAME)


def pages_by_name(files: Iterable[tuple[str, T]]) -> dict[str, list[T]]:
    """Group files by the page that they belong to: the path without suffix, in NFC.

    Args:
        files: Relative paths with `/`, and what stands for each file.
    """
    found: dict[str, list[T]] = {}
    for path, file in sorted(files, key=lambda pair: pair[0]):
        folder, slash, file_name = path.rpartition("/")
        stem = file_name.rpartition(".")[0] or file_name  # text, not PurePosixPath: there are 200,000 files
        name = unicodedata.normalize("NFC", folder + slash + stem)
        found.setdefault(name, []).append(file)
    return found


def labels_by_name(label_files: Iterable[tuple[str, T]], image_files: Iterable[tuple[str, Any]]) -> dict[str, list[T]]:
    """Group label files by page; `X.jpg.json` is X's where X.jpg is its only image, and no other label file is X's.

    Args:
        label_files: Relative paths with `/`, and what stands for each file.
        image_files: Likewise, the images.
    """
    labels = pages_by_name(label_files)
    doubled = {name for name in labels if is_page_file(name.rpartition("/")[2], IMAGE_SUFFIXES)}
    if not doubled:
        return labels
    images: dict[str, list[str]] = {}
    for path, _ in image_files:
        page, dot, suffix = unicodedata.normalize("NFC", path).rpartition(".")
        images.setdefault(page, []).append(page + dot + suffix.lower())
    for name in doubled - images.keys():
        page, dot, suffix = name.rpartition(".")
        if page not in labels and images.get(page) == [page + dot + suffix.lower()]:
            labels[page] = labels.pop(name)
    return labels


def pairing_problems(images: dict[str, list[Any]], labels: dict[str, list[Any]]) -> list[Problem]:
    """Return what keeps images and label files from being pages, sorted by name."""
    problems = [Problem(name, NO_LABEL) for name in images.keys() - labels.keys()]
    problems += [Problem(name, NO_IMAGE) for name in labels.keys() - images.keys()]
    problems += [Problem(name, SECOND_IMAGE) for name, files in images.items() for _ in files[1:]]
    problems += [Problem(name, SECOND_LABEL) for name, files in labels.items() for _ in files[1:]]
    return sorted(problems, key=lambda problem: (problem.name, problem.reason))


def files_below(folder: Path, suffixes: frozenset[str]) -> Iterator[tuple[str, Path]]:
    """Yield the files of some kinds below a folder, in no fixed order: path relative to it with `/`, and file."""
    for parent, _, names in os.walk(folder):
        above = Path(parent).relative_to(folder).as_posix()
        for name in names:
            if is_page_file(name, suffixes):
                yield (name if above == "." else f"{above}/{name}"), Path(parent, name)


def is_page_file(name: str, suffixes: frozenset[str]) -> bool:
    """Whether a file of this name (without folders) is one of a page; hidden ones are not.

    macOS leaves `._X.jpg` beside X.jpg on foreign disks; it is no image.
    """
    return not name.startswith(".") and name[name.rfind(".") :].lower() in suffixes

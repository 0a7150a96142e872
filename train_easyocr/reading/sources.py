"""Pages out of files: images, TIFF and PDF of several pages, folders, the standard input.

What a file is, its content says, not its name. One page is decoded at a time, so that memory does not depend on the
length of a document. Images go through the project's one decoder (`documents.images`): upright, on white, limited.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import re
import sys
import threading
import unicodedata
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Protocol

import cv2
import numpy as np
import pypdfium2
from PIL import Image

from train_easyocr.documents.images import MAX_IMAGE_BYTES, MAX_PIXELS, UPRIGHT, ImageError, PageImage
from train_easyocr.documents.page import NOTHING_LABELLED, Layout
from train_easyocr.reading.words import Pixels

STANDARD_INPUT = "-"
MAX_PAGES = 2_000
"""Pages of a document that are read in one go; of a longer one some have to be named."""
MAX_FRAMES = 10_000
"""Pages of a TIFF that are counted."""
DPI = 300
"""What PDF is rendered at, and what images have that do not say it credibly."""
CREDIBLE_DPI = 100, 1_200
POINTS = 72
"""PDF's unit: points to an inch."""

PDF_PAGES = 32
"""Pages after which a PDF is opened anew: PDFium keeps the pictures of all pages that it has rendered."""


_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"BM")
_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".tif", ".tiff", ".bmp", ".webp", ".pdf"})
_HEAD = 1024
"""Bytes within which the mark of a PDF can come."""
_FRAME_ERRORS = (EOFError, OSError, ValueError, SyntaxError, TypeError, KeyError, OverflowError)
_PDFIUM = threading.RLock()
"""PDFium must not be used by two threads at once."""


class TooManyPagesError(ImageError):
    """More pages are asked for than are read in one go."""


class UnknownTypeError(ImageError):
    """A file is neither an image nor a PDF."""


def load_page(path: Path, layout: Layout = NOTHING_LABELLED) -> tuple[Pixels, Pixels]:
    """Read an image file as `Reader.readtext(path)` does, but upright and on white; of a TIFF the first page.

    Args:
        path: JPEG, PNG, TIFF, BMP or WebP.
        layout: What is labelled on it: labels can be about the image as it is stored (see `documents.images`).

    Returns:
        The page in colour [h, w, 3] (RGB), for detection, and in grey [h, w], for recognition.

    Raises:
        ImageError: The file can't be read, is no such image, cut off or damaged; the message names it.
    """
    with naming(path):
        return colour_and_grey(PageImage(path.read_bytes(), layout))


def colour_and_grey(image: PageImage) -> tuple[Pixels, Pixels]:
    """Decode a page; see `load_page`. The message of an ImageError names no file."""
    grey, colour = image.pixels(), image.pixels(rgb=True)
    return np.asarray(cv2.cvtColor(colour, cv2.COLOR_BGR2RGB), np.uint8), grey


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Name the image file in errors that arise from reading it: all become ImageErrors."""
    try:
        yield
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error
    except OSError as error:
        raise ImageError(f"{path}: can't be read: {error.strerror or error}") from error


@dataclass(frozen=True)
class SourceFile:
    """A file to be read.

    Attributes:
        path: The file; None for the standard input.
        name: What it is called in outputs: its path below the folder that was named, or its own name; with `/`.
    """

    path: Path | None
    name: str

    def __str__(self) -> str:
        return "standard input" if self.path is None else str(self.path)


@dataclass(frozen=True, eq=False)
class SourcePage:
    """A decoded page.

    Attributes:
        number: Within its document, from 1.
        colour: uint8 [h, w, 3], RGB.
        grey: uint8 [h, w].
        dpi: Pixels to an inch of paper.
        warnings: What is not as it should be.
        jpeg: The JPEG file that shows just these pixels, where there is one.
        turned: By how many degrees it was turned clockwise to be upright, beyond what the file says itself.
        margin: How sure that is, 0 to 1 (see `orientation.Orientation`); None where nobody asked.
    """

    number: int
    colour: Pixels
    grey: Pixels
    dpi: float = DPI
    warnings: tuple[str, ...] = ()
    jpeg: bytes | None = None
    turned: int = 0
    margin: float | None = None


class OpenDocument(Protocol):
    """An opened file of pages."""

    count: int
    """Pages."""

    def page(self, number: int) -> SourcePage:
        """Decode a page, from 1.

        Raises:
            ImageError: It can't be decoded; others can.
        """

    def close(self) -> None:
        """Let go of the file."""


def find_files(paths: Sequence[str], output: Path | None = None) -> tuple[list[SourceFile], list[SourceFile]]:
    """Find the files to be read: those that are named, and in folders all that are images or PDF, deep down.

    Args:
        paths: Files, folders, `-`.
        output: A folder that is not looked into: what is written there must not be read by the next run.

    Returns:
        The files, those of a folder in natural order (2 before 10); and what in folders is passed over: neither by
        content nor by name an image or a PDF. Hidden files are not looked at.
    """
    found: list[SourceFile] = []
    passed_over: list[SourceFile] = []
    for given in paths:
        path = Path(given)
        if given == STANDARD_INPUT:
            found.append(SourceFile(None, "stdin"))
        elif path.is_dir():
            for file in _files_below(path, output and output.resolve()):
                (found if _may_be_document(file.path) else passed_over).append(file)
        else:
            found.append(SourceFile(path, path.name))
    return found, passed_over


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts names as people do: numbers by value, letters whatever their case and form."""
    parts = re.split(r"([0-9]+)", unicodedata.normalize("NFC", name).casefold())
    return [(int(part), "") if number % 2 else (-1, part) for number, part in enumerate(parts)]


def _files_below(folder: Path, left_out: Path | None) -> Iterator[SourceFile]:
    for below, folders, names in os.walk(folder):
        if Path(below).resolve() == left_out:
            folders.clear()
            continue
        folders[:] = sorted((one for one in folders if not one.startswith(".")), key=natural)
        for name in sorted((one for one in names if not one.startswith(".")), key=natural):
            path = Path(below) / name
            yield SourceFile(path, path.relative_to(folder).as_posix())


def _may_be_document(path: Path | None) -> bool:
    assert path is not None
    if path.suffix.lower() in _SUFFIXES:
        return True
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return True  # what is wrong is said where it is read
    return is_pdf(head) or _is_image(head)


def is_pdf(head: bytes) -> bool:
    """Tell whether a file that begins so is a PDF."""
    return b"%PDF-" in head[:_HEAD]


def _is_image(head: bytes) -> bool:
    return head.startswith(_SIGNATURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


@dataclass(frozen=True)
class Opened:
    """A document and the SHA-256 of its file."""

    document: OpenDocument
    sha256: str


def open_document(file: SourceFile, dpi: int = DPI) -> Opened:
    """Open a file; no page is decoded yet.

    Args:
        file: As `find_files` found it.
        dpi: What PDF is rendered at, as far as the limit of pixels lets it.

    Raises:
        ImageError: It can't be read, is empty, encrypted, broken or of no type that is read; the message names it.
    """
    try:
        if file.path is None:
            content = _limited(sys.stdin.buffer, MAX_IMAGE_BYTES)
            return Opened(document_of(content, dpi), hashlib.sha256(content).hexdigest())
        with file.path.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
            opened.seek(0)
            if is_pdf(opened.read(_HEAD)):
                return Opened(PdfDocument(file.path, dpi), digest)
            opened.seek(0)
            content = _limited(opened, MAX_IMAGE_BYTES)
        return Opened(document_of(content, dpi), digest)
    except ImageError as error:
        raise ImageError(f"{file}: {error}") from None
    except OSError as error:
        raise ImageError(f"{file}: can't be read: {error.strerror or error}") from None


def _limited(file: IO[bytes], limit: int) -> bytes:
    content = file.read(limit + 1)
    if len(content) > limit:
        raise ImageError(f"has more than {limit // 2**20} MiB")
    if not content:
        raise ImageError("is empty")
    return content


def document_of(content: bytes, dpi: int = DPI) -> OpenDocument:
    """Open a file's bytes; see `open_document`. The message of an ImageError names no file.

    Raises:
        ImageError: It is broken or encrypted.
        UnknownTypeError: It is neither an image nor a PDF.
    """
    return PdfDocument(content, dpi) if is_pdf(content) else ImageDocument(content)


class ImageDocument:
    """An image file; a TIFF can have several pages.

    Args:
        content: The file's bytes.

    Raises:
        UnknownTypeError: It is no image.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        if not _is_image(content):
            raise UnknownTypeError("is neither an image (JPEG, PNG, TIFF, BMP, WebP) nor a PDF")
        self.count = _count_frames(content) if content[:2] in (b"II", b"MM") else 1

    def page(self, number: int) -> SourcePage:
        """Decode a page, from 1; see `Document`."""
        try:
            image = PageImage(self._content, number=number - 1)
        except EOFError:
            raise ImageError("there is no such page") from None
        colour, grey = colour_and_grey(image)
        as_it_is = image.format == "JPEG" and image.turn == UPRIGHT
        return SourcePage(number, colour, grey, _dpi_of(self._content), jpeg=self._content if as_it_is else None)

    def close(self) -> None:
        """Nothing is to be let go of."""


def _count_frames(content: bytes) -> int:
    """Count a TIFF's pages, `MAX_FRAMES` at most, up to one that can't be found, which counts: it is missed."""
    count = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(BytesIO(content), formats=("TIFF",)) as image:
                while count < MAX_FRAMES:
                    image.seek(count)
                    count += 1
        except EOFError:
            return count
        except (*_FRAME_ERRORS, Image.DecompressionBombError):
            return count + 1
    return count


def _dpi_of(content: bytes) -> float:
    """Return the resolution that an image states, where it is one of a scan."""
    with warnings.catch_warnings(), contextlib.suppress(*_FRAME_ERRORS, Image.DecompressionBombError):
        warnings.simplefilter("ignore")
        with Image.open(BytesIO(content)) as image:
            dpi = float(image.info.get("dpi", (0, 0))[0])
            low, high = CREDIBLE_DPI
            return dpi if low <= dpi <= high else DPI
    return DPI


class PdfDocument:
    """A PDF; its pages are rendered with what is filled into its forms.

    Args:
        source: The file, or its bytes.
        dpi: Pixels to an inch, fewer for a page that would go beyond `MAX_PIXELS`.

    Raises:
        ImageError: It is broken, encrypted or has no pages.
    """

    def __init__(self, source: Path | bytes, dpi: int = DPI) -> None:
        self._source, self._dpi, self._rendered = source, dpi, 0
        try:
            with _PDFIUM:
                self._open()
                self.count = len(self._pdf)
        except pypdfium2.PdfiumError as error:
            if "password" in str(error).lower():
                raise ImageError("is encrypted and wants a password; save it without one") from None
            raise ImageError(f"can't be read as a PDF: {error}") from None

    def _open(self) -> None:
        self._pdf = pypdfium2.PdfDocument(self._source)
        self._pdf.init_forms()

    def page(self, number: int) -> SourcePage:
        """Render a page, from 1; see `Document`."""
        try:
            with _PDFIUM:
                if self._rendered == PDF_PAGES:
                    self._pdf.close()
                    self._open()
                    self._rendered = 0
                self._rendered += 1
                return self._render(number)
        except (pypdfium2.PdfiumError, ValueError, MemoryError, IndexError) as error:
            raise ImageError(f"can't be rendered: {error}") from None

    def _render(self, number: int) -> SourcePage:
        with contextlib.closing(self._pdf[number - 1]) as page:
            width, height = page.get_size()
            if not (width > 0 and height > 0):
                raise ValueError(f"it is {width:g} x {height:g} points large")
            # Each side is rounded up to whole pixels.
            largest = math.sqrt(MAX_PIXELS / (width * height)) - 1 / min(width, height)
            scale = min(self._dpi / POINTS, largest)
            if scale <= 0:
                raise ValueError(f"{width:g} x {height:g} points are too narrow for their length")
            with contextlib.closing(page.render(scale=scale)) as bitmap:
                colour = cv2.cvtColor(bitmap.to_numpy(), cv2.COLOR_BGR2RGB)
        lowered = f"rendered at {scale * POINTS:.0f} dots per inch, since it would have more than {MAX_PIXELS:,} pixels"
        grey = cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY)
        return SourcePage(
            number,
            np.asarray(colour, np.uint8),
            np.asarray(grey, np.uint8),
            scale * POINTS,
            (lowered,) if scale < self._dpi / POINTS else (),
        )

    def close(self) -> None:
        """Close the file."""
        with _PDFIUM:
            self._pdf.close()


class PageRange:
    """Which pages of each document are read.

    Args:
        text: Numbers and ranges from 1, such as `1-20`, `3`, `5-` or `1,4-6`; empty for all.

    Raises:
        ValueError: It is something else.
    """

    def __init__(self, text: str = "") -> None:
        self.text = text
        self._ranges: list[tuple[int, float]] = []
        for part in text.split(",") if text else []:
            found = re.fullmatch(r"\s*(\d{1,9})\s*(-\s*(\d{1,9})?)?\s*", part)
            first = int(found[1]) if found else 0
            last = (float(found[3]) if found[3] else math.inf) if found and found[2] else float(first)
            if not 1 <= first <= last:
                raise ValueError(f"{text!r} are no pages; 1-20, 3, 5- or 1,4-6 are")
            self._ranges.append((first, last))

    def of(self, count: int, most: int = MAX_PAGES) -> list[int]:
        """Return the numbers of the pages to be read, rising, of a document of `count` pages.

        Raises:
            ImageError: None are.
            TooManyPagesError: More than `most` are.
        """
        numbers = [
            number
            for number in range(1, count + 1)
            if not self._ranges or any(first <= number <= last for first, last in self._ranges)
        ]
        if not count:
            raise ImageError("has no pages")
        if not numbers:
            raise ImageError(f"has {count:,} pages, and none of those asked for ({self.text})")
        if len(numbers) > most:
            raise TooManyPagesError(f"has {count:,} pages; {most:,} are read at a time, such as the pages 1-{most}")
        return numbers

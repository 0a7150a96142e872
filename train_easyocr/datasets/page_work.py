"""The work on a few pages, as a worker process does it: read, cut, write the patches, leave a record behind.

The record, written last and whole, says that these pages are done; pages without one are done again, with the same
result.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import cv2
import numpy as np

from train_easyocr.common.errors import UserError
from train_easyocr.datasets.batch_records import PreparedPage, record_of
from train_easyocr.datasets.cropping import CutPage, Cutting, cut_page, patch_name
from train_easyocr.datasets.png import encode_png
from train_easyocr.datasets.statistics import Measure
from train_easyocr.documents.aihub import (
    MALFORMED_LABEL,
    MAX_LABEL_BYTES,
    OUTSIDE,
    UNREADABLE_IMAGE,
    LabelError,
    read_label_file,
)
from train_easyocr.documents.archives import UNUSABLE_NAME
from train_easyocr.documents.images import MAX_IMAGE_BYTES, ImageError, decode_page
from train_easyocr.documents.ink import BESIDE_PRINT, are_beside_print, count_blank
from train_easyocr.documents.page_sums import page_sum
from train_easyocr.documents.sources import PageSource, Source, SourceError

DAMAGED = "image or label file damaged in its archive"
UNUSABLE_PAGE_NAME = "file name that can't be written"
BLANK = "box without ink"
BATCHES, IMAGES = "batches", "images"
"""Folders: of records below the work folder, of patches in a set."""
BATCH = 4
"""Pages that are handed to a worker together: a hundredth of a second for each spares a tenth of it in bookkeeping."""
RECORD = ".json"
MAX_COVER = 4
"""A real page's boxes cover a fifth of it; many large ones in a small file would fill memory and disk."""
SetForm = Literal["png", "lmdb", "copy"]
"""png: a file a patch; lmdb: one data base; copy: the page itself, for the evaluation set."""


@dataclass(frozen=True, slots=True)
class BatchTask:
    """What a worker needs to know.

    Attributes:
        number: The batch's place among the batches; it names the file of its records.
        pages: The pages' files.
        prefixes: What the names of each page's patches start with.
        work: The folder of the unfinished set: `batches/` for records, `set/` for what will be published.
        form: What is made.
        cutting: How words become patches.
    """

    number: int
    pages: tuple[PageSource, ...]
    prefixes: tuple[str, ...]
    work: Path
    form: SetForm
    cutting: Cutting


class PageError(UserError, ValueError):
    """A page can't be used: the reason, by which pages are counted, and a detail."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


def record_path(work: Path, number: int) -> Path:
    """Return where a batch's record lies."""
    return work / BATCHES / f"{number:07d}{RECORD}"


def patches_path(work: Path, number: int) -> Path:
    """Return where a batch's PNG files wait, one behind the other, for the LMDB form."""
    return work / BATCHES / f"{number:07d}.png"


def do_batch(task: BatchTask, measure: Measure) -> tuple[int, int]:
    """Make some pages' patches (or copy the pages) and their record.

    Args:
        task: The pages.
        measure: What their words are measured against.

    Returns:
        The batch's number, and the number of words used.

    Raises:
        OSError: Something can't be written.
    """
    cv2.setNumThreads(1)  # one process a core already
    pages, sizes = [], list[int]()
    with _patches_file(task) as patches:
        for page, prefix in zip(task.pages, task.prefixes, strict=True):
            try:
                record, encoded = _do_page(task, page, prefix)
            except PageError as error:
                record, encoded = PreparedPage(page.name, reason=error.reason, detail=error.detail), []
            if patches is not None:
                sizes.extend(map(len, encoded))
                patches.write(b"".join(encoded))
            pages.append(record)
    record_of_all = record_of(pages, measure, sizes)
    record_of_all.write(record_path(task.work, task.number))
    return task.number, record_of_all.totals.rows


def _patches_file(task: BatchTask) -> AbstractContextManager[BinaryIO | None]:
    if task.form != "lmdb":
        return nullcontext()
    return patches_path(task.work, task.number).open("wb")


def _do_page(task: BatchTask, page: PageSource, prefix: str) -> tuple[PreparedPage, list[bytes]]:
    """Make a page's patches, or copy it; patches that do not become files of their own are returned."""
    image, label = read_page_files(page.image, page.label)
    cut, pixels = read_and_cut(image, label, task.cutting)
    record = PreparedPage(page.name, prefix, cut, partly=page.partly, image_sum=page_sum(image))
    if task.form == "copy":
        _copy_page(task.work / "set", page, image, label)
        return record, []
    encoded = [encode_png(patch) for patch in cut.patches(pixels)]
    if task.form == "lmdb":
        return record, encoded
    _write_files(f"{task.work}/set/{IMAGES}/", [patch_name(prefix, box) for box in cut.boxes], encoded)
    return record, []


def _write_files(folder: str, names: Sequence[str], contents: Sequence[bytes]) -> None:
    """Write small files with three system calls each.

    They go into a folder that is published as a whole when all pages are done, and a page counts as done when its
    record is there; so they need no temporary names.
    """
    for name, content in zip(names, contents, strict=True):
        file = os.open(folder + name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
        try:
            written = os.write(file, content)
            while written < len(content):  # a disk that is nearly full takes a part; the next call says why
                written += os.write(file, content[written:])
        finally:
            os.close(file)


def _copy_page(folder: Path, page: PageSource, image: bytes, label: bytes) -> None:
    for kind, source, content in (("images", page.image, image), ("labels", page.label, label)):
        target = folder / kind / f"{page.name}{source.suffix}"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        except OSError as error:
            if error.errno not in UNUSABLE_NAME:
                raise
            raise PageError(UNUSABLE_PAGE_NAME, str(error.strerror)) from None


def read_page_files(image: Source, label: Source) -> tuple[bytes, bytes]:
    """Read a page's two files.

    Raises:
        PageError: One of them can't be read.
    """
    content = []
    # The label file comes first: it is small, and without it the image is of no use.
    for source, limit, reason in (
        (label, MAX_LABEL_BYTES, MALFORMED_LABEL),
        (image, MAX_IMAGE_BYTES, UNREADABLE_IMAGE),
    ):
        try:
            content.append(source.read(limit))
        except SourceError as error:
            raise PageError(DAMAGED if error.damaged else reason, str(error)) from None
    return content[1], content[0]


def read_and_cut(image: bytes, label: bytes, cutting: Cutting) -> tuple[CutPage, np.ndarray]:
    """Decode a page and decide on its words.

    Args:
        image: The image file's bytes.
        label: The label file's bytes.
        cutting: How words become patches.

    Returns:
        The words, and the image as uint8 [height, width] or [height, width, 3].

    Raises:
        PageError: The label file or the image can't be used.
    """
    try:
        labels = read_label_file(label)
    except LabelError as error:
        raise PageError(MALFORMED_LABEL, error.detail) from None
    try:
        pixels, warnings = decode_page(image, labels.layout, cutting.rgb)
    except ImageError as error:
        raise PageError(UNREADABLE_IMAGE, str(error)) from None
    height, width = pixels.shape[:2]
    cut = cut_page(labels, width, height, cutting)
    cut.warnings.update(warnings)
    _count_blank(cut, pixels)
    if cut.pixels() > MAX_COVER * width * height:
        raise PageError(MALFORMED_LABEL, f"its boxes cover the page more than {MAX_COVER} times")
    return cut, pixels


def _count_blank(cut: CutPage, pixels: np.ndarray) -> None:
    """Count the patches that show no ink.

    Raises:
        PageError: There are too many for the labels to be those of the image.
    """
    blank, outside = count_blank(pixels, cut.boxes), sum(word.reason == OUTSIDE for word in cut.skipped)
    of_all = len(cut.boxes) + outside
    if are_beside_print(blank + outside, of_all):
        raise PageError(BESIDE_PRINT, f"{blank + outside} of {of_all} boxes show no ink; are they of this image?")
    if blank:
        cut.warnings[BLANK] = blank

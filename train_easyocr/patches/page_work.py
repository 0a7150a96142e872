"""The work on a few pages, as a worker process does it: read, cut, write the patches, leave their records behind.

The file with the records, written last and whole, says that these pages are done; pages without one are done again,
with the same result.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

import cv2
import numpy as np

from train_easyocr.documents.aihub import MAX_LABEL_BYTES, LabelError, read_label_file
from train_easyocr.documents.archives import UNUSABLE_NAME
from train_easyocr.documents.images import MAX_IMAGE_BYTES, ImageError, decode_image
from train_easyocr.documents.page import Box
from train_easyocr.documents.sources import PageSource, Source, SourceError
from train_easyocr.files import write_bytes
from train_easyocr.patches.cropping import CutPage, crop, cut_page, patch_name
from train_easyocr.patches.png import encode_png

MALFORMED_LABEL = "malformed label file"
UNREADABLE_IMAGE = "unreadable image"
DAMAGED = "image or label file damaged in its archive"
UNUSABLE_PAGE_NAME = "file name that can't be written"
BATCH = 4
"""Pages that are handed to a worker together: a hundredth of a second for each spares a tenth of it in bookkeeping."""
MAX_COVER = 4
"""A real page's boxes cover a fifth of it; many large ones in a small file would fill memory and disk."""
Form = Literal["png", "lmdb", "copy"]
"""png: a file a patch; lmdb: one data base; copy: the page itself, for the evaluation set."""


@dataclass(frozen=True, slots=True)
class BatchTask:
    """What a worker needs to know.

    Attributes:
        number: The batch's place among the batches; it names the file of its records.
        pages: The pages' files.
        prefixes: What the names of each page's patches start with.
        work: The folder of the unfinished set: `pages/` for records, `set/` for what will be published.
        form: What is made.
        rgb: Patches in colour instead of grey.
    """

    number: int
    pages: tuple[PageSource, ...]
    prefixes: tuple[str, ...]
    work: Path
    form: Form
    rgb: bool


@dataclass(slots=True)
class PageRecord:
    """What became of a page.

    Attributes:
        rows: Patch name and text of each word that is used, in the label file's order.
        sizes: Bytes of each patch in the batch's file of patches; empty but for LMDB.
        skipped: Id, box, text and reason of each word that is not.
        warnings: How often something was used that is not as it should be.
        reason: Why the whole page is not used, or nothing.
        detail: More about that.
    """

    rows: list[tuple[str, str]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    skipped: list[tuple[str, Box, str, str]] = field(default_factory=list)
    warnings: dict[str, int] = field(default_factory=dict)
    reason: str = ""
    detail: str = ""


class PageError(ValueError):
    """A page can't be used: the reason, by which pages are counted, and a detail."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


def records_path(work: Path, number: int) -> Path:
    """Return where a batch's records lie."""
    return work / "pages" / f"{number:07d}.json"


def patches_path(work: Path, number: int) -> Path:
    """Return where a batch's PNG files wait, one behind the other, for the LMDB form."""
    return work / "pages" / f"{number:07d}.png"


def do_batch(task: BatchTask) -> tuple[int, int]:
    """Make some pages' patches (or copy the pages) and their records.

    Returns:
        The batch's number, and the number of words used.

    Raises:
        OSError: Something can't be written.
    """
    cv2.setNumThreads(1)  # one process a core already
    records = []
    with _patches_file(task) as patches:
        for page, prefix in zip(task.pages, task.prefixes, strict=True):
            try:
                records.append(_do_page(task, page, prefix, patches))
            except PageError as error:
                records.append(PageRecord(reason=error.reason, detail=error.detail))
    write_records(records_path(task.work, task.number), records)
    return task.number, sum(len(record.rows) for record in records)


def _patches_file(task: BatchTask) -> AbstractContextManager[BinaryIO | None]:
    return patches_path(task.work, task.number).open("wb") if task.form == "lmdb" else nullcontext()


def _do_page(task: BatchTask, page: PageSource, prefix: str, patches: BinaryIO | None) -> PageRecord:
    image, label = read_files(page.image, page.label)
    cut, pixels = read_and_cut(image, label, task.rgb)
    record = as_record(cut, prefix)
    if task.form == "copy":
        _copy_page(task.work / "set", page, image, label)
        return record
    encoded = [encode_png(crop(pixels, box)) for box in cut.boxes]
    if patches is not None:
        record.sizes = [len(content) for content in encoded]
        patches.writelines(encoded)
        return record
    folder = f"{task.work}/set/images/"
    for (name, _), content in zip(record.rows, encoded, strict=True):
        # Into a folder that is published as a whole when all pages are done, so no temporary names are needed.
        with open(folder + name, "wb", buffering=0) as file:  # noqa: PTH123 - a Path costs more than the file
            file.write(content)
    return record


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


def read_files(image: Source, label: Source) -> tuple[bytes, bytes]:
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


def read_and_cut(image: bytes, label: bytes, rgb: bool = False) -> tuple[CutPage, np.ndarray]:
    """Decode a page and decide on its words.

    Args:
        image: The image file's bytes.
        label: The label file's bytes.
        rgb: Decode in colour instead of grey.

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
        pixels = decode_image(image, rgb)
    except ImageError as error:
        raise PageError(UNREADABLE_IMAGE, str(error)) from None
    height, width = pixels.shape[:2]
    cut = cut_page(labels, width, height)
    if sum(box.area for box in cut.boxes) > MAX_COVER * width * height:
        raise PageError(MALFORMED_LABEL, f"its boxes cover the page more than {MAX_COVER} times")
    return cut, pixels


def as_record(cut: CutPage, prefix: str) -> PageRecord:
    """Turn a page's words into a record."""
    rows = [(patch_name(prefix, box), text) for box, text in zip(cut.boxes, cut.texts, strict=True)]
    skipped = [(word.id, word.box, word.text, word.reason) for word in cut.skipped]
    return PageRecord(rows, [], skipped, dict(+Counter(cut.warnings)))


def write_records(path: Path, records: Sequence[PageRecord]) -> None:
    """Write the records of some pages, whole or not at all."""
    fields = [(r.rows, r.sizes, r.skipped, r.warnings, r.reason, r.detail) for r in records]
    write_bytes(path, json.dumps(fields).encode())  # escaped: an unusable text can hold half a surrogate pair


def read_records(path: Path) -> list[PageRecord]:
    """Read what `write_records` wrote."""
    return [
        PageRecord(
            [(name, text) for name, text in rows],
            sizes,
            [(identity, Box(*box), text, why) for identity, box, text, why in skipped],
            warnings,
            reason,
            detail,
        )
        for rows, sizes, skipped, warnings, reason, detail in json.loads(path.read_bytes())
    ]

"""The work on one page, as a worker process does it: read, cut, write the patches, leave a record behind.

A record, written last and whole, says that its page is done; a page without one is done again, with the same result.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from train_easyocr.documents.aihub import LabelError, PageFile, read_label_file
from train_easyocr.documents.images import MAX_IMAGE_BYTES, ImageError, decode_image
from train_easyocr.documents.page import Box
from train_easyocr.files import write_bytes
from train_easyocr.patches.cropping import CutPage, crop, cut_page, patch_name

MALFORMED_LABEL = "malformed label file"
UNREADABLE_IMAGE = "unreadable image"
Form = Literal["png", "lmdb", "copy"]
"""png: a file a patch; lmdb: one data base; copy: the page itself, for the evaluation set."""


@dataclass(frozen=True, slots=True)
class PageTask:
    """What a worker needs to know.

    Attributes:
        number: The page's place among the drawn pages; it names the record.
        page: The page's files.
        prefix: What the names of its patches start with.
        work: The folder of the unfinished set: `pages/` for records, `set/` for what will be published.
        form: What is made.
        rgb: Patches in colour instead of grey.
    """

    number: int
    page: PageFile
    prefix: str
    work: Path
    form: Form
    rgb: bool


@dataclass(slots=True)
class PageRecord:
    """What became of a page.

    Attributes:
        rows: Patch name and text of each word that is used, in the label file's order.
        sizes: Bytes of each patch in the record's `.png` companion; empty but for LMDB.
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


def record_path(work: Path, number: int) -> Path:
    """Return where a page's record lies."""
    return work / "pages" / f"{number:07d}.json"


def patches_path(work: Path, number: int) -> Path:
    """Return where a page's PNG files wait, one behind the other, for the LMDB form."""
    return work / "pages" / f"{number:07d}.png"


def do_page(task: PageTask) -> int:
    """Make a page's patches (or copy the page) and its record; return the number of words used.

    Raises:
        OSError: Something can't be written.
    """
    cv2.setNumThreads(1)  # one process a core already
    try:
        cut, image = read_and_cut(task.page.image, task.page.label, task.rgb)
    except PageError as error:
        record = PageRecord(reason=error.reason, detail=error.detail)
    else:
        record = as_record(cut, task.prefix)
        _write_patches(task, record, cut.boxes, image)
    write_record(record_path(task.work, task.number), record)
    return len(record.rows)


def read_and_cut(image: Path | bytes, label: Path | bytes, rgb: bool = False) -> tuple[CutPage, np.ndarray]:
    """Read a page and decide on its words.

    Args:
        image: The image file or its bytes.
        label: The label file or its bytes.
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
        pixels = decode_image(_read_image(image) if isinstance(image, Path) else image, rgb)
    except ImageError as error:
        raise PageError(UNREADABLE_IMAGE, str(error)) from None
    return cut_page(labels, pixels.shape[1], pixels.shape[0]), pixels


def _read_image(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_IMAGE_BYTES:
            raise PageError(UNREADABLE_IMAGE, f"has more than {MAX_IMAGE_BYTES // 2**20} MiB")
        return path.read_bytes()
    except OSError as error:
        raise PageError(UNREADABLE_IMAGE, f"can't be read: {error.strerror}") from None


def as_record(cut: CutPage, prefix: str) -> PageRecord:
    """Turn a page's words into a record."""
    rows = [(patch_name(prefix, box), text) for box, text in zip(cut.boxes, cut.texts, strict=True)]
    skipped = [(word.id, word.box, word.text, word.reason) for word in cut.skipped]
    return PageRecord(rows, [], skipped, dict(+Counter(cut.warnings)))


def _write_patches(task: PageTask, record: PageRecord, boxes: Sequence[Box], image: np.ndarray) -> None:
    folder = task.work / "set"
    if task.form == "copy":
        for kind, source in (("images", task.page.image), ("labels", task.page.label)):
            target = folder / kind / f"{task.page.name}{source.suffix}"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        return
    encoded = [_encode(crop(image, box)) for box in boxes]
    if task.form == "png":
        # Into a folder that is published as a whole when all pages are done, so no temporary names are needed.
        for (name, _), content in zip(record.rows, encoded, strict=True):
            (folder / "images" / name).write_bytes(content)
    else:
        record.sizes = [len(content) for content in encoded]
        write_bytes(patches_path(task.work, task.number), b"".join(encoded))


def _encode(patch: np.ndarray) -> bytes:
    # OpenCV's default level takes half the time of level 6 for 10 % more bytes.
    return cv2.imencode(".png", patch)[1].tobytes()


def write_record(path: Path, record: PageRecord) -> None:
    """Write a record, whole or not at all."""
    fields = (record.rows, record.sizes, record.skipped, record.warnings, record.reason, record.detail)
    write_bytes(path, json.dumps(fields).encode())  # escaped: an unusable text can hold half a surrogate pair


def read_record(path: Path) -> PageRecord:
    """Read what `write_record` wrote."""
    rows, sizes, skipped, warnings, reason, detail = json.loads(path.read_bytes())
    words = [(identity, Box(*box), text, why) for identity, box, text, why in skipped]
    return PageRecord([(name, text) for name, text in rows], sizes, words, warnings, reason, detail)

"""Labelled pages as files, for what reads pages by path: those in archives are unpacked into a folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from train_easyocr.common.files import write_bytes
from train_easyocr.documents.aihub import LABEL_SUFFIX, MAX_LABEL_BYTES, PageFile, Problem
from train_easyocr.documents.images import MAX_IMAGE_BYTES
from train_easyocr.documents.sources import FileSource, PageSource, Source, SourceError


def unpacked(pages: Iterable[PageSource], folder: Path) -> tuple[list[PageFile], list[Problem]]:
    """Return pages as files: their own, or copies of what is in archives, made where they are not there yet.

    Args:
        pages: Pages in folders or archives.
        folder: Gets images/ and labels/ with the copies.

    Returns:
        The pages, and what kept others from being unpacked.

    Raises:
        OSError: A copy can't be written.
    """
    files, problems = [], []
    for page in pages:
        try:
            image = _file(page.image, folder / "images" / f"{page.name}{page.image.suffix}", MAX_IMAGE_BYTES)
            label = _file(page.label, folder / "labels" / f"{page.name}{LABEL_SUFFIX}", MAX_LABEL_BYTES)
            files.append(PageFile(page.name, image, label))
        except SourceError as error:
            problems.append(Problem(page.name, str(error)))
    return files, problems


def _file(source: Source, copy: Path, limit: int) -> Path:
    if isinstance(source, FileSource):
        return source.path
    if not copy.is_file() or copy.stat().st_size != source.size():
        write_bytes(copy, source.read(limit))
    return copy

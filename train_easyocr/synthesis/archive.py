"""Archives as AI-Hub ships them: which page goes into which, and member names in CP949 without the UTF-8 flag."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

from train_easyocr.common.files import replacing

TOP = "공공행정문서 OCR"
"""Folder of the download."""
IMAGE_FOLDER = "01.원천데이터(Jpg)"
LABEL_FOLDER = "02.라벨링데이터(Json)"
IMAGE_ARCHIVES = {
    "Training": ("[원천]train1.zip", "[원천]train2.zip", "[원천]train3.zip"),
    "Validation": ("[원천]validation.zip",),
}
LABEL_ARCHIVES = {"Training": "[라벨]train.zip", "Validation": "[라벨]validation.zip"}
MOMENT = (2021, 1, 15, 12, 0, 0)
"""Time stamp of every member: the same pages are the same bytes whenever they are rendered."""
UTF8_FLAG = 0x800


class Cp949Info(zipfile.ZipInfo):
    """A member whose name is stored in CP949, as Korean Windows tools do it, and not flagged as UTF-8."""

    __slots__ = ()

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802 - zipfile's hook, the only place for another encoding
        return self.filename.encode("cp949"), self.flag_bits & ~UTF8_FLAG


def write_archive(path: Path, members: Iterable[tuple[str, bytes]], *, compress: bool) -> None:
    """Write an archive whole or not at all.

    Args:
        path: The archive; replaced if it is there.
        members: Names and contents, in the archive's order.
        compress: Whether to deflate (labels) or store (JPEG does not get smaller).
    """
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, content in members:
            info = Cp949Info(name, MOMENT)
            info.create_system = 0
            info.external_attr = 0o600 << 16
            info.compress_type = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
            archive.writestr(info, content)


def place_of(index: int, validation_share: Fraction) -> tuple[str, int]:
    """The split of page `index` and its number within it, whatever the number of pages.

    Every page at which index x share passes a whole number is a validation page.

    Args:
        index: The page, from 0.
        validation_share: 0 to 1, both excluded.

    Returns:
        "Training" or "Validation", and the number of pages of that split before it.
    """
    before = int(index * validation_share)
    if int((index + 1) * validation_share) > before:
        return "Validation", before
    return "Training", index - before

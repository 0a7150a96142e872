"""Where the bytes of a page's files come from: a folder, or an archive that nobody has unpacked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from train_easyocr.common.errors import UserError


class SourceError(UserError, ValueError):
    """A file's bytes can't be had; the message is the reason, without the file's name.

    Attributes:
        damaged: Whether the archive is at fault that holds the file.
    """

    damaged = False


class Source(Protocol):
    """A file that is read when it is needed, by whichever process needs it; it is pickled on the way there."""

    @property
    def suffix(self) -> str:
        """The end of the file's name, as `.jpg`."""

    def size(self) -> int:
        """Return the file's size in bytes, without reading it."""

    def read(self, limit: int) -> bytes:
        """Return the whole file.

        Args:
            limit: Bytes; a larger file is refused before any memory is spent on it.

        Raises:
            SourceError: It can't be read, or is too large.
        """


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file in a folder."""

    path: Path

    @property
    def suffix(self) -> str:
        """The end of the file's name, as `.jpg`."""
        return self.path.suffix

    def size(self) -> int:
        """Return the file's size in bytes."""
        return self.path.stat().st_size

    def read(self, limit: int) -> bytes:
        """Return the whole file; see `Source.read`."""
        try:
            if self.path.stat().st_size > limit:
                raise SourceError(f"has more than {limit // 2**20} MiB")
            return self.path.read_bytes()
        except OSError as error:
            raise SourceError(f"can't be read: {error.strerror}") from None


@dataclass(frozen=True, slots=True)
class PageFile:
    """A page that has both files.

    Attributes:
        name: Relative path below images/ without suffix, NFC, parts joined by `/`.
        image: The image file.
        label: The label file, or what reads like one where labels have another form (`label_formats`).
    """

    name: str
    image: Path
    label: Path | Source


@dataclass(frozen=True, slots=True)
class PageSource:
    """A page that has both files, wherever they are.

    Attributes:
        name: As in `PageFile`.
        image: The image file.
        label: The label file.
        partly: Whether only a part of its words is labelled: they teach how words are read, but not where there are
            none, and nothing can be measured on them.
    """

    name: str
    image: Source
    label: Source
    partly: bool = False

    @classmethod
    def of(cls, page: PageFile, partly: bool = False) -> PageSource:
        """Take a page from a folder."""
        label = FileSource(page.label) if isinstance(page.label, Path) else page.label
        return cls(page.name, FileSource(page.image), label, partly)

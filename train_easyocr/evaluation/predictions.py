"""What was read, page by page, kept in a file, so that an evaluation goes on where it stopped.

`evaluation_predictions.jsonl`: the first line names the format and, for each reader, all that its results depend on
(weights, device, versions); each further line holds one reader's result for one page, appended when it is there. A
result is used again only where the reader and the image are the same as then. So a killed run goes on, a finished run
is scored again in seconds, and after a new training the baseline is not read anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from train_easyocr.common.errors import UserError
from train_easyocr.common.files import lock_folder, replacing

FILE_NAME = "evaluation_predictions.jsonl"
FORMAT = 1

ModelIdentity = Mapping[str, str]
"""All that a reader's results depend on, apart from the image."""


class Predictions:
    """The results in one output folder, which belongs to one process at a time. Use it as a context manager.

    Args:
        folder: The output folder; it is made when it is not there.
        readers: The readers of this run by key, and what their results depend on. Earlier results of a reader that is
            not what it was are dropped; those of readers that are not asked for are kept.

    Attributes:
        notes: For people: what was dropped, and why.

    Raises:
        UserError: Another process writes to the folder, or the file there is something else.
    """

    def __init__(self, folder: Path, readers: Mapping[str, ModelIdentity]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / FILE_NAME
        self.notes: list[str] = []
        self._index: dict[tuple[str, str], tuple[str, int, int]] = {}
        self._folder = lock_folder(folder, "evaluation")
        try:
            self._load({key: dict(identity) for key, identity in readers.items()})
            self._file = self.path.open("r+b")
        except BaseException:
            os.close(self._folder)
            raise

    def __enter__(self) -> Predictions:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        os.close(self._folder)

    def has(self, reader: str, page: str) -> bool:
        """Tell whether there is a result of a reader for a page, be it of another image."""
        return (reader, page) in self._index

    def holds(self, reader: str, page: str, image: str) -> bool:
        """Tell whether `get` returns a result; other threads may ask."""
        found = self._index.get((reader, page))
        return found is not None and found[0] == image

    def get(self, reader: str, page: str, image: str) -> list[Any] | None:
        """Return a reader's result for a page, or None when there is none for this image.

        Args:
            reader: The reader's key.
            page: The page's name.
            image: The hash of all that the reader was shown.
        """
        found = self._index.get((reader, page))
        if found is None or found[0] != image:
            return None
        self._file.seek(found[1])
        rows: list[Any] = json.loads(self._file.read(found[2]))["rows"]
        return rows

    def put(self, reader: str, page: str, image: str, rows: list[Any]) -> None:
        """Append a result and hand it to the operating system at once."""
        line = _line({"reader": reader, "page": page, "image": image, "rows": rows})
        start = self._file.seek(0, os.SEEK_END)
        self._file.write(line)
        self._file.flush()
        self._index[reader, page] = (image, start, len(line))

    def _load(self, readers: dict[str, dict[str, str]]) -> None:
        """Index the file that is there, and write it anew without what can't be used any more."""
        known = self._read_header()
        changed = {key for key, identity in readers.items() if key in known and known[key] != identity}
        self.notes += [_why(key, known[key], readers[key]) for key in sorted(changed)]
        lines = list(self._results(drop=changed)) if self.path.exists() else []
        latest = {(line["reader"], line["page"]): number for number, (line, _, _) in enumerate(lines)}
        header = _line({"format": FORMAT, "readers": dict(sorted((known | readers).items()))})
        position = len(header)
        kept = []
        for number, (line, start, length) in enumerate(lines):
            key = (line["reader"], line["page"])
            if latest[key] == number:
                self._index[key] = (line["image"], position, length)
                kept.append((start, length))
                position += length
        self._rewrite(header, kept, position)

    def _rewrite(self, header: bytes, kept: list[tuple[int, int]], size: int) -> None:
        """Write the header and the kept parts of the file, unless that is what the file holds."""
        if self.path.exists():
            with self.path.open("rb") as file:
                if file.readline() == header and self.path.stat().st_size == size:
                    return
        with replacing(self.path) as temporary, temporary.open("wb") as target:
            target.write(header)
            if kept:
                with self.path.open("rb") as source:
                    for start, length in kept:
                        source.seek(start)
                        target.write(source.read(length))

    def _read_header(self) -> dict[str, dict[str, str]]:
        if not self.path.exists():
            return {}
        with self.path.open("rb") as file:
            line = file.readline()
        header = _parse(line)
        if header is None or not isinstance(header.get("readers"), dict):
            raise UserError(
                f"{self.path}: is no file of predictions; move it away, or name another folder with --output"
            )
        if header.get("format") != FORMAT:
            self.notes.append(f"{self.path}: was written by another version; all pages are read anew")
            self.path.unlink()
            return {}
        readers: dict[str, dict[str, str]] = header["readers"]
        return readers

    def _results(self, drop: set[str]) -> Iterator[tuple[dict[str, Any], int, int]]:
        """Yield each whole result without its rows, and where its line starts and how long it is."""
        with self.path.open("rb") as file:
            position = len(file.readline())
            for text in file:
                line = _parse(text)
                if line is not None and line.keys() == {"reader", "page", "image", "rows"}:
                    if line["reader"] not in drop:
                        del line["rows"]
                        yield line, position, len(text)
                elif text.endswith(b"\n"):
                    self.notes.append(f"{self.path}: a line is damaged; its page is read anew")
                position += len(text)


def _line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8") + b"\n"


def _parse(text: bytes) -> dict[str, Any] | None:
    """Return a whole line's object; None for a line that was cut off or damaged."""
    if not text.endswith(b"\n"):
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _why(key: str, before: ModelIdentity, now: ModelIdentity) -> str:
    changes = [
        f"{name} was {before.get(name, 'not there')}, is {now.get(name, 'not there')}"
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]
    return f"{key}: pages are read anew, since {'; '.join(changes)}"

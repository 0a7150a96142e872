"""What is written of pages that were read: plain text and JSON here, other formats beside; a page at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Any, ClassVar, Literal, Protocol

from train_easyocr.reading.pipeline import Identity, ReadLine, ReadPage, ReadWord
from train_easyocr.reading.sources import SourcePage

Format = Literal["text", "json", "hocr", "alto", "pdf"]
CELL = "\t"
"""Between cells of a table's row in plain text."""
END_OF_PAGE = "\f"
"""As pdftotext and Tesseract end a page of plain text."""


@dataclass(frozen=True)
class About:
    """What an output is about.

    Attributes:
        file: Name of the file that was read.
        model: What read it.
    """

    file: str
    model: Identity


class Writer(Protocol):
    """Writes a document's pages, in their order."""

    def page(self, page: ReadPage, picture: SourcePage) -> None:
        """Write a page.

        Args:
            page: What was read.
            picture: Its pixels.
        """

    def fault(self, number: int, reason: str) -> None:
        """Write that a page could not be read."""

    def close(self) -> None:
        """Write what comes after the last page; the file stays open."""

    @property
    def memory(self) -> dict[str, Any]:
        """What it knows of the pages before, as JSON; one that is given it, and their file, goes on after them."""

    @memory.setter
    def memory(self, memory: Mapping[str, Any]) -> None: ...


class Remembering:
    """The memory of a `Writer`: some of its attributes."""

    _remembered: ClassVar[tuple[str, ...]] = ()

    @property
    def memory(self) -> dict[str, Any]:
        """See `Writer`."""
        return {name: getattr(self, name) for name in self._remembered}

    @memory.setter
    def memory(self, memory: Mapping[str, Any]) -> None:
        vars(self).update(memory)


class TextWriter(Remembering):
    """Plain text: a line a line, the cells of a table's row with tabs between them, blocks with an empty line between.

    Each page ends with a form feed.
    """

    def __init__(self, file: IO[bytes], about: About) -> None:
        self._file = file

    def page(self, page: ReadPage, picture: SourcePage) -> None:
        """Write a page; see `Writer`."""
        self._file.write(f"{text_of(page)}{END_OF_PAGE}".encode())

    def fault(self, number: int, reason: str) -> None:
        """Write an empty page."""
        self._file.write(END_OF_PAGE.encode())

    def close(self) -> None:
        """Nothing comes after the last page."""


def text_of(page: ReadPage) -> str:
    """Return a page's text; see `TextWriter`."""
    text, block = "", 0
    for line in page.lines:
        between = "\n\n" if line.block != block else "\n"
        text += CELL if line.beside else between if text else ""
        text += line_text(page, line)
        block = line.block
    return f"{text}\n" if text else ""


def line_text(page: ReadPage, line: ReadLine) -> str:
    """Return the words of a line with a space between them."""
    return " ".join(filter(None, (page.words[word].text for word in line.words)))


Describe = Callable[[ReadPage, SourcePage], Mapping[str, Any]]
"""Returns what JSON says about a page."""


class JsonWriter(Remembering):
    """JSON: the model, and of each page its size, lines and words with boxes, corners and confidences.

    Args:
        file: Where to.
        about: What it is about.
        describe: Returns what is said about a page.
    """

    _remembered = "_warnings", "_first"

    def __init__(self, file: IO[bytes], about: About, describe: Describe | None = None) -> None:
        self._file, self._describe = file, describe or (lambda page, picture: json_page(page))
        self._warnings: list[str] = []
        self._first = True
        head = {"file": printable(about.file), "model": model_of(about.model)}
        self._write(_dumped(head)[:-1] + ', "pages": [')

    def page(self, page: ReadPage, picture: SourcePage) -> None:
        """Write a page; see `Writer`."""
        self._warnings += [f"page {page.number}: {warning}" for warning in page.warnings]
        self._add(self._describe(page, picture))

    def fault(self, number: int, reason: str) -> None:
        """Write a page that says why it could not be read."""
        self._warnings.append(f"page {number}: {reason}")
        self._add({"number": number, "error": reason})

    def _add(self, page: Mapping[str, Any]) -> None:
        self._write(("\n" if self._first else ",\n") + _dumped(page))
        self._first = False

    def close(self) -> None:
        """Write the warnings."""
        self._write(f'\n], "warnings": {_dumped(self._warnings)}}}\n')

    def _write(self, text: str) -> None:
        self._file.write(text.encode())


def model_of(model: Identity) -> dict[str, Any]:
    """Return what JSON says about the model."""
    return {
        "name": printable(model.name),
        "sha256": model.recognizer_sha256,
        "detector_sha256": model.detector_sha256,
        "characters": len(model.characters),
    }


def json_page(page: ReadPage, with_times: bool = False) -> dict[str, Any]:
    """Return what JSON says about a page; `with_times`: how long each step took, too, never the same twice."""
    line_of = {word: number for number, line in enumerate(page.lines) for word in line.words}
    return {
        "number": page.number,
        "width": page.width,
        "height": page.height,
        "orientation": page.orientation,
        **({} if page.margin is None else {"margin": page.margin, "skew": page.skew}),
        "lines": [
            {
                "box": list(line.box),
                "text": line_text(page, line),
                "block": line.block,
                "beside": line.beside,
                "words": list(line.words),
            }
            for line in page.lines
        ],
        "words": [_json_word(number, word, line_of[number]) for number, word in enumerate(page.words)],
        **({"milliseconds": {k: round(v, 1) for k, v in page.milliseconds.items()}} if with_times else {}),
    }


def _json_word(number: int, word: ReadWord, line: int) -> dict[str, Any]:
    return {
        "id": number,
        "text": word.text,
        "confidence": round(word.confidence, 4),
        "box": list(word.box),
        "polygon": [[_number(x), _number(y)] for x, y in word.polygon],
        "line": line,
    }


def _number(value: float) -> float:
    """Return a coordinate, a whole number where it is one."""
    return int(value) if value == int(value) else round(value, 2)


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def printable(name: str) -> str:
    """Return a file's name as text; its bytes need not be any."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


WriterOf = Callable[[IO[bytes], About], Writer]

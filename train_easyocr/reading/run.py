"""Files to outputs, one for one: the next pages are decoded while one is read; killed anywhere, it goes on from there.

<output>/<file>.<ending>          whole or not there
<output>/<file>.<ending>.*.part   what there is of it, and how far that is; only while pages are missing
<output>/manifest.jsonl           settings, and a line a file that is done: its SHA-256, pages, words and faults
<output>/skipped.csv              files and pages that could not be read; not there where all could

A file is read again when it, the settings, the weights or its output have changed.
"""

from __future__ import annotations

import contextlib
import csv
import glob
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import IO, Any

from tqdm import tqdm

from train_easyocr.common.ahead import in_advance
from train_easyocr.common.errors import UsageError
from train_easyocr.common.files import TEMPORARY_SUFFIX, lock_folder, read_json_object, write_json, write_text
from train_easyocr.documents.images import ImageError
from train_easyocr.reading.formats import About, Format, JsonWriter, TextWriter, WriterOf, printable
from train_easyocr.reading.orientation import Setting, read_upright
from train_easyocr.reading.pdf_format import PdfWriter
from train_easyocr.reading.pipeline import Engine
from train_easyocr.reading.sources import DPI, OpenDocument, PageRange, SourceFile, SourcePage, natural, open_document
from train_easyocr.reading.xml_formats import AltoWriter, HocrWriter

PAGES_AHEAD = 2
"""Pages that are decoded while one is read."""
MANIFEST, SKIPPED = "manifest.jsonl", "skipped.csv"
OUTPUT_VERSION = 1
"""Raised whenever the same file would give another output than before."""

FORMATS: Mapping[Format, tuple[str, WriterOf]] = {
    "text": (".txt", TextWriter),
    "json": (".json", JsonWriter),
    "hocr": (".hocr", HocrWriter),
    "alto": (".xml", AltoWriter),
    "pdf": (".pdf", PdfWriter),
}
"""Ending and writer of each format."""


class OutputsClash(UsageError):  # noqa: N818 - reads as what it is where it is caught
    """Two files would have the same output; the message names both."""


@dataclass(frozen=True)
class ReadSettings:
    """What outputs depend on, beside the files and the weights.

    Attributes:
        format: What is written.
        dpi: What PDF is rendered at.
        pages: Which pages of each document are read.
        orientation: Whether pages that lie turned or skewed are turned upright first.
        word_orientation: Whether single words are; what reads does it (`turned_words.TurningEngine`).
    """

    format: Format = "text"
    dpi: int = DPI
    pages: PageRange = field(default_factory=PageRange)
    orientation: Setting = "off"
    word_orientation: Setting = "off"


@dataclass(frozen=True)
class Done:
    """A file that was read.

    Attributes:
        file: Its name.
        sha256: Of its bytes.
        bytes: Size of the output.
        pages: Pages that were read.
        words: Words on them.
        faults: Pages that could not be read, and why.
    """

    file: str
    sha256: str
    bytes: int
    pages: int
    words: int
    faults: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Begun:
    """The output of a file some of whose pages are read.

    Attributes:
        of: What it depends on: settings, weights, the file.
        bytes: Of the output.
        pages: That are in it.
        words: On them.
        faults: Pages among them that could not be read, and why.
        memory: Of its writer (`formats.Writer`).
    """

    of: Mapping[str, Any] = field(default_factory=dict)
    bytes: int = 0
    pages: int = 0
    words: int = 0
    faults: Sequence[tuple[int, str]] = ()
    memory: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Outcome:
    """What became of files.

    Attributes:
        done: Those that were read, now or before.
        before: How many of them were read before.
        failed: Files that could not be read at all, and why.
    """

    done: list[Done] = field(default_factory=list)
    before: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    def fail(self, file: SourceFile, reason: str) -> None:
        """Note and say why a file could not be read."""
        self.failed[printable(file.name)] = printable(reason)
        say(reason)

    @property
    def faults(self) -> list[tuple[str, int | None, str]]:
        """Files, pages and why they could not be read; a page of None is the whole file."""
        pages = [(done.file, number, reason) for done in self.done for number, reason in done.faults]
        return sorted(
            [*((file, None, reason) for file, reason in self.failed.items()), *pages],
            key=lambda fault: (natural(fault[0]), fault[1] or 0),
        )


@dataclass(frozen=True, eq=False)
class _Job:
    """A file and what is to be done with it.

    Attributes:
        file: The file.
        sha256: Of its bytes.
        document: Opened; None where nothing is to be read of it.
        numbers: Of the pages to be read, by an earlier run or now.
        known: What an earlier run made of it.
        begun: What an earlier run has begun to make of it.
        reason: Why it can't be read.
    """

    file: SourceFile
    sha256: str = ""
    document: OpenDocument | None = None
    numbers: Sequence[int] = ()
    known: Done | None = None
    begun: Begun = Begun()
    reason: str = ""

    @property
    def left(self) -> Sequence[int]:
        """Numbers of the pages to be read now."""
        return self.numbers[self.begun.pages :]


class _NothingRead(Exception):  # noqa: N818 - ends the writing of an output that would hold nothing
    """None of a document's pages could be read."""


Pages = Iterator[SourcePage | tuple[int, str] | None]
"""What became of a document's pages: each decoded, or its number and why it can't be; None for none."""
Known = Callable[[SourceFile, str], Done | Begun]
"""Returns what an earlier run made of a file of some SHA-256."""
Write = Callable[[IO[bytes], Callable[[Begun], None]], Done]
"""Writes a file's output; tells after each page but the last how far it is."""
Publish = Callable[[SourceFile, Begun, Write], Done]
"""Opens a file's output, and calls what writes it."""


class Outputs:
    """The outputs of files in a folder, and which of them are done.

    Args:
        folder: Where they go.
        settings: What they depend on.
        engine: What reads.
    """

    def __init__(self, folder: Path, settings: ReadSettings, engine: Engine) -> None:
        self.folder, self._ending = folder, FORMATS[settings.format][0]
        identity = asdict(engine.identity)
        self._name = printable(engine.identity.name)
        self._settings: dict[str, Any] = {
            "version": OUTPUT_VERSION,
            "format": settings.format,
            "dpi": settings.dpi,
            "pages": settings.pages.text,
            "recognizer": identity["recognizer_sha256"],
            "detector": identity["detector_sha256"],
            **{key: "auto" for key in ("orientation", "word_orientation") if getattr(settings, key) == "auto"},
        }
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = lock_folder(folder, "reading")
        _remove_leftovers(folder / MANIFEST)
        _remove_leftovers(folder / SKIPPED)
        self._done = self._read()
        self.compact()

    def path(self, file: SourceFile) -> Path:
        """Return where a file's output goes."""
        return self.folder / f"{file.name}{self._ending}"

    def check(self, files: Sequence[SourceFile]) -> None:
        """Refuse files that would write over each other's output.

        Raises:
            OutputsClash: Two of them would.
        """
        seen: dict[Path, SourceFile] = {}
        for file in files:
            other = seen.setdefault(self.path(file), file)
            if other is not file:
                raise OutputsClash(
                    f"{other} and {file} would both be written to {self.path(file)}; read them in two runs, with an "
                    "--output each"
                )

    def known(self, file: SourceFile, sha256: str) -> Done | Begun:
        """Return what is known of a file of the same content whose output is there, whole or begun."""
        path, known = self.path(file), self._done.get(printable(file.name))
        if known and known.sha256 == sha256 and path.is_file() and path.stat().st_size == known.bytes:
            return known
        of = {"settings": self._settings, "name": self._name, "sha256": sha256}
        part, progress = _parts(path)
        begun = read_json_object(progress)
        if begun.get("of") != of or not part.is_file() or part.stat().st_size < begun["bytes"]:
            return Begun(of)
        return Begun(**{**begun, "faults": _pairs(begun["faults"])})

    def publish(self, source: SourceFile, begun: Begun, write: Write) -> Done:
        """Write a file's output, or what is missing of it, and note that the file is done."""
        path = self.path(source)
        part, progress = _parts(path)
        if not begun.pages:
            _remove_leftovers(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            part.touch()
        with part.open("r+b") as opened:

            def keep(begun: Begun) -> None:
                opened.flush()
                write_json(progress, asdict(replace(begun, bytes=opened.tell())))

            try:
                done = replace(write(opened, keep), bytes=opened.tell())
            except _NothingRead:
                _remove_leftovers(path)
                raise
        part.replace(path)
        progress.unlink(missing_ok=True)
        self._done[done.file] = done
        with (self.folder / MANIFEST).open("a", encoding="utf-8") as file:
            file.write(_line(asdict(done)))
        return done

    def _read(self) -> dict[str, Done]:
        """Read the manifest, as far as it is whole and about these settings."""
        try:
            lines = (self.folder / MANIFEST).read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return {}
        found: dict[str, Done] = {}
        with contextlib.suppress(ValueError, TypeError, IndexError):  # a line that was cut off ends it
            if json.loads(lines[0]) != {"settings": self._settings}:
                return {}
            for line in lines[1:]:
                values = json.loads(line)
                done = Done(**{**values, "faults": _pairs(values["faults"])})
                found[done.file] = done
        return found

    def compact(self) -> None:
        """Write the manifest anew, a line a file in their order, so that it does not tell how often one was stopped."""
        files = sorted(self._done, key=natural)
        lines = [{"settings": self._settings}, *(asdict(self._done[file]) for file in files)]
        write_text(self.folder / MANIFEST, "".join(map(_line, lines)))

    def close(self) -> None:
        """Let others write to the folder."""
        os.close(self._lock)


def _parts(path: Path) -> tuple[Path, Path]:
    """Return where what there is of an output is written, and how far it is."""
    part, progress = (path.with_name(f"{path.name}.{what}{TEMPORARY_SUFFIX}") for what in ("output", "progress"))
    return part, progress


def _pairs(faults: Sequence[Sequence[Any]]) -> tuple[tuple[int, str], ...]:
    return tuple((number, why) for number, why in faults)


def _remove_leftovers(path: Path) -> None:
    """Remove what a killed process left of a file; not in all the folder, which can be anyone's."""
    for leftover in path.parent.glob(f"{glob.escape(path.name)}.*{TEMPORARY_SUFFIX}"):
        leftover.unlink(missing_ok=True)


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"


def read_files(files: Sequence[SourceFile], engine: Engine, settings: ReadSettings, folder: Path) -> Outcome:
    """Read files and write an output each; go on where an earlier run stopped.

    Args:
        files: As `sources.find_files` found them.
        engine: What finds and reads words.
        settings: What is written of which pages.
        folder: Where outputs go.

    Returns:
        What became of the files; those that can't be read are told on the way, and stop nothing.

    Raises:
        OutputsClash: Two files would have the same output.
        UserError: Another process writes to the folder.
        OSError: Something can't be written.
    """
    with contextlib.closing(Outputs(folder, settings, engine)) as outputs:
        outputs.check(files)
        outcome = _Reading(engine, settings, outputs.known, outputs.publish).read(files)
        outputs.compact()
        _write_skipped(folder / SKIPPED, outcome)
    return outcome


def read_to(file: SourceFile, engine: Engine, settings: ReadSettings, output: IO[bytes]) -> Outcome:
    """Read one file and write to an opened one, such as the standard output; see `read_files`."""
    return _Reading(
        engine, settings, lambda *_: Begun(), lambda _file, _begun, write: write(output, lambda _begun: None)
    ).read([file])


class _Reading:
    """One run over files.

    Args:
        engine: What reads.
        settings: What is read and written.
        known: Returns what an earlier run made of a file.
        publish: Opens a file's output and has it written.
    """

    def __init__(self, engine: Engine, settings: ReadSettings, known: Known, publish: Publish) -> None:
        self._engine, self._settings, self._known, self._publish = engine, settings, known, publish
        self._outcome = Outcome()

    def read(self, files: Sequence[SourceFile]) -> Outcome:
        """Read files; pages are counted on the way where there is one file, else files."""
        tasks = in_advance(_decode, _tasks(files, self._settings, self._known), PAGES_AHEAD)
        single = len(files) == 1
        total, unit = (None, "page") if single else (len(files), "file")
        with tqdm(total=total, unit=unit, desc="Reading") as bar, contextlib.closing(tasks):
            for job, pages in groupby(tasks, key=lambda task: task[0]):
                if single:
                    bar.reset(len(job.numbers))
                    bar.n = bar.initial = len(job.numbers) - len(job.left)
                self._do(job, (page for _, page in pages), bar.update if single else None)
                bar.update(not single)
        return self._outcome

    def _do(self, job: _Job, pages: Pages, count: Callable[[], object] | None) -> None:
        """Read a document, or note what is known of it."""
        outcome = self._outcome
        if job.document is None:
            for _ in pages:
                pass
            if job.known is None:
                outcome.fail(job.file, job.reason)
            else:
                outcome.done.append(job.known)
                outcome.before += 1
            return
        try:
            outcome.done.append(self._publish(job.file, job.begun, partial(self._write, job, pages, count)))
        except _NothingRead as error:
            outcome.fail(job.file, f"{job.file}: {error}")
        finally:
            job.document.close()

    def _write(
        self,
        job: _Job,
        pages: Pages,
        count: Callable[[], object] | None,
        file: IO[bytes],
        keep: Callable[[Begun], None],
    ) -> Done:
        """Read a document's pages and write them."""
        begun, faults, words = job.begun, list(job.begun.faults), job.begun.words
        writer = FORMATS[self._settings.format][1](file, About(job.file.name, self._engine.identity))
        if begun.pages:  # what has just been written was there already
            writer.memory = begun.memory
            file.seek(begun.bytes)
            file.truncate()
        for done, page in enumerate(pages, begun.pages + 1):
            if isinstance(page, SourcePage):
                read, picture = read_upright(self._engine, page, self._settings.orientation)
                words += len(read.words)
                writer.page(read, picture)
            elif page is not None:
                faults.append(page)
                writer.fault(*page)
                say(f"{job.file}, page {page[0]}: {page[1]}")
            if done < len(job.numbers):
                keep(replace(begun, pages=done, words=words, faults=faults, memory=writer.memory))
            if count is not None:
                count()
        if len(faults) == len(job.numbers):
            raise _NothingRead(faults[0][1])
        writer.close()
        return Done(printable(job.file.name), job.sha256, 0, len(job.numbers) - len(faults), words, tuple(faults))


def _tasks(files: Sequence[SourceFile], settings: ReadSettings, known: Known) -> Iterator[tuple[_Job, int]]:
    """Yield the pages of all files, by number; a number of 0 where nothing of a file is to be read."""
    for file in files:
        job = _open(file, settings, known)
        yield from ((job, number) for number in job.left or [0])


def _open(file: SourceFile, settings: ReadSettings, known: Known) -> _Job:
    try:
        opened = open_document(file, settings.dpi)
        found = known(file, opened.sha256)
        if isinstance(found, Done):
            opened.document.close()
            return _Job(file, known=found)
        try:
            numbers = settings.pages.of(opened.document.count)
        except ImageError as error:
            opened.document.close()
            raise ImageError(f"{file}: {error}") from None
    except ImageError as error:
        return _Job(file, reason=str(error))
    return _Job(file, opened.sha256, opened.document, numbers, begun=found)


def _decode(task: tuple[_Job, int]) -> tuple[_Job, SourcePage | tuple[int, str] | None]:
    """Decode a page; return with its job the page, or its number and why it can't be decoded."""
    job, number = task
    if job.document is None:
        return job, None
    try:
        return job, job.document.page(number)
    except ImageError as error:
        return job, (number, str(error))


def say(what: str) -> None:
    """Say what could not be read, above the progress bar."""
    tqdm.write(f"not read: {printable(what)}", file=sys.stderr)


def _write_skipped(path: Path, outcome: Outcome) -> None:
    """Write what could not be read; remove the table of an earlier run where all could."""
    if not outcome.faults:
        path.unlink(missing_ok=True)
        return
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(("file", "page", "reason"))
    rows.writerows((file, "" if page is None else page, reason) for file, page, reason in outcome.faults)
    write_text(path, table.getvalue())

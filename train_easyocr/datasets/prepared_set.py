"""Making a set of patches (or the evaluation set) so that it can be killed at any moment and run again.

All work goes into a hidden folder beside the set: a plan, the records of pages that are done, and the set as far as it
is made. Workers make patches in whatever order; this process puts labels.csv, skipped.csv and the database together
behind them, in the pages' order, from the records of the pages that are done. For the database, patches wait in files
that are removed as soon as it holds them: few of them ever reach the disk. When the last page is in, the set gets its
statistics and manifest, and one rename puts it where it belongs. So a set that is there is whole, one that was there
before stays until the new one is ready, and what the result looks like depends neither on the number of workers nor on
how often the work was interrupted.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lmdb
from tqdm import tqdm

from train_easyocr.common.errors import UserError
from train_easyocr.common.files import TEMPORARY_SUFFIX, read_json_object, write_json, write_text
from train_easyocr.common.memory import keep_freed_memory
from train_easyocr.common.publishing import PLAN, publish, recover, remove, work_folder
from train_easyocr.common.workers import LARGEST_KEPT, MOST_KEPT, spread
from train_easyocr.datasets.batch_records import BatchRecord, Totals
from train_easyocr.datasets.cropping import Cutting, patch_size
from train_easyocr.datasets.labels_csv import HEADER, format_row, read_rows
from train_easyocr.datasets.left_out import HEADER as HEADER_OF_SKIPPED
from train_easyocr.datasets.left_out import LeftOut
from train_easyocr.datasets.lmdb_form import PatchDatabase
from train_easyocr.datasets.page_work import (
    BATCH,
    BATCHES,
    IMAGES,
    RECORD,
    BatchTask,
    SetForm,
    do_batch,
    patches_path,
    record_path,
)
from train_easyocr.datasets.statistics import Measure, WordStatistics, of_which_partly
from train_easyocr.documents import page_sums
from train_easyocr.documents.aihub import Problem
from train_easyocr.documents.sources import PageSource

MANIFEST = "manifest.json"
STATISTICS = "statistics.json"
SKIPPED = "skipped.csv"
LABELS = "labels.csv"
STARTED = "machine_started"
"""In the work folder: which start of the machine it belongs to."""
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
LAYOUT = 2
"""Raised when a set is laid out differently, so that older ones are made anew."""
AT_ONCE = 16
"""Batches that are put together before the next result is taken: workers must not run out of tasks meanwhile."""


@dataclass(frozen=True)
class Plan:
    """What is to be made.

    Attributes:
        settings: The settings that decide what the set holds.
        pages: The drawn pages, sorted by name.
        prefixes: What the patches of each page are called.
        problems: What keeps other pages of the split from being used, to be listed with the rest.
        available: Number of pages in the split that have both files.
        partly: How many of them are only partly labelled.
        form: What is made.
        cutting: How words become patches.
        labels: A digest of the drawn pages' labels, where their sizes alone are not to tell whether they have changed.
    """

    settings: dict[str, Any]
    pages: Sequence[PageSource]
    prefixes: dict[str, str]
    problems: Sequence[Problem]
    available: int
    form: SetForm
    cutting: Cutting
    labels: str = ""
    partly: int = 0

    def manifest(self) -> dict[str, Any]:
        """Return what the set is known by: equal manifests stand for equal sets. Holds no path and no time."""
        digest = hashlib.sha256(self.labels.encode())
        for problem in self.problems:
            digest.update(f"{problem.name}\0{problem.reason}{problem.detail}\0".encode())
        for page in self.pages:
            sizes = f"{page.image.size()}\0{page.label.size()}"
            digest.update(f"{page.name}\0{self.prefixes[page.name]}\0{sizes}\0".encode())
        return {
            "layout": LAYOUT,
            "settings": self.settings,
            "available": self.available,
            "files": digest.hexdigest(),
            "pages": [page.name for page in self.pages],
        }

    def batches(self) -> int:
        """Return how many batches the pages make."""
        return -(-len(self.pages) // BATCH)

    def batch(self, number: int) -> Sequence[PageSource]:
        """Return the pages of a batch."""
        return self.pages[number * BATCH : (number + 1) * BATCH]


def read_manifest(path: Path) -> dict[str, Any] | None:
    """Return the manifest or plan in a file, or None when there is none that this program wrote."""
    value = read_json_object(path)
    return value if {"layout", "settings", "pages"} <= value.keys() else None


def prepare_set(target: Path, plan: Plan, measure: Measure, workers: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Make a set, or go on with it, or leave it as it is when it is there already.

    Args:
        target: The set's folder.
        plan: What is to be made.
        measure: What the words are measured against.
        workers: Processes.
        say: Takes a line for the user.

    Returns:
        The set's statistics.

    Raises:
        UserError: The folder holds something that this program did not make, or a database can't be written.
        UserError: Not one word can be used; a set that was there before stays.
        OSError: Something can't be written.
    """
    work = work_folder(target)
    recover(target)
    manifest = plan.manifest()
    there = read_manifest(target / MANIFEST)
    if there == manifest and _holds_words(target):
        remove(work)
        say(f"{target}: nothing to do, it is there with these settings")
        return _current_statistics(target, measure)
    if there is not None:
        say(f"{target}: is made anew: {_difference(there, manifest)}")
    elif target.exists() and any(target.iterdir()):
        raise UserError(
            f"{target}: holds files that prepare_dataset.py did not make; give another name with --select_data, "
            "or move them away"
        )
    _begin(work, plan, manifest, say)
    try:
        statistics = _make(work, plan, measure, workers, say)
    except lmdb.Error as error:  # a full disk, most likely
        raise UserError(
            f"{work}: the database can't be written: {error}; mend that and run again, it goes on where it stopped"
        ) from None
    if not statistics["words"]["used"]:
        (work / PLAN).unlink()  # the next run begins again; what was left out stays to be looked at
        raise UserError(_nothing_usable(plan, statistics, work / "set" / SKIPPED))
    write_json(work / "set" / MANIFEST, manifest)
    publish(work / "set", target)
    remove(work)
    return statistics


def _holds_words(target: Path) -> bool:
    """Whether a finished set has a usable word; an older version of this program took others for finished."""
    try:
        return bool(json.loads((target / STATISTICS).read_bytes())["words"]["used"])
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _nothing_usable(plan: Plan, statistics: dict[str, Any], skipped: Path) -> str:
    words, pages = statistics["words"]["labelled"], len(plan.pages)
    reasons = "".join(f"\n  {line}" for line in LeftOut.read(skipped).lines())
    return (
        f"{plan.settings['split']}: not one word can be used, of {words:,} labelled on {pages:,} pages; no set is "
        f"made. What was found:{reasons or ' label files without annotations'}\n  all of it is listed in {skipped}"
    )


def _difference(before: dict[str, Any], after: dict[str, Any]) -> str:
    """Say what distinguishes two manifests."""
    old, new = before["settings"], after["settings"]
    changed = [
        f"{key} was {old.get(key)!r}, is {new.get(key)!r}"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    ]
    if changed:
        return ", ".join(changed)
    if before == after:
        return "not one word of it can be used"
    if before["layout"] != after["layout"]:
        return "it was made by another version of this program"
    return "the pages it is drawn from have changed, or their labels"


def _begin(work: Path, plan: Plan, manifest: dict[str, Any], say: Callable[[str], None]) -> None:
    plan_file = work / PLAN
    begun, started = read_manifest(plan_file), _machine_started()
    if begun == manifest and (work / "set").is_dir() and (work / BATCHES).is_dir():
        if (work / STARTED).read_text(encoding="ascii") == started:
            return
        say(f"{work}: unfinished work is started again: the machine was, and not all of it need have reached the disk")
    elif begun is not None and begun != manifest:
        say(f"{work}: unfinished work is started again: {_difference(begun, manifest)}")
    remove(work)
    (work / BATCHES).mkdir(parents=True)
    (work / "set").mkdir()
    if plan.form != "lmdb":
        (work / "set" / IMAGES).mkdir()
    write_text(work / STARTED, started)
    write_json(plan_file, manifest)  # last: a folder without it is begun again


def _machine_started() -> str:
    """Return what tells this start of the machine from others, where the system (Linux) says it."""
    return BOOT_ID.read_text(encoding="ascii") if BOOT_ID.exists() else ""


def _make(work: Path, plan: Plan, measure: Measure, workers: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Do the pages that are not done yet, put all of them together, and return the set's statistics."""
    _remove_leftovers(work / "set")
    with ExitStack() as stack:
        assembly = stack.enter_context(closing(_Assembly(work, plan, measure)))
        done = assembly.find_done()
        finished = sum(len(plan.batch(number)) for number in done)
        if finished:
            say(f"{finished:,} of {len(plan.pages):,} pages are done already")
        bar = stack.enter_context(
            tqdm(
                total=len(plan.pages),
                initial=finished,
                unit="pages",
                desc=str(plan.settings["split"]),
                dynamic_ncols=True,
            )
        )
        tasks = _tasks(work, plan, done.copy())
        words = 0
        results = spread(do_batch, tasks, workers, (measure,), name=lambda task: task.pages[0].name)
        for number, count in stack.enter_context(closing(results)):
            words += count
            done.add(number)
            bar.set_postfix(words=f"{words:,}", refresh=False)
            bar.update(len(plan.batch(number)))
            assembly.take(done, at_most=AT_ONCE)
        assembly.take(done)
        return assembly.finish()


def _tasks(work: Path, plan: Plan, done: set[int]) -> Iterator[BatchTask]:
    for number in range(plan.batches()):
        if number not in done:
            pages = tuple(plan.batch(number))
            prefixes = tuple(plan.prefixes[page.name] for page in pages)
            yield BatchTask(number, pages, prefixes, work, plan.form, plan.cutting)


class _Assembly:
    """A set's files that are written in the pages' order, from the records of pages that are done.

    The text files are written from nothing in each run, which takes a hundredth of the time that the pages took. The
    database is gone on with.
    """

    def __init__(self, work: Path, plan: Plan, measure: Measure) -> None:
        self._work, self._plan, self._measure, self._folder = work, plan, measure, work / "set"
        self._next = 0
        self._totals, self._words, self._stale = Totals(), WordStatistics(measure), False
        self._database = _open_database(self._folder / "lmdb") if plan.form == "lmdb" else None
        if self._database is not None:
            keep_freed_memory(LARGEST_KEPT, MOST_KEPT)  # each transaction takes the memory of the one before
        self._waiting: deque[tuple[int, Path]] = deque()
        with ExitStack() as stack:
            self._skipped = stack.enter_context((self._folder / SKIPPED).open("wb"))
            self._skipped.write(_line(*HEADER_OF_SKIPPED))
            self._pages = stack.enter_context((self._folder / page_sums.FILE).open("wb"))
            self._pages.write(_line(*page_sums.HEADER))
            self._labels = None
            if plan.form != "copy":
                self._labels = stack.enter_context((self._folder / LABELS).open("wb"))
                self._labels.write(_line(*HEADER))
            self._files = stack.pop_all()
        for problem in plan.problems:
            self._totals.pages[problem.reason] += 1
            self._skipped.write(_line(problem.name, "", "", "", problem.reason, problem.detail))

    def find_done(self) -> set[int]:
        """Return the batches that have a record, and whose patches are in their place or on their way."""
        numbers = {int(path.stem) for path in (self._work / BATCHES).glob(f"*{RECORD}")}
        if self._database is None:
            return numbers
        patches = {int(path.stem) for path in (self._work / BATCHES).glob("*.png")}
        held = self._database.images
        for number in range(self._plan.batches()):
            if number not in numbers or held < 0:
                break
            held -= BatchRecord.read(record_path(self._work, number)).totals.rows
            if held >= 0:
                patches.add(number)
        return numbers & patches

    def take(self, done: Set[int], at_most: int | None = None) -> None:
        """Take in the next batches as far as they are done, at most so many of them."""
        last = self._plan.batches() if at_most is None else self._next + at_most
        while self._next in done and self._next < last:
            record = BatchRecord.read(record_path(self._work, self._next))
            if self._database is not None:
                self._store(self._database, patches_path(self._work, self._next), record)
            self._totals.add(record.totals)
            self._words.add(record.words)
            self._stale |= record.measured != self._measure.digest
            self._skipped.write(record.skipped.encode())
            self._pages.write(record.pages.encode())
            if self._labels is not None:
                self._labels.write(record.labels.encode())
            self._next += 1

    def _store(self, database: PatchDatabase, path: Path, record: BatchRecord) -> None:
        """Hand the patches that the database does not have yet to it, and remove the files whose patches it holds."""
        before, end = self._totals.rows, self._totals.rows + record.totals.rows
        if end > database.taken:
            database.append_images(_patches(path, record.sizes, database.taken - before))
        self._waiting.append((end, path))
        while self._waiting and self._waiting[0][0] <= database.images:
            self._waiting.popleft()[1].unlink(missing_ok=True)

    def finish(self) -> dict[str, Any]:
        """Complete the set but for its manifest, and return its statistics."""
        self._files.close()
        if self._database is not None:
            self._database.finish(text for _, text in read_rows(self._folder / LABELS))
        if self._stale and self._labels is not None:  # the model's settings have changed since the work was begun
            self._words = WordStatistics(self._measure)
            _update(self._words, read_rows(self._folder / LABELS))
        statistics = _counts(self._plan, self._totals) | self._words.summary()
        write_json(self._folder / STATISTICS, statistics)
        return statistics

    def close(self) -> None:
        """Close all files."""
        self._files.close()


def _open_database(folder: Path) -> PatchDatabase:
    try:
        return PatchDatabase(folder)
    except lmdb.Error:
        shutil.rmtree(folder)
        return PatchDatabase(folder)


def _line(*fields: str) -> bytes:
    return format_row(fields).encode(errors="backslashreplace")


def _patches(path: Path, sizes: Sequence[int], skip: int) -> Iterator[memoryview]:
    """Yield the patches in a batch's file but for the first ones."""
    content, start = memoryview(path.read_bytes()), 0
    for number, size in enumerate(sizes):
        if number >= skip:
            yield content[start : start + size]
        start += size


def _update(words: WordStatistics, rows: Iterable[tuple[str, str]]) -> None:
    for name, text in rows:
        words.update(*patch_size(name), text)


def _counts(plan: Plan, totals: Totals) -> dict[str, Any]:
    partly = sum(page.partly for page in plan.pages)
    there = of_which_partly("with_both_files", plan.available, plan.partly)
    return totals.summary(there | of_which_partly("drawn", len(plan.pages), partly), "used")


def _current_statistics(target: Path, measure: Measure) -> dict[str, Any]:
    """Return a finished set's statistics, measured again when the model's settings have changed."""
    _remove_leftovers(target)
    statistics = json.loads((target / STATISTICS).read_bytes())
    words = WordStatistics(measure)
    measured = statistics["measured_against"] == words.summary()["measured_against"]
    if not measured and (target / LABELS).exists():  # copied pages have no table of their words
        _update(words, tqdm(read_rows(target / LABELS), unit="words", dynamic_ncols=True))
        statistics |= words.summary()
        write_json(target / STATISTICS, statistics)
    return statistics


def _remove_leftovers(folder: Path) -> None:
    for leftover in folder.glob(f"*{TEMPORARY_SUFFIX}"):
        leftover.unlink()

"""Making a set of patches (or the evaluation set) so that it can be killed at any moment and run again.

All work goes into a hidden folder beside the set: a plan, a record a page, and the set as far as it is made. When the
last page is done the set gets its labels.csv, statistics and manifest there, and one rename puts it where it belongs.
So a set that is there is whole, one that was there before stays until the new one is ready, and what the result looks
like depends neither on the number of workers nor on how often the work was interrupted.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from train_easyocr.documents.aihub import PageFile, Problem
from train_easyocr.documents.workers import spread
from train_easyocr.files import TEMPORARY_SUFFIX, write_json
from train_easyocr.patches.cropping import patch_size
from train_easyocr.patches.labels_csv import format_row, read_rows, write_rows
from train_easyocr.patches.lmdb_form import write_lmdb
from train_easyocr.patches.page_work import (
    Form,
    PageRecord,
    PageTask,
    do_page,
    patches_path,
    read_record,
    record_path,
)
from train_easyocr.patches.statistics import ModelSettings, WordStatistics

MANIFEST = "manifest.json"
PLAN = "plan.json"
STATISTICS = "statistics.json"
SKIPPED = "skipped.csv"
LABELS = "labels.csv"
LAYOUT = 1
"""Raised when a set is laid out differently, so that older ones are made anew."""


class PrepareError(ValueError):
    """A set can't be made; the message says what to do."""


@dataclass(frozen=True)
class Plan:
    """What is to be made.

    Attributes:
        settings: The settings that decide what the set holds.
        pages: The drawn pages, sorted by name.
        prefixes: What the patches of each page are called.
        problems: What keeps other pages of the split from being used, to be listed with the rest.
        available: Number of pages in the split that have both files.
        form: What is made.
        rgb: Patches in colour instead of grey.
    """

    settings: dict[str, Any]
    pages: Sequence[PageFile]
    prefixes: dict[str, str]
    problems: Sequence[Problem]
    available: int
    form: Form
    rgb: bool

    def manifest(self) -> dict[str, Any]:
        """Return what the set is known by: equal manifests stand for equal sets. Holds no path and no time."""
        digest = hashlib.sha256()
        for problem in self.problems:
            digest.update(f"{problem.name}\0{problem.reason}\0".encode())
        for page in self.pages:
            sizes = f"{page.image.stat().st_size}\0{page.label.stat().st_size}"
            digest.update(f"{page.name}\0{self.prefixes[page.name]}\0{sizes}\0".encode())
        return {
            "layout": LAYOUT,
            "settings": self.settings,
            "available": self.available,
            "files": digest.hexdigest(),
            "pages": [page.name for page in self.pages],
        }


@dataclass(frozen=True)
class Measure:
    """What the words are measured against: settings, and the characters that the model can write."""

    settings: ModelSettings
    known: frozenset[str]


@dataclass
class _Totals:
    """Sums over all pages."""

    pages: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    used: int = 0
    size: int = 0


def work_folder(target: Path) -> Path:
    """Return where a set is made before it is published."""
    return target.with_name(f".{target.name}.work")


def read_manifest(path: Path) -> dict[str, Any] | None:
    """Return the manifest or plan in a file, or None when there is none that this program wrote."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) and {"layout", "settings", "pages"} <= value.keys() else None


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
        PrepareError: The folder holds something that this program did not make.
        OSError: Something can't be written.
    """
    work, old = work_folder(target), target.with_name(f".{target.name}.old")
    if old.exists() and not target.exists():  # killed between the two renames of _publish
        old.rename(target)
    manifest = plan.manifest()
    there = read_manifest(target / MANIFEST)
    if there == manifest:
        _remove(work, old)
        say(f"{target}: nothing to do, it is there with these settings")
        return _current_statistics(target, measure)
    if there is not None:
        say(f"{target}: is made anew: {_difference(there, manifest)}")
    elif target.exists() and any(target.iterdir()):
        raise PrepareError(
            f"{target}: holds files that prepare_dataset.py did not make; give another name with --select_data, "
            "or move them away"
        )
    _begin(work, manifest, say)
    _do_pages(work, plan, workers, say)
    statistics = _finish(work, plan, measure)
    write_json(work / "set" / MANIFEST, manifest)
    _publish(work, target, old)
    return statistics


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
    if before["layout"] != after["layout"]:
        return "it was made by another version of this program"
    return "the pages it is drawn from have changed"


def _begin(work: Path, manifest: dict[str, Any], say: Callable[[str], None]) -> None:
    plan_file = work / PLAN
    begun = read_manifest(plan_file)
    if begun == manifest and (work / "set").is_dir():
        return
    if begun is not None and begun != manifest:
        say(f"{work}: unfinished work is started again: {_difference(begun, manifest)}")
    _remove(work)
    (work / "pages").mkdir(parents=True)
    (work / "set" / "images").mkdir(parents=True)
    write_json(plan_file, manifest)  # last: a folder without it is begun again


def _do_pages(work: Path, plan: Plan, workers: int, say: Callable[[str], None]) -> None:
    done = {path.name for path in (work / "pages").glob("*.json")}
    tasks = [
        PageTask(number, page, plan.prefixes[page.name], work, plan.form, plan.rgb)
        for number, page in enumerate(plan.pages)
        if record_path(work, number).name not in done
    ]
    finished = len(plan.pages) - len(tasks)
    if finished:
        say(f"{finished:,} of {len(plan.pages):,} pages are done already")
    title = str(plan.settings["split"])
    with (
        tqdm(total=len(plan.pages), initial=finished, unit="pages", desc=title, dynamic_ncols=True) as bar,
        closing(spread(do_page, tasks, workers)) as results,
    ):
        words = 0
        for count in results:
            words += count
            bar.set_postfix(words=f"{words:,}", refresh=False)
            bar.update()


def _records(work: Path, plan: Plan) -> Iterator[tuple[int, PageFile, PageRecord]]:
    for number, page in enumerate(plan.pages):
        yield number, page, read_record(record_path(work, number))


def _finish(work: Path, plan: Plan, measure: Measure) -> dict[str, Any]:
    """Put the records of all pages together, in the pages' order."""
    folder = work / "set"
    _remove_leftovers(folder)
    totals = _Totals()
    words = WordStatistics(measure.settings, measure.known)
    _write_skipped(folder / SKIPPED, _skipped_rows(work, plan, totals))
    rows = _rows(work, plan)
    if plan.form == "copy":
        _measure(rows, words)
    else:
        write_rows(folder / LABELS, _measured(rows, words))
    if plan.form == "lmdb":
        shutil.rmtree(folder / "images", ignore_errors=True)
        shutil.rmtree(folder / "lmdb", ignore_errors=True)
        texts = (text for _, text in _rows(work, plan))
        write_lmdb(folder / "lmdb", lambda: _patches(work, plan), lambda: texts, totals.rows, totals.size)
    statistics = _counts(plan, totals) | words.summary()
    write_json(folder / STATISTICS, statistics)
    return statistics


def _rows(work: Path, plan: Plan) -> Iterator[tuple[str, str]]:
    for _, _, record in _records(work, plan):
        yield from record.rows


def _measured(rows: Iterable[tuple[str, str]], words: WordStatistics) -> Iterator[tuple[str, str]]:
    for name, text in rows:
        words.update(*patch_size(name), text)
        yield name, text


def _measure(rows: Iterable[tuple[str, str]], words: WordStatistics) -> None:
    for name, text in rows:
        words.update(*patch_size(name), text)


def _patches(work: Path, plan: Plan) -> Iterator[bytes]:
    for number, _, record in _records(work, plan):
        if not record.sizes:
            continue
        with patches_path(work, number).open("rb") as file:
            for size in record.sizes:
                yield file.read(size)


def _skipped_rows(work: Path, plan: Plan, totals: _Totals) -> Iterator[tuple[str, ...]]:
    """Yield the rows of skipped.csv, adding everything up on the way."""
    for problem in plan.problems:
        totals.pages[problem.reason] += 1
        yield problem.name, "", "", "", problem.reason, ""
    for _, page, record in _records(work, plan):
        totals.rows += len(record.rows)
        totals.size += sum(record.sizes) + sum(len(text.encode()) for _, text in record.rows)
        totals.warnings.update(record.warnings)
        if record.reason:
            totals.pages[record.reason] += 1
            yield page.name, "", "", "", record.reason, record.detail
        else:
            totals.used += 1
        for identity, box, text, reason in record.skipped:
            totals.words[reason] += 1
            yield page.name, identity, " ".join(map(str, box)), text, reason, ""


def _write_skipped(path: Path, rows: Iterable[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        file.write(format_row(("page", "id", "box", "text", "reason", "detail")))
        file.writelines(format_row(row) for row in rows)


def _counts(plan: Plan, totals: _Totals) -> dict[str, Any]:
    skipped = sum(totals.words.values())
    return {
        "pages": {
            "with_both_files": plan.available,
            "drawn": len(plan.pages),
            "used": totals.used,
            "skipped": dict(sorted(totals.pages.items())),
        },
        "words": {
            "labelled": totals.rows + skipped,
            "used": totals.rows,
            "skipped": dict(sorted(totals.words.items())),
        },
        "warnings": dict(sorted(totals.warnings.items())),
    }


def _current_statistics(target: Path, measure: Measure) -> dict[str, Any]:
    """Return a finished set's statistics, measured again when the model's settings have changed."""
    _remove_leftovers(target)
    statistics = json.loads((target / STATISTICS).read_bytes())
    words = WordStatistics(measure.settings, measure.known)
    if statistics["measured_against"] != words.summary()["measured_against"]:
        _measure(tqdm(read_rows(target / LABELS), unit="words", dynamic_ncols=True), words)
        statistics |= words.summary()
        write_json(target / STATISTICS, statistics)
    return statistics


def _publish(work: Path, target: Path, old: Path) -> None:
    _remove(old)
    if target.exists():
        target.rename(old)
    (work / "set").rename(target)
    _remove(work, old)


def _remove(*folders: Path) -> None:
    for folder in folders:
        if folder.exists():
            (folder / PLAN).unlink(missing_ok=True)  # first: what is half removed must not be gone on with
            shutil.rmtree(folder)


def _remove_leftovers(folder: Path) -> None:
    for leftover in folder.glob(f"*{TEMPORARY_SUFFIX}"):
        leftover.unlink()

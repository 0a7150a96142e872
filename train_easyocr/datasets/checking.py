"""`--check`: read all archives and pages, write nothing, and say what is wrong before anyone waits for hours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from tqdm import tqdm

from train_easyocr.common.workers import spread
from train_easyocr.datasets.batch_records import PreparedPage, Totals, skipped_rows
from train_easyocr.datasets.coverage import Finder, describe_coverage, measure_coverage, warnings_of
from train_easyocr.datasets.cropping import Cutting
from train_easyocr.datasets.left_out import LeftOut
from train_easyocr.datasets.page_work import DAMAGED, PageError, read_and_cut
from train_easyocr.datasets.stages import (
    GIB,
    Preparation,
    report_others,
    report_turned,
    show_problems,
    warn_of_unused,
)
from train_easyocr.datasets.statistics import Measure, WordStatistics, none_trainable, of_which_partly, render
from train_easyocr.datasets.turned_pages import Vote
from train_easyocr.documents.aihub import (
    MALFORMED_LABEL,
    MAX_LABEL_BYTES,
    UNREADABLE_IMAGE,
    Problem,
)
from train_easyocr.documents.archives import Listing, Member, MemberProblem, free_bytes, missing_bytes
from train_easyocr.documents.download import (
    UNZIPPED,
    find_unzipped_pages,
    group_files,
    list_download,
    page_source,
)
from train_easyocr.documents.images import MAX_IMAGE_BYTES
from train_easyocr.documents.sources import PageSource, Source, SourceError

SHOWN_PAGES = 10
POOL = "pool"
"""Stands for a split where all sets are drawn from one folder."""


@dataclass(frozen=True, slots=True)
class CheckTask:
    """A page to check: its name and where its files are; one of them can be missing. And whether all is labelled."""

    name: str
    image: Source | None
    label: Source | None
    partly: bool = False


@dataclass(frozen=True, slots=True)
class Checked:
    """What a page would give.

    Attributes:
        name: The page's name.
        totals: Its words, and whether it can be used.
        words: What its words' `WordStatistics.part` returns.
        skipped: What it leaves out, as rows of skipped.csv.
        fault: Why it can't be used, where its archives are not to blame.
        damaged: Which of its archives' members are.
    """

    name: str
    totals: Totals
    words: dict[str, Any]
    skipped: tuple[tuple[str, ...], ...]
    fault: str
    damaged: tuple[MemberProblem, ...]


def check(
    job: Preparation, splits: Sequence[str], open_finder: Callable[[], Finder], open_vote: Callable[[], Vote]
) -> bool:
    """Read the archives' members, or unzipped/ where there are no archives, and report what is wrong.

    Args:
        job: What the command line asks for.
        splits: `training`, `validation` or both; of no account for a pool.
        open_finder: Opens what finds the words of a page, to tell how many have no label.
        open_vote: Opens what tells which way up a page lies.

    Returns:
        Whether a run over these splits would end without an error.

    Raises:
        UserError: There is nothing to check.
    """
    if job.pool:
        pages = _tasks_of_pages(job.pool.sources(), job.pool.problems)
        return _check_split(job, POOL, *pages, open_finder=open_finder, open_vote=open_vote)
    listing = list_download(job.download, splits)
    if not listing.by_target and (job.output / UNZIPPED).is_dir():
        listing = Listing()
        folders = {split: job.output / UNZIPPED / split for split in splits}
        found = {split: _tasks_of_pages(*find_unzipped_pages(folder)) for split, folder in folders.items()}
    else:
        report_others(job, splits, listing)
        _report_listing(job, listing)
        found = {split: _tasks_of_listing(listing, split) for split in splits}
    sound = not listing.unreadable
    for split, (tasks, problems) in found.items():
        sound &= _check_split(job, split, tasks, problems, open_finder=open_finder, open_vote=open_vote)
    warn_of_unused(job, [listing])
    return sound


def _report_listing(job: Preparation, listing: Listing) -> None:
    for line in listing.unreadable:
        job.warn(f"error: {line}")
    show_problems(job, listing.problems, None)
    folder = job.output / UNZIPPED
    missing, free = missing_bytes(listing.members, folder), free_bytes(folder)
    job.say(
        f"{len(listing.by_target):,} images and label files in the archives and beside them, "
        f"{listing.others.counts.total():,} other files, {listing.repeated:,} files more than once; "
        f"unpacking would write {missing / GIB:.2f} GiB, {free / GIB:.1f} GiB are free"
    )


def _tasks_of_listing(listing: Listing, split: str) -> tuple[list[CheckTask], list[Problem]]:
    images, labels, problems = group_files(listing, split)
    tasks = []
    for name in sorted(images.keys() | labels.keys()):
        image, label = images.get(name, [None])[0], labels.get(name, [None])[0]
        partly = image is not None and label is not None and page_source(listing, split, name, image, label).partly
        tasks.append(CheckTask(name, image, label, partly))
    return tasks, problems


def _tasks_of_pages(pages: Iterable[PageSource], problems: list[Problem]) -> tuple[list[CheckTask], list[Problem]]:
    return [CheckTask(page.name, page.image, page.label, page.partly) for page in pages], problems


def check_page(task: CheckTask, measure: Measure, cutting: Cutting) -> Checked:
    """Read a page's files, both even if one is damaged, and see what the page would give.

    Args:
        task: The page.
        measure: What its words are measured against.
        cutting: How words are to become patches.
    """
    errors: list[PageError] = []
    damaged: list[MemberProblem] = []
    label = _read(task.label, MAX_LABEL_BYTES, MALFORMED_LABEL, errors, damaged)
    image = _read(task.image, MAX_IMAGE_BYTES, UNREADABLE_IMAGE, errors, damaged)
    totals, words, fault = Totals(), WordStatistics(measure), ""
    record = PreparedPage(task.name, partly=task.partly)
    try:
        if errors:
            raise errors[0]
        if image is not None and label is not None:
            record.cut, _ = read_and_cut(image, label, cutting)
            totals.count(record)
            for box, text in zip(record.cut.boxes, record.cut.texts, strict=True):
                words.update(box.width, box.height, text)
    except PageError as error:
        record = PreparedPage(task.name, reason=error.reason, detail=error.detail)
        totals.count(record)
        fault = "" if damaged else f"{task.name!r}: {error}"
    return Checked(task.name, totals, words.part(), tuple(skipped_rows(record)), fault, tuple(damaged))


def _read(
    source: Source | None, limit: int, reason: str, errors: list[PageError], damaged: list[MemberProblem]
) -> bytes | None:
    try:
        return None if source is None else source.read(limit)
    except SourceError as error:
        if isinstance(source, Member):
            damaged.append(MemberProblem(source.archive.name, source.name, str(error)))
        errors.append(PageError(DAMAGED if error.damaged else reason, str(error)))
        return None


def _check_split(
    job: Preparation,
    split: str,
    tasks: Sequence[CheckTask],
    problems: Sequence[Problem],
    *,
    open_finder: Callable[[], Finder],
    open_vote: Callable[[], Vote],
) -> bool:
    words, totals = WordStatistics(job.measure), Totals(Counter(problem.reason for problem in problems))
    shown = [f"{problem.name!r}: {problem}" for problem in problems[:SHOWN_PAGES]]
    damaged: list[MemberProblem] = []
    left_out = LeftOut()
    for problem in problems:
        left_out.add((problem.name, "", "", "", problem.reason, problem.detail))
    common = (job.measure, Cutting(unify=job.config.unify_variants))
    with (
        tqdm(total=len(tasks), unit="pages", desc=f"check {split}", dynamic_ncols=True) as bar,
        closing(spread(check_page, tasks, job.workers, common, name=attrgetter("name"))) as results,
    ):
        for checked in results:
            totals.add(checked.totals)
            words.add(checked.words)
            damaged += checked.damaged
            for row in checked.skipped:
                left_out.add(row)
            if checked.fault and len(shown) < SHOWN_PAGES:
                shown.append(checked.fault)
            bar.update()
    show_problems(job, sorted(damaged, key=lambda problem: (problem.archive, problem.member)), None)
    for line in shown:
        job.say(line)
    pages = [PageSource(task.name, task.image, task.label, task.partly) for task in tasks if task.image and task.label]
    there = of_which_partly("with_both_files", len(pages), sum(page.partly for page in pages))
    statistics = totals.summary(there, "usable") | words.summary()
    job.say("\n" + render(f"check: {split}", statistics))
    for line in left_out.lines():
        job.say(f"left out: {line}")
    _report_coverage(job, pages, open_finder)
    report_turned(job, pages, open_vote)
    usable = totals.used - (0 if split == "training" else totals.partly_used)
    return _say_enough(job, split, usable) & _say_trainable(job, split, statistics)


def _say_trainable(job: Preparation, split: str, statistics: dict[str, Any]) -> bool:
    """Say it where not one word can be used, or trained on; return whether one can."""
    words, trainable = statistics["words"]["usable"], not job.config.data_filtering_off
    fault = none_trainable(statistics, words) * trainable if words else "not one word can be used"
    if fault:
        job.warn(f"error: {split}: {fault}")
    return not fault


def _report_coverage(job: Preparation, pages: Sequence[PageSource], open_finder: Callable[[], Finder]) -> None:
    """Say how many of the words that a detector finds have no label."""
    measured = measure_coverage(pages, open_finder)
    if measured:
        job.say("\n" + describe_coverage(measured))
    for line in warnings_of(measured, own=job.pool is not None):
        job.warn(f"warning: {line}")


def _say_enough(job: Preparation, split: str, usable: int) -> bool:
    """Compare what is there with what the configuration asks for; return whether there is enough to go on."""
    config = job.config
    needed = {"training": 1, "validation": 2, POOL: 3}[split]
    if split == POOL:
        asked = config.train_images + config.val_images + config.eval_images
        how = "train_images, val_images and eval_images"
    elif split == "training":
        asked, how = config.train_images, f"train_images={config.train_images}"
    else:
        asked = config.val_images + config.eval_images
        how = f"val_images={config.val_images} and eval_images={config.eval_images}"
    if usable < needed:
        job.warn(f"error: {split}: {usable} usable pages, at least {needed} needed")
    elif usable < asked:
        job.say(f"{split}: {how} ask for {asked:,} pages, {usable:,} are usable: all will be used")
    return usable >= needed

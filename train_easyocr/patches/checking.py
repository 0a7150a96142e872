"""`--check`: read all archives and pages, write nothing, and say what is wrong before anyone waits for hours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from train_easyocr.documents.aihub import (
    MAX_LABEL_BYTES,
    Problem,
    find_pages,
    pages_by_name,
    pairing_problems,
)
from train_easyocr.documents.archives import (
    Listing,
    Member,
    MemberProblem,
    find_archives,
    free_bytes,
    list_archives,
    members_by_kind,
    missing_bytes,
)
from train_easyocr.documents.images import MAX_IMAGE_BYTES
from train_easyocr.documents.sources import FileSource, Source, SourceError
from train_easyocr.documents.workers import spread
from train_easyocr.patches.cropping import patch_size
from train_easyocr.patches.page_work import (
    DAMAGED,
    MALFORMED_LABEL,
    UNREADABLE_IMAGE,
    PageError,
    PageRecord,
    as_record,
    read_and_cut,
)
from train_easyocr.patches.prepared_set import PrepareError
from train_easyocr.patches.stages import GIB, UNZIPPED, Job, show_problems
from train_easyocr.patches.statistics import WordStatistics, render

SHOWN_PAGES = 10


@dataclass(frozen=True, slots=True)
class CheckTask:
    """A page to check: its name and where its files are; one of them can be missing."""

    name: str
    image: Source | None
    label: Source | None


@dataclass(frozen=True, slots=True)
class Checked:
    """What a page would give, and which of its archives' members are damaged."""

    task: CheckTask
    record: PageRecord
    damaged: tuple[MemberProblem, ...]


def check(job: Job, splits: Sequence[str]) -> bool:
    """Read the archives' members, or unzipped/ where there are no archives, and report what is wrong.

    Args:
        job: What the command line asks for.
        splits: `training`, `validation` or both.

    Returns:
        Whether a run over these splits would end without an error.

    Raises:
        PrepareError: There is nothing to check.
    """
    archives = {split: paths for split, paths in find_archives(job.download).items() if split in splits}
    if any(archives.values()):
        listing = list_archives(archives)
        _report_listing(job, listing)
        found = {split: _tasks_of_archives(listing, split) for split in splits}
    elif (job.output / UNZIPPED).is_dir():
        listing = Listing()
        found = {split: _tasks_of_folder(job.output / UNZIPPED / split) for split in splits}
    else:
        raise PrepareError(
            f"{job.download}: neither archives in Training/ or Validation/ nor unzipped/ in {job.output}; "
            "--dataset is the folder that holds Training/ and Validation/"
        )
    sound = not listing.unreadable
    for split, (tasks, problems) in found.items():
        sound &= _check_split(job, split, tasks, problems)
    return sound


def _report_listing(job: Job, listing: Listing) -> None:
    for line in listing.unreadable:
        job.warn(f"error: {line}")
    show_problems(job, listing.problems, None)
    folder = job.output / UNZIPPED
    missing, free = missing_bytes(listing.members, folder), free_bytes(folder)
    job.say(
        f"{len(listing.members):,} images and label files in the archives, {listing.others:,} other files; "
        f"unpacking would write {missing / GIB:.2f} GiB, {free / GIB:.1f} GiB are free"
    )


def _tasks_of_archives(listing: Listing, split: str) -> tuple[list[CheckTask], list[Problem]]:
    images, labels = (pages_by_name(files) for files in members_by_kind(listing, split))
    tasks = [
        CheckTask(name, images.get(name, [None])[0], labels.get(name, [None])[0])
        for name in sorted(images.keys() | labels.keys())
    ]
    return tasks, pairing_problems(images, labels)


def _tasks_of_folder(folder: Path) -> tuple[list[CheckTask], list[Problem]]:
    pages, problems = find_pages(folder)
    return [CheckTask(page.name, FileSource(page.image), FileSource(page.label)) for page in pages], problems


def check_page(task: CheckTask) -> Checked:
    """Read a page's files, both even if one is damaged, and see what the page would give."""
    errors: list[PageError] = []
    damaged: list[MemberProblem] = []
    label = _read(task.label, MAX_LABEL_BYTES, MALFORMED_LABEL, errors, damaged)
    image = _read(task.image, MAX_IMAGE_BYTES, UNREADABLE_IMAGE, errors, damaged)
    record = PageRecord()
    try:
        if errors:
            raise errors[0]
        if image is not None and label is not None:
            record = as_record(read_and_cut(image, label)[0], "")
    except PageError as error:
        record = PageRecord(reason=error.reason, detail=error.detail)
    return Checked(task, record, tuple(damaged))


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


def _check_split(job: Job, split: str, tasks: Sequence[CheckTask], problems: Sequence[Problem]) -> bool:
    measure = job.measure
    words = WordStatistics(measure.settings, measure.known)
    counts = _Counts(Counter(problem.reason for problem in problems), Counter(), Counter())
    shown = [f"{problem.name!r}: {problem.reason}" for problem in problems[:SHOWN_PAGES]]
    damaged: list[MemberProblem] = []
    with (
        tqdm(total=len(tasks), unit="pages", desc=f"check {split}", dynamic_ncols=True) as bar,
        closing(spread(check_page, tasks, job.workers)) as results,
    ):
        for checked in results:
            counts.add(checked)
            damaged += checked.damaged
            for name, text in checked.record.rows:
                words.update(*patch_size(name), text)
            if checked.record.reason and not checked.damaged and len(shown) < SHOWN_PAGES:
                shown.append(f"{checked.task.name!r}: {checked.record.reason}: {checked.record.detail}")
            bar.update()
    show_problems(job, sorted(damaged, key=lambda problem: (problem.archive, problem.member)), None)
    for line in shown:
        job.say(line)
    job.say("\n" + render(f"check: {split}", counts.statistics(tasks) | words.summary()))
    return _say_enough(job, split, counts.used)


@dataclass
class _Counts:
    pages: Counter[str]
    words: Counter[str]
    warnings: Counter[str]
    used: int = 0
    rows: int = 0

    def add(self, checked: Checked) -> None:
        record = checked.record
        both = checked.task.image is not None and checked.task.label is not None
        self.pages[record.reason] += bool(record.reason)
        self.used += both and not record.reason
        self.rows += len(record.rows)
        self.words.update(reason for *_, reason in record.skipped)
        self.warnings.update(record.warnings)

    def statistics(self, tasks: Sequence[CheckTask]) -> dict[str, Any]:
        both = sum(task.image is not None and task.label is not None for task in tasks)
        return {
            "pages": {"with_both_files": both, "usable": self.used, "skipped": dict(sorted((+self.pages).items()))},
            "words": {
                "labelled": self.rows + sum(self.words.values()),
                "usable": self.rows,
                "skipped": dict(sorted(self.words.items())),
            },
            "warnings": dict(sorted(self.warnings.items())),
        }


def _say_enough(job: Job, split: str, usable: int) -> bool:
    """Compare what is there with what the configuration asks for; return whether there is enough to go on."""
    config = job.config
    needed = 1 if split == "training" else 2
    if split == "training":
        asked, how = config.train_images, f"train_images={config.train_images}"
    else:
        asked = config.val_images + config.eval_images
        how = f"val_images={config.val_images} and eval_images={config.eval_images}"
    if usable < needed:
        job.warn(f"error: {split}: {usable} usable pages, at least {needed} needed")
    elif usable < asked:
        job.say(f"{split}: {how} ask for {asked:,} pages, {usable:,} are usable: all will be used")
    return usable >= needed

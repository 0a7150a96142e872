"""The stages of step 2 over a download: unpacking, patches for training and validation, the evaluation set."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import Any

from tqdm import tqdm

from train_easyocr.common.errors import UserError
from train_easyocr.common.files import remove_leftovers, write_bytes, write_text
from train_easyocr.common.publishing import PLAN, work_folder
from train_easyocr.common.text import VARIANTS_SUM, format_table
from train_easyocr.common.workers import spread
from train_easyocr.datasets.cropping import Cutting, prefixes
from train_easyocr.datasets.labels_csv import format_row
from train_easyocr.datasets.left_out import LeftOut
from train_easyocr.datasets.own_pages import write_own_pages
from train_easyocr.datasets.page_work import SetForm
from train_easyocr.datasets.prepared_set import MANIFEST, SKIPPED, Plan, prepare_set, read_manifest
from train_easyocr.datasets.statistics import Measure, ModelSettings, none_trainable, render
from train_easyocr.datasets.turned_pages import Vote, find_turned
from train_easyocr.documents.aihub import MAX_LABEL_BYTES, PARTLY_LIST, Problem
from train_easyocr.documents.archives import (
    Listing,
    LooseFile,
    Member,
    MemberProblem,
    extract_members,
    free_bytes,
    in_chunks,
    missing_bytes,
)
from train_easyocr.documents.download import (
    SPLIT_FOLDERS,
    UNFINISHED,
    UNZIPPED,
    downloads_below,
    find_listed_pages,
    find_unzipped,
    find_unzipped_pages,
    list_download,
)
from train_easyocr.documents.images import MAX_IMAGE_BYTES
from train_easyocr.documents.label_formats import ConvertedLabel, LabelledPages
from train_easyocr.documents.page_sums import page_sum, read_page_sums
from train_easyocr.documents.sources import PageSource, SourceError
from train_easyocr.documents.splits import draw_pool, draw_training, draw_validation
from train_easyocr.settings.parts import PreparationSettings, WordSettings

EVALUATION_SET = "evaluation_set"
UNLABELED = "training_and_validation_set/unlabeled"
"""Holds for each `select_data` the words of pages that nobody labelled."""
FOUND_BOXES = "found_boxes"
"""Holds for each `select_data` such pages with label files for a detector's training."""
PARTLY_FOLDER = "partly_labelled_pages"
"""Holds for each `select_data` a list of the training pages that are only partly labelled, a name a line."""
GIB = 2**30
SHOWN_PROBLEMS = 10
FEW_PAGES = 500
"""Read in a second or two, as long as a process takes to start."""


@dataclass(frozen=True)
class Preparation:
    """What the command line asks for.

    Attributes:
        download: The folder that holds Training/ and Validation/.
        output: The folder that everything is written below.
        config: The settings of step 2.
        select_data: The name of the sets of patches.
        form: `png` or `lmdb`.
        workers: Processes.
        say: Takes a line for the user.
        warn: Takes a line about something that is wrong.
        pool: The pages of a folder that all sets are drawn from; None takes those of the download.
        purposes: What sets are made in this run: for training, validation, evaluation, in this order.
        listings: What a split of the download holds, or what was unpacked of both, once it has been read.
    """

    download: Path
    output: Path
    config: PreparationSettings
    select_data: str
    form: SetForm
    workers: int
    say: Callable[[str], None]
    warn: Callable[[str], None]
    pool: LabelledPages | None = None
    purposes: tuple[str, ...] = ()
    listings: dict[str, Listing] = field(default_factory=dict)

    def patches(self, split: str) -> Path:
        """The folder of a split's set of patches, where the trainer looks for it."""
        return self._sets(split) / self.select_data

    @cached_property
    def sums(self) -> dict[str, str]:
        """The sums of the pool's images, by the pages' names."""
        pages = self.pool.sources() if self.pool else []
        workers = self.workers if len(pages) > FEW_PAGES else 1
        bar = tqdm(total=len(pages), unit="pages", desc="images", dynamic_ncols=True, leave=False)
        with bar, closing(spread(_sum_of, pages, workers, name=attrgetter("name"))) as results:
            found = {}
            for name, content in results:
                found[name] = content
                bar.update()
        return found

    @cached_property
    def division(self) -> dict[str, list[str]]:
        """The names of the pool's pages by purpose; raises ValueError (see `draw_pool`)."""
        config = self.config
        counts = {"evaluation": config.eval_images, "validation": config.val_images, "training": config.train_images}
        fully = {page.name: self.sums[page.name] for page in self.pool.pages} if self.pool else {}
        drawn = draw_pool(fully, counts, config.seed, _drawn_before(self))
        # A page that is there twice, once labelled in part, is not trained on where it is measured on.
        measured = {self.sums[name] for purpose in ("evaluation", "validation") for name in drawn[purpose]}
        partly = [name for name in self.sums.keys() - fully.keys() if self.sums[name] not in measured]
        drawn["training"] += draw_training(partly, config.train_images - len(drawn["training"]), config.seed)
        drawn["training"].sort()
        return drawn

    def _sets(self, split: str) -> Path:
        return self.output / (self.config.train_data if split == "training" else self.config.val_data)

    def other_draws(self, purpose: str) -> list[Path]:
        """The sets whose pages a draw may not meet: validation patches for `evaluation`, and the other way round.

        And those for training, where all come out of one pool. A set that this run has yet to draw does not count.
        """
        splits = ("training", "validation") if self.pool else ("validation",)
        folders = [folder for split in splits if split != purpose for folder in _sets_in(self._sets(split))]
        if purpose != "evaluation":
            folders.append(self.output / EVALUATION_SET)
        later = {self.patches("validation")} if "validation" in self.purposes and purpose == "training" else set()
        later |= {self.output / EVALUATION_SET} if "evaluation" in self.purposes else set()
        return [folder for folder in folders if folder not in later]

    @cached_property
    def measure(self) -> Measure:
        """What the words are measured against."""
        # Here, not at the top: worker processes import this module and need no character tables.
        from train_easyocr.weights.characters import CharacterSet  # noqa: PLC0415

        config = self.config
        settings = ModelSettings(config.character, config.sensitive, config.batch_max_length, config.img_height)
        return Measure(settings, frozenset(CharacterSet.from_setting(config.character).characters))


def _sum_of(page: PageSource) -> tuple[str, str]:
    try:
        content = page.image.read(MAX_IMAGE_BYTES)
    except SourceError:
        content = page.name.encode(errors="surrogateescape")  # to be counted with the set that it falls to
    return page.name, page_sum(content)


def _sets_in(folder: Path) -> list[Path]:
    """The sets of patches in a folder, those that are not finished among them."""
    if not folder.is_dir():
        return []
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    names |= {path.name[1 : -len(".work")] for path in folder.glob(".*.work")}
    return [folder / name for name in sorted(names)]


def unzip(job: Preparation) -> None:
    """Unpack all archives into `<output>/unzipped/`, and put there what lies beside them.

    Raises:
        UserError: There are no archives, or not enough space for what is in them.
        OSError: Something can't be written.
    """
    listing = job.listings[UNZIPPED] = list_splits(job, tuple(SPLIT_FOLDERS))
    for line in listing.unreadable:
        job.warn(f"error: {line}")
    folder = job.output / UNZIPPED
    needed, free = missing_bytes(listing.members, folder), free_bytes(folder)
    if needed > free:
        raise UserError(
            f"{folder}: unpacking needs {needed / GIB:.1f} GiB and {free / GIB:.1f} GiB are free; "
            "give a folder on a larger disk with --output"
        )
    remove_leftovers(folder)
    if needed:
        write_text(folder / UNFINISHED, "")
    written, present, problems = 0, 0, list(listing.problems)
    total = sum(member.unpacked for member in listing.members)
    with (
        tqdm(total=total, unit="B", unit_scale=True, desc="unzip", dynamic_ncols=True) as bar,
        closing(
            spread(extract_members, in_chunks(listing.members, folder), job.workers, name=_first_member)
        ) as results,
    ):
        for result in results:
            written += result.written
            present += result.present
            problems += result.problems
            bar.update(result.size)
    for split in SPLIT_FOLDERS:
        pages, _ = find_listed_pages(listing, split)
        _write_names(folder / split / PARTLY_LIST, [page.name for page in pages if page.partly])
    (folder / UNFINISHED).unlink(missing_ok=True)
    _report_unzipped(job, listing, problems, written, present)


def _first_member(task: tuple[Path, tuple[Member | LooseFile, ...]]) -> str:
    return f"{task[1][0].archive}: {task[1][0].name}"


def _write_names(path: Path, names: Sequence[str]) -> None:
    """Write names, a line each, or no file where there are none."""
    if names:
        write_text(path, "".join(f"{name}\n" for name in names))
    else:
        path.unlink(missing_ok=True)


def list_splits(job: Preparation, splits: Sequence[str]) -> Listing:
    """List what is in the download, and name what is not read.

    Raises:
        UserError: There is no archive, image or label file.
    """
    listing = list_download(job.download, splits)
    report_others(job, splits, listing)
    return listing


def report_others(job: Preparation, splits: Sequence[str], listing: Listing) -> None:
    """Name the files that are not read.

    Raises:
        UserError: There is no archive, image or label file.
    """
    rows = listing.others.rows()
    if rows:
        job.say("\n" + format_table(("neither image nor label file", "files", "for example"), rows))
    if not (listing.by_target or listing.problems):
        raise UserError(_nothing_there(job, splits, listing.unreadable))


def _nothing_there(job: Preparation, splits: Sequence[str], unreadable: Sequence[str]) -> str:
    folders = " or ".join(f"{SPLIT_FOLDERS[split]}/" for split in splits)
    if unreadable:
        return "\n".join([f"{job.download}: nothing for {folders} that can be read where or as it is", *unreadable])
    several = downloads_below(job.download)
    advice = f"; it can be one of {', '.join(map(str, several[:3]))}" if len(several) > 1 else ""
    return (
        f"{job.download}: no .zip files in {folders}, no images with label files either, and nothing that --unzip has "
        f"finished in {job.output / UNZIPPED}; --dataset is the folder that holds Training/ and Validation/{advice}"
    )


def list_split(job: Preparation, split: str) -> Listing:
    """List what is in a split, once in a run, and report what is wrong with it.

    Raises:
        UserError: There is nothing.
        OSError: The list of members that are left out can't be written.
    """
    if split not in job.listings:
        listing = job.listings[split] = list_splits(job, (split,))
        for line in listing.unreadable:
            job.warn(f"error: {line}")
        _report_problems(job, listing.problems, job.output / f"archives_{split}_skipped.csv")
    return job.listings[split]


def warn_of_unused(job: Preparation, listings: Iterable[Listing]) -> None:
    """Name the archives that nothing was taken from, at the end, where it is seen."""
    lines = [line for listing in listings for line in listing.unreadable]
    if lines:
        job.warn(f"\n{len(lines)} archives were not used, what is said above is without them; exit status 1:")
    for line in lines:
        job.warn(f"  {line}")


def _report_problems(job: Preparation, problems: list[MemberProblem], path: Path) -> None:
    """Write a list of the members that are left out, if there are any, and name the first."""
    problems.sort(key=lambda problem: (problem.archive, problem.member, problem.reason))
    if problems:
        rows = [("archive", "member", "reason"), *((p.archive, p.member, p.reason) for p in problems)]
        # An archive's own name can hold bytes that are not UTF-8.
        write_bytes(path, "".join(format_row(row) for row in rows).encode(errors="backslashreplace"))
    else:
        path.unlink(missing_ok=True)
    show_problems(job, problems, path)


def _report_unzipped(
    job: Preparation, listing: Listing, problems: list[MemberProblem], written: int, present: int
) -> None:
    _report_problems(job, problems, job.output / UNZIPPED / "skipped.csv")
    counts = [
        ("images and label files written", written),
        ("there already, whole", present),
        ("more than once in the download, equal", listing.repeated),
        ("neither image nor label file", listing.others.counts.total()),
        ("refused, damaged or contradicting", len(problems)),
        ("archives that can't be read", len(listing.unreadable)),
    ]
    job.say("\n" + format_table(("unzip", "files"), counts))


def show_problems(job: Preparation, problems: Sequence[MemberProblem], path: Path | None) -> None:
    """Name the first problems; `path` holds them all."""
    for problem in problems[:SHOWN_PROBLEMS]:
        job.warn(f"{problem.archive}: {problem.member!r}: {problem.reason}")  # !r: a hostile name can steer a terminal
    if len(problems) > SHOWN_PROBLEMS:
        job.warn(f"... and {len(problems) - SHOWN_PROBLEMS:,} more" + (f", in {path}" if path else ""))


def make_patches(job: Preparation, split: str) -> Sequence[PageSource]:
    """Draw a split's pages and make their patches.

    Args:
        job: What the command line asks for.
        split: `training` or `validation`.

    Returns:
        The pages, where the set was made now; none where it was there already.

    Raises:
        UserError: There are no pages, or the draw meets an evaluation set that was drawn otherwise.
        OSError: Something can't be written.
    """
    pages, problems = _find_split(job, split)
    config = job.config
    asked = config.train_images if split == "training" else config.val_images
    settings = {"split": split, "seed": config.seed, "images": asked, "format": job.form, "rgb": config.rgb}
    if config.unify_variants:
        settings["unify_variants"] = VARIANTS_SUM  # a set made under other rules is made anew
    drawn = _draw(job, pages, split)
    if split == "validation" or job.pool:
        _refuse_overlap(job, split, drawn)
    _say_fewer(job, split, asked, len(drawn), _available(pages, split))
    _keep_partly(job, pages, split, drawn)
    plan = _plan(
        job,
        (pages, problems),
        drawn,
        settings | {"select_data": job.select_data},
        form=job.form,
        cutting=_cutting(config),
    )
    return _prepare(job, f"{split} ({job.select_data})", job.patches(split), plan)


def make_evaluation(job: Preparation) -> Sequence[PageSource]:
    """Draw the pages of the evaluation set out of validation and copy them.

    Returns:
        The pages, where the set was made now; none where it was there already.

    Raises:
        UserError: There are too few pages, or the draw meets validation patches that were drawn otherwise.
        OSError: Something can't be written.
    """
    pages, problems = _find_split(job, "validation")
    config = job.config
    drawn = _draw(job, pages, "evaluation")
    _refuse_overlap(job, "evaluation", drawn)
    _say_fewer(job, "evaluation", config.eval_images, len(drawn), _available(pages, "evaluation"))
    settings = {"split": "evaluation", "seed": config.seed, "images": config.eval_images}
    plan = _plan(job, (pages, problems), drawn, settings | asdict(job.measure.settings), form="copy")
    return _prepare(job, "evaluation", job.output / EVALUATION_SET, plan)


def keep_own_pages(job: Preparation) -> None:
    """Write down which pages of a pool the detector is to be trained on, once both sets are drawn from it.

    Raises:
        OSError: That can't be written.
    """
    manifests = {split: read_manifest(job.patches(split) / MANIFEST) for split in ("training", "validation")}
    if job.pool is None:
        return
    partly = {page.name for page in job.pool.partly}
    drawn = {
        split: [name for name in manifest["pages"] if name not in partly]
        for split, manifest in manifests.items()
        if manifest is not None
    }
    if len(drawn) < len(manifests):
        return
    names = {page.name for page in job.pool.pages}
    if all(names.issuperset(pages) for pages in drawn.values()):
        file = write_own_pages(job.output, job.select_data, job.pool.folder, job.pool.form, drawn)
        job.say(f"\n{file}: step 3 trains the detector on these pages, too (output={job.output})")


def _find_split(job: Preparation, split: str) -> tuple[list[PageSource], list[Problem]]:
    """Return a split's pages: the pool's, or those in unzipped/, or in the archives where nothing is unzipped."""
    if job.pool:
        return job.pool.sources(), job.pool.problems
    folder = find_unzipped(job.output, split)
    if folder is not None:
        pages, problems = find_unzipped_pages(folder)
        where, advice = f"{folder}", "; add --unzip"
    else:
        pages, problems = find_listed_pages(list_split(job, split), split)
        where, advice = f"{job.download / SPLIT_FOLDERS[split]}", ""
    if not pages:
        reasons = f"; {len(problems):,} files have no partner, {problems[0].name!r} first" if problems else ""
        raise UserError(f"{where}: no page has both an image and a label file{reasons}{advice}")
    if split == "validation" and (fully := sum(not page.partly for page in pages)) < 2:
        raise UserError(
            f"{where}: {fully} page{' that is fully labelled' * (fully < len(pages))} can't be shared between "
            "validation and evaluation; both need one"
        )
    return pages, problems


def _draw(job: Preparation, pages: Sequence[PageSource], purpose: str) -> list[str]:
    """Draw the pages for training, validation or evaluation.

    Raises:
        UserError: A pool has too few.
    """
    names, config = [page.name for page in pages if not page.partly], job.config
    if job.pool:
        try:
            return job.division[purpose]
        except ValueError as error:
            raise UserError(f"{job.pool.folder}: {error}") from None
    if purpose == "training":
        fully = draw_training(names, config.train_images, config.seed)
        partly = [page.name for page in pages if page.partly]
        return sorted(fully + draw_training(partly, config.train_images - len(fully), config.seed))
    validation, evaluation = draw_validation(names, config.val_images, config.eval_images, config.seed)
    return validation if purpose == "validation" else evaluation


def _available(pages: Sequence[PageSource], purpose: str) -> int:
    """Return how many pages can be drawn for a purpose: those that are labelled in part can for training alone."""
    return sum(purpose == "training" or not page.partly for page in pages)


def _keep_partly(job: Preparation, pages: Sequence[PageSource], split: str, drawn: Sequence[str]) -> None:
    """Say what becomes of partly labelled pages, and keep a list of those for training beside the sets."""
    partly = [page.name for page in pages if page.partly]
    listed = job.output / PARTLY_FOLDER / f"{job.select_data}.txt"
    if split == "training":
        _write_names(listed, partly)
    if partly:
        used = len(set(partly).intersection(drawn))
        job.say(
            f"{split}: {len(partly):,} pages are only partly labelled ({partly[0]!r}); {used:,} of them are drawn"
            + (f", after all fully labelled ones; {listed} lists them" if split == "training" else "")
        )


def _drawn_before(job: Preparation) -> dict[str, set[str]]:
    """Return the sums of a pool's pages that sets in the output have, drawn with the same seed, by purpose."""
    folders = {split: _sets_in(job.patches(split).parent) for split in ("training", "validation")}
    found: dict[str, set[str]] = {}
    for purpose, sets in (folders | {"evaluation": [job.output / EVALUATION_SET]}).items():
        found[purpose] = set()
        for folder in sets:
            manifest = read_manifest(folder / MANIFEST)
            if manifest is not None and manifest["settings"].get("seed") == job.config.seed:
                found[purpose] |= {*read_page_sums(folder).values()}
                # Of the same name: those of older sets, and those that had nothing to be used.
                found[purpose] |= {job.sums[name] for name in manifest["pages"] if name in job.sums}
    return found


def _say_fewer(job: Preparation, purpose: str, asked: int, drawn: int, available: int) -> None:
    if drawn >= asked:
        return
    if drawn == available:
        job.say(f"{purpose}: {asked:,} pages asked for, {available:,} are there: all are used")
    else:
        config = job.config
        parts = [f"val_images={config.val_images}", f"eval_images={config.eval_images}"]
        if job.pool:
            parts.insert(0, f"train_images={config.train_images}")
        where = job.pool.folder if job.pool else "validation"
        how = "in proportion"
        if job.pool:
            how = "by their content: about an eighth each, or what is asked for, goes to validation and evaluation"
        job.say(
            f"{purpose}: {asked:,} pages asked for, {drawn:,} are used: {where} has {available:,} pages, which "
            f"{', '.join(parts[:-1])} and {parts[-1]} share {how}"
        )


def _refuse_overlap(job: Preparation, purpose: str, drawn: Sequence[str]) -> None:
    """Keep sets apart that are drawn from the same pages, also when they are drawn under different settings."""
    for folder in job.other_draws(purpose):
        for path in (folder / MANIFEST, work_folder(folder) / PLAN):
            other = read_manifest(path)
            common = set(drawn) & set(other["pages"]) if other else set()
            if other and common:
                raise UserError(
                    f"{len(common):,} of the pages drawn for {purpose} are in {path.parent}, which was drawn with "
                    f"seed={other['settings'].get('seed')}, {other['settings'].get('images')} images, or from other "
                    "pages; use the same settings again, draw both anew (--validation --evaluation), or move it away"
                )


def _cutting(config: WordSettings) -> Cutting:
    return Cutting(config.rgb, config.unify_variants)


def _plan(
    job: Preparation,
    found: tuple[list[PageSource], list[Problem]],
    drawn: Sequence[str],
    settings: dict[str, Any],
    *,
    form: SetForm,
    cutting: Cutting = Cutting(),  # noqa: B008 - frozen
) -> Plan:
    pages, problems = found
    by_name = {page.name: page for page in pages}
    names = prefixes(list(by_name))
    chosen = {name: names[name] for name in drawn}
    pages = [by_name[name] for name in drawn]
    if job.pool:
        settings = settings | {"from": job.pool.form}
    edited = _digest_of_labels(pages, job.sums) if job.pool else ""
    partly = sum(page.partly for page in by_name.values())
    return Plan(settings, pages, chosen, problems, len(by_name), form, cutting, edited, partly)


def _digest_of_labels(pages: Sequence[PageSource], sums: Mapping[str, str]) -> str:
    """Return what tells pages from others of the same size: those of a folder of one's own are mended by hand."""
    digest = hashlib.sha256()
    for page in pages:
        label = page.label
        try:
            content = label.content() if isinstance(label, ConvertedLabel) else label.read(MAX_LABEL_BYTES)
        except SourceError as error:
            content = str(error).encode()
        digest.update(hashlib.sha256(content).digest() + sums[page.name].encode())
    return digest.hexdigest()


def report_turned(job: Preparation, pages: Sequence[PageSource], open_vote: Callable[[], Vote]) -> None:
    """Say which of some pages lie on a side or upside down."""
    if warning := find_turned(pages, open_vote).warning:
        job.warn(f"warning: {warning}")


def _prepare(job: Preparation, title: str, target: Path, plan: Plan) -> Sequence[PageSource]:
    """Make a set; return its pages, or none where it was there already."""
    before = target.stat().st_ino if target.exists() else None  # a set that is made is a new folder
    statistics = prepare_set(target, plan, job.measure, job.workers, job.say)
    job.say("\n" + render(title, statistics))
    for line in LeftOut.read(target / SKIPPED).lines():
        job.say(f"left out: {line}")
    if fault := none_trainable(statistics, statistics["words"]["used"]) * (not job.config.data_filtering_off):
        raise UserError(f"{target}: {fault}")
    job.say(f"\n{target}: ready; what was left out is listed in skipped.csv, these figures are in statistics.json")
    return plan.pages if target.stat().st_ino != before else ()

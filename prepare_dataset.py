"""Step 2: from a download of AI-Hub's public documents to word patches and an evaluation set.

    python3 prepare_dataset.py --dataset "공공행정문서 OCR" --training --validation --evaluation

Pages are read out of the archives, or as they lie where these were unpacked by hand; --unzip unpacks all first. Each
part can be run alone, killed at any moment and run again: it goes on where it stopped. `--check` reads everything and
writes nothing.

    python3 prepare_dataset.py --from DIR --output DIR2 --training --validation --evaluation

makes the same sets from a folder of images with labels by PPOCRLabel, in ICDAR's text files, COCO, or AI-Hub's JSON.

    python3 prepare_dataset.py --unlabeled DIR3 --output DIR2

cuts the words that a detector finds on scans that nobody labelled, for train_easyocr.semi_supervised. With `--boxes`
it writes label files of the places instead, for the training of another detector.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import fcntl
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from train_easyocr.common.command_line import CommandParser, command
from train_easyocr.common.errors import UsageError, UserError
from train_easyocr.common.text import format_table
from train_easyocr.common.workers import available_cores
from train_easyocr.datasets.checking import check
from train_easyocr.datasets.coverage import Finder
from train_easyocr.datasets.stages import (
    EVALUATION_SET,
    FOUND_BOXES,
    SHOWN_PROBLEMS,
    UNLABELED,
    Preparation,
    keep_own_pages,
    make_evaluation,
    make_patches,
    report_turned,
    unzip,
    warn_of_unused,
)
from train_easyocr.datasets.turned_pages import Vote
from train_easyocr.documents.aihub import IMAGE_SUFFIXES, LABEL_SUFFIX, PARTLY
from train_easyocr.documents.download import find_download, other_files
from train_easyocr.documents.label_formats import (
    FORMS,
    TEXT_SUFFIX,
    LabelledPages,
    find_labelled_pages,
)
from train_easyocr.documents.page_sums import read_page_sums
from train_easyocr.documents.sources import PageSource
from train_easyocr.settings.config import DEFAULT_CONFIG, load_config

PURPOSES = ("training", "validation", "evaluation")
"""What sets are for, in the order in which they are made."""
NOT_WRITABLE = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = CommandParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add(
        "--dataset",
        metavar="DIR",
        help="the download: holds Training/ and Validation/ (default: from the config)",
    )
    add(
        "--from",
        dest="pool",
        type=Path,
        metavar="DIR",
        help="in place of the download: a folder of images with labels; all sets are drawn from it, disjoint",
    )
    add(
        "--label_format",
        choices=FORMS,
        help="how the labels of --from are written (default: the folder's content tells)",
    )
    add("--unzip", action="store_true", help="unpack all archives into OUTPUT/unzipped (not needed)")
    add("--training", action="store_true", help="draw train_images pages and make their patches")
    add("--validation", action="store_true", help="draw val_images pages and make their patches")
    add("--evaluation", action="store_true", help="draw eval_images other pages out of validation and copy them")
    add(
        "--unlabeled",
        type=Path,
        metavar="DIR",
        help="cut the words that a detector finds on images and PDFs without labels, or that no label covers on partly "
        "labelled pages (of a download, too), into a set of their own",
    )
    add(
        "--boxes",
        action="store_true",
        help="with --unlabeled: in place of words, images and label files for a detector's training: what it finds in "
        "two views of a page as boxes, the rest as don't care",
    )
    add("--detector", metavar="NAME", default="", help="finds them (default: the installed one, else the starter's)")
    add("--check", action="store_true", help="read everything and write nothing: what is wrong with this data set")
    add("--format", choices=("png", "lmdb"), default="png", help="a PNG file a patch, or one LMDB (default: png)")
    add("--workers", type=_positive, default=available_cores(), metavar="N", help="processes (default: all cores)")
    add("--select_data", metavar="NAME", help="the sets' folder (default: select_data in the config)")
    add("--output", metavar="DIR", help="where to write (default: from the config, else the download's own folder)")
    add("--config", type=Path, default=DEFAULT_CONFIG, metavar="FILE", help="settings (default: %(default)s)")
    add("settings", nargs="*", metavar="key=value", help="settings that override the config, such as train_images=1000")
    args = parser.parse_intermixed_args(arguments)
    if not (args.unzip or args.training or args.validation or args.evaluation or args.check or args.unlabeled):
        parser.error("say what to do: --unzip, --training, --validation, --evaluation, --unlabeled, or --check")
    if args.pool and (args.unzip or args.dataset):
        parser.error("--from takes the place of the download: leave out --unzip and --dataset")
    if args.boxes and not args.unlabeled:
        parser.error("--boxes is about the pages of --unlabeled")
    if args.label_format and not args.pool:
        parser.error("--label_format is about the labels of --from")
    return args


def _positive(value: str) -> int:
    if not value.isdecimal() or int(value) < 1:
        raise argparse.ArgumentTypeError(f"{value}: a number from 1 upwards is needed")
    return int(value)


def make_job(args: argparse.Namespace) -> Preparation:
    """Bring the command line and the configuration together.

    Raises:
        UsageError: The configuration or the name of the sets can't be used, or the download is not named.
        UserError: The download is not there, or the folder of --from has no labels that can be read.
    """
    config = load_config(args.config, args.settings)
    name = args.select_data or config.select_data
    if name.startswith(".") or not {"/", "\\", "\0", "-"}.isdisjoint(name):
        raise UsageError(
            f"--select_data {name!r}: one folder's name is needed, without '/' or '\\', not starting with '.', and "
            "without '-', which stands between names in select_data"
        )
    dataset = args.dataset or config.dataset
    download = args.pool or (args.unlabeled if args.unlabeled and not dataset else _download(dataset))
    output = Path(args.output or config.output or (find_download(Path(dataset)) if dataset else download))
    if args.pool and not args.check and output.resolve().is_relative_to(args.pool.resolve()):
        raise UsageError(
            f"--from {args.pool}: say where to write with --output DIR, outside of that folder: patches in it would be "
            "taken for pages by the next run"
        )
    if args.unlabeled and output.resolve().is_relative_to(args.unlabeled.resolve()) and not dataset:
        raise UsageError(f"--unlabeled {args.unlabeled}: say where to write with --output DIR, outside of that folder")
    pool = _pool(args) if args.pool else None
    purposes = tuple(purpose for purpose in PURPOSES if getattr(args, purpose))
    return Preparation(download, output, config, name, args.format, args.workers, _say, _warn, pool, purposes)


def _download(dataset: str) -> Path:
    if not dataset:
        raise UsageError(
            "no data set: give --dataset DIR, or set dataset in the config; or --from DIR, a folder of labelled images"
        )
    if not Path(dataset).is_dir():
        raise UserError(f"{dataset}: there is no such folder; --dataset is what holds Training/ and Validation/")
    return find_download(Path(dataset))


def _pool(args: argparse.Namespace) -> LabelledPages:
    if rows := other_files(args.pool, IMAGE_SUFFIXES | {TEXT_SUFFIX, LABEL_SUFFIX}).rows():
        _say("\n" + format_table(("neither image nor label file", "files", "for example"), rows))
    pool = find_labelled_pages(args.pool, args.label_format)
    # For the recognizer's training these are pages.
    pool = replace(pool, problems=[problem for problem in pool.problems if problem.reason != PARTLY])
    _say(f"{pool.folder}: {len(pool.pages):,} pages with labels in the form {pool.form}")
    for problem in pool.problems[:SHOWN_PROBLEMS]:
        _warn(f"{problem.name}: {problem}")
    if len(pool.problems) > SHOWN_PROBLEMS:
        _warn(f"... and {len(pool.problems) - SHOWN_PROBLEMS:,} more, in skipped.csv")
    return pool


def _say(line: str) -> None:
    print(line, flush=True)


def _warn(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep a second run from working below the same folder; the lock goes with the process, however it ends.

    Raises:
        UserError: Another run is at work there, or nothing may be written there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(f"{folder}: another prepare_dataset.py is at work here") from None
    except OSError:
        pass  # a file system without locks
    try:
        yield
    except OSError as error:
        if error.errno not in NOT_WRITABLE:
            raise
        raise UserError(
            f"{error.filename or folder}: {error.strerror}; give a folder that can be written with --output"
        ) from error
    finally:
        os.close(descriptor)


def _starter_detector() -> Finder:
    # Here, not at the top: step 2 loads torch for --check alone, and once sets are made.
    from train_easyocr.detection.opening import open_detector_of  # noqa: PLC0415
    from train_easyocr.weights.bundle import open_bundle  # noqa: PLC0415
    from train_easyocr.weights.starter import STARTER  # noqa: PLC0415

    detector = open_detector_of(open_bundle(STARTER)).detector
    return lambda image: detector.boxes(detector.score_maps(image))


def _starter_vote() -> Vote:
    # Here, not at the top: see above.
    from train_easyocr.reading.orientation import angle_by_labels  # noqa: PLC0415
    from train_easyocr.reading.torch_engine import open_engine  # noqa: PLC0415
    from train_easyocr.weights.starter import STARTER  # noqa: PLC0415

    return partial(angle_by_labels, open_engine(STARTER))


def _cut_unlabelled(job: Preparation, args: argparse.Namespace) -> None:
    # Here, not at the top: this alone needs torch.
    from train_easyocr.semi_supervised.boxes import BoxLabelling, label_boxes  # noqa: PLC0415
    from train_easyocr.semi_supervised.pages import (  # noqa: PLC0415
        KNOWN,
        MEASURED,
        UnlabelledCutting,
        cut_unlabelled,
        find_unlabelled,
        open_detector,
        open_finder,
    )

    documents = find_unlabelled(args.unlabeled)
    _say(f"\n{args.unlabeled}: {len(documents):,} documents without labels, or labelled in part")
    known = dict.fromkeys(read_page_sums(job.patches("training")).values(), KNOWN)
    for folder in (job.patches("validation"), job.output / EVALUATION_SET):
        known |= dict.fromkeys(read_page_sums(folder).values(), MEASURED)
    if args.boxes:
        detector, depends = open_detector(args.detector, Path(job.config.saved_models))
        target = job.output / FOUND_BOXES / job.select_data
        label_boxes(documents, BoxLabelling(target, detector, depends, known, _say))
        return
    find, finder = open_finder(args.detector, Path(job.config.saved_models))
    target = job.output / UNLABELED / job.select_data
    cut_unlabelled(documents, UnlabelledCutting(target, job.form, find, finder, known, _say))


def run(args: argparse.Namespace) -> bool:
    """Do what the command line asks for; return whether all of it could be done.

    Raises:
        UsageError: The configuration can't be used.
        UserError: Nothing can be done.
    """
    job = make_job(args)
    _ = job.measure  # a mistake in `character` is found now, not after hours
    if args.check:
        splits = ["training"] if args.training else []
        splits += ["validation"] if args.validation or args.evaluation else []
        splits = ["training", "validation"] if args.unzip or not splits else splits
        return check(job, splits, _starter_detector, _starter_vote)
    with alone(job.output):
        if args.unzip:
            unzip(job)
        made: list[PageSource] = []
        for purpose in job.purposes:
            made += make_evaluation(job) if purpose == "evaluation" else make_patches(job, purpose)
        keep_own_pages(job)
        if args.unlabeled:
            _cut_unlabelled(job, args)
    report_turned(job, made, _starter_vote)
    warn_of_unused(job, job.listings.values())
    return not any(listing.unreadable for listing in job.listings.values())


@command("prepare_dataset.py")
def main(arguments: Sequence[str] | None = None) -> int:
    """Run step 2; return 1 where not all of it could be done."""
    return 0 if run(parse_args(arguments)) else 1


if __name__ == "__main__":
    sys.exit(main())

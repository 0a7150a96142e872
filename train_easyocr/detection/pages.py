"""The pages that a detector is trained and validated on: which there are, what of their labels can be used.

Pages lie in folders, with `images/` and `labels/`, as prepare_dataset.py and the synthesis leave them, or with labels
in another form of `documents/label_formats.py`; or still in the download's archives. Their words are read again each
time that a page is used, since the words of 40,000 pages would fill the memory; one pass at the start counts what is
wrong with them.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from train_easyocr.common.encodings import EncodingError, decode_text
from train_easyocr.common.errors import UserError
from train_easyocr.common.text import format_table
from train_easyocr.common.workers import own_cores, shows_progress, spread
from train_easyocr.detection.config import PageSettings
from train_easyocr.documents.aihub import (
    MAX_LABEL_BYTES,
    PARTLY,
    Annotation,
    LabelError,
    LabelFile,
    Problem,
    fault_of_box,
    read_label_file,
    words_of,
)
from train_easyocr.documents.download import (
    SPLIT_FOLDERS,
    find_listed_pages,
    find_unzipped,
    find_unzipped_pages,
    list_download,
)
from train_easyocr.documents.images import MAX_IMAGE_BYTES, decode_page
from train_easyocr.documents.ink import BESIDE_PRINT, are_beside_print, count_blank
from train_easyocr.documents.label_formats import LabelForm, find_labelled_pages
from train_easyocr.documents.page import Word
from train_easyocr.documents.page_sums import page_sum
from train_easyocr.documents.sources import PageSource, SourceError
from train_easyocr.documents.splits import draw_training, draw_validation

FEW_PAGES = 500
"""Below this many training pages the trainer warns."""
UNREADABLE = "label file that can't be read"
UNREADABLE_ARCHIVE = "archive that can't be read"
NO_WORDS = "page without usable words"
SEVERAL_WORDS = "box around several words"


@dataclass(frozen=True)
class PageLabels:
    """What a page's label file says, for detection.

    Attributes:
        boxes: int [n, 4], the usable words' boxes in page pixels, as labelled.
        unusable: int [m, 4], where something is labelled that can't be used: what lies there is not known.
        image_sum: What tells the page's image from others (`page_sums`), where that was read.
        words: The usable words and the don't-care words, to be scored against.
    """

    boxes: NDArray[np.int64]
    unusable: NDArray[np.int64]
    image_sum: str = ""
    words: tuple[Word, ...] = ()


def split_labels(label: LabelFile, width: int, height: int) -> PageLabels:
    """Divide a page's labels into those that can be taught and places to be left out of the loss.

    A box without area stands for a word that is there somewhere: a square of its longer side around it is left out,
    or of the height of the page's words where it is a point. So is a box around several words: see `_around_several`.

    Args:
        label: The label file.
        width: Of the image in pixels.
        height: Likewise.
    """
    found = [(a, fault_of_box(a, width, height)) for a in label.annotations]
    usable = [a for a, fault in found if not fault]
    several = _around_several(usable)
    good = [a for a in usable if a not in several]
    bad = [a.box for a, fault in found if fault and any(a.box)] + [a.box for a in several]
    usual = float(np.median([a.box.height for a in good])) if good else height / 80
    places = []
    for box in bad:
        sides = np.array([box.xmax - box.xmin, box.ymax - box.ymin], float)
        if (sides > 0).all():
            places.append(box)
            continue
        middle = np.array([box.xmin + box.xmax, box.ymin + box.ymax]) / 2
        half = np.maximum(np.abs(sides), np.abs(sides).max() or usual) / 2
        places.append((*np.floor(middle - half), *np.ceil(middle + half)))  # type: ignore[arg-type]
    return PageLabels(
        np.array([a.box for a in good], np.int64).reshape(-1, 4),
        np.array(places, np.int64).reshape(-1, 4),
        words=tuple(words_of(label, width, height)),
    )


def _around_several(usable: Sequence[Annotation]) -> list[Annotation]:
    """Return the labels around several words (a text with a space), where most of the page's are around one.

    Which of the gaps between words such a box reaches over can't be seen, so nothing is to be learnt from it. On a page
    that is labelled by lines, lines are what is to be found.
    """
    several = [a for a in usable if " " in a.text]
    return several if 2 * len(several) < len(usable) else []


def read_training_page(page: PageSource, rgb: bool = False) -> tuple[NDArray[np.uint8], PageLabels]:
    """Read a page.

    Returns:
        The image, grey, uint8 [H, W], or in colour [H, W, 3] (blue, green, red) for `rgb`, and its labels.

    Raises:
        SourceError, ImageError, LabelError: A file can't be read, or the labels lie beside the image's print.
    """
    label = read_label_file(page.label.read(MAX_LABEL_BYTES), page.name)
    content = page.image.read(MAX_IMAGE_BYTES)
    image, _ = decode_page(content, label.layout, rgb)
    boxes = label.layout.boxes
    if are_beside_print(blank := count_blank(image, boxes), len(boxes)):
        raise LabelError(page.name, f"{BESIDE_PRINT}: {blank} of {len(boxes)} boxes show no ink")
    return image, replace(split_labels(label, image.shape[1], image.shape[0]), image_sum=page_sum(content))


@dataclass(frozen=True)
class _Scan:
    """What the pass over the labels found out about a page; `detail` says what is wrong where it has no usable word."""

    number: int
    words: int
    faults: Counter[str]
    digest: str
    problem: str = ""
    detail: str = ""


@dataclass
class PageSet:
    """Pages whose labels have been looked at.

    Attributes:
        title: What they are for.
        pages: Those that can be used, sorted by name.
        words: Usable words on them.
        faults: What of their labels is left out, by reason.
        problems: Pages that can't be used, and why.
        digest: SHA-256 over names and label files of the usable pages, in hexadecimal.
    """

    title: str
    pages: list[PageSource]
    words: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    digest: str = ""

    def describe(self) -> str:
        """Return a table of what is used and what is left out."""
        rows: list[tuple[str, object]] = [("pages", f"{len(self.pages):,}"), ("words", f"{self.words:,}")]
        rows += [(f"left out of the loss: {reason}", f"{n:,}") for reason, n in sorted(self.faults.items())]
        pages = Counter(problem.reason for problem in self.problems)
        rows += [(f"left out: {reason}", f"{number:,}") for reason, number in sorted(pages.items())]
        return format_table((self.title, "Number"), rows)


def open_pages(config: PageSettings) -> tuple[PageSet, PageSet]:
    """Find the pages for training and for validation and look at their labels.

    Raises:
        UserError: There are no pages, or a list names one that is not there, or a page is in both sets.
    """
    training, problems = _training_pages(config)
    validation, others = validation_pages(config)
    _refuse_common(training, validation)
    return (
        _looked_at("Training", training, problems),
        _looked_at("Validation", validation, others),
    )


def _training_pages(config: PageSettings) -> tuple[list[PageSource], list[Problem]]:
    pages, problems = find_split(config.train_data, config.download, "training", config.label_format)
    if config.train_list:
        return _listed(pages, problems, Path(config.train_list)), problems
    names = set(draw_training([page.name for page in pages], config.train_images, config.seed))
    return [page for page in pages if page.name in names], problems


def validation_pages(config: PageSettings) -> tuple[list[PageSource], list[Problem]]:
    """Return the pages that are for validation, and what others lack.

    Raises:
        UserError: There are none, or a list names one that is not there.
    """
    pages, problems = find_split(config.val_data, config.download, "validation", config.label_format)
    if config.val_list:
        return _listed(pages, problems, Path(config.val_list)), problems
    names = [page.name for page in pages]
    if config.val_data:
        drawn = draw_training(names, config.val_images, config.seed)
    else:
        # The draw of step 2: the pages that it keeps for the evaluation are not among these.
        if len(names) < 2:
            raise UserError(f"{config.download}: one page can't be shared between validation and evaluation")
        drawn, _ = draw_validation(names, config.val_images, config.eval_images, config.seed)
    return [page for page in pages if page.name in set(drawn)], problems


def find_split(
    folder: str, download: Path, split: str, form: LabelForm | Literal[""] = ""
) -> tuple[list[PageSource], list[Problem]]:
    """Return the pages of a folder, or of the download where no folder is named, and what others lack.

    Args:
        folder: Holds images and labels, in any form that `find_labelled_pages` tells; empty for the archives, or for
            what was unpacked of them where they are gone.
        download: The folder that holds Training/ and Validation/.
        split: training or validation.
        form: How the labels of `folder` are written; empty: its content tells.

    Raises:
        UserError: There is no page, or the folder's labels are in two forms.
    """
    if folder:
        found = find_labelled_pages(Path(folder), form or None)
        return [PageSource.of(page) for page in found.pages], found.problems
    listing = list_download(download, (split,))
    if not listing.by_target and (unzipped := find_unzipped(download, split)):
        pages, problems = find_unzipped_pages(unzipped)
    else:
        pages, problems = find_listed_pages(listing, split)
        problems = [*problems, *(Problem(line, UNREADABLE_ARCHIVE) for line in listing.unreadable)]
    if not pages:
        raise UserError(
            "\n".join(
                [f"{download / SPLIT_FOLDERS[split]}: no page has both an image and a label file", *listing.unreadable]
            )
        )
    partly = [page.name for page in pages if page.partly]
    if len(partly) == len(pages):
        raise UserError(
            f"{download / SPLIT_FOLDERS[split]}: all {len(pages):,} pages are only partly labelled; a detector would "
            "learn their other words as background"
        )
    return [page for page in pages if not page.partly], [*problems, *(Problem(name, PARTLY) for name in partly)]


def _listed(pages: Sequence[PageSource], problems: Sequence[Problem], file: Path) -> list[PageSource]:
    """Return the pages that a file names, a line each."""
    try:
        lines = [line for line in decode_text(file.read_bytes()).text.split("\n") if line.strip()]
    except (OSError, EncodingError) as error:
        raise UserError(f"{file}: can't be read: {error}") from None
    there = {page.name for page in pages}
    names = {line if line in there else line.strip() for line in lines}  # a name can begin or end with a space
    missing = sorted(names - there)
    if missing or not names:
        partly = any(problem == Problem(missing[0], PARTLY) for problem in problems) if missing else False
        why = "only partly labelled" if partly else "not there"
        what = f"{len(missing):,} of its pages are {why}, {missing[0]!r} first" if missing else "names no page"
        raise UserError(f"{file}: {what}; a line is a path below images/ without suffix")
    return [page for page in pages if page.name in names]


def _refuse_common(training: Iterable[PageSource], validation: Iterable[PageSource]) -> None:
    common = {page.label for page in training} & {page.label for page in validation}
    if common:
        raise UserError(
            f"{len(common):,} pages are both for training and for validation; name other folders or lists "
            "(train_list, val_list)"
        )


def _looked_at(title: str, pages: list[PageSource], problems: list[Problem]) -> PageSet:
    """Read all labels once, and count."""
    tasks = list(enumerate(pages))
    bar = partial(
        tqdm, total=len(tasks), desc=f"{title} labels", unit="page", disable=not shows_progress(), leave=False
    )
    # A process takes longer to start than a thousand labels to read.
    results = spread(_scan, tasks, own_cores() if len(tasks) > 4000 else 1, name=lambda task: task[1].name)
    scans = sorted(bar(results), key=lambda scan: scan.number)
    found = PageSet(title, [pages[scan.number] for scan in scans if not scan.problem], problems=list(problems))
    found.problems += [Problem(pages[scan.number].name, scan.problem, scan.detail) for scan in scans if scan.problem]
    digest = hashlib.sha256()
    for scan in scans:
        found.faults.update(scan.faults)
        if not scan.problem:
            found.words += scan.words
            digest.update(f"{pages[scan.number].name}\n{scan.digest}\n".encode())
    found.digest = digest.hexdigest()
    if not found.pages:
        first = f"; first: page {pages[scans[0].number].name!r}: {scans[0].detail or 'no annotations'}" if scans else ""
        raise UserError(f"{title}: none of {len(tasks):,} pages has a usable word{first}\n{found.describe()}")
    return found


def _scan(task: tuple[int, PageSource]) -> _Scan:
    number, page = task
    try:
        content = page.label.read(MAX_LABEL_BYTES)
        label = read_label_file(content, page.name)
    except LabelError as error:
        return _Scan(number, 0, Counter(), "", UNREADABLE, error.detail)
    except SourceError as error:
        return _Scan(number, 0, Counter(), "", UNREADABLE, str(error))
    found = [(a, fault_of_box(a, label.width, label.height)) for a in label.annotations]
    usable = [a for a, fault in found if not fault]
    faults, digest = Counter(fault for _, fault in found if fault), hashlib.sha256(content).hexdigest()
    if usable:
        if several := len(_around_several(usable)):
            faults[SEVERAL_WORDS] = several
        return _Scan(number, len(usable) - several, faults, digest)
    detail = next((f"{fault}, {a.detail}" if a.detail else fault for a, fault in found), "")
    return _Scan(number, 0, faults, digest, NO_WORDS, detail)

"""Words of pages that nobody labelled, and those of partly labelled pages that no label covers, cut out by a detector.

They become a set as step 2 writes it, with empty texts, apart from all other sets. Pages that anything is measured on
are left out, by their content. What is done is kept document by document: a run that was killed goes on.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from train_easyocr.common.errors import UserError
from train_easyocr.common.files import read_json_object, write_json
from train_easyocr.common.publishing import PLAN, publish, recover, remove, work_folder
from train_easyocr.common.text import format_table
from train_easyocr.datasets.coverage import Finder, without_label
from train_easyocr.datasets.cropping import crop, patch_name, prefixes
from train_easyocr.datasets.labels_csv import HEADER, format_row
from train_easyocr.datasets.lmdb_form import PatchDatabase
from train_easyocr.datasets.png import encode_png
from train_easyocr.detection.interface import WordDetector
from train_easyocr.detection.opening import open_detector_of
from train_easyocr.documents import page_sums
from train_easyocr.documents.aihub import MAX_LABEL_BYTES, LabelFile, read_label_file
from train_easyocr.documents.download import find_download, find_listed_pages, list_download
from train_easyocr.documents.images import MAX_IMAGE_BYTES, PageImage
from train_easyocr.documents.ink import is_blank
from train_easyocr.documents.label_formats import find_labelled_pages
from train_easyocr.documents.page import NOTHING_LABELLED, Box
from train_easyocr.documents.page_sums import page_sum
from train_easyocr.documents.sources import FileSource, PageSource, Source
from train_easyocr.reading.sources import Opened, SourceFile, SourcePage, colour_and_grey, find_files, open_document
from train_easyocr.weights.bundle import installed_bundle, open_bundle
from train_easyocr.weights.starter import STARTER

MEASURED, KNOWN = "in a validation or evaluation set", "labelled in the training set"
LEAST_SIDE = 4
"""Pixels; what is narrower is no word."""
SHOWN = 10


@dataclass(frozen=True)
class Unlabelled:
    """A document whose words are to be cut out.

    Attributes:
        name: As its patches and messages call it, its pages' numbers behind it where there are several.
        file: An image or a PDF; None for a page in an archive.
        page: A partly labelled page; None: nothing on it is labelled.
    """

    name: str
    file: SourceFile | None = None
    page: PageSource | None = None


@dataclass(frozen=True)
class FoundPage:
    """A page as the detector sees it: its name, its sum, its pixels, and what is labelled on it."""

    name: str
    page_sum: str
    page: SourcePage
    label: LabelFile | None = None

    @property
    def labelled(self) -> tuple[Box, ...]:
        """Where labels are."""
        return tuple(annotation.box for annotation in self.label.annotations) if self.label else ()

    def reason_against(self, left_out: Mapping[str, str]) -> str:
        """Return why the page is not to be used, or nothing; labels of one's own outweigh those of the training set."""
        reason = left_out.get(self.page_sum, "")
        return reason if reason == MEASURED or not self.labelled else ""


@dataclass(frozen=True)
class UnlabelledCutting:
    """What is to be made of unlabelled pages.

    Attributes:
        target: The set's folder.
        form: `png` or `lmdb`.
        find: Finds the words of a page.
        finder: What it finds depends on this, beside the page.
        left_out: Why pages are not to be used, by their sums.
        say: Takes a line for the user.
    """

    target: Path
    form: str
    find: Finder
    finder: str
    left_out: Mapping[str, str]
    say: Callable[[str], None]


def open_finder(name: str, saved_models: Path) -> tuple[Finder, str]:
    """Open what finds words, and say what its boxes depend on: see `open_detector`."""
    detector, depends = open_detector(name, saved_models)
    return lambda page: detector.boxes(detector.score_maps(page)), depends


def open_detector(name: str, saved_models: Path) -> tuple[WordDetector, str]:
    """Open a detector, and say what its boxes depend on.

    Args:
        name: A bundle with a detector; empty: the installed one, where one is installed, else the starter's.
        saved_models: The folder of experiments and marks.

    Raises:
        UsageError: There is no such bundle, or it has no detector.
        WeightsError: Its files can't be used.
    """
    bundle = installed_bundle() if not name else open_bundle(name, saved_models, "--detector")
    if not name and bundle.detector is None:
        bundle = open_bundle(STARTER)
    opened = open_detector_of(bundle, torch.cuda.is_available(), "--detector")
    return opened.detector, f"{opened.weights_sha256} {opened.detector.parameters}"


def find_unlabelled(folder: Path) -> list[Unlabelled]:
    """Return the documents of a folder of scans, or the partly labelled pages of a download, by name.

    Raises:
        UserError: There is nothing.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: there is no such folder of pages")
    listing = list_download(find_download(folder), ("training",))
    partly = [page for page in find_listed_pages(listing, "training")[0] if page.partly] if listing.by_target else []
    if partly:
        return [Unlabelled(page.name, page=page) for page in partly]
    labels = _labels_below(folder)
    found = [
        Unlabelled(Path(file.name).with_suffix("").as_posix(), file, labels.get(file.path))
        for file in find_files([str(folder)])[0]
        if file.path is not None
    ]
    if not found:
        raise UserError(f"{folder}: holds neither images nor PDFs")
    return found


def _labels_below(folder: Path) -> dict[Path, PageSource]:
    """Return which of a folder's images have labels, in any form; most folders of scans have none."""
    try:
        pages = find_labelled_pages(folder).sources()
    except UserError:
        return {}
    return {page.image.path: page for page in pages if isinstance(page.image, FileSource)}


def cut_unlabelled(documents: Sequence[Unlabelled], cutting: UnlabelledCutting) -> int:
    """Make the set, or go on with it, or leave it as it is when it is there already; return the number of its words.

    Args:
        documents: All of them.
        cutting: What is to be made.

    Raises:
        UserError: Not one word was found.
        OSError: Something can't be written.
    """
    target, work = cutting.target, work_folder(cutting.target)
    recover(target)
    plan = {"finder": cutting.finder, "form": cutting.form, "documents": digest_of(documents, cutting.left_out)}
    if (there := read_json_object(target / PLAN)) and {key: there.get(key) for key in plan} == plan:
        cutting.say(f"{target}: nothing to do, it is there")
        return int(there["words"])
    if read_json_object(work / PLAN) != plan:
        remove(work)
        for name in ("records", "set/images"):
            (work / name).mkdir(parents=True)
        write_json(work / PLAN, plan)
    names = prefixes([document.name for document in documents])
    for number, document in enumerate(tqdm(documents, desc="unlabeled", unit="documents", dynamic_ncols=True)):
        record = work / "records" / f"{number:07d}.json"
        if not record.is_file():
            write_json(record, _cut(document, names[document.name], work / "set" / "images", cutting))
    count = _assemble(work, len(documents), cutting)
    write_json(work / "set" / PLAN, plan | {"words": count})
    publish(work / "set", target)
    remove(work)
    cutting.say(f"{target}: ready, {count:,} words without labels")
    return count


def digest_of(documents: Sequence[Unlabelled], left_out: Mapping[str, str]) -> str:
    """Return a sum of the documents' names and sizes, and of the pages that are not to be used."""
    digest = hashlib.sha256(json.dumps(sorted(left_out)).encode())
    for document in documents:
        source: Source | None = document.page.image if document.page else None
        if source is None and document.file and document.file.path:
            source = FileSource(document.file.path)
        size = source.size() if source else 0
        labels = document.page.label.size() if document.page else 0
        digest.update(f"{document.name}\0{size}\0{labels}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _cut(document: Unlabelled, prefix: str, folder: Path, cutting: UnlabelledCutting) -> dict[str, Any]:
    """Cut the words of a document's pages out; return their names, the pages' sums, and what was left out."""
    pages: list[tuple[str, str]] = []
    words: list[str] = []

    def cut(found: FoundPage, counts: Counter[str], single: bool) -> None:
        pages.append((found.name, found.page_sum))
        words.extend(_cut_page(found, folder, cutting.find, counts))

    return {"pages": pages, "words": words} | visit_pages(document, prefix, cutting.left_out, cut)


def visit_pages(
    document: Unlabelled,
    prefix: str,
    left_out: Mapping[str, str],
    visit: Callable[[FoundPage, Counter[str], bool], None],
) -> dict[str, Any]:
    """Decode a document's pages one by one, and do something with each that is to be used.

    Args:
        document: Which.
        prefix: What the pages' names begin with.
        left_out: Why pages are not to be used, by their sums.
        visit: Takes a page, the counts, to which it adds, and whether the document has no other page. A UserError that
            it raises ends the document, not the run.

    Returns:
        `counts`, and `faults`: pages that can't be read.
    """
    counts: Counter[str] = Counter()
    faults: list[str] = []
    try:
        with _opened(document, prefix) as loaders:
            for load in loaders:
                try:
                    found = load()
                except UserError as error:
                    faults.append(f"{document.name}: {error}")
                    continue
                if reason := found.reason_against(left_out):
                    counts[f"pages {reason}"] += 1
                    continue
                visit(found, counts, len(loaders) == 1)
    except UserError as error:
        faults.append(str(error))
    return {"counts": counts, "faults": faults}


def _cut_page(found: FoundPage, folder: Path, find: Finder, counts: Counter[str]) -> list[str]:
    """Write the patches of a page's unlabelled words; return their names."""
    grey, names = found.page.grey, []
    height, width = grey.shape
    boxes = [box for box in find(found.page.colour) if min(box.width, box.height) >= LEAST_SIDE]
    bare = without_label(boxes, found.labelled, width, height)
    counts["words found"] += len(boxes)
    counts["covered by labels"] += len(boxes) - len(bare)
    for box in bare:
        if is_blank(grey, box):
            counts["without ink"] += 1
            continue
        names.append(patch_name(found.name, box))
        (folder / names[-1]).write_bytes(encode_png(crop(grey, box)))
    counts["cut out"] += len(names)
    return names


@contextlib.contextmanager
def _opened(document: Unlabelled, prefix: str) -> Iterator[list[Callable[[], FoundPage]]]:
    """Yield what decodes each of a document's pages; raises a UserError where it can't be opened."""
    if document.page is not None:
        yield [partial(_labelled_page, document.page, prefix)]
        return
    assert document.file is not None
    opened = open_document(document.file)
    with contextlib.closing(opened.document):
        yield [partial(_page_of, opened, number, prefix) for number in range(1, opened.document.count + 1)]


def _page_of(opened: Opened, number: int, prefix: str) -> FoundPage:
    several = opened.document.count > 1
    digest = page_sum(f"{opened.sha256} {number}".encode()) if several else opened.sha256[: page_sums.DIGITS]
    return FoundPage(f"{prefix}_p{number:04d}" if several else prefix, digest, opened.document.page(number))


def _labelled_page(page: PageSource, prefix: str) -> FoundPage:
    label, content = read_label_file(page.label.read(MAX_LABEL_BYTES), page.name), page.image.read(MAX_IMAGE_BYTES)
    colour, grey = colour_and_grey(PageImage(content, label.layout if label.annotations else NOTHING_LABELLED))
    return FoundPage(prefix, page_sum(content), SourcePage(1, colour, grey), label)


def _assemble(work: Path, documents: int, cutting: UnlabelledCutting) -> int:
    """Write what belongs to a set beside its pictures, and say what was done; return the number of words."""
    records = [read_json_object(work / "records" / f"{number:07d}.json") for number in range(documents)]
    folder, names = work / "set", [name for record in records for name in record["words"]]
    counts = sum((Counter(record["counts"]) for record in records), Counter())
    faults = [fault for record in records for fault in record["faults"]]
    rows = {"pages": sum(len(record["pages"]) for record in records), "pages that can't be read": len(faults)}
    cutting.say("\n" + format_table(["words without labels", ""], list((rows | counts).items())))
    for fault in faults[:SHOWN]:
        cutting.say(f"left out: {fault}")
    if not names:
        reason = f"; {faults[0]}" if faults else ""
        raise UserError(f"{cutting.target}: not one word was found on {rows['pages']:,} pages{reason}")
    for file, header, lines in (
        ("labels.csv", HEADER, ((name, "") for name in names)),
        (page_sums.FILE, page_sums.HEADER, (page for record in records for page in record["pages"])),
    ):
        with (folder / file).open("w", encoding="utf-8", newline="", errors="backslashreplace") as written:
            written.writelines(map(format_row, [header, *lines]))
    if cutting.form == "lmdb":
        database = PatchDatabase(folder / "lmdb")
        database.append_images((folder / "images" / name).read_bytes() for name in names[database.taken :])
        database.finish("" for _ in names)
        shutil.rmtree(folder / "images", ignore_errors=True)
    return len(names)

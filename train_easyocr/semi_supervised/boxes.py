"""Label files for a detector's training, of pages that nobody labelled and of those of which only a part is.

What the detector finds in two views of a page (`detection/two_views.py`) becomes boxes without texts, which that
training alone takes; what is doubtful is marked as don't care, and stays out of the loss. What is labelled stays as
it is. What is done is kept page by page: a run that was killed goes on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from train_easyocr.common.errors import UsageError, UserError
from train_easyocr.common.files import read_json_object, write_bytes, write_json
from train_easyocr.common.publishing import PLAN, publish, recover, remove, work_folder
from train_easyocr.common.text import format_table
from train_easyocr.datasets.cropping import prefixes
from train_easyocr.datasets.png import encode_png
from train_easyocr.detection.db_detector import DbDetector
from train_easyocr.detection.interface import WordDetector
from train_easyocr.detection.two_views import FoundTwice, find_twice
from train_easyocr.documents.aihub import FOUND, IMAGE_SUFFIXES, LabelFile
from train_easyocr.documents.images import MAX_IMAGE_BYTES
from train_easyocr.documents.json_forms import labelled
from train_easyocr.documents.page import Box
from train_easyocr.documents.sources import FileSource
from train_easyocr.semi_supervised.pages import SHOWN, FoundPage, Unlabelled, digest_of, visit_pages


@dataclass(frozen=True)
class BoxLabelling:
    """What is to be made of unlabelled pages.

    Attributes:
        target: The folder that gets `images/` and `labels/`.
        detector: Finds the words.
        depends: What its boxes depend on.
        left_out: Why pages are not to be used, by their sums.
        say: Takes a line for the user.
    """

    target: Path
    detector: WordDetector
    depends: str
    left_out: Mapping[str, str]
    say: Callable[[str], None]


def label_boxes(documents: Sequence[Unlabelled], job: BoxLabelling) -> int:
    """Write images and labels, or go on with it, or leave them as they are when they are there already.

    Args:
        documents: All of them.
        job: What is to be made.

    Returns:
        The number of boxes that were found.

    Raises:
        UsageError: The detector is not db_light.
        UserError: Not one box was found.
        OSError: Something can't be written.
    """
    target, say, detector = job.target, job.say, job.detector
    if not isinstance(detector, DbDetector):
        raise UsageError("--boxes: db_light's boxes alone can be compared; name another bundle with --detector")
    work = work_folder(target)
    recover(target)
    plan = {"finder": job.depends, "documents": digest_of(documents, job.left_out)}
    if (there := read_json_object(target / PLAN)) and {key: there.get(key) for key in plan} == plan:
        say(f"{target}: nothing to do, it is there")
        return int(there["boxes"])
    if read_json_object(work / PLAN) != plan:
        remove(work)
        for name in ("records", "set"):
            (work / name).mkdir(parents=True)
        write_json(work / PLAN, plan)
    names, counts = prefixes([document.name for document in documents]), Counter[str]()
    faults: list[str] = []
    for number, document in enumerate(tqdm(documents, desc="boxes", unit="documents", dynamic_ncols=True)):
        record = work / "records" / f"{number:07d}.json"
        if not record.is_file():
            write_json(record, _label(document, names[document.name], work / "set", detector, job.left_out))
        done = read_json_object(record)
        counts.update(done["counts"])
        faults += done["faults"]
    say("\n" + format_table(["boxes without labels", ""], [*counts.items(), ("pages that can't be read", len(faults))]))
    for fault in faults[:SHOWN]:
        say(f"left out: {fault}")
    if not counts["found in both views"]:
        raise UserError(f"{target}: not one box was found on {counts['pages']:,} pages")
    write_json(work / "set" / PLAN, plan | {"boxes": counts["found in both views"]})
    publish(work / "set", target)
    remove(work)
    say(f"{target}: ready; the training of a detector takes it with labelled pages (train_data)")
    return counts["found in both views"]


def _label(
    document: Unlabelled, prefix: str, folder: Path, detector: DbDetector, left_out: Mapping[str, str]
) -> dict[str, Any]:
    """Write a document's pages; return counts and what was left out."""

    def write(page: FoundPage, counts: Counter[str], single: bool) -> None:
        found = find_twice(detector, page.page.grey, page.labelled)
        _write(document, page, found, folder, single=single)
        counts.update({"pages": 1, "labelled": len(page.labelled)})
        counts.update({"found in both views": len(found.agreed), "doubtful": len(found.doubtful)})

    return visit_pages(document, prefix, left_out, write)


def _write(document: Unlabelled, page: FoundPage, found: FoundTwice, folder: Path, *, single: bool) -> None:
    """Write a page: its image as it is, where it has a file of its own, so that it is known by its content."""
    source = document.page.image if document.page else None
    if source is None and document.file and document.file.path:
        source = FileSource(document.file.path)
    if source is not None and single and source.suffix.lower() in IMAGE_SUFFIXES:
        suffix, content = source.suffix, source.read(MAX_IMAGE_BYTES)
    else:
        suffix, content = ".png", encode_png(page.page.grey)
    image, label = folder / "images" / f"{page.name}{suffix}", folder / "labels" / f"{page.name}.json"
    for file in (image, label):
        file.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(image, content)
    height, width = page.page.grey.shape
    size = {"image.category": page.label.category if page.label else "", "image.width": width, "image.height": height}
    write_json(label, {"images": [size], "annotations": [*_kept(page.label), *_added(found)]})


def _kept(label: LabelFile | None) -> list[dict[str, Any]]:
    return [
        labelled(a.id, a.text, list(a.corners) if a.corners else _place(a.box), dont_care=bool(a.fault))
        for a in (label.annotations if label else ())
    ]


def _added(found: FoundTwice) -> list[dict[str, Any]]:
    agreed = [labelled("found", "", _place(box), dont_care=True) | {FOUND: True} for box in found.agreed]
    return agreed + [labelled("doubtful", "", _place(box), dont_care=True) for box in found.doubtful]


def _place(box: Box) -> list[float]:
    return [box.xmin, box.ymin, box.width, box.height]

"""The words that a model got wrong, as a training set: patches with their right labels, in step 2's form.

    python3 evaluate.py --eval_set DIR --finetuned --export_badcases FOLDER

`FOLDER` holds `images/` and `labels.csv` as step 2 writes them with the same settings (`rgb`, `unify_variants`),
so that, put below `train_data`, it is trained on by its name
(`select_data=select_data-FOLDER`); `badcases.csv` says what was read instead, and `weak_characters.json` is the list of
characters that `python3 -m train_easyocr.synthesis.words --from_report` takes. What a model is trained on it can't be
scored on any more: take pages for this that are not those of the final score.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from train_easyocr.common.errors import UserError
from train_easyocr.common.files import read_json_object, write_json, write_text
from train_easyocr.common.publishing import publishing
from train_easyocr.common.text import unify_variants
from train_easyocr.datasets.cropping import Cutting, crop, patch_name, prefixes, straightened, tilted_region
from train_easyocr.datasets.labels_csv import HEADER, format_row
from train_easyocr.datasets.png import encode_png
from train_easyocr.documents.aihub import LabelError, read_labelled_page
from train_easyocr.documents.images import ImageError, decode_page
from train_easyocr.documents.sources import PageFile
from train_easyocr.evaluation.observations import Observations, Words
from train_easyocr.metrics.character_errors import CharacterSummary, weak_characters
from train_easyocr.metrics.error_classes import CLASSES, RIGHT

MANIFEST = "badcases.json"
LIST = "badcases.csv"
WEAK = "weak_characters.json"
NO_PATCH = "box without area on the page, or with the place of another"
NO_TEXT = "label without text"
AS_LABELLED = Cutting()
"""Grey, texts as they are."""


@dataclass
class _Set:
    """The rows of the set so far."""

    labels: list[str] = field(default_factory=lambda: [format_row(HEADER)])
    details: list[str] = field(
        default_factory=lambda: [format_row(("filename", "class", "label", "read", "confidence", "page"))]
    )
    names: set[str] = field(default_factory=set)
    skipped: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def export_bad_cases(
    folder: Path,
    model: str,
    observations: Observations,
    summary: CharacterSummary,
    pages: Sequence[PageFile],
    *,
    cutting: Cutting = AS_LABELLED,
    say: Callable[[str], None] = tqdm.write,
) -> int:
    """Write the labels that a model did not read right as patches.

    Args:
        folder: The new set. One that this function wrote before is replaced; all else is left alone.
        model: The model's name.
        observations: What it did.
        summary: Its characters.
        pages: The files of the evaluation's pages.
        cutting: What patches show and how labels are written, as the training set has it.
        say: Takes a line about each page that can't be read any more.

    Returns:
        The number of patches.

    Raises:
        UserError: The folder holds something else.
        OSError: Something can't be written.
    """
    check_folder(folder)
    words = observations.words()
    found = _Set()
    files = {page.name: page for page in pages}
    called = prefixes(list(files))
    rows = _wrong_rows(words)
    with publishing(folder) as work:
        (work / "images").mkdir()
        for page, of_page in tqdm(rows.items(), unit="page", desc="Bad cases"):
            name = observations.pages[page].name
            try:
                layout = read_labelled_page(files[name]).layout
                image, _ = decode_page(files[name].image.read_bytes(), layout, cutting.rgb)
            except (ImageError, LabelError, OSError) as error:
                say(f"skipped {name}: {error}")
                continue
            _write_patches(work, image, (called[name], name, words, of_page), cutting, found)
        write_text(work / "labels.csv", "".join(found.labels))
        write_text(work / LIST, "".join(found.details))
        write_json(work / WEAK, weak_characters(summary))
        write_json(work / MANIFEST, {"model": model, "words": len(found.names), "skipped": dict(found.skipped)})
    return len(found.names)


def check_folder(folder: Path) -> None:
    """Refuse a folder that bad cases may not replace: one that is neither new, nor empty, nor of an earlier export.

    Raises:
        UserError: It is such a one.
    """
    if folder.exists() and not _is_ours(folder) and not (folder.is_dir() and not any(folder.iterdir())):
        raise UserError(
            f"{folder}: is there already and holds no bad cases; name a folder that is new or empty, or remove it"
        )


def _is_ours(folder: Path) -> bool:
    return "model" in read_json_object(folder / MANIFEST)


def _wrong_rows(words: Words) -> Mapping[int, list[int]]:
    """Return the rows of labels that were not read right, by page."""
    rows: dict[int, list[int]] = defaultdict(list)
    for row in np.nonzero(words.labelled & (words.error_class != RIGHT))[0].tolist():
        rows[int(words.page[row])].append(row)
    return rows


def _write_patches(
    work: Path,
    image: np.ndarray,
    source: tuple[str, str, Words, Sequence[int]],
    cutting: Cutting,
    found: _Set,
) -> None:
    """Write the patches of a page: its prefix, its name, all words, and the rows of those that were not read right."""
    prefix, page, words, rows = source
    height, width = image.shape[:2]
    for row in rows:
        box = words.box_of(row).clipped(width, height)
        name = patch_name(prefix, box)
        text = unify_variants(words.text[row]) if cutting.unify else words.text[row]
        reason = NO_TEXT if not text else NO_PATCH if not box.area or name in found.names else ""
        if reason:
            found.skipped[reason] += 1
            continue
        # Into a folder that is published as a whole at the end, so no temporary name is needed.
        tilted = tilted_region(box, words.corners.get(row), width, height)
        (work / "images" / name).write_bytes(encode_png(straightened(image, tilted) if tilted else crop(image, box)))
        confidence = float(words.confidence[row])
        found.names.add(name)
        found.labels.append(format_row((name, text)))
        found.details.append(
            format_row(
                (
                    name,
                    CLASSES[words.error_class[row]],
                    text,
                    words.read[row] or "",
                    "" if math.isnan(confidence) else f"{confidence:.6f}",
                    page,
                )
            )
        )

"""A round of pseudo labels: a teacher reads the words without labels, and what it reads surely becomes a set of words.

The set has step 2's form, so whatever trains on words trains on it; its pictures are those of the words without labels.
`pseudo_labels.csv` beside its labels.csv says of each label how sure the teacher is, in which round it came, and what
page and box the word is from.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from train_easyocr.common.errors import UserError
from train_easyocr.common.files import read_json_object, write_json
from train_easyocr.common.publishing import PLAN, publishing, remove
from train_easyocr.datasets.data import PngFolder, WordSet
from train_easyocr.datasets.labels_csv import HEADER, format_row
from train_easyocr.documents import page_sums
from train_easyocr.recognition.model import open_trained
from train_easyocr.semi_supervised.config import TRAINING, SemiSupervisedConfig, strength_of
from train_easyocr.semi_supervised.data import Words, link
from train_easyocr.semi_supervised.reading import LookReadings, TeacherLook, looks_of, read_looks
from train_easyocr.semi_supervised.report import SAMPLES, Labelled, write_report, write_samples
from train_easyocr.semi_supervised.selection import (
    Demands,
    Fate,
    Limits,
    Selection,
    Threshold,
    choose_threshold,
    select,
)

FILE = "pseudo_labels.csv"
COLUMNS = (*HEADER, "confidence", "round", "page", "xmin", "ymin", "xmax", "ymax", "fate")
READINGS = "readings"
"""Holds what was read of a round that is not at its end, below the experiment's folder."""
CHOICES = (
    *("seed", "least_precision", "least_accuracy", "least_kept", "views"),
    *("most_per_text", "most_of_length", "least_per_character"),
)
"""Settings that decide what is kept."""
_PLACE = re.compile(r"(?P<page>.*)_(\d+)-(\d+)-(\d+)-(\d+)\.png")


def set_name(number: int) -> str:
    """Return what the set of a round is called."""
    return f"pseudo_{number}"


def label_words(words: Words, teacher: Path, number: int, config: SemiSupervisedConfig) -> Path:
    """Make a round's set of pseudo labels, or what is left of it; it stays where it is there already.

    Args:
        words: All words.
        teacher: Weights with their card.
        number: Of the round, from 1.
        config: The settings.

    Returns:
        The set's folder.

    Raises:
        TeacherTooWeakError: No threshold makes labels of what the teacher reads.
        UserError: Not one word was kept, or a picture can't be read.
        WeightsError: The weights can't be used.
    """
    target, work = config.experiment / TRAINING / set_name(number), config.experiment / READINGS / str(number)
    looks = looks_of(teacher, strength_of(config.views), config.seed)
    plan = _plan(words, looks, number, config)
    if read_json_object(target / PLAN) == plan:
        remove(work)
        print(f"{target}: nothing to do, it is there")
        return target
    if read_json_object(work / PLAN) != plan:
        remove(work)
        work.mkdir(parents=True)
        write_json(work / PLAN, plan)
    threshold = _threshold(read_looks(words.validation, looks, work / "validation", config), words.validation, config)
    asked = replace(words.unlabelled, rows=words.unlabelled.rows[words.usable])
    selection = _select(read_looks(asked, looks, work / "unlabelled", config), looks, threshold, config)
    if not selection.kept.any():
        raise UserError(f"{target}: not one of {len(asked):,} words is read surely enough. {threshold.describe()}")
    with publishing(target) as folder:
        _write_set(folder, words, selection, number)
        title = f"Pseudo labels, round {number}, by {teacher}"
        labelled = Labelled(asked, selection, threshold, words.left_out)
        print(write_report(folder, title, labelled))
        augmentation = next((look.augmentation for look in looks if look.augmentation), None)
        write_samples(folder / SAMPLES, labelled, augmentation, open_trained(teacher)[2], config.seed)
        write_json(folder / PLAN, plan)
    remove(work)
    print(f"{target}: written, with its report and samples")
    return target


def _plan(words: Words, looks: Sequence[TeacherLook], number: int, config: SemiSupervisedConfig) -> dict[str, Any]:
    """Return what a round's labels follow from: equal plans stand for equal sets."""
    return {
        "round": number,
        "looks": [look.identity() for look in looks],
        "unlabelled": words.unlabelled.report.labels_sha256,
        "usable": hashlib.sha256(words.usable.tobytes()).hexdigest(),
        "validation": words.validation.report.labels_sha256,
        "settings": {name: getattr(config, name) for name in CHOICES},
    }


def _threshold(readings: LookReadings, words: WordSet, config: SemiSupervisedConfig) -> Threshold:
    demands = Demands(config.least_precision, config.least_accuracy, config.least_kept)
    return choose_threshold(readings, [words.label(index) for index in range(len(words))], demands, config.seed)


def _select(
    readings: LookReadings, looks: Sequence[TeacherLook], threshold: Threshold, config: SemiSupervisedConfig
) -> Selection:
    limits = Limits(
        most_per_text=config.most_per_text,
        most_of_length=config.most_of_length,
        least_per_character=config.least_per_character,
        longest=open_trained(looks[0].weights)[1].config["batch_max_length"],
        seed=config.seed,
    )
    return select(readings, [look.augmentation is not None for look in looks], threshold, limits)


def _write_set(folder: Path, words: Words, selection: Selection, number: int) -> None:
    """Write a set of step 2's form, whose pictures are those of the words without labels.

    An LMDB has its words by number: there each word has a row, and those that got no label an empty text.
    """
    unlabelled, chosen = words.unlabelled, words.usable[selection.kept]
    kept = dict(zip(chosen.tolist(), np.flatnonzero(selection.kept).tolist(), strict=True))
    files = isinstance(unlabelled.source, PngFolder)
    with (
        (folder / "labels.csv").open("w", encoding="utf-8", newline="") as labels,
        (folder / FILE).open("w", encoding="utf-8", newline="") as details,
    ):
        labels.write(format_row(HEADER))
        details.write(format_row(COLUMNS))
        for index in range(len(unlabelled)):
            name = unlabelled.table.row(index)[0]
            if (place := kept.get(index)) is not None:
                text, fate = selection.texts[place], selection.fates[place]
                labels.write(format_row((name, text)))
                details.write(format_row(_details(name, text, float(selection.confidence[place]), number, fate)))
            elif not files:
                labels.write(format_row((name, "")))
    images = unlabelled.report.folder / ("images" if files else "lmdb")
    link(folder / images.name, images)
    if (pages := unlabelled.report.folder / page_sums.FILE).is_file():
        shutil.copyfile(pages, folder / page_sums.FILE)


def _details(name: str, text: str, confidence: float, number: int, fate: Fate) -> Iterator[str]:
    """Yield the fields of a row; page and box are told by the picture's name, where step 2 has named it."""
    found = _PLACE.fullmatch(name)
    yield from (name, text, f"{confidence:.4f}", str(number))
    yield from found.groups() if found else [""] * 5
    yield str(fate)

"""The words that are learnt from: labelled, for validation, and those that nobody labelled; checked, each in one form.

They come out of step 2's sets, or out of a folder in the form of PaddleX's MSTextRecLMSSLDataset: `train.txt` and
`val.txt` (`image<tab>text` a line), `train_unlabeled.txt` (a path a line), `dict.txt` (a character a line), and images
at paths below that folder. Below the experiment each becomes a set as step 2 writes it, whose pictures stay where they
are: the folder of images is a link. So step 3 itself trains on them, and on the pseudo labels that join them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from train_easyocr.common.errors import UserError
from train_easyocr.common.files import write_text
from train_easyocr.common.publishing import publishing
from train_easyocr.common.text import format_table
from train_easyocr.common.workers import shows_progress
from train_easyocr.datasets.data import (
    NO_PATCH,
    WordSet,
    decode_patch,
    describe_sets,
    open_set,
    open_unlabelled,
    texts_of_set,
)
from train_easyocr.datasets.foreign_sets import ForeignSet, from_list, from_paths
from train_easyocr.documents.page_sums import read_page_sums
from train_easyocr.semi_supervised.config import LABELS, TRAINING, VALIDATION, SemiSupervisedConfig
from train_easyocr.settings.parts import WordSettings
from train_easyocr.weights.characters import CharacterSet, korean_documents

TRAIN, VAL, UNLABELLED, DICT = "train.txt", "val.txt", "train_unlabeled.txt", "dict.txt"
LISTS = (TRAIN, VAL, UNLABELLED)
"""Of a folder in the form of MSTextRecLMSSLDataset, beside its `DICT`."""
UNLABELLED_SET = "sets/unlabeled"
"""Where the words without labels are, below the experiment's folder."""
IN_VALIDATION, LABELLED, TWICE = "in validation, by content", "labelled, by content", "there twice, by content"
NOT_READ = "no image that can be decoded"
SUM_BYTES, UNREADABLE = 16, b""


@dataclass(frozen=True)
class Places:
    """Where words come from.

    Attributes:
        labelled: A set, or a list.
        validation: Likewise.
        unlabelled: A set, or a list of images.
        character: A file of characters; empty: the networks' own settings say which there are.
    """

    labelled: Path
    validation: Path
    unlabelled: Path
    character: str = ""


@dataclass(frozen=True)
class Words:
    """All words, opened.

    Attributes:
        labelled: To train on.
        validation: To measure on, and to calibrate confidences on.
        unlabelled: All that lie in the set without labels.
        usable: int32, those of them that may get a label: indices of `unlabelled`.
        left_out: How many of them may not, by reason; and how many of a list have no image.
        absent: Says of each list which images that it names are not there.
    """

    labelled: WordSet
    validation: WordSet
    unlabelled: WordSet
    usable: np.ndarray
    left_out: Counter[str]
    absent: list[str]

    def describe(self) -> str:
        """Return what was read, and left out by reason, as tables."""
        reports = [describe_sets(title, [words.report]) for title, words in
                   (("Labelled", self.labelled), ("Validation", self.validation))]  # fmt: skip
        rows = [["words", self.unlabelled.report.read + self.left_out[NO_PATCH]]]
        rows += [*([reason, count] for reason, count in self.left_out.items()), ["may get a label", len(self.usable)]]
        table = format_table(["", "Words"], rows)
        return "\n\n".join([*reports, f"Without labels: {self.unlabelled.report.folder}\n{table}", *self.absent])


def places_of(config: SemiSupervisedConfig, folder: Path | None) -> Places:
    """Return where the words are; all that is not there is told at once.

    Args:
        config: Says where step 2's sets are.
        folder: One in the form of MSTextRecLMSSLDataset, in their place; None for none.

    Raises:
        UserError: Something is not there.
    """
    if folder is not None:
        _check_lists(folder)
        return Places(folder / TRAIN, folder / VAL, folder / UNLABELLED, str(folder / DICT))
    unlabelled = config.prepared / config.unlabeled_data / config.select_data
    places = Places(config.training_sets[0], config.validation_sets[0], unlabelled)
    advice = {
        places.labelled: "step 2 (prepare_dataset.py --training) writes it",
        places.validation: "step 2 (prepare_dataset.py --validation) writes it",
        places.unlabelled: "step 2 writes it of pages that nobody labelled (prepare_dataset.py --unlabeled DIR)",
    }
    missing = [f"{place}: there is no such set; {how}" for place, how in advice.items() if not place.exists()]
    if missing:
        raise UserError("\n".join([*missing, "Or --data DIR names a folder with train.txt, val.txt and the others"]))
    return places


def _check_lists(folder: Path) -> None:
    faults = [f"{folder / name}: there is no such file" for name in LISTS if not (folder / name).is_file()]
    if not (folder / DICT).is_file():
        how = f"python3 -m train_easyocr.semi_supervised --data {folder} --make_dict writes it"
        faults.append(f"{folder / DICT}: there is no such file; {how}, of the labels' characters")
    if faults:
        raise UserError("\n".join(faults))


def make_dict(folder: Path) -> tuple[Path, int]:
    """Write a folder's `dict.txt`: the characters of Korean documents, and what the labels hold beside them.

    Of a few labels alone, most syllables would be missing, and no word that holds one could ever get a label.

    Returns:
        The file, and the number of characters.

    Raises:
        UserError: There are no labels that can be read.
    """
    texts = (text for name in (TRAIN, VAL) if (folder / name).is_file() for text in texts_of_set(folder / name))
    found = Counter(character for text in texts for character in text if character.isprintable())
    if not found:
        raise UserError(f"{folder}: neither {TRAIN} nor {VAL} holds a label")
    characters = "".join(dict.fromkeys(korean_documents() + "".join(sorted(found))))
    write_text(folder / DICT, "".join(f"{character}\n" for character in characters))
    return folder / DICT, len(characters)


def gather(places: Places, experiment: Path, settings: WordSettings, unify: bool) -> Words:
    """Bring all words into one form below an experiment, and open and check them.

    Args:
        places: Where they are.
        experiment: The folder.
        settings: Which words can be used.
        unify: Write signs that look the same in one way, in lists of others.

    Raises:
        UserError: Something can't be read, or nothing is left of one of the sets; all that is wrong is told.
    """
    folders = [experiment / place for place in (f"{TRAINING}/{LABELS}", f"{VALIDATION}/{LABELS}", UNLABELLED_SET)]
    faults: list[str] = []
    lists: list[ForeignSet | None] = []
    for source, target in zip((places.labelled, places.validation, places.unlabelled), folders, strict=True):
        try:
            lists.append(_adopt(source, target, unify, labelled=source != places.unlabelled))
        except UserError as error:
            faults.append(str(error))
    if faults:
        raise UserError("\n".join(faults))
    characters = CharacterSet.from_setting(settings.character)
    labelled, validation = (open_set(folder, settings, characters) for folder in folders[:2])
    unlabelled = open_unlabelled(folders[2])
    usable, left_out = _usable(unlabelled, labelled, validation)
    left_out += Counter({NO_PATCH: lists[2].absent if lists[2] else 0})
    absent = [
        f"{source}: {found.absent:,} of the images that it names are not there, {found.first_absent!r} first"
        for source, found in zip((places.labelled, places.validation, places.unlabelled), lists, strict=True)
        if found and found.absent
    ]
    words = Words(labelled, validation, unlabelled, usable, left_out, absent)
    _refuse_nothing(words)
    return words


def _adopt(source: Path, target: Path, unify: bool, *, labelled: bool) -> ForeignSet | None:
    """Make a set as step 2 writes it of words wherever they are; their pictures stay there. Return a list's words."""
    if not source.is_file():
        if target.resolve() != source.resolve():
            target.unlink() if target.is_symlink() else shutil.rmtree(target, ignore_errors=True)
            target.parent.mkdir(parents=True, exist_ok=True)
            link(target, source)
        return None
    foreign = from_list(source, unify) if labelled else from_paths(source)
    if target.is_symlink():
        target.unlink()
    with publishing(target) as work:
        shutil.copyfile(foreign.labels, work / "labels.csv")
        link(work / "images", foreign.place)
    return foreign


def link(place: Path, target: Path) -> None:
    """Make a link to a folder, which holds wherever the folder of both is moved."""
    place.symlink_to(os.path.relpath(target.resolve(), place.parent.resolve()), target_is_directory=True)


def _usable(unlabelled: WordSet, labelled: WordSet, validation: WordSet) -> tuple[np.ndarray, Counter[str]]:
    """Return which words without labels may get one: those whose picture has none, and is not measured on."""
    known = {UNREADABLE: NOT_READ} | dict.fromkeys(_sums(labelled), LABELLED)
    known |= dict.fromkeys(_sums(validation), IN_VALIDATION)
    pages = read_page_sums(unlabelled.report.folder)
    measured = set(read_page_sums(validation.report.folder).values())
    if shared := [name for name, page in pages.items() if page in measured]:
        raise UserError(
            f"{unlabelled.report.folder}: {len(shared):,} of its pages are in the validation set, {shared[0]!r} first; "
            "cut the words anew (prepare_dataset.py --unlabeled)"
        )
    usable, left_out = [], Counter(unlabelled.report.left_out)
    for index, content in enumerate(_sums(unlabelled, skip=True)):
        if reason := known.get(content):
            left_out[reason] += 1
        else:
            usable.append(index)
            known[content] = TWICE
    return np.array(usable, np.int32), left_out


def _sums(words: WordSet, skip: bool = False) -> Iterator[bytes]:
    """Yield a sum of each word's picture file; `UNREADABLE` where there is none that can be decoded, with `skip`."""
    desc = f"Comparing the pictures of {words.report.name}"
    for index in tqdm(range(len(words)), desc=desc, unit="word", leave=False, disable=not shows_progress()):
        row = int(words.rows[index])
        try:
            content = words.source.read(row, words.table.row(row)[0])
            if skip:
                decode_patch(content, False, words.place(index))
        except UserError:
            if not skip:
                raise
            yield UNREADABLE
        else:
            yield hashlib.blake2b(content, digest_size=SUM_BYTES).digest()


def _refuse_nothing(words: Words) -> None:
    empty = [
        f"{data.report.folder}: none of its {data.report.read:,} words can be used: {data.report.reasons()}"
        for data in (words.labelled, words.validation)
        if not len(data)
    ]
    if not len(words.usable):
        reasons = "; ".join(f"{count:,} {reason}" for reason, count in words.left_out.items())
        empty.append(f"{words.unlabelled.report.folder}: none of its words may get a label: {reasons or 'it is empty'}")
    if empty:
        raise UserError("\n".join(empty))

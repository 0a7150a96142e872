"""What a round of pseudo labels kept and dropped, by reason and by kind of word, and a sheet of samples to look at."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from train_easyocr.common.files import write_json, write_text
from train_easyocr.common.text import format_table
from train_easyocr.datasets.data import WordSet, generator, reading_widths
from train_easyocr.evaluation.slices import HEIGHTS, LENGTHS
from train_easyocr.recognition.augmentation import Augmentation
from train_easyocr.recognition.batches import resize
from train_easyocr.recognition.sample_sheet import SeenWord, draw_sheet
from train_easyocr.semi_supervised.selection import KEPT, Fate, Selection, Threshold
from train_easyocr.settings.parts import InputSettings

MARKDOWN, JSON, SAMPLES = "report.md", "report.json", "samples.png"
SHOWN = 9
"""Words of each fate on the sheet."""
SHEET = 73
"""Purpose of a random generator: which words are on the sheet."""


class Labelled(NamedTuple):
    """A round of pseudo labels.

    Attributes:
        words: The words that were read.
        selection: What became of them.
        threshold: What validation says of the teacher.
        left_out: How many other words were not read at all, by reason.
    """

    words: WordSet
    selection: Selection
    threshold: Threshold
    left_out: Counter[str]


def write_report(folder: Path, title: str, labelled: Labelled) -> str:
    """Write `MARKDOWN` and `JSON` into a folder; return what a terminal shows of them.

    Args:
        folder: Where they go.
        title: Says which round, and whose labels these are.
        labelled: The round.
    """
    words, selection, threshold, left_out = labelled
    table = pd.DataFrame({"fate": [str(fate) for fate in selection.fates], "confidence": selection.confidence})
    table["kept"] = selection.kept
    fates = {str(fate): selection.fates.count(fate) for fate in Fate}
    fates |= {f"not read: {reason}": count for reason, count in left_out.items()}
    slices = _slices(words, selection.texts, table)
    write_json(
        folder / JSON,
        {
            "title": title,
            "expected_precision": selection.precision,
            "threshold": asdict(threshold),
            "fates": fates,
            "slices": slices.to_dict("records"),
        },
    )
    kept = int(table["kept"].sum())
    lines = [
        title,
        threshold.describe(),
        f"{kept:,} of {len(table):,} words have a label now; {selection.precision:.2%} of these labels are expected to "
        "be right, as far as the words without labels are like those of validation",
    ]
    of_fates = format_table(["What became of the words", "Words"], list(fates.items()))
    of_slices = format_table(list(slices.columns), slices.astype(object).values.tolist())
    block = "\n".join(lines)
    write_text(folder / MARKDOWN, f"# {block}\n\n```\n{of_fates}\n\n{of_slices}\n```\n\n![samples]({SAMPLES})\n")
    return f"{block}\n\n{of_fates}\n\n{of_slices}"


def _slices(words: WordSet, texts: Sequence[str], table: pd.DataFrame) -> pd.DataFrame:
    """Return for each kind of word how many there are, how many were kept, and how sure the teacher is of them."""
    kinds = {
        "length": _binned(np.array([len(text) for text in texts]), LENGTHS),
        "height": _binned(words.sizes()[1], HEIGHTS),
        "script": [_script(text) for text in texts],
    }
    parts = []
    for kind, values in kinds.items():
        names = pd.Series([f"{kind} {value}" for value in values], name="slice")
        groups = table.groupby(names, sort=True)
        parts.append(groups.agg(words=("kept", "size"), kept=("kept", "sum"), confidence=("confidence", "mean")))
    result = pd.concat(parts).reset_index()
    result["share kept"] = (result["kept"] / result["words"]).map("{:.1%}".format)
    result["confidence"] = result["confidence"].map("{:.3f}".format)
    return result


def _binned(values: np.ndarray, starts: Sequence[int]) -> list[str]:
    return [f"{starts[max(0, place - 1)]:>2} or more" for place in np.searchsorted(starts, values, side="right")]


def _script(text: str) -> str:
    """Return what a text is written in, `mixed` where that is several scripts; spaces don't count."""
    found = {_script_of(character) for character in text if not character.isspace()}
    return found.pop() if len(found) == 1 else "mixed" if found else "none"


def _script_of(character: str) -> str:
    if character.isdecimal():
        return "digits"
    name = unicodedata.name(character, "")
    return "Hangul" if name.startswith("HANGUL") else "Latin" if name.startswith("LATIN") else "signs"


def write_samples(
    path: Path, labelled: Labelled, augmentation: Augmentation | None, settings: InputSettings, seed: int
) -> None:
    """Draw some words of each fate, kept ones first, with what was read and how sure that is.

    Args:
        path: The PNG to write.
        labelled: The round.
        augmentation: Of the augmented view, which is drawn beside each word; None: there is none.
        settings: Of the teacher's input.
        seed: Chooses the words.
    """
    draw_sheet(path, list(_samples(labelled, augmentation, settings, seed)), settings.img_height)


def _samples(
    labelled: Labelled, augmentation: Augmentation | None, settings: InputSettings, seed: int
) -> Iterator[SeenWord]:
    words, selection = labelled.words, labelled.selection
    order = generator(seed, SHEET).permutation(len(words)).tolist()
    for fate in [*KEPT, *(fate for fate in Fate if fate not in KEPT)]:
        for index in islice((one for one in order if selection.fates[one] is fate), SHOWN):
            patch = words.patch(index, settings.rgb)
            seen = augmentation.apply(patch, 0, 0, index) if augmentation else patch
            caption = f"{selection.texts[index]}  {selection.confidence[index]:.2f} {fate.name.lower()}"
            height, width = patch.shape[:2]
            room = int(reading_widths(np.array([width]), np.array([height]), settings.img_height)[0])
            pictures = [resize(each, min(room, settings.img_width), settings) for each in (patch, seen)]
            yield SeenWord(caption, *pictures)

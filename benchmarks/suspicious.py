"""How well wrong labels are found: some are planted, and counted among the first 100 that step 5 lists for review.

    python3 -m benchmarks.suspicious --eval_set evaluation_set [--planted 120] [--repeats 5]

The pages are read at their labelled boxes by the recognizer of the starter weights (with `--finetuned`, by the
installed one). Then labels are spoilt as people spoil them: a character that looks alike or another one in its place,
one left out, one doubled, or the text of another word of the page. What was read is kept in `--output`, so that a
second run takes seconds. Labels that were wrong before count as not planted.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from train_easyocr.documents import Box, Page, Word
from train_easyocr.documents.aihub import find_pages
from train_easyocr.evaluation.command import spread
from train_easyocr.evaluation.metrics import PageScores
from train_easyocr.evaluation.models import find_models
from train_easyocr.evaluation.observations import Observations, Row
from train_easyocr.evaluation.runner import evaluate
from train_easyocr.evaluation.suspicious import precision_at, suspicious_labels
from train_easyocr.text import format_table

FIRST = 100
INITIALS, VOWELS, FINALS = 19, 21, 28
"""Jamo of a Hangul syllable: U+AC00 + (initial * 21 + vowel) * 28 + final."""


@dataclass
class Readings:
    """What was read on each page, beside its labels."""

    pages: list[tuple[Page, Sequence[Row]]] = field(default_factory=list)

    def page(self, page: Page, rows: Mapping[str, Sequence[Row]], scores: Mapping[str, PageScores]) -> None:
        """Keep the page."""
        self.pages.append((page, next(iter(rows.values()))))


def spoilt(text: str, others: Sequence[str], state: random.Random) -> str:
    """Return a wrong label for a word: never the right one."""
    place = state.randrange(len(text))
    before, letter, after = text[:place], text[place], text[place + 1 :]
    ways = [
        before + _neighbour(letter, state) + after,
        before + state.choice("".join(others)) + after,
        before + letter * 2 + after,
        before + after,
        state.choice(others),
    ]
    return next((way for way in state.sample(ways, len(ways)) if way and way != text), text + letter)


def _neighbour(letter: str, state: random.Random) -> str:
    """Return a syllable that differs in one jamo, or another digit; any other character as it is."""
    code = ord(letter) - 0xAC00
    if letter.isascii() and letter.isdigit():
        return str((int(letter) + state.randint(1, 9)) % 10)
    if not 0 <= code < INITIALS * VOWELS * FINALS:
        return letter
    rest, final = divmod(code, FINALS)
    initial, vowel = divmod(rest, VOWELS)
    part = state.randrange(3)
    initial = (initial + (part == 0)) % INITIALS
    vowel = (vowel + (part == 1)) % VOWELS
    final = (final + (part == 2)) % FINALS
    return chr(0xAC00 + (initial * VOWELS + vowel) * FINALS + final)


def plant(
    pages: Sequence[Page], count: int, state: random.Random
) -> tuple[dict[str, list[Word]], set[tuple[str, Box]]]:
    """Spoil labels.

    Args:
        pages: The pages.
        count: How many labels of them all.
        state: Says which ones, and how.

    Returns:
        Each page's words, and page and box of each label that is wrong now.
    """
    places = [(page, index) for page in pages for index, word in enumerate(page.words) if word.text]
    words = {page.name: list(page.words) for page in pages}
    planted = set()
    for page, index in state.sample(places, count):
        word = page.words[index]
        others = [other.text for other in page.words if other.text]
        words[page.name][index] = Word(word.box, spoilt(word.text, others, state))
        planted.add((page.name, word.box))
    return words, planted


def precision(readings: Readings, model: str, count: int, seed: int) -> tuple[float, int]:
    """Return which share of the first 100 labels of the list was planted, and how many words were misread besides."""
    words, planted = plant([page for page, _ in readings.pages], count, random.Random(seed))
    observations = Observations()
    for page, rows in readings.pages:
        observations.add(page.name, page.category, words[page.name], rows)
    rows_of = observations.words()
    wrong = np.nonzero(rows_of.labelled & (rows_of.credit < 1))[0].tolist()
    others = sum((observations.pages[rows_of.page[row]].name, rows_of.box_of(row)) not in planted for row in wrong)
    ranked = suspicious_labels({model: observations}, {model: rows_of})
    return precision_at(ranked, planted, FIRST), others


def main() -> None:
    """Read, plant, rank, print."""
    parser = argparse.ArgumentParser(description="Precision of the list of suspicious labels among its first 100.")
    parser.add_argument("--eval_set", type=Path, required=True, metavar="DIR", help="images/ and labels/")
    parser.add_argument("--planted", type=int, default=120, help="wrong labels; default: %(default)s")
    parser.add_argument("--repeats", type=int, default=5, help="choices of labels; default: %(default)s")
    parser.add_argument("--limit", type=int, metavar="N", help="only N pages")
    parser.add_argument("--finetuned", action="store_true", help="read with the installed model")
    parser.add_argument("--output", type=Path, metavar="DIR", help="keep what was read here; default: nowhere")
    parsed = parser.parse_args()
    models, missing = find_models(not parsed.finetuned, parsed.finetuned, cuda=False)
    if not models:
        parser.error("; ".join(missing.values()))
    readings, pages = Readings(), spread(find_pages(parsed.eval_set)[0], parsed.limit)
    with nullcontext(parsed.output) if parsed.output else tempfile.TemporaryDirectory() as folder:
        evaluation = evaluate(pages, models[-1:], None, Path(folder), observer=readings)
    labels = sum(page.words for page in evaluation.pages)
    rows = []
    for seed in range(parsed.repeats):
        share, misread = precision(readings, models[-1].name, parsed.planted, seed)
        rows.append([seed, labels, parsed.planted, misread, f"{share:.2f}"])
    print(format_table(["seed", "labels", "planted", "otherwise misread", f"precision among the first {FIRST}"], rows))


if __name__ == "__main__":
    main()

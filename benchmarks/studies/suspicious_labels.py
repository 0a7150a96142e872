"""How many of the labels that step 5 calls suspicious are wrong: wrong ones are planted among an evaluation set's.

    python3 -m benchmarks.studies.suspicious_labels --eval_set sample/evaluation_set [--wrong 120] [--seed 1]

The words are read at the labelled boxes with the weights of `--weights`, by default the starter's, once. Then labels
are spoilt in four ways, equally often: a syllable with another initial, medial or final sound (a slip of the finger), a
character left out, a character written twice, and the text of the next word. Printed is the precision among the first
100 suspicious labels, beside the same precision had misread words been ranked by the model's confidence alone.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from tqdm import tqdm

from train_easyocr.common.text import format_table
from train_easyocr.documents import Box, Page, Word
from train_easyocr.documents.aihub import find_pages, read_labelled_page
from train_easyocr.evaluation.observations import Observations, Row
from train_easyocr.evaluation.suspicious import precision_at, suspicious_labels
from train_easyocr.metrics.error_classes import MISREAD
from train_easyocr.reading.reader import open_weights
from train_easyocr.reading.sources import load_page
from train_easyocr.weights.bundle import recognizer_of
from train_easyocr.weights.starter import STARTER

FIRST = 100
FIRST_SYLLABLE, MEDIALS, FINALS = 0xAC00, 21, 28
"""Of Hangul's block: its first code point, and how many medials and finals (none among them) there are."""


def other_sound(text: str, state: random.Random) -> str | None:
    """Exchange the initial, medial or final sound of one syllable; None where there is none."""
    places = [index for index, character in enumerate(text) if "가" <= character <= "힣"]
    if not places:
        return None
    place = state.choice(places)
    initial, rest = divmod(ord(text[place]) - FIRST_SYLLABLE, MEDIALS * FINALS)
    sounds = [initial, *divmod(rest, FINALS)]
    which = state.randrange(3)
    count = (19, MEDIALS, FINALS)[which]
    sounds[which] = (sounds[which] + state.randrange(1, count)) % count
    other = chr(FIRST_SYLLABLE + (sounds[0] * MEDIALS + sounds[1]) * FINALS + sounds[2])
    return text[:place] + other + text[place + 1 :]


def left_out(text: str, state: random.Random) -> str | None:
    """Leave out a character; None where nothing would be left."""
    place = state.randrange(len(text))
    return text[:place] + text[place + 1 :] or None


def written_twice(text: str, state: random.Random) -> str:
    """Write a character twice."""
    place = state.randrange(len(text))
    return text[: place + 1] + text[place:]


WAYS: tuple[Callable[[str, random.Random], str | None], ...] = (other_sound, left_out, written_twice)


def plant(pages: Sequence[Page], wrong: int, seed: int) -> tuple[list[list[Word]], dict[tuple[str, Box], str]]:
    """Spoil labels.

    Returns:
        Each page's labels, and in which way each wrong one was spoilt, by page and box.
    """
    state = random.Random(seed)
    labels = [list(page.words) for page in pages]
    places = [(page, index) for page, words in enumerate(labels) for index in range(len(words))]
    state.shuffle(places)
    planted: dict[tuple[str, Box], str] = {}
    for page, index in places:
        if len(planted) == wrong:
            break
        words = pages[page].words
        word, number = words[index], len(planted) % (len(WAYS) + 1)
        if number < len(WAYS):
            text, way = WAYS[number](word.text, state), WAYS[number].__name__
        else:
            text, way = words[(index + 1) % len(words)].text, "next_word"
        if text is not None and text != word.text and (pages[page].name, word.box) not in planted:
            labels[page][index] = Word(word.box, text)
            planted[pages[page].name, word.box] = way
    return labels, planted


def read(pages: Sequence[Page], weights: Path) -> list[list[Row]]:
    """Read all words at their labelled boxes."""
    reader, rows = open_weights(weights), []
    for page in tqdm(pages, unit="page", desc="Reading"):
        boxes = [word.box for word in page.words]
        readings = reader.recognize(load_page(page.image)[1], boxes)
        rows.append([[*box, *reading] for box, reading in zip(boxes, readings, strict=True)])
    return rows


def by_confidence(observations: Observations) -> list[tuple[str, Box]]:
    """Return page and box of the misread words, surest first."""
    words = observations.words()
    misread = [row for row in range(len(words.text)) if words.error_class[row] == MISREAD]
    misread.sort(key=lambda row: -words.confidence[row])
    return [(observations.pages[words.page[row]].name, words.box_of(row)) for row in misread]


def main(arguments: Sequence[str] | None = None) -> int:
    """Plant, read, rank and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, prog="python3 -m benchmarks.studies.suspicious_labels",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add("--eval_set", type=Path, required=True, metavar="DIR", help="pages whose labels are right: images/ and labels/")
    add("--weights", type=recognizer_of, default=STARTER, metavar="NAME", help="default: the starter's")
    add("--wrong", type=int, default=120, metavar="N", help="labels that are spoilt (default: %(default)s)")
    add("--seed", type=int, default=1, help="of what is spoilt and how (default: %(default)s)")
    args = parser.parse_args(arguments)
    files, _ = find_pages(args.eval_set) if args.eval_set.is_dir() else ([], [])
    pages = [read_labelled_page(file) for file in files]
    if sum(len(page.words) for page in pages) < 2 * args.wrong:
        print(f"{args.eval_set}: holds too few words for {args.wrong} wrong labels among them", file=sys.stderr)
        return 2
    rows = read(pages, args.weights)
    labels, planted = plant(pages, args.wrong, args.seed)
    clean, spoilt = Observations(), Observations()
    for page, words, found in zip(pages, labels, rows, strict=True):
        clean.add(page.name, page.category, page.words, found)
        spoilt.add(page.name, page.category, words, found)
    ranked = suspicious_labels({"model": spoilt}, {"model": spoilt.words()})
    first = [(entry.page, entry.box) for entry in ranked[:FIRST]]
    plain = by_confidence(spoilt)[:FIRST]
    own = sum(place not in planted for place in by_confidence(clean))
    ways = Counter(planted[place] for place in first if place in planted)
    print(
        f"{len(pages)} pages, {sum(map(len, labels)):,} words, {len(planted)} labels spoilt; the model misreads {own} "
        f"of the others. Of the first {len(first)}: {', '.join(f'{ways[way]} {way}' for way in sorted(ways))}"
    )
    ranking = [("suspicious labels", precision_at(ranked, set(planted), FIRST))]
    ranking.append(("by confidence alone", sum(place in planted for place in plain) / max(1, len(plain))))
    print(format_table(["ranking", f"precision among the first {FIRST}"], [[n, f"{p:.2f}"] for n, p in ranking]))
    return 0


if __name__ == "__main__":
    sys.exit(main())

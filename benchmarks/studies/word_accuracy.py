"""How well weights read single rendered words, in faces that the starter weights were not trained on.

    python3 -m benchmarks.studies.word_accuracy [--weights NAME ...] [--count 1500] [--faces unseen] [--seed 31]

For each look (good print, spoilt print, black and white) the same words are rendered once and read with all weights, by
default the starter's. Beside the share that is read without a mistake stand its two parts: words as documents hold
them, and words made up around a character so that each has its turn, most of which no document holds.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from train_easyocr.common.text import format_table
from train_easyocr.recognition.validation import read_as_trained
from train_easyocr.synthesis.rendered_words import Recipe, RenderedWords, unified
from train_easyocr.synthesis.word_patches import Look
from train_easyocr.weights.bundle import recognizer_of
from train_easyocr.weights.characters import CharacterSet
from train_easyocr.weights.starter import STARTER

LOOKS: tuple[Look, ...] = ("clean", "scanned", "bilevel")


def shares(words: RenderedWords, texts: Sequence[str], read: Sequence[str]) -> list[str]:
    """Return the per cent of words read right: all, those of documents, those made up."""
    right = [text == other for text, other in zip(texts, read, strict=True)]
    made_up = [bool(words.texts.target(index)) for index in range(len(texts))]
    parts = (
        right,
        [hit for hit, made in zip(right, made_up, strict=True) if not made],
        [hit for hit, made in zip(right, made_up, strict=True) if made],
    )
    return [f"{100 * sum(part) / max(1, len(part)):.1f}" for part in parts]


def main(arguments: Sequence[str] | None = None) -> int:
    """Render, read and print."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        prog="python3 -m benchmarks.studies.word_accuracy",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--weights", type=recognizer_of, nargs="+", default=[recognizer_of(STARTER)], metavar="NAME")
    add("--count", type=int, default=1500, help="words of each look (default: %(default)s)")
    add("--faces", choices=("starter", "sample", "unseen", "all"), default="unseen", help="default: %(default)s")
    add("--seed", type=int, default=31, help="other seeds, other words (default: %(default)s)")
    args = parser.parse_args(arguments)
    characters = unified(CharacterSet.from_setting("korean_documents").characters)
    rows: list[list[object]] = []
    for look in LOOKS:
        words, _ = Recipe(args.seed, look, characters, args.faces).prepare()
        texts, patches = zip(*(words.word(index) for index in range(args.count)), strict=True)
        for weights in args.weights:
            found = read_as_trained(weights, patches)
            rows.append([look, weights.name, args.count, *shares(words, texts, found)])
    print(format_table(["look", "weights", "words", "right, %", "words of documents", "made-up words"], rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())

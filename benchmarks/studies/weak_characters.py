"""What `config_files/weak_characters.yaml` does: weak characters before and after, and all else before and after.

    python3 -m benchmarks.studies.weak_characters [--output DIR] [--iterations N] [--mix OLD-NEW ...] [--lr RATE ...]

The weak characters are found first: the starter weights, fine-tuned on the pages of `small_task.py`, read rendered
words that are balanced over all characters, and those characters that are missing most often from what is read are the
weak ones. Words with them are rendered and trained beside the old pages, in one or several mixes and learning rates.
The table shows other rendered words with these characters, and the words of the test pages.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.results import machine
from benchmarks.studies.small_task import (
    UnseenWords,
    last_weights,
    opened,
    prepare,
    read_set,
    render_words,
    settings_of,
    share_right,
    timed_training,
)
from train_easyocr.common.text import format_table
from train_easyocr.datasets.data import WordSet
from train_easyocr.reading.reader import open_weights
from train_easyocr.settings.checking import CONFIG_FILES

CONFIG = CONFIG_FILES / "weak_characters.yaml"
WEAK, FEWEST = 12, 2
"""How many characters are taught, and in how many words each must have been missing."""
LOOKED_AT, RARE, TEST = 2_600, 2_000, 500
"""Rendered words: to find weak characters, to train with, to test with."""
OLD = {"n_iter": 120, "lr": 0.0005, "ema": 0, "seed": 1}
"""The fine-tuning that comes before."""
SEEDS = {"looked at": 31, "rare": 32, "test": 33}


def render(target: Path, count: int, seed: int, characters: str = "") -> Path:
    """Render words, balanced over all characters or around some, in the test pages' faces; or what is left of that."""
    return render_words(target, count, seed, "--faces", "sample", *(["--characters", characters] if characters else []))


def weakest(truth: Iterable[str], readings: Iterable[str]) -> str:
    """Return the characters that are missing from the largest parts of the readings of their words."""
    held, missing = Counter[str](), Counter[str]()
    for one, other in zip(truth, readings, strict=True):
        held.update(set(one))
        missing.update((Counter(one) - Counter(other)).keys())
    often = [character for character, times in missing.items() if times >= FEWEST]
    often.sort(key=lambda character: (-missing[character] / held[character], -missing[character], character))
    return "".join(often[:WEAK])


def shares(weights: Path, test: WordSet, words: UnseenWords, weak: str) -> list[float]:
    """Return per cent right: rendered words with weak characters, the those without, and the words of the pages."""
    reader = open_weights(weights)
    truth, readings = read_set(reader, test)
    pages, of_pages = words.truth(), words.read(reader, words.labelled)
    return [
        share_right(truth, readings, lambda text: not set(weak).isdisjoint(text)),
        share_right(pages, of_pages),
    ]


def table(rows: Iterable[tuple[str, Sequence[float]]]) -> str:
    """Lay out what was read right."""
    header = ["weights", "words with weak characters", "words of the test pages"]
    return format_table(header, [[name, *(f"{share:.1f}" for share in found)] for name, found in rows])


def main() -> None:
    """Find weak characters, teach them, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("saved_models/weak_characters"),
                        help="pages, words and runs (default: %(default)s)")  # fmt: skip
    parser.add_argument("--iterations", type=int, default=40, help="of each run (default: %(default)s)")
    parser.add_argument("--mix", nargs="+", default=["0.86-0.14"], help="batch_ratio (default: 0.86-0.14, the file's)")
    parser.add_argument("--lr", nargs="+", default=["0.00005"], help="learning rates (default: 0.00005, the file's)")
    parser.add_argument("--weights", type=Path, help="start from these, in place of the fine-tuning on the pages")
    options = parser.parse_args()
    folder = options.output.resolve()
    words = prepare(folder)
    before = options.weights
    if before is None:
        timed_training(settings_of(folder, "before", OLD))
        before = last_weights(folder / "runs" / "before")
    looked_at = opened(render(folder / "looked_at", LOOKED_AT, SEEDS["looked at"]), CONFIG)
    weak = weakest(*read_set(open_weights(before), looked_at))
    print(f"weak: {' '.join(weak)}", flush=True)
    training = folder / "training_and_validation_set" / "training"
    render(training / "rare", RARE, SEEDS["rare"], weak)
    test = opened(render(folder / "test_words", TEST, SEEDS["test"], weak), CONFIG)
    rows = [("before", shares(before, test, words, weak))]
    for mix in options.mix:
        for lr in options.lr:
            own = {
                "continue_from": before,
                "img_height": 32,
                "n_iter": options.iterations,
                "lr": lr,
                "batch_ratio": mix,
            }
            name = f"mix {mix}, lr {lr}, {options.iterations} iterations"
            timed_training(settings_of(folder, name, own, CONFIG))
            rows.append((name, shares(last_weights(folder / "runs" / name), test, words, weak)))
            print(table(rows), flush=True)
    print(machine())


if __name__ == "__main__":
    main()

"""What becomes of trained weights when the character set changes, in three ways of going on from them.

    python3 -m benchmarks.character_change [--output DIR] [--iterations N ...] [--first N]

A model of korean_g2's 1,008 characters is made first: the starter weights, cut to these and fine-tuned on the pages of
`small_task.py`. Then its set is changed to korean_documents (2,601 characters) in each way, and training goes on at a
constant learning rate. The table shows the test words read right after so many iterations: all of them, and those that
hold a character which the first model could not write. The convolutions have seen print of all characters, which is
so for any model whose set was too small for its data; the last layer has not.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from benchmarks.results import machine
from benchmarks.small_task import UnseenWords, last_weights, prepare, settings_of, share_right, timed_training
from train_easyocr.reader import open_weights
from train_easyocr.recognition.characters import CharacterSet
from train_easyocr.text import format_table

OLD, NEW = "korean_g2", "korean_documents"
FIRST = {"character": OLD, "lr": 0.0005}
CHANGED = {"character": NEW, "lr": 0.001, "lr_scheduler": "constant"}
WAYS: dict[str, dict[str, object]] = {
    "rows moved by character, new ones learnt first": {},
    "rows moved by character": {"new_characters_first": 0},
    "fresh last layer": {"new_prediction": True},
}
COMMON = {"ema": 0, "batch_pixels": "off"}


def trained(folder: Path, name: str, iterations: int, changes: dict[str, object]) -> Path:
    """Train a run up to so many iterations, from where it is, and return its last weights."""
    timed_training(settings_of(folder, name, COMMON | changes | {"n_iter": iterations, "save_period": iterations}))
    return folder / "runs" / name / f"iter_{iterations}.pth"


def new_characters() -> Callable[[str], bool]:
    """Return whether a word holds a character that the first model can't write."""
    old = CharacterSet.from_setting(OLD)
    return lambda text: bool(old.unknown(text))


def shares(words: UnseenWords, weights: Path, chosen: Callable[[str], bool]) -> list[float]:
    """Return per cent of all words, of those chosen, and of the others that weights read right at labelled boxes."""
    truth, readings = words.truth(), words.read(open_weights(weights), words.labelled)
    return [share_right(truth, readings, part) for part in (lambda _: True, chosen, lambda text: not chosen(text))]


def table(rows: Iterable[tuple[str, int, Sequence[float]]]) -> str:
    """Lay out what was read right."""
    header = ["weights", "iterations after the change", "all words", "with new characters", "other words"]
    return format_table(header, [[way, count, *(f"{share:.1f}" for share in found)] for way, count, found in rows])


def main() -> None:
    """Train in each way and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("saved_models/character_change"),
                        help="pages and runs (default: %(default)s)")  # fmt: skip
    parser.add_argument("--iterations", type=int, nargs="+", default=[50, 200], help="default: 50 200")
    parser.add_argument("--first", type=int, default=60, help="iterations of the first model (default: %(default)s)")
    options = parser.parse_args()
    folder = options.output.resolve()
    words, chosen = prepare(folder), new_characters()
    name = f"{OLD} {options.first}"
    trained(folder, name, options.first, FIRST)
    start = last_weights(folder / "runs" / name)
    rows = [("before, with korean_g2's characters", 0, shares(words, start, chosen))]
    for way, own in WAYS.items():
        for count in sorted(options.iterations):
            weights = trained(folder, f"{way} {options.first}", count, CHANGED | own | {"continue_from": start})
            rows.append((way, count, shares(words, weights, chosen)))
    print(table(rows))
    print(f"{sum(map(chosen, words.truth())):,} of {len(words.truth()):,} words hold a new character")
    print(machine())


if __name__ == "__main__":
    main()

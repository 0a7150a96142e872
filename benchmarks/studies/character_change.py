"""What becomes of trained weights when the character set changes, in three ways of going on from them.

    python3 -m benchmarks.studies.character_change [--output DIR] [--iterations N ...] [--first N] [--seeds N ...]

A model of korean_g2's 1,008 characters is made first: the starter weights, cut to these and fine-tuned on the pages of
`small_task.py`. Then its set is changed to korean_documents (2,601 characters) in each way, and training goes on at a
constant learning rate. The table shows the test words read right after so many iterations, as means over the seeds with
their standard errors: all of them, and those that hold a character which the first model could not write. The
convolutions have seen print of all characters, which is so for any model whose set was too small for its data; the last
layer has not.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev

from benchmarks.results import machine
from benchmarks.studies.small_task import UnseenWords, last_weights, prepare, settings_of, share_right, timed_training
from train_easyocr.common.text import format_table
from train_easyocr.reading.reader import open_weights
from train_easyocr.weights.characters import CharacterSet

OLD, NEW = "korean_g2", "korean_documents"
FIRST = {"character": OLD, "lr": 0.0005}
CHANGED = {"character": NEW, "lr": 0.001, "lr_scheduler": "constant"}
WAYS: dict[str, dict[str, object]] = {
    "rows moved by character, new ones learnt first": {},
    "rows moved by character": {"new_characters_first": 0},
    "fresh last layer": {"new_prediction": True},
}
COMMON = {"ema": 0}
Row = tuple[str, int]
"""A way and how many iterations after the change."""


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


def measured(folder: Path, words: UnseenWords, seed: int, options: argparse.Namespace) -> dict[Row, list[float]]:
    """Make a first model with a seed and change its characters in each way; return what is read then."""
    chosen, own = new_characters(), {"seed": seed}
    name = f"{OLD} {options.first} seed {seed}"
    trained(folder, name, options.first, FIRST | own)
    start = last_weights(folder / "runs" / name)
    found = {("before, with korean_g2's characters", 0): shares(words, start, chosen)}
    for way, changes in WAYS.items():
        for count in sorted(options.iterations):
            settings = CHANGED | changes | own | {"continue_from": start}
            weights = trained(folder, f"{way} {options.first} seed {seed}", count, settings)
            found[way, count] = shares(words, weights, chosen)
    return found


def table(runs: Sequence[Mapping[Row, Sequence[float]]]) -> str:
    """Lay out what was read right, a row for each way and number of iterations."""
    header = ["weights", "iterations after the change", "all words", "with new characters", "other words"]
    rows = []
    for way, count in runs[0]:
        parts = zip(*(run[way, count] for run in runs), strict=True)
        rows.append([way, count, *map(_mean_of, parts)])
    return format_table(header, rows)


def _mean_of(values: Sequence[float]) -> str:
    error = f" ± {stdev(values) / len(values) ** 0.5:.1f}" if len(values) > 1 else ""
    return f"{fmean(values):.1f}{error}"


def main() -> None:
    """Train in each way and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("saved_models/character_change"),
                        help="pages and runs (default: %(default)s)")  # fmt: skip
    parser.add_argument("--iterations", type=int, nargs="+", default=[50, 200], help="default: 50 200")
    parser.add_argument("--first", type=int, default=60, help="iterations of the first model (default: %(default)s)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1], help="default: 1")
    options = parser.parse_args()
    folder = options.output.resolve()
    words, runs = prepare(folder), []
    for seed in options.seeds:
        runs.append(measured(folder, words, seed, options))
        print(table(runs), flush=True)
    is_new = new_characters()
    print(f"{sum(map(is_new, words.truth())):,} of {len(words.truth()):,} words hold a new character")
    print(machine())


if __name__ == "__main__":
    main()

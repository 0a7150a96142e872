"""What learns most in a given time of one core? Trainings from nothing that differ in one setting, each as long.

    OMP_NUM_THREADS=1 python3 -m benchmarks.studies.hour_of_a_core --output DIR [--minutes 60] [--only NAME ...]

The base is how the starter's recognizer is trained (`starter_recognizer.yaml`), with `lr: auto` and without averaged
weights; the others change the batch size, the precision, the height or the width of the network. Words are of 58
syllables, digits and the commonest signs, so that minutes are enough to learn something; the test words are in faces
that were not trained on, black and white and grey.

Time is that of the processor: iterations of all runs are timed in turns, the less of two rounds each, and every run
gets the iterations that the minutes hold, so that its one-cycle schedule ends with them. Runs that are done are not
repeated, and one that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.results import machine
from benchmarks.studies.small_task import (
    SYLLABLES,
    accuracy_on,
    last_weights,
    opened,
    render_words,
    settings_of,
    timed_training,
)
from train_easyocr.common.files import write_json
from train_easyocr.common.text import format_table
from train_easyocr.datasets.data import WordSet
from train_easyocr.settings.checking import CONFIG_FILES
from train_easyocr.settings.config import Config

CONFIG = CONFIG_FILES / "starter_recognizer.yaml"
BASE = "base"
RUNS: Mapping[str, Mapping[str, object]] = {
    BASE: {},
    "img_height: 48": {"img_height": 48},
    "batch_size: 128": {"batch_size": 128},
    "precision: fp32": {"precision": "fp32"},
    "half the channels": {"output_channel": 128, "hidden_size": 128},
    "batch_size: 32": {"batch_size": 32},
    "img_height: 64": {"img_height": 64},
}
"""By name, the settings in which a run differs from the base; the most telling ones first."""
CHARACTERS = SYLLABLES + "0123456789.,-()"
WORDS, VALIDATION_WORDS = 120_000, 600
TEST_WORDS = {"bilevel": 2_000, "scanned": 2_000}
"""Words of each look that are read at the end."""
WARM, TIMED, ROUNDS = 4, 20, 2
"""Iterations of a shorter and a longer training, whose difference is timed, and how often both are run."""
OUTCOME = "outcome.json"
"""In the folder of a run that is at its end."""


@dataclass(frozen=True)
class Outcome:
    """The end of a run.

    Attributes:
        iterations: That it was trained for.
        rate: Words a second of processor's time.
        right: By look, per cent of the test words that were read right.
    """

    iterations: int
    rate: float
    right: Mapping[str, float]


def prepare(folder: Path, words: int) -> dict[str, WordSet]:
    """Render so many words to train on and all others, or what is left of that; return the test words by look."""
    characters = ("--character_set", CHARACTERS, "--characters", CHARACTERS)
    render_words(folder / "training" / "words", words, 41, "--faces", "starter", *characters)
    render_words(folder / "validation" / "words", VALIDATION_WORDS, 42, "--faces", "unseen", *characters)
    tests = {}
    for seed, (look, count) in enumerate(TEST_WORDS.items(), 43):
        target = folder / "test" / look
        tests[look] = opened(render_words(target, count, seed, "--faces", "unseen", "--look", look, *characters))
    return tests


def settings_for(folder: Path, name: str, iterations: int, run: str) -> Config:
    """Return the settings of a training of so many iterations, under the name `run`."""
    places = {"train_data": folder / "training", "val_data": folder / "validation", "workers": 0}
    changes = {"select_data": "words", "batch_ratio": 1, "character": CHARACTERS, "lr": "auto", "ema": 0}
    return settings_of(folder, run, {**changes, **places, "n_iter": iterations, **RUNS[name]}, CONFIG)


def seconds_an_iteration(folder: Path, names: Sequence[str]) -> dict[str, float]:
    """Time iterations of all runs in turns, or of those that were not timed before; return the least of each."""
    kept = folder / "seconds.json"
    known: dict[str, float] = json.loads(kept.read_bytes()) if kept.exists() else {}
    new = [name for name in names if name not in known]
    rounds = [{name: _difference(folder, name) for name in new} for _ in range(ROUNDS)]
    known |= {name: min(times[name] for times in rounds) for name in new}
    write_json(kept, known)
    return known


def _difference(folder: Path, name: str) -> float:
    shorter, longer = (_timed_afresh(folder, name, iterations) for iterations in (WARM, TIMED))
    return (longer - shorter) / (TIMED - WARM)


def _timed_afresh(folder: Path, name: str, iterations: int) -> float:
    shutil.rmtree(folder / "runs" / "timed", ignore_errors=True)
    return timed_training(settings_for(folder, name, iterations, "timed"))


def outcome_of(folder: Path, name: str, seconds: float, minutes: float, tests: Mapping[str, WordSet]) -> Outcome:
    """Train as many iterations as the minutes hold, and read the test words; what is done is not done again."""
    run = f"{name} {minutes:g} minutes".replace(": ", "=")
    kept = folder / "runs" / run / OUTCOME
    if not kept.exists():
        config = settings_for(folder, name, max(1, round(60 * minutes / seconds)), run)
        timed_training(config)
        weights = last_weights(kept.parent)
        right = {look: accuracy_on(words, weights) for look, words in tests.items()}
        write_json(kept, asdict(Outcome(config.n_iter, config.batch_size / seconds, right)))
    return Outcome(**json.loads(kept.read_bytes()))


def table(outcomes: Mapping[str, Outcome]) -> str:
    """Return one row a run: its speed, what it has seen, and how many test words it reads."""
    rows = [
        [name, f"{each.rate:.0f}", f"{each.iterations:,}", *(f"{share:.1f}" for share in each.right.values())]
        for name, each in outcomes.items()
    ]
    return format_table(["run", "words/s", "iterations", *(f"{look}: right, %" for look in TEST_WORDS)], rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what is left to train, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        prog="python3 -m benchmarks.studies.hour_of_a_core",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--output", type=Path, required=True, help="folder of words and runs")
    add("--minutes", type=float, default=60, help="of processor's time of each run (default: %(default)s)")
    add("--words", type=int, default=WORDS, help="to train on (default: %(default)s)")
    add("--only", nargs="+", choices=list(RUNS), default=list(RUNS), metavar="NAME", help=f"of {', '.join(RUNS)}")
    args = parser.parse_args(arguments)
    folder = args.output.resolve()
    tests = prepare(folder, args.words)
    seconds = seconds_an_iteration(folder, args.only)
    outcomes: dict[str, Outcome] = {}
    for name in args.only:
        outcomes[name] = outcome_of(folder, name, seconds[name], args.minutes, tests)
        print(f"{name}: {outcomes[name]}", file=sys.stderr, flush=True)
    print(table(outcomes))
    print(machine())
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What each element of the recipe gives: fine-tunings that differ in one setting, on one small rendered task.

    python3 -m benchmarks.studies.ablations --output DIR [--seeds N ...] [--only NAME ...] [--set key=value ...]
        [--table]

The task is what users do: the starter weights are fine-tuned on words of some pages and read words of other pages
(`small_task.py`), and single rendered words in faces of neither, which show what a training loses elsewhere.
`ablations.yaml` is the base recipe; general words are such as the starter weights were trained on. Runs that are done
are not repeated, a run that was stopped goes on where it was, and --table only prints what there is. Each recipe stands
beside the base of the same seeds: the mean difference, and its standard error, for which the scatter between seeds of
all recipes is pooled (three runs of one recipe alone would tell little of it). Of one seed alone, it is the error that
the choice of the words makes. Several processes may share a folder once its words are rendered, each with seeds of its
own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, variance

from benchmarks.studies.small_task import (
    SEED,
    Scores,
    UnseenWords,
    kept_scores,
    opened,
    pool_of,
    prepare,
    render_words,
    scored,
)
from train_easyocr.common.text import format_table
from train_easyocr.settings.config import Config, load_config
from train_easyocr.weights import starter as starter_weights

BASE, UNTRAINED = "base", "starter weights as they are"
POOL = "pool of batches"
"""Not a setting, but a constant of `datasets/sampling.py`: the batches whose words are sorted by width together."""
PUBLISHED = {"lr": "auto", "lr_scheduler": "piecewise"}
GENERAL, OTHER_WORDS = 10, 500
"""General words to train on, in multiples of the pages' words; and those that are read afterwards, in other faces."""
MIXED = {"select_data": "select_data-general"}
ELEMENTS: dict[str, dict[str, object]] = {
    BASE: {},
    "augmentation: off": {"augmentation": "off"},
    "augmentation: medium": {"augmentation": "medium"},
    "published pair: batch 128, 1e-4 then 2e-5": PUBLISHED | {"batch_size": 128},
    "published pair: batch 64, 5e-5 then 1e-5": PUBLISHED | {"batch_size": 64},
    "lr: 0.001": {"lr": 0.001},
    "lr: 0.0002": {"lr": 0.0002},
    "ema: 0.99": {"ema": 0.99},
    "center_loss: 0.05": {"center_loss": 0.05},
    "optimizer: adamw, weight_decay: 0.01": {"optimizer": "adamw", "weight_decay": 0.01},
    "lr_scheduler: constant": {"lr_scheduler": "constant"},
    "optimizer: adadelta, lr: 1.0": {"optimizer": "adadelta", "lr": 1.0},
    "augmentation: strong": {"augmentation": "strong"},
    "lr: auto": {"lr": "auto"},
    "lr_scheduler: piecewise": {"lr_scheduler": "piecewise"},
    "lr_scheduler: cosine": {"lr_scheduler": "cosine"},
    "pool of batches: 16": {POOL: 16},
    "pool of batches: 256": {POOL: 256},
    "lr: 0.002": {"lr": 0.002},
    "weight_decay: 1e-5 (L2)": {"weight_decay": 1e-5},
    "l1: 1e-6": {"l1": 1e-6},
    "accumulation: 2": {"accumulation": 2},
    "warmup: 0": {"warmup": 0},
    "early_stopping: 2, val_period: 15, lr_scheduler: constant": {
        "early_stopping": 2,
        "val_period": 15,
        "lr_scheduler": "constant",
    },
    "total_data_usage_ratio: 0.5": {"total_data_usage_ratio": 0.5},
    "batch_ratio: 0.9-0.1 with general words": MIXED | {"batch_ratio": "0.9-0.1"},
    "batch_ratio: 0.5-0.5 with general words": MIXED | {"batch_ratio": "0.5-0.5"},
    "data_usage_ratio: 1.0-0.1 with ten times as many general words": MIXED | {"data_usage_ratio": "1.0-0.1"},
} | {
    f"augmentation_kinds: {kinds}": {"augmentation_kinds": kinds}
    for kinds in (
        "distort-stretch-perspective",
        "rotate",
        "blur-streak",
        "grain-speckle-crumble",
        "compress",
        "swell-starve",
        "light-fade-harden-invert",
        "cut_out",
        "rule",
        "coarsen",
    )
}
"""By name, the settings in which a recipe differs from the base; the most telling ones first."""
Found = Mapping[str, Mapping[int, Scores]]


def run_name(name: str, seed: int) -> str:
    """Return the experiment's name of a run."""
    return f"{name.replace(': ', '=').replace(', ', ' ')} seed {seed}"


def changes_of(name: str, base: Config) -> dict[str, object]:
    """Return the settings in which a recipe differs from the base; each draws as many words, in whatever batches."""
    own = {key: value for key, value in ELEMENTS[name].items() if key != POOL}
    if "batch_size" in own:
        own["n_iter"] = base.n_iter * base.batch_size // int(str(own["batch_size"]))
    return own


def train(folder: Path, words: UnseenWords, name: str, seed: int, *, config: Path, changes: Sequence[str]) -> Scores:
    """Train a recipe from a seed and score it, or what is left of that."""
    pairs = dict(change.split("=", 1) for change in changes)
    own = changes_of(name, load_config(config, changes)) | pairs | {"seed": seed}
    pool = ELEMENTS[name].get(POOL)
    with pool_of(pool if isinstance(pool, int) else None):
        return scored(folder, run_name(name, seed), own, words, config)


def prepare_all(folder: Path) -> UnseenWords:
    """Render pages, general words and other words, or what is left of that."""
    words = prepare(folder)
    sets = folder / "training_and_validation_set" / "training"
    render_words(sets / "general", GENERAL * len(opened(sets / "select_data")), SEED, "--faces", "starter")
    others = render_words(folder / "others", OTHER_WORDS, SEED + 1, "--faces", "unseen")
    return replace(words, others=opened(others))


def all_scores(folder: Path, names: Sequence[str], seeds: Sequence[int]) -> dict[str, dict[int, Scores]]:
    """Return the scores of all runs that are at their end, by recipe and seed."""
    found = {name: {seed: kept_scores(folder, run_name(name, seed)) for seed in seeds} for name in names}
    return {name: {seed: each for seed, each in runs.items() if each is not None} for name, runs in found.items()}


def differences(found: Found, name: str) -> list[float]:
    """Return by how many points a recipe reads better than the base, for each seed that both have."""
    runs, base = found[name], found[BASE]
    return [runs[seed].accuracy - base[seed].accuracy for seed in runs if seed in base]


def pooled_deviation(groups: Sequence[Sequence[float]]) -> float | None:
    """Return the standard deviation within groups, as one figure for all; None where no group has two values."""
    several = [group for group in groups if len(group) > 1]
    if not several:
        return None
    freedom = [len(group) - 1 for group in several]
    squares = (variance(group) * free for group, free in zip(several, freedom, strict=True))
    return float(sum(squares) / sum(freedom)) ** 0.5


def error_of_one(run: Scores, base: Scores) -> float | None:
    """Return the standard error of one run's difference from another, in points, as the choice of words makes it.

    Words that both read right or both wrong say nothing of it (McNemar, Psychometrika 1947).
    """
    lost, won = len(set(run.wrong) - set(base.wrong)), len(set(base.wrong) - set(run.wrong))
    wrong = len(base.wrong)
    if not wrong or not lost + won:
        return None
    words = wrong / (1 - base.accuracy / 100)
    return float(100 * (lost + won - (won - lost) ** 2 / words) ** 0.5 / words)


def table(found: Found, untrained: Scores | None = None) -> str:
    """Return one row a recipe, with its difference from the base of the same seeds."""
    rows: list[list[object]] = []
    if untrained is not None:
        rows.append([UNTRAINED, "", f"{untrained.accuracy:.2f}", "", _others([untrained]), ""])
    deviation = pooled_deviation([differences(found, name) for name in found if name != BASE])
    for name, runs in found.items():
        if runs:
            accuracy = fmean(run.accuracy for run in runs.values())
            seconds = fmean(run.seconds for run in runs.values())
            own = deviation
            shared = [seed for seed in runs if seed in found[BASE]]
            if own is None and shared:
                own = error_of_one(runs[shared[0]], found[BASE][shared[0]])
            gain = "" if name == BASE else gain_of(differences(found, name), own)
            rows.append([name, len(runs), f"{accuracy:.2f}", gain, _others(runs.values()), f"{seconds:.0f}"])
    return format_table(["recipe", "runs", "accuracy (%)", "against base", "other words (%)", "s of a core"], rows)


def _others(runs: Iterable[Scores]) -> str:
    shares = [run.others for run in runs if run.others is not None]
    return f"{fmean(shares):.1f}" if shares else ""


def gain_of(values: Sequence[float], deviation: float | None) -> str:
    """Say how much better runs are than the base, with the error that their standard deviation makes."""
    if not values:
        return ""
    error = "" if deviation is None else f" ± {deviation / len(values) ** 0.5:.2f}"
    return f"{fmean(values):+.2f}{error}"


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python3 -m benchmarks.studies.ablations", description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, required=True, help="folder of the task and of all runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], metavar="N",
                        help="a run of each recipe with each of them (default: 1 2 3)")  # fmt: skip
    parser.add_argument("--only", nargs="+", choices=ELEMENTS, metavar="NAME", help="these recipes beside the base")
    parser.add_argument("--config", type=Path, default=Path(__file__).with_suffix(".yaml"),
                        help="settings of the base recipe (default: %(default)s)")  # fmt: skip
    parser.add_argument("--set", nargs="+", default=[], metavar="key=value", dest="changes",
                        help="settings that override those of all runs, such as n_iter=500")  # fmt: skip
    parser.add_argument("--table", action="store_true", help="print what there is and stop")
    return parser.parse_args(arguments)


def main() -> int:
    """Train what is left to train, and print the table after each round of seeds."""
    options = parse_args()
    folder = options.output.resolve()
    names = [BASE, *(name for name in options.only or ELEMENTS if name != BASE)]
    if options.table:
        print(table(all_scores(folder, names, options.seeds), kept_scores(folder, UNTRAINED)))
        return 0
    words = prepare_all(folder)
    untrained = words.scores_of(starter_weights.RECOGNIZER, folder / "runs" / UNTRAINED)
    for done, seed in enumerate(options.seeds, 1):
        for name in names:
            scores = train(folder, words, name, seed, config=options.config, changes=options.changes)
            print(f"seed {seed}: {name}: {scores.accuracy:.2f}", file=sys.stderr, flush=True)
        print(table(all_scores(folder, names, options.seeds[:done]), untrained), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

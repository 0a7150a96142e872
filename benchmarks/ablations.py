"""What each element of the recipe gives: trainings that differ in one setting, on one small rendered task.

    python3 -m benchmarks.ablations --output DIR [--seeds N] [--only NAME ...] [--set key=value ...] [--table]

The task is fixed: sample documents of one seed, a network of half the size trained from nothing on the words of some
pages, validated on words of other pages. Every run is step 3 itself, so this can be stopped and started again, and goes
on where it was; runs that are done are not repeated, and --table only prints what there is. Each element stands beside
the base recipe of the same seeds: the mean of the differences, and its standard error.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev

from train_easyocr.config import CONFIG_FILES
from train_easyocr.files import write_text
from train_easyocr.text import format_table

PAGES, SEED = 120, 7
TRAINING_PAGES, VALIDATION_PAGES = 60, 30
BASE = "base"
DONE = "done"
"""An empty file in the folder of a run that is at its end."""
COMMON = {"n_iter": 6_000, "val_period": 1_000, "save_period": 100_000, "lr_scheduler": "one_cycle", "show_number": 0}
ELEMENTS: dict[str, dict[str, object]] = {
    BASE: {},
    "augmentation: light": {"augmentation": "light"},
    "augmentation: medium": {"augmentation": "medium"},
    "augmentation: strong": {"augmentation": "strong"},
    "lr_scheduler: constant": {"lr_scheduler": "constant"},
    "lr_scheduler: cosine": {"lr_scheduler": "cosine"},
    "lr_scheduler: piecewise": {"lr_scheduler": "piecewise"},
    "lr: auto": {"lr": "auto"},
    "optimizer: adamw, weight_decay: 0.01": {"optimizer": "adamw", "weight_decay": 0.01},
    "optimizer: adadelta, lr: 1.0": {"optimizer": "adadelta", "lr": 1.0},
    "weight_decay: 1e-5 (L2)": {"weight_decay": 1e-5},
    "l1: 1e-6": {"l1": 1e-6},
    "ema: 0.999": {"ema": 0.999},
    "ema: 0.999, lr_scheduler: constant": {"ema": 0.999, "lr_scheduler": "constant"},
    "accumulation: 2": {"accumulation": 2},
    "center_loss: 0.05": {"center_loss": 0.05},
    "early_stopping: 2": {"early_stopping": 2},
    "batch_pixels: constant": {"batch_pixels": "constant"},
}
"""By name, the settings in which a recipe differs from the base."""


def prepare(folder: Path) -> None:
    """Render the documents and cut the words out of them, or what is left of that."""
    command = [sys.executable, "-m"]
    pages = ["--output", str(folder), "--pages", str(PAGES), "--seed", str(SEED), "--validation_share", "0.4"]
    _run([*command, "train_easyocr.synthesis", *pages])
    sizes = [f"train_images={TRAINING_PAGES}", f"val_images={VALIDATION_PAGES}", "eval_images=1"]
    source = ["--dataset", str(folder), "--output", str(folder), "--training", "--validation"]
    _run([sys.executable, "prepare_dataset.py", *source, *sizes])


def settings_of(folder: Path, name: str, seed: int, changes: Iterable[str]) -> list[str]:
    """Return a run's settings as its command line has them."""
    own: dict[str, object] = COMMON | ELEMENTS[name]
    own |= {"seed": seed, "output": folder, "saved_models": folder / "runs", "experiment_name": run_name(name, seed)}
    return [*(f"{key}={value}" for key, value in own.items()), *changes]


def run_name(name: str, seed: int) -> str:
    """Return the experiment's name of a run."""
    return f"{name.replace(': ', '=').replace(', ', ' ')} seed {seed}"


def train(folder: Path, config: Path, name: str, seed: int, changes: Sequence[str]) -> None:
    """Run step 3, or what is left of it, and note that the run is at its end."""
    settings = settings_of(folder, name, seed, changes)
    _run([sys.executable, "-m", "train_easyocr.train", "--config", str(config), *settings])
    write_text(folder / "runs" / run_name(name, seed) / DONE, "")


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def scores(folder: Path, name: str, seed: int) -> tuple[float, float, float] | None:
    """Return accuracy and normalized edit distance of a run's best weights, and seconds; None for one not at its end.

    A run with averaged weights is scored by these.
    """
    run = folder / "runs" / run_name(name, seed)
    if not (run / DONE).exists():
        return None
    lines = (run / "log_train.jsonl").read_text(encoding="utf-8").splitlines()
    validations = [json.loads(line) for line in lines]
    prefix = "ema_" if "ema" in ELEMENTS[name] else ""
    best = (max(each[prefix + figure] for each in validations) for figure in ("accuracy", "norm_ed"))
    return *best, validations[-1]["elapsed"]


def all_scores(folder: Path, names: Sequence[str], seeds: int) -> dict[str, dict[int, tuple[float, float, float]]]:
    """Return the scores of all runs that are at their end, by recipe and seed."""
    found = {name: {seed: scores(folder, name, seed) for seed in range(1, seeds + 1)} for name in names}
    return {name: {seed: each for seed, each in runs.items() if each is not None} for name, runs in found.items()}


def table(found: Mapping[str, Mapping[int, tuple[float, float, float]]]) -> str:
    """Return one row an element, with its difference from the base recipe of the same seeds."""
    rows = []
    for name, runs in found.items():
        if not runs:
            continue
        accuracy, norm_ed, seconds = (fmean(values) for values in zip(*runs.values(), strict=True))
        pairs = [(runs[seed], found[BASE][seed]) for seed in runs if seed in found[BASE]]
        differences = [ours[0] - base[0] for ours, base in pairs]
        error = f" ± {stdev(differences) / len(differences) ** 0.5:.2f}" if len(differences) > 1 else ""
        gain = f"{fmean(differences):+.2f}{error}" if pairs and name != BASE else ""
        rows.append([name, len(runs), f"{accuracy:.2f}", gain, f"{norm_ed:.4f}", f"{seconds:.0f}"])
    return format_table(["Recipe", "Runs", "Accuracy (%)", "Against base", "1 - NED", "Seconds"], rows)


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python3 -m benchmarks.ablations", description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, required=True, help="folder of the task and of all runs")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each recipe (default: %(default)s)")
    parser.add_argument("--only", nargs="+", choices=ELEMENTS, metavar="NAME", help="these recipes beside the base")
    parser.add_argument("--config", type=Path, default=CONFIG_FILES / "sample_from_nothing.yaml",
                        help="settings of the base recipe (default: %(default)s)")  # fmt: skip
    parser.add_argument("--set", nargs="+", default=[], metavar="key=value", dest="changes",
                        help="settings that override those of all runs, such as n_iter=500")  # fmt: skip
    parser.add_argument("--table", action="store_true", help="print what there is and stop")
    return parser.parse_args(arguments)


def main() -> int:
    """Train what is left to train, and print the table after each round of seeds."""
    options = parse_args()
    names = [BASE, *(name for name in options.only or ELEMENTS if name != BASE)]
    if options.table:
        print(table(all_scores(options.output, names, options.seeds)))
        return 0
    prepare(options.output)
    for seed in range(1, options.seeds + 1):
        for name in names:
            if scores(options.output, name, seed) is None:
                print(f"seed {seed}: {name}", file=sys.stderr, flush=True)
                train(options.output, options.config, name, seed, options.changes)
        print(table(all_scores(options.output, names, seed)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What each element of the detector's recipe gives: fine-tunings of the starter's that differ in one setting.

    OMP_NUM_THREADS=1 python3 -m benchmarks.studies.detector_recipes --output DIR [--seeds N ...] [--only NAME ...]
        [--pages NAME=DIR ...] [--table]

The task is that of `run_pipeline.sh`: `detection_sample.yaml` on 180 sample pages. Scored is the last state of each
training, in detection F1, the mean over pages: on 58 other sample pages, and on rendered pages in faces and of kinds
that neither the starter nor the sample has, which show what a training loses elsewhere; `--pages` adds folders that
hold images/ and labels/. Recipes that draw other batches draw as many pieces, unless their name says otherwise. Runs
that are done are not repeated, a run that was stopped goes on where it was, and --table only prints what there is.
Each recipe stands beside the base of the same seeds, with the standard error of their difference, for which the scatter
between seeds of all recipes is pooled. Several processes may share a folder once its pages are rendered, each with
seeds of its own.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

import cv2
import torch

from benchmarks.studies.ablations import BASE, UNTRAINED, gain_of, pooled_deviation, run_name
from benchmarks.studies.detection_quality import folder
from benchmarks.studies.small_task import timed
from train_easyocr.common.files import write_json
from train_easyocr.common.text import format_table
from train_easyocr.detection.config import DetectionConfig, load_detection_config
from train_easyocr.detection.opening import open_detector_of
from train_easyocr.detection.pages import find_split
from train_easyocr.detection.task import count_matches, scores_of, train
from train_easyocr.documents.sources import PageSource
from train_easyocr.documents.splits import draw_validation
from train_easyocr.settings.checking import CONFIG_FILES
from train_easyocr.synthesis.__main__ import main as render
from train_easyocr.synthesis.archive import TOP
from train_easyocr.weights.bundle import open_bundle
from train_easyocr.weights.starter import STARTER

CONFIG = CONFIG_FILES / "detection_sample.yaml"
UNSEEN = ["--faces", "unseen", "--kinds", "unseen"]
RENDERED = {
    "sample": ["--pages", "240", "--seed", "1"],
    "elsewhere": [*UNSEEN, "--seed", "81", "--pages", "20", "--validation_share", "0.95"],
}
"""By folder, what is rendered there; all training pages are of the first one."""
OTHER_PAGES = "other sample pages"
VALIDATED, TESTED = 2, 58
"""Of the sample's validation pages: nothing is chosen by validation here."""
LONGER = 4
ELEMENTS: dict[str, dict[str, object]] = {
    BASE: {},
    "published pair: batch 8, 1e-4": {"batch_size": 8, "lr": 1e-4},
    "published pair: batch 4, 5e-5": {"lr": 5e-5},
    "lr: 0.0003": {"lr": 3e-4},
    "lr: 0.003": {"lr": 3e-3},
    "augmentation: off": {"augmentation": "off"},
    "augmentation: strong": {"augmentation": "strong"},
    "lr_scheduler: constant": {"lr_scheduler": "constant"},
    "lr_scheduler: cosine": {"lr_scheduler": "cosine"},
    "ema: 0.99": {"ema": 0.99},
    "weight_decay: 0.01": {"weight_decay": 0.01},
    "fresh weights, lr: 0.002": {"continue_from": "", "lr": 0.002},
    f"base, {LONGER} times as long": {"n_iter": LONGER},
    f"published pair: batch 8, 1e-4, {LONGER} times as long": {"batch_size": 8, "lr": 1e-4, "n_iter": LONGER},
}
"""By name, the settings in which a recipe differs from the base; `n_iter` multiplies the pieces that are drawn."""

Scores = Mapping[str, float]
"""By pages' name, the mean detection F1; and `SECONDS`."""
SECONDS = "s of a core"


def settings_of(output: Path, name: str, seed: int) -> DetectionConfig:
    """Return the settings of a run in a task's folder."""
    own = dict(ELEMENTS[name])
    base = load_detection_config(CONFIG, [f"dataset={output / 'sample' / TOP}", f"saved_models={output / 'runs'}"])
    pieces = base.n_iter * base.batch_size * int(str(own.pop("n_iter", 1)))
    n_iter = pieces // int(str(own.get("batch_size", base.batch_size)))
    # The last weights, not those that a few validation pages choose.
    length = {"n_iter": n_iter, "val_period": n_iter, "save_period": n_iter}
    draw = {"val_images": VALIDATED, "eval_images": TESTED, "workers": 0}
    return base.model_copy(update=own | length | draw | {"seed": seed, "experiment_name": run_name(name, seed)})


def prepare(output: Path, others: Sequence[tuple[str, Path]]) -> dict[str, list[PageSource]]:
    """Render pages, or what is left of them; return those that are scored, by name."""
    for name, options in RENDERED.items():
        if render(["--output", str(output / name), *options]):
            raise SystemExit(1)
    pages = find_split("", output / "sample" / TOP, "validation")[0]
    seed = DetectionConfig(dataset=str(output)).seed
    tested = set(draw_validation([page.name for page in pages], VALIDATED, TESTED, seed)[1])
    scored = {OTHER_PAGES: [page for page in pages if page.name in tested]}
    scored["elsewhere"] = find_split("", output / "elsewhere" / TOP, "validation")[0]
    return scored | {name: find_split(str(path), Path(), "")[0] for name, path in others}


def score(weights: str | Path, pages: Mapping[str, Sequence[PageSource]], kept: Path, seconds: float = 0) -> Scores:
    """Find the words of all pages, but for what `kept` holds of that already; the scores are there afterwards."""
    found: dict[str, float] = json.loads(kept.read_bytes()) if kept.exists() else {SECONDS: seconds}
    if missing := {name: some for name, some in pages.items() if name not in found}:
        detector = open_detector_of(open_bundle(weights)).detector
        for name, some in missing.items():
            found[name] = fmean(scores_of((*count_matches(detector, page), 1)).f1 for page in some)
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_json(kept, found)
    return found


def run(output: Path, name: str, seed: int, pages: Mapping[str, Sequence[PageSource]]) -> Scores:
    """Train a recipe from a seed and score it, or what is left of that."""
    config = settings_of(output, name, seed)
    kept = scores_file(output, name, seed)
    seconds = 0.0 if kept.exists() else timed(lambda: train(config))
    averaged = "_ema" if config.ema else ""
    return score(config.experiment / f"iter_{config.n_iter}{averaged}.pth", pages, kept, seconds)


def scores_file(output: Path, name: str, seed: int) -> Path:
    """Return where a run's scores are kept."""
    return output / "scores" / f"{run_name(name, seed)}.json"


def table(output: Path, seeds: Sequence[int], names: Sequence[str]) -> str:
    """Return one row a recipe, with its differences from the base of the same seeds, in points."""
    runs = {name: kept_scores(output, name, seeds) for name in ELEMENTS}
    shown = sorted({key for some in runs.values() for scores in some.values() for key in scores} - {SECONDS})
    shown.sort(key=lambda name: name != OTHER_PAGES)
    rows: list[list[object]] = []
    untrained = scores_file(output, UNTRAINED, 0)
    if untrained.exists():
        scores = json.loads(untrained.read_bytes())
        rows.append([UNTRAINED, "", *(f"{100 * scores[key]:.2f}" if key in scores else "" for key in shown), ""])
    errors = {
        key: pooled_deviation([differences(runs, name, key) for name in ELEMENTS if name != BASE]) for key in shown
    }
    for name in names:
        if runs[name]:
            cells = [cell(runs, name, key, errors[key]) for key in shown]
            rows.append([name, len(runs[name]), *cells, f"{fmean(one[SECONDS] for one in runs[name].values()):.0f}"])
    return format_table(["recipe", "runs", *(f"{key} (%)" for key in shown), SECONDS], rows)


def kept_scores(output: Path, name: str, seeds: Sequence[int]) -> dict[int, Scores]:
    """Return the scores of a recipe's runs that are at their end, by seed."""
    files = {seed: scores_file(output, name, seed) for seed in seeds}
    return {seed: json.loads(file.read_bytes()) for seed, file in files.items() if file.exists()}


def differences(runs: Mapping[str, Mapping[int, Scores]], name: str, key: str) -> list[float]:
    """Return by how many points a recipe is better than the base on some pages, for each seed that both have."""
    base = runs[BASE]
    pairs = ((scores, base[seed]) for seed, scores in runs[name].items() if seed in base)
    return [100 * (one[key] - other[key]) for one, other in pairs if key in one and key in other]


def cell(runs: Mapping[str, Mapping[int, Scores]], name: str, key: str, deviation: float | None) -> str:
    """Say what a recipe's mean is; of others than the base, how much more than the base's."""
    values = differences(runs, name, key)
    if name == BASE or not values:
        return f"{100 * fmean(scores[key] for scores in runs[name].values()):.2f}"
    return gain_of(values, deviation)


def main() -> int:
    """Train what is left to train, and print the table after each round of seeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder of the pages and of all runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], metavar="N", help="default: 1 2 3")
    parser.add_argument("--only", nargs="+", choices=ELEMENTS, metavar="NAME", help="these recipes beside the base")
    parser.add_argument("--pages", type=folder, nargs="+", default=[], metavar="NAME=DIR", help="score these, too")
    parser.add_argument("--table", action="store_true", help="print what there is and stop")
    options = parser.parse_args()
    output = options.output.resolve()
    names = [BASE, *(name for name in options.only or ELEMENTS if name != BASE)]
    if options.table:
        print(table(output, options.seeds, names))
        return 0
    cv2.setNumThreads(torch.get_num_threads())
    pages = prepare(output, options.pages)
    score(STARTER, pages, scores_file(output, UNTRAINED, 0))
    for done, seed in enumerate(options.seeds, 1):
        for name in names:
            shown = {key: round(value, 4) for key, value in run(output, name, seed, pages).items()}
            print(f"seed {seed}: {name}: {shown}", file=sys.stderr, flush=True)
        print(table(output, options.seeds[:done], names), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

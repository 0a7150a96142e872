"""What real pages without labels give a small network: end-to-end F1 on other real pages, with them and without.

    OMP_NUM_THREADS=1 python3 -m benchmarks.studies.unlabeled_pages --scans DIR --test DIR --output DIR [--seeds N ...]
        [--iterations N] [--clean]

Both folders hold images/ and labels/. What is labelled is 20 rendered sample pages; of the scans the images alone are
looked at, and their labels tell afterwards what all of them would have brought. The large network is the starter, which
labels the words that its detector finds. The small one has half of the starter's channels in each layer, cut out of it
by FPGM, and has lost most of what the starter knew; its trainings take the same number of steps at the same settings.
All read the test pages at the boxes of the starter's detector. Runs that are done are not repeated; a killed one goes
on.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

from benchmarks.studies.semi_supervised import student_config
from benchmarks.studies.small_task import LARGE, cut_recognizer, run, timed, timed_training
from train_easyocr.common.files import write_json
from train_easyocr.common.text import format_table
from train_easyocr.datasets.labels_csv import read_labels_csv
from train_easyocr.detection.opening import open_detector_of
from train_easyocr.documents.aihub import find_pages
from train_easyocr.documents.sources import PageSource
from train_easyocr.reading.reader import open_weights
from train_easyocr.semi_supervised.data import places_of
from train_easyocr.semi_supervised.stages import StagedRun
from train_easyocr.settings.config import Config, check_config
from train_easyocr.tuning.objective import Objective, map_pages
from train_easyocr.weights.bundle import open_bundle
from train_easyocr.weights.checkpoints import best_weights
from train_easyocr.weights.starter import RECOGNIZER, STARTER

PAGES, VALIDATION_PAGES, SEED = 24, 4, 5
ITERATIONS = 200
CUT, SCANS = "cut.pth", "scans"
"""The small network as it begins; the set of the scans' words with their labels."""
LABELS, BOTH, ALL = "rendered labels", "rendered labels, pseudo labels of scans", "rendered labels, the scans' own"


@dataclass(frozen=True)
class Outcome:
    """What a training came to.

    Attributes:
        f1: End to end on the test pages, the mean over pages, 0 to 1.
        seconds: Processor's time, labelling with it.
        kept: Words with pseudo labels.
        expected: Share of these that are right, as their report says, 0 to 1.
    """

    f1: float
    seconds: float = 0.0
    kept: int = 0
    expected: float | None = None


def prepare(folder: Path, scans: Path) -> None:
    """Render the labelled pages, and cut words out of them and of the scans; or what is left of that."""
    sample, prepared = folder / "sample", folder / "sets"
    run("-m", "train_easyocr.synthesis", "--output", sample, "--pages", PAGES, "--seed", SEED, "--page_width", 1000,
        "--validation_share", f"{VALIDATION_PAGES}/{PAGES}")  # fmt: skip
    sizes = (f"train_images={PAGES - VALIDATION_PAGES}", f"val_images={VALIDATION_PAGES}", "detection=")
    run("prepare_dataset.py", "--dataset", sample, "--output", prepared, "--training", "--validation", *sizes)
    unlabeled = ("--unlabeled", scans / "images", "--detector", STARTER)
    run("prepare_dataset.py", *unlabeled, "--output", prepared, "detection=")
    own = folder / SCANS
    run("prepare_dataset.py", "--from", scans, "--output", own, "--training", "train_images=1000", "val_images=1",
        "eval_images=1", "detection=")  # fmt: skip
    link = prepared / "training_and_validation_set/training" / SCANS
    if not link.is_symlink():
        link.symlink_to(own.resolve() / "training_and_validation_set/training/select_data")


def settings(folder: Path, values: Mapping[str, object]) -> Config:
    """Return the settings of a training on the rendered words."""
    own = {"output": str(folder / "sets"), "saved_models": str(folder / "runs"), "workers": 0, "detection": ""}
    return check_config(dict(values) | own)


def train_with_scans(folder: Path, values: Mapping[str, object]) -> tuple[Path, Outcome]:
    """Have the starter label the scans' words, and train on both."""
    config = student_config(folder, values, output=folder / "sets")
    seconds = timed(lambda: StagedRun(config, places_of(config, None)).run("small", STARTER))
    made = config.experiment / "sets/training/pseudo_1"
    kept = len(read_labels_csv(made / "labels.csv")[0])
    expected = json.loads((made / "report.json").read_text(encoding="utf-8"))["expected_precision"]
    return best_weights(config.folder_of("small")), Outcome(0.0, seconds, kept, expected)


def train_plain(config: Config) -> tuple[Path, Outcome]:
    """Train on labels alone."""
    seconds = timed_training(config)
    return best_weights(config.experiment), Outcome(0.0, seconds)


def reading_of(pages: Path, cache: Path) -> Callable[[Path], float]:
    """Return what gives a recognizer's end-to-end F1 on pages, at the boxes of the starter's detector."""
    opened = open_detector_of(open_bundle(STARTER))
    own = opened.detector.parameters
    sources = [PageSource.of(file) for file in find_pages(pages)[0]]
    mapped, problems = map_pages(
        sources, opened.detector, opened.weights_sha256, variants=[own], cache=cache, title="Test pages"
    )
    assert not problems, problems

    def f1(weights: Path) -> float:
        return Objective(opened.detector, mapped, open_weights(weights)).summary(own)["end_to_end_f1"]

    return f1


def outcome(folder: Path, way: str, seed: int, small: Mapping[str, object], f1: Callable[[Path], float]) -> Outcome:
    """Train one way from one seed and test it, or what is left of that."""
    name = f"{way} {seed}".replace(",", "").replace(" ", "_").replace("'", "")
    kept = folder / "runs" / f"{name}.json"
    if not kept.exists():
        values = dict(small) | {"experiment_name": name, "seed": seed}
        if way == BOTH:
            weights, found = train_with_scans(folder, values)
        else:
            sets = {} if way == LABELS else {"select_data": f"select_data-{SCANS}", "batch_ratio": "0.5-0.5"}
            weights, found = train_plain(settings(folder, values | sets))
        write_json(kept, asdict(found) | {"f1": f1(weights)})
    return Outcome(**json.loads(kept.read_bytes()))


def table(found: Mapping[str, Sequence[Outcome]], start: Mapping[str, float]) -> str:
    """Return a row a way: the mean over the seeds, and each of them."""
    rows: list[list[object]] = [[name, f"{f1:.4f}", "", "", ""] for name, f1 in start.items()]
    for way, runs in found.items():
        each = " ".join(f"{one.f1:.4f}" for one in runs)
        expected = [one.expected for one in runs if one.expected is not None]
        labels = [f"{fmean(one.kept for one in runs):,.0f}", f"{fmean(expected):.2%}"] if expected else ["", ""]
        rows.append([way, f"{fmean(one.f1 for one in runs):.4f} ({each})", f"{fmean(one.seconds for one in runs):.0f}",
                     *labels])  # fmt: skip
    return format_table(["the small network, trained on", "end-to-end F1", "CPU s", "pseudo labels", "right, it says"],
                        rows)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all ways from all seeds, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", type=Path, required=True, metavar="DIR", help="pages whose labels are put away")
    parser.add_argument("--test", type=Path, required=True, metavar="DIR", help="pages of other documents")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], metavar="N")
    parser.add_argument("--iterations", type=int, default=ITERATIONS, metavar="N")
    parser.add_argument("--clean", action="store_true", help="remove what earlier runs left there")
    args = parser.parse_args(arguments)
    if args.clean:
        shutil.rmtree(args.output, ignore_errors=True)
    folder = args.output.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    prepare(folder, args.scans.absolute())
    small = cut_recognizer(settings(folder, LARGE), folder / CUT) | {"n_iter": args.iterations}
    f1 = reading_of(args.test, folder / "score_maps")
    start = {"nothing: the starter as it is": f1(RECOGNIZER), "nothing: cut to half of its channels": f1(folder / CUT)}
    found: dict[str, list[Outcome]] = {way: [] for way in (LABELS, BOTH, ALL)}
    for seed in args.seeds:
        for way, runs in found.items():
            runs.append(outcome(folder, way, seed, small, f1))
        print(f"\nSeeds {args.seeds[0]} to {seed}\n{table(found, start)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

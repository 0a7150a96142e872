"""What words without labels give: few labels alone, few labels and pseudo labels, all labels; and whether reports hold.

    OMP_NUM_THREADS=1 python3 -m benchmarks.studies.semi_supervised --output DIR [--seeds N ...] [--iterations N]
        [--words N] [--clean]

Renders words in faces that the starter weights do not know, black and white as AI-Hub's scans. A tenth of them keep
their labels; the labels of the others are put away, and tell afterwards how many pseudo labels are right. All trainings
begin with the starter weights and take the same number of steps in all: twice --iterations, which the student shares
with its teacher. Words of another seed are the test. Runs that are done are not repeated; a killed one goes on.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

from benchmarks.studies.small_task import CONFIG, opened, read_set, render_words, share_right, timed, timed_training
from train_easyocr.common.files import write_json
from train_easyocr.common.text import format_table
from train_easyocr.datasets.labels_csv import HEADER, format_row, read_labels_csv
from train_easyocr.reading.reader import open_weights
from train_easyocr.semi_supervised.config import SemiSupervisedConfig, load_semi_supervised_config
from train_easyocr.semi_supervised.data import Places
from train_easyocr.semi_supervised.stages import StagedRun
from train_easyocr.settings.config import Config, load_config
from train_easyocr.weights import starter as starter_weights
from train_easyocr.weights.checkpoints import best_weights

WORDS, VALIDATION, TEST = 6_000, 600, 2_000
LABELLED = 0.1
ITERATIONS, BATCH = 100, 32
LOOK = ("--look", "bilevel", "--faces", "unseen", "--format", "png")
RESULT = "test.json"
TRAINING = {
    "img_height": 32,
    "continue_from": "starter",
    "augmentation": "light",
    "batch_size": BATCH,
    "lr": 0.0005,
    "ema": 0.95,
    "val_period": 1_000_000,
    "save_period": 1_000_000,
    "show_number": 0,
}
FEW, ALL, STUDENT = "a tenth of the labels", "all labels", "a tenth, and pseudo labels"


@dataclass(frozen=True)
class Outcome:
    """What a way of training came to.

    Attributes:
        accuracy: Per cent of the test words read right.
        seconds: Processor's time of all that it took, loading excepted.
        kept: Words with pseudo labels.
        right: Share of these that are right, 0 to 1; None without any.
        expected: What their report says of it.
    """

    accuracy: float
    seconds: float
    kept: int = 0
    right: float | None = None
    expected: float | None = None


def prepare(folder: Path, words: int) -> Places:
    """Render all words, and put the labels of most of them away; or what is left of that."""
    everything = render_words(folder / "all", words, 31, *LOOK)
    render_words(folder / "validation", VALIDATION, 32, *LOOK)
    render_words(folder / "test", TEST, 33, *LOOK)
    names, texts = read_labels_csv(everything / "labels.csv")
    border = round(LABELLED * words)
    for name, rows in {
        "few": list(zip(names, texts, strict=True))[:border],
        "unlabeled": [(name, "") for name in names[border:]],
    }.items():
        part = folder / name
        if not part.exists():
            part.mkdir()
            (part / "images").symlink_to(everything.resolve() / "images")
            lines = "".join(format_row(row) for row in [HEADER, *rows])
            (part / "labels.csv").write_text(lines, encoding="utf-8")
    return Places(folder / "few", folder / "validation", folder / "unlabeled")


def plain_config(folder: Path, name: str, labels: str, seed: int, iterations: int) -> Config:
    """Return the settings of a training on labels alone."""
    places = {"output": folder, "train_data": folder / labels, "val_data": folder / "validation"}
    own = {"saved_models": folder / "runs", "experiment_name": name, "seed": seed, "n_iter": 2 * iterations}
    values = TRAINING | places | own | {"workers": 0, "detection": ""}
    return load_config(CONFIG, [f"{key}={value}" for key, value in values.items()])


def student_config(folder: Path, name: str, seed: int, iterations: int) -> SemiSupervisedConfig:
    """Return the settings of a training on labels and pseudo labels."""
    own = {"saved_models": folder / "runs", "experiment_name": name, "seed": seed, "workers": 0, "rounds": 1}
    values = own | {f"large.{key}": value for key, value in (TRAINING | {"n_iter": iterations}).items()}
    return load_semi_supervised_config(overrides=[f"{key}={value}" for key, value in values.items()])


def tested(folder: Path, weights: Path) -> float:
    """Return the per cent of test words that weights read right."""
    return share_right(*read_set(open_weights(weights), opened(folder / "test")))


def train_plain(folder: Path, name: str, labels: str, seed: int, iterations: int) -> Outcome:
    """Train on labels alone."""
    config = plain_config(folder, name, labels, seed, iterations)
    seconds = timed_training(config)
    return Outcome(tested(folder, best_weights(config.experiment)), seconds)


def train_student(folder: Path, name: str, places: Places, seed: int, iterations: int) -> Outcome:
    """Train on few labels, label the other words, and train on both."""
    config = student_config(folder, name, seed, iterations)
    seconds = timed(lambda: StagedRun(config, places).run("large") and None)
    made = config.experiment / "sets/training/pseudo_1"
    truth = dict(zip(*read_labels_csv(folder / "all" / "labels.csv"), strict=True))
    with (made / "pseudo_labels.csv").open(encoding="utf-8", newline="") as file:
        right = [truth[row["filename"]] == row["words"] for row in csv.DictReader(file)]
    report = json.loads((made / "report.json").read_text(encoding="utf-8"))
    accuracy = tested(folder, best_weights(config.folder_of("large_1")))
    return Outcome(accuracy, seconds, len(right), fmean(right), report["expected_precision"])


def outcome(folder: Path, way: str, seed: int, iterations: int, places: Places) -> Outcome:
    """Train one way from one seed and test it, or what is left of that."""
    name = f"{way} {seed}".replace(", ", "_").replace(" ", "_")
    kept = folder / "runs" / f"{name}.json"
    if not kept.exists():
        if way == STUDENT:
            found = train_student(folder, name, places, seed, iterations)
        else:
            found = train_plain(folder, name, "few" if way == FEW else "all", seed, iterations)
        write_json(kept, asdict(found))
    return Outcome(**json.loads(kept.read_bytes()))


def table(found: Mapping[str, Sequence[Outcome]], start: float) -> str:
    """Return a row a way: means over the seeds."""
    rows: list[list[object]] = [["starter weights as they are", f"{start:.2f}", "", "", "", ""]]
    for way, runs in found.items():
        each = " ".join(f"{run.accuracy:.2f}" for run in runs)
        labels = [(run.kept, 100 * run.right, 100 * (run.expected or 0)) for run in runs if run.right is not None]
        kept, right, expected = map(fmean, zip(*labels, strict=True)) if labels else ("", "", "")
        accuracy, seconds = fmean(run.accuracy for run in runs), fmean(run.seconds for run in runs)
        shown = (f"{kept:,.0f}", f"{right:.2f}", f"{expected:.2f}") if labels else ("", "", "")
        rows.append([way, f"{accuracy:.2f} ({each})", f"{seconds:.0f}", *shown])
    return format_table(["trained on", "test words right (%)", "CPU s", "pseudo labels", "right", "said so"], rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all ways from all seeds, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], metavar="N")
    parser.add_argument("--iterations", type=int, default=ITERATIONS, metavar="N", help="of teacher and student each")
    parser.add_argument("--words", type=int, default=WORDS, metavar="N", help="rendered to be trained on")
    parser.add_argument("--clean", action="store_true", help="remove what earlier runs left there")
    args = parser.parse_args(arguments)
    if args.clean:
        shutil.rmtree(args.output, ignore_errors=True)
    folder = args.output.absolute()
    places = prepare(folder, args.words)
    start = tested(folder, starter_weights.RECOGNIZER)
    found: dict[str, list[Outcome]] = {way: [] for way in (FEW, STUDENT, ALL)}
    for seed in args.seeds:
        for way, runs in found.items():
            runs.append(outcome(folder, way, seed, args.iterations, places))
        print(f"\nSeeds {args.seeds[0]} to {seed}\n{table(found, start)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

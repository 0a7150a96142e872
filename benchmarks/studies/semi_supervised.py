"""What words without labels give: few labels alone, few labels and pseudo labels, all labels; and whether reports hold.

    OMP_NUM_THREADS=1 python3 -m benchmarks.studies.semi_supervised --output DIR [--seeds N ...] [--iterations N]
        [--words N] [--clean]

Renders words of few syllables in faces that the starter weights do not know, black and white as AI-Hub's scans. A tenth
of them keep their labels; the labels of the others are put away, and tell afterwards how many pseudo labels are right.
The large network is the starter, trained on the tenth; the small one has half of the starter's channels in each layer,
cut out of it by FPGM, and has lost most of what the starter knew. Its trainings take the same number of steps at the
same settings, whatever they learn from. Words of another seed are the test. Runs that are done are not repeated; a
killed one goes on.
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

from benchmarks.studies.small_task import (
    LARGE,
    WORDS,
    prepare_words,
    small_recognizer,
    timed,
    timed_training,
    word_accuracy,
    word_settings,
)
from train_easyocr.common.files import write_json
from train_easyocr.common.text import format_table
from train_easyocr.datasets.labels_csv import HEADER, format_row, read_labels_csv
from train_easyocr.semi_supervised.config import SemiSupervisedConfig, load_semi_supervised_config
from train_easyocr.semi_supervised.data import Places
from train_easyocr.semi_supervised.stages import StagedRun
from train_easyocr.settings.config import Config
from train_easyocr.weights.checkpoints import best_weights
from train_easyocr.weights.starter import RECOGNIZER

LABELLED = 0.1
ITERATIONS, TEACHER_ITERATIONS = 120, 50
CUT = "cut.pth"
"""The small network as it begins."""
TEACHER = "large, a tenth of the labels"
FEW, STUDENT, ALL = "small, a tenth of the labels", "small, a tenth, and pseudo labels", "small, all labels"


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
    prepare_words(folder, words)
    everything = folder / "all"
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


def student_config(folder: Path, values: Mapping[str, object], **others: object) -> SemiSupervisedConfig:
    """Return the settings of a training on labels and pseudo labels, which are augmented as the labels are.

    Args:
        folder: Where trainings are kept, in `runs`.
        values: Of the small network's training, with `experiment_name` and `seed`.
        **others: Further settings, not the network's own.
    """
    small = dict(values)
    own = {key: small.pop(key) for key in ("experiment_name", "seed")} | {"saved_models": folder / "runs", "workers": 0}
    own |= {"augmentation_of_pseudo": LARGE["augmentation"]} | {f"small.{key}": value for key, value in small.items()}
    own |= others
    return load_semi_supervised_config(overrides=[f"{key}={value}" for key, value in own.items()])


def train_plain(folder: Path, config: Config) -> Outcome:
    """Train on labels alone."""
    seconds = timed_training(config)
    return Outcome(word_accuracy(folder, best_weights(config.experiment)), seconds)


def train_student(folder: Path, config: SemiSupervisedConfig, places: Places, teacher: Path) -> Outcome:
    """Label the other words, and train on labels and pseudo labels."""
    seconds = timed(lambda: StagedRun(config, places).run("small", str(teacher)))
    made = config.experiment / "sets/training/pseudo_1"
    truth = dict(zip(*read_labels_csv(folder / "all" / "labels.csv"), strict=True))
    with (made / "pseudo_labels.csv").open(encoding="utf-8", newline="") as file:
        right = [truth[row["filename"]] == row["words"] for row in csv.DictReader(file)]
    report = json.loads((made / "report.json").read_text(encoding="utf-8"))
    weights = best_weights(config.folder_of("small"))
    return Outcome(word_accuracy(folder, weights), seconds, len(right), fmean(right), report["expected_precision"])


def outcome(folder: Path, way: str, seed: int, iterations: int, places: Places) -> Outcome:
    """Train one way from one seed and test it, or what is left of that."""
    name = f"{way} {seed}".replace(", ", "_").replace(" ", "_")
    kept = folder / "runs" / f"{name}.json"
    if not kept.exists():
        small = small_recognizer(folder, folder / CUT) | {"experiment_name": name, "seed": seed, "n_iter": iterations}
        own = {"experiment_name": f"teacher_{seed}", "seed": seed, "n_iter": TEACHER_ITERATIONS}
        teacher = word_settings(folder, "few", LARGE | own)
        if way == TEACHER:
            found = train_plain(folder, teacher)
        elif way == STUDENT:
            found = train_student(folder, student_config(folder, small), places, best_weights(teacher.experiment))
        else:
            found = train_plain(folder, word_settings(folder, "few" if way == FEW else "all", small))
        write_json(kept, asdict(found))
    return Outcome(**json.loads(kept.read_bytes()))


def table(found: Mapping[str, Sequence[Outcome]], start: Mapping[str, float]) -> str:
    """Return a row a way: means over the seeds."""
    rows: list[list[object]] = [[name, f"{right:.2f}", "", "", "", ""] for name, right in start.items()]
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
    parser.add_argument("--iterations", type=int, default=ITERATIONS, metavar="N", help="of a small network")
    parser.add_argument("--words", type=int, default=WORDS["all"], metavar="N", help="rendered to be trained on")
    parser.add_argument("--clean", action="store_true", help="remove what earlier runs left there")
    args = parser.parse_args(arguments)
    if args.clean:
        shutil.rmtree(args.output, ignore_errors=True)
    folder = args.output.absolute()
    places = prepare(folder, args.words)
    small_recognizer(folder, folder / CUT)
    start = {
        "the starter as it is": word_accuracy(folder, RECOGNIZER),
        "cut to half": word_accuracy(folder, folder / CUT),
    }
    found: dict[str, list[Outcome]] = {way: [] for way in (TEACHER, FEW, STUDENT, ALL)}
    for seed in args.seeds:
        for way, runs in found.items():
            runs.append(outcome(folder, way, seed, args.iterations, places))
        print(f"\nSeeds {args.seeds[0]} to {seed}\n{table(found, start)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

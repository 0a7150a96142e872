"""What learning beside another network, or from one, gives: the same number of steps with it and without.

    OMP_NUM_THREADS=1 python3 -m benchmarks.studies.distillation recognizer|detector --output DIR [--seeds N ...]
        [--iterations N] [--ways NAME ...]

A network with half of the starter's channels in each layer (a detector: with half of its parameters) learns again what
it has lost. The one beside it is as small, but other filters were cut out of it: with the same ones, both would answer
alike for ever. Both see the same batches. A teacher is frozen: the starter as it is, or trained on the same data
before. Beside the starter, that learns, too; it has twice the channels. What is tested is not trained on, and the
network is read as it is saved, alone. Runs that are done are not repeated; a killed one goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Protocol

from benchmarks.studies.small_task import LARGE, prepare_words, small_recognizer, timed, word_accuracy, word_settings
from train_easyocr.common.files import write_json
from train_easyocr.common.text import format_table
from train_easyocr.compression import subjects
from train_easyocr.compression.criteria import CRITERIA
from train_easyocr.compression.sensitivity import cut_network
from train_easyocr.detection.config import DetectionConfig, load_detection_config
from train_easyocr.detection.db_detector import load_db_light
from train_easyocr.detection.distillation import CollaborativeLoss
from train_easyocr.detection.opening import open_word_detector
from train_easyocr.detection.pages import find_split
from train_easyocr.detection.task import DetectorTask, score_pages
from train_easyocr.engine import trainer
from train_easyocr.engine.distillation import MutualTask
from train_easyocr.recognition.distillation import averaged_dml, dml, feature_adapter, taught_recognizer, udml
from train_easyocr.recognition.task import RecognizerTask
from train_easyocr.settings.config import Config
from train_easyocr.synthesis.__main__ import main as render
from train_easyocr.synthesis.archive import TOP
from train_easyocr.weights.checkpoints import best_detector, best_weights, save_weights
from train_easyocr.weights.starter import DETECTOR, RECOGNIZER

CUT, PEER = "cut.pth", "peer.pth"
"""The small network as it begins, and the one beside it."""
CUT_BY = dict(zip((CUT, PEER), CRITERIA, strict=True))
TEACHER_ITERATIONS = 50
LEFT = 0.7
"""Of the channels of each of the detector's layers: half of its parameters."""
PAGES = {
    "training": ("--pages", "44", "--seed", "51", "--validation_share", "1/11", "--kinds", "starter"),
    "test": ("--pages", "17", "--seed", "52", "--validation_share", "0.95", "--kinds", "unseen", "--faces", "unseen"),
}
"""By folder, what is rendered there."""
ALONE = "alone"

Kind = Callable[[Any, Any], Any]
"""Makes a task of settings and processes."""


class Study(Protocol):
    """A network that is taught.

    Attributes:
        starts: By name, weights that are there before.
        ways: By name, the training, and how many times as many steps it takes as the others.
        iterations: Steps of those others.
        unit: What `score` measures.
    """

    starts: Mapping[str, Path]
    ways: Mapping[str, tuple[Kind, int]]
    iterations: int
    unit: str

    def settings(self, own: Mapping[str, object]) -> Any:
        """Return the settings of a training, of which `own` are its own."""

    def score(self, weights: Path) -> float:
        """Return how good weights are, in per cent."""

    def best(self, experiment: Path) -> Path:
        """Return the weights of an experiment."""


class Recognizers:
    """Small recognizers, on single words."""

    iterations = 120
    unit = "test words right (%)"

    def __init__(self, folder: Path) -> None:
        prepare_words(folder)
        self._folder = folder
        self._small, other = (small_recognizer(folder, folder / name, by) for name, by in CUT_BY.items())
        trained = word_settings(folder, "all", LARGE | {"experiment_name": "teacher", "n_iter": TEACHER_ITERATIONS})
        timed(lambda: trainer.train(RecognizerTask, trained))
        large, teacher = LARGE | {"channels": ""}, best_weights(trained.experiment)
        self.ways: Mapping[str, tuple[Kind, int]] = {
            ALONE: (RecognizerTask, 1),
            "dml": (partial(_beside, other, dml), 1),
            "udml": (partial(_beside, other, udml), 1),
            "averaged dml": (partial(_beside, other, averaged_dml), 1),
            "taught by the starter": (partial(taught_recognizer, RECOGNIZER), 1),
            "taught by the starter, trained": (partial(taught_recognizer, teacher), 1),
            "udml, beside the starter": (partial(_beside, large, udml), 1),
            "alone, twice the steps": (RecognizerTask, 2),
        }
        self.starts: Mapping[str, Path] = {
            "the starter as it is": RECOGNIZER,
            "the starter, trained": teacher,
            "cut to half": folder / CUT,
            "cut to half, for the peer": folder / PEER,
        }

    def settings(self, own: Mapping[str, object]) -> Config:
        """Return the settings of a training."""
        return word_settings(self._folder, "all", self._small | dict(own))

    def score(self, weights: Path) -> float:
        """Return the per cent of the test words read right."""
        return word_accuracy(self._folder, weights)

    best = staticmethod(best_weights)


def _beside(
    other: Mapping[str, object], between: Callable[..., Any], config: Config, processes: Any
) -> MutualTask[Any, Any, Any]:
    """Return the training of two recognizers; `other` is what the second one's settings say of it."""
    second = config.model_copy(update={key: other[key] for key in ("channels", "continue_from")})
    tasks = [RecognizerTask(each, processes) for each in (config, second)]
    return MutualTask(tasks, between, feature_adapter if between is udml else None)


class Detectors:
    """Small detectors, on rendered pages."""

    iterations = 40
    unit = "detection F1 (%)"

    def __init__(self, folder: Path) -> None:
        for name, options in PAGES.items():
            if render(["--output", str(folder / name), *options]):
                raise SystemExit(1)
        self._folder, peer = folder, folder / PEER
        card = load_db_light(DETECTOR)[1]
        self._pages = find_split("", folder / "test" / TOP, "validation")[0]
        subject = subjects.detector(DETECTOR, self._config({}), 4)
        self._channels = [round(LEFT * width / 4) * 4 for width in subject.widths]
        trained = self._config({"experiment_name": "teacher", "n_iter": TEACHER_ITERATIONS, "seed": 1})
        timed(lambda: trainer.train(DetectorTask, trained))
        teacher = best_detector(trained.experiment)
        for name, by in CUT_BY.items():
            if not (folder / name).exists():
                cut = cut_network(subject, self._channels, by)
                save_weights(folder / name, cut, subjects.with_channels(card, self._channels, subject.measure(cut)))
        self.ways: Mapping[str, tuple[Kind, int]] = {
            ALONE: (DetectorTask, 1),
            "cml": (partial(_collaborating, peer, teacher), 1),
            "alone, twice the steps": (DetectorTask, 2),
        }
        self.starts: Mapping[str, Path] = {
            "the starter as it is": DETECTOR,
            "the starter, trained": teacher,
            "cut to half": folder / CUT,
        }

    def _config(self, own: Mapping[str, object]) -> DetectionConfig:
        places = {"dataset": self._folder / "training" / TOP, "saved_models": self._folder / "runs", "workers": 0}
        recipe = {"train_images": 40, "val_images": 3, "eval_images": 1, "crop_size": 512, "batch_size": 4}
        recipe |= {"augmentation": "light", "lr": 0.001, "val_period": 1_000_000, "save_period": 1_000_000}
        return load_detection_config(overrides=[f"{key}={value}" for key, value in (places | recipe | own).items()])

    def settings(self, own: Mapping[str, object]) -> DetectionConfig:
        """Return the settings of a training."""
        small = {"channels": "-".join(map(str, self._channels)), "continue_from": str(self._folder / CUT)}
        return self._config(small | dict(own))

    def score(self, weights: Path) -> float:
        """Return F1 over all words of the test pages."""
        detector = open_word_detector(weights).detector
        return 100 * score_pages(detector, self._pages).f1

    best = staticmethod(best_detector)


def _collaborating(peer: Path, teacher: Path, config: DetectionConfig, processes: Any) -> MutualTask[Any, Any, Any]:
    """Return the training of two detectors that learn from a frozen one, too."""
    second = config.model_copy(update={"continue_from": str(peer)})
    tasks = [DetectorTask(each, processes) for each in (config, second)]
    return MutualTask(tasks, CollaborativeLoss(load_db_light(teacher)[0], tasks[0].device))


STUDIES: Mapping[str, Callable[[Path], Study]] = {"recognizer": Recognizers, "detector": Detectors}


def outcome(study: Study, folder: Path, way: str, seed: int, iterations: int) -> tuple[float, float]:
    """Train one way from one seed; return how good the network is and the seconds that its training took."""
    name = f"{way} {seed}".replace(", ", "_").replace(" ", "_")
    kept = folder / "runs" / f"{name}.json"
    if not kept.exists():
        kind, times = study.ways[way]
        config = study.settings({"experiment_name": name, "seed": seed, "n_iter": times * iterations})
        seconds = timed(lambda: trainer.train(kind, config))
        write_json(kept, [study.score(study.best(config.experiment)), seconds])
    found = json.loads(kept.read_bytes())
    return found[0], found[1]


def table(found: Mapping[str, Sequence[tuple[float, float]]], unit: str) -> str:
    """Return a row a way: means over the seeds, and the difference from learning alone, seed by seed."""
    rows = []
    for way, runs in found.items():
        gains = [run[0] - alone[0] for run, alone in zip(runs, found[ALONE], strict=True)]
        spread = f" ± {stdev(gains) / len(gains) ** 0.5:.2f}" if len(gains) > 1 else ""
        each = " ".join(f"{run[0]:.2f}" for run in runs)
        gain = "" if way == ALONE else f"{fmean(gains):+.2f}{spread}"
        rows.append(
            [way, f"{fmean(run[0] for run in runs):.2f} ({each})", gain, f"{fmean(run[1] for run in runs):.0f}"]
        )
    return format_table(["trained", unit, "more than alone", "CPU s"], rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all ways from all seeds, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=STUDIES)
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], metavar="N")
    parser.add_argument("--iterations", type=int, metavar="N")
    parser.add_argument("--ways", nargs="+", metavar="NAME", help="these alone; alone is always among them")
    args = parser.parse_args(arguments)
    folder = args.output.absolute() / args.network
    study = STUDIES[args.network](folder)
    for name, weights in study.starts.items():
        print(f"{name}: {study.score(weights):.2f}", flush=True)
    found: dict[str, list[tuple[float, float]]] = {
        way: [] for way in dict.fromkeys([ALONE, *(args.ways or study.ways)])
    }
    for seed in args.seeds:
        for way, runs in found.items():
            runs.append(outcome(study, folder, way, seed, args.iterations or study.iterations))
            print(f"seed {seed}, {way}: {runs[-1]}", file=sys.stderr, flush=True)
        print(f"\nSeeds {args.seeds[0]} to {seed}\n{table(found, study.unit)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

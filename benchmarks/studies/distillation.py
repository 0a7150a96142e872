"""What learning beside another network gives a recognizer: the same number of steps with it and without.

    OMP_NUM_THREADS=1 python3 -m benchmarks.studies.distillation --output DIR [--seeds N ...] [--iterations N]
        [--ways NAME ...] [--words N]

Small networks learn rendered words of few syllables from nothing; the one beside them is of the same kind, with fresh
weights of another seed. Words of another seed are the test, and the network is read as it is saved, alone. Runs that
are done are not repeated; a killed one goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from benchmarks.studies.small_task import opened, render_words, share_right, timed
from train_easyocr.common.files import write_json
from train_easyocr.common.text import format_table
from train_easyocr.engine import trainer
from train_easyocr.engine.device import Device
from train_easyocr.engine.distillation import MutualTask
from train_easyocr.engine.distributed import Processes
from train_easyocr.recognition.distillation import averaged_dml, dml, feature_adapter, udml
from train_easyocr.recognition.model import open_trained
from train_easyocr.recognition.task import RecognizerTask
from train_easyocr.recognition.validation import read_patches
from train_easyocr.settings.config import Config, check_config
from train_easyocr.weights.characters import CharacterSet, CtcConverter
from train_easyocr.weights.checkpoints import best_weights

SYLLABLES = (
    "가각간개거건경고공과관구국군금기나내년농다대도동로리마면무문민발방보부사산상서성세소수시안업용월인일자장정제조주지"
)
WORDS, TEST, ITERATIONS = 4_000, 1_000, 400
TRAINING = {
    "character": SYLLABLES,
    "img_height": 32,
    "img_width": 320,
    "output_channel": 64,
    "hidden_size": 64,
    "batch_size": 32,
    "lr": 0.002,
    "augmentation": "off",
    "continue_from": "",
    "detection": "",
    "workers": 0,
    "val_period": 1_000_000,
    "save_period": 1_000_000,
    "show_number": 0,
}
Kind = Callable[[Config, Processes], Any]


def beside(between: Callable[..., Any], config: Config, processes: Processes) -> MutualTask[Any, Any, Any]:
    """Return the training of two networks."""
    other = config.model_copy(update={"seed": config.seed + 1_000})
    tasks = [RecognizerTask(each, processes) for each in (config, other)]
    return MutualTask(tasks, between, feature_adapter if between is udml else None)


WAYS: Mapping[str, Kind] = {
    "alone": RecognizerTask,
    "dml": partial(beside, dml),
    "udml": partial(beside, udml),
    "averaged dml": partial(beside, averaged_dml),
}


def prepare(folder: Path, words: int) -> None:
    """Render all words, or what is left of that."""
    for number, (name, count) in enumerate({"training": words, "validation": 200, "test": TEST}.items(), 41):
        own = ("--character_set", SYLLABLES, "--characters", SYLLABLES, "--look", "scanned", "--format", "png")
        render_words(folder / name, count, number, *own)


def accuracy(folder: Path, weights: Path) -> float:
    """Return the per cent of test words that weights read right."""
    model, card, config = open_trained(weights)
    words, converter = opened(folder / "test"), CtcConverter(CharacterSet(card.character))
    patches = [words.patch(index, rgb=False) for index in range(len(words))]
    readings = read_patches(model, converter, patches, config, device=Device.choose("fp32"), batch_size=32)
    return share_right([words.label(index) for index in range(len(words))], [text for text, _ in readings])


def outcome(folder: Path, way: str, seed: int, iterations: int) -> tuple[float, float]:
    """Train one way from one seed; return the per cent of test words read right and the seconds it took."""
    name = f"{way} {seed}".replace(" ", "_")
    kept = folder / "runs" / f"{name}.json"
    if not kept.exists():
        places = {"output": folder, "train_data": folder / "training", "val_data": folder / "validation"}
        own = {"experiment_name": name, "seed": seed, "n_iter": iterations}
        places |= {"saved_models": folder / "runs"}
        config = check_config(TRAINING | {key: str(place) for key, place in places.items()} | own)
        seconds = timed(lambda: trainer.train(WAYS[way], config))
        write_json(kept, [accuracy(folder, best_weights(config.experiment)), seconds])
    found = json.loads(kept.read_bytes())
    return found[0], found[1]


def table(found: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Return a row a way: means over the seeds, and the difference from learning alone, seed by seed."""
    rows = []
    for way, runs in found.items():
        gains = [run[0] - alone[0] for run, alone in zip(runs, found["alone"], strict=True)]
        spread = f" ± {stdev(gains) / len(gains) ** 0.5:.2f}" if len(gains) > 1 else ""
        each = " ".join(f"{run[0]:.1f}" for run in runs)
        gain = "" if way == "alone" else f"{fmean(gains):+.2f}{spread}"
        seconds = f"{fmean(run[1] for run in runs):.0f}"
        rows.append([way, f"{fmean(run[0] for run in runs):.2f} ({each})", gain, seconds])
    return format_table(["trained", "test words right (%)", "more than alone", "CPU s"], rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all ways from all seeds, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], metavar="N")
    parser.add_argument("--iterations", type=int, default=ITERATIONS, metavar="N")
    parser.add_argument("--words", type=int, default=WORDS, metavar="N", help="rendered to be trained on")
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS), help="alone is always among them")
    args = parser.parse_args(arguments)
    folder = args.output.absolute()
    prepare(folder, args.words)
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in dict.fromkeys(["alone", *args.ways])}
    for seed in args.seeds:
        for way, runs in found.items():
            runs.append(outcome(folder, way, seed, args.iterations))
        print(f"\nSeeds {args.seeds[0]} to {seed}\n{table(found)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

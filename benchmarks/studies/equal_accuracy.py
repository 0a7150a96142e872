"""Does the recipe pay for its speed? The same small task learnt in the plain way and in ours, over several seeds.

    python3 -m benchmarks.studies.equal_accuracy [--iterations N] [--seeds N] [--output DIR]

The task: words of 20 characters, printed clean in many faces, read by a small network from nothing. Both ways see the
same words, in batches of the same size, for as many iterations, from the same first weights; what differs is what
makes ours fast: batches as wide as their words instead of `img_width`, in the precision that the processor is fast at.
Beside it stand the words a second of processor's time of whole runs, so that other work on the machine changes little.
The plain way here is this project's own trainer at its slowest settings; `benchmarks.training` has the plain trainer.

Runs that are done are not repeated: killed, it goes on with the run that it was at, and with the same settings again
it prints the table anew. Another number of iterations is another experiment.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.results import Row, machine, report
from benchmarks.studies.small_task import timed_training
from train_easyocr.common.files import write_json
from train_easyocr.common.text import format_table
from train_easyocr.settings.config import load_config

CHARACTERS = "0123456789가나다라마바사자구동"
WORDS, VALIDATION_SHARE = 9_000, 0.2
WAYS = {
    "plain": ["batch_width=fixed", "precision=fp32"],
    "ours": ["batch_width=bucket", "precision=auto"],
}
TASK = [
    *("img_height=32", "img_width=256", "output_channel=64", "hidden_size=64", "batch_size=32"),
    *("continue_from=", "augmentation=off", "optimizer=adamw", "lr=0.004", "lr_scheduler=one_cycle"),
    *("show_number=0", "workers=1", f"character={CHARACTERS}"),
]
OUTCOME = "outcome.json"
"""In the folder of a run that is at its end."""
SOURCE = Path(__file__).parents[2]


@dataclass(frozen=True)
class Outcome:
    """The end of a run.

    Attributes:
        accuracy: Words read right, per cent.
        norm_ed: Mean normalized edit similarity, 0 to 1.
        rate: Words a second of the training process's time.
    """

    accuracy: float
    norm_ed: float
    rate: float


def render(folder: Path) -> None:
    """Render the task's words, or what is left of them."""
    command = [sys.executable, "-m", "train_easyocr.synthesis.words", "--output", str(folder), "--look", "clean"]
    command += ["--count", str(WORDS), "--validation_share", str(VALIDATION_SHARE), "--character_set", CHARACTERS]
    subprocess.run([*command, "--seed", "1"], cwd=SOURCE, check=True)


def run(folder: Path, way: str, seed: int, iterations: int) -> Outcome:
    """Train in one way from one seed, and return the last validation's figures; what is done is not done again."""
    experiment = f"{way} {iterations} seed {seed}".replace(",", "")
    kept = folder / "runs" / experiment / OUTCOME
    if not kept.exists():
        shutil.rmtree(kept.parent, ignore_errors=True)  # a part of a run would have a part of its time
        places = [f"output={folder}", f"saved_models={folder / 'runs'}", f"experiment_name={experiment}"]
        length = [f"n_iter={iterations}", f"val_period={iterations}", f"save_period={iterations}", f"seed={seed}"]
        config = load_config(overrides=[*TASK, *WAYS[way], *places, *length])
        seconds = timed_training(config)
        last = json.loads((kept.parent / "log_train.jsonl").read_text(encoding="utf-8").splitlines()[-1])
        rate = sum(last["drawn"].values()) / seconds
        write_json(kept, {"accuracy": last["accuracy"], "norm_ed": last["norm_ed"], "rate": rate})
    return Outcome(**json.loads(kept.read_bytes()))


def noise(values: Sequence[float]) -> float:
    """Return the standard error of a mean; 0 of one value."""
    return statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0


def table(outcomes: dict[str, list[Outcome]]) -> str:
    """Lay out accuracies and rates: a row a seed, and their means with standard errors."""
    header = ["seed", *(f"{way}: accuracy" for way in outcomes), *(f"{way}: words/s" for way in outcomes)]
    columns = [[each.accuracy for each in of_way] for of_way in outcomes.values()]
    rates = [[each.rate for each in of_way] for of_way in outcomes.values()]
    rows: list[list[object]] = [
        [seed, *(f"{column[seed - 1]:.2f}" for column in columns), *(f"{column[seed - 1]:,.0f}" for column in rates)]
        for seed in range(1, len(columns[0]) + 1)
    ]
    means = [f"{statistics.mean(column):.2f} +- {noise(column):.2f}" for column in columns]
    rows.append(["mean", *means, *(f"{statistics.mean(column):,.0f}" for column in rates)])
    return format_table(header, rows)


def verdict(plain: Sequence[Outcome], ours: Sequence[Outcome]) -> str:
    """Say how far the means are apart, beside the standard error of that difference."""
    one, two = ([each.accuracy for each in outcomes] for outcomes in (plain, ours))
    apart = statistics.mean(two) - statistics.mean(one)
    error = (noise(one) ** 2 + noise(two) ** 2) ** 0.5
    return f"{apart:+.2f} points of accuracy, standard error {error:.2f}"


def main() -> None:
    """Train all runs, print the table, and report a row for each of our ways."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--iterations", type=int, default=800, help="of each run; default: %(default)s")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each way; default: %(default)s")
    parser.add_argument(
        "--output", type=Path, default=Path("saved_models/equal_accuracy"), help="words and runs; default: %(default)s"
    )
    options = parser.parse_args()
    folder = options.output.resolve()
    render(folder)
    outcomes: dict[str, list[Outcome]] = {way: [] for way in WAYS}
    for seed in range(1, options.seeds + 1):
        for way, of_way in outcomes.items():
            of_way.append(run(folder, way, seed, options.iterations))
    print(table(outcomes))
    rates = {way: statistics.mean(each.rate for each in of_way) for way, of_way in outcomes.items()}
    report(
        [
            Row(
                f"a small task learnt in {options.iterations:,} iterations, {way}",
                rates["plain"],
                rates[way],
                "words/s",
                note=f"of one core's time; {verdict(outcomes['plain'], outcomes[way])}, {options.seeds} seeds",
            )
            for way in list(WAYS)[1:]
        ]
    )
    print(machine())


if __name__ == "__main__":
    main()

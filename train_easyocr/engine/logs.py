"""The logs of a run: log_train.txt to read, log_train.jsonl to compute with, TensorBoard to look at.

A run that goes on from an earlier state cuts its logs back to what they held at that state; nothing stands in them
twice.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from train_easyocr.recognition.checks import describe_course
from train_easyocr.recognition.validation import Outcome

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

TEXT, LINES, TENSORBOARD = "log_train.txt", "log_train.jsonl", "tensorboard"
RULE = "-" * 80


@dataclass(frozen=True)
class Progress:
    """Where a run is when it validates.

    Attributes:
        iteration: Iterations done.
        n_iter: Iterations in all.
        training_loss: Mean over the iterations since the last validation.
        best: The best `accuracy` and `norm_ed` so far, this validation included, and those of averaged weights
            (`ema_accuracy`, `ema_norm_ed`) where these are taken.
        lr: The learning rate of the last iteration.
        elapsed: Seconds of training so far, over all parts of the run.
        batch_size: Words of a batch, over all processes.
        processes: How many there are.
        drawn: Words of each data set that training has drawn so far; a word that came twice counts twice.
    """

    iteration: int
    n_iter: int
    training_loss: float
    best: Mapping[str, float]
    lr: float
    elapsed: float
    batch_size: int
    processes: int
    drawn: Mapping[str, int]


def progress_bar(done: int, n_iter: int, *, shown: bool) -> tqdm[Any]:
    """Return the bar of a training that has done some of its iterations."""
    return tqdm(total=n_iter, initial=done, desc="Training", unit="it", dynamic_ncols=True, disable=not shown)


class RunLog:
    """Writes the logs in an experiment's folder.

    Args:
        folder: The experiment's folder.
        sizes: The sizes of the log files in bytes at the state that the run goes on from; empty for a new run.
        iteration: The iteration of that state; 0 for a new run.
    """

    def __init__(self, folder: Path, sizes: Mapping[str, int], iteration: int) -> None:
        self._folder = folder
        for name in (TEXT, LINES):
            with (folder / name).open("ab") as file:
                file.truncate(min(file.tell(), sizes.get(name, 0)))
        if not iteration:
            shutil.rmtree(folder / TENSORBOARD, ignore_errors=True)
        self._board = self._open_board(iteration)

    def _open_board(self, iteration: int) -> SummaryWriter:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - takes a second to import

        # What an earlier process wrote of later iterations is to be ignored.
        return SummaryWriter(str(self._folder / TENSORBOARD), purge_step=iteration + 1)

    def sizes(self) -> dict[str, int]:
        """Return the sizes of the log files, for the state that is being saved."""
        return {name: (self._folder / name).stat().st_size for name in (TEXT, LINES)}

    def validation(self, progress: Progress, outcome: Outcome) -> str:
        """Log a validation; return what was written to log_train.txt."""
        text = format_validation(progress, outcome)
        validation = outcome.weights
        figures = {
            "iteration": progress.iteration,
            "training_loss": progress.training_loss,
            "validation_loss": None if math.isnan(validation.loss) else validation.loss,
            "accuracy": validation.accuracy,
            "norm_ed": validation.norm_ed,
            **({"training_accuracy": outcome.training.accuracy} if outcome.training else {}),
            **(
                {"ema_accuracy": outcome.average.accuracy, "ema_norm_ed": outcome.average.norm_ed}
                if outcome.average
                else {}
            ),
            "best_accuracy": progress.best["accuracy"],
            "best_norm_ed": progress.best["norm_ed"],
            "words": validation.words,
            "batch_size": progress.batch_size,
            "processes": progress.processes,
            "lr": progress.lr,
            "elapsed": round(progress.elapsed, 3),
            "drawn": dict(progress.drawn),
        }
        self.record(progress.iteration, text, figures)
        return text

    def record(self, iteration: int, text: str, figures: Mapping[str, Any]) -> None:
        """Write what was found out at an iteration: a text for people, figures by name for programs and plots."""
        self._append(TEXT, text + "\n")
        self._append(LINES, json.dumps(figures) + "\n")
        for name, value in figures.items():
            if name not in ("iteration", "batch_size", "processes", "drawn") and value is not None:
                self._board.add_scalar(name, value, iteration)
        self._board.flush()

    def _append(self, name: str, text: str) -> None:
        with (self._folder / name).open("a", encoding="utf-8") as file:
            file.write(text)

    def close(self) -> None:
        """Close the TensorBoard file."""
        self._board.close()


def format_validation(progress: Progress, outcome: Outcome) -> str:
    """Return a validation's block of log_train.txt."""
    best, validation = progress.best, outcome.weights
    lines = [
        f"[{progress.iteration}/{progress.n_iter}] Training loss: {progress.training_loss:.5f} | "
        f"Validation loss: {validation.loss:.5f} | Total {timedelta(seconds=round(progress.elapsed))} elapsed",
        f"Current accuracy: {validation.accuracy:.3f} | Current normalized edit distance: {validation.norm_ed:.4f}",
        f"Best accuracy:    {best['accuracy']:.3f} | Best normalized edit distance:    {best['norm_ed']:.4f}",
    ]
    if len(progress.drawn) > 1:
        lines.append("Words drawn so far: " + ", ".join(f"{name} {count:,}" for name, count in progress.drawn.items()))
    if outcome.average is not None:
        lines.append(
            f"Averaged weights: accuracy {outcome.average.accuracy:.3f} (best {best['ema_accuracy']:.3f}) | "
            f"normalized edit distance {outcome.average.norm_ed:.4f} (best {best['ema_norm_ed']:.4f})"
        )
    if outcome.training is not None:
        lines.append(f"Accuracy on {outcome.training.words:,} training words: {outcome.training.accuracy:.3f}")
    lines += [f"Note: {remark}" for remark in describe_course(outcome, best)]
    if validation.samples:
        lines += [RULE, validation.table(), RULE]
    return "\n".join(lines)

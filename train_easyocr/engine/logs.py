"""The logs of a run: log_train.txt to read, log_train.jsonl to compute with, TensorBoard to look at.

A run that goes on from an earlier state cuts its logs back to what they held at that state; nothing stands in them
twice.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

TEXT, LINES, TENSORBOARD = "log_train.txt", "log_train.jsonl", "tensorboard"


@dataclass(frozen=True)
class Progress:
    """Where a run is when it validates.

    Attributes:
        iteration: Iterations done.
        n_iter: Iterations in all.
        training_loss: Mean over the iterations since the last validation.
        best: The best of each score so far, this validation included; those of averaged weights that have files of
            their own are called `ema_NAME`.
        lr: The learning rate of the last iteration.
        elapsed: Seconds of training so far, over all parts of the run.
        batch_size: Samples of a batch, over all processes.
        processes: How many there are.
    """

    iteration: int
    n_iter: int
    training_loss: float
    best: Mapping[str, float]
    lr: float
    elapsed: float
    batch_size: int
    processes: int

    def headline(self, *further: str) -> str:
        """Return the line that begins a validation's block; `further` stands between the loss and the time."""
        parts = (f"Training loss: {self.training_loss:.5f}", *further)
        elapsed = timedelta(seconds=round(self.elapsed))
        return f"[{self.iteration}/{self.n_iter}] {' | '.join(parts)} | Total {elapsed} elapsed"


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

    def record(self, progress: Progress, text: str, figures: Mapping[str, Any]) -> None:
        """Write what a validation found out: a text for people, figures by name for programs and plots."""
        figures = {
            "iteration": progress.iteration,
            "training_loss": progress.training_loss,
            **figures,
            "batch_size": progress.batch_size,
            "processes": progress.processes,
            "lr": progress.lr,
            "elapsed": round(progress.elapsed, 3),
        }
        self._append(TEXT, text + "\n")
        self._append(LINES, json.dumps(figures) + "\n")
        for name, value in figures.items():
            if name not in ("iteration", "batch_size", "processes") and isinstance(value, int | float):
                self._board.add_scalar(name, value, progress.iteration)
        self._board.flush()

    def _append(self, name: str, text: str) -> None:
        with (self._folder / name).open("a", encoding="utf-8") as file:
            file.write(text)

    def close(self) -> None:
        """Close the TensorBoard file."""
        self._board.close()

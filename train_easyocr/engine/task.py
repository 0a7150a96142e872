"""What a training is about: all that the one loop (`trainer.py`) asks of it.

A `Task` knows a model, its batches, the loss of a batch, how good the model is, and what lies beside its weights. To
train another network is to write another task, and nothing else. A task may hand on to another one what it does not
change: so a distillation adds its teachers' loss, and pruning or training for int8 changes the model that `build`
returns and keeps it so in `after_step`. Data sets are the task's alone; there may be any number of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import torch
from torch import nn

from train_easyocr.engine.device import Device
from train_easyocr.engine.distributed import ALONE, Processes
from train_easyocr.engine.length import Length
from train_easyocr.engine.logs import Progress
from train_easyocr.engine.schedules import Schedule
from train_easyocr.settings.parts import TrainingSettings
from train_easyocr.weights.checkpoints import Card

Batch = TypeVar("Batch")
Part = TypeVar("Part")
Result = TypeVar("Result")


class Data(NamedTuple):
    """What the loop has to know of the data sets.

    Attributes:
        samples: How many there are to train on.
        sums: What tells each set from all others, training sets first; wherever a set lies, its sum is the same.
        names: What each is called in messages.
        what: What the sums are of.
    """

    samples: int
    sums: list[str]
    names: list[str]
    what: str


class Task(ABC, Generic[Batch, Part, Result]):
    """A training: made of its settings; then `open`, `build` and, for a new run, `begin` follow, and all the rest.

    Args:
        config: The settings.
        processes: They divide each batch and each validation among them, and call everything alike.

    Attributes:
        config: The settings; once the data are open, with a number of iterations.
        processes: As given.
        device: Where and how to compute.
        unit: What a batch holds.
        length: Of a run where `n_iter` is auto.
        places: Settings that each machine may have its own values of.
        free: Further settings that may change between the parts of a run: the weights at its end are the same.
        average_apart: Averaged weights have best files of their own; else the better ones share a file.

    Raises:
        UsageError: The device can't compute as the settings ask.
    """

    unit: ClassVar[str]
    length: ClassVar[Length]
    places: ClassVar[frozenset[str]] = frozenset({"saved_models", "workers"})
    free: ClassVar[frozenset[str]] = frozenset(
        {"experiment_name", "compile", "val_period", "save_period", "early_stopping"}
    )
    average_apart: ClassVar[bool] = True
    config: TrainingSettings

    def __init__(self, config: TrainingSettings, processes: Processes = ALONE) -> None:
        self.config, self.processes = config, processes
        self.device = Device.choose(config.precision)

    # Before the first step, in this order

    @abstractmethod
    def open(self, state: Mapping[str, Any] | None) -> Data:
        """Open the data sets; `state` is that of the run that goes on, None for a new one."""

    def describe_data(self, *, write: bool) -> None:
        """Say what is used and what is left out, and write it to log_dataset.txt where `write` is set.

        Raises:
            UserError: Nothing is left.
        """

    def faults(self) -> list[str]:
        """Return what is wrong with the settings now that the data have told the number of iterations."""
        return []

    @abstractmethod
    def build(self) -> nn.Module:
        """Return the model with fresh weights, drawn from torch's global random numbers."""

    def begin(self, model: nn.Module) -> None:
        """Give the model of a new run its first weights; the first process does it for all."""

    @abstractmethod
    def describe(self) -> str:
        """Say how the run is going to be."""

    @abstractmethod
    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """Return the optimizer of the model's parameters."""

    @abstractmethod
    def schedule(self) -> Schedule:
        """Return the learning rate of each step."""

    @property
    @abstractmethod
    def grows(self) -> bool:
        """Whether a run may go on with a higher `n_iter`: whether its steps so far would have been the same."""

    # Steps

    @abstractmethod
    def batches(self, start: int) -> Iterator[Batch]:
        """Yield this process's share of each batch from step `start` (counted from 0) up to the last one.

        What is in a batch follows from the step's number alone: a run that goes on sees what it would have seen.
        """

    @abstractmethod
    def parts(self, batch: Batch) -> Sequence[Part]:
        """Divide a batch into as many parts as `accumulation` says, ready for the loss."""

    def weight(self, part: Part) -> torch.Tensor:
        """Return what a part counts in its batch's loss, a scalar on the device."""
        return torch.ones((), device=self.device.torch_device)

    @abstractmethod
    def loss(self, network: nn.Module, part: Part) -> torch.Tensor:
        """Return the loss of a part times its weight, a scalar; `network` is the model, to be called as it is."""

    def train_mode(self, model: nn.Module) -> None:
        """Put the model into training mode."""
        model.train()

    def before_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Change gradients, which are clipped and known to be finite."""

    def after_step(self, *, finite: bool) -> None:
        """Follow a step; `finite` tells whether it was one: with fp16, the scaler leaves out some."""

    @abstractmethod
    def describe_batch(self, batch: Batch) -> Sequence[str]:
        """Name what is in a batch whose loss is not finite."""

    # Validation

    @abstractmethod
    def validate(self, model: nn.Module, iteration: int, check: Callable[[], None], *, averaged: bool) -> Result:
        """Measure how good the model is, and leave it in any mode.

        Args:
            model: The model, or the running average of its weights.
            iteration: Iterations done.
            check: Ends the validation where a stop is asked for; to be called now and then, in all processes alike.
            averaged: Which of both it is.
        """

    @abstractmethod
    def scores(self, result: Result) -> dict[str, float]:
        """Return the scores by name, higher ones better; of each name the best weights are kept, `best_NAME.pth`."""

    @abstractmethod
    def report(
        self, progress: Progress, result: Result, average: Result | None
    ) -> tuple[Sequence[str], Mapping[str, Any]]:
        """Describe a validation.

        Args:
            progress: Where the run is.
            result: Of the weights.
            average: Of their average, where one is taken.

        Returns:
            Lines for log_train.txt, and figures by name for log_train.jsonl beside those that all trainings have.
        """

    @abstractmethod
    def describe_best(self, best: Mapping[str, float]) -> str:
        """Say in a sentence how good the best weights are."""

    @abstractmethod
    def card(self, result: Result, iteration: int, *, averaged: bool) -> Card:
        """Return what is to lie beside the weights."""

    # Further state

    def state(self) -> dict[str, Any]:
        """Return what `restore` needs beside model, optimizer and random numbers; all processes are asked."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a saved state, which holds the keys of `state` among others."""

    def kept(self, model: nn.Module) -> nn.Module:
        """Return the part of the model whose weights are saved for use: all of it, where nothing else learns beside."""
        return model

    def compiled_part(self, model: nn.Module) -> nn.Module:
        """Return the part of the model that `compile` is for."""
        return model

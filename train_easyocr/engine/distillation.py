"""Networks that learn beside others: a task made of tasks, whose answers to one batch are drawn together.

Mutual learning (Zhang et al., "Deep Mutual Learning", arXiv 1706.00384): each network learns its labels and what the
others answer. A frozen teacher may answer as well, or instead of them. What is validated, saved and used is the first
network alone, with the keys that it has where it learns alone; the others are a part of the state that a run goes on
with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from train_easyocr.engine.device import Device
from train_easyocr.engine.logs import Progress
from train_easyocr.engine.schedules import Schedule
from train_easyocr.engine.task import Batch, Data, Part, Result, Task
from train_easyocr.settings.parts import TrainingSettings
from train_easyocr.weights.checkpoints import Card

Between = Callable[["Peers", Sequence[Any], Any], torch.Tensor]
"""Returns the loss between the networks' answers to a part, a scalar: the sum over what the part's weight counts."""


class Peers(nn.Module):
    """Several networks that see the same input.

    Args:
        students: All of them, the one that matters first.
        adapters: What the loss between them learns besides.
    """

    def __init__(self, students: Sequence[nn.Module], adapters: nn.Module | None = None) -> None:
        super().__init__()
        self.students = nn.ModuleList(students)
        self.adapters = adapters if adapters is not None else nn.Module()

    def forward(self, *inputs: Any) -> tuple[Any, ...]:
        """Return the answer of each network."""
        return tuple(student(*inputs) for student in self.students)


class FrozenNetwork:
    """A network that is trained already, and only answers.

    Args:
        network: The network; it stays as it is.
        device: Where to compute.
    """

    def __init__(self, network: nn.Module, device: Device) -> None:
        self._network = network.to(device.torch_device).eval().requires_grad_(False)
        self._device = device

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return the answer to images, uint8 [B, C, H, W]."""
        with torch.no_grad(), self._device.autocast():
            return self._network(self._device.input(images)).float()


class _Answers:
    """Asks all networks once, where the first task asks, and gives each task its own network's answer."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self.found: tuple[Any, ...] | None = None

    def of(self, number: int) -> Callable[..., Any]:
        """Return what a task is to take for its network."""

        def ask(*inputs: Any) -> Any:
            if self.found is None:
                self.found = self._network(*inputs)
            return self.found[number]

        return ask


class MutualTask(Task[Batch, Part, Result]):
    """Trains several tasks' networks on the batches of the first one, and draws their answers together.

    Args:
        tasks: Made of their settings, on the same data and with the same labels; the first one counts, and
            may be the only one. Each network learns by its own task's loss. They can't ask their networks for anything
            but answers (`center_loss`).
        between: The loss between the answers, or between them and what a frozen teacher answers.
        adapters: Makes what that loss learns besides, of the networks; None: nothing.
    """

    def __init__(
        self,
        tasks: Sequence[Task[Batch, Part, Result]],
        between: Between,
        adapters: Callable[[Sequence[nn.Module]], nn.Module] | None = None,
    ) -> None:
        self._tasks, self._between, self._adapters = list(tasks), between, adapters
        self._main = main = self._tasks[0]
        self.processes, self.device = main.processes, main.device
        for name in ("unit", "length", "places", "free", "average_apart"):
            setattr(self, name, getattr(main, name))

    @property
    def config(self) -> TrainingSettings:
        """The settings of the first task; all have its number of iterations."""
        return self._main.config

    @config.setter
    def config(self, config: TrainingSettings) -> None:
        self._main.config = config
        for task in self._tasks[1:]:
            task.config = task.config.model_copy(update={"n_iter": config.n_iter})

    def open(self, state: Mapping[str, Any] | None) -> Data:
        """Open the data of all tasks."""
        data = [task.open(state) for task in self._tasks]
        return data[0]

    def describe_data(self, *, write: bool) -> None:
        """Say what is used, as the first task does."""
        self._main.describe_data(write=write)

    def faults(self) -> list[str]:
        """Return what is wrong with the settings."""
        return [fault for task in self._tasks for fault in task.faults()]

    def build(self) -> nn.Module:
        """Return all networks, each with random numbers of its own."""
        students = [task.build() for task in self._tasks]
        return Peers(students, self._adapters(students) if self._adapters else None)

    def begin(self, model: nn.Module) -> None:
        """Give each network its first weights."""
        for task, student in zip(self._tasks, _students(model), strict=True):
            task.begin(student)

    def describe(self) -> str:
        """Say how the run is going to be."""
        count = len(self._tasks)
        beside = f"\n{count} networks learn beside each other; the first one is kept" if count > 1 else ""
        return self._main.describe() + beside

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """Return the first task's optimizer, for all networks."""
        return self._main.optimizer(model)

    def schedule(self) -> Schedule:
        """Return the learning rate of each step."""
        return self._main.schedule()

    @property
    def grows(self) -> bool:
        """Whether a run may go on with more iterations."""
        return self._main.grows

    def batches(self, start: int) -> Iterator[Batch]:
        """Yield the first task's batches."""
        return self._main.batches(start)

    def parts(self, batch: Batch) -> Sequence[Part]:
        """Divide a batch, as the first task does."""
        return self._main.parts(batch)

    def weight(self, part: Part) -> torch.Tensor:
        """Return what a part counts."""
        return self._main.weight(part)

    def loss(self, network: nn.Module, part: Part) -> torch.Tensor:
        """Return the sum of all networks' losses, and that between them."""
        answers = _Answers(network)
        own = [task.loss(answers.of(number), part) for number, task in enumerate(self._tasks)]  # type: ignore[arg-type]
        assert answers.found is not None
        peers = network if isinstance(network, Peers) else network.module
        return torch.stack(own).sum() + self._between(peers, answers.found, part)  # type: ignore[arg-type]

    def train_mode(self, model: nn.Module) -> None:
        """Put all networks into training mode."""
        model.train()
        for task, student in zip(self._tasks, _students(model), strict=True):
            task.train_mode(student)

    def before_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Change gradients as the first task does."""
        self._main.before_step(optimizer)

    def after_step(self, *, finite: bool) -> None:
        """Follow a step as the first task does."""
        self._main.after_step(finite=finite)

    def describe_batch(self, batch: Batch) -> Sequence[str]:
        """Name what is in a batch."""
        return self._main.describe_batch(batch)

    def validate(self, model: nn.Module, iteration: int, check: Callable[[], None], *, averaged: bool) -> Result:
        """Measure how good the first network is."""
        return self._main.validate(self.kept(model), iteration, check, averaged=averaged)

    def scores(self, result: Result) -> dict[str, float]:
        """Return its scores."""
        return self._main.scores(result)

    def report(
        self, progress: Progress, result: Result, average: Result | None
    ) -> tuple[Sequence[str], Mapping[str, Any]]:
        """Describe its validation."""
        return self._main.report(progress, result, average)

    def describe_best(self, best: Mapping[str, float]) -> str:
        """Say how good its best weights are."""
        return self._main.describe_best(best)

    def card(self, result: Result, iteration: int, *, averaged: bool) -> Card:
        """Return its card."""
        return self._main.card(result, iteration, averaged=averaged)

    def state(self) -> dict[str, Any]:
        """Return the first task's further state."""
        return self._main.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a saved state."""
        self._main.restore(state)

    def kept(self, model: nn.Module) -> nn.Module:
        """Return the first network."""
        return _students(model)[0]

    def compiled_part(self, model: nn.Module) -> nn.Module:
        """Return the part of the first network that `compile` is for."""
        return self._main.compiled_part(self.kept(model))


def _students(model: nn.Module) -> nn.ModuleList:
    assert isinstance(model, Peers)
    return model.students

"""The only training loop: it can be killed at any moment and goes on exactly where it was, whatever it trains.

After every validation the whole state is saved (`state.py`), and what is in a batch follows from the step's number. So
a run in parts ends with the weights of a run in one piece, bit for bit on a CPU.
"""

from __future__ import annotations

import io
import math
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from typing import Any, Generic, TypeVar

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from tqdm import tqdm

from train_easyocr.common.errors import UsageError, UserError
from train_easyocr.common.files import remove_leftovers
from train_easyocr.common.memory import keep_freed_memory
from train_easyocr.engine.averaging import AverageOfWeights
from train_easyocr.engine.distributed import Processes
from train_easyocr.engine.length import with_iterations, with_length
from train_easyocr.engine.loaders import noticing_lost_workers
from train_easyocr.engine.logs import Progress, RunLog, progress_bar
from train_easyocr.engine.optimizers import count_trainable
from train_easyocr.engine.state import check_same_data, check_same_settings, load_state, save_state
from train_easyocr.engine.stopping import StopRequest, end_after, interrupted
from train_easyocr.engine.task import Batch, Data, Part, Result, Task
from train_easyocr.settings.checking import save_config
from train_easyocr.settings.parts import TrainingSettings
from train_easyocr.weights.checkpoints import save_weights

BACKEND = "inductor"
"""Of torch.compile."""

Settings = TypeVar("Settings", bound=TrainingSettings)


def train(
    kind: Callable[[Settings, Processes], Task[Any, Any, Any]], config: Settings, minutes: float | None = None
) -> bool:
    """Run a training, or what is left of it; prints what it does.

    Args:
        kind: Makes the task of settings and processes.
        config: The settings. Results and logs go to `config.experiment`.
        minutes: Stop after this time, with a validation; running again goes on.

    Returns:
        Whether the training is at its end; False where time was up before.

    Raises:
        UsageError: A setting can't be used here, or the experiment was begun with other settings.
        UserError: It was begun with other data, training went wrong, or batches don't come any more; and what the
            task's methods raise: its data or first weights can't be used.
        Interrupted: Training was asked to stop.
        OtherProcessError: Another of the processes that torchrun started failed.
    """
    # What all processes have to say, the first one says.
    with (
        noticing_lost_workers(),
        Processes.joined() as processes,
        nullcontext() if processes.first else redirect_stdout(io.StringIO()),
    ):
        with processes.agreeing():
            task = kind(config, processes)
        return _train(task, end_after(minutes))


def _train(task: Task[Any, Any, Any], end: float) -> bool:
    processes, experiment = task.processes, task.config.experiment
    with processes.agreeing():
        state = _begun(task) if processes.first else None
    state = processes.of_first(state)
    if state is not None:
        task.config = with_iterations(task.config, state["config"]["n_iter"])
    # No block holds two things that may fail while other processes wait.
    with processes.agreeing():
        _check_shares(task)
    with processes.agreeing():
        data = task.open(state)
    if state is not None:
        # Before it is said to be done, too: another folder may be named now, or what is in it made anew.
        with processes.agreeing():
            check_same_data(experiment, state, data.sums, data.names, data.what)
        stale = state.get("stale", 0)
        if state["validated"] >= task.config.n_iter or _is_at_rest(task, stale):
            print(_finished(task, state["iteration"], state["best"], stale))
            return True
    with processes.agreeing():
        task.describe_data(write=processes.first)
    with processes.agreeing():
        _choose_length(task, data)
    with processes.agreeing():
        trainer = Trainer(task, _build(task, new=state is None), data)
    print(f"Total number of trainable parameters: {count_trainable(trainer.model):,}")
    print(f"Computing in {task.device}{processes.unused_gpus()}")
    print(_describe_batch(task))
    print(task.describe())
    if state is not None:
        trainer.restore(state)
        print(f"Going on after iteration {trainer.iteration:,} of {task.config.n_iter:,}")
    if task.config.compile == "on":
        # In place: the names of the state stay.
        task.compiled_part(trainer.model).compile(dynamic=True, backend=BACKEND)
    trainer.run(end)
    print(_finished(task, trainer.iteration, trainer.best, trainer.stale))
    return trainer.iteration >= task.config.n_iter or _is_at_rest(task, trainer.stale)


def _begun(task: Task[Any, Any, Any]) -> dict[str, Any] | None:
    """Return the experiment's state, if it has one, and make its folder ready."""
    config = task.config
    state = load_state(config.experiment)
    if state is not None:
        free = task.places | task.free | ({"n_iter"} if task.grows else frozenset())
        check_same_settings(config.experiment, state, with_iterations(config, state["config"]["n_iter"]), free)
    config.experiment.mkdir(parents=True, exist_ok=True)
    remove_leftovers(config.experiment)
    return state


def _check_shares(task: Task[Any, Any, Any]) -> None:
    config, count = task.config, task.processes.count
    if config.batch_size < count * config.accumulation:
        each = f" in {config.accumulation} parts each (accumulation)" if config.accumulation > 1 else ""
        raise UsageError(
            f"batch_size: {config.batch_size} {task.unit} can't be divided over {count} processes{each}; it is the "
            f"number of {task.unit} of a batch over all of them"
        )


def _choose_length(task: Task[Any, Any, Any], data: Data) -> None:
    """Give the settings their number of iterations, and check them once more where the data have told it."""
    found = with_length(task.config, task.length, data.samples)
    chosen, task.config = found is not task.config, found
    if chosen and (faults := task.faults()):
        raise UsageError("n_iter: auto does not go with other settings:\n" + "\n".join(f"  - {one}" for one in faults))


def _build(task: Task[Any, Any, Any], *, new: bool) -> nn.Module:
    """Return the model, with its first weights in the first process, and write the settings down."""
    config = task.config
    if not task.device.is_gpu:
        keep_freed_memory()
    torch.manual_seed(config.seed)
    model = task.build()
    if task.processes.first:
        if new:
            task.begin(model)
        save_config(config, config.experiment / "config.yaml")
    return model


def _describe_batch(task: Task[Any, Any, Any]) -> str:
    size, count = task.config.batch_size, task.processes.count
    text = f"Global batch: {size:,} {task.unit}"
    if count == 1:
        return text
    low, high = size // count, -(-size // count)
    each = f"{low:,}" if low == high else f"{low:,} or {high:,}"
    return f"{text} over {count:,} processes, {each} in each"


def _is_at_rest(task: Task[Any, Any, Any], stale: int) -> bool:
    """Whether early stopping ends the run after `stale` validations without a new best."""
    return 0 < task.config.early_stopping <= stale


def _finished(task: Task[Any, Any, Any], iteration: int, best: Mapping[str, float], stale: int) -> str:
    config, new = task.config, " new run needs another experiment_name"
    if iteration >= config.n_iter:
        ends = f"all {iteration:,} iterations are done"
        more = f"More of them need a higher n_iter, a{new}" if task.grows else f"A{new}"
    elif _is_at_rest(task, stale):
        ends = (
            f"stopped early, after {iteration:,} of {config.n_iter:,} iterations: "
            f"no new best in {config.early_stopping} validations"
        )
        more = f"To go on needs a higher early_stopping, a{new}"
    else:
        ends = f"time is up after {iteration:,} of {config.n_iter:,} iterations"
        more = "Running again goes on from there"
    return f"{config.experiment}: {ends}. {task.describe_best(best)} {more}."


class Trainer(Generic[Batch, Part, Result]):
    """Trains a task's model; all that changes while it does so is saved by `save` and brought back by `restore`.

    Args:
        task: What to train, its data open.
        model: The model with its first weights.
        data: What is to be known of the data.

    Attributes:
        model: The model, on its device.
        iteration: Steps done.
        best: The best of each score of all validations so far.
        stale: Validations since the last new best.
    """

    def __init__(self, task: Task[Batch, Part, Result], model: nn.Module, data: Data) -> None:
        config, device = task.config, task.device.torch_device
        self._task, self._config, self._processes, self._data = task, config, task.processes, data
        self.model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._network: nn.Module = self.model
        self._parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._optimizer, self._schedule = task.optimizer(self.model), task.schedule()
        self._average = AverageOfWeights(self.model, config.ema) if config.ema else None
        self._scaler = torch.amp.GradScaler(device.type, enabled=task.device.precision == "fp16")
        self._stop = StopRequest(patient=task.processes.count > 1)
        self._log: RunLog | None = None
        self.iteration, self.stale, self._validated = 0, 0, 0
        self.best: dict[str, float] = {}
        self._loss_sum, self._loss_steps = 0.0, 0
        self._elapsed, self._started = 0.0, time.monotonic()
        self._log_sizes: dict[str, int] = {}

    # State

    def save(self) -> None:
        """Save what a later process needs to go on from here; the first of many does it for all."""
        further = self._task.state()
        if self._log is None:
            return
        random = {"cpu": torch.get_rng_state()}
        if self._task.device.is_gpu:
            random["cuda"] = torch.cuda.get_rng_state()
        state = {
            "config": self._config.model_dump(),
            "data": self._data.sums,
            "computing": self._way(),
            "model": self.model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
            "random": random,
            "iteration": self.iteration,
            "best": self.best,
            "validated": self._validated,
            "stale": self.stale,
            "average": self._average.state_dict() if self._average is not None else {},
            "loss": [self._loss_sum, self._loss_steps],
            "elapsed": self._seconds(),
            "log_sizes": self._log.sizes(),
        }
        save_state(self._config.experiment, state | further)

    def _way(self) -> str:
        """Say what the last digits of the results depend on."""
        device, count = self._task.device, self._processes.count
        return f"{device}, {count} processes" if count > 1 else str(device)

    def _seconds(self) -> float:
        """Return the seconds of training so far, over all parts of the run."""
        return self._elapsed + time.monotonic() - self._started

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a saved state."""
        self.model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        if state["scaler"]:  # empty when the run began without fp16
            self._scaler.load_state_dict(state["scaler"])
        random = state.get("random", {})  # a detector's state of before had none, nor `stale`
        if "cpu" in random:
            torch.set_rng_state(random["cpu"])
        if "cuda" in random and self._task.device.is_gpu:
            torch.cuda.set_rng_state(random["cuda"])
        self.iteration, self.best = state["iteration"], dict(state["best"])
        self._validated, self.stale = state["validated"], state.get("stale", 0)
        if self._average is not None:
            self._average.load_state_dict(state["average"])
        self._loss_sum, self._loss_steps = state["loss"]
        self._elapsed, self._log_sizes = state["elapsed"], dict(state["log_sizes"])
        self._task.restore(state)
        if state["computing"] != self._way():
            print(f"The run began in {state['computing']}: its end will differ in the last digits from what it was")

    # Training

    def run(self, end: float = math.inf) -> None:
        """Train from the present iteration to the last one.

        Args:
            end: When to stop in any case, as `time.monotonic` counts.

        Raises:
            Interrupted: A signal asked for it; the state is saved.
            UserError: The loss or a gradient is not finite, or a sample can't be read; the last saved state stays.
        """
        config, processes = self._config, self._processes
        self._join()
        with processes.agreeing():
            self._log = RunLog(config.experiment, self._log_sizes, self.iteration) if processes.first else None
        self._started = time.monotonic()
        bar = progress_bar(self.iteration, config.n_iter, shown=processes.first)
        rate = _Rate()
        try:
            with self._stop.listening(), bar:
                if self.iteration:
                    self._after_step(bar, last=False)  # what was left to do when the state was saved
                self._task.train_mode(self.model)
                batches = self._task.batches(self.iteration)
                last = self.iteration >= config.n_iter
                while not last and not _is_at_rest(self._task, self.stale):
                    with processes.agreeing():
                        batch = next(batches)
                    loss = self._step(batch)
                    self.iteration += 1
                    bar.update()
                    if rate.count(config.batch_size):
                        bar.set_postfix_str(f"{rate.value:,.0f} images/s, loss {loss:.4f}", refresh=False)
                    late = end < math.inf and processes.any(time.monotonic() >= end)
                    last = self.iteration >= config.n_iter or late
                    self._after_step(bar, last=last)
        finally:
            if self._log is not None:
                self._log.close()

    def _join(self) -> None:
        """Make sure that all processes train the same, and connect them.

        Raises:
            UsageError: Another process was given other settings or data.
        """
        task = self._task
        facts = {key: value for key, value in self._config.model_dump().items() if key not in task.places}
        facts |= {self._data.what: self._data.sums, "the precision that auto chooses": task.device.precision}
        with self._processes.agreeing():
            self._processes.check_same(facts)
        self._network = self._processes.wrap(self.model, task.device.torch_device)

    def _step(self, batch: Batch) -> float:
        """Take a step and return the loss."""
        for group in self._optimizer.param_groups:
            group["lr"] = self._schedule.rate(self.iteration)
        self._optimizer.zero_grad()
        mean = self._backward(batch)
        self._scaler.unscale_(self._optimizer)
        norm = nn.utils.clip_grad_norm_(self._parameters, self._config.grad_clip)
        # One transfer from the device for both.
        value, gradient = torch.stack([mean, norm]).tolist()
        # With fp16, gradients that are too large are the scaler's to deal with.
        if not math.isfinite(value) or not (math.isfinite(gradient) or self._scaler.is_enabled()):
            raise UserError(self._describe_failure(batch, value, gradient))
        self._task.before_step(self._optimizer)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._task.after_step(finite=math.isfinite(gradient))
        if self._average is not None:
            self._average.update(self.model)
        self._loss_sum += value
        self._loss_steps += 1
        return value

    def _backward(self, batch: Batch) -> torch.Tensor:
        """Compute the gradient of a step's loss, and return the mean loss of the whole batch.

        The batch is that of all processes, and each process computes its share in as many parts as `accumulation`
        asks for. Gradients' mean over processes is the gradient of the whole batch's loss, whatever each part weighs.
        """
        task, processes = self._task, self._processes
        parts = task.parts(batch)
        weight = processes.sum(torch.stack([task.weight(part) for part in parts]).sum())
        sums = []
        for number, part in enumerate(parts, start=1):
            with self._gathering(gradients=number == len(parts)):
                total = task.loss(self._network, part)
                self._scaler.scale(total / weight * processes.count).backward()
            sums.append(total.detach())
        return processes.sum(torch.stack(sums).sum()) / weight

    def _gathering(self, *, gradients: bool) -> AbstractContextManager[None]:
        """Let backward passes add up gradients over processes, or leave that to a later one."""
        if gradients or not isinstance(self._network, DistributedDataParallel):
            return nullcontext()
        return self._network.no_sync()

    def _describe_failure(self, batch: Batch, loss: float, gradient: float) -> str:
        lines = "".join(f"\n  {line}" for line in self._task.describe_batch(batch))
        return (
            f"iteration {self.iteration + 1}: the loss is {loss}, the norm of its gradient {gradient}; "
            "training has stopped, and the last saved state is kept. A lower lr or grad_clip, or precision: fp32, "
            f"may help. The {self._task.length.unit} of the batch:{lines}"
        )

    def _after_step(self, bar: tqdm[Any], *, last: bool) -> None:
        """Validate and save where that is due at this iteration, and stop where that was asked for."""
        config, iteration = self._config, self.iteration
        keep = iteration % config.save_period == 0
        due = last or keep or iteration % config.val_period == 0 or iteration >= config.n_iter
        if due and self._validated != iteration:
            results = self._validate()
            bar.write(self._log_validation(results))
            if keep:
                for suffix, result in results.items():
                    self._save_weights(f"iter_{iteration}{suffix}", suffix, result)
            self.save()
        if not last:
            self._stop_if_asked()

    def _stop_if_asked(self) -> None:
        if self._processes.any(self._stop.made):
            self.save()
            raise interrupted(self._config.experiment, self.iteration, self._config.n_iter)

    # Validation

    def _models(self) -> dict[str, nn.Module]:
        """Return the models to validate, by what is added to the names of their files."""
        return {"": self.model} | ({"_ema": self._average.model} if self._average is not None else {})

    def _validate(self) -> dict[str, Result]:
        """Validate, and keep the weights and their average where they are the best."""
        results = {}
        for suffix, model in self._models().items():
            self._processes.share_buffers(model)
            results[suffix] = self._task.validate(model, self.iteration, self._stop_if_asked, averaged=bool(suffix))
        self._task.train_mode(self.model)
        improved = self._keep_best(results)
        self.stale = 0 if improved else self.stale + 1
        return results

    def _keep_best(self, results: Mapping[str, Result]) -> bool:
        """Save what is better than anything before; return whether something is."""
        improved = False
        for suffix, result in results.items():
            apart = self._task.average_apart and bool(suffix)
            for name, score in self._task.scores(result).items():
                key = f"ema_{name}" if apart else name
                if score > self.best.setdefault(key, -math.inf):
                    improved = True
                    self.best[key] = score
                    self._save_weights(f"best_{name}{suffix if apart else ''}", suffix, result)
        return improved

    def _log_validation(self, results: Mapping[str, Result]) -> str:
        """Log a validation, begin the next mean of the loss, and return the block for the screen."""
        progress = Progress(
            iteration=self.iteration,
            n_iter=self._config.n_iter,
            training_loss=self._loss_sum / max(1, self._loss_steps),
            best=self.best,
            lr=self._optimizer.param_groups[0]["lr"],
            elapsed=self._seconds(),
            batch_size=self._config.batch_size,
            processes=self._processes.count,
        )
        lines, figures = self._task.report(progress, results[""], results.get("_ema"))
        text = "\n".join(lines)
        if self._log is not None:
            self._log.record(progress, text, figures)
        self._validated = self.iteration
        self._loss_sum, self._loss_steps = 0.0, 0
        return text

    def _save_weights(self, name: str, suffix: str, result: Result) -> None:
        if self._processes.first:
            card = self._task.card(result, self.iteration, averaged=bool(suffix))
            kept = self._task.kept(self._models()[suffix])
            save_weights(self._config.experiment / f"{name}.pth", kept, card)


class _Rate:
    """Samples a second, over the last second or so."""

    def __init__(self) -> None:
        self._samples, self._since, self.value = 0, time.monotonic(), 0.0

    def count(self, samples: int) -> bool:
        """Count samples; return whether `value` is new."""
        self._samples += samples
        elapsed = time.monotonic() - self._since
        if elapsed < 1:
            return False
        self._samples, self._since, self.value = 0, time.monotonic(), self._samples / elapsed
        return True

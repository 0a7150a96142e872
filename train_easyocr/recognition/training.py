"""Training a word recognizer, so that it can be killed at any moment and goes on exactly where it was.

`train` is step 3: it reads the prepared sets, builds the network, and hands both to a `Trainer`. After every validation
the trainer saves its whole state (`engine/state.py`); the words of each step follow from the step's number
(`batches.py`). So a run in parts ends with the weights of a run in one piece, bit for bit on a CPU.
"""

from __future__ import annotations

import io
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel
from tqdm import tqdm

from train_easyocr.common.errors import UsageError
from train_easyocr.common.files import remove_leftovers, write_text
from train_easyocr.common.memory import keep_freed_memory
from train_easyocr.datasets.data import NothingUsableError, WordSet, describe_characters, describe_sets, open_set
from train_easyocr.datasets.sampling import BatchPlan, training_plan
from train_easyocr.documents.page_sums import pack, read_page_sums
from train_easyocr.engine.averaging import AverageOfWeights
from train_easyocr.engine.compiling import compile_features
from train_easyocr.engine.device import Computing
from train_easyocr.engine.distributed import Processes
from train_easyocr.engine.length import Length, with_iterations, with_length
from train_easyocr.engine.loaders import noticing_lost_workers
from train_easyocr.engine.logs import Progress, RunLog, progress_bar
from train_easyocr.engine.optimizers import add_l1, describe_rate, make_optimizer, make_schedule, may_grow
from train_easyocr.engine.state import PLACES, check_data, check_settings, free_settings, load_state, save_state
from train_easyocr.engine.stopping import NotFiniteError, StopRequest, end_after, interrupted
from train_easyocr.recognition.batches import ALONE, Batch, divide_batch, loaders_of, training_batches
from train_easyocr.recognition.center_loss import CenterLoss
from train_easyocr.recognition.checks import describe_concerns, training_sample
from train_easyocr.recognition.losses import WordLosses, make_criterion
from train_easyocr.recognition.model import build_model, count_trainable, network_arguments
from train_easyocr.recognition.sample_sheet import SHEET, write_sample_sheet
from train_easyocr.recognition.start import begin, find_start
from train_easyocr.recognition.validation import Outcome, Validation, Validator
from train_easyocr.settings.config import MOST_ITERATIONS, Config, contradictions, save_config
from train_easyocr.weights.characters import KOREAN_DOCUMENTS, AttnConverter, CharacterSet, CtcConverter
from train_easyocr.weights.checkpoints import Scores, WeightsCard, installation_faults, save_weights, trained_on

Sets = Sequence[WordSet]

LENGTH = Length(passes=3, fewest=1_000, most=MOST_ITERATIONS, unit="words")
"""Of a training where `n_iter` is auto."""


@noticing_lost_workers()
def train(config: Config, minutes: float | None = None) -> None:
    """Run step 3, or what is left of it; prints what it does.

    Args:
        config: The settings. Results and logs go to `config.experiment`.
        minutes: Stop after this time, with a validation; running again goes on.

    Raises:
        UsageError: A setting can't be used here.
        DataError: A data set is missing, unreadable or too small.
        PatchError: A patch can't be read.
        ResumeError: The experiment was begun with other settings or data.
        CheckpointError: `continue_from` can't be loaded.
        MissingWeights: `continue_from` names a model that can't be had.
        DamagedWeights: `continue_from` names a model whose file is another one.
        NotFiniteError: Training went wrong.
        Interrupted: Training was asked to stop.
        OtherProcessError: Another of the processes that torchrun started failed.
        LoadingError: A process that loads was ended, or no batches come any more.
    """
    # What all processes have to say, the first one says.
    with (
        noticing_lost_workers(),
        Processes.joined() as processes,
        nullcontext() if processes.first else redirect_stdout(io.StringIO()),
    ):
        _train(config, processes, end_after(minutes))


def show_samples(config: Config, count: int) -> Path:
    """Draw what the network would see of the first words, instead of training; return the picture's path.

    Raises:
        DataError: A data set is missing, unreadable or too small.
        PatchError: A patch can't be read.
        FontError: The face that labels are written in is not installed.
    """
    character_set = CharacterSet.from_setting(config.character)
    config.experiment.mkdir(parents=True, exist_ok=True)
    sets, validation = _open_sets(config, character_set)
    _describe(config, sets, validation, write=False)
    config = _with_length(config, sum(map(len, sets)))
    path = config.experiment / SHEET
    write_sample_sheet(path, sets, training_plan(sets, config), config, count)
    return path


def _train(config: Config, processes: Processes, end: float) -> None:
    for fault in installation_faults(Prediction=config.Prediction, rgb=config.rgb, PAD=config.PAD):
        print(f"Warning: step 4 will not install these weights: {fault}")
    with processes.agreeing():
        state = _begun(config) if processes.first else None
    state = processes.of_first(state)
    if state is not None:
        config = with_iterations(config, state["config"]["n_iter"])
    # No block holds two things that may fail while other processes wait.
    with processes.agreeing():
        character_set = _characters(config, state)
    with processes.agreeing(), processes.one_a_machine_first():
        sets = _open_sets(config, character_set)
    if state is not None:
        # Before it is said to be done, too: step 2 may have made the sets anew since, or another folder is named now.
        with processes.agreeing():
            check_data(config.experiment, state, _sums(*sets), _places(*sets), "their labels (labels.csv)")
        if _is_done(config, state):
            print(_finished(config, state["iteration"], state["best"], state["stale"]))
            return
    with processes.agreeing():
        _describe(config, *sets, write=processes.first)
    with processes.agreeing():
        config = _with_length(config, sum(map(len, sets[0])))
    with processes.agreeing():
        trainer = _prepare(config, processes, state, character_set, sets)
    print(f"Total number of trainable parameters: {count_trainable(trainer.model):,}")
    print(f"Computing in {trainer.computing}{processes.unused_gpus()}")
    print(_describe_batch(config, processes))
    print(trainer.plan.describe(config.data_names, config.n_iter))
    print(describe_rate(config))
    if state is not None:
        trainer.restore(state)
        print(f"Going on after iteration {trainer.iteration:,} of {config.n_iter:,}")
    if config.compile == "on":
        compile_features(trainer.model)
    trainer.run(end)
    print(_finished(config, trainer.iteration, trainer.best, trainer.stale))


def _characters(config: Config, state: Mapping[str, Any] | None) -> CharacterSet:
    """Return the setting's characters; of a run that began before the project's own set grew, those it began with."""
    found = CharacterSet.from_setting(config.character)
    if state is None or config.character != KOREAN_DOCUMENTS:
        return found
    head = "Prediction.generator.bias" if config.Prediction == "Attn" else "Prediction.bias"
    reserved = make_converter(config, found).reserved
    return CharacterSet(found.characters[: len(state["model"][head]) - reserved])  # new ones come last


def _begun(config: Config) -> dict[str, Any] | None:
    """Return the experiment's state, if it has one, and make its folder ready."""
    state = load_state(config.experiment)
    if state is not None:
        config = with_iterations(config, state["config"]["n_iter"])
        check_settings(config.experiment, state, config, free_settings(config))
    config.experiment.mkdir(parents=True, exist_ok=True)
    remove_leftovers(config.experiment)
    return state


def _with_length(config: Config, words: int) -> Config:
    """Return settings that say how long to train, checked once more where the number of words has told it."""
    found = with_length(config, LENGTH, words)
    if found is not config and (faults := contradictions(found)):
        raise UsageError("n_iter: auto does not go with other settings:\n" + "\n".join(f"  - {one}" for one in faults))
    return found


def _prepare(
    config: Config,
    processes: Processes,
    state: Mapping[str, Any] | None,
    character_set: CharacterSet,
    sets: tuple[Sets, Sets],
) -> Trainer:
    """Build the trainer for training and validation sets."""
    training, validation = sets
    computing = Computing.choose(config.precision)
    if computing.device.type == "cpu":
        keep_freed_memory()
    loaders_of(config, gpu=computing.device.type == "cuda")  # what does not fit is said before anything is begun
    plan = training_plan(training, config)
    parts = processes.count * config.accumulation
    if config.batch_size < parts:
        each = f" in {config.accumulation} parts each (accumulation)" if config.accumulation > 1 else ""
        raise UsageError(
            f"batch_size: {config.batch_size} words can't be divided over {processes.count} processes{each}; it is "
            "the number of words of a batch over all of them"
        )
    torch.manual_seed(config.seed)
    converter = make_converter(config, character_set)
    model = build_model(config, converter.num_class)
    seen: frozenset[str] = frozenset()
    if processes.first:
        if state is None:
            begin(model, config, converter, computing=computing, training=training, plan=plan, parts=parts)
            if config.continue_from:
                seen = trained_on(find_start(config.continue_from, Path(config.saved_models))[0])
        save_config(config, config.experiment / "config.yaml")
    return Trainer(
        config,
        model,
        converter=converter,
        computing=computing,
        training=training,
        validation=validation,
        plan=plan,
        processes=processes,
        trained_on=pack(seen.union(*(read_page_sums(data.report.folder).values() for data in training))),
    )


def _describe_batch(config: Config, processes: Processes) -> str:
    text = f"Global batch: {config.batch_size:,} words"
    if processes.count == 1:
        return text
    low, high = config.batch_size // processes.count, -(-config.batch_size // processes.count)
    each = f"{low:,}" if low == high else f"{low:,} or {high:,}"
    return f"{text} over {processes.count:,} processes, {each} in each"


def make_converter(config: Config, character_set: CharacterSet) -> CtcConverter | AttnConverter:
    """Return the label converter of the setting `Prediction`."""
    return AttnConverter(character_set) if config.Prediction == "Attn" else CtcConverter(character_set)


def _is_done(config: Config, state: Mapping[str, Any]) -> bool:
    return state["validated"] >= config.n_iter or _is_at_rest(config, state["stale"])


def _is_at_rest(config: Config, stale: int) -> bool:
    """Whether early stopping ends the run after `stale` validations without a new best."""
    return 0 < config.early_stopping <= stale


def _finished(config: Config, iteration: int, best: Mapping[str, float], stale: int) -> str:
    new = " new run needs another experiment_name"
    if iteration >= config.n_iter:
        ends = f"all {iteration:,} iterations are done"
        more = f"More of them need a higher n_iter, a{new}" if may_grow(config) else f"A{new}"
    elif _is_at_rest(config, stale):
        ends = (
            f"stopped early, after {iteration:,} of {config.n_iter:,} iterations: "
            f"no new best in {config.early_stopping} validations"
        )
        more = f"To go on needs a higher early_stopping, a{new}"
    else:
        ends = f"time is up after {iteration:,} of {config.n_iter:,} iterations"
        more = "Running again goes on from there"
    return (
        f"{config.experiment}: {ends}. "
        f"Best accuracy {best['accuracy']:.3f}, best normalized edit distance {best['norm_ed']:.4f}. "
        f"{_describe_average(best)}{more}."
    )


def _describe_average(best: Mapping[str, float]) -> str:
    """Say which reads better, the weights or their average; nothing where none was taken."""
    if "ema_accuracy" not in best:
        return ""
    better = "best_accuracy_ema.pth" if best["ema_accuracy"] > best["accuracy"] else "best_accuracy.pth"
    return f"With averaged weights {best['ema_accuracy']:.3f} and {best['ema_norm_ed']:.4f}; step 4 takes {better}. "


def _open_sets(config: Config, character_set: CharacterSet) -> tuple[list[WordSet], list[WordSet]]:
    """Read all data sets."""
    training = [
        open_set(path, config, character_set, usage_ratio=config.total_data_usage_ratio)
        for path in config.training_sets
    ]
    return training, [open_set(path, config, character_set) for path in config.validation_sets]


def _describe(config: Config, training: Sets, validation: Sets, *, write: bool) -> None:
    """Say what was left out of the data sets, and log it where `write` is set.

    Raises:
        NothingUsableError: Nothing is left of one.
    """
    parts = [("Training", [data.report for data in training]), ("Validation", [data.report for data in validation])]
    summary = "\n\n".join(describe_sets(title, reports) for title, reports in parts)
    print(summary)
    concerns = describe_concerns(training, config)
    print(concerns, end="\n" if concerns else "")
    characters = "\n\n".join(text for title, reports in parts if (text := describe_characters(title, reports)))
    if write:
        log = "\n\n".join(filter(None, (summary, concerns, characters))) + "\n"
        write_text(config.experiment / "log_dataset.txt", log)
    for data in (*training, *validation):
        if not len(data):
            raise NothingUsableError(
                f"{data.report.folder}: none of its {data.report.read:,} words can be used: {data.report.reasons()}; "
                f"{config.experiment / 'log_dataset.txt'} says more"
            )


def _sums(training: Sets, validation: Sets) -> list[str]:
    return [data.report.labels_sha256 for data in (*training, *validation)]


def _places(training: Sets, validation: Sets) -> list[str]:
    parts = (("training", training), ("validation", validation))
    return [f"{split} set {data.report.folder}" for split, sets in parts for data in sets]


def freeze(model: nn.Module, config: Config) -> list[nn.Module]:
    """Keep training from changing the layers that the settings name; return these."""
    frozen = [
        module
        for wanted, module in (
            (config.freeze_FeatureExtraction, model.FeatureExtraction),
            (config.freeze_SequenceModeling, model.SequenceModeling),
        )
        if wanted and isinstance(module, nn.Module)
    ]
    for module in frozen:
        module.requires_grad_(False)
    return frozen


class Trainer:
    """Trains a network; all that changes while it does so is saved by `save` and brought back by `restore`.

    Args:
        config: The settings.
        model: The network with its first weights.
        converter: The label converter.
        computing: Where and how to compute.
        training: The training sets.
        validation: The validation sets.
        plan: The words of each step.
        processes: They divide each batch among them.
        trained_on: The pages of the training sets, and of the weights that the run begins with, as cards have them.

    Attributes:
        model: The network.
        computing: Where and how to compute.
        plan: The words of each step.
        iteration: Steps done.
        best: The best accuracy (per cent) and normalized edit distance (0 to 1) of all validations so far.
    """

    def __init__(
        self,
        config: Config,
        model: nn.Module,
        *,
        converter: CtcConverter | AttnConverter,
        computing: Computing,
        training: Sets,
        validation: Sets,
        plan: BatchPlan,
        processes: Processes = ALONE,
        trained_on: str = "",
    ) -> None:
        self._trained_on = trained_on
        self._config, self.computing, self._training, self.plan = config, computing, training, plan
        self._processes = processes
        self._data = _sums(training, validation)
        self.model = model.to(computing.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._converter = converter
        self._criterion = make_criterion(converter, config.batch_max_length, skip_unknown=config.data_filtering_off)
        self._validator = Validator(validation, config, converter, self._criterion, computing, processes)
        self._frozen = freeze(model, config)
        self._parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._optimizer = make_optimizer(self.model, config, computing.device)
        self._schedule = make_schedule(config)
        # Copied before the network gets a hook that knows this trainer.
        self._average = AverageOfWeights(self.model, config.ema) if config.ema else None
        self._centers = self._make_centers() if config.center_loss else None
        sample = training_sample(training, validation, plan.drawn(config.n_iter), config.seed)
        quiet = config.model_copy(update={"show_number": 0})
        self._examiner = Validator(sample, quiet, converter, self._criterion, computing, processes) if sample else None
        self._network: nn.Module = self.model
        self._log: RunLog | None = None
        self._scaler = torch.amp.GradScaler(computing.device.type, enabled=computing.precision == "fp16")
        self._stop = StopRequest(patient=processes.count > 1)
        self.iteration = 0
        self.best = {"accuracy": -1.0, "norm_ed": -1.0}
        if self._average is not None:
            self.best |= {"ema_accuracy": -1.0, "ema_norm_ed": -1.0}
        self._validated, self.stale = 0, 0
        self._loss_sum, self._loss_steps = 0.0, 0
        self._elapsed, self._started = 0.0, time.monotonic()
        self._log_sizes: dict[str, int] = {}

    def _make_centers(self) -> CenterLoss:
        centers = CenterLoss(self._converter.num_class, self.model.feature_size, self._config.center_loss)

        def remember(head: nn.Module, arguments: tuple[torch.Tensor, ...]) -> None:
            self._features = arguments[0]

        # The network's answer are its logits alone; what they are made of passes by its head.
        self.model.Prediction.register_forward_pre_hook(remember)
        return centers.to(self.computing.device)

    # State

    def save(self) -> None:
        """Save what a later process needs to go on from here; the first of many does it for all."""
        if self._log is None:
            return
        random = {"cpu": torch.get_rng_state()}
        if self.computing.device.type == "cuda":
            random["cuda"] = torch.cuda.get_rng_state()
        state = {
            "config": self._config.model_dump(),
            "data": self._data,
            "trained_on": self._trained_on,
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
            "centers": self._centers.state_dict() if self._centers is not None else {},
            "loss": [self._loss_sum, self._loss_steps],
            "elapsed": self._seconds(),
            "log_sizes": self._log.sizes(),
        }
        save_state(self._config.experiment, state)

    def _way(self) -> str:
        """Say what the last digits of the results depend on."""
        count = self._processes.count
        return f"{self.computing}, {count} processes" if count > 1 else str(self.computing)

    def _seconds(self) -> float:
        """Return the seconds of training so far, over all parts of the run."""
        return self._elapsed + time.monotonic() - self._started

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a saved state."""
        self.model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        if state["scaler"]:  # empty when the run began without fp16
            self._scaler.load_state_dict(state["scaler"])
        torch.set_rng_state(state["random"]["cpu"])
        if "cuda" in state["random"] and self.computing.device.type == "cuda":
            torch.cuda.set_rng_state(state["random"]["cuda"])
        self.iteration, self.best = state["iteration"], dict(state["best"])
        self._validated, self.stale = state["validated"], state["stale"]
        self._trained_on = state.get("trained_on", self._trained_on)
        if self._average is not None:
            self._average.load_state_dict(state["average"])
        if self._centers is not None:
            self._centers.load_state_dict(state["centers"])
        self._loss_sum, self._loss_steps = state["loss"]
        self._elapsed, self._log_sizes = state["elapsed"], dict(state["log_sizes"])
        if state["computing"] != self._way():
            print(f"The run began in {state['computing']}: its end will differ in the last digits from what it was")

    # Training

    def run(self, end: float = math.inf) -> None:
        """Train from the present iteration to the last one.

        Args:
            end: When to stop in any case, as `time.monotonic` counts.

        Raises:
            Interrupted: A signal asked for it; the state is saved.
            NotFiniteError: The loss or a gradient is not finite; the last saved state stays.
            PatchError: A patch can't be read; likewise.
        """
        config, processes = self._config, self._processes
        self._join()
        with processes.agreeing():
            self._log = RunLog(config.experiment, self._log_sizes, self.iteration) if processes.first else None
        self._started = time.monotonic()
        pinned = self.computing.device.type == "cuda"
        bar = progress_bar(self.iteration, config.n_iter, shown=processes.first)
        rate = _Rate()
        try:
            with self._stop.listening(), bar:
                if self.iteration:
                    self._after_step(bar, last=False)  # what was left to do when the state was saved
                self._train_mode()
                batches = training_batches(
                    self._training, self.plan, config, self.iteration, pin_memory=pinned, processes=processes
                )
                last = self.iteration >= config.n_iter
                while not last and not _is_at_rest(config, self.stale):
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
        facts = {key: value for key, value in self._config.model_dump().items() if key not in PLACES}
        facts |= {"labels.csv": self._data, "the precision that auto chooses": self.computing.precision}
        with self._processes.agreeing():
            self._processes.check_same(facts)
        self._network = self._processes.wrap(self.model, self.computing.device)

    def _train_mode(self) -> None:
        self.model.train()
        for module in self._frozen:
            for layer in module.modules():
                if isinstance(layer, _BatchNorm):
                    layer.eval()  # in training mode it would go on averaging what it sees

    def _step(self, batch: Batch) -> float:
        """Take a step and return the loss."""
        config = self._config
        for group in self._optimizer.param_groups:
            group["lr"] = self._schedule.rate(self.iteration)
        self._optimizer.zero_grad()
        mean = self._backward(batch)
        self._scaler.unscale_(self._optimizer)
        norm = nn.utils.clip_grad_norm_(self._parameters, config.grad_clip)
        # One transfer from the device for both.
        value, gradient = torch.stack([mean, norm]).tolist()
        # With fp16, gradients that are too large are the scaler's to deal with.
        if not math.isfinite(value) or not (math.isfinite(gradient) or self._scaler.is_enabled()):
            raise NotFiniteError(self._describe_failure(batch, value, gradient))
        if config.l1:
            add_l1(self._optimizer.param_groups[0]["params"], config.l1)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        if self._average is not None:
            self._average.update(self.model)
        if self._centers is not None:
            # Features of a step that fp16 could not hold would spoil the centres for good.
            if math.isfinite(gradient):
                self._centers.update(self._processes)
            else:
                self._centers.forget()
        self._loss_sum += value
        self._loss_steps += 1
        return value

    def _backward(self, batch: Batch) -> torch.Tensor:
        """Compute the gradient of a step's loss, and return the mean loss of the whole batch.

        The batch is that of all processes, and each process computes its share in as many parts as `accumulation`
        asks for. Gradients' mean over processes is the gradient of the whole batch's loss, however many words each has.
        """
        processes = self._processes
        parts = divide_batch(batch, self._config.accumulation)
        encoded = [self._criterion.encode(labels, self.computing.device) for _, labels in parts]
        weight = processes.sum(torch.stack([self._criterion.weight(lengths) for _, lengths in encoded]).sum())
        sums = []
        for number, ((images, _), target) in enumerate(zip(parts, encoded, strict=True), start=1):
            with self._gathering(gradients=number == len(parts)):
                total = self._losses(images, *target).sums()[0]
                self._scaler.scale(total / weight * processes.count).backward()
            sums.append(total.detach())
        return processes.sum(torch.stack(sums).sum()) / weight

    def _losses(self, images: torch.Tensor, targets: torch.Tensor, lengths: torch.Tensor) -> WordLosses:
        """Return the losses of words."""
        with self.computing.autocast():
            logits = self._network(self.computing.input(images), self._criterion.hint(targets))
        losses = self._criterion.losses(logits, targets, lengths)
        if self._centers is None:
            return losses
        return replace(losses, values=losses.values + self._centers(self._features, logits))

    def _gathering(self, *, gradients: bool) -> AbstractContextManager[None]:
        """Let backward passes add up gradients over processes, or leave that to a later one."""
        if gradients or not isinstance(self._network, DistributedDataParallel):
            return nullcontext()
        return self._network.no_sync()

    def _describe_failure(self, batch: Batch, loss: float, gradient: float) -> str:
        words = [
            f"  {data.label(int(index))}  ({data.place(int(index))})"
            for data, part in zip(self._training, batch.words, strict=True)
            for index in part
        ]
        return (
            f"iteration {self.iteration + 1}: the loss is {loss}, the norm of its gradient {gradient}; "
            "training has stopped, and the last saved state is kept. A lower lr or grad_clip, or precision: fp32, "
            "may help. The words of the batch:\n" + "\n".join(words)
        )

    def _after_step(self, bar: tqdm[Any], *, last: bool) -> None:
        """Validate and save where that is due at this iteration, and stop where that was asked for."""
        config, iteration = self._config, self.iteration
        keep = iteration % config.save_period == 0
        due = last or keep or iteration % config.val_period == 0 or iteration >= config.n_iter
        if due and self._validated != iteration:
            outcome = self._validate()
            bar.write(self._log_validation(outcome))
            if keep:
                self._save_weights(f"iter_{iteration}", outcome.weights)
                if outcome.average is not None:
                    self._save_weights(f"iter_{iteration}_ema", outcome.average, averaged=True)
            self.save()
        if not last:
            self._stop_if_asked()

    def _stop_if_asked(self) -> None:
        if self._processes.any(self._stop.made):
            self.save()
            raise interrupted(self._config.experiment, self.iteration, self._config.n_iter)

    # Validation

    def _validate(self) -> Outcome:
        """Validate, and keep the weights and their average where they are the best."""
        for model in (self.model, *([self._average.model] if self._average is not None else [])):
            self._processes.share_buffers(model)
        weights = self._validator.run(self.model, self.iteration, self._stop_if_asked)
        average, training = None, None
        if self._average is not None:
            average = self._validator.run(self._average.model, self.iteration, self._stop_if_asked)
        if self._examiner is not None:
            training = self._examiner.run(self.model, self.iteration, self._stop_if_asked)
        self._train_mode()
        outcome = Outcome(weights, average, training)
        improved = self._keep_best(outcome)
        self.stale = 0 if improved else self.stale + 1
        return outcome

    def _keep_best(self, outcome: Outcome) -> bool:
        """Save what reads better than anything before; return whether something did."""
        improved = False
        for prefix, suffix, result in (("", "", outcome.weights), ("ema_", "_ema", outcome.average)):
            for name in ("accuracy", "norm_ed"):
                if result is not None and getattr(result, name) > self.best[prefix + name]:
                    improved = True
                    self.best[prefix + name] = getattr(result, name)
                    self._save_weights(f"best_{name}{suffix}", result, averaged=bool(suffix))
        return improved

    def _log_validation(self, outcome: Outcome) -> str:
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
            drawn=dict(zip(self._config.data_names, self.plan.drawn(self.iteration), strict=True)),
        )
        text = self._log.validation(progress, outcome) if self._log is not None else ""
        self._validated = self.iteration
        self._loss_sum, self._loss_steps = 0.0, 0
        return text

    def _save_weights(self, name: str, result: Validation, *, averaged: bool = False) -> None:
        if not self._processes.first:
            return
        config = self._config
        card = WeightsCard(
            character=self._converter.character_set.characters,
            network={**network_arguments(config, self._converter.num_class), "Prediction": config.Prediction},
            rgb=config.rgb,
            PAD=config.PAD,
            sensitive=config.sensitive,
            img_height=config.img_height,
            img_width=config.img_width,
            iteration=self.iteration,
            averaged=averaged,
            validation=Scores(accuracy=result.accuracy, norm_ed=result.norm_ed, words=result.words),
            validation_sets=[str(folder.resolve()) for folder in config.validation_sets],
            experiment_name=config.experiment_name,
            trained_on=self._trained_on,
            config=config.model_dump(),
        )
        model = self._average.model if averaged and self._average is not None else self.model
        save_weights(config.experiment / f"{name}.pth", model, card)


class _Rate:
    """Words a second, over the last second or so."""

    def __init__(self) -> None:
        self._words, self._since, self.value = 0, time.monotonic(), 0.0

    def count(self, words: int) -> bool:
        """Count words; return whether `value` is new."""
        self._words += words
        elapsed = time.monotonic() - self._since
        if elapsed < 1:
            return False
        self._words, self._since, self.value = 0, time.monotonic(), self._words / elapsed
        return True

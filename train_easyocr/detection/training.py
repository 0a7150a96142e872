"""Training a word detector, so that it can be killed at any moment and goes on exactly where it was.

After every validation the trainer saves its whole state; the pieces of each step follow from the step's number
(`loading.py`). A run in parts ends with the weights of a run in one piece, bit for bit on a CPU.
"""

from __future__ import annotations

import io
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext, redirect_stdout
from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
import torch
from torch import nn
from tqdm import tqdm

from train_easyocr.common.errors import UsageError
from train_easyocr.common.files import remove_leftovers, write_text
from train_easyocr.common.memory import keep_freed_memory
from train_easyocr.detection.config import DetectionConfig
from train_easyocr.detection.interface import WordDetector
from train_easyocr.detection.loading import Batch, Pieces, StepPlan, training_batches
from train_easyocr.detection.networks import DbLightTraining
from train_easyocr.detection.pages import FEW_PAGES, PageSet, open_pages, read_training_page
from train_easyocr.documents.aihub import LabelError
from train_easyocr.documents.images import ImageError
from train_easyocr.documents.page import Word
from train_easyocr.documents.page_sums import pack, unpack
from train_easyocr.documents.sources import PageSource, SourceError
from train_easyocr.engine.averaging import AverageOfWeights
from train_easyocr.engine.device import Computing
from train_easyocr.engine.distributed import Processes
from train_easyocr.engine.length import Length, with_iterations, with_length
from train_easyocr.engine.loaders import Loaders, choose_loaders, noticing_lost_workers
from train_easyocr.engine.logs import RunLog, progress_bar
from train_easyocr.engine.schedules import Schedule, depends_on_length
from train_easyocr.engine.state import check_data, check_settings, load_state, save_state
from train_easyocr.engine.stopping import NotFiniteError, StopRequest, end_after, interrupted
from train_easyocr.metrics.matching import counted
from train_easyocr.recognition.model import count_trainable
from train_easyocr.settings.config import save_config
from train_easyocr.weights import starter as starter_weights
from train_easyocr.weights.cards import DetectionScores
from train_easyocr.weights.checkpoints import load_pretrained, save_weights, trained_on
from train_easyocr.weights.marks import marked_detector

PLACES = frozenset(
    {"saved_models", "dataset", "train_data", "val_data", "label_format", "train_list", "val_list", "workers"}
)
"""Settings that each machine may have its own values of; what is in the data is compared by its labels."""
FREE = PLACES | {"experiment_name", "val_period", "save_period", "max_batch_size"}
"""Settings that may change between the parts of a run: the weights at its end are the same."""
BEST = "best_f1"
LENGTH = Length(passes=12, fewest=480, most=10_000, unit="pages")
"""Of a training where `n_iter` is auto; a pass is a piece of each page."""


@noticing_lost_workers()
def train(config: DetectionConfig, minutes: float | None = None) -> None:
    """Train a detector, or what is left of it; prints what it does.

    Args:
        config: The settings. Results and logs go to `config.experiment`.
        minutes: Stop after this time, with a validation; running again goes on.

    Raises:
        UsageError: A setting can't be used here.
        DataError: Pages are missing or can't be read.
        ResumeError: The experiment was begun with other settings or data.
        CheckpointError: `continue_from` can't be loaded.
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


def _train(config: DetectionConfig, processes: Processes, end: float) -> None:
    with processes.agreeing():
        state = _begun(config) if processes.first else None
    state = processes.of_first(state)
    if state is not None:
        config = with_iterations(config, state["config"]["n_iter"])
    with processes.agreeing():
        if config.batch_size < processes.count:
            raise UsageError(
                f"batch_size: {config.batch_size} pieces can't be divided over {processes.count} processes"
            )
        training, validation = open_pages(config)
        if state is not None:
            # Before it is said to be done, too: `dataset` or its pages may be others than they were.
            pages = [f"{found.title}: {len(found.pages):,} pages now" for found in (training, validation)]
            check_data(config.experiment, state, [training.digest, validation.digest], pages, "pages or label files")
    if state is not None and state["validated"] >= config.n_iter:
        print(_finished(config, state["iteration"], state["best"]))
        return
    with processes.agreeing():
        _describe_pages(config, training, validation, write=processes.first)
    config = with_length(config, LENGTH, len(training.pages))
    with processes.agreeing():
        trainer = _prepare(config, processes, state, training, validation)
    if state is not None:
        trainer.restore(state)
        print(f"Going on after iteration {trainer.iteration:,} of {config.n_iter:,}")
    trainer.run(end)
    print(_finished(config, trainer.iteration, trainer.best))


def _begun(config: DetectionConfig) -> dict[str, Any] | None:
    """Return the experiment's state, if it has one, and make its folder ready."""
    state = load_state(config.experiment)
    if state is not None:
        config = with_iterations(config, state["config"]["n_iter"])
        grows = not depends_on_length(config.lr_scheduler)
        check_settings(config.experiment, state, config, FREE | ({"n_iter"} if grows else frozenset()))
    config.experiment.mkdir(parents=True, exist_ok=True)
    remove_leftovers(config.experiment)
    return state


def _describe_pages(config: DetectionConfig, training: PageSet, validation: PageSet, *, write: bool) -> None:
    """Say what is used and what is left out, and log it where `write` is set."""
    text = f"{training.describe()}\n\n{validation.describe()}"
    if len(training.pages) < FEW_PAGES:
        text += (
            f"\n\nWarning: {len(training.pages):,} training pages are few. With less than {FEW_PAGES} a detector "
            "learns these pages' fonts and forms by heart and misses words of others; take more pages, or start "
            "from weights that have seen others (continue_from)."
        )
    print(text)
    if write:
        problems = [f"{page.name}: {page.reason}" for pages in (training, validation) for page in pages.problems]
        write_text(config.experiment / "log_dataset.txt", "\n".join([text, "", *problems, ""]))


def _prepare(
    config: DetectionConfig,
    processes: Processes,
    state: Mapping[str, Any] | None,
    training: PageSet,
    validation: PageSet,
) -> DetectorTrainer:
    """Build the trainer, and say how it trains."""
    computing = Computing.choose(config.precision)
    if computing.device.type == "cpu":
        keep_freed_memory()
    network = DbLightTraining(config)
    _loaders(config, Pieces([], network, config), computing)  # what does not fit is said before anything is begun
    torch.manual_seed(config.seed)
    model = network.build()
    seen: frozenset[str] = frozenset()
    if processes.first:
        if state is None and config.continue_from:
            path = _find_start(config.continue_from, Path(config.saved_models))
            print(f"Starting with {path}: {load_pretrained(model, path).describe()}")
            seen = trained_on(path)
        save_config(config, config.experiment / "config.yaml")
    print(f"Total number of trainable parameters: {count_trainable(model):,}")
    print(f"Computing in {computing}{processes.unused_gpus()}")
    epochs = config.n_iter * config.batch_size / len(training.pages)
    print(f"{config.n_iter:,} iterations of {config.batch_size:,} pieces are {epochs:,.1f} of each page")
    return DetectorTrainer(
        config,
        network,
        model,
        computing=computing,
        training=training,
        validation=validation,
        processes=processes,
        seen=seen,
    )


def _loaders(config: DetectionConfig, pieces: Pieces, computing: Computing) -> Loaders:
    return choose_loaders(config.workers, pieces.largest_batch(), gpu=computing.device.type == "cuda")


def _finished(config: DetectionConfig, iteration: int, best: Mapping[str, float]) -> str:
    if iteration < config.n_iter:
        return f"{config.experiment}: time is up after iteration {iteration:,}; running again goes on from there"
    return (
        f"{config.experiment}: all {iteration:,} iterations are done. Best F1 {best['f1']:.4f}: {BEST}.pth. "
        "A new run needs another experiment_name."
    )


class DetectorTrainer:
    """Trains a detector; all that changes while it does so is saved by `save` and brought back by `restore`.

    Args:
        config: The settings.
        network: What to know of the network.
        model: The network with its first weights.
        computing: Where and how to compute.
        training: The training pages.
        validation: The validation pages.
        processes: They divide each batch among them.
        seen: The sums of the pages that the first weights have learnt from.

    Attributes:
        iteration: Steps done.
        best: The best F1 of all validations so far.
    """

    def __init__(
        self,
        config: DetectionConfig,
        network: DbLightTraining,
        model: nn.Module,
        *,
        computing: Computing,
        training: PageSet,
        validation: PageSet,
        processes: Processes,
        seen: Iterable[str] = (),
    ) -> None:
        self._config, self._kind, self._computing, self._processes = config, network, computing, processes
        self._pages, self._validation = training.pages, validation.pages
        self._data = [training.digest, validation.digest]
        self._model = model.to(computing.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._network: nn.Module = self._model
        self._parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._average = AverageOfWeights(self._model, config.ema) if config.ema else None
        self._optimizer = _optimizer(self._parameters, config)
        self._schedule = Schedule.from_settings(config.lr_scheduler, config.lr, config.n_iter)
        self._scaler = torch.amp.GradScaler(computing.device.type, enabled=computing.precision == "fp16")
        self._stop = StopRequest(patient=processes.count > 1)
        self._log: RunLog | None = None
        self.iteration = 0
        self.best = {"f1": -1.0}
        self._validated = 0
        self._loss_sum, self._loss_steps = 0.0, 0
        self._elapsed, self._started = 0.0, time.monotonic()
        self._log_sizes: dict[str, int] = {}
        self._unreadable: set[str] = set()
        self._seen = set(seen)

    # State

    def save(self) -> None:
        """Save what a later process needs to go on from here; the first of many does it for all."""
        if self._log is None:
            return
        state = {
            "config": self._config.model_dump(),
            "data": self._data,
            "trained_on": pack(self._seen),
            "computing": self._way(),
            "model": self._model.state_dict(),
            "average": self._average.state_dict() if self._average is not None else {},
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
            "iteration": self.iteration,
            "best": self.best,
            "validated": self._validated,
            "loss": [self._loss_sum, self._loss_steps],
            "elapsed": self._seconds(),
            "log_sizes": self._log.sizes(),
        }
        save_state(self._config.experiment, state)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a saved state."""
        self._model.load_state_dict(state["model"])
        if self._average is not None:
            self._average.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        if state["scaler"]:  # empty when the run began without fp16
            self._scaler.load_state_dict(state["scaler"])
        self.iteration, self.best, self._validated = state["iteration"], dict(state["best"]), state["validated"]
        self._loss_sum, self._loss_steps = state["loss"]
        self._seen |= unpack(state.get("trained_on", ""))
        self._elapsed, self._log_sizes = state["elapsed"], dict(state["log_sizes"])
        if state["computing"] != self._way():
            print(f"The run began in {state['computing']}: its end will differ in the last digits from what it was")

    def _way(self) -> str:
        """Say what the last digits of the results depend on."""
        count = self._processes.count
        return f"{self._computing}, {count} processes" if count > 1 else str(self._computing)

    def _seconds(self) -> float:
        return self._elapsed + time.monotonic() - self._started

    # Training

    def run(self, end: float) -> None:
        """Train from the present iteration to the last one.

        Args:
            end: When to stop in any case, as `time.monotonic` counts.

        Raises:
            Interrupted: A signal asked for it; the state is saved.
            NotFiniteError: The loss or a gradient is not finite; the last saved state stays.
        """
        config, processes = self._config, self._processes
        self._join()
        with processes.agreeing():
            self._log = RunLog(config.experiment, self._log_sizes, self.iteration) if processes.first else None
        self._started = time.monotonic()
        bar = progress_bar(self.iteration, config.n_iter, shown=processes.first)
        try:
            with self._stop.listening(), bar:
                if self.iteration:
                    self._after_step(bar, last=False)  # what was left to do when the state was saved
                batches = self._batches()
                last = self.iteration >= config.n_iter
                while not last:
                    loss = self._step(next(batches), bar)
                    self.iteration += 1
                    bar.update()
                    bar.set_postfix_str(f"loss {loss:.4f}", refresh=False)
                    late = end < math.inf and processes.any(time.monotonic() >= end)
                    last = self.iteration >= config.n_iter or late
                    self._after_step(bar, last=last)
        finally:
            if self._log is not None:
                self._log.close()

    def _join(self) -> None:
        """Make sure that all processes train the same, and connect them; raises UsageError."""
        facts = {key: value for key, value in self._config.model_dump().items() if key not in PLACES}
        facts |= {"label files": self._data, "the precision that auto chooses": self._computing.precision}
        with self._processes.agreeing():
            self._processes.check_same(facts)
        self._network = self._processes.wrap(self._model, self._computing.device)

    def _batches(self) -> Iterator[Batch]:
        pieces = Pieces(self._pages, self._kind, self._config)
        return training_batches(
            pieces,
            StepPlan(len(self._pages), self._config, self._processes),
            range(self.iteration, self._config.n_iter),
            loaders=_loaders(self._config, pieces, self._computing),
            pin_memory=self._computing.device.type == "cuda",
        )

    def _step(self, batch: Batch, bar: tqdm[Any]) -> float:
        """Take a step and return the loss."""
        self._warn(batch.faults, bar)
        self._seen.update(batch.sums)
        self._network.train()
        with self._computing.autocast():
            output = self._network(self._kind.input(batch.images, self._computing))
        loss = self._kind.loss(output, batch.targets.to(self._computing.device, non_blocking=True))
        for group in self._optimizer.param_groups:
            group["lr"] = self._schedule.rate(self.iteration)
        self._optimizer.zero_grad()
        self._scaler.scale(loss).backward()
        self._scaler.unscale_(self._optimizer)
        norm = nn.utils.clip_grad_norm_(self._parameters, self._config.grad_clip)
        # Gradients are the mean over processes, and so is the loss.
        mean = self._processes.sum(loss.detach().clone()) / self._processes.count
        value, gradient = torch.stack([mean, norm]).tolist()
        # With fp16, gradients that are too large are the scaler's to deal with.
        if not math.isfinite(value) or not (math.isfinite(gradient) or self._scaler.is_enabled()):
            pages = "\n".join(f"  {self._pages[number].name}" for number, _ in batch.samples)
            raise NotFiniteError(
                f"iteration {self.iteration + 1}: the loss is {value}, the norm of its gradient {gradient}; training "
                "has stopped, and the last saved state is kept. A lower lr or grad_clip, or precision: fp32, may help. "
                f"The pages of the batch:\n{pages}"
            )
        self._scaler.step(self._optimizer)
        self._scaler.update()
        if self._average is not None:
            self._average.update(self._model)
        self._loss_sum += value
        self._loss_steps += 1
        return value

    def _warn(self, faults: Sequence[str], bar: tqdm[Any]) -> None:
        for fault in set(faults) - self._unreadable:
            bar.write(f"left out: {fault}")
            self._unreadable.add(fault)

    def _after_step(self, bar: tqdm[Any], *, last: bool) -> None:
        """Validate and save where that is due at this iteration, and stop where that was asked for."""
        config, iteration = self._config, self.iteration
        keep = iteration % config.save_period == 0
        due = last or keep or iteration % config.val_period == 0 or iteration >= config.n_iter
        if due and self._validated != iteration:
            self._seen.update(*self._processes.gather(self._seen))
            found = self._validate(bar)
            bar.write(self._log_validation(found))
            if keep:
                for prefix, scores in found.items():
                    self._save_weights(f"iter_{iteration}{'_ema' if prefix else ''}", scores, averaged=bool(prefix))
            self.save()
        if not last:
            self._stop_if_asked()

    def _stop_if_asked(self) -> None:
        if self._processes.any(self._stop.made):
            self.save()
            raise interrupted(self._config.experiment, self.iteration, self._config.n_iter)

    # Validation

    def _validate(self, bar: tqdm[Any]) -> dict[str, DetectionScores]:
        """Find the words of all validation pages with the weights and with their average; keep what is the best.

        Returns:
            The scores, by what they are of: "" (the weights) and "ema_" (their average, where one is taken).
        """
        models = {"": self._model} | ({"ema_": self._average.model} if self._average is not None else {})
        found = {}
        for prefix, model in models.items():
            self._processes.share_buffers(model)
            scores = found[prefix] = self._scores_of(model, bar)
            if scores.f1 > self.best["f1"]:
                self.best["f1"] = scores.f1
                self._save_weights(BEST, scores, averaged=bool(prefix))
        return found

    def _scores_of(self, model: nn.Module, bar: tqdm[Any]) -> DetectionScores:
        """Find the words of all validation pages."""
        detector = self._kind.detector(model, self._computing)
        pages = self._validation[self._processes.share(len(self._validation))]
        counts = torch.zeros(4, dtype=torch.float64)
        for page in tqdm(pages, desc="Validation", unit="page", leave=False, disable=not self._processes.first):
            if self._processes.count == 1:  # of several, some have a page less and would not ask as often
                self._stop_if_asked()
            try:
                counts += torch.tensor([*count_matches(detector, page), 1])
            except (SourceError, ImageError, LabelError) as error:
                self._warn([f"{page.name}: {error}"], bar)
        return scores_of(self._processes.sum(counts).tolist())

    def _log_validation(self, found: Mapping[str, DetectionScores]) -> str:
        """Log a validation, begin the next mean of the loss, and return the block for the screen."""
        config, elapsed, scores = self._config, self._seconds(), found[""]
        average = f" | F1 of averaged weights: {found['ema_'].f1:.4f}" if "ema_" in found else ""
        loss = self._loss_sum / max(1, self._loss_steps)
        text = (
            f"[{self.iteration}/{config.n_iter}] Training loss: {loss:.5f} | "
            f"Total {timedelta(seconds=round(elapsed))} elapsed\n"
            f"Current F1: {scores.f1:.4f} | precision: {scores.precision:.4f} | recall: {scores.recall:.4f} | "
            f"{scores.words:,} words on {scores.pages:,} pages{average}\n"
            f"Best F1:    {self.best['f1']:.4f}"
        )
        figures = {
            "iteration": self.iteration,
            "training_loss": loss,
            "f1": scores.f1,
            "precision": scores.precision,
            "recall": scores.recall,
            **({"ema_f1": found["ema_"].f1} if "ema_" in found else {}),
            "best_f1": self.best["f1"],
            "batch_size": config.batch_size,
            "processes": self._processes.count,
            "lr": self._optimizer.param_groups[0]["lr"],
            "elapsed": round(elapsed, 3),
        }
        if self._log is not None:
            self._log.record(self.iteration, text, figures)
        self._validated = self.iteration
        self._loss_sum, self._loss_steps = 0.0, 0
        return text

    def _save_weights(self, name: str, scores: DetectionScores, *, averaged: bool) -> None:
        if self._processes.first:
            card = self._kind.card(self.iteration, scores).model_copy(
                update={"averaged": averaged, "trained_on": pack(self._seen)}
            )
            model = self._average.model if averaged and self._average is not None else self._model
            save_weights(self._config.experiment / f"{name}.pth", model, card)


def _find_start(continue_from: str, saved_models: Path) -> Path:
    if continue_from == starter_weights.STARTER:
        return starter_weights.DETECTOR
    path = Path(continue_from)
    return path if path.is_file() else marked_detector(continue_from, saved_models) or path


def count_matches(detector: WordDetector, page: PageSource) -> tuple[int, int, int]:
    """Find the words of a page.

    Returns:
        How many boxes match a label, how many there are, and how many labels.

    Raises:
        SourceError, ImageError, LabelError: A file can't be read.
    """
    image, usable = read_training_page(page, rgb=True)
    boxes = detector.boxes(detector.score_maps(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)))
    found = counted(usable.words, [Word(box, "") for box in boxes])
    return len(found.pairs), len(found.predictions), len(found.labels)


def scores_of(counts: Sequence[float]) -> DetectionScores:
    """Return precision, recall and F1 of matches, boxes, labels and pages; 0 where there is nothing."""
    matches, found, labels, pages = counts
    return DetectionScores(
        precision=matches / max(1, found),
        recall=matches / max(1, labels),
        f1=2 * matches / max(1, found + labels),
        pages=int(pages),
        words=int(labels),
    )


def _optimizer(parameters: Sequence[nn.Parameter], config: DetectionConfig) -> torch.optim.Optimizer:
    """Return AdamW; biases and normalizations are not drawn to zero (Loshchilov and Hutter, arXiv 1711.05101)."""
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.lr)

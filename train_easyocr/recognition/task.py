"""Training a word recognizer (step 3): the sets that step 2 prepared, the network, CTC's loss or attention's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from train_easyocr.common.errors import UserError
from train_easyocr.common.files import write_text
from train_easyocr.common.workers import shows_progress
from train_easyocr.datasets.data import WordSet, describe_characters, describe_sets, open_set
from train_easyocr.datasets.sampling import training_plan
from train_easyocr.documents.page_sums import pack_sums, read_page_sums, unpack_sums
from train_easyocr.engine import trainer
from train_easyocr.engine.length import Length, with_length
from train_easyocr.engine.logs import Progress
from train_easyocr.engine.optimizers import add_l1
from train_easyocr.engine.schedules import Schedule
from train_easyocr.engine.task import Data, Task
from train_easyocr.recognition import network
from train_easyocr.recognition.batches import WordBatch, divide_batch, loaders_of, training_batches
from train_easyocr.recognition.center_loss import CenterLoss
from train_easyocr.recognition.checks import describe_concerns, training_sample
from train_easyocr.recognition.losses import make_criterion
from train_easyocr.recognition.model import build_model, network_arguments
from train_easyocr.recognition.optimizers import describe_rate, make_optimizer, make_schedule, may_grow
from train_easyocr.recognition.reports import log_figures, log_lines
from train_easyocr.recognition.sample_sheet import SHEET, write_sample_sheet
from train_easyocr.recognition.start import begin, find_start
from train_easyocr.recognition.validation import Validation, Validator
from train_easyocr.settings.config import MOST_ITERATIONS, Config, contradictions
from train_easyocr.settings.parts import LabelSettings, StartSettings, ValidationSettings
from train_easyocr.weights.characters import KOREAN_DOCUMENTS, AttnConverter, CharacterSet, CtcConverter
from train_easyocr.weights.checkpoints import Scores, WeightsCard, installation_faults, trained_on

LENGTH = Length(passes=3, fewest=1_000, most=MOST_ITERATIONS, unit="words")
"""Of a training where `n_iter` is auto."""


class Part(NamedTuple):
    """Some words of a batch: uint8 [B, C, H, W], and their labels as the criterion has encoded them."""

    images: torch.Tensor
    targets: torch.Tensor
    lengths: torch.Tensor


def train(config: Config, minutes: float | None = None) -> bool:
    """Run step 3, or what is left of it; see `trainer.train`, for what it returns, and raises beside what follows.

    Raises:
        UserError: A data set is missing, unreadable or too small, or a patch can't be read.
        WeightsError: `continue_from` can't be had or loaded.
    """
    for fault in installation_faults(Prediction=config.Prediction, rgb=config.rgb, PAD=config.PAD):
        if shows_progress():
            print(f"Warning: step 4 will not install these weights: {fault}")
    return trainer.train(RecognizerTask, config, minutes)


def show_samples(config: Config, count: int) -> Path:
    """Draw what the network would see of the first words, instead of training; return the picture's path.

    Raises:
        UserError: A data set is missing, unreadable or too small, a patch can't be read, or the face that labels are
            written in is not installed.
    """
    config.experiment.mkdir(parents=True, exist_ok=True)
    task = RecognizerTask(config)
    data = task.open(None)
    task.describe_data(write=False)
    config = with_length(config, LENGTH, data.samples)
    path = config.experiment / SHEET
    plan = training_plan(task.training, config)
    write_sample_sheet(path, task.training, plan, config, count=count, steps=range(config.n_iter))
    return path


class RecognizerTask(Task[WordBatch, Part, Validation]):
    """The training of a recognizer.

    Attributes:
        training: The training sets.
        validation: The validation sets.
        plan: The words of each step.
    """

    unit = "words"
    length = LENGTH
    places = Task.places | {"dataset", "output", "train_data", "val_data", "cache"}  # the last one in states of before
    free = Task.free | {
        "show_number",
        # Of the other steps.
        *("train_images", "val_images", "eval_images", "detection", "detection_tuning"),
    }
    config: Config

    def open(self, state: Mapping[str, Any] | None) -> Data:
        """Read all data sets, and choose the characters."""
        config = self.config
        with self.processes.one_a_machine_first():
            characters = _characters(config, state)
            usage = config.total_data_usage_ratio
            self.training = [open_set(path, config, characters, usage_ratio=usage) for path in config.training_sets]
            self.validation = [open_set(path, config, characters) for path in config.validation_sets]
        self._converter = make_converter(config, characters)
        self._trained_on = frozenset[str]().union(
            *(read_page_sums(data.report.folder).values() for data in self.training)
        )
        sets = [("training", data.report) for data in self.training]
        sets += [("validation", data.report) for data in self.validation]
        return Data(
            samples=sum(map(len, self.training)),
            sums=[report.labels_sha256 for _, report in sets],
            names=[f"{split} set {report.folder}" for split, report in sets],
            what="their labels (labels.csv)",
        )

    def describe_data(self, *, write: bool) -> None:
        """Say what was left out of the data sets; raises UserError where nothing is left of one."""
        parts = [("Training", self.training), ("Validation", self.validation)]
        reports = [(title, [data.report for data in sets]) for title, sets in parts]
        summary = "\n\n".join(describe_sets(title, each) for title, each in reports)
        print(summary)
        concerns = describe_concerns(self.training, self.config)
        print(concerns, end="\n" if concerns else "")
        characters = "\n\n".join(text for title, each in reports if (text := describe_characters(title, each)))
        log = self.config.experiment / "log_dataset.txt"
        if write:
            write_text(log, "\n\n".join(filter(None, (summary, concerns, characters))) + "\n")
        for data in (*self.training, *self.validation):
            if not len(data):
                raise UserError(
                    f"{data.report.folder}: none of its {data.report.read:,} words can be used: "
                    f"{data.report.reasons()}; {log} says more"
                )

    def faults(self) -> list[str]:
        """Return what does not go with the number of iterations."""
        return contradictions(self.config)

    def build(self) -> nn.Module:
        """Return the network with fresh weights, frozen where that is asked for."""
        config, device = self.config, self.device
        loaders_of(config, gpu=device.is_gpu)  # what does not fit is said before anything is begun
        self.plan = training_plan(self.training, config)
        self._model = model = build_model(config, self._converter.num_class)
        self._frozen = freeze(model, config)
        self._criterion = make_criterion(
            self._converter, config.batch_max_length, skip_unknown=config.data_filtering_off
        )
        self._validator = self._validator_of(self.validation, config)
        sample = training_sample(self.training, self.validation, self.plan.drawn(config.n_iter), config.seed)
        quiet = config.model_copy(update={"show_number": 0})
        self._examiner = self._validator_of(sample, quiet) if sample else None
        self._centers: CenterLoss | None = None
        if config.center_loss:
            centers = CenterLoss(self._converter.num_class, model.feature_size, config.center_loss)
            self._centers = centers.to(device.torch_device)
        return model

    def _validator_of(self, sets: Sequence[WordSet], config: ValidationSettings) -> Validator:
        return Validator(sets, config, self._converter, self._criterion, self.device, self.processes)

    def begin(self, model: nn.Module) -> None:
        """Load what `continue_from` names, and learn first what these weights don't know of the characters."""
        config = self.config
        parts = self.processes.count * config.accumulation
        begin(
            model,  # type: ignore[arg-type] # as built
            config,
            self._converter,
            device=self.device,
            training=self.training,
            plan=self.plan,
            parts=parts,
            count=min(config.new_characters_first, config.n_iter),
        )
        if config.continue_from:
            self._trained_on |= trained_on(find_start(config.continue_from, Path(config.saved_models))[0])

    def describe(self) -> str:
        """Say what the run means for each data set, and how high the learning rate is."""
        return f"{self.plan.describe(self.config.data_names, self.config.n_iter)}\n{describe_rate(self.config)}"

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """Return the optimizer of the settings."""
        return make_optimizer(model, self.config, self.device.torch_device)

    def schedule(self) -> Schedule:
        """Return the learning rate of each step."""
        return make_schedule(self.config)

    @property
    def grows(self) -> bool:
        """Whether more iterations leave the rates of those before as they are."""
        return may_grow(self.config)

    # Steps

    def batches(self, start: int) -> Iterator[WordBatch]:
        """Yield this process's share of each step's words; raises UserError."""
        pinned = self.device.is_gpu
        steps, processes = range(start, self.config.n_iter), self.processes
        return training_batches(self.training, self.plan, self.config, steps, pin_memory=pinned, processes=processes)

    def parts(self, batch: WordBatch) -> list[Part]:
        """Divide a batch, and encode the labels."""
        device = self.device.torch_device
        divided = divide_batch(batch, self.config.accumulation)
        return [Part(images, *self._criterion.encode(labels, device)) for images, labels in divided]

    def weight(self, part: Part) -> torch.Tensor:
        """Return the words of a part, or their characters."""
        return self._criterion.weight(part.lengths)

    def loss(self, network: nn.Module, part: Part) -> torch.Tensor:
        """Return the sum of the words' losses, that of centres among them where it is asked for."""
        with self.device.autocast(), self._features() as features:
            logits = network(self.device.input(part.images), self._criterion.hint(part.targets))
        losses = self._criterion.losses(logits, part.targets, part.lengths)
        if self._centers is not None:
            losses = replace(losses, values=losses.values + self._centers(features[0], logits))
        return losses.sums()[0]

    @contextmanager
    def _features(self) -> Iterator[list[torch.Tensor]]:
        """Catch what the network's head decides from, where it is needed: the network's answer are logits alone."""
        found: list[torch.Tensor] = []
        if self._centers is None:
            yield found
            return
        hook = self._model.Prediction.register_forward_pre_hook(lambda _, arguments: found.append(arguments[0]))
        try:
            yield found
        finally:
            hook.remove()

    def train_mode(self, model: nn.Module) -> None:
        """Put the network into training mode, but for what is frozen."""
        model.train()
        for module in self._frozen:
            for layer in module.modules():
                if isinstance(layer, _BatchNorm):
                    layer.eval()  # in training mode it would go on averaging what it sees

    def before_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Add the gradient of `l1`."""
        if self.config.l1:
            add_l1(optimizer.param_groups[0]["params"], self.config.l1)

    def after_step(self, *, finite: bool) -> None:
        """Let the centres follow."""
        if self._centers is None:
            return
        # Features of a step that fp16 could not hold would spoil the centres for good.
        if finite:
            self._centers.update(self.processes)
        else:
            self._centers.forget()

    def describe_batch(self, batch: WordBatch) -> list[str]:
        """Return each word and its place."""
        return [
            f"{data.label(int(index))}  ({data.place(int(index))})"
            for data, part in zip(self.training, batch.words, strict=True)
            for index in part
        ]

    # Validation

    def validate(self, model: nn.Module, iteration: int, check: Callable[[], None], *, averaged: bool) -> Validation:
        """Read the validation sets, and with the weights themselves some training words."""
        result = self._validator.run(model, iteration, check)
        if averaged or self._examiner is None:
            return result
        return replace(result, training=self._examiner.run(model, iteration, check))

    def scores(self, result: Validation) -> dict[str, float]:
        """Return accuracy (per cent) and normalized edit distance (0 to 1)."""
        return {"accuracy": result.accuracy, "norm_ed": result.norm_ed}

    def report(
        self, progress: Progress, result: Validation, average: Validation | None
    ) -> tuple[list[str], dict[str, Any]]:
        """Return a validation's block of log_train.txt and its figures."""
        drawn = dict(zip(self.config.data_names, self.plan.drawn(progress.iteration), strict=True))
        return log_lines(progress, drawn, result, average), log_figures(progress, drawn, result, average)

    def describe_best(self, best: Mapping[str, float]) -> str:
        """Say how well the best weights read, and which read better, the weights or their average."""
        text = f"Best accuracy {best['accuracy']:.3f}, best normalized edit distance {best['norm_ed']:.4f}."
        if "ema_accuracy" not in best:
            return text
        better = "best_accuracy_ema.pth" if best["ema_accuracy"] > best["accuracy"] else "best_accuracy.pth"
        averaged = f"{best['ema_accuracy']:.3f} and {best['ema_norm_ed']:.4f}"
        return f"{text} With averaged weights {averaged}; step 4 takes {better}."

    def card(self, result: Validation, iteration: int, *, averaged: bool) -> WeightsCard:
        """Return the card of the weights."""
        config = self.config
        return WeightsCard(
            character=self._converter.character_set.characters,
            network={**network_arguments(config, self._converter.num_class), "Prediction": config.Prediction},
            rgb=config.rgb,
            PAD=config.PAD,
            sensitive=config.sensitive,
            img_height=config.img_height,
            img_width=config.img_width,
            iteration=iteration,
            averaged=averaged,
            validation=Scores(accuracy=result.accuracy, norm_ed=result.norm_ed, words=result.words),
            validation_sets=[str(folder.resolve()) for folder in config.validation_sets],
            experiment_name=config.experiment_name,
            trained_on=pack_sums(self._trained_on),
            config=config.model_dump(),
        )

    # Further state

    def state(self) -> dict[str, Any]:
        """Return the pages that the weights have learnt from, as cards have them, and the centres."""
        centers = self._centers.state_dict() if self._centers is not None else {}
        return {"trained_on": pack_sums(self._trained_on), "centers": centers}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a saved state."""
        if "trained_on" in state:
            self._trained_on = unpack_sums(state["trained_on"])
        if self._centers is not None:
            self._centers.load_state_dict(state["centers"])

    def compiled_part(self, model: nn.Module) -> nn.Module:
        """Return the convolutions; the recurrent layers are left to the vendor's libraries."""
        return model.FeatureExtraction  # type: ignore[return-value]


def _characters(config: LabelSettings, state: Mapping[str, Any] | None) -> CharacterSet:
    """Return the setting's characters; of a run that began before the project's own set grew, those it began with."""
    found = CharacterSet.from_setting(config.character)
    if state is None or config.character != KOREAN_DOCUMENTS:
        return found
    head = "Prediction.generator.bias" if config.Prediction == "Attn" else "Prediction.bias"
    reserved = make_converter(config, found).reserved
    return CharacterSet(found.characters[: len(state["model"][head]) - reserved])  # new ones come last


def make_converter(config: LabelSettings, character_set: CharacterSet) -> CtcConverter | AttnConverter:
    """Return the label converter of the setting `Prediction`."""
    return AttnConverter(character_set) if config.Prediction == "Attn" else CtcConverter(character_set)


def freeze(model: network.Model, config: StartSettings) -> list[nn.Module]:
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

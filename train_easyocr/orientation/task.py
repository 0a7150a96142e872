"""Training the direction classifier: words upright and upside down, two classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from train_easyocr.common.files import write_text
from train_easyocr.datasets.data import describe_sets
from train_easyocr.documents.page_sums import pack_sums, read_page_sums, unpack_sums
from train_easyocr.engine import trainer
from train_easyocr.engine.adamw import AdamWTask
from train_easyocr.engine.length import Length
from train_easyocr.engine.logs import Progress
from train_easyocr.engine.task import Data, Task
from train_easyocr.orientation.batches import TurnedWords, both_ways, loaders_of, open_words, training_batches
from train_easyocr.orientation.classifier import DirectionCard, DirectionScores, turned_of_pairs
from train_easyocr.orientation.config import OrientationConfig
from train_easyocr.orientation.network import DirectionNetwork
from train_easyocr.orientation.words import THRESHOLD
from train_easyocr.weights.checkpoints import load_pretrained, trained_on

Part = tuple[torch.Tensor, torch.Tensor]
"""Some words of a batch, and which of them are upside down."""


def train(config: OrientationConfig, minutes: float | None = None) -> None:
    """Train a direction classifier, or what is left of it; see `trainer.train`, which says what is raised besides.

    Raises:
        UserError: A set is missing, can't be read, or holds no word that shows which way up it lies.
        WeightsError: `continue_from` can't be loaded.
    """
    trainer.train(OrientationTask, config, minutes)


class OrientationTask(AdamWTask[TurnedWords, Part, DirectionScores]):
    """The training of a direction classifier."""

    unit = "words"
    length = Length(passes=3, fewest=1_000, most=10_000, unit="words")
    places = Task.places | {"train_data", "val_data"}
    average_apart = False
    config: OrientationConfig

    def open(self, state: Mapping[str, Any] | None) -> Data:
        """Open both sets."""
        folders = [Path(self.config.train_data), Path(self.config.val_data)]
        with self.processes.one_a_machine_first():
            self._training, self._validation = found = [open_words(folder) for folder in folders]
        self._trained_on = frozenset(read_page_sums(folders[0]).values())
        return Data(
            samples=len(self._training.indices),
            sums=[words.data.report.labels_sha256 for words in found],
            names=[f"{key} {folder}" for key, folder in zip(("train_data", "val_data"), folders, strict=True)],
            what="their labels (labels.csv)",
        )

    def describe_data(self, *, write: bool) -> None:
        """Say what is used of both sets, and log it."""
        parts = (("Training", self._training), ("Validation", self._validation))
        lines = []
        for title, words in parts:
            lines.append(describe_sets(title, [words.data.report]))
            lines.append(f"{len(words.indices):,} of them show which way up they lie")
        print("\n".join(lines))
        if write:
            write_text(self.config.experiment / "log_dataset.txt", "\n".join([*lines, ""]))

    def build(self) -> nn.Module:
        """Return the network with fresh weights."""
        loaders_of(self.config, gpu=self.device.is_gpu)  # what does not fit is said before anything is begun
        return DirectionNetwork()

    def begin(self, model: nn.Module) -> None:
        """Load what `continue_from` names."""
        if self.config.continue_from:
            path = Path(self.config.continue_from)
            print(f"Starting with {path}: {load_pretrained(model, path).describe()}")
            self._trained_on |= trained_on(path)

    def describe(self) -> str:
        """Say how often each word comes."""
        config = self.config
        epochs = config.n_iter * config.batch_size / len(self._training.indices)
        return f"{config.n_iter:,} iterations of {config.batch_size:,} words are {epochs:,.1f} of each word"

    # Steps

    def batches(self, start: int) -> Iterator[TurnedWords]:
        """Yield this process's share of each step's words; raises UserError."""
        steps = range(start, self.config.n_iter)
        return training_batches(self._training, self.config, steps, self.processes, gpu=self.device.is_gpu)

    def parts(self, batch: TurnedWords) -> list[Part]:
        """Divide a batch."""
        count = self.config.accumulation
        return list(zip(batch.images.tensor_split(count), batch.turned.tensor_split(count), strict=True))

    def weight(self, part: Part) -> torch.Tensor:
        """Return the words of a part."""
        return torch.tensor(float(len(part[0])), device=self.device.torch_device)

    def loss(self, network: nn.Module, part: Part) -> torch.Tensor:
        """Return the sum of the words' cross-entropies."""
        images, turned = part
        with self.device.autocast():
            logits = network(self.device.input(images))
        turned = turned.to(self.device.torch_device, non_blocking=True)
        return nn.functional.cross_entropy(logits.float(), turned, reduction="sum")

    def describe_batch(self, batch: TurnedWords) -> list[str]:
        """Return each word and its place."""
        data, indices = self._training
        return [f"{data.label(int(indices[word]))}  ({data.place(int(indices[word]))})" for word in batch.words]

    # Validation

    def validate(
        self, model: nn.Module, iteration: int, check: Callable[[], None], *, averaged: bool
    ) -> DirectionScores:
        """Look at each word of the validation set upright and upside down."""
        model.eval()
        share = self.processes.share(len(self._validation.indices))
        counts = torch.zeros(4, dtype=torch.float64)
        for batch in both_ways(self._validation, self.config, share, gpu=self.device.is_gpu):
            if self.processes.count == 1:  # of several, some have a batch less and would not ask as often
                check()
            counts += self._count(model, batch)
        right, wrongly, found, words = self.processes.sum(counts).tolist()
        share_of = 100 / max(1, words)
        return DirectionScores(
            accuracy=right / 2 * share_of, wrongly_turned=wrongly * share_of, found=found * share_of, words=int(words)
        )

    @torch.inference_mode()
    def _count(self, model: nn.Module, batch: TurnedWords) -> torch.Tensor:
        """Return how many are right, turned wrongly, found and there."""
        with self.device.autocast():
            logits = model(self.device.input(batch.images))
        probability = turned_of_pairs(logits).cpu()
        turned = batch.turned == 1
        right = (probability > 0.5) == turned
        sure = probability >= THRESHOLD
        return torch.stack([right.sum(), (sure & ~turned).sum(), (sure & turned).sum(), (~turned).sum()]).double()

    def scores(self, result: DirectionScores) -> dict[str, float]:
        """Return accuracy, in per cent."""
        return {"accuracy": result.accuracy}

    def report(
        self, progress: Progress, result: DirectionScores, average: DirectionScores | None
    ) -> tuple[list[str], dict[str, Any]]:
        """Return a validation's block of log_train.txt and its figures."""
        averaged = f" | of averaged weights: {average.accuracy:.3f}" if average is not None else ""
        best = progress.best["accuracy"]
        lines = [
            progress.headline(),
            f"Current accuracy: {result.accuracy:.3f} | upright words turned: {result.wrongly_turned:.3f} % | "
            f"turned words found: {result.found:.3f} % | {result.words:,} words{averaged}",
            f"Best accuracy:    {best:.3f}",
        ]
        figures = result.model_dump() | ({"ema_accuracy": average.accuracy} if average is not None else {})
        return lines, figures | {"best_accuracy": best}

    def describe_best(self, best: Mapping[str, float]) -> str:
        """Say how good the best weights are, and where they lie."""
        return f"Best accuracy {best['accuracy']:.3f} %: best_accuracy.pth."

    def card(self, result: DirectionScores, iteration: int, *, averaged: bool) -> DirectionCard:
        """Return the card of the weights."""
        return DirectionCard(
            iteration=iteration,
            validation=result,
            experiment_name=self.config.experiment_name,
            config=self.config.model_dump(),
            averaged=averaged,
            trained_on=pack_sums(self._trained_on),
        )

    # Further state

    def state(self) -> dict[str, Any]:
        """Return the pages that the weights have learnt from, as cards have them."""
        return {"trained_on": pack_sums(self._trained_on)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a saved state."""
        self._trained_on |= unpack_sums(state["trained_on"])

"""Training a word detector, `db_light`: labelled pages, pieces of them as batches, DBNet's loss."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import cv2
import torch
from torch import nn
from tqdm import tqdm

from train_easyocr.common.files import write_text
from train_easyocr.detection.config import DetectionConfig, start_of
from train_easyocr.detection.db_detector import DbCard, DbDetector
from train_easyocr.detection.db_loss import db_loss
from train_easyocr.detection.db_network import DbLight
from train_easyocr.detection.interface import WordDetector
from train_easyocr.detection.loading import PieceBatch, Pieces, StepPlan, piece_batches
from train_easyocr.detection.pages import FEW_PAGES, open_pages, read_training_page
from train_easyocr.documents.aihub import LabelError
from train_easyocr.documents.images import ImageError
from train_easyocr.documents.page import Word
from train_easyocr.documents.page_sums import pack_sums, unpack_sums
from train_easyocr.documents.sources import PageSource, SourceError
from train_easyocr.engine import trainer
from train_easyocr.engine.adamw import AdamWTask
from train_easyocr.engine.length import Length
from train_easyocr.engine.loaders import Loaders, choose_loaders
from train_easyocr.engine.logs import Progress
from train_easyocr.engine.task import Data, Task
from train_easyocr.metrics.matching import counted
from train_easyocr.weights.cards import DetectionScores
from train_easyocr.weights.checkpoints import best_detector, load_pretrained, trained_on

LENGTH = Length(passes=12, fewest=480, most=10_000, unit="pages")
"""Of a training where `n_iter` is auto; a pass is a piece of each page."""

Part = tuple[torch.Tensor, torch.Tensor]
"""Some pieces of a batch and their targets."""


def train(config: DetectionConfig, minutes: float | None = None) -> None:
    """Train a detector, or what is left of it; see `trainer.train`, which says what is raised beside what follows.

    Raises:
        UserError: Pages are missing or can't be read.
        WeightsError: `continue_from` can't be loaded.
    """
    trainer.train(DetectorTask, config, minutes)


class DetectorTask(AdamWTask[PieceBatch, Part, DetectionScores]):
    """The training of a detector."""

    unit = "pieces"
    length = LENGTH
    places = Task.places | {"dataset", "train_data", "val_data", "label_format", "train_list", "val_list"}
    free = Task.free | {"max_batch_size"}
    average_apart = False
    config: DetectionConfig

    def open(self, state: Mapping[str, Any] | None) -> Data:
        """Find the pages."""
        self._training, self._validation = found = open_pages(self.config)
        self._seen: set[str] = set()
        self._unreadable: set[str] = set()
        return Data(
            samples=len(self._training.pages),
            sums=[pages.digest for pages in found],
            names=[f"{pages.title}: {len(pages.pages):,} pages now" for pages in found],
            what="pages or label files",
        )

    def describe_data(self, *, write: bool) -> None:
        """Say what is used and what is left out, and log it."""
        found, count = (self._training, self._validation), len(self._training.pages)
        text = "\n\n".join(pages.describe() for pages in found)
        if count < FEW_PAGES:
            text += (
                f"\n\nWarning: {count:,} training pages are few. With less than {FEW_PAGES} a detector "
                "learns these pages' fonts and forms by heart and misses words of others; take more pages, or start "
                "from weights that have seen others (continue_from)."
            )
        print(text)
        if write:
            problems = [f"{page.name}: {page.reason}" for pages in found for page in pages.problems]
            write_text(self.config.experiment / "log_dataset.txt", "\n".join([text, "", *problems, ""]))

    def build(self) -> nn.Module:
        """Return the network with fresh weights."""
        self._loaders(Pieces([], self.config))  # what does not fit is said before anything is begun
        return DbLight(self.config.layer_channels)

    def _loaders(self, pieces: Pieces) -> Loaders:
        gpu = self.device.is_gpu
        return choose_loaders(self.config.workers, pieces.largest_batch(), gpu=gpu)

    def begin(self, model: nn.Module) -> None:
        """Load what `continue_from` names."""
        path = start_of(self.config)
        if path is not None:
            print(f"Starting with {path}: {load_pretrained(model, path).describe()}")
            self._seen |= trained_on(path)

    def describe(self) -> str:
        """Say how often each page comes."""
        config = self.config
        epochs = config.n_iter * config.batch_size / len(self._training.pages)
        return f"{config.n_iter:,} iterations of {config.batch_size:,} pieces are {epochs:,.1f} of each page"

    # Steps

    def batches(self, start: int) -> Iterator[PieceBatch]:
        """Yield this process's share of each step's pieces; name pages that can't be read, and count the others."""
        pages = self._training.pages
        pieces, plan = Pieces(pages, self.config), StepPlan(len(pages), self.config, self.processes)
        steps, pinned = range(start, self.config.n_iter), self.device.is_gpu
        for batch in piece_batches(pieces, plan, steps, loaders=self._loaders(pieces), pin_memory=pinned):
            self._warn(batch.faults)
            self._seen.update(batch.sums)
            yield batch

    def _warn(self, faults: Sequence[str]) -> None:
        for fault in set(faults) - self._unreadable:
            tqdm.write(f"left out: {fault}")
            self._unreadable.add(fault)

    def parts(self, batch: PieceBatch) -> list[Part]:
        """Divide a batch; each part counts the same."""
        count = self.config.accumulation
        return list(zip(batch.images.tensor_split(count), batch.targets.tensor_split(count), strict=True))

    def loss(self, network: nn.Module, part: Part) -> torch.Tensor:
        """Return DBNet's loss, the mean over the part."""
        images, targets = part
        with self.device.autocast():
            output = network(self.device.input(images))
        return db_loss(output, targets.to(self.device.torch_device, non_blocking=True))

    def describe_batch(self, batch: PieceBatch) -> list[str]:
        """Return the pages' names."""
        return [self._training.pages[number].name for number, _ in batch.samples]

    # Validation

    def validate(
        self, model: nn.Module, iteration: int, check: Callable[[], None], *, averaged: bool
    ) -> DetectionScores:
        """Find the words of all validation pages."""
        self._share_seen()
        config, processes = self.config, self.processes
        detector = DbDetector.of(model, config.long_side, config.db_parameters, self.device)  # type: ignore[arg-type]
        pages = self._validation.pages[processes.share(len(self._validation.pages))]
        counts = torch.zeros(4, dtype=torch.float64)
        for page in tqdm(pages, desc="Validation", unit="page", leave=False, disable=not processes.first):
            if processes.count == 1:  # of several, some have a page less and would not ask as often
                check()
            try:
                counts += torch.tensor([*count_matches(detector, page), 1])
            except (SourceError, ImageError, LabelError) as error:
                self._warn([f"{page.name}: {error}"])
        return scores_of(processes.sum(counts).tolist())

    def _share_seen(self) -> None:
        """Let all processes know the pages that any of them has learnt from."""
        self._seen.update(*self.processes.gather(self._seen))

    def scores(self, result: DetectionScores) -> dict[str, float]:
        """Return F1."""
        return {"f1": result.f1}

    def report(
        self, progress: Progress, result: DetectionScores, average: DetectionScores | None
    ) -> tuple[list[str], dict[str, Any]]:
        """Return a validation's block of log_train.txt and its figures."""
        averaged = f" | F1 of averaged weights: {average.f1:.4f}" if average is not None else ""
        best = progress.best["f1"]
        lines = [
            progress.headline(),
            f"Current F1: {result.f1:.4f} | precision: {result.precision:.4f} | recall: {result.recall:.4f} | "
            f"{result.words:,} words on {result.pages:,} pages{averaged}",
            f"Best F1:    {best:.4f}",
        ]
        figures = {"f1": result.f1, "precision": result.precision, "recall": result.recall}
        return lines, figures | ({"ema_f1": average.f1} if average is not None else {}) | {"best_f1": best}

    def describe_best(self, best: Mapping[str, float]) -> str:
        """Say how good the best weights are, and where they lie."""
        return f"Best F1 {best['f1']:.4f}: {best_detector(self.config.experiment).name}."

    def card(self, result: DetectionScores, iteration: int, *, averaged: bool) -> DbCard:
        """Return the card of the weights."""
        return DbCard(
            long_side=self.config.long_side,
            parameters=self.config.db_parameters,
            iteration=iteration,
            validation=result,
            experiment_name=self.config.experiment_name,
            config=self.config.model_dump(),
            averaged=averaged,
            trained_on=pack_sums(self._seen),
            channels=tuple(self.config.layer_channels),
        )

    # Further state

    def state(self) -> dict[str, Any]:
        """Return the pages that the weights have learnt from."""
        self._share_seen()
        return {"trained_on": pack_sums(self._seen)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a saved state."""
        self._seen |= unpack_sums(state.get("trained_on", ""))


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


def score_pages(detector: WordDetector, pages: Iterable[PageSource]) -> DetectionScores:
    """Find the words of pages; return precision, recall and F1 over all their words.

    Raises:
        SourceError, ImageError, LabelError: A file can't be read.
    """
    counts = [(*count_matches(detector, page), 1) for page in pages]
    return scores_of([sum(column) for column in zip(*counts, strict=True)] or [0] * 4)


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

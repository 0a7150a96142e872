"""Batches of pieces of pages: which pages a step takes follows from its number, what is cut out of them from the epoch.

So a run that goes on from any step sees what it would have seen without the stop, whatever the number of processes
that load.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset, Sampler

from train_easyocr.datasets.data import generator
from train_easyocr.detection.config import PieceSettings
from train_easyocr.detection.crops import Crop, random_crop
from train_easyocr.detection.db_targets import db_targets
from train_easyocr.detection.pages import read_training_page
from train_easyocr.detection.scaling import STRIDE
from train_easyocr.documents.aihub import LabelError
from train_easyocr.documents.images import ImageError
from train_easyocr.documents.sources import PageSource, SourceError
from train_easyocr.engine.distributed import Processes
from train_easyocr.engine.loaders import Loaders, load
from train_easyocr.settings.parts import LoaderSettings

ORDER, PIECE = 101, 102
"""Purposes of random numbers."""

PageInEpoch = tuple[int, int]
"""A page's number and the epoch."""


@dataclass(frozen=True)
class PieceBatch:
    """What a step computes with.

    Attributes:
        images: uint8 [B, 1, H, W].
        targets: uint8 [B, C, h, w].
        samples: Which pages.
        faults: Pages that can't be read, with the reason; in the batch stand blank pieces, which teach nothing.
        sums: What tells the images of the others from all images (`page_sums`).
    """

    images: torch.Tensor
    targets: torch.Tensor
    samples: Sequence[PageInEpoch]
    faults: Sequence[str]
    sums: Sequence[str] = ()

    def pin_memory(self) -> PieceBatch:
        """Move both to memory that a GPU can copy from while it computes (called by the DataLoader)."""
        return replace(self, images=self.images.pin_memory(), targets=self.targets.pin_memory())


class StepPlan:
    """The pages of each step: a random order of all pages, then another one, and so on, cut into batches.

    Args:
        pages: How many there are.
        config: Seed, batch size and steps.
        processes: Each takes its share of a batch.
    """

    def __init__(self, pages: int, config: LoaderSettings, processes: Processes) -> None:
        self._pages, self._seed, self._size = pages, config.seed, config.batch_size
        self._share = range(config.batch_size)[processes.share(config.batch_size)]
        self._order = lru_cache(maxsize=2)(self._epoch)

    def samples(self, step: int) -> list[PageInEpoch]:
        """Return what this process takes at a step (counted from 0)."""
        found = []
        for place in self._share:
            epoch, position = divmod(step * self._size + place, self._pages)
            found.append((int(self._order(epoch)[position]), epoch))
        return found

    def _epoch(self, epoch: int) -> NDArray[np.int64]:
        return generator(self._seed, ORDER, epoch).permutation(self._pages)


class Pieces(Dataset[PieceBatch]):
    """Loads batches.

    Args:
        pages: The training pages.
        config: The settings.
    """

    def __init__(self, pages: Sequence[PageSource], config: PieceSettings) -> None:
        self._pages, self._config = pages, config

    def largest_batch(self) -> int:
        """Return the bytes of a whole batch of pieces and targets."""
        crop = _blank(self._config.crop_size)
        return self._config.batch_size * (crop.image.nbytes + _targets(crop).nbytes)

    def __getitem__(self, samples: Sequence[PageInEpoch]) -> PieceBatch:
        """Load a batch."""
        crops, faults, sums = [], [], []
        for number, epoch in samples:
            try:
                crop, image_sum = self._crop(number, epoch)
                crops.append(crop)
                sums.append(image_sum)
            except (SourceError, ImageError, LabelError) as error:
                faults.append(f"{self._pages[number].name}: {error}")
                crops.append(_blank(self._config.crop_size))
        images = np.stack([crop.image for crop in crops])[:, None]
        targets = np.stack([_targets(crop) for crop in crops])
        return PieceBatch(torch.from_numpy(images), torch.from_numpy(targets), samples, faults, sums)

    def _crop(self, number: int, epoch: int) -> tuple[Crop, str]:
        image, labels = read_training_page(self._pages[number])
        crop = random_crop(
            image,
            labels,
            size=self._config.crop_size,
            long_side=self._config.long_side,
            strength=self._config.augmentation_strength,
            random=generator(self._config.seed, PIECE, epoch, number),
        )
        return crop, labels.image_sum


def _blank(size: int) -> Crop:
    """Return a piece of which nothing is known."""
    none = np.zeros((0, 4))
    return Crop(np.full((size, size), 255, np.uint8), none, np.array([[0.0, 0.0, size, size]]))


def _targets(crop: Crop) -> NDArray[np.uint8]:
    """Draw the shrink and threshold maps of a piece, [C, h, w]."""
    side = crop.image.shape[0] // STRIDE
    return db_targets(crop.boxes / STRIDE, crop.ignored / STRIDE, (side, side))


def piece_batches(
    pieces: Pieces, plan: StepPlan, steps: range, *, loaders: Loaders, pin_memory: bool
) -> Iterator[PieceBatch]:
    """Yield the batches of steps."""
    yield from load(pieces, _Samples(plan, steps), loaders, pin_memory=pin_memory)


class _Samples(Sampler[list[PageInEpoch]]):
    """The samples of each step, as a loader asks for them."""

    def __init__(self, plan: StepPlan, steps: range) -> None:
        self._plan, self._steps = plan, steps

    def __iter__(self) -> Iterator[list[PageInEpoch]]:
        for step in self._steps:
            yield self._plan.samples(step)

    def __len__(self) -> int:
        return len(self._steps)

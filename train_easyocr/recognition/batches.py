"""The words of each step as pixels, loaded by worker processes; which words these are, says `datasets/sampling.py`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset, Sampler

from train_easyocr.common.errors import UserError
from train_easyocr.datasets.data import Indices, WordSet, close_databases, reading_widths, training_widths
from train_easyocr.datasets.images import resize_patch, to_batch
from train_easyocr.datasets.sampling import BatchPlan
from train_easyocr.datasets.word_table import ctc_steps
from train_easyocr.engine.distributed import ALONE, Processes
from train_easyocr.engine.loaders import Loaders, choose_loaders, load
from train_easyocr.recognition.augmentation import Augmentation
from train_easyocr.settings.parts import BatchSettings, InputSettings, WordTrainingSettings


def resize(patch: npt.NDArray[np.uint8], max_width: int, settings: InputSettings) -> npt.NDArray[np.uint8]:
    """Return a patch at the network's height, contrast raised where that is asked for."""
    ratio, contrast = settings.PAD, settings.contrast_adjust
    return resize_patch(patch, settings.img_height, max_width, keep_ratio=ratio, contrast=contrast)


@dataclass(frozen=True)
class WordBatch:
    """Words as the network takes them.

    Attributes:
        images: uint8 [B, C, img_height, width].
        labels: What they say.
        words: For each data set, the indices of its words; the data sets' words follow each other.
    """

    images: torch.Tensor
    labels: list[str]
    words: list[Indices]

    def pin_memory(self) -> WordBatch:
        """Move the images to memory that a GPU can copy from while it computes (called by the DataLoader)."""
        return replace(self, images=self.images.pin_memory())


def divide_batch(batch: WordBatch, count: int) -> list[tuple[torch.Tensor, list[str]]]:
    """Return a batch's images and labels in `count` parts, the first ones a word larger where it can't be even."""
    parts, start = [], 0
    for images in batch.images.tensor_split(count):
        parts.append((images, batch.labels[start : start + len(images)]))
        start += len(images)
    return parts


@dataclass(frozen=True)
class Request:
    """What to make a `WordBatch` of.

    Attributes:
        words: For each data set, the indices of its words.
        epochs: For each of these words, how often its data set has been gone through before; None in reading, which
            sees patches as they are.
        width: Pixels that the batch is wide at least, where other processes have its wider words.
    """

    words: list[Indices]
    epochs: list[Indices] | None = None
    width: int = 0


class WordBatches(Dataset[WordBatch | UserError]):
    """Turns the words of a step into a `WordBatch`.

    A patch that can't be read is returned as an error rather than raised: raised in a worker process it would arrive
    with that process's traceback in its text.

    Args:
        sets: The data sets.
        settings: How patches become input.
        reading: True makes every word as wide as reading makes it, however wide that is, instead of at most img_width.
        augmentation: What training does to patches; None leaves them as they are.
    """

    def __init__(
        self,
        sets: Sequence[WordSet],
        settings: InputSettings,
        *,
        reading: bool = False,
        augmentation: Augmentation | None = None,
    ) -> None:
        self._sets, self._settings, self._reading = list(sets), settings, reading
        self._augmentation = augmentation

    def __getitem__(self, request: Request) -> WordBatch | UserError:
        try:
            return self._assemble(request)
        except UserError as error:
            return error

    def _assemble(self, request: Request) -> WordBatch:
        settings, words = self._settings, request.words
        members = [(data, int(index)) for data, part in zip(self._sets, words, strict=True) for index in part]
        labels = [data.label(index) for data, index in members]
        patches = [data.patch(index, settings.rgb) for data, index in members]
        width = max(request.width, self._width(patches, labels))
        if request.epochs is not None and self._augmentation is not None:
            augmentation = self._augmentation
            epochs = np.concatenate(request.epochs).tolist()
            numbers = np.repeat(np.arange(len(words)), [len(part) for part in words]).tolist()
            places = zip(epochs, numbers, (index for _, index in members), strict=True)
            patches = [augmentation.apply(patch, *place) for patch, place in zip(patches, places, strict=True)]
        images = torch.from_numpy(to_batch([resize(patch, width, settings) for patch in patches], width))
        return WordBatch(images, labels, words)

    def _width(self, patches: Sequence[npt.NDArray[np.uint8]], labels: Sequence[str]) -> int:
        settings = self._settings
        if not settings.PAD or (settings.batch_width == "fixed" and not self._reading):
            return settings.img_width
        width = np.array([patch.shape[1] for patch in patches], np.int32)
        height = np.array([patch.shape[0] for patch in patches], np.int32)
        if self._reading:
            return int(reading_widths(width, height, settings.img_height).max())
        steps = np.array([ctc_steps(label) for label in labels], np.int32)
        return int(training_widths(width, height, steps, settings.img_height, settings.img_width).max())


class _Steps(Sampler[Request]):
    """This process's words of some steps."""

    def __init__(self, plan: BatchPlan, steps: range, processes: Processes) -> None:
        self._plan, self._steps, self._processes = plan, steps, processes

    def __len__(self) -> int:
        return len(self._steps)

    def __iter__(self) -> Iterator[Request]:
        for step in self._steps:
            words, epochs = self._plan.words(step), self._plan.epochs(step)
            if self._processes.count == 1:
                yield Request(words, epochs)
            else:
                # The network sees how wide a batch is; all shares are as wide as the whole would be.
                shares = share_of(words, self._processes), share_of(epochs, self._processes)
                yield Request(*shares, self._plan.width(step))


def share_of(words: Sequence[Indices], processes: Processes) -> list[Indices]:
    """Return this process's share of a batch: a stretch of its words, one data set's behind the other's."""
    share, start, parts = processes.share(sum(map(len, words))), 0, []
    for part in words:
        parts.append(part[max(0, share.start - start) : max(0, share.stop - start)])
        start += len(part)
    return parts


def training_batches(
    sets: Sequence[WordSet],
    plan: BatchPlan,
    config: WordTrainingSettings,
    steps: range,
    *,
    pin_memory: bool,
    processes: Processes = ALONE,
) -> Iterator[WordBatch]:
    """Yield this process's batches of some steps, counted from 0.

    Raises:
        UserError: A patch can't be read.
    """
    dataset = WordBatches(sets, config, augmentation=Augmentation.from_config(config))
    return load_batches(dataset, _Steps(plan, steps, processes), config, pin_memory=pin_memory)


def reading_batches(
    data: WordSet, words: Sequence[Indices], config: BatchSettings, *, pin_memory: bool
) -> Iterator[WordBatch]:
    """Yield batches of given words, as wide as reading makes them; raises UserError."""
    dataset = WordBatches([data], config, reading=True)
    return load_batches(dataset, [Request([part]) for part in words], config, pin_memory=pin_memory)


def divide_for_reading(data: WordSet, config: BatchSettings) -> list[Indices]:
    """Divide all words of a set into batches whose words have one reading width.

    A batch holds as many pixels as `batch_size` words of `img_width` at most, and at least one word.
    """
    size = data.sizes() if config.PAD else None
    width = reading_widths(*size, config.img_height) if size else np.full(len(data), config.img_width)
    order = np.argsort(width, kind="stable").astype(np.int32)
    batches = []
    values, starts = np.unique(width[order], return_index=True)
    for value, words in zip(values, np.split(order, starts[1:]), strict=True):
        count = max(1, config.batch_size * config.img_width // int(value))
        batches += [words[first : first + count] for first in range(0, len(words), count)]
    return batches


def load_batches(
    dataset: WordBatches, steps: Sampler[Request] | list[Request], config: BatchSettings, *, pin_memory: bool
) -> Iterator[WordBatch]:
    """Yield the batches that are asked for, loaded by as many processes as the settings say; raises UserError."""
    loaders = loaders_of(config, gpu=pin_memory)
    if loaders.workers:
        close_databases()
    yield from load(dataset, steps, loaders, pin_memory=pin_memory)


def loaders_of(config: BatchSettings, *, gpu: bool) -> Loaders:
    """Return the processes that load for a training and its validations; raises UsageError (see `choose_loaders`)."""
    # A validation's batches have as many pixels as training's at most.
    largest = config.batch_size * config.img_height * config.img_width * (3 if config.rgb else 1)
    return choose_loaders(config.workers, largest, 2, gpu=gpu)

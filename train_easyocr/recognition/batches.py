"""Which words make which batch, and their pixels.

The plan has no state: step t's words follow from the seed, the data sets and t alone. So a resumed run goes on with
exactly the words that an undisturbed one would have had, and the number of worker processes changes nothing.
"""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from train_easyocr.config import Config
from train_easyocr.recognition.augmentation import Augmentation
from train_easyocr.recognition.data import (
    DataError,
    Indices,
    PatchError,
    WordSet,
    close_databases,
    generator,
    reading_widths,
    training_widths,
)
from train_easyocr.recognition.images import resize_patch, to_batch
from train_easyocr.recognition.processes import Processes
from train_easyocr.recognition.word_table import LabelsError, ctc_steps

POOL_BATCHES = 64
"""Batches whose words are sorted by width together: enough for narrow ranges of width, few enough to mix words well."""
WORDS, STEPS = 1, 2
"""Purposes of random generators: the order of a set's words, and which steps get wide words."""
STEPS_BLOCK = 4096
WIDTHS_PART = 1 << 17

Fault = PatchError | LabelsError
ALONE = Processes()


def split_batch(batch_size: int, shares: Sequence[float]) -> list[int]:
    """Divide a batch among data sets by largest remainder: the counts add up to `batch_size` exactly.

    Raises:
        DataError: A data set would get no word at all.
    """
    wanted = [batch_size * share for share in shares]
    # 64 * 0.3 + 64 * 0.7 may miss 64 by a rounding error; 1e-9 keeps whole numbers whole.
    counts = [math.floor(words + 1e-9) for words in wanted]
    by_remainder = sorted(range(len(shares)), key=lambda index: counts[index] - wanted[index])
    for index in by_remainder[: batch_size - sum(counts)]:
        counts[index] += 1
    if 0 in counts:
        raise DataError(
            f"batch_ratio gives data set {counts.index(0) + 1} no word in a batch of {batch_size}; raise batch_size"
        )
    return counts


class BatchPlan:
    """The words of each step.

    Each data set is read as a stream: a random order of all its words, then another one, and so on, cut into its part
    of each batch; so every word comes once an epoch. Where batches are as wide as their widest word, the words of
    `POOL_BATCHES` batches are sorted by width before they are cut, and the batches then take their places in random
    order. That order comes from random numbers of the steps, the same for all data sets: wide words of one set meet
    wide words of the others. (The one batch that holds the end of an epoch and the start of the next is not sorted.)

    Args:
        widths: For each data set, the width that each of its words needs in a batch; None leaves the order random.
        sizes: For each data set, the number of its words.
        counts: For each data set, its words in a batch.
        seed: Everything that is random comes from it.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        counts: Sequence[int],
        seed: int,
        widths: Sequence[npt.NDArray[np.signedinteger]] | None = None,
    ) -> None:
        self._sizes, self._counts, self._seed, self._widths = list(sizes), list(counts), seed, widths
        # A batch needs two epochs of each set at most where it crosses an end; small sets repeat faster.
        self._order = lru_cache(maxsize=2 * len(self._sizes))(self._epoch)

    def words(self, step: int) -> list[Indices]:
        """Return the words of a step (counted from 0): for each data set, the indices of its words."""
        return [self._part(number, step) for number in range(len(self._sizes))]

    def width(self, step: int) -> int:
        """Return the width in pixels of a step's batch, as wide as its widest word needs; 0 where all are the same."""
        if self._widths is None:
            return 0
        return max(int(widths[part].max()) for widths, part in zip(self._widths, self.words(step), strict=True))

    def epochs(self, step: int) -> list[Indices]:
        """Return, for each data set, how often it has been gone through before each of its words of a step."""
        return [
            (np.arange(step * count, (step + 1) * count) // size).astype(np.int32)
            for size, count in zip(self._sizes, self._counts, strict=True)
        ]

    def describe(self, names: Sequence[str], n_iter: int) -> str:
        """Say what a run of `n_iter` steps means for each data set."""
        return "\n".join(
            f"{name}: {count:,} of {size:,} words in each batch; an epoch is {size / count:,.1f} iterations, "
            f"{n_iter:,} iterations are {n_iter * count / size:,.2f} epochs"
            for name, count, size in zip(names, self._counts, self._sizes, strict=True)
        )

    def _part(self, number: int, step: int) -> Indices:
        size, count = self._sizes[number], self._counts[number]
        position, end = step * count, (step + 1) * count
        parts = []
        while position < end:
            epoch, start = divmod(position, size)
            stop = min(size, start + end - position)
            parts.append(self._order(number, epoch)[start:stop])
            position += stop - start
        return np.concatenate(parts)

    def _epoch(self, number: int, epoch: int) -> Indices:
        """Return the order in which data set `number` gives its words in an epoch."""
        size, count = self._sizes[number], self._counts[number]
        order = np.arange(size, dtype=np.int32)
        generator(self._seed, WORDS, number, epoch).shuffle(order)
        if self._widths is None:
            return order
        widths = self._widths[number]
        # The epoch's first words fill up the batch that its forerunner began.
        head = -epoch * size % count
        batches = max(0, size - head) // count
        keys = self._step_keys((epoch * size + head) // count, batches)
        for first in range(0, batches, POOL_BATCHES):
            last = min(first + POOL_BATCHES, batches)
            words = slice(head + first * count, head + last * count)
            pool = order[words]
            by_width = pool[np.argsort(widths[pool], kind="stable")].reshape(-1, count)
            places = np.argsort(keys[first:last])
            shuffled = np.empty_like(by_width)
            shuffled[places] = by_width
            order[words] = shuffled.reshape(-1)
        return order

    def _step_keys(self, first: int, count: int) -> npt.NDArray[np.float64]:
        """Return the random numbers of `count` steps from `first` on."""
        blocks = range(first // STEPS_BLOCK, (first + count) // STEPS_BLOCK + 1)
        keys = np.concatenate([generator(self._seed, STEPS, block).random(STEPS_BLOCK) for block in blocks])
        return keys[first % STEPS_BLOCK :][:count]


@dataclass(frozen=True)
class InputSettings:
    """How patches become the network's input; the fields are settings of the same names.

    Attributes:
        fixed: Every batch is `img_width` wide.
    """

    img_height: int
    img_width: int
    PAD: bool
    rgb: bool
    contrast_adjust: float
    fixed: bool

    @classmethod
    def from_config(cls, config: Config) -> InputSettings:
        """Take what concerns the input from the settings."""
        return cls(
            img_height=config.img_height,
            img_width=config.img_width,
            PAD=config.PAD,
            rgb=config.rgb,
            contrast_adjust=config.contrast_adjust,
            fixed=config.batch_width == "fixed",
        )

    def resize(self, patch: npt.NDArray[np.uint8], max_width: int) -> npt.NDArray[np.uint8]:
        """Return a patch at the network's height, contrast raised where that is asked for."""
        return resize_patch(patch, self.img_height, max_width, keep_ratio=self.PAD, contrast=self.contrast_adjust)


@dataclass(frozen=True)
class Batch:
    """Words as the network takes them.

    Attributes:
        images: uint8 [B, C, img_height, width].
        labels: What they say.
        words: For each data set, the indices of its words; the data sets' words follow each other.
    """

    images: torch.Tensor
    labels: list[str]
    words: list[Indices]

    def pin_memory(self) -> Batch:
        """Move the images to memory that a GPU can copy from while it computes (called by the DataLoader)."""
        return Batch(self.images.pin_memory(), self.labels, self.words)


@dataclass(frozen=True)
class Request:
    """What to make a `Batch` of.

    Attributes:
        words: For each data set, the indices of its words.
        epochs: For each of these words, how often its data set has been gone through before; None in reading, which
            sees patches as they are.
        width: Pixels that the batch is wide at least, where other processes have its wider words.
    """

    words: list[Indices]
    epochs: list[Indices] | None = None
    width: int = 0


class WordBatches(Dataset[Batch | Fault]):
    """Turns the words of a step into a `Batch`.

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

    def __getitem__(self, request: Request) -> Batch | Fault:
        try:
            return self._assemble(request)
        except (PatchError, LabelsError) as error:
            return error

    def _assemble(self, request: Request) -> Batch:
        settings, words = self._settings, request.words
        members = [(data, int(index)) for data, part in zip(self._sets, words, strict=True) for index in part]
        labels = [data.label(index) for data, index in members]
        patches = [data.patch(index, settings.rgb) for data, index in members]
        if self._augmentation is not None and request.epochs is not None:
            epochs = np.concatenate(request.epochs)
            numbers = np.repeat(np.arange(len(words)), [len(part) for part in words])
            patches = [
                self._augmentation.apply(patch, int(epoch), int(number), index)
                for patch, epoch, number, (_, index) in zip(patches, epochs, numbers, members, strict=True)
            ]
        width = max(request.width, self._width(patches, labels))
        limit = width if self._reading else settings.img_width
        images = to_batch([settings.resize(patch, limit) for patch in patches], width)
        return Batch(images, labels, words)

    def _width(self, patches: Sequence[npt.NDArray[np.uint8]], labels: Sequence[str]) -> int:
        settings = self._settings
        if not settings.PAD or (settings.fixed and not self._reading):
            return settings.img_width
        width = np.array([patch.shape[1] for patch in patches], np.int32)
        height = np.array([patch.shape[0] for patch in patches], np.int32)
        if self._reading:
            return int(reading_widths(width, height, settings.img_height).max())
        steps = np.array([ctc_steps(label) for label in labels], np.int32)
        return int(training_widths(width, height, steps, settings.img_height, settings.img_width).max())


class _Steps(Sampler[Request]):
    """This process's words of the steps from `start` up to `stop`."""

    def __init__(self, plan: BatchPlan, start: int, stop: int, processes: Processes) -> None:
        self._plan, self._start, self._stop, self._processes = plan, start, stop, processes

    def __len__(self) -> int:
        return self._stop - self._start

    def __iter__(self) -> Iterator[Request]:
        for step in range(self._start, self._stop):
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


def training_plan(sets: Sequence[WordSet], config: Config) -> BatchPlan:
    """Return the plan of a training run.

    Raises:
        DataError: A data set has fewer usable words than its part of one batch, or gets no part.
    """
    counts = split_batch(config.batch_size, config.batch_shares)
    for data, count in zip(sets, counts, strict=True):
        if len(data) < count:
            raise DataError(
                f"{data.report.folder}: {len(data):,} of its {data.report.read:,} words can be used, fewer than the "
                f"{count} that each batch takes; lower batch_size (log_dataset.txt says what was left out)"
            )
    widths = None
    if config.batch_width == "bucket":
        widths = [_batch_widths(data, config) for data in sets]
    return BatchPlan([len(data) for data in sets], counts, config.seed, widths)


def _batch_widths(data: WordSet, config: Config) -> Indices:
    """Return `training_widths` of all words of a set, in parts: its intermediate results are large."""
    width, height = data.sizes()
    steps = data.table.steps[data.rows]
    widths = np.empty(len(data), np.int32)
    for first in range(0, len(data), WIDTHS_PART):
        part = slice(first, first + WIDTHS_PART)
        widths[part] = training_widths(width[part], height[part], steps[part], config.img_height, config.img_width)
    return widths


def training_batches(
    sets: Sequence[WordSet],
    plan: BatchPlan,
    config: Config,
    start: int,
    *,
    pin_memory: bool,
    processes: Processes = ALONE,
) -> Iterator[Batch]:
    """Yield this process's batches of the steps from `start` (counted from 0) to the end of the run.

    Raises:
        PatchError: A patch can't be read.
    """
    steps = _Steps(plan, start, config.n_iter, processes)
    augmentation = Augmentation.from_config(config)
    dataset = WordBatches(sets, InputSettings.from_config(config), augmentation=augmentation)
    return _batches(dataset, steps, config.workers, pin_memory)


def reading_batches(data: WordSet, words: Sequence[Indices], config: Config, *, pin_memory: bool) -> Iterator[Batch]:
    """Yield batches of given words, as wide as reading makes them; raises PatchError."""
    dataset = WordBatches([data], InputSettings.from_config(config), reading=True)
    return _batches(dataset, [Request([part]) for part in words], config.workers, pin_memory)


def divide_for_reading(data: WordSet, config: Config) -> list[Indices]:
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


def _batches(
    dataset: WordBatches, steps: Sampler[Request] | list[Request], workers: int, pin_memory: bool
) -> Iterator[Batch]:
    if workers:
        close_databases()
    loader: DataLoader[Batch | Fault] = DataLoader(
        dataset,
        batch_size=None,
        sampler=steps,
        num_workers=workers,
        collate_fn=_as_it_is,
        pin_memory=pin_memory,
        worker_init_fn=_start_worker,
        prefetch_factor=4 if workers else None,
        # Its own generator: else making a loader would draw from the random state that a resumed run restores.
        generator=torch.Generator(),
    )
    for batch in loader:
        if isinstance(batch, Fault):
            raise batch
        yield batch


def _as_it_is(batch: Any) -> Any:
    return batch


def _start_worker(worker: int) -> None:
    # Ctrl-C reaches all processes of a terminal; the trainer finishes its step and then ends its workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if "TORCHELASTIC_RUN_ID" in os.environ:
        # torchrun sends SIGTERM to whole process groups; workers in one of their own end with the trainer as well.
        os.setpgid(0, 0)
    cv2.setNumThreads(0)

"""The words of each step, half of them upside down: which, and what is done to them, follows from the step alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from train_easyocr.common.errors import UserError
from train_easyocr.datasets.data import Indices, WordSet, generator, open_set
from train_easyocr.datasets.sampling import BatchPlan
from train_easyocr.engine.distributed import Processes
from train_easyocr.engine.loaders import Loaders, choose_loaders, load
from train_easyocr.orientation.alike import reads_alike
from train_easyocr.orientation.augmentation import augment
from train_easyocr.orientation.config import OrientationConfig
from train_easyocr.orientation.words import HEIGHT, LEAST_RATIO, WIDTH, input_of, upside_down
from train_easyocr.settings.parts import WordSettings
from train_easyocr.weights.characters import CharacterSet

AUGMENT = 201
"""Purpose of a random generator: whether a word is turned in an epoch, and what else is done to it."""
ANY_LENGTH = WordSettings(batch_max_length=1_000_000, img_width=1_000_000)
"""Long words will do; those with characters outside the project's own set are left out."""


class Words(NamedTuple):
    """The words of a set that show which way up they lie.

    Attributes:
        data: The set.
        indices: Of those words.
    """

    data: WordSet
    indices: Indices


@dataclass(frozen=True)
class TurnedWords:
    """Words as the network takes them.

    Attributes:
        images: uint8 [B, 1, 48, 192].
        turned: int64 [B], 1 for those upside down.
        words: Their numbers in the set.
    """

    images: torch.Tensor
    turned: torch.Tensor
    words: Sequence[int]

    def pin_memory(self) -> TurnedWords:
        """Move the tensors to memory that a GPU can copy from while it computes (called by the DataLoader)."""
        return replace(self, images=self.images.pin_memory(), turned=self.turned.pin_memory())


class Sample(NamedTuple):
    """A word in an epoch of training, or as it is (`epoch` -1): then `turned` says which way up."""

    word: int
    epoch: int
    turned: bool = False


def open_words(folder: Path) -> Words:
    """Open a set of words, in any form that step 3 takes.

    Raises:
        UserError: There is none, it can't be read, or no word of it is wide enough to show which way up it lies.
    """
    data = open_set(folder, ANY_LENGTH, CharacterSet.from_setting(ANY_LENGTH.character))
    width, height = data.sizes()
    wide = np.flatnonzero(width >= LEAST_RATIO * height)
    indices = [word for word in wide.tolist() if not reads_alike(data.label(word))]
    if not indices:
        raise UserError(
            f"{folder}: none of its {data.report.read:,} words shows which way up it lies: words at least "
            f"{LEAST_RATIO} times as wide as high are needed, of characters that do not read the same upside down"
        )
    return Words(data, np.array(indices, np.int32))


class Batches(Dataset["TurnedWords | UserError"]):
    """Loads batches; what can't be read is returned as an error, since raised it would bring the process's traceback.

    Args:
        words: The words.
        config: Seed, and how many words are augmented.
    """

    def __init__(self, words: Words, config: OrientationConfig) -> None:
        self._words, self._config = words, config

    def __getitem__(self, samples: Sequence[Sample]) -> TurnedWords | UserError:
        try:
            images, turned = zip(*(self._load(sample) for sample in samples), strict=True)
        except UserError as error:
            return error
        batch = torch.from_numpy(np.stack(images)[:, None])
        return TurnedWords(batch, torch.tensor(turned, dtype=torch.int64), [sample.word for sample in samples])

    def _load(self, sample: Sample) -> tuple[np.ndarray, bool]:
        data, indices = self._words
        word = np.asarray(data.patch(int(indices[sample.word]), rgb=False), np.uint8)
        if sample.epoch < 0:
            return input_of(upside_down(word) if sample.turned else word), sample.turned
        random = generator(self._config.seed, AUGMENT, sample.epoch, sample.word)
        turned = bool(random.random() < 0.5)
        word = upside_down(word) if turned else word
        augmented = random.random() < self._config.augmentation_probability
        return input_of(augment(word, random) if augmented else word), turned


class _Steps(Sampler[list[Sample]]):
    """This process's samples of each step: all words in random order, then again in another one."""

    def __init__(self, words: int, config: OrientationConfig, steps: range, processes: Processes) -> None:
        self._plan = BatchPlan([words], [config.batch_size], config.batch_size, config.seed)
        self._steps, self._share = steps, processes.share(config.batch_size)

    def __iter__(self) -> Iterator[list[Sample]]:
        for step in self._steps:
            [words], [epochs] = self._plan.words(step), self._plan.epochs(step)
            yield [Sample(*pair) for pair in zip(words.tolist(), epochs.tolist(), strict=True)][self._share]

    def __len__(self) -> int:
        return len(self._steps)


def loaders_of(config: OrientationConfig, *, gpu: bool) -> Loaders:
    """Return the processes that load for a training and its validations; raises UsageError (see `choose_loaders`)."""
    return choose_loaders(config.workers, config.batch_size * HEIGHT * WIDTH, 2, gpu=gpu)


def training_batches(
    words: Words, config: OrientationConfig, steps: range, processes: Processes, *, gpu: bool
) -> Iterator[TurnedWords]:
    """Yield this process's share of each step; raises UserError."""
    samples = _Steps(len(words.indices), config, steps, processes)
    yield from load(Batches(words, config), samples, loaders_of(config, gpu=gpu), pin_memory=gpu)


def both_ways(words: Words, config: OrientationConfig, share: slice, *, gpu: bool) -> Iterator[TurnedWords]:
    """Yield some words of a set as they are, each upright and then upside down; raises UserError."""
    samples = [Sample(word, -1, turned) for word in range(len(words.indices))[share] for turned in (False, True)]
    size = 2 * -(-config.batch_size // 2)  # both of a word are in one batch
    requests = [samples[first : first + size] for first in range(0, len(samples), size)]
    yield from load(Batches(words, config), requests, loaders_of(config, gpu=gpu), pin_memory=gpu)

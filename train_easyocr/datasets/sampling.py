"""Which words make which batch.

The plan has no state: step t's words follow from the seed, the data sets and t alone. So a resumed run goes on with
exactly the words that an undisturbed one would have had, and the number of worker processes changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from train_easyocr.common.errors import UsageError
from train_easyocr.datasets.data import Indices, WordSet, generator, training_widths
from train_easyocr.settings.parts import InputSettings, SamplingSettings

POOL_BATCHES = 64
"""Batches whose words are sorted by width together: enough for narrow ranges of width, few enough to mix words well."""
WORDS, STEPS = 1, 2
"""Purposes of random generators: the order of a set's words, and which steps get wide words."""
WIDTHS_PART = 1 << 17

Counts = npt.NDArray[np.int64]
Widths = npt.NDArray[np.signedinteger]


def split_batch(batch_size: int, shares: Sequence[float]) -> list[int]:
    """Divide a batch among data sets by largest remainder: the counts add up to `batch_size` exactly.

    Raises:
        UsageError: A data set would get no word at all.
    """
    wanted = [batch_size * share for share in shares]
    # 64 * 0.3 + 64 * 0.7 may miss 64 by a rounding error; 1e-9 keeps whole numbers whole.
    counts = [math.floor(words + 1e-9) for words in wanted]
    by_remainder = sorted(range(len(shares)), key=lambda index: counts[index] - wanted[index])
    for index in by_remainder[: batch_size - sum(counts)]:
        counts[index] += 1
    if 0 in counts:
        raise UsageError(
            f"batch_ratio gives data set {counts.index(0) + 1} no word in a batch of {batch_size}; raise batch_size"
        )
    return counts


class BatchPlan:
    """The words of each step.

    Each data set is read as a stream: a random order of all its words, then another one, and so on, cut into its part
    of each batch; so every word comes once an epoch of its set. Where batches are as wide as their widest word, the
    words of `POOL_BATCHES` batches are sorted by width before they are cut, and the batches then take their places in
    random order. That order is the same for all data sets: wide words of one set meet wide words of the others. (The
    one batch that holds the end of an epoch and the start of the next is not sorted.)

    Data sets share the words as `parts` says: of every `sum(parts)` words in a row, set k has exactly `parts[k]`, and
    of fewer words nearly that part (of two sets, to within a word). So `parts` are the words of a batch (setting
    `batch_ratio`), or those that an epoch draws of each set (`data_usage_ratio`).

    Args:
        lengths: For each data set, the number of its words.
        parts: For each data set, its words in so many of all data sets' as these numbers add up to.
        batch_size: Words of a batch.
        seed: Everything that is random comes from it.
        widths: For each data set, the width that each of its words needs in a batch; None leaves the order random.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        parts: Sequence[int],
        batch_size: int,
        seed: int,
        widths: Sequence[Widths] | None = None,
    ) -> None:
        self._lengths, self._parts, self._batch_size = list(lengths), list(parts), batch_size
        self._seed, self._widths = seed, widths
        # A batch needs two epochs of each set at most where it crosses an end; small sets repeat faster.
        self._order = lru_cache(maxsize=2 * len(self._lengths))(self._epoch)
        self._places = lru_cache(maxsize=4)(self._pool_places)

    def words(self, step: int) -> list[Indices]:
        """Return the words of a step (counted from 0): for each data set, the indices of its words."""
        return [self._stretch(number, start, stop) for number, (start, stop) in enumerate(self._borders(step))]

    def epochs(self, step: int) -> list[Indices]:
        """Return, for each data set, how often it has been gone through before each of its words of a step."""
        return [
            (np.arange(start, stop) // length).astype(np.int32)
            for length, (start, stop) in zip(self._lengths, self._borders(step), strict=True)
        ]

    def width(self, step: int) -> int:
        """Return the width in pixels of a step's batch, as wide as its widest word needs; 0 where all are the same."""
        if self._widths is None:
            return 0
        pairs = zip(self._widths, self.words(step), strict=True)
        return max(int(widths[part].max()) for widths, part in pairs if len(part))

    def drawn(self, steps: int) -> list[int]:
        """Return how many words of each data set the first `steps` steps draw; a repeated word counts again."""
        pool, place = divmod(steps, POOL_BATCHES)
        return self._places(pool)[:, place].tolist()

    def describe(self, names: Sequence[str], n_iter: int) -> str:
        """Say what a run of `n_iter` steps means for each data set."""
        lines = []
        if sum(self._parts) != self._batch_size:
            draws = [f"{part:,} of {name}" for name, part in zip(names, self._parts, strict=True)]
            lines.append(f"An epoch draws {', '.join(draws)}: {sum(self._parts) / self._batch_size:,.1f} iterations")
        for name, length, part, drawn in zip(names, self._lengths, self._parts, self.drawn(n_iter), strict=True):
            count = part * self._batch_size / sum(self._parts)
            lines.append(
                f"{name}: {count:,.4g} of {length:,} words in each batch; each word comes once in "
                f"{length / count:,.1f} iterations, {n_iter:,} iterations draw {drawn:,} words "
                f"({drawn / length:,.2f} times the set)"
            )
        return "\n".join(lines)

    def _borders(self, step: int) -> list[list[int]]:
        """Return, for each data set, the places in its stream where a step starts and where it ends."""
        return self._places(step // POOL_BATCHES)[:, step % POOL_BATCHES :][:, :2].tolist()

    def _stretch(self, number: int, position: int, stop: int) -> Indices:
        """Return the words of a data set from a place in its stream to another."""
        length, parts = self._lengths[number], [np.zeros(0, np.int32)]
        while position < stop:
            epoch, start = divmod(position, length)
            end = min(length, start + stop - position)
            parts.append(self._order(number, epoch)[start:end])
            position += end - start
        return np.concatenate(parts)

    def _ranks(self, pool: int) -> npt.NDArray[np.int64]:
        """Return for each step of a pool how wide its words are: 0 for the narrowest batch."""
        return generator(self._seed, STEPS, pool).permutation(POOL_BATCHES)

    def _pool_places(self, pool: int) -> Counts:
        """Return where in the data sets' streams a pool's steps start, and its last one ends: [sets, steps + 1]."""
        words = (pool * POOL_BATCHES + np.arange(POOL_BATCHES + 1)) * self._batch_size
        # Each set takes its part, rounded down, of what the sets before it leave: so all parts only ever grow, and add
        # up to the words of the batches.
        places, whole = [], sum(self._parts)
        for part in self._parts:
            places.append(words * part // whole)
            words, whole = words - places[-1], whole - part
        return np.stack(places)

    def _pool_of(self, number: int, position: int) -> int:
        """Return the pool that holds a place in a data set's stream."""
        pool = position * sum(self._parts) // (self._parts[number] * POOL_BATCHES * self._batch_size)
        while self._pool_places(pool)[number, 0] > position:
            pool -= 1  # the quotient is off by one where the set's part was rounded
        while self._pool_places(pool)[number, -1] <= position:
            pool += 1
        return pool

    def _epoch(self, number: int, epoch: int) -> Indices:
        """Return the order in which data set `number` gives its words in an epoch."""
        length = self._lengths[number]
        order = np.arange(length, dtype=np.int32)
        generator(self._seed, WORDS, number, epoch).shuffle(order)
        if self._widths is None:
            return order
        first = epoch * length
        for pool in range(self._pool_of(number, first), self._pool_of(number, first + length - 1) + 1):
            places = self._pool_places(pool)[number] - first
            # The steps whose words are all of this epoch.
            whole = (places[:-1] >= 0) & (places[1:] <= length)
            starts, counts, ranks = places[:-1][whole], np.diff(places)[whole], self._ranks(pool)[whole]
            if len(starts):
                words = slice(starts[0], starts[-1] + counts[-1])
                order[words] = _by_width(order[words], self._widths[number], counts, ranks)
        return order


def _by_width(words: Indices, widths: Widths, counts: Counts, ranks: npt.NDArray[np.int64]) -> Indices:
    """Divide words among batches of given sizes, the narrowest words into the batch of the lowest rank."""
    by_width = words[np.argsort(widths[words], kind="stable")]
    by_rank = np.argsort(ranks)
    sources = np.empty_like(counts)
    sources[by_rank] = np.cumsum(counts[by_rank]) - counts[by_rank]
    places = np.cumsum(counts) - counts
    return by_width[np.arange(len(words)) + np.repeat(sources - places, counts)]


def training_plan(sets: Sequence[WordSet], config: SamplingSettings) -> BatchPlan:
    """Return the plan of a training run.

    Raises:
        UsageError: A data set has fewer usable words than its part of one batch, or gets no part.
    """
    parts = _parts(sets, config)
    widths = None
    if config.batch_width == "bucket":
        widths = [_batch_widths(data, config) for data in sets]
    return BatchPlan([len(data) for data in sets], parts, config.batch_size, config.seed, widths)


def _parts(sets: Sequence[WordSet], config: SamplingSettings) -> list[int]:
    """Return the words of each data set in a batch or, with `data_usage_ratio`, in an epoch."""
    if config.usage_shares:
        drawn = [max(1, round(len(data) * share)) for data, share in zip(sets, config.usage_shares, strict=True)]
        if sum(drawn) < config.batch_size:
            raise UsageError(
                f"data_usage_ratio: an epoch draws {sum(drawn):,} words, fewer than the {config.batch_size} of a "
                "batch; lower batch_size or raise the shares"
            )
        return drawn
    counts = split_batch(config.batch_size, config.batch_shares)
    for data, count in zip(sets, counts, strict=True):
        if len(data) < count:
            raise UsageError(
                f"{data.report.folder}: {len(data):,} of its {data.report.read:,} words can be used, fewer than the "
                f"{count} that each batch takes; lower batch_size (log_dataset.txt says what was left out)"
            )
    return counts


def _batch_widths(data: WordSet, config: InputSettings) -> Indices:
    """Return `training_widths` of all words of a set, in parts: its intermediate results are large."""
    width, height = data.sizes()
    steps = data.table.steps[data.rows]
    widths = np.empty(len(data), np.int32)
    for first in range(0, len(data), WIDTHS_PART):
        part = slice(first, first + WIDTHS_PART)
        widths[part] = training_widths(width[part], height[part], steps[part], config.img_height, config.img_width)
    return widths

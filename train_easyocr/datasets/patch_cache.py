"""Decoded patches in memory: each is read and decoded once a run, whatever the number of epochs and of workers."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from train_easyocr.settings.config import ConfigError

GIB = 1 << 30


class PatchCache:
    """Room for the pixels of every word of a set, filled as words are first read.

    The memory is shared with the processes that are forked from this one: what a loader's worker has decoded, all
    have. Two that decode the same word at once write the same bytes.

    Args:
        sizes: Pixels of each word, width by height.
        channels: 1 for grey, 3 for RGB.
    """

    def __init__(self, sizes: npt.NDArray[np.int64], channels: int) -> None:
        self._starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes * channels)])
        # Anonymous and shared; the system gives pages as they are written to.
        self._pixels = np.frombuffer(mmap.mmap(-1, max(1, int(self._starts[-1]))), np.uint8)
        self._heights = np.frombuffer(mmap.mmap(-1, 2 * max(1, len(sizes))), np.uint16)
        self._channels = channels

    def get(self, index: int) -> npt.NDArray[np.uint8] | None:
        """Return the pixels of a word, [h, w] or [h, w, 3]; None where it has not been read before."""
        height = int(self._heights[index])
        if not height:
            return None
        pixels = self._pixels[self._starts[index] : self._starts[index + 1]].copy()
        return pixels.reshape((height, -1) if self._channels == 1 else (height, -1, self._channels))

    def put(self, index: int, pixels: npt.NDArray[np.uint8]) -> None:
        """Keep the pixels of a word; not those of an image that has another size than was stated."""
        start, stop = self._starts[index], self._starts[index + 1]
        if pixels.size == stop - start:
            self._pixels[start:stop] = pixels.reshape(-1)
            self._heights[index] = pixels.shape[0]  # last: from here on the word counts as read


def check_memory(needed: int, words: int) -> str:
    """Say what the patches of all sets take, or refuse where the machine does not have it.

    Args:
        needed: Bytes in a process; each that torchrun starts keeps its own.
        words: How many patches that is.

    Raises:
        ConfigError: The processes of this machine need more than it has to give.
    """
    count = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    text = f"{needed / GIB:,.2f} GiB for {words:,} patches" + (f" in each of {count} processes" if count > 1 else "")
    available = _available()
    if needed * count > available:
        raise ConfigError(
            f"cache: memory takes {text}, of {available / GIB:,.2f} GiB that are free; set cache: off, or lower "
            "total_data_usage_ratio"
        )
    return f"cache: memory takes up to {text}"


def _available() -> float:
    """Return the bytes that the system can give; infinite where it does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return float("inf")
    return next((int(line.split()[1]) * 1024.0 for line in lines if line.startswith("MemAvailable:")), float("inf"))

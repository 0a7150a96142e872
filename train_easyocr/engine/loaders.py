"""Batches that other processes load: as many of these as shared memory has room for, and none waited for without end.

Batches reach the trainer through /dev/shm, of which a container has 64 MiB unless told otherwise.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Literal, NamedTuple

import cv2
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from train_easyocr.common.errors import UsageError, UserError
from train_easyocr.common.workers import SILENCE, loading_workers

SHARED_MEMORY = Path("/dev/shm")
MOST_READY = 4
"""Batches that each process has ready or under way, where there is room."""
MOST_SILENCES = 12
"""How often no batch may come for `SILENCE` seconds before training ends."""
MIB = 2**20
_MORE = "In a container, docker run --shm-size={} (or --ipc=host) gives more"
_GO_ON = "What is saved stays, and running again goes on"
_MEND = "Fewer such processes (workers=N) or smaller batches need less; with workers=0 the trainer loads by itself"


class Loaders(NamedTuple):
    """The processes that load.

    Attributes:
        workers: How many; with 0 the trainer loads by itself.
        ready: Batches that each has ready or under way.
    """

    workers: int
    ready: int


def free_shared_memory() -> int | None:
    """Return the bytes that are free in shared memory; None where the system has none of its own."""
    return shutil.disk_usage(SHARED_MEMORY).free if SHARED_MEMORY.is_dir() else None


@functools.cache
def choose_loaders(setting: int | Literal["auto"], batch_bytes: int, at_once: int = 1, *, gpu: bool) -> Loaders:
    """Return how many processes load; the first answer holds, since later ones would see memory in use.

    Args:
        setting: The setting `workers`. `auto` takes as many as fit, and says so where they are fewer than usual.
        batch_bytes: Of the largest batch.
        at_once: How many sets of loaders there are at a time: those of training stay while a validation has its own.
        gpu: Whether a GPU trains.

    Raises:
        UsageError: So many do not fit.
    """
    wanted, free = loading_workers(setting, gpu), free_shared_memory()
    if not wanted or free is None:
        return Loaders(wanted, MOST_READY)
    free //= int(os.environ.get("LOCAL_WORLD_SIZE", "1"))  # all processes of a machine share it
    # Besides, the trainer holds one of each set's while it computes with it.
    room = max(0, free // max(1, batch_bytes) // at_once - 1)
    if room >= wanted:
        return Loaders(wanted, min(MOST_READY, room // wanted))
    needed = -(-(wanted + 1) * at_once * batch_bytes // MIB)
    found = (
        f"{wanted} processes that load need {needed:,} MiB of shared memory for their batches, and {SHARED_MEMORY} has "
        f"{free // MIB:,} MiB free"
    )
    more = _MORE.format(f"{needed * MOST_READY}m")
    if setting != "auto":
        raise UsageError(f"workers: {setting}: {found}. {more}; workers={room} fits, and so do smaller batches")
    print(f"Warning: {found}: {room or 'none but the trainer itself'} will load. {more}")
    return Loaders(room, 1)


def load(
    dataset: Dataset[Any], requests: Sampler[Any] | Sequence[Any], loaders: Loaders, *, pin_memory: bool
) -> Iterator[Any]:
    """Yield `dataset[request]` for each request, in order.

    Args:
        dataset: Makes batches: objects whose attributes are tensors and whatever else can be pickled.
        requests: What to ask it for.
        loaders: The processes that do it.
        pin_memory: Move batches to memory that a GPU can copy from while it computes.

    Raises:
        UserError: A batch finds no room in shared memory, none comes for minutes, or `dataset` gives such an error.
    """
    loader: DataLoader[Any] = DataLoader(
        dataset,
        batch_size=None,
        sampler=requests,
        num_workers=loaders.workers,
        collate_fn=_in_shared_memory if loaders.workers else _as_it_is,
        pin_memory=pin_memory,
        worker_init_fn=start_worker,
        prefetch_factor=loaders.ready if loaders.workers else None,
        timeout=SILENCE if loaders.workers else 0,
        # Workers share what their parent has read, such as its tables of words.
        multiprocessing_context="fork" if loaders.workers else None,
        # Its own generator: else making a loader would draw from the random state that a resumed run restores.
        generator=torch.Generator(),
    )
    others = multiprocessing.active_children()
    batches = iter(loader)
    own = [process for process in multiprocessing.active_children() if process not in others]
    for _ in range(len(loader)):
        batch = _next(batches, own)
        if isinstance(batch, UserError):
            raise batch
        yield batch


def _next(batches: Iterator[Any], workers: Sequence[BaseProcess]) -> Any:
    """Return the next batch, and say so when none comes; after minutes of that, end what is to load them."""
    for silences in range(1, MOST_SILENCES + 1):
        try:
            return next(batches)
        except RuntimeError as error:
            if "timed out after" not in str(error):
                raise
        if silences == 1:
            print(f"Warning: {_silence(1)}: a slow disk, or they hang", file=sys.stderr, flush=True)
    for process in workers:
        # Stopped ones can't be asked to end, and the end of this process would wait for them.
        with suppress(RuntimeError):  # torch tells of their end
            process.kill()
            process.join(SILENCE)
    raise UserError(f"{_silence(MOST_SILENCES)}; they are ended. {_GO_ON}. {_MEND}")


def _silence(count: int) -> str:
    return f"the processes that load have given no batch for {count * SILENCE:,} seconds"


def _in_shared_memory(batch: Any) -> Any:
    """Move a batch's tensors to shared memory.

    Torch would do it by itself, but in a thread whose errors get lost, and with them the batch.
    """
    try:
        for value in vars(batch).values():
            if isinstance(value, torch.Tensor):
                value.share_memory_()
    except RuntimeError as error:
        return UserError(f"{SHARED_MEMORY}: has no room for a batch: {error}. {_MORE.format('1g')}; {_MEND}")
    return batch


def _as_it_is(batch: Any) -> Any:
    """Return what a loader is given; it would make lists of what it does not know."""
    return batch


def start_worker(worker: int) -> None:
    """Prepare a process that loads: it ends with the trainer alone, and leaves threads to it."""
    # Ctrl-C reaches all processes of a terminal; the trainer finishes its step and then ends its workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if "TORCHELASTIC_RUN_ID" in os.environ:
        # torchrun sends SIGTERM to whole process groups; workers in one of their own end with the trainer as well.
        os.setpgid(0, 0)
    cv2.setNumThreads(0)


@contextmanager
def noticing_lost_workers() -> Iterator[None]:
    """Say in our words what torch raises, wherever the trainer is then, when a process that loads is ended.

    Raises:
        UserError: One is.
    """
    try:
        yield
    except RuntimeError as error:
        if not str(error).startswith("DataLoader worker"):
            raise
        raise UserError(
            f"A process that loads batches is gone, most likely for want of memory ({str(error).splitlines()[0]}). "
            f"{_GO_ON}. {_MEND}"
        ) from None

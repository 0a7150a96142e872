"""Spreading independent tasks over processes, without orphans and without surprises at Ctrl-C."""

from __future__ import annotations

import gc
import math
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from typing import Any, Literal, TypeVar

from train_easyocr.common.errors import UserError
from train_easyocr.common.memory import keep_freed_memory

R = TypeVar("R")

WORKER_DIED = (
    "a worker process was ended from outside (out of memory?); run again, it goes on; --workers with a lower number "
    "needs less memory"
)
LARGEST_KEPT, MOST_KEPT = 32 * 2**20, 128 * 2**20
"""Bytes of free memory that a process keeps, in a block and in all. A page of 2,500 x 3,500 pixels has 8.7 million."""

CONTAINER_LIMIT = Path("/sys/fs/cgroup/cpu.max")
"""Microseconds of the processor in each period, and the period."""
SILENCE = 45
"""Seconds without any result after which it is said."""

_common: tuple[Any, ...] = ()
"""In a worker process: what all its tasks share."""


def available_cores() -> int:
    """Return how many cores this process may use: those that it is bound to, and what its container is allowed."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = CONTAINER_LIMIT.read_text(encoding="ascii").split()
        return max(1, min(cores, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError):  # no container, or "max": no limit
        return cores


def own_cores() -> int:
    """Return how many cores fall to this process where torchrun has started several on this machine."""
    return max(1, available_cores() // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


def shows_progress() -> bool:
    """Return whether this process draws progress bars: the only one, or the first of many."""
    return os.environ.get("RANK", "0") == "0"


def loading_workers(setting: int | Literal["auto"], gpu: bool) -> int:
    """Return how many processes load for a training process.

    `auto` takes a core each for a GPU, 16 at most: one H200 trains on what 8 of them load (on paper). A CPU trains with
    its cores itself, and a quarter of them is plenty to load for it.

    Args:
        setting: The setting `workers`.
        gpu: Whether a GPU trains.
    """
    if setting != "auto":
        return setting
    return max(2, min(16, own_cores() if gpu else own_cores() // 4))


def spread(
    function: Callable[..., R],
    tasks: Iterable[Any],
    workers: int,
    common: tuple[Any, ...] = (),
    *,
    name: Callable[[Any], object] = str,
) -> Generator[R, None, None]:
    """Run `function` on every task and yield the results as they come, in no fixed order.

    Where none comes for `SILENCE` seconds, a line says so on stderr; it is waited for all the same, since a page on a
    slow disk is no fault.

    Args:
        function: A function of a module (it is sent by name), whose effects do not depend on the order of tasks; called
            as `function(task, *common)`.
        tasks: What to run it on; taken a few ahead of the workers, so that it can be long.
        workers: Processes; with 1, all runs in this process.
        common: What all tasks share; each process gets it once.
        name: Returns what a task is called in that line.

    Raises:
        UserError: A worker process was ended from outside.
        Exception: Whatever `function` raises; the tasks that run then are finished first.
    """
    if workers == 1:
        keep_freed_memory(LARGEST_KEPT, MOST_KEPT)
        for task in tasks:
            yield function(task, *common)
        return
    # Not fork: a parent that has loaded torch has threads, and a forked child can inherit a lock one of them holds.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare_worker, initargs=(common,)) as pool:
        try:
            yield from _collect(pool, function, tasks, 4 * workers, name)
        except BrokenProcessPool:
            raise UserError(WORKER_DIED) from None
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _collect(
    pool: ProcessPoolExecutor,
    function: Callable[..., R],
    tasks: Iterable[Any],
    ahead: int,
    name: Callable[[Any], object],
) -> Iterator[R]:
    pending: dict[Future[R], Any] = {}
    for task in tasks:
        with _interrupts_held_back():
            pending[pool.submit(_do, function, task)] = task
        if len(pending) >= ahead:
            yield from _first_of(pending, name)
    while pending:
        yield from _first_of(pending, name)


def _first_of(pending: dict[Future[R], Any], name: Callable[[Any], object]) -> list[R]:
    """Wait for a task's end, say so when it takes long, and move what is finished from `pending` to the results."""
    timeout: float | None = SILENCE
    while not (finished := wait(pending, timeout, FIRST_COMPLETED).done):
        first = str(name(next(iter(pending.values()))))  # in the order in which they were handed out
        print(
            f"Warning: the worker processes have given no result for {timeout} seconds: a slow disk, or they hang; "
            f"waiting for {first!r} first",
            file=sys.stderr,
            flush=True,
        )
        timeout = None
    for future in finished:
        del pending[future]
    return [future.result() for future in finished]


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Let processes that start here inherit a blocked Ctrl-C: it reaches the whole group, and the parent decides."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare_worker(common: tuple[Any, ...]) -> None:
    global _common  # noqa: PLW0603 - a pool hands a process nothing else that lasts
    _common = common
    keep_freed_memory(LARGEST_KEPT, MOST_KEPT)
    gc.freeze()  # what is imported is here to stay; the collector need not go through it again and again
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _do(function: Callable[..., R], task: Any) -> R:
    return function(task, *_common)


def _end_with_parent() -> None:
    # A pool's worker waits for tasks for ever when its parent is killed; it would write into the next run's files.
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)

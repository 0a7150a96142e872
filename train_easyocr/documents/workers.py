"""Spreading independent tasks over processes, without orphans and without surprises at Ctrl-C."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait as wait_for
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


class WorkerDiedError(RuntimeError):
    """A worker process was ended from outside, most likely for want of memory."""


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spread(
    function: Callable[[T], R], tasks: Iterable[T], workers: int, prepare: Callable[[], object] | None = None
) -> Generator[R, None, None]:
    """Run `function` on every task and yield the results as they come, in no fixed order.

    Args:
        function: A function of a module (it is sent by name), whose effects do not depend on the order of tasks.
        tasks: What to run it on; taken a few ahead of the workers, so that it can be long.
        workers: Processes; with 1, all runs in this process.
        prepare: Called once in each process before its first task; sent by pickling.

    Raises:
        WorkerDiedError: A worker process was ended from outside.
        Exception: Whatever `function` raises; the tasks that run then are finished first.
    """
    if workers == 1:
        if prepare is not None:
            prepare()
        yield from map(function, tasks)
        return
    # Not fork: a parent that has loaded torch has threads, and a forked child can inherit a lock one of them holds.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare_worker, initargs=(prepare,)) as pool:
        try:
            yield from _collect(pool, function, tasks, 4 * workers)
        except BrokenProcessPool:
            raise WorkerDiedError(
                "a worker process was ended from outside (out of memory?); run again, it goes on; "
                "--workers with a lower number needs less memory"
            ) from None
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _collect(pool: ProcessPoolExecutor, function: Callable[[T], R], tasks: Iterable[T], ahead: int) -> Iterator[R]:
    pending: set[Future[R]] = set()
    for task in tasks:
        with _interrupts_held_back():
            pending.add(pool.submit(function, task))
        if len(pending) >= ahead:
            finished, pending = wait(pending, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in finished)
    while pending:
        finished, pending = wait(pending, return_when=FIRST_COMPLETED)
        yield from (future.result() for future in finished)


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Let processes that start here inherit a blocked Ctrl-C: it reaches the whole group, and the parent decides."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare_worker(prepare: Callable[[], object] | None) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if prepare is not None:
        prepare()


def _end_with_parent() -> None:
    # A pool's worker waits for tasks for ever when its parent is killed; it would write into the next run's files.
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)

"""The threads that read pages, and the words of all pages in common batches.

Each thread reads a page at a time. What a page's words are read with is shared: a page lays all its words down, and
whichever threads have nothing better to do read them, words of one width together, whosever page they are of. So one
page keeps all threads busy, and many small ones fill each other's batches; nothing ever waits for a batch to be full.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from train_easyocr.reading.onnx_engine import BATCH_PIXELS, WordNetwork
from train_easyocr.reading.words import Found, Pixels, ReadBatch

R = TypeVar("R")
PATIENCE = 5
"""Seconds."""
FIRST, LATER = 0, 1
"""Who somebody waits for comes before jobs."""


@dataclass(eq=False)
class Work(Generic[R]):
    """Work for the crew.

    Attributes:
        work: What is to be done.
        future: What comes of it.
        started: When it was begun, by `time.monotonic`; None where it waits.
    """

    work: Callable[[], R]
    future: Future[R] = field(default_factory=Future)
    started: float | None = None

    def run(self) -> None:
        """Do it, unless nobody wants it any more."""
        if not self.future.set_running_or_notify_cancel():
            return
        self.started = time.monotonic()
        try:
            self.future.set_result(self.work())
        except BaseException as error:
            self.future.set_exception(error)


@dataclass(eq=False)
class _Words:
    """The words of a page that are to be read at once.

    Attributes:
        left: How many of them are not read yet.
        error: Why they can't be.
    """

    left: int
    error: Exception | None = None


@dataclass(eq=False)
class _Word:
    """A word of some page.

    Attributes:
        image: Its pixels, of the network's height.
        page: What it belongs to.
        found: What it was read as.
    """

    image: Pixels
    page: _Words
    found: Found | None = None


@dataclass(frozen=True, eq=False)
class _Group:
    """Words that are waiting to be read in batches with one another.

    Attributes:
        network: That reads them.
        width: Of a batch, in pixels.
        size: Words of a batch.
        words: That wait.
    """

    network: ReadBatch
    width: int
    size: int
    words: deque[_Word] = field(default_factory=deque)


class Crew:
    """Threads that do tasks.

    Args:
        threads: How many.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._changed = threading.Condition()
        self._tasks: list[tuple[int, int, Work[Any]]] = []
        self._groups: dict[Hashable, _Group] = {}
        self._given, self._closed = 0, False
        self._members = [threading.Thread(target=self._work, name=f"crew {n}", daemon=True) for n in range(threads)]
        for member in self._members:
            member.start()

    def submit(self, work: Callable[[], R], priority: int = FIRST) -> Work[R]:
        """Have something done, in the order of priorities, and within one in the order of calls."""
        task = Work(work)
        with self._changed:
            self._given += 1
            heapq.heappush(self._tasks, (priority, self._given, task))
            self._changed.notify()
        return task

    @property
    def waiting(self) -> int:
        """Tasks that are not begun."""
        with self._changed:
            return sum(not task.future.cancelled() for *_, task in self._tasks)

    def close(self) -> bool:
        """Let the threads end when what they are doing is done; return whether they did, before long."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for member in self._members:
            member.join(PATIENCE)
        return not any(member.is_alive() for member in self._members)

    def spread(
        self, network: ReadBatch, images: Sequence[Sequence[Pixels]], widths: Sequence[int]
    ) -> list[list[Found]]:
        """Read batches of words (see `words.Spread`); those that are read in float32 together with other pages' words.

        In int8, what else is in a batch changes the last digits of a word's confidence: such batches stay as they are.
        """
        page = _Words(sum(map(len, images)))
        batches = [[_Word(image, page) for image in batch] for batch in images]
        mixes = isinstance(network, WordNetwork) and network.exact
        with self._changed:
            for batch, width in zip(batches, widths, strict=True):
                key, size = ((network, width), max(1, BATCH_PIXELS // width)) if mixes else (object(), len(batch))
                self._groups.setdefault(key, _Group(network, width, size)).words.extend(batch)
            self._changed.notify_all()
        while (work := self._next_batch(page)) is not None:
            self._read(*work)
        if page.error:
            raise page.error
        return [[word.found for word in batch if word.found] for batch in batches]

    def _work(self) -> None:
        while (work := self._next()) is not None:
            if isinstance(work, Work):
                work.run()
            else:
                self._read(*work)

    def _next(self) -> Work[Any] | tuple[_Group, list[_Word]] | None:
        """Wait for something to do, words first: pages that are begun get done; None where nothing comes any more."""
        with self._changed:
            while True:
                if self._groups:
                    return self._batch()
                if self._tasks:
                    return heapq.heappop(self._tasks)[2]
                if self._closed:
                    return None
                self._changed.wait()

    def _next_batch(self, page: _Words) -> tuple[_Group, list[_Word]] | None:
        """Wait for words to read while a page's words are being read; None where these are done."""
        with self._changed:
            while page.left:
                if self._groups:
                    return self._batch()
                self._changed.wait()
        return None

    def _batch(self) -> tuple[_Group, list[_Word]]:
        """Take a batch of the words that have waited longest."""
        key, group = next(iter(self._groups.items()))
        words = [group.words.popleft() for _ in range(min(group.size, len(group.words)))]
        if not group.words:
            del self._groups[key]
        return group, words

    def _read(self, group: _Group, words: Sequence[_Word]) -> None:
        error: Exception | None = None
        try:
            for word, found in zip(words, group.network([word.image for word in words], group.width), strict=True):
                word.found = found
        except Exception as raised:  # whatever it is, the page whose word it was has to know
            error = raised
        with self._changed:
            for word in words:
                word.page.left -= 1
                word.page.error = error or word.page.error
            self._changed.notify_all()

"""Doing in threads what comes next while what is there is being used."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_advance(work: Callable[[T], R], items: Iterable[T], ahead: int) -> Generator[R]:
    """Yield what `work` makes of each item, in order; threads work on at most `ahead` items that come next."""
    with ThreadPoolExecutor(ahead, "ahead") as pool:
        waiting: deque[Future[R]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

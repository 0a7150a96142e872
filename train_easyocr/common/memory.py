"""What a process does with memory that it takes and frees."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1
"""Names of glibc's settings in `mallopt` (malloc.h)."""
MOST = 2**31 - 1
"""Bytes; the highest that `mallopt` takes."""


TUNABLES, HUGE_PAGES = "GLIBC_TUNABLES", "glibc.malloc.hugetlb"
"""The environment's variable that glibc reads, and what of it asks for huge pages."""
_ON_DEMAND = Path("/sys/kernel/mm/transparent_hugepage/enabled"), "[madvise]"
"""Where Linux says who is given huge pages, and what it says if those are who ask."""


def use_huge_pages() -> None:
    """Let glibc ask for huge pages, where Linux gives them to those who ask: start this command anew, as this process.

    Each layer of a network takes tens of megabytes and frees them again, and the system clears them 4 KiB at a time:
    a fifth of the time in which a page's words are found. glibc reads what it is to do when a process begins.
    """
    given = os.environ.get(TUNABLES, "")
    path, on_demand = _ON_DEMAND
    if HUGE_PAGES not in given and path.is_file() and on_demand in path.read_text(encoding="ascii"):
        os.environ[TUNABLES] = f"{given}:{HUGE_PAGES}=1".strip(":")
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def keep_freed_memory(largest: int = 2**30, most: int = MOST) -> None:
    """Let this process keep memory that it frees, for what it does next.

    By default glibc gives large blocks back to the system as soon as they are free, and the system clears each of their
    pages anew when they are asked for again: a third of the time that decoding a scanned page takes, and 8 to 18 % of a
    training step on a CPU. Other C libraries are left as they are.

    Args:
        largest: Bytes; larger blocks go back at once.
        most: Bytes of free memory that the process keeps, 2**31 - 1 at most.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(MMAP_THRESHOLD, largest)
        mallopt(TRIM_THRESHOLD, most)

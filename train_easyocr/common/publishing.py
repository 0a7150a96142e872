"""Folders that are there whole or not at all: made beside their place, then renamed into it.

What takes long and is gone on with after a stop makes its folder in `work_folder`, with a plan of what is made as the
last file to be begun with and the first one to go; what does not, in `publishing`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PLAN = "plan.json"
"""In a work folder: what is made there. A work folder without it is begun again."""


def work_folder(target: Path) -> Path:
    """Return where a folder is made before it is published."""
    return target.with_name(f".{target.name}.work")


def _replaced(target: Path) -> Path:
    return target.with_name(f".{target.name}.old")


def recover(target: Path) -> None:
    """Put back what was there before where a process was killed within `publish`, and remove what it left otherwise."""
    old = _replaced(target)
    if old.exists() and not target.exists():
        old.rename(target)
    remove(old)


def remove(*folders: Path) -> None:
    """Remove folders, their plans first: what is half removed must not be gone on with."""
    for folder in folders:
        if folder.exists():
            (folder / PLAN).unlink(missing_ok=True)
            shutil.rmtree(folder)


def publish(made: Path, target: Path) -> None:
    """Let a folder take the place of another one, if there is one; both are on one disk."""
    recover(target)
    if target.exists():
        target.rename(_replaced(target))
    made.rename(target)
    recover(target)


@contextmanager
def publishing(target: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of `target` when the block ends without an error.

    What a killed process left there is removed; so is the folder when the block raises.
    """
    recover(target)
    work = work_folder(target)
    remove(work)
    work.mkdir(parents=True)
    try:
        yield work
        publish(work, target)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise

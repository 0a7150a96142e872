"""The LMDB form of a prepared set, with the field's usual keys, so that other trainers read it as it is.

`num-samples` holds the number of patches; `image-%09d` and `label-%09d`, counted from 1 in labels.csv's order, hold
a PNG file's bytes and a UTF-8 text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path

import lmdb

DATA = "data.mdb"
NUMBER_KEY = b"num-samples"
KINDS = ("image", "label")
"""What keys start with, in their sorted order; the number's comes last."""
TRANSACTION, MOST_BYTES = 4_000, 32 * 2**20
"""Patches a transaction, and bytes: what reaches one of them ends it. That is all that is held in memory."""
PAGE = 4096
FIRST_MAP = 2**30
"""Bytes of address space to begin with; the map grows when the patches need more."""


class PatchDatabase:
    """A database that can be closed at any moment and gone on with; equal patches give equal bytes.

    Keys are appended in their sorted order (all images, all labels, the number), which fills every page of
    the file and needs no search. One process writes. Which patches share a transaction depends on the patches alone,
    and each transaction opens the file anew, since LMDB leaves in a page's unused part what it held before: so the
    file's bytes depend on what it holds, and not on how often the work was interrupted. What no transaction holds is
    handed in again.

    Args:
        folder: Where data.mdb is, or will be.

    Raises:
        lmdb.Error: What is there is no database.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / DATA
        if file.exists() and file.stat().st_size < 2 * PAGE:
            file.unlink()  # killed before it was begun
        self._folder, self._map_size = str(folder), 0 if file.exists() else FIRST_MAP  # 0: what the file says
        self._waiting: list[bytes | memoryview] = []
        self._waiting_bytes = 0
        with self._open() as database:
            self._map_size = database.info()["map_size"]
            self._held = {kind: _count(database, kind) for kind in KINDS}

    @property
    def images(self) -> int:
        """How many images the file holds for good."""
        return self._held["image"]

    @property
    def taken(self) -> int:
        """How many images it has been given: those in the file and those that wait for their transaction."""
        return self.images + len(self._waiting)

    def append_images(self, images: Iterable[bytes | memoryview]) -> None:
        """Take in the next patches' PNG files, in the order of labels.csv."""
        for image in images:
            self._waiting.append(image)
            self._waiting_bytes += len(image)
            if len(self._waiting) >= TRANSACTION or self._waiting_bytes >= MOST_BYTES:
                self._append_waiting()

    def finish(self, texts: Iterable[str]) -> None:
        """Write the rest, the patches' texts and their number, and put all of it on the disk."""
        if self._waiting:
            self._append_waiting()
        rest = islice((text.encode() for text in texts), self._held["label"], None)
        while chunk := list(islice(rest, TRANSACTION)):
            self._put("label", chunk)
        with self._open(4 * PAGE) as database:
            with database.begin(write=True) as transaction:
                # Written once: a second time would take other pages of the file.
                transaction.put(NUMBER_KEY, str(self.images).encode(), overwrite=False)
            database.sync(True)

    def _append_waiting(self) -> None:
        self._put("image", self._waiting)
        self._waiting, self._waiting_bytes = [], 0

    def _put(self, kind: str, values: Sequence[bytes | memoryview]) -> None:
        # Each value takes at most its size rounded up to pages, and a page for its place in the tree.
        size = sum(map(len, values)) + 4 * PAGE * len(values)
        before = self._held[kind]
        items = ((b"%s-%09d" % (kind.encode(), before + i), value) for i, value in enumerate(values, 1))
        with (
            self._open(size) as database,
            database.begin(write=True) as transaction,
            transaction.cursor() as cursor,
        ):
            cursor.putmulti(items, append=True)
        self._held[kind] += len(values)

    @contextmanager
    def _open(self, size: int = 0) -> Iterator[lmdb.Environment]:
        """Open the file with room for `size` more bytes; it grows itself only as far as it is filled."""
        # sync=False: nothing is relied on before finish() has put everything on the disk.
        database = lmdb.open(self._folder, map_size=self._map_size, lock=False, sync=False, metasync=False)
        with closing(database):
            needed = PAGE * (database.info()["last_pgno"] + 1_000) + 2 * size
            while needed > self._map_size > 0:
                self._map_size *= 2
                database.set_mapsize(self._map_size)
            yield database


def _count(database: lmdb.Environment, kind: str) -> int:
    """Return how many keys of a kind the file holds: the number of the last one."""
    with database.begin() as transaction, transaction.cursor() as cursor:
        # The last key in front of what would follow the kind's last one.
        found = cursor.prev() if cursor.set_range(f"{kind}.".encode()) else cursor.last()
        key = cursor.key().decode() if found else ""
    return int(key.rpartition("-")[2]) if key.startswith(f"{kind}-") else 0

"""The LMDB form of a prepared set, with the field's usual keys, so that other trainers read it as it is.

`num-samples` holds the number of patches; `image-%09d` and `label-%09d`, counted from 1 in labels.csv's order, hold
a PNG file's bytes and a UTF-8 text.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import lmdb

NUMBER_KEY = b"num-samples"
TRANSACTION = 1_000
"""Patches a transaction: about 6 MiB, which is all that is held in memory."""
PAGE = 4096
FIRST_MAP = 2**30
"""Bytes of address space to begin with; the map grows when the patches need more."""


class PatchDatabase:
    """A database that is written from nothing; equal patches give equal bytes.

    Keys are appended in their sorted order (all images, all labels, the number), which fills every page of the file
    and needs no search. One process writes, transactions hold a fixed number of patches, and a killed run is started
    again from nothing, so that the file does not depend on how often it was interrupted.
    """

    def __init__(self, folder: Path) -> None:
        """Make data.mdb in a folder that is not there yet; no lock file is left behind."""
        folder.mkdir(parents=True)
        # sync=False: nothing is read before finish() has put everything on the disk.
        self._database = lmdb.open(str(folder), map_size=FIRST_MAP, lock=False, sync=False, metasync=False)
        self._map_size = FIRST_MAP
        self._waiting: list[bytes | memoryview] = []
        self._count = 0

    def append_images(self, images: Iterable[bytes | memoryview]) -> None:
        """Take in the next patches' PNG files, in the order of labels.csv."""
        self._waiting += images
        while len(self._waiting) >= TRANSACTION:
            self._append_waiting()

    def finish(self, texts: Iterable[str]) -> None:
        """Write the rest, the patches' texts and their number, and put all of it on the disk."""
        while self._waiting:
            self._append_waiting()
        number, values = 0, (text.encode() for text in texts)
        while chunk := list(islice(values, TRANSACTION)):
            self._put("label", number, chunk)
            number += len(chunk)
        self._make_room(PAGE)
        with self._database.begin(write=True) as transaction:
            transaction.put(NUMBER_KEY, str(self._count).encode(), append=True)
        self._database.sync(True)
        self.close()

    def close(self) -> None:
        """Let go of the file; what is not finished is of no use."""
        self._waiting.clear()
        self._database.close()

    def _append_waiting(self) -> None:
        chunk, self._waiting = self._waiting[:TRANSACTION], self._waiting[TRANSACTION:]
        self._put("image", self._count, chunk)
        self._count += len(chunk)

    def _put(self, kind: str, before: int, values: list[bytes] | list[bytes | memoryview]) -> None:
        self._make_room(sum(map(len, values)) + 4 * PAGE * len(values))
        items = ((b"%s-%09d" % (kind.encode(), before + i), value) for i, value in enumerate(values, 1))
        with self._database.begin(write=True) as transaction, transaction.cursor() as cursor:
            cursor.putmulti(items, append=True)

    def _make_room(self, size: int) -> None:
        """Let the map grow ahead of need; the file itself grows only as far as it is filled.

        Each value takes at most its size rounded up to pages, and a page for its place in the tree.
        """
        needed = PAGE * (self._database.info()["last_pgno"] + 1_000) + 2 * size
        while needed > self._map_size:
            self._map_size *= 2
            self._database.set_mapsize(self._map_size)

"""The LMDB form of a prepared set, with the field's usual keys, so that other trainers read it as it is.

`num-samples` holds the number of patches; `image-%09d` and `label-%09d`, counted from 1 in labels.csv's order, hold
a PNG file's bytes and a UTF-8 text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

import lmdb

NUMBER_KEY = b"num-samples"
TRANSACTION = 10_000
"""Patches a transaction: about 30 MiB."""
PAGE = 4096
GIB = 2**30


def write_lmdb(
    folder: Path, images: Callable[[], Iterable[bytes]], texts: Callable[[], Iterable[str]], count: int, size: int
) -> None:
    """Write a database from nothing; equal patches give equal bytes.

    Keys are appended in their sorted order (all images, all labels, the number), which fills every page of the file
    and needs no search. One process writes, transactions hold a fixed number of patches, and a killed run is started
    again from nothing, so that the file does not depend on how often it was interrupted.

    Args:
        folder: Where data.mdb is made; no lock file is left behind.
        images: Called for the patches' PNG files, in the order of labels.csv.
        texts: Called for their texts, in the same order.
        count: Number of patches.
        size: Bytes of all PNG files and texts together.
    """
    folder.mkdir(parents=True)
    # sync=False: nothing is read before the last line has put everything on the disk.
    with lmdb.open(str(folder), map_size=_map_size(count, size), lock=False, sync=False, metasync=False) as database:
        for key, values in (("image", iter(images())), ("label", (text.encode() for text in texts()))):
            _append(database, key, values)
        with database.begin(write=True) as transaction:
            transaction.put(NUMBER_KEY, str(count).encode(), append=True)
        database.sync(True)


def _append(database: lmdb.Environment, key: str, values: Iterator[bytes]) -> None:
    number = 0
    while chunk := list(islice(values, TRANSACTION)):
        with database.begin(write=True) as transaction:
            for value in chunk:
                number += 1
                transaction.put(f"{key}-{number:09d}".encode(), value, append=True)


def _map_size(count: int, size: int) -> int:
    """Return address space that surely suffices; the file itself grows only as far as it is filled.

    Each value takes at most its size rounded up to pages, and a page for its place in the tree.
    """
    return (2 * size + 4 * PAGE * (count + 1_000) + GIB) // GIB * GIB

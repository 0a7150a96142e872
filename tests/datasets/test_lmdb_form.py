"""The LMDB form: the field's keys, the same bytes each time, values of any size."""

import os
import random
import signal
import time

import lmdb
import pytest

from train_easyocr.datasets import lmdb_form
from train_easyocr.datasets.lmdb_form import PatchDatabase

pytestmark = pytest.mark.slow


def write(folder, images, texts, at_once=7):
    database = PatchDatabase(folder)
    for start in range(0, len(images), at_once):
        database.append_images(images[start : start + at_once])
    database.finish(texts)
    return (folder / "data.mdb").read_bytes()


def read(folder):
    with lmdb.open(str(folder), readonly=True, lock=False) as database, database.begin() as transaction:
        return {bytes(key): bytes(value) for key, value in transaction.cursor()}


def test_keys_are_those_of_the_field_counted_from_one(tmp_path):
    write(tmp_path / "lmdb", [b"first", b"second"], ["경남 김해시", 'a,"b"'])
    assert read(tmp_path / "lmdb") == {
        b"num-samples": b"2",
        b"image-000000001": b"first",
        b"image-000000002": b"second",
        b"label-000000001": "경남 김해시".encode(),
        b"label-000000002": b'a,"b"',
    }
    assert [path.name for path in (tmp_path / "lmdb").iterdir()] == ["data.mdb"]


@pytest.mark.parametrize("sizes", [[1], [2035] * 500, [2041] * 500, [4096, 5000, 60_000] * 40, [3_000_000] * 3, []])
def test_values_of_any_size_fit_and_bytes_are_the_same_each_time(tmp_path, sizes, monkeypatch):
    monkeypatch.setattr(lmdb_form, "TRANSACTION", 37)
    monkeypatch.setattr(lmdb_form, "FIRST_MAP", 2**16)  # the map grows as soon as it must
    images = [bytes([i % 251]) * size for i, size in enumerate(sizes)]
    texts = [f"낱말{i}" * (1 + i % 300) for i in range(len(sizes))]
    assert write(tmp_path / "가", images, texts) == write(tmp_path / "나", images, texts, at_once=100)
    found = read(tmp_path / "가")
    assert len(found) == 2 * len(sizes) + 1
    assert [found[b"image-%09d" % (i + 1)] for i in range(len(sizes))] == images
    assert [found[b"label-%09d" % (i + 1)].decode() for i in range(len(sizes))] == texts


IMAGES = [bytes([i % 251]) * (1 + i * 37 % 9000) for i in range(1500)]
TEXTS = [f"낱말{i}" * (1 + i % 300) for i in range(1500)]


def ends_of_transactions():
    ends, count, size = {0, len(IMAGES)}, 0, 0
    for number, image in enumerate(IMAGES, 1):
        count, size = count + 1, size + len(image)
        if count >= lmdb_form.TRANSACTION or size >= lmdb_form.MOST_BYTES:
            ends.add(number)
            count = size = 0
    return ends


def go_on(folder, stop_after=None):
    """Open a database and write what it lacks, or only some images of that."""
    database = PatchDatabase(folder)
    assert database.images in ends_of_transactions()
    database.append_images(IMAGES[database.taken :][:stop_after])
    if stop_after is None:
        database.finish(TEXTS)
    return (folder / "data.mdb").read_bytes()


@pytest.mark.parametrize(("patches", "size"), [(37, 2**40), (10**6, 150_000)])
def test_a_database_that_is_gone_on_with_has_the_bytes_of_one_written_at_once(tmp_path, monkeypatch, patches, size):
    monkeypatch.setattr(lmdb_form, "TRANSACTION", patches)
    monkeypatch.setattr(lmdb_form, "MOST_BYTES", size)
    monkeypatch.setattr(lmdb_form, "FIRST_MAP", 2**16)
    whole = go_on(tmp_path / "whole")
    assert go_on(tmp_path / "whole") == whole  # nothing is lacking
    for _ in range(40):
        go_on(tmp_path / "parts", stop_after=40)
    assert go_on(tmp_path / "parts") == whole


def test_a_writer_that_is_killed_at_any_moment_is_gone_on_with(tmp_path, monkeypatch):
    monkeypatch.setattr(lmdb_form, "TRANSACTION", 37)
    monkeypatch.setattr(lmdb_form, "FIRST_MAP", 2**16)
    whole, chance = go_on(tmp_path / "whole"), random.Random(4)
    kills, status = 0, None
    while status != 0:
        child = os.fork()
        if child == 0:
            go_on(tmp_path / "killed")
            os._exit(0)
        time.sleep(chance.random() * 0.01 * (1 + kills / 20))
        os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        kills += status != 0
    assert kills >= 3
    assert (tmp_path / "killed/data.mdb").read_bytes() == whole


def test_what_a_kill_left_before_there_was_a_database_is_no_obstacle(tmp_path):
    (tmp_path / "lmdb").mkdir()
    (tmp_path / "lmdb/data.mdb").write_bytes(b"\0" * 4096)
    assert write(tmp_path / "lmdb", [b"x"], ["가"]) == write(tmp_path / "other", [b"x"], ["가"])

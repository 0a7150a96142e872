"""The LMDB form: the field's keys, the same bytes each time, values of any size."""

import lmdb
import pytest

from train_easyocr.patches import lmdb_form
from train_easyocr.patches.lmdb_form import PatchDatabase


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

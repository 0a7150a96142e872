"""The file of predictions: what is kept, what is dropped and why, and what a crash can leave."""

import json

import pytest

from tests.evaluation.fakes import FakeRecognizer
from train_easyocr.common.errors import UserError
from train_easyocr.evaluation.predictions import FILE_NAME, Predictions

READERS = {"labels/baseline": {"weights_sha256": "aa", "device": "cpu"}, "labels/finetuned": {"weights_sha256": "bb"}}
ROWS = [[0, -3, 10, 20, "경남 김해시\n\u2028,\"'", 0.25]]


@pytest.fixture
def filled(tmp_path):
    with Predictions(tmp_path, READERS) as predictions:
        for page in ("인.허가/1", "인.허가/2", "주민복지/3"):
            for reader in READERS:
                predictions.put(reader, page, f"image of {page}", [*ROWS, [page, reader]])
    return tmp_path


def content(folder):
    return (folder / FILE_NAME).read_bytes()


def test_what_was_put_is_there_again(filled):
    before = content(filled)
    with Predictions(filled, READERS) as predictions:
        assert predictions.get("labels/baseline", "인.허가/2", "image of 인.허가/2") == [
            *ROWS,
            ["인.허가/2", "labels/baseline"],
        ]
        assert predictions.has("labels/baseline", "인.허가/2")
        assert predictions.get("labels/baseline", "인.허가/4", "x") is None
        assert predictions.notes == []
    assert content(filled) == before


def test_put_can_be_read_at_once_and_after_other_puts(tmp_path):
    with Predictions(tmp_path, READERS) as predictions:
        predictions.put("labels/baseline", "a", "1", ["가"])
        predictions.put("labels/finetuned", "a", "1", ["나"])
        assert predictions.get("labels/baseline", "a", "1") == ["가"]
        predictions.put("labels/baseline", "b", "1", ["다"])
        assert predictions.get("labels/baseline", "b", "1") == ["다"]
        assert predictions.get("labels/finetuned", "a", "1") == ["나"]


def test_another_image_is_read_anew_and_replaces_the_old(filled):
    with Predictions(filled, READERS) as predictions:
        assert predictions.get("labels/baseline", "인.허가/1", "another image") is None
        predictions.put("labels/baseline", "인.허가/1", "another image", ["새"])
    with Predictions(filled, READERS) as predictions:
        assert predictions.get("labels/baseline", "인.허가/1", "another image") == ["새"]
    lines = [line for line in content(filled).splitlines() if b'"labels/baseline","page":"' in line]
    assert len(lines) == 3
    assert "인.허가/1".encode() in lines[-1]


def test_changed_reader_starts_anew_and_says_why(filled):
    changed = {**READERS, "labels/finetuned": {"weights_sha256": "cc", "device": "cuda"}}
    with Predictions(filled, changed) as predictions:
        assert predictions.get("labels/finetuned", "인.허가/1", "image of 인.허가/1") is None
        assert predictions.get("labels/baseline", "인.허가/1", "image of 인.허가/1") is not None
        [note] = predictions.notes
    assert "labels/finetuned" in note
    assert "weights_sha256 was bb, is cc" in note
    assert "device was not there, is cuda" in note
    assert b'labels/finetuned","page' not in content(filled)


def test_readers_that_are_not_asked_for_are_kept(filled):
    with Predictions(filled, {"detector/other": {"a": "b"}}) as predictions:
        predictions.put("detector/other", "인.허가/1", "x", [])
    with Predictions(filled, READERS) as predictions:
        assert predictions.notes == []
        assert predictions.get("labels/finetuned", "주민복지/3", "image of 주민복지/3") is not None
        assert predictions.get("detector/other", "인.허가/1", "x") == []


@pytest.mark.parametrize("cut", [1, 5, 40, 100])
def test_cut_off_last_line_is_dropped(filled, cut):
    whole = content(filled)
    last = len(whole.splitlines(keepends=True)[-1])
    (filled / FILE_NAME).write_bytes(whole[:-cut])
    with Predictions(filled, READERS) as predictions:
        assert predictions.get("labels/finetuned", "주민복지/3", "image of 주민복지/3") is None
        assert predictions.get("labels/baseline", "주민복지/3", "image of 주민복지/3") is not None
        assert content(filled) == whole[:-last]
        predictions.put(
            "labels/finetuned", "주민복지/3", "image of 주민복지/3", [*ROWS, ["주민복지/3", "labels/finetuned"]]
        )
        assert predictions.notes == []
    assert content(filled) == whole


@pytest.mark.parametrize("damage", [b"\x00\xff garbage\n", b"[]\n", b'{"reader":1}\n', b"\n"])
def test_damaged_line_costs_its_page_only(filled, damage):
    lines = content(filled).splitlines(keepends=True)
    (filled / FILE_NAME).write_bytes(b"".join([*lines[:2], damage, *lines[3:]]))
    with Predictions(filled, READERS) as predictions:
        assert "damaged" in predictions.notes[0]
        assert predictions.get("labels/finetuned", "인.허가/1", "image of 인.허가/1") is None
        for page in ("인.허가/2", "주민복지/3"):
            assert predictions.get("labels/finetuned", page, f"image of {page}") == [*ROWS, [page, "labels/finetuned"]]
    assert content(filled) == b"".join([*lines[:2], *lines[3:]])


@pytest.mark.parametrize("other", [b"", b"a letter to grandmother\n", b"{}\n", b"[1]\n"])
def test_foreign_file_is_left_alone(tmp_path, other):
    (tmp_path / FILE_NAME).write_bytes(other)
    with pytest.raises(UserError, match="--output"):
        Predictions(tmp_path, READERS)
    assert content(tmp_path) == other
    (tmp_path / FILE_NAME).unlink()
    Predictions(tmp_path, READERS).__exit__(None, None, None)  # the folder is not locked any more


def test_other_format_starts_anew_and_says_so(filled):
    lines = content(filled).splitlines(keepends=True)
    header = json.loads(lines[0]) | {"format": 0}
    (filled / FILE_NAME).write_bytes(json.dumps(header).encode() + b"\n" + b"".join(lines[1:]))
    with Predictions(filled, READERS) as predictions:
        assert "another version" in predictions.notes[0]
        assert not predictions.has("labels/baseline", "인.허가/1")
    assert content(filled) == lines[0]


def test_two_processes_do_not_share_a_folder(tmp_path):
    with Predictions(tmp_path, READERS), pytest.raises(UserError, match="another evaluation"):
        Predictions(tmp_path, READERS)
    with Predictions(tmp_path, READERS):
        pass


def test_fake_readings_survive_as_they_are(tmp_path):
    import numpy as np

    readings = FakeRecognizer("모델").recognize(np.ones((3, 3), np.uint8), [(1, 2, 3, 4)])
    with Predictions(tmp_path, READERS) as predictions:
        predictions.put("labels/baseline", "a", "1", readings)
        assert predictions.get("labels/baseline", "a", "1") == [list(reading) for reading in readings]

"""Files are written whole or not at all."""

import pytest

from train_easyocr.common.files import remove_leftovers, replacing, sha256, write_json, write_text


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "결과" / "표.txt"
    write_text(path, "처음")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("반쪽", encoding="utf-8")
        raise RuntimeError
    assert path.read_text(encoding="utf-8") == "처음"
    assert [file.name for file in path.parent.iterdir()] == ["표.txt"]


def test_leftovers_of_killed_processes_are_removed(tmp_path):
    (tmp_path / "안").mkdir()
    (tmp_path / "안" / "labels.csv.123.part").write_text("반")
    write_json(tmp_path / "안" / "keep.json", {"가": [1]})
    assert remove_leftovers(tmp_path) == 1
    assert (tmp_path / "안" / "keep.json").read_text(encoding="utf-8") == '{\n  "가": [\n    1\n  ]\n}\n'


def test_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

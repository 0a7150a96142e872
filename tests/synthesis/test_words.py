"""The command that writes sets of words: form, determinism, resumption, faults."""

import functools
import json
from pathlib import Path

import lmdb
import numpy as np
import pytest

from train_easyocr.datasets.data import open_set
from train_easyocr.datasets.labels_csv import read_rows
from train_easyocr.settings.config import Config
from train_easyocr.synthesis import word_sets
from train_easyocr.synthesis.fonts import FontLibrary, packaged_folder
from train_easyocr.synthesis.rendered_words import read_wanted
from train_easyocr.synthesis.words import main
from train_easyocr.weights.characters import CharacterSet

pytestmark = pytest.mark.slow

CHARACTERS = "가각간갇갈감갑값강갖갔같뺨쨌를했었제조의0123456789abcABC().,-「」ㆍ㎡① "


FIND = functools.cache(FontLibrary.find)


@pytest.fixture(autouse=True)
def short_chunks_and_faces_at_hand(monkeypatch):
    monkeypatch.setattr(word_sets, "CHUNK", 20)
    monkeypatch.setattr(FontLibrary, "find", FIND)


def run(folder: Path, *extra: str, count: int = 70) -> int:
    common = ["--fonts", str(packaged_folder()), "--character_set", CHARACTERS, "--seed", "5", "--workers", "1"]
    return main(["--output", str(folder), "--count", str(count), *common, *extra])


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_step_3_reads_both_forms_and_sees_the_same_words(tmp_path):
    assert run(tmp_path / "a") == 0
    assert run(tmp_path / "b", "--format", "png") == 0
    character_set = CharacterSet(CHARACTERS)
    first, second = (open_set(tmp_path / name, Config(character=CHARACTERS), character_set) for name in "ab")
    assert (first.report.form, second.report.form) == ("LMDB", "PNG")
    assert len(first) == len(second) == 70
    assert first.report.left_out == {} and first.report.unknown_characters == {}
    widths, heights = first.sizes()
    for index in range(70):
        patch = first.patch(index, rgb=False)
        assert patch.shape == (heights[index], widths[index])
        assert np.array_equal(patch, second.patch(index, rgb=False))
        assert first.label(index) == second.label(index)


def test_the_data_base_has_the_keys_of_the_field(tmp_path):
    assert run(tmp_path / "set", count=25) == 0
    rows = list(read_rows(tmp_path / "set" / "labels.csv"))
    with lmdb.open(str(tmp_path / "set" / "lmdb"), readonly=True, lock=False) as base, base.begin() as transaction:
        assert transaction.get(b"num-samples") == b"25"
        assert transaction.get(b"label-000000025").decode() == rows[24][1]
        assert transaction.get(b"image-000000001").startswith(b"\x89PNG")


def test_a_killed_run_ends_in_the_same_state_with_any_number_of_workers(tmp_path, monkeypatch):
    assert run(tmp_path / "whole") == 0
    real, calls = word_sets.render_chunk, []

    def dies_at_the_third(task, words):
        calls.append(task)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(task, words)

    monkeypatch.setattr(word_sets, "render_chunk", dies_at_the_third)
    assert run(tmp_path / "killed") == 130
    assert not (tmp_path / "killed").exists()
    monkeypatch.setattr(word_sets, "render_chunk", real)
    assert run(tmp_path / "killed", "--workers", "2") == 0
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["killed", "whole"]


def test_a_finished_set_is_left_alone_and_made_anew_with_other_settings(tmp_path, capsys):
    assert run(tmp_path / "set", count=20) == 0
    before = contents(tmp_path / "set")
    made = (tmp_path / "set" / "labels.csv").stat().st_mtime_ns
    assert run(tmp_path / "set", count=20) == 0
    assert (tmp_path / "set" / "labels.csv").stat().st_mtime_ns == made
    assert run(tmp_path / "set", "--look", "clean", count=20) == 0
    assert contents(tmp_path / "set") != before
    assert run(tmp_path / "set", count=20) == 0
    assert contents(tmp_path / "set") == before


def test_a_folder_with_other_files_is_refused(tmp_path, capsys):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "labels.csv").write_text("filename,words\n")
    assert run(tmp_path / "set", count=20) == 1
    assert "were not rendered here" in capsys.readouterr().err


def test_two_sets_lie_where_training_looks_for_them(tmp_path):
    assert run(tmp_path, "--validation_share", "0.25", count=40) == 0
    settings = Config()
    training = tmp_path / settings.train_data / "select_data"
    validation = tmp_path / settings.val_data / "select_data"
    names = [[name for name, _ in read_rows(folder / "labels.csv")] for folder in (training, validation)]
    assert (len(names[0]), len(names[1])) == (30, 10)
    assert not set(names[0]) & set(names[1])
    assert run(tmp_path / "one", count=40) == 0
    assert [name for name, _ in read_rows(tmp_path / "one" / "labels.csv")] == names[0] + names[1]


def test_weak_characters_of_a_report_are_rendered(tmp_path):
    report = tmp_path / "weak_characters.json"
    report.write_text(json.dumps([{"character": "뺨", "errors": 9, "count": 10},
                                  {"character": "를", "errors": 3, "count": 10},
                                  {"character": "가", "errors": 0, "count": 50}], ensure_ascii=False))  # fmt: skip
    assert read_wanted(report) == {"뺨": 9 / 15, "를": 3 / 15}
    assert run(tmp_path / "set", "--from_report", str(report), count=40) == 0
    texts = [text for _, text in read_rows(tmp_path / "set" / "labels.csv")]
    assert all("뺨" in text or "를" in text for text in texts)
    assert sum("뺨" in text for text in texts) > sum("를" in text for text in texts)


def test_characters_are_wanted_as_often_as_they_stand_in_the_text(tmp_path):
    assert run(tmp_path / "set", "--characters", "뺨뺨뺨뺨 를", count=50) == 0
    texts = [text for _, text in read_rows(tmp_path / "set" / "labels.csv")]
    assert sum("뺨" in text for text in texts) > 2 * sum("를" in text for text in texts) > 0


def test_words_of_a_corpus_are_rendered(tmp_path):
    (tmp_path / "corpus.txt").write_text("제조의 했었를 값값값 강강 갖갖\n", encoding="utf-8")
    assert run(tmp_path / "set", "--corpus", str(tmp_path / "corpus.txt"), count=200) == 0
    texts = {text for _, text in read_rows(tmp_path / "set" / "labels.csv")}
    assert {"제조의", "했었를"} <= texts


@pytest.mark.parametrize(
    ("status", "extra", "message"),
    [
        (1, ["--characters", "힣漢"], "none of these characters"),
        (1, ["--from_report", "nowhere.json"], "nowhere.json: can't be read"),
        (1, ["--corpus", "nowhere.txt"], "nowhere.txt: can't be read"),
        (2, ["--validation_share", "0.001"], "leave one set empty"),
        (1, ["--faces", "unseen"], "no Korean face of the set 'unseen'"),
    ],
)
def test_what_can_not_be_done_is_said(tmp_path, capsys, status, extra, message):
    assert run(tmp_path / "set", *extra, count=20) == status
    assert message in capsys.readouterr().err


def test_the_rarest_characters_are_shown(tmp_path, capsys):
    assert run(tmp_path / "set", count=60) == 0
    printed = capsys.readouterr().out
    assert "Rarest:" in printed and "Hangul syllables among them" in printed

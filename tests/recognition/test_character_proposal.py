"""Character sets proposed for data."""

from unicodedata import normalize

import cv2
import pytest

from tests.recognition.word_sets import write_lmdb, write_set
from train_easyocr.common.errors import UserError
from train_easyocr.recognition.character_proposal import FEWEST, propose_characters
from train_easyocr.train import main
from train_easyocr.weights.characters import CharacterSet


def test_frequent_characters_are_added_behind_the_configured_ones(tmp_path):
    write_set(tmp_path / "가" / "select_data", ["가를"] * FEWEST + ["나○"] * (FEWEST + 1) + ["다"])
    write_set(tmp_path / "나" / "select_data", ["뺨"])
    proposal = propose_characters(tmp_path, CharacterSet("다나가라"))
    assert proposal.characters == "다나가라○를"
    assert proposal.added == [("○", FEWEST + 1), ("를", FEWEST)]
    assert proposal.rare == [("뺨", 1)]
    assert proposal.unused == 1
    assert (proposal.words, proposal.readable, proposal.readable_before) == (2 * FEWEST + 3, 2 * FEWEST + 2, 1)
    assert "○ 21 를 20" in proposal.describe()


def test_decomposed_labels_hold_the_characters_that_training_reads(tmp_path):
    write_set(tmp_path / "select_data", [normalize("NFD", "를")] * FEWEST)
    proposal = propose_characters(tmp_path, CharacterSet("가"))
    assert (proposal.added, proposal.readable) == ([("를", FEWEST)], FEWEST)


def test_a_folder_without_labels_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"holds none of labels\.csv"):
        propose_characters(tmp_path, CharacterSet("가"))


def test_step_3_writes_a_file_that_the_setting_character_takes(tmp_path, capsys):
    write_set(tmp_path / "select_data", ["가를"] * FEWEST)
    settings = [f"saved_models={tmp_path / 'models'}", "experiment_name=새 글자", "character=나가"]
    assert main(["--character_from", str(tmp_path), *settings]) == 0
    file = tmp_path / "models" / "새 글자" / "characters.txt"
    assert f"character={file}" in capsys.readouterr().out
    assert CharacterSet.from_setting(str(file)).characters == "나가를"
    assert main(["--character_from", str(tmp_path / "models"), *settings]) == 1


def test_words_in_all_forms_that_step_3_takes_are_counted_once(tmp_path):
    for form in ("png", "lmdb"):
        write_set(tmp_path / "own" / form, ["가를"], form)
    labels = tmp_path / "own" / "png" / "labels.csv"
    labels.write_bytes(labels.read_text(encoding="utf-8").encode("cp949"))
    patches = write_set(tmp_path / "images", ["가", "나"])
    (tmp_path / "others").mkdir()
    encoded = [cv2.imencode(".png", patch)[1].tobytes() for patch in patches]
    write_lmdb(tmp_path / "others" / "database", ["나다", "라"], encoded)
    for name, content in {
        "easyocr/labels.csv": "filename,words\nx.png,1,000\n",
        "paddle/rec_gt.txt": "x.png\t마ㆍ바\n",
        "benchmark/gt.txt": "x.png 사 아\n",
        "any/train.txt": "x.png\t자\n",
    }.items():
        (tmp_path / "others" / name).parent.mkdir()
        (tmp_path / "others" / name).write_text(content, encoding="cp949")
    base = CharacterSet("가")
    assert characters_of(propose_characters(tmp_path / "own", base)) == {"를": 2}
    expected = dict.fromkeys("나다라1,마·바사 아", 1) | {"0": 3}
    assert characters_of(propose_characters(tmp_path / "others", base)) == expected
    assert characters_of(propose_characters(tmp_path / "others" / "any" / "train.txt", base)) == {"자": 1}
    assert "ㆍ" in characters_of(propose_characters(tmp_path / "others", base, unify=False))


def characters_of(proposal):
    return dict(proposal.rare + proposal.added)

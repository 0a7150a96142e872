"""Words as EasyOCR's trainer, deep-text-recognition-benchmark and PaddleOCR have them, opened by a training."""

import os
import shutil
from pathlib import Path

import cv2
import lmdb
import numpy as np
import pytest

from tests.recognition.word_sets import SYLLABLES, WORDS, render, tiny_config, write_lmdb, write_set
from train_easyocr.common.errors import UserError
from train_easyocr.datasets.data import describe_sets, open_set
from train_easyocr.recognition.task import train
from train_easyocr.settings.config import check_config
from train_easyocr.weights.characters import CharacterSet
from train_easyocr.weights.checkpoints import read_card

pytestmark = pytest.mark.usefixtures("one_thread")

FIELD_CASES = Path(os.environ.get("FIELD_CASES") or Path(__file__).parents[3] / "shared" / "field_cases")
CHARACTERS = CharacterSet(SYLLABLES + ' ,."0123456789·')
PICTURES = {f"word_{number}.png": render(text) for number, text in enumerate(["가나", "다라", "마바"])}


def write_images(folder):
    for name, picture in PICTURES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / name), picture)


def opened(place, **settings):
    return open_set(place, tiny_config(**settings), CHARACTERS)


def assert_words(words, labels):
    assert [words.label(index) for index in range(len(words))] == labels
    for index, picture in zip(range(len(words)), PICTURES.values(), strict=False):
        np.testing.assert_array_equal(words.patch(index, False), picture)
    assert words.sizes()[0].tolist() == [picture.shape[1] for picture in PICTURES.values()][: len(words)]


@pytest.mark.parametrize(
    ("row", "label"),
    [
        ("1,000", "1,000"),  # all that follows the first comma
        ('"1,000"', "1,000"),  # quoted as CSV has it
        ('"가""나"', '가"나'),
        ('"가"', '"가"'),  # a CSV writer would not quote it so
        ('가"나', '가"나'),
        (" 가 나 ", "가 나"),
        ("가ㆍ나", "가·나"),
        ("가\u200b나", "가나"),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_labels_csv_of_easyocrs_trainer(tmp_path, row, label, line_end):
    write_images(tmp_path)
    lines = ["filename,words", f"word_0.png,{row}", "word_1.png,다라", "word_2.png,마바", ""]
    (tmp_path / "labels.csv").write_text(line_end.join(lines), encoding="utf-8-sig", newline="")
    words = opened(tmp_path)
    assert_words(words, [label, "다라", "마바"])
    assert (words.report.form, words.report.read, words.report.used) == ("labels.csv", 3, 3)


def test_signs_stay_where_they_are_not_to_be_unified(tmp_path):
    write_images(tmp_path)
    (tmp_path / "labels.csv").write_text("filename,words\nword_0.png,가～나\n", encoding="utf-8")
    words = open_set(tmp_path, tiny_config(unify_variants=False), CharacterSet("가나～"))
    assert words.label(0) == "가～나"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("gt.txt", "word_{n}.png\t{text}"),
        ("rec_gt.txt", "crop_img/word_{n}.png\t{text}"),
        ("gt.txt", "train/crop_img/word_{n}.png\t{text}"),  # from a folder above
        ("gt.txt", "C:\\data\\crop_img\\word_{n}.png\t{text}"),
        ("gt.txt", "word_{n}.png {text}"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_lists(tmp_path, name, line, encoding):
    write_images(tmp_path / ("crop_img" if "crop_img" in line else ""))
    texts = ["가, 나", "다라", "마바"]
    content = "".join(line.format(n=number, text=text) + "\n" for number, text in enumerate(texts))
    (tmp_path / name).write_bytes(content.encode(encoding))
    assert_words(opened(tmp_path), texts)
    shutil.move(tmp_path / name, tmp_path / "train.txt")
    assert_words(opened(tmp_path / "train.txt"), texts)  # a list of any name, named itself


def test_lmdb_of_deep_text_recognition_benchmark(tmp_path):
    encoded = [cv2.imencode(".png", picture)[1].tobytes() for picture in PICTURES.values()]
    write_lmdb(tmp_path / "set", ["가ㆍ나", "", "마\u00a0바"], encoded)
    words = opened(tmp_path / "set")
    assert [words.label(index) for index in range(len(words))] == ["가·나", "마 바"]
    np.testing.assert_array_equal(words.patch(1, False), PICTURES["word_2.png"])
    assert words.report.left_out == {"empty label": 1} and words.report.form == "LMDB"
    assert len(opened(tmp_path / "set")) == 2  # opened once more in one process


def test_images_that_are_not_there_are_counted_and_named(tmp_path):
    write_images(tmp_path)
    (tmp_path / "gt.txt").write_text("a.png\t가\nword_0.png\t가나\nb.png\t나\n", encoding="utf-8")
    words = opened(tmp_path)
    assert_words(words, ["가나"])
    assert (words.report.read, words.report.left_out) == (3, {"no image": 2})
    assert "the first image that is not there is a.png" in describe_sets("Training", [words.report])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gt.txt", "a.png\t가\n", r"none of the 1 images that it names, such as 'a.png', lies in or below"),
        ("gt.txt", "", r"none of the 0 images"),
        ("labels.csv", "filename,words\na.png,가\n", r"none of the 1 images"),
        ("labels.csv", "image,text\na.png,가\n", r"the first line is 'image,text', not filename,words"),
        ("data.mdb", "x", "can't be read as LMDB"),
    ],
)
def test_what_can_not_be_used_is_named(tmp_path, name, content, message):
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        opened(tmp_path)


def test_a_cut_off_database_is_named(tmp_path):
    encoded = [cv2.imencode(".png", picture)[1].tobytes() for picture in PICTURES.values()]
    write_lmdb(tmp_path / "set", ["가", "나", "다"], [*encoded[:2], b""])

    with lmdb.open(str(tmp_path / "set")) as database, database.begin(write=True) as transaction:
        transaction.put(b"num-samples", b"5")
    with pytest.raises(UserError, match="holds no word 4 of 5"):
        opened(tmp_path / "set")


def test_a_training_takes_them_as_they_are_and_goes_on(tmp_path):
    """train_data is the set itself: a folder, or a list."""
    write_set(tmp_path / "own", WORDS)
    for name in ("training", "validation"):
        shutil.copytree(tmp_path / "own/images", tmp_path / name / "crop_img")
        rows = (tmp_path / "own/labels.csv").read_text(encoding="utf-8").splitlines()[1:]
        lines = [f"crop_img/{row.replace(',', chr(9))}\n" for row in rows]
        (tmp_path / name / "rec_gt.txt").write_text("".join(lines), encoding="utf-8")
    places = {"train_data": str(tmp_path / "training"), "val_data": str(tmp_path / "validation/rec_gt.txt")}
    config = tiny_config(saved_models=str(tmp_path / "models"), lr_scheduler="constant", n_iter=4, **places)
    train(config)
    train(config.model_copy(update={"n_iter": 8}))
    assert read_card(config.experiment / "best_accuracy.pth").validation.words == len(WORDS)


def test_folders_below_train_data_come_first(tmp_path):
    for folder in (tmp_path / "가", tmp_path):
        folder.mkdir(exist_ok=True)
        (folder / "gt.txt").touch()
    assert check_config({"train_data": str(tmp_path), "select_data": "가"}).training_sets == [tmp_path / "가"]
    assert check_config({"train_data": str(tmp_path)}).training_sets == [tmp_path]
    both = check_config({"train_data": str(tmp_path), "select_data": "가-나", "batch_ratio": "0.5-0.5"})
    assert both.training_sets == [tmp_path / "가", tmp_path / "나"]


@pytest.mark.skipif(not FIELD_CASES.is_dir(), reason="the field cases are not at hand")
def test_field_cases():
    characters = CharacterSet.from_setting("korean_documents")
    config = check_config({"img_height": 64})
    exported = open_set(FIELD_CASES / "07-ppocrlabel/h-rec-only", config, characters)
    assert (exported.report.read, exported.report.used, exported.label(0)) == (40, 40, "2003년도")
    database = FIELD_CASES / "09-foreign-lmdb/a-dtrb/training_and_validation_set/training/select_data"
    words = open_set(database, config, characters)
    assert (words.report.read, words.report.used, words.label(0)) == (64, 64, "[별지")
    assert words.patch(63, False).size

"""Words out of a folder in the form of MSTextRecLMSSLDataset, or of step 2's sets: what is used, and what is wrong."""

import cv2
import pytest

from tests.recognition.word_sets import SYLLABLES, WORDS, render, tiny_config, write_set
from tests.semi_supervised.folders import TEXTS, write_folder, write_lists
from train_easyocr.common.errors import UserError
from train_easyocr.datasets.data import open_set
from train_easyocr.semi_supervised.__main__ import main
from train_easyocr.semi_supervised.config import load_semi_supervised_config
from train_easyocr.semi_supervised.data import Places, gather, make_dict, places_of
from train_easyocr.weights.characters import CharacterSet, korean_documents

CHARACTERS = CharacterSet(SYLLABLES)


@pytest.fixture
def folder(tmp_path):
    write_folder(tmp_path / "내 자료", 6, 6, 6)
    return tmp_path / "내 자료"


def gathered(folder, experiment):
    places = places_of(load_semi_supervised_config(), folder)
    return gather(places, experiment, tiny_config(character=SYLLABLES), True)


def test_all_words_are_there_under_their_names(folder, tmp_path):
    words = gathered(folder, tmp_path / "시험")
    assert [words.labelled.label(index) for index in range(6)] == TEXTS
    assert [words.validation.label(index) for index in range(6)] == TEXTS
    assert words.usable.tolist() == list(range(6))
    assert words.unlabelled.place(0).endswith("images/images/쪽 0/낱말_012.png")
    assert (words.unlabelled.patch(0, False) == render(TEXTS[0], noise=12)).all()
    # A set as step 2 writes it, which opens alone.
    again = open_set(tmp_path / "시험" / "sets/training/labels", tiny_config(), CHARACTERS)
    assert (again.patch(5, False) == render(TEXTS[5], noise=5)).all()


def test_what_can_not_be_used_is_counted_by_reason(folder, tmp_path):
    train = (folder / "train.txt").read_text(encoding="utf-8")
    (folder / "train.txt").write_text(train + "images/없다.png\t가\nimages/쪽 0/낱말_000.png\t뷁\n", encoding="utf-8")
    broken, measured, labelled = (folder / "images" / name for name in ("깨진 것.png", "잰 것.png", "아는 것.png"))
    broken.write_bytes(b"no image")
    measured.write_bytes((folder / "images/쪽 0/낱말_006.png").read_bytes())
    labelled.write_bytes((folder / "images/쪽 0/낱말_000.png").read_bytes())
    lines = (folder / "train_unlabeled.txt").read_text(encoding="utf-8")
    more = [f"images/{path.name}\n" for path in (broken, measured, labelled)]
    (folder / "train_unlabeled.txt").write_text(lines + "".join(more) + more[0] + "images/없다.png\n", encoding="utf-8")
    words = gathered(folder, tmp_path / "시험")
    assert len(words.labelled) == 6
    assert words.labelled.report.left_out == {"unknown characters": 1}
    assert words.usable.tolist() == list(range(6))
    assert words.left_out == {
        "no image": 1,
        "no image that can be decoded": 2,
        "in validation, by content": 1,
        "labelled, by content": 1,
    }
    table = words.describe()
    assert "in validation, by content    |     1" in table
    assert "train.txt: 1 of the images that it names are not there, 'images/없다.png' first" in table
    assert "unknown characters" in table


def test_all_that_is_missing_is_told_at_once_with_how_to_make_it(folder, capsys):
    for name in ("val.txt", "train_unlabeled.txt", "dict.txt"):
        (folder / name).unlink()
    assert main(["--data", str(folder), "--check"]) == 1
    said = capsys.readouterr().err
    for name in ("val.txt", "train_unlabeled.txt", "dict.txt"):
        assert f"{folder / name}: there is no such file" in said
    assert "--make_dict writes it" in said


def test_lists_whose_images_are_all_gone_are_all_told(folder, tmp_path):
    write_lists(folder, {"images/a b.png": "가"}, {"images/c.png": "나"}, ["images/d e.png"])
    with pytest.raises(UserError) as error:
        gathered(folder, tmp_path / "시험")
    for name in ("train.txt", "val.txt", "train_unlabeled.txt", "'images/d e.png'"):
        assert name in str(error.value)


def test_nothing_left_is_an_error(folder, tmp_path):
    names = (folder / "val.txt").read_text(encoding="utf-8").replace("\t", "\t뷁")
    (folder / "val.txt").write_text(names, encoding="utf-8")
    lines = [line.partition("\t")[0] for line in names.splitlines()]
    (folder / "train_unlabeled.txt").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(UserError, match=r"validation/labels: none of its 6 words can be used: unknown characters"):
        gathered(folder, tmp_path / "시험")


def test_the_dictionary_holds_what_documents_need_and_what_labels_hold(folder):
    (folder / "dict.txt").unlink()
    lines = (folder / "train.txt").read_text(encoding="utf-8")
    (folder / "train.txt").write_text(lines + "images/쪽 0/낱말_000.png\t가 뷁ㅸ\n", encoding="utf-8")
    path, count = make_dict(folder)
    found = CharacterSet.from_setting(str(path)).characters
    assert found.startswith(korean_documents())
    assert set("뷁ㅸ ") <= set(found)
    assert count == len(found) == len(set(found))


@pytest.mark.parametrize("form", ["png", "lmdb"])
def test_sets_of_step_2_are_linked_as_they_are(tmp_path, form):
    sets = {purpose: tmp_path / f"훈련_{purpose}" for purpose in ("training", "validation", "unlabeled")}
    for number, place in enumerate(sets.values()):
        labels = WORDS if number < 2 else [""] * 5
        patches = [render(text or WORDS[index], noise=100 * number + index) for index, text in enumerate(labels)]
        write_set(place, labels, form, patches=patches)
    experiment = tmp_path / "시험"
    for _ in range(2):  # a second run finds what the first one made
        words = gather(Places(*sets.values()), experiment, tiny_config(character=SYLLABLES), True)
    assert (len(words.labelled), len(words.validation), len(words.usable)) == (len(WORDS), len(WORDS), 5)
    assert words.unlabelled.report.form == form.upper()
    assert (words.unlabelled.patch(3, False) == render(WORDS[3], noise=203)).all()


def test_pages_of_validation_are_refused_among_those_without_labels(tmp_path):
    places = [tmp_path / name for name in ("training", "validation", "unlabeled")]
    for place in places:
        write_set(place, WORDS[:3], patches=[render(text, noise=hash(place.name) % 1000) for text in WORDS[:3]])
    for place in places[1:]:
        (place / "pages.csv").write_text("page,image_sum\n쪽 1,0123456789abcdef\n", encoding="utf-8")
    with pytest.raises(UserError, match="1 of its pages are in the validation set, '쪽 1' first"):
        gather(Places(*places), tmp_path / "시험", tiny_config(character=SYLLABLES), True)


def test_a_picture_of_another_form_is_read_as_well(folder, tmp_path):
    jpeg = cv2.imencode(".jpg", render("가나", 40))[1]
    jpeg.tofile(str(folder / "images" / "사진.jpg"))
    (folder / "train_unlabeled.txt").write_text("images/사진.jpg\n", encoding="utf-8")
    words = gathered(folder, tmp_path / "시험")
    assert words.unlabelled.patch(0, False).shape == render("가나", 40).shape

"""Pages that a detector labelled: who takes which of their boxes; pages labelled in part; killed and not."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image

import prepare_dataset
from tests.detection.page_files import WORDS, draw_page, write_page
from tests.detection.untrained import save_untrained
from tests.engine.cases import Killed
from train_easyocr.common.errors import UsageError, UserError
from train_easyocr.datasets.data import open_unlabelled
from train_easyocr.detection.db_detector import open_db_light
from train_easyocr.detection.pages import find_split, read_training_page
from train_easyocr.detection.two_views import FoundTwice
from train_easyocr.documents.aihub import find_pages, read_labelled_page
from train_easyocr.documents.page_sums import page_sum
from train_easyocr.semi_supervised import boxes
from train_easyocr.semi_supervised.boxes import BoxLabelling, label_boxes
from train_easyocr.semi_supervised.pages import MEASURED, find_unlabelled

AGREED, DOUBTFUL = list(WORDS[2:4]), [WORDS[4]]


@pytest.fixture
def detector(tmp_path, monkeypatch):
    """A detector that need not be asked: what two views of a page show is known."""
    monkeypatch.setattr(boxes, "find_twice", lambda *_: FoundTwice(AGREED, DOUBTFUL))
    return open_db_light(save_untrained(tmp_path / "검출.pth"))


def job_of(target, detector, left_out=None):
    said = []
    return BoxLabelling(target, detector, "a detector", left_out or {}, said.append), said


def pages_of(folder, tmp_path):
    return find_split(str(folder), tmp_path, "training")[0]


def test_on_a_partly_labelled_page_found_boxes_join_and_doubtful_ones_teach_nothing(tmp_path, detector):
    write_page(tmp_path / "쪽", "일부", boxes=WORDS[:2], texts=["첫째", "둘째"], page=draw_page(WORDS))
    job, _ = job_of(tmp_path / "셋", detector)
    assert label_boxes(find_unlabelled(tmp_path / "쪽"), job) == len(AGREED)
    (page,) = pages_of(tmp_path / "셋", tmp_path)
    image, labels = read_training_page(page)
    np.testing.assert_array_equal(image, draw_page(WORDS))
    assert labels.boxes.tolist() == [list(box) for box in (*WORDS[:2], *AGREED)]
    assert labels.unusable.tolist() == [list(box) for box in DOUBTFUL]
    assert labels.image_sum == page_sum((tmp_path / "쪽/images/일부.png").read_bytes())
    # The recognizer learns from none of them, and none is counted where the page is measured on.
    read = read_labelled_page(find_pages(tmp_path / "셋")[0][0])
    assert [(word.text, word.box) for word in read.words] == [("첫째", WORDS[0]), ("둘째", WORDS[1])]
    assert [word.box for word in read.labels if word.dont_care] == [*AGREED, *DOUBTFUL]


def test_step_2_takes_no_word_of_what_was_found(tmp_path, detector):
    for paper in (200, 210, 220):
        write_page(tmp_path / "쪽", f"일부 {paper}", boxes=WORDS[:2], page=draw_page(WORDS, paper=paper))
    job, _ = job_of(tmp_path / "셋", detector)
    label_boxes(find_unlabelled(tmp_path / "쪽"), job)
    command = ["--from", str(tmp_path / "셋"), "--output", str(tmp_path / "자료"), "--training"]
    assert prepare_dataset.main([*command, "train_images=1", "val_images=1", "eval_images=1"]) == 0
    words = open_unlabelled(tmp_path / "자료/training_and_validation_set/training/select_data")
    assert sorted(words.label(index) for index in range(len(words))) == ["단어", "단어"]


def test_scans_that_are_turned_or_of_several_pages(tmp_path, detector):
    scans, page = tmp_path / "스캔", Image.fromarray(draw_page(WORDS))
    scans.mkdir()
    turned = Image.Exif()
    turned[0x0112] = 6  # stored lying on its side
    page.transpose(Image.Transpose.ROTATE_90).save(scans / "돌린.png", exif=turned)
    page.save(scans / "여럿.tif", save_all=True, append_images=[page])
    (scans / "깨진.png").write_bytes(b"no image")
    job, said = job_of(tmp_path / "셋", detector)
    label_boxes(find_unlabelled(scans), job)
    assert any("깨진.png: is neither an image" in line for line in said)
    found = pages_of(tmp_path / "셋", tmp_path)
    assert [page.name for page in found] == ["돌린", "여럿_p0001", "여럿_p0002"]
    for page in found:
        image, labels = read_training_page(page)
        np.testing.assert_array_equal(image, draw_page(WORDS))
        assert labels.boxes.tolist() == [list(box) for box in AGREED]


def test_pages_that_are_measured_on_are_left_out(tmp_path, detector):
    (tmp_path / "스캔").mkdir()
    Image.fromarray(draw_page(WORDS)).save(tmp_path / "스캔/쪽.png")
    job, said = job_of(tmp_path / "셋", detector, {page_sum((tmp_path / "스캔/쪽.png").read_bytes()): MEASURED})
    with pytest.raises(UserError, match="not one box was found on 0 pages"):
        label_boxes(find_unlabelled(tmp_path / "스캔"), job)
    assert f"pages {MEASURED}" in said[0]


def test_killed_it_goes_on_with_the_next_document(tmp_path, detector, monkeypatch):
    (tmp_path / "스캔").mkdir()
    for number in range(3):
        Image.fromarray(draw_page(WORDS, paper=200 + number)).save(tmp_path / f"스캔/{number}.png")
    documents, seen = find_unlabelled(tmp_path / "스캔"), []

    def dying(*_):
        seen.append(1)
        if len(seen) == 2:
            raise Killed
        return FoundTwice(AGREED, DOUBTFUL)

    label_boxes(documents, job_of(tmp_path / "한 번에", detector)[0])
    monkeypatch.setattr(boxes, "find_twice", dying)
    with pytest.raises(Killed):
        label_boxes(documents, job_of(tmp_path / "셋", detector)[0])
    assert not (tmp_path / "셋").exists()
    job, said = job_of(tmp_path / "셋", detector)
    label_boxes(documents, job)
    assert len(seen) == 4
    ours, theirs = (
        {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "셋", tmp_path / "한 번에")
    )
    assert ours == theirs
    assert label_boxes(documents, job) == 3 * len(AGREED) and said[-1].endswith("nothing to do, it is there")


def test_another_detector_than_db_light_is_refused(tmp_path):
    with pytest.raises(UsageError, match="db_light's boxes alone"):
        label_boxes([], job_of(tmp_path / "셋", None)[0])


@pytest.mark.slow
def test_the_starters_detector_finds_words_in_both_views(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path / "easyocr"))
    page = np.full((600, 800), 255, np.uint8)
    for number, text in enumerate(("Hello", "2001", "World")):
        cv2.putText(page, text, (60, 120 + 150 * number), cv2.FONT_HERSHEY_SIMPLEX, 2.0, 0, 4)
    (tmp_path / "스캔").mkdir()
    Image.fromarray(page).save(tmp_path / "스캔/글.png")
    command = ["--unlabeled", str(tmp_path / "스캔"), "--boxes", "--output", str(tmp_path / "자료")]
    assert prepare_dataset.main(command) == 0
    label = json.loads((tmp_path / "자료/found_boxes/select_data/labels/글.json").read_bytes())
    assert sum(entry.get("annotation.found", False) for entry in label["annotations"]) == 3
    with pytest.raises(SystemExit):
        prepare_dataset.main(["--boxes", "--training"])
    assert "--boxes is about the pages of --unlabeled" in capsys.readouterr().err

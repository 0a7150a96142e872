"""The pages that a detector is trained on, and what of their labels is used."""

import json

import numpy as np
import pytest

from prepare_dataset import main as prepare
from tests.detection.page_files import WORDS, write_page
from tests.documents.own_folders import PAGES, boxes, own_folder
from tests.documents.printed import BOXES, STORED, encode, label_of, printed_page
from tests.documents.samples import jpeg, label, make_download, page_image, words_of, write_zip
from train_easyocr.common.errors import UserError
from train_easyocr.detection.config import DetectionConfig, detection_of
from train_easyocr.detection.pages import (
    NO_WORDS,
    UNREADABLE,
    UNREADABLE_ARCHIVE,
    open_pages,
    read_training_page,
    split_labels,
)
from train_easyocr.documents.aihub import IGNORED, Annotation, LabelError, LabelFile
from train_easyocr.documents.download import holds_pages
from train_easyocr.documents.page import Box, Quad
from train_easyocr.documents.sources import FileSource, PageSource
from train_easyocr.settings.config import Config
from train_easyocr.settings.parts import AUTO_ITERATIONS


def config_of(folder, **settings):
    return DetectionConfig(train_data=str(folder / "training"), val_data=str(folder / "validation"), **settings)


@pytest.fixture
def folder(tmp_path):
    for number in range(4):
        write_page(tmp_path / "training", f"a/{number}")
        write_page(tmp_path / "validation", f"b/{number}")
    return tmp_path


def labels_of(*annotations):
    return split_labels(LabelFile(tuple(annotations), "", 200, 100), 200, 100)


GOOD = Annotation("1", Box(10, 10, 50, 30), "단어")


def test_labels_that_can_not_be_used_are_left_out_of_the_loss():
    found = labels_of(GOOD, Annotation("2", Box(60, 10, 90, 30), ""), Annotation("3", Box(300, 10, 340, 30), "밖"))
    assert found.boxes.tolist() == [[10, 10, 50, 30]] and [word.text for word in found.words] == ["단어"]
    assert found.unusable.tolist() == [[60, 10, 90, 30], [300, 10, 340, 30]]


def test_boxes_around_several_words_are_left_out_where_others_are_around_one():
    several = Annotation("2", Box(60, 10, 150, 30), "두 단어")
    found = labels_of(GOOD, several, Annotation("3", Box(10, 40, 50, 60), "셋"))
    assert found.boxes.tolist() == [[10, 10, 50, 30], [10, 40, 50, 60]]
    assert found.unusable.tolist() == [[60, 10, 150, 30]]
    assert [word.text for word in found.words] == ["단어", "두 단어", "셋"]  # scored like all others
    by_lines = labels_of(GOOD, several)
    assert by_lines.boxes.tolist() == [[10, 10, 50, 30], [60, 10, 150, 30]] and not len(by_lines.unusable)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        (Box(100, 20, 100, 40), [90, 20, 110, 40]),  # a line: a square around it
        (Box(100, 30, 100, 30), [90, 20, 110, 40]),  # a point: as high as the page's words
        (Box(110, 20, 90, 40), [90, 20, 110, 40]),  # turned inside out
    ],
)
def test_a_box_without_area_leaves_out_what_is_around_it(box, expected):
    assert labels_of(GOOD, Annotation("2", box, "단어")).unusable.tolist() == [expected]


def test_boxes_around_several_words_are_counted(folder):
    write_page(folder / "training", "c", texts=["두 단어", *(["단어"] * (len(WORDS) - 1))])
    training, _ = open_pages(config_of(folder))
    assert training.words == 5 * len(WORDS) - 1 and training.faults == {"box around several words": 1}


def test_pages_of_folders_are_counted(folder):
    write_page(folder / "training", "c", boxes=(WORDS[0], WORDS[1]), texts=["단어", " "])
    write_page(folder / "training", "d", boxes=(WORDS[0],), texts=[""])
    (folder / "training" / "labels" / "a" / "0.json").write_text("{")
    training, validation = open_pages(config_of(folder))
    assert [page.name for page in training.pages] == ["a/1", "a/2", "a/3", "c"]
    assert training.words == 3 * len(WORDS) + 1
    assert training.faults == {"empty text": 2}
    assert {(problem.name, problem.reason) for problem in training.problems} == {("a/0", UNREADABLE), ("d", NO_WORDS)}
    assert len(validation.pages) == 4
    for part in ("empty text", UNREADABLE, NO_WORDS):
        assert part in training.describe()


def test_the_digest_is_that_of_the_labels(folder):
    before = [pages.digest for pages in open_pages(config_of(folder))]
    path = folder / "training" / "labels" / "a" / "1.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["annotation.bbox"][0] += 1
    path.write_text(json.dumps(content))
    after = [pages.digest for pages in open_pages(config_of(folder))]
    assert before[0] != after[0] and before[1] == after[1]


def test_lists_choose_pages(folder):
    (folder / "train.txt").write_text("a/0\n\na/2\n")
    (folder / "val.txt").write_text("a/1\n")
    both = str(folder / "training")
    lists = {"train_list": str(folder / "train.txt"), "val_list": str(folder / "val.txt")}
    training, validation = open_pages(DetectionConfig(train_data=both, val_data=both, **lists))
    assert [page.name for page in training.pages] == ["a/0", "a/2"]
    assert [page.name for page in validation.pages] == ["a/1"]


def test_a_list_that_does_not_fit_is_refused(folder):
    (folder / "train.txt").write_text("a/0\na/9\n")
    with pytest.raises(UserError, match="1 of its pages are not there, 'a/9'"):
        open_pages(config_of(folder, train_list=str(folder / "train.txt")))


def test_pages_for_both_are_refused(folder):
    both = str(folder / "training")
    with pytest.raises(UserError, match="4 pages are both for training and for validation"):
        open_pages(DetectionConfig(train_data=both, val_data=both))


def test_a_folder_without_pages_is_named(folder):
    (folder / "empty").mkdir()
    with pytest.raises(UserError, match="empty: holds no labels"):
        open_pages(DetectionConfig(train_data=str(folder / "empty"), val_data=str(folder)))


def test_what_was_unpacked_stands_in_for_archives_that_are_gone(tmp_path):
    download = make_download(tmp_path / "공공행정문서 OCR", 3, 3)
    packed = open_pages(DetectionConfig(dataset=str(tmp_path), val_images=2, eval_images=1))
    assert prepare(["--dataset", str(download), "--unzip", "--workers", "1"]) == 0
    for archive in download.rglob("*.zip"):
        archive.unlink()
    assert holds_pages(str(tmp_path))
    unpacked = open_pages(DetectionConfig(dataset=str(tmp_path), val_images=2, eval_images=1))
    assert [pages.digest for pages in unpacked] == [pages.digest for pages in packed]
    (download / "unzipped" / ".unfinished").touch()
    assert not holds_pages(str(tmp_path))
    with pytest.raises(UserError, match="no page has both"):
        open_pages(DetectionConfig(dataset=str(tmp_path)))


def test_a_detector_is_trained_by_default_where_there_are_pages(tmp_path):
    assert detection_of(Config()) is None  # words alone, below `output`
    (tmp_path / "Training").mkdir()
    assert detection_of(Config(dataset=str(tmp_path))) is None  # no archives
    make_download(tmp_path, 1, 1)
    found = detection_of(Config(dataset=str(tmp_path), val_images=3, seed=5))
    assert (found.continue_from, found.n_iter) == ("starter", AUTO_ITERATIONS)
    assert (found.dataset, found.val_images, found.seed) == (str(tmp_path), 3, 5)
    assert detection_of(Config(dataset=str(tmp_path), detection="")) is None


def test_labels_may_be_in_any_form_that_step_2_reads(tmp_path):
    own_folder(tmp_path / "training", "ppocrlabel")
    own_folder(tmp_path / "validation", "icdar2015")
    training, validation = open_pages(config_of(tmp_path))
    assert len(training.pages) == len(validation.pages) == PAGES
    assert training.words == validation.words > PAGES
    for page in (training.pages[2], validation.pages[2]):
        _, found = read_training_page(page)
        assert [(word.text, word.box) for word in found.words] == list(boxes(2))
        assert found.boxes.tolist() == [list(box) for text, box in boxes(2) if " " not in text]


def test_words_that_are_not_to_be_read_are_left_out_of_the_loss(tmp_path):
    own_folder(tmp_path / "training", "icdar2015")
    file = next((tmp_path / "training/labels").rglob("*.txt"))
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    file.write_text("\n".join([lines[0].rsplit(",", 1)[0] + ",###", *lines[1:]]), encoding="utf-8")
    own_folder(tmp_path / "validation", "icdar2015")
    training, validation = open_pages(config_of(tmp_path))
    assert training.words == validation.words - 1
    several = training.faults["box around several words"]
    assert several == validation.faults["box around several words"] == 10
    assert sum(len(read_training_page(page)[1].unusable) for page in training.pages) == several + 1


def test_pages_are_read_out_of_the_archives(tmp_path):
    for split, kinds, count in (("Training", "train", 3), ("Validation", "validation", 4)):
        names = [f"인.허가/1/2001/{split}-{number}" for number in range(count)]
        images = [(f"01/{name}.jpg", jpeg(page_image(number))) for number, name in enumerate(names)]
        labels = [(f"02/{name}.json", label(words_of(number))) for number, name in enumerate(names)]
        folder = tmp_path / "공공행정문서 OCR" / split
        write_zip(folder / f"[원천]{kinds}.zip", images)
        write_zip(folder / f"[라벨]{kinds}.zip", labels)
    config = DetectionConfig(dataset=str(tmp_path), train_images=2, val_images=1, eval_images=3)
    training, validation = open_pages(config)
    assert len(training.pages) == 2 and len(validation.pages) == 1
    image, labels = read_training_page(training.pages[0])
    assert image.shape == (180, 240) and image.dtype == np.uint8 and len(labels.boxes)
    assert not training.problems

    (tmp_path / "공공행정문서 OCR" / "Training" / "[원천]train2.zip").write_bytes(b"half of an archive")
    training, _ = open_pages(config)
    assert len(training.pages) == 2
    assert [problem.reason for problem in training.problems] == [UNREADABLE_ARCHIVE]
    assert "train2.zip" in training.problems[0].name and UNREADABLE_ARCHIVE in training.describe()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("rgb", [False, True])
def test_pages_are_upright_as_their_labels_see_them(tmp_path, orientation, rgb):
    page = printed_page()
    expected = np.dstack([page] * 3) if rgb else page
    (tmp_path / "쪽.json").write_bytes(label_of())
    for stored in (page, STORED[orientation](page)):
        (tmp_path / "쪽.png").write_bytes(encode(stored, "PNG", orientation))
        source = PageSource("쪽", FileSource(tmp_path / "쪽.png"), FileSource(tmp_path / "쪽.json"))
        image, labels = read_training_page(source, rgb)
        np.testing.assert_array_equal(image, expected)
        assert [word.box for word in labels.words] == list(BOXES)
        assert labels.boxes.tolist() == [list(word.box) for word in labels.words if " " not in word.text]


def test_labels_beside_the_print_teach_nothing(tmp_path):
    (tmp_path / "쪽.json").write_bytes(label_of([Box(b.ymin, b.xmin, b.ymax, b.xmax) for b in BOXES]))
    (tmp_path / "쪽.png").write_bytes(encode(printed_page()))
    source = PageSource("쪽", FileSource(tmp_path / "쪽.png"), FileSource(tmp_path / "쪽.json"))
    with pytest.raises(LabelError, match="쪽: labels that lie beside the print: 11 of 12 boxes"):
        read_training_page(source)


def test_dont_care_regions_are_left_out_of_the_loss_and_tilted_words_are_taught():
    corners = Quad((10, 30), (90, 10), (95, 30), (15, 50))
    label = LabelFile(
        (
            Annotation("1", Box(100, 10, 160, 40), "###", IGNORED),
            Annotation("2", corners.bounds, "도로", corners=corners),
            Annotation("3", corners.bounds, "###", IGNORED, corners),
        ),
        "",
        0,
        0,
    )
    found = split_labels(label, 200, 100)
    assert found.boxes.tolist() == [[10, 10, 95, 50]]
    assert found.unusable.tolist() == [[100, 10, 160, 40], [10, 10, 95, 50]]
    assert [word.dont_care for word in found.words] == [True, False, True]

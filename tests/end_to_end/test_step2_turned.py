"""Step 2 and --check name the pages of a data set that lie turned, found with the starter's weights by a sample."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

import prepare_dataset
from tests.evaluation.installed import write_page
from tests.recognition.word_sets import font
from train_easyocr.datasets.turned_pages import NAMED, SAMPLE, TurnedPages, find_turned
from train_easyocr.documents.label_formats import find_labelled_pages
from train_easyocr.documents.page import Box
from train_easyocr.reading.orientation import turned, turned_shape

pytestmark = pytest.mark.slow

TEXTS = ("도로점용허가", "신청서류", "경상남도지사", "주민등록등본", "처리기간", "건축물대장", "토지이용계획", "수수료")
SIZE = (420, 600)


def letter(number):
    """A page of printed words, each page in another order, and each word's text and box."""
    page = Image.new("L", SIZE, 255)
    draw, letters, words = ImageDraw.Draw(page), font(30), []
    for row, text in enumerate(TEXTS[number:] + TEXTS[:number]):
        place = (40, 40 + 65 * row)
        draw.text(place, text, 0, letters)
        words.append((text, Box(*(int(value) for value in draw.textbbox(place, text, letters)))))
    return np.array(page), words


def write_letter(folder, number, angle):
    page, words = letter(number)
    boxes = [(text, turned_shape(box, angle, SIZE)) for text, box in words]
    rows = [(box.xmin, box.ymin, box.width, box.height, text) for text, box in boxes]
    write_page(folder, f"인.허가/쪽 {number} {angle}", rows, page=turned(page, angle))


@pytest.fixture
def pages(tmp_path):
    for number, angle in enumerate((0, 90, 0, 180, 270, 0)):
        write_letter(tmp_path / "쪽들", number, angle)
    return tmp_path / "쪽들"


NAMES = ("'인.허가/쪽 1 90' (270 degrees)", "'인.허가/쪽 3 180' (180 degrees)", "'인.허가/쪽 4 270' (90 degrees)")


def test_pages_that_lie_turned_are_named_once_sets_are_made(pages, tmp_path, capsys):
    settings = ["--from", str(pages), "--output", str(tmp_path / "out"), "--workers", "1"]
    counts = ["train_images=2", "val_images=2", "eval_images=2"]
    assert prepare_dataset.main([*settings, "--training", "--validation", "--evaluation", *counts]) == 0
    said = capsys.readouterr().err
    assert "3 of 5 pages looked at lie turned" in said and all(name in said for name in NAMES)
    assert prepare_dataset.main([*settings, "--training", "--validation", "--evaluation", *counts]) == 0
    assert "lie turned" not in capsys.readouterr().err  # nothing was made


def test_check_names_them(pages, capsys):
    prepare_dataset.main(["--from", str(pages), "--check", "--workers", "1"])
    said = capsys.readouterr().err
    assert "3 of 6 pages looked at lie turned" in said and all(name in said for name in NAMES)


def test_a_sample_is_looked_at(pages):
    sources = find_labelled_pages(pages).sources() * 10
    seen = []

    def vote(grey, boxes):
        seen.append((grey.shape, len(boxes)))
        return 180

    found = find_turned(sources, lambda: vote)
    assert found.looked == len(found.turned) == len(seen) == SAMPLE
    assert set(seen) == {((600, 420), 8), ((420, 600), 8)}
    assert f"and {SAMPLE - NAMED} more;" in found.warning
    assert find_turned([], lambda: pytest.fail("there is nothing to look at")).warning == ""
    assert TurnedPages(4).warning == ""

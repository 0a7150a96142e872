"""What a page gives: words cut where its labels are, whatever way up its image is stored."""

from collections import Counter
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from tests.documents.printed import BOXES, HEIGHT, STORED, WIDTH, encode, label_of, printed_page
from train_easyocr.datasets.cropping import Cutting, crop
from train_easyocr.datasets.page_work import BLANK, PageError, read_and_cut
from train_easyocr.documents import Box
from train_easyocr.documents.aihub import UNREADABLE_IMAGE
from train_easyocr.documents.images import FURTHER_PAGES, NOT_TURNED, TURNED
from train_easyocr.documents.ink import BESIDE_PRINT


def cut_words(image, label, rgb=False):
    cut, pixels = read_and_cut(image, label, Cutting(rgb=rgb))
    return cut, [crop(pixels, box) for box in cut.boxes]


def assert_cut_as_labelled(image, label, rgb, warning, page=None):
    """The words are those of the upright page, pixel for pixel."""
    cut, words = cut_words(image, label, rgb)
    page = printed_page() if page is None else page
    assert cut.boxes == list(BOXES)
    for found, box in zip(words, BOXES, strict=True):
        expected = crop(page, box)
        np.testing.assert_array_equal(found, np.dstack([expected] * 3) if rgb else expected)
    assert cut.warnings == Counter({warning: 1} if warning else {})


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(WIDTH, HEIGHT), (0, 0)])
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
@pytest.mark.parametrize("rgb", [False, True])
def test_words_are_cut_upright_whatever_the_orientation_says(orientation, size, form, rgb):
    page, label = printed_page(), label_of(BOXES, *size)
    meant = encode(STORED[orientation](page), form, orientation)
    assert_cut_as_labelled(meant, label, rgb, TURNED if orientation > 1 else None)
    stale = encode(page, form, orientation)
    assert_cut_as_labelled(stale, label, rgb, NOT_TURNED if orientation > 1 else None)


@pytest.mark.parametrize("form", ["PNG", "TIFF", "BMP", "WEBP"])
@pytest.mark.parametrize("rgb", [False, True])
def test_all_formats_give_the_same_words(form, rgb):
    content = encode(printed_page(), form, **({"lossless": True} if form == "WEBP" else {}))
    assert_cut_as_labelled(content, label_of(), rgb, None)


@pytest.mark.parametrize("rgb", [False, True])
def test_print_on_a_transparent_ground_is_print(rgb):
    page = printed_page()
    content = encode(np.dstack([np.where(page == 255, 0, page)] * 3 + [np.where(page == 255, 0, 255)]).astype(np.uint8))
    assert_cut_as_labelled(content, label_of(), rgb, None)


def test_a_tiff_of_several_pages_is_counted():
    stream = BytesIO()
    first, second = Image.fromarray(printed_page()), Image.fromarray(255 - printed_page())
    first.save(stream, "TIFF", save_all=True, append_images=[second])
    assert_cut_as_labelled(stream.getvalue(), label_of(), False, FURTHER_PAGES)


@pytest.mark.parametrize("kind", ["swapped", "shifted", "scaled", "outside", "of another page"])
def test_labels_beside_the_print_cost_the_page(kind):
    boxes = {
        "swapped": [Box(b.ymin, b.xmin, b.ymax, b.xmax) for b in BOXES],
        "shifted": [Box(b.xmin, b.ymin + 200, b.xmax, b.ymax + 200) for b in BOXES],
        "scaled": [Box(*(value // 3 for value in b)) for b in BOXES],
        "outside": [*BOXES[:4], *(Box(b.xmin + WIDTH, b.ymin, b.xmax + WIDTH, b.ymax) for b in BOXES[4:])],
        "of another page": [Box(20, 200 + 20 * n, 80, 215 + 20 * n) for n in range(9)],
    }[kind]
    with pytest.raises(PageError, match=r"\d+ of \d+ boxes show no ink") as caught:
        cut_words(encode(printed_page()), label_of(boxes))
    assert caught.value.reason == BESIDE_PRINT


def test_a_few_blank_boxes_are_a_warning_and_move_no_word():
    boxes = [*BOXES, Box(20, 300, 80, 320), Box(20, 330, 80, 350)]
    cut, words = cut_words(encode(printed_page()), label_of(boxes))
    assert cut.boxes == boxes and len(words) == len(boxes)
    assert cut.warnings == Counter({BLANK: 2})


def test_damage_that_libjpeg_only_warns_of_costs_the_page():
    content = encode(np.tile(printed_page(), (2, 2)), "JPEG")
    middle = len(content) // 2
    with pytest.raises(PageError, match="Corrupt JPEG data") as caught:
        cut_words(content[:middle] + content[middle + 300 :], label_of())
    assert caught.value.reason == UNREADABLE_IMAGE

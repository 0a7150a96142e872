"""Boxes that show print and boxes that don't."""

import cv2
import numpy as np
import pytest

from tests.documents.printed import BOXES, HEIGHT, WIDTH, printed_page
from tests.documents.samples import page_image
from train_easyocr.documents import Box
from train_easyocr.documents.ink import are_beside_print, count_blank, is_blank

WHOLE = Box(0, 0, 100, 40)


def paper(level=240, grain=0.0, shade=0):
    """A piece of paper of 100 x 40 pixels: its grey, the standard deviation of its grain, and a shade across it."""
    plain = level - np.linspace(0, shade, 100)[None].repeat(40, axis=0)
    noise = np.random.default_rng(3).normal(0, grain, plain.shape)
    return np.clip(plain + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("grain", [0, 3, 7])
@pytest.mark.parametrize("level", [0, 90, 240, 255])
def test_bare_paper_is_blank(level, grain):
    assert is_blank(paper(level, grain), WHOLE)
    assert is_blank(cv2.cvtColor(paper(level, grain), cv2.COLOR_GRAY2BGR), WHOLE)


def test_paper_in_a_soft_shade_is_blank():
    assert is_blank(paper(grain=4, shade=10), WHOLE)


@pytest.mark.parametrize("grain", [0, 7])
@pytest.mark.parametrize(("level", "ink"), [(240, 20), (250, 190), (20, 230), (128, 60)])
@pytest.mark.parametrize("mark", [Box(40, 18, 60, 22), Box(48, 30, 53, 35), Box(50, 5, 53, 35)])
def test_hyphens_points_and_strokes_are_ink_dark_or_light(level, ink, grain, mark):
    image = paper(level, grain)
    image[mark.ymin : mark.ymax, mark.xmin : mark.xmax] = ink
    assert not is_blank(image, WHOLE)
    assert not is_blank(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), WHOLE)


@pytest.mark.parametrize("size", [(4, 3), (8, 6), (3, 20), (20, 5), (1, 9)])
def test_boxes_as_small_as_their_point_show_ink(size):
    image = paper(grain=2)
    box = Box(30, 10, 30 + size[0], 10 + size[1])
    image[10 : 10 + max(1, size[1] // 2), 30 : 30 + max(1, size[0] // 2)] = 190
    assert not is_blank(image, box)
    assert is_blank(paper(grain=2), box)


def test_a_photograph_is_ink():
    assert not is_blank(page_image(3), Box(10, 10, 60, 40))


def test_what_is_around_a_box_is_not_in_it():
    image = paper()
    image[:, :30] = image[:, 70:] = image[:10] = image[30:] = 0
    assert is_blank(image, Box(32, 12, 68, 28))
    assert not is_blank(image, Box(31, 12, 68, 28))


@pytest.mark.parametrize("box", [Box(30, 18, 50, 22), Box(40, 10, 60, 30), Box(0, 0, 20, 4)])
def test_what_fills_its_box_is_ink(box):
    image = paper(grain=2)
    image[box.ymin : box.ymax, box.xmin : box.xmax] = 0
    assert not is_blank(image, box)


def test_blank_boxes_are_counted_and_those_off_the_page_are_blank():
    page = printed_page()
    assert count_blank(page, BOXES) == 0
    beside = [Box(10, 300, 60, 320), Box(WIDTH, 0, WIDTH + 50, 20), Box(-60, 20, -5, 40), Box(0, HEIGHT - 2, 50, 600)]
    assert count_blank(page, [*BOXES, *beside]) == 4


@pytest.mark.parametrize(
    ("blank", "boxes", "beside"),
    [
        *[(0, 0, False), (0, 9, False), (1, 1, True), (2, 2, True), (1, 2, False), (2, 12, False), (3, 12, True)],
        *[(3, 60, False), (10, 200, False), (11, 200, True), (104, 134, True)],
    ],
)
def test_how_many_are_too_many(blank, boxes, beside):
    assert are_beside_print(blank, boxes) == beside

"""Boxes and corners: which words lie tilted, and in which order their corners come."""

import cv2
import numpy as np
import pytest
from easyocr.utils import four_point_transform

from train_easyocr.documents import Box, Quad, Word
from train_easyocr.documents.page import bounds, corners_of, enclosing_box, shape_of

TILTED = Quad((10, 30), (90, 10), (95, 30), (15, 50))
UPRIGHT = ((10, 20), (90, 20), (90, 50), (10, 50))


def orders(corners):
    """All orders in which a tool may write four corners: each start, both ways round, and crosswise."""
    a, b, c, d = corners
    for ring in ((a, b, c, d), (d, c, b, a), (a, b, d, c)):
        for first in range(4):
            yield Quad(*ring[first:], *ring[:first])


@pytest.mark.parametrize("corners", list(orders(TILTED)))
def test_corners_in_any_order_bound_the_same_region(corners):
    assert corners.ordered == TILTED
    assert corners.area == TILTED.area == 1700
    assert corners.bounds == Box(10, 10, 95, 50)
    assert shape_of(corners.bounds, corners) == TILTED


@pytest.mark.parametrize("corners", list(orders(UPRIGHT)))
def test_corners_of_an_upright_box_are_that_box(corners):
    assert shape_of(corners.bounds, corners) == Box(10, 20, 90, 50)
    assert (corners_of(corners) is None) == (corners == UPRIGHT)


def test_a_plain_word_has_no_corners():
    assert repr(Word(Box(1, 2, 3, 4), "가")) == "Word(box=Box(xmin=1, ymin=2, xmax=3, ymax=4), text='가')"
    assert Word(Box(1, 2, 3, 4), "가").shape == Box(1, 2, 3, 4)
    assert Word(TILTED.bounds, "가", TILTED).shape == TILTED
    assert "dont_care=True" in repr(Word(TILTED.bounds, "가", TILTED, dont_care=True))


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        pytest.param([(10, 20), (90, 50)], None, id="two corners of an upright box"),
        pytest.param([(10.5, 20.25), (90.5, 20.25), (90.5, 50), (10.5, 50)], None, id="upright between pixels"),
        pytest.param(TILTED, TILTED, id="tilted"),
        pytest.param([*TILTED, TILTED[0]], TILTED, id="closed ring"),
        pytest.param([(10, 20), (50, 20), (90, 20), (90, 50), (50, 50), (10, 50)], None, id="upright with more points"),
        pytest.param([(5, 5)], None, id="point"),
    ],
)
def test_corners_of_outlines(points, expected):
    assert corners_of(points) == expected


def test_a_polygon_gets_the_smallest_rectangle_around_it():
    outline = [(0, 30), (40, 20), (80, 10), (84, 30), (44, 40), (4, 50)]
    found = corners_of(outline)
    ring = np.float32(found).reshape(-1, 1, 2)
    assert all(cv2.pointPolygonTest(ring, point, True) > -0.1 for point in outline)
    assert found.ordered == found
    assert found.area < enclosing_box(outline).area / 1.5


def test_bounds():
    assert bounds(TILTED) == Box(10, 10, 95, 50)
    assert bounds(Box(1, 2, 3, 4)) == Box(1, 2, 3, 4)
    assert enclosing_box([(0.2, 0.9), (10.1, 5.5)]) == Box(0, 0, 11, 6)


@pytest.mark.parametrize("corners", [TILTED, Quad((0.5, 9.25), (30, 2), (31.5, 14), (2, 20.75))])
def test_size_is_that_of_what_easyocr_straightens(corners):
    straight = four_point_transform(np.zeros((60, 100), np.uint8), np.float32(corners))
    assert corners.size == straight.shape[::-1]


@pytest.mark.parametrize(
    "corners", [Quad((10, 10), (50, 30), (50, 30), (10, 10)), Quad((9, 9), (9, 9), (9, 9), (9, 9))]
)
def test_what_has_no_area_has_no_size(corners):
    assert corners.size == (0, 0)
    assert corners.area == 0

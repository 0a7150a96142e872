"""A page's second view, what is mapped back from it, and what two views agree on."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from tests.detection.page_files import WORDS, draw_page
from train_easyocr.detection.db_boxes import DbParameters
from train_easyocr.detection.interface import ScoreMaps
from train_easyocr.detection.two_views import DOUBTFUL, SCALE, find_twice, mapped_back, second_view
from train_easyocr.documents.page import Box

WIDTH, HEIGHT = 800, 600
FLAT, DOT = Box(100, 300, 700, 330), Box(5, 590, 9, 594)


def bounds_in_view(boxes, matrix):
    corners = np.array([[(b.xmin, b.ymin), (b.xmax, b.ymin), (b.xmax, b.ymax), (b.xmin, b.ymax)] for b in boxes], float)
    moved = corners @ matrix[:, :2].T + matrix[:, 2]
    return [Box(*edges) for edges in np.hstack([moved.min(1), moved.max(1)]).tolist()]


@pytest.mark.parametrize("scale", [SCALE, 0.31])
def test_bounds_in_the_view_are_mapped_back_exactly(scale):
    _, matrix = second_view(np.full((HEIGHT, WIDTH), 255, np.uint8), scale)
    boxes = [*WORDS, FLAT, DOT, Box(0, 0, WIDTH, HEIGHT)]
    assert mapped_back(bounds_in_view(boxes, matrix), matrix, WIDTH, HEIGHT) == boxes


def test_the_view_shows_what_the_map_says_and_all_of_the_page():
    page = np.full((HEIGHT, WIDTH), 255, np.uint8)
    box = Box(600, 40, 760, 90)
    page[box.ymin : box.ymax, box.xmin : box.xmax] = 0
    view, matrix = second_view(page, SCALE)
    rows, columns = np.nonzero(view < 128)
    (expected,) = bounds_in_view([box], matrix)
    found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    np.testing.assert_allclose(found, expected, atol=1)
    assert abs((view < 128).sum() - box.area * SCALE**2) < 0.02 * box.area
    (whole,) = bounds_in_view([Box(0, 0, WIDTH, HEIGHT)], matrix)
    assert whole.xmin > -1 and whole.ymin > -1 and whole.xmax < view.shape[1] + 1 and whole.ymax < view.shape[0] + 1


def test_nothing_found_stays_nothing():
    _, matrix = second_view(np.zeros((50, 50), np.uint8), 1.0)
    assert mapped_back([], matrix, 50, 50) == []


@dataclass(frozen=True)
class TwoLists:
    """Says of the page, and of its view, what it was told: boxes of the page by how sure it is of them."""

    here: dict
    there: dict
    parameters: DbParameters
    long_side: int = 2240

    def with_parameters(self, parameters):
        return replace(self, parameters=parameters)

    def score_maps_of(self, pages):
        page, view = pages
        matrix = second_view(page, SCALE)[1]
        np.testing.assert_array_equal(view, second_view(page, SCALE)[0])
        return [ScoreMaps(np.zeros((1, 1, 1)), 1, (place, matrix)) for place in (self.here, self.there)]

    def boxes(self, maps):
        found, matrix = maps.page_size
        boxes = [box for box, sure in found.items() if sure >= self.parameters.det_db_box_thresh]
        return boxes if found is self.here else bounds_in_view(boxes, matrix)


PART = WORDS[0]._replace(xmax=WORDS[0].xmax - 40)
"""Lies on what both views show as a longer word."""
SAME, MOVED, AWAY, UNSURE, ALONE, LABELLED = *WORDS, Box(150, 100, 200, 124)
DETECTOR = TwoLists(
    {SAME: 0.9, PART: 0.4, MOVED: 0.9, AWAY: 0.9, UNSURE: 0.5, LABELLED: 0.9},
    {
        SAME: 0.9,
        MOVED._replace(xmax=MOVED.xmax - 5): 0.7,
        AWAY._replace(xmin=AWAY.xmin + 30): 0.9,
        UNSURE: 0.9,
        ALONE: 0.4,
        LABELLED: 0.9,
        Box(0, 150, 20, 170): DOUBTFUL - 0.01,
    },
    DbParameters(),
)


def test_what_both_views_show_is_agreed_and_the_rest_is_doubtful():
    found = find_twice(DETECTOR, draw_page(WORDS))
    assert found.agreed == [SAME, MOVED, LABELLED]
    assert found.doubtful == [AWAY, UNSURE, AWAY._replace(xmin=AWAY.xmin + 30), UNSURE, ALONE]


def test_what_labels_cover_neither_joins_them_nor_is_doubtful():
    found = find_twice(DETECTOR, draw_page(WORDS), [LABELLED, ALONE._replace(xmax=ALONE.xmax + 4)])
    assert found.agreed == [SAME, MOVED]
    assert ALONE not in found.doubtful

"""What db_light is taught."""

import numpy as np
import pytest

from train_easyocr.detection.db_boxes import DbParameters, db_boxes
from train_easyocr.detection.db_targets import (
    COUNTS,
    PROBABILITY,
    THRESHOLD,
    THRESHOLD_COUNTS,
    db_targets,
    shrink_distance,
    unclip_distance,
)
from train_easyocr.detection.interface import ScoreMaps

NONE = np.zeros((0, 4))


@pytest.mark.parametrize(("width", "height"), [(40.0, 40.0), (150.0, 50.0), (50.0, 150.0), (2000.0, 40.0), (3.0, 9.0)])
@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.2])
def test_what_is_shrunken_unclips_to_what_it_was(width, height, ratio):
    distance = shrink_distance(width, height, ratio)
    assert 0 < 2 * distance < min(width, height)
    assert unclip_distance(width - 2 * distance, height - 2 * distance, ratio) == pytest.approx(distance)


def test_a_square_by_hand():
    # 14 d^2 - 2 * 2.5 * 20 d + 1.5 * 100 = 0: d = (100 - sqrt(10000 - 8400)) / 28 = 60 / 28.
    assert shrink_distance(10.0, 10.0) == pytest.approx(60 / 28)
    found = db_targets(np.array([[5.0, 5.0, 15.0, 15.0]]), NONE, (20, 20))[PROBABILITY]
    expected = np.zeros((20, 20), np.uint8)
    expected[7:13, 7:13] = 1  # 5 + 60 / 28 = 7.14: of the pixels whose centres lie inside, 7 is the first
    np.testing.assert_array_equal(found, expected)


def test_a_long_word_keeps_two_fifths_of_its_height():
    found = db_targets(np.array([[0.0, 10.0, 500.0, 20.0]]), NONE, (30, 500))[PROBABILITY]
    assert found.any(axis=1).sum() == 4


def test_neighbours_that_touch_stay_apart():
    boxes = np.array([[0.0, 0.0, 12.0, 10.0], [12.0, 0.0, 24.0, 10.0], [0.0, 10.0, 24.0, 20.0]])
    found = db_targets(boxes, NONE, (20, 24))[PROBABILITY]
    assert not found[:, 11:13][:10].any() and not found[9:11].any()
    assert found[5, 6] and found[5, 18] and found[15, 12]


def test_the_threshold_is_highest_at_the_edge_and_falls_on_both_sides():
    found = db_targets(np.array([[10.0, 10.0, 50.0, 30.0]]), NONE, (40, 60))
    distance = shrink_distance(40.0, 20.0)
    row = found[THRESHOLD][20] / 255
    for pixel in range(4, 16):
        expected = 0.3 + 0.4 * max(0, 1 - abs(pixel + 0.5 - 10) / distance)
        assert row[pixel] == pytest.approx(expected, abs=1 / 255)
    assert row[30] == pytest.approx(0.3, abs=1 / 255)
    assert found[THRESHOLD_COUNTS][20, 30] and not found[THRESHOLD_COUNTS][20, 2]


def test_ignored_areas_count_for_nothing():
    found = db_targets(np.array([[10.0, 10.0, 30.0, 20.0]]), np.array([[40.2, 5.0, 50.0, 9.5]]), (30, 60))
    assert not found[COUNTS][5:10, 40:50].any() and not found[THRESHOLD_COUNTS][5:10, 40:50].any()
    assert (found[COUNTS] > 0).sum() == 30 * 60 - 5 * 10


def test_pixels_of_small_words_count_more():
    word, digit, hyphen = [4.0, 4.0, 44.0, 15.0], [50.0, 4.0, 54.6, 12.0], [56.0, 9.0, 61.0, 10.2]
    found = db_targets(np.array([word, digit, hyphen]), NONE, (20, 64))
    inside = [found[COUNTS][10, 20], found[COUNTS][8, 52], found[COUNTS][9, 58]]
    assert inside == [1, 2, 4]
    # Likewise the background around a small word, but not what is of another word, or further off.
    assert found[COUNTS][12, 58] == 4 and found[COUNTS][10, 49] == 2 and found[COUNTS][4, 54] == 2
    assert found[COUNTS][10, 3] == 1 and found[COUNTS][0, 58] == 1
    # A digit as a whole still counts less than a word.
    kernels = found[PROBABILITY] * found[COUNTS].astype(int)
    assert kernels[:, 55:].sum() < kernels[:, 46:55].sum() < kernels[:, :46].sum()


def test_a_word_too_small_for_the_map_is_not_taught_as_background():
    found = db_targets(np.array([[10.0, 10.0, 10.9, 14.0]]), NONE, (30, 60))
    assert not found[PROBABILITY].any() and not found[COUNTS][10:14, 10].any()


def test_a_thin_word_has_a_pixel_across():
    found = db_targets(np.array([[10.4, 10.0, 12.5, 30.0]]), NONE, (40, 30))[PROBABILITY]
    assert found[20].sum() == 1 and found[20, 11]


@pytest.mark.parametrize("size", [(4.8, 1.4), (1.8, 4.9), (2.1, 2.1)])
def test_a_mark_as_small_as_on_real_pages_is_taught_and_found_again(size):
    # A hyphen, a colon and a middle dot on a page of 300 dots per inch that is read at 1,600 pixels.
    overlaps = []
    for x, y in np.stack(np.meshgrid(*[np.arange(0, 1, 0.125)] * 2), -1).reshape(-1, 2):
        box = np.array([10 + x, 10 + y, 10 + x + size[0], 10 + y + size[1]])
        maps = db_targets(box[None], NONE, (30, 30))[PROBABILITY][None].astype(np.float32)
        (found,) = db_boxes(ScoreMaps(maps, 20.0, (600, 600)), DbParameters())
        shared = np.minimum(box[2:], np.array(found[2:]) / 20) - np.maximum(box[:2], np.array(found[:2]) / 20)
        inside = np.prod(np.maximum(shared, 0))
        overlaps.append(inside / (np.prod(size) + found.area / 400 - inside))
    assert np.mean(overlaps) > 0.55 and np.mean(np.array(overlaps) >= 0.5) > 0.9


def test_boxes_can_leave_the_map():
    found = db_targets(
        np.array([[-20.0, -5.0, 8.0, 10.0], [44.0, 20.0, 84.0, 80.0]]), np.array([[-9.0, -9, -1, -1]]), (40, 60)
    )
    assert found[PROBABILITY][2, 0] and found[PROBABILITY][38, 59]
    assert found[COUNTS].all()

"""Pieces of pages: what is cut out, where the words are on it, what is done to it."""

import cv2
import numpy as np
import pytest

from tests.detection.page_files import WORDS, draw_page
from train_easyocr.detection.crops import random_crop
from train_easyocr.detection.page_augmentation import spoil
from train_easyocr.detection.pages import PageLabels
from train_easyocr.detection.scaling import whole_page

NONE = np.zeros((0, 4))


def labels_of(boxes, unusable=()):
    return PageLabels(np.array(boxes), np.array(unusable, np.int64).reshape(-1, 4))


def block_page(boxes, width=600, height=500):
    """Black boxes on white."""
    page = np.full((height, width), 255, np.uint8)
    for box in boxes:
        page[box[1] : box[3], box[0] : box[2]] = 0
    return page


def ink_bounds(image):
    rows, columns = np.flatnonzero((image < 128).any(1)), np.flatnonzero((image < 128).any(0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("long_side", [300, 600, 1200])
def test_boxes_follow_the_image(seed, long_side, monkeypatch):
    monkeypatch.setattr("train_easyocr.detection.crops.spoil", lambda image, *_: Unchanged(image))
    box = (200, 200, 330, 240)
    page = block_page([box])
    random = np.random.default_rng(seed)
    crop = random_crop(page, labels_of([box]), size=256, long_side=long_side, strength=1.0, random=random)
    if len(crop.boxes):
        assert np.abs(ink_bounds(crop.image) - crop.boxes[0]).max() < 1.6
    else:
        assert len(crop.ignored) or not (crop.image < 128).any()


class Unchanged:
    """What `spoil` returns when it does nothing."""

    boxes = NONE

    def __init__(self, image):
        self.image = image


@pytest.mark.parametrize("seed", range(4))
def test_without_augmentation_a_piece_is_as_the_page_is_read(seed):
    page = draw_page(WORDS)
    crop = random_crop(page, labels_of(WORDS), size=64, long_side=128, strength=0.0, random=np.random.default_rng(seed))
    # Two pixels of the page become one; the first of them is an odd or an even one.
    scaled = [
        cv2.resize(page[y:, x:], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for y in (0, 1) for x in (0, 1)
    ]
    pieces = (whole[y : y + 64, x : x + 64] for whole in scaled for y in range(33) for x in range(65))
    assert any(piece.shape == (64, 64) and np.abs(piece.astype(int) - crop.image).max() <= 1 for piece in pieces)


def test_words_that_the_edge_cuts_are_ignored():
    box = (0, 100, 600, 140)  # wider than any piece
    crop = random_crop(
        block_page([box]), labels_of([box]), size=64, long_side=600, strength=0.0, random=np.random.default_rng(0)
    )
    assert not len(crop.boxes) and len(crop.ignored) == 1


def test_words_at_the_pages_edge_are_cut_to_the_page():
    box = (-50, 100, 60, 140)
    for seed in range(5):
        random = np.random.default_rng(seed)
        crop = random_crop(block_page([box]), labels_of([box]), size=512, long_side=600, strength=0.0, random=random)
        if len(crop.boxes):
            assert crop.boxes[0][2] - crop.boxes[0][0] == pytest.approx(60)
            return
    pytest.fail("no piece held the word")


def test_unusable_places_go_along():
    page = block_page([(100, 100, 140, 120)], 128, 128)
    crop = random_crop(
        page, labels_of([(100, 100, 140, 120)], [(10, 10, 20, 20)]), size=128, long_side=128, strength=0.0,
        random=np.random.default_rng(0),
    )  # fmt: skip
    assert crop.ignored[-1].tolist() == pytest.approx([10, 10, 20, 20])


def test_a_piece_is_a_function_of_its_random_numbers():
    page, labels = draw_page(WORDS), labels_of(WORDS)
    for seed in range(6):
        first, second = (
            random_crop(page, labels, size=96, long_side=256, strength=1.0, random=np.random.default_rng(seed))
            for _ in range(2)
        )
        np.testing.assert_array_equal(first.image, second.image)
        np.testing.assert_array_equal(first.boxes, second.boxes)


def test_pages_smaller_than_a_piece():
    crop = random_crop(
        np.full((20, 30), 255, np.uint8), labels_of(np.zeros((0, 4), int)), size=96, long_side=1600, strength=1.0,
        random=np.random.default_rng(0),
    )  # fmt: skip
    assert crop.image.shape == (96, 96) and not len(crop.boxes)


def test_pasted_words_are_copies_in_free_places():
    page, boxes = draw_page(WORDS[:2], 400, 300), np.array(WORDS[:2], float)
    ignored = np.array([[0.0, 200.0, 400.0, 300.0]])
    seen = 0
    for seed in range(40):
        found = spoil(page, boxes, ignored, 1.0, np.random.default_rng(seed))
        for number, box in enumerate(found.boxes):
            seen += 1
            assert any(np.allclose(box[2:] - box[:2], source[2:] - source[:2]) for source in boxes)
            others = np.vstack([boxes, ignored, found.boxes[:number]])
            assert ((box[:2] >= others[:, 2:]) | (box[2:] <= others[:, :2])).any(1).all()
            assert box.min() >= 0 and (box[2:] <= [400, 300]).all()
    assert seen > 20


def test_a_strength_of_nothing_changes_nothing():
    page = draw_page(WORDS)
    found = spoil(page, np.array(WORDS, float), NONE, 0.0, np.random.default_rng(0))
    np.testing.assert_array_equal(found.image, page)
    assert not len(found.boxes)


def test_a_page_is_never_enlarged_and_filled_up_with_its_edge():
    page = block_page([(90, 0, 100, 60)], 100, 60)
    whole, scale = whole_page(page, 1600, 32)
    assert scale == 1 and whole.shape == (64, 128)
    np.testing.assert_array_equal(whole[:60, :100], page)
    assert not whole[:, 100:].any()


def test_of_a_strip_a_pixel_is_left():
    whole, scale = whole_page(np.tile(np.uint8([200, 40]), (8000, 1)), 1600, 32)
    assert scale == 0.2 and whole.shape == (1600, 32)
    assert (whole == round((200 + 4 * 40) / 5)).all()

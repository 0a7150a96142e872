"""Crops as detectors draw them: inside the patch, around the box, and the box itself without jitter."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from train_easyocr.recognition.box_jitter import jittered_crop, tight_crop

SIDES = st.tuples(*[st.integers(0, 9)] * 4)
SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40))


def numbered(size, margins):
    """A patch whose pixels are numbered, so that each tells its place."""
    (height, width), (left, top, right, bottom) = size, margins
    shape = (height + top + bottom, width + left + right)
    return np.arange(shape[0] * shape[1], dtype=np.int32).reshape(shape)


def edges(patch, crop):
    """Pixels between the crop and the patch's left, upper, right and lower edge."""
    row, column = divmod(int(crop[0, 0]), patch.shape[1])
    return column, row, patch.shape[1] - column - crop.shape[1], patch.shape[0] - row - crop.shape[0]


@given(SIZES, SIDES)
def test_the_tight_crop_is_the_box(size, margins):
    patch = numbered(size, margins)
    crop = tight_crop(patch, margins)
    assert crop.shape == size and edges(patch, crop) == margins
    assert np.shares_memory(crop, patch)


@given(SIZES, SIDES, st.floats(0, 1), st.integers(0, 99))
def test_a_jittered_crop_is_a_rectangle_of_the_patch_near_the_box(size, margins, amount, seed):
    patch = numbered(size, margins)
    crop = jittered_crop(patch, margins, amount, np.random.default_rng(seed))
    found = edges(patch, crop)
    np.testing.assert_array_equal(crop, patch[found[1] :, found[0] :][: crop.shape[0], : crop.shape[1]])
    assert crop.size >= 1 and min(found) >= 0
    furthest = amount * min(size) + 1  # inwards; outwards at most twice that
    assert all(-furthest <= margin - edge <= 2 * furthest for margin, edge in zip(margins, found, strict=True)) or (
        min(crop.shape) == 1
    )


@given(SIZES, SIDES, st.integers(0, 99))
def test_no_jitter_gives_the_box_and_no_context_gives_the_patch(size, margins, seed):
    patch = numbered(size, margins)
    np.testing.assert_array_equal(
        jittered_crop(patch, margins, 0, np.random.default_rng(seed)), tight_crop(patch, margins)
    )
    assert jittered_crop(patch, (0, 0, 0, 0), 0.5, np.random.default_rng(seed)).shape == patch.shape


def test_sides_move_outwards_on_average_each_by_itself_as_much_as_asked_for():
    margins, amount, random = (20, 20, 20, 20), 0.1, np.random.default_rng(5)
    patch = numbered((50, 130), margins)
    outwards = np.array(
        [20 - np.array(edges(patch, jittered_crop(patch, margins, amount, random))) for _ in range(4000)]
    )
    # common: mean 0.05 and deviation 0.1 / sqrt(12) of 50 pixels; own: 0.05 of them.
    assert np.allclose(outwards.mean(0), 2.5, atol=0.2)
    assert np.allclose(outwards.std(0), np.hypot(5 / 12**0.5, 2.5), atol=0.3)
    correlation = np.corrcoef(outwards.T)[np.triu_indices(4, 1)]
    assert np.allclose(correlation, (25 / 12) / (25 / 12 + 6.25), atol=0.08)
    assert -5 <= outwards.min() < 0 and 5 < outwards.max() <= 10


def test_equal_random_numbers_give_equal_crops_and_every_word_takes_as_many():
    first, second = np.random.default_rng(7), np.random.default_rng(7)
    patch = numbered((30, 60), (6, 6, 6, 6))
    crop = jittered_crop(patch, (6, 6, 6, 6), 0.2, first)
    jittered_crop(numbered((9, 9), (0, 0, 0, 0)), (0, 0, 0, 0), 0.2, second)
    assert first.random() == second.random()
    assert np.array_equal(crop, jittered_crop(patch, (6, 6, 6, 6), 0.2, np.random.default_rng(7)))


@pytest.mark.parametrize("margins", [(-1, 0, 0, 0), (5, 0, 5, 0), (0, 9, 0, 9), (99, 0, 0, 0)])
def test_margins_that_do_not_fit_are_refused(margins):
    with pytest.raises(ValueError, match="do not fit a patch of 10 x 10"):
        tight_crop(np.zeros((10, 10), np.uint8), margins)

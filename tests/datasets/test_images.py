"""Preparation of words, bit for bit against EasyOCR's own functions."""

import cv2
import numpy as np
import pytest
import torch
from easyocr.recognition import AlignCollate, adjust_contrast_grey
from easyocr.utils import get_image_list
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from train_easyocr.datasets.images import raise_contrast, reading_width, resize_patch, to_batch
from train_easyocr.engine.device import normalize

SHAPES = [(1, 1), (1, 40), (40, 1), (64, 64), (57, 124), (124, 57), (30, 301), (33, 1200), (65, 64), (64, 65), (2, 3)]


def as_tensor(images, width):
    return torch.from_numpy(to_batch(images, width))


def random_patch(height, width, seed=0, channels=()):
    return np.random.default_rng(seed).integers(0, 256, (height, width, *channels), dtype=np.uint8)


def easyocr_input(patch, img_height, max_width=None, contrast=0.0):
    """What EasyOCR's reader hands its network for a box that is the whole of `patch`."""
    height, width = patch.shape
    [(_, crop)], own_width = get_image_list([[0, width, 0, height]], [], patch, model_height=img_height)
    width = max_width or int(own_width)
    collate = AlignCollate(imgH=img_height, imgW=width, keep_ratio_with_pad=True, adjust_contrast=contrast)
    return collate([Image.fromarray(crop)])


@pytest.mark.parametrize("img_height", [32, 48, 64])
@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_a_word_is_what_easyocr_makes_of_it(height, width, img_height):
    patch = random_patch(height, width)
    batch_width = reading_width(width, height, img_height)
    ours = normalize(as_tensor([resize_patch(patch, img_height, batch_width)], batch_width))
    assert torch.equal(ours, easyocr_input(patch, img_height))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.integers(1, 150), st.integers(1, 400), st.sampled_from([32, 48, 64, 80]), st.integers(0, 9))
def test_words_of_any_size_are_what_easyocr_makes_of_them(height, width, img_height, seed):
    patch = random_patch(height, width, seed)
    batch_width = reading_width(width, height, img_height)
    ours = normalize(as_tensor([resize_patch(patch, img_height, batch_width)], batch_width))
    assert torch.equal(ours, easyocr_input(patch, img_height))


@pytest.mark.parametrize("width", [599, 601, 640, 1500])
def test_words_wider_than_the_greatest_width_are_squeezed_as_easyocr_squeezes(width):
    patch = random_patch(64, width)
    ours = resize_patch(patch, 64, 600)
    assert ours.shape == (64, min(width, 600))
    assert torch.equal(normalize(as_tensor([ours], 600)), easyocr_input(patch, 64, max_width=600))


@pytest.mark.parametrize(("height", "width"), [(30, 90), (90, 30), (57, 124), (64, 64)])
def test_the_second_try_at_a_faint_word_sees_what_easyocr_shows_it(height, width):
    faint = 150 + random_patch(height, width) // 8
    ours = resize_patch(faint, 64, reading_width(width, height, 64), contrast=0.5)
    assert not np.array_equal(ours, resize_patch(faint, 64, 600))
    batch = as_tensor([ours], reading_width(width, height, 64))
    assert torch.equal(normalize(batch), easyocr_input(faint, 64, contrast=0.5))


def test_widths_at_which_easyocr_reads():
    assert reading_width(200, 64, 64) == 256
    assert reading_width(128, 64, 64) == 128
    assert reading_width(57, 124, 64) == 192
    assert reading_width(1, 1, 32) == 32


def test_a_tall_word_is_shrunk_to_the_height():
    assert resize_patch(random_patch(120, 50), 64, 600).shape == (64, 27)


def test_stretching_ignores_the_proportions():
    patch = random_patch(20, 30)
    stretched = resize_patch(patch, 32, 100, keep_ratio=False)
    assert np.array_equal(stretched, np.asarray(Image.fromarray(patch).resize((100, 32), Image.Resampling.BICUBIC)))


def test_colour_channels_are_treated_alike():
    patch = random_patch(50, 77, channels=(3,))
    resized = resize_patch(patch, 64, 600)
    for channel in range(3):
        assert np.array_equal(resized[..., channel], resize_patch(patch[..., channel].copy(), 64, 600))
    batch = to_batch([resized], 128)
    assert batch.shape == (1, 3, 64, 128)
    assert np.array_equal(batch[0, 2, :, : resized.shape[1]], resized[..., 2])


def test_empty_patches_are_refused():
    with pytest.raises(ValueError, match="5 x 0 pixels"):
        resize_patch(np.zeros((0, 5), dtype=np.uint8), 64, 600)


def test_a_batch_repeats_each_words_last_column():
    first, second = np.array([[1, 2], [3, 4]], dtype=np.uint8), np.array([[5, 6, 7], [8, 9, 10]], dtype=np.uint8)
    batch = to_batch([first, second], 3)
    assert batch.dtype == np.uint8
    assert batch.tolist() == [[[[1, 2, 2], [3, 4, 4]]], [[[5, 6, 7], [8, 9, 10]]]]


def test_a_word_too_wide_for_its_batch_is_refused():
    with pytest.raises(ValueError, match="70 pixels does not fit"):
        to_batch([random_patch(64, 70)], 69)


def test_normalizing_spans_minus_one_to_one():
    pixels = torch.tensor([0, 255], dtype=torch.uint8)
    assert normalize(pixels).tolist() == [-1, 1]
    assert pixels.tolist() == [0, 255]
    assert normalize(pixels, torch.bfloat16).dtype == torch.bfloat16


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("target", [0.4, 0.5])
def test_contrast_is_raised_as_easyocr_raises_it(seed, target):
    random = np.random.default_rng(seed)
    low, span = random.integers(0, 200), random.integers(1, 56)
    faint = (low + random.random((30, 80)) * span).astype(np.uint8)
    assert np.array_equal(raise_contrast(faint, target), adjust_contrast_grey(faint, target))
    strong = cv2.GaussianBlur(random_patch(30, 80, seed), (3, 3), 0)
    assert np.array_equal(raise_contrast(strong, target), adjust_contrast_grey(strong, target))


def test_a_contrast_that_is_enough_is_left_alone():
    strong = np.array([[0, 255]], dtype=np.uint8)
    assert raise_contrast(strong, 0.5) is strong

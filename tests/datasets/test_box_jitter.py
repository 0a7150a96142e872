"""Crops as detectors draw them: inside the patch, around the box, and the box itself without jitter.

And what training sees of sets with context: with jitter off, exactly what it sees of sets without.
"""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.recognition.word_sets import WORDS, render, tiny_config, write_set
from train_easyocr.datasets.box_jitter import jittered_crop, tight_crop
from train_easyocr.datasets.data import DataError, PatchError, open_set
from train_easyocr.datasets.sampling import training_plan
from train_easyocr.recognition.batches import training_batches
from train_easyocr.weights.characters import CharacterSet

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


MARGIN = [(3 + number % 5, 4, number % 3, 6) for number in range(len(WORDS))]
BOXES = [render(word, noise=number) for number, word in enumerate(WORDS)]


def with_context(patch, margins):
    left, top, right, bottom = margins
    return np.pad(patch, ((top, bottom), (left, right)), constant_values=7)


def write_sets(folder):
    """The same words without context, and with it in both forms."""
    wide = [with_context(patch, margins) for patch, margins in zip(BOXES, MARGIN, strict=True)]
    write_set(folder / "tight", WORDS, patches=BOXES)
    for form in ("png", "lmdb"):
        write_set(folder / form, WORDS, form=form, patches=wide, margins=MARGIN)


def opened(folder, **settings):
    config = tiny_config(**settings)
    return open_set(folder, config, CharacterSet.from_setting(config.character))


def seen(folder, workers=0, **settings):
    """All batches of a run: pixels and labels."""
    data = opened(folder, **settings)
    config = tiny_config(workers=workers, **settings)
    batches = training_batches([data], training_plan([data], config), config, 0, pin_memory=False)
    return [(batch.images, batch.labels) for batch in itertools.islice(batches, config.n_iter)]


def equal(first, second):
    return all(
        one[0].shape == two[0].shape and torch.equal(one[0], two[0]) and one[1] == two[1]
        for one, two in zip(first, second, strict=True)
    )


@pytest.mark.parametrize("form", ["png", "lmdb"])
@pytest.mark.parametrize("augmentation", ["off", "strong"])
def test_without_jitter_training_sees_what_it_sees_of_a_set_without_context(tmp_path, form, augmentation):
    write_sets(tmp_path)
    data = opened(tmp_path / form)
    for index, (box, margins) in enumerate(zip(BOXES, MARGIN, strict=True)):
        assert data.margins(index) == margins
        assert np.array_equal(data.patch(index, rgb=False), box)
    assert opened(tmp_path / "tight").margins(3) == (0, 0, 0, 0)
    assert equal(seen(tmp_path / form, augmentation=augmentation), seen(tmp_path / "tight", augmentation=augmentation))


def test_jitter_follows_from_seed_and_epoch_whatever_the_form_and_the_workers(tmp_path):
    write_sets(tmp_path)
    settings = {"box_jitter": 0.3, "augmentation": "off", "n_iter": 6}
    jittered = seen(tmp_path / "png", **settings)
    assert equal(jittered, seen(tmp_path / "lmdb", workers=2, **settings))
    assert not equal(jittered, seen(tmp_path / "png", **settings | {"seed": 7}))
    tight = seen(tmp_path / "tight", **settings)  # no context: nothing moves
    assert equal(tight, seen(tmp_path / "tight", **settings | {"box_jitter": 0.0}))
    assert all(one[0].shape == two[0].shape and one[1] == two[1] for one, two in zip(jittered, tight, strict=True))
    assert not any(torch.equal(one, two) for (one, _), (two, _) in zip(jittered, tight, strict=True))


def test_sizes_of_patches_without_a_size_in_their_names_are_those_of_the_boxes(tmp_path):
    wide = [with_context(patch, margins) for patch, margins in zip(BOXES, MARGIN, strict=True)]
    write_set(tmp_path / "set", WORDS, patches=wide, margins=MARGIN, name="{stem}.png")
    assert np.stack(opened(tmp_path / "set").sizes(), 1).tolist() == [list(box.shape[::-1]) for box in BOXES]


def test_margins_that_contradict_patches_or_labels_are_named(tmp_path):
    write_set(tmp_path / "set", WORDS, margins=[(0, 0, 1, 0)] * len(WORDS))
    file = tmp_path / "set/margins.csv"
    content = file.read_text(encoding="utf-8")
    file.write_text(content.replace(",0,0,1,0", ",0,0,2,0", 1), encoding="utf-8")
    with pytest.raises(PatchError, match=r"0000_.*margins \(0, 0, 2, 0\) do not fit"):
        opened(tmp_path / "set").patch(0, rgb=False)
    opened(tmp_path / "set").patch(1, rgb=False)
    file.write_text(content.rsplit("\n", 2)[0] + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"margins\.csv: 11 rows, labels\.csv 12"):
        opened(tmp_path / "set")
    file.write_text("filename\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"margins\.csv: can't be read"):
        opened(tmp_path / "set")

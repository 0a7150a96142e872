"""The batch plan, and batches as the network takes them."""

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.recognition.word_sets import WORDS, tiny_config, write_set
from train_easyocr.recognition import batches
from train_easyocr.recognition.batches import (
    BatchPlan,
    divide_for_reading,
    reading_batches,
    split_batch,
    training_batches,
    training_plan,
)
from train_easyocr.recognition.characters import CharacterSet
from train_easyocr.recognition.data import DataError, PatchError, open_set
from train_easyocr.recognition.images import reading_width, resize_patch, to_batch


def opened(folder, config):
    return open_set(folder, config, CharacterSet(config.character))


def some_widths(size, seed=0):
    return np.random.default_rng(seed).integers(1, 10, size) * 64


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.integers(1, 90), st.integers(1, 12), st.integers(0, 3), st.booleans())
def test_every_word_comes_once_an_epoch(size, count, seed, bucket):
    count = min(size, count)
    plan = BatchPlan([size], [count], seed, [some_widths(size)] if bucket else None)
    epochs = 4
    stream = np.concatenate([plan.words(step)[0] for step in range(-(-epochs * size // count))])
    for epoch in range(epochs):
        assert sorted(stream[epoch * size : (epoch + 1) * size]) == list(range(size))


def test_the_plan_follows_from_seed_and_step_alone():
    sizes, counts, widths = [530, 70], [5, 3], [some_widths(530), some_widths(70, 1)]
    forwards = BatchPlan(sizes, counts, 7, widths)
    expected = [[part.tolist() for part in forwards.words(step)] for step in range(300)]
    backwards = BatchPlan(sizes, counts, 7, widths)
    for step in reversed(range(300)):
        assert [part.tolist() for part in backwards.words(step)] == expected[step]
    other = BatchPlan(sizes, counts, 8, widths)
    assert [part.tolist() for part in other.words(0)] != expected[0]
    assert expected[0][0] != expected[106][0]  # the second epoch has another order


def test_words_of_like_width_share_a_batch_and_batches_come_in_random_order():
    widths = some_widths(4000)
    plan = BatchPlan([4000], [8], 1, [widths])
    steps = [widths[plan.words(step)[0]] for step in range(500)]
    mixed = BatchPlan([4000], [8], 1)
    padded = np.mean([step.max() for step in steps])
    assert padded / widths.mean() < 1.06
    assert np.mean([widths[mixed.words(step)[0]].max() for step in range(500)]) / widths.mean() > 1.5
    order = np.array([step.max() for step in steps], float)
    assert abs(np.corrcoef(order[:-1], order[1:])[0, 1]) < 0.2
    assert abs(np.corrcoef(order, np.arange(500))[0, 1]) < 0.2


def test_later_epochs_have_narrow_batches_too_where_batches_cross_their_ends():
    widths = some_widths(1005)
    plan = BatchPlan([1005], [8], 1, [widths])
    for epoch in range(4):
        steps = range(epoch * 1005 // 8 + 1, (epoch + 1) * 1005 // 8)
        padded = np.mean([widths[plan.words(step)[0]].max() for step in steps])
        assert padded / widths.mean() < 1.08


def test_the_same_width_has_no_fixed_company():
    widths = np.full(600, 64)
    plan = BatchPlan([600], [6], 1, [widths])
    first = {frozenset(plan.words(step)[0].tolist()) for step in range(100)}
    second = {frozenset(plan.words(step)[0].tolist()) for step in range(100, 200)}
    assert not first & second


def test_wide_words_of_one_set_meet_wide_words_of_the_others():
    widths = [some_widths(6400), some_widths(6400, 1)]
    plan = BatchPlan([6400, 6400], [16, 16], 3, widths)
    pairs = [[w[part].mean() for w, part in zip(widths, plan.words(step), strict=True)] for step in range(400)]
    assert np.corrcoef(np.array(pairs).T)[0, 1] > 0.97


@pytest.mark.parametrize(
    ("size", "shares", "counts"),
    [
        (8, [1], [8]),
        (8, [0.5, 0.5], [4, 4]),
        (10, [0.7, 0.3], [7, 3]),
        (64, [0.3, 0.7], [19, 45]),
        (7, [1 / 3] * 3, [3, 2, 2]),
    ],
)
def test_shares_of_a_batch_add_up(size, shares, counts):
    assert split_batch(size, shares) == counts


def test_a_share_without_a_word_is_refused():
    with pytest.raises(DataError, match="data set 2 no word in a batch of 4"):
        split_batch(4, [0.95, 0.05])


def test_batch_ratio_holds_in_every_batch(tmp_path):
    write_set(tmp_path / "a", WORDS)
    write_set(tmp_path / "b", WORDS[:7])
    config = tiny_config(select_data="a-b", batch_ratio="0.75-0.25", batch_size=8, n_iter=9)
    sets = [opened(tmp_path / name, config) for name in "ab"]
    plan = training_plan(sets, config)
    seen = [Counter(), Counter()]
    for batch in training_batches(sets, plan, config, 0, pin_memory=False):
        assert [len(part) for part in batch.words] == [6, 2]
        assert batch.labels == [data.label(i) for data, part in zip(sets, batch.words, strict=True) for i in part]
        for counter, part in zip(seen, batch.words, strict=True):
            counter.update(part.tolist())
    assert max(seen[0].values()) - min(seen[0].values()) <= 1
    assert max(seen[1].values()) - min(seen[1].values()) <= 1


def test_fewer_usable_words_than_a_batch_takes_are_refused(tmp_path):
    write_set(tmp_path / "set", ["가", "를", "나"])
    config = tiny_config(batch_size=3)
    with pytest.raises(DataError, match="2 of its 3 words can be used, fewer than the 3 that each batch takes"):
        training_plan([opened(tmp_path / "set", config)], config)


def test_a_batch_is_as_wide_as_its_widest_word_is_read(tmp_path):
    patches = write_set(tmp_path / "set", WORDS)
    config = tiny_config(n_iter=6)
    data = opened(tmp_path / "set", config)
    widths = set()
    for batch in training_batches([data], training_plan([data], config), config, 0, pin_memory=False):
        own = [patches[i] for i in batch.words[0]]
        width = min(128, max(reading_width(patch.shape[1], patch.shape[0], 32) for patch in own))
        expected = to_batch([resize_patch(patch, 32, 128) for patch in own], width)
        assert torch.equal(batch.images, expected)
        widths.add(width)
    assert len(widths) > 1


@pytest.mark.parametrize("changes", [{"batch_width": "fixed"}, {"batch_width": "fixed", "PAD": False}])
def test_fixed_batches_are_img_width_wide(tmp_path, changes):
    patches = write_set(tmp_path / "set", WORDS)
    config = tiny_config(n_iter=2, **changes)
    data = opened(tmp_path / "set", config)
    for batch in training_batches([data], training_plan([data], config), config, 0, pin_memory=False):
        images = [resize_patch(patches[i], 32, 128, keep_ratio=config.PAD) for i in batch.words[0]]
        assert torch.equal(batch.images, to_batch(images, 128))


def test_rgb_and_contrast_reach_the_input(tmp_path):
    patches = write_set(tmp_path / "set", WORDS[:4], patches=[np.full((32, 40), 120 + i, np.uint8) for i in range(4)])
    config = tiny_config(n_iter=1, rgb=True, input_channel=3, contrast_adjust=0.5)
    data = opened(tmp_path / "set", config)
    [batch] = training_batches([data], training_plan([data], config), config, 0, pin_memory=False)
    assert batch.images.shape == (4, 3, 32, 64)
    flat = resize_patch(patches[0], 32, 64, contrast=0.5)[0, 0]
    assert flat != patches[0][0, 0]
    assert (batch.images == int(flat)).all()


def test_long_text_in_a_narrow_box_widens_the_batch_only_in_training(tmp_path):
    write_set(tmp_path / "set", ["가나다라마바사가"], patches=[np.zeros((32, 32), np.uint8)])
    config = tiny_config(batch_size=1, n_iter=1)
    data = opened(tmp_path / "set", config)
    [batch] = training_batches([data], training_plan([data], config), config, 0, pin_memory=False)
    assert batch.images.shape[-1] == 64  # 8 characters need as many time steps; 32 pixels give 7
    [batch] = reading_batches(data, divide_for_reading(data, config), config, pin_memory=False)
    assert batch.images.shape[-1] == 32


def test_reading_batches_hold_every_word_once_at_its_own_width(tmp_path):
    wide = np.zeros((20, 300), np.uint8)
    patches = write_set(tmp_path / "set", [*WORDS, "가"])[:-1]
    patches.append(wide)
    write_set(tmp_path / "other", [*WORDS, "가"], patches=patches)
    config = tiny_config(batch_size=2)
    data = opened(tmp_path / "other", config)
    divided = divide_for_reading(data, config)
    assert sorted(np.concatenate(divided).tolist()) == list(range(len(data)))
    for batch in reading_batches(data, divided, config, pin_memory=False):
        own = [patches[i] for i in batch.words[0]]
        widths = {reading_width(patch.shape[1], patch.shape[0], 32) for patch in own}
        assert widths == {batch.images.shape[-1]}
        assert len(own) * batch.images.shape[-1] <= 2 * 128 or len(own) == 1
    assert batch.images.shape[-1] == 480  # wider than img_width: reading squeezes no word


@pytest.mark.parametrize("form", ["png", "lmdb"])
def test_workers_change_nothing(tmp_path, form):
    write_set(tmp_path / "set", WORDS, form=form)
    results = []
    for workers in (0, 1, 2):
        config = tiny_config(n_iter=10, workers=workers)
        data = opened(tmp_path / "set", config)
        results.append(list(training_batches([data], training_plan([data], config), config, 2, pin_memory=False)))
    assert len(results[0]) == 8
    for others in results[1:]:
        for batch, other in zip(results[0], others, strict=True):
            assert batch.labels == other.labels
            assert torch.equal(batch.images, other.images)


@pytest.mark.parametrize("workers", [0, 2])
def test_an_unreadable_patch_is_named_without_a_traceback(tmp_path, workers):
    write_set(tmp_path / "set", WORDS)
    victim = sorted((tmp_path / "set" / "images").iterdir())[5]
    victim.write_bytes(b"broken")
    config = tiny_config(n_iter=3, workers=workers)
    data = opened(tmp_path / "set", config)
    with pytest.raises(PatchError, match=victim.name) as error:
        list(training_batches([data], training_plan([data], config), config, 0, pin_memory=False))
    assert "Traceback" not in str(error.value)


def test_loading_draws_nothing_from_the_global_random_state(tmp_path):
    write_set(tmp_path / "set", WORDS)
    config = tiny_config(n_iter=3, workers=1)
    data = opened(tmp_path / "set", config)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    list(training_batches([data], training_plan([data], config), config, 0, pin_memory=False))
    assert torch.equal(torch.rand(3), expected)


def test_pools_are_cut_at_the_end_of_an_epoch(monkeypatch):
    monkeypatch.setattr(batches, "POOL_BATCHES", 3)
    monkeypatch.setattr(batches, "STEPS_BLOCK", 4)
    plan = BatchPlan([25], [4], 0, [np.arange(25)])
    stream = np.concatenate([plan.words(step)[0] for step in range(25)])
    assert Counter(stream.tolist()) == Counter(dict.fromkeys(range(25), 4))

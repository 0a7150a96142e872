"""Which words make which batch."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.recognition.word_sets import WORDS, tiny_config, write_set
from train_easyocr.common.errors import UsageError
from train_easyocr.datasets import sampling as module
from train_easyocr.datasets.data import open_set
from train_easyocr.datasets.sampling import POOL_BATCHES, BatchPlan, split_batch, training_plan
from train_easyocr.recognition.batches import training_batches
from train_easyocr.weights.characters import CharacterSet

AIHUB = {0: 0.5, 1: 0.81, 10: 0.92, 25: 1.79, 50: 2.73, 75: 4.3, 80: 4.7, 90: 5.74, 95: 6.95, 99: 8.3, 100: 11.0}
"""Percentiles of width by height of AI-Hub's words."""


def opened(folder, config):
    return open_set(folder, config, CharacterSet(config.character))


def some_widths(size, seed=0):
    return np.random.default_rng(seed).integers(1, 10, size) * 64


def aihub_widths(size, seed=0):
    ratios = np.interp(np.random.default_rng(seed).random(size) * 100, list(AIHUB), list(AIHUB.values()))
    return np.minimum(np.ceil(np.maximum(ratios, 1 / ratios)).astype(int) * 64, 600)


def stream_of(plan, steps, number=0):
    return np.concatenate([plan.words(step)[number] for step in range(steps)])


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(1, 90), st.integers(1, 12), st.integers(0, 3), st.sampled_from(["no", "bucket"]))
def test_every_word_comes_once_an_epoch(size, count, seed, kind):
    count = min(size, count)
    plan = BatchPlan([size], [count], count, seed, None if kind == "no" else [some_widths(size)])
    epochs = 4
    stream = stream_of(plan, -(-epochs * size // count) + POOL_BATCHES)
    for epoch in range(epochs):
        assert sorted(stream[epoch * size : (epoch + 1) * size]) == list(range(size))


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(20, 300), st.integers(1, 40)), min_size=2, max_size=4))
def test_every_word_of_every_set_comes_once_an_epoch(sets):
    lengths, parts = zip(*sets, strict=True)
    plan = BatchPlan(lengths, parts, 12, 3, [some_widths(length) for length in lengths])
    steps = 4 * POOL_BATCHES
    streams = [stream_of(plan, steps, number) for number in range(len(sets))]
    assert plan.drawn(steps) == [len(stream) for stream in streams]
    for stream, length, part in zip(streams, lengths, parts, strict=True):
        assert abs(len(stream) - steps * 12 * part / sum(parts)) < len(sets) - 1
        for epoch in range(len(stream) // length):
            assert sorted(stream[epoch * length : (epoch + 1) * length]) == list(range(length))


def test_the_plan_follows_from_seed_and_step_alone():
    arguments = [530, 70], [5, 3], 8
    widths = [some_widths(530), some_widths(70, 1)]
    forwards = BatchPlan(*arguments, 7, widths)
    expected = [[part.tolist() for part in forwards.words(step)] for step in range(300)]
    assert {sum(map(len, parts)) for parts in expected} == {8}
    backwards = BatchPlan(*arguments, 7, widths)
    for step in reversed(range(300)):
        assert [part.tolist() for part in backwards.words(step)] == expected[step]
        assert backwards.drawn(step) == [sum(len(parts[k]) for parts in expected[:step]) for k in (0, 1)]
    other = BatchPlan(*arguments, 8, widths)
    assert [part.tolist() for part in other.words(0)] != expected[0]
    assert expected[0][0] != expected[106][0]  # the second epoch has another order


def test_words_of_like_width_share_a_batch_and_batches_come_in_random_order():
    widths = some_widths(4096)
    plan = BatchPlan([4096], [8], 8, 1, [widths])
    steps = [widths[plan.words(step)[0]] for step in range(512)]
    mixed = BatchPlan([4096], [8], 8, 1)
    padded = np.mean([step.max() for step in steps])
    assert padded / widths.mean() < 1.06
    assert np.mean([widths[mixed.words(step)[0]].max() for step in range(512)]) / widths.mean() > 1.5
    order = np.array([step.max() for step in steps], float)
    assert abs(np.corrcoef(order[:-1], order[1:])[0, 1]) < 0.2
    assert abs(np.corrcoef(order, np.arange(512))[0, 1]) < 0.2


def test_later_epochs_have_narrow_batches_too_where_batches_cross_their_ends():
    widths = some_widths(1005)
    plan = BatchPlan([1005], [8], 8, 1, [widths])
    for epoch in range(4):
        steps = range(epoch * 1005 // 8 + 20, (epoch + 1) * 1005 // 8 - 20)
        words = [widths[plan.words(step)[0]] for step in steps]
        padded = sum(len(step) * step.max() for step in words) / sum(map(len, words))
        assert padded / widths.mean() < 1.12


def test_the_same_width_has_no_fixed_company():
    widths = np.full(600, 64)
    plan = BatchPlan([600], [6], 6, 1, [widths])
    first = {frozenset(plan.words(step)[0].tolist()) for step in range(100)}
    second = {frozenset(plan.words(step)[0].tolist()) for step in range(100, 200)}
    assert not first & second


def test_wide_words_of_one_set_meet_wide_words_of_the_others():
    widths = [some_widths(6400), some_widths(6400, 1)]
    plan = BatchPlan([6400, 6400], [16, 16], 32, 3, widths)
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
    with pytest.raises(UsageError, match="data set 2 no word in a batch of 4"):
        split_batch(4, [0.95, 0.05])


def test_batch_ratio_holds_in_every_batch(tmp_path):
    write_set(tmp_path / "a", WORDS * 2)
    write_set(tmp_path / "b", WORDS[:7])
    config = tiny_config(select_data="a-b", batch_ratio="0.75-0.25", batch_size=16, n_iter=9)
    sets = [opened(tmp_path / name, config) for name in "ab"]
    plan = training_plan(sets, config)
    seen = [Counter(), Counter()]
    for batch in training_batches(sets, plan, config, range(config.n_iter), pin_memory=False):
        assert [*map(len, batch.words)] == [12, 4]
        assert batch.labels == [data.label(i) for data, part in zip(sets, batch.words, strict=True) for i in part]
        for counter, part in zip(seen, batch.words, strict=True):
            counter.update(part.tolist())
    assert max(seen[0].values()) - min(seen[0].values()) <= 1
    assert max(seen[1].values()) - min(seen[1].values()) <= 1


def test_shares_that_do_not_divide_a_batch_are_exact_over_a_pool():
    widths = [aihub_widths(5000), aihub_widths(9000, 1)]
    plan = BatchPlan([5000, 9000], split_batch(64, [0.3, 0.7]), 64, 1, widths)
    for step in range(2 * POOL_BATCHES):
        first, second = map(len, plan.words(step))
        assert abs(first - (first + second) * 19 / 64) < 1
    assert plan.drawn(2 * POOL_BATCHES) == [2 * POOL_BATCHES * 19, 2 * POOL_BATCHES * 45]


def test_an_epoch_draws_its_part_of_each_set_exactly_and_other_words_each_time(tmp_path):
    """All of 24 words and a tenth of 240: an epoch is 48 words, and in ten of them every general word comes once."""
    write_set(tmp_path / "domain", WORDS * 2)
    write_set(tmp_path / "general", WORDS * 20)
    config = tiny_config(select_data="domain-general", data_usage_ratio="1.0-0.1", batch_size=8)
    sets = [opened(tmp_path / name, config) for name in ("domain", "general")]
    plan = training_plan(sets, config)
    streams = [stream_of(plan, 2 * POOL_BATCHES, number) for number in (0, 1)]
    assert plan.drawn(2 * POOL_BATCHES) == [512, 512]
    for epoch in range(20):
        assert sorted(streams[0][24 * epoch : 24 * (epoch + 1)]) == list(range(24))
    for tour in range(2):
        assert sorted(streams[1][240 * tour : 240 * (tour + 1)]) == list(range(240))
    for epoch in range(20):  # 6 iterations each
        counts = np.array([list(map(len, plan.words(step))) for step in range(6 * epoch, 6 * epoch + 6)])
        assert counts.sum(0).tolist() == [24, 24]
        assert set(counts.sum(1)) == {8}
    text = plan.describe(config.data_names, 100)
    assert "An epoch draws 24 of domain, 24 of general: 6.0 iterations" in text
    assert "general: 4 of 240 words in each batch; each word comes once in 60.0 iterations" in text
    assert "100 iterations draw 400 words (1.67 times the set)" in text


def test_uneven_parts_of_an_epoch_are_exact(tmp_path):
    write_set(tmp_path / "a", WORDS)
    write_set(tmp_path / "b", WORDS * 3)
    config = tiny_config(select_data="a-b", data_usage_ratio="0.6-0.36", batch_size=5)
    sets = [opened(tmp_path / name, config) for name in "ab"]
    plan = training_plan(sets, config)
    assert plan.drawn(4) == [7, 13]  # 0.6 of 12 and 0.36 of 36, rounded
    assert [plan.drawn(4 * epoch) for epoch in (2, 7, 50)] == [[14, 26], [49, 91], [350, 650]]
    with pytest.raises(UsageError, match="an epoch draws 20 words, fewer than the 21 of a batch"):
        training_plan(sets, config.model_copy(update={"batch_size": 21}))


def test_fewer_usable_words_than_a_batch_takes_are_refused(tmp_path):
    write_set(tmp_path / "set", ["가", "를", "나"])
    config = tiny_config(batch_size=3)
    with pytest.raises(UsageError, match="2 of its 3 words can be used, fewer than the 3 that each batch takes"):
        training_plan([opened(tmp_path / "set", config)], config)


def test_pools_are_cut_at_the_end_of_an_epoch(monkeypatch):
    monkeypatch.setattr(module, "POOL_BATCHES", 3)
    plan = BatchPlan([25], [1], 4, 0, [np.arange(25)])
    stream = stream_of(plan, 25)
    assert Counter(stream.tolist()) == Counter(dict.fromkeys(range(25), 4))
    pools = [stream[start : start + 12].reshape(3, 4) for start in (0, 12)]
    for pool in pools:  # three batches without common ranges of width
        ordered = sorted(pool.tolist(), key=max)
        assert all(max(low) < min(high) for low, high in pairwise(ordered))

"""The paired bootstrap: known intervals, its coverage, and its edges."""

import numpy as np
import pytest

from train_easyocr.metrics import significance
from train_easyocr.metrics.significance import mean_differences, ratio_differences


def column(values):
    return np.array(values, dtype=float)[:, None]


def test_interval_of_a_mean_is_that_of_the_normal_distribution():
    state = np.random.default_rng(1)
    before = state.random((400, 1))
    after = before + state.normal(0.02, 0.1, (400, 1))
    [found] = mean_differences(after, before, seed=7)
    difference = after - before
    error = difference.std() / 20
    assert found.value == pytest.approx(difference.mean())
    assert found.low == pytest.approx(difference.mean() - 1.96 * error, abs=0.1 * error)
    assert found.high == pytest.approx(difference.mean() + 1.96 * error, abs=0.1 * error)
    assert found.pages == 400


def test_chance_is_called_a_difference_in_one_of_twenty_cases():
    state = np.random.default_rng(2)
    verdicts = [
        mean_differences(state.random((60, 1)), state.random((60, 1)), seed=3, draws=400)[0].verdict for _ in range(200)
    ]
    assert 2 <= 200 - verdicts.count("no clear difference") <= 22


def test_pages_are_paired():
    """Pages differ much more than models do; the same shift on all is no chance."""
    before = np.random.default_rng(3).random((50, 1))
    [found] = mean_differences(before + 0.001, before, seed=1)
    assert (found.verdict, found.low, found.high) == ("better", pytest.approx(0.001), pytest.approx(0.001))
    [found] = mean_differences(before - 0.001, before, seed=1)
    assert found.verdict == "worse"


def test_same_seed_same_interval_and_drawing_in_parts(monkeypatch):
    state = np.random.default_rng(4)
    after, before = state.random((2, 30, 3))
    first = mean_differences(after, before, seed=5)
    assert mean_differences(after, before, seed=5) == first
    assert mean_differences(after, before, seed=6) != first
    monkeypatch.setattr(significance, "_WEIGHTS_AT_ONCE", 1000)
    in_parts = mean_differences(after, before, seed=5)
    assert [(found.low, found.high) for found in in_parts] == [
        (pytest.approx(found.low), pytest.approx(found.high)) for found in first
    ]


def test_pages_without_a_figure_are_left_out():
    after, before = column([0.5, np.nan, 0.7, 0.1]), column([0.4, 0.3, np.nan, 0.0])
    [found] = mean_differences(after, before, seed=1)
    assert (found.value, found.pages) == (pytest.approx(0.1), 2)
    assert mean_differences(column([np.nan]), column([1.0]), seed=1) == [None]


def test_words_of_all_pages_together():
    [found] = ratio_differences(column([9, 1]), column([8, 1]), column([10, 1]), seed=1)
    assert found.value == pytest.approx(1 / 11)
    assert (found.low, found.high) == (0, pytest.approx(0.1))
    assert found.verdict == "too few pages to tell"
    assert ratio_differences(column([0]), column([0]), column([0]), seed=1) == [None]


def test_no_pages():
    assert mean_differences(np.zeros((0, 2)), np.zeros((0, 2)), seed=1) == [None, None]


@pytest.mark.parametrize(
    ("pages", "verdict"), [(1, "too few pages to tell"), (4, "too few pages to tell"), (5, "better")]
)
def test_few_pages_tell_nothing(pages, verdict):
    [found] = mean_differences(column([1.0] * pages), column([0.5] * pages), seed=1)
    assert (found.value, found.low, found.verdict) == (0.5, 0.5, verdict)

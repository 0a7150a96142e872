"""Matching: hand-made cases of every rule, and the plain double loop on random boxes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evaluation.plain_metric import plain_match
from train_easyocr.documents import Box
from train_easyocr.evaluation import matching
from train_easyocr.evaluation.matching import match


@pytest.mark.parametrize(
    ("labels", "predictions", "pairs"),
    [
        pytest.param([], [], [], id="nothing"),
        pytest.param([Box(0, 0, 10, 10)], [], [], id="no prediction"),
        pytest.param([], [Box(0, 0, 10, 10)], [], id="no label"),
        pytest.param([Box(0, 0, 10, 10)], [Box(0, 0, 10, 10)], [(0, 0)], id="equal"),
        pytest.param([Box(0, 0, 10, 10)], [Box(10, 0, 20, 10)], [], id="touching"),
        pytest.param([Box(0, 0, 10, 10)], [Box(0, 0, 10, 5)], [(0, 0)], id="exactly half"),
        pytest.param([Box(0, 0, 100, 100)], [Box(0, 0, 4999, 1)], [], id="thin"),
        pytest.param([Box(0, 0, 1000, 999)], [Box(0, 0, 1000, 499)], [], id="just under half"),
        pytest.param([Box(-10, -10, 10, 10)], [Box(-10, -10, 10, 10)], [(0, 0)], id="negative coordinates"),
        pytest.param([Box(5, 5, 5, 9)], [Box(5, 5, 5, 9)], [], id="no area"),
        pytest.param([Box(9, 9, 0, 0)], [Box(0, 0, 9, 9)], [], id="inside out"),
        pytest.param([Box(9, 9, 0, 0)], [Box(9, 9, 0, 0)], [], id="both inside out"),
        pytest.param([Box(0, 0, 10, 10)], [Box(0, 0, 10, 8), Box(0, 0, 10, 9)], [(0, 1)], id="the better one"),
        pytest.param([Box(0, 0, 10, 10)] * 2, [Box(0, 0, 10, 10)] * 2, [(0, 0), (1, 1)], id="duplicates in order"),
        pytest.param([Box(0, 0, 10, 10)], [Box(0, 0, 10, 10)] * 2, [(0, 0)], id="prediction order"),
        pytest.param([Box(0, 0, 10, 10)] * 2, [Box(0, 0, 10, 10)], [(0, 0)], id="label order"),
        pytest.param(
            # The best pair goes first, though the two second-best pairs would match all four boxes.
            [Box(0, 0, 100, 10), Box(30, 0, 130, 10)],
            [Box(20, 0, 120, 10), Box(45, 0, 145, 10)],
            [(1, 0)],
            id="highest first",
        ),
    ],
)
def test_hand_made(labels, predictions, pairs):
    assert match(labels, predictions) == pairs
    assert plain_match(labels, predictions) == pairs


def test_threshold_is_exact_for_large_areas():
    # 0.5 - 1 / (2 * area) is 0.5 in floating point here.
    side = 2**28
    label = Box(0, 0, side, side)
    assert match([label], [Box(0, 0, side, side // 2)]) == [(0, 0)]
    assert match([label, Box(0, 0, 1, 1)], [Box(0, 0, side, side // 2 - 1)]) == []
    assert match([Box(-(2**29), -(2**29), 2**29, 2**29)], [Box(-(2**29), -(2**29), 2**29, 0)]) == [(0, 0)]


@pytest.mark.parametrize("coordinate", [2**29 + 1, -(2**29) - 1, 2**63, 10**30])
def test_coordinates_out_of_range_are_refused(coordinate):
    with pytest.raises(ValueError, match="coordinate beyond"):
        match([Box(0, 0, coordinate, 5)], [])


boxes = st.builds(
    lambda x, y, width, height: Box(x, y, x + width, y + height),
    st.integers(-3, 6),
    st.integers(-3, 6),
    st.integers(-1, 6),
    st.integers(-1, 6),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(boxes, max_size=8), st.lists(boxes, max_size=8))
def test_equals_the_plain_loop(labels, predictions):
    assert match(labels, predictions) == plain_match(labels, predictions)


def test_blocks_of_labels_change_nothing(monkeypatch):
    labels = [Box(x, 0, x + 10, 10) for x in range(0, 200, 4)]
    predictions = [Box(x, 0, x + 11, 10) for x in range(0, 200, 5)]
    whole = match(labels, predictions)
    monkeypatch.setattr(matching, "_ROWS_AT_ONCE", 7)
    assert match(labels, predictions) == whole == plain_match(labels, predictions)
    assert len(whole) > 20

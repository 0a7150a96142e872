"""Matching: hand-made cases of every rule, and the plain double loop on random boxes."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.metrics.plain_metric import plain_match
from train_easyocr.documents import Box, Quad, Word
from train_easyocr.metrics import matching
from train_easyocr.metrics.matching import counted, in_dont_care, match


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


def turned(box, degrees, middle=(0, 0)):
    """A box turned around a point."""
    angle = math.radians(degrees)
    corners = []
    for x, y in ((box.xmin, box.ymin), (box.xmax, box.ymin), (box.xmax, box.ymax), (box.xmin, box.ymax)):
        across, down = x - middle[0], y - middle[1]
        moved = across * math.cos(angle) - down * math.sin(angle), across * math.sin(angle) + down * math.cos(angle)
        corners.append((middle[0] + moved[0], middle[1] + moved[1]))
    return Quad(*corners)


@pytest.mark.parametrize("degrees", [-30, -3, 7, 44])
@pytest.mark.parametrize("seed", range(3))
def test_a_page_that_is_turned_has_the_same_pairs(degrees, seed):
    random = np.random.default_rng(seed)
    corners = random.integers(0, 200, (60, 2))
    sizes = random.integers(5, 90, (60, 2)).tolist()
    labels = [Box(x, y, x + w, y + h) for (x, y), (w, h) in zip(corners.tolist(), sizes, strict=True)]
    predictions = [Box(*(value + int(random.integers(-9, 10)) for value in box)) for box in labels]
    predictions = [box for box in predictions if box.area]
    pairs = match(labels, predictions)
    assert len(pairs) > 20
    found = match([turned(box, degrees) for box in labels], [turned(box, degrees) for box in predictions])
    assert found == pairs


def test_upright_and_tilted():
    label = Box(0, 0, 100, 20)
    tilted = turned(label, 12, (50, 10))
    polygon, other = (shapely.Polygon(corners) for corners in (tilted, [(0, 0), (100, 0), (100, 20), (0, 20)]))
    share = polygon.intersection(other).area / polygon.union(other).area
    assert 0.5 < share < 0.8
    assert match([label], [tilted]) == match([tilted], [label]) == [(0, 0)]
    # Its enclosing box is more than twice as large; and what lies beside a tilted word in its box is no part of it.
    assert match([label], [tilted.bounds]) == []
    assert match([tilted], [tilted.bounds]) == []
    assert match([turned(label, 45)], [turned(label, -45)]) == []


def test_half_is_enough_whatever_the_last_bits_say():
    """A diamond and the half of it: exactly 0.5, which binary fractions need not give."""
    for size in (1, 3, 7, 10, 33.3, 1e5):
        whole = Quad((0, size), (size, 0), (2 * size, size), (size, 2 * size))
        half = Quad((0, size), (size, 0), (1.5 * size, 0.5 * size), (0.5 * size, 1.5 * size))
        assert match([whole], [half]) == [(0, 0)], size


def test_coordinates_of_corners_have_the_same_limit():
    with pytest.raises(ValueError, match="coordinate"):
        match([Box(0, 0, 5, 5)], [Quad((0, 0), (2**30, 1), (5, 5), (0, 5))])


REGION = Word(Box(0, 0, 100, 20), "###", dont_care=True)


def inside(*boxes, regions=(REGION,)):
    return in_dont_care(boxes, [word.shape for word in regions]).tolist()


def test_more_than_half_in_dont_care_regions():
    assert inside(Box(0, 0, 20, 20), Box(50, 0, 150, 20), Box(49, 0, 149, 20), Box(0, 30, 9, 39)) == [
        True, False, True, False,
    ]  # fmt: skip
    assert inside(Box(5, 5, 5, 9)) == [False]
    # Two regions that abut, and two that are one upon another.
    beside = Word(Box(100, 0, 200, 20), "###", dont_care=True)
    assert inside(Box(70, 0, 130, 20), Box(80, 0, 120, 40), regions=(REGION, beside)) == [True, False]
    assert inside(Box(60, 0, 140, 25), regions=(REGION, REGION)) == [False]
    tilted = turned(REGION.box, 30)
    assert inside(tilted, tilted.bounds, regions=(Word(tilted.bounds, "###", tilted, dont_care=True),)) == [True, False]


def test_what_counts():
    label = Word(Box(0, 0, 40, 20), "도로")
    read = [Word(box, "도로") for box in (Box(60, 0, 90, 20), Box(0, 0, 40, 20), Box(300, 0, 340, 20))]
    # A label within a don't-care region is found like any other; what else lies there does not count.
    found = counted([REGION, label], read)
    assert (found.labels, found.predictions, found.pairs) == ([1], [1, 2], [(0, 0)])
    found = counted([label], read)
    assert (found.labels, found.predictions, found.pairs) == ([0], [0, 1, 2], [(0, 1)])
    found = counted([REGION], read)
    assert (found.labels, found.predictions, found.pairs) == ([], [2], [])
    assert counted([REGION], []).predictions == []

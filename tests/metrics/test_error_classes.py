"""Error classes: hand-made pages of every class and edge, and what must hold on any page."""

from fractions import Fraction
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.metrics.plain_metric import plain_iou
from train_easyocr.documents import Box, Word
from train_easyocr.metrics.error_classes import CLASSES, FAULTS, classify, sum_of_classes, totals
from train_easyocr.metrics.matching import match
from train_easyocr.metrics.metrics import credits_of, score_page


def word(xmin, ymin, xmax, ymax, text):
    return Word(Box(xmin, ymin, xmax, ymax), text)


def matched(labels, predictions):
    return match([word.box for word in labels], [word.box for word in predictions])


def classes_of(labels, predictions):
    found = classify(labels, predictions, matched(labels, predictions))
    return [CLASSES[index] for index in found.labels], [CLASSES[index] for index in found.predictions]


def totals_of(labels, predictions):
    pairs = matched(labels, predictions)
    return totals(classify(labels, predictions, pairs), credits_of(labels, predictions, pairs))


ROAD = word(0, 0, 80, 20, "도로점용")
GAP = word(0, 0, 120, 20, "경남 김해시")
LEFT, RIGHT_PART = word(0, 0, 38, 20, "경남"), word(62, 0, 120, 20, "김해시")

PAGES = {
    "nothing": ([], [], [], []),
    "no prediction": ([ROAD], [], ["missed"], []),
    "no label": ([], [ROAD], [], ["false"]),
    "right": ([ROAD], [ROAD], ["right"], ["right"]),
    "misread": ([ROAD], [word(2, 0, 82, 20, "도로점응")], ["misread"], ["misread"]),
    "read as nothing": ([ROAD], [word(0, 0, 80, 20, "")], ["misread"], ["misread"]),
    "empty text found": ([word(0, 0, 20, 20, "")], [word(0, 0, 20, 20, "")], ["right"], ["right"]),
    "empty text read": ([word(0, 0, 20, 20, "")], [word(0, 0, 20, 20, "가")], ["misread"], ["misread"]),
    "empty text missed": ([word(0, 0, 20, 20, "")], [], ["missed"], []),
    "split, no part matches": (
        [word(0, 0, 120, 20, "경남 김해시에")],
        [word(0, 0, 40, 20, "경남"), word(42, 0, 80, 20, "김해"), word(82, 0, 120, 20, "시에")],
        ["split"],
        ["split"] * 3,
    ),
    "split, one part matches": ([GAP], [LEFT, word(44, 0, 120, 20, "김해시")], ["split"], ["split"] * 2),
    "split upright": (
        [word(0, 0, 20, 80, "지시사항")],
        [word(0, 0, 20, 38, "지시"), word(0, 42, 20, 80, "사항")],
        ["split"],
        ["split"] * 2,
    ),
    "merged, none matches": (
        [word(0, 0, 40, 20, "경남"), word(50, 0, 90, 20, "김해"), word(100, 0, 140, 20, "시청")],
        [word(0, 0, 140, 20, "경남김해시청")],
        ["merged"] * 3,
        ["merged"],
    ),
    "merged, one matches": (
        [word(0, 0, 30, 20, "가"), word(35, 0, 120, 20, "김해시장")],
        [GAP],
        ["merged"] * 2,
        ["merged"],
    ),
    "found twice": ([ROAD], [ROAD, ROAD], ["right"], ["right", "overlapping"]),
    "labelled twice": ([ROAD, ROAD], [ROAD], ["right", "overlapping"], ["right"]),
    "both twice": ([ROAD, ROAD], [ROAD, ROAD], ["right"] * 2, ["right"] * 2),
    "misread twice": (
        [ROAD],
        [word(0, 0, 80, 20, "도"), word(1, 0, 80, 20, "로")],
        ["misread"],
        ["misread", "overlapping"],
    ),
    "too large": ([ROAD], [word(-40, -20, 140, 40, "도로점용")], ["overlapping"], ["overlapping"]),
    "too small": ([ROAD], [word(0, 0, 35, 20, "도로")], ["overlapping"], ["overlapping"]),
    "shifted": ([ROAD], [word(45, 0, 125, 20, "점용")], ["overlapping"], ["overlapping"]),
    "a piece within a right word": ([ROAD], [ROAD, word(0, 0, 20, 20, "도")], ["right"], ["right", "overlapping"]),
    "a piece within a misread word": (
        [ROAD],
        [word(0, 0, 80, 20, "도로점응"), word(0, 0, 20, 20, "도")],
        ["misread"],
        ["misread", "overlapping"],
    ),
    "beside each other": ([ROAD], [word(80, 0, 160, 20, "도로점용")], ["missed"], ["false"]),
    "corners touch": ([ROAD], [word(75, 15, 160, 40, "허가")], ["missed"], ["false"]),
    "a speck within a word": ([ROAD], [word(15, 8, 18, 11, ".")], ["missed"], ["false"]),
    "no area": ([word(0, 0, 0, 20, "가")], [word(0, 0, 0, 20, "가")], ["missed"], ["false"]),
    "outside the page": ([word(-50, -50, -10, -30, "밖")], [word(-50, -50, -10, -30, "밖")], ["right"], ["right"]),
    "a line of right words and one over all": (
        [LEFT, RIGHT_PART],
        [LEFT, RIGHT_PART, word(0, 0, 120, 20, "경남 김해시")],
        ["right"] * 2,
        ["right"] * 2 + ["overlapping"],
    ),
    "two over the same words": (
        [LEFT, word(60, 0, 100, 20, "김해")],
        [word(0, 0, 110, 22, "경남김해")] * 2,
        ["merged"] * 2,
        ["merged", "overlapping"],
    ),
    "the same part twice": (
        [ROAD],
        [word(0, 0, 58, 20, "도로점"), word(1, 0, 56, 20, "도로점")],
        ["misread"],
        ["misread", "overlapping"],
    ),
    "a part that is another label's": (
        [word(0, 0, 160, 20, "경상남도 김해시"), word(100, 0, 160, 20, "김해시")],
        [word(0, 0, 78, 20, "경상남도"), word(100, 0, 160, 20, "김하시")],
        ["overlapping", "misread"],
        ["overlapping", "misread"],
    ),
    "a line of misread words and one over all": (
        [LEFT, RIGHT_PART],
        [word(0, 0, 38, 20, "경북"), word(62, 0, 120, 20, "김하시"), word(0, 0, 120, 20, "경남 김해시")],
        ["misread"] * 2,
        ["misread"] * 2 + ["overlapping"],
    ),
    "a word and the first character of the next": (
        [ROAD, word(90, 0, 170, 20, "허가신청")],
        [word(0, 0, 105, 20, "도로점용허")],
        ["misread", "overlapping"],
        ["misread"],
    ),
    "a half with two labels of its own": (
        [word(0, 0, 300, 20, "가나다"), word(10, 0, 30, 20, "라"), word(60, 0, 80, 20, "마")],
        [word(0, 0, 150, 20, "가라마")],
        ["misread", "overlapping", "overlapping"],
        ["misread"],
    ),
    "empty text in a box too large": (
        [word(0, 0, 20, 20, "")],
        [word(-20, -20, 40, 40, "")],
        ["overlapping"],
        ["overlapping"],
    ),
    "split and merged at once": (
        [word(0, 0, 100, 20, "가나다라마"), word(110, 0, 170, 20, "바사")],
        [word(0, 0, 38, 20, "가나"), word(42, 0, 170, 20, "다라마바사")],
        ["merged"] * 2,
        ["overlapping", "merged"],
    ),
}


@pytest.mark.parametrize("name", PAGES)
def test_hand_made(name):
    labels, predictions, of_labels, of_predictions = PAGES[name]
    assert classes_of(labels, predictions) == (of_labels, of_predictions)


def test_every_class_is_among_the_hand_made_pages():
    found = {name for _, _, labels, predictions in PAGES.values() for name in labels + predictions}
    assert found == set(CLASSES)


coordinate = st.integers(-3, 14)
boxes = st.builds(Box, coordinate, coordinate, coordinate, coordinate)
words = st.lists(st.builds(Word, boxes, st.sampled_from(["", "가", "나", "가나", "가 나다"])), max_size=6)


@given(words, words)
@settings(max_examples=200, deadline=None)
def test_any_page(labels, predictions):
    """Classes fit each other, and the losses add up to what the page's F1 lacks."""
    of_labels, of_predictions = classes_of(labels, predictions)
    assert len(of_labels) == len(labels) and len(of_predictions) == len(predictions)
    assert "false" not in of_labels and "missed" not in of_predictions
    for name in ("right", "misread"):
        assert of_labels.count(name) == of_predictions.count(name)
    assert of_predictions.count("split") >= 2 * of_labels.count("split")
    assert of_labels.count("merged") >= 2 * of_predictions.count("merged")
    summary = sum_of_classes([totals_of(labels, predictions)])
    f1 = score_page(labels, predictions).end_to_end_f1
    assert sum(found.lost_f1 for found in summary) == pytest.approx(1 - f1, abs=1e-12)
    assert all(found.lost_f1 >= 0 for found in summary)
    assert summary[0].lost_f1 == 0


@given(words, words)
@settings(max_examples=100, deadline=None)
def test_no_assignment_leaves_an_unmatched_pair(labels, predictions):
    """Against all one-to-one assignments: greedy matching is one that no further pair can be added to."""
    pairs = matched(labels, predictions)
    possible = {
        (i, j)
        for i in range(len(labels))
        for j in range(len(predictions))
        if plain_iou(labels[i].box, predictions[j].box) >= Fraction(1, 2)
    }
    assert set(pairs) <= possible
    left = [(i, j) for i, j in possible if i not in dict(pairs) and j not in {prediction for _, prediction in pairs}]
    assert not left
    assert len(pairs) >= -(-largest_assignment(possible) // 2)


def largest_assignment(possible):
    """The size of the largest one-to-one assignment, by trying all."""
    rows, columns = {i for i, _ in possible}, {j for _, j in possible}
    if len(rows) > len(columns):
        possible = {(j, i) for i, j in possible}
        rows, columns = columns, rows
    for size in range(len(rows), 0, -1):
        for chosen in combinations(sorted(rows), size):
            if any(set(zip(chosen, order, strict=True)) <= possible for order in permutations(sorted(columns), size)):
                return size
    return 0


def repaired(name, labels, predictions):
    """The page with one class put right by hand: its labels found as they are, its predictions gone."""
    of_labels, of_predictions = classes_of(labels, predictions)
    kept = [word for word, found in zip(predictions, of_predictions, strict=True) if found != name]
    return kept + [word for word, found in zip(labels, of_labels, strict=True) if found == name]


@pytest.mark.parametrize("fault", FAULTS)
def test_repaired_score_is_the_score_of_the_repaired_page(fault):
    """Labels apart from each other, so that a repaired page matches as it is repaired."""
    shown = ("misread", "split, no part matches", "merged, none matches", "too large", "found twice", "no prediction")
    labels, predictions = [], []
    for row, name in enumerate((*shown, "no label")):
        for words, rest in ((PAGES[name][0], labels), (PAGES[name][1], predictions)):
            rest.extend(
                Word(Box(b.xmin, b.ymin + 100 * row, b.xmax, b.ymax + 100 * row), t) for b, t in pairs_of(words)
            )
    summary = {found.name: found for found in sum_of_classes([totals_of(labels, predictions)])}
    after = score_page(labels, repaired(fault, labels, predictions)).end_to_end_f1
    assert summary[fault].repaired_f1 == pytest.approx(after)
    assert after > score_page(labels, predictions).end_to_end_f1
    assert sum(found.share for found in summary.values()) == pytest.approx(1)


def pairs_of(words):
    return [(word.box, word.text) for word in words]


def test_losses_of_several_pages_are_means_over_them():
    good, bad, empty = totals_of([ROAD], [ROAD]), totals_of([ROAD, GAP, LEFT], []), totals_of([], [])
    summary = {found.name: found for found in sum_of_classes([good, bad, empty])}
    assert summary["missed"].lost_f1 == pytest.approx(1 / 3)
    assert summary["missed"].repaired_f1 == pytest.approx(1)
    assert summary["misread"].repaired_f1 == pytest.approx(2 / 3)
    assert (summary["missed"].labels, summary["right"].predictions) == (3, 1)


def test_no_pages():
    assert [(found.labels, found.lost_f1) for found in sum_of_classes([])] == [(0, 0.0)] * 7


def test_totals_are_those_of_the_classes():
    labels, predictions = [ROAD, word(0, 40, 80, 60, "허가")], [word(0, 0, 80, 20, "도로점응")]
    found = totals_of(labels, predictions)
    assert found.labels.tolist() == [0, 1, 1, 0, 0, 0, 0]
    assert found.predictions.tolist() == [0, 1, 0, 0, 0, 0, 0]
    assert found.credit == pytest.approx(np.array([0, 0.75, 0, 0, 0, 0, 0]))

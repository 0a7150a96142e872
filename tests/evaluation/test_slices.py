"""Slices and groups: which words are in them, and what they are summed up to."""

import pytest

from tests.evaluation.pages import line, observed, rows_of
from train_easyocr.documents import Box, Word
from train_easyocr.evaluation.observations import Observations
from train_easyocr.evaluation.slices import groups_of, rare_syllables, slice_masks, slices_of


def slices(words, pages):
    return slices_of(words, slice_masks(words), pages)


def texts_in(masks, words, name):
    return [text for text, chosen in zip(words.text, masks[name], strict=True) if chosen]


def test_slices():
    labels = line(
        "2001년", "A4", "(주)", "경남 김해시", "가나다라마바사아", "뷁", *["가나다라마바사아년주경남김해시"] * 3
    )
    labels += [Word(Box(0, 100, 40, 115), "가나"), Word(Box(100, 100, 120, 180), "가나")]
    words = observed(("1", "", labels, [])).words()
    masks = slice_masks(words)
    assert texts_in(masks, words, "digits") == ["2001년", "A4"]
    assert texts_in(masks, words, "latin") == ["A4"]
    assert texts_in(masks, words, "symbols") == ["(주)"]
    assert texts_in(masks, words, "spaces") == ["경남 김해시"]
    assert texts_in(masks, words, "rare syllables") == ["뷁"]
    assert len(texts_in(masks, words, "long words")) == 4
    assert texts_in(masks, words, "small print") == ["가나"]
    assert texts_in(masks, words, "vertical") == ["가나"]


def test_rare_syllables_grow_with_the_set():
    assert rare_syllables(["가가가", "나나"]) == {"나"}
    assert rare_syllables(["가" * 50_000, "나" * 5, "다" * 6]) == {"나"}


def test_figures_of_a_slice():
    labels = line("1년", "2년", "가나")
    rows = [*rows_of([labels[0], Word(labels[1].box, "2넌")]), [400, 0, 440, 30, "7", 0.5]]
    observations = observed(("1", "", labels, rows), ("2", "", [], []))
    found = {group.name: group for group in slices(observations.words(), 2)}
    digits = found["digits"]
    assert (digits.labels, digits.credit, digits.exact) == (2, 0.75, 0.5)
    assert digits.classes == {
        "right": 1, "misread": 1, "missed": 0, "split": 0, "merged": 0, "overlapping": 0, "false": 1,
    }  # fmt: skip
    assert digits.lost_f1 == pytest.approx((2 * 0.5 + 1) / 6 / 2)
    assert (found["latin"].labels, found["latin"].credit, found["latin"].exact) == (0, None, None)


def test_groups_hold_each_word_once():
    labels = [*line("가", "가나", "가나다", "가나다라마바사아자"), Word(Box(0, 100, 40, 180), "세로쓰기")]
    rows = [*rows_of(labels[:2]), [400, 200, 440, 230, "잡음", 0.5]]
    observations = observed(("1", "복지", labels, rows), ("2", "교통", labels[:1], rows_of(labels[:1])))
    groups = groups_of(observations.words(), ["복지", "교통"])
    lost = 1 - sum(page.scores.end_to_end_f1 for page in observations.pages) / 2
    for found in groups.values():
        assert sum(group.labels for group in found) == 6
        assert sum(sum(group.classes.values()) for group in found) == 7
        assert sum(group.lost_f1 for group in found) == pytest.approx(lost)
    assert [group.name for group in groups["category"]] == ["교통", "복지"]
    assert [group.name for group in groups["length"]] == [
        "1 character", "2 characters", "3 to 4 characters", "8 or more characters",
    ]  # fmt: skip
    assert [(group.name, group.labels) for group in groups["direction"]] == [("horizontal", 5), ("vertical", 1)]


def test_nothing():
    words = Observations().words()
    assert all(group.labels == 0 for group in slices(words, 0))
    assert groups_of(words, []) == {"category": [], "length": [], "height": [], "direction": []}

"""Character errors: alignment, spaces apart, jamo, weak and unwritable characters."""

import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.metrics.distance import edit_distance

from train_easyocr.documents import Box
from train_easyocr.metrics.character_errors import (
    FINALS,
    INITIALS,
    VOWELS,
    CharacterErrors,
    Example,
    Spaces,
    aligned_edits,
    letters,
    weak_characters,
)

BOX = Box(0, 0, 40, 20)


def summary_of(*pairs, writable=None):
    errors = CharacterErrors()
    for number, (label, read) in enumerate(pairs):
        errors.update(label, read, f"page {number}", BOX)
    return errors.summary([label for label, _ in pairs], writable)


@pytest.mark.parametrize(
    ("label", "read", "edits"),
    [
        ("도로", "도로", []),
        ("도로점용", "도르점용", [("로", "르")]),
        ("도로점용", "도점용", [("로", "")]),
        ("도로", "도로점", [("", "점")]),
        ("", "가", [("", "가")]),
        ("가", "", [("가", "")]),
        ("경남 김해시", "경남김해시", [(" ", "")]),
        ("경남김해시", "경남 김해시", [("", " ")]),
        ("가 나", "가다나", [("", "다"), (" ", "")]),
        ("가 나다", "가나다라", [("", "라"), (" ", "")]),
        ("가다나", "가 나", [("다", ""), ("", " ")]),
        ("제 제출", "제제 출", [(" ", ""), ("", " ")]),
        ("도로", "도로\n", [("", " ")]),
        ("도로", "\u3000도로", [("", " ")]),
        ("가 나", "가\u00a0나", [(" ", ""), ("", " ")]),
        ("가 \t나", "가\t 나", [(" ", ""), ("", " ")]),
    ],
)
def test_alignment(label, read, edits):
    assert aligned_edits(label, read) == edits


@given(st.text("가나다각", max_size=7), st.text("가나다각", max_size=7))
def test_edits_are_as_few_as_possible_and_account_for_all_characters(label, read):
    edits = aligned_edits(label, read)
    before, after = Counter(before for before, _ in edits if before), Counter(after for _, after in edits if after)
    assert Counter(label) - before == Counter(read) - after
    assert len(edits) == edit_distance(label, read)


@given(st.text("가나 ", max_size=7), st.text("가나 ", max_size=7))
def test_spaces_do_not_change_the_edits_of_letters(label, read):
    edits = [edit for edit in aligned_edits(label, read) if " " not in edit]
    assert edits == aligned_edits(label.replace(" ", ""), read.replace(" ", ""))


@given(st.text("가나 \t\u00a0", max_size=7), st.text("가나 \t\u00a0", max_size=7))
def test_texts_that_differ_have_edits(label, read):
    assert bool(aligned_edits(label, read)) == (label != read)


def test_letters_are_those_of_unicode():
    for syllable in ("가", "힣", "각", "뷁", "었", "를"):
        initial, vowel, final = letters(syllable)
        decomposed = unicodedata.normalize("NFD", syllable)
        assert ord(decomposed[0]) - 0x1100 == INITIALS.index(initial)
        assert ord(decomposed[1]) - 0x1161 == VOWELS.index(vowel)
        assert (ord(decomposed[2]) - 0x11A7 if len(decomposed) > 2 else 0) == FINALS.index(final)
    assert [letters(other) for other in ("", "A", "ㄱ", "·", "\ud7a4")] == [None] * 5
    assert (len(INITIALS), len(VOWELS), len(FINALS)) == (19, 21, 28)


def test_confusions_most_frequent_first_with_examples():
    summary = summary_of(("를", "률"), ("를이", "률이"), ("가", "거"), ("나", "나다"), ("라", ""))
    found = [(confusion.label, confusion.read, confusion.count) for confusion in summary.confusions]
    assert found == [("를", "률", 2), ("", "다", 1), ("가", "거", 1), ("라", "", 1)]
    assert summary.confusions[0].examples == [
        Example("page 0", BOX, "를", "률"),
        Example("page 1", BOX, "를이", "률이"),
    ]
    assert (summary.characters, summary.edits) == (6, 5)


def test_examples_are_few_and_of_different_words():
    summary = summary_of(*[("를를", "률률")] * 5)
    assert (summary.confusions[0].count, len(summary.confusions[0].examples)) == (10, 3)


def test_spaces_are_counted_apart():
    summary = summary_of(
        ("경남 김해시", "경남김해시"), ("도로점용", "도로 점용"), ("가 나", "가다나"), ("가 나", "거나")
    )
    assert summary.spaces == Spaces(labelled=3, missed=3, added=1, words=2)
    assert [(found.label, found.read) for found in summary.confusions] == [("", "다"), ("가", "거")]
    assert all(weak.character != " " for weak in summary.weak)


def test_jamo():
    summary = summary_of(("를", "률"), ("각", "간"), ("각", "긴"), ("가", "A"), ("가", "각"))
    assert summary.jamo_syllables == 4
    assert summary.jamo_parts == {"initial": 0, "vowel": 2, "final": 3}
    found = {(jamo.part, jamo.label, jamo.read): jamo.count for jamo in summary.jamo}
    assert found == {
        ("vowel", "ㅡ", "ㅠ"): 1,
        ("final", "ㄱ", "ㄴ"): 2,
        ("vowel", "ㅏ", "ㅣ"): 1,
        ("final", "", "ㄱ"): 1,
    }
    assert (summary.jamo[0].part, summary.jamo[0].count) == ("final", 2)


def test_weak_characters():
    summary = summary_of(("를", "률"), ("를", "를"), ("를", ""), ("가 나", "가나다"))
    assert weak_characters(summary) == [{"character": "를", "errors": 2, "count": 3}]


def test_characters_that_the_model_cannot_write():
    summary = summary_of(("를를", "률률"), ("가·나", "가나"), ("가", "가"), writable=frozenset("가나률"))
    assert [(found.character, found.count) for found in summary.unwritable] == [("를", 2), ("·", 1)]
    assert summary.unwritable_words == 2
    assert summary_of(("를", "률")).unwritable is None


def test_repetition_leaves_out_the_edit_itself():
    errors = CharacterErrors()
    for label, read in [("를", "률")] * 3 + [("를", "를")] * 2 + [("나", "다")]:
        errors.update(label, read, "page", BOX)
    assert errors.repetition("를", "률") == pytest.approx(2 / 4)
    assert errors.repetition("나", "다") == 0
    assert errors.repetition("", "라") == 0


def test_no_words():
    summary = CharacterErrors().summary([], frozenset("가"))
    assert (summary.characters, summary.confusions, summary.unwritable, summary.spaces.words) == (0, [], [], 0)

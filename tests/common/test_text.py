"""Labels have one Unicode form, and tables line up for Hangul."""

import unicodedata

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from train_easyocr.common.text import (
    INVISIBLE,
    OTHER_SPACE,
    VARIANTS,
    display_width,
    format_table,
    is_normal,
    normalize_label,
    pad,
    unify_variants,
    unseen_kinds,
)


def test_labels_are_composed_and_trimmed():
    assert normalize_label(unicodedata.normalize("NFD", " 경남 김해시\n")) == "경남 김해시"


@pytest.mark.parametrize(
    ("label", "shown", "kinds"),
    [
        ("신\u200b청서", "신청서", INVISIBLE),  # zero-width space
        ("\ufeff신청서", "신청서", INVISIBLE),  # byte order mark
        ("신\u00ad청\u200d서\u2060", "신청서", INVISIBLE),  # soft hyphen, joiners
        ("\u202a신청서\u202c\u200e", "신청서", INVISIBLE),  # directions
        ("☎\ufe0f123", "☎123", INVISIBLE),  # variation selector
        ("葛\U000e0100", "葛", INVISIBLE),
        ("\u115f가\u1160", "가", INVISIBLE),  # fillers of jamo
        ("\u1100\u200c\u1161", "가", INVISIBLE),  # a joiner inside decomposed Hangul
        ("신청\x08서\x7f\x9f", "신청서", INVISIBLE),  # controls
        ("경남\u00a0김해시", "경남 김해시", OTHER_SPACE),  # no-break space
        ("경남\u3000김해시", "경남 김해시", OTHER_SPACE),  # ideographic space
        ("경남\u2009\u202f김해시", "경남 김해시", OTHER_SPACE),
        ("경남\t김해시", "경남 김해시", OTHER_SPACE),
        ("경남\r\n김해시", "경남 김해시", OTHER_SPACE),
        ("경남\u2028김해시\u2029김해", "경남 김해시 김해", OTHER_SPACE),
        ("경남\x1f김해시", "경남 김해시", OTHER_SPACE),
        ("경남\u3164김해시", "경남 김해시", OTHER_SPACE),  # Hangul filler, as wide as a syllable
        ("경남\uffa0김해시", "경남 김해시", OTHER_SPACE),
        ("경남\u2800김해시", "경남 김해시", OTHER_SPACE),
        ("경남  김해시", "경남 김해시", OTHER_SPACE),
        ("경남 \u200b 김해시", "경남 김해시", INVISIBLE),
        ("\u3164제목", "제목", OTHER_SPACE),
        ("\u200b\u00a0", "", INVISIBLE),
        ("\u00a0제목\n", "제목", ""),  # as plain white space at the ends
        ("경남 김해시", "경남 김해시", ""),
        ("\ue0a1제목", "\ue0a1제목", ""),  # private: a picture that only its font knows
        ("\ufffd", "\ufffd", ""),
    ],
)
def test_labels_hold_what_people_see(label, shown, kinds):
    assert normalize_label(label) == shown
    assert unseen_kinds(label) == ((kinds,) if kinds else ())


def test_both_kinds_are_named():
    assert unseen_kinds("경남\u200b\u3000김해시") == (INVISIBLE, OTHER_SPACE)


@pytest.mark.slow
def test_what_is_dropped_is_what_unicode_says():
    """Against the `regex` package, which knows the properties that the standard library lacks."""
    ignorable = regex.compile(r"\p{Default_Ignorable_Code_Point}|[\p{Cc}--\p{White_Space}]", regex.VERSION1)
    for character in map(chr, [*range(0xD800), *range(0xE000, 0x110000)]):
        expected = "가" + (character if character.isprintable() else normalize_label(character)) + "나"
        if character.isspace() or character in "\u3164\uffa0\u2800":
            expected = "가 나"
        elif ignorable.match(character) or "\ufff9" <= character <= "\ufffb":
            expected = "가나"
        if "가" + character + "나" == unicodedata.normalize("NFC", "가" + character + "나"):
            assert normalize_label("가" + character + "나") == expected, hex(ord(character))


@given(st.text(st.sampled_from("가나 \u200b\u00a0\t\u3164\u1100\u1161\u11a8e\u0301"), max_size=8))
def test_a_normal_text_stays_as_it_is(text):
    shown = normalize_label(text)
    assert normalize_label(shown) == shown and is_normal(shown) and not unseen_kinds(shown)
    assert is_normal(text) == (normalize_label(f"가{text}나") == f"가{text}나") or not is_normal(f"가{text}나")


def test_signs_that_print_does_not_tell_apart_are_written_in_one_way():
    assert unify_variants("가·나․다‧라･마ㆍ바・사∙아⋅자ᆞ") == "가·나·다·라·마·바·사·아·자·"
    assert unify_variants("（１）ＡＢ％：∼～–￦₩￤｜│") == "(1)AB%:~~-₩₩¦||"
    assert unify_variants("◦◯〇❍▪☐◉☉≪가≫✔") == "○○○○■□⊙⊙《가》✓"
    assert unify_variants("「제1조」 “○” …①") == "「제1조」 “○” …①"


@pytest.mark.parametrize(
    ("label", "unified"),
    [("ㅇ", "○"), ("ο", "○"), ("ㅇ전체공사금액", "○전체공사금액"), ("ο(목적)", "○(목적)"), ("ㅇ 목적 ο2", "○ 목적 ○2")],
)
def test_round_letters_at_the_head_of_a_token_are_bullets(label, unified):
    assert unify_variants(label) == unified


@pytest.mark.parametrize("label", ["ㅇㅇㅇ", "홍ㅇㅇ", "ㅇㅇ시", "ㄱ,ㄴ,ㅇ", "ㅇ.", "ㅇㄱ", "οσ", "가ㅇ나", "o", "O"])
def test_round_letters_elsewhere_are_letters(label):
    assert unify_variants(label) == label


def test_unifying_keeps_the_length_and_is_done_once():
    text = "ㅇ가 " + "".join(VARIANTS) + "".join(VARIANTS.values()) + " ο"
    assert len(unify_variants(text)) == len(text) and unify_variants(unify_variants(text)) == unify_variants(text)


def test_each_variant_has_one_target_which_stays_as_it_is():
    variants = "".join(VARIANTS.values())
    assert len(set(variants)) == len(variants)
    assert all(
        unify_variants(target) == target and unicodedata.normalize("NFC", target) == target for target in VARIANTS
    )


def test_width_counts_columns():
    assert [display_width(text) for text in ("가나", "ab", "㎡", "가\n")] == [4, 2, 2, 2]
    assert pad("가", 4) == "가  "
    assert pad("가", 4, right=True) == "  가"


def test_columns_line_up():
    table = format_table(["이름", "n"], [["가나다", 1], ["a", 10]])
    assert table.splitlines() == ["이름   |  n", "-------+---", "가나다 |  1", "a      | 10"]
    with pytest.raises(ValueError, match="3 cells"):
        format_table(["a", "b"], [[1, 2, 3]])

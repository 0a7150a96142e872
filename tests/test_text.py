"""Labels have one Unicode form, and tables line up for Hangul."""

import unicodedata

import pytest

from train_easyocr.text import VARIANTS, display_width, format_table, normalize_label, pad, unify_variants


def test_labels_are_composed_and_trimmed():
    assert normalize_label(unicodedata.normalize("NFD", " 경남 김해시\n")) == "경남 김해시"


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

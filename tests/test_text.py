"""Labels have one Unicode form, and tables line up for Hangul."""

import unicodedata

import pytest

from train_easyocr.text import display_width, format_table, normalize_label, pad


def test_labels_are_composed_and_trimmed():
    assert normalize_label(unicodedata.normalize("NFD", " 경남 김해시\n")) == "경남 김해시"


def test_width_counts_columns():
    assert [display_width(text) for text in ("가나", "ab", "㎡", "가\n")] == [4, 2, 2, 2]
    assert pad("가", 4) == "가  "
    assert pad("가", 4, right=True) == "  가"


def test_columns_line_up():
    table = format_table(["이름", "n"], [["가나다", 1], ["a", 10]])
    assert table.splitlines() == ["이름   |  n", "-------+---", "가나다 |  1", "a      | 10"]
    with pytest.raises(ValueError, match="3 cells"):
        format_table(["a", "b"], [[1, 2, 3]])

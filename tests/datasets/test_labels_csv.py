"""labels.csv: any text comes back as it was, from our reader and from others."""

import csv

import pandas
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from train_easyocr.common.errors import UserError
from train_easyocr.datasets.labels_csv import HEADER, format_row, read_labels_csv, read_rows

TEXTS = st.text(
    st.one_of(st.sampled_from(",\"\n\r \t'\\;·가뷁한김#\u2028\x85\x0b"), st.characters(codec="utf-8")), min_size=1
)
NUL_FREE = TEXTS.filter(lambda text: "\0" not in text)


def write_rows(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(map(format_row, [HEADER, *rows]))


@given(st.lists(st.tuples(NUL_FREE, NUL_FREE), max_size=8))
@example(
    [("가.png", "1,234"), ("나.png", '그는 "예"'), ("다.png", "경남\n김해시"), ("라.png", "\r"), ("마.png", " 앞뒤 ")]
)
def test_every_text_survives_the_round_trip(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "labels.csv"
    write_rows(path, rows)
    assert list(read_rows(path)) == rows
    names, texts = read_labels_csv(path)
    assert list(zip(names, texts, strict=True)) == rows
    with path.open(encoding="utf-8", newline="") as file:
        assert [tuple(row) for row in csv.reader(file)] == [("filename", "words"), *rows]


def test_the_file_is_plain_csv_quoted_only_where_needed(tmp_path):
    write_rows(tmp_path / "labels.csv", [("가_1-2-3-4.png", "경남 김해시"), ("나_1-2-3-4.png", '"제1,234호"')])
    assert (tmp_path / "labels.csv").read_bytes() == (
        'filename,words\n가_1-2-3-4.png,경남 김해시\n나_1-2-3-4.png,"""제1,234호"""\n'.encode()
    )


def test_pandas_reads_the_same(tmp_path):
    rows = [
        ("a.png", "NA"),
        ("b.png", "1,5"),
        ("c.png", '"인·허가"'),
        ("d.png", "줄\n바꿈"),
        ("e.png", "\r끝"),
        ("f.png", "007"),
    ]
    write_rows(tmp_path / "labels.csv", rows)
    frame = pandas.read_csv(tmp_path / "labels.csv", dtype=str, keep_default_na=False)
    assert list(frame.itertuples(index=False, name=None)) == rows


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "first row"),
        ("name,text\n", "first row"),
        ("filename,words\n가.png,합,계\n", "line 2 has 3 fields"),
        ("filename,words\n가.png\n", "line 2 has 1 fields"),
        ('filename,words\n가.png,"합계\n', "unexpected end"),
        ('filename,words\n가.png,"합"계\n', "line 2"),
    ],
)
def test_a_damaged_file_is_named_with_its_line(tmp_path, content, said):
    (tmp_path / "labels.csv").write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=said) as error:
        read_labels_csv(tmp_path / "labels.csv")
    assert str(tmp_path / "labels.csv") in str(error.value)


def test_a_file_in_another_encoding_is_named(tmp_path):
    (tmp_path / "labels.csv").write_bytes("filename,words\n가.png,합계\n".encode("cp949"))
    with pytest.raises(UserError, match=r"labels\.csv"):
        read_labels_csv(tmp_path / "labels.csv")

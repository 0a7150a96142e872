"""labels.csv as columns, against the csv module and plain Python."""

import csv
import hashlib
import itertools
import os
import pickle
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from train_easyocr.common.errors import UserError
from train_easyocr.common.text import normalize_label
from train_easyocr.datasets import word_table
from train_easyocr.datasets.word_table import ctc_steps, read_table

CHARACTERS = "가나다라 ,\"'A1\n"


def write_rows(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["filename", "words"])
        writer.writerows(rows)


def columns(table):
    return [list(column) for column in zip(*map(table.row, range(len(table))), strict=True)] or [[], []]


labels = st.text(st.sampled_from("가나다라 ,\"'A1\n를·😀\u200b"), max_size=6)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(labels, st.integers(1, 700), st.integers(1, 90)), max_size=12), st.integers(1, 5))
def test_every_column_is_what_plain_python_says(tmp_path_factory, words, chunk):
    path = tmp_path_factory.mktemp("labels") / "labels.csv"
    rows = [[f"쪽-{n}_7-3-{7 + width}-{3 + height}.png", text] for n, (text, width, height) in enumerate(words)]
    write_rows(path, rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(word_table, "BLOCK_BYTES", chunk * 30)
        table = read_table(path, CHARACTERS)
    texts = [normalize_label(text) for text, _, _ in words]
    assert columns(table) == [[name for name, _ in rows], texts]
    assert table.width.tolist() == [width for _, width, _ in words]
    assert table.height.tolist() == [height for _, _, height in words]
    assert table.length.tolist() == [len(text) for text in texts]
    assert table.steps.tolist() == [ctc_steps(text) for text in texts]
    assert table.unknown.tolist() == [any(c not in CHARACTERS for c in text) for text in texts]
    assert table.unknown_characters == Counter(c for text in texts for c in text if c not in CHARACTERS)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(labels, min_size=1, max_size=12))
def test_targets_of_known_characters_only(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("labels") / "labels.csv"
    write_rows(path, [["쪽_0-0-9-9.png", text] for text in texts])
    table = read_table(path, CHARACTERS, only_known=True)
    texts = [normalize_label(text) for text in texts]
    targets = ["".join(c for c in text if c in CHARACTERS) for text in texts]
    assert [table.row(i)[1] for i in range(len(table))] == texts
    assert table.length.tolist() == [len(target) for target in targets]
    assert table.steps.tolist() == [ctc_steps(target) for target in targets]


def test_ctc_needs_a_blank_between_equal_characters():
    for text in map("".join, itertools.product("가나", repeat=4)):
        assert ctc_steps(text) == 4 + (text[0] == text[1]) + (text[1] == text[2]) + (text[2] == text[3])
    assert ctc_steps("") == 0


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("5350109-2001-0001-0344_100-200-300-264.png", (200, 64)),
        ("a_b_0-0-1-1.png", (1, 1)),
        ("한글 쪽_10-20-30-45.png", (20, 25)),
        ("하위/5_10-20-12345-45.png", (12335, 25)),
        ("5_10-20-123456-45.png", (0, 0)),  # more digits than any page has
        ("5_30-20-10-45.png", (0, 0)),  # inside out
        ("5_10-20-10-45.png", (0, 0)),  # no area
        ("10-20-30-45.png", (0, 0)),
        ("5_10-20-30-45.jpg", (0, 0)),
        ("5_10-20-30.png", (0, 0)),
        ("5_-10-20-30-45.png", (0, 0)),
        ("5_1x-20-30-45.png", (0, 0)),
        ("5_10-20-30-45.png.png", (0, 0)),
        (".png", (0, 0)),
        ("", (0, 0)),
    ],
)
def test_patch_sizes_in_names(tmp_path, name, size):
    path = tmp_path / "labels.csv"
    write_rows(path, [["x_1-1-3-4.png", "가"], [name, "나"], ["y_1-1-6-7.png", "다"]])
    table = read_table(path, CHARACTERS)
    assert table.width.tolist() == [2, size[0], 5]
    assert table.height.tolist() == [3, size[1], 6]


def test_names_with_line_breaks_and_quotes_are_names(tmp_path):
    path = tmp_path / "labels.csv"
    names = ["x_1-1-3-4.png", "y\n_1-1-3-4.png", 'z,"_1-1-3-4.png', "w_1-1-3-4.png"]
    write_rows(path, [[name, "가"] for name in names])
    table = read_table(path, CHARACTERS)
    assert columns(table) == [names, ["가"] * 4]
    assert table.width.tolist() == [2, 0, 0, 2]


def test_a_row_longer_than_a_block(tmp_path, monkeypatch):
    monkeypatch.setattr(word_table, "BLOCK_BYTES", 7)
    path = tmp_path / "labels.csv"
    rows = [["x_1-1-3-4.png", "가\n\n" * 9 + "가"], ["y_1-1-3-4.png", '"'], ["z_1-1-3-4.png", ""]]
    write_rows(path, rows)
    assert columns(read_table(path, CHARACTERS)) == [[name for name, _ in rows], [" ".join("가" * 10), '"', ""]]


@pytest.mark.parametrize("quoting", [csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_other_writers_of_csv(tmp_path, quoting, line_end):
    path = tmp_path / "labels.csv"
    rows = [["x_1-1-3-4.png", '가"나'], ["y_1-1-3-5.png", "1,000"], ["z_1-1-3-4.png", ""], ["w.png", "가\r\n나"]]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=quoting, lineterminator=line_end).writerows([["filename", "words"], *rows])
    if line_end == "\n":
        path.write_bytes(path.read_bytes().rstrip(b"\n"))  # without an end of the last line
    table = read_table(path, CHARACTERS)
    assert columns(table) == [[name for name, _ in rows], ['가"나', "1,000", "", "가 나"]]
    assert table.length.tolist() == [3, 5, 0, 3]
    assert table.width.tolist() == [2, 2, 2, 0] if quoting == csv.QUOTE_MINIMAL else [0, 0, 0, 0]


def test_rows_can_be_read_in_another_process_and_after_the_file_was_replaced(tmp_path):
    path = tmp_path / "labels.csv"
    write_rows(path, [["x.png", "가"], ["y.png", "나, 다"]])
    table = read_table(path, CHARACTERS)
    assert table.row(1) == ("y.png", "나, 다")
    assert pickle.loads(pickle.dumps(table)).row(1) == ("y.png", "나, 다")
    write_rows(tmp_path / "new.csv", [["z.png", "라"]])
    (tmp_path / "new.csv").replace(path)
    assert table.row(1) == ("y.png", "나, 다")


def test_a_file_that_changed_while_it_is_used_is_named(tmp_path):
    path = tmp_path / "labels.csv"
    write_rows(path, [["x.png", "가"], ["y.png", "나, 다"]])
    table = read_table(path, CHARACTERS)
    path.write_text("filename,words\n", encoding="utf-8")
    with pytest.raises(UserError, match="has changed since it was read"):
        table.row(1)


def test_decomposed_hangul_is_composed_and_lower_case_is_asked_for(tmp_path):
    path = tmp_path / "labels.csv"
    write_rows(path, [["x.png", "\u1100\u1161A"], ["y.png", "나"]])
    assert read_table(path, "가A").row(0)[1] == "가A"
    assert read_table(path, "가a", sensitive=False).row(0)[1] == "가a"
    assert read_table(path, "가a나", sensitive=False).unknown.tolist() == [False, False]


def test_rows_without_name_and_label_are_counted_and_empty_lines_are_not(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("filename,words\nx.png,가\n\nx.png,나,다\nz.png\ny.png,라\n", encoding="utf-8")
    table = read_table(path, CHARACTERS)
    assert columns(table) == [["x.png", "y.png"], ["가", "라"]]
    assert (table.malformed, table.first_malformed) == (2, 4)


def test_an_empty_file_has_no_words_and_a_byte_order_mark_is_no_character(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_bytes(b"\xef\xbb\xbffilename,words\n")
    table = read_table(path, CHARACTERS)
    assert len(table) == 0
    assert table.width.dtype == np.int32
    assert not table.unknown.any()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"", "the first line is ''"),
        (b"a,b\n1,2\n", "filename,words"),
        ("filename,words\nx,가\n".encode("cp949"), "row 2: is not UTF-8"),
        ("filename,words\nx,a\n가,a\n".encode("cp949"), "row 3: is not UTF-8"),
        (b"filename,words\rx.png,a\r", "the first line is"),
        (b"\xff\xfef\x00", "the first line is"),
        (b'filename,words\nx.png,a\ny.png,"open\n', "row 3: a quote is not closed"),
        (b'filename,words\nx.png,"' + b"1\n" * 1_200_000, "row 2: is too long; is a quote not closed"),
        (b'filename,words\nx.png,a\ny.png,5" b"\n', "row 3: is not CSV"),
        (b'filename,words\nx.png,"a"b\n', "row 2: is not CSV"),
        (b"filename,words\nx.png,a\ry.png,b\n", "carriage returns"),
        (b"filename,words\nx.png,a\ny.png,\xff\n", "row 3: is not UTF-8"),
    ],
)
def test_unreadable_files_are_named(tmp_path, content, message):
    path = tmp_path / "labels.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=message) as error:
        read_table(path, CHARACTERS)
    assert str(path) in str(error.value)


def test_the_index_gives_the_same_table_and_is_never_taken_for_another_file(tmp_path, monkeypatch):
    path, index = tmp_path / "labels.csv", tmp_path / word_table.INDEX
    rows = 'a_0-0-200-64.png,가나\nb.png,다를를\nc.png,"a,b"\nd\n'
    path.write_text("filename,words\n" + rows, encoding="utf-8")

    def facts(table):
        columns = [getattr(table, name).tolist() for name in word_table.COLUMNS]
        return columns, table.unknown_characters, table.malformed, table.first_malformed, table.row(1)

    expected, digest = facts(word_table.read_table(path, "가나다")), hashlib.sha256(path.read_bytes()).hexdigest()
    assert word_table.indexed_table(path, "가나다")[1] == digest
    assert not index.exists()  # a small file has none
    monkeypatch.setattr(word_table, "INDEXED_ROWS", 1)
    assert facts(word_table.indexed_table(path, "가나다")[0]) == expected
    assert index.is_file()
    with monkeypatch.context() as patch:
        patch.setattr(word_table, "read_table", None)  # not called
        again, same = word_table.indexed_table(path, "가나다")
        assert facts(again) == expected
        assert same == digest
    assert word_table.indexed_table(path, "가나다를")[0].unknown_characters == {"a": 1, ",": 1, "b": 1}
    assert word_table.indexed_table(path, "가나다", sensitive=False)[0].sensitive is False
    assert facts(word_table.indexed_table(path, "가나다")[0]) == expected
    for damaged in (b"", b"PK", index.read_bytes()[:900], index.read_bytes().replace(b"facts", b"fasts")):
        index.write_bytes(damaged)
        assert facts(word_table.indexed_table(path, "가나다")[0]) == expected
    status = path.stat()
    path.write_text(path.read_text(encoding="utf-8").replace("가나", "나가"), encoding="utf-8")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # same size, same time, another text
    table, other = word_table.indexed_table(path, "가나다")
    assert table.row(0) == ("a_0-0-200-64.png", "나가")
    assert other != digest
    index.unlink()
    monkeypatch.setattr(word_table, "_write_index", lambda *_: (_ for _ in ()).throw(PermissionError))
    assert len(word_table.indexed_table(path, "가나다")[0]) == 3  # a folder that can't be written
    assert not index.exists()

"""Predictions in files: what is written is read again, other systems' files are taken, broken ones are refused."""

import json
import math
import unicodedata
import warnings
import zipfile

import pytest

from tests.documents.samples import Cp949Info
from train_easyocr.common.errors import UserError
from train_easyocr.documents import Box, Quad, Word
from train_easyocr.evaluation.exchange import read_predictions, write_icdar, write_predictions
from train_easyocr.evaluation.observations import word_of

PAGES = ["인.허가/5350109/2001/a", "주민복지/5350109/b", "주민복지/5350110/b", "일반행정/c"]
ROWS = {
    PAGES[0]: [[10, -3, 90, 42, '경남, "김해"', 0.25], [0, 0, 5, 5, "", 1.0], [1, 2, 3, 4, " a\\b ", 0.5]],
    PAGES[1]: [],
    PAGES[2]: [[1, 1, 9, 9, '"경유"', 0.125], [1, 1, 9, 9, '"\\"', 0.125], [5, 5, 6, 6, '"', 0.5]],
}


def assert_same(found, expected, confidence):
    assert list(found) == [page for page in expected if page in found]
    for page, rows in found.items():
        assert [list(row[:5]) for row in rows] == [row[:5] for row in expected[page]]
        for row, other in zip(rows, expected[page], strict=True):
            assert row[5] == other[5] if confidence else math.isnan(row[5])


@pytest.mark.parametrize("suffix", ["json", "csv", "zip", "JSON"])
def test_what_is_written_is_read_again(tmp_path, suffix):
    path = tmp_path / f"words.{suffix}"
    write_predictions(path, ROWS, "finetuned")
    found = read_predictions(path, PAGES)
    assert_same(found.rows, ROWS, confidence=suffix.lower() != "zip")
    unnamed = [PAGES[1]] if suffix == "csv" else []
    assert (found.missing, found.foreign) == ([*unnamed, PAGES[3]], [])
    content = path.read_bytes()
    write_predictions(path, ROWS, "finetuned")
    assert path.read_bytes() == content


def test_line_ends(tmp_path):
    rows = {PAGES[0]: [[0, 0, 9, 9, "가\r\n나\r다\n라\u2028마", 0.5]]}
    for suffix, expected in (
        ("json", rows[PAGES[0]][0][4]),
        ("csv", rows[PAGES[0]][0][4]),
        ("zip", "가 나 다 라\u2028마"),
    ):
        write_predictions(tmp_path / f"words.{suffix}", rows, "x")
        assert read_predictions(tmp_path / f"words.{suffix}", PAGES).rows[PAGES[0]][0][4] == expected


def test_half_a_surrogate_pair_is_refused(tmp_path):
    """Nothing that is written afterwards could hold it."""
    for content, named in (
        ({PAGES[0]: [{"box": [0, 0, 9, 9], "text": "가"}, {"box": [0, 0, 9, 9], "text": "나\ud800"}]}, "word 2"),
        ({"쪽\udc00": []}, "page"),
    ):
        (tmp_path / "words.json").write_text(json.dumps({"pages": content}))
        with pytest.raises(UserError, match=rf"words\.json: .*{named}.*no text file can hold"):
            read_predictions(tmp_path / "words.json", PAGES)


def test_words_without_confidence(tmp_path):
    rows = {PAGES[0]: [[0, 0, 9, 9, "가", math.nan]]}
    for suffix in ("json", "csv"):
        write_predictions(tmp_path / f"words.{suffix}", rows, "x")
        assert "nan" not in (tmp_path / f"words.{suffix}").read_text(encoding="utf-8").lower()
        assert math.isnan(read_predictions(tmp_path / f"words.{suffix}", PAGES).rows[PAGES[0]][0][5])


def test_icdar_lines_are_what_the_official_command_reads(tmp_path):
    words = [Word(Box(1, -2, 30, 4), "경남 김해시"), Word(Box(0, 0, 1, 1), ' "경유" '), Word(Box(0, 0, 1, 1), '"a')]
    write_icdar(tmp_path / "labels.zip", {"인.허가/x": words})
    with zipfile.ZipFile(tmp_path / "labels.zip") as archive:
        assert archive.namelist() == ["인.허가/x.txt"]
        lines = archive.read("인.허가/x.txt").decode("utf-8").splitlines()
    assert lines == ["1,-2,30,-2,30,4,1,4,경남 김해시", '0,0,1,0,1,1,0,1," \\"경유\\" "', '0,0,1,0,1,1,0,1,"a']


def write_json(path, pages):
    path.write_text(json.dumps({"pages": pages}, ensure_ascii=False), encoding="utf-8")
    return path


def test_other_systems_names_for_things(tmp_path):
    points = [[10.5, 20.0], [50, 18.2], [51, 40], [9.8, 41]]
    path = write_json(tmp_path / "p.json", {PAGES[0]: [{"points": points, "transcription": "도로", "score": "0.5"}]})
    corners = tuple(map(tuple, points))
    assert read_predictions(path, PAGES).rows[PAGES[0]] == [[9, 18, 51, 41, "도로", 0.5, corners]]


@pytest.mark.parametrize("suffix", ["json", "zip"])
def test_tilted_words_keep_their_corners(tmp_path, suffix):
    corners = [[10, 20], [50, 18], [51, 40], [9, 41]]
    path = tmp_path / f"p.{suffix}"
    write_predictions(path, {PAGES[0]: [[9, 18, 51, 41, "도로", 0.5, corners], [0, 0, 9, 9, "가", 0.5]]}, "baseline")
    tilted, upright = read_predictions(path, PAGES).rows[PAGES[0]]
    assert word_of(tilted) == Word(Box(9, 18, 51, 41), "도로", Quad(*map(tuple, corners)))
    assert word_of(upright) == Word(Box(0, 0, 9, 9), "가")


def test_labels_as_the_official_command_takes_them(tmp_path):
    quad = Quad((10.4, 20), (50, 18.2), (51, 40), (9.8, 41))
    words = [Word(quad.bounds, "도로", quad), Word(Box(0, 0, 9, 9), "가"), Word(Box(1, 2, 3, 4), "나", dont_care=True)]
    write_icdar(tmp_path / "l.zip", {"a": words})
    with zipfile.ZipFile(tmp_path / "l.zip") as archive:
        lines = archive.read("a.txt").decode().splitlines()
    assert lines == ["10,20,50,18,51,40,10,41,도로", "0,0,9,0,9,9,0,9,가", "1,2,3,2,3,4,1,4,###"]


CORNERS = [[10, 20], [50, 20], [50, 41], [10, 41]]
OTHER = [[60, 20], [90.4, 20], [90, 41], [60, 41]]


@pytest.mark.parametrize(
    ("page", "confidence"),
    [
        ([[CORNERS, "도로", 0.5], [OTHER, "점용", 0.25]], True),  # EasyOCR's readtext
        ([[CORNERS, "도로"], [OTHER, "점용"]], False),  # with paragraph=True
        (
            [
                {"boxes": CORNERS, "text": "도로", "confident": 0.5},
                {"boxes": OTHER, "text": "점용", "confident": 0.25},
            ],
            True,
        ),  # with output_format="dict"
        (
            [
                json.dumps({"boxes": CORNERS, "text": "도로", "confident": 0.5}),
                json.dumps({"boxes": OTHER, "text": "점용", "confident": 0.25}),
            ],
            True,
        ),  # with output_format="json"
        ([[CORNERS, ["도로", 0.5]], [OTHER, ["점용", 0.25]]], True),  # PaddleOCR's lines
        ([[[CORNERS, ["도로", 0.5]], [OTHER, ["점용", 0.25]]]], True),  # its list of pages
        ({"rec_polys": [CORNERS, OTHER], "rec_texts": ["도로", "점용"], "rec_scores": [0.5, 0.25]}, True),  # since 3.0
        ({"res": {"rec_polys": [CORNERS, OTHER], "rec_texts": ["도로", "점용"], "rec_scores": [0.5, 0.25]}}, True),
    ],
)
@pytest.mark.parametrize("around", [True, False])
def test_what_calls_of_other_systems_return(tmp_path, page, confidence, around):
    path = tmp_path / "p.json"
    path.write_text(json.dumps({"pages": {"a": page}} if around else {"a": page}), encoding="utf-8")
    expected = {PAGES[0]: [[10, 20, 50, 41, "도로", 0.5], [60, 20, 91, 41, "점용", 0.25]]}
    assert_same(read_predictions(path, PAGES).rows, expected, confidence)


@pytest.mark.parametrize("page", [[], [None], [[]]])
def test_pages_without_words_of_other_systems(tmp_path, page):
    assert read_predictions(write_json(tmp_path / "p.json", {"a": page}), PAGES).rows == {PAGES[0]: []}


@pytest.mark.parametrize("page", [[[CORNERS, "도로", 0.5]], [[CORNERS, ["도로", 0.5]]], [[[CORNERS, ["도로", 0.5]]]]])
def test_a_page_with_one_word(tmp_path, page):
    found = read_predictions(write_json(tmp_path / "p.json", {"a": page}), PAGES)
    assert found.rows == {PAGES[0]: [[10, 20, 50, 41, "도로", 0.5]]}


def test_a_file_of_korean_windows(tmp_path):
    (tmp_path / "p.json").write_bytes(json.dumps({"a": [[CORNERS, "도로", 0.5]]}, ensure_ascii=False).encode("cp949"))
    assert read_predictions(tmp_path / "p.json", PAGES).rows == {PAGES[0]: [[10, 20, 50, 41, "도로", 0.5]]}


@pytest.mark.parametrize("name", [PAGES[0], f"{PAGES[0]}.jpg", "a", "a.PNG", "res_a.txt", "gt_a"])
def test_names_of_pages(tmp_path, name):
    path = write_json(tmp_path / "p.json", {name: []})
    assert list(read_predictions(path, PAGES).rows) == [PAGES[0]]


def test_decomposed_names_of_pages(tmp_path):
    path = write_json(tmp_path / "p.json", {unicodedata.normalize("NFD", f"{PAGES[0]}.jpg"): []})
    assert list(read_predictions(path, PAGES).rows) == [PAGES[0]]


def test_ambiguous_and_foreign_names(tmp_path):
    path = write_json(tmp_path / "p.json", {"b": [], "elsewhere/a": [], "c.jpg": []})
    found = read_predictions(path, PAGES)
    assert (list(found.rows), found.foreign) == ([PAGES[3]], ["b", "elsewhere/a"])
    assert found.missing == PAGES[:3]


WORD = {"box": [0, 0, 9, 9], "text": "가"}


@pytest.mark.parametrize(
    ("pages", "message"),
    [
        ({"a": [WORD], "a.jpg": [WORD]}, "twice"),
        ({"z": [WORD]}, "no page of the evaluation set.*'z'"),
        ({}, "no page of the evaluation set"),
        ({"a": "가"}, "no list of words"),
        ({"a": ["가"]}, "word 1: is neither an object"),
        ({"a": [WORD, {"box": [0, 0, 9, 9]}]}, "word 2: has no text"),
        ({"a": [WORD | {"text": 5}]}, "has no text"),
        ({"a": [{"text": "가"}]}, "neither a box"),
        ({"a": [WORD | {"box": [1, 2, 3]}]}, "neither a box"),
        ({"a": [WORD | {"box": [1, 2, 3, "x"]}]}, "neither a box"),
        ({"a": [WORD | {"box": [1, 2, 3, 1e300]}]}, "coordinate"),
        ({"a": [WORD | {"box": [1, 2, 3, float("nan")]}]}, "coordinate"),
        ({"a": [WORD | {"box": [0, 0, 10**400, 9]}]}, "neither a box"),
        ({"a": [WORD | {"points": [[0, 10**400]], "box": None}]}, "neither a box"),
        ({"a": [WORD | {"confidence": "high"}]}, "no confidence"),
        ({"a": [WORD | {"confidence": 10**400}]}, "no confidence"),
        ({"a": [WORD | {"confidence": float("inf")}]}, "no confidence"),
        ({"a": [WORD | {"confidence": 96.5}]}, "from 0 to 1"),
        ({"a": [WORD | {"score": -1}]}, "from 0 to 1"),
        ({"a": [[CORNERS, "가", 96.5]]}, "from 0 to 1"),
        ({"a": [[[1, 2, 3], "가", 0.5]]}, "neither a box"),
        ({"a": [CORNERS]}, "neither an object"),
    ],
)
def test_faults_of_json_are_named(tmp_path, pages, message):
    with pytest.raises(UserError, match=message) as caught:
        read_predictions(write_json(tmp_path / "p.json", pages), PAGES)
    assert str(tmp_path / "p.json") in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.json", b"{", "can't be read"),
        ("p.json", b"[]", "pages"),
        ("p.json", b"[" * 200_000, "can't be read"),
        ("p.json", b"\xff\xfe", "can't be read"),
        ("p.csv", b"page,text\n", "xmax, xmin, ymax, ymin"),
        ("p.csv", b"page,xmin,ymin,xmax,ymax,text\na,1,2\n", "line 2: has too few"),
        ("p.csv", b"page,xmin,ymin,xmax,ymax,text\na,1,2,x,4,b\n", "line 2: has neither"),
        ("p.csv", b"page,xmin,ymin,xmax,ymax,text\na,1,2,3,4,1,000\n", "line 2: has too many fields"),
        ("p.csv", b"page,xmin,ymin,xmax,ymax,text,confidence\na,1,2,3,4,1,000,0.9\n", "line 2: has too many"),
        ("p.csv", b"", "names no column"),
        ("p.zip", b"PK", "can't be read"),
        ("p.txt", b"", "predictions are read from"),
    ],
)
def test_broken_files_are_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_predictions(tmp_path / name, PAGES)


def test_no_file(tmp_path):
    with pytest.raises(UserError, match=r"none\.json"):
        read_predictions(tmp_path / "none.json", PAGES)


@pytest.mark.parametrize("line", ["1,2,3,4,가", "a", "1,2,3,4,5,6,7,8px,가"])
def test_broken_lines_of_a_zip(tmp_path, line):
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        archive.writestr("res_a.txt", f"0,0,9,0,9,9,0,9,가\n{line}")
    with pytest.raises(UserError, match=r"res_a\.txt, line 2"):
        read_predictions(tmp_path / "p.zip", PAGES)


LINE = "0,0,9,0,9,9,0,9,가"


def write_zip(path, *members):
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # a name that is there twice
        for name, content in members:
            archive.writestr(name, content)
    return path


def test_zips_of_windows_and_macos(tmp_path):
    members = (Cp949Info(f"{PAGES[0]}.txt"), LINE), ("__MACOSX/._b.txt", b"\0\5\x16\7\xff"), (".DS_Store", b"\xff")
    found = read_predictions(write_zip(tmp_path / "p.zip", *members), PAGES)
    assert ([*found.rows], found.foreign, found.rows[PAGES[0]][0][4]) == ([PAGES[0]], [], "가")


@pytest.mark.parametrize("name", ["a.txt", "a.TXT"])
def test_a_page_that_a_zip_holds_twice(tmp_path, name):
    with pytest.raises(UserError, match=r"page a is there twice"):
        read_predictions(write_zip(tmp_path / "p.zip", ("a.txt", LINE), (name, LINE)), PAGES)


def spoilt(content, fault):
    """Spoil the only member of a ZIP."""
    content, directory = bytearray(content), content.index(b"PK\1\2")
    if fault == "damaged":
        content[35:45] = b"\xff" * 10  # behind the header of 30 bytes and the name of 5
    elif fault == "encrypted":
        content[6] |= 1
        content[directory + 8] |= 1
    else:
        content[8] = content[directory + 10] = 99  # a compression that zipfile does not know
    return bytes(content)


@pytest.mark.parametrize("fault", ["damaged", "encrypted", "unknown method"])
def test_broken_members_of_a_zip_are_named(tmp_path, fault):
    path = write_zip(tmp_path / "p.zip", ("a.txt", LINE * 9))
    path.write_bytes(spoilt(path.read_bytes(), fault))
    with pytest.raises(UserError, match=r"p\.zip: a\.txt: can't be read"):
        read_predictions(path, PAGES)


def test_a_member_of_a_zip_that_is_no_text_is_named(tmp_path):
    path = write_zip(tmp_path / "p.zip", ("a.txt", LINE.encode()[:-1]))
    with pytest.raises(UserError, match=r"a\.txt: is not text in UTF-8, CP949 or UTF-16"):
        read_predictions(path, PAGES)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
def test_predictions_are_read_in_the_encodings_of_korean_windows(tmp_path, encoding):
    word = {"box": [0, 0, 9, 9], "text": "도로 ㎡"}
    json_file, csv_file = tmp_path / "p.json", tmp_path / "p.csv"
    json_file.write_bytes(json.dumps({"pages": {PAGES[0]: [word]}}, ensure_ascii=False).encode(encoding))
    csv_file.write_bytes(f"page,xmin,ymin,xmax,ymax,text\r\n{PAGES[0]},0,0,9,9,도로 ㎡\r\n".encode(encoding))
    zip_file = write_zip(
        tmp_path / "p.zip", (f"{PAGES[0].rpartition('/')[2]}.txt", "0,0,9,0,9,9,0,9,도로 ㎡".encode(encoding))
    )
    for path in (json_file, csv_file, zip_file):
        assert [row[:5] for row in read_predictions(path, PAGES).rows[PAGES[0]]] == [[0, 0, 9, 9, "도로 ㎡"]]


def test_refused_to_write(tmp_path):
    with pytest.raises(UserError, match="written to"):
        write_predictions(tmp_path / "words.txt", {}, "x")

"""Label files with their faults, and the pairing of images and labels."""

import json
import unicodedata

import pytest

from train_easyocr.documents import Box, Quad, Word
from train_easyocr.documents.aihub import (
    BAD_TEXT,
    MALFORMED_ANNOTATION,
    MAX_LABEL_BYTES,
    MAX_TEXT_LENGTH,
    NO_AREA,
    NO_IMAGE,
    NO_LABEL,
    NO_TEXT,
    OUTSIDE,
    SECOND_IMAGE,
    LabelError,
    PageFile,
    Problem,
    fault_of,
    find_pages,
    read_label_file,
    read_labelled_page,
)


def label(annotations, **image):
    stated = {"image.category": "인.허가", "image.width": 200, "image.height": 100}
    return json.dumps({"images": [stated | image], "annotations": annotations}, ensure_ascii=False).encode()


def annotation(text, box, identity=1):
    return {"id": identity, "annotation.type": "rectangle", "annotation.text": text, "annotation.bbox": box}


def only(content):
    (found,) = read_label_file(label([content])).annotations
    return found


def test_x_y_width_height_become_a_box_and_order_and_repeated_ids_are_kept():
    found = read_label_file(label([annotation("경남 김해시", [5, -3, 20, 10], 7), annotation("(경", [0, 0, 9, 9], 7)]))
    assert [(a.id, a.text, a.box, a.fault) for a in found.annotations] == [
        ("7", "경남 김해시", Box(5, -3, 25, 7), ""),
        ("7", "(경", Box(0, 0, 9, 9), ""),
    ]
    assert (found.category, found.width, found.height) == ("인.허가", 200, 100)


def test_texts_are_nfc_without_white_space_at_their_ends():
    assert only(annotation(unicodedata.normalize("NFD", " 행정문서\n"), [0, 0, 1, 1])).text == "행정문서"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (annotation("합계", [0, 0, 10, 10]), ""),
        (annotation("  ", [0, 0, 10, 10]), NO_TEXT),
        (annotation(None, [0, 0, 10, 10]), NO_TEXT),
        (annotation("합계", [0, 0, 0, 10]), NO_AREA),
        (annotation("합계", [0, 0, 10, -4]), NO_AREA),
        (annotation("합계", [200, 0, 10, 10]), OUTSIDE),
        (annotation("합계", [-10, 0, 10, 10]), OUTSIDE),
        (annotation("합계", [-10, 0, 11, 10]), ""),
        (annotation("합계", [0, 0, 10]), MALFORMED_ANNOTATION),
        (annotation("합계", [0, 0, 10, "열"]), MALFORMED_ANNOTATION),
        (annotation("합계", [0, 0, 10, True]), MALFORMED_ANNOTATION),
        (annotation("합계", [0, 0, 10, float("nan")]), MALFORMED_ANNOTATION),
        (annotation("합계", [0, 0, 10, float("inf")]), MALFORMED_ANNOTATION),
        (annotation("합계", [1e308, 0, 1e308, 10]), MALFORMED_ANNOTATION),
        (annotation("합계", [10**30, 0, 1.5, 10]), MALFORMED_ANNOTATION),
        (annotation(17, [0, 0, 10, 10]), MALFORMED_ANNOTATION),
        (annotation("합\0계", [0, 0, 10, 10]), BAD_TEXT),
        (annotation("가" * (MAX_TEXT_LENGTH + 1), [0, 0, 10, 10]), BAD_TEXT),
        ("합계", MALFORMED_ANNOTATION),
        ({}, MALFORMED_ANNOTATION),
    ],
)
def test_each_fault_of_an_annotation_is_named(content, fault):
    assert fault_of(only(content), 200, 100) == fault


def test_half_a_surrogate_pair_is_no_text():
    content = label([annotation("X", [0, 0, 10, 10])]).replace(b'"X"', b'"\\ud800"')
    assert read_label_file(content).annotations[0].fault == BAD_TEXT


def test_a_malformed_annotation_keeps_no_more_text_than_csv_readers_take():
    found = only(annotation("가" * 200_000, None))
    assert (found.fault, len(found.text)) == (MALFORMED_ANNOTATION, MAX_TEXT_LENGTH)


def test_fractions_of_pixels_widen_the_box():
    assert only(annotation("합계", [1.5, 2.5, 3.0, 4.2])).box == Box(1, 2, 5, 7)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not JSON"),
        (b'{"images": [', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        ("공문서".encode("cp949"), "not JSON"),
        ("공문서".encode()[:-1], "not text in UTF-8, CP949 or UTF-16"),
        (b"[]", "an empty list; expected an object"),
        (b'{"annotations": []}', r"'images' is missing \(the file's keys are 'annotations'\); expected a list"),
        (b'{"images": [], "annotations": []}', "'images'"),
        (b'{"images": [{}]}', "'annotations'"),
        (b'{"images": [{}], "annotations": {}}', "'annotations' is an empty object; expected a list"),
        (b'{"images": [{}], "annotations": [{"id": ' + b"9" * 5000 + b"}]}", "not JSON"),
    ],
)
def test_malformed_files_are_named_with_what_is_wrong(tmp_path, content, said):
    file = tmp_path / "문서.json"
    file.write_bytes(content)
    with pytest.raises(LabelError, match=said) as error:
        read_label_file(file)
    assert str(file) in str(error.value)
    assert str(file) not in error.value.detail


@pytest.mark.parametrize(
    ("box", "right"),
    [
        (["10", " 20 ", "30.5", 40], Box(10, 20, 41, 60)),
        ([[10, 20], [40, 22], [39, 60], [9, 58.5]], Box(9, 20, 40, 60)),
        ([["10", "20"], ["40", "22"], ["39", "60"], ["9", "58"]], Box(9, 20, 40, 60)),
        ([10, 20, 40, 22, 39, 60, 9, 58], Box(9, 20, 40, 60)),
        ({"x": [10, 40, 9, 39], "y": [20, 22, 58, 60]}, Box(9, 20, 40, 60)),
    ],
)
def test_a_box_that_can_mean_but_one_thing_is_taken(box, right):
    assert (only(annotation("합계", box)).box, only(annotation("합계", box)).fault) == (right, "")


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        ("합계", "annotation: a string; expected an object"),
        (
            annotation("합계", ["가", "나", "다", "라"]),
            "annotation.bbox: a list of strings; expected four numbers: x, y",
        ),
        (annotation("합계", [1, 2, 3]), "annotation.bbox: a list of 3 numbers; expected four numbers: x, y"),
        (annotation("합계", [1, 2, 3, float("nan")]), "annotation.bbox: a list of 4 numbers, not all of them finite"),
        (annotation("합계", {"l": 1, "t": 2}), "annotation.bbox: an object with the keys 'l', 't'; expected four"),
        (annotation("합계", None), "annotation.bbox: null; expected four numbers: x, y, width, height"),
        (annotation(17, [0, 0, 9, 9]), "annotation.text: a number; expected a string"),
        ({"글": "합계"}, "annotation.bbox: missing beside '글'; expected four numbers: x, y, width, height"),
        ({"annotation.bbox": [0, 0, 9, 9]}, "annotation.text: missing beside 'annotation.bbox'; expected a string"),
    ],
)
def test_the_detail_of_a_malformed_annotation_says_field_found_and_expected(content, detail):
    assert only(content).detail.startswith(detail)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16", "utf-16-le", "utf-16-be"])
def test_label_files_are_read_in_the_encodings_of_korean_windows(encoding):
    text = label([annotation("경남 김해시 ㎡ ·", [5, 6, 20, 10])]).decode()
    found = read_label_file(text.encode(encoding))
    assert [(a.text, a.box) for a in found.annotations] == [("경남 김해시 ㎡ ·", Box(5, 6, 25, 16))]
    known = {"cp949": "CP949", "utf-16": "UTF-16", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16"}
    assert (found.category, found.encoding) == ("인.허가", known.get(encoding, "UTF-8"))


def test_a_missing_or_huge_label_file_is_a_label_error(tmp_path):
    with pytest.raises(LabelError, match="can't be read"):
        read_label_file(tmp_path / "없음.json")
    with (tmp_path / "큰.json").open("wb") as file:
        file.truncate(MAX_LABEL_BYTES + 1)
    with pytest.raises(LabelError, match="64 MiB"):
        read_label_file(tmp_path / "큰.json")


def test_a_byte_order_mark_and_sizes_that_are_no_numbers_do_no_harm():
    found = read_label_file(b"\xef\xbb\xbf" + label([], **{"image.width": "200", "image.category": 3}))
    assert (found.category, found.width, found.height) == ("", 0, 100)


def place(folder, path, content=b""):
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(content)


def test_pages_are_paired_by_path_sorted_and_the_rest_is_named(tmp_path):
    for path in (
        "인.허가/나.jpg",
        "인.허가/가.PNG",
        "일반행정/가.jpeg",
        "혼자.jpg",
        "인.허가/._가.jpg",
        "인.허가/나.png",
    ):
        place(tmp_path, f"images/{path}")
    for path in ("인.허가/나.json", "인.허가/가.json", "일반행정/가.json", "외톨이.json", "읽기.txt"):
        place(tmp_path, f"labels/{path}")
    pages, problems = find_pages(tmp_path)
    assert [page.name for page in pages] == ["인.허가/가", "인.허가/나", "일반행정/가"]
    assert pages[0] == PageFile("인.허가/가", tmp_path / "images/인.허가/가.PNG", tmp_path / "labels/인.허가/가.json")
    assert problems == [
        Problem("외톨이", NO_IMAGE),
        Problem("인.허가/나", SECOND_IMAGE),
        Problem("혼자", NO_LABEL),
    ]


def test_decomposed_and_composed_names_are_one_page(tmp_path):
    place(tmp_path, "images/" + unicodedata.normalize("NFD", "인.허가/문서.jpg"))
    place(tmp_path, "labels/인.허가/문서.json")
    pages, problems = find_pages(tmp_path)
    assert ([page.name for page in pages], problems) == (["인.허가/문서"], [])


def test_a_folder_without_pages_has_none(tmp_path):
    assert find_pages(tmp_path / "없음") == ([], [])


def test_read_page_keeps_the_usable_words_as_labelled(tmp_path):
    faults = [annotation("", [0, 0, 9, 9]), annotation("밖", [300, 0, 9, 9]), annotation("선", [0, 0, 0, 9])]
    words = [annotation("가장자리", [-5, 90, 30, 30]), annotation('그는 "예, 아니오"', [10, 10, 20, 20])]
    place(tmp_path, "images/주민복지/문서.jpg")
    place(tmp_path, "labels/주민복지/문서.json", label([*faults, *words], **{"image.category": ""}))
    page = read_labelled_page(find_pages(tmp_path)[0][0])
    assert page.words == (Word(Box(-5, 90, 25, 120), "가장자리"), Word(Box(10, 10, 30, 30), '그는 "예, 아니오"'))
    assert (page.name, page.category, page.width, page.height, page.stem) == (
        "주민복지/문서",
        "주민복지",
        200,
        100,
        "문서",
    )


CORNERS = [[10, 30], [90, 10], [95, 30], [15, 50]]
QUAD = Quad(*map(tuple, CORNERS))


@pytest.mark.parametrize(
    ("corners", "found", "fault"),
    [
        (CORNERS, QUAD, ""),
        (CORNERS[:3], None, ""),
        ([[10, 30], [90, 10], [95, 30], [15, "50"]], None, ""),
        ([[10, 30], [90, 10], [95, 30], [15, float("nan")]], None, ""),
        ("가나다라", None, ""),
        ([[10, 10], [50, 30], [90, 50], [30, 20]], Quad((10, 10), (50, 30), (90, 50), (30, 20)), NO_AREA),
    ],
)
def test_corners(corners, found, fault):
    entry = only(annotation("가", [10, 10, 85, 40]) | {"annotation.corners": corners})
    assert (entry.corners, fault_of(entry, 200, 100)) == (found, fault)


def test_dont_care_words_are_labels_but_no_words(tmp_path):
    marked = [annotation("###", [10, 10, 85, 40]) | {"annotation.corners": CORNERS, "annotation.ignore": True}]
    marked += [annotation("", [0, 0, 9, 9]) | {"annotation.ignore": True}]
    nowhere = annotation("###", [5, 5, 0, 9]) | {"annotation.ignore": True}
    words = [annotation("경남", [0, 0, 20, 10]), annotation("김해시", [30, 0, 20, 10])]
    path = tmp_path / "a.json"
    path.write_bytes(label([words[0], *marked, nowhere, words[1]]))
    page = read_labelled_page(PageFile("a", tmp_path / "a.jpg", path))
    assert page.words == (Word(Box(0, 0, 20, 10), "경남"), Word(Box(30, 0, 50, 10), "김해시"))
    regions = (Word(Box(10, 10, 95, 50), "###", QUAD, dont_care=True), Word(Box(0, 0, 9, 9), "", dont_care=True))
    assert page.labels == (page.words[0], *regions, page.words[1])
    path.write_bytes(label(words))
    page = read_labelled_page(PageFile("a", tmp_path / "a.jpg", path))
    assert page.labels is page.words

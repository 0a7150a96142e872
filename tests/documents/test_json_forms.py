"""Label files of other data sets: each form's words with their right boxes, and what can't be read."""

import json

import pytest

from train_easyocr.documents import Box
from train_easyocr.documents.aihub import IGNORED, MALFORMED_ANNOTATION, LabelError, read_label_file
from train_easyocr.documents.json_forms import describe, is_coco, is_known, polygon_of

WIDTH, HEIGHT = 200, 100


def read(content, encoding="utf-8"):
    return read_label_file(json.dumps(content, ensure_ascii=False).encode(encoding))


def words(content):
    return [(a.id, a.text, tuple(a.box), a.fault) for a in read(content).annotations]


@pytest.mark.parametrize("key", ["bbox", "Bbox"])
def test_words_with_lists_of_x_and_y(key):
    """OCR 데이터(공공), (금융 및 물류), 대용량 손글씨: corners row by row."""
    word = {"data": "인사규정", "id": 7, "x": [10, 50, 10, 50], "y": [20, 20, 40, 40]}
    strings = {"data": "경남 김해시", "x": ["60", "90", "60", "90"], "y": ["20", "20", "41", "41"]}
    tilted = {"data": "기운", "id": 9, "x": [10, 50, 8, 48], "y": [60, 64, 80, 84]}
    content = {"Dataset": {"name": "OCR"}, "Images": {"width": WIDTH, "height": HEIGHT}, key: [word, strings, tilted]}
    assert words(content) == [
        ("7", "인사규정", (10, 20, 50, 40), ""),
        ("2", "경남 김해시", (60, 20, 90, 41), ""),
        ("9", "기운", (8, 60, 50, 84), ""),
    ]
    found = read(content)
    assert (found.width, found.height) == (WIDTH, HEIGHT)
    assert [a.corners for a in found.annotations[:2]] == [None, None]
    assert found.annotations[2].corners == ((10, 60), (50, 64), (48, 84), (8, 80))


def test_wordboxes_are_left_top_right_bottom():
    """다양한 형태의 한글 문자 OCR."""
    text = {
        "word": [
            {"wordbox": [10, 20, 50, 40], "value": "가나다", "charbox": []},
            {"wordbox": [9, 9, 4, 20], "value": "뒤"},
        ]
    }
    content = {"image": {"file_name": "a.png", "width": WIDTH, "height": HEIGHT}, "text": text}
    assert words(content) == [("1", "가나다", (10, 20, 50, 40), ""), ("2", "뒤", (9, 9, 4, 20), "")]
    assert read(content).width == WIDTH


def coco(*annotations, images=1):
    described = [{"id": n, "file_name": f"{n}.jpg", "width": WIDTH, "height": HEIGHT} for n in range(1, images + 1)]
    return {"images": described, "annotations": [{"image_id": 1, "bbox": [10, 20, 40, 20]} | a for a in annotations]}


@pytest.mark.parametrize(
    "annotation",
    [
        {"text": "도로"},
        {"transcription": "도로"},
        {"utf8_string": "도로", "legibility": "legible"},
        {"caption": "도로"},
        {"attributes": {"text": "도로", "class": "word"}},
        {"attributes": {"transcription": "도로"}},
        {"text": "도로", "bbox": ["10", "20", "40.0", "20"]},
        {"text": "도로", "bbox": None, "segmentation": [[10, 20, 50, 20, 50, 40, 10, 40]]},
        {"text": "도로", "segmentation": [[11, 21, 49, 20.5, 49, 39, 12, 39, 11, 30]]},
        {"text": "도로", "segmentation": {"counts": [1], "size": [1, 1]}, "iscrowd": 0},
        {"text": "도로", "image_id": "1"},
    ],
)
def test_where_coco_keeps_texts_and_boxes(annotation):
    (found,) = read(coco(annotation)).annotations
    assert (found.text, found.box, found.fault) == ("도로", Box(10, 20, 50, 40), "")


def test_a_tilted_polygon_of_coco_keeps_its_corners():
    (found,) = read(coco({"text": "도로", "segmentation": [[10, 20, 50, 24, 48, 44, 8, 40]]})).annotations
    assert (found.box, found.corners) == (Box(8, 20, 50, 44), ((10, 20), (50, 24), (48, 44), (8, 40)))


@pytest.mark.parametrize(
    "annotation",
    [
        {"text": "도로", "iscrowd": 1},
        {"text": "도로", "ignore": True},
        {"attributes": {"text": "도로", "ignore": 1}},
        {"legibility": "illegible"},
        {"text": "###"},
    ],
)
def test_what_coco_marks_as_dont_care(annotation):
    assert [a.fault for a in read(coco(annotation)).annotations] == [IGNORED]


@pytest.mark.parametrize(
    ("annotation", "detail"),
    [
        (
            {},
            "text: missing beside 'image_id', 'bbox'; expected a string, as text, transcription, utf8_string, caption",
        ),
        ({"text": 5}, "text: a number; expected a string, as text, transcription, utf8_string, caption"),
        ({"text": "가", "bbox": [1, 2, 3]}, "bbox: a list of 3 numbers; expected four numbers: x, y, width, height"),
        ({"text": "가", "bbox": "1,2,3,4"}, "bbox: a string; expected four numbers: x, y, width, height"),
    ],
)
def test_what_is_wrong_with_an_annotation_of_coco_is_named(annotation, detail):
    (found,) = read(coco(annotation)).annotations
    assert (found.fault, found.detail) == (MALFORMED_ANNOTATION, detail)


def test_characters_of_words_that_are_labelled_are_left_out():
    """한국어 글자체 이미지 labels words and each of their characters."""
    classes = [("도로", "word"), ("도", "character"), ("로", "character")]
    content = coco(*({"text": text, "attributes": {"class": of}} for text, of in classes))
    assert [text for _, text, _, _ in words(content)] == ["도로"]
    alone = coco(*({"text": text, "attributes": {"class": of}} for text, of in classes[1:]))
    assert [text for _, text, _, _ in words(alone)] == ["도", "로"]


def test_whose_the_annotations_of_one_image_are():
    content = coco({"text": "가"}, {"text": "나", "image_id": None}, {"text": "다", "image_id": 9})
    assert [(text, fault) for _, text, _, fault in words(content)] == [
        ("가", ""), ("나", ""), ("", MALFORMED_ANNOTATION),
    ]  # fmt: skip
    assert read(content).annotations[2].detail.startswith("image_id: not that of an image; expected the id of one")
    del content["images"][0]["id"]
    assert [text for _, text, _, _ in words(content)] == ["나", "", ""]


def test_a_label_file_of_several_pages_says_what_to_do():
    with pytest.raises(LabelError, match=r"describes 2 images \(COCO\).*--from"):
        read(coco(images=2))


def test_the_encoding_is_kept():
    assert read(coco({"text": "도로"}), "cp949").encoding == "CP949"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "null"), (True, "true or false"), (1.5, "a number"), ("", "an empty string"), ([], "an empty list"),
        ({}, "an empty object"), ([1, "a"], "a list of different things"), ([[1, 2]], "a list of lists"),
        ([0] * 100, "a list of many numbers"), ({"가": 1}, "an object with the keys '가'"),
        (dict.fromkeys("abcdefghij"), "an object with the keys 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', ..."),
    ],
)  # fmt: skip
def test_values_are_described_by_kind(value, said):
    assert describe(value) == said


@pytest.mark.parametrize(
    "value",
    [None, 5, "1,2", [], [1, 2, 3, 4], [1, 2, 3, 4, 5], [[1, 2], [3]], [["a", 2]], {"x": [1], "y": [1, 2]}, {"x": 1},
     [None] * 6, [[1, float("nan")]], [[1, 10**30]], [["1e5", 1]], [[True, 1]], {"x": [], "y": []}, [{}],
     [["9" * 5000, "1"]]],
)  # fmt: skip
def test_what_is_no_polygon(value):
    assert polygon_of(value) is None


@pytest.mark.parametrize(
    "content", [None, [], {}, {"images": []}, {"images": [{}], "annotations": 5}, {"text": "x"}, 5]
)
def test_what_is_no_label_file(content):
    assert not is_coco(content) and not is_known(content)


@pytest.mark.parametrize(
    "content",
    [
        {"images": [{"file_name": 5, "id": []}], "annotations": [5, None, {"image_id": {}}]},
        {"images": [{"file_name": "a", "id": {}}, 5], "annotations": []},
        {"bbox": [{"data": 5}, 7, {"data": "가", "x": [1], "y": {}}]},
        {"text": {"word": [{"wordbox": {}}, {"wordbox": [1, 2, 3, 4]}, []]}},
        {"bbox": {"data": 1}, "text": {"word": {"wordbox": 1}}},
        {"images": [{"file_name": "a"}], "annotations": [{"attributes": 5, "segmentation": [5], "bbox": {}}]},
    ],
)
def test_broken_files_of_other_forms_end_in_no_error_of_ours(content):
    try:
        found = read(content)
    except LabelError:
        return
    assert all(a.fault == MALFORMED_ANNOTATION and a.detail for a in found.annotations)

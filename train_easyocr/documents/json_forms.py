"""Label files in JSON of other data sets, turned into the structure of AI-Hub's "공공행정문서 OCR" as they are read.

coco        {"images": [{"id", "file_name", "width", "height"}], "annotations": [{"image_id", "bbox": [x, y, width,
            height], "text"}]}, a file a page or one for all, as AI-Hub's "한국어 글자체 이미지". A text can stand in
            "transcription", "utf8_string" or "caption", too, or in "attributes".
x and y     {"bbox" or "Bbox": [{"data": "도로", "x": [4 numbers], "y": [4 numbers]}]}: AI-Hub's "OCR 데이터(공공)",
            "OCR 데이터(금융 및 물류)", "대용량 손글씨 OCR 데이터"
wordbox     {"text": {"word": [{"value": "도로", "wordbox": [left, top, right, bottom]}]}}: AI-Hub's "다양한 형태의 한글
            문자 OCR"

What is unambiguous is taken: numbers as strings, and polygons for boxes. Whatever else is found stays as it is, with a
detail that names the field, what was found and what was expected, for `aihub.read_label_file` to count.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from train_easyocr.documents.page import corners_of, enclosing_box

Corners = list[tuple[float, float]]
Json = dict[str, Any]

MAX_COORDINATE = 2**31
"""Pixels; a box beyond is not a box."""
NUMBERS = frozenset({int, float})
"""What JSON's numbers are; True is none of them."""
DONT_CARE = "###"
"""What stands for a text that nobody can read."""
DETAIL = "annotation.detail"
"""The key of what is wrong with an annotation that could not be turned into AI-Hub's structure."""
SHOWN_KEYS = 8
MANY = 8

TEXT_KEYS = ("text", "transcription", "utf8_string", "caption")
DONT_CARE_KEYS = ("iscrowd", "ignore", "difficult", "illegible")
CHARACTER, WORD = "character", "word"
"""Classes of "한국어 글자체 이미지", which labels a word and each of its characters besides."""

_NUMBER = re.compile(r"\s*-?\d+(?:\.\d+)?\s*", re.ASCII)
_KINDS: Mapping[type, tuple[str, str]] = {
    type(None): ("null", "nulls"),
    bool: ("true or false", "truth values"),
    int: ("a number", "numbers"),
    float: ("a number", "numbers"),
    str: ("a string", "strings"),
    list: ("a list", "lists"),
    dict: ("an object", "objects"),
}
MISSING = object()
"""Stands for the value of a key that is not there."""


def describe(value: Any) -> str:
    """Say in few words what a JSON value is, never its content: what is found is counted by kind."""
    if value is MISSING:
        return "missing"
    if isinstance(value, dict) and value:
        return f"an object with the keys {shown_keys(value)}"
    if not value and isinstance(value, str | list | dict):
        return _KINDS[type(value)][0].replace("a ", "an empty ").replace("an object", "an empty object")
    if not isinstance(value, list):
        return _KINDS[type(value)][0]
    kinds = {_KINDS[type(item)][1] for item in value}
    if kinds == {"numbers"}:
        count = f"{len(value)} numbers" if len(value) <= MANY else "many numbers"
        return f"a list of {count}" + ("" if _sane(value) else ", not all of them finite and below 2^31")
    return f"a list of {kinds.pop()}" if len(kinds) == 1 else "a list of different things"


def shown_keys(content: Mapping[str, Any]) -> str:
    """Name the keys of an object, the first ones where there are many."""
    names = [repr(key[:40]) for key in list(content)[:SHOWN_KEYS]]
    return ", ".join(names) + (", ..." if len(content) > SHOWN_KEYS else "")


def mismatch(field: str, content: Mapping[str, Any], key: str, expected: str) -> str:
    """Return the detail about a value that is not as expected: field, what was found, what was expected."""
    value = content.get(key, MISSING)
    beside = f" beside {shown_keys(content)}" if value is MISSING and content else ""
    return f"{field}: {describe(value)}{beside}; expected {expected}"


def numbers_of(value: Any) -> list[float] | None:
    """Return a list of numbers, also where they are written as strings, or None where it is no such thing."""
    if not isinstance(value, list) or not value:
        return None
    found = [_number(item) for item in value]
    return found if _sane(found) else None


def _number(item: Any) -> float:
    if type(item) in NUMBERS:
        return item
    return float(item) if isinstance(item, str) and _NUMBER.fullmatch(item) else math.nan


def _sane(numbers: Iterable[float]) -> bool:
    return all(abs(number) <= MAX_COORDINATE for number in numbers)  # NaN compares as False


def polygon_of(value: Any) -> Corners | None:
    """Return the corners of a polygon, in the order in which they follow each other around it.

    Args:
        value: `[[x, y], ...]`, `[x1, y1, x2, y2, ...]` with at least three corners, or `{"x": [...], "y": [...]}`.

    Returns:
        At least one corner, all finite; None where the value is no polygon.
    """
    if isinstance(value, dict):
        xs, ys = numbers_of(value.get("x")), numbers_of(value.get("y"))
        return in_polygon_order(list(zip(xs, ys, strict=True))) if xs and ys and len(xs) == len(ys) else None
    if not isinstance(value, list):
        return None
    if all(isinstance(point, list) and len(point) == 2 for point in value):
        flat = numbers_of([number for point in value for number in point])
    else:
        flat = numbers_of(value) if len(value) >= 6 and len(value) % 2 == 0 else None
    return in_polygon_order(list(zip(flat[::2], flat[1::2], strict=True))) if flat else None


def in_polygon_order(corners: Corners) -> Corners:
    """Bring four corners that were written row by row into the order around the polygon."""
    if len(corners) != 4:
        return corners
    first, second, third, fourth = corners
    crossing = _area([first, second, fourth, third])
    return [first, second, fourth, third] if crossing > _area(corners) else corners


def _area(corners: Corners) -> float:
    """Return the area of a polygon whose sides do not cross; less where they do."""
    following = [*corners[1:], corners[0]]
    return abs(sum(x * y2 - x2 * y for (x, y), (x2, y2) in zip(corners, following, strict=True))) / 2


def labelled(identity: str, text: str, place: Corners | list[float], *, dont_care: bool = False) -> Json:
    """Return a word as AI-Hub's label files hold it.

    Args:
        identity: How the annotation is called.
        text: Its text.
        place: Corners, or x, y, width and height.
        dont_care: Whether nobody can read it; `###` says so as well.
    """
    found: Json = {"id": identity, "annotation.text": text, "annotation.bbox": place}
    if isinstance(place[0], tuple):
        box, quad = enclosing_box(place), corners_of(place)
        found["annotation.bbox"] = [box.xmin, box.ymin, box.width, box.height]
        found |= {"annotation.corners": quad} if quad else {}
    return found | {"annotation.ignore": True} if dont_care or text.strip() == DONT_CARE else found


def broken(identity: str, content: Any, detail: str) -> Json:
    """Return what `aihub.read_label_file` takes for a malformed annotation.

    Args:
        identity: How the annotation is called.
        content: What it holds for a text.
        detail: The field, what was found there, and what was expected.
    """
    return {"id": identity, "annotation.text": content, "annotation.bbox": None, DETAIL: detail}


def as_aihub(content: Json) -> Json:
    """Return a label file's content in AI-Hub's structure; unchanged where it is that, or none that is known.

    Raises:
        ValueError: It describes several pages; the message says what to do.
    """
    if is_coco(content):
        if len(content["images"]) > 1:
            raise ValueError(
                f"describes {len(content['images']):,} images (COCO); a label file describes one page. "
                "A COCO file of all pages is read with --from"
            )
        pages = [page for _, page in coco_pages(content)]
        return (
            pages[0] | {"annotations": [word for page in pages for word in page["annotations"]]} if pages else content
        )
    for words, image in ((_x_and_y(content), "Images"), (_wordboxes(content), "image")):
        if words is not None:
            return {"images": [_size(content.get(image))], "annotations": words}
    return content


def is_coco(content: Any) -> bool:
    """Whether a JSON file's content is COCO's: a list of images that have file names, and a list of annotations."""
    if not isinstance(content, dict):
        return False
    images, annotations = content.get("images"), content.get("annotations")
    named = isinstance(images, list) and bool(images) and isinstance(images[0], dict) and "file_name" in images[0]
    if not named or not isinstance(annotations, list):
        return False
    return not any(isinstance(found, dict) and "annotation.bbox" in found for found in annotations[:1])  # AI-Hub's own


def is_known(content: Any) -> bool:
    """Whether a JSON file's content is that of a label file: AI-Hub's, or another that `as_aihub` knows."""
    if not isinstance(content, dict):
        return False
    images, annotations = content.get("images"), content.get("annotations")
    own = isinstance(images, list) and isinstance(annotations, list)
    return own or _x_and_y(content) is not None or _wordboxes(content) is not None


def _size(image: Any) -> Json:
    stated = image if isinstance(image, dict) else {}
    return {"image.width": stated.get("width"), "image.height": stated.get("height")}


def _entries(values: Any, read: Callable[[str, Json], Json], key: str) -> list[Json] | None:
    """Turn each object of a list into a word; None where it is no list of objects that have the key."""
    if not isinstance(values, list) or not any(isinstance(value, dict) and key in value for value in values):
        return None
    return [
        read(str(value.get("id", number)), value)
        if isinstance(value, dict)
        else broken(str(number), "", f"word: {describe(value)}; expected an object")
        for number, value in enumerate(values, 1)
    ]


def _x_and_y(content: Json) -> list[Json] | None:
    name = next((name for name in ("bbox", "Bbox") if name in content), "")
    return _entries(content.get(name), _x_and_y_word, "data")


def _x_and_y_word(identity: str, word: Json) -> Json:
    corners, text = polygon_of({"x": word.get("x"), "y": word.get("y")}), word.get("data")
    if corners and isinstance(text, str):
        return labelled(identity, text, corners)
    if not isinstance(text, str):
        return broken(identity, "", mismatch("data", word, "data", "a string"))
    key = "y" if numbers_of(word.get("x")) else "x"
    return broken(identity, text, mismatch(key, word, key, "as many numbers as the other coordinate has"))


def _wordboxes(content: Json) -> list[Json] | None:
    text = content.get("text")
    return _entries(text.get("word"), _wordbox_word, "wordbox") if isinstance(text, dict) else None


def _wordbox_word(identity: str, word: Json) -> Json:
    numbers, text = numbers_of(word.get("wordbox")), word.get("value")
    if not isinstance(text, str):
        return broken(identity, "", mismatch("value", word, "value", "a string"))
    if numbers is None or len(numbers) != 4:
        return broken(identity, text, mismatch("wordbox", word, "wordbox", "four numbers: left, top, right, bottom"))
    left, top, right, bottom = numbers
    return labelled(identity, text, [left, top, right - left, bottom - top])


def coco_pages(content: Json) -> Iterator[tuple[str, Json]]:
    """Yield each image of a COCO file: its file name as stated, and its label file in AI-Hub's structure.

    Last come the annotations that are of none of the images, if there are any, under an empty name.
    """
    images = [image for image in content["images"] if isinstance(image, dict)]
    by_image: defaultdict[str, list[Any]] = defaultdict(list)
    for annotation in content["annotations"]:
        stated = annotation.get("image_id") if isinstance(annotation, dict) else None
        by_image["" if stated is None else str(stated)].append(annotation)
    if len(images) == 1:  # then an annotation need not say whose it is
        unstated = by_image.pop("", [])
        by_image[str(images[0].get("id", ""))] += unstated
    for image in images:
        if isinstance(image.get("file_name"), str):
            annotations = by_image.pop(str(image.get("id", "")), [])
            words = [_coco_word(number, value) for number, value in enumerate(_without_parts(annotations), 1)]
            yield image["file_name"], {"images": [_size(image)], "annotations": words}
    if orphans := [annotation for annotations in by_image.values() for annotation in annotations]:
        detail = "image_id: not that of an image; expected the id of one of 'images'"
        yield "", {"images": [{}], "annotations": [broken(str(n), "", detail) for n in range(1, len(orphans) + 1)]}


def _without_parts(annotations: list[Any]) -> list[Any]:
    """Leave out the characters of words that are labelled, too."""
    classes = [_attributes(annotation).get("class") for annotation in annotations]
    if WORD not in classes:
        return annotations
    return [annotation for annotation, of in zip(annotations, classes, strict=True) if of != CHARACTER]


def _attributes(annotation: Any) -> Json:
    found = annotation.get("attributes") if isinstance(annotation, dict) else None
    return found if isinstance(found, dict) else {}


def _coco_word(number: int, annotation: Any) -> Json:
    if not isinstance(annotation, dict):
        return broken(str(number), "", f"annotation: {describe(annotation)}; expected an object")
    identity, stated = str(annotation.get("id", number)), _attributes(annotation) | annotation
    key = next((key for key in TEXT_KEYS if isinstance(stated.get(key), str)), "")
    dont_care = any(stated.get(name) in (1, "1") for name in DONT_CARE_KEYS) or stated.get("legibility") == "illegible"
    place = _coco_place(annotation)
    if place is None:
        detail = mismatch("bbox", annotation, "bbox", "four numbers: x, y, width, height")
        return broken(identity, stated.get(key, ""), detail)
    if not key and not dont_care:
        return broken(identity, "", mismatch("text", annotation, "text", f"a string, as {', '.join(TEXT_KEYS)}"))
    return labelled(identity, stated.get(key, ""), place, dont_care=dont_care)


def _coco_place(annotation: Json) -> Corners | list[float] | None:
    """Return the corners of an annotation's only polygon, where it has four, or its box; any polygon without a box."""
    polygons = annotation.get("segmentation")
    polygon = polygon_of(polygons[0]) if isinstance(polygons, list) and len(polygons) == 1 else None
    numbers = numbers_of(annotation.get("bbox"))
    return polygon if (polygon and len(polygon) == 4) or numbers is None or len(numbers) != 4 else numbers

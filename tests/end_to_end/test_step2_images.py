"""Step 2 on images that programs disagree about: what is used is right, what is not is named."""

import csv
import json

import cv2
import numpy as np
import pytest

from tests.documents.printed import BOXES, STORED, encode, label_of, printed_page
from tests.documents.samples import IMAGES_TOP, LABELS_TOP, write_zip
from train_easyocr.documents import Box
from train_easyocr.documents.images import NOT_TURNED, TURNED
from train_easyocr.documents.ink import BESIDE_PRINT

pytestmark = pytest.mark.slow

FOLDER = "인.허가/5350109/2001"


def members():
    """Suffix, image and label file of each page by name."""
    page, labels = printed_page(), label_of()
    transparent = np.dstack([np.where(page == 255, 0, page)] * 3 + [np.where(page == 255, 0, 255)]).astype(np.uint8)
    broken = encode(np.tile(page, (2, 2)), "JPEG")
    swapped = label_of([Box(b.ymin, b.xmin, b.ymax, b.xmax) for b in BOXES])
    return {
        "누운": (".png", encode(STORED[6](page), "PNG", 6), labels),
        "묵은": (".png", encode(page, "PNG", 6), labels),
        "투명": (".png", encode(transparent), labels),
        "스캔": (".tif", encode(page, "TIFF"), labels),
        "비트맵": (".BMP", encode(page, "BMP"), labels),
        "웹": (".webp", encode(page, "WEBP", lossless=True), labels),
        "손상": (".jpg", broken[: len(broken) // 2] + broken[len(broken) // 2 + 300 :], labels),
        "뒤바뀜": (".png", encode(page), swapped),
    }


def write_download(folder):
    images = [(f"{IMAGES_TOP}/{FOLDER}/{name}{suffix}", image) for name, (suffix, image, _) in members().items()]
    labels = [(f"{LABELS_TOP}/{FOLDER}/{name}.json", label) for name, (_, _, label) in members().items()]
    for split in ("Training", "Validation"):
        write_zip(folder / split / "[원천]images.zip", images)
        write_zip(folder / split / "[라벨]labels.zip", labels)
    return folder


def test_words_are_cut_where_they_are_printed_and_the_rest_is_named(tmp_path, run):
    download = write_download(tmp_path / "공공행정문서 OCR")
    assert run("--dataset", download, "--training", "--workers", 1)[0] == 0
    made = tmp_path / "공공행정문서 OCR/training_and_validation_set/training/select_data"
    used = {"누운", "묵은", "투명", "스캔", "비트맵", "웹"}
    page = printed_page()
    expected = {f"{name}_{'-'.join(map(str, box))}.png": box for name in used for box in BOXES}
    found = {path.name: cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in (made / "images").iterdir()}
    assert found.keys() == expected.keys()
    for name, box in expected.items():
        np.testing.assert_array_equal(found[name], page[box.ymin : box.ymax, box.xmin : box.xmax])
    with (made / "skipped.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["page"].rsplit("/", 1)[1]: row for row in csv.DictReader(file)}
    assert {name: row["reason"] for name, row in rows.items()} == {"손상": "unreadable image", "뒤바뀜": BESIDE_PRINT}
    assert "11 of 12 boxes show no ink" in rows["뒤바뀜"]["detail"]
    statistics = json.loads((made / "statistics.json").read_bytes())
    assert statistics["warnings"] == {TURNED: 1, NOT_TURNED: 1}
    assert statistics["pages"]["skipped"] == {"unreadable image": 1, BESIDE_PRINT: 1}


def test_check_names_them_before_anyone_waits(tmp_path, run):
    download = write_download(tmp_path / "공공행정문서 OCR")
    status, out, _ = run("--dataset", download, "--training", "--check", "--workers", 1)
    assert status == 0
    assert f"'{FOLDER}/뒤바뀜': {BESIDE_PRINT}: 11 of 12 boxes show no ink" in out
    assert f"'{FOLDER}/손상': unreadable image: can't be decoded; it is cut short or damaged (Corrupt JPEG data" in out
    for warning in (TURNED, NOT_TURNED):
        assert f"warning: {warning}" in out

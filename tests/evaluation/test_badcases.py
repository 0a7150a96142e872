"""Bad cases as a training set: the right patches, in step 2's form, and nobody's files overwritten."""

import csv
import json

import cv2
import numpy as np
import pytest

from tests.documents.printed import encode
from tests.documents.samples import tree
from tests.evaluation.installed import draw_page, write_page
from train_easyocr.common.errors import UserError
from train_easyocr.datasets.cropping import Cutting
from train_easyocr.datasets.data import open_set
from train_easyocr.documents.aihub import find_pages, read_labelled_page
from train_easyocr.evaluation.badcases import LIST, MANIFEST, WEAK, export_bad_cases
from train_easyocr.evaluation.observations import Observations
from train_easyocr.settings.config import Config
from train_easyocr.weights.characters import CharacterSet

WORDS = [
    (10, 12, 80, 30, "도로"),
    (110, 14, 90, 28, '경남, "김해"'),
    (-4, 60, 60, 30, "가나"),
    (200, 60, 40, 30, "허가"),
]
TEXTS = ["도로", "경남, 김해", "가니", None]


@pytest.fixture
def pages(tmp_path):
    for number in range(2):
        write_page(tmp_path / "set", f"인.허가/{number}/page", WORDS, seed=number)
    return find_pages(tmp_path / "set")[0]


def observe(pages, texts=TEXTS):
    observations = Observations()
    for file in pages:
        page = read_labelled_page(file)
        rows = [[*word.box, text, 0.75] for word, text in zip(page.words, texts, strict=True) if text is not None]
        observations.add(page.name, page.category, page.words, rows)
    return observations


def export(folder, pages, **options):
    observations = observe(pages)
    return export_bad_cases(
        folder, "finetuned", observations, observations.characters.summary([], None), pages, **options
    )


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_patches_of_the_wrong_words(pages, tmp_path):
    assert export(tmp_path / "bad", pages) == 6
    labels = rows_of(tmp_path / "bad" / "labels.csv")
    assert [row["words"] for row in labels] == ['경남, "김해"', "가나", "허가"] * 2
    assert len({row["filename"] for row in labels}) == 6  # both pages are called the same but for their folders
    for row, (left, top, right, bottom) in zip(
        labels, [(110, 14, 200, 42), (0, 60, 56, 90), (200, 60, 240, 90)] * 2, strict=True
    ):
        assert row["filename"].endswith(f"_{left}-{top}-{right}-{bottom}.png")
        patch = cv2.imread(str(tmp_path / "bad" / "images" / row["filename"]), cv2.IMREAD_UNCHANGED)
        page = draw_page(0 if "_0_" in row["filename"] else 1)
        assert np.array_equal(patch, page[top:bottom, left:right])


def test_what_was_read_instead(pages, tmp_path):
    export(tmp_path / "bad", pages)
    details = rows_of(tmp_path / "bad" / LIST)[:3]
    assert [(row["class"], row["read"], row["confidence"]) for row in details] == [
        ("misread", "경남, 김해", "0.750000"),
        ("misread", "가니", "0.750000"),
        ("missed", "", ""),
    ]
    assert {row["page"] for row in details} == {"인.허가/0/page"}
    weak = json.loads((tmp_path / "bad" / WEAK).read_text(encoding="utf-8"))
    assert {"character": "나", "errors": 2, "count": 2} in weak


def test_training_takes_the_set(pages, tmp_path):
    export(tmp_path / "bad", pages)
    data = open_set(tmp_path / "bad", Config(), CharacterSet('가나김남경로도허해, "'))
    assert (data.report.read, data.report.kept) == (6, 6)


def test_in_colour(pages, tmp_path):
    export(tmp_path / "bad", pages, cutting=Cutting(rgb=True))
    patch = next((tmp_path / "bad" / "images").iterdir())
    assert cv2.imread(str(patch), cv2.IMREAD_UNCHANGED).ndim == 3


def test_labels_are_written_as_in_the_training_set(tmp_path):
    write_page(tmp_path / "set", "page", [(*WORDS[0][:4], "가ㆍ나")])
    files = find_pages(tmp_path / "set")[0]
    observations = Observations()
    observations.add("page", "", read_labelled_page(files[0]).words, [])
    summary = observations.characters.summary([], None)
    for unify, label in ((False, "가ㆍ나"), (True, "가·나")):
        export_bad_cases(tmp_path / "bad", "x", observations, summary, files, cutting=Cutting(unify=unify))
        assert [row["words"] for row in rows_of(tmp_path / "bad" / "labels.csv")] == [label]


def test_again_replaces_what_was_written_before(pages, tmp_path):
    export(tmp_path / "bad", pages)
    (tmp_path / ".bad.work").mkdir()
    export(tmp_path / "bad", pages)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad", "set"]


def test_empty_folder_is_used(pages, tmp_path):
    (tmp_path / "bad").mkdir()
    assert export(tmp_path / "bad", pages) == 6


@pytest.mark.parametrize("content", [{}, {MANIFEST: "5"}, {"labels.csv": "filename,words\n"}])
def test_other_files_are_left_alone(pages, tmp_path, content):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "mine.txt").write_text("mine")
    for name, text in content.items():
        (tmp_path / "bad" / name).write_text(text)
    with pytest.raises(UserError, match="new or empty"):
        export(tmp_path / "bad", pages)
    assert (tmp_path / "bad" / "mine.txt").read_text() == "mine"


def test_words_without_a_patch_are_counted(tmp_path):
    write_page(tmp_path / "set", "page", [WORDS[0], WORDS[0], (0, 300, 20, 20, "밖")])
    [file] = find_pages(tmp_path / "set")[0]
    page = read_labelled_page(file)
    observations = Observations()
    observations.add(page.name, "", page.words, [])
    # The label file's size hides what is outside; the image is what counts.
    summary = observations.characters.summary([], None)
    assert export_bad_cases(tmp_path / "bad", "finetuned", observations, summary, [file]) == 1
    manifest = json.loads((tmp_path / "bad" / MANIFEST).read_text(encoding="utf-8"))
    assert sum(manifest["skipped"].values()) == len(page.words) - 1


def test_page_that_is_gone(pages, tmp_path):
    observations = observe(pages)
    pages[0].image.unlink()
    said = []
    summary = observations.characters.summary([], None)
    assert export_bad_cases(tmp_path / "bad", "finetuned", observations, summary, pages, say=said.append) == 3
    assert len(said) == 1 and "인.허가/0/page" in said[0]


def test_patches_are_cut_where_the_labels_are_whatever_an_old_turn_says(pages, tmp_path):
    export(tmp_path / "bad", pages)
    for page in pages:
        page.image.write_bytes(encode(cv2.imread(str(page.image), cv2.IMREAD_GRAYSCALE), "PNG", 6))
    export(tmp_path / "turned", pages)
    assert tree(tmp_path / "turned") == tree(tmp_path / "bad")

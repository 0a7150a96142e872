"""`python3 -m train_easyocr.read`: the command line, and the torch engine behind it."""

import io
import json
import re
import shutil
import sys
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from benchmarks.studies.reading_order import rendered
from tests.documents.printed import STORED, encode
from tests.evaluation.installed import draw_page, install_finetuned
from tests.reading.documents import WANTS_A_PASSWORD, saved
from train_easyocr import read
from train_easyocr.common.errors import UsageError
from train_easyocr.documents.page import Box
from train_easyocr.evaluation.models import scored_model
from train_easyocr.metrics.matching import match
from train_easyocr.reading.orientation import read_upright, turned
from train_easyocr.reading.pipeline import read_page
from train_easyocr.reading.sources import ImageDocument
from train_easyocr.reading.torch_engine import choose_bundle, open_engine
from train_easyocr.synthesis.fonts import FontLibrary
from train_easyocr.synthesis.pages import cover
from train_easyocr.weights import starter as starter_weights
from train_easyocr.weights.bundle import keep, open_bundle
from train_easyocr.weights.model_files import Place

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page():
    """A rendered page with few words, as a JPEG, and its labels' boxes."""
    [(image, boxes)] = rendered(cover, 5, 1, FontLibrary.find(None, "sample"))
    return cv2.imencode(".jpg", image)[1].tobytes(), boxes


@pytest.fixture(autouse=True)
def no_model_is_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path / "EasyOCR"))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("status", "arguments", "reason"),
    [
        (2, ["seed=1"], "name what is to be read"),
        (2, ["a.jpg", "b.jpg"], "--output"),
        (2, ["full"], "--output"),
        (2, ["a.jpg", "--pages", "0"], "are no pages"),
        (2, ["a.jpg", "--bundle", "없음"], "없음: no weights are called that"),
        (2, ["a.jpg", "leraning_rate=1"], "leraning_rate"),
        (2, ["-", "-"], "once"),
        (2, ["full", "full/a.png", "--output", "out"], "would both be written"),
        (2, ["full", "--output", "empty/../full"], "is read, so it can't take what is written"),
        (1, ["empty", "--output", "out"], "no image and no PDF"),
        (1, ["gone.jpg"], "gone.jpg: can't be read"),
        (1, ["notes.txt"], "neither an image"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, capsys, status, arguments, reason):
    for folder in ("empty", "full"):
        (tmp_path / folder).mkdir()
    (tmp_path / "full/a.png").write_bytes(saved(draw_page(), form="PNG"))
    for file in ("notes.txt", "empty/notes.txt"):
        (tmp_path / file).write_text("notes")
    assert read.main(arguments) == status
    assert reason in capsys.readouterr().err


def test_a_page_is_read_to_the_standard_output(tmp_path, page, capfdbinary, monkeypatch):
    content, _ = page
    (tmp_path / "스캔=1.jpg").write_bytes(content)
    assert read.main(["스캔=1.jpg", "--format", "json"]) == 0
    found = json.loads(capfdbinary.readouterr().out)
    assert found["file"] == "스캔=1.jpg" and found["model"]["name"] == "starter"
    words = found["pages"][0]["words"]
    # What evaluation reads with the same weights at the same boxes.
    grey = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
    model = scored_model("starter", starter_weights.RECOGNIZER, cuda=False).open()
    expected = model.recognize(grey, [Box(*word["box"]) for word in words])
    assert [word["text"] for word in words] == [text for text, _ in expected]
    assert [word["confidence"] for word in words] == [round(confidence, 4) for _, confidence in expected]
    assert len(words) > 10 and sum(word["confidence"] > 0.9 for word in words) > 0.8 * len(words)

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    assert read.main(["-", "--bundle", "starter"]) == 0
    text = capfdbinary.readouterr().out.decode()
    assert text.split() == [word for line in found["pages"][0]["lines"] for word in line["text"].split()]


def test_a_folder_with_a_broken_file(tmp_path, page, capsys):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/1.jpg").write_bytes(page[0])
    (tmp_path / "in/2.pdf").write_bytes(WANTS_A_PASSWORD)
    (tmp_path / "in/notes.txt").write_text("notes")
    assert read.main(["in", "--output", "out", "--format", "hocr"]) == 1
    said = capsys.readouterr()
    assert "in/2.pdf: is encrypted" in said.err and "passed over" in said.err and "notes.txt" in said.err
    assert re.search(r"files that could not be read +\| +1\n", said.out) and "skipped.csv" in said.out
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"1.jpg.hocr", "manifest.jsonl", "skipped.csv"}


def test_an_empty_page_has_no_words():
    engine = open_engine("starter")
    found = read_page(engine, ImageDocument(saved(np.full((300, 400), 255, np.uint8), form="PNG")).page(1))
    assert (found.words, found.lines) == ((), ())


def test_the_installed_model_is_read_with_where_there_is_one(tmp_path):
    assert choose_bundle(None, tmp_path).recognizer == starter_weights.RECOGNIZER
    install_finetuned(tmp_path / "EasyOCR")
    chosen = choose_bundle(None, tmp_path)
    assert (chosen.name, chosen.recognizer, chosen.detector) == (
        "installed", Place.installed().weights, starter_weights.DETECTOR,
    )  # fmt: skip
    engine = open_engine()
    assert engine.identity.characters.startswith("가나다라")
    assert engine.identity.name == "finetuned"
    assert engine.identity.detector_sha256 == open_engine("starter").identity.detector_sha256
    assert engine.identity.recognizer_sha256 != open_engine("starter").identity.recognizer_sha256
    [reading] = engine.read(draw_page(), [Box(10, 10, 90, 40)])
    assert set(reading[0]) <= set(engine.identity.characters) and 0 <= reading[1] <= 1


def test_names_of_weights(tmp_path):
    saved_models = tmp_path / "saved_models"
    kept = keep(open_bundle("starter"), "좋음", saved_models)
    chosen = choose_bundle("좋음", saved_models)
    assert (chosen.recognizer, chosen.detector) == (kept / "recognizer.pth", kept / "detector.pth")
    assert open_engine("좋음", saved_models).identity.detector_sha256 == open_engine("starter").identity.detector_sha256
    (saved_models / "실험").mkdir()
    for suffix in (".pth", ".json"):
        shutil.copy(starter_weights.RECOGNIZER.with_suffix(suffix), saved_models / f"실험/best_accuracy{suffix}")
    assert choose_bundle("실험", saved_models).recognizer == saved_models / "실험/best_accuracy.pth"
    path = saved_models / "실험/best_accuracy.pth"
    assert choose_bundle(str(path), tmp_path / "elsewhere").recognizer == path
    with pytest.raises(UsageError, match="없음"):
        choose_bundle("없음", saved_models)
    assert not Place.installed().weights.exists()


def test_a_page_reads_alike_however_it_lies(page):
    engine = open_engine("starter")
    upright = ImageDocument(page[0]).page(1)
    expected = read_page(engine, upright)
    for angle in (0, 90, 180, 270):
        colour, grey = (turned(image, angle) for image in (upright.colour, upright.grey))
        read, picture = read_upright(engine, replace(upright, colour=colour, grey=grey, jpeg=None), "auto")
        assert (read.orientation + angle) % 360 == 0 and read.margin > 0.3
        np.testing.assert_array_equal(picture.grey, upright.grey)
        assert (read.words, read.lines, read.warnings) == (expected.words, expected.lines, ())


def test_each_exif_orientation_gives_the_texts_and_boxes_of_the_upright_page(tmp_path, page):
    grey = ImageDocument(page[0]).page(1).grey
    grey = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    expected = read_page(open_engine("starter"), ImageDocument(saved(grey, form="PNG")).page(1))
    labels = [Box(*(side // 2 for side in box)) for box in page[1]]
    assert len(match(labels, [word.box for word in expected.words])) > 0.8 * len(labels), "boxes are on the words"
    (tmp_path / "in").mkdir()
    for orientation in range(1, 9):
        stored = STORED[orientation](grey)
        (tmp_path / f"in/{orientation}.png").write_bytes(encode(stored, orientation=orientation))
    command = ["in", "--output", "out", "--format", "json", "--bundle", "starter", "--orientation", "auto"]
    assert read.main(command) == 0
    for orientation in range(1, 9):
        [found] = json.loads((tmp_path / f"out/{orientation}.png.json").read_bytes())["pages"]
        assert (found["width"], found["height"], found["orientation"]) == (*grey.shape[::-1], 0)
        words = [(word["text"], word["confidence"], word["box"]) for word in found["words"]]
        assert words == [(word.text, round(word.confidence, 4), list(word.box)) for word in expected.words]


def test_single_turned_words_on_demand(tmp_path, page, capfdbinary):
    (tmp_path / "쪽.jpg").write_bytes(page[0])
    texts = []
    for setting in ("off", "auto"):
        assert read.main(["쪽.jpg", "--bundle", "starter", "--word_orientation", setting]) == 0
        texts.append(capfdbinary.readouterr().out)
    assert texts[0] == texts[1]

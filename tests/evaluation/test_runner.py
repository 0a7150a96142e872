"""The runner with fake models: scores, one detection a page, resuming after a kill, skipped pages, failing models."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.documents.printed import BOXES, STORED, encode, label_of, printed_page
from tests.evaluation.fakes import FakeDetector, FakeRecognizer, fake_detector, fake_model, run
from tests.evaluation.installed import WORDS, draw_page, write_page, write_set
from tests.reading.test_orientation import ArrowReader, arrow_page
from train_easyocr.common.errors import MissingWeightsError, WeightsError
from train_easyocr.documents import Box, Quad, Word
from train_easyocr.documents.aihub import find_pages
from train_easyocr.documents.images import NOT_TURNED, TURNED
from train_easyocr.evaluation import runner
from train_easyocr.evaluation.predictions import FILE_NAME
from train_easyocr.evaluation.report import CSV_NAME, JSON_NAME
from train_easyocr.evaluation.runner import LABELS, ScoredModel, evaluate
from train_easyocr.metrics.metrics import score_page
from train_easyocr.reading.orientation import turned, turned_shape
from train_easyocr.reading.sources import colour_and_grey

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
FILES = (CSV_NAME, JSON_NAME, FILE_NAME)


def contents(folder):
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.fixture
def eval_set(tmp_path):
    return write_set(tmp_path / "evaluation_set")


class Perfect:
    """Knows the labels of all pages by their boxes."""

    def __init__(self, words):
        self.texts = {Box(x, y, x + w, y + h): text for x, y, w, h, text in words}

    def recognize(self, grey, shapes):
        return [(self.texts[shape], 1.0) for shape in shapes]


def test_labelled_boxes_give_every_word_a_match(eval_set, tmp_path):
    evaluation = run(eval_set, tmp_path / "out", [fake_model("finetuned", recognizer=Perfect(WORDS))])
    assert [page.words for page in evaluation.pages] == [2, 4, 3, 5]
    assert [page.category for page in evaluation.pages] == ["인.허가", "인.허가", "주민복지", "주민복지"]
    for page in evaluation.pages:
        scores = page.scores["finetuned"]
        assert (scores.end_to_end_f1, scores.exact_recall, scores.matched) == (1.0, 1.0, page.words)


def test_what_people_can_not_see_in_a_reading_costs_nothing(eval_set, tmp_path):
    words = [(*word[:4], f"\ufeff{word[4]}\u200b".replace(" ", "\u00a0")) for word in WORDS]
    evaluation = run(eval_set, tmp_path / "out", [fake_model("finetuned", recognizer=Perfect(words))])
    assert [page.scores["finetuned"].exact for page in evaluation.pages] == [2, 4, 3, 5]


def test_detected_boxes_are_cut_at_the_page_and_scored(eval_set, tmp_path):
    evaluation = run(eval_set, tmp_path / "out", [fake_model("baseline")], fake_detector())
    checksum = int(draw_page(0).sum()) % 97
    found = [
        Word(Box(10, 12, 90, 42), f"baseline가{checksum}·10"),
        Word(Box(0, 14, 200, 260), f"baseline가{checksum}·(100.25, 14.0)"),
    ]
    labels = [Word(Box(x, y, x + w, y + h), text) for x, y, w, h, text in WORDS[:2]]
    page = next(page for page in evaluation.pages if page.name.endswith("0000"))
    assert page.scores["baseline"] == score_page(labels, found)
    assert page.scores["baseline"].matched == 1
    assert evaluation.boxes == "detector"
    assert evaluation.models == {"baseline": {"weights_sha256": "baseline", "detector network": "fake"}}


def test_detection_runs_once_a_page_for_all_models(eval_set, tmp_path):
    detector, recognizers = FakeDetector(), [FakeRecognizer(name) for name in "abc"]
    models = [fake_model(r.name, recognizer=r) for r in recognizers]
    run(eval_set, tmp_path / "out", models, fake_detector(detector))
    assert detector.pages == 4
    assert [r.pages for r in recognizers] == [4, 4, 4]


def test_finished_run_reads_nothing_again(eval_set, tmp_path):
    run(eval_set, tmp_path, [fake_model("baseline"), fake_model("finetuned")], fake_detector())
    before = contents(tmp_path)

    def never():
        raise AssertionError("opened again")

    models = [ScoredModel(name, {"weights_sha256": name}, never) for name in ("baseline", "finetuned")]
    detector = fake_detector()
    object.__setattr__(detector, "open", never)
    run(eval_set, tmp_path, models, detector)
    assert contents(tmp_path) == before


def test_new_weights_cost_neither_detection_nor_the_other_model(eval_set, tmp_path):
    run(eval_set, tmp_path, [fake_model("baseline"), fake_model("finetuned")], fake_detector())
    detector, baseline, finetuned = FakeDetector(), FakeRecognizer("baseline"), FakeRecognizer("나")
    said = []
    evaluation = run(
        eval_set,
        tmp_path,
        [
            fake_model("baseline", recognizer=baseline),
            fake_model("finetuned", {"weights_sha256": "new"}, recognizer=finetuned),
        ],
        fake_detector(detector),
        said.append,
    )
    assert (detector.pages, baseline.pages, finetuned.pages) == (0, 0, 4)
    assert any("weights_sha256 was finetuned, is new" in line for line in said)
    fresh = run(
        eval_set,
        tmp_path / "fresh",
        [fake_model("baseline"), fake_model("finetuned", {"weights_sha256": "new"}, FakeRecognizer("나"))],
        fake_detector(),
    )
    assert evaluation.pages == fresh.pages


def test_another_detector_reads_all_anew(eval_set, tmp_path):
    run(eval_set, tmp_path, [fake_model("baseline")], fake_detector(settings="one"))
    detector, baseline = FakeDetector(), FakeRecognizer("baseline")
    run(eval_set, tmp_path, [fake_model("baseline", recognizer=baseline)], fake_detector(detector, settings="two"))
    assert (detector.pages, baseline.pages) == (4, 4)


def test_labelled_and_detected_boxes_do_not_mix(eval_set, tmp_path):
    for again in (False, True):
        for detector in (None, fake_detector()):
            recognizer = FakeRecognizer("baseline")
            evaluation = run(eval_set, tmp_path, [fake_model("baseline", recognizer=recognizer)], detector)
            assert recognizer.pages == (0 if again else 4)
            assert evaluation.pages[3].scores["baseline"].predictions == (2 if detector else 5)


def test_changed_pages_are_read_anew(eval_set, tmp_path):
    run(eval_set, tmp_path, [fake_model("baseline")])
    images = sorted((eval_set / "images").rglob("*.png"))
    images[0].write_bytes(images[1].read_bytes())
    label = sorted((eval_set / "labels").rglob("*.json"))[2]
    content = json.loads(label.read_text(encoding="utf-8"))
    content["annotations"][0]["annotation.bbox"][0] += 1
    content["annotations"][1]["annotation.text"] = "고친 글"
    label.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    recognizer = FakeRecognizer("baseline")
    evaluation = run(eval_set, tmp_path, [fake_model("baseline", recognizer=recognizer)])
    assert recognizer.pages == 2
    assert evaluation.pages == run(eval_set, tmp_path / "fresh", [fake_model("baseline")]).pages


def test_corrected_text_is_scored_without_reading(eval_set, tmp_path):
    run(eval_set, tmp_path, [fake_model("baseline")])
    label = sorted((eval_set / "labels").rglob("*.json"))[0]
    content = json.loads(label.read_text(encoding="utf-8"))
    content["annotations"][0]["annotation.text"] = f"baseline가{int(draw_page(0).sum()) % 97}·10"
    label.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    recognizer = FakeRecognizer("baseline")
    evaluation = run(eval_set, tmp_path, [fake_model("baseline", recognizer=recognizer)])
    assert recognizer.pages == 0
    assert evaluation.pages[0].scores["baseline"].exact == 1


def test_pages_that_cannot_be_read_are_skipped_and_named(eval_set, tmp_path):
    images = sorted((eval_set / "images").rglob("*.png"))
    images[0].write_bytes(b"")
    sorted((eval_set / "labels").rglob("*.json"))[1].write_text("{")
    write_page(eval_set, "상.하수도관리/far", [(0, 0, 2**30, 10, "먼 곳")])
    said = []
    evaluation = run(eval_set, tmp_path, [fake_model("baseline")], report=said.append)
    assert len(evaluation.pages) == 2
    assert [Path(problem.name).name for problem in evaluation.skipped] == ["far", images[0].stem, images[1].stem]
    assert len(said) == 3
    listed = json.loads((tmp_path / JSON_NAME).read_text(encoding="utf-8"))["skipped"]
    assert [entry["page"] for entry in listed] == [problem.name for problem in evaluation.skipped]
    # A reason is a kind, by which pages can be counted; files and what is wrong with them stand beside it.
    labels, image = "malformed label file", "unreadable image"
    assert [entry["reason"] for entry in listed] == [labels, image, labels]
    assert all(Path(entry["page"]).name in entry["detail"] for entry in listed)
    assert ["coordinate" in listed[0]["detail"], "no JPEG" in listed[1]["detail"]] == [True, True]
    assert "JSON" in listed[2]["detail"]


def test_page_without_words(tmp_path):
    write_page(tmp_path / "set", "일반행정/blank", [], category="일반행정")
    evaluation = run(tmp_path / "set", tmp_path / "out", [fake_model("baseline")])
    assert evaluation.pages[0].scores["baseline"].end_to_end_f1 == 1.0
    evaluation = run(tmp_path / "set", tmp_path / "out", [fake_model("baseline")], fake_detector())
    assert evaluation.pages[0].scores["baseline"].end_to_end_f1 == 0.0


@pytest.mark.parametrize("kind", [WeightsError, MissingWeightsError])
def test_model_that_does_not_open_is_left_out(eval_set, tmp_path, kind):
    def broken():
        raise kind("finetuned.pth: is no file of weights")

    models = [fake_model("baseline"), ScoredModel("finetuned", {"weights_sha256": "x"}, broken)]
    said = []
    evaluation = run(eval_set, tmp_path, models, report=said.append)
    assert evaluation.failed == {"finetuned": "finetuned.pth: is no file of weights"}
    assert list(evaluation.models) == ["baseline"]
    assert [list(page.scores) for page in evaluation.pages] == [["baseline"]] * 4
    assert len(said) == 1


def test_model_that_fails_later_leaves_no_scores_of_earlier_pages(eval_set, tmp_path):
    """Its readings of an earlier run are there for some pages only: a mean over those is no result."""
    run(eval_set, tmp_path, [fake_model("baseline"), fake_model("finetuned")])
    lines = (tmp_path / FILE_NAME).read_bytes().splitlines(keepends=True)
    (tmp_path / FILE_NAME).write_bytes(b"".join(lines[:5]))

    def broken():
        raise WeightsError("gone")

    models = [fake_model("baseline"), ScoredModel("finetuned", {"weights_sha256": "finetuned"}, broken)]
    evaluation = run(eval_set, tmp_path, models)
    assert [list(page.scores) for page in evaluation.pages] == [["baseline"]] * 4


def test_other_errors_are_not_hidden(eval_set, tmp_path):
    class Buggy:
        def recognize(self, grey, shapes):
            raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        run(eval_set, tmp_path, [fake_model("baseline", recognizer=Buggy())])


def test_killed_and_run_again(tmp_path):
    """The same files as an undisturbed run, byte for byte, and no page read twice that was whole."""
    eval_set = write_set(tmp_path / "set", pages=8)
    undisturbed = tmp_path / "undisturbed"
    run(eval_set, undisturbed, [fake_model("baseline"), fake_model("finetuned")], fake_detector())
    output = tmp_path / "killed"
    command = [sys.executable, "-m", "tests.evaluation.fakes", str(eval_set), str(output), "0.15"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    predictions = output / FILE_NAME
    deadline = time.monotonic() + 60
    while not predictions.exists() or predictions.read_bytes().count(b"\n") < 7:
        assert process.poll() is None, "it ended before it could be stopped"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=30) != 0
    assert not (output / JSON_NAME).exists()
    whole = predictions.read_bytes()
    assert 7 <= whole.count(b"\n") < 1 + 8 * 3
    recognizers = [FakeRecognizer("baseline"), FakeRecognizer("finetuned")]
    run(eval_set, output, [fake_model(r.name, recognizer=r) for r in recognizers], fake_detector())
    assert contents(output) == contents(undisturbed)
    done = {name: whole.count(f'"fake/{name}","page"'.encode()) for name in ("baseline", "finetuned")}
    assert {r.name: 8 - r.pages for r in recognizers} == done


def test_every_cut_of_the_predictions_ends_in_the_same_files(eval_set, tmp_path):
    run(eval_set, tmp_path, [fake_model("baseline"), fake_model("finetuned")], fake_detector())
    expected = contents(tmp_path)
    header = expected[FILE_NAME].index(b"\n") + 1
    for length in range(header, len(expected[FILE_NAME]), 97):
        (tmp_path / FILE_NAME).write_bytes(expected[FILE_NAME][:length])
        run(eval_set, tmp_path, [fake_model("baseline"), fake_model("finetuned")], fake_detector())
        assert contents(tmp_path) == expected


def test_every_cut_with_a_detector_of_its_own(eval_set, tmp_path):
    """Where a model stopped between finding a page's words and reading them, it reads them at the boxes found."""
    own = replace(fake_model("finetuned"), detector=fake_detector(name="own"))
    run(eval_set, tmp_path, [fake_model("baseline"), own], fake_detector())
    expected = contents(tmp_path)
    lines = expected[FILE_NAME].splitlines(keepends=True)
    assert len(lines) == 1 + 4 * 4
    for count in range(1, len(lines)):
        (tmp_path / FILE_NAME).write_bytes(b"".join(lines[:count]))
        run(eval_set, tmp_path, [fake_model("baseline"), own], fake_detector())
        assert contents(tmp_path) == expected


def test_models_that_differ_in_their_detectors_share_a_recognizer(eval_set, tmp_path):
    def cells(opened, detectors):
        model = ScoredModel(
            "", {"weights_sha256": "a"}, lambda: opened.append(1) or FakeRecognizer("가"), recognizer="a"
        )
        sources = {"fake": fake_detector(detectors[0]), "own": fake_detector(detectors[1], name="own", x="y")}
        named = {**sources, "labels": LABELS}
        return [replace(model, name=f"a @ {name}", detector=source) for name, source in named.items()]

    opened, detectors = [], [FakeDetector(), FakeDetector()]
    evaluation = run(eval_set, tmp_path, cells(opened, detectors))
    assert (len(opened), [detector.pages for detector in detectors]) == (1, [4, 4])
    assert evaluation.boxes == "detector"
    assert [page.scores["a @ labels"].predictions for page in evaluation.pages] == [2, 4, 3, 5]
    assert {page.scores["a @ own"].predictions for page in evaluation.pages} == {2}

    alone = FakeRecognizer("가")
    run(eval_set, tmp_path, [fake_model("a", {"weights_sha256": "a"}, alone)], fake_detector())
    run(eval_set, tmp_path, [fake_model("a", {"weights_sha256": "a"}, alone)])
    assert alone.pages == 0, "what a cell read is known of the recognizer"

    with pytest.raises(ValueError, match="two detectors are called fake"):
        run(eval_set, tmp_path, [*cells([], detectors), fake_model("b")], fake_detector(another="one"))


def test_kept_pages_are_not_decoded(eval_set, tmp_path, monkeypatch):
    run(eval_set, tmp_path, [fake_model("baseline")])
    decoded = []
    monkeypatch.setattr(runner, "colour_and_grey", lambda page: decoded.append(page) or colour_and_grey(page))
    run(eval_set, tmp_path, [fake_model("baseline")])
    assert decoded == []
    run(eval_set, tmp_path, [fake_model("baseline"), fake_model("finetuned")])
    assert len(decoded) == 4


def test_a_model_can_have_a_detector_of_its_own(eval_set, tmp_path):
    class Narrow(FakeDetector):
        def detect(self, image):
            return [*super().detect(image)[:1], Box(70, 60, 90, 130)]

    def models(own):
        tuned = fake_model("finetuned", recognizer=FakeRecognizer("finetuned"))
        tuned = ScoredModel(tuned.name, tuned.identity, tuned.open, fake_detector(own, name="own", network="own"))
        return [fake_model("baseline", recognizer=FakeRecognizer("baseline")), tuned]

    shared, own = FakeDetector(), Narrow()
    evaluation = run(eval_set, tmp_path / "out", models(own), fake_detector(shared))
    assert evaluation.models["finetuned"]["detector network"] == "own"
    assert evaluation.models["baseline"]["detector network"] == "fake"
    page = next(page for page in evaluation.pages if page.words == 5)
    assert (page.scores["baseline"].matched, page.scores["finetuned"].matched) == (1, 2)
    assert (shared.pages, own.pages) == (4, 4)

    again = run(eval_set, tmp_path / "out", models(Narrow()), fake_detector(shared))
    assert [page.scores for page in again.pages] == [page.scores for page in evaluation.pages]
    assert shared.pages == 4, "what was found is kept"

    class Broken:
        def detect(self, image):
            raise WeightsError("kaputt")

    changed = fake_model("finetuned", recognizer=FakeRecognizer("finetuned"))
    changed = ScoredModel(
        changed.name, changed.identity, changed.open, fake_detector(Broken(), name="own", network="other")
    )
    evaluation = run(eval_set, tmp_path / "out", [*models(own)[:1], changed], fake_detector(shared))
    assert evaluation.failed == {"finetuned": "kaputt"}
    assert set(evaluation.models) == {"baseline"}


class PixelReader:
    """Reads how dark a page is where a word is labelled."""

    def recognize(self, grey, shapes):
        return [(str(int(grey[box.ymin : box.ymax, box.xmin : box.xmax].mean())), 1.0) for box in shapes]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(500, 400), (0, 0)])
def test_pages_are_read_where_their_labels_are_and_turns_are_counted_each_time(tmp_path, orientation, size):
    page, labels = printed_page(), label_of(BOXES, *size)
    stored = {"누운": STORED[orientation](page), "묵은": page}
    for name, image in stored.items():
        for kind, suffix, content in (("images", "png", encode(image, "PNG", orientation)), ("labels", "json", labels)):
            (tmp_path / "set" / kind).mkdir(parents=True, exist_ok=True)
            (tmp_path / "set" / kind / f"{name}.{suffix}").write_bytes(content)
    expected = [str(int(page[box.ymin : box.ymax, box.xmin : box.xmax].mean())) for box in BOXES]
    seen = {}
    observer = SimpleNamespace(page=lambda page, rows, scores: seen.update({page.name: rows["pixels"]}))
    for again in range(2):
        model = fake_model("pixels", recognizer=PixelReader())
        evaluation = evaluate(find_pages(tmp_path / "set")[0], [model], None, tmp_path, observer=observer)
        assert {name: [row[4] for row in rows] for name, rows in seen.items()} == dict.fromkeys(stored, expected)
        found = {problem.name: problem.reason for problem in evaluation.warnings}
        assert found == ({} if orientation == 1 else {"누운": TURNED, "묵은": NOT_TURNED}), again


def test_readings_of_an_image_turned_otherwise_are_not_taken(tmp_path):
    page = np.full((400, 400), 255, np.uint8)
    page[20:40, 20:80] = 0
    (tmp_path / "set/images").mkdir(parents=True)
    (tmp_path / "set/images/쪽.png").write_bytes(encode(page, "PNG", 3))
    (tmp_path / "set/labels").mkdir()
    recognizer = FakeRecognizer("other")
    for pages, box in enumerate((Box(20, 20, 80, 40), Box(320, 360, 380, 380)), 1):
        (tmp_path / "set/labels/쪽.json").write_bytes(label_of((box,), 400, 400))
        run(tmp_path / "set", tmp_path, [fake_model("other", recognizer=recognizer)], fake_detector())
        assert recognizer.pages == pages


TILTED = Quad((20, 40), (150, 12), (155, 34), (25, 62))


def write_labels(eval_set, name, annotations, seed=0):
    """Write a page with any annotations: text, and what else they hold."""
    write_page(eval_set, name, [], seed=seed)
    path = eval_set / "labels" / f"{name}.json"
    content = json.loads(path.read_bytes())
    content["annotations"] = annotations
    path.write_text(json.dumps(content), encoding="utf-8")


def labelled(text, box=(10, 10, 60, 30), **more):
    entry = {"id": 1, "annotation.text": text, "annotation.bbox": list(box)}
    return entry | {f"annotation.{key}": value for key, value in more.items()}


DONT_CARE = labelled("###", ignore=True)
TILTED_WORD = labelled("경남 김해시", (20, 12, 135, 50), corners=TILTED)


@pytest.mark.parametrize("detector", [None, fake_detector()])
@pytest.mark.parametrize(
    ("annotations", "why"),
    [
        ([DONT_CARE, DONT_CARE], "marked as don't care"),
        ([labelled("")], "empty text"),
        ([labelled("가", "네 수")], "malformed annotation"),
        ([labelled("가", (10, 10, 0, 30)), labelled("가", (9000, 10, 20, 30)), DONT_CARE, DONT_CARE], "don't care"),
    ],
)
def test_a_page_none_of_whose_labels_can_be_used_is_not_scored_but_counted(tmp_path, annotations, why, detector):
    eval_set = write_set(tmp_path / "set", 2)
    write_labels(eval_set, "쓸 것 없음", annotations)
    evaluation = run(eval_set, tmp_path / "out", [fake_model("finetuned")], detector)
    assert len(evaluation.pages) == 2
    [skipped] = evaluation.skipped
    assert skipped.name == "쓸 것 없음"
    assert runner.NOTHING_TO_READ in skipped.reason and why in skipped.reason
    assert (skipped.detail, str(eval_set) in skipped.reason) == ("", False)


def test_an_empty_label_file_says_that_there_is_nothing_to_read(tmp_path):
    eval_set = write_set(tmp_path / "set", 1)
    write_labels(eval_set, "빈 쪽", [])
    for detector, f1 in ((None, 1.0), (fake_detector(), 0.0)):
        evaluation = run(eval_set, tmp_path / f"out{f1}", [fake_model("finetuned")], detector)
        scores = {page.name: page.scores["finetuned"] for page in evaluation.pages}["빈 쪽"]
        assert scores.end_to_end_f1 == f1
        assert evaluation.skipped == []


def test_the_image_says_which_words_lie_on_it_whatever_size_its_label_file_states(tmp_path):
    """One COCO file for all pages can state the size of one; step 2 goes by the image as well."""
    eval_set = write_set(tmp_path / "set", 1)
    write_labels(eval_set, "가로 쪽", [labelled("가", (10, 10, 20, 30)), labelled("나", (60, 10, 20, 30))])
    path = eval_set / "labels/가로 쪽.json"
    content = json.loads(path.read_bytes())
    content["images"][0]["image.width"] = 50
    path.write_text(json.dumps(content), encoding="utf-8")
    evaluation = run(eval_set, tmp_path / "out", [fake_model("finetuned")])
    assert {page.name: page.words for page in evaluation.pages}["가로 쪽"] == 2


class Shapes:
    """Notes what it is asked to read."""

    def recognize(self, grey, shapes):
        self.shapes = list(shapes)
        return [("경남 김해시", 1.0) for _ in shapes]


def test_at_the_labelled_boxes_tilted_words_are_read_straight_and_dont_care_words_not_at_all(tmp_path):
    far = labelled("먼 곳", (20, 12, 2**28, 50), corners=[[20, 40], [2**28, 12], [2**28, 34], [25, 62]])
    write_labels(tmp_path / "set", "쪽", [DONT_CARE, TILTED_WORD, labelled("경남 김해시"), far])
    reader = Shapes()
    evaluation = run(tmp_path / "set", tmp_path / "out", [fake_model("finetuned", recognizer=reader)])
    assert reader.shapes[:2] == [TILTED, Box(10, 10, 70, 40)]
    assert reader.shapes[2].area <= draw_page(0).size
    scores = evaluation.pages[0].scores["finetuned"]
    assert (scores.labels, scores.predictions, scores.matched, scores.exact) == (3, 3, 3, 2)


def test_what_a_detector_finds_tilted_is_scored_by_its_corners(tmp_path):
    write_labels(tmp_path / "set", "쪽", [TILTED_WORD, DONT_CARE])

    class Finder(FakeDetector):
        def detect(self, image):
            return [TILTED, Box(12, 12, 70, 40), Box(10, 70, 40, 90)]

    models = [fake_model("finetuned", recognizer=Shapes())]
    for _ in range(2):  # read, and taken from the file of readings
        evaluation = run(tmp_path / "set", tmp_path / "out", models, fake_detector(Finder()))
        scores = evaluation.pages[0].scores["finetuned"]
        assert (scores.labels, scores.predictions, scores.matched, scores.exact) == (1, 2, 1, 1)


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_turned_pages_are_read_upright_and_scored_where_they_lie(tmp_path, angle):
    upright = arrow_page()
    height, width = upright.shape
    level = ArrowReader().detect(np.dstack([upright] * 3))
    boxes = [turned_shape(box, angle, (width, height)) for box in level]
    words = [(box.xmin, box.ymin, box.width, box.height, "가나다라") for box in boxes]
    write_page(tmp_path / "set", "돌아간 쪽", words, page=turned(upright, angle))
    reader = ArrowReader()
    found = {}
    for orientation in ("off", "auto"):
        model = fake_model("finetuned", recognizer=SimpleNamespace(recognize=reader.read))
        evaluation = evaluate(
            find_pages(tmp_path / "set")[0], [model], fake_detector(reader), tmp_path / "out", orientation=orientation
        )
        found[orientation] = evaluation.pages[0].scores["finetuned"].end_to_end_f1
    assert found == {"off": 0.0 if angle else 1.0, "auto": 1.0}
    lines = [json.loads(line) for line in (tmp_path / "out" / FILE_NAME).read_text(encoding="utf-8").splitlines()]
    readers = {key: value.get("orientation") for key, value in lines[0]["readers"].items() if "finetuned" in key}
    assert readers == {"fake/finetuned": None, "fake upright/finetuned": "auto"}

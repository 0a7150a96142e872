"""The search over a detector's parameters."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest

from tests.detection.pages import KnowingDetector, page, write_pages
from tests.detection.untrained import save_untrained
from tests.evaluation.installed import install_finetuned
from train_easyocr.detection.db_boxes import DbParameters
from train_easyocr.detection.interface import ScoreMaps
from train_easyocr.detection.opening import OpenedDetector
from train_easyocr.detection.parameters import WORDS, CraftParameters
from train_easyocr.detection.settings import read_settings
from train_easyocr.documents import Box
from train_easyocr.documents.aihub import find_pages
from train_easyocr.documents.sources import PageSource
from train_easyocr.tuning import search as searching
from train_easyocr.tuning.objective import ALIKE, Objective, map_key, map_pages
from train_easyocr.tuning.search import CRAFT_SPACE, DB_SPACE, EASYOCR_SPACE, Search, starts_for, tune
from train_easyocr.tuning.tune import main

pytestmark = pytest.mark.slow

NUMBERS = (6, 7)  # narrow gaps: EasyOCR's parameters join words
INPUTS = ((2560, 1.0), (640, 1.0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_pages(tmp_path_factory.mktemp("쪽"), NUMBERS)


def sources(folder):
    return [PageSource.of(file) for file in find_pages(folder)[0]]


@pytest.fixture(scope="module")
def mapped(folder, tmp_path_factory):
    variants = [CraftParameters(canvas_size=canvas, mag_ratio=ratio) for canvas, ratio in INPUTS]
    cache = tmp_path_factory.mktemp("지도")
    files = sources(folder)
    pages, problems = map_pages(files, KnowingDetector(NUMBERS), "시험", variants=variants, cache=cache, title="")
    assert not problems
    return pages


class Reader:
    """Reads the label whose box is nearest; every third word wrong."""

    def __init__(self):
        self.boxes = 0

    def recognize(self, grey, shapes):
        self.boxes += len(shapes)
        words = next(page(n).words for n in NUMBERS if page(n).image.shape[:2] == grey.shape)
        nearest = [
            min(words, key=lambda w, s=s: sum(abs(a - b) for a, b in zip(w.box, s, strict=True))) for s in shapes
        ]
        return [(word.text if i % 3 else "틀림", 1.0) for i, word in enumerate(nearest)]


def test_maps_are_computed_once(folder, tmp_path):
    detector = KnowingDetector(NUMBERS)
    files = sources(folder)
    variants = [CraftParameters(), CraftParameters(canvas_size=640), CraftParameters(canvas_size=5000)]

    def run(identity="가"):
        return map_pages(files, detector, identity, variants=variants, cache=tmp_path, title="")[0]

    first = run()
    assert len(detector.runs) == 4, "two pages, two sizes: 2560 and 5000 leave such small pages as they are"
    again = run()
    assert len(detector.runs) == 4
    for one, other in zip(first, again, strict=True):
        assert one.maps.keys() == other.maps.keys()
        for key, (maps, scale) in one.maps.items():
            assert other.maps[key][1] == scale
            np.testing.assert_array_equal(maps, other.maps[key][0])
    next(path for path in tmp_path.glob("*.npz") if path.stat().st_size > 2000).write_bytes(b"kaputt")
    run()
    assert len(detector.runs) == 5, "a broken file is made again"
    run("나")
    assert len(detector.runs) == 9, "another detector has maps of its own"


def test_unusable_pages_are_named(folder, tmp_path):
    broken = write_pages(tmp_path / "쪽", [0])
    (broken / "images" / "0000.png").write_bytes(b"no image")
    files = sources(broken)
    options = {"variants": [CraftParameters()], "cache": tmp_path / "지도", "title": ""}
    pages, [problem] = map_pages(files, KnowingDetector(NUMBERS), "", **options)
    assert not pages
    assert problem.name == "0000"
    assert problem.reason == "unreadable image"
    assert "0000.png" in problem.detail


def test_stored_maps_give_the_detectors_boxes(mapped):
    detector = KnowingDetector(NUMBERS)
    objective = Objective(detector, mapped)
    for parameters in (WORDS, CraftParameters(text_threshold=0.5, canvas_size=640)):
        for number, found in zip(NUMBERS, objective.boxes(parameters), strict=True):
            direct = detector.with_parameters(parameters)
            boxes = direct.boxes(direct.score_maps(page(number).image))
            assert abs(len(found) - len(boxes)) <= 0.02 * len(boxes) + 1, "maps are kept in 256 steps"
            assert len(set(found) & set(boxes)) > 0.8 * len(boxes)


def test_a_search_improves_its_own_pages_and_goes_on(mapped, tmp_path, monkeypatch):
    monkeypatch.setattr(searching, "STARTUP_TRIALS", 5)
    objective = Objective(KnowingDetector(NUMBERS), mapped)
    before, _ = objective.score(CraftParameters())

    def search(name):
        return Search(objective, CraftParameters(), storage=tmp_path / name, inputs=INPUTS, seed=3)

    whole = search("한번에.sqlite3")
    whole.run(18)
    found, _ = objective.score(whole.best)
    assert found == whole.study.best_value >= max(before + 0.1, objective.score(WORDS)[0])
    search("나눠서.sqlite3").run(7)
    resumed = search("나눠서.sqlite3")
    resumed.run(18)
    assert [trial.params for trial in resumed.study.trials] == [trial.params for trial in whole.study.trials]
    assert [trial.value for trial in resumed.study.trials] == [trial.value for trial in whole.study.trials]
    resumed.run(18)
    assert len(resumed.study.trials) == 18


def test_a_good_start_is_never_lost(mapped):
    objective = Objective(KnowingDetector(NUMBERS), mapped)
    start = CraftParameters(text_threshold=0.5, width_ths=-1.0, margin_x=0.0, margin_y=0.0, min_size=0)
    search = Search(objective, start)
    search.run(4)
    assert search.study.best_value >= objective.score(start)[0]


def test_reading_costs_each_box_once(mapped):
    reader = Reader()
    objective = Objective(KnowingDetector(NUMBERS), mapped, reader)
    score, reached = objective.score(WORDS)
    detection = objective.detection_f1(WORDS)
    assert reached
    assert 0.5 * detection < score < 0.9 * detection
    boxes = reader.boxes
    assert objective.score(WORDS) == (score, True)
    assert reader.boxes == boxes
    assert boxes < sum(len(found) for found in objective.boxes(WORDS)), "only what matches a label is read"
    assert objective.score(CraftParameters(), above=score) == (objective.detection_f1(CraftParameters()), False)
    assert reader.boxes == boxes, "what is not found need not be read"
    figures = objective.summary(WORDS)
    assert figures["end_to_end_f1"] == pytest.approx(score, abs=0.02)
    assert figures["detection_f1"] == pytest.approx(detection)


def test_boxes_alike_are_read_once_in_a_search_and_each_by_itself_in_the_end(mapped):
    reader = Reader()
    objective = Objective(KnowingDetector(NUMBERS), mapped, reader)
    box, near, far = Box(100, 101, 300, 151), Box(101, 100, 299, 152), Box(103, 101, 300, 151)
    found = objective.texts(mapped[0], [box, near], ALIKE)
    assert reader.boxes == 1, "sides on a grid of two pixels"
    assert found[box] == found[near]
    objective.texts(mapped[0], [far], ALIKE)
    assert reader.boxes == 2
    objective.texts(mapped[0], [box, near])
    assert reader.boxes == 4
    objective.texts(mapped[1], [box], ALIKE)
    assert reader.boxes == 5, "another page"


def test_a_search_that_finds_nothing_better_keeps_what_is_there(folder, tmp_path, monkeypatch):
    opened = OpenedDetector(KnowingDetector(NUMBERS, WORDS), "craft", Path("craft.pth"), "easyocr")
    monkeypatch.setattr(Search, "leaders", lambda self, count: [CraftParameters(text_threshold=0.9), WORDS])
    tuned = tune(opened, sources(folder), [], tmp_path, trials=1, one_size=True)
    assert tuned.best == WORDS
    assert read_settings(tmp_path / "detection_settings.yaml").detector_parameters == WORDS
    assert tuned.figures["validation, found"] == tuned.figures["validation, before"]


def test_pruned_trials_are_no_winners(mapped):
    objective = Objective(KnowingDetector(NUMBERS), mapped, Reader())
    search = Search(objective, WORDS)
    search.run(8)
    assert len(search.study.trials) == 8
    assert search.study.best_value == max(t.value for t in search.study.trials if t.value is not None)


class ProbabilityDetector:
    """A db_light whose map is right but for its thickness."""

    def __init__(self, parameters=None):
        self.parameters = parameters or DbParameters()

    def with_parameters(self, parameters):
        return type(self)(parameters)

    def boxes(self, maps):
        from train_easyocr.detection.db_boxes import db_boxes

        return db_boxes(maps, self.parameters)

    def score_maps(self, image):
        number = next(n for n in NUMBERS if page(n).image.shape == image.shape)
        maps = np.zeros((1, *(side // 2 for side in image.shape[:2])), np.float32)
        for word in page(number).words:
            xmin, ymin, xmax, ymax = (side // 2 for side in word.box)
            inset = (ymax - ymin) // 4
            maps[0, ymin + inset : ymax - inset, xmin + inset : xmax - inset] = 0.55
        return ScoreMaps(maps, 2.0, image.shape[1::-1])


def test_db_light_is_searched_too(folder, tmp_path):
    files = sources(folder)
    detector = ProbabilityDetector()
    pages, _ = map_pages(files, detector, "", variants=[DbParameters()], cache=tmp_path, title="")
    search = Search(Objective(detector, pages), DbParameters())
    search.run(12)
    assert search.study.best_value > search.objective.score(DbParameters())[0]
    assert search.best.det_db_box_thresh < 0.56
    assert map_key(DbParameters(), 100, 200) == ""


@pytest.mark.parametrize(
    ("space", "parameters"),
    [(CRAFT_SPACE, CraftParameters), (EASYOCR_SPACE, CraftParameters), (DB_SPACE, DbParameters)],
)
def test_spaces_hold_parameters(space, parameters):
    assert set(space) <= set(parameters.model_fields)
    assert all(start.easyocr_arguments() for start in starts_for(CraftParameters(), plain=True))


def test_the_command(folder, tmp_path, monkeypatch, capsys):
    opened = OpenedDetector(KnowingDetector(NUMBERS), "craft", Path("craft.pth"), "easyocr")
    monkeypatch.setattr("train_easyocr.tuning.tune.open_word_detector", lambda source, cuda: opened)
    output = tmp_path / "결과"
    command = ["--pages", str(folder), "--evaluation_pages", str(folder), "--output", str(output), "--trials", "5"]
    assert main([*command, "--plain", "--one_size", "--limit", "1"]) == 0
    printed = capsys.readouterr().out
    assert "reader.readtext('page.jpg', text_threshold=" in printed
    assert "evaluation, found" in printed
    settings = read_settings(output / "detection_settings.yaml")
    report = json.loads((output / "tuning.json").read_text(encoding="utf-8"))
    assert settings.parameters == report["found"]
    assert settings.weights_sha256 == "easyocr"
    assert (
        report["figures"]["validation, found"]["detection_f1"]
        >= report["figures"]["validation, before"]["detection_f1"]
    )

    assert main(["--pages", str(tmp_path / "없음"), "--output", str(output)]) == 1
    assert "there is no such folder" in capsys.readouterr().err
    (tmp_path / "빈" / "images").mkdir(parents=True)
    assert main(["--pages", str(tmp_path / "빈"), "--output", str(output)]) == 1
    assert "holds no labels that can be read" in capsys.readouterr().err


def test_the_command_with_the_installed_model(folder, tmp_path, monkeypatch, capsys):
    install_finetuned(tmp_path / "이지")
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path / "이지"))
    weights = save_untrained(tmp_path / "새 검출.pth", long_side=320)
    output = tmp_path / "결과"
    command = ["--pages", str(folder), "--detector", str(weights), "--output", str(output), "--trials", "3"]
    assert main([*command, "--recognizer", "finetuned"]) == 0
    printed = capsys.readouterr().out
    assert f"step4_set_finetuned_model.sh --detector {shlex.quote(str(weights))} --detection_settings" in printed
    assert "end_to_end_f1 " in printed
    assert read_settings(output / "detection_settings.yaml").network == "db_light"
    assert json.loads((output / "tuning.json").read_text(encoding="utf-8"))["goal"] == "end_to_end_f1"
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path / "비어 있음"))
    assert main([*command, "--recognizer", "finetuned"]) == 1
    assert "no fine-tuned model is installed" in capsys.readouterr().err
    assert main(["--pages", str(folder), "--detector", str(tmp_path / "없음.pth")]) == 2
    assert "there is no such file" in capsys.readouterr().err

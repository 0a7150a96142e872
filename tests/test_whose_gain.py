"""Whose gain is it: detectors times recognizers, with figures worked out by hand, and as a user runs it."""

import json
from dataclasses import replace

import pytest

import evaluate
from benchmarks.studies.whose_gain import as_text, cell_name, cells_of, compared, whose_gain
from benchmarks.studies.whose_gain import main as study
from tests.detection.untrained import save_untrained
from tests.easyocr_files import install_random_weights
from tests.evaluation.fakes import fake_detector, fake_model
from tests.evaluation.installed import install_finetuned, write_set
from train_easyocr.common.errors import WeightsError
from train_easyocr.common.files import sha256
from train_easyocr.delivery.staging import stage_detection
from train_easyocr.detection.db_boxes import DbParameters
from train_easyocr.detection.parameters import WORDS, CraftParameters
from train_easyocr.detection.settings import read_settings, save_settings, settings_for
from train_easyocr.evaluation.detectors import Detectors
from train_easyocr.evaluation.runner import Evaluation, PageResult
from train_easyocr.metrics.metrics import PageScores
from train_easyocr.reading.sources import load_page
from train_easyocr.weights import starter as starter_weights
from train_easyocr.weights.bundle import EASYOCR, open_bundle
from train_easyocr.weights.model_files import Place

pytestmark = pytest.mark.slow


def source(name, weights):
    return replace(fake_detector(weights_sha256=weights), name=name)


EASY, AS_IT_COMES, TUNED = source("easyocr", "e"), source("finetuned", "f"), source("finetuned_tuned", "f")
F1 = {
    ("easyocr", "baseline"): 0.40, ("easyocr", "finetuned"): 0.50,
    ("finetuned", "baseline"): 0.46, ("finetuned", "finetuned"): 0.66,
    ("finetuned_tuned", "baseline"): 0.50, ("finetuned_tuned", "finetuned"): 0.80,
    ("labels", "baseline"): 0.60, ("labels", "finetuned"): 0.90,
}  # fmt: skip


def evaluation(f1, pages=8):
    """Pages on which every cell has the F1 that it is given, give or take 0.1 that all cells of a page share."""
    results = []
    for number in range(pages):
        wobble = 0.1 * (-1) ** number
        scores = {
            cell_name(*key): PageScores(100, 100, 90, 0, 0, 400, credit=100 * (value + wobble), credit_without_spaces=0,
                                        credit_unified_dots=0)
            for key, value in f1.items()
        }  # fmt: skip
        results.append(PageResult(f"쪽{number}", "인.허가", 100, scores))
    return Evaluation("detector", {cell_name(*key): {} for key in f1}, results)


def test_parts_add_up_to_the_whole():
    found = whose_gain(evaluation(F1), ["baseline", "finetuned"], [EASY, AS_IT_COMES, TUNED], seed=1)
    parts = {part.what: part for part in found.parts}
    values = {what: part.difference.value for what, part in parts.items()}
    assert values == pytest.approx(
        {
            "detector weights": (0.06 + 0.16) / 2,
            "detector settings": (0.04 + 0.14) / 2,
            "recognizer": (0.10 + 0.30) / 2,
            "together": 0.40,
            "left to the detector": 0.10,
        }
    )
    assert sum(list(values.values())[:3]) == pytest.approx(values["together"])
    assert (parts["detector settings"].before, parts["detector settings"].after) == ("finetuned", "finetuned_tuned")
    # What all cells of a page share is no difference, however far pages lie apart.
    assert all(part.difference.high - part.difference.low < 1e-9 for part in found.parts)
    assert {part.difference.verdict for part in found.parts} == {"better"}
    assert [change.what for change in found.changes] == ["recognizer"] * 4 + ["detector"] * 6
    shown = as_text(found)
    assert "+0.2000 (+0.2000 to +0.2000)" in shown
    assert "baseline at easyocr -> finetuned at finetuned_tuned" in shown


def test_one_recognizer_or_one_detector_earns_it_all():
    alone = {key: value for key, value in F1.items() if key[1] == "finetuned"}
    found = whose_gain(evaluation(alone), ["finetuned"], [EASY, TUNED], seed=1)
    assert [(part.what, round(part.difference.value, 6)) for part in found.parts] == [
        ("detector weights", 0.3), ("together", 0.3), ("left to the detector", 0.1),
    ]  # fmt: skip
    found = whose_gain(evaluation(F1), ["baseline", "finetuned"], [EASY], seed=1)
    assert [(part.what, round(part.difference.value, 6)) for part in found.parts] == [
        ("recognizer", 0.1), ("together", 0.1), ("left to the detector", 0.4),
    ]  # fmt: skip
    found = whose_gain(evaluation(F1, pages=3), ["baseline", "finetuned"], [EASY], seed=1)
    assert {part.difference.verdict for part in found.parts} == {"too few pages to tell"}


def test_what_failed_is_left_out():
    """The tuned detector could not be opened: the way ends at the one before."""
    there = {key: value for key, value in F1.items() if key[0] != "finetuned_tuned"}
    found = whose_gain(evaluation(there), ["baseline", "finetuned"], [EASY, AS_IT_COMES, TUNED], seed=1)
    assert [part.what for part in found.parts][:2] == ["detector weights", "recognizer"]
    assert list(found.detectors) == ["easyocr", "finetuned", "labels"]
    with pytest.raises(ValueError, match="no detector"):
        whose_gain(evaluation({("labels", "baseline"): 0.6}), ["baseline"], [EASY], seed=1)


def test_cells_differ_in_their_boxes_alone():
    cells = cells_of([fake_model("a"), fake_model("b")], [EASY, TUNED])
    assert [cell.name for cell in cells[:3]] == ["a at easyocr", "b at easyocr", "a at finetuned_tuned"]
    assert [cell.recognizer for cell in cells] == ["a", "b"] * 3


@pytest.fixture
def home(tmp_path, monkeypatch):
    """EasyOCR's folder with random weights, a fine-tuned model, and a starter's detector."""
    folder = tmp_path / "easyocr"
    install_random_weights(folder, monkeypatch, names=("craft",))  # the starter's recognizer is the baseline
    monkeypatch.setattr("easyocr.utils.urlretrieve", _no_network)
    install_finetuned(folder)
    monkeypatch.setattr(starter_weights, "DETECTOR", save_untrained(tmp_path / "detector.pth", long_side=320, seed=1))
    return folder


def _no_network(*_, **__):
    raise OSError("no network")


@pytest.fixture
def page(tmp_path):
    return load_page(next((write_set(tmp_path / "pages", 1) / "images").rglob("*.png")))[0][:128, :192].copy()


def test_detectors_that_there_are(home, tmp_path):
    detectors = Detectors(cuda=False)
    assert [found.name for found in compared(detectors)] == ["easyocr", "starter"]
    files = Place(home / "model", home / "user_network")

    save_settings(files.detection_settings, settings_for("craft", EASYOCR, WORDS))
    assert [found.name for found in compared(detectors)] == ["easyocr", "starter", "easyocr_tuned"]

    other = save_untrained(tmp_path / "mine.pth", long_side=352)
    stage_detection(open_bundle(other), None, files, files)
    assert [found.name for found in compared(detectors)] == ["easyocr", "starter", "finetuned"]

    tuned = settings_for("db_light", sha256(other), DbParameters(det_db_thresh=0.4, det_db_box_thresh=0.0))
    save_settings(tmp_path / "느슨한.yaml", tuned)
    names = [found.name for found in compared(detectors, [tmp_path / "느슨한.yaml"])]
    assert names == ["easyocr", "starter", "느슨한", "finetuned"]

    stage_detection(open_bundle(other), tmp_path / "느슨한.yaml", files, files)
    assert [found.name for found in compared(detectors)] == ["easyocr", "starter", "finetuned", "finetuned_tuned"]
    assert detectors.installed().identity["weights_sha256"] == sha256(other)

    stage_detection(open_bundle(starter_weights.DETECTOR), None, files, files)
    assert [found.name for found in compared(detectors)] == ["easyocr", "starter"]

    save_settings(tmp_path / "easyocr.yaml", settings_for("craft", EASYOCR, WORDS))
    with pytest.raises(WeightsError, match=r"rename the file of settings easyocr.yaml"):
        compared(detectors, [tmp_path / "easyocr.yaml"])
    save_settings(tmp_path / "foreign.yaml", settings_for("db_light", "0" * 64, DbParameters()))
    with pytest.raises(WeightsError, match="SHA-256 000"):
        compared(detectors, [tmp_path / "foreign.yaml"])
    files.detection_settings.write_text("kaputt", encoding="utf-8")
    with pytest.raises(WeightsError, match="holds no detection settings"):
        compared(detectors)


def test_craft_runs_once_a_page_for_all_its_settings(home, page, monkeypatch):
    # Random weights' maps are near zero; with these settings they give boxes all the same.
    low = CraftParameters(text_threshold=0.03, low_text=0.028, link_threshold=0.06, min_size=0)
    save_settings(Place(home / "model", home / "user_network").detection_settings, settings_for("craft", EASYOCR, low))
    monkeypatch.setattr(starter_weights, "DETECTOR", home / "none.pth")
    opened = {found.name: found.open() for found in compared(Detectors(cuda=False))}
    assert list(opened) == ["easyocr", "easyocr_tuned"]
    runs = counted(monkeypatch, "easyocr.craft.CRAFT")
    fresh = {}
    for name, detector in opened.items():
        detector.detect(255 - page)
        fresh[name] = detector.detect(page)
    assert len(runs) == 4
    assert fresh["easyocr"] != fresh["easyocr_tuned"]
    for order in (-1, 1):
        assert {name: opened[name].detect(page) for name in list(opened)[::order]} == fresh
        assert len(runs) == 4, "the latest page is remembered, whichever detector asks first"


def counted(monkeypatch, network):
    """Count how often a network runs."""
    runs = []
    module, _, name = network.rpartition(".")
    kind = getattr(__import__(module, fromlist=[name]), name)
    forward = kind.forward
    monkeypatch.setattr(kind, "forward", lambda self, *images: runs.append(1) or forward(self, *images))
    return runs


def test_step_5_says_whose_gain_it_is(home, tmp_path, monkeypatch, capsys):
    files = Place(home / "model", home / "user_network")
    mine = save_untrained(tmp_path / "mine.pth", long_side=352)
    stage_detection(open_bundle(mine), None, files, files)
    read = read_settings(files.detection_settings)
    changed = read.model_copy(update={"parameters": {**read.parameters, "det_db_unclip_ratio": 2.5}})
    save_settings(files.detection_settings, changed)
    eval_set = write_set(tmp_path / "set", pages=2)
    options = ["--eval_set", str(eval_set), "--output", str(tmp_path / "out")]
    assert study(options) == 0
    shown = capsys.readouterr().out
    found = json.loads((tmp_path / "out" / "whose_gain.json").read_text(encoding="utf-8"))
    assert list(found["cells"]) == ["easyocr", "starter", "finetuned", "finetuned_tuned", "labels"]
    assert found["recognizers"] == ["starter", "finetuned"]
    assert {cell["mean"]["detection_f1"] for cell in found["cells"]["labels"].values()} == {1.0}
    assert [part["what"] for part in found["parts"]][:3] == ["detector weights", "detector settings", "recognizer"]
    assert "too few pages to tell" in shown
    assert "| finetuned at labels" in shown

    # The cell is what an evaluation of that model and detector gives, and what it read is not read again.
    runs = counted(monkeypatch, "train_easyocr.detection.db_network.DbLight")
    assert evaluate.main([*options, "--baseline", "--finetuned", "--report_images", "none"]) == 0
    single = json.loads((tmp_path / "out" / "evaluation_result.json").read_text(encoding="utf-8"))["models"]
    assert runs == []
    for name, detector in (("starter", "easyocr"), ("finetuned", "finetuned_tuned")):
        assert single[name]["mean"] == found["cells"][detector][name]["mean"]
        assert single[name]["identity"] == found["cells"][detector][name]["identity"]

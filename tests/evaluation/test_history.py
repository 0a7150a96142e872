"""The history: what is kept, how it is found again, and two evaluations compared."""

import json
from pathlib import Path

import pytest

from tests.evaluation.fakes import FakeRecognizer, fake_model
from tests.evaluation.installed import write_set
from train_easyocr.common.errors import UserError
from train_easyocr.common.files import sha256
from train_easyocr.documents.aihub import find_pages
from train_easyocr.evaluation.history import History, as_table, compare
from train_easyocr.evaluation.report import summarize
from train_easyocr.evaluation.runner import ScoredModel, evaluate
from train_easyocr.settings.config import Config
from train_easyocr.weights.bundle import Bundle, open_bundle

pytestmark = pytest.mark.slow


class Told:
    """Reads the same text everywhere."""

    def __init__(self, text):
        self.text = text

    def recognize(self, grey, shapes):
        return [(self.text, 1.0) for _ in shapes]


@pytest.fixture
def eval_set(tmp_path):
    return write_set(tmp_path / "set", pages=6)


def keep(tmp_path, eval_set, models):
    evaluation = evaluate(find_pages(eval_set)[0], models, None, tmp_path / "out", lambda line: None)
    history = History(tmp_path / "out")
    return history.add(evaluation, summarize(evaluation, Path("set"), Config()))


def told(name, text):
    return ScoredModel(name, {"weights_sha256": f"hash of {text}"}, lambda: Told(text))


@pytest.fixture
def history(tmp_path, eval_set):
    """Two evaluations: `poor` alone, then `poor` and `good`."""
    assert keep(tmp_path, eval_set, [told("poor", "바")]) == 1
    assert keep(tmp_path, eval_set, [told("poor", "바"), told("good", "도로점용")]) == 2
    return History(tmp_path / "out")


def test_what_is_kept(history):
    first, second = history.entries()
    assert list(second["models"]) == ["poor", "good"]
    assert second["models"]["good"]["identity"]["weights_sha256"] == "hash of 도로점용"
    assert second["data_sha256"] == first["data_sha256"]
    assert second["config"]["seed"] == 1111
    assert {"torch", "easyocr"} <= second["versions"].keys()
    assert (second["pages"], second["words"], second["boxes"]) == (6, 19, "labels")
    assert all(set(scores) == {"poor", "good"} for scores in second["page_f1"].values())
    mean = sum(scores["good"] for scores in second["page_f1"].values()) / 6
    assert second["models"]["good"]["mean"]["end_to_end_f1"] == pytest.approx(mean, abs=1e-6)


def test_the_same_again_is_not_a_new_evaluation(history, tmp_path, eval_set):
    content = history.path.read_bytes()
    assert keep(tmp_path, eval_set, [told("poor", "바"), told("good", "도로점용")]) == 2
    assert history.path.read_bytes() == content
    assert keep(tmp_path, eval_set, [told("poor", "바")]) == 3


def test_other_labels_are_other_data(history, tmp_path, eval_set):
    label = sorted((eval_set / "labels").rglob("*.json"))[0]
    label.write_text(label.read_text(encoding="utf-8").replace("도로점용", "도로"), encoding="utf-8")
    keep(tmp_path, eval_set, [told("good", "도로점용")])
    after = history.find("last")
    assert after.entry["data_sha256"] != history.find("2").entry["data_sha256"]
    assert "different data" in compare(after, history.find("2"), 1)


def test_half_a_line_of_a_killed_process(history, tmp_path, eval_set):
    whole = history.path.read_bytes()
    for cut in (whole[:-1], whole[:-20], whole + b"{", whole + b"5\n"):
        history.path.write_bytes(cut)
        count = len(history.entries())
        assert count == (1 if cut == whole[:-20] else 2)
        assert keep(tmp_path, eval_set, [told("other", "가")]) == count + 1
        assert list(history.entries()[-1]["models"]) == ["other"]


def test_runs_are_found(history):
    assert [run.name for run in history.runs()] == ["1:poor", "2:poor", "2:good"]
    assert [history.find(name).name for name in ("last", "1", "2", "2:poor")] == [
        "2:good",
        "1:poor",
        "2:good",
        "2:poor",
    ]
    with pytest.raises(UserError, match=r"9: no such evaluation; there are last, 1:poor, 2:poor, 2:good"):
        history.find("9")


def test_nothing_is_kept_yet(tmp_path):
    history = History(tmp_path)
    assert "no evaluation is kept yet" in as_table(history)
    with pytest.raises(UserError, match="no evaluation"):
        history.find("last")
    assert list(tmp_path.iterdir()) == []


def test_table(history):
    lines = as_table(history).splitlines()
    assert len(lines) == 5
    assert lines[4].split()[0] == "2:good"
    assert f"{history.find('2:good').headline:.4f}" in lines[4]
    assert "hash of" in lines[4]


def test_comparison(history):
    text = compare(history.find("2:good"), history.find("1:poor"), 1)
    good, poor = history.find("2:good"), history.find("1:poor")
    assert f"on 6 pages: {good.headline - poor.headline:+.4f}" in text
    gains = sum(good.pages[page] > poor.pages[page] for page in good.pages)
    losses = sum(good.pages[page] < poor.pages[page] for page in good.pages)
    assert gains > 0
    assert f"{gains} pages gain, {losses} lose" in text
    assert "Greatest gains" in text
    [row] = [line for line in text.splitlines() if line.startswith("end_to_end_f1 ")]
    assert [cell.strip() for cell in row.split("|")][1:3] == [f"{poor.headline:.4f}", f"{good.headline:.4f}"]
    assert "no clear difference" in compare(good, good, 1)


def test_comparison_without_a_common_page(history):
    other = history.find("1")
    other.entry["page_f1"] = {"elsewhere": {"poor": 1.0}}
    with pytest.raises(UserError, match="no page in common"):
        compare(history.find("2"), other, 1)


def test_marks(tmp_path, eval_set):
    weights = tmp_path / "finetuned.pth"
    weights.write_bytes(b"weights")
    weights.with_suffix(".json").write_text("{}")
    model = fake_model("finetuned", {"weights_sha256": sha256(weights)}, FakeRecognizer())
    keep(tmp_path, eval_set, [told("poor", "바"), model])
    history = History(tmp_path / "out")
    copy = history.mark("첫-모델_1.0", history.find("1:finetuned"), Bundle("installed", weights), tmp_path / "saved")
    weights.write_bytes(b"other")
    assert copy.read_bytes() == b"weights" and copy.with_suffix(".json").exists()
    assert open_bundle("첫-모델_1.0", tmp_path / "saved") == Bundle("첫-모델_1.0", copy)
    keep(tmp_path, eval_set, [told("poor", "바")])
    assert history.find("첫-모델_1.0").name == "1:finetuned"
    assert [line.endswith("첫-모델_1.0") for line in as_table(history).splitlines()[2:]] == [False, True, False]
    with pytest.raises(UserError, match="does not hold the weights"):
        history.mark("second", history.find("1:finetuned"), Bundle("installed", weights), tmp_path / "saved")


@pytest.mark.parametrize("name", ["", "last", "12", "starter", "installed", "../x", ".x", "a/b", "a b", "x" * 80])
def test_names_that_cannot_be_marks(history, tmp_path, name):
    with pytest.raises(UserError, match="--mark"):
        history.mark(name, history.find("last"), Bundle("installed", tmp_path / "w.pth"), tmp_path / "saved")
    assert not (tmp_path / "saved").exists()


def test_damaged_marks(history):
    (history.folder / "marks.json").write_text("{")
    with pytest.raises(UserError, match=r"marks\.json"):
        as_table(history)


def test_lines_are_json(history):
    for line in history.path.read_text(encoding="utf-8").splitlines():
        assert json.loads(line)["format"] == 1

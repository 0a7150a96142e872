"""Step 4 refuses weights that an evaluation found worse: known by their hash, never by a name or a file's age."""

import json
import random

import pytest

from tests.evaluation.fakes import FakeRecognizer, fake_model
from tests.evaluation.installed import write_set
from tests.evaluation.pages import misreading, random_page, rows_of
from train_easyocr.common.errors import UserError
from train_easyocr.common.files import sha256, write_json
from train_easyocr.delivery import __main__ as step4
from train_easyocr.delivery import acceptance
from train_easyocr.delivery.acceptance import check_not_worse, evaluate_candidate, refuse_if_worse
from train_easyocr.documents import Page, Word
from train_easyocr.documents.aihub import find_pages
from train_easyocr.documents.page_sums import pack_sums, page_sum
from train_easyocr.evaluation.analysis import Analyzer, with_identities
from train_easyocr.metrics.metrics import score_page

pytestmark = pytest.mark.slow


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "가중치.pth"
    path.write_bytes(b"weights")
    return path


def analysis_of(tmp_path, weights, rates, pages=12, digits=0.0):
    """Write the analysis of models that misread syllables at given rates, and the last one digits, too."""
    state, analyzer = random.Random(3), Analyzer()
    for number in range(pages):
        words = random_page(state, 40)
        words[::4] = [Word(word.box, "2026") for word in words[::4]]
        rows = {}
        for name, rate in rates.items():
            read = [Word(word.box, misreading(state, word.text, rate)[0]) for word in words]
            if name == list(rates)[-1]:
                read = [Word(w.box, "2") if w.text.startswith("2") and state.random() < digits else w for w in read]
            rows[name] = rows_of(read)
        scores = {
            name: score_page(words, [Word(word.box, row[4]) for word, row in zip(words, found, strict=True)])
            for name, found in rows.items()
        }
        analyzer.page(Page(f"쪽{number}", tmp_path / "x.png", tuple(words), "인.허가", 1000, 1000), rows, scores)
    identities = {name: {"weights_sha256": name} for name in rates} | {
        list(rates)[-1]: {"weights_sha256": sha256(weights)}
    }
    tree = with_identities(analyzer.analyze(list(rates), "labels", 1, {}), identities)
    write_json(tmp_path / "analysis.json", tree)
    return tmp_path / "analysis.json"


def test_better_weights_pass(tmp_path, weights):
    assert "not worse than baseline" in check_not_worse(
        weights, analysis_of(tmp_path, weights, {"baseline": 0.3, "new": 0.05})
    )


def test_a_worse_slice_is_refused_though_the_whole_is_better(tmp_path, weights):
    path = analysis_of(tmp_path, weights, {"baseline": 0.3, "new": 0.02}, digits=0.9)
    [comparison] = json.loads(path.read_text(encoding="utf-8"))["comparisons"]
    assert comparison["figures"]["end_to_end_f1"]["verdict"] == "better"
    low, value = comparison["slices"]["digits"]["low"], comparison["slices"]["digits"]["value"]
    with pytest.raises(UserError, match="against baseline") as caught:
        check_not_worse(weights, path)
    assert f"digits: {value:+.4f} ({low:+.4f} to " in str(caught.value)
    assert "all words" not in str(caught.value)
    assert "leave --refuse_if_worse out" in str(caught.value)


def test_worse_on_the_whole_is_refused(tmp_path, weights):
    with pytest.raises(UserError, match="all words"):
        check_not_worse(weights, analysis_of(tmp_path, weights, {"baseline": 0.02, "new": 0.3}))


def test_an_evaluation_of_other_weights_does_not_count(tmp_path, weights):
    path = analysis_of(tmp_path, weights, {"baseline": 0.3, "new": 0.05})
    weights.write_bytes(b"trained again")
    with pytest.raises(UserError, match=r"is no evaluation of .*가중치.pth .*but of baseline, new"):
        check_not_worse(weights, path)


@pytest.mark.parametrize(("rates", "pages", "message"), [
    ({"baseline": 0.3, "new": 0.05}, 4, "too few pages"),
    ({"new": 0.05}, 12, "compares new with nothing"),
])  # fmt: skip
def test_what_can_not_be_told_does_not_pass(tmp_path, weights, rates, pages, message):
    with pytest.raises(UserError, match=message):
        check_not_worse(weights, analysis_of(tmp_path, weights, rates, pages))


@pytest.mark.parametrize("content", ["", "[]", '{"format": 99, "identities": {}}', '{"format": 1}'])
def test_files_that_are_no_analysis(tmp_path, weights, content):
    (tmp_path / "analysis.json").write_text(content)
    with pytest.raises(UserError, match=r"analysis\.json"):
        check_not_worse(weights, tmp_path / "analysis.json")


class Labels(FakeRecognizer):
    """Reads "도로점용" at the place of that word, and nothing elsewhere."""

    def recognize(self, grey, shapes):
        return [("도로점용" if shape[:2] == (10, 12) else "", 0.9) for shape in shapes]


def test_on_a_folder_of_pages(tmp_path, weights, monkeypatch):
    pages = write_set(tmp_path / "pages", 8)
    good, bad = Labels(), FakeRecognizer("X")
    installed = fake_model("finetuned", {"weights_sha256": "old"}, good)
    monkeypatch.setattr(acceptance, "find_models", lambda *_: ([installed], {"baseline": "not there"}))
    candidate = {"weights_sha256": sha256(weights)}
    monkeypatch.setattr(acceptance, "scored_model", lambda name, *_: fake_model(name, candidate, bad))
    with pytest.raises(UserError, match=r"all words.*against installed"):
        refuse_if_worse(weights, pages, 1)
    assert (bad.pages, "worse" in (tmp_path / "before_installation" / "report.md").read_text("utf-8")) == (8, True)
    monkeypatch.setattr(acceptance, "scored_model", lambda name, *_: fake_model(name, candidate | {"x": "y"}, Labels()))
    assert "not worse than installed" in refuse_if_worse(weights, pages, 1)
    # What is installed already is compared with nothing.
    monkeypatch.setattr(acceptance, "find_models", lambda *_: ([fake_model("finetuned", candidate)], {}))
    with pytest.raises(UserError, match="it is installed"):
        refuse_if_worse(weights, pages, 1)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no labels"):
        refuse_if_worse(weights, tmp_path / "empty", 1)


def test_pages_that_the_weights_learnt_from_do_not_count(tmp_path, weights, monkeypatch, capsys):
    pages = write_set(tmp_path / "pages", 8)
    images = [page.image for page in find_pages(pages)[0]]
    reader = FakeRecognizer()
    monkeypatch.setattr(acceptance, "find_models", lambda *_: ([fake_model("baseline", {"weights_sha256": "old"})], {}))
    candidate = {"weights_sha256": sha256(weights)}
    monkeypatch.setattr(acceptance, "scored_model", lambda name, *_: fake_model(name, candidate, reader))
    for count in (2, 8):
        sums = pack_sums(page_sum(path.read_bytes()) for path in images[:count])
        weights.with_suffix(".json").write_text(json.dumps({"trained_on": sums}))
        if count == 8:
            with pytest.raises(UserError, match="learnt from all of its pages"):
                evaluate_candidate(weights, pages, tmp_path / "out", 1)
        else:
            evaluate_candidate(weights, pages, tmp_path / "out", 1)
            assert reader.pages == 6
            assert "2 of 8 pages are left out: page that weights have learnt from" in capsys.readouterr().out


def test_step_4_installs_nothing_then(tmp_path, weights, monkeypatch, capsys):
    path = analysis_of(tmp_path, weights, {"baseline": 0.02, "new": 0.3})
    installed = []
    monkeypatch.setattr(step4, "install", lambda *_, **__: installed.append(1))
    assert step4.main([str(weights), "--refuse_if_worse", str(path)]) == 1
    said = capsys.readouterr().err
    assert "all words" in said and "nothing was installed" in said
    assert installed == []

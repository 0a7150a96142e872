"""The whole tree: what JSON gets, comparisons of models, and the texts that are drawn from it."""

import io
import json
import math
import random
from pathlib import Path

import easyocr.easyocr
import pytest

from tests.easyocr_files import install_random_weights
from tests.evaluation.installed import install_finetuned
from tests.evaluation.pages import line, misreading, random_page, rows_of
from train_easyocr.documents import Box, Page, Word
from train_easyocr.evaluation.analysis import Analyzer, as_json
from train_easyocr.evaluation.analysis_report import as_markdown, as_text
from train_easyocr.evaluation.models import find_models
from train_easyocr.metrics.error_classes import CLASSES
from train_easyocr.metrics.metrics import FIGURES, score_page


def add(analyzer, number, labels, rows, category="인.허가"):
    """Let the models read a page."""
    page = Page(f"{category}/{number}", Path("x.png"), tuple(labels), category, 1000, 1000)
    scores = {
        model: score_page(labels, [Word(Box(*row[:4]), row[4]) for row in found]) for model, found in rows.items()
    }
    analyzer.page(page, rows, scores)


def analyzed(pages=30, seed=1):
    """Two models on random pages; `good` errs less but misses words with a digit."""
    state = random.Random(seed)
    analyzer = Analyzer()
    for number in range(pages):
        labels = [*random_page(state, 24), *line("2001", "37", top=900)]
        rows = {}
        for model, rate in (("poor", 0.2), ("good", 0.05)):
            rows[model] = [
                [*word.box, *misreading(state, word.text, rate)] for word in labels if not word.text.isdigit()
            ]
        rows["poor"] += rows_of(labels[-2:])
        add(analyzer, number, labels, rows, ("인.허가", "주민복지")[number % 2])
    return analyzer


@pytest.fixture(scope="module")
def analysis():
    return analyzed().analyze(["poor", "good"], "labels", 5, {"good": frozenset("가나다")})


def test_losses_add_up(analysis):
    for name, model in analysis.models.items():
        lost = 1 - model.headline
        assert model.headline == pytest.approx(sum(page.f1[name] for page in analysis.pages) / 30)
        assert sum(found.lost_f1 for found in model.error_classes) == pytest.approx(lost)
        for groups in model.groups.values():
            assert sum(group.lost_f1 for group in groups) == pytest.approx(lost)
        by_category = model.error_classes_by_category
        assert list(by_category) == ["인.허가", "주민복지"]
        assert sum(sum(found.lost_f1 for found in classes) for classes in by_category.values()) / 2 == pytest.approx(
            lost
        )
    assert analysis.labels == 30 * 26


def test_pages_hold_their_classes(analysis):
    page = analysis.pages[0]
    assert (page.name, page.category, page.labels) == ("인.허가/0", "인.허가", 26)
    assert sum(page.label_classes["good"].values()) == 26
    assert page.label_classes["good"]["missed"] == 2
    assert "missed" not in page.label_classes["poor"]
    assert sum(page.prediction_classes["good"].values()) == 24


def test_models_are_compared(analysis):
    [comparison] = analysis.comparisons
    assert (comparison.after, comparison.before) == ("good", "poor")
    assert set(comparison.figures) == {*FIGURES, "cleval_detection_f1", "cleval_end_to_end_f1"}
    good, poor = analysis.models["good"].headline, analysis.models["poor"].headline
    headline = comparison.figures["end_to_end_f1"]
    assert headline.value == pytest.approx(good - poor)
    assert headline.low < headline.value < headline.high
    assert headline.pages == 30
    assert comparison.worse_slices == ["digits"]
    assert comparison.slices["digits"].value == -1
    assert comparison.slices["latin"] is None


def test_a_lower_error_rate_is_better(analysis):
    rate = analysis.comparisons[0].figures["cer"]
    assert rate.high < 0
    assert rate.verdict == "better"
    assert analysis.comparisons[0].figures["detection_recall"].verdict == "worse"


def test_characters_that_a_model_cannot_write(analysis):
    good, poor = analysis.models["good"].characters, analysis.models["poor"].characters
    assert poor.unwritable is None
    assert "가" not in {found.character for found in good.unwritable}
    assert "로" in {found.character for found in good.unwritable}


def test_json_is_the_same_every_time(analysis):
    text = json.dumps(as_json(analysis), ensure_ascii=False, allow_nan=False)
    again = analyzed().analyze(["poor", "good"], "labels", 5, {"good": frozenset("가나다")})
    assert json.dumps(as_json(again), ensure_ascii=False, allow_nan=False) == text
    tree = json.loads(text)
    assert tree["models"]["good"]["error_classes"][0]["name"] == "right"
    assert tree["suspicious"][0]["box"] == list(analysis.suspicious[0].box)
    assert tree["format"] == 1


def test_a_line_a_page_with_all_its_words():
    file = io.StringIO()
    analyzer = Analyzer(words=file)
    labels = line("도로", "점용", "허가")
    rows = [[*labels[1].box, "점응", 0.5], [*labels[0].box, "도로", math.nan], [500, 0, 520, 20, "·", 0.25]]
    add(analyzer, 0, labels, {"a": rows, "b": []})
    add(analyzer, 1, [], {"a": [], "b": []})
    first, second = map(json.loads, file.getvalue().splitlines())
    assert (first["page"], first["category"], first["width"]) == ("인.허가/0", "인.허가", 1000)
    assert first["labels"][1] == [*labels[1].box, "점용"]
    found = first["models"]["a"]
    assert [CLASSES[index] for index in found["label_classes"]] == ["right", "misread", "missed"]
    assert found["matches"] == [1, 0, None]
    assert [CLASSES[word[6]] for word in found["words"]] == ["misread", "right", "false"]
    assert [word[4:6] for word in found["words"]] == [["점응", 0.5], ["도로", None], ["·", 0.25]]
    assert second["models"]["b"] == {"label_classes": [], "matches": [], "words": []}


def test_models_that_failed_are_left_out():
    analyzer = analyzed(pages=3)
    add(analyzer, 3, line("도로"), {"good": rows_of(line("도로"))})
    analysis = analyzer.analyze(["good"], "labels", 5, {})
    assert (list(analysis.models), len(analysis.pages), analysis.comparisons) == (["good"], 4, [])


def test_markdown(analysis):
    text = as_markdown(analysis)
    lines = text.splitlines()
    good = analysis.models["good"]
    assert f"| mean end-to-end F1 (headline) | {analysis.models['poor'].headline:.4f} | {good.headline:.4f} |" in lines
    assert any(line.startswith("| missed | 60 | 0 |") for line in lines)
    assert any(line.startswith("- WORSE: good reads digits worse than poor") for line in lines)
    assert "## Suspicious labels" in lines
    assert "The model cannot write" in text
    assert "None" not in text and "nan" not in text
    for number, text_line in enumerate(lines):
        if text_line.startswith("| ---"):
            columns = text_line.count("|")
            assert lines[number - 1].count("|") == lines[number + 1].count("|") == columns


def test_markdown_of_hostile_texts():
    analyzer = Analyzer()
    labels = line("a|b", "`c`", "d\ne", "7~9", "*주1*", "<b>")
    reads = ("a|c", "`d`", "d\nf", "7~8", "*주2*", "<i>")
    rows = rows_of([Word(label.box, read) for label, read in zip(labels, reads, strict=True)])
    add(analyzer, 0, labels, {"model": rows})
    text = as_markdown(analyzer.analyze(["model"], "labels", 5, {}))
    assert "a\\|b -> a\\|c" in text
    assert "\\`c\\` -> \\`d\\`" in text
    assert "d e -> d f" in text
    assert r"7\~9 -> 7\~8" in text  # between two tildes GitHub strikes out
    assert r"\*주1\* -> \*주2\*" in text
    assert r"\<b> -> \<i>" in text


def test_terminal(analysis):
    text = as_text(analysis)
    assert "What good lost, by error class" in text
    assert "good - poor" in text
    assert "WORSE: good reads digits" in text
    assert len(text.splitlines()) < 40


@pytest.mark.parametrize("rows", [[], rows_of(line("도로"))])
def test_empty_pages(rows):
    analyzer = Analyzer()
    add(analyzer, 0, [], {"a": rows, "b": []})
    analysis = analyzer.analyze(["a", "b"], "detector", 5, {})
    assert analysis.models["a"].headline == (0 if rows else 1)
    json.dumps(as_json(analysis), allow_nan=False)
    assert "No word was matched." in as_markdown(analysis)
    assert as_text(analysis)


def test_nothing_was_read():
    analysis = Analyzer().analyze(["a", "b"], "detector", 5, {})
    assert (analysis.pages, analysis.labels) == ([], 0)
    json.dumps(as_json(analysis), allow_nan=False)
    assert as_markdown(analysis)


def test_characters_of_the_models_are_those_of_their_readers(tmp_path, monkeypatch):
    install_finetuned(tmp_path)
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path))
    install_random_weights(tmp_path, monkeypatch, names=("korean_g2",))
    models, _ = find_models(baseline=True, finetuned=True, cuda=False)
    for model in models:
        reader = model.open()
        if isinstance(getattr(reader, "reader", None), easyocr.easyocr.Reader):
            known = set(reader.reader.character) & set(reader.reader.lang_char)
        else:
            known = {"가", "B", "·"}
            assert "뷁" not in model.characters()
        assert model.characters() >= known
        assert "Q" not in model.characters() or model.name == "baseline_ko_en"
        if model.name != "finetuned":
            assert model.characters() == known

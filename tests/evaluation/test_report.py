"""What an evaluation leaves: CSV, JSON and tables, checked against figures computed by hand."""

import csv
import io
import json
from pathlib import Path

import pytest

from train_easyocr.common.text import display_width
from train_easyocr.documents import Box, Word
from train_easyocr.documents.aihub import Problem
from train_easyocr.evaluation import report
from train_easyocr.evaluation.report import CSV_NAME, JSON_NAME, as_csv, as_tables, summarize, write_results
from train_easyocr.evaluation.runner import Evaluation, PageResult
from train_easyocr.metrics.metrics import FIGURES, score_page
from train_easyocr.settings.config import Config


def words(*texts):
    return [Word(Box(i * 100, 0, i * 100 + 90, 30), text) for i, text in enumerate(texts)]


def page(name, category, labels, **read):
    scores = {model: score_page(labels, predictions) for model, predictions in read.items()}
    return PageResult(name, category, len(labels), scores)


@pytest.fixture
def evaluation():
    labels = words("도로", "점용", "허가", "증")
    return Evaluation(
        "detector",
        {"baseline": {"weights_sha256": "aa"}, "finetuned": {"weights_sha256": "bb"}},
        pages=[
            page("인.허가/1", "인.허가", labels, baseline=words("도로"), finetuned=labels),
            page("인.허가/2", "인.허가", words("가"), baseline=[], finetuned=words("가", "나", "다")),
            page("복지, 생활/3", "주민복지", words("김해"), baseline=words("김하"), finetuned=words("김하")),
        ],
        skipped=[Problem("인.허가/9", "page without label file")],
        warnings=[Problem("인.허가/1", "turned"), Problem("인.허가/2", "turned"), Problem("복지, 생활/3", "several")],
        failed={"other": "other.pth is missing"},
    )


def test_csv_has_a_row_per_page_and_model(evaluation):
    text = as_csv(evaluation)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["page"], row["category"], row["model"]) for row in rows] == [
        ("인.허가/1", "인.허가", "baseline"),
        ("인.허가/1", "인.허가", "finetuned"),
        ("인.허가/2", "인.허가", "baseline"),
        ("인.허가/2", "인.허가", "finetuned"),
        ("복지, 생활/3", "주민복지", "baseline"),
        ("복지, 생활/3", "주민복지", "finetuned"),
    ]
    assert list(rows[0]) == ["page", "category", "model", "labels", "predictions", "matched", *FIGURES]
    assert rows[0]["end_to_end_f1"] == "0.400000"  # 2 * 1 / (4 + 1)
    assert rows[0]["detection_recall"] == "0.250000"
    assert (rows[2]["cer"], rows[2]["end_to_end_f1"]) == ("", "0.000000")
    assert (rows[3]["labels"], rows[3]["predictions"], rows[3]["matched"]) == ("1", "3", "1")
    assert rows[4]["cer"] == "0.500000"
    assert "\r" not in text


def test_summary(evaluation, tmp_path):
    summary = summarize(evaluation, tmp_path / "evaluation_set", Config(seed=7))
    baseline, finetuned = summary["models"]["baseline"], summary["models"]["finetuned"]
    assert baseline["mean"]["end_to_end_f1"] == pytest.approx((0.4 + 0 + 0.5) / 3, abs=1e-6)
    assert finetuned["mean"]["end_to_end_f1"] == pytest.approx((1 + 0.5 + 0.5) / 3, abs=1e-6)
    assert baseline["pooled"]["end_to_end_f1"] == pytest.approx(2 * 1.5 / (6 + 2), abs=1e-6)
    assert finetuned["pooled"]["end_to_end_f1"] == pytest.approx(2 * 5.5 / (6 + 8), abs=1e-6)
    assert summary["improvement_percent"] == {
        "baseline": {
            "mean": pytest.approx(100 * ((2 / 3) / 0.3 - 1), abs=0.006),
            "pooled": pytest.approx(100 * ((11 / 14) / (3 / 8) - 1), abs=0.006),
        }
    }
    assert baseline["categories"]["인.허가"]["mean"]["end_to_end_f1"] == pytest.approx(0.2)
    assert finetuned["categories"]["주민복지"]["pooled"]["cer"] == 0.5
    assert summary["categories"] == {"인.허가": {"pages": 2, "words": 5}, "주민복지": {"pages": 1, "words": 1}}
    assert (summary["pages"], summary["words"], summary["boxes"]) == (3, 6, "detector")
    assert baseline["identity"] == {"weights_sha256": "aa"}
    assert finetuned["counts"]["predictions"] == 8
    assert summary["skipped"] == [{"page": "인.허가/9", "reason": "page without label file", "detail": ""}]
    assert summary["left_out"] == {"other": "other.pth is missing"}
    assert summary["config"]["seed"] == 7
    assert {"python", "torch", "easyocr", "train_easyocr"} <= summary["versions"].keys()


def test_files_are_the_same_every_time(evaluation, tmp_path):
    for folder in ("a", "b"):
        write_results(evaluation, tmp_path / folder, tmp_path, Config())
    for name in (CSV_NAME, JSON_NAME):
        content = (tmp_path / "a" / name).read_bytes()
        assert content == (tmp_path / "b" / name).read_bytes()
        assert not content.startswith(b"\xef\xbb\xbf")
        assert "인.허가".encode() in content
    assert json.loads((tmp_path / "a" / JSON_NAME).read_text(encoding="utf-8")) == summarize(
        evaluation, tmp_path, Config()
    )


def test_no_improvement_over_nothing(evaluation, tmp_path):
    evaluation.pages = [evaluation.pages[1]]
    summary = summarize(evaluation, tmp_path, Config())
    assert summary["improvement_percent"] == {"baseline": {"mean": None, "pooled": None}}
    assert "baseline 0.0000 -> finetuned 0.5000" in as_tables(summary)


def test_one_model_has_no_improvement(evaluation, tmp_path):
    del evaluation.models["finetuned"]
    assert summarize(evaluation, tmp_path, Config())["improvement_percent"] == {}


def test_tables(evaluation, tmp_path):
    text = as_tables(summarize(evaluation, tmp_path, Config()))
    assert "3 pages, 6 words, read at the detector's boxes" in text
    assert "baseline 0.3000 -> finetuned 0.6667 (+122.2 %)" in text
    assert "Skipped: 1" in text
    assert "인.허가/9: page without label file" in text
    [headline] = [line for line in text.splitlines() if "headline" in line]
    assert [cell.strip() for cell in headline.split("|")][1:] == ["0.3000", "0.6667"]
    pooled = text[text.index("pooled") :]
    [line] = [line for line in pooled.splitlines() if line.startswith("end_to_end_f1 ")]
    assert [cell.strip() for cell in line.split("|")][1:] == ["0.3750", "0.7857"]
    categories = [line for line in text.splitlines() if line.startswith(("인.허가 ", "주민복지 ", "category "))]
    assert len(categories) == 3
    assert len({display_width(line[: line.index("|")]) for line in categories}) == 1


def test_version_without_a_clone(monkeypatch, tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "9.9"\n')
    monkeypatch.setattr(report, "_ROOT", tmp_path)
    versions = report.versions()
    assert versions["train_easyocr"] == "9.9"
    assert "commit" not in versions


def test_warnings_are_counted_by_kind_with_the_first_page(evaluation):
    summary = summarize(evaluation, Path("set"), Config())
    assert summary["warnings"][2] == {"page": "복지, 생활/3", "reason": "several"}
    tables = as_tables(summary)
    assert "Warning: several: 1 pages, 복지, 생활/3 first\nWarning: turned: 2 pages, 인.허가/1 first" in tables

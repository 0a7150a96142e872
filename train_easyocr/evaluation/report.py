"""What an evaluation leaves: a CSV with a row per page and model, a JSON with the figures, tables on the screen.

The JSON holds no time stamps: the same predictions give the same bytes. The tables are drawn from it alone.
"""

from __future__ import annotations

import csv
import io
import platform
import subprocess
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from train_easyocr.common.files import write_json, write_text
from train_easyocr.common.text import format_table
from train_easyocr.evaluation.models import BASELINES, FINETUNED_MODEL, STARTER_MODEL
from train_easyocr.evaluation.runner import Evaluation, PageResult
from train_easyocr.metrics.metrics import FIGURES, Metric, PageScores
from train_easyocr.settings.checking import CheckedSettings

CSV_NAME = "evaluation_result.csv"
JSON_NAME = "evaluation_result.json"
HEADLINE = "end_to_end_f1"
WHERE = {
    "labels": "the labelled boxes",
    "detector": "the detector's boxes",
    "predictions": "the predictions' own boxes",
}
"""Where words were read, by `Evaluation.boxes`."""
COUNTS = ("labels", "predictions", "matched")
SHOWN_PROBLEMS = 10

_ROOT = Path(__file__).parents[2]


def write_results(evaluation: Evaluation, output: Path, eval_set: Path, config: CheckedSettings) -> dict[str, Any]:
    """Write both files into the output folder and return the JSON's content."""
    write_text(output / CSV_NAME, as_csv(evaluation))
    summary = summarize(evaluation, eval_set, config)
    write_json(output / JSON_NAME, summary)
    return summary


def as_csv(evaluation: Evaluation) -> str:
    """Return a row per page and model; a figure that there is not (CER without a matched word) is left empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["page", "category", "model", *COUNTS, *FIGURES])
    for page in evaluation.pages:
        for model, scores in page.scores.items():
            counts = [getattr(scores, name) for name in COUNTS]
            figures = ["" if value is None else f"{value:.6f}" for value in scores.figures().values()]
            writer.writerow([page.name, page.category, model, *counts, *figures])
    return text.getvalue()


def summarize(evaluation: Evaluation, eval_set: Path, config: CheckedSettings) -> dict[str, Any]:
    """Return all figures of an evaluation, and what they depend on, as JSON takes it."""
    categories = sorted({page.category for page in evaluation.pages})
    models = {
        name: {
            "identity": dict(identity),
            **pooled_figures(page.scores[name] for page in evaluation.pages),
            "categories": {
                category: pooled_figures(page.scores[name] for page in evaluation.pages if page.category == category)
                for category in categories
            },
        }
        for name, identity in evaluation.models.items()
    }
    return {
        "eval_set": str(eval_set),
        "boxes": evaluation.boxes,
        "headline": f"mean {HEADLINE}",
        **_size(evaluation.pages),
        "categories": {
            category: _size([page for page in evaluation.pages if page.category == category]) for category in categories
        },
        "models": models,
        "improvement_percent": _improvements(models),
        "left_out": evaluation.failed,
        "warnings": [{"page": problem.name, "reason": problem.reason} for problem in evaluation.warnings],
        "skipped": [
            {"page": problem.name, "reason": problem.reason, "detail": problem.detail} for problem in evaluation.skipped
        ],
        "versions": versions(),
        "config": config.model_dump(),
    }


def _size(pages: Sequence[PageResult]) -> dict[str, int]:
    return {"pages": len(pages), "words": sum(page.words for page in pages)}


def pooled_figures(pages: Iterable[PageScores]) -> dict[str, Any]:
    """Return mean and pooled figures and the counts of pages, as JSON takes them."""
    metric = Metric()
    for scores in pages:
        metric.add(scores)
    summary = metric.summary()
    return {
        "mean": {name: _rounded(value) for name, value in summary.mean.items()},
        "pooled": {name: _rounded(value) for name, value in summary.pooled.figures().items()},
        "counts": {name: _rounded(value) for name, value in asdict(summary.pooled).items()},
    }


def _rounded(value: float | None) -> float | None:
    return round(value, 6) if isinstance(value, float) else value


def _improvements(models: dict[str, Any]) -> dict[str, dict[str, float | None]]:
    """Return by how many per cent the fine-tuned model's F1 is above each baseline's; None where that is 0."""
    if FINETUNED_MODEL not in models:
        return {}
    return {
        name: {kind: _percent(models[FINETUNED_MODEL][kind], models[name][kind]) for kind in ("mean", "pooled")}
        for name in (*BASELINES, STARTER_MODEL)
        if name in models
    }


def _percent(after: dict[str, Any], before: dict[str, Any]) -> float | None:
    if not before[HEADLINE]:
        return None
    return round(100 * (after[HEADLINE] / before[HEADLINE] - 1), 2)


def versions() -> dict[str, str]:
    """Return the versions of what computed the figures; `commit` only in a clone of this project."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = {"train_easyocr": project["version"], "python": platform.python_version()}
    found |= {name: version(name) for name in ("torch", "easyocr", "numpy", "opencv-python-headless", "pillow")}
    commit = _commit()
    return {**found, "commit": commit} if commit else found


def _commit() -> str:
    if not (_ROOT / ".git").exists():
        return ""
    command = ["git", "-C", str(_ROOT), "describe", "--always", "--exclude", "*", "--abbrev=40", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def as_tables(summary: dict[str, Any]) -> str:
    """Lay out what `summarize` returned for a terminal."""
    models = list(summary["models"])
    categories = [
        [category or "-", size["pages"], size["words"]]
        + [_cell(summary["models"][model]["categories"][category]["mean"][HEADLINE]) for model in models]
        for category, size in summary["categories"].items()
    ]
    parts = [
        f"{summary['pages']} pages, {summary['words']} words, read at {WHERE[summary['boxes']]}",
        "Mean over pages",
        _figures_table(summary, "mean"),
        "Words of all pages pooled",
        _figures_table(summary, "pooled"),
        f"Mean {HEADLINE} per category",
        format_table(["category", "pages", "words", *models], categories),
        *_improvement_lines(summary),
        *_warning_lines(summary["warnings"]),
        *_skipped_lines(summary["skipped"]),
    ]
    return "\n\n".join(parts)


def _figures_table(summary: dict[str, Any], kind: str) -> str:
    rows = [
        [f"{name} (headline)" if (name, kind) == (HEADLINE, "mean") else name]
        + [_cell(model[kind][name]) for model in summary["models"].values()]
        for name in FIGURES
    ]
    return format_table(["", *summary["models"]], rows)


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _improvement_lines(summary: dict[str, Any]) -> list[str]:
    lines = []
    for name, percent in summary["improvement_percent"].items():
        before, after = (summary["models"][model]["mean"][HEADLINE] for model in (name, FINETUNED_MODEL))
        change = "no percentage of 0" if percent["mean"] is None else f"{percent['mean']:+.1f} %"
        lines.append(f"Mean {HEADLINE}: {name} {before:.4f} -> {FINETUNED_MODEL} {after:.4f} ({change})")
    return ["\n".join(lines)] if lines else []


def _warning_lines(warnings: Sequence[dict[str, str]]) -> list[str]:
    counts = Counter(warning["reason"] for warning in warnings)
    first = {warning["reason"]: warning["page"] for warning in reversed(warnings)}
    lines = [f"Warning: {reason}: {count} pages, {first[reason]} first" for reason, count in sorted(counts.items())]
    return ["\n".join(lines)] if lines else []


def _skipped_lines(skipped: Sequence[dict[str, str]]) -> list[str]:
    if not skipped:
        return []
    lines = [f"Skipped: {len(skipped)} (all are listed in {JSON_NAME})"]
    for problem in skipped[:SHOWN_PROBLEMS]:
        detail = f": {problem['detail']}" if problem["detail"] else ""
        lines.append(f"  {problem['page']}: {problem['reason']}{detail}")
    return ["\n".join(lines)]

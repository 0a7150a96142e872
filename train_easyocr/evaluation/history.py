"""Every evaluation, kept: when, of which weights, on which pages, with which scores; and two of them compared.

`evaluation_history/evaluations.jsonl` in the output folder gets a line an evaluation. One that is run again on the same
predictions is not a new one. A set of weights can be given a name (`--mark`): a copy is kept under it (see
`weights.bundle`), so that it is still there when another model is installed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from train_easyocr.common.errors import UsageError, UserError
from train_easyocr.common.files import sha256, write_json
from train_easyocr.common.text import format_table
from train_easyocr.evaluation.runner import Evaluation
from train_easyocr.metrics.significance import Difference, mean_differences
from train_easyocr.weights.bundle import RECOGNIZER, Bundle, file_of, is_mark, keep, open_bundle

FOLDER = "evaluation_history"
FILE_NAME = "evaluations.jsonl"
MARKS = "marks.json"
FORMAT = 1
LAST = "last"
SHOWN_PAGES = 10
"""Pages with the greatest gains, and with the greatest losses, that a comparison lists."""


@dataclass(frozen=True, slots=True)
class ScoredRun:
    """One model in one evaluation.

    Attributes:
        evaluation: The evaluation's number, from 1 on.
        model: The model's name.
        entry: The evaluation as it was kept.
    """

    evaluation: int
    model: str
    entry: dict[str, Any]

    @property
    def name(self) -> str:
        """What `--compare` takes."""
        return f"{self.evaluation}:{self.model}"

    @property
    def weights(self) -> str:
        """Hash of the weights, or of the file of predictions; empty where there is none."""
        identity = self.entry["models"][self.model]["identity"]
        return str(identity.get("weights_sha256", identity.get("predictions_sha256", "")))

    @property
    def headline(self) -> float:
        """Mean end-to-end F1."""
        return float(self.entry["models"][self.model]["mean"]["end_to_end_f1"])

    @property
    def pages(self) -> dict[str, float]:
        """End-to-end F1 of each page."""
        return {page: scores[self.model] for page, scores in self.entry["page_f1"].items()}


class History:
    """The evaluations of one output folder."""

    def __init__(self, output: Path) -> None:
        self.folder = output / FOLDER
        self.path = self.folder / FILE_NAME

    def add(self, evaluation: Evaluation, summary: Mapping[str, Any]) -> int:
        """Keep an evaluation.

        Args:
            evaluation: The outcome.
            summary: What `report.summarize` returned for it.

        Returns:
            Its number; that of the last one if nothing differs from it but the time.
        """
        entry = {
            "format": FORMAT,
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "data_sha256": data_hash(evaluation),
            **{key: summary[key] for key in ("eval_set", "boxes", "pages", "words", "versions", "config")},
            "models": {
                name: {key: model[key] for key in ("identity", "mean", "pooled")}
                for name, model in summary["models"].items()
            },
            "page_f1": {
                page.name: {name: round(scores.end_to_end_f1, 6) for name, scores in page.scores.items()}
                for page in evaluation.pages
            },
        }
        kept = self.entries()
        if kept and _without_time(kept[-1]) == _without_time(entry):
            return len(kept)
        self.folder.mkdir(parents=True, exist_ok=True)
        line = json.dumps(entry, ensure_ascii=False, separators=(",", ":")) + "\n"
        with self.path.open("ab") as file:
            start = "" if self._ends_whole() else "\n"  # a killed process may have left half a line
            file.write((start + line).encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        return len(kept) + 1

    def _ends_whole(self) -> bool:
        size = self.path.stat().st_size
        if not size:
            return True
        with self.path.open("rb") as file:
            file.seek(size - 1)
            return file.read(1) == b"\n"

    def entries(self) -> list[dict[str, Any]]:
        """Return all evaluations, oldest first; lines that a killed process cut off are left out.

        Raises:
            UserError: The file can't be read.
        """
        try:
            lines = self.path.read_bytes().splitlines() if self.path.exists() else []
        except OSError as error:
            raise UserError(f"{self.path}: can't be read: {error.strerror}") from error
        found = [_parsed(line) for line in lines]
        return [entry for entry in found if entry is not None and entry.get("format") == FORMAT]

    def runs(self) -> list[ScoredRun]:
        """Return all models of all evaluations, oldest first."""
        return [
            ScoredRun(number, model, entry)
            for number, entry in enumerate(self.entries(), 1)
            for model in entry["models"]
        ]

    def find(self, name: str, saved_models: Path = Path("saved_models")) -> ScoredRun:
        """Return the run that a name means.

        Args:
            name: `12:finetuned`, a model in an evaluation; `12`, its last model; `last`, the last model of the last
                evaluation; or what stands for weights, a mark above all: the last evaluation of these weights.
            saved_models: The folder of experiments and marks.

        Raises:
            UserError: There is no such run.
        """
        runs = self.runs()
        if not runs:
            raise UserError(f"{self.path}: no evaluation is kept yet")
        marked = self.marks()
        if name in marked:
            fitting = [run for run in runs if run.weights == marked[name]["weights_sha256"]]
        elif name == LAST:
            fitting = runs[-1:]
        else:
            fitting = [run for run in runs if name in (run.name, str(run.evaluation))] or [
                run for run in runs if run.weights == _sum_of(name, saved_models)
            ]
        if not fitting:
            known = ", ".join([LAST, *marked, *(run.name for run in runs[-5:])])
            raise UsageError(f"{name}: no such evaluation; there are {known} (all: --history)")
        return fitting[-1]

    def marks(self) -> dict[str, dict[str, str]]:
        """Return the named weights: hash and file of each."""
        path = self.folder / MARKS
        try:
            found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        except (OSError, ValueError) as error:
            raise UserError(f"{path}: can't be read: {error}") from error
        return found if isinstance(found, dict) else {}

    def check_name(self, name: str) -> None:
        """Refuse a name that can't be a mark's.

        Raises:
            UserError: It is a number, as evaluations have, or can't be a file's name.
        """
        if not is_mark(name):
            raise UsageError(
                f"--mark {name}: a name starts with a letter or digit, goes on with those or - _ . + and is neither a "
                f"number nor {LAST!r}, nor a name of other weights"
            )

    def mark(self, name: str, run: ScoredRun, bundle: Bundle, saved_models: Path) -> Path:
        """Give the weights of a run a name, and keep a copy of them (see `weights.bundle`).

        Args:
            name: Letters, digits, `-`, `_`, `.`, `+`. A name that is there already is moved to these weights.
            run: The run.
            bundle: What was evaluated; all of it is kept.
            saved_models: The folder of all experiments, where the copy goes.

        Returns:
            The copy of the recognizer.

        Raises:
            UserError: The name can't be used, or the file holds other weights than were evaluated.
        """
        self.check_name(name)
        weights = bundle.recognizer
        if not isinstance(weights, Path) or sha256(weights) != run.weights:
            raise UserError(f"--mark {name}: {weights} does not hold the weights that {run.name} was evaluated with")
        copy = keep(bundle, name, saved_models) / RECOGNIZER
        kept = {"weights_sha256": run.weights, "evaluation": run.name, "file": str(copy.absolute())}
        write_json(self.folder / MARKS, {**self.marks(), name: kept})
        return copy


def _sum_of(name: str, saved_models: Path) -> str:
    """Return the SHA-256 of the recognizer that a name stands for; nothing where there is none."""
    try:
        weights = open_bundle(name, saved_models).recognizer
    except UserError:
        return ""
    return sha256(file_of(weights)) if weights is not None and file_of(weights).is_file() else ""


def data_hash(evaluation: Evaluation) -> str:
    """Return the hash of the pages that were scored: their names, images and labels."""
    digest = hashlib.sha256()
    for page in sorted(evaluation.pages, key=lambda page: page.name):
        digest.update(f"{page.name}\0{page.data}\0".encode())
    return digest.hexdigest()


def _without_time(entry: Mapping[str, Any]) -> str:
    return json.dumps({key: value for key, value in entry.items() if key != "time"}, sort_keys=True)


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def as_table(history: History) -> str:
    """Lay out all evaluations for a terminal, oldest first."""
    runs = history.runs()
    if not runs:
        return f"{history.path}: no evaluation is kept yet"
    names: dict[str, list[str]] = {}
    for name, mark in history.marks().items():
        names.setdefault(mark["weights_sha256"], []).append(name)
    rows = [
        [
            run.name,
            run.entry["time"].replace("T", " ")[:16],
            run.entry["boxes"],
            run.entry["pages"],
            run.entry["data_sha256"][:8],
            f"{run.headline:.4f}",
            run.weights[:8],
            ", ".join(names.get(run.weights, [])),
        ]
        for run in runs
    ]
    return format_table(["evaluation", "time (UTC)", "boxes", "pages", "data", "mean F1", "weights", "mark"], rows)


def compare(after: ScoredRun, before: ScoredRun, seed: int) -> str:
    """Lay out how a run differs from another: figures, interval of the headline, pages with most gains and losses.

    Args:
        after: The run that is judged.
        before: What it is compared with.
        seed: For the bootstrap.

    Raises:
        UserError: They have no page in common.
    """
    pages = [page for page in after.pages if page in before.pages]
    if not pages:
        raise UserError(f"{after.name} and {before.name} have no page in common")
    difference = _difference(after, before, pages, seed)
    changes = sorted((after.pages[page] - before.pages[page], page) for page in pages)
    losses = [change for change in changes if change[0] < 0][:SHOWN_PAGES]
    gains = [change for change in reversed(changes) if change[0] > 0][:SHOWN_PAGES]
    same = len(pages) - sum(change != 0 for change, _ in changes)
    parts = [
        *_warnings(after, before, pages),
        _figures(after, before),
        f"Mean end-to-end F1 on {len(pages)} pages: {difference.value:+.4f} "
        f"({difference.low:+.4f} to {difference.high:+.4f}), {difference.verdict}",
        f"{sum(change > 0 for change, _ in changes)} pages gain, {sum(change < 0 for change, _ in changes)} lose, "
        f"{same} are the same",
    ]
    for title, listed in (("gains", gains), ("losses", losses)):
        if listed:
            rows = [
                [page, f"{before.pages[page]:.4f}", f"{after.pages[page]:.4f}", f"{change:+.4f}"]
                for change, page in listed
            ]
            parts.append(f"Greatest {title}\n\n{format_table(['page', before.name, after.name, 'change'], rows)}")
    return "\n\n".join(parts)


def _difference(after: ScoredRun, before: ScoredRun, pages: Sequence[str], seed: int) -> Difference:
    columns = [np.array([run.pages[page] for page in pages])[:, None] for run in (after, before)]
    [found] = mean_differences(columns[0], columns[1], seed)
    assert found is not None  # there is at least one page, and each has a figure
    return found


def _warnings(after: ScoredRun, before: ScoredRun, pages: Sequence[str]) -> list[str]:
    found = []
    if after.entry["data_sha256"] != before.entry["data_sha256"]:
        found.append(
            f"The two were scored on different data ({len(after.pages)} and {len(before.pages)} pages, {len(pages)} in "
            "common, or with other labels); the table shows each on its own pages."
        )
    if after.entry["boxes"] != before.entry["boxes"]:
        found.append(f"Words were read at different places: {after.entry['boxes']} and {before.entry['boxes']}.")
    return found


def _figures(after: ScoredRun, before: ScoredRun) -> str:
    rows = []
    for name, value in after.entry["models"][after.model]["mean"].items():
        other = before.entry["models"][before.model]["mean"].get(name)
        change = "-" if value is None or other is None else f"{value - other:+.4f}"
        rows.append([name, *("-" if figure is None else f"{figure:.4f}" for figure in (other, value)), change])
    return format_table(["mean over pages", before.name, after.name, "change"], rows)

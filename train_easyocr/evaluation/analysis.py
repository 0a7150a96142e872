"""All that an evaluation tells beside its scores, as one tree of dataclasses that JSON takes as it is.

    analyzer = Analyzer()
    evaluate(pages, models, detector, output, observer=analyzer)
    analysis = analyzer.analyze(...)
    write_json(path, with_identities(analysis, models))

`analysis.json` holds no time stamps: the same predictions give the same bytes. `report.md` and whatever else shows an
analysis is drawn from this tree, and from `analysis_pages.jsonl`, which has a line a page with all its words:

    {"page", "category", "width", "height", "labels": [[xmin, ymin, xmax, ymax, text], ...],
     "models": {name: {"label_classes": [class of each label], "matches": [index of its prediction, or null],
                       "words": [[xmin, ymin, xmax, ymax, text, confidence or null, class], ...]}}}

Classes are indices into `error_classes.CLASSES`. Behind a label or word that lies tilted stand its four corners. A page
with don't-care regions has them as "dont_care", as labels are written; what was read there is left out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import combinations
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from train_easyocr.documents import Page, Word
from train_easyocr.evaluation.observations import Observations, PageReading, PageRecord, Row, Words
from train_easyocr.evaluation.predictions import ModelIdentity
from train_easyocr.evaluation.slices import Group, Mask, groups_of, slice_masks, slices_of
from train_easyocr.evaluation.suspicious import SuspiciousLabel, suspicious_labels
from train_easyocr.metrics import error_classes
from train_easyocr.metrics.calibration import Calibration, calibrate
from train_easyocr.metrics.character_errors import CharacterSummary
from train_easyocr.metrics.cleval import CharacterCounts, pooled
from train_easyocr.metrics.error_classes import CLASSES, ErrorClass
from train_easyocr.metrics.metrics import FIGURES, PageScores
from train_easyocr.metrics.significance import BETTER, WORSE, Difference, mean_differences, ratio_differences

JSON_NAME = "analysis.json"
PAGES_NAME = "analysis_pages.jsonl"
FORMAT = 1
CONFUSIONS = 500
"""Confusions that are listed; their number is counted in full."""
HEADLINE = "end_to_end_f1"
CLEVAL_FIGURES = ("cleval_detection_f1", "cleval_end_to_end_f1")
LOWER_IS_BETTER = ("cer",)


@dataclass(frozen=True, slots=True)
class ClevalFigures:
    """CLEval of all pages together (see `cleval`)."""

    detection_recall: float
    detection_precision: float
    detection_f1: float
    end_to_end_recall: float
    end_to_end_precision: float
    end_to_end_f1: float
    splits: int
    merges: int
    overlapped_characters: int


@dataclass(frozen=True, slots=True)
class ModelAnalysis:
    """What one model did.

    Attributes:
        headline: Mean end-to-end F1 over the pages.
        cleval: CLEval.
        error_classes: What went wrong; the losses add up to 1 - headline.
        error_classes_by_category: The same over each category's pages.
        groups: The words by category, length, height, direction.
        slices: Words of one kind; slices overlap.
        characters: Which characters were confused.
        confusions: How many different confusions there were; `characters` lists the first.
        calibration: How far the confidence can be trusted.
    """

    headline: float
    cleval: ClevalFigures
    error_classes: list[ErrorClass]
    error_classes_by_category: dict[str, list[ErrorClass]]
    groups: dict[str, list[Group]]
    slices: list[Group]
    characters: CharacterSummary
    confusions: int
    calibration: Calibration


@dataclass(frozen=True, slots=True)
class Comparison:
    """One model against another, by a paired bootstrap over pages (see `significance`).

    Attributes:
        after: The model that is judged.
        before: The model that it is compared with.
        figures: Differences of the means over pages; of `cer` a lower figure is the better one, in the verdict too.
        slices: Differences of what a label of each slice earned on average.
        worse_slices: The slices that `after` reads worse, beyond chance.
    """

    after: str
    before: str
    figures: dict[str, Difference | None]
    slices: dict[str, Difference | None]
    worse_slices: list[str]


@dataclass(frozen=True, slots=True)
class PageSummary:
    """One page: each model's headline figure, and how many of its words are in each class, labels and predictions."""

    name: str
    category: str
    labels: int
    f1: dict[str, float]
    label_classes: dict[str, dict[str, int]]
    prediction_classes: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Analysis:
    """The whole tree.

    Attributes:
        format: Raised when the tree changes its shape.
        boxes: Where words were read: at the `labels`, by a `detector`, or wherever `predictions` of another system are.
        seed: Of the bootstrap.
        labels: Labelled words.
        models: What each model did, by name.
        comparisons: Each model against each one before it.
        suspicious: Labels to look at, most suspicious first.
        pages: The pages, in their order.
    """

    format: int
    boxes: str
    seed: int
    labels: int
    models: dict[str, ModelAnalysis]
    comparisons: list[Comparison]
    suspicious: list[SuspiciousLabel]
    pages: list[PageSummary]


@dataclass
class Analyzer:
    """Takes in the pages of an evaluation one by one, as its observer, and analyses them at its end.

    Attributes:
        observations: What each model did so far.
        words: Where a line is written for each page, if anywhere.
    """

    observations: dict[str, Observations] = field(default_factory=dict)
    words: TextIO | None = None

    def page(self, page: Page, rows: Mapping[str, Sequence[Row]], scores: Mapping[str, PageScores]) -> None:
        """Take in a page, and by model what was read there and its scores."""
        readings = {}
        for model, found in rows.items():
            observations = self.observations.setdefault(model, Observations())
            readings[model] = observations.add(page.name, page.category, page.labels, found, scores[model])
        if self.words:
            line = {
                "page": page.name,
                "category": page.category,
                "width": page.width,
                "height": page.height,
                "labels": [_place_of(word) for word in page.words],
                "models": {model: _words_of(reading, rows[model]) for model, reading in readings.items()},
            }
            if page.with_dont_care:
                line["dont_care"] = [_place_of(word) for word in page.labels if word.dont_care]
            self.words.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")

    def analyze(
        self, models: Sequence[str], boxes: str, seed: int, characters: Mapping[str, frozenset[str]]
    ) -> Analysis:
        """Analyse what was taken in.

        Args:
            models: The models to be analysed, which have read all pages.
            boxes: Where words were read.
            seed: For the bootstrap.
            characters: What each model can write, as far as that is known.
        """
        chosen = {name: self.observations.get(name, Observations()) for name in models}
        words = {name: observations.words() for name, observations in chosen.items()}
        masks = {name: slice_masks(found) for name, found in words.items()}
        pages = [observations.pages for observations in chosen.values()]
        credits = {name: _credit_by_slice(words[name], masks[name], len(chosen[name].pages)) for name in chosen}
        return Analysis(
            format=FORMAT,
            boxes=boxes,
            seed=seed,
            labels=sum(record.scores.labels for record in pages[0]) if pages else 0,
            models={
                name: _model(found, words[name], masks[name], characters.get(name)) for name, found in chosen.items()
            },
            comparisons=[
                Comparison(
                    after,
                    before,
                    figures=_figure_differences(chosen[after].pages, chosen[before].pages, seed),
                    **_slice_differences(credits[after], credits[before], seed),
                )
                for before, after in combinations(chosen, 2)
            ],
            suspicious=suspicious_labels(chosen, words),
            pages=_pages(chosen),
        )


def _place_of(word: Word) -> list[Any]:
    return [*word.box, word.text, *([word.corners] if word.corners else [])]


def _words_of(reading: PageReading, rows: Sequence[Row]) -> dict[str, Any]:
    partners = dict(reading.pairs)
    return {
        "label_classes": reading.classes.labels,
        "matches": [partners.get(index) for index in range(len(reading.classes.labels))],
        "words": [
            [*row[:5], None if math.isnan(row[5]) else row[5], found, *row[6:]]
            for row, found in zip((rows[index] for index in reading.counted), reading.classes.predictions, strict=True)
        ],
    }


def with_identities(analysis: Analysis, models: Mapping[str, ModelIdentity]) -> dict[str, Any]:
    """Return what `analysis.json` holds: the tree, and by model what its readings depend on."""
    return {**as_json(analysis), "identities": {name: dict(identity) for name, identity in models.items()}}


def as_json(analysis: Analysis) -> dict[str, Any]:
    """Return the tree as JSON takes it; shares and scores have six digits."""
    tree: dict[str, Any] = _rounded(asdict(analysis))
    return tree


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(entry) for entry in value]
    return value


def _model(
    observations: Observations, words: Words, masks: Mapping[str, Mask], characters: frozenset[str] | None
) -> ModelAnalysis:
    pages = observations.pages
    categories = [page.category for page in pages]
    labels = [text for text, labelled in zip(words.text, words.labelled, strict=True) if labelled]
    summary = observations.characters.summary(labels, characters)
    read = words.labelled & np.isfinite(words.confidence)
    return ModelAnalysis(
        headline=float(np.mean([page.scores.end_to_end_f1 for page in pages])) if pages else 0.0,
        cleval=_cleval(pages),
        error_classes=error_classes.sum_of_classes([page.classes for page in pages]),
        error_classes_by_category={
            category: error_classes.sum_of_classes([page.classes for page in pages if page.category == category])
            for category in sorted(set(categories))
        },
        groups=groups_of(words, categories),
        slices=slices_of(words, masks, len(pages)),
        characters=replace(summary, confusions=summary.confusions[:CONFUSIONS]),
        confusions=len(summary.confusions),
        calibration=calibrate(words.confidence[read], words.credit[read] == 1),
    )


def _cleval(pages: Sequence[PageRecord]) -> ClevalFigures:
    total = pooled(page.cleval for page in pages)

    def figures(counts: CharacterCounts) -> tuple[float, float, float]:
        return counts.recall, counts.precision, counts.f1

    return ClevalFigures(
        *figures(total.detection), *figures(total.end_to_end), total.splits, total.merges, total.overlapped_characters
    )


def _figure_differences(
    after: Sequence[PageRecord], before: Sequence[PageRecord], seed: int
) -> dict[str, Difference | None]:
    found = mean_differences(_figures(after), _figures(before), seed)
    figures = dict(zip((*FIGURES, *CLEVAL_FIGURES), found, strict=True))
    return figures | {name: _turned(figures[name]) for name in LOWER_IS_BETTER}


def _slice_differences(after: SliceCredit, before: SliceCredit, seed: int) -> dict[str, Any]:
    found = ratio_differences(after.credit, before.credit, after.labels, seed)
    slices = dict(zip(after.names, found, strict=True))
    worse = [name for name, difference in slices.items() if difference and difference.verdict == WORSE]
    return {"slices": slices, "worse_slices": worse}


def _figures(pages: Sequence[PageRecord]) -> NDArray[np.float64]:
    """Return [pages, figures]; nan where a page has no such figure."""
    rows = [[*page.scores.figures().values(), page.cleval.detection.f1, page.cleval.end_to_end.f1] for page in pages]
    return np.array(rows, dtype=np.float64).reshape(len(pages), len(FIGURES) + len(CLEVAL_FIGURES))


def _turned(difference: Difference | None) -> Difference | None:
    """Return a difference whose verdict takes the lower figure for the better one."""
    turned = {BETTER: WORSE, WORSE: BETTER}
    return difference and replace(difference, verdict=turned.get(difference.verdict, difference.verdict))


@dataclass(frozen=True, slots=True)
class SliceCredit:
    """What the labels of each slice earned on each page, and how many there are: [pages, slices] both."""

    names: list[str]
    credit: NDArray[np.float64]
    labels: NDArray[np.float64]


def _credit_by_slice(words: Words, masks: Mapping[str, Mask], pages: int) -> SliceCredit:
    chosen = [mask & words.labelled for mask in masks.values()]
    sums = [np.bincount(words.page[rows], weights=words.credit[rows], minlength=pages) for rows in chosen]
    sizes = [np.bincount(words.page[rows], minlength=pages) for rows in chosen]
    return SliceCredit(list(masks), np.array(sums, dtype=np.float64).T, np.array(sizes, dtype=np.float64).T)


def _pages(models: Mapping[str, Observations]) -> list[PageSummary]:
    return [
        PageSummary(
            name=records[0].name,
            category=records[0].category,
            labels=records[0].scores.labels,
            f1={name: record.scores.end_to_end_f1 for name, record in zip(models, records, strict=True)},
            label_classes={name: _named(record.classes.labels) for name, record in zip(models, records, strict=True)},
            prediction_classes={
                name: _named(record.classes.predictions) for name, record in zip(models, records, strict=True)
            },
        )
        for records in zip(*(observations.pages for observations in models.values()), strict=True)
    ]


def _named(counts: NDArray[np.int64]) -> dict[str, int]:
    return {name: count for name, count in zip(CLASSES, counts.tolist(), strict=True) if count}

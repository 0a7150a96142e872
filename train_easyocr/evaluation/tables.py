"""What an evaluation tells, as tables: the terminal, report.md and the HTML report show the same rows.

Details are those of one model, the last: the one that was trained.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from train_easyocr.common.text import format_table
from train_easyocr.evaluation.analysis import Analysis, ModelAnalysis
from train_easyocr.evaluation.models import FINETUNED_MODEL
from train_easyocr.evaluation.report import HEADLINE, JSON_NAME
from train_easyocr.evaluation.slices import Group
from train_easyocr.metrics.character_errors import CharacterSummary
from train_easyocr.metrics.error_classes import FAULTS
from train_easyocr.metrics.metrics import FIGURES
from train_easyocr.metrics.significance import Difference

MARKDOWN_NAME = "report.md"
SHOWN = 20
"""Rows of long tables."""
SHOWN_PROBLEMS = 10
WHERE = {
    "labels": "the labelled boxes",
    "detector": "the detector's boxes",
    "predictions": "the predictions' own boxes",
}
"""Where words were read, by `Evaluation.boxes`."""
CLEVAL = ("end_to_end_f1", "end_to_end_recall", "end_to_end_precision", "detection_f1", "splits", "merges",
          "overlapped_characters")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Table:
    """A table or, without a header, a note.

    Attributes:
        title: Stands above it.
        note: Explains it.
        header: A title a column.
        rows: Texts and whole numbers.
        brief: A terminal shows it, too.
    """

    title: str
    note: str = ""
    header: Sequence[str] = ()
    rows: Sequence[Sequence[object]] = ()
    brief: bool = False

    @property
    def lines(self) -> str:
        """The rows, laid out for a terminal."""
        cells = [[one if isinstance(one, int) else " ".join(str(one).split()) for one in row] for row in self.rows]
        return format_table(self.header, cells) if cells else ""


def as_text(tables: Iterable[Table]) -> str:
    """Return what a terminal gets."""
    parts = [part for table in tables if table.brief for part in (table.title, table.note, table.lines)]
    return "\n\n".join(part for part in parts if part)


def as_markdown(tables: Iterable[Table]) -> str:
    """Return the whole report. Tables are indented: Markdown shows such lines as they are, whatever a text holds."""
    parts = ["# Evaluation"]
    for table in tables:
        indented = "\n".join(f"    {line}" for line in table.lines.split("\n")) if table.rows else ""
        note = "\n".join(f"    {line}" for line in table.note.split("\n")) if not table.rows else table.note
        parts += [f"## {table.title}" if table.title else "", note, indented]
    return "\n\n".join(part for part in parts if part) + "\n"


def score_tables(summary: Mapping[str, Any]) -> list[Table]:
    """Return the scores, out of what `report.summarize` returned."""
    models: Mapping[str, Any] = summary["models"]
    size = f"{summary['pages']} pages, {summary['words']} words, read at {WHERE[summary['boxes']]}"
    categories = [
        [category or "-", of["pages"], of["words"]]
        + [_score(model["categories"][category]["mean"][HEADLINE]) for model in models.values()]
        for category, of in summary["categories"].items()
    ]
    return [
        Table("Mean over pages", size, ["", *models], _figures(models, "mean"), True),
        Table("Words of all pages pooled", "", ["", *models], _figures(models, "pooled"), True),
        Table(f"Mean {HEADLINE} per category", "", ["category", "pages", "words", *models], categories, True),
        *(Table("", "\n".join(lines), brief=True) for lines in (_improvements(summary), _problems(summary)) if lines),
    ]


def _figures(models: Mapping[str, Any], kind: str) -> list[list[object]]:
    return [
        [
            f"{name} (headline)" if (name, kind) == (HEADLINE, "mean") else name,
            *(_score(model[kind][name]) for model in models.values()),
        ]
        for name in FIGURES
    ]


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _improvements(summary: Mapping[str, Any]) -> list[str]:
    lines = []
    for name, percent in summary["improvement_percent"].items():
        before, after = (summary["models"][model]["mean"][HEADLINE] for model in (name, FINETUNED_MODEL))
        change = "no percentage of 0" if percent["mean"] is None else f"{percent['mean']:+.1f} %"
        lines.append(f"Mean {HEADLINE}: {name} {before:.4f} -> {FINETUNED_MODEL} {after:.4f} ({change})")
    return lines


def _problems(summary: Mapping[str, Any]) -> list[str]:
    warnings, skipped = summary["warnings"], summary["skipped"]
    counts = Counter(warning["reason"] for warning in warnings)
    first = {warning["reason"]: warning["page"] for warning in reversed(warnings)}
    lines = [f"Warning: {reason}: {count} pages, {first[reason]} first" for reason, count in sorted(counts.items())]
    if skipped:
        lines.append(f"Skipped: {len(skipped)} (all are listed in {JSON_NAME})")
    shown = ([problem["page"], problem["reason"], problem["detail"]] for problem in skipped[:SHOWN_PROBLEMS])
    return [*lines, *(f"  {': '.join(filter(None, parts))}" for parts in shown)]


def analysis_tables(analysis: Analysis) -> list[Table]:
    """Return what the scores don't tell: what went wrong, and whether differences are more than chance."""
    tables = [Table("CLEval", "It does not punish split and merged boxes as IoU does.", *_cleval(analysis), True)]
    if analysis.comparisons:
        rows = [
            [f"{one.after} - {one.before}", interval(found), found.verdict if found else "-"]
            for one in analysis.comparisons
            for found in [one.figures[HEADLINE]]
        ]
        worse = [
            f"WORSE: {one.after} reads {name} worse than {one.before}: {interval(one.slices[name])} per label"
            for one in analysis.comparisons
            for name in one.worse_slices
        ]
        note = f"95 % intervals of a paired bootstrap over pages, seed {analysis.seed}; with 0 in it, it may be chance."
        tables.append(Table("Is it more than chance?", note, ["models", f"mean {HEADLINE}", "verdict"], rows, True))
        tables += [Table("", "\n".join(worse), brief=True)] if worse else []
    for name, model in list(analysis.models.items())[-1:]:
        tables += _details(name, model)
    if analysis.suspicious:
        found = [
            [f"{entry.score:.3f}", entry.label, entry.read, ", ".join(entry.models), entry.page,
             "-".join(map(str, entry.box))]
            for entry in analysis.suspicious[:SHOWN]
        ]  # fmt: skip
        note = "Sure models contradict these labels in ways they do not err elsewhere; look at them before training "
        note += f"on them. analysis.json lists all {len(analysis.suspicious):,}."
        tables.append(Table("Suspicious labels", note, ["score", "label", "read", "by", "page", "box"], found))
    return tables


def _cleval(analysis: Analysis) -> tuple[list[str], list[list[object]]]:
    models = analysis.models.values()
    rows: list[list[object]] = [[f"mean {HEADLINE} (headline)", *(f"{model.headline:.4f}" for model in models)]]
    for name in CLEVAL:
        values = [getattr(model.cleval, name) for model in models]
        rows.append([name, *(value if isinstance(value, int) else f"{value:.4f}" for value in values)])
    return ["", *analysis.models], rows


def interval(found: Difference | None) -> str:
    """Return a difference and its interval; `-` where there is none."""
    return "-" if found is None else f"{found.value:+.4f} ({found.low:+.4f} to {found.high:+.4f})"


def _details(name: str, model: ModelAnalysis) -> list[Table]:
    classes = [
        [found.name, found.labels, found.predictions, f"{found.lost_f1:.4f}", f"{found.share:.1%}",
         f"{found.repaired_f1:.4f}"]
        for found in model.error_classes
    ]  # fmt: skip
    note = "Losses add up to what the headline lacks; repaired is the headline if that class alone were put right."
    header = ["class", "labels", "predictions", "lost F1", "share", "F1 if repaired"]
    return [
        Table(f"What {name} lost, by error class", note, header, classes, True),
        *(group_table(f"{name} by {kind}", groups) for kind, groups in model.groups.items() if groups),
        group_table(f"{name}: words of one kind (a word can be of several)", model.slices),
        *_characters(name, model.characters, model.confusions),
        _confidence(name, model),
    ]


def group_table(title: str, groups: Iterable[Group]) -> Table:
    """Return how the words of each group were read."""
    rows = [
        [group.name or "-", group.labels, _share(group.credit), _share(group.exact), f"{group.lost_f1:.4f}",
         *(group.classes[name] for name in FAULTS)]
        for group in groups
    ]  # fmt: skip
    return Table(title, "", ["words", "labels", "credit", "exact", "lost F1", *FAULTS], rows)


def _characters(name: str, summary: CharacterSummary, confusions: int) -> list[Table]:
    spaces = summary.spaces
    note = (
        f"{summary.edits:,} edits in {summary.characters:,} characters of matched words; {confusions:,} different "
        f"confusions. Spaces (띄어쓰기): {spaces.labelled:,} in the labels, {spaces.missed:,} not read, "
        f"{spaces.added:,} added; {spaces.words:,} words differ in nothing else."
    )
    rows = [
        [found.label or "(nothing)", found.read or "(nothing)", found.count,
         " -> ".join((found.examples[0].label, found.examples[0].read or "(nothing)")) if found.examples else ""]
        for found in summary.confusions[:SHOWN]
        if not (found.label + found.read).isspace()
    ]  # fmt: skip
    tables = [Table(f"{name}: characters", note, ["label", "read", "count", "example"], rows)]
    if summary.jamo_syllables:
        shares = ", ".join(f"{part} {count / summary.jamo_syllables:.0%}" for part, count in summary.jamo_parts.items())
        note = f"{summary.jamo_syllables:,} syllables were taken for another; they differ in: {shares}."
        jamo = [[one.part, one.label or "none", one.read or "none", one.count] for one in summary.jamo[:SHOWN]]
        tables.append(Table("Letters of syllables (자모)", note, ["part", "label", "read", "count"], jamo))
    if summary.unwritable:
        named = " ".join(f"{found.character} ({found.count:,})" for found in summary.unwritable[: 2 * SHOWN])
        note = (
            f"The model cannot write {len(summary.unwritable):,} of the labels' characters, which stand in "
            f"{summary.unwritable_words:,} words: {named}"
        )
        tables.append(Table("", note))
    return tables


def _confidence(name: str, model: ModelAnalysis) -> Table:
    found, title = model.calibration, f"{name}: confidence"
    if found.error is None:
        return Table(title, "No word was matched.")
    note = (
        f"{found.words:,} matched words: mean confidence {found.confidence:.3f}, right {found.right:.3f}; expected "
        f"calibration error {found.error:.4f}."
    )
    if found.temperature is not None:
        note += f" Dividing the logit of the confidence by {found.temperature:.2f} leaves {found.mended_error:.4f}."
    rows = [
        [f"{one.low:.1f} to {one.high:.1f}", one.words, f"{one.confidence:.3f}", f"{one.right:.3f}"]
        for one in found.bins
        if one.words
    ]
    return Table(title, note, ["confidence", "words", "mean", "right"], rows)

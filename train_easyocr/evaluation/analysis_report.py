"""An analysis as text: `report.md` for a pull request, and the few lines of it that a terminal gets.

Both are drawn from the tree of `analysis` alone. Details are those of one model, the last: the one that was trained.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from train_easyocr.common.text import format_table
from train_easyocr.evaluation.analysis import Analysis, Comparison, ModelAnalysis
from train_easyocr.evaluation.report import WHERE
from train_easyocr.evaluation.slices import Group
from train_easyocr.evaluation.suspicious import SuspiciousLabel
from train_easyocr.metrics.calibration import Calibration
from train_easyocr.metrics.character_errors import CharacterSummary, Confusion
from train_easyocr.metrics.error_classes import ErrorClass
from train_easyocr.metrics.significance import Difference

MARKDOWN_NAME = "report.md"
SHOWN = 20
"""Rows of long tables."""
Table = tuple[Sequence[str], Sequence[Sequence[object]]]


def as_markdown(analysis: Analysis) -> str:
    """Return the whole report."""
    parts = [
        "# Evaluation",
        f"{len(analysis.pages)} pages, {analysis.labels:,} labelled words, read at {WHERE[analysis.boxes]}.",
        "## Scores",
        markdown_table(_scores(analysis)),
    ]
    if analysis.comparisons:
        parts += ["## Is it more than chance?", markdown_table(_differences(analysis.comparisons)), _chance(analysis)]
    for name, model in list(analysis.models.items())[-1:]:
        parts += [f"# {name} in detail", *_details(model, analysis)]
    return "\n\n".join(part for part in parts if part) + "\n"


def as_text(analysis: Analysis) -> str:
    """Return what a terminal gets: CLEval, what went wrong, and whether differences are more than chance."""
    parts = []
    for name, model in list(analysis.models.items())[-1:]:
        parts += [f"What {name} lost, by error class", format_table(*_classes(model.error_classes))]
    if analysis.models:
        parts += ["CLEval (does not punish split and merged boxes as IoU does)", format_table(*_cleval(analysis))]
    if analysis.comparisons:
        parts += [
            "Difference of the headline, with its 95 % interval",
            format_table(*_differences(analysis.comparisons)),
        ]
    worse = _worse_slices(analysis.comparisons)
    return "\n\n".join([*parts, worse] if worse else parts)


def _details(model: ModelAnalysis, analysis: Analysis) -> list[str]:
    return [
        "## What went wrong",
        "Each label and each prediction is in one class. The losses add up to what the headline lacks; `F1 if "
        "repaired` is the headline if that class alone were put right.",
        markdown_table(_classes(model.error_classes)),
        "## Where",
        *(f"By {kind}:\n\n{markdown_table(_groups(groups))}" for kind, groups in model.groups.items() if groups),
        "Words of one kind (a word can be of several):",
        markdown_table(_groups(model.slices)),
        "## Characters",
        *_characters(model.characters, model.confusions),
        "## Confidence",
        _confidence(model.calibration),
        *_suspicious(analysis.suspicious),
    ]


def _scores(analysis: Analysis) -> Table:
    header, rows = _cleval(analysis)
    headline = ["mean end-to-end F1 (headline)", *(f"{model.headline:.4f}" for model in analysis.models.values())]
    return header, [headline, *(["CLEval " + str(row[0]), *row[1:]] for row in rows)]


def _cleval(analysis: Analysis) -> Table:
    models = analysis.models.values()

    def row(title: str, figure: Callable[[ModelAnalysis], object]) -> list[object]:
        return [title, *(figure(model) for model in models)]

    return ["", *analysis.models], [
        row("end-to-end F1", lambda model: f"{model.cleval.end_to_end_f1:.4f}"),
        row("end-to-end recall", lambda model: f"{model.cleval.end_to_end_recall:.4f}"),
        row("end-to-end precision", lambda model: f"{model.cleval.end_to_end_precision:.4f}"),
        row("detection F1", lambda model: f"{model.cleval.detection_f1:.4f}"),
        row("splits", lambda model: f"{model.cleval.splits:,}"),
        row("merges", lambda model: f"{model.cleval.merges:,}"),
        row("overlapped characters", lambda model: f"{model.cleval.overlapped_characters:,}"),
    ]


def _differences(comparisons: Iterable[Comparison]) -> Table:
    rows = []
    for comparison in comparisons:
        found = comparison.figures["end_to_end_f1"]
        verdict = found.verdict if found else "-"
        rows.append([f"{comparison.after} - {comparison.before}", interval(found), verdict])
    return ["models", "mean end-to-end F1", "verdict"], rows


def interval(found: Difference | None) -> str:
    """Return a difference and its interval; `-` where there is none."""
    return "-" if found is None else f"{found.value:+.4f} ({found.low:+.4f} to {found.high:+.4f})"


def _chance(analysis: Analysis) -> str:
    note = (
        "95 % intervals of a paired bootstrap over pages; where one holds 0, the difference may be chance. "
        f"Seed {analysis.seed}."
    )
    worse = _worse_slices(analysis.comparisons)
    return f"{note}\n\n{worse}" if worse else note


def _worse_slices(comparisons: Iterable[Comparison]) -> str:
    lines = [
        f"- WORSE: {comparison.after} reads {name} worse than {comparison.before}: "
        f"{interval(comparison.slices[name])} per label"
        for comparison in comparisons
        for name in comparison.worse_slices
    ]
    return "\n".join(lines)


def _classes(classes: Iterable[ErrorClass]) -> Table:
    rows = [
        [found.name, found.labels, found.predictions, f"{found.lost_f1:.4f}", f"{found.share:.1%}",
         f"{found.repaired_f1:.4f}"]
        for found in classes
    ]  # fmt: skip
    return ["class", "labels", "predictions", "lost F1", "share", "F1 if repaired"], rows


def _groups(groups: Iterable[Group]) -> Table:
    faults = ("misread", "missed", "split", "merged", "overlapping", "false")
    rows = [
        [group.name or "-", group.labels, _share(group.credit), _share(group.exact), f"{group.lost_f1:.4f}",
         *(group.classes[name] for name in faults)]
        for group in groups
    ]  # fmt: skip
    return ["words", "labels", "credit", "exact", "lost F1", *faults], rows


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _characters(summary: CharacterSummary, confusions: int) -> list[str]:
    spaces = summary.spaces
    parts = [
        f"{summary.edits:,} edits in {summary.characters:,} characters of matched words; {confusions:,} different "
        "confusions.",
        markdown_table((["label", "read", "count", "example"], _confusion_rows(summary.confusions))),
        f"Spaces (띄어쓰기): {spaces.labelled:,} in the labels, {spaces.missed:,} not read, {spaces.added:,} added; "
        f"{spaces.words:,} words differ in nothing else.",
    ]
    if summary.jamo_syllables:
        shares = ", ".join(f"{part} {count / summary.jamo_syllables:.0%}" for part, count in summary.jamo_parts.items())
        jamo = [
            [found.part, found.label or "none", found.read or "none", found.count] for found in summary.jamo[:SHOWN]
        ]
        parts += [
            f"{summary.jamo_syllables:,} syllables were taken for another; they differ in: {shares}.",
            markdown_table((["part", "label", "read", "count"], jamo)),
        ]
    if summary.unwritable:
        named = " ".join(f"{_escaped(found.character)} ({found.count:,})" for found in summary.unwritable[: 2 * SHOWN])
        parts.append(
            f"The model cannot write {len(summary.unwritable):,} of the labels' characters, which stand in "
            f"{summary.unwritable_words:,} words: {named}"
        )
    return parts


def _confusion_rows(confusions: Sequence[Confusion]) -> list[list[object]]:
    return [
        [
            found.label or "(nothing)",
            found.read or "(nothing)",
            found.count,
            " -> ".join((found.examples[0].label, found.examples[0].read or "(nothing)")) if found.examples else "",
        ]
        for found in confusions[:SHOWN]
        if not (found.label + found.read).isspace()
    ]


def _confidence(calibration: Calibration) -> str:
    if calibration.error is None:
        return "No word was matched."
    line = (
        f"{calibration.words:,} matched words: mean confidence {calibration.confidence:.3f}, right "
        f"{calibration.right:.3f}; expected calibration error {calibration.error:.4f}."
    )
    if calibration.temperature is not None:
        line += (
            f" Dividing the logit of the confidence by {calibration.temperature:.2f} leaves an error of "
            f"{calibration.mended_error:.4f}."
        )
    rows = [
        [f"{found.low:.1f} to {found.high:.1f}", found.words, f"{found.confidence:.3f}", f"{found.right:.3f}"]
        for found in calibration.bins
        if found.words
    ]
    return f"{line}\n\n{markdown_table((['confidence', 'words', 'mean', 'right'], rows))}"


def _suspicious(labels: Sequence[SuspiciousLabel]) -> list[str]:
    if not labels:
        return []
    rows = [
        [f"{entry.score:.3f}", entry.label, entry.read, ", ".join(entry.models), entry.page,
         "-".join(map(str, entry.box))]
        for entry in labels[:SHOWN]
    ]  # fmt: skip
    note = (
        "Sure models contradict these labels in ways they do not err elsewhere; look at them before training on them."
    )
    return [
        "## Suspicious labels",
        note,
        markdown_table((["score", "label", "read", "by", "page", "box"], rows)),
        f"{len(labels):,} are listed in analysis.json." if len(labels) > SHOWN else "",
    ]


def markdown_table(table: Table) -> str:
    """Return a table in Markdown; nothing for one without rows."""
    header, rows = table
    if not rows:
        return ""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(value: object) -> str:
    text = f"{value:,}" if isinstance(value, int) else str(value)
    return " ".join(_escaped(text).split())


def _escaped(text: str) -> str:
    """Return a text that Markdown shows as it is: 7~9 and 7~8 in one cell would be struck out in part."""
    return re.sub(r"[\\|`*~<]", r"\\\g<0>", text)

"""Whose gain is it: each detector with each recognizer, so that a gain is credited to what earned it.

    python3 evaluate.py --whose-gain [--eval_set DIR] [--detection_settings FILE ...]

The way leads from the first recognizer at the first detector (EasyOCR's, or the starter's) to the last one at the last
detector, which are the fine-tuned ones. What the recognizer earned is the mean of its gain at the first and at the last
detector, what the detector earned the mean of its gain with the first and the last recognizer (Shapley's values of
the two): these add up to the whole. The detector's part is that of its weights and that of their settings.

Written: `whose_gain.json` and `whose_gain.md`. What a recognizer read at a detector's boxes is kept as by any other
evaluation: nothing is read twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from train_easyocr.common.files import write_json, write_text
from train_easyocr.common.text import format_table
from train_easyocr.evaluation.analysis_report import Table, interval, markdown_table
from train_easyocr.evaluation.report import HEADLINE, figures_of, versions
from train_easyocr.evaluation.runner import LABELS, DetectorSource, Evaluation, Identity, Model
from train_easyocr.metrics.metrics import FIGURES
from train_easyocr.metrics.significance import LEVEL, Difference, mean_differences

JSON_NAME, MARKDOWN_NAME = "whose_gain.json", "whose_gain.md"
FORMAT = 1
DETECTION = "detection_f1"
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Part:
    """What one change earned of the headline.

    Attributes:
        what: `detector weights`, `detector settings`, `recognizer`; `together`; `left to the detector`, for what the
            labelled boxes would add.
        before: The detector or the recognizer before.
        after: And after.
        difference: Of the mean end-to-end F1; None without pages.
    """

    what: str
    before: str
    after: str
    difference: Difference | None


@dataclass(frozen=True, slots=True)
class Change:
    """A single change, all else as it is.

    Attributes:
        kept: The detector or the recognizer that stays.
        before: What is changed.
        after: To this.
        difference: Of the mean end-to-end F1; None without pages.
    """

    kept: str
    before: str
    after: str
    difference: Difference | None


@dataclass(frozen=True)
class WhoseGain:
    """The whole outcome.

    Attributes:
        format: Raised when the tree changes its shape.
        pages: Number of pages.
        words: Labelled words.
        seed: Of the bootstrap.
        detectors: What each detector's boxes depend on, by name.
        recognizers: The names.
        cells: By detector, by recognizer: what its readings depend on, and all figures (`report.figures_of`).
        parts: Whose gain it is; all but the last two add up to `together`.
        by_recognizer: Each recognizer against the first one, at each detector.
        by_detector: Each detector against the first one, with each recognizer.
    """

    format: int
    pages: int
    words: int
    seed: int
    detectors: dict[str, Identity]
    recognizers: list[str]
    cells: dict[str, dict[str, Any]]
    parts: list[Part]
    by_recognizer: list[Change]
    by_detector: list[Change]


def cells_of(recognizers: Sequence[Model], detectors: Sequence[DetectorSource]) -> list[Model]:
    """Return a model for each recognizer at each detector, and at the labelled boxes."""
    return [
        replace(model, name=cell_name(source.name, model.name), detector=source, recognizer=model.name)
        for source in (*detectors, LABELS)
        for model in recognizers
    ]


def cell_name(detector: str, recognizer: str) -> str:
    """Return the name of a recognizer at a detector."""
    return f"{recognizer} at {detector}"


def whose_gain(
    evaluation: Evaluation, recognizers: Sequence[str], detectors: Sequence[DetectorSource], seed: int
) -> WhoseGain:
    """Credit the gains.

    Args:
        evaluation: Of the models that `cells_of` returns; a detector or a recognizer of which a cell failed is left
            out.
        recognizers: Their names, the one that is judged last.
        detectors: The detectors, likewise.
        seed: For the bootstrap.

    Raises:
        ValueError: There is no detector or no recognizer all of whose cells were read.
    """
    sources = [
        source
        for source in (*detectors, LABELS)
        if any(cell_name(source.name, recognizer) in evaluation.models for recognizer in recognizers)
    ]
    recognizers = [
        name for name in recognizers if all(cell_name(source.name, name) in evaluation.models for source in sources)
    ]
    found = [source for source in sources if source is not LABELS]
    if not found or not recognizers:
        raise ValueError("no detector could be opened with a recognizer")
    f1 = {
        (source.name, name): np.array(
            [page.scores[cell_name(source.name, name)].end_to_end_f1 for page in evaluation.pages]
        )
        for source in sources
        for name in recognizers
    }
    return WhoseGain(
        format=FORMAT,
        pages=len(evaluation.pages),
        words=sum(page.words for page in evaluation.pages),
        seed=seed,
        detectors={source.name: source.identity for source in sources},
        recognizers=list(recognizers),
        cells={source.name: {name: _cell(evaluation, source.name, name) for name in recognizers} for source in sources},
        parts=_parts(f1, recognizers, found, seed),
        by_recognizer=[
            Change(
                source.name,
                recognizers[0],
                name,
                _difference(f1[source.name, name], f1[source.name, recognizers[0]], seed),
            )
            for source in sources
            for name in recognizers[1:]
        ],
        by_detector=[
            Change(name, found[0].name, source.name, _difference(f1[source.name, name], f1[found[0].name, name], seed))
            for name in recognizers
            for source in sources[1:]
        ],
    )


def _cell(evaluation: Evaluation, detector: str, recognizer: str) -> dict[str, Any]:
    name = cell_name(detector, recognizer)
    scores = figures_of(page.scores[name] for page in evaluation.pages)
    return {"identity": dict(evaluation.models[name]), **scores}


def _parts(
    f1: Mapping[tuple[str, str], Floats], recognizers: Sequence[str], detectors: Sequence[DetectorSource], seed: int
) -> list[Part]:
    """Return what detector and recognizer earned, the whole, and what the labelled boxes would add."""
    path = _path(detectors)
    first, last = path[0].name, path[-1].name
    before, after = recognizers[0], recognizers[-1]

    def at(detector: str) -> Floats:
        mean: Floats = (f1[detector, before] + f1[detector, after]) / 2
        return mean

    def with_(recognizer: str) -> Floats:
        mean: Floats = (f1[first, recognizer] + f1[last, recognizer]) / 2
        return mean

    parts = [
        Part(_what(one, other), one.name, other.name, _difference(at(other.name), at(one.name), seed))
        for one, other in pairwise(path)
    ]
    if before != after:
        parts.append(Part("recognizer", before, after, _difference(with_(after), with_(before), seed)))
    whole = _difference(f1[last, after], f1[first, before], seed)
    parts.append(Part("together", cell_name(first, before), cell_name(last, after), whole))
    left = _difference(f1[LABELS.name, after], f1[last, after], seed)
    return [*parts, Part("left to the detector", last, LABELS.name, left)]


def _path(detectors: Sequence[DetectorSource]) -> list[DetectorSource]:
    """Return the way from the first detector to the last, by way of the last one's weights as they come."""
    first, last = detectors[0], detectors[-1]
    if first is last:
        return [first]
    same = [source for source in detectors[1:-1] if _weights(source) == _weights(last) != _weights(first)]
    return [first, *same[:1], last]


def _weights(source: DetectorSource) -> str:
    return str(source.identity.get("weights_sha256"))


def _what(before: DetectorSource, after: DetectorSource) -> str:
    return f"detector {'settings' if _weights(before) == _weights(after) else 'weights'}"


def _difference(after: Floats, before: Floats, seed: int) -> Difference | None:
    return mean_differences(after[:, None], before[:, None], seed)[0]


def write_whose_gain(found: WhoseGain, output: Path) -> None:
    """Write both files.

    Raises:
        OSError: They can't be written.
    """
    write_json(output / JSON_NAME, {**asdict(found), "headline": f"mean {HEADLINE}", "versions": versions()})
    text = [
        "# Whose gain is it",
        _size(found),
        markdown_table(_scores(found)),
        "## What earned it",
        markdown_table(_credits(found)),
        _note(found),
        "## Single changes",
        markdown_table(_changes(found)),
        "## All figures",
        markdown_table(_figures(found)),
    ]
    write_text(output / MARKDOWN_NAME, "\n\n".join(text) + "\n")


def as_text(found: WhoseGain) -> str:
    """Lay it out for a terminal."""
    parts = [
        _size(found),
        format_table(*_scores(found)),
        "What earned it",
        format_table(*_credits(found)),
        _note(found),
        "Single changes",
        format_table(*_changes(found)),
    ]
    return "\n\n".join(parts)


def _size(found: WhoseGain) -> str:
    return f"{found.pages} pages, {found.words:,} words; mean end-to-end F1 of each recognizer at each detector's boxes"


def _scores(found: WhoseGain) -> Table:
    rows = [
        [detector, f"{row[found.recognizers[0]]['mean'][DETECTION]:.4f}"]
        + [f"{cell['mean'][HEADLINE]:.4f}" for cell in row.values()]
        for detector, row in found.cells.items()
    ]
    return ["words found by", "detection F1", *found.recognizers], rows


def _credits(found: WhoseGain) -> Table:
    rows = [
        [part.what, f"{part.before} -> {part.after}", interval(part.difference),
         part.difference.verdict if part.difference else "-"]
        for part in found.parts
    ]  # fmt: skip
    return ["part", "from -> to", "mean end-to-end F1", "verdict"], rows


def _changes(found: WhoseGain) -> Table:
    changes = [("recognizer", "detector", one) for one in found.by_recognizer]
    changes += [("detector", "recognizer", one) for one in found.by_detector]
    rows = [
        [f"{what} {change.before} -> {change.after}", f"{kept} {change.kept}", interval(change.difference),
         change.difference.verdict if change.difference else "-"]
        for what, kept, change in changes
    ]  # fmt: skip
    return ["change", "all else as it is, with", "mean end-to-end F1", "verdict"], rows


def _figures(found: WhoseGain) -> Table:
    cells = {
        cell_name(detector, recognizer): cell
        for detector, row in found.cells.items()
        for recognizer, cell in row.items()
    }
    rows = [
        [name, *("-" if (value := cell["mean"][name]) is None else f"{value:.4f}" for cell in cells.values())]
        for name in FIGURES
    ]
    return ["mean over pages", *cells], rows


def _note(found: WhoseGain) -> str:
    return (
        "A detector's part is the mean of its gain with the first and the last recognizer, the recognizer's that at "
        f"the first and the last detector; the parts add up to the whole. {LEVEL:.0%} intervals of a paired bootstrap "
        f"over pages, seed {found.seed}."
    )

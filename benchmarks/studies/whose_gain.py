"""Whose gain is it: each detector with each recognizer, so that a gain is credited to what earned it.

    python3 -m benchmarks.studies.whose_gain [--eval_set DIR] [--detection_settings FILE ...] [options of evaluate.py]

The way leads from the first recognizer at the first detector (EasyOCR's, or the starter's) to the last one at the last
detector, which are the fine-tuned ones. What the recognizer earned is the mean of its gain at the first and at the last
detector, what the detector earned the mean of its gain with the first and the last recognizer (Shapley's values of
the two): these add up to the whole. The detector's part is that of its weights and that of their settings.

Prints the tables and writes `whose_gain.json` into --output. What a recognizer read at a detector's boxes is kept as by
any other evaluation: nothing is read twice.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import evaluate as step5
from train_easyocr.common.command_line import command
from train_easyocr.common.errors import UserError, WeightsError
from train_easyocr.common.files import write_json
from train_easyocr.common.text import format_table
from train_easyocr.detection.settings import read_settings
from train_easyocr.evaluation.analysis_report import interval
from train_easyocr.evaluation.command import check_pages, explained, named_models, pages_to_read
from train_easyocr.evaluation.detectors import Detectors
from train_easyocr.evaluation.models import find_models
from train_easyocr.evaluation.predictions import ModelIdentity
from train_easyocr.evaluation.report import HEADLINE, pooled_figures, versions
from train_easyocr.evaluation.runner import LABELS, DetectorSource, Evaluation, ScoredModel, evaluate
from train_easyocr.metrics.metrics import FIGURES
from train_easyocr.metrics.significance import LEVEL, Difference, mean_differences
from train_easyocr.settings.config import Config, load_config
from train_easyocr.weights import starter as starter_weights
from train_easyocr.weights.bundle import installed_bundle
from train_easyocr.weights.model_files import FINETUNED

JSON_NAME = "whose_gain.json"
DETECTION = "detection_f1"
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Change:
    """What one change earned of the mean end-to-end F1.

    Attributes:
        what: `detector weights`, `detector settings`, `recognizer`, `together`, or `left to the detector`, for what the
            labelled boxes would add; of a single change `detector` or `recognizer`.
        kept: What stays as it is; empty for a part of the whole.
        before: The detector or the recognizer before.
        after: And after.
        difference: None without pages.
    """

    what: str
    kept: str
    before: str
    after: str
    difference: Difference | None


@dataclass(frozen=True)
class WhoseGain:
    """The whole outcome.

    Attributes:
        pages: Number of pages.
        words: Labelled words.
        seed: Of the bootstrap.
        detectors: What each detector's boxes depend on, by name.
        recognizers: The names.
        cells: By detector, by recognizer: what its readings depend on, and all figures (`report.pooled_figures`).
        parts: Whose gain it is; all but the last two add up to `together`.
        changes: Each recognizer against the first one at each detector, and each detector likewise.
    """

    pages: int
    words: int
    seed: int
    detectors: dict[str, ModelIdentity]
    recognizers: list[str]
    cells: dict[str, dict[str, Any]]
    parts: list[Change]
    changes: list[Change]


def compared(detectors: Detectors, settings: Sequence[Path] = ()) -> list[DetectorSource]:
    """Return all detectors that there are, each once: the usual one first, the installed one last.

    Args:
        detectors: Finds them.
        settings: Files of settings that are compared, too, each under its name; for EasyOCR's, the starter's or the
            installed weights.

    Raises:
        WeightsError: There is neither EasyOCR's detector nor the starter's.
        WeightsError: A file of settings, or what step 4 installed, can't be used.
    """
    found = [detectors.usual()]
    if starter_weights.DETECTOR.is_file():
        found.append(detectors.as_it_comes(starter_weights.STARTER, starter_weights.DETECTOR))
    found += [replace(detectors.with_settings(read_settings(path)), name=path.stem) for path in settings]
    if isinstance(weights := installed_bundle().detector, Path):
        found.append(detectors.as_it_comes(FINETUNED, weights))
    if (installed := detectors.installed()) is not None:
        found = [source for source in found if source.identity != installed.identity] + [installed]
    different: dict[str, DetectorSource] = {}
    for source in found:
        different.setdefault(json.dumps(source.identity, sort_keys=True), source)
    names = [source.name for source in different.values()]
    if doubled := [name for name in names if names.count(name) > 1 or name == LABELS.name]:
        raise WeightsError(f"two detectors are called {doubled[0]}; rename the file of settings {doubled[0]}.yaml")
    return list(different.values())


def cells_of(recognizers: Sequence[ScoredModel], detectors: Sequence[DetectorSource]) -> list[ScoredModel]:
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
    there = evaluation.models
    sources = [one for one in (*detectors, LABELS) if any(cell_name(one.name, name) in there for name in recognizers)]
    recognizers = [name for name in recognizers if all(cell_name(source.name, name) in there for source in sources)]
    found = [source for source in sources if source is not LABELS]
    if not found or not recognizers:
        raise ValueError("no detector could be opened with a recognizer")
    f1: dict[tuple[str, str], Floats] = {
        (source.name, name): np.array(
            [page.scores[cell_name(source.name, name)].end_to_end_f1 for page in evaluation.pages]
        )
        for source in sources
        for name in recognizers
    }
    return WhoseGain(
        pages=len(evaluation.pages),
        words=sum(page.words for page in evaluation.pages),
        seed=seed,
        detectors={source.name: source.identity for source in sources},
        recognizers=list(recognizers),
        cells={source.name: {name: _cell(evaluation, source.name, name) for name in recognizers} for source in sources},
        parts=_parts(f1, recognizers, found, seed),
        changes=_changes(f1, recognizers, [source.name for source in sources], seed),
    )


def _cell(evaluation: Evaluation, detector: str, recognizer: str) -> dict[str, Any]:
    name = cell_name(detector, recognizer)
    scores = pooled_figures(page.scores[name] for page in evaluation.pages)
    return {"identity": dict(evaluation.models[name]), **scores}


def _parts(
    f1: Mapping[tuple[str, str], Floats], recognizers: Sequence[str], detectors: Sequence[DetectorSource], seed: int
) -> list[Change]:
    """Return what detector and recognizer earned, the whole, and what the labelled boxes would add."""
    path = _path(detectors)
    first, last = path[0].name, path[-1].name
    before, after = recognizers[0], recognizers[-1]

    def part(what: str, names: tuple[str, str], gain: Floats) -> Change:
        return Change(what, "", *names, _difference(gain, np.zeros_like(gain), seed))

    parts = [
        part(
            _what(one, other),
            (one.name, other.name),
            sum(f1[other.name, name] - f1[one.name, name] for name in (before, after)) / 2,
        )
        for one, other in pairwise(path)
    ]
    if before != after:
        gain = sum(f1[name, after] - f1[name, before] for name in (first, last)) / 2
        parts.append(part("recognizer", (before, after), gain))
    whole = f1[last, after] - f1[first, before]
    parts.append(part("together", (cell_name(first, before), cell_name(last, after)), whole))
    left = f1[LABELS.name, after] - f1[last, after]
    return [*parts, part("left to the detector", (last, LABELS.name), left)]


def _changes(
    f1: Mapping[tuple[str, str], Floats], recognizers: Sequence[str], detectors: Sequence[str], seed: int
) -> list[Change]:
    """Return each recognizer against the first at each detector, each detector against the first with each one."""
    found = []
    for detector in detectors:
        for name in recognizers[1:]:
            difference = _difference(f1[detector, name], f1[detector, recognizers[0]], seed)
            found.append(Change("recognizer", f"detector {detector}", recognizers[0], name, difference))
    for name in recognizers:
        for detector in detectors[1:]:
            difference = _difference(f1[detector, name], f1[detectors[0], name], seed)
            found.append(Change("detector", f"recognizer {name}", detectors[0], detector, difference))
    return found


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


def as_text(found: WhoseGain) -> str:
    """Lay it out for a terminal."""
    scores = [
        [detector, f"{row[found.recognizers[0]]['mean'][DETECTION]:.4f}"]
        + [f"{cell['mean'][HEADLINE]:.4f}" for cell in row.values()]
        for detector, row in found.cells.items()
    ]
    cells = {cell_name(one, name): cell for one, row in found.cells.items() for name, cell in row.items()}
    figures = [
        [name, *("-" if (value := cell["mean"][name]) is None else f"{value:.4f}" for cell in cells.values())]
        for name in FIGURES
    ]
    parts = [
        f"{found.pages} pages, {found.words:,} words; mean end-to-end F1 of each recognizer at each detector's boxes",
        format_table(["words found by", "detection F1", *found.recognizers], scores),
        "What earned it",
        format_table(["part", "from -> to", "mean end-to-end F1", "verdict"], [_row(one) for one in found.parts]),
        "A detector's part is the mean of its gain with the first and the last recognizer, the recognizer's that at "
        f"the first and the last detector; the parts add up to the whole. {LEVEL:.0%} intervals of a paired bootstrap "
        f"over pages, seed {found.seed}.",
        "Single changes, all else as it is",
        format_table(
            ["change", "from -> to", "mean end-to-end F1", "verdict"],
            [[f"{one.what} at {one.kept}", *_row(one)[1:]] for one in found.changes],
        ),
        "All figures, means over pages",
        format_table(["figure", *cells], figures),
    ]
    return "\n\n".join(parts)


def _row(change: Change) -> list[str]:
    verdict = change.difference.verdict if change.difference else "-"
    return [change.what, f"{change.before} -> {change.after}", interval(change.difference), verdict]


@command("whose_gain")
def main(arguments: Sequence[str] | None = None) -> int:
    """Evaluate each recognizer at each detector, and say what earned the gain; return 1 where one was left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--detection_settings", type=Path, action="append", default=[], metavar="FILE",
        help="settings as tuning writes them, as one more detector; several times for several",
    )  # fmt: skip
    own, rest = parser.parse_known_args(arguments)
    parsed = step5.parse_args(rest)
    return _run(parsed, load_config(parsed.config, parsed.overrides), own.detection_settings)


def _run(arguments: argparse.Namespace, config: Config, settings: Sequence[Path]) -> int:
    _, pages, _ = pages_to_read(arguments, config)
    recognizers, missing = find_models(arguments.baseline, arguments.finetuned, arguments.cuda, None)
    recognizers += named_models(arguments, config, None, [model.name for model in recognizers])
    with explained(arguments.output):
        detectors = compared(Detectors(arguments.cuda), settings)
        evaluation = evaluate(pages, cells_of(recognizers, detectors), None, arguments.output)
    check_pages(evaluation, pages)
    try:
        found = whose_gain(evaluation, [model.name for model in recognizers], detectors, config.seed)
    except ValueError as error:
        raise UserError(str(error)) from error
    write_json(arguments.output / JSON_NAME, asdict(found) | {"headline": f"mean {HEADLINE}", "versions": versions()})
    print(f"{as_text(found)}\n\nWritten: {arguments.output / JSON_NAME}")
    left_out = {**missing, **evaluation.failed}
    for name, reason in left_out.items():
        print(f"whose_gain: {name} was not evaluated: {reason}", file=sys.stderr)
    return 1 if left_out else 0


if __name__ == "__main__":
    sys.exit(main())

"""The search for the parameters with which a detector's boxes are words, from its inputs to settings and report."""

from __future__ import annotations

import hashlib
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from train_easyocr.common.files import write_json
from train_easyocr.detection.interface import DetectorParameters
from train_easyocr.detection.opening import OpenedDetector
from train_easyocr.detection.parameters import CraftParameters
from train_easyocr.detection.settings import (
    EASYOCR,
    FILE_NAME,
    DetectionSettings,
    plain_usage,
    save_settings,
    settings_for,
)
from train_easyocr.documents.aihub import PageFile
from train_easyocr.evaluation.models import find_models
from train_easyocr.evaluation.predictions import Identity
from train_easyocr.evaluation.runner import Model, Recognizer
from train_easyocr.tuning.map_cache import MappedPage, map_pages
from train_easyocr.tuning.objective import Objective, Readings
from train_easyocr.tuning.search import Search
from train_easyocr.tuning.tuning_report import Curves, draw_effects, effect_table, effects, figures_table

STORAGE_NAME = "trials.sqlite3"
LEADERS = 3
"""So many of the best trials are scored once more with every box read, and the best of them is taken."""
CRAFT_INPUTS = ((2560, 1.0), (1920, 1.0), (2560, 1.5))
"""`canvas_size` and `mag_ratio` to choose among, beside the detector's own."""


class TuningError(RuntimeError):
    """Nothing can be tuned; the message says why."""


@dataclass(frozen=True)
class Tuned:
    """The outcome of a search.

    Attributes:
        before: The detector's own parameters.
        best: The parameters found.
        figures: Figures by pages and parameters ("validation, before").
        curves: What each parameter does.
        trials: Trials made, over all runs.
        goal: The figure that the search maximised.
        usage: How to use what was found: lines of Python for plain EasyOCR, or the command that installs it.
    """

    before: DetectorParameters
    best: DetectorParameters
    figures: dict[str, dict[str, float | None]]
    curves: Curves
    trials: int
    goal: str
    usage: str


def tune(
    opened: OpenedDetector,
    pages: Sequence[MappedPage],
    evaluation_pages: Sequence[MappedPage],
    output: Path,
    *,
    trials: int,
    readings: tuple[str, Readings] | None = None,
    inputs: Sequence[tuple[int, float]] = (),
    plain: bool = False,
    seed: int = 0,
) -> Tuned:
    """Search, and write settings and report.

    Args:
        opened: The detector.
        pages: Pages that the parameters are chosen on, with the maps of all `inputs`.
        evaluation_pages: Pages that are only scored in the end; can be empty.
        output: The folder for settings, report and trials.
        trials: How many, those of earlier runs included.
        readings: The recognizer's identity and its readings.
        inputs: For CRAFT: pairs of `canvas_size` and `mag_ratio`, the detector's own first.
        plain: Search only what plain EasyOCR takes.
        seed: Of the search.
    """
    start = opened.detector.parameters
    objective = Objective(opened.detector, pages, readings[1] if readings else None)
    goal = "end_to_end_f1" if readings else "detection_f1"
    subject = {
        "detector": opened.weights_sha256,
        "recognizer": readings[0] if readings else "",
        "pages": hashlib.sha256(repr([(p.image_sha256, p.page.words) for p in pages]).encode()).hexdigest(),
    }
    search = Search(
        objective, start, storage=output / STORAGE_NAME, subject=subject, inputs=inputs, plain=plain, seed=seed
    )
    search.run(trials)
    # The first of equal ones is taken: what is known is not traded for what is no better.
    summaries = {one: objective.summary(one) for one in [start, *search.leaders(LEADERS)]}
    best = max(summaries, key=lambda one: summaries[one][goal] or 0.0)
    figures = {"validation, before": summaries[start], "validation, found": summaries[best]}
    if evaluation_pages:
        held_out = Objective(opened.detector, evaluation_pages, objective.readings)
        figures |= {"evaluation, before": held_out.summary(start), "evaluation, found": held_out.summary(best)}
    curves = effects(objective, best, search.space)
    settings = settings_for(opened.network, opened.weights_sha256, best)
    lines = usage(settings, opened, output)
    tuned = Tuned(start, best, figures, curves, len(search.trials), goal, lines)
    _write(tuned, opened, settings, objective, output)
    return tuned


def _write(
    tuned: Tuned, opened: OpenedDetector, settings: DetectionSettings, objective: Objective, output: Path
) -> None:
    goal = tuned.goal
    before, found = (tuned.figures[f"validation, {name}"][goal] for name in ("before", "found"))
    pages = len(objective.pages)
    comment = f"found in {tuned.trials} trials on {pages} pages: {goal} {before:.4f} before, {found:.4f} now"
    save_settings(output / FILE_NAME, settings, comment)
    draw_effects(output / "tuning.png", tuned.curves, tuned.best, f"{opened.network}: {pages} pages")
    report: dict[str, Any] = {
        "network": opened.network,
        "weights": str(opened.weights),
        "weights_sha256": opened.weights_sha256,
        "trials": tuned.trials,
        "pages": pages,
        "goal": goal,
        "before": tuned.before.model_dump(),
        "found": tuned.best.model_dump(),
        "figures": tuned.figures,
        "effects": tuned.curves,
    }
    write_json(output / "tuning.json", report)
    print(figures_table(tuned.figures))
    print("\nDetection F1 with one parameter changed:")
    print(effect_table(tuned.curves, tuned.before, tuned.best, objective))


def usage(settings: DetectionSettings, opened: OpenedDetector, output: Path) -> str:
    """Return lines of Python with which plain EasyOCR does the same, or the command that installs what it can't do."""
    detector = [] if opened.weights_sha256 == EASYOCR else ["--detector", str(opened.weights)]
    command = ["bash", "step4_set_finetuned_model.sh", *detector, "--detection_settings", str(output / FILE_NAME)]
    return plain_usage(settings) or shlex.join(command)


def inputs_for(start: DetectorParameters) -> list[tuple[int, float]]:
    """Return pairs of `canvas_size` and `mag_ratio` to search among, CRAFT's own first; none for other detectors."""
    if not isinstance(start, CraftParameters):
        return []
    return list(dict.fromkeys([(start.canvas_size, start.mag_ratio), *CRAFT_INPUTS]))


def mapped_pages(
    files: Sequence[PageFile],
    opened: OpenedDetector,
    inputs: Sequence[tuple[int, float]],
    output: Path,
    title: str,
) -> list[MappedPage]:
    """Return pages with the maps that a search needs, kept in `output`; pages that can't be used are named.

    Raises:
        TuningError: None can be used.
    """
    start = opened.detector.parameters
    pages, problems = map_pages(
        files,
        opened.detector,
        opened.weights_sha256,
        variants=[start, *(start.model_copy(update={"canvas_size": c, "mag_ratio": m}) for c, m in inputs)],
        cache=output / "score_maps",
        title=title,
    )
    for problem in problems:
        print(f"skipped {problem.name}: {problem}", file=sys.stderr)
    if not any(mapped.page.words for mapped in pages):
        raise TuningError(f"{title}: none of {len(files):,} pages can be used: no labelled word is left")
    return pages


def find_readings(recognizer: str, output: Path, cuda: bool) -> tuple[str, Readings]:
    """Return what stands for a recognizer, and its readings, kept in `output`.

    Args:
        recognizer: `finetuned`, the installed model, or `baseline`, EasyOCR's own.
        output: The folder for the readings.
        cuda: Use the GPU.

    Raises:
        TuningError: Its files are not there.
        ReaderError: They can't be used.
    """
    models, missing = find_models(recognizer == "baseline", recognizer == "finetuned", cuda)
    for name, reason in missing.items():
        raise TuningError(f"--recognizer {recognizer}: {name}: {reason}")
    model: Model = models[-1]  # of EasyOCR's own, the one that reads Latin letters
    return readings_of(model.identity, model.open(), output)


def readings_of(identity: Identity, recognizer: Recognizer, output: Path) -> tuple[str, Readings]:
    """Return what stands for a recognizer, and its readings, kept in `output`."""
    digest = hashlib.sha256(repr(sorted(identity.items())).encode()).hexdigest()[:16]
    return digest, Readings(recognizer, output / f"readings-{digest}.jsonl")

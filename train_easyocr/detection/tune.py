"""Find the parameters with which a detector's boxes are words as the labels have them.

    python3 -m train_easyocr.detection.tune --pages DIR [--trials N] [--evaluation-pages DIR]
        [--detector craft|PATH] [--recognizer none|finetuned|baseline] [--output DIR]

The network runs once a page; its score maps are kept, and the search looks at them alone. Without a recognizer it
maximises detection F1, with one end-to-end F1. Stopped at any moment and started again, it goes on where it was.
Writes `detection_settings.yaml`, which step 4 installs, `tuning.json` and `tuning.png` into --output. Step 3 does the
same with the data set's validation pages (`tuning_step`).
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from train_easyocr.detection.interface import DetectorParameters
from train_easyocr.detection.map_cache import MappedPage, map_pages
from train_easyocr.detection.objective import Objective, Readings
from train_easyocr.detection.opening import OpenedDetector, open_word_detector
from train_easyocr.detection.parameters import CraftParameters
from train_easyocr.detection.search import Search
from train_easyocr.detection.settings import EASYOCR, FILE_NAME, save_settings, settings_for
from train_easyocr.detection.tuning_report import Curves, draw_effects, effect_table, effects, figures_table
from train_easyocr.documents.aihub import PageFile
from train_easyocr.documents.label_formats import LabelFormatError, find_labelled_pages
from train_easyocr.documents.splits import evenly_spread
from train_easyocr.easyocr_weights import DamagedWeights, MissingWeights
from train_easyocr.evaluation.models import find_models
from train_easyocr.evaluation.predictions import Identity
from train_easyocr.evaluation.runner import Model, Recognizer
from train_easyocr.files import write_json
from train_easyocr.reader import ReaderError
from train_easyocr.recognition.checkpoints import CheckpointError

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
    tuned = Tuned(start, best, figures, curves, len(search.trials), goal, usage(best, opened, output))
    _write(tuned, opened, objective, output)
    return tuned


def _write(tuned: Tuned, opened: OpenedDetector, objective: Objective, output: Path) -> None:
    goal = tuned.goal
    before, found = (tuned.figures[f"validation, {name}"][goal] for name in ("before", "found"))
    pages = len(objective.pages)
    comment = f"found in {tuned.trials} trials on {pages} pages: {goal} {before:.4f} before, {found:.4f} now"
    settings = settings_for(opened.network, opened.weights_sha256, tuned.best)
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


def usage(parameters: DetectorParameters, opened: OpenedDetector, output: Path) -> str:
    """Return lines of Python with which plain EasyOCR does the same, or the command that installs what it can't do."""
    own = opened.weights_sha256 == EASYOCR
    arguments = parameters.easyocr_arguments() if own and isinstance(parameters, CraftParameters) else None
    if arguments is None:
        detector = "" if opened.weights_sha256 == EASYOCR else f" --detector {opened.weights}"
        return f"bash step4_set_finetuned_model.sh{detector} --detection_settings {output / FILE_NAME}"
    shown = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
    return (
        "import easyocr\n"
        "reader = easyocr.Reader(['ko', 'en'], recog_network='finetuned')\n"
        f"print(reader.readtext('page.jpg', {shown}))"
    )


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python3 -m train_easyocr.detection.tune",
        description="Finds the parameters with which a detector's boxes are words as the labels have them.",
    )
    parser.add_argument(
        "--pages", type=Path, required=True, metavar="DIR", help="labelled pages to choose on, as step 5 takes them"
    )
    parser.add_argument("--evaluation-pages", type=Path, metavar="DIR", help="likewise, to score on")
    parser.add_argument("--trials", type=int, default=300, help="default: %(default)s")
    parser.add_argument("--detector", default="craft", help="craft (EasyOCR's own; default), starter, or a file")
    parser.add_argument(
        "--recognizer", choices=("none", "finetuned", "baseline"), default="none",
        help="maximise end-to-end F1 with the installed model or with EasyOCR's own; default: detection F1",
    )  # fmt: skip
    parser.add_argument("--plain", action="store_true", help="only what plain Reader.readtext takes (craft)")
    parser.add_argument("--one-size", action="store_true", help="leave canvas_size and mag_ratio as they are (craft)")
    parser.add_argument("--limit", type=int, metavar="N", help="only N pages of each folder, evenly spread")
    parser.add_argument("--cuda", action="store_true", help="use the GPU")
    parser.add_argument("--seed", type=int, default=0, help="of the search; default: %(default)s")
    parser.add_argument(
        "--output", type=Path, default=Path("saved_models/detector_tuning"), metavar="DIR",
        help="default: %(default)s",
    )  # fmt: skip
    parsed = parser.parse_args(arguments)
    if parsed.trials < 1 or (parsed.limit is not None and parsed.limit < 1):
        parser.error("--trials and --limit are at least 1")
    return parsed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parsed = parse_args(arguments)
    try:
        tuned = _run(parsed)
    except (TuningError, LabelFormatError, MissingWeights, DamagedWeights, CheckpointError, ReaderError) as error:
        print(f"tune: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ntune: stopped; the same command goes on from here", file=sys.stderr)
        return 130
    print(f"\nWritten: {parsed.output / FILE_NAME}, tuning.json, tuning.png\n\n{tuned.usage}")
    return 0


def _run(parsed: argparse.Namespace) -> Tuned:
    if parsed.cuda and not torch.cuda.is_available():
        raise TuningError(f"--cuda: torch {torch.__version__} finds no CUDA device here; leave --cuda out")
    opened = open_word_detector(parsed.detector, parsed.cuda)
    inputs = [] if parsed.one_size else inputs_for(opened.detector.parameters)
    pages = _mapped(parsed.pages, opened, inputs, parsed, "Validation pages")
    held_out = []
    if parsed.evaluation_pages:
        held_out = _mapped(parsed.evaluation_pages, opened, inputs, parsed, "Evaluation pages")
    return tune(
        opened,
        pages,
        held_out,
        parsed.output,
        trials=parsed.trials,
        readings=None if parsed.recognizer == "none" else find_readings(parsed.recognizer, parsed.output, parsed.cuda),
        inputs=inputs,
        plain=parsed.plain,
        seed=parsed.seed,
    )


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
        print(f"skipped {problem.name}: {problem.reason}", file=sys.stderr)
    if not pages:
        raise TuningError(f"{title}: none of {len(files):,} pages can be used")
    return pages


def _mapped(
    folder: Path,
    opened: OpenedDetector,
    inputs: Sequence[tuple[int, float]],
    parsed: argparse.Namespace,
    title: str,
) -> list[MappedPage]:
    found = find_labelled_pages(folder)
    for problem in found.problems:
        print(f"skipped {problem.name}: {problem.reason}", file=sys.stderr)
    return mapped_pages(evenly_spread(found.pages, parsed.limit), opened, inputs, parsed.output, title)


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


if __name__ == "__main__":
    sys.exit(main())

"""What each detector finds, and what it is worth: with its default and with tuned settings, on labelled pages.

    python3 -m benchmarks.studies.detection_quality --pages rendered=DIR real=DIR --tuned FILE [--recognizer baseline]

A folder holds images/ and labels/; FILE (or several) is a `detection_settings.yaml` that a search wrote on other pages.
Detectors: EasyOCR's CRAFT where its weights are, and --detector (default: the starter's db_light). All words are read
by one recognizer, `baseline` (EasyOCR's own, or the starter's where that can't be had) or `finetuned`, so that rows
differ by their boxes alone. Score maps are kept in --output. The time a page is from its pixels to its
boxes, in CPU seconds of all cores together.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from train_easyocr.common.command_line import add_cuda
from train_easyocr.common.errors import MissingWeightsError
from train_easyocr.common.text import format_table
from train_easyocr.detection.interface import DetectorParameters
from train_easyocr.detection.opening import OpenedDetector, open_detector_of
from train_easyocr.detection.parameters import WORDS, CraftParameters
from train_easyocr.detection.settings import DetectionSettings, read_settings
from train_easyocr.documents.aihub import find_pages
from train_easyocr.documents.sources import PageFile, PageSource
from train_easyocr.documents.splits import evenly_spread
from train_easyocr.engine.device import reads_on_gpu
from train_easyocr.evaluation.runner import Recognizer
from train_easyocr.reading.sources import load_page
from train_easyocr.tuning.objective import Objective, map_pages
from train_easyocr.tuning.tune import open_recognizer
from train_easyocr.weights.bundle import CRAFT, open_bundle

FIGURES = ("detection_precision", "detection_recall", "detection_f1", "end_to_end_f1")
HEADER = ("pages", "detector", "settings", *FIGURES, "CPU s a page")
NOT_MEASURED = "not measured"
TIMED = 4
"""Pages whose detection is timed."""

Row = list[object]


def settings_of(opened: OpenedDetector, tuned: Sequence[DetectionSettings]) -> dict[str, DetectorParameters]:
    """Return the parameters to be measured, by what the table calls them."""
    own = opened.detector.parameters
    found: dict[str, DetectorParameters] = {"default": own}
    if isinstance(own, CraftParameters):
        found["a box a word, untuned"] = WORDS.model_copy(update={"canvas_size": own.canvas_size})
    for settings in tuned:
        if settings.weights_sha256 == opened.weights_sha256:
            found["tuned"] = settings.detector_parameters
    return found


def rows_of(
    name: str,
    files: Sequence[PageFile],
    opened: OpenedDetector,
    settings: dict[str, DetectorParameters],
    *,
    recognizer: Recognizer,
    cache: Path,
) -> list[Row]:
    """Measure a detector on some pages: a row for each of its settings."""
    title = f"{name}, {opened.network}"
    variants = list(settings.values())
    sources = [PageSource.of(file) for file in files]
    pages, problems = map_pages(
        sources, opened.detector, opened.weights_sha256, variants=variants, cache=cache, title=title
    )
    assert not problems, problems
    objective = Objective(opened.detector, pages, recognizer)
    images = [load_page(file.image)[0] for file in evenly_spread(files, TIMED)]
    rows: list[Row] = []
    for which, parameters in settings.items():
        figures = objective.summary(parameters)
        shown = [f"{figures[figure]:.4f}" for figure in FIGURES]
        rows.append([name, opened.network, which, *shown, f"{_seconds(opened, parameters, images):.2f}"])
    return rows


def _seconds(opened: OpenedDetector, parameters: DetectorParameters, images: Sequence[NDArray[np.uint8]]) -> float:
    """Return the CPU seconds from a page's pixels to its boxes."""
    detector = opened.detector.with_parameters(parameters)
    start = time.process_time()
    for image in images:
        detector.boxes(detector.score_maps(image))
    return (time.process_time() - start) / len(images)


def folder(text: str) -> tuple[str, Path]:
    """Read NAME=DIR, an argument of the command line."""
    name, _, path = text.partition("=")
    if not Path(path, "images").is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is no NAME=DIR whose folder holds images/ and labels/")
    return name, Path(path)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=folder, nargs="+", required=True, metavar="NAME=DIR")
    parser.add_argument("--tuned", type=Path, nargs="*", default=[], metavar="FILE", help="detection_settings.yaml")
    parser.add_argument("--detector", default="starter", help="beside CRAFT; default: %(default)s")
    parser.add_argument("--recognizer", default="baseline", help="as tuning takes it; default: %(default)s")
    parser.add_argument("--output", type=Path, default=Path("saved_models/detection_quality"), metavar="DIR")
    add_cuda(parser)
    args = parser.parse_args()
    args.cuda = reads_on_gpu(args.cuda)
    tuned = [read_settings(path) for path in args.tuned]
    _, recognizer = open_recognizer(args.recognizer, args.cuda)
    rows: list[Row] = []
    for source in (CRAFT, args.detector):
        try:
            opened = open_detector_of(open_bundle(source, asked_by="--detector"), args.cuda)
        except MissingWeightsError:
            rows += [[name, source, "default", *[NOT_MEASURED] * 5] for name, _ in args.pages]
            continue
        for name, path in args.pages:
            files = find_pages(path)[0]
            settings, cache = settings_of(opened, tuned), args.output / "score_maps"
            rows += rows_of(name, files, opened, settings, recognizer=recognizer, cache=cache)
    print(format_table(HEADER, rows))


if __name__ == "__main__":
    main()

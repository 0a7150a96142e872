"""Find the parameters with which a detector's boxes are words as the labels have them.

    python3 -m train_easyocr.tuning.tune --pages DIR [--trials N] [--evaluation-pages DIR]
        [--detector craft|PATH] [--recognizer none|finetuned|baseline] [--output DIR]

The network runs once a page; its score maps are kept, and the search looks at them alone. Without a recognizer it
maximises detection F1, with one end-to-end F1. Stopped at any moment and started again, it goes on where it was.
Writes `detection_settings.yaml`, which step 4 installs, `tuning.json` and `tuning.png` into --output. Step 3 does the
same with the data set's validation pages (`tuning_step`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from train_easyocr.common.command_line import add_cuda, print_anything
from train_easyocr.detection.opening import OpenedDetector, open_word_detector
from train_easyocr.detection.settings import FILE_NAME
from train_easyocr.documents.label_formats import LabelFormatError, find_labelled_pages
from train_easyocr.documents.splits import evenly_spread
from train_easyocr.engine.device import reads_on_gpu
from train_easyocr.reading.reader import ReaderError
from train_easyocr.settings.config import ConfigError
from train_easyocr.tuning.map_cache import MappedPage
from train_easyocr.tuning.tuning import Tuned, TuningError, find_readings, inputs_for, mapped_pages, tune
from train_easyocr.weights.checkpoints import CheckpointError
from train_easyocr.weights.easyocr_weights import DamagedWeights, MissingWeights


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python3 -m train_easyocr.tuning.tune",
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
    add_cuda(parser)
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
    print_anything()
    parsed = parse_args(arguments)
    try:
        tuned = _run(parsed)
    except (
        ConfigError,
        TuningError,
        LabelFormatError,
        MissingWeights,
        DamagedWeights,
        CheckpointError,
        ReaderError,
    ) as error:
        print(f"tune: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ntune: stopped; the same command goes on from here", file=sys.stderr)
        return 130
    print(f"\nWritten: {parsed.output / FILE_NAME}, tuning.json, tuning.png\n\n{tuned.usage}")
    return 0


def _run(parsed: argparse.Namespace) -> Tuned:
    parsed.cuda = reads_on_gpu(parsed.cuda)
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


def _mapped(
    folder: Path,
    opened: OpenedDetector,
    inputs: Sequence[tuple[int, float]],
    parsed: argparse.Namespace,
    title: str,
) -> list[MappedPage]:
    found = find_labelled_pages(folder)
    for problem in found.problems:
        print(f"skipped {problem.name}: {problem}", file=sys.stderr)
    return mapped_pages(evenly_spread(found.pages, parsed.limit), opened, inputs, parsed.output, title)


if __name__ == "__main__":
    sys.exit(main())

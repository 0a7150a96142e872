"""Find the parameters with which a detector's boxes are words as the labels have them.

    python3 -m train_easyocr.tuning.tune --pages DIR [--trials N] [--evaluation_pages DIR]
        [--detector NAME] [--recognizer none|finetuned|baseline|NAME] [--output DIR]

The network runs once a page; its score maps are kept, and the search looks at them alone. Without a recognizer it
maximises detection F1, with one end-to-end F1. Stopped at any moment and started again, it goes on where it was.
Writes `detection_settings.yaml`, which step 4 installs, and `tuning.json` into --output. Step 3 does the same with the
data set's validation pages (`tuning_step`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from train_easyocr.common.command_line import CommandParser, add_cuda, command
from train_easyocr.common.errors import UserError
from train_easyocr.detection.opening import open_word_detector
from train_easyocr.documents.label_formats import find_labelled_pages
from train_easyocr.documents.sources import PageSource
from train_easyocr.documents.splits import evenly_spread
from train_easyocr.engine.device import reads_on_gpu
from train_easyocr.evaluation.models import FINETUNED_MODEL, find_models, model_of_bundle
from train_easyocr.evaluation.predictions import ModelIdentity
from train_easyocr.evaluation.runner import Recognizer
from train_easyocr.tuning.search import Tuned, tune
from train_easyocr.weights.bundle import CRAFT, Weights, open_bundle

NO_RECOGNIZER = "none"


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = CommandParser(
        prog="python3 -m train_easyocr.tuning.tune",
        description="Finds the parameters with which a detector's boxes are words as the labels have them.",
    )
    parser.add_argument(
        "--pages", type=Path, required=True, metavar="DIR", help="labelled pages to choose on, as step 5 takes them"
    )
    parser.add_argument("--evaluation_pages", type=Path, metavar="DIR", help="likewise, to score on")
    parser.add_argument("--trials", type=int, default=300, help="default: %(default)s")
    parser.add_argument("--detector", default=CRAFT, help="craft (EasyOCR's own; default), or what else stands for "
                        "weights: starter, installed, a mark, an experiment, a file")  # fmt: skip
    parser.add_argument(
        "--recognizer", default=NO_RECOGNIZER, metavar="{none,finetuned,baseline,NAME}",
        help="maximise end-to-end F1 with finetuned (the installed model), baseline (EasyOCR's own) or what else "
        "stands for weights; default: none, detection F1",
    )  # fmt: skip
    parser.add_argument("--plain", action="store_true", help="only what plain Reader.readtext takes (craft)")
    parser.add_argument("--one_size", action="store_true", help="leave canvas_size and mag_ratio as they are (craft)")
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


@command("tune")
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parsed = parse_args(arguments)
    print(f"\n{_run(parsed).usage}")


def _run(parsed: argparse.Namespace) -> Tuned:
    parsed.cuda = reads_on_gpu(parsed.cuda)
    return tune(
        open_word_detector(_detector(parsed), parsed.cuda),
        _pages(parsed.pages, parsed.limit),
        _pages(parsed.evaluation_pages, parsed.limit) if parsed.evaluation_pages else [],
        parsed.output,
        trials=parsed.trials,
        recognizer=None if parsed.recognizer == NO_RECOGNIZER else open_recognizer(parsed.recognizer, parsed.cuda),
        one_size=parsed.one_size,
        plain=parsed.plain,
        seed=parsed.seed,
    )


def _detector(parsed: argparse.Namespace) -> Weights:
    return open_bundle(parsed.detector, asked_by="--detector").part("detector", "--detector")


def open_recognizer(name: str, cuda: bool) -> tuple[ModelIdentity, Recognizer]:
    """Open `finetuned`, the installed model, `baseline`, EasyOCR's own, or what else stands for weights.

    Returns:
        What identifies it, and itself.

    Raises:
        UserError: Its files are not there.
        WeightsError: They can't be used.
    """
    if name not in (FINETUNED_MODEL, "baseline"):
        opened = model_of_bundle(open_bundle(name, asked_by="--recognizer"), name, cuda, None)
        return opened.identity, opened.open()
    models, missing = find_models(name == "baseline", name == FINETUNED_MODEL, cuda)
    for model, reason in missing.items():
        raise UserError(f"--recognizer {name}: {model}: {reason}")
    return models[-1].identity, models[-1].open()  # of EasyOCR's own, the one that reads Latin letters


def _pages(folder: Path, limit: int | None) -> list[PageSource]:
    found = find_labelled_pages(folder)
    for problem in found.problems:
        print(f"skipped {problem.name}: {problem}", file=sys.stderr)
    return [PageSource.of(page) for page in evenly_spread(found.pages, limit)]


if __name__ == "__main__":
    sys.exit(main())

"""What step 5's command line takes (`evaluate.py`), and other commands that evaluate as it does."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from train_easyocr.common.command_line import CommandParser, add_cuda
from train_easyocr.documents.label_formats import FORMS
from train_easyocr.settings.config import DEFAULT_CONFIG

EXPORTS = (".json", ".csv", ".zip")


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = CommandParser(prog="evaluate.py", description="Scores EasyOCR as it is and fine-tuned on labelled pages.")
    parser.add_argument(
        "--eval_set", type=Path, metavar="DIR",
        help="folder with images/ and labels/, or with labels by PPOCRLabel, in ICDAR's text files or COCO; default: "
        "evaluation_set, where step 2 put it by the configuration",
    )  # fmt: skip
    parser.add_argument(
        "--label_format", choices=FORMS, help="how the labels are written; default: the folder's content tells"
    )
    parser.add_argument("--baseline", action="store_true", help="EasyOCR's own Reader(['ko']) and Reader(['ko', 'en'])")
    parser.add_argument("--finetuned", action="store_true", help="the model that step 4 installed; default: all models")
    parser.add_argument(
        "--weights", action="append", default=[], metavar="NAME",
        help="weights that are not installed: a file, starter, easyocr, a mark, an experiment; alone unless --baseline "
        "or --finetuned is there, too; several times for several",
    )  # fmt: skip
    add_cuda(parser)
    parser.add_argument(
        "--boxes", choices=("detector", "labels"), default="detector",
        help="read where EasyOCR's detector finds text (default), or at the labelled boxes: recognition alone",
    )  # fmt: skip
    parser.add_argument(
        "--orientation", choices=("off", "auto"), default="off",
        help="auto: find and read words on the page turned upright and straightened, as `read --orientation auto`; "
        "default: on the page as it lies",
    )  # fmt: skip
    parser.add_argument("--limit", type=int, metavar="N", help="only N pages, evenly spread over the set")
    parser.add_argument(
        "--output", type=Path, default=Path(), metavar="DIR", help="where results go; default: the current folder"
    )
    parser.add_argument(
        "--with_training_pages", action="store_true",
        help="score pages that the weights learnt from, too; default: they are named and left out",
    )  # fmt: skip
    parser.add_argument(
        "--predictions", type=Path, action="append", default=[], metavar="FILE",
        help="score the words in a .json, .csv or .zip file; several times for several systems (forms: "
        "train_easyocr/evaluation/exchange.py); alone unless --baseline or --finetuned is there too",
    )  # fmt: skip
    parser.add_argument(
        "--export", type=Path, metavar="FILE",
        help="write the words read to a .json, .csv or .zip file (ICDAR; the labels go beside it)",
    )  # fmt: skip
    parser.add_argument(
        "--export_badcases", type=Path, metavar="DIR",
        help="write the words that were not read right, with their labels, as a training set; for pages that are not "
        "those of the final score",
    )  # fmt: skip
    parser.add_argument(
        "--model", metavar="NAME", help="the model that is exported; default: the last, finetuned where it is there"
    )
    parser.add_argument(
        "--report_images", choices=("none", "small", "large"), default="small",
        help="pictures in evaluation_report.html: none at all, pages of 1,400 pixels (up to 60 KiB each; default), or "
        "of 2,200 (160 KiB)",
    )  # fmt: skip
    parser.add_argument("--history", action="store_true", help="list the evaluations in --output, and end")
    parser.add_argument(
        "--compare", nargs=2, metavar=("BEFORE", "AFTER"),
        help="compare two evaluations in --output, and end: 3:finetuned, 3, last, or a name of weights",
    )  # fmt: skip
    parser.add_argument(
        "--mark", metavar="NAME", help="name the installed weights, and keep a copy, after they were evaluated"
    )
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, metavar="FILE", help="settings of all steps")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings that override those of the file")
    parsed = parser.parse_intermixed_args(arguments)
    if parsed.limit is not None and parsed.limit < 1:
        parser.error(f"--limit {parsed.limit}: at least 1")
    if not (parsed.baseline or parsed.finetuned or parsed.predictions or parsed.weights):
        parsed.baseline = parsed.finetuned = True
    if parsed.export and parsed.export.suffix.lower() not in EXPORTS:
        parser.error(f"--export {parsed.export}: the name ends in {', '.join(EXPORTS)}")
    if parsed.mark and not parsed.finetuned:
        parser.error("--mark names the fine-tuned weights; add --finetuned")
    return parsed

"""Render Korean public documents as AI-Hub ships them.

    python3 -m train_easyocr.synthesis --output sample --pages 120 --seed 1111

Writes `sample/공공행정문서 OCR/{Training,Validation}/*.zip`. The same seed gives the same bytes, whatever the number of
workers; a run that was killed goes on where it stopped, and one that is done already does nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from train_easyocr.common.command_line import CommandParser, command, share, whole_number
from train_easyocr.synthesis.fonts import FontLibrary
from train_easyocr.synthesis.generate import RenderSettings, generate, summary_table
from train_easyocr.synthesis.layout import NOMINAL_WIDTH
from train_easyocr.synthesis.pages import KIND_SETS


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    parser = CommandParser(
        prog="python3 -m train_easyocr.synthesis",
        description="Render Korean public documents and pack them as AI-Hub ships the data set 공공행정문서 OCR.",
    )
    parser.add_argument("--output", type=Path, required=True, help="folder that gets '공공행정문서 OCR/'")
    parser.add_argument("--pages", type=whole_number(1, 9_999_999), default=120,
                        help="pages of both splits together (default: 120)")  # fmt: skip
    parser.add_argument("--seed", type=whole_number(0, 2**32 - 1), default=1111,
                        help="the same seed gives the same pages (default: 1111)")  # fmt: skip
    parser.add_argument("--validation_share", type=share, default=Fraction(1, 4),
                        help="share of the pages in the validation split (default: 0.25)")  # fmt: skip
    parser.add_argument("--workers", type=whole_number(1, 1024), default=cores,
                        help="processes; changes nothing in the result (default: all cores)")  # fmt: skip
    parser.add_argument("--fonts", type=Path, default=None, metavar="DIR",
                        help="take the faces in this folder (default: those that fontconfig knows); "
                        "NanumGothic of koreanize-matplotlib is always there")  # fmt: skip
    parser.add_argument("--faces", choices=("sample", "starter", "unseen", "all"), default=None,
                        help="sample: the families of the sample documents (default), as far as they are there; "
                        "starter, unseen: other families; all: every Korean text face (default with "
                        "--fonts)")  # fmt: skip
    parser.add_argument("--kinds", choices=tuple(KIND_SETS), default="sample",
                        help="kinds of pages. sample: those of the sample documents (default); starter: more kinds and "
                        "more varied print; unseen: kinds that the starter weights were not trained on")  # fmt: skip
    parser.add_argument("--page_width", type=whole_number(400, 5000), default=NOMINAL_WIDTH,
                        help=f"pixels across a page, about (default: {NOMINAL_WIDTH}, 300 dots per inch)")  # fmt: skip
    return parser.parse_args(arguments)


@command("synthesis")
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    args = parse_args(arguments)
    settings = RenderSettings(args.pages, args.seed, args.validation_share, args.page_width, args.kinds)
    settings.check()
    library = FontLibrary.find(args.fonts, args.faces or ("sample" if args.fonts is None else "all"))
    print(summary_table(generate(args.output, settings, library, args.workers)))


if __name__ == "__main__":
    sys.exit(main())

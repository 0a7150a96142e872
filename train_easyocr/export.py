"""Export a recognizer and a detector to ONNX, after proof that ONNX Runtime reads with them as torch does.

    python3 -m train_easyocr.export --output exported                       the installed model, or else the starter
    python3 -m train_easyocr.export --output exported --precision int8      a third of the time, words unsure read again
    python3 -m train_easyocr.export --output for_rapidocr --form rapidocr   files that RapidOCR loads

Exit status: 0 written; 1 it can't be exported or reads otherwise, and nothing was written; 2 the command is wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from train_easyocr.common.command_line import CommandParser, command
from train_easyocr.common.errors import UsageError
from train_easyocr.settings.config import DEFAULT_CONFIG, load_config


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = CommandParser(prog="python3 -m train_easyocr.export", description="Export to ONNX.")
    parser.add_argument("settings", nargs="*", metavar="key=value", help="settings in place of the file's")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="a folder for the files")
    parser.add_argument("--bundle", metavar="NAME", help="what is exported: installed, starter, a mark, an experiment "
                        "or a file of weights; default: the installed model, or else the starter")  # fmt: skip
    parser.add_argument("--form", choices=("plain", "rapidocr"), default="plain", help="whom for (default: this "
                        "project's own engine)")  # fmt: skip
    parser.add_argument("--precision", choices=("fp32", "int8"), default="fp32", help="default: %(default)s")
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help="settings; default: %(default)s")
    return parser.parse_intermixed_args(arguments)


@command("export")
def main(arguments: Sequence[str] | None = None) -> int:
    """Export what the command line names; return the exit status."""
    args = parse_args(arguments)
    if args.form == "rapidocr" and args.precision == "int8":
        raise UsageError("--form rapidocr --precision int8: RapidOCR does not read unsure words again; export fp32")
    config = load_config(args.config, args.settings)
    # What is heavy comes after --help and wrong arguments.
    from train_easyocr.onnx_export.export import export, find_source, summary  # noqa: PLC0415

    source = find_source(args.bundle, Path(config.saved_models))
    print(summary(export(source, args.output, args.form, args.precision, config), args.output))
    return 0


if __name__ == "__main__":
    sys.exit(main())

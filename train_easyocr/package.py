"""Pack what reads documents into a folder that needs neither torch nor a network where it is used.

    python3 -m train_easyocr.package --output package                      the installed model, or else the starter
    python3 -m train_easyocr.package --output package --precision int8     half the time a word, the same words
    bash package/run.sh read scan.pdf --format pdf --output out            there

Exit status: 0 written; 1 the model can't be exported or a wheel can't be had, and nothing was written; 2 the command is
wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from train_easyocr.common.command_line import CommandParser, command
from train_easyocr.common.errors import UsageError
from train_easyocr.common.text import format_table
from train_easyocr.settings.config import DEFAULT_CONFIG, load_config


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = CommandParser(prog="python3 -m train_easyocr.package", description="Pack what reads documents.")
    parser.add_argument("settings", nargs="*", metavar="key=value", help="settings in place of the file's")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="the package's folder")
    parser.add_argument("--bundle", metavar="NAME", help="what is packed: installed, starter, a mark, an experiment or "
                        "a file of weights; default: the installed model, or else the starter")  # fmt: skip
    parser.add_argument("--precision", choices=("fp32", "int8"), default="fp32", help="default: %(default)s")
    parser.add_argument(
        "--wheels", type=Path, metavar="DIR", help="take wheels from a folder; default: as pip is set up"
    )
    parser.add_argument("--no_wheels", action="store_true", help="leave wheels out; the package is then installed from "
                        "an index")  # fmt: skip
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help="settings; default: %(default)s")
    return parser.parse_intermixed_args(arguments)


@command("package")
def main(arguments: Sequence[str] | None = None) -> int:
    """Pack what the command line names; return the exit status."""
    args = parse_args(arguments)
    if args.wheels and args.no_wheels:
        raise UsageError("--wheels and --no_wheels exclude one another")
    if args.wheels and not args.wheels.is_dir():
        raise UsageError(f"--wheels {args.wheels}: there is no such folder")
    config = load_config(args.config, args.settings)
    # What is heavy comes after --help and wrong arguments.
    from train_easyocr.delivery.packaging import pack  # noqa: PLC0415
    from train_easyocr.onnx_export.export import find_source  # noqa: PLC0415

    source = find_source(args.bundle, Path(config.saved_models))
    pack(source, args.output, args.precision, config, wheels=args.wheels, download=not args.no_wheels)
    print(summary(source.name, args.output))
    return 0


def summary(name: str, output: Path) -> str:
    """Return the table of what was written."""
    rows: list[tuple[str, object]] = []
    for part in sorted(output.iterdir()):
        files = [path for path in part.rglob("*") if path.is_file()] if part.is_dir() else [part]
        rows.append((part.name, f"{sum(path.stat().st_size for path in files) / 1e6:.1f} MB"))
    return f"{format_table((f'Package of {name}', 'Size'), rows)}\n{output}; try it: bash {output}/run.sh selftest"


if __name__ == "__main__":
    sys.exit(main())

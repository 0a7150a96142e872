"""Read scans: images, PDF and TIFF of several pages to text, JSON, hOCR, ALTO or searchable PDF.

    python3 -m train_easyocr.read scan.pdf                                    text, on the standard output
    python3 -m train_easyocr.read scan.pdf photos/ --format pdf --output out  a file each; the same command goes on
    python3 -m train_easyocr.read - --format json < page.jpg

Exit status: 0 all was read; 1 something could not be read (the rest was), or there was nothing to read; 2 the command
or a setting is wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from train_easyocr.common.command_line import FAILURE, CommandParser, add_cuda, command, whole_number
from train_easyocr.common.errors import UsageError, UserError
from train_easyocr.common.text import format_table
from train_easyocr.settings.config import DEFAULT_CONFIG, load_config

if TYPE_CHECKING:
    from train_easyocr.reading.pipeline import Engine
    from train_easyocr.reading.run import Outcome, ReadSettings
    from train_easyocr.reading.sources import SourceFile

EXPORTED = "model.json"
"""In a folder that `train_easyocr.export` wrote."""
SHOWN = 3
"""Passed over files that are named."""


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = CommandParser(prog="python3 -m train_easyocr.read", description="Read scans.")
    parser.add_argument("arguments", nargs="+", metavar="PATH", help="images, PDF, folders, - for the standard input; "
                        "settings as key=value")  # fmt: skip
    parser.add_argument("--output", type=Path, metavar="DIR", help="a file each; default: the standard output, for one")
    parser.add_argument("--format", choices=("text", "json", "hocr", "alto", "pdf"), default="text",
                        help="default: %(default)s")  # fmt: skip
    parser.add_argument("--bundle", metavar="NAME", help="what reads: installed, starter, a mark, an experiment, a "
                        "file of weights or a folder of train_easyocr.export; default: the installed model, else the "
                        "starter")  # fmt: skip
    parser.add_argument("--orientation", choices=("off", "auto"), default="off",
                        help="auto: turn pages upright that lie turned by a quarter or a half, and straighten skewed "
                        "ones; default: %(default)s")  # fmt: skip
    parser.add_argument("--word_orientation", choices=("off", "auto"), default="off",
                        help="auto: turn single words that lie upside down; default: %(default)s")  # fmt: skip
    parser.add_argument("--pages", default="", metavar="1-20", help="of each document; default: all")
    parser.add_argument("--dpi", type=whole_number(50, 1200), default=300, help="of PDF; default: %(default)s")
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help="settings; default: %(default)s")
    add_cuda(parser)
    return parser.parse_intermixed_args(arguments)


@command("read")
def main(arguments: Sequence[str] | None = None) -> int:
    """Read what the command line names; return the exit status."""
    args = parse_args(arguments)
    # What is heavy comes after --help and wrong arguments.
    from train_easyocr.reading.run import ReadSettings, read_files  # noqa: PLC0415
    from train_easyocr.reading.sources import PageRange, find_files  # noqa: PLC0415

    paths, overrides = split_arguments(args.arguments)
    config = load_config(args.config, overrides)
    try:
        settings = ReadSettings(args.format, args.dpi, PageRange(args.pages), args.orientation, args.word_orientation)
    except ValueError as error:
        raise UsageError(f"--pages: {error}") from None
    if args.output is not None and args.output.resolve() in [Path(path).resolve() for path in paths]:
        raise UsageError(f"{args.output} is read, so it can't take what is written; name another folder with --output")
    files, passed_over = find_files(paths, args.output)
    for file in passed_over[:SHOWN]:
        print(f"passed over, neither an image nor a PDF: {file}", file=sys.stderr)
    if len(passed_over) > SHOWN:
        print(f"passed over, neither images nor PDF: {len(passed_over):,} files in all", file=sys.stderr)
    if not files:
        raise UserError(f"{', '.join(paths)}: there is no image and no PDF; name files, or folders of such")
    if args.output is None and (len(files) > 1 or any(Path(path).is_dir() for path in paths)):
        raise UsageError(f"{len(files):,} files are to be read; name a folder for what is read with --output DIR")
    engine = _open_engine(args.bundle, Path(config.saved_models), args.cuda)
    if args.word_orientation == "auto":
        try:
            from train_easyocr.orientation.classifier import DirectionClassifier  # noqa: PLC0415
        except ModuleNotFoundError:
            raise UsageError("--word_orientation auto: its classifier needs torch, which packages leave out") from None
        from train_easyocr.reading.turned_words import TurningEngine  # noqa: PLC0415

        engine = TurningEngine(engine, DirectionClassifier())
    if args.output is None:
        return _read_to_stdout(files[0], engine, settings)
    outcome = read_files(files, engine, settings, args.output)
    print(summary(outcome, len(passed_over), args.output))
    return FAILURE if outcome.faults else 0


def _open_engine(bundle: str | None, saved_models: Path, cuda: bool | None) -> Engine:
    """Open what reads: ONNX Runtime for a folder that was exported, torch for everything else."""
    if bundle is not None and (Path(bundle) / EXPORTED).is_file():
        from train_easyocr.reading.onnx_engine import OnnxEngine  # noqa: PLC0415

        if cuda:
            raise UsageError(f"--cuda: {bundle} was exported for the CPU; name the weights that it was made of")
        return OnnxEngine(Path(bundle))
    from train_easyocr.engine.device import reads_on_gpu  # noqa: PLC0415
    from train_easyocr.reading.torch_engine import open_engine  # noqa: PLC0415

    return open_engine(bundle, saved_models, reads_on_gpu(cuda))


def split_arguments(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split what is no option into paths and settings; a file that is called like a setting is a file.

    Raises:
        UsageError: No path is among them.
    """
    settings = [one for one in arguments if one.partition("=")[0].isidentifier() and "=" in one]
    settings = [one for one in settings if not Path(one).exists()]
    paths = [one for one in arguments if one not in settings]
    if not paths:
        raise UsageError("name what is to be read: files, folders, or - for the standard input")
    if paths.count("-") > 1:
        raise UsageError("the standard input can be read once")
    return paths, settings


def _read_to_stdout(file: SourceFile, engine: Engine, settings: ReadSettings) -> int:
    from train_easyocr.reading.run import read_to  # noqa: PLC0415

    if settings.format == "pdf" and sys.stdout.isatty():
        raise UsageError("a PDF is nothing for a terminal; name a folder with --output DIR, or write > scan.pdf")
    outcome = read_to(file, engine, settings, sys.stdout.buffer)
    sys.stdout.buffer.flush()
    return FAILURE if outcome.faults else 0


def summary(outcome: Outcome, passed_over: int, output: Path) -> str:
    """Return the table of what was done."""
    whole_files = [fault for fault in outcome.faults if fault[1] is None]
    rows: list[tuple[str, object]] = [
        ("files read", len(outcome.done) - outcome.before),
        ("files read by an earlier run", outcome.before),
        ("files that could not be read", len(whole_files)),
        ("files passed over", passed_over),
        ("pages", sum(done.pages for done in outcome.done)),
        ("pages that could not be read", len(outcome.faults) - len(whole_files)),
        ("words", sum(done.words for done in outcome.done)),
    ]
    table = format_table(("Read", "Number"), [row for row in rows if row[1] or row[0] in ("files read", "pages")])
    return f"{table}\n{output}" + (f"; what is missing: {output / 'skipped.csv'}" if outcome.faults else "")


if __name__ == "__main__":
    sys.exit(main())

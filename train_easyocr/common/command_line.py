"""What the command lines share: how they end, and the types of arguments.

Importing this module loads nothing that takes long.
"""

from __future__ import annotations

import argparse
import functools
import io
import os
import sys
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any, ParamSpec

from train_easyocr.common.errors import Interrupted, OtherProcessError, UserError

P = ParamSpec("P")
FAILURE, INTERRUPTED = 1, 130
STOPPED = "stopped; the same command goes on from here"


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """An argparse type for whole numbers from `low` to `high`."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low:,} to {high:,}")
        return value

    return parse


def share(text: str) -> Fraction:
    """An argparse type for a share between 0 and 1, both excluded, kept exactly as it was written."""
    try:
        value = Fraction(text)
    except (ValueError, ZeroDivisionError):
        value = Fraction(0)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share between 0 and 1")
    return value


def minutes_of(text: str) -> float:
    """An argparse type for a number of minutes above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of minutes above 0")
    return value


class CommandParser(argparse.ArgumentParser):
    """Takes options in both spellings, `--eval_set` and `--eval-set`; help and documents have the first one."""

    def parse_known_args(self, args: Iterable[str] | None = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Parse, as argparse does."""
        given = list(sys.argv[1:] if args is None else args)
        end = given.index("--") if "--" in given else len(given)
        return super().parse_known_args([*map(_spelled, given[:end]), *given[end:]], namespace)


def _spelled(argument: str) -> str:
    """Return an argument as options are spelt, what follows after = as it is."""
    option, equals, value = argument.partition("=")
    return f"--{option[2:].replace('-', '_')}{equals}{value}" if option.startswith("--") else argument


def add_cuda(parser: argparse.ArgumentParser) -> None:
    """Add `--cuda` and `--no_cuda`; None stands for neither (`engine.device.reads_on_gpu`)."""
    parser.add_argument("--cuda", action="store_true", default=None, help="use the GPU; default: where there is one")
    parser.add_argument("--no_cuda", dest="cuda", action="store_false", help="read on the CPU")


def add_training_options(parser: argparse.ArgumentParser, settings: Path) -> None:
    """Add what all trainings take: `--config`, `--minutes`, and settings as `key=value`.

    Args:
        parser: Of the training's command.
        settings: The file that `--config` stands for by default.
    """
    add = parser.add_argument
    add("--config", type=Path, default=settings, metavar="FILE", help="settings (YAML); default: %(default)s")
    add("--minutes", type=minutes_of, metavar="N", help="stop after this time, validated and saved; run again to go on")
    add("settings", nargs="*", metavar="key=value", help="settings that override the file's, such as batch_size=32")


def training_parser(prog: str, what: str, settings: Path) -> CommandParser:
    """Return a parser of these options.

    Args:
        prog: What the command is called.
        what: What it does, a sentence; that it goes on where it was is added.
        settings: The file that `--config` stands for by default.
    """
    going_on = "Stopped or killed, it goes on where it was when the same command is run again."
    parser = CommandParser(prog=prog, description=f"{what} {going_on}")
    add_training_options(parser, settings)
    return parser


def command(name: str) -> Callable[[Callable[P, int | None]], Callable[P, int]]:
    """Make a `main` that ends as all commands do; it returns the exit status.

    0 where `main` returns None; that of a `UserError`: 2 where the command or its settings are wrong, 1 where the data,
    files or the machine are, be it that they are not there, can't be used, or that nothing of them can; 130 after
    Ctrl-C. What went wrong is said on the standard error, without a traceback. Any other exception is a bug, and keeps
    its traceback.

    Args:
        name: What the command is called where it tells of an error.
    """

    def ending_well(main: Callable[P, int | None]) -> Callable[P, int]:
        @functools.wraps(main)
        def ended(*arguments: P.args, **named: P.kwargs) -> int:
            print_anything()
            try:
                return main(*arguments, **named) or 0
            except UserError as error:
                return _say(f"{name}: {error}", error.status, "" if error.agreed else "LOCAL_RANK")
            except OSError as error:
                what = f"{error.filename}: {error.strerror}" if error.filename else error
                return _say(f"{name}: {what}; mend that and run again, it goes on where it stopped", FAILURE)
            except OtherProcessError:
                return FAILURE
            except (KeyboardInterrupt, Interrupted) as stop:
                return _say(f"{name}: {str(stop) or STOPPED}", INTERRUPTED, "RANK")

        return ended

    return ending_well


def _say(message: str, status: int, number: str = "") -> int:
    """Say what went wrong; `number` is where torchrun numbers processes of which only the first is to say it."""
    if os.environ.get(number, "0") == "0":
        print(message, file=sys.stderr, flush=True)
    return status


def print_anything() -> None:
    """Let no character end a run that the console's encoding lacks, as a Korean Windows' lacks •: it is spelt out.

    What is printed goes on in the console's own encoding, here and in the processes that are started from here.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if encoding := getattr(sys.stdout, "encoding", None):
        os.environ["PYTHONIOENCODING"] = f"{encoding}:backslashreplace"


def write_lines_at_once() -> None:
    """Let lines come when they are written, through a pipe, too."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)

"""What the command lines share: exit statuses, what went wrong told in a line, and the types of arguments.

Importing this module loads nothing that takes long.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

USAGE_ERROR, FAILURE, INTERRUPTED = 2, 1, 130


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


def add_cuda(parser: argparse.ArgumentParser) -> None:
    """Add `--cuda` and `--no-cuda`; None stands for neither (`engine.device.reads_on_gpu`)."""
    parser.add_argument(
        "--cuda", action=argparse.BooleanOptionalAction, help="use the GPU, or don't; default: where there is one"
    )


def say(message: object, status: int, number: str = "") -> int:
    """Say what went wrong; `number` is where torchrun numbers processes of which only the first is to say it."""
    if os.environ.get(number, "0") == "0":
        print(f"{message}", file=sys.stderr, flush=True)
    return status


def print_anything() -> None:
    """Let no character end a run that the console's encoding lacks, as a Korean Windows' lacks •: it is spelt out.

    What is printed goes on in the console's own encoding, here and in the processes that are started from here. The
    first statement of each command line, before its --help.
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


def status_of_training(train: Callable[[], None], experiment: Path, *failures: type[Exception]) -> int:
    """Run a training, say in a line what stopped it, if something did, and return the exit status.

    Args:
        train: Trains.
        experiment: Its folder.
        failures: Errors of its own that are no fault of settings or data.

    Returns:
        0 done, 1 failed or not one usable word, 2 wrong settings or data, 130 stopped by a signal.
    """
    from train_easyocr.datasets.data import DataError, NothingUsableError  # noqa: PLC0415
    from train_easyocr.engine.distributed import OtherProcessError  # noqa: PLC0415
    from train_easyocr.engine.loaders import LoadingError  # noqa: PLC0415
    from train_easyocr.engine.state import ResumeError  # noqa: PLC0415
    from train_easyocr.engine.stopping import Interrupted, NotFiniteError  # noqa: PLC0415
    from train_easyocr.settings.config import ConfigError  # noqa: PLC0415
    from train_easyocr.weights.checkpoints import CheckpointError  # noqa: PLC0415
    from train_easyocr.weights.easyocr_weights import DamagedWeights, MissingWeights  # noqa: PLC0415

    failed: tuple[type[Exception], ...] = (NotFiniteError, LoadingError, *failures)
    try:
        train()
    except (KeyboardInterrupt, Interrupted) as stop:
        return say(str(stop) or "Stopped; what is saved of this experiment is as it was", INTERRUPTED, "RANK")
    except OtherProcessError:
        return FAILURE  # that process says why
    except (ConfigError, DataError, ResumeError, CheckpointError, MissingWeights, DamagedWeights) as error:
        return say(error, FAILURE if isinstance(error, NothingUsableError) else USAGE_ERROR)
    except failed as error:
        return say(error, FAILURE)
    except OSError as error:
        return say(f"{error.filename or experiment}: {error.strerror or error}", FAILURE)
    return 0

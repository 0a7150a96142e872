"""Trains the word detector.

    python3 -m train_easyocr.detection.train [--config FILE] [--minutes N] [key=value ...]

Reads labelled pages and writes weights and logs to saved_models/<experiment_name>/. Killed or stopped with Ctrl-C, it
goes on where it was when the same command is run again. On several GPUs, or several machines:

    torchrun --nproc_per_node=N -m train_easyocr.detection.train [--config FILE] [key=value ...]
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

from train_easyocr.config import ConfigError
from train_easyocr.detection.config import DEFAULT_CONFIG, DetectionConfig, load_detection_config
from train_easyocr.train import FAILURE, INTERRUPTED, USAGE_ERROR, minutes_of, say


def parse_args(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python3 -m train_easyocr.detection.train",
        description="Trains the word detector on labelled pages. "
        "Stopped or killed, it goes on where it was when the same command is run again.",
    )
    add = parser.add_argument
    add("--config", type=Path, default=DEFAULT_CONFIG, metavar="FILE", help="settings (YAML); default: %(default)s")
    add("--minutes", type=minutes_of, metavar="N", help="stop after this time, validated and saved; run again to go on")
    add("settings", nargs="*", metavar="key=value", help="settings that override the file's, such as batch_size=32")
    return parser.parse_intermixed_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train; return the exit status: 0 done, 1 failed, 2 wrong settings or data, 130 stopped by a signal."""
    options = parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # through a pipe, too, lines come when they are written
    try:
        config = load_detection_config(options.config, options.settings)
    except ConfigError as error:
        return say(error, USAGE_ERROR, "LOCAL_RANK")
    return run(config, options.minutes)


def run(config: DetectionConfig, minutes: float | None = None) -> int:
    """Train; return the exit status as `main` does."""
    # The settings are right before anything that takes seconds is loaded.
    from train_easyocr.detection.training import train  # noqa: PLC0415
    from train_easyocr.documents.workers import WorkerDiedError  # noqa: PLC0415
    from train_easyocr.easyocr_weights import DamagedWeights, MissingWeights  # noqa: PLC0415
    from train_easyocr.recognition.checkpoints import CheckpointError  # noqa: PLC0415
    from train_easyocr.recognition.data import DataError  # noqa: PLC0415
    from train_easyocr.recognition.processes import OtherProcessError  # noqa: PLC0415
    from train_easyocr.recognition.state import ResumeError  # noqa: PLC0415
    from train_easyocr.recognition.stopping import Interrupted, NotFiniteError  # noqa: PLC0415

    try:
        train(config, minutes)
    except (KeyboardInterrupt, Interrupted) as stop:
        return say(str(stop) or "Stopped; what is saved of this experiment is as it was", INTERRUPTED, "RANK")
    except OtherProcessError:
        return FAILURE  # that process says why
    except (ConfigError, DataError, ResumeError, CheckpointError, MissingWeights, DamagedWeights) as error:
        return say(error, USAGE_ERROR)
    except (NotFiniteError, WorkerDiedError) as error:
        return say(error, FAILURE)
    except OSError as error:
        return say(f"{error.filename or config.experiment}: {error.strerror or error}", FAILURE)
    return 0


if __name__ == "__main__":
    sys.exit(main())

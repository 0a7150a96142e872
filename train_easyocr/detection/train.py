"""Trains the word detector.

    python3 -m train_easyocr.detection.train [--config FILE] [--minutes N] [key=value ...]

Reads labelled pages and writes weights and logs to saved_models/<experiment_name>/. Killed or stopped with Ctrl-C, it
goes on where it was when the same command is run again. On several GPUs, or several machines:

    torchrun --nproc_per_node=N -m train_easyocr.detection.train [--config FILE] [key=value ...]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from train_easyocr.common.command_line import (
    USAGE_ERROR,
    minutes_of,
    print_anything,
    say,
    status_of_training,
    write_lines_at_once,
)
from train_easyocr.detection.config import DEFAULT_CONFIG, DetectionConfig, load_detection_config
from train_easyocr.settings.config import ConfigError


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
    print_anything()
    options = parse_args(arguments)
    write_lines_at_once()
    try:
        config = load_detection_config(options.config, options.settings)
    except ConfigError as error:
        return say(error, USAGE_ERROR, "LOCAL_RANK")
    return run(config, options.minutes)


def run(config: DetectionConfig, minutes: float | None = None) -> int:
    """Train; return the exit status as `main` does."""
    # The settings are right before anything that takes seconds is loaded.
    from train_easyocr.common.workers import WorkerDiedError  # noqa: PLC0415
    from train_easyocr.detection.training import train  # noqa: PLC0415

    return status_of_training(lambda: train(config, minutes), config.experiment, WorkerDiedError)


if __name__ == "__main__":
    sys.exit(main())

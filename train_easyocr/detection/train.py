"""Trains the word detector.

    python3 -m train_easyocr.detection.train [--config FILE] [--minutes N] [key=value ...]

Reads labelled pages and writes weights and logs to saved_models/<experiment_name>/. Killed or stopped with Ctrl-C, it
goes on where it was when the same command is run again. On several GPUs, or several machines:

    torchrun --nproc_per_node=N -m train_easyocr.detection.train [--config FILE] [key=value ...]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from train_easyocr.common.command_line import command, training_parser, write_lines_at_once
from train_easyocr.detection.config import DEFAULT_CONFIG, load_detection_config


@command("train_easyocr.detection.train")
def main(arguments: Sequence[str] | None = None) -> None:
    """Train."""
    parser = training_parser(
        "python3 -m train_easyocr.detection.train", "Trains the word detector on labelled pages.", DEFAULT_CONFIG
    )
    options = parser.parse_intermixed_args(arguments)
    write_lines_at_once()
    config = load_detection_config(options.config, options.settings)
    # The settings are right before anything that takes seconds is loaded.
    from train_easyocr.detection.task import train  # noqa: PLC0415

    train(config, options.minutes)


if __name__ == "__main__":
    sys.exit(main())

"""Trains the direction classifier of words: which of them lie upside down.

    python3 -m train_easyocr.orientation.train [--config FILE] [--minutes N] [key=value ...]

Reads sets of word patches, as step 2 or `train_easyocr.synthesis.words` write them, and writes weights and logs to
saved_models/<experiment_name>/. Killed or stopped with Ctrl-C, it goes on where it was when the same command is run
again. On several GPUs, or several machines:

    torchrun --nproc_per_node=N -m train_easyocr.orientation.train [--config FILE] [key=value ...]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from train_easyocr.common.command_line import command, training_parser, write_lines_at_once
from train_easyocr.orientation.config import DEFAULT_CONFIG, load_orientation_config


@command("train_easyocr.orientation.train")
def main(arguments: Sequence[str] | None = None) -> None:
    """Train."""
    parser = training_parser(
        "python3 -m train_easyocr.orientation.train",
        "Trains the direction classifier of words, 0 or 180 degrees.",
        DEFAULT_CONFIG,
    )
    options = parser.parse_intermixed_args(arguments)
    write_lines_at_once()
    config = load_orientation_config(options.config, options.settings)
    # The settings are right before anything that takes seconds is loaded.
    from train_easyocr.orientation.task import train  # noqa: PLC0415

    train(config, options.minutes)


if __name__ == "__main__":
    sys.exit(main())

"""Step 3: trains the word recognizer and, where the settings say so, the detector, and tunes the detector's settings.

    python3 train_easyocr/train.py [--config FILE] [--minutes N] [--show_samples N] [key=value ...]

Reads the sets that step 2 prepared, and writes weights and logs to saved_models/<experiment_name>/. Killed or stopped
with Ctrl-C, it goes on where it was when the same command is run again. With --show_samples it only draws what the
network would see. On several GPUs, or several machines:

    torchrun --nproc_per_node=N -m train_easyocr.train [--config FILE] [key=value ...]
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__" and not __package__:
    # Run as a file: Python looks for modules in the file's folder, and the package is the folder itself.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from train_easyocr.common.command_line import (
    command,
    training_parser,
    whole_number,
    write_lines_at_once,
)
from train_easyocr.common.errors import UserError, WeightsError
from train_easyocr.settings.config import DEFAULT_CONFIG, Config, load_config
from train_easyocr.settings.parts import DetectorChoice

if TYPE_CHECKING:
    from train_easyocr.detection.config import DetectionConfig
    from train_easyocr.engine.distributed import Processes

MOST_SAMPLES = 1_000


def parse_args(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    what = "Trains the word recognizer on the sets that prepare_dataset.py wrote."
    parser = training_parser("train.py", what, DEFAULT_CONFIG)
    parser.add_argument(
        "--show_samples",
        type=whole_number(1, MOST_SAMPLES),
        metavar="N",
        help="draw the first N words as they are and as training sees them, say where the picture is, and stop",
    )
    parser.add_argument(
        "--character_from",
        type=Path,
        metavar="DATA",
        help="propose a character set for the sets of words at a place, in any form that train_data takes, write it to "
        "the experiment, and stop",
    )
    return parser.parse_intermixed_args(arguments)


@command("train.py")
def main(arguments: Sequence[str] | None = None) -> None:
    """Train."""
    options = parse_args(arguments)
    write_lines_at_once()
    config = load_config(options.config, options.settings)
    detector = _detector_of(config)
    if options.character_from:
        from train_easyocr.recognition.character_proposal import write_proposal  # noqa: PLC0415

        write_proposal(config, options.character_from, config.experiment)
        return
    if options.show_samples:
        from train_easyocr.recognition.task import show_samples  # noqa: PLC0415

        print(f"What training sees of the first words: {show_samples(config, options.show_samples)}")
        return
    if config.detection_tuning and detector is None:
        _find_craft()
    if config.detection and detector is None and os.environ.get("RANK", "0") == "0":
        print(
            "The recognizer alone is trained: there are no pages to train a detector on (detection: auto), neither in "
            "dataset nor where step 2 took its words from. python3 -m train_easyocr.detection.train train_data=DIR "
            "val_data=DIR takes pages from anywhere"
        )
    _train_all(config, detector, options.minutes)


def _train_all(config: Config, detector: DetectionConfig | None, minutes: float | None) -> None:
    """Train one network after the other, as far as the time goes."""
    # The settings are right before anything that takes seconds is loaded.
    from train_easyocr.engine.distributed import Processes  # noqa: PLC0415
    from train_easyocr.recognition.task import train  # noqa: PLC0415

    end = math.inf if minutes is None else time.monotonic() + 60 * minutes
    search = "search for the detector's settings" if config.detection_tuning else ""
    with Processes.joined() as processes:
        train(config, minutes)
        over = _time_is_up(end, search if detector is None else "detector", processes)
        if detector is not None and not over:
            _train_detector(detector, end, processes)
            over = _time_is_up(end, search, processes)
    if config.detection_tuning and processes.first and not over:
        print("\nThe detector's settings")
        from train_easyocr.tuning.tuning_step import tune_trained  # noqa: PLC0415

        tune_trained(config, detector)


def _train_detector(detector: DetectionConfig, end: float, processes: Processes) -> None:
    from train_easyocr.detection.task import train  # noqa: PLC0415 - loaded when it is needed

    if processes.first:
        print(f"\nThe detector, {detector.experiment_name}")
    train(detector, None if end == math.inf else (end - time.monotonic()) / 60)


def _time_is_up(end: float, what: str, processes: Processes) -> bool:
    """Tell whether `--minutes` are over, by any process's clock, and say what is left to do."""
    if end == math.inf or not processes.any(time.monotonic() >= end):
        return False
    if what and processes.first:
        print(f"The {what} has its turn when all before it is done; running again goes on")
    return True


def _find_craft() -> None:
    """Say it now where EasyOCR's detector, which is to be tuned after the training, can't be had."""
    from train_easyocr.weights.easyocr_weights import find_weights  # noqa: PLC0415

    try:
        find_weights("craft")
    except WeightsError as error:
        raise UserError(f"{error}\ndetection_tuning=0 trains without tuning it") from None


def _detector_of(config: DetectorChoice) -> DetectionConfig | None:
    if not config.detection:
        return None
    from train_easyocr.detection.config import detection_of  # noqa: PLC0415

    return detection_of(config)


if __name__ == "__main__":
    sys.exit(main())

"""Step 3: trains the word recognizer and, where the settings say so, the detector, and tunes the detector's settings.

    python3 train_easyocr/train.py [--config FILE] [--minutes N] [--show-samples N] [key=value ...]

Reads the sets that step 2 prepared, and writes weights and logs to saved_models/<experiment_name>/. Killed or stopped
with Ctrl-C, it goes on where it was when the same command is run again. With --show-samples it only draws what the
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
    FAILURE,
    INTERRUPTED,
    USAGE_ERROR,
    minutes_of,
    print_anything,
    say,
    status_of_training,
    whole_number,
    write_lines_at_once,
)
from train_easyocr.settings.config import DEFAULT_CONFIG, Config, ConfigError, load_config

if TYPE_CHECKING:
    from train_easyocr.detection.config import DetectionConfig
    from train_easyocr.engine.distributed import Processes

MOST_SAMPLES = 1_000


def parse_args(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="train.py",
        description="Trains the word recognizer on the sets that prepare_dataset.py wrote. "
        "Stopped or killed, it goes on where it was when the same command is run again.",
    )
    parser.add_argument(
        "--config", type=Path, default=DEFAULT_CONFIG, metavar="FILE", help="settings (YAML); default: %(default)s"
    )
    parser.add_argument(
        "--minutes",
        type=minutes_of,
        metavar="N",
        help="stop after this time, validated and saved; run again to go on",
    )
    parser.add_argument(
        "--show-samples",
        type=whole_number(1, MOST_SAMPLES),
        metavar="N",
        help="draw the first N words as they are and as training sees them, say where the picture is, and stop",
    )
    parser.add_argument(
        "--character-from",
        type=Path,
        metavar="DATA",
        help="propose a character set for the sets of words at a place, in any form that train_data takes, write it to "
        "the experiment, and stop",
    )
    parser.add_argument(
        "settings", nargs="*", metavar="key=value", help="settings that override the file's, such as batch_size=32"
    )
    return parser.parse_intermixed_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train; return the exit status: 0 done, 1 failed, 2 wrong settings or data, 130 stopped by a signal."""
    print_anything()
    options = parse_args(arguments)
    write_lines_at_once()
    try:
        config = load_config(options.config, options.settings)
        detector = _detector_of(config)
    except ConfigError as error:
        return say(error, USAGE_ERROR, "LOCAL_RANK")  # one on each machine says it; all of them were given the same
    if options.show_samples or options.character_from:
        return run(config, samples=options.show_samples, character_from=options.character_from)
    if config.detection_tuning and detector is None and not _craft_is_there():
        return USAGE_ERROR
    if config.detection and detector is None and os.environ.get("RANK", "0") == "0":
        print(
            "The recognizer alone is trained: there are no pages to train a detector on (detection: auto), neither in "
            "dataset nor where step 2 took its words from. python3 -m train_easyocr.detection.train train_data=DIR "
            "val_data=DIR takes pages from anywhere"
        )
    return _train_all(config, detector, options.minutes)


def _train_all(config: Config, detector: DetectionConfig | None, minutes: float | None) -> int:
    """Train one network after the other, as far as the time goes; return the exit status as `main` does."""
    # The settings are right before anything that takes seconds is loaded.
    from train_easyocr.engine.distributed import OtherProcessError, Processes  # noqa: PLC0415

    end = math.inf if minutes is None else time.monotonic() + 60 * minutes
    search = "search for the detector's settings" if config.detection_tuning else ""
    try:
        with Processes.joined() as processes:
            status = run(config, minutes)
            over = bool(status) or _time_is_up(end, search if detector is None else "detector", processes)
            if detector is not None and not over:
                status = _train_detector(detector, end, processes)
                over = bool(status) or _time_is_up(end, search, processes)
    except ConfigError as error:
        return say(error, USAGE_ERROR)
    except OtherProcessError:
        return FAILURE  # that process says why
    if over or not config.detection_tuning or not processes.first:
        return status
    print("\nThe detector's settings")
    return _tune(config, detector)


def _train_detector(detector: DetectionConfig, end: float, processes: Processes) -> int:
    from train_easyocr.detection.train import run as run_detector  # noqa: PLC0415 - loaded when it is needed

    if processes.first:
        print(f"\nThe detector, {detector.experiment_name}")
    return run_detector(detector, None if end == math.inf else (end - time.monotonic()) / 60)


def _time_is_up(end: float, what: str, processes: Processes) -> bool:
    """Tell whether `--minutes` are over, by any process's clock, and say what is left to do."""
    if end == math.inf or not processes.any(time.monotonic() >= end):
        return False
    if what and processes.first:
        print(f"The {what} has its turn when all before it is done; running again goes on")
    return True


def _craft_is_there() -> bool:
    """Say it now where EasyOCR's detector, which is to be tuned after the training, can't be had."""
    from train_easyocr.weights.easyocr_weights import DamagedWeights, MissingWeights, find_weights  # noqa: PLC0415

    try:
        find_weights("craft")
    except (MissingWeights, DamagedWeights) as error:
        say(f"{error}\ndetection_tuning=0 trains without tuning it", USAGE_ERROR, "LOCAL_RANK")
        return False
    return True


def _tune(config: Config, detector: DetectionConfig | None) -> int:
    from train_easyocr.datasets.data import DataError  # noqa: PLC0415
    from train_easyocr.reading.reader import ReaderError  # noqa: PLC0415
    from train_easyocr.tuning.search import TuningError  # noqa: PLC0415
    from train_easyocr.tuning.tuning_step import tune_trained  # noqa: PLC0415
    from train_easyocr.weights.checkpoints import CheckpointError  # noqa: PLC0415
    from train_easyocr.weights.easyocr_weights import DamagedWeights, MissingWeights  # noqa: PLC0415

    try:
        tune_trained(config, detector)
    except KeyboardInterrupt:
        return say("Stopped; running the same command again goes on with the trials from there", INTERRUPTED)
    except (DataError, TuningError, CheckpointError, ReaderError, MissingWeights, DamagedWeights) as error:
        return say(error, USAGE_ERROR)
    except OSError as error:
        return say(f"{error.filename or config.experiment}: {error.strerror or error}", FAILURE)
    return 0


def run(
    config: Config, minutes: float | None = None, samples: int | None = None, character_from: Path | None = None
) -> int:
    """Train the recognizer, draw samples or propose characters; return the exit status as `main` does."""
    # The settings are right before anything that takes seconds is loaded.
    from train_easyocr.datasets.data import PatchError  # noqa: PLC0415
    from train_easyocr.datasets.labels_csv import LabelsCsvError  # noqa: PLC0415
    from train_easyocr.datasets.word_table import LabelsError  # noqa: PLC0415
    from train_easyocr.recognition.character_proposal import write_proposal  # noqa: PLC0415
    from train_easyocr.recognition.training import show_samples, train  # noqa: PLC0415
    from train_easyocr.synthesis.fonts import FontError  # noqa: PLC0415

    def work() -> None:
        if character_from is not None:
            write_proposal(config, character_from)
        elif samples:
            print(f"What training sees of the first words: {show_samples(config, samples)}")
        else:
            train(config, minutes)

    return status_of_training(work, config.experiment, PatchError, LabelsError, LabelsCsvError, FontError)


def _detector_of(config: Config) -> DetectionConfig | None:
    if not config.detection:
        return None
    from train_easyocr.detection.config import detection_of  # noqa: PLC0415

    return detection_of(config)


if __name__ == "__main__":
    sys.exit(main())

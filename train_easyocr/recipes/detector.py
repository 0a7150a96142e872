r"""How the starter's detector is made: db_light from nothing, out of rendered pages alone, on any machine.

    python3 -m train_easyocr.recipes.detector --work DIR [--minutes 60] [--pages 480] [key=value ...]

Renders pages into DIR, trains there as config_files/detection_starter.yaml says, and writes the best weights so far in
float16 to this folder when all is done or time is up. Stopped, killed or out of time, the same command goes on where it
was. The pages are of the sample documents' kinds and of those that `--kinds starter` adds, with other texts and in
other faces: those that `--faces starter` names. The weights in this folder are trained further with

    python3 -m train_easyocr.recipes.detector --work DIR --output DIR/detector.pth --pages 960 \
        continue_from=starter train_images=880 val_images=40 lr=0.0005 n_iter=6000
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from train_easyocr.common.command_line import command
from train_easyocr.detection.config import DetectionConfig, load_detection_config
from train_easyocr.detection.db_detector import DbCard, load_db_light
from train_easyocr.detection.task import train
from train_easyocr.recipes.settings import parser_of, without_places
from train_easyocr.settings.checking import CONFIG_FILES
from train_easyocr.synthesis.__main__ import main as render
from train_easyocr.synthesis.archive import TOP
from train_easyocr.weights import starter as starter_weights
from train_easyocr.weights.checkpoints import best_detector, save_weights


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    module = "train_easyocr.recipes.detector"
    parser = parser_of(module, __doc__, starter_weights.DETECTOR, "for pages, states and logs")
    parser.add_argument("--pages", type=int, default=480, help="pages, a twelfth for validation (default: %(default)s)")
    return parser.parse_intermixed_args(arguments)


@command("recipes.detector")
def main(arguments: Sequence[str] | None = None) -> int:
    """Render, train and write the weights; return the exit status."""
    args = parse_args(arguments)
    dataset = args.work / TOP
    dataset.mkdir(parents=True, exist_ok=True)  # what is wrong with the settings is said before pages are rendered
    overrides = [f"saved_models={args.work / 'saved_models'}", f"dataset={dataset}", *args.settings]
    config = load_detection_config(CONFIG_FILES / "detection_starter.yaml", overrides)
    pages = ["--pages", str(args.pages), "--validation_share", "1/12", "--seed", "2"]
    status = render(["--output", str(args.work), *pages, "--faces", "starter", "--kinds", "starter"])
    if status:
        return status
    train(config, args.minutes)
    publish_detector(best_detector(config.experiment), args.output)
    print(f"Written: {args.output}")
    return 0


def publish_detector(weights: Path, target: Path) -> DbCard:
    """Write a detector's weights in float16 with their card, without the names of folders of this machine.

    Raises:
        WeightsError: Weights or card can't be used.
    """
    model, card = load_db_light(weights)
    settings = without_places(DetectionConfig.model_validate(DetectionConfig.without_gone(card.config)))
    return save_weights(target, model, card.model_copy(update={"config": settings}), torch.float16)


if __name__ == "__main__":
    sys.exit(main())

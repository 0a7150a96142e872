r"""How the starter's detector is made: db_light from nothing, out of rendered pages alone, on any machine.

    python3 -m train_easyocr.recipes.detector --work DIR [--minutes 60] [--pages 480] [key=value ...]

Renders pages into DIR, trains there as config_files/detection_starter.yaml says, and writes the best weights so far in
float16 to this folder when all is done or time is up. Stopped, killed or out of time, the same command goes on where it
was. The pages are of the sample documents' kinds and of those that `--kinds starter` adds, with other texts and in
other faces: those that `--faces starter` names. The weights in this folder are trained further with

    python3 -m train_easyocr.recipes.detector --work DIR --output DIR/detector.pth --pages 960 --average starter 0.4 \
        continue_from=starter train_images=880 val_images=40 lr=0.001 ema=0.998 n_iter=2200

`--average` writes weights between the new ones and others: on pages unlike those of the training, such weights keep
what the others could (Wortsman et al., arXiv 2109.01903).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from train_easyocr.common.command_line import command, whole_number
from train_easyocr.common.errors import WeightsError
from train_easyocr.detection.config import DetectionConfig, load_detection_config, start_of
from train_easyocr.detection.db_detector import DbCard, DbDetector, load_db_light
from train_easyocr.detection.pages import validation_pages
from train_easyocr.detection.task import score_pages, train
from train_easyocr.engine.device import Device
from train_easyocr.recipes.settings import parser_of, without_places
from train_easyocr.settings.checking import CONFIG_FILES
from train_easyocr.synthesis.__main__ import main as render
from train_easyocr.synthesis.archive import TOP
from train_easyocr.weights import starter as starter_weights
from train_easyocr.weights.checkpoints import best_detector, save_weights

SEED = 2
"""Of the pages of part 0; those after it take the numbers that follow."""


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    module = "train_easyocr.recipes.detector"
    parser = parser_of(module, __doc__, starter_weights.DETECTOR, "for pages, states and logs")
    parser.add_argument("--pages", type=int, default=480, help="pages, a twelfth for validation (default: %(default)s)")
    parser.add_argument(
        "--average",
        nargs=2,
        metavar=("NAME", "SHARE"),
        help="write SHARE (0 to 1) of the new weights, the rest of NAME",
    )
    parser.add_argument("--part", type=whole_number(0, 1000), default=0, metavar="N", help="other numbers, other pages")
    args = parser.parse_intermixed_args(arguments)
    if args.average:
        args.average = args.average[0], _share(parser, args.average[1])
    return args


def _share(parser: argparse.ArgumentParser, text: str) -> float:
    """Return a number from 0 to 1."""
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        parser.error(f"--average: SHARE: {text!r} is no number from 0 to 1")
    return share


@command("recipes.detector")
def main(arguments: Sequence[str] | None = None) -> int:
    """Render, train and write the weights; return the exit status."""
    args = parse_args(arguments)
    dataset = args.work / TOP
    dataset.mkdir(parents=True, exist_ok=True)  # what is wrong with the settings is said before pages are rendered
    overrides = [f"saved_models={args.work / 'saved_models'}", f"dataset={dataset}", *args.settings]
    config = load_detection_config(CONFIG_FILES / "detection_starter.yaml", overrides)
    other = start_of(config.model_copy(update={"continue_from": args.average[0]})) if args.average else None
    pages = ["--pages", str(args.pages), "--validation_share", "1/12", "--seed", str(SEED + args.part)]
    status = render(["--output", str(args.work), *pages, "--faces", "starter", "--kinds", "starter"])
    if status:
        return status
    train(config, args.minutes)
    best = best_detector(config.experiment)
    if other:
        best = write_average(best, other, args.average[1], config)
    publish_detector(best, args.output)
    print(f"Written: {args.output}")
    return 0


def write_average(weights: Path, other: Path, share: float, config: DetectionConfig) -> Path:
    """Write `share` of a detector's weights and the rest of another's beside the first; return the file.

    Its card is that of the first, with the scores of the average on the training's validation pages.

    Raises:
        WeightsError: Weights or card can't be used, or the networks differ.
    """
    (model, card), (further, theirs) = load_db_light(weights), load_db_light(other)
    if card.channels != theirs.channels:
        raise WeightsError(f"{other}: its layers have other channels than those of {weights}")
    values = further.state_dict()
    for key, value in model.state_dict().items():
        if value.is_floating_point():
            value.lerp_(values[key], 1 - share)
    detector = DbDetector.of(model, config.long_side, config.db_parameters, Device.choose(config.precision))
    pages, _ = validation_pages(config)
    target = weights.with_name("average.pth")
    save_weights(target, model, card.model_copy(update={"validation": score_pages(detector, pages)}))
    return target


def publish_detector(weights: Path, target: Path) -> DbCard:
    """Write a detector's weights in float16 with their card, without the names of folders of this machine.

    Nor does it name the pages: they are rendered, nobody is scored on them, and each card of weights that begin with
    these would list them.

    Raises:
        WeightsError: Weights or card can't be used.
    """
    model, card = load_db_light(weights)
    settings = without_places(DetectionConfig.model_validate(DetectionConfig.without_gone(card.config)))
    return save_weights(target, model, card.model_copy(update={"config": settings, "trained_on": ""}), torch.float16)


if __name__ == "__main__":
    sys.exit(main())

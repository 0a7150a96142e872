"""How the starter's recognizer is made: from nothing, out of rendered words alone, on any machine.

    python3 -m train_easyocr.recipes.recognizer --work DIR [--minutes 60] [--words 240000] [--part 0] [key=value ...]

Renders words into DIR, trains there as config_files/starter_recognizer.yaml says, and writes the best weights so far in
float16 to this folder when all is done or time is up. Stopped, killed or out of time, the same command goes on where it
was. No page, face or template of the sample documents is used: words are printed in the faces that `--faces starter`
names.

More words than fit on a disk come in parts: each --part, in a --work of its own, has other words and goes on from the
weights of the one before (continue_from=DIR/saved_models/starter_recognizer/best_accuracy_ema.pth).
"""

from __future__ import annotations

import argparse
import string
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from train_easyocr.common.command_line import command, whole_number
from train_easyocr.recipes.settings import parser_of, without_places
from train_easyocr.recognition.model import open_trained
from train_easyocr.recognition.task import train
from train_easyocr.settings.checking import CONFIG_FILES
from train_easyocr.settings.config import load_config
from train_easyocr.synthesis import words
from train_easyocr.weights import starter as starter_weights
from train_easyocr.weights.checkpoints import WeightsCard, best_weights, save_weights

SIGNS = (
    12 * "." + 9 * "," + 4 * "·" + 3 * "‘’“”'\"" + 2 * "~-:;" + "()[]「」『』〔〕<>/+=×%" + "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"
    "ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩ" + string.ascii_letters + string.digits
)
"""What was misread most when words held all characters alike: points and commas in thin faces above all."""
SETS: dict[str, tuple[Any, ...]] = {
    "training/words": ("starter", 7),
    "training/signs": ("starter", 10, "--characters", SIGNS),
    "validation/words": ("unseen", 900),
}
"""Folders below --work: faces, seed and further settings of their words; validation in faces that training never sees.

A quarter of the words are of the second set, as of each batch (`batch_ratio`)."""
VALIDATION_WORDS = 4000
PARTS = 1000
"""By how much the seeds of a part's training words are above those of the part before."""


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    module = "train_easyocr.recipes.recognizer"
    parser = parser_of(module, __doc__, starter_weights.RECOGNIZER, "for words, states and logs")
    parser.add_argument("--words", type=int, default=240_000, help="to train on (default: %(default)s)")
    parser.add_argument("--part", type=whole_number(0, 1000), default=0, metavar="N", help="other numbers, other words")
    return parser.parse_intermixed_args(arguments)


@command("recipes.recognizer")
def main(arguments: Sequence[str] | None = None) -> int:
    """Render, train and write the weights; return the exit status."""
    args = parse_args(arguments)
    places = {"saved_models": args.work / "saved_models", "output": args.work}
    places |= {"train_data": args.work / "training", "val_data": args.work / "validation"}
    overrides = [*(f"{key}={path.resolve()}" for key, path in places.items()), *args.settings]
    config = load_config(CONFIG_FILES / "starter_recognizer.yaml", overrides)
    signs = args.words // 4
    counts = (args.words - signs, signs, min(args.words, VALIDATION_WORDS))
    for (folder, (faces, seed, *others)), count in zip(SETS.items(), counts, strict=True):
        settings = ["--count", str(count), "--faces", faces, *others]
        settings += ["--seed", str(seed + PARTS * args.part * folder.startswith("training"))]
        status = words.main(["--output", str(args.work / folder), *settings])
        if status:
            return status
    train(config, args.minutes)
    publish_recognizer(best_weights(config.experiment), args.output)
    print(f"Written: {args.output}")
    return 0


def publish_recognizer(weights: Path, target: Path) -> WeightsCard:
    """Write weights in float16 with their card, without the names of folders of this machine.

    Raises:
        WeightsError: Weights or card can't be used.
    """
    model, card, config = open_trained(weights)
    clean = card.model_copy(update={"validation_sets": [], "config": without_places(config)})
    return save_weights(target, model, clean, torch.float16)


if __name__ == "__main__":
    sys.exit(main())

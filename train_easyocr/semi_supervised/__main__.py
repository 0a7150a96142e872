"""Training with words that nobody labelled: a large network labels them, it and a small one learn from both.

    python3 -m train_easyocr.semi_supervised --mode both|large|small [--data DIR] [--teacher NAME] [key=value ...]
    python3 -m train_easyocr.semi_supervised --data DIR --check
    python3 -m train_easyocr.semi_supervised --data DIR --make_dict
    python3 -m train_easyocr.semi_supervised --history

Words come from step 2's sets (output=DIR; those without labels by prepare_dataset.py --unlabeled), or from DIR: images,
train.txt and val.txt (image<tab>text), train_unlabeled.txt (a path a line), dict.txt (a character a line). The networks
are marked EXPERIMENT_large and EXPERIMENT_small, names that step 4, evaluate.py and the export understand. Killed or
stopped with Ctrl-C, it goes on where it was when the same command is run again.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from train_easyocr.common.command_line import CommandParser, add_training_options, command, write_lines_at_once
from train_easyocr.common.errors import UsageError
from train_easyocr.semi_supervised.config import (
    DEFAULT_CONFIG,
    SemiSupervisedConfig,
    load_semi_supervised_config,
    training_config,
)

if TYPE_CHECKING:
    from train_easyocr.weights.bundle import Bundle

EVALUATION_SET = "evaluation_set"


def parse_args(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = CommandParser(
        prog="python3 -m train_easyocr.semi_supervised",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--mode", choices=("both", "large", "small"), help="which networks are trained; small needs --teacher")
    add("--data", type=Path, metavar="DIR", help="a folder in the form of MSTextRecLMSSLDataset, not step 2's sets")
    add("--teacher", metavar="NAME", help="weights that label for --mode small: a mark, an experiment, a file")
    add("--eval_set", type=Path, metavar="DIR", help="labelled pages to evaluate on; default: step 2's evaluation_set")
    add("--check", action="store_true", help="read all words, say what is wrong with them, and stop")
    add("--make_dict", action="store_true", help="write dict.txt in --data, and stop")
    add("--history", action="store_true", help="say which weights came from which, and stop")
    add_training_options(parser, DEFAULT_CONFIG)
    found = parser.parse_intermixed_args(arguments)
    if not (found.mode or found.check or found.make_dict or found.history):
        parser.error("say what to do: --mode, --check, --make_dict or --history")
    if found.make_dict and not found.data:
        parser.error("--make_dict writes the dict.txt of --data DIR; name that folder")
    if (found.mode == "small") != bool(found.teacher):
        parser.error("--mode small and --teacher go together: whose labels the small network is to learn from")
    return found


@command("train_easyocr.semi_supervised")
def main(arguments: Sequence[str] | None = None) -> int:
    """Train; return 1 where an evaluation could not be done."""
    options = parse_args(arguments)
    write_lines_at_once()
    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise UsageError("the stages run in one process; leave torchrun out")
    config = load_semi_supervised_config(options.config, options.settings)
    # The settings are right before anything that takes seconds is loaded.
    from train_easyocr.semi_supervised.data import gather, make_dict, places_of  # noqa: PLC0415
    from train_easyocr.semi_supervised.stages import StagedRun, TimeIsUp, history  # noqa: PLC0415

    if options.make_dict:
        path, count = make_dict(options.data)
        print(f"{path}: {count:,} characters")
        return 0
    if options.history:
        print(history(config))
        return 0
    places = places_of(config, options.data)
    if options.check:
        settings = training_config(config, "large", "teacher", character=places.character)
        print(gather(places, config.experiment, settings, config.unify_variants).describe())
        return 0
    try:
        marks = StagedRun(config, places, options.minutes).run(options.mode, options.teacher or "")
    except TimeIsUp:
        print("Time is up before all stages are done; running again goes on")
        return 0
    print(f"\n{history(config)}\n")
    return _evaluate(marks, options, config)


def _evaluate(marks: Sequence[Bundle], options: argparse.Namespace, config: SemiSupervisedConfig) -> int:
    """Read evaluation pages with all networks, where there are pages; return the exit status."""
    pages = options.eval_set
    if pages is None and options.data is None:
        pages = config.prepared / EVALUATION_SET
    if pages is None or (options.eval_set is None and not pages.is_dir()):
        print("There are no evaluation pages; --eval_set DIR names some")
        return 0
    from train_easyocr.evaluation import arguments  # noqa: PLC0415
    from train_easyocr.evaluation import command as evaluation  # noqa: PLC0415
    from train_easyocr.settings.config import check_config  # noqa: PLC0415

    names = [argument for bundle in marks for argument in ("--weights", bundle.name)]
    output = ["--output", str(config.experiment / "evaluation")]
    given = arguments.parse_args(["--eval_set", str(pages), *names, *output])
    return evaluation.run(given, check_config({"saved_models": config.saved_models, "seed": config.seed}))


if __name__ == "__main__":
    sys.exit(main())

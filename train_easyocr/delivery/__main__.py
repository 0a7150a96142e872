"""Step 4: put fine-tuned weights where EasyOCR looks for them, after proof that EasyOCR reads with them as trained.

    python3 -m train_easyocr.delivery [weights] [--config FILE] [key=value ...]
    python3 -m train_easyocr.delivery --list
    python3 -m train_easyocr.delivery --restore NAME
    python3 -m train_easyocr.delivery [weights] [--detector PATH|starter|easyocr] [--detection_settings FILE]
    python3 -m train_easyocr.delivery [weights] --refuse-if-worse analysis.json|EVALUATION_SET

Weights are files, or names that `evaluate.py --mark` gave.

EasyOCR wants three files: `model/finetuned.pth`, `user_network/finetuned.py` and `user_network/finetuned.yaml`. They
are written to a folder of their own first; validation patches are read through the training code and through
`easyocr.Reader(['ko', 'en'], recog_network='finetuned')` with these files, and only equal texts let them in.

A word detector and its settings go beside them where they are named: `model/finetuned_detector.pth` and
`model/finetuned_detection.yaml`. What is installed already stays otherwise.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from train_easyocr.common.command_line import command
from train_easyocr.common.errors import UsageError, UserError
from train_easyocr.delivery.acceptance import refuse_if_worse
from train_easyocr.delivery.archive import models_at_hand, restore
from train_easyocr.delivery.description import describe_place, list_models
from train_easyocr.delivery.install import install
from train_easyocr.detection.config import DetectionConfig, detection_of, own_detector
from train_easyocr.detection.settings import EASYOCR, FILE_NAME, tuning_folder
from train_easyocr.detection.task import BEST
from train_easyocr.settings.config import DEFAULT_CONFIG, Config, load_config
from train_easyocr.weights.checkpoints import best_weights
from train_easyocr.weights.marks import marked_detector, marked_recognizer, marked_settings
from train_easyocr.weights.model_files import Place
from train_easyocr.weights.starter import DETECTOR, STARTER


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="step4_set_finetuned_model.sh",
        description="Install fine-tuned weights into EasyOCR, after proof that EasyOCR reads with them as trained.",
    )
    parser.add_argument("arguments", nargs="*", metavar="[weights] [key=value ...]", help="default: the best accuracy")
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help="settings; default: %(default)s")
    parser.add_argument("--words", type=int, default=200, help="patches that are read both ways; default: %(default)s")
    parser.add_argument(
        "--detector",
        metavar="PATH",
        help="weights of a word detector to install, too; starter: this project's own; easyocr: EasyOCR's own again; "
        "default: the one that step 3 trained, where it trained one",
    )
    parser.add_argument(
        "--detection_settings",
        type=Path,
        metavar="FILE",
        help="the detector's settings, as tuning writes them; default: those that step 3 found, if it tuned",
    )
    parser.add_argument(
        "--refuse-if-worse", type=Path, metavar="PATH",
        help="install nothing that reads something worse, beyond chance: by the analysis.json of an evaluation of "
        "these weights (evaluate.py --baseline --weights FILE), or on a folder of pages (images/, labels/), which are "
        "read at their labelled boxes now",
    )  # fmt: skip
    parser.add_argument("--list", action="store_true", help="list the models that were installed, and stop")
    parser.add_argument("--restore", metavar="NAME", help="put back a model that was installed before")
    return parser.parse_intermixed_args(arguments)


def _refuse_if_worse(weights: Path, given: Path, seed: int) -> None:
    try:
        print(f"step 4: {refuse_if_worse(weights, given, seed)}")
    except UserError as error:
        raise UserError(f"{error}; nothing was installed") from None


def _chosen_weights(weights: Path | None, config: Config) -> Path:
    """Return the weights that are meant: a file, a mark, or the best of the experiment."""
    if weights is None:
        return best_weights(config.experiment)
    return weights if weights.is_file() else marked_recognizer(str(weights), Path(config.saved_models)) or weights


def _chosen_detector(detector: str | None, settings: Path | None, config: Config) -> tuple[str | None, Path | None]:
    """Return the detector that is meant, and its settings: a file, the starter's, a mark's, or what step 3 trained."""
    if detector is None:
        return _trained_detector(config), settings or _tuned_settings(config)
    if detector == EASYOCR or Path(detector).is_file():
        return detector, settings
    if detector == STARTER:
        return str(DETECTOR), settings
    saved_models = Path(config.saved_models)
    kept, kept_settings = marked_detector(detector, saved_models), marked_settings(detector, saved_models)
    if kept is None and kept_settings is not None:
        return EASYOCR, settings or kept_settings
    return (str(kept), settings or kept_settings) if kept else (detector, settings)


def _trained_detector(config: Config) -> str | None:
    """Return the detector that step 3 trained with the recognizer, if the settings ask for one.

    Raises:
        UserError: It is not there.
    """
    if not config.detection:
        return None
    detection = detection_of(config)
    # What was trained on pages is installed without them, too; words alone have no detector.
    without_pages = [own_detector(config), DetectionConfig(saved_models=config.saved_models).experiment]
    folders = without_pages if detection is None else [detection.experiment]
    trained = next((file for folder in folders if (file := folder / f"{BEST}.pth").is_file()), None)
    if trained is not None:
        return str(trained)
    if detection is None:
        return None
    missing = detection.experiment / f"{BEST}.pth"
    raise UserError(
        f"{missing}: there is no such file; step 3 trains the detector after the recognizer. detection= leaves it out"
    )


def _tuned_settings(config: Config) -> Path | None:
    """Return the detector's settings that step 3 found, if the settings ask for them."""
    path = tuning_folder(config.experiment) / FILE_NAME
    if config.detection_tuning and not path.is_file():
        raise UserError(f"{path}: there is no such file; step 3 writes it, or set detection_tuning=0")
    return path if config.detection_tuning else None


def _split_arguments(arguments: Sequence[str]) -> tuple[Path | None, list[str]]:
    settings = [argument for argument in arguments if argument.partition("=")[0].isidentifier() and "=" in argument]
    weights = [argument for argument in arguments if argument not in settings]
    if len(weights) > 1:
        raise UsageError(f"one file of weights can be installed, not {len(weights)}: {', '.join(weights)}")
    return (Path(weights[0]) if weights else None), settings


@command("step 4")
def main(arguments: Sequence[str] | None = None) -> None:
    """Run step 4."""
    args = parse_args(arguments)
    weights, settings = _split_arguments(args.arguments)
    if args.list:
        print(list_models(models_at_hand(Place.installed())))
        return
    if args.restore:
        place = restore(args.restore)
    else:
        config = load_config(args.config, settings)
        chosen = _chosen_weights(weights, config)
        detector, detection_settings = _chosen_detector(args.detector, args.detection_settings, config)
        if args.refuse_if_worse and chosen.is_file():
            _refuse_if_worse(chosen, args.refuse_if_worse, config.seed)
        place = install(chosen, config, words=args.words, detector=detector, detection_settings=detection_settings)
    print(describe_place(place))


if __name__ == "__main__":
    sys.exit(main())

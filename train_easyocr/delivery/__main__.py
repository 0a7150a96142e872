"""Step 4: put fine-tuned weights where EasyOCR looks for them, after proof that EasyOCR reads with them as trained.

    python3 -m train_easyocr.delivery [weights] [--config FILE] [key=value ...]
    python3 -m train_easyocr.delivery --list
    python3 -m train_easyocr.delivery --restore NAME
    python3 -m train_easyocr.delivery [weights] [--detector NAME] [--detection_settings FILE]
    python3 -m train_easyocr.delivery [weights] --refuse_if_worse analysis.json|EVALUATION_SET

Weights are files, or names that stand for them: `starter`, a mark, an experiment (see `weights.bundle`). A detector
that belongs to them is installed with them.

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

from train_easyocr.common.command_line import CommandParser, command
from train_easyocr.common.errors import UsageError, UserError, consequence
from train_easyocr.delivery.acceptance import refuse_if_worse
from train_easyocr.delivery.archive import models_at_hand, restore
from train_easyocr.delivery.description import describe_place, list_models
from train_easyocr.delivery.install import install
from train_easyocr.detection.config import DetectionConfig, detection_of, own_detector
from train_easyocr.settings.config import DEFAULT_CONFIG, load_config
from train_easyocr.settings.parts import DetectorChoice, ExperimentSettings
from train_easyocr.weights.bundle import SETTINGS, Bundle, open_bundle, tuning_folder
from train_easyocr.weights.checkpoints import best_detector, best_weights
from train_easyocr.weights.model_files import Place


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = CommandParser(
        prog="step4_set_finetuned_model.sh",
        description="Install fine-tuned weights into EasyOCR, after proof that EasyOCR reads with them as trained.",
    )
    parser.add_argument("arguments", nargs="*", metavar="[weights] [key=value ...]", help="default: the best accuracy")
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help="settings; default: %(default)s")
    parser.add_argument("--words", type=int, default=200, help="patches that are read both ways; default: %(default)s")
    parser.add_argument(
        "--detector",
        metavar="NAME",
        help="whose word detector to install, too: starter, easyocr (EasyOCR's own again), a mark, an experiment, a "
        "file; default: that of the weights, or the one that step 3 trained, where it trained one",
    )
    parser.add_argument(
        "--detection_settings",
        type=Path,
        metavar="FILE",
        help="the detector's settings, as tuning writes them; default: those that step 3 found, if it tuned",
    )
    parser.add_argument(
        "--refuse_if_worse", type=Path, metavar="PATH",
        help="install nothing that reads something worse, beyond chance: by the analysis.json of an evaluation of "
        "these weights (evaluate.py --baseline --weights FILE), or on a folder of pages (images/, labels/), which are "
        "read at their labelled boxes now",
    )  # fmt: skip
    parser.add_argument("--list", action="store_true", help="list the models that were installed, and stop")
    parser.add_argument("--restore", metavar="NAME", help="put back a model that was installed before")
    return parser.parse_intermixed_args(arguments)


@consequence("nothing was installed")
def _refuse_if_worse(weights: Path, given: Path, seed: int) -> None:
    print(f"step 4: {refuse_if_worse(weights, given, seed)}")


def _chosen(name: str | None, config: ExperimentSettings) -> Bundle:
    """Return what is to be installed: what a name stands for, or the best weights of the experiment."""
    if name is None:
        return Bundle(config.experiment_name, best_weights(config.experiment))
    if Path(name).suffix == ".pth":  # a file that is not there is missing (1), not a wrong command (2)
        return open_bundle(name) if Path(name).exists() else Bundle(name, Path(name))
    return open_bundle(name, Path(config.saved_models))


def _weights_of(bundle: Bundle) -> Path:
    weights = bundle.part("recognizer", "weights")
    if isinstance(weights, str):
        raise UsageError(f"{bundle.name}: EasyOCR has its own weights already; name others to be installed")
    return weights


def _chosen_detector(
    name: str | None, settings: Path | None, bundle: Bundle, config: DetectorChoice
) -> tuple[Bundle | None, Path | None]:
    """Return the detector that is meant: what a name stands for, the bundle's own, or what step 3 trained.

    Returns:
        The bundle that holds it, and its settings where it is to have others.
    """
    if name is not None:
        detector = open_bundle(name, Path(config.saved_models), "--detector")
        detector.part("detector", "--detector")
        return detector, settings
    if bundle.detector is not None:
        return bundle, settings
    trained = _trained_detector(config)
    found = Bundle(config.experiment_name, detector=trained) if trained else None
    return found, settings or _tuned_settings(config)


def _trained_detector(config: DetectorChoice) -> Path | None:
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
    trained = next((file for folder in folders if (file := best_detector(folder)).is_file()), None)
    if trained is not None:
        return trained
    if detection is None:
        return None
    missing = best_detector(detection.experiment)
    raise UserError(
        f"{missing}: there is no such file; step 3 trains the detector after the recognizer. detection= leaves it out"
    )


def _tuned_settings(config: DetectorChoice) -> Path | None:
    """Return the detector's settings that step 3 found, if the settings ask for them."""
    path = tuning_folder(config.experiment) / SETTINGS
    if config.detection_tuning and not path.is_file():
        raise UserError(f"{path}: there is no such file; step 3 writes it, or set detection_tuning=0")
    return path if config.detection_tuning else None


def _split_arguments(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    settings = [argument for argument in arguments if argument.partition("=")[0].isidentifier() and "=" in argument]
    weights = [argument for argument in arguments if argument not in settings]
    if len(weights) > 1:
        raise UsageError(f"one file of weights can be installed, not {len(weights)}: {', '.join(weights)}")
    return (weights[0] if weights else None), settings


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
        bundle = _chosen(weights, config)
        chosen = _weights_of(bundle)
        detector, detection_settings = _chosen_detector(args.detector, args.detection_settings, bundle, config)
        if args.refuse_if_worse and chosen.is_file():
            _refuse_if_worse(chosen, args.refuse_if_worse, config.seed)
        place = install(chosen, config, words=args.words, detector=detector, detection_settings=detection_settings)
    print(describe_place(place))


if __name__ == "__main__":
    sys.exit(main())

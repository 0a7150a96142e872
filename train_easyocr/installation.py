"""Step 4: put fine-tuned weights where EasyOCR looks for them, after proof that EasyOCR reads with them as trained.

    python3 -m train_easyocr.installation [weights] [--config FILE] [key=value ...]
    python3 -m train_easyocr.installation --list
    python3 -m train_easyocr.installation --restore NAME
    python3 -m train_easyocr.installation [weights] [--detector PATH|easyocr] [--detection_settings FILE]
    python3 -m train_easyocr.installation [weights] --refuse-if-worse analysis.json|EVALUATION_SET

Weights are files, or names that `evaluate.py --mark` gave.

EasyOCR wants three files: `model/finetuned.pth`, `user_network/finetuned.py` and `user_network/finetuned.yaml`. They
are written to a folder of their own first; validation patches are read through the training code and through
`easyocr.Reader(['ko', 'en'], recog_network='finetuned')` with these files, and only equal texts let them in.

A word detector and its settings go beside them where they are named: `model/finetuned_detector.pth` and
`model/finetuned_detection.yaml`. What is installed already stays otherwise.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray

from train_easyocr import easyocr_weights
from train_easyocr.config import DEFAULT_CONFIG, Config, ConfigError, check_config, load_config
from train_easyocr.detection.config import detection_of
from train_easyocr.detection.installed import DetectionFiles
from train_easyocr.detection.opening import CRAFT, open_word_detector
from train_easyocr.detection.parameters import CraftParameters
from train_easyocr.detection.settings import EASYOCR, FILE_NAME, SettingsError, read_settings, tuning_folder
from train_easyocr.detection.staging import copy_or_remove, sheet_of, stage_detection
from train_easyocr.detection.training import BEST
from train_easyocr.documents import Box
from train_easyocr.easyocr_weights import DamagedWeights
from train_easyocr.files import replacing, sha256, write_text
from train_easyocr.marks import marked_detector, marked_recognizer, marked_settings
from train_easyocr.reader import ReaderError, WordReader, open_fast, open_finetuned
from train_easyocr.recognition import network
from train_easyocr.recognition.batches import InputSettings
from train_easyocr.recognition.characters import CharacterSet, CtcConverter
from train_easyocr.recognition.checkpoints import CheckpointError, WeightsCard, best_weights, load_pretrained, read_card
from train_easyocr.recognition.computing import Computing
from train_easyocr.recognition.data import DataError, PatchError, open_set
from train_easyocr.recognition.fast_network import Precision
from train_easyocr.recognition.model import NETWORK_SETTINGS, build_model
from train_easyocr.recognition.validation import read_patches
from train_easyocr.text import format_table

NAME = "finetuned"
LANGUAGES = ["ko", "en"]
"""With `ko` alone in its list, EasyOCR refuses `Reader(['ko', 'en'])`, which is what lets Latin letters through."""
ARCHIVE = "previous_models"

Image = NDArray[np.uint8]


class InstallationError(RuntimeError):
    """A model was not installed; the message says why and what to do."""


@dataclass(frozen=True)
class Place:
    """Where the files of one model are: EasyOCR's two folders, or a folder that stands in for both."""

    model: Path
    user_network: Path

    @classmethod
    def installed(cls) -> Place:
        """Return EasyOCR's folders as it would choose them now."""
        return cls(easyocr_weights.model_directory(), easyocr_weights.user_network_directory())

    @contextlib.contextmanager
    def as_easyocr_sees_it(self) -> Iterator[None]:
        """Make these folders EasyOCR's for as long as the block runs; `model` and `user_network` lie side by side."""
        before = os.environ.get("EASYOCR_MODULE_PATH")
        os.environ["EASYOCR_MODULE_PATH"] = str(self.model.parent)
        try:
            yield
        finally:
            if before is None:
                del os.environ["EASYOCR_MODULE_PATH"]
            else:
                os.environ["EASYOCR_MODULE_PATH"] = before

    @property
    def weights(self) -> Path:
        """The weights."""
        return self.model / f"{NAME}.pth"

    @property
    def card(self) -> Path:
        """What the weights are; ours, EasyOCR does not read it."""
        return self.model / f"{NAME}.json"

    @property
    def network(self) -> Path:
        """The network's definition."""
        return self.user_network / f"{NAME}.py"

    @property
    def settings(self) -> Path:
        """Image height, languages, characters and the network's arguments."""
        return self.user_network / f"{NAME}.yaml"

    @property
    def files(self) -> list[Path]:
        """The recognizer's, in the order in which they are put in place."""
        return [self.network, self.settings, self.weights, self.card]

    @property
    def detection(self) -> DetectionFiles:
        """The detector's files, where one is installed."""
        return DetectionFiles(self.model)


def easyocr_settings(card: WeightsCard) -> str:
    """Return the text of `finetuned.yaml` for weights that `card` describes."""
    parts = [
        str(card.network[part]) for part in ("Transformation", "FeatureExtraction", "SequenceModeling", "Prediction")
    ]
    described = (
        f"# {card.experiment_name}, iteration {card.iteration}: {'-'.join(parts)}, "
        f"validation accuracy {card.validation.accuracy:.2f} %, weights {card.weights_sha256[:12]}\n"
    )
    settings: dict[str, Any] = {
        "imgH": card.img_height,
        "lang_list": LANGUAGES,
        "character_list": card.character,
        # EasyOCR hands the number of classes over by itself; the head is always CTC.
        "network_params": {key: card.network[key] for key in NETWORK_SETTINGS},
    }
    return described + yaml.safe_dump(settings, allow_unicode=True, sort_keys=False, width=1_000_000)


def stage(weights: Path, card: WeightsCard, place: Place) -> None:
    """Write the files of one model to `place`.

    Raises:
        InstallationError: EasyOCR can't use such weights.
    """
    _refuse_unsuitable(weights, card)
    source = Path(network.__file__).read_text(encoding="utf-8")
    write_text(place.network, f"# Network of {card.experiment_name}; finetuned.yaml holds its arguments.\n{source}")
    write_text(place.settings, easyocr_settings(card))
    for original, copy in ((weights, place.weights), (weights.with_suffix(".json"), place.card)):
        with replacing(copy) as temporary:
            shutil.copyfile(original, temporary)


def open_weights(weights: Path, cuda: bool = False, precision: Precision | None = None) -> WordReader:
    """Open weights for fast reading without installing them.

    Args:
        weights: A `.pth` file with its card (`.json`) beside it.
        cuda: Use the GPU.
        precision: As in `WordReader`.

    Raises:
        CheckpointError: Weights or card can't be used.
        InstallationError: EasyOCR can't use such weights.
        ReaderError: The weights don't fit their card.
    """
    card = read_card(weights)
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder) / "model", Path(folder) / "user_network")
        stage(weights, card, place)
        with place.as_easyocr_sees_it():
            return open_fast(cuda, precision)


def _refuse_unsuitable(weights: Path, card: WeightsCard) -> None:
    if card.network["Prediction"] != "CTC":
        raise InstallationError(
            f"{weights}: was trained with Prediction: {card.network['Prediction']}, but EasyOCR decodes CTC only; "
            "train with Prediction: CTC"
        )
    if card.rgb:
        raise InstallationError(f"{weights}: was trained on RGB, but EasyOCR reads grey; train with rgb: False")
    if not card.PAD:
        raise InstallationError(
            f"{weights}: was trained on stretched words, but EasyOCR keeps proportions; train with PAD: True"
        )


@dataclass(frozen=True)
class Reading:
    """One validation patch, read both ways."""

    name: str
    label: str
    trained: str
    easyocr: str


def read_both_ways(
    place: Place, card: WeightsCard, patches: Sequence[tuple[str, str, Image]], *, quantize: bool = False
) -> list[Reading]:
    """Read patches through the training code and through EasyOCR's `Reader` with the files of `place`.

    Args:
        place: A model's files.
        card: What the weights are.
        patches: Name, label and grey image (uint8, height x width) of each patch.
        quantize: Let EasyOCR turn LSTMs and linear layers into int8, as it does on a CPU unless told otherwise. Off
            for the comparison: int8 rounds, and what it reads differently says nothing about a wrong installation.
    """
    images = [image for _, _, image in patches]
    config = check_config(card.config)
    model = build_model(config, card.network["num_class"])
    load_pretrained(model, place.weights)
    trained = read_patches(
        model,
        CtcConverter(CharacterSet(card.character)),
        images,
        InputSettings.from_config(config),
        computing=Computing(torch.device("cpu"), "fp32"),
    )
    with place.as_easyocr_sees_it():
        reader = open_finetuned(quantize=quantize)
        # Without the second try at low confidence, which is not the network's doing.
        texts = [reader.recognize(image, [_whole(image)], contrast_ths=0.0)[0][0] for image in images]
    return [
        Reading(name, label, text, other)
        for (name, label, _), (text, _), other in zip(patches, trained, texts, strict=True)
    ]


def _whole(image: Image) -> Box:
    return Box(0, 0, image.shape[1], image.shape[0])


def compare(readings: Sequence[Reading], card: WeightsCard, *, same_patches: bool) -> None:
    """Let only a model pass that EasyOCR reads as trained.

    Equal texts show that EasyOCR got the network, the weights and the input size right. Characters could still be
    swapped in the card, from which both ways take them; then neither reads what the labels say, so the share of right
    words is held against the accuracy that was measured in training.

    Args:
        readings: Validation patches, read both ways.
        card: What the weights are.
        same_patches: The patches are from the sets that the accuracy in the card was measured on.

    Raises:
        InstallationError: The texts differ, or the accuracy is far below the card's.
    """
    different = [reading for reading in readings if reading.trained != reading.easyocr]
    if different:
        table = format_table(
            ["patch", "training code", "EasyOCR"], [[r.name, r.trained, r.easyocr] for r in different[:10]]
        )
        raise InstallationError(
            f"EasyOCR reads {len(different)} of {len(readings)} validation patches otherwise than training does; "
            f"nothing was installed:\n{table}"
        )
    if not same_patches or not card.sensitive:
        return
    expected = card.validation.accuracy / 100
    accuracy = sum(reading.trained == reading.label for reading in readings) / len(readings)
    # Four standard errors of a share measured on so many words, and half a per cent for the words left out of training.
    tolerance = 4 * math.sqrt(max(expected * (1 - expected), 0.01) / len(readings)) + 0.005
    if accuracy < expected - tolerance:
        raise InstallationError(
            f"the weights read {accuracy:.1%} of {len(readings)} validation patches right, but {expected:.1%} in "
            "training: the card's characters, image height or network are not those of the training; nothing was "
            "installed"
        )


def validation_patches(
    folders: Sequence[Path], card: WeightsCard, config: Config, count: int
) -> list[tuple[str, str, Image]]:
    """Return `count` usable validation patches, spread evenly over the sets: name, label, grey image each.

    Raises:
        InstallationError: There is no such patch.
    """
    try:
        sets = [open_set(folder, config, CharacterSet(card.character)) for folder in folders]
        usable = [(words, index) for words in sets for index in range(len(words))]
        spread = np.linspace(0, len(usable) - 1, min(count, len(usable))).astype(int)
        picked = [usable[number] for number in spread]
        patches = [(words.place(index), words.label(index), words.patch(index, False)) for words, index in picked]
    except (DataError, PatchError) as error:
        raise InstallationError(f"no validation patches to check the model with: {error}") from None
    if not patches:
        raise InstallationError(f"no validation patches to check the model with in {', '.join(map(str, folders))}")
    return patches


def install(
    weights: Path,
    config: Config,
    *,
    words: int = 200,
    detector: str | None = None,
    detection_settings: Path | None = None,
) -> Place:
    """Check weights as EasyOCR would use them and install them; what was installed before is kept in the archive.

    Args:
        weights: A `.pth` file with its card (`.json`) beside it.
        config: Says where the validation patches are.
        words: How many patches are read both ways.
        detector: Weights of a word detector to be installed, or `easyocr` for EasyOCR's own detector; None leaves the
            one that is installed, unless `detection_settings` are for EasyOCR's weights.
        detection_settings: The detector's settings, as tuning writes them; None takes those that its weights have.

    Returns:
        Where the model is now.

    Raises:
        InstallationError: EasyOCR would not read as trained; everything is as it was.
    """
    if not weights.is_file():
        raise InstallationError(f"{weights}: there is no such file; step 3 writes it, or name the weights to install")
    try:
        card = read_card(weights)
    except CheckpointError as error:
        raise InstallationError(str(error)) from None
    folders = config.validation_sets
    place = Place.installed()
    place.model.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".finetuned-", dir=place.model.parent) as folder:
        staged = Place(Path(folder) / "model", Path(folder) / "user_network")
        stage(weights, card, staged)
        try:
            stage_detection(detector, detection_settings, place.detection, staged.detection)
        except (SettingsError, CheckpointError) as error:
            raise InstallationError(f"{error}; nothing was installed") from None
        patches = validation_patches(folders, card, config, words)
        try:
            readings = read_both_ways(staged, card, patches)
        except (ReaderError, CheckpointError) as error:
            raise InstallationError(f"{error}; nothing was installed") from None
        compare(readings, card, same_patches=[str(path) for path in folders] == card.validation_sets)
        print(f"step 4: EasyOCR reads all of {len(readings)} validation patches exactly as the training code does")
        _report_int8(readings, read_both_ways(staged, card, patches, quantize=True))
        if detector is not None or detection_settings is not None:
            check_detection(staged, [image for _, _, image in patches])
        archive_installed(place)
        _put(staged, place)
    return place


def _report_int8(exact: Sequence[Reading], quantized: Sequence[Reading]) -> None:
    different = sum(a.easyocr != b.easyocr for a, b in zip(exact, quantized, strict=True))
    print(
        f"step 4: in int8, EasyOCR's default on a CPU, {different} of {len(exact)} read otherwise"
        + ("; Reader(..., quantize=False) reads as trained" if different else "")
    )


def check_detection(staged: Place, patches: Sequence[Image]) -> None:
    """Let only a detector pass that finds the same words in a `Reader` of EasyOCR as by itself.

    Args:
        staged: The files of a model, a detector's among them; without, there is nothing to check.
        patches: Words, of which a sheet is made.

    Raises:
        InstallationError: It can't be used, or finds something else.
    """
    files = staged.detection
    if not files.settings.is_file():
        print("step 4: words are found by EasyOCR's own detector, with its own settings")
        return
    sheet = sheet_of(patches[:60])
    try:
        settings = read_settings(files.settings)
        source = files.weights if files.weights.is_file() else CRAFT
        alone = open_word_detector(source).detector.with_parameters(settings.detector_parameters)
        expected = alone.boxes(alone.score_maps(sheet))
        with staged.as_easyocr_sees_it():
            found = open_finetuned(detector=True, quantize=False).detect(sheet)
    except (SettingsError, CheckpointError, ReaderError, FileNotFoundError, DamagedWeights) as error:
        raise InstallationError(f"{error}; nothing was installed") from None
    if sorted(found) != sorted(expected):
        raise InstallationError(
            f"the detector finds {len(expected)} boxes on a sheet, and through EasyOCR {len(found)} that are not the "
            "same; nothing was installed"
        )
    print(f"step 4: the detector finds {len(found)} boxes on a sheet of {len(patches[:60])} words, the same in EasyOCR")


def _put(source: Place, target: Place) -> None:
    # Settings of a detector count as soon as they are there: the old ones go first, the new ones come last.
    target.detection.settings.unlink(missing_ok=True)
    originals = [*source.files, *source.detection.files]
    for original, copy in zip(originals, [*target.files, *target.detection.files], strict=True):
        copy_or_remove(original, copy)


def _name_of(place: Place) -> str:
    digest = sha256(place.weights)
    if place.detection.settings.is_file():
        parts = [digest, *(sha256(path) for path in place.detection.files if path.is_file())]
        digest = hashlib.sha256(" ".join(parts).encode()).hexdigest()
    try:
        experiment = read_card(place.weights).experiment_name
    except CheckpointError:
        experiment = "unknown"  # a model that somebody else installed
    return f"{experiment}-{digest[:8]}"


def _archive(place: Place) -> Path:
    return place.model.parent / ARCHIVE


def archive_installed(place: Place) -> str | None:
    """Copy the installed model to the archive, named after its experiment and its weights; None if there is none."""
    if not all(path.is_file() for path in (place.network, place.settings, place.weights)):
        return None
    name = _name_of(place)
    folder = _archive(place) / name
    if not (folder / place.weights.name).is_file():
        _put(place, Place(folder, folder))
        print(f"step 4: the model installed before is kept as {name}")
    return name


def previous_models(place: Place) -> list[tuple[str, WeightsCard | None, bool]]:
    """Return name, card (None where there is none) and whether it is the installed one, of every model at hand."""
    found = []
    for name, where in _places(place).items():
        try:
            card = read_card(where.weights)
        except CheckpointError:
            card = None
        found.append((name, card, where is place))
    return found


def _places(place: Place) -> dict[str, Place]:
    """Return where each model at hand is, by name; that of the installed one is `place` itself."""
    folders = [path for path in _archive(place).glob("*") if (path / place.weights.name).is_file()]
    places = {folder.name: Place(folder, folder) for folder in folders}
    if place.weights.is_file():
        places[_name_of(place)] = place
    return dict(sorted(places.items()))


def describe_detector(files: DetectionFiles) -> str:
    """Return in a word or two which detector a model is installed with."""
    if not files.settings.is_file():
        return "EasyOCR's"
    try:
        settings = read_settings(files.settings)
    except SettingsError:
        return "broken"
    return "EasyOCR's, tuned" if settings.weights_sha256 == EASYOCR else settings.network


def restore(name: str) -> Place:
    """Put a model of the archive back; the one that is installed now is kept.

    Raises:
        InstallationError: There is no model of that name.
    """
    place = Place.installed()
    folder = _archive(place) / name
    if not (folder / place.weights.name).is_file():
        known = ", ".join(known_name for known_name, _, _ in previous_models(place)) or "none"
        raise InstallationError(f"no model named {name} was installed before; there are: {known}")
    archive_installed(place)
    _put(Place(folder, folder), place)
    return place


def describe_place(place: Place) -> str:
    """Return the tree of the installed files and the lines of Python that use them."""
    root = place.model.parent
    custom = place.user_network.parent != root
    there = [path.name for path in place.detection.files if path.is_file()]
    names = [place.weights.name, *(name for name in there if not name.endswith(".json"))]
    model = "\n".join(f"│   {'└' if name == names[-1] else '├'}── {name}" for name in names)
    return f"""{place.model if custom else root}
├── model
{model}
└── user_network
    ├── {place.network.name}
    └── {place.settings.name}

{usage(place.detection)}"""


def usage(files: DetectionFiles) -> str:
    """Return the lines of Python that read a page with the installed model and its detector."""
    opening = f"easyocr.Reader(['ko', 'en'], recog_network='{NAME}'"
    if not files.settings.is_file():
        return f"import easyocr\nreader = {opening})\nprint(reader.readtext('page.jpg'))"
    settings = read_settings(files.settings)
    parameters = settings.detector_parameters
    if settings.weights_sha256 == EASYOCR and isinstance(parameters, CraftParameters):
        arguments = parameters.easyocr_arguments()
        if arguments is not None:
            shown = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
            return f"import easyocr\nreader = {opening})\nprint(reader.readtext('page.jpg', {shown}))"
    return (
        "import easyocr\n"
        "from train_easyocr.detection.installed import use_installed_detector\n"
        f"reader = use_installed_detector({opening}, detector=False))\n"
        "print(reader.readtext('page.jpg'))"
    )


def _print_list(place: Place) -> None:
    places = _places(place)
    rows = [
        [
            name,
            "yes" if installed else "",
            card.iteration if card else "-",
            f"{card.validation.accuracy:.2f}" if card else "-",
            f"{card.validation.norm_ed:.4f}" if card else "-",
            describe_detector(places[name].detection),
        ]
        for name, card, installed in previous_models(place)
    ]
    header = ["name", "installed", "iteration", "accuracy", "norm_ED", "detector"]
    print(format_table(header, rows) if rows else "no model is installed")


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
        help="weights of a word detector to install, too; easyocr: EasyOCR's own again; "
        "default: the one that step 3 trained, where the setting `detection` names one",
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
    # Evaluation opens models by way of this module.
    from train_easyocr.evaluation.acceptance import RefusedError, refuse_if_worse  # noqa: PLC0415

    try:
        print(f"step 4: {refuse_if_worse(weights, given, seed)}")
    except RefusedError as error:
        raise InstallationError(f"{error}; nothing was installed") from None


def _chosen_weights(weights: Path | None, config: Config) -> Path:
    """Return the weights that are meant: a file, a mark, or the best of the experiment."""
    if weights is None:
        return best_weights(config.experiment)
    return weights if weights.is_file() else marked_recognizer(str(weights), Path(config.saved_models)) or weights


def _chosen_detector(detector: str | None, settings: Path | None, config: Config) -> tuple[str | None, Path | None]:
    """Return the detector that is meant, and its settings: a file, what a mark kept, or what step 3 trained."""
    if detector is None:
        return _trained_detector(config), settings or _tuned_settings(config)
    if detector == EASYOCR or Path(detector).is_file():
        return detector, settings
    saved_models = Path(config.saved_models)
    kept, kept_settings = marked_detector(detector, saved_models), marked_settings(detector, saved_models)
    if kept is None and kept_settings is not None:
        return EASYOCR, settings or kept_settings
    return (str(kept), settings or kept_settings) if kept else (detector, settings)


def _trained_detector(config: Config) -> str | None:
    """Return the detector that step 3 trained with the recognizer, if the settings name one."""
    detection = detection_of(config)
    return str(detection.experiment / f"{BEST}.pth") if detection else None


def _tuned_settings(config: Config) -> Path | None:
    """Return the detector's settings that step 3 found, if the settings ask for them."""
    path = tuning_folder(config.experiment) / FILE_NAME
    if config.tuning_trials and not path.is_file():
        raise InstallationError(f"{path}: there is no such file; step 3 writes it, or set detection_tuning=0")
    return path if config.tuning_trials else None


def _split_arguments(arguments: Sequence[str]) -> tuple[Path | None, list[str]]:
    settings = [argument for argument in arguments if argument.partition("=")[0].isidentifier() and "=" in argument]
    weights = [argument for argument in arguments if argument not in settings]
    if len(weights) > 1:
        raise InstallationError(f"one file of weights can be installed, not {len(weights)}: {', '.join(weights)}")
    return (Path(weights[0]) if weights else None), settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run step 4; return the exit status."""
    args = parse_args(arguments)
    try:
        weights, settings = _split_arguments(args.arguments)
        if args.list:
            _print_list(Place.installed())
            return 0
        if args.restore:
            place = restore(args.restore)
        else:
            config = load_config(args.config, settings)
            chosen = _chosen_weights(weights, config)
            detector, detection_settings = _chosen_detector(args.detector, args.detection_settings, config)
            if args.refuse_if_worse and chosen.is_file():
                _refuse_if_worse(chosen, args.refuse_if_worse, config.seed)
            place = install(chosen, config, words=args.words, detector=detector, detection_settings=detection_settings)
    except (InstallationError, ConfigError) as error:
        print(f"step 4: {error}", file=sys.stderr)
        return 1
    print(describe_place(place))
    return 0


if __name__ == "__main__":
    sys.exit(main())

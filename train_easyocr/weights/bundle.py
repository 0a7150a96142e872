"""Bundles: a recognizer and a detector with its settings, in a folder; and the one answer to what a name stands for.

| name | bundle |
|---|---|
| `starter` | the weights that come with this package |
| `easyocr` | EasyOCR's own, as published |
| `installed` | what step 4 installed |
| a path | a folder with a bundle; or a `.pth`, a bundle of one |
| a mark | what `evaluate.py --mark` kept: `<saved_models>/marked/NAME` |
| `korean_g2`, `craft` and the others | one file of EasyOCR's own |
| an experiment | the best weights in `<saved_models>/NAME`, and the detector that was trained with them |
| an archived model | what step 4 had installed before: `--list` names them |

What comes first in this table is meant where several have a name. The folder of a bundle holds `recognizer.pth`,
`detector.pth`, their cards (`.json`), `detection_settings.yaml`, and the card of all, `bundle.json`: the SHA-256 of
each file. What is not there is not part of it; folders of before `bundle.json` are bundles, too.
"""

from __future__ import annotations

import difflib
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import yaml

from train_easyocr.common.errors import MissingWeightsError, UsageError, WeightsError
from train_easyocr.common.files import read_json_object, sha256, write_json
from train_easyocr.common.publishing import publishing
from train_easyocr.weights import starter as starter_weights
from train_easyocr.weights.checkpoints import best_detector, best_weights, card_path
from train_easyocr.weights.easyocr_weights import easyocr_tables, find_weights, recognition_entries
from train_easyocr.weights.model_files import Place
from train_easyocr.weights.starter import STARTER

EASYOCR, INSTALLED = "easyocr", "installed"
KOREAN: Final = "korean_g2"
CRAFT: Final = "craft"
"""What EasyOCR calls its Korean recognizer, whether `['ko']` or `['ko', 'en']` is asked for, and its detector."""
MARKED = "marked"
"""The folder of all marks, below that of the experiments."""
CARD = "bundle.json"
RECOGNIZER, DETECTOR, SETTINGS = "recognizer.pth", "detector.pth", "detection_settings.yaml"
WEIGHTS = (RECOGNIZER, DETECTOR, "finetuned.pth", "best_accuracy.pth", "best_f1.pth")
"""By one of these a folder with a bundle is known: a bundle's own, an archived model's, an experiment's."""
FORMAT = 1
SHOWN = 12
"""Names that are listed where one is unknown."""

Weights = Path | str
"""A `.pth`, its card beside it where it has one; or one of EasyOCR's own by its name, downloaded when it is needed."""

_MARK = re.compile(r"[^\W_][\w.+-]{0,60}")


@dataclass(frozen=True)
class Bundle:
    """Weights that belong together.

    Attributes:
        name: What it was asked for as.
        recognizer: Reads words; None where there is none.
        detector: Finds them; None where there is none.
        settings: The detector's, where it has others than its weights come with.
    """

    name: str
    recognizer: Weights | None = None
    detector: Weights | None = None
    settings: Path | None = None

    def part(self, what: Literal["recognizer", "detector"], asked_by: str) -> Weights:
        """Return a part that has to be there.

        Args:
            what: Which.
            asked_by: The setting or the option that named the bundle.

        Raises:
            UsageError: It is not there.
        """
        found: Weights | None = getattr(self, what)
        if found is None:
            raise UsageError(f"{asked_by}: {self.name} holds no {what}")
        return found


def file_of(weights: Weights) -> Path:
    """Return the file of weights; what it raises, it raises for EasyOCR's own (`find_weights`)."""
    return weights if isinstance(weights, Path) else find_weights(weights)


def recognizer_of(name: str) -> Path:
    """Return the file of the recognizer that a name stands for; an argparse type."""
    return file_of(open_bundle(name, asked_by="--weights").part("recognizer", "--weights"))


def open_bundle(name: str | Path, saved_models: Path = Path("saved_models"), asked_by: str = "weights") -> Bundle:
    """Find what a name stands for; the table above says which there are. Nothing is loaded, nor downloaded.

    Args:
        name: The name.
        saved_models: The folder of experiments and marks.
        asked_by: The setting or the option that has it, for the message.

    Raises:
        UsageError: Nothing has this name; the message lists names, the nearest first.
        WeightsError: A file of the bundle is not the one that its card names.
    """
    name = str(name)
    for bundle in _candidates(name, saved_models):
        if bundle is not None:
            return bundle
    if Path(name).suffix == ".pth" or len(Path(name).parts) > 1:
        raise UsageError(f"{asked_by}: {name}: there is no such file, nor a folder with a bundle")
    known = difflib.get_close_matches(name, names(saved_models), n=SHOWN, cutoff=0)
    raise UsageError(f"{asked_by}: {name}: no weights are called that; there are {', '.join(known)}, and files (.pth)")


def _candidates(name: str, saved_models: Path) -> Iterator[Bundle | None]:
    yield _reserved(name)
    yield _at_path(name)
    if Path(name).name == name:
        yield in_folder(name, saved_models / MARKED / name)
        yield _of_easyocr(name)
        yield _experiment(name, saved_models / name)
        yield in_place(name, Place.archived(name))


def _reserved(name: str) -> Bundle | None:
    if name == STARTER:
        return Bundle(name, starter_weights.RECOGNIZER, starter_weights.DETECTOR)
    if name == EASYOCR:
        return Bundle(name, KOREAN, CRAFT)
    if name != INSTALLED:
        return None
    bundle = installed_bundle()
    if bundle.recognizer is None and bundle.detector is None:
        raise MissingWeightsError(
            f"{Place.installed().weights}: no model is installed; `bash step4_set_finetuned_model.sh` installs one"
        )
    return bundle


def installed_bundle() -> Bundle:
    """Return what step 4 installed; without anything in it where it installed nothing."""
    return in_place(INSTALLED, Place.installed()) or Bundle(INSTALLED)


def _at_path(name: str) -> Bundle | None:
    path = Path(name)
    if path.is_file():
        return _single(name, path)
    return in_folder(name, path) or in_place(name, Place(path, path)) or _experiment(name, path)


def _single(name: str, weights: Path) -> Bundle:
    """Return the bundle of one file: what its card says it is; without one, whatever it is taken for."""
    network = read_json_object(card_path(weights)).get("network")
    of_detector, of_recognizer = isinstance(network, str), isinstance(network, dict)
    return Bundle(name, None if of_detector else weights, None if of_recognizer else weights)


def in_folder(name: str, folder: Path) -> Bundle | None:
    """Return the bundle in a folder, or None where there is none.

    Raises:
        WeightsError: A file is not the one that the bundle's card names.
    """
    files = read_json_object(folder / CARD).get("files") if (folder / CARD).is_file() else {}
    if not isinstance(files, dict):
        raise WeightsError(f"{folder / CARD}: is not the card of a bundle; the bundle has to be made again")
    for file, expected in files.items():
        if not (folder / file).is_file() or sha256(folder / file) != expected:
            raise WeightsError(f"{folder / file}: is not the file that {CARD} beside it names (SHA-256 {expected})")
    return _of_files(name, folder / RECOGNIZER, folder / DETECTOR, folder / SETTINGS)


def in_place(name: str, place: Place) -> Bundle | None:
    """Return the bundle of an installed or archived model, or None where there is none.

    Its detector is EasyOCR's as it comes, and no part of the bundle, where it was installed without settings.
    """
    settings = place.detection_settings
    return _of_files(name, place.weights, place.detector if settings.is_file() else None, settings)


def _experiment(name: str, folder: Path) -> Bundle | None:
    """Return an experiment's best weights; tuned settings say which detector they are for."""
    if not folder.is_dir():
        return None
    own = [best_detector(folder), best_detector(folder.parent / f"{folder.name}_detector")]
    settings = tuning_folder(folder) / SETTINGS
    if wanted := _sum_in(settings):
        known = [path for path in (*own, *folder.parent.glob(f"*/{own[0].name}")) if _sum_of(path) == wanted]
        if known or wanted == EASYOCR:
            return _of_files(name, best_weights(folder), known[0] if known else None, settings)
    return _of_files(name, best_weights(folder), next(filter(Path.is_file, own), None), None)


def _of_files(name: str, recognizer: Path, detector: Path | None, settings: Path | None) -> Bundle | None:
    """Return the bundle of files, as far as they are there; None where none is."""
    settings = settings if settings and settings.is_file() else None
    found: Weights | None = detector if detector and (settings or detector.is_file()) else None
    if settings and _sum_in(settings) == EASYOCR:
        found = CRAFT
    bundle = Bundle(name, recognizer if recognizer.is_file() else None, found, settings)
    return bundle if bundle.recognizer or bundle.detector else None


def _of_easyocr(name: str) -> Bundle | None:
    if name in recognition_entries():
        return Bundle(name, recognizer=name)
    return Bundle(name, detector=name) if name in easyocr_tables().detection_models else None


def tuning_folder(experiment: Path) -> Path:
    """Return where step 3 keeps the search for the detector's settings, and what it found, `SETTINGS`."""
    return experiment / "detector_tuning"


def names(saved_models: Path) -> list[str]:
    """Return all names that stand for weights, but for paths."""
    parents = (saved_models / MARKED, saved_models, Place.archived("*").model.parent)
    folders = [folder for parent in parents for folder in sorted(parent.glob("[!.]*"))]
    called = [folder.name for folder in folders if any((folder / file).is_file() for file in WEIGHTS)]
    return list(dict.fromkeys([STARTER, EASYOCR, INSTALLED, *called, KOREAN, CRAFT]))


def _sum_of(weights: Path) -> str:
    """Return the SHA-256 of weights, as their card has it."""
    return str(read_json_object(card_path(weights)).get("weights_sha256", ""))


def _sum_in(settings: Path) -> str:
    """Return the SHA-256 of the weights that a detector's settings are for; nothing where they don't say so."""
    try:
        content = yaml.safe_load(settings.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return ""
    return str(content.get("weights_sha256", "")) if isinstance(content, dict) else ""


def is_mark(name: str) -> bool:
    """Tell whether a mark can have this name; a number and `last` mean evaluations, others mean other weights."""
    return bool(_MARK.fullmatch(name)) and name not in ("last", STARTER, EASYOCR, INSTALLED) and not name.isdigit()


def keep(bundle: Bundle, name: str, saved_models: Path) -> Path:
    """Copy a bundle under a name; what had that name before is replaced.

    Args:
        bundle: The bundle; EasyOCR's own files stay where they are.
        name: As `is_mark` allows it.
        saved_models: The folder of all experiments.

    Returns:
        The copy's folder.

    Raises:
        OSError: It can't be copied.
    """
    folder = saved_models / MARKED / name
    parts = {RECOGNIZER: bundle.recognizer, DETECTOR: bundle.detector, SETTINGS: bundle.settings}
    with publishing(folder) as work:
        for called, source in parts.items():
            if isinstance(source, Path):
                shutil.copyfile(source, work / called)
                if card_path(source).is_file():
                    shutil.copyfile(card_path(source), card_path(work / called))
        files = {path.name: sha256(path) for path in sorted(work.iterdir())}
        write_json(work / CARD, {"format": FORMAT, "files": files})
    return folder

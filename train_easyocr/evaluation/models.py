"""The models that step 5 compares: EasyOCR as it is, and the fine-tuned one that step 4 installed.

`baseline` is `Reader(['ko'])`, as the published comparison has it. It suppresses all Latin letters, so beside it stands
`baseline_ko_en`, `Reader(['ko', 'en'])` with the same weights. `finetuned` is
`Reader(['ko', 'en'], recog_network='finetuned', quantize=False)`, read fast: the same words in a fraction of the time.
Where EasyOCR's weights are not there and can't be downloaded, the starter weights that come with this package are the
baseline, under their own name. With the fine-tuned model words are found by the detector and the settings that step 4
installed, if it did.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path

import easyocr
import torch

from train_easyocr import starter_weights
from train_easyocr.detection.installed import installed_detection
from train_easyocr.easyocr_weights import DamagedWeights, MissingWeights, find_weights, recognition_entries
from train_easyocr.evaluation.runner import DetectorSource, Model
from train_easyocr.files import sha256
from train_easyocr.installation import open_weights
from train_easyocr.reader import (
    DETECTOR,
    FINETUNED_LANGUAGES,
    RECOGNIZER,
    PageReader,
    finetuned_files,
    open_baseline,
    open_detector,
    open_fast,
    open_installed_detector,
    open_starter_detector,
    read_settings,
)
from train_easyocr.recognition.checkpoints import read_card
from train_easyocr.recognition.fast_network import fastest_reading

BASELINES = {"baseline": ("ko",), "baseline_ko_en": ("ko", "en")}
"""EasyOCR's own readers by name, and their languages."""
FINETUNED_MODEL = "finetuned"
STARTER_MODEL = starter_weights.STARTER


def find_models(baseline: bool, finetuned: bool, cuda: bool) -> tuple[list[Model], dict[str, str]]:
    """Look for the models' files; nothing is loaded yet.

    Args:
        baseline: Take EasyOCR's own models or, where their weights can't be had, the starter weights.
        finetuned: Take the fine-tuned one.
        cuda: Use the GPU.

    Returns:
        The models whose files are there, and why each other one is left out, by name.
    """
    makers: dict[str, Callable[[], Model]] = {}
    if baseline and _stands_in(RECOGNIZER, starter_weights.RECOGNIZER):
        makers[STARTER_MODEL] = functools.partial(_starter, cuda)
    elif baseline:
        # Loaded once: the languages only decide which characters of the same network count.
        network = functools.cache(lambda: open_baseline(BASELINES["baseline"], cuda))
        makers |= {name: functools.partial(_baseline, name, cuda, network) for name in BASELINES}
    if finetuned:
        makers[FINETUNED_MODEL] = functools.partial(_finetuned, cuda)
    models, missing = [], {}
    for name, make in makers.items():
        try:
            models.append(make())
        except (MissingWeights, DamagedWeights) as error:
            missing[name] = str(error)
    return models, missing


def _stands_in(name: str, starter: Path) -> bool:
    """Tell whether starter weights are to be used for EasyOCR's of that name, and say so."""
    try:
        find_weights(name)
    except MissingWeights as error:
        if starter.is_file():
            print(f"{error}\nThe starter's {starter.stem} is used instead of EasyOCR's {name}.", file=sys.stderr)
            return True
    except DamagedWeights:
        pass  # it is for the user to decide what that file is
    return False


def find_detector(cuda: bool) -> DetectorSource:
    """Look for EasyOCR's detector or, where it can't be had, the one that comes with this package.

    Raises:
        MissingWeights, DamagedWeights: EasyOCR's file is not there and can't be downloaded, or is something else.
    """
    if _stands_in(DETECTOR, starter_weights.DETECTOR):
        identity = {"network": STARTER_MODEL, "weights_sha256": sha256(starter_weights.DETECTOR), **_machine(cuda)}
        return DetectorSource(identity, lambda: open_starter_detector(cuda))
    weights = find_weights(DETECTOR)
    identity = {"network": DETECTOR, "weights_sha256": sha256(weights), "settings": "EasyOCR's own", **_machine(cuda)}
    return DetectorSource(identity, lambda: open_detector(cuda))


def _baseline(name: str, cuda: bool, network: Callable[[], PageReader]) -> Model:
    weights, languages = find_weights(RECOGNIZER), BASELINES[name]
    return Model(
        name,
        {"network": RECOGNIZER, "weights_sha256": sha256(weights), "languages": _join(languages), **_machine(cuda)},
        lambda: network().with_languages(languages),
        characters=lambda: easyocr_characters(RECOGNIZER, languages),
    )


def _finetuned(cuda: bool) -> Model:
    files = finetuned_files()
    precision = fastest_reading(torch.device("cuda" if cuda else "cpu"))
    identity = {
        "network": FINETUNED_MODEL,
        "weights_sha256": sha256(files.weights),
        "settings_sha256": sha256(files.settings),
        "network_sha256": sha256(files.network),
        "languages": _join(FINETUNED_LANGUAGES),
        "reading": f"fast, {precision}",
        **_machine(cuda),
    }
    return Model(
        FINETUNED_MODEL,
        identity,
        lambda: open_fast(cuda, precision),
        detector=find_installed_detector(cuda),
        characters=functools.partial(_characters_in, files.settings),
    )


def find_installed_detector(cuda: bool) -> DetectorSource | None:
    """Look for the detector that step 4 installed; None where it installed none."""
    files = installed_detection()
    if files is None:
        return None
    identity = {
        "network": "installed",
        "weights_sha256": sha256(files.weights) if files.weights.is_file() else "EasyOCR's own",
        "settings_sha256": sha256(files.settings),
        **_machine(cuda),
    }
    return DetectorSource(identity, lambda: open_installed_detector(cuda))


def _characters_in(settings: Path) -> frozenset[str]:
    return frozenset(read_settings(settings)["character_list"])


def _starter(cuda: bool) -> Model:
    weights = starter_weights.RECOGNIZER
    precision = fastest_reading(torch.device("cuda" if cuda else "cpu"))
    identity = {
        "network": STARTER_MODEL,
        "weights_sha256": sha256(weights),
        "languages": _join(FINETUNED_LANGUAGES),
        "reading": f"fast, {precision}",
        **_machine(cuda),
    }
    characters = functools.partial(_characters_of, weights)
    return Model(STARTER_MODEL, identity, lambda: open_weights(weights, cuda, precision), characters=characters)


def _characters_of(weights: Path) -> frozenset[str]:
    return frozenset(read_card(weights).character)


def easyocr_characters(name: str, languages: Iterable[str]) -> frozenset[str]:
    """Return the characters that one of EasyOCR's recognizers writes in some languages.

    Args:
        name: The recognizer's name, such as `korean_g2`.
        languages: EasyOCR's codes; letters of other languages are suppressed, though the network knows them.
    """
    entry = recognition_entries()[name]
    folder = Path(easyocr.__file__).parent / "character"
    known = {letter for code in languages for letter in (folder / f"{code}_char.txt").read_text("utf-8-sig").split()}
    return frozenset(entry["characters"]) & (known | set(entry["symbols"]))


def _join(languages: Iterable[str]) -> str:
    return ",".join(languages)


def _machine(cuda: bool) -> dict[str, str]:
    """Return what changes the last digits of a network's output, and with them a letter now and then."""
    return {"device": "cuda" if cuda else "cpu", "easyocr": version("easyocr"), "torch": version("torch")}

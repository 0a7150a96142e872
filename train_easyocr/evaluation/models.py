"""The models that step 5 compares: EasyOCR as it is, and the fine-tuned one that step 4 installed.

`baseline` is `Reader(['ko'])`, as the published comparison has it. It suppresses all Latin letters, so beside it stands
`baseline_ko_en`, `Reader(['ko', 'en'])` with the same weights. `finetuned` is
`Reader(['ko', 'en'], recog_network='finetuned', quantize=False)`, read fast: the same words in a fraction of the time.
Where EasyOCR's weights are not there and can't be downloaded, the starter weights that come with this package are the
baseline, under their own name. With the fine-tuned model words are found by the detector and the settings that step 4
installed, if it did (see `detectors`).
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import easyocr
import torch

from train_easyocr.common.errors import UsageError, WeightsError
from train_easyocr.common.files import sha256
from train_easyocr.engine.device import fastest_precision
from train_easyocr.evaluation.detectors import Detectors, machine, stands_in
from train_easyocr.evaluation.runner import DetectorSource, ScoredModel
from train_easyocr.reading.reader import (
    PageReader,
    finetuned_files,
    open_baseline,
    open_fast,
    open_weights,
    read_model_settings,
)
from train_easyocr.weights import starter as starter_weights
from train_easyocr.weights.bundle import KOREAN, Bundle
from train_easyocr.weights.checkpoints import read_card
from train_easyocr.weights.easyocr_weights import find_weights, recognition_entries
from train_easyocr.weights.model_files import FINETUNED_LANGUAGES

BASELINES = {"baseline": ("ko",), "baseline_ko_en": ("ko", "en")}
"""EasyOCR's own readers by name, and their languages."""
FINETUNED_MODEL = "finetuned"
STARTER_MODEL = starter_weights.STARTER


def find_models(
    baseline: bool, finetuned: bool, cuda: bool, detectors: Detectors | None = None
) -> tuple[list[ScoredModel], dict[str, str]]:
    """Look for the models' files; nothing is loaded yet.

    Args:
        baseline: Take EasyOCR's own models or, where their weights can't be had, the starter weights.
        finetuned: Take the fine-tuned one.
        cuda: Use the GPU.
        detectors: Finds the detector that step 4 installed; None: the models get no detector of their own.

    Returns:
        The models whose files are there, and why each other one is left out, by name.
    """
    makers: dict[str, Callable[[], ScoredModel]] = {}
    if baseline and stands_in(KOREAN, starter_weights.RECOGNIZER):
        makers[STARTER_MODEL] = functools.partial(scored_model, STARTER_MODEL, starter_weights.RECOGNIZER, cuda)
    elif baseline:
        # Loaded once: the languages only decide which characters of the same network count.
        network = functools.cache(lambda: open_baseline(BASELINES["baseline"], cuda))
        makers |= {name: functools.partial(_baseline, name, cuda, network, BASELINES[name]) for name in BASELINES}
    if finetuned:
        makers[FINETUNED_MODEL] = functools.partial(_finetuned, cuda, detectors)
    models, missing = [], {}
    for name, make in makers.items():
        try:
            models.append(make())
        except WeightsError as error:
            missing[name] = str(error)
    return models, missing


def _baseline(name: str, cuda: bool, network: Callable[[], PageReader], languages: Sequence[str]) -> ScoredModel:
    return ScoredModel(
        name,
        {
            "network": KOREAN,
            "weights_sha256": sha256(find_weights(KOREAN)),
            "languages": _join(languages),
            **machine(cuda),
        },
        lambda: network().with_languages(languages),
        characters=lambda: easyocr_characters(KOREAN, languages),
    )


def _finetuned(cuda: bool, detectors: Detectors | None) -> ScoredModel:
    files = finetuned_files()
    precision = fastest_precision(torch.device("cuda" if cuda else "cpu"))
    identity = {
        "network": FINETUNED_MODEL,
        "weights_sha256": sha256(files.weights),
        "settings_sha256": sha256(files.settings),
        "network_sha256": sha256(files.network),
        "languages": _join(FINETUNED_LANGUAGES),
        "reading": f"fast, {precision}",
        **machine(cuda),
    }
    return ScoredModel(
        FINETUNED_MODEL,
        identity,
        lambda: open_fast(cuda, precision),
        detector=detectors.installed() if detectors else None,
        characters=functools.partial(_characters_in, files.settings),
    )


def _characters_in(settings: Path) -> frozenset[str]:
    return frozenset(read_model_settings(settings)["character_list"])


def model_of_bundle(bundle: Bundle, name: str, cuda: bool, detectors: Detectors | None) -> ScoredModel:
    """Return a model of a bundle, as `--weights` names it; words are found by its detector, if it has one.

    Args:
        bundle: Its recognizer is EasyOCR's Korean one, or any that has a card.
        name: As tables show it.
        cuda: Use the GPU.
        detectors: Finds the bundle's detector, or else the one that step 4 installed; None: the model gets none.

    Raises:
        UsageError: There is no such recognizer in it.
    """
    weights = bundle.part("recognizer", "--weights")
    detector = (detectors.of(bundle, name) or detectors.installed()) if detectors else None
    if isinstance(weights, Path):
        return scored_model(name, weights, cuda, detector)
    if weights != KOREAN:
        raise UsageError(f"--weights {name}: of EasyOCR's recognizers, {KOREAN} alone can be evaluated")
    network = functools.partial(open_baseline, FINETUNED_LANGUAGES, cuda)
    return replace(_baseline(name, cuda, network, FINETUNED_LANGUAGES), detector=detector)


def scored_model(name: str, weights: Path, cuda: bool, detector: DetectorSource | None = None) -> ScoredModel:
    """Return a model of weights that are not installed, a `.pth` with its card beside it.

    Args:
        name: As tables show it.
        weights: The file.
        cuda: Use the GPU.
        detector: What finds its words; None: what finds those of the models that have none of their own.
    """
    precision = fastest_precision(torch.device("cuda" if cuda else "cpu"))
    identity = {
        "network": name,
        "weights_sha256": sha256(weights),
        "characters_sha256": hashlib.sha256(read_card(weights).character.encode()).hexdigest(),
        "languages": _join(FINETUNED_LANGUAGES),
        "reading": f"fast, {precision}",
        **machine(cuda),
    }
    return ScoredModel(
        name,
        identity,
        lambda: open_weights(weights, cuda, precision),
        detector=detector,
        characters=functools.partial(_characters_of, weights),
    )


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

"""The files that EasyOCR reads a fine-tuned recognizer from, made of its weights and their card."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml

from train_easyocr.common.errors import WeightsError
from train_easyocr.common.files import replacing, write_text
from train_easyocr.recognition import network
from train_easyocr.recognition.model import CHANNELS, NETWORK_SETTINGS
from train_easyocr.weights.checkpoints import WeightsCard, card_path, installation_faults
from train_easyocr.weights.model_files import FINETUNED_LANGUAGES, Place


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
        "lang_list": list(FINETUNED_LANGUAGES),
        "character_list": card.character,
        # EasyOCR hands the number of classes over by itself; the head is always CTC.
        "network_params": {key: card.network[key] for key in (*NETWORK_SETTINGS, CHANNELS) if key in card.network},
    }
    return described + yaml.safe_dump(settings, allow_unicode=True, sort_keys=False, width=1_000_000)


def stage(weights: Path, card: WeightsCard, place: Place) -> None:
    """Write the files of one model to `place`.

    Raises:
        WeightsError: EasyOCR can't use such weights.
    """
    _refuse_unsuitable(weights, card)
    source = Path(network.__file__).read_text(encoding="utf-8")
    write_text(place.network, f"# Network of {card.experiment_name}; finetuned.yaml holds its arguments.\n{source}")
    write_text(place.settings, easyocr_settings(card))
    for original, copy in ((weights, place.weights), (card_path(weights), place.card)):
        with replacing(copy) as temporary:
            shutil.copyfile(original, temporary)


def _refuse_unsuitable(weights: Path, card: WeightsCard) -> None:
    faults = installation_faults(Prediction=card.network["Prediction"], rgb=card.rgb, PAD=card.PAD)
    if faults:
        raise WeightsError(f"{weights}: was trained with " + "; with ".join(faults))

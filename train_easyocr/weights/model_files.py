"""The files of a fine-tuned model as EasyOCR wants them: where they are, and what is in them.

A model is `model/finetuned.pth`, `user_network/finetuned.py` and `user_network/finetuned.yaml`. Beside the weights lie
their card and, where one is installed, a word detector (`detection.installed`).
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from train_easyocr.common.files import replacing, write_text
from train_easyocr.detection.installed import DetectionFiles
from train_easyocr.recognition import network
from train_easyocr.recognition.model import NETWORK_SETTINGS
from train_easyocr.weights import easyocr_weights
from train_easyocr.weights.checkpoints import CheckpointError, WeightsCard, installation_faults

FINETUNED = "finetuned"
"""What the model is called: `recog_network='finetuned'`."""
FINETUNED_LANGUAGES = ("ko", "en")
"""With `ko` alone in its list, EasyOCR refuses `Reader(['ko', 'en'])`, which is what lets Latin letters through."""


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
        return self.model / f"{FINETUNED}.pth"

    @property
    def card(self) -> Path:
        """What the weights are; ours, EasyOCR does not read it."""
        return self.model / f"{FINETUNED}.json"

    @property
    def network(self) -> Path:
        """The network's definition."""
        return self.user_network / f"{FINETUNED}.py"

    @property
    def settings(self) -> Path:
        """Image height, languages, characters and the network's arguments."""
        return self.user_network / f"{FINETUNED}.yaml"

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
        "lang_list": list(FINETUNED_LANGUAGES),
        "character_list": card.character,
        # EasyOCR hands the number of classes over by itself; the head is always CTC.
        "network_params": {key: card.network[key] for key in NETWORK_SETTINGS},
    }
    return described + yaml.safe_dump(settings, allow_unicode=True, sort_keys=False, width=1_000_000)


def stage(weights: Path, card: WeightsCard, place: Place) -> None:
    """Write the files of one model to `place`.

    Raises:
        CheckpointError: EasyOCR can't use such weights.
    """
    _refuse_unsuitable(weights, card)
    source = Path(network.__file__).read_text(encoding="utf-8")
    write_text(place.network, f"# Network of {card.experiment_name}; finetuned.yaml holds its arguments.\n{source}")
    write_text(place.settings, easyocr_settings(card))
    for original, copy in ((weights, place.weights), (weights.with_suffix(".json"), place.card)):
        with replacing(copy) as temporary:
            shutil.copyfile(original, temporary)


def _refuse_unsuitable(weights: Path, card: WeightsCard) -> None:
    faults = installation_faults(Prediction=card.network["Prediction"], rgb=card.rgb, PAD=card.PAD)
    if faults:
        raise CheckpointError(f"{weights}: was trained with " + "; with ".join(faults))

"""Where the files of a fine-tuned model are, as EasyOCR wants them.

A model is `model/finetuned.pth`, `user_network/finetuned.py` and `user_network/finetuned.yaml`. Beside the weights lie
their card and, where one is installed, a word detector and its settings, which EasyOCR does not read.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from train_easyocr.weights import easyocr_weights

FINETUNED = "finetuned"
"""What the model is called: `recog_network='finetuned'`."""
FINETUNED_LANGUAGES = ("ko", "en")
"""With `ko` alone in its list, EasyOCR refuses `Reader(['ko', 'en'])`, which is what lets Latin letters through."""
ARCHIVE = "previous_models"
"""Beside EasyOCR's two folders: what was installed before, a folder each."""


@dataclass(frozen=True)
class Place:
    """Where the files of one model are: EasyOCR's two folders, or a folder that stands in for both."""

    model: Path
    user_network: Path

    @classmethod
    def installed(cls) -> Place:
        """Return EasyOCR's folders as it would choose them now."""
        return cls(easyocr_weights.model_directory(), easyocr_weights.user_network_directory())

    @classmethod
    def archived(cls, name: str) -> Place:
        """Return where a model that was installed before is kept."""
        folder = easyocr_weights.module_directory() / ARCHIVE / name
        return cls(folder, folder)

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
    def detector(self) -> Path:
        """The detector's weights; not there where EasyOCR's own are used."""
        return self.model / f"{FINETUNED}_detector.pth"

    @property
    def detection_settings(self) -> Path:
        """Which detector finds words, and how it makes boxes; without, EasyOCR's does as it comes."""
        return self.model / f"{FINETUNED}_detection.yaml"

    @property
    def files(self) -> list[Path]:
        """All of them, in the order in which they are put in place."""
        return [self.network, self.settings, self.weights, self.card, *self.detector_files]

    @property
    def detector_files(self) -> list[Path]:
        """The detector's, the one that makes the others count last."""
        return [self.detector, self.detector.with_suffix(".json"), self.detection_settings]

"""What teachers read on words: several looks at each, by several weights, kept in parts so that a kill costs little.

A look is some weights and either the word as it is or an augmented view of it. All of a word's looks must agree before
its text is taken for a label (`selection.py`); the confidence is that of the least sure look.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from train_easyocr.common.errors import WeightsError
from train_easyocr.common.files import sha256, write_json
from train_easyocr.common.workers import shows_progress
from train_easyocr.datasets.data import Indices, WordSet
from train_easyocr.engine.device import Device
from train_easyocr.recognition.augmentation import Augmentation
from train_easyocr.recognition.batches import Request, WordBatch, WordBatches, divide_for_reading, load_batches
from train_easyocr.recognition.losses import CtcCriterion
from train_easyocr.recognition.model import open_trained
from train_easyocr.recognition.validation import read_logits
from train_easyocr.semi_supervised.config import SemiSupervisedConfig
from train_easyocr.settings.config import Config
from train_easyocr.weights.characters import CharacterSet, CtcConverter
from train_easyocr.weights.checkpoints import best_weights

PART = 64
"""Batches whose readings are kept together."""
AVERAGED = ("best_accuracy.pth", "best_accuracy_ema.pth")


class TeacherLook(NamedTuple):
    """How words are looked at.

    Attributes:
        weights: A `.pth` with its card.
        augmentation: What is done to the words first; None: nothing.
    """

    weights: Path
    augmentation: Augmentation | None = None

    def identity(self) -> str:
        """Return what its readings depend on, beside the words."""
        return f"{sha256(self.weights)} {self.augmentation}"


@dataclass(frozen=True)
class LookReadings:
    """What all looks read on some words.

    Attributes:
        texts: [looks][n].
        confidences: float64 [looks, n], the probability of the text as each look's network has it, 0 to 1.
    """

    texts: list[list[str]]
    confidences: NDArray[np.float64]

    @property
    def text(self) -> list[str]:
        """What the first look read."""
        return self.texts[0]

    @property
    def confidence(self) -> NDArray[np.float64]:
        """How sure the least sure look is, [n]."""
        least: NDArray[np.float64] = self.confidences.min(axis=0)
        return least

    def disagreeing(self, look: int) -> NDArray[np.bool_]:
        """Return for each word whether a look read something else than the first one, [n]."""
        return np.array([one != other for one, other in zip(self.texts[0], self.texts[look], strict=True)], bool)


def looks_of(weights: Path, strength: float, seed: int) -> list[TeacherLook]:
    """Return the looks of a teacher: its weights as they are, on an augmented view, and their other average.

    Args:
        weights: The teacher's. Where they are the better ones of an experiment's weights and running average, the
            others are the last look; there is none where no average was taken.
        strength: Of the augmented view, 0 to 1; 0 leaves it out.
        seed: Of the augmentation.
    """
    looks = [TeacherLook(weights)]
    if strength:
        looks.append(TeacherLook(weights, Augmentation(strength, 1.0, seed)))
    others = [weights.with_name(name) for name in AVERAGED if name != weights.name]
    if weights.name in AVERAGED and others[0].is_file() and weights == best_weights(weights.parent):
        looks.append(TeacherLook(others[0]))
    return looks


def read_looks(
    words: WordSet, looks: Sequence[TeacherLook], folder: Path, config: SemiSupervisedConfig
) -> LookReadings:
    """Read all words with all looks, or what is left of that.

    Args:
        words: The words; their labels are of no account.
        looks: One at least.
        folder: Keeps what has been read, so that a later call goes on. Other looks or words need another one.
        config: `workers` and `precision` count here.

    Raises:
        WeightsError: Weights can't be used.
        UserError: A picture can't be read.
    """
    texts, confidences = [], np.zeros((len(looks), len(words)))
    for number, look in enumerate(looks):
        found = [""] * len(words)
        for indices, readings in _read(words, look, folder / f"{number}", config):
            for index, (text, confidence) in zip(indices, readings, strict=True):
                found[index], confidences[number, index] = text, confidence
        texts.append(found)
    return LookReadings(texts, confidences)


def _read(
    words: WordSet, look: TeacherLook, folder: Path, computing: SemiSupervisedConfig
) -> Iterator[tuple[list[int], list[tuple[str, float]]]]:
    """Yield words by their indices, and what was read on them."""
    model, card, settings = open_trained(look.weights)
    assert isinstance(settings, Config)
    if settings.Prediction != "CTC":
        raise WeightsError(f"{look.weights}: has an attention head; teachers are networks with Prediction: CTC")
    config = settings.model_copy(update={"workers": computing.workers})
    reader = _Reader(model, CtcConverter(CharacterSet(card.character)), Device.choose(computing.precision))
    batches = divide_for_reading(words, config)
    title = f"Reading {words.report.name}" + ", augmented" * (look.augmentation is not None)
    with tqdm(total=len(words), desc=title, unit="word", leave=False, disable=not shows_progress()) as bar:
        for first in range(0, len(batches), PART):
            part, path = batches[first : first + PART], folder / f"{first // PART:06d}.json"
            if not path.is_file():
                write_json(path, reader.read(_load(words, part, config, look.augmentation, reader.device)))
            yield np.concatenate(part).tolist(), json.loads(path.read_text(encoding="utf-8"))
            bar.update(sum(map(len, part)))


def _load(
    words: WordSet, batches: Sequence[Indices], config: Config, augmentation: Augmentation | None, device: Device
) -> Iterator[WordBatch]:
    dataset = WordBatches([words], config, reading=True, augmentation=augmentation)
    epochs = [[np.zeros(len(batch), np.int32)] if augmentation else None for batch in batches]
    requests = [Request([batch], epoch) for batch, epoch in zip(batches, epochs, strict=True)]
    return load_batches(dataset, requests, config, pin_memory=device.is_gpu)


class _Reader:
    """Reads batches of words as a validation does; a confidence is the probability that the network gives to the text.

    EasyOCR's confidence is none that a temperature could mend: how high it is depends on the number of steps.
    """

    def __init__(self, model: nn.Module, converter: CtcConverter, device: Device) -> None:
        self._model = model.to(device.torch_device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        self._converter, self.device = converter, device
        self._criterion = CtcCriterion(converter, skip_unknown=False)

    @torch.inference_mode()
    def read(self, batches: Iterator[WordBatch]) -> list[tuple[str, float]]:
        found: list[tuple[str, float]] = []
        for batch in batches:
            with self.device.autocast():
                logits = self._model(self.device.input(batch.images))
            texts = [text for text, _ in read_logits(logits, self._converter)]
            targets, lengths = self._criterion.encode(texts, self.device.torch_device)
            mean = self._criterion.losses(logits, targets, lengths).values
            found += zip(texts, (-mean * lengths.clamp(min=1)).exp().tolist(), strict=True)
        return found

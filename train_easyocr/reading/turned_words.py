"""Single words that lie upside down on a page that does not: found by the direction classifier and by reading them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from train_easyocr.documents.page import Box, Shape, bounds
from train_easyocr.orientation.alike import reads_alike
from train_easyocr.orientation.words import LEAST_RATIO
from train_easyocr.reading.pipeline import Engine, Identity, Networks
from train_easyocr.reading.words import Pixels, Reading

CERTAIN = 0.95
"""Confidence from which a word is upright for sure: of words upside down 1 % read so (docs/experiments.md)."""
LIKELY = 0.5
"""Probability from which a word is read upside down, too."""


class Classifier(Protocol):
    """Tells which words lie upside down; `orientation.classifier.DirectionClassifier` does."""

    def turned(self, words: Sequence[Pixels]) -> NDArray[np.float64]:
        """Return the probability of each word, uint8 [h, w], to lie upside down: float64 [n]."""


class TurningEngine:
    """An `Engine` that reads words turned where a classifier finds them upside down and they read surer then.

    Words whose reading is `CERTAIN`, letters alone, and words that are higher than wide, among them those written from
    top to bottom, stay as they are.

    Args:
        engine: Finds and reads words.
        classifier: Tells which lie upside down.
    """

    def __init__(self, engine: Engine, classifier: Classifier) -> None:
        self._engine, self._classifier = engine, classifier

    @property
    def identity(self) -> Identity:
        """What reads."""
        return self._engine.identity

    def detect(self, image: Pixels) -> list[Shape]:
        """Find words; see `Engine`."""
        return self._engine.detect(image)

    def read(self, grey: Pixels, shapes: Sequence[Shape]) -> list[Reading]:
        """Read words; see `Engine`."""
        readings = self._engine.read(grey, shapes)
        boxes = [bounds(shape).clipped(*grey.shape[::-1]) for shape in shapes]
        asked = [
            word
            for word, box in enumerate(boxes)
            if readings[word][1] < CERTAIN and box.area and box.width >= LEAST_RATIO * box.height
        ]
        crops = {word: grey[boxes[word].ymin : boxes[word].ymax, boxes[word].xmin : boxes[word].xmax] for word in asked}
        probabilities = self._classifier.turned(list(crops.values()))
        asked = [word for word, found in zip(asked, probabilities, strict=True) if found >= LIKELY]
        for word, turned in zip(asked, read_turned(self._engine, [crops[word] for word in asked], [2]), strict=True):
            if _sureness(*turned) > _sureness(*readings[word]):
                readings[word] = turned
        return readings


def _sureness(text: str, confidence: float) -> float:
    """Return how much a reading says about which way up its word lies."""
    return 0.0 if reads_alike(text) else confidence


def read_turned(networks: Networks, words: Sequence[Pixels], quarters: Sequence[int]) -> list[Reading]:
    """Read words turned.

    Args:
        networks: What reads words.
        words: uint8 [h, w] each.
        quarters: By how many quarter turns, clockwise, each of them is turned: once for each number.

    Returns:
        The readings of the first word, then those of the second, and so on.
    """
    if not words:
        return []
    return networks.read(*sheet_of([np.rot90(word, -quarter) for word in words for quarter in quarters]))


def sheet_of(words: Sequence[Pixels]) -> tuple[Pixels, list[Box]]:
    """Return one sheet with some words, uint8 [h, w] each, and where they are: an engine reads words of a page."""
    sheet = np.full((sum(len(word) for word in words), max(word.shape[1] for word in words)), 255, np.uint8)
    boxes, top = [], 0
    for word in words:
        height, width = word.shape
        sheet[top : top + height, :width] = word
        boxes.append(Box(0, top, width, top + height))
        top += height
    return sheet, boxes

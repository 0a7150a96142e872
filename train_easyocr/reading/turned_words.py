"""Single words that lie upside down on a page that does not: the direction classifier before an engine's reading."""

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
        over = [word for word, found in zip(asked, probabilities, strict=True) if found >= LIKELY]
        for word, reading in zip(over, read_turned(self._engine, [crops[word] for word in over], [2]), strict=True):
            if _confidence(*reading) > _confidence(*readings[word]):
                readings[word] = reading
        return readings


def _confidence(text: str, confidence: float) -> float:
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
    pieces = [np.rot90(word, -quarter) for word in words for quarter in quarters]
    # One sheet for all of them: an engine reads words of a page, and those of a call together.
    sheet = np.full((sum(len(piece) for piece in pieces), max(piece.shape[1] for piece in pieces)), 255, np.uint8)
    boxes, top = [], 0
    for piece in pieces:
        height, width = piece.shape
        sheet[top : top + height, :width] = piece
        boxes.append(Box(0, top, width, top + height))
        top += height
    return networks.read(sheet, boxes)

"""What went wrong, word by word: each label and each prediction of a page falls in exactly one class.

    right        matched (IoU >= 0.5) and read as labelled
    misread      matched, another text
    split        a label whose characters lie in several predictions, and those predictions
    merged       a prediction that holds several labels, and those labels
    overlapping  a box that shares characters with boxes of the other side without matching: too large, too small,
                 shifted, or one more on the same word
    missed       a label that no prediction touches
    false        a prediction that touches no label

"Shares characters" is CLEval's notion (see `cleval`): a prediction holds a character of a label when it holds the
middle of that character's part of the box. The headline's loss is additive over the classes: on a page with F1 =
2 tp / (labels + predictions), each label and each prediction loses (1 - credit) / (labels + predictions).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train_easyocr.documents import Box, Quad, Shape, Word
from train_easyocr.metrics.cleval import find_middles
from train_easyocr.metrics.matching import polygons

CLASSES = ("right", "misread", "missed", "split", "merged", "overlapping", "false")
RIGHT, MISREAD, MISSED, SPLIT, MERGED, OVERLAPPING, FALSE = range(len(CLASSES))
FAULTS = CLASSES[1:]
_OPEN = -1


@dataclass(frozen=True, slots=True)
class PageClasses:
    """The classes of a page's words, as indices into `CLASSES`.

    Attributes:
        labels: One a label; never `FALSE`.
        predictions: One a prediction; never `MISSED`.
    """

    labels: list[int]
    predictions: list[int]


def classify(labels: Sequence[Word], predictions: Sequence[Word], pairs: Sequence[tuple[int, int]]) -> PageClasses:
    """Put each label and each prediction of a page into its class.

    Args:
        labels: The labelled words, NFC.
        predictions: The words read, NFC.
        pairs: What `matching.match` returns for their boxes.
    """
    return _Page(labels, predictions, pairs).classes()


class _Page:
    """One page while its words find their classes: what is settled first is left alone by later rules."""

    def __init__(self, labels: Sequence[Word], predictions: Sequence[Word], pairs: Sequence[tuple[int, int]]) -> None:
        self.labels, self.predictions, self.pairs = labels, predictions, pairs
        self.partner_of_label = dict(pairs)
        self.partner_of_prediction = {prediction: label for label, prediction in pairs}
        # A label without text counts as one character: its box has to be found like any other.
        self.lengths = [max(1, len(word.text)) for word in labels]
        places = [[word.corners or word.box for word in words] for words in (labels, predictions)]
        self.held = find_middles(places[0], self.lengths, places[1]).by_pair()
        self.by_label: dict[int, list[int]] = defaultdict(list)
        self.by_prediction: dict[int, list[int]] = defaultdict(list)
        for label, prediction in self.held:
            self.by_label[label].append(prediction)
            self.by_prediction[prediction].append(label)
        self.label_classes = [_OPEN] * len(labels)
        self.prediction_classes = [_OPEN] * len(predictions)

    def classes(self) -> PageClasses:
        """Apply the rules in their order."""
        for label, prediction in self.pairs:
            if self.labels[label].text == self.predictions[prediction].text:
                self._settle(RIGHT, [label], [prediction])
        for label in range(len(self.labels)):
            pieces = self._pieces(label)
            if pieces:
                self._settle(SPLIT, [label], pieces)
        for prediction in range(len(self.predictions)):
            words = self._words(prediction)
            if words:
                self._settle(MERGED, words, [prediction])
        for label, prediction in self.pairs:
            if self.label_classes[label] == _OPEN:
                self._settle(MISREAD, [label], [prediction])
        return PageClasses(
            [
                found if found != _OPEN else OVERLAPPING if self.by_label[label] else MISSED
                for label, found in enumerate(self.label_classes)
            ],
            [
                found if found != _OPEN else OVERLAPPING if self.by_prediction[prediction] else FALSE
                for prediction, found in enumerate(self.prediction_classes)
            ],
        )

    def _settle(self, found: int, labels: Sequence[int], predictions: Sequence[int]) -> None:
        for label in labels:
            self.label_classes[label] = found
        for prediction in predictions:
            self.prediction_classes[prediction] = found

    def _pieces(self, label: int) -> list[int]:
        """Return the predictions into which a label is split; none when it is not.

        A piece lies for the most part within the label, holds some of its characters, and is not matched to another
        label; no piece holds all that they hold together.
        """
        if self.label_classes[label] != _OPEN:
            return []
        pieces = [
            prediction
            for prediction in self.by_label[label]
            if self.prediction_classes[prediction] == _OPEN
            and self.partner_of_prediction.get(prediction, label) == label
            and _lies_in(self.predictions[prediction].shape, self.labels[label].shape)
        ]
        held = [set(self.held[label, prediction]) for prediction in pieces]
        return pieces if len(set().union(*held)) > max(map(len, held), default=0) else []

    def _words(self, prediction: int) -> list[int]:
        """Return the labels that a prediction merges; none when it does not.

        It holds at least half of the characters of each, and none of them is matched to another prediction. If it is
        matched, its own label is one of them.
        """
        if self.prediction_classes[prediction] != _OPEN:
            return []
        words = [
            label
            for label in self.by_prediction[prediction]
            if self.label_classes[label] == _OPEN
            and self.partner_of_label.get(label, prediction) == prediction
            and 2 * len(self.held[label, prediction]) >= self.lengths[label]
        ]
        if len(words) < 2 or self.partner_of_prediction.get(prediction, words[0]) not in words:
            return []
        return words


def _lies_in(inner: Shape, outer: Shape) -> bool:
    """Tell whether at least half of a shape's area is within another."""
    if isinstance(inner, Quad) or isinstance(outer, Quad):
        part, whole = polygons([inner, outer])
        return bool(2 * part.intersection(whole).area >= part.area > 0)
    common = Box(
        max(inner.xmin, outer.xmin),
        max(inner.ymin, outer.ymin),
        min(inner.xmax, outer.xmax),
        min(inner.ymax, outer.ymax),
    )
    return 2 * common.area >= inner.area > 0


@dataclass(frozen=True, slots=True)
class ClassTotals:
    """One page's words by class.

    Attributes:
        labels: int [7], labels of each class.
        predictions: int [7], predictions of each class.
        credit: float [7], what the labels of each class earned (see `metrics`).
    """

    labels: NDArray[np.int64]
    predictions: NDArray[np.int64]
    credit: NDArray[np.float64]


def totals(classes: PageClasses, credits: Sequence[float]) -> ClassTotals:
    """Count a page's classes.

    Args:
        classes: The page's classes.
        credits: What each label earned, 0 where it is not matched.
    """
    labels = np.array(classes.labels, dtype=np.int64)
    return ClassTotals(
        np.bincount(labels, minlength=len(CLASSES)),
        np.bincount(np.array(classes.predictions, dtype=np.int64), minlength=len(CLASSES)),
        np.bincount(labels, weights=np.array(credits), minlength=len(CLASSES)).astype(np.float64),
    )


@dataclass(frozen=True, slots=True)
class ErrorClass:
    """A class over many pages.

    Attributes:
        name: One of `CLASSES`.
        labels: Number of labels.
        predictions: Number of predictions.
        lost_f1: What the class takes from the headline; the classes' losses add up to 1 - headline.
        share: The same as a share of all that is lost (0 to 1); 0 where nothing is.
        repaired_f1: The headline if each of its labels had one right prediction, and there were no others of the class.
    """

    name: str
    labels: int
    predictions: int
    lost_f1: float
    share: float
    repaired_f1: float


def sum_of_classes(pages: Sequence[ClassTotals]) -> list[ErrorClass]:
    """Sum up the classes of pages; a page without labels and predictions loses nothing.

    Args:
        pages: The classes of each page; the figures are means over them, as the headline is.
    """
    if not pages:
        return [ErrorClass(name, 0, 0, 0.0, 0.0, 1.0) for name in CLASSES]
    labels, predictions = (np.array([getattr(page, name) for page in pages]) for name in ("labels", "predictions"))
    credit = np.array([page.credit for page in pages])
    size = np.maximum(1, labels.sum(axis=1) + predictions.sum(axis=1))[:, None]
    lost = ((labels + predictions - 2 * credit) / size).mean(axis=0)
    # Summed in another order than the credits were, a class that lost nothing may show a trace of rounding.
    lost = np.where(np.abs(lost) < 1e-12, 0.0, lost)
    # Of each class alone: its labels earn all, its predictions become one a label.
    earned = credit.sum(axis=1, keepdims=True) + labels - credit
    repaired_size = labels.sum(axis=1, keepdims=True) + predictions.sum(axis=1, keepdims=True) + labels - predictions
    repaired = np.where(repaired_size > 0, 2 * earned / np.maximum(1, repaired_size), 1.0).mean(axis=0)
    total = float(lost.sum())
    return [
        ErrorClass(
            name=name,
            labels=int(labels[:, index].sum()),
            predictions=int(predictions[:, index].sum()),
            lost_f1=float(lost[index]),
            share=float(lost[index]) / total if total else 0.0,
            repaired_f1=float(repaired[index]),
        )
        for index, name in enumerate(CLASSES)
    ]

"""What one model did on each word of an evaluation set, in columns: the ground of all later analysis.

    observations = Observations()
    for page, rows in ...:                 # rows: xmin, ymin, xmax, ymax, text, confidence of each word read
        observations.add(page.name, page.category, page.labels, rows)

A word takes about 170 bytes: a table of integers and floats, and references to its texts.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from train_easyocr.common.text import normalize_label
from train_easyocr.documents import Box, Quad, Word
from train_easyocr.metrics import cleval, metrics
from train_easyocr.metrics.character_errors import CharacterErrors
from train_easyocr.metrics.cleval import ClevalScores
from train_easyocr.metrics.error_classes import ClassTotals, PageClasses, classify, totals
from train_easyocr.metrics.matching import counted

Row = Sequence[Any]
"""A word read: xmin, ymin, xmax, ymax (int), text, confidence (0 to 1; nan where there is none); and, where it lies
tilted, its four corners [[x, y], ...], which the box encloses."""

_NOWHERE = Box(0, 0, 0, 0)
VERTICAL_RATIO = 1.5
"""A box of two characters or more is upright from this height over width on."""


@dataclass(frozen=True, slots=True)
class PageRecord:
    """One page as one model read it.

    Attributes:
        name: The page's name.
        category: Its category.
        scores: The headline's counts and figures.
        cleval: CLEval's counts.
        classes: Its words by error class.
    """

    name: str
    category: str
    scores: metrics.PageScores
    cleval: ClevalScores
    classes: ClassTotals


@dataclass(frozen=True, slots=True)
class PageReading:
    """One page word by word, as one model read it.

    Attributes:
        record: Its scores and counts.
        pairs: The matched (label index, prediction index), by label index.
        classes: The error class of each label and each prediction.
        counted: The indices of the rows that count, to which those of `pairs` and `classes` refer; the others lie in
            don't-care regions.
    """

    record: PageRecord
    pairs: list[tuple[int, int]]
    classes: PageClasses
    counted: list[int]


@dataclass(frozen=True)
class Words:
    """A row for each label, and for each prediction that no label is matched to.

    Attributes:
        page: int32 [n], index of the page.
        labelled: bool [n], whether the row is a label's.
        error_class: int8 [n], index into `error_classes.CLASSES`.
        credit: float64 [n], what a label earned (0 to 1); 0 for a prediction.
        loss: float64 [n], what the row takes from its page's F1: a page's rows add up to 1 - F1.
        confidence: float64 [n], of what was read there (0 to 1); nan where nothing was.
        box: int32 [n, 4], of the label, else of the prediction.
        text: [n], of the label, else of the prediction.
        read: [n], what was read; None for a label without a match.
        read_box: int32 [n, 4], where that was read; zeros for a label without a match.
        corners: Of the rows whose label, else prediction, lies tilted.
    """

    page: NDArray[np.int32]
    labelled: NDArray[np.bool_]
    error_class: NDArray[np.int8]
    credit: NDArray[np.float64]
    loss: NDArray[np.float64]
    confidence: NDArray[np.float64]
    box: NDArray[np.int32]
    text: list[str]
    read: list[str | None]
    read_box: NDArray[np.int32]
    corners: dict[int, Quad] = field(default_factory=dict)

    @cached_property
    def height(self) -> NDArray[np.int32]:
        """Box heights in pixels, [n]."""
        return np.abs(self.box[:, 3] - self.box[:, 1])

    @cached_property
    def length(self) -> NDArray[np.int32]:
        """Characters of the texts, [n]."""
        return np.array([len(text) for text in self.text], dtype=np.int32)

    @cached_property
    def vertical(self) -> NDArray[np.bool_]:
        """Whether the text runs down the page, as far as its box tells, [n]."""
        width = np.abs(self.box[:, 2] - self.box[:, 0])
        upright: NDArray[np.bool_] = (self.height >= VERTICAL_RATIO * width) & (self.length > 1)
        return upright

    def box_of(self, row: int) -> Box:
        """Return a row's box."""
        return Box(*self.box[row].tolist())


@dataclass
class Observations:
    """All that one model did: a record a page, and a row a word."""

    pages: list[PageRecord] = field(default_factory=list)
    characters: CharacterErrors = field(default_factory=CharacterErrors)
    _integers: array[int] = field(default_factory=lambda: array("i"))
    _floats: array[float] = field(default_factory=lambda: array("d"))
    _texts: list[str] = field(default_factory=list)
    _read: list[str | None] = field(default_factory=list)
    _corners: dict[int, Quad] = field(default_factory=dict)

    def add(
        self,
        page: str,
        category: str,
        labels: Sequence[Word],
        rows: Sequence[Row],
        scores: metrics.PageScores | None = None,
    ) -> PageReading:
        """Take in a page.

        Args:
            page: The page's name.
            category: Its category.
            labels: The labelled words, don't-care ones, too.
            rows: The words read.
            scores: What `metrics.score_page` returns for them, where that is known already.

        Raises:
            ValueError: A box has a coordinate beyond `matching.LARGEST_COORDINATE`.
        """
        all_labels = [as_seen(word) for word in labels]
        all_predictions = [as_seen(word_of(row)) for row in rows]
        found = counted(all_labels, all_predictions)
        labels = [all_labels[index] for index in found.labels]
        predictions = [all_predictions[index] for index in found.predictions]
        rows = [rows[index] for index in found.predictions]
        pairs = found.pairs
        earned = metrics.credits_of(labels, predictions, pairs)
        classes = classify(labels, predictions, pairs)
        record = PageRecord(
            page,
            category,
            scores or metrics.score_page(labels, predictions),
            cleval.score_by_cleval(all_labels, all_predictions),
            totals(classes, earned),
        )
        partners = dict(pairs)
        weight = 1 / max(1, len(labels) + len(predictions))
        for index, label in enumerate(labels):
            partner = partners.get(index)
            loss = weight if partner is None else 2 * (1 - earned[index]) * weight
            confidence = float("nan") if partner is None else float(rows[partner][5])
            read_box = _NOWHERE if partner is None else predictions[partner].box
            self._put(label, read_box, (True, classes.labels[index]), (earned[index], loss, confidence))
            if partner is None:
                self._read.append(None)
                continue
            read = predictions[partner].text
            self._read.append(label.text if read == label.text else read)  # one object for both: most are right
            self.characters.update(label.text, read, page, label.box)
        matched = set(partners.values())
        for index, word in enumerate(predictions):
            if index not in matched:
                self._put(word, word.box, (False, classes.predictions[index]), (0.0, weight, float(rows[index][5])))
                self._read.append(word.text)
        self.pages.append(record)
        return PageReading(record, pairs, classes, found.predictions)

    def _put(self, word: Word, read_box: Box, kind: tuple[bool, int], figures: tuple[float, float, float]) -> None:
        self._integers.extend((len(self.pages), *kind, *word.box, *read_box))  # kind: labelled, error class
        self._floats.extend(figures)  # credit, loss, confidence
        if word.corners:
            self._corners[len(self._texts)] = word.corners
        self._texts.append(word.text)

    def words(self) -> Words:
        """Return the rows of all pages so far."""
        integers = np.array(self._integers, dtype=np.int32).reshape(-1, 11)
        floats = np.array(self._floats).reshape(-1, 3)
        return Words(
            page=integers[:, 0],
            labelled=integers[:, 1].astype(bool),
            error_class=integers[:, 2].astype(np.int8),
            credit=floats[:, 0],
            loss=floats[:, 1],
            confidence=floats[:, 2],
            box=integers[:, 3:7],
            text=list(self._texts),
            read=list(self._read),
            read_box=integers[:, 7:],
            corners=dict(self._corners),
        )


def word_of(row: Row) -> Word:
    """Return a row's word."""
    corners = Quad(*((x, y) for x, y in row[6])) if len(row) > 6 else None
    return Word(Box(*row[:4]), row[4], corners)


def as_seen(word: Word) -> Word:
    """Return a word whose text is as people see it (`normalize_label`)."""
    text = normalize_label(word.text)
    return word if text == word.text else replace(word, text=text)

"""How well a page was read: scores of one page, and their mean and pooled figures over many.

    metric = Metric()
    for labels, predictions in pages:      # two lists of Word
        scores = metric.update(labels, predictions)
    metric.summary().mean["end_to_end_f1"]  # the headline

Nothing here needs a model or an image. Predictions are matched to labels one to one, highest IoU first, IoU >= 0.5
(see `matching`). A match earns max(0, 1 - CER), where CER is the edit distance over the label's length, on NFC text,
spaces counting. Their sum is the number of true positives `tp`; F1 = 2 tp / (labels + predictions), which is
2 tp / (2 tp + fp + fn) with fp = predictions - tp and fn = labels - tp. Don't-care labels do not count, nor does a
prediction that matches no label and lies for the most part in such regions. Over many pages, `mean` averages the pages
and `pooled` scores all words as if they stood on one page. The headline is the mean of `end_to_end_f1`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any
from unicodedata import normalize

from rapidfuzz.distance import Levenshtein

from train_easyocr.documents import Word
from train_easyocr.metrics.matching import counted

MIDDLE_DOTS = "·․‧ㆍ･"
"""The five code points in which documents write a middle dot."""

FIGURES = (
    "detection_precision",
    "detection_recall",
    "detection_f1",
    "cer",
    "exact_precision",
    "exact_recall",
    "end_to_end_precision",
    "end_to_end_recall",
    "end_to_end_f1",
    "end_to_end_f1_without_spaces",
    "end_to_end_f1_unified_dots",
)
"""The scores of a page, in the order in which tables show them."""

_UNIFY_DOTS = str.maketrans(dict.fromkeys(MIDDLE_DOTS, MIDDLE_DOTS[0]))


@dataclass(frozen=True, slots=True)
class PageScores:
    """Counts of one page, or of several pages pooled, and the figures that follow from them. All figures are 0 to 1.

    Where there are neither labels nor predictions every share is 1; where there is one of them only, 0.

    Attributes:
        labels: Labelled words.
        predictions: Predicted words.
        matched: Predictions matched to a label (IoU >= 0.5).
        exact: Matched predictions whose text is wholly right.
        edits: Edit distance summed over matched words.
        characters: Characters of the matched labels.
        credit: Sum over matched words of max(0, 1 - CER).
        credit_without_spaces: The same with white space taken out of both texts.
        credit_unified_dots: The same with all middle dots written as one.
    """

    labels: int
    predictions: int
    matched: int
    exact: int
    edits: int
    characters: int
    credit: float
    credit_without_spaces: float
    credit_unified_dots: float

    @property
    def detection_precision(self) -> float:
        """Share of the predictions that match a label."""
        return _share(self.matched, self.predictions, self.labels)

    @property
    def detection_recall(self) -> float:
        """Share of the labels that a prediction matches."""
        return _share(self.matched, self.labels, self.predictions)

    @property
    def detection_f1(self) -> float:
        """Harmonic mean of detection precision and recall."""
        return self._f1(self.matched)

    @property
    def cer(self) -> float | None:
        """Character error rate over matched words: all edits over all label characters (can be above 1).

        None where no word is matched: there is nothing to have errors.
        """
        return self.edits / max(1, self.characters) if self.matched else None

    @property
    def exact_precision(self) -> float:
        """Share of the predictions that are matched and wholly right."""
        return _share(self.exact, self.predictions, self.labels)

    @property
    def exact_recall(self) -> float:
        """Share of the labels that are matched and wholly right."""
        return _share(self.exact, self.labels, self.predictions)

    @property
    def end_to_end_precision(self) -> float:
        """Credit per prediction."""
        return _share(self.credit, self.predictions, self.labels)

    @property
    def end_to_end_recall(self) -> float:
        """Credit per label."""
        return _share(self.credit, self.labels, self.predictions)

    @property
    def end_to_end_f1(self) -> float:
        """The headline: 2 tp / (2 tp + fp + fn)."""
        return self._f1(self.credit)

    @property
    def end_to_end_f1_without_spaces(self) -> float:
        """`end_to_end_f1` with white space taken out of both texts. Never the headline."""
        return self._f1(self.credit_without_spaces)

    @property
    def end_to_end_f1_unified_dots(self) -> float:
        """`end_to_end_f1` with all middle dots written as one. Never the headline."""
        return self._f1(self.credit_unified_dots)

    def _f1(self, true_positives: float) -> float:
        return _share(2 * true_positives, self.labels + self.predictions, 0)

    def figures(self) -> dict[str, float | None]:
        """Return all figures by name, in the order of `FIGURES`."""
        return {name: getattr(self, name) for name in FIGURES}


def _share(part: float, whole: int, others: int) -> float:
    """Return part / whole; of an empty whole 1 where there are no `others` either, else 0."""
    if whole:
        return part / whole
    return 0.0 if others else 1.0


def score_page(labels: Sequence[Word], predictions: Sequence[Word]) -> PageScores:
    """Compare what was read on a page with its labels.

    Args:
        labels: The labelled words, don't-care ones, too. One with an empty text earns 1 when it is matched and read
            as empty, else 0.
        predictions: The words read.

    Raises:
        ValueError: A box has a coordinate beyond `matching.LARGEST_COORDINATE`.
    """
    found = counted(labels, predictions)
    pairs = [(labels[found.labels[i]], predictions[found.predictions[j]]) for i, j in found.pairs]
    texts = [(normalize("NFC", label.text), normalize("NFC", prediction.text)) for label, prediction in pairs]
    edits = [Levenshtein.distance(label, prediction) for label, prediction in texts]
    return PageScores(
        labels=len(found.labels),
        predictions=len(found.predictions),
        matched=len(pairs),
        exact=edits.count(0),
        edits=sum(edits),
        characters=sum(len(label) for label, _ in texts),
        credit=math.fsum(_credit(distance, label) for distance, (label, _) in zip(edits, texts, strict=True)),
        credit_without_spaces=_credit_after(_remove_spaces, texts),
        credit_unified_dots=_credit_after(_unify_dots, texts),
    )


def credits_of(labels: Sequence[Word], predictions: Sequence[Word], pairs: Iterable[tuple[int, int]]) -> list[float]:
    """Return what each label of a page earns: max(0, 1 - CER) where it is matched, else 0.

    Args:
        labels: The labelled words, NFC.
        predictions: The words read, NFC.
        pairs: What `matching.match` returns for their boxes.
    """
    found = [0.0] * len(labels)
    for i, j in pairs:
        found[i] = _credit(Levenshtein.distance(labels[i].text, predictions[j].text), labels[i].text)
    return found


def _credit(edits: int, label: str) -> float:
    """Return max(0, 1 - CER); an empty label counts as one character, so that any text read there costs all."""
    return max(0.0, 1 - edits / max(1, len(label)))


def _credit_after(change: Callable[[str], str], texts: Iterable[tuple[str, str]]) -> float:
    changed = ((change(label), change(prediction)) for label, prediction in texts)
    return math.fsum(_credit(Levenshtein.distance(label, prediction), label) for label, prediction in changed)


def _remove_spaces(text: str) -> str:
    return "".join(text.split())


def _unify_dots(text: str) -> str:
    return text.translate(_UNIFY_DOTS)


@dataclass(frozen=True, slots=True)
class Summary:
    """Scores over many pages.

    Attributes:
        pages: Number of pages.
        mean: Each figure's mean over the pages (of `cer`: over the pages that have one); None without any.
        pooled: The counts of all pages together, and with them the pooled figures.
    """

    pages: int
    mean: dict[str, float | None]
    pooled: PageScores


class Metric:
    """Accumulates page scores: `update` with each page, `summary` at any time, `reset` to start again."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all pages."""
        self._pages: list[PageScores] = []

    def update(self, labels: Sequence[Word], predictions: Sequence[Word]) -> PageScores:
        """Score a page and add it; see `score_page`."""
        scores = score_page(labels, predictions)
        self.add(scores)
        return scores

    def add(self, scores: PageScores) -> None:
        """Add a page that is scored already."""
        self._pages.append(scores)

    def summary(self) -> Summary:
        """Return the mean over the pages and the pooled scores."""
        return Summary(
            pages=len(self._pages),
            mean={name: _mean([getattr(page, name) for page in self._pages]) for name in FIGURES},
            pooled=_pool(self._pages),
        )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


def _pool(pages: Sequence[PageScores]) -> PageScores:
    totals: dict[str, Any] = {
        field.name: sum(getattr(page, field.name) for page in pages) for field in fields(PageScores)
    }
    return PageScores(**totals)

"""CLEval: detection and reading scored by characters.

After Baek et al., "CLEval: Character-Level Evaluation for Text Detection and Recognition Tasks", arXiv 2006.06244.
A label's box, or its four corners, are cut into as many equal parts as its text has characters; the middles of the
parts stand for the characters. A prediction finds the characters whose middles it holds. Labels and predictions are
matched one to one, one label to several predictions (a split word) or several labels to one prediction (merged words),
where the labels cover at least 0.3 of the prediction's area; each further piece costs one character. End to end, the
longest common subsequence of the label's text and its predictions' texts counts instead of the middles.

The figures are those of the official command (`cleval` 0.1.1, `--BOX_TYPE QUAD --E2E`) on the same page, its rules for
borders, ties and don't-care regions (words that are don't care, and the text "###") included; see
tests/metrics/assets/cleval.json. Texts are taken as they are: callers who want NFC normalise first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import LCSseq
from shapely import area, difference, intersection, make_valid, union_all
from shapely import polygons as as_polygons

from train_easyocr.documents import Box, Shape, Word
from train_easyocr.documents.page import bounds
from train_easyocr.metrics.matching import box_array

LEAST_COVER = 0.3
"""Share of a prediction's area that its labels cover at least."""
_LEAST_COVER = np.float32(LEAST_COVER)
"""The same as the official command compares single labels with it, in single precision."""
VERTICAL_RATIO = 0.5
"""A label that is narrower than this share of its height is read along its height."""
DONT_CARE = "###"
_LONGEST_GUESS = 10
"""Characters that a box is taken for at most, where its text does not say how many there are."""
_LARGEST_TABLE = 1_000_000
"""Pairs of characters for which common subsequences are compared one by one."""
_MIDDLES_AT_ONCE = 4096
"""Characters compared with all predictions at once; bounds the memory on pages of many thousand words."""

Indices = NDArray[np.int64]
Outlines = NDArray[np.float64]
"""[n, 4, 2]: x and y of four corners each."""


@dataclass(frozen=True, slots=True)
class CharacterCounts:
    """What one of the two scores is made of. All figures are 0 to 1; of nothing they are 0, as in the official command.

    Attributes:
        labelled: Characters of the labels.
        predicted: Characters of the predictions.
        found: Characters that both have.
        split_penalty: Pieces of labels beyond one each.
        merge_penalty: Labels in predictions beyond one each.
    """

    labelled: int = 0
    predicted: int = 0
    found: int = 0
    split_penalty: int = 0
    merge_penalty: int = 0

    @property
    def recall(self) -> float:
        """Share of the labelled characters that is found, less the penalty for splits."""
        return max(0, self.found - self.split_penalty) / self.labelled if self.labelled else 0.0

    @property
    def precision(self) -> float:
        """Share of the predicted characters that is right, less the penalty for merges."""
        return max(0, self.found - self.merge_penalty) / self.predicted if self.predicted else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of recall and precision."""
        recall, precision = self.recall, self.precision
        return 2 * recall * precision / (recall + precision) if recall + precision else 0.0

    def __add__(self, other: CharacterCounts) -> CharacterCounts:
        return CharacterCounts(
            self.labelled + other.labelled,
            self.predicted + other.predicted,
            self.found + other.found,
            self.split_penalty + other.split_penalty,
            self.merge_penalty + other.merge_penalty,
        )


@dataclass(frozen=True, slots=True)
class ClevalScores:
    """CLEval of a page, or, added up with `+`, of many pages, as the official command pools them.

    Attributes:
        detection: By the characters' places.
        end_to_end: By the texts.
        splits: Labels found in several pieces.
        merges: Predictions that hold several labels.
        overlapped_characters: How often a character was found once more.
    """

    detection: CharacterCounts = CharacterCounts()
    end_to_end: CharacterCounts = CharacterCounts()
    splits: int = 0
    merges: int = 0
    overlapped_characters: int = 0

    def __add__(self, other: ClevalScores) -> ClevalScores:
        return ClevalScores(
            self.detection + other.detection,
            self.end_to_end + other.end_to_end,
            self.splits + other.splits,
            self.merges + other.merges,
            self.overlapped_characters + other.overlapped_characters,
        )


@dataclass(frozen=True, slots=True)
class Middles:
    """The characters whose middles lie in predictions: one entry a character and prediction.

    Attributes:
        labels: [n] index of the label.
        characters: [n] index of the character in its text.
        predictions: [n] index of the prediction.
    """

    labels: Indices
    characters: Indices
    predictions: Indices

    def by_pair(self) -> dict[tuple[int, int], list[int]]:
        """Return the found characters of each label and prediction that share any."""
        pairs: dict[tuple[int, int], list[int]] = defaultdict(list)
        found = zip(self.labels.tolist(), self.predictions.tolist(), self.characters.tolist(), strict=True)
        for label, prediction, character in found:
            pairs[label, prediction].append(character)
        return dict(pairs)


def score_by_cleval(labels: Sequence[Word], predictions: Sequence[Word]) -> ClevalScores:
    """Score a page.

    Args:
        labels: The labelled words; one that is don't care, or has the text "###", is a region that does not count.
        predictions: The words read, in any order.

    Raises:
        ValueError: A box has a coordinate beyond `matching.LARGEST_COORDINATE`.
    """
    return _Page(labels, predictions).scores()


def find_middles(labels: Sequence[Shape], lengths: Sequence[int], predictions: Sequence[Shape]) -> Middles:
    """Find the characters whose middles lie in predictions (at their left and upper edge included).

    Args:
        labels: The labelled boxes or corners, these as labelled: their order tells how the text runs.
        lengths: How many characters each has.
        predictions: The predicted boxes or corners.

    Returns:
        What was found, ordered by label, character, prediction.
    """
    counts = np.array(lengths, dtype=np.int64)
    owners = np.repeat(np.arange(len(labels)), counts)
    places = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
    points = _middles(_outlines(labels)[owners], counts[owners], places)
    outlines = _outlines(predictions)
    low, high = _bounds(outlines)
    tilted = ~_are_upright(outlines)
    rows, columns = [], []
    for start in range(0, max(1, len(points)), _MIDDLES_AT_ONCE):
        block = points[start : start + _MIDDLES_AT_ONCE, None, :]
        row, column = np.nonzero(np.all((low <= block) & (block < high), axis=2))
        rows.append(row + start)
        columns.append(column)
    row, column = np.concatenate(rows), np.concatenate(columns)
    if tilted.any():
        inside = ~tilted[column]
        inside[tilted[column]] = _lie_in(points[row[~inside]], outlines[column[~inside]])
        row, column = row[inside], column[inside]
    return Middles(owners[row], places[row], column)


def _outlines(shapes: Sequence[Shape]) -> Outlines:
    """Return [n, 4, 2]: x and y of the corners, clockwise from the top left where they are as they should be."""
    boxes = box_array([bounds(shape) for shape in shapes]).astype(np.float64)
    outlines = boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]
    for number, shape in enumerate(shapes):
        if not isinstance(shape, Box):
            outlines[number] = shape
    return outlines


def _are_upright(outlines: Outlines) -> NDArray[np.bool_]:
    boxes = outlines[:, [0, 2]].reshape(-1, 4)
    return (outlines == boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]).all((1, 2))


def _bounds(outlines: Outlines) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the upper left and lower right ends; a box turned inside out covers what it would the right way."""
    return outlines.min(axis=1), outlines.max(axis=1)


def _lie_in(points: NDArray[np.float64], outlines: Outlines) -> NDArray[np.bool_]:
    """Tell of each point whether it lies in its outline: whether a ray to the right meets an odd number of sides."""
    inside = np.zeros(len(points), bool)
    x, y = points.T
    for end, start in zip(range(4), (3, 0, 1, 2), strict=True):
        (x_end, y_end), (x_start, y_start) = outlines[:, end].T, outlines[:, start].T
        crossed = (y_end <= y) != (y_start <= y)
        with np.errstate(divide="ignore", invalid="ignore"):  # level sides are not crossed
            inside ^= crossed & (x < (x_start - x_end) * (y - y_end) / (y_start - y_end) + x_end)
    return inside


def _middles(outlines: Outlines, counts: Indices, places: Indices) -> NDArray[np.float64]:
    """Return [n, 2]: x and y of one character each; those of a vertical label are counted from its foot."""
    vertical = (_aspect_ratio(outlines) < VERTICAL_RATIO)[:, None]
    first, second, third, fourth = outlines.transpose(1, 0, 2)
    start = np.where(vertical, fourth + third, first + fourth) / 2
    end = np.where(vertical, first + second, second + third) / 2
    step = (end - start) / counts[:, None]
    # In this order, since a middle that falls on an edge is in or out by the last bit.
    points: NDArray[np.float64] = start + step / 2 + step * places[:, None]
    return points


def _aspect_ratio(outlines: Outlines) -> NDArray[np.float64]:
    """Return width / height of each outline, means of opposite sides, finite for those without area too."""
    top, right, bottom, left = np.sqrt(np.square(np.roll(outlines, -1, axis=1) - outlines).sum(axis=2)).T
    ratio: NDArray[np.float64] = ((top + bottom) / 2 + 1e-5) / ((right + left) / 2 + 1e-5)
    return ratio


def _areas(outlines: Outlines) -> NDArray[np.float64]:
    """Return the areas as the official command counts them: of sides that cross, what lies around which way."""
    x, y = outlines.transpose(2, 0, 1)
    areas: NDArray[np.float64] = np.abs((x * np.roll(y, -1, axis=1) - np.roll(x, -1, axis=1) * y).sum(axis=1)) / 2
    return areas


class _Page:
    """One page: what each rule of the matching needs to know, computed once."""

    def __init__(self, labels: Sequence[Word], predictions: Sequence[Word]) -> None:
        shapes = [word.corners or word.box for word in labels], [word.corners or word.box for word in predictions]
        self.label_outlines, self.predicted_outlines = map(_outlines, shapes)
        self.label_texts = _texts(labels, self.label_outlines)
        self.predicted_texts = _texts(predictions, self.predicted_outlines)
        self.found = find_middles(shapes[0], [len(text) for text in self.label_texts], shapes[1]).by_pair()
        self.precisions = self._area_precisions(list(self.found))
        ignored = {index for index, word in enumerate(labels) if _is_dont_care(word)}
        # Sets, not sorted lists: with don't-care regions the order in which merged labels take their characters out of
        # a prediction is the order of CPython's sets in the official command too.
        self.labels = set(range(len(labels))) - ignored
        dont_care = self._dont_care_precisions(ignored)
        self.precisions |= {pair: share for pair, share in dont_care.items() if pair in self.found}
        self.predictions = set(range(len(predictions))) - self._in_dont_care(ignored, dont_care)
        self.matches = self._match()

    def scores(self) -> ClevalScores:
        """Return the page's scores."""
        pieces, words = _grouped(self.matches)
        splits = sum(len(group) - 1 for group in pieces.values())
        merges = sum(len(group) - 1 for group in words.values())
        hits = sum(len(self.found[pair]) for pair in self.matches)
        found = len({(label, place) for label, part in self.matches for place in self.found[label, part]})
        labelled = sum(len(self.label_texts[index]) for index in self.labels)
        return ClevalScores(
            detection=CharacterCounts(labelled, hits + self._guessed(words), found, splits, merges),
            end_to_end=CharacterCounts(
                labelled,
                sum(len(self.predicted_texts[index]) for index in self.predictions),
                self._common_characters(pieces, words),
                splits,
                merges,
            ),
            splits=sum(len(group) > 1 for group in pieces.values()),
            merges=sum(len(group) > 1 for group in words.values()),
            overlapped_characters=hits - found,
        )

    def _area_precisions(self, pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], np.float32]:
        """Return the share of the prediction's area that the label covers, for each pair (label, prediction)."""
        if not pairs:
            return {}
        rows, columns = np.array(pairs).T
        labels, predictions = self.label_outlines[rows], self.predicted_outlines[columns]
        low, high = _bounds(labels)
        predicted_low, predicted_high = _bounds(predictions)
        common = np.prod(np.maximum(np.minimum(high, predicted_high) - np.maximum(low, predicted_low), 0), axis=1)
        tilted = ~(_are_upright(labels) & _are_upright(predictions))
        if tilted.any():
            common[tilted] = area(intersection(_regions(labels[tilted]), _regions(predictions[tilted])))
        return dict(zip(pairs, _shares(common, _areas(predictions)), strict=True))

    def _dont_care_precisions(self, ignored: Collection[int]) -> dict[tuple[int, int], np.float32]:
        """Return the share of each prediction's area that regions that don't count cover, less other labels' parts."""
        if not ignored:
            return {}
        regions, predicted = _regions(self.label_outlines), _regions(self.predicted_outlines)
        others = union_all([region for number, region in enumerate(regions) if number not in ignored])
        areas = _areas(self.predicted_outlines)
        shares = {}
        for index in ignored:
            # Corners are whole numbers as a rule, and so are the areas of upright boxes, which rounding makes exact.
            common = np.round(area(intersection(difference(regions[index], others), predicted)), 6)
            shares.update({(index, number): share for number, share in enumerate(_shares(common, areas))})
        return shares

    def _in_dont_care(self, ignored: Collection[int], shares: Mapping[tuple[int, int], np.float32]) -> set[int]:
        """Return the predictions that lie in regions that don't count, in one or in several together."""
        if not ignored:
            return set()
        inside = {prediction for (_, prediction), share in shares.items() if share >= _LEAST_COVER}
        for prediction in range(len(self.predicted_texts)):
            parts = [shares[index, prediction] for index in ignored if (index, prediction) in self.found]
            if sum(parts, np.float32(0)) >= _LEAST_COVER:
                inside.add(prediction)
        return inside

    def _match(self) -> list[tuple[int, int]]:
        """Return the matched pairs (label, prediction), ordered."""
        close = [pair for pair in self.found if self.precisions[pair] >= _LEAST_COVER]
        by_label, by_prediction = _grouped(close)
        valid = [pair for pair in close if pair[0] in self.labels and pair[1] in self.predictions]
        matched = {
            (label, part) for label, part in valid if len(by_label[label]) == 1 and len(by_prediction[part]) == 1
        }
        for label, parts in _grouped(valid)[0].items():
            if len(parts) > 1:
                matched.update((label, part) for part in parts)
        order = {label: rank for rank, label in enumerate(self.labels)}
        near = [pair for pair in self.found if pair[0] in self.labels and pair[1] in self.predictions]
        for part, words in _grouped(near)[1].items():
            # In double precision, as the official command adds what it keeps in single precision.
            total = sum(float(self.precisions[label, part]) for label in sorted(words, key=order.__getitem__))
            if len(words) > 1 and total >= LEAST_COVER:
                matched.update((label, part) for label in words)
        return sorted(matched)

    def _guessed(self, matched: Mapping[int, Sequence[int]]) -> int:
        """Return how many characters the unmatched predictions are taken for: as many squares as lie in the box."""
        ratios = _aspect_ratio(self.predicted_outlines).tolist()
        return sum(
            min(round(0.5 + 1 / (1e-5 + ratios[index])), _LONGEST_GUESS)
            for index in self.predictions
            if index not in matched
        )

    def _common_characters(self, pieces: Mapping[int, list[int]], words: Mapping[int, list[int]]) -> int:
        """Return how many characters of the labels' texts the predictions' texts hold, each used once."""
        left: dict[int, str] = {}
        total = 0
        for label in self.labels:
            parts = pieces.get(label, [])
            text = self.label_texts[label]
            if len(parts) == 1 and len(words[parts[0]]) == 1:
                total += LCSseq.similarity(text, self.predicted_texts[parts[0]])
            elif parts:
                ordered = self._in_reading_order(label, parts)
                texts = {part: left.get(part, self.predicted_texts[part]) for part in ordered}
                common = _common_subsequence(text, "".join(texts.values()))
                total += len(common)
                left |= _without(texts, common)
        return total

    def _in_reading_order(self, label: int, parts: Sequence[int]) -> list[int]:
        """Order the pieces of a label by its characters, each of which places one piece.

        Pieces that no character is left for are dropped but for the first, as the official command does.
        """
        left, ordered = list(parts), []
        holders = {part: set(self.found[label, part]) for part in parts}
        for place in range(len(self.label_texts[label])):
            if len(left) == 1:
                break
            first = next((part for part in left if place in holders[part]), None)
            if first is not None:
                ordered.append(first)
                left.remove(first)
        return [*ordered, left[0]]


def _is_dont_care(word: Word) -> bool:
    return word.dont_care or word.text == DONT_CARE


def _texts(words: Sequence[Word], outlines: Outlines) -> list[str]:
    """Return the words' texts; that of a don't-care region becomes as many characters as its shape suggests."""
    texts = [word.text for word in words]
    for index, word in enumerate(words):
        if _is_dont_care(word):
            ratio = float(_aspect_ratio(outlines[index : index + 1])[0])
            texts[index] = "#" * min(round(0.5 + max(ratio, 1 / ratio)), _LONGEST_GUESS)
    return texts


def _regions(outlines: Outlines) -> NDArray[np.object_]:
    """Return outlines as polygons; of one whose sides cross, both parts."""
    regions: NDArray[np.object_] = make_valid(as_polygons(outlines), method="structure", keep_collapsed=False)
    return regions


def _shares(common: NDArray[np.float64], areas: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return parts of areas, in single precision as the official command keeps them; of no area nothing."""
    return np.divide(common, areas, out=np.zeros(len(areas)), where=areas > 0).astype(np.float32)


def _grouped(pairs: Iterable[tuple[int, int]]) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    """Return the predictions of each label, and the labels of each prediction."""
    by_label: dict[int, list[int]] = defaultdict(list)
    by_prediction: dict[int, list[int]] = defaultdict(list)
    for label, prediction in pairs:
        by_label[label].append(prediction)
        by_prediction[prediction].append(label)
    return by_label, by_prediction


def _common_subsequence(a: str, b: str) -> str:
    """Return the longest common subsequence; of several the one that the official command finds.

    From the ends: equal characters are taken; else the last character of `a` is dropped where that leaves strictly
    more, or the last of `b`. For texts of thousands of characters, which no word has, it is any of the longest.
    """
    if len(a) * len(b) > _LARGEST_TABLE:
        return "".join(a[i] for i in _kept(a, b))
    lengths = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            lengths[i + 1][j + 1] = lengths[i][j] + 1 if x == y else max(lengths[i][j + 1], lengths[i + 1][j])
    i, j, found = len(a), len(b), []
    while i and j:
        if a[i - 1] == b[j - 1]:
            found.append(a[i - 1])
            i, j = i - 1, j - 1
        elif lengths[i - 1][j] > lengths[i][j - 1]:
            i -= 1
        else:
            j -= 1
    return "".join(reversed(found))


def _kept(a: str, b: str) -> list[int]:
    """Return the places of `a` that a longest common subsequence keeps."""
    dropped = {edit.src_pos for edit in LCSseq.editops(a, b) if edit.tag == "delete"}
    return [place for place in range(len(a)) if place not in dropped]


def _without(texts: Mapping[int, str], characters: str) -> dict[int, str]:
    """Return the texts with each of the characters taken out once, of the first text that holds it."""
    left = dict(texts)
    for character in characters:
        holder = next((part for part, text in left.items() if character in text), None)
        if holder is not None:
            left[holder] = left[holder].replace(character, "", 1)
    return left


def pooled(pages: Iterable[ClevalScores]) -> ClevalScores:
    """Return the scores of all pages together, as the official command gives them for a set of files."""
    total = ClevalScores()
    for page in pages:
        total = total + page
    return total

"""The metric once more, in the plainest Python: loops and fractions, no array; edit distances by nltk."""

from __future__ import annotations

import unicodedata
from fractions import Fraction

from nltk.metrics.distance import edit_distance

from train_easyocr.documents import Box, Word


def plain_iou(a: Box, b: Box) -> Fraction:
    width = min(a.xmax, b.xmax) - max(a.xmin, b.xmin)
    height = min(a.ymax, b.ymax) - max(a.ymin, b.ymin)
    if width <= 0 or height <= 0:
        return Fraction(0)
    intersection = width * height
    return Fraction(intersection, a.area + b.area - intersection)


def plain_match(labels: list[Box], predictions: list[Box]) -> list[tuple[int, int]]:
    """Take the best pair that is left, again and again."""
    pairs = []
    left_labels, left_predictions = list(range(len(labels))), list(range(len(predictions)))
    table = {(i, j): plain_iou(labels[i], predictions[j]) for i in left_labels for j in left_predictions}
    while True:
        best = None
        for i in left_labels:
            for j in left_predictions:
                if table[i, j] >= Fraction(1, 2) and (best is None or table[i, j] > table[best]):
                    best = (i, j)
        if best is None:
            return sorted(pairs)
        pairs.append(best)
        left_labels.remove(best[0])
        left_predictions.remove(best[1])


def plain_credit(label: str, prediction: str) -> Fraction:
    if not label:
        return Fraction(0 if prediction else 1)
    return max(Fraction(0), 1 - Fraction(edit_distance(label, prediction), len(label)))


def plain_figures(labels: list[Word], predictions: list[Word]) -> dict[str, float | None]:
    """The figures of one page as the design states them: tp, fp, fn, and 2tp / (2tp + fp + fn)."""
    pairs = plain_match([word.box for word in labels], [word.box for word in predictions])
    texts = [
        (unicodedata.normalize("NFC", labels[i].text), unicodedata.normalize("NFC", predictions[j].text))
        for i, j in pairs
    ]
    edits = sum(edit_distance(a, b) for a, b in texts)
    figures = {"cer": edits / max(1, sum(len(a) for a, _ in texts)) if pairs else None}
    for name, true_positives in (
        ("detection", Fraction(len(pairs))),
        ("exact", Fraction(sum(a == b for a, b in texts))),
        ("end_to_end", sum((plain_credit(a, b) for a, b in texts), Fraction(0))),
    ):
        precision, recall, f1 = plain_shares(true_positives, len(labels), len(predictions))
        figures |= {f"{name}_precision": precision, f"{name}_recall": recall, f"{name}_f1": f1}
    del figures["exact_f1"]
    for name, change in (("without_spaces", drop_spaces), ("unified_dots", unify_dots)):
        true_positives = sum((plain_credit(change(a), change(b)) for a, b in texts), Fraction(0))
        figures[f"end_to_end_f1_{name}"] = plain_shares(true_positives, len(labels), len(predictions))[2]
    return figures


def plain_shares(true_positives: Fraction, labels: int, predictions: int) -> tuple[float, float, float]:
    if not labels and not predictions:
        return 1.0, 1.0, 1.0
    if not labels or not predictions:
        return 0.0, 0.0, 0.0
    false_positives, false_negatives = predictions - true_positives, labels - true_positives
    f1 = 2 * true_positives / (2 * true_positives + false_positives + false_negatives)
    return float(true_positives / predictions), float(true_positives / labels), float(f1)


def drop_spaces(text: str) -> str:
    return "".join(character for character in text if not character.isspace())


def unify_dots(text: str) -> str:
    for dot in "․‧ㆍ･":
        text = text.replace(dot, "·")
    return text

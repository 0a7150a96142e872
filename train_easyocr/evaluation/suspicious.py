"""Labels that look wrong: words where a sure model reads something else, ranked for review.

A model's own weaknesses disagree with labels too, but they repeat: what is read for 를 wherever 를 stands is no fault
of the labels. So the confidence in a reading, mended by the temperature (see `calibration`), is multiplied by how
unusual each of its edits is for this model; and a word that several models read alike, against the label, comes before
one that a single model does.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from train_easyocr.documents import Box
from train_easyocr.evaluation.observations import Observations, Words
from train_easyocr.metrics.calibration import fit_temperature, tempered
from train_easyocr.metrics.character_errors import CharacterErrors, aligned_edits
from train_easyocr.metrics.error_classes import MISREAD

MOST = 200
"""Labels that are listed."""
_USUAL = 0.02
"""A character that is read so often as this other one is as likely misread as mislabelled."""


@dataclass(frozen=True, slots=True)
class SuspiciousLabel:
    """A label to look at.

    Attributes:
        page: The page's name.
        box: The label's box in pixels.
        label: The labelled text.
        read: What the models read.
        models: Those that read it, surest first.
        score: The chance that the label is wrong (0 to 1), as far as the confidences tell; for ranking.
    """

    page: str
    box: Box
    label: str
    read: str
    models: list[str]
    score: float


def suspicious_labels(
    models: Mapping[str, Observations], words: Mapping[str, Words], most: int = MOST
) -> list[SuspiciousLabel]:
    """Rank the labels that models contradict, most suspicious first.

    Args:
        models: What each model did, by name.
        words: Its rows, by name.
        most: How many are returned at most.
    """
    found: dict[tuple[str, Box, str, str], list[tuple[float, str]]] = defaultdict(list)
    for name, observations in models.items():
        for page, box, label, read, score in _contradictions(observations, words[name]):
            found[page, box, label, read].append((score, name))
    ranked = [
        SuspiciousLabel(*key, [name for _, name in sorted(votes, key=lambda vote: -vote[0])], _together(votes))
        for key, votes in found.items()
    ]
    ranked.sort(key=lambda entry: (-entry.score, entry.page, entry.box))
    return [replace(entry, score=round(entry.score, 6)) for entry in _one_a_label(ranked)[:most]]


def _contradictions(observations: Observations, words: Words) -> list[tuple[str, Box, str, str, float]]:
    """Return page, box, label, reading and score of each misread word of a model."""
    known = words.labelled & np.isfinite(words.confidence)
    right = words.credit == 1
    temperature = fit_temperature(words.confidence[known], right[known])
    sureness = words.confidence if temperature is None else tempered(words.confidence, temperature)
    found = []
    for row in np.nonzero(known & (words.error_class == MISREAD))[0].tolist():
        label, read = words.text[row], words.read[row]
        if not read:  # nothing was read, so that nothing contradicts the label
            continue
        score = float(sureness[row]) * _unusual(label, read, observations.characters)
        found.append((observations.pages[int(words.page[row])].name, words.box_of(row), label, read, score))
    return found


def _unusual(label: str, read: str, characters: CharacterErrors) -> float:
    """Return how unlikely a model's own weaknesses are to explain a reading (0 to 1).

    One unusual edit is enough: whatever else went wrong there, the model does not do that.
    """
    rates = [characters.repetition(before, after) for before, after in aligned_edits(label, read)]
    return 1 / (1 + (min(rates) / _USUAL) ** 2)


def _together(votes: Sequence[tuple[float, str]]) -> float:
    """Return the score of several models: the chance that not all of them err, had they nothing in common.

    They have much in common, so that a second vote counts half.
    """
    scores = sorted((score for score, _ in votes), reverse=True)
    return 1 - (1 - scores[0]) * math.prod(1 - score / 2 for score in scores[1:])


def _one_a_label(ranked: Sequence[SuspiciousLabel]) -> list[SuspiciousLabel]:
    """Keep the highest entry of each label."""
    seen: set[tuple[str, Box, str]] = set()
    kept = []
    for entry in ranked:
        if (entry.page, entry.box, entry.label) not in seen:
            seen.add((entry.page, entry.box, entry.label))
            kept.append(entry)
    return kept


def precision_at(ranked: Sequence[SuspiciousLabel], planted: set[tuple[str, Box]], count: int = 100) -> float:
    """Return which share of the first `count` labels is among those known to be wrong; 0 when nothing is ranked.

    Args:
        ranked: What `suspicious_labels` returns.
        planted: Page and box of each label known to be wrong.
        count: How many of the first ones are looked at.
    """
    first = ranked[:count]
    return sum((entry.page, entry.box) in planted for entry in first) / len(first) if first else 0.0

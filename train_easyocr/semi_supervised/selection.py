"""Which readings become labels: a threshold that validation chooses, limits for what is frequent, a floor for the rare.

Confidences are calibrated by one temperature on validation words (`metrics.calibration`). The threshold is the lowest
one above which the texts on which all looks agree are right often enough there. What validation says of a threshold
that it has chosen itself flatters it; so the precision that is claimed comes from two halves of the words, each read
with the threshold that the other one chose.

Pseudo labels: Lee, "Pseudo-Label", ICML 2013 workshops; thresholds by confidence: Sohn et al., "FixMatch", arXiv
2001.07685; what a teacher believes wrongly its student learns: Arazo et al., arXiv 1908.02983.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from train_easyocr.common.errors import UserError
from train_easyocr.datasets.data import generator
from train_easyocr.metrics.calibration import fit_temperature, tempered
from train_easyocr.semi_supervised.reading import LookReadings

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

LOWEST = 0.5
"""A threshold's least value: a text that is rather wrong than right is no label, however few mistakes were met."""
FEWEST = 20
"""Validation words above a threshold that say anything of it."""
HALVES, TEXTS, LENGTHS = 70, 71, 72
"""Purposes of random generators: validation's halves, and which words of a frequent text, or length, are kept."""


class Fate(StrEnum):
    """What becomes of a word, and why."""

    KEPT = "kept"
    RARE = "kept for a rare character"
    EMPTY = "nothing read"
    TOO_LONG = "longer than a label may be"
    VIEWS = "another text in an augmented view"
    WEIGHTS = "another text by the averaged weights"
    UNSURE = "confidence below the threshold"
    FREQUENT = "text kept often enough"
    LENGTH = "length kept often enough"


KEPT = (Fate.KEPT, Fate.RARE)


class TeacherTooWeakError(UserError):
    """A teacher reads too badly for any of its readings to be a label."""


@dataclass(frozen=True)
class Threshold:
    """What validation says of a teacher.

    Attributes:
        temperature: What divides the logits of its confidences.
        value: Calibrated confidences from here on are enough.
        precision: Share of right texts among the validation words above it, 0 to 1, of which it was chosen.
        claimed: The same where each half of the words is read with the other half's threshold.
        kept: Validation words above it.
        words: Of all.
        accuracy: Per cent of all that the teacher reads right.
    """

    temperature: float
    value: float
    precision: float
    claimed: float
    kept: int
    words: int
    accuracy: float

    def describe(self) -> str:
        """Say it in a sentence."""
        return (
            f"Threshold {self.value:.3f} (temperature {self.temperature:.2f}) keeps {self.kept:,} of {self.words:,} "
            f"validation words, {self.precision:.2%} of them right, {self.claimed:.2%} where the threshold was chosen "
            f"on other words; the teacher reads {self.accuracy:.1f} % of all right"
        )


@dataclass(frozen=True)
class Selection:
    """What becomes of each unlabelled word.

    Attributes:
        texts: What the teacher read, [n].
        confidence: Calibrated, [n].
        fates: [n].
        precision: The share of kept texts that are expected to be right, 0 to 1.
    """

    texts: list[str]
    confidence: Floats
    fates: list[Fate]
    precision: float

    @property
    def kept(self) -> Mask:
        """Whether each word has a label now, [n]."""
        return np.array([fate in KEPT for fate in self.fates], bool)


class Demands(NamedTuple):
    """What a teacher must reach on validation words.

    Attributes:
        precision: Share of kept texts that are right, 0 to 1.
        accuracy: Per cent of all words that it reads right.
        kept: Share of all words above the threshold, 0 to 1.
    """

    precision: float
    accuracy: float
    kept: float


@dataclass(frozen=True)
class Limits:
    """How many words may, or shall, be kept of one kind; see config_files/semi_supervised.yaml."""

    most_per_text: int
    most_of_length: float
    least_per_character: int
    longest: int
    seed: int


def disagreement(readings: LookReadings, augmented: Sequence[bool]) -> list[Fate | None]:
    """Return why looks at a word contradict its first one, None where all agree; `augmented` has a mark a look."""
    found: list[Fate | None] = [None] * len(readings.text)
    for look in reversed(range(1, len(readings.texts))):
        fate = Fate.VIEWS if augmented[look] else Fate.WEIGHTS
        for index in np.flatnonzero(readings.disagreeing(look)):
            found[index] = fate
    return found


def choose_threshold(readings: LookReadings, truth: Sequence[str], demands: Demands, seed: int) -> Threshold:
    """Choose the threshold by what a teacher reads on validation words.

    Args:
        readings: Its looks at them.
        truth: What they say.
        demands: What it must reach.
        seed: Of the words' halves.

    Raises:
        TeacherTooWeakError: There is none.
    """
    right = np.array([one == other for one, other in zip(readings.text, truth, strict=True)], bool)
    accuracy = 100 * float(right.mean())
    agree = np.logical_and.reduce([~readings.disagreeing(look) for look in range(len(readings.texts))])
    agree &= np.array([bool(text) for text in readings.text], bool)
    temperature = fit_temperature(readings.confidence[agree], right[agree]) or 1.0
    confidence = np.where(agree, tempered(readings.confidence, temperature), 0.0)
    value = lowest_threshold(confidence, right, demands.precision)
    kept = int((confidence >= value).sum()) if value is not None else 0
    if accuracy < demands.accuracy or value is None or kept < max(FEWEST, demands.kept * len(right)):
        raise TeacherTooWeakError(_refusal(accuracy, int(agree.sum()), kept, len(right), demands))
    return Threshold(
        temperature=temperature,
        value=value,
        precision=float(right[confidence >= value].mean()),
        claimed=_claimed(confidence, right, value, demands.precision, seed),
        kept=kept,
        words=len(right),
        accuracy=accuracy,
    )


def lowest_threshold(confidence: Floats, right: Mask, least_precision: float) -> float | None:
    """Return the lowest confidence from which on enough of the words are right; None where there is none.

    Args:
        confidence: [n], calibrated.
        right: [n].
        least_precision: Share of right words, 0 to 1.
    """
    order = np.argsort(-confidence, kind="stable")
    sure = confidence[order]
    precision = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    # Words of one confidence are above a threshold together.
    last = np.append(sure[1:] != sure[:-1], True)
    good = np.flatnonzero((precision >= least_precision) & last & (sure >= LOWEST))
    return float(sure[good[-1]]) if len(good) else None


def _claimed(confidence: Floats, right: Mask, value: float, least_precision: float, seed: int) -> float:
    """Return the precision where each half of the words is above the threshold that the other half chose."""
    first = generator(seed, HALVES).permutation(len(right)) % 2 == 0
    kept = np.zeros(len(right), bool)
    for half in (first, ~first):
        of_others = lowest_threshold(confidence[~half], right[~half], least_precision)
        kept[half] = confidence[half] >= (value if of_others is None else of_others)
    return float(right[kept].mean()) if kept.any() else 0.0


def _refusal(accuracy: float, agreed: int, kept: int, words: int, demands: Demands) -> str:
    least = max(FEWEST, round(demands.kept * words))
    return (
        f"the teacher reads {accuracy:.1f} % of {words:,} validation words right ({demands.accuracy:g} % are needed); "
        f"all its looks agree on {agreed:,}, and {kept:,} are read so surely that {demands.precision:.0%} of these are "
        f"right ({least:,} are needed): its labels would teach its mistakes. What helps: more labelled words, rendered "
        "ones among them (python3 -m train_easyocr.synthesis.words); weights that know more to start from "
        "(large.continue_from); a longer training (large.n_iter); more validation words. least_precision, "
        "least_accuracy and least_kept lower the bar"
    )


def select(readings: LookReadings, augmented: Sequence[bool], threshold: Threshold, limits: Limits) -> Selection:
    """Decide which readings of unlabelled words become labels.

    Args:
        readings: A teacher's looks at them.
        augmented: For each look, whether it is an augmented view.
        threshold: What validation says of the teacher.
        limits: What is frequent, and what is rare.
    """
    texts, confidence = readings.text, tempered(readings.confidence, threshold.temperature)
    fates = [
        Fate.EMPTY if not text else Fate.TOO_LONG if len(text) > limits.longest else fault or Fate.KEPT
        for text, fault in zip(texts, disagreement(readings, augmented), strict=True)
    ]
    for index in np.flatnonzero(confidence < threshold.value):
        fates[index] = Fate.UNSURE if fates[index] is Fate.KEPT else fates[index]
    _limit_lengths(texts, fates, limits)
    _limit_texts(texts, fates, limits)
    kept = fates.count(Fate.KEPT)
    rare = _keep_rare(texts, confidence, fates, threshold.claimed, limits)
    precision = (threshold.claimed * kept + sum(confidence[rare])) / max(1, kept + len(rare))
    return Selection(list(texts), confidence, fates, float(precision))


def _limit_texts(texts: Sequence[str], fates: list[Fate], limits: Limits) -> None:
    """Keep some of the words of a frequent text, whichever chance chooses: the surest ones would all look alike."""
    times: Counter[str] = Counter()
    for index in generator(limits.seed, TEXTS).permutation(len(texts)) if limits.most_per_text else []:
        if fates[index] is Fate.KEPT:
            times[texts[index]] += 1
            if times[texts[index]] > limits.most_per_text:
                fates[index] = Fate.FREQUENT


def _limit_lengths(texts: Sequence[str], fates: list[Fate], limits: Limits) -> None:
    """Keep no length more often than it is read: a short text is sure more easily than a long one."""
    if not limits.most_of_length:
        return
    kept = [index for index, fate in enumerate(fates) if fate is Fate.KEPT]
    read = Counter(len(text) for text in texts if text)
    most = {length: limits.most_of_length * count / read.total() * len(kept) for length, count in read.items()}
    times: Counter[int] = Counter()
    for index in generator(limits.seed, LENGTHS).permutation(kept).tolist():
        length = len(texts[index])
        times[length] += 1
        if times[length] > max(1, most[length]):
            fates[index] = Fate.LENGTH


def _keep_rare(
    texts: Sequence[str], confidence: Floats, fates: list[Fate], precision: float, limits: Limits
) -> list[int]:
    """Keep unsure words that hold a character which is kept too seldom, the surest first; return their indices.

    Mistakes that are expected among them may be half as many as those among the other kept words, at most.
    """
    kept = [text for text, fate in zip(texts, fates, strict=True) if fate is Fate.KEPT]
    times = Counter("".join(kept))
    places: dict[str, list[int]] = defaultdict(list)
    for index in np.argsort(-confidence, kind="stable").tolist():
        if fates[index] is Fate.UNSURE and confidence[index] >= LOWEST:
            for character in set(texts[index]):
                places[character].append(index)
    allowed = (1 - precision) * len(kept) / 2
    found: list[int] = []
    for character in sorted(places, key=lambda one: (times[one], one)):
        for index in places[character]:
            if times[character] >= limits.least_per_character:
                break
            if fates[index] is Fate.RARE:
                continue
            doubt = 1 - float(confidence[index])
            if doubt > allowed:
                break
            allowed -= doubt
            fates[index] = Fate.RARE
            found.append(index)
            times.update(texts[index])
    return found

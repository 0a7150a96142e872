"""What a prepared set holds: counts, characters outside the model's set, long texts, aspect ratios."""

from __future__ import annotations

import hashlib
import json
import math
import unicodedata
from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from train_easyocr.common.text import format_table, pad

PERCENTILES = (1, 10, 25, 50, 75, 80, 90, 95, 99, 100)
SHOWN_CHARACTERS = 20
ON_PARTLY = "_on_partly_labelled_pages"
"""Ends the key of what part of a count falls to them."""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """The settings of a model that the words are measured against.

    Attributes:
        character: As in the configuration: the name of an EasyOCR model, or the characters themselves.
        sensitive: False turns labels into lower case before they are compared.
        batch_max_length: Longest label in characters.
        img_height: Height in pixels that patches are resized to.
    """

    character: str
    sensitive: bool
    batch_max_length: int
    img_height: int


@dataclass(frozen=True)
class Measure:
    """What the words are measured against: settings, and the characters that the model can write."""

    settings: ModelSettings
    known: frozenset[str]

    @cached_property
    def digest(self) -> str:
        """What tells one measure from another."""
        content = json.dumps([asdict(self.settings), sorted(self.known)])
        return hashlib.sha256(content.encode()).hexdigest()


class WordStatistics:
    """Measures words one by one; memory grows by eight bytes a word."""

    def __init__(self, measure: Measure) -> None:
        self._settings, self._known, self._measure = measure.settings, measure.known, measure
        self._ratios = array("d")
        self._outside: Counter[str] = Counter()
        self._with_outside = 0
        self._too_long = 0

    def update(self, width: int, height: int, text: str) -> None:
        """Take in a word: its patch's size in pixels and its text."""
        text = text if self._settings.sensitive else text.lower()
        self._ratios.append(width / height)
        self._too_long += len(text) > self._settings.batch_max_length
        if not self._known.issuperset(text):
            self._with_outside += 1
            self._outside.update(character for character in text if character not in self._known)

    def part(self) -> dict[str, Any]:
        """Return what was measured so far, for `add`, as JSON can hold it."""
        counts = {"outside": self._outside, "with_outside": self._with_outside, "too_long": self._too_long}
        return counts | {"ratios": self._ratios.tolist()}

    def add(self, part: Mapping[str, Any]) -> None:
        """Take in what another process has measured (`part`) against the same model."""
        self._outside.update(part["outside"])
        self._with_outside += part["with_outside"]
        self._too_long += part["too_long"]
        self._ratios.extend(part["ratios"])

    def summary(self) -> dict[str, Any]:
        """Return the figures; shares are of all words (0 to 1), widths in pixels at `img_height`."""
        words = len(self._ratios)
        ratios = self._percentiles()
        return {
            "measured_against": asdict(self._settings) | {"digest": self._measure.digest},
            "characters_outside": {
                "words": self._with_outside,
                "share_of_words": _share(self._with_outside, words),
                "distinct": len(self._outside),
                "counts": dict(sorted(self._outside.items(), key=lambda item: (-item[1], item[0]))),
            },
            "too_long": {"words": self._too_long, "share_of_words": _share(self._too_long, words)},
            "aspect_ratio_percentiles": {str(q): round(ratio, 4) for q, ratio in ratios.items()},
            "width_percentiles": {str(q): self._width(ratio) for q, ratio in ratios.items()},
            "width_for_80_percent": self._width(ratios[80]) if ratios else 0,
        }

    def _percentiles(self) -> dict[int, float]:
        """For each q the aspect ratio (width / height) of a word that q % of the words do not exceed."""
        if not self._ratios:
            return {}
        values = np.percentile(np.frombuffer(self._ratios), PERCENTILES, method="inverted_cdf")
        return dict(zip(PERCENTILES, values.tolist(), strict=True))

    def _width(self, ratio: float) -> int:
        return math.ceil(ratio * self._settings.img_height - 1e-6)


def _share(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 0.0


def of_which_partly(key: str, count: int, partly: int) -> dict[str, int]:
    """Return a count, and how much of it falls to partly labelled pages where there are any."""
    return {key: count} | ({f"{key}{ON_PARTLY}": partly} if partly else {})


def render(title: str, statistics: Mapping[str, Any]) -> str:
    """Lay out a set's statistics for a terminal.

    Args:
        title: What the first table is called.
        statistics: `pages` and `words` with their counts, and what `WordStatistics.summary` returns.
    """
    parts = [_two_columns(title, _counts(statistics) + _measures(statistics))]
    outside = statistics["characters_outside"]["counts"]
    if outside:
        rows = [(_shown(c), f"U+{ord(c):04X}", count) for c, count in list(outside.items())[:SHOWN_CHARACTERS]]
        parts.append(format_table(("character outside the model's set", "code point", "count"), rows))
        if len(outside) > SHOWN_CHARACTERS:
            parts.append(f"... and {len(outside) - SHOWN_CHARACTERS:,} more, in statistics.json")
    ratios, widths = statistics["aspect_ratio_percentiles"], statistics["width_percentiles"]
    if ratios:
        height = statistics["measured_against"]["img_height"]
        table = [(int(q), f"{ratio:.2f}", widths[q]) for q, ratio in ratios.items()]
        parts.append(format_table(("% of words", "width / height up to", f"width at height {height}"), table))
        parts.append(f"80 % of the words need a width of {statistics['width_for_80_percent']} at height {height}.")
    return "\n\n".join(parts)


def none_trainable(statistics: Mapping[str, Any], words: int) -> str:
    """Say why step 3 could train on none of a set's words, as far as these statistics show it; empty where it could.

    Args:
        statistics: What `WordStatistics.summary` returns.
        words: How many words were measured.
    """
    outside, too_long = statistics["characters_outside"], statistics["too_long"]
    settings = statistics["measured_against"]
    if words and outside["words"] == words:
        shown = ", ".join(repr(_shown(character)) for character in list(outside["counts"])[:5])
        return (
            f"each of its {words:,} words holds a character that is not in character={settings['character'][:20]!r} "
            f"(most often {shown}), and step 3 could train on none; name a character set that has them"
        )
    if words and too_long["words"] == words:
        return (
            f"each of its {words:,} words has more than batch_max_length={settings['batch_max_length']} characters, "
            "and step 3 could train on none; are the labels words?"
        )
    return ""


def _counts(statistics: Mapping[str, Any]) -> list[tuple[str, str]]:
    pages, words = statistics["pages"], statistics["words"]
    rows = [(_named("pages", key), f"{pages[key]:,}") for key in pages if key != "skipped"]
    rows += [(f"  skipped: {reason}", f"{count:,}") for reason, count in pages["skipped"].items()]
    rows += [(_named("words", key), f"{words[key]:,}") for key in words if key != "skipped"]
    rows += [(f"  skipped: {reason}", f"{count:,}") for reason, count in words["skipped"].items()]
    return rows + [(f"warning: {reason}", f"{count:,}") for reason, count in statistics["warnings"].items()]


def _named(what: str, key: str) -> str:
    return "  of these on partly labelled pages" if key.endswith(ON_PARTLY) else f"{what} {key.replace('_', ' ')}"


def _measures(statistics: Mapping[str, Any]) -> list[tuple[str, str]]:
    outside, too_long = statistics["characters_outside"], statistics["too_long"]
    longest = statistics["measured_against"]["batch_max_length"]
    return [
        ("distinct characters outside the model's set", f"{outside['distinct']:,}"),
        ("words that hold one", f"{outside['words']:,} ({outside['share_of_words']:.2%})"),
        (f"words of more than {longest} characters", f"{too_long['words']:,} ({too_long['share_of_words']:.2%})"),
    ]


def _two_columns(title: str, rows: list[tuple[str, str]]) -> str:
    width = max(len(value) for _, value in rows)
    return format_table((title, ""), [(label, pad(value, width, right=True)) for label, value in rows])


def _shown(character: str) -> str:
    return unicodedata.name(character, repr(character)) if not character.isprintable() else character

"""Which characters are confused: edits of matched words, aligned, counted, and taken apart into jamo.

Words are aligned by their shortest series of edits (Levenshtein). White space is counted apart: where a document puts
its spaces (띄어쓰기) is another question than what its letters are.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from rapidfuzz.distance import Levenshtein

from train_easyocr.documents import Box

Key = TypeVar("Key", bound=Any)

INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
FINALS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
PARTS = ("initial", "vowel", "final")
_FIRST, _LAST = "가", "힣"
EXAMPLES = 3
"""Words that are kept as examples of each confusion."""


@dataclass(frozen=True, slots=True)
class Example:
    """A word in which something was confused.

    Attributes:
        page: The page's name.
        box: The label's box in pixels.
        label: The labelled text.
        read: The text that was read.
    """

    page: str
    box: Box
    label: str
    read: str


@dataclass(frozen=True, slots=True)
class Confusion:
    """One character taken for another; an empty `read` is a character left out, an empty `label` one too many."""

    label: str
    read: str
    count: int
    examples: list[Example]


@dataclass(frozen=True, slots=True)
class JamoConfusion:
    """One letter of a syllable taken for another; empty: no final."""

    part: str
    label: str
    read: str
    count: int


@dataclass(frozen=True, slots=True)
class WeakCharacter:
    """A character with errors: how often it stood in labels of matched words, and how often it was not read."""

    character: str
    errors: int
    count: int


@dataclass(frozen=True, slots=True)
class Spaces:
    """White space in matched words.

    Attributes:
        labelled: White space in the labels.
        missed: Of these, not read.
        added: Read where the label has none.
        words: Words whose texts differ in white space alone.
    """

    labelled: int
    missed: int
    added: int
    words: int


@dataclass(frozen=True, slots=True)
class Unwritable:
    """A character of the labels that the model cannot write at all, whatever it sees."""

    character: str
    count: int


@dataclass(frozen=True, slots=True)
class CharacterSummary:
    """The characters of a model's matched words.

    Attributes:
        characters: Characters of their labels, white space aside.
        edits: Edits without those of white space.
        confusions: What was confused, most frequent first.
        spaces: White space.
        jamo_syllables: Syllables that were taken for another syllable.
        jamo_parts: In how many of them the initial, the vowel, the final differ.
        jamo: The confused letters, most frequent first.
        weak: Characters with errors, most errors first.
        unwritable: What the model cannot write, most frequent first; None where its characters are not known. Counted
            over all labels, found or not.
        unwritable_words: Labels that hold one of these.
    """

    characters: int
    edits: int
    confusions: list[Confusion]
    spaces: Spaces
    jamo_syllables: int
    jamo_parts: dict[str, int]
    jamo: list[JamoConfusion]
    weak: list[WeakCharacter]
    unwritable: list[Unwritable] | None
    unwritable_words: int


def letters(syllable: str) -> tuple[str, str, str] | None:
    """Return the initial, vowel and final ("" for none) of a Hangul syllable; None for another character."""
    if not _FIRST <= syllable <= _LAST:
        return None
    rest, final = divmod(ord(syllable) - ord(_FIRST), len(FINALS))
    initial, vowel = divmod(rest, len(VOWELS))
    return INITIALS[initial], VOWELS[vowel], FINALS[final]


def aligned_edits(label: str, read: str) -> list[tuple[str, str]]:
    """Return the edits that turn a label into what was read: (labelled, read), one of them empty where one is missing.

    Letters are aligned as if there were no white space, so that a space left out does not shift what follows it; edits
    of white space come behind, each as a space left out or a space too many.
    """
    letters_alone = [
        ("" if edit.tag == "insert" else a[edit.src_pos], "" if edit.tag == "delete" else b[edit.dest_pos])
        for a, b in [("".join(label.split()), "".join(read.split()))]
        for edit in Levenshtein.editops(a, b)
    ]
    missed, added = _space_edits(label, read)
    return [*letters_alone, *[(" ", "")] * missed, *[("", " ")] * added]


def _space_edits(label: str, read: str) -> tuple[int, int]:
    """Return how much white space of the label was not read, and how much was read that the label has not."""
    missed = added = 0
    if any(map(str.isspace, label + read)):
        for a, b in _stretches(label, read):
            for edit in Levenshtein.editops(a, b):
                missed += edit.tag != "insert" and a[edit.src_pos].isspace()
                added += edit.tag != "delete" and b[edit.dest_pos].isspace()
    return missed, added


def _stretches(label: str, read: str) -> list[tuple[str, str]]:
    """Return the stretches of two texts that are to be compared: where the letters are the same, what is between them.

    The fewest edits of the whole need not touch a space that was moved: a letter moved makes 제제 출 of 제 제출, too.
    """
    if "".join(label.split()) != "".join(read.split()):
        return [(label, read)]
    return list(zip(re.split(r"\S", label), re.split(r"\S", read), strict=True))


@dataclass
class CharacterErrors:
    """Counts over matched words: `update` with each, `summary` at any time."""

    _labelled: Counter[str] = field(default_factory=Counter)
    _edits: Counter[tuple[str, str]] = field(default_factory=Counter)
    _examples: dict[tuple[str, str], list[Example]] = field(default_factory=lambda: defaultdict(list))
    _only_spaces: int = 0

    def update(self, label: str, read: str, page: str, box: Box) -> None:
        """Take in a matched word.

        Args:
            label: The labelled text, NFC.
            read: The text that was read, NFC.
            page: The page's name.
            box: The label's box.
        """
        self._labelled.update(label)
        if label == read:
            return
        edits = aligned_edits(label, read)
        self._edits.update(edits)
        self._only_spaces += all((before or after).isspace() for before, after in edits)
        for edit in dict.fromkeys(edits):
            if len(self._examples[edit]) < EXAMPLES:
                self._examples[edit].append(Example(page, box, label, read))

    def repetition(self, label: str, read: str) -> float:
        """Return how often an edit that was made once was made again, as a share of the other chances to make it.

        Args:
            label: The labelled character; its other occurrences are the chances. Empty for a character too many, for
                which all characters are.
            read: What was read for it; empty for nothing.
        """
        occurrences = self._labelled[label] if label else self._labelled.total()
        return max(0, self._edits[label, read] - 1) / max(1, occurrences - 1)

    def summary(self, texts: Iterable[str], writable: frozenset[str] | None) -> CharacterSummary:
        """Sum up.

        Args:
            texts: The texts of all labels, matched or not.
            writable: The characters that the model can write; None: not known.
        """
        edits = {edit: count for edit, count in self._edits.items() if not (edit[0] or edit[1]).isspace()}
        parts, jamo, syllables = _jamo(edits)
        unwritable, words = _unwritable(texts, writable)
        labelled = {character: count for character, count in self._labelled.items() if not character.isspace()}
        return CharacterSummary(
            characters=sum(labelled.values()),
            edits=sum(edits.values()),
            confusions=[
                Confusion(before, after, count, self._examples[before, after])
                for (before, after), count in _most_frequent_first(edits)
            ],
            spaces=self._spaces(),
            jamo_syllables=syllables,
            jamo_parts=parts,
            jamo=[JamoConfusion(*key, count) for key, count in _most_frequent_first(jamo)],
            weak=_weak(edits, labelled),
            unwritable=unwritable,
            unwritable_words=words,
        )

    def _spaces(self) -> Spaces:
        return Spaces(
            labelled=sum(count for character, count in self._labelled.items() if character.isspace()),
            missed=sum(count for (before, _), count in self._edits.items() if before.isspace()),
            added=sum(count for (_, after), count in self._edits.items() if after.isspace()),
            words=self._only_spaces,
        )


def _most_frequent_first(counts: Mapping[Key, int]) -> list[tuple[Key, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _weak(edits: Mapping[tuple[str, str], int], labelled: Mapping[str, int]) -> list[WeakCharacter]:
    errors: Counter[str] = Counter()
    for (before, _), count in edits.items():
        errors[before] += count
    del errors[""]
    return [WeakCharacter(name, count, labelled[name]) for name, count in _most_frequent_first(errors)]


def _jamo(
    edits: Mapping[tuple[str, str], int],
) -> tuple[dict[str, int], dict[tuple[str, str, str], int], int]:
    """Return how many syllables differ in each part, the confused letters, and how many syllables there are."""
    parts = dict.fromkeys(PARTS, 0)
    jamo: Counter[tuple[str, str, str]] = Counter()
    syllables = 0
    for (before, after), count in edits.items():
        labelled, read = letters(before), letters(after)
        if labelled is None or read is None:
            continue
        syllables += count
        for part, a, b in zip(PARTS, labelled, read, strict=True):
            if a != b:
                parts[part] += count
                jamo[part, a, b] += count
    return parts, dict(jamo), syllables


def _unwritable(texts: Iterable[str], writable: frozenset[str] | None) -> tuple[list[Unwritable] | None, int]:
    if writable is None:
        return None, 0
    counts: Counter[str] = Counter()
    words = 0
    for text in texts:
        if not writable.issuperset(text):
            words += 1
            counts.update(character for character in text if character not in writable)
    return [Unwritable(name, count) for name, count in _most_frequent_first(dict(counts))], words


def weak_characters(summary: CharacterSummary) -> list[dict[str, str | int]]:
    """Return the content of weak_characters.json, which `synthesis.words --from_report` takes."""
    return [{"character": weak.character, "errors": weak.errors, "count": weak.count} for weak in summary.weak]

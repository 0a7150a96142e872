"""A character set for a data set: the configured one, and what its labels hold often enough beside it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from train_easyocr.common.errors import UserError
from train_easyocr.common.files import write_text
from train_easyocr.common.text import format_table, normalize_label, unify_variants
from train_easyocr.datasets.data import is_own, texts_of_set
from train_easyocr.settings.parts import WORD_FILES, LabelSettings
from train_easyocr.weights.characters import CharacterSet

FEWEST = 20
"""Occurrences from which a character is worth a class: fewer are hardly learnt."""
SHOWN = 40


@dataclass(frozen=True)
class Proposal:
    """What a data set's labels suggest.

    Attributes:
        base: The configured characters, all of which are kept: weights that know them keep their rows.
        added: Characters that the labels hold `FEWEST` times or more, most frequent first, with their counts.
        rare: Other characters outside the base, likewise.
        unused: How many characters of the base the labels never hold.
        words: Words counted.
        readable: Words that the proposed set can write.
        readable_before: Words that the base can write.
    """

    base: str
    added: list[tuple[str, int]]
    rare: list[tuple[str, int]]
    unused: int
    words: int
    readable: int
    readable_before: int

    @property
    def characters(self) -> str:
        """The proposed set."""
        return self.base + "".join(character for character, _ in self.added)

    def describe(self) -> str:
        """A table for a terminal."""
        rows = [
            ["configured", f"{len(self.base):,}", self._share(self.readable_before), ""],
            ["proposed", f"{len(self.characters):,}", self._share(self.readable), _listed(self.added)],
            [f"too rare (below {FEWEST})", f"{len(self.rare):,}", "", _listed(self.rare)],
        ]
        header = ["set", "characters", f"of {self.words:,} words it writes", "what is new, with counts"]
        unused = f"{self.unused:,} of the configured characters never occur; they cost little and are kept."
        return f"{format_table(header, rows)}\n{unused}"

    def _share(self, words: int) -> str:
        return f"{words / max(1, self.words):.2%}"


def _listed(counts: list[tuple[str, int]]) -> str:
    shown = " ".join(f"{character} {count:,}" for character, count in counts[:SHOWN])
    return f"{shown} …" if len(counts) > SHOWN else shown


def find_sets(place: Path) -> list[Path]:
    """Return the sets of words at a place, in any form that step 3 takes: folders, or the list that `place` is."""
    if place.is_file():
        return [place]
    found = {file.parent for name in WORD_FILES for file in place.rglob(name)}
    return sorted(folder for folder in found if not is_own(folder.parent))  # whose lmdb/ is no set of its own


def propose_characters(place: Path, base: CharacterSet, *, unify: bool = True) -> Proposal:
    """Count the characters of all sets of words at a place.

    Args:
        place: A set of words as step 2 or others write them, or a folder that holds some.
        base: The configured set.
        unify: Whether signs of others' sets are written in one way, as training reads them.

    Raises:
        UserError: There are none.
        UserError: One can't be read.
    """
    sets = find_sets(place)
    if not sets:
        raise UserError(
            f"--character_from {place}: holds none of {', '.join(WORD_FILES)}; name a folder that step 2 wrote, or "
            "words in another form that train_data takes"
        )
    words = Counter[str]()
    for one in sets:
        for text in tqdm(texts_of_set(one), desc=one.name, unit="word"):
            shown = normalize_label(text)  # as training reads it
            words[unify_variants(shown) if unify and not is_own(one) else shown] += 1
    counts = Counter[str]()
    for text, times in words.items():
        for character in text:
            counts[character] += times
    outside = [(character, count) for character, count in counts.most_common() if character not in base]
    added = [(character, count) for character, count in outside if count >= FEWEST and character.isprintable()]
    proposed = CharacterSet(base.characters + "".join(character for character, _ in added))
    return Proposal(
        base=base.characters,
        added=added,
        rare=[entry for entry in outside if entry not in added],
        unused=sum(character not in counts for character in base.characters),
        words=words.total(),
        readable=sum(times for text, times in words.items() if not proposed.unknown(text)),
        readable_before=sum(times for text, times in words.items() if not base.unknown(text)),
    )


def write_proposal(config: LabelSettings, folder: Path, experiment: Path) -> Path:
    """Propose a set for the labels in `folder`, show it, and write it to `experiment`.

    Raises:
        UserError: As `propose_characters`.
        OSError: It can't be written.
    """
    base = CharacterSet.from_setting(config.character)
    proposal = propose_characters(folder, base, unify=config.unify_variants)
    path = experiment / "characters.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, proposal.characters + "\n")
    print(f"{proposal.describe()}\nWritten: {path}; train with it: character={path}")
    return path

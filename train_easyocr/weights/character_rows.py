"""Weights for other characters than they were trained with: the last layer, refitted character by character.

A CTC head has a row a character. Whoever changes the set and starts the head afresh throws away what it knows of every
character that both sets hold. Here rows move with their characters, and new ones start from rows of their kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch.nn.functional import one_hot

BLANK = 1
"""Classes before the first character's."""
FIRST, LAST = ord("가"), ord("힣")
INITIALS, MEDIALS, FINALS = 19, 21, 28
"""Parts of a syllable: its code point is U+AC00 + (initial * 21 + medial) * 28 + final (Unicode, section 3.12)."""
NEW_BIAS = -2.0
"""What a new character's bias is moved by, so that it does not read in place of trained ones before it is trained."""


@dataclass(frozen=True)
class CharacterFit:
    """What became of the characters of a head.

    Attributes:
        kept: Characters of both sets; their rows are those of the file, bit for bit.
        composed: New syllables; their rows are put together from trained syllables that share a part with them.
        averaged: Other new characters; their rows are the mean of the trained ones.
        dropped: Characters of the file that the new set lacks.
    """

    kept: str
    composed: str
    averaged: str
    dropped: str

    def describe(self) -> str:
        """Lines that say what was kept, what is new and from where, and what was dropped."""
        parts = (
            ("characters keep their trained rows", self.kept, False),
            ("new syllables start from trained ones that share initial, medial or final", self.composed, True),
            ("other new characters start from the mean", self.averaged, True),
            ("characters are dropped", self.dropped, True),
        )
        return "\n".join(
            f"{len(characters):,} {what}{': ' + _shortened(characters) if named else ''}"
            for what, characters, named in parts
            if characters
        )


def _shortened(characters: str, limit: int = 40) -> str:
    return characters if len(characters) <= limit else f"{characters[:limit]} …"


def fit_characters(
    weight: torch.Tensor, bias: torch.Tensor, old: str, new: str
) -> tuple[torch.Tensor, torch.Tensor, CharacterFit]:
    """Refit the last layer of a CTC network to another character set.

    Args:
        weight: [1 + len(old), H], the blank's row first.
        bias: [1 + len(old)].
        old: The characters of the rows. Where one comes twice, as in some of EasyOCR's sets, its last row counts.
        new: The characters wanted, each once.

    Returns:
        weight [1 + len(new), H], bias [1 + len(new)], and what was done.

    Raises:
        ValueError: `weight` or `bias` has not a row for each character of `old` and the blank.
    """
    if len(weight) != len(old) + BLANK or len(bias) != len(old) + BLANK:
        raise ValueError(f"{len(weight)} rows and {len(bias)} biases for {len(old)} characters and the blank")
    # One column more for the bias: it belongs to the row like every other number.
    rows = torch.cat([weight, bias[:, None]], dim=1)
    trained = {character: rows[number] for number, character in enumerate(old, start=BLANK)}
    known_syllables = "".join(filter(is_syllable, trained))
    fit = CharacterFit(
        kept="".join(c for c in new if c in trained),
        composed="".join(c for c in new if c not in trained and is_syllable(c) and known_syllables),
        averaged="".join(c for c in new if c not in trained and not (is_syllable(c) and known_syllables)),
        dropped="".join(c for c in trained if c not in new),
    )
    made = _fresh_rows(trained, known_syllables, fit)
    fitted = torch.stack([rows[0], *(trained[c] if c in trained else made[c] for c in new)])
    return fitted[:, :-1].contiguous(), fitted[:, -1].contiguous(), fit


def is_syllable(character: str) -> bool:
    """Whether a character is one of Unicode's 11,172 Hangul syllables."""
    return FIRST <= ord(character) <= LAST


def _fresh_rows(trained: Mapping[str, torch.Tensor], syllables: str, fit: CharacterFit) -> dict[str, torch.Tensor]:
    lowered = torch.zeros_like(next(iter(trained.values())))
    lowered[-1] = NEW_BIAS
    mean = torch.stack(list(trained.values())).mean(0)
    made = dict.fromkeys(fit.averaged, mean + lowered)
    if fit.composed:
        composed = compose_rows(syllables, torch.stack([trained[c] for c in syllables]), fit.composed)
        made |= {character: row + lowered for character, row in zip(fit.composed, composed, strict=True)}
    return made


def compose_rows(syllables: str, rows: torch.Tensor, wanted: str, ridge: float = 3.0) -> torch.Tensor:
    """Estimate syllables' rows from other syllables, as a sum of what initial, medial and final each contribute.

    The contributions are the ridge regression of the trained rows on their parts (Hoerl and Kennard, "Ridge
    Regression", Technometrics 1970): a mean over the syllables that share a part, cleared of their other parts. A part
    that no trained syllable has contributes nothing.

    Args:
        syllables: Trained syllables.
        rows: [len(syllables), H], their rows.
        wanted: Other syllables.
        ridge: How strongly contributions of rare parts are drawn to zero, in syllables.

    Returns:
        [len(wanted), H].
    """
    mean = rows.double().mean(0)
    parts = _parts(syllables)
    normal = parts.T @ parts + ridge * torch.eye(parts.shape[1], dtype=torch.float64)
    contributions = torch.linalg.solve(normal, parts.T @ (rows.double() - mean))
    return (mean + _parts(wanted) @ contributions).to(rows.dtype)


def _parts(syllables: str) -> torch.Tensor:
    """Return [len(syllables), 68], 1 at each syllable's initial, medial and final, 0 elsewhere."""
    codes = torch.tensor([ord(syllable) - FIRST for syllable in syllables])
    columns = (codes // (MEDIALS * FINALS), codes // FINALS % MEDIALS, codes % FINALS)
    sizes = (INITIALS, MEDIALS, FINALS)
    return torch.cat([one_hot(column, size) for column, size in zip(columns, sizes, strict=True)], dim=1).double()

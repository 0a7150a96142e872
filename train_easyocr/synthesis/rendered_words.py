"""Rendered words by number, and all that they depend on: faces, look, characters, corpus, wanted characters."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL
from PIL import features
from tqdm import tqdm

from train_easyocr.common.encodings import EncodingError, decode_text
from train_easyocr.common.errors import UserError
from train_easyocr.common.text import unify_signs
from train_easyocr.synthesis.fonts import FaceSet, FontLibrary
from train_easyocr.synthesis.word_patches import Look, Patch, Typeface, WordRenderer, typefaces
from train_easyocr.synthesis.word_texts import WordTexts, package_words, usable_words

GENERATION = 7
"""Raised whenever the same settings would give other words than before."""
MOST_BYTES = 64 * 2**20
"""Of a corpus or a report."""
DOUBT = 5
"""Occurrences without an error that are added to a weak character's: one error in one occurrence says little."""


class RenderedWords:
    """Rendered words by number.

    Args:
        faces: Faces to print with.
        characters: What may be written; what no face draws is left out.
        seed: Other seeds give other words.
        look: See `WordRenderer`.
        corpus: Words of documents; None for those of this package.
        weights: Characters that are wanted, and how much each; None for all alike.
    """

    def __init__(
        self,
        faces: Sequence[Typeface],
        characters: str,
        seed: int,
        *,
        look: Look = "mixed",
        corpus: Sequence[str] | None = None,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        self.seed = seed
        self.renderer = WordRenderer(faces, look)
        words = package_words() if corpus is None else corpus
        self.texts = WordTexts(self.renderer.drawable(characters), words, seed, weights)

    def word(self, index: int) -> tuple[str, Patch]:
        """Return the text of word `index` and its patch, uint8 [height, width]."""
        random = np.random.default_rng([self.seed, index])
        text = self.texts.text(index, random)
        return text, self.renderer.render(text, random)


@dataclass(frozen=True)
class Recipe:
    """What words are rendered from.

    Attributes:
        seed: Other seeds give other words.
        look: See `WordRenderer`.
        characters: What may be written.
        faces: Which families.
        fonts: A folder of fonts in place of those that fontconfig knows.
        corpus: A file whose words are taken in place of the package's.
        wanted: Characters that are wanted, and how much each; None for all alike.
    """

    seed: int
    look: Look
    characters: str
    faces: FaceSet
    fonts: str | None = None
    corpus: str | None = None
    wanted: dict[str, float] | None = None

    def prepare(self) -> tuple[RenderedWords, dict[str, Any]]:
        """Find the faces and the corpus.

        Returns:
            The words, and all that they depend on, as JSON: equal values stand for equal words.

        Raises:
            UserError: There are no such faces.
            UserError: The corpus can't be used, or none of the wanted characters can be written.
        """
        corpus = None
        if self.corpus is not None:
            corpus = usable_words(_read_text(Path(self.corpus)).split(), frozenset(self.characters))
            if not corpus:
                raise UserError(f"{self.corpus}: holds no word that can be written with the character set")
        library = FontLibrary.find(None if self.fonts is None else Path(self.fonts), self.faces, words=True)
        faces = typefaces(library.faces, self.characters)
        drawn = frozenset[str]().union(*(face.characters for face in faces))
        lost = sorted((self.wanted or {}).keys() - drawn)
        if lost and len(lost) == len(self.wanted or {}):
            raise UserError(f"{''.join(lost)}: none of these characters is in the character set and drawn by a face")
        if lost:
            tqdm.write(f"left out, not in the character set or drawn by no face: {' '.join(lost)}")
        words = RenderedWords(
            faces,
            self.characters,
            self.seed,
            look=self.look,
            corpus=corpus,
            weights=self.wanted,
        )
        return words, {
            "generation": GENERATION,
            "seed": self.seed,
            "look": self.look,
            "characters": hashlib.sha256(words.texts.characters.encode()).hexdigest(),
            "wanted": self.wanted,
            "words": hashlib.sha256("\n".join(words.texts.words).encode()).hexdigest(),
            "faces": library.fingerprint(),
            "versions": {
                "Pillow": PIL.__version__,
                "FreeType": features.version("freetype2"),
                "OpenCV": cv2.__version__,
                "NumPy": np.__version__,
            },
        }


def read_wanted(path: Path) -> dict[str, float]:
    """Read a report of weak characters: how much each is wanted.

    Args:
        path: JSON, a list of `{"character": "뺨", "errors": 12, "count": 40}` as step 5 writes it: the share that was
            misread counts (see `DOUBT`), characters without an error do not. Or plain text: every character in it, as
            often as it stands there.

    Raises:
        UserError: The file can't be read or holds no character.
    """
    text = _read_text(path)
    weights: dict[str, float] = {}
    try:
        entries = json.loads(text)
    except ValueError:
        entries = None
    if isinstance(entries, list):
        try:
            for entry in entries:
                errors = float(entry["errors"])
                if errors > 0:
                    count = max(float(entry.get("count", errors)), errors)
                    weights[unify_signs(str(entry["character"]))] = errors / (count + DOUBT)
        except (TypeError, KeyError, ValueError, AttributeError):
            raise UserError(f'{path}: is no list of {{"character": "뺨", "errors": 12, "count": 40}}') from None
    else:
        weights = as_often(text)
    if not weights:
        raise UserError(f"{path}: names no weak character")
    return weights


def as_often(text: str) -> dict[str, float]:
    """Want each character of a text as often as it stands there, spaces aside; signs count in the form of labels."""
    return {character: float(n) for character, n in Counter(unify_signs(text)).items() if not character.isspace()}


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UserError(f"{path}: is larger than {MOST_BYTES // 2**20} MiB")
        return decode_text(path.read_bytes()).text
    except OSError as error:
        raise UserError(f"{path}: can't be read: {error.strerror}") from None
    except EncodingError as error:
        raise UserError(f"{path}: {error}") from None


def unified(characters: str) -> str:
    """Characters of a set that labels hold once signs are written in one way, in their order."""
    return "".join(character for character in characters if unify_signs(character) == character)

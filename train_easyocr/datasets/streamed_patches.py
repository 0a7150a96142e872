"""Patches of rendered words that are rendered when they are read: of sets that hold labels alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from train_easyocr.datasets.png import encode_png
from train_easyocr.datasets.word_sets import MANIFEST, read_manifest
from train_easyocr.synthesis.rendered_words import Recipe, WordsError


class StreamedPatches:
    """The patches of a set that was written with --format stream; the same pixels as in the other forms.

    Args:
        folder: The set's folder.
        heights: int32 [n], pixels of the words' boxes, of which their context is a part.

    Raises:
        WordsError: The set can't be rendered here: its faces or its corpus are others now.
    """

    form = "rendered"

    def __init__(self, folder: Path, heights: NDArray[np.int32]) -> None:
        manifest = read_manifest(folder)
        try:
            recipe = Recipe(**manifest["recipe"])
            self._words, settings = recipe.prepare()
            self._margins = np.rint(recipe.context * heights).astype(np.int32)
            self._first, self.count = int(manifest["first"]), int(manifest["count"])
        except (KeyError, TypeError, ValueError) as error:
            raise WordsError(f"{folder / MANIFEST}: does not say how to render the set: {error}") from None
        changed = [name for name, value in settings.items() if manifest["settings"].get(name) != value]
        if changed:
            raise WordsError(
                f"{folder}: was written with other {', '.join(changed)} than there are now; write it again "
                "(python3 -m train_easyocr.synthesis.words)"
            )

    def place(self, row: int, name: str) -> str:
        """Say which patch it is."""
        return f"rendered word {self._first + row} ({name})"

    def margins(self, row: int) -> tuple[int, int, int, int]:
        """Return how much context a patch shows around its word's box: pixels left, above, right, below."""
        margin = int(self._margins[row])
        return margin, margin, margin, margin

    def read(self, row: int, name: str) -> bytes:
        """Return the PNG file of a row of labels.csv, counted from 0."""
        return encode_png(self._words.word(self._first + row).patch)


def is_streamed(folder: Path) -> bool:
    """Whether a set's patches are rendered when they are read."""
    return read_manifest(folder).get("form") == "stream"

"""Patches of rendered words that are rendered when they are read: of sets that hold labels alone."""

from __future__ import annotations

from pathlib import Path

from train_easyocr.datasets.png import encode_png
from train_easyocr.datasets.word_sets import MANIFEST, read_manifest
from train_easyocr.synthesis.rendered_words import Recipe, WordsError


class StreamedPatches:
    """The patches of a set that was written with --format stream; the same pixels as in the other forms.

    Args:
        folder: The set's folder.

    Raises:
        WordsError: The set can't be rendered here: its faces or its corpus are others now.
    """

    form = "rendered"

    def __init__(self, folder: Path) -> None:
        manifest = read_manifest(folder)
        try:
            recipe = Recipe(**manifest["recipe"])
            self._words, settings = recipe.prepare()
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

    def read(self, row: int, name: str) -> bytes:
        """Return the PNG file of a row of labels.csv, counted from 0."""
        return encode_png(self._words.word(self._first + row)[1])


def is_streamed(folder: Path) -> bool:
    """Whether a set's patches are rendered when they are read."""
    return read_manifest(folder).get("form") == "stream"

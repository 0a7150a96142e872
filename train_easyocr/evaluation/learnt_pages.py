"""Pages that weights have learnt from, found by their images: what is read there says nothing about other pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from train_easyocr.documents.page_sums import page_sum
from train_easyocr.documents.sources import PageFile
from train_easyocr.weights.checkpoints import trained_on

LEARNT_FROM = "page that weights have learnt from"


def learnt_pages(pages: Sequence[PageFile], weights: Mapping[str, Path]) -> dict[str, list[str]]:
    """Return the names of the pages that weights have learnt from, as their cards say, and which of the weights have.

    Args:
        pages: Pages; one whose image can't be read is taken for new.
        weights: The files, by what they are called.
    """
    known = {model: sums for model, path in weights.items() if (sums := trained_on(path))}
    found = {}
    for page in pages if known else ():
        try:
            content = page_sum(page.image.read_bytes())
        except OSError:
            continue
        if models := [model for model, sums in known.items() if content in sums]:
            found[page.name] = models
    return found

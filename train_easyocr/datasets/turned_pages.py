"""Pages that lie on a side or upside down in a data set: found by a sample, and named.

Their words are cut as they lie, and teach a recognizer nothing; what is found upright on them counts as wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from tqdm import tqdm

from train_easyocr.documents.aihub import MAX_LABEL_BYTES, LabelError, read_label_file
from train_easyocr.documents.images import MAX_IMAGE_BYTES, ImageError, decode_page
from train_easyocr.documents.page import Box
from train_easyocr.documents.sources import PageSource, SourceError
from train_easyocr.documents.splits import evenly_spread

Vote = Callable[[np.ndarray, Sequence[Box]], int]
"""Returns by how many degrees a page, uint8 [h, w], has to be turned clockwise for its words to be upright: 0, 90, 180
or 270; 0 also where they don't say."""
SAMPLE = 16
"""Pages that are looked at: a few tenths of a second each on a CPU."""
NAMED = 5
"""Pages that are named at most."""


@dataclass
class TurnedPages:
    """What a sample showed.

    Attributes:
        looked: Pages looked at.
        turned: Those of them that lie turned: the name, and the degrees clockwise that turn it upright.
    """

    looked: int = 0
    turned: list[tuple[str, int]] = field(default_factory=list)

    @property
    def warning(self) -> str:
        """What is said about them; empty where all lie upright."""
        if not self.turned:
            return ""
        named = ", ".join(f"{name!r} ({angle} degrees)" for name, angle in self.turned[:NAMED])
        more = f" and {len(self.turned) - NAMED} more" if len(self.turned) > NAMED else ""
        return (
            f"{len(self.turned)} of {self.looked} pages looked at lie turned: {named}{more}; their words are cut as "
            "they lie, and nobody learns from them or reads them. Turn images and labels upright (by so many degrees "
            "clockwise), or leave such pages out"
        )


def find_turned(pages: Sequence[PageSource], open_vote: Callable[[], Vote]) -> TurnedPages:
    """Look which way up some labelled pages lie, evenly spread over all.

    Args:
        pages: Pages that have both files. What can't be read is passed over; others name it.
        open_vote: Opens what tells it, once there are pages to look at.
    """
    found, sample = TurnedPages(), evenly_spread(pages, SAMPLE)
    if not sample:
        return found
    vote = open_vote()
    for page, grey, boxes in read_pages(tqdm(sample, unit="pages", desc="which way up", leave=False)):
        found.looked += 1
        angle = vote(grey, boxes)
        found.turned += [(page.name, angle)] * bool(angle)
    return found


def read_pages(pages: Iterable[PageSource]) -> Iterator[tuple[PageSource, np.ndarray, list[Box]]]:
    """Yield pages with their pixels, uint8 [h, w], and their labels' boxes; what can't be read is passed over."""
    for page in pages:
        try:
            label = read_label_file(page.label.read(MAX_LABEL_BYTES), page.name)
            image, _ = decode_page(page.image.read(MAX_IMAGE_BYTES), label.layout)
        except (SourceError, ImageError, LabelError):
            continue
        yield page, image, [annotation.box for annotation in label.annotations]

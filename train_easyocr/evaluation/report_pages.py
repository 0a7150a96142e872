"""The words of single pages, as the report's script draws them: one JSON a page, read when the page is shown.

    {"width": 2480, "height": 3508,
     "labels": [[xmin, ymin, xmax, ymax, text], ...],
     "models": [[row, ...], ...]}

A model's rows are those of its labels, in their order, and behind them what it read where no label is: [class,
confidence, text, xmin, ymin, xmax, ymax]. `class` is an index into `error_classes.CLASSES`, `confidence` null where
there is none, `text` 0 where it is the label's. For a label that nothing is matched to there is the class alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from train_easyocr.evaluation.observations import Words

Record = dict[str, Any]


class PageWords:
    """The words of all pages; `record` gives those of one.

    Args:
        models: Each model's rows, by name. All models have read the same pages.
        pages: How many pages there are.
    """

    def __init__(self, models: Mapping[str, Words], pages: int) -> None:
        self._models = list(models.values())
        # Rows stand in the order of their pages.
        self._starts = [np.searchsorted(words.page, np.arange(pages + 1)).tolist() for words in self._models]

    def record(self, page: int, width: int, height: int) -> Record:
        """Return a page's JSON.

        Args:
            page: The page's index.
            width: In pixels; 0 where it is not known: then the page ends where its words do.
            height: The same.
        """
        rows = [range(starts[page], starts[page + 1]) for starts in self._starts]
        first = self._models[0] if self._models else None
        labels = [] if first is None else [row for row in rows[0] if first.labelled[row]]
        record = {
            "width": width,
            "height": height,
            "labels": [] if first is None else [[*first.box[row].tolist(), first.text[row]] for row in labels],
            "models": [
                [_row(words, row) for row in of_page] for words, of_page in zip(self._models, rows, strict=True)
            ],
        }
        if not width or not height:
            record |= _extent(record)
        return record


def _row(words: Words, row: int) -> list[Any]:
    error_class = int(words.error_class[row])
    text = words.read[row]
    if text is None:
        return [error_class]
    confidence = float(words.confidence[row])
    same = words.labelled[row] and text == words.text[row]
    return [
        error_class,
        round(confidence, 3) if math.isfinite(confidence) else None,
        0 if same else text,
        *words.read_box[row].tolist(),
    ]


def _extent(record: Record) -> dict[str, int]:
    """Return the size of a page with room for all boxes, and as much margin behind them as before them."""
    boxes: Sequence[Sequence[int]] = [
        *(label[:4] for label in record["labels"]),
        *(row[3:] for rows in record["models"] for row in rows if len(row) > 1),
    ]
    if not boxes:
        return {"width": 1000, "height": 1414}  # A4 upright
    left, top = max(0, min(box[0] for box in boxes)), max(0, min(box[1] for box in boxes))
    return {
        "width": max(1, max(box[2] for box in boxes) + left),
        "height": max(1, max(box[3] for box in boxes) + top),
    }

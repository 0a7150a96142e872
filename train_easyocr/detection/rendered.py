"""Rendered pages that know where each character stands: the truth against which targets and boxes are measured.

    python3 -m train_easyocr.detection.rendered [--pages N]

measures how far `craft_targets.divide` is off: it sees the labels alone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train_easyocr.common.command_line import command
from train_easyocr.common.text import format_table
from train_easyocr.detection.craft_targets import Cells, divide, draw_gaussians, is_vertical, pairs
from train_easyocr.detection.interface import ScoreMaps
from train_easyocr.documents.page import Box, Word
from train_easyocr.synthesis.defects import Placement, scan
from train_easyocr.synthesis.fonts import FontLibrary
from train_easyocr.synthesis.labels import boxes_of, words_of
from train_easyocr.synthesis.layout import NOMINAL_WIDTH, Placed
from train_easyocr.synthesis.pages import compose
from train_easyocr.synthesis.vocabulary import TOPICS


@dataclass(frozen=True, eq=False)
class RenderedPage:
    """A page with its labels and, apart from them, its printed words character by character.

    Attributes:
        image: uint8 [h, w, 3], RGB.
        words: The labels; now and then one holds two printed words, or half of one.
        prints: Text and characters' cells of each printed word, as wide as the character's advance and as high as the
            word's ink; of vertical words, equal parts of the height. Spaces have no cell.
    """

    image: NDArray[np.uint8]
    words: list[Word]
    prints: list[tuple[str, Cells]]


def render(number: int, library: FontLibrary, width: int = NOMINAL_WIDTH, seed: int = 1111) -> RenderedPage:
    """Render a page as synthesis does it, `width` pixels wide; the same arguments give the same page."""
    random = np.random.default_rng([seed, number])
    sheet = compose(random, list(TOPICS)[number % len(TOPICS)], 2005, width, library)
    labels = words_of(sheet, random)
    scanned = scan(sheet.planes, random, sheet.unit, black_and_white=sheet.bilevel)
    boxes = boxes_of(labels, scanned.placement, random, sheet.unit)
    image = scanned.image if scanned.image.ndim == 3 else np.stack([scanned.image] * 3, axis=-1)
    prints = [_characters(placed, scanned.placement) for placed in sheet.placed if len(placed.printed.outline)]
    words = [Word(box, label.text) for box, label in zip(boxes, labels, strict=True)]
    return RenderedPage(np.ascontiguousarray(image[..., ::-1]), words, prints)


def _characters(placed: Placed, placement: Placement) -> tuple[str, Cells]:
    printed = placed.printed
    height, width = printed.mask.shape
    left, top = placed.x + printed.left, placed.y + printed.top
    edges = np.array(printed.edges)
    if len(printed.text) > 1 and not edges[:-1].any():  # one character below another: no pen positions are kept
        rows = top + np.linspace(0, height, len(printed.text) + 1)
        cells = np.stack([np.full(len(rows) - 1, left), rows[:-1], np.full(len(rows) - 1, left + width), rows[1:]], 1)
    else:
        columns = placed.x + edges
        low, high = np.full(len(edges) - 1, top), np.full(len(edges) - 1, top + height)
        cells = np.stack([columns[:-1], low, columns[1:], high], 1)
    cells = cells[[not character.isspace() for character in printed.text]]
    corners = np.stack([cells[:, [0, 1]], cells[:, [2, 1]], cells[:, [2, 3]], cells[:, [0, 3]]], 1)
    moved = placement.points(corners.reshape(-1, 2)).reshape(-1, 4, 2)
    upright = np.concatenate([moved[:, :2].mean(1), moved[:, 2:].mean(1)], 1)
    # The middles of opposite sides: a small turn of the page neither widens nor heightens a character.
    upright[:, 0], upright[:, 2] = moved[:, [0, 3], 0].mean(1), moved[:, [1, 2], 0].mean(1)
    return printed.text, upright


def true_maps(page: RenderedPage, scale: float) -> ScoreMaps:
    """Return what a perfect CRAFT would say of a page: Gaussians on its true characters.

    Args:
        page: A rendered page.
        scale: Page pixels per map pixel.
    """
    height, width = page.image.shape[:2]
    maps = np.zeros((2, round(height / scale), round(width / scale)), np.float32)
    for text, cells in page.prints:
        draw_gaussians(maps[0], cells / scale)
        draw_gaussians(maps[1], pairs(text, cells) / scale)
    return ScoreMaps(maps, scale, (width, height))


def division_errors(page: RenderedPage) -> list[tuple[str, float]]:
    """Return how far each character's middle is off in the division of its label, in mean widths of its word.

    Measured where a label holds exactly one level printed word.
    """
    texts: dict[str, list[Cells]] = {}
    for text, cells in page.prints:
        texts.setdefault(text, []).append(cells)
    errors: list[tuple[str, float]] = []
    for word in page.words:
        truth = _inside(word.box, texts.get(word.text, []))
        if truth is None or is_vertical(word.box, word.text) or not word.box.area:
            continue
        found = divide(word.box, word.text)
        off = np.abs(found[:, [0, 2]].mean(1) - truth[:, [0, 2]].mean(1)) / np.mean(truth[:, 2] - truth[:, 0])
        errors += zip("".join(word.text.split()), off.tolist(), strict=True)
    return errors


def _inside(box: Box, candidates: Sequence[Cells]) -> Cells | None:
    """Return the characters of the print whose middle lies in the box, of level ones."""
    for cells in candidates:
        x, y = cells[:, [0, 2]].mean(), cells[:, [1, 3]].mean()
        level = len(cells) == 1 or np.ptp(cells[:, 0]) > 0.5 * (cells[0, 2] - cells[0, 0])
        if level and box.xmin <= x <= box.xmax and box.ymin <= y <= box.ymax:
            return cells
    return None


@command("detection.rendered")
def main() -> None:
    """Print the errors of the division over rendered pages."""
    parser = argparse.ArgumentParser(description="Measures the division of word boxes into characters.")
    parser.add_argument("--pages", type=int, default=24)
    library = FontLibrary.find()
    count = parser.parse_args().pages
    errors = [error for number in range(count) for error in division_errors(render(number, library))]
    kinds = {
        "all": lambda c: True,
        "Hangul": lambda c: "가" <= c <= "힣",
        "Latin letters, digits": lambda c: c.isascii() and c.isalnum(),
        "other": lambda c: not ("가" <= c <= "힣") and not (c.isascii() and c.isalnum()),
    }
    rows = []
    for name, is_of in kinds.items():
        values = [error for character, error in errors if is_of(character)]
        rows.append([name, len(values), *(f"{np.percentile(values, share):.3f}" for share in (50, 90, 99))])
    print(format_table(["characters", "number", "median error", "90 %", "99 %"], rows))


if __name__ == "__main__":
    sys.exit(main())

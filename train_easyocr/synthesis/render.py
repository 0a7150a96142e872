"""Words as ink: a mask for a text in a style, where its characters end, and the outline of its ink.

Nothing here knows of pages: `draw_text` serves whole documents and single word patches alike. Coordinates are pixels;
a print's origin is the pen position at its base line.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from train_easyocr.synthesis.fonts import Face

Mask: TypeAlias = NDArray[Any]  # OpenCV's stubs return arrays of any number
"""Coverage with ink, uint8: 0 none, 255 full; [height, width]."""
Points: TypeAlias = NDArray[np.float64]
"""Corners of an outline; [n, 2], x then y."""

CENTRED, AT_LEFT, AT_RIGHT = "·ㆍ․‧～∼~…×÷±→=", "’”.,:;", "‘“"
"""Where wide signs stand in their cells."""
HALF = ".,:;"
"""Signs whose cell is half an em wide; that of the others is a whole one."""
SQUARE_METRE = "㎡"
INK = 64
"""Coverage from which a pixel counts as ink when boxes are drawn around it: a quarter, visible on paper."""


@dataclass(frozen=True)
class Style:
    """How text is printed.

    Attributes:
        face: The face.
        size: Pixels per em.
        stretch: Width in relation to the face's own, as word processors offer it (0.9 is a condensed text).
        spacing: Extra pixels between characters; negative is tighter.
        dots: Side in pixels of the dots of a dot-matrix printer; 0 for smooth print. Small text is always smooth.
        jitter: Largest vertical displacement of a character in pixels, as a worn typewriter does it.
        wide_signs: Whether middle dots, quotes, tildes and the like take a whole em, points and colons half of one, as
            the faces of Korean word processors have them.
        gap: Least width of a space in ems.
        old_units: Whether ㎡ is an m with a small tick, as in the faces of the nineties.
    """

    face: Face
    size: int
    stretch: float = 1.0
    spacing: float = 0.0
    dots: int = 0
    jitter: float = 0.0
    wide_signs: bool = False
    gap: float = 0.25
    old_units: bool = False

    def resized(self, factor: float) -> Style:
        """The same style, larger or smaller."""
        return replace(self, size=max(8, round(self.size * factor)))

    def in_face(self, face: Face) -> Style:
        """The same style in another face."""
        return replace(self, face=face)

    @property
    def space(self) -> float:
        """Width of a space in pixels, at least `gap` ems: some faces have hairlines."""
        return max(self.face.font(self.size).getlength(" "), self.size * self.gap) * self.stretch + self.spacing


@dataclass(frozen=True)
class Print:
    """A text's ink, cut to its bounding box.

    Attributes:
        text: The text.
        mask: Its ink.
        left: x of the mask's first column, from the pen position.
        top: y of the mask's first row, from the base line (negative above it).
        edges: Pen position before each character and after the last; `len(text) + 1` values.
    """

    text: str
    mask: Mask
    left: int
    top: int
    edges: tuple[float, ...]

    @property
    def advance(self) -> float:
        """Distance from this text's pen position to the next one's."""
        return self.edges[-1]

    @cached_property
    def outline(self) -> Points:
        """Convex outline of the ink, from the pen position; empty when there is no ink."""
        return outline(self.mask) + np.array((self.left, self.top))

    def part(self, first: int, last: int) -> Points:
        """Outline of the ink of characters `first` to `last`, the last excluded; empty when there is none."""
        start = 0 if first == 0 else round(self.edges[first]) - self.left
        end = self.mask.shape[1] if last >= len(self.text) else round(self.edges[last]) - self.left
        return outline(self.mask[:, max(0, start) : max(0, end)]) + np.array((self.left + max(0, start), self.top))

    def cut(self, first: int, last: int) -> Print:
        """Characters `first` to `last`, the last excluded, as a print whose pen is where the first of them begins."""
        start = 0 if first == 0 else max(0, round(self.edges[first]) - self.left)
        end = self.mask.shape[1] if last >= len(self.text) else max(0, round(self.edges[last]) - self.left)
        pen = self.edges[first]
        edges = tuple(edge - pen for edge in self.edges[first : last + 1])
        left = self.left + start - round(pen)
        return _cut(Print(self.text[first:last], self.mask[:, start:end], left, self.top, edges))


def outline(mask: Mask) -> Points:
    """Convex outline of the pixels of `mask` with ink; [n, 2], n = 0 where there is none."""
    ink = cv2.findNonZero((mask >= INK).astype(np.uint8)) if mask.size else None
    return np.empty((0, 2)) if ink is None else cv2.convexHull(ink).reshape(-1, 2).astype(np.float64)


@lru_cache(maxsize=1024)
def draw_text(text: str, style: Style) -> Print:
    """Print a text on one line.

    Args:
        text: Not empty; every character is one that `style.face` draws, or a space.
        style: `jitter` does not act here, see `draw_jittered`.

    Returns:
        The text's ink. Prints are shared: don't write to the mask.
    """
    if style.spacing or style.dots or style.wide_signs or (style.old_units and SQUARE_METRE in text):
        return join([_draw_character(character, style) for character in text], style.spacing)
    return _draw_run(text, style)


def draw_jittered(text: str, style: Style, random: np.random.Generator) -> Print:
    """Print a text as `draw_text` does, every character moved up or down and struck harder or softer at random."""
    rises = random.normal(0, style.jitter / 2, len(text)).clip(-style.jitter, style.jitter)
    strengths = random.uniform(0.72, 1.0, len(text))
    prints = [_draw_character(character, style) for character in text]
    struck = [
        Print(p.text, (p.mask * strength).astype(np.uint8), p.left, p.top + round(rise), p.edges)
        for p, rise, strength in zip(prints, rises, strengths, strict=True)
    ]
    return join(struck, style.spacing)


def join(prints: list[Print], spacing: float = 0.0) -> Print:
    """Set prints side by side with `spacing` pixels between them."""
    pens, edges, pen = [], [0.0], 0.0
    for one in prints:
        pens.append(pen)
        edges += [pen + edge for edge in one.edges[1:-1]]
        pen += one.advance + spacing
        edges.append(pen)
    edges[-1] -= spacing
    lefts = [round(x + one.left) for x, one in zip(pens, prints, strict=True)]
    left, top = min(lefts), min(one.top for one in prints)
    right = max(x + one.mask.shape[1] for x, one in zip(lefts, prints, strict=True))
    bottom = max(one.top + one.mask.shape[0] for one in prints)
    mask = np.zeros((bottom - top, right - left), np.uint8)
    for x, one in zip(lefts, prints, strict=True):
        stamp(mask, one.mask, x - left, one.top - top)
    return Print("".join(one.text for one in prints), mask, left, top, tuple(edges))


def spaced(prints: list[Print], gap: float) -> Print:
    """Set prints side by side with `gap` pixels and, in the text, a space between them."""
    space = Print(" ", np.zeros((1, 1), np.uint8), 0, 0, (0.0, gap))
    return _cut(join([part for one in prints for part in (space, one)][1:]))


def stack(text: str, style: Style, pitch: float) -> Print:
    """Print the characters of a text below one another, `pitch` pixels apart, centred on the pen position."""
    prints = [draw_text(character, style) for character in text]
    boxes = [(-one.mask.shape[1] // 2, round(i * pitch) + one.top, one.mask) for i, one in enumerate(prints)]
    left, top = min(x for x, _, _ in boxes), min(y for _, y, _ in boxes)
    right = max(x + mask.shape[1] for x, _, mask in boxes)
    bottom = max(y + mask.shape[0] for _, y, mask in boxes)
    whole = np.zeros((bottom - top, right - left), np.uint8)
    for x, y, mask in boxes:
        stamp(whole, mask, x - left, y - top)
    return Print(text, whole, left, top, (0.0,) * len(text) + (float(style.size),))


def stamp(plane: Mask, mask: Mask, x: int, y: int) -> None:
    """Print `mask` on `plane` with its upper left corner at (x, y); what falls outside is lost."""
    height, width = plane.shape
    x0, y0 = max(0, x), max(0, y)
    x1, y1 = min(width, x + mask.shape[1]), min(height, y + mask.shape[0])
    if x0 < x1 and y0 < y1:
        target = plane[y0:y1, x0:x1]
        np.maximum(target, mask[y0 - y : y1 - y, x0 - x : x1 - x], out=target)


def _draw_character(character: str, style: Style) -> Print:
    """Print a character; a sign that the style has wide in a cell of its own."""
    if style.old_units and character == SQUARE_METRE:
        return _metre_with_tick(style)
    printed = _draw_run(character, style)
    if not style.wide_signs or character not in CENTRED + AT_LEFT + AT_RIGHT:
        return printed
    cell = style.size * style.stretch * (0.5 if character in HALF else 1.0)
    free = cell - printed.mask.shape[1]
    if free <= 0 or printed.advance >= cell:
        return printed
    share = 0.5 if character in CENTRED else 0.15 if character in AT_LEFT else 0.85
    return replace(printed, left=round(free * share), edges=(0.0, cell))


def _metre_with_tick(style: Style) -> Print:
    """Print ㎡ as old faces have it: an m, and a tick where the 2 should be, in a cell of one em."""
    metre = _draw_run("m", replace(style, old_units=False))
    size, cell = style.size, style.size * style.stretch
    width = max(1, round(cell * 0.68))
    mask = cv2.resize(metre.mask, (width, metre.mask.shape[0]), interpolation=cv2.INTER_AREA)
    tick = np.zeros((max(3, round(size * 0.24)), max(2, round(cell * 0.14))), np.uint8)
    cv2.line(tick, (tick.shape[1] - 1, 0), (0, tick.shape[0] - 1), 255, max(1, round(size * 0.055)), cv2.LINE_AA)
    raised = Print("", tick, round(cell * 0.8), metre.top - round(size * 0.18), (0.0, cell))
    letter = Print(SQUARE_METRE, mask, round(cell * 0.06), metre.top, (0.0, 0.0))
    return replace(join([letter, raised]), edges=(0.0, cell))


def _draw_run(text: str, style: Style) -> Print:
    """Print characters as the face sets them, then stretch or turn them into dots."""
    # Below 20 dots an em, syllables such as 를 can no longer be told apart; printers printed those smoothly too.
    dots = style.dots if style.dots and style.size // style.dots >= 20 else 0
    font = style.face.font(style.size // dots if dots else style.size)
    left, top, right, bottom = (round(value) for value in font.getbbox(text, anchor="ls"))
    edges = np.array([font.getlength(text[:end]) for end in range(len(text) + 1)])
    # getbbox can be a pixel short where hinting moves an outline: draw on a margin, then cut.
    margin = 2
    image = Image.new("L", (max(1, right - left) + 2 * margin, max(1, bottom - top) + 2 * margin))
    ImageDraw.Draw(image).text((margin - left, margin - top), text, fill=255, font=font, anchor="ls")
    mask, left, top = np.asarray(image), left - margin, top - margin
    if dots:
        mask, left, top, edges = as_dots(mask, dots), left * dots, top * dots, edges * dots
    if style.stretch != 1.0:
        width = max(1, round(mask.shape[1] * style.stretch))
        mask = cv2.resize(mask, (width, mask.shape[0]), interpolation=cv2.INTER_AREA)
        left, edges = round(left * style.stretch), edges * style.stretch
    return _cut(Print(text, mask, left, top, tuple(edges.tolist())))


def as_dots(mask: Mask, side: int) -> Mask:
    """Turn a small mask into one `side` times as large whose inked pixels are the round dots of a needle printer."""
    large = cv2.resize((mask > 80).astype(np.uint8) * 255, None, fx=side, fy=side, interpolation=cv2.INTER_NEAREST)
    softened = cv2.GaussianBlur(large, (0, 0), side * 0.35)
    grid = np.full((side, side), 255, np.uint8)
    grid[0, :] = grid[:, 0] = 150
    rows, columns = mask.shape
    return cv2.multiply(softened, np.tile(grid, (rows, columns)), scale=1 / 255)


def _cut(printed: Print) -> Print:
    """Cut a print to its ink; a print without ink keeps one empty pixel."""
    rows, columns = np.flatnonzero(printed.mask.any(axis=1)), np.flatnonzero(printed.mask.any(axis=0))
    if not rows.size:
        return Print(printed.text, np.zeros((1, 1), np.uint8), 0, 0, printed.edges)
    y0, y1, x0, x1 = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    mask = np.ascontiguousarray(printed.mask[y0:y1, x0:x1])
    return Print(printed.text, mask, printed.left + int(x0), printed.top + int(y0), printed.edges)

"""A sheet of paper and what can be put on it: words, paragraphs, tables, boxes, seals. Each word leaves a label.

Lengths are given in pixels of a sheet 2,480 pixels wide (300 dots per inch); `Sheet.px` turns them into the sheet's own
pixels, so that a small sheet looks like a large one from afar. A label keeps the outline of its ink rather than a box:
when the sheet is turned, the box is drawn around the turned outline and stays tight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TypeAlias

import cv2
import numpy as np

from train_easyocr.synthesis.fonts import FontLibrary
from train_easyocr.synthesis.render import (
    INK,
    Mask,
    Points,
    Print,
    Style,
    draw_jittered,
    draw_text,
    spaced,
    stack,
    stamp,
)

NOMINAL_WIDTH = 2480
"""Pixels across an A4 sheet at 300 dots per inch."""

Colour = tuple[int, int, int]
"""Red, green, blue; 0 to 255."""
BLACK: Colour = (28, 27, 30)
RED: Colour = (190, 40, 45)
BLUE: Colour = (40, 50, 150)


HIDDEN = 0.3
"""Share of a character's ink from which it can't be read any more when that much is covered."""
OLD_RULES = 4, 5
"""Least and most pixels across the rules of sheets that are scanned to black and white, as on the real ones."""
NEVER_FIRST = frozenset(".,:;!?)]}>」』”’%·~")
"""Characters that no line begins with."""
NEVER_LAST = frozenset("([{<「『“‘")
"""Characters that no line ends with."""


def breaking_point(printed: Print, room: float) -> int:
    """How many of a word's characters can stay on a line with `room` pixels left; 0 when it must not be broken."""
    fitting = sum(1 for edge in printed.edges[1:] if edge <= room)
    text = printed.text
    while 0 < fitting < len(text) and (text[fitting] in NEVER_FIRST or text[fitting - 1] in NEVER_LAST):
        fitting -= 1
    # Numbers and Latin words stay whole, as word processors keep them.
    if 0 < fitting < len(text) and text[fitting - 1].isascii() and text[fitting].isascii():
        return 0
    return fitting


Area: TypeAlias = tuple[float, float, float, float]
"""Left, upper, right and lower side; of a rule, where it begins and ends."""


@dataclass
class DrawnLabel:
    """A word as it is labelled: its text, the outline of its ink on the unturned sheet, its text line (0: none)."""

    text: str
    points: Points
    line: int = 0


@dataclass(frozen=True)
class Placed:
    """A print on the sheet, pen at (x, y); `line` numbers the text line it stands in, 0 for none."""

    printed: Print
    x: int
    y: int
    line: int

    def outline(self, first: int = 0, last: int | None = None) -> Points:
        """Outline of the ink of some of its characters, all unless told otherwise."""
        whole = first == 0 and last is None
        points = self.printed.outline if whole else self.printed.part(first, last or len(self.printed.text))
        return points + np.array((self.x, self.y))

    def cut(self, first: int, last: int) -> Placed:
        """Some of its characters, where they are."""
        return Placed(self.printed.cut(first, last), self.x + round(self.printed.edges[first]), self.y, self.line)

    def visible(self, covered: Mask) -> list[Placed]:
        """What can still be read of a print: runs of characters.

        Args:
            covered: Whether each pixel of its mask is covered; bool, the mask's shape.
        """
        printed = self.printed
        ink = printed.mask >= INK
        if not (ink & covered).any():
            return [self]
        upright = len(printed.text) > 1 and printed.edges[1] == 0  # one character below another
        edges = [0, *(round(edge) - printed.left for edge in printed.edges[1:-1]), ink.shape[1]]
        parts = [(0, len(printed.text))] if upright else [(n, n + 1) for n in range(len(printed.text))]
        runs: list[tuple[int, int]] = []
        for first, last in parts:
            columns = slice(max(0, edges[first]), max(0, edges[last]))
            inked = ink[:, columns]
            if (inked & covered[:, columns]).sum() <= HIDDEN * inked.sum():
                runs[-1:] = [(runs[-1][0], last)] if runs and runs[-1][1] == first else [*runs[-1:], (first, last)]
        left = Placed(
            replace(printed, mask=np.where(covered, 0, printed.mask).astype(np.uint8)), self.x, self.y, self.line
        )
        return [left.cut(first, last) for first, last in runs if printed.text[first:last].strip()]


@dataclass
class Sheet:
    """An unturned, spotless sheet.

    Attributes:
        width, height: Size in pixels.
        library: Faces, for characters that a style's own face lacks.
        random: The sheet's random numbers.
        unit: Pixels of this sheet for one at 2,480 across the short side.
        break_syllables: Whether a line can end within a word, as word processors do it with Hangul; the parts are
            labelled apart.
        cell_pitch: Distance of base lines in table cells, in ems.
        bilevel: Whether it will be scanned to black and white; hairlines would be lost there, so no rule is one.
        spaced_labels: Share of letter-spaced texts that have one label, with spaces, in place of one a character.
        dittos: Share of words in table columns that are 〃, as above.
        dashes: Share of empty table cells that hold a hyphen.
        planes: Ink by colour; each [height, width], 0 to 255.
        placed: Labelled prints in the order in which they were put down.
        faces: Names of the faces used.
    """

    width: int
    height: int
    library: FontLibrary
    random: np.random.Generator
    unit: float
    break_syllables: bool = False
    cell_pitch: float = 1.25
    bilevel: bool = False
    spaced_labels: float = 0.0
    dittos: float = 0.0
    dashes: float = 0.0
    planes: dict[Colour, Mask] = field(default_factory=dict)
    placed: list[Placed] = field(default_factory=list)
    faces: set[str] = field(default_factory=set)
    _lines: int = 0

    def px(self, length: float) -> int:
        """A length at 2,480 pixels across, in this sheet's pixels."""
        return round(length * self.unit)

    def plane(self, colour: Colour = BLACK) -> Mask:
        """The ink of a colour."""
        if colour not in self.planes:
            self.planes[colour] = np.zeros((self.height, self.width), np.uint8)
        return self.planes[colour]

    def printed(self, text: str, style: Style) -> Print:
        """The ink of `text` in `style`, or in another face where the style's own lacks a character."""
        face = self.library.drawing(text, style.face)
        style = style if face is style.face else style.in_face(face)
        self.faces.add(face.name)
        return draw_jittered(text, style, self.random) if style.jitter else draw_text(text, style)

    def put(self, printed: Print, x: float, y: float, colour: Colour = BLACK, *, label: bool = True) -> None:
        """Put a print down with its pen at (x, y)."""
        pen_x, pen_y = round(x), round(y)
        stamp(self.plane(colour), printed.mask, pen_x + printed.left, pen_y + printed.top)
        if label:
            self.placed.append(Placed(printed, pen_x, pen_y, self._lines))

    def line(
        self, text: str, x: float, y: float, style: Style, *, align: str = "left", colour: Colour = BLACK
    ) -> float:
        """Put the words of `text` on one line.

        Args:
            text: Words separated by spaces.
            x: Left end, centre or right end, as `align` says.
            y: Base line.
            style: How they are printed.
            align: "left", "center" or "right".
            colour: Ink.

        Returns:
            The x at which the line ends.
        """
        prints = [self.printed(word, style) for word in text.split()]
        length = sum(one.advance for one in prints) + style.space * (len(prints) - 1)
        x -= {"left": 0.0, "center": length / 2, "right": length}[align]
        self._lines += 1
        for one in prints:
            self.put(one, x, y, colour)
            x += one.advance + style.space
        return x - style.space

    def paragraph(
        self,
        text: str,
        start: tuple[float, float],
        right: float,
        style: Style,
        pitch: float,
        *,
        hang: float = 0.0,
        bottom: float = float("inf"),
        justify: bool = False,
    ) -> float:
        """Put text on as many lines as it needs.

        Args:
            text: Words separated by spaces.
            start: Left end of the first line and its base line.
            right: Where lines end at the latest.
            style: How the words are printed.
            pitch: Distance of base lines.
            hang: How much further right the other lines begin.
            bottom: Base line of the lowest line that fits; words that would come below it are left out.
            justify: Whether full lines are spread to the right end.

        Returns:
            The base line below the last one.
        """
        words = list(text.split())
        x, y = start
        left = x
        while words and y <= bottom:
            prints = self._fill_line(words, right - left, style)
            gap = style.space
            if justify and words and len(prints) > 1:
                missing = right - left - sum(one.advance for one in prints) - gap * (len(prints) - 1)
                gap += min(missing / (len(prints) - 1), style.size * 0.8)
            self._lines += 1
            pen = left
            for one in prints:
                self.put(one, pen, y)
                pen += one.advance + gap
            y += pitch
            left = x + hang
        return y

    def _fill_line(self, words: list[str], room: float, style: Style) -> list[Print]:
        """Take the words that fit into `room` off the front of `words`; a word too long even alone is broken."""
        prints: list[Print] = []
        while words:
            printed = self.printed(words[0], style)
            if printed.advance <= room:
                prints.append(printed)
                room -= printed.advance + style.space
                words.pop(0)
                continue
            fitting = breaking_point(printed, room)
            if not prints:
                fitting = max(1, fitting)
            if fitting and (not prints or self.break_syllables):
                word = words[0]
                prints.append(self.printed(word[:fitting], style))
                words[0] = word[fitting:]
                if not words[0]:
                    words.pop(0)
            break
        return prints

    def spread(self, text: str, ends: tuple[float, float], y: float, style: Style) -> None:
        """Put the characters of `text` at equal distances between two ends, each a word of its own."""
        left, right = ends
        prints = [self.printed(character, style) for character in text if not character.isspace()]
        free = right - left - sum(one.advance for one in prints)
        gap = free / max(1, len(prints) - 1)
        self._spread(prints, left if len(prints) > 1 else left + free / 2, y, gap)

    def _spread(self, prints: list[Print], pen: float, y: float, gap: float) -> None:
        """Put prints down with `gap` pixels between them, in one label or in several."""
        self._lines += 1
        if len(prints) > 1 and self.random.random() < self.spaced_labels:
            prints = [spaced(prints, gap)]
        for one in prints:
            self.put(one, pen, y)
            pen += one.advance + gap

    def spread_words(self, text: str, ends: tuple[float, float], y: float, style: Style) -> None:
        """Put the words of `text` at equal distances between two ends."""
        left, right = ends
        prints = [self.printed(word, style) for word in text.split()]
        gap = (right - left - sum(one.advance for one in prints)) / max(1, len(prints) - 1)
        self._spread(prints, left, y, max(gap, style.space / 2))

    def vertical(self, text: str, x: float, ends: tuple[float, float], style: Style) -> None:
        """Put the characters of `text` below one another, centred on `x` between two ends; one label."""
        top, bottom = ends
        for character in text:
            style = style.in_face(self.library.drawing(character, style.face))
        pitch = style.size * 1.12
        if len(text) > 1:
            pitch = max(style.size * 0.95, min(style.size * 1.7, (bottom - top - style.size * 1.4) / (len(text) - 1)))
        printed = stack(text, style, pitch)
        self._lines += 1
        self.put(printed, x, (top + bottom) / 2 - printed.top - printed.mask.shape[0] / 2)

    def rule(self, ends: Area, thickness: float = 4, *, colour: Colour = BLACK) -> None:
        """Draw a horizontal or vertical line; its thickness is given at 2,480 pixels across."""
        x0, y0, x1, y1 = ends
        half = max(1, self.px(float(np.clip(thickness, *OLD_RULES)) if self.bilevel else thickness))
        left, right = sorted((round(x0), round(x1)))
        upper, lower = sorted((round(y0), round(y1)))
        region = self.plane(colour)[max(0, upper) : max(0, lower + half), max(0, left) : max(0, right + half)]
        np.maximum(region, 235, out=region)

    def frame(self, area: Area, thickness: float = 4, *, colour: Colour = BLACK) -> None:
        """Draw a rectangle."""
        x0, y0, x1, y1 = area
        for ends in ((x0, y0, x1, y0), (x0, y1, x1, y1), (x0, y0, x0, y1), (x1, y0, x1, y1)):
            self.rule(ends, thickness, colour=colour)

    def shade(self, area: Area, coverage: int) -> None:
        """Tint an area with some coverage of black, as header rows are."""
        x0, y0, x1, y1 = area
        region = self.plane()[round(y0) : round(y1), round(x0) : round(x1)]
        np.maximum(region, coverage, out=region)

    def cell(self, text: str, area: Area, style: Style, *, align: str = "center") -> None:
        """Put text into a table cell, vertically centred, on several lines or smaller where it must be.

        Args:
            text: Words separated by spaces; may be empty.
            area: The cell.
            style: How the words are printed.
            align: "left", "center" or "right".
        """
        x0, y0, x1, y1 = area
        inside = x1 - x0 - 2 * self.px(14)
        for _ in range(5):
            lines = self._cell_lines(text, inside, style)
            pitch = style.size * self.cell_pitch
            fits = len(lines) * pitch <= y1 - y0 and all(len(line) > 0 for line in lines)
            if fits or style.size <= self.px(26):
                break
            style = style.resized(0.88)
        y = (y0 + y1) / 2 - pitch * (len(lines) - 1) / 2 + style.size * 0.36
        x = {"left": x0 + self.px(14), "center": (x0 + x1) / 2, "right": x1 - self.px(14)}[align]
        for line in lines:
            self.line(" ".join(line), x, y, style, align=align)
            y += pitch

    def _cell_lines(self, text: str, width: float, style: Style) -> list[list[str]]:
        """Break a cell's text into lines that fit."""
        words, lines = text.split(), []
        while words:
            lines.append([one.text for one in self._fill_line(words, width, style)])
        return lines

    def table(
        self,
        corner: tuple[float, float],
        widths: Sequence[float],
        rows: Sequence[Sequence[str]],
        style: Style,
        row_height: float,
        *,
        aligns: Sequence[str] | None = None,
        shade: int = 0,
        open_sides: bool = False,
        bottom: float = float("inf"),
    ) -> float:
        """Draw a table whose first row is its header.

        Args:
            corner: Left and upper side.
            widths: Width of each column.
            rows: Cell texts, the header first.
            style: How they are printed.
            row_height: Height of a row.
            aligns: Alignment of each column below the header; centred by default.
            shade: Coverage of the header's tint.
            open_sides: Whether the left and right side are left open.
            bottom: Rows that would reach below are left out.

        Returns:
            The table's lower side.
        """
        x, y = corner
        edges = x + np.concatenate([[0.0], np.cumsum(widths)])
        fitting = (bottom - y) / row_height  # infinite where there is no bottom
        rows = [row for number, row in enumerate(rows) if number == 0 or number + 1 <= fitting]
        rows = [
            *rows[:2],
            *(
                [self._as_above(text, above) for text, above in zip(row, upper, strict=True)]
                for upper, row in pairwise(rows[1:])
            ),
        ]
        if shade:
            self.shade((x, y, edges[-1], y + row_height), shade)
        for number, row in enumerate(rows):
            upper = y + number * row_height
            for column, text in enumerate(row):
                align = aligns[column] if aligns is not None and number else "center"
                self.cell(text, (edges[column], upper, edges[column + 1], upper + row_height), style, align=align)
        lower = y + len(rows) * row_height
        for number in range(len(rows) + 1):
            thick = 6 if number in (0, len(rows)) else 3
            self.rule((x, y + number * row_height, edges[-1], y + number * row_height), thick)
        for edge in edges[1:-1] if open_sides else edges:
            self.rule((edge, y, edge, lower), 3)
        return float(lower)

    def _as_above(self, text: str, above: str) -> str:
        """A cell's text, or the sign that stands for it or, below another text, for that."""
        if not text:
            return "-" if self.random.random() < self.dashes else text
        return "〃" if above and text[0].isalpha() and self.random.random() < self.dittos else text

    def is_free(self, area: Area) -> bool:
        """Whether an area lies on the sheet and holds no ink."""
        x0, y0, x1, y1 = (round(side) for side in area)
        inside = 0 <= x0 < x1 <= self.width and 0 <= y0 < y1 <= self.height
        return inside and not any(plane[y0:y1, x0:x1].any() for plane in self.planes.values())

    def punch(self, middle: tuple[float, float], radius: float) -> None:
        """Punch a hole that is scanned black; what it hides loses its label."""
        x, y = middle
        cv2.circle(self.plane(), (round(x), round(y)), round(radius), 255, -1, cv2.LINE_AA)
        self.placed = [part for one in self.placed for part in one.visible(_disc(one, middle, radius))]

    def erase(self, name: str) -> None:
        """Erase a name wherever it is printed: the paper is white there, and its label is gone."""
        kept = []
        for one in self.placed:
            text = one.printed.text
            first = text.find(name)
            others = [(0, first), (first + len(name), len(text))] if first >= 0 else []
            others = [(start, end) for start, end in others if any(c.isalnum() for c in text[start:end])]
            last = first + len(name) if others else len(text)
            first = first if others else 0
            if name not in text or not len(points := one.outline(first, last)):
                kept.append(one)
                continue
            (x0, y0), (x1, y1) = (
                points.min(axis=0).astype(int) - self.px(3),
                points.max(axis=0).astype(int) + self.px(4),
            )
            for plane in self.planes.values():
                plane[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = 0
            kept += [one.cut(start, end) for start, end in others]
        self.placed = kept

    def seal(
        self, text: str, middle: tuple[float, float], side: float, style: Style, *, round_shape: bool = False
    ) -> None:
        """Stamp a red seal centred on `middle`: up to three by three thick characters, worn, and not labelled."""
        side = int(side)
        rows = 2 if len(text) <= 4 else 3
        cell = side / rows
        mask: Mask = np.zeros((side, side), np.uint8)
        for number, character in enumerate(text[: rows * rows]):
            face = self.library.drawing(character, style.face)
            glyph = draw_text(character, Style(face, max(8, round(cell * 0.8)))).mask
            glyph = cv2.resize(glyph, (max(1, round(cell * 0.78)), max(1, round(cell * 0.84))))
            # Seals are read from the upper right down.
            stamp(mask, glyph, round((rows - 1 - number // rows + 0.11) * cell), round((number % rows + 0.08) * cell))
        mask = cv2.dilate(mask, np.ones((self.px(4) or 1,) * 2, np.uint8))
        thickness = max(2, self.px(9))
        if round_shape:
            cv2.circle(mask, (side // 2, side // 2), side // 2 - thickness, 255, thickness)
        else:
            cv2.rectangle(mask, (0, 0), (side - 1, side - 1), 255, thickness)
        wear = cv2.resize(self.random.uniform(0.25, 1.0, (9, 9)).astype(np.float32), (side, side))
        turned = cv2.getRotationMatrix2D((side / 2, side / 2), float(self.random.normal(0, 4)), 0.96)
        mask = cv2.warpAffine((mask * wear).astype(np.uint8), turned, (side, side))
        stamp(self.plane(RED), mask, round(middle[0] - side / 2), round(middle[1] - side / 2))

    def scribble(self, middle: tuple[float, float], width: float, height: float, colour: Colour = BLACK) -> None:
        """Sign with a pen inside a rectangle centred on `middle`; not labelled."""
        count = int(self.random.integers(5, 9))
        corners = self.random.uniform(-0.5, 0.5, (count, 2)) * (width, height)
        corners[:, 0] = np.sort(corners[:, 0])
        steps = np.linspace(0, count - 1, 80)
        curve = np.stack([np.interp(steps, np.arange(count), corners[:, axis]) for axis in (0, 1)], axis=1)
        smooth = np.stack([np.convolve(curve[:, axis], np.ones(9) / 9, mode="valid") for axis in (0, 1)], axis=1)
        points = np.round((smooth + np.array(middle)) * 8).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(self.plane(colour), [points], False, 220, max(1, self.px(5)), cv2.LINE_AA, shift=3)


def _disc(one: Placed, middle: tuple[float, float], radius: float) -> Mask:
    """Which pixels of a print's mask lie within a circle on the sheet."""
    height, width = one.printed.mask.shape
    rows = np.arange(height)[:, None] + (one.y + one.printed.top - middle[1])
    columns = np.arange(width)[None, :] + (one.x + one.printed.left - middle[0])
    covered: Mask = rows**2 + columns**2 <= radius**2
    return covered

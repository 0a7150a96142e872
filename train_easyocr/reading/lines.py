"""Words to lines, and lines to reading order, over columns and tables.

Words on one level become runs, each word linked to its nearest neighbour (docstrum's idea: L. O'Gorman, "The document
spectrum for page layout analysis", TPAMI 1993). Runs are ordered by the recursive X-Y cut (G. Nagy and S. Seth,
"Hierarchical representation of optically scanned documents", ICPR 1984; J. Ha, R. Haralick and I. Phillips, "Recursive
X-Y cut using bounding boxes of connected components", ICDAR 1995). Where an area can be cut both ways, ruling lines
decide, as they do for the eye: no cut goes through one, and where they cross an area they are the cuts. Without them it
is rows, but for columns of running text, lines of several words that fill their column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from train_easyocr.documents.page import Box
from train_easyocr.reading.rules import NO_RULES, Lines, Rules

OVERLAP = 0.5
"""Share of the lower of two boxes that lies on the level of the other where both stand on one line."""
WORD_GAP = 1.0
"""Widest gap within a line, in heights of its boxes."""
JOINED_GAP = 1.6
"""The same where the order is known, and no column can be meant."""
CHARACTER_GAP = 2.5
"""The same between single characters, as of a title that is spaced out."""
CHARACTER_WIDTH = 1.3
"""Width up to which a box can hold a single character, in its height."""
LOOSE = 0.15
"""Share of a box's height that it can reach above and below its print, into the next line."""
GUTTER = 0.8
"""Narrowest gap between columns, in typical heights."""
FILLED, COLUMN_WIDTH, COLUMN_LINES, COLUMN_WORDS = 0.6, 8, 3, 2
"""Running text: lines that fill this share of a column that is so many typical heights wide; how many lines there are
at least, and how many words half of them have at least."""
BLOCK_GAP = 1.5
"""Widest gap between the lines of a block, in typical heights."""
APART = 2.0
"""Height of white that ends columns, in typical heights."""
BEGINNING = 3
"""Rows within which columns show their gutter: one can begin lower than the other."""
NOTE_WIDTH = 0.5
"""Width of a note at the margin, in that of the text beside it, at most."""
LEVEL_WITH = 0.2
"""How far the middles of boxes that stand on one level can differ, in typical heights."""
LEVEL = 0.003
"""Slope from which a page counts as tilted."""
DEEPEST = 100
"""Cuts within cuts."""

Boxes = NDArray[np.float64]
"""[n, 4]: xmin, ymin, xmax, ymax."""


@dataclass(frozen=True)
class Line:
    """Words of a line.

    Attributes:
        words: Their indices, from the left.
        block: Number of the block of text that it belongs to.
        beside: Whether it goes on to the right of the line before, as the next cell of a table's row does.
    """

    words: tuple[int, ...]
    block: int
    beside: bool


class _Run(NamedTuple):
    """Words of a line: their indices, from the left, and their bounds."""

    words: list[int]
    box: NDArray[np.float64]


def lines_of(boxes: Sequence[Box], rules: Rules = NO_RULES) -> list[Line]:
    """Order words.

    Args:
        boxes: Where they are, in any order.
        rules: The page's ruling lines.

    Returns:
        The lines in reading order; each word is in one of them.
    """
    if not boxes:
        return []
    raw = np.array(boxes, np.float64)
    height = typical_height(raw)
    runs = _runs_of(raw, rules, height)
    slope = _slope(raw, runs)
    upright = raw
    if abs(slope) > LEVEL:
        upright, rules = _levelled(raw, rules, slope)
        runs = _runs_of(upright, rules, height)
    ordered = _Cutter(height, rules).order(runs)
    return _with_blocks(_joined(ordered, rules, height), height)


def typical_height(boxes: Boxes) -> float:
    """Return the median height of boxes that are not taller than wide, or of all where none is."""
    heights, widths = boxes[:, 3] - boxes[:, 1], boxes[:, 2] - boxes[:, 0]
    lying = heights[widths >= heights]
    return max(1.0, float(np.median(lying if len(lying) else heights)))


def _runs_of(boxes: Boxes, rules: Rules, height: float) -> list[_Run]:
    """Chain words to runs: each to its nearest neighbour at the right, if that has none nearer at its left."""
    right, left = _nearest(boxes, rules, height), _nearest(boxes, rules, height, to_left=True)
    following = {one: int(other) for one, other in enumerate(right) if other >= 0 and left[other] == one}
    firsts = sorted(set(range(len(boxes))) - set(following.values()))
    runs = []
    for word in firsts:
        words = [word]
        while words[-1] in following:
            words.append(following[words[-1]])
        runs.append(_Run(words, _bounds(boxes[words])))
    return runs


def _nearest(boxes: Boxes, rules: Rules, height: float, to_left: bool = False) -> list[int]:
    """Return of each box the index of the nearest one at its right (or left) that can go on its line, -1 for none."""
    if to_left:
        boxes = boxes[:, [2, 1, 0, 3]] * (-1, 1, -1, 1)
        rules = Rules(rules.horizontal, rules.vertical * (-1, 1, 1))
    middle, heights = (boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3] - boxes[:, 1]
    single = boxes[:, 2] - boxes[:, 0] <= CHARACTER_WIDTH * np.maximum(heights, 0.7 * height)
    nearest = []
    for number, box in enumerate(boxes):
        shared = np.minimum(boxes[:, 3], box[3]) - np.maximum(boxes[:, 1], box[1])
        level = shared >= OVERLAP * np.minimum(heights, heights[number])
        reach = np.where(single & single[number], CHARACTER_GAP, WORD_GAP)
        gap = boxes[:, 0] - box[2]
        near = gap <= reach * np.maximum(0.7 * height, np.minimum(heights, heights[number]))
        candidates = np.flatnonzero(level & near & (middle > middle[number]))
        best = candidates[np.argmin(middle[candidates])] if len(candidates) else -1
        if best >= 0 and _ruled_off(box, boxes[best], rules.vertical):
            best = -1
        nearest.append(int(best))
    return nearest


def _ruled_off(one: NDArray[np.float64], other: NDArray[np.float64], vertical: Lines) -> bool:
    """Tell whether a vertical rule stands between two boxes of a line."""
    low, high = sorted(((one[0] + one[2]) / 2, (other[0] + other[2]) / 2))
    y = (max(one[1], other[1]) + min(one[3], other[3])) / 2
    x = vertical[:, 0]
    return bool(((low < x) & (x < high) & (vertical[:, 1] <= y) & (y <= vertical[:, 2])).any())


def _bounds(boxes: Boxes) -> NDArray[np.float64]:
    return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])


def _slope(boxes: Boxes, runs: Sequence[_Run]) -> float:
    """Return how many pixels lines fall a pixel to the right."""
    slopes = []
    for run in runs:
        if len(run.words) >= 4:
            first, last = boxes[run.words[0]], boxes[run.words[-1]]
            slopes.append(float((last[1] + last[3] - first[1] - first[3]) / (last[0] + last[2] - first[0] - first[2])))
    return float(np.median(slopes)) if len(slopes) >= 3 else 0.0


def _levelled(boxes: Boxes, rules: Rules, slope: float) -> tuple[Boxes, Rules]:
    """Shift boxes and rules to where they are on a page that is not tilted."""
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    shift = np.stack([slope * y, -slope * x], axis=1)
    horizontal, vertical = rules.horizontal.copy(), rules.vertical.copy()
    for lines, sign in ((horizontal, -1), (vertical, 1)):
        lines[:, 0] += sign * slope * (lines[:, 1] + lines[:, 2]) / 2
        lines[:, 1:] -= sign * slope * lines[:, :1]
    return boxes + np.tile(shift, 2), Rules(horizontal, vertical)


@dataclass(frozen=True)
class _Cutter:
    """Orders runs by cutting the area that they cover.

    Attributes:
        height: Typical height of a box.
        rules: The page's ruling lines.
    """

    height: float
    rules: Rules

    def order(self, runs: list[_Run], depth: int = 0) -> list[_Run]:
        """Return runs in reading order."""
        if len(runs) < 2:
            return runs
        parts = self._cut(runs) if depth < DEEPEST else []
        if len(parts) < 2:
            return _by_rows(runs)
        return [run for part in parts for run in self.order(part, depth + 1)]

    def _cut(self, runs: list[_Run]) -> list[list[_Run]]:
        boxes = np.array([run.box for run in runs])
        area = _bounds(boxes)
        for parts in (
            self._cut_at_level_rules(runs, boxes, area),
            self._cut_at_upright_rule(runs, boxes, area),
            self._cut_at_gaps(runs, boxes, self._inside(area)),
        ):
            if len(parts) > 1:
                return parts
        return self._cut_at_gaps(runs, boxes, NO_RULES)

    def _cut_at_level_rules(self, runs: list[_Run], boxes: Boxes, area: NDArray[np.float64]) -> list[list[_Run]]:
        """Cut between the rows of a table: at rules that go through the whole area, and through no print."""
        lines, slack = self.rules.horizontal, self.height
        through = lines[(lines[:, 1] <= area[0] + slack) & (lines[:, 2] >= area[2] - slack), 0]
        quarter = (boxes[:, 3] - boxes[:, 1]) / 4
        free = [y for y in through if not ((boxes[:, 1] + quarter < y) & (y < boxes[:, 3] - quarter)).any()]
        return _grouped(runs, np.searchsorted(np.sort(free), (boxes[:, 1] + boxes[:, 3]) / 2))

    def _cut_at_upright_rule(self, runs: list[_Run], boxes: Boxes, area: NDArray[np.float64]) -> list[list[_Run]]:
        """Cut between two columns of cells, where the fewest rules join them to rows, and most to the left of these."""
        lines, slack = self.rules.vertical, self.height / 2
        through = lines[(lines[:, 1] <= area[1] + slack) & (lines[:, 2] >= area[3] - slack), 0]
        middle, quarter = (boxes[:, 0] + boxes[:, 2]) / 2, np.minimum(boxes[:, 2] - boxes[:, 0], self.height) / 4
        level = self.rules.horizontal
        level = level[(level[:, 0] > area[1]) & (level[:, 0] < area[3])]
        best: tuple[int, float] | None = None
        for x in np.sort(through):
            crossed = ((boxes[:, 0] + quarter < x) & (x < boxes[:, 2] - quarter)).any()
            if crossed or not 0 < (middle < x).sum() < len(runs):
                continue
            joining = int(((level[:, 1] < x - self.height) & (level[:, 2] > x + self.height)).sum())
            if best is None or joining < best[0]:
                best = joining, float(x)
        return [runs] if best is None else _grouped(runs, (middle > best[1]).astype(int))

    def _inside(self, area: NDArray[np.float64]) -> Rules:
        """Return the rules that stand within an area, not those of a frame around it."""
        slack = self.height / 4
        level, upright = self.rules
        level = level[(level[:, 0] > area[1] + slack) & (level[:, 0] < area[3] - slack)]
        upright = upright[(upright[:, 0] > area[0] + slack) & (upright[:, 0] < area[2] - slack)]
        return Rules(level, upright)

    def _cut_at_gaps(self, runs: list[_Run], boxes: Boxes, obstacles: Rules) -> list[list[_Run]]:
        """Cut at white space that goes through the whole area and crosses no rule."""
        rows = _grouped(runs, self._rows(boxes, obstacles.vertical))
        columns = _grouped(runs, self._columns(boxes, obstacles.horizontal))
        if len(rows) < 2 or (len(columns) > 1 and self._are_columns(columns)):
            return columns
        return self._with_columns_kept(rows, obstacles.horizontal)

    def _rows(self, boxes: Boxes, upright: Lines) -> NDArray[np.intp]:
        loose = LOOSE * (boxes[:, 3] - boxes[:, 1])
        return _between_gaps(boxes[:, 1] + loose, boxes[:, 3] - loose, 0.0, upright[:, 1:])

    def _columns(self, boxes: Boxes, level: Lines) -> NDArray[np.intp]:
        return _between_gaps(boxes[:, 0], boxes[:, 2], GUTTER * self.height, level[:, 1:])

    def _with_columns_kept(self, rows: list[list[_Run]], level: Lines) -> list[list[_Run]]:
        """Join the rows of each stretch of columns of text: a title over them must not cut them to rows."""
        parts, first = [], 0
        while first < len(rows):
            last = self._end_of_columns(rows, first, level)
            parts.append([run for row in rows[first:last] for run in row])
            first = last
        return parts

    def _end_of_columns(self, rows: list[list[_Run]], first: int, level: Lines) -> int:
        """Return where columns of text end that begin with a row; the next row where none do."""
        together, end, count = list(rows[first]), first + 1, 0
        for last in range(first + 1, len(rows) + 1):
            apart = last == len(rows) or self._is_apart(rows[last - 1], rows[last])
            longer = together if apart else together + rows[last]
            numbers = self._columns(np.array([run.box for run in longer]), level)
            more = 0 if apart else int(numbers.max()) + 1
            if more < count and self._are_columns(self._split(together, level)):
                end = last
            if apart or (more < 2 and (count > 1 or last - first > BEGINNING)):
                break
            together, count = longer, more
        return end

    def _is_apart(self, row: list[_Run], following: list[_Run]) -> bool:
        """Tell whether so much white is between two rows that columns don't go on, as above a page's number."""
        gap = min(run.box[1] for run in following) - max(run.box[3] for run in row)
        return bool(gap > APART * self.height)

    def _split(self, runs: list[_Run], level: Lines) -> list[list[_Run]]:
        return _grouped(runs, self._columns(np.array([run.box for run in runs]), level))

    def _are_columns(self, columns: list[list[_Run]]) -> bool:
        """Tell columns of text from those of a table: two hold running text, or one does, and notes stand beside it."""
        running = [column for column in columns if self._runs_on(column)]
        notes = [column for column in columns if not self._runs_on(column)]
        if len(running) != 1:
            return len(running) > 1
        return bool(notes) and all(self._is_note(one, running[0]) for one in notes)

    def _is_note(self, column: list[_Run], text: list[_Run]) -> bool:
        """Tell whether a column is narrow, and its lines are not on the level of those of a text beside it."""
        widths = [max(run.box[2] for run in one) - min(run.box[0] for run in one) for one in (column, text)]
        return bool(widths[0] < NOTE_WIDTH * widths[1]) and not self._is_level(column, text)

    def _is_level(self, column: list[_Run], other: list[_Run]) -> bool:
        """Tell whether half of a column's lines, or its only one, stand on the level of one of another's."""
        middles = [np.array([run.box[1] + run.box[3] for run in one]) / 2 for one in (column, other)]
        nearest = np.abs(middles[0][:, None] - middles[1]).min(axis=1)
        return len(column) < 2 or bool((nearest < LEVEL_WITH * self.height).mean() >= 0.5)

    def _runs_on(self, column: list[_Run]) -> bool:
        boxes = np.array([run.box for run in column])
        width = boxes[:, 2].max() - boxes[:, 0].min()
        if len(column) < COLUMN_LINES or width < COLUMN_WIDTH * self.height:
            return False
        words = np.median([len(run.words) for run in column])
        return bool(np.median(boxes[:, 2] - boxes[:, 0]) >= FILLED * width and words >= COLUMN_WORDS)


def _between_gaps(
    starts: NDArray[np.float64], ends: NDArray[np.float64], gap: float, obstacles: NDArray[np.float64]
) -> NDArray[np.intp]:
    """Number intervals: those between which lies a gap, wider than `gap` and free of obstacles, differ.

    Args:
        starts: [n] where each begins.
        ends: [n] where each ends.
        gap: Least width.
        obstacles: [m, 2] where rules begin and end that must not be cut.
    """
    order = np.argsort(starts, kind="stable")
    reached = np.maximum.accumulate(ends[order])
    left, right = reached[:-1], starts[order][1:]
    free = right - left > gap
    for number in np.flatnonzero(free):
        free[number] = not ((obstacles[:, 0] < left[number]) & (obstacles[:, 1] > right[number])).any()
    numbers = np.empty(len(starts), np.intp)
    numbers[order] = np.concatenate([[0], np.cumsum(free)])
    return numbers


def _grouped(runs: Sequence[_Run], numbers: NDArray[np.intp]) -> list[list[_Run]]:
    """Return runs of the same number together, by rising number."""
    groups: dict[int, list[_Run]] = {}
    for number, run in zip(numbers.tolist(), runs, strict=True):
        groups.setdefault(number, []).append(run)
    return [groups[number] for number in sorted(groups)]


def _by_rows(runs: Sequence[_Run]) -> list[_Run]:
    """Order what can't be cut: from the top, and from the left what stands on one level."""
    rows: list[list[_Run]] = []
    for run in sorted(runs, key=lambda run: run.box[1] + run.box[3]):
        if rows and _on_one_level(rows[-1][0].box, run.box):
            rows[-1].append(run)
        else:
            rows.append([run])
    return [run for row in rows for run in sorted(row, key=lambda run: run.box[0])]


def _on_one_level(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    shared = min(one[3], other[3]) - max(one[1], other[1])
    return bool(shared >= OVERLAP * min(one[3] - one[1], other[3] - other[1]))


def _joined(runs: Sequence[_Run], rules: Rules, height: float) -> list[_Run]:
    """Join runs that follow one another on one level, unless the gap is wide or a rule stands in it."""
    joined: list[_Run] = []
    for run in runs:
        before = joined[-1] if joined else None
        if (
            before is not None
            and _on_one_level(before.box, run.box)
            and 0 < run.box[0] - before.box[2] + 0.5 * height < (JOINED_GAP + 0.5) * height
            and not _ruled_off(before.box, run.box, rules.vertical)
        ):
            joined[-1] = _Run(before.words + run.words, _bounds(np.array([before.box, run.box])))
        else:
            joined.append(run)
    return joined


def _with_blocks(runs: Sequence[_Run], height: float) -> list[Line]:
    """Number blocks: a line belongs to that of the line before when it stands right below it, or beside it."""
    lines: list[Line] = []
    block, before, row = 0, runs[0].box, runs[0].box
    for number, run in enumerate(runs):
        beside = bool(number > 0 and _on_one_level(before, run.box) and run.box[0] > before[0])
        if beside:
            row = _bounds(np.array([row, run.box]))
        elif number:
            below = -0.5 * height < run.box[1] - row[3] < BLOCK_GAP * height
            lies_under = min(run.box[2], row[2]) > max(run.box[0], row[0])
            block += not (below and lies_under)
            row = run.box
        lines.append(Line(tuple(run.words), block, beside))
        before = run.box
    return lines


def neighbours_kept(expected: Sequence[int], found: Sequence[int]) -> tuple[int, int]:
    """Count the words that are followed by the word that they should be followed by.

    Args:
        expected: Words in the right order.
        found: The same words in the order found; of those that are missing none counts as kept.

    Returns:
        How many are, and how many words have one to follow them.
    """
    after = dict(pairwise(found))
    pairs = list(pairwise(expected))
    return sum(after.get(one) == other for one, other in pairs), len(pairs)

"""Reading order on layouts whose order is known."""

import cv2
import numpy as np
import pytest

from benchmarks.studies import reading_order
from train_easyocr.documents.page import Box
from train_easyocr.reading.lines import lines_of, neighbours_kept
from train_easyocr.reading.rules import NO_RULES, Rules, find_rules
from train_easyocr.synthesis.fonts import FontLibrary
from train_easyocr.synthesis.pages import KINDS

pytestmark = pytest.mark.slow

HEIGHT = 50


def line(x, y, *widths, gap=25, height=HEIGHT):
    """The boxes of a line's words."""
    boxes = []
    for width in widths:
        boxes.append(Box(x, y, x + width, y + height))
        x += width + gap
    return boxes


def paragraph(x, y, width, count, pitch=80):
    """Lines of five words that fill a width."""
    word = (width - 100) // 5
    return [box for number in range(count) for box in line(x, y + number * pitch, *[word] * 5)]


def ruled(horizontal, vertical):
    return Rules(np.array(horizontal, float).reshape(-1, 3), np.array(vertical, float).reshape(-1, 3))


def order(boxes, rules=NO_RULES, seed=0):
    """The order found of boxes that come in any order, as their numbers in the right one."""
    shuffled = np.random.default_rng(seed).permutation(len(boxes)).tolist()
    return [shuffled[word] for one in lines_of([boxes[number] for number in shuffled], rules) for word in one.words]


def table(rows, edges, top, row_height, lines=2):
    """Boxes of a table with `lines` lines in each cell, cell by cell, and its rules."""
    boxes = []
    for row in range(rows):
        for left in edges[:-1]:
            for number in range(lines):
                boxes += line(left + 12, top + row * row_height + 15 + number * 60, 70, 60)
    bottom = top + rows * row_height
    level = [(top + row * row_height, edges[0], edges[-1]) for row in range(rows + 1)]
    return boxes, ruled(level, [(x, top, bottom) for x in edges])


@pytest.mark.parametrize("shift", [0, 30])
@pytest.mark.parametrize("count", [2, 3])
def test_columns_under_a_title(count, shift):
    boxes = line(700, 100, 200, 300, height=90)
    for number in range(count):
        boxes += paragraph(200 + number * 720, 300 + number * shift, 640, 9 - number)
    boxes += line(1000, 1300, 30, 30)
    assert order(boxes) == list(range(len(boxes)))


def test_a_table_is_read_row_by_row_and_cell_by_cell():
    boxes, rules = table(4, (200, 500, 800, 1100), 300, 150)
    above, below = paragraph(200, 100, 900, 2), paragraph(200, 1000, 900, 3)
    boxes = [*above, *boxes, *below]
    assert order(boxes, rules) == list(range(len(boxes)))


def test_a_cell_that_spans_rows_is_read_before_them():
    cells, rules = table(3, (500, 800, 1100), 300, 150)
    label = line(250, 500, 80, 60)
    level = [*rules.horizontal.tolist(), (300, 200, 1100), (750, 200, 1100)]
    rules = ruled(level, [*rules.vertical.tolist(), (200, 300, 750)])
    boxes = [*label, *cells]
    assert order(boxes, rules) == list(range(len(boxes)))


def test_rows_without_rules_are_read_line_by_line():
    boxes = [box for row in range(8) for x in (200, 500, 900) for box in line(x, 100 + 90 * row, 90, 40)]
    assert order(boxes) == list(range(len(boxes)))


def test_cells_that_nearly_touch_are_lines_of_their_own():
    boxes = [*line(100, 100, 90, 90, gap=8), *line(296, 100, 90, 90, gap=8)]
    rules = ruled([(90, 90, 600), (160, 90, 600)], [(90, 90, 160), (292, 90, 160), (600, 90, 160)])
    assert [one.words for one in lines_of(boxes, rules)] == [(0, 1), (2, 3)]
    assert [one.beside for one in lines_of(boxes, rules)] == [False, True]
    assert [one.words for one in lines_of(boxes)] == [(0, 1, 2, 3)]


def test_a_note_at_the_margin_stays_together():
    note = [box for number in range(3) for box in line(60, 420 + 45 * number, 60, 60, gap=12, height=32)]
    body = paragraph(320, 300, 1500, 10)
    found = order([*body, *note])
    places = sorted(found.index(number) for number in range(len(body), len(body) + len(note)))
    assert places == list(range(places[0], places[0] + len(note)))
    kept, pairs = neighbours_kept(range(len(body) + len(note)), found)
    assert pairs - kept <= 3


def test_a_spaced_title_is_one_line():
    boxes = [*line(300, 100, 90, 90, 90, 90, gap=150, height=95), *paragraph(200, 300, 900, 3)]
    lines = lines_of(boxes)
    assert lines[0].words == (0, 1, 2, 3) and len(lines) == 4


@pytest.mark.parametrize("slope", [-0.03, -0.01, 0.01, 0.03])
def test_a_tilted_page(slope):
    straight, rules = table(4, (200, 700, 1200, 1700), 1000, 150)
    straight = [*paragraph(200, 100, 1500, 8), *straight]
    boxes = [
        Box(x0 - round(slope * y0), y0 + round(slope * x0), x1 - round(slope * y0), y1 + round(slope * x0))
        for x0, y0, x1, y1 in straight
    ]
    level = [(y + slope * (a + b) / 2, a - slope * y, b - slope * y) for y, a, b in rules.horizontal]
    upright = [(x - slope * (a + b) / 2, a + slope * x, b + slope * x) for x, a, b in rules.vertical]
    assert order(boxes, ruled(level, upright)) == list(range(len(boxes)))


def test_small_marks_stand_in_their_line():
    boxes = line(100, 100, 90, 90)
    boxes += [Box(320, 122, 338, 128), Box(350, 100, 440, 150), Box(445, 138, 453, 150)]
    boxes += line(100, 180, 90, 90)
    assert [one.words for one in lines_of(boxes)] == [(0, 1, 2, 3, 4), (5, 6)]


def test_blocks():
    boxes = [*paragraph(200, 100, 900, 3), *paragraph(200, 500, 900, 2)]
    assert [one.block for one in lines_of(boxes)] == [0, 0, 0, 1, 1]


def test_nothing_one_and_the_same_place():
    assert lines_of([]) == []
    [one] = lines_of([Box(1, 1, 2, 2)])
    assert one.words == (0,)
    assert sorted(order([Box(5, 5, 30, 20)] * 4)) == [0, 1, 2, 3]


def test_any_boxes_come_out_once_each():
    random = np.random.default_rng(5)
    for count in (3, 50, 600):
        corners = random.integers(0, 2000, (count, 2))
        sizes = random.integers(1, 300, (count, 2))
        boxes = [Box(x, y, x + w, y + h) for (x, y), (w, h) in zip(corners.tolist(), sizes.tolist(), strict=True)]
        assert sorted(order(boxes)) == list(range(count))


def test_neighbours_kept():
    assert neighbours_kept([0, 1, 2, 3], [0, 1, 2, 3]) == (3, 3)
    assert neighbours_kept([0, 1, 2, 3], [2, 3, 0, 1]) == (2, 3)
    assert neighbours_kept([0, 1, 2, 3], [3, 2, 1, 0]) == (0, 3)
    assert neighbours_kept([7], [7]) == neighbours_kept([], []) == (0, 0)


def test_rules_of_an_image():
    page = np.full((1200, 1000), 240, np.uint8)
    for y in (200, 500):
        cv2.line(page, (100, y), (900, y + 6), 60, 3)  # skewed by 0.4 degrees
    page[200:500, 300:302] = 190  # faint
    cv2.putText(page, "- Text --", (350, 360), cv2.FONT_HERSHEY_SIMPLEX, 2, 0, 5)
    page[700:800, 200:800] = 120  # a shaded area
    page[900:904] = 100  # a streak across the page
    rules = find_rules(page, 50)
    level, upright = sorted(rules.horizontal.tolist()), rules.vertical.tolist()
    assert level == [pytest.approx((203, 100, 900), abs=8), pytest.approx((503, 100, 900), abs=8)]
    assert upright == [pytest.approx((301, 200, 503), abs=8)]


@pytest.mark.parametrize(
    ("kind", "share"), [("letter", 0.93), ("register", 0.98), ("form", 0.95), ("columns", 0.98), ("margin", 0.95)]
)
def test_rendered_pages(kind, share):
    kinds = {kind.__name__: kind for kind, _ in KINDS}
    chosen = kinds.get(kind) or getattr(reading_order, kind)
    kept = pairs = 0
    for image, boxes in reading_order.rendered(chosen, 3, 2, FontLibrary.find(None, "sample")):
        found = [word for one in reading_order.order_of(image, boxes) for word in one.words]
        right, count = neighbours_kept(range(len(boxes)), found)
        kept, pairs = kept + right, pairs + count
    assert kept / pairs > share

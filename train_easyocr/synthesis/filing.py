"""What becomes of a printed sheet in an office: numbered and noted on by hand, punched, private names erased."""

from __future__ import annotations

from train_easyocr.synthesis import vocabulary
from train_easyocr.synthesis.elements import DrawnPage
from train_easyocr.synthesis.handwriting import Hand

NUMBERED, NOTED, PUNCHED, ERASED = 0.94, 0.45, 0.6, 0.7
"""Shares of the sheets."""
HOLE = 71
"""Diameter of a punch hole: 6 mm."""
HOLES_APART = 945
"""Distance of two holes: 80 mm."""
TRIES = 12
"""How often room is looked for."""


def file_sheet(page: DrawnPage) -> None:
    """Do to a sheet what happens before it is scanned for an archive."""
    w, hand = page.writer, draw_hand(page)
    if w.chance(ERASED):
        for name in sorted(w.persons):
            if len(name) > 2:  # shorter ones are syllables of other words, too
                page.sheet.erase(name)
    if w.chance(NUMBERED):
        number_by_hand(page, hand)
    if w.chance(NOTED):
        for _ in range(w.integer(1, 3)):
            note(page, hand)
    if w.chance(PUNCHED):
        draw_holes(page)


def draw_hand(page: DrawnPage) -> Hand:
    """The handwriting of whoever filed the sheet."""
    w, hands = page.writer, page.sheet.library.hands
    pen = max(1, page.px(w.integer(4, 7)))
    return Hand(w.pick(hands) if hands else None, max(8, page.px(w.integer(55, 85))), pen)


def number_by_hand(page: DrawnPage, hand: Hand) -> None:
    """The page's number within its file, at the lower right, where there is room."""
    w, sheet, text = page.writer, page.sheet, str(page.writer.integer(1, 399))
    for _ in range(TRIES):
        right, y = sheet.width - page.px(w.integer(90, 420)), sheet.height - page.px(w.integer(60, 330))
        if write_where_free(page, hand, text, right, y):
            return


def note(page: DrawnPage, hand: Hand) -> None:
    """A date, a figure or a few words of a note, anywhere where there is room."""
    w, sheet = page.writer, page.sheet
    written = [text for text in (w.pick(vocabulary.NOTES), w.short_date(), str(w.integer(1, 99))) if _can(hand, text)]
    text = w.pick(written)
    for _ in range(TRIES):
        right, y = w.integer(page.left, page.right), w.integer(page.px(200), sheet.height - page.px(120))
        if write_where_free(page, hand, text, right, y):
            return


def write_where_free(page: DrawnPage, hand: Hand, text: str, right: float, y: float) -> bool:
    """Write words with their right end at `right` unless something is there; return whether they were written."""
    sheet, gap = page.sheet, hand.size * 0.5
    words = [hand.write(word, sheet.random) for word in text.split()]
    left = right - sum(one.advance + gap for one in words) + gap
    top, bottom = min(one.top for one in words), max(one.top + one.mask.shape[0] for one in words)
    if not sheet.is_free((left - gap / 2, y + top, right + gap / 2, y + bottom)):
        return False
    for one in words:
        sheet.put(one, left, y)
        left += one.advance + gap
    return True


def draw_holes(page: DrawnPage) -> None:
    """Two holes at the left or at the top, at times so far in that they hide print."""
    w, sheet = page.writer, page.sheet
    inset, shift = page.px(w.integer(110, 330)), page.px(w.integer(-60, 60))
    half, radius = page.px(HOLES_APART) / 2, page.px(HOLE) / 2
    at_top = w.chance(0.2)
    middle = (sheet.width if at_top else sheet.height) / 2 + shift
    for along in (middle - half, middle + half):
        sheet.punch((along, inset) if at_top else (inset, along), radius)


def _can(hand: Hand, text: str) -> bool:
    return all(hand.draws(word) for word in text.split())

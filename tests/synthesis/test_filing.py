from dataclasses import replace

import numpy as np
import pytest

from train_easyocr.synthesis import filing
from train_easyocr.synthesis.handwriting import STROKES, Hand
from train_easyocr.synthesis.layout import Sheet
from train_easyocr.synthesis.pages import make_page
from train_easyocr.synthesis.sentences import SentenceWriter

RANDOM = np.random.default_rng


@pytest.fixture
def page(library):
    sheet = Sheet(1240, 1754, library, RANDOM(3), unit=0.5, bilevel=True)
    return make_page(sheet, SentenceWriter(sheet.random, "인.허가", 1998))


def test_figures_are_written_in_strokes_where_there_is_no_handwriting_face():
    hand = Hand(None, 60, 5)
    assert hand.draws("120-9/8.") and not hand.draws("보관") and not hand.draws("1a")
    one, other = (hand.write("1234567890", RANDOM(seed)) for seed in (1, 2))
    assert one.text == "1234567890" and len(one.edges) == 11
    assert one.mask.shape != other.mask.shape or not np.array_equal(one.mask, other.mask)
    assert np.array_equal(one.mask, hand.write("1234567890", RANDOM(1)).mask)
    heights = [np.ptp(hand.write(figure, RANDOM(4)).outline[:, 1]) for figure in "0123456789"]
    assert all(45 < height < 80 for height in heights)
    assert {len(hand.write(character, RANDOM(4)).outline) > 2 for character in STROKES} == {True}


def test_a_handwriting_face_writes_notes(library):
    hand = Hand(library.faces[0], 60, 5)
    assert hand.draws("보관")
    one, other = (hand.write("원본", RANDOM(seed)) for seed in (1, 3))
    assert one.text == "원본" and np.abs(one.outline - one.outline.mean(axis=0)).max() > 20
    assert one.mask.shape != other.mask.shape or not np.array_equal(one.mask, other.mask)


def test_a_sheet_is_numbered_at_the_lower_right_where_nothing_is(page):
    filing.number_by_hand(page, filing.draw_hand(page))
    (number,) = page.sheet.placed
    assert number.printed.text.isdigit()
    (left, top), (right, bottom) = number.outline().min(axis=0), number.outline().max(axis=0)
    assert left > 0.7 * 1240 and right < 1240 and top > 0.85 * 1754 and bottom < 1754
    page.sheet.plane()[:] = 255
    filing.number_by_hand(page, filing.draw_hand(page))
    assert len(page.sheet.placed) == 1


def test_notes_are_labelled_word_by_word(page):
    page.sheet.library = replace(page.sheet.library, hands=page.sheet.library.faces[:1])
    for _ in range(20):
        filing.note(page, filing.draw_hand(page))
    texts = [one.printed.text for one in page.sheet.placed]
    assert (
        len(texts) > 15 and any("가" <= text[0] <= "힣" for text in texts) and any(text[0].isdigit() for text in texts)
    )
    assert not any(" " in text for text in texts)


def test_all_that_happens_to_a_sheet(page, monkeypatch):
    for name in ("NUMBERED", "NOTED", "PUNCHED", "ERASED"):
        monkeypatch.setattr(filing, name, 1.1)
    name = next(one for one in (page.writer.person() for _ in range(50)) if len(one) == 3)
    page.sheet.line(f"담당 {name}", 400, 400, page.text)
    filing.file_sheet(page)
    texts = [one.printed.text for one in page.sheet.placed]
    assert texts[0] == "담당" and name not in texts and any(text.isdigit() for text in texts)
    assert (page.sheet.plane() == 255).sum() > 2 * 3.14 * 17**2

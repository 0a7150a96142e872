from dataclasses import replace

import numpy as np
import pytest

from train_easyocr.synthesis.render import INK, Style, as_dots, draw_jittered, draw_text, spaced, stack, stamp


@pytest.fixture
def style(library):
    return Style(library.faces[0], 46)


@pytest.mark.parametrize("changes", [{}, {"stretch": 0.9}, {"spacing": 5.0}, {"dots": 2}, {"spacing": -2.0}])
def test_a_print_is_cut_to_its_ink(library, changes):
    printed = draw_text("(공공행정)1,234", Style(library.faces[0], 46, **changes))
    for side in (printed.mask[0], printed.mask[-1], printed.mask[:, 0], printed.mask[:, -1]):
        assert side.any()
    assert len(printed.edges) == len(printed.text) + 1
    assert list(printed.edges) == sorted(printed.edges)
    assert printed.left >= -3 and printed.left + printed.mask.shape[1] <= printed.advance + 3


def test_ink_of_a_word_is_that_of_its_characters_side_by_side(style):
    together, apart = draw_text("시청", style), draw_text("시청", Style(style.face, 46, spacing=1e-9))
    assert together.mask.shape == apart.mask.shape
    difference = np.abs(together.mask.astype(int) - apart.mask)
    assert difference.mean() < 12  # characters land on whole pixels when set one by one


def test_stretch_and_spacing_act_on_the_width_alone(style):
    plain = draw_text("주민자치", style)
    narrow = draw_text("주민자치", Style(style.face, 46, stretch=0.8))
    wide = draw_text("주민자치", Style(style.face, 46, spacing=10))
    assert narrow.mask.shape[0] == plain.mask.shape[0] == wide.mask.shape[0]
    assert narrow.advance == pytest.approx(0.8 * plain.advance)
    assert wide.advance == pytest.approx(plain.advance + 3 * 10, abs=1)


def test_wide_signs_stand_in_cells_of_a_syllable(style):
    wide = replace(style, wide_signs=True)
    plain, printed = draw_text("시ㆍ도", style), draw_text("시·도", wide)
    assert np.diff(printed.edges)[1] == pytest.approx(46) and printed.advance > draw_text("시·도", style).advance
    assert draw_text("12", wide).advance == pytest.approx(draw_text("12", style).advance, abs=1)
    assert len(plain.edges) == len(printed.edges)
    gaps = {}
    for text in ("‘라", "라’"):
        columns = np.flatnonzero(draw_text(text, wide).mask.any(axis=0))
        gaps[text] = int(np.diff(columns).max())
    assert max(gaps.values()) < 46 / 2  # quotes stand near what they quote
    assert draw_text("라’의", wide).part(1, 2)[:, 0].max() < 46 + 46 / 2  # and leave the rest of their cell empty
    assert draw_text("가.", wide).advance == pytest.approx(draw_text("가", style).advance + 23, abs=1)


def test_the_outline_is_the_extent_of_the_ink(style):
    printed = draw_text("결재", style)
    rows, columns = np.nonzero(printed.mask >= INK)
    (xmin, ymin), (xmax, ymax) = printed.outline.min(axis=0), printed.outline.max(axis=0)
    assert (xmin, xmax) == (columns.min() + printed.left, columns.max() + printed.left)
    assert (ymin, ymax) == (rows.min() + printed.top, rows.max() + printed.top)


def test_parts_of_a_word_share_its_ink_without_overlap(style):
    printed = draw_text("(경유)", style)
    first, last = printed.part(0, 2), printed.part(2, 4)
    assert first[:, 0].max() < last[:, 0].min()
    assert first[:, 0].min() == printed.outline[:, 0].min()
    assert last[:, 0].max() == printed.outline[:, 0].max()


@pytest.mark.parametrize("changes", [{}, {"spacing": 6.0}, {"stretch": 0.9}])
def test_a_cut_print_is_the_same_ink_at_the_same_place(style, changes):
    printed = draw_text("주민등록표", replace(style, **changes))
    cut = printed.cut(1, 4)
    assert cut.text == "민등록" and len(cut.edges) == 4 and cut.edges[0] == 0
    assert cut.advance == pytest.approx(printed.edges[4] - printed.edges[1])
    moved = cut.outline + np.array((round(printed.edges[1]), 0))
    assert np.array_equal(moved.min(axis=0), printed.part(1, 4).min(axis=0))
    assert np.array_equal(moved.max(axis=0), printed.part(1, 4).max(axis=0))


def test_old_faces_have_a_tick_on_their_square_metres(style):
    old = replace(style, old_units=True)
    printed = draw_text("12㎡", old)
    assert np.diff(printed.edges)[2] == pytest.approx(46)
    metre, tick = printed.cut(2, 3).mask[:, :34], printed.cut(2, 3).mask[:, 36:]
    assert tick[:16].any() and not tick[18:].any()
    assert metre[-1].any() and not metre[:4].any()
    assert np.array_equal(draw_text("12m", old).mask, draw_text("12m", style).mask)


def test_words_apart_are_one_print_with_spaces(style):
    prints = [draw_text(word, style) for word in ("2005", "년")]
    printed = spaced(prints, 30)
    assert printed.text == "2005 년" and len(printed.edges) == 7
    assert list(printed.edges) == sorted(printed.edges)
    assert printed.advance == pytest.approx(prints[0].advance + 30 + prints[1].advance)
    assert printed.edges[4] == prints[0].advance


def test_a_stack_is_tall_and_centred(style):
    printed = stack("지시", style, 60)
    height, width = printed.mask.shape
    assert 95 < height < 115 and 30 < width < 50
    assert abs(printed.left + width / 2) <= 2


def test_jitter_moves_characters_but_not_the_text(style):
    jittery = Style(style.face, 46, jitter=5)
    one, other = (draw_jittered("타자기", jittery, np.random.default_rng(seed)) for seed in (1, 2))
    again = draw_jittered("타자기", jittery, np.random.default_rng(1))
    assert np.array_equal(one.mask, again.mask)
    assert one.mask.shape != other.mask.shape or not np.array_equal(one.mask, other.mask)
    assert one.edges == other.edges == draw_text("타자기", style).edges or one.advance == pytest.approx(
        draw_text("타자기", style).advance, abs=1
    )


def test_prints_at_the_edge_of_a_plane_are_cut_off():
    plane, mask = np.zeros((10, 10), np.uint8), np.full((4, 4), 200, np.uint8)
    for x, y in ((-2, -2), (8, 8), (-9, 0), (0, 40)):
        stamp(plane, mask, x, y)
    assert plane[:2, :2].all() and plane[8:, 8:].all()
    assert np.count_nonzero(plane) == 8


def test_dots_keep_the_shape_of_the_ink():
    mask = np.zeros((3, 3), np.uint8)
    mask[1, 1] = 255
    large = as_dots(mask, 4)
    assert large.shape == (12, 12)
    assert large[5:8, 5:8].min() > 60 and large[0].max() < 60

"""Words divided into characters, and the maps that CRAFT learns from them."""

import numpy as np
import pytest

from tests.detection.pages import page
from train_easyocr.detection.character_widths import measure, metrics_of
from train_easyocr.detection.craft_targets import divide, is_vertical, make_targets, pairs, trust
from train_easyocr.detection.rendered import division_errors
from train_easyocr.documents import Box, Word
from train_easyocr.synthesis.fonts import FontLibrary, packaged_folder


def middles(cells, axis=0):
    return (cells[:, axis] + cells[:, axis + 2]) / 2


def test_the_table_is_what_fonts_have():
    assert metrics_of("했").advance == 1
    assert 0.5 < metrics_of("7").advance < 0.7
    assert metrics_of(".").advance < 0.4
    assert metrics_of("뷁") == metrics_of("행")
    assert metrics_of("é") == metrics_of("0")
    assert metrics_of("◇").advance == 1
    assert metrics_of("‚").advance < 0.5
    faces = FontLibrary.find(packaged_folder()).faces
    for character in "행A8,(":
        np.testing.assert_allclose(measure(character, faces), metrics_of(character), atol=0.12)
    assert measure("\U0001f600", faces) is None


def test_hangul_is_divided_evenly():
    cells = divide(Box(94, 47, 254, 99), "주민등록")
    assert (cells[:, 1] == 47).all()
    assert (cells[:, 3] == 99).all()
    widths = cells[:, 2] - cells[:, 0]
    np.testing.assert_allclose(widths, widths[0])
    np.testing.assert_allclose(cells[1:, 0], cells[:-1, 2])
    assert abs(cells[0, 0] - 100) < 4
    assert abs(cells[-1, 2] - 248) < 6


def test_punctuation_and_digits_take_less():
    cells = divide(Box(0, 0, 150, 40), "제12호.")
    widths = cells[:, 2] - cells[:, 0]
    assert widths[0] == pytest.approx(widths[3])
    assert 0.5 < widths[1] / widths[0] < 0.7
    assert widths[4] / widths[0] < 0.4


def test_spread_characters_keep_their_width():
    cells = divide(Box(0, 0, 300, 40), "성명")
    assert (cells[:, 2] - cells[:, 0] < 60).all()
    assert middles(cells)[0] < 40
    assert middles(cells)[1] > 260


def test_vertical_words_are_divided_along_their_height():
    assert is_vertical(Box(0, 0, 57, 124), "지시")
    assert not is_vertical(Box(0, 0, 16, 40), "1.")
    assert not is_vertical(Box(0, 0, 30, 40), "11")
    assert not is_vertical(Box(0, 0, 20, 90), "가")
    cells = divide(Box(4, 17, 73, 147), "지시")
    assert (cells[:, 0] == 4).all()
    np.testing.assert_allclose(middles(cells, 1), [17 + 31.5, 147 - 31.5], atol=3)


def test_spaces_get_no_cell_and_no_affinity():
    cells = divide(Box(0, 0, 260, 44), "경남 김해시")
    assert len(cells) == 5
    assert cells[2, 0] - cells[1, 2] > 8
    linked = pairs("경남 김해시", cells)
    assert len(linked) == 3
    np.testing.assert_allclose(middles(linked), (middles(cells)[[0, 2, 3]] + middles(cells)[[1, 3, 4]]) / 2)


def test_affinity_lies_between_characters():
    cells = np.array([[0.0, 0, 30, 30], [30, 0, 60, 30]])
    np.testing.assert_allclose(pairs("가나", cells), [[15, 5, 45, 25]])
    upright = cells[:, [1, 0, 3, 2]]
    np.testing.assert_allclose(pairs("가나", upright), [[5, 15, 25, 45]])
    assert pairs("가", cells[:1]).shape == (0, 4)


def test_a_gap_between_words_stays_a_valley():
    words = [Word(Box(20, 20, 106, 62), "가나"), Word(Box(116, 20, 202, 62), "다라")]
    targets = make_targets(words, (60, 160), 1.5)
    line = int(41 / 1.5)
    gap = int(111 / 1.5)
    assert targets.maps[0, line, gap] < 0.25
    assert targets.maps[1, line, gap] < 0.01
    inside = targets.maps[1, line, int(63 / 1.5)]
    assert inside > 0.95
    assert targets.maps[0, line].max() > 0.95
    assert targets.maps.min() >= 0
    assert targets.maps.max() <= 1
    assert targets.left_out == 0
    np.testing.assert_array_equal(targets.weights, 1)


def test_bad_labels_are_left_out_of_the_loss():
    words = [
        Word(Box(10, 10, 50, 30), " "),
        Word(Box(60, 10, 60, 30), "가"),
        Word(Box(300, 10, 340, 30), "나"),
        Word(Box(-10, 50, 30, 70), "다라"),
    ]
    targets = make_targets(words, (50, 100), 2.0, bad=[Box(100, 40, 140, 60)])
    assert targets.left_out == 4
    assert (targets.weights[5:15, 5:25] == 0).all()
    assert (targets.weights[20:30, 50:70] == 0).all()
    assert not targets.maps[:, 5:15, 5:25].any()
    assert targets.maps[0, 25:35, :15].max() > 0.9, "a word cut off by the page's edge is one"
    assert (targets.weights[40:] == 1).all()


@pytest.mark.parametrize(("box", "text"), [(Box(0, 0, 172, 46), "주민등록"), (Box(0, 0, 57, 124), "지시")])
def test_fitting_boxes_are_trusted(box, text):
    assert trust(box, text) == 1


def test_boxes_that_do_not_fit_are_trusted_less():
    assert trust(Box(0, 0, 400, 46), "주민") < 0.6
    assert trust(Box(0, 0, 50, 46), "주민등록번호") == pytest.approx(0.1, abs=0.1)


def test_the_division_is_near_the_truth():
    errors = [error for number in range(4) for _, error in division_errors(page(number))]
    assert len(errors) > 500
    assert np.median(errors) < 0.055  # margins drawn by hand differ by three pixels
    assert np.percentile(errors, 95) < 0.2

"""Boxes from CRAFT's maps: EasyOCR's with its parameters, a box a word with ours."""

import cv2
import numpy as np
import pytest
from easyocr.craft_utils import adjustResultCoordinates, getDetBoxes
from easyocr.utils import diff, group_text_box

from benchmarks.rendered import draw_gaussians, pairs, true_maps
from tests.detection.pages import page
from train_easyocr.detection.craft_boxes import SMALLEST_AREA, attach_small, craft_boxes, find_candidates, group
from train_easyocr.detection.interface import ScoreMaps
from train_easyocr.detection.parameters import WORDS, CraftParameters
from train_easyocr.documents import Box
from train_easyocr.metrics.matching import match

pytestmark = pytest.mark.slow


def easyocr_boxes(maps, p):
    """What `Reader.detect` makes of these maps: level boxes and tilted regions."""
    region, affinity = maps.maps
    boxes, _, _ = getDetBoxes(region, affinity, p.text_threshold, p.link_threshold, p.low_text)
    boxes = adjustResultCoordinates(boxes, maps.scale / 2, maps.scale / 2)
    corners = [np.array(box).astype(np.int32).reshape(-1) for box in boxes]
    level, tilted = group_text_box(corners, p.slope_ths, p.ycenter_ths, p.height_ths, p.width_ths, p.add_margin)
    if p.min_size:
        level = [b for b in level if max(b[1] - b[0], b[3] - b[2]) > p.min_size]
        tilted = [t for t in tilted if max(diff([c[0] for c in t]), diff([c[1] for c in t])) > p.min_size]
    return [[xmin, ymin, xmax, ymax] for xmin, xmax, ymin, ymax in level], tilted


def noisy(maps, seed):
    noise = np.random.default_rng(seed).normal(0, 0.15, (*maps.maps.shape[1:], 2))
    smooth = cv2.GaussianBlur(maps.maps.transpose(1, 2, 0) + noise, (0, 0), 1).transpose(2, 0, 1)
    return ScoreMaps(np.ascontiguousarray(smooth, np.float32), maps.scale, maps.page_size)


PARAMETERS = [
    CraftParameters(),
    CraftParameters(
        text_threshold=0.5, low_text=0.25, link_threshold=0.2, width_ths=-1, slope_ths=0.05, add_margin=0.2
    ),
    CraftParameters(low_text=0.6, link_threshold=0.7, min_size=0, ycenter_ths=0.2, height_ths=0.2, width_ths=1.0),
]


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("parameters", PARAMETERS)
def test_easyocr_parameters_give_easyocr_boxes(number, parameters):
    clean = true_maps(page(number), 2.0)
    for maps in (clean, noisy(clean, number)):
        level, tilted = easyocr_boxes(maps, parameters)
        candidates = find_candidates(*maps.maps, parameters.low_text, parameters.link_threshold, SMALLEST_AREA)
        found, quads = group(candidates, parameters, maps.scale)
        assert len(found) == len(level) > 10
        np.testing.assert_allclose(found, level, atol=1)
        assert len(quads) == len(tilted)
        np.testing.assert_allclose(np.reshape(quads, (-1, 2)), np.reshape(tilted, (-1, 2)), atol=1)


def blank(height=100, width=200):
    return ScoreMaps(np.zeros((2, height, width), np.float32), 2.0, (2 * width, 2 * height))


def draw(maps, text, cells, link=True):
    cells = np.array(cells, float)
    draw_gaussians(maps.maps[0], cells)
    if link:
        draw_gaussians(maps.maps[1], pairs(text, cells))


def row(x, y, count, side=20, gap=0):
    return [(x + i * (side + gap), y, x + i * (side + gap) + side, y + side) for i in range(count)]


def test_nothing_is_found_where_nothing_is():
    assert craft_boxes(blank(), CraftParameters()) == []
    assert craft_boxes(blank(), WORDS) == []
    full = ScoreMaps(np.ones((2, 8, 9), np.float32), 2.0, (18, 16))
    assert craft_boxes(full, WORDS) == [Box(0, 0, 17, 15)]


def test_neighbours_are_words_of_their_own():
    maps = blank()
    draw(maps, "가나", row(10, 20, 2))
    draw(maps, "다라", row(58, 20, 2))
    assert len(craft_boxes(maps, CraftParameters())) == 1, "EasyOCR joins words of a line"
    first, second = craft_boxes(maps, WORDS)
    assert first.xmax <= second.xmin + 8


def test_punctuation_stays_with_its_word():
    maps = blank()
    draw(maps, "가나", row(10, 20, 2))
    draw(maps, ".", [(54, 35, 57, 38)])  # not linked, and too small for EasyOCR
    draw(maps, ".", [(120, 35, 123, 38)])  # no word is near
    draw(maps, "다", row(150, 20, 1))
    first, second = craft_boxes(maps, WORDS)
    assert first.xmax >= 112
    assert second.xmin >= 290
    alone = WORDS.model_copy(update={"attach_ths": 0.0})
    assert max(box.xmax for box in craft_boxes(maps, alone) if box.xmin < 100) < 108


def test_a_mark_at_a_mark_goes_to_the_word_of_that_one():
    word, comma, point = [0, 0, 80, 40], [84, 24, 90, 40], [92, 34, 97, 40]
    boxes = attach_small(np.array([word, comma], np.int32), np.array([point], np.int32), 0.3)
    assert boxes.tolist() == [[0, 0, 97, 40]]


def test_vertical_words_are_one_box():
    maps = blank(200, 100)
    draw(maps, "지시", [(40, 20, 60, 40), (40, 50, 60, 70)])
    [box] = craft_boxes(maps, WORDS)
    assert box.height > 1.8 * box.width
    assert abs(box.ymin - 40) < 8
    assert abs(box.ymax - 140) < 8


def test_boxes_are_cut_to_the_page():
    maps = ScoreMaps(np.zeros((2, 60, 64), np.float32), 2.0, (101, 99))
    draw(maps, "가나", row(30, 38, 2))
    draw(maps, "다", row(-6, -6, 1))
    boxes = craft_boxes(maps, WORDS)
    assert len(boxes) == 2
    assert boxes == sorted(boxes, key=lambda box: (box.ymin, box.xmin))
    assert all(0 <= box.xmin < box.xmax <= 101 and 0 <= box.ymin < box.ymax <= 99 for box in boxes)
    assert boxes[0][:2] == (0, 0)
    assert boxes[1][2:] == (101, 99)


def test_margins_go_both_ways():
    maps = blank()
    draw(maps, "가나", row(60, 40, 2))
    tight = WORDS.model_copy(update={"add_margin": 0.0})
    [box] = craft_boxes(maps, tight)
    [wide] = craft_boxes(maps, tight.model_copy(update={"margin_x": 0.5}))
    [flat] = craft_boxes(maps, tight.model_copy(update={"margin_y": -0.2}))
    shorter = box.height
    assert wide == (box.xmin - int(shorter * 0.5), box.ymin, box.xmax + int(shorter * 0.5), box.ymax)
    assert flat == (box.xmin, box.ymin + int(shorter * 0.2), box.xmax, box.ymax - int(shorter * 0.2))


def test_words_are_separated_as_labels_are():
    for number in (1, 2, 5):  # on others, labels hold several words or are cut off by the edge
        rendered = page(number)
        boxes = craft_boxes(true_maps(rendered, 1.0), WORDS)
        pairs_found = match([word.box for word in rendered.words], boxes)
        assert 2 * len(pairs_found) / (len(boxes) + len(rendered.words)) > 0.95
        lines = craft_boxes(true_maps(rendered, 1.0), CraftParameters())
        assert len(match([word.box for word in rendered.words], lines)) < len(pairs_found)


def test_plain_arguments_are_given_where_they_say_all():
    arguments = CraftParameters(low_text=0.3, margin_x=0.2, margin_y=0.2).easyocr_arguments()
    assert arguments["add_margin"] == 0.2
    assert arguments["low_text"] == 0.3
    assert "margin_x" not in arguments
    assert CraftParameters(margin_x=0.2).easyocr_arguments() is None
    assert WORDS.easyocr_arguments() is None

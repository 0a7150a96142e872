"""Boxes out of probability maps."""

import numpy as np
import pytest
from pydantic import ValidationError

from train_easyocr.detection.db_boxes import DbParameters, db_boxes
from train_easyocr.detection.db_targets import PROBABILITY, db_targets
from train_easyocr.detection.interface import ScoreMaps
from train_easyocr.documents.page import Box

PAGE = (800, 600)
LABELS = {
    "apart": [Box(100, 100, 260, 150), Box(300, 104, 420, 149)],
    "touching": [Box(100, 100, 180, 140), Box(180, 100, 260, 140), Box(100, 140, 260, 180)],
    "vertical": [Box(100, 100, 157, 324), Box(170, 100, 227, 224)],
    "at the page's edges": [Box(0, 0, 120, 40), Box(700, 560, 800, 600), Box(0, 300, 60, 348)],
    "small beside large": [Box(100, 100, 112, 124), Box(116, 90, 400, 170), Box(404, 140, 420, 150)],
}


def ideal(labels, scale=2.0, page=PAGE, padding=7):
    """The maps of a network that has learnt all that it is taught."""
    rows, columns = (int(np.ceil(side / scale)) + padding for side in page[::-1])
    targets = db_targets(np.array(labels, float) / scale, np.zeros((0, 4)), (rows, columns))
    return ScoreMaps(targets[PROBABILITY][None].astype(np.float32), scale, page)


def overlap(a, b):
    both = Box(max(a.xmin, b.xmin), max(a.ymin, b.ymin), min(a.xmax, b.xmax), min(a.ymax, b.ymax)).area
    return both / (a.area + b.area - both)


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("scale", [1.0, 2.0])
@pytest.mark.parametrize("mode", ["fast", "slow"])
def test_ideal_maps_give_the_labels_back(labels, scale, mode):
    found = db_boxes(ideal(labels, scale), DbParameters(det_db_score_mode=mode))
    assert len(found) == len(labels)
    for label in labels:
        best = max(found, key=lambda box: overlap(box, label))
        distances = np.abs(np.subtract(best, label))
        assert distances.max() <= 2 * scale, (label, best)
    assert found == sorted(found, key=lambda box: (box.ymin, box.xmin))


def test_large_words_come_back_within_a_fiftieth():
    label = Box(100, 100, 500, 260)
    assert overlap(db_boxes(ideal([label]), DbParameters())[0], label) > 0.97


@pytest.mark.parametrize("shift", range(4))
def test_edges_are_found_within_map_pixels(shift):
    label = Box(101 + shift, 102 + shift, 262 + shift, 149 + shift)
    fine = ideal([label], 1.0, padding=0).maps[0]
    # A network that is as unsure of a pixel at the edge as the word covers of it.
    maps = ScoreMaps(fine.reshape(150, 4, 200, 4).mean((1, 3))[None], 4.0, PAGE)
    (found,) = db_boxes(maps, DbParameters())
    assert np.abs(np.subtract(found, label)).max() <= 1, (label, found)


def test_boxes_do_not_leave_the_page_where_the_map_does():
    maps = ScoreMaps(np.ones((1, 40, 60), np.float32), 3.0, (100, 80))
    assert db_boxes(maps, DbParameters()) == [Box(0, 0, 100, 80)]


def test_an_empty_page():
    assert db_boxes(ScoreMaps(np.zeros((1, 40, 60), np.float32), 3.0, (100, 80)), DbParameters()) == []


def test_unsure_words_are_dropped():
    maps = np.zeros((1, 40, 60), np.float32)
    maps[0, 5:10, 5:20], maps[0, 20:25, 5:20] = 0.5, 0.7
    found = db_boxes(ScoreMaps(maps, 1.0, (60, 40)), DbParameters())
    assert len(found) == 1 and found[0].ymin > 15
    assert len(db_boxes(ScoreMaps(maps, 1.0, (60, 40)), DbParameters(det_db_box_thresh=0.4))) == 2
    assert not db_boxes(ScoreMaps(maps, 1.0, (60, 40)), DbParameters(det_db_thresh=0.8))


def test_the_score_is_that_of_the_bounds_or_of_the_places():
    maps = np.zeros((1, 40, 60), np.float32)
    maps[0, 5:30, 5:8] = maps[0, 27:30, 5:40] = 0.9  # an L: its bounds are mostly empty
    assert db_boxes(ScoreMaps(maps, 1.0, (60, 40)), DbParameters()) == []
    assert len(db_boxes(ScoreMaps(maps, 1.0, (60, 40)), DbParameters(det_db_score_mode="slow"))) == 1


@pytest.mark.parametrize(
    ("label", "profile"),
    [
        # A hyphen that may be in either of two rows, a colon in either of two columns, a point in any of four places.
        (Box(40, 42, 60, 48), np.outer([0.05, 0.68, 0.67, 0.05], [0.1, 0.5, 0.9, 1, 0.9, 0.5, 0.1])),
        (Box(42, 40, 50, 62), np.outer([0.3, 0.9, 1, 1, 0.9, 0.3], [0.05, 0.64, 0.67, 0.1])),
        (Box(40, 40, 50, 50), np.outer([0.1, 0.9, 0.7, 0.05], [0.05, 0.9, 0.7, 0.1])),
    ],
    ids=["hyphen", "colon", "point"],
)
@pytest.mark.parametrize("mode", ["fast", "slow"])
def test_marks_are_found_and_stay_small(label, profile, mode):
    maps = np.zeros((1, 60, 80), np.float32)
    scale = 3.6
    # The profile's middle on the label's, as far as whole pixels allow.
    centre = [(label.ymin + label.ymax) / 2 / scale, (label.xmin + label.xmax) / 2 / scale]
    row, column = (round(middle - side / 2) for middle, side in zip(centre, profile.shape, strict=True))
    maps[0, row : row + profile.shape[0], column : column + profile.shape[1]] = profile
    found = db_boxes(ScoreMaps(maps, scale, (280, 210)), DbParameters(det_db_score_mode=mode))
    assert len(found) == 1 and overlap(found[0], label) > 0.5, found


def test_ideal_marks_come_back():
    labels = [Box(40, 42, 60, 48), Box(82, 40, 90, 62), Box(120, 40, 127, 47), Box(160, 40, 300, 47)]
    found = db_boxes(ideal(labels, 3.6), DbParameters())
    assert len(found) == len(labels)
    for label in labels:
        assert max(overlap(box, label) for box in found) > 0.5, (label, found)


def test_specks_are_no_marks():
    maps = np.zeros((1, 40, 60), np.float32)
    maps[0, 5:7, 5:8] = maps[0, 20, 5:30] = 0.55
    assert db_boxes(ScoreMaps(maps, 1.0, (60, 40)), DbParameters()) == []


def test_dilation_joins_what_is_a_pixel_apart():
    maps = np.zeros((1, 40, 60), np.float32)
    maps[0, 5:15, 5:20] = maps[0, 5:15, 21:40] = 0.9
    assert len(db_boxes(ScoreMaps(maps, 1.0, (60, 40)), DbParameters())) == 2
    assert len(db_boxes(ScoreMaps(maps, 1.0, (60, 40)), DbParameters(use_dilation=True))) == 1


def test_a_greater_ratio_gives_greater_boxes():
    maps = ideal([Box(100, 100, 260, 150)])
    narrow, wide = (db_boxes(maps, DbParameters(det_db_unclip_ratio=ratio))[0] for ratio in (0.0, 2.0))
    assert wide.xmin < narrow.xmin and wide.ymax > narrow.ymax


@pytest.mark.parametrize(
    "wrong", [{"det_db_thresh": 1.0}, {"max_batch_size": 0}, {"det_db_score_mode": "medium"}, {"a": 1}]
)
def test_wrong_parameters_are_refused(wrong):
    with pytest.raises(ValidationError):
        DbParameters(**wrong)

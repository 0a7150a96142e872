"""Which words become patches, where they are cut, what the patches are called."""

import json

import numpy as np
import pytest
from easyocr.utils import calculate_ratio, compute_ratio_and_resize, four_point_transform, get_image_list
from hypothesis import given
from hypothesis import strategies as st

from train_easyocr.common.text import INVISIBLE, OTHER_SPACE
from train_easyocr.datasets.cropping import (
    CONTRADICTING,
    CUT,
    OTHER_SIZE,
    SAME_TWICE,
    Cutting,
    crop,
    cut_page,
    patch_name,
    patch_size,
    prefixes,
    straightened,
)
from train_easyocr.documents import Box, Quad
from train_easyocr.documents.aihub import IGNORED, NO_AREA, NO_TEXT, OUTSIDE, Annotation, LabelFile, read_label_file
from train_easyocr.documents.page import enclosing_box

WIDTH, HEIGHT = 60, 40
EDGES = st.integers(-80, 80)


def page(*entries, width=WIDTH, height=HEIGHT):
    annotations = tuple(Annotation(str(i), Box(*box), text) for i, (text, box) in enumerate(entries))
    return LabelFile(annotations, "인.허가", width, height)


@given(st.lists(st.tuples(st.sampled_from(["합", "계", ""]), st.tuples(EDGES, EDGES, EDGES, EDGES)), max_size=12))
def test_patches_are_the_visible_pixels_of_their_boxes(entries):
    image = np.arange(WIDTH * HEIGHT).reshape(HEIGHT, WIDTH)
    cut = cut_page(page(*entries), WIDTH, HEIGHT)
    assert len(cut.boxes) == len(cut.texts) == len(set(cut.boxes))
    assert len(cut.boxes) + len(cut.skipped) == len(entries)
    for box in cut.boxes:
        assert 0 <= box.xmin < box.xmax <= WIDTH and 0 <= box.ymin < box.ymax <= HEIGHT
        assert crop(image, box).shape == (box.height, box.width)
        assert crop(image, box)[0, 0] == box.ymin * WIDTH + box.xmin
    visible = {
        (x, y)
        for text, (xmin, ymin, xmax, ymax) in entries
        if text
        for x in range(max(0, xmin), min(WIDTH, xmax))
        for y in range(max(0, ymin), min(HEIGHT, ymax))
    }
    assert visible == {(x, y) for b in cut.boxes for x in range(b.xmin, b.xmax) for y in range(b.ymin, b.ymax)}


def test_boxes_are_cut_at_all_four_edges_and_counted():
    boxes = [(-5, 3, 10, 9), (3, -5, 9, 10), (50, 3, 90, 9), (3, 30, 9, 90), (1, 1, 2, 2)]
    cut = cut_page(page(*(("합", box) for box in boxes)), WIDTH, HEIGHT)
    assert cut.boxes == [(0, 3, 10, 9), (3, 0, 9, 10), (50, 3, 60, 9), (3, 30, 9, 40), (1, 1, 2, 2)]
    assert cut.warnings[CUT] == 4 and not cut.skipped


def test_each_word_that_is_left_out_has_its_reason():
    cut = cut_page(
        page(
            ("", (1, 1, 9, 9)),
            ("점", (5, 5, 5, 9)),
            ("뒤집힘", (9, 5, 5, 9)),
            ("밖", (60, 0, 70, 9)),
            ("합계", (1, 1, 9, 9)),
            ("합계", (1, 1, 9, 9)),
            ("소계", (1, 1, 9, 9)),
            ("위", (-3, 0, 9, 9)),
            ("위", (-7, 0, 9, 9)),
        ),
        WIDTH,
        HEIGHT,
    )
    expected = [NO_TEXT, NO_AREA, NO_AREA, OUTSIDE, SAME_TWICE, CONTRADICTING, SAME_TWICE]
    assert [word.reason for word in cut.skipped] == expected
    assert [(word.id, word.text, word.box) for word in cut.skipped[-2:]] == [
        ("6", "소계", Box(1, 1, 9, 9)),
        ("8", "위", Box(-7, 0, 9, 9)),
    ]
    assert cut.texts == ["합계", "위"]


def test_the_images_own_size_counts_and_another_stated_one_is_a_warning():
    cut = cut_page(page(("합", (0, 0, 50, 30)), width=999, height=999), 20, 10)
    assert (cut.boxes, cut.warnings[OTHER_SIZE]) == ([Box(0, 0, 20, 10)], 1)
    assert not cut_page(page(width=0, height=0), 20, 10).warnings


@pytest.mark.slow
@given(st.text(min_size=1).filter(lambda text: "/" not in text), st.tuples(*[st.integers(0, 9999)] * 4))
def test_a_patch_states_its_size_in_its_name(prefix, numbers):
    xmin, ymin, width, height = numbers
    name = patch_name(prefix, Box(xmin, ymin, xmin + width, ymin + height))
    assert name == f"{prefix}_{xmin}-{ymin}-{xmin + width}-{ymin + height}.png"
    assert patch_size(name) == (width, height)


def test_a_name_without_coordinates_is_refused():
    with pytest.raises(ValueError, match="is not named"):
        patch_size("5350109-2001-0001-0344.png")


def test_patches_are_called_after_their_page_and_folders_only_where_needed():
    found = prefixes(["인.허가/1/문서", "일반행정/1/문서", "인.허가/1/혼자", "뿌리"])
    assert found == {
        "인.허가/1/문서": "인.허가_1_문서",
        "일반행정/1/문서": "일반행정_1_문서",
        "인.허가/1/혼자": "혼자",
        "뿌리": "뿌리",
    }


@pytest.mark.parametrize(
    "names",
    [
        ["a_b/문서", "a/b/문서"],
        ["a/문서", "b/문서", "a_문서"],
        ["인/Page", "인/page"],
        ["가" * 100, "가" * 101],
    ],
)
def test_what_is_still_ambiguous_is_told_apart(names):
    found = prefixes(names)
    assert len({prefix.casefold() for prefix in found.values()}) == len(names)
    assert all(len(patch_name(prefix, Box(*[2**31] * 4)).encode()) <= 255 for prefix in found.values())
    assert prefixes(names[::-1]) == found


@given(st.lists(st.text(st.sampled_from("abA_/가"), min_size=1, max_size=6), unique=True, max_size=12))
def test_no_two_pages_share_a_prefix(names):
    valid = [name for name in names if not name.startswith("/") and not name.endswith("/") and "//" not in name]
    found = prefixes(valid)
    assert len({prefix.casefold() for prefix in found.values()}) == len(valid)


def test_signs_that_look_the_same_are_written_in_one_way_where_that_is_asked_for():
    label = page(("김해·창원", (0, 0, 40, 20)), ("１~２", (50, 0, 90, 20)), ("김해ㆍ창원", (0, 0, 40, 20)))
    assert cut_page(label, WIDTH, HEIGHT, Cutting(unify=True)).texts == ["김해·창원", "1~2"]
    assert cut_page(label, WIDTH, HEIGHT).texts == ["김해·창원", "１~２"]
    assert [word.reason for word in cut_page(label, WIDTH, HEIGHT, Cutting(unify=True)).skipped] == [SAME_TWICE]
    assert [word.reason for word in cut_page(label, WIDTH, HEIGHT).skipped] == [CONTRADICTING]


def test_characters_without_a_picture_are_taken_out_and_counted_by_kind():
    texts = ["신\u200b청서", "경남\u3000김해시", "\u2060", "합계"]
    entries = [{"annotation.text": text, "annotation.bbox": [0, 8 * n, 40, 7]} for n, text in enumerate(texts)]
    label = read_label_file(json.dumps({"images": [{}], "annotations": entries}).encode())
    cut = cut_page(label, WIDTH, HEIGHT)
    assert cut.texts == ["신청서", "경남 김해시", "합계"]
    assert [word.reason for word in cut.skipped] == [NO_TEXT]
    assert +cut.warnings == {INVISIBLE: 1, OTHER_SPACE: 1}


TILTED = Quad((40, 60), (150, 31), (157, 57), (47, 86))


def tilted(corners, text="도로"):
    return Annotation("1", enclosing_box(corners), text, corners=corners)


@pytest.mark.parametrize("channels", [(), (3,)])
@pytest.mark.parametrize(
    "corners",
    [TILTED, Quad((0.5, 9.25), (70, -2), (71.5, 14), (2, 20.75)), Quad((40, 10), (55, 14), (30, 90), (15, 86))],
)
def test_a_tilted_word_is_cut_straight_as_easyocr_straightens_it(corners, channels):
    page = np.random.default_rng(0).integers(0, 256, (100, 200, *channels), np.uint8)
    cut = cut_page(LabelFile((tilted(corners),), "", 0, 0), 200, 100)
    (patch,) = cut.patches(page)
    assert np.array_equal(patch, four_point_transform(page, np.float32(corners)))
    assert patch.shape[1::-1] == corners.size


def test_reader_and_step_2_see_the_same_pixels():
    page = np.random.default_rng(0).integers(0, 256, (100, 200), np.uint8)
    [(_, read)], _ = get_image_list([], [[list(corner) for corner in TILTED]], page)
    patch = straightened(page, TILTED)
    ratio = calculate_ratio(patch.shape[1], patch.shape[0])
    assert np.array_equal(read, compute_ratio_and_resize(patch, patch.shape[1], patch.shape[0], 64)[0])
    assert ratio > 3


def test_corners_in_another_order_give_the_same_patch():
    page = np.random.default_rng(0).integers(0, 256, (100, 200), np.uint8)
    a, b, c, d = TILTED
    for corners in ((d, c, b, a), (b, c, d, a), (a, b, d, c)):
        (patch,) = cut_page(LabelFile((tilted(Quad(*corners)),), "", 0, 0), 200, 100).patches(page)
        assert np.array_equal(patch, straightened(page, TILTED))
    upright = Quad((10, 40), (10, 20), (60, 20), (60, 40))
    (patch,) = cut_page(LabelFile((tilted(upright),), "", 0, 0), 200, 100).patches(page)
    assert np.array_equal(patch, page[20:40, 10:60])


def test_a_tilted_word_has_the_name_of_its_box():
    words = (tilted(TILTED), Annotation("2", Box(5, 5, 25, 15), "가"))
    cut = cut_page(LabelFile(words, "", 0, 0), 200, 100)
    assert cut.boxes == [Box(40, 31, 157, 86), Box(5, 5, 25, 15)]
    page = np.zeros((100, 200), np.uint8)
    assert [patch.shape for patch in cut.patches(page)] == [TILTED.size[::-1], (10, 20)]


def test_a_corner_far_away_costs_no_memory():
    far = Quad((10, 10), (2**30, 20), (2**30, 40), (10, 30))
    cut = cut_page(LabelFile((tilted(far),), "", 0, 0), 200, 100)
    assert (cut.boxes, cut.tilted, cut.warnings[CUT]) == ([Box(10, 10, 200, 40)], {}, 1)


def test_dont_care_words_give_no_patch():
    word = Annotation("1", TILTED.bounds, "###", IGNORED, TILTED)
    cut = cut_page(LabelFile((word,), "", 0, 0), 200, 100)
    assert (cut.boxes, [word.reason for word in cut.skipped]) == ([], [IGNORED])

from itertools import pairwise

import numpy as np
import pytest

from train_easyocr.documents import Box
from train_easyocr.synthesis import labels
from train_easyocr.synthesis.defects import Placement
from train_easyocr.synthesis.further_kinds import STARTER_KINDS, UNSEEN_KINDS
from train_easyocr.synthesis.layout import BLACK, DrawnLabel, Sheet
from train_easyocr.synthesis.pages import KIND_SETS, KINDS, compose_page, make_page
from train_easyocr.synthesis.render import INK, Style
from train_easyocr.synthesis.sentences import SentenceWriter
from train_easyocr.synthesis.vocabulary import TOPICS

pytestmark = pytest.mark.slow

RANDOM = np.random.default_rng
ALL_KINDS = [kind for kind, _ in (*KINDS, *STARTER_KINDS, *UNSEEN_KINDS)]
NAME = labels.PageName("인.허가", "5350109", 2001, 1, 344)


@pytest.mark.parametrize("number", range(len(ALL_KINDS)))
def test_boxes_of_all_kinds_of_pages_hold_ink_and_are_tight(library, number):
    sheet = Sheet(1240, 1754, library, RANDOM(number), unit=0.5, break_syllables=bool(number % 2))
    ALL_KINDS[number](make_page(sheet, SentenceWriter(sheet.random, list(TOPICS)[number % len(TOPICS)], 2003)))
    found = [DrawnLabel(one.printed.text, one.outline()) for one in sheet.placed if len(one.printed.outline)]
    assert len(found) >= 8
    ink = np.max(list(sheet.planes.values()), axis=0) >= INK
    for label in found:
        box = labels.box_around(label.points, (0, 0, 0, 0)).clipped(sheet.width, sheet.height)
        assert box.area > 0, label.text
        crop = ink[box.ymin : box.ymax, box.xmin : box.xmax]
        assert crop[0].any() and crop[-1].any() and crop[:, 0].any() and crop[:, -1].any(), label.text


@pytest.mark.parametrize("degrees", [-1.2, 0.4, 1.2])
@pytest.mark.parametrize("text", ["감사합니다.", "가,", "「농지법」", "1,234,567원"])
def test_boxes_follow_a_turned_sheet_to_the_pixel(library, degrees, text):
    sheet = Sheet(900, 700, library, RANDOM(2), unit=1.0)
    sheet.line(text, 500, 130, Style(library.faces[0], 60))
    placement = Placement.turned(900, 700, degrees, shear=0.001, scale=0.99, shift=(4, -6))
    (label,) = labels.labels_of(sheet, RANDOM(0))
    box = labels.box_around(placement.points(label.points), (0, 0, 0, 0))
    rows, columns = np.nonzero(placement.image(sheet.plane()) >= INK)
    measured = Box(int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
    assert np.abs(np.subtract(box, measured)).max() <= 1, (box, measured)


@pytest.mark.parametrize("seed", range(5))
def test_boxes_are_as_loose_as_the_real_ones_and_scale_with_the_page(seed):
    points = [DrawnLabel("가", np.array([[100.0, 100.0], [139.0, 144.0]]))] * 200
    still = Placement.turned(500, 500, 0.0)
    boxes = labels.boxes_of(points, still, RANDOM(seed), 1.0)
    assert all(53 <= box.height <= 62 for box in boxes)
    assert all(7 <= 100 - box.xmin <= 11 and 7 <= box.xmax - 140 <= 11 for box in boxes)
    assert len(set(boxes)) > 10
    small = labels.boxes_of(points, still, RANDOM(seed), 0.25)
    assert all(1 <= 100 - box.xmin <= 3 and 1 <= box.ymax - 145 <= 2 for box in small)


def test_boxes_of_neighbours_meet_in_a_narrow_gap(library):
    sheet = Sheet(600, 200, library, RANDOM(2), unit=1.0)
    sheet.line("경남 김해시 부원동", 40, 100, Style(library.faces[0], 30))
    boxes = labels.boxes_of(labels.labels_of(sheet, RANDOM(0)), Placement.turned(600, 200, 0.0), RANDOM(1), 1.0)
    assert len(boxes) == 3
    assert all(-1 <= following.xmin - one.xmax <= 2 for one, following in pairwise(boxes))


def test_a_word_cut_off_by_the_edge_has_a_box_that_starts_below_zero(library):
    sheet = Sheet(600, 300, library, RANDOM(2), unit=1.0)
    sheet.line("총무과 세무과", -20, 20, Style(library.faces[0], 50))
    boxes = labels.boxes_of(labels.labels_of(sheet, RANDOM(0)), Placement.turned(600, 300, 0.0), RANDOM(1), 1.0)
    assert boxes[0].xmin < 0 and boxes[0].ymin < 0 < boxes[0].ymax
    content = labels.label_file(NAME, 255 - sheet.planes[BLACK], [DrawnLabel("총무과", None), DrawnLabel("밖", None)],
                                [boxes[0], Box(700, 10, 740, 50)], RANDOM(1))  # fmt: skip
    assert [one["annotation.text"] for one in content["annotations"]] == ["총무과"]
    x, y, width, height = content["annotations"][0]["annotation.bbox"]
    assert (x, y, x + width, y + height) == tuple(boxes[0])


def test_what_the_scan_lost_has_no_label():
    scan = np.full((100, 200), 255, np.uint8)
    scan[20:25, 20:45] = 0
    texts = [DrawnLabel("-", None), DrawnLabel("~", None)]
    content = labels.label_file(NAME, scan, texts, [Box(16, 16, 49, 29), Box(100, 16, 133, 29)], RANDOM(1))
    assert [one["annotation.text"] for one in content["annotations"]] == ["-"]


def test_some_words_share_a_label_and_some_are_split(library, monkeypatch):
    sheet = Sheet(1200, 300, library, RANDOM(2), unit=1.0)
    sheet.line("경남 김해시 부원동", 20, 100, Style(library.faces[0], 50))
    monkeypatch.setattr(labels, "SHARED", 1.1)
    monkeypatch.setattr(labels, "SPLIT", 0)
    shared = labels.labels_of(sheet, RANDOM(1))
    assert [one.text for one in shared] == ["경남 김해시", "부원동"]
    assert shared[0].points[:, 0].max() < shared[1].points[:, 0].min()
    monkeypatch.setattr(labels, "SHARED", 0)
    monkeypatch.setattr(labels, "SPLIT", 1.1)
    split = labels.labels_of(sheet, RANDOM(1))
    assert "".join(one.text for one in split) == "경남김해시부원동" and len(split) == 5
    assert all(one.points[:, 0].max() < other.points[:, 0].min() for one, other in pairwise(split))


def test_words_of_different_lines_never_share_a_label(library, monkeypatch):
    monkeypatch.setattr(labels, "SHARED", 1.1)
    monkeypatch.setattr(labels, "SPLIT", 0)
    sheet = Sheet(1200, 300, library, RANDOM(2), unit=1.0)
    for y in (100, 200):
        sheet.line("수신", 20, y, Style(library.faces[0], 50))
    assert [one.text for one in labels.labels_of(sheet, RANDOM(1))] == ["수신", "수신"]


def test_ids_count_up_with_gaps_and_repeats_on_some_pages():
    drawn = [labels.ids_for(100, RANDOM(seed)) for seed in range(200)]
    assert all(ids == sorted(ids) and ids[0] in (1, 2) for ids in drawn)
    plain = sum(ids == list(range(1, 101)) for ids in drawn)
    repeating = sum(len(set(ids)) < 100 for ids in drawn)
    assert 90 < plain < 170 and 3 < repeating < 40
    assert labels.ids_for(0, RANDOM(1)) == []


def test_a_landscape_register_and_page_names(library):
    sizes = {compose_page(RANDOM(seed), "회계.예산", 2003, 248, library).width > 300 for seed in range(24)}
    assert sizes == {True, False}
    assert NAME.path == "인.허가/5350109/2001/5350109-2001-0001-0344"
    assert BLACK in compose_page(RANDOM(1), "회계.예산", 2003, 310, library).planes


def test_the_kinds_for_testing_are_not_those_that_are_trained_on():
    assert not set(KIND_SETS["unseen"]) & {*KIND_SETS["sample"], *KIND_SETS["starter"]}
    assert set(KIND_SETS["sample"]) < set(KIND_SETS["starter"])


def test_further_kinds_have_what_is_rare_in_the_samples(library):
    texts = {"sample": [], "starter": []}
    for kinds, found in texts.items():
        for number in range(40):
            sheet = compose_page(RANDOM([4, number]), "인.허가", 2003, 310, library, kinds=kinds)
            found += [one.printed.text for one in sheet.placed]
    for rare in (lambda text: text in ("-", ":", "=", "~", "+"), lambda text: "ㆍ" in text[1:-1] or "·" in text[1:-1]):
        shares = {kinds: np.mean([rare(text) for text in found]) for kinds, found in texts.items()}
        assert shares["starter"] > 2 * shares["sample"], shares


def narrowest_gaps(library, kinds):
    """Return how close words are on each black and white sheet: the lower tenth of gaps, over the height of print."""
    found = []
    for number in range(40):
        sheet = compose_page(RANDOM([4, number]), "인.허가", 2003, 620, library, kinds=kinds)
        pairs = [(one, other) for one, other in pairwise(sheet.placed) if one.line == other.line != 0]
        gaps = [other.x - one.x - one.printed.advance for one, other in pairs]
        if sheet.bilevel and len(gaps) > 20:
            height = np.median([one.printed.mask.shape[0] for one in sheet.placed])
            found.append(np.quantile(gaps, 0.1) / height)
    return np.array(found)


def test_starter_pages_have_words_as_close_as_in_todays_documents(library):
    sample, starter = (narrowest_gaps(library, kinds) for kinds in ("sample", "starter"))
    assert np.mean(starter < 0.35) > 0.3 > 3 * np.mean(sample < 0.35), (starter.round(2), sample.round(2))


def test_leaders_of_dots_are_no_words(library):
    sheet = Sheet(1240, 1754, library, RANDOM(3), unit=0.5)
    contents = next(kind for kind, _ in STARTER_KINDS if kind.__name__ == "contents")
    contents(make_page(sheet, SentenceWriter(sheet.random, "인.허가", 2003)))
    row = next(one for one in sheet.placed if one.printed.text.isdigit() and one.x > 1000)
    left = max(one.x + one.printed.advance for one in sheet.placed if one.line == row.line - 1)
    between = sheet.plane()[row.y - 12 : row.y + 2, round(left) + 4 : row.x - 4]
    assert (between >= INK).any()


@pytest.mark.parametrize(
    ("text", "size", "margins"),
    [("-", (14, 4), 0.5), (":", (5, 24), 0.5), ("〃", (16, 18), 0.5), ("○", (38, 38), 1.0), ("1", (12, 36), 1.0),
     ("및", (40, 44), 1.0), ("-5", (30, 20), 1.0)],
)  # fmt: skip
def test_boxes_around_small_signs_leave_half_the_room(text, size, margins):
    width, height = size
    points = [DrawnLabel(text, np.array([[100.0, 100.0], [99.0 + width, 99.0 + height]]))] * 100
    for unit in (1.0, 0.9):
        boxes = labels.boxes_of(points, Placement.turned(500, 500, 0.0), RANDOM(3), unit)
        (low_x, low_y), (high_x, high_y) = (np.array(one) * margins * unit for one in labels.MARGINS)
        assert all(low_x - 1 <= 100 - box.xmin <= high_x + 1 for box in boxes)
        assert all(low_y - 1 <= box.ymax - 100 - height <= high_y + 1 for box in boxes)


def test_most_boxes_around_hyphens_overlap_by_half_with_what_a_detector_of_tight_boxes_finds():
    found = Box(99, 98, 115, 106)  # around 14 by 4 pixels of ink
    hyphens = [DrawnLabel("-", np.array([[100.0, 100.0], [113.0, 103.0]]))] * 100
    still = Placement.turned(500, 500, 0.0)
    boxes = [box for seed in range(10) for box in labels.boxes_of(hyphens, still, RANDOM(seed), 1.0)]
    assert all(box.xmin <= found.xmin and box.xmax >= found.xmax for box in boxes)
    assert np.mean([found.area / box.area >= 0.5 for box in boxes]) > 0.5


def test_a_page_labels_all_its_middle_dots_alike_and_nine_of_ten_pages_as_u00b7(library):
    sheet = Sheet(1200, 300, library, RANDOM(2), unit=1.0)
    sheet.line("읍·면·동 위임ㆍ위탁 가나", 20, 100, Style(library.faces[0], 50))
    pages = ["".join(one.text for one in labels.labels_of(sheet, RANDOM(seed))) for seed in range(300)]
    assert all(("·" in page) != ("ㆍ" in page) for page in pages)
    assert 0.86 < np.mean(["·" in page for page in pages]) < 0.96


def test_words_that_share_a_label_are_no_longer_than_the_longest_real_one(library, monkeypatch):
    monkeypatch.setattr(labels, "SHARED", 1.1)
    monkeypatch.setattr(labels, "SPLIT", 0)
    for more, expected in ((0, 1), (1, 2)):
        sheet = Sheet(1200, 300, library, RANDOM(2), unit=1.0)
        sheet.line("가" * 13 + " " + "나" * (13 + more), 20, 100, Style(library.faces[0], 30))
        assert len(labels.labels_of(sheet, RANDOM(1))) == expected

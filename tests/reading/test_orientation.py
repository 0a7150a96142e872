"""Pages that lie turned or skewed: found, turned upright, and read as if they had never lain otherwise."""

import io
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests.documents.test_images import TURNS, with_turn
from tests.reading.documents import MarkReader
from train_easyocr.documents.page import Box, Quad, bounds
from train_easyocr.reading.formats import json_page
from train_easyocr.reading.orientation import ROUND, read_upright, standing_words, stands, turned, turned_shape, vote
from train_easyocr.reading.pipeline import read_page
from train_easyocr.reading.run import ReadSettings, read_to
from train_easyocr.reading.skew import Straightening, skew_of
from train_easyocr.reading.sources import SourceFile, SourcePage

ANGLES = (0, 90, 180, 270)


class ArrowReader(MarkReader):
    """An `Engine`: words are dark bars with a notch at their upper left end, which tells whether they are upright."""

    def __init__(self, upright=("가나다라", 0.95), over=("문믐", 0.2)):
        super().__init__()
        self.upright, self.over, self.reads = upright, over, 0

    def read(self, grey, shapes):
        found = []
        for shape in shapes:
            box = bounds(shape)
            crop = grey[box.ymin : box.ymax, box.xmin : box.xmax]
            height, width = crop.shape
            light = crop[: height // 2, : height // 2].mean() > 128
            found.append(("", 0.9999) if height > width else self.upright if light else self.over)
            self.reads += 1
        return found


def arrow_page(width=400, height=600, words=12, size=(70, 20)):
    page = np.full((height, width), 255, np.uint8)
    for number in range(words):
        x, y = 30 + 120 * (number % 3) + number, 40 + 60 * (number // 3)
        page[y : y + size[1], x : x + size[0] + number] = 0
        page[y : y + size[1] // 2, x : x + size[1] // 2 + 2] = 255
    return page


def source(grey, **facts):
    return SourcePage(1, cv2.cvtColor(np.ascontiguousarray(grey), cv2.COLOR_GRAY2RGB), grey, **facts)


@pytest.mark.parametrize("angle", ANGLES)
def test_shapes_turn_with_their_image(angle):
    image = np.zeros((60, 100), np.uint8)
    box = Box(10, 20, 50, 31)
    image[box.ymin : box.ymax, box.xmin : box.xmax] = 9
    image[box.ymin, box.xmin] = 5
    found = turned_shape(box, angle, (100, 60))
    after = turned(image, angle)
    assert (after[found.ymin : found.ymax, found.xmin : found.xmax] > 0).sum() == (after > 0).sum() == box.area
    quad = turned_shape(Quad((10, 20), (50, 20), (50, 31), (10, 31)), angle, (100, 60))
    [[y, x]] = np.argwhere(after == 5)
    assert max(abs(quad.top_left[0] - x), abs(quad.top_left[1] - y)) <= 1
    assert quad.bounds == found


@pytest.mark.parametrize("angle", ANGLES)
def test_a_turned_page_reads_as_the_upright_one(angle):
    page = arrow_page()
    expected = read_page(ArrowReader(), source(page))
    read, picture = read_upright(ArrowReader(), source(turned(page, angle), jpeg=b"jpeg"), "auto")
    np.testing.assert_array_equal(picture.grey, page)
    assert picture.jpeg == (b"jpeg" if angle == 0 else None), "the JPEG shows what was there before"
    assert (read.orientation, read.width, read.height) == ((360 - angle) % 360, 400, 600)
    assert (read.words, read.lines, read.warnings) == (expected.words, expected.lines, ())
    assert len(read.words) == 12 and read.margin > 0.7
    assert json_page(read)["orientation"] == read.orientation and json_page(read)["margin"] == read.margin


def test_off_leaves_a_page_and_its_json_as_they_are():
    page = source(turned(arrow_page(), 180))
    read, picture = read_upright(ArrowReader(), page, "off")
    assert picture is page and read.orientation == 0 and read.margin is None
    assert json_page(read) == json_page(read_page(ArrowReader(), page))
    assert not {"margin", "skew"} & json_page(read).keys()


def test_an_upright_page_takes_one_round_of_words_and_no_other_search():
    engine = ArrowReader()
    read, _ = read_upright(engine, source(arrow_page()), "auto")
    assert engine.pages == 1 and engine.reads == 2 * ROUND + len(read.words)


@pytest.mark.parametrize(
    ("upright", "over"),
    [
        (("가나다라", 0.6), ("", 0.9999)),  # nothing read is EasyOCR's surest reading
        (("가나다라", 0.6), ("ㅡ0H8를", 0.99)),  # reads the same upside down
        (("도로점용허가", 0.7), ("곰", 0.99)),  # a long word says more than a letter
    ],
)
def test_what_counts(upright, over):
    # The last of the second case holds one letter that is none of those.
    over = (over[0].replace("ㅡ", "—"), over[1])
    page = turned(arrow_page(), 180)
    read, _ = read_upright(ArrowReader(upright, over), source(page), "auto")
    assert read.orientation == 180


@pytest.mark.parametrize("reading", [("가나다라", 0.9), ("가나", 0.05)])
def test_a_page_that_does_not_say_stays_with_a_warning(reading):
    page = source(turned(arrow_page(), 180), warnings=("찢어짐",))
    read, picture = read_upright(ArrowReader(reading, reading), page, "auto")
    assert read.orientation == 0 and picture.grey is page.grey and read.margin < 0.2
    first, warning = read.warnings
    assert first == "찢어짐" and f"margin {read.margin:.2f}" in warning and "as it lies" in warning


@pytest.mark.parametrize("size", [(300, 200), (3, 8000), (8000, 1), (1, 1)])
def test_an_empty_page_has_nothing_to_warn_of(size):
    read, _ = read_upright(ArrowReader(), source(np.full(size, 255, np.uint8)), "auto")
    assert (read.orientation, read.margin, read.words, read.warnings) == (0, 0.0, (), ())


def test_words_that_stand_on_end_are_where_they_stand():
    page = arrow_page()
    page = cv2.resize(page, None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST)  # to be scaled down

    class Small(ArrowReader):
        def detect(self, image):
            return super().detect(image)

    lying = turned(page, 90)
    level, nothing = standing_words(Small(), lying)  # the half with more ink comes first
    assert nothing == []
    expected = [Box(2400 - b.ymax, b.xmin, 2400 - b.ymin, b.xmax) for b in Small().detect(source(page).colour)]
    expected = expected or [Box(2400 - 4 * b.ymax, 4 * b.xmin, 2400 - 4 * b.ymin, 4 * b.xmax)
                            for b in Small().detect(source(arrow_page()).colour)]  # fmt: skip
    assert len(level) == len(expected) == 12
    np.testing.assert_allclose(sorted(level), sorted(expected), atol=4)
    assert next(standing_words(Small(), turned(page, 270))) != []


@pytest.mark.parametrize("angle", ANGLES)
def test_ink_tells_whether_lines_stand_and_only_the_words_that_it_names_are_looked_for(angle):
    page = turned(arrow_page(), angle)
    assert stands(page) == (angle in (90, 270))
    kinds = []

    def words(kind):
        kinds.append(kind)
        yield [turned_shape(bounds(b), angle, (400, 600)) for b in MarkReader().detect(source(arrow_page()).colour)]

    assert vote(ArrowReader(), page, words("level"), words("standing")).angle == -angle % 360
    assert kinds == ["standing" if angle in (90, 270) else "level"]


def test_a_wrong_guess_about_the_lines_costs_a_search_and_nothing_else():
    # Bars beside the text: evener across than along its lines.
    page = np.hstack([arrow_page(), np.full((600, 400), 255, np.uint8)])
    for left in range(430, 780, 40):
        page[40:560, left : left + 16] = 0
    assert stands(page)
    read, _ = read_upright(ArrowReader(), source(page), "auto")
    assert (read.orientation, read.margin > 0.5) == (0, True)


def test_words_that_contradict_the_ink_count_half():
    class Answers:
        """Reads the word of each call by one direction alone: the level one first, surer the one that stands."""

        def __init__(self):
            self.confidences = iter((0.3, 0.9))

        def read(self, grey, shapes):
            assert len(shapes) == 2
            return [("가나다라", next(self.confidences)), ("", 0.9999)]

    page = arrow_page()
    assert not stands(page)
    found = vote(Answers(), page, [[Box(30, 40, 100, 60)]], [[Box(200, 100, 220, 170)]])
    assert (found.angle, found.words) == (0, 2)


def test_a_vote_of_labelled_words():
    page = arrow_page()
    boxes = [bounds(shape) for shape in MarkReader().detect(source(page).colour)]
    turned_boxes = [Box(600 - b.ymax, b.xmin, 600 - b.ymin, b.xmax) for b in boxes]
    found = vote(ArrowReader(), turned(page, 90), [turned_boxes], [turned_boxes])
    assert (found.angle, found.known) == (270, True)
    assert vote(ArrowReader(), page, [], []).words == 0


# EXIF, through the whole pipeline


@pytest.mark.parametrize("setting", ["off", "auto"])
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_each_exif_orientation_gives_the_same_output(tmp_path, form, setting):
    page, outputs = arrow_page(), []
    for orientation in range(1, 9):
        turns = TURNS.get(orientation, lambda image: image)
        # The stored image is the one that the tag turns into the page: one of the eight does.
        stored = next(image for image in all_turns(page) if same(turns(image), page))
        path = tmp_path / f"{orientation}"
        path.write_bytes(with_turn(stored, form, orientation))
        output = io.BytesIO()
        read_to(SourceFile(path, "쪽"), ArrowReader(), ReadSettings("json", orientation=setting), output)
        outputs.append(json.loads(output.getvalue()))
    for found in outputs:
        assert found == outputs[0]
    [first] = outputs[0]["pages"]
    assert (first["width"], first["height"], first["orientation"], len(first["words"])) == (400, 600, 0, 12)


def all_turns(page):
    return [np.ascontiguousarray(turn(page)) for turn in (*TURNS.values(), lambda image: image)]


def same(one, other):
    return one.shape == other.shape and np.array_equal(one, other)


# Skew


def lines(angle, width=1200, height=1600):
    """Corners of words on a page skewed by an angle: rows of words of several lengths and of single points."""
    turn = np.radians(angle)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    middle, random = np.array([width / 2, height / 2]), np.random.default_rng(5)
    quads = []
    for y in range(200, 1400, 70):
        x = 150
        while x < 1000:
            size = int(random.choice([12, 40, 80, 160]))
            tall = 10 if size == 12 else 40
            corners = np.array([[x, y + 40 - tall], [x + size, y + 40 - tall], [x + size, y + 40], [x, y + 40]])
            quads.append(Quad(*map(tuple, ((corners - middle) @ rotation + middle).tolist())))
            x += size + 30
    return quads


@pytest.mark.parametrize("angle", [-5, -3, -1, -0.4, 0, 0.4, 1, 3, 5])
def test_the_skew_of_lines(angle):
    assert skew_of([bounds(quad) for quad in lines(angle)]) == pytest.approx(angle, abs=0.12)


def test_what_says_nothing_about_skew():
    assert skew_of([]) == 0
    assert skew_of([Box(10, 10, 90, 40)]) == 0
    scattered = np.random.default_rng(1).integers(0, 2000, (60, 2))
    assert skew_of([Box(int(x), int(y), int(x) + 60, int(y) + 30) for x, y in scattered]) == 0
    stairs = [Box(100 + 80 * n, 100 + 3 * n, 160 + 80 * n, 130 + 3 * n) for n in range(6)]
    assert skew_of(stairs) == 0, "too few"


@pytest.mark.parametrize("angle", [-5.0, -2.0, 3.0])
def test_a_skewed_page_is_read_straightened_and_its_words_are_where_they_lie(angle):
    page = np.full((1600, 1200), 255, np.uint8)
    quads = [quad for quad in lines(angle) if np.hypot(*np.subtract(quad[1], quad[0])) > 20]
    for quad in quads:
        cv2.fillConvexPoly(page, np.round(np.array(quad) * 16).astype(np.int32), 0, cv2.LINE_AA, 4)

    class Bars(MarkReader):
        def detect(self, image):
            contours, _ = cv2.findContours((image[:, :, 0] < 128).astype(np.uint8), cv2.RETR_EXTERNAL, 2)
            rectangles = map(cv2.boundingRect, contours)
            return [Box(x, y, x + width, y + height) for x, y, width, height in rectangles]

        def read(self, grey, shapes):
            return [("가나다라", 0.9) for _ in shapes]

    read = read_page(Bars(), source(page), straighten=True)
    assert read.skew == pytest.approx(angle, abs=0.12)
    assert (read.width, read.height, len(read.words)) == (1200, 1600, len(quads))
    for quad in quads:
        found = min(read.words, key=lambda word: np.abs(np.subtract(word.polygon, quad)).max())
        np.testing.assert_allclose(found.polygon, quad, atol=2.5)
        assert found.box == found.polygon.bounds
    as_it_is = read_page(Bars(), source(page))
    assert as_it_is.skew == 0 and as_it_is.words != read.words


def test_straightening_maps_as_its_pixels_move():
    page = np.full((300, 200), 255, np.uint8)
    page[100:110, 40:50] = 0
    level = Straightening((200, 300), 4.0)
    straight = level.straight(page)
    assert straight.shape == level.size[::-1] and level.size > (200, 300)
    ys, xs = np.nonzero(straight < 128)
    middle = level.back(Box(int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1))
    np.testing.assert_allclose(np.mean(middle, axis=0), [45, 105], atol=0.6)
    assert replace(source(page), turned=90).turned == 90

import numpy as np
import pytest

from train_easyocr.synthesis.layout import Sheet, breaking_point
from train_easyocr.synthesis.render import Style, draw_text


@pytest.fixture
def sheet(library):
    return Sheet(1200, 900, library, np.random.default_rng(1), unit=1.0)


@pytest.fixture
def style(library):
    return Style(library.faces[0], 40)


TEXT = "주민 불편을 해소하고자 상수도관 교체공사를 다음과 같이 시행하오니 협조하여 주시기 바랍니다. " * 3


def texts(sheet):
    return [one.printed.text for one in sheet.placed]


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("justify", [False, True])
def test_a_paragraph_stays_between_its_margins_and_loses_nothing(sheet, style, broken, justify):
    sheet.break_syllables = broken
    end = sheet.paragraph(TEXT, (100, 80), 700, style, 60, hang=30, justify=justify)
    assert "".join(texts(sheet)) == TEXT.replace(" ", "")
    assert (texts(sheet) == TEXT.split()) is not broken
    outlines = np.concatenate([one.outline() for one in sheet.placed])
    assert outlines[:, 0].min() >= 98 and outlines[:, 0].max() <= 702
    lines = sorted({one.y for one in sheet.placed})
    assert lines == list(range(80, int(end), 60))
    if justify:
        first = [one for one in sheet.placed if one.y == 80]
        assert first[-1].outline()[:, 0].max() >= 690


def test_words_below_the_bottom_are_left_out(sheet, style):
    sheet.paragraph(TEXT, (100, 80), 700, style, 60, bottom=150)
    assert {one.y for one in sheet.placed} == {80, 140}


@pytest.mark.parametrize(
    ("word", "characters", "expected"),
    [
        ("바랍니다.", 4, 3),  # a full stop never begins a line
        ("(경유)", 1, 0),  # a bracket never ends one
        ("제1234호", 3, 0),  # numbers stay whole
        ("시행령", 2, 2),
        ("시행령", 0, 0),
    ],
)
def test_where_words_break(style, word, characters, expected):
    printed = draw_text(word, style)
    assert breaking_point(printed, printed.edges[characters] + 0.5) == expected


def test_a_word_wider_than_the_line_is_broken_rather_than_lost(sheet, style):
    sheet.paragraph("국토의계획및이용에관한법률", (100, 80), 300, style, 60)
    assert "".join(texts(sheet)) == "국토의계획및이용에관한법률"
    assert len(texts(sheet)) > 2


def test_spread_syllables_are_words_of_their_own(sheet, style):
    sheet.spread("김 해시", (200, 800), 100, style)
    assert texts(sheet) == ["김", "해", "시"]
    extents = [(one.outline()[:, 0].min(), one.outline()[:, 0].max()) for one in sheet.placed]
    assert 195 < extents[0][0] < 210 and 790 < extents[2][1] < 805


def test_spread_syllables_share_a_label_with_spaces_on_some_pages(sheet, style):
    sheet.spaced_labels = 1.0
    sheet.spread("회의록", (200, 800), 100, style)
    (one,) = sheet.placed
    assert one.printed.text == "회 의 록" and len(one.printed.edges) == 6
    apart = Sheet(1200, 900, sheet.library, np.random.default_rng(1), unit=1.0)
    apart.spread("회의록", (200, 800), 100, style)
    assert np.array_equal(sheet.plane(), apart.plane())


def test_a_punch_hole_hides_labels_or_characters_and_is_black(sheet, style):
    sheet.line("주민등록표 한 등본", 100, 100, style)
    whole, single, last = sheet.placed
    middle_of_third = 100 + (whole.printed.edges[2] + whole.printed.edges[3]) / 2
    sheet.punch((middle_of_third, 85), 22)
    sheet.punch((single.x + 20, 85), 30)
    assert texts(sheet) == ["주민", "록표", "등본"]
    assert sheet.plane()[85, round(middle_of_third)] == 255
    right = sheet.placed[1].outline()[:, 0]
    assert right.min() == pytest.approx(100 + whole.printed.edges[3], abs=5)
    assert right.max() == whole.outline()[:, 0].max()
    assert sheet.placed[2] == last


def test_an_upright_word_behind_a_hole_is_gone(sheet, style):
    sheet.vertical("접수", 300, (100, 260), style)
    sheet.punch((300, 150), 35)
    assert sheet.placed == []


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("담당 홍길동 계장", ["담당", "계장"]),
        ("(홍길동)", []),
        ("홍길동귀하", ["귀하"]),
        ("길동", ["길동"]),
        ("홍길동,", []),
    ],
)
def test_an_erased_name_leaves_white_paper_and_no_label(sheet, style, text, left):
    sheet.line(text, 100, 100, style)
    names = [one for one in sheet.placed if "홍길동" in one.printed.text]
    sheet.erase("홍길동")
    assert texts(sheet) == left
    for one in names:
        start = one.printed.text.index("홍길동")
        points = one.outline(start, start + 3).astype(int)
        (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
        assert not sheet.plane()[y0 : y1 + 1, x0 : x1 + 1].any()
    assert (sheet.plane() > 0).sum() >= 0.95 * sum((one.printed.mask > 0).sum() for one in sheet.placed)


def test_room_is_where_no_ink_is(sheet, style):
    sheet.line("접수", 100, 100, style)
    assert sheet.is_free((300, 50, 400, 120))
    for area in ((90, 60, 150, 110), (-5, 300, 40, 340), (1100, 300, 1300, 340)):
        assert not sheet.is_free(area)


def test_table_cells_hold_dittos_and_dashes_where_asked_for(sheet, style):
    rows = [["구분", "비고"], ["도로", ""], ["도로", "신규"], ["12", ""]]
    sheet.dittos = sheet.dashes = 1.0
    sheet.table((100, 100), [300, 250], rows, style, 90)
    assert texts(sheet) == ["구분", "비고", "도로", "〃", "신규", "12", "-"]


def test_an_upright_label_is_one_tall_word(sheet, style):
    sheet.vertical("접수", 300, (100, 260), style)
    (one,) = sheet.placed
    (xmin, ymin), (xmax, ymax) = one.outline().min(axis=0), one.outline().max(axis=0)
    assert one.printed.text == "접수"
    assert ymax - ymin > 1.7 * (xmax - xmin)
    assert abs((xmin + xmax) / 2 - 300) < 4 and abs((ymin + ymax) / 2 - 180) < 4


def test_table_texts_stay_in_their_cells(sheet, style):
    rows = [
        ["구 분", "금액", "비고"],
        ["소방도로 개설공사 구간 편입토지", "1,234,000", ""],
        ["계", "1,234,000", "별첨 참조"],
    ]
    lower = sheet.table((100, 100), [300, 250, 200], rows, style, 90, aligns=["center", "right", "left"])
    assert lower == 370
    words = [word for row in rows for text in row for word in text.split()]
    assert "".join(texts(sheet)) == "".join(words)
    for one in sheet.placed:
        points = one.outline()
        crossing = [edge for edge in (100, 400, 650, 850) if points[:, 0].min() < edge < points[:, 0].max()]
        assert crossing == []
        assert int((points[:, 1].min() - 100) // 90) == int((points[:, 1].max() - 100) // 90)


def test_seals_and_signatures_leave_no_labels(sheet, style):
    sheet.seal("김해시장의인", (600, 300), 150, style)
    sheet.scribble((300, 300), 100, 50)
    assert sheet.placed == []
    assert all(plane.any() for plane in sheet.planes.values()) and len(sheet.planes) == 2


def test_characters_that_the_face_lacks_are_drawn_with_another(library, style):
    class Lacking(type(style.face)):
        def draws(self, text):
            return text != "한"

    lacking = Lacking(style.face.path, 0, "Lacking", "Regular")
    sheet = Sheet(400, 200, library, np.random.default_rng(1), unit=1.0)
    sheet.line("한 글", 20, 100, Style(lacking, 40))
    assert sheet.faces == {"Lacking Regular", library.drawing("한", lacking).name}


@pytest.mark.parametrize(("bilevel", "widths"), [(False, (2, 4, 10)), (True, (4, 4, 5))])
def test_rules_of_sheets_for_black_and_white_are_as_wide_as_the_real_ones(sheet, bilevel, widths):
    sheet.bilevel = bilevel
    for number, thickness in enumerate((2, 4, 10)):
        sheet.rule((100, 100 * (number + 1), 500, 100 * (number + 1)), thickness)
    assert tuple(int((sheet.plane()[y : y + 50, 300] > 0).sum()) for y in (100, 200, 300)) == widths

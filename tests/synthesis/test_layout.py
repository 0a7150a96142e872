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

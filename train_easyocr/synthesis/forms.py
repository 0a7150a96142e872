"""Forms and certificates: pages that consist of fields."""

from __future__ import annotations

from collections.abc import Callable

from train_easyocr.synthesis import vocabulary
from train_easyocr.synthesis.elements import CLAUSE_MARKS, DrawnPage, signature
from train_easyocr.synthesis.sentences import SentenceWriter

CERTIFICATES = vocabulary.words("허가증 신고필증 등록증 위촉장 표창장 확인서 수료증 임명장 영업신고증 사용승인서")
"""Titles of certificates."""
AWARDS = (
    "위와 같이 {law} 제{small}조의 규정에 의하여 {act}하였음을 증명합니다.",
    "귀하는 평소 {project}에 힘써 왔으며 특히 {purpose}에 이바지한 공이 크므로 이에 표창합니다.",
    "「{law}」 제{small}조제{small2}항에 따라 위와 같이 {act}합니다.",
    "위 사람을 {project} 추진위원으로 위촉합니다.",
)
"""What certificates say."""
COMPANY_NAMES = ("우", "성", "진", "흥")
COMPANY_KINDS = ("상사", "산업(주)", "건설㈜", "농원", "식당")
PLATE_SYLLABLES = "가나다라마거너더러머버서어저고노도로모보소오조구누두루무부수우주"
"""Syllables of number plates."""
FIXED_VALUES = {
    "구조": vocabulary.items("철근콘크리트조, 벽돌조, 경량철골조, 목조, 일반철골구조, 조적조 슬라브, 흙벽 초가"),
    "관계": vocabulary.words("본인 배우자 처 자 모 부 손자 형제 조모 며느리 사위 동거인 후견인 대표이사"),
    "층수": vocabulary.items("지상 1층, 지상 2층, 지하 1층 지상 5층, 3층 중 1층, 옥탑 포함 4층, 단층"),
    "업종": vocabulary.items(
        "일반음식점, 휴게음식점, 이용업, 미용업, 숙박업, 제조업, 도소매업, 건설업, 축산업, 세탁업, 당구장업, 제과점"
    ),
    "용도": vocabulary.items(
        "단독주택, 제1종 근린생활시설, 창고, 축사, 공장, 농업용, 제출용, 묘지, 종교시설, 사무소, 진입로, 숙박시설"
    ),
}
"""Values of form fields that take one of a few."""


def form(page: DrawnPage) -> None:
    """An application on a form: fields in a table with upright labels, a sentence, date, signature, enclosures."""
    w, sheet = page.writer, page.sheet
    small = page.text.resized(0.82)
    sheet.line(f"[별지 제{w.integer(1, 39)}호서식] <개정 {w.date()}>", page.left, page.top, small)
    title = w.pick(tuple(paper for paper in w.topic.papers if paper.endswith(("서", "신고", "부"))) or w.topic.papers)
    top = page.heading(title, page.top + page.px(150), widely=True)
    y, height = top, page.px(w.integer(92, 150))
    for _ in range(w.integer(2, 3)):
        y = field_group(page, y, height)
    y = declaration(page, y)
    y = enclosures(page, min(y, page.bottom))
    sheet.frame((page.left, top, page.right, min(y, page.bottom + page.px(90))), 5)
    paper = f"210㎜×297㎜(보존용지(2종) {w.pick(('60', '70', '80'))}g/㎡)"
    sheet.line(paper, page.right, page.bottom + page.px(150), small.resized(0.85), align="right")


def field_group(page: DrawnPage, top: float, height: float) -> float:
    """A few rows of two fields each behind an upright label; return their lower side."""
    w, sheet = page.writer, page.sheet
    small, label, name_width = page.text.resized(0.82), page.px(90), page.px(300)
    half = (page.right - page.left - label) / 2
    rows = w.integer(2, 4)
    bottom = top + rows * height
    sheet.vertical(w.pick(vocabulary.VERTICAL_LABELS), page.left + label / 2, (top, bottom), small)
    sheet.rule((page.left + label, top, page.left + label, bottom), 3)
    fields = w.random.choice(len(vocabulary.FORM_FIELDS), size=rows * 2, replace=False)
    for number, field in enumerate(fields.tolist()):
        x, y = page.left + label + (number % 2) * half, top + (number // 2) * height
        name = vocabulary.FORM_FIELDS[field]
        sheet.rule((x, y, x + half, y), 3)
        sheet.rule((x + name_width, y, x + name_width, y + height), 3)
        if number % 2:
            sheet.rule((x, y, x, y + height), 3)
        sheet.cell(name, (x, y, x + name_width, y + height), small)
        value = form_value(w, name) if w.chance(0.85) else ""
        sheet.cell(value, (x + name_width, y, x + half, y + height), page.text, align="left")
    sheet.rule((page.left, bottom, page.right, bottom), 3)
    return bottom


def declaration(page: DrawnPage, y: float) -> float:
    """What the applicant asks for, date, signature and addressee; return where the rule below them lies."""
    w, sheet, inset = page.writer, page.sheet, page.px(40)
    text = w.fill("「{law}」 제{small}조 및 같은 법 시행규칙 제{num}조에 따라 위와 같이 신청합니다.")
    y = page.running(text, page.left + inset, y + page.pitch * 1.2, inset=inset)
    date = f"{w.year} 년 {w.integer(1, 12)} 월 {w.integer(1, 28)} 일"
    sheet.line(date, page.middle + page.px(300), y + page.pitch, page.text, align="center")
    signer = f"신청인 {w.person()} (서명 또는 인)"
    sheet.line(signer, page.right - page.px(60), y + page.pitch * 2.2, page.text, align="right")
    sheet.line(f"{w.head()} 귀하", page.left + page.px(60), y + page.pitch * 3.6, page.title.resized(0.7))
    if w.chance(0.5):
        place = (page.right - page.px(90), y + page.pitch * 2.0)
        sheet.seal(w.person(), place, page.px(100), page.title, round_shape=True)
    return y + page.pitch * 4.4


def enclosures(page: DrawnPage, top: float) -> float:
    """What is to be enclosed, and the fee; return where the form ends."""
    w, sheet = page.writer, page.sheet
    sheet.rule((page.left, top, page.right, top), 3)
    y = top + page.pitch
    sheet.line(w.pick(("※ 구비서류", "※구비서류")), page.left + page.px(30), y, page.bold.resized(0.85))
    fee = f"수수료 {w.integer(1, 30)},000원"
    sheet.line(fee, page.right - page.px(30), y, page.text.resized(0.82), align="right")
    for number in range(w.integer(1, 3)):
        y += page.pitch
        page.clause(CLAUSE_MARKS[0][number], w.pick(vocabulary.ATTACHMENTS), y, 1)
    return y + page.pitch * 0.8


def form_value(w: SentenceWriter, name: str) -> str:
    """What stands in a form's field of this name."""
    plain = name.replace(" ", "")
    if plain in FIXED_VALUES:
        return w.pick(FIXED_VALUES[plain])
    written: dict[str, Callable[[], str]] = {
        "주민등록번호": lambda: (
            f"{w.integer(40, 99)}{w.integer(1, 12):02d}{w.integer(1, 28):02d}-{w.integer(1, 2)}******"
        ),
        "상호": lambda: w.pick(vocabulary.SURNAMES) + w.pick(COMPANY_NAMES) + w.pick(COMPANY_KINDS),
        "차량번호": lambda: f"{w.province} {w.integer(10, 99)}{w.pick(PLATE_SYLLABLES)}{w.integer(1000, 9999)}",
    }
    for names, write in (
        (("주소", "소재지", "본적", "시설명"), w.address),
        (("예금주", "설계자", "시공자", "감리자"), w.person),
        (("사유", "변경전", "변경후"), lambda: w.pick(vocabulary.REASONS)),
        (
            ("계좌번호", "사업자등록번호"),
            lambda: f"{w.integer(100, 899)}-{w.integer(10, 99)}-{w.integer(10000, 99999)}",
        ),
    ):
        written.update(dict.fromkeys(names, write))
    return written[plain]() if plain in written else w.cell(plain)


def certificate(page: DrawnPage) -> None:
    """A permit, a certificate or an award: a frame, a number, few large lines, date, head and seal."""
    w, sheet = page.writer, page.sheet
    if w.chance(0.7):
        for inset, thickness in ((page.px(90), 12), (page.px(66), 3)):
            corners = (page.left - inset, page.top - inset, page.right + inset, page.bottom + inset)
            sheet.frame(corners, thickness)
    sheet.line(f"제 {w.year} - {w.integer(1, 999)} 호", page.left, page.top + page.px(90), page.text)
    y = page.heading(w.pick(CERTIFICATES), page.top + page.px(420), widely=True) + page.px(160)
    large = page.text.resized(1.15)
    marks = w.pick((CLAUSE_MARKS[0], CLAUSE_MARKS[1], ("○",) * 9, ("",) * 9))
    colon = w.pick((" :", "", ""))
    names = w.random.choice(len(vocabulary.FORM_FIELDS), size=w.integer(3, 7), replace=False)
    for mark, name in zip(marks, (vocabulary.FORM_FIELDS[number] for number in names.tolist()), strict=False):
        sheet.line(f"{mark} {name}{colon}", page.left + page.px(60), y, large)
        value = form_value(w, name) or w.person()
        y = sheet.paragraph(value, (page.left + page.px(640), y), page.right, large, large.size * 1.9)
    text, larger = w.fill(w.pick(AWARDS)), large.resized(1.1)
    start = (page.left + page.px(60), y + page.px(140))
    y = sheet.paragraph(text, start, page.right - page.px(60), larger, larger.size * 1.9)
    date = f"{w.year} 년 {w.integer(1, 12)} 월 {w.integer(1, 28)} 일"
    sheet.spread_words(date, (page.middle - page.px(420), page.middle + page.px(420)), y + page.px(200), large)
    signature(page, min(y + page.px(480), page.bottom))

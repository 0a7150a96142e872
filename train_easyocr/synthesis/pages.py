"""Kinds of pages that public offices produce, each a function that fills a sheet.

Letters, plans, registers, regulations, forms, certificates, minutes and covers. Lengths are pixels at 2,480 across (see
`layout.py`); the sheet's origin is its upper left corner.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from train_easyocr.synthesis import vocabulary
from train_easyocr.synthesis.fonts import FontLibrary
from train_easyocr.synthesis.layout import BLACK, BLUE, NOMINAL_WIDTH, RED, Colour, Sheet
from train_easyocr.synthesis.render import Style
from train_easyocr.synthesis.sentences import Writer

CLAUSE_MARKS = (
    tuple(f"{number}." for number in range(1, 15)),
    tuple(f"{syllable}." for syllable in "가나다라마바사아자차카타파하"),
    tuple(f"{number})" for number in range(1, 15)),
    tuple(f"{syllable})" for syllable in "가나다라마바사아자차카타파하"),
    tuple(f"({number})" for number in range(1, 15)),
)
"""Marks of numbered clauses by depth, as the rules for official documents order them."""
CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩"
SECTION_MARKS: tuple[tuple[tuple[str, ...], ...], ...] = (
    (("□",), ("○",), ("-",), ("·",)),
    (("Ⅰ.", "Ⅱ.", "Ⅲ.", "Ⅳ."), CLAUSE_MARKS[0], CLAUSE_MARKS[1], ("-",)),
    (("1.", "2.", "3.", "4."), CLAUSE_MARKS[1], CLAUSE_MARKS[2], CLAUSE_MARKS[3]),
    (("■",), ("○",), ("-",), ("※",)),
    (("◎",), ("○",), ("ㆍ",), ("*",)),
    (("▣",), ("▷",), ("-",), ("☞",)),
)
"""Marks of a plan's sections, lines, and lines below them; where there are several they count up."""
PLAN_SECTIONS = ("추진목적", "추진배경", "사업개요", "추진방침", "세부추진계획", "추진일정", "소요예산", "기대효과")
REPORT_SECTIONS = ("개 요", "추진근거", "추진실적", "점검결과", "문제점 및 대책", "향후계획", "행정사항", "건의사항")
SLOGANS = (
    "함께 여는 미래, 더 행복한 {city}",
    "“살기 좋은 고장, 활기찬 {city}”",
    "시민이 주인인 {city}",
    "꿈과 희망이 넘치는 {city}!",
    "깨끗한 환경 따뜻한 이웃 · {city}",
)

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


@dataclass
class Page:
    """What the kinds of pages share.

    Attributes:
        sheet: Where everything is put.
        writer: Who writes the texts.
        text: Style of running text.
        bold: Style of headings.
        title: Style of titles.
        pitch: Distance of base lines of running text, in the sheet's pixels.
        left, right, top, bottom: Type area, in the sheet's pixels.
        justify: Whether lines of running text are spread to the right end.
    """

    sheet: Sheet
    writer: Writer
    text: Style
    bold: Style
    title: Style
    pitch: float
    left: int
    right: int
    top: int
    bottom: int
    justify: bool

    @property
    def middle(self) -> float:
        """The x halfway between the margins."""
        return (self.left + self.right) / 2

    def px(self, length: float) -> int:
        """A length at 2,480 pixels across, in the sheet's pixels."""
        return self.sheet.px(length)

    def clause(self, mark: str, text: str, y: float, depth: int = 0) -> float:
        """Put a marked clause down, its later lines hanging below the text; return the next base line."""
        x = self.left + depth * self.text.size * 1.1
        y = min(y, self.bottom + 1)
        if y > self.bottom:
            return y
        self.sheet.line(mark, x, y, self.text)
        start = x + max(self.sheet.printed(mark, self.text).advance + self.text.space, self.text.size * 1.1)
        return self.running(text, start, y)

    def running(self, text: str, x: float, y: float, hang: float = 0.0, inset: float = 0.0) -> float:
        """Put running text down from `x` to `inset` before the right margin; return the next base line."""
        return self.sheet.paragraph(
            text, x, y, self.right - inset, self.text, self.pitch, hang=hang, bottom=self.bottom, justify=self.justify
        )

    def heading(self, text: str, y: float, *, widely: bool) -> float:
        """Put a centred title down, its syllables far apart where it is short and `widely` is set."""
        style = self.title
        if widely and len(text.replace(" ", "")) <= 8:
            half = min(len(text) * style.size * 0.95, (self.right - self.left) / 2)
            self.sheet.spread(text, self.middle - half, self.middle + half, y, style)
            return y + style.size * 1.2
        while sum(self.sheet.printed(word, style).advance + style.space for word in text.split()) > (
            self.right - self.left
        ):
            style = style.resized(0.9)
        self.sheet.line(text, self.middle, y, style, "center")
        return y + style.size * 1.2


def letter(page: Page) -> None:
    """A letter from one office to another: letterhead, recipients, clauses, the head's name and seal, footer."""
    w, sheet = page.writer, page.sheet
    y = letterhead(page)
    approvals = w.chance(0.35)
    if approvals:
        approval_box(page, page.right, y + page.px(10))
    elif w.chance(0.4):
        receipt_box(page, page.right - page.px(620), y + page.px(10), w.pick((BLUE, BLACK, RED)))  # type: ignore[arg-type]
    y = recipients(page, y + page.px(70))
    y = clauses(page, y + page.pitch, w.integer(2, 4), w.request)
    if w.chance(0.3) and y < page.bottom - 9 * page.pitch:
        y = small_table(page, y, w.integer(3, 6)) + page.pitch
    y = attachments(page, y + page.pitch * 0.5)
    head = page.bottom - page.px(240) if y < page.bottom - page.px(420) else y + page.px(110)
    if head < page.bottom - page.px(60):
        signature(page, head)
    letter_footer(page)


def letterhead(page: Page) -> float:
    """The sender's name across the top, with a slogan or an old-style address line; return where it ends."""
    w, sheet, y = page.writer, page.sheet, page.top + page.px(40)
    if w.chance(0.35):
        sheet.line(w.fill(w.pick(SLOGANS)), page.middle, y, page.text.resized(0.9), "center")
        y += page.px(30)
    y += page.title.size
    name = w.district if w.chance(0.75) else w.department
    half = len(name) * page.title.size * 0.85
    sheet.spread(name, page.middle - half, page.middle + half, y, page.title)
    y += page.px(75)
    if w.chance(0.5):
        small = page.text.resized(0.72)
        address = f"우 {w.integer(100, 799)}-{w.integer(10, 899)} {w.address()} / 전화 {w.phone()} / 전송 {w.phone()}"
        sheet.line(address, page.left, y, small)
        y += page.px(30)
    sheet.rule(page.left, y, page.right, y, w.pick((3, 6, 10)))  # type: ignore[arg-type, call-overload]
    return y


def recipients(page: Page, y: float) -> float:
    """Document number, date, recipient, way and subject; return where the rule below them lies."""
    w, sheet = page.writer, page.sheet
    rows = [("문서번호", w.reference()), ("시행일자", w.date())] if w.chance(0.5) else []
    rows += [("수 신", w.pick(vocabulary.AGENCIES) if w.chance(0.7) else "수신자 참조")]
    rows += [("(경 유)" if w.chance(0.5) else "참 조", "" if w.chance(0.6) else w.pick(w.topic.departments) + "장")]
    rows += [("제 목", w.title())]
    for name, value in rows:
        if name in ("문서번호", "시행일자") and w.chance(0.5):
            sheet.line(name, page.left, y, page.text)
        else:
            sheet.spread_words(name, page.left, page.left + page.text.size * 4, y, page.text)
        style = page.bold if name == "제 목" else page.text
        start = page.left + page.text.size * 4.8
        stop = page.right if name == "제 목" else page.right - page.px(660)
        y = sheet.paragraph(value or " ", start, y, stop, style, page.pitch) if value else y + page.pitch
    if w.chance(0.6):
        sheet.rule(page.left, y - page.pitch * 0.5, page.right, y - page.pitch * 0.5, 4)
    return y


def clauses(page: Page, y: float, count: int, write: Callable[[], str]) -> float:
    """Numbered clauses, some with clauses below them; return the next base line."""
    w = page.writer
    for number in range(count):
        y = page.clause(CLAUSE_MARKS[0][number], write(), y)
        if number and w.chance(0.5):
            for inner in range(w.integer(2, 4)):
                y = page.clause(CLAUSE_MARKS[1][inner], w.statement(), y, 1)
                if w.chance(0.2):
                    for innermost in range(2):
                        y = page.clause(CLAUSE_MARKS[2][innermost], w.statement(), y, 2)
        y += page.pitch * 0.25
    return y


def attachments(page: Page, y: float) -> float:
    """What is enclosed, and the word that ends a document; return the next base line."""
    w = page.writer
    enclosed = [w.pick(vocabulary.ATTACHMENTS) + "." for _ in range(w.integer(1, 3))]
    enclosed[-1] += " 끝."
    label = w.pick(("붙임", "첨부", "붙 임 :", "※ 붙임"))
    if y > page.bottom - page.pitch * len(enclosed):
        return y
    x = page.sheet.line(label, page.left, y, page.text) + page.text.space * 2
    for number, text in enumerate(enclosed, 1):
        mark = f"{number}. " if len(enclosed) > 1 else ""
        page.sheet.line(mark + text, x, y, page.text)
        y += page.pitch
    return y


def signature(page: Page, y: float) -> None:
    """The head's title, its syllables apart, with the seal over its end."""
    w, sheet = page.writer, page.sheet
    head = w.head()
    half = len(head) * page.title.size * 0.72
    sheet.spread(head, page.middle - half, page.middle + half, y, page.title)
    if w.chance(0.75):
        seal_x, seal_y = page.middle + half + page.px(60), y - page.title.size * 0.35
        sheet.seal((head + "의인인")[:9], seal_x, seal_y, page.px(w.integer(210, 270)), page.title)


def letter_footer(page: Page) -> None:
    """Who drafted, checked and decided; the number under which it was sent; address, telephone, openness."""
    w, sheet, y = page.writer, page.sheet, page.bottom + page.px(60)
    small = page.text.resized(0.74)
    sheet.rule(page.left, y - page.px(50), page.right, y - page.px(50), 8)
    names = "   ".join(f"{title} {w.person()}" for title in ("기안자", "검토자", "협조자", "전결")[: w.integer(2, 4)])
    lines = [
        names,
        f"시행 {w.reference()} ({w.date()}) 접수 {w.pick(vocabulary.DEPARTMENTS)}-{w.number()} ({w.pick((' . . . ', w.date()))})",
        f"우 {w.integer(10000, 63999)} {w.address()} / http://www.city{w.integer(1, 99)}.go.kr",
        f"전화 {w.phone()} /전송 {w.phone()} / user{w.integer(1, 99)}@korea.kr / {w.pick(('공개', '비공개', '부분공개'))}",
    ]
    for text in lines[: w.integer(2, 4)]:
        sheet.line(text, page.left, y, small)
        y += small.size * 1.45


def approval_box(page: Page, right: float, top: float) -> float:
    """The box that superiors sign in: an upright "결재" and a column for each; return its lower side."""
    w, sheet = page.writer, page.sheet
    titles = vocabulary.APPROVERS[w.integer(0, len(vocabulary.APPROVERS) - 1)][:4]
    side, column, head, body = page.px(78), page.px(150), page.px(62), page.px(150)
    left = right - side - column * len(titles)
    bottom = top + head + body
    small = page.text.resized(0.85)
    sheet.frame(left, top, right, bottom, 4)
    sheet.rule(left + side, top + head, right, top + head, 3)
    sheet.vertical(w.pick(("결재", "결재", "결재", "협조", "확인")), left + side / 2, top, bottom, small)
    for number, title in enumerate(titles):
        x = left + side + number * column
        sheet.rule(x, top, x, bottom, 3)
        sheet.cell(title, x, top, x + column, top + head, small)
        middle = (x + column / 2, top + head + body / 2)
        if w.chance(0.25):
            sheet.line("전결", *middle, small, "center")
        elif w.chance(0.6):
            colour = BLUE if w.chance(0.3) else BLACK
            sheet.scribble(*middle, column * 0.7, body * 0.6, colour)
        elif w.chance(0.5):
            sheet.seal(w.person(), *middle, page.px(95), page.title, round_shape=True)
    return bottom


def receipt_box(page: Page, left: float, top: float, colour: Colour) -> float:
    """The stamp of the office that received the document; return its lower side."""
    w, sheet = page.writer, page.sheet
    rows = [("일자", w.date()), ("시간", w.time()), ("번호", w.number()), ("처리과", w.department)]
    rows = rows[: w.integer(2, 4)]
    height, side, width = page.px(66), page.px(76), page.px(600)
    bottom = top + height * len(rows)
    small = page.text.resized(0.82)
    sheet.frame(left, top, left + width, bottom, 4, colour)
    sheet.rule(left + side, top, left + side, bottom, 3, colour)
    sheet.rule(left + side + page.px(150), top, left + side + page.px(150), bottom, 3, colour)
    if len(rows) > 2:
        sheet.vertical(w.pick(("접수", "선결", "공람")), left + side / 2, top, bottom, small)
    else:
        sheet.cell("접수", left, top, left + side, bottom, small.resized(0.8))
    for number, (name, value) in enumerate(rows):
        y = top + number * height
        if number:
            sheet.rule(left + side, y, left + width, y, 3, colour)
        sheet.cell(name, left + side, y, left + side + page.px(150), y + height, small)
        sheet.cell(value, left + side + page.px(150), y, left + width, y + height, small)
    return bottom


def small_table(page: Page, y: float, rows: int) -> float:
    """A table of a few columns over the width of the text; return its lower side."""
    w = page.writer
    headers = ["구 분", *table_headers(page, w.integer(2, 4)), "비고"]
    weights = np.array([1.3] + [1.6] * (len(headers) - 2) + [0.9])
    widths = weights / weights.sum() * (page.right - page.left)
    body = [[w.pick(w.topic.acts), *(w.cell(header) for header in headers[1:])] for _ in range(rows)]
    return (
        page.sheet.table(
            page.left,
            y - page.pitch * 0.6,
            widths.tolist(),
            [headers, *body],
            page.text.resized(0.84),
            page.px(82),
            shade=w.pick((0, 0, 26, 40)),  # type: ignore[arg-type, call-overload]
            open_sides=w.chance(0.3),
            bottom=page.bottom,
        )
        + page.pitch
    )


def table_headers(page: Page, count: int) -> list[str]:
    """Titles of `count` columns, each of them once."""
    general = vocabulary.words("사업명 대상 수량 단위 금액 위치 기간 담당부서 연락처 품명 규격 성명 내용")
    both = list(dict.fromkeys([*page.writer.topic.headers, *general]))
    chosen = page.writer.random.choice(len(both), size=min(count, len(both)), replace=False)
    return [both[int(number)] for number in chosen]


def plan(page: Page) -> None:
    """A plan or a report: a framed title, marked sections in note form, perhaps a table."""
    w, sheet = page.writer, page.sheet
    y: float = page.top
    if w.chance(0.4):
        y = approval_box(page, page.right, page.top) + page.px(50)
    y = plan_title(page, y + page.px(80))
    sheet.line(f"{w.date()} / {w.department}", page.right, y, page.text.resized(0.9), "right")
    y += page.pitch * 1.6
    marks = SECTION_MARKS[w.integer(0, len(SECTION_MARKS) - 1)]
    names = PLAN_SECTIONS if w.chance(0.5) else REPORT_SECTIONS
    count = w.integer(2, 4)
    chosen = sorted(w.random.choice(len(names), size=count, replace=False).tolist())
    for section, number in enumerate(chosen):
        if y > page.bottom - 2 * page.pitch:
            break
        sheet.line(f"{nth(marks[0], section)} {names[number]}", page.left, y, page.bold)
        y = plan_section(page, y + page.pitch * 1.15, marks) + page.pitch * 0.4
    if w.chance(0.5) and y < page.bottom - page.px(420):
        small_table(page, y + page.pitch * 0.4, w.integer(3, 7))
    page_number(page)


def nth(marks: tuple[str, ...], number: int) -> str:
    """The mark of clause `number`, from 0; a single mark serves all."""
    return marks[number % len(marks)]


def plan_section(page: Page, y: float, marks: tuple[tuple[str, ...], ...]) -> float:
    """The lines of one section; return the next base line."""
    w = page.writer
    for number in range(w.integer(1, 4)):
        y = page.clause(nth(marks[1], number), w.statement(), y, 1)
        if w.chance(0.4):
            for inner in range(w.integer(1, 2)):
                y = page.clause(nth(marks[2], inner), w.statement(), y, 2)
        if w.chance(0.12):
            y = page.clause(nth(marks[3], 0), w.sentence(), y, 3)
    return y


def plan_title(page: Page, y: float) -> float:
    """A title in a frame, between two rules, or plain; return where the page goes on."""
    w, sheet = page.writer, page.sheet
    inset, kind = page.px(60), w.integer(0, 2)
    if kind == 0:
        sheet.frame(page.left + inset, y - page.px(95), page.right - inset, y + page.px(60), 5)
        sheet.frame(page.left + inset + 8, y - page.px(87), page.right - inset - 8, y + page.px(52), 2)
    elif kind == 1:
        for offset, thickness in ((-95, 10), (60, 10)):
            sheet.rule(page.left + inset, y + page.px(offset), page.right - inset, y + page.px(offset), thickness)
    style = page.title.resized(0.9)
    title = w.title()
    room = page.right - page.left - 3 * inset
    while sum(sheet.printed(word, style).advance + style.space for word in title.split()) > room:
        style = style.resized(0.9)
    sheet.line(title, page.middle, y + page.px(6), style, "center")
    return y + page.px(150)


def register(page: Page) -> None:
    """A register, a budget or a list: a title, the unit, and one large table with a sum."""
    w, sheet = page.writer, page.sheet
    landscape = sheet.width > sheet.height
    y = page.heading(
        w.pick((w.fill("{target} 현황"), w.fill("{paper}"), w.fill("{project} 내역"))),
        page.top + page.px(90),
        widely=w.chance(0.5),
    )
    small = page.text.resized(0.84)
    sheet.line(f"{w.year}. {w.integer(1, 12)}. 현재", page.left, y, small)
    sheet.line(w.pick(("(단위 : 천원)", "(단위: 명, %)", "[단위:㎡]", "(단위 : 원)")), page.right, y, small, "right")
    columns = w.integer(4, 7) if landscape else w.integer(3, 5)
    rows = w.integer(7, 14) if landscape else w.integer(8, 20)
    headers = ["연번", *table_headers(page, columns), "비고"]
    weights = np.array([0.6] + [1.0 + 0.6 * (header[-1] in "명용치소") for header in headers[1:-1]] + [0.9])
    widths = (weights / weights.sum() * (page.right - page.left)).tolist()
    body = [[str(number), *(w.cell(header) for header in headers[1:])] for number in range(1, rows + 1)]
    if w.chance(0.5):
        body.append(["계", *(w.amount() if header.endswith("액") else "" for header in headers[1:])])
    numeric = ("금액", "단가", "예산액", "지출액", "잔액", "보상액", "융자액", "지원금", "지급액")
    sheet.table(
        page.left,
        y + page.px(26),
        widths,
        [headers, *body],
        small,
        page.px(w.integer(78, 104)),
        aligns=["right" if header in numeric else "center" for header in headers],
        shade=w.pick((0, 0, 30, 45)),  # type: ignore[arg-type, call-overload]
        open_sides=w.chance(0.25),
        bottom=page.bottom,
    )
    page_number(page)


def regulation(page: Page) -> None:
    """An ordinance, a regulation or a public notice in articles."""
    w, sheet = page.writer, page.sheet
    name = w.fill(
        w.pick(("{project} 운영 조례", "{act} 및 {act2}에 관한 규칙", "{target} 관리 규정", "{project} 공고"))
    )
    y = page.top + page.px(60)
    sheet.line(f"{w.district} 공고 제{w.year}-{w.integer(1, 999)}호", page.left, y, page.text)
    y = page.heading(name, y + page.px(150), widely=w.chance(0.4))
    if w.chance(0.6):
        dates = f"[시행 {w.date()}] [{w.district}조례 제{w.integer(100, 2999)}호, {w.date()}, 일부개정]"
        sheet.line(dates, page.middle, y, page.text.resized(0.8), "center", BLUE if w.chance(0.5) else BLACK)
        y += page.pitch
    y += page.pitch * 0.6
    subjects = vocabulary.words("목적 정의 적용범위 신청 설치 구성 회의 운영 기준 지원 취소 보고 준용 위임 감독 비용")
    first = w.integer(1, 20)
    for number in range(first, first + w.integer(3, 6)):
        subject = subjects[0] if number == 1 else w.pick(subjects)
        y = page.running(f"제{number}조({subject}) {w.article()}", page.left, y, page.text.size * 1.0)
        if w.chance(0.45):
            for item in range(w.integer(2, 3)):
                y = page.clause(f"{item + 1}.", w.statement(), y, 1)
        elif w.chance(0.5):
            y = page.clause(CIRCLED[1], w.article(), y, 1)
        if y > page.bottom:
            break
    if y < page.bottom - 3 * page.pitch and w.chance(0.5):
        sheet.line("부 칙", page.middle, y + page.pitch * 0.5, page.bold, "center")
        page.running(f"제1조(시행일) 이 조례는 {w.date()}부터 시행한다.", page.left, y + page.pitch * 1.7)
    page_number(page)


def form(page: Page) -> None:
    """An application on a form: fields in a table with upright labels, a sentence, date, signature, enclosures."""
    w, sheet = page.writer, page.sheet
    small, y = page.text.resized(0.82), page.top
    sheet.line(f"[별지 제{w.integer(1, 39)}호서식] <개정 {w.date()}>", page.left, y, small)
    title = w.pick(tuple(paper for paper in w.topic.papers if paper.endswith(("서", "신고", "부"))) or w.topic.papers)
    y = int(page.heading(title, y + page.px(150), widely=True))
    top = y
    label, name_width, height = page.px(90), page.px(300), page.px(w.integer(92, 150))
    half = (page.right - page.left - label) / 2
    for group in range(w.integer(2, 3)):
        count = w.integer(2, 4)
        fields = w.random.choice(len(vocabulary.FORM_FIELDS), size=count * 2, replace=False)
        bottom = y + count * height
        sheet.vertical(w.pick(vocabulary.VERTICAL_LABELS), page.left + label / 2, y, bottom, small)
        sheet.rule(page.left + label, y, page.left + label, bottom, 3)
        for number, field in enumerate(fields.tolist()):
            x = page.left + label + (number % 2) * half
            upper = y + (number // 2) * height
            name = vocabulary.FORM_FIELDS[field]
            sheet.rule(x, upper, x + half, upper, 3)
            sheet.rule(x + name_width, upper, x + name_width, upper + height, 3)
            if number % 2:
                sheet.rule(x, upper, x, upper + height, 3)
            sheet.cell(name, x, upper, x + name_width, upper + height, small)
            value = form_value(w, name) if w.chance(0.85) else ""
            sheet.cell(value, x + name_width, upper, x + half, upper + height, page.text, "left")
        sheet.rule(page.left, bottom, page.right, bottom, 3)
        y = round(bottom)
    y = round(
        page.running(
            w.fill("「{law}」 제{small}조 및 같은 법 시행규칙 제{num}조에 따라 위와 같이 신청합니다."),
            page.left + page.px(40),
            y + page.pitch * 1.2,
            inset=page.px(40),
        )
    )
    month, day = w.integer(1, 12), w.integer(1, 28)
    sheet.line(f"{w.year} 년 {month} 월 {day} 일", page.middle + page.px(300), y + page.pitch, page.text, "center")
    sheet.line(
        f"신청인 {w.person()} (서명 또는 인)", page.right - page.px(60), y + page.pitch * 2.2, page.text, "right"
    )
    sheet.line(f"{w.head()} 귀하", page.left + page.px(60), y + page.pitch * 3.6, page.title.resized(0.7))
    if w.chance(0.5):
        sheet.seal(
            w.person(), page.right - page.px(90), y + page.pitch * 2.0, page.px(100), page.title, round_shape=True
        )
    lower = min(y + page.pitch * 4.4, page.bottom)
    sheet.rule(page.left, lower, page.right, lower, 3)
    y = round(lower + page.pitch)
    sheet.line("※ 구비서류", page.left + page.px(30), y, page.bold.resized(0.85))
    for number in range(w.integer(1, 3)):
        y = round(page.clause(f"{number + 1}.", w.pick(vocabulary.ATTACHMENTS), y + page.pitch, 1) - page.pitch)
    fee = f"수수료 {w.integer(1, 30)},000원"
    sheet.line(fee, page.right - page.px(30), round(lower + page.pitch), small, "right")
    sheet.frame(page.left, top, page.right, min(y + page.pitch * 0.8, page.bottom + page.px(90)), 5)
    sheet.line(
        f"210㎜×297㎜(보존용지(2종) {w.pick(('60', '70', '80'))}g/㎡)",
        page.right,
        page.bottom + page.px(150),
        small.resized(0.85),
        "right",
    )


def form_value(w: Writer, name: str) -> str:
    """What stands in a form's field of this name."""
    plain = name.replace(" ", "")
    if plain == "주민등록번호":
        return f"{w.integer(40, 99)}{w.integer(1, 12):02d}{w.integer(1, 28):02d}-{w.pick('12')}******"
    if plain in ("주소", "소재지", "본적", "시설명"):
        return w.address()
    if plain in ("상호",):
        return (
            w.pick(vocabulary.SURNAMES)
            + w.pick(("우", "성", "진", "흥"))
            + w.pick(("상사", "산업(주)", "건설㈜", "농원", "식당"))
        )
    if plain in ("사유", "변경전", "변경후"):
        return w.pick(vocabulary.REASONS)
    if plain in ("계좌번호", "사업자등록번호"):
        return f"{w.integer(100, 899)}-{w.integer(10, 99)}-{w.integer(10000, 99999)}"
    if plain in ("차량번호",):
        return f"{w.province} {w.integer(10, 99)}{w.pick('가나다라마거너더러머버서어저고노도로모보소오조구누두루무부수우주')}{w.integer(1000, 9999)}"
    if plain in FIXED_VALUES:
        return w.pick(FIXED_VALUES[plain])
    if plain in ("예금주", "설계자", "시공자", "감리자"):
        return w.person()
    return w.cell(plain)


def certificate(page: Page) -> None:
    """A permit, a certificate or an award: a frame, a number, few large lines, date, head and seal."""
    w, sheet = page.writer, page.sheet
    inset = page.px(90)
    if w.chance(0.7):
        sheet.frame(page.left - inset, page.top - inset, page.right + inset, page.bottom + inset, 12)
        sheet.frame(
            page.left - inset + page.px(24),
            page.top - inset + page.px(24),
            page.right + inset - page.px(24),
            page.bottom + inset - page.px(24),
            3,
        )
    sheet.line(f"제 {w.year} - {w.integer(1, 999)} 호", page.left, page.top + page.px(90), page.text)
    title = w.pick(
        ("허가증", "신고필증", "등록증", "위촉장", "표창장", "확인서", "수료증", "임명장", "영업신고증", "사용승인서")
    )
    y = page.heading(title, page.top + page.px(420), widely=True) + page.px(160)
    large = page.text.resized(1.15)
    for number in range(w.integer(3, 7)):
        name = w.pick(vocabulary.FORM_FIELDS)
        mark = f"{number + 1}." if w.chance(0.5) else ("○" if w.chance(0.3) else "")
        sheet.line(f"{mark} {name} :", page.left + page.px(60), y, large)
        value = form_value(w, name) or w.person()
        y = sheet.paragraph(value, page.left + page.px(640), y, page.right, large, large.size * 1.9)
    text = w.fill(
        w.pick(
            (
                "위와 같이 {law} 제{small}조의 규정에 의하여 {act}하였음을 증명합니다.",
                "귀하는 평소 {project}에 힘써 왔으며 특히 {purpose}에 이바지한 공이 크므로 이에 표창합니다.",
                "「{law}」 제{small}조제{small2}항에 따라 위와 같이 {act}합니다.",
                "위 사람을 {project} 추진위원으로 위촉합니다.",
            )
        )
    )
    y = sheet.paragraph(
        text, page.left + page.px(60), y + page.px(140), page.right - page.px(60), large.resized(1.1), large.size * 2.1
    )
    sheet.spread_words(
        f"{w.year} 년 {w.integer(1, 12)} 월 {w.integer(1, 28)} 일",
        page.middle - page.px(420),
        page.middle + page.px(420),
        y + page.px(200),
        large,
    )
    signature(page, min(y + page.px(480), page.bottom))


def minutes(page: Page) -> None:
    """Minutes of a meeting or a record of an inspection: a head table, then who said what."""
    w, sheet = page.writer, page.sheet
    y = page.heading(
        w.pick(("회의록", "업무일지", "출장복명서", "협의록", "현장확인서")), page.top + page.px(100), widely=True
    )
    small, height = page.text.resized(0.9), page.px(96)
    rows = [
        ("일 시", f"{w.date()} {w.time()} ~ {w.time(14, 17)}"),
        ("장 소", f"{w.pick(vocabulary.TOWNS)} {w.pick(('회의실', '현장', '2층 소회의실', '주민센터', '대강당'))}"),
        ("참석자", ", ".join(f"{w.pick(vocabulary.POSITIONS)} {w.person()}" for _ in range(w.integer(2, 4)))),
        ("안 건", w.title()),
    ][: w.integer(2, 4)]
    for name, value in rows:
        sheet.frame(page.left, y, page.right, y + height, 3)
        sheet.rule(page.left + page.px(320), y, page.left + page.px(320), y + height, 3)
        sheet.cell(name, page.left, y, page.left + page.px(320), y + height, small)
        sheet.cell(value, page.left + page.px(320), y, page.right, y + height, small, "left")
        y += height
    y += page.pitch * 1.4
    for _ in range(w.integer(4, 8)):
        speaker = (
            f"{w.pick(vocabulary.POSITIONS)} {w.person()}" if w.chance(0.6) else w.pick(("위원장", "간사", "의장"))
        )
        y = page.clause("○", f"{speaker} : {w.sentence()}", y)
        if w.chance(0.3):
            y = page.clause("-", w.statement(), y, 1)
        y += page.pitch * 0.15
    if y < page.bottom - page.px(260):
        sheet.line(
            f"{w.year}. {w.integer(1, 12)}. {w.integer(1, 28)}.", page.middle, y + page.px(90), page.text, "center"
        )
        signer = f"작성자 {w.pick(vocabulary.POSITIONS)} {w.person()} (인)"
        sheet.line(signer, page.right - page.px(80), y + page.px(200), page.text, "right")
    page_number(page)


def cover(page: Page) -> None:
    """A cover: a large title, the year, the office, and at times a box with instructions from above."""
    w, sheet = page.writer, page.sheet
    y = page.top + page.px(500)
    title = w.title()
    style = page.title.resized(1.2)
    sheet.line(f"{w.year}년도", page.middle, y, style.resized(0.8), "center")
    y = page.heading(title, y + page.px(240), widely=False) + page.px(120)
    sheet.rule(page.left + page.px(150), y - page.px(20), page.right - page.px(150), y - page.px(20), 10)
    if w.chance(0.6):
        small = page.text
        top, bottom = y + page.px(300), y + page.px(760)
        sheet.frame(page.left + page.px(200), top, page.right - page.px(200), bottom, 4)
        sheet.rule(page.left + page.px(320), top, page.left + page.px(320), bottom, 3)
        sheet.vertical(w.pick(("지시", "지시사항", "협의")), page.left + page.px(260), top, bottom, small)
        for number in range(w.integer(2, 4)):
            sheet.line(
                f"{number + 1}. {w.fill('{act} 철저')}",
                page.left + page.px(360),
                top + page.px(110 * (number + 1)),
                small,
            )
    sheet.line(w.date(), page.middle, page.bottom - page.px(420), page.title.resized(0.75), "center")
    name = w.district
    half = len(name) * page.title.size
    sheet.spread(name, page.middle - half, page.middle + half, page.bottom - page.px(200), page.title.resized(1.1))
    sheet.line(f"({w.department})", page.middle, page.bottom - page.px(70), page.text.resized(1.2), "center")


def page_number(page: Page) -> None:
    """The number at the foot, in one of the usual ways."""
    w = page.writer
    number = w.integer(1, 199)
    text = w.pick((f"- {number} -", str(number), f"{number}/{number + w.integer(1, 30)}", ""))
    if text:
        page.sheet.line(text, page.middle, page.bottom + page.px(140), page.text.resized(0.85), "center")


def fax_header(page: Page) -> None:
    """The line that a fax machine prints at the very edge; part of it can be cut off."""
    w, sheet = page.writer, page.sheet
    small = page.text.resized(0.7)
    y = small.size * (0.62 if w.chance(0.5) else 1.6)
    sheet.line(
        f"{w.year}-{w.integer(1, 12):02d}-{w.integer(1, 28):02d} {w.time()} FROM:{w.department} FAX:{w.phone()} "
        f"P.{w.integer(1, 9):02d}/{w.integer(10, 19)}",
        page.left - page.px(100),
        y,
        small,
    )


def edge_note(page: Page) -> None:
    """A filing number at the right edge, cut off by the scan."""
    w, sheet = page.writer, page.sheet
    small = page.text.resized(0.8)
    text = f"제{w.integer(1, 99)}호-{w.integer(1, 999)}"
    x = sheet.width - sheet.printed(text, small).advance + page.px(w.integer(6, 40))
    sheet.line(text, x, sheet.height * w.integer(2, 8) / 10, small)


KINDS: tuple[tuple[Callable[[Page], None], float], ...] = (
    (letter, 0.28),
    (plan, 0.18),
    (register, 0.16),
    (regulation, 0.09),
    (form, 0.12),
    (certificate, 0.06),
    (minutes, 0.07),
    (cover, 0.04),
)
"""The kinds and their shares."""


def compose(random: np.random.Generator, category: str, year: int, width: int, library: FontLibrary) -> Sheet:
    """Fill a sheet with a document.

    Args:
        random: The page's random numbers.
        category: One of `vocabulary.TOPICS`.
        year: The document's year.
        width: Pixels across the short side of the sheet, about 2,480 for 300 dots per inch.
        library: Faces to print with.

    Returns:
        The sheet, not yet turned nor spoilt.
    """
    shares = np.array([share for _, share in KINDS])
    kind = KINDS[int(random.choice(len(KINDS), p=shares / shares.sum()))][0]
    landscape = kind is register and random.random() < 0.4
    unit = width / NOMINAL_WIDTH
    short, long = width, round((3508 + int(random.integers(-8, 5))) * unit)
    size = (long, short) if landscape else (short, long)
    sheet = Sheet(*size, library, random, unit, break_syllables=bool(random.random() < 0.45))
    page = make_page(sheet, Writer(random, category, year))
    if not landscape and random.random() < 0.08:
        fax_header(page)
    if random.random() < 0.03:
        edge_note(page)
    kind(page)
    return sheet


def make_page(sheet: Sheet, writer: Writer) -> Page:
    """Choose faces, sizes and margins for a document."""
    random, library, px = sheet.random, sheet.library, sheet.px
    draw = random.random()
    kinds, settings = ("serif",) if draw < 0.5 else ("sans",), {}
    if draw > 0.93:
        kinds, settings = ("typewriter", "serif"), {"jitter": px(5)}
    elif draw > 0.87:
        settings = {"dots": 2}
    face = library.pick(random, kinds)
    bold = library.pick(random, (face.kind, "sans"), bold=True)
    title = library.pick(random, ("brush", "serif", "sans"), bold=bool(random.random() < 0.6))
    size = float(random.choice([40, 43, 46, 48, 50, 54]))
    stretch = float(random.choice([1.0, 1.0, 0.95, 0.9, 1.05]))
    spacing = float(random.choice([0, 0, 0, -0.04, 0.03, 0.06])) * size * sheet.unit
    margin = float(random.uniform(190, 300))
    text = sheet.style(face, size, stretch=stretch, spacing=spacing, **settings)
    return Page(
        sheet=sheet,
        writer=writer,
        text=text,
        bold=sheet.style(bold, size * 1.06),
        title=sheet.style(title, float(random.uniform(72, 104))),
        pitch=text.size * float(random.uniform(1.5, 2.3)),
        left=px(margin),
        right=sheet.width - px(margin),
        top=px(float(random.uniform(210, 300))),
        bottom=sheet.height - px(430),
        justify=bool(random.random() < 0.5),
    )

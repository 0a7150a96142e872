"""What pages of several kinds share: the type area, letterheads, boxes to sign in, small tables, seals, footers.

Lengths are pixels at 2,480 across (see `layout.py`); the sheet's origin is its upper left corner.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from train_easyocr.synthesis import vocabulary
from train_easyocr.synthesis.layout import BLACK, BLUE, Colour, Sheet
from train_easyocr.synthesis.render import Style
from train_easyocr.synthesis.sentences import SentenceWriter

CLAUSE_MARKS = (
    tuple(f"{number}." for number in range(1, 15)),
    tuple(f"{syllable}." for syllable in "가나다라마바사아자차카타파하"),
    tuple(f"{number})" for number in range(1, 15)),
    tuple(f"{syllable})" for syllable in "가나다라마바사아자차카타파하"),
    tuple(f"({number})" for number in range(1, 15)),
)
"""Marks of numbered clauses by depth, as the rules for official documents order them."""
SLOGANS = (
    "함께 여는 미래, 더 행복한 {city}",
    "“살기 좋은 고장, 활기찬 {city}”",
    "시민이 주인인 {city}",
    "꿈과 희망이 넘치는 {city}!",
    "깨끗한 환경 따뜻한 이웃 · {city}",
)


@dataclass
class DrawnPage:
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
    writer: SentenceWriter
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
            text, (x, y), self.right - inset, self.text, self.pitch, hang=hang, bottom=self.bottom, justify=self.justify
        )

    def heading(self, text: str, y: float, *, widely: bool) -> float:
        """Put a centred title down, its syllables far apart where it is short and `widely` is set.

        Old documents have longer titles set so, too.
        """
        style, old, characters = self.title, self.sheet.bilevel, len(text.replace(" ", ""))
        if (widely and characters <= 8) or (old and characters <= 12 and self.writer.chance(0.6)):
            half = min(len(text) * style.size * 0.95, (self.right - self.left) / 2)
            self.sheet.spread(text, (self.middle - half, self.middle + half), y, style)
            return y + style.size * 1.2
        while sum(self.sheet.printed(word, style).advance + style.space for word in text.split()) > (
            self.right - self.left
        ):
            style = style.resized(0.9)
        self.sheet.line(text, self.middle, y, style, align="center")
        return y + style.size * 1.2


def letterhead(page: DrawnPage) -> float:
    """The sender's name across the top, with a slogan or an old-style address line; return where it ends."""
    w, sheet, y = page.writer, page.sheet, page.top + page.px(40)
    if w.chance(0.35):
        sheet.line(w.fill(w.pick(SLOGANS)), page.middle, y, page.text.resized(0.9), align="center")
        y += page.px(30)
    y += page.title.size
    name = w.district if w.chance(0.75) else w.department
    half = len(name) * page.title.size * 0.85
    sheet.spread(name, (page.middle - half, page.middle + half), y, page.title)
    y += page.px(75)
    if w.chance(0.5):
        small = page.text.resized(0.72)
        address = f"우 {w.integer(100, 799)}-{w.integer(10, 899)} {w.address()} 전화 {w.phone()} / 전송 {w.phone()}"
        sheet.line(address, page.left, y, small)
        y += page.px(30)
    sheet.rule((page.left, y, page.right, y), w.pick((3, 6, 10)))
    return y


def recipients(page: DrawnPage, y: float) -> float:
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
            sheet.spread_words(name, (page.left, page.left + page.text.size * 4), y, page.text)
        style = page.bold if name == "제 목" else page.text
        start = page.left + page.text.size * 4.8
        stop = page.right if name == "제 목" else page.right - page.px(660)
        y = sheet.paragraph(value or " ", (start, y), stop, style, page.pitch) if value else y + page.pitch
    if w.chance(0.6):
        sheet.rule((page.left, y - page.pitch * 0.5, page.right, y - page.pitch * 0.5), 4)
    return y


def attachments(page: DrawnPage, y: float) -> float:
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


def signature(page: DrawnPage, y: float) -> None:
    """The head's title, its syllables apart, with the seal over its end."""
    w, sheet = page.writer, page.sheet
    head = w.head()
    half = len(head) * page.title.size * 0.72
    sheet.spread(head, (page.middle - half, page.middle + half), y, page.title)
    if w.chance(0.75):
        seal_x, seal_y = page.middle + half + page.px(60), y - page.title.size * 0.35
        sheet.seal((head + "의인인")[:9], (seal_x, seal_y), page.px(w.integer(210, 270)), page.title)


def letter_footer(page: DrawnPage) -> None:
    """Who drafted, checked and decided; the number under which it was sent; address, telephone, openness."""
    w, sheet = page.writer, page.sheet
    y: float = page.bottom + page.px(60)
    small = page.text.resized(0.74)
    sheet.rule((page.left, y - page.px(50), page.right, y - page.px(50)), 8)
    names = "   ".join(f"{title} {w.person()}" for title in ("기안자", "검토자", "협조자", "전결")[: w.integer(2, 4)])
    receiver = f"{w.pick(vocabulary.DEPARTMENTS)}-{w.number()}"
    received, openness = w.pick((" . . . ", *[w.date()] * 9)), w.pick(("공개", "비공개", "부분공개"))
    lines = [
        names,
        f"시행 {w.reference()} ({w.date()}) 접수 {receiver} ({received})",
        f"우 {w.integer(10000, 63999)} {w.address()} {w.pick(('/', '', ''))} http://www.city{w.integer(1, 99)}.go.kr",
        f"전화 {w.phone()} /전송 {w.phone()} {w.pick(('/', '', ''))} user{w.integer(1, 99)}@korea.kr {openness}",
    ]
    for text in lines[: w.integer(2, 4)]:
        sheet.line(text, page.left, y, small)
        y += small.size * 1.45


def approval_box(page: DrawnPage, right: float, top: float) -> float:
    """The box that superiors sign in: an upright "결재" and a column for each; return its lower side."""
    w, sheet = page.writer, page.sheet
    titles = vocabulary.APPROVERS[w.integer(0, len(vocabulary.APPROVERS) - 1)][:4]
    side, column, head, body = page.px(78), page.px(150), page.px(62), page.px(150)
    left = right - side - column * len(titles)
    bottom = top + head + body
    small = page.text.resized(0.85)
    sheet.frame((left, top, right, bottom), 4)
    sheet.rule((left + side, top + head, right, top + head), 3)
    sheet.vertical(w.pick(("결재", "결재", "결재", "협조", "확인")), left + side / 2, (top, bottom), small)
    for number, title in enumerate(titles):
        x = left + side + number * column
        sheet.rule((x, top, x, bottom), 3)
        sheet.cell(title, (x, top, x + column, top + head), small)
        middle = (x + column / 2, top + head + body / 2)
        if w.chance(0.25):
            sheet.line("전결", *middle, small, align="center")
        elif w.chance(0.6):
            colour = BLUE if w.chance(0.3) else BLACK
            sheet.scribble(middle, column * 0.7, body * 0.6, colour)
        elif w.chance(0.5):
            sheet.seal(w.person(), middle, page.px(95), page.title, round_shape=True)
    return bottom


def receipt_box(page: DrawnPage, left: float, top: float, colour: Colour) -> float:
    """The stamp of the office that received the document; return its lower side."""
    w, sheet = page.writer, page.sheet
    rows = [("일자", w.date()), ("시간", w.time()), ("번호", w.number()), ("처리과", w.department)]
    rows = rows[: w.integer(2, 4)]
    height, side, width = page.px(66), page.px(76), page.px(600)
    bottom = top + height * len(rows)
    small = page.text.resized(0.82)
    sheet.frame((left, top, left + width, bottom), 4, colour=colour)
    sheet.rule((left + side, top, left + side, bottom), 3, colour=colour)
    sheet.rule((left + side + page.px(150), top, left + side + page.px(150), bottom), 3, colour=colour)
    if len(rows) > 2:
        sheet.vertical(w.pick(("접수", "선결", "공람")), left + side / 2, (top, bottom), small)
    else:
        sheet.cell("접수", (left, top, left + side, bottom), small.resized(0.8))
    for number, (name, value) in enumerate(rows):
        y = top + number * height
        if number:
            sheet.rule((left + side, y, left + width, y), 3, colour=colour)
        sheet.cell(name, (left + side, y, left + side + page.px(150), y + height), small)
        sheet.cell(value, (left + side + page.px(150), y, left + width, y + height), small)
    return bottom


def small_table(page: DrawnPage, y: float, rows: int) -> float:
    """A table of a few columns over the width of the text; return its lower side."""
    w = page.writer
    headers = ["구 분", *table_headers(page, w.integer(2, 4)), "비고"]
    weights = np.array([1.3] + [1.6] * (len(headers) - 2) + [0.9])
    widths = weights / weights.sum() * (page.right - page.left)
    body = [[w.pick(w.topic.acts), *(w.cell(header) for header in headers[1:])] for _ in range(rows)]
    return (
        page.sheet.table(
            (page.left, y - page.pitch * 0.6),
            widths.tolist(),
            [headers, *body],
            page.text.resized(0.84),
            page.px(82),
            shade=w.pick((0, 0, 26, 40)),
            open_sides=w.chance(0.3),
            bottom=page.bottom,
        )
        + page.pitch
    )


def table_headers(page: DrawnPage, count: int) -> list[str]:
    """Titles of `count` columns, each of them once."""
    general = vocabulary.words("사업명 대상 수량 단위 금액 위치 기간 담당부서 연락처 품명 규격 성명 내용")
    both = list(dict.fromkeys([*page.writer.topic.headers, *general]))
    chosen = page.writer.random.choice(len(both), size=min(count, len(both)), replace=False)
    return [both[int(number)] for number in chosen]


def page_number(page: DrawnPage) -> None:
    """The number at the foot, in one of the usual ways."""
    w = page.writer
    number = w.integer(1, 199)
    text = w.pick(
        (f"- {number} -", f"-{number}-", f"-{number}-", str(number), f"{number}/{number + w.integer(1, 30)}", "")
    )
    if text:
        page.sheet.line(text, page.middle, page.bottom + page.px(140), page.text.resized(0.85), align="center")


def fax_header(page: DrawnPage) -> None:
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


def edge_note(page: DrawnPage) -> None:
    """A filing number at the right edge, cut off by the scan."""
    w, sheet = page.writer, page.sheet
    small = page.text.resized(0.8)
    text = f"제{w.integer(1, 99)}호-{w.integer(1, 999)}"
    x = sheet.width - sheet.printed(text, small).advance + page.px(w.integer(6, 40))
    sheet.line(text, x, sheet.height * w.integer(2, 8) / 10, small)

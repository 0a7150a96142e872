"""Kinds of pages that public offices produce, each a function that fills a sheet.

Letters, plans, registers, regulations, minutes and covers are here, forms and certificates in `forms.py`, what the
sample documents don't have in `further_kinds.py`. `compose_page` draws a kind and a document's faces, sizes and
margins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np

from train_easyocr.synthesis import vocabulary
from train_easyocr.synthesis.elements import (
    CLAUSE_MARKS,
    DrawnPage,
    approval_box,
    attachments,
    edge_note,
    fax_header,
    letter_footer,
    letterhead,
    page_number,
    receipt_box,
    recipients,
    signature,
    small_table,
    table_headers,
)
from train_easyocr.synthesis.filing import file_sheet
from train_easyocr.synthesis.fonts import FontLibrary
from train_easyocr.synthesis.forms import certificate, form
from train_easyocr.synthesis.further_kinds import STARTER_KINDS, UNSEEN_KINDS
from train_easyocr.synthesis.layout import BLACK, BLUE, NOMINAL_WIDTH, RED, Sheet
from train_easyocr.synthesis.render import Style
from train_easyocr.synthesis.sentences import Habits, SentenceWriter

BILEVEL = 0.6
"""Share of pages that are scanned to black and white."""
CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩"
SECTION_MARKS: tuple[tuple[tuple[str, ...], ...], ...] = (
    (("□",), ("○",), ("-",), ("·",)),
    (("Ⅰ.", "Ⅱ.", "Ⅲ.", "Ⅳ."), CLAUSE_MARKS[0], CLAUSE_MARKS[1], ("-",)),
    (("1.", "2.", "3.", "4."), CLAUSE_MARKS[1], CLAUSE_MARKS[2], CLAUSE_MARKS[3]),
    (("■",), ("○",), ("-",), ("※",)),
    (("◎",), ("○",), ("·",), ("*",)),
    (("▣",), ("▷",), ("·",), ("☞",)),
    (("□",), ("ο",), ("·",), ("※",)),
)
"""Marks of a plan's sections, lines, and lines below them; where there are several they count up."""
PLAN_SECTIONS = ("추진목적", "추진배경", "사업개요", "추진방침", "세부추진계획", "추진일정", "소요예산", "기대효과")
REPORT_SECTIONS = ("개 요", "추진근거", "추진실적", "점검결과", "문제점 및 대책", "향후계획", "행정사항", "건의사항")


def letter(page: DrawnPage) -> None:
    """A letter from one office to another: letterhead, recipients, clauses, the head's name and seal, footer."""
    w = page.writer
    y = letterhead(page)
    approvals = w.chance(0.35)
    if approvals:
        approval_box(page, page.right, y + page.px(10))
    elif w.chance(0.4):
        receipt_box(page, page.right - page.px(620), y + page.px(10), w.pick((BLUE, BLACK, RED)))
    y = recipients(page, y + page.px(70))
    y = clauses(page, y + page.pitch, w.integer(3, 6), w.request)
    if w.chance(0.3) and y < page.bottom - 9 * page.pitch:
        y = small_table(page, y, w.integer(3, 6)) + page.pitch
    y = attachments(page, y + page.pitch * 0.5)
    head = page.bottom - page.px(240) if y < page.bottom - page.px(420) else y + page.px(110)
    if head < page.bottom - page.px(60):
        signature(page, head)
    letter_footer(page)


def clauses(page: DrawnPage, y: float, count: int, write: Callable[[], str]) -> float:
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


def plan(page: DrawnPage) -> None:
    """A plan or a report: a framed title, marked sections in note form, perhaps a table."""
    w, sheet = page.writer, page.sheet
    y: float = page.top
    if w.chance(0.4):
        y = approval_box(page, page.right, page.top) + page.px(50)
    y = plan_title(page, y + page.px(80))
    sheet.line(
        w.pick(("{} {}", "{}, {}", "({} {})")).format(w.date(), w.department),
        page.right,
        y,
        page.text.resized(0.9),
        align="right",
    )
    y += page.pitch * 1.6
    marks = SECTION_MARKS[1 if w.chance(0.3) else 2] if w.chance(0.6) else w.pick(SECTION_MARKS)
    names = PLAN_SECTIONS if w.chance(0.5) else REPORT_SECTIONS
    count = w.integer(3, 5)
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


def plan_section(page: DrawnPage, y: float, marks: tuple[tuple[str, ...], ...]) -> float:
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


def plan_title(page: DrawnPage, y: float) -> float:
    """A title in a frame, between two rules, or plain; return where the page goes on."""
    w, sheet = page.writer, page.sheet
    inset, kind = page.px(60), w.integer(0, 2)
    if kind == 0:
        sheet.frame((page.left + inset, y - page.px(95), page.right - inset, y + page.px(60)), 5)
        sheet.frame((page.left + inset + 8, y - page.px(87), page.right - inset - 8, y + page.px(52)), 2)
    elif kind == 1:
        for offset, thickness in ((-95, 10), (60, 10)):
            sheet.rule((page.left + inset, y + page.px(offset), page.right - inset, y + page.px(offset)), thickness)
    style = page.title.resized(0.9)
    title = w.title()
    room = page.right - page.left - 3 * inset
    if sheet.bilevel and len(title) * style.size * 1.1 < room:
        half = min(len(title) * style.size * 1.6, room) / 2
        sheet.spread(title, (page.middle - half, page.middle + half), y + page.px(6), style)
        return y + page.px(150)
    while sum(sheet.printed(word, style).advance + style.space for word in title.split()) > room:
        style = style.resized(0.9)
    sheet.line(title, page.middle, y + page.px(6), style, align="center")
    return y + page.px(150)


def register(page: DrawnPage) -> None:
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
    sheet.line(
        w.pick(("(단위 : 천원)", "(단위: 명, %)", "[단위:㎡]", "(단위 : 원)")), page.right, y, small, align="right"
    )
    columns = w.integer(5, 8) if landscape else w.integer(4, 6)
    rows = w.integer(8, 14) if landscape else w.integer(8, 20)
    headers = ["연번", *table_headers(page, columns), "비고"]
    weights = np.array([0.6] + [1.0 + 0.6 * (header[-1] in "명용치소") for header in headers[1:-1]] + [0.9])
    widths = (weights / weights.sum() * (page.right - page.left)).tolist()
    body = [[str(number), *(w.cell(header) for header in headers[1:])] for number in range(1, rows + 1)]
    if w.chance(0.5):
        body.append(["계", *(w.amount() if header.endswith("액") else "" for header in headers[1:])])
    numeric = ("금액", "단가", "예산액", "지출액", "잔액", "보상액", "융자액", "지원금", "지급액")
    sheet.table(
        (page.left, y + page.px(26)),
        widths,
        [headers, *body],
        small,
        page.px(w.integer(78, 104)),
        aligns=["right" if header in numeric else "center" for header in headers],
        shade=w.pick((0, 0, 30, 45)),
        open_sides=w.chance(0.25),
        bottom=page.bottom,
    )
    page_number(page)


def regulation(page: DrawnPage) -> None:
    """An ordinance, a regulation or a public notice in articles."""
    w, sheet = page.writer, page.sheet
    name = w.fill(
        w.pick(("{project} 운영 조례", "{act} 및 {act2}에 관한 규칙", "{target} 관리 규정", "{project} 공고"))
    )
    y: float = page.top + page.px(60)
    sheet.line(f"{w.district} 공고 제{w.year}-{w.integer(1, 999)}호", page.left, y, page.text)
    y = page.heading(name, y + page.px(150), widely=w.chance(0.4))
    if w.chance(0.6):
        dates = f"[시행 {w.date()}] [{w.district}조례 제{w.integer(100, 2999)}호, {w.date()}, 일부개정]"
        sheet.line(
            dates, page.middle, y, page.text.resized(0.8), align="center", colour=BLUE if w.chance(0.5) else BLACK
        )
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
        sheet.line("부 칙", page.middle, y + page.pitch * 0.5, page.bold, align="center")
        page.running(f"제1조(시행일) 이 조례는 {w.date()}부터 시행한다.", page.left, y + page.pitch * 1.7)
    page_number(page)


def minutes(page: DrawnPage) -> None:
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
        sheet.frame((page.left, y, page.right, y + height), 3)
        sheet.rule((page.left + page.px(320), y, page.left + page.px(320), y + height), 3)
        sheet.cell(name, (page.left, y, page.left + page.px(320), y + height), small)
        sheet.cell(value, (page.left + page.px(320), y, page.right, y + height), small, align="left")
        y += height
    y += page.pitch * 1.4
    marks = w.pick((("○",), ("□",), CLAUSE_MARKS[0], CLAUSE_MARKS[1]))
    for number in range(w.integer(6, 11)):
        speaker = (
            f"{w.pick(vocabulary.POSITIONS)} {w.person()}" if w.chance(0.6) else w.pick(("위원장", "간사", "의장"))
        )
        y = page.clause(nth(marks, number), f"{speaker} {w.pick((':', '-', '', '', '', ''))} {w.sentence()}", y)
        if w.chance(0.15):
            y = page.clause("-", w.statement(), y, 1)
        y += page.pitch * 0.15
    if y < page.bottom - page.px(260):
        sheet.line(
            f"{w.year}. {w.integer(1, 12)}. {w.integer(1, 28)}.",
            page.middle,
            y + page.px(90),
            page.text,
            align="center",
        )
        signer = f"작성자 {w.pick(vocabulary.POSITIONS)} {w.person()} (인)"
        sheet.line(signer, page.right - page.px(80), y + page.px(200), page.text, align="right")
    page_number(page)


def cover(page: DrawnPage) -> None:
    """A cover: a large title, the year, the office, and at times a box with instructions from above."""
    w, sheet = page.writer, page.sheet
    y: float = page.top + page.px(500)
    style = page.title.resized(1.2)
    sheet.line(f"{w.year}년도", page.middle, y, style.resized(0.8), align="center")
    y = page.heading(w.title(), y + page.px(240), widely=False) + page.px(120)
    sheet.rule((page.left + page.px(150), y - page.px(20), page.right - page.px(150), y - page.px(20)), 10)
    if w.chance(0.6):
        small = page.text
        top, bottom = y + page.px(300), y + page.px(760)
        sheet.frame((page.left + page.px(200), top, page.right - page.px(200), bottom), 4)
        sheet.rule((page.left + page.px(320), top, page.left + page.px(320), bottom), 3)
        sheet.vertical(w.pick(("지시", "지시사항", "협의")), page.left + page.px(260), (top, bottom), small)
        for number in range(w.integer(2, 4)):
            sheet.line(
                f"{number + 1}. {w.fill('{act} 철저')}",
                page.left + page.px(360),
                top + page.px(110 * (number + 1)),
                small,
            )
    sheet.line(w.date(), page.middle, page.bottom - page.px(420), page.title.resized(0.75), align="center")
    name = w.district
    half = len(name) * page.title.size
    sheet.spread(name, (page.middle - half, page.middle + half), page.bottom - page.px(200), page.title.resized(1.1))
    sheet.line(f"({w.department})", page.middle, page.bottom - page.px(70), page.text.resized(1.2), align="center")


KINDS: tuple[tuple[Callable[[DrawnPage], None], float], ...] = (
    (letter, 0.28),
    (plan, 0.18),
    (register, 0.16),
    (regulation, 0.09),
    (form, 0.12),
    (certificate, 0.05),
    (minutes, 0.09),
    (cover, 0.03),
)
"""The sample documents' kinds and their shares."""
KindSet = Literal["sample", "starter", "unseen"]
KIND_SETS: dict[KindSet, tuple[tuple[Callable[[DrawnPage], None], float], ...]] = {
    "sample": KINDS,
    "starter": (*KINDS, *((kind, 1.5 * share) for kind, share in STARTER_KINDS)),
    "unseen": UNSEEN_KINDS,
}
"""The starter weights are trained on the sample's kinds, other pages of them, and more often on further ones."""


def compose_page(
    random: np.random.Generator,
    category: str,
    year: int,
    width: int,
    library: FontLibrary,
    *,
    kinds: KindSet = "sample",
) -> Sheet:
    """Fill a sheet with a document.

    Args:
        random: The page's random numbers.
        category: One of `vocabulary.TOPICS`.
        year: The document's year.
        width: Pixels across the short side of the sheet, about 2,480 for 300 dots per inch.
        library: Faces to print with.
        kinds: Which kinds of pages. Those that are not of the sample differ more in print, too: signs as wide as
            syllables, lines that nearly touch.

    Returns:
        The sheet, not yet turned nor spoilt. Most are for a scan to black and white (`Sheet.bilevel`): older documents,
        filed, noted on by hand and punched.
    """
    chosen = KIND_SETS[kinds]
    shares = np.array([share for _, share in chosen])
    kind = chosen[int(random.choice(len(chosen), p=shares / shares.sum()))][0]
    landscape = kind is register and random.random() < 0.4
    unit = width / NOMINAL_WIDTH
    short, long = width, round((3508 + int(random.integers(-8, 5))) * unit)
    size = (long, short) if landscape else (short, long)
    bilevel = bool(random.random() < BILEVEL)
    sheet = Sheet(*size, library, random, unit, break_syllables=bool(random.random() < 0.45), bilevel=bilevel)
    page = make_page(sheet, SentenceWriter(random, category, year))
    as_labelled(page)
    if kinds != "sample":
        _vary(page)
    if not landscape and random.random() < 0.08:
        fax_header(page)
    if random.random() < 0.03:
        edge_note(page)
    kind(page)
    if bilevel:
        file_sheet(page)
    return sheet


def as_labelled(page: DrawnPage) -> None:
    """Write and label a document as those of the real set are."""
    sheet, random = page.sheet, page.sheet.random
    old = sheet.bilevel
    page.writer.habits = Habits(
        colons=bool(random.random() < 0.5),
        colons_apart=bool(random.random() < 0.8),
        straight_quotes=bool(random.random() < (0.8 if old else 0.3)),
        run_together=float(random.choice([0.0, 0.05, 0.15])) if old else 0.0,
    )
    sheet.spaced_labels = 0.15
    sheet.dittos, sheet.dashes = (0.03, float(random.choice([0.0, 0.0, 0.0, 0.4]))) if old else (0.0, 0.05)


def _vary(page: DrawnPage) -> None:
    """Change a document's print in ways that the sample's does not have."""
    random = page.sheet.random
    wide = bool(random.random() < 0.55)
    page.text, page.bold, page.title = (replace(s, wide_signs=wide) for s in (page.text, page.bold, page.title))
    if random.random() < 0.4:
        page.text = page.text.resized(float(random.uniform(0.75, 0.95)))
    if random.random() < 0.15:
        page.text = replace(page.text, spacing=page.text.size * float(random.uniform(0.08, 0.3)))
    if random.random() < 0.6:
        # Black and white, too: a detector that sees wide gaps alone there joins the words of today's documents.
        page.text = replace(page.text, gap=float(random.uniform(0.18, 0.4)))
    page.pitch = page.text.size * float(random.uniform(1.15, 2.3))
    if random.random() < 0.5:
        page.sheet.cell_pitch = float(random.uniform(1.0, 1.25))


def make_page(sheet: Sheet, writer: SentenceWriter) -> DrawnPage:
    """Choose faces, sizes and margins for a document."""
    random, library, px = sheet.random, sheet.library, sheet.px
    draw, old = random.random(), sheet.bilevel
    kinds: tuple[str, ...] = ("serif",) if draw < (0.85 if old else 0.5) else ("sans",)
    if draw > 0.93:
        kinds = ("typewriter", "serif")
    face = library.pick(random, kinds)
    # The heavy sans faces of today's documents are younger than the pages that are scanned to black and white.
    bold = library.pick(random, (face.kind,) if old else (face.kind, "sans"), bold=True)
    titles = ("brush", "serif") if old else ("brush", "serif", "sans")
    title = library.pick(random, titles, bold=bool(random.random() < (0.3 if old else 0.6)))
    size = float(random.choice([46, 48, 50, 50, 50, 52] if old else [40, 43, 46, 48, 50, 54]))
    stretch = float(random.choice([1.0, 1.0, 0.95, 0.9, 1.05]))
    spacing = float(random.choice([0, 0, 0, -0.04, 0.03, 0.06])) * size * sheet.unit
    margin = float(random.uniform(190, 300))
    text = Style(
        face,
        max(8, round(size * sheet.unit)),
        stretch=stretch,
        spacing=spacing,
        dots=2 if 0.87 < draw <= 0.93 else 0,
        jitter=px(5) if draw > 0.93 else 0,
        gap=float(random.uniform(0.4, 0.8)) if old else 0.25,
        old_units=old,
    )
    return DrawnPage(
        sheet=sheet,
        writer=writer,
        text=text,
        bold=Style(bold, max(8, px(size * 1.06))),
        title=Style(
            title, max(8, px(size * float(random.uniform(1.8, 2.1)) if old else float(random.uniform(72, 104))))
        ),
        pitch=text.size * float(random.uniform(1.6, 2.2) if old else random.uniform(1.4, 2.0)),
        left=px(margin),
        right=sheet.width - px(margin),
        top=px(float(random.uniform(210, 300))),
        bottom=sheet.height - px(430),
        justify=bool(random.random() < 0.5),
    )

"""Kinds of pages that the sample documents don't have: some to train the starter weights on, some to test them on.

Rules in dense print, criteria in tables of tight lines, calculations, contents with leaders, timetables: what is rare
on the sample's pages is frequent here. Dots and quotes within words, lone signs, single digits, lines that touch.
"""

from __future__ import annotations

import numpy as np

from train_easyocr.synthesis import vocabulary
from train_easyocr.synthesis.elements import CLAUSE_MARKS, DrawnPage, page_number, small_table, table_headers
from train_easyocr.synthesis.layout import BLACK, BLUE, RED
from train_easyocr.synthesis.sentences import SentenceWriter

DOTTED = vocabulary.words(
    "{act}·{act2} 시·도 시장·군수·구청장 읍·면·동 구성·운영 설치·운영·폐지 사망·폐업 전기·정보통신·소방시설 "
    "{department}·{department2} 양도·인수·합병 {thing}ㆍ{thing2} {thing}·{thing2}·{thing3} 면허ㆍ허가ㆍ등록 "
    "종류·기간 도지사·특별자치도지사 시험·조사 정신적ㆍ신체적 {month}·{day}"
)
"""What middle dots join to one word."""
PARTICLES = ("", "", "의", "에", "을", "은", "이", "로", "하는", "(이하", "등", "에게", "에서", "별로", ",")
"""What follows such a word."""
QUOTED = vocabulary.words(
    "‘{syllable}’목의 ‘{syllable}’목 “{act}”{이란/란} ‘{act}’ “{target}”은 ‘{small}).’의 ’{two}.{month}.{day}. "
    "「{law}」 (‘{act}’)"
)
RANGED = vocabulary.words(
    "{num}%이상～{num}%미만 {small}~{num} {num}∼{num} {amount}원~{amount}원 {two}.{month}.~{two}.{month}. "
    "{small}-{small2} ±{small}점 {num}×{num} "
    "{year}.{month}.{day}. {year}.{two}.{two}. {percent}% <개정 {year}.> [별표 {small}]"
)
LONE = vocabulary.words(
    ": - ~ = · × + / ∼ → ※ ○ 및 등 제 각 그 수 할 중 A B 1 2 5 ( ) 및 또는 . * ÷ < > ▷ “ ” ㆍ 자 이 을"
)
"""Signs, syllables, letters and digits that stand alone."""
SYLLABLES = "가나다라마바사아자차카타파하"


def phrase(w: SentenceWriter) -> str:
    """A few words, among them such as print often spoils: with dots, quotes and tildes, or of one sign."""
    draw = w.random.random()
    if draw < 0.4:
        return w.statement()
    if draw < 0.6:
        return f"{w.article()} {_filled(w, w.pick(DOTTED))}{w.pick(PARTICLES)}"
    words = []
    for _ in range(w.integer(2, 7)):
        sort = w.pick((DOTTED, DOTTED, QUOTED, RANGED, LONE))
        words.append(_filled(w, w.pick(sort)) + (w.pick(PARTICLES) if sort is DOTTED else ""))
        if w.chance(0.6):
            words.append(w.pick(w.article().split()))
    return " ".join(words)


def _filled(w: SentenceWriter, template: str) -> str:
    """Return a template filled, as one word."""
    own = {"{syllable}": w.pick(SYLLABLES), "{two}": f"{w.integer(1, 28):02d}"}
    for slot, value in own.items():
        template = template.replace(slot, value)
    return "".join(w.fill(template).split())


def amendments(page: DrawnPage) -> None:
    """A rule with the list of its amendments: columns of dates and numbers, then dense articles."""
    w, sheet = page.writer, page.sheet
    y = page.heading(w.fill("{act} 규칙"), page.top, widely=w.chance(0.5)) + page.pitch * 0.5
    name, wide = _filled(w, "{project}규칙"), w.chance(0.5)
    column, small = page.middle - page.px(w.integer(100, 400)), page.text.resized(0.9)
    for number in range(w.integer(4, 9)):
        date = f"{w.year + number}.{w.integer(1, 12):2d}.{w.integer(1, 28):2d}."
        x = sheet.line(f"{'개정' if number else '제정'} {date}", column, y, small) + small.space
        sheet.line(f"{name} 제{' ' if wide else ''}{w.integer(1, 199)}호", x, y, small)
        y += small.size * float(w.random.uniform(1.0, 1.5))
    y += page.pitch
    while y < page.bottom:
        subject = w.pick(("목적", "정의", "적용범위", "벌칙", "고발", "위원회의 구성ㆍ운영", "신청ㆍ접수"))
        y = page.running(f"제{w.integer(1, 130)}조({subject}) {w.article()} {phrase(w)}", page.left, y, page.text.size)
        for item in range(w.integer(0, 3)):
            y = page.clause(w.pick((f"{item + 1}.", f"{CLAUSE_MARKS[3][item]}", "①②③"[item])), phrase(w), y, 1)
    numbered(page)


def numbered(page: DrawnPage) -> None:
    """The number at the foot between two lone hyphens, far from them or near, or one of the usual ways."""
    if page.writer.chance(0.3):
        page_number(page)
        return
    style = page.text.resized(float(page.writer.random.uniform(0.75, 1.0)))
    text, half = f"- {page.writer.integer(1, 60)} -", style.size * float(page.writer.random.uniform(1.0, 3.0))
    page.sheet.spread_words(text, (page.middle - half, page.middle + half), page.bottom + page.px(150), style)


def criteria(page: DrawnPage) -> None:
    """Criteria of an assessment: numbered lines, a formula, a table whose cells are full of text."""
    w, sheet = page.writer, page.sheet
    y = float(page.top)
    for number in range(w.integer(2, 5)):
        y = page.clause(f"{number + 1}.", f"{w.pick(w.topic.acts)}({w.integer(2, 30)}점) : {phrase(w)}", y)
        for item in range(w.integer(0, 4)):
            grade = f"{'ABCDEF'[item]} {w.pick((':', ':', '-', '='))} {w.integer(1, 100)}%{w.pick(('이상', '미만'))}"
            x = page.left + page.px(w.integer(100, 220))
            sheet.line(f"{grade} : {w.integer(10, 199) / 10}점", x, y, page.text)
            y += page.pitch
    if y < page.bottom - page.px(300):
        y = _fraction(page, y + page.pitch)
    sheet.cell_pitch = float(w.random.uniform(0.98, 1.15))
    columns = w.pick(((0.12, 0.2, 0.56, 0.12), (0.18, 0.67, 0.15), (0.5, 0.5)))
    page.text = page.text.resized(float(w.random.uniform(0.75, 0.95)))
    while y < page.bottom - page.px(150):
        y = _full_row(page, y, page.px(w.integer(110, 330)), columns)
    numbered(page)


def _full_row(page: DrawnPage, y: float, height: float, columns: tuple[float, ...]) -> float:
    """A row of a table: a sign in narrow columns, as much text as fits in wide ones; return its lower side."""
    w, x = page.writer, float(page.left)
    for share in columns:
        right = x + share * (page.right - page.left)
        if share < 0.15:
            text = w.pick((str(w.integer(1, 9)), f"{w.integer(-5, 5):+d}점", "-", "〃", "±1", "계"))
        else:
            text = " ".join(phrase(w) for _ in range(3 if share > 0.3 else 1))
        room = max(2, round((right - x) * height / page.text.size**2 / 1.6))
        area = (x, y, right, y + height)
        page.sheet.cell(_cut(text, room), area, page.text, align="center" if share < 0.3 else "left")
        page.sheet.frame(area, 3)
        x = right
    return y + height


def _cut(text: str, characters: int) -> str:
    """Return as many whole words as `characters` allows, at least one."""
    kept: list[str] = []
    for word in text.split():
        if kept and sum(len(one) + 1 for one in kept) + len(word) > characters:
            break
        kept.append(word)
    return " ".join(kept)


def _fraction(page: DrawnPage, y: float) -> float:
    """A formula: a name, an equals sign, a fraction between lines of print; return the next base line."""
    w, sheet, style = page.writer, page.sheet, page.text
    x = sheet.line(f"{w.pick(w.topic.acts)} 점수 {w.pick(('=', ':'))}", page.left + page.px(60), y, style) + style.size
    upper, lower = (f"{w.pick(('입찰가격', '당해연도', '실적액'))} - {w.pick('AB')}" for _ in range(2))
    width = max(sheet.printed(word, style).advance for word in (upper, lower)) + style.size * 2
    sheet.rule((x, y - style.size * 0.35, x + width, y - style.size * 0.35), 3)
    sheet.line(upper, x + width / 2, y - style.size * 0.6, style, align="center")
    sheet.line(lower, x + width / 2, y + style.size * 0.75, style, align="center")
    end = sheet.line(f"× {w.integer(1, 100)} {w.pick('+-')} {w.integer(1, 9)}", x + width + style.size * 0.4, y, style)
    sheet.line(w.pick(("( 점 )", "-", "= A")), end + style.size, y, style)
    return y + page.pitch * 1.8


def contents(page: DrawnPage) -> None:
    """A table of contents: leaders, which are no words, between titles and page numbers."""
    w, sheet, style = page.writer, page.sheet, page.text
    y = page.heading(w.pick(("목 차", "차 례", "목차")), page.top + page.px(80), widely=True) + page.pitch
    pitch = page.pitch * float(w.random.uniform(0.8, 1.3))
    dot, number, chapter = sheet.printed(w.pick((".", "·", "…", "-")), style), w.integer(1, 9), 0
    step = max(dot.advance, style.size * float(w.random.uniform(0.25, 0.6)))
    while y < page.bottom:
        chapter += 1
        mark = w.pick((f"{chapter}.", f"제{chapter}장", "ⅠⅡⅢⅣⅤ"[chapter % 5] + ".", "○", "-"))
        pen = sheet.line(f"{mark} {w.title()}", page.left + page.px(60 * w.integer(0, 2)), y, style) + style.size * 0.5
        end = page.right - sheet.printed(str(number), style).advance
        while pen < end - step:
            sheet.put(dot, pen, y, label=False)
            pen += step
        sheet.line(str(number), page.right, y, style, align="right")
        number += w.integer(1, 9)
        y += pitch
    numbered(page)


def calculations(page: DrawnPage) -> None:
    """A budget with its calculations: purposes left, products of numbers, sums right."""
    w, sheet = page.writer, page.sheet
    y = page.heading(w.fill("{project} 산출내역"), page.top + page.px(60), widely=False)
    sheet.line("(단위 : 원)", page.right, y, page.text.resized(0.85), align="right")
    y += page.pitch
    while y < page.bottom:
        if w.chance(0.25):
            sheet.line(
                f"{w.pick(CLAUSE_MARKS[1])} {w.pick(w.topic.acts)} {w.pick((':', '-'))}", page.left, y, page.bold
            )
        else:
            what = f"{w.pick('-·○▷*ㆍ')} {w.thing()} {w.pick((':', '-', '→'))}"
            product = f"{w.amount(6)}원 {w.pick('×x*')} {w.integer(1, 60)}{w.pick(('명', '월', '회', '개소'))} ="
            x = sheet.line(f"{what} {product}", page.left + page.px(60 * w.integer(0, 2)), y, page.text)
            total = w.pick((w.amount(), "-", "0", f"△{w.amount(6)}", f"{w.amount()}원"))
            if x < page.right - sheet.printed(total, page.text).advance - page.text.size:
                sheet.line(total, page.right, y, page.text, align="right")
        y += page.pitch * float(w.random.uniform(0.85, 1.2))
    numbered(page)


def dense(page: DrawnPage) -> None:
    """Rules in small print, in one column or in two, with the lines close to each other."""
    w, sheet = page.writer, page.sheet
    two, gutter = w.chance(0.5), page.px(45)
    style = page.text.resized(float(w.random.uniform(0.65, 0.95)))
    pitch = style.size * float(w.random.uniform(1.02, 1.5))
    halves = ((page.left, page.middle - gutter), (page.middle + gutter, page.right))
    for left, right in halves if two else ((page.left, page.right),):
        y = float(page.top)
        while y < page.bottom:
            number = w.integer(1, 9)
            mark = w.pick(("", "", f"{number}.", f"{w.pick(SYLLABLES)}.", f"{number})", "①", "②", "-", "※"))
            text, hang = f"{mark} {phrase(w)} {phrase(w)}", w.pick((0.0, float(style.size)))
            y = sheet.paragraph(
                text, (left, y), right, style, pitch, hang=hang, bottom=page.bottom, justify=page.justify
            )
            y += pitch * w.pick((0.0, 0.0, 0.3))
    if two and w.chance(0.5):
        sheet.rule((page.middle, page.top - page.px(60), page.middle, page.bottom), 3)
    numbered(page)


def timetable(page: DrawnPage) -> None:
    """A timetable or a check list: short cells, many of them a lone sign or empty."""
    w, sheet = page.writer, page.sheet
    y = page.heading(w.fill("{project} 일정"), page.top + page.px(60), widely=False) + page.px(20)
    headers = ["시 간", *table_headers(page, w.integer(3, 6)), "비고"]
    signs = ("-", "○", "×", "〃", "~", "-", "·", "0", "1", "5", "계", "", "")
    rows = []
    for hour in range(9, 9 + w.integer(8, 22)):
        times = f"{hour % 24:02d}:00{w.pick((' ~ ', '~', ' - ', '∼'))}{(hour + 1) % 24:02d}:{w.pick(('00', '30'))}"
        cells = [w.pick(signs) if w.chance(0.6) else w.cell(header) for header in headers[1:-1]]
        rows.append([times, *cells, w.pick(signs)])
    width = (page.right - page.left) / len(headers)
    y = sheet.table(
        (page.left, y), [width] * len(headers), [headers, *rows], page.text.resized(0.8), page.px(w.integer(56, 96)),
        shade=w.pick((0, 30)), open_sides=w.chance(0.5), bottom=page.bottom,
    )  # fmt: skip
    numbered(page)


def comparison(page: DrawnPage) -> None:
    """The old wording of a rule beside the new one, which leaves out what stays."""
    w, sheet, top = page.writer, page.sheet, page.top + page.px(200)
    page.heading(w.fill("{act} 조례 신·구조문대비표"), page.top + page.px(60), widely=False)
    style, head, inside = page.text.resized(0.9), top + page.px(90), page.px(24)
    columns = ((page.left, page.middle), (page.middle, float(page.right)))
    for (left, right), name in zip(columns, ("현 행", "개 정 안"), strict=True):
        sheet.cell(name, (left, top, right, head), style)
    y = head + style.size * 1.6
    while y < page.bottom - page.px(100):
        text = (
            f"제{w.integer(1, 60)}조({w.pick(('목적', '정의', '위임ㆍ위탁', '구성·운영'))}) {w.article()} {phrase(w)}"
        )
        changed = " ".join(w.pick((word, word, word, "(생략)")) for word in text.split())
        y = page.pitch * 0.3 + max(
            sheet.paragraph(shown, (left + inside, y), right - inside, style, page.pitch * 0.85, bottom=page.bottom)
            for (left, right), shown in zip(columns, (text, changed), strict=True)
        )
    bottom = page.bottom + page.px(30)
    sheet.frame((page.left, top, page.right, bottom), 4)
    sheet.rule((page.left, head, page.right, head), 3)
    sheet.rule((page.middle, top, page.middle, bottom), 3)
    numbered(page)


def questions(page: DrawnPage) -> None:
    """A leaflet: questions and answers in two columns below a title, the questions in colour, some answers in boxes."""
    w, sheet = page.writer, page.sheet
    top = page.heading(w.fill("{project} 묻고 답하기"), page.top + page.px(60), widely=False) + page.px(60)
    gutter, style, colour = page.px(80), page.text.resized(0.85), w.pick((BLUE, RED, BLACK))
    bold, pitch = style.in_face(page.bold.face), style.size * float(w.random.uniform(1.15, 1.6))
    for left, right in ((page.left, page.middle - gutter), (page.middle + gutter, page.right)):
        y, indented = top, left + style.size * 0.5
        while y < page.bottom - 3 * pitch:
            question = f"Q{w.integer(1, 30)}. {w.pick(w.topic.acts)}ㆍ{w.pick(w.topic.acts)}?"
            sheet.line(question, left, y, bold, colour=colour)
            answer, upper = f"A : {w.sentence()} {phrase(w)}", y + pitch * 0.3
            start = (indented, y + pitch * 1.2)
            y = sheet.paragraph(
                answer, start, right, style, pitch, hang=style.size, bottom=page.bottom, justify=page.justify
            )
            if w.chance(0.4):
                sheet.frame((left, upper, right + style.size * 0.5, y - pitch * 0.5), 2, colour=colour)
            y += pitch * 0.7
    numbered(page)


def directory(page: DrawnPage) -> None:
    """A directory of offices: cards side by side with names, posts and telephone numbers, a small table below."""
    w, sheet = page.writer, page.sheet
    y = page.heading(w.fill("{city} 조직ㆍ연락처"), page.top + page.px(60), widely=False)
    columns, style = w.integer(2, 3), page.text.resized(0.82)
    width, pitch = (page.right - page.left) / columns, style.size * float(w.random.uniform(1.2, 1.6))
    while y < page.bottom - page.px(700):
        lines = w.integer(2, 5)
        for column in range(columns):
            x = page.left + column * width
            sheet.frame((x + 10, y, x + width - 10, y + pitch * (lines + 1.4)), 3)
            sheet.line(w.pick(vocabulary.DEPARTMENTS), x + width / 2, y + pitch, style, align="center")
            for number in range(lines):
                who = f"{w.pick(('-', '·', '○'))} {w.pick(vocabulary.POSITIONS)} {w.person()}"
                entry = f"- {w.email()}" if w.chance(0.25) else f"{who} : {w.pick((str(w.integer(200, 899)), '-'))}"
                sheet.line(entry, x + 30, y + pitch * (number + 2), style)
        y += pitch * (lines + 2)
    small_table(page, y + page.pitch, 4)
    numbered(page)


def statistics(page: DrawnPage) -> None:
    """A table of figures, most of whose cells are small numbers, shares, dashes or dots."""
    w, sheet = page.writer, page.sheet
    y = page.heading(w.fill("{target} 통계"), page.top + page.px(60), widely=w.chance(0.5)) + page.px(20)
    count, names = w.integer(5, 10), [w.pick(w.topic.targets) for _ in range(w.integer(12, 34))]
    headers = ["구분", *w.pick((tuple(f"{w.year - back}" for back in range(count)), tuple("ABCDEFGHIJ"[:count])))]
    rows = [[name, *(figure(w) for _ in headers[1:])] for name in names]
    weights = np.array([2.2, *[1.0] * (len(headers) - 1)])
    widths = (weights / weights.sum() * (page.right - page.left)).tolist()
    aligns = ["left", *[w.pick(("right", "center"))] * (len(headers) - 1)]
    y = sheet.table(
        (page.left, y), widths, [headers, *rows], page.text.resized(float(w.random.uniform(0.6, 0.85))),
        page.px(w.integer(58, 84)), aligns=aligns, open_sides=w.chance(0.4), bottom=page.bottom,
    )  # fmt: skip
    numbered(page)


def figure(w: SentenceWriter) -> str:
    """What stands in a cell of a table of figures."""
    draw = w.random.random()
    if draw < 0.4:
        return w.pick(("-", "-", "-", "-", "0", "·", ".", "…", "/", "〃", "×", "○"))
    return w.pick((str(w.integer(0, 9)), str(w.integer(10, 999)), w.amount(6), f"{w.integer(1, 999) / 10}",
                   f"{w.integer(1, 100)}%", f"△{w.integer(1, 99)}", f"-{w.integer(1, 99) / 10}", f"+{w.integer(1, 9)}",
                   f"({w.integer(1, 99)})", f"{w.integer(1, 12)}/{w.integer(1, 28)}"))  # fmt: skip


def contacts(page: DrawnPage) -> None:
    """Who is to be called or written to, and where files lie: numbers, addresses, names in Latin letters."""
    w = page.writer
    y = page.heading(
        w.pick(("비상연락망", "담당자 연락처", "자료 제출처", "전자우편 목록")), page.top + page.px(60), widely=True
    )
    while y < page.bottom:
        mark = w.pick(("-", "·", "○", "*", "1)", "☎", "※", "가."))
        who = w.pick((f"{w.pick(vocabulary.DEPARTMENTS)} {w.person()}", w.pick(vocabulary.AGENCIES), w.person()))
        written = [w.pick((w.email(), w.file_name(), w.phone(), _latin(w))) for _ in range(w.integer(1, 3))]
        joined = w.pick((" / ", " , ", " - ", " ", " : ")).join(written)
        y = page.clause(mark, f"{who} {w.pick((':', '-', '→', ''))} {joined}", y)
    numbered(page)


def _latin(w: SentenceWriter) -> str:
    """A few words of which most are in Latin letters, as they stand in Korean text."""
    terms = [w.pick(vocabulary.LATIN) for _ in range(w.integer(1, 3))]
    pattern = w.pick(("{}", "{}({})", "{}/{}", "{}-{}", "{} x {}", "{}용 {}", "({}) {}", "{}의 {}", "'{}' {}"))
    return pattern.format(*(terms * 2))


def ledger(page: DrawnPage) -> None:
    """A ledger kept line by line without rules: dates, file names, sums or a dash, initials."""
    w, sheet, style = page.writer, page.sheet, page.text.resized(0.85)
    y = page.heading(w.fill("{paper} 관리대장"), page.top + page.px(60), widely=w.chance(0.5))
    columns = np.cumsum([0.0, 0.12, 0.4, 0.2, 0.1, 0.1]) * (page.right - page.left) + page.left
    while y < page.bottom:
        date = f"{w.integer(1, 12)}.{w.integer(1, 28)}."
        cells = (date, w.pick((w.file_name(), w.thing(), w.email())), w.pick((w.amount(), "-", "〃", "0")),
                 w.pick(("-", "/", ":", "·", str(w.integer(1, 9)))), w.pick((_latin(w), "-", ".", "")))  # fmt: skip
        for x, text in zip(columns, cells, strict=False):
            if text:
                sheet.line(text, float(x), y, style)
        y += style.size * 1.6
    numbered(page)


STARTER_KINDS = (
    (amendments, 0.18),
    (criteria, 0.24),
    (contents, 0.08),
    (calculations, 0.14),
    (dense, 0.24),
    (timetable, 0.12),
    (statistics, 0.16),
    (contacts, 0.12),
)
"""Kinds and their shares, for training the starter weights."""
UNSEEN_KINDS = ((comparison, 0.35), (questions, 0.25), (directory, 0.25), (ledger, 0.15))
"""Kinds and their shares that no training sees."""

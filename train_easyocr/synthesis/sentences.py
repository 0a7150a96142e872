"""Sentences of administrative Korean: templates whose slots are filled for one document, particles chosen by sound.

A template holds slots, `{town}`, and particles, `{을/를}`: the first form follows a final consonant, the second a
vowel, and `{으로/로}` knows that ㄹ takes 로. One `SentenceWriter` serves one document, so that its sender, year and
subject stay the same from the letterhead to the footer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from train_easyocr.synthesis import vocabulary

Choice = TypeVar("Choice")
SLOT = re.compile(r"\{([^{}]+)\}")
HANGUL_GAP = re.compile(r"[가-힣] [가-힣]")
LONGEST = 27
"""Characters of the longest label of the real set."""
STRAIGHT = str.maketrans("“”‘’", "\"\"''")
SPACED_LAWS = 2005
"""Until then the names of laws were written without spaces."""
DIGITS_WITH_FINAL = "013678"  # 영 일 삼 육 칠 팔
RIEUL = 8
"""Number of the final consonant ㄹ among the 28 finals of a Hangul syllable."""

LISTS = vocabulary.sections("sentences")
REQUESTS = LISTS["requests"]
"""What letters say."""

STATEMENTS = LISTS["statements"]
"""What plans and reports say, in note form."""

ARTICLES = LISTS["articles"]
"""What ordinances and regulations say."""

EVERYDAY = LISTS["everyday"]
"""Complaints, advice and good deeds in everyday words, whose syllables administrative language seldom has."""

TITLES = LISTS["titles"]

PARENTHESES = LISTS["parentheses"]


def particle(before: str, forms: str) -> str:
    """Choose between `이/가`-like forms by the sound that `before` ends with.

    Args:
        before: The text that the particle follows; quotes and brackets at its end do not count.
        forms: The form after a final consonant, `/`, the form after a vowel.

    Returns:
        One of the two forms. After letters and signs whose reading is not known it is the second.
    """
    with_final, without_final = forms.split("/")
    last = before.rstrip("”’」』)]\"' ")[-1:]
    if "가" <= last <= "힣":
        final = (ord(last) - ord("가")) % 28
    elif last.isdigit():
        final = RIEUL if last in "178" else int(last in DIGITS_WITH_FINAL)
    else:
        final = 0
    if final == RIEUL and with_final == "으로":
        return without_final
    return with_final if final else without_final


@dataclass
class Habits:
    """How a document's typist types.

    Attributes:
        colons: Whether a colon stands between a point and what is said about it: `사업기간: 3년`, `사업기간 3년`.
        colons_apart: Whether a space stands before a colon.
        straight_quotes: Whether quotes are straight.
        run_together: Share of spaces between Hangul words that are left out.
    """

    colons: bool = True
    colons_apart: bool = False
    straight_quotes: bool = False
    run_together: float = 0.0


class SentenceWriter:
    """Writes the texts of one document.

    Args:
        random: The document's random numbers.
        category: One of `vocabulary.TOPICS`.
        year: The year that the document's dates lie in.
    """

    def __init__(self, random: np.random.Generator, category: str, year: int) -> None:
        self.random = random
        self.topic = vocabulary.TOPICS[category]
        self.year = year
        self.province = self.pick(tuple(vocabulary.PROVINCES))
        self.district = self.pick(vocabulary.DISTRICTS[self.province])
        self.department = self.pick(self.topic.departments)
        self.project = self.pick(self.topic.projects)
        self.date_style = int(random.integers(4))
        self.habits = Habits()
        self.persons: set[str] = set()
        self._said: set[str] = set()
        self._slots: dict[str, Callable[[], str]] = self._make_slots()

    def pick(self, choices: Sequence[Choice]) -> Choice:
        """Draw one of `choices`."""
        return choices[int(self.random.integers(len(choices)))]

    def chance(self, probability: float) -> bool:
        """Draw True with `probability`."""
        return bool(self.random.random() < probability)

    def integer(self, low: int, high: int) -> int:
        """Draw a whole number from `low` to `high`, both included."""
        return int(self.random.integers(low, high + 1))

    def fill(self, template: str) -> str:
        """Return `template` with its slots filled and its particles chosen."""
        text, position = "", 0
        for slot in SLOT.finditer(template):
            text += template[position : slot.start()]
            name = slot.group(1)
            text += particle(text, name) if "/" in name else self._slots[name]()
            position = slot.end()
        return self._typed(text + template[position:])

    def _typed(self, text: str) -> str:
        """A text as this document's typist types it."""
        habits = self.habits
        if habits.straight_quotes:
            text = text.translate(STRAIGHT)
        if not habits.colons:
            text = re.sub(r"(?<=[^\s:]):(?=\s)", "", text)
        elif habits.colons_apart:
            text = re.sub(r"(?<=[^\s:]):(?=\s)", " :", text)
        return self._run_together(text) if habits.run_together else text

    def _run_together(self, text: str) -> str:
        """Leave out some of the spaces between Hangul words, unless a word would be longer than any real one."""
        first, *others = text.split(" ")
        words = [first]
        for word in others:
            last = words[-1]
            hangul = HANGUL_GAP.fullmatch(f"{last[-1:]} {word[:1]}")
            if hangul and self.chance(self.habits.run_together) and len(last) + len(word) <= LONGEST:
                words[-1] += word
            else:
                words.append(word)
        return " ".join(words)

    def fresh(self, templates: Sequence[str]) -> str:
        """Fill a template that this document has not used yet, where a few draws find one."""
        for _ in range(6):
            template = self.pick(templates)
            if template not in self._said:
                break
        self._said.add(template)
        return self.fill(template)

    def sentence(self) -> str:
        """A sentence about the document's topic."""
        return self.fresh(self.topic.sentences if self.chance(0.7) else EVERYDAY)

    def request(self) -> str:
        """A sentence of a letter."""
        return self.fresh(REQUESTS) if self.chance(0.65) else self.sentence()

    def statement(self) -> str:
        """A line of a plan or a report."""
        text = self.fresh(STATEMENTS) if self.chance(0.75) else self.sentence()
        return f"{text} {self.fill(self.pick(PARENTHESES))}" if self.chance(0.1) else text

    def article(self) -> str:
        """A sentence of a regulation."""
        return self.fresh(ARTICLES) if self.chance(0.8) else self.sentence()

    def title(self) -> str:
        """The subject of a document."""
        return self.fill(self.pick(TITLES))

    def person(self) -> str:
        """A personal name, mostly of three syllables."""
        first, last = self.pick(vocabulary.GIVEN_FIRST), self.pick(vocabulary.GIVEN_LAST)
        given = last if self.chance(0.05) else first + last
        name = self.pick(vocabulary.SURNAMES) + given
        self.persons.add(name)
        return name

    def short_date(self) -> str:
        """A date as it is jotted down: `5/12`, `97.5.12`."""
        day = self.pick("/.-").join((str(self.integer(1, 12)), str(self.integer(1, 28))))
        return day if self.chance(0.6) else f"{self.year % 100:02d}.{day.replace('/', '.').replace('-', '.')}"

    def date(self) -> str:
        """A date in the document's style, such as `2003. 5. 12.`."""
        month, day = self.integer(1, 12), self.integer(1, 28)
        if self.date_style == 0:
            return f"{self.year}.{month:02d}.{day:02d}."
        if self.date_style == 1:
            return f"{self.year}년 {month}월 {day}일"
        if self.date_style == 2:
            return f"{self.year}. {month}. {day}"
        weekday = self.pick(vocabulary.WEEKDAYS)
        return f"{self.year}. {month}. {day}." + (f"({weekday})" if self.chance(0.2) else "")

    def amount(self, most_digits: int = 9) -> str:
        """A sum of money with thousands separated by commas."""
        number = self.integer(1, 9999) * 10 ** self.integer(1, max(1, most_digits - 4))
        return f"{number:,}"

    def number(self) -> str:
        """A document's running number."""
        return str(self.integer(1, 29_999))

    def law(self) -> str:
        """The name of a law; until 2005 they had no spaces."""
        name = self.pick(self.topic.laws)
        return name.replace(" ", "") if self.year < SPACED_LAWS else name

    def phone(self) -> str:
        """A telephone number, with or without an area code."""
        local = f"{self.integer(200, 899)}-{self.integer(0, 9999):04d}"
        return self.pick(("055-", "02-", "(051) ", "031-", "")) + local

    def email(self) -> str:
        """An e-mail address."""
        name = self.pick(vocabulary.ACCOUNTS) + self.pick(("", "", ".", "_", "-")) + str(self.integer(1, 2099))
        return f"{name}@{self.pick(vocabulary.MAIL_HOSTS)}"

    def file_name(self) -> str:
        """A file's name as it is quoted in documents: `정산서_20030512.hwp`, `plan-2.xls`."""
        stem = self.pick((*self.topic.papers, *vocabulary.ACCOUNTS)).replace(" ", self.pick("_-"))
        number = self.pick((f"_{self.year}{self.integer(1, 12):02d}{self.integer(1, 28):02d}", f"-{self.integer(1, 9)}",
                            f"({self.integer(1, 9)})", f"_v{self.integer(1, 3)}.{self.integer(0, 9)}", ""))  # fmt: skip
        return f"{stem}{number}.{self.pick(vocabulary.FILE_KINDS)}"

    def lot(self) -> str:
        """A lot number: `산 12-3`, `456-7`."""
        lot = f"{self.integer(1, 1299)}" + (f"-{self.integer(1, 39)}" if self.chance(0.7) else "")
        return f"산{lot}" if self.chance(0.15) else lot

    def address(self) -> str:
        """An address by lot or by road."""
        if self.chance(0.4):
            road = self.pick(vocabulary.ROADS)
            return f"{self.province} {self.district} {road} {self.integer(1, 399)}"
        village = f" {self.pick(vocabulary.VILLAGES)}" if self.chance(0.5) else ""
        return f"{self.province} {self.district} {self.pick(vocabulary.TOWNS)}{village} {self.lot()}"

    def time(self, first: int = 9, last: int = 12) -> str:
        """A time of day on the hour or the half hour, from `first` to `last` o'clock."""
        return f"{self.integer(first, last):02d}:{self.pick(('00', '30'))}"

    def head(self) -> str:
        """The title of the sender's head: `김해시장`, `하동군수`, `동래구청장`."""
        ending = {"시": "장", "군": "수", "구": "청장"}[self.district[-1]]
        return self.district + ending

    def reference(self) -> str:
        """A document number as letters show it: `총무과-1234`."""
        return f"{self.department}-{self.number()}"

    def thing(self) -> str:
        """Something that is bought, grown or counted."""
        return self.pick(vocabulary.MATERIALS if self.chance(0.5) else vocabulary.THINGS)

    def cell(self, header: str) -> str:
        """A table cell's text that fits its column's title."""
        for endings, write in self._cells():
            if header.replace(" ", "").endswith(endings):
                return write()
        return self.pick((self.pick(self.topic.acts), self.pick(vocabulary.RESULTS), str(self.integer(1, 99))))

    def _cells(self) -> tuple[tuple[tuple[str, ...], Callable[[], str]], ...]:
        number = lambda low, high: lambda: f"{self.integer(low, high):,}"  # noqa: E731 - a table of one-liners
        return (
            (("전화번호", "연락처", "전화"), self.phone),
            (("지번",), self.lot),
            (
                ("직업",),
                lambda: self.pick(words("농업 상업 회사원 공무원 주부 무직 축산업 어업 건설업 교사 학생 자영업")),
            ),
            (("순", "번", "호", "No.", "순위", "등급"), number(1, 299)),
            (
                ("성명", "대표자", "소유자", "신청인", "관계인", "위원명", "채주", "출연자", "세대주", "가구주"),
                self.person,
            ),
            (("경작자", "후원자", "입상자", "수용가명"), self.person),
            (
                ("금액", "단가", "예산액", "지출액", "잔액", "보상액", "융자액", "지원금", "지급액", "강사료"),
                self.amount,
            ),
            (("전년도", "증감"), self.amount),
            (("일", "기한", "일시", "기간", "임기"), self.date),
            (("면적", "연장", "사용량", "생산량", "수매량", "수거량", "방류량", "배출량"), number(100, 99_999)),
            (("연령",), number(17, 98)),
            (("율", "%"), lambda: f"{self.integer(1, 999) / 10}%"),
            (("인원", "원수", "두수", "본수", "수량", "횟수", "지침", "점수"), number(1, 900)),
            (("위치", "소재지", "주소", "근무지"), lambda: f"{self.pick(vocabulary.TOWNS)} {self.lot()}"),
            (("읍면동", "리통별", "구역"), lambda: self.pick(vocabulary.TOWNS)),
            (("지목",), lambda: self.pick(words("전 답 대 임 도 천 구 유 잡 공 묘 과 목 장 학 종 차 주 창 제 양 체"))),
            (("품명", "생산품", "수종", "품종", "작목"), self.thing),
            (("규격", "구경", "폭원", "관종"), lambda: f"{self.pick(('Φ', 'D', '', '□'))}{self.integer(5, 900)}mm"),
            (("단위",), lambda: self.pick(vocabulary.UNITS)),
            (("비고", "적요"), lambda: self.pick(vocabulary.REMARKS) if self.chance(0.5) else ""),
            (("사업명", "내역", "과목", "강좌명", "업무", "내용", "사항"), lambda: self.pick(self.topic.projects)),
            (("구분", "대상", "업종", "용도", "시설명"), lambda: self.pick(self.topic.targets)),
            (("담당부서", "소속"), lambda: self.pick(vocabulary.DEPARTMENTS)),
            (("직위", "직급", "직책"), lambda: self.pick(vocabulary.POSITIONS)),
            (("탁도", "염소", "농도", "오염도", "수위", "기준"), lambda: f"{self.integer(1, 999) / 100:.2f}"),
        )

    def _make_slots(self) -> dict[str, Callable[[], str]]:
        topic, pick, data = self.topic, self.pick, vocabulary
        several: dict[str, Callable[[], str]] = {
            "project": lambda: self.project if self.chance(0.5) else pick(topic.projects),
            "target": lambda: pick(topic.targets),
            "act": lambda: pick(topic.acts),
            "paper": lambda: pick(topic.papers),
            "law": self.law,
            "department": lambda: self.department if self.chance(0.4) else pick(data.DEPARTMENTS),
            "agency": lambda: pick(data.AGENCIES),
            "purpose": lambda: pick(data.PURPOSES),
            "reason": lambda: pick(data.REASONS),
            "result": lambda: pick(data.RESULTS),
            "thing": lambda: pick(data.THINGS),
            "material": lambda: pick(data.MATERIALS),
            "unit": lambda: pick(data.UNITS),
            "town": lambda: pick(data.TOWNS),
            "village": lambda: pick(data.VILLAGES),
            "latin": lambda: pick(data.LATIN),
            "city": lambda: self.district,
            "person": self.person,
            "date": self.date,
            "number": self.number,
            "amount": self.amount,
            "phone": self.phone,
            "lot": self.lot,
            "time": self.time,
            "year": lambda: str(self.year),
            "month": lambda: str(self.integer(1, 12)),
            "day": lambda: str(self.integer(1, 31)),
            "small": lambda: str(self.integer(2, 9)),
            "num": lambda: str(self.integer(10, 199)),
            "percent": lambda: f"{self.integer(1, 999) / 10}",
            "decimal": lambda: f"{self.integer(1, 99) / 100:.2f}",
        }
        several["date2"], several["time2"] = self.date, lambda: self.time(14, 18)
        for name in ("department", "act", "material", "small", "thing"):
            several[f"{name}2"] = several[f"{name}3"] = several[name]
        return several


words = vocabulary.words

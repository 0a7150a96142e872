"""Words of Korean public administration: places, people, offices, and the topics of the twelve categories.

Long lists stand in `texts/`. `items("...")` lists are separated by commas, so that an item can hold a space;
`words("...")` by white space. Everything here is written for this project; nothing is taken from labelled documents.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

TEXTS = Path(__file__).with_name("texts")


def words(text: str) -> tuple[str, ...]:
    """Split at white space."""
    return tuple(text.split())


def items(text: str) -> tuple[str, ...]:
    """Split at commas; white space around an item, line ends included, does not count."""
    return tuple(" ".join(item.split()) for item in text.split(",") if item.strip())


def sections(name: str) -> dict[str, tuple[str, ...]]:
    """Return the lists in a file of `texts/` by name: a list's name, then an item a line; an empty line between."""
    blocks = (TEXTS / f"{name}.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n\n")
    return {title: tuple(found) for title, *found in (block.split("\n") for block in blocks)}


LISTS = sections("vocabulary")

PROVINCES = {
    "서울": "서울특별시",
    "부산": "부산광역시",
    "대구": "대구광역시",
    "인천": "인천광역시",
    "광주": "광주광역시",
    "대전": "대전광역시",
    "울산": "울산광역시",
    "경기": "경기도",
    "강원": "강원도",
    "충북": "충청북도",
    "충남": "충청남도",
    "전북": "전라북도",
    "전남": "전라남도",
    "경북": "경상북도",
    "경남": "경상남도",
    "제주": "제주특별자치도",
}
"""Short and full names of the provinces and the cities of their rank."""

DISTRICTS = sections("districts")
"""Cities, counties and wards of each province."""

TOWNS = LISTS["towns"]
"""Names of towns, townships and neighbourhoods."""

VILLAGES = LISTS["villages"]
"""Names of villages."""

ROADS = LISTS["roads"]

SURNAMES = LISTS["surnames"]

GIVEN_FIRST = LISTS["given_first"]

GIVEN_LAST = LISTS["given_last"]

POSITIONS = LISTS["positions"]

APPROVERS = (
    words("담당 계장 과장 국장"),
    words("담당자 담당 과장"),
    words("기안 담당 과장 국장 부시장 시장"),
    words("주무관 팀장 과장"),
    words("담당 부읍장 읍장"),
    words("담당 사무장 동장"),
    words("계 계장 과장 부군수 군수"),
    words("입안 심사 결재"),
)
"""Titles over the columns of an approval box."""

DEPARTMENTS = LISTS["departments"]

AGENCIES = LISTS["agencies"]

WEEKDAYS = "월화수목금토일"
LATIN = LISTS["latin"]
ACCOUNTS = words("""admin minwon happy plan budget tax road water green hjkim lsy park2 jsoh kyung sunny blue9 webmaster
    info help civil office data report form list final notice Report2 Table A4 TM e-gov""")
"""Names of mail boxes and of files."""
MAIL_HOSTS = LISTS["mail_hosts"]
FILE_KINDS = words("hwp hwp hwpx xls xlsx doc txt pdf jpg zip dwg tif ppt exe")
MATERIALS = LISTS["materials"]

THINGS = LISTS["things"]
"""Things whose names hold syllables that the rest of these lists seldom does."""

UNITS = words("개 대 식 ㎡ m 톤 kg 포 본 주 권 부 명 세트 EA ㎥ km ha 박스 매 회 건 가구 세대 두 수")

PURPOSES = LISTS["purposes"]

REASONS = LISTS["reasons"]

RESULTS = items("""적합, 부적합, 보완 요구, 승인, 반려, 조건부 승인, 처리 완료, 검토 중, 해당 없음, 이상 없음, 양호,
    불량, 미흡, 우수, 가결, 부결, 원안 가결, 수정 가결, 보류, 취하, 종결, 이첩""")

REMARKS = LISTS["remarks"]

FORM_FIELDS = LISTS["form_fields"]

NOTES = LISTS["notes"]
"""What is noted on documents by hand."""

VERTICAL_LABELS = LISTS["vertical_labels"]

ATTACHMENTS = LISTS["attachments"]


@dataclass(frozen=True)
class Topic:
    """What the documents of one category are about.

    Attributes:
        code: First six digits of the category's "make codes".
        departments: Offices in charge.
        laws: Acts, decrees and ordinances, by name.
        projects: Undertakings that documents plan, report or pay for.
        targets: Whom or what the work is about.
        acts: Verbal nouns that take 하다.
        papers: Forms, registers and certificates.
        headers: Titles of table columns beside the general ones.
        sentences: Sentences with slots (see `sentences.py`).
    """

    code: str
    departments: tuple[str, ...]
    laws: tuple[str, ...]
    projects: tuple[str, ...]
    targets: tuple[str, ...]
    acts: tuple[str, ...]
    papers: tuple[str, ...]
    headers: tuple[str, ...]
    sentences: tuple[str, ...]


def _topics() -> dict[str, Topic]:
    fields: dict[str, dict[str, Any]] = {}
    for name, found in sections("topics").items():
        category, field = name.split(" ")
        fields.setdefault(category, {})[field] = found[0] if field == "code" else found
    return {category: Topic(**found) for category, found in fields.items()}


TOPICS = _topics()
"""The topics, by category, in the order in which pages rotate through them."""

"""What words of public documents look like beside those of sentences: templates, and where signs stand in a word.

Long lists stand in `texts/`. `{name}` is a slot; `word_texts` fills it. Everything here is written for this project.
"""

from __future__ import annotations

from collections.abc import Sequence

from train_easyocr.synthesis import vocabulary

LISTS = vocabulary.sections("word_templates")
BULLETS = "•○●◎□■◇◆△▲▽▼☆★※→⇒☞✓⊙"
PAIRS = ("()", "[]", "{}", "<>", "「」", "『』", "《》", "〈〉", "【】", "〔〕", "“”", "‘’", '""', "''")
UNITS = "%‰°℃㎡㎥㎢㎜㎝㎞㎏㎎㎖ℓ㏊²³′″"
JOINERS = "·~-/+=×÷±≤≥≠:&_*|,.;→←↔∞√∑∴"
MARKS = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳㉠㉡㉢㉣㉤㉥㉦㉮㉯㉰㉱㉲㉳ⓐⓑⓒⓓⓔⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩⅰⅱⅲⅳⅴㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ"
LONE = (
    24 * "-" + 16 * ":" + 12 * "~" + 12 * "〃" + 9 * "." + 9 * "○" + 8 * "·" + 7 * "/" + 6 * "," + 5 * "※" + 4 * "()"
    + 3 * "\"'*→□△=+×" + 2 * "“”‘’[]{}<>@%;&☎★☆◎●■◇◆▲▼▶⊙①②③「」【】|!?￦‰℃㎡㎥" + "…―¦#$^\\÷±°"
)  # fmt: skip
"""Signs that have a box of their own, as often as here; in tables it is a hyphen or a ditto mark mostly."""
LONE_GROUPS = LISTS["lone_groups"]
"""Likewise, of several signs."""
FREQUENT = LISTS["frequent"]
"""Words that documents are full of, many of one syllable; spaced titles and heads of tables are single ones, too."""
ENGLISH = LISTS["english"]
"""English words as Korean documents mix them in."""
ABBREVIATIONS = LISTS["abbreviations"]
LETTER_UNITS = vocabulary.words("""km kg mm cm m g t ha kW MW kWh V kV A Hz kHz MHz GHz MB GB KB TB dB ppm psi rpm
    EA SET BOX PC L ml mg kcal lux Mbps kgf N km/h m/s mm/hr x X""")
"""Units in Latin letters."""
OTHER_SIGNS = vocabulary.words("*{word} {word}* {word}*{99}")
SIGNS = (
    (UNITS, vocabulary.words("{99}* {share}* {sum}* {share}* {word}*")),
    (BULLETS + MARKS, vocabulary.words("* * *{word} *{word} *.{word} *) *. {word}*")),
    (JOINERS, vocabulary.words("* {99}*{99} {9}*{9} {word}*{word} {word}*{word} *{word} {word}*")),
)
"""Where signs stand, `*` being the sign."""
PARTICLES = LISTS["particles"]
ENDINGS = LISTS["endings"]
NUMBER_SLOTS = {
    "year": (1950, 2030, "d"),
    "month": (1, 12, "d"),
    "mm": (1, 12, "02d"),
    "day": (1, 31, "d"),
    "dd": (1, 31, "02d"),
    "yy": (0, 99, "02d"),
    "hour": (0, 23, "02d"),
    "min": (0, 59, "02d"),
    "9": (1, 9, "d"),
    "19": (1, 19, "d"),
    "99": (1, 99, "d"),
    "150": (1, 150, "d"),
    "999": (1, 999, "d"),
    "2d": (0, 99, "02d"),
    "4d": (0, 9999, "04d"),
    "5d": (0, 99_999, "05d"),
    "local": (200, 9999, "d"),
}
"""Slots of templates that whole numbers fill: least, greatest, format."""
CHOICE_SLOTS: dict[str, Sequence[str]] = {
    "letter": "가나다라마바사아자차카타파하",
    "capital": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "bullet": "○□-·※■*◎◇▶→",
    "particle": PARTICLES,
    "ending": ENDINGS,
    "weekday": vocabulary.WEEKDAYS,
    "unit": vocabulary.UNITS,
    "road": vocabulary.ROADS,
    "town": vocabulary.TOWNS,
    "village": vocabulary.VILLAGES,
    "province": tuple(vocabulary.PROVINCES.values()),
    "office": vocabulary.DEPARTMENTS,
    "latin": vocabulary.LATIN,
    "en": ENGLISH,
    "En": tuple(word.capitalize() for word in ENGLISH),
    "EN": tuple(word.upper() for word in ENGLISH),
    "abbr": ABBREVIATIONS,
    "lunit": LETTER_UNITS,
    "ext": ("hwp", "pdf", "xls", "xlsx", "doc", "ppt", "jpg", "zip", "txt", "exe", "hwpx", "dwg", "gif", "html"),
    "tld": ("kr", "go.kr", "or.kr", "co.kr", "com", "net", "ac.kr", "org", "re.kr"),
    "area": ("02", "031", "051", "053", "055", "061", "064", "070", "010", "1588", "080"),
    "host": ("korea.kr", "naver.com", "go.kr", "hanmail.net", "daum.net", "seoul.go.kr", "gmail.com"),
}
"""Slots of templates that are filled from lists."""
STICKING = LISTS["sticking"]
"""What sticks to a word without a space."""
SPACED = LISTS["spaced"]
"""What one label holds though there are spaces in it; for sets with a space."""
STRUCTURES: tuple[tuple[float, str], ...] = (
    (
        3.0,  # dates
        """{year}.{month}.{day}. {year}.{mm}.{dd} {year}-{mm}-{dd} {year}년 {month}월 {day}일 {year}. {month}.
        {day}. {year}년{month}월{day}일 '{yy}.{month}.{day} {year}.{month}. <개정 <신설 {year}.{month}.{day}.>
        {year}.{month}.{day}.] {day}., {month}/{day} {day}.({weekday}) {year}년도 {month}월말 {day}일까지
        {hour}:{min} {month}시 {year}{mm} {month}개월 {hour}:{min}~{hour}:{min} {year}학년도 {day}분 {month}.>
        {year}.{month}.{day} ({year}.{month}.{day}.) {month}~{month}월 {yy}.{mm}.{dd} '{yy}.{mm} {yy}년 {year}.
        {month}. {year}년도 ’{yy}.{month}. ‘{yy}년 {month}/{day}~{month}/{day} {mm}/{dd}""",
    ),
    (
        3.0,  # sums
        """{sum} {sum}원 {sum}천원 {long} ￦{sum} 금{sum}원 {sum}백만원 △{sum} -{sum} {sum}원정 (금{sum}원)
        {999}억원 {sum}만원 {share}억 \\{sum} {sum}. ({sum}) {sum}- {sum}원을 {sum}원이 {sum}원)""",
    ),
    (
        3.0,  # laws
        """제{150}조 제{150}조제{9}항 제{150}조제{9}항제{19}호 제{150}조의{9} 제{150}조({word}) 제{150}조({word}
        제{9}항에 제{19}호의 제{9}항부터 제{9}항까지의 제{150}조의{9}({word}) [별표 {19}] {19}] [별지
        제{150}호서식] 제{150}호서식 제{19}장 제{9}절 법률 제{5d}호, 「{word} {word}」 「{word}」{particle}
        제{150}조에 제{150}조를 <삭제> [본조신설 [전문개정 제{150}조부터 영 제{150}조의{9}제{9}항에 부칙 같은
        법」 법률」 시행령」 제{9}항·제{9}항 제{9}호까지""",
    ),
    (
        3.0,  # figures of tables
        """- - - {9} {9} {99} {99} {999} {sum} {sum} {sum} {share} {share} ({share}) ({sum}) △{sum} △{share}
        ▲{share} -{share} -{sum} 0 0 0.0 0% 1 {long} {share}% {share}%p {99}/{99} {yy}.{mm}. {year} {9}/{9} + ○ × 〃
        {sum}, +{share} ({9}) ({99}) {9}- {99}.{2d} {sum}.{9} ({share}%) △ 계 소계 합계 {9}) -({share}) {999}-{9}""",
    ),
    (
        3.0,  # counts
        """{sum}{unit} {999}{unit} {999} {share}% {999}명 {999}.{9} {share}㎡ {share} {99}개소 {share}점
        {99}%이상 {99}인 {share}km {share}㎞ {share}ha 0.{2d} {99}배 ×{99} ÷{9} Φ{999}mm {999}×{99} D{999}
        ±{share} {99}세 {999}건 {99}차 {999}m이상의 {9}.{9}.{9} {99}%를 {99}종 {9}회 {99}일간 {99}개월 {9}인당
        {sum}㎥ {share}℃ {share}㎎""",
    ),
    (
        2.5,  # marks of lists
        """{19}. {19}) ({19}) {letter}. {letter}) ({letter}) {19}-{9}. {circle} {roman} {roman}. {bullet}
        {bullet} {bullet} {19}.{word} {letter}.{word} {bullet}{word} {bullet}{word} {circle}{word} {9}.{9} : ~
        {9}.{9}.{9} [{19}] <{19}> 주{9}) 붙임{9}. ‘{letter}’ ‘{letter}’목 “{word}”이라 “{word}”란 ) ( ,
        {letter}목 {roman}.{word} 「 」 “ ” . *""",
    ),
    (
        1.2,  # telephones
        """{area}-{local}-{4d} ({area}){local}-{4d} {area}){local}-{4d} {local}-{4d} ☎{area}-{local}-{4d}
        {area}.{local}.{4d} (☎{local}-{4d}) FAX:{area}-{local}-{4d} {4d}{4d} {2d}{mm}{dd}-{9}******
        전화:{local}-{4d} {2d}{mm}{dd}-{9}{5d} ({area}) {area}- {local}-{4d}, {area}-{local}-{4d}/{4d}
        {area}-{local}-{4d}~{9} ☎({area}){local}-{4d} Tel.{local}-{4d} F.{local}-{4d} ☎ 전화번호: (내선{999})""",
    ),
    (
        1.5,  # places
        """{lot} 산{lot} {lot}번지 {road} {lot}번길 {lot}호 {town} {village} {village}{lot} ({lot}) {19}층
        {150}동 {999}호 ({town}) 우){5d} {province} {lot}외{19}필지 {road}{99} {lot}, {town}사무소""",
    ),
    (
        1.5,  # codes
        """{office}-{long} {latin} {latin}-{99} ({latin}) {latin}{9} 제{year}-{99}호 {5d}-{2d} {latin}, No.{999}
        A{9} {latin}/{latin} {latin}를 {capital}{capital}-{99} #{99} KS{capital}{4d} {word}({latin}) p.{999}
        {capital}) {capital}. {capital} {capital}{capital}{capital} {capital}등급""",
    ),
    (
        0.7,  # mail
        """{name}@{host} {name}{99}@{host} www.{name}.go.kr http://{name}.kr ({name}@{host}) {name}_{9}@{host}
        {name}.hwp https://{name}.or.kr/""",
    ),
    (
        1.2,  # ranges
        """{9}~{99} {9}~{99}명 {9}~{99}% {9}~{99}일 {9}-{9} {9}월~{month}월 {9}:{9} {9}/{9} {9}+{9}={19}
        {9}.{9}~{9}.{9} (+{9}점) {9}>{9} {99}≥{9} {9}→{9} ({9}/{9}) {99}명이상 {99}일이내 {99}점미만 {99}세이하
        {9}:{9}로 ({9}~{9})""",
    ),
    (
        1.5,  # brackets
        """({word}) ({word} {word}) {word}(안) {word}({99}%) {word}({99}) (단위:{word}) [{word}] ({99}명)
        【{word}】 <{word}> (이하 “{word}” ‘{word}’ 『{word}』 ({99}) (인) (서명 인) ({word}), ({word}).
        {word}:{99} (※{word}) {word}·{word} {word},{word} ㈜{word} {word}㈜ {word}) {word}, {word}.
        ({word}·{word}) [{word} {word}] {word}”{particle} {word}’{particle}""",
    ),
)
"""How often each sort of text is drawn in relation to the others, and what it looks like."""

LATIN_WORDS = LISTS["latin_words"]
"""What Latin letters stand in."""
LONG_WORDS = LISTS["long_words"]
"""Words of more than ten characters mostly, with brackets and signs, or run together as typists wrote them."""

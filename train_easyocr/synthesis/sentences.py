"""Sentences of administrative Korean: templates whose slots are filled for one document, particles chosen by sound.

A template holds slots, `{town}`, and particles, `{을/를}`: the first form follows a final consonant, the second a
vowel, and `{으로/로}` knows that ㄹ takes 로. One `Writer` serves one document, so that its sender, year and subject
stay the same from the letterhead to the footer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from train_easyocr.synthesis import vocabulary as vocabulary_of

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

REQUESTS = (
    "{project}{을/를} 다음과 같이 추진하고자 하오니 협조하여 주시기 바랍니다.",
    "{department}-{number}({date})호와 관련입니다.",
    "위 호와 관련하여 {paper}{을/를} 붙임과 같이 제출합니다.",
    "{law} 제{small}조 및 같은 법 시행령 제{num}조의 규정에 의하여 아래와 같이 알려드립니다.",
    "귀 기관의 무궁한 발전을 기원합니다.",
    "{project}에 따른 협의 요청에 대하여 검토한 결과를 붙임과 같이 회신합니다.",
    "{target}에 대한 {paper}{을/를} {date}까지 {department}{으로/로} 제출하여 주시기 바랍니다.",
    "기한 내에 제출하지 않을 경우 의견이 없는 것으로 처리됨을 알려드리니 업무에 착오 없으시기 바랍니다.",
    "{date} 실시한 {project} 점검 결과 지적된 사항을 조속히 시정하고 그 결과를 보고하시기 바랍니다.",
    "{reason}{으로/로} 인하여 {project}의 기간을 {date}까지 연장하고자 합니다.",
    "{town} {person} 외 {num}명이 제기한 민원에 대하여 아래와 같이 처리하였음을 통보합니다.",
    "{project} 추진을 위한 회의를 아래와 같이 개최하오니 관계자가 꼭 참석할 수 있도록 하여 주시기 바랍니다.",
    "소속 직원과 주민에게 널리 알려 빠짐없이 신청할 수 있도록 홍보하여 주시기 바랍니다.",
    "{paper}{을/를} 검토하였던바 {reason}{이/가} 확인되어 보완을 요구하니 {date}까지 제출하시기 바랍니다.",
    "예산의 범위에서 {amount}원을 지원하고, 모자라는 금액은 자부담으로 한다는 점을 알려드립니다.",
    "{agency}께서는 {project}{이/가} 원활히 이루어질 수 있도록 적극 협조하여 주시기 바랍니다.",
)
"""What letters say."""

STATEMENTS = (
    "{target} {num}개소를 대상으로 {project} 추진",
    "{date}까지 {project}에 대한 {act} 완료",
    "{purpose}{을/를} 위하여 {project}{을/를} 계속 추진하겠음",
    "{town} 일원 {target} {small}개소 {act} 실시",
    "총사업비: {amount}천원(국비 50%, 도비 15%, 시비 35%)",
    "사업기간: {date} ~ {date2}",
    "사업위치: {city} {town} {village} {lot}번지 일원",
    "추진근거: {law} 제{small}조",
    "주관부서: {department} ☎ {phone}",
    "{reason} 때문에 {act}{이/가} 늦어졌으나 {date}까지는 마무리할 것임",
    "{target} 중 {small}개소는 {result} 판정을 받았음",
    "전년 대비 {percent}% 증가한 {amount}천원을 확보했음",
    "{act} 인원 {num}명, 장비 {small}대 투입",
    "{project}의 효과가 컸으므로 내년에도 이어 나갈 예정임",
    "주민 설명회를 {small}회 열고 의견 {num}건을 모았음",
    "문제점: {reason}, 대책: {act} 강화 및 예산 {amount}천원 추가 확보",
    "{department}·{department2} 합동으로 {month}월 {day}일부터 {small}일간 {act}",
    "읍·면·동별 {target} 현황을 파악하여 {date}까지 보고토록 함",
    "{material} {num}{unit} 구입, {material2} {num}{unit} 수리",
    "구입물품: {thing}, {thing2}, {thing3} 등 {small}종",
    "{thing} {num}{unit}, {thing2} {small}{unit} 기탁 받음",
    "체험 마당: {thing}·{thing2}·{thing3} ({town})",
    "{person} 외 {small}명({thing}, {thing2} 분과) 참석",
)
"""What plans and reports say, in note form."""

ARTICLES = (
    "이 규정은 {law} 제{small}조에 따라 {project}에 필요한 사항을 정함을 목적으로 한다.",
    "시장은 {purpose}{을/를} 위하여 필요하다고 인정하는 때에는 {target}에 대하여 {act}{을/를} 명할 수 있다.",
    "제1항에 따른 신청을 하려는 자는 별지 제{small}호서식의 {paper}에 다음 각 호의 서류를 첨부하여 제출하여야 한다.",
    "“{act}”{이란/란} {project}{을/를} 위하여 {target}{을/를} 조사하거나 정리하는 것을 말한다.",
    "위원회는 위원장 1명과 부위원장 1명을 포함하여 {num}명 이내의 위원으로 구성한다.",
    "위원장은 위원회를 대표하고 그 사무를 총괄하며, 회의의 의장이 된다.",
    "회의는 재적위원 과반수의 출석으로 개의하고 출석위원 과반수의 찬성으로 의결한다.",
    "다음 각 호의 어느 하나에 해당하는 자에 대해서는 {act}{을/를} 하지 아니할 수 있다.",
    "거짓이나 그 밖의 부정한 방법으로 {act}{을/를} 받은 경우에는 이를 취소하여야 한다.",
    "이 조례에서 정하지 아니한 사항은 「{law}」에서 정하는 바에 따른다.",
    "{target}의 {act} 기준은 별표 {small}과 같다. 다만, {reason}의 경우에는 그러하지 아니하다.",
    "시장은 {act}의 결과를 회계연도가 끝난 후 60일 이내에 의회에 보고하여야 한다.",
    "이 조례는 공포한 날부터 시행한다.",
    "이 규칙 시행 당시 종전의 규정에 따라 행한 처분은 이 규칙에 따른 것으로 본다.",
    "제{small}조제{small2}항 중 “{act}”{을/를} “{act2}”{으로/로} 한다.",
    "과태료의 금액은 {amount}원 이하로 하고 그 징수 절차는 「지방세법」을 준용한다.",
)
"""What ordinances and regulations say."""

EVERYDAY = (
    "밤늦도록 확성기를 크게 틀어 잠을 못 이루겠다는 민원이 끊이지 않으니 소음을 낮추도록 일러 주시기 바랍니다.",
    "가로등이 꺼진 채 몇 달째 그대로여서 골목이 컴컴하고 무섭다는 의견을 수렴했음.",
    "보도블록이 깨지고 움푹 꺼져 걷던 노인이 넘어져 뼈를 다쳤다는 신고가 접수됐습니다.",
    "불을 쓰고 난 뒤에는 밸브를 꼭 잠갔는지, 콘센트를 뽑았는지 거듭 살핀다.",
    "낯선 사람이 벨을 눌러도 문을 덥석 열지 말고 먼저 신분증을 확인하십시오.",
    "길을 잃은 아이를 보면 옆에서 달래며 가까운 지구대에 맡겨 주시면 고맙겠습니다.",
    "흉기를 든 괴한이 나타났다는 신고를 받고 곧바로 뒤쫓았으나 놓쳤음.",
    "얇게 언 얼음판 위를 걷거나 얕은 곳이라고 얕보고 뛰어들지 않는다.",
    "땀이 나고 숨이 가쁘거나 토하면 서늘한 곳으로 옮겨 옷을 벗기고 물을 먹인다.",
    "손을 깨끗이 씻고 끓인 물을 마시며 날것을 먹지 않으면 배탈을 막을 수 있다.",
    "덮개가 벗겨진 맨홀에 빠질 뻔했다며 빨리 고쳐 달라고 했다.",
    "밭둑이 무너져 흙탕물이 논을 덮쳤고 볏단이 떠내려가 큰 손해를 입었습니다.",
    "묵은 때를 닦고 낡은 벽을 칠했더니 딴 곳처럼 환해졌다는 칭찬을 들었다.",
    "짐을 싣고 달리던 트럭이 언덕길에서 미끄러져 난간을 들이받았으나 다친 이는 없었음.",
    "이웃끼리 다투지 말고 서로 조금씩 물러서면 좋겠다는 뜻을 밝혔습니다.",
    "늙고 병든 부모를 모시며 꿋꿋이 살아온 두 젊은이에게 효행상을 드렸다.",
    "그 밖에 궁금한 점은 언제든 물어 주시면 담당자가 낱낱이 답해 드리겠습니다.",
    "쥐와 바퀴벌레가 들끓으니 약을 뿌리고 썩은 쓰레기를 치워 달라고 함.",
    "넷째 아이를 낳은 가정에 쌀 몇 포와 미역, 옷가지를 보내 기쁨을 나누었다.",
    "굵은 빗방울이 떨어지고 천둥이 칠 때는 큰 나무 밑을 피하고 몸을 낮춘다.",
    "깊은 산속에서 길을 헤매면 왔던 길을 되짚어 내려오고, 어두워지면 움직이지 않는다.",
    "땅콩, 옻닭, 꿀 따위를 먹고 살갗이 붉어지거나 입술이 부으면 곧 병원을 찾을 것.",
    "값을 깎아 준다며 돈부터 받고 물건을 보내지 않는 속임수에 넘어가지 마십시오.",
    "맺은 계약이라도 열나흘 안에는 까닭을 밝히지 않고 무를 수 있다.",
    "모집 인원이 꽉 차서 늦게 낸 신청은 받지 못했으며, 빈자리가 나면 곧 알려 드릴 예정임.",
    "물때가 끼고 녹슨 수도꼭지를 바꾸었더니 물맛이 훨씬 나아졌다고 흐뭇해했다.",
    "텃밭에 심은 콩을 훑고 깻단을 묶어 말리느라 눈코 뜰 새 없이 바빴음.",
    "쇠못과 나사못을 뽑고 찢어진 천막을 꿰맨 뒤 말뚝을 깊숙이 박았다.",
    "딸과 함께 찍은 사진을 뒷면에 붙이고 이름을 또박또박 적어 내시기 바랍니다.",
    "젖은 신문지로 유리창을 닦고 찌든 때는 뜨거운 물에 푼 세제로 문지른다.",
    "얽히고설킨 전깃줄이 끊어질까 걱정스럽다며 땅속에 묻어 달라는 바람이 컸다.",
    "혼잣몸으로 손주 셋을 키우는 할머니 댁의 뚫린 지붕을 덮고 꺾인 기둥을 바로잡았음.",
    "굶는 이가 없도록 넉넉히 담고, 남은 찬은 버리지 말고 나눌 것.",
    "왼쪽 팔뚝과 넓적다리, 발꿈치에 긁힌 자국이 있고 뺨이 멍들었다고 적혀 있음.",
    "옳고 그름을 따지기에 앞서 맡은 몫을 다했는지 스스로 되돌아보아야 한다.",
    "콜센터에 전화하면 퀵서비스와 렌터카, 텔레뱅킹, 인터넷 쇼핑 피해를 상담해 드립니다.",
    "헌혈 캠페인, 플래시몹, 뮤직 콘서트, 패션쇼, 샌드아트를 펼칠 계획임.",
    "엘리베이터 앞에 핫라인 번호와 옐로카드 제도를 알리는 푯말을 붙였다.",
    "훔친 물건인 줄 알면서 싼값에 사들인 자를 붙잡아 넘겼음.",
    "흙먼지가 흩날려 빨래를 널 수 없고 눈병과 코막힘, 잦은 기침에 시달린다고 하소연하였다.",
    "알루미늄, 마그네슘, 리튬, 크롬, 카드뮴, 니켈 등 금속 폐기물은 따로 모아 넘긴다.",
    "짧은 글짓기, 깜짝 퀴즈, 떡 썰기, 새끼 꼬기로 흥을 돋우고 뽐낸 솜씨를 겨루었다.",
    "대륙붕과 갯골, 늪, 둑길을 걸으며 뭇 생명을 만나는 맛이 쏠쏠함.",
    "왠지 으슥하고 꺼림칙한 곳에는 CCTV를 달고 밤길을 밝힐 등을 켰다.",
    "윗사람이든 아랫사람이든 옛일을 잊고 믿음으로 뭉쳐야 마땅하다.",
    "쑥쑥 커 가는 텃밭 채소를 뜯어 겉절이를 무치고 콩국수를 말아 점심을 먹었음.",
    "좁고 굽은 길을 넓히고 곧게 펴는 데 몇 년이 걸릴지 몰라 답답해하였다.",
    "벚꽃이 흐드러진 강둑에서 윷가락을 던지고 엿치기를 하며 봄볕을 즐겼다.",
    "짊어진 빚을 갚지 못해 쫓겨난 집안의 딱한 사정을 듣고 쌀자루와 연탄을 얹어 보냄.",
    "곁에서 지켜보던 늑대 같은 들개가 덤벼 겁에 질린 아이가 갇힌 채 울었다는 제보임.",
    "힘겹게 겪은 삶을 굳게 딛고 곱게 늙으신 어르신을 뵈니 기쁨과 고마움이 북받쳤습니다.",
    "꼼꼼히 살펴 꽂아 둔 서류가 꽤 많아 끈으로 묶고 색인을 붙여 넣었음.",
    "끔찍한 사고를 낸 뒤 뺑소니친 놈을 놔두면 안 된다며 눕다시피 막아섰다.",
    "뇌졸중은 쓰러진 뒤 세 시간 안에 손을 쓰느냐에 달렸으니 즉시 119에 알릴 것.",
    "고객님, 문이 닫힙니다. 손이나 짐이 끼지 않게 뒤로 물러서 주십시오.",
    "딩굴던 돌을 치우고 듬성듬성한 잔디에 떼를 입혔더니 어떻게 이렇듯 달라졌느냐고 묻더라.",
    "똑같은 쪽지를 스무 장쯤 베껴 넣었고, 그 가운데 몇 장은 찢겼다.",
    "넉 달 만에 멈춘 공사를 다시 벌이자 구덩이가 더욱 깊어졌다며 몹시 언짢아함.",
    "맘껏 뛰놀 곳이 없어 뭐라도 만들어 달라는 어린이들의 편지를 읽고 흐뭇했다.",
    "담을 맞댄 이웃끼리 밉게 굴지 말고 웬만하면 참자는 뜻으로 다듬은 글임.",
    "빗물에 젖어 붓고 터진 벽지를 뜯고 뽀얀 새 벽지를 발라 드렸습니다.",
    "싱싱한 멍게, 뱅어, 쏙, 맛조개와 갓 삶은 옥수수를 앉은자리에서 다 팔았다.",
    "꽹과리 소리에 맞춰 어깨춤을 추고, 앓던 이가 빠진 듯 시원하다며 껄껄 웃었음.",
    "밤새 쏟아진 눈을 쓸고 얼어붙은 비탈에 모래를 뿌렸으나 여전히 미끄럽고 춥다.",
    "그동안 쌓인 억울함을 털어놓고 싶다며 찾아온 이에게 쉬운 말로 절차를 일러 주었다.",
    "챔피언 결정전, 탤런트 초청 토크쇼, 텀블링 시범, 캉캉춤, 핏빛 노을 사진전을 엶.",
    "몽골 텐트와 컴퓨터, 킬로와트시 계량기, 튜닝한 스쿠터의 렌털 계약을 맺었음.",
    "룻기, 렛츠런, 롯데, 뤄양, 쾰른, 탄자니아, 콩고, 앙골라 등 자매 도시와 단체의 편지.",
    "젖먹이를 업은 채 겹겹이 껴입고 장작을 팼더니 숨이 가쁘고 허리가 쑤셨다.",
)
"""Complaints, advice and good deeds in everyday words, whose syllables administrative language seldom has."""

TITLES = (
    "{project} 추진계획",
    "{project} 결과 보고",
    "{project} 협조 요청",
    "{project} 실시 알림",
    "{target} {act} 계획(안)",
    "{target} 현황",
    "{project} 관련 회신",
    "{paper} 제출",
    "{year}년도 {project} 시행계획",
    "{project} 변경 승인",
    "{target} 일제조사 실시",
    "{project}에 따른 의견 조회",
    "{year}년 {month}월 {act} 실적",
    "{act} 및 {act2} 지침 통보",
    "{project} 대상자 추천 의뢰",
    "{paper} 정비 철저",
)

PARENTHESES = (
    "({person})",
    "({date})",
    "({percent}%)",
    "(안)",
    "({num}{unit})",
    "(별첨)",
    "({phone})",
    "({amount}원)",
    "(이하 “{act}”이라",
    "({latin})",
)


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


class Writer:
    """Writes the texts of one document.

    Args:
        random: The document's random numbers.
        category: One of `vocabulary.TOPICS`.
        year: The year that the document's dates lie in.
    """

    def __init__(self, random: np.random.Generator, category: str, year: int) -> None:
        self.random = random
        self.topic = vocabulary_of.TOPICS[category]
        self.year = year
        self.province = self.pick(tuple(vocabulary_of.PROVINCES))
        self.district = self.pick(vocabulary_of.DISTRICTS[self.province])
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
        first, last = self.pick(vocabulary_of.GIVEN_FIRST), self.pick(vocabulary_of.GIVEN_LAST)
        given = last if self.chance(0.05) else first + last
        name = self.pick(vocabulary_of.SURNAMES) + given
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
        weekday = self.pick(vocabulary_of.WEEKDAYS)
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
        name = self.pick(vocabulary_of.ACCOUNTS) + self.pick(("", "", ".", "_", "-")) + str(self.integer(1, 2099))
        return f"{name}@{self.pick(vocabulary_of.MAIL_HOSTS)}"

    def file_name(self) -> str:
        """A file's name as it is quoted in documents: `정산서_20030512.hwp`, `plan-2.xls`."""
        stem = self.pick((*self.topic.papers, *vocabulary_of.ACCOUNTS)).replace(" ", self.pick("_-"))
        number = self.pick((f"_{self.year}{self.integer(1, 12):02d}{self.integer(1, 28):02d}", f"-{self.integer(1, 9)}",
                            f"({self.integer(1, 9)})", f"_v{self.integer(1, 3)}.{self.integer(0, 9)}", ""))  # fmt: skip
        return f"{stem}{number}.{self.pick(vocabulary_of.FILE_KINDS)}"

    def lot(self) -> str:
        """A lot number: `산 12-3`, `456-7`."""
        lot = f"{self.integer(1, 1299)}" + (f"-{self.integer(1, 39)}" if self.chance(0.7) else "")
        return f"산{lot}" if self.chance(0.15) else lot

    def address(self) -> str:
        """An address by lot or by road."""
        if self.chance(0.4):
            road = self.pick(vocabulary_of.ROADS)
            return f"{self.province} {self.district} {road} {self.integer(1, 399)}"
        village = f" {self.pick(vocabulary_of.VILLAGES)}" if self.chance(0.5) else ""
        return f"{self.province} {self.district} {self.pick(vocabulary_of.TOWNS)}{village} {self.lot()}"

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
        return self.pick(vocabulary_of.MATERIALS if self.chance(0.5) else vocabulary_of.THINGS)

    def cell(self, header: str) -> str:
        """A table cell's text that fits its column's title."""
        for endings, write in self._cells():
            if header.replace(" ", "").endswith(endings):
                return write()
        return self.pick((self.pick(self.topic.acts), self.pick(vocabulary_of.RESULTS), str(self.integer(1, 99))))

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
            (("위치", "소재지", "주소", "근무지"), lambda: f"{self.pick(vocabulary_of.TOWNS)} {self.lot()}"),
            (("읍면동", "리통별", "구역"), lambda: self.pick(vocabulary_of.TOWNS)),
            (("지목",), lambda: self.pick(words("전 답 대 임 도 천 구 유 잡 공 묘 과 목 장 학 종 차 주 창 제 양 체"))),
            (("품명", "생산품", "수종", "품종", "작목"), self.thing),
            (("규격", "구경", "폭원", "관종"), lambda: f"{self.pick(('Φ', 'D', '', '□'))}{self.integer(5, 900)}mm"),
            (("단위",), lambda: self.pick(vocabulary_of.UNITS)),
            (("비고", "적요"), lambda: self.pick(vocabulary_of.REMARKS) if self.chance(0.5) else ""),
            (("사업명", "내역", "과목", "강좌명", "업무", "내용", "사항"), lambda: self.pick(self.topic.projects)),
            (("구분", "대상", "업종", "용도", "시설명"), lambda: self.pick(self.topic.targets)),
            (("담당부서", "소속"), lambda: self.pick(vocabulary_of.DEPARTMENTS)),
            (("직위", "직급", "직책"), lambda: self.pick(vocabulary_of.POSITIONS)),
            (("탁도", "염소", "농도", "오염도", "수위", "기준"), lambda: f"{self.integer(1, 999) / 100:.2f}"),
        )

    def _make_slots(self) -> dict[str, Callable[[], str]]:
        topic, pick, data = self.topic, self.pick, vocabulary_of
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


words = vocabulary_of.words

import re

import numpy as np
import pytest

from train_easyocr.synthesis import vocabulary
from train_easyocr.synthesis.sentences import (
    ARTICLES,
    PARENTHESES,
    REQUESTS,
    STATEMENTS,
    TITLES,
    Habits,
    SentenceWriter,
    particle,
)


@pytest.mark.parametrize(
    ("before", "forms", "expected"),
    [
        ("사업", "을/를", "을"),
        ("대장", "이/가", "이"),
        ("허가", "을/를", "를"),
        ("서울", "으로/로", "로"),
        ("총무과", "으로/로", "로"),
        ("허가증", "으로/로", "으로"),
        ("「농지법」", "을/를", "을"),
        ("별표 3", "은/는", "은"),
        ("별표 2", "은/는", "는"),
        ("제1", "으로/로", "로"),
        ("제6", "으로/로", "으로"),
        ("“급수”", "이란/란", "란"),
        ("(주)", "이/가", "가"),
        ("CCTV", "을/를", "를"),
        ("", "을/를", "를"),
    ],
)
def test_particles_follow_the_sound(before, forms, expected):
    assert particle(before, forms) == expected


@pytest.mark.parametrize("category", vocabulary.TOPICS)
def test_every_template_can_be_filled(category):
    writer = SentenceWriter(np.random.default_rng(3), category, 2004)
    templates = (*REQUESTS, *STATEMENTS, *ARTICLES, *TITLES, *PARENTHESES, *writer.topic.sentences)
    for template in templates:
        text = writer.fill(template)
        assert text and "{" not in text and "}" not in text and "  " not in text, template


def test_particles_in_a_filled_sentence_fit_what_was_filled_in():
    writer = SentenceWriter(np.random.default_rng(3), "일반행정", 2004)
    for _ in range(50):
        text = writer.fill("{project}{을/를}")
        has_final = (ord(text[-2]) - ord("가")) % 28 > 0
        assert text[-1] == ("을" if has_final else "를")


def test_a_document_keeps_its_sender_and_the_same_seed_writes_the_same():
    def write(seed):
        writer = SentenceWriter(np.random.default_rng(seed), "회계.예산", 1999)
        return [writer.head(), *(writer.request() for _ in range(5)), writer.address(), writer.amount(), writer.date()]

    assert write(5) == write(5) != write(6)
    writer = SentenceWriter(np.random.default_rng(5), "회계.예산", 1999)
    assert {writer.head() for _ in range(5)} == {writer.head()}
    assert writer.reference().startswith(writer.department + "-")


def test_lot_numbers_are_lot_numbers():
    writer = SentenceWriter(np.random.default_rng(5), "도시개발", 1999)
    cells = [writer.cell("지번") for _ in range(60)] + [writer.cell("지 번") for _ in range(60)]
    assert all(re.fullmatch(r"산?\d+(-\d+)?", cell) for cell in cells)
    assert sum("-" in cell for cell in cells) > 60 and any(cell.startswith("산") for cell in cells)


def test_typists_have_habits():
    writer = SentenceWriter(np.random.default_rng(5), "도시개발", 1999)
    template = "“급수” 및 ‘단수’ 기간: 오후 2:30까지 알림: 끝."
    assert writer.fill(template) == template
    writer.habits = Habits(colons_apart=True, straight_quotes=True, run_together=1.0)
    assert writer.fill(template) == "\"급수\" 및 '단수' 기간 : 오후 2:30까지알림 : 끝."
    writer.habits = Habits(colons=False, colons_apart=True)
    assert writer.fill(template) == "“급수” 및 ‘단수’ 기간 오후 2:30까지 알림 끝."


def test_words_run_together_are_no_longer_than_the_longest_real_one():
    writer = SentenceWriter(np.random.default_rng(5), "도시개발", 1999)
    writer.habits = Habits(run_together=1.0)
    assert writer.fill("가나다라마 " * 5 + "가나 다 끝") == "가나다라마" * 5 + "가나 다끝"
    assert writer.fill("가  나 다, 라 1 마") == "가  나다, 라 1 마"


def test_names_of_laws_had_no_spaces_until_2005():
    for year, spaces in ((2004, False), (2005, True)):
        writer = SentenceWriter(np.random.default_rng(5), "도시개발", year)
        assert any(" " in writer.law() for _ in range(60)) is spaces


def test_a_document_knows_whom_it_names():
    writer = SentenceWriter(np.random.default_rng(5), "도시개발", 1999)
    names = {writer.fill("{person}") for _ in range(5)}
    assert names == writer.persons


def test_sentences_of_a_document_seldom_repeat():
    writer = SentenceWriter(np.random.default_rng(5), "주민복지", 1999)
    sentences = [writer.sentence() for _ in range(6)]
    assert len(set(sentences)) >= 5


def test_all_twelve_categories_have_rich_vocabularies():
    assert len(vocabulary.TOPICS) == 12
    for topic in vocabulary.TOPICS.values():
        assert len(topic.sentences) >= 8 and len(topic.projects) >= 18 and len(topic.targets) >= 18
    assert len({topic.code for topic in vocabulary.TOPICS.values()}) == 12

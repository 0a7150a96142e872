"""Texts of words: balance, targets, form."""

import pickle
import re
import statistics
from collections import Counter

import numpy as np
import pytest

from train_easyocr.common.text import VARIANTS, unify_variants
from train_easyocr.synthesis.word_texts import KINDS, LONGEST, WordTexts, package_words, usable_words
from train_easyocr.weights.characters import CharacterSet

pytestmark = pytest.mark.slow

CHARACTERS = CharacterSet.from_setting("korean_documents").characters


@pytest.fixture(scope="module")
def texts() -> WordTexts:
    return WordTexts(CHARACTERS, package_words(), 7)


def text(texts: WordTexts, index: int) -> str:
    return texts.text(index, np.random.default_rng([7, index]))


def a_round(texts: WordTexts) -> int:
    """Words in which every character has been a target once."""
    return len(KINDS) * -(-len(texts.characters) // sum(kind in "BMK" for kind in KINDS))


def test_every_character_is_a_target_once_a_round(texts):
    targets = Counter(texts.target(index) for index in range(2 * a_round(texts)))
    del targets[""]
    assert set(targets) == set(texts.characters)
    assert set(targets.values()) <= {2, 3}


def test_the_order_of_targets_differs_from_round_to_round(texts):
    first = [texts.target(index) for index in range(100)]
    second = [texts.target(index) for index in range(a_round(texts), a_round(texts) + 100)]
    assert first != second


def test_a_word_holds_its_target_and_nothing_unknown(texts):
    for index in range(4_000):
        word = text(texts, index)
        assert texts.target(index) in word
        assert 1 <= len(word) <= LONGEST
        assert word == word.strip() == unify_variants(word)
        assert set(word) <= set(CHARACTERS)


def test_every_character_occurs_often_enough(texts):
    counts = Counter("".join(text(texts, index) for index in range(2 * a_round(texts))))
    assert set(texts.characters) <= set(counts)
    assert min(counts[character] for character in texts.characters) >= 2


def test_words_of_documents_are_as_long_as_labels(texts):
    """Of the real labels 16 % hold one character, 2.6 % signs alone, 2 % a space; here more are hard ones."""
    words = [text(texts, index) for index in range(8_000) if not texts.target(index)]

    def share(pattern):
        return sum(bool(re.search(pattern, word)) for word in words) / len(words)

    assert share(r"^.$") == pytest.approx(0.16, abs=0.03)
    assert share(r"^\W+$") == pytest.approx(0.09, abs=0.02)
    assert share(" ") == pytest.approx(0.02, abs=0.01)
    assert share("[A-Za-z]") == pytest.approx(0.2, abs=0.03)
    assert share("^.{11,}$") == pytest.approx(0.15, abs=0.05)
    assert statistics.median(map(len, words)) in (4, 5)
    for lone in "-:./·~〃○※,":
        assert lone in words


def test_a_set_without_a_space_gets_none():
    texts = WordTexts(CHARACTERS.replace(" ", ""), package_words(), 7)
    assert not any(" " in text(texts, index) for index in range(3_000))


def test_signs_that_labels_write_otherwise_are_no_targets(texts):
    assert "ㆍ" in CHARACTERS and "ㆍ" in VARIANTS["·"]
    assert "ㆍ" not in texts.known and "·" in texts.known


def test_words_look_like_those_of_documents(texts):
    words = {text(texts, index) for index in range(6_000)}
    assert any(word.startswith("제") and "조" in word for word in words)
    assert any(word.endswith("원") and "," in word for word in words)
    assert any("@" in word for word in words)
    assert any(word.startswith("(") and word.endswith(")") for word in words)
    assert any(" " in word for word in words)
    corpus = set(package_words())
    assert 0.1 < sum(word in corpus for word in words) / len(words) < 0.5


def test_wanted_characters_are_in_every_word_as_often_as_their_weights_say():
    texts = WordTexts(CHARACTERS, package_words(), 7, {"뺨": 3.0, "쨌": 1.0})
    words = [text(texts, index) for index in range(800)]
    assert all("뺨" in word or "쨌" in word for word in words)
    counts = Counter(texts.target(index) for index in range(800))
    assert counts["뺨"] / counts["쨌"] == pytest.approx(3, rel=0.1)


def test_what_can_not_be_written_is_not_wanted():
    assert {WordTexts("가나", [], 1, {"뺨": 1.0, "가": 1.0}).target(index) for index in range(9)} == {"가"}
    with pytest.raises(ValueError, match="no character that is wanted"):
        WordTexts("가나", [], 1, {"뺨": 1.0})


def test_another_seed_gives_other_words(texts):
    other = WordTexts(CHARACTERS, package_words(), 8)
    assert [texts.target(index) for index in range(50)] != [other.target(index) for index in range(50)]


def test_a_copy_in_another_process_writes_the_same(texts):
    copy = pickle.loads(pickle.dumps(texts))
    assert [text(copy, index) for index in range(200)] == [text(texts, index) for index in range(200)]


def test_a_small_character_set_is_enough():
    texts = WordTexts("가나다", ["가나", "하늘"], 1)
    words = [text(texts, index) for index in range(200)]
    assert set("".join(words)) == set("가나다")
    assert "가나" in words and "하늘" not in words


def test_words_of_a_corpus_are_written_as_labels_are():
    assert usable_words(["경남ㆍ전남", "ABC", "가" * 40, "경남ㆍ전남"], frozenset("경남·전가")) == ("경남·전남",)

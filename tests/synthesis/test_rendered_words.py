"""Rendered words: what they depend on, and the characters that are wanted in them."""

import numpy as np
import pytest

from train_easyocr.common.errors import UserError
from train_easyocr.common.text import unify_variants
from train_easyocr.synthesis.fonts import packaged_folder
from train_easyocr.synthesis.rendered_words import Recipe, read_wanted

pytestmark = pytest.mark.slow

CHARACTERS = "가각간갇갈감갑값강갖갔같뺨쨌를했었제조의0123456789abcABC().,-「」ㆍ㎡① "


def prepared(seed):
    recipe = Recipe(seed, "mixed", CHARACTERS, "all", fonts=str(packaged_folder()))
    return recipe.prepare()[0]


def test_a_word_depends_on_the_seed_and_its_number_alone():
    one, same, other = prepared(9), prepared(9), prepared(10)
    words = {number: one.word(number) for number in (4, 0, 3)}
    for number in (0, 3, 4):
        (text, patch), (same_text, same_patch) = words[number], same.word(number)
        assert text == same_text and np.array_equal(patch, same_patch)
    assert [one.word(number)[0] for number in range(30)] != [other.word(number)[0] for number in range(30)]


def test_weak_characters_can_be_plain_text(tmp_path):
    (tmp_path / "weak.txt").write_text("뺨뺨\n를·\n", encoding="utf-8-sig")
    assert read_wanted(tmp_path / "weak.txt") == {"뺨": 2.0, "를": 1.0, unify_variants("·"): 1.0}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'[{"letter": 1}]', "is no list of"),
        (b"[]", "names no weak character"),
        (b"\xff\xfe\xfa", "is not UTF-16 text"),
    ],
)
def test_a_broken_report_is_named(tmp_path, content, message):
    (tmp_path / "weak.json").write_bytes(content)
    with pytest.raises(UserError, match=rf"weak\.json: {message}"):
        read_wanted(tmp_path / "weak.json")

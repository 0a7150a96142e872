"""Pages of words in lines, and a reader that errs in known ways, for tests of what is computed from many words."""

from __future__ import annotations

import random

from train_easyocr.documents import Box, Word
from train_easyocr.evaluation.observations import Observations

SYLLABLES = "가나다라마바사아자차카타파하도로점용허가신청서김해시장귀하번호년월일"


def rows_of(words, confidence=0.9):
    """Words as rows of predictions."""
    return [[*word.box, word.text, confidence] for word in words]


def line(*texts, top=0, height=30):
    """Words side by side, 20 pixels a character."""
    words, left = [], 0
    for text in texts:
        width = 20 * max(1, len(text))
        words.append(Word(Box(left, top, left + width, top + height), text))
        left += width + 20
    return words


def observed(*pages):
    """Observations of pages: (name, category, labels, rows)."""
    observations = Observations()
    for page in pages:
        observations.add(*page)
    return observations


def random_page(state: random.Random, words: int):
    """A page of random words in lines of eight."""
    texts = ["".join(state.choices(SYLLABLES, k=state.randint(1, 6))) for _ in range(words)]
    return [word for number in range(0, words, 8) for word in line(*texts[number : number + 8], top=50 * (number // 8))]


def misreading(state: random.Random, text: str, rate: float, habits=None):
    """Return what a recognizer reads, and its confidence.

    It takes each syllable for another at `rate`, unsurely, and each one in `habits` for that one, surely.
    """
    read, confidence = "", state.uniform(0.9, 1)
    for character in text:
        if habits and character in habits and state.random() < 0.5:
            read += habits[character]
        elif state.random() < rate:
            read += state.choice(SYLLABLES.replace(character, ""))
            confidence = min(confidence, state.uniform(0.2, 0.97))
        else:
            read += character
    return read, confidence

"""Rows of words: what they hold, and that they account for all that a page loses."""

import random

import numpy as np
import pytest

from tests.evaluation.pages import line, misreading, observed, random_page, rows_of
from train_easyocr.documents import Box, Word
from train_easyocr.evaluation.observations import Observations
from train_easyocr.metrics.error_classes import CLASSES
from train_easyocr.metrics.metrics import score_page


def test_rows():
    labels = line("도로", "점용", "허가")
    rows = [*rows_of(labels[:1], 0.5), *rows_of([Word(labels[1].box, "점응")], 0.25), [500, 0, 540, 30, "잡음", 0.75]]
    words = observed(("인.허가/1", "인.허가", labels, rows)).words()
    assert words.text == ["도로", "점용", "허가", "잡음"]
    assert words.read == ["도로", "점응", None, "잡음"]
    assert [CLASSES[index] for index in words.error_class] == ["right", "misread", "missed", "false"]
    assert words.labelled.tolist() == [True, True, True, False]
    assert words.credit.tolist() == [1, 0.5, 0, 0]
    assert words.loss == pytest.approx(np.array([0, 1 / 6, 1 / 6, 1 / 6]))
    assert words.confidence[:2].tolist() == [0.5, 0.25]
    assert np.isnan(words.confidence[2]) and words.confidence[3] == 0.75
    assert words.box_of(3) == Box(500, 0, 540, 30)
    assert words.read_box.tolist() == [[*labels[0].box], [*labels[1].box], [0, 0, 0, 0], [500, 0, 540, 30]]
    assert (words.height.tolist(), words.length.tolist()) == ([30] * 4, [2] * 4)


def test_losses_are_what_the_pages_lack():
    state = random.Random(3)
    observations, f1 = Observations(), []
    for number in range(20):
        labels = random_page(state, state.randint(0, 30))
        read = [Word(word.box, misreading(state, word.text, 0.2)[0]) for word in labels if state.random() < 0.8]
        read += [Word(Box(*(state.randint(0, 400) for _ in range(4))), "") for _ in range(state.randint(0, 4))]
        record = observations.add(f"page {number}", "", labels, rows_of(read)).record
        assert record.scores == score_page(labels, read)
        f1.append(record.scores.end_to_end_f1)
    words = observations.words()
    lost = np.bincount(words.page, weights=words.loss, minlength=20)
    assert lost == pytest.approx(1 - np.array(f1), abs=1e-9)


def test_texts_are_composed():
    labels = line("김해")
    words = observed(("1", "", labels, [[*labels[0].box, "김해", 1.0]])).words()
    assert words.error_class.tolist() == [0]


def test_upright_words():
    labels = [Word(Box(0, 0, 20, 80), "지시"), Word(Box(50, 0, 70, 80), "가"), Word(Box(100, 0, 160, 30), "지시")]
    assert observed(("1", "", labels, [])).words().vertical.tolist() == [True, False, False]


def test_nothing():
    words = Observations().words()
    assert (len(words.text), words.box.shape, words.height.shape) == (0, (0, 4), (0,))

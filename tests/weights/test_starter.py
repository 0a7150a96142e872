"""The weights that come with the package read print that they were not trained on."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.recognition.word_sets import font
from train_easyocr.detection.opening import open_word_detector
from train_easyocr.documents import Box
from train_easyocr.metrics.matching import match
from train_easyocr.reading.reader import open_weights
from train_easyocr.weights import starter as starter_weights
from train_easyocr.weights.character_rows import fit_characters
from train_easyocr.weights.characters import korean_documents
from train_easyocr.weights.checkpoints import card_path, read_card, read_weights

pytestmark = pytest.mark.slow

WORDS = ["신청서를", "제출했다.", "제25조제2항", "2023.11.21.", "(도로점용)", "「산업법」", "①", "○○시장", "50,000원"]
"""In NanumGothic, which is kept for the sample documents."""


def line(words: list[str], size: int = 44) -> tuple[np.ndarray, list[Box]]:
    """Draw words side by side, black on white; return the grey line and each word's place."""
    letters, boxes, x = font(size), [], 20
    image = Image.new("L", (4000, 2 * size), 255)
    for word in words:
        ImageDraw.Draw(image).text((x, size // 2), word, font=letters, fill=20)
        left, top, right, bottom = (round(edge) for edge in letters.getbbox(word))
        boxes.append(Box(x + left - 2, size // 2 + top - 2, x + right + 2, size // 2 + bottom + 2))
        x += right + size
    return np.asarray(image)[:, :x], boxes


def test_the_recognizer_reads_a_line_in_a_face_that_it_never_saw():
    grey, boxes = line(WORDS)
    readings = open_weights(starter_weights.RECOGNIZER).recognize(grey, boxes)
    assert [text for text, _ in readings] == WORDS


def assert_found(picture: np.ndarray, words: list[Box]) -> None:
    detector = open_word_detector(starter_weights.DETECTOR).detector
    found = detector.boxes(detector.score_maps(cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)))
    assert len(found) == len(match(words, found)) == len(words)


@pytest.mark.parametrize("first", [0, 2, 4])
def test_the_detector_finds_the_words_of_a_line_of_a_page(first):
    grey, boxes = line(WORDS[first : first + 4])
    # As scanners give it, 300 dots per inch.
    top, left = 1500, 300
    bottom, right = (side - used for side, used in zip((3508, 2480), grey.shape, strict=True))
    page = cv2.copyMakeBorder(grey, top, bottom - top, left, right - left, cv2.BORDER_CONSTANT, value=255)
    assert_found(page, [Box(box.xmin + left, box.ymin + top, box.xmax + left, box.ymax + top) for box in boxes])


@pytest.mark.parametrize("size", [24, 36, 44, 56])
def test_the_detector_finds_words_of_many_sizes(size):
    assert_found(*line(WORDS[:4], size))


@pytest.mark.parametrize("weights", [starter_weights.RECOGNIZER, starter_weights.DETECTOR], ids=lambda path: path.stem)
def test_the_cards_name_no_folder_and_the_files_stay_small(weights):
    assert weights.stat().st_size < 10 * 2**20
    content = card_path(weights).read_text(encoding="utf-8")
    assert "/tmp" not in content
    assert "/work" not in content


def test_the_recognizer_writes_the_characters_of_public_documents():
    assert read_card(starter_weights.RECOGNIZER).validation.words > 0
    assert {"를", "했", "·", "○", "①"} <= set(read_card(starter_weights.RECOGNIZER).character)


def test_the_recognizer_writes_the_middle_dot_and_the_won_sign_of_real_labels():
    words = ["시·도", "읍·면·동", "양도·인수", "₩50,000"]
    grey, boxes = line(words)
    read = [text for text, _ in open_weights(starter_weights.RECOGNIZER).recognize(grey, boxes)]
    assert read[:3] == words[:3]
    assert read[3] in ("₩50,000", "\\50,000")  # in this face, as in many Korean ones, a backslash is drawn so, too


def test_it_writes_all_of_todays_characters():
    card, weights = read_card(starter_weights.RECOGNIZER), read_weights(starter_weights.RECOGNIZER)
    head = weights["Prediction.weight"], weights["Prediction.bias"]
    wanted = korean_documents()
    moved, _, fit = fit_characters(*head, card.character, wanted)
    assert card.character == wanted and not (fit.averaged or fit.composed or fit.dropped)
    for character in "·ㆍ₩가○":
        assert moved[1 + wanted.index(character)].equal(head[0][1 + card.character.index(character)])

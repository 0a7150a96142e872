"""The direction classifier: what it sees, what it is trained on, what it says, and words turned before reading."""

import numpy as np
import pytest
import torch

from tests.recognition.word_sets import WORDS, render, write_set
from train_easyocr.common.errors import UserError, WeightsError
from train_easyocr.documents.page import Box
from train_easyocr.orientation.alike import reads_alike
from train_easyocr.orientation.augmentation import PARTS, augment
from train_easyocr.orientation.batches import Batches, Sample, open_words
from train_easyocr.orientation.classifier import SHIPPED, DirectionClassifier, turned_of_pairs
from train_easyocr.orientation.config import OrientationConfig
from train_easyocr.orientation.network import DirectionNetwork
from train_easyocr.orientation.words import input_of, upside_down
from train_easyocr.reading.turned_words import TurningEngine, read_turned


@pytest.mark.parametrize(("width", "height"), [(1, 1), (30, 40), (100, 25), (192, 48), (193, 48), (800, 60), (5, 200)])
def test_a_word_turned_before_is_one_turned_after(width, height):
    word = np.random.default_rng(1).integers(0, 256, (height, width), dtype=np.uint8)
    found = input_of(word)
    assert found.shape == (48, 192) and found.dtype == np.uint8
    if width in (192, 800):  # where nothing has to be divided unevenly
        np.testing.assert_allclose(upside_down(found).astype(int), input_of(upside_down(word)), atol=1)


def test_words_keep_their_proportions():
    word = np.full((24, 48), 255, np.uint8)
    word[:, 20:28] = 0
    dark = (input_of(word)[24] < 128).sum()
    assert dark == 16, "twice as high, twice as wide"


@pytest.mark.parametrize(
    ("text", "alike"),
    [("", True), ("0H8", True), ("응", True), ("─", False), ("—", True), ("가", False), ("를나", False), ("문", False)],
)
def test_texts_that_read_the_same_upside_down(text, alike):
    assert reads_alike(text) is alike


@pytest.mark.parametrize("size", [(48, 160), (12, 30), (3, 4), (200, 40)])
def test_augmentation_is_the_same_for_the_same_generator_and_leaves_torchs_alone(size):
    word = np.random.default_rng(3).integers(0, 256, size, dtype=np.uint8)
    before, kept = torch.get_rng_state(), word.copy()
    first, second = (augment(word, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(word, kept)
    assert first.dtype == np.uint8 and torch.equal(torch.get_rng_state(), before)
    for part in PARTS:
        assert min(part(word, np.random.default_rng(1)).shape) > 0


def test_a_set_of_words_of_which_some_say_nothing(tmp_path):
    write_set(tmp_path / "set", [*WORDS, "00HH"])
    words = open_words(tmp_path / "set")
    texts = [words.data.label(int(word)) for word in words.indices]
    assert texts == [word for word in WORDS if len(word) > 1]
    write_set(tmp_path / "letters", ["가", "0"])
    with pytest.raises(UserError, match="none of its 2 words"):
        open_words(tmp_path / "letters")


@pytest.mark.slow
def test_batches_hold_what_their_samples_say(tmp_path):
    patches = write_set(tmp_path / "set", WORDS)
    words = open_words(tmp_path / "set")
    batches = Batches(words, OrientationConfig())
    batch = batches[[Sample(0, -1, False), Sample(0, -1, True)]]
    assert batch.turned.tolist() == [0, 1] and batch.images.shape == (2, 1, 48, 192)
    np.testing.assert_array_equal(batch.images[0, 0], input_of(patches[0]))
    np.testing.assert_array_equal(batch.images[1, 0], input_of(upside_down(patches[0])))
    many = [Sample(word, epoch) for word in range(len(words.indices)) for epoch in range(20)]
    turned = batches[many].turned.float().mean()
    assert 0.35 < turned < 0.65
    assert torch.equal(batches[many].images, batches[many].images)


def test_what_is_said_of_a_word_is_the_opposite_of_what_is_said_of_it_turned():
    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0], [0.5, 1.0], [0.0, 0.0]])
    found = turned_of_pairs(logits)
    expected = torch.sigmoid(torch.tensor([-1.5, 1.5, 0.25, -0.25], dtype=torch.float64))
    torch.testing.assert_close(found, expected)


def test_the_shipped_weights():
    assert SHIPPED.stat().st_size < 1_000_000
    classifier = DirectionClassifier()
    words = [render(word, 48) for word in WORDS if len(word) > 2]
    upright, over = classifier.turned(words), classifier.turned([upside_down(word) for word in words])
    assert upright.max() < 0.5 < over.min()
    assert classifier.turned([]).shape == (0,)
    assert classifier.card.validation.words > 2000 and not classifier.card.trained_on


def test_weights_that_are_none(tmp_path):
    with pytest.raises(WeightsError):
        DirectionClassifier(tmp_path / "없음.pth")


def test_the_network_takes_the_words_size():
    with torch.inference_mode():
        assert DirectionNetwork().eval()(torch.zeros(3, 1, 48, 192)).shape == (3, 2)


class Brightness:
    """An `Engine` and a classifier: a word is upright whose left half is dark."""

    identity = None

    def __init__(self, upright=("바로", 0.9), over=("거꾸로", 0.5)):
        self.upright, self.over, self.asked = upright, over, 0

    def read(self, grey, shapes):
        crops = [grey[box.ymin : box.ymax, box.xmin : box.xmax] for box in shapes]
        return [self.upright if crop[:, : crop.shape[1] // 2].mean() < 128 else self.over for crop in crops]

    def turned(self, words):
        self.asked += len(words)
        return np.array([float(word[:, : word.shape[1] // 2].mean() > 128) for word in words])


def test_single_words_are_turned_and_no_letters_or_standing_words():
    page = np.full((200, 300), 255, np.uint8)
    boxes = [Box(10, 10, 90, 40), Box(110, 10, 190, 40), Box(10, 60, 40, 90), Box(60, 60, 80, 160)]
    page[10:40, 10:50] = 0  # upright
    page[10:40, 150:190] = 0  # upside down
    engine = Brightness()
    assert [text for text, _ in engine.read(page, boxes)] == ["바로", "거꾸로", "거꾸로", "거꾸로"]
    assert [text for text, _ in TurningEngine(engine, engine).read(page, boxes)] == ["바로", "바로", "거꾸로", "거꾸로"]
    assert TurningEngine(engine, engine).read(page, []) == []


@pytest.mark.parametrize(
    ("upright", "over", "text", "asked"),
    [
        (("바로", 0.6), ("거꾸로", 0.5), "바로", 1),
        (("바로", 0.6), ("거꾸로", 0.7), "거꾸로", 1),  # the reader knows better
        (("", 0.9999), ("거꾸로", 0.1), "거꾸로", 1),  # nothing read is EasyOCR's surest reading
        (("바로", 0.1), ("0H8", 0.9), "바로", 1),  # reads the same upside down
        (("바로", 0.99), ("거꾸로", 0.96), "거꾸로", 0),  # read for certain
    ],
)
def test_a_word_is_turned_where_classifier_and_reader_agree(upright, over, text, asked):
    page = np.full((50, 100), 255, np.uint8)
    page[10:40, 50:90] = 0  # upside down
    engine = Brightness(upright, over)
    assert TurningEngine(engine, engine).read(page, [Box(10, 10, 90, 40)])[0][0] == text
    assert engine.asked == asked


def test_readings_of_turned_words_come_word_by_word():
    words = [np.full((20, 60), 255, np.uint8), np.full((20, 80), 255, np.uint8)]
    words[0][:, :30] = 0
    words[1][:, 40:] = 0
    assert [text for text, _ in read_turned(Brightness(), words, [0, 2])] == ["바로", "거꾸로", "거꾸로", "바로"]
    assert read_turned(Brightness(), [], [0]) == []

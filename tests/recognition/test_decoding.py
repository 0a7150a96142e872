"""Decoding, against EasyOCR's own and against sums over all paths."""

import itertools
import math
import random
from collections import defaultdict

import numpy as np
import pytest
import torch
from easyocr.recognition import custom_mean
from easyocr.utils import CTCLabelConverter
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from train_easyocr.recognition.decoding import (
    BestPath,
    greedy,
    greedy_attention,
    prefix_beam_search,
    probabilities,
)
from train_easyocr.weights.characters import CharacterSet, CtcConverter

CHARACTERS = "가나다라 "


def random_logits(batch=40, steps=17, classes=6, seed=0, spread=4.0):
    return torch.randn(batch, steps, classes, generator=torch.Generator().manual_seed(seed)) * spread


def easyocr_readings(logits, ignored=()):
    """The lines of EasyOCR's `recognizer_predict` after the network."""
    shares = functional.softmax(logits, dim=2).numpy()
    shares[:, :, list(ignored)] = 0.0
    shares = torch.from_numpy(shares / np.expand_dims(shares.sum(axis=2), axis=-1)).float()
    _, best = shares.max(2)
    lengths = torch.IntTensor([logits.size(1)] * len(logits))
    texts = CTCLabelConverter(CHARACTERS).decode_greedy(best.view(-1).numpy(), lengths)
    shares = shares.numpy()
    confidences = []
    for value, index in zip(shares.max(axis=2), shares.argmax(axis=2), strict=True):
        written = value[index != 0]
        confidences.append(custom_mean(written if len(written) else np.array([0])))
    return texts, [float(confidence) for confidence in confidences]


@pytest.mark.parametrize("ignored", [(), (2, 4)])
@pytest.mark.parametrize("spread", [0.3, 4.0, 30.0])
def test_greedy_reads_and_trusts_as_easyocr(ignored, spread):
    logits = random_logits(spread=spread)
    logits[:, :, 0] += spread / 2
    readings = greedy(probabilities(logits, ignored))
    texts, confidences = easyocr_readings(logits, ignored)
    converter = CtcConverter(CharacterSet(CHARACTERS))
    assert [converter.decode(reading.indices) for reading in readings] == texts
    assert [reading.confidence for reading in readings] == confidences
    assert len(set(texts)) > 10


def shares_of(path, classes=4):
    shares = torch.full((1, len(path), classes), 0.05)
    shares[0, range(len(path)), path] = 1 - 0.05 * (classes - 1)
    return shares


@pytest.mark.parametrize(
    ("path", "indices"),
    [
        ([0, 0, 0], []),
        ([1, 1, 1], [1]),
        ([1, 0, 1], [1, 1]),
        ([0, 2, 2, 0, 0, 3, 1, 1], [2, 3, 1]),
        ([3], [3]),
    ],
)
def test_repeats_are_merged_and_blanks_removed(path, indices):
    assert greedy(shares_of(path))[0].indices == indices


def test_an_empty_word_has_no_confidence():
    assert greedy(shares_of([0, 0, 0])) == [BestPath([], 0.0, pytest.approx(0.85))]


def test_certainty_is_that_of_the_least_certain_step_blank_or_not():
    shares = shares_of([1, 0, 2, 2])
    shares[0, 1] = torch.tensor([0.4, 0.3, 0.2, 0.1])
    assert greedy(shares)[0].certainty == pytest.approx(0.4)
    shares[0, 2] = torch.tensor([0.1, 0.3, 0.35, 0.25])
    assert greedy(shares)[0].certainty == pytest.approx(0.35)
    logits = torch.log(shares)
    assert greedy_attention(logits, end=2)[0].certainty == pytest.approx(0.35)
    assert greedy_attention(logits, end=0)[0].certainty == pytest.approx(0.4)


def test_confidence_counts_repeats_too():
    assert greedy(shares_of([1, 1, 0, 2]))[0].confidence == pytest.approx(0.85 ** (3 * 2 / math.sqrt(3)))


def test_ignored_classes_leave_their_share_to_the_others():
    shares = probabilities(torch.log(torch.tensor([[[0.5, 0.3, 0.2]]])), ignored=[0])
    assert shares[0, 0].tolist() == pytest.approx([0, 0.6, 0.4])


def test_half_precision_logits_are_read_in_full_precision():
    logits = random_logits().to(torch.bfloat16)
    assert torch.equal(probabilities(logits), probabilities(logits.float()))


def test_attention_reads_up_to_the_end_mark():
    shares = torch.full((2, 4, 5), 0.1)
    for word, path in enumerate([[3, 1, 4, 4], [2, 3, 4, 2]]):
        shares[word, range(4), path] = 0.6
    short, full = greedy_attention(torch.log(shares))
    assert short.indices == [3]
    assert short.confidence == pytest.approx(0.6**2)
    assert full.indices == [2, 3, 4, 2]
    assert full.confidence == pytest.approx(0.6**4)


def labels_by_brute_force(log_probabilities):
    """The probability of every label, summed over every path."""
    steps, classes = log_probabilities.shape
    labels = defaultdict(float)
    for path in itertools.product(range(classes), repeat=steps):
        probability = math.exp(sum(log_probabilities[step, number] for step, number in enumerate(path)))
        labels[tuple(number for number, _ in itertools.groupby(path) if number)] += probability
    return labels


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(1, 5), st.integers(2, 4), st.integers(0, 10_000), st.sampled_from([0.5, 2.0, 6.0]))
def test_a_wide_beam_finds_the_most_probable_label_of_all_paths(steps, classes, seed, spread):
    logits = np.random.default_rng(seed).normal(size=(steps, classes)) * spread
    log_probabilities = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    labels = labels_by_brute_force(log_probabilities)
    indices, log_probability = prefix_beam_search(log_probabilities, beam_width=2000)
    assert math.exp(log_probability) == pytest.approx(max(labels.values()), rel=1e-9)
    assert labels[tuple(indices)] == pytest.approx(max(labels.values()), rel=1e-9)


@pytest.mark.parametrize("beam_width", [1, 2, 3])
def test_a_narrow_beam_never_claims_more_than_the_label_has(beam_width):
    for seed in range(50):
        logits = np.random.default_rng(seed).normal(size=(5, 4)) * 1.5
        log_probabilities = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
        indices, log_probability = prefix_beam_search(log_probabilities, beam_width)
        assert log_probability <= math.log(labels_by_brute_force(log_probabilities)[tuple(indices)]) + 1e-9


def test_it_finds_what_greedy_reading_misses():
    # Graves 2012, figure 7.6: the best path is all blank (0.36), the label 1 is more probable (0.64).
    shares = np.array([[0.6, 0.4], [0.6, 0.4]])
    indices, log_probability = prefix_beam_search(np.log(shares), beam_width=2)
    assert greedy(torch.from_numpy(shares[None]))[0].indices == []
    assert indices == [1]
    assert math.exp(log_probability) == pytest.approx(0.64)


def test_a_prefix_that_two_others_lead_to_is_one():
    # Step 2 reaches [1] from [] and from [1] itself; kept twice, neither would win.
    shares = np.array([[0.45, 0.55, 0.0], [0.3, 0.3, 0.4]])
    with np.errstate(divide="ignore"):
        indices, log_probability = prefix_beam_search(np.log(shares), beam_width=10)
    assert indices == [1]
    assert math.exp(log_probability) == pytest.approx(0.55 * 0.6 + 0.45 * 0.3)


def test_a_repeated_character_needs_a_blank_between():
    shares = np.full((3, 3), 0.01)
    shares[[0, 1, 2], [2, 0, 2]] = 0.98
    assert prefix_beam_search(np.log(shares), beam_width=4)[0] == [2, 2]
    shares[1] = [0.01, 0.01, 0.98]
    assert prefix_beam_search(np.log(shares), beam_width=4)[0] == [2]


def test_impossible_classes_and_words_do_no_harm():
    with np.errstate(divide="ignore"):
        certain = np.log(np.eye(4)[[1, 0, 1, 3]])
    assert prefix_beam_search(certain, beam_width=3) == ([1, 1, 3], 0.0)
    assert prefix_beam_search(np.full((2, 3), -np.inf), beam_width=3) == ([], -np.inf)
    assert prefix_beam_search(np.zeros((0, 4)), beam_width=3) == ([], 0.0)


@pytest.mark.parametrize("spread", [0.01, 3.0, 6.0])
def test_long_words_have_the_probability_that_torchs_loss_gives_them(spread):
    shares = torch.log_softmax(random_logits(1, 149, 1009, spread=spread)[0].double(), dim=1)
    indices, log_probability = prefix_beam_search(shares.numpy(), beam_width=8)
    target = torch.tensor([indices])
    loss = functional.ctc_loss(shares[:, None], target, torch.tensor([149]), torch.tensor([len(indices)]))
    whole = -float(loss) * len(indices)  # torch divides by the label's length
    assert -150 * math.log(1009) < log_probability <= whole + 1e-6
    if spread > 1:  # the paths that the beam leaves out hardly count where the network has a mind of its own
        assert log_probability == pytest.approx(whole, abs=2)


def test_where_the_network_is_sure_both_agree():
    chosen = random.Random(0)
    path = [chosen.choice([0, chosen.randrange(1, 1009)]) for _ in range(149)]
    logits = torch.zeros(1, 149, 1009)
    logits[0, range(149), path] = 20.0
    indices, log_probability = prefix_beam_search(torch.log_softmax(logits, 2)[0].numpy(), beam_width=5)
    assert indices == greedy(probabilities(logits))[0].indices
    assert log_probability == pytest.approx(0, abs=1e-2)


@pytest.mark.parametrize(("value", "width", "message"), [(math.nan, 5, "NaN"), (-1.0, 0, "a beam of 0")])
def test_unusable_input_is_refused(value, width, message):
    with pytest.raises(ValueError, match=message):
        prefix_beam_search(np.full((3, 4), value), width)

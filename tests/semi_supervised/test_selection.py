"""Which readings become labels: the threshold, what is claimed of it, limits and the floor."""

from collections import Counter

import numpy as np
import pytest

from train_easyocr.semi_supervised.reading import LookReadings
from train_easyocr.semi_supervised.selection import (
    LOWEST,
    Demands,
    Fate,
    Limits,
    TeacherTooWeakError,
    Threshold,
    choose_threshold,
    lowest_threshold,
    select,
)

DEMANDS = Demands(precision=0.98, accuracy=60, kept=0.1)
SYLLABLES = "가나다라마바사아자차카타파하"


def readings(texts, confidence, *others):
    """Readings of one look, or several that are as sure."""
    looks = [list(texts), *map(list, others)]
    return LookReadings(looks, np.tile(np.asarray(confidence, float), (len(looks), 1)))


def noisy_teacher(words, accuracy, seed, sharpness=4.0):
    """Texts, what a teacher reads of them and how sure it is: right with a chance that its confidence tells."""
    random = np.random.default_rng(seed)
    truth = ["".join(random.choice(list(SYLLABLES), 3)) for _ in range(words)]
    logit = random.normal(np.log(accuracy / (1 - accuracy)) * 1.5, sharpness, words)
    right = random.random(words) < 1 / (1 + np.exp(-logit))
    read = [text if good else text[:-1] + "힣" for text, good in zip(truth, right, strict=True)]
    return truth, read, 1 / (1 + np.exp(-2 * logit))  # twice too sure of itself


def lowest_by_trying(confidence, right, precision):
    values = [value for value in sorted(set(confidence)) if value >= LOWEST]
    good = [value for value in values if right[confidence >= value].mean() >= precision]
    return good[0] if good else None


@pytest.mark.parametrize("seed", range(20))
def test_the_threshold_is_the_lowest_that_is_precise_enough(seed):
    random = np.random.default_rng(seed)
    confidence = random.integers(0, 40, 200) / 40
    right = random.random(200) < confidence
    assert lowest_threshold(confidence, right, 0.9) == lowest_by_trying(confidence, right, 0.9)


def test_no_threshold_where_the_surest_are_wrong():
    assert lowest_threshold(np.array([0.9, 0.8]), np.array([False, True]), 0.98) is None
    assert lowest_threshold(np.array([0.4, 0.3]), np.array([True, True]), 0.98) is None


@pytest.mark.parametrize("seed", range(5))
def test_the_temperature_mends_a_teacher_that_is_too_sure(seed):
    truth, read, confidence = noisy_teacher(4_000, 0.85, seed)
    found = choose_threshold(readings(read, confidence), truth, DEMANDS, 1)
    assert 1.7 < found.temperature < 2.4
    assert found.precision >= 0.98
    right = [one == other for one, other in zip(truth, read, strict=True)]
    assert found.accuracy == pytest.approx(100 * np.mean(right))


@pytest.mark.slow
def test_kept_labels_are_as_precise_as_is_claimed():
    """Within a point of the claim, as a mean over teachers, and each within what chance does on 2,000 words."""
    gaps = []
    limits = Limits(most_per_text=0, most_of_length=0, least_per_character=5, longest=30, seed=1)
    for seed in range(12):
        truth, read, confidence = noisy_teacher(2_000, 0.85, seed)
        threshold = choose_threshold(readings(read, confidence), truth, DEMANDS, 1)
        truth, read, confidence = noisy_teacher(8_000, 0.85, 100 + seed)
        found = select(readings(read, confidence), [False], threshold, limits)
        right = np.array([one == other for one, other in zip(truth, read, strict=True)])
        gaps.append(right[found.kept].mean() - found.precision)
    assert abs(np.mean(gaps)) < 0.005
    assert np.abs(gaps).max() < 0.01


@pytest.mark.parametrize("ranking", ["none", "its confidence"])
def test_a_teacher_of_half_the_words_is_refused(ranking):
    truth, read, confidence = noisy_teacher(2_000, 0.5, 3)
    if ranking == "none":
        confidence = np.random.default_rng(1).permutation(confidence)
    with pytest.raises(TeacherTooWeakError) as error:
        choose_threshold(readings(read, confidence), truth, DEMANDS, 1)
    assert "of 2,000 validation words right (60 % are needed)" in str(error.value)
    assert "more labelled words" in str(error.value)


def test_a_good_teacher_that_is_never_sure_is_refused():
    truth, read, confidence = noisy_teacher(2_000, 0.8, 3)
    with pytest.raises(TeacherTooWeakError, match="are read so surely that 98% of these are right"):
        choose_threshold(readings(read, np.random.default_rng(1).permutation(confidence)), truth, DEMANDS, 1)


def test_words_on_which_looks_disagree_are_no_evidence():
    truth = ["가나"] * 60
    read, other = ["가나"] * 50 + ["가다"] * 10, ["가나"] * 50 + ["가라"] * 10
    found = choose_threshold(readings(read, [0.9] * 60, other), truth, DEMANDS, 1)
    assert (found.kept, found.precision, found.words) == (50, 1.0, 60)
    assert found.accuracy == pytest.approx(500 / 6)


EASY = Threshold(temperature=1.0, value=0.9, precision=0.99, claimed=0.98, kept=900, words=1_000, accuracy=95)
FREE = Limits(most_per_text=0, most_of_length=0, least_per_character=0, longest=5, seed=1)


def test_every_word_has_one_fate():
    texts = ["가", "", "가나다라마바", "다", "라", "마"]
    view, weights = ["가", "", "가나다라마바", "타", "라", "마"], ["가", "", "가나다라마바", "다", "하", "마"]
    found = select(readings(texts, [0.95] * 5 + [0.5], view, weights), [False, True, False], EASY, FREE)
    assert found.fates == [Fate.KEPT, Fate.EMPTY, Fate.TOO_LONG, Fate.VIEWS, Fate.WEIGHTS, Fate.UNSURE]
    assert found.kept.tolist() == [True] + [False] * 5
    assert found.precision == pytest.approx(0.98)


def test_the_least_sure_look_counts():
    sure = LookReadings([["가"], ["가"]], np.array([[0.99], [0.8]]))
    assert select(sure, [False, True], EASY, FREE).fates == [Fate.UNSURE]


def test_a_frequent_text_is_kept_so_often_and_not_more():
    texts = ["및"] * 100 + ["가나", "다라"]
    limits = Limits(most_per_text=7, most_of_length=0, least_per_character=0, longest=5, seed=1)
    found = select(readings(texts, [0.95] * 102), [False], EASY, limits)
    assert Counter(found.fates) == {Fate.KEPT: 9, Fate.FREQUENT: 93}
    assert np.flatnonzero(found.kept[:100]).tolist() != list(range(7))  # chance chooses
    again = select(readings(texts, [0.95] * 102), [False], EASY, limits)
    assert again.fates == found.fates


def test_a_length_that_is_sure_more_easily_does_not_take_over():
    random = np.random.default_rng(1)
    texts = ["".join(random.choice(list(SYLLABLES), 1 + number % 2)) for number in range(400)]
    sure = [0.95 if len(text) == 1 or number % 8 == 1 else 0.1 for number, text in enumerate(texts)]
    limits = Limits(most_per_text=0, most_of_length=1.2, least_per_character=0, longest=5, seed=1)
    found = select(readings(texts, sure), [False], EASY, limits)
    kept = Counter(len(text) for text, fate in zip(texts, found.fates, strict=True) if fate is Fate.KEPT)
    assert kept == {1: 1.2 * 0.5 * 250, 2: 50}
    assert Counter(found.fates)[Fate.LENGTH] == 50


def test_rare_characters_are_kept_where_they_are_surest_as_far_as_the_precision_allows():
    texts = ["가나"] * 1_000 + ["뷁"] * 3 + ["뛟"] * 3
    sure = [0.95] * 1_000 + [0.6, 0.8, 0.7] + [0.4] * 3
    limits = Limits(most_per_text=0, most_of_length=0, least_per_character=2, longest=5, seed=1)
    found = select(readings(texts, sure), [False], EASY, limits)
    assert found.fates[1_000:] == [Fate.UNSURE, Fate.RARE, Fate.RARE, *[Fate.UNSURE] * 3]
    assert found.precision == pytest.approx((0.98 * 1_000 + 0.8 + 0.7) / 1_002)
    few = select(readings(texts[990:], sure[990:]), [False], EASY, limits)  # a tenth of a mistake is allowed here
    assert Fate.RARE not in few.fates

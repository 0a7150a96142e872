"""The draws: seeded, without replacement, disjoint."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from train_easyocr.documents.splits import draw_training, draw_validation

NAMES = [f"인.허가/{number:03d}" for number in range(100)]
COUNTS = st.integers(1, 60)


def test_same_seed_same_pages_whatever_the_order_of_the_listing():
    shuffled = random.Random(3).sample(NAMES, 100)
    assert draw_training(NAMES, 30, 7) == draw_training(shuffled, 30, 7)
    assert draw_validation(NAMES, 30, 20, 7) == draw_validation(shuffled, 30, 20, 7)
    assert draw_training(NAMES, 30, 7) != draw_training(NAMES, 30, 8)
    assert draw_validation(NAMES, 30, 20, 7) != draw_validation(NAMES, 30, 20, 8)


def test_a_draw_is_no_prefix_and_more_pages_keep_those_drawn_before():
    few = draw_training(NAMES, 30, 7)
    assert few != NAMES[:30]
    assert set(few) < set(draw_training(NAMES, 50, 7))


def test_training_and_validation_do_not_share_their_random_numbers():
    assert draw_training(NAMES, 30, 7) != draw_validation(NAMES, 30, 20, 7)[0]


@given(st.integers(0, 80), COUNTS, st.integers(0, 2**32))
def test_training_draws_without_replacement_and_at_most_what_is_there(total, count, seed):
    drawn = draw_training(NAMES[:total], count, seed)
    assert len(set(drawn)) == len(drawn) == min(count, total)
    assert drawn == sorted(drawn) and set(drawn) <= set(NAMES[:total])


@given(st.integers(2, 80), COUNTS, COUNTS, st.integers(0, 2**32))
def test_validation_and_evaluation_are_disjoint_and_neither_is_empty(total, val_count, eval_count, seed):
    validation, evaluation = draw_validation(NAMES[:total], val_count, eval_count, seed)
    assert not set(validation) & set(evaluation)
    assert validation and evaluation
    if total >= val_count + eval_count:
        assert (len(validation), len(evaluation)) == (val_count, eval_count)
    else:
        assert len(validation) + len(evaluation) == total
        exact = total * val_count / (val_count + eval_count)
        assert abs(len(validation) - exact) <= 1


def test_validation_shrinks_in_proportion():
    validation, evaluation = draw_validation(NAMES[:10], 2000, 500, 1111)
    assert (len(validation), len(evaluation)) == (8, 2)


@pytest.mark.parametrize("total", [0, 1])
def test_one_page_can_not_be_shared(total):
    with pytest.raises(ValueError, match="both need at least one"):
        draw_validation(NAMES[:total], 1, 1, 7)

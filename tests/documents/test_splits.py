"""The draws: seeded, without replacement, disjoint."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from train_easyocr.documents.splits import draw_pool, draw_training, draw_validation

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


@given(st.integers(3, 60), st.tuples(*3 * [st.integers(1, 40)]), st.integers(0, 9))
def test_a_pool_is_divided_and_no_part_is_empty(total, counts, seed):
    asked = dict(zip(("evaluation", "validation", "training"), counts, strict=True))
    drawn = draw_pool(NAMES[:total], asked, seed)
    parts = list(drawn.values())
    assert all(parts)
    assert all(len(drawn[purpose]) <= asked[purpose] for purpose in asked)
    assert len({name for part in parts for name in part}) == sum(map(len, parts)) == min(total, sum(counts))
    assert drawn == draw_pool(NAMES[:total][::-1], asked, seed)


def test_more_pages_for_training_leave_the_other_parts_of_a_pool_as_they_are():
    few, many = (draw_pool(NAMES, {"evaluation": 5, "validation": 9, "training": n}, 7) for n in (10, 80))
    assert (few["evaluation"], few["validation"]) == (many["evaluation"], many["validation"])
    assert set(few["training"]) < set(many["training"])


@pytest.mark.parametrize(
    ("pages", "asked", "shares"),
    [
        (300, (200, 300, 400), (67, 100, 133)),
        (300, (500, 2_000, 40_000), (30, 30, 240)),  # in proportion 4, 14 and 282
        (300, (10, 2_000, 40_000), (10, 30, 260)),
        (5, (500, 2_000, 40_000), (1, 1, 3)),
    ],
)
def test_a_pool_shrinks_in_proportion_but_scores_keep_pages_enough(pages, asked, shares):
    purposes = ("evaluation", "validation", "training")
    drawn = draw_pool([str(number) for number in range(pages)], dict(zip(purposes, asked, strict=True)), 7)
    assert tuple(len(drawn[purpose]) for purpose in purposes) == shares


def test_a_pool_of_two_can_not_be_shared_by_three():
    with pytest.raises(ValueError, match="2 pages can't be shared between evaluation, validation, training"):
        draw_pool(NAMES[:2], {"evaluation": 1, "validation": 1, "training": 1}, 7)

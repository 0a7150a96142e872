"""The draws: seeded, without replacement, disjoint."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from train_easyocr.documents.page_sums import page_sum
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


PURPOSES = ("evaluation", "validation", "training")
DEFAULTS = dict(zip(PURPOSES, (500, 2_000, 40_000), strict=True))


def own(total, first=0):
    """The sums of pages of one's own, by name."""
    return {f"인.허가/{n:04d}": page_sum(f"쪽 {n}".encode()) for n in range(first, first + total)}


def sums_of(sums, drawn):
    return {purpose: {sums[name] for name in names} for purpose, names in drawn.items()}


def moved(before, after):
    """The images that were in one set and are now in another."""
    return {
        content
        for purpose, contents in before.items()
        for other in PURPOSES
        if other != purpose
        for content in contents & after[other]
    }


@given(st.integers(3, 60), st.tuples(*3 * [st.integers(1, 40)]), st.integers(0, 9))
def test_a_pool_is_divided_and_no_part_is_empty(total, counts, seed):
    asked, sums = dict(zip(PURPOSES, counts, strict=True)), own(total)
    drawn = draw_pool(sums, asked, seed)
    parts = list(drawn.values())
    assert list(drawn) == list(PURPOSES)
    assert all(parts)
    for purpose in PURPOSES[:2]:
        assert min(asked[purpose], total // 10) <= len(drawn[purpose]) <= asked[purpose]
    assert len(drawn["training"]) <= asked["training"]
    assert len({name for part in parts for name in part}) == sum(map(len, parts)) <= total
    if asked["training"] >= total:
        assert sum(map(len, parts)) == total
    assert all(part == sorted(part) for part in parts)
    assert drawn == draw_pool(dict(reversed(sums.items())), asked, seed)


@given(st.integers(3, 60), st.integers(1, 60), st.integers(0, 99))
def test_pages_that_are_added_move_none_and_the_scores_keep_their_tenth(total, more, seed):
    sums = own(total)
    first = sums_of(sums, draw_pool(sums, DEFAULTS, seed))
    grown = sums | own(more, first=total)
    drawn = draw_pool(grown, DEFAULTS, seed, first)
    second = sums_of(grown, drawn)
    assert all(first[purpose] <= second[purpose] for purpose in PURPOSES)
    assert sum(map(len, drawn.values())) == total + more
    new = more - sum(len(second[purpose] - first[purpose]) for purpose in PURPOSES[:2])
    if new:  # unless all new pages were needed for it
        assert all(len(drawn[purpose]) >= max(1, (total + more) // 10) for purpose in PURPOSES[:2])
    assert draw_pool(grown, DEFAULTS, seed, second) == drawn


def test_without_what_was_drawn_before_an_image_falls_to_its_set_all_the_same():
    few, many = own(1_000), own(3_000)
    first, second = (sums_of(sums, draw_pool(sums, DEFAULTS, 7)) for sums in (few, many))
    assert all(first[purpose] <= second[purpose] for purpose in PURPOSES)
    shares = [len(second[purpose]) / len(many) for purpose in PURPOSES]
    assert shares == pytest.approx([1 / 8, 1 / 8, 6 / 8], abs=0.02)


def test_another_name_or_place_changes_nothing_and_another_seed_all():
    sums = own(200)
    renamed = {f"다른 곳/{name[::-1]}": content for name, content in sums.items()}
    drawn = [sums_of(each, draw_pool(each, DEFAULTS, 7)) for each in (sums, renamed)]
    assert drawn[0] == drawn[1]
    other = sums_of(sums, draw_pool(sums, DEFAULTS, 8))
    assert len(moved(drawn[0], other)) > 50


@given(st.integers(3, 30), st.lists(st.integers(0, 29), max_size=20), st.integers(0, 9))
def test_copies_of_a_page_are_in_its_set(total, copied, seed):
    sums = own(total)
    sums |= {f"사본/{number}": page_sum(f"쪽 {page % total}".encode()) for number, page in enumerate(copied)}
    parts = list(sums_of(sums, draw_pool(sums, DEFAULTS, seed)).values())
    assert sum(map(len, parts)) == total == len(set.union(*parts))
    with pytest.raises(ValueError, match="9 pages, 2 of them different, can't be shared"):
        draw_pool({f"{number}": page_sum(bytes(number % 2)) for number in range(9)}, DEFAULTS, seed)


def test_more_pages_for_training_leave_the_other_parts_of_a_pool_as_they_are():
    few, many = (draw_pool(own(100), {"evaluation": 5, "validation": 9, "training": n}, 7) for n in (10, 80))
    assert (few["evaluation"], few["validation"]) == (many["evaluation"], many["validation"])
    assert set(few["training"]) < set(many["training"])


@pytest.mark.parametrize(
    ("asked", "shares"),
    [
        ((200, 300, 400), (2 / 9, 3 / 9, 4 / 9)),  # as asked, where that is more than an eighth
        ((500, 2_000, 40_000), (1 / 8, 1 / 8, 6 / 8)),
        ((10, 2_000, 40_000), (10 / 900, 1 / 8, 7 / 8 - 10 / 900)),  # training takes what evaluation does not
        ((900, 900, 1), (7 / 16, 7 / 16, 1 / 900)),
    ],
)
def test_shares_follow_from_what_is_asked_and_an_eighth(asked, shares):
    drawn = draw_pool(own(900), dict(zip(PURPOSES, asked, strict=True)), 7)
    assert [len(drawn[purpose]) / 900 for purpose in PURPOSES] == pytest.approx(shares, abs=0.03)


def test_a_page_in_two_sets_stays_in_training_and_a_pool_without_others_is_refused():
    sums = own(3)
    contents = list(sums.values())
    before = {"training": contents[:1], "evaluation": contents[:2], "validation": contents[2:]}
    drawn = sums_of(sums, draw_pool(sums, DEFAULTS, 7, before))
    assert [drawn[purpose] for purpose in PURPOSES] == [{contents[1]}, {contents[2]}, {contents[0]}]
    with pytest.raises(ValueError, match="none is left for evaluation; add pages"):
        draw_pool(sums, DEFAULTS, 7, {"training": contents[:2], "validation": contents[2:]})


def test_a_pool_of_two_can_not_be_shared_by_three():
    with pytest.raises(ValueError, match="2 pages can't be shared between evaluation, validation, training"):
        draw_pool(own(2), {"evaluation": 1, "validation": 1, "training": 1}, 7)

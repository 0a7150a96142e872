"""Heads refitted to other characters."""

import pytest
import torch

from train_easyocr.weights.character_rows import NEW_BIAS, compose_rows, fit_characters

OLD = "가나다각·a"


def head(count, width=6, seed=0):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(count + 1, width, generator=random), torch.randn(count + 1, generator=random)


def test_rows_of_known_characters_move_with_them_bit_for_bit():
    weight, bias = head(len(OLD))
    fitted, biases, fit = fit_characters(weight, bias, OLD, "b·다낙가")
    assert fitted.shape == (6, 6)
    for here, there in ((0, 0), (2, 5), (3, 3), (5, 1)):
        assert torch.equal(fitted[here], weight[there])
        assert torch.equal(biases[here], bias[there])
    assert (fit.kept, fit.composed, fit.averaged, fit.dropped) == ("·다가", "낙", "b", "나각a")


def test_the_same_set_in_another_order_is_a_permutation():
    weight, bias = head(len(OLD))
    there = fit_characters(weight, bias, OLD, OLD[::-1])
    back = fit_characters(there[0], there[1], OLD[::-1], OLD)
    assert torch.equal(back[0], weight)
    assert torch.equal(back[1], bias)


def test_other_new_characters_start_from_the_mean_of_the_characters_with_a_lower_bias():
    weight, bias = head(len(OLD))
    fitted, biases, _ = fit_characters(weight, bias, OLD, "b")
    assert torch.allclose(fitted[1], weight[1:].mean(0))
    assert torch.allclose(biases[1], bias[1:].mean() + NEW_BIAS)


def test_syllables_are_composed_of_what_their_parts_contribute():
    # Rows that are sums of contributions are found again, also that of a syllable which was never seen.
    random = torch.Generator().manual_seed(0)
    initial, medial, final = (torch.randn(count, 4, generator=random) for count in (19, 21, 28))

    def row(syllable):
        code = ord(syllable) - ord("가")
        return initial[code // 588] + medial[code // 28 % 21] + final[code % 28]

    known = "가나다각낙닥거너더걱넉"
    estimate = compose_rows(known, torch.stack([row(syllable) for syllable in known]), "덕", ridge=1e-6)
    assert torch.allclose(estimate[0], row("덕"), atol=1e-3)


def test_a_head_with_another_number_of_rows_is_refused():
    weight, bias = head(3)
    with pytest.raises(ValueError, match="4 rows and 4 biases for 6 characters"):
        fit_characters(weight, bias, OLD, "가")


def test_of_a_character_that_comes_twice_the_last_row_counts():
    weight, bias = head(3)
    fitted, _, fit = fit_characters(weight, bias, "가나가", "가나")
    assert torch.equal(fitted[1], weight[3])
    assert fit.dropped == ""

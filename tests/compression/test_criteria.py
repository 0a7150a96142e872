"""Scores of filters, held against a plain double loop."""

import pytest
import torch

from train_easyocr.compression.criteria import fpgm, kept, l1

SHAPES = [(8, 3, 3, 3), (32, 16, 1, 1), (5, 1, 2, 2)]


@pytest.mark.parametrize("shape", SHAPES)
def test_fpgm_is_the_sum_of_distances(shape):
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    expected = [sum(float((one - other).double().pow(2).sum().sqrt()) for other in weight) for one in weight]
    assert fpgm(weight).tolist() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_l1_is_the_sum_of_absolute_weights(shape):
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    assert l1(weight).tolist() == pytest.approx([sum(abs(x) for x in one.flatten().tolist()) for one in weight])


def test_a_filter_that_others_can_stand_in_for_goes_first():
    weight = torch.tensor([9.0, 1.0, 1.0, 1.1, -7.0]).view(5, 1, 1, 1)
    assert kept(weight, 3, "fpgm").tolist() == [0, 3, 4]  # of the equal ones in the middle, none
    assert kept(weight, 3, "l1").tolist() == [0, 3, 4]
    alike = torch.tensor([4.0, 5.0, 6.0, 0.1]).view(4, 1, 1, 1)
    assert kept(alike, 2, "fpgm").tolist() == [2, 3]  # near to the middle is not near to zero
    assert kept(alike, 2, "l1").tolist() == [1, 2]


def test_of_equal_filters_the_first_ones_stay():
    assert kept(torch.ones(4, 2, 1, 1), 2, "fpgm").tolist() == [0, 1]

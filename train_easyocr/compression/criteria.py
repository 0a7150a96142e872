"""Which filters of a convolution can be spared: scores, the lowest of which go first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import torch

Criterion = Literal["fpgm", "l1"]


def fpgm(weight: torch.Tensor) -> torch.Tensor:
    """Return the sum of each filter's Euclidean distances to all others: the smallest is the easiest to replace.

    He et al., "Filter Pruning via Geometric Median for Deep Convolutional Neural Networks Acceleration", CVPR 2019,
    equation 8: filters next to the geometric median are those that the others can stand in for.

    Args:
        weight: [filters, inputs, height, width].

    Returns:
        Scores [filters], float64.
    """
    filters = weight.detach().flatten(1).double()
    return torch.cdist(filters, filters, compute_mode="donot_use_mm_for_euclid_dist").sum(1)


def l1(weight: torch.Tensor) -> torch.Tensor:
    """Return the sum of each filter's absolute weights.

    Li et al., "Pruning Filters for Efficient ConvNets", ICLR 2017, section 3.1.

    Args and returned scores are as those of `fpgm`.
    """
    return weight.detach().flatten(1).double().abs().sum(1)


CRITERIA: Mapping[Criterion, Callable[[torch.Tensor], torch.Tensor]] = {"fpgm": fpgm, "l1": l1}


def kept(weight: torch.Tensor, count: int, criterion: Criterion) -> torch.Tensor:
    """Return which filters stay, int64 [count], in order: those of the highest scores, of equals the first."""
    order = CRITERIA[criterion](weight).argsort(descending=True, stable=True)
    return order[:count].sort().values

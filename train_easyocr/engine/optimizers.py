"""What optimizers change, and how."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn


def count_trainable(model: nn.Module) -> int:
    """The number of parameters that training changes."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def split_parameters(parameters: Iterable[nn.Parameter]) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Divide trainable parameters into matrices and kernels, and biases and normalizations (one dimension)."""
    decayed: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for parameter in parameters:
        if parameter.requires_grad:
            (decayed if parameter.dim() > 1 else others).append(parameter)
    return decayed, others


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Return an optimizer's groups: biases and normalizations are not drawn to zero.

    Source: Loshchilov and Hutter, arXiv 1711.05101.
    """
    decayed, others = split_parameters(model.parameters())
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


@torch.no_grad()
def add_l1(parameters: Iterable[nn.Parameter], strength: float) -> None:
    """Add the gradient of `strength` times the sum of absolute weights to the gradients that are there."""
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad.add_(parameter.sign(), alpha=strength)

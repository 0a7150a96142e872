"""What optimizers change, and how."""

from __future__ import annotations

from collections.abc import Iterable

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


@torch.no_grad()
def add_l1(parameters: Iterable[nn.Parameter], strength: float) -> None:
    """Add the gradient of `strength` times the sum of absolute weights to the gradients that are there."""
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad.add_(parameter.sign(), alpha=strength)

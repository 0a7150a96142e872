"""A running average of weights, which often reads better than the weights of any single step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import PARAM_LIST, AveragedModel


class AverageOfWeights:
    """The exponential moving average of a network's weights and of its normalizations' statistics.

    The first steps of a run count for less than `decay` would have them, min(decay, (1 + n) / (10 + n)) after n steps,
    so that the random start is soon forgotten.

    Args:
        model: The network, on its device.
        decay: How much of the average a step leaves as it is, 0 to 1.

    Attributes:
        model: A network of its own with the averages, in evaluation mode.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        def update(averages: PARAM_LIST, values: PARAM_LIST, steps: torch.Tensor | int) -> None:
            if not averages[0].is_floating_point():
                torch._foreach_copy_(averages, values)  # counters
                return
            kept = min(decay, (1 + int(steps)) / (10 + int(steps)))
            torch._foreach_lerp_(averages, values, 1 - kept)

        # Averaged weights with the statistics of other ones would not fit together.
        self._average = AveragedModel(model, multi_avg_fn=torch.no_grad()(update), use_buffers=True)
        self.model: nn.Module = self._average.module
        self.model.requires_grad_(False)
        self.model.eval()

    def update(self, model: nn.Module) -> None:
        """Take the weights of a step into the average; the first ones become it."""
        self._average.update_parameters(model)

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` brings back."""
        return self._average.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to a saved average."""
        self._average.load_state_dict(state)

"""Trainings by AdamW, as most are."""

from __future__ import annotations

import torch
from torch import nn

from train_easyocr.engine.optimizers import parameter_groups
from train_easyocr.engine.schedules import Schedule, depends_on_length
from train_easyocr.engine.task import Batch, Part, Result, Task
from train_easyocr.settings.parts import AdamWSettings


class AdamWTask(Task[Batch, Part, Result]):
    """A training whose weights AdamW changes, at a rate that follows from the step alone."""

    config: AdamWSettings

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """Return AdamW; biases and normalizations are not drawn to zero (Loshchilov and Hutter, arXiv 1711.05101)."""
        return torch.optim.AdamW(parameter_groups(model, self.config.weight_decay), lr=self.config.lr)

    def schedule(self) -> Schedule:
        """Return the learning rate of each step."""
        return Schedule.from_settings(self.config.lr_scheduler, self.config.lr, self.config.n_iter)

    @property
    def grows(self) -> bool:
        """Whether more iterations leave the rates of those before as they are."""
        return not depends_on_length(self.config.lr_scheduler)

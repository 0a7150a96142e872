"""The recognizer's optimizer and learning rate, out of the settings."""

from __future__ import annotations

import torch
from torch import nn

from train_easyocr.engine.optimizers import parameter_groups
from train_easyocr.engine.schedules import Reference, Schedule, depends_on_length
from train_easyocr.settings.parts import OptimizerSettings, StartSettings

PRETRAINED = Reference(1e-4, 128, "published for Adam on trained weights", ceiling=1e-3)
FRESH = Reference(2e-3, 64, "found on rendered words for Adam on fresh weights", ceiling=4e-3)
"""What `lr: auto` starts from, with `continue_from` and without it."""


def reference(config: StartSettings) -> Reference:
    """Return the pair of learning rate and batch that `lr: auto` goes by."""
    return PRETRAINED if config.continue_from else FRESH


def make_schedule(config: OptimizerSettings) -> Schedule:
    """Return the learning rate of each step."""
    # A batch is that of all processes and of all its parts; so its size alone counts.
    lr = reference(config).scaled(config.batch_size) if config.lr == "auto" else config.lr
    return Schedule.from_settings(
        config.lr_scheduler,
        lr,
        config.n_iter,
        warmup=config.warmup,
        points=config.decay_points,
        factors=config.decay_values,
    )


def may_grow(config: OptimizerSettings) -> bool:
    """Return whether a run may go on with a higher `n_iter`: whether its steps so far would have been the same."""
    return not depends_on_length(config.lr_scheduler, config.warmup, config.decay_points)


def describe_rate(config: OptimizerSettings) -> str:
    """Say how high the learning rate is over the run, and why where `lr: auto` chose it."""
    course = make_schedule(config).describe()
    return f"{reference(config).describe(config.batch_size)}\n{course}" if config.lr == "auto" else course


def make_optimizer(model: nn.Module, config: OptimizerSettings, device: torch.device) -> torch.optim.Optimizer:
    """Return the optimizer of a network's trainable parameters.

    Args:
        model: The network, on `device`.
        config: The settings.
        device: Where the network computes; torch has Adam in one kernel for CPUs and CUDA.

    Returns:
        An optimizer with two groups: parameters that weight decay makes smaller, and biases and normalizations, which
        it leaves alone.
    """
    groups = parameter_groups(model, config.weight_decay)
    lr = make_schedule(config).lr
    if config.optimizer == "adadelta":
        return torch.optim.Adadelta(groups, lr=lr, rho=config.rho, eps=config.eps)
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, lr=lr, eps=config.eps, fused=device.type in ("cpu", "cuda"))

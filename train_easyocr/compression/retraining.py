"""Training recognizers further: with the settings that they are built by, and beside a teacher where one is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from train_easyocr.engine.distributed import Processes
from train_easyocr.recognition.model import open_trained
from train_easyocr.recognition.task import Part, RecognizerTask
from train_easyocr.settings.config import Config, check_config
from train_easyocr.settings.parts import NetworkSettings
from train_easyocr.weights.checkpoints import read_card

WEIGHT = 1.0
"""Of the teacher's part of a word's loss."""


def further(weights: Path, config: Config, settings: Mapping[str, Any]) -> Config:
    """Return the settings of a training that goes on from weights as they are.

    Args:
        weights: With their card, which says what the network is and which characters it writes: the set that a name
            stands for may have grown since.
        config: Data, length and recipe.
        settings: What else the training is given.
    """
    card = read_card(weights)
    network = {key: card.config[key] for key in NetworkSettings.model_fields if key in card.config}
    return check_config(config.model_dump() | network | {"character": card.character, **settings})


class TaughtTask(RecognizerTask):
    """The training of a recognizer with a frozen teacher: Kullback and Leibler's divergence from it, beside CTC.

    Hinton et al., "Distilling the Knowledge in a Neural Network", arXiv 1503.02531, at a temperature of 1, a word's
    mean over its steps. It is here to be tried: in this project's own trials CTC alone came out better.

    Args:
        teacher: Weights of a network with the same characters and as many steps.
        config: The settings.
        processes: As those of `Task`.
    """

    def __init__(self, teacher: Path, config: Config, processes: Processes) -> None:
        super().__init__(config, processes)
        self._teacher = open_trained(teacher)[0].eval().requires_grad_(False)

    def loss(self, network: nn.Module, part: Part) -> torch.Tensor:
        """Return the loss on labels and that on the teacher's answers."""
        answers: list[torch.Tensor] = []
        hook = network.register_forward_hook(lambda _, __, answer: answers.append(answer))
        try:
            loss = super().loss(network, part)
        finally:
            hook.remove()
        teacher = self._teacher.to(self.device.torch_device)
        with torch.no_grad(), self.device.autocast():
            expected = teacher(self.device.input(part.images))
        return loss + WEIGHT * _divergence(answers[0], expected)


def _divergence(answers: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    """Return the sum over words of the mean over steps of KL(expected || answers); logits [B, T, C]."""
    logs = (answers.float().log_softmax(2), expected.float().log_softmax(2))
    return functional.kl_div(*logs, reduction="none", log_target=True).sum(2).mean(1).sum()

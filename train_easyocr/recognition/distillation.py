"""Losses between recognizers that learn beside each other (`engine/distillation.py`).

Divergences are means over a word's own time steps, not over those that it is filled up with to its batch's width, and
sums over words: so they weigh the same for a short word and a long one, alone and in a batch, as CTC's loss does here.
PaddleOCR sums over all steps of a width.

- `dml`: symmetric divergence of the answers, step by step (Zhang et al., arXiv 1706.00384).
- `udml`: that, and the distance of the whole feature maps (PP-OCRv2, Du et al., arXiv 2109.03144).
- `averaged_dml`: divergence of the answers' means over time: equal texts may have their blanks elsewhere, which
  step by step misleads (PP-OCRv4).
- `FrozenTeacher`: one network alone learns what another one answers, which stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from train_easyocr.engine.device import Device
from train_easyocr.engine.distillation import FrozenNetwork, MutualTask, Peers
from train_easyocr.engine.distributed import Processes
from train_easyocr.recognition.batches import WordBatch
from train_easyocr.recognition.model import open_trained
from train_easyocr.recognition.task import Part, RecognizerTask
from train_easyocr.recognition.validation import Validation
from train_easyocr.settings.config import Config


def valid_steps(images: torch.Tensor, steps: int) -> torch.Tensor:
    """Return which time steps belong to each word itself, bool [B, steps], at least one.

    Args:
        images: uint8 [B, C, H, W]; a word is filled up to the right with its last column.
        steps: Of the network, across the whole width.
    """
    differs = (images != images[..., -1:]).flatten(1, 2).any(1)
    width = images.shape[-1]
    ends = (differs * torch.arange(2, width + 2, device=images.device)).amax(1)  # the last column is the word's own
    counts = (ends * steps / width).ceil().clamp(min=1)
    return torch.arange(steps, device=images.device) < counts[:, None]


def step_divergence(first: torch.Tensor, second: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Return half of KL(first || second) + KL(second || first), a word's mean over its steps, summed over words.

    Args:
        first: Logits [B, T, C].
        second: Likewise.
        valid: bool [B, T].
    """
    logs = first.float().log_softmax(2), second.float().log_softmax(2)
    return _over_words((_divergence(*logs) + _divergence(*logs[::-1])) / 2, valid)


def _over_words(steps: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Return each word's mean over its own steps, summed over words; both [B, T]."""
    return (steps * valid).sum(1).div(valid.sum(1)).sum()


def _divergence(logs: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Return KL(others || logs) over the last dimension."""
    return functional.kl_div(logs, others, reduction="none", log_target=True).sum(-1)


def dml(peers: Peers, answers: Sequence[torch.Tensor], part: Part) -> torch.Tensor:
    """The loss between two recognizers by `step_divergence`; both have as many time steps."""
    first, second = answers
    return step_divergence(first, second, valid_steps(part.images.to(first.device), first.shape[1]))


def averaged_dml(peers: Peers, answers: Sequence[torch.Tensor], part: Part) -> torch.Tensor:
    """The loss between two recognizers by the divergence of their logits' means, each over its own time steps."""
    images = part.images.to(answers[0].device)
    means = [mean_over(answer, valid_steps(images, answer.shape[1])) for answer in answers]
    first, second = means
    return step_divergence(first, second, torch.ones(len(images), 1, dtype=torch.bool, device=images.device))


def mean_over(logits: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Return the mean of logits [B, T, C] over the steps that are valid, bool [B, T], as one step: [B, 1, C]."""
    return (logits.float() * valid[..., None]).sum(1, keepdim=True) / valid.sum(1)[:, None, None]


class FeatureAdapter(nn.Module):
    """The distance of two networks' feature maps, whatever their shapes: the second one's are fitted to the first's.

    Args:
        channels: Of both maps.
    """

    def __init__(self, channels: tuple[int, int]) -> None:
        super().__init__()
        same = channels[0] == channels[1]
        self.fit: nn.Module = nn.Identity() if same else nn.Conv2d(channels[1], channels[0], 1)
        self.maps: list[torch.Tensor] = []

    def forward(self) -> torch.Tensor:
        """Return each word's mean squared difference of the maps that were caught, [B]; they are let go of."""
        first, second = self.maps
        self.maps = []
        fitted = functional.adaptive_avg_pool2d(self.fit(second.float()), (first.shape[2], first.shape[3]))
        return (first.float() - fitted).square().mean((1, 2, 3))


def feature_adapter(students: Sequence[nn.Module]) -> FeatureAdapter:
    """Return what `udml` needs of two recognizers: it catches their feature maps as they answer."""
    extractors = [student.get_submodule("FeatureExtraction") for student in students]
    adapter = FeatureAdapter((_channels_of(extractors[0]), _channels_of(extractors[1])))

    def catch(extractor: nn.Module, _: object, maps: torch.Tensor) -> None:
        if extractor.training:  # a validation asks one network alone
            adapter.maps.append(maps)

    for extractor in extractors:
        extractor.register_forward_hook(catch)
    return adapter


def _channels_of(extractor: nn.Module) -> int:
    """Return how many channels the maps of an extractor have: those of its last convolution."""
    return [layer for layer in extractor.modules() if isinstance(layer, nn.Conv2d)][-1].out_channels


def udml(peers: Peers, answers: Sequence[torch.Tensor], part: Part) -> torch.Tensor:
    """The loss between two recognizers by `step_divergence` and the distance of their feature maps."""
    return dml(peers, answers, part) + peers.adapters().sum()


class FrozenTeacher:
    """Kullback and Leibler's divergence from a network that is trained already, at a temperature of 1.

    Hinton et al., "Distilling the Knowledge in a Neural Network", arXiv 1503.02531.

    Args:
        weights: A recognizer's with the student's characters and as many time steps.
        device: Where to compute.

    Raises:
        WeightsError: They can't be used.
    """

    def __init__(self, weights: Path, device: Device) -> None:
        self._teacher = FrozenNetwork(open_trained(weights)[0], device)

    def __call__(self, peers: Peers, answers: Sequence[torch.Tensor], part: Part) -> torch.Tensor:
        """Return the loss of the one student."""
        (answer,) = answers
        expected = self._teacher(part.images)
        logs = answer.float().log_softmax(2), expected.log_softmax(2)
        return _over_words(_divergence(*logs), valid_steps(part.images.to(answer.device), answer.shape[1]))


def taught_recognizer(teacher: Path, config: Config, processes: Processes) -> MutualTask[WordBatch, Part, Validation]:
    """Return the training of a recognizer on labels and on a frozen teacher's answers; see `FrozenTeacher`."""
    task = RecognizerTask(config, processes)
    return MutualTask([task], FrozenTeacher(teacher, task.device))

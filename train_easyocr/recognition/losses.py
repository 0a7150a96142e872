"""What training makes smaller, for both heads: a loss per word, and how much each word weighs in the mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch.nn import functional

from train_easyocr.weights.characters import AttnConverter, CtcConverter


@dataclass(frozen=True)
class WordLosses:
    """Losses of the words of a batch, both float32 [B].

    Attributes:
        values: The loss of each word; infinite where CTC has too few time steps for the label.
        weights: What each counts in the mean.
    """

    values: torch.Tensor
    weights: torch.Tensor

    def sums(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the sum of weighted losses and that of weights, scalars; their quotient is the batch's loss."""
        return (self.values * self.weights).sum(), self.weights.sum()

    def mean(self) -> torch.Tensor:
        """Return the loss of the batch, a scalar."""
        total, weight = self.sums()
        return total / weight

    def finite(self) -> WordLosses:
        """Return the losses with those words left out whose loss is infinite or not a number."""
        finite = self.values.isfinite()
        return WordLosses(self.values[finite], self.weights[finite])


class Criterion(Protocol):
    """A head's loss."""

    def encode(self, labels: Sequence[str], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Turn labels into targets and lengths on the device."""

    def hint(self, targets: torch.Tensor) -> torch.Tensor | None:
        """Return what the network is told of the targets while it learns; None where it is told nothing."""

    def weight(self, lengths: torch.Tensor) -> torch.Tensor:
        """Return what all words of a batch weigh together, a scalar; `lengths` as `encode` returns them."""

    def losses(self, logits: torch.Tensor, targets: torch.Tensor, lengths: torch.Tensor) -> WordLosses:
        """Return the losses of a batch.

        Args:
            logits: [B, T, num_class], any floating type.
            targets: As `encode` returns them.
            lengths: As `encode` returns them.
        """


class CtcCriterion:
    """Connectionist temporal classification (Graves et al., ICML 2006), a word's loss divided by its label's length.

    Args:
        converter: The label converter.
        skip_unknown: Leave characters outside the set out of the targets, where filtering is off.
    """

    def __init__(self, converter: CtcConverter, *, skip_unknown: bool) -> None:
        self._converter, self._skip_unknown = converter, skip_unknown

    def encode(self, labels: Sequence[str], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the labels' classes behind each other, int32 [sum of lengths], and their lengths, int32 [B]."""
        targets, lengths = self._converter.encode(labels, self._skip_unknown)
        return targets.to(device), lengths.to(device)

    def hint(self, targets: torch.Tensor) -> None:
        """A CTC head is told nothing."""

    def weight(self, lengths: torch.Tensor) -> torch.Tensor:
        """Return the number of words."""
        return torch.full((), len(lengths), dtype=torch.float32, device=lengths.device)

    def losses(self, logits: torch.Tensor, targets: torch.Tensor, lengths: torch.Tensor) -> WordLosses:
        """Return each word's loss, computed in float32; all words weigh the same."""
        log_probabilities = logits.float().log_softmax(2).permute(1, 0, 2)
        steps = torch.full_like(lengths, logits.shape[1])
        values = functional.ctc_loss(log_probabilities, targets, steps, lengths, reduction="none")
        return WordLosses(values / lengths.clamp(min=1), torch.ones_like(values))


class AttnCriterion:
    """Cross entropy over the characters and the end mark of each word, which weighs as many as it has.

    Args:
        converter: The label converter.
        batch_max_length: The most characters that the head writes.
        skip_unknown: Leave characters outside the set out of the targets, where filtering is off.
    """

    def __init__(self, converter: AttnConverter, batch_max_length: int, *, skip_unknown: bool) -> None:
        self._converter, self._batch_max_length, self._skip_unknown = converter, batch_max_length, skip_unknown

    def encode(self, labels: Sequence[str], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Return [GO], classes and end marks, int64 [B, batch_max_length + 2], and the lengths, int32 [B]."""
        targets, lengths = self._converter.encode(labels, self._batch_max_length, self._skip_unknown)
        return targets.to(device), lengths.to(device)

    def hint(self, targets: torch.Tensor) -> torch.Tensor:
        """The head learns from the right characters, each told one step late."""
        return targets[:, :-1]

    def weight(self, lengths: torch.Tensor) -> torch.Tensor:
        """Return the number of characters and end marks."""
        return lengths.sum().float()

    def losses(self, logits: torch.Tensor, targets: torch.Tensor, lengths: torch.Tensor) -> WordLosses:
        """Return each word's mean loss over its characters and its end mark."""
        values = functional.cross_entropy(
            logits.float().transpose(1, 2), targets[:, 1:], ignore_index=self._converter.go, reduction="none"
        )
        return WordLosses(values.sum(1) / lengths, lengths.float())


def make_criterion(converter: CtcConverter | AttnConverter, batch_max_length: int, *, skip_unknown: bool) -> Criterion:
    """Return the loss of a converter's head."""
    if isinstance(converter, AttnConverter):
        return AttnCriterion(converter, batch_max_length, skip_unknown=skip_unknown)
    return CtcCriterion(converter, skip_unknown=skip_unknown)

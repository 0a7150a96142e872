"""Centre loss: features of one character near each other (Wen et al., ECCV 2016), which helps tell like ones apart.

For CTC, which says nothing of what stands at which time step, the character is the one that the network itself reads
there; so it is meant for networks that read already. Steps that read no character are left out.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from train_easyocr.engine.distributed import Processes

BLANK = 0
"""CTC's class for no character."""
PACE = 0.5
"""How far a centre moves towards the mean of its features in a step (alpha of Wen et al., section 3.2)."""


class CenterLoss(nn.Module):
    """The distance of features from their characters' centres, which follow them.

    Args:
        num_class: Classes of the head, CTC's blank among them.
        feature_size: Of a feature.
        weight: Of this loss beside that of CTC.
    """

    centers: torch.Tensor
    known: torch.Tensor

    def __init__(self, num_class: int, feature_size: int, weight: float) -> None:
        super().__init__()
        self.weight = weight
        self.register_buffer("centers", torch.zeros(num_class, feature_size))
        self.register_buffer("known", torch.zeros(num_class, 1, dtype=torch.bool))
        self._sums = torch.zeros(0)

    def forward(self, features: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        """Return each word's loss, and remember its features for `update`.

        Args:
            features: What the head decides from, [B, T, F], any floating type.
            logits: What it decides, [B, T, num_class].

        Returns:
            float32 [B]: `weight` times the mean over a word's characters of half the squared distance, by F.
        """
        features, classes = features.float(), logits.detach().argmax(2)
        reads = classes != BLANK
        distances = (features - self.centers[classes]).square().mean(2) / 2 * self.known[classes, 0]
        found, characters = features.detach()[reads], classes[reads]
        # As a product of matrices: adding up by index is not the same in every run on a GPU.
        members = functional.one_hot(characters, len(self.centers)).float().T
        sums = torch.cat([members @ found, members.sum(1, keepdim=True)], dim=1)
        self._sums = self._sums + sums if len(self._sums) else sums
        return self.weight * (distances * reads).sum(1) / reads.sum(1).clamp(min=1)

    @torch.no_grad()
    def update(self, processes: Processes) -> None:
        """Move the centres by the features of all words since the last call, in all processes alike."""
        sums = processes.sum(self._sums)
        count = sums[:, -1:]
        # Wen et al., equation 4: the one in the denominator keeps rare characters' centres from jumping.
        moved = self.centers + PACE * (sums[:, :-1] - count * self.centers) / (1 + count)
        self.centers.copy_(torch.where(self.known, moved, sums[:, :-1] / count.clamp(min=1)))
        self.known |= count > 0
        self.forget()

    def forget(self) -> None:
        """Leave the features since the last `update` out of the next one."""
        self._sums = torch.zeros(0)

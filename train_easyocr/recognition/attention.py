"""The attention head, which writes a word character by character, each time looking at the features anew.

After Bahdanau et al. 2015 as deep-text-recognition-benchmark builds it; its parameter names, so that weights move both
ways. EasyOCR decodes CTC only and can't use it.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

GO = 0
"""The class that stands for the start (see `characters.AttnConverter`)."""


class Attention(nn.Module):
    """Writes `batch_max_length` characters and the end mark.

    Args:
        input_size: Channels of the features.
        hidden_size: Of the recurrent layer.
        num_class: Classes: [GO], [s] and the characters.
        batch_max_length: The most characters that it writes.
    """

    def __init__(self, input_size: int, hidden_size: int, num_class: int, batch_max_length: int) -> None:
        super().__init__()
        self.attention_cell = AttentionCell(input_size, hidden_size, num_class)
        self.generator = nn.Linear(hidden_size, num_class)
        self.hidden_size = hidden_size
        self.steps = batch_max_length + 1

    def forward(self, features: torch.Tensor, text: torch.Tensor | None = None) -> torch.Tensor:
        """Write words.

        Args:
            features: [B, T, input_size].
            text: int64 [B, at least batch_max_length + 1], [GO] first: the right characters, one step late, to learn
                from. Without it the head goes on from what it wrote itself.

        Returns:
            Logits [B, batch_max_length + 1, num_class].
        """
        cell = self.attention_cell
        keys = cell.i2h(features)  # the same at every step
        state = (features.new_zeros(len(features), self.hidden_size),) * 2
        written = torch.full((len(features),), GO, dtype=torch.long, device=features.device)
        logits = []
        for step in range(self.steps):
            state = cell(state, features, keys, written if text is None else text[:, step])
            logits.append(self.generator(state[0]))
            written = logits[-1].argmax(1)
        return torch.stack(logits, dim=1)


class AttentionCell(nn.Module):
    """One step: where to look, given what has been written, and the next state from what is seen there."""

    def __init__(self, input_size: int, hidden_size: int, num_class: int) -> None:
        super().__init__()
        self.i2h = nn.Linear(input_size, hidden_size, bias=False)
        self.h2h = nn.Linear(hidden_size, hidden_size)
        self.score = nn.Linear(hidden_size, 1, bias=False)
        self.rnn = nn.LSTMCell(input_size + num_class, hidden_size)
        self.num_class = num_class

    def forward(
        self,
        state: tuple[torch.Tensor, torch.Tensor],
        features: torch.Tensor,
        keys: torch.Tensor,
        written: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Take a step.

        Args:
            state: Hidden and cell state, each [B, hidden_size].
            features: [B, T, input_size].
            keys: `i2h(features)`, [B, T, hidden_size].
            written: Class of the last character, int64 [B].

        Returns:
            The next hidden and cell state.
        """
        energy = self.score(torch.tanh(keys + self.h2h(state[0]).unsqueeze(1)))  # [B, T, 1]
        seen = (torch.softmax(energy, dim=1) * features).sum(1)
        last = functional.one_hot(written, self.num_class).to(seen.dtype)
        return self.rnn(torch.cat([seen, last], dim=1), state)

"""Compiling the convolutions with torch.compile."""

from __future__ import annotations

from torch import nn

BACKEND = "inductor"


def compile_features(model: nn.Module) -> None:
    """Compile a network's convolutions in place, once for all widths and sizes of batches.

    The names of its state stay. The recurrent layers are left to the vendor's libraries.
    """
    model.FeatureExtraction.compile(dynamic=True, backend=BACKEND)  # type: ignore[union-attr]

"""The same network for reading only, arranged as processors like it: equal answers up to rounding, in less time."""

from __future__ import annotations

import copy
from typing import Literal

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

_BF16_PARTS = ("FeatureExtraction", "SequenceModeling")
ReadingPrecision = Literal["fp32", "bf16"]


def fast_network(network: nn.Module, precision: ReadingPrecision) -> nn.Module:
    """Return a copy of a recognizer for reading.

    Args:
        network: Built of torch's modules, as EasyOCR's recognizers and `recognition.network` are; it stays as it is.
            What is not known here is left as it is.
        precision: fp32 changes the last bits only. bf16 rounds the convolutions and the recurrent layers, but neither
            the straightening (TPS), which moves pixels, nor the head, whose near-equal answers must not tie; it can
            change words of little certainty (see `decoding.Reading`).

    Returns:
        A network in evaluation mode, float32 at both ends.

    Raises:
        ValueError: The network computes in int8.
    """
    if any("quantized" in type(part).__module__ for part in network.modules()):
        raise ValueError("the network computes in int8; open the reader with quantize=False")
    network = copy.deepcopy(network).eval().requires_grad_(False)
    _quicken(network)
    network = network.to(memory_format=torch.channels_last)
    for name in _BF16_PARTS if precision == "bf16" else ():
        if isinstance(part := getattr(network, name, None), nn.Module):
            setattr(network, name, _InBf16(part))
    return network


def _quicken(network: nn.Module) -> None:
    for name, part in list(network.named_children()):
        if name == "Transformation":
            continue  # it looks into its layers
        _quicken(part)
        if isinstance(part, nn.Sequential):
            setattr(network, name, _rearranged(part))
        elif isinstance(part, nn.MaxPool2d) and _is_plain(part):
            setattr(network, name, _MaxPool(_pair(part.kernel_size)))
        elif isinstance(part, nn.AdaptiveAvgPool2d) and part.output_size == (None, 1):
            setattr(network, name, _MeanOfLast())
        elif isinstance(part, nn.Linear):
            part.register_forward_pre_hook(_contiguous)


def _rearranged(layers: nn.Sequential) -> nn.Sequential:
    """Fold normalizations into the convolutions before them, and cut negative values after pooling, of what is left."""
    found: list[nn.Module] = []
    for layer in layers:
        before = found[-1] if found else None
        if isinstance(layer, nn.BatchNorm2d) and type(before) is nn.Conv2d:
            found[-1] = fuse_conv_bn_eval(before, layer)
        elif isinstance(layer, nn.MaxPool2d | _MaxPool) and isinstance(before, nn.ReLU):
            found[-1:] = [layer, before]
        else:
            found.append(layer)
    return nn.Sequential(*found)


def _pair(value: int | tuple[int, ...]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def _is_plain(pool: nn.MaxPool2d) -> bool:
    """Tell whether the windows lie side by side, each of one or two pixels in either direction."""
    size = _pair(pool.kernel_size)
    rest = (_pair(pool.padding), _pair(pool.dilation), pool.ceil_mode, pool.return_indices)
    return size == _pair(pool.stride) and set(size) <= {1, 2} and rest == ((0, 0), (1, 1), False, False)


class _MaxPool(nn.Module):
    """`nn.MaxPool2d` without the places of the maxima, which torch works out in any case: ten times as fast."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """[B, C, H, W] to [B, C, H // size, W // size]."""
        for dim, size in zip((2, 3), self.size, strict=True):
            if size == 2:
                even = maps.narrow(dim, 0, maps.shape[dim] // 2 * 2).unflatten(dim, (-1, 2))
                maps = torch.maximum(even.select(dim + 1, 0), even.select(dim + 1, 1))
        return maps


class _MeanOfLast(nn.Module):
    """`nn.AdaptiveAvgPool2d((None, 1))`."""

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """[B, C, H, W] to [B, C, H, 1]."""
        return maps.mean(dim=3, keepdim=True)


def _contiguous(_: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    # A linear layer multiplies a batch word by word where its input is not in one piece, as that of an LSTM is not.
    return (inputs[0].contiguous(), *inputs[1:])


class _InBf16(nn.Module):
    """A part of a network that computes in bfloat16 between float32 parts."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part.to(torch.bfloat16)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return what the part answers, in float32."""
        answer: torch.Tensor = self.part(values.to(torch.bfloat16))
        return answer.float()

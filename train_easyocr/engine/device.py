"""Where and in which precision the network computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from train_easyocr.common.errors import UsageError

Precision = Literal["fp32", "bf16", "fp16"]
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Device:
    """A device and a precision.

    Attributes:
        torch_device: CUDA where there is a GPU, else the CPU.
        precision: What matrix products and convolutions compute in; weights and losses are float32 in any case.
    """

    torch_device: torch.device
    precision: Precision

    @classmethod
    def choose(cls, setting: str) -> Device:
        """Choose the device, and the precision for the setting `precision`.

        Raises:
            UsageError: fp16 without a GPU: gradients need its range scaled, which only pays there.
        """
        cuda = torch.cuda.is_available()
        device = torch.device("cuda" if cuda else "cpu")
        if setting == "fp16" and not cuda:
            raise UsageError("precision: fp16 needs a GPU, and torch finds none; set precision: auto")
        if setting == "auto":
            setting = _fastest_on_gpu() if cuda else ("bf16" if cpu_has_bf16() else "fp32")
        return cls(device, setting)  # type: ignore[arg-type] # the settings are checked

    @property
    def is_gpu(self) -> bool:
        """Whether it is a GPU."""
        return self.torch_device.type == "cuda"

    def __str__(self) -> str:
        name = torch.cuda.get_device_name() if self.is_gpu else f"CPU, {torch.get_num_threads()} threads"
        return f"{self.precision} on {name}"

    def autocast(self) -> torch.autocast:
        """Return a fresh context in which the network computes."""
        enabled = self.precision != "fp32"
        return torch.autocast(self.torch_device.type, DTYPES[self.precision] if enabled else None, enabled=enabled)

    def input(self, images: torch.Tensor) -> torch.Tensor:
        """Bring images (uint8 [B, C, H, W]) to the device as the network's input, float32 from -1 to 1."""
        images = images.to(self.torch_device, non_blocking=True)
        return normalize(images).contiguous(memory_format=torch.channels_last)


def normalize(batch: torch.Tensor, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Turn pixels into the network's input, from -1 (black) to 1 (white).

    Args:
        batch: uint8, any shape.
        dtype: Of the result. The arithmetic is float32's in any case, as EasyOCR's.

    Returns:
        (batch / 255 - 0.5) / 0.5, of the same shape and on the same device.
    """
    return batch.to(torch.float32).div_(255).sub_(0.5).div_(0.5).to(dtype)


def reads_on_gpu(asked: bool | None) -> bool:
    """Return whether to read on the GPU: as asked, or where there is one; raises UsageError where there is none."""
    found = torch.cuda.is_available()
    if asked and not found:
        raise UsageError(f"--cuda: torch {torch.__version__} finds no CUDA device here; see what nvidia-smi says")
    return found if asked is None else asked


def fastest_precision(device: torch.device) -> Literal["fp32", "bf16"]:
    """Return bf16 where the device computes it natively, else fp32; emulated, it is slower than float32."""
    if device.type == "cuda":
        return "bf16" if torch.cuda.get_device_capability(device)[0] >= 8 else "fp32"
    return "bf16" if cpu_has_bf16() else "fp32"


def _fastest_on_gpu() -> str:
    # Before Ampere (compute capability 8) bfloat16 is emulated; before Volta (7) there are no tensor cores.
    major = torch.cuda.get_device_capability()[0]
    if major >= 8:
        return "bf16"
    return "fp16" if major >= 7 else "fp32"


def cpu_has_bf16() -> bool:
    """Return whether the processor computes bfloat16 natively."""
    # Processors that have only AVX-512 emulate bfloat16, slower than they compute float32.
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))

"""Compiling the convolutions with torch.compile, where a trial says that it pays."""

from __future__ import annotations

import copy
import time

import torch
from torch import nn

from train_easyocr.engine.device import Computing
from train_easyocr.settings.config import Config

BACKEND = "inductor"
WIDTHS = (192, 320)
"""Pixels of the trial's batches; two, since widths vary and must not each be compiled anew."""
ROUNDS = 10
GAIN = 0.97
"""Part of the plain time that the compiled convolutions may take at most to be worth it."""


def compile_features(model: nn.Module) -> None:
    """Compile a network's convolutions in place, once for all widths and sizes of batches.

    The names of its state stay. The recurrent layers are left to the vendor's libraries.
    """
    model.FeatureExtraction.compile(dynamic=True, backend=BACKEND)  # type: ignore[union-attr]


def is_to_be_compiled(model: nn.Module, config: Config, computing: Computing) -> bool:
    """Follow the setting `compile`: auto tries it out on a GPU; on a CPU, compiled convolutions are the slower ones.

    A trial that fails, for want of a C compiler or of Triton, says no.
    """
    if config.compile != "auto" or computing.device.type != "cuda":
        return config.compile == "on"
    try:
        return _trial(model.FeatureExtraction, config, computing)  # type: ignore[arg-type]
    except Exception as error:  # whatever a compiler stumbles over: training does not need it
        print(f"compile: auto leaves the network as it is; compiling failed: {str(error).splitlines()[0]}")
        return False


def _trial(features: nn.Module, config: Config, computing: Computing) -> bool:
    """Time forward and backward passes of a copy, plain and compiled, and say which it was; torch's state stays."""
    plain, compiled = copy.deepcopy(features), copy.deepcopy(features)
    compiled.compile(dynamic=True, backend=BACKEND)
    batches = [
        torch.zeros(config.batch_size, config.input_channel, config.img_height, width, device=computing.device)
        for width in WIDTHS
    ]
    took = [_seconds(each, batches, computing) for each in (plain, compiled)]
    pays = took[1] < GAIN * took[0]
    print(
        f"compile: auto chooses {'on' if pays else 'off'}: the convolutions take {1000 * took[0]:.1f} ms plain, "
        f"{1000 * took[1]:.1f} ms compiled"
    )
    return pays


def _seconds(features: nn.Module, batches: list[torch.Tensor], computing: Computing) -> float:
    """Return the seconds of a round over the batches."""

    def rounds(count: int) -> None:
        for _ in range(count):
            for images in batches:
                with computing.autocast():
                    result = features(images)
                result.float().sum().backward()
        if computing.device.type == "cuda":
            torch.cuda.synchronize()

    rounds(2)
    start = time.perf_counter()
    rounds(ROUNDS)
    return (time.perf_counter() - start) / ROUNDS

"""From torch's networks to ONNX graphs of free batch and size, for this project's engine or for RapidOCR."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Mapping
from typing import Any

import onnx
import torch
from onnxscript import optimizer
from torch import nn
from torch.export import Dim

from train_easyocr.detection.db_network import DbLight, for_reading
from train_easyocr.detection.scaling import MULTIPLE
from train_easyocr.reading.onnx_engine import IMAGES, LOGITS, MAPS
from train_easyocr.recognition import network

NARROWEST = 32
"""Pixels: no word is filled up to less."""
_ANY = 2**40
_BGR_TO_GREY = (0.114, 0.587, 0.299)


def recognizer_graph(model: network.Model, height: int, metadata: Mapping[str, str], rapidocr: bool) -> onnx.ModelProto:
    """Export a recognizer.

    Args:
        model: With a CTC head, of grey words.
        height: Of words in pixels.
        metadata: For whoever finds the file alone.
        rapidocr: BGR goes in, and probabilities come out.
    """
    model = copy.deepcopy(model).eval()
    if isinstance(spline := model.Transformation, network.ThinPlateSpline):
        spline._to_width = AnyWidth(spline.width).forward  # type: ignore[method-assign] # a module would not hide it
    reading: nn.Module = nn.Sequential(FromBgr(), model, nn.Softmax(2)) if rapidocr else model
    shape = {0: Dim("batch"), 3: Dim("width", min=NARROWEST)}
    return _graph(reading, torch.zeros(2, 3 if rapidocr else 1, height, 3 * height), shape, LOGITS, metadata)


def detector_graph(model: DbLight, metadata: Mapping[str, str], rapidocr: bool) -> onnx.ModelProto:
    """Export a detector; arguments as for `recognizer_graph`."""
    reading: nn.Module = nn.Sequential(FromBgr(), for_reading(model)) if rapidocr else for_reading(model)
    shape = {0: Dim("batch"), 2: MULTIPLE * Dim("height"), 3: MULTIPLE * Dim("width")}
    return _graph(reading, torch.zeros(2, 3 if rapidocr else 1, 2 * MULTIPLE, 3 * MULTIPLE), shape, MAPS, metadata)


def _graph(
    model: nn.Module, example: torch.Tensor, shape: dict[int, Any], output: str, metadata: Mapping[str, str]
) -> onnx.ModelProto:
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                model.eval().requires_grad_(False),
                (example,),
                dynamo=True,
                dynamic_shapes=(shape,),
                input_names=[IMAGES],
                output_names=[output],
                verbose=False,
            )
    finally:
        logging.disable(level)
    assert program is not None
    # Weights that the exporter puts together in the graph are put together now: an LSTM's are, which int8 looks for.
    graph = without_traces(optimizer.optimize(program.model_proto, input_size_limit=_ANY, output_size_limit=_ANY))
    for key, value in metadata.items():
        graph.metadata_props.add(key=key, value=value)
    return graph


def without_traces(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Take out what tells where the graph comes from: lines of code with the paths of this machine."""
    del graph.metadata_props[:]
    parts = (graph.graph, *graph.functions)
    for part in parts:
        del part.metadata_props[:]
        for name in ("node", "value_info", "input", "output", "initializer"):
            for entry in getattr(part, name, ()):
                if hasattr(entry, "metadata_props"):
                    del entry.metadata_props[:]
                if name == "node":
                    entry.ClearField("doc_string")
    return graph


class AnyWidth(nn.Module):
    """`ThinPlateSpline._to_width` without a branch: a graph has none that depends on the width.

    Filling up and squeezing are both a product with a matrix, [W, width], so that one of two matrices is chosen.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[B, C, H, W] to [B, C, H, width]."""
        place = torch.arange(images.shape[3])[:, None]
        last = place[-1:]
        target = torch.arange(self.width)[None]
        filled_up = (place == torch.minimum(target, last)).float()
        scale = (last + 1) / self.width
        # Bicubic with antialiasing, as Pillow's: the kernel is as much wider as the image is squeezed.
        distance = ((place + 0.5) / scale - (target + 0.5)).abs()
        near = (1.5 * distance - 2.5) * distance**2 + 1
        far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
        kernel = torch.where(distance < 1, near, torch.where(distance < 2, far, 0.0))
        squeezed = kernel / kernel.sum(dim=0, keepdim=True)
        return images @ torch.where(last + 1 > self.width, squeezed, filled_up)


class FromBgr(nn.Module):
    """Blue, green and red to grey, as OpenCV weighs them."""

    weights: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weights", torch.tensor(_BGR_TO_GREY).view(1, 3, 1, 1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[B, 3, H, W] to [B, 1, H, W]."""
        return (images * self.weights).sum(1, keepdim=True)

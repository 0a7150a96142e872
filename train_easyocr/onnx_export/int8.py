"""ONNX graphs in int8: convolutions by QDQ per channel, LSTMs by dynamic quantization, the rest in float32.

quantize_dynamic with the operators that it takes by itself would make a recognizer three to four times slower.

Weights take 7 of the 8 bits. Processors without VNNI instructions add two products of 8 bits in 16, and cut off what
does not fit (OpenVINO, "Saturation (overflow) Issue Workaround", which proposes 7 bits, too): with weights of 8 bits,
rounding changes every tenth word on an AVX2 processor (docs/experiments.md).
"""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    create_calibrator,
    quantize_dynamic,
    quantize_static,
)

from train_easyocr.reading.onnx_engine import IMAGES

Input = NDArray[np.float32]
RangeMethod = Literal["minmax", "percentile", "kl"]
METHODS: Mapping[RangeMethod, tuple[Any, dict[str, Any]]] = {
    "minmax": (CalibrationMethod.MinMax, {}),
    "percentile": (CalibrationMethod.Percentile, {"percentile": 99.999}),
    "kl": (CalibrationMethod.Entropy, {"num_bins": 2048, "num_quantized_bins": 128}),
}
"""How a tensor's range follows from the values that examples cause: the least and the greatest one; all but a
hundred-thousandth; the range that loses least information (Migacz, "8-bit Inference with TensorRT", GTC 2017)."""
ONE_SIZE = 64
"""Examples of the last two, which keep all values of all examples, and want these equally large."""

WEIGHT_STEPS = 64
"""The greatest weight of a channel is so many steps."""

Ranges = Mapping[str, tuple[float, float]]
"""Least and greatest values of tensors by name."""


def convolutions(graph: onnx.ModelProto) -> list[str]:
    """Name the layers that are made int8 by calibration."""
    return [node.name for node in graph.graph.node if node.op_type == "Conv"]


def learnt_ranges(graph: onnx.ModelProto, greatest: Sequence[float]) -> Ranges:
    """Return the ranges of tensors around convolutions in a row, each with a cut at zero behind it.

    Args:
        graph: A VGG recognizer's.
        greatest: What was learnt of the values that go into each convolution but the first, in their order.
    """
    layers = [node for node in graph.graph.node if node.op_type == "Conv"]
    found = {}
    for before, layer, value in zip(layers, layers[1:], greatest, strict=False):
        # What comes out of a convolution is cut at zero next: rounding does that, too, with all steps above it.
        found[before.output[0]] = found[layer.input[0]] = (0.0, value)
    return found


def calibrated(graph: onnx.ModelProto, examples: Sequence[Input], calibration: RangeMethod) -> Ranges:
    """Return the ranges of what flows into and out of convolutions.

    Args:
        graph: In float32.
        examples: Inputs; equally large but for "minmax".
        calibration: Which of `METHODS`.
    """
    method, options = METHODS[calibration]
    examples = examples if calibration == "minmax" else examples[:ONE_SIZE]
    with tempfile.TemporaryDirectory() as folder, _quiet():
        path, augmented = Path(folder) / "float.onnx", Path(folder) / "augmented.onnx"
        onnx.save(graph, path)
        calibrator = create_calibrator(
            path, ["Conv"], str(augmented), calibrate_method=method, extra_options={**options}
        )
        calibrator.collect_data(_Examples(examples))
        found = calibrator.compute_data()
    ranges = {name: found[name].range_value for name in found.keys()}  # noqa: SIM118 - it is no dict
    return {name: (float(low.item()), float(high.item())) for name, (low, high) in ranges.items()}


def to_int8(
    graph: onnx.ModelProto,
    example: Input,
    ranges: Ranges,
    left_out: Sequence[str] = (),
    dynamic: Sequence[str] = ("LSTM",),
) -> onnx.ModelProto:
    """Return a graph in int8.

    Args:
        graph: In float32.
        example: An input, which ONNX Runtime runs once whatever is known.
        ranges: Of what flows into and out of convolutions: they fix the steps there.
        left_out: Convolutions that stay in float32.
        dynamic: Kinds of layers whose weights are made int8, and whose inputs are when they come.
    """
    known = {name: [{"rmin": np.float32(low), "rmax": np.float32(high)}] for name, (low, high) in ranges.items()}
    with tempfile.TemporaryDirectory() as folder, _quiet():
        path, static = Path(folder) / "float.onnx", Path(folder) / "static.onnx"
        onnx.save(graph, path)
        quantize_static(
            path,
            static,
            _Examples([example]),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            reduce_range=True,
            nodes_to_exclude=list(left_out),
            extra_options={"TensorQuantOverrides": known},
        )
        if any(node.op_type in dynamic for node in graph.graph.node):
            quantize_dynamic(
                static,
                path,
                op_types_to_quantize=list(dynamic),
                per_channel=True,
                reduce_range=True,
                weight_type=QuantType.QInt8,
            )
            static = path
        made = onnx.load(static)
    del made.metadata_props[:]
    made.metadata_props.extend(graph.metadata_props)
    return made


class _Examples(CalibrationDataReader):
    def __init__(self, examples: Sequence[Input]) -> None:
        self._left: Iterator[Input] = iter(examples)

    def get_next(self) -> dict[str, Any] | None:
        """Return the next example."""
        example = next(self._left, None)
        return None if example is None else {IMAGES: example}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence advice about graphs that are prepared otherwise than these."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(level)

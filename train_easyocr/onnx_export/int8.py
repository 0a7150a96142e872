"""ONNX graphs in int8: convolutions by QDQ per channel, LSTMs by dynamic quantization, the rest in float32.

quantize_dynamic with the operators that it takes by itself would make a recognizer three to four times slower.
"""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)

from train_easyocr.reading.onnx_engine import IMAGES

Input = NDArray[np.float32]


def convolutions(graph: onnx.ModelProto) -> list[str]:
    """Name the layers that are made int8 by calibration."""
    return [node.name for node in graph.graph.node if node.op_type == "Conv"]


def to_int8(graph: onnx.ModelProto, examples: Sequence[Input], left_out: Sequence[str] = ()) -> onnx.ModelProto:
    """Return a graph in int8.

    Args:
        graph: In float32.
        examples: Inputs; the greatest and least values that they cause fix the steps of what flows between layers.
        left_out: Convolutions that stay in float32.
    """
    with tempfile.TemporaryDirectory() as folder, _quiet():
        path, static = Path(folder) / "float.onnx", Path(folder) / "static.onnx"
        onnx.save(graph, path)
        quantize_static(
            path,
            static,
            _Examples(examples),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=list(left_out),
        )
        if any(node.op_type == "LSTM" for node in graph.graph.node):
            quantize_dynamic(static, path, op_types_to_quantize=["LSTM"], per_channel=True, weight_type=QuantType.QInt8)
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

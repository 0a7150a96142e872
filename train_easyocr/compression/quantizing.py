"""A bundle in int8, by examples or by training, through the gate that every export passes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal, cast

from train_easyocr.compression.pact import train_for_int8
from train_easyocr.onnx_export.export import Rounding, export, find_source
from train_easyocr.onnx_export.int8 import RangeMethod
from train_easyocr.reading.onnx_engine import ExportCard
from train_easyocr.settings.config import Config

DYNAMIC = ("LSTM", "MatMul")
"""Beyond what `export` makes int8: the linear layers, the head among them, half of what is left of the file."""

Method = Literal["ptq-minmax", "ptq-percentile", "ptq-kl", "qat-pact"]


def quantize(
    bundle: str,
    method: Method,
    output: Path,
    config: Config,
    *,
    name: str,
    minutes: float | None = None,
    detector: bool = True,
) -> ExportCard:
    """Export a bundle in int8.

    Args:
        bundle: Its name.
        method: How ranges are found. qat-pact trains the recognizer, and takes the detector by examples.
        output: As for `export`.
        config: For validation sets, and for the training.
        name: Of the experiment of qat-pact.
        minutes: Stop training after this time; the best weights so far are exported.
        detector: Whether the detector is made int8, too.

    Raises:
        UserError: It can't be exported, or reads otherwise than in float32 whatever layers stay there.
    """
    source = find_source(bundle, Path(config.saved_models))
    rounding = Rounding(detector=detector, dynamic=DYNAMIC)
    if method == "qat-pact":
        weights, alphas = train_for_int8(source.recognizer, config, name, minutes)
        source = replace(source, recognizer=weights, rounding=replace(rounding, learnt=alphas))
    else:
        calibration = cast(RangeMethod, method.removeprefix("ptq-"))
        source = replace(source, rounding=replace(rounding, calibration=calibration))
    return export(source, output, "plain", "int8", config)

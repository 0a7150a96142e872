"""The settings of all steps, in one flat file.

Every key is described in `config_files/config.yaml`, which lists them all with their default values. A file may name
only the keys that it changes. `config_files/published.yaml` is the published run to the letter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from train_easyocr.settings.checking import CONFIG_FILES, Gone, check_settings, load_settings
from train_easyocr.settings.parts import (
    BeginSettings,
    DetectorChoice,
    EvaluationSettings,
    InstallationSettings,
    NetworkSettings,
    OptimizerSettings,
    PreparationSettings,
    SamplingSettings,
    ValidationSettings,
)

DEFAULT_CONFIG = CONFIG_FILES / "config.yaml"
OPTIMIZERS = {True: "adam", False: "adadelta"}
"""What the published configuration's key `adam` says in today's words: which `optimizer`."""
LAYERS = {"VGG": 7, "LCNet": 15}
"""Layers of the extractors that `channels` can be given for."""
MOST_ITERATIONS = 75_000
"""The most that `n_iter: auto` becomes for the recognizer: about one pass over the words of 40,000 pages."""


class Config(
    PreparationSettings,
    DetectorChoice,
    InstallationSettings,
    EvaluationSettings,
    NetworkSettings,
    SamplingSettings,
    ValidationSettings,
    BeginSettings,
    OptimizerSettings,
):
    """All settings, checked. Frozen: a setting has one value from the start of a step to its end."""

    gone: ClassVar[Mapping[str, Gone]] = {
        "box_context": Gone(0, "patches show their boxes alone now"),
        "box_jitter": Gone(0, "moving boxes made nothing better (docs/experiments.md)"),
        "cache": Gone(False, "keeping decoded patches in memory saved next to nothing (docs/experiments.md)"),
        "batch_pixels": Gone(False, "all batches have batch_size words now"),
    }


def load_config(path: Path = DEFAULT_CONFIG, overrides: Iterable[str] = ()) -> Config:
    """Read a YAML file, apply `key=value` overrides, and check the whole; see `load_settings`."""
    return load_settings(Config, check_config, path, overrides)


def check_config(values: dict[str, Any], faults: Iterable[str] = ()) -> Config:
    """Build a `Config`, or report unknown keys, wrong types and contradictions together; see `check_settings`."""
    found = list(faults)
    if "adam" in values:
        adam, values = values["adam"], {key: value for key, value in values.items() if key != "adam"}
        if "optimizer" in values:
            found.append(f"adam: {adam} beside optimizer: {values['optimizer']}; the latter alone says it all")
        else:
            values["optimizer"] = OPTIMIZERS[adam] if isinstance(adam, bool) else adam
    return check_settings(Config, contradictions, values, found)


def contradictions(config: Config) -> list[str]:
    """Return what is wrong among values that are right each for itself."""
    found = _data_contradictions(config)
    found += _recipe_contradictions(config)
    layers, given = LAYERS.get(config.FeatureExtraction, 0), len(config.layer_channels)
    if given and given != layers:
        found.append(
            f"channels: {config.channels} with FeatureExtraction: {config.FeatureExtraction}; "
            + (
                f"it has {layers} layers, not {given}"
                if layers
                else f"{' and '.join(LAYERS)} alone are built layer by layer"
            )
        )
    if config.rgb != (config.input_channel == 3):
        found.append(
            f"rgb: {config.rgb} with input_channel: {config.input_channel}; RGB input has 3 channels, grey input 1"
        )
    if config.input_channel not in (1, 3):
        found.append(f"input_channel: {config.input_channel}; images are grey (1) or RGB (3)")
    if config.Prediction == "Attn" and config.decode == "beamsearch":
        found.append("decode: beamsearch with Prediction: Attn; the prefix beam search is for CTC")
    steps = config.img_width // 4 - 1
    if config.Prediction == "CTC" and config.batch_max_length > steps:
        found.append(
            f"batch_max_length: {config.batch_max_length} with img_width: {config.img_width}; "
            f"CTC has {steps} time steps there and can't write more characters than that"
        )
    if config.freeze_SequenceModeling and config.SequenceModeling == "None":
        found.append("freeze_SequenceModeling: True with SequenceModeling: None; there is nothing to freeze")
    for key in ("freeze_FeatureExtraction", "freeze_SequenceModeling", "new_prediction"):
        if getattr(config, key) and not config.continue_from:
            found.append(f"{key}: True without continue_from; there are no trained layers to keep")
    if config.batch_width == "bucket" and not config.PAD:
        found.append("batch_width: bucket with PAD: False; words stretched to one width have no width of their own")
    if config.batch_width == "bucket" and config.Transformation == "TPS":
        found.append("batch_width: bucket with Transformation: TPS; its grid has one size, set batch_width: fixed")
    return found


def _data_contradictions(config: Config) -> list[str]:
    found = _share_faults(config)
    if "" in config.data_names:
        found.append(f"select_data: {config.select_data!r} holds an empty name; '-' stands between names")
    strengths = config.strengths_of_sets
    if strengths and len(strengths) != len(config.data_names):
        found.append(
            f"select_data names {len(config.data_names)} data sets, "
            f"augmentation_of_sets gives {len(strengths)} strengths"
        )
    return found


def _recipe_contradictions(config: Config) -> list[str]:
    found, n_iter = [], config.n_iter or MOST_ITERATIONS
    if config.optimizer == "adadelta" and config.lr == "auto":
        found.append("lr: auto with optimizer: adadelta, which finds its own step; set lr: 1.0")
    if config.warmup != "auto" and config.warmup >= n_iter:
        found.append(f"warmup: {config.warmup:g} iterations with n_iter: {n_iter}; lr would not be reached")
    if config.lr_scheduler == "piecewise":
        found += _decay_contradictions(config)
    if config.accumulation > config.batch_size:
        found.append(
            f"accumulation: {config.accumulation} with batch_size: {config.batch_size}; "
            "a batch can't be computed in more parts than it has words"
        )
    if config.center_loss and config.Prediction == "Attn":
        found.append("center_loss with Prediction: Attn; the centre loss is for CTC")
    return found


def _decay_contradictions(config: Config) -> list[str]:
    try:
        points, values = config.decay_points, config.decay_values
    except ValueError:
        return [
            f"lr_decay_points: {config.lr_decay_points!r} and lr_decay_values: {config.lr_decay_values!r} should be "
            "lists of numbers such as 0.6-0.9"
        ]
    found, n_iter = [], config.n_iter or MOST_ITERATIONS
    if len(points) != len(values):
        found.append(f"lr_decay_points names {len(points)} points, lr_decay_values gives {len(values)} values")
    steps = [point * n_iter if point < 1 else point for point in points]
    if steps != sorted(set(steps)) or not 0 < steps[0] <= steps[-1] < n_iter:
        found.append(
            f"lr_decay_points: {config.lr_decay_points} should ascend between 0 and n_iter ({n_iter}): "
            "iterations, or below 1 parts of n_iter"
        )
    if any(value <= 0 for value in values):
        found.append(f"lr_decay_values: {config.lr_decay_values}; every value is above 0, a multiple of lr")
    return found


def _share_faults(config: Config) -> list[str]:
    """Say what is wrong with the setting that mixes the data sets: batch_ratio, or data_usage_ratio in its place."""
    key = "data_usage_ratio" if config.data_usage_ratio else "batch_ratio"
    try:
        shares = config.usage_shares or config.batch_shares
    except ValueError:
        return [f"{key}: {getattr(config, key)!r} is not a list of shares such as 0.5-0.5"]
    found = []
    if len(shares) != len(config.data_names):
        found.append(f"select_data names {len(config.data_names)} data sets, {key} gives {len(shares)} shares")
    if any(share <= 0 for share in shares):
        found.append(f"{key}: {getattr(config, key)}; every share is above 0")
    if key == "batch_ratio":
        if len(shares) == len(config.data_names) and not math.isclose(sum(shares), 1, abs_tol=1e-6):
            found.append(
                f"batch_ratio: {config.batch_ratio}; the shares of a batch add up to {sum(shares):g}, not to 1"
            )
        return found
    if any(share > 1 for share in shares):
        found.append(f"data_usage_ratio: {config.data_usage_ratio}; an epoch draws all of a data set (1) at most")
    if config.batch_ratio != Config.model_fields["batch_ratio"].default:
        found.append(
            f"batch_ratio: {config.batch_ratio} with data_usage_ratio: {config.data_usage_ratio}; the words that an "
            "epoch draws decide how data sets share a batch, set one of the two"
        )
    return found

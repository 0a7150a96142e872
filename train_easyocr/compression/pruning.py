"""Pruning a network of a bundle, and training what is left of it again."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from train_easyocr.common.files import read_json_object
from train_easyocr.compression import subjects
from train_easyocr.compression.criteria import Criterion
from train_easyocr.compression.retraining import further
from train_easyocr.compression.sensitivity import QUALITY, channels_for, cut_network, draw, sensitivity
from train_easyocr.compression.subjects import Subject
from train_easyocr.detection.config import DetectionConfig
from train_easyocr.detection.db_detector import DbCard
from train_easyocr.detection.distillation import taught_detector
from train_easyocr.detection.task import DetectorTask
from train_easyocr.engine import trainer
from train_easyocr.recognition.distillation import taught_recognizer
from train_easyocr.recognition.model import CHANNELS
from train_easyocr.recognition.task import RecognizerTask
from train_easyocr.settings.config import Config
from train_easyocr.weights.checkpoints import read_card_of, save_weights

NetworkKind = Literal["recognizer", "detector"]
PRUNED = "pruned.pth"
"""Beside the experiment's weights: the network as it is cut, before it is trained again."""
SENSITIVITY, CURVES = "sensitivity.json", "sensitivity.svg"


@dataclass(frozen=True)
class Wanted:
    """How small a network is to be.

    Attributes:
        target: What may be left, as a share.
        of: Of the multiplications of convolutions, or of all parameters.
        criterion: Which filters go first.
        multiple: Channels are multiples of it.
    """

    target: float
    of: Literal["macs", "parameters"] = "macs"
    criterion: Criterion = "fpgm"
    multiple: int = 16


@dataclass(frozen=True)
class Pruned:
    """What became of a network.

    Attributes:
        weights: The pruned network's file, a card beside it.
        channels: Before and after, by layer.
        quality: On validation data, before and after, 0 to 1.
        macs: Multiplications of convolutions, before and after.
        parameters: Before and after.
        tolerated: The share of the quality that each layer alone may lose.
    """

    weights: Path
    channels: dict[str, tuple[int, int]]
    quality: tuple[float, float]
    macs: tuple[int, int]
    parameters: tuple[int, int]
    tolerated: float


def prune(subject: Subject, wanted: Wanted, folder: Path) -> Pruned:
    """Measure the layers, choose, cut, and write the smaller network with its card.

    Args:
        subject: The network.
        wanted: How small.
        folder: Where all goes; measures that are there already are not taken again.

    Raises:
        UserError: It can't be made so small.
    """
    folder.mkdir(parents=True, exist_ok=True)
    curves = sensitivity(subject, wanted.criterion, folder / SENSITIVITY)
    before = subject.cost(subject.widths)
    place = ("macs", "parameters").index(wanted.of)

    @functools.cache
    def cost(channels: tuple[int, ...]) -> int:
        return subject.cost(channels)[place]

    def share(channels: Sequence[int]) -> float:
        return cost(tuple(channels)) / before[place]

    channels, tolerated = channels_for(curves, subject.widths, share, wanted.target, wanted.multiple)
    draw(curves, subject.widths, channels, folder / CURVES)
    model = cut_network(subject, channels, wanted.criterion)
    scores = subject.measure(model)
    card = subjects.with_channels(subject.card, channels, scores)
    save_weights(folder / PRUNED, model, card)
    after = subject.cost(channels)
    return Pruned(
        folder / PRUNED,
        {cut.layer: pair for cut, pair in zip(subject.cuts, zip(subject.widths, channels, strict=True), strict=True)},
        (read_json_object(folder / SENSITIVITY)[QUALITY], subjects.quality(scores)),
        (before[0], after[0]),
        (before[1], after[1]),
        tolerated,
    )


def retrain(weights: Path, config: Config | DetectionConfig, minutes: float | None, teacher: Path | None) -> Path:
    """Train a pruned network, or go on with it; see `trainer.train`.

    Args:
        weights: As `prune` wrote them; the experiment's folder is theirs.
        config: Data, length and recipe; what the network is, its card says.
        minutes: Stop after this time; running again goes on.
        teacher: The network before, whose answers are learnt beside the labels; None: the labels alone.

    Returns:
        The experiment's folder.
    """
    settings = {"continue_from": str(weights), "experiment_name": weights.parent.name}
    settings["saved_models"] = str(weights.parent.parent)
    if isinstance(config, Config):
        alone: Callable[..., Any] = RecognizerTask
        beside: Callable[..., Any] = taught_recognizer
        settled: Config | DetectionConfig = further(weights, config, settings)
    else:
        settings[CHANNELS] = read_card_of(DbCard, weights).config[CHANNELS]
        alone, beside, settled = DetectorTask, taught_detector, config.model_copy(update=settings)
    trainer.train(alone if teacher is None else functools.partial(beside, teacher), settled, minutes)
    return weights.parent

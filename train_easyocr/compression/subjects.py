"""Networks that can be made smaller: their layers, what these cost, and how good the network is on validation data."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm

from train_easyocr.common.errors import UserError
from train_easyocr.compression.cuts import Cut, cuts_of, widths_of
from train_easyocr.detection.config import DetectionConfig
from train_easyocr.detection.db_detector import DB_LIGHT, DbCard, DbDetector, load_db_light
from train_easyocr.detection.db_network import DbLight
from train_easyocr.detection.opening import network_of
from train_easyocr.detection.pages import open_pages
from train_easyocr.detection.task import score_pages
from train_easyocr.engine.device import Device
from train_easyocr.recognition import network
from train_easyocr.recognition.model import CHANNELS, open_trained
from train_easyocr.recognition.validation import Score, read_patches, validation_patches
from train_easyocr.settings.config import Config
from train_easyocr.weights.bundle import Weights
from train_easyocr.weights.cards import DetectionScores
from train_easyocr.weights.characters import CharacterSet, CtcConverter
from train_easyocr.weights.checkpoints import Card, Scores, WeightsCard

READ_TOGETHER = 32
"""Words of one width."""
PAGE = (1, 1, 2240, 1600)
"""An A4 page at the detector's usual size, by which multiplications are counted; of words, one of 3 squares."""


@dataclass(frozen=True)
class Subject:
    """A network to make smaller.

    Attributes:
        weights: Its file.
        model: The network with these weights, in evaluation mode.
        card: Of the weights.
        cuts: What can be cut, in the order of the network's `channels`.
        build: Makes a network of the same kind with other channels, fresh weights in it.
        example: Shape of the input by which multiplications are counted.
        measure: Measures a network on validation data.
        tested_on: What that is, in words.
    """

    weights: Path
    model: nn.Module
    card: Card
    cuts: list[Cut]
    build: Callable[[Sequence[int]], nn.Module]
    example: tuple[int, int, int, int]
    measure: Callable[[nn.Module], Scores | DetectionScores]
    tested_on: str

    @property
    def widths(self) -> list[int]:
        """The channels of each layer as they are."""
        return widths_of(self.model.state_dict(), self.cuts)

    def cost(self, channels: Sequence[int]) -> tuple[int, int]:
        """Return the multiplications of all convolutions, on `example`, and all parameters, of such a network."""
        with torch.device("meta"):
            model = self.build(channels).eval()
        return convolution_macs(model, self.example), parameters_of(model)


def quality(scores: Scores | DetectionScores) -> float:
    """Return what a network is judged by, 0 to 1: the share of words read right, or F1 of the boxes found."""
    return scores.accuracy / 100 if isinstance(scores, Scores) else scores.f1


def parameters_of(model: nn.Module) -> int:
    """Return how many numbers a network has learnt."""
    return sum(value.numel() for value in model.parameters())


def convolution_macs(model: nn.Module, shape: tuple[int, ...]) -> int:
    """Return a network's multiplications in convolutions, for an input of a shape; nothing is computed."""
    return _macs(model, shape, only=torch.ops.aten.convolution)


def all_macs(model: nn.Module, shape: tuple[int, ...]) -> int:
    """Return a network's multiplications, those of recurrent layers among them."""
    return _macs(model, shape, only=None)


@torch.no_grad()
def _macs(model: nn.Module, shape: tuple[int, ...], only: object) -> int:
    model = copy.deepcopy(model).to("meta").eval()
    with FlopCounterMode(display=False) as counter:
        model(torch.empty(shape, device="meta"))
    counts = counter.get_flop_counts()["Global"]
    return sum(count for kind, count in counts.items() if only in (None, kind)) // 2


def recognizer(weights: Weights, config: Config, words: int) -> Subject:
    """Open a recognizer; its quality is the share of validation words that it reads right.

    Args:
        weights: A `.pth` with its card beside it.
        config: For the validation sets.
        words: How many words, spread evenly over the validation sets.

    Raises:
        UserError: It can't be pruned, or there are no validation words.
        WeightsError: Weights or card can't be used.
    """
    path = _file(weights, "a recognizer of EasyOCR's own")
    model, card, _ = open_trained(path)
    patches = validation_patches(config.validation_sets, card, config, words)
    labels, images = [label for _, label, _ in patches], [image for _, _, image in patches]
    converter, device = CtcConverter(CharacterSet(card.character)), Device.choose("auto")
    arguments = {key: value for key, value in card.network.items() if key not in ("Prediction", CHANNELS)}
    settings = config.model_copy(update={"img_height": card.img_height, "img_width": card.img_width})

    def measured(other: nn.Module) -> Scores:
        other = other.to(device.torch_device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        read = read_patches(other, converter, images, settings, device=device, batch_size=READ_TOGETHER)
        score = Score()
        for (text, _), label in zip(read, labels, strict=True):
            score.update(label, text)
        accuracy, norm_ed = score.summary()
        return Scores(accuracy=accuracy, norm_ed=norm_ed, words=score.read)

    return Subject(
        path,
        model.eval(),
        card,
        cuts_of(model),
        lambda channels: network.Model(**arguments, channels=tuple(channels)),
        (1, card.network["input_channel"], card.img_height, 3 * card.img_height),
        measured,
        f"{len(labels):,} words of {', '.join(map(str, config.validation_sets))}",
    )


def detector(weights: Weights, config: DetectionConfig, pages: int) -> Subject:
    """Open a detector; its quality is F1 over validation pages; arguments and errors as those of `recognizer`."""
    path = _file(weights, "EasyOCR's CRAFT")
    if network_of(path) != DB_LIGHT:
        raise UserError(f"{path}: is CRAFT, which can't be pruned; {DB_LIGHT} can")
    model, card = load_db_light(path)
    validation = open_pages(config)[1].pages[:pages]
    device = Device.choose("auto")

    def measured(other: nn.Module) -> DetectionScores:
        assert isinstance(other, DbLight)
        finder = DbDetector.of(other, card.long_side, card.parameters, device)
        return score_pages(finder, tqdm(validation, desc="Pages", unit="page", leave=False))

    return Subject(
        path,
        model.eval(),
        card,
        cuts_of(model),
        DbLight,
        PAGE,
        measured,
        f"{len(validation):,} pages of {config.val_data or config.dataset}",
    )


def _file(weights: Weights, what: str) -> Path:
    if isinstance(weights, Path):
        return weights
    raise UserError(f"{weights}: is {what}, which can't be pruned; train from it first (step 3)")


def with_channels(card: Card, channels: Sequence[int], scores: Scores | DetectionScores) -> Card:
    """Return the card of a pruned network: other channels, and what it was measured at."""
    named = "-".join(map(str, channels))
    if isinstance(card, WeightsCard):
        config = {**card.config, CHANNELS: named}
        update = {"network": {**card.network, CHANNELS: list(channels)}, "config": config, "validation": scores}
        return card.model_copy(update=update)
    assert isinstance(card, DbCard)
    config = {**card.config, CHANNELS: named}
    return card.model_copy(update={CHANNELS: tuple(channels), "config": config, "validation": scores})

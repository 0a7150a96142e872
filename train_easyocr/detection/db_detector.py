"""`db_light` at work: pages in, probability maps and word boxes out.

detector = open_db_light(Path("saved_models/korean_detector/best_f1.pth"))
boxes = detector.boxes(detector.score_maps(page))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from train_easyocr.common.errors import WeightsError
from train_easyocr.detection.db_boxes import DbParameters, db_boxes
from train_easyocr.detection.db_network import DbLight, for_reading
from train_easyocr.detection.interface import DetectorParameters, ScoreMaps
from train_easyocr.detection.scaling import MULTIPLE, STRIDE, whole_page
from train_easyocr.documents.page import Box
from train_easyocr.engine.device import DTYPES, Device, fastest_precision
from train_easyocr.weights.cards import DetectorCard
from train_easyocr.weights.checkpoints import load_pretrained, read_card_of

DB_LIGHT: Final = "db_light"


class DbCard(DetectorCard):
    """The card of `db_light`'s weights.

    Attributes:
        channels: Of the encoder's layers, where they are not `db_network.CHANNELS`.
    """

    network: Literal["db_light"] = DB_LIGHT
    parameters: DbParameters
    channels: tuple[int, ...] = ()


@dataclass(frozen=True)
class DbDetector:
    """A word detector (`interface.WordDetector`).

    Attributes:
        network: As `for_reading` returns it, on the device and in the precision of `device`.
        long_side: Pixels; a page with a longer side is scaled down to this.
        parameters: How boxes are made of the maps.
        device: Where and how the network computes.
    """

    network: nn.Module
    long_side: int
    parameters: DbParameters
    device: Device

    @classmethod
    def of(cls, model: DbLight, long_side: int, parameters: DbParameters, device: Device) -> DbDetector:
        """Make a detector of a network in training, which stays as it is."""
        network = for_reading(model).requires_grad_(False)
        network = network.to(device.torch_device, DTYPES[device.precision], memory_format=torch.channels_last)  # type: ignore[call-overload]
        return cls(network, long_side, parameters, device)

    def with_parameters(self, parameters: DetectorParameters) -> DbDetector:
        """Return a detector with the same network and other parameters."""
        if not isinstance(parameters, DbParameters):
            raise TypeError(f"{type(parameters).__name__} are not the parameters of {DB_LIGHT}")
        return replace(self, parameters=parameters)

    def score_maps(self, page: NDArray[np.uint8]) -> ScoreMaps:
        """Run the network on a page, uint8 [H, W, 3], RGB, or [H, W], grey."""
        return self.score_maps_of([page])[0]

    def score_maps_of(self, pages: Sequence[NDArray[np.uint8]]) -> list[ScoreMaps]:
        """Run the network on pages; neighbours that are equally large go through it together."""
        found: list[ScoreMaps] = []
        waiting: list[tuple[NDArray[np.uint8], float, tuple[int, int]]] = []
        for page in pages:
            grey: NDArray[Any] = cv2.cvtColor(page, cv2.COLOR_RGB2GRAY) if page.ndim == 3 else page
            scaled, scale = whole_page(grey, self.long_side, MULTIPLE)
            if waiting and (scaled.shape != waiting[0][0].shape or len(waiting) == self.parameters.max_batch_size):
                found += self._run(waiting)
                waiting = []
            waiting.append((scaled, scale, (page.shape[1], page.shape[0])))
        return found + self._run(waiting)

    def boxes(self, maps: ScoreMaps) -> list[Box]:
        """Make boxes of a page's probability map."""
        return db_boxes(maps, self.parameters)

    def _run(self, pages: Sequence[tuple[NDArray[np.uint8], float, tuple[int, int]]]) -> list[ScoreMaps]:
        """Run the network on scaled pages of one size, given with their scales and their sizes before."""
        if not pages:
            return []
        images = torch.from_numpy(np.stack([page for page, _, _ in pages]))[:, None]
        with torch.inference_mode():
            maps = self.network(self.device.input(images).to(DTYPES[self.device.precision])).float().cpu().numpy()
        return [ScoreMaps(found, STRIDE / scale, size) for found, (_, scale, size) in zip(maps, pages, strict=True)]


def open_db_light(
    path: Path, *, cuda: bool | None = None, parameters: DbParameters | None = None, precision: str = "auto"
) -> DbDetector:
    """Open a detector.

    Args:
        path: Its weights, a `.pth` with its card (`.json`) beside it.
        cuda: Use the GPU; None does where there is one.
        parameters: How boxes are made; those of the card where there are none.
        precision: auto, fp32, bf16 or fp16.

    Raises:
        WeightsError: Weights or card can't be used.
        UsageError: The device can't compute in this precision.
    """
    model, card = load_db_light(path)
    device = Device.choose(precision)
    if cuda is False and device.is_gpu:
        device = Device(torch.device("cpu"), fastest_precision(torch.device("cpu")))
    elif cuda and not device.is_gpu:
        raise WeightsError(f"{path}: a GPU is asked for, and torch finds none")
    return DbDetector.of(model, card.long_side, parameters or card.parameters, device)


def load_db_light(path: Path) -> tuple[DbLight, DbCard]:
    """Load a network with its card (`.json`) beside its weights, on the CPU, in training mode.

    Raises:
        WeightsError: Weights or card can't be used.
    """
    card = read_card_of(DbCard, path)
    model = DbLight(card.channels)
    load_pretrained(model, path)
    return model, card

"""EasyOCR's own detection network, CRAFT (arXiv 1904.01941), as a word detector.

    detector = CraftDetector(load_craft(find_weights("craft")), WORDS)
    boxes = detector.boxes(detector.score_maps(page))

With the default parameters it finds what `easyocr.Reader.detect` finds, cut to the page.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

import cv2
import easyocr.craft
import numpy as np
import torch
from easyocr.imgproc import normalizeMeanVariance, resize_aspect_ratio
from numpy.typing import NDArray
from torch import nn

from train_easyocr.detection.craft_boxes import craft_boxes
from train_easyocr.detection.interface import DetectorParameters, ScoreMaps
from train_easyocr.detection.parameters import CraftParameters
from train_easyocr.documents.page import Box
from train_easyocr.weights.bundle import CRAFT
from train_easyocr.weights.cards import DetectorCard
from train_easyocr.weights.checkpoints import load_pretrained

STRIDE = 2
"""Pixels of the network's input for one of its maps."""


class CraftCard(DetectorCard):
    """The card of weights that were fine-tuned; today EasyOCR's are used as they are."""

    network: Literal["craft"] = CRAFT
    parameters: CraftParameters


def load_craft(path: Path) -> nn.Module:
    """Load weights of EasyOCR's form, its own `craft_mlt_25k.pth` or fine-tuned ones, to the last key.

    Raises:
        WeightsError: The file can't be read, or its weights are not CRAFT's.
    """
    with torch.device("meta"):  # drawing 20 million values that are replaced at once takes seconds
        network = easyocr.craft.CRAFT(pretrained=False)
    network = network.to_empty(device="cpu")
    load_pretrained(network, path)
    return network.eval()


def input_ratio(parameters: CraftParameters, width: int, height: int) -> float:
    """Return the network's input pixels for one of the page, as EasyOCR scales pages."""
    longer = max(width, height)
    return min(parameters.mag_ratio * longer, parameters.canvas_size) / longer


class CraftDetector:
    """CRAFT as a `WordDetector`.

    Args:
        network: As `load_craft` returns it.
        parameters: How boxes are made of the maps; `canvas_size` and `mag_ratio` say how the maps are made.
        device: Where the network computes; it is moved there.
    """

    def __init__(
        self,
        network: nn.Module,
        parameters: CraftParameters | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self.parameters = parameters or CraftParameters()
        self.device = torch.device(device)
        self.network = network.to(self.device).eval()

    def with_parameters(self, parameters: DetectorParameters) -> Self:
        """Return a detector with the same network and other parameters.

        Raises:
            TypeError: They are another detector's.
        """
        if not isinstance(parameters, CraftParameters):
            raise TypeError(f"CRAFT takes CraftParameters, not {type(parameters).__name__}")
        return type(self)(self.network, parameters, self.device)

    @torch.inference_mode()
    def score_maps(self, page: NDArray[np.uint8]) -> ScoreMaps:
        """Run the network on a page: uint8 [H, W, 3], RGB. The maps are region and affinity."""
        height, width = page.shape[:2]
        resized, ratio, _ = resize_aspect_ratio(
            page, self.parameters.canvas_size, interpolation=cv2.INTER_LINEAR, mag_ratio=self.parameters.mag_ratio
        )
        image = torch.from_numpy(normalizeMeanVariance(resized)).permute(2, 0, 1)[None]
        scores, _ = self.network(image.contiguous().to(self.device))
        maps = scores[0].permute(2, 0, 1).contiguous().float().cpu().numpy()
        return ScoreMaps(maps, STRIDE / ratio, (width, height))

    def boxes(self, maps: ScoreMaps) -> list[Box]:
        """Make word boxes of the maps, cut to the page; from the top down, then from the left."""
        return craft_boxes(maps, self.parameters)

"""What all word detectors have in common: a page goes in, score maps come out, and boxes are made of the maps.

The maps cost nearly all of the time and do not depend on the parameters: a search over parameters computes them once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from pydantic import BaseModel, ConfigDict

from train_easyocr.documents.page import Box


@dataclass(frozen=True, eq=False)
class ScoreMaps:
    """What a detector's network says about a page.

    Attributes:
        maps: float32 [C, h, w]. db_light: the probability map; craft: region and affinity. Map pixel (y, x) stands for
            the page's pixels from (y * scale, x * scale) to ((y + 1) * scale, (x + 1) * scale). The maps can reach
            beyond the page's right and lower edge by what was filled up.
        scale: Page pixels per map pixel, the same across and down.
        page_size: The page's width and height in pixels.
    """

    maps: np.ndarray
    scale: float
    page_size: tuple[int, int]


class DetectorParameters(BaseModel):
    """How boxes are made of score maps; the base of each detector's own parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class WordDetector(Protocol):
    """Finds words on pages."""

    @property
    def parameters(self) -> DetectorParameters:
        """How boxes are made of score maps."""

    def with_parameters(self, parameters: DetectorParameters) -> Self:
        """Return a detector with the same network and other parameters; nothing is loaded again."""

    def score_maps(self, page: np.ndarray) -> ScoreMaps:
        """Run the network.

        Args:
            page: uint8 [H, W, 3], RGB.
        """

    def boxes(self, maps: ScoreMaps) -> list[Box]:
        """Make boxes of score maps with the detector's parameters.

        Args:
            maps: As `score_maps` returned them.

        Returns:
            Upright boxes in the page's pixels, with area, cut to the page; from the top down, then from the left.
        """

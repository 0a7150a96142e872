"""From places on a page to texts, whatever computes the network: crops as EasyOCR makes them, batches, second looks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from train_easyocr.datasets.cropping import crop, straightened
from train_easyocr.datasets.images import reading_width, resize_patch
from train_easyocr.documents.page import Box, Quad, Shape

SECOND_TRY_CONTRAST = 0.5
"""EasyOCR's `adjust_contrast`."""

Pixels = NDArray[np.uint8]
Reading = tuple[str, float]
"""A text and EasyOCR's confidence in it (0 to 1)."""


class Found(NamedTuple):
    """A word as it was read once; `ctc.Reading` says what the numbers are."""

    text: str
    confidence: float
    certainty: float


ReadBatch = Callable[[Sequence[Pixels], int], list[Found]]
"""Reads words of the network's height, filled up to a width in pixels."""


class Spread(Protocol):
    """`map`, or what does its work in several threads."""

    def __call__(
        self, function: ReadBatch, images: Sequence[Sequence[Pixels]], widths: Sequence[int], /
    ) -> Iterable[list[Found]]:
        """Read batches, in their order."""


def read_words(
    grey: Pixels,
    shapes: Sequence[Shape],
    *,
    img_height: int,
    exact: ReadBatch,
    rounded: ReadBatch | None,
    sure: float,
    batch_pixels: int,
    spread: Spread = map,
    contrast_ths: float = 0.1,
) -> list[Reading]:
    """Read the words at the given places.

    Args:
        grey: The page, uint8 [h, w].
        shapes: Boxes can leave the page; a box or region of which nothing can be cropped reads as "".
        img_height: The network's height in pixels.
        exact: The network in float32.
        rounded: A faster one whose rounding can change words of little certainty; None for `exact` alone.
        sure: Words of a certainty below this are read again with `exact` after `rounded`.
        batch_pixels: Width of all words of a batch together, in pixels.
        spread: Over threads.
        contrast_ths: Under this confidence a word is read a second time, with raised contrast; 0 for never.

    Returns:
        Text and confidence of each shape, in the order of the shapes.
    """
    height, width = grey.shape
    wanted = [shape if isinstance(shape, Quad) else shape.clipped(width, height) for shape in shapes]
    crops = {shape: crop for shape in dict.fromkeys(wanted) if (crop := crop_of(grey, shape)) is not None}
    widths = {shape: reading_width(crop.shape[1], crop.shape[0], img_height) for shape, crop in crops.items()}
    images = {shape: resize_patch(crop, img_height, widths[shape]) for shape, crop in crops.items()}

    def read(network: ReadBatch, images: dict[Shape, Pixels]) -> dict[Shape, Found]:
        groups = _batches(images, widths, batch_pixels)
        pixels, sizes = [[images[shape] for shape in group] for group in groups], [widths[group[0]] for group in groups]
        shapes = [shape for group in groups for shape in group]
        return dict(zip(shapes, (word for words in spread(network, pixels, sizes) for word in words), strict=True))

    found = read(rounded or exact, images)
    if rounded:
        # Second tries depend on the confidence: near their threshold it must be exact, too.
        unsure = [s for s, word in found.items() if word.certainty < sure or word.confidence < 2 * contrast_ths]
        found |= read(exact, {shape: images[shape] for shape in unsure})
    raised = {}
    for shape, word in found.items():
        if word.confidence < contrast_ths:
            image = resize_patch(crops[shape], img_height, widths[shape], contrast=SECOND_TRY_CONTRAST)
            if not np.array_equal(image, images[shape]):
                raised[shape] = image
    for shape, second in read(exact, raised).items():
        if not found[shape].confidence > second.confidence:
            found[shape] = second
    return [(found[shape].text, found[shape].confidence) if shape in found else ("", 0.0) for shape in wanted]


def _batches(images: Iterable[Shape], widths: dict[Shape, int], batch_pixels: int) -> list[list[Shape]]:
    """Group words of one width; the longest work comes first, so that threads end together."""
    by_width: dict[int, list[Shape]] = {}
    for shape in images:
        by_width.setdefault(widths[shape], []).append(shape)
    batches = []
    for width, group in sorted(by_width.items(), reverse=True):
        size = max(1, batch_pixels // width)
        batches += [group[first : first + size] for first in range(0, len(group), size)]
    return batches


def crop_of(grey: Pixels, shape: Shape) -> Pixels | None:
    """Return the pixels of a clipped box or a straightened region; None where there are none."""
    if isinstance(shape, Box):
        return crop(grey, shape) if shape.area else None
    return straightened(grey, shape) if all(shape.size) else None


def finite(confidence: Any) -> float:
    """Return a confidence, 0 where it is none."""
    value = float(confidence)
    return value if math.isfinite(value) else 0.0

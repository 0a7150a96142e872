"""Pictures for a report that is one file: pages scaled down, and crops of single words, as WebP in base64.

Office browsers show WebP, and at the size of a legible page it takes half of what JPEG does. Each page keeps to a
number of bytes, so that the report's size is known before it is written: 500 pages of 60 KiB are 39 MiB in base64.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from train_easyocr.common.workers import available_cores
from train_easyocr.documents import Box
from train_easyocr.documents.aihub import LabelError, read_labelled_page
from train_easyocr.documents.images import ImageError, decode_page
from train_easyocr.documents.sources import PageFile

Pixels = NDArray[np.uint8]

_QUALITIES = (25, 15, 8)
_CROP_QUALITY = 50
_CROP_SHORT_SIDE, _CROP_LONG_SIDE = 56, 400
_CROP_MARGIN = 0.2
"""Of the box's shorter side, kept on all sides of a crop."""
_SMALLER = 0.8


@dataclass(frozen=True, slots=True)
class Budget:
    """What a page's picture may take.

    Attributes:
        long_side: Pixels, at most.
        most_bytes: Bytes before base64, which adds a third.
    """

    long_side: int
    most_bytes: int


BUDGETS: Mapping[str, Budget | None] = {
    "none": None,
    "small": Budget(1400, 60 * 1024),
    "large": Budget(2200, 160 * 1024),
}
"""By what `--report_images` says; `none` leaves out all pictures, crops too."""


@dataclass(frozen=True, slots=True)
class PageImages:
    """The pictures of one page.

    Attributes:
        width: The page's width in pixels, to which boxes refer; 0 where the image can't be read.
        height: Its height.
        page: The whole page, base64; empty where the image can't be read.
        crops: Crops of words by their boxes, base64.
    """

    width: int = 0
    height: int = 0
    page: str = ""
    crops: dict[Box, str] = field(default_factory=dict)


def read_images(
    pages: Sequence[tuple[PageFile, Sequence[Box]]],
    whole: frozenset[str],
    budget: Budget,
    say: Callable[[str], None],
) -> Iterator[tuple[str, PageImages]]:
    """Read pages and yield their names and pictures, in order.

    Args:
        pages: The files, and the boxes of each that are to be cut out.
        whole: The names of the pages that are wanted whole.
        budget: What a whole page may take.
        say: Takes a line about each image that can't be read any more.
    """

    def read(task: tuple[PageFile, Sequence[Box]]) -> PageImages:
        file, boxes = task
        try:
            image, _ = decode_page(file.image.read_bytes(), read_labelled_page(file).layout)
        except (ImageError, LabelError, OSError) as error:
            say(f"{file.image}: is left out of the report: {error}")
            return PageImages()
        height, width = image.shape
        page = encode_page(image, budget) if file.name in whole else b""
        crops = {box: encode_crop(image, box) for box in boxes}
        return PageImages(width, height, _text(page), {box: _text(crop) for box, crop in crops.items() if crop})

    with ThreadPoolExecutor(available_cores()) as pool:
        yield from zip((file.name for file, _ in pages), pool.map(read, pages), strict=True)


def encode_page(image: Pixels, budget: Budget) -> bytes:
    """Return a grey page [height, width] as WebP within a budget: first at a lower quality, then smaller."""
    long_side = min(budget.long_side, max(image.shape))
    while True:
        scaled = _scaled(image, long_side / max(image.shape))
        for quality in _QUALITIES:
            content = _webp(scaled, quality)
            if len(content) <= budget.most_bytes or max(scaled.shape) == 1:
                return content
        long_side = max(1, int(_SMALLER * long_side))


def encode_crop(image: Pixels, box: Box) -> bytes:
    """Return a word of a grey page [height, width] as WebP, with a little of what is around it; empty outside."""
    height, width = image.shape
    margin = round(_CROP_MARGIN * min(abs(box.width), abs(box.height)))
    wider = Box(box.xmin - margin, box.ymin - margin, box.xmax + margin, box.ymax + margin).clipped(width, height)
    if not wider.area or not box.clipped(width, height).area:
        return b""
    crop = image[wider.ymin : wider.ymax, wider.xmin : wider.xmax]
    return _webp(
        _scaled(crop, min(_CROP_SHORT_SIDE / min(crop.shape), _CROP_LONG_SIDE / max(crop.shape))), _CROP_QUALITY
    )


def _scaled(image: Pixels, scale: float) -> Pixels:
    """Scale down, never up."""
    if scale >= 1:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _webp(image: Pixels, quality: int) -> bytes:
    content = BytesIO()
    # Method 2 takes a third of the time of the usual 4, and 8 % more bytes.
    Image.fromarray(image).save(content, "WEBP", quality=quality, method=2)
    return content.getvalue()


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")

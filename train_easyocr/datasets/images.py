"""What the network sees of a word: the same pixels in training as when EasyOCR 1.7.2 reads, bit for bit.

EasyOCR resizes a word twice (`utils.get_image_list`, then `recognition.AlignCollate`): with OpenCV to the network's
height, keeping the proportions, where a tall word keeps its *height* above the network's; then with Pillow to the
network's height and no more than a greatest width. It fills up to the right with the word's last column.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image

Pixels = np.ndarray
"""uint8 [h, w] (grey) or [h, w, 3] (RGB)."""


def resize_patch(
    patch: Pixels, img_height: int, max_width: int, keep_ratio: bool = True, contrast: float = 0.0
) -> Pixels:
    """Bring a word to the network's height.

    Args:
        patch: uint8 [h, w] or [h, w, 3], any size from 1 x 1.
        img_height: The network's height in pixels.
        max_width: Wider words are squeezed to this width in pixels. EasyOCR itself never squeezes: it reads a word at
            `reading_width`, which is wide enough for it.
        keep_ratio: False stretches every word to `max_width`, which is not how EasyOCR reads.
        contrast: Contrast (0 to 1) up to which faint words are raised, between the two resizes as EasyOCR does it
            (see `raise_contrast`); 0 leaves them as they are.

    Returns:
        uint8 [img_height, w'] or [img_height, w', 3] with 1 <= w' <= max_width.

    Raises:
        ValueError: The patch has no pixels.
    """
    height, width = patch.shape[:2]
    if height == 0 or width == 0:
        raise ValueError(f"a patch of {width} x {height} pixels can't be resized")
    if not keep_ratio:
        return _resize_with_pillow(raise_contrast(patch, contrast), max_width, img_height)
    # The arithmetic is EasyOCR's to the rounding: 1 / ratio and h / w differ in the last bit, and int() sees it.
    ratio = width / height
    size = (img_height, int(img_height * (1.0 / ratio))) if ratio < 1.0 else (int(img_height * ratio), img_height)
    resized = raise_contrast(cv2.resize(patch, size, interpolation=cv2.INTER_LINEAR), contrast)
    return _resize_with_pillow(resized, min(max_width, math.ceil(img_height * (size[0] / float(size[1])))), img_height)


def _resize_with_pillow(image: Pixels, width: int, height: int) -> Pixels:
    if image.shape[:2] == (height, width):
        return image  # Pillow copies such an image; most words that are wider than tall are one
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))


def reading_width(width: int, height: int, img_height: int) -> int:
    """The width in pixels to which EasyOCR fills up a single word of `width` x `height` pixels.

    A multiple of the network's height: the proportion of the longer side to the shorter, rounded up. That goes for
    tall words, too: a word of 50 x 120 pixels is shrunk to 27 x 64 and filled up to 192 x 64.
    """
    ratio = width / height
    if ratio < 1.0:
        ratio = 1.0 / ratio
    return math.ceil(ratio) * img_height


def to_batch(images: Sequence[Pixels], width: int) -> Pixels:
    """Stack words of one height, filled up to the right with their last column.

    Args:
        images: At least one, each uint8 [H, w] or [H, w, 3] with w <= width, all grey or all RGB.
        width: Width of the batch in pixels.

    Returns:
        uint8 [B, C, H, width] with 1 or 3 channels.

    Raises:
        ValueError: An image is wider than the batch.
    """
    height, channels = images[0].shape[0], images[0].shape[2:]
    batch = np.empty((len(images), height, width, *channels), dtype=np.uint8)
    for row, image in zip(batch, images, strict=True):
        filled = image.shape[1]
        if filled > width:
            raise ValueError(f"an image of {filled} pixels does not fit into a batch of {width} pixels' width")
        row[:, :filled] = image
        row[:, filled:] = image[:, -1:]
    return np.ascontiguousarray(batch.transpose(0, 3, 1, 2)) if channels else batch[:, None]


def raise_contrast(image: Pixels, target: float) -> Pixels:
    """Spread a faint image's grey values, as EasyOCR does before its second try at a word it is unsure of.

    Args:
        image: uint8, any shape with at least one pixel.
        target: Contrast (0 to 1) below which an image is changed: the difference between the 90th and the 10th
            percentile by their sum.

    Returns:
        The image itself where it has the contrast or `target` is 0, else another with the 10th percentile at 25 and
        the 90th at 225 (as `recognition.adjust_contrast_grey`).
    """
    if target <= 0:
        return image
    high, low = np.percentile(image, [90, 10])
    if (high - low) / max(10, high + low) >= target:
        return image
    # Every pixel of one value becomes the same new value, so 256 values are worked out, not the image's thousands.
    values = (np.arange(256) - low + 25) * (200.0 / max(10, high - low))
    return np.clip(values, 0, 255).astype(np.uint8)[image]

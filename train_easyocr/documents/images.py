"""Page images: decoded once, as EasyOCR decodes them, with a bound on what an image may cost."""

from __future__ import annotations

import warnings
from io import BytesIO

import cv2
import numpy as np
from PIL import Image

MAX_IMAGE_BYTES = 256 * 2**20
"""A real page has about 0.8 MiB; a file above this is not read."""
MAX_PIXELS = 80_000_000
"""A real page has 8.7 million; an image above this is not decoded (a worker stays below 1 GiB)."""


class ImageError(ValueError):
    """An image can't be decoded."""


def decode_image(content: bytes, rgb: bool = False) -> np.ndarray:
    """Decode a JPEG or PNG file's bytes.

    Grey images are decoded to grey directly (`IMREAD_GRAYSCALE`), with the turn that an EXIF orientation asks for:
    pixel for pixel what `cv2.imread` gives EasyOCR when it reads a page.

    Args:
        content: The file's bytes.
        rgb: Colour instead of grey.

    Returns:
        uint8 [height, width], or [height, width, 3] in OpenCV's order (blue, green, red) for `rgb`.

    Raises:
        ImageError: The bytes are no whole JPEG or PNG image, or one above `MAX_PIXELS`.
    """
    if len(content) > MAX_IMAGE_BYTES:
        raise ImageError(f"has more than {MAX_IMAGE_BYTES // 2**20} MiB")
    width, height = _stated_size(content)
    if width * height > MAX_PIXELS:
        raise ImageError(f"{width} x {height} pixels are more than {MAX_PIXELS:,}")
    try:
        flags = cv2.IMREAD_COLOR if rgb else cv2.IMREAD_GRAYSCALE
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error as error:
        raise ImageError(f"can't be decoded: {error.err}") from None
    if image is None:
        raise ImageError("can't be decoded; it is cut short or damaged")
    return image


def _stated_size(content: bytes) -> tuple[int, int]:
    """Read width and height from the file's head, before any memory is spent on its pixels."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # MAX_PIXELS is stricter
            with Image.open(BytesIO(content), formats=("JPEG", "PNG")) as image:
                return image.size
    except Image.DecompressionBombError:
        raise ImageError(f"has more than {MAX_PIXELS:,} pixels") from None
    except (OSError, ValueError, SyntaxError, EOFError):
        raise ImageError("is no JPEG or PNG image") from None

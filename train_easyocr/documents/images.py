"""Page images: decoded once, upright and on white, with a bound on what an image may cost.

What programs do with an image file differs in three ways that make pixels and boxes disagree, so all of this project's
decode here:

- An EXIF orientation is followed, unless the labels say that they are about the pixels as they are stored.
- Transparent images are laid on white paper.
- What a decoder only warns of (libjpeg's "Corrupt JPEG data") is damage like any other.

Apart from that, grey images are pixel for pixel what `cv2.imread` gives EasyOCR when it reads a page (colour TIFFs to
one grey level: the two round differently).
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Callable, Mapping
from functools import cached_property
from io import BytesIO

import cv2
import numpy as np
import simplejpeg
from PIL import Image

from train_easyocr.common.errors import UserError
from train_easyocr.documents.ink import are_beside_print, count_blank
from train_easyocr.documents.page import NOTHING_LABELLED, Layout

MAX_IMAGE_BYTES = 256 * 2**20
"""A real page has about 0.8 MiB; a file above this is not read."""
MAX_PIXELS = 80_000_000
"""A real page has 8.7 million; an image above this is not decoded (a worker stays below 1 GiB)."""
FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP")

TURNED = "image turned upright, as its EXIF orientation says"
NOT_TURNED = "EXIF orientation not followed: the labels fit the image as it is stored"
FURTHER_PAGES = "image file of several pages: the first is taken"

ORIENTATION = 0x0112
"""EXIF's and TIFF's tag."""
UPRIGHT = 1
Turn = Callable[[np.ndarray], np.ndarray]
_TURNS: Mapping[int, Turn] = {
    2: lambda image: cv2.flip(image, 1),
    3: lambda image: cv2.rotate(image, cv2.ROTATE_180),
    4: lambda image: cv2.flip(image, 0),
    5: cv2.transpose,
    6: lambda image: cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE),
    7: lambda image: cv2.transpose(cv2.rotate(image, cv2.ROTATE_180)),
    8: lambda image: cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE),
}
"""What the values of the tag ask for, to see the image upright."""
_BACK = {6: 8, 8: 6}
"""What turns back, where that is not the same turn again."""
_TRANSPOSING = frozenset({5, 6, 7, 8})
_JPEG, _EXIF = b"\xff\xd8\xff", b"Exif\0\0"
_WITH_ALPHA = frozenset({"RGBA", "RGBa", "LA", "La", "PA"})
_GREY_LEVELS = {1: 255, 2: 85, 4: 17}
"""Grey levels to a step of a PNG's samples, by their bits."""
_BAND = 512
"""Rows that are laid on white at once."""


class ImageError(UserError, ValueError):
    """An image can't be decoded."""


class TooLargeError(ImageError):
    """An image is above a limit, and was not decoded."""


class PageImage:
    """A page in an image file of which only the head has been read.

    Args:
        content: The file's bytes: JPEG, PNG, TIFF, BMP or WebP.
        layout: What is labelled on it.
        number: Which page of a TIFF, from 0.

    Attributes:
        size: Width and height in pixels, as stored.
        orientation: What EXIF asks for: 1 for nothing, 2 to 8 for a turn or mirroring.
        transparent: Whether it has a way to be transparent.
        further: Whether pages follow in the file.

    Raises:
        ImageError: The file is none of these.
        TooLargeError: The image is above `MAX_PIXELS`.
        EOFError: A TIFF has fewer pages.
    """

    def __init__(self, content: bytes, layout: Layout = NOTHING_LABELLED, number: int = 0) -> None:
        if len(content) > MAX_IMAGE_BYTES:
            raise TooLargeError(f"has more than {MAX_IMAGE_BYTES // 2**20} MiB")
        self._content, self._layout, self._number = content, layout, number
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large images (MAX_PIXELS is stricter) and of odd entries in the head
            try:
                self._read_head()
            except Image.DecompressionBombError:
                raise TooLargeError(f"has more than {MAX_PIXELS:,} pixels") from None
            except (OSError, ValueError, SyntaxError, TypeError, KeyError, OverflowError, struct.error):
                raise ImageError("is no JPEG, PNG, TIFF, BMP or WebP image") from None
        width, height = self.size
        if width * height > MAX_PIXELS:
            raise TooLargeError(f"{width} x {height} pixels are more than {MAX_PIXELS:,}")

    def _read_head(self) -> None:
        self.further, self.transparent, self.orientation = False, False, UPRIGHT
        if self._content.startswith(_JPEG) and _EXIF not in self._content:  # most pages, in a tenth of Pillow's time
            height, width, _, _ = simplejpeg.decode_jpeg_header(self._content)
            self.format, self.size = "JPEG", (width, height)
            self._refuse_number()
            return
        with Image.open(BytesIO(self._content), formats=FORMATS) as image:
            self.format = "JPEG" if image.format == "MPO" else str(image.format)
            if self.format == "TIFF":
                image.seek(self._number)
                self.further = _has_page(image, self._number + 1)
                image.seek(self._number)
            else:
                self._refuse_number()
            self.transparent = image.mode in _WITH_ALPHA or "transparency" in image.info
            self._key = image.info.get("transparency") if image.mode in {"1", "L", "I;16"} else None
            self.orientation = _orientation(image, self._content)
            self.size = image.size
            if self.format == "TIFF" and self.orientation in _TRANSPOSING:  # Pillow means the upright image
                self.size = self.size[::-1]

    def _refuse_number(self) -> None:
        if self._number:
            raise EOFError

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height in pixels of what `pixels` returns."""
        return self.size[::-1] if self.turn in _TRANSPOSING else self.size

    @cached_property
    def turn(self) -> int:
        """Which orientation is followed: the image's, or 1 where the labels are about the stored pixels.

        The size that they state decides, where it fits one orientation only. Elsewhere the orientation is followed,
        unless too many boxes show no ink then, and not without it.

        Raises:
            ImageError: As `pixels`.
        """
        if self.orientation == UPRIGHT:
            return UPRIGHT
        layout = self._layout
        turned = self.size[::-1] if self.orientation in _TRANSPOSING else self.size
        stated = layout.width, layout.height
        if turned != self.size and stated in (turned, self.size):
            return self.orientation if stated == turned else UPRIGHT
        if not layout.boxes:
            return self.orientation
        stored, count = self._stored(), len(layout.boxes)
        lost = are_beside_print(count_blank(_turned(stored, self.orientation), layout.boxes), count)
        return UPRIGHT if lost and not are_beside_print(count_blank(stored, layout.boxes), count) else self.orientation

    @property
    def warnings(self) -> list[str]:
        """What is not as it should be with the image.

        Raises:
            ImageError: As `pixels`.
        """
        found = [FURTHER_PAGES] if self.further else []
        if self.orientation != UPRIGHT:
            found.append(NOT_TURNED if self.turn == UPRIGHT else TURNED)
        return found

    @property
    def changes(self) -> str:
        """What distinguishes the pixels from those that the file holds; nothing for an ordinary page.

        Raises:
            ImageError: As `pixels`.
        """
        turned = f" turned {self.turn} of {self.orientation}" if self.orientation != UPRIGHT else ""
        return turned + (" on white" if self.transparent else "")

    def pixels(self, rgb: bool = False) -> np.ndarray:
        """Decode the image.

        Args:
            rgb: Colour instead of grey.

        Returns:
            uint8 [height, width], or [height, width, 3] in OpenCV's order (blue, green, red) for `rgb`.

        Raises:
            ImageError: It is cut short or damaged.
        """
        return _turned(self._stored(rgb), self.turn)

    def _stored(self, rgb: bool = False) -> np.ndarray:
        try:
            return self._decode(rgb)
        except ImageError:
            raise
        except cv2.error as error:
            raise ImageError(f"can't be decoded: {error.err}") from None
        except (OSError, ValueError, SyntaxError, EOFError, MemoryError) as error:
            raise ImageError(f"can't be decoded; it is cut short or damaged ({error})") from None

    def _decode(self, rgb: bool) -> np.ndarray:
        if self.format == "JPEG":
            return self._decode_jpeg(rgb)
        if self.format == "TIFF":
            return self._decode_tiff(rgb)
        if self.transparent:
            image = self._with_alpha(self._decode_with_opencv(cv2.IMREAD_UNCHANGED))
            if not _is_opaque(image):
                return _on_white(image, rgb)
        return self._decode_with_opencv(cv2.IMREAD_COLOR if rgb else cv2.IMREAD_GRAYSCALE)

    def _decode_jpeg(self, rgb: bool) -> np.ndarray:
        # The pixels of OpenCV, which has the same libjpeg-turbo; but OpenCV prints warnings and goes on.
        _, _, space, _ = simplejpeg.decode_jpeg_header(self._content)
        if space in {"CMYK", "YCCK"}:
            simplejpeg.decode_jpeg(self._content, "CMYK")
            return self._decode_with_opencv(cv2.IMREAD_COLOR if rgb else cv2.IMREAD_GRAYSCALE)
        image = simplejpeg.decode_jpeg(self._content, "BGR" if rgb else "GRAY")
        return np.asarray(image if rgb else image[:, :, 0])

    def _decode_with_opencv(self, flags: int) -> np.ndarray:
        image = cv2.imdecode(np.frombuffer(self._content, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)
        if image is None:
            raise ImageError("can't be decoded; it is cut short or damaged")
        return image

    def _with_alpha(self, image: np.ndarray) -> np.ndarray:
        """Return an image with alpha, which OpenCV does not make of the grey level that stands for none."""
        key, full, bits = self._key, np.iinfo(image.dtype).max, self._content[24]
        if image.ndim == 3 or not isinstance(key, int):
            return image
        if bits in (2, 4):  # Pillow has the sample's own value, but black or white for one bit
            key *= _GREY_LEVELS[bits]
        alpha = np.where(image == key, 0, full).astype(image.dtype)
        return cv2.merge((image, image, image, alpha))

    def _decode_tiff(self, rgb: bool) -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(BytesIO(self._content), formats=("TIFF",)) as image:
                image.seek(self._number)
                pixels = _from_pillow(image, self.transparent, rgb)
        back = _BACK.get(self.orientation, self.orientation)  # Pillow turns TIFF images, and those alone
        return _turned(pixels, back)


def _turned(image: np.ndarray, turn: int) -> np.ndarray:
    return _TURNS[turn](image) if turn in _TURNS else image


def _has_page(image: Image.Image, number: int) -> bool:
    try:
        image.seek(number)
    except (EOFError, OSError, ValueError, SyntaxError):
        return False
    return True


def _orientation(image: Image.Image, content: bytes) -> int:
    """Return an image's EXIF orientation, or its TIFF tag; 1 where there is none that means anything."""
    try:
        if image.format == "TIFF":
            value = image.tag_v2.get(ORIENTATION)  # type: ignore[attr-defined]
        else:
            if image.format == "PNG" and "exif" not in image.info and b"eXIf" in content:
                image.load()  # it may stand behind the pixels
            stored = image.info.get("exif")
            exif = Image.Exif()
            exif.load(stored if isinstance(stored, bytes) else b"")
            value = exif.get(ORIENTATION)
    except Exception:  # whatever Pillow makes of broken entries; the image itself can be sound
        return UPRIGHT
    return value if isinstance(value, int) and value in _TURNS else UPRIGHT


def _from_pillow(image: Image.Image, transparent: bool, rgb: bool) -> np.ndarray:
    if image.mode.startswith("I;16"):
        grey = (np.asarray(image) >> 8).astype(np.uint8)
        return cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR) if rgb else grey
    if image.mode in {"I", "F"}:
        raise ImageError("has 32 bits a pixel, which is no picture of a page; save it with 8")
    if transparent:
        with_alpha = cv2.cvtColor(np.asarray(image.convert("RGBA")), cv2.COLOR_RGBA2BGRA)
        if not _is_opaque(with_alpha):
            return _on_white(with_alpha, rgb)
    if image.mode in {"1", "L"}:
        grey = np.asarray(image.convert("L"))
        return cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR) if rgb else grey
    return cv2.cvtColor(np.asarray(image.convert("RGB")), cv2.COLOR_RGB2BGR if rgb else cv2.COLOR_RGB2GRAY)


def _is_opaque(image: np.ndarray) -> bool:
    """Tell whether nothing shines through: alpha is full, or nothing at all, as careless programs write BMP files."""
    if image.ndim == 2 or image.shape[2] < 4:
        return True
    alpha = image[:, :, 3]
    return bool(alpha.min() == np.iinfo(image.dtype).max or not alpha.any())


def _on_white(image: np.ndarray, rgb: bool) -> np.ndarray:
    """Lay an image with alpha (uint8 or uint16 [height, width, 4]) on white paper."""
    height, width = image.shape[:2]
    laid = np.empty((height, width, 3) if rgb else (height, width), np.uint8)
    for top in range(0, height, _BAND):
        band = image[top : top + _BAND]
        if band.dtype == np.uint16:
            band = (band >> 8).astype(np.uint8)
        alpha = cv2.cvtColor(band[:, :, 3], cv2.COLOR_GRAY2BGR)
        colour = cv2.multiply(band[:, :, :3], alpha, scale=1 / 255) + (255 - alpha)
        laid[top : top + _BAND] = colour if rgb else cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY)
    return laid


def is_plain_png(content: bytes) -> bool:
    """Tell whether a PNG is grey or in colour and has nothing in front of its pixels that says more about them."""
    return content[25:26] in (b"\0", b"\2") and content[37:41] == b"IDAT"


def decode_image(content: bytes, rgb: bool = False) -> np.ndarray:
    """Decode an image file's bytes, upright as its EXIF orientation says; see `PageImage`.

    Returns:
        uint8 [height, width], or [height, width, 3] in OpenCV's order (blue, green, red) for `rgb`.

    Raises:
        ImageError: It is no whole image of a format that is read, or one above `MAX_PIXELS`.
    """
    return PageImage(content).pixels(rgb)


def decode_page(content: bytes, layout: Layout, rgb: bool = False) -> tuple[np.ndarray, list[str]]:
    """Decode a labelled page's image as its labels see it.

    Args:
        content: The file's bytes.
        layout: What is labelled on it.
        rgb: Colour instead of grey.

    Returns:
        The pixels as `decode_image` returns them, and what is not as it should be (`PageImage.warnings`).

    Raises:
        ImageError: As `decode_image`.
    """
    image = PageImage(content, layout)
    return image.pixels(rgb), image.warnings

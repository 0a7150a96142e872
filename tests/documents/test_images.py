"""Decoding pages: as EasyOCR does it, whole or not at all."""

import struct
import zlib
from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.documents.samples import page_image
from train_easyocr.documents.images import ImageError, decode_image


def colour_jpeg(**options):
    grey = page_image(5)
    stream = BytesIO()
    Image.fromarray(np.stack([grey, np.roll(grey, 9), 255 - grey], axis=2)).save(stream, "JPEG", **options)
    return stream.getvalue()


def test_grey_pages_equal_what_easyocr_reads_from_the_file(tmp_path):
    file = tmp_path / "page.jpg"
    file.write_bytes(colour_jpeg(quality=80))
    image = decode_image(file.read_bytes())
    assert image.shape == (180, 240) and image.dtype == np.uint8
    np.testing.assert_array_equal(image, cv2.imread(str(file), cv2.IMREAD_GRAYSCALE))


def test_colour_pages_have_three_channels(tmp_path):
    file = tmp_path / "page.jpg"
    file.write_bytes(colour_jpeg())
    np.testing.assert_array_equal(decode_image(file.read_bytes(), rgb=True), cv2.imread(str(file)))


def test_an_exif_turn_is_applied_as_easyocr_applies_it(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    file = tmp_path / "page.jpg"
    file.write_bytes(colour_jpeg(exif=exif))
    image = decode_image(file.read_bytes())
    assert image.shape == (240, 180)
    np.testing.assert_array_equal(image, cv2.imread(str(file), cv2.IMREAD_GRAYSCALE))


@pytest.mark.parametrize("kept", [0, 3, 100, 0.5, -2])
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_cut_images_are_refused(suffix, kept):
    content = cv2.imencode(suffix, page_image(5))[1].tobytes()
    decode_image(content)
    end = int(len(content) * kept) if isinstance(kept, float) else kept
    with pytest.raises(ImageError):
        decode_image(content[:end])


@pytest.mark.parametrize("content", [b"", "한글 문서".encode(), b"BM" + bytes(200), b"\xff\xd8\xff" + bytes(50)])
def test_what_is_no_image_is_refused(content):
    with pytest.raises(ImageError, match="no JPEG or PNG"):
        decode_image(content)


@pytest.mark.parametrize("side", [9_000, 60_000])
def test_an_image_that_claims_too_many_pixels_is_never_decoded(side):
    def chunk(kind, content):
        return struct.pack(">L", len(content)) + kind + content + struct.pack(">L", zlib.crc32(kind + content))

    header = struct.pack(">LLBBBBB", side, side, 8, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100)))
    with pytest.raises(ImageError, match="pixels"):
        decode_image(bomb + chunk(b"IEND", b""))

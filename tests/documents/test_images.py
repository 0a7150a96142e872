"""Decoding pages: as EasyOCR does it, upright and on white, whole or not at all."""

import struct
import zlib
from io import BytesIO

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.documents.samples import page_image
from train_easyocr.documents import Box, Layout
from train_easyocr.documents.images import (
    FURTHER_PAGES,
    MAX_PIXELS,
    NOT_TURNED,
    TURNED,
    ImageError,
    PageImage,
    decode_image,
    decode_page,
)

pytestmark = pytest.mark.slow

FORMATS = ["JPEG", "PNG", "TIFF", "BMP", "WEBP"]
TURNS = {
    2: np.fliplr,
    3: lambda image: np.rot90(image, 2),
    4: np.flipud,
    5: lambda image: image.swapaxes(0, 1),
    6: lambda image: np.rot90(image, -1),
    7: lambda image: np.rot90(image, 2).swapaxes(0, 1),
    8: np.rot90,
}
"""What EXIF 2.32 (4.6.4, Orientation) says of the stored rows and columns, as NumPy has it."""


def colour_page(seed=5):
    grey = page_image(seed)
    return np.stack([grey, np.roll(grey, 9), 255 - grey], axis=2)


def encoded(image, form, mode=None, **options):
    stream = BytesIO()
    picture = Image.fromarray(image)
    (picture.convert(mode) if mode else picture).save(stream, form, **options)
    return stream.getvalue()


def colour_jpeg(**options):
    return encoded(colour_page(), "JPEG", **options)


def with_turn(image, form, orientation):
    if form == "TIFF":
        return encoded(image, form, tiffinfo={0x0112: orientation})
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(image, form, exif=exif, **({"lossless": True} if form == "WEBP" else {}))


def decoded_by_opencv(content, flags):
    return cv2.imdecode(np.frombuffer(content, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)


@pytest.mark.parametrize(
    "options",
    [{"quality": 80}, {"subsampling": 0}, {"subsampling": 1}, {"progressive": True}, {"keep_rgb": True}],
)
def test_jpeg_pages_equal_what_easyocr_reads(options):
    content = colour_jpeg(**options)
    image = decode_image(content)
    assert image.shape == (180, 240) and image.dtype == np.uint8
    np.testing.assert_array_equal(image, decoded_by_opencv(content, cv2.IMREAD_GRAYSCALE))
    np.testing.assert_array_equal(decode_image(content, rgb=True), decoded_by_opencv(content, cv2.IMREAD_COLOR))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK", "1", "P"])
def test_all_formats_and_kinds_of_pixels_equal_what_easyocr_reads(form, mode):
    if mode in {"JPEG": "1 P", "PNG": "CMYK", "BMP": "CMYK", "WEBP": "CMYK 1 P"}.get(form, ""):
        pytest.skip("there are none")
    content = encoded(colour_page(), form, mode)
    grey, colour = decode_image(content), decode_image(content, rgb=True)
    expected = decoded_by_opencv(content, cv2.IMREAD_GRAYSCALE)
    rounding = form == "TIFF" and mode in {"RGB", "CMYK"}
    np.testing.assert_allclose(grey.astype(int), expected, rtol=0, atol=1 if rounding else 0)
    np.testing.assert_array_equal(colour, decoded_by_opencv(content, cv2.IMREAD_COLOR))


@pytest.mark.parametrize("compression", ["group4", "packbits", "tiff_lzw", "tiff_deflate"])
def test_scanners_bilevel_tiffs_are_read(compression):
    black = page_image(3) < 128
    content = encoded(~black, "TIFF", compression=compression)
    np.testing.assert_array_equal(decode_image(content), np.where(black, 0, 255))


def test_phones_jpegs_of_several_pictures_are_read():
    stream = BytesIO()
    first, second = (Image.fromarray(page_image(seed)) for seed in (1, 2))
    first.save(stream, "MPO", save_all=True, append_images=[second])
    np.testing.assert_array_equal(
        decode_image(stream.getvalue()), decoded_by_opencv(stream.getvalue(), cv2.IMREAD_GRAYSCALE)
    )


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
@pytest.mark.parametrize("rgb", [False, True])
def test_sixteen_bits_lose_their_lower_eight(form, rgb):
    deep = page_image(4).astype(np.uint16) * 256 + 99
    image = decode_image(encoded(deep, form), rgb)
    np.testing.assert_array_equal(image, np.dstack([page_image(4)] * 3) if rgb else page_image(4))


def test_measurements_are_no_pages():
    with pytest.raises(ImageError, match="32 bits a pixel"):
        decode_image(encoded(page_image(4).astype(np.float32), "TIFF"))


# Orientation.


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("rgb", [False, True])
def test_each_orientation_is_followed_in_grey_and_in_colour(form, orientation, rgb):
    content = with_turn(colour_page(), form, orientation)
    stored = decode_image(with_turn(colour_page(), form, 1), rgb)
    upright = TURNS[orientation](stored) if orientation > 1 else stored
    np.testing.assert_array_equal(decode_image(content, rgb), upright)
    assert PageImage(content).warnings == ([TURNED] if orientation > 1 else [])
    if form == "JPEG":  # which is what EasyOCR's grey image is
        flags = cv2.IMREAD_COLOR if rgb else cv2.IMREAD_GRAYSCALE
        np.testing.assert_array_equal(upright, cv2.imdecode(np.frombuffer(content, np.uint8), flags))


def test_an_orientation_behind_a_pngs_pixels_is_followed():
    content = with_turn(page_image(5), "PNG", 6)
    at, pixels = content.index(b"eXIf") - 4, content.index(b"IDAT") - 4
    moved = content[:at] + content[pixels:-12] + content[at:pixels] + content[-12:]
    np.testing.assert_array_equal(decode_image(moved), TURNS[6](page_image(5)))


@pytest.mark.parametrize("value", [0, 9, 300])
def test_orientations_that_mean_nothing_are_none(value):
    content = with_turn(page_image(5), "PNG", value)
    np.testing.assert_array_equal(decode_image(content), page_image(5))
    assert not PageImage(content).warnings


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
@pytest.mark.parametrize("rgb", [False, True])
def test_the_size_that_the_labels_state_decides(orientation, rgb):
    content = with_turn(colour_page(), "PNG", orientation)
    stored = decode_image(encoded(colour_page(), "PNG"), rgb)
    image, warnings = decode_page(content, Layout(240, 180), rgb)
    np.testing.assert_array_equal(image, stored)
    assert warnings == [NOT_TURNED]
    image, warnings = decode_page(content, Layout(180, 240), rgb)
    np.testing.assert_array_equal(image, TURNS[orientation](stored))
    assert warnings == [TURNED]


def printed(width, height):
    """A white page with a few black words in its upper part, right of its diagonal, and their boxes."""
    page = np.full((height, width), 255, np.uint8)
    boxes = tuple(Box(x, y, x + 60, y + 20) for x in (110, 180) for y in (20, 50, 80))
    for box in boxes:
        page[box.ymin + 5 : box.ymax - 5, box.xmin + 5 : box.xmax - 5] = 0
    return page, boxes


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize(("size", "states"), [((600, 500), False), ((500, 500), True), ((500, 500), False)])
def test_where_no_size_tells_the_ink_in_the_boxes_does(orientation, size, states):
    upright, boxes = printed(*size)
    layout = Layout(*(size if states else (0, 0)), boxes)
    stale = with_turn(upright, "PNG", orientation)
    image, warnings = decode_page(stale, layout)
    np.testing.assert_array_equal(image, upright)
    assert warnings == [NOT_TURNED]
    lying = np.ascontiguousarray(TURNS[{6: 8, 8: 6}.get(orientation, orientation)](upright))
    image, warnings = decode_page(with_turn(lying, "PNG", orientation), layout)
    np.testing.assert_array_equal(image, upright)
    assert warnings == [TURNED]


@pytest.mark.parametrize("orientation", [2, 3, 4])
def test_a_size_that_fits_both_ways_leaves_it_to_the_ink(orientation):
    upright, boxes = printed(500, 400)
    image, warnings = decode_page(with_turn(upright, "PNG", orientation), Layout(500, 400, boxes))
    np.testing.assert_array_equal(image, upright)
    assert warnings == [NOT_TURNED]


@pytest.mark.parametrize("boxes", [(), (Box(10, 10, 60, 60),)])
def test_where_nothing_tells_the_orientation_is_followed(boxes):
    content = with_turn(page_image(5), "PNG", 3)  # ink everywhere
    image, warnings = decode_page(content, Layout(240, 180, boxes))
    np.testing.assert_array_equal(image, TURNS[3](page_image(5)))
    assert warnings == [TURNED]


def test_what_distinguishes_the_pixels_from_the_files():
    content = with_turn(page_image(5), "PNG", 6)
    plain = PageImage(encoded(page_image(5), "PNG")).changes
    assert plain == "" and PageImage(content, Layout(240, 180)).changes != PageImage(content).changes != plain


# Transparency.


def chunk(kind, content):
    return struct.pack(">L", len(content)) + kind + content + struct.pack(">L", zlib.crc32(kind + content))


def png(samples, kind, depth, *chunks):
    """Write a PNG of integer samples [h, w, channels]: one of the kinds that no library writes."""
    height, width = samples.shape[:2]
    rows = samples.reshape(height, -1).astype(">u2" if depth == 16 else np.uint8)
    if depth < 8:
        rows = np.packbits(np.unpackbits(rows[..., None], axis=-1)[..., 8 - depth :].reshape(height, -1), axis=1)
    head = chunk(b"IHDR", struct.pack(">LLBBBBB", width, height, depth, kind, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows)))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunk(*c) for c in chunks) + pixels + chunk(b"IEND", b"")


def shorts(*values):
    return struct.pack(f">{len(values)}H", *values)


PAPER = (page_image(8) > 128).astype(int)
"""1 where paper shines through, 0 where there is print."""
PRINT, PALETTE = (10, 20, 30), bytes([0, 0, 0, 10, 20, 30])


def layers(paper, printed, alpha):
    """Print in some colour, and black where nothing is printed, with the alpha that says so."""
    ink = 1 - paper
    return np.stack([*(ink * value for value in printed), ink * alpha], axis=-1)


TRANSPARENT = {
    "grey and alpha": (png(layers(PAPER, (10,), 255), 4, 8), (10, 10, 10)),
    "grey and alpha, 16 bits": (png(layers(PAPER, (10 * 257,), 65535), 4, 16), (10, 10, 10)),
    "colour and alpha": (png(layers(PAPER, PRINT, 255), 6, 8), PRINT),
    "colour and alpha, 16 bits": (png(layers(PAPER, [v * 257 for v in PRINT], 65535), 6, 16), PRINT),
    "a level that is none": (png((1 - PAPER) * 10, 0, 8, (b"tRNS", shorts(0))), (10, 10, 10)),
    "a level of 16": (png(15 - 15 * PAPER, 0, 4, (b"tRNS", shorts(0))), (255, 255, 255)),
    "level 5 of 16": (png(5 * PAPER, 0, 4, (b"tRNS", shorts(5))), (0, 0, 0)),
    "level 2 of 4": (png(2 * PAPER, 0, 2, (b"tRNS", shorts(2))), (0, 0, 0)),
    "one bit, black is none": (png(1 - PAPER, 0, 1, (b"tRNS", shorts(0))), (255, 255, 255)),
    "one bit, white is none": (png(PAPER, 0, 1, (b"tRNS", shorts(1))), (0, 0, 0)),
    "a level of 65,536": (png(PAPER * 0x0102 + (1 - PAPER) * 0x0A0B, 0, 16, (b"tRNS", shorts(0x0102))), (10, 10, 10)),
    "a colour that is none": (png(layers(PAPER, PRINT, 0)[..., :3], 2, 8, (b"tRNS", shorts(0, 0, 0))), PRINT),
    "a colour of 16 bits": (
        png(layers(PAPER, [v * 257 for v in PRINT], 0)[..., :3], 2, 16, (b"tRNS", shorts(0, 0, 0))),
        PRINT,
    ),
    "palette": (png(1 - PAPER, 3, 8, (b"PLTE", PALETTE), (b"tRNS", b"\0")), PRINT),
    "palette of two": (png(1 - PAPER, 3, 1, (b"PLTE", PALETTE), (b"tRNS", b"\0")), PRINT),
    "TIFF": (encoded(layers(PAPER, PRINT, 255).astype(np.uint8), "TIFF"), PRINT),
    "WebP": (encoded(layers(PAPER, PRINT, 255).astype(np.uint8), "WEBP", lossless=True, exact=True), PRINT),
    "BMP": (cv2.imencode(".bmp", layers(PAPER, PRINT[::-1], 255).astype(np.uint8))[1].tobytes(), PRINT),
}


@pytest.mark.parametrize("form", TRANSPARENT)
def test_transparent_pages_lie_on_white(form):
    content, ink = TRANSPARENT[form]
    expected = np.where(PAPER[..., None] == 1, 255, np.array(ink[::-1], np.uint8)).astype(np.uint8)
    np.testing.assert_array_equal(decode_image(content, rgb=True), expected)
    np.testing.assert_array_equal(decode_image(content), cv2.cvtColor(expected, cv2.COLOR_BGR2GRAY))


def test_half_transparent_print_is_half_as_dark():
    content = png(layers(PAPER, (0, 0, 0), 128), 6, 8)
    np.testing.assert_array_equal(decode_image(content), np.where(PAPER == 1, 255, 127))


def test_black_print_on_a_transparent_ground_has_contrast():
    content = png(layers(PAPER, (0, 0, 0), 255), 6, 8)
    np.testing.assert_array_equal(decode_image(content), np.where(PAPER == 1, 255, 0))


@pytest.mark.parametrize("alpha", [0, 255])
@pytest.mark.parametrize("rgb", [False, True])
def test_alpha_without_any_meaning_changes_nothing(alpha, rgb):
    image = np.dstack([colour_page(), np.full((180, 240), alpha, np.uint8)])
    expected = decode_image(encoded(colour_page(), "PNG"), rgb)
    np.testing.assert_array_equal(decode_image(encoded(image, "PNG"), rgb), expected)
    bitmap = cv2.imencode(".bmp", image[..., [2, 1, 0, 3]])[1].tobytes()
    flags = cv2.IMREAD_COLOR if rgb else cv2.IMREAD_GRAYSCALE
    np.testing.assert_array_equal(decode_image(bitmap, rgb), decoded_by_opencv(bitmap, flags))


# Damage and bounds.


@pytest.mark.parametrize("kept", [0, 3, 100, 0.5, -2])
@pytest.mark.parametrize("form", FORMATS)
def test_cut_images_are_refused(form, kept):
    content = encoded(page_image(5), form)
    decode_image(content)
    end = int(len(content) * kept) if isinstance(kept, float) else kept
    with pytest.raises(ImageError):
        decode_image(content[:end])


def test_bytes_too_many_in_a_jpeg_are_damage():
    content = encoded(page_image(5), "JPEG")
    with pytest.raises(ImageError, match="extraneous bytes"):
        decode_image(content[:-2] + bytes(range(1, 60)) + content[-2:])


@pytest.mark.parametrize("kind", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
def test_what_libjpeg_only_warns_of_is_damage(kind, progressive):
    content = encoded(np.tile(colour_page(), (4, 4, 1)), "JPEG", kind, progressive=progressive)
    middle = content.index(b"\xff\xda") + len(content) // 2
    for broken in (content[:middle] + content[middle + 400 :], content[:middle] + b"\xff\xd9"):
        assert cv2.imdecode(np.frombuffer(broken, np.uint8), cv2.IMREAD_GRAYSCALE) is not None
        with pytest.raises(ImageError, match="Corrupt JPEG data"):
            decode_image(broken)


def test_bytes_behind_a_jpegs_end_are_none_of_its_pixels():
    content = encoded(page_image(5), "JPEG")
    np.testing.assert_array_equal(decode_image(content + bytes(100)), decode_image(content))


@pytest.mark.parametrize(("form", "options"), [("PNG", {}), ("TIFF", {"compression": "tiff_lzw"})])
def test_changed_bytes_are_damage_where_the_format_can_tell(form, options):
    content = encoded(colour_page(), form, **options)
    middle = len(content) // 2
    with pytest.raises(ImageError, match="damaged"):
        decode_image(content[:middle] + bytes(200) + content[middle + 200 :])


WHOLE = {form: encoded(page_image(5), form) for form in FORMATS}


@pytest.mark.filterwarnings("error")
@settings(deadline=None)  # a head that states 100 million pixels makes a decoder work for seconds
@given(st.sampled_from(FORMATS), st.data())
def test_no_bytes_end_in_another_error(form, data):
    content = bytearray(WHOLE[form])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, min(400, len(content)) - 1))] = data.draw(st.integers(0, 255))
    try:
        image = decode_image(bytes(content), data.draw(st.booleans()))
    except ImageError:
        return
    assert image.dtype == np.uint8 and image.shape[0] * image.shape[1] <= MAX_PIXELS


@pytest.mark.parametrize("content", [b"", "한글 문서".encode(), b"BM" + bytes(200), b"\xff\xd8\xff" + bytes(50)])
def test_what_is_no_image_is_refused(content):
    with pytest.raises(ImageError, match="no JPEG, PNG, TIFF, BMP or WebP"):
        decode_image(content)


@pytest.mark.parametrize("side", [9_000, 60_000])
def test_an_image_that_claims_too_many_pixels_is_never_decoded(side):
    header = struct.pack(">LLBBBBB", side, side, 8, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100)))
    with pytest.raises(ImageError, match="pixels"):
        decode_image(bomb + chunk(b"IEND", b""))


def test_tiff_and_bmp_bombs_are_never_decoded():
    tiff = encoded(np.zeros((9_000, 9_000), bool), "TIFF", compression="group4")
    assert len(tiff) < 2**20
    bitmap = bytearray(encoded(page_image(1), "BMP"))
    struct.pack_into("<ll", bitmap, 18, 9_000, 9_000)
    for bomb in (tiff, bytes(bitmap)):
        with pytest.raises(ImageError, match="pixels"):
            decode_image(bomb)


# Several pages.


def test_the_pages_of_a_tiff():
    pages = [Image.fromarray(page_image(seed, width=240 + 6 * seed)) for seed in range(3)]
    stream = BytesIO()
    pages[0].save(stream, "TIFF", save_all=True, append_images=pages[1:])
    content = stream.getvalue()
    for number, page in enumerate(pages):
        image = PageImage(content, number=number)
        np.testing.assert_array_equal(image.pixels(), np.asarray(page))
        assert image.further == (number < 2)
    with pytest.raises(EOFError):
        PageImage(content, number=3)
    image, warnings = decode_page(content, Layout())
    assert image.shape == (180, 240) and warnings == [FURTHER_PAGES]

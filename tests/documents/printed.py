"""A printed page for tests of pixels and boxes that must agree: white, with a different dark mark in each box."""

from io import BytesIO

import numpy as np
from PIL import Image

from tests.documents.samples import WORDS, label
from train_easyocr.documents import Box

WIDTH, HEIGHT = 500, 400
BOXES = tuple(Box(x, y, x + 60, y + 20) for y in (20, 50, 80, 110) for x in (120, 190, 260))
STORED = {
    1: lambda image: image,
    2: np.fliplr,
    3: lambda image: np.rot90(image, 2),
    4: np.flipud,
    5: lambda image: image.swapaxes(0, 1),
    6: np.rot90,
    7: lambda image: np.rot90(image, 2).swapaxes(0, 1),
    8: lambda image: np.rot90(image, -1),
}
"""How an upright page is stored that each value of EXIF's orientation turns upright."""


def printed_page(width=WIDTH, height=HEIGHT, boxes=BOXES):
    """Grey; each mark leaves five pixels of its box free on all sides."""
    page = np.full((height, width), 255, np.uint8)
    for number, box in enumerate(boxes):
        page[box.ymin + 5 : box.ymax - 5, box.xmin + 5 : box.xmax - 5 - number] = 10 * number
    return page


def label_of(boxes=BOXES, width=WIDTH, height=HEIGHT):
    """The bytes of AI-Hub's label file; a size of 0 states none."""
    words = [(WORDS[n % len(WORDS)], [b.xmin, b.ymin, b.width, b.height]) for n, b in enumerate(boxes)]
    return label(words, width, height)


def encode(image, form="PNG", orientation=1, **options):
    """The bytes of an image file that asks for an orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    stream = BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(
        stream, form, **({} if form == "BMP" else {"exif": exif}), **options
    )
    return stream.getvalue()

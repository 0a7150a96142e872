"""Patches as PNG files: what others decode is what was cut."""

from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image

from train_easyocr.datasets.png import encode_png


@pytest.mark.parametrize("shape", [(1, 1), (46, 130), (1, 65_534), (1, 65_535), (300, 437), (700, 500), (46, 130, 3)])
def test_opencv_and_pillow_read_the_same_pixels(shape):
    page = np.random.default_rng(3).integers(0, 256, (shape[0] + 2, shape[1] + 3, *shape[2:]), dtype=np.uint8)
    patch = page[1:-1, 2:-1]
    content = encode_png(patch)
    found = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(found, patch)
    with Image.open(BytesIO(content)) as image:
        image.load()
        assert image.mode == ("RGB" if patch.ndim == 3 else "L")
        np.testing.assert_array_equal(np.asarray(image), patch[:, :, ::-1] if patch.ndim == 3 else patch)

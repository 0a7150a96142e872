"""Small rendered pages for tests, each rendered once."""

import functools

from train_easyocr.detection.rendered import render
from train_easyocr.synthesis.fonts import FontLibrary, packaged_folder


@functools.cache
def page(number, width=900):
    return render(number, FontLibrary.find(packaged_folder()), width)

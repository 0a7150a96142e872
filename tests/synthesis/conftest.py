"""Faces for the tests: only those that come with the installed packages, the same on every machine."""

import pytest

from train_easyocr.synthesis.fonts import FontLibrary, packaged_folder


@pytest.fixture(scope="session")
def library() -> FontLibrary:
    return FontLibrary.find(packaged_folder())

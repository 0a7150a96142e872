"""Tests mirror the package. Importing it first sets what has to be set before torch is loaded."""

import train_easyocr  # noqa: F401

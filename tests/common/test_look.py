"""The look of the pages that a browser shows: text can be read on what it stands on, by day and by night."""

import re
from itertools import product
from pathlib import Path

import pytest

from train_easyocr import common

LOOK = (Path(common.__file__).parent / "look.css").read_text(encoding="utf-8")
LEAST_CONTRAST = 4.5
"""WCAG 2.2, success criterion 1.4.3."""
PAIRS = [
    *product(("ink", "faint", "accent"), ("paper", "ground", "chosen")),
    ("on-accent", "accent"), ("bad", "bad-ground"), ("bad", "paper"), ("doubt", "paper"), ("good", "paper"),
]  # fmt: skip


def schemes():
    """Return the colours of both schemes by name; dark ones that are not there are the light ones."""
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w+)", block)) for block in re.findall(r":root \{(.*?)\}", LOOK, re.DOTALL)
    )
    return {"light": light, "dark": light | dark}


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(scheme):
    colours = schemes()[scheme]
    found = {pair: contrast(*(colours[name] for name in pair)) for pair in PAIRS}
    assert {pair: round(value, 2) for pair, value in found.items() if value < LEAST_CONTRAST} == {}


def test_contrast():
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#fff") == pytest.approx(4.48, abs=0.01)

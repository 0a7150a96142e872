"""Figures and short notes by hand: in a handwriting face where there is one, else figures in strokes of our own."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from train_easyocr.synthesis.fonts import Face
from train_easyocr.synthesis.render import Print, Style, draw_text, join

STROKES: dict[str, tuple[tuple[tuple[float, float], ...], ...]] = {
    "0": (((0.5, 0), (0.1, 0.25), (0.05, 0.6), (0.4, 1), (0.85, 0.75), (0.9, 0.3), (0.45, 0)),),
    "1": (((0.5, 0), (0.47, 0.5), (0.45, 1)),),
    "2": (((0.1, 0.2), (0.45, 0), (0.9, 0.25), (0.5, 0.65), (0.05, 1), (0.95, 0.95)),),
    "3": (((0.1, 0.1), (0.6, 0), (0.9, 0.2), (0.4, 0.45), (0.95, 0.7), (0.6, 1), (0.05, 0.9)),),
    "4": (((0.6, 0), (0.3, 0.35), (0.05, 0.65), (0.5, 0.64), (0.95, 0.62)), ((0.7, 0.3), (0.68, 0.6), (0.65, 1))),
    "5": (((0.2, 0), (0.15, 0.45), (0.6, 0.4), (0.95, 0.7), (0.5, 1), (0.05, 0.9)), ((0.2, 0), (0.5, 0.02), (0.95, 0))),
    "6": (((0.75, 0), (0.25, 0.35), (0.05, 0.75), (0.45, 1), (0.9, 0.8), (0.6, 0.55), (0.1, 0.7)),),
    "7": (((0.05, 0.05), (0.5, 0.03), (0.9, 0), (0.65, 0.45), (0.4, 1)),),
    "8": (((0.8, 0.1), (0.4, 0), (0.1, 0.2), (0.5, 0.45), (0.9, 0.75), (0.5, 1), (0.1, 0.8), (0.5, 0.45), (0.9, 0.1)),),
    "9": (((0.85, 0.25), (0.45, 0), (0.1, 0.25), (0.45, 0.5), (0.85, 0.2), (0.8, 0.6), (0.7, 1)),),
    "-": (((0.1, 0.55), (0.5, 0.52), (0.9, 0.53)),),
    "/": (((0.85, 0), (0.5, 0.5), (0.15, 1)),),
    ".": (((0.35, 0.93), (0.42, 1), (0.46, 0.95)),),
}  # fmt: skip
"""The way of the pen for each character, within a square; the base line is at 1."""
ASPECT = {"1": 0.35, ".": 0.3, "-": 0.5, "/": 0.5}
"""Width in relation to the height, where it is not that of most figures."""


@dataclass(frozen=True)
class Hand:
    """Somebody's handwriting.

    Attributes:
        face: A handwriting face, None for strokes of our own, which are figures alone.
        size: Height of figures in pixels.
        pen: Thickness of our own strokes in pixels.
    """

    face: Face | None
    size: int
    pen: int

    def draws(self, text: str) -> bool:
        """Whether this hand can write `text`."""
        return self.face.draws(text) if self.face is not None else all(one in STROKES for one in text)

    def write(self, text: str, random: np.random.Generator) -> Print:
        """Write a word, never twice the same.

        Args:
            text: Not empty, without spaces; `draws(text)` holds.
            random: Draws how steady the hand is.
        """
        if self.face is not None:
            style = Style(self.face, round(self.size * 1.35))
            prints = [draw_text(one, style) for one in text]
            return join([replace(one, top=one.top + round(random.normal(0, self.size * 0.04))) for one in prints])
        slant = float(random.normal(0.05, 0.08))
        return join([self._figure(one, slant, random) for one in text], self.size * 0.12)

    def _figure(self, character: str, slant: float, random: np.random.Generator) -> Print:
        """A character in strokes."""
        height = self.size * float(random.uniform(0.9, 1.1))
        width, margin = height * ASPECT.get(character, 0.6), self.pen + round(height * 0.2)
        mask = np.zeros((round(height) + 2 * margin, round(width + abs(slant) * height) + 2 * margin), np.uint8)
        for stroke in STROKES[character]:
            points = np.array(stroke) + random.normal(0, 0.03, (len(stroke), 2))
            points = _rounded(points) * (width, height)
            points[:, 0] += slant * (height - points[:, 1])
            moved = np.round((points + margin) * 8).astype(np.int32).reshape(-1, 1, 2)
            cv2.polylines(mask, [moved], False, 255, self.pen, cv2.LINE_AA, shift=3)
        return Print(character, mask, -margin, -round(height) - margin, (0.0, width))


def _rounded(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round the corners of a stroke, as Chaikin does it; its ends stay."""
    for _ in range(3):
        quarter, rest = 0.75 * points[:-1] + 0.25 * points[1:], 0.25 * points[:-1] + 0.75 * points[1:]
        inner = np.stack([quarter, rest], axis=1).reshape(-1, 2)
        points = np.concatenate([points[:1], inner, points[-1:]])
    return points

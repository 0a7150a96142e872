"""Making pieces of pages differ: words pasted in, table lines, stamps, faint and bold print, light, focus, noise, JPEG.

What printers and scanners do is in `synthesis.defects`; here it is drawn how much of it a piece gets. All of it works
on grey pieces at reading scale and changes no box but those of pasted words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from train_easyocr.documents.images import decode_image
from train_easyocr.synthesis import defects

Grey = NDArray[np.uint8]
Boxes = NDArray[np.floating[Any]]

WORDS_TRIED = 12
"""Words that are tried to be pasted on a piece that gets any."""


@dataclass(frozen=True)
class Spoilt:
    """A piece after it was changed.

    Attributes:
        image: uint8 [H, W].
        boxes: float [n, 4], the pasted words' boxes.
    """

    image: Grey
    boxes: NDArray[np.float64]


def spoil(image: Grey, boxes: Boxes, ignored: Boxes, strength: float, random: np.random.Generator) -> Spoilt:
    """Change a piece.

    Args:
        image: uint8 [H, W].
        boxes: [n, 4], the boxes of its words in its pixels.
        ignored: [m, 4], areas where something unknown is; no word is pasted there.
        strength: Scales how often and how much things are done, 0 to 2.
        random: The sample's random numbers.
    """

    def happens(share: float) -> bool:
        return bool(random.random() < share * strength)

    image = image.copy()
    pasted = _paste_words(image, boxes, ignored, random) if happens(0.3) else np.zeros((0, 4))
    words = np.vstack([boxes, pasted])
    if happens(0.25):
        _draw_lines(image, words, random)
    if happens(0.15):
        image = _stamped(image, random)
    if happens(0.3):
        operation, most = (cv2.erode, 0.8) if random.random() < 0.5 else (cv2.dilate, 0.7)  # bolder, or fainter
        image = defects.morphed(image, operation, defects.CROSS, float(random.uniform(0.2, most)))
    if happens(0.1):
        _invert_part(image, words, random)
    image = _scanned(image, strength, random)
    if happens(0.03):
        image = 255 - image
    return Spoilt(image, pasted)


def _scanned(image: Grey, strength: float, random: np.random.Generator) -> Grey:
    """Light, contrast, resolution, focus, dirt, noise, compression."""

    def happens(share: float) -> bool:
        return bool(random.random() < share * strength)

    if happens(0.3):
        image = defects.uneven_light(image, random, float(random.uniform(0.05, 0.4)))
    if happens(0.4):
        gain = float(random.uniform(0.55, 1.2))
        image = defects.contrast(image, gain, float(random.uniform(-20, max(0.0, 255 * (1 - gain)))))
    if happens(0.05):
        image = defects.photocopy(image, random, float(random.uniform(0.55, 0.8)))
    if happens(0.1):
        image = defects.rescan(image, float(random.uniform(0.5, 0.85)))
    if happens(0.3):
        image = defects.blur(image, float(random.uniform(0.3, 1.1)))
    if happens(0.15):
        image = defects.speckle(image, random, int(random.integers(10, 200)))
    if happens(0.1):
        image = defects.streaks(image, random, int(random.integers(1, 4)))
    if happens(0.4):
        image = defects.noise(image, random, float(random.uniform(1, 12)), float(random.choice([0.0, 0.6])))
    if happens(0.3):
        _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(25, 90))])
        image = decode_image(jpeg.tobytes())
    return image


def _paste_words(image: Grey, boxes: Boxes, ignored: Boxes, random: np.random.Generator) -> NDArray[np.float64]:
    """Copy words to where nothing is, in place; return their boxes."""
    taken = np.vstack([boxes, ignored])
    pasted: list[NDArray[Any]] = []
    for which, x, y in zip(*random.random((3, WORDS_TRIED)), strict=True):
        if not len(boxes):
            break
        source = int(which * len(boxes))
        corner, size = np.floor(boxes[source][:2]), np.ceil(boxes[source][2:] - np.floor(boxes[source][:2]))
        room = np.array(image.shape[::-1]) - size
        target = np.floor(np.array([x, y]) * room)
        if (corner < 0).any() or (corner > room).any() or (room < 1).any():
            continue
        margin = max(2.0, 0.15 * float(size.min()))
        new = np.concatenate([target, target + size])
        apart = (taken[:, :2] >= new[2:] + margin).any(1) | (taken[:, 2:] <= new[:2] - margin).any(1)
        if not apart.all():
            continue
        (from_x, from_y), (to_x, to_y), (width, height) = corner.astype(int), target.astype(int), size.astype(int)
        word = image[from_y : from_y + height, from_x : from_x + width]
        place = image[to_y : to_y + height, to_x : to_x + width]
        # Ink on the paper that is there: what is darker than the word's own paper darkens the place.
        paper = max(1, int(np.percentile(word, 90)))
        place[:] = (place * np.minimum(1.0, word / paper)).astype(np.uint8)
        moved = boxes[source] + np.tile(target - corner, 2)
        taken = np.vstack([taken, moved])
        pasted.append(moved)
    return np.array(pasted, np.float64).reshape(-1, 4)


def _draw_lines(image: Grey, words: Boxes, random: np.random.Generator) -> None:
    """Draw lines of a table, in place, where they cross no word; they can come close to one."""
    height, width = image.shape
    for _ in range(int(random.integers(1, 9))):
        across = bool(random.random() < 0.6)
        length, depth = (width, height) if across else (height, width)
        start, end = np.sort(random.integers(0, length, 2))
        if random.random() < 0.4:
            start, end = 0, length
        place, thickness, shade = (int(random.integers(*b)) for b in ((0, depth), (1, 4), (0, 160)))
        along, beyond = (0, 1) if across else (1, 0)
        crossed = (words[:, beyond] < place + thickness) & (words[:, beyond + 2] > place)
        crossed &= (words[:, along] < end) & (words[:, along + 2] > start)
        if crossed.any():
            continue
        part = image[place : place + thickness, start:end] if across else image[start:end, place : place + thickness]
        np.minimum(part, shade, out=part)


def _stamped(image: Grey, random: np.random.Generator) -> Grey:
    """Press a seal on: a ring or a frame with strokes in it, through which print can be read."""
    height, width = image.shape
    radius = int(random.integers(18, 70))
    x, y = int(random.integers(0, width)), int(random.integers(0, height))
    ink = np.zeros_like(image)
    thick = int(random.integers(1, 4))
    if random.random() < 0.5:
        cv2.circle(ink, (x, y), radius, 255, thick, cv2.LINE_AA)
    else:
        cv2.rectangle(ink, (x - radius, y - radius), (x + radius, y + radius), 255, thick, cv2.LINE_AA)
    for _ in range(int(random.integers(6, 24))):
        start = np.array([x, y]) + random.uniform(-0.6, 0.6, 2) * radius
        end = start + random.choice([[1.0, 0.0], [0.0, 1.0], [0.7, 0.7]]) * random.uniform(0.1, 0.5) * radius
        cv2.line(ink, start.astype(int).tolist(), end.astype(int).tolist(), 255, thick, cv2.LINE_AA)
    strength = float(random.uniform(0.2, 0.6))
    return (image * (1 - strength * (ink / 255))).astype(np.uint8)


def _invert_part(image: Grey, words: Boxes, random: np.random.Generator) -> None:
    """Print a word and what is around it white on black, in place, as heads of tables are."""
    draws = random.random(3)
    if not len(words):
        return
    box = words[int(draws[0] * len(words))]
    margin = (box[3] - box[1]) * np.array([0.4 + 6 * draws[1], 0.2 + 0.6 * draws[2]])
    left, top = np.maximum(box[:2] - margin, 0).astype(int)
    right, bottom = np.maximum(box[2:] + margin, 0).astype(int)
    part = image[top:bottom, left:right]
    np.subtract(255, part, out=part)

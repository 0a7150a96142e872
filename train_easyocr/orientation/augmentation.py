"""The published augmentation of direction classifiers: PaddleOCR's BaseDataAugmentation, then RandAugment.

Each part of the former is done to one half of the words. Nothing of it turns a word round or mirrors it. What is done
to a word follows from its random generator alone.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torchvision import transforms

Pixels = NDArray[np.uint8]
Random = np.random.Generator

OPERATIONS, MAGNITUDE = 2, 9
"""Of RandAugment (Cubuk et al., arXiv 1909.13719): how many of its operations, and how strong, of 31."""
LEAST = 10
"""Pixels; smaller words are not cut or bent."""


def augment(word: Pixels, random: Random) -> Pixels:
    """Return what becomes of a word, uint8 [h, w]; the size can change a little."""
    for part in PARTS:
        if random.random() < 0.5:
            word = part(word, random)
    return rand_augment(word, random)


def rand_augment(word: Pixels, random: Random) -> Pixels:
    """Do some operations of RandAugment to a word: none of them mirrors."""
    operations = transforms.RandAugment(OPERATIONS, MAGNITUDE, fill=[paper(word)])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(random.integers(2**32)))
        return np.asarray(operations(Image.fromarray(word)), np.uint8)


def colour(word: Pixels, random: Random) -> Pixels:
    """Make it darker or brighter."""
    return cv2.convertScaleAbs(word, alpha=random.uniform(0.7, 1.2)).astype(np.uint8)


def blur(word: Pixels, random: Random) -> Pixels:
    """Scan it out of focus, small words less."""
    return cv2.GaussianBlur(word, (5, 5), random.uniform(0.1, 1) * min(1, min(word.shape) / 40)).astype(np.uint8)


def jitter(word: Pixels, random: Random) -> Pixels:
    """Print it twice, a little beside itself, as PaddleOCR's `jitter` does."""
    shift = int(random.uniform(0, 0.05) * min(word.shape))
    if not shift or min(word.shape) < LEAST:
        return word
    moved = word.copy()
    moved[shift:, shift:] = np.minimum(word[shift:, shift:], word[:-shift, :-shift])
    return moved


def noise(word: Pixels, random: Random) -> Pixels:
    """Add Gaussian noise."""
    grain = random.standard_normal(word.shape, np.float32) * random.uniform(0, 12)
    return np.clip(word + grain, 0, 255).astype(np.uint8)


def cut_edge(word: Pixels, random: Random) -> Pixels:
    """Lose up to an eighth of its height above or below."""
    lost = int(random.uniform(0, 0.125) * word.shape[0])
    if not lost or min(word.shape) < LEAST:
        return word
    return word[lost:] if random.random() < 0.5 else word[:-lost]


def perspective(word: Pixels, random: Random) -> Pixels:
    """Look at it from the side: each corner comes in by up to an eighth of the height."""
    height, width = word.shape
    if min(word.shape) < LEAST:
        return word
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    moved = (corners + inwards * random.uniform(0, height / 8, (4, 2))).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(corners, moved)
    bent = cv2.warpPerspective(word, matrix, (width, height), borderMode=cv2.BORDER_CONSTANT, borderValue=paper(word))
    return bent.astype(np.uint8)


def invert(word: Pixels, random: Random) -> Pixels:
    """Make dark light."""
    return 255 - word


PARTS = (colour, blur, jitter, noise, cut_edge, perspective, invert)
"""Of BaseDataAugmentation."""


def paper(word: Pixels) -> int:
    """Return the commonest grey value of a word's edges, about."""
    return int(np.median(np.concatenate([word[0], word[-1], word[:, 0], word[:, -1]])))

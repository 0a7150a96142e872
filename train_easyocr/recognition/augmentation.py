"""Word patches as bad prints, copies and scans would have them, made anew in every epoch.

What is done to a patch follows from the seed, the epoch, the data set and the word alone: neither the number of worker
processes nor a break in the run changes it. As RandAugment does (Cubuk et al., arXiv 1909.13719), every patch gets a
few operations drawn at random, and one number says how strong they are; here they also keep the order in which print,
paper and scanner would spoil a word, and how many there are grows with the strength. A patch keeps its size and its
text: nothing is mirrored, pushed out of the picture or covered whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from train_easyocr.datasets.data import generator
from train_easyocr.datasets.images import Pixels
from train_easyocr.settings.parts import AUGMENTATION_KINDS, AugmentationSettings
from train_easyocr.synthesis import defects

Random = np.random.Generator

ALL_KINDS = frozenset(AUGMENTATION_KINDS)
AUGMENT = 4
"""Purpose of a random generator: what is done to a word in an epoch."""
TILE = 509
"""Side of the noise tiles in pixels, more than a patch is high; a prime, so that repeats line up with nothing."""
LEAST_CONTRAST = 24.0
"""Grey values between ink and paper that are left where contrast is lowered."""
LEAST_SIZE = 16
"""Pixels of a letter that low resolution leaves; below, the strokes of a full syllable run together."""


@dataclass(frozen=True)
class Augmentation:
    """The settings of augmentation, ready for use.

    Attributes:
        strength: Above 0, at most 1.
        probability: The share of patches that are changed at all.
        seed: Everything that is random comes from it.
        kinds: What may be done, of `OPERATIONS`.
        of_sets: The strength for each data set, 0 leaves its words as they are; nothing where `strength` is for all.
    """

    strength: float
    probability: float
    seed: int
    kinds: frozenset[str] = ALL_KINDS
    of_sets: tuple[float, ...] = ()

    @classmethod
    def from_config(cls, config: AugmentationSettings) -> Augmentation | None:
        """Take it from the settings; None where it is off."""
        strength, of_sets = config.augmentation_strength, config.strengths_of_sets
        if not any(of_sets or [strength]) or not config.augmentation_probability:
            return None
        return cls(strength, config.augmentation_probability, config.seed, config.kinds_of_augmentation, of_sets)

    def apply(self, patch: Pixels, epoch: int, data_set: int, index: int) -> Pixels:
        """Return what a patch becomes in an epoch.

        Args:
            patch: The word as it is; not changed.
            epoch: How often its data set has been gone through before, from 0.
            data_set: The number of its data set.
            index: Of the word in its data set.
        """
        random = generator(self.seed, AUGMENT, epoch, data_set, index)
        strength = self.of_sets[data_set] if self.of_sets else self.strength
        return augment(patch, random, strength, self.kinds) if random.random() < self.probability else patch


def augment(image: Pixels, random: Random, strength: float, kinds: frozenset[str] = ALL_KINDS) -> Pixels:
    """Spoil a word.

    Args:
        image: The word, of any size; not changed.
        random: Decides what is done and how much of it.
        strength: From 0 (nothing) to 1: at most three operations at a quarter, five at 1.
        kinds: The operations that may be drawn, by name, one at least.

    Returns:
        Another picture of the same word, of the same size.
    """
    if strength <= 0 or min(image.shape[:2]) < 4:
        return image
    operations, weights = _chosen(kinds)
    count = random.integers(1, min(2 + round(3 * strength), len(operations)), endpoint=True)
    # Drawn without replacement with these weights (Efraimidis and Spirakis, 2006).
    keys = np.log(random.random(len(operations))) / weights
    chosen = np.sort(np.argpartition(keys, -count)[-count:])
    # The strength is the highest magnitude, not the only one: most real scans are better than the worst.
    magnitudes = random.uniform(0.2 * strength, strength, count)
    for number, magnitude in zip(chosen, magnitudes, strict=True):
        image = operations[number].apply(image, random, float(magnitude))
    return image


# --- Print: `magnitude` is from 0 to 1 in all operations ---


def swell(image: Pixels, random: Random, magnitude: float) -> Pixels:
    """Let ink run: dark strokes grow by up to a fiftieth of a letter on each side."""
    return _spread(cv2.erode, image, random, 0.02 * magnitude * _size(image))


def starve(image: Pixels, random: Random, magnitude: float) -> Pixels:
    """Print with little ink: dark strokes lose about half of what `swell` adds, since hairlines must remain."""
    return _spread(cv2.dilate, image, random, min(0.8, 0.01 * magnitude * _size(image)))


def _spread(operation: Callable[[Pixels, Pixels], Pixels], image: Pixels, random: Random, radius: float) -> Pixels:
    """Erode or dilate by a radius in pixels; its fraction by mixing with the next smaller one."""
    kernel = _kernels()[int(random.integers(len(_kernels())))]
    for _ in range(int(radius)):
        image = operation(image, kernel)
    return defects.morphed(image, operation, kernel, radius - int(radius))


@cache
def _kernels() -> tuple[Pixels, ...]:
    square, cross = np.ones((3, 3), np.uint8), cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    across, down = np.ones((1, 3), np.uint8), np.ones((3, 1), np.uint8)
    return square, cross, across, down


def crumble(image: Pixels, random: Random, magnitude: float) -> Pixels:
    """Break the print: specks of ink are missing, as with a worn ribbon or a dry drum."""
    return _fleck(image, random, 0.03 + 0.14 * magnitude, _level(image, 75), 0.5 + 0.5 * magnitude)


def speckle(image: Pixels, random: Random, magnitude: float) -> Pixels:
    """Sprinkle toner, as copies of copies have it."""
    return _fleck(image, random, 0.004 + 0.03 * magnitude, _level(image, 5), 0.4 + 0.6 * random.random())


def _fleck(image: Pixels, random: Random, share: float, level: float, opacity: float) -> Pixels:
    """Mix `level` into about a `share` of the pixels, in specks of a pixel or two."""
    noise = _window(_noise(0.8), random, image)
    mask = cv2.threshold(noise, _quantile(share), 255 * opacity, cv2.THRESH_BINARY_INV)[1]
    return _mix(image, mask, level)


def rule(image: Pixels, random: Random, magnitude: float) -> Pixels:
    """Draw a line of a form or of a pen: mostly under or over the word, at times through it or along its ends."""
    height, width = image.shape[:2]
    thickness = max(1, round(_size(image) * random.uniform(0.015, 0.02 + 0.03 * magnitude)))
    kind = random.random()
    tilt = height * random.uniform(-0.04, 0.04) * magnitude
    if kind < 0.2:  # the border of a table's cell
        x = (width - 1) * float(random.random() < 0.5)
        ends = (x - tilt, 0.0), (x + tilt, height - 1.0)
    else:
        place = random.uniform(0.3, 0.7) if kind < 0.4 else random.choice((0.02, 0.93)) + random.uniform(0, 0.05)
        y = height * place
        ends = (0.0, y - tilt), (width - 1.0, y + tilt)
    mask = np.zeros((height, width), np.uint8)
    start, end = (tuple(round(4 * value) for value in point) for point in ends)
    # A line through the word is fainter than the word, so that the word stays what is read.
    opacity = random.uniform(0.25, 0.4 + 0.5 * magnitude) * (0.7 if 0.2 <= kind < 0.4 else 1.0)
    cv2.line(mask, start, end, 255 * opacity, thickness, cv2.LINE_AA, shift=2)
    return _mix(image, mask, _level(image, 3))


# --- Geometry, after "Learn to Augment" (Luo et al., CVPR 2020), which moves points along both edges of a word ---


def distort(image: Pixels, random: Random, magnitude: float) -> Pixels:
    """Move points of the upper and the lower edge, each for itself."""
    height, width = image.shape[:2]
    segments = _segments(random, width, height)
    moves = random.uniform(-1, 1, (2, segments + 1, 2)).astype(np.float32)
    moves[..., 0] *= 0.3 * magnitude * width / segments
    # Points of the edges move into the picture only, so that no part of the word leaves it.
    moves[0, :, 1] = -np.abs(moves[0, :, 1])
    moves[1, :, 1] = np.abs(moves[1, :, 1])
    moves[..., 1] *= 0.16 * magnitude * height
    moves[:, 0, 0] = -np.abs(moves[:, 0, 0])
    moves[:, -1, 0] = np.abs(moves[:, -1, 0])
    return _warp(image, moves)


def stretch(image: Pixels, random: Random, magnitude: float) -> Pixels:
    """Make some parts of a word wider and others narrower."""
    height, width = image.shape[:2]
    segments = _segments(random, width, height)
    moves = np.zeros((2, segments + 1, 2), np.float32)
    moves[:, 1:-1, 0] = 0.4 * magnitude * width / segments * random.uniform(-1, 1, segments - 1)
    return _warp(image, moves)


def perspective(image: Pixels, random: Random, magnitude: float) -> Pixels:
    """Look at the word from the side: its left end is lower than its right one, or the other way round."""
    moves = np.zeros((2, 2, 2), np.float32)
    depths = random.uniform(0, 0.3 * magnitude * image.shape[0], 2)
    end = int(random.integers(2))
    moves[0, end, 1], moves[1, end, 1] = -depths[0], depths[1]
    return _warp(image, moves)


def _segments(random: Random, width: int, height: int) -> int:
    """Return into how many parts the edges are divided: parts about as wide as a syllable or two."""
    return int(np.clip(round(width / height * random.uniform(0.7, 1.4)), 2, 8))


def _warp(image: Pixels, moves: npt.NDArray[np.float32]) -> Pixels:
    """Move an image by what its edges move.

    Args:
        image: The image.
        moves: float32 [2, n, 2], for n points spread over the upper and the lower edge: from how far to the right and
            below, in pixels, they are taken.
    """
    height, width = image.shape[:2]
    edges = cv2.resize(moves, (width, 2), interpolation=cv2.INTER_CUBIC if moves.shape[1] > 2 else cv2.INTER_LINEAR)
    fall = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    sources = edges[0] + (edges[1] - edges[0]) * fall
    sources[..., 0] += np.arange(width, dtype=np.float32)
    sources[..., 1] += np.arange(height, dtype=np.float32)[:, None]
    x, y = cv2.split(sources)
    return cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=_paper(image))


def rotate(image: Pixels, random: Random, magnitude: float) -> Pixels:
    """Turn and slant a word, made as small as keeps it inside: as an upright box around a turned word has it."""
    height, width = image.shape[:2]
    # A long word grows small when it is turned much: it loses a quarter of its height at most.
    steepest = math.radians(min(6 * magnitude, math.degrees(math.atan(height / (3 * width)))))
    angle = random.uniform(-steepest, steepest)
    slant = math.tan(math.radians(random.uniform(-9, 9) * magnitude))
    linear = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    linear = linear @ np.array([[1, slant], [0, 1]])
    extent = np.abs(linear) @ np.array([width, height])
    linear = linear * min(1, width / extent[0], height / extent[1])
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    matrix = np.column_stack([linear, middle - linear @ middle])
    return cv2.warpAffine(
        image,
        matrix,
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=_paper(image),
    )


# --- Paper, light, and what covers a word ---


def light(image: Pixels, random: Random, magnitude: float) -> Pixels:
    """Darken towards one side: the shadow of a book's back, a lamp that wears out."""
    return defects.lit(image, 255 - random.uniform(0, 150 * magnitude, (2, 2)).astype(np.float32))


def cut_out(image: Pixels, random: Random, magnitude: float) -> Pixels:
    """Cover small spots with paper or ink (DeVries and Taylor, "Cutout", 2017), none as large as a letter."""
    height, width = image.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    for _ in range(int(random.integers(1, 2 + round(width / height * magnitude), endpoint=True))):
        half = _size(image) * random.uniform(0.02, 0.04 + 0.07 * magnitude, 2) + 0.5
        x, y = random.uniform((0, 0), (width, height))
        cv2.ellipse(mask, ((x, y), (2 * half[0], 2 * half[1]), random.uniform(0, 180)), 255, -1, cv2.LINE_AA)
    return _mix(image, mask, _level(image, 70 if random.random() < 0.7 else 10))


def fade(image: Pixels, random: Random, magnitude: float) -> Pixels:
    """Bring ink and paper nearer to each other, and shift both: faint print, grey paper."""
    mean, spread = _tone(image)
    factor = max(1 - 0.75 * magnitude, min(1.0, LEAST_CONTRAST / max(1.0, spread)))
    left = spread * factor
    centre = np.clip(mean + random.uniform(-100, 40) * magnitude, min(128, 2 * left), max(128, 255 - left))
    return defects.with_levels(image, (defects.LEVELS - mean) * factor + centre)


def harden(image: Pixels, random: Random, magnitude: float) -> Pixels:
    """Copy with hard contrast, as far as black and white: strokes close or break."""
    mean, spread = _tone(image)
    threshold = mean - spread * random.uniform(0, 0.9)  # ink covers less than half of a word
    hard = 255 / (1 + np.exp(-9 / max(8.0, spread) * (defects.LEVELS - threshold)))
    return defects.with_levels(image, (1 - magnitude) * defects.LEVELS + magnitude * hard)


def bilevel(image: Pixels, random: Random, magnitude: float) -> Pixels:
    """Scan to black and white: strokes swell or get thin and break, edges are jagged."""
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    dark = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)[1]
    # Where more is dark than bright, the ground is.
    inked = dark if np.count_nonzero(dark) < dark.size / 2 else 255 - dark
    ink, paper = cv2.mean(grey, inked)[0], cv2.mean(grey, 255 - inked)[0]
    if abs(ink - paper) < LEAST_CONTRAST:
        return image
    breakage = 0.35 + random.uniform(-0.35, 0.4) * magnitude
    scan = defects.bilevel(grey, random, breakage, paper=paper, ink=ink, keep=0.5)
    return defects.like(scan, image)


def invert(image: Pixels, random: Random, magnitude: float) -> Pixels:
    """Make dark light: white letters on a dark ground."""
    return 255 - image


# --- Scanner ---


def blur(image: Pixels, random: Random, magnitude: float) -> Pixels:
    """Scan out of focus."""
    return defects.blur(image, _size(image) * (0.005 + 0.025 * magnitude))


def streak(image: Pixels, random: Random, magnitude: float) -> Pixels:
    """Move the paper while it is scanned."""
    length = 1 + _size(image) * (0.02 + 0.07 * magnitude)
    angle = random.choice((0.0, math.pi / 2)) + random.normal(0, 0.2)
    size = int(length) // 2 * 2 + 3
    kernel = np.zeros((size, size), np.float32)
    middle, reach = size // 2, (length - 1) / 2
    x, y = reach * math.cos(angle), reach * math.sin(angle)
    start, end = ((round(16 * (middle + side * x)), round(16 * (middle + side * y))) for side in (-1, 1))
    cv2.line(kernel, start, end, 1.0, 1, cv2.LINE_8, shift=4)
    return cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)


def coarsen(image: Pixels, random: Random, magnitude: float) -> Pixels:
    """Scan with few dots an inch: shrink and grow again."""
    scale = max(LEAST_SIZE / _size(image), 1 - 0.72 * magnitude)
    if scale >= 1:
        return image
    shrink = cv2.INTER_AREA if random.random() < 0.7 else cv2.INTER_LINEAR
    ways = (cv2.INTER_LINEAR, cv2.INTER_LINEAR, cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_CUBIC, cv2.INTER_NEAREST)
    return defects.rescan(image, scale, shrink=shrink, enlarge=ways[int(random.integers(len(ways)))])


def grain(image: Pixels, random: Random, magnitude: float) -> Pixels:
    """Add the sensor's noise, fine or coarse, as much as the word's contrast bears."""
    spread = _tone(image)[1]
    amount = min(1.0, spread / 45) * (0.1 + 0.9 * magnitude)
    noise = _window(_noise(0.0 if random.random() < 0.6 else 0.8), random, image)
    # Tiles have a mean of 128 and a standard deviation of 40.
    return cv2.addWeighted(image, 1.0, defects.like(noise, image), 0.6 * amount, -128 * 0.6 * amount)


def compress(image: Pixels, random: Random, magnitude: float) -> Pixels:
    """Store as a JPEG of low quality."""
    return defects.jpeg(image, round(70 - 58 * magnitude))


# --- What the operations share ---


def _size(image: Pixels) -> int:
    """Return about how large a letter is in pixels: a word's height, or the width of one written downwards."""
    return min(image.shape[:2])


def _tone(image: Pixels) -> tuple[float, float]:
    """Return mean and standard deviation over all pixels and channels."""
    mean, deviation = cv2.meanStdDev(image)
    return float(mean.mean()), float(deviation.mean())


def _level(image: Pixels, percentile: float) -> float:
    """Return a grey value of a patch that about `percentile` per cent of its pixels don't reach."""
    sample = image[::3, ::3].ravel()
    place = int(percentile / 100 * (len(sample) - 1))
    return float(np.partition(sample, place)[place])


def _paper(image: Pixels) -> tuple[float, ...]:
    """Return the colour of a patch's edges, the more frequent of paper and ink."""
    edges = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    middle = np.partition(edges, len(edges) // 2, axis=0)[len(edges) // 2]
    return tuple(float(value) for value in np.atleast_1d(middle))


def _mix(image: Pixels, mask: Pixels, level: float) -> Pixels:
    """Mix a grey value into an image, as far as `mask` (0 to 255) says."""
    share = mask.astype(np.float32) / 255
    share = share[..., None] if image.ndim == 3 else share
    return (image + share * (level - image) + 0.5).astype(np.uint8)


@cache
def _noise(sigma: float) -> Pixels:
    """Return a tile of Gaussian noise, blurred by `sigma` pixels: mean 128, standard deviation 40, the same always."""
    field: Pixels = np.random.default_rng(TILE).standard_normal((TILE, TILE)).astype(np.float32)
    if sigma:
        field = cv2.GaussianBlur(field, (0, 0), sigma)
    return np.clip(np.rint(128 + 40 * field / field.std()), 0, 255).astype(np.uint8)


@cache
def _quantile_table() -> npt.NDArray[np.float64]:
    return np.quantile(_noise(0.8), np.linspace(0, 1, 1001))


def _quantile(share: float) -> float:
    """Return the value that a `share` of the blurred tile's pixels stay below."""
    return float(np.interp(share, np.linspace(0, 1, 1001), _quantile_table()))


def _window(tile: Pixels, random: Random, image: Pixels) -> Pixels:
    """Return a random part of a tile, as large as an image, repeated where the image is larger than the tile."""
    height, width = image.shape[:2]
    x, y = (int(random.integers(max(1, TILE - size + 1))) for size in (width, height))
    part = tile[y : y + height, x : x + width]
    if part.shape == (height, width):
        return part
    repeats = (-(-height // part.shape[0]), -(-width // part.shape[1]))
    return np.ascontiguousarray(np.tile(part, repeats)[:height, :width])


@dataclass(frozen=True)
class Operation:
    """Something that spoils a word, and how often it is drawn in comparison with the others."""

    apply: Callable[[Pixels, Random, float], Pixels]
    weight: float

    @property
    def name(self) -> str:
        """What `augmentation_kinds` calls it."""
        return self.apply.__name__


OPERATIONS = (
    Operation(invert, 0.1),
    Operation(swell, 1.0),
    Operation(starve, 1.0),
    Operation(crumble, 0.6),
    Operation(rule, 1.0),
    Operation(cut_out, 0.5),
    Operation(distort, 1.0),
    Operation(stretch, 0.7),
    Operation(perspective, 0.7),
    Operation(rotate, 1.0),
    Operation(light, 0.8),
    Operation(fade, 0.8),
    Operation(blur, 1.0),
    Operation(streak, 0.6),
    Operation(coarsen, 1.2),
    Operation(grain, 1.0),
    Operation(harden, 0.6),
    Operation(bilevel, 1.0),
    Operation(speckle, 0.6),
    Operation(compress, 1.0),
)
"""In the order in which they are done: print, geometry, light, scanner, copy, file."""


@cache
def _chosen(kinds: frozenset[str]) -> tuple[list[Operation], npt.NDArray[np.float64]]:
    """Return the operations of these names, in their order, and their weights."""
    operations = [operation for operation in OPERATIONS if operation.name in kinds]
    return operations, np.array([operation.weight for operation in operations])

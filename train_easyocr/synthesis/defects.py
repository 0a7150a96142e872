"""What printers, copiers, fax machines, scanners and drawers do to a document.

Two sorts of functions: those on ink (coverage, 0 none to 255 full, before it meets paper) and those on images (grey
[h, w] or colour [h, w, 3], 8 bit). All of them take any size, so that a page and a patch of one word are spoilt alike,
rendered or in training, and return a new array. Lengths are in pixels of the array at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from train_easyocr.synthesis.layout import BLACK, Colour
from train_easyocr.synthesis.render import Mask, Points

Image: TypeAlias = NDArray[Any]
READABLE, MOST = 0.5, 0.95
"""Of its ink, what a word keeps on a scan that somebody could work with; and how many of a page's words do."""
FAINTEST = 0.25
"""Coverage of ink that can be print; headers of tables are tinted by less."""
SMALL = 0.7
"""Sheets smaller than this, with A4 at 300 dots per inch as one, are no scans of their own resolution."""
LEVELS = np.arange(256, dtype=np.float64)
CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
TILE = 1031
"""Side of the noise tile in pixels; prime, so that it does not beat with anything periodic on a page."""


# --- Ink ---


def bleed(ink: Mask, amount: float) -> Mask:
    """Let ink run into the paper: strokes grow by about `amount` pixels, 0 to 1."""
    return morphed(ink, cv2.dilate, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3)), min(1.0, amount))


def thin(ink: Mask, amount: float) -> Mask:
    """Let strokes be starved of ink: they lose up to a pixel, `amount` 0 to 1."""
    return morphed(ink, cv2.erode, CROSS, amount)


def morphed(image: Image, operation: Callable[[Image, Image], Image], kernel: Image, share: float) -> Image:
    """Mix an image with what `cv2.erode` or `cv2.dilate` makes of it, so that strokes change by parts of a pixel."""
    return cv2.addWeighted(operation(image, kernel), share, image, 1 - share, 0)


def fade(ink: Mask, random: np.random.Generator, darkest: float, faintest: float) -> Mask:
    """Print fainter in some areas than in others, between the coverages `faintest` and `darkest` (0 to 1)."""
    field = smooth_field(random, ink.shape[:2], 6, faintest * 255, darkest * 255)
    return cv2.multiply(ink, field, scale=1 / 255)


def crumble(ink: Mask, random: np.random.Generator, share: float) -> Mask:
    """Break the print: about `share` (above 0, to 0.3) of the ink goes missing in specks of a pixel or two."""
    rarest = NormalDist().inv_cdf(share)
    specks = window(noise_tile(0.9), random, ink.shape)
    return cv2.multiply(ink, np.where(specks < rarest, np.uint8(90), np.uint8(255)), scale=1 / 255)


# --- Geometry ---


@dataclass(frozen=True)
class Placement:
    """An affine map of a sheet onto the scanner's glass.

    Attributes:
        matrix: [2, 3], takes (x, y, 1) of the sheet to (x, y) of the scan; pixel centres are whole numbers.
    """

    matrix: NDArray[np.float64]

    @classmethod
    def turned(
        cls,
        width: int,
        height: int,
        degrees: float,
        *,
        shear: float = 0.0,
        scale: float = 1.0,
        shift: tuple[float, float] = (0.0, 0.0),
    ) -> Placement:
        """Turn about the sheet's middle, shear sideways, scale, then move by `shift` (x, y)."""
        angle = np.deg2rad(degrees)
        linear = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        linear = linear @ np.array([[1.0, shear], [0.0, 1.0]])
        middle = np.array([(width - 1) / 2, (height - 1) / 2])
        return cls(np.column_stack([linear, middle - linear @ middle + np.array(shift)]))

    def image(self, image: Image, background: int = 0) -> Image:
        """Move an image of the sheet; what was outside it is `background`."""
        size = (image.shape[1], image.shape[0])
        return cv2.warpAffine(image, self.matrix, size, flags=cv2.INTER_LINEAR, borderValue=(background,) * 3)

    def points(self, points: Points) -> Points:
        """Move points, [n, 2]."""
        return points @ self.matrix[:, :2].T + self.matrix[:, 2]


# --- Paper and light ---


def on_paper(
    planes: dict[Colour, Mask], shape: tuple[int, int], paper: Colour, *, colour: bool, density: float
) -> Image:
    """Print ink on paper.

    Args:
        planes: Coverage by ink colour, each [height, width].
        shape: Height and width of the sheet.
        paper: The paper's colour.
        colour: Whether the scan is in colour, else grey.
        density: How well ink covers, 0 to 1.

    Returns:
        [height, width, 3] (blue, green, red, as OpenCV has it) or [height, width].
    """
    coverage = np.arange(256) / 255 * density
    channels = []
    for channel in (2, 1, 0) if colour else (None,):
        tone = paper[channel] if channel is not None else luminance(paper)
        image: Image = np.full(shape, tone, np.uint8)
        for ink, plane in planes.items():
            value = ink[channel] if channel is not None else luminance(ink)
            image = cv2.multiply(image, with_levels(plane, 255 - coverage * (255 - value)), scale=1 / 255)
        channels.append(image)
    return cv2.merge(channels) if colour else channels[0]


def luminance(colour: Colour) -> int:
    """The grey that a colour is scanned as (ITU-R BT.601)."""
    return round(0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2])


def uneven_light(image: Image, random: np.random.Generator, strength: float) -> Image:
    """Darken some areas by up to `strength` (0 to 0.5) of the light."""
    field = smooth_field(random, image.shape[:2], int(random.integers(3, 6)), 255 * (1 - strength), 255)
    return lit(image, field)


def lit(image: Image, field: Image) -> Image:
    """Let light fall on a sheet: as much as `field` says (255: all), which is stretched over it."""
    field = cv2.resize(field, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return cv2.multiply(image, like(field, image), scale=1 / 255, dtype=cv2.CV_8U)


def fold(image: Image, random: np.random.Generator) -> Image:
    """A fold across the sheet or down it: a soft dark line with a bright edge."""
    height, width = image.shape[:2]
    across = random.random() < 0.6
    length, other = (height, width) if across else (width, height)
    place = length * random.choice([1 / 3, 1 / 2, 2 / 3]) + random.normal(0, length * 0.01)
    spread = max(1.0, other / 1200)
    distance = np.arange(length) - place
    depth = random.uniform(0.06, 0.16)
    profile = (
        1 - depth * np.exp(-((distance / (2.0 * spread)) ** 2)) - depth / 2 * np.exp(-np.abs(distance) / (22 * spread))
    )
    gain = (255 * profile).clip(0, 255).astype(np.uint8)
    field = np.repeat(gain[:, None], width, axis=1) if across else np.repeat(gain[None, :], height, axis=0)
    return lit(image, field)


def edge_shadow(image: Image, random: np.random.Generator) -> Image:
    """The shadow of the lid along one or two edges, a fiftieth of the side deep at most, or two pixels."""
    result = image.copy()
    for side in random.choice(4, size=int(random.integers(1, 3)), replace=False):
        turned = np.rot90(result, int(side))
        depth = min(turned.shape[1], max(2, int(turned.shape[1] * random.uniform(0.004, 0.02))))
        gain = np.linspace(random.uniform(0.1, 0.5), 1, depth)
        gain = gain[None, :, None] if turned.ndim == 3 else gain[None, :]
        turned[:, :depth] = (turned[:, :depth] * gain).astype(np.uint8)
    return result


def punch_holes(image: Image, random: np.random.Generator) -> Image:
    """Two holes of a paper punch at the left edge, at the distances of the standard (6 mm wide, 80 mm apart)."""
    result = image.copy()
    height, width = image.shape[:2]
    millimetre = min(height, width) / 210
    middle = height / 2 + random.normal(0, 4 * millimetre)
    x = (9 + random.uniform(-2, 1.5)) * millimetre
    shade = int(random.choice([25, 60, 245]))
    for y in (middle - 40 * millimetre, middle + 40 * millimetre):
        centre = (round(x), round(y))
        cv2.circle(result, centre, round(3 * millimetre), (shade,) * 3, -1, cv2.LINE_AA)
        cv2.circle(result, centre, round(3 * millimetre), (90,) * 3, max(1, round(0.25 * millimetre)), cv2.LINE_AA)
    return result


# --- Copier and scanner ---


def speckle(image: Image, random: np.random.Generator, count: int) -> Image:
    """Dirt: `count` dark specks of one to four pixels."""
    result = image.copy()
    height, width = image.shape[:2]
    places = random.integers(0, (width, height), (count, 2))
    sizes, shades = random.choice([1, 1, 1, 2, 2, 3], count), random.integers(30, 150, count)
    for (x, y), size, shade in zip(places.tolist(), sizes.tolist(), shades.tolist(), strict=True):
        result[y : y + size, x : x + size] = shade
    return result


def streaks(image: Image, random: np.random.Generator, count: int) -> Image:
    """Vertical lines as a dirty copier drum draws them, some dark, some bright, faint enough to read through."""
    width = image.shape[1]
    gain = np.zeros(width, np.int16)
    for _ in range(count):
        x, thickness = int(random.integers(0, width)), int(random.integers(1, 4))
        gain[x : x + thickness] += int(random.choice([-60, -40, -25, 25]))
    field = np.repeat(gain[None, :], image.shape[0], axis=0)
    return cv2.add(image, like(field, image), dtype=cv2.CV_8U)


def noise(image: Image, random: np.random.Generator, deviation: float, grain: float = 0.0) -> Image:
    """Add grey noise with a standard deviation of `deviation` levels, blurred over `grain` pixels."""
    field = np.rint(window(noise_tile(grain), random, image.shape[:2]) * np.float32(deviation)).astype(np.int16)
    return cv2.add(image, like(field, image), dtype=cv2.CV_8U)


def blur(image: Image, radius: float) -> Image:
    """Lose focus by `radius` pixels (standard deviation), above 0."""
    return cv2.GaussianBlur(image, (0, 0), radius)


def rescan(
    image: Image, factor: float, *, least: int = 1, shrink: int = cv2.INTER_AREA, enlarge: int = cv2.INTER_LINEAR
) -> Image:
    """Scan at `factor` (0.2 to 1) of the resolution, `least` pixels a side, and enlarge again, in OpenCV's ways."""
    height, width = image.shape[:2]
    size = (max(least, round(width * factor)), max(least, round(height * factor)))
    return cv2.resize(cv2.resize(image, size, interpolation=shrink), (width, height), interpolation=enlarge)


def photocopy(image: Image, random: np.random.Generator, share: float) -> Image:
    """Copy on a machine that knows little between black and white; the edges stay a little soft.

    Args:
        image: The sheet.
        random: Draws how soft.
        share: What is darker than this share of the paper's brightness becomes black, 0 to 1.
    """
    return copied(image, share * float(np.median(image[::8, ::8])), float(random.uniform(6, 14)))


def copied(image: Image, threshold: float, softness: float) -> Image:
    """Make what is darker than `threshold` black and the rest white, but for some `softness` levels about it."""
    return with_levels(image, 255 / (1 + np.exp(-(LEVELS - threshold) / softness)))


def bilevel(
    image: Image,
    random: np.random.Generator,
    breakage: float,
    *,
    paper: float = 255.0,
    ink: float = 0.0,
    keep: float = 0.0,
) -> Image:
    """Scan to black and white, as most offices did at 300 dots an inch: no grey is left, edges are jagged.

    Dirt goes in before (`speckle`), JPEG comes after.

    Args:
        image: Grey [h, w], dark on bright; its pixels are those of the scanner.
        random: Draws how sharp the lens is and how rough the edges come out.
        breakage: 0 for firm strokes, even a little swollen ones, up to 1 for what is left of thin ones: the coverage
            from which a pixel is black goes from a fifth to four fifths.
        paper: Grey level of the ground.
        ink: Grey level of full ink.
        keep: The share of the ink that is left at least; where more is gone, the scan is made anew with less breakage.

    Returns:
        A new image, 0 and 255 alone.
    """
    wanted = keep * image.size * abs(paper - float(image.mean())) / max(1.0, abs(paper - ink))
    scan = _threshold(image, random, breakage, paper, ink)
    while keep and breakage > 0.05 and np.count_nonzero(scan == (0 if ink < paper else 255)) < wanted:
        breakage *= 0.7
        scan = _threshold(image, random, breakage, paper, ink)
    return scan


def _threshold(image: Image, random: np.random.Generator, breakage: float, paper: float, ink: float) -> Image:
    level = 0.2 + 0.6 * breakage
    soft = cv2.GaussianBlur(image, (0, 0), float(random.uniform(0.45, 1.1)))
    # Noise of a quarter of the way to ink or paper at most: edges get rough, the ground does not fill with dirt.
    rough = float(random.uniform(0.4, 1.0)) * min(level, 1 - level) / 3.6 * abs(paper - ink)
    grain = 0.6 if random.random() < 0.6 else 1.0
    return cv2.threshold(noise(soft, random, rough, grain), paper + (ink - paper) * level, 255, cv2.THRESH_BINARY)[1]


def contrast(image: Image, gain: float, offset: float) -> Image:
    """Scale grey levels by `gain` and add `offset`."""
    return with_levels(image, LEVELS * gain + offset)


def with_levels(image: Image, values: NDArray[np.float64]) -> Image:
    """Replace each grey level by its value of 256, rounded and cut to what eight bits hold."""
    return cv2.LUT(image, np.rint(values.clip(0, 255)).astype(np.uint8))


def jpeg(image: Image, quality: int) -> Image:
    """Store as a JPEG and read again; grey stays grey."""
    encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED))


# --- Fields ---


def smooth_field(random: np.random.Generator, shape: tuple[int, int], cells: int, low: float, high: float) -> Image:
    """A random field that changes slowly, about `cells` hills a side, from `low` to `high`."""
    coarse = random.uniform(0, 1, (cells, cells)).astype(np.float32)
    coarse = low + (high - low) * (coarse - coarse.min()) / max(1e-6, float(np.ptp(coarse)))
    # Cubic at an eighth of the size, then linear: smooth, at a tenth of the time.
    height, width = shape
    middle = cv2.resize(coarse, (width // 8 + 2, height // 8 + 2), interpolation=cv2.INTER_CUBIC)
    return cv2.resize(middle.clip(0, 255).astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)


@cache
def noise_tile(grain: float) -> NDArray[Any]:
    """Normal noise of variance one, blurred over `grain` pixels; always the same, places are drawn by the users."""
    tile: NDArray[Any] = np.random.default_rng(20_210_115).standard_normal((TILE, TILE)).astype(np.float32)
    if grain > 0:
        tile = cv2.GaussianBlur(tile, (0, 0), grain, borderType=cv2.BORDER_REFLECT)
    return (tile / tile.std()).astype(np.float32)


def window(tile: NDArray[Any], random: np.random.Generator, shape: tuple[int, int]) -> NDArray[Any]:
    """Cut a piece of `shape` out of the plane that copies of `tile` cover, at a random place."""
    y, x = (int(value) for value in random.integers(0, TILE, 2))
    height, width = shape
    if y + height <= TILE and x + width <= TILE:
        return tile[y : y + height, x : x + width]
    if height * width < TILE * TILE:  # a patch of a word: less than copies of the whole tile
        rows, columns = np.arange(y, y + height) % TILE, np.arange(x, x + width) % TILE
        return tile[rows[:, None], columns]
    repeats = ((y + height) // TILE + 1, (x + width) // TILE + 1)
    return np.tile(tile, repeats)[y : y + height, x : x + width]


def like(field: NDArray[Any], image: Image) -> NDArray[Any]:
    """Repeat a [h, w] field over the channels of `image`."""
    return cv2.merge([field] * image.shape[2]) if image.ndim == 3 else field


# --- All of it ---


@dataclass(frozen=True)
class Scan:
    """A spoilt page.

    Attributes:
        image: [height, width] or [height, width, 3], 8 bit, blue first.
        placement: Where the points of the sheet came to lie.
        quality: JPEG quality to store it with, 1 to 100.
        kept: The share of the ink of each word that a scan to black and white left, [n], more than 1 where it grew.
    """

    image: Image
    placement: Placement
    quality: int
    kept: NDArray[np.float64]


def scan(
    planes: dict[Colour, Mask],
    random: np.random.Generator,
    unit: float,
    words: Sequence[Points] = (),
    *,
    black_and_white: bool = False,
) -> Scan:
    """Print, handle and scan a sheet.

    Args:
        planes: Ink by colour, each [height, width].
        random: The page's random numbers.
        unit: Pixels for one at 2,480 across.
        words: Outlines of the words on the sheet, each [n, 2].
        black_and_white: Scan as archives did it in the nineties: no grey, no colour, hardly turned.

    Returns:
        The scan, of the sheet's size.
    """
    if black_and_white:
        return archive_scan(planes, random, unit, words)
    height, width = next(iter(planes.values())).shape
    planes = {ink: spoil_ink(plane, random) for ink, plane in planes.items()}
    placement = draw_placement(random, width, height)
    planes = {ink: placement.image(plane) for ink, plane in planes.items()}
    colour = bool(random.random() < 0.55)
    paper = draw_paper(random)
    image = on_paper(planes, (height, width), paper, colour=colour, density=float(random.uniform(0.8, 1.0)))
    image = handle(image, random)
    image = digitise(image, random, unit)
    return Scan(image, placement, int(random.integers(55, 93)), np.ones(len(words)))


def archive_scan(planes: dict[Colour, Mask], random: np.random.Generator, unit: float, words: Sequence[Points]) -> Scan:
    """Scan a sheet at 300 dots per inch to black and white: see `scan`.

    Nobody files a page that can't be read: where fewer words than `MOST` keep `READABLE` of their ink, it is scanned
    anew with less breakage.
    """
    height, width = next(iter(planes.values())).shape
    if random.random() < 0.1:  # toner spreads
        amount = float(random.uniform(0.2, 0.5)) * min(1.0, unit)
        planes = {ink: bleed(plane, amount) for ink, plane in planes.items()}
    else:  # word processors' faces were lighter than today's
        amount = float(random.uniform(0.1, 0.5)) * min(1.0, unit)
        planes = {ink: thin(plane, amount) for ink, plane in planes.items()}
    placement = level_placement(random, width, height)
    planes = {ink: placement.image(plane) for ink, plane in planes.items()}
    image = on_paper(planes, (height, width), (255, 255, 255), colour=False, density=1.0)
    image = speckle(image, random, int(random.integers(5, 90)))
    bounds = np.array([[*points.min(0), *points.max(0) + 1] for points in map(placement.points, words)]).reshape(-1, 4)
    bounds = np.clip(np.rint(bounds), 0, (width, height) * 2).astype(int)
    printed = ink_within(image, bounds, luminance(BLACK))
    if small := unit < SMALL:  # a large sheet seen from afar: scanned at the full size
        image = cv2.resize(image, None, fx=1 / unit, fy=1 / unit, interpolation=cv2.INTER_LINEAR)
    # Half the scans have strokes as wide as they were printed or wider, half have them thinner, slightly broken.
    breakage = 0.1 + 0.55 * float(random.beta(1.5, 1.8))
    while True:
        thresholded = bilevel(image, random, breakage * min(1.0, unit), ink=luminance(BLACK))
        if small:
            thresholded = cv2.resize(thresholded, (width, height), interpolation=cv2.INTER_AREA)
        kept = ink_within(thresholded, bounds) / np.maximum(1.0, printed)
        if breakage < 0.05 or not len(kept) or np.mean(kept >= READABLE) >= MOST:
            return Scan(thresholded, placement, int(random.integers(80, 96)), kept)
        breakage *= 0.7


def ink_within(image: Image, bounds: NDArray[np.int_], darkest: float = 0.0) -> NDArray[np.float64]:
    """Return how many pixels of full ink the ink within some bounds would fill, [n]; tints of the ground don't count.

    Args:
        image: Grey [height, width], on white ground.
        bounds: [n, 4]: left, top, and behind the right and the bottom end.
        darkest: Grey level of full ink.
    """
    full = 255 - darkest
    dark = cv2.integral(cv2.threshold(255 - image, FAINTEST * full, 255, cv2.THRESH_TOZERO)[1]) / full
    left, top, right, bottom = bounds.T
    return dark[bottom, right] - dark[top, right] - dark[bottom, left] + dark[top, left]


def level_placement(random: np.random.Generator, width: int, height: int) -> Placement:
    """How an automatic feeder takes a sheet in: turned by less than half a degree."""
    degrees, (x, y) = float(np.clip(random.normal(0, 0.18), -0.48, 0.48)), random.normal(0, width * 0.003, 2)
    return Placement.turned(width, height, degrees, shift=(float(x), float(y)))


def draw_paper(random: np.random.Generator) -> Colour:
    """White to light grey, often yellowed, at times the pink or green of a form's copy."""
    shade, draw = int(random.integers(222, 256)), random.random()
    warmth = int(random.integers(3, 22)) if draw < 0.35 else 0
    red, green, blue = shade, shade - warmth // 3, shade - warmth
    if draw > 0.97:
        green, blue = shade - 14, shade - 12
    elif draw > 0.94:
        red, blue = shade - 16, shade - 14
    return red, green, blue


def draw_placement(random: np.random.Generator, width: int, height: int) -> Placement:
    """How a sheet lies on the glass: mostly turned by a fraction of a degree, at times straight."""
    if random.random() < 0.12:
        return Placement.turned(width, height, 0.0)
    degrees = float(np.clip(random.normal(0, 0.4), -1.3, 1.3))
    shear, scale = float(random.normal(0, 0.0012)), float(random.uniform(0.985, 1.005))
    x, y = random.normal(0, width * 0.003, 2)
    return Placement.turned(width, height, degrees, shear=shear, scale=scale, shift=(float(x), float(y)))


def spoil_ink(plane: Mask, random: np.random.Generator) -> Mask:
    """Print badly, in one of the ways in which printers do."""
    draw = random.random()
    if draw < 0.18:
        plane = bleed(plane, float(random.uniform(0.4, 1.0)))
    elif draw < 0.32:
        plane = thin(plane, float(random.uniform(0.2, 0.6)))
    elif draw < 0.62:
        darkest = float(random.uniform(0.8, 1.0))
        plane = fade(plane, random, darkest, darkest * float(random.uniform(0.6, 0.9)))
    if random.random() < 0.2:
        plane = crumble(plane, random, float(random.uniform(0.02, 0.14)))
    return plane


def handle(image: Image, random: np.random.Generator) -> Image:
    """Fold, punch and copy a sheet."""
    if random.random() < 0.15:
        image = fold(image, random)
    if random.random() < 0.18:
        image = punch_holes(image, random)
    if random.random() < 0.5:
        image = uneven_light(image, random, float(random.uniform(0.04, 0.22)))
    if random.random() < 0.25:
        image = speckle(image, random, int(random.integers(50, 700)))
    if random.random() < 0.12:
        image = streaks(image, random, int(random.integers(1, 6)))
    return image


def digitise(image: Image, random: np.random.Generator, unit: float) -> Image:
    """Scan a sheet: resolution, focus, lid, contrast, noise."""
    if random.random() < 0.15:
        image = rescan(image, float(random.uniform(0.5, 0.75)))
    if random.random() < 0.6:
        image = blur(image, float(random.uniform(0.5, 1.25)) * unit)
    if random.random() < 0.1:
        image = photocopy(noise(image, random, 8), random, float(random.uniform(0.6, 0.74)))
    elif random.random() < 0.4:
        gain = float(random.uniform(0.75, 1.15))
        image = contrast(image, gain, float(random.uniform(-10, 255 * (1 - gain) if gain < 1 else 0)))
    if random.random() < 0.12:
        image = edge_shadow(image, random)
    if random.random() < 0.8:
        grain = float(random.choice([0.0, 0.6, 1.0]))
        image = noise(image, random, float(random.uniform(1, 9)), grain)
    return image

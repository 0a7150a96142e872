"""Patches of single words as they are cut out of scanned public documents.

`WordRenderer.render(text, random)` prints a word, spoils it and cuts it out, in about half a millisecond: glyphs are
drawn once per face at `EM` pixels and kept, words are put together of them and scaled, and all defects work on the
patch alone. Lengths are pixels of the patch, shares are of the type size.
"""

from __future__ import annotations

from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from statistics import NormalDist
from typing import Any, Literal, NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from train_easyocr.common.text import VARIANTS
from train_easyocr.documents.page import Box
from train_easyocr.synthesis import defects
from train_easyocr.synthesis.fonts import Face, is_document_face
from train_easyocr.synthesis.render import INK, as_dots, stamp

Patch: TypeAlias = NDArray[Any]
Look = Literal["clean", "scanned", "bilevel", "mixed"]
PrintState = Literal["clean", "usual", "spoilt", "bilevel"]
"""What printing and scanning did to a word: hardly anything, what they always do, their worst, or black and white."""
STATES: dict[Look, tuple[tuple[PrintState, float], ...]] = {
    "clean": (("clean", 1.0),),
    "scanned": (("usual", 0.4), ("spoilt", 1.0)),
    "bilevel": (("bilevel", 1.0),),
    "mixed": (("bilevel", 0.5), ("clean", 0.625), ("usual", 0.775), ("spoilt", 1.0)),
}
"""The states of each look and their shares, summed up."""

EM = 56
"""Pixels per em of the glyphs that are kept."""
PAD = 6
"""Pixels around the box that are spoilt with it and cut off at the end, so that blur and JPEG know no edge there."""
SMALLEST, LARGEST = 12, 100
"""Type sizes, pixels per em."""
SMALLEST_BILEVEL = 18
"""Likewise, of what is scanned to black and white: below, the strokes of a full syllable run together."""
WIDE_SIGNS = frozenset("“”‘’ㆍ·「」『』")
"""Signs that many documents print as wide as a syllable, whatever the face has."""
RAISED = {"㎡": "2',", "㎥": "3"}
"""Units that old faces draw as an m with a small sign, hardly more than a tick, at its shoulder."""
KEPT = 0.5
"""The share of a word's ink that a scan to black and white leaves at least."""
DOTTED = frozenset(".,ㆍ·:;'\"‘’“”!?%")
"""Signs that consist of dots or hold some."""
POINTS = frozenset(".,ㆍ·")
"""Signs that are hardly larger than dirt in some faces, and three times as large in others."""


class Glyph(NamedTuple):
    """A sign's ink at `EM` pixels, cut to it: coverage, place from the pen position, distance to the next sign's."""

    mask: Patch
    left: int
    top: int
    advance: float


@dataclass
class Typeface:
    """A face with the glyphs that were drawn so far.

    Attributes:
        face: The face.
        signs: What it really draws.
        characters: The characters of labels that it can print: of a sign with variants (`text.VARIANTS`) one form does.
        share: How often it is drawn in relation to others.
    """

    face: Face
    signs: frozenset[str]
    characters: frozenset[str]
    share: float
    _glyphs: dict[str, Glyph] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, face: Face, characters: str, share: float) -> Typeface:
        """Find out which of `characters` a face draws.

        A face that draws one picture for three or more signs draws a box for what it lacks; those do not count.
        """
        every = np.array(sorted({ord(form) for character in characters for form in forms_of(character)}), np.uint32)
        font, pictures = face.font(24), defaultdict[tuple[tuple[int, int], bytes], list[str]](list)
        for sign in map(chr, every[np.isin(every, face.characters)].tolist()):
            mask = font.getmask(sign)
            if mask.getbbox() is not None:
                pictures[mask.size, bytes(mask)].append(sign)
        signs = frozenset(sign for alike in pictures.values() if len(alike) < 3 for sign in alike)
        return cls(face, signs, frozenset(c for c in characters if not signs.isdisjoint(forms_of(c))), share)

    def glyph(self, character: str) -> Glyph:
        """The ink of a sign."""
        glyph = self._glyphs.get(character)
        if glyph is None:
            glyph = self._glyphs[character] = draw_glyph(character, self.face)
        return glyph

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_glyphs": {}}


def draw_glyph(character: str, face: Face) -> Glyph:
    """Draw a sign of a face that has it."""
    font = face.font(EM)
    core, (left, top) = font.getmask2(character, mode="L", anchor="ls")
    mask: Patch = np.frombuffer(bytes(core), np.uint8).reshape(core.size[1], core.size[0])
    x, y, width, height = cv2.boundingRect(mask)
    ink = np.ascontiguousarray(mask[y : y + height, x : x + width])
    return Glyph(ink, left + x, top + y, font.getlength(character))


def forms_of(character: str) -> str:
    """The signs that stand for a character of a label in print: itself and what `text.VARIANTS` turns into it.

    Not so quotes, of whose variants some stand at the base line.
    """
    return character + (VARIANTS.get(character, "") if character not in "‘’“”" else "")


def typefaces(faces: Sequence[Face], characters: str) -> list[Typeface]:
    """Find out what each face draws, and share the words out.

    Families are drawn alike, but serifs more often, since that is what documents are mostly printed in; bold cuts and
    families for words alone less often.
    """
    members = Counter((face.family, face.bold) for face in faces)

    def share(face: Face) -> float:
        often = 1.7 if face.kind == "serif" else 1.0
        seldom = (0.35 if face.bold else 1.0) * (1.0 if is_document_face(face) else 0.35)
        return often * seldom / members[face.family, face.bold]

    return [Typeface.of(face, characters, share(face)) for face in faces]


@dataclass(frozen=True)
class Sides:
    """How far a box reaches beyond its word's ink, in pixels; negative where it cuts into it."""

    left: int
    top: int
    right: int
    bottom: int


class WordRenderer:
    """Prints, spoils and cuts out words.

    Args:
        faces: Faces to print with, from `typefaces`.
        look: `clean` is print as a good printer and scanner leave it, `scanned` is the usual grey scan or one spoilt in
            many ways, `bilevel` is black and white as AI-Hub's pages are, from firm to broken strokes. Half of `mixed`
            is bilevel; of the rest three of four are scanned.
    """

    def __init__(self, faces: Sequence[Typeface], look: Look = "mixed") -> None:
        self.faces = list(faces)
        self._states = STATES[look]
        self._bounds = list(accumulate(face.share for face in self.faces))
        # What was scanned to black and white is older, and word processors printed nearly everything in Myeongjo then.
        serifs = (face.share * (3.0 if face.face.kind == "serif" else 1.0) for face in self.faces)
        self._bilevel_bounds = list(accumulate(serifs))

    def drawable(self, characters: str) -> str:
        """The characters that at least one face draws, in their order."""
        known = frozenset[str]().union(*(face.characters for face in self.faces))
        return "".join(character for character in characters if character in known or character == " ")

    def render(self, text: str, random: np.random.Generator) -> Patch:
        """Print a text and cut it out.

        Returns:
            The patch, uint8 [height, width], grey.

        Raises:
            ValueError: No face draws all of the text.
        """
        plane, word, state, typeface, size = self._set(text, random)
        if random.random() < 0.4:
            print_neighbours(plane, word, typeface, size, random)
        if state == "bilevel":
            patch = black_and_white(plane, word, size, random, points=not DOTTED.isdisjoint(text))
            return np.ascontiguousarray(patch[PAD:-PAD, PAD:-PAD])
        if random.random() < (0.25 if state == "spoilt" else 0.1):
            rules(plane, word, size, random)
        if state == "spoilt":
            plane = spoil_patch(plane, size, random)
        patch = patch_on_paper(plane, state, random)
        patch = DIGITISE[state](patch, size, random)
        return np.ascontiguousarray(patch[PAD:-PAD, PAD:-PAD])

    def _set(self, text: str, random: np.random.Generator) -> tuple[Patch, Box, PrintState, Typeface, int]:
        draw = random.random()
        state = next(state for state, bound in self._states if draw < bound)
        typeface = self.choose(text, random, state)
        size = draw_size(random)
        if state == "bilevel":
            size = max(SMALLEST_BILEVEL, size)
        ink = print_word(text, typeface, size, random, varied=state == "spoilt" or random.random() < 0.3)
        return *set_out(ink, size, random), state, typeface, size

    def choose(self, text: str, random: np.random.Generator, state: PrintState = "usual") -> Typeface:
        """Draw a face that draws all of the text."""
        letters = set(text)
        letters.discard(" ")
        bounds = self._bilevel_bounds if state == "bilevel" else self._bounds
        for _ in range(8):
            typeface = self.faces[bisect(bounds, random.random() * bounds[-1])]
            if letters <= typeface.characters:
                return typeface
        fitting = [typeface for typeface in self.faces if letters <= typeface.characters]
        if not fitting:
            raise ValueError(f"no face draws all of {text!r}")
        return fitting[int(random.integers(len(fitting)))]


def draw_size(random: np.random.Generator) -> int:
    """A type size: most words of a page scanned at 300 dots an inch have 35 to 50 pixels, some are far off."""
    draw = random.random()
    if draw < 0.55:
        return int(random.integers(32, 54))
    if draw < 0.83:
        return int(random.integers(18, 40))
    if draw < 0.92:
        return int(random.integers(SMALLEST, 20))
    return int(random.integers(50, LARGEST + 1))


# --- Print ---


def print_word(text: str, typeface: Typeface, size: int, random: np.random.Generator, *, varied: bool) -> Patch:
    """The ink of a word: set, made bolder or lighter, condensed or stretched, slanted or turned a little.

    Args:
        text: Not a space alone.
        typeface: Draws all of it.
        size: Pixels per em.
        random: The word's random numbers.
        varied: False keeps to what running text looks like: no strong changes of width, weight or slant.
    """
    spacing = 0.0
    if not varied:
        # Word processors of the nineties set syllables a tenth of an em apart, later ones close.
        spacing = EM * random.uniform(-0.08, 0.14) if random.random() < 0.5 else 0.0
    elif random.random() < 0.45:
        spacing = EM * (random.uniform(-0.10, 0.06) if random.random() < 0.85 else random.uniform(0.06, 0.8))
    space = float(random.uniform(0.18, 0.5))
    wide = 0.0 if random.random() < 0.6 else float(random.uniform(0.8, 1.5))
    points = float(random.uniform(0.4, 0.85)) if random.random() < 0.2 else 1.0
    ink = compose_patch(text, typeface, spacing, wide, random, points=points, space=space)
    draw = random.random()
    if draw < (0.16 if varied else 0.06):
        ink = embolden(ink, random)
    elif draw < 0.22:
        ink = lighten(ink, typeface.face)
    stretch, draw = 1.0, random.random()
    if draw < 0.3:
        stretch = float(random.uniform(0.62 if varied else 0.86, 0.95))
    elif draw > 0.88 and varied:
        stretch = float(random.uniform(1.03, 1.35))
    scale = size / EM
    if varied and random.random() < 0.04 and size >= 40:
        return _needles(ink, size, stretch)
    width, height = max(1, round(ink.shape[1] * scale * stretch)), max(1, round(ink.shape[0] * scale))
    ink = cv2.resize(ink, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    if scale > 1.1:
        ink = cv2.LUT(ink, _CRISP)
    return _turn(ink, random, varied=varied) if random.random() < 0.45 else ink


_CRISP = ((np.arange(256) - 128) * 1.8 + 128).clip(0, 255).astype(np.uint8)
"""Makes enlarged glyphs as sharp as drawn ones."""


def compose_patch(
    text: str,
    typeface: Typeface,
    spacing: float,
    wide: float,
    random: np.random.Generator,
    *,
    points: float = 1.0,
    space: float = 0.35,
) -> Patch:
    """Set glyphs at `EM` pixels side by side; the result is cut to the ink and has a margin of 2.

    Args:
        text: Not a space alone.
        typeface: Draws all of it.
        spacing: Pixels between characters, beside the face's own.
        wide: Least width of the signs in `WIDE_SIGNS` in ems; 0 leaves them as the face has them.
        random: Chooses among the forms of signs.
        points: How large the signs in `POINTS` are, as a share of the face's own.
        space: Width of a space in ems.
    """
    pen, prints, lefts = 0.0, [], []
    for character in text:
        if character == " ":
            pen += EM * space + spacing
            continue
        glyph = typeface.glyph(_form(character, typeface, random))
        if character in RAISED and random.random() < 0.4:
            glyph = raised(RAISED[character], glyph, typeface, random)
        if points < 1 and character in POINTS:
            glyph = smaller_sign(glyph, points)
        room = max(0.0, wide * EM - glyph.advance) if character in WIDE_SIGNS else 0.0
        # An opening sign stands at the right of its square, a closing one at the left, a dot in the middle.
        before = room if character in "“‘「『" else room / 2 if character in "ㆍ·" else 0.0
        prints.append(glyph)
        lefts.append(round(pen + before) + glyph.left)
        pen += glyph.advance + room + spacing
    left, top = min(lefts), min(glyph.top for glyph in prints)
    right = max(x + glyph.mask.shape[1] for x, glyph in zip(lefts, prints, strict=True))
    bottom = max(glyph.top + glyph.mask.shape[0] for glyph in prints)
    plane = np.zeros((bottom - top + 4, right - left + 4), np.uint8)
    for x, glyph in zip(lefts, prints, strict=True):
        stamp(plane, glyph.mask, x - left + 2, glyph.top - top + 2)
    return plane


def smaller_sign(glyph: Glyph, share: float) -> Glyph:
    """Make a sign smaller, at its place on the base line and in its width."""
    height, width = glyph.mask.shape
    size = (max(2, round(width * share)), max(2, round(height * share)))
    mask = cv2.resize(glyph.mask, size, interpolation=cv2.INTER_AREA)
    return Glyph(mask, glyph.left + (width - size[0]) // 2, glyph.top + height - size[1], glyph.advance)


def raised(signs: str, glyph: Glyph, typeface: Typeface, random: np.random.Generator) -> Glyph:
    """An m with one of `signs`, made small, at its shoulder, in place of a unit's `glyph`, where the face has both."""
    sign = signs[int(random.integers(len(signs)))]
    if not {"m", sign} <= typeface.signs:
        return glyph
    base, mark = typeface.glyph("m"), typeface.glyph(sign).mask
    share = float(random.uniform(0.3, 0.5)) if sign.isdigit() else float(random.uniform(0.6, 0.9))
    mark = cv2.resize(mark, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    height, width = base.mask.shape
    above = round(mark.shape[0] * random.uniform(0.5, 1.0))
    plane = np.zeros((max(height + above, mark.shape[0]), width + mark.shape[1] + 1), np.uint8)
    stamp(plane, base.mask, 0, above)
    stamp(plane, mark, width + 1, 0)
    advance = max(base.advance + mark.shape[1], EM * random.uniform(0.7, 1.0))
    return Glyph(plane, base.left, base.top - above, float(advance))


def _form(character: str, typeface: Typeface, random: np.random.Generator) -> str:
    if len(forms_of(character)) == 1:
        return character
    forms = [form for form in forms_of(character) if form in typeface.signs]
    return forms[int(random.integers(len(forms)))]


def embolden(ink: Patch, random: np.random.Generator) -> Patch:
    """Make strokes bolder as word processors do: printed again a little to the side, or grown all around."""
    draw = random.random()
    kernel = np.ones((1, 3) if draw < 0.4 else (2, 3) if draw < 0.7 else (3, 3), np.uint8)
    bold = cv2.dilate(ink, kernel)
    return bold if draw < 0.9 else cv2.dilate(bold, np.ones((1, 2), np.uint8))


def lighten(ink: Patch, face: Face) -> Patch:
    """Make strokes thinner, as light cuts of a face have them; a regular serif's level strokes are thin already."""
    return cv2.erode(ink, np.ones((1 if face.kind == "serif" and not face.bold else 2, 2), np.uint8))


def _needles(ink: Patch, size: int, stretch: float) -> Patch:
    """Print by a dot-matrix printer of 24 needles."""
    side = max(1, round(size / 24))
    small = cv2.resize(
        ink,
        (max(1, round(ink.shape[1] * stretch * 24 / EM)), max(1, round(ink.shape[0] * 24 / EM))),
        interpolation=cv2.INTER_AREA,
    )
    return as_dots(small, side)


def _turn(ink: Patch, random: np.random.Generator, *, varied: bool) -> Patch:
    """Slant and turn by a little, as italics, crooked sheets and pens do."""
    height, width = ink.shape
    degrees = float(np.clip(random.normal(0, 0.8 if varied else 0.5), -3, 3))
    shear = float(random.normal(0, 0.03 if varied else 0.01))
    if varied and random.random() < 0.15:
        shear = float(random.uniform(0.08, 0.3))
    rise, slant = width * abs(np.tan(np.deg2rad(degrees))), height * abs(shear)
    matrix = np.array([[1.0, -shear, 0.0], [np.tan(np.deg2rad(degrees)), 1.0, 0.0]])
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    size = (int(width + slant) + 3, int(height + rise) + 3)
    matrix[:, 2] = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2]) - matrix[:, :2] @ middle
    return cv2.warpAffine(ink, matrix, size, flags=cv2.INTER_LINEAR)


# --- The box and what is in it ---


def set_out(ink: Patch, size: int, random: np.random.Generator) -> tuple[Patch, Box]:
    """Draw a box around the word and give its ink that much room and `PAD` pixels more.

    Returns:
        The plane of ink, and where the word's ink lies on it.
    """
    x, y, width, height = cv2.boundingRect(cv2.threshold(ink, INK, 255, cv2.THRESH_BINARY)[1])
    if width == 0:
        x, y, width, height = 0, 0, ink.shape[1], ink.shape[0]
    sides = draw_box(width, height, size, random)
    left, top = PAD + sides.left, PAD + sides.top
    right, bottom = left + width + sides.right + PAD, top + height + sides.bottom + PAD
    plane = np.zeros((bottom, right), np.uint8)
    stamp(plane, ink, left - x, top - y)
    return plane, Box(left, top, left + width, top + height)


def draw_box(width: int, height: int, size: int, random: np.random.Generator) -> Sides:
    """A box as labels draw it, tight or a little loose, or as a detector widens it."""
    draw = random.random()
    if draw < 0.3:
        sides = random.uniform(0.02, 0.12, 4)  # a label: 2 to 4 pixels at 40
    elif draw < 0.55:
        # A label of AI-Hub's: 8 to 10 pixels left and right of a line of 45, 8 to 17 above and below together.
        sides = random.uniform((0.12, 0.06, 0.12, 0.06), (0.24, 0.22, 0.24, 0.22))
    elif draw < 0.8:
        sides = random.uniform(0.05, 0.22, 4)  # a detector's box and EasyOCR's margin
    elif draw < 0.9:
        sides = random.uniform(-0.04, 0.06, 4)
    else:
        sides = random.uniform(0.0, 0.45, 4)
    left, top, right, bottom = (round(side * size) for side in sides.tolist())
    if height < 0.6 * size and random.random() < 0.5:
        # Signs and small letters: a detector, and many a label, takes the line's height.
        top += round(random.uniform(0.0, 0.9) * (0.9 * size - height))
        bottom += round(random.uniform(0.0, 0.9) * (0.9 * size - height) / 2)
    least = [-(width // 8), -(height // 8)]
    return Sides(max(left, least[0]), max(top, least[1]), max(right, least[0]), max(bottom, least[1]))


def print_neighbours(plane: Patch, word: Box, typeface: Typeface, size: int, random: np.random.Generator) -> None:
    """Print other words beside the word, above and below it; what is far from it falls outside of the plane."""
    letters = [c for c in "의다이한는을가조항호기관업사및" if c in typeface.characters]
    if not letters:
        return
    height, width = plane.shape
    scale = size / EM

    def letter() -> Patch:
        mask = typeface.glyph(letters[int(random.integers(len(letters)))]).mask
        return cv2.resize(mask, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)

    gap = max(2, round(size * random.uniform(0.12, 0.5)))
    x = word.xmax + gap
    if random.random() < 0.7:
        while x < width:
            mask = letter()
            stamp(plane, mask, x, word.ymin + int(random.integers(-2, 4)))
            x += mask.shape[1] + 2
    x = word.xmin - gap
    if random.random() < 0.7:
        while x > 0:
            mask = letter()
            x -= mask.shape[1] + 2
            stamp(plane, mask, x, word.ymin + int(random.integers(-2, 4)))
    for above in (True, False):
        away = round(size * random.uniform(0.1, 0.7))
        edge = word.ymin - away if above else word.ymax + away
        x = int(random.integers(-size, size))
        while 0 < edge < height and x < width:
            mask = letter()
            stamp(plane, mask, x, edge - mask.shape[0] if above else edge)
            x += mask.shape[1] + int(random.integers(2, max(3, size)))


def rules(plane: Patch, word: Box, size: int, random: np.random.Generator, *, least: int = 1) -> None:
    """Lines of tables and forms, `least` pixels thick: beside the word, under it, through it, or a curve of a seal."""
    height, width = plane.shape
    thickness = int(random.integers(least, max(2, size // 12) + least))
    strength = int(random.integers(120, 256))
    away = round(size * random.uniform(0.02, 0.2))
    tilt = int(random.integers(-2, 3)) if random.random() < 0.4 else 0
    draw = random.random()
    if draw < 0.3:  # above or below
        y = word.ymin - away if random.random() < 0.4 else word.ymax + away
        _line(plane, (0, y), (width, y + tilt), strength, thickness)
    elif draw < 0.6:  # to the left or right
        x = word.xmin - away if random.random() < 0.5 else word.xmax + away
        _line(plane, (x, 0), (x + tilt, height), strength, thickness)
    elif draw < 0.8:  # touching its lower end
        y = word.ymax + round(size * random.uniform(-0.02, 0.1))
        _line(plane, (0, y), (width, y + tilt), strength, max(1, thickness // 2))
    elif draw < 0.92:  # through it, thin or faint
        y = int(random.integers(word.ymin, max(word.ymin + 1, word.ymax)))
        _line(plane, (0, y), (width, y + tilt), int(random.integers(60, 200)), max(1, thickness // 2))
    else:  # a seal's rim
        centre = (int(random.integers(-size, width + size)), int(random.integers(-size, height + size)))
        ring = np.zeros_like(plane)
        cv2.circle(ring, centre, int(size * random.uniform(0.8, 2.2)), int(random.integers(60, 170)), thickness + 1)
        np.maximum(plane, ring, out=plane)


def _line(plane: Patch, start: tuple[int, int], end: tuple[int, int], strength: int, thickness: int) -> None:
    ink = np.zeros_like(plane)
    cv2.line(ink, start, end, strength, thickness)
    np.maximum(plane, ink, out=plane)


# --- Ink, paper and scanner ---


def spoil_patch(plane: Patch, size: int, random: np.random.Generator) -> Patch:
    """Bleed, starve, fade or break the print, large type more than small."""
    draw = random.random()
    strong = min(1.0, size / 40)
    if draw < 0.2:
        plane = defects.bleed(plane, float(random.uniform(0.3, 1.0)) * strong)
    elif draw < 0.36:
        plane = defects.thin(plane, float(random.uniform(0.2, 0.7)) * strong)
    elif draw < 0.5:
        darkest = float(random.uniform(0.75, 1.0))
        plane = defects.fade(plane, random, darkest, darkest * float(random.uniform(0.5, 0.9)))
    if random.random() < 0.15 and size > 20:
        plane = defects.crumble(plane, random, float(random.uniform(0.02, 0.2)) * strong)
    return plane


def black_and_white(plane: Patch, word: Box, size: int, random: np.random.Generator, *, points: bool) -> Patch:
    """Spoil a word's ink, scan it to black and white, and store it in grey, as AI-Hub's pages are.

    Strokes may vanish, but no more than most of the word, and with `points` none of its dots.
    """
    dots = compact_spots(plane, size) if points else []
    if random.random() < 0.15:
        rules(plane, word, size, random, least=2)
    if random.random() < 0.02:
        punch_hole(plane, word, size, random)
    if random.random() < 0.25:
        plane = spoil_patch(plane, size, random)
    patch = 255 - plane
    if random.random() < 0.25:
        patch = defects.speckle(patch, random, 1 + int(random.integers(1 + plane.size // 4000)))
    breakage = draw_breakage(size, random)
    scan = defects.bilevel(patch, random, breakage, keep=KEPT)
    while breakage > 0.05 and any(scan[dot].all() for dot in dots):
        breakage *= 0.7
        scan = defects.bilevel(patch, random, breakage, keep=KEPT)
    if random.random() < 0.02:
        scan = 255 - scan
    if random.random() < 0.15:
        scan = digitise_as_usual(scan, size, random) if random.random() < 0.5 else digitise_well(scan, size, random)
    return defects.jpeg(scan, int(random.integers(60, 97))) if random.random() < 0.8 else scan


def draw_breakage(size: int, random: np.random.Generator) -> float:
    """How far a threshold broke the strokes of a word: half of the words are firm, and small print is never far off."""
    breakage = float(random.uniform(0.0, 0.4) if random.random() < 0.5 else random.uniform(0.3, 0.7))
    # Small print whose strokes grow fills up, and whose strokes shrink is gone.
    share = min(1.0, max(0.0, (size - 16) / 24))
    return 0.4 + (breakage - 0.4) * (0.25 + 0.75 * share)


def compact_spots(plane: Patch, size: int) -> list[tuple[slice, slice]]:
    """Where points, commas and quotes lie: spots of ink that are small both ways."""
    _, _, spots, _ = cv2.connectedComponentsWithStats((plane > 100).astype(np.uint8))
    return [
        (slice(y, y + height), slice(x, x + width))
        for x, y, width, height, _ in spots[1:].tolist()
        if width <= 0.25 * size and height <= 0.3 * size
    ]


def punch_hole(plane: Patch, word: Box, size: int, random: np.random.Generator) -> None:
    """The black disc of a punched hole, about 70 pixels across, that reaches a little into the word's room."""
    radius, angle = int(random.integers(28, 38)), float(random.uniform(0, 2 * np.pi))
    # The word's corner or side that lies in that direction, and from there outwards.
    x = float(np.clip(np.cos(angle), -0.7, 0.7) / 0.7 * 0.5 + 0.5) * (word.xmax - word.xmin) + word.xmin
    y = float(np.clip(np.sin(angle), -0.7, 0.7) / 0.7 * 0.5 + 0.5) * (word.ymax - word.ymin) + word.ymin
    away = radius - round(size * random.uniform(-0.1, 0.15))
    cv2.circle(plane, (round(x + away * np.cos(angle)), round(y + away * np.sin(angle))), radius, 255, -1)


def patch_on_paper(plane: Patch, state: PrintState, random: np.random.Generator) -> Patch:
    """Print on white, grey or coloured ground, at times bright on dark."""
    draw = random.random()
    if state == "clean":
        paper, ink = int(random.integers(236, 256)), int(random.integers(0, 70))
    elif state == "usual":
        paper, ink = int(random.integers(212, 248)), int(random.integers(50, 115))
        ink += int(random.integers(20, 60)) if draw < 0.1 else 0  # coloured text
    elif draw < 0.75:
        paper, ink = int(random.integers(205, 250)), int(random.integers(10, 120))
    else:
        paper = int(random.integers(150, 225))
        ink = int(random.integers(5, max(6, paper - 90)))
    if draw > 0.97:
        paper, ink = int(random.integers(40, 130)), int(random.integers(215, 256))
    return defects.with_levels(plane, paper + (ink - paper) * (defects.LEVELS / 255))


def digitise_badly(patch: Patch, size: int, random: np.random.Generator) -> Patch:
    """Scan badly: shadow, low resolution or focus, contrast, noise, a copier's black and white, JPEG."""
    if random.random() < 0.5:
        patch = _shade(patch, 0.3, random)
    draw = random.random()
    if draw < 0.25:
        patch = low_resolution(patch, size, random)
    elif draw < 0.8:
        patch = defects.blur(patch, float(random.uniform(0.4, 1.3)) * max(0.6, min(1.6, size / 40)))
    if random.random() < 0.3:
        gain = float(random.uniform(0.7, 1.2))
        patch = defects.contrast(patch, gain, float(random.uniform(-20, 255 * (1 - gain) if gain < 1 else 0)))
    if random.random() < 0.8:
        patch = defects.noise(patch, random, float(random.uniform(1, 12)), _GRAINS[int(random.integers(3))])
    if (draw := random.random()) < 0.06:
        patch = photocopied(patch, random)
    elif draw < 0.12:
        patch = salt_and_pepper(patch, random)
    if random.random() < 0.75:
        patch = defects.jpeg(patch, int(random.integers(35, 93)))
    return patch


def digitise_as_usual(patch: Patch, size: int, random: np.random.Generator) -> Patch:
    """Scan as office scanners do: uneven light, edges soft by about a pixel, grain, fair JPEG quality."""
    if random.random() < 0.6:
        patch = _shade(patch, 0.12, random)
    patch = defects.blur(patch, float(random.uniform(0.5, 1.05)) * max(0.6, min(1.6, size / 40)))
    patch = defects.noise(patch, random, float(random.uniform(3, 9)), _GRAINS[1 + int(random.integers(2))])
    return defects.jpeg(patch, int(random.integers(65, 95))) if random.random() < 0.85 else patch


def digitise_well(patch: Patch, size: int, random: np.random.Generator) -> Patch:
    """Scan well: hardly any blur or noise, high JPEG quality."""
    if random.random() < 0.6:
        patch = defects.blur(patch, float(random.uniform(0.3, 0.6)))
    if random.random() < 0.5:
        patch = defects.noise(patch, random, float(random.uniform(0.5, 3)), _GRAINS[int(random.integers(3))])
    if random.random() < 0.6:
        patch = defects.jpeg(patch, int(random.integers(75, 97)))
    return patch


DIGITISE: dict[PrintState, Callable[[Patch, int, np.random.Generator], Patch]] = {
    "clean": digitise_well,
    "usual": digitise_as_usual,
    "spoilt": digitise_badly,
}
"""How words are scanned."""
_GRAINS = (0.0, 0.6, 1.0)


def _shade(patch: Patch, most: float, random: np.random.Generator) -> Patch:
    """Darken smoothly from one place to another, by the share `most` at most."""
    coarse: Patch = random.uniform(255 * (1 - random.uniform(most / 6, most)), 255, (2, 3)).astype(np.uint8)
    return defects.lit(patch, coarse)


def low_resolution(patch: Patch, size: int, random: np.random.Generator) -> Patch:
    """Scan so coarsely that an em has 14 to 30 pixels, and enlarge again."""
    factor = min(1.0, float(random.uniform(14, 30)) / size)
    enlarge = cv2.INTER_LINEAR if random.random() < 0.6 else cv2.INTER_CUBIC
    return defects.rescan(patch, factor, least=2, enlarge=enlarge)


def photocopied(patch: Patch, random: np.random.Generator) -> Patch:
    """Copy on a machine that knows black and white and little between."""
    dark, bright = (float(value) for value in np.percentile(patch[::2, ::2], (2, 70)))
    threshold = dark + (bright - dark) * random.uniform(0.45, 0.7)
    return defects.copied(patch, threshold, random.uniform(4, 14))


def salt_and_pepper(patch: Patch, random: np.random.Generator) -> Patch:
    """Turn up to a fiftieth of the pixels black or white."""
    share = float(random.uniform(0.001, 0.02))
    grains = defects.window(defects.noise_tile(0.0), random, patch.shape)
    limit = NormalDist().inv_cdf(1 - share / 2)
    result = patch.copy()
    result[grains > limit] = 255
    result[grains < -limit] = 0
    return result

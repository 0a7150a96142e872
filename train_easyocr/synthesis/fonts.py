"""The faces that documents are printed in: found on the machine or taken out of an installed package.

`FontLibrary.find()` asks fontconfig (`fc-list`) where there is one, and always adds NanumGothic as the package
koreanize-matplotlib brings it, so that it works on a machine without any Korean font. A face is only ever asked for
text whose every character it really draws (`Face.draws`): nothing is rendered as an empty box.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from fontTools.ttLib import TTFont
from numpy.typing import NDArray
from PIL import ImageFont

from train_easyocr.common.errors import UserError

SUFFIXES = (".ttf", ".otf", ".ttc", ".otc")
UNFIT = re.compile(
    r"pen|brush|script|pilgi|nakseo|yet|jamo|vada|shinmun|dinaru|graphic|bandal|bangwool|eunjin|guseul|eco|coding"
    r"|light|thin|black|headline a|mono cjk|cjk (jp|hk|sc|tc)|_ac|한솔|손글씨|필기|낙서",
    re.IGNORECASE,
)
"""Handwriting, decoration, hairlines, faces with holes (Eco), Old Hangul, copies of a face for other languages."""

KINDS = (
    ("typewriter", re.compile(r"taza|타자|typewriter", re.IGNORECASE)),
    ("brush", re.compile(r"gungs|궁서|hline|headline|헤드라인", re.IGNORECASE)),
    ("serif", re.compile(r"batang|myeong|serif|바탕|명조|shinmyeong", re.IGNORECASE)),
    ("sans", re.compile(r"gothic|dotum|gulim|sans|square|barun|고딕|돋움|굴림|malgun", re.IGNORECASE)),
)
"""Kinds of faces by family name, the first that fits; a name that fits none is a sans."""

SAMPLE_FAMILIES = ("NanumGothic", "UnBatang", "UnGungseo", "UnTaza")
"""What the sample documents are printed in: a sans (the one that is always there), a serif, a brush, a typewriter."""
HANDS: dict[str, tuple[str, ...]] = {
    "sample": ("UnPilgi",),
    "starter": ("Nanum Pen Script", "Nanum Brush Script"),
    "unseen": (),
    "all": ("UnPilgi", "Nanum Pen Script", "Nanum Brush Script"),
}
"""Handwriting that notes are written in, by the set of faces that it belongs to."""
UNSEEN_FAMILIES = ("Baekmuk Dotum", "NanumSquareRound", "UnShinmun")
"""Kept out of the sample documents and of the starter weights' training: what these can do with unknown print."""
WORD_FAMILIES = (
    "UnShinmun", "UnGraphic", "UnDinaru", "UnJamoBatang", "UnJamoDotum", "UnJamoNovel", "UnYetgul", "UnPen", "UnVada",
    "NanumBarunpen",
)  # fmt: skip
"""Unfit for whole documents, but single words in them teach what letters have in common."""
KIN = re.compile(r"nanum ?gothic|\beco\b|yethangul|_ac|\bmono\b", re.IGNORECASE)
"""Other cuts of families above, by name: never a face of their own."""
FaceSet = Literal["starter", "sample", "unseen", "all"]

MANY_SYLLABLES = "가나다라마바사아자차카타파하를했었였겠윤렴읍개값닭싶"
"""A face that lacks one of these is not a Korean text face."""


@dataclass(frozen=True)
class Face:
    """One face of a font file.

    Attributes:
        path: The font file.
        index: The face's number in a collection (.ttc), else 0.
        family: Family name in Latin letters where the file has one, such as `NanumMyeongjo`.
        style: Style name, such as `Bold`.
    """

    path: Path
    index: int
    family: str
    style: str
    _drawn: dict[str, bool] = field(default_factory=dict, repr=False, compare=False, hash=False)

    @property
    def name(self) -> str:
        """Family and style."""
        return f"{self.family} {self.style}"

    @property
    def bold(self) -> bool:
        """Whether the style is heavier than regular."""
        return bool(re.search(r"bold", self.style, re.IGNORECASE))

    @property
    def kind(self) -> str:
        """`serif`, `sans`, `brush` or `typewriter`, judged by the family name."""
        return next((kind for kind, pattern in KINDS if pattern.search(self.family)), "sans")

    @cached_property
    def characters(self) -> NDArray[np.uint32]:
        """Code points that the face has a glyph for, ascending; an array, since sets of 40,000 numbers are large."""
        with TTFont(self.path, fontNumber=self.index, lazy=True) as font:
            return np.sort(np.fromiter(font.getBestCmap() or {}, np.uint32))

    def font(self, size: int) -> ImageFont.FreeTypeFont:
        """The face at `size` pixels per em."""
        return load_font(self.path, self.index, size)

    def draws(self, text: str) -> bool:
        """Whether every character of `text`, spaces aside, has a glyph that leaves ink."""
        return all(self._draws_character(character) for character in text if not character.isspace())

    def _maps(self, code_point: int) -> bool:
        place = int(np.searchsorted(self.characters, code_point))
        return place < len(self.characters) and int(self.characters[place]) == code_point

    def _draws_character(self, character: str) -> bool:
        known = self._drawn.get(character)
        if known is None:
            # Some faces map a character to an empty glyph, which the table alone does not tell.
            known = self._maps(ord(character)) and self.font(32).getmask(character).getbbox() is not None
            self._drawn[character] = known
        return known


@lru_cache(maxsize=64)
def load_font(path: Path, index: int, size: int) -> ImageFont.FreeTypeFont:
    """Open a face at a size once; plain left-to-right layout, which is the same with and without libraqm."""
    return ImageFont.truetype(str(path), size, index=index, layout_engine=ImageFont.Layout.BASIC)


def packaged_folder() -> Path | None:
    """The fonts of koreanize-matplotlib, found without importing it (that would import matplotlib)."""
    spec = importlib.util.find_spec("koreanize_matplotlib")
    folder = Path(spec.origin).parent / "fonts" if spec is not None and spec.origin else None
    return folder if folder is not None and folder.is_dir() else None


def faces_in(folder: Path) -> list[Face]:
    """The faces of all font files below `folder`; files that are not fonts are passed over."""
    faces = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES and path.is_file():
            faces.extend(faces_of(path))
    return faces


def faces_of(path: Path) -> list[Face]:
    """The faces of one font file, none when it is not a font that can be read."""
    faces: list[Face] = []
    try:
        while len(faces) < 64:  # a collection ends with an error below, never with this bound
            family, style = ImageFont.truetype(str(path), 16, index=len(faces)).getname()
            faces.append(Face(path, len(faces), family or path.stem, style or "Regular"))
            if path.suffix.lower() not in (".ttc", ".otc"):
                break
    except OSError:
        pass
    return faces


def system_faces() -> list[Face]:
    """The Korean faces that fontconfig knows, none on a machine without fontconfig."""
    command = ["fc-list", ":lang=ko", "--format", "%{file}\\t%{index}\\t%{family[0]}\\t%{style[0]}\\n"]
    try:
        listing = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout.decode("utf-8", "replace")
    except (OSError, subprocess.SubprocessError):
        return []
    rows = (line.split("\t") for line in listing.splitlines())
    # The high half of fontconfig's index numbers the instances of a variable font.
    return [Face(Path(r[0]), int(r[1]) & 0xFFFF, r[2], r[3]) for r in rows if len(r) == 4 and r[1].isdigit()]


def is_document_face(face: Face) -> bool:
    """Whether a face looks like a document's: not handwriting or decoration, not too light, and Korean."""
    if UNFIT.search(face.family) or UNFIT.search(face.style) or UNFIT.search(face.path.stem):
        return False
    return is_korean_face(face)


def is_word_face(face: Face) -> bool:
    """Whether single words may be printed in a face: a document's face, or one of `WORD_FAMILIES`."""
    return is_document_face(face) or (face.family in WORD_FAMILIES and is_korean_face(face))


def is_korean_face(face: Face) -> bool:
    """Whether a face draws Korean text."""
    try:
        return face.draws(MANY_SYLLABLES)
    except Exception:  # fontTools raises whatever a broken table makes it stumble over
        return False


def belongs(face: Face, chosen: FaceSet) -> bool:
    """Whether a face is in a set of faces; `starter`, `sample` and `unseen` share none."""
    if chosen == "starter":
        return face.family not in SAMPLE_FAMILIES + UNSEEN_FAMILIES and not KIN.search(face.family)
    return chosen == "all" or face.family in (SAMPLE_FAMILIES if chosen == "sample" else UNSEEN_FAMILIES)


@dataclass(frozen=True)
class FontLibrary:
    """Faces to print with, in an order that depends on their names alone.

    Attributes:
        faces: All faces fit for documents, packaged ones last.
        hands: Handwriting faces, none on many machines.
    """

    faces: tuple[Face, ...]
    hands: tuple[Face, ...] = ()

    @classmethod
    def find(cls, folder: Path | None = None, chosen: FaceSet = "all", *, words: bool = False) -> FontLibrary:
        """Look for faces.

        Args:
            folder: Take the faces below this folder in place of those that fontconfig knows.
            chosen: Which of them: all, or one of three sets that share no family.
            words: Faces for single words, `WORD_FAMILIES` among them, in place of faces for documents.

        Returns:
            Those faces and, where it belongs to them, the packaged NanumGothic.

        Raises:
            UserError: `folder` is not there or holds no such Korean face, or no face was found at all.
        """
        if folder is not None and not folder.is_dir():
            raise UserError(f"{folder}: no such folder of fonts")
        fit = is_word_face if words else is_document_face
        there = faces_in(folder) if folder is not None else system_faces()
        found = cls.fit(there, chosen, fit)
        if folder is not None and not found:
            kind = "Korean text face" if chosen == "all" else f"Korean face of the set '{chosen}'"
            raise UserError(f"{folder}: no {kind} among its .ttf, .otf and .ttc files")
        packaged = packaged_folder()
        names = {face.name for face in found}
        extra = cls.fit(faces_in(packaged), chosen, fit) if packaged is not None else []
        faces = (*found, *(face for face in extra if face.name not in names))
        if not faces and chosen in ("starter", "unseen"):
            raise UserError(
                f"no face of the set '{chosen}' found: install fonts (Debian: fonts-nanum fonts-noto-cjk fonts-baekmuk "
                "fonts-unfonts-core fonts-unfonts-extra), name a folder with --fonts, or choose other --faces"
            )
        if not faces:
            raise UserError("no Korean font found: pip install koreanize-matplotlib, or name a folder with --fonts")
        return cls(
            faces, tuple(cls.fit(there, "all", lambda face: face.family in HANDS[chosen] and is_korean_face(face)))
        )

    @staticmethod
    def fit(faces: Iterable[Face], chosen: FaceSet, is_fit: Callable[[Face], bool]) -> list[Face]:
        """The fit faces of a set, one a name, by name."""
        by_name = {face.name: face for face in sorted(faces, key=lambda face: (face.name, face.path.name, face.index))}
        return [face for face in by_name.values() if belongs(face, chosen) and is_fit(face)]

    def fingerprint(self) -> list[str]:
        """The faces by name and file size: what else the bytes of a page depend on beside the settings."""
        used = (*self.faces, *self.hands)
        return [f"{face.name} ({face.path.name}, {face.path.stat().st_size} bytes)" for face in used]

    def of_kind(self, kinds: Sequence[str], *, bold: bool = False) -> list[Face]:
        """Faces of these kinds and weight; where there are none, faces of that weight, else all."""
        fitting = [face for face in self.faces if face.kind in kinds and face.bold == bold]
        return fitting or [face for face in self.faces if face.bold == bold] or list(self.faces)

    def pick(self, random: np.random.Generator, kinds: Sequence[str], *, bold: bool = False) -> Face:
        """Draw a family among these kinds, then a face of it, so that large families don't crowd out small ones."""
        fitting = self.of_kind(kinds, bold=bold)
        families = sorted({face.family for face in fitting})
        family = families[int(random.integers(len(families)))]
        members = [face for face in fitting if face.family == family]
        return members[int(random.integers(len(members)))]

    def drawing(self, text: str, preferred: Face) -> Face:
        """`preferred` where it draws all of `text`, else the first face of its kind, or of any, that does.

        Raises:
            UserError: No face draws the text.
        """
        if preferred.draws(text):
            return preferred
        others = sorted(self.faces, key=lambda face: (face.kind != preferred.kind, face.bold != preferred.bold))
        for face in others:
            if face.draws(text):
                return face
        raise UserError(f"no face draws {text!r}; install more Korean fonts or name another folder with --fonts")

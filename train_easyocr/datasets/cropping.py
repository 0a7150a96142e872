"""A page's words as patches: which boxes are used, where they are cut, and what the patches are called."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from train_easyocr.common.encodings import UTF_8
from train_easyocr.common.text import unify_variants
from train_easyocr.documents.aihub import LabelFile, fault_of
from train_easyocr.documents.page import Box, Quad, shape_of

SAME_TWICE = "same box and text twice"
CONTRADICTING = "same box, another text"
CUT = "box cut at the page's edge"
OTHER_SIZE = "image size differs from the label file's"

MAX_PREFIX_BYTES = 180
"""File systems allow 255 bytes for a name; a syllable takes 3, the coordinates up to 44."""
PATCH_NAME = re.compile(r"_(\d+)-(\d+)-(\d+)-(\d+)\.png\Z")


@dataclass(frozen=True, slots=True)
class SkippedWord:
    """A labelled word that gives no patch; `detail` says more about the reason."""

    id: str
    box: Box
    text: str
    reason: str
    detail: str = ""


@dataclass(slots=True)
class CutPage:
    """What a page gives.

    Attributes:
        boxes: The boxes of the patches, cut at the page's edges, in the label file's order.
        texts: Their texts.
        tilted: What is cut straight in place of a box that encloses a tilted word.
        skipped: The other words, in the label file's order.
        warnings: How often something was used that is not as it should be.
    """

    boxes: list[Box] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    tilted: dict[Box, Quad] = field(default_factory=dict)
    skipped: list[SkippedWord] = field(default_factory=list)
    warnings: Counter[str] = field(default_factory=Counter)

    def patches(self, image: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the words' pixels, most of them views of the page's image, uint8 [height, width] or [.., .., 3]."""
        for box in self.boxes:
            yield straightened(image, self.tilted[box]) if box in self.tilted else crop(image, box)

    def pixels(self) -> int:
        """Return how many pixels all patches have."""
        sizes = (self.tilted[box].size if box in self.tilted else (box.width, box.height) for box in self.boxes)
        return sum(width * height for width, height in sizes)


@dataclass(frozen=True, slots=True)
class Cutting:
    """How words become patches.

    Attributes:
        rgb: Patches in colour instead of grey.
        unify: Write signs that print does not tell apart in one way (`text.VARIANTS`).
    """

    rgb: bool = False
    unify: bool = False


def cut_page(label: LabelFile, width: int, height: int, cutting: Cutting = Cutting()) -> CutPage:
    """Decide which words of a page become patches, and where they are cut.

    Args:
        label: The page's labels.
        width: Of the image itself, in pixels; it counts, not the size that the label file states.
        height: Likewise.
        cutting: What patches are to show and their texts to be.

    Returns:
        Boxes without text, without area or outside the page are left out; so are boxes that come a second time (after
        cutting), since patches are named after their boxes: the first one stays.
    """
    page = CutPage()
    if label.width and label.height and (label.width, label.height) != (width, height):
        page.warnings[OTHER_SIZE] += 1
    if label.encoding != UTF_8:
        page.warnings[f"label file in {label.encoding}"] += 1
    texts: dict[Box, str] = {}
    for annotation in label.annotations:
        box = annotation.box.clipped(width, height)
        text = unify_variants(annotation.text) if cutting.unify else annotation.text
        reason = fault_of(annotation, width, height)
        if not reason and box in texts:
            reason = SAME_TWICE if texts[box] == text else CONTRADICTING
        if reason:
            page.skipped.append(SkippedWord(annotation.id, annotation.box, annotation.text, reason, annotation.detail))
            continue
        texts[box] = text
        if tilted := tilted_region(annotation.box, annotation.corners, width, height):
            page.tilted[box] = tilted
        if annotation.notes:
            page.warnings.update(annotation.notes)
        page.warnings[CUT] += box != annotation.box
    page.boxes, page.texts = list(texts), list(texts.values())
    return page


def crop(image: np.ndarray, box: Box) -> np.ndarray:
    """Return the pixels of a box that lies on the image, as a view."""
    return image[box.ymin : box.ymax, box.xmin : box.xmax]


def tilted_region(box: Box, corners: Quad | None, width: int, height: int) -> Quad | None:
    """Return what is to be `straightened` of a word on a page of `width` x `height` pixels; None: its box is cut."""
    shape = shape_of(box, corners)
    found = shape.on_page(width, height) if isinstance(shape, Quad) else shape
    return found if isinstance(found, Quad) else None


def straightened(image: np.ndarray, corners: Quad) -> np.ndarray:
    """Return a tilted region of an image as an upright one, as EasyOCR's `four_point_transform` does.

    That function itself would load torch into each process that cuts words.

    Args:
        image: uint8 [height, width] or [height, width, 3].
        corners: In the order of EasyOCR's detector; none of the region's sides is shorter than a pixel.
    """
    source = np.array(corners, np.float32)
    sides = np.sqrt(((np.roll(source, -1, axis=0) - source) ** 2).sum(axis=1)).astype(int)
    width, height = int(max(sides[0], sides[2])), int(max(sides[1], sides[3]))
    target = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], np.float32)
    return cv2.warpPerspective(image, cv2.getPerspectiveTransform(source, target), (width, height))


def patch_name(prefix: str, box: Box) -> str:
    """Return a patch's file name: `<prefix>_<xmin>-<ymin>-<xmax>-<ymax>.png`."""
    return f"{prefix}_{box.xmin}-{box.ymin}-{box.xmax}-{box.ymax}.png"


def patch_size(name: str) -> tuple[int, int]:
    """Return the width and height in pixels that a patch's file name states.

    Raises:
        ValueError: The name has not the form of a patch's name.
    """
    match = PATCH_NAME.search(name)
    if match is None:
        raise ValueError(f"{name!r} is not named <page>_<xmin>-<ymin>-<xmax>-<ymax>.png")
    xmin, ymin, xmax, ymax = map(int, match.groups())
    return xmax - xmin, ymax - ymin


def prefixes(names: Sequence[str]) -> dict[str, str]:
    """Return what the patches of each page are called: the page's stem, as long as that is unambiguous.

    Stems that several folders hold get their folders in front (`인.허가_5350109_2001_X`); what is still ambiguous then
    (or differs in case only, which some file systems ignore) gets a piece of the full name's SHA-256 behind. Given all
    pages of a split, so that a page is called the same whatever is drawn.

    Args:
        names: The pages' full names, each once.
    """
    stems = Counter(_folded(name.rsplit("/", 1)[-1]) for name in names)
    chosen = {}
    for name in names:
        stem = name.rsplit("/", 1)[-1]
        chosen[name] = stem if stems[_folded(stem)] == 1 else name.replace("/", "_")
    uses = Counter(_folded(prefix) for prefix in chosen.values())
    for name, prefix in chosen.items():
        if uses[_folded(prefix)] > 1 or len(prefix.encode()) > MAX_PREFIX_BYTES:
            shortened = prefix.encode()[:MAX_PREFIX_BYTES].decode(errors="ignore")
            chosen[name] = f"{shortened}~{hashlib.sha256(name.encode()).hexdigest()[:12]}"
    return chosen


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()

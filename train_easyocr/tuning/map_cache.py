"""Score maps of labelled pages, computed once and kept on disk: what a search over parameters looks at."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from train_easyocr.common.files import replacing, sha256
from train_easyocr.detection.craft import input_ratio
from train_easyocr.detection.interface import DetectorParameters, ScoreMaps, WordDetector
from train_easyocr.detection.parameters import CraftParameters
from train_easyocr.documents import Page
from train_easyocr.documents.aihub import LabelError, PageFile, Problem, read_page, unusable
from train_easyocr.documents.images import ImageError
from train_easyocr.metrics.matching import box_array
from train_easyocr.reading.reader import load_page


@dataclass(frozen=True, eq=False)
class MappedPage:
    """A labelled page and a detector's maps of it.

    Attributes:
        page: The page.
        image_sha256: Of its image file.
        size: Width and height in pixels.
        maps: By `map_key` of the parameters that the maps were made with: uint8, 0 to 255 for 0 to 1. Thresholds are
            searched in coarser steps than these.
        scales: Page pixels per map pixel, likewise.
    """

    page: Page
    image_sha256: str
    size: tuple[int, int]
    maps: dict[str, NDArray[np.uint8]] = field(default_factory=dict)
    scales: dict[str, float] = field(default_factory=dict)

    def score_maps(self, key: str) -> ScoreMaps:
        """Return the maps of a key in the detector's own type."""
        return ScoreMaps(self.maps[key] * np.float32(1 / 255), self.scales[key], self.size)


def map_key(parameters: DetectorParameters, width: int, height: int) -> str:
    """Return what of the parameters the maps of a page depend on: for CRAFT, how far the page is scaled."""
    if isinstance(parameters, CraftParameters):
        return f"{input_ratio(parameters, width, height):.6f}"
    return ""


def map_pages(
    pages: Sequence[PageFile],
    detector: WordDetector,
    identity: str,
    *,
    variants: Sequence[DetectorParameters],
    cache: Path,
    title: str,
) -> tuple[list[MappedPage], list[Problem]]:
    """Read pages and get their maps, out of the cache where it has them.

    Args:
        pages: Labelled pages.
        detector: Computes what is missing.
        identity: All that the detector's maps depend on, beside the page and the parameters.
        variants: Parameters whose maps are wanted; those that scale a page alike share its maps.
        cache: The folder of the cache.
        title: Stands beside the progress.

    Returns:
        The pages, and what kept others from being used.
    """
    mapped, problems = [], []
    for page_file in tqdm(pages, desc=title, unit="page"):
        try:
            page = read_page(page_file)
            _check_boxes(page_file, page)
            mapped.append(_map_page(page, detector, identity, variants, cache))
        except (LabelError, ImageError, ValueError, OSError) as error:
            problems.append(unusable(page_file.name, error))
    return mapped, problems


def _check_boxes(page_file: PageFile, page: Page) -> None:
    try:
        box_array([word.box for word in page.words])
    except ValueError as error:
        raise LabelError(page_file.label, str(error)) from error


def _map_page(
    page: Page, detector: WordDetector, identity: str, variants: Sequence[DetectorParameters], cache: Path
) -> MappedPage:
    digest = sha256(page.image)
    colour = None
    mapped: MappedPage | None = None
    for parameters in variants:
        # The label file's size may be wrong, so that the key needs the image where nothing is cached yet.
        size = mapped.size if mapped else _cached_size(cache, digest)
        if size is None:
            colour, _ = load_page(page.image, page.layout)
            size = (colour.shape[1], colour.shape[0])
            _write(_size_file(cache, digest), size=np.array(size))
        mapped = mapped or MappedPage(page, digest, size)
        key = map_key(parameters, *size)
        if key in mapped.maps:
            continue
        name = hashlib.sha256(f"{digest} {identity} {key}".encode()).hexdigest()
        stored = _read(cache / f"{name}.npz")
        if stored is None:
            if colour is None:
                colour, _ = load_page(page.image, page.layout)
            found = detector.with_parameters(parameters).score_maps(colour)
            stored = {"maps": np.rint(found.maps.clip(0, 1) * 255).astype(np.uint8), "scale": np.array(found.scale)}
            _write(cache / f"{name}.npz", **stored)
        mapped.maps[key], mapped.scales[key] = stored["maps"].astype(np.uint8), float(stored["scale"])
    assert mapped is not None
    return mapped


def _size_file(cache: Path, digest: str) -> Path:
    return cache / f"size-{digest}.npz"


def _cached_size(cache: Path, digest: str) -> tuple[int, int] | None:
    stored = _read(_size_file(cache, digest))
    return None if stored is None else (int(stored["size"][0]), int(stored["size"][1]))


def _write(path: Path, **arrays: NDArray[np.generic]) -> None:
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def _read(path: Path) -> dict[str, NDArray[np.generic]] | None:
    """Return a cached file's arrays; None where there is none, or it is broken and has to be made again."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        return None
    except Exception:  # whatever a broken file makes of zip and numpy
        path.unlink(missing_ok=True)
        return None

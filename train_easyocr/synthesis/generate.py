"""From settings to archives: render every page once, pack them, and know whether that has been done already.

Pages are rendered into a folder beside the archives, each written whole, so that a run that was killed goes on where it
stopped. Page i depends on the seed, i, the size and the faces alone: not on the number of pages or of workers.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from operator import attrgetter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from train_easyocr.common.errors import UserError
from train_easyocr.common.files import remove_leftovers, sha256, write_bytes, write_json, write_text
from train_easyocr.common.text import format_table
from train_easyocr.common.workers import spread
from train_easyocr.synthesis import archive
from train_easyocr.synthesis.defects import scan
from train_easyocr.synthesis.fonts import FontLibrary
from train_easyocr.synthesis.labels import PageName, boxes_of, label_file, labels_of
from train_easyocr.synthesis.layout import NOMINAL_WIDTH
from train_easyocr.synthesis.pages import KindSet, compose_page
from train_easyocr.synthesis.vocabulary import TOPICS

MANIFEST = "synthesis.json"
"""Beside the download: settings, archives with their SHA-256, and what the summary shows."""
GENERATION = 6
"""Raised whenever the same settings would give other pages than before."""
PAGES_A_VOLUME = 9999
LEGIBLE = 0.3
"""Of its ink: a word that a scan to black and white left less of can't be read, and nobody marks it."""


@dataclass(frozen=True)
class RenderSettings:
    """What the archives depend on.

    Attributes:
        pages: Pages of both splits together.
        seed: Not negative.
        validation_share: Share of validation pages, 0 to 1, both excluded.
        page_width: Pixels across the short side of a page, about; 2,480 is 300 dots per inch.
        kinds: Which kinds of pages.
    """

    pages: int
    seed: int
    validation_share: Fraction
    page_width: int = NOMINAL_WIDTH
    kinds: KindSet = "sample"

    def as_json(self, library: FontLibrary) -> dict[str, Any]:
        """The settings as the manifest keeps them."""
        return {
            "generation": GENERATION,
            "pages": self.pages,
            "seed": self.seed,
            "validation_share": str(self.validation_share),
            "page_width": self.page_width,
            "faces": library.fingerprint(),
            "kinds": self.kinds,
        }

    def check(self) -> None:
        """Raise UserError where one split would be empty."""
        validation = int(self.pages * self.validation_share)
        if validation < 1 or validation == self.pages:
            empty = "validation" if validation < 1 else "training"
            raise UserError(
                f"{self.pages} pages and a validation share of {float(self.validation_share):g} leave no {empty} page: "
                f"ask for more --pages or another --validation_share"
            )


@dataclass(frozen=True)
class PageTask:
    """One page to be rendered."""

    index: int
    settings: RenderSettings
    folder: Path

    @property
    def image(self) -> Path:
        """Where the JPEG goes."""
        return self.folder / f"{self.index:07d}.jpg"

    @property
    def record(self) -> Path:
        """Where the page's record goes: written after the image, so that it means that both are whole."""
        return self.folder / f"{self.index:07d}.json"


def render_task(task: PageTask, library: FontLibrary) -> None:
    """Render a page with some faces and write it; without threads, since every core has a process."""
    cv2.setNumThreads(1)
    jpeg, record = render_page(task.index, task.settings, library)
    write_bytes(task.image, jpeg)
    write_text(task.record, json.dumps(record, ensure_ascii=False))


def render_page(index: int, settings: RenderSettings, library: FontLibrary) -> tuple[bytes, dict[str, Any]]:
    """Render a page.

    Args:
        index: The page's number, from 0.
        settings: Seed, split and size; the number of pages does not matter.
        library: Faces to print with.

    Returns:
        The JPEG, and the page's record: `path` (within an archive's top folder, without suffix), `split`, `number`
        (within the split), `category`, `faces` (names of those used), `label` (content of the label file).
    """
    random = np.random.default_rng([settings.seed, index])
    split, number = archive.place_of(index, settings.validation_share)
    category = list(TOPICS)[number % len(TOPICS)]
    year = int(random.integers(1996, 2021))
    code = f"{TOPICS[category].code}{random.integers(1, 10)}"
    name = PageName(category, code, year, 1 + index // PAGES_A_VOLUME, 1 + index % PAGES_A_VOLUME)
    width = round(settings.page_width * (1 + int(random.integers(-6, 4)) / NOMINAL_WIDTH))
    sheet = compose_page(random, category, year, width, library, kinds=settings.kinds)
    labels = labels_of(sheet, random)
    outlines = [label.points for label in labels]
    scanned = scan(sheet.planes, random, sheet.unit, outlines, black_and_white=sheet.bilevel)
    labels = [label for label, kept in zip(labels, scanned.kept, strict=True) if kept >= LEGIBLE]
    boxes = boxes_of(labels, scanned.placement, random, sheet.unit)
    _, jpeg = cv2.imencode(".jpg", scanned.image, [cv2.IMWRITE_JPEG_QUALITY, scanned.quality])
    record = {
        "path": name.path,
        "split": split,
        "number": number,
        "category": category,
        "faces": sorted(sheet.faces),
        "label": label_file(name, scanned.image, labels, boxes, random),
    }
    return jpeg.tobytes(), record


def generate(output: Path, settings: RenderSettings, library: FontLibrary, workers: int) -> dict[str, Any]:
    """Render pages and pack them, unless that has been done with the same settings.

    Args:
        output: Folder that gets `공공행정문서 OCR/` and the manifest.
        settings: What to render.
        library: Faces to print with.
        workers: Processes, at least 1.

    Returns:
        The manifest.

    Raises:
        UserError: A split would be empty, or the folder holds archives that were not rendered here.
    """
    settings.check()
    wanted = settings.as_json(library)
    known = read_render_manifest(output)
    if known is not None and known["settings"] == wanted and are_whole(output, known):
        tqdm.write(f"{output / archive.TOP}: all archives are there, rendered with these settings; nothing to do")
        return known
    claim(output, known, wanted)
    folder = output / f".pages-{key_of(wanted)}"
    tasks = [PageTask(index, settings, folder) for index in range(settings.pages)]
    render_all(tasks, library, workers)
    manifest = {"settings": wanted, "summary": count_pages(tasks), "archives": write_archives(output, tasks)}
    write_json(output / MANIFEST, manifest)
    shutil.rmtree(folder)
    return manifest


def key_of(wanted: dict[str, Any]) -> str:
    """A name for what single pages depend on: all settings but their number."""
    relevant = {name: value for name, value in wanted.items() if name != "pages"}
    return hashlib.sha256(json.dumps(relevant, ensure_ascii=False).encode()).hexdigest()[:12]


def read_render_manifest(output: Path) -> dict[str, Any] | None:
    """The manifest of an earlier run, None where there is none that can be read."""
    try:
        manifest = json.loads((output / MANIFEST).read_text(encoding="utf-8"))
        return manifest if {"settings", "archives"} <= manifest.keys() else None
    except (OSError, ValueError, AttributeError):
        return None


def are_whole(output: Path, manifest: dict[str, Any]) -> bool:
    """Whether all archives of a manifest are there with the content that was written."""
    archives: dict[str, str] = manifest["archives"]
    paths = {output / archive.TOP / name: digest for name, digest in archives.items()}
    return bool(paths) and all(path.is_file() and sha256(path) == digest for path, digest in paths.items())


def claim(output: Path, known: dict[str, Any] | None, wanted: dict[str, Any]) -> None:
    """Make the output folder ours: refuse a real download, say what changes, and clear what another run left."""
    top = output / archive.TOP
    if known is None and any(top.rglob("*.zip")):
        raise UserError(f"{top} holds archives that were not rendered here; name another folder with --output")
    if known is not None and known["settings"] != wanted:
        changed = [
            f"{name}: {known['settings'].get(name)} -> {value}" if name != "faces" else "other faces"
            for name, value in wanted.items()
            if known["settings"].get(name) != value
        ]
        tqdm.write(f"{top} was rendered with other settings ({', '.join(changed)}); rendering anew")
    write_json(output / MANIFEST, {"settings": wanted, "archives": {}})
    for split in archive.LABEL_ARCHIVES:
        for name in (archive.LABEL_ARCHIVES[split], *archive.IMAGE_ARCHIVES[split]):
            (top / split / name).unlink(missing_ok=True)
    remove_leftovers(top)
    for folder in output.glob(".pages-*"):
        if folder.name == f".pages-{key_of(wanted)}":
            remove_leftovers(folder)
        else:
            shutil.rmtree(folder)


def render_all(tasks: list[PageTask], library: FontLibrary, workers: int) -> None:
    """Render the pages that are not there yet, with a progress bar."""
    todo = [task for task in tasks if not task.record.is_file()]
    results = spread(render_task, todo, min(workers, max(1, len(todo))), (library,), name=attrgetter("index"))
    begun = len(tasks) - len(todo)
    with closing(results), tqdm(total=len(tasks), initial=begun, unit="page", desc="Rendering") as progress:
        for _ in results:
            progress.update()


def read_record(task: PageTask) -> dict[str, Any]:
    """The record of a rendered page."""
    record: dict[str, Any] = json.loads(task.record.read_text(encoding="utf-8"))
    return record


def write_archives(output: Path, tasks: list[PageTask]) -> dict[str, str]:
    """Write the archives of all splits; return their SHA-256 by name below the top folder."""
    digests = {}
    for split, label_archive in archive.LABEL_ARCHIVES.items():
        mine = [task for task in tasks if archive.place_of(task.index, task.settings.validation_share)[0] == split]
        names = archive.IMAGE_ARCHIVES[split]
        shares = {name: mine[number :: len(names)] for number, name in enumerate(names)}
        contents = {label_archive: label_members(mine)}
        contents.update({name: image_members(share) for name, share in shares.items() if share})
        for name, members in contents.items():
            path = output / archive.TOP / split / name
            archive.write_archive(path, members, compress=name == label_archive)
            digests[f"{split}/{name}"] = sha256(path)
    return digests


def label_members(tasks: list[PageTask]) -> Iterator[tuple[str, bytes]]:
    """Label files as archive members."""
    for task in tasks:
        record = read_record(task)
        content = json.dumps(record["label"], ensure_ascii=False, indent=1)
        yield f"{archive.LABEL_FOLDER}/{record['path']}.json", content.encode("utf-8")


def image_members(tasks: list[PageTask]) -> Iterator[tuple[str, bytes]]:
    """Images as archive members."""
    for task in tasks:
        yield f"{archive.IMAGE_FOLDER}/{read_record(task)['path']}.jpg", task.image.read_bytes()


def count_pages(tasks: list[PageTask]) -> dict[str, Any]:
    """Count pages, words, characters and faces by split and category."""
    pages: Counter[str] = Counter()
    words: Counter[str] = Counter()
    categories: Counter[str] = Counter()
    faces: Counter[str] = Counter()
    characters: set[str] = set()
    for task in tasks:
        record = read_record(task)
        texts = [annotation["annotation.text"] for annotation in record["label"]["annotations"]]
        pages[record["split"]] += 1
        words[record["split"]] += len(texts)
        categories[record["category"]] += 1
        faces.update(record["faces"])
        characters.update(*texts)
    return {
        "pages": dict(pages),
        "words": dict(words),
        "categories": {name: categories[name] for name in TOPICS if categories[name]},
        "faces": dict(sorted(faces.items())),
        "characters": "".join(sorted(characters)),
    }


def summary_table(manifest: dict[str, Any]) -> str:
    """The summary as a table for the terminal."""
    summary = manifest["summary"]
    syllables = sum("가" <= character <= "힣" for character in summary["characters"])
    rows: list[tuple[str, object]] = []
    for split in archive.LABEL_ARCHIVES:
        rows += [(f"{split} pages", summary["pages"][split]), (f"{split} words", summary["words"][split])]
    total_pages, total_words = sum(summary["pages"].values()), sum(summary["words"].values())
    rows += [
        ("Words a page", round(total_words / total_pages, 1)),
        ("Categories", len(summary["categories"])),
        ("Faces used", len(summary["faces"])),
        ("Different characters", len(summary["characters"])),
        ("Hangul syllables among them", syllables),
    ]
    return format_table(("Rendered", "Number"), rows)

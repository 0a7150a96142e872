"""Pages that lie turned or skewed: how many are found to, what the vote costs, and what straightening gains.

    python3 -m benchmarks.studies.orientation turns DIR ... [--rendered 100] [--seed 1000] [--faces SET] [--export DIR]
    python3 -m benchmarks.studies.orientation upright DIR ... [--export DIR]
    python3 -m benchmarks.studies.orientation skew DIR [--pages 10] [--degrees 0 3] [--export DIR]
    python3 -m benchmarks.studies.orientation words DIR ... [--weights FILE] [--limit 2000] [--export DIR]

DIR is a download or a folder of labelled pages that lie upright. `turns` turns each page by 0, 90, 180 and 270 degrees
and tells how many of them `orientation: auto` turns back, the smallest margin, and processor time a page. `upright`
reads pages as they are with `auto` and without, counts those of which not all is equal (every word's text, confidence,
box and corners, the lines, their order, the warnings), and tells what `auto` takes in all. `skew` turns pages by up to
5 degrees and reads them as they are and straightened: end-to-end F1, mean over pages. `words` asks the direction
classifier about labelled words of two and more characters, upright and upside down, and reads them as `read
--word_orientation auto` does.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

import cv2
import numpy as np

from benchmarks.studies.reading_order import rendered
from train_easyocr.common.text import format_table
from train_easyocr.documents.aihub import MAX_LABEL_BYTES, read_label_file, words_of
from train_easyocr.documents.download import find_download, find_listed_pages, holds_pages, list_download
from train_easyocr.documents.images import MAX_IMAGE_BYTES, decode_page
from train_easyocr.documents.label_formats import find_labelled_pages
from train_easyocr.documents.page import Box, Word, bounds, enclosing_box
from train_easyocr.documents.splits import evenly_spread
from train_easyocr.metrics.metrics import score_page
from train_easyocr.orientation.classifier import SHIPPED, DirectionClassifier
from train_easyocr.orientation.words import LEAST_RATIO, THRESHOLD, upside_down
from train_easyocr.reading.onnx_engine import OnnxEngine
from train_easyocr.reading.orientation import Setting, read_upright, standing_words, turned, vote
from train_easyocr.reading.pipeline import Engine, Networks
from train_easyocr.reading.sources import SourcePage
from train_easyocr.reading.torch_engine import open_engine
from train_easyocr.reading.turned_words import TurningEngine, sheet_of
from train_easyocr.reading.words import Reading
from train_easyocr.synthesis.fonts import FaceSet, FontLibrary
from train_easyocr.synthesis.further_kinds import STARTER_KINDS, UNSEEN_KINDS
from train_easyocr.synthesis.pages import KINDS

ANGLES = (0, 90, 180, 270)
WORDS_READ = 50
TURNED_TITLES = ("Words", "upright ones turned %", "turned ones found %", "ms a word")
SKEWS = (0.0, 0.5, 1.0, 2.0, 3.0, 5.0)

Labelled = tuple[str, np.ndarray, list[Word]]


def labelled_pages(folder: Path) -> Iterator[Labelled]:
    """Yield name, grey image and words of the pages of a download or a folder."""
    if holds_pages(str(folder)):
        splits = ("training", "validation")
        listing = list_download(find_download(folder), splits)
        pages = [page for split in splits for page in find_listed_pages(listing, split)[0]]
    else:
        pages = find_labelled_pages(folder).sources()
    for page in pages:
        label = read_label_file(page.label.read(MAX_LABEL_BYTES), page.name)
        grey, _ = decode_page(page.image.read(MAX_IMAGE_BYTES), label.layout)
        yield page.name, grey, list(words_of(label, *grey.shape[::-1]))


def rendered_pages(count: int, seed: int, faces: FaceSet) -> Iterator[tuple[str, np.ndarray]]:
    """Yield name and grey image of rendered pages of all kinds in turn."""
    library = FontLibrary.find(None, faces)
    kinds = [kind for kind, _ in (*KINDS, *STARTER_KINDS, *UNSEEN_KINDS)]
    for number in range(count):
        kind = kinds[number % len(kinds)]
        [(image, _)] = rendered(kind, seed + number, 1, library)
        yield f"{kind.__name__} {number}", image


def colour_of(grey: np.ndarray) -> np.ndarray:
    """Return a grey page as detectors take it."""
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)


def measure_turns(engine: Networks, what: str, pages: Iterator[tuple[str, np.ndarray]]) -> list[object]:
    """Return a row: pages, turns, those found, smallest margin among them, processor time of a page."""
    count = right = 0
    margins: list[float] = []
    times: dict[int, list[float]] = {angle: [] for angle in ANGLES}
    for name, image in pages:
        count += 1
        for angle in ANGLES:
            page = turned(image, angle)
            colour, detecting = colour_of(page), 0.0

            def level(colour: np.ndarray = colour) -> Iterator[list[Box]]:
                nonlocal detecting
                start = time.process_time()
                boxes = [bounds(shape) for shape in engine.detect(colour)]
                detecting = time.process_time() - start  # reading the page needs them anyway
                yield boxes

            start = time.process_time()
            found = vote(engine, page, level(), standing_words(engine, page))
            times[angle].append(time.process_time() - start - detecting)
            good = ((found.angle if found.known else 0) + angle) % 360 == 0  # what is unsure stays as it lies
            right += good
            if good and found.known:
                margins.append(found.margin)
            if not good:
                print(f"wrong: {name} turned by {angle}: {found}", flush=True)
    share = 100 * right / max(1, 4 * count)
    return [
        what,
        count,
        4 * count,
        right,
        f"{share:.2f}",
        f"{min(margins):.2f}",
        *(f"{np.mean(times[a]):.3f}" for a in ANGLES),
    ]


def measure_upright(engine: Networks, what: str, pages: Iterator[Labelled]) -> list[object]:
    """Return a row: pages, words, pages that `auto` reads otherwise, processor time of a page."""
    count = words = other = 0
    took: dict[Setting, float] = {"off": 0.0, "auto": 0.0}
    for name, image, _ in pages:
        source, read = SourcePage(1, colour_of(image), image), {}
        for setting in took:
            start = time.process_time()
            read[setting], _ = read_upright(engine, source, setting)
            took[setting] += time.process_time() - start
        off, auto = read["off"], read["auto"]
        count += 1
        words += len(off.words)
        if replace(auto, margin=off.margin, milliseconds=off.milliseconds) != off:
            other += 1
            print(f"{name}: turned by {auto.orientation}, straightened by {auto.skew}, {auto.warnings}; other words:")
            print(*sorted(set(off.words) ^ set(auto.words), key=lambda word: word.box), sep="\n", flush=True)
    return [what, count, words, other, *(f"{seconds / max(1, count):.3f}" for seconds in took.values())]


def skewed(image: np.ndarray, words: list[Word], angle: float) -> tuple[np.ndarray, list[Word]]:
    """Turn a page clockwise by some degrees, and give words the upright boxes around them, as labels have them."""
    if not angle:
        return image, words
    height, width = image.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -angle, 1.0)
    page = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_CUBIC, borderValue=255)

    def moved(box: Box) -> Box:
        left, top, right, bottom = box
        corners = np.array([[left, top, 1], [right, top, 1], [right, bottom, 1], [left, bottom, 1]]) @ matrix.T
        return enclosing_box([(float(x), float(y)) for x, y in corners]).clipped(width, height)

    return page, [Word(box, word.text) for word in words if (box := moved(word.box)).area]


def measure_skew(engine: Networks, pages: list[Labelled], degrees: Sequence[float]) -> str:
    """Return a table of end-to-end F1 by skew, as pages are and straightened."""
    rows = []
    for skew in degrees:
        scores: dict[Setting, list[float]] = {"off": [], "auto": []}
        found = []
        for number, (_, image, words) in enumerate(pages):
            page, labels = skewed(image, words, skew * (-1) ** number)
            source = SourcePage(1, colour_of(page), page)
            for setting, scored in scores.items():
                read, _ = read_upright(engine, source, setting)
                scored.append(score_page(labels, [Word(word.box, word.text) for word in read.words]).end_to_end_f1)
            found.append(abs(read.skew))
        mean = {setting: float(np.mean(values)) for setting, values in scores.items()}
        rows.append((skew, *(f"{value:.4f}" for value in mean.values()), f"{min(found):.2f} to {max(found):.2f}"))
        print(rows[-1], flush=True)
    return format_table(("Skew", "off", "auto", "straightened by"), rows)


def word_patches(folders: list[Path], limit: int) -> list[np.ndarray]:
    """Return the pixels of labelled words that show which way up they lie, evenly spread over all of them."""
    patches = []
    for folder in folders:
        for _, image, words in labelled_pages(folder):
            for word in words:
                box = word.box.clipped(*image.shape[::-1])
                if len(word.text) > 1 and box.area and box.width >= LEAST_RATIO * box.height:
                    patches.append(image[box.ymin : box.ymax, box.xmin : box.xmax])
    return evenly_spread(patches, limit)


def measure_words(classifier: DirectionClassifier, patches: list[np.ndarray]) -> str:
    """Return what share of upright words the classifier turns, and of turned ones finds."""
    start = time.process_time()
    upright = classifier.turned(patches)
    took = time.process_time() - start
    over = classifier.turned([upside_down(patch) for patch in patches])
    rows = [
        (
            threshold,
            len(patches),
            f"{100 * float((upright >= threshold).mean()):.3f}",
            f"{100 * float((over >= threshold).mean()):.2f}",
            f"{1000 * took / len(patches):.3f}",
        )
        for threshold in (0.5, THRESHOLD, 0.95, 0.99, 0.999)
    ]
    return format_table(("Threshold", *TURNED_TITLES), rows)


def measure_reading(engine: Engine, classifier: DirectionClassifier, patches: list[np.ndarray]) -> str:
    """Return what share of upright words are read turned, and of turned ones, by classifier and reader together."""
    both_ways = (patches, [upside_down(patch) for patch in patches])
    plain = [read_sheets(engine, words) for words in both_ways]
    start = time.process_time()
    found = [read_sheets(TurningEngine(engine, classifier), words) for words in both_ways]
    took = time.process_time() - start
    changed = [
        100 * float(np.mean([one != other for one, other in zip(*both, strict=True)]))
        for both in zip(plain, found, strict=True)
    ]
    row = (
        "classifier and reader",
        len(patches),
        f"{changed[0]:.3f}",
        f"{changed[1]:.2f}",
        f"{500 * took / len(patches):.3f}",
    )
    return format_table(("Turned by", *TURNED_TITLES), [row])


def read_sheets(engine: Networks, words: list[np.ndarray]) -> list[Reading]:
    """Read words, some at a time."""
    sheets = [sheet_of(words[first : first + WORDS_READ]) for first in range(0, len(words), WORDS_READ)]
    return [reading for sheet in sheets for reading in engine.read(*sheet)]


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description="Pages and words that lie turned.")
    parts = parser.add_subparsers(dest="part", required=True)
    turns = parts.add_parser("turns")
    turns.add_argument("folders", nargs="*", type=Path)
    turns.add_argument("--rendered", type=int, default=0)
    turns.add_argument("--seed", type=int, default=1000, help="of the first rendered page")
    turns.add_argument("--faces", choices=get_args(FaceSet), default="sample")
    parts.add_parser("upright").add_argument("folders", nargs="+", type=Path)
    skew = parts.add_parser("skew")
    skew.add_argument("folder", type=Path)
    skew.add_argument("--pages", type=int, default=10)
    skew.add_argument("--degrees", nargs="+", type=float, default=SKEWS)
    words = parts.add_parser("words")
    words.add_argument("folders", nargs="+", type=Path)
    words.add_argument("--weights", type=Path, default=SHIPPED)
    words.add_argument("--limit", type=int, default=2000)
    for part in parts.choices.values():
        part.add_argument("--export", type=Path, help="read with this in ONNX Runtime, not with the starter in torch")
    arguments = parser.parse_args()
    networks = OnnxEngine(arguments.export, 1) if arguments.export else open_engine("starter")
    if arguments.part == "words":
        classifier = DirectionClassifier(arguments.weights)
        patches = word_patches(arguments.folders, arguments.limit)
        print(measure_words(classifier, patches), measure_reading(networks, classifier, patches), sep="\n")
        return
    if arguments.part == "upright":
        rows = [measure_upright(networks, str(folder), labelled_pages(folder)) for folder in arguments.folders]
        print(format_table(("Pages of", "Pages", "words", "pages that differ", "CPU s without", "with auto"), rows))
        return
    if arguments.part == "skew":
        pages = evenly_spread(list(labelled_pages(arguments.folder)), arguments.pages)
        print(measure_skew(networks, pages, arguments.degrees))
        return
    sets: list[tuple[str, Iterator[tuple[str, np.ndarray]]]] = [
        (str(folder), ((name, image) for name, image, _ in labelled_pages(folder))) for folder in arguments.folders
    ]
    if arguments.rendered:
        sets.append(("rendered", rendered_pages(arguments.rendered, arguments.seed, arguments.faces)))
    rows = [measure_turns(networks, what, pages) for what, pages in sets]
    titles = (
        "Pages of",
        "Pages",
        "Turns",
        "right",
        "right %",
        "least margin",
        *(f"CPU s at {angle}" for angle in ANGLES),
    )
    print(format_table(titles, rows))


if __name__ == "__main__":
    main()

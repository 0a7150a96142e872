"""Speed and quality of finding words: `db_light`, and CRAFT as EasyOCR runs it.

    python3 -m benchmarks.detection [--weights FILE --pages DIR] [--no_craft]
    OMP_NUM_THREADS=1 python3 -m benchmarks.detection --cpu_time      # on a machine that others use, too

Without weights and pages: speed alone, of networks with random weights on a rendered page, whose maps take as long
as those of trained ones; boxes are made of the page's ideal map. With them: what the detector finds, too, against the
labels, at an intersection over union of 0.5. CRAFT runs once a page, since it takes long.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import easyocr.craft
import numpy as np
import torch

from benchmarks.results import Row, report
from train_easyocr.common.text import format_table
from train_easyocr.detection.config import DetectionConfig
from train_easyocr.detection.craft import CraftDetector
from train_easyocr.detection.db_boxes import DbParameters
from train_easyocr.detection.db_detector import DbDetector, open_db_light
from train_easyocr.detection.db_network import DbLight
from train_easyocr.detection.db_targets import PROBABILITY, db_targets
from train_easyocr.detection.interface import ScoreMaps, WordDetector
from train_easyocr.detection.scaling import STRIDE
from train_easyocr.documents import Box
from train_easyocr.documents.aihub import find_pages, read_labelled_page
from train_easyocr.documents.images import decode_image
from train_easyocr.engine.device import Device
from train_easyocr.metrics.matching import match
from train_easyocr.synthesis.fonts import FontLibrary
from train_easyocr.synthesis.generate import RenderSettings, render_page

LONG_SIDE = DetectionConfig().long_side
Clock = Callable[[], float]


def rendered() -> tuple[np.ndarray, list[Box]]:
    """Render a page of 300 dots per inch; return it (RGB) and its labels."""
    jpeg, record = render_page(0, RenderSettings(2, 7, Fraction(1, 2)), FontLibrary.find())
    boxes = [entry["annotation.bbox"] for entry in record["label"]["annotations"]]
    image = decode_image(jpeg, rgb=True)[..., ::-1].copy()
    return image, [Box(x, y, x + width, y + height) for x, y, width, height in boxes]


def ideal_maps(labels: Sequence[Box], page: np.ndarray, long_side: int) -> ScoreMaps:
    """Return the probability map that a perfect network would give."""
    height, width = page.shape[:2]
    scale = STRIDE * max(height, width) / long_side
    shape = (int(np.ceil(height / scale)), int(np.ceil(width / scale)))
    targets = db_targets(np.array(labels, float) / scale, np.zeros((0, 4)), shape)
    return ScoreMaps(targets[PROBABILITY][None].astype(np.float32), scale, (width, height))


def seconds_of(work: Callable[[], object], clock: Clock, repeats: int) -> float:
    """Return the fewest seconds of several runs."""
    found = []
    for _ in range(repeats):
        start = clock()
        work()
        found.append(clock() - start)
    return min(found)


def speed_row(detector: DbDetector, *, craft: bool, clock: Clock) -> Row:
    """Measure a page's maps and boxes."""
    page, labels = rendered()
    detector.score_maps(page)  # the first run prepares the kernels
    maps = seconds_of(lambda: detector.score_maps(page), clock, 3)
    ideal = ideal_maps(labels, page, detector.long_side)
    boxes = seconds_of(lambda: detector.boxes(ideal), clock, 3)
    plain = None
    if craft:
        network = CraftDetector(easyocr.craft.CRAFT())
        plain = seconds_of(lambda: network.boxes(network.score_maps(page)), clock, 1)
    height, width = page.shape[:2]
    work = f"words of a page of {width:,} x {height:,} pixels: CRAFT, fp32; db_light, {detector.device.precision}"
    return Row(work, plain, maps + boxes, "s a page", note=f"{len(labels)} boxes in {1000 * boxes:.1f} ms")


def quality(detector: WordDetector, folder: Path, limit: int) -> list[object]:
    """Compare what a detector finds on labelled pages with the labels."""
    pages = [read_labelled_page(page) for page in find_pages(folder)[0][:limit]]
    matched = found = labelled = 0
    for page in pages:
        image = decode_image(page.image.read_bytes(), rgb=True)[..., ::-1].copy()
        boxes = detector.boxes(detector.score_maps(image))
        labels = [word.box for word in page.words]
        matched, found, labelled = matched + len(match(labels, boxes)), found + len(boxes), labelled + len(labels)
    shares = (matched / max(1, found), matched / max(1, labelled), 2 * matched / max(1, found + labelled))
    return [len(pages), labelled, *(f"{share:.4f}" for share in shares)]


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description="Speed and quality of finding words.")
    parser.add_argument("--weights", type=Path, help="of db_light, with the card beside them")
    parser.add_argument("--pages", type=Path, help="labelled pages: a folder with images/ and labels/")
    parser.add_argument("--limit", type=int, default=1000, help="pages at most (default: %(default)s)")
    parser.add_argument("--no_craft", action="store_true", help="leave CRAFT's speed out")
    parser.add_argument("--cpu_time", action="store_true", help="the process's own time, of all its threads together")
    args = parser.parse_args()
    cv2.setNumThreads(torch.get_num_threads())
    if args.weights:
        detector = open_db_light(args.weights)
    else:
        detector = DbDetector.of(DbLight(), LONG_SIDE, DbParameters(), Device.choose("auto"))
    clock = time.process_time if args.cpu_time else time.perf_counter
    report([speed_row(detector, craft=not args.no_craft, clock=clock)])
    print(f"{torch.get_num_threads()} threads; load average {os.getloadavg()[0]:.1f}")
    if args.weights and args.pages:
        row = quality(detector, args.pages, args.limit)
        print(format_table(["pages", "words", "precision", "recall", "F1"], [row]))


if __name__ == "__main__":
    main()

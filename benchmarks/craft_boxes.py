"""Time from CRAFT's maps to boxes, beside EasyOCR's own code, and of a search's trials over kept maps.

    python3 -m benchmarks.craft_boxes [--pages 4] [--trials 60]

The plain way is EasyOCR's code. Pages are rendered 2,480 pixels wide; the maps are what CRAFT would say if it saw each
character, plus noise.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from easyocr.craft_utils import adjustResultCoordinates, getDetBoxes
from easyocr.utils import group_text_box

from benchmarks.rendered import RenderedPage, render, true_maps
from benchmarks.results import Row, report
from train_easyocr.detection.craft import CraftDetector
from train_easyocr.detection.craft_boxes import craft_boxes, find_candidates, group
from train_easyocr.detection.interface import ScoreMaps
from train_easyocr.detection.parameters import WORDS, CraftParameters
from train_easyocr.documents.sources import FileSource, PageSource
from train_easyocr.synthesis.fonts import FontLibrary
from train_easyocr.tuning.objective import MappedPage, Objective, map_key
from train_easyocr.tuning.search import Search

EASYOCR = CraftParameters()


def noisy_maps(page: RenderedPage, number: int) -> ScoreMaps:
    """Return true maps at the scale at which EasyOCR looks at such a page, weakened and with noise."""
    height, width = page.image.shape[:2]
    maps = true_maps(page, 2 * max(height, width) / EASYOCR.canvas_size)
    noise = np.random.default_rng(number).normal(0, 0.08, maps.maps.shape)
    return ScoreMaps((0.8 * maps.maps + noise).clip(0, 1).astype(np.float32), maps.scale, maps.page_size)


def easyocr_boxes(maps: ScoreMaps) -> list[list[int]]:
    """Return what EasyOCR's code makes of the maps: upright boxes before they are cut to the page."""
    p = EASYOCR
    corners, _, _ = getDetBoxes(*maps.maps, p.text_threshold, p.link_threshold, p.low_text)
    corners = adjustResultCoordinates(corners, maps.scale / 2, maps.scale / 2)
    quads = [np.array(one).astype(np.int32).reshape(-1) for one in corners]
    level, _ = group_text_box(quads, p.slope_ths, p.ycenter_ths, p.height_ths, p.width_ths, p.add_margin)
    return [[int(xmin), int(ymin), int(xmax), int(ymax)] for xmin, xmax, ymin, ymax in level]


def our_boxes(maps: ScoreMaps) -> list[list[int]]:
    """Return the same by our code."""
    candidates = find_candidates(*maps.maps, EASYOCR.low_text, EASYOCR.link_threshold)
    return [list(box) for box in group(candidates, EASYOCR, maps.scale)[0]]


def mapped(page: RenderedPage, maps: ScoreMaps, number: int) -> MappedPage:
    """Return a page as a search keeps it."""
    steps = np.rint(maps.maps * 255).astype(np.uint8)
    source = PageSource(str(number), FileSource(Path()), FileSource(Path()))
    kept = {map_key(EASYOCR, *maps.page_size): (steps, maps.scale)}
    return MappedPage(source, str(number), tuple(page.words), maps.page_size, kept)


def timed(work: Callable[[ScoreMaps], Any], maps: list[ScoreMaps]) -> tuple[list[Any], float]:
    """Return the results and the CPU seconds a page."""
    start = time.process_time()
    results = [work(one) for one in maps]
    return results, (time.process_time() - start) / len(maps)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=4)
    parser.add_argument("--trials", type=int, default=60)
    arguments = parser.parse_args()
    library = FontLibrary.find()
    pages = [render(number, library) for number in range(arguments.pages)]
    maps = [noisy_maps(page, number) for number, page in enumerate(pages)]
    theirs, slow = timed(easyocr_boxes, maps)
    ours, fast = timed(our_boxes, maps)
    assert theirs == ours, "EasyOCR's parameters give EasyOCR's boxes"
    words, own = timed(lambda one: craft_boxes(one, WORDS), maps)
    equal, count = f"{sum(map(len, ours))} boxes, the same", sum(map(len, words))
    rows = [
        Row("boxes from CRAFT's maps, EasyOCR's parameters", slow * 1e3, fast * 1e3, "CPU ms a page", note=equal),
        Row("boxes from CRAFT's maps, a box a word", slow * 1e3, own * 1e3, "CPU ms a page", note=f"{count} boxes"),
    ]
    kept = [mapped(*both, number) for number, both in enumerate(zip(pages, maps, strict=True))]
    objective = Objective(CraftDetector(torch.nn.Identity()), kept)  # no network runs any more
    with tempfile.TemporaryDirectory() as folder:
        search = Search(objective, EASYOCR, storage=Path(folder) / "trials.sqlite3")
        wall, cpu = time.perf_counter(), time.process_time()
        search.run(arguments.trials)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    note = f"over {len(pages)} pages; {cpu / arguments.trials * 1e3:.0f} ms of CPU a trial"
    report(
        [*rows, Row("search for CRAFT's settings", None, 60 * arguments.trials / wall, "trials a minute", note=note)]
    )


if __name__ == "__main__":
    main()

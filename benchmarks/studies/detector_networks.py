"""The better of two networks: db_light and CRAFT, each from nothing, on the same pieces of the same rendered pages.

    OMP_NUM_THREADS=1 nice python3 -m benchmarks.studies.detector_networks --work DIR [--iterations 500]
        [--networks craft]

Reduced, so that a CPU core does it: pages half as large as scans, read at a longer side of 1,024 pixels, pieces of
128 x 128. Both learn with the same loader, seed, optimizer and schedule (to 0.001 and 0.002); the settings of boxes are
then searched for each on the validation pages, and both are scored on held-out pages in faces that were not trained on.
CRAFT from random weights is not EasyOCR's CRAFT, whose weights have seen many more pages.

Killed, it goes on where it was; done already, it prints its table again. CPU seconds are those of this process.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import torch

from train_easyocr.common.files import write_json
from train_easyocr.common.text import format_table
from train_easyocr.detection.config import DetectionConfig
from train_easyocr.detection.opening import OpenedDetector, open_word_detector
from train_easyocr.detection.pages import find_split, open_pages
from train_easyocr.detection.training import train
from train_easyocr.documents.sources import PageSource
from train_easyocr.synthesis.__main__ import main as render
from train_easyocr.synthesis.archive import TOP
from train_easyocr.tuning.objective import MappedPage, Objective, map_pages
from train_easyocr.tuning.search import Search

NETWORKS = {"craft": 0.001, "db_light": 0.002}
"""The networks and their learning rates."""
PAGE_WIDTH, LONG_SIDE, PIECE, BATCH = 1240, 1024, 128, 4
FIGURES = ("detection_precision", "detection_recall", "detection_f1")


def rendered(folder: Path, pages: int, validation_share: str, faces: str, seed: int) -> Path:
    """Render pages, or what is left of them; return the data set's folder."""
    command = ["--pages", str(pages), "--validation_share", validation_share, "--faces", faces, "--seed", str(seed)]
    if render(["--output", str(folder), *command, "--page_width", str(PAGE_WIDTH), "--workers", "1"]):
        raise SystemExit(1)
    return folder / TOP


def settings(network: str, data: Path, work: Path, iterations: int) -> DetectionConfig:
    """Return a network's training; all but the network and its learning rate is the same."""
    return DetectionConfig(
        experiment_name=f"{network}-{iterations}",
        saved_models=str(work / "saved_models"),
        dataset=str(data),
        val_images=4,
        eval_images=2,
        workers=0,
        long_side=LONG_SIDE,
        crop_size=PIECE,
        augmentation="light",
        network=network,
        continue_from="",
        lr=NETWORKS[network],
        batch_size=BATCH,
        n_iter=iterations,
        val_period=iterations,
        save_period=iterations,  # the last weights: the best ones are chosen with untuned settings
    )


def trained(config: DetectionConfig) -> tuple[OpenedDetector, float]:
    """Train a network, or what is left of it; return it and the CPU seconds that all parts took."""
    spent_file = config.experiment / "cpu_seconds.json"
    before = json.loads(spent_file.read_text(encoding="utf-8")) if spent_file.is_file() else 0.0
    start = time.process_time()
    try:
        train(config)
    finally:
        if config.experiment.is_dir():
            write_json(spent_file, before + time.process_time() - start)
    weights = config.experiment / f"iter_{config.n_iter}.pth"
    return open_word_detector(weights), json.loads(spent_file.read_text(encoding="utf-8"))


def mapped(pages: Sequence[PageSource], opened: OpenedDetector, work: Path, title: str) -> list[MappedPage]:
    """Return pages with their maps."""
    found, problems = map_pages(
        pages,
        opened.detector,
        opened.weights_sha256,
        variants=[opened.detector.parameters],
        cache=work / "score_maps",
        title=title,
    )
    assert not problems, problems
    return found


def figures_of(config: DetectionConfig, held_out: Path, work: Path, trials: int) -> dict[str, Any]:
    """Train, search on the validation pages, and score on the held-out ones."""
    opened, seconds = trained(config)
    validation = mapped(open_pages(config, 0)[1].pages, opened, work, "validation pages")
    start = time.process_time()
    pages = mapped(find_split("", held_out, "validation")[0], opened, work, "held-out pages")
    seconds_a_page = (time.process_time() - start) / len(pages)
    search = Search(Objective(opened.detector, validation), opened.detector.parameters)
    search.run(trials)
    scores = Objective(opened.detector, pages)
    return {
        "network": config.network,
        "parameters": sum(p.numel() for p in opened.detector.network.parameters()),  # type: ignore[attr-defined]
        "pieces": config.n_iter * config.batch_size,
        "training, CPU s": seconds,
        "CPU s a page": seconds_a_page,
        "before": scores.summary(opened.detector.parameters),
        "found": scores.summary(search.best),
        "settings": search.best.model_dump(),
    }


def table(results: Sequence[dict[str, Any]]) -> str:
    """Lay out the figures of both networks."""
    header = ["network", "parameters", "pieces", "training, CPU s", "CPU s a page", "settings", *FIGURES]
    rows = [
        [
            one["network"], f"{one['parameters']:,}", f"{one['pieces']:,}", f"{one['training, CPU s']:,.0f}",
            f"{one['CPU s a page']:.2f}", which, *(f"{one[which][figure]:.4f}" for figure in FIGURES),
        ]
        for one in results
        for which in ("before", "found")
    ]  # fmt: skip
    return format_table(header, rows)


def main() -> None:
    """Render, train, search, score, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="for pages, weights and figures")
    parser.add_argument("--iterations", type=int, default=500, help=f"of {BATCH} pieces; default: %(default)s")
    parser.add_argument("--pages", type=int, default=120, help="a twelfth for validation; default: %(default)s")
    parser.add_argument("--trials", type=int, default=150, help="of the search for settings; default: %(default)s")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    args = parser.parse_args()
    cv2.setNumThreads(torch.get_num_threads())
    data = rendered(args.work / "pages", args.pages, "1/12", "starter", 3)
    held_out = rendered(args.work / "held_out", 8, "3/4", "unseen", 4)
    results = []
    for network in args.networks:
        config = settings(network, data, args.work, args.iterations)
        results.append(figures_of(config, held_out, args.work, args.trials))
        write_json(args.work / f"{config.experiment_name}.json", results[-1])
    print(table(results))


if __name__ == "__main__":
    main()

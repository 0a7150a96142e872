"""Speed and memory of reading with ONNX Runtime beside torch, one thread, the same words and pages in one run.

    OMP_NUM_THREADS=1 python3 -m benchmarks.onnx FP32 INT8 [--repeats 5]
    OMP_NUM_THREADS=1 python3 -m benchmarks.onnx FP32 INT8 --memory torch|onnx

FP32 and INT8 are folders of `train_easyocr.export --bundle starter`. Words are rendered, brought to a width of three
times the height, and go through the networks alone: nothing is read again. Milliseconds are of the processor, fewest of
the repeats. `--memory` shows what the process holds before and after 1,000 batches of random size.
"""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import psutil
import torch

from train_easyocr.common.text import format_table
from train_easyocr.datasets.images import resize_patch, to_batch
from train_easyocr.detection.db_detector import DbDetector, load_db_light
from train_easyocr.engine.device import Device
from train_easyocr.onnx_export.export import checking_words, rendered_pages
from train_easyocr.reading.onnx_engine import IMAGES, OnnxDetector, normalized, open_session, read_export_card
from train_easyocr.recognition.fast_network import fast_network
from train_easyocr.recognition.model import open_trained
from train_easyocr.settings.config import DEFAULT_CONFIG, load_config
from train_easyocr.weights.starter import DETECTOR, RECOGNIZER

BATCHES = (1, 16, 64)
TORCH = ("fp32", "bf16")
Way = Callable[[np.ndarray], object]


def recognizers(folders: dict[str, Path]) -> tuple[dict[str, Way], int]:
    """Return the ways to run the recognizer, and its height."""
    model, about, _ = open_trained(RECOGNIZER)
    ways: dict[str, Way] = {}
    for precision in TORCH:
        network = fast_network(model, precision)

        @torch.inference_mode()
        def run(batch: np.ndarray, network: torch.nn.Module = network) -> object:
            return network(torch.from_numpy(batch).contiguous(memory_format=torch.channels_last), None)

        ways[f"torch {precision}"] = run
    for name, folder in folders.items():
        session = open_session(folder / "recognizer.onnx")
        ways[f"ONNX Runtime {name}"] = lambda batch, session=session: session.run(None, {IMAGES: batch})
    return ways, about.img_height


def fewest(ways: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Run all in turn, several times; return the fewest milliseconds of the processor of each."""
    found = dict.fromkeys(ways, float("inf"))
    for _ in range(repeats + 1):  # the first run prepares what is kept
        for name, way in ways.items():
            start = time.process_time()
            way()
            found[name] = min(found[name], 1000 * (time.process_time() - start))
    return found


def words(count: int, height: int) -> np.ndarray:
    """Return rendered words as a network's input, [count, 1, height, 3 * height]."""
    _, about, _ = open_trained(RECOGNIZER)
    about = about.model_copy(update={"validation_sets": []})
    found, _ = checking_words(about, load_config(DEFAULT_CONFIG, []), count)
    return normalized(to_batch([resize_patch(word.image, height, 3 * height) for word in found], 3 * height))


def run_all(way: Way, batches: Sequence[np.ndarray]) -> None:
    """Run a network on batches."""
    for batch in batches:
        way(batch)


def speed(folders: dict[str, Path], repeats: int) -> None:
    """Print a table of words and one of pages."""
    ways, height = recognizers(folders)
    all_words = words(max(BATCHES), height)
    rows = {name: [name] for name in ways}
    for size in BATCHES:
        batches = [all_words[first : first + size] for first in range(0, len(all_words), size)]
        runs = {name: functools.partial(run_all, way, batches) for name, way in ways.items()}
        for name, milliseconds in fewest(runs, repeats).items():
            rows[name].append(f"{milliseconds / len(all_words):.2f}")
    print(format_table(["ms a word", *(f"batch {size}" for size in BATCHES)], list(rows.values())))
    page = rendered_pages(1)[0].image
    card = read_export_card(folders["fp32"]).detector
    model, _ = load_db_light(DETECTOR)
    finders: dict[str, Callable[[], object]] = {}
    for precision in TORCH[:2]:
        detector = DbDetector.of(model, card.long_side, card.parameters, Device(torch.device("cpu"), precision))
        finders[f"torch {precision}"] = lambda detector=detector: detector.score_maps(page)
    for name, folder in folders.items():
        onnx = OnnxDetector(open_session(folder / "detector.onnx"), card)
        finders[f"ONNX Runtime {name}"] = lambda onnx=onnx: onnx.score_maps(page)
    found = fewest(finders, repeats)
    print(format_table(["a page's maps", "ms"], [[name, f"{value:.0f}"] for name, value in found.items()]))


def memory(folders: dict[str, Path], which: str) -> None:
    """Print what the process holds before and after 1,000 batches of random size."""
    ways, height = recognizers(folders)
    way = ways["torch fp32" if which == "torch" else "ONNX Runtime fp32"]
    random, process = np.random.default_rng(0), psutil.Process()
    before = process.memory_info().rss
    for _ in range(1000):
        way(np.zeros((int(random.integers(1, 9)), 1, height, int(random.integers(32, 640))), np.float32))
    after = process.memory_info().rss
    print(f"{which}: {before / 2**20:.0f} MiB, after 1,000 batches of random size {after / 2**20:.0f} MiB")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="ONNX Runtime beside torch.")
    parser.add_argument("fp32", type=Path)
    parser.add_argument("int8", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--memory", choices=("torch", "onnx"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    folders = {"fp32": args.fp32, "int8": args.int8}
    if args.memory:
        memory(folders, args.memory)
    else:
        speed(folders, args.repeats)


if __name__ == "__main__":
    main()

"""Speed and memory of reading the words of a page: EasyOCR as its users call it, and `WordReader`.

    python3 -m benchmarks.reading [--words 110] [--repeats 3]
    OMP_NUM_THREADS=1 python3 -m benchmarks.reading --cpu_time      # on a machine that others use, too

Renders a page, opens korean_g2-shaped networks with random weights, and reads words of the page at their labelled
boxes, in turn, the fastest of the repeats counting. EasyOCR reads box by box on a CPU whatever `batch_size` is, in int8
unless told otherwise. The floor is the network alone on all words of a width at once. Memory is what the process held
at most while it read, above what it held with the reader opened. The head's weights are scaled until the network is as
sure of its words as a trained one: unsure words are read again in float32, a share that is shown.
Second tries are switched off on both sides, since random weights would ask for one at nearly every word.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from fractions import Fraction

import psutil
import pytest
import torch

from benchmarks.results import Row, report
from tests.easyocr_files import install_random_weights
from train_easyocr.datasets.images import reading_width, resize_patch, to_batch
from train_easyocr.documents import Box
from train_easyocr.documents.images import decode_image
from train_easyocr.engine.device import fastest_precision, normalize
from train_easyocr.reading.reader import _SURE, Pixels, WordReader, open_baseline
from train_easyocr.recognition.decoding import greedy, probabilities
from train_easyocr.synthesis.fonts import FontLibrary
from train_easyocr.synthesis.generate import RenderSettings, render_page

HEIGHT = 64
UNSURE_SHARE = 0.05
"""At most so many words are read again; of the words of real documents, the starter weights read 3.6 % again."""


def page(words: int) -> tuple[Pixels, list[Box]]:
    """Render a page and return it with `words` of its boxes, evenly spread."""
    jpeg, record = render_page(0, RenderSettings(2, 7, Fraction(1, 2)), FontLibrary.find())
    grey = decode_image(jpeg)
    found = [entry["annotation.bbox"] for entry in record["label"]["annotations"]]
    boxes = [Box(x, y, x + width, y + height).clipped(*grey.shape[::-1]) for x, y, width, height in found]
    boxes = sorted((box for box in boxes if box.area), key=lambda box: box.width)
    return grey, [boxes[number * len(boxes) // words] for number in range(min(words, len(boxes)))]


def batches_of(grey: Pixels, boxes: list[Box]) -> list[torch.Tensor]:
    """Return a network's input for all words, those of a width together."""
    by_width: dict[int, list[Pixels]] = {}
    for box in boxes:
        width = reading_width(box.width, box.height, HEIGHT)
        patch = resize_patch(grey[box.ymin : box.ymax, box.xmin : box.xmax], HEIGHT, width)
        by_width.setdefault(width, []).append(patch)
    batches = [normalize(torch.from_numpy(to_batch(images, width))) for width, images in by_width.items()]
    return [batch.contiguous(memory_format=torch.channels_last) for batch in batches]


def make_sure(networks: Sequence[torch.nn.Module], rounded: torch.nn.Module, batches: list[torch.Tensor]) -> float:
    """Scale the heads, that of `rounded` among them, until few words would be read again; return the share that is."""
    share = 1.0
    for _ in range(40):
        with torch.inference_mode():
            words = [word for batch in batches for word in greedy(probabilities(rounded(batch, None)))]
        share = sum(word.certainty < _SURE for word in words) / len(words)
        if share <= UNSURE_SHARE:
            break
        for network in networks:
            for parameter in network.get_submodule("Prediction").parameters():
                parameter.data *= 1.25
    return share


def fastest(
    ways: dict[str, Callable[[], object]], repeats: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Run all in turn, several times; return each one's fewest seconds."""
    seconds = dict.fromkeys(ways, float("inf"))
    for _ in range(repeats):
        for name, way in ways.items():
            start = clock()
            way()
            seconds[name] = min(seconds[name], clock() - start)
    return seconds


def memory_of(way: Callable[[], object]) -> float:
    """Return how many MiB the process grows by, at most, while a way runs."""
    process, ended = psutil.Process(), threading.Event()
    before = peak = process.memory_info().rss

    def watch() -> None:
        nonlocal peak
        while not ended.wait(0.002):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    way()
    ended.set()
    watcher.join()
    return (peak - before) / 2**20


def floor_of(network: torch.nn.Module, batches: list[torch.Tensor]) -> Callable[[], None]:
    """Return the network's work alone."""

    @torch.inference_mode()
    def forward() -> None:
        for batch in batches:
            network(batch, None)

    return forward


def rows(words: int = 110, repeats: int = 3, clock: Callable[[], float] = time.perf_counter) -> list[Row]:
    """Measure; one row for what EasyOCR does by default and one for float32, beside our default and our float32."""
    grey, boxes = page(words)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        install_random_weights(folder, patch, names=("korean_g2",))
        exact = open_baseline(["ko", "en"], quantize=False)
        default = open_baseline(["ko", "en"])
        quick = {"fp32": WordReader(exact, "fp32"), fastest_precision(torch.device("cpu")): WordReader(exact)}
    names = list(quick)
    networks = [part for reader in quick.values() for part in (reader._exact, reader._rounded) if part]
    batches, rounded = batches_of(grey, boxes), quick[names[-1]]._rounded
    again = make_sure([exact.reader.recognizer, *networks], rounded, batches) if rounded else 0
    ways: dict[str, Callable[[], object]] = {
        "EasyOCR int8": lambda: default.recognize(grey, boxes, contrast_ths=0),
        "EasyOCR float32": lambda: exact.recognize(grey, boxes, contrast_ths=0),
    }
    for name, reader in quick.items():
        ways[name] = lambda reader=reader: reader.recognize(grey, boxes, contrast_ths=0)
        ways[f"floor {name}"] = floor_of(reader._rounded or reader._exact, batches)
    memory = {name: memory_of(way) for name, way in ways.items()}
    found = {name: 1000 * seconds / len(boxes) for name, seconds in fastest(ways, repeats, clock).items()}
    best = names[-1]
    return [
        Row(
            f"reading {len(boxes)} words, {theirs}, ours {ours}",
            found[theirs],
            found[ours],
            "ms a word",
            found[f"floor {ours}"],
            memory[ours],
            f"EasyOCR holds {memory[theirs]:.0f} MiB" + (f"; {again:.0%} again in fp32" if ours != "fp32" else ""),
        )
        for theirs, ours in dict.fromkeys(
            (("EasyOCR int8", best), ("EasyOCR float32", best), ("EasyOCR float32", "fp32"))
        )
    ]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description="Speed and memory of reading words.")
    parser.add_argument("--words", type=int, default=110, help="words to read (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=3, help="the fastest of so many counts (default: %(default)s)")
    parser.add_argument("--cpu_time", action="store_true", help="the process's own time, of all its threads together")
    args = parser.parse_args()
    clock = time.process_time if args.cpu_time else time.perf_counter
    report(rows(args.words, args.repeats, clock))
    print(f"{torch.get_num_threads()} threads; load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()

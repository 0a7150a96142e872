"""Whether ONNX Runtime finds and reads the words that torch does in float32, on labelled pages, and in which time.

    OMP_NUM_THREADS=1 python3 -m benchmarks.studies.engines_agree DIR ... --exports FP32 INT8

DIR is a download or a folder of labelled pages; FP32 and INT8 are folders of `train_easyocr.export --bundle starter`.
For each engine: boxes that are not to the pixel among those of torch in float32, words of these boxes that it reads
otherwise, end-to-end F1 (mean over pages), and processor time of one thread. Texts that differ are printed.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.studies.orientation import colour_of, labelled_pages
from train_easyocr.common.text import format_table
from train_easyocr.detection.db_detector import DbDetector, open_db_light
from train_easyocr.detection.opening import open_detector_of
from train_easyocr.documents.page import Shape, Word, bounds
from train_easyocr.metrics.metrics import score_page
from train_easyocr.reading.onnx_engine import OnnxEngine
from train_easyocr.reading.pipeline import Engine
from train_easyocr.reading.reader import WordFinder, open_weights
from train_easyocr.reading.torch_engine import TorchEngine, open_engine
from train_easyocr.weights.bundle import open_bundle
from train_easyocr.weights.starter import DETECTOR, RECOGNIZER, STARTER

REFERENCE = "torch fp32"
HEADER = ("Pages of", "Engine", "Boxes", "other boxes", "other texts", "F1", "CPU ms a page: boxes", "words")


class Tally:
    """What one engine gave on a set's pages."""

    def __init__(self) -> None:
        self.boxes = self.other_boxes = self.other_texts = 0
        self.scores: list[float] = []
        self.seconds = [0.0, 0.0]

    def row(self) -> list[object]:
        """Return its figures."""
        times = [f"{1000 * seconds / len(self.scores):.0f}" for seconds in self.seconds]
        return [self.boxes, self.other_boxes, self.other_texts, f"{np.mean(self.scores):.4f}", *times]


def open_engines(exports: Sequence[Path]) -> dict[str, Engine]:
    """Open torch in float32, torch as it reads by default, and ONNX Runtime with each export."""
    default = open_engine(STARTER)
    found = open_detector_of(open_bundle(STARTER)).detector
    if not isinstance(found, DbDetector):
        raise TypeError("the starter's detector is not db_light")
    finder = WordFinder(open_db_light(DETECTOR, cuda=False, parameters=found.parameters, precision="fp32"))
    exact = TorchEngine(open_weights(RECOGNIZER, precision="fp32"), finder, default.identity)
    engines: dict[str, Engine] = {REFERENCE: exact, "torch by default": default}
    return engines | {f"ONNX Runtime {folder.name}": OnnxEngine(folder, threads=1) for folder in exports}


def measure(engines: dict[str, Engine], folder: Path) -> list[list[object]]:
    """Return a row for each engine."""
    tallies = {name: Tally() for name in engines}
    for name, grey, words in labelled_pages(folder):
        colour = colour_of(grey)
        shapes: list[Shape] = []
        texts: list[str] = []
        for called, engine in engines.items():
            tally = tallies[called]
            begun = time.process_time()
            found = engine.detect(colour)
            detected = time.process_time()
            readings = [text for text, _ in engine.read(grey, found)]
            read = time.process_time()
            tally.seconds = [tally.seconds[0] + detected - begun, tally.seconds[1] + read - detected]
            predictions = [
                Word(bounds(shape), text.strip()) for shape, text in zip(found, readings, strict=True) if text.strip()
            ]
            tally.scores.append(score_page(words, predictions).end_to_end_f1)
            if called == REFERENCE:
                shapes, texts = found, readings
            tally.boxes += len(found)
            tally.other_boxes += sum((Counter(found) - Counter(shapes)).values())
            again = readings if found == shapes else [text for text, _ in engine.read(grey, shapes)]
            for shape, right, text in zip(shapes, texts, again, strict=True):
                if text != right:
                    tally.other_texts += 1
                    print(f"{name} {bounds(shape)}: {right} in {REFERENCE}, {text} in {called}", flush=True)
    return [[folder.name, called, *tally.row()] for called, tally in tallies.items()]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="ONNX Runtime beside torch on labelled pages.")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--exports", nargs="+", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    engines = open_engines(arguments.exports)
    for folder in arguments.folders:
        print(format_table(HEADER, measure(engines, folder)), flush=True)


if __name__ == "__main__":
    main()

"""Whether reading in the processor's fastest precision gives the words that float32 gives, and in which time.

    python3 -m benchmarks.studies.reading_agreement --eval_set DIR [DIR ...] [--weights NAME]

Reads all words of evaluation sets at their labelled boxes with trained weights, by default the starter's, in float32
and in the precision that `device.fastest_precision` chooses (bf16), and shows how many texts differ, how far the
confidences are apart, and the processor time of both.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from train_easyocr.common.text import format_table
from train_easyocr.documents.aihub import find_pages, read_labelled_page
from train_easyocr.engine.device import fastest_precision
from train_easyocr.reading.reader import open_weights
from train_easyocr.reading.sources import load_page
from train_easyocr.recognition.fast_network import ReadingPrecision
from train_easyocr.weights.bundle import recognizer_of
from train_easyocr.weights.starter import STARTER


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, compare and print."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        prog="python3 -m benchmarks.studies.reading_agreement",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--eval_set", type=Path, nargs="+", required=True, metavar="DIR", help="images/ and labels/")
    parser.add_argument("--weights", type=recognizer_of, default=STARTER, metavar="NAME")
    args = parser.parse_args(arguments)
    fastest = fastest_precision(torch.device("cpu"))
    if fastest == "fp32":
        print("this processor is fastest in fp32: there is nothing to compare", file=sys.stderr)
        return 2
    ways: tuple[ReadingPrecision, ...] = ("fp32", fastest)
    readers = {way: open_weights(args.weights, precision=way) for way in ways}
    rows: list[list[object]] = []
    for folder in args.eval_set:
        seconds, different, distances = dict.fromkeys(ways, 0.0), [], []
        for file in tqdm(find_pages(folder)[0], unit="page", desc=folder.name):
            page = read_labelled_page(file)
            grey, boxes = load_page(page.image)[1], [word.box for word in page.words]
            found = {}
            for way, reader in readers.items():
                begun = time.process_time()
                found[way] = reader.recognize(grey, boxes)
                seconds[way] += time.process_time() - begun
            for (text, confidence), (other, other_confidence) in zip(found["fp32"], found[fastest], strict=True):
                distances.append(abs(confidence - other_confidence))
                different += [(text, other)] if text != other else []
        times = [f"{seconds[way]:.1f}" for way in ways]
        apart = f"{np.mean(distances):.4f}, {np.max(distances):.2f}" if distances else ""
        rows.append([folder, len(distances), len(different), apart, *times])
        print("".join(f"{text} in fp32, {other} in {fastest}\n" for text, other in different), end="")
    header = ["pages", "words", "other text", "confidences apart: mean, most", "fp32, CPU s", f"{fastest}, CPU s"]
    print(format_table(header, rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())

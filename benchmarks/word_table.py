"""The table of a labels.csv beside pandas: seconds and memory for the words of 40,000 pages.

    python3 -m benchmarks.word_table [--rows 4500000] [--ways table index pandas]

Each way runs in a process of its own on the same made-up file (every twentieth label is long and quoted) and brings
what a training needs: sizes out of the patches' names, lengths, unknown characters, and where each row's text is.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from train_easyocr.common.text import format_table
from train_easyocr.datasets import word_table
from train_easyocr.datasets.labels_csv import HEADER, format_row
from train_easyocr.weights.characters import CharacterSet

CHARACTERS = "".join(CharacterSet.from_setting("korean_documents").characters)


def write(path: Path, rows: int) -> None:
    """Write a labels.csv of made-up words, of 1 to 12 syllables or, every twentieth, of 30 with commas and quotes."""
    random = np.random.default_rng(1)
    texts = ["".join(random.choice(list(CHARACTERS[95:1003]), 1 + i % 12)) for i in range(997)]
    texts[::20] = [f'{text * 4}, "{text}" 뷁' for text in texts[::20]]
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(format_row(HEADER))
        for row in range(rows):
            name = (
                f"5350109-2001-0001-{row // 120:05d}_{row % 2000}-{row % 3000}-{row % 2000 + 90}-{row % 3000 + 53}.png"
            )
            file.write(format_row((name, texts[row % len(texts)])))


def with_pandas(path: Path) -> tuple[int, int, int]:
    """Read a labels.csv with pandas and bring what the word table brings; return sums over it."""
    frame = pd.read_csv(path, dtype=str, keep_default_na=False, engine="c")
    sides = frame["filename"].str.extract(r"_(\d+)-(\d+)-(\d+)-(\d+)\.png$").astype(np.int32)
    text = frame["words"].str.normalize("NFC")
    known = frozenset(CHARACTERS)
    unknown = np.fromiter((not known.issuperset(label) for label in text), bool, len(text))
    return int((sides[2] - sides[0]).sum()), int(text.str.len().sum()), int(unknown.sum())


def with_table(path: Path) -> tuple[int, int, int]:
    """Make the word table; return sums over it."""
    return _sums(word_table.read_table(path, CHARACTERS))


def with_index(path: Path) -> tuple[int, int, int]:
    """Take the word table from the index beside the file, which the first call writes; return sums over it."""
    return _sums(word_table.indexed_table(path, CHARACTERS)[0])


def _sums(table: word_table.WordTable) -> tuple[int, int, int]:
    return int(table.width.sum()), int(table.length.astype(np.int64).sum()), int(table.unknown.sum())


WAYS = {"table": with_table, "index": with_index, "pandas": with_pandas}


def main() -> None:
    """Measure each way, the index once without and once with its file, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=4_500_000)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--one", nargs=2, metavar=("WAY", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        found = WAYS[options.one[0]](Path(options.one[1]))
        memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        print(f"{time.process_time() - start:.1f}|{memory:,.0f}|{found}")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.csv"
        write(path, options.rows)
        rows = []
        for way in (each for each in options.ways for _ in range(1 + (each == "index"))):
            command = [sys.executable, "-m", "benchmarks.word_table", "--one", way, str(path)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            rows.append((way, *done.stdout.strip().split("|")))
        size = path.stat().st_size / 2**20
    print(format_table((f"{options.rows:,} rows, {size:,.0f} MiB", "s of a core", "MiB", "sums"), rows))


if __name__ == "__main__":
    main()

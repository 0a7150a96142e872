"""Time and memory that the trainer takes from its start to the words of its first batch, on a set as large as AI-Hub's.

    python3 -m benchmarks.trainer_startup [--rows N] [--keep FOLDER]

Writes a labels.csv of 4.5 million words (what 40,000 pages give; no patches, since none is read before the first
batch) and starts the trainer on it in a fresh process: imports, labels, filter, widths, the first epoch's order; then
once more, with the index that the first start left beside labels.csv. Beside them stands the plain way, the same file
read with pandas into Python strings and filtered by a regular expression.
Goal: at most 10 seconds and 1 GiB.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.results import Row, report
from train_easyocr.datasets.word_table import INDEX
from train_easyocr.settings.config import DEFAULT_CONFIG, check_config, load_config

ROWS = 4_500_000
WORDS_A_PAGE = 112
PHASES = ("import", "labels", "plan")
"""Parts of a start: imports; labels.csv and the filter; the first epoch's order."""


def write_labels(folder: Path, rows: int) -> None:
    """Write a labels.csv like AI-Hub's: short words, a tenth with a character that the model lacks, some commas."""
    folder.mkdir(parents=True)
    (folder / "images").mkdir()
    from train_easyocr.weights.characters import CharacterSet  # noqa: PLC0415 - not to be measured below

    rng = np.random.default_rng(0)
    known = [character for character in CharacterSet.from_setting("korean_g2").characters if "가" <= character <= "힣"]
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["filename", "words"])
        for page in range(-(-rows // WORDS_A_PAGE)):
            count = min(WORDS_A_PAGE, rows - page * WORDS_A_PAGE)
            lengths = rng.integers(1, 9, count)
            syllables = rng.integers(0, len(known), int(lengths.sum()))
            corners = rng.integers(0, [2000, 3000], (count, 2))
            heights, chances = rng.integers(30, 70, count), rng.random(count)
            end = 0
            for length, (x, y), height, chance in zip(lengths, corners, heights, chances, strict=True):
                text = "".join(known[index] for index in syllables[end : end + length])
                end += length
                text += "뷁" if chance < 0.1 else ",000" if chance < 0.15 else ""
                box = f"{x}-{y}-{x + height * len(text)}-{y + height}"
                writer.writerow([f"5350109-2001-{page // 10_000:04}-{page % 10_000:04}_{box}.png", text])


def ours(folder: Path) -> dict[str, float]:
    """Start as the trainer does, up to the words of the first step."""
    began = time.perf_counter()
    from train_easyocr.recognition.task import open_set, training_plan  # noqa: PLC0415
    from train_easyocr.weights.characters import CharacterSet  # noqa: PLC0415 - part of what is measured

    imported = time.perf_counter()
    config = load_config(DEFAULT_CONFIG)
    data = open_set(folder, config, CharacterSet.from_setting(config.character))
    opened = time.perf_counter()
    training_plan([data], config).words(0)
    planned = time.perf_counter()
    return {"import": imported - began, "labels": opened - imported, "plan": planned - opened, "usable": len(data)}


def plain(folder: Path) -> dict[str, float]:
    """Read and filter with pandas, a Python string a cell, as the published trainer does."""
    began = time.perf_counter()
    import re  # noqa: PLC0415

    import pandas as pd  # noqa: PLC0415
    import torch  # noqa: F401, PLC0415 - every trainer does

    from train_easyocr.weights.characters import CharacterSet  # noqa: PLC0415

    imported = time.perf_counter()
    config = check_config({})
    table = pd.read_csv(folder / "labels.csv", dtype=object, keep_default_na=False)
    outside = re.compile(f"[^{re.escape(CharacterSet.from_setting(config.character).characters)}]")
    usable = [
        index
        for index, label in enumerate(table["words"])
        if 0 < len(label) <= config.batch_max_length and not outside.search(label)
    ]
    opened = time.perf_counter()
    np.random.default_rng(0).permutation(len(usable))
    planned = time.perf_counter()
    return {"import": imported - began, "labels": opened - imported, "plan": planned - opened, "usable": len(usable)}


def measure(way: str, folder: Path) -> dict[str, float]:
    """Run one way in a fresh process and return its figures."""
    command = [sys.executable, __file__, "--measure", way, "--keep", str(folder)]
    figures: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return figures | {"total": sum(figures[phase] for phase in PHASES)}


def row(way: str, plain: dict[str, float], ours: dict[str, float]) -> Row:
    """Compare one of our starts with the plain way."""
    phases = ", ".join(f"{phase} {ours[phase]:.1f} ({plain[phase]:.1f})" for phase in PHASES)
    note = f"{phases}; plain holds {plain['peak']:,.0f} MiB"
    work = f"start of training, {ours['usable']:,.0f} usable words, {way}"
    return Row(work, plain["total"], ours["total"], "s", memory_mib=ours["peak"], note=note)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Measures the trainer's start on a large labels.csv.")
    parser.add_argument("--rows", type=int, default=ROWS, help="words in labels.csv; default: %(default)s")
    parser.add_argument("--keep", type=Path, help="folder for labels.csv, taken as it is when it is there")
    parser.add_argument("--measure", choices=["ours", "plain"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        figures = {"ours": ours, "plain": plain}[options.measure](options.keep)
        # Linux counts in KiB, macOS in bytes.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 if sys.platform == "linux" else 1024)
        print(json.dumps(figures | {"peak": peak / 1024}))
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary) / "set"
        if not (folder / "labels.csv").is_file():
            print(f"Writing {options.rows:,} words to {folder}", file=sys.stderr)
            write_labels(folder, options.rows)
        (folder / INDEX).unlink(missing_ok=True)
        usual, first, later = (measure(way, folder) for way in ("plain", "ours", "ours"))
    report([row("first start", usual, first), row("later starts", usual, later)])
    return 0


if __name__ == "__main__":
    sys.exit(main())

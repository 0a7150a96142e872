"""How much of a training batch is padding: by the size of the pools that are sorted by width.

    python3 -m benchmarks.studies.buckets [--words N] [--height N]

Words as wide as AI-Hub's (the percentiles of `benchmarks.training`) are planned as step 3 plans them; nothing is
rendered. The table shows the pixels that a word takes across in its batch, beside what it takes alone: time goes with
them. A pool of one batch is a batch of words of any width; larger pools sort more words together, and so leave fewer
chances as to which words meet in a batch.
"""

from __future__ import annotations

import argparse

import numpy as np

from benchmarks.studies.small_task import pool_of
from benchmarks.training import BATCH, HEIGHTS, WIDTHS
from train_easyocr.common.text import format_table
from train_easyocr.datasets.data import training_widths
from train_easyocr.datasets.sampling import BatchPlan

POOLS = (1, 4, 16, 64, 256)


def word_widths(count: int, img_height: int, img_width: int = 600) -> np.ndarray:
    """Return int32 [count], the widths in pixels that words need in a batch."""
    random = np.random.default_rng(3)
    ratios = np.interp(random.random(count) * 100, list(WIDTHS), list(WIDTHS.values()))
    heights = random.integers(*HEIGHTS, count)
    widths = np.maximum(8, np.rint(ratios * heights)).astype(np.int32)
    steps = np.maximum(1, np.rint(ratios))
    return training_widths(widths, heights, steps.astype(np.int64), img_height, img_width).astype(np.int32)


def across(widths: np.ndarray, pool: int) -> float:
    """Return the mean pixels across that a word takes in its batch."""
    with pool_of(pool):
        plan = BatchPlan([len(widths)], [BATCH], BATCH, 1, [widths])
        return float(np.mean([plan.width(step) for step in range(len(widths) // BATCH // pool * pool)]))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", type=int, default=65_536, help="words of the set; default: %(default)s")
    parser.add_argument("--height", type=int, default=64, help="img_height; default: %(default)s")
    options = parser.parse_args()
    widths = word_widths(options.words, options.height)
    alone = float(widths.mean())
    found = {"fixed at 600": 600.0} | {str(pool): across(widths, pool) for pool in POOLS}
    rows = [[name, f"{mean:.1f}", f"{mean / alone:.3f}"] for name, mean in found.items()]
    print(format_table(["pool of batches", "pixels across a word", "x alone"], rows))
    print(f"{options.words:,} words of {alone:.1f} pixels on average, by the plan of seed 1")


if __name__ == "__main__":
    main()

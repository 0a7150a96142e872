"""What exports in int8 read where no word is read again, beside the same weights in float32.

    python3 -m benchmarks.studies.int8_reading EXPORT [EXPORT ...] [--pages NAME=DIR ...] [--count 2000]

EXPORT is a folder that `export --precision int8` or `compress quantize` wrote: it holds the weights in float32, too.
Read are rendered words of mixed look in all faces, and the words of labelled pages (images/ and labels/) at their
boxes, each alone. A row shows how many words are right in float32 and in int8, how many rounding lost and won, and the
same against the first export's int8, with the chance that as uneven a split would come about by chance (McNemar's exact
test).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from benchmarks.studies.detection_quality import folder
from train_easyocr.common.text import format_table
from train_easyocr.documents.aihub import find_pages, read_labelled_page
from train_easyocr.onnx_export.export import LabelledImage, read_alone
from train_easyocr.reading.onnx_engine import open_session, read_export_card
from train_easyocr.reading.sources import load_page
from train_easyocr.synthesis.rendered_words import Recipe, unified

Right = NDArray[np.bool_]
SEED = 777
HEADER = ("words", "export", "number", "float32, %", "int8, %", "lost", "won", "less than the first", "more", "p")


def rendered(characters: str, count: int) -> list[LabelledImage]:
    """Return rendered words."""
    words, _ = Recipe(SEED, "mixed", unified(characters), "all").prepare()
    return [LabelledImage(*words.word(number)) for number in range(count)]


def words_of_pages(path: Path) -> list[LabelledImage]:
    """Return the words of all pages of a folder, cut out at their boxes."""
    words = []
    for file in find_pages(path)[0]:
        page = read_labelled_page(file)
        grey = load_page(page.image)[1]
        for word in page.words:
            box = word.box.clipped(*grey.shape[::-1])
            if box.area:
                words.append(LabelledImage(word.text, grey[box.ymin : box.ymax, box.xmin : box.xmax]))
    return words


def right_words(export: Path, words: Sequence[LabelledImage]) -> tuple[Right, Right]:
    """Return which words an export reads right, in float32 and in int8, [n] each."""
    about = read_export_card(export).recognizer
    assert about.exact is not None, f"{export}: was exported in float32"
    in_float, in_int8 = (
        np.array(
            [
                found.text == word.text
                for found, word in zip(
                    read_alone(open_session((export / file.name).read_bytes()), about, words), words, strict=True
                )
            ]
        )
        for file in (about.exact, about.file)
    )
    return in_float, in_int8


def row_of(in_float: Right, in_int8: Right, first: Right) -> list[object]:
    """Return a row's figures: of one export, and against the first one's int8."""
    less, more = int((first & ~in_int8).sum()), int((in_int8 & ~first).sum())
    return [
        len(in_float),
        f"{100 * in_float.mean():.2f}",
        f"{100 * in_int8.mean():.2f}",
        int((in_float & ~in_int8).sum()),
        int((in_int8 & ~in_float).sum()),
        less,
        more,
        f"{binomtest(more, less + more).pvalue:.2f}" if less + more else "",
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Read and print."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        prog="python3 -m benchmarks.studies.int8_reading",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("exports", type=Path, nargs="+", metavar="EXPORT")
    add("--pages", type=folder, nargs="*", default=[], metavar="NAME=DIR", help="labelled pages")
    add("--count", type=int, default=2000, help="rendered words (default: %(default)s)")
    args = parser.parse_args(arguments)
    characters = read_export_card(args.exports[0]).recognizer.characters
    sets = {"rendered": rendered(characters, args.count)} | {name: words_of_pages(path) for name, path in args.pages}
    rows: list[list[object]] = []
    for name, words in sets.items():
        first: Right | None = None
        for export in args.exports:
            in_float, in_int8 = right_words(export, words)
            first = in_int8 if first is None else first
            rows.append([name, export.name, *row_of(in_float, in_int8, first)])
    print(format_table(HEADER, rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())

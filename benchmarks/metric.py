"""Time of the metrics on 500 pages of 110 words, beside other ways of computing the same figures.

    python3 -m benchmarks.metric [--pages 500] [--words 110] [--plain_pages 5] [--official PYTHON]

The pages look like scanned documents: lines of words, of which a part is shifted, missed, split, merged or misread. The
headline's metric is measured beside plain Python, CLEval beside its official package where there is an environment that
has it (benchmarks/official_cleval.py says how to make one), the analysis that follows each evaluation by itself.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from benchmarks import official_cleval
from benchmarks.results import Row, report
from tests.metrics.plain_metric import plain_figures
from train_easyocr.documents import Box, Page, Word
from train_easyocr.evaluation.analysis import Analyzer
from train_easyocr.evaluation.exchange import write_icdar
from train_easyocr.metrics import cleval
from train_easyocr.metrics.metrics import FIGURES, Metric, score_page

SYLLABLES = "가나다라마바사아자차카타파하도로점용허가신청서김해시장귀하번호년월일 ·ㆍ0123456789"
T = TypeVar("T")
Words = tuple[list[Word], list[Word]]


def make_page(random_state: random.Random, words: int) -> Words:
    """Return labels and predictions of a page of 2,500 x 3,500 pixels."""
    labels, predictions = [], []
    for number in range(words):
        x, y = 150 + number % 8 * 280, 150 + number // 8 * 70
        width, height = random_state.randint(60, 260), random_state.randint(30, 50)
        text = "".join(random_state.choices(SYLLABLES, k=random_state.randint(1, 8)))
        label = Word(Box(x, y, x + width, y + height), text)
        labels.append(label)
        fate = random_state.random()
        if fate < 0.1:
            continue  # missed
        shift = random_state.randint(-8, 8)
        box = Box(x + shift, y - 3, x + width + shift, y + height + 3)
        read = random_state.choice(SYLLABLES) + text[1:] if random_state.random() < 0.3 else text
        if fate < 0.15:  # split
            predictions.append(Word(box._replace(xmax=x + width // 2), read[: len(read) // 2]))
            predictions.append(Word(box._replace(xmin=x + width // 2), read[len(read) // 2 :]))
        elif fate < 0.2 and predictions and number % 8:  # merged
            before = predictions[-1]
            predictions[-1] = Word(box._replace(xmin=before.box.xmin), before.text + read)
        else:
            predictions.append(Word(box, read))
    return labels, predictions


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Return the CPU seconds that work takes, and its result."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def official(python: str, pages: list[Words]) -> tuple[float, dict[str, dict[str, float]]]:
    """Return the official package's CPU seconds and its figures for all pages together."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("labels.zip", "predictions.zip")]
        for side, file in enumerate(files):
            write_icdar(file, {str(number): page[side] for number, page in enumerate(pages)})
        command = [python, str(Path(official_cleval.__file__)), *map(str, files)]
        found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return found["seconds"], found["all"]


def analyze(pages: list[Words]) -> None:
    """Analyse the pages as those of one model."""
    analyzer = Analyzer()
    for number, (labels, predictions) in enumerate(pages):
        page = Page(f"page/{number}", Path(), tuple(labels), str(number % 12), 2500, 3500)
        rows = [[*word.box, word.text, 0.5 + number % 50 / 100] for word in predictions]
        analyzer.page(page, {"model": rows}, {"model": score_page(labels, predictions)})
    analyzer.analyze(["model"], "detector", 1111, {})


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Time of the metrics.")
    parser.add_argument("--pages", type=int, default=500)
    parser.add_argument("--words", type=int, default=110)
    parser.add_argument("--plain_pages", type=int, default=5, help="pages for the plain way, which is slow")
    parser.add_argument("--official", metavar="PYTHON", help="the Python of an environment that has the package cleval")
    arguments = parser.parse_args()
    random_state = random.Random(1111)
    pages = [make_page(random_state, arguments.words) for _ in range(arguments.pages)]

    metric = Metric()
    fast, scores = timed(lambda: [metric.update(labels, predictions) for labels, predictions in pages])
    slow, plain = timed(lambda: [plain_figures(*page) for page in pages[: arguments.plain_pages]])
    for page, figures in zip(scores, plain, strict=False):
        assert all(abs((page.figures()[name] or 0) - (figures[name] or 0)) < 1e-9 for name in FIGURES)
    ours, by_page = timed(lambda: [cleval.score_by_cleval(*page) for page in pages])
    analysis, _ = timed(lambda: analyze(pages))
    work, note = f"{len(pages)} pages of {arguments.words} words, one core", f"plain: Python, from {len(plain)} pages"
    rows = [Row(f"metric, {work}", slow / max(1, len(plain)) * len(pages), fast, "s", note=note)]
    theirs = None
    if arguments.official:
        theirs, figures = official(arguments.official, pages)
        found = cleval.pooled(by_page).end_to_end
        assert abs(found.f1 - figures["e2e"]["hmean"]) < 1e-9, (found, figures)
    rows.append(Row(f"CLEval, {work}", theirs, ours, "s", note="plain: the official package"))
    rows.append(Row(f"scores and analysis of a model, {work}", None, analysis, "s"))
    report(rows)
    print(f"Mean end-to-end F1 {metric.summary().mean['end_to_end_f1']:.4f}")


if __name__ == "__main__":
    main()

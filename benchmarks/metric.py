"""Time of the metric on 500 pages of 110 words, beside the plain-Python way of computing the same figures.

    python3 -m benchmarks.metric [--pages 500] [--words 110] [--plain_pages 5]

The pages look like scanned documents: lines of words, of which a part is shifted, missed, split or misread.
"""

from __future__ import annotations

import argparse
import random
import time

from benchmarks.results import Row, report
from tests.evaluation.plain_metric import plain_figures
from train_easyocr.documents import Box, Word
from train_easyocr.evaluation.metrics import FIGURES, Metric

SYLLABLES = "가나다라마바사아자차카타파하도로점용허가신청서김해시장귀하번호년월일 ·ㆍ0123456789"


def make_page(random_state: random.Random, words: int) -> tuple[list[Word], list[Word]]:
    """Return labels and predictions of a page of 2,500 x 3,500 pixels."""
    labels, predictions = [], []
    for number in range(words):
        x, y = 150 + number % 8 * 280, 150 + number // 8 * 70
        width, height = random_state.randint(60, 260), random_state.randint(30, 50)
        text = "".join(random_state.choices(SYLLABLES, k=random_state.randint(1, 8)))
        labels.append(Word(Box(x, y, x + width, y + height), text))
        if random_state.random() < 0.1:
            continue  # missed
        shift = random_state.randint(-8, 8)
        box = Box(x + shift, y - 3, x + width + shift, y + height + 3)
        read = random_state.choice(SYLLABLES) + text[1:] if random_state.random() < 0.3 else text
        predictions.append(Word(box, read))
    return labels, predictions


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Time of the metric.")
    parser.add_argument("--pages", type=int, default=500)
    parser.add_argument("--words", type=int, default=110)
    parser.add_argument("--plain_pages", type=int, default=5, help="pages for the plain way, which is slow")
    arguments = parser.parse_args()
    random_state = random.Random(1111)
    pages = [make_page(random_state, arguments.words) for _ in range(arguments.pages)]

    metric = Metric()
    start = time.process_time()
    scores = [metric.update(labels, predictions) for labels, predictions in pages]
    summary = metric.summary()
    fast = time.process_time() - start

    start = time.process_time()
    plain = [plain_figures(labels, predictions) for labels, predictions in pages[: arguments.plain_pages]]
    slow = (time.process_time() - start) / max(1, len(plain))
    for page, figures in zip(scores, plain, strict=False):
        assert all(abs((page.figures()[name] or 0) - (figures[name] or 0)) < 1e-9 for name in FIGURES)

    work = f"metric, {len(pages)} pages of {arguments.words} words, one core"
    note = f"plain: Python, extrapolated from {len(plain)} pages"
    report([Row(work, slow * len(pages), fast, "s", note=note)])
    print(f"mean end-to-end F1 {summary.mean['end_to_end_f1']:.4f}")


if __name__ == "__main__":
    main()

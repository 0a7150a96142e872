"""Models that need no weights, for tests of everything around them; as a program, an evaluation that is slow enough to
be killed: python3 -m tests.evaluation.fakes EVAL_SET OUTPUT SECONDS_A_PAGE
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from train_easyocr.documents import Box
from train_easyocr.documents.aihub import find_pages
from train_easyocr.evaluation.report import write_results
from train_easyocr.evaluation.runner import DetectorSource, ScoredModel, evaluate
from train_easyocr.reading.reader import Quad
from train_easyocr.settings.config import Config


class FakeRecognizer:
    """Reads a text that depends on the pixels and the place; counts its pages."""

    def __init__(self, name="", seconds=0.0):
        self.name, self.seconds, self.pages = name, seconds, 0

    def recognize(self, grey, shapes):
        self.pages += 1
        time.sleep(self.seconds)
        return [(f"{self.name}가{int(grey.sum()) % 97}·{shape[0]}", 1 / 3) for shape in shapes]


class FakeDetector:
    """Finds one upright box and one tilted region, which leaves the page; counts its pages."""

    def __init__(self):
        self.pages = 0

    def detect(self, image):
        self.pages += 1
        assert image.ndim == 3
        return [Box(10, 12, 90, 42), Quad((100.25, 14.0), (200.0, 20.5), (198.0, 48.0), (-3.5, 400.0))]


def fake_model(name, identity=None, recognizer=None):
    recognizer = recognizer or FakeRecognizer(name)
    return ScoredModel(name, identity or {"weights_sha256": name}, lambda: recognizer)


def fake_detector(detector=None, **identity):
    return DetectorSource(
        identity.pop("name", "fake"), identity or {"network": "fake"}, lambda: detector or FakeDetector()
    )


def run(eval_set, output, models, detector=None, report=lambda line: None):
    """Evaluate, write the results, and return the outcome."""
    evaluation = evaluate(find_pages(eval_set)[0], models, detector, output, report)
    write_results(evaluation, output, Path("evaluation_set"), Config())
    return evaluation


if __name__ == "__main__":
    slow = [fake_model(name, recognizer=FakeRecognizer(name, float(sys.argv[3]))) for name in ("baseline", "finetuned")]
    run(Path(sys.argv[1]), Path(sys.argv[2]), slow, fake_detector(), print)

"""A page is found and read on a GPU as on the CPU."""

import json
import subprocess
import sys

import pytest

from tests.contract.entry_points import REPOSITORY

PROGRAM = """
import json, sys
import torch
from pathlib import Path
from train_easyocr.reading.reader import WordFinder, load_page, open_weights
from train_easyocr.detection.opening import open_word_detector
from train_easyocr.weights import starter

cuda = sys.argv[1] == "cuda"
assert torch.cuda.is_available() or not cuda
reader = open_weights(starter.RECOGNIZER, cuda, "fp32")
finders = [WordFinder(open_word_detector("starter", on).detector) for on in (cuda, False)]
boxes, texts = [], []
for path in sys.argv[2:]:
    image, grey = load_page(Path(path))
    here, on_the_cpu = (finder.detect(image) for finder in finders)
    boxes += [list(box) for box in here]
    texts += [text for text, _ in reader.recognize(grey, on_the_cpu)]
print(json.dumps([boxes, texts]))
"""


@pytest.fixture(scope="module")
def read_on(environment, prepared):
    """Find and read the evaluation pages' words on a device; return the boxes, and the texts at the CPU's boxes."""
    pages = sorted((prepared / "evaluation_set" / "images").rglob("*.*"))

    def read(device):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, device, *pages],
            cwd=REPOSITORY,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return read


def test_words_and_boxes(read_on):
    (boxes, texts), (boxes_on_gpu, texts_on_gpu) = read_on("cpu"), read_on("cuda")
    assert len(texts) >= 8
    assert texts_on_gpu == texts
    assert len(boxes_on_gpu) == len(boxes)
    for found, expected in zip(boxes_on_gpu, boxes, strict=True):
        assert found == pytest.approx(expected, abs=2)  # a probability at the threshold moves an edge by a pixel

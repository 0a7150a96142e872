"""Small rendered pages for tests, each rendered once, and a detector that knows them."""

import functools
import hashlib
import json
from pathlib import Path

import cv2
import numpy as np

from benchmarks.rendered import render, true_maps
from train_easyocr.detection.craft import input_ratio
from train_easyocr.detection.craft_boxes import craft_boxes
from train_easyocr.detection.interface import ScoreMaps
from train_easyocr.detection.parameters import CraftParameters
from train_easyocr.synthesis.fonts import FontLibrary, packaged_folder


@functools.cache
def page(number, width=900):
    return render(number, FontLibrary.find(packaged_folder()), width)


def write_pages(folder, numbers):
    """Write rendered pages as an evaluation set holds them; return the folder."""
    for number in numbers:
        rendered = page(number)
        image = Path(folder) / "images" / f"{number:04d}.png"
        label = Path(folder) / "labels" / f"{number:04d}.json"
        for path in (image, label):
            path.parent.mkdir(parents=True, exist_ok=True)
        image.write_bytes(cv2.imencode(".png", rendered.image[..., ::-1])[1].tobytes())
        height, width = rendered.image.shape[:2]
        annotations = [
            {"id": i, "annotation.text": w.text, "annotation.bbox": [w.box.xmin, w.box.ymin, w.box.width, w.box.height]}
            for i, w in enumerate(rendered.words)
        ]
        content = {
            "images": [{"image.category": "인.허가", "image.width": width, "image.height": height}],
            "annotations": annotations,
        }
        label.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return Path(folder)


class KnowingDetector:
    """CRAFT as it would see rendered pages if it saw them well, with some noise; counts its pages."""

    def __init__(self, numbers, parameters=None, runs=None):
        self.numbers = tuple(numbers)
        self.parameters = parameters or CraftParameters()
        self.runs = [] if runs is None else runs

    def with_parameters(self, parameters):
        return type(self)(self.numbers, parameters, self.runs)

    def score_maps(self, image):
        digest = hashlib.sha256(image.tobytes()).digest()
        number = next(n for n in self.numbers if hashlib.sha256(page(n).image.tobytes()).digest() == digest)
        self.runs.append(number)
        height, width = image.shape[:2]
        maps = true_maps(page(number), 2 / input_ratio(self.parameters, width, height))
        noise = np.random.default_rng(number).normal(0, 0.1, maps.maps.shape)
        return ScoreMaps((0.7 * maps.maps + noise).astype(np.float32), maps.scale, maps.page_size)

    def boxes(self, maps):
        return craft_boxes(maps, self.parameters)

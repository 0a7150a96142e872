"""The benchmark of detectors on labelled pages: which settings it measures, and what its rows say."""

from pathlib import Path

import pytest

from benchmarks import detection_quality as quality
from tests.detection.pages import KnowingDetector, page, write_pages
from train_easyocr.detection.db_boxes import DbParameters
from train_easyocr.detection.map_cache import map_pages
from train_easyocr.detection.objective import Objective, Readings
from train_easyocr.detection.opening import OpenedDetector
from train_easyocr.detection.parameters import WORDS, CraftParameters
from train_easyocr.detection.settings import EASYOCR, settings_for
from train_easyocr.documents.aihub import find_pages

NUMBERS = (0,)
TUNED = WORDS.model_copy(update={"add_margin": 0.0})


class Reader:
    """Reads the word whose label is nearest."""

    def recognize(self, grey, shapes):
        words = page(0).words
        return [(min(words, key=lambda w: abs(w.box.xmin - s.xmin) + abs(w.box.ymin - s.ymin)).text, 1) for s in shapes]


def test_a_row_for_each_of_a_detectors_settings(tmp_path):
    files, _ = find_pages(write_pages(tmp_path / "쪽", NUMBERS))
    opened = OpenedDetector(KnowingDetector(NUMBERS), "craft", Path("craft.pth"), EASYOCR)
    others = [settings_for("db_light", "0" * 64, DbParameters()), settings_for("craft", EASYOCR, TUNED)]
    settings = quality.settings_of(opened, others)
    assert settings == {"default": CraftParameters(), "a box a word, untuned": WORDS, "tuned": TUNED}
    readings = Readings(Reader(), tmp_path / "읽음.jsonl")
    rows = quality.rows_of("쪽", files, opened, settings, readings=readings, cache=tmp_path / "지도")
    assert [row[:3] for row in rows] == [["쪽", "craft", name] for name in settings]
    scores = [[float(figure) for figure in row[3:7]] for row in rows]
    pages, _ = map_pages(files, opened.detector, EASYOCR, variants=[WORDS], cache=tmp_path / "지도", title="")
    assert scores[2][2] == pytest.approx(Objective(opened.detector, pages).detection_f1(TUNED), abs=1e-4)
    assert scores[0][2] < scores[1][2], "EasyOCR's parameters join words"
    assert all(end_to_end <= f1 for _, _, f1, end_to_end in scores)
    assert scores[2][3] > 0.5

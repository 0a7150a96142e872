"""The benchmarks of detectors on labelled pages: what they measure, and what their rows say."""

import json
from pathlib import Path

import pytest

from benchmarks.studies import detection_quality as quality
from benchmarks.studies import detector_recipes as recipes
from tests.detection.pages import KnowingDetector, page, write_pages
from tests.detection.untrained import save_untrained
from train_easyocr.common.files import write_json
from train_easyocr.detection.config import DetectionConfig
from train_easyocr.detection.db_boxes import DbParameters
from train_easyocr.detection.opening import OpenedDetector
from train_easyocr.detection.parameters import WORDS, CraftParameters
from train_easyocr.detection.settings import settings_for
from train_easyocr.documents.aihub import find_pages
from train_easyocr.documents.sources import PageSource
from train_easyocr.synthesis.archive import TOP
from train_easyocr.tuning.objective import Objective, map_pages
from train_easyocr.weights.bundle import EASYOCR

pytestmark = pytest.mark.slow

NUMBERS = (1,)
TUNED = WORDS.model_copy(update={"add_margin": 0.0})


class Reader:
    """Reads the word whose label is nearest."""

    def recognize(self, grey, shapes):
        words = page(*NUMBERS).words
        return [(min(words, key=lambda w: abs(w.box.xmin - s.xmin) + abs(w.box.ymin - s.ymin)).text, 1) for s in shapes]


def test_a_row_for_each_of_a_detectors_settings(tmp_path):
    files, _ = find_pages(write_pages(tmp_path / "쪽", NUMBERS))
    opened = OpenedDetector(KnowingDetector(NUMBERS), "craft", Path("craft.pth"), EASYOCR)
    others = [settings_for("db_light", "0" * 64, DbParameters()), settings_for("craft", EASYOCR, TUNED)]
    settings = quality.settings_of(opened, others)
    assert settings == {"default": CraftParameters(), "a box a word, untuned": WORDS, "tuned": TUNED}
    rows = quality.rows_of("쪽", files, opened, settings, recognizer=Reader(), cache=tmp_path / "지도")
    assert [row[:3] for row in rows] == [["쪽", "craft", name] for name in settings]
    scores = [[float(figure) for figure in row[3:7]] for row in rows]
    sources = [PageSource.of(file) for file in files]
    pages, _ = map_pages(sources, opened.detector, EASYOCR, variants=[WORDS], cache=tmp_path / "지도", title="")
    assert scores[2][2] == pytest.approx(Objective(opened.detector, pages).detection_f1(TUNED), abs=1e-4)
    assert scores[0][2] < scores[1][2], "EasyOCR's parameters join words"
    assert all(end_to_end <= f1 for _, _, f1, end_to_end in scores)
    assert scores[2][3] > 0.5


def test_every_detectors_recipe_can_be_trained_and_draws_as_many_pieces(tmp_path):
    (tmp_path / "sample" / TOP).mkdir(parents=True)
    for name in recipes.ELEMENTS:
        settings = recipes.settings_of(tmp_path, name, 5)
        DetectionConfig.model_validate(settings.model_dump())
        times = recipes.LONGER if "times as long" in name else 1
        assert settings.n_iter * settings.batch_size == times * 480 * 4, name
        assert settings.save_period == settings.n_iter, "the last weights are scored"
        assert settings.seed == 5


def test_detectors_recipes_stand_beside_the_base_of_the_same_seeds(tmp_path):
    longer = next(name for name in recipes.ELEMENTS if name.endswith("as long"))
    found = {
        ("base", 1): (0.90, 0.80), ("base", 2): (0.92, 0.78),
        ("lr: 0.0003", 1): (0.91, 0.85), ("lr: 0.0003", 2): (0.95, 0.85),
        (longer, 2): (0.94, 0.70),
    }  # fmt: skip
    for (name, seed), (own, elsewhere) in found.items():
        path = recipes.scores_file(tmp_path, name, seed)
        path.parent.mkdir(exist_ok=True)
        write_json(path, {recipes.SECONDS: 30.0, recipes.OTHER_PAGES: own, "elsewhere": elsewhere})
    lines = recipes.table(tmp_path, [1, 2, 3], list(recipes.ELEMENTS)).splitlines()
    cells = [[cell.strip() for cell in line.split("|")] for line in lines]
    # The differences +1 and +3, and +5 and +7, scatter by 2 ** 0.5; the one run has their scatter, too.
    assert cells[0] == ["recipe", "runs", "other sample pages (%)", "elsewhere (%)", "s of a core"]
    assert cells[2:] == [
        ["base", "2", "91.00", "79.00", "30"],
        ["lr: 0.0003", "2", "+2.00 ± 1.00", "+6.00 ± 1.00", "30"],
        [longer, "1", "+2.00 ± 1.41", "-8.00 ± 1.41", "30"],
    ]


def test_pages_that_are_scored_already_are_not_looked_at_again(tmp_path):
    kept = tmp_path / "점수.json"
    write_json(kept, {recipes.SECONDS: 1.0, "쪽": 0.5})
    assert recipes.score("없음.pth", {"쪽": []}, kept)["쪽"] == 0.5
    files, _ = find_pages(write_pages(tmp_path / "새 쪽", NUMBERS))
    weights = save_untrained(tmp_path / "검출.pth")
    found = recipes.score(weights, {"쪽": [], "새 쪽": [PageSource.of(file) for file in files]}, kept)
    assert json.loads(kept.read_bytes()) == found
    assert 0 <= found["새 쪽"] < 1 and found["쪽"] == 0.5

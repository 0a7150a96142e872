"""A tuned or trained detector in EasyOCR's place: in our readers, in plain EasyOCR, in evaluation."""

import cv2
import easyocr
import numpy as np
import pytest
import torch

from tests.detection.untrained import save_untrained
from tests.easyocr_files import install_random_weights
from tests.evaluation.installed import install_finetuned, write_set
from tests.recognition.word_sets import render
from train_easyocr.common.errors import WeightsError
from train_easyocr.common.files import sha256
from train_easyocr.delivery.staging import sheet_of, stage_detection
from train_easyocr.detection.craft import CraftCard, CraftDetector, load_craft
from train_easyocr.detection.craft_boxes import craft_boxes
from train_easyocr.detection.db_boxes import DbParameters
from train_easyocr.detection.db_detector import open_db_light
from train_easyocr.detection.installed import (
    InstalledDetector,
    open_installed,
    use_installed_detector,
)
from train_easyocr.detection.opening import open_detector_of, open_word_detector
from train_easyocr.detection.parameters import WORDS, CraftParameters
from train_easyocr.detection.settings import read_settings, save_settings, settings_for
from train_easyocr.documents import Box
from train_easyocr.evaluation.detectors import Detectors
from train_easyocr.metrics.matching import match
from train_easyocr.reading.reader import PageReader, open_detector, open_easyocr_detector, open_finetuned
from train_easyocr.reading.sources import load_page
from train_easyocr.weights import starter as starter_weights
from train_easyocr.weights.bundle import EASYOCR, in_place, installed_bundle, open_bundle
from train_easyocr.weights.cards import DetectionScores
from train_easyocr.weights.model_files import Place

pytestmark = pytest.mark.slow

LOW = CraftParameters(text_threshold=0.03, low_text=0.028, link_threshold=0.06, min_size=0, canvas_size=320)
"""Random weights' maps are near zero; with these settings they give boxes all the same."""


@pytest.fixture
def home(tmp_path, monkeypatch):
    folder = tmp_path / "이지"
    install_random_weights(folder, monkeypatch, names=("craft",))
    return folder


@pytest.fixture
def image(tmp_path):
    return load_page(next(write_set(tmp_path / "쪽", pages=1).rglob("*.png")))[0]


@pytest.fixture(scope="module")
def db_light(tmp_path_factory):
    return save_untrained(tmp_path_factory.mktemp("검출기") / "best_f1.pth", long_side=320)


def test_craft_has_easyocrs_parameters(home):
    detector = open_word_detector("craft").detector
    assert sum(parameter.numel() for parameter in detector.network.parameters()) == 20_770_466
    assert detector.parameters == CraftParameters()
    with pytest.raises(TypeError):
        detector.with_parameters(DbParameters())


def test_craft_finds_what_easyocr_finds(home, image):
    reader = open_easyocr_detector().reader
    p = LOW
    level, tilted = reader.detect(
        image, reformat=False, text_threshold=0.03, low_text=0.028, link_threshold=0.06, min_size=0, canvas_size=320
    )
    detector = open_word_detector("craft").detector.with_parameters(p)
    found = detector.boxes(detector.score_maps(image))
    height, width = image.shape[:2]
    expected = [Box(xmin, ymin, xmax, ymax).clipped(width, height) for xmin, xmax, ymin, ymax in level[0]]
    assert len(expected) > 3
    upright = [box for box in expected if box.area]
    assert set(upright) <= set(found)
    assert len(found) - len(upright) == len(tilted[0])


def test_foreign_weights_are_refused(home, tmp_path):
    state = torch.load(home / "model" / "craft_mlt_25k.pth", weights_only=True)
    state.pop("module.conv_cls.8.bias")
    torch.save(state, tmp_path / "모자란.pth")
    with pytest.raises(WeightsError, match=r"conv_cls\.8\.bias"):
        load_craft(tmp_path / "모자란.pth")
    with pytest.raises(WeightsError, match="there is no such file"):
        open_word_detector(tmp_path / "없는.pth")


def test_settings_are_checked(tmp_path):
    path = tmp_path / "설정.yaml"
    save_settings(path, settings_for("craft", EASYOCR, WORDS), "시험")
    assert path.read_text(encoding="utf-8").startswith("# 시험\nnetwork: craft\n")
    assert read_settings(path).detector_parameters == WORDS
    path.write_text(
        "network: craft\nweights_sha256: easyocr\nparameters: {low_txt: 0.3, min_size: -1}\n", encoding="utf-8"
    )
    with pytest.raises(WeightsError, match=r"(min_size|low_txt).*\n.*(min_size|low_txt)"):
        read_settings(path)
    path.write_text("- 1\n", encoding="utf-8")
    with pytest.raises(WeightsError, match="holds no detection settings"):
        read_settings(path)
    with pytest.raises(WeightsError, match="can't be read"):
        read_settings(tmp_path / "없는.yaml")


def test_tuned_settings_are_applied(home, image):
    install_finetuned(home)
    assert installed_bundle().detector is None
    with pytest.raises(WeightsError, match="no detector is installed"):
        open_installed()
    save_settings(Place(home / "model", home / "user_network").detection_settings, settings_for("craft", EASYOCR, LOW))
    detector = CraftDetector(load_craft(home / "model" / "craft_mlt_25k.pth"), LOW)
    expected = craft_boxes(detector.score_maps(image), LOW)
    assert len(expected) > 3
    reader = open_finetuned(detector=True, quantize=False)
    assert reader.detect(image) == expected
    assert len(reader.reader.readtext(np.ascontiguousarray(image))) == len(expected)
    assert Detectors(cuda=False).installed().open().detect(image) == expected


def test_db_light_stands_in_for_easyocrs_detector(db_light, tmp_path, monkeypatch, image):
    home = tmp_path / "검출기만"
    install_finetuned(home)
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(home))
    files = Place(home / "model", home / "user_network")
    stage_detection(open_bundle(db_light), None, files, files)
    assert read_settings(files.detection_settings).parameters["det_db_thresh"] == 0.5
    alone = open_db_light(db_light)
    expected = alone.boxes(alone.score_maps(image))
    assert len(expected) > 3
    assert open_finetuned(detector=True, quantize=False).detect(image) == expected

    reader = easyocr.Reader(
        ["ko", "en"], recog_network="finetuned", detector=False, gpu=False, verbose=False,
        model_storage_directory=str(home / "model"), user_network_directory=str(home / "user_network"),
    )  # fmt: skip
    reader = use_installed_detector(reader)
    cv2.imwrite(str(tmp_path / "page.png"), image[..., ::-1])
    found = reader.readtext(str(tmp_path / "page.png"))
    assert sorted((*map(int, corners[0]), *map(int, corners[2])) for corners, _, _ in found) == sorted(expected)

    files.detector.write_bytes(files.detector.read_bytes() + b"\0")
    with pytest.raises(WeightsError, match="is for weights of SHA-256"):
        open_finetuned(detector=True)
    files.detector.unlink()
    with pytest.raises(WeightsError, match="is missing"):
        open_finetuned(detector=True)


def test_several_images_at_once(db_light, image):
    installed = InstalledDetector(open_db_light(db_light))
    level, tilted = installed.detect(np.stack([image, image]), min_size=5, reformat=False)
    assert len(level) == len(tilted) == 2
    assert level[0] == level[1]
    assert [Box(a, c, b, d) for a, b, c, d in level[0]] == installed.boxes(image)


def test_settings_for_other_weights_are_refused(db_light, home, tmp_path):
    staged = Place(tmp_path / "자리", tmp_path / "자리")
    other = tmp_path / "남의 설정.yaml"
    save_settings(other, settings_for("db_light", "0" * 64, DbParameters()))
    with pytest.raises(WeightsError, match="is for weights of SHA-256 000"):
        stage_detection(open_bundle(db_light), other, Place(home / "model", home / "user_network"), staged)
    elsewhere = Place(tmp_path / "다른 자리", tmp_path / "다른 자리")
    with pytest.raises(WeightsError, match="is missing"):
        stage_detection(open_bundle("easyocr"), other, Place(home / "model", home / "user_network"), elsewhere)
    with pytest.raises(WeightsError, match="there is no such file"):
        stage_detection(None, other, Place(home / "model", home / "user_network"), staged)


def test_detectors_can_be_named(home, tmp_path):
    first, second = Place(tmp_path / "하나", tmp_path / "하나"), Place(tmp_path / "둘", tmp_path / "둘")
    stage_detection(open_bundle("starter"), None, Place(home / "model", home / "user_network"), first)
    assert sha256(first.detector) == sha256(starter_weights.DETECTOR)
    assert (
        open_detector_of(in_place("", first)).detector.parameters
        == open_word_detector(starter_weights.DETECTOR).detector.parameters
    )
    stage_detection(open_bundle("craft"), None, Place(home / "model", home / "user_network"), second)
    assert [path.name for path in second.detector_files if path.is_file()] == [second.detection_settings.name]
    assert open_detector_of(in_place("", second)).detector.parameters == WORDS


def test_what_finds_words_is_what_is_installed_and_easyocrs_detector_otherwise(home):
    assert isinstance(open_detector(), PageReader)
    files = Place(home / "model", home / "user_network")
    stage_detection(open_bundle("starter"), None, files, files)
    page = np.full((300, 400, 3), 255, np.uint8)
    word = render("가나다라", 48)
    page[100 : 100 + word.shape[0], 80 : 80 + word.shape[1]] = word[..., None]
    words = open_detector().detect(page)
    assert words == open_installed().boxes(page)
    assert len(match([Box(83, 104, 77 + word.shape[1], 144)], words)) == len(words) == 1
    files.detector.write_bytes(b"")
    with pytest.raises(WeightsError, match="is for weights of SHA-256"):
        open_detector()


def test_what_is_installed_stays(db_light, tmp_path):
    first, second = Place(tmp_path / "하나", tmp_path / "하나"), Place(tmp_path / "둘", tmp_path / "둘")
    stage_detection(open_bundle(db_light), None, first, first)
    stage_detection(None, None, first, second)
    assert [path.name for path in second.detector_files if path.is_file()] == [
        path.name for path in first.detector_files
    ]
    assert sha256(second.detector) == sha256(db_light)
    third = Place(tmp_path / "셋", tmp_path / "셋")
    stage_detection(open_bundle("easyocr"), None, first, third)
    assert not any(path.exists() for path in third.detector_files)


def test_a_sheet_holds_all_words():
    patches = [np.full((40, width), 0, np.uint8) for width in (100, 500, 700, 1500, 30)]
    sheet = sheet_of(patches)
    assert sheet.shape[1:] == (1200, 3)
    assert (sheet == 0).sum() == 3 * 40 * (100 + 500 + 700 + 1140 + 30)
    assert sheet_of([]).shape[2] == 3


def test_fine_tuned_craft_brings_its_parameters(home, tmp_path):
    weights = home / "model" / "craft_mlt_25k.pth"
    parameters = WORDS.model_copy(update={"canvas_size": 1600, "low_text": 0.3})
    card = CraftCard(
        long_side=1600, parameters=parameters, iteration=7, experiment_name="시험", config={},
        validation=DetectionScores(precision=0, recall=0, f1=0, pages=0, words=0), weights_sha256=sha256(weights),
    )  # fmt: skip
    weights.with_suffix(".json").write_text(card.model_dump_json(), encoding="utf-8")
    staged = Place(tmp_path / "자리", tmp_path / "자리")
    stage_detection(open_bundle(weights), None, Place(home / "model", home / "user_network"), staged)
    assert read_settings(staged.detection_settings).detector_parameters == parameters
    assert open_detector_of(in_place("", staged)).detector.parameters == parameters
    weights.with_suffix(".json").unlink()
    stage_detection(open_bundle(weights), None, Place(home / "model", home / "user_network"), staged)
    assert read_settings(staged.detection_settings).detector_parameters == WORDS, (
        "EasyOCR's form without a card: a box a word"
    )
    weights.with_suffix(".json").write_text('{"network": "resnet"}', encoding="utf-8")
    with pytest.raises(WeightsError, match="something else than a detector"):
        open_word_detector(weights)

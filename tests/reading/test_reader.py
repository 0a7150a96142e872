"""EasyOCR's readers: the same results as EasyOCR's own calls, and each of its traps."""

import functools
import sys
import tempfile
import threading
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import cv2
import easyocr.easyocr
import numpy as np
import pytest
import torch
import yaml

from tests.easyocr_files import install_random_weights
from tests.evaluation.installed import CHARACTERS, draw_page, install_finetuned
from train_easyocr.common.errors import MissingWeightsError, WeightsError
from train_easyocr.datasets.images import resize_patch
from train_easyocr.documents import Box, Quad
from train_easyocr.documents.images import decode_image
from train_easyocr.documents.page import bounds
from train_easyocr.reading import reader as reader_module
from train_easyocr.reading import words as words_module
from train_easyocr.reading.reader import (
    PageReader,
    WordReader,
    open_baseline,
    open_easyocr_detector,
    open_fast,
    open_finetuned,
)
from train_easyocr.recognition.decoding import greedy
from train_easyocr.recognition.easyocr_form import stage
from train_easyocr.synthesis.fonts import FontLibrary
from train_easyocr.synthesis.generate import RenderSettings, render_page
from train_easyocr.weights import starter as starter_weights
from train_easyocr.weights.checkpoints import read_card
from train_easyocr.weights.model_files import Place

pytestmark = pytest.mark.slow

QUAD = Quad((60.5, 140.0), (150.0, 160.5), (145.0, 190.0), (55.0, 170.0))
SHAPES = [
    Box(200, 180, 280, 210),  # below the next ones: EasyOCR would sort it
    Box(10, 10, 90, 40),
    Box(100, 12, 190, 38),
    Box(-20, 60, 40, 90),  # leaves the page
    QUAD,
    Box(300, 5, 320, 75),  # vertical
    Box(50, 50, 50, 80),  # no area
    Box(400, 10, 450, 40),  # outside
    Box(10, 10, 90, 40),  # a second time
    Box(5, 220, 355, 230),  # long
]
READABLE = [0, 1, 2, 3, 4, 5, 8, 9]


@pytest.fixture
def easyocr_folder(tmp_path, monkeypatch):
    install_random_weights(tmp_path / "easyocr", monkeypatch)
    return tmp_path / "easyocr"


def one_by_one(easyocr_reader, grey, shape):
    """What EasyOCR reads when it is asked for this place alone."""
    if isinstance(shape, Quad):
        found = easyocr_reader.recognize(grey, [], [[list(corner) for corner in shape]])
    else:
        found = easyocr_reader.recognize(grey, [[shape.xmin, shape.xmax, shape.ymin, shape.ymax]], [])
    [(_, text, confidence)] = found
    return text, pytest.approx(confidence, abs=1e-6)


def plain_reader(folder, languages, **options):
    return easyocr.easyocr.Reader(
        languages,
        gpu=False,
        model_storage_directory=str(folder / "model"),
        user_network_directory=str(folder / "user_network"),
        download_enabled=False,
        verbose=False,
        **options,
    )


@pytest.mark.parametrize("languages", [["ko"], ["ko", "en"]])
def test_baseline_reads_what_easyocr_reads(easyocr_folder, languages):
    grey = draw_page()
    ours = open_baseline(languages).recognize(grey, SHAPES)
    plain = plain_reader(easyocr_folder, languages, detector=False)
    assert [ours[i] for i in READABLE] == [one_by_one(plain, grey, SHAPES[i]) for i in READABLE]
    assert ours[6] == ours[7] == ("", 0.0)
    assert len({text for text, _ in ours}) >= 5  # the weights do tell words apart


def test_latin_letters_are_suppressed_for_ko_alone(easyocr_folder):
    texts = []
    for languages in (["ko"], ["ko", "en"]):
        baseline = open_baseline(languages, quantize=False)
        bias = baseline.reader.recognizer.Prediction.bias.data
        bias[baseline.reader.character.index("Q") + 1] += 1000  # it would read Q everywhere
        texts.append(baseline.recognize(draw_page(), SHAPES[:1])[0][0])
    assert "Q" not in texts[0]
    assert texts[1] == "Q"


def test_shared_network_reads_what_two_networks_read(easyocr_folder):
    first = open_baseline(["ko"], quantize=False)
    bias = first.reader.recognizer.Prediction.bias.data
    bias[first.reader.character.index("Q") + 1] += 2  # so that the languages differ
    alone = open_baseline(["ko", "en"], quantize=False)
    alone.reader.recognizer = first.reader.recognizer
    shapes = SHAPES[:5]
    pages = [draw_page(seed) for seed in range(2)]
    expected = [(first.recognize(page, shapes), alone.recognize(page, shapes)) for page in pages]
    assert expected[0][0] != expected[0][1]
    second = first.with_languages(["ko", "en"])
    computed = []
    second.reader.recognizer.network.register_forward_hook(lambda *_: computed.append(1))
    for page, (ko, ko_en) in zip(pages, expected, strict=True):
        assert first.recognize(page, shapes) == ko
        before = len(computed)
        assert second.recognize(page, shapes) == ko_en
        # Only second tries of words in which one alone has a low confidence.
        assert len(computed) - before <= 2
    assert len(computed) >= 2 * 5


def test_remembered_answers_are_bounded(monkeypatch):
    monkeypatch.setattr(reader_module, "_REMEMBERED_BYTES", 100)
    calls = []
    remembering = reader_module._Remembering(lambda images, text: calls.append(1) or images * 2)
    images = [torch.full((1, 10), float(i)) for i in range(5)]
    for image in images:
        assert remembering(image, None).equal(image * 2)
    assert len(remembering.answers) == 2
    assert remembering.kept_bytes == 80
    assert remembering(images[4], None).equal(images[4] * 2)
    assert remembering(images[4].view(2, 5), None).shape == (2, 5)
    assert len(calls) == 6
    remembering(images[0], None)
    assert len(calls) == 7


def test_finetuned_reads_what_easyocr_reads(easyocr_folder):
    install_finetuned(easyocr_folder)
    grey = draw_page()
    ours = open_finetuned().recognize(grey, SHAPES)
    plain = plain_reader(easyocr_folder, ["ko", "en"], recog_network="finetuned", detector=False)
    assert [ours[i] for i in READABLE] == [one_by_one(plain, grey, SHAPES[i]) for i in READABLE]
    assert ours[6] == ours[7] == ("", 0.0)
    assert set("".join(text for text, _ in ours)) <= set(CHARACTERS)
    assert len({text for text, _ in ours}) >= 4


def test_batches_read_what_single_words_read(easyocr_folder):
    """On anything but "cpu" EasyOCR reads in batches, sorts, and pads all to the widest crop."""
    install_finetuned(easyocr_folder)
    grey = draw_page()
    alone = open_finetuned(quantize=False)
    batched = open_finetuned(quantize=False)
    batched.reader.device = "cpu:0"
    assert batched.recognize(grey, SHAPES) == [
        (text, pytest.approx(confidence, abs=1e-4)) for text, confidence in alone.recognize(grey, SHAPES)
    ]
    sizes = [size for _, size in batched._batches([shape for shape in SHAPES if isinstance(shape, Box)])]
    assert max(sizes) > 1


def test_no_shapes(easyocr_folder):
    install_finetuned(easyocr_folder)
    assert open_finetuned().recognize(draw_page(), []) == []


def test_thin_regions_are_not_read(easyocr_folder):
    install_finetuned(easyocr_folder)
    flat = Quad((10, 10), (50, 30), (50, 30), (10, 10))
    point = Quad((10, 10), (10, 10), (10, 10), (10, 10))
    assert open_finetuned().recognize(draw_page(), [flat, point]) == [("", 0.0)] * 2


def test_detect_equals_easyocr_cut_at_the_edges(easyocr_folder):
    detector = PageReader(plain_reader(easyocr_folder, ["ko"], detector=False, recognizer=False), 64)
    detector.reader.detector = None
    found_text = [
        np.array([10, 10, 60, 10, 60, 30, 10, 30], np.int32),
        np.array([64, 11, 120, 11, 120, 31, 64, 31], np.int32),  # merged with the first
        np.array([1, 60, 50, 60, 50, 92, 1, 92], np.int32),  # its margin leaves the page
        np.array([70, 50, 110, 70, 105, 84, 65, 64], np.int32),  # tilted
        np.array([2, 2, 6, 2, 6, 6, 2, 6], np.int32),  # too small
    ]
    detector.reader.get_textbox = lambda *_, **__: [found_text]
    image = np.zeros((94, 128, 3), np.uint8)
    horizontal, free = detector.reader.detect(image, reformat=False)
    found = detector.detect(image)
    assert found == [
        *(Box(b[0], b[2], b[1], b[3]).clipped(128, 94) for b in horizontal[0]),
        *(Quad(*map(tuple, corners)) for corners in free[0]),
    ]
    assert [type(shape) for shape in found] == [Box, Box, Quad]
    assert found[0] == Box(8, 8, 122, 33)
    assert found[1] == Box(0, 57, 53, 94)


def test_detect_makes_plain_numbers_of_what_it_finds(monkeypatch):
    detector = PageReader(SimpleNamespace(detect=None), 64)
    corners = [[np.float64(1.5), np.float64(2)], [9.0, 4.0], [8.0, 9.0], [0.5, 7.0]]
    boxes = [[np.int64(-3), np.int32(30), 4, 20], [500, 600, 10, 20], [5, 5, 10, 90]]
    monkeypatch.setattr(detector.reader, "detect", lambda image, reformat: ([boxes], [[corners]]))
    found = detector.detect(np.zeros((50, 40, 3), np.uint8))
    assert found == [Box(0, 4, 30, 20), Quad((1.5, 2.0), (9.0, 4.0), (8.0, 9.0), (0.5, 7.0))]
    assert {type(value) for value in found[0]} == {int}
    assert {type(value) for corner in found[1] for value in corner} == {float}


def test_detector_can_be_loaded_with_a_recognizer(easyocr_folder):
    install_finetuned(easyocr_folder)
    both = open_finetuned(detector=True)
    image = cv2.cvtColor(draw_page(width=128, height=96), cv2.COLOR_GRAY2RGB)
    assert both.detect(image) == open_easyocr_detector().detect(image)
    assert len(both.recognize(image[..., 0], [Box(0, 0, 100, 30)])[0][0]) > 0


def test_bounds():
    assert bounds(QUAD) == Box(55, 140, 150, 190)
    assert bounds(Quad((0.2, 0.9), (10.1, 0.9), (10.1, 5.5), (0.2, 5.0))) == Box(0, 0, 11, 6)
    assert bounds(Box(1, 2, 3, 4)) == Box(1, 2, 3, 4)


# The fast reader.


def draw_faint_page():
    """A page on which raising the contrast changes every word but two."""
    grey = draw_page(width=400, height=300)
    faint = (150 + grey // 3).astype(np.uint8)
    for place in (np.s_[5:45, 95:195], np.s_[175:215, 195:285]):
        faint[place] = np.where(grey[place] < 250, 0, 255)
    return faint


def opened(kind, folder, **options):
    """A reader of ours, and EasyOCR's own for the same model."""
    if kind == "finetuned":
        install_finetuned(folder, img_height=32)
        ours = open_finetuned(quantize=False)
        with reader_module._image_height(64):  # EasyOCR leaves its module at 32
            return ours, plain_reader(folder, ["ko", "en"], recog_network="finetuned", detector=False, **options)
    return open_baseline(kind, quantize=False), plain_reader(folder, kind, detector=False, **options)


@pytest.mark.parametrize(
    ("kind", "draw"),
    [
        (["ko"], draw_page),
        (["ko", "en"], draw_faint_page),
        ("finetuned", draw_page),
        ("finetuned", draw_faint_page),
    ],
)
def test_fast_reader_reads_what_easyocr_reads(easyocr_folder, kind, draw):
    grey = draw()
    ours, plain = opened(kind, easyocr_folder, quantize=False)
    for reader in (ours, SimpleNamespace(reader=plain, img_height=ours.img_height)):
        bias = reader.reader.recognizer.Prediction.bias.data
        bias[reader.reader.character.index("A") + 1] += 1  # an ignored character for `ko` alone
    found = WordReader(ours, "fp32").recognize(grey, SHAPES)
    with reader_module._image_height(ours.img_height):
        expected = [one_by_one(plain, grey, SHAPES[i]) for i in READABLE]
    assert [found[i][0] for i in READABLE] == [text for text, _ in expected]
    assert [found[i][1] for i in READABLE] == [
        pytest.approx(confidence.expected, abs=1e-5, rel=1e-3) for _, confidence in expected
    ]
    assert found[6] == found[7] == ("", 0.0)
    assert len({text for text, _ in found}) >= 4


def test_second_try(easyocr_folder):
    """Only words that raising the contrast changes are read twice, and the better reading counts."""
    baseline = open_baseline(["ko", "en"], quantize=False)
    fast = WordReader(baseline, "fp32")
    grey, boxes = draw_faint_page(), [shape for shape in SHAPES if isinstance(shape, Box)]
    read = []
    fast._exact.register_forward_hook(lambda _, inputs, __: read.append(len(inputs[0])))
    once = fast.recognize(grey, boxes, contrast_ths=0)
    assert sum(read) == 6
    twice = fast.recognize(grey, boxes, contrast_ths=1)
    assert sum(read) == 6 + 6 + 4
    assert twice == [
        (text, pytest.approx(confidence, rel=1e-3))
        for text, confidence in baseline.recognize(grey, boxes, contrast_ths=1)
    ]
    assert {a == b for a, b in zip(once, twice, strict=True)} == {True, False}
    assert all(after[1] >= before[1] for before, after in zip(once, twice, strict=True))


@pytest.mark.parametrize("languages", [["ko"], ["ko", "en"]])
def test_fast_reader_ignores_characters_as_easyocr_does(easyocr_folder, languages):
    baseline = open_baseline(languages, quantize=False)
    baseline.reader.recognizer.Prediction.bias.data[baseline.reader.character.index("Q") + 1] += 1000
    [(text, _)] = WordReader(baseline, "fp32").recognize(draw_page(), SHAPES[:1])
    assert (text == "Q") == ("en" in languages)
    assert ("Q" in text) == ("en" in languages)


def test_fast_reading_of_a_word_does_not_depend_on_the_others(easyocr_folder):
    install_finetuned(easyocr_folder)
    fast, grey = open_fast(precision="fp32"), draw_page()
    together = fast.recognize(grey, SHAPES)
    assert [fast.recognize(grey, [shape])[0] for shape in SHAPES] == [
        (text, pytest.approx(confidence, abs=1e-6)) for text, confidence in together
    ]
    assert fast.recognize(grey, []) == []
    assert fast.recognize(grey, [Quad((10, 10), (50, 30), (50, 30), (10, 10))]) == [("", 0.0)]


def test_fast_reader_reads_unsure_words_again(easyocr_folder, monkeypatch):
    install_finetuned(easyocr_folder)
    reader, grey = open_finetuned(quantize=False), draw_page()
    exact, both = WordReader(reader, "fp32"), WordReader(reader, "bf16")
    read, certainties = {"_exact": [], "_rounded": []}, []
    for name, sizes in read.items():
        getattr(both, name).register_forward_hook(lambda _, inputs, __, sizes=sizes: sizes.append(len(inputs[0])))

    def noting(shares):
        readings = greedy(shares)
        certainties.extend(reading.certainty for reading in readings)
        return readings

    monkeypatch.setattr(reader_module, "greedy", noting)
    monkeypatch.setattr(reader_module, "_SURE", 0)
    rounded = both.recognize(grey, SHAPES, contrast_ths=0)
    assert (sum(read["_exact"]), sum(read["_rounded"]), len(certainties)) == (0, 7, 7)
    limits = [*sorted(certainties), 2]
    for place in (0, 3, 7):  # of so many words the certainty is lower
        monkeypatch.setattr(reader_module, "_SURE", limits[place])
        for sizes in read.values():
            sizes.clear()
        found, expected = (each.recognize(grey, SHAPES, contrast_ths=0) for each in (both, exact))
        assert (sum(read["_exact"]), sum(read["_rounded"])) == (place, 7)
        again = [
            new == (text, pytest.approx(confidence, rel=1e-4))
            for new, (text, confidence) in zip(found, expected, strict=True)
        ]
        kept = [new == old for new, old in zip(found, rounded, strict=True)]
        assert all(one or other for one, other in zip(again, kept, strict=True))
        changed = {SHAPES[i] for i in READABLE if not kept[i]}
        assert len(changed) <= place
        assert changed or place < 7
    assert [word[1] for word in rounded] == pytest.approx([word[1] for word in expected], abs=0.2)


def without_contrast(resize, *args, contrast=0):
    return resize(*args)


def test_fast_reader_reads_again_what_is_near_a_second_try(easyocr_folder, monkeypatch):
    """Whether a word is tried a second time depends on its confidence, which must be exact where it matters."""
    install_finetuned(easyocr_folder)
    both, grey = WordReader(open_finetuned(quantize=False), "bf16"), draw_page()
    monkeypatch.setattr(reader_module, "_SURE", 0)
    rounded = dict(zip(SHAPES, both.recognize(grey, SHAPES, contrast_ths=0), strict=True))
    sizes = []
    both._exact.register_forward_hook(lambda _, inputs, __: sizes.append(len(inputs[0])))
    threshold = max(rounded[SHAPES[i]][1] for i in READABLE) / 3
    monkeypatch.setattr(words_module, "resize_patch", functools.partial(without_contrast, resize_patch))
    both.recognize(grey, SHAPES, contrast_ths=threshold)
    assert sum(sizes) == sum(rounded[shape][1] < 2 * threshold for shape in {SHAPES[i] for i in READABLE})
    assert 0 < sum(sizes) < 7


@pytest.fixture(scope="module")
def printed_page():
    """A rendered page in a face that the starter weights know as little as the sample's, and its words' places."""
    jpeg, record = render_page(0, RenderSettings(2, 7, Fraction(1, 2)), FontLibrary.find())
    grey = decode_image(jpeg)
    found = [entry["annotation.bbox"] for entry in record["label"]["annotations"]]
    boxes = [Box(x, y, x + width, y + height).clipped(*grey.shape[::-1]) for x, y, width, height in found]
    return grey, [box for box in boxes if box.area]


def test_fast_reader_reads_a_printed_page_as_easyocr_does(printed_page):
    """Trained weights, every word of a page, in whatever precision this processor reads fastest."""
    grey, boxes = printed_page
    weights = Path(starter_weights.__file__).parent / "recognizer.pth"
    card = read_card(weights)
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder) / "model", Path(folder) / "user_network")
        stage(weights, card, place)
        with place.as_easyocr_sees_it():
            reader = open_finetuned(quantize=False)
    expected = reader.recognize(grey, boxes)
    assert len(boxes) > 60
    assert len({text for text, _ in expected}) > 30
    assert np.mean([confidence for _, confidence in expected]) > 0.7
    for precision in ("fp32", "bf16"):
        found = WordReader(reader, precision).recognize(grey, boxes)
        assert [text for text, _ in found] == [text for text, _ in expected], precision
        assert [word[1] for word in found] == pytest.approx([word[1] for word in expected], abs=0.6)
        assert np.mean([abs(a[1] - b[1]) for a, b in zip(found, expected, strict=True)]) < 0.02


def test_each_core_reads_alone(monkeypatch, easyocr_folder):
    install_finetuned(easyocr_folder)
    monkeypatch.setattr(reader_module, "_CORE_PIXELS", 64)  # a batch a word
    reader, before = open_finetuned(quantize=False), torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        many = WordReader(reader, "fp32")
        later = []
        thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
        thread.start()
        thread.join()
        assert (torch.get_num_threads(), later) == (3, [3])
        assert {many._cores.submit(torch.get_num_threads).result() for _ in range(9)} == {1}
        torch.set_num_threads(1)
        alone = WordReader(reader, "fp32")
        assert alone._cores is None
        assert many.recognize(draw_page(), SHAPES) == alone.recognize(draw_page(), SHAPES)
    finally:
        torch.set_num_threads(before)


def test_fast_reader_refuses_int8(easyocr_folder):
    install_finetuned(easyocr_folder)
    with pytest.raises(ValueError, match="quantize=False"):
        WordReader(open_finetuned())


def test_fast_reader_takes_a_network_with_a_memory(easyocr_folder):
    baseline = open_baseline(["ko"], quantize=False)
    expected = WordReader(baseline, "fp32").recognize(draw_page(), SHAPES[:3])
    baseline.with_languages(["ko", "en"])
    assert WordReader(baseline, "fp32").recognize(draw_page(), SHAPES[:3]) == expected


# The image height is a global of EasyOCR's module.


def test_image_height_of_one_reader_does_not_change_another(easyocr_folder, monkeypatch):
    grey = draw_page()
    baseline = open_baseline(["ko"])
    before = baseline.recognize(grey, SHAPES)
    install_finetuned(easyocr_folder, img_height=32)
    low = open_finetuned()
    assert (baseline.img_height, low.img_height, easyocr.easyocr.imgH) == (64, 32, 64)
    read_low = low.recognize(grey, SHAPES)
    for left_behind in (64, 32):  # as another reader of the process leaves it
        monkeypatch.setattr(easyocr.easyocr, "imgH", left_behind)
        assert baseline.recognize(grey, SHAPES) == before
        assert low.recognize(grey, SHAPES) == read_low
        assert easyocr.easyocr.imgH == left_behind
    # The module's height is 32 now, so EasyOCR itself reads with the custom model as it should.
    assert [read_low[i] for i in READABLE] == [one_by_one(low.reader, grey, SHAPES[i]) for i in READABLE]
    assert open_baseline(["ko"]).img_height == 64


def test_image_height_matters_at_all(easyocr_folder):
    """What the test above guards against: at another height the same weights read something else."""
    grey = draw_page()
    baseline = open_baseline(["ko"])
    assert PageReader(baseline.reader, 32).recognize(grey, SHAPES) != baseline.recognize(grey, SHAPES)


# EasyOCR reads its folder at import, and finds a custom network's code by its bare name.


def test_folder_is_read_at_each_call(tmp_path, monkeypatch):
    grey = draw_page()
    texts = []
    for seed in (1, 2):
        install_finetuned(tmp_path / str(seed), seed=seed)
        monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path / str(seed)))
        texts.append(open_finetuned().recognize(grey, SHAPES))
    assert texts[0] != texts[1]


def test_stale_code_is_not_used(tmp_path, monkeypatch):
    stale = tmp_path / "stale"
    stale.mkdir()
    (stale / "finetuned.py").write_text("raise RuntimeError('stale file')\n")
    monkeypatch.syspath_prepend(str(stale))
    monkeypatch.setitem(sys.modules, "finetuned", object())
    install_finetuned(tmp_path / "now")
    network = tmp_path / "now" / "user_network" / "finetuned.py"
    network.write_text(network.read_text() + "WHICH = 'the installed one'\n")
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path / "now"))
    path = list(sys.path)
    open_finetuned()
    assert sys.modules["finetuned"].WHICH == "the installed one"
    assert sys.path == path
    network.write_text(network.read_text().replace("the installed one", "the next one, of the same size")[:-1])
    open_finetuned()
    assert sys.modules["finetuned"].WHICH == "the next one, of the same size"


# Files that are missing or wrong.


@pytest.fixture
def installed(tmp_path, monkeypatch):
    install_finetuned(tmp_path)
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("name", ["model/finetuned.pth", "user_network/finetuned.yaml", "user_network/finetuned.py"])
def test_missing_file_of_the_installed_model(installed, name):
    (installed / name).unlink()
    with pytest.raises(MissingWeightsError, match=r"step4") as caught:
        open_finetuned()
    assert str(installed / name) in str(caught.value)


def test_missing_baseline(tmp_path, monkeypatch):
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path))
    monkeypatch.setattr(reader_module, "find_weights", _missing)
    with pytest.raises(MissingWeightsError):
        open_baseline(["ko"])
    assert not (tmp_path / "model").exists()


def _missing(name):
    raise MissingWeightsError(name)


def test_missing_detector(installed, monkeypatch):
    monkeypatch.setattr(reader_module, "find_weights", _missing)
    with pytest.raises(MissingWeightsError, match="craft"):
        open_finetuned(detector=True)
    with pytest.raises(MissingWeightsError, match="craft"):
        open_easyocr_detector()


def test_other_weights_under_the_baselines_name(easyocr_folder):
    path = easyocr_folder / "model" / "korean_g2.pth"
    path.unlink()
    path.write_bytes(b"something else")
    with pytest.raises(WeightsError):
        open_baseline(["ko"])
    assert path.read_bytes() == b"something else"


def test_weights_without_prefix_are_refused(installed):
    install_finetuned(installed, rename=lambda key: key.removeprefix("module."))
    with pytest.raises(WeightsError, match=r"`module\.`.*FeatureExtraction"):
        open_finetuned()


def test_weights_of_another_character_set_are_refused(installed):
    settings = installed / "user_network" / "finetuned.yaml"
    content = yaml.safe_load(settings.read_text(encoding="utf-8"))
    content["character_list"] += "뷁"
    settings.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    with pytest.raises(WeightsError, match=r"does not fit finetuned\.yaml") as caught:
        open_finetuned()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 cut off"])
def test_files_that_are_no_weights(installed, content):
    (installed / "model" / "finetuned.pth").write_bytes(content)
    with pytest.raises(WeightsError, match="no file of weights"):
        open_finetuned()


class _Hostile:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_code_in_a_checkpoint_is_not_run(installed):
    mark = installed / "mark"
    torch.save({"module.x": _Hostile(str(mark))}, installed / "model" / "finetuned.pth")
    with pytest.raises(WeightsError, match="no file of weights"):
        open_finetuned()
    assert not mark.exists()


def test_no_state_dict(installed):
    torch.save([torch.zeros(3)], installed / "model" / "finetuned.pth")
    with pytest.raises(WeightsError, match="holds list"):
        open_finetuned()


def test_language_list_that_refuses_english(installed):
    install_finetuned(installed, lang_list=["ko"])
    with pytest.raises(WeightsError, match=r"lang_list: \[ko, en\]"):
        open_finetuned()


@pytest.mark.parametrize("content", ["", "imgH: [", "- a list", "imgH: tall\nlang_list: [ko, en]\n"])
def test_broken_settings(installed, content):
    (installed / "user_network" / "finetuned.yaml").write_text(content)
    with pytest.raises(WeightsError, match=r"finetuned\.yaml"):
        open_finetuned()


@pytest.mark.parametrize("content", ["import no_such_module_", "def", "Model = None"])
def test_broken_code(installed, content):
    (installed / "user_network" / "finetuned.py").write_text(content)
    with pytest.raises(WeightsError, match=r"finetuned\.py"):
        open_finetuned()

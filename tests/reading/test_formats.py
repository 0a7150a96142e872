"""What is written is read back by programs that are not ours."""

import io
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from fontTools.ttLib import TTFont
from lxml import etree
from PIL import Image

from tests.evaluation.installed import draw_page
from tests.reading.documents import marked_page, saved
from train_easyocr.documents.page import Box, Quad
from train_easyocr.reading.formats import About, JsonWriter, json_page, text_of
from train_easyocr.reading.pdf_format import _EMPTY_FONT
from train_easyocr.reading.pipeline import Identity, read_page
from train_easyocr.reading.run import FORMATS
from train_easyocr.reading.sources import ImageDocument, SourcePage

SCHEMA = Path(__file__).parent / "alto" / "alto-4-4.xsd"
TEXTS = {
    Box(100, 100, 200, 130): "공공행정문서",
    Box(204, 100, 260, 130): "를",
    Box(270, 100, 330, 130): "<읽었다>&\"'·㎡①",
    Box(100, 160, 180, 190): "둘째",
    Box(600, 160, 680, 190): "칸",
    Box(100, 300, 300, 340): "끝 줄",
    Box(400, 300, 420, 320): " ",  # nothing to be read
}
TEXT = "공공행정문서 를 <읽었다>&\"'·㎡①\n둘째\t칸\n\n끝 줄\n"
HOSTILE = '스캔; "1" <&>--\x01\udcff.jpg'
SHAPES = list(TEXTS)


class Fixed:
    """An engine that knows the page."""

    def __init__(self, texts=TEXTS):
        self.texts = texts
        self.identity = Identity("모델", "ab" * 32, "cd" * 32, "가나다")

    def detect(self, image):
        return list(self.texts)

    def read(self, grey, shapes):
        return [(self.texts[shape], 0.98765432) for shape in shapes]


def source(number=1, grey=None, **values):
    grey = np.full((500, 800), 255, np.uint8) if grey is None else grey
    return SourcePage(number, np.dstack([grey] * 3), grey, **values)


def written(form, *pages, engine=None, name="문서.tif"):
    engine, file = engine or Fixed(), io.BytesIO()
    writer = FORMATS[form][1](file, About(name, engine.identity))
    for page in pages or [source()]:
        if isinstance(page, SourcePage):
            writer.page(read_page(engine, page), page)
        else:
            writer.fault(page, "is cut short -- or damaged")
    writer.close()
    return file.getvalue()


def test_text():
    assert written("text").decode() == f"{TEXT}\f"
    assert written("text", source(), 2, source(3)).decode() == f"{TEXT}\f\f{TEXT}\f"
    assert written("text", engine=Fixed({})).decode() == "\f"


def test_json():
    found = json.loads(written("json", source(), 2, source(3, warnings=("rendered smaller",))))
    assert found["file"] == "문서.tif"
    model = {"name": "모델", "sha256": "ab" * 32, "detector_sha256": "cd" * 32, "characters": 3}
    assert found["model"] == model
    first, second, third = found["pages"]
    assert (first["number"], first["width"], first["height"], first["orientation"]) == (1, 800, 500, 0)
    assert [line["text"] for line in first["lines"]] == [*TEXT.replace("\t", "\n").split("\n")[:3], "끝 줄"]
    assert first["words"][1] == {
        "id": 1,
        "text": "를",
        "confidence": 0.9877,
        "box": [204, 100, 260, 130],
        "polygon": [[204, 100], [260, 100], [260, 130], [204, 130]],
        "line": 0,
    }
    for line in first["lines"]:
        assert line["text"] == " ".join(first["words"][word]["text"] for word in line["words"])
        assert all(first["lines"][first["words"][word]["line"]] is line for word in line["words"])
    assert [(line["block"], line["beside"]) for line in first["lines"]] == [
        (0, False),
        (0, False),
        (0, True),
        (1, False),
    ]
    assert second == {"number": 2, "error": "is cut short -- or damaged"}
    assert third["words"] == first["words"]
    assert found["warnings"] == ["page 2: is cut short -- or damaged", "page 3: rendered smaller"]
    assert "milliseconds" in json_page(read_page(Fixed(), source()), with_times=True)
    assert "milliseconds" not in first, "the same file twice is the same output"
    assert json.loads(written("json", 1))["pages"] == [{"number": 1, "error": "is cut short -- or damaged"}]
    assert isinstance(FORMATS["json"][1](io.BytesIO(), About("x", Fixed().identity)), JsonWriter)


def test_json_is_read_by_jq():
    if not shutil.which("jq"):
        pytest.skip("jq is not installed")
    command = ["jq", "-r", ".pages[].words[].text"]
    found = subprocess.run(command, input=written("json"), capture_output=True, check=True).stdout.decode()
    assert found.split("\n")[0] == "공공행정문서"


def test_a_tilted_word_has_its_corners():
    quad = Quad((100.5, 100), (200, 110.25), (197, 140), (97, 130))
    page = json_page(read_page(Fixed({quad: "기운"}), source()))
    assert page["words"][0]["polygon"] == [[100.5, 100], [200, 110.25], [197, 140], [97, 130]]
    assert page["words"][0]["box"] == [97, 100, 200, 140]


@pytest.mark.parametrize("name", ["문서.tif", HOSTILE])
def test_alto_is_valid_by_its_schema(name):
    content = written("alto", source(), 2, source(3), name=name)
    tree = etree.fromstring(content)
    etree.XMLSchema(etree.parse(SCHEMA)).assertValid(tree)
    spaces = {"a": "http://www.loc.gov/standards/alto/ns-v4#"}
    pages = tree.findall(".//a:Page", spaces)
    assert [page.get("PHYSICAL_IMG_NR") for page in pages] == ["1", "3"]
    lines = [
        [word.get("CONTENT") for word in line.findall("a:String", spaces)]
        for line in pages[0].findall(".//a:TextLine", spaces)
    ]
    assert lines == [["공공행정문서", "를", "<읽었다>&\"'·㎡①"], ["둘째"], ["칸"], ["끝 줄"]]
    word = pages[0].find(".//a:String", spaces)
    assert [word.get(key) for key in ("HPOS", "VPOS", "WIDTH", "HEIGHT", "WC")] == ["100", "100", "100", "30", "0.9877"]
    assert len(pages[0].findall(".//a:TextBlock", spaces)) == 2


@pytest.mark.parametrize("name", ["문서.tif", HOSTILE])
def test_hocr_is_valid_by_its_specification(tmp_path, name):
    (tmp_path / "page.hocr").write_bytes(written("hocr", source(), 2, source(3), name=name))
    checked = subprocess.run(["hocr-spec", tmp_path / "page.hocr"], capture_output=True, text=True, check=False)
    assert "Document is valid" in checked.stdout + checked.stderr, checked.stdout
    tree = etree.parse(tmp_path / "page.hocr", etree.XMLParser(load_dtd=False))
    found = {
        kind: tree.findall(f".//*[@class='{kind}']") for kind in ("ocr_page", "ocr_carea", "ocr_line", "ocrx_word")
    }
    assert [len(kind) for kind in found.values()] == [2, 4, 8, 12]
    assert found["ocrx_word"][2].text == "<읽었다>&\"'·㎡①"
    assert found["ocrx_word"][0].get("title") == "bbox 100 100 200 130; x_wconf 98.77"
    assert "bbox 0 0 800 500; ppageno 2" in found["ocr_page"][1].get("title")


def pdf_words(content):
    with pypdfium2.PdfDocument(content) as pdf:
        return [page.get_textpage().get_text_range().split() for page in pdf]


def test_the_text_of_a_pdf_can_be_searched_and_copied(tmp_path):
    content = written("pdf", source(), 2, source(3))
    words = TEXT.split()
    assert pdf_words(content) == [words, [], words]
    with pypdfium2.PdfDocument(content) as pdf:
        text = pdf[0].get_textpage()
        found = text.search("공공행정문서 를").get_next()
        assert found is not None, "words of a line are found together"
        left, bottom, right, top = text.get_charbox(found[0] + 5)
        assert (left, right) == pytest.approx((183 * 0.24, 200 * 0.24), abs=0.5), "where the sixth syllable is"
        assert (bottom, top) == pytest.approx((370 * 0.24, 400 * 0.24), abs=2.5)
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext is not installed")
    (tmp_path / "문서.pdf").write_bytes(content)
    run = subprocess.run(["pdftotext", "-raw", tmp_path / "문서.pdf", "-"], capture_output=True, check=True)
    assert [page.split() for page in run.stdout.decode().split("\f")] == [words, [], words, []]
    assert run.stderr == b""


def test_words_of_a_pdf_that_touch_stay_apart():
    texts = {Box(100 + 60 * number, 100, 160 + 60 * number, 130): word for number, word in enumerate(TEXT.split())}
    assert pdf_words(written("pdf", engine=Fixed(texts))) == [TEXT.split()]


def test_a_tilted_word_in_a_pdf():
    quad = Quad((200, 100), (200, 300), (160, 300), (160, 100))  # reads from the top down
    content = written("pdf", engine=Fixed({quad: "위에서아래로"}))
    with pypdfium2.PdfDocument(content) as pdf:
        text = pdf[0].get_textpage()
        assert text.get_text_range().strip() == "위에서아래로"
        boxes = [text.get_charbox(number) for number in range(6)]
        assert boxes[0][1] > boxes[5][1], "the first syllable is the highest"
        assert 150 * 0.24 < boxes[3][0] < boxes[3][2] < 210 * 0.24


COLOUR = np.dstack([draw_page(number) for number in range(3)])
PICTURES = {
    "JPEG as it is stored": ImageDocument(saved(draw_page(), form="JPEG", quality=70)).page(1),
    "colour JPEG": ImageDocument(saved(COLOUR, form="JPEG", quality=90)).page(1),
    "CMYK JPEG": ImageDocument(saved(Image.fromarray(COLOUR).convert("CMYK"), form="JPEG", quality=90)).page(1),
    "black and white": source(grey=marked_page()),
    "grey": source(grey=draw_page()),
    "colour": SourcePage(1, COLOUR, draw_page()),
}


@pytest.mark.parametrize("page", PICTURES.values(), ids=PICTURES)
def test_the_picture_of_a_pdf_is_the_page(page):
    content = written("pdf", page, engine=Fixed({}))
    with pypdfium2.PdfDocument(content) as pdf:
        rendered = pdf[0].render(scale=300 / 72 - 1e-6, rev_byteorder=True).to_numpy()[:, :, :3]
    assert rendered.shape == page.colour.shape
    error = np.abs(rendered.astype(int) - page.colour)
    assert error.mean() < 6
    if page.jpeg is not None:
        assert (page.jpeg in content) == (page is not PICTURES["CMYK JPEG"])
    if page is PICTURES["black and white"]:
        assert len(content) < 4000 and error.max() == 0, "without loss, in what faxes take"


def test_the_invisible_font_of_a_pdf_is_empty():
    font = TTFont(io.BytesIO(_EMPTY_FONT))
    assert font.getGlyphOrder() == [".notdef", "blank"]
    assert font["hmtx"]["blank"][0] == font["head"].unitsPerEm / 2
    assert font["glyf"][".notdef"].numberOfContours == 0
    coordinates = font["glyf"]["blank"].getCoordinates(font["glyf"])[0]
    assert list(coordinates) == [(0, -200), (500, 800)], "out and back: bounds without area"


def test_text_of_cells_and_blocks():
    assert text_of(read_page(Fixed(), source())) == TEXT

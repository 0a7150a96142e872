"""The report in HTML: its figures are those of the analysis, hostile texts stay text, pictures keep to their budget."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

import evaluate
from tests.documents.printed import BOXES, encode, label_of, printed_page
from tests.evaluation.installed import draw_page, write_page
from tests.evaluation.pages import line, observed, rows_of
from train_easyocr.common.text import normalize_label
from train_easyocr.documents import Box, Word
from train_easyocr.documents.aihub import find_pages, read_labelled_page
from train_easyocr.documents.sources import PageFile
from train_easyocr.evaluation.exchange import write_predictions
from train_easyocr.evaluation.html_report import HTML_NAME, as_data, page_link
from train_easyocr.evaluation.report_images import Budget, encode_crop, encode_page, read_images
from train_easyocr.evaluation.report_pages import PageWords
from train_easyocr.metrics.error_classes import CLASSES

pytestmark = pytest.mark.slow

HOSTILE = "<script>document.title='bad'</script>"
QUOTES = "\"'`</script><!--\u2028&amp;{{ 7 * 7 }}"
NAME = "주민복지/a\"<b>'&+%c"


def make_report(folder, *options):
    """Evaluate what two systems read on eight pages, one of which has hostile texts; `good` reads no digits."""
    for number in range(7):
        words = [(20, 20, 80, 30, "도로점용"), (120, 20, 80, 30, "허가신청"), (20, 60, 60, 30, f"{2001 + number}")]
        write_page(folder / "set", f"인.허가/{number}", words, seed=number)
    words = [(20, 20, 200, 30, HOSTILE), (20, 60, 200, 30, QUOTES), (20, 100, 80, 30, "경남 김해시")]
    write_page(folder / "set", NAME, words, category="<i>복지&", seed=9)
    pages = [read_labelled_page(file) for file in find_pages(folder / "set")[0]]
    rows = {page.name: [[*word.box, word.text, 0.9] for word in page.words] for page in pages}
    good = {name: [[*row] for row in found if not row[4].isdigit()] for name, found in rows.items()}
    good[NAME][0][4] = HOSTILE.replace("bad", "b") + QUOTES
    poor = {name: [[*row[:4], row[4].replace("로", "르"), 0.6] for row in found] for name, found in rows.items()}
    poor["인.허가/1"] = []
    write_predictions(folder / "poor.json", poor, "poor")
    write_predictions(folder / "good.json", good, "good")
    arguments = ["--eval_set", folder / "set", "--output", folder / "out"]
    for name in ("poor", "good"):
        arguments += ["--predictions", folder / f"{name}.json"]
    assert evaluate.main([str(argument) for argument in (*arguments, *options)]) == 0
    return folder / "out" / HTML_NAME


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return make_report(tmp_path_factory.mktemp("report"))


class Parsed(HTMLParser):
    """The document's elements, its tables' rows, and the texts of its scripts by id."""

    def __init__(self, path):
        super().__init__()
        self.elements, self.rows, self.scripts, self.script = [], [], {}, None
        self.text = path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.script = dict(attrs).get("id", "") if tag == "script" else None
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th") and self.rows:
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        self.script = None

    def handle_data(self, data):
        if self.script is not None:
            self.scripts[self.script] = self.scripts.get(self.script, "") + data
        elif self.rows and self.rows[-1]:
            self.rows[-1][-1] = (self.rows[-1][-1] + data).strip()

    def json(self, name):
        return json.loads(self.scripts[name])

    def row(self, *start):
        return next(row for row in self.rows if row[: len(start)] == list(start))


def analysis_of(report):
    return json.loads(report.with_name("analysis.json").read_text(encoding="utf-8"))


def test_figures_are_those_of_the_analysis(report):
    parsed, analysis = Parsed(report), analysis_of(report)
    data = parsed.json("data")
    assert data["pages"] == analysis["pages"]
    assert (data["models"], data["classes"]) == (["poor", "good"], list(CLASSES))
    for model in analysis["models"].values():
        assert f'<p class="figure">{model["headline"]:.4f}</p>' in parsed.text
        for found in model["error_classes"]:
            counts = [f"{found['labels']:,}", f"{found['predictions']:,}", f"{found['lost_f1']:.4f}"]
            figures = [found["name"], *counts, f"{found['share']:.1%}", f"{found['repaired_f1']:.4f}"]
            assert figures in [row[:6] for row in parsed.rows]
        for found in model["characters"]["confusions"]:
            parsed.row(found["label"] or "(nothing)", found["read"] or "(nothing)", str(found["count"]))
    result = json.loads(report.with_name("evaluation_result.json").read_text(encoding="utf-8"))
    means = [result["models"][name][kind]["end_to_end_f1"] for name in ("poor", "good") for kind in ("mean", "pooled")]
    assert parsed.row("end to end F1") == ["end to end F1", *(f"{mean:.4f}" for mean in means)]
    for entry in analysis["suspicious"]:
        parsed.row("", entry["label"].strip(), entry["read"].strip(), f"{entry['score']:.3f}")
    assert analysis["suspicious"]


def test_each_of_many_models_has_a_colour(tmp_path):
    options = ["--report_images", "none"]
    for number in range(8):
        write_predictions(tmp_path / f"model {number}.json", {"인.허가/1": []}, "")
        options += ["--predictions", tmp_path / f"model {number}.json"]
    text = make_report(tmp_path, *options).read_text(encoding="utf-8")
    assert set(re.findall(r'class="(m\d+)["\s]', text)) == set(re.findall(r"\.(m\d+) {", text)) >= {"m0", "m7"}


def test_gain_and_regression(report):
    parsed, [comparison] = Parsed(report), analysis_of(report)["comparisons"]
    headline = comparison["figures"]["end_to_end_f1"]
    assert f"{headline['low']:+.4f}".replace("-", "−") in parsed.text
    assert comparison["worse_slices"] == ["digits"]
    assert "good reads some words worse than poor" in parsed.text
    assert re.search(r'<tr class="worse"><th><span [^>]*>digits</span></th>', parsed.text)
    assert len(re.findall(r'<tr class="worse">', parsed.text)) == 1
    assert parsed.row("digits", "8")[4].startswith("−")


def test_words_of_a_page_are_those_of_its_files(report):
    parsed = Parsed(report)
    number = [page["name"] for page in parsed.json("data")["pages"]].index(NAME)
    record = parsed.json(f"page-{number}")
    assert (record["width"], record["height"]) == (360, 260)
    assert [label[4] for label in record["labels"]] == [HOSTILE, normalize_label(QUOTES), "경남 김해시"]
    poor, good = record["models"]
    assert poor == [[0, 0.6, 0, *label[:4]] for label in record["labels"]]
    read = HOSTILE.replace("bad", "b") + normalize_label(QUOTES)
    assert good[0] == [CLASSES.index("misread"), 0.9, read, 20, 20, 220, 50]
    missing = parsed.json("page-1")["models"]
    assert missing[0] == [[CLASSES.index("missed")]] * 3
    assert missing[1][2] == [CLASSES.index("missed")]


def test_hostile_texts_stay_texts(report):
    parsed = Parsed(report)
    scripts = [attributes for tag, attributes in parsed.elements if tag == "script"]
    assert [script.get("type") for script in scripts].count(None) == 1
    assert len(scripts) == 3 + 2 * 8
    assert HOSTILE not in parsed.text
    assert {tag for tag, _ in parsed.elements}.isdisjoint({"iframe", "object", "embed"})
    assert not [name for _, attributes in parsed.elements for name in attributes if name.startswith("on")]
    assert "49" not in parsed.row("<i>복지&", "1")[0]
    assert "{{ 7 * 7 }}" in parsed.text


def test_nothing_is_loaded_and_no_other_script_runs(report):
    parsed = Parsed(report)
    [policy] = [a["content"] for tag, a in parsed.elements if a.get("http-equiv") == "Content-Security-Policy"]
    digest = base64.b64encode(hashlib.sha256(parsed.scripts[""].encode()).digest()).decode()
    assert policy == f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    sources = [attributes["src"] for _, attributes in parsed.elements if "src" in attributes]
    assert sources
    assert all(source.startswith("data:image/webp;base64,") for source in sources)
    assert not [a["href"] for tag, a in parsed.elements if "href" in a and not a["href"].startswith(("#", "data:,"))]


def test_report_is_the_same_every_time(report, tmp_path):
    again = make_report(tmp_path).read_text(encoding="utf-8")
    # The report names the set's folder and the files' hashes alone.
    assert again.replace(str(tmp_path), "") == report.read_text(encoding="utf-8").replace(str(report.parents[1]), "")


def test_report_without_pictures(tmp_path):
    parsed = Parsed(make_report(tmp_path, "--report_images", "none"))
    assert "img" not in {tag for tag, _ in parsed.elements}
    assert not [name for name in parsed.scripts if name.startswith("picture")]
    assert parsed.json("page-0")["width"] == 200 + 20  # as far as the words go, and the margin before them


def test_data_can_not_leave_their_element():
    assert "<" not in as_data({"<a>": ["</script>", "<!--"]})
    assert json.loads(as_data({"<a>": ["</script>"]})) == {"<a>": ["</script>"]}


def test_links():
    assert page_link("인.허가/1", Box(1, -2, 3, 4)) == "#page=%EC%9D%B8.%ED%97%88%EA%B0%80%2F1&box=1%2C-2%2C3%2C4"
    assert page_link("", category="a&b") == "#pages=&category=a%26b"


class TestRecords:
    def test_rows(self):
        labels = line("도로", "점용", "허가")
        rows = [*rows_of(labels[:1], 0.25), [*labels[1].box, "점응", float("nan")], [500, 60, 540, 90, "잡음", 0.75]]
        empty, page = ("0", "", [], []), ("1", "", labels, rows)
        records = PageWords({"a": observed(empty, page).words(), "b": observed(page, empty).words()}, 2)
        assert records.record(1, 700, 900) == {
            "width": 700,
            "height": 900,
            "labels": [[*word.box, word.text] for word in labels],
            "models": [
                [[0, 0.25, 0, *labels[0].box], [1, None, "점응", *labels[1].box], [2], [6, 0.75, "잡음", *rows[2][:4]]],
                [],
            ],
        }

    def test_size_of_a_page_without_a_picture(self):
        labels = [Word(Box(30, 50, 100, 90), "도로")]
        records = PageWords(
            {"a": observed(("0", "", labels, [[60, 40, 120, 200, "", 1.0]]), ("1", "", [], [])).words()}, 2
        )
        assert [records.record(0, 0, 0)[side] for side in ("width", "height")] == [120 + 30, 200 + 40]
        assert records.record(1, 0, 0)["width"] > 0


class TestImages:
    noise = np.random.default_rng(0).integers(0, 256, (900, 700), dtype=np.uint8)

    @pytest.mark.parametrize("most_bytes", [200_000, 20_000, 2_000])
    def test_page_keeps_to_its_budget(self, most_bytes):
        content = encode_page(self.noise, Budget(600, most_bytes))
        assert len(content) <= most_bytes
        with Image.open(BytesIO(content)) as image:
            assert max(image.size) == 600 if most_bytes == 200_000 else max(image.size) <= 600
            assert image.size[0] / image.size[1] == pytest.approx(7 / 9, abs=0.02)

    def test_small_page_is_not_enlarged(self):
        with Image.open(BytesIO(encode_page(draw_page(), Budget(1400, 60_000)))) as image:
            assert image.size == (360, 260)

    @pytest.mark.parametrize(
        ("box", "size"),
        [
            (Box(100, 100, 200, 130), (112, 42)),
            (Box(-50, -10, 100, 30), (108, 38)),
            (Box(0, 0, 700, 100), (333, 57)),  # 700 x 120, of which 56 pixels of the shorter side are kept
            (Box(800, 0, 900, 40), None),
            (Box(100, 100, 100, 130), None),
        ],
    )
    def test_crops(self, box, size):
        content = encode_crop(self.noise, box)
        if size is None:
            assert content == b""
            return
        with Image.open(BytesIO(content)) as image:
            assert image.size == pytest.approx(size, abs=8)

    def test_crop_shows_its_word(self):
        page = np.full((200, 300), 255, np.uint8)
        page[100:130, 100:200] = 0
        with Image.open(BytesIO(encode_crop(page, Box(100, 100, 200, 130)))) as image:
            crop = np.asarray(image.convert("L"))
        assert crop[12:30, 12:100].mean() < 30
        assert crop[0].mean() > 200

    def test_image_that_is_gone(self, tmp_path):
        (tmp_path / "bad.png").write_bytes(b"no image")
        (tmp_path / "x.json").write_bytes(label_of())
        files = [PageFile(name, tmp_path / f"{name}.png", tmp_path / "x.json") for name in ("bad", "gone")]
        said = []
        found = dict(
            read_images([(file, [Box(0, 0, 9, 9)]) for file in files], frozenset({"bad"}), Budget(9, 9), said.append)
        )
        assert [(found[name].page, found[name].crops, found[name].width) for name in ("bad", "gone")] == [
            ("", {}, 0)
        ] * 2
        assert len(said) == 2

    def test_pictures_are_upright_as_the_labels_see_them(self, tmp_path):
        (tmp_path / "x.json").write_bytes(label_of())
        found = []
        for orientation in (1, 6):
            (tmp_path / "쪽.png").write_bytes(encode(printed_page(), "PNG", orientation))
            file = PageFile("쪽", tmp_path / "쪽.png", tmp_path / "x.json")
            found += read_images([(file, list(BOXES))], frozenset({"쪽"}), Budget(600, 99999), print)
        assert found[0] == found[1] and len(found[0][1].crops) == len(BOXES)

"""POST /v1/ocr: the answers of `read`, in all formats, and alike whoever else asks."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pypdfium2
import pytest
from PIL import Image

from tests.reading.documents import blank_pdf, saved
from tests.serving.tiny import page
from train_easyocr import read

pytestmark = pytest.mark.slow

NAME = "동의서 1쪽.png"


def ask(client, content, name=NAME, **fields):
    return client.post("/v1/ocr", files={"file": (name, content)}, data=fields)


def untimed(answer):
    """An answer without what is never the same twice."""
    assert answer.status_code == 200, answer.text
    found = answer.json()
    for one in found["pages"]:
        assert "error" in one or one.pop("milliseconds").keys() >= {"decode", "detect", "recognize"}
    return found


def test_a_page_is_read_as_the_command_reads_it(client, exported, tmp_path, capfdbinary):
    (tmp_path / NAME).write_bytes(page(1))
    for form in ("json", "text", "hocr", "alto", "pdf"):
        assert read.main([str(tmp_path / NAME), "--bundle", str(exported), "--format", form]) == 0
        expected = capfdbinary.readouterr().out
        answer = ask(client, page(1), format=form)
        if form == "json":
            assert untimed(answer) == json.loads(expected)
            assert len(answer.json()["pages"][0]["words"]) >= 10
        else:
            assert answer.content == expected


def test_base64_in_json_is_the_same(client):
    expected = untimed(ask(client, page(2)))
    content = base64.b64encode(page(2)).decode()
    for file in (content, f"data:image/png;base64,{content}", "\n".join((content[:80], content[80:]))):
        assert untimed(client.post("/v1/ocr", json={"file": file, "name": NAME})) == expected


def test_answers_do_not_depend_on_who_else_asks(client):
    pages = [page(seed, words=3 + seed % 10) for seed in range(40)]
    alone = [untimed(ask(client, content)) for content in pages]
    with ThreadPoolExecutor(8) as clients:
        together = list(clients.map(lambda content: untimed(ask(client, content)), pages * 2))
    assert together == alone * 2
    texts = {tuple(word["text"] for word in one["pages"][0]["words"]) for one in alone}
    assert len(texts) == len(pages)


def test_pages_of_a_pdf_and_a_picture_of_each(client):
    found = untimed(ask(client, blank_pdf(5), pages="2,4-", picture="jpeg", dpi="72"))
    assert [one["number"] for one in found["pages"]] == [2, 4, 5]
    picture = found["pages"][0]["picture"]
    assert picture["type"] == "image/jpeg" and base64.b64decode(picture["data"]).startswith(b"\xff\xd8\xff")
    pdf = pypdfium2.PdfDocument(BytesIO(ask(client, blank_pdf(3), format="pdf").content))
    assert len(pdf) == 3


def test_a_word_alone_is_only_read(client):
    [word] = untimed(ask(client, page(5, words=1, size=(200, 60)), detect="false"))["pages"][0]["words"]
    assert word["box"] == [0, 0, 200, 60] and word["text"]


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_a_page_that_is_turned_as_the_client_says(client, angle):
    upright = Image.open(BytesIO(page(7)))
    file = BytesIO()
    upright.rotate(angle, expand=True).save(file, "PNG")  # against the clock
    [read], [turned] = (
        untimed(ask(client, content, orientation=wish))["pages"]
        for content, wish in ((page(7), "0"), (file.getvalue(), str(angle)))
    )
    assert (read.pop("orientation"), turned.pop("orientation")) == (0, angle)
    assert turned == read and read["words"]


def test_words_that_are_only_found(client):
    content = page(6)
    [read], [found] = (untimed(ask(client, content, recognize=wish))["pages"] for wish in ("true", "false"))
    assert [word["box"] for word in found["words"]] == [word["box"] for word in read["words"]]
    assert {(word["text"], word["confidence"]) for word in found["words"]} == {("", 0)}
    assert [line["words"] for line in found["lines"]] == [line["words"] for line in read["lines"]]
    assert {line["text"] for line in found["lines"]} == {""}
    for wish in ({"format": "text"}, {"orientation": "auto"}, {"detect": "false"}):
        assert ask(client, content, recognize="false", **wish).status_code == 422


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"format": "docx"}, "format"),
        ({"pages": "0"}, "pages"),
        ({"pages": "9"}, "none of those asked for"),
        ({"orientation": "45"}, "orientation"),
        ({"pagse": "1"}, "pagse"),
        ({"dpi": "9999"}, "dpi"),
    ],
)
def test_wrong_options_are_said(client, fields, said):
    answer = ask(client, blank_pdf(2), **fields)
    assert answer.status_code == 422
    assert said in answer.json()["error"]["message"]


def test_a_broken_page_is_told_and_the_others_are_read(client):
    pages = [Image.open(BytesIO(page(seed))) for seed in range(3)]
    content = bytearray(saved(*pages, compression="tiff_lzw"))
    second = content.index(b"\x80", len(content) // 3)
    content[second : second + 400] = b"\xff" * 400
    answer = untimed(ask(client, bytes(content)))
    assert [("error" in one) for one in answer["pages"]].count(True) == 1
    [warning] = answer["warnings"]
    assert "can't be decoded" in warning
    assert ask(client, bytes(content), format="text").text.count("\f") == 3

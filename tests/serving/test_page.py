"""The page at `/` as Chromium shows it: a document in, boxes and texts out, by mouse or keyboard, in two languages."""

import json
import shutil
from io import BytesIO
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

from tests.reading.documents import saved
from tests.serving.conftest import running
from tests.serving.tiny import page as drawn
from train_easyocr import serve

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (requirements-dev.txt)")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
pytestmark = [pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed"), pytest.mark.slow]

HOSTILE = "<img src=x onerror=document.title='bad'>.png"
PASTE = """([kind, name, bytes]) => {
    const data = new DataTransfer();
    if (name) data.items.add(new File([new Uint8Array(bytes)], name));
    const Kind = kind === "paste" ? ClipboardEvent : DragEvent;
    const given = { bubbles: true, cancelable: true, [kind === "paste" ? "clipboardData" : "dataTransfer"]: data };
    document.body.dispatchEvent(new Kind(kind, given));
}"""


@pytest.fixture(scope="module")
def chromium():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, client):
    """Open the page; what it says on the console, and what it asks of other addresses, are faults."""
    said, asked, contexts = [], [], []

    def opened(address=str(client.base_url), locale="ko-KR", size=(1400, 900), wait="#choose", **settings):
        width, height = size
        settings |= {"locale": locale, "viewport": {"width": width, "height": height}}
        contexts.append(chromium.new_context(permissions=["clipboard-read", "clipboard-write"], **settings))
        page = contexts[-1].new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        page.wait_for_selector(wait)
        return page

    opened.said = said
    yield opened
    for context in contexts:
        context.close()
    # Chromium itself says of every answer that is an error that it is one.
    assert [text for text in said if not text.startswith("Failed to load resource")] == []
    assert [url for url in asked if not url.startswith(("http://127.0.0.1:", "data:", "blob:"))] == []


def scan(*seeds, form="PDF"):
    return saved(*(Image.open(BytesIO(drawn(seed))) for seed in seeds), form=form)


def give(page, content, name="동의서 모음.pdf"):
    """Choose a file, and wait until it is read or refused."""
    page.set_input_files("#file", {"name": name, "mimeType": "application/octet-stream", "buffer": content})
    page.wait_for_selector("#said:has-text('다 읽었습니다'), #fault:not([hidden])")
    page.wait_for_selector("#working", state="hidden")


def asked(client, content, form, name="동의서 모음.pdf"):
    return client.post("/v1/ocr", files={"file": (name, content)}, data={"format": form}).raise_for_status()


def downloaded(page, selector):
    with page.expect_download() as download:
        page.click(selector)
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def test_a_document_page_by_page(visit, client):
    page, content = visit(), scan(1, 2)
    expected = asked(client, content, "json").json()["pages"]
    texts = asked(client, content, "text").text.split("\f")
    give(page, content)
    assert (
        page.inner_text("#said") == f"다 읽었습니다. 페이지 2개, 단어 {sum(len(one['words']) for one in expected)}개."
    )
    assert page.evaluate("document.activeElement.id") == "name"
    for number, one in enumerate(expected):
        assert page.inner_text("#position") == f"{number + 1} / 2"
        assert page.text_content("#text") == texts[number].rstrip("\n")
        boxes = page.eval_on_selector_all("#sheet polygon", "all => all.map(box => box.getAttribute('points'))")
        assert boxes == [" ".join(f"{x},{y}" for x, y in word["polygon"]) for word in one["words"]]
        low = page.eval_on_selector_all("#text .low", "all => all.map(word => Number(word.dataset.word))")
        assert low == [word["id"] for word in one["words"] if word["confidence"] < 0.8]
        assert page.evaluate("document.querySelector('#sheet img').decode().then(() => 1)") == 1
        page.click("#next") if number == 0 else page.click("#previous")
    assert page.is_disabled("#previous") and page.is_enabled("#next")


def test_words_by_mouse_and_by_keyboard(visit):
    page = visit()
    give(page, drawn(3), "한 쪽.png")
    assert page.is_hidden("#steps")
    page.focus("#overlay")
    for key, word in (("", 0), ("ArrowRight", 1), ("ArrowDown", 2), ("ArrowLeft", 1), ("End", 11), ("ArrowRight", 11)):
        if key:
            page.keyboard.press(key)
        assert page.get_attribute("#overlay", "aria-activedescendant") == f"word-{word}"
        [shown] = page.eval_on_selector_all("#text .chosen", "all => all.map(word => word.textContent)")
        assert page.get_attribute("[aria-selected=true]", "aria-label").startswith(f"{shown}, ")
        assert page.inner_text("#detail-said").startswith(f"{shown} 신뢰도 ")
    page.keyboard.press("Escape")
    assert page.query_selector("#text .chosen") is None
    page.hover("#word-4")
    assert page.inner_text("#detail-said b") == page.inner_text("#text [data-word='4']")
    page.click("#text [data-word='5']")
    assert page.get_attribute("[aria-selected=true]", "id") == "word-5"
    low = page.eval_on_selector_all("#sheet .low", "all => all.map(box => box.id)")
    assert low, "the tiny model is unsure of some words"
    page.keyboard.press("Escape")
    for _ in range(2):
        page.click("#doubtful")
    assert page.get_attribute("[aria-selected=true]", "id") in low
    page.click("#larger")
    assert page.inner_text("#zoom") == "150 %"


def test_what_is_taken_along_is_what_the_service_writes(visit, client):
    page, content = visit(), scan(4, 5)
    give(page, content)
    name, text = downloaded(page, "#save-text")
    assert (name, text) == ("동의서 모음.pdf.txt", asked(client, content, "text").content)
    name, found = downloaded(page, "#save-json")
    expected = asked(client, content, "json").json()
    found = json.loads(found)
    for one in (*found["pages"], *expected["pages"]):
        one.pop("milliseconds")
    assert (name, found) == ("동의서 모음.pdf.json", expected)
    name, pdf = downloaded(page, "#save-pdf")
    assert name == "동의서 모음.pdf.pdf" and pdf == asked(client, content, "pdf").content
    assert len(pypdfium2.PdfDocument(BytesIO(pdf))) == 2
    page.click("#copy")
    page.wait_for_selector("#said:has-text('복사했습니다')")
    assert page.evaluate("navigator.clipboard.readText()") == text.decode().split("\f")[0]


@pytest.mark.parametrize("kind", ["paste", "drop"])
def test_dropped_and_pasted(visit, kind):
    page = visit()
    page.evaluate(PASTE, [kind, HOSTILE, list(drawn(6))])
    page.wait_for_selector("#said:has-text('다 읽었습니다')")
    assert page.inner_text("#name") == HOSTILE
    assert page.title() == "문서 읽기"
    page.click("#another")
    assert page.evaluate("document.activeElement.id") == "file"
    assert page.is_hidden("#result") and page.is_visible("#choose")


def test_nothing_pasted(visit):
    page = visit()
    page.evaluate(PASTE, ["paste", "", []])
    assert page.inner_text("#said") == "클립보드에 그림이나 파일이 없습니다. 먼저 복사하세요."


@pytest.mark.parametrize(
    ("content", "pages", "said", "detail"),
    [
        (b"%PDF-1.4 broken", "", "암호가 없는지", "PDF"),
        (b"hello", "", "읽을 수 있는 그림이나 PDF가 아닙니다", ""),
        (bytes(3_000_000), "", "문서가 너무 큽니다", "body_mb"),
        (scan(1), "0", "요청한 페이지를 읽을 수 없습니다", "1-20"),
        (scan(1), "7", "요청한 페이지를 읽을 수 없습니다", "none of those asked for"),
    ],
    ids=["broken", "unknown", "large", "no pages", "other pages"],
)
def test_faults_say_what_to_do(visit, content, pages, said, detail):
    page = visit()
    page.fill("#pages", pages)
    give(page, content)
    assert page.get_attribute("#fault", "role") == "alert"
    assert said in page.inner_text("#fault-said")
    assert detail in page.inner_text("#fault-detail")
    assert page.is_visible("#choose")
    page.click("[data-language=en]")
    assert page.inner_text("#fault-said").isascii()
    page.click("[data-language=ko]")
    page.fill("#pages", "")
    give(page, drawn(1))
    assert page.is_hidden("#fault")


def test_a_service_that_is_busy_or_gone(visit):
    page = visit()
    page.route("**/v1/jobs", lambda route: route.fulfill(status=429, headers={"Retry-After": "17"}, json={}))
    give(page, drawn(1))
    assert page.inner_text("#fault-said") == "서비스가 바쁩니다. 17초 뒤에 다시 해 보세요."
    page.unroute("**/v1/jobs")
    page.route("**/v1/jobs", lambda route: route.abort())
    give(page, drawn(1))
    assert page.inner_text("#fault-said").startswith("서비스가 응답하지 않습니다.")


def test_reading_can_be_stopped(visit):
    page, deleted = visit(), []
    page.on("request", lambda request: deleted.append(request.url) if request.method == "DELETE" else None)
    state = {"id": "1", "state": "running", "done": 1, "pages": 4, "warnings": []}
    page.route("**/v1/jobs*", lambda route: route.fulfill(json=state))
    page.route("**/v1/jobs/1", lambda route: route.fulfill(json=state))
    page.route("**/v1/jobs/1/pages*", lambda route: route.fulfill(body=""))
    page.set_input_files("#file", {"name": "긴 문서.pdf", "mimeType": "", "buffer": b"%PDF-"})
    page.wait_for_selector("#progress[value='1']")
    assert page.get_attribute("#progress", "max") == "4"
    page.click("#stop")
    page.wait_for_selector("#said:has-text('멈추었습니다')")
    assert page.is_visible("#choose") and page.is_hidden("#working")
    assert deleted == [f"{page.url}v1/jobs/1"]


def test_token_is_asked_for_once(visit, exported, tmp_path, capsys):
    assert serve.main(["--new_token", "민원실", "--token_file", str(tmp_path / "토큰")]) == 0
    token = capsys.readouterr().out.strip()
    with running(exported, tmp_path, "--token_file", str(tmp_path / "토큰")) as guarded:
        page = visit(str(guarded.base_url), wait="#token-form")
        assert page.is_hidden("#choose") and page.is_hidden("#fault")
        assert page.evaluate("document.activeElement.id") == "token"
        for wrong in ("틀린 토큰", token[:-1]):
            page.fill("#token", wrong)
            page.keyboard.press("Enter")
            page.wait_for_selector("#fault-said:has-text('토큰이 올바르지 않습니다')")
            assert page.evaluate("document.activeElement.id") == "token"
        page.fill("#token", token)
        page.keyboard.press("Enter")
        page.wait_for_selector("#choose")
        assert page.is_hidden("#fault") and page.is_hidden("#token-form")
        give(page, drawn(7))
        assert page.is_visible("#text")
        page.reload()
        page.wait_for_selector("#choose")
        assert page.is_hidden("#token-form")
        assert token not in page.content()
        visit(str(guarded.base_url), wait="#token-form")  # another tab knows nothing


def test_language(visit):
    page = visit(locale="en-US")
    said = "all => all.filter(part => part.dataset.say).map(part => part.textContent)"
    assert page.title() == "Document reader"
    assert page.get_attribute("html", "lang") == "en"
    assert not [text for text in page.eval_on_selector_all("body [data-say]", said) if not text or not text.isascii()]
    page.click("[data-language=ko]")
    give(page, drawn(8))
    assert page.get_attribute("#overlay", "aria-label").startswith("페이지의 단어")
    page.reload()
    page.wait_for_selector("#choose")
    assert (page.title(), page.get_attribute("html", "lang")) == ("문서 읽기", "ko")
    assert page.get_attribute("[data-language=ko]", "aria-pressed") == "true"


def test_narrow_and_dark(visit):
    page = visit(size=(390, 844), color_scheme="dark")
    give(page, drawn(9))
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(20, 24, 28)"


def test_headers(client):
    for address in ("/", "/page/page.js", "/page/look.css"):
        answer = client.get(address)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        again = client.get(address, headers={"If-None-Match": answer.headers["etag"]})
        assert (answer.status_code, again.status_code, again.content) == (200, 304, b"")
    assert client.get("/page/../app.py").status_code == 404

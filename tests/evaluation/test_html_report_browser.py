"""The report as a browser shows it: opens, filters, shows a page, without a word on the console."""

import pytest

from tests.evaluation.browser import CHROMIUM, drive
from tests.evaluation.test_html_report import HOSTILE, NAME, QUOTES, make_report
from train_easyocr.documents import Box
from train_easyocr.evaluation.html_report import page_link

SHOWN_QUOTES = QUOTES.replace("\u2028", " ")
"""Labels and readings hold line separators as spaces."""

pytestmark = [pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed"), pytest.mark.slow]


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """What a visit to the report saw."""
    report = make_report(tmp_path_factory.mktemp("browser"))
    script = f"""
        const name = {NAME!r};
        const list = () => texts("#list-rows bdi");
        const lit = () => all("#sheet svg g:not(.dim):not(.worded)").length;
        result.start = [find("#report").hidden, find("#browser").hidden, frame.document.title];
        await choose("#details-of", "poor");
        result.details = all("#errors .of-model").map((part) => part.hidden);

        await go("#pages=");
        result.pages = [find("#report").hidden, find("#found").textContent, find("#position").textContent];
        result.worst = find("#page-name").textContent;
        result.byLoss = texts("#list-rows b").map(Number);
        await choose("#filter-sort", "name");
        result.byName = list();
        result.imagesBefore = all("#sheet img").length;
        await press("ArrowRight"); await press("ArrowRight"); await press("ArrowLeft");
        result.second = [find("#position").textContent, find("#page-name").textContent, frame.location.hash];
        await press("ArrowRight", find("#filter-find"));
        result.whileTyping = find("#position").textContent;
        await press("ArrowLeft"); await press("ArrowLeft");
        result.first = [find("#position").textContent, find("#previous").disabled];

        await choose("#filter-class", "misread");
        result.misread = [list(), lit(), texts("#words-list .texts")];
        await choose("#filter-model", "poor");
        result.misreadByPoor = list();
        await choose("#filter-category", "<i>복지&");
        result.none = [list(), find("#page-name").textContent, all("#sheet *").length];

        await go({page_link(NAME, Box(20, 60, 220, 90))!r});
        const image = find("#sheet img");
        await image.decode();
        result.page = [find("#page-name").textContent, image.naturalWidth, all("#sheet .mark").length];
        result.boxes = all("#sheet .labels").length;
        await click("#layers .layer:nth-child(1) button:nth-of-type(2)");
        result.texts = texts("#sheet .labels text");
        await click("#layers .layer:nth-child(1) button:nth-of-type(1)");
        await click("#layers .layer:nth-child(1) button:nth-of-type(2)");
        result.off = [all("#sheet .labels").length, all("#sheet svg g").length];
        await click("#layers .layer:nth-child(2) button:nth-of-type(1)");
        result.both = all("#sheet svg g").length;
        result.sameImage = find("#sheet img") === image;
        await click("#words-list button");
        result.wordLink = new URLSearchParams(frame.location.hash.slice(1)).get("box");
        result.zoomed = find("#sheet").style.width;

        await go("#page=nowhere");
        result.nowhere = find("#page-name").textContent;
        await go("#page=%E0%A4%A&class=nothing&model=nobody&sort=none&box=1,2");
        result.malformed = [find("#filter-class").value, find("#filter-model").value];
        await go("#characters");
        result.back = [find("#report").hidden, frame.scrollY > 100];

        await click("[data-language=ko]");
        const heading = () => [find("h1").textContent, frame.document.title, find("tr.headline th").textContent];
        result.korean = [...heading(), find("#characters h2 span").textContent, frame.document.documentElement.lang];
        await go("#pages=&class=misread");
        result.koreanPages = [find("#found").textContent, find("#list").ariaLabel, texts("#list-rows small")[1]];
        result.koreanWord = find("#words-list button").title;
        const said = all("[data-say]").map((part) => part.textContent);
        result.english = said.filter((text) => /^[a-z ]{{8,}}$/i.test(text));
        const shownAgain = new Promise((resolve) => {{ document.querySelector("iframe").onload = resolve; }});
        frame.location.reload();
        await shownAgain;
        result.remembered = texts("[aria-pressed=true][data-language]");
        await click("[data-language=en]");
        result.backToEnglish = [...heading(), find("#found").textContent];

        result.fault = frame.document.documentElement.dataset.fault || "";
        result.injected = frame.document.title;
    """
    return drive(report, script)


def test_opens(shown):
    assert shown["start"] == [False, True, "Evaluation of good"]
    assert shown["injected"] == "Evaluation of good"
    assert shown["fault"] == ""
    assert shown["details"] == [False, True]


def test_list_of_pages(shown):
    assert shown["pages"] == [True, "8 of 8 pages; F1 of good", "1 of 8"]
    assert shown["byLoss"] == sorted(shown["byLoss"])
    assert len(shown["byLoss"]) == 8
    assert shown["worst"] == NAME
    assert shown["byName"] == [*"0123456", NAME.split("/")[1]]
    assert shown["imagesBefore"] == 1


def test_keys(shown):
    position, name, address = shown["second"]
    assert (position, name) == ("2 of 8", "인.허가/1")
    assert address.startswith("#page=")
    assert shown["whileTyping"] == "2 of 8"
    assert shown["first"] == ["1 of 8", True]


def test_filters(shown):
    names, lit, words = shown["misread"]
    assert names == [NAME.split("/")[1]]
    assert lit == 2  # the label and what was read there
    assert words == [f"{HOSTILE} → {HOSTILE.replace('bad', 'b')}{SHOWN_QUOTES}"]
    assert shown["misreadByPoor"] == [*"023456"]
    assert shown["none"] == [[], "No page is like this", 0]


def test_page(shown):
    assert shown["page"] == [NAME, 360, 1]
    assert shown["boxes"] == 3
    assert shown["texts"] == [HOSTILE, SHOWN_QUOTES, "경남 김해시"]
    assert shown["off"] == [0, 3]
    assert shown["both"] == 6
    assert shown["sameImage"]
    assert shown["wordLink"] == "20,20,220,50"
    assert shown["zoomed"] == "200%"


def test_language(shown):
    assert shown["korean"] == ["평가", "good 평가", "종단 간 F1", "글자", "ko"]
    assert shown["koreanPages"] == ["페이지 8개 가운데 1개, good 모델의 F1", "페이지", "오독 1"]
    assert shown["koreanWord"] == f"오독: {HOSTILE} → {HOSTILE.replace('bad', 'b')}{SHOWN_QUOTES}, 신뢰도 0.900"
    assert shown["english"] == []
    assert shown["remembered"] == ["한국어"]
    assert shown["backToEnglish"] == ["Evaluation", "Evaluation of good", "end to end F1", "1 of 8 pages; F1 of good"]


def test_addresses_that_lead_nowhere(shown):
    assert shown["nowhere"] == "There is no page nowhere"
    assert shown["malformed"] == ["", "good"]
    assert shown["back"] == [False, True]

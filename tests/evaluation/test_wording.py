"""The report's texts: each in both languages, each of the names that the figures go by, none missing and none idle."""

import json
import re

import pytest

from tests.wording import is_in_both_languages
from train_easyocr.evaluation.html_report import TEMPLATES
from train_easyocr.evaluation.report import WHERE
from train_easyocr.evaluation.slices import HEIGHTS, LENGTHS, bin_names
from train_easyocr.evaluation.wording import Wording
from train_easyocr.metrics.character_errors import PARTS
from train_easyocr.metrics.error_classes import CLASSES
from train_easyocr.metrics.metrics import FIGURES
from train_easyocr.metrics.significance import BETTER, TOO_FEW, UNCLEAR, WORSE

WORDING = Wording.load(TEMPLATES / "texts.json")
SLICES = ("digits", "latin", "symbols", "spaces", "rare syllables", "long words", "small print", "vertical")
NAMED = {
    "boxes": WHERE,
    "class": CLASSES,
    "figure": FIGURES,
    "group": (*SLICES, "horizontal", *bin_names(LENGTHS, "characters"), *bin_names(HEIGHTS, "pixels")),
    "part": PARTS,
    "verdict": (BETTER, WORSE, UNCLEAR, TOO_FEW),
}


def test_every_text_is_in_both_languages():
    assert [key for key, texts in WORDING.table.items() if not is_in_both_languages(texts)] == []
    assert is_in_both_languages({"en": "{count} pages", "ko": "페이지 {count}개"})
    for korean in ("", "페이지", "{count} pages"):
        assert not is_in_both_languages({"en": "{count} pages", "ko": korean})


@pytest.mark.parametrize("kind", NAMED)
def test_names_of_the_figures_have_words(kind):
    assert {f"{kind}.{name}" for name in NAMED[kind]} <= WORDING.table.keys()


def test_texts_that_are_used_are_there_and_no_others():
    sources = [path.read_text(encoding="utf-8") for path in TEMPLATES.iterdir() if path.suffix in (".html", ".js")]
    call = r'(?:say|text|attribute\("\w+",|put\(find\("\w+"\),) ?\(?"([\w.]+)"'
    used = {key for source in sources for key in re.findall(call, source) if key[-1] not in "._"}
    assert used <= WORDING.table.keys()
    quoted = {found for source in sources for found in re.findall(r'["`]([\w.]+)["`]', source)}
    built = {*NAMED, "by", "browser", "where"}
    assert {key for key in WORDING.table if key.split(".")[0] not in built} <= quoted


class TestWording:
    wording = Wording({
        "found": {"en": "{count} in {name:class}", "ko": "{name:class} {count}개"},
        "class.missed": {"en": "missed", "ko": "누락"},
    })  # fmt: skip

    def test_names_are_called_what_the_table_calls_them(self):
        assert self.wording.text("found", count=3, name="missed") == "3 in missed"
        korean = Wording(self.wording.table, "ko")
        assert korean.text("found", count=3, name="missed") == "누락 3개"
        assert korean.text("found", count="{name}", name="인.허가") == "인.허가 {name}개"

    def test_elements_name_their_text(self):
        values = {"count": "<b>\"'", "name": "주민복지"}
        element = str(self.wording.element("found", "title", **values))
        held = re.fullmatch(r'<title data-say="found" data-values="(.*)">(.*)</title>', element)
        unescaped = [text.replace("&#34;", '"').replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">")
                     for text in held.groups()]  # fmt: skip
        assert (json.loads(unescaped[0]), unescaped[1]) == (values, "<b>\"' in 주민복지")
        assert self.wording.called("class", "missed") == '<span data-say="class.missed">missed</span>'
        assert self.wording.called("class", "<i>", "b") == "<b>&lt;i&gt;</b>"
        assert self.wording.attribute("label", "class.missed") == 'aria-label="missed" data-say-label="class.missed"'

    def test_faults(self):
        for key, values in (("nothing", {}), ("found", {"count": 1})):
            with pytest.raises(KeyError):
                self.wording.text(key, **values)

"""The files of the service's page: texts in both languages, nothing from elsewhere, no script or style in the page."""

import json
import re
from html.parser import HTMLParser

from tests.wording import is_in_both_languages
from train_easyocr.serving.web_page import FILES

TEXTS = json.loads(FILES["page/texts.json"].read_text(encoding="utf-8"))
HTML, SCRIPT = (FILES[address].read_text(encoding="utf-8") for address in ("", "page/page.js"))


class Elements(HTMLParser):
    """The page's elements."""

    def __init__(self):
        super().__init__()
        self.found = []
        self.feed(HTML)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def attributes(name):
    return [attrs[name] for _, attrs in Elements().found if name in attrs]


def test_every_text_is_in_both_languages():
    assert [key for key, texts in TEXTS.items() if not is_in_both_languages(texts)] == []


def test_texts_that_are_used_are_there_and_no_others():
    in_page = [key for name in ("", "-title", "-label", "-placeholder") for key in attributes(f"data-say{name}")]
    in_script = re.findall(r'"([a-z]+(?:\.\w+)+)"', SCRIPT)
    statuses = re.search(r"KNOWN_FAULTS = \[(.*)\]", SCRIPT)[1].replace('"', "").split(", ")
    faults = [f"fault.{status}" for status in (*statuses, "other")]
    assert {*in_page, *in_script, *faults} == TEXTS.keys()


def test_all_that_is_loaded_is_served():
    assert set(attributes("src") + attributes("href")) - {"data:,"} == {
        "page/look.css", "page/page.css", "page/wording.js", "page/elements.js", "page/page.js",
    }  # fmt: skip
    assert set(re.findall(r'fetch\("(.*?)"\)', SCRIPT)) == {"page/texts.json"}
    assert {"page/texts.json", *attributes("src")} < FILES.keys()
    assert all(file.is_file() for file in FILES.values())


def test_policy_has_nothing_to_forbid():
    names = {name for _, attrs in Elements().found for name in attrs}
    assert not {name for name in names if name.startswith("on") or name == "style"}
    assert "style" not in {tag for tag, _ in Elements().found}
    assert all("src" in attrs for tag, attrs in Elements().found if tag == "script")
    assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", SCRIPT)


def test_fields_have_labels():
    labelled = set(attributes("for"))
    ids = [attrs["id"] for tag, attrs in Elements().found if tag == "input"]
    assert ids == ["token", "file", "orientation", "pages"]
    assert {"token", "file"} <= labelled  # the others stand within theirs
    assert len(attributes("id")) == len(set(attributes("id")))
    assert set(re.findall(r'find\("([\w-]+)"\)', SCRIPT)) <= {*attributes("id"), "overlay"}

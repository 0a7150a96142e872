"""`compress report`: what is in the table and on the page, and what is refused."""

import json

import numpy as np
import pytest

from tests.contract import pages
from tests.recognition.word_sets import WORDS, render
from train_easyocr.common.errors import UserError
from train_easyocr.compress import main
from train_easyocr.compression.report import HTML_NAME, JSON_NAME, refuse_worse_variants

pytestmark = pytest.mark.slow


def write_page(folder, number):
    """Write a page of rendered words, and its labels, under names as step 2 gives them."""
    image, words = np.full(pages.SIZE[::-1], 255, np.uint8), []
    for row in range(4):
        x = 12
        for text in WORDS[(row + number) % 8 :]:
            patch = render(text)
            if x + patch.shape[1] > pages.SIZE[0] - 12:
                break
            place = (x, 20 + 70 * row, patch.shape[1], patch.shape[0])
            image[place[1] : place[1] + place[3], x : x + place[2]] = patch
            words.append((*place, text))
            x += patch.shape[1] + 24
    for kind, suffix, content in (("images", ".png", pages.png(image)), ("labels", ".json", pages.label(words))):
        path = folder / kind / (pages.name_of(number) + suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@pytest.fixture(scope="module")
def compared(pruned, tmp_path_factory):
    folder = tmp_path_factory.mktemp("비교 보고서")
    for number in range(2):
        write_page(folder / "쪽", number)
    saved = pruned[0].parent
    command = ["report", "--variants", "starter", pruned[0].name, "--eval_set", str(folder / "쪽")]
    assert main([*command, "--output", str(folder / "보고서"), f"saved_models={saved}"]) == 0
    return folder / "보고서"


def test_what_each_variant_costs_and_reads(compared):
    tree = json.loads((compared / JSON_NAME).read_text(encoding="utf-8"))
    whole, small = tree["variants"]
    assert (whole["name"], small["name"]) == ("starter", "작은 것")
    assert tree["pages"] == 2
    assert small["recognizer"]["convolutions"] <= 0.75 * whole["recognizer"]["convolutions"]
    assert small["recognizer_bytes"] < whole["recognizer_bytes"]
    assert small["detector"] == whole["detector"]
    assert set(whole["milliseconds"]) == {"1", "16", "64"}
    assert all(small["milliseconds"][size] > 0 for size in small["milliseconds"])
    assert 0.5 < whole["words_right"] <= 1
    assert 0.5 < whole["end_to_end_f1"] <= 1
    assert (
        sum(count for name, (count, _) in whole["slices"].items() if "character" in name and "rare" not in name)
        == (tree["words"])
    )


def test_the_page_opens_offline_and_runs_nothing(compared):
    html = (compared / HTML_NAME).read_text(encoding="utf-8")
    assert "작은 것" in html and "data:image/svg+xml;base64," in html
    assert "<script" not in html and "default-src 'none'" in html
    assert "http://" not in html and "https://" not in html


def test_what_reads_worse_is_refused():
    refuse_worse_variants({"variants": [{"name": "처음"}], "worse": []})
    with pytest.raises(UserError, match=r"worse than 처음, beyond chance:\n  - 작은 것, digits: -0\.1"):
        refuse_worse_variants({"variants": [{"name": "처음"}], "worse": ["작은 것, digits: -0.1"]})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--variants", "starter", "--eval_set", "x", "--output", "y"], "--variants (two or more)"),
        (["--variants", "starter", "starter", "--eval_set", "x", "--output", "y"], "two have the same name"),
    ],
)
def test_wrong_commands(arguments, message, capsys):
    assert main(["report", *arguments]) == 2
    assert message in capsys.readouterr().err

"""A set of pseudo labels in either form: its words are those without labels, and it opens like any other set."""

import csv

import numpy as np
import pytest

from tests.recognition.word_sets import SYLLABLES, WORDS, render, tiny_config, write_set
from train_easyocr.datasets.data import open_set
from train_easyocr.semi_supervised.data import Places, gather
from train_easyocr.semi_supervised.pseudo_labels import _write_set
from train_easyocr.semi_supervised.selection import Fate, Selection
from train_easyocr.weights.characters import CharacterSet

FATES = [Fate.KEPT, Fate.UNSURE, Fate.RARE, Fate.KEPT]


@pytest.mark.parametrize("form", ["png", "lmdb"])
def test_a_set_of_pseudo_labels_shows_the_words_that_it_labels(tmp_path, form):
    places = [tmp_path / "자료" / name for name in ("labels", "validation", "unlabeled")]
    write_set(places[0], WORDS[:3])
    write_set(places[1], WORDS[3:6], patches=[render(text, noise=50 + n) for n, text in enumerate(WORDS[3:6])])
    pictures = [render(WORDS[0]), *(render(text, noise=90 + n) for n, text in enumerate(WORDS[6:10]))]
    write_set(places[2], [""] * 5, form, patches=pictures)  # the first one is labelled already
    (places[2] / "pages.csv").write_text("page,image_sum\n쪽,0123456789abcdef\n", encoding="utf-8")
    words = gather(Places(*places), tmp_path / "시험", tiny_config(character=SYLLABLES), True)
    assert words.usable.tolist() == [1, 2, 3, 4]
    made = tmp_path / "시험/sets/training/pseudo_2"
    made.mkdir(parents=True)
    selection = Selection(WORDS[6:10], np.array([0.99, 0.3, 0.7, 0.9]), FATES, 0.98)
    _write_set(made, words, selection, 2)
    found = open_set(made, tiny_config(), CharacterSet(SYLLABLES))
    assert [found.label(index) for index in range(len(found))] == [WORDS[6], WORDS[8], WORDS[9]]
    for index, picture in enumerate((1, 3, 4)):
        np.testing.assert_array_equal(found.patch(index, False), pictures[picture])
    with (made / "pseudo_labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["confidence"] for row in rows] == ["0.9900", "0.7000", "0.9000"]
    assert [row["fate"] for row in rows] == ["kept", "kept for a rare character", "kept"]
    assert {(row["round"], row["page"].rpartition("-")[0]) for row in rows} == {("2", "5350109-2001-0001")}
    assert [int(row["xmax"]) - int(row["xmin"]) for row in rows] == [pictures[n].shape[1] for n in (1, 3, 4)]
    assert (made / "pages.csv").read_text(encoding="utf-8").startswith("page,")

"""Suspicious labels: planted wrong ones are found, a model's habits are not mistaken for them."""

import random

from tests.evaluation.pages import SYLLABLES, line, misreading, observed, random_page, rows_of
from train_easyocr.documents import Box, Word
from train_easyocr.evaluation.observations import Observations
from train_easyocr.evaluation.suspicious import precision_at, suspicious_labels

PAGES, WORDS, PLANTED = 60, 80, 120
HABITS = ({"가": "거", "로": "르"}, {"시": "사", "로": "르"})


def planted_set(state):
    """Pages with wrong labels: (true words, labels), and page and box of each wrong one."""
    pages = [random_page(state, WORDS) for _ in range(PAGES)]
    planted = set()
    labelled = [list(words) for words in pages]
    for number in state.sample(range(PAGES * WORDS), PLANTED):
        page, index = divmod(number, WORDS)
        word = pages[page][index]
        place = state.randrange(len(word.text))
        other = state.choice(SYLLABLES.replace(word.text[place], ""))
        labelled[page][index] = Word(word.box, word.text[:place] + other + word.text[place + 1 :])
        planted.add((str(page), word.box))
    return list(zip(pages, labelled, strict=True)), planted


def observe(pages, state, habits):
    observations = Observations()
    for number, (words, labels) in enumerate(pages):
        rows = []
        for word in words:
            read, confidence = misreading(state, word.text, 0.02, habits)
            rows.append([*word.box, read, confidence])
        observations.add(str(number), "", labels, rows)
    return observations


def by_confidence_alone(observations, planted):
    """The same precision, had the misread words been ranked by their confidence."""
    words = observations.words()
    rows = sorted((words.error_class == 1).nonzero()[0], key=lambda row: -words.confidence[row])[:100]
    return sum((observations.pages[words.page[row]].name, words.box_of(row)) in planted for row in rows) / 100


def ranked(models):
    return suspicious_labels(models, {name: found.words() for name, found in models.items()})


def test_precision_among_the_first_hundred():
    """120 of 4,800 labels are wrong; a model misreads ten times as many words as that."""
    state = random.Random(8)
    pages, planted = planted_set(state)
    models = {name: observe(pages, state, habits) for name, habits in zip("ab", HABITS, strict=True)}
    misread = sum((found.words().error_class == 1).sum() for found in models.values()) / 2
    assert misread > 5 * PLANTED
    assert by_confidence_alone(models["a"], planted) < 0.2
    assert precision_at(ranked({"a": models["a"]}), planted) >= 0.8
    assert precision_at(ranked(models), planted) >= 0.95


def test_two_models_weigh_more_than_one():
    labels = line("도로", "점용", "허가")
    first = observed(("1", "", labels, rows_of([labels[0], Word(labels[1].box, "점응"), Word(labels[2].box, "허거")])))
    second = observed(("1", "", labels, rows_of([*labels[:2], Word(labels[2].box, "허거")], 0.9)))
    found = ranked({"first": first, "second": second})
    assert [(entry.label, entry.read, sorted(entry.models)) for entry in found] == [
        ("허가", "허거", ["first", "second"]),
        ("점용", "점응", ["first"]),
    ]
    assert 1 > found[0].score > found[1].score > 0
    assert (found[0].page, found[0].box) == ("1", labels[2].box)


def test_a_label_is_listed_once():
    labels = line("도로", "허가")
    first = observed(("1", "", labels, rows_of([Word(labels[0].box, "도르"), labels[1]], 0.9)))
    second = observed(("1", "", labels, rows_of([Word(labels[0].box, "도루"), labels[1]], 0.6)))
    assert [(entry.label, entry.read) for entry in ranked({"a": first, "b": second})] == [("도로", "도르")]


def test_nothing_read_contradicts_nothing():
    labels = line("도로", "허가")
    assert ranked({"a": observed(("1", "", labels, rows_of([Word(labels[0].box, "")], 1.0)))}) == []
    assert ranked({"a": Observations()}) == []
    assert ranked({}) == []


def test_a_space_that_was_moved_is_an_edit():
    """The letters are the same, and so are the fewest edits without the space: a letter moved instead.

    A line end behind a text is none: readings go through the same normalization as labels.
    """
    labels = line("제 제출", "도로")
    readings = rows_of([Word(labels[0].box, "제제 출"), Word(labels[1].box, "도로\n")])
    found = ranked({"a": observed(("1", "", labels, readings))})
    assert {(entry.label, entry.read) for entry in found} == {("제 제출", "제제 출")}


def test_precision():
    labels = line("도로", "허가")
    found = ranked(
        {"a": observed(("1", "", labels, rows_of([Word(labels[0].box, "도르"), Word(labels[1].box, "허거")])))}
    )
    assert precision_at(found, {("1", labels[0].box)}) == 0.5
    assert precision_at(found, {("1", Box(0, 0, 1, 1))}, 1) == 0
    assert precision_at([], set()) == 0

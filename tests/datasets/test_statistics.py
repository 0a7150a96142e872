"""The figures of a prepared set, against counting by hand."""

import json

import pytest

from train_easyocr.datasets.statistics import Measure, ModelSettings, WordStatistics, render

SETTINGS = ModelSettings("합계가나다abc", True, 4, 64)


def measured(words, settings=SETTINGS):
    statistics = WordStatistics(Measure(settings, frozenset(settings.character)))
    for width, height, text in words:
        statistics.update(width, height, text)
    return statistics.summary()


def test_characters_outside_the_set_are_counted_with_their_words():
    summary = measured([(10, 10, "합계"), (10, 10, "를를"), (10, 10, "합·를"), (10, 10, "A")])["characters_outside"]
    assert summary == {"words": 3, "share_of_words": 0.75, "distinct": 3, "counts": {"를": 3, "A": 1, "·": 1}}


def test_without_case_labels_are_compared_in_lower_case():
    settings = ModelSettings(SETTINGS.character, False, 4, 64)
    assert measured([(10, 10, "ABC")], settings)["characters_outside"]["words"] == 0


def test_texts_over_the_longest_length_are_counted():
    assert measured([(9, 9, "가나다가"), (9, 9, "가나다가나")])["too_long"] == {"words": 1, "share_of_words": 0.5}


def test_the_width_for_80_percent_is_the_narrowest_that_holds_80_percent():
    words = [(width, 10, "가") for width in range(1, 101)]
    summary = measured(words)
    assert summary["aspect_ratio_percentiles"]["80"] == 8.0
    assert summary["width_for_80_percent"] == 512
    wide_enough = [width for width, _, _ in words if 64 * width / 10 <= summary["width_for_80_percent"]]
    assert len(wide_enough) == 80
    assert summary["aspect_ratio_percentiles"]["100"] == 10.0
    assert summary["width_percentiles"]["1"] == 7  # 64 * 0.1 = 6.4 pixels


@pytest.mark.parametrize("words", [[], [(10, 10, "가")]])
def test_tables_can_be_made_of_any_set(words):
    counts = {
        "pages": {"drawn": 3, "skipped": {"unreadable image": 1}},
        "words": {"used": 1, "skipped": {"empty text": 1234}},
        "warnings": {"box cut at the page's edge": 2},
    }
    table = render("training (내 자료)", counts | measured(words))
    for said in ("unreadable image", "1,234", "warning: box cut", "내 자료"):
        assert said in table


def test_the_table_names_the_most_frequent_characters_and_what_is_invisible():
    counts = {"pages": {"skipped": {}}, "words": {"skipped": {}}, "warnings": {}}
    words = [(9, 9, "를" * (30 - i) + chr(0x3400 + i)) for i in range(30)] + [(9, 9, "가\u200b\n" * 40)]
    table = render("training", counts | measured(words))
    assert "U+B97C" in table and "U+200B" in table and "ZERO WIDTH SPACE" in table
    assert "... and 13 more" in table
    assert "\u200b" not in table


def test_what_several_processes_measured_adds_up():
    words = [(i, 10, "합를" * (1 + i % 3) + "계·"[i % 2]) for i in range(1, 40)]
    together = WordStatistics(Measure(SETTINGS, frozenset(SETTINGS.character)))
    for start in range(0, len(words), 7):
        part = WordStatistics(Measure(SETTINGS, frozenset(SETTINGS.character)))
        for word in words[start : start + 7]:
            part.update(*word)
        together.add(json.loads(json.dumps(part.part())))
    assert together.summary() == measured(words)


def test_measures_differ_by_settings_and_characters():
    other = ModelSettings(SETTINGS.character, False, 4, 64)
    digests = {
        Measure(settings, frozenset(known)).digest for settings in (SETTINGS, other) for known in ("가나", "나가", "다")
    }
    assert len(digests) == 4

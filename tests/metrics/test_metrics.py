"""The metric: a hand-made page for every edge, and the plain implementation on random pages."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.metrics.plain_metric import plain_figures
from train_easyocr.documents import Box, Quad, Word
from train_easyocr.metrics.metrics import FIGURES, Metric, score_page


def line(*texts, width=100, shift=0):
    """Words side by side, which match the words of another line in order."""
    return [Word(Box(i * width + shift, 0, (i + 1) * width - 10 + shift, 30), text) for i, text in enumerate(texts)]


def test_everything_right():
    words = line("경상남도", "김해시", "경남 김해시")
    scores = score_page(words, words)
    assert {name: value for name, value in scores.figures().items() if name != "cer"} == dict.fromkeys(
        [name for name in FIGURES if name != "cer"], 1.0
    )
    assert scores.cer == 0


def test_worked_example():
    labels = line("도로점용", "허가증", "2001년", "지시")
    predictions = [*line("도로점용", "허카증", "2O0l년")[:3], Word(Box(0, 500, 50, 530), "얼룩")]
    scores = score_page(labels, predictions)
    # tp = 1 + 2/3 + 3/5, and 4 words on both sides.
    true_positives = 1 + 2 / 3 + 3 / 5
    assert scores.end_to_end_f1 == pytest.approx(2 * true_positives / 8)
    assert scores.end_to_end_precision == scores.end_to_end_recall == pytest.approx(true_positives / 4)
    assert (scores.detection_precision, scores.detection_recall, scores.detection_f1) == (0.75, 0.75, 0.75)
    assert (scores.exact_precision, scores.exact_recall) == (0.25, 0.25)
    assert scores.cer == pytest.approx(3 / 12)


def test_precision_and_recall_are_not_each_other():
    scores = score_page(line("가", "나", "다", "라"), line("가", "마"))
    assert (scores.detection_precision, scores.detection_recall) == (1.0, 0.5)
    assert (scores.exact_precision, scores.exact_recall) == (0.5, 0.25)
    assert (scores.end_to_end_precision, scores.end_to_end_recall) == (0.5, 0.25)
    assert scores.detection_f1 == pytest.approx(2 / 3)
    assert scores.end_to_end_f1 == pytest.approx(2 / 6)


@pytest.mark.parametrize(
    ("labels", "predictions", "expected"),
    [
        pytest.param([], [], 1.0, id="neither"),
        pytest.param(line("가"), [], 0.0, id="labels only"),
        pytest.param([], line("가"), 0.0, id="predictions only"),
        pytest.param(line("가"), line("가", shift=5000), 0.0, id="nothing matches"),
    ],
)
def test_empty_sides(labels, predictions, expected):
    scores = score_page(labels, predictions)
    assert scores.cer is None
    assert {value for name, value in scores.figures().items() if name != "cer"} == {expected}


@pytest.mark.parametrize(
    ("label", "prediction", "credit", "cer"),
    [
        pytest.param("가", "가나다라", 0.0, 3.0, id="CER above 1"),
        pytest.param("가나", "다라", 0.0, 1.0, id="CER of 1"),
        pytest.param("", "", 1.0, 0.0, id="empty, read as empty"),
        pytest.param("", "가", 0.0, 1.0, id="empty, read as one character"),
        pytest.param("", "가나", 0.0, 2.0, id="empty, read as two"),
        pytest.param("가나", "", 0.0, 1.0, id="read as empty"),
        pytest.param("경남 김해시", "경남김해시", 5 / 6, 1 / 6, id="a lost space costs"),
        pytest.param("가", " 가", 0.0, 1.0, id="a leading space costs"),
        pytest.param("각", unicodedata.normalize("NFD", "각"), 1.0, 0.0, id="decomposed prediction"),
        pytest.param(unicodedata.normalize("NFD", "값"), "값", 1.0, 0.0, id="decomposed label"),
        pytest.param("A", "Ａ", 0.0, 1.0, id="full width is not NFC-equal"),
    ],
)
def test_text_edges(label, prediction, credit, cer):
    scores = score_page(line(label), line(prediction))
    assert scores.end_to_end_f1 == pytest.approx(credit)
    assert scores.cer == pytest.approx(cer)
    assert scores.detection_f1 == 1.0  # still a match
    assert scores.exact_recall == (1.0 if cer == 0 else 0.0)


def test_extra_columns():
    scores = score_page(line("경남 김해시", "농림ㆍ축산"), line("경남김해시", "농림·축 산"))
    assert scores.end_to_end_f1 == pytest.approx((5 / 6 + 3 / 5) / 2)
    assert scores.end_to_end_f1_without_spaces == pytest.approx((1 + 4 / 5) / 2)
    assert scores.end_to_end_f1_unified_dots == pytest.approx((5 / 6 + 4 / 5) / 2)


@pytest.mark.parametrize("dot", "·․‧ㆍ･")
def test_every_middle_dot_is_unified(dot):
    scores = score_page(line(f"가{dot}나"), line("가·나"))
    assert scores.end_to_end_f1_unified_dots == 1.0
    assert scores.end_to_end_f1 == (1.0 if dot == "·" else pytest.approx(2 / 3))


def test_label_of_spaces_only_without_spaces():
    scores = score_page(line(" "), line(""))
    assert (scores.end_to_end_f1, scores.end_to_end_f1_without_spaces) == (0.0, 1.0)


def test_mean_and_pooled_differ():
    metric = Metric()
    metric.update(line("가"), line("가"))
    metric.update(line("가", "나", "다"), line("라", "마", "바"))
    summary = metric.summary()
    assert summary.pages == 2
    assert summary.mean["end_to_end_f1"] == 0.5
    assert summary.pooled.end_to_end_f1 == 0.25
    assert summary.mean["cer"] == 0.5
    assert summary.pooled.cer == 0.75
    assert (summary.pooled.labels, summary.pooled.predictions, summary.pooled.matched) == (4, 4, 4)


def test_mean_cer_skips_pages_without_a_match():
    metric = Metric()
    metric.update(line("가나"), line("가다"))
    metric.update(line("가"), [])
    assert metric.summary().mean["cer"] == 0.5
    assert metric.summary().mean["end_to_end_f1"] == 0.25


def test_reset_and_no_pages():
    metric = Metric()
    metric.update(line("가"), line("나"))
    metric.reset()
    summary = metric.summary()
    assert summary.pages == 0
    assert set(summary.mean.values()) == {None}
    assert summary.pooled.labels == 0
    metric.update([], [])
    assert metric.summary().mean["end_to_end_f1"] == 1.0


words = st.builds(
    lambda x, y, width, height, text: Word(Box(x, y, x + width, y + height), text),
    st.integers(-2, 5),
    st.integers(-2, 3),
    st.integers(0, 5),
    st.integers(0, 4),
    st.text(alphabet="가나 ·ㆍ각1", max_size=4),
)
pages = st.tuples(st.lists(words, max_size=7), st.lists(words, max_size=7))


@settings(max_examples=300, deadline=None)
@given(pages)
def test_equals_the_plain_metric(page):
    figures = score_page(*page).figures()
    plain = plain_figures(*page)
    assert tuple(figures) == FIGURES
    assert set(plain) == set(FIGURES)
    assert figures == {name: pytest.approx(plain[name], abs=1e-12) for name in FIGURES}


@settings(max_examples=50, deadline=None)
@given(st.lists(pages, min_size=1, max_size=4))
def test_pooled_is_all_pages_side_by_side(several):
    metric = Metric()
    for page in several:
        metric.update(*page)
    # Far enough apart that no word reaches a word of another page.
    labels, predictions = [], []
    for number, page in enumerate(several):
        for side, joined in zip(page, (labels, predictions), strict=True):
            joined += [
                Word(Box(w.box.xmin + 100 * number, w.box.ymin, w.box.xmax + 100 * number, w.box.ymax), w.text)
                for w in side
            ]
    plain = plain_figures(labels, predictions)
    pooled = metric.summary().pooled.figures()
    assert pooled == {name: pytest.approx(plain[name], abs=1e-12) for name in FIGURES}


def test_dont_care_words_are_neither_missed_nor_make_what_is_read_there_false():
    label, region = Word(Box(0, 0, 40, 20), "도로"), Word(Box(100, 0, 200, 20), "###", dont_care=True)
    there, elsewhere = Word(Box(110, 0, 150, 20), "점용"), Word(Box(300, 0, 340, 20), "점용")
    assert score_page([label, region], [label]) == score_page([label], [label])
    assert score_page([region, label], [label, there]) == score_page([label], [label])
    assert score_page([label, region], [label, elsewhere]) == score_page([label], [label, elsewhere])
    assert score_page([label, region], [label, there]).end_to_end_f1 == 1
    assert score_page([label, region], [label, elsewhere]).detection_precision == 0.5


def test_a_tilted_word_is_found_by_its_corners():
    corners = Quad((0, 60), (150, 0), (160, 22), (10, 82))
    label = Word(corners.bounds, "경남 김해시", corners)
    assert score_page([label], [label]).end_to_end_f1 == 1
    assert score_page([label], [Word(label.box, label.text)]).matched == 0

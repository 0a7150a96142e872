"""CLEval: hand-made pages of each rule, and the official command's figures on recorded pages."""

import json
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import pytest

from train_easyocr.documents import Box, Quad, Word
from train_easyocr.documents.label_formats import parse_icdar_line
from train_easyocr.documents.page import corners_of, enclosing_box
from train_easyocr.metrics import cleval
from train_easyocr.metrics.cleval import CharacterCounts, ClevalScores, find_middles, pooled, score_by_cleval

RECORDED = Path(__file__).parent / "assets" / "cleval.json"


def word(xmin, ymin, xmax, ymax, text):
    return Word(Box(xmin, ymin, xmax, ymax), text)


@lru_cache
def recorded():
    return json.loads(RECORDED.read_text(encoding="utf-8"))


def score(page):
    labels, predictions = ([word(*row) for row in page[side]] for side in ("labels", "predictions"))
    return score_by_cleval(labels, predictions)


def figures(counts):
    return [counts.recall, counts.precision, counts.f1]


def check(scores, official):
    assert figures(scores.detection) == pytest.approx(official["detection"], abs=6e-7)
    assert figures(scores.end_to_end) == pytest.approx(official["end_to_end"], abs=6e-7)
    for name in ("splits", "merges", "overlapped_characters"):
        assert getattr(scores, name) == official[name]


KINDS = [kind for kind, _ in groupby(sorted(page["kind"] for page in recorded()["pages"]))]


@pytest.mark.parametrize("kind", KINDS)
def test_pages_of_the_official_command(kind):
    pages = [page for page in recorded()["pages"] if page["kind"] == kind]
    assert pages
    for page in pages:
        check(score(page), page)


def test_all_pages_of_the_official_command_together():
    check(pooled(score(page) for page in recorded()["pages"]), recorded())


def test_many_characters_are_compared_in_parts(monkeypatch):
    monkeypatch.setattr(cleval, "_MIDDLES_AT_ONCE", 3)
    for page in recorded()["pages"][:40]:
        check(score(page), page)


def test_tilted_pages_of_the_official_command():
    """Corners in all orders, sides that cross, regions without area, words on their side, don't-care regions."""
    tilted = json.loads((RECORDED.parent / "cleval_tilted.json").read_text(encoding="utf-8"))
    found = []
    for page in tilted["pages"]:
        words = [[quadrilateral(line) for line in page[side]] for side in ("labels", "predictions")]
        found.append(score_by_cleval(*words))
        check(found[-1], page)
    check(pooled(found), tilted)


def quadrilateral(line):
    corners, text = parse_icdar_line(line)
    return Word(enclosing_box(corners), text, corners_of(corners))


def test_a_dont_care_word_is_what_the_text_says_to_the_official_command():
    region, other = Quad((0, 10), (80, 0), (84, 20), (4, 30)), word(200, 0, 240, 20, "가나")
    read = [Word(region.bounds, "경남", region), other]
    marked = Word(region.bounds, "김해시", region, dont_care=True)
    assert score_by_cleval([marked, other], read) == score_by_cleval([Word(region.bounds, "###", region), other], read)
    assert score_by_cleval([marked, other], read) == score_by_cleval([other], [other])


LABEL = word(0, 0, 80, 20, "경남 김해시")


@pytest.mark.parametrize(
    ("labels", "predictions", "expected"),
    [
        pytest.param([], [], ClevalScores(), id="nothing"),
        pytest.param([LABEL], [], ClevalScores(CharacterCounts(6, 0, 0), CharacterCounts(6, 0, 0)), id="no prediction"),
        pytest.param(
            # Its width is four times its height: the guess is less than a character, and one is counted.
            [],
            [LABEL],
            ClevalScores(CharacterCounts(0, 1, 0), CharacterCounts(0, 6, 0)),
            id="no label",
        ),
        pytest.param(
            [LABEL], [LABEL], ClevalScores(CharacterCounts(6, 6, 6), CharacterCounts(6, 6, 6)), id="all right"
        ),
        pytest.param(
            [LABEL],
            [word(0, 0, 28, 20, "경남"), word(32, 0, 80, 20, "김해시")],
            ClevalScores(CharacterCounts(6, 6, 6, 1, 0), CharacterCounts(6, 5, 5, 1, 0), splits=1),
            id="split",
        ),
        pytest.param(
            [word(0, 0, 28, 20, "경남"), word(32, 0, 80, 20, "김해시")],
            [LABEL],
            ClevalScores(CharacterCounts(5, 5, 5, 0, 1), CharacterCounts(5, 6, 5, 0, 1), merges=1),
            id="merged",
        ),
        pytest.param(
            [LABEL],
            [LABEL, LABEL],
            ClevalScores(
                CharacterCounts(6, 12, 6, 1, 0),
                CharacterCounts(6, 12, 6, 1, 0),
                splits=1,
                overlapped_characters=6,
            ),
            id="found twice",
        ),
        pytest.param(
            [word(0, 0, 40, 20, "")],
            [word(0, 0, 40, 20, "가")],
            ClevalScores(CharacterCounts(0, 1, 0), CharacterCounts(0, 1, 0)),
            id="label without text",
        ),
        pytest.param(
            [word(0, 0, 40, 20, "###")],
            [word(0, 0, 40, 20, "가")],
            ClevalScores(),
            id="don't care",
        ),
    ],
)
def test_hand_made(labels, predictions, expected):
    assert score_by_cleval(labels, predictions) == expected


def test_figures():
    counts = CharacterCounts(labelled=10, predicted=8, found=6, split_penalty=1, merge_penalty=2)
    assert figures(counts) == pytest.approx([0.5, 0.5, 0.5])
    assert figures(CharacterCounts(10, 8, 1, 3, 3)) == [0, 0, 0]


def test_middles_on_the_border():
    """Left and upper edge belong to a prediction, right and lower one do not."""
    label = Box(0, 0, 40, 20)
    found = find_middles([label], [2], [Box(0, 0, 10, 20), Box(10, 10, 30, 20), Box(0, 0, 40, 10), Box(30, 0, 31, 11)])
    assert found.by_pair() == {(0, 1): [0], (0, 3): [1]}


def test_middles_of_a_vertical_word_start_at_its_foot():
    found = find_middles([Box(0, 0, 20, 80)], [4], [Box(0, 60, 20, 80), Box(0, 0, 20, 20)])
    assert found.by_pair() == {(0, 0): [0], (0, 1): [3]}


def test_coordinates_beyond_all_pages():
    with pytest.raises(ValueError, match="coordinate"):
        score_by_cleval([word(0, 0, 2**40, 10, "가")], [])


def test_texts_of_thousands_of_characters():
    """A fault of the labels must cost neither minutes nor gigabytes."""
    text = "가나다라마바사아" * 1250
    label = word(0, 0, 100_000, 20, text)
    halves = [word(0, 0, 50_000, 20, text[:5000]), word(50_000, 0, 100_000, 20, text[5001:])]
    found = score_by_cleval([label], halves)
    assert (found.detection.found, found.end_to_end.found, found.splits) == (10_000, 9_999, 1)


@pytest.mark.parametrize(
    ("a", "b"), [("가나다라", "나가라"), ("abcbdab", "bdcaba"), ("", "가"), ("가", "나"), ("가가", "가")]
)
def test_common_subsequences_of_long_texts_are_as_long(a, b, monkeypatch):
    exact = cleval._common_subsequence(a, b)
    monkeypatch.setattr(cleval, "_LARGEST_TABLE", -1)
    found = cleval._common_subsequence(a, b)
    assert len(found) == len(exact)
    for text in (a, b):
        characters = iter(text)
        assert all(character in characters for character in found)

"""Records of batches: what comes back, and what their lines say."""

import csv
import io

from train_easyocr.datasets.batch_records import BatchRecord, PreparedPage, Totals, record_of
from train_easyocr.datasets.cropping import cut_page
from train_easyocr.datasets.statistics import Measure, ModelSettings
from train_easyocr.documents import Box
from train_easyocr.documents.aihub import Annotation, LabelFile

MEASURE = Measure(ModelSettings("합계", True, 4, 64), frozenset("합계"))


def page(name, *words):
    annotations = tuple(Annotation(str(i), Box(*box), text) for i, (text, box) in enumerate(words))
    return PreparedPage(name, "쪽", cut_page(LabelFile(annotations, "", 0, 0), 60, 40))


PAGES = [
    page("가/쪽", ("합계", (0, 10, 20, 20)), ("", (1, 1, 9, 9)), ('1,"2"', (30, 5, 70, 15))),
    PreparedPage("가/나", reason="unreadable image", detail="is no image\udc80"),
]


def rows(content):
    return list(csv.reader(io.StringIO(content, newline="")))


def test_a_record_comes_back_as_it_was(tmp_path):
    record = record_of(PAGES, MEASURE, [3, 2**33])
    record.write(tmp_path / "0.record")
    assert BatchRecord.read(tmp_path / "0.record") == record


def test_the_lines_are_those_of_the_sets_files():
    record = record_of(PAGES, MEASURE)
    names = ["쪽_0-10-20-20.png", "쪽_30-5-60-15.png"]
    assert rows(record.labels) == [[names[0], "합계"], [names[1], '1,"2"']]
    assert rows(record.skipped) == [
        ["가/쪽", "1", "1 1 9 9", "", "empty text", ""],
        ["가/나", "", "", "", "unreadable image", "is no image\\udc80"],
    ]


def test_sums_are_the_same_whichever_way_they_are_added():
    totals = Totals()
    for one in PAGES:
        totals.add(record_of([one], MEASURE).totals)
    assert totals == record_of(PAGES, MEASURE).totals
    assert (totals.rows, totals.used, dict(totals.pages)) == (2, 1, {"unreadable image": 1})
    assert dict(totals.words) == {"empty text": 1} and dict(totals.warnings) == {"box cut at the page's edge": 1}

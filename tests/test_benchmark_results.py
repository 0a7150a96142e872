"""What benchmarks report: ratios, and rows that go from process to process."""

import pytest

from benchmarks.results import NOT_MEASURED, RESULTS_VARIABLE, Row, read_rows, report, table


@pytest.mark.parametrize(
    ("plain", "ours", "unit", "ratio"),
    [(100.0, 800.0, "patches/s", 8), (16.0, 4.0, "ms a word", 4), (None, 4.0, "s", None), (1.0, None, "s", None)],
)
def test_the_ratio_says_how_many_times_as_fast_ours_is(plain, ours, unit, ratio):
    assert Row("work", plain, ours, unit).ratio == ratio


def test_rows_of_several_reports_come_back_as_they_were(tmp_path, monkeypatch, capsys):
    rows = [Row("낱말", 1.5, 3.0, "words/s", 4.0, 94.2, "one core"), Row("on a GPU", None, None, "words/s")]
    file = tmp_path / "rows.jsonl"
    assert read_rows(file) == []
    monkeypatch.setenv(RESULTS_VARIABLE, str(file))
    for row in rows:
        report([row])
    assert read_rows(file) == rows
    monkeypatch.delenv(RESULTS_VARIABLE)
    report(rows)
    assert read_rows(file) == rows
    assert capsys.readouterr().out.endswith(table(rows) + "\n")


def test_what_was_not_measured_says_so():
    cells = [cell.strip() for cell in table([Row("on a GPU", None, None, "words/s")]).splitlines()[2].split("|")]
    assert cells == ["on a GPU", "words/s", "", NOT_MEASURED, "", "", "", ""]

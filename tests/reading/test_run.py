"""Files to outputs: whatever is broken, wherever it is killed."""

import contextlib
import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.reading.documents import WANTS_A_PASSWORD, MarkReader, blank_pdf, marked_page, png_header, saved
from train_easyocr.common.errors import UserError
from train_easyocr.reading.run import (
    FORMATS,
    MANIFEST,
    SKIPPED,
    OutputsClash,
    ReadSettings,
    read_files,
    read_to,
)
from train_easyocr.reading.sources import PageRange, SourceFile, find_files

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def page(number):
    return marked_page(((20 + number % 7 * 30, 40), (40, 80 + number % 5 * 30)))


@pytest.fixture
def scans(tmp_path):
    """A folder of six files, deep down, of 8 pages in all."""
    folder = tmp_path / "스캔"
    (folder / "나").mkdir(parents=True)
    for number in range(4):
        (folder / f"{number + 8}.jpg").write_bytes(saved(page(number), form="JPEG"))
    (folder / "나/여러 쪽.tif").write_bytes(saved(page(4), page(5)))
    (folder / "나/문서.pdf").write_bytes(saved(page(6), page(7), form="PDF", resolution=300))
    return folder


def read(folder, output, engine=None, **settings):
    files, _ = find_files([str(folder)])
    return read_files(files, engine or MarkReader(), ReadSettings(**settings), output)


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("form", FORMATS)
def test_an_output_a_file(scans, tmp_path, form):
    outcome = read(scans, tmp_path / "out", format=form)
    assert outcome.faults == [] and [done.pages for done in outcome.done] == [1, 1, 1, 1, 2, 2]
    names = [*(f"{number}.jpg" for number in (8, 9, 10, 11)), "나/문서.pdf", "나/여러 쪽.tif"]
    assert set(contents(tmp_path / "out")) == {MANIFEST, *(name + FORMATS[form][0] for name in names)}
    assert [done.file for done in outcome.done] == names
    for done in outcome.done:
        assert (tmp_path / "out" / f"{done.file}{FORMATS[form][0]}").stat().st_size == done.bytes
        assert done.words == 2 * done.pages
    output = io.BytesIO()
    read_to(SourceFile(scans / "8.jpg", "8.jpg"), MarkReader(), ReadSettings(form), output)
    assert output.getvalue() == contents(tmp_path / "out")[f"8.jpg{FORMATS[form][0]}"]


def test_a_second_run_reads_nothing_and_changes_nothing(scans, tmp_path):
    read(scans, tmp_path / "out")
    before, engine = contents(tmp_path / "out"), MarkReader()
    outcome = read(scans, tmp_path / "out", engine)
    assert engine.pages == 0 and outcome.before == 6 and len(outcome.done) == 6
    assert contents(tmp_path / "out") == before


def test_what_has_changed_is_read_again(scans, tmp_path):
    out = tmp_path / "out"

    def pages_read(engine=None, **settings):
        engine = engine or MarkReader()
        read(scans, out, engine, **settings)
        return engine.pages

    assert pages_read() == 8
    (scans / "8.jpg").write_bytes(saved(page(9), form="JPEG"))
    assert pages_read() == 1, "another file of the same name"
    os.utime(scans / "9.jpg", (1, 1))
    assert pages_read() == 0, "the same file, written again"
    (out / "9.jpg.txt").unlink()
    (out / "10.jpg.txt").write_text("cut")
    assert pages_read() == 2, "an output that is gone, or was cut off"
    assert pages_read(pages=PageRange("1")) == 6
    assert pages_read(pages=PageRange("1"), dpi=200) == 6
    assert pages_read(pages=PageRange("1"), dpi=200, format="json") == 6
    assert pages_read(pages=PageRange("1"), dpi=200, format="json") == 0
    other = MarkReader()
    other.identity = replace(other.identity, detector_sha256="ef" * 32)
    assert pages_read(other, pages=PageRange("1"), dpi=200, format="json") == 6


def test_outputs_below_what_is_read_are_not_read(scans):
    output = scans / "나/out"
    for _ in range(2):
        files, _ = find_files([str(scans)], output)
        assert len(read_files(files, MarkReader(), ReadSettings("pdf"), output).done) == 6
    assert len(list(output.rglob("*.pdf"))) == 6


def test_what_killed_processes_left_is_removed_and_nothing_else(scans, tmp_path):
    out = tmp_path / "out"
    (out / "나").mkdir(parents=True)
    ours = [out / "8.jpg.txt.77.part", out / "나/문서.pdf.txt.1.part", out / f"{MANIFEST}.5.part"]
    theirs = [out / "film.mkv.part", out / "b/8.jpg.txt.77.part"]
    for path in (*ours, *theirs):
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    read(scans, out)
    assert [path.exists() for path in (*ours, *theirs)] == [False] * 3 + [True] * 2


def test_files_that_come_later_are_read_beside_the_others(scans, tmp_path):
    read(scans, tmp_path / "out")
    other = tmp_path / "other"
    other.mkdir()
    (other / "new.png").write_bytes(saved(page(1), form="PNG"))
    assert len(read(other, tmp_path / "out").done) == 1
    engine = MarkReader()
    read(scans, tmp_path / "out", engine)
    assert engine.pages == 0


@pytest.mark.parametrize("content", [b"", b'{"settings": ', b"\xff\xfe\n", b"[]\n[]", b'{"settings": {"version": 0}}'])
def test_a_manifest_that_is_none(scans, tmp_path, content):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / MANIFEST).write_bytes(content)
    engine = MarkReader()
    read(scans, tmp_path / "out", engine)
    assert engine.pages == 8
    lines = [json.loads(line) for line in (tmp_path / "out" / MANIFEST).read_text().splitlines()]
    assert len(lines) == 7 and lines[0]["settings"]["format"] == "text"


def test_what_cant_be_read_is_named_and_the_rest_is_read(scans, tmp_path, capsys):
    bad = {
        "empty.pdf": b"",
        "encrypted.pdf": WANTS_A_PASSWORD,
        "long.pdf": blank_pdf(10_000),
        "huge.png": png_header(65_500, 65_500),
        "half.jpg": saved(page(1), form="JPEG")[:1500],
    }
    for name, content in bad.items():
        (scans / name).write_bytes(content)
    outcome = read(scans, tmp_path / "out")
    assert [done.pages for done in outcome.done] == [1, 1, 1, 1, 2, 2]
    assert set(outcome.failed) == set(bad)
    assert not any(name in output for output in contents(tmp_path / "out") for name in bad)
    table = list(csv.reader((tmp_path / "out" / SKIPPED).open(encoding="utf-8")))
    assert table[0] == ["file", "page", "reason"]
    assert [row[:2] for row in table[1:]] == [[name, ""] for name in sorted(bad)]
    shown = capsys.readouterr().err
    assert all(f"{name}: " in shown for name in bad)
    for name in bad:
        (scans / name).unlink()
    read(scans, tmp_path / "out")
    assert not (tmp_path / "out" / SKIPPED).exists()


def test_a_broken_page_is_named_and_the_others_are_read(tmp_path, capsys):
    content = saved(page(1), page(2), page(3))
    (tmp_path / "in").mkdir()
    (tmp_path / "in/scan.tif").write_bytes(content[: len(content) * 5 // 6])
    for _ in range(2):
        outcome = read(tmp_path / "in", tmp_path / "out", format="json")
        [(file, number, reason)] = outcome.faults
        assert file == "scan.tif" and number in (2, 3) and reason
        table = (tmp_path / "out" / SKIPPED).read_text()
        assert f"scan.tif,{number}," in table
    assert f"scan.tif, page {number}: " in capsys.readouterr().err
    pages = json.loads((tmp_path / "out/scan.tif.json").read_text())["pages"]
    assert pages[number - 1] == {"number": number, "error": reason}
    assert any(len(page.get("words", ())) == 2 for page in pages)


def test_outputs_that_clash_are_refused_before_anything_is_read(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "scan.png").write_bytes(saved(page(1), form="PNG"))
    files, _ = find_files([str(tmp_path / "a/scan.png"), str(tmp_path / "b")])
    with pytest.raises(OutputsClash, match=r"a/scan\.png and .*b/scan\.png would both"):
        read_files(files, MarkReader(), ReadSettings(), tmp_path / "out")


def test_names_that_are_no_text(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    with contextlib.suppress(OSError, UnicodeEncodeError):
        (Path(os.fsdecode(bytes(folder) + b"/\xbd\xba\xc4\xb5.png"))).write_bytes(saved(page(1), form="PNG"))
    (folder / "line\nend.png").write_bytes(saved(page(1), form="PNG"))
    for form in FORMATS:
        outcome = read(folder, tmp_path / form, format=form)
        assert not outcome.faults
        engine = MarkReader()
        read(folder, tmp_path / form, engine, format=form)
        assert engine.pages == 0, form


KILLED = """
import sys, time
from tests.reading.documents import MarkReader
from train_easyocr.reading.run import ReadSettings, read_files
from train_easyocr.reading.sources import find_files

class Slow(MarkReader):
    def read(self, grey, shapes):
        time.sleep(0.01)
        return super().read(grey, shapes)

from pathlib import Path
read_files(find_files([sys.argv[1]])[0], Slow(), ReadSettings(sys.argv[3]), Path(sys.argv[2]))
"""


def test_killed_anywhere_and_started_again_gives_the_same(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(100):
        form = ("PNG", "JPEG", "PDF", "TIFF")[number % 4]
        several = [page(number), page(number + 1)][: 1 + (number % 8 > 5)]
        (folder / f"{number}.{form.lower()}").write_bytes(saved(*several, form=form))
    (folder / "broken.png").write_bytes(b"")
    read(folder, tmp_path / "whole", format="pdf")
    command = [sys.executable, "-c", KILLED, folder, tmp_path / "killed", "pdf"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    kills = 0
    for wait in (0.05, 0.21, 0.4, 0.33, 0.17):
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        before = len(list((tmp_path / "killed").glob("*.pdf")))
        deadline = time.monotonic() + 60
        while len(list((tmp_path / "killed").glob("*.pdf"))) <= before and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(wait)
        kills += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert kills >= 2
    subprocess.run(command, env=environment, stderr=subprocess.DEVNULL, check=True)
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


@pytest.mark.parametrize("form", FORMATS)
def test_a_long_document_goes_on_at_the_page_where_it_was_stopped(tmp_path, capsys, form):
    class Stopping(MarkReader):
        def detect(self, image):
            if self.pages == 3:
                raise KeyboardInterrupt
            return super().detect(image)

    scans = tmp_path / "in"
    scans.mkdir()
    cut = saved(*[page(number) for number in range(10)])
    (scans / "a.tif").write_bytes(cut[: int(0.95 * len(cut))])
    (scans / "b.pdf").write_bytes(saved(*[page(number) for number in range(8)], form="PDF", resolution=300))
    whole = read(scans, tmp_path / "whole", format=form)
    pages = sum(done.pages for done in whole.done)
    assert [len(done.faults) for done in whole.done] == [1, 0]
    out, stops = tmp_path / "out", 0
    while True:
        engine = Stopping()
        try:
            again = read(scans, out, engine, format=form)
            break
        except KeyboardInterrupt:
            stops += 1
            with next(out.glob("*.output.part")).open("ab") as file:
                file.write(b"half of a pa")
    assert stops == pages // 3 and engine.pages == pages % 3
    assert contents(out) == contents(tmp_path / "whole") and again.done == whole.done


def test_what_was_begun_of_another_file_or_with_other_settings_is_not_gone_on_with(tmp_path):
    class Stopped(MarkReader):
        def detect(self, image):
            if self.pages == 2:
                raise KeyboardInterrupt
            return super().detect(image)

    scan, out = tmp_path / "a.tif", tmp_path / "out"
    scan.write_bytes(saved(page(0), page(1), page(2)))

    def left(engine=None, **settings):
        engine = engine or MarkReader()
        with pytest.raises(KeyboardInterrupt):
            read(scan, out, Stopped())
        read(scan, out, engine, **settings)
        assert not list(out.glob("*.part"))
        (out / "a.tif.txt").unlink(missing_ok=True)
        return engine.pages

    assert left() == 1
    assert left(pages=PageRange("1-3")) == 3
    other = MarkReader()
    other.identity = replace(other.identity, recognizer_sha256="ef" * 32)
    assert left(other) == 3
    with pytest.raises(KeyboardInterrupt):
        read(scan, out, Stopped())
    scan.write_bytes(saved(page(0), page(1), page(3)))
    assert left() == 1, "begun anew"
    with pytest.raises(KeyboardInterrupt):
        read(scan, out, Stopped())
    next(out.glob("*.output.part")).write_bytes(b"cut")
    engine = MarkReader()
    read(scan, out, engine)
    assert engine.pages == 3


def test_one_run_at_a_time_writes_to_a_folder(scans, tmp_path):
    class Meanwhile(MarkReader):
        def detect(self, image):
            with pytest.raises(UserError, match="another reading writes to this folder"):
                read(scans, tmp_path / "out")
            return super().detect(image)

    assert len(read(scans, tmp_path / "out", Meanwhile()).done) == 6


def test_pages_are_decoded_one_after_the_other_not_all_at_once(tmp_path):
    held, most = set(), []

    class Counting(MarkReader):
        def detect(self, image):
            most.append(len(held))
            return super().detect(image)

    from train_easyocr.reading import sources

    decode = sources.ImageDocument.page

    def counted(self, number):
        held.add(number)
        return decode(self, number)

    (tmp_path / "in.tif").write_bytes(saved(*[page(n) for n in range(12)]))
    patch = pytest.MonkeyPatch()
    patch.setattr(sources.ImageDocument, "page", counted)
    try:
        read_to(SourceFile(tmp_path / "in.tif", "in"), Counting(), ReadSettings(), io.BytesIO())
    finally:
        patch.undo()
    assert all(count <= number + 4 for number, count in enumerate(most)), "the one that is read, and a few that come"


def test_nothing_of_the_pipeline_needs_torch():
    code = (
        "import sys, train_easyocr.reading.run as run; "
        "print([name for name in ('torch', 'easyocr', 'skimage', 'pandas') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert found.stdout.strip() == "[]"

"""Pages out of images, TIFF and PDF of several pages, folders; what is broken is named, and costs nothing else."""

import io
import sys
from types import SimpleNamespace

import cv2
import easyocr.easyocr
import numpy as np
import PIL.Image
import pypdfium2
import pytest

from tests.documents.printed import STORED
from tests.evaluation.installed import draw_page
from tests.reading.documents import OPENS_WITHOUT, WANTS_A_PASSWORD, blank_pdf, marked_page, png_header, saved
from train_easyocr.documents import Layout
from train_easyocr.documents.images import ImageError
from train_easyocr.documents.page import NOTHING_LABELLED
from train_easyocr.reading import sources
from train_easyocr.reading.sources import PageRange, SourceFile, find_files, load_page, natural, open_document

pytestmark = pytest.mark.slow


def opened(tmp_path, content, name="문서"):
    (tmp_path / name).write_bytes(content)
    return open_document(SourceFile(tmp_path / name, name)).document


def refused(tmp_path, content, name="문서"):
    with pytest.raises(ImageError) as error:
        document = opened(tmp_path, content, name)
        for number in PageRange().of(document.count):
            document.page(number)
    return str(error.value)


def test_pages_of_a_tiff_in_their_order(tmp_path):
    pages = [draw_page(seed)[: 90 + seed] for seed in range(3)]
    document = opened(tmp_path, saved(*pages))
    assert document.count == 3
    for number in (2, 1, 3):
        page = document.page(number)
        assert page.number == number
        assert (page.grey == pages[number - 1]).all() and (page.colour == pages[number - 1][..., None]).all()


def test_a_tiff_that_is_cut_off_loses_no_page_in_silence(tmp_path):
    pages = [draw_page(seed) for seed in range(3)]
    content = saved(*pages)
    document = opened(tmp_path, content[: len(content) * 2 // 3])
    readable = 0
    with pytest.raises(ImageError):
        for number in range(1, document.count + 1):
            document.page(number)
            readable += 1
    assert 1 <= readable < 3


def test_a_pdf_is_rendered_in_its_size_and_colour(tmp_path):
    page = cv2.cvtColor(marked_page(), cv2.COLOR_GRAY2RGB)
    page[100:150, 200:300] = (200, 30, 30)
    document = opened(tmp_path, saved(page, marked_page(width=600), form="PDF", resolution=150))
    first = document.page(1)
    assert first.grey.shape == (600, 800) and first.dpi == 300, "at 300 dots per inch, whatever is in it"
    assert (first.colour[220:280, 420:580].reshape(-1, 3).mean(axis=0) - (200, 30, 30) < 6).all(), "RGB"
    assert document.page(2).grey.shape == (600, 1200)
    again = open_document(SourceFile(tmp_path / "문서", "문서"), dpi=75).document.page(1)
    assert again.grey.shape == (150, 200)


def test_a_long_pdf_is_opened_anew_on_the_way(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "PDF_PAGES", 2)
    document = opened(tmp_path, saved(*(marked_page(width=400 + 10 * n) for n in range(5)), form="PDF", resolution=300))
    first = document._pdf
    widths = [document.page(number).grey.shape[1] for number in range(1, 6)]
    assert widths == pytest.approx([400, 410, 420, 430, 440], abs=1)
    assert document._pdf is not first, "PDFium keeps the pictures of all pages of an opened file"


def test_a_pdf_page_that_is_too_large_is_rendered_smaller(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "MAX_PIXELS", 1_000_000)
    for size in ((14400, 14400), (14400, 36), (300, 300)):
        page = opened(tmp_path, blank_pdf(1, size)).page(1)
        assert page.grey.size <= 1_000_000
        assert page.dpi < 300 and "dots per inch" in page.warnings[0]
        assert page.grey.shape[1] == pytest.approx(size[0] / 72 * page.dpi, abs=1)
    assert opened(tmp_path, blank_pdf(1, (72, 72))).page(1).warnings == ()


def test_forms_are_rendered_as_they_are_filled_in(tmp_path):
    widget = "/Type /Annot /Subtype /Widget /FT /Tx /F 4 /T (name) /V (Hong) /DA (/Helv 20 Tf 0 g) /Rect [5 5 95 45]"
    fonts = "<< /Font << /Helv << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
    page = blank_pdf(1, (100, 50)).split(b"xref")[0].decode()
    page = page.replace("/MediaBox", f"/Annots [<< {widget} >>] /MediaBox")
    page = page.replace("/Pages 2 0 R", f"/Pages 2 0 R /AcroForm << /DR {fonts} /NeedAppearances true /Fields [] >>")
    document = opened(tmp_path, f"{page}trailer\n<< /Size 4 /Root 1 0 R >>\n%%EOF\n".encode())
    assert (document.page(1).grey < 128).sum() > 200


def test_turned_pages_of_a_pdf_are_upright(tmp_path):
    pdf = pypdfium2.PdfDocument.new()
    pdf.new_page(100, 200).set_rotation(90)
    pdf.save(tmp_path / "쪽.pdf")
    assert open_document(SourceFile(tmp_path / "쪽.pdf", "쪽.pdf"), 72).document.page(1).grey.shape == (100, 200)


@pytest.mark.parametrize("name", ["scan.pdf", "scan.jpg", "scan.tif", "scan", "scan.txt"])
def test_the_type_is_told_by_the_content(tmp_path, name):
    page = marked_page()
    for content in (saved(page, form="PNG"), saved(page), saved(page, form="PDF"), saved(page, form="WEBP")):
        assert opened(tmp_path, content, name).page(1).grey.ndim == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"Sehr geehrte Damen und Herren", "neither an image"),
        (WANTS_A_PASSWORD, "is encrypted and wants a password"),
        (saved(marked_page(), form="PDF")[:200], "can't be read as a PDF"),
        (b"%PDF-1.7\n" + b"\0" * 500, "can't be read as a PDF"),
        (blank_pdf(0), "can't be read as a PDF"),
        (blank_pdf(10_000), "10,000 pages; 2,000 are read at a time, such as the pages 1-2000"),
        (png_header(65_500, 65_500), "pixels"),
        (saved(draw_page(), form="JPEG")[:4000], "cut short or damaged"),
    ],
    ids=[
        "empty",
        "text",
        "encrypted",
        "half a PDF",
        "no PDF",
        "no pages",
        "10,000 pages",
        "65,500 x 65,500",
        "cut off",
    ],
)
def test_what_cant_be_read_is_named(tmp_path, content, reason):
    assert reason in refused(tmp_path, content)


def test_a_pdf_that_opens_without_password_is_read(tmp_path):
    assert opened(tmp_path, OPENS_WITHOUT).page(1).grey.shape == (300, 300)


def test_files_that_are_not_there_or_not_to_be_opened(tmp_path):
    with pytest.raises(ImageError, match=r"gone\.pdf: can't be read"):
        open_document(SourceFile(tmp_path / "gone.pdf", "gone.pdf"))
    with pytest.raises(ImageError, match="can't be read"):
        open_document(SourceFile(tmp_path, "folder"))


def test_standard_input(monkeypatch):
    [file] = find_files(["-"])[0]
    for content in (saved(marked_page(), form="PNG"), saved(marked_page(), form="PDF", resolution=300)):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
        assert open_document(file).document.page(1).grey.shape == (300, 400)


def test_what_a_folder_holds_in_natural_order(tmp_path):
    names = [
        "쪽10.jpg",
        "쪽2.png",
        "b/1.pdf",
        "A.tif",
        "b/notes.txt",
        "scan",
        ".hidden.png",
        ".git/x.png",
        "broken.jpg",
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(saved(marked_page(), form="PNG"))
    (tmp_path / "b/notes.txt").write_text("notes")
    (tmp_path / "broken.jpg").write_bytes(b"")
    found, passed_over = find_files([str(tmp_path), str(tmp_path / "쪽2.png")])
    assert [file.name for file in found] == ["A.tif", "broken.jpg", "scan", "쪽2.png", "쪽10.jpg", "b/1.pdf", "쪽2.png"]
    assert [file.name for file in passed_over] == ["b/notes.txt"]


def test_natural_order():
    names = ["쪽 10", "쪽 9", "b1", "B2", "a", "2", "10", "\u1100\u1161"]
    assert sorted(names, key=natural) == ["2", "10", "a", "b1", "B2", "\u1100\u1161", "쪽 9", "쪽 10"]


@pytest.mark.parametrize(
    ("text", "count", "numbers"),
    [("", 3, [1, 2, 3]), ("2", 3, [2]), ("2-", 4, [2, 3, 4]), ("1,3-9", 4, [1, 3, 4]), (" 3 - 3 ", 5, [3])],
)
def test_page_ranges(text, count, numbers):
    assert PageRange(text).of(count) == numbers


@pytest.mark.parametrize("text", ["0", "3-2", "a", "1--2", "-", "1,,2", "1-2-3"])
def test_what_is_no_page_range(text):
    with pytest.raises(ValueError, match="are no pages"):
        PageRange(text)


def test_pages_that_a_document_does_not_have():
    with pytest.raises(ImageError, match="has no pages"):
        PageRange().of(0)
    with pytest.raises(ImageError, match=r"has 3 pages, and none of those asked for \(5-9\)"):
        PageRange("5-9").of(3)
    assert len(PageRange("1-2000").of(10_000)) == 2_000


def test_resolution_of_images(tmp_path):
    page = marked_page()
    for stated, meant in ((200, 200), (72, 300), (4000, 300), (None, 300)):
        options = {} if stated is None else {"dpi": (stated, stated)}
        assert opened(tmp_path, saved(page, form="JPEG", **options)).page(1).dpi == pytest.approx(meant, abs=0.1)


def test_load_page_reads_as_easyocr_does(tmp_path):
    colour = np.dstack([draw_page(seed) for seed in range(3)])
    path = tmp_path / "주민복지 쪽.jpg"
    path.write_bytes(cv2.imencode(".jpg", colour)[1].tobytes())
    image, grey = load_page(path)
    expected_image, expected_grey = easyocr.easyocr.reformat_input(str(path))
    assert (image == expected_image).all()
    assert (grey == expected_grey).all()
    assert image.shape == (*grey.shape, 3)


def _cut(content):
    return content[: len(content) // 2]


@pytest.mark.parametrize(
    ("suffix", "change"),
    [
        (".png", lambda content: b""),
        (".jpg", lambda content: b"not an image"),
        (".jpg", _cut),
        (".png", _cut),
    ],
)
def test_broken_images(tmp_path, suffix, change):
    path = tmp_path / f"쪽{suffix}"
    path.write_bytes(change(cv2.imencode(suffix, draw_page())[1].tobytes()))
    with pytest.raises(ImageError, match="쪽"):
        load_page(path)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_a_page_is_upright_in_colour_and_in_grey(tmp_path, suffix, orientation):
    upright = np.dstack([draw_page(seed) for seed in range(3)])
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"쪽{suffix}"
    stored = np.ascontiguousarray(STORED[orientation](upright))
    options = {".webp": {"lossless": True}, ".jpg": {"quality": 100, "subsampling": 0}}
    PIL.Image.fromarray(stored).save(path, exif=exif, **options.get(suffix, {}))
    for layout in (NOTHING_LABELLED, Layout(*upright.shape[1::-1])):
        colour, grey = load_page(path, layout)
        assert colour.shape == upright.shape and grey.shape == upright.shape[:2]
        assert np.abs(colour.astype(int) - upright).mean() < (2 if suffix == ".jpg" else 0.01)
        assert np.abs(cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY).astype(int) - grey).mean() < 1


def test_labels_about_the_stored_pixels_win_over_the_orientation(tmp_path):
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    page = draw_page()[:100]
    PIL.Image.fromarray(page).save(tmp_path / "쪽.png", exif=exif)
    colour, grey = load_page(tmp_path / "쪽.png", Layout(page.shape[1], 100))
    assert (grey == page).all() and (colour == page[..., None]).all()


def test_transparent_pages_lie_on_white(tmp_path):
    page = draw_page()
    PIL.Image.fromarray(np.dstack([np.zeros_like(page)] * 3 + [255 - page])).save(tmp_path / "쪽.png")
    colour, grey = load_page(tmp_path / "쪽.png")
    assert (grey == page).all() and (colour == page[..., None]).all()


def test_missing_image(tmp_path):
    with pytest.raises(ImageError, match=r"gone\.jpg"):
        load_page(tmp_path / "gone.jpg")

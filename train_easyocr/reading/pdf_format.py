"""Searchable PDF: the picture of each page, and over it its words in invisible print, to be searched and copied.

The words are set in a font that has one glyph without area for all characters: nothing is drawn (text render mode 3),
so that no Korean font has to be embedded, and what a viewer copies comes from the table from codes to Unicode.
Tesseract and OCRmyPDF do it so. reportlab and fpdf2 want a font that has the characters, which is megabytes a document;
pikepdf would write the same objects as this file does.
"""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Iterator
from io import BytesIO
from itertools import zip_longest
from typing import IO

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from train_easyocr.documents.page import Point, Quad
from train_easyocr.reading.formats import About, Remembering, printable
from train_easyocr.reading.pipeline import ReadPage
from train_easyocr.reading.sources import POINTS, SourcePage
from train_easyocr.reading.xml_formats import software

QUALITY = 85
"""Of JPEG, for pages that are not JPEG files already."""
LONGEST = 14_400
"""Points of a page's side that viewers accept."""
BLANK_PAGE = 595, 842
"""Points of A4, for a page that could not be read."""
ADVANCE, ASCENT, DESCENT = 0.5, 0.8, 0.2
"""Of the glyph, in ems."""

GAP = 0.2
"""Between words, in the height of the first one; programs take about 0.15 for a space."""

_HEAD = b"%PDF-1.5\n%\xed\x95\x9c\xea\xb8\x80\n"
_CATALOG, _PAGES, _FONT, _CID_FONT, _DESCRIPTOR, _FONT_FILE, _GLYPHS, _UNICODE, _INFO = range(1, 10)
_EMPTY_FONT = zlib.decompress(
    base64.b64decode(
        "eNqFUT1Lw1AUPTdpqraii3bO4CAoFUWkgyC2OGqhLm76rDGFJm3pB9RNnBz9IQ7+CIcOOrkLgoODYxyc4nlJWloreB/35pz77rtfgQDI4Bom7P"
        "LxxtYBSg+ArNJ7VvVVC/PokN+Rb7ve1eXn4es3+RN5ruaoC5UtFYjvqTs1Oqyc5InfqSs1v9uXgAhyS5P2mlWFbMQfNfdVv4UUD2SW3G4o31kr"
        "b76Q6/ftVrPT9d3OM2CckK9D90rdz9/4p4u7XzDND0xJWJDAtAlMGImLb0w7ZJ9JN0GUaVwk8hg88Y0xldaUgFuwdLf/ykT2PYqeDnbcA3sb/I"
        "q3h52NapvUJVqJvikdEW1KczsMYxu+jVXKxnWT6YmWRYLBcEFpHCWxwhkwmnKGTJIIK6orqTl6MvzvMTawgFyC09pf9FSjXnHcnqfaKMKDQgN1"
        "VODARS/i7T83OCm8F8M618l+ABy/So8="
    )
)
"""A TrueType font of .notdef and one glyph, half an em wide: a contour out and back, which has bounds but no area.

PDFium takes text without bounds for none."""
_TO_UNICODE = b"""/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
1 beginbfrange
<0000> <FFFF> <0000>
endbfrange
endcmap
CMapName currentdict /CMap defineresource pop
end
end
"""


class PdfWriter(Remembering):
    """A searchable PDF; an empty sheet stands for a page that could not be read."""

    _remembered = "_written", "_offsets", "_kids"

    def __init__(self, file: IO[bytes], about: About) -> None:
        self._file, self._written = file, 0
        self._offsets = [0] * _INFO
        self._kids: list[int] = []
        self._write(_HEAD)
        self._object(_CATALOG, f"<< /Type /Catalog /Pages {_PAGES} 0 R /Lang (ko-KR) >>")
        self._font()
        title = b"\xfe\xff" + printable(about.file).encode("utf-16-be")
        self._object(_INFO, f"<< /Title <{title.hex()}> /Producer ({software()}) >>")

    def _font(self) -> None:
        system = "/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"
        self._object(
            _FONT,
            f"<< /Type /Font /Subtype /Type0 /BaseFont /Blank /Encoding /Identity-H /DescendantFonts [{_CID_FONT} 0 R]"
            f" /ToUnicode {_UNICODE} 0 R >>",
        )
        self._object(
            _CID_FONT,
            f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Blank {system} /DW {1000 * ADVANCE:.0f}"
            f" /FontDescriptor {_DESCRIPTOR} 0 R /CIDToGIDMap {_GLYPHS} 0 R >>",
        )
        self._object(
            _DESCRIPTOR,
            "<< /Type /FontDescriptor /FontName /Blank /Flags 5 /FontBBox [0 -200 500 800] /ItalicAngle 0"
            f" /Ascent {1000 * ASCENT:.0f} /Descent {-1000 * DESCENT:.0f} /CapHeight {1000 * ASCENT:.0f} /StemV 80"
            f" /FontFile2 {_FONT_FILE} 0 R >>",
        )
        self._stream(_FONT_FILE, f"/Length1 {len(_EMPTY_FONT)}", _EMPTY_FONT, deflate=True)
        self._stream(_GLYPHS, "", b"\0\1" * 2**16, deflate=True)
        self._stream(_UNICODE, "", _TO_UNICODE, deflate=True)

    def page(self, page: ReadPage, picture: SourcePage) -> None:
        """Write a page; see `Writer`."""
        scale = min(POINTS / page.dpi, LONGEST / max(page.width, page.height))
        width, height = page.width * scale, page.height * scale
        image, content, sheet = self._numbers(3)
        self._stream(image, *_picture(picture))
        drawn = f"q {width:.3f} 0 0 {height:.3f} 0 0 cm /Page Do Q\n" + "\n".join(_text(page, scale))
        self._stream(content, "", drawn.encode("ascii"), deflate=True)
        resources = f"/Resources << /XObject << /Page {image} 0 R >> /Font << /Blank {_FONT} 0 R >> >>"
        self._sheet(sheet, (width, height), f"{resources} /Contents {content} 0 R")

    def fault(self, number: int, reason: str) -> None:
        """Write an empty page."""
        [sheet] = self._numbers(1)
        self._sheet(sheet, BLANK_PAGE, "/Resources << >>")

    def close(self) -> None:
        """Write the list of pages and the table of objects."""
        kids = " ".join(f"{kid} 0 R" for kid in self._kids)
        self._object(_PAGES, f"<< /Type /Pages /Count {len(self._kids)} /Kids [{kids}] >>")
        start, size = self._written, 1 + len(self._offsets)
        rows = "".join(f"{offset:010d} 00000 n \n" for offset in self._offsets)
        self._write(f"xref\n0 {size}\n0000000000 65535 f \n{rows}".encode())
        trailer = f"trailer\n<< /Size {size} /Root {_CATALOG} 0 R /Info {_INFO} 0 R >>\n"
        self._write(f"{trailer}startxref\n{start}\n%%EOF\n".encode())

    def _numbers(self, count: int) -> range:
        """Return the numbers of as many objects that are to come."""
        first = 1 + len(self._offsets)
        self._offsets += [0] * count
        return range(first, first + count)

    def _sheet(self, number: int, size: tuple[float, float], entries: str) -> None:
        self._kids.append(number)
        box = f"/MediaBox [0 0 {size[0]:.3f} {size[1]:.3f}]"
        self._object(number, f"<< /Type /Page /Parent {_PAGES} 0 R {box} {entries} >>")

    def _object(self, number: int, entries: str) -> None:
        self._offsets[number - 1] = self._written
        self._write(f"{number} 0 obj\n{entries}\nendobj\n".encode("ascii"))

    def _stream(self, number: int, entries: str, content: bytes, deflate: bool = False) -> None:
        if deflate:
            content, entries = zlib.compress(content), f"{entries} /Filter /FlateDecode"
        self._offsets[number - 1] = self._written
        self._write(f"{number} 0 obj\n<< {entries} /Length {len(content)} >>\nstream\n".encode("ascii"))
        self._write(content)
        self._write(b"\nendstream\nendobj\n")

    def _write(self, content: bytes) -> None:
        self._file.write(content)
        self._written += len(content)


def _text(page: ReadPage, scale: float) -> Iterator[str]:
    """Yield the operators that set a page's words, each stretched over its place, with spaces between those of a line.

    Some programs look for spaces, others for gaps: a word ends a gap before the next one, and a space fills it.
    """
    yield "BT 3 Tr"
    for line in page.lines:
        words = [page.words[word] for word in line.words]
        for word, following in zip_longest(words, words[1:]):
            place = word.polygon
            if following is not None:
                place, gap = _apart(place, following.polygon)
                yield _set(word.text, place, page.height, scale)
                yield _set(" ", gap, page.height, scale)
            else:
                yield _set(word.text, place, page.height, scale)
    yield "ET"


def _apart(place: Quad, following: Quad) -> tuple[Quad, Quad]:
    """Return a word's place without what a gap before the next word takes, and the gap's."""
    (left, _), (right, top), (_, bottom), _ = place
    wanted = GAP * math.dist(place.top_left, place.bottom_left)
    # At least half of the word's own width is left to it.
    moved = right - min(max(0.0, right + wanted - following.top_left[0]), max(0.0, right - left) / 2)
    shift = right - moved
    word = place._replace(top_right=(moved, top), bottom_right=(place.bottom_right[0] - shift, bottom))
    end = max(moved + 1, following.top_left[0])
    return word, Quad((moved, top), (end, top), (end, bottom), (moved, bottom))


def _set(text: str, place: Quad, page_height: int, scale: float) -> str:
    """Return the operators that set a text on the lower side of its place."""
    start, end, height = _base(place)
    size = max(0.1, height * scale)
    code = text.encode("utf-16-be")
    advance = ADVANCE * size * (len(code) // 2)
    stretch = 100 * max(0.01, math.dist(start, end) * scale) / advance
    angle = math.atan2(start[1] - end[1], end[0] - start[0])
    cosine, sine = math.cos(angle), math.sin(angle)
    x = start[0] * scale - sine * DESCENT * size
    y = (page_height - start[1]) * scale + cosine * DESCENT * size
    turned = f"{cosine:.5f} {sine:.5f} {-sine:.5f} {cosine:.5f} {x:.3f} {y:.3f} Tm"
    return f"/Blank {size:.3f} Tf {stretch:.3f} Tz {turned} <{code.hex()}> Tj"


def _base(place: Quad) -> tuple[Point, Point, float]:
    """Return the ends of the lower side, and the height above it."""
    return place.bottom_left, place.bottom_right, math.dist(place.top_left, place.bottom_left)


def _picture(page: SourcePage) -> tuple[str, bytes]:
    """Return the entries and the bytes of a page's picture: as it is stored, if that will do."""
    height, width = page.grey.shape
    size = f"/Type /XObject /Subtype /Image /Width {width} /Height {height}"
    if page.jpeg is not None:
        space = simplejpeg.decode_jpeg_header(page.jpeg)[2]
        if space in ("Gray", "YCbCr"):
            return _jpeg(size, space == "Gray", page.jpeg)
    grey = _is_grey(page.colour)
    if grey and not ((page.grey > 0) & (page.grey < 255)).any():
        settings = f"/DecodeParms << /K -1 /Columns {width} /Rows {height} /BlackIs1 true >>"
        entries = f"{size} /ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /CCITTFaxDecode {settings}"
        return entries, _fax(page.grey)
    if grey:
        pixels, space = np.ascontiguousarray(page.grey[:, :, None]), "GRAY"
    else:
        pixels, space = np.ascontiguousarray(page.colour), "RGB"
    return _jpeg(size, grey, simplejpeg.encode_jpeg(pixels, QUALITY, space))


def _jpeg(size: str, grey: bool, content: bytes) -> tuple[str, bytes]:
    space = "/DeviceGray" if grey else "/DeviceRGB"
    return f"{size} /ColorSpace {space} /BitsPerComponent 8 /Filter /DCTDecode", content


def _is_grey(colour: NDArray[np.uint8]) -> bool:
    return bool((colour[:, :, 0] == colour[:, :, 1]).all() and (colour[:, :, 1] == colour[:, :, 2]).all())


def _fax(grey: NDArray[np.uint8]) -> bytes:
    """Encode black and white as fax machines do (CCITT group 4), which is the smallest; libtiff does it."""
    file = BytesIO()
    one_strip = TiffImagePlugin.ImageFileDirectory_v2()
    one_strip[TiffImagePlugin.ROWSPERSTRIP] = grey.shape[0]
    Image.fromarray(grey > 0).save(file, "TIFF", compression="group4", tiffinfo=one_strip)
    with Image.open(file) as image:
        tags = image.tag_v2  # type: ignore[attr-defined]
        [start], [length] = tags[TiffImagePlugin.STRIPOFFSETS], tags[TiffImagePlugin.STRIPBYTECOUNTS]
    return file.getvalue()[start : start + length]

"""hOCR 1.2 and ALTO 4: pages, blocks, lines and words with boxes and confidences, as XML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from typing import IO
from xml.sax.saxutils import escape, quoteattr

from train_easyocr.documents.page import Box
from train_easyocr.reading.formats import About, Remembering, printable
from train_easyocr.reading.pipeline import ReadLine, ReadPage
from train_easyocr.reading.sources import SourcePage

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 can't hold."""

_HOCR_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="ko" lang="ko">
<head>
<title>{title}</title>
<meta http-equiv="Content-Type" content="text/html; charset=utf-8"/>
<meta name="ocr-system" content={system}/>
<meta name="ocr-langs" content="ko en"/>
<meta name="ocr-capabilities" content="ocr_page ocr_carea ocr_line ocrx_word"/>
</head>
<body>
"""
_ALTO_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#" SCHEMAVERSION="4.4">
<Description>
<MeasurementUnit>pixel</MeasurementUnit>
<sourceImageInformation><fileName>{file}</fileName></sourceImageInformation>
<Processing ID="READING">
<processingStepDescription>text recognition</processingStepDescription>
<processingStepSettings>recognizer {recognizer}, detector {detector}</processingStepSettings>
<processingSoftware><softwareName>train_easyocr, {name}</softwareName></processingSoftware>
</Processing>
</Description>
<Layout>
"""


def software() -> str:
    """Return the name of this program, with its version where it is installed."""
    try:
        return f"train_easyocr {version('train_easyocr')}"
    except PackageNotFoundError:
        return "train_easyocr"


class HocrWriter(Remembering):
    """hOCR 1.2 (XHTML); a page that could not be read is a comment."""

    def __init__(self, file: IO[bytes], about: About) -> None:
        self._file, self._name = file, printable(about.file)
        system = _attribute(f"{software()}, {about.model.name}, {about.model.recognizer_sha256}")
        _write(file, _HOCR_HEAD.format(title=_text(self._name), system=system))

    def page(self, page: ReadPage, picture: SourcePage) -> None:
        """Write a page; see `Writer`."""
        number = page.number
        image = self._name.replace('"', "'").replace(";", ",")  # which the property can't hold
        title = f'image "{image}"; bbox 0 0 {page.width} {page.height}; ppageno {number - 1}; '
        title += f"scan_res {page.dpi:.0f} {page.dpi:.0f}"
        parts = [f'<div class="ocr_page" id="page_{number}" title={_attribute(title)}>']
        for block, lines in blocks(page):
            parts.append(f'<div class="ocr_carea" id="block_{number}_{block}" title="{_bbox(bounds_of(lines))}">')
            for line in lines:
                parts.append(f'<span class="ocr_line" id="line_{number}_{line.words[0]}" title="{_bbox(line.box)}">')
                parts.append(" ".join(self._word(page, word) for word in line.words))
                parts.append("</span>")
            parts.append("</div>")
        _write(self._file, "\n".join([*parts, "</div>\n"]))

    @staticmethod
    def _word(page: ReadPage, number: int) -> str:
        word = page.words[number]
        title = f"{_bbox(word.box)}; x_wconf {round(100 * word.confidence, 2):g}"
        return f'<span class="ocrx_word" id="word_{page.number}_{number}" title="{title}">{_text(word.text)}</span>'

    def fault(self, number: int, reason: str) -> None:
        """Write a comment."""
        _write(self._file, f"<!-- page {number}: {_comment(reason)} -->\n")

    def close(self) -> None:
        """End the file."""
        _write(self._file, "</body>\n</html>\n")


class AltoWriter(Remembering):
    """ALTO 4; a page that could not be read is a comment."""

    def __init__(self, file: IO[bytes], about: About) -> None:
        self._file = file
        model = about.model
        values = about.file, model.recognizer_sha256, model.detector_sha256, model.name
        names = "file", "recognizer", "detector", "name"
        texts = {name: _text(printable(value)) for name, value in zip(names, values, strict=True)}
        _write(file, _ALTO_HEAD.format(**texts))

    def page(self, page: ReadPage, picture: SourcePage) -> None:
        """Write a page; see `Writer`."""
        number = page.number
        size = f'HEIGHT="{page.height}" WIDTH="{page.width}"'
        parts = [f'<Page ID="page_{number}" PHYSICAL_IMG_NR="{number}" {size} PROCESSING="READING">']
        parts.append(f'<PrintSpace HPOS="0" VPOS="0" {size}>')
        for block, lines in blocks(page):
            parts.append(f'<TextBlock ID="block_{number}_{block}" {_alto_box(bounds_of(lines))}>')
            for line in lines:
                parts.append(f'<TextLine ID="line_{number}_{line.words[0]}" {_alto_box(line.box)}>')
                parts.append("<SP/>\n".join(self._word(page, word) for word in line.words))
                parts.append("</TextLine>")
            parts.append("</TextBlock>")
        _write(self._file, "\n".join([*parts, "</PrintSpace>", "</Page>\n"]))

    @staticmethod
    def _word(page: ReadPage, number: int) -> str:
        word = page.words[number]
        identity, content = f'ID="word_{page.number}_{number}"', f"CONTENT={_attribute(word.text)}"
        return f'<String {identity} {_alto_box(word.box)} {content} WC="{round(word.confidence, 4):g}"/>\n'

    def fault(self, number: int, reason: str) -> None:
        """Write a comment."""
        _write(self._file, f"<!-- page {number}: {_comment(reason)} -->\n")

    def close(self) -> None:
        """End the file."""
        _write(self._file, "</Layout>\n</alto>\n")


def blocks(page: ReadPage) -> Iterator[tuple[int, list[ReadLine]]]:
    """Yield a page's blocks with their lines."""
    for block, lines in groupby(page.lines, key=lambda line: line.block):
        yield block, list(lines)


def bounds_of(lines: Sequence[ReadLine]) -> Box:
    """Return the box around lines."""
    xmins, ymins, xmaxs, ymaxs = zip(*(line.box for line in lines), strict=True)
    return Box(min(xmins), min(ymins), max(xmaxs), max(ymaxs))


def _bbox(box: Box) -> str:
    return "bbox " + " ".join(map(str, box))


def _alto_box(box: Box) -> str:
    return f'HPOS="{box.xmin}" VPOS="{box.ymin}" WIDTH="{box.width}" HEIGHT="{box.height}"'


def _text(text: str) -> str:
    return escape(_NO_XML.sub("\ufffd", text))


def _attribute(text: str) -> str:
    return quoteattr(_NO_XML.sub("\ufffd", text))


def _comment(text: str) -> str:
    return _NO_XML.sub("\ufffd", text).replace("--", "- -").rstrip("-")


def _write(file: IO[bytes], text: str) -> None:
    file.write(text.encode())

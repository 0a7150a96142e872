"""Documents for tests, and an engine that reads them without a network."""

import base64
import zlib
from io import BytesIO

import cv2
import numpy as np
from PIL import Image

from train_easyocr.documents.page import Box, bounds
from train_easyocr.reading.pipeline import Identity

SYLLABLES = "가나다라마바사아자차카타파하를했었였겠됐·㎡①"


class MarkReader:
    """An `Engine`: words are dark rectangles, and their text tells their size."""

    identity = Identity("표시", "ab" * 32, "cd" * 32, SYLLABLES)

    def __init__(self):
        self.pages = 0

    def detect(self, image):
        self.pages += 1
        contours, _ = cv2.findContours((image[:, :, 0] < 128).astype(np.uint8), cv2.RETR_EXTERNAL, 2)
        found = [cv2.boundingRect(contour) for contour in contours]
        return [Box(x, y, x + width, y + height) for x, y, width, height in found if height < 40 and width < 300]

    def read(self, grey, shapes):
        boxes = [bounds(shape) for shape in shapes]
        return [(word_of(box.width), box.height / 32) for box in boxes]


def word_of(width):
    return "".join(SYLLABLES[(width + number) % len(SYLLABLES)] for number in range(1 + width // 20))


def marked_page(words=((40, 40), (130, 60), (40, 90)), width=400, height=300):
    """A white page, uint8 [h, w], with a mark of 20 pixels' height at each place; the x tells marks apart, too."""
    page = np.full((height, width), 255, np.uint8)
    for x, y in words:
        page[y : y + 20, x : x + 40 + x // 10] = 0
    return page


def saved(*pages, form="TIFF", **options):
    """The bytes of an image file or a PDF of pages."""
    first, *others = (page if isinstance(page, Image.Image) else Image.fromarray(page) for page in pages)
    several = {"save_all": True, "append_images": others} if others else {}
    file = BytesIO()
    first.save(file, form, **several, **options)
    return file.getvalue()


def blank_pdf(count, size=(72, 72)):
    """A PDF of empty pages."""
    objects = [f"<< /Type /Pages /Count {count} /Kids [{' '.join(f'{3 + n} 0 R' for n in range(count))}] >>"]
    objects += [f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {size[0]} {size[1]}] >>"] * count
    body, offsets = "%PDF-1.4\n", []
    for number, entries in enumerate(["<< /Type /Catalog /Pages 2 0 R >>", *objects], 1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{entries}\nendobj\n"
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    size_entry = f"trailer\n<< /Size {len(offsets) + 1} /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF\n"
    return f"{body}xref\n0 {len(offsets) + 1}\n0000000000 65535 f \n{table}{size_entry}".encode()


def _unpacked(text):
    return zlib.decompress(base64.b85decode(text))


WANTS_A_PASSWORD = _unpacked(
    "c-n<i&2G~`5I!QAE8OQ2kdTUZ_Q&g$tVqx#2xyfkp}kZ+ti9_rD77nRgIX?Jc>u%%fYdkO%z<a<OTYmRAa00Vw`qcUz_zsZw=>`O&Fr`{>J7"
    "H=VG?yd|NihNLLgA*FQY7jc%-Lx0n{U7h+mwYSctc^)AM=?-EL$n69VZ*!gjr^93aHcXJ!Ehz}nQqRq`d@I+gvCS~**}1@KF`U2A6gaeeAph"
    "`%Kb&tc$beAvp=*e>d2Q+QU-(d}*uZRqd~ogG_E-4QSf@nAN0w(;v+JKM8GZQ7)TYpgzw?tQ&@_v7uC@6XPkJXpNH&pzGBvtK{YFW!9PJ0EY"
    "~x*N!^La$`RW;ui4D4sZT_4a7#j{2{H^|)6T!xLMDpk2SwpX}3XUzmh4LM1DA6Q?Vq8?z3fDa1p_Sej5{7}b(#i9(>2M%pw%Ol4xEN~|%~NQ"
    "PXcDi<;@uqcHnh$yh6QhAMGA2Pp;U<*lL9sBNk!Q;WoxnG*~#~x%hm8H&u2r@&6Fa;`sC2E#4r6eJQBIk)xBv+Oraw1W4qmXzPyg;wEcPYB>"
    "wbn;;+SoE8kVNGAf<y==poD7-eTUnfYK<lQ28NW~z$leBFviFlbB&(OeZRw5jq5s0aXVp?*=q|4#7}#0kV&S9U`3wizCfl@BMkZ%s<|plp4#"
    "sJBm4;WtD-qOaUfcScH(s7+72Y#|A(Faa1i|kf%5qP"
)
"""A PDF of one page that opens with the password `geheim`."""
OPENS_WITHOUT = _unpacked(
    "c-n<iJ&)5s5ETVF<cgYVB$V>-e%aoYOb}cW3Bf5L;nJKUvFqK<1?B9Mvq5(hbTo9-G>9KTOUW;wpyUs5baaTd^WmTr*p_DfcILgA+1b{h(>u"
    "iX;-K~A_oqJr1_XtA8KfzM135JdARZY)`26a^KzJmboEKAQw*!;w%8~2@92Lvl0fz9&OfTRRXdOD)1h4p-Q2I}3?o93$z*cg{M$hD<;?lDq|"
    "0bmRCKX5N-8M-L&7xSAnP>GJ?e?zFjt<+=d1~^hI|E7}?9JxRl-|yzGaZu^x(-^n(#Z4R*{y?j<H_9{_rJQEA3wjjedopXgZJOxez^Yj>)^-"
    "aC#}fWu4|cSx13&;Q8;pXy?VHGXWds->S3qI`WGgzoR0lQcQhv3yl`BVQB|_ZZscUHWvLq%!XfNKnk0%_g#<^0Xet$DgeFEtF{2sc2}XX63A"
    "I^dIagK)Dr25yGP0N`hOF1<cOms=0EZY=tV7>@FL>VDWbRGb{G32)t>Q#0fptQWP_c*&&s4&t<k+%UAVe_pRv;w|!<eB2OQr=zOmLQAuXeH$"
    "9eb_jh%QTG0|aq^whzQnL?f`U#jx*iy^}Xs%=R!}^d3e?vWHQM8qAe)HuwFm&T3c`)fCqgHk!RQ5JUL51E*<11&U~<l=1~q!F8muUl7TJwTz"
    "qg|2_N&ck`^gx^NKH3iZUv($yV^nZJjvZoe1&1^c=9bN"
)
"""One that is encrypted, too, but against changes."""


def png_header(width, height):
    """A PNG that says how large it is, and is cut off there."""
    whole = saved(np.zeros((1, 1), np.uint8), form="PNG")
    head = whole[12:16] + width.to_bytes(4, "big") + height.to_bytes(4, "big") + whole[24:29]
    return whole[:8] + (13).to_bytes(4, "big") + head + zlib.crc32(head).to_bytes(4, "big") + whole[33:]

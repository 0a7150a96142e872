"""Folders of one's own pages: the same pages with their labels in each form."""

import json
import zipfile

from tests.documents.samples import pages, words_of
from train_easyocr.documents import Box, Word
from train_easyocr.evaluation.exchange import write_icdar

PAGES = 7


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def boxes(number):
    """Text and box of each word of a page."""
    for text, (x, y, width, height) in words_of(number):
        yield text, Box(x, y, x + width, y + height)


def corners(box):
    return [[box.xmin, box.ymin], [box.xmax, box.ymin], [box.xmax, box.ymax], [box.xmin, box.ymax]]


def own_folder(folder, form):
    """The same pages with their labels in one of the forms."""
    lines = []
    for number, (name, image, label) in enumerate(pages(PAGES, folder="인.허가")):
        write(folder / "images" / f"{name}.jpg", image)
        words = list(boxes(number))
        if form == "aihub":
            write(folder / "labels" / f"{name}.json", label)
        elif form == "icdar2013":
            written = [f'{b.xmin}, {b.ymin}, {b.xmax}, {b.ymax}, "{text}"' for text, b in words]
            write(folder / "labels" / f"{name}.txt", "\n".join(written))
        lines.append(f"images/{name}.jpg\t{json.dumps([{'transcription': t, 'points': corners(b)} for t, b in words])}")
    if form == "ppocrlabel":
        write(folder / "Label.txt", "\n".join(lines))
    if form == "icdar2015":
        named = enumerate(name for name, _, _ in pages(PAGES, folder="인.허가"))
        found = {name: [Word(box, text) for text, box in boxes(number)] for number, name in named}
        write_icdar(folder / "labels.zip", found)
        with zipfile.ZipFile(folder / "labels.zip") as archive:
            archive.extractall(folder / "labels")
    return folder

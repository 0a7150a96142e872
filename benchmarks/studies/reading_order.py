"""How many words are followed by the right one, on rendered pages whose order is known; or pictures of the order found.

    python3 -m benchmarks.studies.reading_order [--pages 20] [--seed 0] [--kinds NAME ...] [--pictures DIR]
    python3 -m benchmarks.studies.reading_order --images DIR --pictures DIR

The first prints a row a kind of page: the sample's and the starter's kinds (letters, forms, ...) in the order in
which they are composed, and pages made here of columns of text, with notes at the margin, and of tables that nothing
rules. Words stand where their labels say; rules are found in the scanned image. Two figures beside it: the plain order
from the top down, and what finding no rules costs. What nobody can know, the order of notes by hand and stamps, is
among the losses. The second reads images with the installed model or the starter and draws the order.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from train_easyocr.common.text import format_table
from train_easyocr.documents.page import Box, bounds
from train_easyocr.reading.lines import Line, lines_of, neighbours_kept, typical_height
from train_easyocr.reading.rules import NO_RULES, find_rules
from train_easyocr.synthesis.defects import scan
from train_easyocr.synthesis.elements import DrawnPage
from train_easyocr.synthesis.filing import file_sheet
from train_easyocr.synthesis.fonts import FontLibrary
from train_easyocr.synthesis.further_kinds import STARTER_KINDS, UNSEEN_KINDS
from train_easyocr.synthesis.labels import boxes_of, labels_of
from train_easyocr.synthesis.layout import Sheet
from train_easyocr.synthesis.pages import BILEVEL, KINDS, as_labelled, make_page
from train_easyocr.synthesis.sentences import SentenceWriter
from train_easyocr.synthesis.vocabulary import TOPICS


def columns(page: DrawnPage) -> None:
    """A bulletin: a title, two or three columns of text, a line below."""
    w, count = page.writer, page.writer.integer(2, 3)
    top = page.heading(w.title(), page.top + page.px(100), widely=False) + page.pitch
    style = page.text.resized(0.85)
    gutter = style.size * float(w.random.uniform(1.5, 3.0))
    width = (page.right - page.left - gutter * (count - 1)) / count
    for number in range(count):
        x, y = page.left + number * (width + gutter), top + (page.pitch * 0.37 if w.chance(0.3) else 0)
        bottom = page.bottom - (w.integer(0, 12) * page.pitch if number == count - 1 else 0)
        while y < bottom:
            text = " ".join(w.sentence() for _ in range(w.integer(2, 5)))
            y = page.sheet.paragraph(text, (x, y), x + width, style, page.pitch, bottom=bottom, justify=page.justify)
    page.sheet.line(f"- {w.integer(1, 60)} -", page.middle, page.bottom + page.px(180), style, align="center")


def margin(page: DrawnPage) -> None:
    """Running text with short notes in small print beside it."""
    w, small = page.writer, page.text.resized(0.7)
    left = page.left + page.px(420)
    y, body_top = page.heading(w.title(), page.top + page.px(100), widely=False) + page.pitch, 0.0
    body_top = y
    notes = [" ".join(w.statement().split()[:7]) for _ in range(w.integer(1, 3))]
    for number, note in enumerate(notes):
        at = body_top + page.px(120) + number * (page.bottom - body_top) / len(notes)
        page.sheet.paragraph(note, (page.left, at), left - page.px(90), small, small.size * 1.3)
    while y < page.bottom:
        text = " ".join(w.sentence() for _ in range(w.integer(2, 5)))
        y = page.sheet.paragraph(text, (left, y), page.right, page.text, page.pitch, bottom=page.bottom)


def unruled(page: DrawnPage) -> None:
    """A list in columns without a rule."""
    w = page.writer
    y = page.heading(w.title(), page.top + page.px(100), widely=False) + page.pitch
    edges = np.linspace(page.left, page.right, w.integer(3, 6))
    for number in range(w.integer(10, 25)):
        for column, x in enumerate(edges[:-1]):
            cell = str(number + 1) if column == 0 else " ".join(w.cell(w.pick(("금액", "성명", "주소"))).split()[:2])
            page.sheet.line(cell, x, y, page.text.resized(0.85))
        y += page.pitch


Kind = Callable[[DrawnPage], None]


def rendered(kind: Kind, seed: int, count: int, library: FontLibrary) -> Iterator[tuple[np.ndarray, list[Box]]]:
    """Yield scanned pages in grey, with their words' boxes in the right order."""
    for number in range(count):
        random = np.random.default_rng([seed, number])
        bilevel = bool(random.random() < BILEVEL)
        wide = kind.__name__ == "register" and number % 3 == 0
        sheet = Sheet(*((3508, 2480) if wide else (2480, 3508)), library, random, 1.0, bilevel=bilevel)
        topics = list(TOPICS)
        page = make_page(sheet, SentenceWriter(random, topics[number % len(topics)], int(random.integers(1996, 2021))))
        as_labelled(page)
        kind(page)
        if bilevel:
            file_sheet(page)
        labels = labels_of(sheet, random)
        scanned = scan(sheet.planes, random, sheet.unit, black_and_white=bilevel)
        image = scanned.image if scanned.image.ndim == 2 else cv2.cvtColor(scanned.image, cv2.COLOR_BGR2GRAY)
        height, width = image.shape
        boxes = [box.clipped(width, height) for box in boxes_of(labels, scanned.placement, random, sheet.unit)]
        yield image, [box for box in boxes if box.area]


def order_of(image: np.ndarray, boxes: list[Box], *, ruled: bool = True) -> list[Line]:
    """Find the order on a page."""
    height = typical_height(np.array(boxes, float))
    return lines_of(boxes, find_rules(image, height) if ruled else NO_RULES)


def draw(image: np.ndarray, boxes: list[Box], lines: list[Line]) -> np.ndarray:
    """Draw lines in colours by block, and the way from word to word."""
    picture = cv2.cvtColor(cv2.addWeighted(image, 0.45, np.full_like(image, 255), 0.55, 0), cv2.COLOR_GRAY2BGR)
    colours = ((200, 60, 30), (30, 140, 30), (30, 30, 210), (180, 30, 160), (0, 120, 200))
    before = None
    for number, line in enumerate(lines):
        for word in line.words:
            box, colour = boxes[word], colours[line.block % len(colours)]
            cv2.rectangle(picture, box[:2], box[2:], colour, 2)
            middle = (box.xmin + box.xmax) // 2, (box.ymin + box.ymax) // 2
            if before is not None:
                cv2.arrowedLine(picture, before, middle, (0, 0, 255), 2, cv2.LINE_AA, tipLength=0.04)
            before = middle
        first = boxes[line.words[0]]
        cv2.putText(picture, str(number + 1), (first.xmin, first.ymin), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (0, 0, 0), 2)
    return picture


def _picture(folder: Path | None, name: str, image: np.ndarray, boxes: list[Box], lines: list[Line]) -> None:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imencode(".png", draw(image, boxes, lines))[1].tofile(folder / f"{name}.png")


def measure(pages: int, seed: int, pictures: Path | None, only: list[str]) -> str:
    """Return the table of shares by kind; draw the worst page of each."""
    library = FontLibrary.find(None, "sample")
    kinds: list[Kind] = [kind for kind, _ in (*KINDS, *STARTER_KINDS, *UNSEEN_KINDS)] + [columns, margin, unruled]
    kinds = [kind for kind in kinds if not only or kind.__name__ in only]
    rows, totals = [], np.zeros(4, int)
    for kind in kinds:
        counts, worst = np.zeros(4, int), 2.0
        for image, boxes in rendered(kind, seed, pages, library):
            lines = order_of(image, boxes)
            plain = sorted(range(len(boxes)), key=lambda word: (boxes[word].ymin // 40, boxes[word].xmin))
            found = [[word for line in lines for word in line.words], plain]
            found.append([word for line in order_of(image, boxes, ruled=False) for word in line.words])
            kept = [neighbours_kept(range(len(boxes)), order) for order in found]
            counts += [kept[0][1], *(right for right, _ in kept)]
            if kept[0][1] and kept[0][0] / kept[0][1] < worst:
                worst = kept[0][0] / kept[0][1]
                _picture(pictures, kind.__name__, image, boxes, lines)
        rows.append((kind.__name__, int(counts[0]), *(round(100 * float(n) / counts[0], 1) for n in counts[1:])))
        totals += counts
    rows.append(("all", int(totals[0]), *(round(100 * float(n) / totals[0], 1) for n in totals[1:])))
    return format_table(("Kind", "Words", "right %", "top down %", "without rules %"), rows)


def show(images: Path, pictures: Path) -> None:
    """Read images and draw the order found."""
    from train_easyocr.reading.sources import load_page  # noqa: PLC0415
    from train_easyocr.reading.torch_engine import open_engine  # noqa: PLC0415

    engine = open_engine()
    for path in sorted(path for path in images.rglob("*") if path.suffix.lower() in {".jpg", ".png"}):
        colour, grey = load_page(path)
        boxes = [bounds(shape) for shape in engine.detect(colour)]
        lines = order_of(grey, boxes)
        _picture(pictures, path.stem, grey, boxes, lines)
        print(f"{path}: {len(boxes)} words, {len(lines)} lines")


def main() -> None:
    """Measure, or draw."""
    parser = argparse.ArgumentParser(description="Reading order on pages whose order is known.")
    parser.add_argument("--pages", type=int, default=20, help="pages a kind; default: %(default)s")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", default=[], help="these alone; default: all")
    parser.add_argument("--images", type=Path, metavar="DIR", help="draw the order of these instead")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="where pictures of the order go")
    arguments = parser.parse_args()
    if arguments.images and arguments.pictures:
        show(arguments.images, arguments.pictures)
    else:
        print(measure(arguments.pages, arguments.seed, arguments.pictures, arguments.kinds))


if __name__ == "__main__":
    main()

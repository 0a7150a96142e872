"""Small pages for tests: dark blocks as words, with label files as AI-Hub has them."""

import json

import cv2
import numpy as np

from train_easyocr.documents.page import Box

WORDS = (Box(20, 20, 90, 44), Box(98, 20, 150, 44), Box(158, 22, 230, 43), Box(20, 60, 60, 84), Box(68, 60, 140, 84))


def draw_page(boxes, width=256, height=192, paper=230, ink=40):
    """A grey page with bars like strokes in each box."""
    page = np.full((height, width), paper, np.uint8)
    for box in boxes:
        part = page[box.ymin : box.ymax, box.xmin : box.xmax]
        part[:, ::6] = part[:, 1::6] = ink
        part[:3] = part[-3:] = part[:, -2:] = ink
    return page


def annotation(number, box, text):
    """An entry of a label file."""
    return {
        "id": number,
        "annotation.type": "rectangle",
        "annotation.text": text,
        "annotation.ttype": "textType1",
        "annotation.bbox": [box.xmin, box.ymin, box.xmax - box.xmin, box.ymax - box.ymin],
    }


def write_page(folder, name, boxes=WORDS, texts=None, page=None):
    """Write a page's image and label file below `folder`."""
    page = draw_page(boxes) if page is None else page
    texts = ["단어"] * len(boxes) if texts is None else texts
    image, label = folder / "images" / f"{name}.png", folder / "labels" / f"{name}.json"
    for path in (image, label):
        path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(image), page)
    about = {"image.category": "인.허가", "image.width": page.shape[1], "image.height": page.shape[0]}
    annotations = [annotation(n, box, text) for n, (box, text) in enumerate(zip(boxes, texts, strict=True))]
    label.write_text(json.dumps({"images": [about], "annotations": annotations}, ensure_ascii=False))

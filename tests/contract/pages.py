"""Pages and words for these tests: exact integers from fixed seeds, no font and no lossy format, anywhere the same."""

import json
import zipfile

import cv2
import numpy as np

SYLLABLES = "가나다라마바사"
WORDS = ("가나", "다라마", "바사", "가", "나다라", "마바사가", "사바", "라마", "다", "나가다", "바다", "사라마바")
SIZE = (420, 300)
"""Of a page, width and height."""


class Cp949Name(zipfile.ZipInfo):
    """A member's name as AI-Hub's archives have it: CP949 bytes, no UTF-8 flag."""

    def _encodeFilenameFlags(self):  # noqa: N802
        return self.filename.encode("cp949"), self.flag_bits


def glyph(character):
    """Return a character's shape, black on white [24, 20]: a pattern of 4 x 6 blocks by its number in Unicode."""
    pattern = np.random.default_rng(ord(character)).integers(0, 2, (6, 4), dtype=np.uint8)
    return np.kron(pattern * 215 + 20, np.ones((4, 5), np.uint8))


def word(text):
    """Return a word's picture, grey [32, w]: its characters side by side, some white around them."""
    letters = np.hstack([np.pad(glyph(character), ((4, 4), (1, 1)), constant_values=255) for character in text])
    return np.pad(letters, ((0, 0), (5, 5)), constant_values=255)


def page(number):
    """Return a page, grey, and its words as (x, y, width, height, text), the first of them beyond the edge."""
    width, height = SIZE
    generator = np.random.default_rng([number, 7])
    image = np.full((height, width), 255, np.uint8)
    words = []
    for row in range(6):
        x, y = 6 + 4 * (number % 3), 10 + 46 * row
        while True:
            text = WORDS[int(generator.integers(len(WORDS)))]
            picture = word(text)
            if x + picture.shape[1] > width:
                break
            image[y : y + 32, x : x + picture.shape[1]] = picture
            words.append((x, y, picture.shape[1], 32, text))
            x += picture.shape[1] + 9
    x, y, w, h, text = words[0]
    words[0] = (-4, y, w + x + 4, h, text)
    return image - generator.integers(0, 12, image.shape, dtype=np.uint8) * (image > 100), words


def category_of(number):
    """Return the category of a page."""
    return ("인.허가", "주민복지")[number % 2]


def label(words, category="인.허가"):
    """Return a label file's bytes, as AI-Hub has them."""
    about = {"image.category": category, "image.width": SIZE[0], "image.height": SIZE[1]}
    annotations = [
        {"id": number, "annotation.type": "rectangle", "annotation.text": text, "annotation.ttype": "textType1",
         "annotation.bbox": [x, y, width, height]}
        for number, (x, y, width, height, text) in enumerate(words, 1)
    ]  # fmt: skip
    return json.dumps({"images": [about], "annotations": annotations}, ensure_ascii=False).encode()


def name_of(number):
    """Return a page's name in a data set, folders included."""
    return f"{category_of(number)}/5350109/2001/5350109-2001-0001-{number:04d}"


def png(image):
    """Return an image as PNG."""
    return cv2.imencode(".png", image)[1].tobytes()


def write_folder(folder, numbers):
    """Write pages and label files to `folder`/images and `folder`/labels; return the folder."""
    for number in numbers:
        image, words = page(number)
        for kind, suffix, content in (
            ("images", ".png", png(image)),
            ("labels", ".json", label(words, category_of(number))),
        ):
            path = folder / kind / (name_of(number) + suffix)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return folder


def write_download(folder, training=6, validation=5):
    """Write a download as AI-Hub ships it: archives of images and of labels for both splits; return its folder.

    The labels hold what real ones do beside plain words: an empty text, a box without a size, quotes and commas.
    """
    for split, numbers in (("Training", range(training)), ("Validation", range(100, 100 + validation))):
        (folder / split).mkdir(parents=True)
        for kind, top in (("원천", "01.원천데이터(Jpg)"), ("라벨", "02.라벨링데이터(Json)")):
            part = "1" if kind == "원천" else ""
            with zipfile.ZipFile(folder / split / f"[{kind}]{split.lower()}{part}.zip", "w") as archive:
                for number in numbers:
                    image, words = page(number)
                    words += [(50, 60, 40, 20, ""), (10, 10, 0, 5, "가"), (200, 150, 70, 30, '"다", 라')]
                    suffix, content = (
                        (".png", png(image)) if kind == "원천" else (".json", label(words, category_of(number)))
                    )
                    name = f"{top}/{name_of(number)}{suffix}"
                    archive.writestr(Cp949Name(name, (2020, 12, 16, 0, 0, 0)), content)
    return folder

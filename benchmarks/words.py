"""Speed of words on demand, beside the plain way: the word drawn by Pillow at its size, every defect over float arrays.

    python3 -m benchmarks.words [--words 5000]

Both print the same texts in the same faces. Seconds are of one core, which a busy machine hardly blurs. The first words
of a process are slower, until the glyphs of its faces are kept; both figures are shown.
"""

from __future__ import annotations

import argparse
import resource
import time

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from benchmarks.results import Row, report
from train_easyocr.datasets.png import encode_png
from train_easyocr.synthesis.rendered_words import Recipe, RenderedWords, unified
from train_easyocr.synthesis.word_patches import Patch, Typeface, draw_size
from train_easyocr.weights.characters import CharacterSet


def plain_word(text: str, typeface: Typeface, random: np.random.Generator) -> Patch:
    """A word as one draws it without further thought: Pillow, then light, blur, noise and JPEG."""
    size = draw_size(random)
    font = typeface.face.font(size)
    left, top, right, bottom = (int(value) for value in font.getbbox(text))
    image = Image.new("L", (right - left + 8, bottom - top + 8), int(random.integers(200, 255)))
    ImageDraw.Draw(image).text((4 - left, 4 - top), text, font=font, fill=int(random.integers(0, 120)))
    image = image.rotate(random.normal(0, 0.8), resample=Image.Resampling.BICUBIC, fillcolor=220)
    image = image.filter(ImageFilter.GaussianBlur(random.uniform(0.4, 1.3)))
    pixels = np.asarray(image, dtype=np.float64)
    pixels *= np.linspace(random.uniform(0.7, 1), 1, pixels.shape[1])
    pixels += random.normal(0, random.uniform(1, 12), pixels.shape)
    encoded = cv2.imencode(".jpg", pixels.clip(0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 70])[1]
    return cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)


def seconds(words: RenderedWords, numbers: range, *, plain: bool) -> float:
    """Seconds of this core for some words, PNG included."""
    start = time.process_time()
    for number in numbers:
        if plain:
            random = np.random.default_rng([words.seed, number])
            text = words.texts.text(number, random)
            encode_png(plain_word(text, words.renderer.choose(text, random), random))
        else:
            encode_png(words.word(number)[1])
    return time.process_time() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Speed of words on demand.")
    parser.add_argument("--words", type=int, default=5000)
    count = parser.parse_args().words
    cv2.setNumThreads(1)
    characters = unified(CharacterSet.from_setting("korean_documents").characters)
    start = time.process_time()
    words, _ = Recipe(1111, "mixed", characters, "all").prepare()
    ready = time.process_time() - start
    first = seconds(words, range(count), plain=False)
    for typeface in words.renderer.faces:
        for sign in typeface.signs:
            typeface.glyph(sign)
    later = seconds(words, range(count, 2 * count), plain=False)
    plain = seconds(words, range(count // 5), plain=True) * 5
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    faces = len(words.renderer.faces)
    note = f"{faces} faces; ready after {ready:.1f} s"
    report(
        [
            Row("first words of a process", count / plain, count / first, "words/s", note=note),
            Row("words once all glyphs are kept", count / plain, count / later, "words/s", memory_mib=memory),
        ]
    )


if __name__ == "__main__":
    main()

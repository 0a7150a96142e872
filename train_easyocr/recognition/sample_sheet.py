"""A picture of what the network sees: words as they are in the data sets, and as training batches show them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from train_easyocr.common.errors import UserError
from train_easyocr.common.files import replacing
from train_easyocr.datasets.data import WordSet
from train_easyocr.datasets.images import Pixels
from train_easyocr.datasets.sampling import BatchPlan
from train_easyocr.recognition.batches import training_batches
from train_easyocr.recognition.validation import visible
from train_easyocr.settings.parts import WordTrainingSettings
from train_easyocr.synthesis.fonts import load_font, packaged_folder

SHEET = "samples.png"
COLUMNS = 3
GAP, CAPTION = 8, 20
"""Pixels between pictures, and of the line under them."""
GROUND, FRAME = 232, 160


@dataclass(frozen=True)
class SeenWord:
    """A word as it is and as the network sees it, both at the network's height, and the line under them."""

    label: str
    patch: Pixels
    seen: Pixels


def write_sample_sheet(
    path: Path, sets: Sequence[WordSet], plan: BatchPlan, config: WordTrainingSettings, *, count: int, steps: range
) -> None:
    """Draw the first words of training, each beside what its batch shows of it, the label below.

    Args:
        path: The PNG to write.
        sets: The training sets.
        plan: The words of each step.
        config: The settings.
        count: How many words; no more are drawn than these steps have.
        steps: Those of the run.

    Raises:
        UserError: A patch can't be read.
        UserError: The package koreanize-matplotlib, whose NanumGothic writes the labels, is not there.
    """
    words = [word for word, _ in zip(_seen_words(sets, plan, config, steps), range(count), strict=False)]
    draw_sheet(path, words, config.img_height)


def draw_sheet(path: Path, words: Sequence[SeenWord], img_height: int) -> None:
    """Draw words in `COLUMNS` columns.

    Args:
        path: The PNG to write.
        words: One at least.
        img_height: Of all pictures, in pixels.

    Raises:
        UserError: The package koreanize-matplotlib, whose NanumGothic writes the labels, is not there.
    """
    font = _font()
    rows = [words[first : first + COLUMNS] for first in range(0, len(words), COLUMNS)]
    width = 2 * max(max(word.patch.shape[1], word.seen.shape[1]) for word in words) + GAP
    width = max(width, *(round(font.getlength(visible(word.label))) for word in words))
    height = img_height + CAPTION
    size = (COLUMNS * (width + 2 * GAP) + GAP, len(rows) * (height + 2 * GAP) + GAP)
    sheet = Image.new("RGB", size, (GROUND,) * 3)
    for row, members in enumerate(rows):
        for column, word in enumerate(members):
            place = (GAP + column * (width + 2 * GAP), GAP + row * (height + 2 * GAP))
            _draw(sheet, place, word, width, font)
    with replacing(path) as temporary:
        sheet.save(temporary, format="PNG")


def _seen_words(
    sets: Sequence[WordSet], plan: BatchPlan, config: WordTrainingSettings, steps: range
) -> Iterator[SeenWord]:
    plain = config.model_copy(update={"augmentation": "off", "augmentation_of_sets": ""})
    for batch, original in zip(
        *(training_batches(sets, plan, each, steps, pin_memory=False) for each in (config, plain)), strict=True
    ):
        for label, seen, patch in zip(batch.labels, batch.images, original.images, strict=True):
            yield SeenWord(label, _pixels(patch.numpy()), _pixels(seen.numpy()))


def _pixels(image: Pixels) -> Pixels:
    """Turn [C, H, W] into [H, W] or [H, W, 3]."""
    return image[0] if len(image) == 1 else np.moveaxis(image, 0, -1)


def _font() -> ImageFont.FreeTypeFont:
    folder = packaged_folder()
    if folder is None:
        raise UserError("the package koreanize-matplotlib is not installed; run step1_set_environment.sh")
    return load_font(folder / "NanumGothic.ttf", 0, CAPTION - 6)


def _draw(sheet: Image.Image, place: tuple[int, int], word: SeenWord, width: int, font: ImageFont.FreeTypeFont) -> None:
    left, top = place
    draw = ImageDraw.Draw(sheet)
    for number, pixels in enumerate((word.patch, word.seen)):
        x = left + number * (width + GAP) // 2
        sheet.paste(Image.fromarray(np.ascontiguousarray(pixels)), (x, top))
        draw.rectangle((x - 1, top - 1, x + pixels.shape[1], top + pixels.shape[0]), outline=(FRAME,) * 3)
    draw.text((left, top + word.patch.shape[0] + 2), visible(word.label), font=font, fill=(0, 0, 0))

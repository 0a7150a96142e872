"""A page as it is scanned and as it was read, side by side: the picture in README.

python3 -m train_easyocr.read page.jpg --format json > page.json
python3 -m benchmarks.page_picture page.jpg page.json docs/images/page.png
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from train_easyocr.synthesis.fonts import packaged_folder

BLUE, FRAME = (0, 70, 160), (120, 160, 220)


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python3 -m benchmarks.page_picture", description=__doc__.splitlines()[0])
    parser.add_argument("page", type=Path)
    parser.add_argument("words", type=Path, help="what `read --format json` wrote of it")
    parser.add_argument("picture", type=Path, help="the PNG file to be written")
    parser.add_argument("--part", type=float, default=0.6, help="of its height, from the top; default: %(default)s")
    parser.add_argument("--width", type=int, default=1600, help="of the picture in pixels; default: %(default)s")
    return parser.parse_args(arguments)


def as_read(size: tuple[int, int], words: Sequence[dict[str, Any]]) -> Image.Image:
    """Return a white page on which each word stands in its box, as large as the box lets it."""
    folder = packaged_folder()
    assert folder is not None, "step 1 installs koreanize-matplotlib, which brings the face"
    page = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(page)
    for word in words:
        left, top, right, bottom = word["box"]
        draw.rectangle((left, top, right, bottom), outline=FRAME, width=2)
        font = ImageFont.truetype(folder / "NanumGothic.ttf", max(8, round(0.8 * (bottom - top))))
        wide = font.getlength(word["text"])
        if wide > right - left:
            font = font.font_variant(size=max(8, int(font.size * (right - left) / wide)))
        draw.text(((left + right) / 2, (top + bottom) / 2), word["text"], BLUE, font, anchor="mm")
    return page


def main() -> None:
    """Draw the picture."""
    args = parse_args()
    scan = Image.open(args.page).convert("RGB")
    [page] = json.loads(args.words.read_text(encoding="utf-8"))["pages"]
    both = Image.new("RGB", (2 * scan.width + 20, round(args.part * scan.height)), "grey")
    both.paste(scan, (0, 0))
    both.paste(as_read(scan.size, page["words"]), (scan.width + 20, 0))
    both.thumbnail((args.width, args.width))
    args.picture.parent.mkdir(parents=True, exist_ok=True)
    both.convert("P", palette=Image.Palette.ADAPTIVE, colors=128).save(args.picture, optimize=True)


if __name__ == "__main__":
    main()

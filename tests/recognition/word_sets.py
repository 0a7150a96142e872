"""Small prepared sets of rendered Hangul words, as step 2 writes them."""

import csv
import importlib.util
from functools import lru_cache
from pathlib import Path

import cv2
import lmdb
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from train_easyocr.settings.config import check_config

SYLLABLES = "가나다라마바사"
WORDS = ["가나", "다라마", "바사", "가", "나다라", "마바사가", "사바", "라마", "다", "나가다", "바다", "사라마바"]


@lru_cache
def font(size):
    folder = Path(importlib.util.find_spec("koreanize_matplotlib").origin).parent / "fonts"
    return ImageFont.truetype(str(folder / "NanumGothicBold.ttf"), size)


def render(text, height=32, noise=0):
    """A word in black on white, as tall as asked for and as wide as it needs; grey, uint8."""
    letters = font(height - 6)
    width = max(8, int(letters.getlength(text)) + 6)
    image = Image.new("L", (width, height), 255)
    ImageDraw.Draw(image).text((3, -1), text, font=letters, fill=0)
    pixels = np.asarray(image).astype(int)
    spread = np.random.default_rng(noise).integers(-20, 21, pixels.shape)
    return np.clip(pixels + spread, 0, 255).astype(np.uint8)


def write_set(folder, labels, form="png", name="{stem}_{left}-10-{right}-{bottom}.png", patches=None):
    """Write labels.csv and the patches of `labels` in either form; return the patches."""
    if patches is None:
        patches = [render(label or " ", noise=number) for number, label in enumerate(labels)]
    folder.mkdir(parents=True)
    rows = [["filename", "words"]]
    encoded = []
    for number, (label, patch) in enumerate(zip(labels, patches, strict=True)):
        height, width = patch.shape[:2]
        file = name.format(stem=f"5350109-2001-0001-{number:04d}", left=20, right=20 + width, bottom=10 + height)
        rows.append([file, label])
        encoded.append(cv2.imencode(".png", patch)[1].tobytes())
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    if form == "png":
        (folder / "images").mkdir()
        for (file, _), content in zip(rows[1:], encoded, strict=True):
            (folder / "images" / file).write_bytes(content)
    else:
        write_lmdb(folder / "lmdb", labels, encoded)
    return patches


def write_lmdb(folder, labels, encoded):
    database = lmdb.open(str(folder), map_size=1 << 28)
    with database.begin(write=True) as transaction:
        transaction.put(b"num-samples", str(len(labels)).encode())
        for number, (label, content) in enumerate(zip(labels, encoded, strict=True), 1):
            transaction.put(f"image-{number:09d}".encode(), content)
            transaction.put(f"label-{number:09d}".encode(), label.encode())
    database.close()


TINY = {
    "character": SYLLABLES,
    "img_height": 32,
    "img_width": 128,
    "batch_max_length": 8,
    "batch_size": 4,
    "workers": 0,
    "output_channel": 16,
    "hidden_size": 16,
    "num_fiducial": 4,
    "continue_from": "",
    "n_iter": 12,
    "val_period": 4,
    "save_period": 100,
    "lr": 0.001,
    "precision": "fp32",
    "augmentation": "off",
}
"""Settings of a model that trains in seconds."""


def tiny_config(folder=None, **settings):
    """Settings of a tiny model; with a folder, of a run on the sets below `folder`/training and /validation."""
    places = {}
    if folder is not None:
        places = {
            "output": str(folder),
            "train_data": "training",
            "val_data": "validation",
            "saved_models": str(folder / "saved_models"),
            "experiment_name": "시험",
        }
    return check_config(TINY | places | settings)

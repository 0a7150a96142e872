"""Small evaluation sets and a small fine-tuned model, as steps 2 and 4 leave them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import torch
import yaml
from easyocr.model.vgg_model import Model

CHARACTERS = "가나다라마바사아자차카타파하경남김해시 0123456789·ABC"
NETWORK = {"input_channel": 1, "output_channel": 16, "hidden_size": 16}


def install_finetuned(folder, *, characters=CHARACTERS, img_height=64, lang_list=("ko", "en"), seed=0, rename=str):
    """Put finetuned.pth, finetuned.yaml and finetuned.py below `folder`, as step 4 does; `rename` changes the keys."""
    for name in ("model", "user_network"):
        (Path(folder) / name).mkdir(parents=True, exist_ok=True)
    settings = {
        "imgH": img_height,
        "lang_list": list(lang_list),
        "character_list": characters,
        "network_params": NETWORK,
    }
    network = Path(folder) / "user_network"
    (network / "finetuned.yaml").write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    (network / "finetuned.py").write_text("from easyocr.model.vgg_model import Model\n", encoding="utf-8")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Model(num_class=len(characters) + 1, **NETWORK)
        for parameter in model.parameters():
            if parameter.dim() > 1:
                torch.nn.init.kaiming_normal_(parameter)
    state = {rename(f"module.{key}"): value for key, value in model.state_dict().items()}
    torch.save(state, Path(folder) / "model" / "finetuned.pth")


def draw_page(seed=0, width=360, height=260):
    """Return a grey page [h, w] with strokes that differ from place to place."""
    state = np.random.default_rng(seed)
    page = np.full((height, width), 255, np.uint8)
    for _ in range(width * height // 150):
        x, y = int(state.integers(0, width)), int(state.integers(0, height))
        end = (x + int(state.integers(-12, 13)), y + int(state.integers(-12, 13)))
        cv2.line(page, (x, y), end, int(state.integers(0, 120)), int(state.integers(1, 3)))
    return page


def write_page(eval_set, name, words, *, category="인.허가", seed=0, page=None, suffix=".png"):
    """Write an image and its label file into an evaluation set.

    Args:
        eval_set: The set's folder.
        name: The page's name, folders included.
        words: (x, y, width, height, text) of each.
    """
    page = draw_page(seed) if page is None else page
    image = Path(eval_set) / "images" / f"{name}{suffix}"
    label = Path(eval_set) / "labels" / f"{name}.json"
    for path in (image, label):
        path.parent.mkdir(parents=True, exist_ok=True)
    image.write_bytes(cv2.imencode(suffix, page)[1].tobytes())
    content = {
        "images": [
            {"image.category": category, "image.width": page.shape[1], "image.height": page.shape[0]},
        ],
        "annotations": [
            {"id": number, "annotation.type": "rectangle", "annotation.text": text, "annotation.bbox": [x, y, w, h]}
            for number, (x, y, w, h, text) in enumerate(words)
        ],
    }
    label.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return image, label


WORDS = [
    (10, 12, 80, 30, "도로점용"),
    (110, 14, 90, 28, "경남 김해시"),
    (-4, 60, 60, 30, "가나"),
    (70, 60, 20, 70, "지시"),
    (320, 200, 60, 30, "다라"),
]


def write_set(eval_set, pages=4):
    """Write an evaluation set of small pages in two categories."""
    for number in range(pages):
        category = ("인.허가", "주민복지")[number % 2]
        name = f"{category}/5350109/2001/5350109-2001-0001-{number:04d}"
        write_page(eval_set, name, WORDS[: 2 + number % 4], category=category, seed=number)
    return Path(eval_set)

"""Weights with something wrong, and the refusal of them."""

import json

import pytest

from train_easyocr.common.errors import UserError
from train_easyocr.common.files import sha256
from train_easyocr.delivery.install import install


def change_card(weights, **changes):
    path = weights.with_suffix(".json")
    card = json.loads(path.read_text(encoding="utf-8"))
    for key, value in changes.items():
        if isinstance(value, dict):
            card[key].update(value)
        else:
            card[key] = value
    card["weights_sha256"] = sha256(weights)
    path.write_text(json.dumps(card, ensure_ascii=False), encoding="utf-8")


def refused(weights, config, home, match):
    with pytest.raises(UserError, match=match):
        install(weights, config)
    assert not any(path.is_file() for path in home.rglob("*")), "nothing was installed"

"""What a user is told about installed models: their detectors, their files, how to read with them, and a list."""

from __future__ import annotations

from collections.abc import Sequence

from train_easyocr.common.errors import WeightsError
from train_easyocr.common.text import format_table
from train_easyocr.delivery.archive import ModelAtHand
from train_easyocr.detection.settings import plain_usage, read_settings
from train_easyocr.weights.bundle import EASYOCR
from train_easyocr.weights.model_files import Place


def describe_detector(place: Place) -> str:
    """Return in a word or two which detector a model is installed with."""
    if not place.detection_settings.is_file():
        return "EasyOCR's"
    try:
        settings = read_settings(place.detection_settings)
    except WeightsError:
        return "broken"
    return "EasyOCR's, tuned" if settings.weights_sha256 == EASYOCR else settings.network


def describe_place(place: Place) -> str:
    """Return the tree of the installed files and the lines of Python that use them."""
    root = place.model.parent
    custom = place.user_network.parent != root
    there = [path.name for path in place.detector_files if path.is_file()]
    names = [place.weights.name, *(name for name in there if not name.endswith(".json"))]
    model = "\n".join(f"│   {'└' if name == names[-1] else '├'}── {name}" for name in names)
    return f"""{place.model if custom else root}
├── model
{model}
└── user_network
    ├── {place.network.name}
    └── {place.settings.name}

{usage(place)}"""


def usage(place: Place) -> str:
    """Return the lines of Python that read a page with the installed model and its detector."""
    return plain_usage(read_settings(place.detection_settings) if place.detection_settings.is_file() else None) or (
        "import easyocr\n"
        "from train_easyocr.detection.installed import use_installed_detector\n"
        "reader = use_installed_detector(easyocr.Reader(['ko', 'en'], recog_network='finetuned', detector=False))\n"
        "print(reader.readtext('page.jpg'))"
    )


def list_models(models: Sequence[ModelAtHand]) -> str:
    """Return a table of models."""
    rows = [
        [
            name,
            "yes" if installed else "",
            card.iteration if card else "-",
            f"{card.validation.accuracy:.2f}" if card else "-",
            f"{card.validation.norm_ed:.4f}" if card else "-",
            describe_detector(place),
        ]
        for name, place, card, installed in models
    ]
    header = ["name", "installed", "iteration", "accuracy", "norm_ED", "detector"]
    return format_table(header, rows) if rows else "no model is installed"

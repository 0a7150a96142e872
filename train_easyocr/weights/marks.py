"""Weights under a name: `evaluate.py --mark NAME` keeps a copy, and NAME stands for it where weights are asked for.

<saved_models>/marked/NAME/recognizer.pth, .json      the recognizer and its card
detector.pth, .json        the detector that was installed with it, if one was
detection_settings.yaml    its settings; alone where it is EasyOCR's detector
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from train_easyocr.common.files import replacing

FOLDER = "marked"
RECOGNIZER, DETECTOR, SETTINGS = "recognizer.pth", "detector.pth", "detection_settings.yaml"

_NAME = re.compile(r"[^\W_][\w.+-]{0,60}")


def is_name(name: str) -> bool:
    """Tell whether a mark can have this name; a number and `last` mean evaluations."""
    return bool(_NAME.fullmatch(name)) and name != "last" and not name.isdigit()


def keep(name: str, saved_models: Path, weights: Path, detector: Path | None, settings: Path | None) -> Path:
    """Copy weights and their cards; those of that name before are replaced.

    Args:
        name: As `is_name` allows it.
        saved_models: The folder of all experiments.
        weights: The recognizer's.
        detector: Its detector's weights, if it has some of its own.
        settings: The detector's settings, if there are any.

    Returns:
        The copy of the recognizer's weights.

    Raises:
        OSError: They can't be copied.
    """
    folder = saved_models / FOLDER / name
    wanted = {RECOGNIZER: weights, DETECTOR: detector, SETTINGS: settings}
    for original, copy in ((original, folder / called) for called, original in wanted.items()):
        cards = (original and original.with_suffix(".json"), copy.with_suffix(".json"))
        for source, target in ((original, copy), cards):
            if source is not None and source.is_file():
                with replacing(target) as temporary:
                    shutil.copyfile(source, temporary)
            else:
                target.unlink(missing_ok=True)
    return folder / RECOGNIZER


def marked_recognizer(name: str, saved_models: Path) -> Path | None:
    """Return the recognizer's weights of a mark; None where there is no such mark."""
    return _kept(name, saved_models, RECOGNIZER)


def marked_detector(name: str, saved_models: Path) -> Path | None:
    """Return the detector's weights of a mark; None where there is no such mark, or none of its own."""
    return _kept(name, saved_models, DETECTOR)


def marked_settings(name: str, saved_models: Path) -> Path | None:
    """Return the detector's settings of a mark; None where there is no such mark, or it has none."""
    return _kept(name, saved_models, SETTINGS)


def _kept(name: str, saved_models: Path, what: str) -> Path | None:
    path = saved_models / FOLDER / name / what
    return path if is_name(name) and path.is_file() else None

"""A detector's files on their way to be installed, and a page of words to try it on."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from train_easyocr.common.files import replacing
from train_easyocr.detection.opening import open_word_detector, settings_of
from train_easyocr.detection.parameters import WORDS, CraftParameters
from train_easyocr.detection.settings import DetectionSettings, read_settings, save_settings, settings_for
from train_easyocr.weights.bundle import EASYOCR, INSTALLED, Bundle, Weights, in_place
from train_easyocr.weights.checkpoints import card_path
from train_easyocr.weights.model_files import Place

Image = NDArray[np.uint8]
GAP = 30
"""Pixels between the words of a sheet."""


def stage_detection(detector: Bundle | None, settings: Path | None, installed: Place, staged: Place) -> None:
    """Write a detector's files to `staged`: what is asked for, or else what is installed.

    Args:
        detector: The bundle that holds it: `easyocr` stands for EasyOCR's own detector as it comes, `craft` for the
            same with a box a word.
        settings: Its settings; None takes those that it has in its bundle, or that its weights came with.
        installed: What is installed now.
        staged: Where to write to.

    Raises:
        UsageError: The bundle has no detector.
        WeightsError: Weights or settings can't be used, or don't belong together.
    """
    settings = settings or (detector.settings if detector is not None else None)
    chosen = read_settings(settings) if settings is not None else None
    if detector is None:
        if chosen is None:
            for original, copy in zip(installed.detector_files, staged.detector_files, strict=True):
                copy_or_remove(original, copy)
            return
        easyocrs = chosen.weights_sha256 == EASYOCR
        detector = Bundle(EASYOCR) if easyocrs else Bundle(INSTALLED, detector=installed.detector)
    if detector.name != EASYOCR:
        _stage_weights(detector.part("detector", "--detector"), chosen, staged)
    elif chosen is not None:
        save_settings(staged.detection_settings, chosen)
    settings_of(in_place("", staged) or Bundle(""))


def _stage_weights(weights: Weights, chosen: DetectionSettings | None, staged: Place) -> None:
    opened = open_word_detector(weights)
    if isinstance(weights, Path):  # EasyOCR's own lie where they are
        copy_or_remove(weights, staged.detector)
        copy_or_remove(card_path(weights), card_path(staged.detector))
    parameters = opened.detector.parameters
    if parameters == CraftParameters():
        parameters = WORDS  # weights without a card bring EasyOCR's, which join the words of a line
    save_settings(staged.detection_settings, chosen or settings_for(opened.network, opened.weights_sha256, parameters))


def copy_or_remove(original: Path, copy: Path) -> None:
    """Make `copy` what `original` is: the same file, or none."""
    if original.is_file():
        with replacing(copy) as temporary:
            shutil.copyfile(original, temporary)
    else:
        copy.unlink(missing_ok=True)


def sheet_of(patches: Sequence[Image], width: int = 1200) -> Image:
    """Return a page with grey words in lines, uint8 [h, width, 3]; what is wider than the page is cut."""
    lines: list[list[Image]] = [[]]
    for patch in patches:
        if lines[-1] and sum(one.shape[1] + GAP for one in lines[-1]) + patch.shape[1] > width - 2 * GAP:
            lines.append([])
        lines[-1].append(patch[:, : width - 2 * GAP])
    heights = [max((one.shape[0] for one in line), default=0) + GAP for line in lines]
    sheet = np.full((sum(heights) + GAP, width), 255, np.uint8)
    y = GAP
    for line, height in zip(lines, heights, strict=True):
        x = GAP
        for one in line:
            sheet[y : y + one.shape[0], x : x + one.shape[1]] = one
            x += one.shape[1] + GAP
        y += height
    return np.stack([sheet] * 3, axis=-1)

"""The proof that EasyOCR reads with a model as it was trained, and finds words as its detector does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train_easyocr.common.errors import UserError
from train_easyocr.common.text import format_table
from train_easyocr.delivery.staging import sheet_of
from train_easyocr.detection.opening import open_detector_of
from train_easyocr.documents import Box
from train_easyocr.reading.reader import open_finetuned
from train_easyocr.recognition.validation import read_as_trained
from train_easyocr.weights.bundle import in_place
from train_easyocr.weights.checkpoints import WeightsCard
from train_easyocr.weights.model_files import Place

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class PatchReading:
    """One validation patch, read both ways."""

    name: str
    label: str
    trained: str
    easyocr: str


def read_both_ways(place: Place, patches: Sequence[tuple[str, str, Image]]) -> list[PatchReading]:
    """Read patches through the training code and through EasyOCR's `Reader` with the files of `place`.

    Args:
        place: A model's files, its card among them.
        patches: Name, label and grey image (uint8, height x width) of each patch.

    Raises:
        WeightsError: Weights or card can't be used, or EasyOCR can't read with them.
    """
    images = [image for _, _, image in patches]
    trained = read_as_trained(place.weights, images)
    # In float32: int8 rounds, and what it reads differently says nothing about a wrong installation.
    texts = read_in_easyocr(place, images, quantize=False)
    return [
        PatchReading(name, label, text, other)
        for (name, label, _), text, other in zip(patches, trained, texts, strict=True)
    ]


def read_in_easyocr(place: Place, images: Sequence[Image], *, quantize: bool) -> list[str]:
    """Read grey images of words, uint8 [height, width] each, through EasyOCR's `Reader` with the files of `place`.

    Args:
        place: A model's files.
        images: The words.
        quantize: Let EasyOCR turn LSTMs and linear layers into int8, as it does on a CPU unless told otherwise.

    Raises:
        WeightsError: EasyOCR can't read with the files.
    """
    with place.as_easyocr_sees_it():
        reader = open_finetuned(quantize=quantize)
        # Without the second try at low confidence, which is not the network's doing.
        return [reader.recognize(image, [Box(0, 0, *image.shape[::-1])], contrast_ths=0.0)[0][0] for image in images]


def check_readings(readings: Sequence[PatchReading], card: WeightsCard, *, same_patches: bool) -> None:
    """Let only a model pass that EasyOCR reads as trained.

    Equal texts show that EasyOCR got the network, the weights and the input size right. Characters could still be
    swapped in the card, from which both ways take them; then neither reads what the labels say, so the share of right
    words is held against the accuracy that was measured in training.

    Args:
        readings: Validation patches, read both ways.
        card: What the weights are.
        same_patches: The patches are from the sets that the accuracy in the card was measured on.

    Raises:
        UserError: The texts differ, or the accuracy is far below the card's.
    """
    different = [reading for reading in readings if reading.trained != reading.easyocr]
    if different:
        table = format_table(
            ["patch", "training code", "EasyOCR"], [[r.name, r.trained, r.easyocr] for r in different[:10]]
        )
        raise UserError(
            f"EasyOCR reads {len(different)} of {len(readings)} validation patches otherwise than training does:\n"
            f"{table}"
        )
    if not same_patches or not card.sensitive:
        return
    expected = card.validation.accuracy / 100
    accuracy = sum(reading.trained == reading.label for reading in readings) / len(readings)
    # Four standard errors of a share measured on so many words, and half a per cent for the words left out of training.
    tolerance = 4 * math.sqrt(max(expected * (1 - expected), 0.01) / len(readings)) + 0.005
    if accuracy < expected - tolerance:
        raise UserError(
            f"the weights read {accuracy:.1%} of {len(readings)} validation patches right, but {expected:.1%} in "
            "training: the card's characters, image height or network are not those of the training"
        )


def report_int8(place: Place, patches: Sequence[tuple[str, str, Image]], exact: Sequence[PatchReading]) -> None:
    """Say how many patches EasyOCR reads otherwise in int8 than it did in float32, `exact`."""
    quantized = read_in_easyocr(place, [image for _, _, image in patches], quantize=True)
    different = sum(reading.easyocr != text for reading, text in zip(exact, quantized, strict=True))
    print(
        f"step 4: in int8, EasyOCR's default on a CPU, {different} of {len(exact)} read otherwise"
        + ("; Reader(..., quantize=False) reads as trained" if different else "")
    )


def check_detection(staged: Place, patches: Sequence[Image]) -> None:
    """Let only a detector pass that finds the same words in a `Reader` of EasyOCR as by itself.

    Args:
        staged: The files of a model, a detector's among them; without, there is nothing to check.
        patches: Words, of which a sheet is made.

    Raises:
        UserError: It can't be used, or finds something else.
    """
    bundle = in_place("", staged)
    if bundle is None or bundle.detector is None:
        print(
            "step 4: words are found by EasyOCR's own detector, with its own settings, which join the words of a line; "
            "--detector starter takes this project's, which finds single words"
        )
        return
    sheet = sheet_of(patches[:60])
    alone = open_detector_of(bundle).detector
    expected = alone.boxes(alone.score_maps(sheet))
    with staged.as_easyocr_sees_it():
        found = open_finetuned(detector=True, quantize=False).detect(sheet)
    if sorted(found) != sorted(expected):
        raise UserError(
            f"the detector finds {len(expected)} boxes on a sheet, and through EasyOCR {len(found)} that are not the "
            "same"
        )
    print(f"step 4: the detector finds {len(found)} boxes on a sheet of {len(patches[:60])} words, the same in EasyOCR")

"""What a trainer should be told of its data and its course, with what to do about it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from train_easyocr.common.text import VARIANTS_SUM
from train_easyocr.datasets.data import WordSet, generator
from train_easyocr.datasets.prepared_set import MANIFEST, read_manifest
from train_easyocr.recognition.validation import Validation
from train_easyocr.settings.parts import WordSettings

FEW_WORDS = 5_000
"""Below so many words, fine-tuning learns them by heart rather than how to read, as users of other OCR found."""
SAMPLE, LEAST_SAMPLE = 500, 50
"""Training words that a validation reads at most; fewer than the latter would say nothing."""
SAMPLE_SHARE = 10
"""The sample is one in so many of the words that are validated, so that it costs little time."""
OVER_FITTING = 5.0
"""Points of accuracy between training and validation that are worth a remark."""
EXAMPLES = 5
"""Purpose of a random generator: the training words that a validation reads."""


def describe_concerns(training: Sequence[WordSet], config: WordSettings) -> str:
    """Return what is doubtful about the training sets, a line each; nothing where they are as they should be."""
    return "\n".join(f"Note: {text}" for text in _concerns(training, config))


def _concerns(training: Sequence[WordSet], config: WordSettings) -> list[str]:
    return [*_other_signs(training, config), *_few_words(training), *_wide_words(training, config)]


def _other_signs(training: Sequence[WordSet], config: WordSettings) -> list[str]:
    """Name the sets that step 2 made when it unified signs in another way, as their manifests say."""
    manifests = [read_manifest(data.report.folder / MANIFEST) for data in training]
    rules = [manifest["settings"].get("unify_variants", VARIANTS_SUM) if manifest else "" for manifest in manifests]
    names = [data.report.name for data, rule in zip(training, rules, strict=True) if rule not in ("", VARIANTS_SUM)]
    if not names or not config.unify_variants:
        return []
    return [
        f"{', '.join(names)}: made when step 2 wrote signs that look alike in another way (ㆍ, where labels of real "
        "documents hold ·): the network learns to write them so. Step 2, run again with the same settings, "
        "makes the set anew"
    ]


def _few_words(training: Sequence[WordSet]) -> list[str]:
    words = sum(len(data) for data in training)
    if words >= FEW_WORDS:
        return []
    return [
        f"{words:,} training words are few, and the network may learn them by heart. {FEW_WORDS:,} or more are "
        "advisable: more pages (train_images), rendered words beside them (python3 -m train_easyocr.synthesis.words), "
        "or, with what there is, augmentation: strong and early_stopping"
    ]


def _wide_words(training: Sequence[WordSet], config: WordSettings) -> list[str]:
    """Say how many words of each set are squeezed, as far as labels.csv tells sizes."""
    if not config.PAD:
        return []
    found = []
    for data in training:
        widths = _natural_widths(data, config.img_height)
        wide = int((widths > config.img_width).sum())
        if wide:
            # Rounded up to what batches are wide anyway.
            enough = math.ceil(np.quantile(widths, 0.999) / config.img_height) * config.img_height
            advice = f"; img_width: {enough} would hold 99.9 %" if enough > config.img_width else ""
            found.append(
                f"{data.report.name}: {wide:,} of {len(widths):,} words ({100 * wide / len(widths):.2g} %) are wider "
                f"than img_width: {config.img_width} at img_height: {config.img_height} and are squeezed{advice}"
            )
    return found


def _natural_widths(data: WordSet, img_height: int) -> npt.NDArray[np.float64]:
    """Return how wide words are at the network's height, of those whose size needs no image opened."""
    width, height = data.table.width[data.rows], data.table.height[data.rows]
    known = height > 0
    return width[known] / height[known] * img_height


def training_sample(
    training: Sequence[WordSet], validation: Sequence[WordSet], drawn: Sequence[int], seed: int
) -> list[WordSet]:
    """Choose training words whose accuracy is compared with that of validation: the same ones all through a run.

    Args:
        training: The training sets.
        validation: The validation sets.
        drawn: How many words the run draws of each training set.
        seed: Of the choice.

    Returns:
        The training sets with these words alone, in proportion to `drawn`; none where validation sets are so small that
        a tenth of them would tell nothing.
    """
    count = min(SAMPLE, sum(len(data) for data in validation) // SAMPLE_SHARE)
    if count < LEAST_SAMPLE:
        return []
    sample = []
    for number, (data, words) in enumerate(zip(training, drawn, strict=True)):
        part = math.ceil(count * words / sum(drawn))
        chosen = generator(seed, EXAMPLES, number).permutation(len(data))[:part]
        sample.append(replace(data, rows=data.rows[np.sort(chosen)]))
    return sample


def describe_course(validation: Validation, best: Mapping[str, float]) -> list[str]:
    """Return what a validation's figures tell of the training's course: nothing where it goes as it should.

    Args:
        validation: The figures.
        best: The best `accuracy` so far, this validation included.
    """
    if best["accuracy"] == 0:
        return [
            "accuracy 0 is normal in the first iterations of a new character set or of fresh weights, while the "
            "training loss falls. If the loss stands still, lr is too low or too high, or the labels are not the words'"
        ]
    if validation.training is None:
        return []
    gap = validation.training.accuracy - validation.accuracy
    if gap < max(OVER_FITTING, 3 * _uncertainty(validation, validation.training)):
        return []
    return [
        f"training words are read {gap:.1f} points better than validation words: the network learns by heart. What "
        "helps, in this order: more or more varied data, augmentation: strong, early_stopping, weight_decay (with "
        "optimizer: adamw), fewer iterations"
    ]


def _uncertainty(*results: Validation) -> float:
    """Return the standard error of the difference of both accuracies, in points."""
    return 100 * math.sqrt(sum(_variance(result.accuracy / 100, result.words) for result in results))


def _variance(share: float, count: int) -> float:
    # Agresti and Coull's two more successes and failures: a share of 1 of few words is not certain.
    adjusted = (share * count + 2) / (count + 4)
    return adjusted * (1 - adjusted) / (count + 4)

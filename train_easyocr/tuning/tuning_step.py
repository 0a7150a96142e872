"""Step 3's last part: the detector's settings, searched on validation pages with the recognizer just trained.

What counts is end-to-end F1, as in step 5, which sees other pages. With `detection` it is the detector just trained
that is tuned, else EasyOCR's own. Stopped or killed, it goes on where it was; step 4 installs what it writes.
"""

from __future__ import annotations

import torch

from train_easyocr.common.errors import UserError, WeightsError
from train_easyocr.detection.config import DetectionConfig, own_settings
from train_easyocr.detection.opening import open_word_detector
from train_easyocr.detection.pages import validation_pages
from train_easyocr.documents.aihub import find_pages
from train_easyocr.documents.sources import PageSource
from train_easyocr.documents.splits import evenly_spread
from train_easyocr.evaluation.models import FINETUNED_MODEL, scored_model
from train_easyocr.evaluation.predictions import ModelIdentity
from train_easyocr.evaluation.runner import Recognizer
from train_easyocr.settings.parts import DetectorChoice, ExperimentSettings
from train_easyocr.tuning.search import Tuned, tune
from train_easyocr.weights.bundle import CRAFT, tuning_folder
from train_easyocr.weights.checkpoints import best_detector, best_weights

PAGES = 24
"""Validation pages that are searched on, of those that are drawn; about 2,600 words of AI-Hub's pages."""


def tune_trained(config: DetectorChoice, detection: DetectionConfig | None) -> Tuned:
    """Search, and write settings and report to the experiment's folder; prints what it does.

    Args:
        config: The recognizer's settings.
        detection: The detector's, where one was trained; None for EasyOCR's own.

    Raises:
        UserError: There are no validation pages, or none that can be used.
        WeightsError: The weights of one of the two can't be used, or are EasyOCR's and can't be had.
    """
    cuda = torch.cuda.is_available()
    output = tuning_folder(config.experiment)
    opened = open_word_detector(best_detector(detection.experiment) if detection else CRAFT, cuda)
    # A page takes CRAFT half a minute on a CPU: there it looks at each once, and not at several scales.
    pages, recognizer = pages_to_search(config, detection), _recognizer(config, cuda)
    return tune(opened, pages, [], output, trials=config.detection_tuning, recognizer=recognizer, one_size=not cuda)


def pages_to_search(config: DetectorChoice, detection: DetectionConfig | None) -> list[PageSource]:
    """Return the pages that settings are searched on: some of those drawn for validation, none of the evaluation's.

    Args:
        config: The recognizer's settings, by which step 2 drew.
        detection: The detector's, which can name pages of its own.

    Raises:
        UserError: There are none.
    """
    drawn = {"dataset": config.dataset, "seed": config.seed, "eval_images": config.eval_images}
    chosen = detection or own_settings(config) or DetectionConfig.model_validate(drawn)
    pages, _ = validation_pages(chosen.model_copy(update={"val_images": config.val_images}))
    # Pages that are named, or were drawn by other settings, can be among those that step 2 put aside.
    kept_back = {page.name for page in find_pages(config.prepared / "evaluation_set")[0]}
    left = [page for page in pages if page.name not in kept_back]
    if not left:
        raise UserError(
            f"{config.prepared / 'evaluation_set'}: holds all {len(pages):,} validation pages; none is left"
        )
    return evenly_spread(left, PAGES)


def _recognizer(config: ExperimentSettings, cuda: bool) -> tuple[ModelIdentity, Recognizer] | None:
    """Open the recognizer just trained; None where EasyOCR could not read with it."""
    try:
        model = scored_model(FINETUNED_MODEL, best_weights(config.experiment), cuda)
        return model.identity, model.open()
    except WeightsError as error:
        print(f"{error}. The detector is tuned without it, for detection F1")
        return None

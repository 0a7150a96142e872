"""The way of weights into EasyOCR's folders: staged, proved, archived what was there, put in place."""

from __future__ import annotations

import tempfile
from pathlib import Path

from train_easyocr.common.errors import UserError, consequence
from train_easyocr.delivery.archive import archive_installed, put
from train_easyocr.delivery.proof import check_detection, check_readings, read_both_ways, report_int8
from train_easyocr.delivery.staging import stage_detection
from train_easyocr.recognition.easyocr_form import stage
from train_easyocr.recognition.validation import validation_patches
from train_easyocr.settings.parts import InstallationSettings
from train_easyocr.weights.bundle import Bundle
from train_easyocr.weights.checkpoints import read_card
from train_easyocr.weights.model_files import Place


@consequence("nothing was installed")
def install(
    weights: Path,
    config: InstallationSettings,
    *,
    words: int = 200,
    detector: Bundle | None = None,
    detection_settings: Path | None = None,
) -> Place:
    """Check weights as EasyOCR would use them and install them; what was installed before is kept in the archive.

    Args:
        weights: A `.pth` file with its card (`.json`) beside it.
        config: Says where the validation patches are.
        words: How many patches are read both ways.
        detector: The bundle whose word detector is to be installed; `easyocr` stands for EasyOCR's own as it comes.
            None leaves the one that is installed, unless `detection_settings` are for EasyOCR's weights.
        detection_settings: The detector's settings, as tuning writes them; None takes those that it has.

    Returns:
        Where the model is now.

    Raises:
        UserError: EasyOCR would not read as trained; everything is as it was.
    """
    if not weights.is_file():
        raise UserError(f"{weights}: there is no such file; step 3 writes it, or name the weights to install")
    folders = config.validation_sets
    place = Place.installed()
    place.model.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".finetuned-", dir=place.model.parent) as folder:
        staged = Place(Path(folder) / "model", Path(folder) / "user_network")
        card = read_card(weights)
        stage(weights, card, staged)
        stage_detection(detector, detection_settings, place, staged)
        patches = validation_patches(folders, card, config, words)
        readings = read_both_ways(staged, patches)
        check_readings(readings, card, same_patches=[str(path) for path in folders] == card.validation_sets)
        print(f"step 4: EasyOCR reads all of {len(readings)} validation patches exactly as the training code does")
        report_int8(staged, patches, readings)
        if detector is not None or detection_settings is not None:
            check_detection(staged, [image for _, _, image in patches])
        archive_installed(place)
        put(staged, place)
    return place

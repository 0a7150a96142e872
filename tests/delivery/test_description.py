"""The lines of Python that read with an installed model."""

from train_easyocr.delivery.description import usage
from train_easyocr.detection.parameters import CraftParameters
from train_easyocr.detection.settings import save_settings, settings_for
from train_easyocr.weights.model_files import Place


def test_tuned_settings_of_easyocrs_detector_are_shown_as_arguments(home):
    files = Place.installed()
    save_settings(
        files.detection_settings, settings_for("craft", "easyocr", CraftParameters(low_text=0.3, width_ths=-1.0))
    )
    assert "reader.readtext('page.jpg', text_threshold=0.7, low_text=0.3" in usage(files)
    save_settings(files.detection_settings, settings_for("craft", "easyocr", CraftParameters(margin_x=0.3)))
    assert "use_installed_detector(" in usage(files)

"""The settings of the detector's training."""

import re

import pytest
import yaml

from train_easyocr.common.errors import UsageError, UserError
from train_easyocr.detection.config import DEFAULT_CONFIG, DetectionConfig, contradictions, load_detection_config
from train_easyocr.detection.db_boxes import DbParameters


def test_the_file_lists_all_settings_with_their_defaults_and_says_what_they_are():
    text = DEFAULT_CONFIG.read_text(encoding="utf-8")
    values = yaml.safe_load(text)
    assert sorted(values) == sorted(DetectionConfig.model_fields)
    assert DetectionConfig.model_validate(values) == DetectionConfig()
    for key in DetectionConfig.model_fields:
        assert re.search(rf"^{key}: .*# \S", text, re.MULTILINE), key


def test_box_parameters_have_the_detectors_own_defaults():
    assert DetectionConfig().db_parameters == DbParameters()


def test_all_faults_are_told_at_once():
    settings = ["lr=-1", "crop_siez=64", "det_db_thresh=2", "val_data=nowhere"]
    with pytest.raises(UsageError) as error:
        load_detection_config(DEFAULT_CONFIG, [*settings, "augmentation=some"])
    message = str(error.value)
    for part in (
        "lr:",
        "did you mean crop_size?",
        "det_db_thresh:",
        "augmentation:",
        "dataset and train_data are empty",
    ):
        assert part in message


def test_all_data_that_is_not_there_is_told_at_once(tmp_path):
    with pytest.raises(UserError) as error:
        load_detection_config(DEFAULT_CONFIG, ["dataset=none", f"train_list={tmp_path / 'no.txt'}", "val_data=nowhere"])
    assert error.value.status == 1
    assert str(error.value).splitlines() == [
        "dataset: none: there is no such folder",
        "val_data: nowhere: there is no such folder",
        f"train_list: {tmp_path / 'no.txt'}: there is no such file",
    ]


@pytest.mark.parametrize(("value", "strength"), [("off", 0), (False, 0), ("light", 0.25), ("strong", 1), (0.7, 0.7)])
def test_augmentation_has_names_and_numbers(value, strength):
    assert DetectionConfig(augmentation=value).augmentation_strength == strength


def test_a_switch_is_no_number(tmp_path):
    (tmp_path / "detection.yaml").write_text("ema: on\nworkers: on\nweight_decay: off\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"ema: should be a number; on, yes and true say not how much") as error:
        load_detection_config(tmp_path / "detection.yaml", [f"dataset={tmp_path}"])
    assert "workers: should be auto or a number of processes, not True" in str(error.value)
    assert "weight_decay" not in str(error.value)  # off is 0, which is what it means


def test_easyocrs_network_is_not_trained(tmp_path):
    path = tmp_path / "옛 설정.yaml"
    path.write_text(f"network: db_light\ndataset: {tmp_path}\n", encoding="utf-8")
    assert load_detection_config(path).dataset == str(tmp_path)
    gone = "network: craft: this setting is gone: db_light alone is trained"
    with pytest.raises(UsageError, match=rf"{gone}(.|\n)*continue_from: craft: EasyOCR's craft is used as it is"):
        load_detection_config(path, ["network=craft", "continue_from=craft"])


def test_a_piece_is_not_larger_than_any_page():
    found = contradictions(DetectionConfig(dataset=".", crop_size=640, long_side=256))
    assert len(found) == 1 and "crop_size" in found[0]

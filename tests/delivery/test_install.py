"""Step 4: EasyOCR reads exactly what training reads, or nothing is installed."""

import os
import subprocess
import sys

import pytest
import yaml

from tests.delivery.weights import change_card, refused
from tests.recognition.word_sets import SYLLABLES, WORDS, tiny_config
from train_easyocr.common.errors import UserError
from train_easyocr.delivery.__main__ import main
from train_easyocr.delivery.install import install
from train_easyocr.detection.db_boxes import DbParameters
from train_easyocr.detection.settings import save_settings, settings_for
from train_easyocr.settings.checking import save_config
from train_easyocr.weights.bundle import Bundle, open_bundle

pytestmark = pytest.mark.slow


def test_easyocr_reads_the_labels_without_this_project(trained, home, capsys):
    install(trained.experiment / "best_accuracy.pth", trained)
    assert "reads all of 12 validation patches exactly" in capsys.readouterr().out
    patches = trained.validation_sets[0] / "images"
    script = (
        "import sys, cv2, easyocr\n"
        "reader = easyocr.Reader(['ko', 'en'], recog_network='finetuned', detector=False, gpu=False, verbose=False)\n"
        "for path in sys.argv[1:]:\n"
        "    print(reader.recognize(cv2.imread(path, 0))[0][1])\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    result = subprocess.run(
        [sys.executable, "-c", script, *sorted(map(str, patches.glob("*.png")))],
        env=environment, cwd=home, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert result.stdout.split() == WORDS


def test_a_card_of_other_weights_is_caught(trained, weights, home):
    weights.write_bytes(weights.read_bytes() + b"\0")
    refused(weights, trained, home, "belongs to other weights")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"network": {"Prediction": "Attn", "num_class": len(SYLLABLES) + 2}}, "EasyOCR decodes CTC only"),
        ({"rgb": True, "network": {"input_channel": 3}}, "EasyOCR reads grey"),
        ({"PAD": False}, "EasyOCR keeps words' proportions"),
    ],
)
def test_what_easyocr_can_not_do_is_refused(trained, weights, home, changes, match):
    change_card(weights, **changes)
    refused(weights, trained, home, match)


def test_missing_files_are_named(trained, home, tmp_path):
    refused(tmp_path / "없음.pth", trained, home, "없음.pth: there is no such file")
    elsewhere = tiny_config(tmp_path / "빈 폴더")
    refused(trained.experiment / "best_accuracy.pth", elsewhere, home, "no validation patches")


def test_a_detector_that_can_not_be_used_is_refused(trained, detector, home, tmp_path):
    weights = trained.experiment / "best_accuracy.pth"
    for options, match in [
        ({"detector": Bundle("없음", detector=tmp_path / "없음.pth")}, "there is no such file"),
        ({"detection_settings": tmp_path / "없음.yaml"}, "can't be read"),
        ({"detector": Bundle("글", detector=weights)}, "card of something else"),
    ]:
        with pytest.raises(UserError, match=f"{match}(.|\n)*nothing was installed"):
            install(weights, trained, **options)
    other = tmp_path / "남의 설정.yaml"
    save_settings(other, settings_for("db_light", "0" * 64, DbParameters()))
    with pytest.raises(UserError, match="is for weights of SHA-256"):
        install(weights, trained, detector=open_bundle(detector), detection_settings=other)
    assert not any(path.is_file() for path in home.rglob("*"))


def test_the_command(trained, home, capsys, tmp_path):
    save_config(trained, tmp_path / "설정.yaml")
    assert main(["--config", str(tmp_path / "설정.yaml"), "--words", "5"]) == 0
    output = capsys.readouterr().out
    assert "all of 5 validation patches" in output
    assert "easyocr.Reader(['ko', 'en'], recog_network='finetuned')" in output
    assert str(home) in output
    assert main(["--config", str(tmp_path / "설정.yaml"), "experiment_name=없는 실험"]) == 1
    assert "best_accuracy.pth: there is no such file; step 3 writes it" in capsys.readouterr().err
    assert main(["a.pth", "b.pth"]) == 2
    assert main(["lrr=1"]) == 2
    assert "did you mean lr?" in capsys.readouterr().err


def test_the_files_say_what_the_weights_are(trained, home):
    place = install(trained.experiment / "best_accuracy.pth", trained)
    assert [path.relative_to(home).as_posix() for path in place.files if path.is_file()] == [
        "user_network/finetuned.py",
        "user_network/finetuned.yaml",
        "model/finetuned.pth",
        "model/finetuned.json",
    ]
    text = place.settings.read_text(encoding="utf-8")
    assert text.startswith("# 시험, iteration 400: None-VGG-BiLSTM-CTC, validation accuracy 100.00 %")
    settings = yaml.safe_load(text)
    assert settings["imgH"] == 32
    assert settings["lang_list"] == ["ko", "en"]
    assert settings["character_list"] == SYLLABLES
    assert settings["network_params"]["output_channel"] == 32
    assert "num_class" not in settings["network_params"]

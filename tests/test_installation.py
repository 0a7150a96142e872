"""Step 4: EasyOCR reads exactly what training reads, or nothing is installed."""

import json
import os
import shutil
import subprocess
import sys

import pytest
import torch
import yaml

from tests.detection.untrained import save_untrained
from tests.recognition.word_sets import SYLLABLES, WORDS, tiny_config, write_set
from train_easyocr import easyocr_weights, installation
from train_easyocr.config import save_config
from train_easyocr.detection.db_boxes import DbParameters
from train_easyocr.detection.installed import InstalledDetector
from train_easyocr.detection.parameters import CraftParameters
from train_easyocr.detection.settings import read_settings, save_settings, settings_for
from train_easyocr.files import sha256
from train_easyocr.installation import (
    InstallationError,
    Place,
    archive_installed,
    describe_place,
    install,
    main,
    previous_models,
    restore,
)
from train_easyocr.recognition.checkpoints import WeightsCard, save_weights
from train_easyocr.recognition.model import build_model, network_arguments
from train_easyocr.recognition.training import train


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """An experiment whose weights read its validation words without a mistake."""
    folder = tmp_path_factory.mktemp("실험")
    write_set(folder / "training" / "select_data", WORDS * 8)
    write_set(folder / "validation" / "select_data", WORDS)
    settings = {"n_iter": 400, "val_period": 400, "save_period": 400, "batch_size": 12, "lr": 0.005}
    settings |= {"output_channel": 32, "hidden_size": 32}
    config = tiny_config(folder, **settings)
    train(config)
    card = json.loads((config.experiment / "best_accuracy.json").read_text(encoding="utf-8"))
    assert card["validation"]["accuracy"] == 100
    return config


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty folder where EasyOCR looks for models."""
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path / "이지"))
    return tmp_path / "이지"


@pytest.fixture
def weights(trained, tmp_path):
    """A copy of the trained weights and their card, to do something to."""
    for name in ("best_accuracy.pth", "best_accuracy.json"):
        shutil.copy(trained.experiment / name, tmp_path)
    return tmp_path / "best_accuracy.pth"


def change_card(weights, **changes):
    path = weights.with_suffix(".json")
    card = json.loads(path.read_text(encoding="utf-8"))
    for key, value in changes.items():
        if isinstance(value, dict):
            card[key].update(value)
        else:
            card[key] = value
    card["weights_sha256"] = sha256(weights)
    path.write_text(json.dumps(card, ensure_ascii=False), encoding="utf-8")


def refused(weights, config, home, match):
    with pytest.raises(InstallationError, match=match):
        install(weights, config)
    assert not any(path.is_file() for path in home.rglob("*")), "nothing was installed"


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


def test_the_files_say_what_the_weights_are(trained, home):
    place = install(trained.experiment / "best_accuracy.pth", trained)
    assert [path.relative_to(home).as_posix() for path in place.files] == [
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


def test_swapped_characters_are_caught(trained, weights, home):
    change_card(weights, character=SYLLABLES[::-1])
    refused(weights, trained, home, "characters, image height or network are not those of the training")


def test_another_image_height_is_caught(trained, weights, home):
    change_card(weights, img_height=96, network={"img_height": 96}, config={"img_height": 96})
    refused(weights, trained, home, "characters, image height or network are not those of the training")


@pytest.mark.parametrize("change", [{"imgH": 64}, {"character_list": SYLLABLES[::-1]}])
def test_what_easyocr_would_read_otherwise_is_caught(trained, home, monkeypatch, change):
    right = installation.easyocr_settings

    def wrong(card):
        return yaml.safe_dump({**yaml.safe_load(right(card)), **change}, allow_unicode=True)

    monkeypatch.setattr(installation, "easyocr_settings", wrong)
    refused(trained.experiment / "best_accuracy.pth", trained, home, "validation patches otherwise than training")


def test_missing_prefixes_are_caught(trained, weights, home):
    state = torch.load(weights, weights_only=True)
    torch.save({key.removeprefix("module."): value for key, value in state.items()}, weights)
    change_card(weights)
    refused(weights, trained, home, r"`module\.`")


def test_weights_of_another_shape_are_caught(trained, weights, home):
    change_card(weights, network={"hidden_size": 16}, config={"hidden_size": 16})
    refused(weights, trained, home, "does not fit")


def test_a_card_of_other_weights_is_caught(trained, weights, home):
    weights.write_bytes(weights.read_bytes() + b"\0")
    refused(weights, trained, home, "belongs to other weights")


@pytest.mark.parametrize(
    "parts",
    [
        {"FeatureExtraction": "RCNN", "SequenceModeling": "None"},
        {"FeatureExtraction": "ResNet"},
        {"Transformation": "TPS", "batch_width": "fixed"},
    ],
)
def test_other_networks_read_the_same_in_easyocr(trained, home, tmp_path, parts):
    config = trained.model_copy(update=parts)
    torch.manual_seed(0)
    model = build_model(config, len(SYLLABLES) + 1).eval()
    with torch.no_grad():
        model.Prediction.weight *= 50  # random weights that decide for characters, not for blanks alone
    card = WeightsCard.model_validate(
        json.loads((trained.experiment / "best_accuracy.json").read_text(encoding="utf-8"))
        | {"network": network_arguments(config, len(SYLLABLES) + 1) | {"Prediction": "CTC"}}
        | {"config": config.model_dump(), "validation": {"accuracy": 0, "norm_ed": 0, "words": 12}}
    )
    save_weights(tmp_path / "weights.pth", model, card)
    place = install(tmp_path / "weights.pth", config)
    patches = installation.validation_patches(config.validation_sets, card, config, 12)
    texts = [reading.easyocr for reading in installation.read_both_ways(place, card, patches)]
    assert any(texts), "something is read"


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"network": {"Prediction": "Attn", "num_class": len(SYLLABLES) + 2}}, "EasyOCR decodes CTC only"),
        ({"rgb": True, "network": {"input_channel": 3}}, "EasyOCR reads grey"),
        ({"PAD": False}, "EasyOCR keeps proportions"),
    ],
)
def test_what_easyocr_can_not_do_is_refused(trained, weights, home, changes, match):
    change_card(weights, **changes)
    refused(weights, trained, home, match)


def test_missing_files_are_named(trained, home, tmp_path):
    refused(tmp_path / "없음.pth", trained, home, "없음.pth: there is no such file")
    elsewhere = tiny_config(tmp_path / "빈 폴더")
    refused(trained.experiment / "best_accuracy.pth", elsewhere, home, "no validation patches")


def test_the_model_before_is_kept_and_put_back(trained, weights, home, capsys):
    first = sha256(install(trained.experiment / "best_accuracy.pth", trained).weights)
    state = torch.load(weights, weights_only=True)
    state["module.Prediction.bias"] += 1e-3
    torch.save(state, weights)
    change_card(weights, experiment_name="둘째")
    place = install(weights, trained)
    second = sha256(place.weights)
    assert second != first
    names = [name for name, _, _ in previous_models(place)]
    assert names == [f"둘째-{second[:8]}", f"시험-{first[:8]}"]

    restore(f"시험-{first[:8]}")
    assert sha256(place.weights) == first
    assert "# 시험" in place.settings.read_text(encoding="utf-8")
    restore(f"둘째-{second[:8]}")
    assert sha256(place.weights) == second, "what was installed is kept when another model is put back"
    with pytest.raises(InstallationError, match=f"there are: 둘째-{second[:8]}, 시험-{first[:8]}"):
        restore("셋째")
    capsys.readouterr()
    assert main(["--list"]) == 0
    assert [line.split(" | ")[1].strip() for line in capsys.readouterr().out.splitlines()[2:]] == ["yes", ""]


def test_a_model_that_somebody_else_installed_is_kept(trained, home):
    place = Place.installed()
    for path in (place.network, place.settings, place.weights):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("남의 것", encoding="utf-8")
    install(trained.experiment / "best_accuracy.pth", trained)
    [stranger] = [name for name, card, _ in previous_models(place) if card is None]
    assert stranger.startswith("unknown-")
    assert restore(stranger).settings.read_text(encoding="utf-8") == "남의 것"
    assert not place.card.exists(), "the card of the other weights does not stay beside them"
    assert archive_installed(place) == stranger


def test_the_command(trained, home, capsys, tmp_path):
    save_config(trained, tmp_path / "설정.yaml")
    assert main(["--config", str(tmp_path / "설정.yaml"), "--words", "5"]) == 0
    output = capsys.readouterr().out
    assert "all of 5 validation patches" in output
    assert "easyocr.Reader(['ko', 'en'], recog_network='finetuned')" in output
    assert str(home) in output
    assert main(["--config", str(tmp_path / "설정.yaml"), "experiment_name=없는 실험"]) == 1
    assert "best_accuracy.pth: there is no such file; step 3 writes it" in capsys.readouterr().err
    assert main(["a.pth", "b.pth"]) == 1
    assert main(["lrr=1"]) == 1
    assert "did you mean lr?" in capsys.readouterr().err


def test_the_repository_holds_what_easyocr_loads_for_korean_g2():
    repository = easyocr_weights.__file__ and installation.Path(easyocr_weights.__file__).parents[1]
    network = repository / "finetuned" / "finetuned.py"
    assert network.read_text(encoding="utf-8") == installation.Path(installation.network.__file__).read_text(
        encoding="utf-8"
    )
    settings = yaml.safe_load((repository / "finetuned" / "finetuned.yaml").read_text(encoding="utf-8"))
    assert settings["imgH"] == 64
    assert settings["character_list"] == easyocr_weights.recognition_entries()["korean_g2"]["characters"]
    assert set(settings["network_params"]) == set(installation.NETWORK_SETTINGS)


@pytest.fixture
def detector(tmp_path):
    return save_untrained(tmp_path / "검출.pth")


def test_recognizer_detector_and_settings_come_and_go_together(trained, detector, home, tmp_path, capsys):
    weights = trained.experiment / "best_accuracy.pth"
    place = install(weights, trained)
    plain = [name for name, _, installed in previous_models(place) if installed]
    assert "detector" not in capsys.readouterr().out

    install(weights, trained, detector=str(detector))
    assert " boxes on a sheet of 12 words, the same in EasyOCR" in capsys.readouterr().out
    assert sha256(place.detection.weights) == sha256(detector)
    with_detector = [name for name, _, installed in previous_models(place) if installed]
    assert with_detector != plain, "the same weights with another detector are another model"

    install(weights, trained)
    assert place.detection.settings.is_file(), "a detector that is not mentioned stays"
    tuned = tmp_path / "찾은 설정.yaml"
    save_settings(tuned, settings_for("db_light", sha256(detector), DbParameters(det_db_thresh=0.6)))
    install(weights, trained, detection_settings=tuned)
    assert read_settings(place.detection.settings).parameters["det_db_thresh"] == 0.6

    capsys.readouterr()
    assert main(["--list"]) == 0
    rows = [[cell.strip() for cell in line.split("|")] for line in capsys.readouterr().out.splitlines()[2:]]
    assert sorted(row[-1] for row in rows) == ["EasyOCR's", "db_light", "db_light"]
    assert [row[-1] for row in rows if row[1]] == ["db_light"]

    restore(plain[0])
    assert not any(path.exists() for path in place.detection.files)
    assert "use_installed_detector" not in describe_place(place)
    restore(with_detector[0])
    assert read_settings(place.detection.settings).parameters["det_db_thresh"] == 0.5
    described = describe_place(place)
    assert "finetuned_detector.pth" in described
    assert (
        "use_installed_detector(easyocr.Reader(['ko', 'en'], recog_network='finetuned', detector=False))" in described
    )
    install(weights, trained, detector="easyocr")
    assert not any(path.exists() for path in place.detection.files)


def test_a_detector_that_can_not_be_used_is_refused(trained, detector, home, tmp_path):
    weights = trained.experiment / "best_accuracy.pth"
    for options, match in [
        ({"detector": str(tmp_path / "없음.pth")}, "there is no such file"),
        ({"detection_settings": tmp_path / "없음.yaml"}, "can't be read"),
        ({"detector": str(weights)}, "card of something else"),
    ]:
        with pytest.raises(InstallationError, match=f"{match}(.|\n)*nothing was installed"):
            install(weights, trained, **options)
    other = tmp_path / "남의 설정.yaml"
    save_settings(other, settings_for("db_light", "0" * 64, DbParameters()))
    with pytest.raises(InstallationError, match="is for weights of SHA-256"):
        install(weights, trained, detector=str(detector), detection_settings=other)
    assert not any(path.is_file() for path in home.rglob("*"))


def test_another_answer_through_easyocr_is_caught(trained, detector, home, monkeypatch):
    monkeypatch.setattr(InstalledDetector, "boxes", lambda self, image: [])
    refused_by = pytest.raises(
        InstallationError, match="through EasyOCR 0 that are not the same; nothing was installed"
    )
    with refused_by:
        install(trained.experiment / "best_accuracy.pth", trained, detector=str(detector))


def test_tuned_settings_of_easyocrs_detector_are_shown_as_arguments(home):
    files = Place.installed().detection
    save_settings(files.settings, settings_for("craft", "easyocr", CraftParameters(low_text=0.3, width_ths=-1.0)))
    assert "reader.readtext('page.jpg', text_threshold=0.7, low_text=0.3" in installation.usage(files)
    save_settings(files.settings, settings_for("craft", "easyocr", CraftParameters(margin_x=0.3)))
    assert "use_installed_detector(" in installation.usage(files)

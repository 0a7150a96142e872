"""What was installed before is kept under a name, and put back with its detector."""

import pytest
import torch

from tests.delivery.weights import change_card
from tests.detection.untrained import save_untrained
from tests.documents.samples import make_download
from train_easyocr.common.errors import UserError
from train_easyocr.common.files import sha256
from train_easyocr.delivery.__main__ import main
from train_easyocr.delivery.archive import archive_installed, models_at_hand, restore
from train_easyocr.delivery.description import describe_place
from train_easyocr.delivery.install import install
from train_easyocr.detection.config import own_detector
from train_easyocr.detection.db_boxes import DbParameters
from train_easyocr.detection.settings import read_settings, save_settings, settings_for
from train_easyocr.settings.checking import save_config
from train_easyocr.weights import starter as starter_weights
from train_easyocr.weights.bundle import open_bundle
from train_easyocr.weights.model_files import Place

pytestmark = pytest.mark.slow


def test_the_model_before_is_kept_and_put_back(trained, weights, home, capsys):
    first = sha256(install(trained.experiment / "best_accuracy.pth", trained).weights)
    state = torch.load(weights, weights_only=True)
    state["module.Prediction.bias"] += 1e-3
    torch.save(state, weights)
    change_card(weights, experiment_name="둘째")
    place = install(weights, trained)
    second = sha256(place.weights)
    assert second != first
    names = [model.name for model in models_at_hand(place)]
    assert names == [f"둘째-{second[:8]}", f"시험-{first[:8]}"]

    restore(f"시험-{first[:8]}")
    assert sha256(place.weights) == first
    assert "# 시험" in place.settings.read_text(encoding="utf-8")
    restore(f"둘째-{second[:8]}")
    assert sha256(place.weights) == second, "what was installed is kept when another model is put back"
    with pytest.raises(UserError, match=f"there are: 둘째-{second[:8]}, 시험-{first[:8]}"):
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
    [stranger] = [model.name for model in models_at_hand(place) if model.card is None]
    assert stranger.startswith("unknown-")
    assert restore(stranger).settings.read_text(encoding="utf-8") == "남의 것"
    assert not place.card.exists(), "the card of the other weights does not stay beside them"
    assert archive_installed(place) == stranger


def test_the_detector_that_step_3_trained_by_default_is_installed_with_the_recognizer(trained, home, tmp_path, capsys):
    save_config(trained.model_copy(update={"saved_models": str(tmp_path), "detection": "auto"}), tmp_path / "설정.yaml")
    weights = str(trained.experiment / "best_accuracy.pth")
    files = Place.installed()
    assert main([weights, "--config", str(tmp_path / "설정.yaml"), "--words", "5"]) == 0  # words alone were trained on
    assert not files.detector.exists()

    make_download(tmp_path / "쪽", 1, 1)
    assert main([weights, "--config", str(tmp_path / "설정.yaml"), f"dataset={tmp_path / '쪽'}"]) == 1
    assert "best_f1.pth: there is no such file; step 3 trains the detector" in capsys.readouterr().err

    assert main([weights, "--config", str(tmp_path / "설정.yaml"), "--words", "5", "--detector", "starter"]) == 0
    assert sha256(files.detector) == sha256(starter_weights.DETECTOR)
    assert main([weights, "--config", str(tmp_path / "설정.yaml"), "--words", "5", "--detector", "easyocr"]) == 0

    (tmp_path / "korean_detector").mkdir()
    detector = save_untrained(tmp_path / "korean_detector" / "best_f1.pth")
    assert main([weights, "--config", str(tmp_path / "설정.yaml"), "--words", "5", "detection="]) == 0
    assert not files.detector.exists()
    assert main([weights, "--config", str(tmp_path / "설정.yaml"), "--words", "5"]) == 0  # wherever the pages are now
    assert sha256(files.detector) == sha256(detector)

    own = own_detector(trained.model_copy(update={"saved_models": str(tmp_path)}))
    own.mkdir()
    detector = save_untrained(own / "best_f1.pth", seed=1)
    assert main([weights, "--config", str(tmp_path / "설정.yaml"), "--words", "5"]) == 0  # one's own pages come first
    assert sha256(files.detector) == sha256(detector)


def test_recognizer_detector_and_settings_come_and_go_together(trained, detector, home, tmp_path, capsys):
    weights = trained.experiment / "best_accuracy.pth"
    place = install(weights, trained)
    plain = [model.name for model in models_at_hand(place) if model.installed]
    assert "detector" not in capsys.readouterr().out

    install(weights, trained, detector=open_bundle(detector))
    assert " boxes on a sheet of 12 words, the same in EasyOCR" in capsys.readouterr().out
    assert sha256(place.detector) == sha256(detector)
    with_detector = [model.name for model in models_at_hand(place) if model.installed]
    assert with_detector != plain, "the same weights with another detector are another model"

    install(weights, trained)
    assert place.detection_settings.is_file(), "a detector that is not mentioned stays"
    tuned = tmp_path / "찾은 설정.yaml"
    save_settings(tuned, settings_for("db_light", sha256(detector), DbParameters(det_db_thresh=0.6)))
    install(weights, trained, detection_settings=tuned)
    assert read_settings(place.detection_settings).parameters["det_db_thresh"] == 0.6

    capsys.readouterr()
    assert main(["--list"]) == 0
    rows = [[cell.strip() for cell in line.split("|")] for line in capsys.readouterr().out.splitlines()[2:]]
    assert sorted(row[-1] for row in rows) == ["EasyOCR's", "db_light", "db_light"]
    assert [row[-1] for row in rows if row[1]] == ["db_light"]

    restore(plain[0])
    assert not any(path.exists() for path in place.detector_files)
    assert "use_installed_detector" not in describe_place(place)
    restore(with_detector[0])
    assert read_settings(place.detection_settings).parameters["det_db_thresh"] == 0.5
    described = describe_place(place)
    assert "finetuned_detector.pth" in described
    assert (
        "use_installed_detector(easyocr.Reader(['ko', 'en'], recog_network='finetuned', detector=False))" in described
    )
    install(weights, trained, detector=open_bundle("easyocr"))
    assert not any(path.exists() for path in place.detector_files)

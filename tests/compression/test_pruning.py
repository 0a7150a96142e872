"""`compress prune`: a smaller network, trained again, that is an experiment like any other."""

import json
from functools import partial

import pytest
import torch

from tests.compression.conftest import SHORT
from tests.detection.pages import write_pages
from tests.recognition.word_sets import render
from train_easyocr.compress import main
from train_easyocr.compression import sensitivity
from train_easyocr.compression.subjects import parameters_of
from train_easyocr.delivery.proof import read_both_ways
from train_easyocr.detection.config import DetectionConfig
from train_easyocr.detection.db_detector import load_db_light
from train_easyocr.detection.db_network import DbLight
from train_easyocr.detection.distillation import taught_detector
from train_easyocr.detection.task import DetectorTask
from train_easyocr.engine.distributed import ALONE
from train_easyocr.recognition.distillation import taught_recognizer
from train_easyocr.recognition.easyocr_form import stage
from train_easyocr.recognition.model import open_trained
from train_easyocr.recognition.task import RecognizerTask
from train_easyocr.settings.config import check_config
from train_easyocr.weights.checkpoints import read_card, read_weights, save_weights
from train_easyocr.weights.model_files import Place
from train_easyocr.weights.starter import DETECTOR, RECOGNIZER

pytestmark = pytest.mark.slow


def test_the_experiment_holds_what_was_measured_and_the_weights(pruned):
    folder, _ = pruned
    cut = read_card(folder / "pruned.pth")
    channels = cut.network["channels"]
    assert len(channels) == 7
    assert all(width % 16 == 0 for width in channels)
    curves = json.loads((folder / "sensitivity.json").read_text(encoding="utf-8"))["layers"]
    assert all(curves.values())
    assert (folder / "sensitivity.svg").read_text(encoding="utf-8").count('id="axes_') == 7
    retrained = read_card(folder / "best_accuracy.pth")
    assert retrained.network == cut.network
    assert retrained.character == read_card(RECOGNIZER).character
    model, *_ = open_trained(folder / "best_accuracy.pth")
    assert model.feature_size == read_card(RECOGNIZER).network["hidden_size"]
    before, after = (read_weights(folder / name) for name in ("pruned.pth", "best_accuracy.pth"))
    assert any(not value.equal(after[key]) for key, value in before.items() if key.endswith("weight"))


def test_easyocr_reads_with_it_as_training_does(pruned, tmp_path):
    folder, _ = pruned
    weights = folder / "best_accuracy.pth"
    place = Place(tmp_path / "이지/model", tmp_path / "이지/user_network")
    stage(weights, read_card(weights), place)
    assert "channels:" in place.settings.read_text(encoding="utf-8")
    readings = read_both_ways(place, [(text, text, render(text)) for text in ("가나다", "사람", "마바사가")])
    assert [reading.easyocr for reading in readings] == [reading.trained for reading in readings]


def test_run_again_it_goes_on_where_it_was(pruned, capsys, monkeypatch):
    _, command = pruned
    monkeypatch.setattr(sensitivity, "RATIOS", (0.3, 0.6))
    assert main(command) == 0
    assert "all 2 iterations are done" in capsys.readouterr().out


def test_a_teacher_adds_to_the_loss(pruned, tmp_path):
    folder, _ = pruned
    config = check_config(read_card(folder / "best_accuracy.pth").config | {"saved_models": str(tmp_path)})
    losses = [loss_of(RecognizerTask, config)]
    losses += [loss_of(partial(taught_recognizer, teacher), config) for teacher in (RECOGNIZER, folder / "pruned.pth")]
    assert losses[2] == pytest.approx(losses[0], abs=1e-4)  # it is its own teacher
    assert losses[1] > losses[0] + 0.001  # three quarters of the whole one answer nearly as it does


def test_a_detector_is_pruned_and_learns_from_the_whole_one(tmp_path, monkeypatch):
    monkeypatch.setattr(sensitivity, "RATIOS", (0.5,))
    write_pages(tmp_path / "training", [0])
    write_pages(tmp_path / "validation", [1])
    model, card = load_db_light(DETECTOR)
    save_weights(tmp_path / "큰 것.pth", model, card.model_copy(update={"long_side": 640}))
    command = ["prune", "--network", "detector", "--target_parameters", "0.6", "--teacher", "--name", "작은 것"]
    command += ["--bundle", str(tmp_path / "큰 것.pth"), f"saved_models={tmp_path}", "long_side=640", "crop_size=96"]
    command += [f"train_data={tmp_path / 'training'}", f"val_data={tmp_path / 'validation'}", *SHORT[:4], "workers=0"]
    assert main(command) == 0
    cut, _ = load_db_light(tmp_path / "작은 것/pruned.pth")
    whole, card = load_db_light(tmp_path / "작은 것/best_f1.pth")
    assert parameters_of(cut) == parameters_of(whole) < 0.61 * parameters_of(DbLight())
    config = DetectionConfig.model_validate(card.config | {"saved_models": str(tmp_path / "다시")})
    config = config.model_copy(update={"continue_from": str(tmp_path / "작은 것/pruned.pth")})
    teachers = tmp_path / "큰 것.pth", tmp_path / "작은 것/pruned.pth"
    losses = [loss_of(DetectorTask, config), *(loss_of(partial(taught_detector, one), config) for one in teachers)]
    assert losses[1] > losses[0] + 0.01
    assert losses[2] == pytest.approx(losses[0], abs=1e-4)  # it is its own teacher


def loss_of(kind, config):
    """The loss of the first batch, by the averages of normalizations, as a teacher computes."""
    task = kind(config, ALONE)
    task.open(None)
    torch.manual_seed(0)
    model = task.build()
    task.begin(model)
    for layer in model.train().modules():
        layer.train(not isinstance(layer, torch.nn.modules.batchnorm._BatchNorm))
    return task.loss(model, task.parts(next(iter(task.batches(0))))[0]).item()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prune", "--network", "recognizer"], "one of --target_macs and --target_parameters"),
        (["prune", "--target_macs", "0.5"], "--network says which part"),
        (["prune", "--network", "recognizer", "--target_macs", "0.5", "--name", "a/b"], "is no name of an experiment"),
        (["prune", "--network", "recognizer", "--target_macs", "1.5"], "is not a share between 0 and 1"),
    ],
)
def test_wrong_commands(arguments, message, words, capsys):
    try:
        status = main([*arguments, *words])
    except SystemExit as end:
        status = end.code
    assert status == 2
    assert message in capsys.readouterr().err

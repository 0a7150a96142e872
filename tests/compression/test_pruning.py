"""`compress prune`: a smaller network, trained again, that is an experiment like any other."""

import json

import pytest
import torch

from tests.recognition.word_sets import render
from train_easyocr.compress import main
from train_easyocr.compression import sensitivity
from train_easyocr.delivery.proof import read_both_ways
from train_easyocr.recognition.easyocr_form import stage
from train_easyocr.recognition.model import open_trained
from train_easyocr.weights.checkpoints import read_card, read_weights
from train_easyocr.weights.model_files import Place
from train_easyocr.weights.starter import RECOGNIZER

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
    from functools import partial

    from train_easyocr.engine.distributed import ALONE
    from train_easyocr.recognition.distillation import taught
    from train_easyocr.recognition.task import RecognizerTask
    from train_easyocr.settings.config import check_config

    folder, _ = pruned
    config = check_config(read_card(folder / "best_accuracy.pth").config | {"saved_models": str(tmp_path)})
    losses = []
    for kind in (RecognizerTask, partial(taught, RECOGNIZER), partial(taught, folder / "pruned.pth")):
        task = kind(config, ALONE)
        task.open(None)
        torch.manual_seed(0)
        model = task.build()
        task.begin(model)
        part = task.parts(next(iter(task.batches(0))))[0]
        losses.append(task.loss(model.eval(), part).item())
    assert losses[1] > losses[0] + 0.01
    assert losses[2] == pytest.approx(losses[0], abs=1e-4)  # it is its own teacher


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prune", "--network", "recognizer"], "one of --target_macs and --target_parameters"),
        (["prune", "--target_macs", "0.5"], "--network says which part"),
        (["prune", "--network", "detector", "--target_macs", "0.5", "--teacher"], "--teacher: is for recognizers"),
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

"""Weights and their cards on disk."""

import json
import os
import re
from pathlib import Path

import pytest
import torch
from easyocr.model.vgg_model import Model as EasyocrVgg
from pydantic import ValidationError
from torch import nn

from tests.easyocr_files import install_random_weights
from train_easyocr.common.errors import WeightsError
from train_easyocr.recognition.network import Model
from train_easyocr.weights.checkpoints import WeightsCard, load_pretrained, read_card, read_weights, save_weights

CHARACTERS = "가나다 ·"
ARGUMENTS = {"num_class": 6, "input_channel": 1, "output_channel": 16, "hidden_size": 8, "img_height": 32}
ARGUMENTS |= {"img_width": 64}


def card(**changes):
    values = {
        "character": CHARACTERS,
        "network": {**ARGUMENTS, "Prediction": "CTC"},
        "rgb": False,
        "PAD": True,
        "sensitive": True,
        "img_height": 32,
        "img_width": 64,
        "iteration": 100,
        "validation": {"accuracy": 94.94, "norm_ed": 0.9826, "words": 1000},
        "validation_sets": ["/문서/validation/select_data"],
        "experiment_name": "한글",
        "config": {"lr": 0.1},
    }
    return WeightsCard.model_validate({**values, **changes})


def model(seed=0, **arguments):
    torch.manual_seed(seed)
    return Model(**{**ARGUMENTS, **arguments})


def test_a_pair_comes_back_as_it_was_written(tmp_path):
    written = save_weights(tmp_path / "실험" / "best_accuracy.pth", model(), card())
    assert read_card(tmp_path / "실험" / "best_accuracy.pth") == written
    assert written.model_copy(update={"weights_sha256": ""}) == card()
    weights = read_weights(tmp_path / "실험" / "best_accuracy.pth")
    assert all(torch.equal(value, weights[key]) for key, value in model().state_dict().items())
    assert sorted(file.name for file in (tmp_path / "실험").iterdir()) == ["best_accuracy.json", "best_accuracy.pth"]
    assert "한글" in (tmp_path / "실험" / "best_accuracy.json").read_text(encoding="utf-8")


def test_the_file_is_what_easyocr_loads(tmp_path):
    save_weights(tmp_path / "a.pth", model().to(torch.bfloat16), card())
    state = torch.load(tmp_path / "a.pth", weights_only=False)
    assert type(state) is dict
    theirs = EasyocrVgg(1, 16, 8, 6)
    theirs.load_state_dict({key[7:]: value for key, value in state.items()})
    assert {key[:7] for key in state} == {"module."}
    assert {value.dtype for value in state.values()} == {torch.float32, torch.int64}


def test_a_wrapped_model_is_saved_like_a_bare_one(tmp_path):
    bare = save_weights(tmp_path / "a.pth", model(), card())
    wrapped = save_weights(tmp_path / "b.pth", nn.DataParallel(model()), card())
    assert bare.weights_sha256 == wrapped.weights_sha256


def test_the_same_weights_give_the_same_bytes(tmp_path, monkeypatch):
    save_weights(tmp_path / "a.pth", model(), card())
    monkeypatch.setattr(os, "getpid", lambda: 12345678)
    save_weights(tmp_path / "longer name.pth", model(), card())
    assert (tmp_path / "a.pth").read_bytes() == (tmp_path / "longer name.pth").read_bytes()


def test_a_view_of_a_large_storage_is_saved_by_itself(tmp_path):
    layer = nn.Linear(2, 2, bias=False)
    layer.weight = nn.Parameter(torch.randn(1000, 1000)[:2, :2])
    save_weights(tmp_path / "a.pth", layer, card())
    assert (tmp_path / "a.pth").stat().st_size < 10_000
    assert torch.equal(read_weights(tmp_path / "a.pth")["weight"], layer.weight)


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    save_weights(tmp_path / "a.pth", model(), card())
    broken = model()
    with torch.no_grad():
        broken.Prediction.bias[3] = float("nan")
    with pytest.raises(WeightsError, match=r"a\.pth: not saved: not finite: module\.Prediction\.bias"):
        save_weights(tmp_path / "a.pth", broken, card())
    assert read_card(tmp_path / "a.pth").iteration == 100


@pytest.mark.parametrize("moment", ["weights written", "card removed", "weights in place"])
def test_half_a_pair_is_never_taken_for_both(tmp_path, monkeypatch, moment):
    """A process that is killed in the middle of replacing a pair leaves the old one, or one that is refused."""
    save_weights(tmp_path / "a.pth", model(seed=0), card())

    class Killed(BaseException):
        pass

    def die(*_, **__):
        raise Killed

    if moment == "weights written":
        monkeypatch.setattr(Path, "unlink", die)
    elif moment == "card removed":
        monkeypatch.setattr(Path, "replace", die)
    else:
        monkeypatch.setattr("train_easyocr.weights.checkpoints.write_json", die)
    with pytest.raises(Killed):
        save_weights(tmp_path / "a.pth", model(seed=1), card(iteration=200))
    monkeypatch.undo()
    if moment == "weights written":
        assert read_card(tmp_path / "a.pth").iteration == 100
    else:
        with pytest.raises(WeightsError, match=r"a\.json: can't be read .*weights and card are a pair"):
            read_card(tmp_path / "a.pth")
    save_weights(tmp_path / "a.pth", model(seed=1), card(iteration=200))
    assert read_card(tmp_path / "a.pth").iteration == 200


def test_a_card_of_other_weights_is_refused(tmp_path):
    save_weights(tmp_path / "a.pth", model(seed=0), card())
    save_weights(tmp_path / "b.pth", model(seed=1), card())
    (tmp_path / "b.json").replace(tmp_path / "a.json")
    with pytest.raises(WeightsError, match=r"a\.json: belongs to other weights: it names SHA-256 \w{64}, a\.pth"):
        read_card(tmp_path / "a.pth")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda values: values.pop("character"), "character: Field required"),
        (lambda values: values.update(iteration="많이"), "iteration: "),
        (lambda values: values.update(extra=1), "extra: "),
        (lambda values: values.update(character="가나"), "num_class is 6, the rest of the card says 3"),
        (lambda values: values.update(img_height=64), "img_height is 32, the rest of the card says 64"),
        (lambda values: values.update(rgb=True), "input_channel is 1, the rest of the card says 3"),
        (lambda values: values["network"].pop("Prediction"), "neither CTC nor Attn: None"),
    ],
)
def test_a_card_that_contradicts_itself_is_refused(tmp_path, change, message):
    save_weights(tmp_path / "a.pth", model(), card())
    values = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    change(values)
    (tmp_path / "a.json").write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(WeightsError, match=rf"a\.json: is not a card of weights: .*{re.escape(message)}"):
        read_card(tmp_path / "a.pth")


def test_a_card_that_is_not_json_is_refused(tmp_path):
    save_weights(tmp_path / "a.pth", model(), card())
    (tmp_path / "a.json").write_bytes(b'{"character": "\xb0\xa1"}')
    with pytest.raises(WeightsError, match=r"a\.json: is not JSON"):
        read_card(tmp_path / "a.pth")


def test_scores_stay_in_their_ranges():
    with pytest.raises(ValidationError, match="norm_ed"):
        card(validation={"accuracy": 94.0, "norm_ed": 98.26, "words": 10})


@pytest.mark.parametrize("prefix", ["module.", ""])
def test_both_spellings_of_keys_are_read(tmp_path, prefix):
    state = model().state_dict()
    torch.save({prefix + key: value for key, value in state.items()}, tmp_path / "a.pth")
    assert list(read_weights(tmp_path / "a.pth")) == list(state)


def test_files_of_older_torch_are_read(tmp_path):
    torch.save(model().state_dict(), tmp_path / "a.pth", _use_new_zipfile_serialization=False)
    assert list(read_weights(tmp_path / "a.pth")) == list(model().state_dict())


class Harmful:
    def __reduce__(self):
        return os.mkdir, ("harm",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "can't be read: No such file"),
        (b"", "is not a file of weights"),
        (b"not weights", "is not a file of weights"),
        (b"PK\x03\x04 cut off", "is not a file of weights"),
        ([1, 2], "holds list; tensors by name are expected"),
        ({}, "holds nothing; tensors by name are expected"),
        ({"model": {}, "epoch": 3}, "holds 'model', 'epoch' among other things; tensors by name"),
        ({"weight": torch.tensor([1.0, float("inf")])}, "can't be used: not finite: weight"),
        (Harmful(), "is not a file of weights"),
    ],
)
def test_what_is_not_weights_is_refused_in_one_line(tmp_path, monkeypatch, content, message):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "가중치.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(WeightsError, match=re.escape(message)) as error:
        read_weights(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "harm").exists()


def test_all_of_a_fitting_file_is_loaded(tmp_path):
    save_weights(tmp_path / "a.pth", model(seed=1), card())
    trained, fresh = model(seed=1), model(seed=2)
    report = load_pretrained(fresh, tmp_path / "a.pth")
    assert report.whole
    assert set(report.kept) == set(fresh.state_dict())
    assert report.describe() == f"{len(report.kept)} weights loaded"
    assert all(torch.equal(value, trained.state_dict()[key]) for key, value in fresh.state_dict().items())


def test_easyocrs_own_file_loads_strictly(tmp_path, monkeypatch):
    files = install_random_weights(tmp_path, monkeypatch, names=("korean_g2",))
    korean = Model(1009)
    report = load_pretrained(korean, files["korean_g2"], strict=True)
    assert report.whole
    assert torch.equal(korean.Prediction.weight, read_weights(files["korean_g2"])["Prediction.weight"])


def misfit(tmp_path):
    """Weights for 8 classes, with a layer that the model lacks and without one that it has."""
    state = model(seed=1, num_class=8).state_dict()
    del state["SequenceModeling.0.rnn.weight_hh_l0"]
    torch.save({**state, "Transformation.fc.weight": torch.zeros(2, 3)}, tmp_path / "a.pth")
    return state


def test_strict_lists_all_that_does_not_fit_and_changes_nothing(tmp_path):
    misfit(tmp_path)
    ours = model()
    with pytest.raises(WeightsError) as error:
        load_pretrained(ours, tmp_path / "a.pth", strict=True)
    for line in (
        "1 not in the file, left fresh:\n  SequenceModeling.0.rnn.weight_hh_l0",
        "2 of another shape, left fresh:",
        "Prediction.weight (8 x 8 in the file, 6 x 8 here)",
        "Prediction.bias (8 in the file, 6 here)",
        "1 in the file alone, not used:\n  Transformation.fc.weight",
        "new_prediction=True",
    ):
        assert line in str(error.value)
    assert all(torch.equal(value, model().state_dict()[key]) for key, value in ours.state_dict().items())


def test_not_strict_takes_what_fits_and_lists_the_rest(tmp_path):
    state = misfit(tmp_path)
    ours = model()
    report = load_pretrained(ours, tmp_path / "a.pth", strict=False)
    assert report.missing == ("SequenceModeling.0.rnn.weight_hh_l0",)
    assert report.unexpected == ("Transformation.fc.weight",)
    assert report.mismatched == (("Prediction.weight", (8, 8), (6, 8)), ("Prediction.bias", (8,), (6,)))
    assert "Prediction.bias" in report.describe()
    for key, value in ours.state_dict().items():
        assert torch.equal(value, state[key] if key in report.kept else model().state_dict()[key]), key


def test_another_character_set_keeps_all_but_the_last_layer(tmp_path):
    state = model(seed=1, num_class=8).state_dict()
    torch.save(state, tmp_path / "a.pth")
    ours = model()
    report = load_pretrained(ours, tmp_path / "a.pth", strict=True, new_prediction=True)
    assert report.whole
    assert report.new_prediction == ("Prediction.weight", "Prediction.bias")
    assert "2 left fresh, as new_prediction asks:\n  Prediction.weight\n  Prediction.bias" in report.describe()
    assert torch.equal(ours.Prediction.weight, model().Prediction.weight)
    assert torch.equal(ours.state_dict()["SequenceModeling.1.linear.bias"], state["SequenceModeling.1.linear.bias"])


def test_a_new_last_layer_is_fresh_even_where_the_old_one_would_fit(tmp_path):
    torch.save(model(seed=1).state_dict(), tmp_path / "a.pth")
    ours = model()
    load_pretrained(ours, tmp_path / "a.pth", new_prediction=True)
    assert torch.equal(ours.Prediction.weight, model().Prediction.weight)


def test_strict_holds_for_the_rest_when_the_last_layer_is_new(tmp_path):
    misfit(tmp_path)
    with pytest.raises(WeightsError, match="SequenceModeling"):
        load_pretrained(model(), tmp_path / "a.pth", strict=True, new_prediction=True)


def test_a_file_of_which_nothing_fits_is_refused_even_when_not_strict(tmp_path):
    torch.save({"backbone.weight": torch.zeros(3)}, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match="does not fit the network"):
        load_pretrained(model(), tmp_path / "a.pth", strict=False)


def test_files_without_batch_counts_are_whole(tmp_path):
    state = {key: value for key, value in model(seed=1).state_dict().items() if "num_batches" not in key}
    torch.save(state, tmp_path / "a.pth")
    assert load_pretrained(model(), tmp_path / "a.pth", strict=True).whole

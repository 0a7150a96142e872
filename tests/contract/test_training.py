"""What step 3 leaves: files, their keys, and the figures of twenty steps of each training."""

import json
import shutil

import pytest
import torch
import yaml

from tests.contract.entry_points import CONFIG_FILES, TRAIN, succeed
from tests.contract.golden import GOLDEN

pytestmark = pytest.mark.slow

LOGS = {"config.yaml", "last_state.pth", "log_dataset.txt", "log_train.jsonl", "log_train.txt", "tensorboard"}
CARD = {"weights_sha256", "trained_on", "iteration", "averaged", "validation", "experiment_name", "config"}


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def log_of(folder):
    return [json.loads(line) for line in (folder / "log_train.jsonl").read_text(encoding="utf-8").splitlines()]


def with_cards(*names):
    return {name + suffix for name in names for suffix in (".pth", ".json")}


def test_files_of_an_experiment(trained, trained_detector):
    wanted = LOGS | with_cards("best_accuracy", "best_norm_ed", "iter_10", "iter_20")
    assert {path.name for path in trained.folder.iterdir()} >= wanted
    wanted = LOGS | with_cards("best_f1", "iter_10", "iter_20")
    assert {path.name for path in trained_detector.folder.iterdir()} >= wanted


def test_a_recognizers_weights_are_a_plain_state_dict_with_keys_and_shapes_for_easyocr(trained):
    for name in ("best_accuracy", "best_norm_ed", "iter_20"):
        state = torch.load(trained.folder / f"{name}.pth", weights_only=True)
        assert {key: list(value.shape) for key, value in state.items()} == GOLDEN["recognizer_shapes"]
        assert all(key.startswith("module.") for key in state)
        assert all(value.dtype in (torch.float32, torch.int64) for value in state.values())


def test_a_detectors_weights(trained_detector):
    state = torch.load(trained_detector.folder / "best_f1.pth", weights_only=True)
    assert sorted(state) == GOLDEN["detector_keys"]


def test_keys_of_the_cards(trained, trained_detector):
    card = read_json(trained.folder / "best_accuracy.json")
    assert card.keys() >= CARD | {
        "character", "network", "rgb", "PAD", "sensitive", "img_height", "img_width", "validation_sets"
    }  # fmt: skip
    assert card["character"] == "가나다라마바사"
    assert card["network"] == {
        "num_class": 8, "input_channel": 1, "output_channel": 16, "hidden_size": 16, "Transformation": "None",
        "FeatureExtraction": "VGG", "SequenceModeling": "BiLSTM", "num_fiducial": 20, "img_height": 32,
        "img_width": 128, "Prediction": "CTC",
    }  # fmt: skip
    assert card["validation"].keys() >= {"accuracy", "norm_ed", "words"}
    card = read_json(trained_detector.folder / "best_f1.json")
    assert card.keys() >= CARD | {"long_side", "network", "parameters"}
    assert card["network"] == "db_light"
    assert card["validation"].keys() >= {"precision", "recall", "f1", "pages", "words"}
    assert set(card["parameters"]) >= {
        "det_db_thresh", "det_db_box_thresh", "det_db_unclip_ratio", "use_dilation", "det_db_score_mode",
        "max_batch_size",
    }  # fmt: skip


@pytest.mark.parametrize(("kind", "file"), [("trained", "config.yaml"), ("trained_detector", "detection.yaml")])
def test_the_settings_as_used_can_be_given_as_settings(request, kind, file):
    """All keys of the default settings are in it, with the values of this run."""
    used = yaml.safe_load((request.getfixturevalue(kind).folder / "config.yaml").read_text(encoding="utf-8"))
    assert set(used) >= set(yaml.safe_load((CONFIG_FILES / file).read_text(encoding="utf-8")))
    assert (used["n_iter"], used["precision"]) == (20, "fp32")


def test_keys_of_the_log(trained, trained_detector):
    common = {"iteration", "training_loss", "batch_size", "processes", "lr", "elapsed"}
    for line in log_of(trained.folder):
        assert line.keys() >= common | {
            "validation_loss", "accuracy", "norm_ed", "best_accuracy", "best_norm_ed", "words", "drawn"
        }  # fmt: skip
    for line in log_of(trained_detector.folder):
        assert line.keys() >= common | {"f1", "precision", "recall", "best_f1"}
    for experiment in (trained, trained_detector):
        text = (experiment.folder / "log_train.txt").read_text(encoding="utf-8")
        assert [line.split(" ")[0] for line in text.splitlines() if line.startswith("[")] == [
            f"[{iteration}/20]" for iteration in range(1, 21)
        ]


@pytest.mark.parametrize(("kind", "tolerance"), [("trained", 1e-4), ("trained_detector", 1e-3)])
def test_twenty_steps_have_the_losses_of_today(request, kind, tolerance):
    """The figures of one processor, within what others make of them.

    Made with AVX-512; with SSE alone (ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41
    MKL_ENABLE_INSTRUCTIONS=SSE4_2 OPENCV_CPU_DISABLE=AVX,AVX2,AVX512_SKX) the recognizer's differ by up to 3e-7, the
    detector's by up to 3e-5. The detector begins with the starter's weights: from fresh ones, batch normalization over
    few pixels makes 5e-3 of that. Where those are replaced, its figures are to be made anew.
    """
    log = log_of(request.getfixturevalue(kind).folder)
    assert [line["training_loss"] for line in log] == pytest.approx(GOLDEN[kind]["training_loss"], rel=tolerance)
    assert [line["lr"] for line in log] == pytest.approx(GOLDEN[kind]["lr"], rel=1e-9)


def test_patches_in_an_lmdb_are_the_same_to_training(trained, prepared_lmdb):
    from_lmdb = trained.folder.with_name("lmdb")
    succeed(TRAIN, *trained.settings, f"output={prepared_lmdb}", "experiment_name=lmdb")
    assert (from_lmdb / "iter_20.pth").read_bytes() == (trained.folder / "iter_20.pth").read_bytes()


def test_stopped_and_run_again_it_has_the_same_bits_on_the_same_machine(trained):
    """A second experiment of the same settings, stopped once, ends with the same weights and log."""
    again = trained.folder.with_name("다시")
    settings = [*trained.settings, "experiment_name=다시"]
    succeed(TRAIN, *settings, "--minutes", "1e-9")
    assert log_of(again)[-1]["iteration"] < 20
    succeed(TRAIN, *settings)
    for name in ("best_accuracy.pth", "best_norm_ed.pth", "iter_20.pth"):
        assert (again / name).read_bytes() == (trained.folder / name).read_bytes(), name
    assert [line["training_loss"] for line in log_of(again)] == [
        line["training_loss"] for line in log_of(trained.folder)
    ]
    shutil.rmtree(again)

"""The detector's training: it learns, and says what is wrong."""

import json

import numpy as np
import pytest
import torch

from tests.detection.page_files import WORDS, draw_page, write_page
from tests.engine.cases import SECOND
from train_easyocr.common.errors import UserError, WeightsError
from train_easyocr.detection import task as training
from train_easyocr.detection.config import DetectionConfig
from train_easyocr.detection.db_boxes import DbParameters
from train_easyocr.detection.db_detector import open_db_light
from train_easyocr.detection.interface import DetectorParameters, WordDetector
from train_easyocr.detection.loading import PieceBatch, StepPlan
from train_easyocr.detection.train import main
from train_easyocr.documents.page_sums import page_sum
from train_easyocr.engine.distributed import Processes
from train_easyocr.weights.checkpoints import read_weights, trained_on

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.slow]


@pytest.fixture
def folder(tmp_path):
    """Two pages to train on, and the same two to be validated on."""
    for split in ("training", "validation"):
        write_page(tmp_path / split, "first")
        write_page(tmp_path / split, "second", boxes=SECOND)
    return tmp_path


def config_of(folder, **settings):
    small = {"long_side": 256, "crop_size": 96, "batch_size": 2, "workers": 0, "n_iter": 6, "val_period": 2}
    places = {"train_data": folder / "training", "val_data": folder / "validation", "saved_models": folder / "saved"}
    values = {key: str(value) for key, value in places.items()} | {"precision": "fp32", "lr": 0.003} | small | settings
    return DetectionConfig(**values)


def weights(folder, name="korean_detector"):
    return read_weights(folder / "saved" / name / "best_f1.pth")


def state_of(folder):
    return torch.load(folder / "saved" / "korean_detector" / "last_state.pth", weights_only=True)


def test_it_learns_two_pages_by_heart(folder, capsys):
    config = config_of(folder, n_iter=70, val_period=35, crop_size=256, augmentation="off")
    training.train(config)
    card = json.loads((config.experiment / "best_f1.json").read_text())
    assert card["validation"]["f1"] == 1.0 and card["validation"]["words"] == len(WORDS) + len(SECOND)
    said = capsys.readouterr().out
    assert "Warning: 2 training pages are few" in said and "Best F1" in said
    detector: WordDetector = open_db_light(config.experiment / "best_f1.pth", cuda=False, precision="fp32")
    page = np.repeat(draw_page(WORDS)[..., None], 3, 2)
    found = detector.boxes(detector.score_maps(page))
    assert len(found) == len(WORDS)
    together = detector.score_maps_of([page, page[:100], page])
    np.testing.assert_allclose(together[2].maps, detector.score_maps(page).maps, atol=1e-5)
    assert together[1].page_size == (256, 100) and together[1].scale == 2
    assert detector.with_parameters(DbParameters(det_db_thresh=0.9)).parameters.det_db_thresh == 0.9
    with pytest.raises(TypeError):
        detector.with_parameters(DetectorParameters())


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("better", [False, True])
def test_the_best_file_holds_the_weights_or_their_average(folder, monkeypatch, capsys, better):
    """Which of them it is, their F1 decides."""
    scores = iter([(3, 4, 8, 2), (4 if better else 2, 4, 8, 2)])
    monkeypatch.setattr(training, "scores_of", lambda counts, real=training.scores_of: real(next(scores)))
    config = config_of(folder, ema=0.5, n_iter=2, save_period=2)
    training.train(config)
    state, best = state_of(folder), weights(folder)
    average = {key.removeprefix("module."): value for key, value in state["average"].items() if key != "n_averaged"}
    assert not same(state["model"], average)
    assert same(best, average if better else state["model"])
    assert json.loads((config.experiment / "best_f1.json").read_text())["averaged"] is better
    assert (config.experiment / "iter_2.pth").is_file() and (config.experiment / "iter_2_ema.pth").is_file()
    assert f"averaged weights: {0.6667 if better else 0.3333}" in capsys.readouterr().out
    assert json.loads((config.experiment / "log_train.jsonl").read_text())["ema_f1"] == pytest.approx(
        2 / 3 if better else 1 / 3
    )


def test_other_labels_are_refused(folder):
    training.train(config_of(folder), minutes=1e-9)
    write_page(folder / "training", "third")
    with pytest.raises(UserError, match="pages or label files have changed"):
        training.train(config_of(folder))


@pytest.mark.parametrize("split", ["training", "validation"])
def test_a_run_that_is_done_is_not_taken_for_one_on_other_pages(folder, capsys, split):
    training.train(config_of(folder, n_iter=1))
    log = (folder / "saved/korean_detector/log_dataset.txt").read_bytes()
    (folder / "training").rename(folder / "옮김")
    moved = {"train_data": str(folder / "옮김")}
    training.train(config_of(folder, n_iter=1, **moved))
    assert "all 1 iterations are done" in capsys.readouterr().out
    write_page(folder / ("옮김" if split == "training" else "validation"), "셋째")
    with pytest.raises(UserError, match=f"have changed since:\n  - {split.title()}: 3 pages now\n"):
        training.train(config_of(folder, n_iter=1, **moved))
    assert (folder / "saved/korean_detector/log_dataset.txt").read_bytes() == log


def test_the_card_keeps_the_pages_that_weights_learnt_from(folder):
    def sums(*names):
        return {page_sum((folder / "training" / "images" / f"{name}.png").read_bytes()) for name in names}

    def learnt(name="korean_detector"):
        return trained_on(folder / "saved" / name / "best_f1.pth")

    write_page(folder / "training", "셋째")
    (folder / "training" / "images" / "first.png").write_bytes(b"")  # teaches nothing
    training.train(config_of(folder, n_iter=1, batch_size=3))
    assert learnt() == sums("second", "셋째")
    start = str(folder / "saved" / "korean_detector" / "best_f1.pth")
    write_page(folder / "other", "다른 쪽", boxes=SECOND[:2])
    settings = {"train_data": str(folder / "other"), "experiment_name": "next", "continue_from": start, "n_iter": 2}
    training.train(config_of(folder, batch_size=1, **settings), minutes=1e-9)
    (folder / "saved" / "korean_detector" / "best_f1.json").unlink()
    training.train(config_of(folder, batch_size=1, **settings))
    other = page_sum((folder / "other" / "images" / "다른 쪽.png").read_bytes())
    assert learnt("next") == sums("second", "셋째") | {other}


def test_it_starts_from_other_weights(folder, capsys):
    training.train(config_of(folder, n_iter=1))
    start = str(folder / "saved" / "korean_detector" / "best_f1.pth")
    training.train(config_of(folder, n_iter=1, experiment_name="next", continue_from=start, lr=1e-12))
    assert "weights loaded" in capsys.readouterr().out
    before, after = weights(folder), weights(folder, "next")
    assert torch.allclose(before["probability.1.weight"], after["probability.1.weight"], atol=1e-6)


def test_a_page_that_can_not_be_read_teaches_nothing_and_is_named(folder, capsys):
    (folder / "training" / "images" / "first.png").write_bytes(b"")
    training.train(config_of(folder, n_iter=2))
    assert "left out: first: is no JPEG, PNG, TIFF, BMP or WebP image" in capsys.readouterr().out


def test_the_words_of_processes_together_are_those_of_one():
    config = DetectionConfig(dataset=".", batch_size=5)
    alone = StepPlan(7, config, Processes())
    parts = [StepPlan(7, config, Processes(rank, 2, rank)) for rank in range(2)]
    for step in range(4):
        assert alone.samples(step) == [sample for part in parts for sample in part.samples(step)]
    first = [sample for step in range(7) for sample in alone.samples(step)]
    assert sorted(first) == sorted((page, epoch) for epoch in range(5) for page in range(7))


def test_the_command_says_what_is_wrong(folder, capsys):
    assert main(["long_side=1", "lr=x"]) == 2
    error = capsys.readouterr().err
    assert "long_side" in error and "lr" in error
    assert main(["train_data=nowhere", f"val_data={folder}"]) == 1
    assert "train_data: nowhere: there is no such folder" in capsys.readouterr().err
    assert main([f"train_data={folder / 'training'}", f"val_data={folder}", f"saved_models={folder}"]) == 1
    # Labels of two folders that name the same images: whose they are can't be told.
    error = capsys.readouterr().err
    assert "no image has labels in the form aihub (training/labels/first.json: several images of its name)" in error
    images = folder / "validation" / "images"
    assert main([f"train_data={folder / 'training'}", f"val_data={images}", f"saved_models={folder}"]) == 1
    assert "holds no labels that can be read" in capsys.readouterr().err


def test_a_detector_needs_its_card(folder):
    training.train(config_of(folder, n_iter=1))
    path = folder / "saved" / "korean_detector" / "best_f1.pth"
    path.with_suffix(".json").unlink()
    with pytest.raises(WeightsError, match="pair"):
        open_db_light(path)


def test_a_gpu_copies_all_of_a_batch_while_it_computes(monkeypatch):
    # Without a GPU there is no memory to pin; what torch's DataLoader calls on such a machine is a batch's own method.
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor + 100)
    batch = PieceBatch(torch.zeros(1, 1, 2, 2), torch.ones(1, 3, 2, 2), [(0, 0)], ["fault"]).pin_memory()
    assert (batch.images.unique().item(), batch.targets.unique().item()) == (100, 101)
    assert (batch.samples, batch.faults) == ([(0, 0)], ["fault"])

"""The trainer's recipe: regularisation, accumulation, averaged weights, centre loss, early stopping, and resuming."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from tests.engine.cases import assert_equal_runs, figures, killed_at, state_of
from tests.engine.test_distributed import differences, own_statistics, together  # noqa: F401 - a fixture
from tests.recognition.test_training import a_trainer
from tests.recognition.word_sets import WORDS, tiny_config, write_set
from train_easyocr.engine import trainer as loop
from train_easyocr.engine.averaging import AverageOfWeights
from train_easyocr.engine.distributed import Processes
from train_easyocr.engine.optimizers import split_parameters
from train_easyocr.engine.trainer import Trainer
from train_easyocr.recognition import task as training
from train_easyocr.recognition.center_loss import PACE, CenterLoss
from train_easyocr.recognition.optimizers import describe_rate, make_optimizer, make_schedule
from train_easyocr.recognition.task import train
from train_easyocr.recognition.validation import Validation
from train_easyocr.settings.config import load_config
from train_easyocr.weights.checkpoints import best_weights, read_card, read_weights

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.slow]


# --- Learning rate and optimizer ---


def test_auto_follows_the_batch_and_says_why(data, capsys):
    trained, fresh = (tiny_config(lr="auto", batch_size=32, continue_from=start) for start in ("korean_g2", ""))
    assert make_schedule(trained).lr == pytest.approx(2.5e-5)
    assert make_schedule(fresh).lr == pytest.approx(1e-3)
    assert "lr: auto is 2.5e-05 for batches of 32, in proportion to 0.0001 for batches of 128" in describe_rate(trained)
    config = tiny_config(data, lr="auto", n_iter=1)
    train(config)
    assert "lr: auto is 0.000125 for batches of 4" in capsys.readouterr().out
    assert figures(config)[0]["lr"] == pytest.approx(0.000125)


def test_the_published_pair_in_one_setting():
    config = load_config(overrides=["lr=auto", "batch_size=128", "lr_scheduler=piecewise", "n_iter=1000"])
    rates = [make_schedule(config).rate(step) for step in (20, 799, 800, 999)]
    assert rates == pytest.approx([1e-4, 1e-4, 2e-5, 2e-5])


@pytest.mark.parametrize("scheduler", ["piecewise", "cosine"])
def test_the_trainer_goes_by_the_schedule(data, scheduler):
    config = tiny_config(data, lr_scheduler=scheduler, n_iter=6, val_period=1, warmup=2, lr_decay_points="4")
    train(config)
    schedule = make_schedule(config)
    assert [line["lr"] for line in figures(config)] == [schedule.rate(step) for step in range(6)]


def model_of_two_layers():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "adadelta"])
def test_biases_and_normalizations_do_not_decay(optimizer):
    model = model_of_two_layers()
    decayed, others = split_parameters(model.parameters())
    assert [parameter.dim() for parameter in decayed + others] == [4, 1, 1, 1]
    config = tiny_config(optimizer=optimizer, weight_decay=0.1, lr=0.001)
    before = [parameter.detach().clone() for parameter in decayed + others]
    steps = make_optimizer(model, config, torch.device("cpu"))
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    steps.step()
    assert (decayed[0].abs() < before[0].abs()).all()
    assert all(torch.equal(now, then) for now, then in zip(others, before[1:], strict=True))
    if optimizer == "adamw":
        assert torch.allclose(decayed[0], before[0] * (1 - 0.001 * 0.1))


def test_frozen_parameters_are_not_the_optimizers():
    model = model_of_two_layers()
    model[0].requires_grad_(False)
    groups = make_optimizer(model, tiny_config(), torch.device("cpu")).param_groups
    assert [len(group["params"]) for group in groups] == [0, 2]


def test_l1_is_the_gradient_of_the_sum_of_absolute_weights(data):
    gradients = []
    for l1 in (0.0, 0.003):
        trainer, model, batch = a_trainer(data, l1=l1, grad_clip=1e9)
        before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
        trainer._optimizer.step = lambda: None
        trainer._step(batch)
        gradients.append({name: parameter.grad.clone() for name, parameter in model.named_parameters()})
    for name, weight in before.items():
        penalty = 0.003 * weight.sign() if weight.dim() > 1 else torch.zeros_like(weight)
        assert torch.allclose(gradients[1][name] - gradients[0][name], penalty, atol=1e-6), name


# --- Accumulation ---


@pytest.mark.parametrize("head", ["CTC", "Attn"])
@pytest.mark.parametrize("optimizer", ["adam", "adadelta"])
def test_a_batch_in_parts_gives_the_step_of_the_whole(data, head, optimizer):
    settings = {"Prediction": head, "optimizer": optimizer, "batch_size": 7}
    results = []
    for parts in (1, 2, 3, 7):
        trainer, model, batch = a_trainer(data, accumulation=parts, **settings)
        model.eval()  # each part has statistics of its own, which is the one thing that is not the same
        trainer._optimizer.step = lambda: None
        loss = trainer._step(batch)
        results.append((loss, torch.cat([parameter.grad.flatten() for parameter in model.parameters()])))
    whole_loss, whole = results[0]
    for loss, gradient in results[1:]:
        assert loss == pytest.approx(whole_loss, rel=1e-5)
        assert (gradient - whole).norm() < 1e-5 * whole.norm()


def test_a_batch_in_parts_trains(data):
    config = tiny_config(data, accumulation=2, n_iter=30, val_period=15, lr=0.01)
    train(config)
    losses = [line["training_loss"] for line in figures(config)]
    assert losses[1] < 0.8 * losses[0]


# --- Averaged weights ---


def test_the_average_is_the_moving_one_of_weights_and_statistics():
    model = model_of_two_layers()
    average = AverageOfWeights(model, 0.6)
    expected = None
    for step in range(12):
        with torch.no_grad():
            for value in (*model.parameters(), model[1].running_mean, model[1].running_var):
                value.add_(torch.randn_like(value))
        model[1].num_batches_tracked += 1
        average.update(model)
        values = [value.double() for value in model.state_dict().values() if value.is_floating_point()]
        kept = min(0.6, (1 + step) / (10 + step))
        pairs = zip(expected, values, strict=True) if expected else ()
        expected = [kept * old + (1 - kept) * new for old, new in pairs] or values
    found = [value.double() for value in average.model.state_dict().values() if value.is_floating_point()]
    for value, other in zip(found, expected, strict=True):
        assert torch.allclose(value, other, rtol=1e-4, atol=1e-5)
    assert average.model[1].num_batches_tracked == 12
    again = AverageOfWeights(model_of_two_layers(), 0.6)
    again.load_state_dict(average.state_dict())
    again.update(model)
    average.update(model)
    for value, other in zip(again.model.state_dict().values(), average.model.state_dict().values(), strict=True):
        assert torch.equal(value, other)


def test_averaged_weights_are_validated_and_saved_beside_the_raw_ones(data, capsys):
    config = tiny_config(data, ema=0.9, n_iter=60, val_period=20, save_period=40, lr=0.01)
    train(config)
    output = capsys.readouterr().out
    lines = figures(config)
    card = read_card(config.experiment / "best_norm_ed_ema.pth")
    assert card.averaged
    assert not read_card(config.experiment / "best_norm_ed.pth").averaged
    assert card.validation.norm_ed == max(line["ema_norm_ed"] for line in lines)
    assert read_card(config.experiment / "iter_40_ema.pth").iteration == 40
    assert "Averaged weights: accuracy" in output
    best = state_of(config)["best"]
    assert f"With averaged weights {best['ema_accuracy']:.3f} and {best['ema_norm_ed']:.4f}; step 4 takes " in output
    # What the file holds is what the state holds, statistics included.
    if card.iteration == 60:
        saved = read_weights(config.experiment / "best_norm_ed_ema.pth")
        state = state_of(config)["average"]
        assert all(torch.equal(value, state[f"module.{key}"]) for key, value in saved.items())
    raw = state_of(config)["model"]["Prediction.weight"]
    assert not torch.equal(raw, state_of(config)["average"]["module.Prediction.weight"])


def test_without_an_average_there_are_no_files_of_it(data):
    config = tiny_config(data, n_iter=2)
    train(config)
    assert not list(config.experiment.glob("*_ema*"))
    assert best_weights(config.experiment) == config.experiment / "best_accuracy.pth"


@pytest.mark.parametrize(("raw", "averaged", "name"), [(50, 60, "_ema"), (60, 50, ""), (50, 50, "")])
def test_step_4_takes_the_better_ones(data, monkeypatch, raw, averaged, name):
    results = itertools.cycle([raw, averaged])
    monkeypatch.setattr(training.Validator, "run", lambda *_: Validation(1, next(results), 0.5, 12, ()))
    config = tiny_config(data, n_iter=1, ema=0.5)
    train(config)
    assert best_weights(config.experiment) == config.experiment / f"best_accuracy{name}.pth"


# --- Centre loss ---


def test_the_centre_loss_and_its_centres():
    centers = CenterLoss(4, 3, weight=0.5)
    classes = torch.tensor([[0, 1, 1, 2], [3, 0, 0, 0], [0, 0, 0, 0]])
    logits = nn.functional.one_hot(classes, 4).float()
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(3, 4, 3, generator=generator, requires_grad=True)
    assert centers(features, logits).tolist() == [0, 0, 0]  # no centre is known yet
    centers.update(Processes())
    with torch.no_grad():
        ones = features[0, 1:3].mean(0)
        assert torch.allclose(centers.centers, torch.stack([torch.zeros(3), ones, features[0, 3], features[1, 0]]))
    assert centers.known.flatten().tolist() == [False, True, True, True]
    moved = (features.detach() + torch.randn(3, 4, 3, generator=generator)).requires_grad_()
    losses = centers(moved, logits)
    now = moved.detach().numpy()
    before = centers.centers.numpy().copy()
    squares = [((now[0, t] - before[c]) ** 2).mean() / 2 for t, c in ((1, 1), (2, 1), (3, 2))]
    expected = [0.5 * np.mean(squares), 0.5 * ((now[1, 0] - before[3]) ** 2).mean() / 2, 0]
    assert losses.tolist() == pytest.approx(expected, rel=1e-5)
    losses.sum().backward()
    assert (moved.grad[0, 0] == 0).all()  # a step that reads nothing is left out
    assert (moved.grad[0, 1] != 0).all()
    centers.update(Processes())
    step = PACE * ((before[1] - now[0, 1]) + (before[1] - now[0, 2])) / (1 + 2)
    assert np.allclose(centers.centers[1].numpy(), before[1] - step, atol=1e-6)
    kept = centers.centers.clone()
    centers(torch.full((3, 4, 3), float("inf")), logits)
    centers.forget()
    centers(features.detach(), logits)
    centers.update(Processes())
    assert centers.centers.isfinite().all()
    assert not torch.equal(centers.centers, kept)


def test_the_centre_loss_draws_features_together(data):
    # From a network that knows its words: what a beginner takes for blanks is chance.
    settings = {"n_iter": 300, "val_period": 300, "lr": 0.005, "batch_size": 8, "output_channel": 32}
    learnt = tiny_config(data, experiment_name="learnt", **settings)
    train(learnt)
    spreads = []
    for weight in (0.0, 0.5):
        settings |= {"n_iter": 60, "val_period": 60, "lr": 0.001}
        trainer, model, batch = a_trainer(data, center_loss=weight, experiment_name=f"weight {weight}", **settings)
        model.load_state_dict(read_weights(learnt.experiment / "best_accuracy.pth"))
        trainer.run()
        model.eval()
        with torch.no_grad():
            features = model.features(trainer._task.device.input(batch.images))
            classes = model.Prediction(features).argmax(2)
        groups = [features[classes == value] for value in classes.unique().tolist() if value]
        scale = features[classes > 0].var(0).mean()
        spreads.append(float(np.mean([group.var(0).mean() / scale for group in groups if len(group) > 1])))
    assert spreads[1] < 0.9 * spreads[0]


# --- All together ---

EVERYTHING = {
    "n_iter": 8,
    "val_period": 3,
    "save_period": 5,
    "lr": "auto",
    "lr_scheduler": "piecewise",
    "warmup": 2,
    "lr_decay_points": "0.5",
    "optimizer": "adamw",
    "weight_decay": 0.01,
    "l1": 1e-5,
    "accumulation": 2,
    "ema": 0.8,
    "center_loss": 0.1,
    "early_stopping": 3,
    "augmentation": "strong",
    "augmentation_probability": 0.9,
}


def test_with_everything_on_a_killed_run_ends_as_if_it_had_not_been(data, monkeypatch):
    settings = EVERYTHING | {"precision": "auto"}
    whole = tiny_config(data, experiment_name="whole", **settings)
    train(whole)
    kills = [(Trainer, "_step", 4, True), (Trainer, "_keep_best", 2, True), (loop, "save_state", 2, False)]
    for number, kill in enumerate(kills):
        config = tiny_config(data, experiment_name=f"killed {number}", workers=number % 2, **settings)
        killed_at(monkeypatch, train, config, kill)
        train(config)
        assert_equal_runs(config, whole)
        ours, theirs = state_of(config), state_of(whole)
        for part in ("average", "centers"):
            assert ours[part].keys() == theirs[part].keys()
            assert all(torch.equal(value, theirs[part][key]) for key, value in ours[part].items())
        assert ours["stale"] == theirs["stale"]
        for name in ("best_norm_ed_ema.pth", "iter_5_ema.pth"):
            assert (config.experiment / name).read_bytes() == (whole.experiment / name).read_bytes()


@pytest.mark.usefixtures("own_statistics")
def test_with_everything_on_two_processes_give_the_weights_of_one(data):
    # Parts of parts have other statistics, which one process has not; so each process computes its share whole.
    settings = EVERYTHING | {"accumulation": 1, "batch_size": 5, "n_iter": 6}
    one = tiny_config(data, experiment_name="one", **settings)
    train(one)
    two = tiny_config(data, experiment_name="two", **settings)
    assert together(lambda rank: train(two)) == [True, True]
    assert max(differences(one, two).values()) < 1e-4
    ours, theirs = state_of(one), state_of(two)
    assert torch.allclose(ours["centers"]["centers"], theirs["centers"]["centers"], atol=1e-4)
    assert torch.allclose(
        ours["average"]["module.Prediction.weight"], theirs["average"]["module.Prediction.weight"], atol=1e-5
    )
    for line, other in zip(figures(one), figures(two), strict=True):
        assert other["ema_norm_ed"] == pytest.approx(line["ema_norm_ed"], abs=0.02)


def test_two_processes_compute_their_shares_in_parts(data):
    settings = {"accumulation": 2, "batch_size": 5, "n_iter": 3, "FeatureExtraction": "ResNet"}
    config = tiny_config(data, **settings)
    assert together(lambda rank: train(config)) == [True, True]
    assert state_of(config)["iteration"] == 3
    small = tiny_config(data, experiment_name="small", **settings | {"batch_size": 3})
    errors = together(lambda rank: train(small))
    assert any("3 words can't be divided over 2 processes in 2 parts each" in str(error) for error in errors)


def test_the_checks_speak(data, capsys):
    write_set(data / "training" / "many", [*WORDS[:11], "사라마바사라마바사라마바사라"])
    write_set(data / "validation" / "many", WORDS * 42)
    config = tiny_config(data, select_data="many", n_iter=1, img_width=128, batch_max_length=20)
    train(config)
    output = capsys.readouterr().out
    assert "Note: 12 training words are few" in output
    assert "many: 1 of 12 words (8.3 %) are wider than img_width: 128 at img_height: 32 and are squeezed" in output
    assert "Accuracy on 12 training words: " in output
    assert "Note: accuracy 0 is normal in the first iterations" in output
    assert "Note: 12 training words are few" in (config.experiment / "log_dataset.txt").read_text(encoding="utf-8")
    assert "training_accuracy" in figures(config)[0]

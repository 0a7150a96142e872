"""The one loop, over a toy, the recognizer and the detector: parts of a run give what the run in one piece gives."""

import json
import os
import signal

import pytest
import torch

from tests.engine.cases import (
    DETECTOR,
    RECOGNIZER,
    TOY,
    Case,
    assert_equal,
    assert_equal_runs,
    every_case,
    figures,
    killed_at,
    state_of,
)
from tests.engine.toy_task import ToyTask
from train_easyocr.common.errors import Interrupted, UsageError, UserError
from train_easyocr.engine import trainer
from train_easyocr.engine.logs import RunLog
from train_easyocr.engine.state import STATE
from train_easyocr.engine.trainer import Trainer
from train_easyocr.weights.checkpoints import read_weights

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.slow]

KILLS = [
    (Trainer, "_step", 1, False),
    (Trainer, "_step", 6, False),
    (Trainer, "_step", 4, True),
    (Trainer, "_validate", 2, False),
    (Trainer, "_keep_best", 2, True),
    (Trainer, "_save_weights", 1, False),
    (Trainer, "_save_weights", 2, True),
    (Trainer, "_log_validation", 2, True),
    (RunLog, "record", 2, True),
    (trainer, "save_state", 1, False),
    (trainer, "save_state", 2, False),
    (trainer, "save_state", 2, True),
]
ALL_ON = {"ema": 0.8, "accumulation": 2, "early_stopping": 5}


@pytest.mark.parametrize("settings", [{}, ALL_ON], ids=["plain", "all on"])
@every_case
def test_killed_at_any_moment_it_ends_as_if_it_had_not_been(tmp_path, monkeypatch, case, settings):
    whole = case.settings(tmp_path, experiment_name="whole", **settings)
    case.train(whole)
    assert [line["iteration"] for line in figures(whole)] == [3, 5, 6, 8]
    kills = KILLS if case is TOY else KILLS[:: 3 if settings else 2]
    for number, kill in enumerate(kills):
        config = case.settings(tmp_path, experiment_name=f"killed {number}", workers=number % 2, **settings)
        killed_at(monkeypatch, case.train, config, kill)
        case.train(config)
        assert_equal_runs(config, whole)


@every_case
def test_it_can_be_killed_again_and_again(tmp_path, monkeypatch, case):
    whole = case.settings(tmp_path, experiment_name="whole")
    case.train(whole)
    config = case.settings(tmp_path, experiment_name="parts")
    for call in (2, 5, 4, 2):
        killed_at(monkeypatch, case.train, config, (Trainer, "_step", call, False))
    case.train(config.model_copy(update={"workers": 1}))
    assert_equal_runs(config, whole)


STOPS = {
    "in a step": (signal.SIGTERM, 2, 2),
    "Ctrl-C": (signal.SIGINT, 2, 2),
    "in a validation": (signal.SIGTERM, 1, 3),
    "in the last validation": (signal.SIGTERM, 4, 8),
}
"""When a signal comes: at which call of a step or a validation, and the iteration that is saved then."""


@pytest.mark.parametrize("when", STOPS)
@every_case
def test_asked_to_stop_it_saves_and_goes_on(tmp_path, monkeypatch, case, when):
    number, call, iteration = STOPS[when]
    whole = case.settings(tmp_path, experiment_name="whole")
    case.train(whole)
    owner, name = (case.kind, "validate") if "validation" in when else (Trainer, "_step")
    original, calls = getattr(owner, name), []

    def asking(self, *arguments, **keywords):
        calls.append(1)
        if len(calls) == call:
            os.kill(os.getpid(), number)
        return original(self, *arguments, **keywords)

    config = case.settings(tmp_path, experiment_name="parts")
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, asking)
        with pytest.raises(Interrupted, match="running the same command again goes on from there"):
            case.train(config)
    assert len(calls) == call
    assert state_of(config)["iteration"] == iteration
    case.train(config)
    assert_equal_runs(config, whole)


@every_case
def test_it_stops_when_time_is_up_validated_and_goes_on(tmp_path, capsys, case):
    whole, config = (case.settings(tmp_path, experiment_name=name) for name in ("whole", "parts"))
    case.train(whole)
    case.train(config, minutes=1e-9)
    assert "time is up after 1 of 8 iterations" in capsys.readouterr().out
    assert [line["iteration"] for line in figures(config)] == [1]
    case.train(config)
    assert [line["iteration"] for line in figures(config)] == [1, 3, 5, 6, 8]
    for key in ("model", "optimizer", "random"):
        assert_equal(state_of(config)[key], state_of(whole)[key])
    capsys.readouterr()
    case.train(config)
    assert "all 8 iterations are done" in capsys.readouterr().out


@every_case
def test_other_settings_are_refused(tmp_path, case):
    config = case.settings(tmp_path)
    case.train(config)
    before = (config.experiment / STATE).read_bytes()
    with pytest.raises(UsageError) as error:
        case.train(config.model_copy(update={"n_iter": 9, "lr": 0.5, "batch_size": 3}))
    said = f"- lr: {config.lr} before, 0.5 now", f"- batch_size: {config.batch_size} before, 3 now"
    for line in (*said, "- n_iter: 8 before, 9 now", "choose another experiment_name"):
        assert line in str(error.value)
    assert (config.experiment / STATE).read_bytes() == before
    case.train(config.model_copy(update={"val_period": 2, "early_stopping": 1, "workers": 1, "compile": "on"}))


@every_case
def test_a_constant_learning_rate_lets_a_run_grow(tmp_path, case):
    settings = {"lr_scheduler": "constant", "val_period": 2, "save_period": 100}
    whole = case.settings(tmp_path, experiment_name="whole", n_iter=6, **settings)
    case.train(whole)
    for n_iter in (4, 6):
        config = case.settings(tmp_path, experiment_name="grown", n_iter=n_iter, **settings)
        case.train(config)
    for key in ("model", "optimizer", "random", "best"):
        assert_equal(state_of(config)[key], state_of(whole)[key])
    assert figures(config) == figures(whole)


@every_case
def test_averaged_weights_are_saved_beside_the_raw_ones(tmp_path, case):
    config = case.settings(tmp_path, ema=0.9, save_period=4)
    case.train(config)
    state, files = state_of(config), {path.name for path in config.experiment.glob("*.pth")}
    assert {"iter_4.pth", "iter_4_ema.pth", "iter_8.pth", "iter_8_ema.pth"} <= files
    apart = {name for name in files if name.startswith("best") and name.endswith("_ema.pth")}
    assert bool(apart) == case.kind.average_apart == any(key.startswith("ema_") for key in state["best"])
    averaged, raw = (read_weights(config.experiment / f"iter_8{suffix}.pth") for suffix in ("_ema", ""))
    for key, value in raw.items():
        assert torch.equal(value, state["model"][key])
        assert torch.equal(averaged[key], state["average"][f"module.{key}"])
    assert any(not torch.equal(value, averaged[key]) for key, value in raw.items())


@every_case
def test_it_stops_when_nothing_gets_better_and_goes_on_when_told_to(tmp_path, monkeypatch, capsys, case):
    course, original, names = [0.1, 0.5, 0.4, 0.6, 0.5, 0.4, 0.3, 0.2], case.kind.validate, []

    def validated(self, model, iteration, check, *, averaged):
        self.course = course[iteration - 1]
        return original(self, model, iteration, check, averaged=averaged)

    def scored(self, result, scores=case.kind.scores):
        names.extend(scores(self, result))
        return dict.fromkeys(scores(self, result), self.course)

    monkeypatch.setattr(case.kind, "validate", validated)
    monkeypatch.setattr(case.kind, "scores", scored)
    config = case.settings(tmp_path, early_stopping=2, val_period=1)
    case.train(config)
    assert [line["iteration"] for line in figures(config)] == [1, 2, 3, 4, 5, 6]
    said = "stopped early, after 6 of 8 iterations: no new best in 2 validations"
    assert said in capsys.readouterr().out
    assert state_of(config)["best"] == dict.fromkeys(names, 0.6)
    case.train(config)
    assert said in capsys.readouterr().out and len(figures(config)) == 6
    case.train(config.model_copy(update={"early_stopping": 0}))
    whole = case.settings(tmp_path, experiment_name="whole", val_period=1)
    case.train(whole)
    assert_equal_runs(config, whole)


@every_case
def test_a_loss_that_is_not_finite_stops_it_and_is_named(tmp_path, monkeypatch, case):
    original, calls = case.kind.loss, []

    def spoiled(self, network, part):
        calls.append(1)
        return original(self, network, part) * (float("nan") if len(calls) > 5 else 1)

    monkeypatch.setattr(case.kind, "loss", spoiled)
    config = case.settings(tmp_path)
    with pytest.raises(UserError) as error:
        case.train(config)
    message = str(error.value).splitlines()
    assert message[0].startswith("iteration 6: the loss is nan")
    assert message[0].endswith(f"The {case.kind.length.unit} of the batch:")
    assert len(message) == 1 + config.batch_size
    state = state_of(config)
    assert state["iteration"] == 5
    assert all(value.isfinite().all() for value in state["model"].values())


@every_case
def test_a_compiled_run_has_the_same_weights_under_the_same_names_and_goes_on(tmp_path, monkeypatch, case):
    graphs = []

    def backend(graph, inputs):  # without a C compiler's minutes
        graphs.append(graph)
        return graph.forward

    monkeypatch.setattr(trainer, "BACKEND", backend)
    torch._dynamo.reset()
    settings = {"n_iter": 4, "lr_scheduler": "constant", "val_period": 2, "ema": 0.5}
    plain = case.settings(tmp_path, experiment_name="plain", **settings)
    case.train(plain)
    assert not graphs
    compiled = case.settings(tmp_path, experiment_name="compiled", compile="on", **settings)
    case.train(compiled.model_copy(update={"n_iter": 2}))
    case.train(compiled)
    assert 1 <= len(graphs) <= 10  # whatever the number of widths and of samples
    ours, theirs = state_of(plain)["model"], state_of(compiled)["model"]
    assert ours.keys() == theirs.keys()
    for key, value in ours.items():
        assert torch.allclose(value, theirs[key], rtol=1e-3, atol=1e-4), key


class PrunedStudent(ToyTask):
    """Learns from a teacher beside the points, with every other unit of its first layer kept at zero."""

    def build(self):
        self.teacher, self.model = super().build().eval(), super().build()
        return self.model

    def loss(self, network, part):
        with torch.no_grad():
            wanted = self.teacher(self.inputs[part])
        return super().loss(network, part) + 0.5 * (network(self.inputs[part]) - wanted).square().sum()

    def after_step(self, *, finite):
        with torch.no_grad():
            self.model[0].weight[::2] = 0


def test_a_task_may_add_a_teacher_to_another_one_and_keep_its_model_pruned(tmp_path, monkeypatch):
    case = Case(PrunedStudent, TOY.settings)
    plain, whole = (case.settings(tmp_path, experiment_name=name, ema=0.5) for name in ("plain", "whole"))
    TOY.train(plain)
    case.train(whole)
    assert state_of(whole)["loss"] == state_of(plain)["loss"] == [0.0, 0]
    assert figures(whole)[0]["training_loss"] > figures(plain)[0]["training_loss"]
    for suffix in ("", "_ema"):
        weight = read_weights(whole.experiment / f"iter_5{suffix}.pth")["0.weight"]
        assert not weight[::2].any() and weight[1::2].all()
    config = case.settings(tmp_path, experiment_name="killed", ema=0.5)
    killed_at(monkeypatch, case.train, config, (Trainer, "_step", 5, True))
    case.train(config)
    assert_equal_runs(config, whole)


def test_gradients_are_clipped_and_a_batch_in_parts_gives_the_step_of_the_whole(tmp_path):
    results = []
    for parts, clip in ((1, 1e9), (2, 1e9), (3, 1e9), (1, 0.01)):
        task = ToyTask(TOY.settings(tmp_path, accumulation=parts, grad_clip=clip, batch_size=7, dropout=0.0))
        data = task.open(None)
        torch.manual_seed(0)
        stepping = Trainer(task, task.build(), data)
        loss = stepping._step(next(task.batches(0)))
        gradient = torch.cat([parameter.grad.flatten() for parameter in stepping.model.parameters()])
        results.append((loss, gradient))
    whole_loss, whole = results[0]
    for loss, gradient in results[1:3]:
        assert loss == pytest.approx(whole_loss, rel=1e-5)
        assert torch.allclose(gradient, whole, rtol=1e-4, atol=1e-6)
    assert results[3][1].norm().item() == pytest.approx(0.01, rel=1e-3)


def test_a_run_of_automatic_length_goes_by_its_samples(tmp_path, capsys):
    config = TOY.settings(tmp_path, n_iter="auto")
    TOY.train(config)
    assert "n_iter: auto is 24 iterations of 4, 2.0 passes over 48 points" in capsys.readouterr().out
    assert [line["iteration"] for line in figures(config)][-1] == 24


@pytest.mark.parametrize("content", [b"", b"half", "cut", "other version"])
def test_a_damaged_state_is_named(tmp_path, content):
    config = TOY.settings(tmp_path, n_iter=2)
    TOY.train(config)
    path = config.experiment / STATE
    if content == "other version":
        torch.save(torch.load(path, weights_only=True) | {"format": 1}, path)
    else:
        path.write_bytes(path.read_bytes()[:1000] if content == "cut" else content)
    said = "is no training state of this version" if content == "other version" else "remove it to train this"
    with pytest.raises(UserError, match=said):
        TOY.train(config)


@pytest.mark.parametrize("case", [TOY, RECOGNIZER, DETECTOR], ids=["toy", "recognizer", "detector"])
def test_a_state_of_before_without_random_numbers_goes_on(tmp_path, case):
    """A detector's had neither these nor what early stopping counts; the direction classifier came later."""
    settings = {"lr_scheduler": "constant"} | ({"dropout": 0.0} if case is TOY else {})
    whole = case.settings(tmp_path, experiment_name="whole", **settings)
    case.train(whole)
    config = case.settings(tmp_path, experiment_name="old", **settings)
    case.train(config, minutes=1e-9)
    state = torch.load(config.experiment / STATE, weights_only=True)
    for key in ("accumulation", "early_stopping", "compile"):
        state["config"].pop(key)
    torch.save(
        {key: value for key, value in state.items() if key not in ("random", "stale")}, config.experiment / STATE
    )
    case.train(config)
    assert_equal(state_of(config)["model"], state_of(whole)["model"])


@every_case
def test_fp16_is_for_gpus(tmp_path, case):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(UsageError, match="fp16 needs a GPU"):
        case.train(case.settings(tmp_path, precision="fp16"))


def test_the_settings_as_used_lie_beside_the_weights(tmp_path):
    config = RECOGNIZER.settings(tmp_path, n_iter=1)
    RECOGNIZER.train(config)
    assert {"config.yaml", "log_dataset.txt", "log_train.txt", "tensorboard"} <= {
        path.name for path in config.experiment.iterdir()
    }
    assert json.loads((config.experiment / "best_accuracy.json").read_text())["iteration"] == 1

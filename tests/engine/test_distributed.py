"""Several processes train as one does: the same weights, the same figures, and one end for all."""

import multiprocessing
import os
import socket
import traceback

import numpy as np
import pytest
import torch
from torch import nn

from tests.engine.cases import DETECTOR, TOY, figures, state_of
from tests.recognition.word_sets import WORDS, tiny_config, write_set
from train_easyocr.common.errors import Interrupted, OtherProcessError, UsageError, UserError
from train_easyocr.engine.distributed import Processes
from train_easyocr.engine.trainer import Trainer
from train_easyocr.recognition.batches import share_of
from train_easyocr.recognition.model import build_model
from train_easyocr.recognition.task import RecognizerTask, train

FORK = multiprocessing.get_context("fork")


pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.slow]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _child(rank, count, port, results, function):
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(count), "LOCAL_RANK": str(rank)}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    try:
        results.put((rank, function(rank)))
    except Exception as error:
        traceback.print_exc()
        results.put((rank, error))


def together(function, count=2):
    """Call `function(rank)` in processes that find each other as torchrun's do; return what each returns or raises."""
    results, port = FORK.Queue(), free_port()
    children = [FORK.Process(target=_child, args=(rank, count, port, results, function)) for rank in range(count)]
    for child in children:
        child.start()
    try:
        found = dict(results.get(timeout=100) for _ in children)
    finally:
        for child in children:
            child.join(20)
            child.kill()
    return [found[rank] for rank in range(count)]


def joined(function):
    """Let `function(processes)` run among joined processes."""

    def inside(rank):
        with Processes.joined() as processes:
            return function(processes)

    return inside


def differences(config, other):
    """The greatest difference of each tensor of two runs' weights and statistics, by the tensor's greatest value."""
    ours, theirs = state_of(config)["model"], state_of(other)["model"]
    return {
        key: float((value - theirs[key]).abs().max() / value.abs().max())
        for key, value in ours.items()
        if value.is_floating_point() and value.abs().max() > 0
    }


@pytest.fixture
def own_statistics(monkeypatch):
    """Normalize by the statistics that a network has: on CPUs, those of a batch are each process's own."""
    monkeypatch.setattr(nn.BatchNorm2d, "train", lambda self, mode=True: nn.Module.train(self, False))


def test_weights_and_statistics_become_those_of_the_first_process():
    def started(processes):
        torch.manual_seed(processes.rank)
        network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
        network(torch.randn(4, 1, 8, 8))  # statistics of its own
        before = {name: value.tolist() for name, value in network.state_dict().items()}
        wrapped = processes.wrap(network.to(memory_format=torch.channels_last), torch.device("cpu"))
        wrapped_up = {name: value.tolist() for name, value in network.state_dict().items()}
        wrapped(torch.randn(4, 1, 8, 8))  # each its own images
        apart = network[1].running_mean.tolist()
        processes.share_buffers(network)
        return before, wrapped_up, apart, network[1].running_mean.tolist()

    (first, kept, one, shared), (other, taken, two, received) = together(joined(started))
    assert first["1.running_mean"] != other["1.running_mean"]
    assert kept == taken == first
    assert one != two
    assert shared == received == one


def test_gpus_that_nobody_uses_are_told(monkeypatch):
    assert Processes().unused_gpus() == "" or torch.cuda.device_count() > 1
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 8)
    assert "one of 8 GPUs; torchrun --standalone --nproc_per_node=8 " in Processes().unused_gpus()
    assert Processes(rank=3, count=8, local_rank=3).unused_gpus() == ""


def test_a_command_joins_once_for_all_that_it_trains():
    def both(rank):
        with Processes.joined() as outer:
            with Processes.joined() as inner:
                first = inner.gather(inner.rank)
            return first, outer.gather(outer.count), inner == outer

    assert together(both) == [([0, 1], [2, 2], True)] * 2


@pytest.mark.parametrize(
    "settings",
    [
        {"adam": False, "lr": 0.5},
        {"batch_size": 5, "save_period": 5, "val_period": 3},  # shares of 2 and 3 words
        {"Prediction": "Attn", "batch_size": 5},  # words weigh as many as they have characters
        {"select_data": "select_data-more", "batch_ratio": "0.6-0.4", "batch_size": 5, "workers": 1},
    ],
    ids=["Adadelta", "uneven", "attention", "two sets"],
)
@pytest.mark.usefixtures("own_statistics")
def test_two_processes_give_the_weights_of_one(data, settings):
    if "select_data" in settings:
        for part in ("training", "validation"):
            write_set(data / part / "more", WORDS[:7])
    settings = {"n_iter": 6, "show_number": 3} | settings
    one = tiny_config(data, experiment_name="one", **settings)
    train(one)
    two = tiny_config(data, experiment_name="two", **settings)
    assert together(lambda rank: train(two)) == [True, True]
    assert max(differences(one, two).values()) < 1e-4
    for ours, theirs in zip(figures(one), figures(two), strict=True):
        assert (ours.pop("processes"), theirs.pop("processes")) == (1, 2)
        assert ours.pop("drawn") == theirs.pop("drawn")
        assert theirs == pytest.approx(ours, rel=1e-4)
        assert ours["batch_size"] == one.batch_size


def test_a_run_goes_on_with_another_number_of_processes(tmp_path, capfd):
    settings = {"lr_scheduler": "constant", "val_period": 2, "save_period": 100, "dropout": 0.0}
    whole = TOY.settings(tmp_path, experiment_name="whole", n_iter=6, **settings)
    TOY.train(whole)
    parts = [TOY.settings(tmp_path, n_iter=n_iter, **settings) for n_iter in (2, 4, 6)]
    capfd.readouterr()
    assert together(lambda rank: TOY.train(parts[0]), 3) == [None] * 3
    output, errors = capfd.readouterr()
    assert output.count("Global batch: 4 points over 3 processes, 1 or 2 in each\n") == 1
    assert output.count("[2/2] Training loss") == 1
    assert errors.count("Training:   0%") == 1
    TOY.train(parts[1])
    assert together(lambda rank: TOY.train(parts[2])) == [None] * 2
    assert max(differences(whole, parts[2]).values()) < 1e-4
    assert [line["processes"] for line in figures(parts[2])] == [3, 1, 2]
    assert figures(parts[2])[2]["error"] == pytest.approx(figures(whole)[2]["error"], rel=1e-4)


def test_two_processes_train_a_detector_and_know_what_both_have_seen(tmp_path):
    """Each normalizes over its own pieces, and chooses the hardest background among them: other weights than one's."""
    one, two = (DETECTOR.settings(tmp_path, experiment_name=name, ema=0.5, batch_size=4) for name in ("one", "two"))
    DETECTOR.train(one)
    original = DETECTOR.kind.validate

    def trained(rank):
        statistics = []

        def validated(self, model, *arguments, **keywords):
            statistics.append(torch.cat([buffer.double().flatten() for buffer in model.buffers()]).numpy())
            return original(self, model, *arguments, **keywords)

        DETECTOR.kind.validate = validated
        DETECTOR.train(two)
        return statistics

    first, second = together(trained)
    assert len(first) == 2 * 4  # the weights and their average
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(first, second, strict=True))
    states = state_of(one), state_of(two)
    assert states[0]["trained_on"] == states[1]["trained_on"] != ""
    assert [line["processes"] for line in figures(two)] == [2] * 4
    assert max(differences(one, two).values()) < 0.5


def test_validation_is_divided_and_its_totals_are_exact(data):
    write_set(data / "validation" / "more", WORDS[::-1] * 5)
    write_set(data / "training" / "more", WORDS)
    settings = {"select_data": "select_data-more", "batch_ratio": "0.5-0.5", "batch_size": 4, "show_number": 9}
    config = tiny_config(data, **settings)
    config.experiment.mkdir(parents=True)

    def validated(processes):
        torch.manual_seed(5)
        task, read = RecognizerTask(config, processes), []
        task.open(None)
        model, validator = task.build(), task._validator
        forward = validator._forward
        validator._forward = lambda *arguments: read.append(len(arguments[2])) or forward(*arguments)
        return validator.run(model, 7), sum(read)

    expected, words = validated(Processes())
    assert words == expected.words == 72
    shares = together(joined(validated), 3)
    assert [share[0] for share in shares] == [expected] * 3  # bit for bit, samples included
    assert sum(share[1] for share in shares) == 72
    assert max(share[1] for share in shares) < 40


def test_shares_of_a_batch_are_all_of_it_and_even():
    words = [np.arange(5), np.arange(3) + 10]
    for count in range(1, 9):
        shares = [share_of(words, Processes(rank, count)) for rank in range(count)]
        for part in range(2):
            assert np.concatenate([share[part] for share in shares]).tolist() == words[part].tolist()
        sizes = [sum(map(len, share)) for share in shares]
        assert max(sizes) - min(sizes) <= 1


def gradients(processes, extractor, precision):
    """The gradient of a fresh network on 5 random images, in float64 as one row."""
    torch.manual_seed(1)
    model = build_model(tiny_config(FeatureExtraction=extractor, output_channel=32), 8).to(precision).train()
    images = torch.rand(5, 1, 32, 64, generator=torch.Generator().manual_seed(2), dtype=torch.float64) * 2 - 1
    network = processes.wrap(model, torch.device("cpu"))
    logits = network(images[processes.share(5)].to(precision))
    (logits.log_softmax(2)[:, :, 3].sum() / 5 * processes.count).backward()
    return torch.cat([parameter.grad.double().flatten() for parameter in model.parameters()]).numpy()


@pytest.mark.usefixtures("own_statistics")
@pytest.mark.parametrize("extractor", ["VGG", "ResNet"])
def test_gradients_of_two_processes_differ_from_one_by_rounding_alone(extractor):
    """Equal in float64. In float32 as far apart as one process is from float64: three digits of ResNet's 29 layers."""

    def apart(one, other):
        return np.linalg.norm(one - other) / np.linalg.norm(other)

    def both(processes):
        return [gradients(processes, extractor, precision) for precision in (torch.float64, torch.float32)]

    exact, rounded = both(Processes())
    for two_exact, two_rounded in together(joined(both)):
        assert apart(two_exact, exact) < 1e-9
        assert apart(two_rounded, exact) < 10 * apart(rounded, exact) < 0.1


def test_a_stop_asked_of_one_ends_all_at_the_same_step(tmp_path):
    whole, config = (TOY.settings(tmp_path, experiment_name=name, dropout=0.0) for name in ("whole", "parts"))
    TOY.train(whole)
    original = Trainer._step

    def stopped(rank):
        def step(self, batch):
            self._stop.made |= rank == 1 and self.iteration == 4
            return original(self, batch)

        Trainer._step = step
        TOY.train(config)

    for error in together(stopped):
        assert isinstance(error, Interrupted)
    assert state_of(config)["iteration"] == 5
    assert together(lambda rank: TOY.train(config)) == [None, None]
    assert max(differences(whole, config).values()) < 1e-4


def test_an_error_of_one_ends_all_and_is_told_once(data):
    patches = sorted((data / "training" / "select_data" / "images").iterdir())
    patches[3].write_bytes(b"")
    config = tiny_config(data, n_iter=8)
    errors = together(lambda rank: train(config))
    assert {type(error) for error in errors} == {UserError, OtherProcessError}
    [patch_error] = [error for error in errors if isinstance(error, UserError)]
    assert patches[3].name in str(patch_error)


def test_processes_with_other_settings_or_too_many_are_refused(tmp_path):
    first, second = TOY.settings(tmp_path), TOY.settings(tmp_path, lr=0.5, workers=1)
    errors = together(lambda rank: TOY.train(second if rank else first))
    assert isinstance(errors[0], OtherProcessError)
    assert isinstance(errors[1], UsageError)
    assert "is not given what process 0 is: lr;" in str(errors[1])
    errors = together(lambda rank: TOY.train(TOY.settings(tmp_path, batch_size=3, accumulation=2)))
    assert "batch_size: 3 points can't be divided over 2 processes in 2 parts each (accumulation)" in str(errors[0])
    assert isinstance(errors[1], OtherProcessError)  # one says it

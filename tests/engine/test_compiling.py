"""torch.compile where a trial says that it pays."""

import pytest
import torch

from tests.recognition.test_training import state_of
from tests.recognition.word_sets import tiny_config
from train_easyocr.engine import compiling
from train_easyocr.engine.device import Computing
from train_easyocr.recognition.model import build_model
from train_easyocr.recognition.training import train
from train_easyocr.weights.checkpoints import read_weights

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = Computing(torch.device("cpu"), "fp32")


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Compile without a C compiler's minutes; count the graphs."""
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    monkeypatch.setattr(compiling, "BACKEND", backend)
    torch._dynamo.reset()
    return graphs


def test_a_compiled_run_has_the_same_weights_under_the_same_names_and_goes_on(data, _quick):
    settings = {"n_iter": 4, "lr_scheduler": "constant", "val_period": 2}
    plain = tiny_config(data, experiment_name="plain", **settings)
    train(plain)
    assert not _quick
    compiled = tiny_config(data, experiment_name="compiled", compile="on", **settings)
    train(compiled.model_copy(update={"n_iter": 2}))
    train(compiled)
    assert 1 <= len(_quick) <= 8  # twice for training and for validation, whatever the number of widths and words
    for key, value in state_of(plain)["model"].items():
        assert torch.allclose(value, state_of(compiled)["model"][key], rtol=1e-4, atol=1e-5), key
    assert read_weights(compiled.experiment / "best_norm_ed.pth").keys() == state_of(plain)["model"].keys()


def test_a_trial_decides_and_leaves_the_network_as_it_is(monkeypatch, capsys):
    config = tiny_config(batch_size=2)
    model = build_model(config, 8)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    monkeypatch.setattr(compiling, "ROUNDS", 1)
    for times, pays in (((1.0, 0.5), True), ((1.0, 0.99), False)):
        took = iter(times)
        monkeypatch.setattr(compiling, "_seconds", lambda *_, took=took: next(took))
        assert compiling._trial(model.FeatureExtraction, config, CPU) is pays
    assert "auto chooses on: the convolutions take 1000.0 ms plain, 500.0 ms compiled" in capsys.readouterr().out
    monkeypatch.undo()
    compiling._seconds(model.FeatureExtraction, [torch.zeros(2, 1, 32, 64)], CPU)
    assert any(not torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_auto_is_off_on_a_cpu_and_where_compiling_fails(monkeypatch, capsys):
    config = tiny_config()
    model = build_model(config, 8)
    monkeypatch.setattr(compiling, "_trial", lambda *_: pytest.fail("no trial on a CPU"))
    assert not compiling.is_to_be_compiled(model, config, CPU)
    assert compiling.is_to_be_compiled(model, tiny_config(compile="on"), CPU)
    gpu = Computing(torch.device("cuda"), "bf16")
    assert not compiling.is_to_be_compiled(model, tiny_config(compile="off"), gpu)

    def broken(*_):
        raise RuntimeError("no compiler\nand much more")

    monkeypatch.setattr(compiling, "_trial", broken)
    assert not compiling.is_to_be_compiled(model, config, gpu)
    assert capsys.readouterr().out.endswith("compiling failed: no compiler\n")

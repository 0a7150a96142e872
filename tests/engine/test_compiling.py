"""torch.compile where the settings ask for it."""

import pytest
import torch

from tests.recognition.test_training import state_of
from tests.recognition.word_sets import tiny_config
from train_easyocr.engine import compiling
from train_easyocr.recognition.training import train
from train_easyocr.weights.checkpoints import read_weights

pytestmark = pytest.mark.usefixtures("one_thread")


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

"""What goes with a filter: the smaller network gives the masked one's answers."""

import pytest
import torch

from train_easyocr.common.errors import UserError
from train_easyocr.compression.criteria import CRITERIA
from train_easyocr.compression.cuts import chosen, cuts_of, masked, pruned, widths_of
from train_easyocr.detection.db_network import DbLight
from train_easyocr.recognition.network import Model

ARGUMENTS = {"output_channel": 128, "hidden_size": 16, "img_height": 32, "img_width": 96}
NETWORKS = {
    "VGG-BiLSTM": lambda channels=(): Model(20, channels=channels, **ARGUMENTS),
    "VGG-None": lambda channels=(): Model(20, SequenceModeling="None", channels=channels, **ARGUMENTS),
    "LCNet-BiLSTM": lambda channels=(): Model(20, FeatureExtraction="LCNet", channels=channels, **ARGUMENTS),
    "db_light": DbLight,
}


def lively(model):
    """Weights as if they had been trained: normalizations that differ from channel to channel."""
    generator = torch.Generator().manual_seed(1)
    for part in model.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            for value, low, high in ((part.weight, 0.5, 2), (part.bias, -0.5, 0.5), (part.running_mean, -0.2, 0.2),
                                     (part.running_var, 0.05, 0.5)):  # fmt: skip
                value.data.uniform_(low, high, generator=generator)
    return model.eval()


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_pruned_network_equals_the_masked_one(name, criterion):
    torch.manual_seed(0)
    model = lively(NETWORKS[name]())
    state, cuts = model.state_dict(), cuts_of(model)
    widths = widths_of(state, cuts)
    fewer = [max(1, width * (5 + number % 3) // 8) for number, width in enumerate(widths)]
    assert sum(fewer) < sum(widths)
    choice = chosen(state, cuts, fewer, criterion)
    smaller, same = NETWORKS[name](fewer).eval(), NETWORKS[name]().eval()
    smaller.load_state_dict(pruned(state, choice))
    same.load_state_dict(masked(state, choice))
    images = torch.rand(2, 1, 32, 96, generator=torch.Generator().manual_seed(2)) * 2 - 1
    with torch.inference_mode():
        answers, expected, whole = smaller(images), same(images), model(images)
    assert torch.allclose(answers, expected, atol=1e-5)
    assert not torch.allclose(answers, whole, atol=1e-4)


def test_nothing_taken_is_the_same_network():
    model = lively(NETWORKS["LCNet-BiLSTM"]())
    state, cuts = model.state_dict(), cuts_of(model)
    left = pruned(state, chosen(state, cuts, widths_of(state, cuts), "fpgm"))
    assert left.keys() == state.keys()
    assert all(value.equal(state[key]) for key, value in left.items())


def test_what_belongs_to_a_cut():
    cuts = cuts_of(NETWORKS["VGG-BiLSTM"]())
    assert [cut.layer.rsplit(".", 1)[1] for cut in cuts] == ["0", "3", "6", "8", "11", "14", "18"]
    assert cuts[4].rows[1:] == [f"FeatureExtraction.ConvNet.12.{key}" for key in
                                ("weight", "bias", "running_mean", "running_var")]  # fmt: skip
    assert cuts[-1].columns == ["SequenceModeling.0.rnn.weight_ih_l0", "SequenceModeling.0.rnn.weight_ih_l0_reverse"]
    of_page = cuts_of(DbLight())
    assert [cut.layer for cut in of_page if "lateral.0.weight" in cut.columns] == ["stages.0.1.1.0"]
    assert [cut.hidden.layer for cut in of_page if cut.hidden] == ["stages.3.0.1.squeeze", "stages.3.1.1.squeeze"]


def test_networks_that_can_not_be_pruned():
    with pytest.raises(UserError, match="VGG and LCNet alone can be pruned"):
        cuts_of(Model(20, FeatureExtraction="ResNet", **ARGUMENTS))
    with pytest.raises(UserError, match="Linear can't be pruned"):
        cuts_of(torch.nn.Linear(2, 2))

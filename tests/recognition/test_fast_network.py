"""Fast networks answer what the networks that they are made of answer."""

import pytest
import torch
from easyocr.model import model as generation1
from easyocr.model import vgg_model as generation2
from torch import nn

from train_easyocr.engine.device import fastest_precision
from train_easyocr.recognition.fast_network import _MaxPool, fast_network
from train_easyocr.recognition.network import Model

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")


def lively(network, seed=0):
    """Give a network values with which it tells images apart, normalizations included."""
    torch.manual_seed(seed)
    for name, parameter in network.named_parameters():
        if parameter.dim() > 1 and "Transformation" not in name:
            nn.init.kaiming_normal_(parameter)
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.uniform_(part.bias, -0.5, 0.5)
            nn.init.uniform_(part.running_mean, -0.5, 0.5)
            nn.init.uniform_(part.running_var, 0.5, 2)
    return network.eval()


def ours(**settings):
    return Model(30, output_channel=32, hidden_size=16, img_height=32, img_width=100, **settings)


NETWORKS = {
    "EasyOCR's second generation": lambda: generation2.Model(1, 32, 16, num_class=30),
    "EasyOCR's first generation": lambda: generation1.Model(1, 32, 16, num_class=30),
    "VGG": ours,
    "RCNN": lambda: ours(FeatureExtraction="RCNN"),
    "LCNet": lambda: ours(FeatureExtraction="LCNet"),
    "VGG, pruned": lambda: ours(channels=(16, 16, 32, 16, 32, 48, 16)),
    "ResNet, TPS, no BiLSTM": lambda: ours(FeatureExtraction="ResNet", Transformation="TPS", SequenceModeling="None"),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-5), ("bf16", 0.08)])
def test_equal_answers(name, precision, tolerance):
    network = lively(NETWORKS[name]())
    before = {key: value.clone() for key, value in network.state_dict().items()}
    images = torch.rand(3, 1, 32, 100, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.inference_mode():
        expected = network(images, None)
        found = fast_network(network, precision)(images, None)
        assert network(images, None).equal(expected)
    spread = expected.std()
    assert spread > 0.05
    assert found.dtype == torch.float32
    assert (found - expected).abs().max() < tolerance * max(1, spread * 5)
    assert all(value.equal(before[key]) for key, value in network.state_dict().items())


def test_what_is_rearranged():
    fast = fast_network(ours(), "bf16")
    kinds = [type(part) for part in fast.modules()]
    assert nn.BatchNorm2d not in kinds
    assert nn.MaxPool2d not in kinds
    assert kinds.count(_MaxPool) == 4
    assert {parameter.dtype for parameter in fast.FeatureExtraction.parameters()} == {torch.bfloat16}
    assert {parameter.dtype for parameter in fast.SequenceModeling.parameters()} == {torch.bfloat16}
    assert fast.Prediction.weight.dtype == torch.float32


@pytest.mark.parametrize("size", [(2, 2), (2, 1), (1, 2)])
@pytest.mark.parametrize("shape", [(1, 3, 8, 12), (2, 1, 7, 9)])
def test_pooling(size, shape):
    maps = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    assert _MaxPool(size)(maps).equal(nn.MaxPool2d(size)(maps))


@pytest.mark.parametrize(
    "pool",
    [
        nn.MaxPool2d(2, stride=(2, 1), padding=(0, 1)),
        nn.MaxPool2d(3),
        nn.MaxPool2d(2, 1),
        nn.MaxPool2d(2, dilation=2),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.AdaptiveAvgPool2d(1),
    ],
)
def test_other_layers_stay_as_they_are(pool):
    network = nn.ModuleDict({"pool": nn.Sequential(nn.ReLU(), pool)})
    maps = torch.randn(2, 3, 9, 11, generator=torch.Generator().manual_seed(0))
    assert fast_network(network, "fp32").pool(maps).equal(network.pool(maps))
    assert any(type(part) is type(pool) for part in fast_network(network, "fp32").modules())


def test_int8_is_refused():
    network = torch.quantization.quantize_dynamic(ours(), dtype=torch.qint8)
    with pytest.raises(ValueError, match="quantize=False"):
        fast_network(network, "fp32")


def test_precision_follows_the_processor(monkeypatch):
    for capabilities, expected in (({}, "fp32"), ({"avx512_bf16": True}, "bf16"), ({"amx_bf16": True}, "bf16")):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda found=capabilities: found)
        assert fastest_precision(CPU) == expected
    for major, expected in ((7, "fp32"), (8, "bf16"), (9, "bf16")):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device, major=major: (major, 0))
        assert fastest_precision(torch.device("cuda")) == expected

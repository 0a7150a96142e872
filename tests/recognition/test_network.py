"""The network's parts, against EasyOCR's models and outputs recorded from deep-text-recognition-benchmark's modules.

The recorded outputs belong to weights and images that `fill_by_formula` and `image_by_formula` compute.
"""

import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from easyocr.model.model import Model as EasyocrResnet
from easyocr.model.vgg_model import Model as EasyocrVgg

from train_easyocr.recognition import network
from train_easyocr.recognition.network import Model

pytestmark = pytest.mark.slow

SMALL = {"output_channel": 64, "hidden_size": 32, "img_height": 32, "img_width": 100}


def fill_by_formula(model):
    """Give every weight a value that depends on its name's place and its own place alone."""
    with torch.no_grad():
        for number, (name, tensor) in enumerate(sorted(model.state_dict().items())):
            if not tensor.is_floating_point() or "GridGenerator" in name:
                continue
            wave = torch.cos(torch.arange(tensor.numel(), dtype=torch.float64) * 1.7 + number).view_as(tensor)
            if "fc2.bias" in name:
                tensor.add_(0.2 * wave)
            elif tensor.dim() > 1:
                tensor.copy_(2 * wave / tensor[0].numel() ** 0.5)
            elif "bias" in name or "mean" in name:
                tensor.copy_(0.1 * wave)
            else:
                tensor.copy_(1 + 0.3 * wave)
    return model.eval().requires_grad_(False)


def image_by_formula(height=32, width=100):
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.cos(x * 0.31 + torch.sin(y * 0.2) * 2).mul(torch.cos(y * 0.45))[None, None].float()


def shapes(model):
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def batch_norm(name, channels):
    values = {f"{name}.{part}": (channels,) for part in ("weight", "bias", "running_mean", "running_var")}
    return {**values, f"{name}.num_batches_tracked": ()}


@pytest.mark.parametrize(("extractor", "theirs"), [("VGG", EasyocrVgg), ("ResNet", EasyocrResnet)])
def test_weights_move_between_easyocrs_models_and_ours_both_ways(extractor, theirs):
    torch.manual_seed(0)
    ours, theirs = Model(30, FeatureExtraction=extractor, **SMALL).eval(), theirs(1, 64, 32, 30).eval()
    image = torch.rand(2, 1, 32, 100) * 2 - 1
    ours.load_state_dict(theirs.state_dict())
    assert torch.equal(ours(image), theirs(image, None))
    fresh = Model(30, FeatureExtraction=extractor, **SMALL).eval()
    theirs.load_state_dict(fresh.state_dict())
    assert torch.equal(fresh(image), theirs(image, None))
    assert not torch.equal(fresh(image), ours(image))


def test_korean_g2_is_the_default():
    with torch.device("meta"):
        model, theirs = Model(1009), EasyocrVgg(1, 256, 256, 1009)
    assert shapes(model) == shapes(theirs)
    assert sum(parameter.numel() for parameter in model.parameters()) == 4_015_729
    assert model(torch.empty(1, 1, 64, 600, device="meta")).shape == (1, 149, 1009)


def gated_convolution(name, taken, given):
    expected = {f"{name}.wgf_u.weight": (given, taken, 1, 1), f"{name}.wgr_x.weight": (given, given, 1, 1)}
    expected |= {f"{name}.wf_u.weight": (given, taken, 3, 3), f"{name}.wr_x.weight": (given, given, 3, 3)}
    expected |= batch_norm(f"{name}.BN_x_init", given)
    for step in range(5):
        for norm in ("gfu", "grx", "fu", "rx", "Gx"):
            expected |= batch_norm(f"{name}.GRCL.{step}.BN_{norm}", given)
    return expected


def test_rcnn_has_the_benchmarks_names_and_shapes():
    net = "FeatureExtraction.ConvNet"
    expected = {f"{net}.0.weight": (8, 1, 3, 3), f"{net}.0.bias": (8,)}
    expected |= gated_convolution(f"{net}.3", 8, 8)
    expected |= gated_convolution(f"{net}.5", 8, 16)
    expected |= gated_convolution(f"{net}.7", 16, 32)
    expected |= {f"{net}.9.weight": (64, 32, 2, 2)} | batch_norm(f"{net}.10", 64)
    expected |= {"Prediction.weight": (20, 64), "Prediction.bias": (20,)}
    assert shapes(Model(20, FeatureExtraction="RCNN", SequenceModeling="None", **SMALL)) == expected


def test_tps_has_the_benchmarks_names_and_shapes():
    find = "Transformation.LocalizationNetwork"
    expected = {}
    for layer, (taken, given) in enumerate([(3, 64), (64, 128), (128, 256), (256, 512)]):
        expected |= {f"{find}.conv.{4 * layer}.weight": (given, taken, 3, 3)}
        expected |= batch_norm(f"{find}.conv.{4 * layer + 1}", given)
    expected |= {f"{find}.localization_fc1.0.weight": (256, 512), f"{find}.localization_fc1.0.bias": (256,)}
    expected |= {f"{find}.localization_fc2.weight": (40, 256), f"{find}.localization_fc2.bias": (40,)}
    grid = "Transformation.GridGenerator"
    expected |= {f"{grid}.inv_delta_C": (23, 23), f"{grid}.P_hat": (3200, 23)}
    model = Model(20, input_channel=3, Transformation="TPS", **SMALL)
    found = {name: shape for name, shape in shapes(model).items() if name.startswith("Transformation")}
    assert found == expected


# Logits at step 0, class 7; step 11, class 0; step 23, class 19, and the mean of all squares.
RECORDED = {
    ("None", "VGG", "BiLSTM"): [0.232641, 0.122525, -0.314611, 0.202791],
    ("None", "RCNN", "None"): [0.57389, -1.221096, -0.488457, 1.154628],
    ("None", "ResNet", "None"): [-0.107968, 0.561755, 0.525333, 0.238556],
    ("TPS", "RCNN", "BiLSTM"): [0.382266, 0.344825, -0.338254, 0.19935],
    ("TPS", "VGG", "None"): [-0.327237, -0.511109, -0.444095, 0.097246],
}


@pytest.mark.parametrize("parts", RECORDED)
def test_outputs_are_those_of_the_benchmark(parts):
    transformation, extractor, sequence = parts
    model = Model(20, Transformation=transformation, FeatureExtraction=extractor, SequenceModeling=sequence, **SMALL)
    logits = fill_by_formula(model).double()(image_by_formula().double())[0]
    found = [logits[0, 7], logits[11, 0], logits[23, 19], logits.square().mean()]
    assert [float(value) for value in found] == pytest.approx(RECORDED[parts], rel=1e-4)


def test_the_spline_through_points_in_their_places_changes_nothing():
    grid = network.GridGenerator(20, 32, 100)
    x = torch.linspace(-1, 1, 10)
    straight = torch.stack([x.repeat(2), torch.tensor([-1.0, 1.0]).repeat_interleave(10)], dim=1)
    places = grid(straight[None])
    assert places.shape == (1, 32, 100, 2)
    assert torch.allclose(places[0, 5, :, 0], (torch.arange(100) * 2 + 1 - 100) / 100, atol=1e-4)
    assert torch.allclose(places[0, :, 5, 1], (torch.arange(32) * 2 + 1 - 32) / 32, atol=1e-4)


def test_the_spline_through_moved_points_moves_all():
    grid = network.GridGenerator(20, 32, 100)
    x = torch.linspace(-1, 1, 10)
    points = torch.stack([x.repeat(2), torch.tensor([-1.0, 1.0]).repeat_interleave(10)], dim=1)
    moved = grid((points * torch.tensor([0.5, 0.25]) + 0.1)[None])
    assert torch.allclose(moved, grid(points[None]) * torch.tensor([0.5, 0.25]) + 0.1, atol=1e-4)


def test_tps_reads_narrow_images_as_if_their_last_column_went_on():
    model = fill_by_formula(Model(20, Transformation="TPS", **SMALL))
    narrow = image_by_formula(width=64)
    filled = torch.cat([narrow, narrow[..., -1:].expand(1, 1, 32, 36)], dim=3)
    assert torch.equal(model(narrow), model(filled))
    assert model(narrow).shape == (1, 24, 20)


def test_tps_squeezes_images_wider_than_its_own_width():
    model = fill_by_formula(Model(20, Transformation="TPS", **SMALL))
    wide = image_by_formula(width=200)
    squeezed = torch.nn.functional.interpolate(wide, (32, 100), mode="bicubic", antialias=True)
    assert torch.equal(model(wide), model(squeezed))


@pytest.mark.parametrize("extractor", ["VGG", "RCNN", "ResNet"])
def test_each_image_of_a_batch_is_read_by_itself(extractor):
    model = fill_by_formula(Model(20, Transformation="TPS", FeatureExtraction=extractor, **SMALL)).double()
    images = torch.cat([image_by_formula(), -image_by_formula()]).double()
    assert torch.allclose(model(images)[1], model(images[1:])[0], atol=1e-9)
    assert not torch.allclose(model(images)[1], model(images)[0], atol=1e-3)


def test_points_of_the_spline_keep_their_precision_under_autocast():
    model = fill_by_formula(Model(20, Transformation="TPS", **SMALL))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        points = model.Transformation.LocalizationNetwork(image_by_formula())
        assert model.Transformation.GridGenerator(points).dtype == torch.float32
        logits = model(image_by_formula().bfloat16())
    assert torch.allclose(points, model.Transformation.LocalizationNetwork(image_by_formula()), atol=0.02)
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize(
    "parts",
    [("None", "VGG", "BiLSTM"), ("TPS", "RCNN", "None"), ("TPS", "ResNet", "BiLSTM"), ("None", "LCNet", "BiLSTM")],
)
def test_every_weight_learns(parts):
    transformation, extractor, sequence = parts
    model = Model(20, Transformation=transformation, FeatureExtraction=extractor, SequenceModeling=sequence, **SMALL)
    model = fill_by_formula(model).train().requires_grad_()
    model(torch.cat([image_by_formula(), -image_by_formula()])).square().sum().backward()
    assert [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()] == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:.*quantized tensor creation:UserWarning")
def test_easyocrs_loading_without_a_gpu_works(tmp_path):
    """Seven characters cut off each key, then int8 for linear and recurrent layers."""
    trained = fill_by_formula(Model(20, Transformation="TPS", **SMALL))
    torch.save({f"module.{name}": tensor for name, tensor in trained.state_dict().items()}, tmp_path / "finetuned.pth")
    state = torch.load(tmp_path / "finetuned.pth", map_location="cpu", weights_only=False)
    model = Model(num_class=20, Transformation="TPS", **SMALL)
    model.load_state_dict(OrderedDict((name[7:], tensor) for name, tensor in state.items()))
    text_for_pred = torch.zeros(1, 11, dtype=torch.long)
    assert torch.equal(model.eval()(image_by_formula(), text_for_pred), trained(image_by_formula()))
    torch.quantization.quantize_dynamic(model, dtype=torch.qint8, inplace=True)
    assert "quantized" in type(model.Prediction).__module__
    assert torch.allclose(model(image_by_formula(), text_for_pred), trained(image_by_formula()), atol=0.02)


def test_data_parallel_wraps_it_as_easyocr_does_with_a_gpu():
    model = fill_by_formula(Model(20, **SMALL))
    wrapped = torch.nn.DataParallel(Model(num_class=20, **SMALL))
    wrapped.load_state_dict({f"module.{name}": tensor for name, tensor in model.state_dict().items()})
    assert torch.equal(wrapped.eval()(image_by_formula(), None), model(image_by_formula()))


def test_the_file_works_alone_as_easyocr_loads_it(tmp_path):
    copy = tmp_path / "finetuned.py"
    copy.write_bytes(Path(network.__file__).read_bytes())
    code = (
        "import sys, finetuned; model = finetuned.Model(num_class=5, output_channel=16, hidden_size=8);"
        "assert 'train_easyocr' not in sys.modules; print(finetuned.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={}, check=True, capture_output=True, text=True
    )
    assert Path(done.stdout.strip()).samefile(copy)


@pytest.mark.parametrize("choice", ["Transformation", "FeatureExtraction", "SequenceModeling"])
def test_unknown_choices_are_named(choice):
    with pytest.raises(ValueError, match=f"{choice}: 'TSP' is none of "):
        Model(20, **{choice: "TSP"})


VGG_CHANNELS = (16, 48, 32, 16, 64, 32, 48)
LCNET_CHANNELS = (8, 16, 24, 24, 32, 32, 40, 40, 40, 40, 40, 40, 48, 48, 56)


@pytest.mark.parametrize(("extractor", "channels", "steps"), [("VGG", VGG_CHANNELS, 24), ("LCNet", LCNET_CHANNELS, 25)])
def test_each_layer_may_have_channels_of_its_own(extractor, channels, steps):
    model = Model(20, FeatureExtraction=extractor, channels=channels, **SMALL).eval()
    assert model(torch.zeros(2, 1, 32, 100)).shape == (2, steps, 20)
    found = [
        layer.out_channels
        for layer in model.FeatureExtraction.modules()
        if isinstance(layer, torch.nn.Conv2d) and layer.groups == 1 and not is_attention(layer, model)
    ]
    assert found == list(channels)
    assert model.SequenceModeling[0].rnn.input_size == channels[-1]


def is_attention(layer, model):
    parts = [part for part in model.modules() if isinstance(part, network.SqueezeExcitation)]
    return any(layer in (part.squeeze, part.excite) for part in parts)


def test_the_usual_channels_make_the_usual_network():
    usual = Model(20, **SMALL)
    widths = [layer.out_channels for layer in usual.FeatureExtraction.ConvNet if isinstance(layer, torch.nn.Conv2d)]
    assert shapes(Model(20, channels=widths, **SMALL)) == shapes(usual)
    usual = Model(20, FeatureExtraction="LCNet", **{**SMALL, "output_channel": 64})
    widths = [64 // part for part in network.LCNET_PARTS]
    assert shapes(Model(20, FeatureExtraction="LCNet", channels=widths, **SMALL)) == shapes(usual)


def test_channels_that_fit_no_network():
    with pytest.raises(ValueError, match="VGG has 7 layers, not the 2 that channels are given for"):
        Model(20, channels=(16, 32), **SMALL)
    with pytest.raises(ValueError, match="'ResNet' is none of VGG, LCNet"):
        Model(20, FeatureExtraction="ResNet", channels=VGG_CHANNELS, **SMALL)


def test_lcnet_is_lighter_than_vgg():
    """Kernels of 5 come late, and its 15 layers have less than a third of VGG's weights."""
    vgg, lcnet = Model(20).FeatureExtraction, Model(20, FeatureExtraction="LCNet", output_channel=512).FeatureExtraction
    weights = [sum(value.numel() for value in extractor.parameters()) for extractor in (vgg, lcnet)]
    assert weights[0] > 3 * weights[1]
    depthwise = [layer for layer in lcnet.modules() if isinstance(layer, torch.nn.Conv2d) and layer.groups > 1]
    assert [layer.kernel_size[0] for layer in depthwise] == [3] * 5 + [5] * 8


def test_lcnet_reads_each_image_by_itself_and_every_weight_learns():
    torch.manual_seed(0)
    model = Model(20, FeatureExtraction="LCNet", **{**SMALL, "output_channel": 64})
    images = torch.rand(2, 1, 32, 100) * 2 - 1
    model(images).square().sum().backward()
    assert [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()] == []
    for part in model.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.momentum = 1.0
    model(images)  # the normalizations know what they see
    model.eval()
    assert torch.allclose(model(images)[1], model(images[1:])[0], atol=1e-5)
    assert not torch.allclose(model(images)[1], model(images)[0], atol=1e-4)

"""int8 by training and by examples, and the whole way: pruned, exported in int8, packed."""

import numpy as np
import pytest
import torch
from onnx import numpy_helper

from tests.compression.conftest import SHORT
from tests.onnx_export.test_export import shorten
from tests.recognition.word_sets import WORDS, render
from train_easyocr.common.errors import UserError
from train_easyocr.compress import main
from train_easyocr.compression import quantizing
from train_easyocr.compression.pact import PactConvolution, pact_layers, start_alphas, with_pact
from train_easyocr.documents import Box
from train_easyocr.onnx_export import export as export_module
from train_easyocr.onnx_export.graphs import recognizer_graph
from train_easyocr.onnx_export.int8 import METHODS, WEIGHT_STEPS, calibrated, learnt_ranges, to_int8
from train_easyocr.package import main as package
from train_easyocr.reading.onnx_engine import IMAGES, OnnxEngine, open_session, read_export_card
from train_easyocr.reading.reader import open_weights
from train_easyocr.recognition.network import Model
from train_easyocr.weights.checkpoints import read_card, read_weights

pytestmark = pytest.mark.slow


def small():
    torch.manual_seed(0)
    model = Model(12, output_channel=64, SequenceModeling="None", img_height=32)
    for part in model.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.running_var.fill_(0.05)
    return model.eval()


def words_like(count=8):
    """Images of 8 bits, as scans have them."""
    return torch.randint(0, 256, (count, 1, 32, 96), generator=torch.Generator().manual_seed(3)) / 127.5 - 1


def test_a_rounded_convolution_by_hand():
    layer = torch.nn.Conv2d(1, 1, 1)
    layer.weight.data.fill_(0.5)
    layer.bias.data.fill_(0.25)
    pact = PactConvolution(layer, alpha=2.55)
    values = torch.tensor([-1.0, 0.0149, 0.0151, 3.0]).view(1, 1, 1, 4).requires_grad_()
    answer = pact(values)
    assert answer.flatten().tolist() == pytest.approx([0.25, 0.255, 0.26, 1.525], abs=1e-6)
    answer.sum().backward()
    assert values.grad.flatten().tolist() == pytest.approx([0, 0.5, 0.5, 0])
    assert pact.log_alpha.grad.item() == pytest.approx(0.5 * 2.55)  # what is cut off alone moves it


def test_the_file_computes_as_training_did():
    model, images = small(), words_like()
    pact = with_pact(small()).eval()
    start_alphas(pact, images)
    alphas = [layer.alpha.item() for layer in pact_layers(pact)]
    assert len(alphas) == 6
    graph = recognizer_graph(model, 32, {}, rapidocr=False)
    examples = [part[None].numpy() for part in images]
    ranges = learnt_ranges(graph, alphas)
    assert sorted({high for _, high in ranges.values()}) == pytest.approx(sorted(alphas))
    ranges = {**calibrated(graph, examples, "minmax"), **ranges}
    session = open_session(to_int8(graph, examples[0], ranges).SerializeToString())
    with torch.inference_mode():
        trained, exact = pact(images).numpy(), model(images).numpy()
    found = session.run(None, {IMAGES: images.numpy()})[0]
    assert np.abs(found - trained).mean() < 0.8 * np.abs(found - exact).mean()


def test_no_processor_cuts_sums_off():
    """Without VNNI, two products of eight bits are added in 16: 255 x 64 + 255 x 64 fits, 255 x 127 twice does not."""
    model = Model(300, img_height=32, output_channel=64, hidden_size=32).eval()
    graph = recognizer_graph(model, 32, {}, rapidocr=False)
    example = words_like(1).numpy()
    made = to_int8(graph, example, calibrated(graph, [example], "minmax"), dynamic=("LSTM", "MatMul"))
    named = {one.name: numpy_helper.to_array(one) for one in made.graph.initializer}
    weights = [values for name, values in named.items() if name.endswith("_quantized") and values.ndim > 1]
    assert len(weights) == 7 + 2 * 2 + 3  # convolutions, LSTMs' inputs and states, linear layers
    assert {int(np.abs(values.astype(int)).max()) for values in weights} == {WEIGHT_STEPS}
    assert 2 * 255 * WEIGHT_STEPS < 2**15


@pytest.mark.parametrize("method", METHODS)
def test_ranges_by_examples(method, monkeypatch):
    monkeypatch.setitem(METHODS["kl"][1], "num_bins", 256)  # for speed
    graph = recognizer_graph(small(), 32, {}, rapidocr=False)
    examples = [part[None].numpy() for part in words_like()]
    ranges = calibrated(graph, examples, method)
    layers = [node for node in graph.graph.node if node.op_type == "Conv"]
    assert {name for node in layers for name in (node.input[0], node.output[0])} <= ranges.keys()
    low, high = ranges[IMAGES]
    assert (low, high) == pytest.approx((-1, 1), abs=0.05 if method != "kl" else 1)
    widest = calibrated(graph, examples, "minmax")
    assert all(high <= widest[name][1] + 1e-3 for name, (_, high) in ranges.items())


def test_other_networks_are_not_trained_for_int8():
    with pytest.raises(UserError, match="qat-pact is for recognizers of VGG"):
        with_pact(Model(12, FeatureExtraction="LCNet", img_height=32))


def test_training_for_int8_learns_where_to_cut(pruned, words, tmp_path, monkeypatch):
    folder, _ = pruned
    exported = []
    monkeypatch.setattr(quantizing, "export", lambda source, *rest: exported.append(source))
    monkeypatch.setattr("train_easyocr.onnx_export.export.summary", lambda *_: "")
    command = ["quantize", "--bundle", folder.name, "--method", "qat-pact", "--output", str(tmp_path / "내보낸 것")]
    assert main([*command, "--name", "팔 비트", *words, f"saved_models={folder.parent}", *SHORT]) == 0
    [source] = exported
    assert source.recognizer == folder.parent / "팔 비트" / "for_int8.pth"
    assert len(source.rounding.learnt) == 6 and source.rounding.detector
    assert min(source.rounding.learnt) > 0
    learnt, state = read_weights(folder.parent / "팔 비트" / "best_accuracy.pth"), read_weights(source.recognizer)
    assert {key for key in learnt if key not in state} == {key for key in learnt if key.endswith(".log_alpha")}
    assert read_card(source.recognizer).network == read_card(folder / "best_accuracy.pth").network


def test_pruned_exported_in_int8_and_packed(pruned, words, tmp_path):
    folder, _ = pruned
    with pytest.MonkeyPatch.context() as patch:
        shorten(patch)
        for name in ("LEAST_SURE", "MOST_SURE"):
            patch.setattr(export_module, name, 1.0)  # two steps are not enough to be sure again
        patch.setattr(export_module, "LOST_F1", 1.0)  # nor is a page to tell what the detector lost
        command = ["--bundle", folder.name, "--precision", "int8", "--no_wheels", "--output", str(tmp_path / "꾸러미")]
        assert package([*command, *words, f"saved_models={folder.parent}"]) == 0
    model = tmp_path / "꾸러미" / "model"
    card = read_export_card(model)
    assert card.recognizer.weights_sha256 == read_card(folder / "best_accuracy.pth").weights_sha256
    sizes = [(model / file.name).stat().st_size for file in (card.recognizer.file, card.recognizer.exact)]
    assert sizes[0] < 0.5 * sizes[1]  # of less in convolutions, the head in float32 is a greater part
    engine = OnnxEngine(model, threads=1)
    patches = [render(text) for text in WORDS]
    boxes = [[Box(0, 0, *patch.shape[::-1])] for patch in patches]
    read = [engine.read(*word)[0][0] for word in zip(patches, boxes, strict=True)]
    pruned_reader = open_weights(folder / "best_accuracy.pth", precision="fp32")
    assert read == [pruned_reader.recognize(*word)[0][0] for word in zip(patches, boxes, strict=True)]
    assert sum(text == word for text, word in zip(read, WORDS, strict=True)) >= len(WORDS) / 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["quantize"], "--output names the folder"),
        (["quantize", "--output", "x", "--criterion", "l1"], "--criterion: quantize takes no such option"),
        (["quantize", "--output", "x", "--name", "y"], "ptq-minmax trains nothing"),
        (["quantize", "--output", "x", "--network", "detector"], "--network recognizer leaves the detector in float32"),
        (["prune", "--output", "x"], "--output: prune takes no such option"),
    ],
)
def test_wrong_commands(arguments, message, capsys):
    assert main(arguments) == 2
    assert message in capsys.readouterr().err

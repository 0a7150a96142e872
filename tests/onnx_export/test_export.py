"""ONNX files: other batches and widths than they were exported with, the gate, int8, RapidOCR."""

import copy
import itertools
import json
import warnings
from fractions import Fraction

import numpy as np
import onnx
import pytest
import torch

from train_easyocr.common.errors import UserError
from train_easyocr.documents.images import decode_image
from train_easyocr.export import main
from train_easyocr.onnx_export import export as export_module
from train_easyocr.onnx_export.graphs import AnyWidth, recognizer_graph
from train_easyocr.onnx_export.int8 import calibrated, convolutions
from train_easyocr.reading.onnx_engine import CARD, IMAGES, OnnxEngine, open_session, read_export_card
from train_easyocr.reading.torch_engine import open_engine
from train_easyocr.recognition import network
from train_easyocr.synthesis.fonts import FontLibrary
from train_easyocr.synthesis.generate import RenderSettings, render_page
from train_easyocr.weights.starter import RECOGNIZER

pytestmark = pytest.mark.slow

HEIGHT = 32
KINDS = [
    *itertools.product(("None", "TPS"), ("VGG", "RCNN", "ResNet"), ("None", "BiLSTM")),
    ("None", "LCNet", "BiLSTM"),
]


def random_model(transformation, extraction, sequence):
    torch.manual_seed(0)
    model = network.Model(
        20, output_channel=16, hidden_size=16, Transformation=transformation, FeatureExtraction=extraction,
        SequenceModeling=sequence, img_height=HEIGHT, img_width=160,
    )  # fmt: skip
    for part in model.modules():
        if isinstance(part, torch.nn.BatchNorm2d):  # as after training
            part.running_mean.normal_(0, 0.1)
            part.running_var.uniform_(0.5, 2)
    if transformation == "TPS":
        with torch.no_grad():  # points that move with the image
            model.Transformation.LocalizationNetwork.localization_fc2.weight.normal_(0, 0.02)
    return model.eval()


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_other_batches_and_widths_than_exported_with(kind):
    model = random_model(*kind)
    session = open_session(recognizer_graph(model, HEIGHT, {"blank": "0"}, rapidocr=False).SerializeToString())
    for batch, width in ((1, 32), (3, 33), (5, 159), (1, 160), (2, 161), (1, 500)):
        images = torch.rand(batch, 1, HEIGHT, width, generator=torch.Generator().manual_seed(width)) * 2 - 1
        with torch.inference_mode():
            expected = model(images).numpy()
        found = session.run(None, {IMAGES: images.numpy()})[0]
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() < 1e-4


@pytest.mark.parametrize("width", [32, 159, 160, 161, 300, 2048])
def test_any_width_fills_up_and_squeezes_as_training_does(width):
    images = torch.rand(2, 1, HEIGHT, width, generator=torch.Generator().manual_seed(0))
    spline = network.ThinPlateSpline(20, HEIGHT, 160, 1)
    assert torch.allclose(AnyWidth(160)(images), spline._to_width(images), atol=1e-5)


def test_a_graph_tells_what_it_is_and_not_where_it_was_made():
    graph = recognizer_graph(random_model("None", "VGG", "None"), HEIGHT, {"character": "가\n나"}, rapidocr=False)
    assert {entry.key: entry.value for entry in graph.metadata_props} == {"character": "가\n나"}
    assert b"site-packages" not in graph.SerializeToString()
    assert graph.opset_import[0].version >= 17


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The starter as it is exported, with a part of the checks."""
    folder = tmp_path_factory.mktemp("exported")
    with pytest.MonkeyPatch.context() as patch:
        shorten(patch)
        assert main(["--bundle", "starter", "--precision", "int8", "--output", str(folder / "int8")]) == 0
    return folder / "int8"


def shorten(patch):
    for name, value in (("WORDS", 60), ("EXAMPLES", 60), ("PAGES", 1), ("WIDTHS", (33, 96)), ("BATCHES", (1, 3))):
        patch.setattr(export_module, name, value)


@pytest.fixture(scope="module")
def page():
    jpeg, _ = render_page(3, RenderSettings(2, 7, Fraction(1, 2)), FontLibrary.find())
    return decode_image(jpeg)


def test_the_engine_reads_as_torch_does(exported, page):
    ours, torchs = OnnxEngine(exported, threads=2), open_engine("starter", precision="fp32")
    colour = np.repeat(page[:, :, None], 3, axis=2)
    boxes = torchs.detect(colour)
    assert len(boxes) > 50
    assert abs(len(ours.detect(colour)) - len(boxes)) <= 1  # the last bits of sums are other ones
    expected, found = torchs.read(page, boxes), ours.read(page, boxes)
    assert [text for text, _ in found] == [text for text, _ in expected]
    assert np.mean([abs(a[1] - b[1]) for a, b in zip(found, expected, strict=True)]) < 0.02
    assert ours.identity == torchs.identity
    for text, share in ours.read(page, boxes[:1] * 2):  # in int8, what else is in a batch changes the last digits
        assert (text, share) == (found[0][0], pytest.approx(found[0][1], abs=0.01))
    assert ours.read(page, []) == []


def test_the_card_tells_what_was_checked(exported):
    card = read_export_card(exported)
    assert card.precision == "int8"
    assert card.recognizer.sure >= 0.8
    assert card.recognizer.exact.name == "recognizer_fp32.onnx"
    assert card.checked["right_int8"] >= card.checked["right_fp32"] - 0.001
    assert (card.detector.float_layers, "detection_f1_int8" in card.checked) == ((), False)  # it stays in float32
    assert sorted(path.name for path in exported.iterdir()) == sorted([CARD, *(file.name for file in card.files)])
    sizes = {file.name: (exported / file.name).stat().st_size for file in card.files}
    assert sizes["recognizer.onnx"] < 0.45 * sizes["recognizer_fp32.onnx"]
    graph = onnx.load(exported / "recognizer.onnx")
    metadata = {entry.key: entry.value for entry in graph.metadata_props}
    assert metadata["character"].split("\n") == list(card.recognizer.characters)
    assert (metadata["blank"], metadata["weights_sha256"]) == ("0", card.recognizer.weights_sha256)


def test_other_files_than_the_cards_are_refused(exported, tmp_path):
    for path in exported.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "detector.onnx").write_bytes(b"broken")
    with pytest.raises(UserError, match=r"detector\.onnx: is not the file that model\.json tells of"):
        OnnxEngine(tmp_path)
    (tmp_path / "detector.onnx").unlink()
    with pytest.raises(UserError, match=r"detector\.onnx: is missing"):
        OnnxEngine(tmp_path)
    (tmp_path / CARD).write_text("{}")
    with pytest.raises(UserError, match=r"model\.json: can't be used"):
        OnnxEngine(tmp_path)
    with pytest.raises(UserError, match=r"model\.json: is not there"):
        OnnxEngine(tmp_path / "nothing")


def test_what_reads_otherwise_is_not_written(tmp_path, monkeypatch, capsys):
    shorten(monkeypatch)
    exact = export_module.recognizer_graph

    def spoilt(model, *arguments):
        model = copy.deepcopy(model)
        model.Prediction.bias.data[5] += 0.01
        return exact(model, *arguments)

    monkeypatch.setattr(export_module, "recognizer_graph", spoilt)
    assert main(["--bundle", "starter", "--output", str(tmp_path / "out")]) == 1
    assert "differ from torch's by 0.01" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_layers_that_int8_spoils_stay_float(monkeypatch):
    graph = recognizer_graph(random_model("None", "VGG", "None"), HEIGHT, {}, rapidocr=False)
    names = convolutions(graph)
    examples = [np.random.default_rng(0).uniform(-1, 1, (1, 1, HEIGHT, 64)).astype(np.float32)]
    ranges = calibrated(graph, examples, "minmax")
    order = export_module.by_damage(graph, examples, ranges)
    assert sorted(order) == sorted(names)

    def judge(made):
        graph = onnx.load_from_string(made)
        quantized = [n.name for n in graph.graph.node if n.op_type == "Conv" and "Dequantize" in n.input[1]]
        rounded = [
            n for n in names if not any(n == node.name and node.input[1] == original[n] for node in graph.graph.node)
        ]
        if set(order[:2]) & set(rounded):
            raise UserError("spoilt")
        return len(quantized)

    original = {node.name: node.input[1] for node in graph.graph.node if node.op_type == "Conv"}
    _, left_out, _ = export_module._quantized(graph, examples, judge, "it", ranges=ranges)
    assert left_out == order[:2]
    with pytest.raises(UserError, match=f"it in int8: never, with {order[0]}.* left in float32; nothing was written"):
        export_module._quantized(graph, examples, never, "it", ranges=ranges)


def never(_):
    raise UserError("never")


def test_attention_and_craft_are_not_exported(tmp_path, capsys, monkeypatch):
    card = json.loads(RECOGNIZER.with_suffix(".json").read_text())
    card["network"] |= {"Prediction": "Attn", "num_class": len(card["character"]) + 2}
    card["config"] |= {"Prediction": "Attn"}
    monkeypatch.setattr(
        export_module, "open_trained", lambda path: (torch.nn.Identity(), type(read_card())(**card), None)
    )
    assert main(["--bundle", "starter", "--output", str(tmp_path / "out")]) == 1
    assert "Prediction: Attn" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def read_card():
    from train_easyocr.weights.checkpoints import read_card

    return read_card(RECOGNIZER)


def test_int8_is_not_for_rapidocr(tmp_path):
    assert main(["--output", str(tmp_path), "--form", "rapidocr", "--precision", "int8"]) == 2


def test_texts_of_logits_are_compared_without_overflow():
    """The products of a long word's greatest logits, 2,048 pixels across, are beyond float32."""
    model = random_model("None", "VGG", "None").eval()
    with torch.no_grad():
        model.Prediction.bias[3] = 200.0
    session = open_session(recognizer_graph(model, HEIGHT, {}, rapidocr=False).SerializeToString())
    word = export_module.LabelledImage("가", np.zeros((HEIGHT, 2048), np.uint8))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        batch = export_module._input(word, HEIGHT)
        assert export_module._compared(model, session, batch, "plain", ["가"]) < 0.01


def test_rapidocr_reads_alike(tmp_path, monkeypatch, page):
    rapidocr = pytest.importorskip("rapidocr")
    shorten(monkeypatch)
    assert main(["--bundle", "starter", "--form", "rapidocr", "--output", str(tmp_path / "out")]) == 0
    card = read_export_card(tmp_path / "out")
    paths = {key: str(tmp_path / "out" / card.rapidocr[key]) for key in ("Det.model_path", "Rec.model_path")}
    reader = rapidocr.RapidOCR(params={**card.rapidocr, **paths, "Global.log_level": "error"})
    result = reader(np.repeat(page[:, :, None], 3, axis=2))
    ours = open_engine("starter", precision="fp32")
    boxes = ours.detect(np.repeat(page[:, :, None], 3, axis=2))
    expected = [text for text, _ in ours.read(page, boxes)]
    assert abs(len(result.txts) - len(expected)) <= 0.02 * len(expected)
    assert len(set(expected) & set(result.txts)) >= 0.9 * len(set(expected))
    with pytest.raises(UserError, match="exported for rapidocr"):
        OnnxEngine(tmp_path / "out")

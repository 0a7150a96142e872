"""An export of two tiny networks, which find dark marks and read each as what its pixels come to."""

import hashlib
import io

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image, ImageDraw

from train_easyocr.detection.db_boxes import DbParameters
from train_easyocr.reading.onnx_engine import CARD, IMAGES, LOGITS, MAPS, Detector, ExportCard, File, Recognizer

CHARACTERS = "가나다라마바사아자차카타파하를했었였겠됐·㎡①0123456789"
HEIGHT = 32


def write_export(folder, seed=0, name="작은 모델", int8=False):
    """Write a folder as `train_easyocr.export` does; in "int8", the same network stands for the faster one."""
    folder.mkdir(parents=True, exist_ok=True)
    words, maps = _recognizer(seed), _detector()
    file = File(name="recognizer.onnx", sha256=_save(folder / "recognizer.onnx", words))
    about = Recognizer(
        file=file, exact=file if int8 else None, sure=0.8 if int8 else 0.0, img_height=HEIGHT, characters=CHARACTERS,
        weights_sha256=hashlib.sha256(f"words {seed}".encode()).hexdigest(),
    )  # fmt: skip
    detector = Detector(
        file=File(name="detector.onnx", sha256=_save(folder / "detector.onnx", maps)), long_side=640,
        parameters=DbParameters(), weights_sha256=hashlib.sha256(b"maps").hexdigest(),
    )  # fmt: skip
    precision = "int8" if int8 else "fp32"
    card = ExportCard(form="plain", name=name, precision=precision, recognizer=about, detector=detector)
    (folder / CARD).write_text(card.model_dump_json(), encoding="utf-8")
    return folder


def _recognizer(seed):
    """Steps of 8 pixels, each a class by a fixed random filter."""
    classes = len(CHARACTERS) + 1
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(classes, 1, HEIGHT, 8)).astype(np.float32)
    weights -= weights.mean(axis=3, keepdims=True)  # what does not change from left to right says nothing
    weights *= 3
    bias = np.zeros(classes, np.float32)
    bias[0] = -9  # something is read everywhere
    nodes = [
        helper.make_node("Conv", [IMAGES, "weights", "bias"], ["steps"], strides=[HEIGHT, 8]),
        helper.make_node("Squeeze", ["steps", "axis"], ["flat"]),
        helper.make_node("Transpose", ["flat"], [LOGITS], perm=[0, 2, 1]),
    ]
    return _graph(nodes, {"weights": weights, "bias": bias, "axis": np.array([2])}, [None, 1, HEIGHT, None], LOGITS, 3)


def _detector():
    """Dark is a word."""
    nodes = [
        helper.make_node("AveragePool", [IMAGES], ["pooled"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Neg", ["pooled"], ["dark"]),
        helper.make_node("Clip", ["dark", "low", "high"], [MAPS]),
    ]
    ends = {"low": np.array(0, np.float32), "high": np.array(1, np.float32)}
    return _graph(nodes, ends, [None, 1, None, None], MAPS, 4)


def _graph(nodes, constants, shape, output, rank):
    graph = helper.make_graph(
        nodes, "tiny",
        [helper.make_tensor_value_info(IMAGES, TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, [None] * rank)],
        [numpy_helper.from_array(value, key) for key, value in constants.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def _save(path, model):
    content = model.SerializeToString()
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def page(seed, words=12, size=(640, 480), form="PNG"):
    """A page of words of grey shades; no two pages have the same ones."""
    rng = np.random.default_rng(seed)
    image = Image.new("L", size, 255)
    draw = ImageDraw.Draw(image)
    for number in range(words):
        left, top = 20 + 200 * (number % 3), 20 + 60 * (number // 3)
        width = int(rng.integers(24, 150))
        shades = rng.integers(0, 60, size=(3, width // 4 + 1)).astype(np.uint8)
        image.paste(Image.fromarray(shades).resize((width, 24), Image.Resampling.NEAREST), (left, top))
        draw.rectangle((left, top, left + width, top + 2), fill=int(rng.integers(0, 60)))
    file = io.BytesIO()
    image.save(file, form)
    return file.getvalue()

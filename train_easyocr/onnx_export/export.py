"""ONNX files of a recognizer and a detector, and the gate: what reads otherwise than torch's network is not written.

float32: logits within 1e-4 and all texts equal, at several widths and batches. int8: no other text after words below a
measured certainty are read again in float32, and detection hardly worse. Layers that spoil it stay in float32.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import cv2
import numpy as np
import onnx
import torch
from torch import nn
from tqdm import tqdm

from train_easyocr.common.errors import UserError
from train_easyocr.common.files import sha256, write_bytes, write_json
from train_easyocr.common.text import format_table
from train_easyocr.datasets.images import reading_width, resize_patch, to_batch
from train_easyocr.detection.db_boxes import DbParameters
from train_easyocr.detection.db_detector import DB_LIGHT, DbCard, load_db_light
from train_easyocr.detection.db_network import DbLight, for_reading
from train_easyocr.detection.opening import network_of, settings_of
from train_easyocr.detection.scaling import MULTIPLE, whole_page
from train_easyocr.documents.images import decode_image
from train_easyocr.documents.page import Box
from train_easyocr.metrics.matching import match
from train_easyocr.onnx_export.graphs import detector_graph, recognizer_graph
from train_easyocr.onnx_export.int8 import (
    Input,
    RangeMethod,
    Ranges,
    calibrated,
    convolutions,
    learnt_ranges,
    to_int8,
)
from train_easyocr.reading.onnx_engine import (
    CARD,
    IMAGES,
    Detector,
    ExportCard,
    File,
    Floats,
    OnnxDetector,
    Recognizer,
    Session,
    WordNetwork,
    normalized,
    open_session,
)
from train_easyocr.reading.torch_engine import choose_bundle
from train_easyocr.reading.words import Found, Pixels
from train_easyocr.recognition import network
from train_easyocr.recognition.ctc import greatest_probabilities, read_paths
from train_easyocr.recognition.model import open_trained
from train_easyocr.recognition.validation import validation_patches
from train_easyocr.settings.parts import WordSettings
from train_easyocr.synthesis.fonts import FontLibrary
from train_easyocr.synthesis.generate import RenderSettings, render_page
from train_easyocr.synthesis.rendered_words import Recipe, unified
from train_easyocr.weights.bundle import INSTALLED
from train_easyocr.weights.checkpoints import WeightsCard, installation_faults
from train_easyocr.weights.model_files import FINETUNED

FileForm = Literal["plain", "rapidocr"]
Measured = TypeVar("Measured")
FilePrecision = Literal["fp32", "int8"]

WORDS, EXAMPLES, PAGES = 700, 300, 4
"""Words that are read both ways, words and pages that int8 is calibrated on (other ones), pages words are found on."""
WIDTHS, BATCHES = (32, 33, 96, 601, 2048), (1, 3, 16)
TOLERANCE, RELATIVE = 1e-4, 1e-5
"""By how much answers may differ from torch's: so much, or this share of the greatest one where that is more."""
LEAST_SURE, MOST_SURE, MARGIN = 0.8, 0.95, 0.1
"""Words are read again below a certainty that lies this far above those that int8 changed. Of 7,778 words, int8 changed
33, the surest of them between 0.7 and 0.8; more than `MOST_SURE` would read most words twice."""
LOST_WORDS, LOST_F1 = 0.001, 0.002
ORDERED = 60
"""Examples that layers are put in order by."""
SQUARES, PIECE = 5, 640
"""Of examples that are equally large: how many times its height a word is wide, and pixels of a piece of a page."""


class LabelledImage(NamedTuple):
    """A word that its label is known of."""

    text: str
    image: Pixels


class LabelledPage(NamedTuple):
    """A page and where its words are."""

    image: Pixels
    boxes: list[Box]


@dataclass(frozen=True)
class Rounding:
    """How int8 is made.

    Attributes:
        calibration: How ranges follow from examples.
        learnt: What a training has found of the values that go into each convolution of the recognizer but the first;
            empty where examples tell.
        detector: Whether the detector is rounded, too: its file is a third as large then, but it is no faster, and
            finds a little less on pages of broken strokes (docs/experiments.md).
        dynamic: See `to_int8`.
    """

    calibration: RangeMethod = "minmax"
    learnt: tuple[float, ...] = ()
    detector: bool = False
    dynamic: tuple[str, ...] = ("LSTM",)


@dataclass(frozen=True)
class ExportSource:
    """What is exported.

    Attributes:
        name: What the weights are called.
        recognizer: A `.pth` with its card beside it.
        detector: Likewise; `db_light`'s.
        parameters: How boxes are made, where not as the detector's card says.
        rounding: How int8 is made of it.
    """

    name: str
    recognizer: Path
    detector: Path
    parameters: DbParameters | None = None
    rounding: Rounding = field(default_factory=Rounding)


def find_source(name: str | None, saved_models: Path) -> ExportSource:
    """Find what a name stands for; see `choose_bundle`.

    Raises:
        UsageError: Nothing is called that.
        UserError: Its detector can't be exported.
    """
    bundle = choose_bundle(name, saved_models)
    recognizer, detector = bundle.part("recognizer", "--bundle"), bundle.part("detector", "--bundle")
    if not isinstance(recognizer, Path):
        raise UserError(f"{bundle.name}: EasyOCR's own recognizers are not exported; train from them first (step 3)")
    if not isinstance(detector, Path) or network_of(detector) != DB_LIGHT:
        raise UserError(
            f"{bundle.name}: its detector is EasyOCR's CRAFT, which is not exported; export a bundle with {DB_LIGHT}, "
            "as the starter's or one of `python3 -m train_easyocr.detection.train`"
        )
    settings = settings_of(bundle)
    parameters = settings.detector_parameters if settings else None
    assert parameters is None or isinstance(parameters, DbParameters)
    return ExportSource(FINETUNED if bundle.name == INSTALLED else bundle.name, recognizer, detector, parameters)


def export(
    source: ExportSource, output: Path, form: FileForm, precision: FilePrecision, config: WordSettings
) -> ExportCard:
    """Export, check and write.

    Args:
        source: What.
        output: A folder; files of an earlier export there are replaced.
        form: What the files are for.
        precision: Of the recognizer, and of the detector where `source.rounding` says so; int8 comes with the
            recognizer in float32, which words are read again with.
        config: For the validation sets of the recognizer's card.

    Raises:
        UserError: It can't be exported, or reads otherwise than torch; nothing was written.
    """
    model, about, _ = open_trained(source.recognizer)
    model.eval()
    if faults := installation_faults(Prediction=about.network["Prediction"], rgb=about.rgb, PAD=about.PAD):
        raise UserError(f"{source.recognizer}: can't be exported, it was trained with " + "; with ".join(faults))
    finder, found = load_db_light(source.detector)
    words, origin = checking_words(about, config, WORDS + (EXAMPLES if precision == "int8" else 0))
    finding: FilePrecision = precision if source.rounding.detector else "fp32"
    pages = rendered_pages(PAGES + (PAGES if finding == "int8" else 0))
    recognizer, read, word_figures = _recognizer(source, model, about, words, form=form, precision=precision)
    detector, find, page_figures = _detector(source, finder, found, pages, form=form, precision=finding)
    files = {**read, **find}
    card = ExportCard(
        form=form,
        name=source.name,
        precision=precision,
        recognizer=recognizer,
        detector=detector,
        checked={"words_of": origin, **word_figures, **page_figures},
        rapidocr=rapidocr_settings(recognizer, detector) if form == "rapidocr" else {},
    )
    if output.is_dir() and any(output.iterdir()) and not (output / CARD).is_file():
        raise UserError(f"{output}: holds other files; name a new folder, or one of an earlier export")
    (output / CARD).unlink(missing_ok=True)
    for name, content in files.items():
        write_bytes(output / name, content)
    write_json(output / CARD, card.model_dump(mode="json"))
    return card


def checking_words(about: WeightsCard, config: WordSettings, count: int) -> tuple[list[LabelledImage], str]:
    """Return words to check with and where they come from: the validation sets, rendered ones where these are gone."""
    folders = [Path(folder) for folder in about.validation_sets if Path(folder).is_dir()]
    if folders:
        patches = [LabelledImage(label, image) for _, label, image in validation_patches(folders, about, config, count)]
        if len(patches) == count:
            order = np.random.default_rng(0).permutation(count)
            return [patches[number] for number in order], "validation sets"
    rendered, _ = Recipe(4242, "mixed", unified(about.character), "all").prepare()
    return [LabelledImage(*rendered.word(number)) for number in range(count)], "rendered"


def rendered_pages(count: int) -> list[LabelledPage]:
    """Render pages of the sample's kinds."""
    settings, library = RenderSettings(2, 4242, Fraction(1, 2)), FontLibrary.find()
    pages = []
    for number in range(count):
        jpeg, record = render_page(number, settings, library)
        image = decode_image(jpeg)
        found = [entry["annotation.bbox"] for entry in record["label"]["annotations"]]
        pages.append(LabelledPage(image, [Box(x, y, x + width, y + height) for x, y, width, height in found]))
    return pages


def _recognizer(
    source: ExportSource,
    model: network.Model,
    about: WeightsCard,
    words: Sequence[LabelledImage],
    *,
    form: FileForm,
    precision: FilePrecision,
) -> tuple[Recognizer, dict[str, bytes], dict[str, Any]]:
    weights = sha256(source.recognizer)
    metadata = {"character": "\n".join(about.character), "img_height": str(about.img_height), "blank": "0"}
    metadata["weights_sha256"] = weights
    graph = recognizer_graph(model, about.img_height, metadata, form == "rapidocr")
    exact = graph.SerializeToString()
    session = open_session(exact)
    figures: dict[str, Any] = {"logits_differ_by": check_recognizer(model, session, about, words[:WORDS], form)}
    described = {"img_height": about.img_height, "characters": about.character, "weights_sha256": weights}
    float32 = _file("recognizer.onnx", exact)
    if precision == "fp32":
        return Recognizer(file=float32, **described), {float32.name: exact}, figures
    float32 = _file("recognizer_fp32.onnx", exact)
    described_exact = Recognizer(file=float32, **described)
    rounding = source.rounding
    examples = [_input(word, about.img_height) for word in words[WORDS:]]
    if rounding.calibration == "minmax":
        ranges = calibrated(graph, examples, "minmax")
    else:
        ranges = calibrated(graph, _equally_wide(words[WORDS:], about.img_height), rounding.calibration)
    ranges = {**ranges, **learnt_ranges(graph, rounding.learnt)}
    rounded, left_out, (sure, measured) = _quantized(
        graph,
        examples,
        lambda made: _agreement(session, open_session(made), described_exact, words[:WORDS]),
        "the recognizer",
        ranges=ranges,
        dynamic=rounding.dynamic,
    )
    file = _file("recognizer.onnx", rounded)
    recognizer = Recognizer(file=file, exact=float32, sure=sure, float_layers=tuple(left_out), **described)
    return recognizer, {file.name: rounded, float32.name: exact}, {**figures, **measured}


def _detector(
    source: ExportSource,
    model: DbLight,
    about: DbCard,
    pages: Sequence[LabelledPage],
    *,
    form: FileForm,
    precision: FilePrecision,
) -> tuple[Detector, dict[str, bytes], dict[str, Any]]:
    parameters, weights = source.parameters or about.parameters, sha256(source.detector)
    metadata = {"long_side": str(about.long_side), "weights_sha256": weights}
    metadata |= {key: json.dumps(value) for key, value in parameters.model_dump(mode="json").items()}
    graph = detector_graph(model, metadata, form == "rapidocr")
    content = graph.SerializeToString()
    described = {"long_side": about.long_side, "parameters": parameters, "weights_sha256": weights}
    detector = Detector(file=_file("detector.onnx", content), **described)
    checked = pages[:PAGES]
    figures: dict[str, Any] = {
        "maps_differ_by": check_detector(model, open_session(content), about.long_side, checked, form)
    }
    if precision == "fp32":
        return detector, {detector.file.name: content}, figures
    before = _detection_f1(content, detector, checked)

    def judge(made: bytes) -> dict[str, float]:
        after = _detection_f1(made, detector, checked)
        if before - after > LOST_F1:
            raise UserError(f"detection F1 is {after:.4f}, in float32 {before:.4f}")
        return {"detection_f1_fp32": round(before, 4), "detection_f1_int8": round(after, 4)}

    calibration = source.rounding.calibration
    examples = [_page_input(page.image, about.long_side) for page in pages[PAGES:]]
    pieces = examples if calibration == "minmax" else [piece for example in examples for piece in _pieces(example)]
    ranges = calibrated(graph, pieces, calibration)
    content, left_out, measured = _quantized(graph, examples, judge, "the detector", ranges=ranges)
    detector = Detector(file=_file("detector.onnx", content), float_layers=tuple(left_out), **described)
    return detector, {detector.file.name: content}, {**figures, **measured}


def _file(name: str, content: bytes) -> File:
    return File(name=name, sha256=hashlib.sha256(content).hexdigest())


def _input(word: LabelledImage, height: int) -> Input:
    width = reading_width(word.image.shape[1], word.image.shape[0], height)
    return normalized(to_batch([resize_patch(word.image, height, width)], width))


def _equally_wide(words: Sequence[LabelledImage], height: int) -> list[Input]:
    """Return the words that are not wider than some squares, filled up to that."""
    width = SQUARES * height
    own = [(word, reading_width(word.image.shape[1], word.image.shape[0], height)) for word in words]
    fitting = [resize_patch(word.image, height, wide) for word, wide in own if wide <= width]
    return [normalized(to_batch([patch], width)) for patch in fitting]


def _pieces(page: Input) -> list[Input]:
    """Cut a page into pieces; what is left over at its edges is left out."""
    rows, columns = (size // PIECE for size in page.shape[2:])
    return [
        page[:, :, PIECE * y : PIECE * (y + 1), PIECE * x : PIECE * (x + 1)]
        for y in range(rows)
        for x in range(columns)
    ]


def _page_input(image: Pixels, long_side: int) -> Input:
    return normalized(whole_page(_grey(image), long_side, MULTIPLE)[0][None, None])


def _grey(image: Pixels) -> Pixels:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.ndim == 3 else image, np.uint8)


def check_recognizer(
    model: network.Model, session: Session, about: WeightsCard, words: Sequence[LabelledImage], form: FileForm
) -> float:
    """Hold a float32 graph against torch's network; return by how much the answers differ at most.

    Raises:
        UserError: By more than is allowed, or a text differs.
    """
    greatest_difference, number, height = 0.0, 0, about.img_height
    for width in WIDTHS:
        for size in BATCHES:
            part = [words[(number + place) % len(words)] for place in range(size)]
            number += size
            batch = normalized(to_batch([resize_patch(word.image, height, width) for word in part], width))
            difference = _compared(model, session, batch, form, [word.text for word in part])
            greatest_difference = max(greatest_difference, difference)
    for word in words[:200]:
        difference = _compared(model, session, _input(word, height), form, [word.text])
        greatest_difference = max(greatest_difference, difference)
    return greatest_difference


@torch.inference_mode()
def _compared(model: nn.Module, session: Session, batch: Input, form: FileForm, labels: Sequence[str]) -> float:
    expected = model(torch.from_numpy(batch))
    if form == "rapidocr":
        expected, batch = expected.softmax(2), np.repeat(batch, 3, axis=1)
    found: Floats = session.run(None, {IMAGES: batch})[0]
    if found.shape != tuple(expected.shape):
        raise UserError(f"ONNX Runtime answers {list(found.shape)}, torch {list(expected.shape)}; nothing was written")
    difference = float(np.abs(found - expected.numpy()).max())
    allowed = max(TOLERANCE, RELATIVE * float(expected.abs().max()))
    texts = [
        [word.indices for word in read_paths(*greatest_probabilities(values))] for values in (found, expected.numpy())
    ]
    different = [label for label, ours, theirs in zip(labels, *texts, strict=True) if ours != theirs]
    if not difference <= allowed or different:
        raise UserError(
            f"{len(batch)} words of {batch.shape[2]} x {batch.shape[3]} pixels: ONNX Runtime's answers differ from "
            f"torch's by {difference:.2g} (at most {allowed:.2g}), {len(different)} texts are others "
            f"{different[:3]}; nothing was written"
        )
    return difference


@torch.inference_mode()
def check_detector(
    model: DbLight, session: Session, long_side: int, pages: Sequence[LabelledPage], form: FileForm
) -> float:
    """As `check_recognizer`, for maps, on pages and on a corner of one."""
    reading, greatest_difference = for_reading(model), 0.0
    for image in [pages[0].image[:333, :555], *(page.image for page in pages)]:
        batch = _page_input(image, long_side)
        expected = reading(torch.from_numpy(batch)).numpy()
        found = session.run(None, {IMAGES: np.repeat(batch, 3, axis=1) if form == "rapidocr" else batch})[0]
        difference = float(np.abs(found - expected).max()) if found.shape == expected.shape else float("inf")
        if not difference <= TOLERANCE:
            raise UserError(
                f"a page of {batch.shape[2]} x {batch.shape[3]} pixels: ONNX Runtime's maps {list(found.shape)} differ "
                f"from torch's {list(expected.shape)} by {difference:.2g} (at most {TOLERANCE:g}); nothing was written"
            )
        greatest_difference = max(greatest_difference, difference)
    return greatest_difference


def _quantized(
    graph: onnx.ModelProto,
    examples: Sequence[Input],
    judge: Callable[[bytes], Measured],
    what: str,
    *,
    ranges: Ranges,
    dynamic: Sequence[str] = ("LSTM",),
) -> tuple[bytes, list[str], Measured]:
    """Return a graph in int8 that passes, the layers that had to stay float, and what the judge measured."""
    left_out: list[str] = []
    order: list[str] | None = None
    while True:
        made = to_int8(graph, examples[0], ranges, left_out, dynamic).SerializeToString()
        try:
            return made, left_out, judge(made)
        except UserError as error:
            order = by_damage(graph, examples, ranges) if order is None else order
            if len(left_out) >= len(order) / 2:
                raise UserError(
                    f"{what} in int8: {error}, with {', '.join(left_out)} left in float32; nothing was written; export "
                    "it with --precision fp32"
                ) from None
            left_out = order[: len(left_out) + 1]


def by_damage(graph: onnx.ModelProto, examples: Sequence[Input], ranges: Ranges) -> list[str]:
    """Put convolutions in order: first the one that alone in int8 changes the answers most."""
    names, few = convolutions(graph), examples[:ORDERED]
    exact = _answers(graph, few)
    damage = {}
    for name in tqdm(names, desc="Layers in int8, one by one", unit="layer", leave=False):
        others = [other for other in names if other != name]
        rounded = _answers(to_int8(graph, few[0], ranges, others), few)
        damage[name] = max(float(np.abs(one - other).mean()) for one, other in zip(exact, rounded, strict=True))
    return sorted(names, key=lambda name: -damage[name])


def _answers(graph: onnx.ModelProto, inputs: Sequence[Input]) -> list[Floats]:
    session = open_session(graph.SerializeToString())
    return [session.run(None, {IMAGES: batch})[0] for batch in inputs]


def _agreement(
    exact: Session, rounded: Session, about: Recognizer, words: Sequence[LabelledImage]
) -> tuple[float, dict[str, Any]]:
    """Measure below which certainty words have to be read again, on one half of the words; prove it on the other.

    Returns:
        The certainty, and figures.

    Raises:
        UserError: Too many words would be read again, or a text is another one all the same.
    """
    before, after = (read_alone(session, about, words) for session in (exact, rounded))
    changed = [b.certainty if a.text != b.text else 0.0 for a, b in zip(before, after, strict=True)]
    sure = max(LEAST_SURE, max(changed[::2]) + MARGIN)
    if sure > MOST_SURE:
        raise UserError(f"words of a certainty of {max(changed):.2f} are read otherwise than in float32")
    left = [word.text for word, certainty in zip(words, changed, strict=True) if certainty >= sure]
    if left:
        raise UserError(f"{len(left)} of {len(words)} words are read otherwise than in float32: {', '.join(left[:3])}")
    again = [b.certainty < sure for b in after]
    final = [a if twice else b for a, b, twice in zip(before, after, again, strict=True)]
    right = [
        sum(word.text == found.text for word, found in zip(words, each, strict=True)) / len(words)
        for each in (before, final, after)
    ]
    if right[0] - right[1] > LOST_WORDS:
        raise UserError(f"{right[1]:.1%} of the words are read right, in float32 {right[0]:.1%}")
    return sure, {
        "words": len(words),
        "other_texts_before_reading_again": sum(value > 0 for value in changed),
        "read_again": round(sum(again) / len(words), 4),
        "right_fp32": round(right[0], 4),
        "right_int8": round(right[1], 4),
        "right_int8_without_reading_again": round(right[2], 4),
    }


def read_alone(session: Session, about: Recognizer, words: Sequence[LabelledImage]) -> list[Found]:
    """Read words one by one, each as wide as reading makes it, and none of them again."""
    read = WordNetwork(session, about.characters)
    height = about.img_height
    widths = [reading_width(word.image.shape[1], word.image.shape[0], height) for word in words]
    return [
        read([resize_patch(word.image, height, width)], width)[0] for word, width in zip(words, widths, strict=True)
    ]


def _detection_f1(content: bytes, about: Detector, pages: Sequence[LabelledPage]) -> float:
    detector = OnnxDetector(open_session(content), about)
    found = [detector.detect(page.image) for page in pages]
    matched = sum(len(match(page.boxes, boxes)) for page, boxes in zip(pages, found, strict=True))
    return 2 * matched / max(1, sum(map(len, found)) + sum(len(page.boxes) for page in pages))


def rapidocr_settings(recognizer: Recognizer, detector: Detector) -> dict[str, Any]:
    """Return `RapidOCR(params=...)` under which it reads as this project does; paths are those of the folder."""
    boxes = detector.parameters
    return {
        "Global.use_cls": False,  # it turns Korean words upside down
        "Global.text_score": 0.0,
        "Global.max_side_len": 65500,
        "Det.model_path": detector.file.name,
        "Det.limit_type": "max",
        "Det.limit_side_len": detector.long_side,
        "Det.mean": [0.5, 0.5, 0.5],
        "Det.std": [0.5, 0.5, 0.5],
        "Det.thresh": boxes.det_db_thresh,
        "Det.box_thresh": boxes.det_db_box_thresh,
        "Det.unclip_ratio": boxes.det_db_unclip_ratio,
        "Det.use_dilation": boxes.use_dilation,
        "Det.score_mode": boxes.det_db_score_mode,
        "Rec.model_path": recognizer.file.name,
        "Rec.rec_img_shape": [3, recognizer.img_height, 10 * recognizer.img_height],
    }


def summary(card: ExportCard, output: Path) -> str:
    """Return the table of what was written and checked."""
    rows: list[tuple[str, object]] = [
        (file.name, f"{(output / file.name).stat().st_size / 1e6:.1f} MB") for file in card.files
    ]
    rows += [(key.replace("_", " "), f"{value:.3g}" if isinstance(value, float) else value)
             for key, value in card.checked.items()]  # fmt: skip
    if card.recognizer.exact:
        rows.append(("read again below a certainty of", f"{card.recognizer.sure:.2f}"))
    left = [*card.recognizer.float_layers, *card.detector.float_layers]
    if left:
        rows.append(("layers that int8 would spoil", ", ".join(left)))
    return f"{format_table((card.name, card.precision), rows)}\n{output}"

"""Networks beside each other: what they cost, how fast they are, and how well they read, in one table and one page.

All read with ONNX Runtime, in float32 or as they were exported: what differs is the networks alone. The first is what
the others are held against.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from train_easyocr import common
from train_easyocr.common.errors import UserError
from train_easyocr.common.files import write_json, write_text
from train_easyocr.common.text import format_table
from train_easyocr.compression.pruning import CURVES
from train_easyocr.compression.subjects import PAGE, all_macs, convolution_macs, parameters_of
from train_easyocr.detection.db_detector import load_db_light
from train_easyocr.documents.label_formats import find_labelled_pages
from train_easyocr.evaluation.analysis import HEADLINE, Analysis, Analyzer
from train_easyocr.evaluation.html_report import template_environment
from train_easyocr.evaluation.runner import DetectorSource, ScoredModel, evaluate
from train_easyocr.metrics.significance import WORSE
from train_easyocr.onnx_export.export import find_source
from train_easyocr.onnx_export.graphs import detector_graph, recognizer_graph
from train_easyocr.reading.onnx_engine import (
    CARD,
    IMAGES,
    Detector,
    File,
    OnnxDetector,
    OnnxWords,
    Recognizer,
    open_session,
    read_export_card,
)
from train_easyocr.recognition.model import open_trained

JSON_NAME, HTML_NAME = "compression.json", "compression.html"
BATCHES = (1, 16, 64)
"""Words of three squares that are read together."""
REPEATS = 5
SEED = 0


@dataclass(frozen=True)
class Costs:
    """What a network costs; None where nothing tells.

    Attributes:
        parameters: Numbers that it has learnt.
        convolutions: Multiplications in convolutions.
        all: All multiplications; of words of three squares, or of pages of 2240 x 1600 pixels.
    """

    parameters: int
    convolutions: int
    all: int


@dataclass(frozen=True)
class Variant:
    """Networks that are to be compared.

    Attributes:
        name: As tables show it.
        recognizer: What the recognizer is.
        detector: What the detector is.
        words: The recognizer's ONNX file.
        exact: That in float32, with which unsure words are read again; None where none are.
        finder: The detector's ONNX file.
        costs: Of recognizer and detector.
        curves: The picture of a pruning's sensitivity; None where there is none.
    """

    name: str
    recognizer: Recognizer
    detector: Detector
    words: bytes
    exact: bytes | None
    finder: bytes
    costs: tuple[Costs | None, Costs | None] = (None, None)
    curves: Path | None = None

    def open_words(self) -> OnnxWords:
        """Open what reads words."""
        return OnnxWords(open_session(self.words), open_session(self.exact) if self.exact else None, self.recognizer)

    def open_detector(self) -> OnnxDetector:
        """Open what finds words."""
        return OnnxDetector(open_session(self.finder), self.detector)


def open_variant(name: str, saved_models: Path) -> Variant:
    """Open what a name stands for: the folder of an export, or a bundle, which is exported in float32.

    Raises:
        UserError: Nothing is called that, or it can't be exported.
    """
    if (Path(name) / CARD).is_file():
        return _of_export(Path(name))
    source = find_source(name, saved_models)
    model, about, _ = open_trained(source.recognizer)
    finder, found = load_db_light(source.detector)
    height = about.img_height
    words = recognizer_graph(model, height, {}, rapidocr=False).SerializeToString()
    maps = detector_graph(finder, {}, rapidocr=False).SerializeToString()
    curves = source.recognizer.parent / CURVES
    reader = {"img_height": height, "characters": about.character, "weights_sha256": about.weights_sha256}
    parameters = {"long_side": found.long_side, "parameters": source.parameters or found.parameters}
    return Variant(
        name,
        Recognizer(file=_file(words), **reader),
        Detector(file=_file(maps), weights_sha256=found.weights_sha256, **parameters),
        words,
        None,
        maps,
        (_costs(model, (1, 1, height, 3 * height)), _costs(finder, PAGE)),
        curves if curves.is_file() else None,
    )


def _of_export(folder: Path) -> Variant:
    card = read_export_card(folder)
    reader, exact = card.recognizer, card.recognizer.exact
    files = [(folder / file.name).read_bytes() for file in (reader.file, card.detector.file)]
    return Variant(
        folder.name, reader, card.detector, files[0], (folder / exact.name).read_bytes() if exact else None, files[1]
    )


def _file(content: bytes) -> File:
    return File(name="in memory", sha256=hashlib.sha256(content).hexdigest())


def _costs(model: Any, shape: tuple[int, ...]) -> Costs:
    return Costs(parameters_of(model), convolution_macs(model, shape), all_macs(model, shape))


def with_known_costs(variants: Sequence[Variant]) -> list[Variant]:
    """Give exports the costs of the weights that they were made of, where these are among the others."""
    readers = {one.recognizer.weights_sha256: one.costs[0] for one in variants if one.costs[0]}
    finders = {one.detector.weights_sha256: one.costs[1] for one in variants if one.costs[1]}
    return [
        replace(one, costs=(readers.get(one.recognizer.weights_sha256), finders.get(one.detector.weights_sha256)))
        for one in variants
    ]


def milliseconds_a_word(variant: Variant) -> dict[int, float]:
    """Return the processor time of reading words of three squares, by how many are read together.

    The fewest of several repeats, on one thread; words that are read again are not counted.
    """
    session, height, found = open_session(variant.words), variant.recognizer.img_height, {}
    for size in BATCHES:
        images = np.random.default_rng(SEED).uniform(-1, 1, (size, 1, height, 3 * height)).astype(np.float32)
        times = []
        for _ in range(REPEATS + 1):
            start = time.process_time()
            for _ in range(max(BATCHES) // size):
                session.run(None, {IMAGES: images})
            times.append(time.process_time() - start)
        found[size] = 1000 * min(times[1:]) / (max(BATCHES) // size * size)
    return found


def compare_variants(variants: Sequence[Variant], eval_set: Path, output: Path) -> dict[str, Any]:
    """Read all pages with all variants, at the labelled boxes and at their own; what was read is kept.

    Args:
        variants: The first one is what the others are held against.
        eval_set: Pages with labels.
        output: The report's folder.

    Returns:
        The tree that the report is drawn from.

    Raises:
        UserError: There is no page, or what is in `output` can't be used.
    """
    pages = find_labelled_pages(eval_set).pages
    analyses: dict[str, Analysis] = {}
    for boxes in ("labels", "own"):
        analyzer = Analyzer()
        models = [_scored(one, own_boxes=boxes == "own") for one in variants]
        done = evaluate(pages, models, None, output / f"boxes_{boxes}", observer=analyzer)
        characters = {one.name: frozenset(one.recognizer.characters) for one in variants}
        analyses[boxes] = analyzer.analyze(list(done.models), done.boxes, SEED, characters)
    return {
        "eval_set": str(eval_set),
        "pages": len(pages),
        "words": analyses["labels"].labels,
        "variants": [_row(one, analyses) for one in variants],
        "worse": worse_than_first(variants[0].name, analyses),
    }


def _scored(variant: Variant, *, own_boxes: bool) -> ScoredModel:
    recognizer, detector = variant.recognizer, variant.detector
    files = {"recognizer": recognizer.file.sha256, "sure": str(recognizer.sure)}
    found = {"detector": detector.file.sha256, "parameters": json.dumps(detector.parameters.model_dump())}
    source = DetectorSource(f"detector {detector.file.sha256[:12]}", found, variant.open_detector)
    return ScoredModel(variant.name, files, variant.open_words, source if own_boxes else None)


def _row(variant: Variant, analyses: Mapping[str, Analysis]) -> dict[str, Any]:
    at_labels, at_own = (analyses[boxes].models[variant.name] for boxes in ("labels", "own"))
    lengths = at_labels.groups["length"]
    right = sum(group.labels * (group.exact or 0) for group in lengths) / max(1, sum(group.labels for group in lengths))
    recognizer, detector = variant.costs
    return {
        "name": variant.name,
        "recognizer_bytes": len(variant.words),
        "detector_bytes": len(variant.finder),
        "recognizer": vars(recognizer) if recognizer else None,
        "detector": vars(detector) if detector else None,
        "milliseconds": {str(size): value for size, value in milliseconds_a_word(variant).items()},
        "words_right": right,
        "slices": {group.name: [group.labels, group.exact] for group in [*at_labels.slices, *lengths] if group.labels},
        "end_to_end_f1": at_own.headline,
        "float_layers": [*variant.recognizer.float_layers, *variant.detector.float_layers],
    }


def worse_than_first(first: str, analyses: Mapping[str, Analysis]) -> list[str]:
    """Return a line for each figure that a variant reads worse than the first one, beyond chance."""
    found = []
    for boxes, analysis in analyses.items():
        for one in analysis.comparisons:
            if one.before != first:
                continue
            headline = one.figures.get(HEADLINE)
            figures = {"all words": headline} | {name: one.slices[name] for name in one.worse_slices}
            found += [
                f"{one.after}, {'labelled' if boxes == 'labels' else 'own'} boxes, {name}: {figure.value:+.4f} "
                f"({figure.low:+.4f} to {figure.high:+.4f})"
                for name, figure in figures.items()
                if figure and figure.verdict == WORSE
            ]
    return found


def write(tree: Mapping[str, Any], variants: Sequence[Variant], output: Path) -> None:
    """Write the tree and the page that shows it, which opens offline."""
    write_json(output / JSON_NAME, tree)
    environment = template_environment(Path(__file__).parent / "templates")
    environment.filters |= {
        "percent": lambda value: "–" if value is None else f"{value:.2%}",
        "millions": lambda value: f"{value / 1e6:,.2f}",
    }
    look = Markup((Path(common.__file__).parent / "look.css").read_text(encoding="utf-8"))
    curves = {one.name: _svg(one.curves) for one in variants if one.curves}
    slices = list(dict.fromkeys(name for row in tree["variants"] for name in row["slices"]))
    html = environment.get_template(HTML_NAME).render(
        tree=tree, look=look, curves=curves, slices=slices, batches=BATCHES
    )
    write_text(output / HTML_NAME, html)


def _svg(path: Path) -> str:
    """Return a picture's address: as an image, it can run nothing."""
    return "data:image/svg+xml;base64," + base64.b64encode(path.read_bytes()).decode()


def variants_table(tree: Mapping[str, Any]) -> str:
    """Return the main figures as a table, a row a variant."""
    show: dict[str, Callable[[Mapping[str, Any]], str]] = {
        "recognizer MB": lambda row: f"{row['recognizer_bytes'] / 1e6:.1f}",
        "detector MB": lambda row: f"{row['detector_bytes'] / 1e6:.1f}",
        "conv. MMAC": lambda row: f"{row['recognizer']['convolutions'] / 1e6:.1f}" if row["recognizer"] else "–",
        **{
            f"ms at {size}": lambda row, size=size: f"{row['milliseconds'][str(size)]:.2f}"  # type: ignore[misc]
            for size in BATCHES
        },
        "words right": lambda row: f"{row['words_right']:.2%}",
        "end-to-end F1": lambda row: f"{row['end_to_end_f1']:.4f}",
    }
    return format_table(["", *show], [[row["name"], *(one(row) for one in show.values())] for row in tree["variants"]])


def refuse_worse_variants(tree: Mapping[str, Any]) -> None:
    """Let only variants pass that are not worse than the first one in anything.

    Raises:
        UserError: One reads worse, beyond chance.
    """
    if tree["worse"]:
        listed = "\n".join(f"  - {line}" for line in tree["worse"])
        raise UserError(f"worse than {tree['variants'][0]['name']}, beyond chance:\n{listed}")

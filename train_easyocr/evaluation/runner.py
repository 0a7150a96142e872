"""Reads the pages of an evaluation set with several models and scores them: detection once a page, resumable.

The models are handed in, so that anything that recognizes words can be evaluated; EasyOCR's are in `models`. While a
page is read, the next ones are decoded; results do not depend on that.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from train_easyocr.common.ahead import in_advance
from train_easyocr.common.errors import WeightsError
from train_easyocr.documents import Box, Page, Quad, Shape, Word
from train_easyocr.documents.aihub import (
    LabelError,
    LabelFile,
    PageFile,
    Problem,
    fault_of,
    page_of,
    read_labels,
    unusable,
)
from train_easyocr.documents.images import ImageError, PageImage
from train_easyocr.documents.page import bounds
from train_easyocr.evaluation.observations import Row, as_seen, word_of
from train_easyocr.evaluation.predictions import ModelIdentity, Predictions
from train_easyocr.metrics.matching import check_labels
from train_easyocr.metrics.metrics import PageScores, score_page
from train_easyocr.reading.orientation import Setting, turn_upright, turned_shape
from train_easyocr.reading.pipeline import find_words
from train_easyocr.reading.reader import Reading
from train_easyocr.reading.sources import SourcePage, colour_and_grey, naming

BoxOrigin = Literal["labels", "detector", "predictions"]
Pixels = NDArray[np.uint8]
T = TypeVar("T")
R = TypeVar("R")

DETECTION = "detection"
"""Before the names of detectors in the keys of what they found."""
PAGES_AHEAD = 2
"""Pages that are decoded, at most, while one is read: 35 MB each at 2,500 x 3,500 pixels."""

NOTHING_TO_READ = "none of its labels can be used"
"""Why a page is not scored that has labels, but no usable word; one whose label file is empty is scored."""


class _NothingToReadError(LabelError):
    """A page's label file is in order, but none of its labels can be used; `detail` is a kind of reason."""


class Recognizer(Protocol):
    """Reads words at given places."""

    def recognize(self, grey: Pixels, shapes: Sequence[Shape]) -> list[Reading]:
        """Return text and confidence of each shape, in order; `grey` is the page, [h, w]."""


class Detector(Protocol):
    """Finds words."""

    def detect(self, image: Pixels) -> list[Shape]:
        """Return where the words of a page are; `image` is [h, w, 3], RGB."""


@dataclass(frozen=True)
class ScoredModel:
    """A recognizer to be evaluated.

    Attributes:
        name: As tables show it.
        identity: All that its readings depend on, apart from the image and the boxes.
        open: Loads it. Called at most once, and only when a page is to be read.
        detector: What finds its words, where that is not what finds those of the other models.
        characters: Returns the characters that it can write; None: that is not known.
        recognizer: Its name in the file of readings, which it shares with models that differ in their detectors alone;
            such a recognizer is loaded once. Empty: `name`.
    """

    name: str
    identity: ModelIdentity
    open: Callable[[], Recognizer]
    detector: DetectorSource | None = None
    characters: Callable[[], frozenset[str]] | None = None
    recognizer: str = ""


@dataclass(frozen=True)
class DetectorSource:
    """A detector; as `ScoredModel`. Sources of one name are one detector."""

    name: str
    identity: ModelIdentity
    open: Callable[[], Detector]


def _no_detector() -> Detector:
    raise AssertionError("words are read at the labelled boxes")


LABELS = DetectorSource("labels", {}, _no_detector)
"""In the place of a detector: words are read at the labelled boxes."""


@dataclass(frozen=True)
class ForeignReadings:
    """What another system read, to be scored beside the models.

    Attributes:
        name: As tables show it.
        identity: What identifies the readings.
        rows: The words by page; on a page that is not there nothing was read.
    """

    name: str
    identity: ModelIdentity
    rows: Mapping[str, Sequence[Row]]


class Observer(Protocol):
    """Takes in each page that was scored."""

    def page(self, page: Page, rows: Mapping[str, Sequence[Row]], scores: Mapping[str, PageScores]) -> None:
        """Take in a page, and by model what was read there and its scores."""


@dataclass(frozen=True)
class PageResult:
    """A page's scores by model name.

    Attributes:
        data: Hash of its image and its labels.
    """

    name: str
    category: str
    words: int
    scores: dict[str, PageScores]
    data: str = ""


@dataclass
class Evaluation:
    """The outcome of a run.

    Attributes:
        boxes: Where words were read: at the labelled boxes, where the detector found any, or, where no model was
            asked for, wherever the predictions of other systems are.
        models: The evaluated models by name, and what their readings depend on.
        pages: Each page's scores, in the order of the pages.
        skipped: Pages that can't be scored, and why.
        warnings: What is not as it should be with images of pages that are scored.
        failed: Models that could not be opened by name, and why.
    """

    boxes: BoxOrigin
    models: dict[str, ModelIdentity]
    pages: list[PageResult] = field(default_factory=list)
    skipped: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def _say(line: str) -> None:
    tqdm.write(line, file=sys.stderr)


def evaluate(
    pages: Sequence[PageFile],
    models: Sequence[ScoredModel],
    detector: DetectorSource | None,
    output: Path,
    report: Callable[[str], None] = _say,
    *,
    observer: Observer | None = None,
    readings: Sequence[ForeignReadings] = (),
    orientation: Setting = "off",
) -> Evaluation:
    """Read all pages with all models, keeping each reading in `output`, and score them.

    Args:
        pages: The pages.
        models: The models; names differ.
        detector: What finds the words of all models that have no detector of their own; None: they are read at the
            labelled boxes.
        output: The folder for the predictions. Those that are there are used where they hold.
        report: Takes a line about each skipped page, each failed model and all readings that don't hold any more.
        observer: Is shown each page's readings; a model that fails later on may have been among them.
        readings: What other systems read; their names differ from the models'.
        orientation: `auto` finds and reads words on the page turned upright and straightened, where no labels say
            where they are; boxes are scored where they lie on the page as it is.

    Raises:
        UserError: The predictions in `output` can't be used.
        WeightsError: The detector can't be opened.
    """
    run = _Run(models, detector, report, observer, readings, orientation=orientation)
    with Predictions(output, run.identities()) as predictions:
        for note in predictions.notes:
            report(note)
        done = sum(run.is_known(page.name, predictions) for page in pages)
        prepare = functools.partial(run.prepare, predictions=predictions)
        with (
            tqdm(total=len(pages), initial=done, unit="page", desc="Evaluating", smoothing=0.1) as progress,
            contextlib.closing(in_advance(prepare, pages, PAGES_AHEAD)) as prepared,
        ):
            for page, found in zip(pages, prepared, strict=True):
                known = run.is_known(page.name, predictions)
                run.evaluate_page(page, found, predictions)
                progress.update(0 if known else 1)
    return run.finished()


@dataclass(frozen=True, eq=False)
class _Prepared:
    """A page on its way to be read.

    Attributes:
        page: With its labels.
        image: Hash of its image file, and how it was turned and laid on white, if it was.
        pixels: In colour and grey (see `load_page`), where a model has not read it yet.
        warnings: What is not as it should be with the image.
    """

    page: Page
    image: str
    pixels: tuple[Pixels, Pixels] | None
    warnings: list[str]


class _Run:
    """One evaluation: the models that are open, and the outcome so far."""

    def __init__(
        self,
        models: Sequence[ScoredModel],
        detector: DetectorSource | None,
        report: Callable[[str], None],
        observer: Observer | None,
        readings: Sequence[ForeignReadings],
        *,
        orientation: Setting,
    ) -> None:
        self.orientation = orientation
        self.models = list(models)
        self.detector = detector or LABELS
        self.report = report
        self.observer = observer
        self.readings = readings
        at_labels = all(self._source(model) is LABELS for model in models)
        boxes: BoxOrigin = "predictions" if not models else "labels" if at_labels else "detector"
        self.outcome = Evaluation(boxes, {found.name: found.identity for found in readings})
        identities = self.identities()
        self.outcome.models.update({model.name: identities[self.key(model)] for model in models})
        self._recognizers: dict[str, Recognizer] = {}
        self._detectors: dict[str, Detector] = {}

    def _source(self, model: ScoredModel) -> DetectorSource:
        """Return what finds a model's words."""
        return model.detector or self.detector

    def key(self, model: ScoredModel) -> str:
        """Return the key of a model's readings; those at the boxes of different detectors don't mix."""
        source = self._source(model)
        return f"{source.name}{' upright' * self._turns(source)}/{model.recognizer or model.name}"

    def _turns(self, source: DetectorSource) -> bool:
        """Tell whether pages are turned upright before words are found."""
        return self.orientation == "auto" and source is not LABELS

    def identities(self) -> dict[str, ModelIdentity]:
        """Return what the predictions of this run depend on, by key."""
        found: dict[str, ModelIdentity] = {}
        for model in self.models:
            source = self._source(model)
            if source is not LABELS:
                known = found.setdefault(_detection_key(source), source.identity)
                if known != source.identity:
                    raise ValueError(f"two detectors are called {source.name}")
            about = {f"detector {name}": value for name, value in source.identity.items()}
            if self._turns(source):
                about["orientation"] = self.orientation
            found[self.key(model)] = {**model.identity, **about}
        return found

    def is_known(self, page: str, predictions: Predictions) -> bool:
        """Tell whether all models have read a page before."""
        return bool(self.models) and all(predictions.has(self.key(model), page) for model in self.models)

    def prepare(self, page_file: PageFile, predictions: Predictions) -> _Prepared | LabelError | ImageError:
        """Read a page's labels and, where they are needed, its pixels; the error where that can't be done.

        Called in other threads than the rest.
        """
        try:
            label = read_labels(page_file)
            with naming(page_file.image):
                content = page_file.image.read_bytes()
                decoded = PageImage(content, label.layout)
                page = _labelled(page_file, label, *decoded.upright_size)
                image = hashlib.sha256(content).hexdigest() + decoded.changes
                read = (predictions.holds(self.key(m), page.name, self._shown(m, page, image)) for m in [*self.models])
                pixels = None if all(read) else colour_and_grey(decoded)
            return _Prepared(page, image, pixels, decoded.warnings)
        except (LabelError, ImageError) as error:
            return error

    def evaluate_page(
        self, page_file: PageFile, prepared: _Prepared | LabelError | ImageError, predictions: Predictions
    ) -> None:
        """Read and score a page, or skip it with a reason."""
        if isinstance(prepared, LabelError | ImageError):
            problem = unusable(page_file.name, prepared)
            if isinstance(prepared, _NothingToReadError):
                problem = Problem(page_file.name, prepared.detail)
            self.outcome.skipped.append(problem)
            self.report(f"skipped {page_file.name}: {problem}")
            return
        page, image = prepared.page, prepared.image
        self.outcome.warnings += [Problem(page.name, warning) for warning in prepared.warnings]
        rows: dict[str, Sequence[Row]] = {found.name: found.rows.get(page.name, []) for found in self.readings}
        rows |= self._read(prepared, predictions)
        scores = {
            name: score_page(page.labels, [as_seen(word_of(row)) for row in readings])
            for name, readings in rows.items()
        }
        data = hashlib.sha256(repr((image, [_facts(word) for word in page.labels])).encode()).hexdigest()
        self.outcome.pages.append(PageResult(page.name, page.category, len(page.words), scores, data))
        if self.observer:
            self.observer.page(page, rows, scores)

    def finished(self) -> Evaluation:
        """Return the outcome; models that failed at some page are left out of all pages."""
        for name in self.outcome.failed:
            del self.outcome.models[name]
            for page in self.outcome.pages:
                page.scores.pop(name, None)
        return self.outcome

    def _shown(self, model: ScoredModel, page: Page, image: str) -> str:
        """Return the hash of all that a model is shown of a page whose image file has the hash `image`."""
        if self._source(model) is not LABELS:
            return image
        return hashlib.sha256(f"{image}{[tuple(word.shape) for word in page.words]}".encode()).hexdigest()

    def _read(self, prepared: _Prepared, predictions: Predictions) -> dict[str, Sequence[Row]]:
        """Return each model's rows for a page, kept ones where there are."""
        page, image = prepared.page, prepared.image
        rows: dict[str, Sequence[Row]] = {}
        for model in list(self.models):
            shown = self._shown(model, page, image)
            kept = predictions.get(self.key(model), page.name, shown)
            if kept is None:
                assert prepared.pixels is not None
                kept = self._read_anew(model, prepared, prepared.pixels, predictions)
                if kept is None:
                    continue
                predictions.put(self.key(model), page.name, shown, kept)
            rows[model.name] = kept
        return rows

    def _read_anew(
        self, model: ScoredModel, prepared: _Prepared, pixels: tuple[Pixels, Pixels], predictions: Predictions
    ) -> list[Row] | None:
        """Read a page with a model; None when it can't be opened, and from then on it is left out."""
        colour, grey = pixels
        source, page = self._source(model), prepared.page
        try:
            if self._turns(source):
                return self._read_upright(model, colour, grey)
            if source is LABELS:
                height, width = grey.shape
                shapes = [s.on_page(width, height) if isinstance(s := w.shape, Quad) else s for w in page.words]
                places = [(word.box, word.corners) for word in page.words]
            else:
                shapes = self._detect(source, page.name, prepared.image, colour, predictions)
                places = _places(shapes, grey)
        except WeightsError as error:
            if model.detector is None:
                raise  # there is nothing to evaluate any model with
            self._leave_out(model, error)
            return None
        recognizer = self._recognizer(model)
        return _rows(places, recognizer.recognize(grey, shapes)) if recognizer else None

    def _read_upright(self, model: ScoredModel, colour: Pixels, grey: Pixels) -> list[Row] | None:
        """Find and read words on the page turned upright and straightened; rows lie on the page as it is."""
        detector, recognizer = self._detector(self._source(model)), self._recognizer(model)
        if recognizer is None:
            return None
        networks = _Networks(detector.detect, recognizer.recognize)
        picture, shapes = turn_upright(networks, SourcePage(1, colour, grey))
        read = find_words(networks, picture, straighten=True, shapes=shapes)
        found = [read.level.back(shape) for shape in read.shapes] if read.level else read.shapes
        back, size = -picture.turned % 360, (picture.grey.shape[1], picture.grey.shape[0])
        return _rows(_places([turned_shape(shape, back, size) for shape in found], grey), read.readings)

    def _detect(
        self, source: DetectorSource, page: str, image: str, colour: Pixels, predictions: Predictions
    ) -> list[Shape]:
        key = _detection_key(source)
        rows = predictions.get(key, page, image)
        if rows is None:
            rows = [list(shape) for shape in self._detector(source).detect(colour)]
            predictions.put(key, page, image, rows)
        return [Box(*row) if isinstance(row[0], int) else Quad(*((x, y) for x, y in row)) for row in rows]

    def _detector(self, source: DetectorSource) -> Detector:
        key = _detection_key(source)
        if key not in self._detectors:
            self._detectors[key] = source.open()
        return self._detectors[key]

    def _recognizer(self, model: ScoredModel) -> Recognizer | None:
        """Return what a model reads with, opening it first; None when it can't be, and from then on it is left out."""
        name = model.recognizer or model.name
        try:
            if name not in self._recognizers:
                self._recognizers[name] = model.open()
        except WeightsError as error:
            self._leave_out(model, error)
            return None
        return self._recognizers[name]

    def _leave_out(self, model: ScoredModel, error: Exception) -> None:
        self.models.remove(model)
        self.outcome.failed[model.name] = str(error)
        self.report(f"{model.name} is left out: {error}")


class _Networks(NamedTuple):
    """A detector and a recognizer, as `reading.pipeline` takes them."""

    detect: Callable[[Pixels], list[Shape]]
    read: Callable[[Pixels, Sequence[Shape]], list[Reading]]


def _places(shapes: Iterable[Shape], grey: Pixels) -> list[tuple[Box, Quad | None]]:
    """Return the upright boxes on the page, and the corners of those that lie tilted."""
    return [(bounds(s).clipped(*grey.shape[::-1]), s if isinstance(s, Quad) else None) for s in shapes]


def _rows(places: Sequence[tuple[Box, Quad | None]], readings: Sequence[Reading]) -> list[Row]:
    return [
        [*box, text, round(sure, 6), *([list(map(list, corners))] if corners else [])]
        for (box, corners), (text, sure) in zip(places, readings, strict=True)
    ]


def _detection_key(source: DetectorSource) -> str:
    return f"{DETECTION}/{source.name}"


def _labelled(page_file: PageFile, label: LabelFile, width: int, height: int) -> Page:
    """Return a page whose image has `width` x `height` pixels, which count, not those that the label file states.

    Raises:
        LabelError: Its labels can't be scored; a page without any can be.
    """
    page = page_of(page_file, label, width, height)
    if not page.words:
        faults = Counter(fault_of(annotation, width, height) for annotation in label.annotations)
        for fault, _ in faults.most_common(1):
            raise _NothingToReadError(page_file.label, f"{NOTHING_TO_READ} ({fault})")
    check_labels(page_file.label, page.labels)
    return page


def _facts(word: Word) -> tuple[object, ...]:
    """Return all about a label that counts; of a plain word just its box and text."""
    return (*word.box, word.text, *filter(None, (word.corners, "don't care" if word.dont_care else "")))

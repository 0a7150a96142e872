"""The engine of the page pipeline that ONNX Runtime computes: `train_easyocr.export`'s folder, read without torch."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from train_easyocr.common.errors import UserError
from train_easyocr.common.files import sha256
from train_easyocr.common.workers import available_cores
from train_easyocr.datasets.images import to_batch
from train_easyocr.detection.db_boxes import DbParameters, db_boxes
from train_easyocr.detection.interface import ScoreMaps
from train_easyocr.detection.scaling import MULTIPLE, STRIDE, whole_page
from train_easyocr.documents.page import Shape
from train_easyocr.reading.pipeline import Identity
from train_easyocr.reading.words import Found, Pixels, Reading, Spread, finite, read_words
from train_easyocr.recognition.ctc import greatest_probabilities, read_paths

CARD = "model.json"
IMAGES, LOGITS, MAPS = "images", "logits", "maps"
"""Names of the networks' inputs and outputs."""
BATCH_PIXELS = 1024
"""Width of all words of a batch together, in pixels; little more is gained by more."""

Floats = NDArray[np.float32]
Session: TypeAlias = Any
"""An `onnxruntime.InferenceSession`, which has no types."""


class File(BaseModel):
    """A network's file.

    Attributes:
        name: Beside the card.
        sha256: Of the file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    sha256: str


class Recognizer(BaseModel):
    """What reads words.

    Attributes:
        file: The network: grey words [B, 1, img_height, W] from -1 to 1, to logits [B, T, characters + 1].
        exact: The same in float32, where `file` is not; words of little certainty are read again with it.
        sure: From this certainty on (see `ctc.Reading`) a word is not read again.
        img_height: In pixels.
        characters: In the order of the classes from 1; class 0 is the blank.
        weights_sha256: Of the `.pth`.
        float_layers: Layers that int8 would spoil, and that stayed as they were.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: File
    exact: File | None = None
    sure: float = Field(0.0, ge=0, le=1)
    img_height: int = Field(ge=1)
    characters: str = Field(min_length=1)
    weights_sha256: str
    float_layers: tuple[str, ...] = ()


class Detector(BaseModel):
    """What finds words.

    Attributes:
        file: The network: grey pages [B, 1, H, W] from -1 to 1, H and W multiples of 32, to maps [B, 1, H / 2, W / 2].
        long_side: Pixels; a page with a longer side is scaled down to this.
        parameters: How boxes are made of the maps.
        weights_sha256: Of the `.pth`.
        float_layers: As `Recognizer.float_layers`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: File
    long_side: int = Field(ge=1)
    parameters: DbParameters
    weights_sha256: str
    float_layers: tuple[str, ...] = ()


class ExportCard(BaseModel):
    """`model.json`: what a folder of ONNX files holds.

    Attributes:
        format: Of this file.
        form: What the files are for: this engine, or RapidOCR.
        name: What the weights are called.
        precision: Of the files.
        recognizer: Reads words.
        detector: Finds them.
        checked: What the export was held against, with figures.
        rapidocr: Settings under which RapidOCR reads as this engine does.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    form: Literal["plain", "rapidocr"]
    name: str
    precision: Literal["fp32", "int8"]
    recognizer: Recognizer
    detector: Detector
    checked: dict[str, Any] = Field(default_factory=dict)
    rapidocr: dict[str, Any] = Field(default_factory=dict)

    @property
    def files(self) -> list[File]:
        """All files beside the card."""
        return [file for file in (self.recognizer.file, self.recognizer.exact, self.detector.file) if file]


def read_export_card(folder: Path) -> ExportCard:
    """Read a folder's `model.json`, and check that the files beside it are those that it tells of.

    Raises:
        UserError: They are not, or there is none.
    """
    path = folder / CARD
    try:
        card = ExportCard.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"{path}: is not there; `python3 -m train_easyocr.export --output {folder}` makes it") from None
    except (OSError, ValidationError) as error:
        raise UserError(f"{path}: can't be used: {' '.join(str(error).split())[:300]}; export again") from None
    for file in card.files:
        if Path(file.name).name != file.name or not (folder / file.name).is_file():
            raise UserError(f"{folder / file.name}: is missing; export again")
        if sha256(folder / file.name) != file.sha256:
            raise UserError(f"{folder / file.name}: is not the file that {CARD} tells of; export again")
    return card


def open_session(network: Path | bytes, threads: int = 1) -> Session:
    """Open a network.

    Args:
        network: A file, or its bytes.
        threads: That it computes in.
    """
    options = onnxruntime.SessionOptions()
    # Blocks out of the arena are used again while a page is computed. Patterns would be remembered for each shape of
    # pages, each with a block as large as all that the network needs: a service would grow with the shapes it meets.
    options.enable_mem_pattern = False
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        network if isinstance(network, bytes) else str(network), options, ["CPUExecutionProvider"]
    )


def normalized(pixels: Pixels) -> Floats:
    """Turn pixels into a network's input, from -1 (black) to 1 (white), by EasyOCR's arithmetic."""
    values = pixels.astype(np.float32)
    values /= 255
    values -= 0.5
    values /= 0.5
    return values


def logits_of(session: Session, images: Sequence[Pixels], width: int) -> Floats:
    """Run a recognizer on words of its height, uint8 [H, w], filled up to a width in pixels."""
    logits: Floats = session.run([LOGITS], {IMAGES: normalized(to_batch(images, width))})[0]
    return logits


@dataclass(frozen=True, eq=False)
class WordNetwork:
    """A recognizer's network; a `ReadBatch`.

    Attributes:
        session: The network: logits of words.
        characters: In the order of its classes from 1.
        exact: In float32: what else is in a batch changes nothing of a word then; in int8 its last digits.
    """

    session: Session
    characters: str
    exact: bool = True

    def __call__(self, images: Sequence[Pixels], width: int) -> list[Found]:
        """Read words of the network's height, filled up to a width in pixels."""
        return [
            Found("".join(self.characters[number - 1] for number in indices), finite(confidence), certainty)
            for indices, confidence, certainty in read_paths(
                *greatest_probabilities(logits_of(self.session, images, width))
            )
        ]


class OnnxWords:
    """Reads words.

    Args:
        session: The recognizer.
        exact: The same in float32; None where it is itself.
        recognizer: What they are.
        threads: That read batches, each alone.
        spread: What reads batches in their place.
    """

    def __init__(
        self,
        session: Session,
        exact: Session | None,
        recognizer: Recognizer,
        threads: int = 1,
        spread: Spread | None = None,
    ) -> None:
        characters = recognizer.characters
        self._exact = WordNetwork(exact or session, characters)
        self._rounded = WordNetwork(session, characters, exact=False) if exact else None
        self._about = recognizer
        self._spread = spread or (ThreadPoolExecutor(threads, "words").map if threads > 1 else map)

    def recognize(self, grey: Pixels, shapes: Sequence[Shape], contrast_ths: float = 0.1) -> list[Reading]:
        """Read the words at the given places of a page; see `read_words`."""
        return read_words(
            grey,
            shapes,
            img_height=self._about.img_height,
            exact=self._exact,
            rounded=self._rounded,
            sure=self._about.sure,
            batch_pixels=BATCH_PIXELS,
            spread=self._spread,
            contrast_ths=contrast_ths,
        )


class OnnxDetector:
    """Finds words.

    Args:
        session: The network.
        detector: What it is.
    """

    def __init__(self, session: Session, detector: Detector) -> None:
        self._session, self._about = session, detector

    def score_maps(self, page: Pixels) -> ScoreMaps:
        """Run the network on a page, uint8 [h, w, 3], RGB, or [h, w], grey."""
        grey: Any = cv2.cvtColor(page, cv2.COLOR_RGB2GRAY) if page.ndim == 3 else page
        scaled, scale = whole_page(grey, self._about.long_side, MULTIPLE)
        maps = self._session.run([MAPS], {IMAGES: normalized(scaled[None, None])})[0][0]
        return ScoreMaps(maps, STRIDE / scale, (page.shape[1], page.shape[0]))

    def detect(self, page: Pixels) -> list[Shape]:
        """Find the words of a page."""
        return list(db_boxes(self.score_maps(page), self._about.parameters))


class OnnxEngine:
    """An `Engine`.

    Args:
        folder: What `train_easyocr.export` wrote.
        threads: That it computes in; default: a core each.
        spread: What reads batches of words in place of threads of its own.

    Raises:
        UserError: There is no usable export.
    """

    def __init__(self, folder: Path, threads: int | None = None, spread: Spread | None = None) -> None:
        card = read_export_card(folder)
        if card.form != "plain":
            raise UserError(f"{folder}: was exported for {card.form}; export it again without --form")
        threads = threads or available_cores()
        about = card.recognizer
        exact = open_session(folder / about.exact.name) if about.exact else None
        self._words = OnnxWords(open_session(folder / about.file.name), exact, about, threads, spread)
        self._detector = OnnxDetector(open_session(folder / card.detector.file.name, threads), card.detector)
        self._identity = Identity(card.name, about.weights_sha256, card.detector.weights_sha256, about.characters)

    @property
    def identity(self) -> Identity:
        """What reads."""
        return self._identity

    def detect(self, image: Pixels) -> list[Shape]:
        """Find words; see `Engine`."""
        return self._detector.detect(image)

    def read(self, grey: Pixels, shapes: Sequence[Shape]) -> list[Reading]:
        """Read words; see `Engine`."""
        return self._words.recognize(grey, shapes)

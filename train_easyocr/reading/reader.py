"""EasyOCR's readers, opened and used so that each does what it does alone in a fresh process; and a fast one.

    image, grey = load_page(Path("page.jpg"))  # of `sources`
    shapes = open_detector().detect(image)
    for shape, (text, confidence) in zip(shapes, open_fast().recognize(grey, shapes)):
        ...

`open_fast` reads with the installed model the words that `open_finetuned(quantize=False)` reads, which is EasyOCR
itself, and takes a fraction of its time (`WordReader` says how).

All settings are EasyOCR's own, since those are what its users get. What would otherwise go wrong in silence:

- The image height `imgH` is a global of EasyOCR's module; a custom model sets it for every reader of the process.
  `PageReader` sets its own around each call.
- EasyOCR reads EASYOCR_MODULE_PATH once, at import; both folders are handed over by name here.
- A custom network's code is imported by its bare name: from `sys.modules` if any earlier reader did so, else from
  the first folder of `sys.path` that has it. `open_finetuned` loads the file that lies in the folder, every time.
- A batch's results come back sorted by vertical position, without degenerate boxes, and each crop is padded to the
  widest of the batch, which can change its text. `PageReader.recognize` returns a result a box in the order of the
  boxes, and batches only crops that EasyOCR pads to the same width when it reads them one by one.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import hashlib
import importlib.util
import math
import sys
import tempfile
import threading
import warnings
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import easyocr.config
import easyocr.easyocr
import torch
import yaml

from train_easyocr.common.errors import MissingWeightsError, WeightsError
from train_easyocr.datasets.images import to_batch
from train_easyocr.detection.installed import InstalledDetector, open_installed
from train_easyocr.detection.interface import WordDetector
from train_easyocr.documents.page import Box, Quad, Shape
from train_easyocr.engine.device import fastest_precision, normalize
from train_easyocr.reading.words import Found, Pixels, Reading, finite, read_words
from train_easyocr.recognition.decoding import greedy, probabilities
from train_easyocr.recognition.easyocr_form import stage
from train_easyocr.recognition.fast_network import ReadingPrecision, fast_network
from train_easyocr.weights.bundle import CRAFT, KOREAN, installed_bundle
from train_easyocr.weights.checkpoints import read_card
from train_easyocr.weights.easyocr_weights import find_weights, model_directory, user_network_directory
from train_easyocr.weights.model_files import FINETUNED, FINETUNED_LANGUAGES, Place

_BATCH_PIXELS = 64 * 640
"""Width of all crops of a batch together; bounds the memory on a GPU."""
_CORE_PIXELS = 1024
"""As `_BATCH_PIXELS`, for what a core reads at once: little more is gained by more, and a page gives work to many."""
_SURE = 0.6
"""Words of a certainty (see `decoding.Reading`) below this are read again after rounding, which may have changed them.

Of 5,093 words, 2,093 of real documents and 3,000 rendered ones that are hard to read, int8 changed 45, all of them
below 0.58, and bf16 11, all below 0.52 (starter weights). Read again are 4 % of the former words, 17 % of the latter.
"""
_LARGEST_BATCH = 256
_REMEMBERED_BYTES = 256 * 2**20
"""A page of 110 words takes about 25 MiB."""


class PageReader:
    """One EasyOCR reader over whole pages.

    Args:
        reader: EasyOCR's reader.
        img_height: The height in pixels to which this reader's recognizer scales words.
        installed: Finds the words in place of the reader's own detector.
    """

    def __init__(
        self, reader: easyocr.easyocr.Reader, img_height: int, installed: InstalledDetector | None = None
    ) -> None:
        self.reader = reader
        self.img_height = img_height
        if installed is not None:
            reader.detect = installed.detect  # for `readtext`, too

    def with_languages(self, lang_list: Sequence[str]) -> PageReader:
        """Return a reader with the same network for other languages of EasyOCR's Korean model.

        The two share what the network answers: asked for the same words of a page, the second one computes nothing.

        Args:
            lang_list: As in `open_baseline`, which must have opened this reader.
        """
        if not isinstance(self.reader.recognizer, _Remembering):
            self.reader.recognizer = _Remembering(self.reader.recognizer)
        other = copy.copy(self.reader)
        other.setLanguageList(list(lang_list), easyocr.config.recognition_models["gen2"][KOREAN])
        return PageReader(other, self.img_height)

    def detect(self, image: Pixels) -> list[Shape]:
        """Find text as `readtext` does, words of a line merged where EasyOCR merges them.

        Args:
            image: [h, w, 3], RGB.

        Returns:
            The upright boxes, cut at the page's edges (those with nothing left are dropped), then the tilted regions.
        """
        height, width = image.shape[:2]
        with _quiet():
            horizontal, free = self.reader.detect(image, reformat=False)
        boxes = [Box(int(xmin), int(ymin), int(xmax), int(ymax)) for xmin, xmax, ymin, ymax in horizontal[0]]
        clipped = [box.clipped(width, height) for box in boxes]
        quads = [Quad(*((float(x), float(y)) for x, y in corners)) for corners in free[0]]
        return [*(box for box in clipped if box.area), *quads]

    def recognize(self, grey: Pixels, shapes: Sequence[Shape], contrast_ths: float = 0.1) -> list[Reading]:
        """Read the words at the given places.

        On a CPU, EasyOCR reads word by word: its int8 layers scale a batch as a whole, so that words in a batch would
        change each other's text.

        Args:
            grey: The page, [h, w].
            shapes: Boxes can leave the page; a box or region of which nothing can be cropped reads as "".
            contrast_ths: Under this confidence a word is read a second time, with raised contrast; 0 for never.

        Returns:
            Text and confidence of each shape, in the order of the shapes.
        """
        height, width = grey.shape
        wanted = [shape if isinstance(shape, Quad) else shape.clipped(width, height) for shape in shapes]
        readings: dict[Shape, Reading] = {}
        with _quiet(), _image_height(self.img_height):
            for boxes, batch_size in self._batches(dict.fromkeys(wanted)):
                horizontal = [[box.xmin, box.xmax, box.ymin, box.ymax] for box in boxes]
                found = self.reader.recognize(
                    grey, horizontal, [], batch_size=batch_size, contrast_ths=contrast_ths, reformat=False
                )
                for (corner, _, opposite, _), text, confidence in found:
                    readings[Box(*corner, *opposite)] = (text, finite(confidence))
            for quad in dict.fromkeys(wanted):
                if isinstance(quad, Quad) and all(quad.size):
                    corners = [[list(corner) for corner in quad]]
                    [(_, text, confidence)] = self.reader.recognize(
                        grey, [], corners, contrast_ths=contrast_ths, reformat=False
                    )
                    readings[quad] = (text, finite(confidence))
        return [readings.get(shape, ("", 0.0)) for shape in wanted]

    def _batches(self, shapes: Iterable[Shape]) -> Iterator[tuple[list[Box], int]]:
        """Yield the boxes with area in groups to be read together, and how many at once."""
        boxes = [shape for shape in shapes if isinstance(shape, Box) and shape.area]
        if self.reader.device == "cpu":
            yield boxes, 1
            return
        by_width: dict[int, list[Box]] = {}
        for box in boxes:
            by_width.setdefault(_padded_width(box, self.img_height), []).append(box)
        for width, group in sorted(by_width.items()):
            yield group, max(1, min(_LARGEST_BATCH, _BATCH_PIXELS // width))


class WordReader:
    """Reads the words that EasyOCR reads, faster; results are a word's own, whatever is read with it.

    Words that EasyOCR fills up to the same width go through the network together, one resize each, in the layout and
    the precision that the processor is fastest in. On a CPU each core reads batches of its own: cores that share
    every layer wait for each other hundreds of times a batch. The second try at a word of low confidence is left out
    where raising the contrast changes nothing in the image.

    Args:
        reader: An opened reader, `quantize=False` on a CPU: int8 layers scale a batch as a whole. It stays usable.
        precision: fp32 computes what EasyOCR does up to the last bits. bf16 rounds (see `fast_network`), and words
            where that could change a letter are read again in fp32: those with a step whose most probable class has
            less than 0.6. Default: what the processor is fastest in.

    Raises:
        ValueError: The reader computes in int8.
    """

    def __init__(self, reader: PageReader, precision: ReadingPrecision | None = None) -> None:
        easyocr_reader = reader.reader
        self.img_height = reader.img_height
        self.cuda = easyocr_reader.device != "cpu"
        self._device = torch.device(easyocr_reader.device)
        self.precision = precision or fastest_precision(self._device)
        network = _network_of(easyocr_reader)
        self._exact = fast_network(network, "fp32")
        self._rounded = None if self.precision == "fp32" else fast_network(network, self.precision)
        self._characters = easyocr_reader.character
        known = set(easyocr_reader.lang_char)
        self._ignored = [number for number, letter in enumerate(self._characters, 1) if letter not in known]
        self._cores = None if self.cuda else _core_workers(torch.get_num_threads())

    def recognize(self, grey: Pixels, shapes: Sequence[Shape], contrast_ths: float = 0.1) -> list[Reading]:
        """Read the words at the given places; as `PageReader.recognize`."""
        return read_words(
            grey,
            shapes,
            img_height=self.img_height,
            exact=functools.partial(self._read_batch, self._exact),
            rounded=functools.partial(self._read_batch, self._rounded) if self._rounded else None,
            sure=_SURE,
            batch_pixels=_BATCH_PIXELS if self.cuda else _CORE_PIXELS,
            spread=self._cores.map if self._cores else map,
            contrast_ths=contrast_ths,
        )

    @torch.inference_mode()
    def _read_batch(self, network: torch.nn.Module, images: Sequence[Pixels], width: int) -> list[Found]:
        batch = normalize(torch.from_numpy(to_batch(images, width)).to(self._device))
        logits = network(batch.contiguous(memory_format=torch.channels_last), None)
        return [
            Found("".join(self._characters[number - 1] for number in indices), finite(confidence), certainty)
            for indices, confidence, certainty in greedy(probabilities(logits, self._ignored))
        ]


def _network_of(reader: easyocr.easyocr.Reader) -> torch.nn.Module:
    """Return a reader's recognizer without what is wrapped around it."""
    network: torch.nn.Module = reader.recognizer
    while isinstance(network, _Remembering | torch.nn.DataParallel):
        network = network.network if isinstance(network, _Remembering) else network.module
    return network


def _core_workers(count: int) -> ThreadPoolExecutor | None:
    """Return threads in which torch uses one core each; None where there is one core only."""
    if count == 1:
        return None
    pool = ThreadPoolExecutor(count, "words", _use_one_core)
    started = threading.Barrier(count + 1)
    for _ in range(count):
        pool.submit(started.wait)
    started.wait()
    torch.set_num_threads(count)  # the workers' setting is their own, but threads to come take the latest
    return pool


def _use_one_core() -> None:
    torch.get_num_threads()  # a thread's first look at the number sets it to that of the process
    torch.set_num_threads(1)


class _Remembering(torch.nn.Module):
    """A network that keeps its latest answers, a page's worth and more, and gives them again for equal images."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network
        self.answers: OrderedDict[bytes, torch.Tensor] = OrderedDict()
        self.kept_bytes = 0

    def forward(self, images: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        """Return what the network answers; EasyOCR's recognizers don't look at `text`."""
        shape = f"{tuple(images.shape)}".encode()
        key = hashlib.sha256(shape + images.cpu().numpy().tobytes()).digest()
        answer = self.answers.get(key)
        if answer is None:
            answer = self.answers[key] = self.network(images, text)
            self.kept_bytes += answer.nbytes
            while self.kept_bytes > _REMEMBERED_BYTES:
                _, oldest = self.answers.popitem(last=False)
                self.kept_bytes -= oldest.nbytes
        return answer


def _padded_width(box: Box, img_height: int) -> int:
    """Return the width to which EasyOCR pads the crop of a box when it reads nothing else with it."""
    return math.ceil(max(box.width / box.height, box.height / box.width)) * img_height


@contextlib.contextmanager
def _image_height(height: int) -> Iterator[None]:
    before = easyocr.easyocr.imgH
    easyocr.easyocr.imgH = height
    try:
        yield
    finally:
        easyocr.easyocr.imgH = before


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence warnings about EasyOCR's own code: a deprecated quantization, pinned memory without a GPU."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def open_baseline(
    lang_list: Sequence[str], cuda: bool = False, detector: bool = False, quantize: bool = True
) -> PageReader:
    """Open EasyOCR's own Korean reader.

    Args:
        lang_list: `['ko']`, which suppresses Latin letters, or `['ko', 'en']`.
        cuda: Use the GPU.
        detector: Load the word detector, too (for `detect`).
        quantize: On a CPU, compute linear and LSTM layers in int8, as EasyOCR does unless told otherwise.

    Raises:
        MissingWeightsError: A file is missing and can't be downloaded; the message says which goes where.
        WeightsError: A file is not what EasyOCR published.
    """
    find_weights(KOREAN)
    if detector:
        find_weights(CRAFT)
    return PageReader(_open(lang_list, cuda, detector=detector, quantize=quantize), easyocr.config.imgH)


def open_easyocr_detector(cuda: bool = False) -> PageReader:
    """Open EasyOCR's reader that can only `detect`, for several recognizers to share; errors as in `open_baseline`."""
    find_weights(CRAFT)
    return PageReader(_open(FINETUNED_LANGUAGES, cuda, recognizer=False), easyocr.config.imgH)


class WordFinder:
    """A word detector of this project that answers as `PageReader.detect` does."""

    def __init__(self, detector: WordDetector) -> None:
        self.detector = detector

    def detect(self, image: Pixels) -> list[Shape]:
        """Find the words of a page, [h, w, 3], RGB."""
        return list(self.detector.boxes(self.detector.score_maps(image)))


def open_detector(cuda: bool = False) -> WordFinder | PageReader:
    """Open what finds words: the detector that step 4 installed, EasyOCR's where it installed none.

    Raises:
        WeightsError: The installed detector can't be used, or EasyOCR's can't be had.
    """
    return WordFinder(open_installed(cuda).detector) if installed_bundle().detector else open_easyocr_detector(cuda)


def open_finetuned(cuda: bool = False, detector: bool = False, quantize: bool = True) -> PageReader:
    """Open the fine-tuned reader that step 4 installed; arguments as in `open_baseline`.

    With `detector`, words are found by the detector and the settings that step 4 installed, by EasyOCR's where it
    installed none.

    Raises:
        MissingWeightsError: A file is missing; the message says which goes where.
        WeightsError: The files can't be used, or not together.
    """
    files = finetuned_files()
    installed = open_installed(cuda) if detector and installed_bundle().detector else None
    detector = detector and installed is None
    if detector:
        find_weights(CRAFT)
    settings = read_model_settings(files.settings)
    _check_weights(files.weights)
    try:
        with _restored_import_path():
            _load_network(files.network)
            reader = _open(FINETUNED_LANGUAGES, cuda, recog_network=FINETUNED, detector=detector, quantize=quantize)
    except (RuntimeError, TypeError, ValueError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        reason = " ".join(str(error).split())
        raise WeightsError(
            f"{files.weights}: does not fit {files.settings.name} and {files.network.name} beside it in "
            f"{files.network.parent} ({reason}); install the model again with step 4"
        ) from error
    return PageReader(reader, settings["imgH"], installed)


def open_fast(cuda: bool = False, precision: ReadingPrecision | None = None) -> WordReader:
    """Open the fine-tuned model that step 4 installed for fast reading.

    Args:
        cuda: Use the GPU.
        precision: As in `WordReader`.

    Raises:
        WeightsError: As `open_finetuned`.
    """
    return WordReader(open_finetuned(cuda, quantize=False), precision)


def open_weights(weights: Path, cuda: bool = False, precision: ReadingPrecision | None = None) -> WordReader:
    """Open weights for fast reading without installing them.

    Args:
        weights: A `.pth` file with its card (`.json`) beside it.
        cuda: Use the GPU.
        precision: As in `WordReader`.

    Raises:
        WeightsError: Weights or card can't be used, by EasyOCR or at all.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder) / "model", Path(folder) / "user_network")
        stage(weights, read_card(weights), place)
        with place.as_easyocr_sees_it():
            return open_fast(cuda, precision)


def _open(lang_list: Sequence[str], cuda: bool, **options: Any) -> easyocr.easyocr.Reader:
    with _quiet(), _restored_import_path(), _image_height(easyocr.config.imgH):
        return easyocr.easyocr.Reader(
            list(lang_list),
            gpu="cuda" if cuda else False,
            model_storage_directory=str(model_directory()),
            user_network_directory=str(user_network_directory()),
            download_enabled=False,
            verbose=False,
            **options,
        )


@contextlib.contextmanager
def _restored_import_path() -> Iterator[None]:
    """Take back what EasyOCR appends to `sys.path` for each reader."""
    before = list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = before


def finetuned_files() -> Place:
    """Return where the installed model lies.

    Raises:
        MissingWeightsError: The weights, their settings or the network's code is not there.
    """
    files = Place.installed()
    missing = [str(path) for path in (files.weights, files.settings, files.network) if not path.is_file()]
    if missing:
        raise MissingWeightsError(
            f"{', '.join(missing)}: no fine-tuned model is installed; "
            "`bash step4_set_finetuned_model.sh` puts finetuned.pth, finetuned.yaml and finetuned.py there"
        )
    return files


def read_model_settings(path: Path) -> dict[str, Any]:
    """Read `finetuned.yaml`: imgH, lang_list, character_list, network_params.

    Raises:
        WeightsError: It can't be read, or something is missing there.
    """
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise WeightsError(f"{path}: can't be read as YAML: {' '.join(str(error).split())}") from error
    expected = {"imgH": int, "lang_list": list, "character_list": str, "network_params": dict}
    found = settings if isinstance(settings, dict) else {}
    wrong = [key for key, kind in expected.items() if not isinstance(found.get(key), kind)]
    if wrong:
        raise WeightsError(f"{path}: has no proper {', '.join(wrong)}; install the model again with step 4")
    refused = set(FINETUNED_LANGUAGES) - set(found["lang_list"])
    if refused:
        raise WeightsError(
            f"{path}: lang_list {found['lang_list']} refuses Reader({list(FINETUNED_LANGUAGES)}); "
            f"write lang_list: [{', '.join(FINETUNED_LANGUAGES)}]"
        )
    return found


def _check_weights(path: Path) -> None:
    """Refuse what is no state dict before EasyOCR unpickles it with whatever code it holds.

    EasyOCR cuts the first seven characters off every key on a CPU, so that a key without `module.` loses its name.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises errors of many kinds for files that are no checkpoints
        raise WeightsError(f"{path}: is no file of weights: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(state, dict) or not all(isinstance(key, str) for key in state):
        raise WeightsError(f"{path}: holds {type(state).__name__}, not a plain state dict")
    wrong = [key for key in state if not key.startswith("module.")]
    if wrong:
        raise WeightsError(f"{path}: keys must start with `module.` for EasyOCR, but there is {wrong[0]!r}")


def _load_network(path: Path) -> None:
    """Put the code of the custom network into `sys.modules`, where EasyOCR's import of its name finds it first."""
    spec = importlib.util.spec_from_file_location(FINETUNED, path)
    if spec is None or spec.loader is None:
        raise WeightsError(f"{path}: can't be loaded as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[FINETUNED] = module
    sys.path.append(str(path.parent))  # as EasyOCR does, for what the file itself may import
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[FINETUNED]
        raise WeightsError(f"{path}: can't be loaded: {type(error).__name__}: {error}") from error

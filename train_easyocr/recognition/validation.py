"""How well a network reads: loss, accuracy and normalized edit distance over validation sets, with samples to look at.

Every word is read as EasyOCR reads it, at a width of its own (`images.reading_width`), however wide that is; so the
figures tell what the installed model will do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from rapidfuzz.distance import Levenshtein
from torch import nn
from tqdm import tqdm

from train_easyocr.common.errors import UserError
from train_easyocr.common.text import format_table
from train_easyocr.datasets.data import WordSet, generator, open_set
from train_easyocr.datasets.images import reading_width, to_batch
from train_easyocr.engine.device import Device
from train_easyocr.engine.distributed import ALONE, Processes
from train_easyocr.recognition.batches import WordBatch, divide_for_reading, reading_batches, resize
from train_easyocr.recognition.decoding import greedy, greedy_attention, prefix_beam_search
from train_easyocr.recognition.losses import Criterion
from train_easyocr.recognition.model import open_trained
from train_easyocr.settings.parts import InputSettings, ValidationSettings, WordSettings
from train_easyocr.weights.characters import AttnConverter, CharacterSet, CtcConverter
from train_easyocr.weights.checkpoints import WeightsCard

BEAM_WIDTH = 5
"""Prefixes that the beam search keeps; EasyOCR's default."""
_FIGURES = ("loss", "weight", "read", "right", "similarity")
"""What is added up over batches."""
SAMPLES = 3
"""Purpose of a random generator: the samples that a validation shows."""


def normalized_edit_similarity(truth: str, prediction: str) -> float:
    """Return 1 - edit distance / length of the longer text: 1 for equal texts, 0 for texts with nothing in common.

    Its mean over all words is the "normalized edit distance" of ICDAR 2019 (Sun et al., "ICDAR 2019 Competition on
    Large-scale Street View Text with Partial Labeling", section III), where higher is better.
    """
    return Levenshtein.normalized_similarity(truth, prediction)


@dataclass(frozen=True)
class ValidatedWord:
    """A word as it is and as it was read."""

    truth: str
    prediction: str
    confidence: float


@dataclass(frozen=True)
class Validation:
    """The figures of a validation.

    Attributes:
        loss: Mean over the words whose label CTC can write at their reading width; NaN when there is none.
        accuracy: Per cent of words that were read without a mistake.
        norm_ed: Mean of `normalized_edit_similarity`, 0 to 1.
        words: Number of words.
        samples: Some words to look at.
        training: How well some training words are read as they are; None where these are too few to tell.
    """

    loss: float
    accuracy: float
    norm_ed: float
    words: int
    samples: tuple[ValidatedWord, ...]
    training: Validation | None = None

    def table(self) -> str:
        """Return the samples as a table: Ground Truth | Prediction | Confidence Score & T/F."""
        rows = [
            [
                visible(sample.truth),
                visible(sample.prediction),
                f"{sample.confidence:.4f} {sample.truth == sample.prediction}",
            ]
            for sample in self.samples
        ]
        return format_table(["Ground Truth", "Prediction", "Confidence Score & T/F"], rows)


def visible(text: str) -> str:
    """Return a label so that it takes one line of a table."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


@dataclass
class Score:
    """Counts words as they are read; `summary` gives the means.

    Attributes:
        read: Words so far.
        right: How many of them were read without a mistake.
        similarity: Sum of their `normalized_edit_similarity`.
    """

    read: int = 0
    right: int = 0
    similarity: float = 0.0

    def update(self, truth: str, prediction: str) -> None:
        """Count a word."""
        self.read += 1
        self.right += truth == prediction
        self.similarity += normalized_edit_similarity(truth, prediction)

    def summary(self) -> tuple[float, float]:
        """Return accuracy in per cent and mean similarity; both 0 for no words."""
        return 100 * self.right / max(1, self.read), self.similarity / max(1, self.read)


def read_logits(
    logits: torch.Tensor, converter: CtcConverter | AttnConverter, decode: str = "greedy"
) -> list[tuple[str, float]]:
    """Turn a network's output into texts and confidences.

    Args:
        logits: [B, T, num_class], any floating type.
        converter: The label converter.
        decode: greedy or beamsearch; the latter for CTC only.

    Returns:
        A text and its confidence (0 to 1) for each word. CTC's is EasyOCR's, which goes by the greedy path whatever
        the decoder.
    """
    if isinstance(converter, AttnConverter):
        readings = greedy_attention(logits, converter.end)
    else:
        shares = logits.float().softmax(2)
        readings = greedy(shares)
        if decode == "beamsearch":
            steps = shares.log().cpu().numpy()
            readings = [
                reading._replace(indices=prefix_beam_search(word, BEAM_WIDTH)[0])
                for word, reading in zip(steps, readings, strict=True)
            ]
    return [(converter.decode(reading.indices), reading.confidence) for reading in readings]


@dataclass
class Validator:
    """Validates a network on all validation sets.

    Args:
        sets: The validation sets, none of them empty.
        config: `batch_size`, `workers`, `decode`, `show_number`, `seed` and the settings of the input count here.
        converter: The label converter.
        criterion: The loss.
        device: Where and how the network computes.
        processes: They divide the batches among them.
    """

    sets: Sequence[WordSet]
    config: ValidationSettings
    converter: CtcConverter | AttnConverter
    criterion: Criterion
    device: Device
    processes: Processes = ALONE
    _batches: list[list[npt.NDArray[np.int32]]] = field(init=False)

    def __post_init__(self) -> None:
        self._batches = [divide_for_reading(data, self.config) for data in self.sets]

    def run(self, model: nn.Module, iteration: int, check: Callable[[], None] = lambda: None) -> Validation:
        """Validate; the network is left in evaluation mode.

        Args:
            model: The network.
            iteration: Chooses the samples; each validation shows others.
            check: Called before each batch; what it raises ends the validation.
        """
        model.eval()
        figures = torch.zeros(sum(map(len, self._batches)), len(_FIGURES), dtype=torch.float64)
        shown = _Samples(self.sets, self.config, iteration)
        for place, number, batch in self._own_batches(check):
            logits, loss, weight = self._forward(model, batch.images, batch.labels)
            score = Score()
            readings = read_logits(logits, self.converter, self.config.decode)
            for index, truth, reading in zip(batch.words[0], batch.labels, readings, strict=True):
                score.update(truth, reading[0])
                shown.update(number, int(index), ValidatedWord(truth, *reading))
            figures[place] = torch.tensor([loss, weight, score.read, score.right, score.similarity])
        # Each process filled in rows of its own, so nothing is rounded here, and the sum over all rows is always the
        # same, however many processes there are.
        loss, weight, read, right, similarity = self.processes.sum(figures).sum(0).tolist()
        accuracy, norm_ed = Score(int(read), int(right), similarity).summary()
        samples = shown.chosen(self.processes)
        return Validation(loss / weight if weight else float("nan"), accuracy, norm_ed, int(read), samples)

    def _own_batches(self, check: Callable[[], None]) -> Iterator[tuple[int, int, WordBatch]]:
        """Yield this process's batches, each with its place among all and its data set's number.

        Batches stand in order of width, so every `count`-th of them is a fair share. All processes call `check`
        equally often.
        """
        rank, count, start = self.processes.rank, self.processes.count, 0
        pinned = self.device.is_gpu
        total = sum(len(data) for data in self.sets)
        hidden = not self.processes.first
        with tqdm(total=total, desc="Validation", unit="word", unit_scale=True, leave=False, disable=hidden) as bar:
            for number, (data, batches) in enumerate(zip(self.sets, self._batches, strict=True)):
                own = reading_batches(data, batches[rank::count], self.config, pin_memory=pinned)
                for first in range(0, len(batches), count):
                    with self.processes.agreeing():
                        batch = next(own, None)
                    check()
                    if batch is not None:
                        yield start + first + rank, number, batch
                    bar.update(sum(map(len, batches[first : first + count])))
                start += len(batches)

    @torch.inference_mode()
    def _forward(self, model: nn.Module, images: torch.Tensor, labels: list[str]) -> tuple[torch.Tensor, float, float]:
        """Return the logits, and the sums of the words' losses and weights."""
        targets, lengths = self.criterion.encode(labels, self.device.torch_device)
        with self.device.autocast():
            logits = model(self.device.input(images))
        losses = self.criterion.losses(logits, targets, lengths).finite()
        return logits, float((losses.values * losses.weights).sum()), float(losses.weights.sum())


class _Samples:
    """Keeps the words that a validation shows: a seeded choice among all sets, in their order."""

    def __init__(self, sets: Sequence[WordSet], config: ValidationSettings, iteration: int) -> None:
        total = sum(len(data) for data in sets)
        chosen = generator(config.seed, SAMPLES, iteration).permutation(total)[: config.show_number]
        starts = np.cumsum([0, *(len(data) for data in sets)])
        self._starts = starts.tolist()
        self._found: dict[int, ValidatedWord | None] = dict.fromkeys(sorted(chosen.tolist()))

    def update(self, number: int, index: int, sample: ValidatedWord) -> None:
        """Keep word `index` of set `number` if it was chosen."""
        place = self._starts[number] + index
        if place in self._found:
            self._found[place] = sample

    def chosen(self, processes: Processes) -> tuple[ValidatedWord, ...]:
        """Return the chosen words, whichever process read them."""
        for found in processes.gather(self._found):
            self._found.update({place: sample for place, sample in found.items() if sample is not None})
        return tuple(sample for sample in self._found.values() if sample is not None)


def read_patches(
    model: nn.Module,
    converter: CtcConverter | AttnConverter,
    patches: Sequence[npt.NDArray[np.uint8]],
    settings: InputSettings,
    *,
    device: Device,
    decode: str = "greedy",
    batch_size: int = 1,
) -> list[tuple[str, float]]:
    """Read words as the validation does, each at its reading width.

    Args:
        model: The network, on `device.torch_device`. It is put into evaluation mode.
        converter: The label converter.
        patches: uint8 [h, w] or [h, w, 3] each.
        settings: How patches become input.
        device: `Device(torch_device, "fp32")` computes as EasyOCR does on that device.
        decode: greedy or beamsearch.
        batch_size: Words of one width that are read together. Some processors' results differ in the last bits
            between batch sizes; 1 is what EasyOCR does.

    Returns:
        A text and its confidence for each patch, in order.
    """
    model.eval()
    widths: dict[int, list[int]] = {}
    for index, patch in enumerate(patches):
        height, width = patch.shape[:2]
        own = reading_width(width, height, settings.img_height) if settings.PAD else settings.img_width
        widths.setdefault(own, []).append(index)
    results: dict[int, tuple[str, float]] = {}
    for width, members in widths.items():
        for first in range(0, len(members), batch_size):
            part = members[first : first + batch_size]
            images = torch.from_numpy(to_batch([resize(patches[index], width, settings) for index in part], width))
            with torch.inference_mode(), device.autocast():
                logits = model(device.input(images))
            results.update(zip(part, read_logits(logits, converter, decode), strict=True))
    return [results[index] for index in range(len(patches))]


def read_as_trained(weights: Path, patches: Sequence[npt.NDArray[np.uint8]]) -> list[str]:
    """Return what weights read on patches, as the training code reads: in float32, on the CPU, word by word.

    Args:
        weights: A `.pth` file for CTC with its card (`.json`) beside it.
        patches: As in `read_patches`.

    Raises:
        WeightsError: Weights or card can't be used.
    """
    model, card, config = open_trained(weights)
    converter = CtcConverter(CharacterSet(card.character))
    readings = read_patches(model, converter, patches, config, device=Device(torch.device("cpu"), "fp32"))
    return [text for text, _ in readings]


def validation_patches(
    folders: Sequence[Path], card: WeightsCard, config: WordSettings, count: int
) -> list[tuple[str, str, npt.NDArray[np.uint8]]]:
    """Return `count` usable validation patches, spread evenly over the sets: name, label, grey image each.

    Raises:
        UserError: There is no such patch.
    """
    try:
        sets = [open_set(folder, config, CharacterSet(card.character)) for folder in folders]
        usable = [(words, index) for words in sets for index in range(len(words))]
        spread = np.linspace(0, len(usable) - 1, min(count, len(usable))).astype(int)
        picked = [usable[number] for number in spread]
        patches = [(words.place(index), words.label(index), words.patch(index, False)) for words, index in picked]
    except UserError as error:
        raise UserError(f"no validation patches to check the model with: {error}") from None
    if not patches:
        raise UserError(f"no validation patches to check the model with in {', '.join(map(str, folders))}")
    return patches

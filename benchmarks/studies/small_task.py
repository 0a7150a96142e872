"""Training tasks small enough for many trainings: rendered pages or words, and how well words are read afterwards.

The pages are sample documents of one seed, 1,000 pixels across: at 120 dots an inch the starter weights make mistakes
that training can mend. Words are scored by the reader that users get, on pages that are in no training, at the boxes
that the starter detector finds for them: that is how users' documents are read. Labelled boxes are there, too.

`prepare_words` and `small_recognizer` make a task of single words of few syllables, in faces that the starter weights
do not know, black and white as AI-Hub's scans, and a network with half of the starter's channels in each layer: it has
lost most of what the starter knew, and learns it again in a hundred steps.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path

from train_easyocr.common.files import write_json
from train_easyocr.compression import subjects
from train_easyocr.compression.criteria import Criterion
from train_easyocr.compression.sensitivity import cut_network
from train_easyocr.datasets import sampling
from train_easyocr.datasets.data import WordSet, open_set
from train_easyocr.detection.opening import open_detector_of
from train_easyocr.documents import Box
from train_easyocr.documents.aihub import find_pages, read_labelled_page
from train_easyocr.engine.device import Device
from train_easyocr.metrics.matching import match
from train_easyocr.reading.reader import WordReader, open_weights
from train_easyocr.reading.sources import load_page
from train_easyocr.recognition.model import open_trained
from train_easyocr.recognition.task import train
from train_easyocr.recognition.validation import read_patches
from train_easyocr.settings.checking import CONFIG_FILES
from train_easyocr.settings.config import Config, check_config, load_config
from train_easyocr.weights.bundle import open_bundle
from train_easyocr.weights.characters import CharacterSet, CtcConverter
from train_easyocr.weights.checkpoints import save_weights
from train_easyocr.weights.starter import RECOGNIZER, STARTER

PAGES, PAGE_WIDTH, SEED = 80, 1_000, 7
TRAINING_PAGES, VALIDATION_PAGES, TEST_PAGES = 60, 6, 14
CONFIG = CONFIG_FILES / "sample_from_starter.yaml"
SOURCE = Path(__file__).parents[2]
SCORES = "test.json"
"""In the folder of a run that is at its end: how its weights read the test pages."""

SYLLABLES = (
    "가각간개거건경고공과관구국군금기나내년농다대도동로리마면무문민발방보부사산상서성세소수시안업용월인일자장정제조주지"
)
WORDS = {"all": 2_000, "validation": 600, "test": 1_000}
"""Words by the folder that they are rendered into; the first ones are trained on."""
LOOK = ("--look", "bilevel", "--faces", "unseen", "--format", "png")
LARGE = {
    "character": "korean_documents",
    "continue_from": "starter",
    "img_height": 32,
    "augmentation": "light",
    "batch_size": 32,
    "lr": 0.0005,
    "val_period": 1_000_000,
    "save_period": 1_000_000,
    "show_number": 0,
}
"""Settings of a training of the starter on words."""


@dataclass(frozen=True)
class Scores:
    """How weights read the test pages' words, and what their training took.

    Attributes:
        accuracy: Per cent of the words read right at the boxes that the starter detector found for them.
        seconds: Processor's time of the training, loading excepted.
        wrong: The numbers of the words that were not read right.
        others: Per cent of the other words read right, where there are some.
    """

    accuracy: float
    seconds: float
    wrong: Sequence[int] = ()
    others: float | None = None


@dataclass(frozen=True)
class UnseenWords:
    """Words of pages that are in no training.

    Attributes:
        images: For each page, its file.
        texts: For each page, its words that the detector finds.
        labelled: For each page, the boxes of these words as they are labelled.
        found: Likewise, as they are found.
        others: Rendered words that have nothing to do with the pages.
    """

    images: list[Path]
    texts: list[list[str]]
    labelled: list[list[Box]]
    found: list[list[Box]]
    others: WordSet | None = None

    def read(self, reader: WordReader, boxes: Sequence[Sequence[Box]]) -> list[str]:
        """Return what a reader makes of the words at `labelled` or `found`, page after page."""
        readings: list[str] = []
        for image, of_page in zip(self.images, boxes, strict=True):
            readings += [text for text, _ in reader.recognize(load_page(image)[1], of_page)]
        return readings

    def truth(self) -> list[str]:
        """Return what the words say, page after page."""
        return [text for page in self.texts for text in page]

    def scores_of(self, weights: Path, folder: Path, seconds: float = 0.0) -> Scores:
        """Read all words with some weights, and keep the scores in `folder`.

        Args:
            weights: A `.pth` with its card.
            folder: Where the scores are, or will be.
            seconds: Goes into the scores.
        """
        kept = folder / SCORES
        if not kept.exists():
            reader, truth = open_weights(weights), self.truth()
            readings = self.read(reader, self.found)
            wrong = [number for number, pair in enumerate(zip(truth, readings, strict=True)) if pair[0] != pair[1]]
            others = None if self.others is None else share_right(*read_set(reader, self.others))
            scores = Scores(share_right(truth, readings), seconds, wrong, others)
            folder.mkdir(parents=True, exist_ok=True)
            write_json(kept, asdict(scores))
        return Scores(**json.loads(kept.read_bytes()))


def prepare(folder: Path) -> UnseenWords:
    """Render the pages, cut the training words out of them, and find the test words; or what is left of that."""
    run("-m", "train_easyocr.synthesis", "--output", folder, "--pages", PAGES, "--seed", SEED,
         "--page_width", PAGE_WIDTH, "--validation_share", 0.25)  # fmt: skip
    sizes = {"train_images": TRAINING_PAGES, "val_images": VALIDATION_PAGES, "eval_images": TEST_PAGES}
    run("prepare_dataset.py", "--config", CONFIG, "--dataset", folder, "--output", folder, "--training",
         "--validation", "--evaluation", *(f"{key}={value}" for key, value in sizes.items()))  # fmt: skip
    return test_words(folder)


def render_words(target: Path, count: int, seed: int, *options: str) -> Path:
    """Render single words into a folder, or what is left of that; `options` are those of `synthesis.words`."""
    words = ("--output", target, "--count", count, "--seed", seed, *options)
    run("-m", "train_easyocr.synthesis.words", *words)
    return target


def prepare_words(folder: Path, words: int = WORDS["all"]) -> None:
    """Render all words, so many of them to be trained on; or what is left of that."""
    for seed, (name, count) in enumerate((WORDS | {"all": words}).items(), 31):
        render_words(folder / name, count, seed, *LOOK, "--character_set", SYLLABLES, "--characters", SYLLABLES)


def small_recognizer(folder: Path, weights: Path, criterion: Criterion = "fpgm") -> dict[str, object]:
    """Cut half of the starter's channels, or what is left of that; return the settings the rest is trained with.

    Args:
        folder: Of the words.
        weights: Is written.
        criterion: Which filters go.
    """
    return cut_recognizer(word_settings(folder, "all", LARGE), weights, criterion)


def cut_recognizer(config: Config, weights: Path, criterion: Criterion = "fpgm") -> dict[str, object]:
    """Do what `small_recognizer` does, with the validation words that settings name."""
    subject = subjects.recognizer(RECOGNIZER, config, WORDS["validation"])
    channels = [width // 2 for width in subject.widths]
    if not weights.exists():
        model = cut_network(subject, channels, criterion)
        save_weights(weights, model, subjects.with_channels(subject.card, channels, subject.measure(model)))
    return LARGE | {"channels": "-".join(map(str, channels)), "continue_from": str(weights), "lr": 0.002}


def word_settings(folder: Path, words: str, values: Mapping[str, object]) -> Config:
    """Return the settings of a training on the words in `folder / words`."""
    places = {"output": folder, "train_data": folder / words, "val_data": folder / "validation"}
    places |= {"saved_models": folder / "runs"}
    own = {"workers": 0, "detection": ""}
    return check_config(dict(values) | {key: str(place) for key, place in places.items()} | own)


def word_accuracy(folder: Path, weights: Path) -> float:
    """Return the per cent of a task's test words that weights read right."""
    return accuracy_on(opened(folder / "test"), weights)


def accuracy_on(words: WordSet, weights: Path) -> float:
    """Return the per cent of a set's words that weights read right."""
    model, card, config = open_trained(weights)
    converter = CtcConverter(CharacterSet(card.character))
    patches = [words.patch(index, rgb=False) for index in range(len(words))]
    readings = read_patches(model, converter, patches, config, device=Device.choose("fp32"), batch_size=32)
    return share_right([words.label(index) for index in range(len(words))], [text for text, _ in readings])


def read_set(reader: WordReader, words: WordSet) -> tuple[list[str], list[str]]:
    """Return what the words of a set say, and what a reader reads."""
    patches = [words.patch(index, rgb=False) for index in range(len(words))]
    whole = [Box(0, 0, patch.shape[1], patch.shape[0]) for patch in patches]
    readings = [reader.recognize(patch, [box])[0][0] for patch, box in zip(patches, whole, strict=True)]
    return [words.label(index) for index in range(len(words))], readings


def opened(folder: Path, config: Path = CONFIG) -> WordSet:
    """Open a set of words with the character set and the limits that a configuration states."""
    settings = load_config(config)
    return open_set(folder, settings, CharacterSet.from_setting(settings.character))


def run(*command: object) -> None:
    """Run a command of this project, silently."""
    subprocess.run([sys.executable, *map(str, command)], cwd=SOURCE, check=True, stdout=subprocess.DEVNULL)


def test_words(folder: Path) -> UnseenWords:
    """Return the words of the test pages that the starter detector finds."""
    pages = [read_labelled_page(file) for file in find_pages(folder / "evaluation_set")[0]]
    kept = folder / "found.json"
    if not kept.exists():
        detector = open_detector_of(open_bundle(STARTER)).detector
        write_json(kept, [detector.boxes(detector.score_maps(load_page(page.image)[0])) for page in pages])
    found = [[Box(*box) for box in boxes] for boxes in json.loads(kept.read_bytes())]
    words = UnseenWords([page.image for page in pages], [], [], [])
    for page, boxes in zip(pages, found, strict=True):
        pairs = match([word.box for word in page.words], boxes)
        words.texts.append([page.words[label].text for label, _ in pairs])
        words.labelled.append([page.words[label].box for label, _ in pairs])
        words.found.append([boxes[prediction] for _, prediction in pairs])
    return words


def timed_training(config: Config) -> float:
    """Run step 3 in this process, or what is left of it; return its time as `timed` does."""
    return timed(lambda: train(config))


def timed(training: Callable[[], object]) -> float:
    """Run a training in this process, silently; return the time of this process's cores in seconds.

    Processes that load are not in it: they have cores of their own where a machine is not busy.
    """
    start = time.process_time()
    with Path(os.devnull).open("w") as nothing, redirect_stdout(nothing), redirect_stderr(nothing):
        training()
    return time.process_time() - start


def settings_of(folder: Path, name: str, changes: Mapping[str, object], config: Path = CONFIG) -> Config:
    """Return the settings of a run in a task's folder, which are those of `config` but for `changes`."""
    places = {"output": folder, "saved_models": folder / "runs", "experiment_name": name, "workers": 1}
    length = {"val_period": 1_000_000, "save_period": 1_000_000, "show_number": 0, "detection": ""}
    return load_config(config, [f"{key}={value}" for key, value in (places | length | dict(changes)).items()])


def scored(folder: Path, name: str, changes: Mapping[str, object], words: UnseenWords, config: Path = CONFIG) -> Scores:
    """Train, and read the test words with the last weights, or their average where one is taken; both once only."""
    if (kept := kept_scores(folder, name)) is not None:
        return kept
    seconds = timed_training(settings_of(folder, name, changes, config))
    run = folder / "runs" / name
    return words.scores_of(last_weights(run), run, seconds)


def last_weights(run: Path) -> Path:
    """Return a run's weights, or their average where one was taken; there is one validation, at the end."""
    average = run / "best_accuracy_ema.pth"
    return average if average.exists() else run / "best_accuracy.pth"


def kept_scores(folder: Path, name: str) -> Scores | None:
    """Return the scores of a run that is at its end; None for another one."""
    kept = folder / "runs" / name / SCORES
    return Scores(**json.loads(kept.read_bytes())) if kept.exists() else None


def share_right(truth: Iterable[str], readings: Iterable[str], chosen: Callable[[str], bool] = lambda _: True) -> float:
    """Return the per cent of words read without a mistake, of those whose truth is chosen; 0 where none is."""
    right = [one == other for one, other in zip(truth, readings, strict=True) if chosen(one)]
    return 100 * sum(right) / max(1, len(right))


@contextmanager
def pool_of(batches: int | None) -> Iterator[None]:
    """Let plans within the block sort the words of so many batches together; None leaves it as it is."""
    before = sampling.POOL_BATCHES
    sampling.POOL_BATCHES = before if batches is None else batches
    try:
        yield
    finally:
        sampling.POOL_BATCHES = before

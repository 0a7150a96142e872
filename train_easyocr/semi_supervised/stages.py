"""Training with unlabelled words, stage by stage: teacher, rounds of pseudo labels and training on both, small network.

Each stage knows whether it is done: a training by its state, a round of pseudo labels by its plan. So the same command
goes on wherever it was stopped, and ends in the same state. What came of each stage is in the experiment's `RECORD`.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from train_easyocr.common.errors import UserError
from train_easyocr.common.files import write_json
from train_easyocr.common.text import format_table
from train_easyocr.recognition.task import train
from train_easyocr.semi_supervised.config import SemiSupervisedConfig, Size, name_of, training_config
from train_easyocr.semi_supervised.data import Places, Words, gather
from train_easyocr.semi_supervised.pseudo_labels import label_words, set_name
from train_easyocr.settings.checking import save_config
from train_easyocr.weights.bundle import Bundle, keep, open_bundle
from train_easyocr.weights.checkpoints import best_weights, read_card

Mode = Literal["both", "large", "small"]
MODES: tuple[Mode, ...] = ("both", "large", "small")
RECORD = "stages.json"
TEACHER, LARGE, SMALL = "teacher", "large", "small"
"""What trainings are called; those of LARGE have the round's number behind it."""


class TimeIsUp(Exception):  # noqa: N818 - no error: the same command goes on
    """The minutes are over before all stages are done."""


@dataclass(frozen=True)
class Stage:
    """What came of a training.

    Attributes:
        name: Of its experiment.
        weights: Its best ones.
        weights_sha256: Of these.
        learnt_from: Which sets of words.
        labelled_by: Whose readings the pseudo labels among them are; empty: there are none.
        accuracy: On validation, in per cent.
        norm_ed: On validation, 0 to 1.
    """

    name: str
    weights: str
    weights_sha256: str
    learnt_from: str
    labelled_by: str
    accuracy: float
    norm_ed: float

    @property
    def file(self) -> Path:
        """The weights."""
        return Path(self.weights)


class StagedRun:
    """All stages of an experiment.

    Args:
        config: The settings.
        places: Where the words are.
        minutes: Stop after this time; None: when all is done.
    """

    def __init__(self, config: SemiSupervisedConfig, places: Places, minutes: float | None = None) -> None:
        self._config, self._places = config, places
        self._end = None if minutes is None else time.monotonic() + 60 * minutes
        config.experiment.mkdir(parents=True, exist_ok=True)
        save_config(config, config.experiment / "config.yaml")
        self._words: dict[Size, Words] = {}
        self._stages: list[Stage] = []

    def run(self, mode: Mode, teacher: str = "") -> list[Bundle]:
        """Do all stages of a mode, or what is left of them.

        Args:
            mode: What to train: both networks, the large one alone, or the small one alone, from a teacher.
            teacher: The weights that label for `small`: any name of weights.

        Returns:
            The marks of the networks that were trained, the small one last.

        Raises:
            TimeIsUp: The minutes are over.
            UserError: Data can't be used, the teacher is too weak, or a training went wrong.
            WeightsError: Weights can't be had or used.
        """
        marks = []
        if mode == SMALL:
            found = open_bundle(teacher, Path(self._config.saved_models), "--teacher").part("recognizer", "--teacher")
            if not isinstance(found, Path):
                raise UserError(f"--teacher {teacher}: EasyOCR's own weights have no card; train on the labels first")
            read_card(found)
            best, number = found, 1
        else:
            best, number = self._large()
            marks.append(self._mark(best, LARGE))
        if mode != LARGE:
            marks.append(self._mark(self._small(best, number), SMALL))
        return marks

    def _large(self) -> tuple[Path, int]:
        """Train the large network in rounds; return its best weights, and the number of the round they label in."""
        best = self._train("large", TEACHER)
        for number in range(1, self._config.rounds + 1):
            student = self._train("large", f"{LARGE}_{number}", number, best.file)
            gain = student.accuracy - best.accuracy
            print(f"Round {number}: {student.accuracy:.2f} % of the validation words, {gain:+.2f} points")
            if gain < self._config.least_gain:
                # Whoever read better has labelled in this round already, or is to label in the next one.
                return (student.file, number + 1) if gain > 0 else (best.file, number)
            best = student
        return best.file, self._config.rounds + 1

    def _small(self, teacher: Path, number: int) -> Path:
        return self._train("small", SMALL, number, teacher).file

    def _train(self, size: Size, stage: str, number: int = 0, teacher: Path | None = None) -> Stage:
        """Label where a teacher is given, train, and record what came of it."""
        config = self._config
        words = self._gathered(size)
        pseudo = ""
        if teacher is not None:
            print(f"\nPseudo labels, round {number}")
            label_words(words, teacher, number, config)
            pseudo = set_name(number)
        start = str(teacher) if teacher is not None and size == LARGE else ""
        character = self._places.character
        settings = training_config(config, size, stage, character=character, pseudo=pseudo, start=start)
        print(f"\nTraining {settings.experiment_name}")
        if not train(settings, self._minutes()):
            raise TimeIsUp
        weights = best_weights(settings.experiment)
        card = read_card(weights)
        done = Stage(
            settings.experiment_name,
            str(weights),
            card.weights_sha256,
            settings.select_data,
            str(teacher or ""),
            card.validation.accuracy,
            card.validation.norm_ed,
        )
        self._stages.append(done)
        write_json(config.experiment / RECORD, [asdict(stage) for stage in self._stages])
        return done

    def _gathered(self, size: Size) -> Words:
        """Bring the words together, once; characters and limits are those of the first network that is trained."""
        if not self._words:
            settings = training_config(self._config, size, TEACHER, character=self._places.character)
            words = gather(self._places, self._config.experiment, settings, self._config.unify_variants)
            print(words.describe())
            self._words[size] = words
        return next(iter(self._words.values()))

    def _minutes(self) -> float | None:
        if self._end is None:
            return None
        left = (self._end - time.monotonic()) / 60
        if left <= 0:
            raise TimeIsUp
        return left

    def _mark(self, weights: Path, size: str) -> Bundle:
        """Keep weights under the experiment's name and the size, so that they can be named everywhere."""
        name, saved_models = name_of(self._config, size), Path(self._config.saved_models)
        folder = keep(Bundle(name, weights), name, saved_models)
        print(f"{size} network: marked as {name} ({folder})")
        return open_bundle(name, saved_models)


def history(config: SemiSupervisedConfig) -> str:
    """Return which weights came from which, as a table.

    Raises:
        UserError: Nothing was trained yet.
    """
    path = config.experiment / RECORD
    try:
        stages = [Stage(**stage) for stage in json.loads(path.read_bytes())]
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file; nothing was trained under this experiment_name yet") from None
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{path}: can't be read: {error}") from None
    by_file = {stage.weights: stage.name for stage in stages}
    rows = [
        [stage.name, stage.learnt_from, by_file.get(stage.labelled_by, stage.labelled_by), f"{stage.accuracy:.2f}",
         f"{stage.norm_ed:.4f}", stage.weights_sha256[:8]]
        for stage in stages
    ]  # fmt: skip
    return format_table(["training", "learnt from", "labelled by", "accuracy", "norm_ed", "weights"], rows)

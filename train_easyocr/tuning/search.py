"""The search for the parameters with which a detector's boxes are words: Optuna's TPE (Bergstra et al., 2011).

The trials are kept in a SQLite file. A search that was killed goes on where it stopped and tries what it would have
tried without the stop: each trial's sampler is seeded by the number of trials before it.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState
from tqdm import tqdm

from train_easyocr.common.errors import UserError
from train_easyocr.common.files import write_json
from train_easyocr.common.text import format_table
from train_easyocr.detection.db_boxes import DbParameters
from train_easyocr.detection.interface import DetectorParameters
from train_easyocr.detection.opening import OpenedDetector
from train_easyocr.detection.parameters import WORDS, CraftParameters
from train_easyocr.detection.settings import plain_usage, save_settings, settings_for
from train_easyocr.documents.sources import PageSource
from train_easyocr.evaluation.predictions import ModelIdentity
from train_easyocr.evaluation.runner import Recognizer
from train_easyocr.tuning.objective import MappedPage, Objective, map_pages
from train_easyocr.weights.bundle import EASYOCR, SETTINGS

Space = Mapping[str, BaseDistribution]
Figures = dict[str, dict[str, float | None]]
STORAGE_NAME = "trials.sqlite3"
REPORT_NAME = "tuning.json"
STARTUP_TRIALS = 24
"""Random trials before the sampler proposes."""
LEADERS = 3
"""So many of the best trials are scored once more with every box read, and the best of them is taken."""
INPUT = "input"
"""The dimension that stands for `canvas_size` and `mag_ratio` together: few pairs, since each needs maps of its own."""
CRAFT_INPUTS = ((2560, 1.0), (1920, 1.0), (2560, 1.5))
"""`canvas_size` and `mag_ratio` to choose among, beside the detector's own."""


def _share(low: float, high: float) -> FloatDistribution:
    return FloatDistribution(low, high, step=0.01)


EASYOCR_SPACE: Space = {
    "text_threshold": _share(0.1, 0.95),
    "low_text": _share(0.1, 0.8),
    "link_threshold": _share(0.1, 0.95),
    "min_size": IntDistribution(0, 40),
    "slope_ths": _share(0.02, 0.6),
    "ycenter_ths": _share(0.1, 1.0),
    "height_ths": _share(0.1, 1.0),
    "width_ths": _share(-1.0, 1.0),
    "add_margin": _share(-0.2, 0.4),
}
"""What plain `Reader.readtext` takes."""
CRAFT_SPACE: Space = {
    **{key: value for key, value in EASYOCR_SPACE.items() if key != "add_margin"},
    "margin_x": _share(-0.2, 0.4),
    "margin_y": _share(-0.2, 0.4),
    "attach_ths": _share(0.0, 0.6),
}
DB_SPACE: Space = {
    "det_db_thresh": _share(0.05, 0.9),
    "det_db_box_thresh": _share(0.0, 0.95),
    "det_db_unclip_ratio": FloatDistribution(0.5, 3.0, step=0.02),
    "use_dilation": CategoricalDistribution([False, True]),
    "det_db_score_mode": CategoricalDistribution(["fast", "slow"]),
}


def space_for(parameters: DetectorParameters, plain: bool = False) -> Space:
    """Return what is searched for a detector: of CRAFT, with `plain`, only what EasyOCR itself takes.

    Raises:
        TypeError: There is no search for such parameters.
    """
    if isinstance(parameters, CraftParameters):
        return EASYOCR_SPACE if plain else CRAFT_SPACE
    if isinstance(parameters, DbParameters):
        return DB_SPACE
    raise TypeError(f"no search for {type(parameters).__name__}")


def starts_for(parameters: DetectorParameters, plain: bool = False) -> list[DetectorParameters]:
    """Return what is tried first: the parameters as they are, and those that are known to suit words."""
    if not isinstance(parameters, CraftParameters):
        return [parameters]
    kept = {"canvas_size": parameters.canvas_size, "mag_ratio": parameters.mag_ratio}
    words = WORDS.model_copy(update=kept | ({"attach_ths": 0.0} if plain else {}))
    return [parameters, words, words.model_copy(update={"add_margin": 0.0})]


class Search:
    """A search for the best parameters on some pages.

    Args:
        objective: Scores parameters.
        start: The parameters that the detector has; keys that are not searched stay as they are.
        storage: The SQLite file; None keeps the trials in memory.
        subject: All that a score depends on beside the parameters; trials of another subject are another study.
        inputs: For CRAFT, pairs of `canvas_size` and `mag_ratio` to choose among; empty leaves them as they are.
        plain: Search only what plain EasyOCR takes.
        seed: Of the sampler.
    """

    def __init__(
        self,
        objective: Objective,
        start: DetectorParameters,
        *,
        storage: Path | None = None,
        subject: Mapping[str, str] | None = None,
        inputs: Sequence[tuple[int, float]] = (),
        plain: bool = False,
        seed: int = 0,
    ) -> None:
        self.objective, self.start, self._inputs, self._seed = objective, start, list(inputs), seed
        self.space = dict(space_for(start, plain))
        if len(inputs) > 1:
            self.space[INPUT] = CategoricalDistribution(list(range(len(inputs))))
        self._starts = starts_for(start, plain)
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        # The search itself looks at a copy in memory: a transaction a trial instead of one a parameter.
        self.study = optuna.create_study(direction="maximize")
        self._kept: optuna.Study | None = None
        if storage is not None:
            key = json.dumps([dict(subject or {}), start.model_dump(), self._inputs, plain, seed], sort_keys=True)
            name = hashlib.sha256(key.encode()).hexdigest()[:16]
            storage.parent.mkdir(parents=True, exist_ok=True)
            self._kept = optuna.create_study(
                study_name=name, storage=f"sqlite:///{storage}", direction="maximize", load_if_exists=True
            )
            self.study.add_trials(self._kept.get_trials(deepcopy=False))

    @property
    def best(self) -> DetectorParameters:
        """The best parameters found; of equal ones the earlier, so that a search never trades what is known in vain."""
        return self.leaders(1)[0]

    def leaders(self, count: int) -> list[DetectorParameters]:
        """Return the best different parameters found, the best first; of equal ones the earlier."""
        complete = self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        ranked = sorted(complete, key=lambda trial: trial.value or 0.0, reverse=True)
        return list(dict.fromkeys(self._parameters_of(trial.params) for trial in ranked))[:count]

    def run(self, trials: int) -> None:
        """Search until there are `trials` trials, those of earlier runs included."""
        done = len(self.study.trials)
        with tqdm(total=trials, initial=min(done, trials), desc="Searching", unit="trial") as progress:
            for number in range(done, trials):
                self._try(number)
                if self._kept is not None:
                    self._kept.add_trial(self.study.get_trials(deepcopy=False)[-1])
                progress.set_postfix(best=f"{self.study.best_value:.4f}", refresh=False)
                progress.update()

    def _try(self, number: int) -> None:
        """Run one trial; one that can't become the best is pruned, and what it reaches at most is kept."""
        self.study.sampler = optuna.samplers.TPESampler(
            seed=self._seed * 1_000_003 + number, n_startup_trials=STARTUP_TRIALS, multivariate=True
        )
        if number < len(self._starts):
            self.study.enqueue_trial(self._values_of(self._starts[number]))
        best = self.study.best_value if number else -1.0
        trial = self.study.ask(self.space)
        score, reached = self.objective.score(self._parameters_of(trial.params), above=best)
        trial.report(score, 0)
        self.study.tell(trial, score if reached else None, state=TrialState.COMPLETE if reached else TrialState.PRUNED)

    def _parameters_of(self, values: Mapping[str, Any]) -> DetectorParameters:
        """Return the detector's parameters for a trial's values."""
        # Steps of 0.01 leave 0.30000000000000004 behind.
        changes: dict[str, Any] = {
            key: round(value, 6) if isinstance(value, float) else value for key, value in values.items()
        }
        if INPUT in changes:
            changes["canvas_size"], changes["mag_ratio"] = self._inputs[changes.pop(INPUT)]
        return type(self.start).model_validate({**self.start.model_dump(), **changes})

    def _values_of(self, parameters: DetectorParameters) -> dict[str, Any]:
        """Return parameters as a trial's values, brought into the space."""
        values = parameters.model_dump()
        if isinstance(parameters, CraftParameters):
            values |= {"margin_x": parameters.margins[0], "margin_y": parameters.margins[1], INPUT: 0}
        return {key: _nearest(values[key], distribution) for key, distribution in self.space.items()}


def _nearest(value: Any, distribution: BaseDistribution) -> Any:
    if isinstance(distribution, FloatDistribution | IntDistribution):
        return min(max(value, distribution.low), distribution.high)
    return value


@dataclass(frozen=True)
class Tuned:
    """The outcome of a search.

    Attributes:
        best: The parameters found.
        figures: Figures by pages and parameters ("validation, before").
        usage: How to use what was found: lines of Python for plain EasyOCR, or the command that installs it.
    """

    best: DetectorParameters
    figures: Figures
    usage: str


def tune(
    opened: OpenedDetector,
    pages: Sequence[PageSource],
    evaluation_pages: Sequence[PageSource],
    output: Path,
    *,
    trials: int,
    recognizer: tuple[ModelIdentity, Recognizer] | None = None,
    one_size: bool = False,
    plain: bool = False,
    seed: int = 0,
) -> Tuned:
    """Search; write `detection_settings.yaml` and `tuning.json`, and print the figures.

    Args:
        opened: The detector.
        pages: Labelled pages that the parameters are chosen on.
        evaluation_pages: Pages that are only scored in the end; can be empty.
        output: The folder for settings, report, maps and trials.
        trials: How many, those of earlier runs included.
        recognizer: For end-to-end F1: what identifies it, and itself.
        one_size: Leave CRAFT's `canvas_size` and `mag_ratio` as they are.
        plain: Search only what plain EasyOCR takes.
        seed: Of the search.

    Raises:
        UserError: No page can be used.
    """
    start = opened.detector.parameters
    inputs: list[tuple[int, float]] = []
    if isinstance(start, CraftParameters) and not one_size:
        inputs = list(dict.fromkeys([(start.canvas_size, start.mag_ratio), *CRAFT_INPUTS]))
    validation = _mapped(pages, opened, inputs, output, "Validation pages")
    objective = Objective(opened.detector, validation, recognizer[1] if recognizer else None)
    subject = {
        "detector": opened.weights_sha256,
        "recognizer": repr(sorted(recognizer[0].items())) if recognizer else "",
        "pages": hashlib.sha256(repr([(page.digest, page.words) for page in validation]).encode()).hexdigest(),
    }
    storage = output / STORAGE_NAME
    search = Search(objective, start, storage=storage, subject=subject, inputs=inputs, plain=plain, seed=seed)
    search.run(trials)
    goal = "end_to_end_f1" if recognizer else "detection_f1"
    # The first of equal ones is taken: what is known is not traded for what is no better.
    summaries = {one: objective.summary(one) for one in [start, *search.leaders(LEADERS)]}
    best = max(summaries, key=lambda one: summaries[one][goal] or 0.0)
    figures = {"validation, before": summaries[start], "validation, found": summaries[best]}
    if evaluation_pages:
        held_out = _mapped(evaluation_pages, opened, inputs, output, "Evaluation pages")
        scores = Objective(opened.detector, held_out, objective.recognizer)
        figures |= {"evaluation, before": scores.summary(start), "evaluation, found": scores.summary(best)}
    settings = settings_for(opened.network, opened.weights_sha256, best)
    before, found = (figures[f"validation, {name}"][goal] for name in ("before", "found"))
    outcome = f"{goal} on {len(validation)} validation pages {before:.4f} before, {found:.4f} now"
    save_settings(output / SETTINGS, settings, f"found in {trials} trials: {outcome}")
    report = {
        "network": opened.network,
        "weights": str(opened.weights),
        "weights_sha256": opened.weights_sha256,
        "trials": len(search.study.trials),
        "pages": len(validation),
        "goal": goal,
        "before": start.model_dump(),
        "found": best.model_dump(),
        "figures": figures,
    }
    write_json(output / REPORT_NAME, report)
    rows = [
        [name, *("-" if (value := column[name]) is None else f"{value:.4f}" for column in figures.values())]
        for name in summaries[start]
    ]
    print(format_table(["mean over pages", *figures], rows))
    print(f"\n{output / SETTINGS}, {REPORT_NAME}: {outcome}")
    detector = [] if opened.weights_sha256 == EASYOCR else ["--detector", str(opened.weights)]
    command = ["bash", "step4_set_finetuned_model.sh", *detector, "--detection_settings", str(output / SETTINGS)]
    return Tuned(best, figures, plain_usage(settings) or shlex.join(command))


def _mapped(
    files: Sequence[PageSource], opened: OpenedDetector, inputs: Sequence[tuple[int, float]], output: Path, title: str
) -> list[MappedPage]:
    """Return pages with the maps that a search needs, kept in `output`; pages that can't be used are named."""
    start = opened.detector.parameters
    variants = [start, *(start.model_copy(update={"canvas_size": c, "mag_ratio": m}) for c, m in inputs)]
    cache = output / "score_maps"
    pages, problems = map_pages(
        files, opened.detector, opened.weights_sha256, variants=variants, cache=cache, title=title
    )
    for problem in problems:
        print(f"skipped {problem.name}: {problem}", file=sys.stderr)
    if not any(not word.dont_care for page in pages for word in page.words):
        raise UserError(f"{title}: none of {len(files):,} pages can be used: no labelled word is left")
    return pages

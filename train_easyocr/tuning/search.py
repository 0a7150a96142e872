"""The search over a detector's parameters: Optuna's TPE (Bergstra et al., 2011), seeded, kept in a SQLite file.

A search that was killed goes on where it stopped and tries what it would have tried without the stop: each trial's
sampler is seeded by the number of trials before it, and proposes from their results alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState
from tqdm import tqdm

from train_easyocr.detection.db_boxes import DbParameters
from train_easyocr.detection.interface import DetectorParameters
from train_easyocr.detection.parameters import WORDS, CraftParameters
from train_easyocr.tuning.objective import BelowBound, Objective

Space = Mapping[str, BaseDistribution]
STARTUP_TRIALS = 24
"""Random trials before the sampler proposes."""
INPUT = "input"
"""The dimension that stands for `canvas_size` and `mag_ratio` together: few pairs, since each needs maps of its own."""


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
    words = WORDS.model_copy(update=kept)
    tight = words.model_copy(update={"add_margin": 0.0})
    if plain:
        return [parameters, *(one.model_copy(update={"attach_ths": 0.0}) for one in (words, tight))]
    return [parameters, words, tight]


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
        subject: Mapping[str, Any] | None = None,
        inputs: Sequence[tuple[int, float]] = (),
        plain: bool = False,
        seed: int = 0,
    ) -> None:
        self.objective = objective
        self.start = start
        self.space = dict(space_for(start, plain))
        self._inputs = list(inputs)
        if len(inputs) > 1:
            self.space[INPUT] = CategoricalDistribution(list(range(len(inputs))))
        self._starts = starts_for(start, plain)
        self._seed = seed
        key = json.dumps([dict(subject or {}), start.model_dump(), self._inputs, plain, seed], sort_keys=True)
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        name = hashlib.sha256(key.encode()).hexdigest()[:16]
        # The search itself looks at a copy in memory: a transaction a trial instead of one a parameter.
        self.study = optuna.create_study(direction="maximize")
        self._kept = _open_study(name, storage) if storage is not None else None
        if self._kept is not None:
            self.study.add_trials(self._kept.get_trials(deepcopy=False))

    @property
    def trials(self) -> list[FrozenTrial]:
        """The trials that ended, whether they were scored to the end or could not become the best."""
        return self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))

    @property
    def best(self) -> DetectorParameters:
        """The best parameters found; of equal ones the earlier, so that a search never trades what is known in vain."""
        return self.parameters_of(self.study.best_trial.params)

    def leaders(self, count: int) -> list[DetectorParameters]:
        """Return the best different parameters found, the best first; of equal ones the earlier."""
        complete = self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        ranked = sorted(complete, key=lambda trial: trial.value or 0.0, reverse=True)
        different = dict.fromkeys(self.parameters_of(trial.params) for trial in ranked)
        return list(different)[:count]

    def parameters_of(self, values: Mapping[str, Any]) -> DetectorParameters:
        """Return the detector's parameters for a trial's values."""
        changes = {key: value for key, value in values.items() if key != INPUT}
        if INPUT in values:
            changes["canvas_size"], changes["mag_ratio"] = self._inputs[values[INPUT]]
        # Steps of 0.01 leave 0.30000000000000004 behind.
        rounded = {key: round(value, 6) if isinstance(value, float) else value for key, value in changes.items()}
        return type(self.start).model_validate({**self.start.model_dump(), **rounded})

    def run(self, trials: int) -> None:
        """Search until there are `trials` trials, those of earlier runs included."""
        done = len(self.trials)
        best = self.study.best_value if any(t.state is TrialState.COMPLETE for t in self.trials) else -1.0
        with tqdm(total=trials, initial=min(done, trials), desc="Searching", unit="trial") as progress:
            for number in range(done, trials):
                best = max(best, self._try(number, best))
                progress.update()
                progress.set_postfix(best=f"{best:.4f}", refresh=False)

    def _try(self, number: int, best: float) -> float:
        """Run one trial; return its score, or -1 for one that can't become the best."""
        if number < len(self._starts):
            values = self._values_of(self._starts[number])
            score, outcome = self._score(values, best)
            self.study.add_trial(optuna.trial.create_trial(params=values, distributions=self.space, **outcome))
            self._keep_last()
            return score
        self.study.sampler = optuna.samplers.TPESampler(
            seed=self._seed * 1_000_003 + number,
            n_startup_trials=STARTUP_TRIALS,
            multivariate=True,
        )
        asked = self.study.ask(self.space)
        score, outcome = self._score(asked.params, best)
        for step, bound in outcome.get("intermediate_values", {}).items():
            asked.report(bound, step)
        self.study.tell(asked, outcome.get("value"), state=outcome["state"])
        self._keep_last()
        return score

    def _keep_last(self) -> None:
        if self._kept is not None:
            self._kept.add_trial(self.study.get_trials(deepcopy=False)[-1])

    def _score(self, values: Mapping[str, Any], best: float) -> tuple[float, dict[str, Any]]:
        """Return the score and what the study is to keep of the trial."""
        try:
            score = self.objective.score(self.parameters_of(values), above=best)
        except BelowBound as bound:
            return -1.0, {"state": TrialState.PRUNED, "intermediate_values": {0: bound.bound}}
        return score, {"state": TrialState.COMPLETE, "value": score}

    def _values_of(self, parameters: DetectorParameters) -> dict[str, Any]:
        """Return parameters as a trial's values, brought into the space."""
        values = parameters.model_dump()
        if isinstance(parameters, CraftParameters):
            values["margin_x"], values["margin_y"] = parameters.margins
            values[INPUT] = 0
        return {key: _nearest(values[key], distribution) for key, distribution in self.space.items()}


def _open_study(name: str, storage: Path) -> optuna.Study:
    storage.parent.mkdir(parents=True, exist_ok=True)
    url = f"sqlite:///{storage}"
    return optuna.create_study(study_name=name, storage=url, direction="maximize", load_if_exists=True)


def _nearest(value: Any, distribution: BaseDistribution) -> Any:
    if isinstance(distribution, FloatDistribution | IntDistribution):
        return min(max(value, distribution.low), distribution.high)
    return value

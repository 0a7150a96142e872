"""How long a training is where `n_iter` is `auto`: passes over the data, within limits.

Few words are read often enough to be learnt, many are not read for days; the learning rate's course follows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from train_easyocr.settings.parts import TrainingSettings

Settings = TypeVar("Settings", bound=TrainingSettings)

VALIDATIONS = 5
"""At least so many in a run whose length is found here."""


@dataclass(frozen=True)
class Length:
    """The rule for a kind of training.

    Attributes:
        passes: How often each sample is drawn.
        fewest: Iterations, however few the samples.
        most: Iterations, however many.
        unit: What the samples are.
    """

    passes: int
    fewest: int
    most: int
    unit: str

    def iterations(self, samples: int, batch_size: int) -> int:
        """Return the number of iterations for so many samples."""
        return min(max(round(self.passes * samples / batch_size), self.fewest), self.most)

    def describe(self, samples: int, batch_size: int) -> str:
        """Say what was chosen and why."""
        iterations = self.iterations(samples, batch_size)
        found = (
            f"n_iter: auto is {iterations:,} iterations of {batch_size:,}, {iterations * batch_size / samples:,.1f} "
            f"passes over {samples:,} {self.unit}"
        )
        limits = {self.fewest: "at least", self.most: "at most"}
        rule = f"; the rule: {self.passes} passes"
        return found + (f"{rule}, {limits[iterations]} {iterations:,} iterations" if iterations in limits else rule)


def with_iterations(config: Settings, iterations: int) -> Settings:
    """Return settings with a number for `n_iter: auto`, and validations enough for it; others as they are."""
    if config.n_iter:
        return config
    period = min(config.val_period, -(-iterations // VALIDATIONS))
    return config.model_copy(update={"n_iter": iterations, "val_period": period})


def with_length(config: Settings, length: Length, samples: int) -> Settings:
    """Return settings that say how long to train; where they leave it to the samples, print what was chosen."""
    if config.n_iter:
        return config
    print(length.describe(samples, config.batch_size))
    return with_iterations(config, length.iterations(samples, config.batch_size))

"""Learning rates: how high they are, as a function of the step alone, and what `lr: auto` makes of a batch's size.

A schedule has no state, so a resumed run needs none restored, and any step's rate can be asked for. Nothing here is
about recognizing words: the detector's trainer uses it as it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

SCHEDULERS = ("constant", "piecewise", "cosine", "one_cycle")
WARM_UP = {"constant": 0.0, "piecewise": 0.02, "cosine": 0.02, "one_cycle": 0.1}
"""The part of a run in which the rate rises, where the settings leave that open (`warmup: auto`)."""


@dataclass(frozen=True)
class Reference:
    """A learning rate that is known to work, and for how large a batch; what `lr: auto` starts from.

    Attributes:
        lr: The learning rate.
        batch: Samples of a batch, over all processes.
        source: Where the pair is from and for what it holds, for the log.
        ceiling: No batch gets a higher rate. The proportion holds over a few doublings; beyond, training falls apart.
    """

    lr: float
    batch: int
    source: str
    ceiling: float = math.inf

    def scaled(self, batch: int) -> float:
        """Return the rate for batches of another size, in proportion (Goyal et al., arXiv 1706.02677, section 2.1)."""
        return min(self.ceiling, self.lr * batch / self.batch)

    def describe(self, batch: int) -> str:
        """Say what `lr: auto` is for a size of batch, and why."""
        limit = f", {self.ceiling:g} at most" if self.scaled(batch) == self.ceiling else ""
        return (
            f"lr: auto is {self.scaled(batch):.3g} for batches of {batch:,}, in proportion to {self.lr:g} "
            f"for batches of {self.batch:,} ({self.source}){limit}"
        )


@dataclass(frozen=True)
class Schedule:
    """The learning rate of each step.

    The first `warmup` steps rise in a line. From there on the rate is

    - constant: `lr`;
    - piecewise: `lr` times the factor of the last point that was passed;
    - cosine: `lr` falling to nothing in half a cosine (Loshchilov and Hutter, "SGDR", ICLR 2017, without restarts);
    - one_cycle: likewise, one step ahead; its warm-up is a long part of the run, which lets `lr` be high (Smith and
      Topin, "Super-Convergence", 2018).

    torch's OneCycleLR divides by zero for runs of ten steps and gives a last step with a rate of 0; here no rate is 0.

    Attributes:
        scheduler: One of `SCHEDULERS`.
        lr: The highest rate.
        n_iter: Steps of the run.
        warmup: Steps in which the rate rises.
        points: piecewise: steps (counted from 0) from which on a factor holds, ascending.
        factors: piecewise: as many, multiples of `lr`.

    Raises:
        ValueError: `scheduler` is unknown, or points and factors are not as many.
    """

    scheduler: str
    lr: float
    n_iter: int
    warmup: int = 0
    points: tuple[int, ...] = ()
    factors: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.scheduler not in SCHEDULERS:
            raise ValueError(f"{self.scheduler!r} is none of {', '.join(SCHEDULERS)}")
        if len(self.points) != len(self.factors):
            raise ValueError(f"{len(self.points)} points and {len(self.factors)} factors")

    @classmethod
    def from_settings(
        cls,
        scheduler: str,
        lr: float,
        n_iter: int,
        *,
        warmup: float | str = "auto",
        points: Sequence[float] = (),
        factors: Sequence[float] = (),
    ) -> Schedule:
        """Build a schedule; `warmup` and `points` below 1 are shares of the run, other numbers are steps.

        Args:
            scheduler: One of `SCHEDULERS`.
            lr: The highest rate.
            n_iter: Steps of the run.
            warmup: Or "auto", which is `WARM_UP` of the scheduler.
            points: Of piecewise; ignored by the others.
            factors: Likewise.
        """
        share = WARM_UP[scheduler] if isinstance(warmup, str) else warmup
        steps = round(share * n_iter) if share < 1 else int(share)
        if scheduler != "piecewise":
            points = factors = ()
        return cls(
            scheduler,
            lr,
            n_iter,
            # A cycle has a rise, however short the run is.
            warmup=max(steps, int(scheduler == "one_cycle")),
            points=tuple(round(point * n_iter) if point < 1 else int(point) for point in points),
            factors=tuple(factors),
        )

    def rate(self, step: int) -> float:
        """Return the learning rate of a step (counted from 0)."""
        if step < self.warmup:
            return self.lr * (step + 1) / self.warmup
        if self.scheduler == "constant":
            return self.lr
        if self.scheduler == "piecewise":
            passed = [factor for point, factor in zip(self.points, self.factors, strict=True) if step >= point]
            return self.lr * (passed[-1] if passed else 1)
        # The top of a one_cycle is the last step of its rise, that of a cosine the first of its fall.
        ahead = int(self.scheduler == "one_cycle")
        return self.lr * _half_cosine((step - self.warmup + ahead) / (self.n_iter - self.warmup + ahead))

    def describe(self) -> str:
        """Say how the rate goes over the run."""
        rise = f"rises to {self.lr:.3g} over {self.warmup:,} iterations, then " if self.warmup > 1 else ""
        start = "" if rise else f"{self.lr:.3g}, "
        if self.scheduler == "constant":
            course = "stays there" if rise else "constant"
        elif self.scheduler == "piecewise":
            parts = [
                f"{self.lr * factor:.3g} from iteration {point + 1:,} on"
                for point, factor in zip(self.points, self.factors, strict=True)
            ]
            course = ", ".join(parts)
        else:
            course = f"falls in a half cosine up to iteration {self.n_iter:,}"
        return f"Learning rate ({self.scheduler}): {start}{rise}{course}"


def depends_on_length(scheduler: str, warmup: float | str = "auto", points: Sequence[float] = ()) -> bool:
    """Return whether another `n_iter` changes the rates of a run's steps: whether a run can't simply grow longer."""
    share = WARM_UP[scheduler] if isinstance(warmup, str) else warmup
    if scheduler == "piecewise" and any(point < 1 for point in points):
        return True
    return scheduler in ("cosine", "one_cycle") or 0 < share < 1


def _half_cosine(part: float) -> float:
    return (1 + math.cos(math.pi * part)) / 2

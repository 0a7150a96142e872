"""What a search found: figures before and after, and what each parameter does."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from train_easyocr.common.files import replacing
from train_easyocr.common.text import format_table
from train_easyocr.detection.interface import DetectorParameters
from train_easyocr.tuning.objective import Objective
from train_easyocr.tuning.search import INPUT

POINTS = 9
"""Values of each parameter in its curve."""
SHOWN = 0.2
"""How far below the best the picture reaches: what is worse than that is of no interest."""
Curves = dict[str, list[tuple[Any, float]]]
"""For each parameter, its values and the detection F1 at each."""


def effects(objective: Objective, best: DetectorParameters, space: Mapping[str, BaseDistribution]) -> Curves:
    """Change one parameter at a time, the others as found.

    Args:
        objective: Scores detection F1; nothing is read.
        best: The parameters found.
        space: The range of each parameter.
    """
    curves: Curves = {}
    for key, distribution in space.items():
        if key == INPUT:
            continue
        values = {*_points(distribution), getattr(best, key)} - {None}
        curves[key] = [
            (value, objective.detection_f1(best.model_copy(update={key: value})))
            for value in sorted(values, key=str if _is_choice(distribution) else None)
        ]
    return curves


def _is_choice(distribution: BaseDistribution) -> bool:
    return isinstance(distribution, CategoricalDistribution)


def _points(distribution: BaseDistribution) -> list[Any]:
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    step = (distribution.high - distribution.low) / (POINTS - 1)
    values = [distribution.low + number * step for number in range(POINTS)]
    return sorted({round(value) for value in values}) if isinstance(distribution, IntDistribution) else values


def effect_table(curves: Curves, before: DetectorParameters, best: DetectorParameters, objective: Objective) -> str:
    """Return a table: each parameter before and after, and what going back to the value before costs."""
    top = objective.detection_f1(best)
    rows = []
    for key in curves:
        old, new = getattr(before, key), getattr(best, key)
        back = objective.detection_f1(best.model_copy(update={key: old}))
        lowest = min(score for _, score in curves[key])
        rows.append([key, _show(old), _show(new), f"{back - top:+.4f}", f"{lowest - top:+.4f}"])
    return format_table(["parameter", "before", "found", "back to before", "worst value"], rows)


def _show(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:g}" if isinstance(value, float) else str(value)


def figures_table(columns: Mapping[str, Mapping[str, float | None]]) -> str:
    """Return a table of figures, a column for each set of pages and parameters."""
    names = list(columns)
    figures = list(next(iter(columns.values())))
    rows = [
        [figure, *("-" if columns[name].get(figure) is None else f"{columns[name][figure]:.4f}" for name in names)]
        for figure in figures
    ]
    return format_table(["mean over pages", *names], rows)


def draw_effects(path: Path, curves: Curves, best: DetectorParameters, title: str) -> None:
    """Draw each parameter's curve, its found value marked, as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - a second to import, needed here alone
    from matplotlib.figure import Figure  # noqa: PLC0415

    down = math.ceil(len(curves) / 4)
    across = math.ceil(len(curves) / down)
    figure = Figure(figsize=(3.2 * across, 2.4 * down), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(down, across, sharey=True, squeeze=False).ravel()
    for axis, (key, curve) in zip(axes, curves.items(), strict=False):
        _draw_curve(axis, key, curve, getattr(best, key))
    for axis in axes[len(curves) :]:
        axis.set_visible(False)
    top = max(score for curve in curves.values() for _, score in curve)
    lowest = min(score for curve in curves.values() for _, score in curve)
    axes[0].set_ylim(max(lowest, top - SHOWN) - 0.01, top + 0.01)
    figure.suptitle(title)
    figure.supylabel("detection F1, mean over pages")
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def _draw_curve(axis: Any, key: str, curve: Sequence[tuple[Any, float]], found: Any) -> None:
    values, scores = zip(*curve, strict=True)
    if isinstance(found, bool | str):
        axis.scatter([str(value) for value in values], scores, color=["C1" if v == found else "C0" for v in values])
        axis.margins(x=0.4)
    else:
        axis.plot(values, scores, marker=".")
        if found is not None:
            axis.axvline(found, color="C1", linewidth=1)
    axis.set_title(key, fontsize=10)
    axis.grid(alpha=0.3)

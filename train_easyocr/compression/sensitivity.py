"""How much each layer is needed: one layer pruned at a time, by more and more, and the network measured each time.

Li et al., "Pruning Filters for Efficient ConvNets", ICLR 2017, section 3.2. All is measured on validation data, and
from weights that are whole. Each measure is kept at once, so that a run that was killed goes on after the last one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import torch
from matplotlib.figure import Figure
from tqdm import tqdm

from train_easyocr.common.errors import UserError
from train_easyocr.common.files import replacing, sha256, write_json
from train_easyocr.compression.criteria import Criterion
from train_easyocr.compression.cuts import chosen, pruned
from train_easyocr.compression.subjects import Subject, quality

RATIOS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
"""Shares of a layer's filters."""
QUALITY = "quality"
"""What the file of measures says of the whole network."""
ENOUGH = 0.3
"""A layer that loses so much of the quality is not pruned further."""

Curves = dict[str, list[tuple[float, float]]]
"""By layer: the share of its filters that is gone, and the share of the quality that goes with them."""


def cut_network(subject: Subject, channels: Sequence[int], criterion: Criterion) -> torch.nn.Module:
    """Return the network with so many channels a layer, the others cut out."""
    state = subject.model.state_dict()
    model = subject.build(channels)
    model.load_state_dict(pruned(state, chosen(state, subject.cuts, channels, criterion)))
    return model.eval()


def sensitivity(subject: Subject, criterion: Criterion, path: Path) -> Curves:
    """Measure all layers, or what is left to be measured.

    Args:
        subject: The network.
        criterion: Which filters go first.
        path: The file that measures are kept in.

    Raises:
        UserError: The file holds the measures of something else.
    """
    about = {"weights_sha256": sha256(subject.weights), "criterion": criterion, "tested_on": subject.tested_on}
    record = _read(path, about)
    if QUALITY not in record:
        record |= {
            **about,
            QUALITY: quality(subject.measure(subject.model)),
            "layers": {cut.layer: [] for cut in subject.cuts},
        }
        write_json(path, record)
    whole = record[QUALITY]
    if not whole:
        raise UserError(f"{subject.weights}: gets nothing right of {subject.tested_on}; there is nothing to lose")
    for number, cut in enumerate(tqdm(subject.cuts, desc="Sensitivity", unit="layer")):
        points = record["layers"][cut.layer]
        for ratio in RATIOS[len(points) :]:
            if points and points[-1][1] > ENOUGH:
                break
            channels = subject.widths
            channels[number] = max(1, round(channels[number] * (1 - ratio)))
            lost = (whole - quality(subject.measure(cut_network(subject, channels, criterion)))) / whole
            points.append([ratio, lost])
            write_json(path, record)
    return {layer: [(ratio, lost) for ratio, lost in points] for layer, points in record["layers"].items()}


def _read(path: Path, about: dict[str, str]) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise UserError(f"{path}: can't be read ({error}); remove it to measure again") from None
    if any(record.get(key) != value for key, value in about.items()):
        raise UserError(f"{path}: holds the sensitivity of other weights, or by other words; name another --name")
    return dict(record)


def bearable(points: Sequence[tuple[float, float]], tolerance: float) -> float:
    """Return the share of a layer's filters that can go at a tolerated loss, between points in a straight line.

    Curves are measured and rise with some noise; what was lost at any smaller share counts as lost.
    """
    before, lost_before = 0.0, 0.0
    for ratio, lost in points:
        worst = max(lost, lost_before)
        if worst > tolerance:
            return before + (ratio - before) * max(0.0, tolerance - lost_before) / (worst - lost_before)
        before, lost_before = ratio, max(worst, 0.0)
    return before


def channels_at(curves: Curves, widths: Sequence[int], tolerance: float, multiple: int, part: float = 1.0) -> list[int]:
    """Return each layer's channels at a tolerated loss, in multiples, at least one of them.

    Args:
        curves: The sensitivity.
        widths: Channels as they are.
        tolerance: The loss.
        multiple: Channels are multiples of it.
        part: Of what can go at that loss, so much goes, 0 to 1.
    """
    found = []
    for points, width in zip(curves.values(), widths, strict=True):
        wanted = width * (1 - part * bearable(points, tolerance))
        found.append(min(width, max(multiple, multiple * round(wanted / multiple))))
    return found


def channels_for(
    curves: Curves, widths: Sequence[int], cost: Callable[[Sequence[int]], float], target: float, multiple: int
) -> tuple[list[int], float]:
    """Find the least tolerated loss, the same for all layers, at which a network costs so little.

    Curves have steps (a layer may lose half of its filters for nothing): where the network would come out smaller than
    it has to be, less goes of each layer, in proportion. What each layer can spare alone, not all can spare together.

    Args:
        curves: The sensitivity.
        widths: Channels as they are.
        cost: What a network with other channels costs, 1 for these.
        target: What it may cost.
        multiple: Channels are multiples of it: processors compute so many at once.

    Returns:
        Channels by layer, and the loss.

    Raises:
        UserError: It can't cost so little.
    """
    low, high = 0.0, max(lost for points in curves.values() for _, lost in points) + 1e-6
    if (least := cost(channels_at(curves, widths, high, multiple))) > target:
        raise UserError(f"the least that these layers can be pruned to is {least:.2f} of what they are, not {target:g}")
    while high - low > 1e-4:
        middle = (low + high) / 2
        if cost(channels_at(curves, widths, middle, multiple)) > target:
            low = middle
        else:
            high = middle
    little, much = 0.0, 1.0
    while much - little > 1e-3:
        part = (little + much) / 2
        if cost(channels_at(curves, widths, high, multiple, part)) > target:
            little = part
        else:
            much = part
    return channels_at(curves, widths, high, multiple, much), high


def draw(curves: Curves, widths: Sequence[int], channels: Sequence[int], path: Path) -> None:
    """Draw a curve a layer, with what was chosen of each, as SVG."""
    with matplotlib.rc_context({"svg.hashsalt": path.name, "font.size": 8}):
        columns = 4
        rows = -(-len(curves) // columns)
        figure = Figure(figsize=(11, 2.1 * rows), layout="constrained")
        for number, ((layer, points), width, left) in enumerate(zip(curves.items(), widths, channels, strict=True)):
            axes = figure.add_subplot(rows, columns, number + 1)
            axes.plot([0, *(100 * ratio for ratio, _ in points)], [0, *(100 * lost for _, lost in points)], marker=".")
            axes.axvline(100 * (1 - left / width), color="tab:orange")
            axes.set_title(f"{layer}: {width} → {left}", fontsize=7)
            axes.set(xlim=(0, 90), ylim=(-2, 100 * ENOUGH), xlabel="% of filters gone", ylabel="% lost")
        with replacing(path) as temporary:
            figure.savefig(temporary, format="svg", metadata={"Date": None})

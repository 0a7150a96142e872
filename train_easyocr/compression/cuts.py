"""What goes with a filter: the tensors that hold its numbers, and those of the next layers that hold its channel.

A network's encoder is walked once, in the order in which it computes. Each convolution that mixes channels begins a
`Cut`; normalizations, depthwise convolutions and what weighs channels belong to the cut before them. To cut is to take
rows and columns out of a state dict; the smaller network is then built with the channels that are left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import nn

from train_easyocr.common.errors import UserError
from train_easyocr.compression.criteria import Criterion, kept
from train_easyocr.detection import db_network
from train_easyocr.detection.db_network import DbLight
from train_easyocr.recognition import network

StateDict = dict[str, torch.Tensor]
ATTENTION = (network.SqueezeExcitation, db_network.SqueezeExcitation)


@dataclass
class Cut:
    """A layer whose filters can go.

    Attributes:
        layer: The convolution's name, by whose weights filters are judged.
        rows: Tensors that lose rows (their first dimension) with its filters.
        columns: Tensors that lose columns (their second dimension).
        hidden: A layer between, with a quarter of this one's channels (squeeze and excitation); None where there is
            none.
    """

    layer: str
    rows: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    hidden: Cut | None = None


def cuts_of(model: nn.Module) -> list[Cut]:
    """Return the cuts of a network, in the order of its `channels`.

    Raises:
        UserError: It is of a kind that can't be pruned.
    """
    if isinstance(model, DbLight):
        return _of_detector(model)
    if isinstance(model, network.Model):
        return _of_recognizer(model)
    raise UserError(f"{type(model).__name__} can't be pruned")


def _of_recognizer(model: network.Model) -> list[Cut]:
    extractors = (network.VGG_FeatureExtractor, network.LCNet_FeatureExtractor)
    if not isinstance(model.FeatureExtraction, extractors):
        raise UserError("recognizers of VGG and LCNet alone can be pruned; RCNN and ResNet add up what layers give")
    if not isinstance(model.Prediction, nn.Linear):
        raise UserError("recognizers with a CTC head alone can be pruned, those that EasyOCR loads")
    cuts = _walk("FeatureExtraction", model.FeatureExtraction, [])
    if isinstance(model.SequenceModeling, nn.Sequential):
        names = ("weight_ih_l0", "weight_ih_l0_reverse")
        cuts[-1].columns += [f"SequenceModeling.0.rnn.{name}" for name in names]
    else:
        cuts[-1].columns.append("Prediction.weight")
    return cuts


def _of_detector(model: DbLight) -> list[Cut]:
    """The encoder's; pyramid and heads stay: their channels are added up and joined, and there are few of them."""
    cuts = _walk("stem", model.stem, [])
    for number, stage in enumerate(model.stages):
        _walk(f"stages.{number}", stage, cuts)
        cuts[-1].columns.append(f"lateral.{number}.weight")
    return cuts


def _walk(name: str, part: nn.Module, cuts: list[Cut]) -> list[Cut]:
    """Add the cuts of a part, whose modules stand in the order in which they compute."""
    if isinstance(part, ATTENTION):
        cuts[-1].columns.append(f"{name}.squeeze.weight")
        cuts[-1].rows += [f"{name}.excite.weight", f"{name}.excite.bias"]
        rows = [f"{name}.squeeze.weight", f"{name}.squeeze.bias"]
        cuts[-1].hidden = Cut(f"{name}.squeeze", rows, [f"{name}.excite.weight"])
    elif isinstance(part, nn.Conv2d) and part.groups == 1:
        if cuts:
            cuts[-1].columns.append(f"{name}.weight")
        cuts.append(Cut(name, _own(name, part)))
    elif isinstance(part, nn.Conv2d | nn.BatchNorm2d):
        cuts[-1].rows += _own(name, part)
    else:
        for child, module in part.named_children():
            _walk(f"{name}.{child}", module, cuts)
    return cuts


def _own(name: str, layer: nn.Module) -> list[str]:
    """Name a layer's tensors, but for counters."""
    return [f"{name}.{key}" for key, value in layer.state_dict().items() if value.dim()]


def widths_of(state: Mapping[str, torch.Tensor], cuts: Sequence[Cut]) -> list[int]:
    """Return each cut's channels."""
    return [len(state[f"{cut.layer}.weight"]) for cut in cuts]


def chosen(
    state: Mapping[str, torch.Tensor], cuts: Sequence[Cut], widths: Sequence[int], criterion: Criterion
) -> list[tuple[Cut, torch.Tensor]]:
    """Return which filters of each cut stay, hidden ones among them; all are judged by the weights as they are."""
    found = []
    for cut, width in zip(cuts, widths, strict=True):
        found.append((cut, kept(state[f"{cut.layer}.weight"], width, criterion)))
        if cut.hidden is not None:
            squeeze = state[f"{cut.hidden.layer}.weight"]
            hidden = min(len(squeeze), max(1, width // 4))
            found.append((cut.hidden, kept(squeeze, hidden, criterion)))
    return found


def pruned(state: Mapping[str, torch.Tensor], choice: Iterable[tuple[Cut, torch.Tensor]]) -> StateDict:
    """Return the tensors without the filters that `chosen` did not choose."""
    smaller = dict(state)
    for cut, staying in choice:
        for names, dimension in ((cut.rows, 0), (cut.columns, 1)):
            for name in names:
                smaller[name] = smaller[name].index_select(dimension, staying)
    return smaller


def masked(state: Mapping[str, torch.Tensor], choice: Iterable[tuple[Cut, torch.Tensor]]) -> StateDict:
    """Return the tensors with zeros in the place of what `pruned` takes out: the same answers from a network as wide.

    Statistics of normalizations stay: where weight and bias are zero, so is the answer.
    """
    same = dict(state)
    for cut, staying in choice:
        for name in cut.rows:
            if not name.endswith(("running_mean", "running_var")):
                same[name] = torch.zeros_like(same[name]).index_copy(0, staying, same[name].index_select(0, staying))
    return same

"""From the network's answers to classes of characters: greedy as EasyOCR does it, and CTC prefix beam search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from train_easyocr.recognition.ctc import BLANK, BestPath, greatest, read_paths


def probabilities(logits: torch.Tensor, ignored: Sequence[int] = ()) -> torch.Tensor:
    """Turn logits into probabilities as EasyOCR does, to the last bit.

    Args:
        logits: [B, T, C].
        ignored: Classes that must not be read; the others' probabilities are scaled up in their place.

    Returns:
        float32 [B, T, C], on the CPU.
    """
    shares = torch.softmax(logits.detach().float(), dim=2).cpu().numpy()
    shares[:, :, list(ignored)] = 0.0
    shares /= shares.sum(axis=2, keepdims=True)
    return torch.from_numpy(shares)


def greedy(shares: torch.Tensor) -> list[BestPath]:
    """Read the most probable class of each step.

    Args:
        shares: Probabilities [B, T, C]; class 0 is the blank.

    Returns:
        A reading a word. Its confidence is EasyOCR's: the product of the steps' probabilities to the power of
        2 / sqrt(n), over the n steps that are not blank; 0 where all are.
    """
    return read_paths(*_greatest(shares))


def _greatest(shares: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return the greatest probability of each step, and its class; the first where several are equal."""
    if shares.device.type == "cpu":  # NumPy looks through a row nine times as fast as torch does
        return greatest(shares.detach().numpy())
    best, classes = shares.max(dim=2)
    return best.cpu().numpy(), classes.cpu().numpy()


def greedy_attention(logits: torch.Tensor, end: int = 1) -> list[BestPath]:
    """Read an attention head's most probable class of each step, up to the end mark.

    Args:
        logits: [B, T, C].
        end: The class of the end mark.

    Returns:
        A reading a word; its confidence is the product of the probabilities up to the end mark, as
        deep-text-recognition-benchmark shows it.
    """
    best, classes = _greatest(torch.softmax(logits.detach().float(), dim=2))
    readings = []
    for word, share in zip(classes, best, strict=True):
        ends = np.flatnonzero(word == end)
        length = int(ends[0]) if len(ends) else len(word)
        read = share[: length + 1]
        readings.append(BestPath(word[:length].tolist(), float(read.prod()), float(read.min())))
    return readings


def prefix_beam_search(log_probabilities: np.ndarray, beam_width: int) -> tuple[list[int], float]:
    """Find the label whose paths together are the most probable, which greedy reading need not find.

    CTC prefix beam search (Graves, "Supervised Sequence Labelling with Recurrent Neural Networks", 2012, section 7.5;
    Hannun et al., arXiv:1408.2873, without a language model). A prefix is kept once, with the probabilities of its
    paths that end in a blank and of those that do not. All characters are tried at each step; nothing but the beam
    limits the search, so that with a beam as wide as there are labels the answer is exact.

    Args:
        log_probabilities: [T, C], natural logarithms of probabilities (-inf is allowed); class 0 is the blank.
        beam_width: Prefixes kept after each step, at least 1.

    Returns:
        The label's classes, and the logarithm of its probability, summed over the paths within the beam.

    Raises:
        ValueError: A value is not a number, or the beam's width is not positive.
    """
    steps = np.asarray(log_probabilities, dtype=np.float64)
    if np.isnan(steps).any():
        raise ValueError("log probabilities hold NaN")
    if beam_width < 1:
        raise ValueError(f"a beam of {beam_width} prefixes finds nothing")
    tree = _Prefixes()
    beam = _Beam(nodes=np.zeros(1, dtype=np.int64), ends_blank=np.zeros(1), ends_written=np.full(1, -np.inf))
    for step in steps:
        beam = _advance(tree, beam, step, beam_width)
    best = int(beam.totals.argmax())
    return tree.label(int(beam.nodes[best])), float(beam.totals[best])


class _Prefixes:
    """All prefixes met, as a tree; a prefix is known by its node, so that equal prefixes are one."""

    def __init__(self) -> None:
        self.parent, self.last = [-1], [BLANK]
        self._child: dict[tuple[int, int], int] = {}

    def child(self, node: int, character: int) -> int:
        found = self._child.setdefault((node, character), len(self.parent))
        if found == len(self.parent):
            self.parent.append(node)
            self.last.append(character)
        return found

    def label(self, node: int) -> list[int]:
        characters = []
        while node > 0:
            characters.append(self.last[node])
            node = self.parent[node]
        return characters[::-1]


class _Beam(NamedTuple):
    """Prefixes by their nodes, and the logarithms of the probability of their paths, by what the paths end in."""

    nodes: np.ndarray
    ends_blank: np.ndarray
    ends_written: np.ndarray

    @property
    def totals(self) -> np.ndarray:
        return np.logaddexp(self.ends_blank, self.ends_written)


def _advance(tree: _Prefixes, beam: _Beam, step: np.ndarray, width: int) -> _Beam:
    """Take one time step: each prefix stays as it is or grows by a character; the best `width` go on."""
    count = len(beam.nodes)
    last = np.array([tree.last[node] for node in beam.nodes])
    totals = beam.totals
    stays_blank = totals + step[BLANK]
    stays_written = np.where(last == BLANK, -np.inf, beam.ends_written + step[last])
    grows = totals[:, None] + step
    grows[np.arange(count), last] = beam.ends_blank + step[last]  # a character again needs a blank between
    grows[:, BLANK] = -np.inf
    _merge(tree, beam.nodes.tolist(), last, stays_written, grows)
    scores = np.concatenate([np.logaddexp(stays_blank, stays_written), grows.ravel()])
    chosen = _best(scores, width)
    origins, characters = np.divmod(chosen - count, len(step))
    stays = chosen < count
    origins = np.where(stays, chosen, origins)
    nodes = [
        node if stay else tree.child(node, character)
        for node, character, stay in zip(beam.nodes[origins].tolist(), characters.tolist(), stays, strict=True)
    ]
    return _Beam(
        nodes=np.array(nodes),
        ends_blank=np.where(stays, stays_blank[origins], -np.inf),
        ends_written=np.where(stays, stays_written[origins], scores[chosen]),
    )


def _merge(tree: _Prefixes, nodes: list[int], last: np.ndarray, stays_written: np.ndarray, grows: np.ndarray) -> None:
    """Where a prefix grows into one that is in the beam as well, both are one: add the probability there."""
    place = {node: index for index, node in enumerate(nodes)}
    for index, node in enumerate(nodes):
        origin = place.get(tree.parent[node])
        if origin is not None:
            stays_written[index] = np.logaddexp(stays_written[index], grows[origin, last[index]])
            grows[origin, last[index]] = -np.inf


def _best(scores: np.ndarray, width: int) -> np.ndarray:
    """Places of the highest scores, those that are possible at all, in rising order; the first where none is."""
    chosen = np.argpartition(scores, -width)[-width:] if len(scores) > width else np.arange(len(scores))
    possible = np.sort(chosen[scores[chosen] > -np.inf])
    return possible if len(possible) else np.zeros(1, dtype=np.int64)

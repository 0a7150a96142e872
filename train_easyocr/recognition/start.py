"""What a training starts from: weights that are there, refitted to its characters, new ones learnt before all else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import cast

import torch
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from train_easyocr.common.errors import MissingWeightsError
from train_easyocr.datasets.data import WordSet
from train_easyocr.datasets.sampling import BatchPlan
from train_easyocr.engine.device import Device
from train_easyocr.recognition.batches import WordBatch, divide_batch, training_batches
from train_easyocr.recognition.losses import Criterion, make_criterion
from train_easyocr.recognition.network import Model
from train_easyocr.settings.parts import BeginSettings
from train_easyocr.weights import starter as starter_weights
from train_easyocr.weights.bundle import open_bundle
from train_easyocr.weights.character_rows import BLANK
from train_easyocr.weights.characters import AttnConverter, CharacterSet, CtcConverter
from train_easyocr.weights.checkpoints import card_path, load_pretrained, read_card
from train_easyocr.weights.easyocr_weights import find_weights, recognition_entries

NEW_ROWS_LR = 0.02
"""Of Adam, falling to nothing in a line. Trained rows have numbers of about 0.12, which few steps must reach."""
NEW_ROWS_EPS = 1e-4
"""Keeps Adam from moving rows of characters that do not occur as far as the others: their gradients are tiny."""


def begin(
    model: Model,
    config: BeginSettings,
    converter: CtcConverter | AttnConverter,
    *,
    device: Device,
    training: Sequence[WordSet],
    plan: BatchPlan,
    parts: int,
    count: int,
) -> None:
    """Load what `continue_from` names, and learn first what these weights don't know of the characters.

    Args:
        model: Changed in place, and brought to the device where something is learnt.
        config: The settings.
        converter: The label converter.
        device: Where and how to compute.
        training: The training sets.
        plan: The words of each step; the first ones are learnt from.
        parts: In how many parts batches are computed while new characters are learnt: one process does it for all.
        count: On how many batches these are learnt; 0 for none.

    Raises:
        WeightsError: The weights can't be loaded; and what `find_start` raises.
        UserError: A patch can't be read.
    """
    new = load_start(model, config, converter.character_set)
    if not new or not count:
        return
    batches = training_batches(training, plan, config, range(count), pin_memory=device.is_gpu)
    criterion = make_criterion(converter, config.batch_max_length, skip_unknown=config.data_filtering_off)
    model.to(device.torch_device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    losses = learn_new_characters(model, new, batches, count, criterion=criterion, device=device, parts=parts)
    tenth = max(1, count // 10)
    print(
        f"New characters were learnt first, their rows alone, on {count:,} batches: loss of the first {tenth:,} "
        f"{fmean(losses[:tenth]):.4f}, of the last {tenth:,} {fmean(losses[-tenth:]):.4f}"
    )


def find_start(continue_from: str, saved_models: Path = Path("saved_models")) -> tuple[Path, str]:
    """Find the recognizer that `continue_from` names (see `weights.bundle`).

    Returns:
        The file, and the characters of its last layer as its card or EasyOCR's tables have them; nothing if it has no
        card, or one of another kind of last layer.

    Raises:
        UsageError: It names nothing that there is, or nothing with a recognizer.
        MissingWeightsError: EasyOCR's model is not there and can't be downloaded.
        WeightsError: Its file is another one; or the card is not one, or belongs to other weights.
    """
    weights = open_bundle(continue_from, saved_models, "continue_from").part("recognizer", "continue_from")
    if isinstance(weights, str):
        return find_weights(weights), recognition_entries()[weights]["characters"]
    card = read_card(weights) if card_path(weights).is_file() else None
    return weights, card.character if card and card.network["Prediction"] == "CTC" else ""


def load_start(model: nn.Module, config: BeginSettings, character_set: CharacterSet) -> list[int]:
    """Load the weights that `continue_from` names, and say what was not loaded.

    Returns:
        The classes of characters that these weights did not know; none where the last layer was not refitted.

    Raises:
        WeightsError: The weights can't be loaded; and what `find_start` raises.
    """
    if not config.continue_from:
        print("Starting with fresh weights")
        return []
    try:
        path, known = find_start(config.continue_from, Path(config.saved_models))
    except MissingWeightsError as error:
        height = read_card(starter_weights.RECOGNIZER).img_height
        instead = f"continue_from={starter_weights.STARTER} img_height={height}"
        raise MissingWeightsError(f"{error}; or start from the weights of this project: {instead}") from None
    height = read_card(path).img_height if card_path(path).is_file() else config.img_height
    if height != config.img_height:
        print(f"Warning: these weights know words {height} pixels high; img_height={height} reads better at once")
    characters = (known, character_set.characters) if known and config.Prediction == "CTC" else None
    report = load_pretrained(
        model, path, strict=config.strict, new_prediction=config.new_prediction, characters=characters
    )
    print(f"Starting with {path}: {report.describe()}")
    new = frozenset(report.fit.composed + report.fit.averaged) if report.fit else frozenset()
    return [number for number, character in enumerate(character_set.characters, start=BLANK) if character in new]


def learn_new_characters(
    model: Model,
    classes: Sequence[int],
    batches: Iterable[WordBatch],
    count: int,
    *,
    criterion: Criterion,
    device: Device,
    parts: int = 1,
) -> list[float]:
    """Train the rows of a CTC head that belong to some classes, and nothing else.

    Known characters are so sure of themselves that hundreds of steps at a usual learning rate pass before a new one is
    ever read. No gradient goes beyond the head, so a step here costs less than a usual one.

    Args:
        model: Its head has a row a class; on its device. All other numbers stay as they are, bit for bit.
        classes: Rows to train.
        batches: What to learn from, other words as well: these say where the new characters are not.
        count: How many batches these are.
        criterion: The head's loss.
        device: Where and how to compute.
        parts: In how many parts a batch is computed, one after the other, where it does not fit the device at once.

    Returns:
        Each batch's loss, of which words that no path of CTC leads to are left out.
    """
    head = cast(nn.Linear, model.Prediction)
    losses: list[float] = []
    rows = torch.tensor(classes, device=device.torch_device)
    weight, bias = head.weight.detach().clone(), head.bias.detach().clone()
    new = [weight[rows].requires_grad_(), bias[rows].requires_grad_()]
    optimizer = torch.optim.Adam(new, lr=NEW_ROWS_LR, eps=NEW_ROWS_EPS)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 1 / count, total_iters=count)
    model.eval()
    for batch in tqdm(batches, total=count, desc="New characters", unit="batch", dynamic_ncols=True):
        optimizer.zero_grad()
        losses.append(0.0)
        for images, labels in divide_batch(batch, parts):
            with torch.no_grad(), device.autocast():
                features = model.features(device.input(images)).float()
            logits = functional.linear(features, weight.index_copy(0, rows, new[0]), bias.index_copy(0, rows, new[1]))
            targets, lengths = criterion.encode(labels, device.torch_device)
            loss = criterion.losses(logits, targets, lengths).finite().sums()[0] / len(batch.labels)
            loss.backward()
            losses[-1] += loss.item()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        head.weight.index_copy_(0, rows, new[0])
        head.bias.index_copy_(0, rows, new[1])
    return losses

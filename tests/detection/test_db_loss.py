"""DBNet's loss."""

import numpy as np
import pytest
import torch

from train_easyocr.detection.db_loss import balanced_cross_entropy, db_loss
from train_easyocr.detection.db_targets import COUNTS, PROBABILITY, THRESHOLD, db_targets


@pytest.fixture
def targets():
    found = db_targets(np.array([[4.0, 4.0, 28.0, 16.0]]), np.array([[36.0, 2.0, 46.0, 14.0]]), (32, 48))
    return torch.from_numpy(found)[None]


def perfect(targets):
    threshold = torch.logit(targets[:, THRESHOLD] / 255)
    return torch.stack([targets[:, PROBABILITY] * 40.0 - 20.0, threshold], 1)


def test_a_network_that_has_learnt_all_has_no_loss(targets):
    assert db_loss(perfect(targets), targets) < 0.001


def test_what_is_in_ignored_areas_changes_nothing(targets):
    logits = torch.zeros(1, 2, 32, 48, requires_grad=True)
    db_loss(logits, targets).backward()
    ignored = targets[:, COUNTS] == 0
    assert ignored.any()
    assert not logits.grad[:, 0][ignored].any()
    assert not logits.grad[:, 1][ignored].any()
    assert logits.grad[:, 0][~ignored].any()


def test_only_the_worst_of_the_background_counts():
    word = torch.zeros(1, 10, 10)
    word[0, 0, :2] = 1
    logits = torch.full((1, 10, 10), -9.0)
    logits[0, 0, :2] = 9.0
    logits[0, 5, :6] = 3.0  # as many as 3 times 2
    expected = (
        6 * torch.nn.functional.softplus(torch.tensor(3.0)) + 2 * torch.nn.functional.softplus(torch.tensor(-9.0))
    ) / 8
    assert balanced_cross_entropy(logits, word, torch.ones_like(word)).item() == pytest.approx(expected.item())


def test_a_batch_without_words_or_without_anything_known_has_a_loss():
    nothing = torch.zeros(1, 4, 32, 48, dtype=torch.uint8)
    logits = torch.zeros(1, 2, 32, 48, requires_grad=True)
    loss = db_loss(logits, nothing)
    loss.backward()
    assert torch.isfinite(loss) and not logits.grad[:, 0].any()
    background = nothing.clone()
    background[:, COUNTS] = 1
    assert balanced_cross_entropy(logits[:, 0], background[:, 0].float(), background[:, COUNTS].float()) > 0

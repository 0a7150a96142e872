"""The attention head, against outputs recorded from deep-text-recognition-benchmark's."""

import pytest
import torch

from tests.recognition.test_network import fill_by_formula, shapes
from train_easyocr.recognition.attention import Attention


@pytest.fixture
def head():
    return fill_by_formula(Attention(input_size=12, hidden_size=8, num_class=9, batch_max_length=4))


@pytest.fixture
def features():
    return torch.cos(torch.arange(2 * 7 * 12) * 0.9).view(2, 7, 12)


def test_it_has_the_benchmarks_names_and_shapes(head):
    assert shapes(head) == {
        "attention_cell.i2h.weight": (8, 12),
        "attention_cell.h2h.weight": (8, 8),
        "attention_cell.h2h.bias": (8,),
        "attention_cell.score.weight": (1, 8),
        "attention_cell.rnn.weight_ih": (32, 21),
        "attention_cell.rnn.weight_hh": (32, 8),
        "attention_cell.rnn.bias_ih": (32,),
        "attention_cell.rnn.bias_hh": (32,),
        "generator.weight": (9, 8),
        "generator.bias": (9,),
    }


# Logits at [0, 0, 3], [1, 2, 8] and [1, 4, 0], and the mean of all squares.
TAUGHT = [0.170391, 0.16554, -0.155497, 0.027953]
WRITTEN = [0.170391, -0.219522, 0.436135, 0.055952]


def figures(logits):
    found = [logits[0, 0, 3], logits[1, 2, 8], logits[1, 4, 0], logits.square().mean()]
    return [float(value) for value in found]


def test_taught_with_the_right_characters_it_answers_as_the_benchmark(head, features):
    text = torch.tensor([[0, 5, 2, 7, 1, 0], [0, 8, 1, 0, 0, 0]])
    assert head(features, text).shape == (2, 5, 9)
    assert figures(head(features, text)) == pytest.approx(TAUGHT, rel=1e-4)


def test_left_alone_it_writes_as_the_benchmark(head, features):
    assert figures(head(features)) == pytest.approx(WRITTEN, rel=1e-4)


def test_left_alone_it_goes_on_from_what_it_wrote(head, features):
    alone = head(features)
    written = torch.cat([torch.zeros(2, 1, dtype=torch.long), alone.argmax(2)], dim=1)
    assert torch.allclose(head(features, written), alone)
    written[:, 1] = (written[:, 1] + 1) % 9
    assert not torch.allclose(head(features, written), alone)


def test_every_weight_learns(head, features):
    text = torch.tensor([[0, 5, 2, 7, 1, 0], [0, 8, 1, 0, 0, 0]])
    head.requires_grad_()(features, text).square().sum().backward()
    assert [name for name, weight in head.named_parameters() if not weight.grad.any()] == []

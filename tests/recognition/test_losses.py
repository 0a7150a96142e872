"""The losses against torch's own, which average where ours are per word."""

import pytest
import torch

from train_easyocr.recognition.losses import make_criterion
from train_easyocr.weights.characters import AttnConverter, CharacterSet, CtcConverter

CHARACTERS = CharacterSet("가나다라")
LABELS = ["가나", "다다라", "라"]
CPU = torch.device("cpu")


def test_ctc_is_the_mean_over_words_of_loss_by_length():
    torch.manual_seed(0)
    logits = torch.randn(3, 9, 5, requires_grad=True)
    criterion = make_criterion(CtcConverter(CHARACTERS), 5, skip_unknown=False)
    targets, lengths = criterion.encode(LABELS, CPU)
    ours = criterion.losses(logits, targets, lengths)
    theirs = torch.nn.CTCLoss()(logits.log_softmax(2).permute(1, 0, 2), targets, torch.tensor([9] * 3), lengths)
    assert ours.mean().item() == pytest.approx(theirs.item(), rel=1e-6)
    assert ours.values.shape == (3,)
    assert criterion.hint(targets) is None


def test_ctc_computes_in_float32():
    logits = torch.randn(3, 9, 5).bfloat16()
    criterion = make_criterion(CtcConverter(CHARACTERS), 5, skip_unknown=False)
    losses = criterion.losses(logits, *criterion.encode(LABELS, CPU))
    assert losses.values.dtype == torch.float32


def test_a_label_that_does_not_fit_is_infinite_and_can_be_left_out():
    logits = torch.zeros(2, 3, 5)
    criterion = make_criterion(CtcConverter(CHARACTERS), 5, skip_unknown=False)
    losses = criterion.losses(logits, *criterion.encode(["가나", "가가나"], CPU))  # 3 characters and a blank
    assert losses.values.isinf().tolist() == [False, True]
    assert losses.finite().values.tolist() == losses.values[:1].tolist()
    assert losses.finite().mean().isfinite()


@pytest.mark.parametrize("converter", [CtcConverter, AttnConverter])
def test_unknown_characters_leave_the_target_only_where_that_is_asked_for(converter):
    criterion = make_criterion(converter(CHARACTERS), 5, skip_unknown=True)
    targets, lengths = criterion.encode(["가를나", "나"], CPU)
    expected, expected_lengths = criterion.encode(["가나", "나"], CPU)
    assert torch.equal(targets, expected)
    assert torch.equal(lengths, expected_lengths)
    with pytest.raises(ValueError, match="를"):
        make_criterion(converter(CHARACTERS), 5, skip_unknown=False).encode(["가를나"], CPU)


def test_attention_is_the_mean_over_characters_and_end_marks():
    torch.manual_seed(0)
    logits = torch.randn(3, 6, 6)
    criterion = make_criterion(AttnConverter(CHARACTERS), 5, skip_unknown=False)
    targets, lengths = criterion.encode(LABELS, CPU)
    ours = criterion.losses(logits, targets, lengths)
    theirs = torch.nn.CrossEntropyLoss(ignore_index=0)(logits.reshape(18, 6), targets[:, 1:].reshape(18))
    assert ours.mean().item() == pytest.approx(theirs.item(), rel=1e-6)
    assert ours.weights.tolist() == [3, 4, 2]  # the end marks count
    assert torch.equal(criterion.hint(targets), targets[:, :-1])

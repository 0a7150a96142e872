"""Networks by settings."""

import itertools

import pytest
import torch

from train_easyocr.common.errors import UsageError
from train_easyocr.engine.optimizers import count_trainable
from train_easyocr.recognition.model import build_model, network_arguments
from train_easyocr.recognition.network import Model
from train_easyocr.settings.config import check_config

SMALL = {"output_channel": 32, "hidden_size": 16, "img_height": 32, "img_width": 64, "batch_width": "fixed"}


def config(**settings):
    return check_config({**SMALL, "batch_max_length": 6, **settings})


@pytest.mark.parametrize(
    ("transformation", "extractor", "sequence", "prediction"),
    list(itertools.product(["None", "TPS"], ["VGG", "RCNN", "ResNet", "LCNet"], ["None", "BiLSTM"], ["CTC", "Attn"])),
)
def test_every_combination_reads_a_batch(transformation, extractor, sequence, prediction):
    settings = config(
        Transformation=transformation,
        FeatureExtraction=extractor,
        SequenceModeling=sequence,
        Prediction=prediction,
    )
    logits = build_model(settings, num_class=11).eval()(torch.zeros(2, 1, 32, 64))
    steps = 7 if prediction == "Attn" else {"VGG": 15, "RCNN": 17, "ResNet": 17, "LCNet": 16}[extractor]
    assert logits.shape == (2, steps, 11)
    assert torch.isfinite(logits).all()


def test_the_default_has_the_published_number_of_parameters():
    assert count_trainable(build_model(check_config({}), num_class=1009)) == 4_015_729


def test_channels_of_each_layer_are_among_the_arguments_only_where_they_are_set():
    assert "channels" not in network_arguments(config(), 11)
    pruned = config(channels="16-16-32-32-32-48-32")
    assert network_arguments(pruned, 11)["channels"] == [16, 16, 32, 32, 32, 48, 32]
    assert build_model(pruned, num_class=11).SequenceModeling[0].rnn.input_size == 32
    with pytest.raises(UsageError, match="VGG; it has 7 layers, not 2"):
        config(channels=[16, 32])
    with pytest.raises(UsageError, match="VGG and LCNet alone are built layer by layer"):
        config(channels="16-32", FeatureExtraction="ResNet")
    with pytest.raises(UsageError, match="should be whole numbers from 1 upwards"):
        config(channels="16-x")


def test_frozen_parameters_do_not_count():
    model = build_model(config(), num_class=11)
    everything = count_trainable(model)
    for parameter in model.SequenceModeling.parameters():
        parameter.requires_grad = False
    assert count_trainable(model) == everything - sum(weight.numel() for weight in model.SequenceModeling.parameters())


def test_the_arguments_build_the_same_network_elsewhere():
    settings = config(Transformation="TPS", FeatureExtraction="RCNN", SequenceModeling="None", num_fiducial=10)
    model = build_model(settings, num_class=11)
    arguments = network_arguments(settings, num_class=11)
    assert len(arguments) == 10
    Model(**arguments).load_state_dict(model.state_dict())


def test_colour_and_attention_lead_to_their_networks():
    model = build_model(config(rgb=True, input_channel=3, Prediction="Attn", batch_max_length=4), num_class=12)
    text = torch.zeros(2, 6, dtype=torch.long)
    assert model(torch.zeros(2, 3, 32, 64), text).shape == (2, 5, 12)


def test_weights_follow_the_seed():
    first, again, other = (torch.manual_seed(seed) and build_model(config(), num_class=11) for seed in (1, 1, 2))
    states = [model.state_dict() for model in (first, again, other)]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    assert not torch.equal(states[0]["Prediction.weight"], states[2]["Prediction.weight"])


@pytest.mark.parametrize("prediction", ["CTC", "Attn"])
def test_fresh_weights_are_drawn_as_the_published_trainers_draw_them(prediction):
    torch.manual_seed(0)
    model = build_model(config(Transformation="TPS", Prediction=prediction), num_class=400)
    points = model.Transformation.LocalizationNetwork.localization_fc2
    for name, parameter in model.named_parameters():
        if "localization_fc2" in name:
            continue
        if "bias" in name:
            assert not parameter.any(), name
        elif parameter.dim() == 1:
            assert (parameter == 1).all(), name
        elif parameter.numel() > 4000:
            fan_in = parameter[0].numel()
            assert parameter.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.1), name
    assert not points.weight.any()
    assert points.bias.view(-1, 2)[[0, 9, 10, 19]].tolist() == [[-1, 0], [1, -1], [-1, 1], [1, 0]]

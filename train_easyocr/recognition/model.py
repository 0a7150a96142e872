"""Networks by settings: any of the transformations, extractors, sequence models and heads, ready for training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from train_easyocr.recognition import network
from train_easyocr.recognition.attention import Attention
from train_easyocr.settings.config import Config, check_config
from train_easyocr.settings.parts import NetworkSettings
from train_easyocr.weights.checkpoints import WeightsCard, load_pretrained, read_card

NETWORK_SETTINGS = (
    "input_channel",
    "output_channel",
    "hidden_size",
    "Transformation",
    "FeatureExtraction",
    "SequenceModeling",
    "num_fiducial",
    "img_height",
    "img_width",
)
"""Settings that `network.Model` is built from, beside the number of classes."""
CHANNELS = "channels"
"""A further one, of pruned networks and such as are built layer by layer."""


def network_arguments(config: NetworkSettings, num_class: int) -> dict[str, Any]:
    """The arguments of `network.Model` that the settings stand for; what `finetuned.yaml` needs, too.

    Channels of each layer are among them only where they are set: other cards stay as they are.
    """
    arguments = {"num_class": num_class, **{name: getattr(config, name) for name in NETWORK_SETTINGS}}
    return arguments | ({CHANNELS: config.layer_channels} if config.layer_channels else {})


def build_model(config: NetworkSettings, num_class: int) -> network.Model:
    """Build a network with fresh weights, drawn from torch's global random numbers.

    Args:
        config: The settings; those of the network, and `batch_max_length` for an attention head.
        num_class: The converter's `num_class`.

    Returns:
        The network, in training mode. `model(images)` gives logits [B, T, num_class]; with Prediction: Attn,
        `model(images, text)` as `Attention` describes it.
    """
    arguments = network_arguments(config, num_class)
    if config.Prediction == "Attn":
        model: network.Model = AttentionModel(config.batch_max_length, **arguments)
    else:
        model = network.Model(**arguments)
    initialize(model)
    return model


def open_trained(weights: Path) -> tuple[network.Model, WeightsCard, NetworkSettings]:
    """Open weights with their card (`.json`) beside them.

    Returns:
        The network on the CPU, in training mode; the card; and the settings that it was trained with.

    Raises:
        WeightsError: Weights or card can't be used.
    """
    card = read_card(weights)
    config = check_config(Config.without_gone(card.config))
    model = build_model(config, card.network["num_class"])
    load_pretrained(model, weights)
    return model, card, config


class AttentionModel(network.Model):
    """The network with an attention head in the place of CTC's.

    Args:
        batch_max_length: The most characters that it writes.
        num_class: Classes of the head.
        hidden_size: Of the recurrent layers, the head's among them.
        arguments: The others of `network.Model`.
    """

    def __init__(self, batch_max_length: int, num_class: int, hidden_size: int = 256, **arguments: Any) -> None:
        super().__init__(num_class, hidden_size=hidden_size, **arguments)
        self.Prediction = Attention(self.feature_size, hidden_size, num_class, batch_max_length)

    def forward(self, input: torch.Tensor, text: torch.Tensor | None = None) -> torch.Tensor:
        """Images [B, C, H, W], and text to learn from, to logits [B, batch_max_length + 1, num_class]."""
        return self.Prediction(self.features(input), text)


def initialize(model: nn.Module) -> None:
    """Draw fresh weights as the published trainers do.

    Every matrix and kernel, those of the recurrent layers included, after He et al. ("Delving Deep into Rectifiers",
    ICCV 2015); biases 0, normalizations 1. Where TPS puts its control points at first is not left to chance.
    """
    for name, parameter in model.named_parameters():
        if "bias" in name:
            nn.init.zeros_(parameter)
        elif parameter.dim() > 1:
            nn.init.kaiming_normal_(parameter)
        else:
            nn.init.ones_(parameter)
    for module in model.modules():
        if isinstance(module, network.LocalizationNetwork):
            module.reset_points()

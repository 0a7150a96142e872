"""Training for int8: weights and what flows between convolutions are rounded while the network learns.

Choi et al., "PACT: Parameterized Clipping Activation for Quantized Neural Networks", arXiv 1805.06085: where values are
cut off is learnt with the weights, a number a layer. These numbers become the ranges of the ONNX file.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from train_easyocr.common.errors import UserError
from train_easyocr.compression.retraining import further
from train_easyocr.engine import trainer
from train_easyocr.onnx_export.int8 import WEIGHT_STEPS
from train_easyocr.recognition import network
from train_easyocr.recognition.model import build_model, open_trained
from train_easyocr.recognition.task import Part, RecognizerTask
from train_easyocr.settings.config import Config
from train_easyocr.weights.checkpoints import best_weights, read_card, read_weights, save_weights

ALPHA = "log_alpha"
DECAY = 1e-4
"""Weight of the sum of all alphas' logarithms, so that they come down where little is lost: the paper's regularizer
(section 3.2) takes their squares, of which those of layers with great values would outweigh all others."""
STEPS = 255
QUANTIZED = "for_int8.pth"
"""Beside the experiment's weights: the network without its alphas, as it is exported."""


class PactConvolution(nn.Conv2d):
    """A convolution that computes as one in int8 will, on values that are not negative; gradients pass through.

    Args:
        layer: The convolution in float32, whose weights it takes.
        alpha: Where values that go in are cut off; None for the first layer, whose input are the 8 bits of a scan. Its
            logarithm is learnt: of layers whose values go to 4 and to 200, a step moves both by the same share.
    """

    def __init__(self, layer: nn.Conv2d, alpha: float | None = 1.0) -> None:
        shape = (layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, layer.padding)
        super().__init__(*shape, bias=layer.bias is not None)  # type: ignore[arg-type]
        self.weight, self.bias = layer.weight, layer.bias
        self.log_alpha = None if alpha is None else nn.Parameter(torch.tensor(alpha).log())

    @property
    def alpha(self) -> torch.Tensor | None:
        """Where values are cut off, a scalar above 0."""
        return None if self.log_alpha is None else self.log_alpha.exp()

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Convolve [B, C, H, W], in float32: bfloat16 would round more than int8 does."""
        with torch.autocast(input.device.type, enabled=False):
            values = input.float()
            alpha = self.alpha
            if alpha is not None:
                values = _rounded(torch.minimum(values.clamp(min=0), alpha), alpha.detach() / STEPS)
            greatest = self.weight.detach().abs().amax(dim=(1, 2, 3), keepdim=True).clamp(min=1e-12)
            return self._conv_forward(values, _rounded(self.weight, greatest / WEIGHT_STEPS), self.bias)


def _rounded(values: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
    """Round to multiples of a step; the gradient is that of the values (Bengio et al., arXiv 1308.3432)."""
    return values + ((values / step).round() * step - values).detach()


def with_pact(model: network.Model) -> network.Model:
    """Make convolutions compute as in int8.

    Raises:
        UserError: They don't stand in a row, each with a cut at zero behind it.
    """
    if not isinstance(model.FeatureExtraction, network.VGG_FeatureExtractor):
        raise UserError("qat-pact is for recognizers of VGG; others are made int8 by examples (ptq-minmax)")
    layers = model.FeatureExtraction.ConvNet
    places = [place for place, layer in enumerate(layers) if isinstance(layer, nn.Conv2d)]
    for place in places:
        layers[place] = PactConvolution(layers[place], None if place == places[0] else 1.0)
    return model


def pact_layers(model: nn.Module) -> list[PactConvolution]:
    """Return the layers that learn where to cut, in the order in which they compute."""
    return [layer for layer in model.modules() if isinstance(layer, PactConvolution) and layer.log_alpha is not None]


@torch.no_grad()
def start_alphas(model: nn.Module, images: torch.Tensor) -> None:
    """Set alphas to the greatest values that images, [B, C, H, W] from -1 to 1, cause in the float network."""
    model.eval()
    hooks = [layer.register_forward_pre_hook(_start_alpha) for layer in pact_layers(model)]
    model(images)
    for hook in hooks:
        hook.remove()


def _start_alpha(layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
    assert isinstance(layer, PactConvolution) and layer.log_alpha is not None
    layer.log_alpha.copy_(inputs[0].float().max().clamp(min=1e-3).log())


class PactTask(RecognizerTask):
    """The training of a recognizer for int8; normalizations keep their statistics."""

    def build(self) -> nn.Module:
        """Return the network with its convolutions rounded."""
        model = super().build()
        assert isinstance(model, network.Model)
        return with_pact(model)

    def begin(self, model: nn.Module) -> None:
        """Load the float network, and set alphas by the first batch."""
        plain = build_model(self.config, self._converter.num_class)
        super().begin(plain)
        model.load_state_dict(plain.state_dict(), strict=False)
        images = self.parts(next(iter(self.batches(0))))[0].images
        start_alphas(model, self.device.input(images).cpu())

    def train_mode(self, model: nn.Module) -> None:
        """Put the network into training mode, but for normalizations: in the file they are part of the weights."""
        super().train_mode(model)
        for layer in model.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.eval()

    def loss(self, network: nn.Module, part: Part) -> torch.Tensor:
        """Return the loss of words, with that of alphas for each word."""
        alphas = torch.stack([layer.log_alpha for layer in pact_layers(network) if layer.log_alpha is not None])
        return super().loss(network, part) + DECAY * alphas.sum() * len(part.images)


def train_for_int8(weights: Path, config: Config, name: str, minutes: float | None) -> tuple[Path, tuple[float, ...]]:
    """Train weights for int8, or go on with it; see `trainer.train`.

    Args:
        weights: A recognizer's, with their card.
        config: Data, length and recipe; what the network is, the card says.
        name: Of the experiment.
        minutes: Stop after this time.

    Returns:
        The network's file without alphas, a card beside it; and the alphas.

    Raises:
        UserError: It is not a network that can be trained so.
    """
    config = further(weights, config, {"continue_from": str(weights), "experiment_name": name})
    trainer.train(PactTask, config, minutes)
    best = best_weights(config.experiment)
    state, model = read_weights(best), open_trained(weights)[0]
    alphas = [value.exp().item() for key, value in state.items() if key.endswith(f".{ALPHA}")]
    model.load_state_dict({key: value for key, value in state.items() if not key.endswith(f".{ALPHA}")})
    path = config.experiment / QUANTIZED
    save_weights(path, model, read_card(best))
    return path, tuple(alphas)

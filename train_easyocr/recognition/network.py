"""The word recognizer's network: rectification, convolutions, recurrence, and a CTC head.

This one file is also what EasyOCR loads: step 4 copies it to `~/.EasyOCR/user_network/finetuned.py`. So it imports
nothing of this project. The names of all parameters and buffers are those of EasyOCR and of
deep-text-recognition-benchmark (Baek et al., "What Is Wrong With Scene Text Recognition Model Comparisons?", ICCV
2019), so that weights move both ways.
"""

from collections.abc import Collection, Sequence

import torch
from easyocr.model.modules import BidirectionalLSTM, ResNet_FeatureExtractor, VGG_FeatureExtractor
from torch import nn
from torch.nn import functional


class Model(nn.Module):
    """A recognizer of words, by four choices.

    Args:
        num_class: Classes of the head; class 0 is CTC's blank.
        input_channel: 1 for grey images, 3 for RGB.
        output_channel: Channels of the convolutions' result.
        hidden_size: Of the recurrent layers, in each direction.
        Transformation: "None", or "TPS" to straighten bent words.
        FeatureExtraction: "VGG", "RCNN", "ResNet" or "LCNet".
        SequenceModeling: "None" or "BiLSTM".
        num_fiducial: Control points of TPS, an even number.
        img_height: Of the images in pixels. TPS is built for it; the rest takes any multiple of 16 from 32.
        img_width: Of the images in pixels. TPS is built for it; the rest takes any width from 32.
        channels: Of each layer of VGG (7) or LCNet (15), where they are not those that follow from `output_channel`,
            as in a pruned network; the last one counts in its place.

    Raises:
        ValueError: A choice is unknown, or there are more or fewer channels than layers.
    """

    def __init__(
        self,
        num_class: int,
        *,
        input_channel: int = 1,
        output_channel: int = 256,
        hidden_size: int = 256,
        Transformation: str = "None",  # noqa: N803 - settings' names
        FeatureExtraction: str = "VGG",  # noqa: N803
        SequenceModeling: str = "BiLSTM",  # noqa: N803
        num_fiducial: int = 20,
        img_height: int = 64,
        img_width: int = 600,
        channels: Sequence[int] = (),
    ) -> None:
        super().__init__()
        _check("Transformation", Transformation, ("None", "TPS"))
        _check("FeatureExtraction", FeatureExtraction, EXTRACTORS)
        _check("SequenceModeling", SequenceModeling, ("None", "BiLSTM"))
        self.Transformation: nn.Module = nn.Identity()
        if Transformation == "TPS":
            self.Transformation = ThinPlateSpline(num_fiducial, img_height, img_width, input_channel)
        if channels:
            _check("FeatureExtraction of layers with channels of their own", FeatureExtraction, WITH_CHANNELS)
            self.FeatureExtraction = WITH_CHANNELS[FeatureExtraction](input_channel, channels)
            output_channel = channels[-1]
        else:
            self.FeatureExtraction = EXTRACTORS[FeatureExtraction](input_channel, output_channel)
        self.SequenceModeling: nn.Module = nn.Identity()
        self.feature_size = output_channel
        if SequenceModeling == "BiLSTM":
            self.SequenceModeling = nn.Sequential(
                BidirectionalLSTM(output_channel, hidden_size, hidden_size),
                BidirectionalLSTM(hidden_size, hidden_size, hidden_size),
            )
            self.feature_size = hidden_size
        self.Prediction: nn.Module = nn.Linear(self.feature_size, num_class)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """What the head decides from: images [B, C, H, W] to features [B, T, F]."""
        maps = self.FeatureExtraction(self.Transformation(images))
        # EasyOCR's adaptive pooling to height 1, bit for bit; unlike that, a mean can be exported to ONNX, and its
        # gradient is the same in every run on a GPU.
        return self.SequenceModeling(maps.mean(dim=2).transpose(1, 2))

    def forward(self, input: torch.Tensor, text: torch.Tensor | None = None) -> torch.Tensor:
        """Read words.

        Args:
            input: Normalized images [B, C, H, W], from -1 (black) to 1 (white).
            text: Not used; EasyOCR hands one to every network.

        Returns:
            Logits [B, T, num_class]; with VGG, T = W // 4 - 1.
        """
        return self.Prediction(self.features(input))


def _check(name: str, value: str, known: Collection[str]) -> None:
    if value not in known:
        raise ValueError(f"{name}: {value!r} is none of {', '.join(known)}")


class ThinPlateSpline(nn.Module):
    """Straightens words: finds control points along their edges and pulls these straight.

    After the rectification network of RARE (Shi et al., "Robust Scene Text Recognition with Automatic Rectification",
    CVPR 2016, section 3.1). Images of any width come out at the width that it was built for.
    """

    def __init__(self, num_fiducial: int, height: int, width: int, input_channel: int) -> None:
        super().__init__()
        self.height, self.width = height, width
        self.LocalizationNetwork = LocalizationNetwork(num_fiducial, input_channel)
        self.GridGenerator = GridGenerator(num_fiducial, height, width)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images [B, C, H, W] of any width to straightened images [B, C, height, width]."""
        images = self._to_width(images)
        grid = self.GridGenerator(self.LocalizationNetwork(images))
        return functional.grid_sample(images.to(grid.dtype), grid, padding_mode="border", align_corners=True)

    def _to_width(self, images: torch.Tensor) -> torch.Tensor:
        """Fill up or squeeze, as training does: EasyOCR reads each word at a width of its own."""
        missing = self.width - images.shape[3]
        if missing > 0:
            return functional.pad(images, (0, missing, 0, 0), mode="replicate")
        if missing < 0:
            size = (images.shape[2], self.width)
            return functional.interpolate(images, size=size, mode="bicubic", antialias=True)
        return images


class LocalizationNetwork(nn.Module):
    """Finds the control points: images [B, C, H, W] to x and y from -1 to 1 [B, num_fiducial, 2].

    They start on two bent lines, whatever the image (Shi et al. 2016, figure 6a), half of them above the other half.
    """

    def __init__(self, num_fiducial: int, input_channel: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = input_channel
        for wider in (64, 128, 256, 512):
            layers += [nn.Conv2d(channels, wider, 3, padding=1, bias=False), nn.BatchNorm2d(wider), nn.ReLU(True)]
            layers.append(nn.MaxPool2d(2) if wider < 512 else nn.AdaptiveAvgPool2d(1))
            channels = wider
        self.conv = nn.Sequential(*layers)
        self.localization_fc1 = nn.Sequential(nn.Linear(channels, 256), nn.ReLU(True))
        self.localization_fc2 = nn.Linear(256, num_fiducial * 2)
        self.reset_points()

    def reset_points(self) -> None:
        """Make the last layer answer with the points of the start; random weights there would crumple every word."""
        half = self.localization_fc2.out_features // 4
        x, fall = torch.linspace(-1, 1, half), torch.linspace(0, -1, half)
        points = torch.cat([torch.stack([x, fall], dim=1), torch.stack([x, fall + 1], dim=1)])
        with torch.no_grad():
            self.localization_fc2.weight.zero_()
            self.localization_fc2.bias.copy_(points.flatten())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images [B, C, H, W] to points [B, num_fiducial, 2], float32 also under autocast: half a pixel matters."""
        found = self.conv(images).flatten(1)
        with torch.autocast(images.device.type, enabled=False):
            points = self.localization_fc2(self.localization_fc1(found.to(self.conv[1].running_mean.dtype)))
        return points.view(images.shape[0], -1, 2)  # len() would freeze the batch of an export to ONNX


class GridGenerator(nn.Module):
    """From where each pixel of the straightened image is taken, by the thin plate spline through the control points.

    The straightened points lie evenly along the upper and the lower edge. Both buffers follow from the sizes; they
    are kept with the weights as deep-text-recognition-benchmark keeps them.
    """

    inv_delta_C: torch.Tensor
    P_hat: torch.Tensor

    def __init__(self, num_fiducial: int, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width
        x = torch.linspace(-1, 1, num_fiducial // 2, dtype=torch.float64)
        points = torch.cat([torch.stack([x, torch.full_like(x, y)], dim=1) for y in (-1.0, 1.0)])
        rows = torch.cat([torch.ones(num_fiducial, 1), points, _bend(torch.cdist(points, points))], dim=1)
        system = torch.zeros(num_fiducial + 3, num_fiducial + 3, dtype=torch.float64)
        system[:num_fiducial] = rows
        system[num_fiducial:-1, 3:] = points.T
        system[-1, 3:] = 1
        # Pixel centres; x runs fastest.
        centres_y, centres_x = (
            (torch.arange(size, dtype=torch.float64) * 2 + 1 - size) / size for size in (height, width)
        )
        pixels = torch.cartesian_prod(centres_y, centres_x).flip(1)
        bends = _bend(torch.cdist(pixels, points), add=1e-6)
        self.register_buffer("inv_delta_C", torch.linalg.inv(system).float())
        self.register_buffer("P_hat", torch.cat([torch.ones(len(pixels), 1), pixels, bends], dim=1).float())

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Control points [B, num_fiducial, 2] to places in the image [B, height, width, 2], from -1 to 1."""
        with torch.autocast(points.device.type, enabled=False):
            # The last three unknowns have zeros on the right-hand side, so their columns drop out.
            spline = self.inv_delta_C[:, : points.shape[1]] @ points
            places = self.P_hat @ spline
        return places.view(-1, self.height, self.width, 2)


def _bend(distance: torch.Tensor, add: float = 0.0) -> torch.Tensor:
    """The spline's radial function r^2 ln r; 0 at r = 0, where `add` keeps the logarithm finite as well."""
    return torch.where(distance > 0, distance**2 * torch.log(distance + add), 0.0)


class RCNN_FeatureExtractor(nn.Module):  # noqa: N801 - beside EasyOCR's VGG_FeatureExtractor
    """Convolutions with gated recurrence: images [B, C, H, W] to features [B, output_channel, H', W // 4 + 1].

    Wang and Hu, "Gated Recurrent Convolution Neural Network for OCR", NIPS 2017.
    """

    def __init__(self, input_channel: int, output_channel: int = 512) -> None:
        super().__init__()
        narrow, middle, wide = (int(output_channel / part) for part in (8, 4, 2))
        self.ConvNet = nn.Sequential(
            nn.Conv2d(input_channel, narrow, 3, padding=1),
            nn.ReLU(True),
            nn.MaxPool2d(2),
            GatedRecurrentConvolution(narrow, narrow),
            nn.MaxPool2d(2),
            GatedRecurrentConvolution(narrow, middle),
            nn.MaxPool2d(2, stride=(2, 1), padding=(0, 1)),
            GatedRecurrentConvolution(middle, wide),
            nn.MaxPool2d(2, stride=(2, 1), padding=(0, 1)),
            nn.Conv2d(wide, output_channel, 2, bias=False),
            nn.BatchNorm2d(output_channel),
            nn.ReLU(True),
        )

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Images to features."""
        return self.ConvNet(input)


class GatedRecurrentConvolution(nn.Module):
    """A convolution whose result looks at its own neighbourhood again, a gate deciding how much of it to see.

    Wang and Hu 2017, section 3.2; u is the input, x the state. Weights are shared between the rounds, the batch
    normalizations are not.
    """

    def __init__(self, input_channel: int, output_channel: int, rounds: int = 5) -> None:
        super().__init__()
        self.wgf_u = nn.Conv2d(input_channel, output_channel, 1, bias=False)
        self.wgr_x = nn.Conv2d(output_channel, output_channel, 1, bias=False)
        self.wf_u = nn.Conv2d(input_channel, output_channel, 3, padding=1, bias=False)
        self.wr_x = nn.Conv2d(output_channel, output_channel, 3, padding=1, bias=False)
        self.BN_x_init = nn.BatchNorm2d(output_channel)
        self.GRCL = nn.ModuleList(GatedRound(output_channel) for _ in range(rounds))

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Features [B, input_channel, H, W] to features [B, output_channel, H, W]."""
        gate, seen = self.wgf_u(input), self.wf_u(input)
        state = torch.relu(self.BN_x_init(seen))
        for step in self.GRCL:
            state = step(gate, self.wgr_x(state), seen, self.wr_x(state))
        return state


class GatedRound(nn.Module):
    """One round of `GatedRecurrentConvolution`: normalization, gate, sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.BN_gfu = nn.BatchNorm2d(channels)
        self.BN_grx = nn.BatchNorm2d(channels)
        self.BN_fu = nn.BatchNorm2d(channels)
        self.BN_rx = nn.BatchNorm2d(channels)
        self.BN_Gx = nn.BatchNorm2d(channels)

    def forward(
        self, gate_u: torch.Tensor, gate_x: torch.Tensor, seen_u: torch.Tensor, seen_x: torch.Tensor
    ) -> torch.Tensor:
        """The convolved input and state, for the gate and for the sum, to the next state; all [B, C, H, W]."""
        gate = torch.sigmoid(self.BN_gfu(gate_u) + self.BN_grx(gate_x))
        return torch.relu(self.BN_fu(seen_u) + self.BN_Gx(self.BN_rx(seen_x) * gate))


def vgg_of(input_channel: int, channels: Sequence[int]) -> nn.Module:
    """Return EasyOCR's VGG with so many channels behind each of its 7 convolutions."""
    extractor = VGG_FeatureExtractor(input_channel, 8)
    layers, inputs = extractor.ConvNet, input_channel
    places = [place for place, layer in enumerate(layers) if isinstance(layer, nn.Conv2d)]
    _check_count("VGG", channels, len(places))
    for place, outputs in zip(places, channels, strict=True):
        as_built = layers[place]
        shape = (as_built.kernel_size, as_built.stride, as_built.padding)
        layers[place] = nn.Conv2d(inputs, outputs, *shape, bias=as_built.bias is not None)
        if place + 1 < len(layers) and isinstance(layers[place + 1], nn.BatchNorm2d):
            layers[place + 1] = nn.BatchNorm2d(outputs)
        inputs = outputs
    extractor.output_channel = list(channels)
    return extractor


class LCNet_FeatureExtractor(nn.Module):  # noqa: N801 - beside EasyOCR's VGG_FeatureExtractor
    """PP-LCNet for words: images [B, C, H, W] to features [B, output_channel, 1, W / 4], rounded up.

    Cui et al., "PP-LCNet: A Lightweight CPU Convolutional Neural Network", arXiv 2109.15099, section 3: depthwise
    separable blocks with h-swish, kernels of 5 and squeeze and excitation only where they pay, late, and a wide layer
    where all of the height has become one row and width costs little. Along a word, steps end at a quarter.

    Args:
        input_channel: Of the images.
        output_channel: Of the wide layer. The last block has half as many channels, the layers before in the paper's
            proportions.
        channels: Of each layer, in place of those: the first convolution's, those of the 13 blocks, the wide layer's.
    """

    def __init__(self, input_channel: int, output_channel: int = 512, channels: Sequence[int] = ()) -> None:
        super().__init__()
        channels = channels or [max(1, int(output_channel / part)) for part in LCNET_PARTS]
        _check_count("LCNet", channels, len(LCNET_PARTS))
        first, *blocks, wide = channels
        layers: list[nn.Module] = [convolution(input_channel, first, 3, (2, 2))]
        inputs = first
        for (kernel, step, excite), outputs in zip(LCNET_BLOCKS, blocks, strict=True):
            between = [SqueezeExcitation(inputs)] if excite else []
            depthwise = convolution(inputs, inputs, kernel, step, groups=inputs)
            layers.append(nn.Sequential(depthwise, *between, convolution(inputs, outputs, 1)))
            inputs = outputs
        self.ConvNet = nn.Sequential(*layers, RowOfMeans(), nn.Conv2d(inputs, wide, 1), nn.Hardswish())

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Images to features."""
        return self.ConvNet(input)


LCNET_BLOCKS = (
    (3, (1, 1), False),
    (3, (2, 2), False),
    (3, (1, 1), False),
    (3, (2, 1), False),
    (3, (1, 1), False),
    (5, (2, 1), False),
    *((5, (1, 1), False),) * 5,
    (5, (2, 1), True),
    (5, (1, 1), True),
)
"""Kernel, step down and along the word, and whether channels are weighed, per block."""
LCNET_PARTS = (64, 32, 16, 16, 8, 8, 4, 4, 4, 4, 4, 4, 2, 2, 1)
"""What part of `output_channel` each layer has."""


def convolution(
    inputs: int, outputs: int, kernel: int, step: tuple[int, int] = (1, 1), groups: int = 1
) -> nn.Sequential:
    """Return a convolution, a batch normalization and h-swish (Howard et al., arXiv 1905.02244)."""
    layer = nn.Conv2d(inputs, outputs, kernel, step, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.Hardswish())


class SqueezeExcitation(nn.Module):
    """Weighs channels by what the whole word shows (Hu et al., arXiv 1709.01507)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, max(1, channels // 4), 1)
        self.excite = nn.Conv2d(max(1, channels // 4), channels, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Weigh [B, C, H, W]."""
        weights = functional.relu(self.squeeze(features.mean((2, 3), keepdim=True)))
        return features * functional.hardsigmoid(self.excite(weights))


class RowOfMeans(nn.Module):
    """The mean of each column: [B, C, H, W] to [B, C, 1, W]."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Take the means."""
        return features.mean(dim=2, keepdim=True)


def lcnet_of(input_channel: int, channels: Sequence[int]) -> nn.Module:
    """Return LCNet with so many channels behind each of its 15 layers."""
    return LCNet_FeatureExtractor(input_channel, channels=channels)


def _check_count(name: str, channels: Sequence[int], layers: int) -> None:
    if len(channels) != layers:
        raise ValueError(f"{name} has {layers} layers, not the {len(channels)} that channels are given for")


EXTRACTORS = {
    "VGG": VGG_FeatureExtractor,
    "RCNN": RCNN_FeatureExtractor,
    "ResNet": ResNet_FeatureExtractor,
    "LCNet": LCNet_FeatureExtractor,
}
WITH_CHANNELS = {"VGG": vgg_of, "LCNet": lcnet_of}
"""Those that can be built with channels layer by layer."""

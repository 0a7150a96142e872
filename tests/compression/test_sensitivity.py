"""From curves to channels."""

import json

import pytest
import torch

from train_easyocr.common.errors import UserError
from train_easyocr.compression.cuts import cuts_of
from train_easyocr.compression.sensitivity import (
    RATIOS,
    bearable,
    channels_at,
    channels_for,
    draw,
    sensitivity,
)
from train_easyocr.compression.subjects import Subject, all_macs, convolution_macs, parameters_of
from train_easyocr.recognition.network import Model
from train_easyocr.weights.checkpoints import Scores


@pytest.mark.parametrize(
    ("points", "tolerance", "share"),
    [
        ([(0.2, 0.0), (0.4, 0.02), (0.6, 0.1)], 0.0, 0.2),
        ([(0.2, 0.0), (0.4, 0.02), (0.6, 0.1)], 0.01, 0.3),
        ([(0.2, 0.0), (0.4, 0.02), (0.6, 0.1)], 0.06, 0.5),
        ([(0.2, 0.0), (0.4, 0.02), (0.6, 0.1)], 0.5, 0.6),  # not beyond what was measured
        ([(0.2, 0.03), (0.4, 0.0), (0.6, 0.1)], 0.02, 0.4 / 3),  # not up to a lucky point further on
        ([(0.2, -0.01), (0.4, 0.05)], 0.0, 0.2),
        ([], 0.1, 0.0),
    ],
)
def test_what_a_layer_can_spare(points, tolerance, share):
    assert bearable(points, tolerance) == pytest.approx(share)


CURVES = {"layers.1": [(0.25, 0.0), (0.5, 0.04), (0.75, 0.2)], "layers.2": [(0.25, 0.1), (0.5, 0.3)]}


def test_channels_are_multiples():
    assert channels_at(CURVES, [64, 128], 0.04, 16) == [32, 112]
    assert channels_at(CURVES, [16, 10], 0.3, 16) == [16, 10]


def test_the_least_tolerance_that_is_enough():
    def cost(channels):
        return sum(channels) / 192

    channels, tolerance = channels_for(CURVES, [64, 128], cost, 0.75, 16)
    assert cost(channels) <= 0.75
    assert cost(channels_at(CURVES, [64, 128], tolerance - 0.001, 16)) > 0.75
    with pytest.raises(UserError, match=r"the least that these layers can be pruned to is 0\.42"):
        channels_for(CURVES, [64, 128], cost, 0.1, 16)


def test_no_more_goes_than_has_to():
    """Both layers lose 80 % of their filters for nothing, alone; 0.6 of the whole are wanted: half of that goes."""
    curves = {"layers.1": [(0.4, 0.0), (0.8, 0.0)], "layers.2": [(0.4, 0.0), (0.8, 0.0)]}

    def cost(channels):
        return sum(channels) / 480

    assert channels_for(curves, [160, 320], cost, 0.6, 16)[0] == [96, 192]
    assert channels_for(curves, [160, 320], cost, 0.2, 16)[0] == [32, 64]


def test_multiplications_of_a_network_worked_out_by_hand():
    model = torch.nn.Sequential(torch.nn.Conv2d(2, 4, 3, padding=1), torch.nn.Flatten(), torch.nn.Linear(4 * 6, 5))
    assert convolution_macs(model, (1, 2, 2, 3)) == 2 * 4 * 9 * 6
    assert all_macs(model, (1, 2, 2, 3)) == 2 * 4 * 9 * 6 + 4 * 6 * 5
    assert parameters_of(model) == 2 * 4 * 9 + 4 + 4 * 6 * 5 + 5


ARGUMENTS = {"output_channel": 64, "hidden_size": 8, "img_height": 32}


class Judge:
    """Measures a network by how near its features are to those of the whole one, and counts how often."""

    def __init__(self, model, most=10**6):
        self.images = torch.rand(1, 1, 32, 64, generator=torch.Generator().manual_seed(0))
        self.expected, self.count, self.most = model(self.images), 0, most

    def __call__(self, model):
        self.count += 1
        if self.count > self.most:
            raise KeyboardInterrupt
        with torch.inference_mode():
            lost = float((model(self.images) - self.expected).abs().mean() / self.expected.abs().mean())
        return Scores(accuracy=100 * max(0.0, 1 - lost), norm_ed=0, words=1)


def subject_of(tmp_path, most=10**6):
    torch.manual_seed(0)
    model = Model(9, **ARGUMENTS).eval()
    weights = tmp_path / "가중치.pth"
    weights.write_bytes(b"1")
    judge = Judge(model, most)
    return Subject(weights, model, None, cuts_of(model), lambda c: Model(9, channels=c, **ARGUMENTS),
                   (1, 1, 32, 96), judge, "한 장"), judge  # fmt: skip


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was(tmp_path):
    whole, _ = subject_of(tmp_path)
    expected = sensitivity(whole, "fpgm", tmp_path / "처음부터.json")
    assert [ratio for ratio, _ in expected["FeatureExtraction.ConvNet.0"]][:1] == [RATIOS[0]]
    stopped, judge = subject_of(tmp_path, most=9)
    with pytest.raises(KeyboardInterrupt):
        sensitivity(stopped, "fpgm", tmp_path / "멈춤.json")
    again, judge = subject_of(tmp_path)
    assert sensitivity(again, "fpgm", tmp_path / "멈춤.json") == expected
    assert judge.count == sum(map(len, expected.values())) - 8
    with pytest.raises(UserError, match="holds the sensitivity of other weights"):
        sensitivity(again, "l1", tmp_path / "멈춤.json")
    (tmp_path / "멈춤.json").write_text("{")
    with pytest.raises(UserError, match="remove it to measure again"):
        sensitivity(again, "fpgm", tmp_path / "멈춤.json")


def test_a_layer_that_has_lost_enough_is_left_alone(tmp_path):
    subject, _ = subject_of(tmp_path)
    curves = sensitivity(subject, "l1", tmp_path / "민감도.json")
    for points in curves.values():
        assert all(lost <= 0.3 for _, lost in points[:-1])
        assert points[-1][1] > 0.3 or len(points) == len(RATIOS)
    assert json.loads((tmp_path / "민감도.json").read_text(encoding="utf-8"))["quality"] == pytest.approx(1)


def test_the_picture_has_a_curve_a_layer_and_is_the_same_each_time(tmp_path):
    for name in ("하나", "둘"):
        draw(CURVES, [64, 128], [32, 112], tmp_path / name / "곡선.svg")
    one, two = ((tmp_path / name / "곡선.svg").read_bytes() for name in ("하나", "둘"))
    assert one == two
    assert one.count(b'id="axes_') == 2

"""Calibration: figures by hand, and temperatures that are known beforehand."""

import math

import numpy as np
import pytest

from train_easyocr.metrics.calibration import calibrate, calibration_error, fit_temperature, tempered


def test_by_hand():
    confidence = np.array([0.95, 0.95, 0.55, 0.55, 1.0, float("nan")])
    right = np.array([True, False, True, True, True, False])
    found = calibrate(confidence, right)
    assert (found.words, found.right) == (5, 0.8)
    assert found.confidence == pytest.approx(0.8)
    # In the last bin 2.9 of confidence for 2 right words, in the other 1.1 for 2.
    assert found.error == pytest.approx((0.9 + 0.9) / 5)
    assert [(bin_.low, bin_.words) for bin_ in found.bins if bin_.words] == [(0.5, 2), (0.9, 3)]
    assert found.bins[9].right == pytest.approx(2 / 3)
    assert found.bins[0].right is None


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_temperature_is_found_again(temperature):
    """Words are right as often as a confidence says; the model tells that with its logit multiplied."""
    state = np.random.default_rng(5)
    honest = state.uniform(0.02, 0.98, 40_000)
    right = state.random(40_000) < honest
    told = tempered(honest, 1 / temperature)
    assert fit_temperature(told, right) == pytest.approx(temperature, rel=0.05)
    assert tempered(told, temperature) == pytest.approx(honest)
    found = calibrate(told, right)
    assert found.mended_error < 0.015
    assert found.error == calibration_error(told, right)
    assert (found.error > 0.05) == (temperature != 1)


def test_least_loss():
    """No temperature near the one found makes the readings likelier."""
    confidence, right = np.array([0.9, 0.8, 0.99, 0.6, 1.0]), np.array([True, False, True, False, True])

    def loss(temperature):
        likely = tempered(confidence, temperature)
        return -np.log(np.where(right, likely, 1 - likely)).sum()

    best = fit_temperature(confidence, right)
    assert all(loss(best) <= loss(best * factor) for factor in (0.5, 0.99, 1.01, 2))


@pytest.mark.parametrize("right", [True, False])
def test_no_temperature_where_all_are_alike(right):
    found = calibrate(np.array([0.5, 0.75]), np.array([right, right]))
    assert (found.temperature, found.mended_error) == (None, None)
    assert found.error == pytest.approx(0.375 if right else 0.625)


def test_confidences_out_of_range_and_none_at_all():
    assert calibrate(np.array([1.5, -1.0]), np.array([True, False])).error == 0
    found = calibrate(np.array([math.nan]), np.array([True]))
    assert (found.words, found.error, found.bins) == (0, None, [])

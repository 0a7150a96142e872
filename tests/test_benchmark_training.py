"""What the benchmarks of training say of what they found."""

import pytest

from benchmarks.equal_accuracy import CHARACTERS, WAYS, Outcome, noise, table, verdict
from benchmarks.results import table as results_table
from benchmarks.training import gpu_rows


def test_rows_of_a_gpu_are_there_without_one():
    lines = results_table(gpu_rows({})).splitlines()
    assert sum("not measured" in line for line in lines) == 2
    found = {"training": 30_000.0, "floor": 60_000.0, "arithmetic": 0.4, "bandwidth": 0.5, "gpu": 5000.0}
    text = results_table(gpu_rows(found | {"in_memory": 25_000.0, "fed": 20_000.0}))
    assert "40% of the time a matrix product's rate, 50% a copy's needs" in text
    assert "floor: the same batches in memory; 80% of it" in text
    assert "not measured" not in text


def test_equal_accuracy_states_difference_and_noise():
    plain = [Outcome(accuracy, 0.9, 10.0) for accuracy in (90.0, 92.0, 94.0)]
    ours = [Outcome(accuracy, 0.9, 80.0) for accuracy in (91.0, 92.0, 93.0)]
    assert noise([90, 92, 94]) == pytest.approx(2 / 3**0.5)
    assert noise([90]) == 0
    assert verdict(plain, ours) == "+0.00 points of accuracy, standard error 1.29"
    lines = table({"plain": plain, "ours": ours}).splitlines()
    assert [cell.strip() for cell in lines[2].split("|")] == ["1", "90.00", "91.00", "10", "80"]
    assert [cell.strip() for cell in lines[-1].split("|")] == ["mean", "92.00 +- 1.15", "92.00 +- 0.58", "10", "80"]


def test_the_ways_differ_in_speed_alone():
    assert len(set(CHARACTERS)) == len(CHARACTERS)
    keys = {setting.split("=")[0] for way in WAYS.values() for setting in way}
    assert keys == {"batch_width", "precision", "batch_pixels"}

"""How long a training is where `n_iter` is auto."""

import pytest
import torch

from tests.recognition.word_sets import WORDS, tiny_config, write_set
from train_easyocr.common.errors import UsageError
from train_easyocr.detection.config import DetectionConfig
from train_easyocr.detection.task import LENGTH as OF_DETECTORS
from train_easyocr.engine.length import Length, with_iterations
from train_easyocr.engine.state import load_state
from train_easyocr.recognition import task as training
from train_easyocr.recognition.task import LENGTH, train
from train_easyocr.settings.config import MOST_ITERATIONS, Config, load_config


@pytest.fixture
def data(tmp_path):
    write_set(tmp_path / "training" / "select_data", WORDS * 2)
    write_set(tmp_path / "validation" / "select_data", WORDS)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "iterations"),
    [(1, 1_000), (20_000, 1_000), (200_000, 9_375), (1_600_000, 75_000), (4_500_000, MOST_ITERATIONS)],
)
def test_three_passes_over_the_words_within_limits(words, iterations):
    assert LENGTH.iterations(words, 64) == iterations


@pytest.mark.parametrize(("pages", "iterations"), [(1, 480), (180, 480), (4_000, 3_000), (40_000, 10_000)])
def test_twelve_pieces_of_a_page_within_limits(pages, iterations):
    assert OF_DETECTORS.iterations(pages, 16) == iterations


def test_it_says_what_it_chose_and_why():
    length = Length(passes=3, fewest=1_000, most=75_000, unit="words")
    assert length.describe(200_000, 64) == (
        "n_iter: auto is 9,375 iterations of 64, 3.0 passes over 200,000 words; the rule: 3 passes"
    )
    assert length.describe(10, 64).endswith(
        "6,400.0 passes over 10 words; the rule: 3 passes, at least 1,000 iterations"
    )
    assert length.describe(10**7, 64).endswith("; the rule: 3 passes, at most 75,000 iterations")


def test_a_number_is_left_as_it_is():
    for config in (Config(n_iter=7, val_period=9), DetectionConfig(n_iter=7, val_period=9)):
        assert with_iterations(config, 100) is config
    found = with_iterations(Config(), 1_000)
    assert (found.n_iter, found.val_period) == (1_000, 200)
    assert with_iterations(Config(), 75_000).val_period == Config().val_period


@pytest.mark.parametrize("value", ["auto", 5, "5", "5_000"])
def test_auto_or_a_number(value):
    stated = Config(n_iter=value).model_dump()["n_iter"]
    assert stated == (value if value == "auto" else int(value))
    assert Config(n_iter=stated) == Config(n_iter=value)


@pytest.mark.parametrize("value", ["0", "-1", "2.5", "some", "True"])
def test_anything_else_is_refused(value):
    with pytest.raises(UsageError, match="n_iter: should be auto or a number from 1 upwards"):
        load_config(overrides=[f"n_iter={value}"])


@pytest.mark.slow
def test_a_run_of_automatic_length_goes_on_and_ends_as_one_in_one_piece(data, capsys, monkeypatch):
    monkeypatch.setattr(training.RecognizerTask, "length", Length(passes=1, fewest=2, most=20, unit="words"))
    words = 2 * len(WORDS)
    settings = {"n_iter": "auto", "batch_size": 4, "select_data": "select_data"}
    whole, parts = (tiny_config(data, experiment_name=name, **settings) for name in ("whole", "parts"))
    train(whole)
    said = capsys.readouterr().out
    assert f"n_iter: auto is {words // 4:,} iterations of 4, 1.0 passes over {words:,} words" in said
    assert f"all {words // 4:,} iterations are done" in said
    assert load_config(whole.experiment / "config.yaml").n_iter == words // 4, "the config as used says how many"

    train(parts, minutes=1e-9)
    assert load_state(parts.experiment)["iteration"] < words // 4
    train(parts)
    train(parts)  # done
    assert "all" in capsys.readouterr().out.splitlines()[-1]
    states = [load_state(config.experiment)["model"] for config in (whole, parts)]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_samples_are_shown_before_the_length_is_known(data):
    assert training.show_samples(tiny_config(data, n_iter="auto", batch_size=4, select_data="select_data"), 3).is_file()


def test_settings_that_the_length_does_not_allow_are_told(data, monkeypatch):
    monkeypatch.setattr(training.RecognizerTask, "length", Length(passes=1, fewest=2, most=20, unit="words"))
    config = tiny_config(data, n_iter="auto", batch_size=4, select_data="select_data", warmup=50)
    with pytest.raises(UsageError, match=r"n_iter: auto does not go with(.|\n)*warmup: 50 iterations with n_iter: "):
        train(config)

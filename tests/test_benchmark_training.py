"""What the benchmarks of training say of what they found."""

import json

import numpy as np
import pytest

from benchmarks import training
from benchmarks.results import table as results_table
from benchmarks.studies import (
    ablations,
    buckets,
    character_change,
    distillation,
    hour_of_a_core,
    small_task,
    unlabeled_pages,
    weak_characters,
)
from benchmarks.studies.equal_accuracy import CHARACTERS, WAYS, Outcome, noise, table, verdict
from benchmarks.studies.small_task import Scores, UnseenWords
from benchmarks.training import BATCH, gpu_rows
from tests.recognition.word_sets import write_set
from train_easyocr.datasets import sampling
from train_easyocr.documents import Box
from train_easyocr.settings.config import load_config

pytestmark = pytest.mark.slow


def test_rows_of_a_gpu_are_there_without_one():
    lines = results_table(gpu_rows({})).splitlines()
    assert sum("not measured" in line for line in lines) == 2
    found = {"training": 30_000.0, "floor": 60_000.0, "arithmetic": 0.4, "bandwidth": 0.5, "gpu": 5000.0}
    text = results_table(gpu_rows(found | {"in_memory": 25_000.0, "fed": 20_000.0}))
    assert "40% of the time a matrix product's rate, 50% a copy's needs" in text
    assert "floor: the same batches in memory; 80% of it" in text
    assert "not measured" not in text


def test_training_and_loading_are_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "BATCH", 4)
    training.write_words(tmp_path / "words", 32)
    found = training.ours(tmp_path, 1, img_height=32, output_channel=16, hidden_size=8)
    assert found.keys() == {"training", "processor", "loader"} and min(found.values()) > 0


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
    assert keys == {"batch_width", "precision"}


def test_runs_of_an_hour_differ_in_one_thing_and_can_be_trained():
    for name, changes in hour_of_a_core.RUNS.items():
        config = load_config(hour_of_a_core.CONFIG, [f"{key}={value}" for key, value in changes.items()])
        differing = {
            key for key, value in vars(load_config(hour_of_a_core.CONFIG)).items() if getattr(config, key) != value
        }
        assert differing == set(changes) and (len(changes) == 1 or name in (hour_of_a_core.BASE, "half the channels"))


def test_iterations_are_timed_in_turns_and_once(tmp_path, monkeypatch):
    times = iter([0.9, 0.4, 0.7, 0.5, 0.2, 0.3])
    asked = []
    monkeypatch.setattr(hour_of_a_core, "_difference", lambda folder, name: asked.append(name) or next(times))
    assert hour_of_a_core.seconds_an_iteration(tmp_path, ["base", "small"]) == {"base": 0.7, "small": 0.4}
    assert asked == ["base", "small"] * 2
    assert hour_of_a_core.seconds_an_iteration(tmp_path, ["small", "tall"]) == {"base": 0.7, "small": 0.4, "tall": 0.2}


def test_each_run_gets_the_iterations_that_the_time_holds(tmp_path, monkeypatch):
    """Words of four characters, a narrow network: what is rendered, trained and read is real."""
    monkeypatch.setattr(hour_of_a_core, "CHARACTERS", "가나다라")
    monkeypatch.setattr(hour_of_a_core, "TEST_WORDS", {"bilevel": 8, "scanned": 8})
    monkeypatch.setattr(hour_of_a_core, "VALIDATION_WORDS", 8)
    narrow = {"output_channel": 16, "hidden_size": 8}
    monkeypatch.setattr(hour_of_a_core, "RUNS", {"base": narrow, "small": narrow | {"batch_size": 8}})
    tests = hour_of_a_core.prepare(tmp_path, 64)
    assert {look: len(words) for look, words in tests.items()} == {"bilevel": 8, "scanned": 8}
    found = hour_of_a_core.outcome_of(tmp_path, "small", 1.0, 0.05, tests)
    assert found.iterations == 3 and found.rate == 8
    log = tmp_path / "runs" / "small 0.05 minutes" / "log_train.jsonl"
    last = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
    assert last["iteration"] == 3
    assert sum(last["drawn"].values()) == 24
    assert hour_of_a_core.outcome_of(tmp_path, "small", 1.0, 0.05, {}) == found  # what is done is not done again
    cells = [cell.strip() for cell in hour_of_a_core.table({"small": found}).splitlines()[-1].split("|")]
    assert cells == ["small", "8", "3", *(f"{share:.1f}" for share in found.right.values())]


def test_ablations_stand_beside_the_base_of_the_same_seeds():
    base = {1: Scores(90.0, 30.0, others=70.0), 2: Scores(92.0, 30.0, others=71.0)}
    found = {
        ablations.BASE: base,
        "lr: 0.001": {1: Scores(91.0, 20.0), 2: Scores(95.0, 40.0)},
        "ema: 0.99": {1: Scores(89.0, 30.0)},
        "augmentation: off": {},
    }
    lines = ablations.table(found, Scores(80.0, 0.0, others=75.0)).splitlines()
    cells = [[cell.strip() for cell in line.split("|")] for line in lines[2:]]
    # The differences +1 and +3 scatter by 2 ** 0.5; the one run has their scatter, too.
    assert cells == [
        [ablations.UNTRAINED, "", "80.00", "", "75.0", ""],
        ["base", "2", "91.00", "", "70.5", "30"],
        ["lr: 0.001", "2", "93.00", "+2.00 ± 1.00", "", "30"],
        ["ema: 0.99", "1", "89.00", "-1.00 ± 1.41", "", "30"],
    ]
    assert ablations.pooled_deviation([[1.0], []]) is None


def test_one_run_has_the_error_of_the_words_that_it_reads_differently():
    base, run = Scores(80.0, 30.0, range(20)), Scores(82.0, 30.0, [*range(15), 98, 99, 97])
    # Of 100 words, 5 were won and 3 lost: the mean of eight +-1 and 92 zeros.
    values = [1] * 5 + [-1] * 3 + [0] * 92
    assert ablations.error_of_one(run, base) == pytest.approx(100 * np.std(values) / 10)
    line = ablations.table({ablations.BASE: {3: base}, "lr: 0.001": {3: run}}).splitlines()[-1]
    assert "+2.00 ± 2.82" in line
    assert ablations.error_of_one(base, base) is None


def test_every_recipe_can_be_trained_and_draws_as_many_words():
    path = small_task.SOURCE / "benchmarks" / "studies" / "ablations.yaml"
    base = load_config(path)
    for name in ablations.ELEMENTS:
        changes = ablations.changes_of(name, base)
        config = load_config(path, [f"{key}={value}" for key, value in changes.items()])
        assert config.n_iter * config.batch_size == base.n_iter * base.batch_size
        assert "/" not in ablations.run_name(name, 1)


def test_larger_pools_waste_less_and_leave_the_plan_as_it_was():
    widths = buckets.word_widths(64 * BATCH, 64)
    wide = [buckets.across(widths, pool) for pool in (1, 8, 64)]
    assert wide[0] > wide[1] > wide[2] > widths.mean()
    assert sampling.POOL_BATCHES == 64


def test_weak_characters_are_those_that_are_missing_most_often():
    truth = ["뺨가", "뺨나", "뺨다", "쨌가", "쨌나", "가나", "가가"]
    readings = ["빰가", "빰나", "뺨다", "졌가", "졌나", "가다", "가"]
    # 쨌 in two of two, 뺨 in two of three; 가 and 나 once each, which may be chance.
    assert weak_characters.weakest(truth, readings) == "쨌뺨"


def test_words_are_scored_page_by_page_at_the_boxes_that_were_found(tmp_path, monkeypatch):
    pages = {"a": ["가나", "다"], "b": ["라"]}
    for name in pages:
        (tmp_path / name).write_text(name)
    labelled, found = [[Box(0, 0, 2, 2)] * 2, [Box(0, 0, 3, 3)]], [[Box(1, 1, 2, 2)] * 2, [Box(1, 1, 3, 3)]]
    words = UnseenWords([tmp_path / name for name in pages], list(pages.values()), labelled, found)

    class Reader:
        def recognize(self, grey, boxes):
            return [("가나" if grey.shape == (1, 1) else "라", 1.0) if box.xmin else ("다", 1.0) for box in boxes]

    monkeypatch.setattr(small_task, "open_weights", lambda weights: Reader())
    monkeypatch.setattr(small_task, "load_page", lambda path: (None, np.zeros((1, 1 + (path.name == "b")))))
    assert words.read(Reader(), words.labelled) == ["다", "다", "다"]
    scores = words.scores_of(tmp_path / "weights.pth", tmp_path / "run", 5.0)
    assert scores == Scores(accuracy=pytest.approx(200 / 3), seconds=5.0, wrong=[1])
    monkeypatch.setattr(small_task, "open_weights", None)
    assert words.scores_of(tmp_path / "weights.pth", tmp_path / "run") == scores  # kept, not read again


def test_other_words_are_scored_beside_those_of_the_pages(tmp_path, monkeypatch):
    write_set(tmp_path / "others", ["가나", "다"])

    class Reader:
        def recognize(self, grey, boxes):
            assert boxes == [Box(0, 0, grey.shape[1], grey.shape[0])]
            return [("가나", 1.0)]

    monkeypatch.setattr(small_task, "open_weights", lambda weights: Reader())
    words = UnseenWords([], [], [], [], small_task.opened(tmp_path / "others"))
    assert words.scores_of(tmp_path / "weights.pth", tmp_path / "run", 5.0) == Scores(0.0, 5.0, [], 50.0)


def test_words_with_new_characters_are_those_that_korean_g2_lacks():
    is_new = character_change.new_characters()
    assert [is_new(text) for text in ("했다", "사과를", "ㆍ", "가나다", "2024.")] == [True, True, True, False, False]


def test_shares_of_several_seeds_stand_as_means_with_their_errors():
    runs = [{("one way", 50): [50.0, 10.0, 60.0]}, {("one way", 50): [52.0, 10.0, 64.0]}]
    cells = [
        [cell.strip() for cell in character_change.table(part).splitlines()[-1].split("|")] for part in (runs, runs[:1])
    ]
    assert cells[0] == ["one way", "50", "51.0 ± 1.0", "10.0 ± 0.0", "62.0 ± 2.0"]
    assert cells[1] == ["one way", "50", "50.0", "10.0", "60.0"]


def test_ways_of_distillation_stand_beside_learning_alone_seed_by_seed():
    found = {"alone": [(80.0, 10.0), (84.0, 12.0)], "dml": [(81.0, 20.0), (82.0, 22.0)]}
    rows = [[cell.strip() for cell in line.split("|")] for line in distillation.table(found, "%").splitlines()[2:]]
    # The differences are +1 and -2; their standard deviation over the root of 2 is 1.5.
    assert rows == [
        ["alone", "82.00 (80.00 84.00)", "", "11"],
        ["dml", "81.50 (81.00 82.00)", "-0.50 ± 1.50", "21"],
    ]


def test_pages_without_labels_stand_beside_those_with_them():
    found = {
        unlabeled_pages.LABELS: [unlabeled_pages.Outcome(0.5, 10.0), unlabeled_pages.Outcome(0.6, 14.0)],
        unlabeled_pages.BOTH: [
            unlabeled_pages.Outcome(0.7, 30.0, 100, 0.95),
            unlabeled_pages.Outcome(0.8, 32.0, 200, 0.97),
        ],
    }
    rows = [
        [cell.strip() for cell in line.split("|")]
        for line in unlabeled_pages.table(found, {"nothing": 0.25}).splitlines()[2:]
    ]
    assert rows == [
        ["nothing", "0.2500", "", "", ""],
        [unlabeled_pages.LABELS, "0.5500 (0.5000 0.6000)", "12", "", ""],
        [unlabeled_pages.BOTH, "0.7500 (0.7000 0.8000)", "31", "150", "96.00%"],
    ]

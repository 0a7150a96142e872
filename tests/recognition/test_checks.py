"""What a trainer is told of data and course: said where it matters, and nothing where all is well."""

from dataclasses import replace

import pytest

from tests.recognition.word_sets import WORDS, tiny_config, write_set
from train_easyocr.datasets.data import open_set
from train_easyocr.recognition.checks import FEW_WORDS, describe_concerns, describe_course, training_sample
from train_easyocr.recognition.validation import Validation
from train_easyocr.weights.characters import CharacterSet


def opened(folder, config):
    return open_set(folder, config, CharacterSet(config.character))


def outcome(training, validation, words=500):
    figures = [
        Validation(1.0, accuracy, 0.9, count, ()) for accuracy, count in ((training, words), (validation, 5_000))
    ]
    return replace(figures[1], training=figures[0])


@pytest.mark.parametrize(
    ("training", "validation", "words", "said"),
    [
        (99.0, 90.0, 500, True),
        (94.0, 90.0, 500, False),  # less than five points
        (90.0, 95.0, 500, False),
        (96.0, 90.0, 50, False),  # fifty words may be read right by chance
        (100.0, 70.0, 50, True),
    ],
)
def test_learning_by_heart_is_told_from_chance(training, validation, words, said):
    remarks = describe_course(outcome(training, validation, words), {"accuracy": validation})
    assert len(remarks) == said
    if said:
        assert f"{training - validation:.1f} points better than validation words" in remarks[0]
        assert "augmentation: strong" in remarks[0]


def test_accuracy_0_is_explained_until_there_is_some():
    assert "normal in the first iterations" in describe_course(outcome(0, 0), {"accuracy": 0})[0]
    assert describe_course(outcome(0, 0), {"accuracy": 3.0}) == []
    assert describe_course(Validation(1.0, 50.0, 0.9, 10, ()), {"accuracy": 50.0}) == []


def test_few_and_wide_words(tmp_path):
    write_set(tmp_path / "set", WORDS)
    config = tiny_config()
    data = opened(tmp_path / "set", config)
    assert describe_concerns([data], config).startswith(f"Note: {len(WORDS)} training words are few")
    assert f"{FEW_WORDS:,} or more" in describe_concerns([data], config)
    assert describe_concerns([data] * (FEW_WORDS // len(WORDS) + 1), config) == ""
    narrow = tiny_config(img_width=64, batch_max_length=8)
    widths = data.table.width[data.rows]
    lines = describe_concerns([data], narrow).splitlines()
    assert f"set: {(widths > 64).sum()} of {len(WORDS)} words" in lines[1]
    enough = -(-widths.max() // 32) * 32
    assert lines[1].endswith(f"img_width: {enough} would hold 99.9 %")
    assert len(describe_concerns([data], tiny_config(PAD=False, batch_width="fixed", img_width=64)).splitlines()) == 1


def test_the_sample_of_training_words_is_always_the_same(tmp_path):
    write_set(tmp_path / "a", WORDS * 20)
    write_set(tmp_path / "b", WORDS * 5)
    write_set(tmp_path / "validation", WORDS * 60)
    config = tiny_config()
    training = [opened(tmp_path / name, config) for name in "ab"]
    validation = [opened(tmp_path / "validation", config)]
    sample = training_sample(training, validation, [300, 100], 1)
    assert [len(data) for data in sample] == [54, 18]  # a tenth of 720
    again = training_sample(training, validation, [300, 100], 1)
    for data, other, whole in zip(sample, again, training, strict=True):
        assert data.rows.tolist() == other.rows.tolist() == sorted(set(data.rows.tolist()))
        assert set(data.rows.tolist()) <= set(whole.rows.tolist())
    other = training_sample(training, validation, [300, 100], 2)
    assert other[0].rows.tolist() != sample[0].rows.tolist()
    assert training_sample(training, [opened(tmp_path / "b", config)], [300, 100], 1) == []

"""Augmentation: deterministic, of the same size, never empty, never another text."""

import itertools

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from tests.recognition.word_sets import WORDS, render, tiny_config, write_set
from train_easyocr.common.errors import UsageError
from train_easyocr.datasets.data import open_set
from train_easyocr.datasets.sampling import training_plan
from train_easyocr.engine.distributed import Processes
from train_easyocr.recognition.augmentation import OPERATIONS, Augmentation, augment
from train_easyocr.recognition.batches import reading_batches, training_batches
from train_easyocr.settings.config import load_config
from train_easyocr.settings.parts import AUGMENTATION_KINDS
from train_easyocr.train import main
from train_easyocr.weights.characters import CharacterSet

pytestmark = pytest.mark.slow

OPERATION_NAMES = [operation.name for operation in OPERATIONS]


def word(height=48, channels=0):
    patch = render("가나다", height)
    return np.dstack([patch] * channels) if channels else patch


def ink(patch):
    """Where a word differs from its paper, as a share of its pixels."""
    return float((np.abs(patch.astype(int) - np.median(patch)) > 40).mean())


@pytest.mark.parametrize("operation", OPERATIONS, ids=OPERATION_NAMES)
@pytest.mark.parametrize("channels", [0, 3])
def test_an_operation_changes_a_word_and_keeps_its_form(operation, channels):
    patch = word(channels=channels)
    before, changed = patch.copy(), 0
    for seed, magnitude in itertools.product(range(12), (0.05, 0.5, 1.0)):
        result = operation.apply(patch, np.random.default_rng(seed), magnitude)
        assert result.shape == patch.shape
        assert result.dtype == np.uint8
        assert 0.3 * ink(patch) < ink(result) < 0.7
        changed += not np.array_equal(result, patch)
        again = operation.apply(patch, np.random.default_rng(seed), magnitude)
        assert np.array_equal(result, again)
    assert changed > 24
    assert np.array_equal(patch, before)


@pytest.mark.parametrize("operation", OPERATIONS, ids=OPERATION_NAMES)
def test_more_magnitude_changes_more(operation):
    patch = word().astype(int)

    def change(magnitude):
        results = [operation.apply(word(), np.random.default_rng(seed), magnitude) for seed in range(20)]
        return np.mean([np.abs(result - patch).mean() for result in results])

    # White on black is white on black.
    assert change(0.9) > change(0.1) or operation.apply.__name__ == "invert"


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (4, 4), (9, 7), (120, 30), (20, 900), (600, 700)])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_patches_of_any_size_and_without_any_ink(size, channels):
    for seed in range(10):
        for value in (0, 255):
            patch = np.full((*size, *channels), value, np.uint8)
            assert augment(patch, np.random.default_rng(seed), 1.0).shape == patch.shape


def test_text_stays_whole():
    """A dot near each corner is still there after what moves pixels: nothing is pushed out of the picture."""
    patch = np.full((60, 240), 255, np.uint8)
    for x, y in itertools.product((8, 231), (8, 51)):
        cv2.circle(patch, (x, y), 4, 0, -1)
    for operation in OPERATIONS:
        if operation.apply.__name__ in ("distort", "stretch", "perspective", "rotate"):
            for seed in range(40):
                result = operation.apply(patch, np.random.default_rng(seed), 1.0)
                assert cv2.connectedComponents((result < 128).astype(np.uint8))[0] == 1 + 4


def test_a_word_is_still_read_by_its_own_shape():
    """At full strength a word looks more like itself than like other words."""
    words = {text: render(text, 48) for text in ("가나다", "바사라", "마다나")}
    width = min(patch.shape[1] for patch in words.values())
    words = {text: patch[:, :width] for text, patch in words.items()}

    def likeness(a, b):
        a, b = (cv2.GaussianBlur(patch, (0, 0), 3).ravel() for patch in (a, b))
        return abs(np.corrcoef(a, b)[0, 1])

    right = 0
    for (text, patch), seed in itertools.product(words.items(), range(40)):
        changed = augment(patch, np.random.default_rng(seed), 1.0)
        right += max(words, key=lambda other, changed=changed: likeness(words[other], changed)) == text
    assert right >= 110  # of 120


def test_strength_and_probability():
    patch = word()
    names = {name: load_config(overrides=[f"augmentation={name}"]) for name in ("off", "light", "medium", "strong")}
    strengths = [config.augmentation_strength for config in names.values()]
    assert strengths == [0, 0.25, 0.5, 1]
    assert load_config(overrides=["augmentation=0.3"]).augmentation_strength == 0.3
    assert Augmentation.from_config(names["off"]) is None
    assert Augmentation.from_config(load_config(overrides=["augmentation_probability=0"])) is None
    some = Augmentation(0.5, 0.4, 1)
    changed = sum(not np.array_equal(some.apply(patch, 0, 0, index), patch) for index in range(500))
    assert 0.3 < changed / 500 < 0.45
    # The same words are chosen at any strength, so that two runs differ in strength alone.
    means = [
        np.mean(
            [np.abs(Augmentation(s, 1, 1).apply(patch, 0, 0, index).astype(int) - patch).mean() for index in range(99)]
        )
        for s in strengths[1:]
    ]
    assert means == sorted(means)


def test_a_strength_for_each_data_set():
    settings = ["select_data=글자-추정", "batch_ratio=0.5-0.5", "augmentation_probability=1"]
    config = load_config(overrides=[*settings, "augmentation=strong", "augmentation_of_sets=off-0.3"])
    found, patch = Augmentation.from_config(config), word()
    alone = Augmentation(0.3, 1.0, config.seed)
    for index in range(5):
        np.testing.assert_array_equal(found.apply(patch, 0, 0, index), patch)
        np.testing.assert_array_equal(found.apply(patch, 0, 1, index), alone.apply(patch, 0, 1, index))
    for wrong in ("off-2", "off-stark", "light"):
        with pytest.raises(UsageError, match="augmentation_of_sets"):
            load_config(overrides=[*settings, f"augmentation_of_sets={wrong}"])


def test_kinds_are_drawn_alone_where_they_are_named():
    assert list(AUGMENTATION_KINDS) == OPERATION_NAMES
    patch = word()
    everything = Augmentation.from_config(load_config(overrides=["augmentation=1", "augmentation_probability=1"]))
    assert everything.kinds == set(AUGMENTATION_KINDS)
    inverted = Augmentation(1.0, 1.0, 1, frozenset(["invert"]))
    assert all(np.array_equal(inverted.apply(patch, 0, 0, index), 255 - patch) for index in range(5))
    settings = ["augmentation=1", "augmentation_probability=1", "augmentation_kinds=rotate-invert"]
    two = Augmentation.from_config(load_config(overrides=settings))
    assert two.kinds == {"invert", "rotate"}
    seen = [two.apply(patch, 0, 0, index) for index in range(60)]
    # One of two, or both: dark words that stand straight, light ones that are turned, and dark ones that are turned.
    dark, straight = [np.median(each) < 128 for each in seen], [np.array_equal(each, 255 - patch) for each in seen]
    assert {(d, s) for d, s in zip(dark, straight, strict=True)} == {(True, True), (True, False), (False, False)}


@pytest.mark.parametrize(
    ("value", "message"), [("blur-noise", "there is no 'noise'; all, or some of these"), ("blur-blur", "named twice")]
)
def test_a_kind_that_is_not_there_is_refused(value, message):
    with pytest.raises(UsageError, match=message):
        load_config(overrides=[f"augmentation_kinds={value}"])


@pytest.mark.parametrize("value", ["loud", "1.5", "-1", "nan", "True"])
def test_a_wrong_strength_is_refused(value):
    with pytest.raises(UsageError, match="augmentation: should be off, light, medium, strong or a number from 0 to 1"):
        load_config(overrides=[f"augmentation={value}"])


def test_off_in_a_file_is_not_taken_for_false(tmp_path):
    (tmp_path / "config.yaml").write_text("augmentation: off\n")
    assert load_config(tmp_path / "config.yaml").augmentation == "off"


def stream(config, folder, start=0, processes=None):
    steps = range(start, config.n_iter)
    sets = [open_set(folder / name, config, CharacterSet(config.character)) for name in config.data_names]
    plan = training_plan(sets, config)
    options = {} if processes is None else {"processes": processes}
    return [batch.images for batch in training_batches(sets, plan, config, steps, pin_memory=False, **options)]


def test_it_follows_from_seed_epoch_and_word_alone(tmp_path):
    write_set(tmp_path / "a", WORDS)
    write_set(tmp_path / "b", WORDS[:5])
    settings = {
        "select_data": "a-b",
        "batch_ratio": "0.5-0.5",
        "n_iter": 8,
        "augmentation": "strong",
        "augmentation_probability": 1,
    }
    config = tiny_config(**settings)
    whole = stream(config, tmp_path)
    plain = stream(tiny_config(**settings | {"augmentation": "off"}), tmp_path)
    assert all(a.shape == b.shape for a, b in zip(whole, plain, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(whole, plain, strict=True))
    other = stream(tiny_config(**settings | {"seed": 2, "workers": 0}), tmp_path)
    assert not torch.equal(other[0], whole[0])
    with_workers = stream(config.model_copy(update={"workers": 2}), tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(whole, with_workers, strict=True))
    resumed = stream(config, tmp_path, start=5)
    assert all(torch.equal(a, b) for a, b in zip(whole[5:], resumed, strict=True))
    shares = [stream(config, tmp_path, processes=Processes(rank, 2)) for rank in range(2)]
    assert all(torch.equal(a, torch.cat(parts)) for a, *parts in zip(whole, *shares, strict=True))


def test_every_epoch_has_its_own_and_both_sets_too(tmp_path):
    write_set(tmp_path / "a", ["가나"])
    write_set(tmp_path / "b", ["가나"])
    config = tiny_config(
        select_data="a-b", batch_ratio="0.5-0.5", batch_size=2, n_iter=6, augmentation=1.0, augmentation_probability=1
    )
    seen = torch.cat(stream(config, tmp_path))
    assert len(torch.unique(seen, dim=0)) == 12


def test_reading_sees_patches_as_they_are(tmp_path):
    write_set(tmp_path / "a", WORDS)
    words = [np.arange(3, dtype=np.int32)]
    images = []
    for strength in ("off", "strong"):
        config = tiny_config(augmentation=strength, augmentation_probability=1)
        data = open_set(tmp_path / "a", config, CharacterSet(config.character))
        images.append(next(reading_batches(data, words, config, pin_memory=False)).images)
    assert torch.equal(*images)


def test_the_sample_sheet(data, capsys):
    config = tiny_config(data, augmentation="strong", augmentation_probability=1, n_iter=3)
    settings = [f"{key}={value}" for key, value in config.model_dump().items() if key != "dataset"]
    assert main(["--show_samples", "7", *settings]) == 0
    path = config.experiment / "samples.png"
    assert capsys.readouterr().out.splitlines()[-1].endswith(str(path))
    with Image.open(path) as sheet:
        pixels = np.asarray(sheet.convert("L"))
    assert pixels.shape[0] == 3 * (config.img_height + 20 + 16) + 8
    labels = pixels[8 + config.img_height + 3 : 8 + config.img_height + 20]
    assert (labels < 100).sum() > 50
    assert not (config.experiment / "last_state.pth").exists()
    with pytest.raises(SystemExit):
        main(["--show_samples", "0"])

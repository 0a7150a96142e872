"""Batches as the network takes them."""

import numpy as np
import pytest
import torch

from tests.recognition.word_sets import WORDS, tiny_config, write_set
from train_easyocr.common.errors import UserError
from train_easyocr.datasets.data import open_set
from train_easyocr.datasets.images import reading_width, resize_patch, to_batch
from train_easyocr.datasets.sampling import training_plan
from train_easyocr.recognition.batches import divide_for_reading, reading_batches, training_batches
from train_easyocr.weights.characters import CharacterSet

pytestmark = pytest.mark.slow


def opened(folder, config):
    return open_set(folder, config, CharacterSet(config.character))


def batches_of(data, config, start=0):
    steps = range(start, config.n_iter)
    return training_batches([data], training_plan([data], config), config, steps, pin_memory=False)


def test_a_batch_is_as_wide_as_its_widest_word_is_read(tmp_path):
    patches = write_set(tmp_path / "set", WORDS)
    config = tiny_config(n_iter=6)
    data = opened(tmp_path / "set", config)
    widths = set()
    for batch in batches_of(data, config):
        own = [patches[i] for i in batch.words[0]]
        width = min(128, max(reading_width(patch.shape[1], patch.shape[0], 32) for patch in own))
        expected = torch.from_numpy(to_batch([resize_patch(patch, 32, 128) for patch in own], width))
        assert torch.equal(batch.images, expected)
        widths.add(width)
    assert len(widths) > 1


@pytest.mark.parametrize("changes", [{"batch_width": "fixed"}, {"batch_width": "fixed", "PAD": False}])
def test_fixed_batches_are_img_width_wide(tmp_path, changes):
    patches = write_set(tmp_path / "set", WORDS)
    config = tiny_config(n_iter=2, **changes)
    data = opened(tmp_path / "set", config)
    for batch in batches_of(data, config):
        images = [resize_patch(patches[i], 32, 128, keep_ratio=config.PAD) for i in batch.words[0]]
        assert torch.equal(batch.images, torch.from_numpy(to_batch(images, 128)))


def test_rgb_and_contrast_reach_the_input(tmp_path):
    patches = write_set(tmp_path / "set", WORDS[:4], patches=[np.full((32, 40), 120 + i, np.uint8) for i in range(4)])
    config = tiny_config(n_iter=1, rgb=True, input_channel=3, contrast_adjust=0.5)
    data = opened(tmp_path / "set", config)
    [batch] = batches_of(data, config)
    assert batch.images.shape == (4, 3, 32, 64)
    flat = resize_patch(patches[0], 32, 64, contrast=0.5)[0, 0]
    assert flat != patches[0][0, 0]
    assert (batch.images == int(flat)).all()


def test_long_text_in_a_narrow_box_widens_the_batch_only_in_training(tmp_path):
    write_set(tmp_path / "set", ["가나다라마바사가"], patches=[np.zeros((32, 32), np.uint8)])
    config = tiny_config(batch_size=1, n_iter=1)
    data = opened(tmp_path / "set", config)
    [batch] = batches_of(data, config)
    assert batch.images.shape[-1] == 64  # 8 characters need as many time steps; 32 pixels give 7
    [batch] = reading_batches(data, divide_for_reading(data, config), config, pin_memory=False)
    assert batch.images.shape[-1] == 32


def test_reading_batches_hold_every_word_once_at_its_own_width(tmp_path):
    wide = np.zeros((20, 300), np.uint8)
    patches = write_set(tmp_path / "set", [*WORDS, "가"])[:-1]
    patches.append(wide)
    write_set(tmp_path / "other", [*WORDS, "가"], patches=patches)
    config = tiny_config(batch_size=2)
    data = opened(tmp_path / "other", config)
    divided = divide_for_reading(data, config)
    assert sorted(np.concatenate(divided).tolist()) == list(range(len(data)))
    for batch in reading_batches(data, divided, config, pin_memory=False):
        own = [patches[i] for i in batch.words[0]]
        widths = {reading_width(patch.shape[1], patch.shape[0], 32) for patch in own}
        assert widths == {batch.images.shape[-1]}
        assert len(own) * batch.images.shape[-1] <= 2 * 128 or len(own) == 1
    assert batch.images.shape[-1] == 480  # wider than img_width: reading squeezes no word


@pytest.mark.parametrize("form", ["png", "lmdb"])
def test_workers_change_nothing(tmp_path, form):
    write_set(tmp_path / "set", WORDS, form=form)
    results = []
    for workers in (0, 1, 2):
        config = tiny_config(n_iter=10, workers=workers)
        data = opened(tmp_path / "set", config)
        results.append(list(batches_of(data, config, start=2)))
    assert len(results[0]) == 8
    for others in results[1:]:
        for batch, other in zip(results[0], others, strict=True):
            assert batch.labels == other.labels
            assert torch.equal(batch.images, other.images)


@pytest.mark.parametrize("workers", [0, 2])
def test_an_unreadable_patch_is_named_without_a_traceback(tmp_path, workers):
    write_set(tmp_path / "set", WORDS)
    victim = sorted((tmp_path / "set" / "images").iterdir())[5]
    victim.write_bytes(b"broken")
    config = tiny_config(n_iter=3, workers=workers)
    data = opened(tmp_path / "set", config)
    with pytest.raises(UserError, match=victim.name) as error:
        list(batches_of(data, config))
    assert "Traceback" not in str(error.value)


def test_loading_draws_nothing_from_the_global_random_state(tmp_path):
    write_set(tmp_path / "set", WORDS)
    config = tiny_config(n_iter=3, workers=1)
    data = opened(tmp_path / "set", config)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    list(batches_of(data, config))
    assert torch.equal(torch.rand(3), expected)

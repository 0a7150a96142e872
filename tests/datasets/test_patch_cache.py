"""Decoded patches in memory: the same pixels, read once."""

import multiprocessing

import numpy as np
import pytest
import torch

from tests.recognition.test_training import assert_equal_runs
from tests.recognition.word_sets import WORDS, tiny_config, write_set
from train_easyocr.datasets import patch_cache
from train_easyocr.datasets.data import open_set
from train_easyocr.datasets.patch_cache import PatchCache, check_memory
from train_easyocr.datasets.sampling import training_plan
from train_easyocr.recognition.batches import training_batches
from train_easyocr.recognition.training import train
from train_easyocr.settings.config import ConfigError
from train_easyocr.weights.characters import CharacterSet

pytestmark = pytest.mark.usefixtures("one_thread")


def opened(folder, config):
    return open_set(folder, config, CharacterSet(config.character))


@pytest.mark.parametrize("rgb", [False, True])
def test_each_patch_is_read_once_and_stays_the_same(tmp_path, monkeypatch, rgb):
    patches = write_set(tmp_path / "set", WORDS)
    data = opened(tmp_path / "set", tiny_config()).cached(rgb)
    assert data.decoded_bytes(rgb) == sum(patch.size for patch in patches) * (3 if rgb else 1)
    read = []
    original = type(data.source).read
    monkeypatch.setattr(type(data.source), "read", lambda *arguments: read.append(1) or original(*arguments))
    for _ in range(3):
        for index, patch in enumerate(patches):
            pixels = data.patch(index, rgb)
            assert np.array_equal(pixels, np.repeat(patch[:, :, None], 3, 2) if rgb else patch)
            pixels[:] = 0  # what is done to a patch is not done to the one that is kept
    assert len(read) == len(patches)


def test_processes_share_what_one_has_decoded():
    cache = PatchCache(np.array([6, 20], np.int64), 1)
    pixels = np.arange(20, dtype=np.uint8).reshape(4, 5)
    process = multiprocessing.get_context("fork").Process(target=cache.put, args=(1, pixels))
    process.start()
    process.join()
    assert cache.get(0) is None
    assert np.array_equal(cache.get(1), pixels)
    cache.put(0, pixels)  # not the size that was stated
    assert cache.get(0) is None


def test_workers_read_all_patches_in_the_first_epoch_alone(tmp_path):
    write_set(tmp_path / "set", WORDS)
    config = tiny_config(n_iter=6, workers=2)
    data = opened(tmp_path / "set", config)
    kept = data.cached(False)
    first = list(training_batches([kept], training_plan([kept], config), config, 0, pin_memory=False))
    for image in (tmp_path / "set" / "images").iterdir():
        image.unlink()
    again = list(training_batches([kept], training_plan([kept], config), config, 0, pin_memory=False))
    for batch, other in zip(first, again, strict=True):
        assert torch.equal(batch.images, other.images)


def test_a_run_with_a_cache_is_the_same_run(data, capsys):
    plain, kept = (tiny_config(data, experiment_name=name, n_iter=8) for name in ("plain", "kept"))
    train(plain)
    train(kept.model_copy(update={"cache": "memory"}))
    assert_equal_runs(kept, plain)
    assert "cache: memory takes up to 0.00 GiB for 36 patches\n" in capsys.readouterr().out


def test_what_can_not_be_kept_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(patch_cache, "_available", lambda: 10 * 2**30)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert (
        check_memory(2 * 2**30, 5000) == "cache: memory takes up to 2.00 GiB for 5,000 patches in each of 4 processes"
    )
    with pytest.raises(ConfigError, match=r"takes 3\.00 GiB .* of 10\.00 GiB that are free; set cache: off"):
        check_memory(3 * 2**30, 5000)
    monkeypatch.undo()
    assert 2**20 < patch_cache._available() < float("inf")

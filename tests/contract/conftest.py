"""The five steps, run once for all tests of this folder, on small pages and with nothing from outside."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from tests.contract import pages
from tests.contract.entry_points import INSTALL, PREPARE, TRAIN, TRAIN_DETECTOR, succeed

RECOGNIZER = {
    "character": pages.SYLLABLES, "img_height": 32, "img_width": 128, "batch_max_length": 8, "output_channel": 16,
    "hidden_size": 16, "batch_size": 8, "n_iter": 20, "val_period": 1, "save_period": 10, "lr": 0.003, "workers": 0,
    "precision": "fp32", "compile": "off", "augmentation": "medium", "continue_from": "", "detection": "",
}  # fmt: skip
DETECTOR = {
    "long_side": 224, "crop_size": 96, "batch_size": 2, "n_iter": 20, "val_period": 1, "save_period": 10, "lr": 0.0003,
    "workers": 0, "precision": "fp32", "augmentation": "medium", "continue_from": "starter",
}  # fmt: skip


def as_arguments(settings, **others):
    """Return settings as a command line has them."""
    return [f"{key}={value}" for key, value in (settings | others).items()]


@pytest.fixture(scope="package", autouse=True)
def alone(tmp_path_factory):
    """One thread, an empty home, an empty current folder: what the machine holds changes nothing."""
    threads, before = torch.get_num_threads(), Path.cwd()
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("home")
        patch.setenv("HOME", str(home))
        patch.setenv("EASYOCR_MODULE_PATH", str(home / ".EasyOCR"))
        os.chdir(tmp_path_factory.mktemp("current"))
        torch.set_num_threads(1)
        yield
        torch.set_num_threads(threads)
        os.chdir(before)


@pytest.fixture(scope="package")
def download(tmp_path_factory):
    """A download as AI-Hub ships it."""
    return pages.write_download(tmp_path_factory.mktemp("내려받기") / "공공행정문서 OCR")


def prepare(download, output, form):
    """Run step 2."""
    options = ["--training", "--validation", "--evaluation", "--format", form, "--workers", 1]
    counts = ["train_images=4", "val_images=2", "eval_images=2"]
    succeed(PREPARE, "--dataset", download, "--output", output, *options, *counts)
    return output


@pytest.fixture(scope="package")
def prepared(download, tmp_path_factory):
    """What step 2 makes of the download."""
    return prepare(download, tmp_path_factory.mktemp("준비"), "png")


@pytest.fixture(scope="package")
def prepared_lmdb(download, tmp_path_factory):
    """The same, with LMDB."""
    return prepare(download, tmp_path_factory.mktemp("준비 lmdb"), "lmdb")


@pytest.fixture(scope="package")
def trained(prepared, tmp_path_factory):
    """What step 3 makes of that: the experiment's folder, and its settings."""
    saved = tmp_path_factory.mktemp("실험")
    settings = as_arguments(RECOGNIZER, output=prepared, saved_models=saved, experiment_name="시험")
    succeed(TRAIN, *settings)
    return SimpleNamespace(folder=saved / "시험", settings=settings)


@pytest.fixture(scope="package")
def trained_detector(tmp_path_factory):
    """What the detector's training makes of some pages: the experiment's folder, and its settings."""
    folder = tmp_path_factory.mktemp("검출")
    pages.write_folder(folder / "training", range(3))
    pages.write_folder(folder / "validation", [3])
    settings = as_arguments(
        DETECTOR, train_data=folder / "training", val_data=folder / "validation", saved_models=folder / "saved",
        experiment_name="검출기",
    )  # fmt: skip
    succeed(TRAIN_DETECTOR, *settings)
    return SimpleNamespace(folder=folder / "saved" / "검출기", settings=settings)


@pytest.fixture(scope="package")
def installed(trained, tmp_path_factory):
    """EasyOCR's folder after step 4."""
    folder = tmp_path_factory.mktemp("이지")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EASYOCR_MODULE_PATH", str(folder))
        succeed(INSTALL, *trained.settings)
    return folder

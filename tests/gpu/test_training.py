"""Twenty steps on a GPU have the losses of twenty steps on the CPU, in every precision and with several processes."""

import json
import subprocess
import sys

import pytest

from tests.contract.entry_points import REPOSITORY, TRAIN_DETECTOR

TRAIN = "train_easyocr.train"
TOLERANCE = {"fp32": 0.01, "bf16": 0.05, "fp16": 0.05}
"""Relative, of each loss: convolutions on a GPU take TF32 in place of float32, and steps build on each other."""


def losses_of(folder):
    lines = (folder / "log_train.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["training_loss"] for line in lines]


@pytest.fixture
def losses(environment, tmp_path):
    """Train in processes that see the GPUs; return the losses and what was printed."""

    def train(module, settings, *, processes=1, **others):
        launch = ["-m"]
        if processes > 1:
            launch = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}", "-m"]
        options = [*settings, f"saved_models={tmp_path}", "experiment_name=gpu"]
        options += [f"{key}={value}" for key, value in others.items()]
        done = subprocess.run(
            [sys.executable, *launch, module, *options],
            cwd=REPOSITORY,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return losses_of(tmp_path / "gpu"), done.stdout

    return train


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_recognizer(losses, trained, precision):
    found, said = losses(TRAIN, trained.settings, precision=precision)
    assert f"Computing in {precision} on " in said and "CPU" not in said.split("Computing in ")[1].splitlines()[0]
    assert found == pytest.approx(losses_of(trained.folder), rel=TOLERANCE[precision])


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_detector(losses, trained_detector, precision):
    found, _ = losses(TRAIN_DETECTOR, trained_detector.settings, precision=precision)
    assert found == pytest.approx(losses_of(trained_detector.folder), rel=TOLERANCE[precision])


@pytest.mark.gpus(2)
def test_two_processes_with_nccl(losses, trained):
    """Batch normalizations join the processes' statistics, so that two of them train as one does."""
    found, said = losses(TRAIN, trained.settings, processes=2)
    assert "2 processes" in said
    assert found == pytest.approx(losses_of(trained.folder), rel=TOLERANCE["fp32"])


@pytest.mark.parametrize("form", ["prepared", "prepared_lmdb"])
def test_batches_that_workers_load(losses, trained, form, request):
    """Batches through shared memory and pinned memory hold what those hold that the training's process loads."""
    found, _ = losses(TRAIN, trained.settings, workers=2, output=request.getfixturevalue(form))
    assert found == pytest.approx(losses_of(trained.folder), rel=TOLERANCE["fp32"])


def test_compiled(losses, trained):
    found, _ = losses(TRAIN, trained.settings, compile="on")
    assert found == pytest.approx(losses_of(trained.folder), rel=TOLERANCE["fp32"])


def test_a_run_goes_on(losses, trained):
    """Twelve steps and eight more are twenty."""
    losses(TRAIN, [*trained.settings, "lr_scheduler=constant"], n_iter=12)
    found, said = losses(TRAIN, [*trained.settings, "lr_scheduler=constant"], n_iter=20)
    assert "Going on after iteration 12" in said and len(found) == 20

"""Step 3 as users run it: from the command line, killed, interrupted, run again."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tests.detection.page_files import write_page
from tests.recognition.word_sets import WORDS, tiny_config, write_set
from train_easyocr import train as command
from train_easyocr.engine.state import STATE, load_state
from train_easyocr.recognition.task import train
from train_easyocr.settings.checking import save_config

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]
SETTINGS = {"n_iter": 60, "val_period": 10, "lr": 0.01, "workers": 2}


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "공공 문서"  # a path with a space in it
    write_set(folder / "training" / "select_data", WORDS * 2, form="lmdb")
    write_set(folder / "validation" / "select_data", WORDS)
    return folder


def begin(config_file, *settings, script=True):
    """Start the command in a process group of its own, as a shell does."""
    program = [REPOSITORY / "train_easyocr" / "train.py"] if script else ["-m", "train_easyocr.train"]
    return subprocess.Popen(
        [sys.executable, *program, "--config", str(config_file), *settings],
        cwd=REPOSITORY if not script else REPOSITORY.parent,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | ({"PYTHONPATH": str(REPOSITORY)} if not script else {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(process, path):
    """Wait until the process has saved its first state."""
    deadline = time.monotonic() + 120
    while not path.is_file():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def group_is_gone(group):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def assert_as_undisturbed(config, data):
    whole = tiny_config(data, **SETTINGS | {"workers": 0}).model_copy(update={"experiment_name": "whole"})
    train(whole)
    state, expected = load_state(config.experiment), load_state(whole.experiment)
    assert state["iteration"] == expected["iteration"] == 60
    assert state["best"] == expected["best"]
    for key, value in expected["model"].items():
        assert torch.equal(state["model"][key], value), key
    for name in ("best_accuracy.pth", "best_norm_ed.pth"):
        assert (config.experiment / name).read_bytes() == (whole.experiment / name).read_bytes()
    log = (config.experiment / "log_train.txt").read_text(encoding="utf-8")
    assert [line.split()[0] for line in log.splitlines() if line.startswith("[")] == [
        f"[{iteration}/60]" for iteration in range(10, 61, 10)
    ]


def test_killed_and_interrupted_it_ends_as_if_it_had_not_been(data, one_thread):
    config = tiny_config(data, **SETTINGS)
    save_config(config, data / "settings.yaml")

    killed = begin(data / "settings.yaml")
    wait_for(killed, config.experiment / STATE)
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    done = load_state(config.experiment)["iteration"]
    assert 10 <= done < 60
    assert group_is_gone(killed.pid)  # the workers notice that nobody waits for them

    interrupted = begin(data / "settings.yaml", "show_number=2", script=False)
    lines = iter(interrupted.stdout.readline, "")
    assert any(line == f"Going on after iteration {done} of 60\n" for line in lines)
    next(line for line in lines if line.startswith("["))
    os.killpg(interrupted.pid, signal.SIGINT)  # a terminal sends it to the workers, too
    _, errors = interrupted.communicate(timeout=60)
    assert interrupted.returncode == 130
    assert "running the same command again goes on from there" in errors
    assert "Traceback" not in errors
    assert group_is_gone(interrupted.pid)
    assert done < load_state(config.experiment)["iteration"] < 60

    assert command.main(["--config", str(data / "settings.yaml"), "workers=1"]) == 0
    assert_as_undisturbed(config, data)


def test_torchrun_starts_it_and_a_signal_to_torchrun_stops_all_of_it_with_the_state_saved(data):
    config = tiny_config(data, **SETTINGS | {"n_iter": 5000, "workers": 1})
    save_config(config, data / "settings.yaml")
    program = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m", "train_easyocr.train"]
    process = subprocess.Popen(
        [sys.executable, *program, "--config", str(data / "settings.yaml")],
        cwd=REPOSITORY,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(process, config.experiment / STATE)
    os.kill(process.pid, signal.SIGTERM)
    output, errors = process.communicate(timeout=60)
    assert output.count("Global batch: 4 words over 2 processes, 2 in each\n") == 1
    assert errors.count("running the same command again goes on from there") == 1
    state = load_state(config.experiment)
    assert 10 <= state["iteration"] < 5000
    assert f"Stopped after iteration {state['iteration']:,} of 5,000" in errors
    assert "train_easyocr/train.py" not in errors  # no traceback of ours beside torchrun's own


def test_torchrun_trains_the_detector_after_the_recognizer(data):
    for split in ("pages", "other_pages"):
        write_page(data / split, "쪽 1")
        write_page(data / split, "쪽 2")
    (data / "검출.yaml").write_text(
        f"train_data: {data / 'pages'}\nval_data: {data / 'other_pages'}\nn_iter: 1\nval_period: 1\nbatch_size: 2\n"
        "crop_size: 96\nlong_side: 256\nworkers: 0\n",
        encoding="utf-8",
    )
    config = tiny_config(data, **SETTINGS | {"n_iter": 2, "workers": 1, "detection": str(data / "검출.yaml")})
    save_config(config, data / "settings.yaml")
    program = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m", "train_easyocr.train"]
    done = subprocess.run(
        [sys.executable, *program, "--config", str(data / "settings.yaml"), "--minutes", "5"],
        cwd=REPOSITORY,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert done.stdout.count("The detector, korean_detector") == 1
    log = Path(config.saved_models) / "korean_detector" / "log_train.jsonl"
    # A page each: the second process reads with the starter's statistics, too.
    assert json.loads(log.read_text(encoding="utf-8"))["f1"] > 0.8


@pytest.mark.parametrize(
    ("status", "settings", "message"),
    [
        (2, ["leraning_rate=1"], "leraning_rate: there is no such setting"),
        (2, ["n_iter=0", "lr=high"], "n_iter: "),
        (1, ["select_data=없음"], "training/없음: there is no such folder; step 2 (prepare_dataset.py) writes it"),
        (1, ["val_data=nowhere"], "nowhere/select_data: there is no such folder"),
        (2, ["continue_from=lost.pth"], "continue_from: lost.pth: there is no such file"),
        (2, ["continue_from=korean_g9"], "korean_g9: no weights are called that; there are korean_g2, "),
        (2, ["batch_size=25"], "fewer than the 25 that each batch takes"),
    ],
)
def test_mistakes_get_a_line_and_their_status(data, capsys, status, settings, message):
    save_config(tiny_config(data), data / "settings.yaml")
    assert command.main(["--config", str(data / "settings.yaml"), *settings]) == status
    errors = capsys.readouterr().err
    assert message in errors
    assert "Traceback" not in errors


def test_a_set_without_a_usable_word_ends_with_status_1_and_says_why(data, capsys):
    save_config(tiny_config(data), data / "settings.yaml")
    assert command.main(["--config", str(data / "settings.yaml"), "character=하"]) == 1
    errors = capsys.readouterr().err
    assert "none of its 24 words can be used: unknown characters in 24 of 24 (characters most often met: '" in errors


def test_weights_that_do_not_fit_and_a_wrong_file_of_settings_get_a_line_and_their_status(data, capsys):
    save_config(tiny_config(data), data / "settings.yaml")
    (data / "weights.pth").write_bytes(b"no weights")
    assert command.main(["--config", str(data / "settings.yaml"), f"continue_from={data / 'weights.pth'}"]) == 1
    assert "weights.pth: is not a file of weights" in capsys.readouterr().err
    assert command.main(["--config", str(data / "nothing.yaml")]) == 2
    assert "nothing.yaml: there is no such file" in capsys.readouterr().err


def test_an_unreadable_patch_gets_a_line_and_status_1(data, capsys):
    for patch in (data / "validation" / "select_data" / "images").iterdir():
        patch.write_bytes(b"")
    save_config(tiny_config(data, n_iter=1), data / "settings.yaml")
    assert command.main(["--config", str(data / "settings.yaml")]) == 1
    errors = capsys.readouterr().err
    assert ".png: is no image that can be decoded" in errors
    assert "Traceback" not in errors


def test_a_folder_that_can_not_be_written_gets_a_line_and_status_1(data, capsys):
    save_config(tiny_config(data, n_iter=1), data / "settings.yaml")
    (data / "file").touch()
    assert command.main(["--config", str(data / "settings.yaml"), f"saved_models={data / 'file'}"]) == 1
    errors = capsys.readouterr().err
    assert f"{data / 'file'}" in errors
    assert "Not a directory" in errors


def test_wrong_settings_are_told_before_anything_is_loaded():
    started = time.monotonic()
    code = "import sys; from train_easyocr.train import main; print(main(['lr=-1']), 'torch' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout == "2 False\n"
    assert "lr: should be auto or a number above 0" in result.stderr
    assert time.monotonic() - started < 30

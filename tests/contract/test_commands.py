"""What users type: the steps' scripts, the commands and their options."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.contract.entry_points import COMMANDS, PREPARE, REPOSITORY, SEMI_SUPERVISED, options_of, run_script

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
SCRIPTS = (
    "step1_set_environment.sh", "step2_run_prepare_dataset_py.sh", "step3_run_train_py.sh",
    "step4_set_finetuned_model.sh", "step5_run_evaluate_py.sh", "run_pipeline.sh", "run_tests.sh",
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_the_options_that_scripts_may_use_are_there(command):
    """options.txt has a line an option, or an option with one of its choices; others may be added.

    --help has underscores; dashes in their place are understood as well.
    """
    lines = (line.split(" ") for line in (HERE / "options.txt").read_text(encoding="utf-8").splitlines())
    wanted = {option for name, option in lines if name == command}
    assert wanted
    assert {with_underscores(option) for option in wanted} - options_of(command) == set()


def with_underscores(option):
    return re.sub(r"(?<=[a-z])-(?=[a-z])", "_", option.partition("=")[0]) + "".join(option.partition("=")[1:])


def test_the_scripts_are_programs_that_bash_understands():
    for script in SCRIPTS:
        assert os.access(REPOSITORY / script, os.X_OK), script
        subprocess.run(["bash", "-n", str(REPOSITORY / script)], check=True, timeout=30)


@pytest.mark.parametrize(
    ("script", "with_dataset", "without"),
    [
        (
            "step2_run_prepare_dataset_py.sh",
            ["prepare_dataset.py", "--dataset", "내 문서", "--training", "--validation", "--evaluation", "a b", "k=v"],
            ["prepare_dataset.py", "--training", "--validation", "--evaluation", "a b", "k=v"],
        ),
        (
            "step3_run_train_py.sh",
            ["train_easyocr/train.py", "a b", "k=v", "dataset=내 문서"],
            ["train_easyocr/train.py", "a b", "k=v"],
        ),
        (
            "step4_set_finetuned_model.sh",
            ["-m", "train_easyocr.delivery", "a b", "k=v", "dataset=내 문서"],
            ["-m", "train_easyocr.delivery", "a b", "k=v"],
        ),
        (
            "step5_run_evaluate_py.sh",
            ["evaluate.py", "a b", "k=v", "dataset=내 문서"],
            ["evaluate.py", "a b", "k=v"],
        ),
    ],
)
def test_what_the_steps_call(tmp_path, script, with_dataset, without):
    assert run_script(script, tmp_path, "a b", "k=v", DATASET="내 문서") == [with_dataset]
    assert run_script(script, tmp_path, "a b", "k=v") == [without]


def test_step_2_unpacks_and_checks_by_options_of_its_own():
    assert {"--unzip", "--check", "--from"} <= options_of(PREPARE)


def test_the_pipeline_hands_one_set_to_all_steps(tmp_path):
    """On the user's pages everything goes below one folder; with two data sets named it stops with status 2."""
    for step in SCRIPTS[1:5]:
        (tmp_path / step).write_text(f'printf "called yes\\n{step}\\n"; printf "%s\\n" "$@"\n')
    calls = run_script("run_pipeline.sh", tmp_path, "n_iter=5", "continue_from=", PAGES="/내 쪽", DATASET="")
    calls = {call[0]: call[1:] for call in calls if call[0] in SCRIPTS}
    calls = {
        name: [part for part in call if not part.startswith(("==", "called")) and part] for name, call in calls.items()
    }
    common = ["output=/내 쪽_set", "saved_models=/내 쪽_set/saved_models", "n_iter=5", "continue_from="]
    assert list(calls) == list(SCRIPTS[1:5])
    assert calls[SCRIPTS[1]] == ["--from", "/내 쪽", "--output", "/내 쪽_set", *common]
    assert calls[SCRIPTS[2]] == calls[SCRIPTS[3]] == common
    assert calls[SCRIPTS[4]] == ["--output", "/내 쪽_set", *common]
    for wrong in ({"PAGES": "/a", "DATASET": "/b"}, {"UNLABELED": "/a"}):
        with pytest.raises(subprocess.CalledProcessError) as error:
            run_script("run_pipeline.sh", tmp_path, **wrong)
        assert error.value.returncode == 2


def test_the_pipeline_learns_from_scans_that_nobody_labelled(tmp_path):
    for step in SCRIPTS[1:5]:
        (tmp_path / step).write_text(f'printf "called yes\\n{step}\\n"; printf "%s\\n" "$@"\n')
    given = ["n_iter=5", "continue_from=", "experiment_name=우리 것", "train_images=9", "--config", "내 설정"]
    calls = run_script("run_pipeline.sh", tmp_path, *given, PAGES="/내 쪽", UNLABELED="/스캔 문서")
    calls = [[part for part in call if part and not part.startswith(("==", "called"))] for call in calls]
    assert calls[0][:7] == [SCRIPTS[1], "--from", "/내 쪽", "--output", "/내 쪽_set", "--unlabeled", "/스캔 문서"]
    places = ["output=/내 쪽_set", "saved_models=/내 쪽_set/saved_models"]
    own = ["--mode", "small", "--teacher", "우리 것", *places, "small.n_iter=5", "small.continue_from="]
    assert calls[2] == ["-m", SEMI_SUPERVISED, *own]
    assert calls[3] == [SCRIPTS[3], "semi_supervised_small", *places, *given]

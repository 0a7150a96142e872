"""The whole way on a tiny network, killed at any moment and not; and what the command says."""

import csv
import json
import re

import pytest

from tests.engine.cases import Killed, killed_at
from tests.semi_supervised.folders import settings, write_folder
from train_easyocr.common import publishing
from train_easyocr.common.errors import UsageError
from train_easyocr.engine import trainer
from train_easyocr.semi_supervised import __main__ as command
from train_easyocr.semi_supervised import pseudo_labels, reading, stages
from train_easyocr.semi_supervised.config import (
    DEFAULT_CONFIG,
    SemiSupervisedConfig,
    load_semi_supervised_config,
    training_config,
)
from train_easyocr.weights.bundle import open_bundle
from train_easyocr.weights.checkpoints import read_card

pytestmark = [pytest.mark.slow]


def run(folder, *options, **changes):
    return command.main([*options, "--data", str(folder / "자료"), *settings(folder, **changes)])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder after --mode both, and what its unlabelled words say."""
    folder = tmp_path_factory.mktemp("준지도")
    truth = write_folder(folder / "자료")
    assert run(folder, "--mode", "both") == 0
    return folder, truth


def files_of(folder):
    """All that lasts of a run, but for logs, states and places."""
    found = {}
    for path in sorted((folder / "저장 모델").rglob("*")):
        if path.is_file() and path.suffix in (".csv", ".pth", ".png") and path.name != "last_state.pth":
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found


def test_pseudo_labels_are_a_set_with_all_that_is_known_of_them(finished):
    folder, truth = finished
    made = folder / "저장 모델/시험/sets/training/pseudo_1"
    with (made / "pseudo_labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with (made / "labels.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file))[1:] == [[row["filename"], row["words"]] for row in rows]
    assert len(rows) > 10
    assert all(row["words"] == truth[row["filename"]] and float(row["confidence"]) > 0.5 for row in rows)
    assert {row["round"] for row in rows} == {"1"}
    report = json.loads((made / "report.json").read_text(encoding="utf-8"))
    assert report["fates"]["kept"] + report["fates"]["kept for a rare character"] == len(rows)
    assert sum(report["fates"].values()) == len(truth)
    assert report["threshold"]["claimed"] == 1.0
    assert (made / "samples.png").read_bytes().startswith(b"\x89PNG")
    assert not (folder / "저장 모델/시험/readings/1").exists()


def test_both_networks_can_be_named_everywhere_and_say_where_they_come_from(finished, capsys):
    folder, _ = finished
    for size in ("large", "small"):
        card = read_card(open_bundle(f"시험_{size}", folder / "저장 모델").recognizer)
        assert card.validation.words == 30
    assert card.config["select_data"] == "labels-pseudo_1"
    assert card.config["augmentation_of_sets"] == "off-strong"
    assert run(folder, "--history") == 0
    lines = [[cell.strip() for cell in line.split("|")] for line in capsys.readouterr().out.splitlines()[2:]]
    assert [line[:3] for line in lines] == [
        ["시험_teacher", "labels", ""],
        ["시험_large_1", "labels-pseudo_1", "시험_teacher"],
        ["시험_small", "labels-pseudo_1", lines[2][2]],
    ]


def test_killed_at_any_moment_it_ends_as_if_it_had_not_been(finished, tmp_path, monkeypatch):
    write_folder(tmp_path / "자료")
    kills = [
        (trainer.Trainer, "_step", 100, True),  # the teacher's training, before its state is saved
        (stages, "write_json", 1, False),  # the teacher is done, and not recorded
        (reading, "write_json", 4, False),  # between two readings
        (pseudo_labels, "write_report", 1, True),  # half a set
        (publishing, "recover", 3, False),  # a whole set that is not in its place
        (trainer, "save_weights", 1, True),  # weights without the state that belongs to them
        (stages, "keep", 1, True),
    ]
    for kill in kills:
        killed_at(monkeypatch, lambda _: run(tmp_path, "--mode", "both"), None, kill)
    assert run(tmp_path, "--mode", "both") == 0
    ours, theirs = files_of(tmp_path), files_of(finished[0])
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if ours[name] != theirs[name]] == []


def test_a_finished_run_does_nothing_again(finished, monkeypatch):
    def never(*_):
        raise Killed

    monkeypatch.setattr(trainer.Trainer, "_step", never)
    monkeypatch.setattr(reading._Reader, "read", never)
    before = files_of(finished[0])
    assert run(finished[0], "--mode", "both") == 0
    assert files_of(finished[0]) == before


def test_a_small_network_learns_from_a_marked_teacher(finished, capsys):
    folder, _ = finished
    changes = {"experiment_name": "작은 것", "small.n_iter": 2}
    assert run(folder, "--mode", "small", "--teacher", "시험_large", **changes) == 0
    assert read_card(folder / "저장 모델/작은 것_small/best_accuracy.pth").config["select_data"] == "labels-pseudo_1"
    assert "by " + str(open_bundle("시험_large", folder / "저장 모델").recognizer) in capsys.readouterr().out
    assert run(folder, "--mode", "small", "--teacher", "nobody", **changes) == 2
    assert "--teacher: nobody: no weights are called that" in capsys.readouterr().err


def test_a_teacher_that_has_learnt_nothing_labels_nothing(tmp_path, capsys):
    write_folder(tmp_path / "자료")
    assert run(tmp_path, "--mode", "both", **{"large.n_iter": 1, "least_accuracy": 60}) == 1
    assert "the teacher reads 0.0 % of 30 validation words right (60 % are needed)" in capsys.readouterr().err
    assert not (tmp_path / "저장 모델/시험/sets/training/pseudo_1").exists()


def test_the_time_limit_ends_it_with_all_kept(tmp_path, capsys):
    write_folder(tmp_path / "자료")
    assert run(tmp_path, "--mode", "large", "--minutes", "0.05", **{"large.n_iter": 100_000}) == 0
    assert "Time is up before all stages are done; running again goes on" in capsys.readouterr().out
    assert (tmp_path / "저장 모델/시험_teacher/last_state.pth").is_file()


def test_the_file_of_settings_lists_every_key_with_its_default_and_a_comment():
    assert load_semi_supervised_config() == SemiSupervisedConfig()
    text = DEFAULT_CONFIG.read_text(encoding="utf-8")
    keys = re.findall(r"^(\w+):", text, re.MULTILINE)
    assert sorted(keys) == sorted(SemiSupervisedConfig.model_fields)
    silent = {"train_data", "val_data"}  # as config.yaml describes them
    assert all(key in silent or re.search(rf"^{key}: .*# \S", text, re.MULTILINE) for key in keys)


def test_settings_of_each_network_and_all_their_faults():
    config = load_semi_supervised_config(overrides=["large.img_height=32", "small.lr=0.001", "labelled_share=0.75"])
    large, small = (
        training_config(config, size, "1", character="가나", pseudo="pseudo_1", start=start)
        for size, start in (("large", "모델.pth"), ("small", ""))
    )
    assert (large.img_height, large.ema, large.continue_from, small.lr) == (32, 0.999, "모델.pth", 0.001)
    assert (small.batch_shares, small.strengths_of_sets) == ([0.75, 0.25], (0.25, 1.0))
    wrong = ["large.img_heigt=32", "small.seed=3", "roundz=2", "select_data=a-b", "labelled_share=0.4", "large.lr=no"]
    with pytest.raises(UsageError) as error:
        load_semi_supervised_config(overrides=wrong)
    said = str(error.value)
    for fault in ("did you mean img_height", "small.seed: is the same", "did you mean rounds", "labelled_share: "):
        assert fault in said
    assert "large.lr: should be auto or a number" in said


def test_several_processes_are_refused(monkeypatch, capsys):
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert command.main(["--mode", "both"]) == 2
    assert "leave torchrun out" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options", [[], ["--mode", "small"], ["--mode", "both", "--teacher", "x"], ["--make_dict"], ["--mode", "all"]]
)
def test_a_wrong_command_line(options):
    with pytest.raises(SystemExit) as error:
        command.main(options)
    assert error.value.code == 2

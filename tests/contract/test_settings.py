"""The keys of the settings, which users' files name, and the published run to the letter."""

import json
from pathlib import Path

import pytest
import yaml

from tests.contract import pages
from tests.contract.entry_points import CONFIG_FILES, EVALUATE, TRAIN_DETECTOR, run, succeed

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
PUBLISHED = yaml.safe_load((HERE / "published.yaml").read_text(encoding="utf-8"))
"""A copy of the file of today, without its comments."""
READ_AS = {"freeze_FeatureFxtraction": "freeze_FeatureExtraction", "adam": "optimizer"}
"""Keys as they were published, and what they are called now."""


@pytest.mark.parametrize("file", ["config.yaml", "detection.yaml", "semi_supervised.yaml"])
def test_the_keys_that_users_set_and_the_types_of_their_defaults(file):
    """settings.txt has a line a key; others may be added."""
    lines = (line.split(" ") for line in (HERE / "settings.txt").read_text(encoding="utf-8").splitlines())
    wanted = {(key, kind) for name, key, kind in lines if name == file}
    settings = yaml.safe_load((CONFIG_FILES / file).read_text(encoding="utf-8"))
    assert wanted
    assert wanted - {(key, type(value).__name__) for key, value in settings.items()} == set()


def test_the_published_run_to_the_letter():
    text = (CONFIG_FILES / "published.yaml").read_text(encoding="utf-8")
    assert yaml.safe_load(text) == PUBLISHED
    assert [line.split(":")[0] for line in text.splitlines() if line and line[0] != "#"] == list(PUBLISHED)


def effective(tmp_path, *arguments):
    """Return the settings that step 5 ran by, as it writes them down."""
    pages.write_folder(tmp_path / "pages", [0])
    (tmp_path / "read.json").write_text(json.dumps({"pages": {pages.name_of(0): []}}), encoding="utf-8")
    files = ["--eval_set", tmp_path / "pages", "--predictions", tmp_path / "read.json", "--output", tmp_path / "out"]
    succeed(EVALUATE, *files, "--report_images", "none", *arguments)
    return json.loads((tmp_path / "out" / "evaluation_result.json").read_text(encoding="utf-8"))["config"]


def test_every_step_takes_the_published_settings_as_they_are(tmp_path):
    found = effective(tmp_path, "--config", CONFIG_FILES / "published.yaml")
    wanted = PUBLISHED | {"adam": "adam" if PUBLISHED["adam"] else "adadelta", "augmentation": "off"}
    for key, value in wanted.items():
        assert found[READ_AS.get(key, key)] in (value, str(value)), key


def test_a_users_file_names_what_it_changes_and_a_command_line_comes_last(tmp_path):
    own = tmp_path / "내 설정.yaml"
    own.write_text("batch_size: 24\nselect_data: A-B\nbatch_ratio: 0.5-0.5\nlr: 0.5\n", encoding="utf-8")
    found = effective(tmp_path, "--config", own, "lr=0.25", "n_iter=20_000", "sensitive=False")
    assert (found["batch_size"], found["select_data"], found["batch_ratio"]) == (24, "A-B", "0.5-0.5")
    assert (found["lr"], found["n_iter"], found["sensitive"]) == (0.25, 20_000, False)


def test_all_faults_are_told_at_once_with_the_nearest_key(tmp_path):
    done = run(EVALUATE, "--eval_set", tmp_path, "leraning_rate=1", "batch_siz=2", "img_height=high")
    for said in ("leraning_rate", "batch_siz: ", "did you mean batch_size", "img_height"):
        assert said in done.err
    done = run(TRAIN_DETECTOR, "crop_sise=5", f"train_data={tmp_path}", f"val_data={tmp_path}")
    assert "did you mean crop_size" in done.err

"""One's own pages: what step 2 keeps of them is what step 3 trains the detector on."""

import shutil

import pytest

from tests.documents.own_folders import PAGES, own_folder
from train_easyocr.common.errors import UsageError
from train_easyocr.datasets.own_pages import find_own_pages
from train_easyocr.detection.config import DEFAULT_CONFIG, detection_of, own_detector
from train_easyocr.detection.pages import open_pages
from train_easyocr.documents.aihub import read_labelled_page
from train_easyocr.settings.checking import CONFIG_FILES
from train_easyocr.settings.config import load_config
from train_easyocr.tuning.tuning_step import pages_to_search

pytestmark = pytest.mark.slow

SETS = ("--training", "--validation", "--workers", "1", "val_images=2", "eval_images=1")


def config_of(output, *settings):
    return load_config(CONFIG_FILES / "config.yaml", [f"output={output}", "experiment_name=나의 글", *settings])


@pytest.mark.parametrize("form", ["aihub", "ppocrlabel", "icdar2013", "icdar2015"])
def test_step_3_trains_on_the_pages_that_step_2_drew_for_training(tmp_path, run, form):
    folder, output = own_folder(tmp_path / f"{form} 원본", form), tmp_path / "나의 것"
    status, out, _ = run("--from", folder, "--output", output, *SETS)
    assert status == 0
    assert "step 3 trains the detector on these pages, too" in out
    settings = detection_of(config_of(output))
    assert settings.label_format == form
    assert settings.experiment == own_detector(config_of(output))
    training, validation = open_pages(settings)
    assert (len(training.pages), len(validation.pages)) == (5, 1)
    assert {page.name for page in training.pages}.isdisjoint({page.name for page in validation.pages})
    drawn = (output / "training_and_validation_set/training/select_data/manifest.json").read_text(encoding="utf-8")
    assert all(page.name in drawn for page in training.pages)
    assert len(training.pages) + len(validation.pages) == PAGES - 1, "the evaluation's page is in neither"
    assert (training.words, training.faults) == (32, {"box around several words": 8}) and not training.problems


def test_what_a_user_changes_in_the_file_stays_while_the_pages_are_the_same(tmp_path, run):
    folder, output = own_folder(tmp_path / "원본", "ppocrlabel"), tmp_path / "나의 것"
    run("--from", folder, "--output", output, *SETS)
    file = find_own_pages(output, ["select_data"])
    assert detection_of(config_of(output)).batch_size == 4
    file.write_text(file.read_text(encoding="utf-8").replace("batch_size: 4", "batch_size: 2\nema: 0.9"), "utf-8")
    run("--from", folder, "--output", output, *SETS)
    found = detection_of(config_of(output))
    assert (found.batch_size, found.ema) == (2, 0.9)
    file.write_text("batch_size: [\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"detection\.yaml"):
        detection_of(config_of(output))
    run("--from", folder, "--output", output, *SETS)
    assert detection_of(config_of(output)).batch_size == 4
    tuned_on = pages_to_search(config_of(output, "detection="), None)
    assert len(tuned_on) == 1 and read_labelled_page(tuned_on[0]).words


def test_pages_elsewhere_are_only_taken_where_there_are_no_own_ones(tmp_path, run):
    folder, output = own_folder(tmp_path / "원본", "ppocrlabel"), tmp_path / "나의 것"
    assert detection_of(config_of(output)) is None
    run("--from", folder, "--output", output, *SETS[1:])
    assert detection_of(config_of(output)) is None, "nothing was drawn for training yet"
    run("--from", folder, "--output", output, *SETS)
    assert detection_of(config_of(output, "detection=")) is None
    assert detection_of(config_of(output, "select_data=select_data-다른 것", "batch_ratio=0.5-0.5")) is not None
    assert detection_of(config_of(output, "select_data=다른 것")) is None
    named = detection_of(config_of(output, f"detection={DEFAULT_CONFIG}", f"dataset={folder}"))
    assert named.train_list == "", "a file that is named is taken as it is"

    shutil.move(folder, tmp_path / "옮긴 원본")
    assert find_own_pages(output, ["select_data"]) is None
    assert detection_of(config_of(output)) is None, "patches alone are enough for the recognizer"


def test_a_page_whose_name_ends_with_a_space_is_found_again(tmp_path, run):
    folder, output = own_folder(tmp_path / "원본", "aihub"), tmp_path / "나의 것"
    for path in [*folder.rglob("*.jpg"), *folder.rglob("*.json")]:
        path.rename(path.with_name(f"{path.stem} {path.suffix}"))
    assert run("--from", folder, "--output", output, *SETS)[0] == 0
    assert len(open_pages(detection_of(config_of(output)))[0].pages) == 5

"""The command that makes the starter's recognizer, with a tiny network and few words."""

import json

import pytest
import torch

from train_easyocr.recipes.recognizer import main, publish_recognizer
from train_easyocr.weights.checkpoints import card_path, read_card, read_weights

pytestmark = pytest.mark.slow

NAMES = ("words", "signs")
TINY = ["output_channel=16", "hidden_size=8", "batch_size=8", "n_iter=4", "val_period=2", "augmentation=off"]


def command(folder, *options, settings=TINY):
    return main(["--work", str(folder / "일"), "--output", str(folder / "r.pth"), *options, *settings])


def test_it_renders_trains_and_writes_weights_that_name_no_folder_of_this_machine(tmp_path, capsys):
    assert command(tmp_path, "--words", "40") == 0
    card = read_card(tmp_path / "r.pth")
    assert "를" in card.character
    assert card.validation_sets == []
    counts = [len((tmp_path / "일/training" / name / "labels.csv").read_text().splitlines()) - 1 for name in NAMES]
    assert counts == [30, 10]
    log = (tmp_path / "일/saved_models/starter_recognizer/log_train.jsonl").read_text(encoding="utf-8")
    drawn = json.loads(log.splitlines()[-1])["drawn"]
    assert drawn["words"] > 2 * drawn["signs"] > 0
    assert str(tmp_path) not in card_path(tmp_path / "r.pth").read_text(encoding="utf-8")
    values = read_weights(tmp_path / "r.pth").values()
    assert {value.dtype for value in values if value.is_floating_point()} == {torch.float16}
    assert "Written:" in capsys.readouterr().out


def test_out_of_time_it_says_so_and_the_same_command_goes_on(tmp_path, capsys):
    settings = [*TINY, "n_iter=3", "val_period=3"]
    assert command(tmp_path, "--words", "40", "--minutes", "1e-6", settings=settings) == 0
    assert "time is up after 1 of 3 iterations" in capsys.readouterr().out
    assert read_card(tmp_path / "r.pth").iteration == 1
    assert command(tmp_path, "--words", "40", settings=settings) == 0
    assert "all 3 iterations are done" in capsys.readouterr().out


def test_the_same_weights_are_published_as_the_same_bytes(tmp_path):
    assert command(tmp_path, "--words", "40") == 0
    best = tmp_path / "일/saved_models/starter_recognizer/best_accuracy.pth"
    there, again = publish_recognizer(best, tmp_path / "a.pth"), publish_recognizer(best, tmp_path / "b.pth")
    assert there.weights_sha256 == again.weights_sha256
    assert there.config["output"] == ""


def test_a_part_has_words_of_its_own(tmp_path):
    texts = []
    for part in ("0", "1"):
        folder = tmp_path / part
        assert command(folder, "--words", "40", "--part", part, settings=[*TINY, "n_iter=2"]) == 0
        sets = {name: (folder / "일" / name) for name in ("training/words", "training/signs", "validation/words")}
        texts.append({name: (path / "labels.csv").read_text(encoding="utf-8") for name, path in sets.items()})
    assert texts[0]["training/words"] != texts[1]["training/words"]
    assert texts[0]["training/signs"] != texts[1]["training/signs"]
    assert texts[0]["validation/words"] == texts[1]["validation/words"]

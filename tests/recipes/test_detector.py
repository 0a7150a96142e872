"""The command that makes the starter's detector, with few steps on few pages."""

import json

import pytest
import torch

from train_easyocr.detection.db_detector import open_db_light
from train_easyocr.recipes.detector import main
from train_easyocr.weights.checkpoints import card_path, read_weights
from train_easyocr.weights.starter import DETECTOR

pytestmark = pytest.mark.slow

TINY = ["train_images=2", "val_images=1", "eval_images=1", "n_iter=1", "val_period=1", "batch_size=1", "crop_size=64"]


def test_it_renders_trains_and_writes_weights_that_name_no_folder_of_this_machine(tmp_path, capsys):
    places = ["--work", str(tmp_path / "일"), "--output", str(tmp_path / "d.pth")]
    assert main([*places, "--pages", "24", "long_side=320", "workers=0", *TINY]) == 0
    assert str(tmp_path) not in card_path(tmp_path / "d.pth").read_text(encoding="utf-8")
    values = read_weights(tmp_path / "d.pth").values()
    assert {value.dtype for value in values if value.is_floating_point()} == {torch.float16}
    assert open_db_light(tmp_path / "d.pth", cuda=False).parameters.det_db_thresh == 0.3
    assert "Written:" in capsys.readouterr().out


def test_a_part_has_pages_of_its_own(tmp_path):
    sums = []
    for part in ("0", "1"):
        places = ["--work", str(tmp_path / part), "--output", str(tmp_path / part / "d.pth"), "--part", part]
        assert main([*places, "--pages", "24", "long_side=320", "workers=0", *TINY]) == 0
        sums.append(json.loads((tmp_path / part / "synthesis.json").read_text(encoding="utf-8"))["archives"])
    assert sums[0].keys() == sums[1].keys() and not set(sums[0].values()) & set(sums[1].values())


def test_weights_between_the_trained_ones_and_others_are_written(tmp_path):
    places = [
        "--work",
        str(tmp_path / "일"),
        "--pages",
        "24",
        "long_side=320",
        "workers=0",
        "continue_from=starter",
        *TINY,
    ]
    assert main([*places, "--output", str(tmp_path / "new.pth")]) == 0
    assert main([*places, "--output", str(tmp_path / "between.pth"), "--average", "starter", "0.25"]) == 0
    new, between, old = (read_weights(path) for path in (tmp_path / "new.pth", tmp_path / "between.pth", DETECTOR))
    floating = [key for key, value in new.items() if value.is_floating_point()]
    assert any((new[key] != old[key]).any() for key in floating)
    for key in floating:
        expected = 0.25 * new[key].float() + 0.75 * old[key].float()
        torch.testing.assert_close(between[key].float(), expected, rtol=2e-3, atol=1e-4)
    cards = [json.loads(card_path(tmp_path / name).read_text(encoding="utf-8")) for name in ("new.pth", "between.pth")]
    assert [card["validation"]["pages"] for card in cards] == [1, 1] and cards[0]["validation"] != cards[1][
        "validation"
    ]


@pytest.mark.parametrize("share", ["1.5", "-0.1", "viel"])
def test_a_share_that_is_none_is_refused(tmp_path, share, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["--work", str(tmp_path), "--average", "starter", share])
    assert f"SHARE: {share!r} is no number from 0 to 1" in capsys.readouterr().err

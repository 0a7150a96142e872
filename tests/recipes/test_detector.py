"""The command that makes the starter's detector, with few steps on few pages."""

import pytest
import torch

from train_easyocr.detection.db_detector import open_db_light
from train_easyocr.recipes.detector import main
from train_easyocr.weights.checkpoints import card_path, read_weights

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

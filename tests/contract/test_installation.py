"""What step 4 puts where EasyOCR looks: names, keys, and a class that EasyOCR builds."""

import ast
import json

import pytest
import torch
import yaml

from tests.contract.entry_points import INSTALL, run, succeed

pytestmark = pytest.mark.slow


def test_easyocrs_three_files_and_the_card(installed, trained):
    files = {path.relative_to(installed).as_posix() for path in installed.rglob("*") if path.is_file()}
    assert files == {
        "model/finetuned.pth", "model/finetuned.json", "user_network/finetuned.py", "user_network/finetuned.yaml"
    }  # fmt: skip
    for suffix in (".pth", ".json"):
        content = (installed / "model" / f"finetuned{suffix}").read_bytes()
        assert content == (trained.folder / f"best_accuracy{suffix}").read_bytes()


def test_keys_of_finetuned_yaml(installed):
    settings = yaml.safe_load((installed / "user_network" / "finetuned.yaml").read_text(encoding="utf-8"))
    assert settings == {
        "imgH": 32,
        "lang_list": ["ko", "en"],
        "character_list": "가나다라마바사",
        "network_params": {
            "input_channel": 1, "output_channel": 16, "hidden_size": 16, "Transformation": "None",
            "FeatureExtraction": "VGG", "SequenceModeling": "BiLSTM", "num_fiducial": 20, "img_height": 32,
            "img_width": 128,
        },
    }  # fmt: skip


def test_finetuned_py_stands_alone_and_its_model_takes_the_weights(installed):
    source = (installed / "user_network" / "finetuned.py").read_text(encoding="utf-8")
    imported = [node.module or "" for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
    imported += [
        name.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import) for name in node.names
    ]
    assert {name.split(".")[0] for name in imported} <= {
        "__future__",
        "collections",
        "easyocr",
        "torch",
        "typing",
        "math",
    }
    module = {"__name__": "finetuned"}
    exec(compile(source, "finetuned.py", "exec"), module)
    settings = yaml.safe_load((installed / "user_network" / "finetuned.yaml").read_text(encoding="utf-8"))
    classes = len(settings["character_list"]) + 1
    model = module["Model"](num_class=classes, **settings["network_params"]).eval()
    state = torch.load(installed / "model" / "finetuned.pth", weights_only=True)
    model.load_state_dict({key.removeprefix("module."): value for key, value in state.items()})
    with torch.inference_mode():
        read = model(torch.zeros(2, 1, 32, 128), torch.zeros(2, 9))  # EasyOCR hands a text over, which is not used
    assert read.shape == (2, 128 // 4 - 1, classes)


@pytest.mark.parametrize("variable", ["EASYOCR_MODULE_PATH", "HOME"])
def test_easyocrs_folder_is_where_easyocr_has_it(trained, tmp_path, monkeypatch, variable):
    monkeypatch.delenv("EASYOCR_MODULE_PATH", raising=False)
    monkeypatch.setenv(variable, str(tmp_path))
    folder = tmp_path if variable == "EASYOCR_MODULE_PATH" else tmp_path / ".EasyOCR"
    succeed(INSTALL, trained.folder / "best_norm_ed.pth", *trained.settings, "--words", 2)
    assert (folder / "model" / "finetuned.pth").is_file()


def test_a_detector_goes_beside_it_and_what_was_there_before_is_kept(trained, trained_detector, tmp_path, monkeypatch):
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path))
    few = ["--words", 2]
    succeed(INSTALL, *trained.settings, *few)
    succeed(INSTALL, *trained.settings, *few, "--detector", trained_detector.folder / "best_f1.pth")
    model = tmp_path / "model"
    wanted = {f"finetuned{name}" for name in (".pth", ".json", "_detector.pth", "_detector.json", "_detection.yaml")}
    assert {path.name for path in model.iterdir()} >= wanted
    settings = yaml.safe_load((model / "finetuned_detection.yaml").read_text(encoding="utf-8"))
    assert settings.keys() >= {"network", "weights_sha256", "parameters"}
    [kept] = (tmp_path / "previous_models").iterdir()
    assert {path.name for path in kept.iterdir()} == {
        "finetuned.pth", "finetuned.json", "finetuned.py", "finetuned.yaml"
    }  # fmt: skip
    assert (
        kept.name == "시험-" + json.loads((kept / "finetuned.json").read_text(encoding="utf-8"))["weights_sha256"][:8]
    )
    assert kept.name in succeed(INSTALL, "--list")
    succeed(INSTALL, "--restore", kept.name)
    assert not (model / "finetuned_detection.yaml").exists()


def test_weights_that_do_not_belong_to_their_card_are_refused(trained, tmp_path, monkeypatch):
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path / "easyocr"))
    weights = tmp_path / "other.pth"
    weights.write_bytes((trained.folder / "best_accuracy.pth").read_bytes() + b"\0")
    weights.with_suffix(".json").write_bytes((trained.folder / "best_accuracy.json").read_bytes())
    assert run(INSTALL, weights, *trained.settings).status == 1
    assert not (tmp_path / "easyocr" / "model" / "finetuned.pth").exists()

"""Step 5 as a user runs it, with random weights of EasyOCR's shape: output, missing weights, kill and resume."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import easyocr.easyocr
import pytest
import torch

import evaluate
from tests.detection.untrained import save_untrained
from tests.easyocr_files import install_random_weights
from tests.evaluation.installed import CHARACTERS, NETWORK, install_finetuned, write_page, write_set
from train_easyocr.common.files import sha256
from train_easyocr.delivery.staging import stage_detection
from train_easyocr.detection.installed import InstalledDetector
from train_easyocr.detection.opening import open_detector_of
from train_easyocr.documents import Box
from train_easyocr.documents.splits import evenly_spread
from train_easyocr.evaluation import models as models_module
from train_easyocr.reading.reader import open_finetuned
from train_easyocr.reading.sources import load_page
from train_easyocr.recognition.network import Model
from train_easyocr.weights import starter as starter_weights
from train_easyocr.weights.bundle import in_place, open_bundle
from train_easyocr.weights.checkpoints import WeightsCard, save_weights
from train_easyocr.weights.model_files import Place

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NAMES = ("evaluation_result.csv", "evaluation_result.json", "evaluation_predictions.jsonl")


@pytest.fixture
def eval_set(tmp_path):
    return write_set(tmp_path / "세트 1" / "evaluation_set")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """EasyOCR's folder with the fine-tuned model; without a network nothing else can be had."""
    install_finetuned(tmp_path / "easyocr")
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path / "easyocr"))
    monkeypatch.setattr("easyocr.utils.urlretrieve", _no_network)
    monkeypatch.setattr(starter_weights, "RECOGNIZER", tmp_path / "none.pth")
    monkeypatch.setattr(starter_weights, "DETECTOR", tmp_path / "none.pth")
    return tmp_path / "easyocr"


def _no_network(*_, **__):
    raise OSError("no network")


def step5(eval_set, output, *options):
    return evaluate.main(["--eval_set", str(eval_set), "--output", str(output), *options])


def result(output):
    return json.loads((output / NAMES[1]).read_text(encoding="utf-8"))


def test_all_models_on_labelled_boxes(folder, eval_set, tmp_path, monkeypatch, capsys):
    files = install_random_weights(folder, monkeypatch, names=("korean_g2",))
    assert step5(eval_set, tmp_path / "out", "--boxes", "labels", "seed=5") == 0
    found = result(tmp_path / "out")
    assert list(found["models"]) == ["baseline", "baseline_ko_en", "finetuned"]
    assert found["models"]["baseline"]["identity"]["weights_sha256"] == sha256(files["korean_g2"])
    assert found["models"]["baseline"]["identity"]["languages"] == "ko"
    assert found["models"]["finetuned"]["identity"]["weights_sha256"] == sha256(folder / "model" / "finetuned.pth")
    assert (found["pages"], found["words"], found["config"]["seed"]) == (4, 14, 5)
    assert set(found["improvement_percent"]) == {"baseline", "baseline_ko_en"}
    assert {model["mean"]["detection_f1"] for model in found["models"].values()} == {1.0}
    rows = list(csv.DictReader((tmp_path / "out" / NAMES[0]).open(encoding="utf-8")))
    assert len(rows) == 4 * 3
    shown = capsys.readouterr().out
    assert "4 pages, 14 words, read at the labelled boxes" in shown
    assert "주민복지" in shown
    assert "What finetuned lost, by error class" in shown
    assert "finetuned - baseline_ko_en" in shown
    analysis = json.loads((tmp_path / "out" / "analysis.json").read_text(encoding="utf-8"))
    assert list(analysis["models"]) == list(found["models"])
    assert {page["name"]: page["labels"] for page in analysis["pages"]} == {
        row["page"]: int(row["labels"]) for row in rows
    }
    assert "# finetuned in detail" in (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    check_readings_of_easyocr(folder, eval_set, tmp_path / "out")


def test_without_easyocrs_weights_the_starter_weights_are_the_baseline(folder, eval_set, tmp_path, monkeypatch, capsys):
    arguments = {"num_class": len(CHARACTERS) + 1, **NETWORK, "img_height": 32, "img_width": 320}
    card = WeightsCard(
        character=CHARACTERS, network={**arguments, "Prediction": "CTC", "Transformation": "None",
        "FeatureExtraction": "VGG", "SequenceModeling": "BiLSTM", "num_fiducial": 20},
        rgb=False, PAD=True, sensitive=True, img_height=32, img_width=320, iteration=1, validation_sets=[],
        validation={"accuracy": 90, "norm_ed": 0.9, "words": 10}, experiment_name="starter", config={},
    )  # fmt: skip
    starter = tmp_path / "recognizer.pth"
    save_weights(starter, Model(**arguments), card, torch.float16)
    monkeypatch.setattr(starter_weights, "RECOGNIZER", starter)
    assert step5(eval_set, tmp_path / "out", "--boxes", "labels") == 0
    found = result(tmp_path / "out")
    assert list(found["models"]) == ["starter", "finetuned"]
    assert found["models"]["starter"]["identity"]["weights_sha256"] == sha256(starter)
    assert set(found["improvement_percent"]) == {"starter"}
    assert "The starter's recognizer is used instead of EasyOCR's korean_g2." in capsys.readouterr().err
    assert open_finetuned().img_height == 64  # the installed model is what it was


def test_baselines_differ_in_their_languages(folder, monkeypatch):
    install_random_weights(folder, monkeypatch, names=("korean_g2",))
    models, _ = models_module.find_models(baseline=True, finetuned=False, cuda=False)
    characters = {model.name: set(model.open().reader.lang_char) for model in models}
    assert list(characters) == ["baseline", "baseline_ko_en"]
    assert "가" in characters["baseline"] & characters["baseline_ko_en"]
    assert "Q" in characters["baseline_ko_en"] - characters["baseline"]


def check_readings_of_easyocr(folder, eval_set, output):
    """The kept texts are what EasyOCR itself reads at the labelled boxes of a page."""
    name = "인.허가/5350109/2001/5350109-2001-0001-0000"
    plain = easyocr.easyocr.Reader(
        ["ko"], gpu=False, model_storage_directory=str(folder / "model"), download_enabled=False, detector=False
    )
    page = eval_set / "images" / f"{name}.png"
    _, grey = easyocr.easyocr.reformat_input(str(page))
    expected = [plain.recognize(grey, [box], [])[0][1] for box in ([10, 90, 12, 42], [110, 200, 14, 42])]
    lines = [json.loads(line) for line in (output / NAMES[2]).read_text(encoding="utf-8").splitlines()[1:]]
    [rows] = [line["rows"] for line in lines if (line["reader"], line["page"]) == ("labels/baseline", name)]
    assert [row[4] for row in rows] == expected
    assert [row[:4] for row in rows] == [[10, 12, 90, 42], [110, 14, 200, 42]]


def test_detector_finds_words_once_a_page(folder, eval_set, tmp_path, monkeypatch):
    install_random_weights(folder, monkeypatch)
    calls = []
    detect = easyocr.easyocr.Reader.detect

    def counting(self, *arguments, **options):
        calls.append(1)
        return detect(self, *arguments, **options)

    monkeypatch.setattr(easyocr.easyocr.Reader, "detect", counting)
    assert step5(eval_set, tmp_path / "out", "--limit", "2") == 0
    found = result(tmp_path / "out")
    assert len(calls) == 2
    assert (found["boxes"], found["pages"], list(found["categories"])) == ("detector", 2, ["인.허가", "주민복지"])
    assert "detector weights_sha256" in (tmp_path / "out" / NAMES[2]).read_text(encoding="utf-8").splitlines()[0]


def test_the_installed_detector_finds_words_where_easyocrs_can_not_be_had(folder, eval_set, tmp_path, capsys):
    files = Place(folder / "model", folder / "user_network")
    stage_detection(open_bundle(save_untrained(tmp_path / "검출.pth", long_side=320)), None, files, files)
    assert step5(eval_set, tmp_path / "out", "--finetuned") == 0
    found = result(tmp_path / "out")
    assert (list(found["models"]), found["boxes"], found["pages"]) == (["finetuned"], "detector", 4)
    _, *rows = map(json.loads, (tmp_path / "out" / NAMES[2]).read_text(encoding="utf-8").splitlines())
    detector = InstalledDetector(open_detector_of(in_place("", files)).detector)
    assert {row["reader"] for row in rows} == {"detection/finetuned", "finetuned/finetuned"}
    for row in rows:
        if row["reader"] == "detection/finetuned":
            image = load_page(eval_set / "images" / f"{row['page']}.png")[0]
            assert [tuple(box) for box in row["rows"]] == detector.boxes(image)
    assert sum(len(row["rows"]) for row in rows) > 4

    files.detection_settings.write_text("kaputt", encoding="utf-8")
    assert step5(eval_set, tmp_path / "out", "--finetuned") == 1
    assert "holds no detection settings" in capsys.readouterr().err


def test_missing_baseline_leaves_the_finetuned_model(folder, eval_set, tmp_path, capsys):
    assert step5(eval_set, tmp_path / "out", "--boxes", "labels") == 1
    found = result(tmp_path / "out")
    assert list(found["models"]) == ["finetuned"]
    assert list(found["left_out"]) == ["baseline", "baseline_ko_en"]
    said = capsys.readouterr()
    assert str(folder / "model") in said.err
    assert "korean_g2.pth" in said.err.splitlines()[-1]
    assert "Traceback" not in said.err
    assert "finetuned" in said.out


def test_missing_finetuned_model_leaves_the_baseline(folder, eval_set, tmp_path, monkeypatch, capsys):
    install_random_weights(folder, monkeypatch, names=("korean_g2",))
    (folder / "user_network" / "finetuned.yaml").unlink()
    assert step5(eval_set, tmp_path / "out", "--boxes", "labels", "--limit", "1") == 1
    assert list(result(tmp_path / "out")["models"]) == ["baseline", "baseline_ko_en"]
    assert str(folder / "user_network" / "finetuned.yaml") in capsys.readouterr().err


def test_model_that_is_not_asked_for_is_not_missed(folder, eval_set, tmp_path):
    assert step5(eval_set, tmp_path / "out", "--finetuned", "--boxes", "labels") == 0


def test_damaged_finetuned_model_leaves_the_baseline(folder, eval_set, tmp_path, monkeypatch, capsys):
    install_random_weights(folder, monkeypatch, names=("korean_g2",))
    (folder / "model" / "finetuned.pth").write_bytes(b"damaged")
    assert step5(eval_set, tmp_path / "out", "--boxes", "labels", "--limit", "1") == 1
    assert list(result(tmp_path / "out")["models"]) == ["baseline", "baseline_ko_en"]
    assert "finetuned was not evaluated" in capsys.readouterr().err


def test_missing_detector(folder, eval_set, tmp_path, capsys):
    assert step5(eval_set, tmp_path / "out", "--finetuned") == 1
    said = capsys.readouterr().err
    assert "craft_mlt_25k.pth" in said
    assert "--boxes labels needs none" in said
    assert not (tmp_path / "out" / NAMES[1]).exists()


def test_nothing_there_at_all(folder, eval_set, tmp_path, capsys):
    (folder / "model" / "finetuned.pth").unlink()
    assert step5(eval_set, tmp_path / "out", "--boxes", "labels") == 1
    assert "no model can be evaluated" in capsys.readouterr().err.splitlines()[-1]


def test_problem_pages_are_listed_and_do_not_fail_the_run(folder, eval_set, tmp_path, capsys):
    image, _ = write_page(eval_set, "인.허가/broken", [(0, 0, 50, 20, "가")])
    image.write_bytes(b"no image")
    _, label = write_page(eval_set, "인.허가/malformed", [(0, 0, 50, 20, "가")])
    label.write_text("[", encoding="utf-8")
    _, label = write_page(eval_set, "인.허가/alone", [(0, 0, 50, 20, "가")])
    label.unlink()
    assert step5(eval_set, tmp_path / "out", "--finetuned", "--boxes", "labels") == 0
    found = result(tmp_path / "out")
    assert found["pages"] == 4
    assert sorted(entry["page"] for entry in found["skipped"]) == [
        "인.허가/alone",
        "인.허가/broken",
        "인.허가/malformed",
    ]
    said = capsys.readouterr()
    assert "Skipped: 3" in said.out
    assert said.err.count("skipped 인.허가/") == 3


def test_output_that_cannot_be_written(folder, eval_set, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert step5(eval_set, tmp_path / "file", "--finetuned", "--boxes", "labels") == 1
    (tmp_path / "out" / NAMES[0]).mkdir(parents=True)
    assert step5(eval_set, tmp_path / "out", "--finetuned", "--boxes", "labels") == 1
    said = capsys.readouterr().err
    assert "predictions can't be written" in said
    assert "results can't be written" in said
    assert "Traceback" not in said


def test_only_problem_pages(folder, tmp_path, capsys):
    image, _ = write_page(tmp_path / "set", "인.허가/broken", [(0, 0, 50, 20, "가")])
    image.write_bytes(b"no image")
    assert step5(tmp_path / "set", tmp_path / "out", "--finetuned", "--boxes", "labels") == 1
    assert "none of 1 pages could be evaluated" in capsys.readouterr().err
    assert not (tmp_path / "out" / NAMES[1]).exists()


def test_default_set_is_where_step_2_put_it(folder, eval_set, tmp_path):
    options = ["--finetuned", "--boxes", "labels", "--limit", "1", "--output", str(tmp_path / "out")]
    assert evaluate.main([f"dataset={eval_set.parent}", *options]) == 0
    assert result(tmp_path / "out")["eval_set"] == str(eval_set)


@pytest.mark.parametrize(
    ("status", "options", "message"),
    [
        (1, ["--eval_set", "no/such/folder"], "no/such/folder: there is no such folder"),
        (1, ["--eval_set", "{empty}"], "holds no labels"),
        (2, ["--eval_set", "{empty}", "learning_rate=3"], "learning_rate: there is no such setting"),
        (2, ["--eval_set", "{empty}", "--config", "none.yaml"], "none.yaml: there is no such file"),
    ],
)
def test_wrong_commands(folder, tmp_path, capsys, *, status, options, message):
    (tmp_path / "empty").mkdir()
    assert evaluate.main([option.format(empty=tmp_path / "empty") for option in options]) == status
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said


@pytest.mark.parametrize("options", [["--limit", "0"], ["--limit", "-3"], ["--boxes", "none"], ["--no_such"]])
def test_wrong_options(options, capsys):
    with pytest.raises(SystemExit) as caught:
        evaluate.main(options)
    assert caught.value.code == 2


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_cuda_without_a_gpu(folder, eval_set, tmp_path, capsys):
    assert step5(eval_set, tmp_path / "out", "--cuda") == 2
    assert "--cuda" in capsys.readouterr().err


def test_cuda_is_handed_on(monkeypatch, folder):
    opened = []
    monkeypatch.setattr(models_module, "open_fast", lambda cuda, precision: opened.append((cuda, precision)))
    monkeypatch.setattr(models_module, "fastest_precision", lambda device: {"cuda": "bf16", "cpu": "fp32"}[device.type])
    for cuda in (True, False):
        [model], missing = models_module.find_models(baseline=False, finetuned=True, cuda=cuda)
        assert missing == {}
        assert model.identity["device"] == ("cuda" if cuda else "cpu")
        assert model.identity["reading"] == ("fast, bf16" if cuda else "fast, fp32")
        model.open()
    assert opened == [(True, "bf16"), (False, "fp32")]


def test_finetuned_model_is_read_fast_and_as_easyocr_reads_it(folder, eval_set, tmp_path, monkeypatch):
    """The kept texts are the fast reader's, which are EasyOCR's; readings of the slow way would be of another model."""
    monkeypatch.setattr(models_module, "fastest_precision", lambda device: "fp32")
    slow = []
    monkeypatch.setattr(easyocr.easyocr.Reader, "recognize", lambda *_, **__: slow.append(1))
    assert step5(eval_set, tmp_path / "out", "--finetuned", "--boxes", "labels", "--limit", "1") == 0
    monkeypatch.undo()
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(folder))
    lines = (tmp_path / "out" / NAMES[2]).read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0])["readers"]["labels/finetuned"]["reading"] == "fast, fp32"
    line = json.loads(lines[1])
    _, grey = load_page(eval_set / "images" / f"{line['page']}.png")
    expected = open_finetuned(quantize=False).recognize(grey, [Box(*row[:4]) for row in line["rows"]])
    assert [row[4] for row in line["rows"]] == [text for text, _ in expected]
    assert [row[5] for row in line["rows"]] == pytest.approx([confidence for _, confidence in expected], abs=1e-5)
    assert slow == []


def test_limit_is_spread_over_the_set():
    assert evenly_spread(range(10), None) == list(range(10))
    assert evenly_spread(range(10), 99) == list(range(10))
    assert evenly_spread(range(10), 4) == [0, 2, 5, 7]
    assert evenly_spread(range(10), 1) == [0]
    assert set(evenly_spread(range(1000), 50)) <= set(evenly_spread(range(1000), 100))


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_killed_and_run_again(folder, tmp_path, stop):
    eval_set = write_set(tmp_path / "set", pages=40)
    command = [sys.executable, str(ROOT / "evaluate.py"), "--eval_set", str(eval_set), "--finetuned"]
    command += ["--boxes", "labels", "--output"]
    environment = {**os.environ, "EASYOCR_MODULE_PATH": str(folder), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [*command, str(tmp_path / "killed")], env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    predictions = tmp_path / "killed" / NAMES[2]
    deadline = time.monotonic() + 120
    while not predictions.exists() or predictions.read_bytes().count(b"\n") < 3:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(stop)
    _, said = process.communicate(timeout=60)
    if stop == signal.SIGINT:
        assert process.returncode == 130
        assert said.splitlines()[-1] == "evaluate.py: stopped; the same command goes on from here"
        assert "Traceback" not in said
    before = predictions.read_bytes()
    assert step5(eval_set, tmp_path / "killed", "--finetuned", "--boxes", "labels") == 0
    assert step5(eval_set, tmp_path / "whole", "--finetuned", "--boxes", "labels") == 0
    for name in NAMES:
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    kept = before[: before.rindex(b"\n") + 1]
    assert (tmp_path / "whole" / NAMES[2]).read_bytes().startswith(kept)

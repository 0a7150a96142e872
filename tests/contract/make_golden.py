"""Writes golden.json and assets/evaluation_result.json anew, from what the code of now does.

    python3 -m pytest tests/contract/make_golden.py

Only for a change that is meant to change results, in the commit that says why.
"""

import hashlib
import json
from pathlib import Path

import torch

from tests.contract.golden import ASSETS
from tests.contract.test_evaluation import eval_set, evaluated, score_of  # noqa: F401 - fixtures
from tests.contract.test_prepared_set import SETS, folder_of, pixels_of
from tests.contract.test_training import log_of, read_json


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_write(prepared, trained, trained_detector, evaluated):  # noqa: F811
    golden = {"evaluation_pages": read_json(prepared / "evaluation_set" / "manifest.json")["pages"]}
    for split in SETS:
        folder = folder_of(prepared, split)
        tables = {name: sha256(folder / name) for name in ("labels.csv", "skipped.csv")}
        golden[split] = tables | {"pixels": pixels_of(folder)}
    state = torch.load(trained.folder / "best_accuracy.pth", weights_only=True)
    golden["recognizer_shapes"] = {key: list(value.shape) for key, value in state.items()}
    golden["detector_keys"] = sorted(torch.load(trained_detector.folder / "best_f1.pth", weights_only=True))
    for kind, experiment in (("trained", trained), ("trained_detector", trained_detector)):
        golden[kind] = {key: [line[key] for line in log_of(experiment.folder)] for key in ("training_loss", "lr")}
    text = json.dumps(golden, ensure_ascii=False, indent=1)
    (Path(__file__).parent / "golden.json").write_text(text + "\n", encoding="utf-8")
    score = json.dumps(score_of(evaluated), ensure_ascii=False, indent=1)
    (ASSETS / "evaluation_result.json").write_text(score + "\n", encoding="utf-8")

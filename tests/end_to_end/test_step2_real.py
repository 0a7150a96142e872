"""Step 2 on real documents, where they are at hand (REAL_DOCUMENTS, or ../shared/real_documents)."""

import os
from pathlib import Path

import pytest

import prepare_dataset
from train_easyocr.datasets.labels_csv import read_rows

pytestmark = pytest.mark.slow

REAL = Path(os.environ.get("REAL_DOCUMENTS") or Path(__file__).parents[2].parent / "shared" / "real_documents")


@pytest.mark.skipif(not REAL.is_dir(), reason="no real documents here")
def test_real_documents_lose_no_word(tmp_path, capsys):
    arguments = ["--unzip", "--training", "--validation", "--evaluation", "--workers", "2"]
    assert prepare_dataset.main(["--dataset", str(REAL), "--output", str(tmp_path), *arguments]) == 0
    training = tmp_path / "training_and_validation_set/training/select_data"
    rows = list(read_rows(training / "labels.csv"))
    assert len(rows) == len(list((training / "images").iterdir())) > 1000
    assert (training / "skipped.csv").read_text(encoding="utf-8").count("\n") == 1
    assert any("를" in text for _, text in rows)
    assert "characters outside the model's set" in capsys.readouterr().out

"""All five steps as a user runs them, on a small sample, with the starter weights."""

import csv
import json
import os
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(900)
@pytest.mark.skipif(not list(ROOT.glob(".venv/requirements*.sha256")), reason="step 1 has not been run in this folder")
def test_the_sample_from_rendering_to_score(tmp_path):
    sample = tmp_path / "표본 문서"
    environment = {
        **os.environ,
        "HOME": str(tmp_path / "집"),
        "SAMPLE_DIR": str(sample),
        "SAMPLE_PAGES": "10",
        # Nothing is downloaded, whether this machine could or not.
        **dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9"),
    }
    for name in ("EASYOCR_MODULE_PATH", "MODULE_PATH", "DATASET", "no_proxy", "NO_PROXY"):
        environment.pop(name, None)
    detection = tmp_path / "검출.yaml"
    detection.write_text("continue_from: starter\nval_images: 1\nn_iter: 1\nval_period: 1\nbatch_size: 1\n", "utf-8")
    command = [
        "bash",
        "run_pipeline.sh",
        "n_iter=4",
        "val_period=2",
        "batch_size=8",
        f"detection={detection}",
        "detection_tuning=3",
    ]

    result = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=840, check=False
    )
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
    assert "the starter weights are the baseline and the start" in result.stdout
    assert "the detector's boxes" in result.stdout

    installed = {
        path.relative_to(tmp_path / "집").as_posix() for path in (tmp_path / "집/.EasyOCR").rglob("finetuned*")
    }
    assert {
        ".EasyOCR/model/finetuned.pth",
        ".EasyOCR/model/finetuned_detector.pth",
        ".EasyOCR/user_network/finetuned.py",
        ".EasyOCR/user_network/finetuned.yaml",
    } <= installed
    scores = json.loads((sample / "evaluation_result.json").read_text(encoding="utf-8"))
    with (sample / "evaluation_result.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    pages = len(list((sample / "공공행정문서 OCR/evaluation_set/images").rglob("*.jpg")))
    assert pages > 0
    assert [row["model"] for row in rows] == ["starter", "finetuned"] * pages
    # Four steps change next to nothing: the starter reads most words of the sample as it is.
    assert min(model["mean"]["end_to_end_f1"] for model in scores["models"].values()) > 0.5

    again = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=840, check=False)
    assert again.returncode == 0, again.stdout[-2000:] + again.stderr[-2000:]
    assert "all 4 iterations are done" in again.stdout
    assert json.loads((sample / "evaluation_result.json").read_text(encoding="utf-8")) == scores


STEPS = (
    "step2_run_prepare_dataset_py.sh",
    "step3_run_train_py.sh",
    "step4_set_finetuned_model.sh",
    "step5_run_evaluate_py.sh",
)


@pytest.fixture
def pipeline(tmp_path):
    """The script beside steps that print what they are told; what is called here has no weights of EasyOCR."""
    folder = tmp_path / "프로젝트"
    folder.mkdir()
    (folder / "run_pipeline.sh").write_bytes((ROOT / "run_pipeline.sh").read_bytes())
    (folder / "step1_set_environment.sh").touch()
    for name in STEPS:
        (folder / name).write_text("""printf '|%s' "${DATASET:-}" "$@"; echo\n""", encoding="utf-8")

    def run(*arguments, **variables):
        kept = {key: value for key, value in os.environ.items() if key not in ("DATASET", "PAGES", "PYTHONPATH")}
        done = subprocess.run(
            ["bash", folder / "run_pipeline.sh", *arguments],
            cwd=tmp_path, env=kept | variables, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, [line.split("|")[1:] for line in done.stdout.splitlines() if "|" in line], done.stderr

    return run


def test_own_pages_go_through_all_steps_with_all_results_beside_them(pipeline, tmp_path):
    pages, output = tmp_path / "나의 쪽", tmp_path / "나의 쪽_set"
    settings = [f"output={output}", f"saved_models={output}/saved_models", "continue_from=starter", "img_height=32"]
    status, steps, _ = pipeline("n_iter=5", PAGES="나의 쪽/")
    assert status == 0
    assert steps == [
        ["", "--from", f"{pages}/", "--output", str(output), *settings, "n_iter=5"],
        ["", *settings, "n_iter=5"],
        ["", *settings, "n_iter=5"],
        ["", "--output", str(output), *settings, "n_iter=5"],
    ]
    other = tmp_path / "다른 곳"
    _, steps, _ = pipeline("continue_from=my.pth", PAGES=str(pages), OUTPUT="다른 곳")
    assert steps[1] == ["", f"output={other}", f"saved_models={other}/saved_models", "continue_from=my.pth"]


def test_a_download_is_named_from_where_the_user_is(pipeline, tmp_path):
    status, steps, _ = pipeline("--config", "my.yaml", DATASET="공공 문서")
    assert status == 0
    assert steps == [[str(tmp_path / "공공 문서"), "--config", "my.yaml"]] * 4


def test_two_data_sets_at_once_are_refused(pipeline):
    status, steps, errors = pipeline(PAGES="a", DATASET="b")
    assert (status, steps) == (2, []) and "PAGES and DATASET name two data sets" in errors

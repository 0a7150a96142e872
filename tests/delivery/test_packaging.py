"""A package: what is in it, and that it reads in an empty environment without torch, a home and a network."""

import json
import os
import subprocess
import sys

import httpx
import pytest

from tests.onnx_export.test_export import shorten
from train_easyocr.common.errors import UserError
from train_easyocr.common.files import sha256
from train_easyocr.delivery import packaging
from train_easyocr.delivery.packaging import COMMANDS, closure, fetch_wheels, imports, requirements
from train_easyocr.delivery.selftest import words_of_page
from train_easyocr.package import main
from train_easyocr.weights.starter import RECOGNIZER

pytestmark = pytest.mark.slow

HEAVY = {"torch", "torchvision", "easyocr", "pandas", "lmdb", "optuna", "onnx", "scipy", "nltk", "tensorboard"}


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("꾸러미 시험")
    with pytest.MonkeyPatch.context() as patch:
        shorten(patch)
        assert main(["--bundle", "starter", "--output", str(folder / "꾸러미")]) == 0
    return folder / "꾸러미"


def run(package, *arguments, cwd=None):
    """Run run.sh with an empty home, no index and nothing of this environment."""
    home = package.parent / "집"
    home.mkdir(exist_ok=True)
    environment = {"HOME": str(home), "PATH": os.defpath, "PIP_NO_INDEX": "1", "PYTHON": sys.executable, "LANG": "C"}
    return subprocess.run(
        ["/bin/bash", str(package / "run.sh"), *map(str, arguments)],
        env=environment, cwd=cwd, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_sums_are_those_of_all_files(package):
    lines = (package / packaging.SUMS).read_text(encoding="utf-8").splitlines()
    sums = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    names = {path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()} - {packaging.SUMS}
    assert names == sums.keys() and "model/recognizer.onnx" in names
    assert all(sums[name] == sha256(package / name) for name in names)
    assert (package / "cards/recognizer.json").read_bytes() == RECOGNIZER.with_suffix(".json").read_bytes()


def test_a_package_reads_in_an_empty_environment(package, tmp_path):
    first = run(package, "selftest", cwd=tmp_path)
    words = (package / "selftest.txt").read_text(encoding="utf-8").split("\n")[:-1]
    assert len(words) > 50
    assert first.returncode == 0, first.stderr
    assert f"{len(words)} of {len(words)} words" in first.stdout
    read = run(package, "read", package / "selftest.png", "--format", "json", cwd=tmp_path)
    assert read.returncode == 0, read.stderr
    assert "installing" in first.stderr and "installing" not in read.stderr
    [page] = json.loads(read.stdout)["pages"]
    assert [word["text"] for word in page["words"]] == words
    turned = run(package, "read", package / "selftest.png", "--word_orientation", "auto", cwd=tmp_path)
    assert turned.returncode == 2 and "needs torch" in turned.stderr
    torch = subprocess.run([package / ".venv/bin/python", "-c", "import torch"], capture_output=True, check=False)
    assert torch.returncode and b"No module named 'torch'" in torch.stderr
    assert sum(path.stat().st_size for path in package.rglob("*") if ".venv" not in path.parts) < 350e6

    (package / "selftest.txt").write_text("다른 말\n" * len(words), encoding="utf-8")
    other = run(package, "selftest")
    assert other.returncode == 1
    assert f"0 of {len(words)} words" in other.stderr
    assert run(package).returncode == 2


def test_a_package_serves_in_an_empty_environment(package, tmp_path):
    command = ["/bin/bash", str(package / "run.sh"), "serve", "--port", "0", "--threads", "1"]
    environment = {
        "HOME": str(tmp_path),
        "PATH": os.defpath,
        "PIP_NO_INDEX": "1",
        "PYTHON": sys.executable,
        "LANG": "C",
    }
    with subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().split()[-1]
            with httpx.Client(base_url=url, timeout=60) as client:
                assert client.get("/readyz").json() == {"status": "ready"}
                for part in ("/", "/page/page.js", "/page/look.css", "/page/texts.json", "/metrics"):
                    assert client.get(part).status_code == 200, part
                content = (package / "selftest.png").read_bytes()
                answer = client.post("/v1/ocr", files={"file": ("쪽.png", content)}).json()
        finally:
            process.terminate()
    assert process.returncode == 0
    assert [word["text"] for word in answer["pages"][0]["words"]] == words_of_page(package)


def test_nothing_heavy_is_packed():
    files = closure(COMMANDS)
    assert {"train_easyocr.reading.onnx_engine", "train_easyocr.reading.pdf_format", "train_easyocr"} <= files.keys()
    assert not {name.split(".")[0] for file in files.values() for name in imports(file)} & HEAVY
    names = {one.name.lower() for one in requirements(files)}
    assert {"onnxruntime", "numpy", "opencv-python-headless", "pydantic-core", "fastapi", "python-multipart"} <= {
        n.replace("_", "-") for n in names
    }
    assert not names & HEAVY


def test_imports_within_functions_count_and_those_of_types_do_not(tmp_path):
    file = tmp_path / "한.py"
    file.write_text(
        "import a.b\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch\n"
        "def f():\n    from train_easyocr.common import files\n"
    )
    assert {"a.b", "typing", "train_easyocr.common", "train_easyocr.common.files"} == set(imports(file))


def test_other_folders_stay_as_they_are(tmp_path, capsys):
    (tmp_path / "글.txt").write_text("내 것")
    assert main(["--bundle", "starter", "--output", str(tmp_path)]) == 1
    assert "holds other files" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["글.txt"]
    assert main(["--output", str(tmp_path / "x"), "--wheels", str(tmp_path / "없음")]) == 2
    assert main(["--output", str(tmp_path / "x"), "--wheels", str(tmp_path), "--no_wheels"]) == 2


def test_missing_wheels_are_said(tmp_path):
    (tmp_path / "requirements.txt").write_text("numpy==2.4.6\n")
    (tmp_path / "빈 폴더").mkdir()
    with pytest.raises(UserError, match=r"numpy==2\.4\.6; name a folder that holds them with --wheels"):
        fetch_wheels(tmp_path / "requirements.txt", tmp_path / "wheels", tmp_path / "빈 폴더")

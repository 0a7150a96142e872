"""Finding, checking and downloading EasyOCR's own weights; the network is a stand-in."""

import contextlib
import hashlib
import os
import socket
import subprocess
import sys
import urllib.error
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import easyocr
import easyocr.config
import easyocr.utils
import numpy as np
import pytest
import torch

from tests.easyocr_files import install_random_weights, random_state, subprocess_environment
from train_easyocr.common.errors import MissingWeightsError, UsageError, WeightsError
from train_easyocr.weights import easyocr_weights
from train_easyocr.weights.easyocr_weights import find_weights, model_directory, published, user_network_directory

pytestmark = pytest.mark.slow


@pytest.fixture
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path / "이지 OCR"))
    return tmp_path / "이지 OCR"


def serve(monkeypatch, content, filename="korean_g2.pth"):
    """Make the next download bring an archive with `content`, and EasyOCR's tables expect that content."""

    def retrieve(url, path, reporthook=None):
        assert url == easyocr.config.recognition_models["gen2"]["korean_g2"]["url"]
        with ZipFile(path, "w") as archive:
            archive.writestr(filename, content)

    monkeypatch.setattr(easyocr.utils, "urlretrieve", retrieve)
    entry = easyocr.config.recognition_models["gen2"]["korean_g2"]
    monkeypatch.setitem(entry, "md5sum", hashlib.md5(b"weights").hexdigest())


def test_folders_follow_the_environment_as_it_is_now(monkeypatch, tmp_path):
    monkeypatch.delenv("EASYOCR_MODULE_PATH", raising=False)
    monkeypatch.delenv("MODULE_PATH", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert model_directory() == tmp_path / ".EasyOCR" / "model"
    monkeypatch.setenv("MODULE_PATH", str(tmp_path / "a"))
    assert model_directory() == tmp_path / "a" / "model"
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path / "b"))
    assert model_directory() == tmp_path / "b" / "model"
    assert user_network_directory() == tmp_path / "b" / "user_network"


def test_whole_weights_are_found_without_a_network(tmp_path, monkeypatch):
    files = install_random_weights(tmp_path, monkeypatch, names=("korean_g2",))
    assert find_weights("korean_g2", download=False) == files["korean_g2"] == tmp_path / "model" / "korean_g2.pth"


def test_other_content_is_refused_and_kept(empty_folder):
    path = empty_folder / "model" / "korean_g2.pth"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine")
    with pytest.raises(WeightsError) as error:
        find_weights("korean_g2")
    assert hashlib.md5(b"mine").hexdigest() in str(error.value)
    assert easyocr.config.recognition_models["gen2"]["korean_g2"]["md5sum"] in str(error.value)
    assert path.read_bytes() == b"mine"


def test_missing_weights_say_which_file_goes_where(empty_folder):
    with pytest.raises(MissingWeightsError) as error:
        find_weights("craft", download=False)
    assert "craft_mlt_25k.pth" in str(error.value)
    assert f"into {empty_folder / 'model'}" in str(error.value)
    assert published("craft").url in str(error.value)
    assert not empty_folder.exists()


def test_missing_weights_are_downloaded_checked_and_put_in_place(empty_folder, monkeypatch, capsys):
    serve(monkeypatch, b"weights")
    path = find_weights("korean_g2")
    assert path == empty_folder / "model" / "korean_g2.pth"
    assert path.read_bytes() == b"weights"
    assert [file.name for file in path.parent.iterdir()] == ["korean_g2.pth"]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("content", "filename"), [(b"else", "korean_g2.pth"), (b"weights", "other.pth")])
def test_a_download_of_something_else_leaves_nothing_behind(empty_folder, monkeypatch, content, filename):
    serve(monkeypatch, content, filename)
    with pytest.raises(MissingWeightsError, match="korean_g2"):
        find_weights("korean_g2")
    assert not list(empty_folder.rglob("*.pth*"))


@pytest.mark.parametrize("fault", [urllib.error.URLError("no route"), TimeoutError("timed out"), BadZipFile("cut")])
def test_without_a_network_the_error_is_one_line(empty_folder, monkeypatch, fault):
    def fail(url, path, reporthook=None):
        assert socket.getdefaulttimeout() == easyocr_weights.SOCKET_TIMEOUT
        raise fault

    before = socket.getdefaulttimeout()
    monkeypatch.setattr(easyocr.utils, "urlretrieve", fail)
    with pytest.raises(MissingWeightsError) as error:
        find_weights("korean_g2")
    assert "can't be downloaded" in str(error.value)
    assert "\n" not in str(error.value)
    assert socket.getdefaulttimeout() == before


def test_a_server_that_does_not_answer_is_given_up(empty_folder, monkeypatch):
    monkeypatch.setattr(easyocr_weights, "SOCKET_TIMEOUT", 0.2)
    monkeypatch.setenv("no_proxy", "*")
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:  # takes connections, says nothing
        url = f"http://127.0.0.1:{server.getsockname()[1]}/korean_g2.zip"
        monkeypatch.setitem(easyocr.config.recognition_models["gen2"]["korean_g2"], "url", url)
        with pytest.raises(MissingWeightsError, match="timed out"):
            find_weights("korean_g2")


def test_a_misspelt_name_names_the_nearest():
    with pytest.raises(UsageError, match=r"korean_2: .*did you mean korean_g2"):
        find_weights("korean_2")


def test_the_stand_ins_have_easyocrs_shapes():
    korean = random_state("korean_g2")
    assert korean["Prediction.weight"].shape == (1009, 256)
    trained = [value for key, value in korean.items() if "running" not in key and "num_batches" not in key]
    assert sum(value.numel() for value in trained) == 4_015_729
    assert all(torch.equal(value, random_state("korean_g2")[key]) for key, value in korean.items())
    assert not torch.equal(korean["Prediction.weight"], random_state("korean_g2", seed=1)["Prediction.weight"])


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:'pin_memory':UserWarning")
def test_easyocrs_reader_takes_the_stand_ins_for_its_own(tmp_path, monkeypatch):
    files = install_random_weights(tmp_path, monkeypatch)
    assert files["craft"] == find_weights("craft", download=False)
    reader = easyocr.Reader(["ko"], gpu=False, download_enabled=False, verbose=False, quantize=False)
    assert sum(parameter.numel() for parameter in reader.detector.parameters()) == 20_770_466
    words = np.random.default_rng(0).integers(0, 256, (2, 64, 200), dtype=np.uint8)
    read = [reader.recognize(word, detail=0)[0] for word in words]
    assert read[0] != read[1]
    assert min(map(len, read)) > 1


def test_subprocesses_take_the_stand_ins_too(tmp_path, monkeypatch):
    files = install_random_weights(tmp_path, monkeypatch, names=("korean_g2",))
    code = (
        "from train_easyocr.weights.easyocr_weights import find_weights\n"
        "print(find_weights('korean_g2', download=False))"
    )
    environment = subprocess_environment(tmp_path, names=("korean_g2",))
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()) == files["korean_g2"]
    easyocrs_own = code.replace("from", "import easyocr.config; from", 1)
    done = subprocess.run(
        [sys.executable, "-c", easyocrs_own], env=environment, capture_output=True, text=True, check=True
    )
    assert os.fspath(files["korean_g2"]) == done.stdout.strip()


def test_the_command_prints_where_weights_are(tmp_path, monkeypatch, capsys):
    files = install_random_weights(tmp_path / "이지 OCR", monkeypatch)
    assert easyocr_weights.main(["korean_g2", "craft"]) == 0
    assert capsys.readouterr().out.splitlines() == [str(files["korean_g2"]), str(files["craft"])]
    assert easyocr_weights.main(["korean_g2", "korean_g3"]) == 2
    assert "did you mean korean_g2" in capsys.readouterr().err

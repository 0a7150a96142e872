"""EasyOCR's own weights: where they lie, whether they are whole, and how to get those that are missing.

    python3 -m train_easyocr.weights.easyocr_weights korean_g2 craft

finds them, downloads those that are missing, and prints where they are.

Importing this module loads neither torch nor EasyOCR; its tables are read from its `config.py` alone.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import hashlib
import http.client
import importlib.util
import os
import re
import shutil
import socket
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from train_easyocr.common.command_line import command
from train_easyocr.common.errors import MissingWeightsError, UsageError, WeightsError
from train_easyocr.common.files import replacing

SOCKET_TIMEOUT = 15.0
"""Seconds without an answer after which a download is given up."""


@dataclass(frozen=True)
class PublishedWeights:
    """An entry of EasyOCR's tables: the file's name, its MD5 in hexadecimal, and the archive that holds it."""

    filename: str
    md5: str
    url: str


def module_directory() -> Path:
    """The folder of everything that EasyOCR keeps: EASYOCR_MODULE_PATH, else MODULE_PATH, else ~/.EasyOCR."""
    named = os.environ.get("EASYOCR_MODULE_PATH") or os.environ.get("MODULE_PATH")
    return Path(named) if named else Path("~/.EasyOCR").expanduser()


def model_directory() -> Path:
    """The folder where EasyOCR looks for weights, by the environment as it is now."""
    return module_directory() / "model"


def user_network_directory() -> Path:
    """The folder where EasyOCR looks for the code and the settings of users' networks."""
    return module_directory() / "user_network"


def easyocr_tables() -> ModuleType:
    """EasyOCR's `config` module: `recognition_models["gen1" | "gen2"]` and `detection_models`, each by name.

    Importing EasyOCR takes seconds (torch, OpenCV, SciPy), its tables are text: the one file is loaded by itself,
    unless EasyOCR is imported already.
    """
    return sys.modules.get("easyocr.config") or _tables_alone()


@functools.cache
def _tables_alone() -> ModuleType:
    package = importlib.util.find_spec("easyocr")
    if package is None or not package.submodule_search_locations:
        raise UsageError("EasyOCR is not installed; `source step1_set_environment.sh` installs it")
    file = Path(package.submodule_search_locations[0]) / "config.py"
    spec = importlib.util.spec_from_file_location("easyocr_tables", file)
    if spec is None or spec.loader is None:
        raise UsageError(f"{file}: can't be loaded as Python")
    tables = importlib.util.module_from_spec(spec)
    environment = dict(os.environ)
    spec.loader.exec_module(tables)
    # The file sets a variable that shrinks a cache of torch's to one entry: EasyOCR's choice, not that of every reader.
    for key in os.environ.keys() - environment.keys():
        del os.environ[key]
    return tables


def recognition_entries() -> dict[str, Any]:
    """EasyOCR's recognition models by name (`korean_g2`), of both generations; `characters` of each is a string."""
    models = easyocr_tables().recognition_models
    return {**models["gen1"], **models["gen2"]}


def published(name: str) -> PublishedWeights:
    """Look a model up in EasyOCR's tables.

    Args:
        name: A recognizer such as `korean_g2`, or a detector such as `craft`.

    Raises:
        UsageError: There is no such model; the message names the nearest ones.
    """
    entries = {**recognition_entries(), **easyocr_tables().detection_models}
    if name not in entries:
        raise UsageError(f"{name}: EasyOCR has no model of that name{did_you_mean(name, entries)}")
    entry = entries[name]
    return PublishedWeights(filename=entry["filename"], md5=entry["md5sum"], url=entry["url"])


def did_you_mean(name: str, known: Any) -> str:
    """Return `; did you mean …?` with the nearest of the known names, or nothing where none is near."""
    near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def find_weights(name: str, download: bool = True) -> Path:
    """Return the file of a model's published weights, downloading it where it is missing.

    Args:
        name: A name in EasyOCR's tables, such as `korean_g2` or `craft`.
        download: Whether a missing file is fetched, from where EasyOCR's tables say.

    Returns:
        A file in `model_directory()` whose MD5 is the published one.

    Raises:
        UsageError: EasyOCR has no model of that name.
        MissingWeightsError: The file is missing and can't be had.
        WeightsError: The file has another MD5. It is left as it is: it may be all that a user has of something.
    """
    weights = published(name)
    path = model_directory() / weights.filename
    if not path.is_file():
        _download(name, weights, path, download)
        return path
    found = md5(path)
    if found != weights.md5:
        raise WeightsError(
            f"{path}: is not EasyOCR's {name}: its MD5 is {found}, that of the published file {weights.md5}; "
            "move it away and run again"
        )
    return path


def md5(path: Path) -> str:
    """Return the MD5 of a file's bytes, in hexadecimal, as EasyOCR's tables have it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, functools.partial(hashlib.md5, usedforsecurity=False)).hexdigest()


def _download(name: str, weights: PublishedWeights, path: Path, allowed: bool) -> None:
    """Fetch, check, and only then put in place, so that a broken download is never taken for weights."""
    way_out = f"put {weights.filename} (MD5 {weights.md5}), which is in {weights.url}, into {path.parent}"
    if not allowed:
        raise MissingWeightsError(f"{path}: {name} is missing, and downloads are off; {way_out}")
    print(f"Downloading EasyOCR's {name} to {path}", file=sys.stderr)
    try:
        with tempfile.TemporaryDirectory() as folder, _socket_timeout(SOCKET_TIMEOUT):
            _fetch(weights, Path(folder))
            fetched = Path(folder) / weights.filename
            found = md5(fetched)
            if found != weights.md5:
                raise MissingWeightsError(f"{path}: {name} came with MD5 {found}, not {weights.md5}; {way_out}")
            with replacing(path) as temporary:
                shutil.copyfile(fetched, temporary)
    except MissingWeightsError:
        raise
    except (OSError, http.client.HTTPException, zipfile.BadZipFile, KeyError) as error:
        reason = re.sub(r"\s+", " ", str(error)) or type(error).__name__
        raise MissingWeightsError(f"{path}: {name} is missing and can't be downloaded ({reason}); {way_out}") from error


def _fetch(weights: PublishedWeights, folder: Path) -> None:
    from easyocr.utils import download_and_unzip  # noqa: PLC0415 - seconds to import, needed for a download alone

    with contextlib.redirect_stdout(sys.stderr):  # its progress bar; results go to the standard output
        download_and_unzip(weights.url, weights.filename, str(folder), verbose=sys.stderr.isatty())


@contextlib.contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


@command("easyocr_weights")
def main(names: Sequence[str]) -> None:
    """Find weights by name and print their paths."""
    for name in names:
        print(find_weights(name))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

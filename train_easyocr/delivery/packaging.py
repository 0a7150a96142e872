"""A folder that reads documents elsewhere: ONNX files, the code that reads with them, and pinned wheels; no torch.

What is packed is what the commands import, followed through their sources, functions' own imports included; the wheels
are those of the distributions that this code names, and of what these require, in the versions that are installed here.
"""

from __future__ import annotations

import ast
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import cv2
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from train_easyocr.common.errors import UserError
from train_easyocr.common.files import sha256, write_text
from train_easyocr.common.publishing import publishing
from train_easyocr.delivery.selftest import EXPECTED, PAGE, words_of_page
from train_easyocr.onnx_export.export import ExportSource, FilePrecision, export, rendered_pages
from train_easyocr.settings.parts import WordSettings
from train_easyocr.weights.checkpoints import card_path

PACKAGE = "train_easyocr"
COMMANDS = ("train_easyocr.read", "train_easyocr.serve", "train_easyocr.delivery.selftest")
NOT_PACKED = frozenset({
    "train_easyocr.reading.torch_engine", "train_easyocr.engine.device", "train_easyocr.orientation.classifier",
})  # fmt: skip
"""What `read` opens for weights or turned words alone, and which needs torch."""
UNSTATED = ("python-multipart",)
"""Distributions that others import without requiring them: Starlette, where a form comes in."""
SUMS = "SHA256SUMS"
CONFIGS = (Path("config_files/config.yaml"), Path("config_files/serving.yaml"))
PAGE_FILES = frozenset({".html", ".css", ".js"})
"""Files for browsers, which lie beside modules; of a folder `page` beside them, all are."""
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_TEMPLATES = Path(__file__).parent / "package_files"


def pack(
    source: ExportSource,
    output: Path,
    precision: FilePrecision,
    config: WordSettings,
    *,
    wheels: Path | None,
    download: bool = True,
) -> None:
    """Write a package; it is there whole or not at all.

    Args:
        source: What reads.
        output: The package's folder: a new one, or one of an earlier package, which is replaced.
        precision: Of the ONNX files; see `export`.
        config: See `export`.
        wheels: A folder of wheels to take from; None for the package index that pip is set up for.
        download: Put wheels in; without them, the package is installed from an index.

    Raises:
        UserError: The model can't be exported, wheels can't be had, or the folder holds something else.
    """
    if output.exists() and any(output.iterdir()) and not (output / SUMS).is_file():
        raise UserError(f"{output}: holds other files; name a new folder, or one of an earlier package")
    with publishing(output) as folder:
        export(source, folder / "model", "plain", precision, config)
        (folder / "cards").mkdir()
        for weights, name in ((source.recognizer, "recognizer.json"), (source.detector, "detector.json")):
            shutil.copy(card_path(weights), folder / "cards" / name)
        files = closure(COMMANDS)
        copy_code(files, folder / "code")
        needed = requirements(files)
        write_text(folder / "requirements.txt", "".join(f"{one.name}=={one.version}\n" for one in needed))
        write_text(folder / "LICENSES.md", licences(needed))
        if download:
            fetch_wheels(folder / "requirements.txt", folder / "wheels", wheels)
        [page] = rendered_pages(1)
        cv2.imwrite(str(folder / PAGE), page.image)
        write_text(folder / EXPECTED, "\n".join(words_of_page(folder)) + "\n")
        for template in _TEMPLATES.iterdir():
            text = template.read_text(encoding="utf-8")
            write_text(folder / template.name, text.replace("@NAME@", source.name).replace("@VERSION@", PYTHON))
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        sums = "".join(f"{sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in paths)
        write_text(folder / SUMS, sums)


def closure(modules: Sequence[str]) -> dict[str, Path]:
    """Return the project's modules that some modules import, these among them, with their files."""
    found: dict[str, Path] = {}
    left = list(modules)
    while left:
        name = left.pop()
        if name in found or name in NOT_PACKED:
            continue
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            continue  # a name that a module defines, not a module
        found[name] = Path(spec.origin)
        left += [name.rpartition(".")[0]] if "." in name else []
        left += [one for one in imports(found[name]) if one.split(".")[0] == PACKAGE]
    return dict(sorted(found.items()))


def imports(file: Path) -> Iterator[str]:
    """Yield what a file imports when it runs: modules, and for `from a import b` both a and a.b, which may be one."""
    waiting: list[ast.AST] = [ast.parse(file.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module.split(".")[0] == PACKAGE:
                yield from (f"{node.module}.{alias.name}" for alias in node.names if _is_module(node.module))
        waiting.extend(ast.iter_child_nodes(node))


def _is_module(name: str) -> bool:
    """Tell whether it is a folder of modules, from which modules can be imported by name."""
    spec = importlib.util.find_spec(name)
    return spec is not None and spec.submodule_search_locations is not None


def copy_code(files: dict[str, Path], target: Path) -> None:
    """Copy modules, and what lies beside them that is no code, such as pages for the browser, but not weights."""
    root = files[PACKAGE].parent
    folders = {file.parent for file in files.values()} - {root}
    beside = {path for folder in folders for path in folder.iterdir() if path.suffix in PAGE_FILES}
    pages = {path for folder in folders for path in folder.glob("page/*") if path.is_file()}
    for path in {*files.values(), *beside, *pages, *(root / config for config in CONFIGS)}:
        copy = target / PACKAGE / path.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)


def requirements(files: dict[str, Path]) -> list[Distribution]:
    """Return what modules need of other projects, and what these need, as they are installed here."""
    owners = packages_distributions()
    outside = {name.split(".")[0] for file in files.values() for name in imports(file)}
    left = [*UNSTATED, *(owner for name in outside - sys.stdlib_module_names - {PACKAGE} for owner in owners[name])]
    found: dict[str, Distribution] = {}
    while left:
        name = canonicalize_name(left.pop())
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            raise UserError(f"{name}: is needed by what is packed, and not installed; run step 1 again") from None
        needed = map(Requirement, found[name].requires or ())
        left += [one.name for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
    return [found[name] for name in sorted(found)]


def licences(needed: Sequence[Distribution]) -> str:
    """Return a table of what the wheels are licensed under, and where in them their licences are."""
    lines = ["# Licences of the wheels\n", "| wheel | version | licence | texts within it |", "|---|---|---|---|"]
    for one in needed:
        texts = sorted(str(path) for path in one.files or () if "licen" in path.name.lower() or "COPYING" in path.name)
        facts = one.metadata.json
        said = str(facts.get("license_expression") or facts.get("license") or "").strip().split("\n")[0]
        said = said or ", ".join(one.rpartition(" :: ")[2] for one in facts.get("classifier", ()) if "License" in one)
        lines.append(f"| {one.name} | {one.version} | {said or 'see its texts'} | {', '.join(texts) or 'none'} |")
    return "\n".join(lines) + "\n"


def fetch_wheels(needed: Path, target: Path, given: Path | None) -> None:
    """Gather the wheels of a file of requirements for this platform.

    Raises:
        UserError: One of them can't be had.
    """
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--disable-pip-version-check",
    ]
    command += ["--quiet", "--requirement", str(needed), "--dest", str(target)]
    command += ["--no-index", "--find-links", str(given)] if given else []
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        said = ended.stderr.strip().splitlines() or ["no reason given"]
        raise UserError(
            f"wheels can't be had: {said[-1]}; name a folder that holds them with --wheels DIR, or leave them out with "
            "--no_wheels"
        )

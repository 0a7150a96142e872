"""Stand-ins for EasyOCR's own weights: its shapes, random values, and its tables told of their sums.

EasyOCR's files can't be had offline. With `install_random_weights` its `Reader` starts without them; what it reads is
nonsense, but the same nonsense for the same seed.
"""

import functools
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import easyocr.config
import easyocr.easyocr
import torch
from easyocr.craft import CRAFT
from easyocr.model import model as generation1
from easyocr.model import vgg_model as generation2

GENERATIONS = {"gen1": (generation1.Model, 512), "gen2": (generation2.Model, 256)}
_SESSION = tempfile.TemporaryDirectory(prefix="easyocr_files_")


def install_random_weights(folder, monkeypatch, names=("korean_g2", "craft"), seed=0):
    """Make EasyOCR find random weights in `folder` and take them for its own, until the test ends.

    Sets EASYOCR_MODULE_PATH, which subprocesses see; the registered sums only this process has (see
    `subprocess_environment`).

    Args:
        folder: What ~/.EasyOCR is otherwise; made when it is not there.
        monkeypatch: pytest's.
        names: Models in EasyOCR's tables; `craft` is its detector.
        seed: Of the values.

    Returns:
        The file of each name. They are shared between tests: replace them, don't write into them.
    """
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(folder))
    for module in (easyocr.config, easyocr.easyocr):  # both copied the variable when they were imported
        monkeypatch.setattr(module, "MODULE_PATH", str(folder))
    (Path(folder) / "model").mkdir(parents=True, exist_ok=True)
    files = {}
    for name in names:
        written, md5 = _random_weights(name, seed)
        entry = _entry(name)
        files[name] = Path(folder) / "model" / entry["filename"]
        files[name].unlink(missing_ok=True)
        _link(written, files[name])
        monkeypatch.setitem(entry, "md5sum", md5)
    return files


def subprocess_environment(folder, names=("korean_g2", "craft"), seed=0):
    """The environment in which a Python subprocess takes the random weights in `folder` for EasyOCR's own.

    Python imports `sitecustomize` when it starts; the one written here registers the sums as soon as EasyOCR's tables
    have been loaded. Call `install_random_weights` with the same arguments first.
    """
    sums = {name: _random_weights(name, seed)[1] for name in names}
    hook = Path(folder) / "sitecustomize"
    hook.mkdir(exist_ok=True)
    (hook / "sitecustomize.py").write_text(_SITECUSTOMIZE.format(sums=sums), encoding="utf-8")
    paths = [str(hook), str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "EASYOCR_MODULE_PATH": str(folder), "PYTHONPATH": os.pathsep.join(filter(None, paths))}


_SITECUSTOMIZE = """\
import importlib.machinery

SUMS = {sums!r}
original = importlib.machinery.SourceFileLoader.exec_module


def exec_module(self, module):
    original(self, module)
    if module.__name__ in ("easyocr.config", "easyocr_tables"):
        for table in (*module.recognition_models.values(), module.detection_models):
            for name in SUMS.keys() & table.keys():
                table[name]["md5sum"] = SUMS[name]


importlib.machinery.SourceFileLoader.exec_module = exec_module
"""


def random_state(name, seed=0):
    """A state dict of EasyOCR's keys and shapes for `name`, without `module.`, with values by `seed`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if name == "craft":
            return CRAFT(pretrained=False).state_dict()
        generation = next(key for key, models in easyocr.config.recognition_models.items() if name in models)
        build, channels = GENERATIONS[generation]
        model = build(1, channels, channels, num_class=len(_entry(name)["characters"]) + 1)
        # As they come, the layers' outputs die down to one answer for every image; larger values keep them lively.
        for parameter in model.parameters():
            if parameter.dim() > 1:
                torch.nn.init.kaiming_normal_(parameter)
        return model.state_dict()


@functools.cache
def _random_weights(name, seed):
    path = Path(_SESSION.name) / f"{name}_{seed}.pth"
    torch.save({f"module.{key}": value for key, value in random_state(name, seed).items()}, path)
    return path, hashlib.md5(path.read_bytes()).hexdigest()


def _entry(name):
    tables = (*easyocr.config.recognition_models.values(), easyocr.config.detection_models)
    return next(table[name] for table in tables if name in table)


def _link(source, target):
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copyfile(source, target)

"""Everything that these tests know of how the project is called: its commands, run as a shell runs them.

No test of this folder imports the package or names a path inside it; what is published is named here, once.
"""

import contextlib
import io
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIG_FILES = REPOSITORY / "train_easyocr" / "config_files"

PREPARE, TRAIN, EVALUATE = "prepare_dataset.py", "train_easyocr/train.py", "evaluate.py"
INSTALL, TRAIN_DETECTOR = "train_easyocr.delivery", "train_easyocr.detection.train"
TUNE_DETECTOR = "train_easyocr.tuning.tune"
RENDER_PAGES, RENDER_WORDS = "train_easyocr.synthesis", "train_easyocr.synthesis.words"
EASYOCR_WEIGHTS = "train_easyocr.weights.easyocr_weights"
RECOGNIZER_RECIPE, DETECTOR_RECIPE = "train_easyocr.recipes.recognizer", "train_easyocr.recipes.detector"
READ_FILES, EXPORT, PACKAGE = "train_easyocr.read", "train_easyocr.export", "train_easyocr.package"
TRAIN_ORIENTATION, SEMI_SUPERVISED = "train_easyocr.orientation.train", "train_easyocr.semi_supervised"
SERVE, COMPRESS = "train_easyocr.serve", "train_easyocr.compress"
COMMANDS = (
    *(PREPARE, TRAIN, INSTALL, EVALUATE, TRAIN_DETECTOR, TUNE_DETECTOR, RENDER_PAGES, RENDER_WORDS),
    *(READ_FILES, EXPORT, PACKAGE, TRAIN_ORIENTATION, SERVE, SEMI_SUPERVISED, COMPRESS),
)
"""What has a --help: files are run as `python3 FILE`, the others as `python3 -m NAME`."""


@dataclass(frozen=True)
class Done:
    """How a command ended: its exit status and what it wrote."""

    status: int
    out: str
    err: str


class _Terminal(io.StringIO):
    """Takes what a command writes; pressing Ctrl-C at its first words, where that is asked for."""

    def __init__(self, ctrl_c=False):
        super().__init__()
        self.ctrl_c = ctrl_c

    def write(self, text):
        if self.ctrl_c and text.strip():
            self.ctrl_c = False
            signal.raise_signal(signal.SIGINT)
        return super().write(text)


def run(command, *arguments, ctrl_c=False):
    """Run a command in this process, which has loaded torch already, as `python3` would; return how it ended."""
    out, err = _Terminal(ctrl_c), io.StringIO()
    patches = (
        mock.patch.object(sys, "argv", [command, *map(str, arguments)]),
        mock.patch.object(sys, "path", [str(REPOSITORY), *sys.path]),
        mock.patch.dict(os.environ),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        warnings.catch_warnings(),
    )
    with contextlib.ExitStack() as stack:
        for patch in patches:
            stack.enter_context(patch)
        warnings.simplefilter("ignore", RuntimeWarning)  # a module that is imported already is run once more
        try:
            if command.endswith(".py"):
                runpy.run_path(str(REPOSITORY / command), run_name="__main__")
            else:
                runpy.run_module(command, run_name="__main__", alter_sys=True)
            status = 0
        except SystemExit as end:
            status = end.code or 0
        except KeyboardInterrupt:  # Python ends with a traceback then, and the shell says 130
            status = 128 + signal.SIGINT
    return Done(status, out.getvalue(), err.getvalue())


def succeed(command, *arguments):
    """Run a command that has to end with 0; return what it printed."""
    done = run(command, *arguments)
    assert done.status == 0, f"{command} ended with {done.status}\n{done.out[-3000:]}\n{done.err[-3000:]}"
    return done.out


def options_of(command):
    """Return the options in a command's --help, and their choices: {"--format", "--format=png", "--format=lmdb"}."""
    with mock.patch.dict(os.environ, COLUMNS="1000"):
        done = run(command, "--help")
    assert done.status == 0
    options = set()
    for line in done.out.splitlines():
        if match := re.match(r"  (-.*?)(?:  |$)", line):
            names = re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", match[1])
            choices = re.search(r"\{(.*?)\}", match[1])
            options.update(names)
            options.update(f"{name}={choice}" for name in names if choices for choice in choices[1].split(","))
    return options


def run_script(script, folder, *arguments, **environment):
    """Run a step's shell script with Python and step 1 replaced; return what it calls, a list of arguments each.

    The replacement of Python prints the arguments it is given, each after a line of its own.
    """
    shutil.copy(REPOSITORY / script, folder)
    (folder / "step1_set_environment.sh").write_text("export PYTHON_IS_READY=yes\n")
    python = folder / "python3"
    python.write_text('#!/bin/sh\necho "called ${PYTHON_IS_READY}"\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    done = subprocess.run(
        ["bash", str(folder / script), *arguments],
        env={"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", **environment},
        capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    return [call.splitlines() for call in done.stdout.split("called yes\n")[1:]]

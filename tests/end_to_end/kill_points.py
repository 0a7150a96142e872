"""Run step 2 again and again, kill it (SIGKILL) at one of its file operations, run it to the end, compare the trees.

    python3 -m tests.end_to_end.kill_points DOWNLOAD SCRATCH FORMAT [all]

The operations are those that Python announces to audit hooks: opening, renaming, removing, making folders. A file that
is being opened for writing is left half-written. Each run is a fork of this process, so that a point costs a tenth of a
second. Without `all` one operation of each kind is taken. Prints one JSON object.
"""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

import prepare_dataset
from tests.documents.samples import tree
from train_easyocr.datasets import lmdb_form
from train_easyocr.weights.characters import CharacterSet

prepare_dataset._starter_vote = lambda: lambda grey, boxes: 0  # which way up pages lie is asked when all is written
EVENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.copyfile"}


def forked_run(arguments, output, kill_at=0):
    """Run step 2 in a child; return its wait status and the kinds of the operations that it has announced."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        kinds = _kill_at(kill_at, str(output))
        status = prepare_dataset.main([*arguments, "--output", str(output)])
        with os.fdopen(writer, "w") as pipe:
            json.dump(kinds, pipe)
        os._exit(status)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    return os.waitpid(child, 0)[1], json.loads(said or "[]")


def _kill_at(number, folder):
    kinds, busy = [], [False]

    def hook(event, arguments):
        inside_rmtree = event in {"os.remove", "os.rmdir"} and arguments[1] != -1  # names relative to an open folder
        if busy[0] or event not in EVENTS or not (inside_rmtree or str(arguments[0]).startswith(folder)):
            return
        path = Path(arguments[0])
        kinds.append(f"{event} {arguments[1] if event == 'open' else ''} {path.parent.name}/*{path.suffix}")
        if len(kinds) == number:
            busy[0] = True
            if event == "open" and ("w" in str(arguments[1]) or arguments[2] & os.O_CREAT):
                with open(arguments[0], "wb") as file:  # noqa: PTH123
                    file.write(b"half")
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    return kinds


def main(download, scratch, form, points=""):
    """Kill at operations over the whole run; every third time, kill the second run, too."""
    CharacterSet.from_setting("korean_g2")  # loaded once here, not in every child
    lmdb_form.TRANSACTION = 7  # so that the database is written while pages are done, too
    arguments = ["--dataset", download, "--training", "--validation", "--evaluation"]
    # One form with unpacked pages, the other out of the archives.
    arguments += ["--unzip"] if form == "png" else []
    arguments += ["--workers", "1", "--format", form, "val_images=2", "eval_images=1"]
    scratch = Path(scratch)
    assert forked_run([*arguments, "seed=2"], scratch / "before")[0] == 0  # sets that are replaced on the way
    shutil.copytree(scratch / "before", scratch / "replaced")
    status, kinds = forked_run(arguments, scratch / "replaced")
    assert (status, forked_run(arguments, scratch / "whole")[0]) == (0, 0)
    whole, different, killed = tree(scratch / "whole"), [], 0
    assert tree(scratch / "replaced") == whole
    places = {kind: [n for n, other in enumerate(kinds, 1) if other == kind] for kind in kinds}
    chosen = {found[len(found) // 2] for found in places.values()}
    numbers = range(1, len(kinds) + 1) if points == "all" else sorted(chosen)
    for place, number in enumerate(numbers):
        output = scratch / "killed"
        shutil.copytree(scratch / "before", output)
        for kill_at in (number, max(1, number // 2)) if place % 3 == 0 else (number,):
            killed += os.WIFSIGNALED(forked_run(arguments, output, kill_at)[0])
        status, _ = forked_run(arguments, output)
        if status or tree(output) != whole:
            different.append(number)
        shutil.rmtree(output)
    print(json.dumps({"operations": len(kinds), "killed": killed, "different": different, "files": len(whole)}))


if __name__ == "__main__":
    main(*sys.argv[1:])

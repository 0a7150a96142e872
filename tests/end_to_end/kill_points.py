"""Run step 2 again and again, kill it (SIGKILL) at one of its file operations, run it to the end, compare the trees.

    python3 -m tests.end_to_end.kill_points DOWNLOAD SCRATCH FORMAT POINTS    # 9999: at every operation

The operations are those that Python announces to audit hooks: opening, renaming, removing, making folders. A file that
is being opened for writing is left half-written. Each run is a fork of this process, so that a point costs a tenth of a
second; prints one JSON object.
"""

import json
import os
import random
import shutil
import signal
import sys
from pathlib import Path

import prepare_dataset
from tests.documents.samples import tree
from train_easyocr.recognition.characters import CharacterSet

EVENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.copyfile"}


def forked_run(arguments, output, kill_at=0):
    """Run step 2 in a child; return its wait status and how many operations it has announced."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        count = _kill_at(kill_at, str(output))
        status = prepare_dataset.main([*arguments, "--output", str(output)])
        os.write(writer, str(count[0]).encode())
        os._exit(status)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    return os.waitpid(child, 0)[1], int(said or 0)


def _kill_at(number, folder):
    count, busy = [0], [False]

    def hook(event, arguments):
        if busy[0] or event not in EVENTS or not str(arguments[0]).startswith(folder):
            return
        count[0] += 1
        if count[0] == number:
            busy[0] = True
            if event == "open" and "w" in str(arguments[1]):
                with open(arguments[0], "wb") as file:  # noqa: PTH123
                    file.write(b"half")
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    return count


def main(download, scratch, form, points):
    """Kill at `points` operations spread over the whole run; every third time, kill the second run, too."""
    CharacterSet.from_setting("korean_g2")  # loaded once here, not in every child
    arguments = ["--dataset", download, "--unzip", "--training", "--validation", "--evaluation"]
    arguments += ["--workers", "1", "--format", form, "val_images=2", "eval_images=1"]
    scratch = Path(scratch)
    status, total = forked_run(arguments, scratch / "whole")
    assert status == 0, status
    whole, different, killed = tree(scratch / "whole"), [], 0
    numbers = sorted(random.Random(1).sample(range(1, total + 1), min(int(points), total)))
    for place, number in enumerate(numbers):
        output = scratch / "killed"
        for kill_at in (number, max(1, number // 2)) if place % 3 == 0 else (number,):
            killed += os.WIFSIGNALED(forked_run(arguments, output, kill_at)[0])
        status, _ = forked_run(arguments, output)
        if status or tree(output) != whole:
            different.append(number)
        shutil.rmtree(output)
    print(json.dumps({"operations": total, "killed": killed, "different": different, "files": len(whole)}))


if __name__ == "__main__":
    main(*sys.argv[1:])

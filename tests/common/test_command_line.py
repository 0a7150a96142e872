"""What all command lines share: no character ends a run that the console's encoding lacks."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents.samples import jpeg, page_image

ROOT = Path(__file__).parents[2]
CONSOLES = ("ascii", "latin-1", "cp949", "euc-kr", "utf-8")
PROGRAM = """
import sys
from tqdm import tqdm
from train_easyocr.common.command_line import print_anything
from train_easyocr.common.workers import spread


def shown(text):
    sys.stdout.write(f"worker {text}\\n")  # in one piece: both processes write to one pipe
    sys.stdout.flush()
    return text


if __name__ == "__main__":
    print_anything()
    for text in tqdm(spread(shown, ["뷁 • ㎡ \\udc80", "둘"], 2), total=2, desc="쪽 •"):
        sys.stdout.write(f"parent {text}\\n")
    tqdm.write("끝 •", file=sys.stderr)
"""


def on_console(encoding, *command, **more):
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT)}
    found = subprocess.run([sys.executable, *command], env=environment, capture_output=True, check=False, **more)
    return found.returncode, found.stdout.decode(encoding), found.stderr.decode(encoding)


@pytest.mark.parametrize("encoding", CONSOLES)
def test_what_a_console_lacks_is_spelt_out_in_workers_and_progress_bars_too(tmp_path, encoding):
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    status, out, err = on_console(encoding, tmp_path / "program.py")
    text = "뷁 • ㎡ \udc80".encode(encoding, errors="backslashreplace").decode(encoding)
    assert status == 0, err
    assert f"worker {text}\n" in out and f"parent {text}\n" in out
    assert "끝 •".encode(encoding, errors="backslashreplace").decode(encoding) in err


@pytest.mark.parametrize("encoding", CONSOLES)
def test_step_2_ends_well_on_each_console(tmp_path, encoding):
    for number in range(3):
        (tmp_path / f"쪽•{number}.jpg").write_bytes(jpeg(page_image(number)))
        (tmp_path / f"쪽•{number}.txt").write_text("9,9,60,9,60,40,9,40,뷁•①", encoding="utf-8")
    (tmp_path / "남은•.jpg").write_bytes(jpeg(page_image(9)))
    command = ("prepare_dataset.py", "--from", tmp_path, "--output", tmp_path.with_name("세트•"), "--training")
    status, out, err = on_console(encoding, *command, "character=가뷁•①", "--workers", "1", cwd=ROOT)
    assert (status, "ready" in out) == (0, True), err
    statistics = tmp_path.with_name("세트•") / "training_and_validation_set/training/select_data/statistics.json"
    assert '"used": 1' in statistics.read_text(encoding="utf-8")


def test_every_command_line_begins_with_it():
    found = {}
    for path in (*ROOT.glob("*.py"), *ROOT.glob("train_easyocr/**/*.py")):
        nodes = ast.parse(path.read_text(encoding="utf-8")).body
        mains = [node for node in nodes if isinstance(node, ast.FunctionDef) and node.name == "main"]
        found |= {path.relative_to(ROOT).as_posix(): ast.unparse(main.body[1]) for main in mains}
    assert len(found) >= 12 and set(found.values()) == {"print_anything()"}, found

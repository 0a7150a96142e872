"""What all command lines share: no character ends a run that the console's encoding lacks."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents.samples import jpeg, page_image
from train_easyocr.common.command_line import CommandParser, add_cuda, command
from train_easyocr.common.errors import Interrupted, OtherProcessError, UsageError, UserError

pytestmark = pytest.mark.slow

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


def test_every_command_line_has_the_one_handler():
    found = {}
    for path in (*ROOT.glob("*.py"), *ROOT.glob("train_easyocr/**/*.py")):
        nodes = ast.parse(path.read_text(encoding="utf-8")).body
        mains = [node for node in nodes if isinstance(node, ast.FunctionDef) and node.name == "main"]
        found |= {path.relative_to(ROOT).as_posix(): ast.unparse(main.decorator_list) for main in mains}
    assert len(found) >= 11 and all(by.startswith("command('") for by in found.values()), found


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (UserError("라벨: kaputt"), 1, "step: 라벨: kaputt\n"),
        (UsageError("lr: falsch\n  - 둘"), 2, "step: lr: falsch\n  - 둘\n"),
        (PermissionError(13, "Permission denied", "쪽.png"), 1, "step: 쪽.png: Permission denied; mend that and run"),
        (OSError("timed out"), 1, "step: timed out; mend that and run"),
        (KeyboardInterrupt(), 130, "step: stopped; the same command goes on from here\n"),
        (Interrupted("saved"), 130, "step: saved\n"),
        (OtherProcessError("gone"), 1, ""),
    ],
)
def test_what_ends_a_command_gives_its_status_and_is_said_without_a_traceback(capsys, error, status, said):
    assert ending_with(error)() == status
    assert capsys.readouterr().err[: len(said)] == said
    assert "Traceback" not in capsys.readouterr().err


def ending_with(error):
    @command("step")
    def main():
        raise error

    return main


def test_a_command_ends_with_what_its_main_returns(capsys):
    assert [command("step")(lambda returned: returned)(returned) for returned in (None, 0, 1)] == [0, 0, 1]
    assert capsys.readouterr() == ("", "")


def test_a_bug_keeps_its_traceback():
    with pytest.raises(ValueError, match="a bug"):
        ending_with(ValueError("a bug"))()


def test_of_processes_together_one_a_machine_tells_what_all_find_and_each_what_it_alone_does(monkeypatch, capsys):
    agreed, stop = UserError("own"), Interrupted("saved")
    agreed.agreed = True
    said = []
    for rank, local_rank in ((0, 0), (1, 1), (2, 0), (3, 1)):  # two machines of two processes
        monkeypatch.setenv("RANK", str(rank))
        monkeypatch.setenv("LOCAL_RANK", str(local_rank))
        assert [ending_with(error)() for error in (UsageError("all"), agreed, stop)] == [2, 1, 130]
        said.append(capsys.readouterr().err.replace("step: ", "").split())
    assert said == [["all", "own", "saved"], ["own"], ["all", "own"], ["own"]]


@pytest.mark.parametrize("option", ["--eval_set", "--eval-set", "--eval-s", "--eval_s"])
def test_options_have_underscores_or_dashes(option):
    parser = CommandParser()
    parser.add_argument("--eval_set")
    parser.add_argument("words", nargs="*")
    for parse in (parser.parse_args, parser.parse_intermixed_args):
        assert parse(["a-b", option, "c-d"]).eval_set == "c-d"
        assert parse(["a-b", f"{option}=--c-d"]).eval_set == "--c-d"
    assert parser.parse_args([option, "e", "--", "--c-d"]).words == ["--c-d"]


@pytest.mark.parametrize(("given", "found"), [((), None), (("--cuda",), True), (("--no_cuda",), False)])
def test_the_gpu_is_asked_for_or_refused_or_neither(given, found):
    parser = CommandParser()
    add_cuda(parser)
    assert parser.parse_args(given).cuda is found


def test_all_commands_take_both_spellings():
    files = [*ROOT.glob("*.py"), *(ROOT / "train_easyocr").rglob("*.py")]
    plain = [file.name for file in files if "argparse.ArgumentParser(" in file.read_text(encoding="utf-8")]
    assert plain == []
    for file in files:
        flags = re.findall(r'add_argument\(\s*"(--[^"]+)"', file.read_text(encoding="utf-8"))
        assert [flag for flag in flags if "-" in flag[2:]] == [], file

"""What a process does with memory that it takes."""

import os
import subprocess
import sys

import pytest

CODE = """
import os, sys
from pathlib import Path
from train_easyocr.common import memory
memory._ON_DEMAND = Path(sys.argv[1]), "[madvise]"
print("begun", os.getpid(), flush=True)
memory.use_huge_pages()
print(os.environ["GLIBC_TUNABLES"], sys.argv[2:])
"""


@pytest.mark.parametrize(
    ("said", "given", "starts", "left"),
    [
        ("always [madvise] never", "", 2, "glibc.malloc.hugetlb=1"),
        ("always [madvise] never", "glibc.malloc.check=0", 2, "glibc.malloc.check=0:glibc.malloc.hugetlb=1"),
        ("always [madvise] never", "glibc.malloc.hugetlb=0", 1, "glibc.malloc.hugetlb=0"),
        ("[always] madvise never", "glibc.malloc.check=0", 1, "glibc.malloc.check=0"),
        (None, "glibc.malloc.check=0", 1, "glibc.malloc.check=0"),
    ],
)
def test_a_command_that_wants_huge_pages_begins_anew_at_most_once(tmp_path, said, given, starts, left):
    if said:
        (tmp_path / "enabled").write_text(said)
    command = [sys.executable, "-c", CODE, tmp_path / "enabled", "쪽 1.jpg", "--format"]
    process = subprocess.run(
        command, env=os.environ | {"GLIBC_TUNABLES": given}, capture_output=True, text=True, check=True
    )
    *begun, end = process.stdout.splitlines()
    assert len(begun) == starts and len(set(begun)) == 1, "the same process"
    assert end == f"{left} ['쪽 1.jpg', '--format']"

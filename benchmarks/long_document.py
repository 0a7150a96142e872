"""A PDF of many pages read to its end, and read by a command that is killed over and over and goes on each time.

    python3 -m benchmarks.long_document EXPORT [--pages 2000] [--kills 10] [--format pdf]

EXPORT is a folder of `train_easyocr.export`. Pages are pieces of rendered documents at 300 dots per inch, of random
size. Where both outputs are not the same, byte for byte, the exit status is 1.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path

import psutil
from PIL import Image

from benchmarks.serving import cuttings, pages
from train_easyocr.common.files import read_json_object
from train_easyocr.common.text import format_table
from train_easyocr.reading.run import FORMATS, MANIFEST
from train_easyocr.reading.sources import DPI

EARLY, SEED = 200, 7
"""Page at which memory is looked at first; of where a command is killed."""
SIDES = 150, 500
"""Pixels of a page's sides."""
GLANCE = 0.1
"""Seconds between looks at a command."""


def document(count: int) -> bytes:
    """Return a PDF of pieces of rendered pages."""
    first, *others = (Image.open(BytesIO(piece)) for piece in cuttings(pages(), count, SIDES))
    file = BytesIO()
    first.save(file, "PDF", save_all=True, append_images=others, resolution=DPI)
    return file.getvalue()


class Run:
    """`train_easyocr.read` of a document, started.

    Args:
        export: What reads.
        scan: The document.
        folder: For the output.
        form: Of the output.
    """

    def __init__(self, export: Path, scan: Path, folder: Path, form: str) -> None:
        self.output = folder / f"{scan.name}{FORMATS[form][0]}"
        self._progress = self.output.with_name(f"{self.output.name}.progress.part")
        command = [sys.executable, "-m", "train_easyocr.read", scan, "--bundle", export, "--format", form]
        self.process = psutil.Popen(
            [*command, "--output", folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    @property
    def pages(self) -> int:
        """Pages that are read, by this run and those before."""
        return int(read_json_object(self._progress).get("pages", 0))

    def reach(self, page: int) -> bool:
        """Wait until so many pages are read; return whether the command still runs."""
        while (runs := self.process.poll() is None) and self.pages < page:
            time.sleep(GLANCE)
        return runs


def main() -> int:
    """Read, kill, and compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("export", type=Path)
    parser.add_argument("--pages", type=int, default=2_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--format", choices=list(FORMATS), default="pdf")
    args = parser.parse_args()
    drawn = random.Random(SEED)
    with tempfile.TemporaryDirectory() as given:
        folder = Path(given)
        scan = folder / "긴 문서.pdf"
        scan.write_bytes(document(args.pages))

        begun, memory = time.perf_counter(), {}
        whole = Run(args.export, scan, folder / "whole", args.format)
        for page in (EARLY, args.pages - 1):
            if whole.reach(page):
                memory[page] = whole.process.memory_info().rss
        whole.process.wait()
        seconds = time.perf_counter() - begun

        killed = []
        for page in sorted(drawn.sample(range(1, args.pages), args.kills)):
            run = Run(args.export, scan, folder / "killed", args.format)
            if run.reach(page):
                time.sleep(drawn.random())  # anywhere in a page
                killed.append(run.pages)
            run.process.kill()
            run.process.wait()
        last = Run(args.export, scan, folder / "killed", args.format)
        last.process.wait()
        same = all(
            (folder / "whole" / name).read_bytes() == (folder / "killed" / name).read_bytes()
            for name in (whole.output.name, MANIFEST)
        )
        rows: list[tuple[str, object]] = [
            ("pages", f"{args.pages:,}"),
            (
                "MB of the file / of its output",
                f"{scan.stat().st_size / 1e6:.0f} / {whole.output.stat().st_size / 1e6:.0f}",
            ),
            ("seconds", f"{seconds:.0f}"),
            *((f"MiB at page {page:,}", f"{size / 2**20:.0f}") for page, size in memory.items()),
            ("killed when so many pages were read", ", ".join(map(str, killed))),
            ("same output", "yes" if same else "no"),
        ]
    print(format_table(("A long document", ""), rows))
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())

"""Speed and memory of step 2: patches a second as PNG and as LMDB, with one worker and with all.

    python3 -m benchmarks.prepare_dataset                        # on pages made up here
    python3 -m benchmarks.prepare_dataset --dataset DIR          # on a download

Beside them the plain way: one process that decodes a page, crops it, and writes a PNG file a word. Memory is the
highest resident size that any one process of the run has had (Linux).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import psutil

from train_easyocr.documents.aihub import find_pages, read_page
from train_easyocr.documents.workers import available_cores
from train_easyocr.text import format_table

ROOT = Path(__file__).parents[1]
WIDTH, HEIGHT, WORDS = 2480, 3508, 110
"""A page of the real set: A4 at 300 dots per inch, 110 words."""


def make_pages(folder: Path, count: int) -> None:
    """Write pages as `--unzip` leaves them: strokes in place of letters on paper with scanner noise."""
    generator = np.random.default_rng(7)
    paper = generator.normal(235, 6, (HEIGHT, WIDTH)).clip(0, 255).astype(np.uint8)
    for number in range(count):
        image, annotations = np.roll(paper, 97 * number, axis=1), []
        for word in range(WORDS):
            x, y = 120 + 380 * (word % 6), 120 + 170 * (word // 6)
            width, height = int(generator.integers(60, 330)), int(generator.integers(38, 60))
            for stroke in range(x, x + width, 12):
                cv2.line(image, (stroke, y + 4), (stroke + int(generator.integers(-6, 7)), y + height - 4), 40, 3)
            box = {"annotation.text": "행정문서"[: 1 + word % 4], "annotation.bbox": [x, y, width, height]}
            annotations.append({"id": word, **box})
        name = f"인.허가/5350109/2001/5350109-2001-0001-{number:04d}"
        _write(folder / f"images/{name}.jpg", cv2.imencode(".jpg", image)[1].tobytes())
        page = {"image.category": "인.허가", "image.width": WIDTH, "image.height": HEIGHT}
        _write(folder / f"labels/{name}.json", json.dumps({"images": [page], "annotations": annotations}).encode())


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def plain_way(unzipped: Path, output: Path) -> int:
    """Crop every word of every page into a PNG file, one after the other; return their number."""
    output.mkdir()
    count = 0
    for page_file in find_pages(unzipped / "training")[0]:
        page = read_page(page_file)
        image = cv2.imread(str(page_file.image), cv2.IMREAD_GRAYSCALE)
        for word in page.words:
            box = word.box.clipped(image.shape[1], image.shape[0])
            patch = image[box.ymin : box.ymax, box.xmin : box.xmax]
            cv2.imwrite(str(output / f"{page.stem}_{count}.png"), patch)
            count += 1
    return count


def measured_run(dataset: Path, output: Path, form: str, workers: int) -> tuple[float, int, float]:
    """Run `--training`; return seconds, patches, and the peak memory of its largest process in MiB."""
    name = f"{form}_{workers}"
    command = [sys.executable, str(ROOT / "prepare_dataset.py"), "--dataset", str(dataset), "--output", str(output)]
    command += ["--training", "--format", form, "--workers", str(workers), "--select_data", name]
    start, peak = time.perf_counter(), 0.0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        while run.poll() is None:
            peak = max(peak, *(_peak_memory(pid) for pid in _family(run.pid)))
            time.sleep(0.02)
    seconds = time.perf_counter() - start
    if run.returncode:
        raise SystemExit(f"{' '.join(command)} ended with status {run.returncode}")
    folder = output / "training_and_validation_set/training" / name
    patches = json.loads((folder / "statistics.json").read_bytes())["words"]["used"]
    shutil.rmtree(folder)
    return seconds, patches, peak


def _family(pid: int) -> list[int]:
    try:
        return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    except psutil.NoSuchProcess:
        return [pid]


def _peak_memory(pid: int) -> float:
    """Return the highest resident size that a process has had, in MiB; 0 when it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


def unpack(dataset: Path, output: Path) -> None:
    """Unpack a download below `output`."""
    command = [sys.executable, str(ROOT / "prepare_dataset.py"), "--dataset", str(dataset), "--output", str(output)]
    subprocess.run([*command, "--unzip"], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path, metavar="DIR", help="a download (default: pages made up here)")
    parser.add_argument("--pages", type=int, default=60, help="pages to make up (default: %(default)s)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        output = Path(temporary)
        if args.dataset:
            unpack(args.dataset, output)
        else:
            make_pages(output / "unzipped/training", args.pages)
        start = time.perf_counter()
        patches = plain_way(output / "unzipped", output / "plain")
        plain = patches / (time.perf_counter() - start)
        peak = _peak_memory(os.getpid())
        rows: list[tuple[object, ...]] = [("plain loop, PNG", 1, round(plain), "1.0", round(peak))]
        for form in ("png", "lmdb"):
            for workers in sorted({1, available_cores()}):
                seconds, patches, peak = measured_run(args.dataset or output, output, form, workers)
                speed = patches / seconds
                rows.append((f"step 2, {form.upper()}", workers, round(speed), f"{speed / plain:.1f}", round(peak)))
        print(format_table(("way", "workers", "patches/s", "times plain", "peak MiB"), rows))
        print(f"{patches:,} patches; start of the processes, labels.csv and statistics included")


if __name__ == "__main__":
    main()

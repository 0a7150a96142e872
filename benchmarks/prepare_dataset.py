"""Speed and memory of step 2 beside the plain way of doing the same and beside the bare decoding of the pages.

    python3 -m benchmarks.prepare_dataset [--pages 240] [--repeats 3]
    python3 -m benchmarks.prepare_dataset --dataset DIR          # on a download instead of rendered pages

The plain way is one process that reads the JSON, decodes the page in colour, writes a PNG file a word with the
library's own settings (OpenCV; beside it Pillow), and labels.csv with pandas. The floor decodes the pages to grey and
does nothing else, in as many processes as step 2 has workers and with the same care for memory. Everything runs as a
process of its own, start included, in turns, `--repeats` times; the best time of each counts. Memory is the highest
resident size that any one process of a run has had (Linux). Processor time is that of all processes of a run together;
other programs on the machine change it least.

PNG files stay until the end, about 1 GB a repeat with 240 pages: a file system may look through the places of files
that were just deleted each time it makes a new one (ext4 does for a minute or more), which would slow down whatever
comes next a hundredfold.
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
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from benchmarks.results import Row, report
from train_easyocr.common.text import format_table
from train_easyocr.common.workers import available_cores, spread
from train_easyocr.datasets.cropping import crop
from train_easyocr.datasets.png import encode_png
from train_easyocr.documents.aihub import find_pages, read_labelled_page
from train_easyocr.documents.archives import members_by_kind
from train_easyocr.documents.download import find_download, list_download
from train_easyocr.documents.images import MAX_IMAGE_BYTES, decode_image
from train_easyocr.documents.sources import PageFile
from train_easyocr.synthesis.archive import IMAGE_FOLDER, LABEL_FOLDER, write_archive

ROOT = Path(__file__).parents[1]
RENDERED = 16
"""Different pages; the others repeat them under other names, which is the same work."""
QUALITY = 62
"""JPEG quality that gives rendered pages the 0.8 MB of real ones."""
POLL = 0.05
"""Seconds between looks at the memory of a run; looking takes time from it."""
START_PAGES = 4
WHOLE_SET, CORES = 113_874, 16
PILLOW_SHARE = 4
"""Pillow's plain way is given a quarter of the pages: it takes three times as long as OpenCV's."""


class Measured(NamedTuple):
    """One run: seconds, processor seconds of all its processes and of the first alone, and peak memory in MiB."""

    seconds: float
    processor: float
    first: float
    memory: float


def render_download(folder: Path, pages: int) -> None:
    """Lay out a download whose pages look like real ones; `pages` of them in training."""
    source = folder / "rendered"
    command = [sys.executable, "-m", "train_easyocr.synthesis", "--output", str(source), "--pages", str(RENDERED + 2)]
    subprocess.run([*command, "--validation_share", "0.1"], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    images, labels = members_by_kind(list_download(find_download(source)), "training")
    jpegs = [_smaller(member.read(MAX_IMAGE_BYTES)) for _, member in sorted(images, key=lambda found: found[0])]
    texts = [member.read(MAX_IMAGE_BYTES) for _, member in sorted(labels, key=lambda found: found[0])]
    names = [f"인.허가/5350109/2001/5350109-2001-0001-{number:05d}" for number in range(pages)]
    for path, top, suffix, contents in (
        ("[원천]train1.zip", IMAGE_FOLDER, ".jpg", jpegs),
        ("[라벨]train.zip", LABEL_FOLDER, ".json", texts),
    ):
        members = ((f"{top}/{name}{suffix}", contents[i % len(contents)]) for i, name in enumerate(names))
        write_archive(folder / "Training" / path, members, compress=suffix == ".json")
    shutil.rmtree(source)


def _smaller(jpeg: bytes) -> bytes:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()


def plain_way(unzipped: Path, output: Path, save: Callable[[str, np.ndarray], object], limit: int) -> None:
    """Crop every word of the first `limit` pages into a PNG file, as a short script does it."""
    import pandas as pd  # noqa: PLC0415 - the floor's process shall not load it

    output.mkdir(parents=True)
    rows = []
    for label in sorted((unzipped / "training/labels").rglob("*.json"))[:limit]:
        content = json.loads(label.read_text(encoding="utf-8"))
        path = unzipped / "training/images" / label.relative_to(unzipped / "training/labels").with_suffix(".jpg")
        image = cv2.imread(str(path))
        for word in content["annotations"]:
            x, y, width, height = word["annotation.bbox"]
            box = max(0, x), max(0, y), min(image.shape[1], x + width), min(image.shape[0], y + height)
            name = f"{label.stem}_{'-'.join(map(str, box))}.png"
            save(str(output / name), image[box[1] : box[3], box[0] : box[2]])
            rows.append({"filename": name, "words": word["annotation.text"]})
    pd.DataFrame(rows).to_csv(output / "labels.csv", index=False)


def _save_with_pillow(path: str, patch: np.ndarray) -> None:
    from PIL import Image  # noqa: PLC0415

    Image.fromarray(cv2.cvtColor(patch, cv2.COLOR_BGR2RGB)).save(path)


def decode_page(page: PageFile) -> int:
    """Decode a page to grey."""
    cv2.setNumThreads(1)
    return decode_image(page.image.read_bytes()).size


def decode_pages(unzipped: Path, workers: int, limit: int) -> None:
    """Do nothing but decode pages."""
    pages, _ = find_pages(unzipped / "training")
    for _ in spread(decode_page, pages[:limit], workers):
        pass


def decode_plainly(unzipped: Path, limit: int) -> None:
    """Do the same without a thought for memory: what `keep_freed_memory` saves lies between this and the floor."""
    for page in find_pages(unzipped / "training")[0][:limit]:
        decode_page(page)


def measure(command: Sequence[str]) -> Measured:
    """Run a command to its end."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    start, memory, first = time.perf_counter(), 0.0, 0.0
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    ended, errors = 0, ""
    while not ended:
        memory = max(memory, *(_peak_memory(pid) for pid in _family(process.pid)))
        first = max(first, _processor_time(process.pid))
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        time.sleep(POLL)
    seconds = time.perf_counter() - start
    if process.stderr is not None:
        errors = process.stderr.read()
        process.stderr.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with status {process.returncode}:\n{errors}")
    return Measured(seconds, usage.ru_utime + usage.ru_stime, first, memory)


def _family(pid: int) -> list[int]:
    import psutil  # noqa: PLC0415 - the processes that are measured shall not load it

    try:
        return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    except psutil.NoSuchProcess:
        return [pid]


def _peak_memory(pid: int) -> float:
    """Return the highest resident size that a process has had, in MiB; 0 when it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0.0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


def _processor_time(pid: int) -> float:
    import psutil  # noqa: PLC0415

    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def plain_run(kind: str, folder: Path, pages: int, workers: int = 1) -> Measured:
    """Run one of the works of this file on so many pages, as a process."""
    command = [sys.executable, "-m", "benchmarks.prepare_dataset", "--only", kind, "--folder", str(folder)]
    command += ["--output", tempfile.mkdtemp(dir=folder), "--workers", str(workers), "--pages", str(pages)]
    return measure(command)


def our_run(download: Path, folder: Path, form: str, workers: int, *settings: str, unzipped: bool = True) -> Measured:
    """Run `--training` of step 2, out of unzipped/ or out of the archives."""
    output = Path(tempfile.mkdtemp(dir=folder))
    if unzipped:
        (output / "unzipped").symlink_to(folder / "unzipped")
    command = [sys.executable, str(ROOT / "prepare_dataset.py"), "--dataset", str(download), "--output", str(output)]
    measured = measure([*command, "--training", "--format", form, "--workers", str(workers), *settings])
    if form == "lmdb":  # few files
        shutil.rmtree(output)
    return measured


def works(download: Path, folder: Path, pages: int) -> dict[str, Callable[[], Measured]]:
    """Return all that is measured: plain ways, floors, and ours out of unzipped/ and out of the archives.

    And each of them on few pages, under a name that starts with `start`.
    """
    found: dict[str, Callable[[], Measured]] = {}
    for prefix, count in (("", pages), ("start ", START_PAGES)):
        found[f"{prefix}plain opencv"] = partial(plain_run, "opencv", folder, count)
        found[f"{prefix}plain decoding"] = partial(plain_run, "grey", folder, count)
        some = (f"train_images={count}",)
        for workers in sorted({1, available_cores()}):
            found[f"{prefix}floor {workers}"] = partial(plain_run, "decode", folder, count, workers)
            for form in ("png", "lmdb"):
                found[f"{prefix}unzipped {form} {workers}"] = partial(our_run, download, folder, form, workers, *some)
            out_of = partial(our_run, download, folder, "lmdb", workers, *some, unzipped=False)
            found[f"{prefix}archives lmdb {workers}"] = out_of
    found["plain pillow"] = partial(plain_run, "pillow", folder, pages // PILLOW_SHARE)
    return found


def measure_all(download: Path, folder: Path, pages: int, repeats: int) -> dict[str, Measured]:
    """Measure each work in turn, several times; the best of each figure counts."""
    best: dict[str, Measured] = {}
    for number in range(repeats):
        for name, work in works(download, folder, pages).items():
            print(f"{number + 1}/{repeats}: {name}", end="\033[K\r", file=sys.stderr, flush=True)
            result = work()
            best[name] = Measured(*map(min, result, best.get(name, result)))
    return best


def rows(best: dict[str, Measured], pages: int, patches: int) -> list[Row]:
    """Compare our runs with the plain ways, and with the floor on the same number of workers."""
    opencv, pillow = patches / best["plain opencv"].seconds, patches / PILLOW_SHARE / best["plain pillow"].seconds
    table, cores = [], available_cores()
    for name, measured in best.items():
        place, form, workers = [*name.split(), ""][:3]
        if place not in {"unzipped", "archives"}:
            continue
        where = ", out of the archives" if place == "archives" else ""
        work = f"step 2, {form.upper()}{where}, {workers} worker{'s' * (workers != '1')}"
        speed, floor = patches / measured.seconds, patches / best[f"floor {workers}"].seconds
        note = f"plain: OpenCV; {floor / speed:.2f} x the floor's time"
        table.append(Row(work, opencv, speed, "patches/s", floor, measured.memory, note))
        if place == "unzipped" and int(workers) == cores:
            table.append(Row(work, pillow, speed, "patches/s", floor, measured.memory, "plain: Pillow"))
    plain, decoding = (1000 * a_page(best, name, pages) for name in ("plain opencv", "floor 1"))
    for form in ("png", "lmdb"):
        ours = 1000 * a_page(best, f"unzipped {form} 1", pages)
        note = f"plain: OpenCV; {ours / decoding:.2f} x the floor's time; starts of processes taken off"
        work = f"step 2, {form.upper()}, 1 worker, processor time"
        table.append(Row(work, plain, ours, "ms a page", decoding, note=note))
    return table


def a_page(best: dict[str, Measured], name: str, pages: int, figure: str = "processor") -> float:
    """Return a work's processor seconds a page, its start taken off by means of its run on few pages."""
    return float(getattr(best[name], figure) - getattr(best[f"start {name}"], figure)) / (pages - START_PAGES)


def processor_table(best: dict[str, Measured], pages: int) -> str:
    """Lay out processor time a page: the figure that other processes on the machine change least."""
    base = a_page(best, "floor 1", pages)
    table = []
    for name in best:
        if f"start {name}" in best:
            cost, first = a_page(best, name, pages), a_page(best, name, pages, "first")
            table.append((name, f"{1000 * cost:.1f}", f"{cost / base:.2f}", f"{1000 * first:.1f}"))
    header = ("work, workers", "processor ms a page", "x decoding", "of that in the first process")
    return format_table(header, table)


def arithmetic(best: dict[str, Measured], pages: int, size: float) -> str:
    """Say what the whole set takes on 16 cores, from measured processor times without the start of the processes."""
    cores = available_cores()
    lines = []
    for form, name in (("LMDB, out of the archives", "archives lmdb"), ("PNG", "unzipped png")):
        assembling = a_page(best, f"{name} {cores}", pages, "first") if cores > 1 else 0.0
        making = a_page(best, f"{name} 1", pages) - assembling
        parallel, serial = WHOLE_SET * making / CORES, WHOLE_SET * assembling
        seconds = max(parallel, serial)
        lines.append(
            f"{form}: {WHOLE_SET:,} pages x {1000 * making:.1f} ms / {CORES} cores = {parallel / 60:.1f} minutes; "
            f"meanwhile one process puts the set together: {WHOLE_SET:,} x {1000 * assembling:.1f} ms = "
            f"{serial / 60:.1f} minutes. So {seconds / 60:.1f} minutes, if the disk gives "
            f"{WHOLE_SET * size / 2**20 / seconds:,.0f} MiB/s to read."
        )
    return "\n".join(lines)


def coding_table(unzipped: Path) -> str:
    """Compare ways of writing a grey patch as PNG: time to encode, time to decode, size."""
    patches = [patch for page in find_pages(unzipped / "training")[0][:RENDERED] for patch in _patches(page)]
    coders: Iterable[tuple[str, Callable[[np.ndarray], bytes]]] = (
        ("stored (ours)", encode_png),
        ("OpenCV, own settings", lambda patch: cv2.imencode(".png", patch)[1].tobytes()),
        ("OpenCV, level 1", lambda patch: cv2.imencode(".png", patch, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()),
    )
    table = []
    for name, encode in coders:
        encoded = [np.frombuffer(encode(patch), np.uint8) for patch in patches]
        writing = _best_time(encode, patches)
        reading = _best_time(lambda content: cv2.imdecode(content, cv2.IMREAD_GRAYSCALE), encoded)
        size = np.array([content.size for content in encoded])
        blocks = 4096 * np.ceil((size + 16) / 4096).mean()  # as LMDB and file systems keep them
        table.append((name, f"{writing:.0f}", f"{reading:.0f}", f"{size.mean():,.0f}", f"{blocks:,.0f}"))
    return format_table(("PNG of a patch", "encode us", "decode us", "bytes", "bytes in 4 KiB blocks"), table)


def _patches(page: PageFile) -> list[np.ndarray]:
    image = decode_image(page.image.read_bytes())
    return [crop(image, word.box.clipped(image.shape[1], image.shape[0])) for word in read_labelled_page(page).words]


def _best_time(function: Callable[[np.ndarray], object], values: Sequence[np.ndarray]) -> float:
    """Return microseconds a call, the best of three rounds."""
    times = []
    for _ in range(3):
        start = time.process_time()
        for value in values:
            function(value)
        times.append((time.process_time() - start) / len(values) * 1e6)
    return min(times)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path, metavar="DIR", help="a download (default: rendered pages)")
    parser.add_argument("--pages", type=int, default=240, help="pages to make up (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=3, help="times that each work is done (default: %(default)s)")
    for name in ("--only", "--folder", "--output", "--workers"):
        parser.add_argument(name, help=argparse.SUPPRESS)  # one work, in the process that `plain_run` starts
    return parser.parse_args()


def only(kind: str, folder: Path, output: Path, workers: int, pages: int) -> None:
    """Do one work in this process."""
    cv2.setNumThreads(1)
    unzipped = folder / "unzipped"
    if kind == "decode":
        decode_pages(unzipped, workers, pages)
    elif kind == "grey":
        decode_plainly(unzipped, pages)
    else:
        plain_way(unzipped, output / "plain", cv2.imwrite if kind == "opencv" else _save_with_pillow, pages)


def main() -> None:
    """Measure and print the tables."""
    args = parse_args()
    if args.only:
        only(args.only, Path(args.folder), Path(args.output), int(args.workers), args.pages)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        download = args.dataset or folder
        if not args.dataset:
            render_download(folder, args.pages)
        command = [
            sys.executable,
            str(ROOT / "prepare_dataset.py"),
            "--dataset",
            str(download),
            "--output",
            str(folder),
        ]
        subprocess.run([*command, "--unzip"], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
        found, _ = find_pages(folder / "unzipped/training")
        patches, size = sum(len(read_labelled_page(page).words) for page in found), _mean_size(found)
        print(
            f"{len(found)} pages of {size / 1e6:.2f} MB with {patches / len(found):.0f} words, "
            f"{available_cores()} cores, load {os.getloadavg()[0]:.1f} before the start"
        )
        best = measure_all(download, folder, len(found), args.repeats)
        report(rows(best, len(found), patches))
        print(f"\n{processor_table(best, len(found))}\n\n{coding_table(folder / 'unzipped')}\n")
        print(arithmetic(best, len(found), size))
        print(f"load {os.getloadavg()[0]:.1f} at the end")


def _mean_size(pages: Sequence[PageFile]) -> float:
    return sum(page.image.stat().st_size for page in pages) / len(pages)


if __name__ == "__main__":
    main()

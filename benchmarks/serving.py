"""The service: time to ready, one client and eight, what HTTP costs over the engine, memory over many requests.

    python3 -m benchmarks.serving PACKAGE [--parts ready same throughput overhead soak] [--requests 2000] [--threads 2]

PACKAGE is what `train_easyocr.serve --package` takes. Pages are rendered; those of the soak are cut out of them, with
sides drawn between 150 and 1,200 pixels. One client and eight take turns on the same pages. The load of the machine is
shown beside: on a busy one only ratios of one run say something. `same` has eight clients ask for 200 pieces that one
client asked for before; where answers differ by more than their times, the exit status is 1.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from statistics import fmean, median

import httpx
import psutil
from PIL import Image

from train_easyocr.common.text import format_table
from train_easyocr.reading.formats import About, JsonWriter
from train_easyocr.reading.onnx_engine import OnnxEngine
from train_easyocr.reading.pipeline import read_page
from train_easyocr.reading.sources import document_of
from train_easyocr.serving.service import model_folder
from train_easyocr.synthesis.fonts import FontLibrary
from train_easyocr.synthesis.generate import RenderSettings, render_page

PAGES, SEED = 8, 5
SIDES = 150, 1_200
"""Pixels of a side of the soak's pages."""
EARLY = 200
"""Requests of the soak after which memory is looked at first."""
CLIENTS = 8
DIFFERENT = 200
"""Images that eight clients ask for at once."""
WARM, TIMES = 5, 120
"""That a page is read before times count, and after, for what a request costs."""
Rows = list[tuple[str, object]]


@contextlib.contextmanager
def served(package: Path, threads: int) -> Iterator[tuple[httpx.Client, psutil.Process, float]]:
    """Run the command; yield a client, the process, and the seconds that it took to be ready."""
    command = [sys.executable, "-m", "train_easyocr.serve", "--package", str(package), "--port", "0"]
    start = time.perf_counter()
    with subprocess.Popen(
        [*command, "--threads", str(threads)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout
            url = process.stdout.readline().split()[-1]
            with httpx.Client(base_url=url, timeout=600) as client:
                client.get("/readyz").raise_for_status()
                yield client, psutil.Process(process.pid), time.perf_counter() - start
        finally:
            process.terminate()


def pages() -> list[bytes]:
    """Return rendered pages, as JPEG."""
    fonts = FontLibrary.find()
    return [render_page(number, RenderSettings(PAGES, SEED, Fraction(1, 2)), fonts)[0] for number in range(PAGES)]


def cuttings(whole: Sequence[bytes], count: int, sides: tuple[int, int] = SIDES) -> Iterator[bytes]:
    """Yield pieces of pages of random size, as JPEG."""
    drawn = random.Random(SEED)
    images = [Image.open(io.BytesIO(page)).convert("RGB") for page in whole]
    for _ in range(count):
        image = drawn.choice(images)
        width, height = (drawn.randint(*sides) for _ in range(2))
        left, top = drawn.randint(0, image.width - width), drawn.randint(0, image.height - height)
        file = io.BytesIO()
        image.crop((left, top, left + width, top + height)).save(file, "JPEG")
        yield file.getvalue()


def ask(client: httpx.Client, page: bytes) -> httpx.Response:
    """Have a page read."""
    return client.send(request_of(client, page)).raise_for_status()


def request_of(client: httpx.Client, page: bytes) -> httpx.Request:
    """Return what asks for a page, to be sent as often as wanted."""
    return client.build_request("POST", "/v1/ocr", files={"file": ("쪽.jpg", page)})


def ready(package: Path, threads: int) -> Rows:
    """Time from starting the command to a word that was read."""
    times = []
    for _ in range(3):
        with served(package, threads) as (_, process, seconds):
            times.append((seconds, busy(process)))
    least = [f"{min(column):.2f}" for column in zip(*times, strict=True)]
    return [("seconds to ready, fewest of 3", least[0]), ("CPU seconds to ready, fewest of 3", least[1])]


def busy(process: psutil.Process) -> float:
    """Return the seconds of the processor that a process has taken."""
    return sum(process.cpu_times()[:2])


def throughput(package: Path, threads: int) -> Rows:
    """Pages a second of one client and of several, and what they take of the processor."""
    whole = pages()
    with served(package, threads) as (client, process, _):
        for page in whole:  # what is prepared at the first page of a size
            ask(client, page)

        def timed(clients: int) -> tuple[float, float]:
            start, before = time.perf_counter(), busy(process)
            with ThreadPoolExecutor(clients) as pool:
                list(pool.map(lambda page: ask(client, page), whole))
            return time.perf_counter() - start, busy(process) - before

        runs = [(timed(1), timed(CLIENTS)) for _ in range(3)]
    alone, together = (median(run[which][0] for run in runs) for which in (0, 1))
    return [
        ("pages a second, 1 client", f"{PAGES / alone:.2f}"),
        (f"pages a second, {CLIENTS} clients", f"{PAGES / together:.2f}"),
        ("ratio", f"{alone / together:.2f}"),
        ("ratio of each turn", ", ".join(f"{one[0] / many[0]:.2f}" for one, many in runs)),
        ("CPU seconds a page, 1 client", f"{median(one[1] for one, _ in runs) / PAGES:.2f}"),
        (f"CPU seconds a page, {CLIENTS} clients", f"{median(many[1] for _, many in runs) / PAGES:.2f}"),
        (f"cores busy with {CLIENTS} clients", f"{median(many[1] / many[0] for _, many in runs):.2f}"),
    ]


def same(package: Path, threads: int) -> Rows:
    """Whether eight clients at once are answered as one is, but for the times.

    Raises:
        SystemExit: They are not.
    """
    pieces = list(cuttings(pages(), DIFFERENT))
    with served(package, threads) as (client, _, _), ThreadPoolExecutor(CLIENTS) as pool:
        alone = [untimed(ask(client, piece)) for piece in pieces]
        together = list(pool.map(lambda piece: untimed(ask(client, piece)), pieces))
    others = sum(one != other for one, other in zip(alone, together, strict=True))
    if others:
        raise SystemExit(f"{others} of {DIFFERENT} answers are others where {CLIENTS} clients ask at once")
    words = sum(answer.count(b'"confidence"') for answer in alone)
    return [
        ("images", len(set(pieces))),
        ("words", f"{words:,}"),
        (f"answers to {CLIENTS} clients that are others", others),
    ]


def untimed(answer: httpx.Response) -> bytes:
    """Return an answer's bytes without how long each step took."""
    return re.sub(rb', "milliseconds": {[^}]*}', b"", answer.content)


def overhead(package: Path) -> Rows:
    """Milliseconds of an answer over those of the engine, which reads the same page and writes the same JSON.

    Both read with one thread, in turns: with two, what the service takes more would hide behind what they gain.
    """
    page = next(cuttings(pages(), 1))
    engine = OnnxEngine(model_folder(package), threads=1)

    def read() -> None:
        writer = JsonWriter(io.BytesIO(), About("쪽.jpg", engine.identity))
        picture = document_of(page).page(1)
        writer.page(read_page(engine, picture), picture)
        writer.close()

    def taken(work: Callable[[], object], clocks: Sequence[Callable[[], float]]) -> list[float]:
        starts = [clock() for clock in clocks]
        work()
        return [1000 * (clock() - start) for clock, start in zip(clocks, starts, strict=True)]

    with served(package, 1) as (client, process, _):
        request = request_of(client, page)
        ways: dict[str, tuple[Callable[[], object], Callable[[], float]]] = {
            "a request": (lambda: client.send(request).raise_for_status(), lambda: busy(process)),
            "the engine": (read, time.process_time),
        }
        times: dict[str, list[list[float]]] = {name: [] for name in ways}
        for turn in range(WARM + TIMES):
            for name, (work, processor) in ways.items():
                seconds = taken(work, (time.perf_counter, processor))
                times[name] += [seconds] * (turn >= WARM)
    walls, processors = ({name: [pair[which] for pair in pairs] for name, pairs in times.items()} for which in (0, 1))
    more = [request - alone for request, alone in zip(*walls.values(), strict=True)]
    return [
        *((f"ms of {name}, median", f"{median(found):.1f}") for name, found in walls.items()),
        ("ms more for a request, median of the differences", f"{median(more):.1f}"),
        *((f"CPU ms of {name}, mean", f"{fmean(found):.1f}") for name, found in processors.items()),
    ]


def soak(package: Path, threads: int, count: int) -> Rows:
    """Resident memory after some requests of random size, and after many."""
    early = 0
    with served(package, threads) as (client, process, _), ThreadPoolExecutor(CLIENTS) as pool:
        start = time.perf_counter()
        work = cuttings(pages(), count)
        for done in range(0, count, CLIENTS):
            list(
                pool.map(lambda page: ask(client, page), [page for page, _ in zip(work, range(CLIENTS), strict=False)])
            )
            if done % EARLY < CLIENTS:
                rss = process.memory_info().rss
                early = early or rss * (done >= EARLY)
                print(f"{done + CLIENTS:,} requests, {rss / 2**20:.0f} MiB", file=sys.stderr, flush=True)
        end, seconds = process.memory_info().rss, time.perf_counter() - start
        text = client.get("/metrics").text
        failed = [line for line in text.splitlines() if line.startswith("ocr_requests_total") and '"5' in line]
    return [
        ("requests of random size", f"{count:,}"),
        ("answers of 5xx", len(failed)),
        ("requests a second", f"{count / seconds:.1f}"),
        (f"MiB after {EARLY}", f"{early / 2**20:.0f}"),
        ("MiB at the end", f"{end / 2**20:.0f}"),
        ("ratio", f"{end / max(1, early):.2f}"),
    ]


def main() -> None:
    """Measure what is asked for, and print it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("package", type=Path)
    parser.add_argument("--parts", nargs="+", choices=("ready", "same", "throughput", "overhead", "soak"))
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    parts: dict[str, Callable[[], Rows]] = {
        "ready": lambda: ready(args.package, args.threads),
        "same": lambda: same(args.package, args.threads),
        "throughput": lambda: throughput(args.package, args.threads),
        "overhead": lambda: overhead(args.package),
        "soak": lambda: soak(args.package, args.threads, args.requests),
    }
    for name in args.parts or parts:
        rows = [*parts[name](), ("load of the machine", f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")]
        print(format_table((name, ""), rows), flush=True)


if __name__ == "__main__":
    main()

"""Speed and memory of step 3: words a second through the network, and out of the loader alone.

    python3 -m benchmarks.training [--words N] [--repeats N]

The words are as wide as AI-Hub's (the percentiles below are of its labels). The plain way stands here, small and fair:
labels.csv through pandas, a PNG file a word through PIL, every word padded to 64 x 600, float32, a DataLoader with the
same number of workers, the same network, loss, optimizer and batch size. Each way runs in a process of its own; the
best of the repeats counts, since whatever else the machine does only ever slows a run down. Rows for a GPU are measured
where there is one.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import cv2
import lmdb
import numpy as np

from train_easyocr.config import Config, check_config
from train_easyocr.text import format_table

WIDTHS = {0: 0.5, 1: 0.81, 10: 0.92, 25: 1.79, 50: 2.73, 75: 4.3, 80: 4.7, 90: 5.74, 95: 6.95, 99: 8.3, 100: 11.0}
"""Percentiles of width by height of AI-Hub's words."""
HEIGHTS = (38, 60)
BATCH, WORKERS = 64, 2
PLAIN_STEPS = 1
"""Batches of the plain way that are measured: all are alike, and take seconds each."""
GPU_BATCH, GPU_WIDTH, GPU_STEPS = 1024, 200, 30
SOURCE = Path(__file__).parents[1]


@dataclass(frozen=True)
class BenchmarkRow:
    """A row of the table; figures as they are to be read."""

    work: str
    plain: str
    ours: str
    ratio: str
    floor: str
    memory: str


HEADER = ["Work", "Plain", "Ours", "Ratio", "Floor", "Memory, plain and ours (MiB)"]


def write_words(folder: Path, count: int) -> None:
    """Write a prepared set in both forms: strokes in place of letters on paper with scanner noise."""
    from train_easyocr.recognition.characters import CharacterSet  # noqa: PLC0415 - loads torch

    (folder / "images").mkdir(parents=True)
    random = np.random.default_rng(3)
    syllables = [each for each in CharacterSet.from_setting("korean_g2").characters if "가" <= each <= "힣"]
    ratios = np.interp(random.random(count) * 100, list(WIDTHS), list(WIDTHS.values()))
    database = lmdb.open(str(folder / "lmdb"), map_size=1 << 30)
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file, database.begin(write=True) as lines:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["filename", "words"])
        lines.put(b"num-samples", str(count).encode())
        for number, ratio in enumerate(ratios, 1):
            height = int(random.integers(*HEIGHTS))
            width = max(8, round(ratio * height))
            patch = random.normal(235, 6, (height, width)).clip(0, 255).astype(np.uint8)
            for stroke in range(3, width, 12):
                cv2.line(patch, (stroke, 4), (stroke + int(random.integers(-6, 7)), height - 4), 40, 3)
            content = cv2.imencode(".png", patch)[1].tobytes()
            name = f"5350109-2001-0001-{number:04d}_100-100-{100 + width}-{100 + height}.png"
            (folder / "images" / name).write_bytes(content)
            lines.put(b"image-%09d" % number, content)
            writer.writerow([name, "".join(random.choice(syllables, max(1, round(ratio))))])
    database.close()


def settings(folder: Path, **changes: Any) -> Config:
    """Return the default recipe's settings for the set in `folder`/words, with fresh weights."""
    places = {"output": str(folder), "train_data": "", "val_data": "", "select_data": "words"}
    places |= {"saved_models": str(folder), "continue_from": "", "workers": WORKERS, "batch_size": BATCH}
    return check_config(places | changes)


class PlainWords:
    """The plain way to a word: a PNG file, decoded and resized by PIL and padded to 64 x 600 in float32."""

    def __init__(self, folder: Path) -> None:
        import pandas as pd  # noqa: PLC0415 - not to be measured in the other way

        self._folder = folder / "images"
        self._table = pd.read_csv(folder / "labels.csv", dtype=str, keep_default_na=False)

    def __len__(self) -> int:
        return len(self._table)

    def __getitem__(self, index: int) -> Any:
        import torch  # noqa: PLC0415
        from PIL import Image  # noqa: PLC0415

        name, label = self._table.iloc[index]
        image = Image.open(self._folder / name).convert("L")
        width = min(600, -(-64 * image.width // image.height))
        pixels = torch.from_numpy(np.array(image.resize((width, 64), Image.Resampling.BICUBIC)))
        padded = torch.empty(1, 64, 600)
        padded[:, :, :width] = pixels.float().div_(255).sub_(0.5).div_(0.5)
        padded[:, :, width:] = padded[:, :, width - 1 : width]
        return padded, label


def plain_loader(folder: Path) -> Iterator[Any]:
    """Yield batches without end."""
    import torch  # noqa: PLC0415
    from torch.utils.data import DataLoader  # noqa: PLC0415

    def collate(words: list[Any]) -> Any:
        return torch.stack([image for image, _ in words]), [label for _, label in words]

    words: Any = PlainWords(folder / "words")
    while True:
        yield from DataLoader(
            words,
            BATCH,
            shuffle=True,
            num_workers=WORKERS,
            collate_fn=collate,
            drop_last=True,
            multiprocessing_context="fork",
        )


def plain(folder: Path) -> dict[str, float]:
    """Measure the plain way; words a second of the training and of its loader."""
    import torch  # noqa: PLC0415

    from train_easyocr.recognition.characters import CharacterSet, CtcConverter  # noqa: PLC0415
    from train_easyocr.recognition.model import build_model  # noqa: PLC0415

    config = settings(folder)
    converter = CtcConverter(CharacterSet.from_setting(config.character))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = build_model(config, converter.num_class).to(device).train()
    optimizer, criterion = torch.optim.Adam(model.parameters(), lr=1e-4), torch.nn.CTCLoss(zero_infinity=True)

    def step(batch: Any) -> None:
        targets, lengths = converter.encode(batch[1])
        shares = model(batch[0].to(device)).log_softmax(2).permute(1, 0, 2)
        steps = torch.full_like(lengths, shares.shape[0])
        loss = criterion(shares, targets.to(device), steps.to(device), lengths.to(device))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5)
        optimizer.step()
        loss.item()

    batches = plain_loader(folder)
    step(tuple(part[:8] for part in next(batches)))  # what is set up at a first step
    trained, spent = timed(lambda: [step(next(batches)) for _ in range(PLAIN_STEPS)], 1)
    batches = plain_loader(folder)
    next(batches)
    count = len(PlainWords(folder / "words")) // BATCH - 1
    loaded = best(lambda: list(itertools.islice(batches, count)), 1)
    words = PLAIN_STEPS * BATCH
    return {"training": words / trained, "processor": words / spent, "loader": count * BATCH / loaded}


def trainer_of(config: Config) -> Any:
    """Return a trainer as step 3 makes it, and the training sets."""
    import torch  # noqa: PLC0415

    from train_easyocr.recognition.characters import CharacterSet  # noqa: PLC0415
    from train_easyocr.recognition.computing import Computing  # noqa: PLC0415
    from train_easyocr.recognition.data import open_set  # noqa: PLC0415
    from train_easyocr.recognition.model import build_model  # noqa: PLC0415
    from train_easyocr.recognition.plan import training_plan  # noqa: PLC0415
    from train_easyocr.recognition.training import Trainer, make_converter  # noqa: PLC0415

    characters = CharacterSet.from_setting(config.character)
    sets = [open_set(path, config, characters) for path in config.training_sets]
    converter = make_converter(config, characters)
    torch.manual_seed(1)
    trainer = Trainer(
        config,
        build_model(config, converter.num_class),
        converter=converter,
        computing=Computing.choose(config.precision),
        training=sets,
        validation=sets,
        plan=training_plan(sets, config),
    )
    trainer._train_mode()
    return trainer, sets


def ours(folder: Path, repeats: int) -> dict[str, float]:
    """Measure step 3 on an epoch; words a second of the training and of its loader."""
    from train_easyocr.recognition.batches import training_batches  # noqa: PLC0415

    config = settings(folder)
    trainer, sets = trainer_of(config)
    steps = len(sets[0]) // BATCH
    pinned = trainer.computing.device.type == "cuda"
    batches = training_batches(sets, trainer.plan, config, 0, pin_memory=pinned)
    trainer._step(next(batches))
    trained, spent = timed(lambda: [trainer._step(next(batches)) for _ in range(steps)], repeats)
    batches = training_batches(sets, trainer.plan, config, 0, pin_memory=pinned)
    next(batches)
    loaded = best(lambda: list(itertools.islice(batches, steps)), repeats + 1)
    words = steps * BATCH
    return {"training": words / trained, "processor": words / spent, "loader": words / loaded}


def gpu(folder: Path) -> dict[str, float]:
    """Measure steps on words of 64 x 200 that are in memory; and the share of the GPU's arithmetic that this is."""
    import torch  # noqa: PLC0415
    from torch.utils.flop_counter import FlopCounterMode  # noqa: PLC0415

    from train_easyocr.recognition.batches import Batch  # noqa: PLC0415

    trainer, sets = trainer_of(settings(folder, batch_size=GPU_BATCH))
    images = torch.randint(0, 256, (GPU_BATCH, 1, 64, GPU_WIDTH), dtype=torch.uint8)
    labels = [sets[0].label(index % len(sets[0]))[:5] for index in range(GPU_BATCH)]
    batch = Batch(images, labels, []).pin_memory()

    def steps(count: int) -> None:
        for _ in range(count):
            trainer._step(batch)
        torch.cuda.synchronize()

    with FlopCounterMode(display=False) as counter:
        steps(1)
    seconds = best(lambda: steps(GPU_STEPS), 3) / GPU_STEPS
    square = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)

    def multiply() -> None:
        for _ in range(20):
            square @ square
        torch.cuda.synchronize()

    multiply()
    reachable = 20 * 2 * 8192**3 / best(multiply, 3)
    floor = counter.get_total_flops() / reachable
    return {
        "training": GPU_BATCH / seconds,
        "floor": GPU_BATCH / floor,
        "share": floor / seconds,
        "gpu": torch.cuda.max_memory_allocated() / 2**20,
    }


def best(work: Any, repeats: int) -> float:
    """Return the seconds of the fastest of several runs."""
    return timed(work, repeats)[0]


def timed(work: Any, repeats: int) -> tuple[float, float]:
    """Return the seconds of the fastest of several runs, and the processor's seconds of the cheapest."""
    seconds, used = [], []
    for _ in range(repeats):
        start, spent = time.perf_counter(), time.process_time()
        work()
        seconds.append(time.perf_counter() - start)
        used.append(time.process_time() - spent)
    return min(seconds), min(used)


def measured(way: str, folder: Path, repeats: int) -> dict[str, float]:
    """Run a way in a process of its own; return what it found, and its peak memory in MiB."""
    command = [sys.executable, "-m", "benchmarks.training", "--measure", way, "--folder", str(folder)]
    result = subprocess.run(
        [*command, "--repeats", str(repeats)],
        cwd=SOURCE,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=os.environ | {"GOMP_SPINCOUNT": "1000"},
    )
    return json.loads(result.stdout.splitlines()[-1])


def rows(words: int = 1024, repeats: int = 2) -> list[BenchmarkRow]:
    """Measure all, and return the rows of the table."""
    import torch  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_words(folder / "words", words)
        # The plain way before and after ours: of a machine that has more to do, both get their part.
        found: dict[str, dict[str, float]] = {}
        for way in ("plain", "ours", "plain"):
            figures = measured(way, folder, repeats)
            found[way] = {key: max(value, found.get(way, {}).get(key, 0)) for key, value in figures.items()}
        on_gpu = measured("gpu", folder, repeats) if torch.cuda.is_available() else None
    one, two = found["plain"], found["ours"]
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {os.cpu_count()} cores"
    memory = f"{one['memory']:,.0f}, {two['memory']:,.0f}"
    table = [
        BenchmarkRow(
            f"training, words/s ({device})",
            f"{one['training']:,.1f}",
            f"{two['training']:,.1f}",
            f"{two['training'] / one['training']:.1f}",
            "",
            memory,
        ),
        BenchmarkRow(
            "training, words a second of one core (whatever else the machine does)",
            f"{one['processor']:,.1f}",
            f"{two['processor']:,.1f}",
            f"{two['processor'] / one['processor']:.1f}",
            "",
            "",
        ),
        BenchmarkRow(
            "loader alone, words/s",
            f"{one['loader']:,.0f}",
            f"{two['loader']:,.0f}",
            f"{two['loader'] / one['loader']:.1f}",
            f"{two['loader'] / two['training']:.1f} times what training takes",
            "",
        ),
    ]
    work = f"steps of {GPU_BATCH:,} words of 64 x {GPU_WIDTH} on a GPU, words/s"
    if on_gpu is None:
        return [*table, BenchmarkRow(work, "", "not measured", "", "", "")]
    floor = f"{on_gpu['floor']:,.0f} (a matrix product's rate); {on_gpu['share']:.0%} of it used"
    return [*table, BenchmarkRow(work, "", f"{on_gpu['training']:,.0f}", "", floor, f"{on_gpu['gpu']:,.0f} on the GPU")]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", type=int, default=1024, help="words of the set; default: %(default)s")
    parser.add_argument("--repeats", type=int, default=2, help="epochs that are measured; default: %(default)s")
    parser.add_argument("--measure", choices=["plain", "ours", "gpu"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure is None:
        print(format_table(HEADER, [astuple(row) for row in rows(options.words, options.repeats)]))
        print(f"Batches of {BATCH} words, {WORKERS} loader processes; load of the machine: {os.getloadavg()[0]:.1f}")
        return
    ways = {"plain": lambda: plain(options.folder), "gpu": lambda: gpu(options.folder)}
    figures = ways.get(options.measure, lambda: ours(options.folder, options.repeats))()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps(figures | {"memory": peak / 1024}))


if __name__ == "__main__":
    main()

"""Speed and memory of step 3: words a second through the network, and out of the loader alone.

    python3 -m benchmarks.training [--words N] [--repeats N]

The words are as wide as AI-Hub's (the percentiles below are of its labels). The plain way stands here, small and fair:
labels.csv through pandas, a PNG file a word through PIL, every word padded to 64 x 600, float32, a DataLoader with the
same number of workers, the same network, loss, optimizer and batch size. Each way runs in a process of its own; the
best of the repeats counts, since whatever else the machine does only ever slows a run down. Ours is measured on some of
a pool's batches, narrow and wide ones in equal parts; the plain way's are all alike. Rows for a GPU are measured where
there is one.
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
from pathlib import Path
from typing import Any

import cv2
import lmdb
import numpy as np

from benchmarks.results import Row, report
from train_easyocr.settings.config import MOST_ITERATIONS, Config, check_config

WIDTHS = {0: 0.5, 1: 0.81, 10: 0.92, 25: 1.79, 50: 2.73, 75: 4.3, 80: 4.7, 90: 5.74, 95: 6.95, 99: 8.3, 100: 11.0}
"""Percentiles of width by height of AI-Hub's words."""
HEIGHTS = (38, 60)
BATCH, WORKERS = 64, 2
PLAIN_STEPS = 1
"""Batches of the plain way that are measured: all are alike, and take seconds each."""
PART = 4
"""Of a pool's batches, in order of width, every so many-th is measured."""
GPU_BATCH, GPU_WIDTH, GPU_STEPS, GPU_WORKERS = 1024, 200, 30, 16
TRAFFIC = 5
"""How often a layer's result passes the GPU's memory at least: written and read forwards; backwards it is read again,
and so is its gradient, after that was written."""
SOURCE = Path(__file__).parents[1]


def write_words(folder: Path, count: int) -> None:
    """Write a prepared set in both forms: strokes in place of letters on paper with scanner noise."""
    from train_easyocr.weights.characters import CharacterSet  # noqa: PLC0415 - loads torch

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
    """Return the default recipe's settings for the set in `folder`/words, with fresh weights of EasyOCR's network."""
    places = {"output": str(folder), "train_data": "", "val_data": "", "select_data": "words"}
    places |= {"saved_models": str(folder), "continue_from": "", "workers": WORKERS, "batch_size": BATCH}
    places |= {"n_iter": MOST_ITERATIONS}  # never at its end while it is measured
    places |= {"character": "korean_g2"}  # that of the published trainer, which is the plain way
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

    from train_easyocr.recognition.model import build_model  # noqa: PLC0415
    from train_easyocr.weights.characters import CharacterSet, CtcConverter  # noqa: PLC0415

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
    """Return a trainer as step 3 makes it, and its task."""
    import torch  # noqa: PLC0415

    from train_easyocr.common.memory import keep_freed_memory  # noqa: PLC0415
    from train_easyocr.engine.trainer import Trainer  # noqa: PLC0415
    from train_easyocr.recognition.task import RecognizerTask  # noqa: PLC0415

    task = RecognizerTask(config)
    if not task.device.is_gpu:
        keep_freed_memory()
    data = task.open(None)
    torch.manual_seed(1)
    trainer = Trainer(task, task.build(), data)
    task.train_mode(trainer.model)
    return trainer, task


def ours(folder: Path, repeats: int, **changes: Any) -> dict[str, float]:
    """Measure step 3 on a part of a pool; words a second of the training and of its loader."""
    from train_easyocr.datasets.sampling import POOL_BATCHES  # noqa: PLC0415
    from train_easyocr.recognition import batches as loading  # noqa: PLC0415
    from train_easyocr.recognition.augmentation import Augmentation  # noqa: PLC0415

    config = settings(folder, **changes)
    trainer, task = trainer_of(config)
    sets, plan, pinned = task.training, task.plan, task.device.is_gpu
    pool = min(POOL_BATCHES, len(sets[0]) // BATCH)
    chosen = sorted(sorted(range(pool), key=plan.width)[PART // 2 :: PART])
    requests = [loading.Request(plan.words(step), plan.epochs(step)) for step in chosen]
    dataset = loading.WordBatches(sets, config, augmentation=Augmentation.from_config(config))
    batches = loading.load_batches(dataset, requests * (repeats + 1), config, pin_memory=pinned)
    for _ in requests:
        trainer._step(next(batches))  # memory of all widths is there then
    trained, spent = timed(lambda: [trainer._step(next(batches)) for _ in requests], repeats)
    batches = loading.training_batches(sets, plan, config, range(config.n_iter), pin_memory=pinned)
    next(batches)
    loaded = best(lambda: list(itertools.islice(batches, pool)), repeats + 1)
    words = len(chosen) * BATCH
    return {"training": words / trained, "processor": words / spent, "loader": pool * BATCH / loaded}


def gpu(folder: Path) -> dict[str, float]:
    """Measure steps on words of 64 x 200 that are in memory, what the GPU could do at best, and steps fed from LMDB."""
    import torch  # noqa: PLC0415

    from train_easyocr.recognition.batches import WordBatch, training_batches  # noqa: PLC0415

    config = settings(folder, batch_size=GPU_BATCH, workers=GPU_WORKERS)
    trainer, task = trainer_of(config)
    sets = task.training
    images = torch.randint(0, 256, (GPU_BATCH, 1, 64, GPU_WIDTH), dtype=torch.uint8)
    labels = [sets[0].label(index % len(sets[0]))[:5] for index in range(GPU_BATCH)]
    batch = WordBatch(images, labels, []).pin_memory()

    def steps(source: Iterator[WordBatch]) -> None:
        for each in source:
            trainer._step(each)
        torch.cuda.synchronize()

    work, traffic = cost_of(lambda: steps(iter([batch])), trainer.model)
    seconds = best(lambda: steps(itertools.repeat(batch, GPU_STEPS)), 3) / GPU_STEPS
    arithmetic, bandwidth = work / multiplications_a_second(), traffic / bytes_a_second()
    figures = {
        "training": GPU_BATCH / seconds,
        "floor": GPU_BATCH / max(arithmetic, bandwidth),
        "arithmetic": arithmetic / seconds,
        "bandwidth": bandwidth / seconds,
        "gpu": torch.cuda.max_memory_allocated() / 2**20,
    }
    loader = training_batches(sets, task.plan, config, range(config.n_iter), pin_memory=True)
    kept = list(itertools.islice(loader, GPU_STEPS))
    steps(iter(kept))
    in_memory = best(lambda: steps(iter(kept)), 3)
    fed = best(lambda: steps(itertools.islice(loader, GPU_STEPS)), 3)
    words = GPU_STEPS * GPU_BATCH
    return figures | {"in_memory": words / in_memory, "fed": words / fed}


def cost_of(step: Any, model: Any) -> tuple[float, float]:
    """Return a step's floating point operations, and the bytes that its layers' results move at least."""
    import torch  # noqa: PLC0415
    from torch.utils.flop_counter import FlopCounterMode  # noqa: PLC0415

    moved = []

    def count(_module: Any, _inputs: Any, result: Any) -> None:
        results = result if isinstance(result, tuple) else (result,)
        moved.extend(each.nbytes for each in results if isinstance(each, torch.Tensor))

    hooks = [part.register_forward_hook(count) for part in model.modules() if not list(part.children())]
    with FlopCounterMode(display=False) as counter:
        step()
    for hook in hooks:
        hook.remove()
    return counter.get_total_flops(), TRAFFIC * sum(moved)


def multiplications_a_second() -> float:
    """Return the operations a second of a large matrix product on the GPU, in bfloat16."""
    import torch  # noqa: PLC0415

    square = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)

    def multiply() -> None:
        for _ in range(20):
            square @ square
        torch.cuda.synchronize()

    multiply()
    return 20 * 2 * 8192**3 / best(multiply, 3)


def bytes_a_second() -> float:
    """Return the bytes a second that the GPU's memory reads and writes in a large copy."""
    import torch  # noqa: PLC0415

    source = torch.zeros(1 << 30, device="cuda", dtype=torch.uint8)
    target = torch.empty_like(source)

    def copy() -> None:
        for _ in range(20):
            target.copy_(source)
        torch.cuda.synchronize()

    copy()
    return 20 * 2 * source.nbytes / best(copy, 3)


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


def rows(words: int = 4096, repeats: int = 2) -> list[Row]:
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
        on_gpu = measured("gpu", folder, repeats) if torch.cuda.is_available() else {}
    one, two = found["plain"], found["ours"]
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {os.cpu_count()} cores"
    memory = f"plain {one['memory']:,.0f} MiB"
    times = f"{two['loader'] / two['training']:.0f} times what training takes"
    return [
        Row(f"training ({device})", one["training"], two["training"], "words/s", None, two["memory"], memory),
        Row(
            "training, of one core's time alone",
            one["processor"],
            two["processor"],
            "words/s",
            note="whatever else the machine does",
        ),
        Row("training's loader alone", one["loader"], two["loader"], "words/s", note=times),
        *gpu_rows(on_gpu),
    ]


def gpu_rows(found: dict[str, float]) -> list[Row]:
    """Return the rows of what was measured on a GPU, or the same rows without figures."""
    steps, fed, memory = found.get("training"), found.get("fed"), found.get("gpu")
    note, share = "", ""
    if found:
        note = f"{found['arithmetic']:.0%} of the time a matrix product's rate, {found['bandwidth']:.0%} a copy's needs"
        share = f"floor: the same batches in memory; {found['fed'] / found['in_memory']:.0%} of it"
    work = f"steps of {GPU_BATCH:,} words of 64 x {GPU_WIDTH} on a GPU"
    return [
        Row(work, None, steps, "words/s", found.get("floor"), memory, note),
        Row(
            f"training on a GPU, fed from LMDB by {GPU_WORKERS} processes",
            None,
            fed,
            "words/s",
            found.get("in_memory"),
            note=share,
        ),
    ]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", type=int, default=4096, help="words of the set; default: %(default)s")
    parser.add_argument("--repeats", type=int, default=2, help="how often each is measured; default: %(default)s")
    parser.add_argument("--measure", choices=["plain", "ours", "gpu"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure is None:
        report(rows(options.words, options.repeats))
        print(f"Batches of {BATCH} words, {WORKERS} loader processes; load of the machine: {os.getloadavg()[0]:.1f}")
        return
    ways = {"plain": lambda: plain(options.folder), "gpu": lambda: gpu(options.folder)}
    figures = ways.get(options.measure, lambda: ours(options.folder, options.repeats))()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps(figures | {"memory": peak / 1024}))


if __name__ == "__main__":
    main()

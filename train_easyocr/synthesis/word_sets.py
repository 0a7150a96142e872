"""Sets of rendered words on disk, in the form that step 2 writes and step 3 trains from.

A set is made in a folder beside its place and published as a whole; `words.json` in it says what it was made from.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal, TypeAlias

import cv2
from tqdm import tqdm

from train_easyocr.common.errors import UserError
from train_easyocr.common.files import read_json_object, write_bytes, write_json
from train_easyocr.common.publishing import PLAN, publish, recover, remove, work_folder
from train_easyocr.common.workers import spread
from train_easyocr.datasets.labels_csv import HEADER, format_row
from train_easyocr.datasets.lmdb_form import PatchDatabase
from train_easyocr.datasets.png import encode_png
from train_easyocr.synthesis.rendered_words import RenderedWords

MANIFEST = "words.json"
"""In a set's folder: what it was made from, and what the summary shows."""
CHUNK = 500
"""Words a task: half a second of work, 4 MB of patches."""
PatchForm = Literal["png", "lmdb"]
PatchRow: TypeAlias = tuple[str, str, int]
"""A word as a task leaves it: name and text as in labels.csv, bytes of its PNG file."""


@dataclass(frozen=True)
class SetTask:
    """One set to be written.

    Attributes:
        target: The set's folder.
        first: Number of its first word.
        count: How many words it holds.
        form: `png`: a file a word; `lmdb`: one data base.
    """

    target: Path
    first: int
    count: int
    form: PatchForm

    @property
    def work(self) -> Path:
        """Where the set is made before it is published."""
        return work_folder(self.target)

    def chunks(self) -> list[range]:
        """The numbers of the words of each task."""
        end = self.first + self.count
        return [range(start, min(start + CHUNK, end)) for start in range(self.first, end, CHUNK)]

    def rows(self, chunk: range) -> list[PatchRow]:
        """What a task has left of its words."""
        rows: list[PatchRow] = json.loads(self.chunk_path(chunk.start, ".json").read_bytes())
        return rows

    def chunk_path(self, start: int, suffix: str) -> Path:
        """Where a task leaves its words: `.png` files one behind the other, then their rows as `.json`."""
        return self.work / "chunks" / f"{start:010d}{suffix}"


def render_chunk(task: tuple[SetTask, range], words: RenderedWords) -> tuple[int, int]:
    """Render some words and write them; return the first one's number and how many they are."""
    job, numbers = task
    cv2.setNumThreads(1)  # every core has a process
    rows: list[PatchRow] = []
    contents: list[bytes] = []
    for number in numbers:
        text, patch = words.word(number)
        height, width = patch.shape
        content = encode_png(patch)
        rows.append((f"word{number:09d}_0-0-{width}-{height}.png", text, len(content)))
        contents.append(content)
    if job.form == "png":
        for (name, *_), content in zip(rows, contents, strict=True):
            # Into a folder that is published as a whole when all words are done, so no temporary names are needed.
            (job.work / "set" / "images" / name).write_bytes(content)
    else:
        write_bytes(job.chunk_path(numbers.start, ".png"), b"".join(contents))
    write_bytes(job.chunk_path(numbers.start, ".json"), json.dumps(rows, ensure_ascii=False).encode())
    return numbers.start, len(rows)


def make_set(job: SetTask, words: RenderedWords, settings: Mapping[str, Any], workers: int) -> dict[str, Any]:
    """Render a set, go on with it, or leave it as it is when it is there already.

    Args:
        job: What to write and where.
        words: The words (`Recipe.prepare`).
        settings: All that they depend on: equal settings stand for equal sets.
        workers: Processes.

    Returns:
        The set's manifest.

    Raises:
        UserError: The folder holds something else.
    """
    wanted = {"settings": dict(settings), "first": job.first, "count": job.count, "form": job.form}
    recover(job.target)
    there = read_json_object(job.target / MANIFEST)
    if {name: there.get(name) for name in wanted} == wanted:
        remove(job.work)
        tqdm.write(f"{job.target}: nothing to do, it is there with these settings")
        return there
    if not there and job.target.exists() and any(job.target.iterdir()):
        raise UserError(f"{job.target}: holds files that were not rendered here; name another folder with --output")
    if read_json_object(job.work / PLAN) != wanted:
        remove(job.work)
        (job.work / "chunks").mkdir(parents=True)
        (job.work / "set").mkdir()
        if job.form == "png":
            (job.work / "set" / "images").mkdir()
        write_json(job.work / PLAN, wanted)  # last: a folder without it is begun again
    _render(job, words, workers)
    manifest = wanted | {"summary": _assemble(job)}
    write_json(job.work / "set" / MANIFEST, manifest)
    publish(job.work / "set", job.target)
    remove(job.work)
    return manifest


def _render(job: SetTask, words: RenderedWords, workers: int) -> None:
    chunks = job.chunks()
    todo = [chunk for chunk in chunks if not job.chunk_path(chunk.start, ".json").is_file()]
    done = job.count - sum(map(len, todo))
    tasks = ((job, chunk) for chunk in todo)
    with (
        tqdm(total=job.count, initial=done, unit="words", desc=job.target.name, dynamic_ncols=True) as bar,
        closing(spread(render_chunk, tasks, min(workers, max(1, len(todo))), (words,), name=itemgetter(1))) as results,
    ):
        for _, count in results:
            bar.update(count)


def _assemble(job: SetTask) -> dict[str, Any]:
    """Put labels.csv and the data base together in the words' order; return what the summary shows."""
    folder, characters, texts = job.work / "set", Counter[str](), 0
    database = None
    if job.form == "lmdb":
        shutil.rmtree(folder / "lmdb", ignore_errors=True)
        database = PatchDatabase(folder / "lmdb")
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as labels:
        labels.write(format_row(HEADER))
        for chunk in job.chunks():
            rows = job.rows(chunk)
            labels.writelines(format_row((name, text)) for name, text, _ in rows)
            for _, text, _ in rows:
                characters.update(text)
                texts += len(text)
            if database is not None:
                database.append_images(_patches(job.chunk_path(chunk.start, ".png"), rows))
    if database is not None:
        database.finish(text for chunk in job.chunks() for _, text, _ in job.rows(chunk))
    return {"characters": dict(sorted(characters.items())), "mean_length": round(texts / job.count, 2)}


def _patches(path: Path, rows: Sequence[PatchRow]) -> Iterator[memoryview]:
    content, start = memoryview(path.read_bytes()), 0
    for _, _, size in rows:
        yield content[start : start + size]
        start += size

"""Words on demand: rendered word patches in the form that step 2 writes and step 3 trains from.

    python3 -m train_easyocr.synthesis.words --output training/rare --count 20000 --characters "뺨쨌꿩" --format lmdb

Writes the set into the folder --output: labels.csv with lmdb/ or images/. With --validation_share, --output gets
`training_and_validation_set/{training,validation}/select_data`, which `train_easyocr.train output=...` takes as it is.

Word i depends on the seed, i, the faces and the characters alone: not on the number of words or of workers. A run that
was killed goes on where it stopped; one that is done already does nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import cv2
import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import features
from tqdm import tqdm

from train_easyocr.config import ConfigError
from train_easyocr.documents.workers import WorkerDiedError, available_cores, spread
from train_easyocr.files import write_bytes, write_json
from train_easyocr.patches.labels_csv import HEADER, format_row
from train_easyocr.patches.lmdb_form import PatchDatabase
from train_easyocr.patches.png import encode_png
from train_easyocr.patches.prepared_set import MARGINS, MARGINS_HEADER
from train_easyocr.recognition.characters import CharacterSet
from train_easyocr.synthesis.__main__ import share, whole_number
from train_easyocr.synthesis.fonts import FaceSet, FontError, FontLibrary
from train_easyocr.synthesis.word_patches import Look, Patch, Typeface, WordRenderer, typefaces
from train_easyocr.synthesis.word_texts import WordTexts, package_words, usable_words
from train_easyocr.text import format_table, unify_variants

MANIFEST = "words.json"
"""In a set's folder: what it was made from, and what the summary shows."""
PLAN = "plan.json"
CHUNK = 500
"""Words a task: half a second of work, 4 MB of patches."""
GENERATION = 5
"""Raised whenever the same settings would give other words than before."""
MOST_BYTES = 64 * 2**20
"""Of a corpus or a report."""
DOUBT = 5
"""Occurrences without an error that are added to a weak character's: one error in one occurrence says little."""
Form = Literal["png", "lmdb", "stream"]


Row: TypeAlias = tuple[str, str, int, int]
"""A word as a task leaves it: name and text as in labels.csv, pixels of context on each side, bytes of its PNG file."""


class WordsError(ValueError):
    """Words can't be rendered as asked; the message says why and what to do."""


class RenderedWord(NamedTuple):
    """A word's text, its patch (uint8 [height, width]), and how far that reaches beyond its box on each side."""

    text: str
    patch: Patch
    margin: int


class RenderedWords:
    """Rendered words by number.

    Args:
        faces: Faces to print with.
        characters: What may be written; what no face draws is left out.
        seed: Other seeds give other words.
        look: See `WordRenderer`.
        corpus: Words of documents; None for those of this package.
        weights: Characters that are wanted, and how much each; None for all alike.
        context: See `WordRenderer`.
    """

    def __init__(
        self,
        faces: Sequence[Typeface],
        characters: str,
        seed: int,
        *,
        look: Look = "mixed",
        context: float = 0.0,
        corpus: Sequence[str] | None = None,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        self.seed = seed
        self.renderer = WordRenderer(faces, look, context)
        words = package_words() if corpus is None else corpus
        self.texts = WordTexts(self.renderer.drawable(characters), words, seed, weights)

    def word(self, index: int) -> RenderedWord:
        """Word `index`."""
        random = np.random.default_rng([self.seed, index])
        text = self.texts.text(index, random)
        return RenderedWord(text, *self.renderer.render(text, random))

    def label(self, index: int) -> tuple[str, int, int]:
        """Text of word `index`, and width and height of its box in pixels, in a third of the time that it takes."""
        random = np.random.default_rng([self.seed, index])
        text = self.texts.text(index, random)
        return text, *self.renderer.measure(text, random)


@dataclass(frozen=True)
class Recipe:
    """What words are rendered from.

    Attributes:
        seed: Other seeds give other words.
        look: See `WordRenderer`.
        characters: What may be written.
        faces: Which families.
        fonts: A folder of fonts in place of those that fontconfig knows.
        corpus: A file whose words are taken in place of the package's.
        wanted: Characters that are wanted, and how much each; None for all alike.
        context: See `WordRenderer`.
    """

    seed: int
    look: Look
    characters: str
    faces: FaceSet
    fonts: str | None = None
    corpus: str | None = None
    wanted: dict[str, float] | None = None
    context: float = 0.0

    def prepare(self) -> tuple[RenderedWords, dict[str, Any]]:
        """Find the faces and the corpus.

        Returns:
            The words, and all that they depend on, as JSON: equal values stand for equal words.

        Raises:
            FontError: There are no such faces.
            WordsError: The corpus can't be used, or none of the wanted characters can be written.
        """
        corpus = None
        if self.corpus is not None:
            corpus = usable_words(_read_text(Path(self.corpus)).split(), frozenset(self.characters))
            if not corpus:
                raise WordsError(f"{self.corpus}: holds no word that can be written with the character set")
        library = FontLibrary.find(None if self.fonts is None else Path(self.fonts), self.faces, words=True)
        faces = typefaces(library.faces, self.characters)
        drawn = frozenset[str]().union(*(face.characters for face in faces))
        lost = sorted((self.wanted or {}).keys() - drawn)
        if lost and len(lost) == len(self.wanted or {}):
            raise WordsError(f"{''.join(lost)}: none of these characters is in the character set and drawn by a face")
        if lost:
            tqdm.write(f"left out, not in the character set or drawn by no face: {' '.join(lost)}")
        words = RenderedWords(
            faces,
            self.characters,
            self.seed,
            look=self.look,
            context=self.context,
            corpus=corpus,
            weights=self.wanted,
        )
        return words, {
            "generation": GENERATION,
            "seed": self.seed,
            "look": self.look,
            "box_context": self.context,
            "characters": hashlib.sha256(words.texts.characters.encode()).hexdigest(),
            "wanted": self.wanted,
            "words": hashlib.sha256("\n".join(words.texts.words).encode()).hexdigest(),
            "faces": library.fingerprint(),
            "versions": {
                "Pillow": PIL.__version__,
                "FreeType": features.version("freetype2"),
                "OpenCV": cv2.__version__,
                "NumPy": np.__version__,
            },
        }


# --- Sets on disk ---


@dataclass(frozen=True)
class Job:
    """One set to be written.

    Attributes:
        target: The set's folder.
        first: Number of its first word.
        count: How many words it holds.
        form: `png`: a file a word; `lmdb`: one data base; `stream`: labels alone, patches are rendered as they
            are read (`StreamedPatches`).
    """

    target: Path
    first: int
    count: int
    form: Form

    @property
    def work(self) -> Path:
        """Where the set is made before it is published."""
        return self.target.with_name(f".{self.target.name}.work")

    def chunks(self) -> list[range]:
        """The numbers of the words of each task."""
        end = self.first + self.count
        return [range(start, min(start + CHUNK, end)) for start in range(self.first, end, CHUNK)]

    def rows(self, chunk: range) -> list[Row]:
        """What a task has left of its words."""
        rows: list[Row] = json.loads(self.chunk_path(chunk.start, ".json").read_bytes())
        return rows

    def chunk_path(self, start: int, suffix: str) -> Path:
        """Where a task leaves its words: `.png` files one behind the other, then their rows as `.json`."""
        return self.work / "chunks" / f"{start:010d}{suffix}"


def render_chunk(task: tuple[Job, range], words: RenderedWords) -> tuple[int, int]:
    """Render some words and write them; return the first one's number and how many they are."""
    job, numbers = task
    cv2.setNumThreads(1)  # every core has a process
    rows: list[Row] = []
    contents: list[bytes] = []
    for number in numbers:
        if job.form == "stream":
            text, width, height = words.label(number)
            margin, content = 0, b""
        else:
            text, patch, margin = words.word(number)
            width, height = patch.shape[1] - 2 * margin, patch.shape[0] - 2 * margin
            content = encode_png(patch)
        rows.append((f"word{number:09d}_0-0-{width}-{height}.png", text, margin, len(content)))
        contents.append(content)
    if job.form == "png":
        for (name, *_), content in zip(rows, contents, strict=True):
            # Into a folder that is published as a whole when all words are done, so no temporary names are needed.
            (job.work / "set" / "images" / name).write_bytes(content)
    elif job.form == "lmdb":
        write_bytes(job.chunk_path(numbers.start, ".png"), b"".join(contents))
    write_bytes(job.chunk_path(numbers.start, ".json"), json.dumps(rows, ensure_ascii=False).encode())
    return numbers.start, len(rows)


def make_set(
    job: Job, recipe: Recipe, words: RenderedWords, settings: Mapping[str, Any], workers: int
) -> dict[str, Any]:
    """Render a set, go on with it, or leave it as it is when it is there already.

    Args:
        job: What to write and where.
        recipe: What the words are rendered from.
        words: The recipe's words.
        settings: The recipe's settings: equal settings stand for equal sets.
        workers: Processes.

    Returns:
        The set's manifest.

    Raises:
        WordsError: The folder holds something else.
    """
    wanted = {"settings": dict(settings), "first": job.first, "count": job.count, "form": job.form}
    if job.form == "stream":
        wanted["recipe"] = asdict(recipe)
    old = job.target.with_name(f".{job.target.name}.old")
    if old.exists() and not job.target.exists():  # killed between the two renames of _publish
        old.rename(job.target)
    there = _read(job.target / MANIFEST)
    if {name: there.get(name) for name in wanted} == wanted:
        _remove(job.work, old)
        tqdm.write(f"{job.target}: nothing to do, it is there with these settings")
        return there
    if not there and job.target.exists() and any(job.target.iterdir()):
        raise WordsError(f"{job.target}: holds files that were not rendered here; name another folder with --output")
    if _read(job.work / PLAN) != wanted:
        _remove(job.work)
        (job.work / "chunks").mkdir(parents=True)
        (job.work / "set").mkdir()
        if job.form == "png":
            (job.work / "set" / "images").mkdir()
        write_json(job.work / PLAN, wanted)  # last: a folder without it is begun again
    _render(job, words, workers)
    manifest = wanted | {"summary": _assemble(job, in_context=recipe.context > 0)}
    write_json(job.work / "set" / MANIFEST, manifest)
    _publish(job, old)
    return manifest


def _render(job: Job, words: RenderedWords, workers: int) -> None:
    chunks = job.chunks()
    todo = [chunk for chunk in chunks if not job.chunk_path(chunk.start, ".json").is_file()]
    done = job.count - sum(map(len, todo))
    tasks = ((job, chunk) for chunk in todo)
    with (
        tqdm(total=job.count, initial=done, unit="words", desc=job.target.name, dynamic_ncols=True) as bar,
        closing(spread(render_chunk, tasks, min(workers, max(1, len(todo))), (words,))) as results,
    ):
        for _, count in results:
            bar.update(count)


def _assemble(job: Job, *, in_context: bool) -> dict[str, Any]:
    """Put labels.csv, margins and the data base together in the words' order; return what the summary shows."""
    folder, characters, texts = job.work / "set", Counter[str](), 0
    database = None
    if job.form == "lmdb":
        shutil.rmtree(folder / "lmdb", ignore_errors=True)
        database = PatchDatabase(folder / "lmdb")
    with ExitStack() as files:
        labels = files.enter_context((folder / "labels.csv").open("w", encoding="utf-8", newline=""))
        labels.write(format_row(HEADER))
        margins = None
        if in_context and job.form == "png":
            margins = files.enter_context((folder / MARGINS).open("w", encoding="utf-8", newline=""))
            margins.write(format_row(MARGINS_HEADER))
        for chunk in job.chunks():
            rows = job.rows(chunk)
            labels.writelines(format_row((name, text)) for name, text, _, _ in rows)
            if margins is not None:
                margins.writelines(format_row((name, *[str(margin)] * 4)) for name, _, margin, _ in rows)
            for _, text, _, _ in rows:
                characters.update(text)
                texts += len(text)
            if database is not None:
                database.append_images(_patches(job.chunk_path(chunk.start, ".png"), rows))
    if database is not None:
        lines = (",".join([str(margin)] * 4) for chunk in job.chunks() for _, _, margin, _ in job.rows(chunk))
        database.finish(
            (text for chunk in job.chunks() for _, text, _, _ in job.rows(chunk)), lines if in_context else ()
        )
    return {"characters": dict(sorted(characters.items())), "mean_length": round(texts / job.count, 2)}


def _patches(path: Path, rows: Sequence[Row]) -> Iterator[memoryview]:
    content, start = memoryview(path.read_bytes()), 0
    for _, _, _, size in rows:
        yield content[start : start + size]
        start += size


def _publish(job: Job, old: Path) -> None:
    _remove(old)
    if job.target.exists():
        job.target.rename(old)
    (job.work / "set").rename(job.target)
    _remove(job.work, old)


def _remove(*folders: Path) -> None:
    for folder in folders:
        if folder.exists():
            (folder / PLAN).unlink(missing_ok=True)  # first: what is half removed must not be gone on with
            shutil.rmtree(folder)


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


# --- Patches that are rendered when they are read ---


class StreamedPatches:
    """The patches of a set that was written with --format stream; the same pixels as in the other forms.

    Args:
        folder: The set's folder.
        heights: int32 [n], pixels of the words' boxes, of which their context is a part.

    Raises:
        WordsError: The set can't be rendered here: its faces or its corpus are others now.
    """

    form = "rendered"

    def __init__(self, folder: Path, heights: NDArray[np.int32]) -> None:
        manifest = _read(folder / MANIFEST)
        try:
            recipe = Recipe(**manifest["recipe"])
            self._words, settings = recipe.prepare()
            self._margins = np.rint(recipe.context * heights).astype(np.int32)
            self._first, self.count = int(manifest["first"]), int(manifest["count"])
        except (KeyError, TypeError, ValueError) as error:
            raise WordsError(f"{folder / MANIFEST}: does not say how to render the set: {error}") from None
        changed = [name for name, value in settings.items() if manifest["settings"].get(name) != value]
        if changed:
            raise WordsError(
                f"{folder}: was written with other {', '.join(changed)} than there are now; write it again "
                "(python3 -m train_easyocr.synthesis.words)"
            )

    def place(self, row: int, name: str) -> str:
        """Say which patch it is."""
        return f"rendered word {self._first + row} ({name})"

    def margins(self, row: int) -> tuple[int, int, int, int]:
        """Return how much context a patch shows around its word's box: pixels left, above, right, below."""
        margin = int(self._margins[row])
        return margin, margin, margin, margin

    def read(self, row: int, name: str) -> bytes:
        """Return the PNG file of a row of labels.csv, counted from 0."""
        return encode_png(self._words.word(self._first + row).patch)


def is_streamed(folder: Path) -> bool:
    """Whether a set's patches are rendered when they are read."""
    return _read(folder / MANIFEST).get("form") == "stream"


# --- The command ---


def read_weights(path: Path) -> dict[str, float]:
    """Read a report of weak characters: how much each is wanted.

    Args:
        path: JSON, a list of `{"character": "뺨", "errors": 12, "count": 40}` as step 5 writes it: the share that was
            misread counts (see `DOUBT`), characters without an error do not. Or plain text: every character in it, as
            often as it stands there.

    Raises:
        WordsError: The file can't be read or holds no character.
    """
    text = _read_text(path)
    weights: dict[str, float] = {}
    try:
        entries = json.loads(text)
    except ValueError:
        entries = None
    if isinstance(entries, list):
        try:
            for entry in entries:
                errors = float(entry["errors"])
                if errors > 0:
                    count = max(float(entry.get("count", errors)), errors)
                    weights[unify_variants(str(entry["character"]))] = errors / (count + DOUBT)
        except (TypeError, KeyError, ValueError, AttributeError):
            raise WordsError(f'{path}: is no list of {{"character": "뺨", "errors": 12, "count": 40}}') from None
    else:
        weights = {key: float(n) for key, n in Counter(unify_variants(text)).items() if not key.isspace()}
    if not weights:
        raise WordsError(f"{path}: names no weak character")
    return weights


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise WordsError(f"{path}: is larger than {MOST_BYTES // 2**20} MiB")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise WordsError(f"{path}: can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise WordsError(f"{path}: is not UTF-8 text") from None


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python3 -m train_easyocr.synthesis.words",
        description="Render patches of single words, every character about equally often, in step 2's form.",
    )
    parser.add_argument("--output", type=Path, required=True, help="the set's folder, or the folder of two sets")
    parser.add_argument(
        "--count", type=whole_number(1, 999_999_999), required=True, help="words, of both sets together"
    )
    wanted = parser.add_mutually_exclusive_group()
    wanted.add_argument("--characters", metavar="TEXT", help="only words around these characters")
    wanted.add_argument("--from_report", "--from-report", type=Path, metavar="FILE",
                        help="likewise: the weak characters of a report (weak_characters.json), weaker ones more "
                        "often, or of a text file")  # fmt: skip
    parser.add_argument("--character_set", default="korean_documents", metavar="SET",
                        help="what may be written, as the setting `character` (default: korean_documents)")  # fmt: skip
    parser.add_argument("--corpus", type=Path, metavar="FILE",
                        help="UTF-8 text whose words are rendered in place of the package's")  # fmt: skip
    parser.add_argument("--format", choices=("png", "lmdb", "stream"), default="lmdb",
                        help="files, one data base (default), or labels alone: training renders the patches as it "
                        "reads them")  # fmt: skip
    parser.add_argument("--look", choices=("clean", "scanned", "mixed"), default="mixed",
                        help="good print, spoilt print, or one to three (default: mixed)")  # fmt: skip
    parser.add_argument("--box_context", type=float, default=0.0, metavar="SHARE",
                        help="what is kept around each word, a part of its box's height, for training with box_jitter "
                        "(default: 0)")  # fmt: skip
    parser.add_argument("--faces", choices=("starter", "sample", "unseen", "all"), default="all",
                        help="families that the starter weights learn, those of the sample documents, families that "
                        "neither knows, or all (default)")  # fmt: skip
    parser.add_argument("--fonts", type=Path, metavar="DIR",
                        help="take the faces in this folder (default: those that fontconfig knows)")  # fmt: skip
    parser.add_argument("--validation_share", "--validation-share", type=share, metavar="SHARE",
                        help="write two sets, the last words for validation")  # fmt: skip
    parser.add_argument("--seed", type=whole_number(0, 2**32 - 1), default=1111,
                        help="the same seed gives the same words (default: 1111)")  # fmt: skip
    parser.add_argument("--workers", type=whole_number(1, 1024), default=available_cores(),
                        help="processes; changes nothing in the result (default: all cores)")  # fmt: skip
    return parser.parse_args(arguments)


def jobs_of(args: argparse.Namespace) -> list[Job]:
    """The sets that a command line asks for."""
    if not 0 <= args.box_context <= 1:
        raise WordsError(f"--box_context {args.box_context:g} is not a share from 0 to 1")
    if args.validation_share is None:
        return [Job(args.output, 0, args.count, args.format)]
    held = round(args.count * args.validation_share)
    if not 0 < held < args.count:
        raise WordsError(
            f"{args.count} words and a validation share of {float(args.validation_share):g} leave one set empty"
        )
    folder = args.output / "training_and_validation_set"
    return [
        Job(folder / "training" / "select_data", 0, args.count - held, args.format),
        Job(folder / "validation" / "select_data", args.count - held, held, args.format),
    ]


def recipe_of(args: argparse.Namespace) -> Recipe:
    """What a command line asks to render."""
    wanted = None
    if args.characters is not None:
        wanted = {character: 1.0 for character in unify_variants(args.characters) if not character.isspace()}
    elif args.from_report is not None:
        wanted = read_weights(args.from_report)
    return Recipe(
        seed=args.seed,
        look=args.look,
        characters=unified(CharacterSet.from_setting(args.character_set).characters),
        faces=args.faces,
        fonts=None if args.fonts is None else str(args.fonts.resolve()),
        corpus=None if args.corpus is None else str(args.corpus.resolve()),
        wanted=wanted,
        context=args.box_context,
    )


def unified(characters: str) -> str:
    """Characters of a set that labels hold once signs are written in one way, in their order."""
    return "".join(character for character in characters if unify_variants(character) == character)


def format_summary(manifest: Mapping[str, Any], target: Path) -> str:
    """What was rendered, as a table."""
    counts = manifest["summary"]["characters"]
    syllables = {c: n for c, n in counts.items() if "가" <= c <= "힣"}
    rarest = sorted(counts, key=lambda character: (counts[character], character))[:10]
    rows: list[tuple[str, object]] = [
        ("Words", manifest["count"]),
        ("Characters a word", manifest["summary"]["mean_length"]),
        ("Different characters", len(counts)),
        ("Hangul syllables among them", len(syllables)),
        ("The rarest occurs", counts[rarest[0]]),
        ("Faces", len(manifest["settings"]["faces"])),
    ]
    return f"{format_table((str(target), 'Number'), rows)}\nRarest: {' '.join(f'{c} {counts[c]}' for c in rarest)}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    args = parse_args(arguments)
    try:
        jobs = jobs_of(args)
        recipe = recipe_of(args)
        words, settings = recipe.prepare()
        for job in jobs:
            print(format_summary(make_set(job, recipe, words, settings, args.workers), job.target))
    except (WordsError, FontError, ConfigError, WorkerDiedError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; run the same command again and it goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

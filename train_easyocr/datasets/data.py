"""Prepared sets of words: which of them can be used, counted by reason where not, and their patches.

A set is a folder as step 2 writes it: labels.csv with the patches beside it, `images/*.png` or `lmdb/`. Both forms give
the same pixels. Labels are never edited in silence: what is left out, and why, stands in a `SetReport`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import cv2
import lmdb
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from train_easyocr.common.errors import UserError
from train_easyocr.common.text import format_table
from train_easyocr.common.workers import shows_progress
from train_easyocr.datasets.foreign_sets import (
    DATABASE,
    ForeignSet,
    foreign_file,
    from_database,
    from_list,
    from_paths,
    in_utf8,
    texts_of,
)
from train_easyocr.datasets.labels_csv import read_rows
from train_easyocr.datasets.word_table import NotUtf8Error, WordTable, indexed_table
from train_easyocr.documents.images import ImageError, PageImage, decode_image, is_plain_png
from train_easyocr.settings.parts import WordSettings
from train_easyocr.weights.characters import CharacterSet

Indices = npt.NDArray[np.int32]

EMPTY = "empty label"
UNKNOWN = "unknown characters"
TOO_LONG = "longer than batch_max_length"
TOO_MANY_STEPS = "more characters than time steps"
MALFORMED = "no name and label in the row"
NO_PATCH = "no image"


def generator(seed: int, *purpose: int) -> np.random.Generator:
    """Return a random generator of its own for one purpose, so that no draw depends on how many came before it."""
    return np.random.default_rng([seed, *purpose])


def time_steps(width: int) -> int:
    """Return how many time steps the network has for an input `width` pixels wide (VGG; RCNN and ResNet have two more).

    A batch that leaves fewer steps than `ctc_steps` of a label makes the CTC loss infinite.
    """
    return width // 4 - 1


def reading_widths(width: Indices, height: Indices, img_height: int) -> npt.NDArray[np.int64]:
    """Return `images.reading_width` of many patches at once."""
    ratio = width / height
    ratio = np.where(ratio < 1, 1 / ratio, ratio)
    return np.ceil(ratio).astype(np.int64) * img_height


def training_widths(
    width: Indices, height: Indices, steps: npt.NDArray[np.integer], img_height: int, img_width: int
) -> npt.NDArray[np.int64]:
    """Return how wide a training batch must be for each of its words.

    That is the width that reading pads the word to, wider where CTC could not write the label in so few time steps (a
    long text in a narrow box), and at most `img_width`.

    Args:
        width: Pixels of the patches.
        height: Pixels of the patches.
        steps: `ctc_steps` of the labels; 0 where the head needs no time steps.
        img_height: Pixels; all widths but the widest are multiples of it.
        img_width: Pixels at most.
    """
    needed = -(-4 * (np.asarray(steps, dtype=np.int64) + 1) // img_height) * img_height
    return np.minimum(np.maximum(reading_widths(width, height, img_height), needed), img_width)


class PatchSource(Protocol):
    """Where a set's patches are."""

    form: str

    def read(self, row: int, name: str) -> bytes:
        """Return the encoded image of a row of labels.csv (counted from 0); raises UserError."""

    def place(self, row: int, name: str) -> str:
        """Say where the patch is, for messages."""


class PngFolder:
    """Patches as files.

    Args:
        folder: Where they are.
        form: What their form is called.
    """

    def __init__(self, folder: Path, form: str = "PNG") -> None:
        self._folder, self.form = str(folder), form

    def place(self, row: int, name: str) -> str:
        """Return the file's path."""
        return f"{self._folder}/{name}"

    def read(self, row: int, name: str) -> bytes:
        """Return the file's bytes."""
        try:
            return Path(self.place(row, name)).read_bytes()
        except OSError as error:
            raise UserError(f"{self.place(row, name)}: can't be read: {error.strerror}") from None


_databases: dict[Path, tuple[lmdb.Environment, lmdb.Transaction]] = {}
"""The databases that this process has open; lmdb allows a process to open each once."""


def close_databases() -> None:
    """Close all databases; to be called before worker processes are forked.

    A child can neither use a database that its parent opened nor open it again.
    """
    for database, transaction in _databases.values():
        transaction.abort()
        database.close()
    _databases.clear()


class LmdbPatches:
    """Patches in an LMDB with the field's usual keys, opened on the first read in each process."""

    form = "LMDB"

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def _get(self, key: str) -> bytes | None:
        try:
            if self._folder not in _databases:
                database = lmdb.open(str(self._folder), readonly=True, lock=False, readahead=False, meminit=False)
                _databases[self._folder] = database, database.begin()
            value = _databases[self._folder][1].get(key.encode())
        except lmdb.Error as error:
            raise UserError(f"{self._folder}: can't be read as LMDB ({key}): {error}") from None
        return None if value is None else bytes(value)

    def count(self) -> int:
        """Return the number of patches that the database states."""
        value = self._get("num-samples") or b""
        try:
            return int(value)
        except ValueError:
            raise UserError(f"{self._folder}: has no number under the key num-samples") from None

    def labels(self) -> Iterator[str]:
        """Yield the label of each patch, as deep-text-recognition-benchmark writes them; raises UserError."""
        count = self.count()
        for number in range(1, count + 1):
            label = self._get(f"label-{number:09d}")
            if label is None or (number == count and self._get(f"image-{number:09d}") is None):
                raise UserError(f"{self._folder}: holds no word {number:,} of {count:,}; make it again")
            yield label.decode("utf-8", errors="replace")

    def in_context(self) -> bool:
        """Whether an earlier step 2 cut the patches wider than their boxes (`box_context`)."""
        return self._get(f"margin-{1:09d}") is not None

    def place(self, row: int, name: str) -> str:
        """Return the database and the key."""
        return f"{self._folder}: image-{row + 1:09d} ({name})"

    def read(self, row: int, name: str) -> bytes:
        """Return the image's bytes."""
        content = self._get(f"image-{row + 1:09d}")
        if content is None:
            raise UserError(f"{self.place(row, name)}: is not there")
        return content


def decode_patch(content: bytes, rgb: bool, place: str) -> npt.NDArray[np.uint8]:
    """Return an encoded image's pixels, [h, w] grey or [h, w, 3] RGB; raises UserError naming `place`."""
    image: npt.NDArray[Any] | None
    if is_plain_png(content):  # step 2's: without the look at its head, which takes longer than its pixels
        flags = cv2.IMREAD_COLOR_RGB if rgb else cv2.IMREAD_GRAYSCALE
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    else:
        try:
            image = decode_image(content, rgb)
        except ImageError:
            image = None
        else:
            image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if rgb else image
    if image is None:
        raise UserError(f"{place}: is no image that can be decoded; prepare the set again (step 2)")
    return image.astype(np.uint8, copy=False)


@dataclass(frozen=True)
class SetReport:
    """What was read of a set, and what became of it.

    Attributes:
        name: The set's name, as `select_data` gives it.
        folder: Its folder.
        form: PNG or LMDB.
        read: Words in labels.csv.
        left_out: How many were left out, by reason; a word that has two faults counts for the first.
        filtered: False when filtering is off: labels with unknown characters are kept, without these in the target.
        kept: Words that can be used.
        used: Words that are used; fewer than `kept` with total_data_usage_ratio below 1.
        unknown_words: Words whose label holds an unknown character.
        unknown_characters: How often each unknown character stands in all labels.
        first_malformed: The first row that holds no name and label; 0 when there is none.
        labels_sha256: Of labels.csv.
        first_absent: The first image that a list of others names and that is not there.
        encoding: What step 2's labels.csv is in, where that is not UTF-8 any more.
    """

    name: str
    folder: Path
    form: str
    read: int
    left_out: dict[str, int]
    filtered: bool
    kept: int
    used: int
    unknown_words: int
    unknown_characters: dict[str, int] = field(repr=False)
    first_malformed: int
    labels_sha256: str
    first_absent: str = ""
    encoding: str = ""

    def reasons(self) -> str:
        """Say why words were left out, the commonest reason first, with the commonest unknown characters."""
        common = sorted(self.left_out.items(), key=lambda item: -item[1])
        said = "; ".join(f"{reason} in {count:,} of {self.read:,}" for reason, count in common)
        unknown = sorted(self.unknown_characters, key=lambda character: -self.unknown_characters[character])
        shown = " ".join(map(repr, unknown[:5]))
        return f"{said or 'labels.csv holds no words'}{f' (characters most often met: {shown})' if shown else ''}"


@dataclass(frozen=True)
class WordSet:
    """The usable words of one prepared set.

    Attributes:
        table: All words of labels.csv.
        rows: int32 [n], the rows of `table` that are used; word i of the set is row `rows[i]`.
        source: Where the patches are.
        report: What was left out.
    """

    table: WordTable
    rows: Indices
    source: PatchSource
    report: SetReport

    def __len__(self) -> int:
        return len(self.rows)

    def label(self, index: int) -> str:
        """Return the text of word `index`."""
        return self.table.row(int(self.rows[index]))[1]

    def place(self, index: int) -> str:
        """Say where the patch of word `index` is."""
        row = int(self.rows[index])
        return self.source.place(row, self.table.row(row)[0])

    def patch(self, index: int, rgb: bool) -> npt.NDArray[np.uint8]:
        """Return the pixels of word `index`, [h, w] or [h, w, 3]; raises UserError."""
        row = int(self.rows[index])
        name, _ = self.table.row(row)
        return decode_patch(self.source.read(row, name), rgb, self.source.place(row, name))

    def sizes(self) -> tuple[Indices, Indices]:
        """Return width and height in pixels of all words: from the patches' names, else from the images' headers."""
        width, height = self.table.width[self.rows], self.table.height[self.rows]
        unsized = np.flatnonzero(width == 0)
        if len(unsized):
            desc, hidden = f"Reading patch sizes of {self.report.name}", not shows_progress()
            for index in tqdm(unsized, desc=desc, unit="patch", leave=False, disable=hidden):
                width[index], height[index] = self._size_in_header(int(index))
        return width, height

    def _size_in_header(self, index: int) -> tuple[int, int]:
        row = int(self.rows[index])
        name, _ = self.table.row(row)
        try:
            return PageImage(self.source.read(row, name)).upright_size
        except ImageError:
            raise UserError(f"{self.place(index)}: is no image that can be decoded") from None


def open_set(folder: Path, config: WordSettings, character_set: CharacterSet, *, usage_ratio: float = 1.0) -> WordSet:
    """Read a prepared set's labels and choose the words that can be used.

    Args:
        folder: Holds labels.csv and images/ or lmdb/ (which is taken when both are there), or words in a form of others
            (`foreign_sets`); such a list itself will do.
        config: `sensitive`, `data_filtering_off`, `batch_max_length`, `img_width`, `Prediction` and `seed` count here,
            and `unify_variants` for words in a form of others.
        character_set: What the model can write.
        usage_ratio: The part of the usable words that is used, a choice that the seed fixes.

    Raises:
        UserError: There is no such set, or it can't be read.
    """
    if not folder.exists():
        raise UserError(
            f"{folder}: there is no such folder; step 2 (prepare_dataset.py) writes it, and the settings output, "
            "train_data, val_data and select_data say where it is"
        )
    file = None if is_own(folder) else foreign_file(folder)
    foreign, source = _open_foreign(file, config.unify_variants) if file else (None, None)
    table, digest, encoding = _read_labels(
        foreign.labels if foreign else folder / "labels.csv",
        partial(
            indexed_table,
            characters=character_set.characters,
            sensitive=config.sensitive,
            only_known=config.data_filtering_off,
        ),
    )
    source = source or _open_source(folder, table)
    rows, left_out = _usable(table, config)
    used = rows
    if usage_ratio < 1:
        count = max(1, round(len(rows) * usage_ratio))
        used = np.sort(generator(config.seed, len(rows)).permutation(rows)[:count])
    absent = foreign.absent if foreign else 0
    report = SetReport(
        name=folder.name,
        folder=folder,
        form=source.form,
        read=len(table) + table.malformed + absent,
        left_out=({NO_PATCH: absent} if absent else {})
        | ({MALFORMED: table.malformed} if table.malformed else {})
        | left_out,
        filtered=not config.data_filtering_off,
        kept=len(rows),
        used=len(used),
        unknown_words=int(table.unknown.sum()),
        unknown_characters=dict(table.unknown_characters.most_common()),
        first_malformed=table.first_malformed,
        labels_sha256=digest,
        first_absent=foreign.first_absent if foreign else "",
        encoding=encoding,
    )
    return WordSet(table, used, source, report)


def open_unlabelled(place: Path) -> WordSet:
    """Open words whose texts nobody knows: all rows of a set as step 2 writes it, or a list of images, a path a line.

    Raises:
        UserError: There is no such set, or it can't be read.
    """
    foreign = from_paths(place) if place.is_file() else None
    table, digest = indexed_table(foreign.labels if foreign else place / "labels.csv", "")
    source = PngFolder(foreign.place, form=place.name) if foreign else _open_source(place, table)
    absent = foreign.absent if foreign else 0
    report = SetReport(
        name=place.name,
        folder=place,
        form=source.form,
        read=len(table) + absent,
        left_out={NO_PATCH: absent} if absent else {},
        filtered=False,
        kept=len(table),
        used=len(table),
        unknown_words=0,
        unknown_characters={},
        first_malformed=0,
        labels_sha256=digest,
        first_absent=foreign.first_absent if foreign else "",
    )
    return WordSet(table, np.arange(len(table), dtype=np.int32), source, report)


def is_own(folder: Path) -> bool:
    """Tell whether a folder is a set as step 2 writes it: labels.csv, with images/ or lmdb/."""
    return any((folder / form).is_dir() for form in ("images", "lmdb")) and (folder / "labels.csv").is_file()


def texts_of_set(place: Path) -> Iterator[str]:
    """Return the texts of a set of words, in any form that `open_set` takes, as they are written there.

    Raises:
        UserError: They can't be read.
    """
    file = None if is_own(place) else foreign_file(place)
    if file is not None:
        return LmdbPatches(file.parent).labels() if file.name == DATABASE else texts_of(file)
    labels = place / "labels.csv"
    return (text for _, text in read_rows(labels if _is_utf_8(labels) else in_utf8(labels)[0]))


def _is_utf_8(file: Path) -> bool:
    with file.open(encoding="utf-8") as text:
        try:
            return all(iter(lambda: text.read(1 << 20), ""))
        except UnicodeDecodeError:
            return False


def _read_labels(labels: Path, read: Callable[[Path], tuple[WordTable, str]]) -> tuple[WordTable, str, str]:
    """Return what `read` makes of a labels.csv, turned into UTF-8 where it is not, and the encoding that it was in."""
    try:
        return *read(labels), ""
    except NotUtf8Error as error:
        try:
            path, encoding = in_utf8(labels)
        except UserError as other:
            raise UserError(f"{error}; {str(other).removeprefix(f'{labels}: ')}") from None
        return *read(path), encoding


def _open_foreign(file: Path, unify: bool) -> tuple[ForeignSet, PatchSource]:
    """Return words in a form of others, and where their patches are."""
    if file.name == DATABASE:
        database = LmdbPatches(file.parent)
        return from_database(file.parent, database.labels(), unify), database
    found = from_list(file, unify)
    return found, PngFolder(found.place, form=file.name)


def _open_source(folder: Path, table: WordTable) -> PatchSource:
    if not (folder / "lmdb").is_dir():
        if not (folder / "images").is_dir():
            raise UserError(f"{folder}: holds neither images/ nor lmdb/; prepare the set again (step 2)")
        _refuse_context(folder, (folder / "margins.csv").exists())
        return PngFolder(folder / "images")
    source = LmdbPatches(folder / "lmdb")
    count = source.count()
    _refuse_context(folder, source.in_context())
    if table.malformed:
        raise UserError(
            f"{folder}/labels.csv: row {table.first_malformed} does not hold a name and a label; "
            "the rows can't be matched with lmdb/"
        )
    if count != len(table):
        raise UserError(
            f"{folder}: lmdb/ holds {count:,} patches, labels.csv {len(table):,} rows; prepare the set again (step 2)"
        )
    return source


def _refuse_context(folder: Path, in_context: bool) -> None:
    if in_context:
        raise UserError(
            f"{folder}: its patches show more than their boxes, from an earlier version's box_context, which is gone; "
            "prepare the set again (step 2)"
        )


def _usable(table: WordTable, config: WordSettings) -> tuple[Indices, dict[str, int]]:
    """Return the rows that can be used, and how many can't, by reason."""
    attention = config.Prediction == "Attn"
    reasons: list[tuple[str, Callable[[], npt.NDArray[np.bool_]]]] = [(EMPTY, lambda: table.length == 0)]
    if not config.data_filtering_off:
        # A label of unknown characters alone is no empty label.
        reasons.append((UNKNOWN, lambda: table.unknown))
    if attention or not config.data_filtering_off:
        # The attention head writes no more than that, whatever the filter is set to.
        reasons.append((TOO_LONG, lambda: table.length > config.batch_max_length))
    if not attention:
        reasons.append((TOO_MANY_STEPS, lambda: table.steps > time_steps(config.img_width)))
    usable = np.ones(len(table), dtype=bool)
    left_out = {}
    for reason, is_so in reasons:
        fault = is_so() & usable
        usable &= ~fault
        if fault.any():
            left_out[reason] = int(fault.sum())
    return np.flatnonzero(usable).astype(np.int32), left_out


def describe_sets(title: str, reports: Sequence[SetReport]) -> str:
    """Return what was read, left out by reason, and used of each set, as a table."""
    reasons = [
        reason
        for reason in (NO_PATCH, MALFORMED, EMPTY, UNKNOWN, TOO_LONG, TOO_MANY_STEPS)
        if any(reason in report.left_out for report in reports)
    ]
    rows = [
        [
            report.name,
            report.form,
            report.read,
            *(report.left_out.get(reason, 0) for reason in reasons),
            report.kept,
            report.used,
        ]
        for report in reports
    ]
    lines = [f"{title}:", *(f"  {report.name}: {report.folder}" for report in reports)]
    lines.append(format_table(["Data set", "Form", "Words", *reasons, "Usable", "Used"], rows))
    for report in reports:
        if report.first_absent:
            lines.append(f"{report.name}: the first image that is not there is {report.first_absent}")
        if report.encoding:
            lines.append(f"{report.name}: labels.csv is in {report.encoding}, not UTF-8; all rows are read as that")
        if report.first_malformed:
            lines.append(f"{report.name}: the first row without a name and a label is row {report.first_malformed}")
        if report.unknown_characters:
            fate = "left out" if report.filtered else "kept, without these characters in the target"
            lines.append(
                f"{report.name}: {report.unknown_words:,} of {report.read:,} words hold characters that the model "
                f"does not have ({len(report.unknown_characters):,} of them; {fate})"
            )
    return "\n".join(lines)


def describe_characters(title: str, reports: Sequence[SetReport]) -> str:
    """Return the characters outside the model's set with their counts, the most frequent first; "" when none is."""
    lines = []
    for report in reports:
        if report.unknown_characters:
            rows = [
                [character if character.isprintable() else repr(character), f"U+{ord(character):04X}", count]
                for character, count in report.unknown_characters.items()
            ]
            lines += [f"{title}: characters of {report.name} that the model does not have:"]
            lines += [format_table(["Character", "Code point", "Count"], rows)]
    return "\n".join(lines)

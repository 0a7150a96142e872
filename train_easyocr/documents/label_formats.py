"""Labels in other forms than AI-Hub's: PPOCRLabel's Label.txt, the text files of the ICDAR competitions, and COCO.

ppocrlabel  Label.txt, a line an image: its path, a tab, and a JSON list of words
            [{"transcription": "도로", "points": [[x, y], [x, y], [x, y], [x, y]], "difficult": false}, ...]
icdar2015   a file an image, `gt_X.txt` or `X.txt` for X.jpg, a line a word: x1,y1,x2,y2,x3,y3,x4,y4,text
icdar2017   the same with the script in front of the text: x1,...,y4,Korean,text (the MLT competitions)
icdar2013   left,top,right,bottom,"text", with commas or spaces between the numbers
coco        a JSON file a page, or one for all (of up to 64 MiB), that names its images (`json_forms`)
aihub       a JSON file a page, X.json for X.jpg: AI-Hub's own, or another that `json_forms` knows

Text files are in UTF-8, CP949 or UTF-16 (`encodings`). A text may hold commas and may be quoted. A word that lies
tilted keeps its four corners (of a polygon those of the smallest rectangle around it), and has the smallest upright box
of whole pixels that holds them. Words marked as don't care (`###`, or "difficult": true) are not trained on, counted,
and are neither missed nor false in an evaluation.

A page's labels are turned into one of AI-Hub's label files as they are read (`ConvertedLabel`), so that whatever comes
after knows that form alone.
"""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypeVar, get_args

from train_easyocr.common.encodings import UTF_8, UTF_16, EncodingError, decode_text
from train_easyocr.common.errors import UserError
from train_easyocr.documents.aihub import (
    ENCODING,
    IMAGE_SUFFIXES,
    LABEL_SUFFIX,
    MAX_LABEL_BYTES,
    NO_IMAGE,
    NO_LABEL,
    PARTLY,
    PARTLY_LIST,
    SECOND_IMAGE,
    SECOND_LABEL,
    LabelError,
    PageFile,
    Problem,
    bad_name,
    fault_of,
    files_below,
    find_pages,
    is_nameable,
    labels_by_name,
    pages_by_name,
    read_labels,
    read_partly,
)
from train_easyocr.documents.json_forms import (
    Corners,
    Json,
    broken,
    coco_pages,
    describe,
    is_coco,
    is_known,
    labelled,
    mismatch,
    polygon_of,
)
from train_easyocr.documents.sources import FileSource, PageSource, Source, SourceError

T = TypeVar("T")

LabelForm = Literal["aihub", "coco", "ppocrlabel", "icdar2013", "icdar2015", "icdar2017"]
FORMS: tuple[LabelForm, ...] = get_args(LabelForm)
SCRIPTS = frozenset({"Arabic", "Bangla", "Chinese", "Hindi", "Japanese", "Korean", "Latin", "Mixed", "None", "Symbols"})
"""The scripts of ICDAR 2017 and 2019 MLT."""

NO_WORDS_LINE = "line without an image's path, a tab and a list of words"
AMBIGUOUS = "several images of its name"
UNREADABLE = "label file that can't be read"
ORPHANS = "annotations of no image"
NO_COCO = "is no COCO file: no 'images' with 'file_name' and 'annotations'"
EXPECTED = (
    "expected are images (.jpg, .png, .tif, .bmp, .webp) with PPOCRLabel's Label.txt, or with a file gt_X.txt or X.txt "
    'for each X.jpg (ICDAR: x1,y1,x2,y2,x3,y3,x4,y4,text, or left,top,right,bottom,"text"), with COCO files, '
    "or images/ and labels/ as AI-Hub has them. Words that are cut out already (rec_gt.txt, gt.txt, EasyOCR's "
    "labels.csv, an LMDB) need no step 2: step 3 takes their folders as train_data and val_data"
)
TEXT_SUFFIX = ".txt"
PPOCRLABEL_CROPS = "crop_img"
"""Where PPOCRLabel exports words; no pages."""
LABEL_TXT = "label.txt"
HEAD = 2**16
"""Bytes of a text file that tell whether it is one as Label.txt under another name (train.txt)."""
MOST_COCO_BYTES = 4 * MAX_LABEL_BYTES
"""Of label files that are looked into for being those of many pages."""
SAMPLED = 100
"""Files that are looked at to tell one ICDAR form from another."""

_NUMBER = r"-?\d+(?:\.\d+)?"
_EIGHT = re.compile(rf"\s*({_NUMBER}(?:\s*,\s*{_NUMBER}){{7}})\s*,(.*)", re.DOTALL)
_FOUR = re.compile(rf"\s*({_NUMBER}(?:(?:\s*,\s*|\s+){_NUMBER}){{3}})(?:\s*,|\s)(.*)", re.DOTALL)
_QUOTED = re.compile(r'\s*"(.*)"\s*', re.DOTALL)
_LABEL_LINE = re.compile(r"^([^\t\r\n]+)\t[ \t]*\[", re.MULTILINE)


def parse_icdar_line(line: str, form: LabelForm = "icdar2015") -> tuple[Corners, str] | None:
    """Read a word's line.

    Args:
        line: Without its line end.
        form: One of the ICDAR forms.

    Returns:
        The corners (two for icdar2013: left top, right bottom) and the text without its quotes, or None when the line
        has not that form.
    """
    match = (_FOUR if form == "icdar2013" else _EIGHT).fullmatch(line)
    if match is None:
        return None
    numbers = [float(number) for number in re.findall(_NUMBER, match[1])]
    text = match[2]
    if form == "icdar2017":
        script, comma, text = text.partition(",")
        if not comma or script.strip() not in SCRIPTS:
            return None
    return list(zip(numbers[::2], numbers[1::2], strict=True)), _unquoted(text)


def _unquoted(text: str) -> str:
    """Take quotes away as the competitions' own scripts do."""
    quoted = _QUOTED.fullmatch(text)
    return quoted[1].replace("\\\\", "\\").replace('\\"', '"') if quoted else text


def quoted_for_icdar(text: str) -> str:
    """Return a text as a line is to hold it: quoted where its own quotes would be read as such, without line ends."""
    text = " ".join(re.split(r"\r\n|\r|\n", text))
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' if _QUOTED.fullmatch(text) else text


def icdar_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not blank, with their numbers from 1."""
    for number, line in enumerate(re.split(r"\r?\n", text), 1):
        if line.strip():
            yield number, line


@dataclass(frozen=True, slots=True)
class ConvertedLabel:
    """A page's labels in another form, which read like one of AI-Hub's label files: a `Source`.

    Attributes:
        path: The file.
        form: Its form.
        line: Which line of a Label.txt is the page's, from 1; 0 where the whole file is.
        start: Where that line starts, in bytes.
        length: The bytes of the line.
        encoding: What the line is encoded in, where its bytes alone do not tell.
        converted: The page's labels, where they were turned into AI-Hub's structure when their file was read: one file
            of all pages is read once, not for each page.
    """

    path: Path
    form: LabelForm
    line: int = 0
    start: int = 0
    length: int = 0
    encoding: str = ""
    converted: bytes = b""

    def __str__(self) -> str:
        return str(self.path)

    @property
    def suffix(self) -> str:
        """The end of the name of what is read, `.json`."""
        return LABEL_SUFFIX

    def size(self) -> int:
        """Return the bytes of the page's labels as they are in their file."""
        return len(self.converted) or self.length if self.line or self.converted else self.path.stat().st_size

    def content(self, limit: int = MAX_LABEL_BYTES) -> bytes:
        """Return the page's labels as they are in their file.

        Raises:
            SourceError: They can't be read, or have more than `limit` bytes.
        """
        if self.converted:
            return self.converted
        if not self.line:
            return FileSource(self.path).read(limit)
        if self.length > limit:
            raise SourceError(f"has more than {limit // 2**20} MiB")
        try:
            with self.path.open("rb") as file:
                file.seek(self.start)
                return file.read(self.length)
        except OSError as error:
            raise SourceError(f"can't be read: {error.strerror}") from None

    def read(self, limit: int) -> bytes:
        """Return a label file in AI-Hub's form; see `Source.read`."""
        content = self.content(limit)
        if self.form == "aihub" or self.converted:
            return content
        try:
            text, encoding = (content.decode(self.encoding), UTF_16) if self.encoding else decode_text(content)[:2]
        except (EncodingError, UnicodeDecodeError) as error:
            raise SourceError(f"line {self.line} {error}" if self.line else str(error)) from None
        words = self._words_of_line(text) if self.line else self._words_of_lines(text)
        return _as_label_file({"images": [{}], "annotations": list(words)}, encoding)

    def _words_of_line(self, text: str) -> Iterator[Json]:
        try:
            words = json.loads(text.partition("\t")[2])
        except (ValueError, RecursionError) as error:
            raise SourceError(f"line {self.line} is no JSON behind the tab: {error}") from None
        for number, word in enumerate(words, 1):
            place = f"word {number} in line {self.line}"
            stated = word if isinstance(word, dict) else {}
            corners, transcription = polygon_of(stated.get("points")), stated.get("transcription")
            if corners and isinstance(transcription, str):
                yield labelled(place, transcription, corners, dont_care=stated.get("difficult") is True)
            else:
                yield broken(place, json.dumps(word, ensure_ascii=False), _fault_of_word(word, corners))

    def _words_of_lines(self, text: str) -> Iterator[Json]:
        for number, line in icdar_lines(text):
            place, word = f"line {number} of {self.path.name}", parse_icdar_line(line, self.form)
            corners = polygon_of([list(corner) for corner in word[0]]) if word else None
            if corners and word:
                yield labelled(place, word[1], corners)
            else:
                yield broken(place, line, f"line: not the numbers and the text of {self.form}")


def _as_label_file(content: Json, encoding: str) -> bytes:
    return json.dumps(content if encoding == UTF_8 else content | {ENCODING: encoding}).encode()


def _fault_of_word(word: Any, corners: Corners | None) -> str:
    if not isinstance(word, dict):
        return f"word: {describe(word)}; expected an object"
    if corners is None:
        return mismatch("points", word, "points", "a list of [x, y]")
    return mismatch("transcription", word, "transcription", "a string")


@dataclass(frozen=True)
class LabelledPages:
    """A folder's labelled pages.

    Attributes:
        folder: The folder.
        form: How its labels are written.
        pages: Those that have an image and labels, sorted by name, but for partly labelled ones.
        problems: What keeps other files, or lines of a Label.txt, from being among these.
        partly: Those that the folder's `PARTLY_LIST` names: their words train the recognizer, nothing else.
    """

    folder: Path
    form: LabelForm
    pages: list[PageFile]
    problems: list[Problem]
    partly: list[PageFile] = field(default_factory=list)

    def sources(self) -> list[PageSource]:
        """Return all pages, sorted by name."""
        found = [PageSource.of(page) for page in self.pages] + [
            PageSource.of(page, partly=True) for page in self.partly
        ]
        return sorted(found, key=lambda page: page.name)


def find_labelled_pages(folder: Path, form: LabelForm | None = None) -> LabelledPages:
    """Bring a folder's images and labels together, in whichever form the labels are.

    A page is named after its image: the path below the folder that holds all images, without suffix.

    Args:
        folder: Holds images and labels, in folders as they may be.
        form: How the labels are written; None: the folder's content tells.

    Raises:
        UserError: No page has both, or the content tells of two forms.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: there is no such folder; {EXPECTED}")
    texts = sorted(file for file in files_below(folder, frozenset({TEXT_SUFFIX})) if file[0] != PARTLY_LIST)
    form = form or _form_of(folder, texts)
    if form == "aihub" and next(files_below(folder / "labels", frozenset({LABEL_SUFFIX})), None):
        pages, problems = find_pages(folder)
    else:
        pages, problems = _pages_elsewhere(folder, texts, form)
    if not pages:
        # Each image lacks labels then; what is wrong with a label file says more.
        first = next((problem for problem in problems if problem.reason != NO_LABEL), next(iter(problems), None))
        shown = f" ({first.name}: {first})" if first else ""
        raise UserError(f"{folder}: no image has labels in the form {form}{shown}; {EXPECTED}")
    listed = read_partly(folder)
    partly = [page for page in pages if page.name in listed]
    if len(partly) == len(pages):
        raise UserError(
            f"{folder}: all {len(pages):,} pages are only partly labelled, says {PARTLY_LIST}; others are needed"
        )
    fully = [page for page in pages if page.name not in listed]
    return LabelledPages(folder, form, fully, problems + [Problem(page.name, PARTLY) for page in partly], partly)


def _pages_elsewhere(
    folder: Path, texts: Sequence[tuple[str, Path]], form: LabelForm
) -> tuple[list[PageFile], list[Problem]]:
    """Bring images and labels together that lie in folders as they may be."""
    files = dict(sorted(files_below(folder, IMAGE_SUFFIXES)))
    if form in ("aihub", "coco"):
        texts = sorted(files_below(folder, frozenset({LABEL_SUFFIX})))
    unnameable = [bad_name(path) for path in (*files, *dict(texts)) if not is_nameable(path)]
    texts = [(path, file) for path, file in texts if is_nameable(path)]
    images = {
        path: file for path, file in files.items() if is_nameable(path) and PPOCRLABEL_CROPS not in path.split("/")
    }
    if form == "ppocrlabel":
        labels, problems = _labels_of_lines(texts, images)
    elif form == "coco":
        labels, problems = _labels_of_coco(texts, images)
    else:
        labels, problems = _labels_of_files(texts, images, form)
    pages, more = _named(images, labels)
    return pages, sorted(unnameable + problems + more, key=lambda problem: (problem.name, problem.reason))


def _form_of(folder: Path, texts: Sequence[tuple[str, Path]]) -> LabelForm:
    """Tell the form of a folder's labels from what is in it."""
    found: set[LabelForm] = set()
    if next(files_below(folder / "labels", frozenset({LABEL_SUFFIX})), None):
        found.add(_json_form(folder / "labels") or "aihub")
    if any(_is_label_txt(path) for _, path in texts):
        found.add("ppocrlabel")  # which leaves other text files beside its Label.txt
    elif icdar := _icdar_form([path for _, path in texts]):
        found.add(icdar)
    if not found and (form := _json_form(folder)):
        found.add(form)
    if not found:
        raise UserError(f"{folder}: holds no labels that can be read; {EXPECTED}")
    if len(found) > 1:
        raise UserError(
            f"{folder}: holds labels in the forms {' and '.join(sorted(found))}; "
            "say which with --label_format, or leave one form there"
        )
    return found.pop()


def _json_form(folder: Path) -> LabelForm | None:
    """Tell what the first JSON file below a folder that holds labels is: COCO, or a label file of its page."""
    for _, path in sorted(files_below(folder, frozenset({LABEL_SUFFIX})))[:SAMPLED]:
        try:
            content = _json_of(FileSource(path))[0]
        except SourceError:  # too large: COCO's files of all pages can be, and whoever reads it says so
            return "coco"
        except (EncodingError, ValueError, RecursionError):
            continue
        if is_coco(content) and not _is_of_its_page(path, content["images"]):
            return "coco"
        if is_known(content):
            return "aihub"
    return None


def _is_of_its_page(path: Path, images: list[Any]) -> bool:
    """Whether a COCO file is that of the one image that has its name."""
    return len(images) == 1 and _page(str(images[0]["file_name"]).rpartition("/")[2]) == path.stem


def _json_of(file: Source) -> tuple[Any, str]:
    """Return what a JSON file holds, and the encoding of its text."""
    text, encoding, _ = decode_text(file.read(MAX_LABEL_BYTES))
    return json.loads(text), encoding


def _is_label_txt(path: Path) -> bool:
    if path.name.lower() == LABEL_TXT:
        return True
    try:
        with path.open("rb") as file:
            return bool(_LABEL_LINE.search(decode_text(file.read(HEAD), cut=True).text))
    except (OSError, EncodingError):
        return False


def _icdar_form(files: Sequence[Path]) -> LabelForm | None:
    """Tell what most lines of words in some files are: four corners, with a script behind them or not, or two."""
    count: Counter[str] = Counter()
    for path in files[:: -(-len(files) // SAMPLED) or 1]:
        try:
            with path.open("rb") as file:
                text = decode_text(file.read(MAX_LABEL_BYTES), cut=True).text
        except (OSError, EncodingError):
            continue
        for _, line in icdar_lines(text):
            count.update(form for form in FORMS if form.startswith("icdar") and parse_icdar_line(line, form))
    # Each form reads the lines of those in front of it as well, with other texts; so the last one counts all words.
    for form in ("icdar2017", "icdar2015", "icdar2013"):
        if 2 * count[form] > count["icdar2013"]:
            return form
    return None


def _labels_of_lines(
    texts: Iterable[tuple[str, Path]], images: Mapping[str, Path]
) -> tuple[list[tuple[str, ConvertedLabel]], list[Problem]]:
    """Find the images that the lines of Label.txt files are of: the image's path, and the line."""
    labels: list[tuple[str, ConvertedLabel]] = []
    problems: list[Problem] = []
    by_name = {unicodedata.normalize("NFC", path): path for path in images}
    for name, path in texts:
        if not _is_label_txt(path):
            continue
        folder = name.rpartition("/")[0]
        for number, start, length, encoding, line in _lines_of(path):
            match = _LABEL_LINE.match(line)
            stated = match[1].replace("\\", "/") if match else ""
            image = by_name.get(_stated_image(stated, folder, by_name))
            if match and image:
                labels.append((image, ConvertedLabel(path, "ppocrlabel", number, start, length, encoding)))
            elif match:
                problems.append(Problem(f"{name}, line {number}", NO_IMAGE, stated))
            elif line.strip():
                problems.append(Problem(f"{name}, line {number}", NO_WORDS_LINE))
    return labels, problems


def _lines_of(path: Path) -> Iterator[tuple[int, int, int, str, str]]:
    """Yield number, start, length in bytes, codec and text of each line of a file.

    The codec is that of UTF-16, whose lines do not end at the byte of a line end; it is empty for other lines, which
    are read one by one, so that memory does not grow with the file. What is no text is replaced.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
            if codec := _utf_16_codec(head):
                content = head + file.read(MAX_LABEL_BYTES)
                if file.read(1):
                    raise UserError(f"{path}: has more than 64 MiB in UTF-16; save it as UTF-8")
                yield from _lines_of_utf_16(content, codec)
                return
            file.seek(0)
            start = 0
            for number, line in enumerate(iter(lambda: file.readline(MAX_LABEL_BYTES), b""), 1):
                yield number, start, len(line), "", _text_of(line)
                start += len(line)
    except OSError as error:
        raise UserError(f"{path}: can't be read: {error.strerror}") from None


def _text_of(line: bytes) -> str:
    try:
        return decode_text(line).text
    except EncodingError:
        return line.decode(errors="replace")


def _utf_16_codec(head: bytes) -> str:
    try:
        decoded = decode_text(head, cut=True)
    except EncodingError:
        return ""
    return decoded.codec if decoded.encoding == UTF_16 else ""


def _lines_of_utf_16(content: bytes, codec: str) -> Iterator[tuple[int, int, int, str, str]]:
    start = 0
    for number, line in enumerate(re.split("(?<=\n)", content.decode(codec, errors="replace")), 1):
        length = len(line.encode(codec, errors="surrogatepass"))
        yield number, start, length, codec, line.removeprefix("\ufeff")
        start += length


def _stated_image(stated: str, folder: str, images: Mapping[str, Any]) -> str:
    """Return the path of an image that a Label.txt states, or nothing where there is none.

    PPOCRLabel writes the image's folder and name, and puts Label.txt into that folder; others write paths that start at
    Label.txt's folder or above. So a path's end counts, taken from Label.txt's folder first, then from those above.
    """
    parts = [part for part in PurePosixPath(unicodedata.normalize("NFC", stated)).parts if part not in ("/", "..")]
    while True:
        for first in range(len(parts)):
            path = "/".join(([folder] if folder else []) + parts[first:])
            if path in images:
                return path
        if not folder:
            return ""
        folder = folder.rpartition("/")[0]


def _labels_of_files(
    texts: Iterable[tuple[str, Path]], images: Iterable[str], form: LabelForm
) -> tuple[list[tuple[str, ConvertedLabel]], list[Problem]]:
    """Find the images that text files are of: the image's path, and the file; `X.jpg.txt` is X.jpg's, too."""
    by_stem: dict[str, list[str]] = defaultdict(list)
    by_file: dict[str, list[str]] = defaultdict(list)
    for image in images:
        composed = PurePosixPath(unicodedata.normalize("NFC", image))
        by_stem[composed.stem].append(image)
        by_file[composed.name].append(image)
    labels: list[tuple[str, ConvertedLabel]] = []
    problems: list[Problem] = []
    for name, path in texts:
        folder, _, file = unicodedata.normalize("NFC", name).rpartition("/")
        stem = _page(file)
        candidates = by_stem.get(stem) or by_stem.get(stem.removeprefix("gt_")) or by_file.get(stem) or []
        ranked = sorted((_distance(folder, image), image) for image in candidates)
        if not ranked:
            problems.append(Problem(name, NO_IMAGE))
        elif len({_page(image) for distance, image in ranked if distance == ranked[0][0]}) > 1:
            problems.append(Problem(name, AMBIGUOUS))
        else:
            labels.append((ranked[0][1], ConvertedLabel(path, form)))
    return labels, problems


def _labels_of_coco(
    files: Iterable[tuple[str, Path]], images: Iterable[str]
) -> tuple[list[tuple[str, ConvertedLabel]], list[Problem]]:
    """Find the images that COCO files name: the image's path, and its labels, taken from the file."""
    paths = _Images(images)
    labels: list[tuple[str, ConvertedLabel]] = []
    problems: list[Problem] = []
    for name, file in files:
        try:
            content, encoding = _json_of(FileSource(file))
        except (EncodingError, SourceError, ValueError, RecursionError) as error:
            problems.append(Problem(name, UNREADABLE, str(error)))
            continue
        if not is_coco(content):
            problems.append(Problem(name, UNREADABLE, NO_COCO))
            continue
        found, more = _taken_apart(name, file, content, encoding, paths)
        labels += found
        problems += more
    return labels, problems


def _taken_apart(
    name: str, shown: Path, content: Json, encoding: str, images: _Images
) -> tuple[list[tuple[str, ConvertedLabel]], list[Problem]]:
    """Return the image's path and the labels of each page that a COCO file describes; `shown` is how it is called."""
    labels: list[tuple[str, ConvertedLabel]] = []
    problems: list[Problem] = []
    for stated, page in coco_pages(content):
        if not stated:
            problems.append(Problem(name, ORPHANS, f"{len(page['annotations']):,} of them"))
            continue
        image, reason = images.named(stated, name.rpartition("/")[0])
        if reason:
            problems.append(Problem(name, reason, stated))
        else:
            labels.append((image, ConvertedLabel(shown, "coco", converted=_as_label_file(page, encoding))))
    return labels, problems


class _Images:
    """The images that COCO files can name, by their relative paths with `/`."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._by_name = {unicodedata.normalize("NFC", path): path for path in paths}
        self._by_file: dict[str, list[str]] = defaultdict(list)
        for path in self._by_name:
            self._by_file[path.rpartition("/")[2]].append(path)

    def named(self, stated: str, folder: str) -> tuple[str, str]:
        """Return the path of an image that a file in `folder` names, or nothing and why there is none.

        The path's end counts, from the file's folder upwards; else a file of that name alone, where there is only one.
        """
        stated = unicodedata.normalize("NFC", stated).replace("\\", "/")
        if image := _stated_image(stated, folder, self._by_name):
            return self._by_name[image], ""
        candidates = self._by_file.get(stated.rpartition("/")[2], [])
        if len(candidates) == 1:
            return self._by_name[candidates[0]], ""
        return "", AMBIGUOUS if candidates else NO_IMAGE


def with_coco_pages(
    image_files: Sequence[tuple[str, T]],
    label_files: Sequence[tuple[str, T]],
    open_file: Callable[[T], tuple[Source, Path]],
) -> tuple[list[tuple[str, T | ConvertedLabel]], list[Problem]]:
    """Take COCO files apart that lie among label files a page: each page gets labels of its own in their place.

    Looked into are label files without an image, where there are images without a label file: the largest ones first,
    up to `MOST_COCO_BYTES`, and no more than `SAMPLED` where none of these is one.

    Args:
        image_files: Paths relative to the folder of images, with `/`, and what stands for each file.
        label_files: Likewise for label files.
        open_file: Returns a label file's source, and how it is called.

    Returns:
        The label files, and what COCO files say that fits no image.
    """
    pages, labelled_pages = pages_by_name(image_files).keys(), set(labels_by_name(label_files, image_files))
    labels: dict[str, T | ConvertedLabel] = dict(label_files)
    problems: list[Problem] = []
    if pages <= labelled_pages:
        return list(labels.items()), problems
    without = labelled_pages - pages
    alone = [(path, *open_file(file)) for path, file in label_files if _page_of(path) in without]
    alone.sort(key=lambda file: (-file[1].size(), file[0]))
    images, read, found = _Images(path for path, _ in image_files), 0, False
    for number, (path, file, shown) in enumerate(alone):
        read += file.size()
        if read > MOST_COCO_BYTES or (number >= SAMPLED and not found):
            break
        try:
            content, encoding = _json_of(file)
        except (EncodingError, SourceError, ValueError, RecursionError):
            continue  # it stays what it is: a label file without an image
        if is_coco(content):
            found = True
            of_pages, more = _taken_apart(path, shown, content, encoding, images)
            del labels[path]
            problems += more
            for image, label in of_pages:
                if (page := _page_of(image)) in labelled_pages:
                    problems.append(Problem(page, SECOND_LABEL))
                else:
                    labels[f"{page}{LABEL_SUFFIX}"] = label
                    labelled_pages.add(page)
    return list(labels.items()), problems


def _distance(folder: str, image: str) -> int:
    """Return how many folders of a label file and of an image are not the same, counted from the files upwards."""
    own, other = folder.split("/"), unicodedata.normalize("NFC", image).split("/")[:-1]
    pairs = zip(reversed(own), reversed(other), strict=False)
    return len(own) + len(other) - 2 * len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))


def _page(image: str) -> str:
    return image[: image.rfind(".")]


def _page_of(path: str) -> str:
    return unicodedata.normalize("NFC", _page(path))


def _named(
    images: Mapping[str, Path], labels: Iterable[tuple[str, ConvertedLabel]]
) -> tuple[list[PageFile], list[Problem]]:
    """Name the pages of images that have labels, and say what is wrong with the others."""
    common = os.path.commonpath([PurePosixPath(image).parent for image in images]) if images else ""
    names = {image: _page(PurePosixPath(image).relative_to(common).as_posix()) for image in images}
    pages: dict[str, PageFile] = {}
    problems: list[Problem] = []
    for image, label in labels:
        name = unicodedata.normalize("NFC", names[image])
        if name in pages:
            problems.append(Problem(name, SECOND_LABEL if pages[name].image == images[image] else SECOND_IMAGE))
        else:
            pages[name] = PageFile(name, images[image], label)
    used = {page.image for page in pages.values()}
    for image, file in images.items():
        if file not in used:
            name = unicodedata.normalize("NFC", names[image])
            problems.append(Problem(name, SECOND_IMAGE if name in pages else NO_LABEL))
    return [pages[name] for name in sorted(pages)], problems


def left_out(pages: Iterable[PageFile]) -> tuple[Counter[str], list[str]]:
    """Count the words that no page has because of their labels, by reason.

    Returns:
        The counts, and a line about each: the page, which of its words, and the reason. Pages whose labels can't be
        read at all are passed over.
    """
    counts: Counter[str] = Counter()
    lines = []
    for page in pages:
        try:
            label = read_labels(page)
        except LabelError:
            continue
        for annotation in label.annotations:
            if fault := fault_of(annotation, label.width, label.height):
                counts[fault] += 1
                detail = f", {annotation.detail}" if annotation.detail else ""
                lines.append(f"{page.name}: {annotation.id}: {fault}{detail}")
    return counts, lines

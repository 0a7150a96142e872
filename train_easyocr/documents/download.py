"""A download of AI-Hub's as people have it: where its two folders are, and all that lies in them.

Archives stay what they are, or were unpacked by hand, or both. A loose file is taken as if it were a member of an
archive that lies in its split's folder: the same names, the same pages, the same draws. What is there and can't be read
is named: other archives with the command that unpacks them, other files by kind with an example.

The full download holds besides archives of pages of which only a part of the words is labelled. They are told by their
archive's or folder's name (`train_partly_labeling_01`), or by a list in the split's folder (`PARTLY_LIST`).
"""

from __future__ import annotations

import os
import re
import shlex
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from train_easyocr.documents.aihub import (
    IMAGE_SUFFIXES,
    LABEL_SUFFIX,
    PARTLY_LIST,
    PageFile,
    Problem,
    files_below,
    is_page_file,
    labels_by_name,
    pages_by_name,
    pair,
    pairing_problems,
    read_partly,
)
from train_easyocr.documents.archives import (
    PART,
    UNPACKED_BY,
    ZIP,
    ZIP_VOLUME,
    Listing,
    LooseFile,
    Member,
    MemberError,
    MemberProblem,
    OtherFiles,
    how_to_join,
    is_archive_name,
    is_wanted,
    leave_out_folders,
    list_archive,
    members_by_kind,
    place,
    restored_name,
    safe_target,
)
from train_easyocr.documents.label_formats import ConvertedLabel, with_coco_pages
from train_easyocr.documents.sources import FileSource, PageSource, Source

DATA_SET = "공공행정문서 OCR"
SPLIT_FOLDERS = {"training": "Training", "validation": "Validation"}
"""The name of each split in our folders, and in the download."""
SPLIT_NAME = re.compile(r"(?:\d+[\s._-]*)?(?:(?P<training>train(?:ing)?)|val(?:id(?:ation)?)?)", re.IGNORECASE)
"""What people call the two folders: Training, training, 1.Training, 02_validation, val."""
UNZIPPED, UNFINISHED = "unzipped", ".unfinished"
"""Where step 2 unpacks archives if asked to, and the file in it that says that it has not come to its end."""
OWN_FILES = frozenset({"manifest.json", "statistics.json"})
"""Lie in each set that step 2 makes, whose other files are no pages of a download."""
KINDS = (IMAGE_SUFFIXES, frozenset({LABEL_SUFFIX}))
LEVELS = 2
"""How far above and below a folder the download is looked for."""
PARTLY_NAME = re.compile(r"partly[\s._-]*lab", re.IGNORECASE)
"""In the name of an archive or folder of such pages; AI-Hub spells it labling and labeling."""


LabelSource: TypeAlias = Member | LooseFile | ConvertedLabel
"""A page's labels: a file, or what one file of many pages says of it."""


def find_download(folder: Path) -> Path:
    """Return the folder that holds Training/ and Validation/: `folder`, or one up to two levels below or above it.

    Below, where exactly one has pages or archives in these two; above, where `folder` lies in one of the two. If there
    is none, or if there are several, `folder` itself.
    """
    if not folder.is_dir() or _split_folders(folder):
        return folder
    below = downloads_below(folder)
    if below:
        return below[0] if len(below) == 1 else folder
    for above in (folder.absolute(), folder.absolute().parent):
        if _split_of(above.name) and _holds_pages(above):
            return above.parent
    return folder


def downloads_below(folder: Path) -> list[Path]:
    """Return the folders one or two levels below that hold what is looked for: those of the first level with any.

    Those with pages win over those whose two folders are empty, since step 2 has made its sets and the archives were
    removed; one that is called as the data set wins over others.
    """
    level: list[Path] = [folder]
    emptied: list[Path] = []
    for _ in range(LEVELS):
        level = [child for parent in level for child in _folders_in(parent) if child.name != UNZIPPED]
        found = [child for child in level if any(map(_holds_pages, _split_folders(child)))]
        if found:
            return _called_as_the_data_set(found) or found
        emptied = emptied or _called_as_the_data_set(level) or [child for child in level if _is_emptied(child)]
    return emptied


def _called_as_the_data_set(folders: Sequence[Path]) -> list[Path]:
    return [folder for folder in folders if unicodedata.normalize("NFC", folder.name) == DATA_SET]  # macOS decomposes


def _is_emptied(folder: Path) -> bool:
    names = {path.name for path in _folders_in(folder)}
    return UNZIPPED in names or names.issuperset(SPLIT_FOLDERS.values())


def _folders_in(folder: Path) -> list[Path]:
    with suppress(OSError):  # one that may not be read
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    return []


def _split_of(name: str) -> str:
    """Return which split a folder's name stands for, or nothing."""
    match = SPLIT_NAME.fullmatch(unicodedata.normalize("NFC", name).strip())
    return "" if match is None else "training" if match["training"] else "validation"


def _split_folders(download: Path, split: str = "") -> list[Path]:
    """Return the folders of a split, or of both."""
    return [path for path in _folders_in(download) if (found := _split_of(path.name)) and split in ("", found)]


def _holds_pages(folder: Path) -> bool:
    """Whether there are archives, or images and label files; neither alone tells a data set of this kind."""
    kinds = set()
    for name in _files_below(folder):
        if is_archive_name(name):
            return True
        kinds |= {suffixes for suffixes in KINDS if is_page_file(name.rpartition("/")[2], suffixes)}
        if len(kinds) == len(KINDS):
            return True
    return False


def _files_below(folder: Path) -> Iterator[str]:
    """Yield the paths of files below a folder, with `/`, but for those in hidden folders and of sets of step 2."""
    seen = set()
    for parent, folders, names in os.walk(folder, followlinks=True):  # parts of a data set lie on other disks
        real = os.path.realpath(parent)
        if real in seen or OWN_FILES.issubset(names):
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        above = os.path.relpath(parent, folder)  # text, not Path: there can be a million files
        yield from names if above == "." else (f"{above}/{name}" for name in names)


@dataclass
class SplitFiles:
    """What lies in the folders of a split.

    Attributes:
        archives: Zip archives, and the first part of each that is there in parts alone.
        foreign: Archives of other kinds.
        files: Other files: the split's folder, and the path below it.
    """

    archives: list[Path] = field(default_factory=list)
    foreign: list[Path] = field(default_factory=list)
    files: list[tuple[Path, str]] = field(default_factory=list)


def files_of_split(download: Path, split: str) -> SplitFiles:
    """Find what lies in a split's folders; fully labelled archives before others, each sorted by name."""
    found = SplitFiles()
    parts: dict[Path, list[tuple[int, Path]]] = {}
    for folder in _split_folders(download, split):
        for name in sorted(_files_below(folder)):
            if not is_archive_name(name):
                found.files.append((folder, name))
                continue
            path = folder / name
            if part := PART.fullmatch(path.name):
                number = int(re.sub(r"\D", "", part[2]))
                parts.setdefault(path.with_name(part[1]), []).append((number, path))
            elif path.suffix.lower() == ZIP:
                found.archives.append(path)
            else:
                found.foreign.append(path)
    whole = {*found.archives, *found.foreign}
    found.archives += [min(of_one)[1] for path, of_one in parts.items() if path not in whole]
    found.archives.sort(key=lambda path: (_is_partly(restored_name(path.name)), path))
    return found


def _is_partly(name: str) -> bool:
    return PARTLY_NAME.search(name) is not None


def holds_pages(dataset: str) -> bool:
    """Tell whether a data set's folder has pages for training and for validation, packed or unpacked."""
    if not dataset:
        return False
    download = find_download(Path(dataset))
    return all(
        any(map(_holds_pages, _split_folders(download, split))) or find_unzipped(download, split)
        for split in SPLIT_FOLDERS
    )


def find_unzipped(folder: Path, split: str) -> Path | None:
    """Return where step 2 has unpacked a split below a folder; None where it has not, or not to its end."""
    unzipped = folder / UNZIPPED
    return unzipped / split if (unzipped / split).is_dir() and not (unzipped / UNFINISHED).exists() else None


def list_download(download: Path, splits: Sequence[str] = tuple(SPLIT_FOLDERS)) -> Listing:
    """List what a download's splits hold, in archives and beside them.

    Args:
        download: As `find_download` returns it.
        splits: `training`, `validation` or both.
    """
    listing = Listing()
    for split in splits:
        found = files_of_split(download, split)
        for path in found.archives:
            list_archive(path, split, listing)
        listing.unreadable += [_how_to_unpack(path) for path in found.foreign]
        _list_nested(found, listing)
        for folder, name in found.files:
            _list_loose(folder, name, split, listing)
    _list_elsewhere(download, listing)
    leave_out_folders(listing)
    return listing


def _list_loose(folder: Path, path: str, split: str, listing: Listing) -> None:
    name = path if path.isascii() else "/".join(map(restored_name, path.split("/")))
    if name == PARTLY_LIST:
        listing.partly[split] = listing.partly.get(split, frozenset()) | read_partly(folder)
        return
    if not is_wanted(name):
        listing.others.add(name, f"{folder.name}/{name}")
        return
    try:
        target = f"{split}/{safe_target(name)}"
        file = folder / path
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):
            raise MemberError("refused: not a plain file")
    except (MemberError, OSError) as error:
        reason = f"can't be read: {error.strerror}" if isinstance(error, OSError) else str(error)
        listing.problems.append(MemberProblem(folder.name, name, reason))
        return
    place(LooseFile(file, folder, name, target, status.st_size), listing)


def _how_to_unpack(path: Path) -> str:
    if PART.fullmatch(path.name):
        return how_to_join(path)
    folder, name = shlex.quote(str(path.parent)), shlex.quote(path.name)
    if path.suffix.lower() == ZIP:
        command = _unzip_command(path)
    elif ZIP_VOLUME.search(path.name):
        volumes, whole = shlex.quote(path.stem + ZIP), shlex.quote(f"{path.stem}.whole{ZIP}")
        command = f"zip -s 0 {volumes} --out {whole}"
    else:
        command = next(c for end, c in UNPACKED_BY.items() if path.name.lower().endswith(end)).format(name)
    return f"{path}: not read where or as it is; unpack it, move it away, and run again: (cd {folder} && {command})"


def _unzip_command(path: Path) -> str:
    # Python's own: unzip leaves CP949 names in another code page's letters, and is not everywhere.
    return f"python3 -m zipfile --metadata-encoding cp949 -e {shlex.quote(path.name)} ."


def _list_nested(found: SplitFiles, listing: Listing) -> None:
    """Name the archives that hold others which are not there unpacked."""
    there = {(restored_name(path.name), path.stat().st_size) for path in (*found.archives, *found.foreign)}
    for path in found.archives:
        missing = [name for name, size in listing.nested.get(path, ()) if (name, size) not in there]
        if missing:
            listing.unreadable.append(
                f"{path}: holds {len(missing):,} archives ({missing[0]}), which are not read inside of another one; "
                "unpack it and run again: "
                f"(cd {shlex.quote(str(path.parent))} && {_unzip_command(path)})"
            )


def _list_elsewhere(download: Path, listing: Listing) -> None:
    """Name archives that lie beside the splits' folders, or in a folder beside them, or where there are no such."""
    folders = _folders_in(download)
    beside = [path for path in folders if not _split_of(path.name) and path.name != UNZIPPED]
    for folder in (download, *beside):
        with suppress(OSError):
            for path in sorted(folder.iterdir()):
                if not is_archive_name(path.name) or not path.is_file():
                    continue
                listing.others.add(path.name, f"{path.relative_to(download)}, in neither split's folder")
                if not any(map(_split_of, [one.name for one in folders])):
                    listing.unreadable.append(_how_to_unpack(path))


def other_files(folder: Path, suffixes: frozenset[str]) -> OtherFiles:
    """Count the files below a folder of one's own pages whose kind is not among those that are read."""
    others = OtherFiles()
    for name in sorted(_files_below(folder)):
        if not is_page_file(name.rpartition("/")[2], suffixes):
            others.add(name, name.encode(errors="backslashreplace").decode())
    return others


def group_files(
    listing: Listing, split: str
) -> tuple[dict[str, list[Member | LooseFile]], dict[str, list[LabelSource]], list[Problem]]:
    """Return the images and the labels of a split by the name of their page, and what keeps some from being pages."""
    image_files, label_files, problems = _files_of(listing, split)
    images, labels = pages_by_name(image_files), labels_by_name(label_files, image_files)
    return images, labels, problems + pairing_problems(images, labels)


def _called(file: Member | LooseFile) -> tuple[Source, Path]:
    return file, Path(file.archive.name, file.name)


def _files_of(
    listing: Listing, split: str
) -> tuple[list[tuple[str, Member | LooseFile]], list[tuple[str, LabelSource]], list[Problem]]:
    """Return the images and the labels of a split, and what is wrong with files that label many pages."""
    image_files, label_files = members_by_kind(listing, split)
    labels, problems = with_coco_pages(image_files, label_files, _called)
    return image_files, labels, problems


def find_listed_pages(listing: Listing, split: str) -> tuple[list[PageSource], list[Problem]]:
    """Bring the images and label files of a split together, as `find_pages` does after unpacking."""
    image_files, label_files, of_many = _files_of(listing, split)
    pairs, problems = pair(image_files, label_files)
    return [page_source(listing, split, *found) for found in pairs], of_many + problems


def page_source(listing: Listing, split: str, name: str, image: Member | LooseFile, label: LabelSource) -> PageSource:
    """Return a page of a split that has both files, with what is known of whether it is only partly labelled."""
    listed = name in listing.partly.get(split, frozenset())
    return PageSource(name, image, label, partly=listed or is_partly(image) or is_partly(label))


def is_partly(file: LabelSource) -> bool:
    """Whether a file comes out of an archive or folder of partly labelled pages, by its name."""
    if isinstance(file, ConvertedLabel):
        return _is_partly(restored_name(str(file)))
    return _is_partly(restored_name(file.archive.name)) or _is_partly(file.name)


def find_unzipped_pages(folder: Path) -> tuple[list[PageSource], list[Problem]]:
    """Return the pages that step 2 has unpacked into a split's folder, and what others lack."""
    image_files = list(files_below(folder / "images", IMAGE_SUFFIXES))
    label_files = list(files_below(folder / "labels", frozenset({LABEL_SUFFIX})))
    labels, of_many = with_coco_pages(image_files, label_files, lambda path: (FileSource(path), path))
    pairs, problems = pair(image_files, labels)
    partly = read_partly(folder)
    return [PageSource.of(PageFile(*found), partly=found[0] in partly) for found in pairs], of_many + problems

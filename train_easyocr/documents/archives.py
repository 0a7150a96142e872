"""AI-Hub's archives: what their members are called, which of them are pages' files, and unpacking them safely.

Member names are CP949 bytes without the UTF-8 flag, or UTF-8; the wording of the top folder varies. So a member is
taken for an image or a label file by its suffix, for training or validation by the folder its archive lies in, and
the top folder is dropped: `01.원천데이터(Jpg)/인.허가/5350109/2001/X.jpg` becomes `images/인.허가/5350109/2001/X.jpg`.

An archive's directory is read once, by the process that makes the plan. A member carries what it takes to read it, so
that a worker process opens an archive at the first member it is given and never reads a directory of 100,000 entries.

A file that somebody has unpacked by hand is taken as if it were a member (`LooseFile`).
"""

from __future__ import annotations

import errno
import lzma
import os
import re
import shlex
import shutil
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from io import BufferedReader
from pathlib import Path, PurePosixPath

from train_easyocr.common.errors import UserError
from train_easyocr.common.files import write_bytes
from train_easyocr.documents.aihub import (
    IMAGE_SUFFIXES,
    LABEL_SUFFIX,
    MAX_LABEL_BYTES,
    is_page_file,
)
from train_easyocr.documents.images import MAX_IMAGE_BYTES
from train_easyocr.documents.sources import FileSource, SourceError

CATEGORIES = frozenset(
    {"농림.축산지원", "도시개발", "산업진흥", "상.하수도관리", "인.허가", "일반행정"}
    | {"주민복지", "주민생활지원", "주민자치", "지역문화", "지역환경.산림", "회계.예산"}
)
PAGE_SUFFIXES = IMAGE_SUFFIXES | {LABEL_SUFFIX}
ZIP, ZIP_VOLUME = ".zip", re.compile(r"\.z\d\d$", re.IGNORECASE)
UNPACKED_BY = {
    **dict.fromkeys((".tar", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst"), "tar xf {}"),
    **dict.fromkeys((".7z", ".rar"), "7z x {}"),
    **dict.fromkeys((".alz", ".egg"), "unalz {}"),
}
"""Archives that are not read, by the end of their names, and the command that unpacks them."""
ARCHIVES = (ZIP, *UNPACKED_BY)
PART = re.compile(r"([^.].*\.(?:zip|tar|tgz|tar\.gz|7z))\.(part\d+|\d{3})", re.IGNORECASE)
"""A piece of an archive: `.part0`, as AI-Hub's server sends it, whose own program puts them together unless it is
interrupted; `.001`, as 7-Zip divides what it packs."""
COMPRESSIONS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA})
UNUSABLE_NAME = frozenset({errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.EILSEQ, errno.EINVAL})
"""Errors of writing that are a member's own; any other, such as a full disk, ends the run."""
MAX_RATIO = 250
"""A member above 1 MiB that unpacks to more than this many times its size is a bomb, not a page."""


LOCAL_HEADER = struct.Struct("<4s22xHH")
"""A member's own header in front of its bytes: signature, and the lengths of two fields that follow the header."""
OPEN_ARCHIVES = 64
"""Archives that a process keeps open; the set has five."""


class ArchiveError(UserError, ValueError):
    """An archive can't be read at all; the message names it."""


class MemberError(SourceError):
    """A member can't be read; the message is the reason."""

    damaged = True


@dataclass(frozen=True, slots=True)
class Member:
    """An image or a label file inside an archive: a `Source`.

    Attributes:
        archive: The archive.
        index: The member's place in the archive's directory.
        name: The whole name in the archive.
        target: Where it belongs below unzipped/: `training/images/인.허가/5350109/2001/X.jpg`.
        unpacked: Bytes that the archive says it has, unpacked.
        crc: CRC-32 that the archive says it has.
        offset: Where its own header starts in the archive.
        packed: Bytes that it takes in the archive.
        method: How it is packed, one of `COMPRESSIONS`.
    """

    archive: Path
    index: int
    name: str
    target: str
    unpacked: int
    crc: int
    offset: int
    packed: int
    method: int

    @property
    def suffix(self) -> str:
        """The end of the file's name, as `.jpg`."""
        return PurePosixPath(self.target).suffix

    def size(self) -> int:
        """Return the file's size in bytes, as the archive states it."""
        return self.unpacked

    def read(self, limit: int) -> bytes:
        """Return the whole file; see `Source.read`."""
        if self.unpacked > limit:
            raise SourceError(f"has more than {limit // 2**20} MiB")
        return read_member(self)

    def checksum(self) -> int:
        """Return the file's CRC-32, as the archive states it."""
        return self.crc


@dataclass(frozen=True, slots=True)
class LooseFile(FileSource):
    """An image or a label file that lies in a split's folder: a `Source`.

    Attributes:
        archive: The split's folder, which stands for the archive that the file was in.
        name: Its path below that folder, with `/`, in NFC.
        target: As of a `Member`.
        unpacked: Bytes that it has.
    """

    archive: Path
    name: str
    target: str
    unpacked: int

    def checksum(self) -> int:
        """Return the file's CRC-32.

        Raises:
            SourceError: It can't be read.
        """
        return zlib.crc32(self.read(MAX_IMAGE_BYTES))


@dataclass(frozen=True, slots=True)
class MemberProblem:
    """A member that is left out: archive, name and reason."""

    archive: str
    member: str
    reason: str


@dataclass
class OtherFiles:
    """Files that are not read: how many of each kind, and one of them."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, example: str) -> None:
        """Take in a file by its name; `example` says where it is."""
        kind = kind_of(name)
        self.counts[kind] += 1
        self.examples.setdefault(kind, example)

    def rows(self) -> list[tuple[str, str, str]]:
        """Return the rows of a table: kind, number, example; the most frequent first."""
        return [(kind, f"{count:,}", self.examples[kind]) for kind, count in self.counts.most_common()]


@dataclass
class Listing:
    """What archives and the folders around them hold.

    Attributes:
        by_target: The images and label files by the place where they belong, in the order of archives and their
            directories, and then of loose files' names.
        problems: Files that are left out, with the reason.
        unreadable: A line for each archive that can't be read at all, or not here.
        others: Files that are neither images nor label files.
        repeated: Number of files that are there more than once, with equal content.
        nested: Archives in archives: name and size of each, by the archive that holds them.
        partly: By split, the names of pages that a list calls partly labelled.
    """

    by_target: dict[str, Member | LooseFile] = field(default_factory=dict)
    problems: list[MemberProblem] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    others: OtherFiles = field(default_factory=OtherFiles)
    repeated: int = 0
    nested: dict[Path, list[tuple[str, int]]] = field(default_factory=dict)
    partly: dict[str, frozenset[str]] = field(default_factory=dict)

    @property
    def members(self) -> list[Member | LooseFile]:
        """The images and label files."""
        return list(self.by_target.values())


def kind_of(name: str) -> str:
    """Return what a file that is not read is counted as: the end of its name, or that it is hidden or has none."""
    file = name.rpartition("/")[2]
    if file.startswith("."):
        return "hidden"
    return PurePosixPath(file).suffix.lower() or "without suffix"


def list_archive(path: Path, split: str, listing: Listing) -> None:
    """Read an archive's directory, and take in what is to be read of it."""
    try:
        entries = _open(path).infolist()
    except ArchiveError as error:
        listing.unreadable.append(str(error))
        return
    for index, info in enumerate(entries):
        try:
            name = decode_name(info)
            target = f"{split}/{safe_target(name)}"
            _refuse_links(info)
            if not is_wanted(name):
                _pass_over(path, name, info, listing)
                continue
            _check_content(info)
        except MemberError as error:
            listing.problems.append(MemberProblem(path.name, _shown_name(info), str(error)))
            continue
        details = (info.file_size, info.CRC, info.header_offset, info.compress_size, info.compress_type)
        place(Member(path, index, name, target, *details), listing)


def _pass_over(path: Path, name: str, info: zipfile.ZipInfo, listing: Listing) -> None:
    if is_archive_name(name):
        listing.nested.setdefault(path, []).append((name.rpartition("/")[2], info.file_size))
    elif not name.endswith("/"):
        listing.others.add(name, f"{path.name}: {name}")


def is_archive_name(name: str) -> bool:
    """Tell whether a file of this name is an archive, or a part of one, of whatever kind."""
    file = name.rpartition("/")[2].lower()
    if file.startswith("."):
        return False
    return file.endswith(ARCHIVES) or PART.fullmatch(file) is not None or ZIP_VOLUME.search(file) is not None


def place(file: Member | LooseFile, listing: Listing) -> None:
    """Take in a file, unless another one is in its place already: that is counted, or a problem if it is not equal."""
    first = listing.by_target.setdefault(file.target, file)
    if first is file:
        return
    if _are_equal(first, file):
        listing.repeated += 1
    else:
        reason = f"{first.name!r} of {first.archive.name} has the same place and other content"
        listing.problems.append(MemberProblem(file.archive.name, file.name, reason))


def _are_equal(first: Member | LooseFile, second: Member | LooseFile) -> bool:
    """Compare two files of one place. Loose images go by their size: reading 350 GB beside the archives takes hours."""
    if first.unpacked != second.unpacked:
        return False
    packed = isinstance(first, Member) and isinstance(second, Member)
    if not packed and first.suffix.lower() != LABEL_SUFFIX:
        return True
    try:
        return first.checksum() == second.checksum()
    except SourceError:
        return False


def leave_out_folders(listing: Listing) -> None:
    """Leave out a file whose path is a folder of other files: which of them wins would depend on the workers."""
    folders: set[str] = set()
    for target in listing.by_target:
        folder = target.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    for target in sorted(folders & listing.by_target.keys()):
        file = listing.by_target.pop(target)
        listing.problems.append(MemberProblem(file.archive.name, file.name, "its path is a folder of other members"))


@lru_cache(maxsize=1)  # a directory of 100,000 members takes a second to read and 100 MiB
def _opened(path: Path, _changed: int) -> zipfile.ZipFile:
    return zipfile.ZipFile(path)


def _open(path: Path) -> zipfile.ZipFile:
    if PART.fullmatch(path.name):
        raise ArchiveError(how_to_join(path))
    try:
        return _opened(path, path.stat().st_mtime_ns)
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError, struct.error) as error:
        # A directory entry that claims UTF-8 and is not shows as UnicodeDecodeError, a ValueError.
        raise ArchiveError(f"{path}: can't be read as a zip archive: {error}") from None


def how_to_join(path: Path) -> str:
    """Say what to do about an archive's part."""
    part = PART.fullmatch(path.name)
    folder, whole = shlex.quote(str(path.parent)), shlex.quote(part[1] if part else path.name)
    parts = "part*" if part and part[2].lower().startswith("part") else "[0-9]*"
    return (
        f"{path}: a part of an archive that is not whole; put its parts together and run again: "
        f"(cd {folder} && ls -v {whole}.{parts} | xargs -d '\\n' cat > {whole})"
    )


def decode_name(info: zipfile.ZipInfo) -> str:
    """Return a member's name in NFC, whichever encoding its archive used.

    With the UTF-8 flag it is UTF-8. Without it zipfile has taken the bytes for CP437; they are UTF-8 or CP949.

    Raises:
        MemberError: The bytes are neither.
    """
    if info.flag_bits & 0x800:
        return unicodedata.normalize("NFC", info.orig_filename)
    raw = info.orig_filename.encode("cp437")
    decoded = (_decoded(raw, "utf-8"), _decoded(raw, "cp949"))
    names = [unicodedata.normalize("NFC", name) for name in decoded if name is not None]
    if not names:
        raise MemberError("its name is neither UTF-8 nor CP949")
    # Two bytes of a CP949 syllable can pass for one Latin or Greek letter in UTF-8; Hangul takes three bytes there.
    if len(names) == 2 and re.search("[\x80-\u07ff]", names[0]) and not re.search("[가-힣]", names[0]):
        return names[1]
    return names[0]


@lru_cache(maxsize=1024)  # of folders: a data set has few
def restored_name(name: str) -> str:
    """Return a file's name in NFC, as it was before a program that unpacked it misunderstood it.

    CP949 bytes are on the disk as they are, or as the letters that they stand for in the code pages of western systems
    (`[┐°├╡]train1`). Those are taken for Hangul where all of them make sense in KS X 1001.
    """
    if name.isascii():
        return name
    if re.search("[\udc80-\udcff]", name):  # how Python states bytes that are not UTF-8
        raw = _decoded(name.encode(errors="surrogateescape"), "cp949")
        return name if raw is None else unicodedata.normalize("NFC", raw)
    for encoding in ("cp437", "cp850", "cp1252", "latin-1"):
        try:
            found = name.encode(encoding).decode("euc_kr")
        except UnicodeError:
            continue
        if re.search("[가-힣]", found):
            return found
    return unicodedata.normalize("NFC", name)


def _decoded(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def _shown_name(info: zipfile.ZipInfo) -> str:
    try:
        return decode_name(info)
    except MemberError:
        return info.orig_filename


def is_wanted(name: str) -> bool:
    """Tell whether a file of this name is an image or a label file."""
    stem, _, suffix = name.rpartition("/")[2].rpartition(".")
    return f".{suffix.lower()}" in PAGE_SUFFIXES and stem not in ("", ".") and not stem.startswith("._")


def safe_target(name: str) -> str:
    """Return where a member belongs below its split's folder: `images/...` or `labels/...`, top folder dropped.

    Raises:
        MemberError: The name would lead outside, or could on another system.
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/"):
        raise MemberError("refused: an absolute path")
    if not parts:
        raise MemberError("refused: an empty path")
    if ".." in parts:
        raise MemberError("refused: its path leads upwards (..)")
    if "\\" in name:
        raise MemberError("refused: a backslash in its path")
    if "\0" in name:
        raise MemberError("refused: a NUL character in its path")
    if re.match("[A-Za-z]:", parts[0]):
        raise MemberError("refused: a drive letter")
    kind = "labels" if parts[-1].lower().endswith(LABEL_SUFFIX) else "images"
    return "/".join([kind, *_without_top_folder(parts)])


def _without_top_folder(parts: list[str]) -> list[str]:
    """Drop the folders up to the last that says 원천 or 라벨; else the first folder, unless it is a category.

    An archive can repeat its own name above them: `[원천]train1/01.원천데이터/인.허가/X.jpg`.
    """
    for position in reversed(range(len(parts) - 1)):
        if "원천" in parts[position] or "라벨" in parts[position]:
            return parts[position + 1 :]
    return parts if len(parts) == 1 or parts[0] in CATEGORIES else parts[1:]


def _refuse_links(info: zipfile.ZipInfo) -> None:
    mode = info.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise MemberError("refused: a link" if stat.S_ISLNK(mode) else "refused: not a plain file")


def _check_content(info: zipfile.ZipInfo) -> None:
    if info.flag_bits & 0x1:
        raise MemberError("it is encrypted")
    if info.compress_type not in COMPRESSIONS:
        raise MemberError(f"compression method {info.compress_type} is not supported")
    limit = MAX_LABEL_BYTES if info.orig_filename.lower().endswith(LABEL_SUFFIX) else MAX_IMAGE_BYTES
    if info.file_size > limit:
        raise MemberError(f"refused: {info.file_size:,} bytes unpacked, more than {limit // 2**20} MiB")
    if info.compress_size > 2 * info.file_size + 2**16:  # it is read in one piece
        raise MemberError(f"refused: {info.compress_size:,} bytes that hold only {info.file_size:,}")
    if info.file_size > max(2**20, MAX_RATIO * info.compress_size):
        raise MemberError(f"refused: {info.compress_size:,} bytes that unpack to {info.file_size:,}")


def members_by_kind(
    listing: Listing, split: str
) -> tuple[list[tuple[str, Member | LooseFile]], list[tuple[str, Member | LooseFile]]]:
    """Return the images and the label files of a split, each with its path below images/ or labels/."""
    files: dict[str, list[tuple[str, Member | LooseFile]]] = {"images": [], "labels": []}
    for member in listing.by_target.values():
        of_split, kind, path = member.target.split("/", 2)
        if of_split == split and is_page_file(path.rpartition("/")[2], PAGE_SUFFIXES):
            files[kind].append((path, member))
    return files["images"], files["labels"]


def read_member(member: Member) -> bytes:
    """Unpack a member into memory; its size and CRC-32 are as the archive says.

    Raises:
        MemberError: It is truncated or damaged, or its archive can't be read any more.
    """
    try:
        content = _unpacked(member)
    except (zipfile.BadZipFile, OverflowError) as error:
        # The message holds the undecoded name; what overflows is an offset beyond 2**63.
        reason = "its CRC-32 is wrong" if "CRC-32" in str(error) else "its header in the archive can't be read"
        raise MemberError(f"truncated or damaged: {reason}") from None
    except (zlib.error, lzma.LZMAError, EOFError, NotImplementedError) as error:
        raise MemberError(f"truncated or damaged: {str(error) or 'it ends too early'}") from None
    except (RuntimeError, OSError, ArchiveError) as error:
        raise MemberError(f"can't be read: {error}") from None
    except ValueError as error:
        raise MemberError(f"truncated or damaged: {error}") from None
    if len(content) != member.unpacked:
        raise MemberError(f"truncated or damaged: {len(content):,} bytes where {member.unpacked:,} are stated")
    if zlib.crc32(content) != member.crc:
        raise MemberError("truncated or damaged: its CRC-32 is wrong")
    return content


def _unpacked(member: Member) -> bytes:
    """Return a member's bytes, at most one more than it states; the two usual methods need no directory."""
    if member.method == zipfile.ZIP_DEFLATED:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(_packed(member), member.unpacked + 1)
    if member.method == zipfile.ZIP_STORED:
        return _packed(member)
    archive = _open(member.archive)
    with archive.open(archive.infolist()[member.index]) as file:
        return file.read(member.unpacked + 1)


def _packed(member: Member) -> bytes:
    """Read a member's bytes as they are in the archive; its place is where its own header says, not the directory."""
    file = _handle(member.archive, member.archive.stat().st_mtime_ns)
    header = os.pread(file.fileno(), LOCAL_HEADER.size, member.offset)
    if len(header) < LOCAL_HEADER.size or header[:4] != b"PK\3\4":
        raise zipfile.BadZipFile("no header")
    _, name_length, extra_length = LOCAL_HEADER.unpack(header)
    start = member.offset + LOCAL_HEADER.size + name_length + extra_length
    content = os.pread(file.fileno(), member.packed, start)
    if len(content) != member.packed:
        raise EOFError
    return content


@lru_cache(maxsize=OPEN_ARCHIVES)
def _handle(path: Path, _changed: int) -> BufferedReader:
    return path.open("rb")


def is_whole(path: Path, member: Member | LooseFile) -> bool:
    """Whether the file is there with the member's size and CRC-32."""
    try:
        return path.stat().st_size == member.unpacked and zlib.crc32(path.read_bytes()) == member.checksum()
    except (OSError, SourceError):
        return False


@dataclass(frozen=True, slots=True)
class Extraction:
    """What came of some members: how many were written, were there already, and what went wrong."""

    written: int
    present: int
    size: int
    problems: tuple[MemberProblem, ...]


def extract_members(task: tuple[Path, tuple[Member | LooseFile, ...]]) -> Extraction:
    """Unpack members below a folder, each whole or not at all; what is there whole is not written again.

    Args:
        task: The folder unzipped/, and the members.

    Raises:
        OSError: A file can't be written for a reason that holds for others, too, such as a full disk.
    """
    folder, members = task
    written, problems = 0, []
    for member in members:
        if is_whole(folder / member.target, member):
            continue
        try:
            write_bytes(folder / member.target, member.read(MAX_IMAGE_BYTES))
            written += 1
        except SourceError as error:
            problems.append(MemberProblem(member.archive.name, member.name, str(error)))
        except OSError as error:
            if error.errno not in UNUSABLE_NAME:
                raise
            problems.append(MemberProblem(member.archive.name, member.name, f"can't be written: {error.strerror}"))
    size = sum(member.unpacked for member in members)
    return Extraction(written, len(members) - written - len(problems), size, tuple(problems))


def in_chunks(
    members: Iterable[Member | LooseFile], folder: Path, size: int = 32
) -> Iterator[tuple[Path, tuple[Member | LooseFile, ...]]]:
    """Yield tasks for `extract_members`, each with members of one archive."""
    chunk: list[Member | LooseFile] = []
    for member in members:
        if chunk and (len(chunk) == size or chunk[0].archive != member.archive):
            yield folder, tuple(chunk)
            chunk = []
        chunk.append(member)
    if chunk:
        yield folder, tuple(chunk)


def missing_bytes(members: Iterable[Member | LooseFile], folder: Path) -> int:
    """Return how many bytes unpacking adds: those of members that are not there in their size."""
    return sum(m.unpacked for m in members if not _has_size(folder / m.target, m.unpacked))


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def free_bytes(folder: Path) -> int:
    """Return the free space of the disk that a folder lies on, or will lie on."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free

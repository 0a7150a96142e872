"""Small documents in AI-Hub's shape for tests: real JPEG pages, label files, archives with CP949 names."""

import hashlib
import json
import struct
import zipfile
from pathlib import Path

import cv2
import numpy as np

IMAGES_TOP, LABELS_TOP = "01.원천데이터(Jpg)", "02.라벨링데이터(Json)"
WORDS = (
    *("행정", "경남 김해시", "제1,234호", '그는 "예"라 함', "(경", "합계:", "2023.", "인ㆍ허가", "뷁", "주민등록번호"),
)


class Cp949Info(zipfile.ZipInfo):
    """A member whose name is written as AI-Hub's archives have it: CP949 bytes, no UTF-8 flag."""

    def _encodeFilenameFlags(self):  # noqa: N802
        return self.filename.encode("cp949"), self.flag_bits


def page_image(seed, width=240, height=180):
    """Random grey blocks: every crop differs from every other."""
    blocks = np.random.default_rng(seed).integers(0, 256, (height // 6, width // 6), dtype=np.uint8)
    return cv2.resize(blocks, (width, height), interpolation=cv2.INTER_NEAREST)


def jpeg(image):
    return cv2.imencode(".jpg", image)[1].tobytes()


def words_of(seed, count=8, width=240, height=180):
    """Texts with boxes as x, y, width, height, some beyond the page's edges."""
    generator = np.random.default_rng([seed, 1])
    boxes = np.stack(
        [
            generator.integers(-8, width - 10, count),
            generator.integers(-8, height - 10, count),
            generator.integers(9, 80, count),
            generator.integers(9, 30, count),
        ],
        axis=1,
    )
    return [(WORDS[(seed + i) % len(WORDS)], box.tolist()) for i, box in enumerate(boxes)]


def label(words, width=240, height=180, category="인.허가"):
    image = {"image.category": category, "image.width": width, "image.height": height}
    annotations = [
        {"id": i + 1, "annotation.type": "rectangle", "annotation.text": text, "annotation.bbox": box}
        for i, (text, box) in enumerate(words)
    ]
    return json.dumps({"images": [image], "annotations": annotations}, ensure_ascii=False).encode()


def write_zip(path, members, info=Cp949Info, compression=zipfile.ZIP_DEFLATED):
    """Write an archive; `members` are (name or ZipInfo, content)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members:
            member = name if isinstance(name, zipfile.ZipInfo) else info(name, (2020, 12, 16, 0, 0, 0))
            if not isinstance(name, zipfile.ZipInfo):
                member.compress_type = compression
            archive.writestr(member, content)
    return path


def break_crc(path, content):
    """Change a byte of a stored member, so that its CRC-32 is wrong."""
    data = path.read_bytes()
    at = data.index(content)
    path.write_bytes(data[:at] + bytes([data[at] ^ 255]) + data[at + 1 :])


def cut_last_member(path, missing):
    """Cut the end of the last member off, leaving the archive's directory readable."""
    data = path.read_bytes()
    end = data.rindex(b"PK\5\6")
    (start,) = struct.unpack_from("<L", data, end + 16)
    data = data[: start - missing] + data[start:]
    patched = bytearray(data)
    struct.pack_into("<L", patched, end - missing + 16, start - missing)
    path.write_bytes(patched)


def pages(count, first=0, folder="인.허가/5350109/2001", **size):
    """`count` pages as (path without suffix, JPEG bytes, label bytes)."""
    return [
        (
            f"{folder}/5350109-2001-0001-{number:04d}",
            jpeg(page_image(number, **size)),
            label(words_of(number, **size), **size),
        )
        for number in range(first, first + count)
    ]


def make_download(folder: Path, training=5, validation=6, **size) -> Path:
    """A whole download: both splits, images of training over two archives, CP949 names."""
    sets = {"Training": pages(training, **size), "Validation": pages(validation, first=1000, **size)}
    for split, found in sets.items():
        parts = [found[::2], found[1::2]] if split == "Training" else [found]
        for number, part in enumerate(parts, 1):
            members = [(f"{IMAGES_TOP}/{name}.jpg", image) for name, image, _ in part]
            write_zip(folder / split / f"[원천]{split.lower()}{number}.zip", members, compression=zipfile.ZIP_STORED)
        members = [(f"{LABELS_TOP}/{name}.json", content) for name, _, content in found]
        write_zip(folder / split / f"[라벨]{split.lower()}.zip", members)
    return folder


def tree(folder: Path) -> dict[str, str]:
    """Every file below a folder with its SHA-256, empty folders too."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in sorted(folder.rglob("*"))
    }

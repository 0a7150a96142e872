"""What step 2 leaves: names, forms, and each byte of it that training reads."""

import csv
import hashlib
import json
import re

import cv2
import lmdb
import pytest

from tests.contract.golden import GOLDEN

pytestmark = pytest.mark.slow

SETS = ("training", "validation")
PATCH = re.compile(r"5350109-2001-0001-\d{4}_\d+-\d+-\d+-\d+\.png")


def folder_of(output, split):
    return output / "training_and_validation_set" / split / "select_data"


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def pixels_of(folder):
    """The SHA-256 over all patches in the order of labels.csv: height, width and pixels of each."""
    digest = hashlib.sha256()
    for name, _ in rows_of(folder / "labels.csv")[1:]:
        patch = cv2.imread(str(folder / "images" / name), cv2.IMREAD_UNCHANGED)
        digest.update(f"{patch.shape[0]} {patch.shape[1]} {patch.dtype} ".encode() + patch.tobytes())
    return digest.hexdigest()


def lmdb_of(folder):
    with lmdb.open(str(folder / "lmdb"), readonly=True, lock=False) as database, database.begin() as transaction:
        return {bytes(key): bytes(value) for key, value in transaction.cursor()}


def test_files_of_a_set(prepared, prepared_lmdb):
    tables = {"labels.csv", "manifest.json", "pages.csv", "skipped.csv", "statistics.json"}
    for split in SETS:
        assert {path.name for path in folder_of(prepared, split).iterdir()} >= tables | {"images"}
        assert {path.name for path in folder_of(prepared_lmdb, split).iterdir()} >= tables | {"lmdb"}
    evaluation = {path.name for path in (prepared / "evaluation_set").iterdir()}
    assert evaluation >= {"images", "labels", "manifest.json", "pages.csv", "skipped.csv", "statistics.json"}


def test_labels_are_csv_in_the_patches_order(prepared, prepared_lmdb):
    for split in SETS:
        folder = folder_of(prepared, split)
        content = (folder / "labels.csv").read_bytes()
        assert content.startswith(b"filename,words\n") and b"\r" not in content
        assert b',"""\xeb\x8b\xa4"", \xeb\x9d\xbc"\n' in content  # "다", 라: quoted as CSV quotes
        names = [name for name, _ in rows_of(folder / "labels.csv")[1:]]
        assert all(PATCH.fullmatch(name) for name in names)
        assert sorted(names) == sorted(path.name for path in (folder / "images").iterdir())
        assert (folder_of(prepared_lmdb, split) / "labels.csv").read_bytes() == content


def test_lmdb_holds_the_same_under_the_fields_keys(prepared, prepared_lmdb):
    for split in SETS:
        rows = rows_of(folder_of(prepared, split) / "labels.csv")[1:]
        found = lmdb_of(folder_of(prepared_lmdb, split))
        assert found[b"num-samples"] == str(len(rows)).encode()
        keys = [f"{kind}-{number:09d}".encode() for kind in ("image", "label") for number in range(1, len(rows) + 1)]
        assert sorted(found) == sorted([b"num-samples", *keys])
        for number, (name, text) in enumerate(rows, 1):
            assert found[f"label-{number:09d}".encode()].decode() == text
            patch = (folder_of(prepared, split) / "images" / name).read_bytes()
            assert found[f"image-{number:09d}".encode()] == patch


def test_keys_of_manifest_and_statistics_and_columns_of_the_tables(prepared):
    for folder in (folder_of(prepared, "training"), prepared / "evaluation_set"):
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        assert manifest.keys() >= {"layout", "settings", "available", "files", "pages"}
        assert manifest["settings"].keys() >= {"split", "seed", "images"}
        statistics = json.loads((folder / "statistics.json").read_text(encoding="utf-8"))
        assert statistics.keys() >= {
            "pages", "words", "warnings", "measured_against", "characters_outside", "too_long",
            "aspect_ratio_percentiles", "width_percentiles", "width_for_80_percent",
        }  # fmt: skip
        assert statistics["pages"].keys() >= {"with_both_files", "drawn", "used", "skipped"}
        assert statistics["words"].keys() >= {"labelled", "used", "skipped"}
        assert rows_of(folder / "skipped.csv")[0] == ["page", "id", "box", "text", "reason", "detail"]
        assert rows_of(folder / "pages.csv")[0] == ["page", "image_sum"]
        assert [page for page, _ in rows_of(folder / "pages.csv")[1:]] == manifest["pages"]


def test_evaluation_pages_are_copies_and_none_of_validation(prepared, download):
    folder = prepared / "evaluation_set"
    names = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["pages"]
    assert names == GOLDEN["evaluation_pages"]
    for kind, suffix in (("images", ".png"), ("labels", ".json")):
        files = {path.relative_to(folder / kind).as_posix() for path in (folder / kind).rglob("*") if path.is_file()}
        assert files == {name + suffix for name in names}
    validation = json.loads((folder_of(prepared, "validation") / "manifest.json").read_text(encoding="utf-8"))["pages"]
    assert not set(names) & set(validation)


def test_the_same_download_gives_the_same_words_and_pixels(prepared):
    for split in SETS:
        folder = folder_of(prepared, split)
        found = {
            "labels.csv": hashlib.sha256((folder / "labels.csv").read_bytes()).hexdigest(),
            "skipped.csv": hashlib.sha256((folder / "skipped.csv").read_bytes()).hexdigest(),
            "pixels": pixels_of(folder),
        }
        assert found == GOLDEN[split]

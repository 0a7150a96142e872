"""Step 2 as a user runs it, on whole downloads in AI-Hub's shape."""

import csv
import json
import os
import shutil
import stat
import subprocess
import sys
import unicodedata
import zipfile
from pathlib import Path

import cv2
import lmdb
import numpy as np
import pytest

import prepare_dataset
from tests.documents.samples import (
    IMAGES_TOP,
    LABELS_TOP,
    WORDS,
    break_crc,
    jpeg,
    label,
    make_download,
    page_image,
    pages,
    tree,
    words_of,
    write_zip,
)
from train_easyocr.datasets.labels_csv import read_rows
from train_easyocr.documents import Box

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
ALL = ("--unzip", "--training", "--validation", "--evaluation", "--workers", "1")
SETS = "training_and_validation_set"


@pytest.fixture
def download(tmp_path):
    return make_download(tmp_path / "내려받음" / "공공행정문서 OCR")


def skipped(folder):
    with (folder / "skipped.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def statistics(folder):
    return json.loads((folder / "statistics.json").read_bytes())


def expected_patches(count, first=0):
    """Name, text and pixels of each patch, cut here from the pages' images and labels without the program's help."""
    for name, image, _ in pages(count, first):
        grey = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_GRAYSCALE)
        for text, (x, y, width, height) in words_of(int(name[-4:])):
            box = max(0, x), max(0, y), min(240, x + width), min(180, y + height)
            file = f"{name.rsplit('/', 1)[1]}_{'-'.join(map(str, box))}.png"
            yield file, text.replace("ㆍ", "·"), grey[box[1] : box[3], box[0] : box[2]]


def test_a_download_becomes_patches_and_an_evaluation_set(download, run):
    status, out, _ = run("--dataset", download, *ALL, "val_images=4", "eval_images=2")
    assert status == 0
    training = download / SETS / "training" / "select_data"
    expected = list(expected_patches(5))
    assert list(read_rows(training / "labels.csv")) == [(file, text) for file, text, _ in expected]
    for file, _, pixels in expected:
        found = cv2.imread(str(training / "images" / file), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(found, pixels)
    assert len(list((training / "images").iterdir())) == len(expected) == 40
    assert "training: 40,000 pages asked for, 5 are there: all are used" in out
    validation = json.loads((download / SETS / "validation/select_data/manifest.json").read_bytes())
    evaluation = json.loads((download / "evaluation_set/manifest.json").read_bytes())
    assert (len(validation["pages"]), len(evaluation["pages"])) == (4, 2)
    assert not set(validation["pages"]) & set(evaluation["pages"])
    for name in evaluation["pages"]:
        for path in (f"images/{name}.jpg", f"labels/{name}.json"):
            source = download / "unzipped/validation" / path
            assert (download / "evaluation_set" / path).read_bytes() == source.read_bytes()
    assert {path.name for path in download.iterdir()} == {
        *("Training", "Validation", "unzipped", SETS, "evaluation_set"),
    }


def test_statistics_agree_with_counting_by_hand(download, run):
    run("--dataset", download, *ALL[:2], "--workers", 1, "batch_max_length=6", "character=korean_g2")
    found = statistics(download / SETS / "training/select_data")
    rows = [(text, patch.shape) for _, text, patch in expected_patches(5)]
    assert found["pages"] == {"with_both_files": 5, "drawn": 5, "used": 5, "skipped": {}}
    assert found["words"] == {"labelled": 40, "used": 40, "skipped": {}}
    outside = {character: sum(text.count(character) for text, _ in rows) for character in "뷁·"}
    assert found["characters_outside"]["counts"] == outside
    assert found["characters_outside"]["words"] == sum("뷁" in text or "·" in text for text, _ in rows)
    assert found["too_long"]["words"] == sum(len(text) > 6 for text, _ in rows)
    needed = sorted(-(-64 * width // height) for _, (height, width) in rows)
    assert found["width_for_80_percent"] == needed[31]


def test_the_parent_of_the_data_set_will_do_and_the_config_can_name_it(download, run, tmp_path):
    config = tmp_path / "설정.yaml"
    config.write_text(f"dataset: {download.parent}\noutput: {tmp_path / '결과'}\nselect_data: 가\n", encoding="utf-8")
    assert run("--config", config, "--unzip", "--training", "--workers", 1)[0] == 0
    assert (tmp_path / "결과" / SETS / "training/가/labels.csv").is_file()
    assert {path.name for path in download.iterdir()} == {"Training", "Validation"}
    assert run("--config", config, "--training", "--workers", 1, "--select_data", "나")[0] == 0
    assert {path.name for path in (tmp_path / "결과" / SETS / "training").iterdir()} == {"가", "나"}


def test_the_lmdb_form_holds_what_the_png_form_holds(download, run):
    run("--dataset", download, *ALL)
    assert run("--dataset", download, *ALL[1:2], "--format", "lmdb", "--select_data", "db", "--workers", 1)[0] == 0
    png, form = download / SETS / "training/select_data", download / SETS / "training/db"
    assert {path.name for path in form.iterdir()} == {
        *("labels.csv", "lmdb", "manifest.json", "pages.csv", "skipped.csv", "statistics.json"),
    }
    assert (form / "labels.csv").read_bytes() == (png / "labels.csv").read_bytes()
    with lmdb.open(str(form / "lmdb"), readonly=True, lock=False) as database, database.begin() as transaction:
        rows = list(read_rows(form / "labels.csv"))
        assert transaction.get(b"num-samples") == str(len(rows)).encode()
        assert transaction.stat()["entries"] == 2 * len(rows) + 1
        for number, (name, text) in enumerate(rows, 1):
            assert transaction.get(b"label-%09d" % number).decode() == text
            assert transaction.get(b"image-%09d" % number) == (png / "images" / name).read_bytes()


def test_colour_patches_keep_their_colours(download, run):
    run("--dataset", download, *ALL[:2], "--workers", 1, "rgb=True", "input_channel=3")
    images = download / SETS / "training/select_data/images"
    assert all(cv2.imread(str(path), cv2.IMREAD_UNCHANGED).ndim == 3 for path in images.iterdir())


def unpack(folder, found):
    """Lay pages out as --unzip does."""
    for name, image, content in found:
        for path, data in ((f"images/{name}.jpg", image), (f"labels/{name}.json", content)):
            if data is not None:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(data)


def test_what_can_not_be_used_is_skipped_counted_and_listed(tmp_path, run):
    image = jpeg(page_image(1))
    words = [
        ("합계", [-5, -5, 30, 20]),
        ("  ", [1, 1, 9, 9]),
        ("넓이 없음", [5, 5, 0, 9]),
        ("밖", [240, 5, 10, 9]),
        ("끝", [230, 170, 90, 90]),
        ("합계", [-9, -9, 34, 24]),
        ("소계", [0, 0, 25, 15]),
    ]
    unpack(
        tmp_path / "unzipped/training",
        [
            ("인.허가/가", image, label(words)),
            ("인.허가/나", image, b"{"),
            ("인.허가/다", image[:200], label(words)),
            ("인.허가/라", image, None),
            ("인.허가/마", None, label(words)),
            ("인.허가/바", image, label([], width=999)),
        ],
    )
    status, out, _ = run("--dataset", tmp_path, "--training", "--workers", 1)
    target = tmp_path / SETS / "training/select_data"
    assert status == 0
    assert list(read_rows(target / "labels.csv")) == [("가_0-0-25-15.png", "합계"), ("가_230-170-240-180.png", "끝")]
    assert [(row["page"], row["id"], row["text"], row["reason"]) for row in skipped(target)] == [
        ("인.허가/라", "", "", "page without label file"),
        ("인.허가/마", "", "", "page without image"),
        ("인.허가/가", "2", "", "empty text"),
        ("인.허가/가", "3", "넓이 없음", "box without area"),
        ("인.허가/가", "4", "밖", "box outside the page"),
        ("인.허가/가", "6", "합계", "same box and text twice"),
        ("인.허가/가", "7", "소계", "same box, another text"),
        ("인.허가/나", "", "", "malformed label file"),
        ("인.허가/다", "", "", "unreadable image"),
    ]
    found = statistics(target)
    assert found["pages"] == {
        "with_both_files": 4,
        "drawn": 4,
        "used": 2,
        "skipped": dict.fromkeys(
            ("malformed label file", "page without image", "page without label file", "unreadable image"), 1
        ),
    }
    assert (found["words"]["labelled"], found["words"]["used"]) == (7, 2)
    assert found["warnings"] == {"box cut at the page's edge": 2, "image size differs from the label file's": 1}
    assert "skipped: malformed label file" in out and "same box, another text" in out


def test_pages_of_one_name_do_not_collide_and_texts_are_nfc(tmp_path, run):
    text = unicodedata.normalize("NFD", '줄\n바꿈, 그는 "예"\r라 함')
    for seed, folder in enumerate(("인.허가/1", "일반행정/1")):
        content = label([(text, [3, 4, 50, 20]), ("합계", [3, 34, 50, 20])])
        unpack(tmp_path / "unzipped/training", [(f"{folder}/문서", jpeg(page_image(seed)), content)])
    assert run("--dataset", tmp_path, "--training", "--workers", 1)[0] == 0
    target = tmp_path / SETS / "training/select_data"
    assert list(read_rows(target / "labels.csv"))[::2] == [
        ("인.허가_1_문서_3-4-53-24.png", '줄 바꿈, 그는 "예" 라 함'),
        ("일반행정_1_문서_3-4-53-24.png", '줄 바꿈, 그는 "예" 라 함'),
    ]
    first, second = (path.read_bytes() for path in (target / "images").glob("*_3-4-53-24.png"))
    assert first != second


def test_damaged_archives_end_with_an_error_and_the_rest_is_done(download, run):
    training = download / "Training"
    (training / "[원천]training3.zip").write_bytes(b"PK\3\4 nothing")
    write_zip(training / "[원천]training4.zip", [("../../../적.jpg", b"x"), ("위/인.허가/새.jpg", b"x")])
    name, image, _ = pages(2)[1]
    break_crc(training / "[원천]training2.zip", image)
    status, _, err = run("--dataset", download, *ALL)
    assert status == 1
    assert "[원천]training3.zip: can't be read as a zip archive" in err
    assert "'../../../적.jpg': refused" in err
    assert f"'{IMAGES_TOP}/{name}.jpg': truncated or damaged" in err
    assert not list(download.parent.parent.rglob("적.jpg"))
    target = download / SETS / "training/select_data"
    assert [row["reason"] for row in skipped(target)] == ["page without label file", "page without image"][::-1]
    assert statistics(target)["pages"]["used"] == 4
    with (download / "unzipped/skipped.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.reader(file))) == 3
    (training / "[원천]training3.zip").unlink()
    (training / "[원천]training4.zip").unlink()
    make_download(download)
    status, out, _ = run("--dataset", download, *ALL)
    assert status == 0
    assert "the pages it is drawn from have changed" in out
    assert statistics(target)["pages"]["used"] == 5
    assert not (download / "unzipped/skipped.csv").exists()


def test_an_archive_whose_own_name_is_not_utf8_is_read_and_named(download, run, monkeypatch):
    warned = []
    monkeypatch.setattr(prepare_dataset, "_warn", warned.append)  # pytest's own standard error takes UTF-8 alone
    name = os.fsdecode("가.zip".encode("cp949"))
    write_zip(download / "Training" / name, [("위/../밖.jpg", b"x")])
    assert run("--dataset", download, "--training", "--workers", "1")[0] == 0
    assert any("'위/../밖.jpg': refused" in line for line in warned)
    listed = (download / "archives_training_skipped.csv").read_text(encoding="utf-8")
    assert listed.splitlines()[1:] == [r"\udcb0\udca1.zip,위/../밖.jpg,refused: its path leads upwards (..)"]


def add_unusual_members(download):
    """Add what archives hold beside pages, and pages in every other way of naming and packing them."""
    (name, image, content), (other, *_) = pages(2, first=500)
    decomposed = unicodedata.normalize("NFD", "일반행정/2/분해")
    members = [
        ("../../../적.jpg", b"x"),
        ("위/읽기.txt", b""),
        (f"위/{name}.jpg", image),
        (f"위/{other}.jpg", image),
        (f"{IMAGES_TOP}/{decomposed}.PNG", cv2.imencode(".png", page_image(7))[1].tobytes()),
        (f"{IMAGES_TOP}/인.허가/.숨김.jpg", image),
        (f"{IMAGES_TOP}/{pages(1)[0][0]}.jpeg", image),
    ]
    write_zip(download / "Training/더.zip", members, info=zipfile.ZipInfo, compression=zipfile.ZIP_LZMA)
    labels = [(f"위/{name}.json", content), (f"위/{decomposed}.json", content), ("인.허가/깨짐.json", b"{")]
    write_zip(download / "Training/[라벨]더.zip", labels, info=zipfile.ZipInfo, compression=zipfile.ZIP_BZIP2)


@pytest.mark.parametrize(("form", "workers"), [("png", 2), ("lmdb", 1)])
def test_sets_out_of_the_archives_are_those_out_of_unzipped(download, run, tmp_path, form, workers):
    add_unusual_members(download)
    common = ("--dataset", download, *ALL[1:4], "--format", form, "val_images=3", "eval_images=2", "--output")
    assert run(*common, tmp_path / "풀어서", "--unzip", "--workers", 1)[0] == 0
    status, _, err = run(*common, tmp_path / "바로", "--workers", workers)
    assert status == 0 and "'../../../적.jpg': refused" in err
    assert {path.name for path in (tmp_path / "바로").iterdir()} == {
        *(SETS, "evaluation_set", "archives_training_skipped.csv"),
    }
    for folder in (SETS, "evaluation_set"):
        assert tree(tmp_path / "바로" / folder) == tree(tmp_path / "풀어서" / folder)
    found = statistics(tmp_path / "바로" / SETS / "training/select_data")
    assert found["pages"]["with_both_files"] == 7 and found["pages"]["skipped"] == {
        "page without image": 1,
        "page without label file": 1,
        "second image of a page": 1,
    }
    # What one way has begun the other goes on with: the sets are known by the same manifest.
    out = run(*common, tmp_path / "바로", "--unzip", "--workers", 1)[1]
    assert out.count("nothing to do") == 3


def test_damage_in_an_archive_costs_its_page_and_is_named(download, run):
    name, image, _ = pages(2)[1]
    break_crc(download / "Training/[원천]training2.zip", image)
    (download / "Training/[원천]training3.zip").write_bytes(b"PK\3\4 nothing")
    status, _, err = run("--dataset", download, "--training", "--workers", 1)
    assert status == 1 and "[원천]training3.zip: can't be read as a zip archive" in err
    target = download / SETS / "training/select_data"
    assert [(row["page"], row["reason"], row["detail"]) for row in skipped(target)] == [
        (name, "image or label file damaged in its archive", "truncated or damaged: its CRC-32 is wrong")
    ]
    assert statistics(target)["pages"]["used"] == 4
    (download / "Training/[원천]training3.zip").unlink()
    make_download(download)
    assert run("--dataset", download, "--training", "--workers", 1, "seed=2")[0] == 0
    assert statistics(target)["pages"]["used"] == 5


def test_what_an_interrupted_unzip_left_is_not_taken_for_the_whole(download, run, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("train_easyocr.datasets.stages._report_unzipped", stop)
    monkeypatch.setattr("train_easyocr.documents.archives.write_bytes", stop)
    assert run("--dataset", download, "--unzip", "--workers", 1)[0] == 130
    monkeypatch.undo()
    folder = download / "unzipped/training"
    unpack(folder, pages(2))
    run("--dataset", download, "--training", "--workers", 1)
    assert statistics(download / SETS / "training/select_data")["pages"]["used"] == 5
    assert run("--dataset", download, "--unzip", "--workers", 1)[0] == 0
    assert {path.name for path in (download / "unzipped").iterdir()} == {"training", "validation"}


def test_a_name_that_the_disk_refuses_costs_its_page_only(download, run):
    _, image, content = pages(1)[0]
    long = [f"인.허가/{'가' * 100}{number}" for number in range(2)]
    members = [(f"위/{name}{suffix}", data) for name in long for suffix, data in ((".jpg", image), (".json", content))]
    write_zip(download / "Validation/더.zip", members)
    arguments = ("--evaluation", "--workers", 1, "val_images=1", "eval_images=7")
    assert run("--dataset", download, *arguments)[0] == 0
    rows = skipped(download / "evaluation_set")
    assert rows and {(row["page"] in long, row["reason"]) for row in rows} == {
        (True, "file name that can't be written")
    }
    assert statistics(download / "evaluation_set")["pages"]["used"] == 7 - len(rows)


def test_boxes_that_cover_a_page_again_and_again_cost_the_page(tmp_path, run):
    words = [("합계", [i, 0, 240, 180]) for i in range(6)]
    unpack(tmp_path / "unzipped/training", [("인.허가/가", jpeg(page_image(1)), label(words))])
    status, _, err = run("--dataset", tmp_path, "--training", "--workers", 1)
    assert status == 1
    assert (
        "malformed label file, its boxes cover the page more than 4 times, in 1 of 1; first: page '인.허가/가'" in err
    )
    assert not (tmp_path / SETS / "training/select_data").exists()
    (row,) = skipped(tmp_path / SETS / "training/.select_data.work/set")
    assert row["reason"] == "malformed label file" and "more than 4 times" in row["detail"]
    out = run("--dataset", tmp_path, "--check", "--training", "--workers", 1)[1]
    assert "'인.허가/가': malformed label file: its boxes cover the page more than 4 times" in out


@pytest.mark.parametrize("form", ["png", "lmdb"])
def test_the_number_of_workers_changes_nothing(download, run, tmp_path, form):
    for workers in (1, 3):
        output = tmp_path / str(workers)
        arguments = ("--dataset", download, "--output", output, *ALL[:4], "--format", form, "--workers", workers)
        assert run(*arguments)[0] == 0
    assert tree(tmp_path / "1") == tree(tmp_path / "3")
    assert len(tree(tmp_path / "1")) > 40


def test_a_finished_set_is_left_alone_and_measured_anew_when_only_the_model_changes(download, run):
    run("--dataset", download, *ALL)
    target = download / SETS / "training/select_data"
    before = {path: path.stat().st_mtime_ns for path in download.rglob("*")}
    status, out, _ = run("--dataset", download, *ALL)
    assert status == 0 and out.count("nothing to do") == 3
    assert {path: path.stat().st_mtime_ns for path in download.rglob("*")} == before
    characters = "".join(dict.fromkeys("".join(WORDS) + "·"))
    run("--dataset", download, "--training", "--workers", 1, f"character={characters}")
    assert statistics(target)["characters_outside"]["words"] == 0
    changed = {path for path in before if path.stat().st_mtime_ns != before[path]}
    assert changed == {target / "statistics.json", target}


def test_a_set_whose_signs_were_unified_under_other_rules_is_made_anew(download, run):
    command = ("--dataset", download, "--training", "--workers", 1)
    run(*command)
    target = download / SETS / "training/select_data"
    right = (target / "labels.csv").read_bytes()
    manifest = json.loads((target / "manifest.json").read_bytes())
    manifest["settings"]["unify_variants"] = True  # as it was when step 2 wrote ㆍ
    (target / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (target / "labels.csv").write_bytes(right.replace("·".encode(), "ㆍ".encode()))
    status, out, _ = run(*command)
    assert status == 0 and "is made anew: unify_variants was True, is " in out
    assert (target / "labels.csv").read_bytes() == right and "·".encode() in right


def test_characters_in_a_file_are_measured_against_anew_when_the_file_changes(download, run):
    target, file = download / SETS / "training/select_data", download.parent / "글자.txt"
    file.write_text("".join(dict.fromkeys("".join(WORDS) + "·")), encoding="utf-8")
    run("--dataset", download, *ALL, f"character={file}")
    assert statistics(target)["characters_outside"]["counts"] == {}
    patches = tree(target / "images")
    file.write_text(file.read_text(encoding="utf-8").replace("뷁", ""), encoding="utf-8")
    status, out, _ = run("--dataset", download, *ALL, f"character={file}")
    assert (status, out.count("nothing to do")) == (0, 3)
    assert list(statistics(target)["characters_outside"]["counts"]) == ["뷁"]
    assert tree(target / "images") == patches


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (["seed=2"], "seed was 1111, is 2"),
        (["train_images=3"], "images was 40000, is 3"),
        (["--format", "lmdb"], "format was 'png', is 'lmdb'"),
        (["rgb=True", "input_channel=3"], "rgb was False, is True"),
    ],
)
def test_changed_settings_make_a_set_anew_and_say_why(download, run, tmp_path, settings, why):
    run("--dataset", download, *ALL[:2], "--workers", 1)
    status, out, _ = run("--dataset", download, "--training", "--workers", 1, *settings)
    assert status == 0 and "made anew" in out and why in out
    run("--dataset", download, "--output", tmp_path / "neu", *ALL[:2], "--workers", 1, *settings)
    assert tree(download / SETS) == tree(tmp_path / "neu" / SETS)


def test_a_folder_that_this_program_did_not_make_is_left_alone(download, run):
    foreign = download / SETS / "training/select_data"
    foreign.mkdir(parents=True)
    (foreign / "labels.csv").write_text("filename,words\n", encoding="utf-8")
    before = tree(foreign)
    status, _, err = run("--dataset", download, *ALL[:2], "--workers", 1)
    assert status == 1 and "did not make" in err and "--select_data" in err
    assert tree(foreign) == before


def drawn(folder):
    return set(json.loads((folder / "manifest.json").read_bytes())["pages"])


@pytest.mark.parametrize("order", [("--validation", "--evaluation"), ("--evaluation", "--validation")])
def test_draws_are_disjoint_whichever_runs_first(download, run, order):
    run("--dataset", download, "--unzip", "--workers", 1)
    for action in order:
        status, out, _ = run("--dataset", download, action, "--workers", 1, "val_images=20", "eval_images=10")
        assert status == 0
        assert "in proportion" in out
    validation, evaluation = drawn(download / SETS / "validation/select_data"), drawn(download / "evaluation_set")
    assert (len(validation), len(evaluation), len(validation & evaluation)) == (4, 2, 0)


def test_draws_under_other_settings_that_would_meet_are_refused(download, run):
    run("--dataset", download, "--unzip", "--validation", "--workers", 1, "val_images=4", "eval_images=2")
    before = tree(download)
    status, _, err = run("--dataset", download, "--evaluation", "--workers", 1, "val_images=1", "eval_images=5")
    assert status == 1 and "--validation --evaluation" in err and "seed=1111" in err
    assert tree(download) == before
    both = ("--validation", "--evaluation", "val_images=1", "eval_images=5", "--workers", 1)
    assert run("--dataset", download, *both)[0] == 0
    status, _, err = run("--dataset", download, "--validation", "--workers", 1, "val_images=5", "eval_images=1")
    assert status == 1 and "evaluation_set" in err
    assert len(drawn(download / SETS / "validation/select_data")) == 1


def test_one_validation_page_is_an_error_that_says_so(tmp_path, run):
    download = make_download(tmp_path / "공공행정문서 OCR", 1, 1)
    assert run("--dataset", download, "--unzip", "--training", "--workers", 1)[0] == 0
    for action in ("--validation", "--evaluation"):
        status, _, err = run("--dataset", download, action, "--workers", 1)
        assert status == 1 and "both need one" in err


def test_check_reads_everything_and_writes_nothing(download, run):
    name, image, _ = pages(2)[1]
    break_crc(download / "Training/[원천]training2.zip", image)
    write_zip(
        download / "Validation/[라벨]더.zip",
        [(f"{LABELS_TOP}/인.허가/외톨이.json", b"{"), ("/절대.json", b""), ("위/읽기.txt", b"")],
    )
    before = tree(download)
    status, out, err = run("--dataset", download, "--check", "--workers", 2)
    assert status == 0
    assert tree(download) == before
    assert f"'{IMAGES_TOP}/{name}.jpg': truncated or damaged" in err and "'/절대.json': refused" in err
    assert "'인.허가/외톨이': page without image" in out
    assert "train_images=40000 ask for 40,000 pages, 4 are usable" in out
    (download / "Validation/[원천]빈.zip").touch()
    assert run("--dataset", download, "--check", "--workers", 1)[0] == 1
    assert "빈.zip" not in run("--dataset", download, "--check", "--training", "--workers", 1)[2]


def test_check_reads_what_is_unzipped_when_the_archives_are_gone(download, run):
    run("--dataset", download, "--unzip", "--workers", 1)
    shutil.rmtree(download / "Training")
    shutil.rmtree(download / "Validation")
    label_file = next((download / "unzipped/training/labels").rglob("*.json"))
    label_file.write_bytes(b"[]")
    status, out, _ = run("--dataset", download, "--check", "--workers", 1)
    assert status == 0 and "malformed label file" in out and "words usable" in out
    shutil.rmtree(download / "unzipped/validation")
    status, _, err = run("--dataset", download, "--check", "--workers", 1)
    assert status == 1 and "validation: 0 usable pages" in err


@pytest.mark.parametrize(
    ("status", "arguments", "said"),
    [
        (2, ["--training"], "give --dataset DIR, or set dataset"),
        (1, ["--training", "--dataset", "없음"], "there is no such folder"),
        (1, ["--training", "--dataset", "."], "no .zip files in Training/"),
        (1, ["--unzip", "--dataset", "."], "no .zip files in Training/ or Validation/"),
        (1, ["--check", "--dataset", "."], "holds Training/ and Validation/"),
        (2, ["--training", "--dataset", ".", "--select_data", "../위"], "one folder's name"),
        (2, ["--training", "--dataset", ".", "select_data=A-B", "batch_ratio=0.5-0.5"], "one folder's name"),
        (2, ["--training", "--dataset", ".", "trian_images=3"], "did you mean train_images?"),
        (2, ["--training", "--dataset", ".", "--config", "없음.yaml"], "없음.yaml"),
        (2, ["--training", "--dataset", ".", "character=korean_g9"], "korean_g9"),
    ],
)
def test_mistakes_are_one_clear_message(tmp_path, run, monkeypatch, *, status, arguments, said):
    monkeypatch.chdir(tmp_path)
    found, _, err = run(*arguments)
    assert found == status
    assert said in err and "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [[], ["--training", "--workers", "0"], ["--training", "--workers", "둘"]])
def test_an_unusable_command_line_says_what_is_possible(run, arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        run(*arguments)
    assert "--unzip" in capsys.readouterr().err


def test_too_little_space_is_said_before_anything_is_written(download, run, monkeypatch):
    monkeypatch.setattr("train_easyocr.datasets.stages.free_bytes", lambda _: 1000)
    status, _, err = run("--dataset", download, *ALL)
    assert status == 1 and "GiB are free" in err and "--output" in err
    assert not list((download).rglob("*.jpg"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_can_not_be_written_is_named(download, run):
    download.chmod(stat.S_IRUSR | stat.S_IXUSR)
    status, _, err = run("--dataset", download, *ALL)
    assert status == 1 and "--output" in err


def test_a_full_disk_ends_the_run_with_its_reason(download, run, monkeypatch):
    def full(path, _):
        raise OSError(28, "No space left on device", str(path))

    run("--dataset", download, "--unzip", "--workers", 1)
    monkeypatch.setattr("train_easyocr.datasets.batch_records.write_bytes", full)
    status, _, err = run("--dataset", download, "--training", "--workers", 1)
    assert status == 1 and "No space left on device" in err and "goes on where it stopped" in err
    monkeypatch.undo()
    assert run("--dataset", download, "--training", "--workers", 1)[0] == 0


def test_a_disk_that_is_full_for_the_database_ends_the_run_with_its_reason(download, run, monkeypatch):
    def full(*_):
        raise lmdb.DiskError("No more disk space.")

    arguments = ("--dataset", download, "--training", "--workers", 1, "--format", "lmdb")
    monkeypatch.setattr("train_easyocr.datasets.lmdb_form.PatchDatabase._put", full)
    status, _, err = run(*arguments)
    assert status == 1 and "No more disk space" in err and "goes on where it stopped" in err
    monkeypatch.undo()
    status, out, _ = run(*arguments)
    assert status == 0 and "5 of 5 pages are done already" in out


def test_unfinished_work_from_before_the_machine_was_started_again_is_not_gone_on_with(download, run, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    arguments = ("--dataset", download, "--training", "--workers", 1)
    monkeypatch.setattr("train_easyocr.datasets.prepared_set._Assembly.finish", stop)
    assert run(*arguments)[0] == 130
    monkeypatch.undo()
    monkeypatch.setattr("train_easyocr.datasets.prepared_set._machine_started", lambda: "another")
    status, out, _ = run(*arguments)
    assert status == 0 and "unfinished work is started again" in out and "done already" not in out


def test_a_second_run_on_the_same_folder_is_refused(download, run):
    with prepare_dataset.alone(download):
        status, _, err = run("--dataset", download, *ALL)
    assert status == 1 and "another prepare_dataset.py" in err


def test_the_evaluation_set_is_what_the_evaluation_reads(download, run):
    from train_easyocr.documents.aihub import find_pages, read_labelled_page

    run("--dataset", download, *ALL)
    found, problems = find_pages(download / "evaluation_set")
    assert {page.name for page in found} == drawn(download / "evaluation_set") and not problems
    number = int(found[0].name[-4:])
    x, y, width, height = words_of(number)[0][1]
    assert read_labelled_page(found[0]).words[0].box == Box(x, y, x + width, y + height)


def test_the_script_runs_from_any_folder_and_loads_no_torch_where_all_is_made(download, tmp_path, run):
    run("--dataset", download, *ALL[:2], "--workers", 1)
    code = (
        "import runpy, sys; sys.argv = sys.argv[1:]\n"
        "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "finally: assert 'torch' not in sys.modules and 'easyocr' not in sys.modules"
    )
    arguments = [str(ROOT / "prepare_dataset.py"), "--dataset", str(download), *ALL[:2], "--workers", "1"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, *arguments]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert (download / SETS / "training/select_data/labels.csv").is_file()

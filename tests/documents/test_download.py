"""Where a download is, what lies in it, and what of it is not read."""

import json
import os
import subprocess
import tarfile
import unicodedata
import zipfile

import pytest

from tests.documents.samples import IMAGES_TOP, LABELS_TOP, make_download, pages, write_zip
from train_easyocr.documents.aihub import PARTLY_LIST, Problem, read_label_file
from train_easyocr.documents.archives import CATEGORIES, extract_members, in_chunks, restored_name
from train_easyocr.documents.download import (
    downloads_below,
    find_download,
    find_listed_pages,
    find_unzipped_pages,
    group_files,
    holds_pages,
    list_download,
)

DATA_SET = "공공행정문서 OCR"


def unpack_by_hand(download, keep=False, into="{stem}", name=str):
    """Unpack each archive beside itself, as people do; `name` is what becomes of the members' names."""
    for path in sorted(download.rglob("*.zip")):
        with zipfile.ZipFile(path, metadata_encoding="cp949") as archive:
            for info in archive.infolist():
                target = path.parent / into.format(stem=path.stem) / name(info.filename)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(info))
        if not keep:
            path.unlink()
    return download


def found(download, split="training"):
    """Name, image and label of each page, and what others lack."""
    listing = list_download(download, (split,))
    assert not listing.problems and not listing.unreadable
    listed, problems = find_listed_pages(listing, split)
    assert not problems
    return [(page.name, page.image.read(2**20), page.label.read(2**20)) for page in listed]


def as_cp437(name):
    return name.encode("cp949").decode("cp437")


def as_cp850(name):
    return name.encode("cp949").decode("cp850")


def as_latin(name):
    return name.encode("cp949").decode("latin-1")


def as_raw_bytes(name):
    return os.fsdecode(name.encode("cp949"))


def decomposed(name):
    return unicodedata.normalize("NFD", name)


@pytest.mark.parametrize("name", [str, as_cp437, as_cp850, as_latin, as_raw_bytes, decomposed])
@pytest.mark.parametrize("into", ["{stem}", "."])
def test_what_was_unpacked_by_hand_is_what_was_in_the_archives(tmp_path, into, name):
    download = make_download(tmp_path / DATA_SET, 3, 2)
    packed = [found(download, split) for split in ("training", "validation")]
    unpack_by_hand(download, into=into, name=name)
    assert holds_pages(str(tmp_path))
    assert [found(download, split) for split in ("training", "validation")] == packed
    assert packed[0] == sorted(pages(3))


@pytest.mark.parametrize("name", ["Größe", "Café", "인.허가", "□", "Φ12", "日本", "[원천]train1"])
def test_names_that_were_understood_stay(name):
    assert restored_name(decomposed(name)) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize("name", [as_cp437, as_cp850, as_latin, as_raw_bytes])
def test_names_that_were_misunderstood_are_restored(name):
    for text in ("01.원천데이터(Jpg)", "02.라벨링데이터(Json)", "[라벨]train_partly_labling", *CATEGORIES):
        assert restored_name(name(text)) == text


def test_a_download_partly_unpacked_is_whole_and_what_is_there_twice_counts_once(tmp_path):
    download = make_download(tmp_path / DATA_SET, 4, 2)
    packed = found(download)
    unpack_by_hand(download, keep=True)
    (download / "Training/[원천]training2.zip").unlink()  # its images are there loose alone
    listing = list_download(download)
    assert (listing.repeated, listing.problems) == (2 * (4 + 2) - 2, [])
    assert found(download) == packed


def test_a_loose_file_that_differs_from_the_archived_one_is_named(tmp_path):
    download = unpack_by_hand(make_download(tmp_path / DATA_SET, 2, 2), keep=True)
    label = next((download / "Training").rglob("*0001.json"))
    image = next((download / "Training").rglob("*0000.jpg"))
    label.write_bytes(label.read_bytes().replace(b"rectangle", b"RECTANGLE"))  # of the same size
    image.write_bytes(image.read_bytes() + b"\0")
    problems = list_download(download, ("training",)).problems
    assert sorted(problem.member.rpartition("/")[2] for problem in problems) == [image.name, label.name]
    assert all("has the same place and other content" in problem.reason for problem in problems)


@pytest.mark.parametrize(
    ("training", "validation"),
    [
        ("Training", "Validation"),
        ("training", "validation"),
        ("1.Training", "2.Validation"),
        ("01.Training", "02.Valid"),
        ("01_train", "02_val"),
        ("TRAIN", "VAL"),
        ("1. Training", "2. Validation"),
    ],
)
def test_the_two_folders_may_be_called_otherwise(tmp_path, training, validation):
    download = make_download(tmp_path / DATA_SET, 2, 2)
    (download / "Training").rename(download / training)
    (download / "Validation").rename(download / validation)
    assert find_download(tmp_path) == download
    assert [len(found(download, split)) for split in ("training", "validation")] == [2, 2]


@pytest.mark.parametrize("loose", [False, True])
@pytest.mark.parametrize("above", ["", "문서", "자료/문서"])
def test_a_download_is_found_two_levels_up_and_down(tmp_path, above, loose):
    download = make_download(tmp_path / above, 2, 2)
    (tmp_path / "다른 것/imagenet/train").mkdir(parents=True)
    (tmp_path / "다른 것/imagenet/train/n01.jpg").write_bytes(b"x")  # images alone are no data set of this kind
    if loose:
        unpack_by_hand(download)
    assert find_download(tmp_path) == download
    assert find_download(download) == download
    assert find_download(download / "Training") == download
    if loose:
        assert find_download(next(path for path in (download / "Validation").iterdir())) == download


def test_a_download_is_found_from_inside_of_it(tmp_path, monkeypatch):
    download = make_download(tmp_path / DATA_SET, 2, 2)
    monkeypatch.chdir(download / "Training")
    assert find_download(type(download)(".")) == download


def test_several_downloads_are_not_told_apart_by_guessing(tmp_path):
    both = [make_download(tmp_path / name, 2, 2) for name in ("가", "나")]
    assert (find_download(tmp_path), downloads_below(tmp_path)) == (tmp_path, both)
    (tmp_path / "나").rename(tmp_path / DATA_SET)
    assert find_download(tmp_path) == tmp_path / DATA_SET


def test_what_step_2_made_is_no_download(tmp_path):
    for split in ("training", "validation"):
        made = tmp_path / "training_and_validation_set" / split / "select_data"
        (made / "images").mkdir(parents=True)
        (made / "images/가_1-2-3-4.png").touch()
        (made / "manifest.json").touch()
        (made / "statistics.json").touch()
    make_download(tmp_path / "unzipped", 2, 2)
    assert find_download(tmp_path) == tmp_path
    assert not holds_pages(str(tmp_path / "training_and_validation_set"))


def test_a_download_whose_archives_are_gone_stays_where_its_sets_are(tmp_path):
    download = make_download(tmp_path / "자료/문서", 2, 2)
    for path in download.rglob("*.zip"):
        path.unlink()
    assert find_download(tmp_path) == download


def test_folders_may_be_links_even_in_a_circle(tmp_path):
    download = unpack_by_hand(make_download(tmp_path / DATA_SET, 2, 2))
    packed = found(download)
    folder = download / "Training/[원천]training1"
    folder.rename(tmp_path / "다른 디스크")
    folder.symlink_to(tmp_path / "다른 디스크")
    (folder / "위").symlink_to(download / "Training")
    assert found(download) == packed
    assert list_download(download).repeated == 0


def test_a_tree_like_unzipped_is_read(tmp_path):
    expected = sorted(pages(2))
    for name, image, label in expected:
        for kind, suffix, content in (("images", "jpg", image), ("labels", "json", label)):
            path = tmp_path / "unzipped/training" / kind / f"{name}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    assert found(tmp_path / "unzipped") == expected


def test_label_files_with_both_suffixes_are_read_where_they_can_only_be_the_images(tmp_path):
    (name, image, label), (other, _, _), (third, _, _) = pages(3)
    folder = tmp_path / "Training"
    images = [f"{name}.jpg", f"{other}.jpg", f"{other}.png", f"{third}.JPG"]
    labels = [f"{name}.jpg.json", f"{other}.jpg.json", f"{third}.jpg.json", f"{third}.json"]
    write_zip(folder / "[원천]train1.zip", [(f"{IMAGES_TOP}/{path}", image) for path in images])
    write_zip(folder / "[라벨]train.zip", [(f"{LABELS_TOP}/{path}", label) for path in labels])
    listed, problems = find_listed_pages(list_download(tmp_path, ("training",)), "training")
    assert [(page.name, page.label.name) for page in listed] == [
        (name, f"{LABELS_TOP}/{name}.jpg.json"),
        (third, f"{LABELS_TOP}/{third}.json"),
    ]
    assert set(problems) == {
        Problem(other, "page without label file"),
        Problem(other, "second image of a page"),
        Problem(f"{other}.jpg", "page without image"),
        Problem(f"{third}.jpg", "page without image"),
    }


def command_in(line):
    return line.rpartition("again: ")[2]


@pytest.mark.parametrize(("suffix", "mode"), [(".tar", "w"), (".tar.gz", "w:gz"), (".tgz", "w:gz")])
def test_a_tar_is_named_with_the_command_that_unpacks_it(tmp_path, suffix, mode):
    download = unpack_by_hand(make_download(tmp_path / "내 자료" / DATA_SET, 2, 2))
    packed, training = found(download), download / "Training"
    with tarfile.open(training / f"[원천]train{suffix}", mode) as tar:
        tar.add(training / "[원천]training1", "[원천]training1")
    subprocess.run(["rm", "-r", training / "[원천]training1"], check=True)
    (line,) = list_download(download, ("training",)).unreadable
    assert line.startswith(f"{training}/[원천]train{suffix}: not read")
    subprocess.run(["bash", "-c", command_in(line)], check=True)
    (training / f"[원천]train{suffix}").unlink()
    assert found(download) == packed


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("가.7z", "7z x '가.7z'"),
        ("가.rar", "7z x '가.rar'"),
        ("가.egg", "unalz '가.egg'"),
        ("가.alz", "unalz '가.alz'"),
        ("가.tar.xz", "tar xf '가.tar.xz'"),
        ("가.z01", "zip -s 0 '가.zip' --out '가.whole.zip'"),
    ],
)
def test_archives_of_other_kinds_are_named(tmp_path, name, command):
    download = make_download(tmp_path, 1, 1)
    (download / "Training" / name).write_bytes(b"x")
    (line,) = list_download(download, ("training",)).unreadable
    assert command_in(line) == f"(cd {download}/Training && {command})"


def test_volumes_by_number_are_named_once_with_the_command_that_joins_them(tmp_path):
    download = make_download(tmp_path / DATA_SET, 2, 2)
    packed, whole = found(download), download / "Training" / "[원천]training1.zip"
    content = whole.read_bytes()
    whole.unlink()
    for number in range(3):
        part = content[number * len(content) // 3 : (number + 1) * len(content) // 3]
        whole.with_name(f"{whole.name}.{number + 1:03d}").write_bytes(part)
    (line,) = list_download(download, ("training",)).unreadable
    assert line.startswith(f"{whole}.001: a part")
    subprocess.run(["bash", "-c", command_in(line)], check=True)
    assert found(download) == packed


@pytest.mark.parametrize("info", [zipfile.ZipInfo, None])
def test_archives_in_an_archive_are_named_with_the_command_that_unpacks_it(tmp_path, info):
    download = make_download(tmp_path / "내 자료" / DATA_SET, 2, 2)
    packed, training = found(download), download / "Training"
    inner = [(path.name, path.read_bytes()) for path in sorted(training.iterdir())]
    write_zip(training / "받은 것.zip", inner, **({"info": info} if info else {}))
    assert found(download) == packed  # they are there unpacked, too
    for name, _ in inner:
        (training / name).unlink()
    (line,) = list_download(download, ("training",)).unreadable
    assert line.startswith(f"{training}/받은 것.zip: holds 3 archives ([라벨]training.zip)")
    subprocess.run(["bash", "-c", command_in(line)], check=True)
    assert found(download) == packed


def test_an_archive_of_the_whole_download_is_named_where_its_folders_are_not_there(tmp_path):
    download = make_download(tmp_path / "자료" / DATA_SET, 2, 2)
    with tarfile.open(tmp_path / "자료/download.tar", "w") as tar:
        tar.add(download, DATA_SET)
    assert list_download(download).unreadable == []
    subprocess.run(["rm", "-r", download], check=True)
    (line,) = list_download(find_download(tmp_path / "자료")).unreadable
    subprocess.run(["bash", "-c", command_in(line)], check=True)
    assert len(found(find_download(tmp_path / "자료"))) == 2


def test_what_is_not_read_is_counted_by_kind_with_an_example(tmp_path):
    download = unpack_by_hand(make_download(tmp_path / DATA_SET, 2, 2))
    training = download / "Training"
    for name in ("가.xml", "나.xml", "설명서.PDF", "읽기", ".DS_Store", "._가.jpg"):
        (training / name).write_bytes(b"x")
    write_zip(training / "더.zip", [("위/다.xml", b"x"), ("위/가.csv", b"x"), ("__MACOSX/._가.jpg", b"x")])
    write_zip(download / "[라벨]어디.zip", [])
    rows = list_download(download, ("training",)).others.rows()
    assert rows[0] == (".xml", "3", "더.zip: 위/다.xml") and set(rows) == {
        (".xml", "3", "더.zip: 위/다.xml"),
        ("hidden", "3", "더.zip: __MACOSX/._가.jpg"),
        (".csv", "1", "더.zip: 위/가.csv"),
        (".pdf", "1", "Training/설명서.PDF"),
        ("without suffix", "1", "Training/읽기"),
        (".zip", "1", "[라벨]어디.zip, in neither split's folder"),
    }


def test_a_loose_file_that_is_none_is_a_problem(tmp_path):
    download = make_download(tmp_path, 1, 1)
    os.mkfifo(download / "Training/관.jpg")  # reading it would wait for ever
    (download / "Training/끊김.json").symlink_to("없음")
    problems = {(problem.member, problem.reason) for problem in list_download(download).problems}
    assert problems == {
        ("관.jpg", "refused: not a plain file"),
        ("끊김.json", "can't be read: No such file or directory"),
    }


@pytest.mark.parametrize("loose", [None, str, as_cp437])
def test_partly_labelled_pages_are_told_by_the_names_of_their_archives(tmp_path, loose):
    download = make_download(tmp_path / DATA_SET, 2, 2)
    add_partly(download, pages(3, first=500))
    if loose:
        unpack_by_hand(download, name=loose)
        for path in (download / "Training").iterdir():
            path.rename(path.with_name(loose(path.name)))
    listed, problems = find_listed_pages(list_download(download), "training")
    assert [(page.name[-4:], page.partly) for page in listed] == [
        ("0000", False),
        ("0001", False),
        *((f"050{number}", True) for number in range(3)),
    ]
    assert not problems


def test_a_page_that_is_labelled_whole_elsewhere_is_no_partly_labelled_one(tmp_path):
    download = make_download(tmp_path / DATA_SET, 2, 2)
    add_partly(download, pages(2))
    listed, _ = find_listed_pages(list_download(download), "training")
    assert [page.partly for page in listed] == [False, False]


def test_a_list_tells_partly_labelled_pages(tmp_path):
    download = make_download(tmp_path / DATA_SET, 3, 2)
    name = pages(3)[1][0]
    (download / "Training" / PARTLY_LIST).write_text(f"{decomposed(name)}\r\n\n없음\n", encoding="utf-8-sig")
    listing = list_download(download)
    assert [page.name for page in find_listed_pages(listing, "training")[0] if page.partly] == [name]
    assert not listing.others.counts


def add_partly(download, found):
    """Add AI-Hub's archives of partly labelled pages, under their names."""
    training = download / "Training"
    for number, part in enumerate((found[::2], found[1::2]), 1):
        members = [(f"{IMAGES_TOP}/{name}.jpg", image) for name, image, _ in part]
        write_zip(training / f"[원천]train_partly_labeling_{number:02d}.zip", members)
    members = [(f"{LABELS_TOP}/{name}.json", content) for name, _, content in found]
    write_zip(training / "[라벨]train_partly_labling.zip", members)


def coco_of(found, name="{path}.jpg"):
    """One COCO file of some pages; `name` is how it calls their images."""
    images, annotations = [], []
    for number, (path, _, content) in enumerate(found):
        images.append({"id": number, "file_name": name.format(path=path, file=path.rpartition("/")[2])})
        annotations += [
            {"image_id": number, "bbox": word["annotation.bbox"], "text": word["annotation.text"]}
            for word in json.loads(content)["annotations"]
        ]
    return json.dumps({"images": images, "annotations": annotations}, ensure_ascii=False)


def words_in(content):
    return [(word.text, word.box) for word in read_label_file(content).annotations]


@pytest.mark.parametrize("name", ["{path}.jpg", "{file}.jpg", "D:\\받은 것\\{file}.jpg"])
@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
@pytest.mark.parametrize("where", ["archive", "loose", "unzipped"])
def test_one_coco_file_of_all_pages_is_read_in_an_archive_and_beside(tmp_path, where, encoding, name):
    folder, expected = tmp_path / DATA_SET / "Training", pages(3)
    content = coco_of(pages(3), name).replace("뷁", "국").encode(encoding)
    write_zip(folder / "[원천]train1.zip", [(f"{IMAGES_TOP}/{path}.jpg", image) for path, image, _ in expected])
    if where == "loose":
        (folder / "annotations.json").write_bytes(content)
    else:
        write_zip(folder / "[라벨]train.zip", [(f"{LABELS_TOP}/주석/전체.json", content)])
    listing = list_download(tmp_path / DATA_SET, ("training",))
    listed, problems = find_listed_pages(listing, "training")
    if where == "unzipped":
        for chunk in in_chunks(listing.members, tmp_path / "unzipped"):
            extract_members(chunk)
        listed, problems = find_unzipped_pages(tmp_path / "unzipped" / "training")
    assert not problems and not listing.problems
    assert [(page.name, page.image.read(2**20)) for page in listed] == [(path, image) for path, image, _ in expected]
    for page, (_, _, own) in zip(listed, expected, strict=True):
        assert words_in(page.label.read(2**20)) == words_in(own.decode().replace("뷁", "국").encode())


def test_what_a_coco_file_says_of_other_images_is_named(tmp_path):
    download = make_download(tmp_path / DATA_SET, 3, 2)
    more = pages(3, first=500)
    coco = coco_of([*more, *pages(1)])
    training = download / "Training"
    write_zip(training / "[원천]train4.zip", [(f"{IMAGES_TOP}/{path}.jpg", image) for path, image, _ in more[:2]])
    write_zip(training / "[라벨]train_partly_labling.zip", [(f"{LABELS_TOP}/모두.json", coco.encode())])
    listing = list_download(download, ("training",))
    listed, problems = find_listed_pages(listing, "training")
    assert [(page.name[-4:], page.partly) for page in listed] == [
        *((f"000{number}", False) for number in range(3)),
        ("0500", True),
        ("0501", True),
    ]
    assert problems == [
        Problem("모두.json", "page without image", f"{more[2][0]}.jpg"),
        Problem(pages(1)[0][0], "second label file of a page"),
    ]
    assert group_files(listing, "training")[2] == problems


def test_a_label_file_without_an_image_that_is_no_coco_file_stays_one(tmp_path):
    download = make_download(tmp_path / DATA_SET, 3, 2)
    next((download / "Training").glob("*원천*2.zip")).unlink()
    (path, image, _) = pages(1, first=700)[0]
    write_zip(download / "Training" / "[원천]train3.zip", [(f"{IMAGES_TOP}/{path}.jpg", image)])
    _, problems = find_listed_pages(list_download(download, ("training",)), "training")
    assert sorted((problem.name[-4:], problem.reason) for problem in problems) == [
        ("0001", "page without image"),
        ("0700", "page without label file"),
    ]

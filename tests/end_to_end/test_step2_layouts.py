"""Step 2 on a download as people have it: unpacked by hand, in other folders, partly labelled, partly unreadable."""

import json
import shutil

import pytest

from tests.documents.own_folders import own_folder
from tests.documents.samples import LABELS_TOP, make_download, pages, tree, write_zip
from tests.documents.test_download import add_partly, as_cp437, unpack_by_hand
from train_easyocr.common.errors import UserError
from train_easyocr.datasets.coverage import Coverage, warnings_of
from train_easyocr.detection.config import DetectionConfig
from train_easyocr.detection.pages import open_pages
from train_easyocr.documents.aihub import find_pages
from train_easyocr.synthesis.__main__ import main as render

pytestmark = pytest.mark.slow

SETS = "training_and_validation_set"
ALL = ("--training", "--validation", "--evaluation", "--workers", "1", "val_images=2", "eval_images=2")
DATA_SET = "공공행정문서 OCR"


@pytest.fixture
def download(tmp_path):
    return make_download(tmp_path / "내 자료" / DATA_SET, 5, 4)


def made(run, dataset, output, *arguments):
    """Run step 2; return all that it has made."""
    status, _, err = run("--dataset", dataset, "--output", output, *ALL, *arguments)
    assert status == 0 and "error" not in err and "refused" not in err
    return {path: digest for path, digest in tree(output).items() if path.startswith((SETS, "evaluation_set"))}


@pytest.mark.parametrize("form", ["png", "lmdb"])
def test_sets_out_of_a_download_unpacked_by_hand_are_those_out_of_its_archives(download, run, tmp_path, form):
    packed = made(run, download, tmp_path / "묶음", "--format", form)
    unpack_by_hand(download, keep=True)
    assert made(run, download, tmp_path / "둘 다", "--format", form) == packed
    for path in download.rglob("*.zip"):
        path.unlink()
    assert made(run, download.parent, tmp_path / "풀림", "--format", form) == packed
    (download / "Training").rename(download / "1.training")
    assert made(run, download / "1.training", tmp_path / "다른 이름", "--format", form) == packed
    assert made(run, download, tmp_path / "다시 풀림", "--format", form, "--unzip") == packed


def test_sets_out_of_a_tree_like_unzipped_are_those_out_of_its_archives(download, run, tmp_path):
    packed = made(run, download, tmp_path / "묶음")
    assert run("--dataset", download, "--unzip", "--workers", "1")[0] == 0
    for folder in ("Training", "Validation"):
        shutil.rmtree(download / folder)
    (download / "unzipped").rename(download / "풀린 것")
    assert made(run, download / "풀린 것", tmp_path / "풀림") == packed


def test_names_that_unpacking_spoilt_are_those_of_the_archives(download, run, tmp_path):
    packed = made(run, download, tmp_path / "묶음")
    unpack_by_hand(download, name=as_cp437)
    assert made(run, download, tmp_path / "풀림") == packed


def test_check_reads_what_was_unpacked_by_hand(download, run):
    before = tree(unpack_by_hand(download))
    status, out, _ = run("--dataset", download, "--check", "--workers", "1")
    assert (status, tree(download)) == (0, before)
    assert "training: train_images=40000 ask for 40,000 pages, 5 are usable" in out
    assert "Training/[라벨]training" in out and "without a label" in out


def test_the_detector_finds_the_pages_where_step_2_does(download):
    packed = [found.digest for found in open_pages(DetectionConfig(dataset=str(download), val_images=2, eval_images=2))]
    unpack_by_hand(download)
    (download / "Training").rename(download / "01_train")
    config = DetectionConfig(dataset=str(download.parent), val_images=2, eval_images=2)
    assert [found.digest for found in open_pages(config)] == packed


@pytest.mark.parametrize("action", ["--training", "--unzip", "--check"])
def test_what_was_not_used_is_said_at_the_end(download, run, action):
    training = download / "Training"
    broken = training / "[원천]training2.zip"
    broken.write_bytes(broken.read_bytes()[:-50])
    (training / "[원천]training3.7z").write_bytes(b"7z")
    (training / "읽기.hwp").write_bytes(b"x")
    status, out, err = run("--dataset", download, action, "--workers", "1")
    assert status == 1
    assert ".hwp" in out and "Training/읽기.hwp" in out
    *_, head, first, second = err.splitlines()
    assert head == "2 archives were not used, what is said above is without them; exit status 1:"
    assert f"{broken}: can't be read as a zip archive" in first
    assert f"{training}/[원천]training3.7z: not read" in second and "7z x" in second
    if action == "--training":  # and the others were
        statistics = json.loads((download / SETS / "training/select_data/statistics.json").read_bytes())
        assert statistics["pages"]["used"] == 3 and statistics["pages"]["skipped"] == {"page without image": 2}


def test_where_nothing_can_be_read_it_is_said_what_is_there_and_what_to_do(tmp_path, run):
    download = tmp_path / DATA_SET
    write_zip(download / "Training/받은 것.zip", [("[라벨]train.zip", b"x"), ("[원천]train1.zip", b"y")])
    status, _, err = run("--dataset", download, "--training")
    assert status == 1 and "holds 2 archives ([라벨]train.zip)" in err and "python3 -m zipfile" in err
    (download / "Training/받은 것.zip").rename(download / "Training/받은 것.egg")
    status, _, err = run("--dataset", download, "--check")
    assert status == 1 and "받은 것.egg: not read" in err and "unalz" in err
    shutil.rmtree(download)
    for name in ("가", "나"):
        make_download(tmp_path / name, 1, 1)
    status, _, err = run("--dataset", tmp_path, "--training")
    assert status == 1 and f"{tmp_path}/가, {tmp_path}/나" in err


def test_what_is_not_read_of_a_folder_of_ones_own_is_named_even_if_nothing_is(tmp_path, run):
    own_folder(tmp_path / "쪽", "ppocrlabel")
    for name in ("가.xml", "나.xml", "받은 것.zip", "Cache.cach"):
        (tmp_path / "쪽" / name).write_bytes(b"x")
    arguments = ("--output", tmp_path / "결과", "--training", "--workers", "1")
    status, out, _ = run("--from", tmp_path / "쪽", *arguments)
    assert status == 0
    rows = [[cell.strip() for cell in line.split("|")] for line in out.splitlines()]
    expected = [[".xml", "2", "가.xml"], [".cach", "1", "Cache.cach"], [".zip", "1", "받은 것.zip"]]
    assert [row for row in rows if row[0].startswith(".")] == expected
    for path in (tmp_path / "쪽").rglob("*"):
        if path.suffix in (".jpg", ".png", ".txt"):
            path.unlink()
    status, out, err = run("--from", tmp_path / "쪽", *arguments)
    assert status == 1 and "받은 것.zip" in out and "holds no labels" in err


@pytest.mark.parametrize("form", ["aihub", "icdar2015"])
@pytest.mark.parametrize("beside", [False, True])
def test_labels_with_both_suffixes_are_read_in_a_folder_of_ones_own(tmp_path, run, form, beside):
    folder = own_folder(tmp_path / "쪽", form)
    arguments = ("--training", "--workers", "1")
    assert run("--from", folder, "--output", tmp_path / "가", *arguments)[0] == 0
    for path in (folder / "labels").rglob("*.*"):
        if path.is_file():
            place = folder / "images" / path.parent.relative_to(folder / "labels") if beside else path.parent
            path.rename(place / f"{path.stem.removeprefix('gt_')}.jpg{path.suffix}")
    assert run("--from", folder, "--output", tmp_path / "나", *arguments)[0] == 0
    kept = [path for path in tree(tmp_path / "가") if path.endswith((".png", "labels.csv"))]
    assert len(kept) > 20 and all(tree(tmp_path / "가")[path] == tree(tmp_path / "나").get(path) for path in kept)


@pytest.fixture
def full_download(download):
    add_partly(download, pages(6, first=500))
    return download


def names_of(folder, split="training"):
    return json.loads((folder / SETS / split / "select_data/manifest.json").read_bytes())["pages"]


def test_partly_labelled_pages_come_after_all_others_and_for_training_alone(full_download, run, tmp_path):
    common = ("--dataset", full_download, "--output", tmp_path / "가", *ALL)
    status, out, err = run(*common, "train_images=7")
    assert status == 0 and "error" not in err and "refused" not in err
    drawn = names_of(tmp_path / "가")
    partly = [name for name in drawn if name[-4:-1] == "050"]
    assert len(drawn) == 7 and len(partly) == 2
    statistics = json.loads((tmp_path / "가" / SETS / "training/select_data/statistics.json").read_bytes())
    assert statistics["pages"] == {
        "with_both_files": 11,
        "with_both_files_on_partly_labelled_pages": 6,
        "drawn": 7,
        "drawn_on_partly_labelled_pages": 2,
        "used": 7,
        "used_on_partly_labelled_pages": 2,
        "skipped": {},
    }
    assert (statistics["words"]["used"], statistics["words"]["used_on_partly_labelled_pages"]) == (7 * 8, 2 * 8)
    assert "training: 6 pages are only partly labelled" in out and "2 of them are drawn" in out
    assert out.count("of these on partly labelled pages") == 4
    listed = (tmp_path / "가/partly_labelled_pages/select_data.txt").read_text(encoding="utf-8")
    assert listed.splitlines() == [name for name, _, _ in pages(6, first=500)]
    assert names_of(tmp_path / "가", "validation") and "050" not in str(names_of(tmp_path / "가", "validation"))
    assert all("-050" not in page.name for page in find_pages(tmp_path / "가/evaluation_set")[0])


def test_where_fully_labelled_pages_are_enough_no_other_is_drawn(full_download, run, tmp_path):
    with_them = made(run, full_download, tmp_path / "가", "train_images=3")
    for path in full_download.rglob("*partly*"):
        path.unlink()
    without = made(run, full_download, tmp_path / "나", "train_images=3")
    changed = {path.rpartition("/")[2] for path in with_them if with_them[path] != without[path]}
    assert changed == {"manifest.json", "statistics.json"}  # which say how many there were to choose from
    assert not list(tmp_path.glob("나/partly*/*"))


def test_partly_labelled_pages_stay_so_when_they_are_unpacked(full_download, run, tmp_path):
    packed = made(run, full_download, tmp_path / "가", "train_images=7")
    assert made(run, full_download, tmp_path / "나", "train_images=7", "--unzip") == packed
    for folder in ("Training", "Validation"):
        shutil.rmtree(full_download / folder)
    assert made(run, tmp_path / "나/unzipped", tmp_path / "다", "train_images=7") == packed
    listed = [(tmp_path / name / "partly_labelled_pages/select_data.txt").read_bytes() for name in ("가", "나", "다")]
    assert listed[0] == listed[1] == listed[2]


def test_partly_labelled_pages_in_validation_measure_nothing(download, run, tmp_path):
    add_partly(download, pages(4, first=500))
    for path in (download / "Training").glob("*partly*"):
        path.rename(download / "Validation" / path.name)
    status, out, _ = run("--dataset", download, "--output", tmp_path / "가", *ALL)
    assert status == 0 and "validation: 4 pages are only partly labelled" in out
    names = names_of(tmp_path / "가", "validation")
    names += [page.name for page in find_pages(tmp_path / "가/evaluation_set")[0]]
    assert sorted(name[-4:] for name in names) == ["1000", "1001", "1002", "1003"]
    for path in (download / "Validation").glob("*validation*"):
        path.unlink()
    status, _, err = run("--dataset", download, "--output", tmp_path / "나", "--validation", "--workers", "1")
    assert status == 1 and "0 pages that is fully labelled" not in err and "fully labelled" in err


def test_a_detector_never_sees_partly_labelled_pages(full_download):
    config = DetectionConfig(dataset=str(full_download), train_images=9, val_images=2, eval_images=2)
    training, _ = open_pages(config)
    assert [page.name[-4:] for page in training.pages] == ["0000", "0001", "0002", "0003", "0004"]
    assert "left out: page that is only partly labelled" in training.describe()
    named = full_download / "이름.txt"
    named.write_text(f"{pages(1)[0][0]}\n{pages(1, first=500)[0][0]}\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"1 of its pages are only partly labelled, '.*0500'"):
        open_pages(config.model_copy(update={"train_list": str(named)}))
    for path in (full_download / "Training").glob("*training*"):
        path.unlink()
    with pytest.raises(UserError, match="all 6 pages are only partly labelled"):
        open_pages(config)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("쪽")
    arguments = ["--pages", "4", "--seed", "5", "--page_width", "1200", "--workers", "1"]
    assert render(["--output", str(folder), *arguments]) == 0
    return folder / DATA_SET


def with_every(step, content):
    """A label file with every `step`-th of its words."""
    value = json.loads(content)
    value["annotations"] = value["annotations"][::step]
    return json.dumps(value, ensure_ascii=False).encode()


def test_check_tells_labels_that_miss_many_words_whatever_their_archive_is_called(rendered, run, tmp_path):
    download = shutil.copytree(rendered, tmp_path / DATA_SET)
    assert run("--dataset", download, "--unzip", "--workers", "1")[0] == 0
    label = next((download / "unzipped/training/labels").rglob("*.json"))
    image = next((download / "unzipped/training/images").rglob(f"{label.stem}.*"))
    content = with_every(4, label.read_bytes())
    write_zip(download / "Training/더.zip", [(f"위/새/{i}{image.suffix}", image.read_bytes()) for i in range(2)])
    write_zip(download / "Training/[라벨]더.zip", [(f"{LABELS_TOP}/새/{i}.json", content) for i in range(2)])
    shutil.rmtree(download / "unzipped")

    status, out, err = run("--dataset", download, "--check", "--training", "--workers", "1")
    assert status == 0
    shares = {line.split(" ")[0]: float(line.rpartition("(")[2][:-2]) for line in out.splitlines() if "%)" in line}
    assert shares["[라벨]train.zip"] < 5 and 60 < shares["[라벨]더.zip"] < 90
    (warning,) = [line for line in err.splitlines() if line.startswith("warning")]
    assert warning.startswith("warning: [라벨]더.zip: no label covers") and "_partly_labeling" in warning

    (download / "Training/[라벨]더.zip").rename(download / "Training/[라벨]train_partly_labling.zip")
    status, out, err = run("--dataset", download, "--check", "--training", "--workers", "1")
    assert (status, "warning" in err) == (0, False)
    assert "[라벨]train_partly_labling.zip (partly labelled)" in out and "of these on partly labelled pages" in out


def test_what_is_to_be_done_about_labels_that_miss_words_depends_on_whose_they_are():
    missing = Coverage("", False, pages=6, found=100, bare=40, worst=(20, "쪽"))
    (own,), (other,) = warnings_of([missing], own=True), warnings_of([missing], own=False)
    assert "40% of the words found on 6 pages" in own and "detection=" in own
    assert "partly_labelled_pages.txt" in other
    (named,) = warnings_of([Coverage("[라벨]train_partly_labling.zip", True, 6, 100, 2)], own=False)
    assert "give it another" in named
    assert not warnings_of(
        [Coverage("", False, 6, 100, 14), Coverage("", True, 6, 100, 40), Coverage("", False)], own=False
    )

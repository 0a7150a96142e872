"""Step 2 from a folder of one's own: images with labels by PPOCRLabel, in ICDAR's text files, or in AI-Hub's JSON."""

import csv
import json
import shutil

import numpy as np
import pytest
from easyocr.utils import four_point_transform
from PIL import Image

import prepare_dataset
from tests.documents.own_folders import PAGES, own_folder, write
from tests.documents.samples import tree
from train_easyocr.datasets.labels_csv import read_rows
from train_easyocr.detection.pages import find_split
from train_easyocr.documents.aihub import (
    IGNORED,
    MALFORMED_ANNOTATION,
    NO_IMAGE,
    PARTLY,
    PARTLY_LIST,
    find_pages,
    read_labelled_page,
)
from train_easyocr.documents.images import decode_image
from train_easyocr.documents.label_formats import find_labelled_pages, left_out
from train_easyocr.documents.page_sums import page_sum, read_page_sums

pytestmark = pytest.mark.slow

FORMS = ("aihub", "ppocrlabel", "icdar2013", "icdar2015")
ALL = ("--training", "--validation", "--evaluation", "--workers", "1", "val_images=2", "eval_images=1")
SETS = "training_and_validation_set"


def drawn(output):
    """The pages of each set."""
    folders = (
        output / SETS / "training/select_data",
        output / SETS / "validation/select_data",
        output / "evaluation_set",
    )
    return [json.loads((folder / "manifest.json").read_bytes())["pages"] for folder in folders]


def skipped(folder):
    with (folder / "skipped.csv").open(encoding="utf-8", newline="") as file:
        return [(row["page"], row["id"], row["reason"]) for row in csv.DictReader(file)]


def test_all_forms_give_the_same_patches(tmp_path, run):
    outputs = {form: tmp_path / form for form in FORMS}
    for form, output in outputs.items():
        folder = own_folder(tmp_path / f"{form} 원본", form)
        status, out, _ = run("--from", folder, "--output", output, *ALL)
        assert status == 0
        assert f"{PAGES} pages with labels in the form {form}" in out
    first = outputs["aihub"]
    training, validation, evaluation = drawn(first)
    assert len({*training, *validation, *evaluation}) == PAGES
    assert (len(training), len(validation), len(evaluation)) == (5, 1, 1)
    patches = tree(first / SETS / "training/select_data/images")
    assert len(patches) == 40
    labels = list(read_rows(first / SETS / "training/select_data/labels.csv"))
    for form, output in outputs.items():
        found = output / SETS / "training/select_data"
        stems = [[name.rpartition("/")[2] for name in part] for part in drawn(output)]
        assert stems == [[name.rpartition("/")[2] for name in part] for part in drawn(first)], form
        assert tree(found / "images") == patches, form
        assert list(read_rows(found / "labels.csv")) == labels, form
        pages_of_evaluation = find_pages(output / "evaluation_set")[0]
        assert [read_labelled_page(page).words for page in pages_of_evaluation] == [
            read_labelled_page(page).words for page in find_pages(first / "evaluation_set")[0]
        ]


def test_what_is_broken_or_not_to_be_read_is_left_out_and_counted(tmp_path, run):
    folder = own_folder(tmp_path / "원본", "icdar2015")
    for path in (folder / "labels").rglob("*.txt"):
        write(path, path.read_text(encoding="utf-8") + "1,1,9,1,9,9,1,9,###\n깨진 줄\n")
    write(folder / "labels/남는 것.txt", "1,1,9,1,9,9,1,9,가")
    status, out, err = run("--from", folder, "--output", tmp_path / "set", *ALL)
    assert status == 0
    assert f"남는 것.txt: {NO_IMAGE}" in err
    training = tmp_path / "set" / SETS / "training/select_data"
    assert len(list((training / "images").iterdir())) == 40
    rows = skipped(training)
    assert rows[0] == ("labels/남는 것.txt", "", NO_IMAGE)
    name = drawn(tmp_path / "set")[0][0]
    stem = name.rpartition("/")[2]
    assert rows[1:3] == [
        (name, f"line 9 of {stem}.txt", IGNORED),
        (name, f"line 10 of {stem}.txt", MALFORMED_ANNOTATION),
    ]
    assert len(rows) == 11
    assert f"skipped: {IGNORED}" in out
    counts, _ = left_out(find_pages(tmp_path / "set/evaluation_set")[0])
    assert counts == {IGNORED: 1, MALFORMED_ANNOTATION: 1}


def test_a_label_that_is_mended_makes_the_set_anew_though_its_size_is_the_same(tmp_path, run):
    folder = own_folder(tmp_path / "원본", "ppocrlabel")
    command = ("--from", folder, "--output", tmp_path / "set", "--training", "--workers", 1)
    run(*command)
    before = tree(tmp_path / "set")
    assert "nothing to do" in run(*command)[1]
    assert tree(tmp_path / "set") == before
    old, new = (json.dumps(text)[1:-1] for text in ("행정", "헹정"))
    label = (folder / "Label.txt").read_text(encoding="utf-8")
    write(folder / "Label.txt", label.replace(old, new))
    assert "have changed, or their labels" in run(*command)[1]
    texts = [text for _, text in read_rows(tmp_path / "set" / SETS / "training/select_data/labels.csv")]
    assert "헹정" in texts
    assert "행정" not in texts


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_each_set_can_be_made_alone_and_never_meets_another(tmp_path, run, order):
    folder = own_folder(tmp_path / "원본", "ppocrlabel")
    for index in order:
        run("--from", folder, "--output", tmp_path / "set", ALL[index], *ALL[3:])
    found = drawn(tmp_path / "set")
    assert [len(part) for part in found] == [5, 1, 1]
    assert len({name for part in found for name in part}) == PAGES
    for index, purpose in enumerate(("training", "validation", "evaluation")):
        status, _, err = run("--from", folder, "--output", tmp_path / "set", ALL[index], *ALL[3:], "seed=5")
        assert (status, f"of the pages drawn for {purpose} are in" in err) == (1, True)
    assert drawn(tmp_path / "set") == found
    assert run("--from", folder, "--output", tmp_path / "set", *ALL, "seed=5")[0] == 0  # all anew
    assert len({name for part in drawn(tmp_path / "set") for name in part}) == PAGES
    assert drawn(tmp_path / "set") != found


def test_check_reads_a_folder_of_ones_own(tmp_path, run):
    folder = own_folder(tmp_path / "원본", "icdar2013")
    before = tree(tmp_path)
    status, out, _ = run("--from", folder, "--check", "--workers", 1)
    assert (status, "56" in out, tree(tmp_path)) == (0, True, before)


@pytest.mark.parametrize(
    ("wanted", "arguments", "said"),
    [
        (2, ("--from", "{folder}", "--training"), "say where to write with --output DIR"),
        (2, ("--from", "{folder}", "--output", "{folder}/set", "--training"), "outside of that folder"),
        (1, ("--from", "{folder}/images", "--output", "{tmp}/set", "--training"), "expected are images"),
        (1, ("--from", "{tmp}/없음", "--output", "{tmp}/set", "--training"), "there is no such folder"),
        (1, ("--from", "{folder}", "--output", "{tmp}/set", "--training", "--label_format", "icdar2013"), "icdar2013"),
    ],
)
def test_mistakes_are_one_clear_message(tmp_path, run, wanted, arguments, said):
    folder = own_folder(tmp_path / "원본", "aihub")
    arguments = [argument.format(folder=folder, tmp=tmp_path) for argument in arguments]
    status, out, err = run(*arguments)
    assert (status, out) == (wanted, "")
    assert err.count("\n") == 1
    assert said in err
    assert not (tmp_path / "set").exists()


def test_two_pages_can_not_be_shared_between_three_sets(tmp_path, run):
    folder = own_folder(tmp_path / "원본", "icdar2015")
    for path in sorted((folder / "images").rglob("*.jpg"))[2:]:
        path.unlink()
    status, _, err = run("--from", folder, "--output", tmp_path / "set", *ALL)
    assert status == 1
    assert "2 pages can't be shared between evaluation, validation, training" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "x", "--unzip"), "takes the place of the download"),
        (("--from", "x", "--dataset", "x"), "takes the place of the download"),
        (("--label_format", "icdar2015"), "about the labels of --from"),
        (("--from", "x", "--label_format", "yolo"), "ppocrlabel"),
    ],
)
def test_options_that_do_not_go_together(arguments, said, capsys):
    with pytest.raises(SystemExit):
        prepare_dataset.main(["--training", *arguments])
    assert said in capsys.readouterr().err


def sums_drawn(output):
    """The sums of the images of each set."""
    sets = (output / SETS / "training/select_data", output / SETS / "validation/select_data", output / "evaluation_set")
    return [set(read_page_sums(folder).values()) for folder in sets]


def add_pages(folder, number):
    """Write other pages, and copies of all there are under other names."""
    for image in sorted((folder / "images").rglob("*.jpg")):
        label = folder / "labels" / image.relative_to(folder / "images").with_suffix(".txt")
        shutil.copy(image, image.with_name(f"사본 {image.name}"))
        shutil.copy(label, label.with_name(f"사본 {label.name}"))
    page = Image.open(image)
    for count in range(number):
        write(label.with_name(f"새 쪽 {count}.txt"), label.read_text(encoding="utf-8"))
        page.save(image.with_name(f"새 쪽 {count}.jpg"), quality=60 + count)


@pytest.mark.parametrize("again", ["set", "another"])
def test_pages_that_are_added_move_none_from_a_set_to_another(tmp_path, run, again):
    folder = own_folder(tmp_path / "원본", "icdar2015")
    command = ("--from", folder, "--training", "--validation", "--evaluation", "--workers", 1)
    assert run(*command, "--output", tmp_path / "set")[0] == 0
    names, before = drawn(tmp_path / "set"), sums_drawn(tmp_path / "set")
    assert [len(part) for part in names] == [len(part) for part in before]
    files = {path.stem: path for path in (folder / "images").rglob("*.jpg")}
    assert before[0] == {page_sum(files[name.rpartition("/")[2]].read_bytes()) for name in names[0]}
    assert sum(map(len, before)) == PAGES
    add_pages(folder, 30)
    assert run(*command, "--output", tmp_path / again)[0] == 0
    after = sums_drawn(tmp_path / again)
    assert len(set.union(*after)) == sum(map(len, after)) == PAGES + 30
    if again == "set":
        assert all(old <= new for old, new in zip(before, after, strict=True))
    assert all(len(part) >= (PAGES + 30) // 10 for part in after)
    # A copy is where its page is.
    assert sum(map(len, drawn(tmp_path / again))) == 2 * PAGES + 30


def test_sets_of_an_older_version_keep_their_pages(tmp_path, run):
    folder = own_folder(tmp_path / "원본", "icdar2015")
    command = ("--from", folder, "--output", tmp_path / "set", *ALL[:5])
    run(*command)
    moved = drawn(tmp_path / "set")
    moved[0][0], moved[2][0] = moved[2][0], moved[0][0]  # as that version may have drawn
    sets = (SETS + "/training/select_data", SETS + "/validation/select_data", "evaluation_set")
    for name, pages in zip(sets, moved, strict=True):
        manifest = tmp_path / "set" / name / "manifest.json"
        manifest.write_text(json.dumps(json.loads(manifest.read_bytes()) | {"pages": sorted(pages)}))
        (manifest.parent / "pages.csv").unlink()
    run(*command)
    assert drawn(tmp_path / "set") == [sorted(pages) for pages in moved]


def test_tilted_words_are_cut_straight(tmp_path, run):
    folder = own_folder(tmp_path / "원본", "icdar2015")
    corners = [[20, 32], [90, 12], [95, 28], [25, 48]]
    line = ",".join(str(number) for corner in corners for number in corner) + ",기울어진"
    for path in (folder / "labels").rglob("*.txt"):
        write(path, path.read_text(encoding="utf-8") + f"{line}\n")
    assert run("--from", folder, "--output", tmp_path / "set", *ALL)[0] == 0
    training = tmp_path / "set" / SETS / "training/select_data"
    names = [name for name, text in read_rows(training / "labels.csv") if text == "기울어진"]
    assert len(names) == len(drawn(tmp_path / "set")[0])
    images = {path.stem: path for path in (folder / "images").rglob("*.jpg")}
    for name in names:
        stem, _, place = name.removesuffix(".png").rpartition("_")
        assert place == "20-12-95-48"
        page = decode_image(images[stem].read_bytes())
        patch = decode_image((training / "images" / name).read_bytes())
        assert np.array_equal(patch, four_point_transform(page, np.float32(corners)))
    evaluation = [read_labelled_page(page).words for page in find_pages(tmp_path / "set" / "evaluation_set")[0]]
    assert all(words[-1].corners == tuple(map(tuple, corners)) for words in evaluation)


@pytest.mark.parametrize("form", ["aihub", "icdar2013", "ppocrlabel"])
def test_pages_that_a_list_calls_partly_labelled_train_the_recognizer_alone(tmp_path, run, form):
    folder, output = own_folder(tmp_path / "쪽", form), tmp_path / "set"
    names = [page.name for page in find_labelled_pages(folder).pages]
    partly = names[1:4]
    (folder / PARTLY_LIST).write_text("\r\n".join([*partly, "없음"]), encoding="utf-8-sig")
    status, out, _ = run("--from", folder, "--output", output, *ALL)
    training, validation, evaluation = drawn(output)
    assert (status, sorted(training + validation + evaluation)) == (0, names)
    assert set(partly) <= set(training)
    assert "training: 3 pages are only partly labelled" in out
    assert (output / "partly_labelled_pages/select_data.txt").read_text(encoding="utf-8").split() == partly
    # Neither the detector's pages, wherever they are from, nor those of an evaluation are among them.
    own = output / "detector_pages/select_data/training.txt"
    assert own.read_text(encoding="utf-8").split() == [name for name in training if name not in partly]
    pages, problems = find_split(str(folder), tmp_path, "training")
    assert [page.name for page in pages] == [name for name in names if name not in partly]
    assert [problem.name for problem in problems if problem.reason == PARTLY] == partly
    found = find_labelled_pages(folder)  # as step 5 finds them
    assert [page.name for page in found.pages] == [page.name for page in pages]
    assert [page.name for page in found.partly] == partly
    _, out, _ = run("--from", folder, "--check", "--workers", "1")
    assert "of these on partly labelled pages         |         24" in out
    assert "all (partly labelled) | 3 " in out


def test_a_folder_of_partly_labelled_pages_alone_is_refused(tmp_path, run):
    folder = own_folder(tmp_path / "쪽", "icdar2015")
    names = [page.name for page in find_labelled_pages(folder).pages]
    (folder / PARTLY_LIST).write_text("\n".join(names), encoding="utf-8")
    status, _, err = run("--from", folder, "--output", tmp_path / "set", *ALL)
    assert status == 1 and "all 7 pages are only partly labelled" in err


def test_a_partly_labelled_copy_of_an_evaluated_page_does_not_train(tmp_path, run):
    folder, output = own_folder(tmp_path / "쪽", "aihub"), tmp_path / "set"
    run("--from", folder, "--output", output, *ALL)
    _, _, (evaluated,) = drawn(output)
    shutil.rmtree(output)
    for kind, suffix in (("images", ".jpg"), ("labels", ".json")):
        file = folder / kind / f"{evaluated}{suffix}"
        shutil.copy(file, file.with_name(f"사본{suffix}"))
    copy = f"{evaluated.rpartition('/')[0]}/사본"
    (folder / PARTLY_LIST).write_text(copy, encoding="utf-8")
    assert run("--from", folder, "--output", output, *ALL)[0] == 0
    assert drawn(output)[2] == [evaluated]
    assert copy not in drawn(output)[0]
